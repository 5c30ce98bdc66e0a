//! What must hold of single devices and single records, beside the rules of merging.

use std::collections::BTreeMap;

use model::cbor::Cbor;
use model::plan::{NoteEdit, RecordWrites};
use model::register::Register;
use model::{IntentId, Kind, RecordId, Refusal, Value, World};
use replica::{Document, RecordPart};

use crate::acts::{add, customer, draft, item, note, send, set, shared_offer, shared_project};
use crate::peers::{Envelope, Peers};

#[test]
fn what_the_gate_of_others_would_refuse_is_never_made() {
    let mut peers = Peers::new(1, 2);
    let record = peers.make(0, customer("Mueller Praezision GmbH"));
    peers.sync();
    let before = peers.view(0, record);
    let made = peers.all[0].outbox.len();
    // A register beyond 64 KiB, with others beside it that would pass.
    let large = "x".repeat(70_000);
    for intent in [
        set(record, "website", &large),
        note(record, &large),
        set(record, "note", &large),
    ] {
        assert_eq!(peers.try_act(0, intent), Err(Refusal::TooLarge));
        assert_eq!(peers.view(0, record), before);
    }
    assert_eq!(peers.all[0].outbox.len(), made);
    // The device goes on from where it stood.
    peers.act(0, set(record, "website", "example.com"));
    peers.heal();
    assert_eq!(peers.text(1, record, "website"), "example.com");
}

#[test]
fn a_long_note_is_replaced_at_once() {
    let mut peers = Peers::new(2, 2);
    let record = peers.make(0, customer("Mueller Praezision GmbH"));
    let one: String = ('a'..='z').cycle().take(7_000).collect();
    let other: String = ('a'..='z').rev().cycle().take(8_000).collect();
    for text in [&one, &other, &one] {
        peers.act(0, set(record, "note", text));
        peers.heal();
        assert_eq!(&peers.view(1, record).note, text);
    }
}

/// Writes registers as another device does, one of a newer version maybe.
fn written(record: RecordId, kind: Kind, number: u8, register: Register) -> Envelope {
    let intent = IntentId::from_bytes([number; 16]);
    let writes = RecordWrites {
        id: record,
        kind,
        registers: BTreeMap::from([("website".to_owned(), register)]),
        note: None,
    };
    let mut actor = [number; 20];
    actor[..12].fill(2);
    let written = Document::new(record).write(actor, i64::from(number), intent, &writes);
    let changes = vec![written.expect("it writes something").bytes];
    Envelope {
        prefix: [2; 12],
        intent,
        parts: vec![RecordPart { record, changes }],
    }
}

#[test]
fn what_a_newer_version_wrote_is_not_lost() {
    let mut peers = Peers::new(5, 1);
    let stamp = IntentId::from_bytes([9; 16]).stamp();
    let keys = |map: &[(u32, Cbor)]| Register::new(stamp, Some(map.iter().cloned().collect()));
    let text = |text: &str| Cbor::Text(text.to_owned());

    // A value of a form that this version cannot read is set aside, whatever its author saw.
    let record = peers.make(0, customer("Mueller Praezision GmbH"));
    let newer = keys(&[(5, text("of a newer form"))]);
    peers.take(0, written(record, Kind::Customer, 1, newer.clone()));
    assert_eq!(peers.text(0, record, "website"), "");
    peers.act(0, set(record, "website", "example.com"));
    let doc = peers.all[0]
        .replica
        .views()
        .doc(record)
        .expect("it is there");
    let kept: Vec<_> = doc.entries("aside").flat_map(|(_, all)| all).collect();
    let bytes = kept[0].register.value().expect("it holds a value")[&2].clone();
    assert_eq!(
        (kept.len(), bytes),
        (1, Cbor::Bytes(newer.as_bytes().to_vec()))
    );
    assert!(
        doc.candidates("website")
            .iter()
            .all(|one| one.register.value().is_some_and(|map| map.len() == 1))
    );
    peers.assert_nothing_merged();

    // What a newer version adds to a value goes on with the value that was shown, not with another one beside it.
    let record = peers.make(0, customer("Mueller Praezision GmbH"));
    peers.act(0, set(record, "website", "mine.example.com"));
    let later = keys(&[(1, text("theirs.example.com")), (7, text("of theirs"))]);
    peers.take(0, written(record, Kind::Customer, 2, later.clone()));
    assert_eq!(peers.text(0, record, "website"), "mine.example.com");
    peers.act(0, set(record, "website", "new.example.com"));
    let doc = peers.all[0]
        .replica
        .views()
        .doc(record)
        .expect("it is there");
    let [one] = doc.candidates("website") else {
        panic!("one value is expected");
    };
    assert_eq!(
        one.register.value(),
        Some([(1, text("new.example.com"))].into())
    );
}

