//! Compact rows of all records, kept in memory: lists, board, Home and search read these, never documents.

use std::collections::HashMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use model::cbor;
use model::fold::{fold_name, fold_phone};
use model::home::{self, Urgency};
use model::kind::KINDS;
use model::record::{RecordView, Standing};
use model::value::{Form, Planned};
use model::world::World;
use model::{FieldSpec, Kind, RecordId, Value};

use crate::sections::{Sections, nth_section, sections};
use crate::text;
use crate::views::Views;

/// The sections of a digest's bytes, in their order.
mod at {
    pub(super) const HEAD: usize = 0;
    pub(super) const TITLE: usize = 1;
    pub(super) const NUMBER: usize = 2;
    pub(super) const HAYSTACK: usize = 3;
    pub(super) const FIELDS: usize = 4;
    pub(super) const STEP: usize = 5;
    pub(super) const COUNT: usize = 6;
}

/// The bytes of the head: kind, standing, marks, what it was merged into, made and changed.
const HEAD_BYTES: usize = 3 + 16 + 8 + 8;

/// Fields of every kind that lists can filter by.
const OF_ALL_KINDS: [&str; 2] = ["custom", "file"];

const IN_CONFLICT: u8 = 1;
const CONTESTED: u8 = 2;
const NEEDS_NEXT_STEP: u8 = 4;

/// What lists show of a record, and what they filter and sort by.
///
/// It is one run of bytes, as the store keeps it: a replica holds one for every record, and most are never looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest {
    id: RecordId,
    bytes: Box<[u8]>,
}

impl Digest {
    /// Reads the bytes that the store kept; none when they are not of this layout.
    pub(crate) fn from_bytes(id: RecordId, bytes: &[u8]) -> Option<Self> {
        let parts = Sections::<{ at::COUNT }>::new(bytes)?;
        let head = parts.get(at::HEAD);
        let is_whole =
            head.len() == HEAD_BYTES && usize::from(head[0]) < KINDS.len() && head[1] < 4;
        [at::TITLE, at::NUMBER, at::HAYSTACK]
            .into_iter()
            .all(|section| std::str::from_utf8(parts.get(section)).is_ok())
            .then_some(())?;
        is_whole.then(|| Self {
            id,
            bytes: bytes.into(),
        })
    }

