//! One person and one store.

use model::intent::{Assignment, Capture, Intent, Undo};
use model::{IntentId, Kind, Role};

use super::founded;
use super::world::Person;
use crate::interface::*;

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
    let fields = vec![Assignment::set("company", "Once GmbH")];
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
    let operation = Some(IntentId::fresh(8, [4; 10]));
    let undo = Request::Do {
        intent_id: operation,
        batch: None,
        intent: Intent::Undo { what: Undo::Last },
    };
    let first = person.ask(undo.clone());
    assert!(first.is_ok(), "{first:?}");
    assert_eq!(person.list(Kind::Inquiry).len(), 0);
    person.capture("Mueller Praezision GmbH");
    assert!(person.ask(undo).is_ok(), "repeated, it undoes nothing more");
    assert_eq!(person.list(Kind::Inquiry).len(), 1);
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
        let fields = vec![Assignment::set("company", company)];
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
            fields: vec![Assignment::set("name", "Messe")],
        },
    };
    assert_eq!(told(&mut person, other), 0);
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
fn a_disk_that_stays_full_is_told_each_time_until_there_is_space() {
    let mut person = founded();
    let inquiry = person.capture("Mueller Praezision GmbH");
    let before = person.record(inquiry);
    let intent_id = Some(IntentId::fresh(7, [3; 10]));
    let request = Request::Do {
        intent_id,
        batch: None,
        intent: Intent::AppendNote {
            record: inquiry,
            text: "again".into(),
        },
    };
    person.disk.fill(true);
    for _ in 0..3 {
        let failure = person.ask(request.clone()).unwrap_err();
        let way_out = failure.way_out.clone().unwrap_or_default();
        assert!(
            failure.code == "store" && way_out.contains("make space"),
            "{failure:?}"
        );
    }
    person.disk.fill(false);
    assert_eq!(person.record(inquiry), before);
    person.ask(request.clone()).unwrap();
    person.ask(request).unwrap();
    assert_eq!(person.record(inquiry).note, "again");
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

#[test]
fn the_same_phone_twice_is_shown_once() {
    let mut person = founded();
    let inquiry = person.capture("Mueller Praezision GmbH");
    let other = person.capture("Mueller Praezision GmbH");
    for (record, number) in [(inquiry, "+49 511 1"), (other, "0049 (511) 1")] {
        let fields = vec![Assignment::add("phone", number)];
        person.act(Intent::Edit { record, fields });
    }
    person.act(Intent::Merge {
        survivor: inquiry,
        loser: other,
    });
    let fields = person.record(inquiry).fields;
    assert_eq!(
        fields.iter().filter(|field| field.name == "phone").count(),
        1
    );
}

#[test]
fn a_file_that_cannot_be_read_does_not_hold_up_the_others() {
    let mut person = founded();
    let file = |name: &str, bytes: &str| ImportFile {
        name: name.into(),
        bytes: bytes.into(),
    };
    let good = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Erika Muster\r\nEND:VCARD\r\n";
    let import = |files: Vec<ImportFile>| Request::Import {
        intent_id: None,
        files,
        event: None,
        origin: None,
        kind: None,
    };
    let both = import(vec![file("bad.csv", ""), file("good.vcf", good)]);
    let Ok(Answer::Imported(answer)) = person.ask(both) else {
        panic!("it is imported")
    };
    assert_eq!(answer.records.len(), 1);
    let [problem] = answer.problems.as_slice() else {
        panic!("{:?}", answer.problems)
    };
    assert_eq!(
        (problem.file.as_str(), problem.line, problem.skipped),
        ("bad.csv", 0, true)
    );
    let alone = person.ask(import(vec![file("bad.csv", "")]));
    let failure = alone.expect_err("nothing can be read");
    assert_eq!(failure.code, "unreadable-file");
    assert_eq!(
        failure.reason.matches("bad.csv").count(),
        1,
        "{}",
        failure.reason
    );
}
