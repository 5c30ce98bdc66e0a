//! The story goes on: the relay loses its disk, a device is revoked while it works offline, a laptop is restored.

use std::fs;
use std::path::Path;

use protocol::{Refusal, WorkspaceId};
use store::{Backend, Reading as _, Store};
use vault::Roster;

use super::agreement::{all_agree, rows};
use super::cast::World;
use super::told::Stage;
use crate::harness::Person;
use crate::hostile::keys::{Company, who};
use crate::hostile::wire::Wire;

/// How many contacts the restored laptop captures before it meets the relay.
const CAPTURED_BY_THE_RESTORED: usize = 10;

/// Plays what happens after the order; `folder` is for homes that are not used yet.
pub(super) fn play(stage: &mut Stage<'_>, world: &mut World<'_>, folder: &Path) {
    let last_month = world.c.moved_to(&folder.join("c-last-month"));
    let d = lose_the_disk(stage, world, folder);
    revoke(stage, world, &d);
    restore(stage, world, &d, &last_month);
}

/// Captures a contact, and gives its id.
fn capture(stage: &mut Stage<'_>, who: &Person, company: &str) -> String {
    stage.secrets.add(company);
    let captured = who.ok(&["capture", "--company", company]);
    stage.did(who, &["capture", "--company", company], "is saved");
    captured
}

fn has(who: &Person, id: &str) -> bool {
    let list = who.json(&["list", "inquiry", "--limit", "100000"]);
    rows(&list).iter().any(|row| row["id"] == id)
}

fn number(who: &Person, id: &str) -> String {
    let shown = who.json(&["show", id]);
    shown["number"].as_str().unwrap_or_default().to_owned()
}

/// Lets people meet the relay twice, after which all of them have all.
fn meet(stage: &mut Stage<'_>, people: &[&Person]) {
    for who in people.iter().chain(people) {
        let synced = stage.does(who, &["sync"]);
        assert_eq!(synced["complete"], true, "{}: {synced}", who.name());
    }
    all_agree(people);
    stage.holds("all of them show the same");
}

/// The relay's disk is deleted while C is away; A and B fill it, D joins, a stranger gets nothing, C comes back.
fn lose_the_disk(stage: &mut Stage<'_>, world: &mut World<'_>, folder: &Path) -> Person {
    stage.chapter("The relay's disk is deleted while C is away for three days");
    let of_c: Vec<String> = (1..=3)
        .map(|day| capture(stage, &world.c, &format!("Dritter Tag {day} Anlagenbau")))
        .collect();
    world.relay.kill();
    fs::remove_dir_all(world.relay.data()).expect("the relay's disk is deleted");
    world.relay.restart();
    a_stranger_comes_first(stage, world, folder);
    for who in [&world.b, &world.a] {
        stage.does(who, &["sync"]);
    }
    let name = stage.secret("Vertreter Delta");
    let d = Person::at(name, &folder.join("d"));
    let invite = ["invite", "--user", name, "--role", "member"];
    let link = world.a.ok(&invite);
    stage.did(&world.a, &invite, "prints a link");
    let joined = d.json(&["join", &link]);
    assert_eq!(
        joined["device"], "D",
        "codes go on where they were: {joined}"
    );
    stage.did(&d, &["join", "LINK"], "is device D");
    meet(stage, &[&world.a, &world.b, &d]);
    assert!(of_c.iter().all(|id| !has(&d, id)), "C was away");
    stage.holds("the relay serves a new device everything again, and codes go on where they were");

    a_stranger_gets_nothing(stage, world, folder, &link);

    meet(stage, &[&world.c, &world.a, &world.b, &d]);
    assert!(of_c.iter().all(|id| has(&d, id)), "all of C arrives");
    stage.holds("C comes back with three days of offline work, and all of it arrives");
    d
}

/// A stranger tries to become the workspace's first on the empty relay, before anybody of its own is there.
fn a_stranger_comes_first(stage: &mut Stage<'_>, world: &World<'_>, folder: &Path) {
    let status = world.a.json(&["status"]);
    let id = status["workspace"]["workspace"].as_str();
    let workspace: WorkspaceId = id.expect("it has an id").parse().expect("an id");
    let (origin, address) = (world.relay.url(), world.relay.url());
    let address = address.trim_start_matches("http://");

    // He shows a roster of his own making in its name, with an owner's, a member's and a revoked device's keys.
    let his = Company::get();
    for hand in [who::OWNER, who::MEMBER, who::REVOKED] {
        let mut wire = Wire::open(address);
        let (prove, _) = wire.prove_for(&his.hands[hand], &his.roster, workspace);
        assert!(prove.entries.is_some(), "the relay is empty");
        wire.say(prove);
        assert_eq!(wire.refusal(), Some(Refusal::Malformed));
    }
    // He shows its true roster, which he may have seen somewhere, and is nobody in it.
    let store = Store::open(Backend::file(world.a.home().join("store.redb")));
    let store = store.expect("nobody owns the home now");
    let entries = store.read().and_then(|read| read.roster());
    drop(store);
    let roster = Roster::from_entries(entries.expect("it has a roster")).expect("is sound");
    let mut wire = Wire::open(address);
    let (prove, _) = wire.prove(&his.hands[who::STRANGER], &roster);
    wire.say(prove);
    assert_eq!(wire.refusal(), Some(Refusal::NotAMember));
    // He guesses an invite, and puts its name into a link to a workspace of his own.
    let stranger = Person::at("a stranger", &folder.join("stranger-first"));
    let guess = "A".repeat(43);
    let link = format!("{origin}/join#1.{workspace}.{guess}");
    let refused = stranger.refused(&["join", &link]);
    stage.did(
        &stranger,
        &["join", "LINK"],
        refused["reason"].as_str().unwrap_or_default(),
    );
    let founder = Person::at("a stranger", &folder.join("stranger-founds"));
    let init = ["init", "--workspace", "Another", "--user", "Stranger"];
    founder.ok(&[&init[..], &["--relay", &origin]].concat());
    let link = founder.ok(&["invite", "--user", "Another"]);
    let secret = link
        .rsplit_once('.')
        .expect("a link ends with its secret")
        .1;
    let link = format!("{origin}/join#1.{workspace}.{secret}");
    stranger.refused(&["join", &link]);
    stage.holds("a stranger who is there before anybody else cannot claim the workspace");
}

