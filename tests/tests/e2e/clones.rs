//! Two copies of one home that are used at once: on the relay all the time, away with unsent work, and revoked.
//!
//! Both write under one device's name until one of them finds out, so a number may go out twice; that is listed, with both
//! records, on every home, and nobody else is held up meanwhile.

use std::collections::{BTreeMap, BTreeSet};

use handschlag_tests::harness::{Person, Rpc};
use handschlag_tests::story::{all_agree, rows};
use serde_json::{Value, json};
use store::{Backend, Reading as _, Store};

use crate::forks::{code, copied};
use crate::surroundings::{Company, company, synced, text};

/// How many contacts each copy captures while both are on the relay.
#[cfg(unix)]
const CAPTURES: usize = 8;

/// A company whose member B has a home with a copy, and whose member C works beside them.
struct Cloned {
    company: Company,
    copies: [Person; 2],
    c: Person,
    /// The ids of all inquiries so far.
    all: BTreeSet<String>,
}

fn cloned() -> Cloned {
    let company = company();
    let b = company.joins("Rep B", "b", "member");
    let c = company.joins("Rep C", "c", "member");
    let shared = capture(&b, "Before the copy GmbH");
    for who in [&b, &company.owner, &c] {
        synced(who);
    }
    // On both of them, and on no relay yet.
    let unsent = capture(&b, "Unsent before the copy GmbH");
    let copy = copied(&company, &b, "copy");
    Cloned {
        company,
        copies: [b, copy],
        c,
        all: BTreeSet::from([shared, unsent]),
    }
}

fn capture(who: &Person, company: &str) -> String {
    who.ok(&["capture", "--company", company])
}

#[cfg(unix)]
fn request(company: &str) -> Value {
    let fields = [json!({"field": "company", "value": company})];
    json!({"request": "do", "intent": {"intent": "capture", "fields": fields}})
}

/// Opens an owner of a home that stays connected.
fn connected(who: &Person) -> Rpc {
    let mut owner = Rpc::open(who);
    owner.ok(json!({"request": "follow", "on": true}));
    owner
}

fn ids(list: &Value) -> BTreeSet<String> {
    rows(list).iter().map(|row| text(row, "id")).collect()
}

/// Watches the list of a home until it has exactly these inquiries.
#[track_caller]
fn sees(who: &Person, all: &BTreeSet<String>) {
    let mut watching = Rpc::open(who);
    let query = json!({"query": "list", "kind": "inquiry", "limit": 10000});
    let subscribed = watching.ok(json!({"request": "subscribe", "query": query}));
    let mut seen = ids(&subscribed["answer"]["content"]);
    while seen != *all {
        assert!(seen.is_subset(all), "{} sees {seen:?}", who.name());
        let event = watching.next_message().expect("the owner goes on");
        seen = ids(&event["answer"]["content"]);
    }
    watching.finish();
}

/// Gives the inquiries by their numbers.
fn by_number(who: &Person) -> BTreeMap<String, BTreeSet<String>> {
    let list = who.json(&["list", "inquiry", "--limit", "10000"]);
    let mut all = BTreeMap::<_, BTreeSet<_>>::new();
    for row in rows(&list) {
        let of_number = all.entry(text(row, "number")).or_default();
        of_number.insert(text(row, "id"));
    }
    all
}

/// Gives the sets of records that the Merged list of a home names as issued twice, checking what it says of them.
fn issued_twice(who: &Person) -> BTreeSet<BTreeSet<String>> {
    let merged = who.json(&["merged"]);
    let entries = merged.as_array().expect("a list").iter();
    let entries = entries.filter(|entry| entry["rule"] == "issued-twice");
    let printed = who.ok(&["merged"]);
    entries
        .map(|entry| {
            let said = text(entry, "text");
            assert!(said.contains("issued twice"), "{said}");
            assert!(printed.contains(&said), "{said} is in {printed}");
            let others = entry["records"].as_array().expect("records").iter();
            let records = others.chain([&entry["record"]]);
            records.map(|record| text(record, "id")).collect()
        })
        .collect()
}

