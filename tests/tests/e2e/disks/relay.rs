//! A relay on a disk that is full or read-only.

use std::fs;

use handschlag_tests::harness::{Admission, LIMIT, Person, RelayProcess, Running};
use handschlag_tests::story::all_agree;
use serde_json::Value;

use super::{Place, companies, place, tells_of_the_disk, text_is_about_the_disk};
use crate::surroundings::synced;

/// How many transactions fit into the last of a relay's disk at most.
const CAPTURES: usize = 300;

/// What stands in the status of one who is connected.
const CONNECTED: &str = r#""connection":"connected""#;

/// Two people whose relay lies on a small disk.
struct Office {
    relay: RelayProcess,
    people: [Person; 2],
    place: Place,
}

fn office() -> Office {
    let place = place();
    let mut relay = relay_on(&place);
    assert_eq!(relay.try_restart(), Ok(()), "{}", relay.log());
    let people = ["Rep A", "Rep B"].map(|name| Person::at(name, &place.folder.path().join(name)));
    let [a, b] = &people;
    a.ok(&[
        "init",
        "--workspace",
        "Mueller Praezision GmbH",
        "--user",
        "Rep A",
        "--relay",
        &relay.url(),
    ]);
    b.ok(&["join", &a.ok(&["invite", "--user", "Rep B"])]);
    Office {
        relay,
        people,
        place,
    }
}

fn relay_on(place: &Place) -> RelayProcess {
    let folder = place.folder.path().join("relay");
    RelayProcess::prepare(&folder, &place.disk.path().join("data"), Admission::Open)
}

#[test]
fn a_relay_that_finds_no_space_starts_when_there_is_some() {
    let mut refused = 0;
    for left in [0, 4, 16, 64, 256, 1024, 1536, 2048] {
        let place = place();
        let mut relay = relay_on(&place);
        place.disk.fill_but(left);
        let started = relay.try_restart();
        if started.is_err() {
            refused += 1;
            assert_eq!(started, Err(Some(1)), "{}", relay.log());
            text_is_about_the_disk(&relay.log());
        }
        place.disk.free();
        if started.is_err() {
            assert_eq!(relay.try_restart(), Ok(()), "{}", relay.log());
        }
        relay.stop();
    }
    assert!(refused > 2, "the disk was too large {refused} times");
}

#[test]
fn a_relay_whose_disk_gets_full_stops_and_loses_nothing() {
    let office = office();
    let Office {
        mut relay,
        people,
        place,
    } = office;
    let mut watching = people
        .each_ref()
        .map(|who| who.start(&["sync", "--watch", "--json"]));
    watching.iter_mut().for_each(is_connected);
    place.disk.fill_but(128);
    let mut kept = capture_until_it_goes(&people[0]);
    for one in &mut watching {
        one.line_where(|line| !line.contains(CONNECTED));
    }
    let code = relay.has_ended();
    assert_eq!(code, Some(1), "{}", relay.log());
    text_is_about_the_disk(&relay.log());
    // While it is full the relay may start or not; if not it says why, and nothing is called damaged.
    let before = relay.log().len();
    match relay.try_restart() {
        Ok(()) => relay.kill(),
        Err(code) => {
            assert_eq!(code, Some(1), "{}", relay.log());
            text_is_about_the_disk(&relay.log()[before..]);
        }
    }
    people[1].ok(&["capture", "--company", "Unterdessen GmbH"]);
    kept.push("Unterdessen GmbH".to_owned());
    place.disk.free();
    relay.restart();
    // Those who watch come back by themselves.
    for one in &mut watching {
        one.line_where(|line| {
            let status: Value = serde_json::from_str(line).expect("a line is JSON");
            status["connection"] == "connected" && status["only_here"] == 0
        });
    }
    for one in watching {
        one.terminate();
    }
    people.iter().for_each(|who| drop(synced(who)));
    synced(&people[0]);
    kept.sort();
    assert_eq!(companies(&people[1]), kept);
    all_agree(&[&people[0], &people[1]]);
    is_sound(&mut relay);
}

#[test]
fn a_relay_whose_files_may_not_grow_stops_and_loses_nothing() {
    let Office {
        mut relay,
        people,
        place: _place,
    } = office();
    people[0].ok(&["capture", "--company", "Vorher GmbH"]);
    synced(&people[0]);
    relay.process().limit_files(Some(0));
    people[0].ok(&["capture", "--company", "Waehrend GmbH"]);
    let output = people[0].run(&["sync", "--timeout", "5", "--json"]);
    assert_eq!(output.code, Some(1), "{output:?}");
    let said: Value = serde_json::from_str(&output.stdout).expect("sync prints JSON");
    assert_eq!(
        (&said["complete"], &said["only_here"]),
        (&false.into(), &1.into()),
        "{said}"
    );
    assert_eq!(relay.has_ended(), Some(1), "{}", relay.log());
    // Its log is a file that may not grow either, and that must not be what it dies of.
    assert!(!relay.log().contains("panicked"), "{}", relay.log());
    relay.restart();
    synced(&people[0]);
    synced(&people[1]);
    assert_eq!(companies(&people[1]), ["Vorher GmbH", "Waehrend GmbH"]);
    is_sound(&mut relay);
}

