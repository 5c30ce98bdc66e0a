//! Archiving, merging records, follow-ups.

use jiff::civil::date;
use model::merged::Rule;
use model::record::Standing;
use model::{Intent, Kind, RecordId, Value, home};

use crate::acts::*;
use crate::peers::Peers;

#[test]
fn archived_here_edited_there() {
    let mut peers = Peers::new(60, 2);
    let inquiry = shared_inquiry(&mut peers);
    let task = peers.make(0, task(inquiry));
    peers.sync();
    peers.act(0, archive(inquiry));
    peers.act(1, set(inquiry, "company", "Edited"));
    peers.heal();
    assert!(peers.view(0, inquiry).is_alive());
    let entry = peers.only_entry(Rule::ArchivedAndEdited);
    peers.choose(0, &entry, |value| {
        matches!(value, Some(Value::Life(model::value::Life::Archived)))
    });
    assert_eq!(peers.view(1, inquiry).standing, Standing::Archived);
    peers.assert_nothing_merged();
    // What is seen as archived is restored before it is edited; its activities stay.
    let refusal = peers
        .try_act(1, set(inquiry, "company", "Again"))
        .unwrap_err();
    assert_eq!(refusal.code(), "archived");
    assert!(home::waits_for(&peers.view(1, task), peers.members[0]));
    peers.act(1, Intent::Restore { record: inquiry });
    peers.act(1, set(inquiry, "company", "Again"));
    peers.heal();
    peers.assert_nothing_merged();
}

#[test]
fn archived_here_edited_there_and_edited_again_stays_listed() {
    let mut peers = Peers::new(61, 2);
    let inquiry = shared_inquiry(&mut peers);
    peers.act(0, archive(inquiry));
    peers.act(1, set(inquiry, "company", "Edited"));
    peers.sync();
    peers.act(1, set(inquiry, "website", "x.example"));
    peers.heal();
    let list = peers.merged();
    assert_eq!(list.len(), 1, "{list:#?}");
    assert_eq!(list[0].field.as_deref(), Some("life"));
}

#[test]
fn archived_by_two_or_edited_by_two_is_nothing_to_list() {
    let mut peers = Peers::new(62, 2);
    let inquiry = shared_inquiry(&mut peers);
    peers.act(0, set(inquiry, "company", "Edited"));
    peers.act(1, set(inquiry, "website", "x.example"));
    peers.sync();
    peers.act(1, set(inquiry, "family", "Else"));
    peers.heal();
    peers.assert_nothing_merged();
    peers.act(0, archive(inquiry));
    peers.act(1, archive(inquiry));
    peers.heal();
    assert_eq!(peers.view(0, inquiry).standing, Standing::Archived);
    peers.assert_nothing_merged();
}

/// Two customers that everybody knows.
fn two_customers(peers: &mut Peers) -> (RecordId, RecordId) {
    let (one, two) = (
        peers.make(0, customer("One")),
        peers.make(0, customer("Two")),
    );
    peers.sync();
    (one, two)
}

#[test]
fn two_records_merged_into_one_edits_of_the_loser_elsewhere() {
    let mut peers = Peers::new(63, 2);
    let (one, two) = two_customers(&mut peers);
    peers.act(1, set(two, "vat_id", "DE2"));
    let contact = peers.make(1, contact(two, "Person"));
    peers.act(0, merge(two, one));
    peers.act(1, set(two, "website", "two.example"));
    peers.act(0, set(one, "website", "one.example"));
    peers.heal();
    assert_eq!(peers.view(1, two).standing, Standing::Merged(one));
    assert_eq!(peers.text(1, one, "vat_id"), "DE2");
    // What refers to the loser means the survivor.
    assert_eq!(peers.view(0, contact).reference("customer"), Some(one));
    let name = peers.entry(Rule::Aside, one, Some("name"));
    assert_eq!(texts(&name), ["One", "Two"]);
    let entry = peers.entry(Rule::Conflict, one, Some("website"));
    assert_eq!(entry.choices.len(), 2);
    peers.choose(1, &entry, |value| {
        *value == Some(Value::Text("two.example".into()))
    });
    assert_eq!(peers.text(0, one, "website"), "two.example");
    peers.acknowledge(0, &name);
    let still: Vec<_> = peers.merged();
    assert!(still.is_empty(), "{still:#?}");
    // Later edits of the survivor are edits like any other.
    peers.act(0, set(one, "website", "three.example"));
    peers.act(0, set(one, "vat_id", "DE3"));
    peers.heal();
    assert_eq!(peers.text(1, one, "vat_id"), "DE3");
    peers.assert_nothing_merged();
}

