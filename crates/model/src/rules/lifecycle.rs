//! Archiving, merging records, and the Merged list.

use crate::doc::{DocView, OpId};
use crate::id::{EntryId, RecordId, ValueId};
use crate::kind::{Kind, Writer};
use crate::merged::{Entry, Rule};
use crate::plan::{Planner, Seen, aside_key};
use crate::record::{self, RecordView, Standing};
use crate::refusal::Refusal;
use crate::settle::Settled;
use crate::status::Status;
use crate::value::{Aside, Conversion, Life, MergedInto, Value};

/// Puts a record away.
pub(super) fn archive(planner: &mut Planner<'_, '_>, id: RecordId) -> Result<(), Refusal> {
    let view = planner.alive(id)?;
    if view.kind.is_for_good() {
        return Err(Refusal::ForGood {
            title: view.named(),
            id: id.short(),
            what: "put away",
        });
    }
    planner.edit(id, view.kind, false);
    planner.put(id, "life", Value::Life(Life::Archived), Seen::All);
    planner.answer.records.push(id);
    Ok(())
}

/// Takes a record back into use.
pub(super) fn restore(planner: &mut Planner<'_, '_>, id: RecordId) -> Result<(), Refusal> {
    let view = planner.any(id)?;
    match view.standing {
        Standing::Archived => {}
        Standing::Alive => {
            return Err(Refusal::NotOpen {
                title: view.named(),
                state: "in use already".to_owned(),
                way_out: None,
            });
        }
        _ => return planner.alive(id).map(drop),
    }
    planner.edit(id, view.kind, false);
    planner.put(id, "life", Value::Life(Life::Alive), Seen::All);
    planner.answer.records.push(id);
    Ok(())
}

/// Merges one record into another: what the survivor lacks is copied, what differs is set aside there.
pub(super) fn merge(
    planner: &mut Planner<'_, '_>,
    survivor: RecordId,
    loser: RecordId,
) -> Result<(), Refusal> {
    if survivor == loser {
        return Err(Refusal::SameRecord);
    }
    let (into, from) = (planner.alive(survivor)?, planner.alive(loser)?);
    let fixed = |kind| {
        matches!(
            kind,
            Kind::Settings | Kind::Member | Kind::IssuedOffer | Kind::Order | Kind::Activity
        )
    };
    if into.kind != from.kind || fixed(into.kind) {
        let (one, other) = (from.kind.title().to_owned(), into.kind.title().to_owned());
        let way_out = into.kind.field("link").map(|_| {
            let (into, from) = (survivor.short(), loser.short());
            format!("link them instead: handschlag set {into} link+={from}")
        });
        return Err(Refusal::MergeKinds {
            one,
            other,
            way_out,
        });
    }
    let doc = record::whole(planner.world(), loser).doc;
    planner.edit(survivor, into.kind, true);
    for (key, settled) in &from.fields {
        if is_copied(into.kind, key) {
            copy_or_set_aside(planner, &into, &doc, key, settled);
        }
    }
    take_over_conversion(planner, &into, &from);
    planner.edit(loser, from.kind, false);
    let seen = doc.stamps();
    planner.put(
        loser,
        "merged_into",
        Value::MergedInto(MergedInto { survivor, seen }),
        Seen::All,
    );
    planner.answer.records.extend([survivor, loser]);
    Ok(())
}

/// Tells whether merging carries a field over: what people wrote and attached, and what was sent, answered and came of it.
fn is_copied(kind: Kind, key: &str) -> bool {
    kind.field_of_key(key).is_some_and(|spec| {
        let by_person = spec.writer == Writer::Person && spec.name != "status";
        let by_rule = match kind {
            Kind::Offer => matches!(spec.name, "issued" | "verdict"),
            Kind::SalesProject => matches!(spec.name, "status" | "inquiry"),
            _ => spec.name == "inquiry",
        };
        by_person || by_rule || spec.name == "file"
    })
}

/// Copies what the survivor lacks; all else that the loser held is listed at the survivor.
fn copy_or_set_aside(
    planner: &mut Planner<'_, '_>,
    into: &RecordView,
    loser: &DocView,
    key: &str,
    settled: &Settled,
) {
    let copies = into.value(key).is_none();
    if let Some(value) = settled.shown.clone().filter(|_| copies) {
        planner.set(into.id, key, value);
    }
    for held in &settled.held {
        let is_kept = match into.value(key) {
            None => held.value == settled.shown,
            own => held.value.as_ref() == own,
        };
        if !is_kept && held.value.is_some() {
            set_aside(planner, into.id, loser, key, &held.ops);
        }
    }
}

