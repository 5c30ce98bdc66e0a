//! Tests of the core: people with an engine each, and a relay in memory.

#[path = "../../../../sync/tests/it/log.rs"]
mod log;
mod naming;
mod world;

use model::intent::{Capture, Intent, NewActivity, Undo};
use model::{IntentId, Kind, Role};
use store::{EnvelopeKey, Reading};

use crate::interface::*;
use world::{Person, Relay};

fn founded() -> Person {
    let mut person = Person::new(1);
    let request = Request::Found {
        workspace: "Pumps".into(),
        user: "A. Berg".into(),
    };
    assert!(matches!(person.ask(request), Ok(Answer::Founded(_))));
    person
}

fn note(person: &mut Person, regards: model::RecordId, text: &str) {
    person.act(Intent::AddActivity(NewActivity {
        activity: "note".into(),
        regards: vec![regards],
        text: text.into(),
        ..NewActivity::default()
    }));
}

#[test]
fn an_empty_home_says_how_to_begin() {
    let mut person = Person::new(1);
    assert_eq!(person.status().workspace, None);
    let failure = person
        .ask(Request::Query(Query::Merged { all: false }))
        .unwrap_err();
    assert_eq!(failure.code, "no-workspace");
    assert!(failure.way_out.is_some());
}

#[test]
fn a_workspace_works_alone() {
    let mut person = founded();
    let status = person.status();
    assert_eq!(
        status
            .workspace
            .as_ref()
            .map(|one| (one.name.as_str(), one.device.as_str())),
        Some(("Pumps", "A"))
    );
    assert_eq!(
        (status.role, status.connection.as_str(), status.only_here),
        (Some(Role::Owner), "alone", 2)
    );
    let inquiry = person.capture("Mueller Praezision GmbH");
    assert_eq!(person.record(inquiry).record.number, "AF-2026-A-0001");
    let again = person
        .ask(Request::Found {
            workspace: "Other".into(),
            user: "B".into(),
        })
        .unwrap_err();
    assert_eq!(again.code, "has-workspace");
}

#[test]
fn what_was_answered_survives_the_plug() {
    let mut person = founded();
    let inquiry = person.capture("Mueller Praezision GmbH");
    person.restart();
    assert_eq!(
        person.record(inquiry).record.title,
        "Mueller Praezision GmbH, Berg"
    );
    let next = person.capture("Second GmbH");
    assert_eq!(person.record(next).record.number, "AF-2026-A-0002");
}

#[test]
fn one_intent_id_is_one_deed() {
    let mut person = founded();
    let intent_id = Some(IntentId::fresh(5, [9; 10]));
    let fields = vec![model::intent::Assignment::set("company", "Once GmbH")];
    let intent = Intent::Capture(Capture {
        fields,
        ..Capture::default()
    });
    let request = Request::Do {
        intent_id,
        batch: None,
        intent,
    };
    let first = person.ask(request.clone());
    assert_eq!(person.ask(request), first);
    assert_eq!(person.list(Kind::Inquiry).len(), 1);
}

#[test]
fn a_refusal_touches_nothing() {
    let mut person = founded();
    let before = person.status();
    let intent = Intent::Capture(Capture::default());
    let failure = person
        .ask(Request::Do {
            intent_id: None,
            batch: None,
            intent,
        })
        .unwrap_err();
    assert_eq!(
        (failure.code.as_str(), failure.way_out.is_some()),
        ("missing", true)
    );
    assert_eq!(person.status(), before);
}

#[test]
fn too_much_for_one_transaction_is_taken_back() {
    let mut person = founded();
    let inquiry = person.capture("Mueller Praezision GmbH");
    let before = person.record(inquiry);
    // Text that does not compress, so that the sealed part is as large as what was typed.
    let mut state = 7_u32;
    let text: String = (0..300_000)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            char::from(b'!' + (state >> 24) as u8 % 90)
        })
        .collect();
    let intent = Intent::AppendNote {
        record: inquiry,
        text,
    };
    let failure = person
        .ask(Request::Do {
            intent_id: None,
            batch: None,
            intent,
        })
        .unwrap_err();
    assert_eq!(failure.code, "too-large");
    assert_eq!(person.record(inquiry), before);
    person.restart();
    assert_eq!(person.record(inquiry), before);
}

