//! Where the commands get at a relay's data: from the relay that runs, or from the directory of one that does not.

use std::path::Path;

use super::UpkeepError;
#[cfg(unix)]
use super::control::Asker;
use crate::log::{OpenError, RedbLog, Trust};

/// The way to a relay's data.
#[derive(Debug)]
pub(super) enum Source {
    /// A relay runs and answers.
    #[cfg(unix)]
    Running(Asker),
    /// No relay runs; its log is held by this process now.
    Stopped(RedbLog),
}

/// Finds the way to the data in a directory.
pub(super) fn open(data: &Path, trust: Trust) -> Result<Source, UpkeepError> {
    #[cfg(unix)]
    if let Some(asker) = Asker::connect(data)? {
        return Ok(Source::Running(asker));
    }
    match RedbLog::open_existing(data, trust) {
        Ok(log) => Ok(Source::Stopped(log)),
        // It may have begun to serve in between.
        #[cfg(unix)]
        Err(OpenError::Locked { path }) => match Asker::connect(data)? {
            Some(asker) => Ok(Source::Running(asker)),
            None => Err(UpkeepError::Busy { path }),
        },
        #[cfg(not(unix))]
        Err(OpenError::Locked { path }) => Err(UpkeepError::Busy { path }),
        Err(error) => Err(error.into()),
    }
}
