//! What a person sees of what was done, here and elsewhere.

use handschlag_tests::harness::Person;
use serde_json::Value;

use crate::surroundings::{alone, company, field_texts, has_way_out, ids, synced, text};

#[test]
fn a_history_tells_who_what_when_before_and_after() {
    let company = company();
    let other = company.joins("Rep B", "b", "member");
    let id = company.owner.ok(&[
        "capture",
        "--company",
        "Nordwind Pumpen GmbH",
        "--note",
        "sucht X-200",
        "--follow-up",
        "+3d",
    ]);
    synced(&company.owner);
    synced(&other);
    other.ok(&["set", &id, "company=Nordwind GmbH", "note+=vor Ostern"]);
    other.ok(&["call", &id, "Preis besprochen"]);
    synced(&other);
    synced(&company.owner);
    company.owner.ok(&["convert", &id]);
    company.owner.ok(&["set", &id, "company="]);
    let history = company.owner.json(&["history", &id]);
    let items = history.as_array().expect("a history is a list");
    let times: Vec<i64> = items
        .iter()
        .filter_map(|item| item["time_ms"].as_i64())
        .collect();
    assert!(
        times.len() == items.len() && times.is_sorted(),
        "in one chronological list: {history:#}"
    );
    let changes: Vec<_> = items
        .iter()
        .filter(|item| item["field"] == "company")
        .map(|item| {
            [
                text(item, "author"),
                text(item, "before"),
                text(item, "after"),
            ]
        })
        .collect();
    assert_eq!(
        changes,
        [
            ["Rep A", "", "Nordwind Pumpen GmbH"],
            ["Rep B", "Nordwind Pumpen GmbH", "Nordwind GmbH"],
            ["Rep A", "Nordwind GmbH", ""],
        ]
    );
    let has = |what: &str, after: &str| {
        items
            .iter()
            .any(|item| item["what"] == what && text(item, "after").contains(after))
    };
    assert!(
        has("note", "vor Ostern") && has("activity", "Preis besprochen"),
        "{history:#}"
    );
    let operation = text(&items[items.len() - 1], "operation");
    assert_eq!(items[0]["what"], "created", "{history:#}");
    company.owner.ok(&["undo", &operation]);
    let shown = company.owner.json(&["show", &id]);
    assert_eq!(field_texts(&shown, "company"), ["Nordwind GmbH"]);
}

/// Lets both change the priority while neither knows of the other.
fn conflict(a: &Person, b: &Person) -> String {
    let id = a.ok(&["capture", "--company", "Nordwind Pumpen GmbH"]);
    synced(a);
    synced(b);
    a.ok(&["set", &id, "priority=A"]);
    b.ok(&["set", &id, "priority=B"]);
    for who in [a, b, a] {
        synced(who);
    }
    id
}

fn shown_priority(who: &Person, id: &str) -> Vec<String> {
    field_texts(&who.json(&["show", id]), "priority")
}

#[test]
fn a_conflict_is_listed_and_decided_once() {
    let company = company();
    let other = company.joins("Rep B", "b", "member");
    let (a, b) = (&company.owner, &other);
    let id = conflict(a, b);
    assert_eq!(shown_priority(a, &id), shown_priority(b, &id));
    let merged = a.json(&["merged"]);
    assert_eq!(merged, b.json(&["merged"]));
    let entry = &merged[0];
    let authors: Vec<String> = entry["choices"]
        .as_array()
        .expect("an entry has choices")
        .iter()
        .map(|choice| text(choice, "author"))
        .collect();
    assert!(authors.contains(&a.name().to_owned()) && authors.contains(&b.name().to_owned()));
    let entry_id = text(entry, "id");
    has_way_out(&a.refused(&["choose", &entry_id, "3"]));
    let wanted = text(&entry["choices"][1], "text");
    b.ok(&["choose", &entry_id[..8], "2"]);
    for who in [b, a] {
        synced(who);
        assert_eq!(shown_priority(who, &id), [wanted.as_str()]);
        assert_eq!(who.json(&["merged"]), Value::Array(Vec::new()));
    }
    handschlag_tests::story::all_agree(&[a, b]);
}

