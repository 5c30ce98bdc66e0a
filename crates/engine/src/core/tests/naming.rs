//! What people name: values of entries, operations to undo, words to search for.

use model::intent::{Assignment, Intent, Undo};
use model::{Kind, Role};

use super::founded;
use super::world::Relay;
use crate::interface::*;

#[test]
fn a_value_is_named_by_its_place_or_enough_of_its_id() {
    let mut relay = Relay::new();
    let [mut a, mut b] = relay.gather(Role::Member);
    let record = a.capture("Mueller Praezision GmbH");
    relay.sync(&mut a);
    relay.sync(&mut b);
    for (person, priority) in [(&mut a, "A"), (&mut b, "B")] {
        person.act(Intent::Edit {
            record,
            fields: vec![Assignment::set("priority", priority)],
        });
    }
    relay.sync(&mut a);
    relay.sync(&mut b);
    relay.sync(&mut a);
    let [entry] = a.merged().try_into().expect("one entry");
    let mut named = |value: &str| {
        let answer = a.ask(Request::ResolveEntry {
            entry: entry.id.to_string(),
            value: Some(value.to_owned()),
        });
        match answer {
            Ok(Answer::ResolvedEntry(found)) => Ok(found.value),
            Ok(other) => panic!("{other:?}"),
            Err(failure) => Err(failure.code),
        }
    };
    let ids: Vec<String> = entry.choices.iter().map(|one| one.id.to_string()).collect();
    for (id, place) in ids.iter().zip(["1", "2"]) {
        let choice = entry
            .choices
            .iter()
            .find(|one| one.id.to_string() == *id)
            .map(|one| one.id);
        assert_eq!(named(place), Ok(choice));
        assert_eq!(named(id), Ok(choice));
        assert_eq!(named(&id[..8]), Ok(choice));
    }
    // A place that is not there is nothing else, whatever the ids begin with.
    for wrong in (0..=9).filter(|place| ![1, 2].contains(place)) {
        assert_eq!(named(&wrong.to_string()), Err("no-such-choice".to_owned()));
    }
    for wrong in ["", &ids[0][..3], "zzzz"] {
        assert_eq!(named(wrong), Err("no-such-choice".to_owned()), "{wrong}");
    }
}

#[test]
fn what_founding_made_is_not_undone() {
    let mut person = founded();
    person.capture("Mueller Praezision GmbH");
    let mut undo = |what| {
        person
            .ask(Request::Do {
                intent_id: None,
                batch: None,
                intent: Intent::Undo { what },
            })
            .map_err(|failure| failure.code)
    };
    assert!(undo(Undo::Last).is_ok());
    assert_eq!(undo(Undo::Last), Err("nothing-to-undo".to_owned()));
    let members = person.list(Kind::Member);
    assert_eq!(members.len(), 1);
    let record = members[0].record.id;
    let Answer::History(history) = person.query(Query::History { record }) else {
        panic!("a history");
    };
    let operation = history[0].operation.expect("founding is an operation");
    let failure = person
        .ask(Request::Do {
            intent_id: None,
            batch: None,
            intent: Intent::Undo {
                what: Undo::Operation(operation),
            },
        })
        .unwrap_err();
    assert_eq!(failure.code, "for-good");
    assert!(failure.way_out.is_some());
    assert_eq!(person.list(Kind::Settings).len(), 1);
}

#[test]
fn a_search_gives_whole_words_before_parts_of_words() {
    let mut person = founded();
    let wanted = person.capture("Pumpen 7 GmbH");
    for at in 70..80 {
        person.capture(&format!("Pumpen {at} GmbH"));
    }
    let search = Query::Search {
        text: "gmbh 7".to_owned(),
        limit: 3,
    };
    let Answer::Hits(hits) = person.query(search) else {
        panic!("hits");
    };
    assert_eq!((hits.len(), hits[0].record.id), (3, wanted));
}

#[test]
fn the_settings_go_by_their_kind() {
    let mut person = founded();
    let Ok(Answer::Resolved(settings)) = person.ask(Request::Resolve {
        text: "settings".into(),
    }) else {
        panic!("not found");
    };
    let fields = vec![Assignment::set("currency", "CHF")];
    person.act(Intent::Edit {
        record: settings.id,
        fields,
    });
    let fields = vec![
        Assignment::set("name", "Big press"),
        Assignment::set("revenue", "1250"),
    ];
    let name = vec![Assignment::set("name", "Mueller Praezision GmbH")];
    let customer = person
        .act(Intent::Create {
            kind: Kind::Customer,
            fields: name,
        })
        .done
        .records[0];
    let customer = Assignment::set("customer", customer.to_string().as_str());
    let fields = fields.into_iter().chain([customer]).collect();
    let project = person
        .act(Intent::Create {
            kind: Kind::SalesProject,
            fields,
        })
        .done
        .records[0];
    let revenue = person
        .record(project)
        .fields
        .into_iter()
        .find(|field| field.name == "revenue");
    assert_eq!(revenue.unwrap().text, "1250.00 CHF");
}
