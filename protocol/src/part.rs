//! A part in clear: the changes of one record, or one file.

use minicbor::{Decode, Encode};

use crate::{
    Blob, DecodeError, FileHash, RecordId,
    canonical::{check_count, check_size, decode_canonical, encode},
    limits::{MAX_CHANGES_PER_PART, MAX_FILE_BYTES, MAX_PART_BYTES, MAX_TRANSACTION_BYTES},
};

/// What one transaction holds for one record, or one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Changes of one record.
    Record {
        /// The record.
        record: RecordId,
        /// The change chunks, each after those that it depends on.
        changes: Vec<Blob>,
    },
    /// One file, which a record names by its hash.
    File {
        /// The hash of the bytes.
        hash: FileHash,
        /// The bytes.
        bytes: Blob,
    },
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct Outer {
    #[n(0)]
    record: Option<RecordId>,
    #[n(1)]
    changes: Option<Vec<Blob>>,
    #[n(2)]
    hash: Option<FileHash>,
    #[n(3)]
    bytes: Option<Blob>,
}

impl Part {
    /// Makes the part of a file.
    pub fn file(bytes: impl Into<Blob>) -> Self {
        let bytes = bytes.into();
        Part::File {
            hash: FileHash::of(&bytes),
            bytes,
        }
    }

    /// Writes the part.
    pub fn encode(&self) -> Vec<u8> {
        encode(&match self {
            Part::Record { record, changes } => Outer {
                record: Some(*record),
                changes: Some(changes.clone()),
                hash: None,
                bytes: None,
            },
            Part::File { hash, bytes } => Outer {
                record: None,
                changes: None,
                hash: Some(*hash),
                bytes: Some(bytes.clone()),
            },
        })
    }

    /// Reads a part, and checks sizes, counts and the hash of a file.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let outer: Outer = decode_canonical("part", MAX_PART_BYTES, bytes)?;
        match outer {
            Outer {
                record: Some(record),
                changes: Some(changes),
                hash: None,
                bytes: None,
            } => {
                check_count("changes of a part", MAX_CHANGES_PER_PART, changes.len())?;
                check_transaction_bytes(changes.iter().map(|change| change.len()).sum())?;
                Ok(Part::Record { record, changes })
            }
            Outer {
                record: None,
                changes: None,
                hash: Some(hash),
                bytes: Some(bytes),
            } => {
                check_size("file", MAX_FILE_BYTES, &bytes)?;
                if FileHash::of(&bytes) != hash {
                    return Err(DecodeError::malformed("file", "its hash is another"));
                }
                Ok(Part::File { hash, bytes })
            }
            _ => Err(DecodeError::malformed(
                "part",
                "neither a record with changes nor a file with its hash",
            )),
        }
    }

    /// Returns how many bytes count towards [`MAX_TRANSACTION_BYTES`]: those of changes, not those of files.
    pub fn transaction_bytes(&self) -> usize {
        match self {
            Part::Record { changes, .. } => changes.iter().map(|change| change.len()).sum(),
            Part::File { .. } => 0,
        }
    }
}

/// Checks the sum of [`Part::transaction_bytes`] of a transaction.
pub(crate) fn check_transaction_bytes(bytes: usize) -> Result<(), DecodeError> {
    if bytes > MAX_TRANSACTION_BYTES {
        return Err(DecodeError::TooLarge {
            what: "transaction",
            bytes,
            limit: MAX_TRANSACTION_BYTES,
        });
    }
    Ok(())
}
