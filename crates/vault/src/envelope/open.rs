//! The way in, second half: the parts are opened.

use protocol::{
    Part,
    limits::{MAX_FILE_BYTES, MAX_TRANSACTION_BYTES},
};

use super::{file_bytes, verify::VerifiedEnvelope};
use crate::{KeyName, KeyRing, PartError, open_part};

/// Says why the parts of a verified envelope cannot be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Only a newer version may read it; it waits for an update.
    #[error("the envelope needs a program that reads version {min_reader}")]
    Newer {
        /// The version that is needed.
        min_reader: u32,
    },
    /// The ring lacks the key; the envelope waits for it.
    #[error("the workspace key {key} is not in the ring")]
    MissingKey {
        /// The name of the key.
        key: KeyName,
    },
    /// A part does not open, or holds what it may not.
    #[error("part {index}: {source}")]
    Part {
        /// The place of the part, from 0.
        index: usize,
        /// What is wrong.
        source: PartError,
    },
    /// The changes of all parts together, or the files, are more than a transaction may carry.
    #[error("the transaction opens to {bytes} bytes, more than it may have")]
    TooLarge {
        /// How many bytes it has.
        bytes: usize,
    },
}

/// Opens the parts of an envelope, in order, those aside that were erased.
pub fn open_parts(verified: &VerifiedEnvelope, ring: &KeyRing) -> Result<Vec<Part>, OpenError> {
    if let Some(min_reader) = verified.newer() {
        return Err(OpenError::Newer { min_reader });
    }
    let header = verified.header();
    let name = KeyName::of(header);
    let key = ring.get(&name).ok_or(OpenError::MissingKey { key: name })?;
    let mut parts = Vec::with_capacity(verified.envelope().parts.len());
    let mut transaction_bytes = 0;
    let mut bytes_of_files = 0;
    for (index, sealed) in verified.envelope().parts.iter().enumerate() {
        let Some(sealed) = sealed else { continue };
        let part = open_part(sealed, &header.workspace, header.key_epoch, key)
            .map_err(|source| OpenError::Part { index, source })?;
        transaction_bytes += part.transaction_bytes();
        bytes_of_files += file_bytes(&part);
        // Small sealed parts can inflate to large ones, so the sum is bounded while it grows.
        if transaction_bytes > MAX_TRANSACTION_BYTES || bytes_of_files > MAX_FILE_BYTES {
            return Err(OpenError::TooLarge {
                bytes: transaction_bytes + bytes_of_files,
            });
        }
        parts.push(part);
    }
    Ok(parts)
}