#[test]
fn people_meet_at_the_relay() {
    let mut relay = Relay::new();
    let [mut a, mut b, mut c] = relay.gather(Role::Member);
    let codes: Vec<String> = [&mut a, &mut b, &mut c]
        .map(|one| one.status().workspace.unwrap().device)
        .to_vec();
    assert_eq!(codes, ["A", "B", "C"]);
    assert_eq!(b.status().workspace.unwrap().member_name, "Person 1");
    let inquiry = a.capture("Mueller Praezision GmbH");
    assert_eq!(a.status().only_here, 1);
    assert_eq!((relay.sync(&mut a).sent, relay.sync(&mut a).sent), (1, 0));
    assert_eq!(
        relay.sync(&mut b).received,
        2,
        "the enrolment of the third person, and the inquiry"
    );
    assert_eq!(a.record(inquiry), b.record(inquiry));
    note(&mut b, inquiry, "met at the fair");
    relay.sync(&mut b);
    relay.sync(&mut a);
    relay.sync(&mut c);
    let history = |person: &mut Person| person.query(Query::History { record: inquiry });
    assert_eq!(history(&mut a), history(&mut b));
    assert_eq!(history(&mut a), history(&mut c));
    let Answer::History(lines) = history(&mut a) else {
        panic!("no history")
    };
    assert!(lines.iter().any(|line| line.what == HistoryKind::Activity
        && line.author == "Person 1"
        && line.after == "met at the fair"));
}

#[test]
fn both_convert_and_there_is_one_of_each() {
    let mut relay = Relay::new();
    let [mut a, mut b] = relay.gather(Role::Member);
    let inquiry = a.capture("Mueller Praezision GmbH");
    relay.sync(&mut a);
    relay.sync(&mut b);
    for person in [&mut a, &mut b] {
        person.act(Intent::Convert {
            inquiry,
            into: Default::default(),
        });
    }
    for _ in 0..2 {
        relay.sync(&mut a);
        relay.sync(&mut b);
    }
    for person in [&mut a, &mut b] {
        for kind in [Kind::Customer, Kind::ContactPerson, Kind::SalesProject] {
            assert_eq!(person.list(kind).len(), 1, "{kind}");
        }
        assert_eq!(
            person.list(Kind::SalesProject)[0].record.number,
            "VP-2026-A-0001"
        );
        assert_eq!(person.merged(), []);
    }
}

#[test]
fn a_relay_that_is_away_holds_up_nothing() {
    let mut relay = Relay::new();
    let [mut a, mut b] = relay.gather(Role::Member);
    relay.is_away = true;
    a.capture("Mueller Praezision GmbH");
    let answer = relay.sync(&mut a);
    assert!(!answer.complete);
    assert_eq!(answer.only_here, 1);
    assert_eq!(answer.problem.unwrap().code, "relay-away");
    relay.is_away = false;
    assert!(relay.sync(&mut a).complete);
    assert!(relay.sync(&mut b).complete);
    assert_eq!(b.list(Kind::Inquiry).len(), 1);
}

#[test]
fn a_guest_reads_and_writes_nothing() {
    let mut relay = Relay::new();
    let [mut a, mut guest] = relay.gather(Role::Guest);
    let inquiry = a.capture("Mueller Praezision GmbH");
    relay.sync(&mut a);
    assert!(relay.sync(&mut guest).complete);
    assert_eq!(
        guest.record(inquiry).record.title,
        "Mueller Praezision GmbH, Berg"
    );
    let intent = Intent::AppendNote {
        record: inquiry,
        text: "no".into(),
    };
    let failure = guest
        .ask(Request::Do {
            intent_id: None,
            batch: None,
            intent,
        })
        .unwrap_err();
    assert_eq!(failure.code, "role");
    let invite = Request::Invite {
        user: Some("X".into()),
        email: None,
        role: Role::Member,
        member: None,
    };
    assert_eq!(guest.ask(invite).unwrap_err().code, "role");
}

#[test]
fn an_invite_serves_one_device() {
    let mut relay = Relay::new();
    let [mut a] = relay.gather(Role::Member);
    let invite = Request::Invite {
        user: Some("B".into()),
        email: None,
        role: Role::Member,
        member: None,
    };
    let Ok(Answer::Invited(invited)) = relay.ask(&mut a, invite) else {
        panic!("no invite")
    };
    let (mut b, mut c) = (Person::new(20), Person::new(21));
    assert!(
        relay
            .ask(
                &mut b,
                Request::Join {
                    link: invited.link.clone()
                }
            )
            .is_ok()
    );
    let failure = relay
        .ask(&mut c, Request::Join { link: invited.link })
        .unwrap_err();
    assert_eq!(failure.code, "invite-ended");
    assert!(
        c.ask(Request::Join {
            link: "http://x".into()
        })
        .is_err_and(|failure| failure.code == "bad-link")
    );
}

