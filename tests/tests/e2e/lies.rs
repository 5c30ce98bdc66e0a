//! A relay that shows people different data is found out by what they send each other, and named.

use handschlag_tests::harness::{Admission, Person, RelayProcess, copy_directory};
use serde_json::Value;

use crate::surroundings::{Company, company, ids, synced, text};

/// Starts a second process with the same key and the same data, which from here on tells another story.
fn twin(company: &mut Company) -> RelayProcess {
    company.relay.stop();
    let folder = company.folder.path().join("twin");
    let data = folder.join("data");
    copy_directory(company.relay.data(), &data);
    company.relay.restart();
    let mut twin = RelayProcess::prepare(&folder, &data, Admission::Open);
    twin.restart();
    twin
}

fn differs(who: &Person) -> Value {
    who.json(&["status"])["relay_differs"].clone()
}

/// Gives the warnings that `status` prints.
fn warnings(who: &Person) -> Vec<String> {
    let printed = who.ok(&["status"]);
    let lines = printed.lines().filter(|line| line.starts_with("warning: "));
    lines.map(str::to_owned).collect()
}

#[test]
fn a_relay_that_shows_people_different_logs_is_named_in_status() {
    let mut company = company();
    let b = company.joins("Rep B", "b", "member");
    let c = company.joins("Rep C", "c", "member");
    for who in [&company.owner, &b, &c] {
        synced(who);
    }
    let twin = twin(&mut company);
    let a = &company.owner;
    // A and C are shown one log, B the other.
    a.ok(&["capture", "--company", "Shown to A and C GmbH"]);
    synced(a);
    synced(&c);
    b.ok(&["relay", &twin.url()]);
    b.ok(&["capture", "--company", "Shown to B alone GmbH"]);
    synced(&b);
    assert_eq!(ids(&b, "inquiry").len(), 1, "the logs are different ones");
    // What B writes now says what it has read, and comes to the others by whatever way.
    b.ok(&["capture", "--company", "Sealed after the other log GmbH"]);
    for who in [a, &b, &c] {
        assert_eq!(differs(who), Value::Null, "nothing has shown it yet");
        assert_eq!(warnings(who), [""; 0]);
    }
    b.ok(&["relay", &company.relay.url()]);
    synced(&b);
    for who in [a, &c] {
        synced(who);
        let status = who.json(&["status"]);
        let told = text(&status, "relay_differs");
        for part in [
            "the relay showed device B another log than this one",
            "handschlag relay URL",
        ] {
            assert!(told.contains(part), "{told}");
        }
        assert_eq!(warnings(who), [format!("warning: {told}")]);
    }
    // Nothing is lost by it, and everybody works on.
    for who in [a, &c] {
        assert_eq!(ids(who, "inquiry").len(), 3, "{}", who.name());
    }
    handschlag_tests::story::all_agree(&[a, &b, &c]);
    // An honest relay with a key of its own begins without blame.
    let folder = company.folder.path().join("honest");
    let honest = RelayProcess::start(&folder, Admission::Open);
    a.ok(&["relay", &honest.url()]);
    assert_eq!(differs(a), Value::Null);
    assert_eq!(warnings(a), [""; 0]);
    assert_ne!(differs(&c), Value::Null, "C still is at the other one");
}
