//! The relay's half of a session.
//!
//! The shell makes a [`Connection`] for every WebSocket and gives it what happens; after each input it drains
//! [`Connection::poll`]. What the connection asks for ([`Output::OpenWorkspace`], [`Output::FindPlace`],
//! [`Output::ReadLog`], [`Output::Append`] and so on) is answered by one input each, at any later time.
//! After every frame that has left for the client the shell gives [`Input::Written`]: at most one piece of the log or
//! the roster is on its way to a client, so a slow reader costs nothing and holds up no one.
//! While [`Connection::wants_frames`] is false the shell leaves frames in the socket.
//!
//! What a revoked or silenced device pushes behind its cut is held: kept apart from the log, shown to admins alone.
//! A client whose cursor the log does not hold compares heads with the relay before it reads on (`exchange`).

mod connection;
mod enter;
mod exchange;
mod follow;
mod judge;
mod refill;
mod roster;

use std::sync::Arc;

use protocol::{Blob, Cursor, Cut, FeedId, LogHash, RosterHash, SignerKey, WorkspaceId};
use vault::Roster;

pub use connection::Connection;
pub use judge::cut_of;

use crate::{Appended, Comparison, Effects, Judged, LogEntry, LogHead};

/// How long a client may take to prove itself, in ms.
pub const PROOF_MS: u64 = 15_000;

/// How many pushes and roster appends of one client may be on their way to the log at once.
pub const MAX_PENDING: usize = 4;

/// How many frames may wait for one client's socket before its own frames are left unread.
pub const MAX_UNWRITTEN: usize = 16;

/// How many pieces of feeds a client may have asked for before its own frames are left unread.
pub const MAX_WANTS: usize = 8;

/// What a relay knows of a workspace that a client names.
#[derive(Debug, Clone)]
pub enum Found {
    /// It is there, with this verified roster.
    Known(Arc<Roster>),
    /// It is there, and no entry of its roster names the key that the client claims to have.
    ///
    /// The client may show a roster that goes on where that one ends, and has lost the entry.
    Stranger,
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
    /// A cut is not where the log, or what is held, lets it be; these are the heads of the feeds concerned.
    ///
    /// A feed that is newly cut stands where it stands in the log, one whose cut moves where it is held up to.
    /// Feeds that never wrote are not among them.
    CutsDiffer(Vec<Cut>),
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
        /// Where the client's feed stands, what is held of it included.
        own: Option<Cut>,
    },
    /// Answers [`Output::Append`].
    Appended(Appended),
    /// Answers [`Output::Append`]: the roster has moved and does not let it be taken ([`cut_of`]); nothing was appended.
    Outdated(Arc<Roster>),
    /// Answers [`Output::AppendCarried`]: what could be appended is durable.
    CarriedAppended {
        /// Where the feeds stand in the log that the output named; those that never wrote are left out.
        heads: Vec<Cut>,
    },
    /// Answers [`Output::Compare`].
    Compared(Comparison),
    /// Answers [`Output::ReadFeed`].
    FeedRead {
        /// The envelopes from the sequence that was asked for; none when the relay does not have it.
        envelopes: Vec<Blob>,
        /// Whether they are held, and not in the log.
        is_held: bool,
    },
    /// The feeds of which envelopes are held, each up to where; told first when there are any, then at every change.
    HeldChanged(Arc<[Cut]>),
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
        /// The key that the client claims to have, so that a stranger need not be let cause much work.
        key: SignerKey,
    },
    /// Begin a workspace with a verified roster, unless it has begun already; open it either way.
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
    /// Append verified envelopes, those behind the cut to what is held; judge them again when the roster has moved
    /// meanwhile ([`cut_of`]).
    Append {
        /// The envelopes.
        judged: Judged,
        /// The head of the roster by which they were judged.
        judged_by: RosterHash,
    },
    /// Append verified envelopes of any feeds, as [`Output::Append`] each run for itself, judged again by [`cut_of`]; a
    /// run that does not fit is left out.
    AppendCarried {
        /// The runs, in order; there may be none.
        runs: Vec<Judged>,
        /// The feeds whose heads are wanted afterwards.
        feeds: Vec<FeedId>,
        /// The head of the roster by which they were judged.
        judged_by: RosterHash,
    },
    /// Compare the log with what a client holds, at one moment.
    Compare {
        /// Where the client's feeds stand.
        known: Vec<Cut>,
    },
    /// Read a piece of a feed: from the log as far as that has it, else from what is held; one envelope at least when
    /// there is one.
    ReadFeed {
        /// The feed.
        feed: FeedId,
        /// The first sequence.
        from: u64,
        /// The last sequence.
        to: u64,
        /// The most bytes of envelopes.
        max_bytes: usize,
        /// The most envelopes.
        max_envelopes: usize,
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
    /// Append verified entries to the roster if its head is the expected one and the cuts are where they may be, and
    /// let what they release into the log, all in one durable step.
    AppendRoster {
        /// The expected head.
        expected: RosterHash,
        /// How many entries from the first stay, when the others give way to a branch that counts.
        keep: Option<usize>,
        /// The entries.
        entries: Vec<Blob>,
        /// The roster with them.
        roster: Arc<Roster>,
        /// What they ask of the log.
        effects: Effects,
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

/// Whose entries a roster append is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Appending {
    /// The client's own, new ones.
    New,
    /// Whosoever's, brought back to a relay that had lost them.
    Brought,
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
