//! Fields, lists, notes.

use model::merged::Rule;
use model::{Intent, Value};

use crate::acts::*;
use crate::peers::Peers;

fn is_text(text: &str) -> impl Fn(&Option<Value>) -> bool {
    move |value| *value == Some(Value::Text(text.to_owned()))
}

#[test]
fn different_fields_of_one_record() {
    let mut peers = Peers::new(10, 2);
    let inquiry = shared_inquiry(&mut peers);
    peers.act(0, set(inquiry, "company", "Mueller GmbH"));
    peers.act(1, set(inquiry, "website", "mueller.example"));
    peers.heal();
    assert_eq!(peers.text(0, inquiry, "company"), "Mueller GmbH");
    assert_eq!(peers.text(0, inquiry, "website"), "mueller.example");
    peers.assert_nothing_merged();
}

#[test]
fn same_field_different_values() {
    let mut peers = Peers::new(11, 3);
    let inquiry = shared_inquiry(&mut peers);
    for (at, name) in ["One", "Two", "Three"].into_iter().enumerate() {
        peers.act(at, set(inquiry, "company", name));
    }
    peers.heal();
    let entry = peers.only_entry(Rule::Conflict);
    assert_eq!(
        (entry.record, entry.field.as_deref()),
        (inquiry, Some("company"))
    );
    let mut values = texts(&entry);
    values.sort();
    assert_eq!(values, ["One", "Three", "Two"]);
    let shown = &entry.choices[0];
    assert!(shown.shown);
    assert_eq!(
        shown.value,
        peers.view(1, inquiry).value("company").cloned()
    );
    for choice in &entry.choices {
        let member = peers.all[0].replica.views();
        assert!(member.member_of(choice.author).is_some());
        assert!(choice.time_ms > 0);
    }
    peers.choose(1, &entry, is_text("Two"));
    assert_eq!(peers.text(2, inquiry, "company"), "Two");
    peers.assert_nothing_merged();
}

#[test]
fn same_field_different_values_may_be_acknowledged_as_they_are() {
    let mut peers = Peers::new(12, 2);
    let inquiry = shared_inquiry(&mut peers);
    peers.act(0, set(inquiry, "company", "One"));
    peers.act(1, set(inquiry, "company", "Two"));
    peers.heal();
    let entry = peers.only_entry(Rule::Conflict);
    let shown = peers.text(0, inquiry, "company");
    peers.acknowledge(1, &entry);
    assert_eq!(peers.text(0, inquiry, "company"), shown);
    peers.assert_nothing_merged();
}

#[test]
fn choosing_apart_is_a_conflict_again_and_choosing_alike_is_none() {
    let mut peers = Peers::new(13, 2);
    let inquiry = shared_inquiry(&mut peers);
    peers.act(0, set(inquiry, "company", "One"));
    peers.act(1, set(inquiry, "company", "Two"));
    peers.sync();
    let entry = peers.only_entry(Rule::Conflict);
    for (at, choice) in entry.choices.iter().enumerate() {
        peers.act(
            at,
            Intent::Choose {
                entry: entry.id,
                value: choice.id,
            },
        );
    }
    peers.heal();
    let again = peers.only_entry(Rule::Conflict);
    assert_ne!(again.id, entry.id);
    for at in 0..2 {
        let value = again.choices[0].id;
        peers.act(
            at,
            Intent::Choose {
                entry: again.id,
                value,
            },
        );
    }
    peers.heal();
    peers.assert_nothing_merged();
}

#[test]
fn same_value_twice() {
    let mut peers = Peers::new(14, 2);
    let inquiry = shared_inquiry(&mut peers);
    peers.act(0, set(inquiry, "company", "Same"));
    peers.act(1, set(inquiry, "company", "Same"));
    peers.heal();
    peers.assert_nothing_merged();
    // Whoever saw either press has seen the value.
    let seen: Vec<Vec<_>> = (0..2)
        .map(|at| {
            peers.view(at, inquiry).fields["company"]
                .held
                .iter()
                .map(|one| one.id())
                .collect()
        })
        .collect();
    peers.act(
        1,
        set_having_seen(inquiry, "company", "New", seen[0].clone()),
    );
    peers.heal();
    peers.assert_nothing_merged();
}

