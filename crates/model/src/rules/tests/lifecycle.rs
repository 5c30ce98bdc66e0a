//! Archiving, restoring, merging, and the Merged list.

use super::Told;
use crate::id::{EntryId, RecordId, ValueId};
use crate::intent::Intent;
use crate::kind::Kind;
use crate::merged::Rule;
use crate::record::survivor;
use crate::role::Role;
use crate::trial::*;
use crate::world::World;

fn merge(survivor: RecordId, loser: RecordId) -> Intent {
    Intent::Merge { survivor, loser }
}

pub(super) fn walk(told: &mut Told) {
    let mut device = Device::founded();
    let inquiry = device.inquiry("Nord Pumpen GmbH");
    for record in [device.settings_id(), member(2)] {
        let done = device.try_act(Intent::Archive { record });
        let way = format!("handschlag set {}", record.short());
        told.refused(done, "for-good", "cannot be put away", &way);
    }
    let done = device.try_act(Intent::Restore { record: inquiry });
    told.refused(done, "not-open", "is in use already", "");
    told.refused(
        device.try_act(merge(inquiry, inquiry)),
        "same-record",
        "into itself",
        "A B",
    );
    let project = device.project("Sued GmbH");
    let done = device.try_act(merge(inquiry, project));
    let says = "kinds sales project and inquiry cannot";
    told.refused(done, "merge-kinds", says, "handschlag set");
    let first = device.make(win(project));
    let project = device.project("West GmbH");
    let second = device.make(win(project));
    told.refused(
        device.try_act(merge(first, second)),
        "merge-kinds",
        "order and order",
        "",
    );
    let other = device.inquiry("Nord Pumpen GmbH");
    device.act(merge(inquiry, other));
    let done = device.try_act(Intent::Restore { record: other });
    told.refused(
        done,
        "merged",
        "was merged into Nord Pumpen GmbH",
        "handschlag show",
    );
    walk_entries(told, &mut device);
}

fn walk_entries(told: &mut Told, device: &mut Device) {
    let settings = device.settings_id();
    let mut other = device.other(2, Role::Admin);
    device.act(set(settings, "currency", "CHF"));
    other.act(set(settings, "currency", "USD"));
    device.meet(&other);
    let entry = device.listed().remove(0);
    assert_eq!(entry.rule, Rule::Conflict);
    let (id, value) = (entry.id, entry.choices[0].id);
    let nothing = EntryId::from_bytes([1; 16]);
    for intent in [
        Intent::Choose {
            entry: nothing,
            value,
        },
        Intent::Acknowledge { entry: nothing },
    ] {
        let done = device.try_act(intent);
        told.refused(
            done,
            "no-such-merged-entry",
            "no entry 0101",
            "handschlag merged",
        );
    }
    let none = ValueId::from_bytes([2; 8]);
    let done = device.try_act(Intent::Choose {
        entry: id,
        value: none,
    });
    told.refused(
        done,
        "no-such-choice",
        "has no value 0202",
        "handschlag merged",
    );
    let mut rep = device.other(3, Role::Member);
    let done = rep.try_act(Intent::Choose { entry: id, value });
    told.refused(done, "role", "your role member", "ask an admin");
    device.act(Intent::Acknowledge { entry: id });
    let done = device.try_act(Intent::Acknowledge { entry: id });
    told.refused(done, "not-open", "is marked as seen already", "");
}

#[test]
fn refusals() {
    walk(&mut Told::default());
}

#[test]
fn a_chain_of_merges_is_followed_to_its_end_however_long_it_is() {
    let mut device = Device::founded();
    let name = |at: usize| format!("Nord {at}");
    let customer =
        |device: &mut Device, at| device.make(create(Kind::Customer, &[("name", &name(at))]));
    let first = customer(&mut device, 0);
    let mut last = first;
    for at in 1..=100 {
        let next = customer(&mut device, at);
        device.act(merge(next, last));
        last = next;
    }
    assert_eq!(survivor(&device, first), last);
    assert_eq!(device.view(last).merged.len(), 100);
    assert_eq!(device.view(first).merged.len(), 0);
}

#[test]
fn a_long_cycle_of_merges_is_cut_where_it_leaves_the_smallest() {
    let mut device = Device::founded();
    let mut all: Vec<RecordId> = (0..80)
        .map(|_| device.make(create(Kind::Customer, &[("name", "Nord")])))
        .collect();
    all.sort_unstable();
    let mut other = device.other(2, Role::Owner);
    // Here each into the next, there the last into the first.
    for pair in all.windows(2) {
        device.act(merge(pair[1], pair[0]));
    }
    other.act(merge(all[0], all[79]));
    let tail = other.make(create(Kind::Customer, &[("name", "Nord")]));
    other.act(merge(all[0], tail));
    device.meet(&other);
    for id in all.iter().chain([&tail]) {
        assert_eq!(survivor(&device, *id), all[0], "{id}");
    }
    assert_eq!(device.view(all[0]).merged.len(), 80);
}
