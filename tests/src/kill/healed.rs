//! What must hold when all is healed: the same checks as the simulator's, through the command line.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::ledger::{Act, Ledger};
use super::relay::Life;
use crate::harness::{Person, Rpc};
use crate::story::{all_agree, difference};

/// Checks everything.
pub(super) fn check(
    people: &[Person],
    life: &mut Life,
    folder: &Path,
    ledger: &Ledger,
    tell: &mut dyn FnMut(&str),
) {
    for who in people.iter().chain(people) {
        meets(who);
    }
    let fresh = Person::at("Rep F", &folder.join("fresh"));
    let link = people[0].ok(&["invite", "--user", fresh.name(), "--role", "member"]);
    fresh.ok(&["join", &link]);
    let all: Vec<&Person> = people.iter().chain([&fresh]).collect();
    for who in all.iter().rev().chain(&all) {
        meets(who);
    }
    for who in &all {
        is_idle(who);
    }
    tell("a second sync moves nothing, and every status says so");
    let shown = all_agree(&all);
    let export = fresh.json(&["export"]);
    for who in people {
        let different = difference(&export, &who.json(&["export"]));
        assert_eq!(
            different,
            None,
            "{} exports something else than a fresh home",
            who.name()
        );
    }
    tell(
        "lists, records, histories, Merged list, Home and exports are equal on all homes, and on a fresh one",
    );
    let records = Records::of(&export);
    records.have_numbers_once();
    records.are_converted_whole();
    records.have(ledger, &fresh);
    has_files(ledger, &fresh, &folder.join("saved"));
    assert!(!shown.to_string().is_empty(), "something is shown");
    tell("everything that was acknowledged is there, no number and no customer twice");
    life.verify("relay verified at the end");
    life.relay().stop();
    life.verify("relay verified when stopped");
    tell("the relay's data is sound");
}

/// Meets the relay until both sides have all.
fn meets(who: &Person) {
    let synced = who.json(&["sync"]);
    assert!(
        synced["complete"] == true && synced["only_here"] == 0 && synced["held"] == 0,
        "{} has all, and so has the relay: {synced}",
        who.name()
    );
}

/// Checks that there is nothing left to do.
fn is_idle(who: &Person) {
    let synced = who.json(&["sync"]);
    let traffic = ["sent", "received", "only_here", "not_here"].map(|name| &synced[name]);
    assert!(
        traffic.iter().all(|count| **count == 0),
        "{} is idle: {synced}",
        who.name()
    );
    let status = who.json(&["status"]);
    let counts = ["only_here", "held", "own_held"].map(|name| &status[name]);
    assert!(
        counts.iter().all(|count| **count == 0),
        "{} has nothing left: {status}",
        who.name()
    );
    let lists = ["waiting", "quarantined", "lost_branches"].map(|name| &status[name]);
    assert!(
        lists
            .iter()
            .all(|list| list.as_array().is_some_and(Vec::is_empty)),
        "{} waits for nothing: {status}",
        who.name()
    );
    assert!(
        status["relay_differs"].is_null() && status["revoked"].is_null(),
        "{status}"
    );
}

/// All records of an export.
struct Records<'e> {
    by_id: BTreeMap<&'e str, &'e Value>,
}

impl<'e> Records<'e> {
    fn of(export: &'e Value) -> Self {
        let records = export["records"].as_array().expect("an export has records");
        let by_id: BTreeMap<&str, &Value> = records
            .iter()
            .map(|record| (text(record, "id"), record))
            .collect();
        assert_eq!(
            by_id.len(),
            records.len(),
            "no record stands in an export twice"
        );
        Self { by_id }
    }