/// Lets all meet the relay until all have all, and checks what must hold of two copies that wrote under one name.
///
/// Gives how many numbers went out twice.
#[track_caller]
fn settled(cloned: &Cloned) -> usize {
    let [b, copy] = &cloned.copies;
    let people = [b, copy, &cloned.c, &cloned.company.owner];
    for who in people.iter().chain(&people) {
        synced(who);
    }
    all_agree(&people);
    let numbers = by_number(copy);
    let listed: BTreeSet<String> = numbers.values().flatten().cloned().collect();
    assert_eq!(listed, cloned.all, "nothing is lost, nothing came twice");
    let doubled: BTreeSet<_> = numbers.into_values().filter(|ids| ids.len() > 1).collect();
    assert!(doubled.iter().all(|ids| ids.len() == 2), "{doubled:?}");
    for who in people {
        assert_eq!(issued_twice(who), doubled, "{}", who.home().display());
        let status = who.json(&["status"]);
        let (waiting, set_aside) = (&status["waiting"], &status["quarantined"]);
        assert_eq!((waiting, set_aside), (&json!([]), &json!([])), "{status}");
    }
    doubled.len()
}

/// Lets both copies write on: their codes are different, one of them is the old one, and no number goes out twice any more.
#[track_caller]
fn go_on(cloned: &mut Cloned, old: &str, doubled: usize) {
    let codes = cloned.copies.each_ref().map(code);
    assert_ne!(codes[0], codes[1]);
    let kept = codes.iter().filter(|code| *code == old);
    assert_eq!(kept.count(), 1, "one of them is a new device: {codes:?}");
    for (who, code) in cloned.copies.iter().zip(codes) {
        let id = capture(who, "Afterwards GmbH");
        let number = text(&who.json(&["show", &id]), "number");
        assert!(number.contains(&format!("-{code}-")), "{number}");
        cloned.all.insert(id);
    }
    assert_eq!(settled(cloned), doubled, "no further number");
}

/// Lets the third person work and meet the relay, which must never wait for the copies.
#[track_caller]
fn is_not_held_up(cloned: &mut Cloned, company: &str) {
    let id = capture(&cloned.c, company);
    synced(&cloned.c);
    synced(&cloned.company.owner);
    cloned.company.owner.ok(&["show", &id]);
    cloned.all.insert(id);
}

#[cfg(unix)]
#[test]
fn two_copies_that_are_on_the_relay_at_once_lose_nothing() {
    let mut cloned = cloned();
    let old = code(&cloned.copies[0]);
    let mut owners = cloned.copies.each_ref().map(connected);
    for who in &cloned.copies {
        synced(who);
    }
    // The first of both are made before the relay can tell of either, so that one number is sure to go out twice.
    cloned.company.relay.process().pause();
    for (owner, name) in owners.iter_mut().zip(["first", "second"]) {
        let done = owner.ok(request(&format!("At once with the {name} GmbH")));
        cloned.all.insert(text(&done["named"][0], "id"));
    }
    cloned.company.relay.process().resume();
    // All calls are under way before the first is answered, while the relay tells each what the other has sent.
    for at in 0..CAPTURES {
        for (owner, name) in owners.iter_mut().zip(["first", "second"]) {
            owner.send(request(&format!("Round {at} of the {name} GmbH")));
        }
    }
    is_not_held_up(&mut cloned, "Beside both GmbH");
    for owner in &mut owners {
        for _ in 0..CAPTURES {
            let answer = owner.next_message().expect("calls are answered");
            assert!(answer["error"].is_null(), "{answer}");
            let named = &answer["ok"]["content"]["named"][0];
            cloned.all.insert(text(named, "id"));
        }
    }
    // Both go on by themselves until they have all, without a word from anybody.
    for who in &cloned.copies {
        sees(who, &cloned.all);
    }
    is_not_held_up(&mut cloned, "Beside both, later GmbH");
    let doubled = settled(&cloned);
    println!("{doubled} numbers went out twice");
    assert!(doubled > 0, "they wrote at once");
    go_on(&mut cloned, &old, doubled);
    for owner in owners {
        owner.finish();
    }
    go_on(&mut cloned, &old, doubled);
}

