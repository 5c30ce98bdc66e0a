//! The change log behind a trait: append a batch, read from, epoch. Following it is the business of `hub`.
//!
//! One [`ChangeLog::commit`] is one durable step: when it returns, all of the batch survives the loss of power; when it
//! fails, none of it counts. The order inside a batch is the order of the log.
//! Two implementations keep one contract (`contract.rs`): [`MemoryLog`] for tests and [`RedbLog`] for disks.

mod batch;
mod failure;
mod held;
mod memory;
mod redb;
mod tables;
mod walk;

#[cfg(test)]
mod contract;

use protocol::{Blob, Cut, FeedId, LogEpoch, LogHash, RosterHash, WorkspaceId};
use sync::{Appended, Comparison, Effects, Judged, LogEntry, LogHead, Run};

pub use failure::OpenError;
pub use memory::MemoryLog;
pub use redb::{FILE_NAME, RedbLog, Trust};
pub use walk::{
    FeedOutline, HeldEnvelopeRow, HeldOutline, LogRow, Snapshot, Totals, WorkspaceOutline,
};

/// The number of the layout of the data directory that this version writes; it reads all before it.
pub const LAYOUT: u32 = tables::FORMAT_NOW;

/// The bytes from which the relay's signing key is made.
pub type Seed = [u8; 32];

/// Says why the log could not be read or written; after it the log must be opened anew.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The storage under the log failed.
    #[error("the log's storage failed")]
    Storage {
        /// What it said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// What is stored contradicts itself.
    #[error("the log is damaged: {what}")]
    Damaged {
        /// What is wrong.
        what: &'static str,
    },
}

/// A roster entry with its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RosterPiece {
    /// The hash that names it.
    pub hash: RosterHash,
    /// Its bytes.
    pub bytes: Blob,
}

/// A workspace as it lies in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredWorkspace {
    /// Where its log stands.
    pub head: LogHead,
    /// Its roster, from the first entry.
    pub roster: Vec<RosterPiece>,
    /// The feeds of which envelopes are held, each up to where, in the order of their ids.
    pub held: Vec<Cut>,
}

/// A piece of a feed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FeedPiece {
    /// The envelopes, contiguous.
    pub envelopes: Vec<Blob>,
    /// Whether they are held, and not in the log.
    pub is_held: bool,
}

/// What of a feed is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedRange {
    /// The feed.
    pub feed: FeedId,
    /// The first sequence.
    pub from: u64,
    /// The last sequence.
    pub to: u64,
    /// The most bytes of envelopes, but for the first.
    pub max_bytes: usize,
    /// The most envelopes.
    pub max_envelopes: usize,
}

/// What a write added for those who follow the workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grown {
    /// The newest of the entries that are new in the log, without a hole up to its end; all of them unless they are many.
    pub entries: Vec<LogEntry>,
    /// Where the log stands after them.
    pub head: LogHead,
    /// The feeds of which more or less is held than before: up to where now, none for nothing.
    pub held: Vec<(FeedId, Option<Cut>)>,
}

/// One thing to write.
#[derive(Debug, Clone)]
pub enum Write {
    /// A workspace begins, unless it is there already.
    Create {
        /// Its id.
        workspace: WorkspaceId,
        /// The random name of its log's life.
        epoch: LogEpoch,
        /// Its roster, verified.
        roster: Vec<RosterPiece>,
        /// How many workspaces the relay may hold with it.
        quota: u64,
    },
    /// Envelopes of one feed.
    Append {
        /// The workspace, which exists.
        workspace: WorkspaceId,
        /// The relay's clock, ms since 1970.
        received_ms: u64,
        /// The envelopes.
        run: Run,
        /// The cut behind which they are held; none when all of them may be in the log.
        cut: Option<Cut>,
    },
    /// Envelopes of any feeds, each run decided for itself.
    Carry {
        /// The workspace, which exists.
        workspace: WorkspaceId,
        /// The relay's clock, ms since 1970.
        received_ms: u64,
        /// The runs; those that do not fit are left out.
        runs: Vec<Judged>,
        /// The feeds whose heads are told afterwards.
        feeds: Vec<FeedId>,
    },
    /// Entries of the roster, verified against the expected head.
    Roster {
        /// The workspace, which exists.
        workspace: WorkspaceId,
        /// The relay's clock, ms since 1970, for what they let into the log.
        received_ms: u64,
        /// The head that the roster has.
        expected: RosterHash,
        /// How many entries from the first stay, when the others give way to a branch that counts; all when none.
        keep: Option<usize>,
        /// The entries.
        entries: Vec<RosterPiece>,
        /// What they ask of the log.
        effects: Effects,
    },
}

