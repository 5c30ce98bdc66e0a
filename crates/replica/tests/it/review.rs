//! What must hold of single devices and single records, beside the rules of merging.

use std::collections::BTreeMap;

use model::cbor::Cbor;
use model::intent::Undo;
use model::merged::Rule;
use model::plan::{NoteEdit, RecordWrites};
use model::register::Register;
use model::{IntentId, Kind, RecordId, Refusal, Value};
use replica::gate::Verdict;
use replica::{Document, Past, RecordPart};

use crate::acts::{
    add, customer, draft, item, merge, note, send, set, set_having_seen, shared_offer,
    shared_project, undo,
};
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
    let doc = peers
        .see(0, |world| world.doc(record))
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
    let doc = peers
        .see(0, |world| world.doc(record))
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
    let offer = peers.make(0, draft(project, &[item("Press", 500_000)]));
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

#[test]
fn a_history_tells_causes_before_effects_whatever_the_clocks_say() {
    const WEEK_MS: i64 = 7 * 24 * 60 * 60 * 1000;
    let record = RecordId::from_bytes([3; 16]);
    let write = |document: &mut Document, feed: u8, now_ms: i64, number: u8| {
        let intent = IntentId::from_bytes([number; 16]);
        let value = Value::Text(number.to_string());
        let writes = RecordWrites {
            id: record,
            kind: Kind::Customer,
            registers: BTreeMap::from([(
                "website".to_owned(),
                Register::new(intent.stamp(), Some(value.to_map())),
            )]),
            note: None,
        };
        let written = document.write([feed; 20], now_ms, intent, &writes);
        (feed, written.expect("it writes something").bytes)
    };
    let order = |document: &Document| {
        let mut past = document.past();
        past.sort_by_key(Past::place);
        let operations = past.iter().filter_map(|one| one.operation);
        operations.map(|one| one.as_bytes()[0]).collect::<Vec<u8>>()
    };
    // Feed 2 is a week ahead; feed 1 answers it, and feed 0 works beside both.
    let mut one = Document::new(record);
    let mut changes = vec![write(&mut one, 2, WEEK_MS, 1)];
    changes.extend([write(&mut one, 1, 1_000, 2), write(&mut one, 2, WEEK_MS, 3)]);
    changes.push(write(&mut one, 1, 3_000, 4));
    let mut beside = Document::new(record);
    changes.extend([
        write(&mut beside, 3, 2_000, 5),
        write(&mut beside, 3, 2_500, 6),
    ]);
    for order_of_arrival in [[0, 1, 2, 3, 4, 5], [4, 5, 0, 1, 2, 3], [0, 4, 1, 2, 5, 3]] {
        let mut document = Document::new(record);
        for at in order_of_arrival {
            let (feed, bytes) = &changes[at];
            let (parsed, verdict) = document.check(bytes, &[[*feed; 12]]).expect("it passes");
            assert_eq!(verdict, Verdict::Ready);
            document.apply(bytes, &parsed).expect("it applies");
        }
        assert_eq!(order(&document), [5, 6, 1, 2, 3, 4]);
    }
}

#[test]
fn what_two_copies_of_one_home_did_in_the_same_moment_has_one_order() {
    let record = RecordId::from_bytes([3; 16]);
    let changes = [1, 2].map(|copy| {
        let intent = IntentId::from_bytes([copy; 16]);
        let writes = RecordWrites {
            id: record,
            kind: Kind::Customer,
            registers: BTreeMap::from([(
                "website".to_owned(),
                Register::new(intent.stamp(), Some(Value::Text(copy.to_string()).to_map())),
            )]),
            note: None,
        };
        // The author of both is the same device; only the time at which it was started differs.
        let mut actor = [9; 20];
        actor[19] = copy;
        let written = Document::new(record).write(actor, 1_000, intent, &writes);
        written.expect("it writes something").bytes
    });
    let orders = [[0, 1], [1, 0]].map(|order_of_arrival| {
        let mut document = Document::new(record);
        for at in order_of_arrival {
            let (parsed, _) = document.check(&changes[at], &[[9; 12]]).expect("it passes");
            document.apply(&changes[at], &parsed).expect("it applies");
        }
        let mut past = document.past();
        past.sort_by_key(Past::place);
        past.iter().map(|one| one.operation).collect::<Vec<_>>()
    });
    assert_eq!(orders[0], orders[1]);
}

#[test]
fn what_a_merge_lists_is_told_from_what_a_write_replaced() {
    let mut peers = Peers::new(6, 1);
    let one = peers.make(0, customer("Mueller Praezision GmbH"));
    let other = peers.make(0, customer("Mueller GmbH"));
    peers.act(0, merge(other, one));
    assert!(peers.only_entry(Rule::Aside).of_merged);
    peers.acknowledge_all(0);
    let nothing_seen = set_having_seen(one, "name", "Mueller AG", Vec::new());
    peers.act(0, nothing_seen);
    assert!(!peers.only_entry(Rule::Aside).of_merged);
}

#[test]
fn undo_without_a_name_takes_back_the_whole_batch() {
    let mut peers = Peers::new(7, 1);
    let before = peers.make(0, customer("Mueller Praezision GmbH"));
    let batch = IntentId::from_bytes([0x77; 16]);
    let made = ["One GmbH", "Two GmbH"].map(|name| {
        let record = peers.make(0, customer(name));
        peers.put_in_batch(0, batch);
        record
    });
    let write = peers.all[0].store.write().unwrap();
    let last = peers.all[0].replica.last_undoable(&write);
    assert_eq!(last, Some(Undo::Batch(batch)));
    drop(write);
    peers.act(0, undo());
    assert!(made.iter().all(|id| !peers.view(0, *id).is_alive()));
    assert!(peers.view(0, before).is_alive());
    // The next one goes further back.
    peers.act(0, undo());
    assert!(!peers.view(0, before).is_alive());
}
