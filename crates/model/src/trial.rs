//! A small workspace in memory for the tests: some devices, each with its own documents, that act and then meet.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::civil::date;

use crate::doc::{Candidate, DocView, OpId, Origin};
use crate::id::{Author, EntryId, IntentId, RecordId, ValueId};
use crate::intent::{Assignment, Capture, ConvertInto, Input, Intent, NewActivity, Undo};
use crate::kind::Kind;
use crate::merged::{self, Entry};
use crate::parse::Surroundings;
use crate::plan::{Answer, Context, Deed, DeedWrite, NoteDeed, Past, RecordWrites, identity, plan};
use crate::record::{RecordView, record};
use crate::refusal::Refusal;
use crate::register::Register;
use crate::role::Role;
use crate::value::LineItem;
use crate::world::World;

/// The moment at which a workspace of a test is founded (ms since 1970).
const START_MS: i64 = 1_795_000_000_000;

/// What one operation did, as the tests remember it.
#[derive(Clone)]
struct Deeds {
    operation: IntentId,
    undone: Vec<IntentId>,
    deeds: Vec<Deed>,
    notes: BTreeMap<RecordId, (String, String)>,
}

/// One device of a workspace, with all that it knows.
#[derive(Clone)]
pub(crate) struct Device {
    number: u8,
    pub(crate) role: Role,
    pub(crate) next_count: u32,
    docs: BTreeMap<RecordId, Arc<DocView>>,
    references: BTreeMap<RecordId, Vec<(&'static str, RecordId)>>,
    superseded: BTreeSet<(RecordId, String, OpId)>,
    log: Vec<Deeds>,
    batches: BTreeMap<IntentId, Vec<IntentId>>,
    counter: u64,
    presses: u8,
}

impl Device {
    /// Founds a workspace; the device is its owner's.
    pub(crate) fn founded() -> Self {
        let mut device = Self {
            number: 1,
            role: Role::Owner,
            next_count: 1,
            docs: BTreeMap::new(),
            references: BTreeMap::new(),
            superseded: BTreeSet::new(),
            log: Vec::new(),
            batches: BTreeMap::new(),
            counter: 0,
            presses: 0,
        };
        let name = "Mueller Praezision GmbH".to_owned();
        device.act(Intent::FoundWorkspace { name });
        for number in 1..=3 {
            device.act(Intent::EnrolMember {
                member: member(number),
                name: format!("Rep {}", char::from(b'A' + number - 1)),
                email: None,
            });
        }
        device
    }

    /// Gives the device of another member, which knows what this one knows.
    pub(crate) fn other(&self, number: u8, role: Role) -> Self {
        Self {
            number,
            role,
            presses: 0,
            ..self.clone()
        }
    }

    /// Takes over what another device knows.
    pub(crate) fn meet(&mut self, other: &Self) {
        self.superseded.extend(other.superseded.iter().cloned());
        for id in other.docs.keys() {
            self.docs
                .entry(*id)
                .or_insert_with(|| Arc::new(DocView::empty(*id)));
        }
        for (id, doc) in &mut self.docs {
            let mut both = DocView::clone(doc);
            if let Some(theirs) = other.docs.get(id) {
                for (key, candidates) in &theirs.registers {
                    let all = both.registers.entry(key.clone()).or_default();
                    all.extend(candidates.iter().cloned());
                }
                both.created = both.created.or(theirs.created);
                both.changed_ms = both.changed_ms.max(theirs.changed_ms);
                if both.note.is_empty() {
                    both.note.clone_from(&theirs.note);
                }
            }
            for (key, all) in &mut both.registers {
                all.sort_by_key(|one| one.op);
                all.dedup();
                all.retain(|one| !self.superseded.contains(&(*id, key.clone(), one.op)));
            }
            both.kind = DocView::kind_of(*id, both.candidates("record"));
            self.references.insert(*id, both.references());
            *doc = Arc::new(both);
        }
        for theirs in &other.log {
            if !self.log.iter().any(|own| own.operation == theirs.operation) {
                self.log.push(theirs.clone());
            }
        }
        self.batches.extend(other.batches.clone());
        self.counter = self.counter.max(other.counter);
    }

    /// Carries out an intent that must not be refused, and names the main record.
    pub(crate) fn make(&mut self, intent: Intent) -> RecordId {
        self.act(intent).records[0]
    }

