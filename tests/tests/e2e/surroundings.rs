//! What most tests begin with.

use handschlag_tests::harness::{Admission, Person, RelayProcess, scratch};
use serde_json::Value;
use tempfile::TempDir;

/// One person with a workspace of his own, and no relay.
pub(crate) struct Alone {
    pub(crate) person: Person,
    pub(crate) folder: TempDir,
}

/// Makes a workspace that has no relay.
pub(crate) fn alone() -> Alone {
    let folder = scratch();
    let person = Person::at("Rep A", &folder.path().join("home"));
    person.ok(&[
        "init",
        "--workspace",
        "Mueller Praezision GmbH",
        "--user",
        "Rep A",
    ]);
    Alone { person, folder }
}

/// A relay, and one person who made a workspace on it.
pub(crate) struct Company {
    pub(crate) owner: Person,
    pub(crate) relay: RelayProcess,
    pub(crate) folder: TempDir,
}

/// Starts a relay and makes a workspace on it.
pub(crate) fn company() -> Company {
    let folder = scratch();
    let relay = RelayProcess::start(&folder.path().join("relay"), Admission::Open);
    let owner = Person::at("Rep A", &folder.path().join("a"));
    let url = relay.url();
    let init = [
        "init",
        "--workspace",
        "Mueller Praezision GmbH",
        "--user",
        "Rep A",
        "--relay",
    ];
    owner.ok(&[&init[..], &[&url]].concat());
    Company {
        owner,
        relay,
        folder,
    }
}

impl Company {
    /// Lets somebody join, with a home of this name.
    pub(crate) fn joins(&self, name: &str, home: &str, role: &str) -> Person {
        let link = self.owner.ok(&["invite", "--user", name, "--role", role]);
        let person = Person::at(name, &self.folder.path().join(home));
        person.ok(&["join", &link]);
        person
    }

    /// Gives a home that nobody uses yet.
    pub(crate) fn empty_home(&self, name: &str) -> Person {
        Person::at(name, &self.folder.path().join(name))
    }
}

/// Meets the relay until both sides have all.
#[track_caller]
pub(crate) fn synced(who: &Person) -> Value {
    let synced = who.json(&["sync"]);
    assert_eq!(
        (&synced["complete"], &synced["only_here"]),
        (&true.into(), &0.into()),
        "{synced}"
    );
    synced
}

/// Gives the ids of the records of a kind, in the order of the list.
#[track_caller]
pub(crate) fn ids(who: &Person, kind: &str) -> Vec<String> {
    let list = who.json(&["list", kind, "--limit", "100000"]);
    let rows = list["rows"].as_array().expect("a list has rows");
    rows.iter().map(|row| text(row, "id")).collect()
}

/// Gives a text of a JSON value.
#[track_caller]
pub(crate) fn text(value: &Value, field: &str) -> String {
    let text = value[field].as_str();
    text.unwrap_or_else(|| panic!("there is a text '{field}' in {value}"))
        .to_owned()
}

/// Gives the texts of the entries of a field.
pub(crate) fn field_texts(record: &Value, name: &str) -> Vec<String> {
    let fields = record["fields"].as_array().expect("a record has fields");
    let entries = fields.iter().filter(|field| field["name"] == name);
    entries.map(|field| text(field, "text")).collect()
}

/// Checks that an error says what to do next.
#[track_caller]
pub(crate) fn has_way_out(error: &Value) {
    let way_out = error["way_out"].as_str().unwrap_or_default();
    assert!(!way_out.is_empty(), "a way out: {error}");
}
