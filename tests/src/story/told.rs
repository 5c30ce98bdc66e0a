//! What the story tells while it is played.

use serde_json::Value;

use crate::harness::{Person, Secrets};

/// One thing that is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told<'a> {
    /// Something new begins.
    Chapter(&'a str),
    /// Somebody did something.
    Did {
        /// The person's name.
        who: &'a str,
        /// The command as it is typed.
        command: &'a str,
        /// What came of it, in one line; may be empty.
        outcome: &'a str,
    },
    /// Somebody looked at something.
    Saw {
        /// The person's name.
        who: &'a str,
        /// The command as it is typed.
        command: &'a str,
        /// What it printed.
        text: &'a str,
    },
    /// Something was checked and holds.
    Holds(&'a str),
}

/// Runs commands, tells what they did, and remembers what must not be read by others.
pub(super) struct Stage<'t> {
    tell: &'t mut dyn FnMut(Told<'_>),
    pub(super) secrets: Secrets,
}

impl<'t> Stage<'t> {
    pub(super) fn new(tell: &'t mut dyn FnMut(Told<'_>)) -> Self {
        Self {
            tell,
            secrets: Secrets::default(),
        }
    }

    pub(super) fn chapter(&mut self, text: &str) {
        (self.tell)(Told::Chapter(text));
    }

    pub(super) fn holds(&mut self, text: &str) {
        (self.tell)(Told::Holds(text));
    }

    /// Runs a command that must succeed, tells it, and gives its JSON.
    #[track_caller]
    pub(super) fn does(&mut self, who: &Person, args: &[&str]) -> Value {
        let value = who.json(args);
        self.did(who, args, &in_a_line(&value));
        value
    }

    /// Tells of a command that somebody else has run already.
    pub(super) fn did(&mut self, who: &Person, args: &[&str], outcome: &str) {
        (self.tell)(Told::Did {
            who: who.name(),
            command: &typed(args),
            outcome,
        });
    }

    /// Runs a command that must succeed and tells all that it prints.
    #[track_caller]
    pub(super) fn sees(&mut self, who: &Person, args: &[&str]) {
        let text = who.ok(args);
        (self.tell)(Told::Saw {
            who: who.name(),
            command: &typed(args),
            text: &text,
        });
    }

    /// Remembers a word that nobody but members may read, and gives it back.
    pub(super) fn secret<'w>(&mut self, word: &'w str) -> &'w str {
        self.secrets.add(word);
        word
    }
}

/// Writes a command as a shell takes it.
fn typed(args: &[&str]) -> String {
    let mut text = "handschlag".to_owned();
    for arg in args {
        let is_plain = !arg.is_empty()
            && arg
                .chars()
                .all(|letter| letter.is_alphanumeric() || "-_=+:/.,#@%".contains(letter));
        text.push(' ');
        if is_plain {
            text.push_str(arg);
        } else {
            text.push_str(&format!("'{arg}'"));
        }
    }
    text
}

/// Says in a line what a command's JSON says at length.
fn in_a_line(value: &Value) -> String {
    if let Some(named) = value["named"].as_array() {
        let records: Vec<String> = named.iter().map(name).collect();
        return records.join(", ");
    }
    let count = |field: &str| value[field].as_u64().unwrap_or(0);
    if value["complete"].is_boolean() {
        return format!("sent {}, received {}", count("sent"), count("received"));
    }
    if let Some(records) = value["records"].as_array() {
        let (cards, transactions) = (records.len(), count("transactions"));
        return format!("{cards} contacts in {transactions} transactions");
    }
    match value["device"].as_str() {
        Some(device) => format!("is device {device}"),
        None => String::new(),
    }
}

fn name(record: &Value) -> String {
    let text = |field: &str| record[field].as_str().unwrap_or_default().to_owned();
    let parts = [text("kind"), text("number"), text("title")];
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join(" ")
}