#[test]
fn an_edit_of_the_survivor_puts_aside_what_the_loser_added_unseen() {
    let mut peers = Peers::new(64, 2);
    let (one, two) = two_customers(&mut peers);
    peers.act(0, merge(two, one));
    peers.act(1, set(two, "vat_id", "DE2"));
    peers.act(0, set(one, "vat_id", "DE1"));
    peers.sync();
    peers.act(0, set(one, "vat_id", "DE3"));
    peers.heal();
    assert_eq!(peers.text(1, one, "vat_id"), "DE3");
    for text in ["DE1", "DE2"] {
        let entry = peers.entry_with(Rule::Aside, one, text);
        peers.acknowledge(1, &entry);
    }
    peers.acknowledge_all(0);
    assert_eq!(peers.text(1, one, "vat_id"), "DE3");
}

#[test]
fn a_record_merged_into_two_counts_into_the_smallest_and_is_listed() {
    let mut peers = Peers::new(65, 2);
    let (one, two) = two_customers(&mut peers);
    let three = peers.make(0, customer("Three"));
    peers.sync();
    peers.act(0, merge(three, one));
    peers.act(1, merge(three, two));
    peers.heal();
    assert_eq!(
        peers.view(0, three).standing,
        Standing::Merged(one.min(two))
    );
    peers.entry(Rule::MergedApart, three, Some("merged_into"));
}

#[test]
fn a_cycle_of_merges_is_cut_where_it_leaves_the_smallest() {
    let mut peers = Peers::new(66, 3);
    let (one, two) = two_customers(&mut peers);
    let three = peers.make(0, customer("Three"));
    peers.sync();
    peers.act(0, merge(one, two));
    peers.act(1, merge(two, three));
    peers.act(2, merge(three, one));
    peers.heal();
    let smallest = one.min(two).min(three);
    assert_eq!(peers.of_kind(1, Kind::Customer), [smallest]);
    for id in [one, two, three] {
        if id != smallest {
            assert_eq!(peers.view(0, id).standing, Standing::Merged(smallest));
        }
    }
}

#[test]
fn three_records_merged_into_one_lose_none_of_their_values() {
    let mut peers = Peers::new(67, 2);
    let (one, two) = two_customers(&mut peers);
    let three = peers.make(0, customer("Three"));
    peers.sync();
    peers.act(0, merge(two, one));
    peers.act(0, merge(three, one));
    peers.heal();
    peers.entry_with(Rule::Aside, one, "Two");
    peers.entry_with(Rule::Aside, one, "Three");
}

#[test]
fn what_was_listed_at_the_loser_stays_listed_at_the_survivor() {
    let mut peers = Peers::new(68, 2);
    let (one, two) = two_customers(&mut peers);
    let seen = peers.view(1, two).fields["name"]
        .held
        .iter()
        .map(|one| one.id())
        .collect();
    peers.act(0, set(two, "name", "Unseen"));
    peers.sync();
    peers.act(1, set_having_seen(two, "name", "Overwritten", seen));
    peers.act(0, set(two, "website", "a.example"));
    peers.act(1, set(two, "website", "b.example"));
    peers.sync();
    peers.act(0, merge(two, one));
    peers.heal();
    peers.entry_with(Rule::Aside, one, "Unseen");
    peers.entry_with(Rule::Aside, one, "Overwritten");
    let websites: Vec<String> = peers
        .merged()
        .iter()
        .filter(|entry| entry.field.as_deref() == Some("website"))
        .flat_map(texts)
        .collect();
    assert!(
        websites.contains(&"a.example".to_owned()) && websites.contains(&"b.example".to_owned())
    );
}