    fn of_kind(&self, kind: &str) -> impl Iterator<Item = &'e Value> {
        self.by_id
            .values()
            .copied()
            .filter(move |record| record["kind"] == kind)
    }

    fn have_numbers_once(&self) {
        let mut by_number: BTreeMap<&str, &str> = BTreeMap::new();
        for (id, record) in &self.by_id {
            if let Some(number) = record["number"].as_str()
                && let Some(other) = by_number.insert(number, id)
            {
                panic!("{number} is the number of {other} and of {id}");
            }
        }
    }

    /// A converted inquiry has its customer, contact person and sales project, and no other has its number.
    fn are_converted_whole(&self) {
        let tail = |record: &'e Value| {
            record["number"]
                .as_str()
                .and_then(|number| number.split_once('-'))
        };
        for kind in ["customer", "sales-project"] {
            let mut by_tail: BTreeMap<&str, usize> = BTreeMap::new();
            for record in self.of_kind(kind) {
                if let Some((_, tail)) = tail(record) {
                    *by_tail.entry(tail).or_default() += 1;
                }
            }
            for inquiry in self.of_kind("inquiry") {
                let is_converted = field(inquiry, "status") == Some("converted");
                let (_, tail) = tail(inquiry).expect("an inquiry has a number");
                let count = by_tail.get(tail).copied().unwrap_or_default();
                assert_eq!(
                    count,
                    usize::from(is_converted),
                    "{kind} of inquiry {}: {inquiry}",
                    text(inquiry, "id")
                );
            }
        }
    }

    /// Checks that all is there that was acknowledged, and that no text was written twice.
    fn have(&self, ledger: &Ledger, who: &Person) {
        let mut rpc = Rpc::open(who);
        let mut inquiries: BTreeMap<&str, usize> = BTreeMap::new();
        for inquiry in self.of_kind("inquiry") {
            *inquiries
                .entry(field(inquiry, "company").unwrap_or_default())
                .or_default() += 1;
        }
        let twice = inquiries
            .iter()
            .find(|(company, count)| !company.is_empty() && **count > 1);
        assert_eq!(twice, None, "no inquiry was made twice");
        let mut histories: BTreeMap<&str, String> = BTreeMap::new();
        for act in ledger.acts() {
            match act {
                Act::Made { id, kind, number } => {
                    let record = self.by_id.get(id.as_str());
                    let record = record
                        .unwrap_or_else(|| panic!("{act:?} was acknowledged and is not there"));
                    assert_eq!(record["kind"], kind.as_str(), "{act:?}");
                    assert!(
                        number.is_none() || record["number"].as_str() == number.as_deref(),
                        "{act:?}: {record}"
                    );
                }
                Act::Wrote { id, token } => {
                    let record = self.by_id.get(id.as_str());
                    let record = record
                        .unwrap_or_else(|| panic!("{act:?} was acknowledged and is not there"));
                    let is_there = record.to_string().contains(token) || {
                        let history = histories.entry(id).or_insert_with(|| {
                            rpc.query(serde_json::json!({"query": "history", "record": id}))
                                .to_string()
                        });
                        history.contains(token)
                    };
                    assert!(
                        is_there,
                        "{act:?} was acknowledged and is in no field and no history: {record}"
                    );
                }
                Act::Imported { tokens } => {
                    let missing = tokens
                        .iter()
                        .find(|token| !inquiries.contains_key(token.as_str()));
                    assert_eq!(missing, None, "an import was acknowledged");
                }
                Act::Attached { .. } => {}
            }
        }
        rpc.finish();
    }
}

/// Checks that every file that was attached comes out as it went in.
fn has_files(ledger: &Ledger, who: &Person, folder: &Path) {
    std::fs::create_dir_all(folder).expect("a folder can be made");
    for act in ledger.acts() {
        if let Act::Attached { id, name, bytes } = act {
            let to = folder.join(name);
            who.ok(&[
                "save-file",
                id,
                name,
                "--to",
                to.to_str().expect("a path of the test is UTF-8"),
            ]);
            let saved = std::fs::read(&to).expect("a saved file can be read");
            assert!(saved == *bytes, "{name} of {id} is what was attached");
        }
    }
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name]
        .as_str()
        .unwrap_or_else(|| panic!("there is a text '{name}' in {value}"))
}

/// Gives the text of a field of a record.
fn field<'v>(record: &'v Value, name: &str) -> Option<&'v str> {
    let mut fields = record["fields"].as_array()?.iter();
    fields.find(|field| field["name"] == name)?["text"].as_str()
}
