//! Record views: what a record says, with what was merged into it and what the records beside it mean for it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::doc::{Candidate, DocView, Origin};
use crate::fields;
use crate::fold::{fold_email, fold_phone};
use crate::id::RecordId;
use crate::kind::Kind;
use crate::settle::{Derived, Settled, settle};
use crate::status::{self, Course, Status};
use crate::value::{Conversion, Labelled, Life, LineItem, MergedInto, Money, Value};
use crate::world::World;

/// How many merges are followed before a chain counts as a cycle.
const MAX_MERGES: usize = 64;

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
            Value::Conversion(conversion) if !conversion.undone || self.stands_against_undo => {
                Some(conversion)
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
        let prefix = format!("{name}/");
        let end = format!("{name}0");
        self.fields
            .range(prefix..end)
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
    let mut path = vec![id];
    while let Some(next) = world
        .doc(path[path.len() - 1])
        .and_then(|doc| merged_into(&doc))
        .map(|merged| merged.survivor)
    {
        if let Some(start) = path.iter().position(|seen| *seen == next) {
            return path[start..].iter().copied().min().unwrap_or(id);
        }
        if path.len() > MAX_MERGES {
            break;
        }
        path.push(next);
    }
    path[path.len() - 1]
}

/// Gives the merge that a document states, the smallest survivor of several.
pub(crate) fn merged_into(doc: &DocView) -> Option<MergedInto> {
    let spec = fields::COMMON
        .iter()
        .find(|spec| spec.name == "merged_into")?;
    match settle(
        doc.id,
        "merged_into",
        spec,
        Derived::default(),
        doc.candidates("merged_into"),
    )
    .shown?
    {
        Value::MergedInto(merged) => Some(merged),
        _ => None,
    }
}

/// Gives the life that a document states.
pub(crate) fn life(doc: &DocView) -> Life {
    let spec = fields::COMMON.iter().find(|spec| spec.name == "life");
    let settled = spec.map(|spec| {
        settle(
            doc.id,
            "life",
            spec,
            Derived::default(),
            doc.candidates("life"),
        )
    });
    match settled.and_then(|settled| settled.shown) {
        Some(Value::Life(life)) => life,
        _ => Life::Alive,
    }
}

/// The fields by which something belongs under a record.
const UNDER: [&str; 7] = [
    "regards",
    "sales_project",
    "customer",
    "contact",
    "offer",
    "award",
    "inquiry",
];

/// Lists the records under this one that are in use, whatever made them.
pub(crate) fn alive_under(world: &dyn World, id: RecordId) -> Vec<RecordId> {
    let mut under: Vec<RecordId> = UNDER
        .iter()
        .flat_map(|field| world.referrers(id, field))
        .filter(|child| {
            world
                .doc(*child)
                .is_some_and(|doc| life(&doc) == Life::Alive)
        })
        .collect();
    under.sort_unstable();
    under.dedup();
    under
}

/// Tells whether a document stands: it is not undone, or it is pinned, or something under it was not seen by the undo.
pub(crate) fn stands(world: &dyn World, doc: &DocView) -> bool {
    match life(doc) {
        Life::Undone(seen) => {
            is_pinned(doc)
                || alive_under(world, doc.id)
                    .iter()
                    .any(|child| !seen.contains(child))
        }
        _ => true,
    }
}

fn is_pinned(doc: &DocView) -> bool {
    doc.entries("pinned")
        .any(|(_, candidates)| !candidates.is_empty())
}

/// Tells whether what undoing would remove stands: any record that the conversion or win made.
fn derived_stand(world: &dyn World, made: &[RecordId]) -> bool {
    made.iter().filter_map(|id| world.doc(*id)).any(|doc| {
        // What was never undone proves nothing: an existing customer outlives every conversion into it.
        let undone_here = doc.candidates("life").iter().any(|one| is_undone(one));
        undone_here && stands(world, &doc)
            || is_pinned(&doc)
            || !undone_here && matches!(life(&doc), Life::Alive) && derives_from_something(&doc)
    })
}

fn is_undone(candidate: &Candidate) -> bool {
    let spec = fields::COMMON.iter().find(|spec| spec.name == "life");
    matches!(
        spec.and_then(|spec| candidate.value(spec)),
        Some(Value::Life(Life::Undone(_)))
    )
}

fn derives_from_something(doc: &DocView) -> bool {
    // Ids that a rule derives are UUIDv5; those of an existing customer are not.
    doc.id.made_ms().is_none()
}

