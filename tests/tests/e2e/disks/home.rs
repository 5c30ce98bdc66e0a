//! A home on a disk that is full or read-only.

use std::fs;

use handschlag_tests::harness::{Rpc, written_cards};
use handschlag_tests::story::all_agree;
use serde_json::{Value, json};

use super::{INIT, capture, companies, is_about_the_disk, place};
use crate::surroundings::{alone, company, synced};

/// How many captures fit into the last of a disk at most.
const CAPTURES: usize = 400;

#[test]
fn a_workspace_that_found_no_space_is_made_when_there_is_some() {
    let mut refused = 0;
    // So that it fails at the folder, the lock, the store, the keys, or the first transaction.
    for left in [0, 4, 8, 16, 64, 256, 1024, 1280, 1536, 2048] {
        let place = place();
        let person = place.person("a");
        place.disk.fill_but(left);
        let first = person.run(&[&INIT[..], &["--json"]].concat());
        place.disk.free();
        if first.code == Some(0) {
            continue;
        }
        refused += 1;
        let error: Value = serde_json::from_str(&first.stderr).expect("an error is JSON");
        is_about_the_disk(&error["error"]);
        let again = person.run(&INIT);
        assert_eq!(
            again.code,
            Some(0),
            "with {left} KiB the first try left something: {again:?}"
        );
        person.ok(&["capture", "--company", "Nordwind Pumpen GmbH"]);
    }
    assert!(refused > 4, "the disk was too large {refused} times");
}

#[test]
fn captures_on_a_full_disk_are_refused_and_work_again_with_space() {
    let place = place();
    let person = place.founder();
    place.disk.fill_but(64);
    let mut kept = vec![];
    let error = loop {
        let name = format!("Firma {:03}", kept.len());
        let output = person.run(&["capture", "--company", &name, "--json"]);
        if output.code != Some(0) {
            assert_eq!(output.code, Some(1), "{output:?}");
            let error: Value = serde_json::from_str(&output.stderr).expect("an error is JSON");
            break error["error"].clone();
        }
        kept.push(name);
        assert!(kept.len() < CAPTURES, "the disk gets full");
    };
    is_about_the_disk(&error);
    // What is there can be looked at, and each try says the same.
    assert_eq!(companies(&person), kept);
    is_about_the_disk(&person.refused(&[
        "capture",
        "--company",
        "Zu viel GmbH",
        "--note",
        &"n".repeat(6_000),
    ]));
    assert_eq!(companies(&person), kept);
    place.disk.free();
    person.ok(&["capture", "--company", "Zuletzt GmbH"]);
    kept.push("Zuletzt GmbH".to_owned());
    assert_eq!(companies(&person), kept);
}

#[test]
fn an_owner_goes_on_by_itself_when_there_is_space_again() {
    let place = place();
    let person = place.founder();
    let mut owner = Rpc::open(&person);
    owner.ok(capture("Vorher GmbH", '1'));
    place.disk.fill_but(0);
    let long = "n".repeat(6_000);
    for _ in 0..2 {
        let mut call = capture("Waehrend GmbH", '2');
        call["intent"]["note"] = long.as_str().into();
        let failed = owner.call(call);
        is_about_the_disk(&failed["error"]);
        is_about_the_disk(&person.refused(&[
            "capture",
            "--company",
            "Daneben GmbH",
            "--note",
            &long,
        ]));
    }
    place.disk.free();
    let mut call = capture("Waehrend GmbH", '2');
    call["intent"]["note"] = long.as_str().into();
    let done = owner.ok(call.clone());
    assert_eq!(owner.ok(call), done);
    assert_eq!(companies(&person), ["Vorher GmbH", "Waehrend GmbH"]);
    owner.finish();
    assert_eq!(companies(&person), ["Vorher GmbH", "Waehrend GmbH"]);
}

