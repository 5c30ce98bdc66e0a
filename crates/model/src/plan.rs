//! Plans: the writes that an intent means, worked out against the local replica.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::doc::{Candidate, OpId};
use crate::id::{Author, EntryId, IntentId, RecordId, Stamp, ValueId};
use crate::intent::Intent;
use crate::kind::{FieldSpec, Kind, Settle, Writer};
use crate::merged::{self, Entry};
pub use crate::note::NoteEdit;
use crate::parse::Surroundings;
use crate::record::{self, RecordView, Standing, Whole};
use crate::refusal::Refusal;
use crate::register::Register;
use crate::role::Role;
use crate::rules;
use crate::settle::{Derived, Settled, settle};
use crate::value::{Aside, Form, Identity, Life, Value};
use crate::world::World;

/// The largest counter that a number has.
const MAX_COUNT: u32 = 9_999_999;

/// What an earlier operation did to one record, for undoing it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deed {
    /// The operation.
    pub operation: IntentId,
    /// The device that did it.
    pub author: Author,
    /// The record.
    pub record: RecordId,
    /// Whether the operation, and no other beside it, created the record.
    pub created: bool,
    /// What it wrote.
    pub writes: Vec<DeedWrite>,
    /// How to take back what it did to the note; none where it did nothing.
    pub note: Option<NoteDeed>,
    /// Who has worked on the record since, or beside it.
    pub others: Vec<Author>,
}

/// One register that an operation wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeedWrite {
    /// The register's key.
    pub key: String,
    /// What was written.
    pub wrote: Candidate,
    /// What stood there before.
    pub before: Vec<Candidate>,
}

/// How to take back an edit of a note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoteDeed {
    /// The edit's characters are untouched; the note becomes this.
    Revert(String),
    /// Others have written into it since.
    Touched,
    /// Nothing of the edit is left, the note is as it was before it.
    Gone,
}

/// Gives the rules what happened before.
pub trait Past {
    /// Gives the deeds of one operation, in the order of record ids; empty when there is none.
    fn deeds(&self, operation: IntentId) -> Vec<Deed>;

    /// Names this device's last operation that is neither undone nor an undo.
    fn last_own(&self) -> Option<IntentId>;

    /// Lists the operations of a batch, the newest first.
    fn batch(&self, batch: IntentId) -> Vec<IntentId>;

    /// Names the import or bulk edit that an operation belongs to.
    fn batch_of(&self, operation: IntentId) -> Option<IntentId>;

    /// Names the record at which an entry of the Merged list is shown.
    fn shown_at(&self, entry: EntryId) -> Option<RecordId>;
}

/// Who does something, when, and with which means.
pub struct Context<'a> {
    /// The replica.
    pub world: &'a dyn World,
    /// What happened before.
    pub past: &'a dyn Past,
    /// The author.
    pub member: RecordId,
    /// The author's role.
    pub role: Role,
    /// The device's code in numbers.
    pub code: &'a str,
    /// The counter that this device's next number of the year takes.
    pub next_count: u32,
    /// The moment, date, zone and currency.
    pub around: Surroundings,
    /// The intent's id.
    pub intent: IntentId,
    /// Draws ten random bytes for a fresh id.
    pub random: &'a mut dyn FnMut() -> [u8; 10],
}

/// The writes to one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordWrites {
    /// The record.
    pub id: RecordId,
    /// Its kind.
    pub kind: Kind,
    /// The registers, in the order of their keys.
    pub registers: BTreeMap<String, Register>,
    /// The note.
    pub note: Option<NoteEdit>,
}

/// What an intent means: writes to records, all or none, and what to tell the author.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The writes, in the order of record ids.
    pub writes: Vec<RecordWrites>,
    /// The answer.
    pub answer: Answer,
    /// How many numbers were minted.
    pub minted: u32,
}

/// What is told to the author of an intent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The records that were made or that the intent was about, the main one first.
    pub records: Vec<RecordId>,
    /// What happened beside what was asked, in sentences.
    pub notices: Vec<String>,
    /// The operation that was undone, where it was an undo.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undone: Vec<IntentId>,
}

