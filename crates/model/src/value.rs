//! Values of fields, and how each lies in a register.

mod contact;
mod own;
mod planned;
mod row;
mod sales;
mod standing;

use jiff::civil::Date;
use minicbor::data::Type;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::cbor::{self, Cbor, CborMap};
use crate::id::RecordId;
use crate::status::Status;
use row::{Read, Row};

pub use contact::{Address, Consent, Labelled};
pub use own::{CUSTOM_FORMS, CustomField, FileEntry, PhaseSetting};
pub use planned::{Done, Planned};
pub use sales::{Award, Conversion, Issue, LineItem, Money};
pub use standing::{Aside, Identity, Life, MergedInto};

/// The value of a field.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "type", content = "value", rename_all = "kebab-case")]
#[expect(
    missing_docs,
    reason = "each variant carries the type of its name, documented there"
)]
pub enum Value {
    Text(String),
    Date(Date),
    Planned(Planned),
    Instant(i64),
    Money(Money),
    Decimal(Decimal),
    Integer(i64),
    Flag(bool),
    Address(Address),
    Labelled(Labelled),
    Reference(RecordId),
    Status(Status),
    Item(LineItem),
    Consent(Consent),
    Conversion(Conversion),
    Award(Award),
    Issue(Issue),
    Done(Done),
    Life(Life),
    MergedInto(MergedInto),
    Aside(Aside),
    Identity(Identity),
    Phase(PhaseSetting),
    Custom(CustomField),
    File(FileEntry),
}

/// How a field's value lies in a register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(
    missing_docs,
    reason = "each stands for the variant of Value of its name"
)]
pub enum Form {
    Text,
    Date,
    Planned,
    Instant,
    Money,
    Decimal,
    Integer,
    Flag,
    Address,
    Labelled,
    Reference,
    Status,
    Item,
    Consent,
    Conversion,
    Award,
    Issue,
    Done,
    Life,
    MergedInto,
    Aside,
    Identity,
    Phase,
    Custom,
    File,
    /// A value of a workspace's own field: a text, an amount or a flag, as its keys tell; dates, decimals and choices are texts.
    Own,
}

impl Form {
    /// Gives the highest register key that this version knows for the form.
    pub fn known_keys(self) -> u32 {
        match self {
            Form::Item => 8,
            Form::Address => 7,
            Form::Status => 5,
            Form::Conversion | Form::Custom => 4,
            Form::Planned
            | Form::Consent
            | Form::Award
            | Form::Issue
            | Form::Aside
            | Form::Phase
            | Form::File => 3,
            Form::Money
            | Form::Labelled
            | Form::Done
            | Form::Life
            | Form::MergedInto
            | Form::Identity
            | Form::Own => 2,
            Form::Text
            | Form::Date
            | Form::Instant
            | Form::Decimal
            | Form::Integer
            | Form::Flag
            | Form::Reference => 1,
        }
    }
}

impl Value {
    /// Writes the value as the keys of a register.
    pub fn to_map(&self) -> CborMap {
        let row = Row::default();
        match self {
            // An empty text is a value, not a cleared field, so its key is always there.
            Value::Text(text) => Row(CborMap::from([(1, Cbor::Text(text.clone()))])),
            Value::Date(date) => row.text(1, &date.to_string()),
            Value::Planned(planned) => planned.write(row),
            Value::Instant(ms) => row.int(1, *ms),
            Value::Money(money) => money.write(row),
            Value::Decimal(number) => row.text(1, &number.normalize().to_string()),
            Value::Integer(number) => row.int(1, *number),
            Value::Flag(flag) => Row(CborMap::from([(1, Cbor::Bool(*flag))])),
            Value::Address(address) => address.write(row),
            Value::Labelled(labelled) => labelled.write(row),
            Value::Reference(id) => row.id(1, *id),
            Value::Status(status) => status.write(row),
            Value::Item(item) => item.write(row),
            Value::Consent(consent) => consent.write(row),
            Value::Conversion(conversion) => conversion.write(row),
            Value::Award(award) => award.write(row),
            Value::Issue(issue) => issue.write(row),
            Value::Done(done) => done.write(row),
            Value::Life(life) => life.write(row),
            Value::MergedInto(merged) => merged.write(row),
            Value::Aside(aside) => aside.write(row),
            Value::Identity(identity) => identity.write(row),
            Value::Phase(phase) => phase.write(row),
            Value::Custom(custom) => custom.write(row),
            Value::File(file) => file.write(row),
        }
        .0
    }

    /// Reads the keys of a register as a value of this form; `None` when they do not fit.
    pub fn from_map(form: Form, map: &CborMap) -> Option<Self> {
        Self::read(form, &cbor::encode(map))
    }

    /// Reads the canonical bytes of a register as a value of this form; `None` when they do not fit.
    ///
    /// A cleared register has no value of any form; ask [`Register::is_cleared`](crate::register::Register::is_cleared).
    pub fn read(form: Form, bytes: &[u8]) -> Option<Self> {
        let read = Read::of(bytes);
        Some(match form {
            Form::Text => Value::Text(read.text(1)?),
            Form::Date => Value::Date(read.at(1)?.str().ok()?.parse().ok()?),
            Form::Planned => Value::Planned(Planned::read(&read)?),
            Form::Instant => Value::Instant(read.int(1)?),
            Form::Money => Value::Money(Money::read(&read)?),
            Form::Decimal => Value::Decimal(read.decimal(1)?),
            Form::Integer => Value::Integer(read.int(1)?),
            Form::Flag => Value::Flag(read.flag(1)),
            Form::Address => Value::Address(Address::read(&read)?),
            Form::Labelled => Value::Labelled(Labelled::read(&read)?),
            Form::Reference => Value::Reference(read.id(1)?),
            Form::Status => Value::Status(Status::read(&read)?),
            Form::Item => Value::Item(LineItem::read(&read)?),
            Form::Consent => Value::Consent(Consent::read(&read)?),
            Form::Conversion => Value::Conversion(Conversion::read(&read)?),
            Form::Award => Value::Award(Award::read(&read)?),
            Form::Issue => Value::Issue(Issue::read(&read)?),
            Form::Done => Value::Done(Done::read(&read)?),
            Form::Life => Value::Life(Life::read(&read)?),
            Form::MergedInto => Value::MergedInto(MergedInto::read(&read)?),
            Form::Aside => Value::Aside(Aside::read(&read)?),
            Form::Identity => Value::Identity(Identity::read(&read)?),
            Form::Phase => Value::Phase(PhaseSetting::read(&read)?),
            Form::Custom => Value::Custom(CustomField::read(&read)?),
            Form::File => Value::File(FileEntry::read(&read)?),
            Form::Own => match read.at(1)?.datatype().ok()? {
                Type::String => Value::Text(read.text(1)?),
                Type::Bool => Value::Flag(read.flag(1)),
                _ => Value::Money(Money::read(&read)?),
            },
        })
    }
}

#[cfg(test)]
mod tests;