    /// Gives the bytes for the store.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn section(&self, at: usize) -> &[u8] {
        nth_section(&self.bytes, at).unwrap_or_default()
    }

    fn str(&self, at: usize) -> &str {
        std::str::from_utf8(self.section(at)).unwrap_or_default()
    }

    fn head(&self) -> &[u8; HEAD_BYTES] {
        // The first section: behind its own length.
        let head = self.bytes[4..].first_chunk();
        head.expect("the head was measured when the digest was made")
    }

    fn i64_at(&self, from: usize) -> i64 {
        let bytes = self.head()[from..from + 8].try_into();
        i64::from_be_bytes(bytes.expect("eight bytes were taken"))
    }

    fn is_marked(&self, mark: u8) -> bool {
        self.head()[2] & mark != 0
    }

    /// Names the record.
    pub fn id(&self) -> RecordId {
        self.id
    }

    /// Gives its kind.
    pub fn kind(&self) -> Kind {
        KINDS[usize::from(self.head()[0])]
    }

    /// Tells how it stands.
    pub fn standing(&self) -> Standing {
        let head = self.head();
        match head[1] {
            0 => Standing::Alive,
            1 => Standing::Archived,
            2 => Standing::Undone,
            _ => {
                let into = head[3..19].try_into();
                Standing::Merged(RecordId::from_bytes(
                    into.expect("sixteen bytes were taken"),
                ))
            }
        }
    }

    /// Gives the line by which people know it.
    pub fn title(&self) -> &str {
        self.str(at::TITLE)
    }

    /// Gives its number; empty where it has none.
    pub fn number(&self) -> &str {
        self.str(at::NUMBER)
    }

    /// Gives all its text, folded, one field a line, the title first.
    pub fn haystack(&self) -> &str {
        self.str(at::HAYSTACK)
    }

    /// Tells whether some field is in conflict.
    pub fn in_conflict(&self) -> bool {
        self.is_marked(IN_CONFLICT)
    }

    /// Tells whether a win stands against a loss.
    pub fn is_contested(&self) -> bool {
        self.is_marked(CONTESTED)
    }

    /// Tells whether it must have a next step.
    pub fn needs_next_step(&self) -> bool {
        self.is_marked(NEEDS_NEXT_STEP)
    }

    /// Gives when it was made (ms since 1970).
    pub fn created_ms(&self) -> i64 {
        self.i64_at(19)
    }

    /// Gives when it was last changed (ms since 1970).
    pub fn changed_ms(&self) -> i64 {
        self.i64_at(27)
    }

    /// Gives the earliest open activity that regards it, and when that is due; none where it needs no next step.
    pub fn next_step(&self) -> Option<(RecordId, Option<Planned>)> {
        (self.kind() != Kind::Activity)
            .then(|| self.step())
            .flatten()
    }

    /// Gives the member whom an activity waits for, and when it is due for him.
    pub fn waits_for(&self) -> Option<(RecordId, Option<Planned>)> {
        (self.kind() == Kind::Activity)
            .then(|| self.step())
            .flatten()
    }

    fn step(&self) -> Option<(RecordId, Option<Planned>)> {
        let (id, due) = self.section(at::STEP).split_first_chunk::<16>()?;
        let due = match value_of(Form::Planned, due) {
            Some(Value::Planned(due)) => Some(due),
            _ => None,
        };
        Some((RecordId::from_bytes(*id), due))
    }

    /// Visits the fields that hold something, with the bytes of their values: all entries of a list.
    fn packed(&self) -> impl Iterator<Item = (&'static FieldSpec, &[u8])> {
        let specs = packed_fields(self.kind());
        let mut rest = self.section(at::FIELDS);
        std::iter::from_fn(move || {
            let (field, after) = rest.split_first()?;
            let (length, after) = after.split_first_chunk::<4>()?;
            let (value, after) = after.split_at_checked(u32::from_be_bytes(*length) as usize)?;
            rest = after;
            Some((*specs.get(usize::from(*field))?, value))
        })
    }

    /// Visits a field's values: all entries of a list, or the only one.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = Value> + 'a {
        self.packed()
            .filter(move |(spec, _)| spec.name == name)
            .filter_map(|(spec, bytes)| value_of(spec.form, bytes))
    }

    /// Gives a field's value: the first entry of a list.
    pub fn value(&self, name: &str) -> Option<Value> {
        let mut found = self.packed().filter(|(spec, _)| spec.name == name);
        found.find_map(|(spec, bytes)| value_of(spec.form, bytes))
    }

    /// Lists the fields of the kind that hold something, with the first entry of each list.
    pub fn fields(&self) -> Vec<(&'static str, Value)> {
        let mut fields: Vec<(&'static str, Value)> = Vec::new();
        for (spec, bytes) in self.packed() {
            let is_first = fields.last().is_none_or(|(name, _)| *name != spec.name);
            if is_first && !OF_ALL_KINDS.contains(&spec.name) {
                fields.extend(value_of(spec.form, bytes).map(|value| (spec.name, value)));
            }
        }
        fields
    }

    /// Gives the record that a field refers to.
    pub fn reference(&self, name: &str) -> Option<RecordId> {
        match self.value(name)? {
            Value::Reference(id) => Some(id),
            _ => None,
        }
    }

    /// Gives the word of the status.
    pub fn status_word(&self) -> String {
        match self.value("status") {
            Some(Value::Status(status)) => status.word,
            _ => String::new(),
        }
    }

    /// Names the light of the next step: none, late or planned.
    pub fn light(&self, today: Date, zone: &TimeZone) -> &'static str {
        match &self.next_step() {
            None => "none",
            Some((_, due)) if home::urgency(due.as_ref(), today, zone) == Urgency::Overdue => {
                "late"
            }
            Some(_) => "planned",
        }
    }
}

/// Lists the fields that a digest packs, in the order by which it names them.
fn packed_fields(kind: Kind) -> Vec<&'static FieldSpec> {
    let common = OF_ALL_KINDS.into_iter().filter_map(|name| kind.field(name));
    kind.fields().iter().chain(common).collect()
}

fn value_of(form: Form, bytes: &[u8]) -> Option<Value> {
    Value::from_map(form, &cbor::decode_checked(bytes)?)
}

/// The digests of all records whose kind is known.
#[derive(Debug, Default)]
pub struct Digests(HashMap<RecordId, Digest>);

impl Digests {
    /// Gives the digest of a record.
    pub fn get(&self, id: RecordId) -> Option<&Digest> {
        self.0.get(&id)
    }