/// Which of the values that a write replaces its author had seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Seen {
    /// The one that is shown.
    Shown,
    /// These.
    Values(Vec<ValueId>),
    /// All, since a rule or a choice has weighed them.
    All,
}

impl Seen {
    /// Takes what an intent says that its author saw; where it says nothing, the value that is shown.
    pub(crate) fn told(values: &Option<Vec<ValueId>>) -> Self {
        values.clone().map_or(Self::Shown, Self::Values)
    }
}

struct Put {
    value: Option<Value>,
    seen: Seen,
}

struct Edit {
    kind: Kind,
    puts: BTreeMap<String, Put>,
    raw: BTreeMap<String, Register>,
    note: Option<NoteEdit>,
    touches: bool,
}

/// Works out a plan: reads the replica, collects writes.
pub(crate) struct Planner<'a, 'b> {
    pub(crate) ctx: &'b mut Context<'a>,
    edits: BTreeMap<RecordId, Edit>,
    pub(crate) answer: Answer,
    minted: u32,
}

/// Works out what an intent means, or refuses it.
pub fn plan(ctx: &mut Context<'_>, intent: &Intent) -> Result<Plan, Refusal> {
    let mut planner = Planner {
        ctx,
        edits: BTreeMap::new(),
        answer: Answer::default(),
        minted: 0,
    };
    planner.check_role(intent)?;
    rules::apply(&mut planner, intent)?;
    planner.finish()
}

impl Planner<'_, '_> {
    fn check_role(&self, intent: &Intent) -> Result<(), Refusal> {
        let role = self.ctx.role;
        if !role.may_write() {
            return Err(Refusal::Role {
                role: role.to_string(),
                what: "change anything".to_owned(),
            });
        }
        let guarded = |record: &RecordId| {
            let is_member =
                || (self.world().doc(*record)).is_some_and(|doc| doc.kind == Some(Kind::Member));
            *record == self.ctx.world.settings_id() || *record != self.ctx.member && is_member()
        };
        let administers = match intent {
            Intent::Edit { record, .. }
            | Intent::AppendNote { record, .. }
            | Intent::Attach { record, .. }
            | Intent::Detach { record, .. } => guarded(record),
            Intent::EditMany { records, .. } => records.iter().any(guarded),
            other => other.is_administrative(),
        };
        if administers {
            self.check_administers()?;
        }
        Ok(())
    }

    /// Refuses to change members or settings to those whose role does not allow it.
    pub(crate) fn check_administers(&self) -> Result<(), Refusal> {
        if self.ctx.role.may_administer() {
            return Ok(());
        }
        Err(Refusal::Role {
            role: self.ctx.role.to_string(),
            what: "change members or settings".to_owned(),
        })
    }

    pub(crate) fn world(&self) -> &dyn World {
        self.ctx.world
    }

    /// Makes an id for a record that a person creates.
    pub(crate) fn fresh_id(&mut self) -> RecordId {
        RecordId::fresh(self.ctx.around.now_ms, (self.ctx.random)())
    }

    /// Makes the key of a new entry of a list.
    pub(crate) fn fresh_key(&mut self, name: &str) -> String {
        let random = (self.ctx.random)();
        let digits: String = random[..8]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        format!("{name}/{digits}")
    }

    /// Gives a record's view, whatever its standing.
    pub(crate) fn any(&self, id: RecordId) -> Result<RecordView, Refusal> {
        record::record(self.world(), id).ok_or_else(|| Refusal::NoSuchRecord { id: id.short() })
    }

    /// Gives the view of a record that is in use, following merges.
    pub(crate) fn alive(&self, id: RecordId) -> Result<RecordView, Refusal> {
        let view = self.any(id)?;
        let title = view.named();
        match view.standing {
            Standing::Alive => Ok(view),
            Standing::Archived => Err(Refusal::Archived {
                title,
                id: id.short(),
            }),
            Standing::Undone => Err(Refusal::Undone {
                title,
                id: id.short(),
            }),
            Standing::Merged(into) => Err(Refusal::Merged {
                title,
                survivor: self.name_of(into),
                survivor_id: into.short(),
            }),
        }
    }