#[test]
fn an_owner_whose_files_may_not_grow_goes_on_when_they_may() {
    let alone = alone();
    let person = alone.person.bearing_limits();
    let mut owner = Rpc::open(&person);
    owner.ok(capture("Vorher GmbH", '1'));
    owner.process().limit_files(Some(0));
    for _ in 0..3 {
        let failed = owner.call(capture("Waehrend GmbH", '2'));
        is_about_the_disk(&failed["error"]);
        is_about_the_disk(&person.refused(&["capture", "--company", "Daneben GmbH"]));
    }
    owner.process().limit_files(None);
    owner.ok(capture("Waehrend GmbH", '2'));
    assert_eq!(companies(&person), ["Vorher GmbH", "Waehrend GmbH"]);
    owner.finish();
    let list = person.json(&["list", "inquiry"]);
    let id = list["rows"][0]["id"].as_str().expect("a row has an id");
    person.ok(&["note", id, "nach dem Ende des Besitzers"]);
}

#[test]
fn an_import_that_finds_no_space_is_repeated_with_space() {
    const CARDS: usize = 700;
    let place = place();
    let person = place.founder();
    let file = &written_cards(&place.folder.path().join("cards"), 1, CARDS)[0];
    let file = file.to_str().expect("a path of the test is UTF-8");
    person.ok(&["capture", "--company", "Vorher GmbH"]);
    place.disk.fill_but(700);
    is_about_the_disk(&person.refused(&["import", file]));
    let there = companies(&person);
    assert!(
        there.contains(&"Vorher GmbH".to_owned()) && there.len() <= CARDS,
        "{}",
        there.len()
    );
    place.disk.free();
    let again = person.json(&["import", file]);
    assert_eq!(
        again["records"].as_array().map(Vec::len),
        Some(CARDS),
        "{}",
        again["problems"]
    );
    let status = person.json(&["status"]);
    assert_eq!(
        (&status["waiting"], &status["quarantined"]),
        (&json!([]), &json!([])),
        "{status}"
    );
}

