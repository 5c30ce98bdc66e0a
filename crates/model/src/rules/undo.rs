//! Undo: an inverse intent that reverts only what still is as the undone intent wrote it.

use std::collections::{BTreeMap, BTreeSet};

use crate::doc::{Candidate, OpId};
use crate::id::{IntentId, RecordId};
use crate::intent::Undo;
use crate::kind::Kind;
use crate::plan::{Deed, DeedWrite, NoteDeed, NoteEdit, Planner, Seen, settle_before};
use crate::record::{self, RecordView, Standing};
use crate::refusal::Refusal;
use crate::status::{Course, Status, course};
use crate::value::{Conversion, Life, Value};

/// How many records or operations a refusal names.
const MAX_NAMED: usize = 5;

/// What stands under a key, once what was reverted already is taken back: a batch may write a field twice.
type TakenBack = BTreeMap<(RecordId, String), Vec<OpId>>;

/// Undoes an operation or a batch.
pub(super) fn undo(planner: &mut Planner<'_, '_>, what: Undo) -> Result<(), Refusal> {
    let past = planner.ctx.past;
    let operations = match what {
        // An import or bulk edit is undone as one.
        Undo::Last => {
            let last = past.last_own().ok_or(Refusal::NothingToUndo)?;
            past.batch_of(last)
                .map_or_else(|| vec![last], |batch| past.batch(batch))
        }
        Undo::Operation(operation) => vec![operation],
        Undo::Batch(batch) => planner.ctx.past.batch(batch),
    };
    let deeds: Vec<Deed> = operations
        .iter()
        .flat_map(|operation| planner.ctx.past.deeds(*operation))
        .collect();
    if deeds.is_empty() {
        let id = match what {
            Undo::Operation(id) | Undo::Batch(id) => id.to_string(),
            Undo::Last => return Err(Refusal::NothingToUndo),
        };
        return Err(Refusal::NoSuchOperation { id });
    }
    check_author(planner, &deeds)?;
    check_undone(planner, &deeds)?;
    check_for_good(planner, &deeds)?;
    check_pinned(planner, &deeds)?;
    check_work(planner, &deeds)?;
    let mut changed = false;
    let mut taken_back = TakenBack::new();
    for deed in &deeds {
        changed |= revert(planner, deed, &deeds, &mut taken_back);
    }
    if !changed {
        // What was made and then put away or merged is to be taken back into use first.
        for deed in deeds.iter().filter(|deed| makes(deed, &deeds)) {
            planner.alive(deed.record)?;
        }
        return Err(Refusal::AllChanged);
    }
    planner.answer.undone = operations;
    let mut records: Vec<RecordId> = deeds.iter().map(|deed| deed.record).collect();
    records.dedup();
    planner.answer.records.extend(records);
    Ok(())
}

fn whose(planner: &Planner<'_, '_>, member: Option<RecordId>) -> String {
    let view = member.and_then(|id| planner.any(id).ok());
    view.map_or_else(|| "somebody".to_owned(), |view| view.title())
}

/// A member undoes what is his own, an admin anyone's.
fn check_author(planner: &Planner<'_, '_>, deeds: &[Deed]) -> Result<(), Refusal> {
    if planner.ctx.role.may_administer() {
        return Ok(());
    }
    let other = deeds
        .iter()
        .map(|deed| planner.world().member_of(deed.author))
        .find(|member| *member != Some(planner.ctx.member));
    match other {
        Some(member) => Err(Refusal::NotYours {
            whose: whose(planner, member),
            role: planner.ctx.role.to_string(),
        }),
        None => Ok(()),
    }
}

/// Refuses to undo once more what is as it was before.
fn check_undone(planner: &Planner<'_, '_>, deeds: &[Deed]) -> Result<(), Refusal> {
    let mut is_undone = None;
    for deed in deeds {
        match is_as_before(planner, deed, deeds) {
            Some(false) => return Ok(()),
            Some(true) => is_undone = is_undone.or(Some(deed.record)),
            None => {}
        }
    }
    match is_undone {
        Some(id) => Err(Refusal::UndoneAlready {
            title: planner.name_of(id),
            id: id.short(),
        }),
        None => Ok(()),
    }
}