#[test]
fn an_entry_that_one_has_seen_is_seen() {
    let company = company();
    let other = company.joins("Rep B", "b", "member");
    let (a, b) = (&company.owner, &other);
    let id = conflict(a, b);
    let before = shown_priority(a, &id);
    let merged = a.json(&["merged"]);
    a.ok(&["acknowledge", &text(&merged[0], "id")]);
    for who in [a, b] {
        synced(who);
        assert_eq!(who.json(&["merged"]), Value::Array(Vec::new()));
        let all = who.json(&["merged", "--all"]);
        assert_eq!(all[0]["acknowledged"], true, "{all}");
        assert_eq!(shown_priority(who, &id), before);
    }
}

#[test]
fn a_day_is_planned_and_done() {
    let alone = alone();
    let person = &alone.person;
    let id = person.ok(&[
        "capture",
        "--company",
        "Nordwind Pumpen GmbH",
        "--follow-up",
        "today",
    ]);
    let task = text(
        &person.json(&["task", &id, "Angebot schreiben", "--on", "+3d"]),
        "id",
    );
    let urgencies = |args: &[&str]| -> Vec<String> {
        let home = person.json(args);
        let items = home["activities"].as_array().expect("Home has activities");
        items.iter().map(|item| text(item, "urgency")).collect()
    };
    assert_eq!(urgencies(&["home"]), ["today", "next-seven-days"]);
    assert_eq!(urgencies(&["home", "--day", "+4d"]), ["overdue", "overdue"]);
    person.ok(&["postpone", &task, "+30d"]);
    assert_eq!(urgencies(&["home"]), ["today", "later"]);
    person.ok(&["done", &task]);
    assert_eq!(urgencies(&["home"]), ["today"]);
    person.ok(&["reopen", &task]);
    assert_eq!(urgencies(&["home"]).len(), 2);
    for activity in ids(person, "activity") {
        person.ok(&["done", &activity, "--all"]);
    }
    let home = person.json(&["home"]);
    assert_eq!(text(&home["without_next_step"][0], "id"), id, "{home}");
    let listed = person.json(&["list", "inquiry", "--filter", "next-step=none"]);
    assert_eq!(listed["total"], 1);
}

#[test]
fn what_is_done_to_several_is_taken_back_at_once() {
    let alone = alone();
    let person = &alone.person;
    let id = person.ok(&["capture", "--company", "Nordwind Pumpen GmbH"]);
    let [first, second] = ["Angebot schreiben", "Muster schicken"]
        .map(|what| text(&person.json(&["task", &id, what, "--on", "+3d"]), "id"));
    let planned = || {
        let home = person.json(&["home"]);
        home["activities"].as_array().map(Vec::len)
    };
    person.ok(&["done", &first, &second]);
    assert_eq!(planned(), Some(0));
    person.ok(&["undo"]);
    assert_eq!(planned(), Some(2));
    let other = person.ok(&["capture", "--company", "Anton GmbH"]);
    let archived = person.json(&["archive", &id, &other]);
    assert_eq!(ids(person, "inquiry"), [""; 0]);
    person.ok(&["undo", &text(&archived, "batch")]);
    assert_eq!(ids(person, "inquiry").len(), 2);
}

#[test]
fn lists_filter_sort_and_give_windows() {
    let alone = alone();
    let person = &alone.person;
    for (company, priority) in [("Cäsar GmbH", "B"), ("Anton GmbH", "A"), ("Bertha AG", "B")] {
        person.ok(&["capture", "--company", company, "--priority", priority]);
    }
    let titles = |args: &[&str]| -> Vec<String> {
        let list = person.json(&[&["list", "inquiry"], args].concat());
        let rows = list["rows"].as_array().expect("a list has rows");
        rows.iter().map(|row| text(row, "title")).collect()
    };
    assert_eq!(
        titles(&["--sort", "company"]),
        ["Anton GmbH", "Bertha AG", "Cäsar GmbH"]
    );
    assert_eq!(
        titles(&["--filter", "priority=B", "--sort", "-company"]),
        ["Cäsar GmbH", "Bertha AG"]
    );
    assert_eq!(
        titles(&["--filter", "company~gmbh", "--filter", "priority!=A"]),
        ["Cäsar GmbH"]
    );
    assert_eq!(
        titles(&["--sort", "company", "--offset", "1", "--limit", "1"]),
        ["Bertha AG"]
    );
    let found = person.json(&["search", "caesar"]);
    assert_eq!(
        found[0]["title"], "Cäsar GmbH",
        "search folds letters: {found}"
    );
}
