//! Who owns a home, and what a home survives.

use std::path::PathBuf;

use handschlag_tests::harness::{Person, Rpc, scratch, written_cards};
use serde_json::{Value, json};

use crate::surroundings::{alone, company, ids, synced, text};

fn capture(company: &str) -> Value {
    let fields = [json!({"field": "company", "value": company})];
    json!({"request": "do", "intent": {"intent": "capture", "fields": fields}})
}

#[test]
fn a_second_command_talks_to_the_owner() {
    let alone = alone();
    let mut owner = Rpc::open(&alone.person);
    let subscribed =
        owner.ok(json!({"request": "subscribe", "query": {"query": "list", "kind": "inquiry"}}));
    assert_eq!(subscribed["answer"]["content"]["total"], 0, "{subscribed}");
    let id = alone
        .person
        .ok(&["capture", "--company", "Nordwind Pumpen GmbH"]);
    let event = owner.next_message().expect("the owner tells of the change");
    assert_eq!(event["event"], "changed", "{event}");
    assert!(event.to_string().contains(&id), "{event}");
    assert_eq!(ids(&alone.person, "inquiry"), [id.as_str()]);
    owner.finish();
    // The home has no owner any more, and the next command becomes it.
    assert_eq!(ids(&alone.person, "inquiry"), [id]);
}

#[test]
fn commands_work_beside_one_that_watches() {
    let company = company();
    let other = company.joins("Rep B", "b", "member");
    let mut watching = company.owner.start(&["sync", "--watch", "--json"]);
    watching.line_where(|line| line.contains(r#""connection":"connected""#));
    let id = company
        .owner
        .ok(&["capture", "--company", "Nordwind Pumpen GmbH"]);
    synced(&company.owner);
    synced(&other);
    assert_eq!(ids(&other, "inquiry"), [id]);
    let status = watching.terminate();
    assert!(status.code().is_none_or(|code| code == 0), "{status}");
    assert_eq!(ids(&company.owner, "inquiry").len(), 1);
}

#[test]
fn a_press_that_is_repeated_is_one_record() {
    let alone = alone();
    let mut first = capture("Nordwind Pumpen GmbH");
    first["intent_id"] = "00112233445566778899aabbccddeeff".into();
    let mut rpc = Rpc::open(&alone.person);
    let answer = rpc.ok(first.clone());
    assert_eq!(rpc.ok(first.clone()), answer);
    rpc.kill();
    // Also after the process has died, as after a lost answer.
    let mut rpc = Rpc::open(&alone.person);
    assert_eq!(rpc.ok(first), answer);
    rpc.finish();
    assert_eq!(ids(&alone.person, "inquiry").len(), 1);
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    const CALLS: usize = 300;
    const ANSWERS: usize = 60;
    let alone = alone();
    let mut rpc = Rpc::open(&alone.person);
    for at in 0..CALLS {
        rpc.send(capture(&format!("Firma {at}")));
    }
    let acknowledged: Vec<String> = (0..ANSWERS)
        .map(|_| {
            let answer = rpc.next_message().expect("calls are answered");
            text(&answer["ok"]["content"]["named"][0], "id")
        })
        .collect();
    rpc.kill();
    let there = ids(&alone.person, "inquiry");
    for id in &acknowledged {
        assert!(there.contains(id), "{id} was acknowledged");
    }
    alone.person.ok(&["capture", "--company", "Danach GmbH"]);
    assert_eq!(ids(&alone.person, "inquiry").len(), there.len() + 1);
}

#[test]
fn an_import_that_is_killed_leaves_whole_transactions() {
    const CARDS: usize = 700;
    let mut company = company();
    let files = written_cards(&company.folder.path().join("cards"), 1, CARDS);
    let kept = company.owner.ok(&["capture", "--company", "Vorher GmbH"]);
    let mut rpc = Rpc::open(&company.owner);
    let cards = std::fs::read(&files[0]).expect("the file was written");
    let file = json!({"name": "cards.vcf", "bytes": base64(&cards)});
    rpc.send(json!({"request": "import", "files": [file], "event": "Hannover Messe"}));
    let first = rpc
        .next_message()
        .expect("a long import tells how far it is");
    assert_eq!(first["event"], "progress", "{first}");
    rpc.kill();

    let there = ids(&company.owner, "inquiry");
    assert!(
        there.contains(&kept) && there.len() <= CARDS + 1,
        "{}",
        there.len()
    );
    let status = company.owner.json(&["status"]);
    assert_eq!(
        (&status["waiting"], &status["quarantined"]),
        (&json!([]), &json!([])),
        "{status}"
    );
    // The file once more brings all of it, and others get all that is here.
    let again = company.owner.json(&["import", path(&files[0])]);
    assert_eq!(
        again["records"].as_array().map(Vec::len),
        Some(CARDS),
        "{}",
        again["problems"]
    );
    synced(&company.owner);
    let other = company.joins("Rep B", "b", "member");
    synced(&other);
    assert_eq!(ids(&other, "inquiry"), ids(&company.owner, "inquiry"));
    company.relay.stop();
}

#[test]
fn a_deep_path_is_a_home_too() {
    let folder = scratch();
    let deep: PathBuf = folder.path().join(["ein-recht-langer-ordner"; 9].join("/"));
    let person = Person::at("Rep A", &deep);
    person.ok(&[
        "init",
        "--workspace",
        "Mueller Praezision GmbH",
        "--user",
        "Rep A",
    ]);
    let owner = Rpc::open(&person);
    let id = person.ok(&["capture", "--company", "Nordwind Pumpen GmbH"]);
    owner.finish();
    assert_eq!(ids(&person, "inquiry"), [id]);
}

#[test]
fn many_commands_at_once_find_one_owner() {
    let alone = alone();
    let threads: Vec<_> = (0..6)
        .map(|at| {
            let person = alone.person.clone();
            std::thread::spawn(move || person.ok(&["capture", "--company", &format!("Firma {at}")]))
        })
        .collect();
    let mut made: Vec<String> = threads
        .into_iter()
        .map(|thread| thread.join().expect("a capture works"))
        .collect();
    let mut there = ids(&alone.person, "inquiry");
    made.sort();
    there.sort();
    assert_eq!(made, there);
}

fn path(path: &std::path::Path) -> &str {
    path.to_str().expect("a path of the test is UTF-8")
}

/// Writes bytes as the interface takes them in JSON.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits = three
            .iter()
            .fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
        let bits = bits << (8 * (3 - three.len()));
        for at in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * at)) as usize & 63];
            text.push(if at > three.len() {
                '='
            } else {
                char::from(letter)
            });
        }
    }
    text
}