#[test]
fn two_converted_inquiries_merged_propose_to_merge_what_they_became() {
    let mut peers = Peers::new(69, 2);
    let one = peers.make(0, capture("Mueller"));
    let two = peers.make(0, capture("Mueller GmbH"));
    peers.act(0, convert(one));
    peers.act(0, convert(two));
    peers.act(0, merge(two, one));
    peers.heal();
    let merges: Vec<_> = peers
        .merged()
        .into_iter()
        .filter(|entry| entry.rule == Rule::DerivedApart)
        .filter_map(|entry| entry.merge)
        .collect();
    let pair = |of: fn(RecordId) -> RecordId| (of(two), of(one));
    for role in [
        pair(RecordId::customer_of),
        pair(RecordId::contact_of),
        pair(RecordId::sales_project_of),
    ] {
        assert!(merges.contains(&role), "{merges:?}");
        peers.act(1, merge(role.0, role.1));
    }
    peers.heal();
    assert!(
        peers
            .merged()
            .iter()
            .all(|entry| entry.rule != Rule::DerivedApart)
    );
}

#[test]
fn two_inquiries_merged_here_and_both_converted_there() {
    let mut peers = Peers::new(70, 2);
    let one = peers.make(0, capture("Mueller"));
    let two = peers.make(0, capture("Mueller GmbH"));
    peers.sync();
    peers.act(0, merge(two, one));
    peers.act(1, convert(one));
    peers.act(1, convert(two));
    peers.heal();
    let shown = peers
        .view(0, one)
        .conversion()
        .cloned()
        .expect("it is converted");
    assert_eq!(shown.customer, RecordId::customer_of(one));
    let merges: Vec<_> = peers
        .merged()
        .into_iter()
        .filter_map(|entry| entry.merge)
        .collect();
    assert_eq!(merges.len(), 3, "{merges:?}");
}

#[test]
fn a_converted_inquiry_merged_into_an_open_one_stays_converted() {
    for concurrently in [false, true] {
        let mut peers = Peers::new(71, 2);
        let one = peers.make(0, capture("Mueller"));
        let two = peers.make(0, capture("Mueller GmbH"));
        peers.sync();
        peers.act(1, convert(two));
        if !concurrently {
            peers.sync();
        }
        peers.act(0, merge(two, one));
        peers.heal();
        assert_eq!(peers.status(0, one), "converted");
        let shown = peers
            .view(0, one)
            .conversion()
            .cloned()
            .expect("it is converted");
        assert_eq!(shown.customer, RecordId::customer_of(two));
        let refusal = peers.try_act(0, convert(one)).unwrap_err();
        assert_eq!(refusal.code(), "already-converted");
    }
}

#[test]
fn offers_merged_keep_what_was_sent_and_answered() {
    let mut peers = Peers::new(72, 2);
    let (_, project) = shared_project(&mut peers);
    let (one, first) = shared_offer(&mut peers, project);
    let (two, second) = shared_offer(&mut peers, project);
    peers.act(0, merge(two, one));
    peers.heal();
    peers.act(1, accept(second));
    peers.heal();
    let order = peers.make(0, win(project, None));
    peers.heal();
    assert!(
        matches!(peers.view(1, order).value("award"), Some(Value::Award(one)) if one.issued == Some(second))
    );
    assert!(
        peers
            .merged()
            .iter()
            .all(|entry| entry.rule != Rule::SentTwice)
    );
    assert!(
        peers
            .view(0, one)
            .value(&format!("verdict/{first}"))
            .is_some()
    );
}

#[test]
fn undoing_a_merge_gives_both_records_back() {
    let mut peers = Peers::new(73, 2);
    let (one, two) = two_customers(&mut peers);
    let project = peers.make(
        0,
        Intent::Create {
            kind: Kind::SalesProject,
            fields: vec![
                model::intent::Assignment::set("name", "Press"),
                model::intent::Assignment::set("customer", Value::Reference(two)),
            ],
        },
    );
    peers.act(0, merge(two, one));
    peers.heal();
    assert_eq!(peers.view(1, project).reference("customer"), Some(one));
    peers.act(0, undo());
    peers.heal();
    assert!(peers.view(1, two).is_alive() && peers.view(1, one).is_alive());
    assert_eq!(peers.view(1, project).reference("customer"), Some(two));
    peers.assert_nothing_merged();
}