    /// Carries out an intent that must not be refused.
    pub(crate) fn act(&mut self, intent: Intent) -> Answer {
        let done = self.try_act(intent.clone());
        done.unwrap_or_else(|refusal| panic!("{intent:?} was refused: {refusal}"))
    }

    /// Carries out an intent, or says why not.
    pub(crate) fn try_act(&mut self, intent: Intent) -> Result<Answer, Refusal> {
        self.presses += 1;
        let now_ms = START_MS + i64::from(self.presses) * 1_000;
        // Keys of entries take the first of them, short ids show the last.
        let (number, press) = (self.number, self.presses);
        let bytes = |drawn| {
            [
                number, number, number, number, press, drawn, 0, number, press, drawn,
            ]
        };
        let operation = IntentId::fresh(now_ms, bytes(0));
        let mut drawn = 0;
        let mut random = || {
            drawn += 1;
            bytes(drawn)
        };
        let code = char::from(b'A' + self.number - 1).to_string();
        let mut context = Context {
            world: self,
            past: self,
            member: member(self.number),
            role: self.role,
            code: &code,
            next_count: self.next_count,
            around: Surroundings {
                today: date(2026, 11, 23),
                now_ms,
                zone: "Europe/Berlin".to_owned(),
                currency: "EUR".to_owned(),
            },
            intent: operation,
            random: &mut random,
        };
        let plan = plan(&mut context, &intent)?;
        self.next_count += plan.minted;
        let mut done = Deeds {
            operation,
            undone: plan.answer.undone.clone(),
            deeds: Vec::new(),
            notes: BTreeMap::new(),
        };
        for writes in plan.writes {
            self.apply(writes, operation, now_ms, &mut done);
        }
        self.log.push(done);
        Ok(plan.answer)
    }

    fn apply(&mut self, writes: RecordWrites, operation: IntentId, now_ms: i64, done: &mut Deeds) {
        let id = writes.id;
        let known = self.docs.get(&id);
        let created = known.is_none();
        let mut doc = known.map_or_else(|| DocView::empty(id), |doc| DocView::clone(doc));
        let author = author(self.number);
        let mut registers = writes.registers;
        if created {
            registers.insert(
                "record".to_owned(),
                identity(writes.kind, id, operation.stamp()),
            );
            doc.created = Some(Origin {
                author,
                time_ms: now_ms,
                operation: Some(operation),
            });
        }
        let mut deed_writes = Vec::new();
        for (key, register) in registers {
            let (wrote, before) = self.write(&mut doc, &key, register, now_ms);
            deed_writes.push(DeedWrite { key, wrote, before });
        }
        if let Some(note) = &writes.note {
            let after = note.applied_to(&doc.note);
            done.notes.insert(id, (doc.note.clone(), after.clone()));
            doc.note = after;
        }
        doc.kind = DocView::kind_of(id, doc.candidates("record"));
        doc.changed_ms = now_ms;
        self.references.insert(id, doc.references());
        self.docs.insert(id, Arc::new(doc));
        done.deeds.push(Deed {
            operation,
            author,
            record: id,
            created,
            writes: deed_writes,
            note: None,
            others: Vec::new(),
        });
    }

    fn write(
        &mut self,
        doc: &mut DocView,
        key: &str,
        register: Register,
        time_ms: i64,
    ) -> (Candidate, Vec<Candidate>) {
        self.counter += 1;
        let wrote = Candidate {
            register,
            op: OpId {
                counter: self.counter,
                actor: [self.number; 20],
            },
            time_ms,
        };
        let before = doc
            .registers
            .insert(key.to_owned(), vec![wrote.clone()])
            .unwrap_or_default();
        let superseded = before.iter().map(|one| (doc.id, key.to_owned(), one.op));
        self.superseded.extend(superseded);
        (wrote, before)
    }

    /// Writes a record that holds nothing but its kind.
    pub(crate) fn write_bare(&mut self, kind: Kind, id: RecordId) {
        let operation = IntentId::from_bytes(*id.as_bytes());
        let writes = RecordWrites {
            id,
            kind,
            registers: BTreeMap::new(),
            note: None,
        };
        let mut done = Deeds {
            operation,
            undone: Vec::new(),
            deeds: Vec::new(),
            notes: BTreeMap::new(),
        };
        self.apply(writes, operation, START_MS, &mut done);
    }

