//! Values of fields, and how each lies in a register.

use jiff::civil::{Date, Time};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::cbor::{Cbor, CborMap};
use crate::id::{RecordId, Stamp};
use crate::status::Status;

/// An amount in minor units (cents) with its ISO 4217 code.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Money {
    /// Minor units: 1250 is 12.50 of a currency with two digits.
    pub minor: i64,
    /// The ISO 4217 code.
    pub currency: String,
}

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

/// A phone number or an e-mail address with its label.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Labelled {
    /// The number or address, as typed.
    pub value: String,
    /// work, home, mobile, fax, other or one's own.
    #[serde(default)]
    pub label: String,
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

/// Which issued offer won an order, and the amount, in one register.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Award {
    /// The issued offer that was accepted, if one was told.
    pub issued: Option<RecordId>,
    /// The amount of the order, if known.
    pub amount: Option<Money>,
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

/// Whether an activity is done, for a person or for all.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Done {
    /// It is done since this moment (ms since 1970).
    Done(i64),
    /// It was opened again by this press; unique, so that it beats a concurrent done.
    Reopened(Stamp),
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

/// Into which record this one was merged.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MergedInto {
    /// The record that goes on.
    pub survivor: RecordId,
    /// The stamps of the values that the merging person saw; others are further values of the survivor.
    pub seen: Vec<Stamp>,
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

/// Which record a document is, named in the first change of each device to it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Identity {
    /// The kind's name.
    pub kind: String,
    /// The record's id.
    pub id: RecordId,
}

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

/// The words for the forms of a workspace's own fields.
pub const CUSTOM_FORMS: [&str; 6] = ["text", "date", "money", "decimal", "flag", "choice"];

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

/// Collects the keys of a register while a value is written.
#[derive(Default)]
struct Row(CborMap);

impl Row {
    fn text(mut self, key: u32, text: &str) -> Self {
        if !text.is_empty() {
            self.0.insert(key, Cbor::Text(text.to_owned()));
        }
        self
    }

    fn int(mut self, key: u32, number: i64) -> Self {
        self.0.insert(key, Cbor::Int(number));
        self
    }

    fn id(mut self, key: u32, id: RecordId) -> Self {
        self.0.insert(key, Cbor::Bytes(id.as_bytes().to_vec()));
        self
    }

    fn maybe<T>(self, value: Option<T>, write: impl FnOnce(Self, T) -> Self) -> Self {
        match value {
            Some(value) => write(self, value),
            None => self,
        }
    }

    fn list(mut self, key: u32, items: impl Iterator<Item = Cbor>) -> Self {
        self.0.insert(key, Cbor::List(items.collect()));
        self
    }

    /// Writes a list of words where there are any.
    fn some(self, key: u32, words: &[String]) -> Self {
        if words.is_empty() {
            return self;
        }
        self.list(key, words.iter().map(|word| Cbor::Text(word.clone())))
    }

    fn flag(mut self, key: u32, flag: bool) -> Self {
        if flag {
            self.0.insert(key, Cbor::Bool(true));
        }
        self
    }
}

/// Reads the keys of a register.
struct Read<'a>(&'a CborMap);