/// What somebody writes into the document of an issued offer without being its sender.
fn forged(record: RecordId, number: u8, name: &str) -> Envelope {
    let intent = IntentId::from_bytes([number; 16]);
    let register = |value: Value| Register::new(intent.stamp(), Some(value.to_map()));
    let text = |text: &str| register(Value::Text(text.to_owned()));
    let writes = RecordWrites {
        id: record,
        kind: Kind::IssuedOffer,
        registers: BTreeMap::from([
            ("name".to_owned(), text(name)),
            ("number".to_owned(), text("AN-2026-B-0009")),
        ]),
        note: Some(NoteEdit::Become("forged".to_owned())),
    };
    let mut actor = [number; 20];
    actor[..12].fill(2);
    let written = Document::new(record).write(actor, 1, intent, &writes);
    Envelope {
        prefix: [2; 12],
        intent,
        parts: vec![RecordPart {
            record,
            changes: vec![written.expect("it writes something").bytes],
        }],
    }
}

#[test]
fn an_issued_offer_shows_the_change_that_its_id_follows_from() {
    let mut peers = Peers::new(3, 2);
    let (_, project) = shared_project(&mut peers);
    let (_, issued) = shared_offer(&mut peers, project);
    let before = peers.view(0, issued);
    assert_eq!(before.text("customer_name"), "Mueller Praezision GmbH");
    // Of this many, some have a smaller hash and all an earlier time.
    let envelopes: Vec<Envelope> = (1..=8).map(|at| forged(issued, at, "Forged")).collect();
    for envelope in &envelopes {
        peers.take(0, envelope.clone());
    }
    for envelope in envelopes.iter().rev() {
        peers.take(1, envelope.clone());
    }
    peers.assert_equal();
    let after = peers.view(0, issued);
    assert_eq!(
        (&after.fields, &after.note, after.created),
        (&before.fields, &before.note, before.created)
    );
    // Where nobody sent anything, nothing of it is shown.
    let other = RecordId::from_bytes([8; 16]);
    peers.take(0, forged(other, 1, "Forged"));
    let view = peers.view(0, other);
    assert_eq!((view.kind, view.text("name")), (Kind::IssuedOffer, ""));
    assert_eq!((view.text("number"), view.note.as_str()), ("", ""));
}

#[test]
fn an_issued_offer_holds_what_the_customer_saw() {
    let mut peers = Peers::new(4, 1);
    let (_, project) = shared_project(&mut peers);
    let view = peers.view(0, project);
    let customer = view.reference("customer").expect("it has one");
    peers.act(0, set(customer, "vat_id", "DE123456789"));
    peers.act(0, add(customer, "address", "Weg 1; 80331 Muenchen"));
    let offer = peers.make(0, draft(project, &[item("Press", 5_000_00)]));
    peers.act(0, set(offer, "note", "30 days net."));
    let issued = peers.make(0, send(offer));
    let frozen = peers.view(0, issued);
    assert_eq!(frozen.text("customer_name"), "Mueller Praezision GmbH");
    assert_eq!(frozen.text("contact_name"), "Erika Muster");
    assert_eq!(frozen.text("vat_id"), "DE123456789");
    assert_eq!(frozen.text("terms"), "30 days net.");
    let address = peers.view(0, customer);
    let address = address
        .list("address")
        .next()
        .expect("it has one")
        .1
        .clone();
    assert_eq!(frozen.value("address"), Some(&address));

    // What the customer has already is not sent again; what changed for the customer is.
    let again = peers.try_act(0, send(offer)).expect_err("it is the same");
    assert_eq!(again.code(), "sent-already");
    assert!(
        again
            .way_out()
            .is_some_and(|way| way.contains(frozen.text("number")))
    );
    peers.act(0, set(customer, "vat_id", "DE987654321"));
    let second = peers.make(0, send(offer));
    assert_ne!(second, issued);
    // The first is superseded, so what it said may be said again.
    peers.act(0, set(customer, "vat_id", "DE123456789"));
    peers.act(0, send(offer));
    assert_eq!(peers.view(0, issued).fields, {
        let mut same = frozen.fields.clone();
        same.insert(
            "status".to_owned(),
            peers.view(0, issued).fields["status"].clone(),
        );
        same
    });
}
