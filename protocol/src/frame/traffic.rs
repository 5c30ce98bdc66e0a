//! How envelopes travel in a session.

use minicbor::{
    Decode, Decoder, Encode, Encoder, decode,
    encode::{self, Write},
};

use crate::{Blob, Cut, EnvelopeHash, FeedId};

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
            } => e.array(2)?.u64(*received_ms)?.bytes(envelope)?.ok(),
            LogItem::Own {
                received_ms,
                hash,
                sequence,
            } => e
                .array(3)?
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
        match d.array()? {
            Some(2) => Ok(LogItem::Envelope {
                received_ms: d.u64()?,
                envelope: d.decode_with(c)?,
            }),
            Some(3) => Ok(LogItem::Own {
                received_ms: d.u64()?,
                hash: d.decode_with(c)?,
                sequence: d.u64()?,
            }),
            _ => Err(decode::Error::message("a log item has two or three fields").at(at)),
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
}

/// A piece of a feed that the sender lacks.
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

/// Envelopes of any feeds, in the order in which the client received them.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Carry {
    /// The envelopes.
    #[n(0)]
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