#[test]
fn a_second_device_of_a_member_does_what_is_done_for_the_first() {
    let mut relay = Relay::new();
    let [mut a] = relay.gather(Role::Member);
    let me = a.status().workspace.unwrap().member;
    let invite = Request::Invite {
        user: None,
        email: None,
        role: Role::Guest,
        member: Some(me),
    };
    let Ok(Answer::Invited(invited)) = relay.ask(&mut a, invite) else {
        panic!("no invite")
    };
    let mut second = Person::new(30);
    assert!(
        relay
            .ask(&mut second, Request::Join { link: invited.link })
            .is_ok()
    );
    let status = second.status();
    assert_eq!(
        (status.role, status.workspace.map(|one| one.member)),
        (Some(Role::Owner), Some(me))
    );
}

#[test]
fn a_batch_is_undone_as_one() {
    let mut person = founded();
    let cards: String = (0..450)
        .map(|at| format!("BEGIN:VCARD\r\nVERSION:3.0\r\nN:Berg{at};Anna\r\nFN:Anna Berg{at}\r\nORG:Firma {at}\r\nEND:VCARD\r\n"))
        .collect();
    let file = ImportFile {
        name: "cards.vcf".into(),
        bytes: cards.into_bytes(),
    };
    let request = Request::Import {
        intent_id: None,
        files: vec![file],
        event: Some("Messe".into()),
        origin: None,
        kind: None,
    };
    let Ok(Answer::Imported(imported)) = person.ask(request) else {
        panic!("not imported")
    };
    assert_eq!((imported.records.len(), imported.problems.len()), (450, 0));
    assert!(imported.transactions <= 5, "{}", imported.transactions);
    assert_eq!(person.list(Kind::Event).len(), 1);
    person.act(Intent::Undo {
        what: Undo::Batch(imported.batch),
    });
    assert_eq!(person.list(Kind::Inquiry).len(), 0);
}

#[test]
fn subscribers_hear_of_changes_and_of_nothing_else() {
    let mut person = founded();
    let query = Query::List(ListQuery::of(Kind::Inquiry));
    assert!(matches!(
        person.ask(Request::Subscribe { query }),
        Ok(Answer::Subscribed { .. })
    ));
    let told = |person: &mut Person, request: Request| {
        use crate::headless::{Headless, Output};
        person.send(request);
        let mut events = 0;
        while let Some(output) = person.core.poll() {
            events += usize::from(matches!(
                output,
                Output::Tell(_, Message::Event(Event::Changed { .. }))
            ));
        }
        events
    };
    let capture = |company: &str| {
        let fields = vec![model::intent::Assignment::set("company", company)];
        let intent = Intent::Capture(Capture {
            fields,
            ..Capture::default()
        });
        Request::Do {
            intent_id: None,
            batch: None,
            intent,
        }
    };
    assert_eq!(told(&mut person, capture("Mueller Praezision GmbH")), 1);
    let other = Request::Do {
        intent_id: None,
        batch: None,
        intent: Intent::Create {
            kind: Kind::Event,
            fields: vec![model::intent::Assignment::set("name", "Messe")],
        },
    };
    assert_eq!(told(&mut person, other), 0);
}

#[test]
fn what_killed_the_program_thrice_alone_is_set_aside() {
    let mut relay = Relay::new();
    let [mut a, mut b] = relay.gather(Role::Member);
    relay.sync(&mut a);
    let before = b.list(Kind::Inquiry).len();
    let first = a.capture("Mueller Praezision GmbH");
    a.capture("Second GmbH");
    relay.sync(&mut a);
    // What a death in the middle of applying leaves: the mark that it was tried alone, for the third time.
    let sequence = b.core.device.as_ref().unwrap().cursor.unwrap().sequence + 1;
    let trying = super::apply::Trying::died(sequence, Some(sequence), 2);
    let write = b.core.store.write().unwrap();
    write
        .set_meta(
            super::device::META_TRYING,
            &minicbor::to_vec(trying).unwrap(),
        )
        .unwrap();
    write.commit().unwrap();
    assert!(relay.sync(&mut b).complete);
    let status = b.status();
    assert_eq!(status.quarantined.len(), 1);
    assert!(status.quarantined[0].reason.contains("died"));
    assert_eq!(
        b.list(Kind::Inquiry).len(),
        before + 1,
        "the other one arrived"
    );
    assert!(
        b.ask(Request::Query(Query::Record { record: first }))
            .is_err()
    );
}

