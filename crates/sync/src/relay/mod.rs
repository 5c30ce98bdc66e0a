//! The relay's half of a session.
//!
//! The shell makes a [`Connection`] for every WebSocket and gives it what happens; after each input it drains
//! [`Connection::poll`]. What the connection asks for ([`Output::OpenWorkspace`], [`Output::FindPlace`],
//! [`Output::ReadLog`], [`Output::Append`] and so on) is answered by one input each, at any later time.
//! After every frame that has left for the client the shell gives [`Input::Written`]: at most one piece of the log or
//! the roster is on its way to a client, so a slow reader costs nothing and holds up no one.
//! While [`Connection::wants_frames`] is false the shell leaves frames in the socket.

mod connection;
mod enter;
mod follow;
mod judge;

use std::sync::Arc;

use protocol::{Blob, Cursor, Cut, FeedId, LogHash, RosterHash, SignerKey, WorkspaceId};
use vault::Roster;

pub use connection::Connection;
pub use judge::still_allowed;

use crate::{Appended, LogEntry, LogHead, Run};

/// How long a client may take to prove itself, in ms.
pub const PROOF_MS: u64 = 15_000;

/// How many pushes and roster appends of one client may be on their way to the log at once.
pub const MAX_PENDING: usize = 4;

/// How many frames may wait for one client's socket before its own frames are left unread.
pub const MAX_UNWRITTEN: usize = 16;

/// What a relay knows of a workspace that a client names.
#[derive(Debug, Clone)]
pub enum Found {
    /// It is there, with this verified roster.
    Known(Arc<Roster>),
    /// It is not there, but may begin.
    MayBegin,
    /// It is not there, and this relay does not let it begin.
    NotAllowed,
}

/// Why a workspace could not begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotCreated {
    /// This relay does not let it begin.
    NotAllowed,
    /// The relay holds as many workspaces as it may.
    OverQuota,
}

/// What became of roster entries that were to be appended.
#[derive(Debug, Clone)]
pub enum RosterAppended {
    /// They are durable; this is the roster with them.
    Grew(Arc<Roster>),
    /// The roster had another head; this is it.
    Moved(Arc<Roster>),
}

/// What happens to a connection.
#[derive(Debug, Clone)]
pub enum Input {
    /// A binary message came.
    Frame(Vec<u8>),
    /// A message came that was not binary.
    NotBinary,
    /// A frame has left for the client.
    Written,
    /// Answers [`Output::OpenWorkspace`].
    Workspace(Found),
    /// Answers [`Output::CreateWorkspace`]: the roster that is durable, whoever was first.
    Created(Result<Arc<Roster>, NotCreated>),
    /// Answers [`Output::FindPlace`].
    Place {
        /// Where the log stands.
        head: LogHead,
        /// The running hash at the sequence that was asked for, if the log has reached it.
        running: Option<LogHash>,
        /// Where the client's feed stands.
        own: Option<Cut>,
    },
    /// Answers [`Output::Append`].
    Appended(Appended),
    /// Answers [`Output::Append`]: the roster has moved and forbids the run by now; nothing was appended.
    Outdated(Arc<Roster>),
    /// The log has grown to a sequence.
    LogGrew {
        /// The sequence.
        sequence: u64,
    },
    /// Answers [`Output::ReadLog`].
    LogRead {
        /// The entries from the sequence that was asked for.
        entries: Vec<LogEntry>,
    },
    /// The roster has grown.
    RosterGrew(Arc<Roster>),
    /// Answers [`Output::AppendRoster`].
    RosterAppended(RosterAppended),
    /// Time has passed; wanted at [`Connection::deadline`].
    Tick,
    /// The relay is shutting down: what is on its way is finished, then the client is told.
    ShutDown,
    /// The log has failed.
    Failed,
}

/// What follows from an input.
#[derive(Debug, Clone)]
pub enum Output {
    /// Send a binary message; answered by [`Input::Written`].
    Send(Vec<u8>),
    /// Look a workspace up.
    OpenWorkspace {
        /// Its id.
        workspace: WorkspaceId,
    },
    /// Begin a workspace with a verified roster, unless it has begun already.
    CreateWorkspace {
        /// Its id, the hash of the first entry.
        workspace: WorkspaceId,
        /// All entries.
        entries: Vec<Blob>,
    },
    /// Look up where the log and the client's feed stand.
    FindPlace {
        /// The client's feed; none for an invite.
        feed: Option<FeedId>,
        /// The sequence whose running hash is wanted.
        cursor: Option<u64>,
    },
    /// Append verified envelopes; when the roster has moved meanwhile, only if they are [`still_allowed`].
    Append {
        /// The envelopes.
        run: Run,
        /// The head of the roster by which they were judged.
        judged_by: RosterHash,
    },
    /// Read the log after a sequence: up to the byte and entry limits of a frame, one entry at least.
    ReadLog {
        /// The sequence.
        after: u64,
        /// The most bytes of envelopes.
        max_bytes: usize,
        /// The most entries.
        max_entries: usize,
    },
    /// Append verified entries to the roster if its head is the expected one.
    AppendRoster {
        /// The expected head.
        expected: RosterHash,
        /// The entries.
        entries: Vec<Blob>,
        /// The roster with them.
        roster: Arc<Roster>,
    },
    /// Close the WebSocket after what was sent; the last output of a connection.
    Close {
        /// Why, for the log.
        reason: String,
    },
}

/// Who is at the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Peer {
    pub(crate) workspace: WorkspaceId,
    pub(crate) key: SignerKey,
    pub(crate) is_device: bool,
}

/// Tells whether a log holds a cursor.
pub(crate) fn holds(
    head: &LogHead,
    relay: protocol::RelayKey,
    running: Option<LogHash>,
    cursor: &Cursor,
) -> bool {
    cursor.relay == relay
        && cursor.epoch == head.epoch
        && cursor.sequence <= head.sequence
        && running == Some(cursor.running)
}
