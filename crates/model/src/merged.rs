//! The Merged list: everything that merging set aside, until somebody has seen it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::doc::{Candidate, DocView, OpId};
use crate::fields::common;
use crate::id::{Author, EntryId, RecordId, ValueId, hash, head};
use crate::kind::Kind;
use crate::record::{self, RecordView, survivor};
use crate::register::Register;
use crate::settle::Held;
use crate::value::{Conversion, Issue, Life, Value};
use crate::world::World;

/// Why something stands on the Merged list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// A field holds several values.
    Conflict,
    /// A write superseded a value that its author had not seen.
    Aside,
    /// A sales project was won here and lost there.
    Contested,
    /// An inquiry was converted into several customers or contact persons, or as a partner too.
    ConvertedApart,
    /// A draft offer was sent twice by people who did not know of each other.
    SentTwice,
    /// Several offers of one sales project were accepted.
    AcceptedTwice,
    /// A record was archived here and edited there.
    ArchivedAndEdited,
    /// What made a record was undone, but others had worked under it.
    UndoneButStands,
    /// A record was merged into several others.
    MergedApart,
    /// Two records were merged; what they were converted into may be merged too.
    DerivedApart,
    /// One number was given to two records.
    IssuedTwice,
}

impl Rule {
    /// Gives the name that is hashed into entry ids; golden.
    pub fn name(self) -> &'static str {
        match self {
            Rule::Conflict => "conflict",
            Rule::Aside => "aside",
            Rule::Contested => "contested",
            Rule::ConvertedApart => "converted-apart",
            Rule::SentTwice => "sent-twice",
            Rule::AcceptedTwice => "accepted-twice",
            Rule::ArchivedAndEdited => "archived-and-edited",
            Rule::UndoneButStands => "undone-but-stands",
            Rule::MergedApart => "merged-apart",
            Rule::DerivedApart => "derived-apart",
            Rule::IssuedTwice => "issued-twice",
        }
    }
}

/// One value of an entry that a person may choose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// Names the value.
    pub id: ValueId,
    /// The value; none where the field was cleared.
    pub value: Option<Value>,
    /// The device that wrote it.
    pub author: Author,
    /// When (ms since 1970).
    pub time_ms: i64,
    /// Whether it is the one that is shown.
    pub shown: bool,
}

/// An entry of the Merged list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Names it: a hash of the rule and of the values or records involved.
    pub id: EntryId,
    /// Why it is listed.
    pub rule: Rule,
    /// The record that it is shown at.
    pub record: RecordId,
    /// The register key, where it is about one field.
    pub field: Option<String>,
    /// The values, where there are several to choose from; the shown one first.
    pub choices: Vec<Choice>,
    /// The records involved, the smallest first.
    pub records: Vec<RecordId>,
    /// The merge that it proposes: this record into that one.
    pub merge: Option<(RecordId, RecordId)>,
    /// Whether a value that was set aside comes from a record that was merged into this one.
    pub of_merged: bool,
    /// Whether somebody has seen it.
    pub acknowledged: bool,
}

impl Entry {
    /// Names the record that acknowledging is written to: the smallest involved.
    pub fn home(&self) -> RecordId {
        self.records.iter().copied().min().unwrap_or(self.record)
    }

    /// Gives the register key that acknowledges it.
    pub fn seen_key(&self) -> String {
        format!("seen/{}", self.id)
    }
}

struct Collector<'a> {
    world: &'a dyn World,
    record: RecordId,
    /// The record that the entry is named by: a merged one keeps its entries, and the marks that they were seen.
    subject: RecordId,
    entries: Vec<Entry>,
}

