//! Phases, winning, losing, confirming.

use super::Told;
use crate::id::RecordId;
use crate::intent::Intent;
use crate::role::Role;
use crate::trial::*;

pub(super) fn walk(told: &mut Told) {
    let mut device = Device::founded();
    let project = device.project("Nord Pumpen GmbH");
    let told_phase = |phase: &str, chance| Intent::MovePhase {
        sales_project: project,
        phase: phase.to_owned(),
        chance,
        reason: None,
        seen: None,
    };
    let done = device.try_act(told_phase("asleep", None));
    told.refused(
        done,
        "no-such-status",
        "there are qualified, needs-clarified",
        "",
    );
    let done = device.try_act(told_phase("lost", None));
    told.refused(done, "missing", "the reason is missing", "--reason");
    let done = device.try_act(told_phase("negotiation", Some(101)));
    told.refused(done, "bad-value", "between 0 and 100", "");
    walk_award(told, &mut device, project);
    let order = device.make(win(project));
    let number = device.view(order).text("number").to_owned();
    let way = format!("handschlag show {number}");
    for intent in [win(project), phase(project, "lost")] {
        told.refused(
            device.try_act(intent),
            "already-won",
            "Nord Pumpen GmbH",
            &way,
        );
    }
    walk_contested(told, &mut device);
    let confirm = Intent::ConfirmOrder {
        order,
        reference: None,
    };
    device.act(confirm.clone());
    let says = format!("{number} is confirmed, not open");
    told.refused(device.try_act(confirm), "not-open", &says, "");
}

fn walk_award(told: &mut Told, device: &mut Device, project: RecordId) {
    let (_, first) = device.sent(project);
    let (_, second) = device.sent(project);
    let numbers = [first, second].map(|id| device.view(id).text("number").to_owned());
    let refused = device.try_act(win(project));
    let way = format!("handschlag win {} --offer", project.short());
    for number in numbers {
        told.refused(refused.clone(), "which-offer", &number, &way);
    }
    let elsewhere = device.project("Sued GmbH");
    let (_, issued) = device.sent(elsewhere);
    let won = |issued| Intent::Win {
        sales_project: project,
        issued: Some(issued),
        seen: None,
    };
    let way = format!("handschlag show {}", project.short());
    let done = device.try_act(won(issued));
    told.refused(
        done,
        "no-such-entry",
        "is not among the entries of 'offers",
        &way,
    );
    let done = device.try_act(won(elsewhere));
    told.refused(done, "wrong-kind", "is no issued offer", "handschlag list");
    device.act(Intent::AcceptOffer { issued: first });
}

fn walk_contested(told: &mut Told, device: &mut Device) {
    let project = device.project("West GmbH");
    let mut other = device.other(2, Role::Member);
    let order = device.make(win(project));
    other.act(phase(project, "lost"));
    device.meet(&other);
    let done = device.try_act(phase(project, "lost"));
    told.refused(
        done,
        "contested",
        "won here and lost there",
        "handschlag choose",
    );
    let confirm = Intent::ConfirmOrder {
        order,
        reference: None,
    };
    let way = format!("handschlag show {}", project.short());
    told.refused(
        device.try_act(confirm),
        "not-open",
        "is on-hold, not open",
        &way,
    );
}

#[test]
fn refusals() {
    walk(&mut Told::default());
}