impl Read<'_> {
    fn text(&self, key: u32) -> Option<String> {
        match self.0.get(&key)? {
            Cbor::Text(text) => Some(text.clone()),
            _ => None,
        }
    }

    fn text_or_empty(&self, key: u32) -> String {
        self.text(key).unwrap_or_default()
    }

    fn int(&self, key: u32) -> Option<i64> {
        match self.0.get(&key)? {
            Cbor::Int(number) => Some(*number),
            _ => None,
        }
    }

    fn bytes(&self, key: u32) -> Option<&[u8]> {
        match self.0.get(&key)? {
            Cbor::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    fn id(&self, key: u32) -> Option<RecordId> {
        self.bytes(key)?.try_into().ok().map(RecordId::from_bytes)
    }

    fn list<T>(&self, key: u32, read: impl Fn(&Cbor) -> Option<T>) -> Option<Vec<T>> {
        match self.0.get(&key) {
            None => Some(Vec::new()),
            Some(Cbor::List(list)) => list.iter().map(read).collect(),
            Some(_) => None,
        }
    }

    fn decimal(&self, key: u32) -> Option<Decimal> {
        self.text(key)?.parse().ok()
    }

    fn flag(&self, key: u32) -> bool {
        matches!(self.0.get(&key), Some(Cbor::Bool(true)))
    }

    fn money(&self, minor: u32, currency: u32) -> Option<Money> {
        Some(Money {
            minor: self.int(minor)?,
            currency: self.text(currency)?,
        })
    }
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
            Value::Planned(planned) => row
                .text(1, &planned.date.to_string())
                .maybe(planned.time, |row, time| row.text(2, &time.to_string()))
                .text(3, &planned.zone),
            Value::Instant(ms) => row.int(1, *ms),
            Value::Money(money) => row.int(1, money.minor).text(2, &money.currency),
            Value::Decimal(number) => row.text(1, &number.normalize().to_string()),
            Value::Integer(number) => row.int(1, *number),
            Value::Flag(flag) => Row(CborMap::from([(1, Cbor::Bool(*flag))])),
            Value::Address(address) => write_address(row, address),
            Value::Labelled(labelled) => row.text(1, &labelled.value).text(2, &labelled.label),
            Value::Reference(id) => row.id(1, *id),
            Value::Status(status) => write_status(row, status),
            Value::Item(item) => write_item(row, item),
            Value::Consent(consent) => row
                .text(1, &consent.basis)
                .int(2, consent.when_ms)
                .text(3, &consent.wording),
            Value::Conversion(conversion) => row
                .id(1, conversion.customer)
                .id(2, conversion.contact)
                .maybe(conversion.sales_project, |row, id| row.id(3, id))
                .flag(4, conversion.undone),
            Value::Award(award) => row
                .maybe(award.issued, |row, id| row.id(1, id))
                .maybe(award.amount.as_ref(), |row, money| {
                    row.int(2, money.minor).text(3, &money.currency)
                }),
            Value::Issue(issue) => row
                .text(1, &issue.number)
                .int(2, issue.version)
                .int(3, issue.at_ms),
            Value::Done(Done::Done(ms)) => row.int(1, *ms),
            Value::Done(Done::Reopened(stamp)) => Row(CborMap::from([(2, stamp_cbor(stamp))])),
            Value::Life(life) => write_life(row, life),
            Value::MergedInto(merged) => row
                .id(1, merged.survivor)
                .list(2, merged.seen.iter().map(stamp_cbor)),
            Value::Aside(aside) => Row(CborMap::from([(2, Cbor::Bytes(aside.register.clone()))]))
                .text(1, &aside.key)
                .int(3, aside.time_ms),
            Value::Identity(identity) => row.text(1, &identity.kind).id(2, identity.id),
            Value::Phase(phase) => row
                .text(1, &phase.title)
                .int(2, phase.chance)
                .int(3, phase.rank),
            Value::Custom(custom) => row
                .text(1, &custom.title)
                .list(2, custom.kinds.iter().map(|kind| Cbor::Text(kind.clone())))
                .text(3, &custom.form)
                .some(4, &custom.choices),
            Value::File(file) => row
                .text(1, &file.name)
                .text(2, &file.media_type)
                .int(3, file.size),
        }
        .0
    }

    /// Reads the keys of a register as a value of this form; `None` when they do not fit.
    pub fn from_map(form: Form, map: &CborMap) -> Option<Self> {
        let read = Read(map);
        Some(match form {
            Form::Text => Value::Text(read.text(1)?),
            Form::Date => Value::Date(read.text(1)?.parse().ok()?),
            Form::Planned => Value::Planned(read_planned(&read)?),
            Form::Instant => Value::Instant(read.int(1)?),
            Form::Money => Value::Money(read.money(1, 2)?),
            Form::Decimal => Value::Decimal(read.decimal(1)?),
            Form::Integer => Value::Integer(read.int(1)?),
            Form::Flag => Value::Flag(read.flag(1)),
            Form::Address => Value::Address(read_address(&read)),
            Form::Labelled => Value::Labelled(Labelled {
                value: read.text(1)?,
                label: read.text_or_empty(2),
            }),
            Form::Reference => Value::Reference(read.id(1)?),
            Form::Status => Value::Status(read_status(&read)?),
            Form::Item => Value::Item(read_item(&read)?),
            Form::Consent => Value::Consent(Consent {
                basis: read.text_or_empty(1),
                when_ms: read.int(2)?,
                wording: read.text_or_empty(3),
            }),
            Form::Conversion => Value::Conversion(Conversion {
                customer: read.id(1)?,
                contact: read.id(2)?,
                sales_project: read.id(3),
                undone: read.flag(4),
            }),
            Form::Award => Value::Award(Award {
                issued: read.id(1),
                amount: read.money(2, 3),
            }),
            Form::Issue => Value::Issue(Issue {
                number: read.text(1)?,
                version: read.int(2)?,
                at_ms: read.int(3)?,
            }),
            Form::Done => Value::Done(match read.int(1) {
                Some(ms) => Done::Done(ms),
                None => Done::Reopened(Stamp::from_bytes(read.bytes(2)?.try_into().ok()?)),
            }),
            Form::Life => Value::Life(read_life(&read)?),
            Form::MergedInto => Value::MergedInto(MergedInto {
                survivor: read.id(1)?,
                seen: read.list(2, read_stamp)?,
            }),
            Form::Aside => Value::Aside(Aside {
                key: read.text(1)?,
                register: read.bytes(2)?.to_vec(),
                time_ms: read.int(3)?,
            }),
            Form::Identity => Value::Identity(Identity {
                kind: read.text(1)?,
                id: read.id(2)?,
            }),
            Form::Phase => Value::Phase(PhaseSetting {
                title: read.text(1)?,
                chance: read.int(2)?,
                rank: read.int(3)?,
            }),
            Form::Custom => Value::Custom(CustomField {
                title: read.text(1)?,
                kinds: read.list(2, read_word)?,
                form: read.text_or_empty(3),
                choices: read.list(4, read_word)?,
            }),
            Form::File => Value::File(FileEntry {
                name: read.text_or_empty(1),
                media_type: read.text_or_empty(2),
                size: read.int(3)?,
            }),
            Form::Own => match map.get(&1)? {
                Cbor::Text(text) => Value::Text(text.clone()),
                Cbor::Bool(flag) => Value::Flag(*flag),
                _ => Value::Money(read.money(1, 2)?),
            },
        })
    }
}