    /// Names the last operation that this device carried out or took over.
    pub(crate) fn last(&self) -> IntentId {
        self.log.last().expect("something was done").operation
    }

    /// Puts the last operations into a batch, as an import does.
    pub(crate) fn batch_last(&mut self, count: usize) -> IntentId {
        let batch = IntentId::from_bytes([0xba; 16]);
        let last = &self.log[self.log.len() - count..];
        let operations = last.iter().map(|one| one.operation).collect();
        self.batches.insert(batch, operations);
        batch
    }

    /// Gives the view of a record.
    pub(crate) fn view(&self, id: RecordId) -> RecordView {
        record(self, id).expect("the record is there")
    }

    /// Gives the names of the values that a field holds.
    pub(crate) fn held(&self, id: RecordId, key: &str) -> Vec<ValueId> {
        let held = &self.view(id).fields[key].held;
        held.iter().map(|one| one.id()).collect()
    }

    /// Gives the entries of the Merged list that nobody has marked as seen.
    pub(crate) fn listed(&self) -> Vec<Entry> {
        let all = self.docs.keys().flat_map(|id| merged::entries(self, *id));
        all.filter(|entry| !entry.acknowledged).collect()
    }

    /// Gives an inquiry of a company, with the contact Given Family.
    pub(crate) fn inquiry(&mut self, company: &str) -> RecordId {
        let fields = vec![
            Assignment::set("company", company),
            Assignment::set("family", "Family"),
        ];
        self.make(Intent::Capture(Capture {
            fields,
            ..Capture::default()
        }))
    }

    /// Gives a sales project that an inquiry of a company was converted into.
    pub(crate) fn project(&mut self, company: &str) -> RecordId {
        let inquiry = self.inquiry(company);
        self.make(convert(inquiry))
    }

    /// Gives an offer of one line item and what was issued of it.
    pub(crate) fn sent(&mut self, sales_project: RecordId) -> (RecordId, RecordId) {
        let offer = self.make(draft(sales_project, vec![item()]));
        let issued = self.make(send(offer));
        (offer, issued)
    }
}

impl World for Device {
    fn doc(&self, id: RecordId) -> Option<Arc<DocView>> {
        self.docs.get(&id).cloned()
    }

    fn referrers(&self, id: RecordId, field: &str) -> Vec<RecordId> {
        let refers = |all: &[(&str, RecordId)]| all.contains(&(field, id));
        let found = self.references.iter().filter(|(_, all)| refers(all));
        found.map(|(id, _)| *id).collect()
    }

    fn of_kind(&self, kind: Kind) -> Vec<RecordId> {
        let found = self.docs.values().filter(|doc| doc.kind == Some(kind));
        found.map(|doc| doc.id).collect()
    }

    fn with_number(&self, number: &str) -> Vec<RecordId> {
        let views = self.docs.keys().filter_map(|id| record(self, *id));
        views
            .filter(|view| view.text("number") == number)
            .map(|view| view.id)
            .collect()
    }

    fn member_of(&self, wrote: Author) -> Option<RecordId> {
        (1..=3).find(|number| author(*number) == wrote).map(member)
    }

    fn settings_id(&self) -> RecordId {
        RecordId::settings_of(&self.workspace())
    }

    fn workspace(&self) -> [u8; 32] {
        [7; 32]
    }
}

impl Past for Device {
    fn deeds(&self, operation: IntentId) -> Vec<Deed> {
        let at = self.log.iter().position(|one| one.operation == operation);
        let Some(at) = at else { return Vec::new() };
        let later = &self.log[at + 1..];
        let with_past = |deed: &Deed| {
            let note = self.log[at].notes.get(&deed.record);
            let now = &self.docs[&deed.record].note;
            let note = note.map(|(before, after)| match now {
                now if now == after => NoteDeed::Revert(before.clone()),
                now if now == before => NoteDeed::Gone,
                _ => NoteDeed::Touched,
            });
            let others = later.iter().flat_map(|one| &one.deeds);
            let others = others.filter(|one| one.record == deed.record);
            Deed {
                note,
                others: others.map(|one| one.author).collect(),
                ..deed.clone()
            }
        };
        self.log[at].deeds.iter().map(with_past).collect()
    }

