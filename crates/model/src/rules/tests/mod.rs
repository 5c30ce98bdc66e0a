//! Every refusal of every intent: its code, what it says, and the way out.

mod capture;
mod convert;
mod edit;
mod lifecycle;
mod offers;
mod sales;
mod seen;
mod undo;

use std::collections::BTreeSet;

use crate::plan::Answer;
use crate::refusal::Refusal;

/// Collects which refusals were met.
#[derive(Default)]
struct Told {
    codes: BTreeSet<&'static str>,
    ways_out: Vec<String>,
}

impl Told {
    /// Checks that something was refused with this code, and that words and way out are there; `""` stands for no way out.
    fn refused(&mut self, done: Result<Answer, Refusal>, code: &str, says: &str, way_out: &str) {
        let refusal = done.expect_err(&format!("{code} is expected: {says}"));
        assert_eq!(refusal.code(), code, "{refusal}");
        let sentence = refusal.to_string();
        assert!(sentence.contains(says), "'{sentence}' says '{says}'");
        let way = refusal.way_out();
        match &way {
            Some(way) => assert!(
                !way_out.is_empty() && way.contains(way_out),
                "'{sentence}' leads to '{way}', not to '{way_out}'"
            ),
            None => assert_eq!(way_out, "", "'{sentence}' has no way out"),
        }
        self.codes.insert(refusal.code());
        self.ways_out.extend(way);
    }
}

fn walk_all() -> Told {
    let mut told = Told::default();
    for walk in [
        capture::walk,
        convert::walk,
        edit::walk,
        edit::walk_activities,
        edit::walk_files,
        lifecycle::walk,
        offers::walk,
        sales::walk,
        undo::walk,
    ] {
        walk(&mut told);
    }
    told
}

#[test]
fn every_refusal_is_met() {
    // Only writing the documents shows whether the gate of others takes a change; the replica has the test.
    let elsewhere = ["not-taken"];
    let source = include_str!("../../refusal.rs");
    let (_, source) = source.split_once("fn code").expect("it has codes");
    let (source, _) = source.split_once("\n    }\n").expect("the function ends");
    let all: BTreeSet<&str> = source
        .lines()
        .filter_map(|line| line.split_once("=> \"")?.1.strip_suffix("\","))
        .collect();
    assert!(all.len() > 40, "{all:?}");
    let mut met: BTreeSet<&str> = walk_all().codes;
    met.extend(elsewhere);
    assert_eq!(met, all);
}

#[test]
fn every_way_out_names_a_command_that_there_is() {
    let docs = include_str!("../../../../../docs/cli.md");
    let names_commands = |line: &&str| line.starts_with("| `") || line.starts_with("`note`");
    let spans = docs
        .lines()
        .filter(names_commands)
        .flat_map(|line| line.split('`').skip(1).step_by(2));
    let known: BTreeSet<&str> = spans.filter_map(|span| span.split(' ').next()).collect();
    for way in walk_all().ways_out {
        for rest in way.split("handschlag ").skip(1) {
            let end = rest.find(|letter: char| !letter.is_ascii_lowercase() && letter != '-');
            let command = &rest[..end.unwrap_or(rest.len())];
            assert!(known.contains(command), "'{way}' names '{command}'");
        }
    }
}