#[test]
fn who_saw_one_of_two_equal_presses_has_seen_the_value() {
    for seed in 0..8 {
        let mut peers = Peers::new(15 + seed, 2);
        let inquiry = shared_inquiry(&mut peers);
        peers.act(0, set(inquiry, "company", "Same"));
        peers.act(1, set(inquiry, "company", "Same"));
        let held = &peers.view(1, inquiry).fields["company"].held;
        let seen = held.iter().map(|one| one.id()).collect();
        peers.sync();
        peers.act(1, set_having_seen(inquiry, "company", "New", seen));
        peers.heal();
        peers.assert_nothing_merged();
    }
}

#[test]
fn notes_are_merged_by_character() {
    let mut peers = Peers::new(16, 2);
    let inquiry = shared_inquiry(&mut peers);
    peers.act(0, set(inquiry, "note", "Met at the big stand."));
    peers.act(1, note(inquiry, "Wants a quote."));
    peers.heal();
    assert_eq!(
        peers.view(0, inquiry).note,
        "Met at the big stand.\nWants a quote."
    );
    peers.assert_nothing_merged();
}

#[test]
fn phones_emails_tags_links_line_items_are_both_kept_and_the_same_phone_twice_is_one() {
    let mut peers = Peers::new(17, 2);
    let (inquiry, project) = shared_project(&mut peers);
    let offer = peers.make(0, draft(project, &[item("Press", 100)]));
    peers.sync();
    peers.act(0, add(inquiry, "phone", "+49 171 1"));
    peers.act(1, add(inquiry, "phone", "+49 171 2"));
    peers.act(0, add(inquiry, "phone", "+49 40 777 88"));
    peers.act(1, add(inquiry, "phone", "+49 (40) 77788"));
    peers.act(0, add(inquiry, "email", "a@example.com"));
    peers.act(1, add(inquiry, "email", "A@Example.com"));
    peers.act(0, add(inquiry, "tag", "hot"));
    peers.act(1, add(inquiry, "tag", "cold"));
    peers.act(0, add(inquiry, "tag", "fair"));
    peers.act(1, add(inquiry, "tag", "fair"));
    peers.act(0, add(inquiry, "link", &project.to_string()));
    peers.act(1, add(inquiry, "link", &offer.to_string()));
    peers.act(0, add(offer, "item", "Belt;1;piece;10"));
    peers.act(1, add(offer, "item", "Motor;1;piece;20"));
    peers.heal();
    let view = peers.view(1, inquiry);
    assert_eq!(view.labelled("phone").len(), 4);
    assert_eq!(view.labelled("email").len(), 2);
    assert_eq!(view.tags().len(), 4);
    assert_eq!(view.references("link").len(), 2);
    assert_eq!(peers.view(0, offer).items().len(), 3);
    peers.assert_nothing_merged();
}

#[test]
fn cleared_here_changed_there() {
    let mut peers = Peers::new(18, 2);
    let inquiry = shared_inquiry(&mut peers);
    peers.act(0, set(inquiry, "company", "Changed"));
    peers.act(1, set(inquiry, "company", ""));
    peers.heal();
    assert_eq!(peers.text(1, inquiry, "company"), "Changed");
    let entry = peers.only_entry(Rule::Conflict);
    assert_eq!(texts(&entry), ["Changed", "-"]);
    peers.choose(0, &entry, Option::is_none);
    assert_eq!(peers.text(1, inquiry, "company"), "");
    peers.assert_nothing_merged();
}

#[test]
fn removed_here_changed_there() {
    let mut peers = Peers::new(19, 2);
    let inquiry = shared_inquiry(&mut peers);
    let view = peers.view(0, inquiry);
    let key = view.list("phone").next().expect("a phone").0.to_owned();
    peers.act(0, remove(inquiry, "phone", "+49 30 123456"));
    peers.act(1, set(inquiry, &key, "+49 30 999"));
    peers.heal();
    assert_eq!(
        peers.view(0, inquiry).labelled("phone")[0].1.value,
        "+49 30 999"
    );
    let entry = peers.only_entry(Rule::Conflict);
    assert_eq!(texts(&entry), ["+49 30 999 (work)", "-"]);
    peers.acknowledge(0, &entry);
    peers.assert_nothing_merged();
}