/// Tells whether nothing that an operation did to a record is left; none where it did nothing that can be undone.
fn is_as_before(planner: &Planner<'_, '_>, deed: &Deed, all: &[Deed]) -> Option<bool> {
    let view = planner.any(deed.record).ok()?;
    if makes(deed, all) {
        let stays = is_event_of_others(planner, deed, all);
        return (!stays).then_some(view.standing == Standing::Undone);
    }
    let whole = record::whole(planner.world(), view.id);
    let settled = |key: &str, candidates: &[Candidate]| {
        let value = settle_before(view.id, view.kind, key, candidates);
        value.and_then(without_marks_of_undo)
    };
    let is_back = |write: &DeedWrite| {
        let now: Vec<Candidate> = whole
            .of_key(&write.key)
            .map(|(_, one)| one.clone())
            .collect();
        let now = settled(&write.key, &now);
        let wrote = settled(&write.key, std::slice::from_ref(&write.wrote));
        now == settled(&write.key, &write.before) && now != wrote
    };
    let writes = deed
        .writes
        .iter()
        .filter(|write| is_revertible(&view, write));
    let note = deed.note.iter().map(|note| *note == NoteDeed::Gone);
    writes
        .map(is_back)
        .chain(note)
        .reduce(|one, other| one && other)
}

/// Gives a value as it was before the undo marked it.
fn without_marks_of_undo(value: Value) -> Option<Value> {
    match value {
        Value::Conversion(conversion) if conversion.undone => None,
        Value::Status(status) => Some(Value::Status(Status {
            takes_back: false,
            ..status
        })),
        other => Some(other),
    }
}

/// What founding and inviting made stays, since the roster goes on naming it.
fn check_for_good(planner: &Planner<'_, '_>, deeds: &[Deed]) -> Result<(), Refusal> {
    for deed in deeds.iter().filter(|deed| deed.created) {
        let view = planner.any(deed.record)?;
        if view.kind.is_for_good() {
            return Err(Refusal::ForGood {
                title: view.named(),
                id: view.id.short(),
                what: "undone",
            });
        }
    }
    Ok(())
}

/// What went to a customer stays: an issued offer, a confirmed order.
fn check_pinned(planner: &Planner<'_, '_>, deeds: &[Deed]) -> Result<(), Refusal> {
    let mut pinned: Vec<RecordView> = Vec::new();
    for deed in deeds {
        let pins = |write: &DeedWrite| write.key.starts_with("pinned/");
        let view = planner.any(deed.record)?;
        let made_and_pinned = deed.created && view.list("pinned").next().is_some();
        if view.kind == Kind::IssuedOffer || made_and_pinned || deed.writes.iter().any(pins) {
            pinned.push(view);
        }
    }
    // Of all that was pinned the one is named that the customer has.
    let went = pinned.iter().min_by_key(|view| match view.kind {
        Kind::IssuedOffer => 0,
        Kind::Order => 1,
        _ => 2,
    });
    match went {
        Some(view) => Err(Refusal::Pinned {
            title: view.named(),
            way_out: way_from_customer(view),
        }),
        None => Ok(()),
    }
}

/// Says what may be done about what went to a customer.
fn way_from_customer(view: &RecordView) -> String {
    let id = view.id.short();
    match view.kind {
        Kind::IssuedOffer => format!(
            "note that it is off: handschlag reject {id}; or change the offer and send it again: handschlag send OFFER"
        ),
        _ => format!("put it away instead: handschlag archive {id}"),
    }
}

/// Refuses when there is work on or under what would go away, and names who did it or what it is.
fn check_work(planner: &Planner<'_, '_>, deeds: &[Deed]) -> Result<(), Refusal> {
    let made = || deeds.iter().filter(|deed| makes(deed, deeds));
    let gone: BTreeSet<RecordId> = made().map(|deed| deed.record).collect();
    for deed in made() {
        let own = planner.world().member_of(deed.author);
        let mut under = record::alive_under(planner.world(), deed.record);
        under.retain(|child| !gone.contains(child));
        let origin = |child: &RecordId| planner.world().doc(*child)?.created;
        let others = under.iter().filter_map(origin).map(|origin| origin.author);
        let others = deed.others.iter().copied().chain(others);
        let other = others
            .map(|author| planner.world().member_of(author))
            .find(|member| *member != own);
        if let Some(member) = other {
            return Err(Refusal::OthersWorked {
                who: whose(planner, member),
                title: planner.name_of(deed.record),
                id: deed.record.short(),
            });
        }
        if !under.is_empty() {
            return Err(work_under(planner, deed.record, &under));
        }
    }
    Ok(())
}

