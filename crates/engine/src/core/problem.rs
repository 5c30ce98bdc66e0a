//! What can go wrong inside the engine, and how it is told to clients.

use replica::{CarryError, ReplicaError};
use store::{OpenError, StoreError};

use crate::interface::Failure;

/// Something that went wrong inside.
#[derive(Debug, thiserror::Error)]
pub(super) enum Problem {
    /// The rules refuse; nothing was changed.
    #[error("{0}")]
    Refused(Failure),
    /// The store failed.
    #[error("the store failed: {0}")]
    Store(#[from] StoreError),
    /// The store failed before, and cannot be opened again yet.
    #[error("the store failed and cannot be opened again: {0}")]
    Reopen(#[from] OpenError),
    /// The file of keys is there and cannot be read.
    #[error("the device's keys cannot be read: {what}")]
    Keys {
        /// What the shell said.
        what: String,
    },
    /// What is stored cannot be read.
    #[error("the store is damaged: {what}")]
    Damaged {
        /// What was found.
        what: String,
    },
    /// The keys beside the store are not those that it belongs to.
    #[error("{what}")]
    WrongKeys {
        /// What was found.
        what: &'static str,
    },
    /// The roster as stored does not hold.
    #[error("the stored roster does not hold: {0}")]
    StoredRoster(#[from] vault::RosterLoadError),
    /// The relay's roster does not continue ours.
    #[error("the relay's roster does not continue the one that is known here: {what}")]
    Roster {
        /// What is wrong.
        what: String,
    },
    /// A transaction cannot be sealed.
    #[error("the transaction cannot be sealed: {0}")]
    Seal(#[from] vault::SealError),
}

impl Problem {
    pub(super) fn damaged(what: impl std::fmt::Display) -> Self {
        Self::Damaged {
            what: what.to_string(),
        }
    }

    pub(super) fn roster(what: impl std::fmt::Display) -> Self {
        Self::Roster {
            what: what.to_string(),
        }
    }

    /// Tells whether memory may differ from the store, so that the device must be loaded again.
    pub(super) fn needs_reload(&self) -> bool {
        !matches!(self, Self::Refused(_))
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        Self::Refused(failure)
    }
}

impl From<ReplicaError> for Problem {
    fn from(error: ReplicaError) -> Self {
        match error {
            ReplicaError::Store(error) => Self::Store(error),
            other => Self::damaged(other),
        }
    }
}

impl From<CarryError> for Problem {
    fn from(error: CarryError) -> Self {
        match error {
            CarryError::Refused(refusal) => Self::Refused(refusal.into()),
            CarryError::Replica(error) => error.into(),
        }
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        let reason = problem.to_string();
        match problem {
            Problem::Refused(failure) => failure,
            Problem::Seal(vault::SealError::TooMuch { .. }) => {
                Failure::new("too-large", reason, Some("do it in smaller steps"))
            }
            Problem::Store(StoreError::Io { .. } | StoreError::Broken)
            | Problem::Reopen(OpenError::Io { .. }) => Failure::new(
                "store",
                reason,
                Some(
                    "nothing that was confirmed is lost; make space or repair the disk, then try again",
                ),
            ),
            Problem::Reopen(OpenError::Locked) => Failure::new(
                "store",
                reason,
                Some("nothing that was confirmed is lost; end what has it open, then try again"),
            ),
            Problem::WrongKeys { .. } => Failure::new(
                "keys",
                reason,
                Some(
                    "put the file with this home's own keys back, as a copy of the home has it; without them keep this home \
                     as it is, ask an admin for handschlag invite --member NAME, and join from a new one: \
                     handschlag --home DIR join LINK. All that had been sent comes there by itself",
                ),
            ),
            Problem::Keys { .. } => Failure::new(
                "keys",
                reason,
                Some(
                    "nothing is lost; see that the disk works and that the file of keys in the home can be read, then \
                     try again",
                ),
            ),
            Problem::Store(_) => Failure::new("store", reason, None),
            Problem::Reopen(_) | Problem::Damaged { .. } | Problem::StoredRoster(_) => {
                Failure::new(
                    "damaged",
                    reason,
                    Some(
                        "keep a copy of the home; ask an admin for handschlag invite --member NAME, and join from a \
                         new one: handschlag --home DIR join LINK",
                    ),
                )
            }
            Problem::Roster { .. } => {
                Failure::new("roster", reason, Some("ask an admin of the workspace"))
            }
            Problem::Seal(_) => Failure::new("seal", reason, None),
        }
    }
}