impl Collector<'_> {
    fn push(
        &mut self,
        rule: Rule,
        field: Option<&str>,
        choices: Vec<Choice>,
        mut records: Vec<RecordId>,
    ) -> &mut Entry {
        records.push(self.subject);
        records.sort_unstable();
        records.dedup();
        let mut parts: Vec<Vec<u8>> = choices
            .iter()
            .map(|choice| choice.id.as_bytes().to_vec())
            .collect();
        parts.sort_unstable();
        parts.extend(records.iter().map(|id| id.as_bytes().to_vec()));
        let mut named: Vec<&[u8]> = vec![rule.name().as_bytes(), field.unwrap_or("").as_bytes()];
        named.extend(parts.iter().map(Vec::as_slice));
        let id = EntryId::from_bytes(head(hash("handschlag entry 1", &named)));
        let field = field.map(str::to_owned);
        let mut entry = Entry {
            id,
            rule,
            record: self.record,
            field,
            choices,
            records,
            merge: None,
            of_merged: false,
            acknowledged: false,
        };
        entry.acknowledged = self
            .world
            .doc(entry.home())
            .is_some_and(|doc| is_seen(&doc, &entry.seen_key()));
        self.entries.push(entry);
        self.entries
            .last_mut()
            .expect("an entry was pushed a line above")
    }
}

impl Collector<'_> {
    /// Tells whether a value that was set aside is listed already: one press may have written it to several records.
    fn has_aside(&self, key: &str, record: RecordId, value: ValueId) -> bool {
        self.entries.iter().any(|entry| {
            entry.rule == Rule::Aside
                && entry.field.as_deref() == Some(key)
                && entry.records.contains(&record)
                && entry.choices.iter().any(|choice| choice.id == value)
        })
    }
}

fn is_seen(doc: &DocView, key: &str) -> bool {
    doc.candidates(key)
        .iter()
        .any(|one| !one.register.is_cleared())
}

/// Lists the entries that are shown at one record, acknowledged ones included.
pub fn entries(world: &dyn World, id: RecordId) -> Vec<Entry> {
    let Some(doc) = world.doc(id) else {
        return Vec::new();
    };
    let mut found = Collector {
        world,
        record: id,
        subject: id,
        entries: Vec::new(),
    };
    issued_twice(&mut found, &doc);
    if is_plain(world, &doc) {
        return found.entries;
    }
    let Some(view) = record::record(world, id) else {
        return found.entries;
    };
    merged_apart(&mut found, &doc);
    // What was merged away shows its values at the record that goes on.
    if survivor(world, id) == id {
        conflicts(&mut found, &view);
        asides(&mut found, &doc, &view);
        for loser in view.merged.iter().filter_map(|id| world.doc(*id)) {
            found.subject = loser.id;
            asides(&mut found, &loser, &view);
        }
        found.subject = id;
        archived_and_edited(&mut found, &doc);
        match view.kind {
            Kind::Inquiry => converted_apart(&mut found, &view),
            Kind::Offer => sent_twice(&mut found, &view),
            Kind::SalesProject => accepted_twice(&mut found, &view),
            _ => {}
        }
        if view.stands_against_undo {
            found.push(Rule::UndoneButStands, None, Vec::new(), Vec::new());
        }
        derived_apart(&mut found, &view);
    }
    found
        .entries
        .sort_by_key(|entry| (entry.rule, entry.field.clone(), entry.id));
    found.entries
}

/// Tells quickly that nothing of a document can be listed, as of nearly all.
fn is_plain(world: &dyn World, doc: &DocView) -> bool {
    let single = doc
        .registers
        .iter()
        .all(|(key, candidates)| candidates.len() <= 1 && !key.starts_with("aside/"));
    single
        && doc.candidates("merged_into").is_empty()
        && world.referrers(doc.id, "merged_into").is_empty()
        && !matches!(record::life(doc), Life::Undone(_))
        && match doc.kind {
            Some(Kind::Inquiry) => doc.candidates("conversion").is_empty(),
            Some(Kind::Offer) => doc.entries("issued").count() < 2,
            Some(Kind::SalesProject) => world.referrers(doc.id, "sales_project").is_empty(),
            _ => true,
        }
}

fn choices_of(held: &[Held], shown: Option<&Value>) -> Vec<Choice> {
    held.iter()
        .map(|one| Choice {
            id: one.id(),
            value: one.value.clone(),
            author: one.author,
            time_ms: one.time_ms,
            shown: one.value.as_ref() == shown,
        })
        .collect()
}

fn conflicts(found: &mut Collector<'_>, view: &RecordView) {
    for (key, settled) in &view.fields {
        if !settled.in_conflict || key == "conversion" {
            continue;
        }
        let rule = if settled.contested {
            Rule::Contested
        } else {
            Rule::Conflict
        };
        found.push(
            rule,
            Some(key),
            choices_of(&settled.held, settled.shown.as_ref()),
            Vec::new(),
        );
    }
}

