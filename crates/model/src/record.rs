//! Record views: what a record says, with what was merged into it and what the records beside it mean for it.

use std::collections::{BTreeMap, BTreeSet};

use crate::beside::apply_neighbours;
use crate::doc::{DocView, Origin, entries_of};
use crate::fields::common;
use crate::fold::{fold_email, fold_phone};
use crate::id::RecordId;
use crate::kind::Kind;
use crate::settle::{Derived, Settled, combine_lives, settle};
use crate::status::Status;
use crate::value::{Conversion, Labelled, Life, LineItem, MergedInto, Money, Value};
use crate::world::World;

pub(crate) use crate::standing::{alive_under, is_undone, stands};
pub(crate) use crate::whole::{Whole, conversion_of, whole};

/// How a record stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// In use.
    Alive,
    /// Put away by somebody.
    Archived,
    /// What made it was undone.
    Undone,
    /// Merged into another record, which shows what it held.
    Merged(RecordId),
}

/// What a record says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordView {
    /// The record.
    pub id: RecordId,
    /// Its kind.
    pub kind: Kind,
    /// Its fields by register key; removed entries and asides are not among them.
    pub fields: BTreeMap<String, Settled>,
    /// Its note, and the notes of what was merged into it.
    pub note: String,
    /// How it stands.
    pub standing: Standing,
    /// Whether it stands although what made it was undone, because others had worked under it.
    pub stands_against_undo: bool,
    /// Whether the conversion of the inquiry stands although it was undone.
    pub conversion_stands: bool,
    /// Whether a win stands against a loss.
    pub contested: bool,
    /// The records that were merged into it, directly or over others.
    pub merged: Vec<RecordId>,
    /// Who first wrote it, and when.
    pub created: Option<Origin>,
    /// When it was last changed (ms since 1970).
    pub changed_ms: i64,
}

impl RecordView {
    /// Gives the shown value of a single field.
    pub fn value(&self, key: &str) -> Option<&Value> {
        self.fields.get(key)?.shown.as_ref()
    }

    /// Gives the shown text of a field that holds text; empty when there is none.
    pub fn text(&self, key: &str) -> &str {
        match self.value(key) {
            Some(Value::Text(text)) => text,
            _ => "",
        }
    }

    /// Gives the record that a field refers to.
    pub fn reference(&self, key: &str) -> Option<RecordId> {
        match self.value(key)? {
            Value::Reference(id) => Some(*id),
            _ => None,
        }
    }

    /// Gives the status.
    pub fn status(&self) -> Option<&Status> {
        match self.value("status")? {
            Value::Status(status) => Some(status),
            _ => None,
        }
    }

    /// Gives the word of the status; empty when there is none.
    pub fn status_word(&self) -> &str {
        self.status().map_or("", |status| &status.word)
    }

    /// Gives what the inquiry became, unless that was undone.
    pub fn conversion(&self) -> Option<&Conversion> {
        match self.value("conversion")? {
            Value::Conversion(conversion) => {
                (!conversion.undone || self.conversion_stands).then_some(conversion)
            }
            _ => None,
        }
    }

    /// Gives an amount.
    pub fn money(&self, key: &str) -> Option<&Money> {
        match self.value(key)? {
            Value::Money(money) => Some(money),
            _ => None,
        }
    }

