//! When things are planned, and whether they are done.

use jiff::civil::{Date, Time};
use serde::{Deserialize, Serialize};

use super::row::{Read, Row, stamp_cbor};
use crate::cbor::CborMap;
use crate::id::Stamp;

/// A planned moment: civil date and time with an IANA zone, because zone rules change.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Planned {
    /// The civil date.
    pub date: Date,
    /// The civil time; none for the whole day.
    pub time: Option<Time>,
    /// The IANA zone, such as `Europe/Berlin`.
    pub zone: String,
}

impl Planned {
    pub(super) fn write(&self, row: Row) -> Row {
        row.text(1, &self.date.to_string())
            .maybe(self.time, |row, time| row.text(2, &time.to_string()))
            .text(3, &self.zone)
    }

    pub(super) fn read(read: &Read<'_>) -> Option<Self> {
        let time = match read.at(2) {
            Some(mut decoder) => Some(decoder.str().ok()?.parse().ok()?),
            None => None,
        };
        Some(Self {
            date: read.at(1)?.str().ok()?.parse().ok()?,
            time,
            zone: read.text_or_empty(3),
        })
    }
}

/// Whether an activity is done, for a person or for all.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Done {
    /// It is done since this moment (ms since 1970).
    Done(i64),
    /// It was opened again by this press; unique, so that it beats a concurrent done.
    Reopened(Stamp),
}

impl Done {
    pub(super) fn write(&self, row: Row) -> Row {
        match self {
            Self::Done(ms) => row.int(1, *ms),
            Self::Reopened(stamp) => Row(CborMap::from([(2, stamp_cbor(stamp))])),
        }
    }

    pub(super) fn read(read: &Read<'_>) -> Option<Self> {
        Some(match read.int(1) {
            Some(ms) => Self::Done(ms),
            None => Self::Reopened(Stamp::from_bytes(read.bytes(2)?.try_into().ok()?)),
        })
    }
}