    /// Visits all digests, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Digest> {
        self.0.values()
    }

    /// Visits the digests of a kind in the order of their ids.
    pub fn of_kind<'a>(&'a self, views: &'a Views, kind: Kind) -> impl Iterator<Item = &'a Digest> {
        views.of_kind(kind).filter_map(|id| self.0.get(&id))
    }

    /// Puts a record's digest in the place of the former.
    pub(crate) fn set(&mut self, id: RecordId, digest: Option<Digest>) {
        match digest {
            Some(digest) => drop(self.0.insert(id, digest)),
            None => drop(self.0.remove(&id)),
        }
    }
}

/// Works out the digest of a record.
pub(crate) fn digest(world: &dyn World, view: &RecordView) -> Digest {
    let step = if view.kind == Kind::Activity {
        view.reference("responsible")
            .filter(|member| home::waits_for(view, *member))
            .map(|member| (member, home::due(view, member).cloned()))
    } else if home::needs_next_step(view) {
        home::next_step(world, view).map(|step| {
            let whose = step.reference("responsible").unwrap_or(step.id);
            (step.id, home::due(&step, whose).cloned())
        })
    } else {
        None
    };
    let step = step.map_or(Vec::new(), |(id, due)| {
        let due = due.map(|due| cbor::encode(&Value::Planned(due).to_map()));
        [id.as_bytes().as_slice(), &due.unwrap_or_default()].concat()
    });
    let bytes = sections(&[
        &head(view),
        view.title().as_bytes(),
        view.text("number").as_bytes(),
        haystack(view).as_bytes(),
        &pack(view),
        &step,
    ]);
    Digest {
        id: view.id,
        bytes: bytes.into(),
    }
}

fn head(view: &RecordView) -> Vec<u8> {
    let kind = KINDS.iter().position(|kind| *kind == view.kind);
    let kind = kind.expect("all kinds are among all kinds");
    let (standing, into) = match view.standing {
        Standing::Alive => (0, [0; 16]),
        Standing::Archived => (1, [0; 16]),
        Standing::Undone => (2, [0; 16]),
        Standing::Merged(into) => (3, *into.as_bytes()),
    };
    let mark = |mark: u8, holds: bool| if holds { mark } else { 0 };
    let in_conflict = view.fields.values().any(|settled| settled.in_conflict);
    let marks = mark(IN_CONFLICT, in_conflict)
        | mark(CONTESTED, view.contested)
        | mark(NEEDS_NEXT_STEP, home::needs_next_step(view));
    let mut head = vec![kind as u8, standing, marks];
    head.extend(into);
    head.extend(
        view.created
            .map_or(0, |origin| origin.time_ms)
            .to_be_bytes(),
    );
    head.extend(view.changed_ms.to_be_bytes());
    head
}

/// Packs the fields that hold something, in the order of the kind.
fn pack(view: &RecordView) -> Vec<u8> {
    let mut packed = Vec::new();
    for (at, spec) in packed_fields(view.kind).into_iter().enumerate() {
        let mut push = |value: &Value| {
            let bytes = cbor::encode(&value.to_map());
            packed.push(at as u8);
            packed.extend((bytes.len() as u32).to_be_bytes());
            packed.extend(bytes);
        };
        if spec.is_many() {
            view.list(spec.name).for_each(|(_, value)| push(value));
        } else {
            view.value(spec.name).into_iter().for_each(push);
        }
    }
    packed
}

/// Folds all text of a record, one field a line, phone numbers as typed and as digits.
fn haystack(view: &RecordView) -> String {
    let mut haystack = String::new();
    let mut push = |line: &str| {
        if !line.is_empty() {
            haystack.push_str(line);
            haystack.push('\n');
        }
    };
    push(&fold_name(&view.title()));
    for (key, settled) in &view.fields {
        match &settled.shown {
            Some(Value::Labelled(labelled)) if key.starts_with("phone/") => {
                push(&fold_name(&labelled.value));
                push(&fold_phone(&labelled.value));
            }
            Some(Value::Reference(_) | Value::Life(_) | Value::Conversion(_) | Value::Flag(_))
            | None => {}
            Some(value) => push(&fold_name(&text::plain(value))),
        }
    }
    push(&fold_name(&view.note));
    haystack
}

/// Tells whether a text contains another; both are folded.
pub(crate) fn contains(haystack: &str, needle: &str) -> bool {
    memchr::memmem::find(haystack.as_bytes(), needle.as_bytes()).is_some()
}