fn asides(found: &mut Collector<'_>, doc: &DocView, view: &RecordView) {
    let spec = common("aside");
    for (key, candidates) in doc.entries("aside") {
        let Some(Value::Aside(aside)) = candidates.first().and_then(|one| one.value(spec)) else {
            continue;
        };
        let Some(op) = key
            .split('/')
            .nth(1)
            .and_then(|text| text.parse::<OpId>().ok())
        else {
            continue;
        };
        let Ok(register) = Register::from_bytes(&aside.register) else {
            continue;
        };
        let Some(field) = view.kind.field_of_key(&aside.key) else {
            continue;
        };
        let superseded = Candidate {
            register,
            op,
            time_ms: aside.time_ms,
        };
        let value = superseded.value(field);
        // What only a newer version can read is kept, and listed by that.
        if value.is_none() && !superseded.register.is_cleared() {
            continue;
        }
        let shown = view.fields.get(&aside.key);
        // Somebody has written the same value again: there is nothing left to choose.
        if shown.is_some_and(|settled| settled.held.iter().any(|one| one.value == value)) {
            continue;
        }
        let mut choices: Vec<Choice> = shown
            .map(|settled| {
                choices_of(
                    &settled.held[..1.min(settled.held.len())],
                    settled.shown.as_ref(),
                )
            })
            .unwrap_or_default();
        let id = superseded.value_id(doc.id, &aside.key);
        choices.push(Choice {
            id,
            value,
            author: op.author(),
            time_ms: aside.time_ms,
            shown: false,
        });
        if found.has_aside(&aside.key, doc.id, id) {
            continue;
        }
        let named = choices.split_off(choices.len() - 1);
        // The entry is named by what was set aside alone, so that later edits of the field do not list it anew.
        let entry = found.push(Rule::Aside, Some(&aside.key), named, Vec::new());
        choices.append(&mut entry.choices);
        entry.choices = choices;
        // The key of such a value names the record that it stood in too.
        entry.of_merged = key.split('/').nth(2).is_some();
    }
}

fn archived_and_edited(found: &mut Collector<'_>, doc: &DocView) {
    let spec = common("life");
    let lives: Vec<(ValueId, Value, &Candidate)> = doc
        .candidates("life")
        .iter()
        .filter_map(|one| Some((one.value_id(doc.id, "life"), one.value(spec)?, one)))
        .collect();
    let alive = lives
        .iter()
        .any(|(_, value, _)| *value == Value::Life(Life::Alive));
    let archived = lives
        .iter()
        .any(|(_, value, _)| *value == Value::Life(Life::Archived));
    if alive && archived {
        let choices = lives
            .into_iter()
            .map(|(id, value, one)| Choice {
                id,
                shown: value == Value::Life(Life::Alive),
                value: Some(value),
                author: one.op.author(),
                time_ms: one.time_ms,
            })
            .collect();
        found.push(Rule::ArchivedAndEdited, Some("life"), choices, Vec::new());
    }
}

fn converted_apart(found: &mut Collector<'_>, view: &RecordView) {
    let Some(settled) = view
        .fields
        .get("conversion")
        .filter(|settled| settled.in_conflict)
    else {
        return;
    };
    let Some(Value::Conversion(shown)) = &settled.shown else {
        return;
    };
    let all: Vec<&Conversion> = settled
        .held
        .iter()
        .filter_map(|one| match &one.value {
            Some(Value::Conversion(conversion)) => Some(conversion),
            _ => None,
        })
        .collect();
    // What was merged since is one: nothing is left to decide.
    let goes_on = |one: &Conversion| {
        let into = |id| survivor(found.world, id);
        (
            into(one.customer),
            into(one.contact),
            one.sales_project.map(into),
        )
    };
    if all.iter().all(|one| goes_on(one) == goes_on(all[0])) {
        return;
    }
    let mut records: Vec<RecordId> = all
        .iter()
        .flat_map(|one| [one.customer, one.contact])
        .collect();
    records.extend(all.iter().filter_map(|one| one.sales_project));
    // The record that is set aside is proposed for merging into the one that is shown.
    let beside = |of: fn(&Conversion) -> RecordId| {
        let world = found.world;
        all.iter()
            .map(|one| of(one))
            .find(move |id| survivor(world, *id) != survivor(world, of(shown)))
            .map(|id| (id, of(shown)))
    };
    let merge = beside(|one| one.customer).or_else(|| beside(|one| one.contact));
    let choices = choices_of(&settled.held, settled.shown.as_ref());
    found
        .push(Rule::ConvertedApart, Some("conversion"), choices, records)
        .merge = merge;
}