/// What became of one [`Write`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// The workspace is there, now or since earlier.
    Created(StoredWorkspace),
    /// The relay holds as many workspaces as it may.
    OverQuota,
    /// A run was decided.
    Appended {
        /// How.
        outcome: Appended,
        /// What is new.
        grown: Grown,
    },
    /// Runs that were carried were decided.
    Carried {
        /// Where the feeds stand in the log by now that were named.
        heads: Vec<Cut>,
        /// What is new.
        grown: Grown,
        /// What was damaged, and kept the runs from there on from being decided.
        damaged: Option<&'static str>,
    },
    /// The roster grew by the entries.
    RosterGrew {
        /// What they let into the log.
        grown: Grown,
    },
    /// The roster had another head.
    RosterMoved,
    /// A cut is not where it may be, and the roster stays as it was.
    CutsDiffer {
        /// Where the feeds concerned stand.
        heads: Vec<Cut>,
    },
    /// The roster has moved since a run was verified, and does not let it be taken; said by the writer, before the log.
    Outdated,
    /// What the write needs of the workspace is damaged; the log holds all others as before.
    Damaged {
        /// What is wrong.
        what: &'static str,
    },
    /// The workspace does not exist.
    NoWorkspace,
}

/// A log of sealed envelopes and rosters, for any number of workspaces.
///
/// Calls block; the relay commits on a thread of its own and reads where blocking is allowed.
pub trait ChangeLog: std::fmt::Debug + Send + Sync + 'static {
    /// Returns the seed of the relay's key, and makes `fresh` that seed, durably, when there is none yet.
    ///
    /// # Errors
    /// The storage fails.
    fn seed(&self, fresh: Seed) -> Result<Seed, LogError>;

    /// Returns what is stored of a workspace.
    ///
    /// # Errors
    /// The storage fails.
    fn workspace(&self, workspace: &WorkspaceId) -> Result<Option<StoredWorkspace>, LogError>;

    /// Writes a batch in one durable step and says what became of each write, in order.
    ///
    /// A damaged row fails the write that needs it ([`Written::Damaged`]), not the batch.
    ///
    /// # Errors
    /// The storage fails; then nothing of the batch counts.
    fn commit(&self, batch: Vec<Write>) -> Result<Vec<Written>, LogError>;

    /// Returns the entries after a sequence: as many as `max_bytes` of envelopes and `max_entries` allow, but one at
    /// least when there is one.
    ///
    /// # Errors
    /// The storage fails.
    fn read(
        &self,
        workspace: &WorkspaceId,
        after: u64,
        max_bytes: usize,
        max_entries: usize,
    ) -> Result<Vec<LogEntry>, LogError>;

    /// Returns the running hash at a sequence that the log has reached; `R_0` at 0.
    ///
    /// # Errors
    /// The storage fails.
    fn running_hash(
        &self,
        workspace: &WorkspaceId,
        sequence: u64,
    ) -> Result<Option<LogHash>, LogError>;

    /// Returns where a feed stands.
    ///
    /// # Errors
    /// The storage fails.
    fn feed_head(&self, workspace: &WorkspaceId, feed: &FeedId) -> Result<Option<Cut>, LogError>;

    /// Returns where a feed stands, what is held of it included.
    ///
    /// # Errors
    /// The storage fails.
    fn feed_end(&self, workspace: &WorkspaceId, feed: &FeedId) -> Result<Option<Cut>, LogError>;

    /// Compares the log with what a client holds of each feed, at one moment; none when there is no such workspace.
    ///
    /// # Errors
    /// The storage fails.
    fn compare(
        &self,
        workspace: &WorkspaceId,
        known: &[Cut],
    ) -> Result<Option<Comparison>, LogError>;

    /// Returns a piece of a feed from its first sequence on: out of the log while that has it, else out of what is held.
    ///
    /// # Errors
    /// The storage fails.
    fn read_feed(&self, workspace: &WorkspaceId, range: FeedRange) -> Result<FeedPiece, LogError>;
}
