//! Record views: what a record says, with what was merged into it and what the records beside it mean for it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::doc::{Candidate, DocView, Origin};
use crate::fields;
use crate::fold::{fold_email, fold_phone};
use crate::id::{RecordId, Stamp};
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
    let mut asked = BTreeSet::from([id]);
    let mut under = under(world, id);
    under.retain(|child| is_in_use(world, *child, &mut asked));
    under
}

fn under(world: &dyn World, id: RecordId) -> Vec<RecordId> {
    let mut under: Vec<RecordId> = UNDER
        .iter()
        .flat_map(|field| world.referrers(id, field))
        .collect();
    under.sort_unstable();
    under.dedup();
    under
}

fn is_in_use(world: &dyn World, id: RecordId, asked: &mut BTreeSet<RecordId>) -> bool {
    world.doc(id).is_some_and(|doc| match life(&doc) {
        Life::Alive => true,
        Life::Archived => false,
        Life::Undone(_) => stands_in(world, &doc, asked),
    })
}

/// Tells whether a document stands: it is not undone, or it is pinned, or something that the undo had not seen is
/// under it or under what was made together with it.
///
/// A conversion or a win stands as a whole: half of one would be worse than either.
pub(crate) fn stands(world: &dyn World, doc: &DocView) -> bool {
    stands_in(world, doc, &mut BTreeSet::new())
}

/// Follows the reasons to stand; `asked` are the records on the way, so that no circle is walked for ever.
fn stands_in(world: &dyn World, doc: &DocView, asked: &mut BTreeSet<RecordId>) -> bool {
    let Life::Undone(seen) = life(doc) else {
        return true;
    };
    if !asked.insert(doc.id) {
        return false;
    }
    is_pinned(doc)
        || under(world, doc.id)
            .iter()
            .any(|child| !seen.contains(child) && is_in_use(world, *child, asked))
        || made_from(world, doc).is_some_and(|source| {
            is_named(&source, doc.id)
                || derived_stand(world, &made_together(&source, doc.id), asked)
        })
}

fn is_pinned(doc: &DocView) -> bool {
    doc.entries("pinned")
        .any(|(_, candidates)| !candidates.is_empty())
}

/// Gives the inquiry or sales project whose conversion or win makes this record.
fn made_from(world: &dyn World, doc: &DocView) -> Option<Arc<DocView>> {
    let source = ["inquiry", "sales_project"].iter().find_map(|key| {
        let spec = doc.kind?.field_of_key(key)?;
        let mut values = doc.candidates(key).iter();
        values.find_map(|one| match one.value(spec)? {
            Value::Reference(id) if made_by(id).contains(&doc.id) => Some(id),
            _ => None,
        })
    });
    world.doc(source?)
}

/// Tells whether a record was made by a conversion or win that nobody has taken back, or not everybody.
///
/// One of two presses that made a record may be undone after they met; the other one keeps all that it names.
fn is_named(source: &DocView, id: RecordId) -> bool {
    if source.kind == Some(Kind::Inquiry) {
        return match conversion_of(source).shown {
            Some(Value::Conversion(one)) => {
                let named = [Some(one.customer), Some(one.contact), one.sales_project];
                !one.undone && named.contains(&Some(id))
            }
            _ => false,
        };
    }
    let spec = source.kind.and_then(|kind| kind.field_of_key("status"));
    let status = spec.and_then(|spec| {
        let candidates = source.candidates("status");
        settle(source.id, "status", spec, Derived::default(), candidates).shown
    });
    matches!(status, Some(Value::Status(status)) if status::course(&status.word) == Course::Won)
}

/// Lists what the undone conversion or win made beside this record.
fn made_together(source: &DocView, id: RecordId) -> Vec<RecordId> {
    // Converted by another press too: what that one made stands by itself, and for itself.
    let stands_anyway = source.kind == Some(Kind::Inquiry)
        && !matches!(conversion_of(source).shown, Some(Value::Conversion(one)) if one.undone);
    if stands_anyway {
        return Vec::new();
    }
    let mut made = made_by(source.id).to_vec();
    made.retain(|other| *other != id);
    made
}