fn sent_twice(found: &mut Collector<'_>, view: &RecordView) {
    let mut versions: BTreeMap<(Option<RecordId>, i64), Vec<RecordId>> = BTreeMap::new();
    for (key, value) in view.list("issued") {
        if let (Value::Issue(Issue { version, .. }), Some(Ok(id))) =
            (value, key.strip_prefix("issued/").map(str::parse))
        {
            // Offers that were merged have versions of the same count that nobody sent twice.
            let draft = draft_of(found.world, id);
            versions.entry((draft, *version)).or_default().push(id);
        }
    }
    for records in versions.into_values().filter(|records| records.len() > 1) {
        found.push(Rule::SentTwice, None, Vec::new(), records);
    }
}

/// Gives the draft that an issued offer was sent from.
fn draft_of(world: &dyn World, issued: RecordId) -> Option<RecordId> {
    let doc = world.doc(issued)?;
    let spec = Kind::IssuedOffer.field_of_key("offer")?;
    doc.candidates("offer")
        .iter()
        .find_map(|one| match one.value(spec)? {
            Value::Reference(id) => Some(id),
            _ => None,
        })
}

fn accepted_twice(found: &mut Collector<'_>, view: &RecordView) {
    let accepted = crate::offer::issued_with_verdict(found.world, view.id, "accepted");
    if accepted.len() > 1 {
        found.push(Rule::AcceptedTwice, None, Vec::new(), accepted);
    }
}

fn merged_apart(found: &mut Collector<'_>, doc: &DocView) {
    let spec = common("merged_into");
    let mut survivors: Vec<RecordId> = doc
        .candidates("merged_into")
        .iter()
        .filter_map(|one| match one.value(spec)? {
            Value::MergedInto(merged) => Some(merged.survivor),
            _ => None,
        })
        .collect();
    survivors.sort_unstable();
    survivors.dedup();
    if survivors.len() > 1 {
        found.push(
            Rule::MergedApart,
            Some("merged_into"),
            Vec::new(),
            survivors,
        );
    }
}

/// Proposes to merge what two merged inquiries were converted into, role by role.
fn derived_apart(found: &mut Collector<'_>, view: &RecordView) {
    let Some(own) = view.conversion().cloned() else {
        return;
    };
    for loser in view.merged.clone() {
        let other = found
            .world
            .doc(loser)
            .filter(|doc| doc.kind == Some(Kind::Inquiry))
            .and_then(|doc| match record::conversion_of(&doc).shown? {
                Value::Conversion(conversion) if !conversion.undone => Some(conversion),
                _ => None,
            });
        let Some(other) = other else { continue };
        let mut pairs = vec![(other.customer, own.customer), (other.contact, own.contact)];
        pairs.extend(other.sales_project.zip(own.sales_project));
        for (from, into) in pairs {
            if survivor(found.world, from) != survivor(found.world, into) {
                found
                    .push(Rule::DerivedApart, None, Vec::new(), vec![from, into])
                    .merge = Some((from, into));
            }
        }
    }
}

fn issued_twice(found: &mut Collector<'_>, doc: &DocView) {
    let Some(kind) = doc.kind else { return };
    let Some(spec) = kind.field_of_key("number") else {
        return;
    };
    for candidate in doc.candidates("number") {
        let Some(Value::Text(number)) = candidate.value(spec) else {
            continue;
        };
        let others: Vec<RecordId> = found
            .world
            .with_number(&number)
            .into_iter()
            .filter(|other| {
                found
                    .world
                    .doc(*other)
                    .is_some_and(|other| other.kind == Some(kind))
            })
            .collect();
        // Shown once, at the smallest record that carries the number.
        if others.len() > 1 && others.iter().min() == Some(&doc.id) {
            found.push(Rule::IssuedTwice, Some("number"), Vec::new(), others);
        }
    }
}