    /// Lists the entries of a list with their keys; what is removed is not among them.
    pub fn list<'a>(&'a self, name: &str) -> impl Iterator<Item = (&'a str, &'a Value)> {
        entries_of(&self.fields, name)
            .filter_map(|(key, settled)| settled.shown.as_ref().map(|value| (key.as_str(), value)))
    }

    /// Lists the records that a list of references names.
    pub fn references(&self, name: &str) -> Vec<RecordId> {
        self.list(name)
            .filter_map(|(_, value)| match value {
                Value::Reference(id) => Some(*id),
                _ => None,
            })
            .collect()
    }

    /// Lists phones or e-mails; the same one twice is one, the one under the smallest key.
    pub fn labelled(&self, name: &str) -> Vec<(&str, &Labelled)> {
        let fold: fn(&str) -> String = if name == "phone" {
            fold_phone
        } else {
            fold_email
        };
        let mut seen = BTreeSet::new();
        self.list(name)
            .filter_map(|(key, value)| match value {
                Value::Labelled(labelled) if seen.insert(fold(&labelled.value)) => {
                    Some((key, labelled))
                }
                _ => None,
            })
            .collect()
    }

    /// Lists the line items in their order.
    pub fn items(&self) -> Vec<(&str, &LineItem)> {
        let mut items: Vec<(&str, &LineItem)> = self
            .list("item")
            .filter_map(|(key, value)| match value {
                Value::Item(item) => Some((key, item)),
                _ => None,
            })
            .collect();
        items.sort_by_key(|(key, item)| (item.position, *key));
        items
    }

    /// Lists the tags.
    pub fn tags(&self) -> Vec<&str> {
        self.list("tag")
            .filter_map(|(_, value)| match value {
                Value::Text(text) => Some(text.as_str()),
                _ => None,
            })
            .collect()
    }

    /// Tells whether the record is in use.
    pub fn is_alive(&self) -> bool {
        self.standing == Standing::Alive
    }

    /// Names a person or a company as people say it.
    pub fn person(&self) -> String {
        [self.text("given"), self.text("family")]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// Gives the line by which a person knows the record, and what tells it from others with the same line.
    pub fn named(&self) -> String {
        let (title, number, short) = (self.title(), self.text("number"), self.id.short());
        if title == number || title.ends_with(&short) {
            return title;
        }
        let distinct = if number.is_empty() { &short } else { number };
        format!("{title} ({distinct})")
    }

    /// Gives the line by which a person knows the record.
    pub fn title(&self) -> String {
        let person = self.person();
        let title = match self.kind {
            Kind::Inquiry => match (self.text("company"), person.as_str()) {
                ("", person) => person.to_owned(),
                (company, "") => company.to_owned(),
                (company, person) => format!("{company}, {person}"),
            },
            Kind::ContactPerson => person,
            Kind::Activity => match self.text("subject") {
                "" if first_line(&self.note).trim().is_empty() => self.text("activity").to_owned(),
                "" => first_line(&self.note).to_owned(),
                subject => subject.to_owned(),
            },
            Kind::Order | Kind::IssuedOffer => self.text("number").to_owned(),
            Kind::Settings => "workspace settings".to_owned(),
            _ => self.text("name").to_owned(),
        };
        match title.trim() {
            "" if !self.text("number").is_empty() => self.text("number").to_owned(),
            "" => format!("{} {}", self.kind.title(), self.id.short()),
            title => title.to_owned(),
        }
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or("")
}

/// Follows `merged_into` to the record that goes on; a cycle is cut where it leaves the smallest id.
pub fn survivor(world: &dyn World, id: RecordId) -> RecordId {
    // Nearly all records were merged into nothing.
    let Some(mut next) = merged_directly(world, id) else {
        return id;
    };
    let mut path = vec![id];
    let mut passed = BTreeSet::from([id]);
    while passed.insert(next) {
        path.push(next);
        match merged_directly(world, next) {
            Some(further) => next = further,
            None => return next,
        }
    }
    let cycle = path.iter().skip_while(|passed| **passed != next);
    cycle.copied().min().unwrap_or(next)
}

fn merged_directly(world: &dyn World, id: RecordId) -> Option<RecordId> {
    let doc = world.doc(id)?;
    merged_into(&doc).map(|merged| merged.survivor)
}

/// Gives the merge that a document states, the smallest survivor of several.
pub(crate) fn merged_into(doc: &DocView) -> Option<MergedInto> {
    let candidates = doc.candidates("merged_into");
    if candidates.is_empty() {
        return None;
    }
    let spec = common("merged_into");
    match settle(doc.id, spec.name, spec, Derived::default(), candidates).shown? {
        Value::MergedInto(merged) => Some(merged),
        _ => None,
    }
}

/// Gives the life that a document states.
pub(crate) fn life(doc: &DocView) -> Life {
    let spec = common("life");
    let candidates = doc.candidates("life").iter();
    combine_lives(candidates.filter_map(|one| one.value(spec)))
}

/// Builds the view of a record; `None` while its kind is unknown.
pub fn record(world: &dyn World, id: RecordId) -> Option<RecordView> {
    let doc = world.doc(id)?;
    let kind = doc.kind?;
    let merged = losers(world, id);
    let whole = Whole::of(world, doc.clone(), &merged);
    let derived = derived_of(&doc);
    let mut view = RecordView {
        id,
        kind,
        fields: BTreeMap::new(),
        note: String::new(),
        standing: standing(world, &doc),
        stands_against_undo: false,
        conversion_stands: false,
        contested: false,
        merged,
        created: doc.created,
        changed_ms: doc.changed_ms,
    };
    whole.visit(|key, candidates| {
        let Some(spec) = kind.field_of_key(key) else {
            return;
        };
        if matches!(spec.name, "aside" | "seen" | "record" | "merged_into") {
            return;
        }
        let settled = settle(id, key, spec, derived, candidates);
        view.contested |= settled.contested;
        view.fields.insert(key.to_owned(), settled);
    });
    view.note = whole.note;
    view.stands_against_undo =
        view.standing == Standing::Alive && doc.candidates("life").iter().any(is_undone);
    apply_neighbours(world, &mut view, derived);
    Some(view)
}

fn standing(world: &dyn World, doc: &DocView) -> Standing {
    let survivor = survivor(world, doc.id);
    if survivor != doc.id {
        return Standing::Merged(survivor);
    }
    match life(doc) {
        Life::Alive => Standing::Alive,
        Life::Archived => Standing::Archived,
        Life::Undone(_) if stands(world, doc) => Standing::Alive,
        Life::Undone(_) => Standing::Undone,
    }
}

/// Lists what was merged into a record, over any number of steps, in the order of ids.
pub(crate) fn losers(world: &dyn World, id: RecordId) -> Vec<RecordId> {
    if survivor(world, id) != id {
        return Vec::new();
    }
    let mut found = BTreeSet::new();
    let mut open = vec![id];
    while let Some(next) = open.pop() {
        for loser in world.referrers(next, "merged_into") {
            // What goes on as `next` goes on as `id`, since `next` does.
            let goes_on = merged_directly(world, loser);
            if loser != id && goes_on == Some(next) && found.insert(loser) {
                open.push(loser);
            }
        }
    }
    found.into_iter().collect()
}

/// Names what converting the record's inquiry derives, so that existing records come before derived ones.
pub(crate) fn derived_of(doc: &DocView) -> Derived {
    if doc.kind == Some(Kind::Inquiry) {
        return Derived::from_inquiry(doc.id);
    }
    let inquiry = doc.candidates("inquiry").iter().find_map(|one| {
        let spec = doc.kind?.field_of_key("inquiry")?;
        match one.value(spec)? {
            Value::Reference(id) => Some(id),
            _ => None,
        }
    });
    inquiry.map(Derived::from_inquiry).unwrap_or_default()
}