/// Names what hangs under a record, and the operations that put it there, the newest first.
fn work_under(planner: &Planner<'_, '_>, id: RecordId, under: &[RecordId]) -> Refusal {
    let docs = under.iter().filter_map(|child| planner.world().doc(*child));
    let mut origins: Vec<(i64, IntentId)> = docs
        .filter_map(|doc| doc.created)
        .filter_map(|origin| Some((origin.time_ms, origin.operation?)))
        .collect();
    origins.sort_unstable();
    origins.dedup();
    let operations = origins.iter().rev().map(|(_, operation)| operation);
    let mut names: Vec<String> = under
        .iter()
        .take(MAX_NAMED)
        .map(|child| planner.name_of(*child))
        .collect();
    if under.len() > MAX_NAMED {
        names.push(format!("and {} more", under.len() - MAX_NAMED));
    }
    Refusal::WorkUnder {
        title: planner.name_of(id),
        under: names.join(", "),
        operations: operations
            .take(MAX_NAMED)
            .map(ToString::to_string)
            .collect(),
    }
}

/// Tells whether an operation made a record: it created it, or converted or won once more after that was undone.
fn makes(deed: &Deed, all: &[Deed]) -> bool {
    deed.created || wrote_over_undone(deed) && all.iter().any(|source| derives(source, deed.record))
}

fn wrote_over_undone(deed: &Deed) -> bool {
    let life = deed.writes.iter().find(|write| write.key == "life");
    life.is_some_and(|write| {
        !record::is_undone(&write.wrote) && write.before.iter().any(record::is_undone)
    })
}

/// Tells whether a deed is the conversion or the win that a record comes from.
fn derives(source: &Deed, made: RecordId) -> bool {
    let wrote = |key: &str| source.writes.iter().any(|write| write.key == key);
    let from = source.record;
    let converted = [
        RecordId::customer_of(from),
        RecordId::contact_of(from),
        RecordId::sales_project_of(from),
    ];
    let won = [RecordId::order_of(from), RecordId::project_of(from)];
    wrote("conversion") && converted.contains(&made) || wrote("status") && won.contains(&made)
}

/// Reverts one deed; tells whether anything was left to revert.
fn revert(
    planner: &mut Planner<'_, '_>,
    deed: &Deed,
    all: &[Deed],
    taken_back: &mut TakenBack,
) -> bool {
    let Ok(view) = planner.any(deed.record) else {
        return false;
    };
    if makes(deed, all) {
        return remove(planner, deed, &view, all);
    }
    let mut changed = false;
    planner.edit(deed.record, view.kind, false);
    for write in &deed.writes {
        if is_revertible(&view, write) {
            changed |= revert_write(planner, &view, write, taken_back);
        }
    }
    match &deed.note {
        Some(NoteDeed::Revert(text)) => {
            planner.note(deed.record, NoteEdit::Become(text.clone()));
            changed = true;
        }
        Some(NoteDeed::Touched) => kept(planner, &view, "note"),
        Some(NoteDeed::Gone) | None => {}
    }
    changed
}

fn is_revertible(view: &RecordView, write: &DeedWrite) -> bool {
    match write.key.as_str() {
        "record" => false,
        "life" => wrote_standing(view, write),
        _ => true,
    }
}

/// Tells whether an operation changed how a record stands; each edit writes `life`, which is nothing to revert.
fn wrote_standing(view: &RecordView, write: &DeedWrite) -> bool {
    let before = settle_before(view.id, view.kind, "life", &write.before)
        .unwrap_or(Value::Life(Life::Alive));
    let wrote = settle_before(
        view.id,
        view.kind,
        "life",
        std::slice::from_ref(&write.wrote),
    );
    wrote.is_some_and(|wrote| wrote != before)
}

