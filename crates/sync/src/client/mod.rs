//! The client's half of a session.
//!
//! The shell opens a WebSocket, makes a [`Session`], gives it [`Input::Opened`] and then whatever happens; after each
//! input it drains [`Session::poll`]. What the session asks for ([`Output::ReadOutbox`], [`Output::Apply`],
//! [`Output::ReadRoster`]) is answered by one input each, at any later time.
//! While [`Session::wants_frames`] is false the shell leaves frames in the socket; so a store that is slower than the
//! network holds the relay back instead of filling memory.

mod inbox;
mod outbox;
mod session;

use protocol::{
    Blob, Cursor, Cut, Envelope, EnvelopeHash, LogEpoch, Nonce, Refusal, RelayKey, RosterHash,
    WorkspaceId,
};
use vault::SigningIdentity;

pub use session::Session;

/// How long the handshake may take, in ms; after it the session breaks.
pub const HANDSHAKE_MS: u64 = 15_000;

/// The bytes of a roster for each of which ms the handshake may take longer, when it is offered to a relay that lost it.
pub const OFFER_BYTES_PER_MS: u64 = 16;

/// The bytes of the log that wait to be applied above which [`Session::wants_frames`] is false.
pub const COMFORTABLE_QUEUE_BYTES: usize = 8 * 1024 * 1024;

/// The bytes of the log that wait to be applied above which the session breaks, since its shell reads on regardless.
pub const MAX_QUEUE_BYTES: usize = 64 * 1024 * 1024;

/// The most bytes of envelopes in one [`Output::Apply`], but for a single envelope above it.
pub const APPLY_BYTES: usize = 4 * 1024 * 1024;

/// The most items in one [`Output::Apply`].
pub const APPLY_ITEMS: usize = 4096;

/// The bytes of envelopes that may be sent and not yet stored.
pub const WINDOW_BYTES: usize = 4 * 1024 * 1024;

/// What a session begins with.
#[derive(Debug, Clone)]
pub struct Start {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// Signs the proof: the device's identity, or the invite's for joining.
    pub identity: SigningIdentity,
    /// Random bytes, new for every session.
    pub nonce: Nonce,
    /// The newest roster entry that is stored; zeros for none.
    pub roster_head: RosterHash,
    /// Where this device's own feed stands: sequence and hash, 0 and zeros before the first envelope.
    pub own_head: (u64, EnvelopeHash),
    /// Up to where the relay had acknowledged the own feed.
    pub acknowledged: u64,
    /// How far the log was applied; none at first.
    pub cursor: Option<Cursor>,
}

/// What happens to a session.
#[derive(Debug, Clone)]
pub enum Input {
    /// The WebSocket is open.
    Opened,
    /// A binary message came.
    Frame(Vec<u8>),
    /// The WebSocket is closed, by whomever.
    Closed,
    /// The own feed has grown.
    LocalHead {
        /// The sequence of its last envelope.
        sequence: u64,
        /// The hash of that envelope.
        hash: EnvelopeHash,
    },
    /// Answers [`Output::ReadOutbox`]: own envelopes with their sequences, contiguous.
    Outbox {
        /// The envelopes.
        envelopes: Vec<(u64, Vec<u8>)>,
    },
    /// Answers [`Output::Apply`]: the batch and its cursor are durable.
    Applied {
        /// The cursor of that batch.
        cursor: Cursor,
    },
    /// Answers [`Output::ReadRoster`]: all entries from the first.
    Roster {
        /// The entries.
        entries: Vec<Blob>,
    },
    /// Adds to the roster; answered by [`Output::RosterAppended`] or [`Output::RosterMoved`].
    AppendRoster {
        /// The head on which the entries build.
        expected_head: RosterHash,
        /// The entries, signed.
        entries: Vec<Blob>,
    },
    /// Time has passed; wanted at [`Session::deadline`].
    Tick,
    /// The shell wants to end the session.
    Leave,
}

