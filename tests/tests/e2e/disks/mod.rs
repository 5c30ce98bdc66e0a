//! Disks that are full or take no writes, under a home and under a relay.
//!
//! A full disk is a small file system of its own ([`SmallDisk`]); a disk that takes no more in the middle is also played by
//! the largest size that a file may have, which a running process is given from outside and which needs no rights at all.

mod home;
mod relay;

use handschlag_tests::harness::{Output, Person, SmallDisk, scratch};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The size of a disk.
const KIB: u32 = 16 * 1024;

/// What an error about a disk tells its reader to do.
const WAYS_OUT: [&str; 5] = [
    "make space",
    "free some space",
    "is not full",
    "can be written",
    "give this user access",
];

/// A small disk in a folder of its own.
struct Place {
    disk: SmallDisk,
    folder: TempDir,
}

fn place() -> Place {
    let folder = scratch();
    let disk = SmallDisk::make(&folder.path().join("disk"), KIB);
    Place { disk, folder }
}

impl Place {
    /// Gives a person with a home on the disk.
    fn person(&self, name: &str) -> Person {
        Person::at(name, &self.disk.path().join(name))
    }

    /// Gives a person who made a workspace without a relay on the disk.
    fn founder(&self) -> Person {
        let person = self.person("a");
        person.ok(&INIT);
        person
    }
}

const INIT: [&str; 5] = [
    "init",
    "--workspace",
    "Mueller Praezision GmbH",
    "--user",
    "Rep A",
];

/// Checks that an error is about the disk and says what to do.
#[track_caller]
fn is_about_the_disk(error: &Value) {
    let way_out = error["way_out"].as_str().unwrap_or_default();
    assert!(
        WAYS_OUT.iter().any(|text| way_out.contains(text)),
        "what to do about the disk: {error}"
    );
    let reason = error["reason"].as_str().unwrap_or_default();
    assert!(
        ["No space left", "Read-only file system", "File too large"]
            .iter()
            .any(|text| reason.contains(text)),
        "what the system said: {error}"
    );
}

/// Checks that what a relay's command says is about the disk and says what to do.
#[track_caller]
fn tells_of_the_disk(output: &Output) {
    assert_eq!(output.code, Some(1), "{output:?}");
    text_is_about_the_disk(&output.stderr);
}

#[track_caller]
fn text_is_about_the_disk(text: &str) {
    assert!(
        WAYS_OUT.iter().any(|way| text.contains(way)),
        "what to do about the disk: {text}"
    );
    assert!(
        !text.contains("damaged") && !text.contains("panicked"),
        "nothing is broken: {text}"
    );
}

/// Makes a call that captures an inquiry of a company, under an id made of one digit.
fn capture(company: &str, digit: char) -> Value {
    let id: String = std::iter::repeat_n(digit, 32).collect();
    let fields = [json!({"field": "company", "value": company})];
    json!({"request": "do", "intent_id": id, "intent": {"intent": "capture", "fields": fields}})
}

/// Gives the companies of all inquiries, sorted.
fn companies(who: &Person) -> Vec<String> {
    let list = who.json(&["list", "inquiry", "--limit", "10000"]);
    let rows = list["rows"].as_array().expect("a list has rows").iter();
    let mut names: Vec<String> = rows
        .map(|row| {
            row["fields"]["company"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        })
        .collect();
    names.sort();
    names
}
