//! Why a log cannot be opened or used: what the system refuses is told from what the file lacks.

use std::{
    io,
    path::{Path, PathBuf},
};

use super::LogError;

/// Says why a log could not be opened, for the one who starts the relay.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder cannot be made or written.
    #[error(
        "cannot write to the folder {path}: {source}; choose another with --data, or give this user access to it"
    )]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file cannot be read or written; what it holds is as it was.
    #[error(
        "cannot read or write {path}: {source}; nothing that was stored is lost: make space or repair the disk, then \
         try again"
    )]
    Disk {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is no database file.
    #[error("{path} does not exist; --data takes the data directory of a relay")]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// Another relay has the file open.
    #[error(
        "{path} is in use by another relay; stop that one, or choose another folder with --data"
    )]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// A newer relay wrote the file.
    #[error("{path} has format {found}, this relay reads up to {known}; start a newer relay")]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest format that this version knows.
        known: u32,
    },
    /// The file is not a database, or a broken one.
    #[error(
        "{path} is damaged or not a relay's file: {source}; restore it from a backup, or move it away: clients then fill \
         an empty relay again"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl OpenError {
    /// Tells what the system refuses from what the file lacks, which redb reports as errors of the system too.
    pub(super) fn of_system(folder: &Path, path: &Path, source: io::Error) -> Self {
        use io::ErrorKind as Kind;
        match source.kind() {
            Kind::InvalidData | Kind::UnexpectedEof | Kind::InvalidInput => OpenError::Damaged {
                path: path.to_owned(),
                source: source.into(),
            },
            Kind::PermissionDenied
            | Kind::ReadOnlyFilesystem
            | Kind::NotFound
            | Kind::NotADirectory
            | Kind::AlreadyExists => OpenError::Folder {
                path: folder.to_owned(),
                source,
            },
            _ => OpenError::Disk {
                path: path.to_owned(),
                source,
            },
        }
    }
}

macro_rules! storage_errors {
    ($($error:ty),*) => {
        $(impl From<$error> for LogError {
            fn from(source: $error) -> Self {
                LogError::Storage { source: Box::new(redb::Error::from(source)) }
            }
        })*
    };
}

storage_errors!(
    redb::TransactionError,
    redb::TableError,
    redb::StorageError,
    redb::CommitError,
    redb::SetDurabilityError
);

impl LogError {
    /// Gives what the system said, when that is why: no space, for example; else the error as it was.
    pub(crate) fn into_system(self) -> Result<io::Error, Self> {
        match self {
            LogError::Storage { source } => match source.downcast::<redb::Error>() {
                Ok(error) => match *error {
                    redb::Error::Io(error) => Ok(error),
                    error => Err(LogError::Storage {
                        source: error.into(),
                    }),
                },
                Err(source) => Err(LogError::Storage { source }),
            },
            damaged @ LogError::Damaged { .. } => Err(damaged),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_refuses_is_no_damage() {
        let of = |kind: io::ErrorKind| {
            let error = LogError::from(redb::StorageError::Io(kind.into()));
            let source = error.into_system().expect("the system's");
            OpenError::of_system(Path::new("d"), Path::new("d/f"), source)
        };
        let is_about_the_disk =
            |error: OpenError| matches!(error, OpenError::Disk { .. } | OpenError::Folder { .. });
        assert!(is_about_the_disk(of(io::ErrorKind::StorageFull)));
        assert!(is_about_the_disk(of(io::ErrorKind::ReadOnlyFilesystem)));
        assert!(matches!(
            of(io::ErrorKind::InvalidData),
            OpenError::Damaged { .. }
        ));
    }
}
