//! Relays that die, are away, come later, or are none.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;

use handschlag_tests::harness::{Admission, Dice, Person, RelayProcess, Rpc, scratch};
use serde_json::{Value, json};

use crate::surroundings::{alone, company, has_way_out, ids, synced, text};

#[test]
fn a_relay_that_is_killed_loses_nothing_acknowledged() {
    const RECORDS: usize = 150;
    let mut dice = Dice::throw();
    println!("HANDSCHLAG_SEED={}", dice.seed());
    let mut company = company();
    let other = company.joins("Rep B", "b", "member");
    synced(&company.owner);
    let people = [&company.owner, &other];
    let made = people.map(|who| capture_many(who, RECORDS));

    for round in 0..3 {
        let mut watching = people.map(|who| who.start(&["sync", "--watch", "--json"]));
        let at = dice.below(people.len());
        // A line tells how many are only here; the relay dies somewhere on their way.
        let left = RECORDS * (3 - round) / 4;
        watching[at].line_where(|line| {
            let status: Value = serde_json::from_str(line).expect("a line is JSON");
            status["connection"] == "connected" && status["only_here"].as_u64() <= Some(left as u64)
        });
        company.relay.kill();
        for one in watching {
            one.terminate();
        }
        let before = people.map(|who| who.json(&["status"])["only_here"].clone());
        company.relay.restart();
        // What the relay acknowledged it still has: nobody has more to send than before.
        for (who, before) in people.iter().zip(before) {
            let after = who.json(&["status"])["only_here"].clone();
            assert!(
                after.as_u64() <= before.as_u64(),
                "{}: {before} became {after}",
                who.name()
            );
        }
    }
    for who in [people[0], people[1], people[0]] {
        synced(who);
    }
    let late = company.joins("Rep C", "c", "member");
    synced(&late);
    for who in [people[0], people[1], &late] {
        let there = ids(who, "inquiry");
        assert_eq!(there.len(), 2 * RECORDS, "{}", who.name());
        assert!(
            made.iter().flatten().all(|id| there.contains(id)),
            "{}",
            who.name()
        );
    }
}

fn capture_many(who: &Person, count: usize) -> Vec<String> {
    let mut rpc = Rpc::open(who);
    for at in 0..count {
        let fields = [json!({"field": "company", "value": format!("Firma {at}")})];
        rpc.send(json!({"request": "do", "intent": {"intent": "capture", "fields": fields}}));
    }
    let made = (0..count)
        .map(|_| {
            let answer = rpc.next_message().expect("a call is answered");
            text(&answer["ok"]["content"]["named"][0], "id")
        })
        .collect();
    rpc.finish();
    made
}

#[test]
fn without_the_relay_all_work_goes_on() {
    let mut company = company();
    synced(&company.owner);
    company.relay.stop();
    let id = company
        .owner
        .ok(&["capture", "--company", "Nordwind Pumpen GmbH"]);
    company.owner.ok(&["note", &id, "sucht X-200"]);
    company.owner.ok(&["convert", &id]);
    let status = company.owner.json(&["status"]);
    assert_eq!(status["only_here"], 3, "{status}");
    let output = company.owner.run(&["sync", "--timeout", "1", "--json"]);
    assert_eq!(output.code, Some(1), "{output:?}");
    let synced_not: Value = serde_json::from_str(&output.stdout).expect("sync prints JSON");
    assert_eq!(
        (&synced_not["complete"], &synced_not["only_here"]),
        (&false.into(), &3.into())
    );
    let said = company.owner.run(&["sync", "--timeout", "1"]);
    assert!(
        said.stderr.contains("3 transactions only on this device"),
        "{said:?}"
    );
    has_way_out(&company.owner.refused(&["invite", "--user", "Rep B"]));
    company.relay.restart();
    assert_eq!(synced(&company.owner)["sent"], 3);
    assert_eq!(company.owner.json(&["status"])["only_here"], 0);
}

#[test]
fn a_workspace_may_get_its_relay_later() {
    let alone = alone();
    let id = alone
        .person
        .ok(&["capture", "--company", "Nordwind Pumpen GmbH"]);
    alone.person.ok(&["convert", &id]);
    has_way_out(&alone.person.refused(&["sync"]));
    has_way_out(&alone.person.refused(&["invite", "--user", "Rep B"]));
    let relay = RelayProcess::start(&alone.folder.path().join("relay"), Admission::Open);
    alone.person.ok(&["relay", &relay.url()]);
    synced(&alone.person);
    let link = alone.person.ok(&["invite", "--user", "Rep B"]);
    let other = Person::at("Rep B", &alone.folder.path().join("b"));
    other.ok(&["join", &link]);
    synced(&other);
    synced(&alone.person);
    handschlag_tests::story::all_agree(&[&alone.person, &other]);
    assert_eq!(ids(&other, "inquiry"), [id]);
}

#[test]
fn a_relay_serves_those_that_it_allows() {
    let stranger = alone();
    let allowed = alone();
    let workspace = text(&allowed.person.json(&["status"])["workspace"], "workspace");
    let admission = Admission::Allow(vec![workspace]);
    let relay = RelayProcess::start(&allowed.folder.path().join("relay"), admission);
    allowed.person.ok(&["relay", &relay.url()]);
    synced(&allowed.person);
    let error = stranger.person.refused(&["relay", &relay.url()]);
    has_way_out(&error);
    let error = stranger.person.refused(&["sync", "--timeout", "5"]);
    has_way_out(&error);
}

#[test]
fn an_address_that_is_no_relay_is_told() {
    let alone = alone();
    for wrong in ["no address", "ftp://relay.example.com", "http://", ""] {
        has_way_out(&alone.person.refused(&["relay", wrong]));
    }
    assert!(alone.person.json(&["status"])["relay"].is_null());
    let web = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let url = format!(
        "http://{}",
        web.local_addr().expect("a listener has an address")
    );
    std::thread::spawn(move || {
        for stream in web.incoming() {
            let mut stream = stream.expect("a connection comes");
            let reader = BufReader::new(stream.try_clone().expect("a stream can be cloned"));
            let _ = reader.lines().map_while(Result::ok).find(String::is_empty);
            let answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello";
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    has_way_out(&alone.person.refused(&["relay", &url]));
    has_way_out(&alone.person.refused(&["sync", "--timeout", "2"]));
    // What is here is untouched, and a right address repairs it.
    alone
        .person
        .ok(&["capture", "--company", "Nordwind Pumpen GmbH"]);
    let relay = RelayProcess::start(&alone.folder.path().join("relay"), Admission::Open);
    alone.person.ok(&["relay", &relay.url()]);
    synced(&alone.person);
}

#[test]
fn a_workspace_is_made_although_the_relay_is_away() {
    let folder = scratch();
    let person = Person::at("Rep A", &folder.path().join("home"));
    let init = [
        "init",
        "--workspace",
        "Mueller Praezision GmbH",
        "--user",
        "Rep A",
    ];
    let away = [&init[..], &["--relay", "http://127.0.0.1:1"]].concat();
    has_way_out(&person.refused(&away));
    person.ok(&["capture", "--company", "Nordwind Pumpen GmbH"]);
    let relay = RelayProcess::start(&folder.path().join("relay"), Admission::Open);
    person.ok(&["relay", &relay.url()]);
    synced(&person);
}
