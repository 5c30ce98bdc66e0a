//! Undo.

use super::Told;
use crate::id::{IntentId, RecordId};
use crate::intent::{Assignment, Capture, Intent, Undo};
use crate::kind::Kind;
use crate::record::Standing;
use crate::role::Role;
use crate::trial::*;
use crate::value::Value;

fn undo_last() -> Intent {
    Intent::Undo { what: Undo::Last }
}

pub(super) fn walk(told: &mut Told) {
    let mut device = Device::founded();
    let founding = device.last();
    told.refused(
        device.try_act(undo_last()),
        "nothing-to-undo",
        "nothing",
        "handschlag undo",
    );
    let nothing = IntentId::from_bytes([1; 16]);
    for what in [Undo::Operation(nothing), Undo::Batch(nothing)] {
        let done = device.try_act(Intent::Undo { what });
        told.refused(
            done,
            "no-such-operation",
            "no operation 0101",
            "handschlag history",
        );
    }
    let way = "handschlag set";
    told.refused(
        device.try_act(undo_of(founding)),
        "for-good",
        "cannot be undone",
        way,
    );
    walk_others(told, &mut device);
    walk_pinned(told, &mut device);
    walk_under(told, &mut device);
    walk_undone(told, &mut device);
    let inquiry = device.inquiry("Nord Pumpen GmbH");
    let captured = device.last();
    device.act(Intent::Archive { record: inquiry });
    told.refused(
        device.try_act(undo_of(captured)),
        "archived",
        "is archived",
        "restore",
    );
    device.act(Intent::Restore { record: inquiry });
    device.act(set(inquiry, "company", "Sued GmbH"));
    let edit = device.last();
    device.act(set(inquiry, "company", "West GmbH"));
    let done = device.try_act(undo_of(edit));
    told.refused(done, "all-changed", "changed since", "handschlag history");
}

fn walk_others(told: &mut Told, device: &mut Device) {
    let inquiry = device.inquiry("Nord Pumpen GmbH");
    device.act(convert(inquiry));
    let conversion = device.last();
    let mut rep = device.other(2, Role::Member);
    let done = rep.try_act(undo_of(conversion));
    told.refused(done, "not-yours", "Rep A did this", "ask Rep A or an admin");
    let customer = RecordId::customer_of(inquiry);
    rep.act(call(customer, "prices"));
    device.meet(&rep);
    let number = device.view(customer).text("number").to_owned();
    let says = format!("Rep B worked on Nord Pumpen GmbH ({number}) since");
    let way = format!(
        "talk to Rep B, then change the fields or put it away: handschlag archive {}",
        customer.short()
    );
    told.refused(
        device.try_act(undo_of(conversion)),
        "others-worked",
        &says,
        &way,
    );
}

fn walk_pinned(told: &mut Told, device: &mut Device) {
    let project = device.project("Nord Pumpen GmbH");
    let (_, issued) = device.sent(project);
    let way = format!("handschlag reject {}", issued.short());
    let sent = device.last();
    told.refused(
        device.try_act(undo_of(sent)),
        "pinned",
        "went to a customer",
        &way,
    );
    let order = device.make(win(project));
    let won = device.last();
    device.act(Intent::ConfirmOrder {
        order,
        reference: None,
    });
    let confirmed = device.last();
    for operation in [won, confirmed] {
        let done = device.try_act(undo_of(operation));
        told.refused(done, "pinned", "cannot be taken back", "handschlag archive");
    }
}

/// One's own later work under what one made: it is named, with what takes it back.
fn walk_under(told: &mut Told, device: &mut Device) {
    let customer = device.make(create(Kind::Customer, &[("name", "Nord Pumpen GmbH")]));
    let created = device.last();
    let called = device.make(call(customer, "prices"));
    let operation = device.last();
    let says = format!("has work under it: prices ({})", called.short());
    let way = format!("handschlag undo {operation}");
    told.refused(device.try_act(undo_of(created)), "work-under", &says, &way);
    for at in 0..6 {
        device.act(call(customer, &format!("call {at}")));
    }
    told.refused(
        device.try_act(undo_of(created)),
        "work-under",
        "and 2 more",
        "handschlag undo",
    );
}

/// What was undone says so, whatever it was.
fn walk_undone(told: &mut Told, device: &mut Device) {
    let inquiry = device.inquiry("Nord Pumpen GmbH");
    let append = |text: &str| Intent::AppendNote {
        record: inquiry,
        text: text.to_owned(),
    };
    let acts: [&dyn Fn() -> Intent; 8] = [
        &|| set(inquiry, "company", "Sued GmbH"),
        &|| edit(inquiry, Assignment::add("tag", "hot")),
        &|| append("Likes tea."),
        &|| call(inquiry, "prices"),
        &|| disqualify(inquiry, "no budget"),
        &|| Intent::Archive { record: inquiry },
        &|| convert(inquiry),
        &|| create(Kind::Customer, &[("name", "Sued GmbH")]),
    ];
    for act in acts {
        device.act(act());
        let operation = device.last();
        device.act(undo_of(operation));
        let done = device.try_act(undo_of(operation));
        told.refused(
            done,
            "undone-already",
            "was undone already",
            "handschlag history",
        );
    }
}

#[test]
fn refusals() {
    walk(&mut Told::default());
}

#[test]
fn what_hangs_under_a_record_is_undone_before_it() {
    let mut device = Device::founded();
    let customer = device.make(create(Kind::Customer, &[("name", "Nord Pumpen GmbH")]));
    let created = device.last();
    device.act(call(customer, "prices"));
    let called = device.last();
    assert!(device.try_act(undo_of(created)).is_err());
    assert!(device.view(customer).is_alive());
    device.act(undo_of(called));
    device.act(undo_of(created));
    assert_eq!(device.view(customer).standing, Standing::Undone);
}

#[test]
fn an_import_with_all_that_it_made_is_undone_as_one() {
    let mut device = Device::founded();
    let inquiry = device.inquiry("Nord Pumpen GmbH");
    device.act(call(inquiry, "prices"));
    let batch = device.batch_last(2);
    device.act(undo_last());
    assert_eq!(device.view(inquiry).standing, Standing::Undone);
    let what = Undo::Batch(batch);
    let done = device.try_act(Intent::Undo { what });
    assert_eq!(done.map_err(|one| one.code()), Err("undone-already"));
}

#[test]
fn an_event_stays_while_other_contacts_came_from_it() {
    let mut device = Device::founded();
    let capture = |company: &str| {
        Intent::Capture(Capture {
            fields: vec![Assignment::set("company", company)],
            event: Some("Hannover Messe".to_owned()),
            ..Capture::default()
        })
    };
    let first = device.make(capture("Nord Pumpen GmbH"));
    let captured = device.last();
    let second = device.make(capture("Sued GmbH"));
    let captured_second = device.last();
    let event = device.view(second).reference("event").unwrap();
    device.act(undo_of(captured));
    assert_eq!(device.view(first).standing, Standing::Undone);
    assert!(device.view(event).is_alive());
    let done = device.try_act(undo_of(captured));
    assert_eq!(done.map_err(|one| one.code()), Err("undone-already"));
    device.act(undo_of(captured_second));
    assert!(matches!(
        device.view(second).value("company"),
        Some(Value::Text(_))
    ));
}