/// Builds the view of a record; `None` while its kind is unknown.
pub fn record(world: &dyn World, id: RecordId) -> Option<RecordView> {
    let doc = world.doc(id)?;
    let kind = doc.kind?;
    let merged = losers(world, id);
    let (registers, note) = with_losers(world, &doc, &merged);
    let derived = derived_of(&doc);
    let mut view = RecordView {
        id,
        kind,
        fields: BTreeMap::new(),
        note,
        standing: standing(world, &doc),
        stands_against_undo: false,
        contested: false,
        merged,
        created: doc.created,
        changed_ms: doc.changed_ms,
    };
    for (key, candidates) in registers {
        let Some(spec) = kind.field_of_key(&key) else {
            continue;
        };
        if matches!(spec.name, "aside" | "seen" | "record" | "merged_into") {
            continue;
        }
        let settled = settle(id, &key, spec, derived, &candidates);
        view.contested |= settled.contested;
        view.fields.insert(key, settled);
    }
    view.stands_against_undo =
        matches!(life(&doc), Life::Undone(_)) && view.standing == Standing::Alive;
    apply_neighbours(world, &mut view);
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
fn losers(world: &dyn World, id: RecordId) -> Vec<RecordId> {
    if survivor(world, id) != id {
        return Vec::new();
    }
    let mut found = BTreeSet::new();
    let mut open = vec![id];
    while let Some(next) = open.pop() {
        for loser in world.referrers(next, "merged_into") {
            if loser != id && survivor(world, loser) == id && found.insert(loser) {
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

type Registers = BTreeMap<String, Vec<Candidate>>;

/// Adds to a record's registers the values of its losers that the merging person had not seen.
fn with_losers(world: &dyn World, doc: &Arc<DocView>, losers: &[RecordId]) -> (Registers, String) {
    let mut registers = doc.registers.clone();
    let mut note = doc.note.clone();
    for loser in losers.iter().filter_map(|id| world.doc(*id)) {
        if !loser.note.trim().is_empty() && !note.contains(loser.note.trim()) {
            if !note.is_empty() {
                note.push_str("\n\n");
            }
            note.push_str(&loser.note);
        }
        let seen = merged_into(&loser)
            .map(|merged| merged.seen)
            .unwrap_or_default();
        for (key, candidates) in &loser.registers {
            let inherited = loser.kind.and_then(|kind| kind.field_of_key(key));
            if inherited.is_none_or(|spec| {
                fields::COMMON
                    .iter()
                    .any(|common| common.name == spec.name && common.name != "custom")
                    || spec.name == "number"
            }) {
                continue;
            }
            let unseen = candidates
                .iter()
                .filter(|one| seen.binary_search(&one.register.stamp()).is_err());
            let mut unseen: Vec<Candidate> = unseen.cloned().collect();
            if !unseen.is_empty() {
                let all = registers.entry(key.clone()).or_default();
                all.append(&mut unseen);
                all.sort_by_key(|one| one.op);
            }
        }
    }
    (registers, note)
}

/// Applies what the records beside this one mean for it.
fn apply_neighbours(world: &dyn World, view: &mut RecordView) {
    match view.kind {
        Kind::Inquiry => inquiry_beside_its_records(world, view),
        Kind::SalesProject => project_beside_its_order(world, view),
        Kind::Order => order_beside_its_project(world, view),
        Kind::Offer => {}
        _ => {}
    }
    // A reference to a merged record means the one that goes on.
    for settled in view.fields.values_mut() {
        if let Some(Value::Reference(id)) = &mut settled.shown {
            *id = survivor(world, *id);
        }
    }
}

fn inquiry_beside_its_records(world: &dyn World, view: &mut RecordView) {
    let Some(Value::Conversion(conversion)) = view.value("conversion").cloned() else {
        return;
    };
    if !conversion.undone {
        return show_status(view, "converted", 100);
    }
    let mut made = vec![
        RecordId::customer_of(view.id),
        RecordId::contact_of(view.id),
    ];
    made.extend(conversion.sales_project);
    if derived_stand(world, &made) || view.list("pinned").next().is_some() {
        view.stands_against_undo = true;
        show_status(view, "converted", 100);
    }
}

fn project_beside_its_order(world: &dyn World, view: &mut RecordView) {
    let took_back = view.fields.get("status").is_some_and(|status| {
        status
            .held
            .iter()
            .any(|one| matches!(&one.value, Some(Value::Status(status)) if status.takes_back))
    });
    let made = [RecordId::order_of(view.id), RecordId::project_of(view.id)];
    if took_back && status::course(view.status_word()) != Course::Won && derived_stand(world, &made)
    {
        view.stands_against_undo = true;
        show_status(view, "won", 100);
        if let Some(Settled {
            shown: Some(Value::Status(status)),
            ..
        }) = view.fields.get_mut("status")
        {
            status.chance = Some(100);
        }
    }
}

fn order_beside_its_project(world: &dyn World, view: &mut RecordView) {
    let contested = view
        .reference("sales_project")
        .and_then(|id| record(world, id))
        .is_some_and(|project| project.contested);
    if contested {
        show_status(view, "on-hold", 0);
    }
}

fn show_status(view: &mut RecordView, word: &str, rank: i64) {
    if view.status_word() != word {
        if let Some(settled) = view.fields.get_mut("status") {
            settled.shown = Some(Value::Status(Status::of(word, rank)));
        }
    }
}