#[test]
fn an_envelope_that_comes_too_early_waits_for_its_feed() {
    let mut relay = Relay::new();
    let [mut a, mut b] = relay.gather(Role::Member);
    relay.sync(&mut b);
    let inquiry = a.capture("Mueller Praezision GmbH");
    a.act(Intent::AppendNote {
        record: inquiry,
        text: "second".into(),
    });
    let feed = a.core.device.as_ref().unwrap().keys.feed();
    let head = a.core.device.as_ref().unwrap().head.0;
    let read = a.core.store.read().unwrap();
    let envelope = |sequence| read.envelope(feed.as_bytes(), sequence).unwrap().unwrap();
    let (first, second) = (envelope(head - 1), envelope(head));
    let deliver = |person: &mut Person, bytes: &[u8]| {
        let write = person.core.store.write().unwrap();
        let decoded = protocol::Envelope::decode(bytes).unwrap();
        let device = person.core.device.as_mut().unwrap();
        super::receive::receive(device, &write, &bytes.to_vec().into(), &decoded, false).unwrap();
        write.commit().unwrap();
    };
    deliver(&mut b, &second);
    assert_eq!(b.status().waiting.len(), 1);
    deliver(&mut b, &first);
    assert_eq!(b.status().waiting, []);
    assert_eq!(b.record(inquiry).note, "second");
    let key = EnvelopeKey {
        feed: *feed.as_bytes(),
        sequence: head,
    };
    assert_eq!(
        b.core.store.read().unwrap().waiting_reason(key).unwrap(),
        None
    );
}

#[test]
fn reconnecting_with_nothing_new_costs_little() {
    let mut relay = Relay::new();
    let [mut a, mut b] = relay.gather(Role::Member);
    for at in 0..20 {
        a.capture(&format!("Company {at}"));
    }
    relay.sync(&mut a);
    relay.sync(&mut b);
    relay.bytes.clear();
    assert!(relay.sync(&mut b).complete);
    assert!(
        relay.bytes["up"] < 1_024 && relay.bytes["down"] < 1_024,
        "{:?}",
        relay.bytes
    );
}

#[test]
fn what_was_set_aside_is_tried_again_on_request() {
    let mut relay = Relay::new();
    let [mut a, mut b] = relay.gather(Role::Member);
    relay.sync(&mut b);
    let inquiry = a.capture("Mueller Praezision GmbH");
    relay.sync(&mut a);
    let sequence = b.core.device.as_ref().unwrap().cursor.unwrap().sequence + 1;
    let trying = super::apply::Trying::died(sequence, Some(sequence), 2);
    let write = b.core.store.write().unwrap();
    write
        .set_meta(
            super::device::META_TRYING,
            &minicbor::to_vec(trying).unwrap(),
        )
        .unwrap();
    write.commit().unwrap();
    relay.sync(&mut b);
    assert_eq!(b.status().quarantined.len(), 1);
    assert!(matches!(b.ask(Request::TryAgain), Ok(Answer::Ok)));
    assert_eq!(
        (b.status().quarantined, b.status().waiting),
        (vec![], vec![])
    );
    assert_eq!(a.record(inquiry), b.record(inquiry));
}

#[test]
fn a_batch_goes_by_an_end_of_its_id() {
    let mut person = founded();
    let file = ImportFile {
        name: "one.vcf".into(),
        bytes: b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Anna Berg\r\nN:Berg;Anna\r\nEND:VCARD\r\n"
            .to_vec(),
    };
    let request = Request::Import {
        intent_id: None,
        files: vec![file],
        event: None,
        origin: None,
        kind: Some("customer".into()),
    };
    let Ok(Answer::Imported(imported)) = person.ask(request) else {
        panic!("not imported")
    };
    let text = imported.batch.to_string().split_off(24);
    let resolved = person.ask(Request::ResolveOperation { text });
    assert_eq!(
        resolved,
        Ok(Answer::ResolvedOperation(ResolvedOperation {
            id: imported.batch,
            is_batch: true
        }))
    );
    assert_eq!(
        (
            person.list(Kind::Customer).len(),
            person.list(Kind::ContactPerson).len()
        ),
        (1, 1)
    );
}

