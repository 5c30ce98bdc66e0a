//! Why a session broke.

use super::{HANDSHAKE_MS, MAX_QUEUE_BYTES};

/// Why a session broke: the other side, or the own shell, does not keep to the protocol.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// A frame cannot be read.
    #[error("the relay sent a frame that cannot be read: {0}")]
    Frame(#[from] protocol::DecodeError),
    /// An envelope in the log cannot be read.
    #[error("the relay's log has an unreadable envelope at {sequence}: {source}")]
    Envelope {
        /// Its sequence in the log.
        sequence: u64,
        /// What is wrong with it.
        source: protocol::DecodeError,
    },
    /// A frame came that has no place here.
    #[error("the relay sent {frame} while {state}")]
    OutOfTurn {
        /// The name of the frame.
        frame: &'static str,
        /// What the session was doing.
        state: &'static str,
    },
    /// The relay chose a session version that was not offered.
    #[error("the relay chose session version {version}, which was not offered")]
    Version {
        /// The version.
        version: u32,
    },
    /// The relay could not prove its key.
    #[error("the relay's signature is false")]
    RelaySignature,
    /// The log leaves something out.
    #[error("the relay's log goes from {have} to {got}")]
    LogGap {
        /// The sequence up to which it was received.
        have: u64,
        /// The sequence that came.
        got: u64,
    },
    /// The relay acknowledged what was not sent.
    #[error("the relay acknowledged up to {got}, but was sent up to {sent}")]
    Acknowledged {
        /// What it acknowledged.
        got: u64,
        /// What was sent.
        sent: u64,
    },
    /// The relay did not answer in time.
    #[error("the relay did not answer within {HANDSHAKE_MS} ms")]
    Silent,
    /// The log begins after what this client has, as only newer versions can make up for.
    #[error(
        "the relay's log begins at {begins}, and this program has read it up to {have}: update Handschlag"
    )]
    LogCut {
        /// The sequence up to which it was applied here.
        have: u64,
        /// The sequence of the log's first entry.
        begins: u64,
    },
    /// More of the log waits than may.
    #[error("more than {MAX_QUEUE_BYTES} bytes of the log wait to be applied")]
    QueueFull,
    /// The shell answered with other envelopes than were asked for.
    #[error("the outbox gave envelope {got} where {expected} comes next")]
    Outbox {
        /// What should have come.
        expected: u64,
        /// What came.
        got: u64,
    },
    /// The shell answered with an own envelope that does not follow the one before it.
    #[error("the outbox gave envelope {sequence}, which does not follow the one before it")]
    OutboxChain {
        /// Its sequence.
        sequence: u64,
    },
    /// The shell says that something else was applied than it was told to.
    #[error("a batch up to {got} was applied, not the one that was handed out")]
    Applied {
        /// The log sequence of the shell's cursor.
        got: u64,
    },
    /// The shell answered a question about other places than were asked for.
    #[error("{got} answers came to a question about {asked} places")]
    Hashes {
        /// How many places were asked for.
        asked: usize,
        /// How many answers came.
        got: usize,
    },
    /// The shell gave heads that are not one for each feed.
    #[error("{got} heads were given, which are too many or name a feed twice")]
    Heads {
        /// How many.
        got: usize,
    },
    /// An envelope that was carried cannot be read.
    #[error("the relay carried an unreadable envelope: {source}")]
    Carried {
        /// What is wrong with it.
        source: protocol::DecodeError,
    },
    /// The relay compared more heads than a roster has devices.
    #[error("the relay named more heads than a workspace has feeds")]
    TooManyHeads,
    /// The relay does not have what it says it has of the own feed.
    #[error("the relay says that it has envelope {sequence} of this device, but does not send it")]
    OwnFeedWithheld {
        /// The sequence in the feed.
        sequence: u64,
    },
}