/// A stranger names the workspace in a link of his own making.
fn a_stranger_gets_nothing(stage: &mut Stage<'_>, world: &World<'_>, folder: &Path, link: &str) {
    let stranger = Person::at("a stranger", &folder.join("stranger"));
    let (place, secret) = link.rsplit_once('.').expect("a link ends with its secret");
    let guessed: String = secret.chars().rev().collect();
    let refused = stranger.refused(&["join", &format!("{place}.{guessed}")]);
    stage.did(
        &stranger,
        &["join", "LINK"],
        refused["reason"].as_str().unwrap_or_default(),
    );
    let url = world.relay.url();
    let init = [
        "init",
        "--workspace",
        "Another",
        "--user",
        "Stranger",
        "--relay",
    ];
    stranger.ok(&[&init[..], &[&url]].concat());
    assert!(
        rows(&stranger.json(&["list", "customer"])).is_empty(),
        "his workspace is another one"
    );
    stage.holds("a stranger cannot claim the workspace, nor read anything of it");
}

/// A revokes B's device while B works offline.
fn revoke(stage: &mut Stage<'_>, world: &World<'_>, d: &Person) {
    stage.chapter("A revokes B's device while B works offline");
    let sent = capture(stage, &world.b, "Vor dem Widerruf Technik");
    meet(stage, &[&world.b, &world.a, &world.c, d]);
    let late: Vec<String> = (1..=2)
        .map(|at| capture(stage, &world.b, &format!("Nach dem Widerruf {at} Technik")))
        .collect();
    stage.does(&world.a, &["revoke", "B"]);
    let secret = capture(stage, &world.a, "Nur noch ohne Bravo");
    stage.does(&world.a, &["sync"]);
    let told = world.b.run(&["sync", "--json"]);
    stage.did(&world.b, &["sync"], told.stdout.trim());
    for command in [&["list", "inquiry"][..], &["capture", "--company", "X"]] {
        let refused = world.b.refused(command);
        assert_eq!(refused["code"], "revoked", "{refused}");
    }
    stage.holds("B is told, and locked: no reading, no new work");
    stage.does(&world.a, &["sync"]);
    assert!(has(&world.a, &sent), "what B had sent stays");
    assert!(late.iter().all(|id| !has(&world.a, id)), "it is held");
    stage.sees(&world.a, &["held"]);
    let held = world.a.json(&["held"]).to_string();
    assert!(held.contains("Nach dem Widerruf 1"), "{held}");
    stage.does(&world.a, &["accept-held", "B"]);
    meet(stage, &[&world.a, &world.c, d]);
    for id in &late {
        assert!(
            has(&world.c, id) && has(d, id),
            "what was accepted is everywhere"
        );
    }
    stage.holds("what B did afterwards was held, listed for A, accepted, and is everywhere");
    let again = world.b.run(&["sync", "--json"]);
    assert!(!again.stdout.contains(&secret), "{}", again.stdout);
    world.b.refused(&["show", &secret]);
    stage.holds("B reads nothing that comes later");
}

/// C's laptop is restored from last month's copy, which captures ten contacts before it meets the relay.
fn restore(stage: &mut Stage<'_>, world: &World<'_>, d: &Person, last_month: &Person) {
    stage.chapter("C's laptop is restored from last month's copy");
    let captured: Vec<String> = (1..=CAPTURED_BY_THE_RESTORED)
        .map(|at| capture(stage, last_month, &format!("Wiederhergestellt {at} Werke")))
        .collect();
    meet(stage, &[last_month, &world.a, d]);
    assert!(captured.iter().all(|id| has(d, id)), "all of them arrive");
    let next = capture(stage, last_month, "Danach Werke");
    let number = number(last_month, &next);
    assert!(
        !number.contains("-C-"),
        "a new code comes before the next number: {number}"
    );
    stage.sees(&world.a, &["members"]);
    stage.sees(&world.a, &["merged"]);
    let merged = world.a.json(&["merged"]).to_string();
    assert!(merged.contains("issued twice"), "{merged}");
    meet(stage, &[last_month, &world.a, d]);
    stage.holds("nothing is lost, and numbers that went out twice are listed");
}