/// An open inquiry into which a converted one is merged is converted: else it would be converted a second time.
fn take_over_conversion(planner: &mut Planner<'_, '_>, into: &RecordView, from: &RecordView) {
    let (None, Some(conversion)) = (into.conversion(), from.conversion()) else {
        return;
    };
    let conversion = Conversion {
        undone: false,
        ..conversion.clone()
    };
    planner.put(
        into.id,
        "conversion",
        Value::Conversion(conversion),
        Seen::All,
    );
    planner.set(
        into.id,
        "status",
        Value::Status(Status::of("converted", 100)),
    );
}

/// Lists a value of the loser at the survivor, where a person may choose it.
///
/// What the loser has inherited itself is not among it: the survivor inherits that too.
fn set_aside(
    planner: &mut Planner<'_, '_>,
    survivor: RecordId,
    loser: &DocView,
    key: &str,
    ops: &[OpId],
) {
    let mut candidates = loser.candidates(key).iter().rev();
    let Some(candidate) = candidates.find(|one| ops.contains(&one.op)) else {
        return;
    };
    let register = candidate.register.as_bytes().to_vec();
    let aside = Aside {
        key: key.to_owned(),
        register,
        time_ms: candidate.time_ms,
    };
    planner.put(
        survivor,
        &aside_key(candidate.op, Some(loser.id)),
        Value::Aside(aside),
        Seen::All,
    );
}

/// Finds an entry of the Merged list.
fn find(planner: &Planner<'_, '_>, id: EntryId) -> Result<Entry, Refusal> {
    planner
        .entry(id)
        .ok_or_else(|| Refusal::NoSuchMergedEntry { id: id.to_string() })
}

/// Chooses a value of an entry: it is written, the entry is settled.
pub(super) fn choose(
    planner: &mut Planner<'_, '_>,
    entry: EntryId,
    value: ValueId,
) -> Result<(), Refusal> {
    let entry = find(planner, entry)?;
    let choice = entry.choices.iter().find(|choice| choice.id == value);
    let Some(choice) = choice.cloned() else {
        return Err(Refusal::NoSuchChoice {
            entry: entry.id.to_string(),
            value: value.to_string(),
        });
    };
    let view = planner.any(entry.record)?;
    if view.kind == Kind::Settings {
        planner.check_administers()?;
    }
    let key = entry.field.clone().unwrap_or_default();
    planner.edit(entry.record, view.kind, key != "life");
    planner.put(entry.record, &key, choice.value.clone(), Seen::All);
    match (entry.rule, &choice.value) {
        (Rule::ConvertedApart, Some(Value::Conversion(conversion))) => {
            gather(planner, entry.record, conversion);
        }
        (Rule::Aside, _) => mark_seen(planner, &entry),
        _ => {}
    }
    planner.answer.records.push(entry.record);
    Ok(())
}

/// Puts contact person and sales project of an inquiry under the customer that was chosen.
fn gather(planner: &mut Planner<'_, '_>, inquiry: RecordId, chosen: &Conversion) {
    let sales_project = RecordId::sales_project_of(inquiry);
    if planner.alive(sales_project).is_ok() {
        planner.edit(sales_project, Kind::SalesProject, true);
        planner.put(
            sales_project,
            "customer",
            Value::Reference(chosen.customer),
            Seen::All,
        );
        planner.put(
            sales_project,
            "contact",
            Value::Reference(chosen.contact),
            Seen::All,
        );
        // Partner here, sales project there: both happened, so the sales project goes on.
        let whole = Conversion {
            sales_project: Some(sales_project),
            ..chosen.clone()
        };
        planner.put(inquiry, "conversion", Value::Conversion(whole), Seen::All);
    }
    let contact = RecordId::contact_of(inquiry);
    if contact == chosen.contact && planner.any(contact).is_ok() {
        planner.edit(contact, Kind::ContactPerson, true);
        planner.put(
            contact,
            "customer",
            Value::Reference(chosen.customer),
            Seen::All,
        );
    }
}

fn mark_seen(planner: &mut Planner<'_, '_>, entry: &Entry) {
    let home = entry.home();
    let Some(kind) = record::record(planner.world(), home).map(|view| view.kind) else {
        return;
    };
    planner.edit(home, kind, false);
    planner.put(home, &entry.seen_key(), Value::Flag(true), Seen::All);
}

/// Marks an entry of the Merged list as seen.
pub(super) fn acknowledge(planner: &mut Planner<'_, '_>, entry: EntryId) -> Result<(), Refusal> {
    let entry = find(planner, entry)?;
    if entry.acknowledged {
        return Err(Refusal::NotOpen {
            title: format!("entry {}", &entry.id.to_string()[..8]),
            state: "marked as seen already".to_owned(),
            way_out: None,
        });
    }
    mark_seen(planner, &entry);
    planner.answer.records.push(entry.record);
    Ok(())
}