#[test]
fn a_sync_that_finds_no_space_goes_on_with_space() {
    let company = company();
    let place = place();
    let file = &written_cards(&place.folder.path().join("cards"), 1, 400)[0];
    let joins = |name: &str| {
        let person = place.person(name);
        let link = company.owner.ok(&["invite", "--user", name]);
        person.ok(&["join", &link]);
        person
    };
    let (command, watching) = (joins("b"), joins("c"));
    company.owner.ok(&[
        "import",
        file.to_str().expect("a path of the test is UTF-8"),
    ]);
    synced(&company.owner);
    place.disk.fill_but(32);
    let output = command.run(&["sync", "--timeout", "20", "--json"]);
    assert_eq!(output.code, Some(1), "{output:?}");
    let said: Value = serde_json::from_str(&output.stdout).expect("sync prints JSON");
    is_about_the_disk(&said["problem"]);
    let mut watch = watching.start(&["sync", "--watch", "--json"]);
    let line = watch.line_where(|line| line.contains("No space left"));
    let status: Value = serde_json::from_str(&line).expect("a line is JSON");
    assert_eq!(status["connection"], "away", "{status}");
    place.disk.free();
    watch.line_where(|line| line.contains(r#""connection":"connected""#));
    synced(&watching);
    watch.terminate();
    synced(&command);
    synced(&watching);
    all_agree(&[&company.owner, &command, &watching]);
}

#[test]
fn joining_on_a_full_disk_works_with_the_same_link_later() {
    let company = company();
    company
        .owner
        .ok(&["capture", "--company", "Nordwind Pumpen GmbH"]);
    synced(&company.owner);
    for left in [0, 64, 1024, 1536] {
        let place = place();
        let link = company
            .owner
            .ok(&["invite", "--user", &format!("Rep {left}")]);
        let person = place.person("b");
        place.disk.fill_but(left);
        let output = person.run(&["join", &link, "--json"]);
        place.disk.free();
        if output.code != Some(0) {
            let last = output.stderr.trim_end().lines().last().unwrap_or_default();
            let error: Value = serde_json::from_str(last).expect("an error is JSON");
            is_about_the_disk(&error["error"]);
            person.ok(&["join", &link]);
        }
        synced(&person);
        assert_eq!(companies(&person), ["Nordwind Pumpen GmbH"]);
    }
}

#[test]
fn a_read_only_home_is_told_and_kept() {
    let mut place = place();
    let person = place.founder();
    person.ok(&["capture", "--company", "Nordwind Pumpen GmbH"]);
    let keys = fs::read(person.home().join("device.keys")).expect("the keys can be read");
    place.disk.set_read_only(true);
    for args in [
        &["capture", "--company", "Zu viel GmbH"][..],
        &["list", "inquiry"],
        &["status"],
        &["sync"],
    ] {
        is_about_the_disk(&person.refused(args));
    }
    is_about_the_disk(&place.person("b").refused(&INIT));
    place.disk.set_read_only(false);
    assert_eq!(fs::read(person.home().join("device.keys")).ok(), Some(keys));
    person.ok(&["capture", "--company", "Suedwind GmbH"]);
    assert_eq!(
        companies(&person),
        ["Nordwind Pumpen GmbH", "Suedwind GmbH"]
    );
}

#[test]
fn a_file_that_finds_no_space_is_not_saved_in_part() {
    let alone = alone();
    let place = place();
    let source = place.folder.path().join("photo.bin");
    fs::write(&source, vec![7; 200_000]).expect("a file can be written");
    let id = alone
        .person
        .ok(&["capture", "--company", "Nordwind Pumpen GmbH"]);
    alone.person.ok(&[
        "attach",
        &id,
        source.to_str().expect("a path of the test is UTF-8"),
    ]);
    place.disk.fill_but(16);
    let to = place.disk.path().join("photo.bin");
    let name = to.to_str().expect("a path of the test is UTF-8");
    let error = alone
        .person
        .refused(&["save-file", &id, "photo.bin", "--to", name]);
    is_about_the_disk(&error);
    assert!(!to.exists(), "half a file is none");
    place.disk.free();
    alone
        .person
        .ok(&["save-file", &id, "photo.bin", "--to", name]);
    assert_eq!(fs::metadata(&to).map(|file| file.len()).ok(), Some(200_000));
}

#[test]
fn a_file_that_would_be_written_over_stays_until_the_new_one_is_whole() {
    let alone = alone();
    let place = place();
    let source = place.folder.path().join("photo.bin");
    fs::write(&source, vec![7; 200_000]).expect("a file can be written");
    let id = alone
        .person
        .ok(&["capture", "--company", "Nordwind Pumpen GmbH"]);
    alone.person.ok(&[
        "attach",
        &id,
        source.to_str().expect("a path of the test is UTF-8"),
    ]);
    let folder = place.disk.path().join("out");
    fs::create_dir(&folder).expect("a folder can be made");
    let to = folder.join("photo.bin");
    fs::write(&to, "mine").expect("a file can be written");
    place.disk.fill_but(16);
    let name = to.to_str().expect("a path of the test is UTF-8");
    let save = ["save-file", &id, "photo.bin", "--to", name, "--force"];
    is_about_the_disk(&alone.person.refused(&save));
    assert_eq!(fs::read(&to).ok(), Some(b"mine".to_vec()));
    let there = fs::read_dir(&folder).expect("the folder can be read");
    assert_eq!(there.count(), 1, "nothing is left beside it");
    place.disk.free();
    alone.person.ok(&save);
    assert_eq!(fs::read(&to).ok(), Some(vec![7; 200_000]));
}

#[test]
fn what_is_written_over_keeps_its_mode_and_the_links_to_it() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let alone = alone();
    let folder = alone.folder.path();
    let (source, target, link) = (
        folder.join("photo.bin"),
        folder.join("target.bin"),
        folder.join("link.bin"),
    );
    fs::write(&source, "a photo").expect("a file can be written");
    fs::write(&target, "mine, and longer").expect("a file can be written");
    fs::set_permissions(&target, fs::Permissions::from_mode(0o640)).expect("a mode can be set");
    symlink(&target, &link).expect("a link can be made");
    let path = |path: &std::path::Path| path.display().to_string();
    let id = alone.person.ok(&["capture", "--company", "Nordwind GmbH"]);
    alone.person.ok(&["attach", &id, &path(&source)]);
    let save = ["save-file", &id, "photo.bin", "--to"];
    let onto = |to: &str| alone.person.ok(&[&save[..], &[to, "--force"]].concat());
    onto(&path(&link));
    assert_eq!(fs::read(&target).ok(), Some(b"a photo".to_vec()));
    assert!(link.is_symlink(), "the link stays one");
    let mode = fs::metadata(&target)
        .expect("is there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o640);
    // What is no file is written to, not replaced.
    onto("/dev/null");
    let null = fs::metadata("/dev/null").expect("is there");
    assert!(!null.is_file(), "a device stays one");
}