    fn last_own(&self) -> Option<IntentId> {
        let mut undone = BTreeSet::new();
        for one in self.log.iter().rev() {
            if !one.undone.is_empty() && !undone.contains(&one.operation) {
                undone.extend(one.undone.iter().copied());
                continue;
            }
            let is_own = one
                .deeds
                .iter()
                .all(|deed| deed.author == author(self.number));
            let is_for_good = one.deeds.iter().any(|deed| {
                let kind = self.docs[&deed.record].kind;
                deed.created && kind.is_some_and(Kind::is_for_good)
            });
            if one.undone.is_empty() && is_own && !is_for_good && !undone.contains(&one.operation) {
                return Some(one.operation);
            }
        }
        None
    }

    fn batch(&self, batch: IntentId) -> Vec<IntentId> {
        let operations = self.batches.get(&batch).into_iter().flatten();
        operations.rev().copied().collect()
    }

    fn batch_of(&self, operation: IntentId) -> Option<IntentId> {
        let found = self
            .batches
            .iter()
            .find(|(_, all)| all.contains(&operation));
        found.map(|(batch, _)| *batch)
    }

    fn shown_at(&self, entry: EntryId) -> Option<RecordId> {
        let mut all = self.docs.keys().flat_map(|id| merged::entries(self, *id));
        all.find(|one| one.id == entry).map(|one| one.record)
    }
}

/// Names a member by number.
pub(crate) fn member(number: u8) -> RecordId {
    RecordId::from_bytes([0x50 + number; 16])
}

fn author(number: u8) -> Author {
    Author::from_bytes([number; 12])
}

/// Sets a field of a record.
pub(crate) fn set(record: RecordId, field: &str, value: impl Into<Input>) -> Intent {
    edit(record, Assignment::set(field, value))
}

/// Changes a field of a record.
pub(crate) fn edit(record: RecordId, change: Assignment) -> Intent {
    let fields = vec![change];
    Intent::Edit { record, fields }
}

/// Creates a record by hand.
pub(crate) fn create(kind: Kind, fields: &[(&str, &str)]) -> Intent {
    let set = |(field, text): &(&str, &str)| Assignment::set(field, *text);
    let fields = fields.iter().map(set).collect();
    Intent::Create { kind, fields }
}

/// Adds a call about a record.
pub(crate) fn call(regards: RecordId, subject: &str) -> Intent {
    Intent::AddActivity(NewActivity {
        activity: "call".to_owned(),
        regards: vec![regards],
        subject: subject.to_owned(),
        ..NewActivity::default()
    })
}

/// Converts an inquiry into a new customer.
pub(crate) fn convert(inquiry: RecordId) -> Intent {
    let into = ConvertInto::default();
    Intent::Convert { inquiry, into }
}

/// Drafts an offer.
pub(crate) fn draft(sales_project: RecordId, items: Vec<LineItem>) -> Intent {
    Intent::DraftOffer {
        sales_project,
        items,
        name: String::new(),
        valid_until: None,
    }
}

/// Gives a line item.
pub(crate) fn item() -> LineItem {
    crate::parse::line_item("X-200;2;piece;12500;5;19", "EUR").expect("a line item")
}

/// Sends an offer as it is.
pub(crate) fn send(offer: RecordId) -> Intent {
    let content = None;
    Intent::SendOffer { offer, content }
}

/// Moves a sales project to a phase.
pub(crate) fn phase(sales_project: RecordId, phase: &str) -> Intent {
    Intent::MovePhase {
        sales_project,
        phase: phase.to_owned(),
        chance: None,
        reason: (phase == "lost").then(|| "price".to_owned()),
        seen: None,
    }
}

/// Wins a sales project.
pub(crate) fn win(sales_project: RecordId) -> Intent {
    Intent::Win {
        sales_project,
        issued: None,
        seen: None,
    }
}

/// Disqualifies an inquiry.
pub(crate) fn disqualify(inquiry: RecordId, reason: &str) -> Intent {
    Intent::Disqualify {
        inquiry,
        reason: reason.to_owned(),
        seen: None,
    }
}

/// Undoes one operation.
pub(crate) fn undo_of(operation: IntentId) -> Intent {
    let what = Undo::Operation(operation);
    Intent::Undo { what }
}
