//! Homes as every version of the client has kept them.
//!
//! `tests/fixtures/home-N` is the home of a client whose store has format N, of [`generate`]: `store.redb.z` is its store,
//! deflated, `device.keys` its keys, and `export.json.z` what it exported then; `relay.redb.z`, where there is one, is what
//! its relay kept, of the layout of that time (home 2: layout 1). They are written once, when the number of the format grows,
//! by `HANDSCHLAG_WRITE_FIXTURES=1 cargo test -p handschlag-tests --test e2e fixtures`, and never again; home 2 was written
//! by the programs of its own time, named by `HANDSCHLAG_BIN` and `HANDSCHLAG_RELAY_BIN`.

use std::fs;
use std::path::{Path, PathBuf};

use handschlag_relay::log::LAYOUT;
use handschlag_tests::harness::{Admission, Person, RelayProcess, scratch};
use handschlag_tests::story::{all_agree, rows};
use serde_json::{Value, json};

use crate::surroundings::{company, synced, text};

/// The most bytes of a file in the fixtures, inflated.
const MAX_BYTES: usize = 64 * 1024 * 1024;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// The kept homes, by the format of their stores.
fn kept() -> Vec<(u32, PathBuf)> {
    let listed = fs::read_dir(folder()).expect("there are fixtures");
    let mut all: Vec<(u32, PathBuf)> = listed
        .filter_map(|entry| {
            let path = entry.expect("lists").path();
            let number = path.file_name()?.to_str()?.strip_prefix("home-")?.parse();
            Some((number.expect("is a number"), path))
        })
        .collect();
    all.sort();
    all
}

/// Makes a home with a bit of everything: the whole way to an order, a conflict, something archived, an attached file,
/// an import and an undone operation.
fn generate(into: &Path) {
    let mut company = company();
    let a = &company.owner;
    let inquiry = a.ok(&[
        "capture",
        "--company",
        "Nordwind Pumpen GmbH",
        "--contact",
        "Jörg Müller",
        "--phone",
        "mobile:+49 170 1234567",
        "--email",
        "j.mueller@example.com",
        "--address",
        "Hafenstraße 4;20457 Hamburg;DE",
        "--tag",
        "Pumpen",
        "--note",
        "sucht zwei X-200\nvor Ostern",
        "--event",
        "Hannover Messe",
        "--origin",
        "trade-fair",
        "--priority",
        "A",
        "--consent",
        "spoken: darf den Katalog schicken",
        "--follow-up",
        "2026-12-03 9:30",
    ]);
    let card = company.folder.path().join("karte.txt");
    fs::write(&card, "ein Bild").expect("writes");
    a.ok(&["attach", &inquiry, card.to_str().expect("is a path")]);
    let b = company.joins("Rep B", "b", "member");
    synced(a);
    synced(&b);
    // Both say something else, and neither has seen the other.
    a.ok(&["set", &inquiry, "priority=B"]);
    b.ok(&["set", &inquiry, "priority=C"]);
    b.ok(&[
        "call",
        &inquiry,
        "Preis besprochen",
        "--on",
        "2026-11-23 14:00",
    ]);
    let converted = a.json(&["convert", &inquiry]);
    let project = converted["named"].as_array().into_iter().flatten();
    let project = project
        .filter(|one| one["kind"] == "sales-project")
        .map(|one| text(one, "id"))
        .next()
        .expect("a sales project appears");
    let item = "Pumpe X-200;2;Stück;1250,50;5;19";
    let offer = a.json(&[
        "offer",
        &project,
        "--item",
        item,
        "--valid-until",
        "2027-01-31",
    ]);
    a.ok(&["send", &text(&offer["named"][0], "id")]);
    a.ok(&["win", &project]);
    let other = a.ok(&["capture", "--company", "Südwind AG"]);
    a.ok(&["archive", &other]);
    a.ok(&["capture", "--company", "Aus Versehen GmbH"]);
    a.ok(&["undo"]);
    let cards = company.folder.path().join("karten.csv");
    fs::write(&cards, "Vorname;Name;Firma\nAnna;Muster;Muster KG\n").expect("writes");
    a.ok(&["import", cards.to_str().expect("is a path")]);
    synced(&b);
    synced(a);
    let exported = a.ok(&["export", "--json"]);
    let store = fs::read(a.home().join("store.redb")).expect("reads");
    company.relay.stop();
    let relay = fs::read(company.relay.data().join("relay.redb")).expect("reads");
    fs::create_dir_all(into).expect("makes");
    for (name, bytes) in [
        ("store.redb.z", store),
        ("relay.redb.z", relay),
        ("export.json.z", exported.into_bytes()),
    ] {
        let deflated = miniz_oxide::deflate::compress_to_vec(&bytes, 9);
        fs::write(into.join(name), deflated).expect("writes");
    }
    fs::copy(a.home().join("device.keys"), into.join("device.keys")).expect("copies");
}

fn inflated(path: &Path) -> Vec<u8> {
    let bytes = fs::read(path).expect("reads");
    miniz_oxide::inflate::decompress_to_vec_with_limit(&bytes, MAX_BYTES).expect("inflates")
}

/// Lays out a kept home in a folder.
fn lay_out(kept: &Path, folder: &Path) -> Person {
    let person = Person::at("Rep A", folder);
    fs::create_dir_all(folder).expect("makes");
    fs::write(
        folder.join("store.redb"),
        inflated(&kept.join("store.redb.z")),
    )
    .expect("writes");
    let keys = fs::read(kept.join("device.keys")).expect("reads");
    fs::write(folder.join("device.keys"), keys).expect("writes");
    person
}

