//! From the conversion to the order: amounts, line items, what was sent, and what won.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::row::{Read, Row};
use crate::id::RecordId;
use crate::status::Status;

/// An amount in minor units (cents) with its ISO 4217 code.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Money {
    /// Minor units: 1250 is 12.50 of a currency with two digits.
    pub minor: i64,
    /// The ISO 4217 code.
    pub currency: String,
}

impl Money {
    pub(super) fn write(&self, row: Row) -> Row {
        row.int(1, self.minor).text(2, &self.currency)
    }

    pub(super) fn read(read: &Read<'_>) -> Option<Self> {
        read.money(1, 2)
    }
}

/// A line of an offer, one register as a whole.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LineItem {
    /// What is offered.
    pub text: String,
    /// How many units.
    pub quantity: Decimal,
    /// The unit: piece, hour, day.
    pub unit: String,
    /// Price of one unit.
    pub price: Money,
    /// Discount in percent of the line.
    pub discount: Decimal,
    /// VAT rate in percent.
    pub vat: Decimal,
    /// Where the line stands; lines of one position follow their ids.
    pub position: i64,
}

impl LineItem {
    pub(super) fn write(&self, row: Row) -> Row {
        row.text(1, &self.text)
            .text(2, &self.quantity.normalize().to_string())
            .text(3, &self.unit)
            .int(4, self.price.minor)
            .text(5, &self.price.currency)
            .text(6, &self.discount.normalize().to_string())
            .text(7, &self.vat.normalize().to_string())
            .int(8, self.position)
    }

    pub(super) fn read(read: &Read<'_>) -> Option<Self> {
        Some(Self {
            text: read.text_or_empty(1),
            quantity: read.decimal(2)?,
            unit: read.text_or_empty(3),
            price: read.money(4, 5)?,
            discount: read.decimal(6)?,
            vat: read.decimal(7)?,
            position: read.int(8)?,
        })
    }
}

/// What an inquiry became.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Conversion {
    /// The customer.
    pub customer: RecordId,
    /// The contact person.
    pub contact: RecordId,
    /// The sales project; none for a partner.
    pub sales_project: Option<RecordId>,
    /// Whether the person who converted has taken it back.
    #[serde(default)]
    pub undone: bool,
}

impl Conversion {
    pub(super) fn write(&self, row: Row) -> Row {
        row.id(1, self.customer)
            .id(2, self.contact)
            .maybe(self.sales_project, |row, id| row.id(3, id))
            .flag(4, self.undone)
    }

    pub(super) fn read(read: &Read<'_>) -> Option<Self> {
        Some(Self {
            customer: read.id(1)?,
            contact: read.id(2)?,
            sales_project: read.id(3),
            undone: read.flag(4),
        })
    }
}

/// Which issued offer won an order, and the amount, in one register.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Award {
    /// The issued offer that was accepted, if one was told.
    pub issued: Option<RecordId>,
    /// The amount of the order, if known.
    pub amount: Option<Money>,
}

impl Award {
    pub(super) fn write(&self, row: Row) -> Row {
        row.maybe(self.issued, |row, id| row.id(1, id))
            .maybe(self.amount.as_ref(), |row, money| {
                row.int(2, money.minor).text(3, &money.currency)
            })
    }

    pub(super) fn read(read: &Read<'_>) -> Option<Self> {
        Some(Self {
            issued: read.id(1),
            amount: read.money(2, 3),
        })
    }
}

/// The trace that sending leaves in the offer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Issue {
    /// The number that was minted.
    pub number: String,
    /// Which version of the offer this was, from 1; two of one version were sent without knowing of each other.
    pub version: i64,
    /// When it was sent (ms since 1970).
    pub at_ms: i64,
}

impl Issue {
    pub(super) fn write(&self, row: Row) -> Row {
        row.text(1, &self.number)
            .int(2, self.version)
            .int(3, self.at_ms)
    }

    pub(super) fn read(read: &Read<'_>) -> Option<Self> {
        Some(Self {
            number: read.text(1)?,
            version: read.int(2)?,
            at_ms: read.int(3)?,
        })
    }
}

impl Status {
    pub(super) fn write(&self, row: Row) -> Row {
        row.text(1, &self.word)
            .maybe(self.reason.as_deref(), |row, reason| row.text(2, reason))
            .maybe(self.chance, |row, chance| row.int(3, chance))
            .int(4, self.rank)
            .flag(5, self.takes_back)
    }

    pub(super) fn read(read: &Read<'_>) -> Option<Self> {
        Some(Self {
            word: read.text(1)?,
            reason: read.text(2),
            chance: read.int(3),
            rank: read.int(4).unwrap_or(0),
            takes_back: read.flag(5),
        })
    }
}
