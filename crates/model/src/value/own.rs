//! What a workspace makes its own: phases, fields, files.

use serde::{Deserialize, Serialize};

use super::row::{Read, Row, read_word};
use crate::cbor::Cbor;

/// The words for the forms of a workspace's own fields.
pub const CUSTOM_FORMS: [&str; 6] = ["text", "date", "money", "decimal", "flag", "choice"];

/// A phase of sales projects as the workspace has it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PhaseSetting {
    /// What people read.
    pub title: String,
    /// Chance of success in percent.
    pub chance: i64,
    /// Where it stands in the row of phases.
    pub rank: i64,
}

impl PhaseSetting {
    pub(super) fn write(&self, row: Row) -> Row {
        row.text(1, &self.title)
            .int(2, self.chance)
            .int(3, self.rank)
    }

    pub(super) fn read(read: &Read<'_>) -> Option<Self> {
        Some(Self {
            title: read.text(1)?,
            chance: read.int(2)?,
            rank: read.int(3)?,
        })
    }
}

/// A field of the workspace's own.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CustomField {
    /// What people read.
    pub title: String,
    /// The kinds that have it.
    pub kinds: Vec<String>,
    /// One of [`CUSTOM_FORMS`]; empty for a text.
    #[serde(default)]
    pub form: String,
    /// The words to choose from, for a choice.
    #[serde(default)]
    pub choices: Vec<String>,
}

impl CustomField {
    pub(super) fn write(&self, row: Row) -> Row {
        row.text(1, &self.title)
            .list(2, self.kinds.iter().map(|kind| Cbor::Text(kind.clone())))
            .text(3, &self.form)
            .some(4, &self.choices)
    }

    pub(super) fn read(read: &Read<'_>) -> Option<Self> {
        Some(Self {
            title: read.text(1)?,
            kinds: read.list(2, read_word)?,
            form: read.text_or_empty(3),
            choices: read.list(4, read_word)?,
        })
    }
}

/// A file that belongs to a record; its bytes travel by themselves, under their hash.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FileEntry {
    /// The name that it had.
    pub name: String,
    /// The media type, such as `application/pdf`; empty when it is not known.
    pub media_type: String,
    /// The size in bytes.
    pub size: i64,
}

impl FileEntry {
    pub(super) fn write(&self, row: Row) -> Row {
        row.text(1, &self.name)
            .text(2, &self.media_type)
            .int(3, self.size)
    }

    pub(super) fn read(read: &Read<'_>) -> Option<Self> {
        Some(Self {
            name: read.text_or_empty(1),
            media_type: read.text_or_empty(2),
            size: read.int(3)?,
        })
    }
}