    /// Names a record as a person tells it from others.
    pub(crate) fn name_of(&self, id: RecordId) -> String {
        self.any(id)
            .map_or_else(|_| id.short(), |view| view.named())
    }

    /// Gives the view of a record of one kind that is in use.
    pub(crate) fn alive_of(&self, id: RecordId, kind: Kind) -> Result<RecordView, Refusal> {
        let view = self.alive(id)?;
        if view.kind == kind {
            return Ok(view);
        }
        let (wanted, found) = (kind.title().to_owned(), view.kind.title().to_owned());
        Err(Refusal::WrongKind {
            id: id.short(),
            wanted,
            found,
        })
    }

    /// Begins writing to a record; `touches` says that this is an edit of a person, which keeps the record in use.
    pub(crate) fn edit(&mut self, id: RecordId, kind: Kind, touches: bool) {
        let edit = self.edits.entry(id).or_insert_with(|| Edit {
            kind,
            puts: BTreeMap::new(),
            raw: BTreeMap::new(),
            note: None,
            touches: false,
        });
        edit.touches |= touches;
    }

    /// Writes a value under a key of a record that was begun with [`Self::edit`].
    pub(crate) fn put(
        &mut self,
        id: RecordId,
        key: &str,
        value: impl core::convert::Into<Option<Value>>,
        seen: Seen,
    ) {
        if let Some(edit) = self.edits.get_mut(&id) {
            edit.puts.insert(
                key.to_owned(),
                Put {
                    value: value.into(),
                    seen,
                },
            );
        }
    }

    /// Writes a value whose predecessor was the shown one.
    pub(crate) fn set(&mut self, id: RecordId, key: &str, value: Value) {
        self.put(id, key, value, Seen::Shown);
    }

    /// Writes a register as it is, such as one set aside long ago.
    pub(crate) fn put_raw(&mut self, id: RecordId, key: String, register: Register) {
        if let Some(edit) = self.edits.get_mut(&id) {
            edit.raw.insert(key, register);
        }
    }

    /// Changes the note.
    pub(crate) fn note(&mut self, id: RecordId, note: NoteEdit) {
        if let Some(edit) = self.edits.get_mut(&id) {
            edit.note = Some(note);
        }
    }

    /// Tells whether this plan writes to the record.
    pub(crate) fn writes_to(&self, id: RecordId) -> bool {
        self.edits.contains_key(&id)
    }

    /// Gives the stamp of this press.
    pub(crate) fn stamp(&self) -> Stamp {
        self.ctx.intent.stamp()
    }

    /// Gives the prefix of a series as the workspace has it.
    pub(crate) fn prefix(&self, series: &str) -> String {
        record::record(self.world(), self.world().settings_id())
            .and_then(
                |settings| match settings.value(&format!("prefix/{series}")) {
                    Some(Value::Text(prefix)) if !prefix.is_empty() => Some(prefix.clone()),
                    _ => None,
                },
            )
            .unwrap_or_else(|| series.to_owned())
    }

    /// Mints the next number of a series.
    pub(crate) fn mint(&mut self, series: &str) -> Result<String, Refusal> {
        let year = self.ctx.around.today.year();
        let count = self.ctx.next_count + self.minted;
        if count > MAX_COUNT {
            return Err(Refusal::NumbersUsedUp { year });
        }
        self.minted += 1;
        Ok(crate::number::write(
            &self.prefix(series),
            year,
            self.ctx.code,
            count,
        ))
    }

    /// Finds an entry of the Merged list.
    pub(crate) fn entry(&self, id: EntryId) -> Option<Entry> {
        let record = self.ctx.past.shown_at(id)?;
        merged::entries(self.world(), record)
            .into_iter()
            .find(|entry| entry.id == id)
    }

    pub(crate) fn today(&self) -> Date {
        self.ctx.around.today
    }

