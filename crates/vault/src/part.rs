//! One part: compressed, padded and sealed by itself, and opened again.

use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use miniz_oxide::{
    deflate::core::{
        CompressorOxide, TDEFLFlush, TDEFLStatus, compress, create_comp_flags_from_zip_params,
    },
    inflate::decompress_to_vec_with_limit,
};
use protocol::{
    DecodeError, Part, WorkspaceId, domain,
    limits::{MAX_PART_BYTES, MAX_SEALED_PART_BYTES},
    message,
};
use zeroize::Zeroizing;

use crate::{
    WorkspaceKey,
    entropy::{Entropy, draw},
};

const SEAL_VERSION: u8 = 1;
const NONCE_LEN: usize = 24;
const FRAME_LEN: usize = 5;
const PADDING: usize = 32;
const STORED: u8 = 0;
const DEFLATE: u8 = 1;

/// The deflate level: parts are small, so higher ones cost time and win nothing.
const LEVEL: i32 = 6;

/// A deflate compressor that serves part after part, because making one costs more than compressing a small part.
pub(crate) struct Deflater(CompressorOxide);

impl Deflater {
    pub(crate) fn new() -> Self {
        // Window bits of 0 ask for raw deflate, strategy 0 is the default one.
        Deflater(CompressorOxide::new(create_comp_flags_from_zip_params(
            LEVEL, 0, 0,
        )))
    }

    /// Compresses the bytes, or gives none when they do not become fewer.
    fn deflate(&mut self, clear: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        self.0.reset();
        let mut out = Zeroizing::new(vec![0; clear.len().saturating_sub(1)]);
        let (status, _, len) = compress(&mut self.0, clear, &mut out, TDEFLFlush::Finish);
        out.truncate(len);
        (status == TDEFLStatus::Done).then_some(out)
    }
}

/// Says why a sealed part cannot be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PartError {
    /// The part was not sealed with this key for this workspace and epoch, or was changed.
    #[error("the seal of a part is broken")]
    Seal,
    /// The frame around the compressed bytes is not what it should be.
    #[error("the frame of a part is malformed: {why}")]
    Frame {
        /// What is wrong.
        why: &'static str,
    },
    /// The bytes do not inflate, or to more than a part may have.
    #[error("a part does not inflate within {MAX_PART_BYTES} bytes")]
    Inflate,
    /// The clear bytes are not a part.
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

fn associated_data(workspace: &WorkspaceId, epoch: u32, key: &WorkspaceKey) -> Vec<u8> {
    message(
        domain::SEAL,
        &[
            &[SEAL_VERSION],
            workspace.as_bytes(),
            &epoch.to_be_bytes(),
            key.id().as_bytes(),
        ],
    )
}

/// Compresses, pads and seals a part; 24 bytes are drawn for the nonce.
pub fn seal_part(
    part: &Part,
    workspace: &WorkspaceId,
    epoch: u32,
    key: &WorkspaceKey,
    entropy: &mut (impl Entropy + ?Sized),
) -> Vec<u8> {
    seal_part_with(&mut Deflater::new(), part, workspace, epoch, key, entropy)
}

pub(crate) fn seal_part_with(
    deflater: &mut Deflater,
    part: &Part,
    workspace: &WorkspaceId,
    epoch: u32,
    key: &WorkspaceKey,
    entropy: &mut (impl Entropy + ?Sized),
) -> Vec<u8> {
    let framed = Zeroizing::new(frame(&Zeroizing::new(part.encode()), deflater));
    let nonce: [u8; NONCE_LEN] = draw(entropy);
    let sealed = XChaCha20Poly1305::new(key.as_bytes().into())
        .encrypt(
            &XNonce::from(nonce),
            Payload {
                msg: &framed,
                aad: &associated_data(workspace, epoch, key),
            },
        )
        .expect("a part is far shorter than what the cipher can seal");
    let mut bytes = Vec::with_capacity(NONCE_LEN + sealed.len());
    bytes.extend_from_slice(&nonce);
    bytes.extend_from_slice(&sealed);
    bytes
}

/// Opens a sealed part; everything in it is bounded before memory is taken for it.
pub fn open_part(
    sealed: &[u8],
    workspace: &WorkspaceId,
    epoch: u32,
    key: &WorkspaceKey,
) -> Result<Part, PartError> {
    if sealed.len() > MAX_SEALED_PART_BYTES {
        return Err(DecodeError::TooLarge {
            what: "sealed part",
            bytes: sealed.len(),
            limit: MAX_SEALED_PART_BYTES,
        }
        .into());
    }
    let (nonce, ciphertext) = sealed
        .split_first_chunk::<NONCE_LEN>()
        .ok_or(PartError::Seal)?;
    let framed = XChaCha20Poly1305::new(key.as_bytes().into())
        .decrypt(
            &XNonce::from(*nonce),
            Payload {
                msg: ciphertext,
                aad: &associated_data(workspace, epoch, key),
            },
        )
        .map(Zeroizing::new)
        .map_err(|_| PartError::Seal)?;
    Ok(Part::decode(&unframe(&framed)?)?)
}

