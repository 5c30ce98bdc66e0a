//! What a press that moves a status sets aside: what nobody saw and somebody must decide about.

use crate::id::RecordId;
use crate::intent::Intent;
use crate::merged::{Entry, Rule};
use crate::role::Role;
use crate::trial::*;
use crate::value::Value;

/// Two devices move one sales project, then meet.
fn moved_apart(one: &str, other: &str) -> (Device, RecordId) {
    let mut device = Device::founded();
    let project = device.project("Nord Pumpen GmbH");
    let mut there = device.other(2, Role::Member);
    device.act(phase(project, one));
    there.act(phase(project, other));
    device.meet(&there);
    assert_eq!(device.listed().len(), 1, "{one} and {other} are listed");
    (device, project)
}

fn words(listed: &[Entry]) -> Vec<&str> {
    let choices = listed.iter().flat_map(|entry| &entry.choices);
    choices
        .filter(|choice| !choice.shown)
        .filter_map(|choice| match &choice.value {
            Some(Value::Status(status)) => Some(status.word.as_str()),
            _ => None,
        })
        .collect()
}

#[test]
fn open_phases_that_a_later_one_has_passed_are_nothing_to_decide() {
    for next in ["negotiation", "won"] {
        let (mut device, project) = moved_apart("needs-clarified", "offer-sent");
        device.act(phase(project, next));
        assert!(device.listed().is_empty(), "{next}: {:#?}", device.listed());
    }
}

#[test]
fn what_nobody_saw_and_somebody_must_decide_about_stays_listed() {
    for (one, other, next, listed) in [
        ("lost", "negotiation", "won", &["lost"][..]),
        ("on-hold", "offer-sent", "negotiation", &["on-hold"]),
        // Back to an earlier phase: what was unseen would have been shown instead.
        (
            "needs-clarified",
            "negotiation",
            "qualified",
            &["needs-clarified"],
        ),
        (
            "needs-clarified",
            "negotiation",
            "lost",
            &["needs-clarified"],
        ),
    ] {
        let (mut device, project) = moved_apart(one, other);
        device.act(phase(project, next));
        let entries = device.listed();
        assert_eq!(words(&entries), listed, "{one} and {other}, then {next}");
        assert!(entries.iter().all(|entry| entry.rule == Rule::Aside));
    }
}

#[test]
fn what_the_author_saw_in_the_conflict_is_not_set_aside() {
    for (one, other, next) in [
        ("lost", "negotiation", "won"),
        ("on-hold", "offer-sent", "negotiation"),
        ("needs-clarified", "negotiation", "qualified"),
    ] {
        let (mut device, project) = moved_apart(one, other);
        let seen = Some(device.held(project, "status"));
        device.act(match phase(project, next) {
            Intent::MovePhase {
                sales_project,
                phase,
                chance,
                reason,
                ..
            } => Intent::MovePhase {
                sales_project,
                phase,
                chance,
                reason,
                seen,
            },
            other => other,
        });
        assert!(device.listed().is_empty(), "{one} and {other}, then {next}");
    }
}

#[test]
fn a_win_over_a_loss_that_its_author_saw_decides_and_over_an_unseen_one_is_listed() {
    for is_seen in [true, false] {
        let (mut device, project) = moved_apart("won", "lost");
        let held = device.held(project, "status");
        let (won, both) = (held[..1].to_vec(), held);
        device.act(Intent::Win {
            sales_project: project,
            issued: None,
            seen: Some(if is_seen { both } else { won }),
        });
        assert!(!device.view(project).contested);
        let listed = device.listed();
        assert_eq!(words(&listed), if is_seen { &[][..] } else { &["lost"] });
    }
}

#[test]
fn a_status_that_arrived_after_the_author_looked_is_listed() {
    let mut device = Device::founded();
    let inquiry = device.inquiry("Nord Pumpen GmbH");
    let seen = Some(device.held(inquiry, "status"));
    let mut other = device.other(2, Role::Member);
    other.act(disqualify(inquiry, "no budget"));
    device.meet(&other);
    let status = "qualified".to_owned();
    device.act(Intent::MoveInquiry {
        inquiry,
        status,
        seen,
    });
    assert_eq!(words(&device.listed()), ["disqualified"]);
}

#[test]
fn inquiries_that_went_on_are_nothing_to_decide_and_disqualified_ones_are() {
    let mut device = Device::founded();
    let inquiry = device.inquiry("Nord Pumpen GmbH");
    let mut other = device.other(2, Role::Member);
    let to = |status: &str| Intent::MoveInquiry {
        inquiry,
        status: status.to_owned(),
        seen: None,
    };
    device.act(to("contacted"));
    other.act(to("qualified"));
    device.meet(&other);
    device.act(convert(inquiry));
    assert!(device.listed().is_empty(), "{:#?}", device.listed());
}