    fn finish(self) -> Result<Plan, Refusal> {
        let stamp = self.stamp();
        let mut writes: Vec<RecordWrites> = Vec::new();
        let mut absorbed = BTreeMap::new();
        for (id, edit) in self.edits {
            let whole = record::whole(self.ctx.world, id);
            if let Some(note) = &edit.note {
                note.check(&whole.doc.note)?;
            }
            let mut registers = BTreeMap::new();
            let mut puts = edit.puts;
            if edit.touches {
                // A record that stands although it was undone is seen as in use: that it was undone stays listed.
                let stands = matches!(record::life(&whole.doc), Life::Undone(_))
                    && record::stands(self.ctx.world, &whole.doc);
                let seen = if stands {
                    Seen::Values(Vec::new())
                } else {
                    Seen::Shown
                };
                puts.entry("life".to_owned()).or_insert(Put {
                    value: Some(Value::Life(Life::Alive)),
                    seen,
                });
            }
            for (key, put) in puts {
                whole.absorb(&key, &mut absorbed);
                write_put(&whole, edit.kind, &key, &put, stamp, &mut registers);
            }
            registers.extend(edit.raw);
            writes.push(RecordWrites {
                id,
                kind: edit.kind,
                registers,
                note: edit.note,
            });
        }
        record_absorbed(self.ctx.world, stamp, absorbed, &mut writes);
        Ok(Plan {
            writes,
            answer: self.answer,
            minted: self.minted,
        })
    }
}

/// Notes in the merged records which of their values a write to the survivor has dealt with.
///
/// Without this a value that was added to a merged record elsewhere would come back after every choice.
fn record_absorbed(
    world: &dyn World,
    stamp: Stamp,
    absorbed: BTreeMap<RecordId, Vec<Stamp>>,
    writes: &mut Vec<RecordWrites>,
) {
    for (loser, values) in absorbed {
        let Some((doc, kind)) = world.doc(loser).and_then(|doc| {
            let kind = doc.kind?;
            Some((doc, kind))
        }) else {
            continue;
        };
        let Some(mut merged) = record::merged_into(&doc) else {
            continue;
        };
        merged.seen.extend(values);
        merged.seen.sort_unstable();
        merged.seen.dedup();
        let register = Register::new(stamp, Some(Value::MergedInto(merged).to_map()));
        let at = match writes.binary_search_by_key(&loser, |one| one.id) {
            Ok(at) => at,
            Err(at) => {
                let empty = RecordWrites {
                    id: loser,
                    kind,
                    registers: BTreeMap::new(),
                    note: None,
                };
                writes.insert(at, empty);
                at
            }
        };
        writes[at]
            .registers
            .entry("merged_into".to_owned())
            .or_insert(register);
    }
}

/// Names the record in the first change of a device to its document.
pub fn identity(kind: Kind, id: RecordId, stamp: Stamp) -> Register {
    let identity = Value::Identity(Identity {
        kind: kind.name().to_owned(),
        id,
    });
    Register::new(stamp, Some(identity.to_map()))
}

/// Writes one register, and beside it what it replaces unseen.
fn write_put(
    whole: &Whole,
    kind: Kind,
    key: &str,
    put: &Put,
    stamp: Stamp,
    registers: &mut BTreeMap<String, Register>,
) {
    let register = match (&put.value, kind.field_of_key(key)) {
        (Some(value), Some(spec)) => match seen_before(whole, key, put, spec) {
            Some(seen) => {
                let known = spec.form.known_keys();
                seen.register.rewritten(stamp, value.to_map(), known)
            }
            None => Register::new(stamp, Some(value.to_map())),
        },
        (value, _) => Register::new(stamp, value.as_ref().map(Value::to_map)),
    };
    registers.insert(key.to_owned(), register);
    registers.extend(set_aside(whole, kind, key, put, stamp));
}