/// What the relay said when it let the client in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Established {
    /// The session version in use.
    pub version: u32,
    /// The relay.
    pub relay: RelayKey,
    /// The life of its log.
    pub epoch: LogEpoch,
    /// The newest sequence of its log.
    pub log_sequence: u64,
    /// The relay's clock when it answered, ms since 1970.
    pub relay_now_ms: u64,
}

/// What a log that does not continue the client's cursor means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogReplaced {
    /// The cursor that the log does not hold.
    pub cursor: Cursor,
    /// The relay that answered.
    pub relay: RelayKey,
    /// The life of its log.
    pub epoch: LogEpoch,
    /// The newest sequence of its log.
    pub log_sequence: u64,
    /// Where the relay has this device's feed.
    pub own: Option<Cut>,
}

/// One item of the log for the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// An envelope of somebody else.
    Envelope {
        /// When the relay received it, ms since 1970.
        received_ms: u64,
        /// Its bytes as they came.
        bytes: Blob,
        /// The same, read; no signature was checked.
        envelope: Box<Envelope>,
    },
    /// An envelope of this device, by its name.
    Own {
        /// When the relay received it, ms since 1970.
        received_ms: u64,
        /// Its sequence in the own feed.
        sequence: u64,
        /// Its hash.
        hash: EnvelopeHash,
    },
}

/// How much is missing on either side, as far as this session knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Own envelopes that the relay does not have durably.
    pub to_send: u64,
    /// Entries of the log that are not applied.
    pub to_fetch: u64,
}

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
    /// The shell says that something else was applied than it was told to.
    #[error("a batch up to {got} was applied, not the one that was handed out")]
    Applied {
        /// The log sequence of the shell's cursor.
        got: u64,
    },
}

/// What follows from an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Send a binary message.
    Send(Vec<u8>),
    /// The relay let the client in.
    Established(Established),
    /// The log does not hold the client's cursor; it is read from the beginning, which applies again what is known.
    LogReplaced(LogReplaced),
    /// New roster entries, to be verified and stored.
    ///
    /// They follow the known head; when the relay does not know that head they are all that it has.
    Roster {
        /// The entries.
        entries: Vec<Blob>,
    },
    /// Read the whole roster for a relay that does not know the workspace.
    ReadRoster,
    /// Read own envelopes after a sequence.
    ReadOutbox {
        /// The sequence.
        after_sequence: u64,
        /// How many bytes are wanted; one envelope at least.
        max_bytes: usize,
    },
    /// The relay has the own feed durably up to here.
    ///
    /// It can be less than was known, when a relay lost something; 0 and zeros mean that it has nothing.
    Acknowledged {
        /// The sequence.
        sequence: u64,
        /// The hash of that envelope.
        hash: EnvelopeHash,
    },
    /// Apply items of the log together with the cursor after them; no other batch comes before the answer.
    Apply {
        /// The log sequence of the first item.
        first: u64,
        /// The items; the running hash over them is right, their signatures are not checked.
        items: Vec<Item>,
        /// The cursor after the last item.
        cursor: Cursor,
    },
    /// The relay took the entries of [`Input::AppendRoster`]; they came as [`Output::Roster`] before.
    RosterAppended {
        /// The head after them.
        head: RosterHash,
    },
    /// The roster had grown, so nothing was taken; verify and store these entries, then sign again.
    RosterMoved {
        /// The entries that were missing here.
        entries: Vec<Blob>,
        /// The head after them.
        head: RosterHash,
    },
    /// The relay has all of ours, and we have applied all of its log as of now.
    Settled,
    /// The session was settled and is not any more, or has just been established with work to do.
    Unsettled(Progress),
    /// The relay has another envelope, or more, where the own feed stands: a cloned or restored disk.
    Forked {
        /// Where the relay has the own feed, if it said so.
        relay: Option<Cut>,
        /// Where it stands here.
        own: (u64, EnvelopeHash),
    },
    /// The relay refused; the session ends.
    Refused {
        /// Why.
        code: Refusal,
        /// A text for a log.
        text: String,
        /// Where the feed stands there, if that is the reason.
        cut: Option<Cut>,
    },
    /// The protocol was broken; the session ends.
    Broken(Broken),
    /// Close the WebSocket; the last output of a session.
    Close,
}