#[test]
fn a_backup_that_finds_no_space_leaves_nothing_and_hurts_nobody() {
    let Office {
        mut relay,
        people,
        place,
    } = office();
    people[0].ok(&[
        "capture",
        "--company",
        "Vorher GmbH",
        "--note",
        &"n".repeat(6_000),
    ]);
    synced(&people[0]);
    let other = super::place();
    let file = other.disk.path().join("relay.backup");
    let (name, data) = (path(&file), path(relay.data()).to_owned());
    other.disk.fill_but(4);
    let args = ["backup", name, "--data", &data];
    tells_of_the_disk(&RelayProcess::run_or_kill(&args, LIMIT));
    let left: Vec<_> = fs::read_dir(other.disk.path())
        .expect("the disk can be read")
        .flatten()
        .collect();
    assert_eq!(left.len(), 1, "nothing but what fills it: {left:?}");
    other.disk.free();
    assert_eq!(RelayProcess::run_or_kill(&args, LIMIT).code, Some(0));
    assert_eq!(
        RelayProcess::run_or_kill(&["verify", name], LIMIT).code,
        Some(0)
    );

    let restored = other.disk.path().join("restored");
    let args = ["restore", name, "--data", path(&restored)];
    for left in [0, 16, 64] {
        other.disk.fill_but(left);
        tells_of_the_disk(&RelayProcess::run_or_kill(&args, LIMIT));
        assert!(
            !restored.exists(),
            "nothing is left of a restore that failed"
        );
        other.disk.free();
    }
    assert_eq!(RelayProcess::run_or_kill(&args, LIMIT).code, Some(0));
    // A backup of a relay whose own disk is full takes nothing from that.
    place.disk.fill_but(0);
    let elsewhere = place.folder.path().join("elsewhere.backup");
    let args = ["backup", path(&elsewhere), "--data", &data];
    let output = RelayProcess::run_or_kill(&args, LIMIT);
    assert_eq!(output.code, Some(0), "{output:?}");
    place.disk.free();
    people[0].ok(&["capture", "--company", "Nachher GmbH"]);
    synced(&people[0]);
    is_sound(&mut relay);
}

#[test]
fn a_relay_on_a_read_only_disk_says_so() {
    let Office {
        mut relay,
        people,
        mut place,
    } = office();
    people[0].ok(&["capture", "--company", "Vorher GmbH"]);
    synced(&people[0]);
    relay.stop();
    place.disk.set_read_only(true);
    let before = relay.log().len();
    assert_eq!(relay.try_restart(), Err(Some(1)));
    text_is_about_the_disk(&relay.log()[before..]);
    for args in [["verify", "--data"], ["status", "--data"]] {
        let args = [&args[..], &[path(relay.data())]].concat();
        let output = RelayProcess::run_or_kill(&args, LIMIT);
        assert!(
            output.code == Some(0) || output.code == Some(1),
            "{output:?}"
        );
        if output.code == Some(1) {
            text_is_about_the_disk(&output.stderr);
        }
    }
    place.disk.set_read_only(false);
    relay.restart();
    synced(&people[1]);
    assert_eq!(companies(&people[1]), ["Vorher GmbH"]);
}

/// Captures and syncs until the relay has gone; gives the companies, whose captures were all acknowledged.
fn capture_until_it_goes(who: &Person) -> Vec<String> {
    let mut kept = vec![];
    loop {
        let name = format!("Firma {:03}", kept.len());
        who.ok(&["capture", "--company", &name, "--note", &"n".repeat(6_000)]);
        kept.push(name);
        if who.run(&["sync", "--timeout", "5", "--json"]).code != Some(0) {
            return kept;
        }
        assert!(kept.len() < CAPTURES, "the disk gets full");
    }
}

fn is_connected(watching: &mut Running) {
    watching.line_where(|line| line.contains(CONNECTED));
}

fn is_sound(relay: &mut RelayProcess) {
    relay.command(&["verify", "--data", path(relay.data())]);
    relay.stop();
    relay.command(&["verify", "--data", path(relay.data())]);
}

fn path(path: &std::path::Path) -> &str {
    path.to_str().expect("a path of the test is UTF-8")
}
