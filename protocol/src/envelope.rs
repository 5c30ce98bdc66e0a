//! A transaction as it travels: header, signature and sealed parts.

use minicbor::{Decode, Encode};

use crate::{
    BatchId, Blob, DecodeError, EnvelopeHash, FeedId, KeyId, LogEpoch, LogHash, PartHash, RelayKey,
    RosterHash, Signature, WorkspaceId,
    canonical::{check_count, check_size, decode_canonical, encode},
    limits::{
        MAX_ENVELOPE_BYTES, MAX_HEADER_BYTES, MAX_PARTS, MAX_PLAIN_HEADER_BYTES,
        MAX_SEALED_PART_BYTES,
    },
};

/// A place in the log of a relay, up to which a client has everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(map)]
pub struct Cursor {
    /// The relay.
    #[n(0)]
    pub relay: RelayKey,
    /// The life of its log.
    #[n(1)]
    pub epoch: LogEpoch,
    /// The sequence in that log, from 1; 0 before the first.
    #[n(2)]
    pub sequence: u64,
    /// The running hash of the log at that sequence.
    #[n(3)]
    pub running: LogHash,
}

/// A place in a feed.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode, serde::Serialize, serde::Deserialize,
)]
#[cbor(map)]
pub struct Cut {
    /// The feed.
    #[n(0)]
    pub feed: FeedId,
    /// The sequence of its envelope, from 1; 0 before the first.
    #[n(1)]
    pub sequence: u64,
    /// The hash of that envelope; zeros before the first.
    #[n(2)]
    pub hash: EnvelopeHash,
}

/// The signed part of an envelope, in clear.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Header {
    /// The version of its form.
    #[n(0)]
    pub version: u32,
    /// The lowest version that may read it; a lower one lets the envelope wait.
    #[n(1)]
    pub min_reader: u32,
    /// The workspace.
    #[n(2)]
    pub workspace: WorkspaceId,
    /// The author's device.
    #[n(3)]
    pub feed: FeedId,
    /// The place in the feed, from 1.
    #[n(4)]
    pub sequence: u64,
    /// The envelope before it in the feed; zeros before the first.
    #[n(5)]
    pub previous: EnvelopeHash,
    /// The newest roster entry that the author knew.
    #[n(6)]
    pub roster_head: RosterHash,
    /// How far the author had read the relay's log.
    #[n(7)]
    pub cursor: Option<Cursor>,
    /// The import or bulk edit that this belongs to.
    #[n(8)]
    pub batch: Option<BatchId>,
    /// The number of the workspace key that seals the parts, from 1.
    #[n(9)]
    pub key_epoch: u32,
    /// The hashes of the sealed parts, in order.
    #[n(10)]
    pub parts: Vec<PartHash>,
    /// Which of the workspace keys with that number: two branches of a roster may each have had one.
    #[n(11)]
    pub key_id: KeyId,
    /// The envelope of another device whose parts these are, where this one rescues it.
    #[n(12)]
    pub rescued: Option<Rescued>,
}

/// What is left of an envelope whose parts travel in another: a relay has one envelope at each place of a feed, and where
/// a device was copied, another branch may stand there.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Rescued {
    /// Its header as it was signed; it names the same parts.
    #[n(0)]
    pub header: Blob,
    /// The signature of its author.
    #[n(1)]
    pub signature: Signature,
}

impl Header {
    /// Writes the bytes that are hashed and signed.
    pub fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    /// Reads a header; keys that a newer version added are ignored, so keep the bytes too.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let header: Header = decode_canonical("header", MAX_HEADER_BYTES, bytes)?;
        check_count("parts of a header", MAX_PARTS, header.parts.len())?;
        if header.sequence == 0 {
            return Err(DecodeError::malformed("header", "sequences begin at 1"));
        }
        if (header.sequence == 1) != header.previous.is_zero() {
            return Err(DecodeError::malformed(
                "header",
                "the first envelope of a feed, and only it, has no previous one",
            ));
        }
        if header.key_epoch == 0 {
            return Err(DecodeError::malformed("header", "key epochs begin at 1"));
        }
        // What it rescues is as long as it may be alone, and so is the rest.
        let rescued = match &header.rescued {
            Some(rescued) => {
                check_size("rescued header", MAX_PLAIN_HEADER_BYTES, &rescued.header)?;
                rescued.header.len()
            }
            None => 0,
        };
        if bytes.len() - rescued > MAX_PLAIN_HEADER_BYTES {
            return Err(DecodeError::TooLarge {
                what: "header",
                bytes: bytes.len() - rescued,
                limit: MAX_PLAIN_HEADER_BYTES,
            });
        }
        Ok(header)
    }
}

/// An envelope whose shape was checked, but neither its signature nor its hashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The header as it was signed.
    pub header_bytes: Blob,
    /// The header, read.
    pub header: Header,
    /// The author's signature over the envelope hash.
    pub signature: Signature,
    /// The sealed parts in the order of the header's hashes; none for a part that was erased.
    pub parts: Vec<Option<Blob>>,
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct Outer {
    #[n(0)]
    header: Blob,
    #[n(1)]
    signature: Signature,
    #[n(2)]
    parts: Vec<Option<Blob>>,
}

impl Envelope {
    /// Returns the hash that names this envelope.
    pub fn hash(&self) -> EnvelopeHash {
        EnvelopeHash::of(&self.header_bytes)
    }

    /// Returns the place in the feed that this envelope takes.
    pub fn cut(&self) -> Cut {
        Cut {
            feed: self.header.feed,
            sequence: self.header.sequence,
            hash: self.hash(),
        }
    }

    /// Returns the envelope that this one rescues, with the parts of this one; none when it rescues none.
    ///
    /// Whether its author did sign it is as open as with any envelope. One that rescues another itself is none, nor is one
    /// of which parts are missing: who has it whole must not take it for the true one.
    pub fn rescued(&self) -> Result<Option<Self>, DecodeError> {
        let Some(rescued) = &self.header.rescued else {
            return Ok(None);
        };
        let envelope = Envelope {
            header_bytes: rescued.header.clone(),
            header: Header::decode(&rescued.header)?,
            signature: rescued.signature,
            parts: self.parts.clone(),
        };
        let is_whole =
            envelope.header.parts == self.header.parts && self.parts.iter().all(Option::is_some);
        if envelope.header.rescued.is_some() || !is_whole {
            return Err(DecodeError::malformed(
                "rescued header",
                "it names other parts than there are, or rescues another envelope itself",
            ));
        }
        Ok(Some(envelope))
    }

    /// Writes the envelope.
    pub fn encode(&self) -> Vec<u8> {
        encode(&Outer {
            header: self.header_bytes.clone(),
            signature: self.signature,
            parts: self.parts.clone(),
        })
    }

    /// Reads an envelope and its header, and checks sizes and counts.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let outer: Outer = decode_canonical("envelope", MAX_ENVELOPE_BYTES, bytes)?;
        let header = Header::decode(&outer.header)?;
        if header.parts.len() != outer.parts.len() {
            return Err(DecodeError::malformed(
                "envelope",
                format_args!(
                    "the header names {} parts, the envelope holds {}",
                    header.parts.len(),
                    outer.parts.len()
                ),
            ));
        }
        for part in outer.parts.iter().flatten() {
            check_size("sealed part", MAX_SEALED_PART_BYTES, part)?;
        }
        Ok(Envelope {
            header_bytes: outer.header,
            header,
            signature: outer.signature,
            parts: outer.parts,
        })
    }
}