fn frame(clear: &[u8], deflater: &mut Deflater) -> Vec<u8> {
    let deflated = deflater.deflate(clear);
    let (algorithm, bytes) = match &deflated {
        Some(deflated) => (DEFLATE, deflated.as_slice()),
        None => (STORED, clear),
    };
    let len = u32::try_from(bytes.len()).expect("a part is far shorter than 4 GiB");
    let padded = (FRAME_LEN + bytes.len()).next_multiple_of(PADDING);
    let mut framed = Vec::with_capacity(padded);
    framed.push(algorithm);
    framed.extend_from_slice(&len.to_be_bytes());
    framed.extend_from_slice(bytes);
    framed.resize(padded, 0);
    framed
}

fn unframe(framed: &[u8]) -> Result<Zeroizing<Vec<u8>>, PartError> {
    let malformed = |why| PartError::Frame { why };
    let ([algorithm, len @ ..], rest) = framed
        .split_first_chunk::<FRAME_LEN>()
        .ok_or(malformed("too short"))?;
    let len = u32::from_be_bytes(*len) as usize;
    let (bytes, padding) = rest
        .split_at_checked(len)
        .ok_or(malformed("longer than it is"))?;
    if !framed.len().is_multiple_of(PADDING)
        || padding.len() >= PADDING
        || padding.iter().any(|byte| *byte != 0)
    {
        return Err(malformed("wrong padding"));
    }
    match *algorithm {
        STORED => Ok(Zeroizing::new(bytes.to_vec())),
        DEFLATE => decompress_to_vec_with_limit(bytes, MAX_PART_BYTES)
            .map(Zeroizing::new)
            .map_err(|_| PartError::Inflate),
        _ => Err(malformed("unknown compression")),
    }
}

#[cfg(test)]
mod tests {
    use protocol::RecordId;

    use super::*;

    fn key() -> WorkspaceKey {
        WorkspaceKey::generate(&mut |bytes: &mut [u8]| bytes.fill(7))
    }

    fn sealed_frame(framed: &[u8]) -> Vec<u8> {
        let workspace = WorkspaceId::ZERO;
        let sealed = XChaCha20Poly1305::new(key().as_bytes().into())
            .encrypt(
                &XNonce::from([0; NONCE_LEN]),
                Payload {
                    msg: framed,
                    aad: &associated_data(&workspace, 1, &key()),
                },
            )
            .expect("seals");
        [&[0; NONCE_LEN][..], &sealed].concat()
    }

    fn open(sealed: &[u8]) -> Result<Part, PartError> {
        open_part(sealed, &WorkspaceId::ZERO, 1, &key())
    }

    #[test]
    fn a_bomb_is_not_inflated() {
        let bomb = Deflater::new()
            .deflate(&vec![0; MAX_PART_BYTES + 1])
            .expect("zeros shrink");
        let mut framed = vec![DEFLATE];
        framed.extend_from_slice(&(bomb.len() as u32).to_be_bytes());
        framed.extend_from_slice(&bomb);
        framed.resize(framed.len().next_multiple_of(PADDING), 0);
        assert_eq!(open(&sealed_frame(&framed)), Err(PartError::Inflate));
    }

    #[test]
    fn one_deflater_serves_many() {
        let mut deflater = Deflater::new();
        for seed in 0..50u8 {
            let part = Part::Record {
                record: RecordId::from_bytes([seed; 16]),
                changes: vec![b"all alike ".repeat(usize::from(seed)).into()],
            };
            let workspace = WorkspaceId::ZERO;
            let mut entropy = |bytes: &mut [u8]| bytes.fill(seed);
            let sealed = seal_part_with(&mut deflater, &part, &workspace, 1, &key(), &mut entropy);
            let alone = seal_part(&part, &workspace, 1, &key(), &mut entropy);
            assert_eq!(sealed, alone, "nothing of earlier parts shows");
            assert_eq!(open(&sealed), Ok(part));
        }
    }

    #[test]
    fn odd_frames_are_refused() {
        let good = frame(
            &Part::Record {
                record: RecordId::ZERO,
                changes: vec![],
            }
            .encode(),
            &mut Deflater::new(),
        );
        assert!(open(&sealed_frame(&good)).is_ok());
        let mut more_padding = good.clone();
        more_padding.extend_from_slice(&[0; PADDING]);
        let mut dirty_padding = good.clone();
        *dirty_padding.last_mut().expect("not empty") = 1;
        let mut too_long = good.clone();
        too_long[1] = 0xff;
        let mut unknown = good.clone();
        unknown[0] = 2;
        for framed in [&more_padding, &dirty_padding, &too_long, &unknown, &vec![]] {
            assert!(matches!(
                open(&sealed_frame(framed)),
                Err(PartError::Frame { .. })
            ));
        }
    }

    #[test]
    fn size_shows_only_in_steps() {
        for len in 0..200 {
            let part = Part::Record {
                record: RecordId::ZERO,
                changes: vec![vec![1; len].into()],
            };
            let sealed = seal_part(
                &part,
                &WorkspaceId::ZERO,
                1,
                &key(),
                &mut |b: &mut [u8]| b.fill(3),
            );
            assert_eq!((sealed.len() - NONCE_LEN - 16) % PADDING, 0);
            assert_eq!(open(&sealed), Ok(part));
        }
    }
}
