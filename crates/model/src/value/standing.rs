//! What the machinery keeps in a record: which it is, whether it is in use, what it was merged into, what was set aside.

use serde::{Deserialize, Serialize};

use super::row::{Read, Row, read_id, read_stamp, stamp_cbor};
use crate::cbor::Cbor;
use crate::id::{RecordId, Stamp};

/// Which record a document is, named in the first change of each device to it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Identity {
    /// The kind's name.
    pub kind: String,
    /// The record's id.
    pub id: RecordId,
}

impl Identity {
    pub(super) fn write(&self, row: Row) -> Row {
        row.text(1, &self.kind).id(2, self.id)
    }

    pub(super) fn read(read: &Read<'_>) -> Option<Self> {
        Some(Self {
            kind: read.text(1)?,
            id: read.id(2)?,
        })
    }
}

/// Whether a record is in use.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Life {
    /// It is in use; every edit says so again.
    Alive,
    /// Somebody put it away.
    Archived,
    /// What made it was undone, knowing of these records under it.
    Undone(Vec<RecordId>),
}

impl Life {
    pub(super) fn write(&self, row: Row) -> Row {
        match self {
            Self::Alive => row.int(1, 0),
            Self::Archived => row.int(1, 1),
            Self::Undone(under) => row.int(1, 2).list(
                2,
                under.iter().map(|id| Cbor::Bytes(id.as_bytes().to_vec())),
            ),
        }
    }

    pub(super) fn read(read: &Read<'_>) -> Option<Self> {
        match read.int(1)? {
            0 => Some(Self::Alive),
            1 => Some(Self::Archived),
            2 => Some(Self::Undone(read.list(2, read_id)?)),
            _ => None,
        }
    }
}

/// Into which record this one was merged.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MergedInto {
    /// The record that goes on.
    pub survivor: RecordId,
    /// The stamps of the values that the merging person saw; others are further values of the survivor.
    pub seen: Vec<Stamp>,
}

impl MergedInto {
    pub(super) fn write(&self, row: Row) -> Row {
        row.id(1, self.survivor)
            .list(2, self.seen.iter().map(stamp_cbor))
    }

    pub(super) fn read(read: &Read<'_>) -> Option<Self> {
        Some(Self {
            survivor: read.id(1)?,
            seen: read.list(2, read_stamp)?,
        })
    }
}

/// A value that a write superseded without its author having seen it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Aside {
    /// The key under which it stood.
    pub key: String,
    /// The canonical bytes of its register.
    pub register: Vec<u8>,
    /// When it was written (ms since 1970).
    pub time_ms: i64,
}

impl Aside {
    pub(super) fn write(&self, row: Row) -> Row {
        row.text(1, &self.key)
            .bytes(2, &self.register)
            .int(3, self.time_ms)
    }

    pub(super) fn read(read: &Read<'_>) -> Option<Self> {
        Some(Self {
            key: read.text(1)?,
            register: read.bytes(2)?.to_vec(),
            time_ms: read.int(3)?,
        })
    }
}
