//! The bytes in which a replica keeps document views: a cache of its own, rebuilt from the documents at need.

use minicbor::decode::Error as DecodeError;
use minicbor::{Decoder, Encoder};

use crate::doc::{Candidate, DocView, OpId, Origin};
use crate::id::{Author, IntentId, RecordId};
use crate::kind::KINDS;
use crate::register::Register;

/// The layout's version; views of another version are rebuilt from their documents.
const LAYOUT: u8 = 2;

/// Says that the bytes of a view are not of this version or damaged; the view is to be rebuilt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a stored view cannot be read and must be rebuilt: {reason}")]
pub struct ViewBytesError {
    /// What the decoder found.
    pub reason: String,
}

impl DocView {
    /// Writes the view for the store.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut encoder = Encoder::new(Vec::with_capacity(256));
        write(&mut encoder, self).expect("writing to memory cannot fail");
        encoder.into_writer()
    }

    /// Reads a view that the store kept.
    pub fn from_bytes(id: RecordId, bytes: &[u8]) -> Result<Self, ViewBytesError> {
        read(&mut Decoder::new(bytes), id).map_err(|error| ViewBytesError {
            reason: error.to_string(),
        })
    }
}

type Written = Result<(), minicbor::encode::Error<std::convert::Infallible>>;

fn write(out: &mut Encoder<Vec<u8>>, view: &DocView) -> Written {
    let kind = view
        .kind
        .and_then(|kind| KINDS.iter().position(|other| *other == kind));
    out.u8(LAYOUT)?
        .u8(kind.map_or(u8::MAX, |at| at as u8))?
        .str(&view.note)?
        .i64(view.changed_ms)?;
    match view.created {
        Some(origin) => {
            let operation = origin
                .operation
                .as_ref()
                .map_or(&[][..], |id| id.as_bytes());
            out.bytes(origin.author.as_bytes())?
                .i64(origin.time_ms)?
                .bytes(operation)?
        }
        None => out.bytes(&[])?.i64(0)?.bytes(&[])?,
    };
    // Actors recur in a document, so each is written once and named by its place.
    let mut actors: Vec<[u8; 20]> = view
        .registers
        .values()
        .flatten()
        .map(|one| one.op.actor)
        .collect();
    actors.sort_unstable();
    actors.dedup();
    out.array(actors.len() as u64)?;
    actors.iter().try_for_each(|actor| out.bytes(actor)?.ok())?;
    out.array(view.registers.len() as u64)?;
    for (key, candidates) in &view.registers {
        out.str(key)?.array(candidates.len() as u64)?;
        for one in candidates {
            let actor = actors.partition_point(|actor| *actor < one.op.actor);
            out.u64(one.op.counter)?
                .u32(actor as u32)?
                .i64(one.time_ms)?
                .bytes(one.register.as_bytes())?;
        }
    }
    Ok(())
}

fn count(decoder: &mut Decoder<'_>) -> Result<u64, DecodeError> {
    decoder
        .array()?
        .ok_or_else(|| DecodeError::message("indefinite length"))
}

fn fixed<const N: usize>(bytes: &[u8]) -> Result<[u8; N], DecodeError> {
    bytes
        .try_into()
        .map_err(|_| DecodeError::message("bytes of a wrong length"))
}

fn read(input: &mut Decoder<'_>, id: RecordId) -> Result<DocView, DecodeError> {
    if input.u8()? != LAYOUT {
        return Err(DecodeError::message("another layout"));
    }
    let mut view = DocView::empty(id);
    view.kind = KINDS.get(usize::from(input.u8()?)).copied();
    view.note = input.str()?.to_owned();
    view.changed_ms = input.i64()?;
    let author = input.bytes()?;
    let time_ms = input.i64()?;
    let operation = input.bytes()?;
    if !author.is_empty() {
        let operation = match operation {
            [] => None,
            bytes => Some(IntentId::from_bytes(fixed(bytes)?)),
        };
        let author = Author::from_bytes(fixed(author)?);
        view.created = Some(Origin {
            author,
            time_ms,
            operation,
        });
    }
    let mut actors: Vec<[u8; 20]> = Vec::new();
    for _ in 0..count(input)? {
        actors.push(fixed(input.bytes()?)?);
    }
    for _ in 0..count(input)? {
        let key = input.str()?.to_owned();
        let mut candidates = Vec::new();
        for _ in 0..count(input)? {
            let counter = input.u64()?;
            let actor = *actors
                .get(input.u32()? as usize)
                .ok_or_else(|| DecodeError::message("no such actor"))?;
            let time_ms = input.i64()?;
            let register = Register::trusted(input.bytes()?.into());
            candidates.push(Candidate {
                register,
                op: OpId { counter, actor },
                time_ms,
            });
        }
        view.registers.insert(key, candidates);
    }
    // The version that kept this view may not have known the kind.
    view.kind = DocView::kind_of(id, view.candidates("record")).or(view.kind);
    Ok(view)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Stamp;
    use crate::value::Value;

    #[test]
    fn a_view_is_kept_and_read() {
        let mut view = DocView::empty(RecordId::from_bytes([1; 16]));
        view.kind = Some(crate::Kind::Offer);
        view.note = "Grüße".into();
        view.created = Some(Origin {
            author: Author::from_bytes([2; 12]),
            time_ms: 5,
            operation: Some(IntentId::from_bytes([3; 16])),
        });
        let candidate = |byte: u8| Candidate {
            register: Register::new(
                Stamp::from_bytes([byte; 8]),
                Some(Value::Text("x".into()).to_map()),
            ),
            op: OpId {
                counter: u64::from(byte),
                actor: [byte; 20],
            },
            time_ms: 7,
        };
        view.registers
            .insert("name".into(), vec![candidate(1), candidate(2)]);
        view.registers.insert("date".into(), vec![candidate(1)]);
        assert_eq!(
            DocView::from_bytes(view.id, &view.to_bytes()),
            Ok(view.clone())
        );
        let bytes = view.to_bytes();
        for end in 0..bytes.len() {
            assert!(
                DocView::from_bytes(view.id, &bytes[..end]).is_err(),
                "cut at {end}"
            );
        }
    }
}