fn stamp_cbor(stamp: &Stamp) -> Cbor {
    Cbor::Bytes(stamp.as_bytes().to_vec())
}

fn read_word(item: &Cbor) -> Option<String> {
    match item {
        Cbor::Text(text) => Some(text.clone()),
        _ => None,
    }
}

fn read_stamp(item: &Cbor) -> Option<Stamp> {
    match item {
        Cbor::Bytes(bytes) => bytes.as_slice().try_into().ok().map(Stamp::from_bytes),
        _ => None,
    }
}

fn read_id(item: &Cbor) -> Option<RecordId> {
    match item {
        Cbor::Bytes(bytes) => bytes.as_slice().try_into().ok().map(RecordId::from_bytes),
        _ => None,
    }
}

fn read_planned(read: &Read<'_>) -> Option<Planned> {
    let time = match read.text(2) {
        Some(text) => Some(text.parse().ok()?),
        None => None,
    };
    Some(Planned {
        date: read.text(1)?.parse().ok()?,
        time,
        zone: read.text_or_empty(3),
    })
}

fn write_address(row: Row, address: &Address) -> Row {
    row.text(1, &address.street)
        .text(2, &address.extra)
        .text(3, &address.postal_code)
        .text(4, &address.city)
        .text(5, &address.region)
        .text(6, &address.country)
        .text(7, &address.label)
}

fn read_address(read: &Read<'_>) -> Address {
    Address {
        street: read.text_or_empty(1),
        extra: read.text_or_empty(2),
        postal_code: read.text_or_empty(3),
        city: read.text_or_empty(4),
        region: read.text_or_empty(5),
        country: read.text_or_empty(6),
        label: read.text_or_empty(7),
    }
}

fn write_status(row: Row, status: &Status) -> Row {
    row.text(1, &status.word)
        .maybe(status.reason.as_deref(), |row, reason| row.text(2, reason))
        .maybe(status.chance, |row, chance| row.int(3, chance))
        .int(4, status.rank)
        .flag(5, status.takes_back)
}

fn read_status(read: &Read<'_>) -> Option<Status> {
    Some(Status {
        word: read.text(1)?,
        reason: read.text(2),
        chance: read.int(3),
        rank: read.int(4).unwrap_or(0),
        takes_back: read.flag(5),
    })
}

fn write_item(row: Row, item: &LineItem) -> Row {
    row.text(1, &item.text)
        .text(2, &item.quantity.normalize().to_string())
        .text(3, &item.unit)
        .int(4, item.price.minor)
        .text(5, &item.price.currency)
        .text(6, &item.discount.normalize().to_string())
        .text(7, &item.vat.normalize().to_string())
        .int(8, item.position)
}

fn read_item(read: &Read<'_>) -> Option<LineItem> {
    Some(LineItem {
        text: read.text_or_empty(1),
        quantity: read.decimal(2)?,
        unit: read.text_or_empty(3),
        price: read.money(4, 5)?,
        discount: read.decimal(6)?,
        vat: read.decimal(7)?,
        position: read.int(8)?,
    })
}

fn write_life(row: Row, life: &Life) -> Row {
    match life {
        Life::Alive => row.int(1, 0),
        Life::Archived => row.int(1, 1),
        Life::Undone(under) => row.int(1, 2).list(
            2,
            under.iter().map(|id| Cbor::Bytes(id.as_bytes().to_vec())),
        ),
    }
}

fn read_life(read: &Read<'_>) -> Option<Life> {
    match read.int(1)? {
        0 => Some(Life::Alive),
        1 => Some(Life::Archived),
        2 => Some(Life::Undone(read.list(2, read_id)?)),
        _ => None,
    }
}

#[cfg(test)]
#[path = "value_tests.rs"]
mod tests;