#[test]
fn one_killer_in_the_middle_of_a_batch_is_found() {
    let mut relay = Relay::new();
    let [mut a, mut b] = relay.gather(Role::Member);
    relay.sync(&mut b);
    for at in 0..3 {
        a.capture(&format!("Company {at}"));
    }
    relay.sync(&mut a);
    let first = b.core.device.as_ref().unwrap().cursor.unwrap().sequence + 1;
    // The second of three kills: what its third death leaves.
    let died = super::apply::Trying::died(first + 2, Some(first + 1), 2);
    let write = b.core.store.write().unwrap();
    write
        .set_meta(super::device::META_TRYING, &minicbor::to_vec(died).unwrap())
        .unwrap();
    write.commit().unwrap();
    assert!(relay.sync(&mut b).complete);
    assert_eq!(b.status().quarantined.len(), 1);
    let titles: Vec<String> = b
        .list(Kind::Inquiry)
        .into_iter()
        .map(|row| row.record.title)
        .collect();
    assert_eq!(titles, ["Company 2, Berg", "Company 0, Berg"]);
    let read = b.core.store.read().unwrap();
    assert_eq!(read.meta(super::device::META_TRYING).unwrap(), None);
    drop(read);
    a.capture("Company 3");
    relay.sync(&mut a);
    assert!(
        relay.sync(&mut b).complete,
        "the cursor was right after each single item"
    );
}

#[test]
fn a_forged_envelope_does_not_take_the_place_of_the_true_one() {
    let mut relay = Relay::new();
    let [mut a, mut b] = relay.gather(Role::Member);
    relay.sync(&mut b);
    let inquiry = a.capture("Mueller Praezision GmbH");
    let device = a.core.device.as_ref().unwrap();
    let (feed, head) = (device.keys.feed(), device.head.0);
    let read = a.core.store.read().unwrap();
    let bytes = read.envelope(feed.as_bytes(), head).unwrap().unwrap();
    drop(read);
    let mut forged = protocol::Envelope::decode(&bytes).unwrap();
    forged.header.key_epoch += 1;
    forged.header_bytes = forged.header.encode().into();
    let forged_bytes: protocol::Blob = forged.encode().into();
    let write = b.core.store.write().unwrap();
    let device = b.core.device.as_mut().unwrap();
    super::receive::receive(device, &write, &forged_bytes, &forged, false).unwrap();
    write.commit().unwrap();
    relay.sync(&mut a);
    assert!(relay.sync(&mut b).complete);
    assert_eq!(a.record(inquiry), b.record(inquiry));
    assert!(
        b.status()
            .connection_problem
            .unwrap()
            .contains("false signatures")
    );
}

#[test]
fn keys_whose_store_is_gone_are_not_overwritten() {
    let mut person = founded();
    person.lose_store();
    let request = Request::Found {
        workspace: "Again".into(),
        user: "A. Berg".into(),
    };
    assert_eq!(person.ask(request).unwrap_err().code, "has-keys");
}

#[test]
fn a_disk_that_fails_is_told_and_costs_nothing_that_was_answered() {
    let mut person = founded();
    let inquiry = person.capture("Mueller Praezision GmbH");
    let before = person.record(inquiry);
    person.disk.fail_at(person.disk.operations() + 3);
    let intent = Intent::AppendNote {
        record: inquiry,
        text: "lost".into(),
    };
    let failure = person
        .ask(Request::Do {
            intent_id: None,
            batch: None,
            intent: intent.clone(),
        })
        .unwrap_err();
    assert_eq!(failure.code, "store");
    assert_eq!(person.record(inquiry), before);
    person.act(intent);
    assert_eq!(person.record(inquiry).note, "lost");
}

#[test]
fn a_new_relay_is_filled_by_all_and_says_what_it_lacks() {
    let mut relay = Relay::new();
    let [mut a, mut b] = relay.gather(Role::Member);
    b.capture("Mueller Praezision GmbH");
    relay.sync(&mut b);
    relay.sync(&mut a);
    let mut other = Relay::new();
    let request = Request::SetRelay {
        url: "http://other.example".into(),
    };
    let Ok(Answer::Synced(answer)) = other.ask(&mut a, request.clone()) else {
        panic!("no answer")
    };
    assert_eq!(
        (answer.complete, answer.relay_lacks, answer.only_here),
        (false, 1, 0)
    );
    assert_eq!(answer.problem.unwrap().code, "relay-lacks");
    let Ok(Answer::Synced(answer)) = other.ask(&mut b, request) else {
        panic!("no answer")
    };
    assert!(answer.complete);
    assert!(other.sync(&mut a).complete);
}

#[test]
fn an_import_that_is_repeated_adds_nothing() {
    let mut person = founded();
    let file = ImportFile {
        name: "one.vcf".into(),
        bytes: b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Anna Berg\r\nN:Berg;Anna\r\nEND:VCARD\r\n"
            .to_vec(),
    };
    let intent_id = Some(IntentId::fresh(7, [3; 10]));
    let request = Request::Import {
        intent_id,
        files: vec![file],
        event: None,
        origin: None,
        kind: None,
    };
    let first = person.ask(request.clone());
    assert_eq!(person.ask(request), first);
    assert_eq!(person.list(Kind::Inquiry).len(), 1);
}
