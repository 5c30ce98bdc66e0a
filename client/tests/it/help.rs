//! The frozen tree of commands.

use std::path::Path;

use crate::fake::run;

const ISSUE_COMMANDS: &str = "init relay join invite members create capture set note call email task appointment \
    follow-up done postpone reopen convert disqualify offer send accept reject phase win lose hold confirm undo \
    archive restore merge show list home history search merged choose acknowledge status sync import export rpc";

/// Scripts rely on names of commands and flags: a change of this file is a change of what we promise.
/// `UPDATE_GOLDEN=1` writes it anew.
#[test]
fn help_as_json_is_golden() {
    let ran = run(&["--help", "--json"], []);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/help.json");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &ran.out).expect("the golden file is written");
    }
    let golden = std::fs::read_to_string(&path).expect("the golden file is there");
    // Compared as values: another crate of the same build may decide in which order objects are written.
    let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
    assert_eq!(read(&ran.out), read(&golden));
}

#[test]
fn every_promised_command_is_there_with_help() {
    let ran = run(&["--json", "--help"], []);
    let help: serde_json::Value = serde_json::from_str(&ran.out).expect("JSON");
    let commands = help["commands"].as_array().expect("a list of commands");
    for name in ISSUE_COMMANDS.split_whitespace() {
        assert!(
            commands.iter().any(|command| command["name"] == name),
            "{name}"
        );
    }
    for command in commands {
        let flags = command["flags"].as_array().expect("a list of flags");
        let arguments = command["arguments"]
            .as_array()
            .expect("a list of arguments");
        for one in flags.iter().chain(arguments).chain([command]) {
            assert_ne!(one["help"], "", "{one}");
        }
    }
}

#[test]
fn help_is_no_wider_than_a_hundred_columns() {
    let json = run(&["--json", "--help"], []);
    let help: serde_json::Value = serde_json::from_str(&json.out).expect("JSON");
    let names = help["commands"].as_array().expect("a list of commands");
    let names = names.iter().filter_map(|command| command["name"].as_str());
    for name in names {
        for line in run(&[name, "--help"], []).out.lines() {
            let columns = line.chars().count();
            // The usage is one line to be copied.
            assert!(
                columns <= 100 || line.starts_with("Usage"),
                "{name}: {line}"
            );
        }
    }
    let whole = run(&["--help"], []).out;
    assert!(
        whole.lines().all(|line| line.chars().count() <= 100),
        "{whole}"
    );
}

#[test]
fn help_for_people_is_on_stdout() {
    let ran = run(&["capture", "--help"], []);
    assert_eq!(ran.code, 0);
    assert!(ran.out.contains("--follow-up <DATE>"), "{}", ran.out);
    assert!(run(&[], []).err.contains("Usage"));
    assert_eq!(run(&[], []).code, 2);
    let ran = run(&["--home", "elsewhere"], []);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("Usage"), "{}", ran.err);
    assert!(!ran.err.contains("[subcommands"), "{}", ran.err);
}
