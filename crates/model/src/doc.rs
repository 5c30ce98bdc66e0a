//! Document views: what one document says, independent of all others.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;
use std::str::FromStr;

use crate::fields::common;
use crate::id::{Author, IntentId, RecordId, Stamp, ValueId, hash, head};
use crate::kind::{FieldSpec, Kind};
use crate::register::Register;
use crate::value::{Identity, Value};

/// Names one write: the counter and the actor that automerge gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OpId {
    /// The operation's counter.
    pub counter: u64,
    /// The actor: 12 bytes that name the feed, 8 of its incarnation.
    pub actor: [u8; 20],
}

impl OpId {
    /// Names the device that wrote.
    pub fn author(&self) -> Author {
        let mut author = [0; 12];
        author.copy_from_slice(&self.actor[..12]);
        Author::from_bytes(author)
    }
}

impl fmt::Display for OpId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@", self.counter)?;
        self.actor
            .iter()
            .try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for OpId {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (counter, digits) = text.split_once('@').ok_or(())?;
        if digits.len() != 40 || !digits.is_ascii() {
            return Err(());
        }
        let mut actor = [0; 20];
        for (at, byte) in actor.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&digits[at * 2..at * 2 + 2], 16).map_err(drop)?;
        }
        Ok(Self {
            counter: counter.parse().map_err(drop)?,
            actor,
        })
    }
}

/// One of the concurrent values under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// What was written.
    pub register: Register,
    /// Which write it was.
    pub op: OpId,
    /// When its change was made (ms since 1970).
    pub time_ms: i64,
}

impl Candidate {
    /// Reads the register's value in the form of the field; `None` when cleared or unreadable.
    pub fn value(&self, spec: &FieldSpec) -> Option<Value> {
        if self.register.is_cleared() {
            return None;
        }
        Value::read(spec.form, self.register.as_bytes())
    }

    /// Names this value of a field.
    pub fn value_id(&self, record: RecordId, key: &str) -> ValueId {
        value_id(record, key, &self.register)
    }
}

/// Names what a register says under a key of a record.
pub(crate) fn value_id(record: RecordId, key: &str, register: &Register) -> ValueId {
    let bytes = hash(
        "handschlag value 1",
        &[record.as_bytes(), key.as_bytes(), register.as_bytes()],
    );
    ValueId::from_bytes(head(bytes))
}

/// Who first wrote a document, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// The device.
    pub author: Author,
    /// When (ms since 1970).
    pub time_ms: i64,
    /// The operation, for undo.
    pub operation: Option<IntentId>,
}

/// What one document says: the concurrent values of each register, and its note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocView {
    /// The record.
    pub id: RecordId,
    /// Its kind, as named by its identity; none while nothing names one.
    pub kind: Option<Kind>,
    /// The concurrent values under each key, ordered by their operation.
    pub registers: BTreeMap<String, Vec<Candidate>>,
    /// The note.
    pub note: String,
    /// Who first wrote the document.
    pub created: Option<Origin>,
    /// When it was last changed (ms since 1970).
    pub changed_ms: i64,
}

impl DocView {
    /// Makes the view of a document that says nothing.
    pub fn empty(id: RecordId) -> Self {
        Self {
            id,
            kind: None,
            registers: BTreeMap::new(),
            note: String::new(),
            created: None,
            changed_ms: 0,
        }
    }

    /// Gives the concurrent values under a key.
    pub fn candidates(&self, key: &str) -> &[Candidate] {
        self.registers.get(key).map_or(&[], Vec::as_slice)
    }

    /// Gives the keys `name/…` of a list with their concurrent values.
    pub fn entries(&self, name: &str) -> impl Iterator<Item = (&str, &[Candidate])> {
        entries_of(&self.registers, name)
            .map(|(key, candidates)| (key.as_str(), candidates.as_slice()))
    }

    /// Tells the kind from the identity registers: the smallest that names this very record.
    pub fn kind_of(id: RecordId, identities: &[Candidate]) -> Option<Kind> {
        let spec = common("record");
        identities
            .iter()
            .filter_map(|candidate| match candidate.value(spec)? {
                Value::Identity(Identity { kind, id: named }) if named == id => kind.parse().ok(),
                _ => None,
            })
            .min()
    }

    /// Lists the stamps of all current values, as a merge records what it saw.
    pub fn stamps(&self) -> Vec<Stamp> {
        let mut stamps: Vec<Stamp> = self
            .registers
            .values()
            .flatten()
            .map(|one| one.register.stamp())
            .collect();
        stamps.sort_unstable();
        stamps.dedup();
        stamps
    }

    /// Lists the references that any current value of this document holds, with the field each stands in.
    pub fn references(&self) -> Vec<(&'static str, RecordId)> {
        let Some(kind) = self.kind else {
            return Vec::new();
        };
        let mut found = Vec::new();
        for (key, candidates) in &self.registers {
            let Some(spec) = kind.field_of_key(key) else {
                continue;
            };
            for value in candidates
                .iter()
                .filter_map(|candidate| candidate.value(spec))
            {
                push_references(spec.name, &value, &mut found);
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// Gives what stands under the keys `name/…`.
pub(crate) fn entries_of<'a, T>(
    map: &'a BTreeMap<String, T>,
    name: &str,
) -> impl Iterator<Item = (&'a String, &'a T)> {
    let own = map.range::<str, _>((Bound::Included(name), Bound::Unbounded));
    own.take_while(move |(key, _)| key.starts_with(name))
        .filter(move |(key, _)| key.as_bytes().get(name.len()) == Some(&b'/'))
}

fn push_references(name: &'static str, value: &Value, found: &mut Vec<(&'static str, RecordId)>) {
    match value {
        Value::Reference(id) => found.push((name, *id)),
        Value::MergedInto(merged) => found.push((name, merged.survivor)),
        Value::Award(award) => found.extend(award.issued.map(|id| (name, id))),
        Value::Conversion(conversion) => {
            found.extend([(name, conversion.customer), (name, conversion.contact)]);
            found.extend(conversion.sales_project.map(|id| (name, id)));
        }
        _ => {}
    }
}
