//! How a contact is reached: addresses, phone numbers, e-mail addresses, and the consent to be written to.

use serde::{Deserialize, Serialize};

use super::row::{Read, Row};

/// A postal address, one register as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Address {
    /// Street and house number.
    pub street: String,
    /// Building, floor, post box.
    pub extra: String,
    /// Postal code.
    pub postal_code: String,
    /// City.
    pub city: String,
    /// Region or state.
    pub region: String,
    /// Country, as typed.
    pub country: String,
    /// Which address this is: visit, delivery, invoice.
    pub label: String,
}

impl Address {
    pub(super) fn write(&self, row: Row) -> Row {
        row.text(1, &self.street)
            .text(2, &self.extra)
            .text(3, &self.postal_code)
            .text(4, &self.city)
            .text(5, &self.region)
            .text(6, &self.country)
            .text(7, &self.label)
    }

    pub(super) fn read(read: &Read<'_>) -> Option<Self> {
        Some(Self {
            street: read.text_or_empty(1),
            extra: read.text_or_empty(2),
            postal_code: read.text_or_empty(3),
            city: read.text_or_empty(4),
            region: read.text_or_empty(5),
            country: read.text_or_empty(6),
            label: read.text_or_empty(7),
        })
    }
}

/// A phone number or an e-mail address with its label.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Labelled {
    /// The number or address, as typed.
    pub value: String,
    /// work, home, mobile, fax, other or one's own.
    #[serde(default)]
    pub label: String,
}

impl Labelled {
    pub(super) fn write(&self, row: Row) -> Row {
        row.text(1, &self.value).text(2, &self.label)
    }

    pub(super) fn read(read: &Read<'_>) -> Option<Self> {
        Some(Self {
            value: read.text(1)?,
            label: read.text_or_empty(2),
        })
    }
}

/// The consent of a contact to be written to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Consent {
    /// On what it rests: spoken, card, form, contract.
    pub basis: String,
    /// When it was given (ms since 1970).
    pub when_ms: i64,
    /// What was said or signed.
    pub wording: String,
}

impl Consent {
    pub(super) fn write(&self, row: Row) -> Row {
        row.text(1, &self.basis)
            .int(2, self.when_ms)
            .text(3, &self.wording)
    }

    pub(super) fn read(read: &Read<'_>) -> Option<Self> {
        Some(Self {
            basis: read.text_or_empty(1),
            when_ms: read.int(2)?,
            wording: read.text_or_empty(3),
        })
    }
}
