//! The messages of a session between client and relay, one binary WebSocket message each.

mod greeting;
mod refusal;
mod roster;
mod traffic;

use minicbor::{Decoder, Encode, Encoder};

pub use greeting::{Challenge, Hello, LogStart, Prove, Welcome};
pub use refusal::{Refusal, Refused};
pub use roster::{RosterAppend, RosterGrew, RosterMore, RosterMoved};
pub use traffic::{
    Bye, Carry, Heads, HeadsPurpose, Held, Log, LogItem, LogPlace, Push, Stored, Want,
};

use crate::{
    Blob, DecodeError, canonical,
    limits::{
        MAX_BATCH_ENVELOPES, MAX_ENVELOPE_BYTES, MAX_FRAME_BYTES, MAX_HEADS,
        MAX_ROSTER_ENTRIES_PER_FRAME, MAX_ROSTER_ENTRY_BYTES, MAX_TEXT_BYTES, MAX_VERSIONS,
    },
};

macro_rules! frames {
    ($($(#[$doc:meta])* $tag:literal $name:ident,)*) => {
        /// One message of a session.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Frame {
            $($(#[$doc])* $name($name),)*
        }

        impl Frame {
            /// Writes the frame.
            pub fn encode(&self) -> Vec<u8> {
                match self {
                    $(Frame::$name(frame) => tagged($tag, frame),)*
                }
            }

            /// Reads a frame, and checks sizes and counts but neither hashes nor signatures.
            pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
                canonical::check_size("frame", MAX_FRAME_BYTES, bytes)?;
                canonical::check(bytes)?;
                let mut decoder = Decoder::new(bytes);
                let malformed = |error| DecodeError::malformed("frame", error);
                if decoder.array().map_err(malformed)? != Some(2) {
                    return Err(DecodeError::malformed("frame", "expected a tag and a map"));
                }
                let frame = match decoder.u64().map_err(malformed)? {
                    $($tag => Frame::$name(decoder.decode().map_err(malformed)?),)*
                    tag => return Err(DecodeError::UnknownFrame { tag }),
                };
                frame.check()?;
                Ok(frame)
            }

            /// Returns the tag of a frame without reading the rest; none where there is not even that.
            pub fn tag_of(bytes: &[u8]) -> Option<u64> {
                let mut decoder = Decoder::new(bytes);
                let is_frame = decoder.array().ok()? == Some(2);
                is_frame.then(|| decoder.u64().ok())?
            }

            /// Returns the name of the frame, for logs.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Frame::$name(_) => stringify!($name),)*
                }
            }
        }

        $(impl $name {
            /// The tag of the frame.
            pub const TAG: u64 = $tag;
        }

        impl From<$name> for Frame {
            fn from(frame: $name) -> Self {
                Frame::$name(frame)
            }
        })*
    };
}

frames! {
    /// The client says who it is.
    0 Hello,
    /// The relay proves itself and challenges.
    1 Challenge,
    /// The client proves that it holds the key.
    2 Prove,
    /// The relay lets the client in.
    3 Welcome,
    /// The client sends envelopes of its own feed.
    4 Push,
    /// The relay has them durably.
    5 Stored,
    /// The relay sends from its log.
    6 Log,
    /// The client adds to the roster.
    7 RosterAppend,
    /// The roster grew.
    8 RosterGrew,
    /// The roster had grown, so an append was not taken.
    9 RosterMoved,
    /// The relay refuses.
    10 Refused,
    /// Every feed with its place.
    11 Heads,
    /// A side asks for a piece of a feed.
    12 Want,
    /// A side sends envelopes of any feeds.
    13 Carry,
    /// A side leaves.
    14 Bye,
    /// The client goes on with the roster that began in its proof.
    15 RosterMore,
    /// Envelopes of a revoked feed that are kept apart.
    16 Held,
}

fn tagged<T: Encode<()>>(tag: u8, frame: &T) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    encoder
        .array(2)
        .and_then(|e| e.u8(tag))
        .and_then(|e| e.encode(frame))
        .expect("writing to memory cannot fail");
    encoder.into_writer()
}

impl Frame {
    fn check(&self) -> Result<(), DecodeError> {
        match self {
            Frame::Hello(hello) => {
                canonical::check_count("versions", MAX_VERSIONS, hello.versions.len())
            }
            Frame::Prove(prove) if prove.more && prove.entries.is_none() => Err(
                DecodeError::malformed("frame", "more of a roster that has not begun"),
            ),
            Frame::Prove(prove) => check_entries(prove.entries.as_deref().unwrap_or_default()),
            Frame::RosterMore(more) if more.entries.is_empty() => Err(DecodeError::malformed(
                "frame",
                "a further piece of the roster holds at least one entry",
            )),
            Frame::RosterMore(more) => check_entries(&more.entries),
            Frame::Welcome(welcome)
                if welcome.log_start.is_some_and(|start| start.sequence == 0) =>
            {
                Err(DecodeError::malformed(
                    "frame",
                    "a log begins at 1 or later",
                ))
            }
            Frame::Welcome(welcome) => check_entries(&welcome.entries),
            Frame::Push(push) => check_envelopes(&push.envelopes),
            Frame::Log(log) => {
                canonical::check_count("log items", MAX_BATCH_ENVELOPES, log.items.len())?;
                for item in &log.items {
                    if let LogItem::Envelope { envelope, .. } = item {
                        canonical::check_size("envelope", MAX_ENVELOPE_BYTES, envelope)?;
                    }
                }
                if log.first == 0 || log.first.checked_add(log.items.len() as u64).is_none() {
                    return Err(DecodeError::malformed(
                        "frame",
                        "sequences of a log begin at 1 and fit 64 bits",
                    ));
                }
                Ok(())
            }
            Frame::RosterAppend(append) => check_entries(&append.entries),
            Frame::RosterGrew(grew) => check_entries(&grew.entries),
            Frame::RosterMoved(moved) => check_entries(&moved.entries),
            Frame::Refused(refused) => {
                canonical::check_size("text", MAX_TEXT_BYTES, refused.text.as_bytes())
            }
            Frame::Heads(heads) => canonical::check_count("heads", MAX_HEADS, heads.heads.len()),
            Frame::Want(want) if want.from == 0 || want.from > want.to => {
                Err(DecodeError::malformed(
                    "frame",
                    "a wanted piece goes from 1 or later to no earlier",
                ))
            }
            Frame::Carry(carry) => check_envelopes(&carry.envelopes),
            Frame::Held(held) => check_envelopes(&held.envelopes),
            Frame::Bye(bye) => canonical::check_size("text", MAX_TEXT_BYTES, bye.text.as_bytes()),
            Frame::Challenge(_) | Frame::Stored(_) | Frame::Want(_) => Ok(()),
        }
    }
}

fn check_entries(entries: &[Blob]) -> Result<(), DecodeError> {
    canonical::check_count(
        "roster entries",
        MAX_ROSTER_ENTRIES_PER_FRAME,
        entries.len(),
    )?;
    for entry in entries {
        canonical::check_size("roster entry", MAX_ROSTER_ENTRY_BYTES, entry)?;
    }
    Ok(())
}

fn check_envelopes(envelopes: &[Blob]) -> Result<(), DecodeError> {
    canonical::check_count("envelopes", MAX_BATCH_ENVELOPES, envelopes.len())?;
    for envelope in envelopes {
        canonical::check_size("envelope", MAX_ENVELOPE_BYTES, envelope)?;
    }
    Ok(())
}
