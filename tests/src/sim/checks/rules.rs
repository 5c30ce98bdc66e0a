//! A value that a write superseded had been seen by its author, or was set aside in the same change.

use model::intent::{Assignment, Change};
use model::kind::{Settle, Writer};
use model::plan::DeedWrite;
use model::settle::{Derived, settle};
use model::{Intent, Kind, RecordId, Value};
use replica::Past;

use crate::sim::count::CHECKS;
use crate::sim::world::World;

impl World {
    /// Checks each write of each document against what its author had seen.
    pub(crate) fn check_rules(&mut self) {
        let device = self.readers()[0];
        let core = self.devices[device].core.as_ref().expect("a reader runs");
        let replica = core.replica().expect("a reader has one");
        let read = core.store().read().expect("the disk is sound");
        let mut count = 0;
        for (kind, id) in replica.views().all() {
            let document = replica.document(&read, id).expect("the disk is sound");
            let views = replica.views();
            let has_merged = views.referrers(id, "merged_into").next().is_some();
            for change in document.past() {
                let known = change
                    .operation
                    .and_then(|id| self.ledger.operations.get(&id));
                let intent = known.and_then(|one| one.intent.as_ref());
                for write in &change.writes {
                    superseded_is_seen_or_aside((id, kind, has_merged), &change, write, intent);
                    count += 1;
                }
            }
        }
        self.counts
            .add(CHECKS, "writes compared with what their author saw", count);
    }
}

fn superseded_is_seen_or_aside(
    (id, kind, has_merged): (RecordId, Kind, bool),
    change: &Past,
    write: &DeedWrite,
    intent: Option<&Intent>,
) {
    // Choosing and undoing weigh all values; what is done and what a conversion made is weighed by its rule.
    let weighed = matches!(
        intent,
        None | Some(Intent::Choose { .. } | Intent::Undo { .. })
    );
    let Some(spec) = kind.field_of_key(&write.key) else {
        return;
    };
    let by_rule = matches!(spec.name, "conversion" | "done" | "done_all" | "life");
    if weighed || by_rule || spec.writer == Writer::Inner || spec.settle == Settle::Life {
        return;
    }
    let settled = settle(id, &write.key, spec, Derived::default(), &write.before);
    // A press that moves a status answers all that is shown of it.
    let moves = spec.writer == Writer::Rule && matches!(settled.shown, Some(Value::Status(_)));
    let several = settled.held.len() > 1 && !moves;
    let wrote = write.wrote.value(spec);
    let seen = assignment(intent, id, &write.key).and_then(|one| one.seen.as_ref());
    for held in settled.held.iter().filter(|one| one.value != wrote) {
        let is_seen = match seen {
            Some(ids) => held.presses().iter().any(|press| ids.contains(press)),
            None => !moves || held.value == settled.shown,
        };
        let is_passed = match (&held.value, &wrote) {
            (Some(Value::Status(one)), Some(Value::Status(next))) => {
                moves && one.is_passed_by(next)
            }
            _ => false,
        };
        let is_aside = held.ops.iter().any(|op| {
            let key = format!("aside/{op}");
            change.writes.iter().any(|one| one.key == key)
        });
        let must_be = several || !is_seen && !is_passed;
        // What was merged into the record stands in other documents, so it is not counted here.
        let may_be = must_be || has_merged;
        assert!(
            is_aside && may_be || !is_aside && !must_be,
            "{intent:?} wrote {} of {kind} {id} over {:?}, set aside: {is_aside}",
            write.key,
            held.value
        );
    }
}

fn assignment<'a>(intent: Option<&'a Intent>, id: RecordId, key: &str) -> Option<&'a Assignment> {
    match intent? {
        Intent::Edit { record, fields } if *record == id => {
            let removes = |one: &Assignment| {
                one.change == Change::Remove && key.split('/').next() == Some(&one.field)
            };
            fields.iter().find(|one| one.field == key || removes(one))
        }
        _ => None,
    }
}
