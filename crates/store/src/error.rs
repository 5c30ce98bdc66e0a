//! What can go wrong with a store, when it is opened and when it is used.

use crate::FORMAT_VERSION;

/// Says why a store could not be opened; nothing was written then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another handle or process has the store open.
    #[error("the store is already open elsewhere")]
    Locked,
    /// There is nothing where a store must be.
    #[error("there is no store here, or it is empty")]
    Absent,
    /// The bytes are not those of a store of ours.
    #[error("this is not a store of Handschlag: {found}")]
    NotOurs {
        /// What was found in its place.
        found: String,
    },
    /// The bytes were a store once and are damaged.
    #[error("the store is damaged: {what}")]
    Damaged {
        /// What does not fit.
        what: String,
    },
    /// A newer version of the program wrote the store.
    #[error(
        "the store has format version {found}, this program knows versions up to {FORMAT_VERSION}"
    )]
    Newer {
        /// The version that the store names.
        found: u32,
    },
    /// The backend cannot be opened a second time.
    #[error("this kind of backend cannot be opened again")]
    OpenedOnce,
    /// The backend failed.
    #[error("the store cannot be read or written: {source}")]
    Io {
        /// The failure of the backend.
        #[source]
        source: std::io::Error,
    },
}

/// Says why a read, a write or a commit failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// An earlier input/output error left the store unusable until it is opened again.
    #[error("an earlier error broke the store; it must be opened again")]
    Broken,
    /// The backend failed; every later call answers [`StoreError::Broken`].
    #[error("the store cannot be read or written: {source}")]
    Io {
        /// The failure of the backend.
        #[source]
        source: std::io::Error,
    },
    /// The stored bytes contradict themselves.
    #[error("the store is damaged: {what}")]
    Damaged {
        /// What does not fit.
        what: String,
    },
    /// Another write is in progress; there is one at a time.
    #[error("another write to the store is in progress")]
    Busy,
    /// A value exceeds [`MAX_VALUE_BYTES`](crate::MAX_VALUE_BYTES).
    #[error("a value of {bytes} bytes is too large for table {table}")]
    ValueTooLarge {
        /// The table it was meant for.
        table: &'static str,
        /// Its length in bytes.
        bytes: usize,
    },
    /// A name exceeds [`MAX_NAME_BYTES`](crate::MAX_NAME_BYTES) or belongs to the store itself.
    #[error("{name:?} is not a name that table {table} takes")]
    Name {
        /// The table it was meant for.
        table: &'static str,
        /// The name, cut to its first characters.
        name: String,
    },
    /// Another envelope is stored under the same feed and sequence.
    #[error("another envelope is already stored at sequence {sequence} of this feed")]
    EnvelopeDiffers {
        /// The sequence in the feed.
        sequence: u64,
    },
    /// A table has used up its numbers.
    #[error("table {table} has used up its numbers")]
    Full {
        /// The table.
        table: &'static str,
    },
}

impl StoreError {
    pub(crate) fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged { what: what.into() }
    }
}

impl From<redb::StorageError> for StoreError {
    fn from(error: redb::StorageError) -> Self {
        use redb::StorageError as S;
        match error {
            S::Io(source) => Self::Io { source },
            S::PreviousIo | S::DatabaseClosed | S::LockPoisoned(_) => Self::Broken,
            S::Backend(source) => Self::Io {
                source: std::io::Error::other(source),
            },
            other => Self::damaged(other.to_string()),
        }
    }
}

impl From<redb::TableError> for StoreError {
    fn from(error: redb::TableError) -> Self {
        match error {
            redb::TableError::Storage(error) => error.into(),
            other => Self::damaged(other.to_string()),
        }
    }
}

impl From<redb::TransactionError> for StoreError {
    fn from(error: redb::TransactionError) -> Self {
        match error {
            redb::TransactionError::Storage(error) => error.into(),
            redb::TransactionError::WouldBlock => Self::Busy,
            other => Self::damaged(other.to_string()),
        }
    }
}

impl From<redb::CommitError> for StoreError {
    fn from(error: redb::CommitError) -> Self {
        match error {
            redb::CommitError::Storage(error) => error.into(),
            // A table operation failed half-way; what it had done is gone with the transaction.
            _ => Self::Broken,
        }
    }
}

impl From<std::io::Error> for OpenError {
    fn from(source: std::io::Error) -> Self {
        Self::Io { source }
    }
}

impl From<StoreError> for OpenError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Io { source } => Self::Io { source },
            other => Self::Damaged {
                what: other.to_string(),
            },
        }
    }
}

impl From<redb::DatabaseError> for OpenError {
    fn from(error: redb::DatabaseError) -> Self {
        use redb::DatabaseError as D;
        match error {
            D::DatabaseAlreadyOpen | D::LockProtocolMismatch => Self::Locked,
            // redb reports a wrong magic number and an unexpected end in this way.
            D::Storage(redb::StorageError::Io(source))
                if matches!(
                    source.kind(),
                    std::io::ErrorKind::InvalidData
                        | std::io::ErrorKind::UnexpectedEof
                        | std::io::ErrorKind::InvalidInput
                ) =>
            {
                Self::Damaged {
                    what: source.to_string(),
                }
            }
            D::Storage(error) => StoreError::from(error).into(),
            other => Self::Damaged {
                what: other.to_string(),
            },
        }
    }
}