/// Names the first place where something that was there is not there any more; what is new does not count.
fn lost(before: &Value, now: &Value, place: &str) -> Option<String> {
    match (before, now) {
        (Value::Object(before), Value::Object(now)) => before.iter().find_map(|(key, before)| {
            let place = format!("{place}/{key}");
            lost(before, now.get(key).unwrap_or(&Value::Null), &place)
        }),
        (Value::Array(before), Value::Array(now)) if before.len() == now.len() => before
            .iter()
            .zip(now)
            .enumerate()
            .find_map(|(at, (before, now))| lost(before, now, &format!("{place}/{at}"))),
        _ => (before != now).then(|| format!("{place}: {before} became {now}")),
    }
}

#[test]
fn homes_of_every_format_are_read_and_go_on() {
    let all = kept();
    assert!(!all.is_empty(), "there are fixtures");
    for (number, kept) in all {
        let scratch = scratch();
        let person = lay_out(&kept, scratch.path());
        let before: Value =
            serde_json::from_slice(&inflated(&kept.join("export.json.z"))).expect("is JSON");
        let now: Value = serde_json::from_str(&person.ok(&["export", "--json"])).expect("is JSON");
        assert_eq!(lost(&before, &now, ""), None, "home of format {number}");
        let merged = person.json(&["merged"]);
        assert!(
            merged.to_string().contains("priority"),
            "{number}: {merged}"
        );
        let found = person.json(&["search", "Nordwind"]);
        assert!(
            found.to_string().contains("PR-2026-A-0001"),
            "{number}: {found}"
        );
        assert_eq!(person.json(&["status"])["only_here"], 0, "{number}");
        // It goes on: the next number, a change, and taking it back.
        let new = person.ok(&["capture", "--company", "Danach GmbH"]);
        assert!(person.ok(&["show", &new]).contains("Danach GmbH"));
        person.ok(&["set", "AF-2026-A-0001", "priority=A"]);
        person.ok(&["undo"]);
        assert_eq!(person.json(&["status"])["only_here"], 3, "{number}");
    }
}

#[test]
fn the_newest_format_has_a_home() {
    let newest = folder().join(format!("home-{}", store::FORMAT_VERSION));
    if std::env::var_os("HANDSCHLAG_WRITE_FIXTURES").is_some() && !newest.exists() {
        generate(&newest);
    }
    let last = kept().pop();
    assert_eq!(
        last,
        Some((store::FORMAT_VERSION, newest)),
        "write it once, see the head of this file"
    );
}

#[test]
fn relays_of_every_layout_go_on_with_the_homes_of_their_time() {
    let with_relay = |(_, kept): &(u32, PathBuf)| kept.join("relay.redb.z").exists();
    let all: Vec<_> = kept().into_iter().filter(with_relay).collect();
    assert!(!all.is_empty(), "there are fixtures");
    for (number, kept) in all {
        let scratch = scratch();
        let database = inflated(&kept.join("relay.redb.z"));
        let has_held = database.windows(10).any(|bytes| bytes == b"held_feeds");
        assert_eq!(has_held, number > 2, "home 2 had a relay of layout 1");
        let [data, stopped] = ["relay/data", "stopped"].map(|name| scratch.path().join(name));
        for folder in [&data, &stopped] {
            fs::create_dir_all(folder).expect("makes");
            fs::write(folder.join("relay.redb"), &database).expect("writes");
        }
        // What is stored is served, whatever may begin.
        let nobody_begins = Admission::Allow(Vec::new());
        let mut relay = RelayProcess::prepare(&scratch.path().join("relay"), &data, nobody_begins);
        let asks = |relay: &RelayProcess, what: &str, folder: &Path| -> Value {
            let folder = folder.display().to_string();
            let said = relay.command(&[what, "--data", &folder, "--json"]);
            serde_json::from_str(&said).expect("is JSON")
        };
        let verified = asks(&relay, "verify", &stopped);
        assert_eq!(verified["ok"], true, "{number}: {verified}");
        let kept_before = verified["workspaces"][0]["envelopes"].as_u64();
        assert!(kept_before > Some(10), "{number}: {verified}");

        relay.restart();
        let a = lay_out(&kept, &scratch.path().join("a"));
        let shown = a.json(&["list", "inquiry"]);
        let late = a.ok(&["capture", "--company", "Danach GmbH"]);
        // It knows the relay by its key, at whatever address; only what is new is sent.
        a.ok(&["relay", &relay.url()]);
        let again = synced(&a);
        assert_eq!((&again["sent"], &again["received"]), (&json!(0), &json!(0)));
        let status = asks(&relay, "status", &data);
        assert_eq!(status["layout"], LAYOUT, "{number}: {status}");
        let kept_now = status["workspaces"][0]["envelopes"].as_u64();
        assert_eq!(kept_now, kept_before.map(|before| before + 1), "{status}");

        // A new device takes over everything from the relay alone.
        let link = a.ok(&["invite", "--user", "Rep C"]);
        let c = Person::at("Rep C", &scratch.path().join("c"));
        assert_eq!(text(&c.json(&["join", &link]), "device"), "C");
        for who in [&c, &a, &c] {
            synced(who);
        }
        all_agree(&[&a, &c]);
        c.ok(&["show", &late]);
        assert!(rows(&shown).len() > 1, "{shown}");
        let verified = asks(&relay, "verify", &data);
        assert_eq!(verified["ok"], true, "{number}: {verified}");
        relay.stop();
        let verified = asks(&relay, "verify", &data);
        assert_eq!(verified["ok"], true, "{number}: {verified}");
    }
}