/// Names what converting an inquiry or winning a sales project makes.
fn made_by(source: RecordId) -> [RecordId; 5] {
    [
        RecordId::customer_of(source),
        RecordId::contact_of(source),
        RecordId::sales_project_of(source),
        RecordId::order_of(source),
        RecordId::project_of(source),
    ]
}

/// Tells whether what undoing would remove stands: any record that the conversion or win made.
fn derived_stand(world: &dyn World, made: &[RecordId], asked: &mut BTreeSet<RecordId>) -> bool {
    made.iter().filter_map(|id| world.doc(*id)).any(|doc| {
        // What was never undone proves nothing: an existing customer outlives every conversion into it.
        let undone_here = doc.candidates("life").iter().any(is_undone);
        undone_here && stands_in(world, &doc, asked)
            || is_pinned(&doc)
            || !undone_here && matches!(life(&doc), Life::Alive) && derives_from_something(&doc)
    })
}

pub(crate) fn is_undone(candidate: &Candidate) -> bool {
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
    let whole = Whole::of(world, doc.clone(), &merged);
    let registers = whole.registers();
    let derived = derived_of(&doc);
    let mut view = RecordView {
        id,
        kind,
        fields: BTreeMap::new(),
        note: whole.note,
        standing: standing(world, &doc),
        stands_against_undo: false,
        conversion_stands: false,
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

/// A record's document with the values of what was merged into it that the merging person had not seen.
#[derive(Debug)]
pub(crate) struct Whole {
    /// The record's own document.
    pub(crate) doc: Arc<DocView>,
    inherited: BTreeMap<String, Vec<(RecordId, Candidate)>>,
    note: String,
}

/// Gives the document of a record with what it inherits; an empty one where there is none.
pub(crate) fn whole(world: &dyn World, id: RecordId) -> Whole {
    let doc = world
        .doc(id)
        .unwrap_or_else(|| Arc::new(DocView::empty(id)));
    let losers = losers(world, id);
    Whole::of(world, doc, &losers)
}

impl Whole {
    fn of(world: &dyn World, doc: Arc<DocView>, losers: &[RecordId]) -> Self {
        let mut whole = Self {
            note: doc.note.clone(),
            inherited: BTreeMap::new(),
            doc,
        };
        for loser in losers.iter().filter_map(|id| world.doc(*id)) {
            whole.inherit(&loser);
        }
        whole
    }

    fn inherit(&mut self, loser: &DocView) {
        let text = loser.note.trim();
        if !text.is_empty() && !self.note.contains(text) {
            if !self.note.is_empty() {
                self.note.push_str("\n\n");
            }
            self.note.push_str(&loser.note);
        }
        let seen = merged_into(loser)
            .map(|merged| merged.seen)
            .unwrap_or_default();
        for (key, candidates) in &loser.registers {
            if !loser.kind.is_some_and(|kind| is_inherited(kind, key))
                || key == "conversion" && is_converted(&self.doc)
            {
                continue;
            }
            for one in candidates {
                let is_seen = |stamp: &Stamp| seen.binary_search(stamp).is_ok();
                if is_seen(&one.register.stamp()) || is_seen(&mark(loser.id, key, one)) {
                    continue;
                }
                let inherited = self.inherited.entry(key.clone()).or_default();
                inherited.push((loser.id, one.clone()));
            }
        }
    }

    /// Gives the values under a key with the record that each stands in.
    pub(crate) fn of_key(&self, key: &str) -> impl Iterator<Item = (RecordId, &Candidate)> {
        let own = self.doc.candidates(key).iter();
        let inherited = self.inherited.get(key).into_iter().flatten();
        own.map(|one| (self.doc.id, one))
            .chain(inherited.map(|(record, one)| (*record, one)))
    }

    /// Collects how the merged records name the values under a key, for marking them as seen.
    pub(crate) fn absorb(&self, key: &str, absorbed: &mut BTreeMap<RecordId, Vec<Stamp>>) {
        for (record, one) in self.inherited.get(key).into_iter().flatten() {
            let marks = absorbed.entry(*record).or_default();
            marks.push(mark(*record, key, one));
        }
    }

    fn registers(&self) -> BTreeMap<String, Vec<Candidate>> {
        let mut registers = self.doc.registers.clone();
        for (key, inherited) in &self.inherited {
            let all = registers.entry(key.clone()).or_default();
            all.extend(inherited.iter().map(|(_, one)| one.clone()));
            all.sort_by_key(|one| one.op);
        }
        registers
    }
}

/// Names one value in a list of what was seen: a press may have written others beside it that nobody has seen.
fn mark(record: RecordId, key: &str, one: &Candidate) -> Stamp {
    Stamp::from_bytes(*one.value_id(record, key).as_bytes())
}

/// Tells whether a survivor shows the values of a field of what was merged into it.
fn is_inherited(kind: Kind, key: &str) -> bool {
    kind.field_of_key(key).is_some_and(|spec| {
        let is_common = fields::COMMON.iter().any(|common| common.name == spec.name);
        spec.name != "number" && (!is_common || spec.name == "custom")
    })
}

/// Tells whether an inquiry says by itself what it became; then that counts, and what the other became is proposed
/// for merging.
fn is_converted(doc: &DocView) -> bool {
    matches!(conversion_of(doc).shown, Some(Value::Conversion(one)) if !one.undone)
}

/// Settles what an inquiry's own document says it became.
pub(crate) fn conversion_of(doc: &DocView) -> Settled {
    let spec = Kind::Inquiry
        .field_of_key("conversion")
        .expect("inquiries have the field conversion");
    settle(
        doc.id,
        "conversion",
        spec,
        Derived::from_inquiry(doc.id),
        doc.candidates("conversion"),
    )
}

/// Applies what the records beside this one mean for it.
fn apply_neighbours(world: &dyn World, view: &mut RecordView, derived: Derived) {
    match view.kind {
        Kind::Inquiry => inquiry_beside_its_records(world, view),
        Kind::SalesProject => {
            project_beside_its_order(world, view);
            contact_beside_customer(world, view, derived);
        }
        Kind::Order => order_beside_its_project(world, view),
        Kind::Offer | Kind::IssuedOffer => {
            let status = crate::offer::status_of(world, view).map(Value::Status);
            view.fields
                .insert("status".to_owned(), Settled::derived(status));
        }
        _ => {}
    }
    for settled in view.fields.values_mut() {
        references_beside_merges(world, settled);
    }
    if matches!(view.kind, Kind::SalesProject | Kind::ContactPerson) {
        derived_beside_conversion(world, view);
    }
}

/// A reference to a merged record means the one that goes on; several that mean the same are no conflict.
fn references_beside_merges(world: &dyn World, settled: &mut Settled) {
    let Some(Value::Reference(id)) = &mut settled.shown else {
        return;
    };
    *id = survivor(world, *id);
    let goes_on = *id;
    settled.in_conflict &= !settled.held.iter().all(
        |one| matches!(&one.value, Some(Value::Reference(id)) if survivor(world, *id) == goes_on),
    );
}

/// Of several contact persons the one counts who is at the customer that is shown.
fn contact_beside_customer(world: &dyn World, view: &mut RecordView, derived: Derived) {
    let Some(customer) = view.reference("customer").map(|id| survivor(world, id)) else {
        return;
    };
    let Some(settled) = view.fields.get_mut("contact") else {
        return;
    };
    if settled.held.len() < 2 {
        return;
    }
    let best = settled
        .held
        .iter()
        .filter_map(|one| match &one.value {
            Some(Value::Reference(id)) => Some(*id),
            _ => None,
        })
        .min_by_key(|id| {
            let employer = employer(world, survivor(world, *id));
            (employer != Some(customer), derived.contains(*id), *id)
        });
    if let Some(best) = best {
        settled.shown = Some(Value::Reference(best));
        if let Some(at) = settled
            .held
            .iter()
            .position(|one| one.value == settled.shown)
        {
            settled.held[..=at].rotate_right(1);
        }
    }
}

/// Gives the customer of a contact person.
fn employer(world: &dyn World, contact: RecordId) -> Option<RecordId> {
    let doc = world.doc(contact)?;
    let spec = doc.kind?.field_of_key("customer")?;
    let candidates = doc.candidates("customer");
    match settle(contact, "customer", spec, derived_of(&doc), candidates).shown? {
        Value::Reference(id) => Some(survivor(world, id)),
        _ => None,
    }
}

/// What an inquiry was converted into apart is listed once, at the inquiry, and not at each record that was made.
fn derived_beside_conversion(world: &dyn World, view: &mut RecordView) {
    let inquiry = view.reference("inquiry").and_then(|id| world.doc(id));
    let Some(conversion) = inquiry.map(|doc| conversion_of(&doc)) else {
        return;
    };
    if !conversion.in_conflict {
        return;
    }
    let named: Vec<RecordId> = conversion
        .held
        .iter()
        .filter_map(|one| match &one.value {
            Some(Value::Conversion(one)) => Some([one.customer, one.contact]),
            _ => None,
        })
        .flatten()
        .collect();
    for key in ["customer", "contact"] {
        if let Some(settled) = view.fields.get_mut(key) {
            settled.in_conflict &= !settled
                .held
                .iter()
                .all(|one| matches!(&one.value, Some(Value::Reference(id)) if named.contains(id)));
        }
    }
}

fn inquiry_beside_its_records(world: &dyn World, view: &mut RecordView) {
    let Some(settled) = view.fields.get("conversion") else {
        return;
    };
    let Some(Value::Conversion(conversion)) = settled.shown.clone() else {
        return;
    };
    if !conversion.undone {
        // Somebody took it back, and somebody else converted it too.
        view.stands_against_undo |= settled
            .held
            .iter()
            .any(|one| matches!(&one.value, Some(Value::Conversion(one)) if one.undone));
        return show_status(view, "converted", 100);
    }
    let mut made = vec![
        RecordId::customer_of(view.id),
        RecordId::contact_of(view.id),
    ];
    made.extend(conversion.sales_project);
    if derived_stand(world, &made, &mut BTreeSet::new()) || view.list("pinned").next().is_some() {
        view.stands_against_undo = true;
        view.conversion_stands = true;
        show_status(view, "converted", 100);
    } else if view.status_word() == "converted" {
        // The status was moved elsewhere too, so that undoing left it alone.
        let before = view.fields.get("status").and_then(|status| {
            let held = status.held.iter().filter_map(|one| match &one.value {
                Some(Value::Status(status)) if status.word != "converted" => Some(status.clone()),
                _ => None,
            });
            held.max_by_key(|status| (status.rank, status.clone()))
        });
        let before = before.unwrap_or_else(|| Status::of("new", 10));
        show_status(view, &before.word, before.rank);
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
    if took_back
        && status::course(view.status_word()) != Course::Won
        && derived_stand(world, &made, &mut BTreeSet::new())
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

/// An order of a sales project that is contested, or was decided as lost, is none to work on.
fn order_beside_its_project(world: &dyn World, view: &mut RecordView) {
    let rests = view
        .reference("sales_project")
        .and_then(|id| record(world, id))
        .is_some_and(|project| project.contested || project.status_word() == "lost");
    if rests {
        show_status(view, "on-hold", 0);
    }
}

fn show_status(view: &mut RecordView, word: &str, rank: i64) {
    if view.status_word() != word
        && let Some(settled) = view.fields.get_mut("status")
    {
        settled.shown = Some(Value::Status(Status::of(word, rank)));
    }
}