/// Finds the value that the author of a write looked at, whose keys beyond this version go on in the new one.
fn seen_before<'a>(
    whole: &'a Whole,
    key: &str,
    put: &Put,
    spec: &FieldSpec,
) -> Option<&'a Candidate> {
    let shown = settle_whole(whole, key, spec).shown?;
    let is_seen = |record: RecordId, one: &Candidate| match &put.seen {
        Seen::Values(ids) => ids.contains(&one.value_id(record, key)),
        Seen::Shown | Seen::All => one.value(spec).as_ref() == Some(&shown),
    };
    let seen = whole
        .of_key(key)
        .filter(|(record, one)| is_seen(*record, one));
    // Of several the one that was shown, else the last.
    let best = seen.max_by_key(|(_, one)| (one.value(spec).as_ref() == Some(&shown), one.op));
    best.map(|(_, one)| one)
}

fn settle_whole(whole: &Whole, key: &str, spec: &FieldSpec) -> Settled {
    let candidates: Vec<Candidate> = whole.of_key(key).map(|(_, one)| one.clone()).collect();
    let derived = record::derived_of(&whole.doc);
    settle(whole.doc.id, key, spec, derived, &candidates)
}

/// Says what a write replaces that its author had not seen, or that is several values.
fn set_aside(
    whole: &Whole,
    kind: Kind,
    key: &str,
    put: &Put,
    stamp: Stamp,
) -> Vec<(String, Register)> {
    let Some(spec) = kind.field_of_key(key) else {
        return Vec::new();
    };
    if spec.writer == Writer::Inner && spec.settle != Settle::Life {
        return Vec::new();
    }
    let mut aside: Vec<(String, Register)> = whole
        .of_key(key)
        // What only a newer version can read nobody here has seen, and no rule has weighed.
        .filter(|(_, one)| !one.register.is_cleared() && one.value(spec).is_none())
        .map(|(record, one)| aside_of(whole, key, record, one, stamp))
        .collect();
    if put.seen == Seen::All {
        return aside;
    }
    let settled = settle_whole(whole, key, spec);
    // A press that moves a status on answers all that the person was shown; a typed value answers only itself.
    let moves = spec.form == Form::Status && spec.writer == Writer::Rule;
    let several = settled.held.len() > 1 && !moves;
    for held in &settled.held {
        let seen = match &put.seen {
            Seen::Values(ids) => held.presses().iter().any(|press| ids.contains(press)),
            _ => held.value == settled.shown,
        };
        let passed = match (&held.value, &put.value) {
            (Some(Value::Status(one)), Some(Value::Status(next))) => {
                moves && one.is_passed_by(next)
            }
            _ => false,
        };
        if held.value == put.value || seen && !several || passed {
            continue;
        }
        let last = whole
            .of_key(key)
            .filter(|(_, one)| held.ops.contains(&one.op) && one.value(spec) == held.value);
        let Some((record, candidate)) = last.last() else {
            continue;
        };
        aside.push(aside_of(whole, key, record, candidate, stamp));
    }
    #[cfg(feature = "sabotage")]
    if !aside.is_empty() && sabotage::is(sabotage::Break::NoAside) {
        return Vec::new();
    }
    aside
}

/// Keeps a superseded value under a key of its own.
fn aside_of(
    whole: &Whole,
    key: &str,
    record: RecordId,
    candidate: &Candidate,
    stamp: Stamp,
) -> (String, Register) {
    let from = (record != whole.doc.id).then_some(record);
    let value = Value::Aside(Aside {
        key: key.to_owned(),
        register: candidate.register.as_bytes().to_vec(),
        time_ms: candidate.time_ms,
    });
    let register = Register::new(stamp, Some(value.to_map()));
    (aside_key(candidate.op, from), register)
}

/// Gives the key under which a superseded value is kept.
///
/// Operations are numbered within a document, so a value of another document is kept under that record's name too.
pub(crate) fn aside_key(op: OpId, from: Option<RecordId>) -> String {
    match from {
        Some(record) => format!("aside/{op}/{}", &record.to_string()[16..]),
        None => format!("aside/{op}"),
    }
}

/// Settles what stood under a key before an operation, for undoing it.
pub(crate) fn settle_before(
    record: RecordId,
    kind: Kind,
    key: &str,
    before: &[Candidate],
) -> Option<Value> {
    let spec = kind.field_of_key(key)?;
    settle(record, key, spec, Derived::default(), before).shown
}
