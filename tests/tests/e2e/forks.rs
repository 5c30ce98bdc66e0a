//! Homes that are restored from an old copy, or used twice.

use std::fs;

use handschlag_tests::harness::Person;
use serde_json::Value;

use crate::surroundings::{Company, company, ids, synced, text};

pub(crate) fn copied(company: &Company, who: &Person, name: &str) -> Person {
    who.moved_to(&company.folder.path().join(name))
}

fn capture(who: &Person, company: &str) -> String {
    who.ok(&["capture", "--company", company])
}

/// Gives the code of the device that a home belongs to.
pub(crate) fn code(who: &Person) -> String {
    let members = who.json(&["members"]);
    let members = members.as_array().expect("members").iter();
    let devices = members.flat_map(|member| member["devices"].as_array().expect("devices"));
    let mine = devices.filter(|device| device["is_me"] == true);
    let codes: Vec<String> = mine.map(|device| text(device, "code")).collect();
    assert_eq!(codes.len(), 1);
    codes[0].clone()
}

fn merged(who: &Person) -> Vec<String> {
    let merged = who.json(&["merged"]);
    let entries = merged.as_array().expect("a list").iter();
    entries.map(|entry: &Value| text(entry, "text")).collect()
}

#[test]
fn a_laptop_restored_from_last_month_goes_on_and_loses_nothing() {
    let company = company();
    let rep = company.joins("Rep B", "b", "member");
    let restored = copied(&company, &rep, "restored");
    let mut all: Vec<String> = (0..3)
        .map(|at| capture(&rep, &format!("Sent {at} GmbH")))
        .collect();
    synced(&rep);
    // The laptop is gone; its copy captures ten contacts before it meets the relay.
    let old = code(&restored);
    all.extend((0..10).map(|at| capture(&restored, &format!("Restored {at} GmbH"))));
    synced(&restored);
    synced(&company.owner);
    synced(&restored);
    all.sort();
    for who in [&company.owner, &restored] {
        let mut seen = ids(who, "inquiry");
        seen.sort();
        assert_eq!(seen, all);
        let twice = merged(who);
        let twice = twice.iter().filter(|text| text.contains("issued twice"));
        assert_eq!(twice.count(), 3, "the first three numbers went out twice");
    }
    let new = code(&restored);
    assert_ne!(old, new);
    let next = capture(&restored, "Next GmbH");
    let number = text(&restored.json(&["show", &next]), "number");
    assert!(number.contains(&format!("-{new}-")), "{number}");
    assert_eq!(restored.json(&["status"])["waiting"], serde_json::json!([]));
}

#[test]
fn two_copies_of_a_home_work_side_by_side() {
    let company = company();
    let first = company.joins("Rep B", "b", "member");
    let mut all = vec![capture(&first, "Before the copy GmbH")];
    let second = copied(&company, &first, "copy");
    for round in 0..3 {
        for who in [&first, &second] {
            all.push(capture(who, &format!("Round {round} GmbH")));
            synced(who);
        }
    }
    for who in [&first, &second, &company.owner] {
        synced(who);
    }
    all.sort();
    for who in [&first, &second, &company.owner] {
        synced(who);
        let mut seen = ids(who, "inquiry");
        seen.sort();
        assert_eq!(seen, all);
    }
    assert_ne!(code(&first), code(&second));
}

#[test]
fn keys_of_an_older_copy_put_back_beside_a_newer_store_lose_nothing() {
    let company = company();
    let rep = company.joins("Rep B", "b", "member");
    let restored = copied(&company, &rep, "restored");
    let keys = |of: &Person| of.home().join("device.keys");
    let mut all = vec![capture(&rep, "Of the first GmbH")];
    synced(&rep);
    all.push(capture(&restored, "Of the second GmbH"));
    synced(&restored);
    all.push(capture(&restored, "Not sent yet GmbH"));
    // Only the keys come from the older copy; the store has become another device since.
    fs::copy(keys(&rep), keys(&restored)).expect("the keys are put back");
    all.push(capture(&restored, "Afterwards GmbH"));
    synced(&restored);
    synced(&rep);
    synced(&company.owner);
    all.sort();
    for who in [&company.owner, &restored, &rep] {
        synced(who);
        let mut seen = ids(who, "inquiry");
        seen.sort();
        assert_eq!(seen, all, "{}", who.home().display());
    }
    // Without any keys the home says what to put back; with them it goes on.
    let taken = fs::read(keys(&restored)).expect("there are keys");
    fs::remove_file(keys(&restored)).expect("the keys are lost");
    let error = restored.refused(&["status"]);
    assert!(
        text(&error, "way_out").contains("invite --member"),
        "{error}"
    );
    fs::write(keys(&restored), taken).expect("the keys are put back");
    capture(&restored, "Once more GmbH");
    synced(&restored);
}