/// Takes a record away that the operation created; what hangs under it is remembered, so that unseen work counts.
fn remove(planner: &mut Planner<'_, '_>, deed: &Deed, view: &RecordView, all: &[Deed]) -> bool {
    if !view.is_alive() || is_event_of_others(planner, deed, all) {
        return false;
    }
    let mut under = record::alive_under(planner.world(), deed.record);
    under.retain(|child| {
        !all.iter()
            .any(|other| makes(other, all) && other.record == *child)
    });
    planner.edit(deed.record, view.kind, false);
    planner.put(
        deed.record,
        "life",
        Value::Life(Life::Undone(under)),
        Seen::All,
    );
    true
}

/// Tells whether a record is an event that other contacts came from too: only its first capture made it.
fn is_event_of_others(planner: &Planner<'_, '_>, deed: &Deed, all: &[Deed]) -> bool {
    let world = planner.world();
    let is_gone = |id: &RecordId| all.iter().any(|one| one.record == *id && makes(one, all));
    let is_in_use = |id: &RecordId| planner.any(*id).is_ok_and(|view| view.is_alive());
    let is_event = world
        .doc(deed.record)
        .is_some_and(|doc| doc.kind == Some(Kind::Event));
    is_event
        && ["event", "link"].iter().any(|field| {
            let named = world.referrers(deed.record, field);
            named.iter().any(|id| !is_gone(id) && is_in_use(id))
        })
}

fn kept(planner: &mut Planner<'_, '_>, view: &RecordView, key: &str) {
    let field = key.split('/').next().unwrap_or(key).replace('_', " ");
    planner.answer.notices.push(format!(
        "{}: {field} was changed since and stays",
        view.title()
    ));
}

/// Tells whether a value is still the one that was written, or the same one by the same person: undoing what he wrote
/// over it has brought it back.
fn is_still(planner: &Planner<'_, '_>, stands: &Candidate, wrote: &Candidate) -> bool {
    let member = |one: &Candidate| planner.world().member_of(one.op.author());
    stands.op == wrote.op
        || stands.register.value() == wrote.register.value()
            && member(stands).is_some()
            && member(stands) == member(wrote)
}

fn revert_write(
    planner: &mut Planner<'_, '_>,
    view: &RecordView,
    write: &DeedWrite,
    taken_back: &mut TakenBack,
) -> bool {
    let at = (view.id, write.key.clone());
    let is_as_written = match taken_back.get(&at) {
        Some(ops) => *ops == [write.wrote.op],
        // What was added to a merged record elsewhere stands beside it too.
        None => {
            let whole = record::whole(planner.world(), view.id);
            let mut stands = whole.of_key(&write.key).map(|(_, one)| one);
            let only = stands.next().filter(|_| stands.next().is_none());
            only.is_some_and(|one| is_still(planner, one, &write.wrote))
        }
    };
    if !is_as_written {
        kept(planner, view, &write.key);
        return false;
    }
    taken_back.insert(at, write.before.iter().map(|one| one.op).collect());
    let before = settle_before(view.id, view.kind, &write.key, &write.before);
    let value = match (
        write.key.as_str(),
        settle_before(
            view.id,
            view.kind,
            &write.key,
            std::slice::from_ref(&write.wrote),
        ),
    ) {
        ("conversion", Some(Value::Conversion(wrote))) if before.is_none() => {
            Some(Value::Conversion(Conversion {
                undone: true,
                ..wrote
            }))
        }
        ("status", Some(Value::Status(wrote))) => before.map(|before| match before {
            Value::Status(mut status) => {
                status.takes_back = wrote.word == "converted" || course(&wrote.word) == Course::Won;
                Value::Status(status)
            }
            other => other,
        }),
        _ => before,
    };
    planner.put(view.id, &write.key, value, Seen::All);
    // What was in conflict before the operation is in reach again.
    if write.before.len() > 1 {
        restore_asides(planner, view, write);
    }
    true
}

fn restore_asides(planner: &mut Planner<'_, '_>, view: &RecordView, write: &DeedWrite) {
    let stamp = planner.stamp();
    for candidate in &write.before {
        let aside = crate::value::Aside {
            key: write.key.clone(),
            register: candidate.register.as_bytes().to_vec(),
            time_ms: candidate.time_ms,
        };
        let register = crate::register::Register::new(stamp, Some(Value::Aside(aside).to_map()));
        planner.put_raw(view.id, format!("aside/{}", candidate.op), register);
    }
}