#[test]
fn no_aside_is_lost_when_somebody_who_merged_in_the_background_writes_over_a_conflict() {
    let mut peers = Peers::new(20, 3);
    let inquiry = shared_inquiry(&mut peers);
    peers.act(0, set(inquiry, "company", "One"));
    peers.act(1, set(inquiry, "company", "Two"));
    let held = peers.view(1, inquiry).fields["company"].held.clone();
    let seen = held.iter().map(|one| one.id()).collect();
    // While the form is open, the other's value arrives.
    peers.deliver(0, 1, usize::MAX);
    peers.act(1, set_having_seen(inquiry, "company", "Three", seen));
    peers.heal();
    assert_eq!(peers.text(2, inquiry, "company"), "Three");
    let first = peers.entry_with(Rule::Aside, inquiry, "One");
    assert_eq!(texts(&first), ["Three", "One"]);
    peers.choose(2, &first, is_text("One"));
    assert_eq!(peers.text(0, inquiry, "company"), "One");
    let second = peers.entry_with(Rule::Aside, inquiry, "Two");
    peers.acknowledge(0, &second);
    peers.assert_nothing_merged();
}

#[test]
fn a_value_that_arrived_unseen_is_set_aside_and_a_seen_one_is_not() {
    let mut peers = Peers::new(21, 2);
    let inquiry = shared_inquiry(&mut peers);
    let seen: Vec<_> = peers.view(1, inquiry).fields["company"]
        .held
        .iter()
        .map(|one| one.id())
        .collect();
    peers.act(0, set(inquiry, "company", "Unseen"));
    peers.sync();
    peers.act(1, set_having_seen(inquiry, "company", "New", seen));
    peers.heal();
    let entry = peers.only_entry(Rule::Aside);
    assert_eq!(texts(&entry), ["New", "Unseen"]);
    peers.acknowledge(0, &entry);
    let seen: Vec<_> = peers.view(1, inquiry).fields["company"]
        .held
        .iter()
        .map(|one| one.id())
        .collect();
    peers.act(1, set_having_seen(inquiry, "company", "Newer", seen));
    peers.heal();
    peers.assert_nothing_merged();
}

#[test]
fn clearing_that_arrived_unseen_is_set_aside() {
    let mut peers = Peers::new(22, 2);
    let inquiry = shared_inquiry(&mut peers);
    let seen: Vec<_> = peers.view(1, inquiry).fields["company"]
        .held
        .iter()
        .map(|one| one.id())
        .collect();
    peers.act(0, set(inquiry, "company", ""));
    peers.sync();
    peers.act(1, set_having_seen(inquiry, "company", "New", seen));
    peers.heal();
    let entry = peers.only_entry(Rule::Aside);
    assert_eq!(texts(&entry), ["New", "-"]);
    peers.choose(1, &entry, Option::is_none);
    assert_eq!(peers.text(0, inquiry, "company"), "");
    peers.assert_nothing_merged();
}

#[test]
fn work_one_after_the_other_sets_nothing_aside() {
    let mut peers = Peers::new(23, 2);
    let (inquiry, project) = shared_project(&mut peers);
    for round in 0..3 {
        for at in 0..2 {
            peers.act(at, set(inquiry, "company", &format!("Name {round} {at}")));
            peers.act(at, set(inquiry, "website", ""));
            peers.act(at, phase(project, ["negotiation", "on-hold"][at]));
            peers.act(at, set(project, "revenue", &format!("{round}{at}00 EUR")));
            peers.act(at, add(project, "tag", &format!("round {round}")));
            peers.act(at, remove(project, "tag", &format!("round {round}")));
            peers.act(at, archive(inquiry));
            peers.act(at, Intent::Restore { record: inquiry });
            peers.sync();
        }
    }
    peers.heal();
    peers.assert_nothing_merged();
}

#[test]
fn references_in_conflict_show_the_smallest_id_on_all_devices() {
    let mut peers = Peers::new(24, 2);
    let (_, project) = shared_project(&mut peers);
    let (one, two) = (
        peers.make(0, customer("One")),
        peers.make(0, customer("Two")),
    );
    peers.sync();
    peers.act(0, set(project, "customer", &one.to_string()));
    peers.act(1, set(project, "customer", &two.to_string()));
    peers.heal();
    let view = peers.view(1, project);
    assert_eq!(view.reference("customer"), Some(one.min(two)));
    peers.entry(Rule::Conflict, project, Some("customer"));
}
