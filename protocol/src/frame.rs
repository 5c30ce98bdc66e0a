//! The messages of a session between client and relay, one binary WebSocket message each.

use minicbor::{
    Decode, Decoder, Encode, Encoder, decode,
    encode::{self, Write},
};

use crate::{
    Blob, Cursor, Cut, DecodeError, EnvelopeHash, FeedId, LogEpoch, Nonce, RelayKey, RosterHash,
    Signature, SignerKey, WorkspaceId, canonical,
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

            /// Returns the name of the frame, for logs.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Frame::$name(_) => stringify!($name),)*
                }
            }
        }

        $(impl From<$name> for Frame {
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
    /// The client sends envelopes of any feeds.
    13 Carry,
    /// A side leaves.
    14 Bye,
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
            Frame::Prove(prove) => check_entries(prove.entries.as_deref().unwrap_or_default()),
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

/// The client says who it is and what it speaks.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Hello {
    /// The session versions that it speaks, the best first.
    #[n(0)]
    pub versions: Vec<u32>,
    /// The workspace.
    #[n(1)]
    pub workspace: WorkspaceId,
    /// The key of the device or of the invite.
    #[n(2)]
    pub key: SignerKey,
    /// Random bytes that the relay signs.
    #[n(3)]
    pub nonce: Nonce,
}

/// The relay proves itself and gives what the client must sign.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Challenge {
    /// The version that it chose.
    #[n(0)]
    pub version: u32,
    /// Its key.
    #[n(1)]
    pub relay: RelayKey,
    /// Random bytes that the client signs.
    #[n(2)]
    pub nonce: Nonce,
    /// Its signature over workspace, client nonce and relay nonce.
    #[n(3)]
    pub signature: Signature,
    /// Whether it holds a roster of the workspace.
    #[n(4)]
    pub known: bool,
}

/// The client proves that it holds the key, and says what it has.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Prove {
    /// Its signature over relay key, workspace, relay nonce and client nonce.
    #[n(0)]
    pub signature: Signature,
    /// The newest roster entry that it has; zeros for none.
    #[n(1)]
    pub roster_head: RosterHash,
    /// Its place in the log.
    #[n(2)]
    pub cursor: Option<Cursor>,
    /// The roster, when the relay does not know the workspace.
    #[n(3)]
    pub entries: Option<Vec<Blob>>,
}

/// The relay lets the client in.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Welcome {
    /// The roster entries after the head that the client named; all when the relay does not know that one.
    #[n(0)]
    pub entries: Vec<Blob>,
    /// The life of the relay's log.
    #[n(1)]
    pub epoch: LogEpoch,
    /// The newest sequence of the log.
    #[n(2)]
    pub sequence: u64,
    /// Whether the log holds the client's cursor.
    #[n(3)]
    pub continues: bool,
    /// Where this device's feed stands on the relay.
    #[n(4)]
    pub own: Option<Cut>,
    /// The relay's clock, ms since 1970.
    #[n(5)]
    pub now_ms: u64,
}

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

/// Entries that the client wants to add to the roster.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct RosterAppend {
    /// The head on which they build.
    #[n(0)]
    pub expected_head: RosterHash,
    /// The entries.
    #[n(1)]
    pub entries: Vec<Blob>,
}

/// Entries that follow what this connection has.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct RosterGrew {
    /// The entries.
    #[n(0)]
    pub entries: Vec<Blob>,
    /// The head after them.
    #[n(1)]
    pub head: RosterHash,
}

/// An append was not taken because the roster had grown; the client signs again.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct RosterMoved {
    /// The entries that the client lacks.
    #[n(0)]
    pub entries: Vec<Blob>,
    /// The head after them.
    #[n(1)]
    pub head: RosterHash,
}

/// The relay refuses what came last, or the session.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Refused {
    /// The reason.
    #[n(0)]
    pub code: Refusal,
    /// A text for a log.
    #[n(1)]
    pub text: String,
    /// Where the feed stands, when it forked.
    #[n(2)]
    pub cut: Option<Cut>,
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

macro_rules! refusals {
    ($($(#[$doc:meta])* $code:literal $name:ident,)*) => {
        /// Why a relay refuses.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Refusal {
            $($(#[$doc])* $name,)*
            /// A reason that a newer relay gives.
            Other(u32),
        }

        impl Refusal {
            /// Returns the number on the wire.
            pub fn code(self) -> u32 {
                match self {
                    $(Refusal::$name => $code,)*
                    Refusal::Other(code) => code,
                }
            }

            /// Takes the number on the wire.
            pub fn from_code(code: u32) -> Self {
                match code {
                    $($code => Refusal::$name,)*
                    code => Refusal::Other(code),
                }
            }
        }
    };
}

refusals! {
    /// No session version is spoken by both.
    1 Version,
    /// The key is neither a device nor an open invite of the workspace.
    2 NotAMember,
    /// A signature is false.
    3 Signature,
    /// The workspace is unknown, and may not be created here.
    4 WorkspaceUnknown,
    /// The relay holds another envelope at that sequence.
    5 Fork,
    /// Envelopes are missing before the one that came.
    6 Gap,
    /// The bytes are not what they should be.
    7 Malformed,
    /// Something is beyond its limit.
    8 TooLarge,
    /// The device was revoked.
    9 Revoked,
    /// The invite is used up, ended or expired.
    10 InviteSpent,
    /// The role does not allow it.
    11 RoleForbids,
    /// The workspace has used what this relay grants it.
    12 Quota,
    /// The relay is shutting down.
    13 ShuttingDown,
}

impl<C> Encode<C> for Refusal {
    fn encode<W: Write>(
        &self,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        e.u32(self.code())?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Refusal {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, decode::Error> {
        d.u32().map(Refusal::from_code)
    }
}