#[test]
fn follow_up_done_for_me_done_for_all_postponed_reopened() {
    let mut peers = Peers::new(74, 2);
    let inquiry = shared_inquiry(&mut peers);
    let owner = peers.members[1];
    let other = peers.members[0];
    let later = on(date(2026, 12, 1));
    let fresh = |peers: &mut Peers| {
        let id = peers.make(0, follow_up(inquiry, owner));
        peers.sync();
        id
    };
    let done = |peers: &Peers, id, who| home::is_done(&peers.view(0, id), who);

    // Per person.
    let id = fresh(&mut peers);
    peers.act(
        0,
        Intent::Complete {
            activity: id,
            all: false,
        },
    );
    peers.heal();
    assert!(done(&peers, id, other) && !done(&peers, id, owner));

    // Done for all beats postponed.
    let id = fresh(&mut peers);
    peers.act(
        0,
        Intent::Complete {
            activity: id,
            all: true,
        },
    );
    peers.act(
        1,
        Intent::Postpone {
            activity: id,
            until: later.clone(),
        },
    );
    peers.heal();
    assert!(done(&peers, id, owner));

    // Reopening beats a concurrent done.
    let id = fresh(&mut peers);
    peers.act(
        0,
        Intent::Complete {
            activity: id,
            all: true,
        },
    );
    peers.sync();
    peers.act(0, Intent::Reopen { activity: id });
    peers.act(
        1,
        Intent::Complete {
            activity: id,
            all: true,
        },
    );
    peers.heal();
    assert!(!done(&peers, id, owner) && !done(&peers, id, other));

    // Postponing what is done reopens it.
    let id = fresh(&mut peers);
    peers.act(
        1,
        Intent::Complete {
            activity: id,
            all: true,
        },
    );
    peers.act(
        1,
        Intent::Postpone {
            activity: id,
            until: later.clone(),
        },
    );
    peers.heal();
    assert!(!done(&peers, id, owner));
    assert_eq!(home::due(&peers.view(0, id), owner), Some(&later));
    assert_eq!(
        home::due(&peers.view(0, id), other),
        Some(&on(date(2026, 11, 25)))
    );
    peers.assert_nothing_merged();
}

#[test]
fn a_project_of_a_merged_inquiry_shows_the_next_step_of_the_one_that_is_left() {
    let mut peers = Peers::new(91, 2);
    let (left, gone) = (
        peers.make(0, capture("Mueller")),
        peers.make(0, capture("Mueller GmbH")),
    );
    let project = peers.make(0, convert(gone));
    peers.act(0, convert(left));
    peers.act(0, merge(gone, left));
    peers.heal();
    let task = peers.make(1, task(left));
    peers.heal();
    let step = |peers: &Peers| {
        let digest = peers.all[0].replica.digests().get(project);
        digest
            .and_then(|digest| digest.next_step())
            .map(|step| step.0)
    };
    assert_eq!(step(&peers), Some(task));
}

#[test]
fn who_names_a_contact_person_of_a_merged_customer_shows_the_same_everywhere() {
    let mut peers = Peers::new(92, 2);
    let (one, other) = (
        peers.make(0, customer("One")),
        peers.make(0, customer("Other")),
    );
    let (of_one, of_other) = (
        peers.make(0, contact(one, "Berg")),
        peers.make(0, contact(other, "Tal")),
    );
    let (_, project) = shared_project(&mut peers);
    peers.act(0, set(project, "customer", &other.to_string()));
    peers.act(0, set(project, "contact", &of_one.to_string()));
    peers.act(1, set(project, "contact", &of_other.to_string()));
    peers.heal();
    peers.act(0, merge(one, other));
    // Each row is what it is when it is worked out from nothing.
    peers.heal();
}