#[test]
fn two_copies_that_were_away_with_unsent_work_come_back_at_once() {
    let mut cloned = cloned();
    let old = code(&cloned.copies[0]);
    // Both stay open while the relay is away, and work on what they share as well.
    let mut owners = cloned.copies.each_ref().map(connected);
    cloned.company.relay.kill();
    let shared = by_number(&cloned.c);
    let shared = shared.values().flatten().next().expect("one is shared");
    for (who, name) in cloned.copies.iter().zip(["first", "second"]) {
        for at in 0..3 {
            let id = capture(who, &format!("Away {at} with the {name} GmbH"));
            cloned.all.insert(id);
        }
        who.ok(&["set", shared, &format!("note+=noted by the {name}")]);
    }
    for owner in &mut owners {
        let status = owner.query(json!({"query": "status"}));
        assert!(status["only_here"].as_u64() >= Some(4), "{status}");
    }
    cloned.company.relay.restart();
    is_not_held_up(&mut cloned, "Beside both GmbH");
    for who in &cloned.copies {
        sees(who, &cloned.all);
    }
    is_not_held_up(&mut cloned, "Beside both, later GmbH");
    assert_eq!(settled(&cloned), 3, "three numbers went out twice");
    let shown = cloned.c.json(&["show", shared]);
    for name in ["first", "second"] {
        let note = text(&shown, "note");
        assert!(note.contains(&format!("noted by the {name}")), "{note}");
    }
    go_on(&mut cloned, &old, 3);
    for owner in owners {
        owner.finish();
    }
    // Also when each comes alone, one after the other.
    let id = capture(&cloned.copies[1], "The last GmbH");
    cloned.all.insert(id);
    assert_eq!(settled(&cloned), 3);
}

#[test]
fn a_copy_comes_with_its_unsent_work_when_the_other_has_gone_on_for_long() {
    let mut cloned = cloned();
    let old = code(&cloned.copies[0]);
    for (who, name) in cloned.copies.iter().zip(["first", "second"]) {
        for at in 0..2 {
            let id = capture(who, &format!("Company {at} of the {name} GmbH"));
            cloned.all.insert(id);
        }
    }
    synced(&cloned.copies[0]);
    is_not_held_up(&mut cloned, "After the first GmbH");
    let id = capture(&cloned.copies[0], "On and on GmbH");
    cloned.all.insert(id);
    synced(&cloned.copies[0]);
    synced(&cloned.copies[1]);
    is_not_held_up(&mut cloned, "After the second GmbH");
    assert_eq!(settled(&cloned), 2, "two numbers went out twice");
    assert_eq!(
        code(&cloned.copies[0]),
        old,
        "who came first keeps its code"
    );
    go_on(&mut cloned, &old, 2);
}

/// Tells whether the store of a home has a record, whatever its program would say.
fn stores(who: &Person, record: &str) -> bool {
    let backend = Backend::file(who.home().join("store.redb"));
    let store = Store::open(backend).expect("the store opens");
    let read = store.read().expect("the store is read");
    let record: model::RecordId = record.parse().expect("an id");
    let document = read.doc_exists(record.as_bytes()).expect("is read");
    document || read.view(record.as_bytes()).expect("is read").is_some()
}

#[test]
fn a_device_whose_home_was_copied_is_revoked_with_every_copy() {
    let cloned = cloned();
    let company = &cloned.company;
    let a = &company.owner;
    let [b, copy] = &cloned.copies;
    // A third copy has become a device of its own, which continues the first.
    synced(b);
    let successor = copied(company, b, "successor");
    capture(b, "Of the first GmbH");
    synced(b);
    capture(&successor, "Of the third GmbH");
    synced(&successor);
    synced(a);
    let (old, new) = (code(b), code(&successor));
    assert_ne!(old, new);
    // The first is on the relay when it happens, the others are away, one with work that it has not sent.
    let mut owner = b.start(&["sync", "--watch", "--json"]);
    owner.line_where(|line| line.contains(r#""connection":"connected""#));
    capture(copy, "Unsent of the second GmbH");
    let revoked = a.json(&["revoke", &old]);
    let devices = revoked["devices"].as_array().expect("devices").iter();
    let codes: BTreeSet<String> = devices.map(|device| text(device, "code")).collect();
    assert_eq!(
        codes,
        BTreeSet::from([old, new]),
        "with all that continue it"
    );
    let secret = capture(a, "Only without B GmbH");
    synced(a);

    owner.line_where(|line| line.contains(r#""code":"revoked""#));
    owner.terminate();
    for who in [b, copy, &successor] {
        let told = who.refused(&["sync"]);
        assert_eq!(text(&told, "code"), "revoked", "{told}");
        assert!(text(&told, "reason").contains("Rep A (device A)"), "{told}");
        for command in [
            &["list", "inquiry"][..],
            &["show", &secret],
            &["capture", "--company", "Never GmbH"],
            &["export"],
        ] {
            assert_eq!(text(&who.refused(command), "code"), "revoked");
        }
        let status = who.json(&["status"]);
        assert_eq!(text(&status["revoked"], "code"), "revoked", "{status}");
        who.run(&["sync"]);
        assert!(!stores(who, &secret), "{}", who.home().display());
    }
    synced(&cloned.c);
    cloned.c.ok(&["show", &secret]);
    assert!(stores(&cloned.c, &secret), "it is found where it may stand");
}
