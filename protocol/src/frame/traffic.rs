//! How envelopes travel in a session.

use minicbor::{
    Decode, Decoder, Encode, Encoder, decode,
    encode::{self, Write},
};

use crate::{Blob, Cut, EnvelopeHash, FeedId, LogHash, limits::MAX_HEADS};

/// Envelopes of the sender's own feed, contiguous.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Push {
    /// The envelopes.
    #[n(0)]
    pub envelopes: Vec<Blob>,
}

/// The sender's feed is durable up to here.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Stored {
    /// The place.
    #[n(0)]
    pub cut: Cut,
    /// Whether its end is kept apart for admins and not in the log, since the roster cuts the feed before it.
    #[n(1)]
    #[cbor(default, skip_if = "is_absent")]
    pub held: bool,
}

/// Tells whether a flag is left out of a map: one that is not set is.
fn is_absent(flag: &bool) -> bool {
    !flag
}

/// A piece of the log.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Log {
    /// The sequence of the first item, from 1.
    #[n(0)]
    pub first: u64,
    /// The items, one sequence after the other.
    #[n(1)]
    pub items: Vec<LogItem>,
}

/// One item of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogItem {
    /// An envelope.
    Envelope {
        /// When the relay received it, ms since 1970.
        received_ms: u64,
        /// Its bytes.
        envelope: Blob,
    },
    /// An envelope that the receiver itself had sent, by its name only.
    Own {
        /// When the relay received it, ms since 1970.
        received_ms: u64,
        /// Its hash.
        hash: EnvelopeHash,
        /// Its sequence in the receiver's feed.
        sequence: u64,
    },
}

impl LogItem {
    /// Returns when the relay received it, ms since 1970.
    pub fn received_ms(&self) -> u64 {
        match self {
            LogItem::Envelope { received_ms, .. } | LogItem::Own { received_ms, .. } => {
                *received_ms
            }
        }
    }
}

impl<C> Encode<C> for LogItem {
    fn encode<W: Write>(
        &self,
        e: &mut Encoder<W>,
        c: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        match self {
            LogItem::Envelope {
                received_ms,
                envelope,
            } => e.array(3)?.u8(0)?.u64(*received_ms)?.bytes(envelope)?.ok(),
            LogItem::Own {
                received_ms,
                hash,
                sequence,
            } => e
                .array(4)?
                .u8(1)?
                .u64(*received_ms)?
                .encode_with(hash, c)?
                .u64(*sequence)?
                .ok(),
        }
    }
}

impl<'b, C> Decode<'b, C> for LogItem {
    fn decode(d: &mut Decoder<'b>, c: &mut C) -> Result<Self, decode::Error> {
        let at = d.position();
        let len = d.array()?;
        match (d.u64()?, len) {
            (0, Some(3)) => Ok(LogItem::Envelope {
                received_ms: d.u64()?,
                envelope: d.decode_with(c)?,
            }),
            (1, Some(4)) => Ok(LogItem::Own {
                received_ms: d.u64()?,
                hash: d.decode_with(c)?,
                sequence: d.u64()?,
            }),
            _ => {
                Err(decode::Error::message("neither an envelope nor the name of an own one").at(at))
            }
        }
    }
}

/// The place of every feed.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Heads {
    /// One cut for each feed.
    #[n(0)]
    pub heads: Vec<Cut>,
    /// What they are for; none means a comparison.
    #[n(1)]
    pub purpose: Option<HeadsPurpose>,
    /// In a comparison: where the relay's log stood when these were its heads; from a client, where it goes on reading.
    #[n(2)]
    pub position: Option<LogPlace>,
    /// Whether further heads of the same comparison follow in the next frame.
    #[n(3)]
    #[cbor(default, skip_if = "is_absent")]
    pub more: bool,
}

impl Heads {
    /// Makes the heads of one frame that stands alone.
    pub fn of(purpose: HeadsPurpose, heads: Vec<Cut>) -> Self {
        Heads {
            heads,
            purpose: Some(purpose).filter(|purpose| *purpose != HeadsPurpose::Comparison),
            position: None,
            more: false,
        }
    }

    /// Returns what the heads are for.
    pub fn purpose(&self) -> HeadsPurpose {
        self.purpose.unwrap_or(HeadsPurpose::Comparison)
    }

    /// Cuts the heads of a comparison into as many frames as they need, at least one; the last has the position.
    pub fn comparison(heads: Vec<Cut>, position: Option<LogPlace>) -> Vec<Self> {
        let mut frames: Vec<Self> = heads
            .chunks(MAX_HEADS)
            .map(|heads| Heads {
                more: true,
                ..Heads::of(HeadsPurpose::Comparison, heads.to_vec())
            })
            .collect();
        if frames.is_empty() {
            frames.push(Heads::of(HeadsPurpose::Comparison, Vec::new()));
        }
        if let Some(last) = frames.last_mut() {
            last.more = false;
            last.position = position;
        }
        frames
    }
}

/// A place in the log of a life that both sides know: a sequence and the running hash there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct LogPlace {
    /// The sequence; 0 before the first entry.
    #[n(0)]
    pub sequence: u64,
    /// The running hash at that sequence.
    #[n(1)]
    pub running: LogHash,
}

/// What heads are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HeadsPurpose {
    /// Both sides find out what the other lacks, after the log did not continue.
    Comparison,
    /// An admin learns which feeds are held, and up to where.
    Held,
    /// An admin learns the heads that a revocation or demotion must name as cuts.
    Revocation,
    /// A client learns where the feeds of a carry stand in the log, now that it is durable.
    Carried,
    /// A purpose that a newer version has.
    Other(u32),
}

impl HeadsPurpose {
    /// Returns the number on the wire.
    pub fn code(self) -> u32 {
        match self {
            HeadsPurpose::Comparison => 0,
            HeadsPurpose::Held => 1,
            HeadsPurpose::Revocation => 2,
            HeadsPurpose::Carried => 3,
            HeadsPurpose::Other(code) => code,
        }
    }

    /// Takes the number on the wire.
    pub fn from_code(code: u32) -> Self {
        match code {
            0 => HeadsPurpose::Comparison,
            1 => HeadsPurpose::Held,
            2 => HeadsPurpose::Revocation,
            3 => HeadsPurpose::Carried,
            code => HeadsPurpose::Other(code),
        }
    }
}

impl<C> Encode<C> for HeadsPurpose {
    fn encode<W: Write>(
        &self,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        e.u32(self.code())?.ok()
    }
}

impl<'b, C> Decode<'b, C> for HeadsPurpose {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, decode::Error> {
        d.u32().map(HeadsPurpose::from_code)
    }
}

/// A piece of a feed that the sender wants; a client may want its own feed too.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Want {
    /// The feed.
    #[n(0)]
    pub feed: FeedId,
    /// The first sequence, from 1.
    #[n(1)]
    pub from: u64,
    /// The last sequence, included.
    #[n(2)]
    pub to: u64,
}

/// Envelopes of any feeds, in the order in which the sender received them; also the answer to [`Want`].
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Carry {
    /// The envelopes.
    #[n(0)]
    pub envelopes: Vec<Blob>,
}

/// Envelopes of a revoked feed that the relay keeps apart, for an admin.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Held {
    /// The feed.
    #[n(0)]
    pub feed: FeedId,
    /// The envelopes, contiguous.
    #[n(1)]
    pub envelopes: Vec<Blob>,
}

/// A side leaves.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Bye {
    /// A text for a log.
    #[n(0)]
    pub text: String,
}
