//! What a check found wrong, and where.

use std::fmt;

use protocol::{FeedId, WorkspaceId};
use vault::{EnvelopeError, RosterError};

use super::frames::ReadError;

/// One thing that is wrong, and where it is.
#[derive(Debug)]
pub struct Finding {
    /// Where.
    pub place: Place,
    /// What.
    pub fault: Fault,
}

/// Where something is wrong, as far as it can be said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Place {
    /// The workspace.
    pub workspace: Option<WorkspaceId>,
    /// The place of a roster entry, from 0.
    pub roster_entry: Option<u32>,
    /// The sequence in the log, from 1.
    pub sequence: Option<u64>,
    /// The feed.
    pub feed: Option<FeedId>,
    /// The sequence in that feed, from 1.
    pub feed_sequence: Option<u64>,
    /// The byte of a backup at which the frame begins.
    pub byte: Option<u64>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts: Vec<String> = Vec::new();
        parts.extend(self.workspace.map(|id| format!("workspace {id}")));
        parts.extend(self.roster_entry.map(|at| format!("roster entry {at}")));
        parts.extend(self.sequence.map(|at| format!("sequence {at}")));
        match (self.feed, self.feed_sequence) {
            (Some(feed), Some(at)) => parts.push(format!("feed {feed} envelope {at}")),
            (Some(feed), None) => parts.push(format!("feed {feed}")),
            (None, _) => {}
        }
        parts.extend(self.byte.map(|at| format!("byte {at}")));
        f.write_str(&parts.join(", "))
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.place != Place::default() {
            write!(f, "{}: ", self.place)?;
        }
        self.fault.fmt(f)
    }
}

macro_rules! faults {
    ($($(#[$doc:meta])+ $name:ident $({ $($(#[$field_doc:meta])+ $field:ident: $type:ty),+ $(,)? })? = $code:literal, $text:literal;)+) => {
        /// What can be wrong; the codes are for scripts and stay.
        #[derive(Debug, thiserror::Error)]
        pub enum Fault {
            $(
                $(#[$doc])+
                #[error($text)]
                $name $({ $($(#[$field_doc])+ $field: $type),+ })?,
            )+
        }

        impl Fault {
            /// Returns the word that names it.
            pub fn code(&self) -> &'static str {
                match self {
                    $(Fault::$name { .. } => $code,)+
                }
            }

            /// Names all codes, for the documentation's test.
            pub const CODES: &'static [&'static str] = &[$($code),+];
        }
    };
}

faults! {
    /// The file as a whole cannot be read on.
    File {
        /// What is wrong.
        source: ReadError,
    } = "file", "{source}";
    /// The database file cannot be opened or read on.
    Storage {
        /// What is wrong.
        text: String,
    } = "storage", "{text}";
    /// The relay that was asked could not go on.
    Failed {
        /// Why.
        text: String,
    } = "failed", "the backup was broken off: {text}";
    /// The checks of a frame do not fit its bytes.
    Bytes = "bytes", "the bytes were changed after they were written";
    /// Something stands where it must not.
    Order {
        /// What.
        what: &'static str,
    } = "order", "{what}";
    /// The backup's end counts otherwise.
    Counts = "counts", "the end of the backup counts more or less than there is";
    /// A row says nothing.
    Row = "row", "the row of this envelope cannot be read";
    /// The roster's first entry names another workspace.
    RosterBegins = "roster-begins", "the first roster entry is not the one that names the workspace";
    /// A roster entry does not hold.
    RosterEntry {
        /// Why.
        source: RosterError,
    } = "roster-entry", "the roster entry does not hold: {source}; entries after it, and what they allow, are not judged";
    /// There are not as many roster entries as were counted.
    RosterLength {
        /// How many were counted.
        said: u32,
        /// How many there are.
        found: u32,
    } = "roster-length", "{found} roster entries are there, {said} were counted";
    /// The roster ends with another entry than was noted.
    RosterHead = "roster-head", "the roster ends with another entry than was noted";
    /// Without a roster nothing says who may sign.
    Unjudged = "unjudged", "without the roster the signatures of the envelopes were not checked";
    /// An envelope is not true, or may not be.
    Envelope {
        /// Why.
        source: EnvelopeError,
    } = "envelope", "{source}";
    /// The log names another hash.
    EnvelopeHash = "envelope-hash", "the log names another hash than the envelope has";
    /// The log names another author or place.
    EnvelopePlace = "envelope-place", "the log names another feed or place in it than the envelope does";
    /// Envelopes are missing.
    Missing {
        /// The first that is missing.
        from: u64,
        /// The last that is missing.
        to: u64,
    } = "missing", "the log lacks sequences {from} to {to}";
    /// The log does not count up.
    Sequence {
        /// What was to come.
        expected: u64,
    } = "sequence", "the log's sequence {expected} was to come here";
    /// Times of receipt go back.
    Received = "received", "it was received before the envelope before it";
    /// The running hash does not follow.
    Running = "running-hash", "the running hash does not follow from the one before it";
    /// A feed does not count up.
    FeedSequence {
        /// What was to come.
        expected: u64,
    } = "feed-sequence", "envelope {expected} of this feed was to come here";
    /// A feed's chain is broken.
    FeedChain = "feed-chain", "it names another envelope before it than the feed has";
    /// The log is not as long as was noted.
    LogLength {
        /// The sequence that was noted.
        said: u64,
        /// The sequence of the last envelope.
        found: u64,
    } = "log-length", "the log ends at sequence {found}, {said} was noted";
    /// The log ends with another running hash or time than was noted.
    LogHead = "log-head", "the log ends with another running hash or time of receipt than was noted";
    /// The table of feeds says otherwise.
    FeedHead = "feed-head", "the table of feeds names another end of this feed than the log has";
    /// The table of held feeds says otherwise.
    HeldHead = "held-head", "the table of held feeds names another end or size than what is held of this feed";
    /// The index of feeds says otherwise.
    Index = "index", "the index of feeds does not lead to this envelope";
    /// Rows belong to nothing.
    Orphans {
        /// In which table.
        table: &'static str,
        /// How many rows the workspaces account for.
        expected: u64,
        /// How many there are.
        found: u64,
    } = "orphans", "the table {table} has {found} rows where the workspaces account for {expected}";
}
