//! The upkeep of a relay's data: backup, restore, verify, status.
//!
//! Each works while the relay runs, by asking it on its private socket (`control.rs`), and on the directory of one that
//! does not run. Everything goes through one stream of items (`item.rs`): `emit.rs` makes it from a log, `frames.rs`
//! writes and reads it as a backup, `examine.rs` judges it. So a backup, a directory and a relay that runs are checked
//! by the same rules, and nothing is ever in memory but one item, the roster of one workspace and a line per feed.

mod backup;
#[cfg(unix)]
pub(crate) mod control;
mod emit;
mod examine;
mod finding;
mod frames;
mod item;
mod restore;
mod source;
mod status;
pub mod tell;
mod utc;
mod verify;

use std::{
    io,
    path::{Path, PathBuf},
};

pub use backup::{BackupError, BackupMade, backup};
pub use examine::Examined;
pub use finding::{Fault, Finding, Place};
pub use frames::ReadError;
pub use item::Counts;
pub use restore::{RestoreError, Restored, RestoredWorkspace, restore};
pub use status::{HeldStatus, Status, WorkspaceStatus, status};
pub use verify::{Verified, verify_backup, verify_data};

use crate::{
    log::{LogError, OpenError},
    writer::Chain,
};

/// Says why a relay's data could not be got at.
#[derive(Debug, thiserror::Error)]
pub enum UpkeepError {
    /// The log of a stopped relay could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The log could not be read.
    #[error(
        "cannot read the log in {path}: {text}; 'handschlag-relay verify --data' says what is wrong"
    )]
    Log {
        /// The data directory.
        path: PathBuf,
        /// What is wrong.
        text: String,
    },
    /// Something holds the log and does not answer.
    #[error(
        "{path} is in use by a program that does not answer; if it is a relay that is just starting, try again, else stop it first"
    )]
    Busy {
        /// The database file.
        path: PathBuf,
    },
    /// The socket of the relay cannot be used.
    #[error(
        "cannot ask the relay at {path}: {source}; run this as the user that the relay runs as"
    )]
    Ask {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The relay gave no answer that can be read.
    #[error("the relay did not answer: {source}; its log says why")]
    Answer {
        /// What the system said.
        source: io::Error,
    },
}

impl UpkeepError {
    fn log(data: &Path, source: LogError) -> Self {
        UpkeepError::Log {
            path: data.to_owned(),
            text: Chain(&source).to_string(),
        }
    }
}
