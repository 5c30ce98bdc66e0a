//! An owner in a process of its own, killed.

use std::io::{BufRead as _, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use super::fake::Probe;
use super::{get, open, set};
use crate::interface::Answer;

/// Names the home that the other process shall own.
const HOME: &str = "HANDSCHLAG_TEST_OWNED_HOME";
/// What the other process says when it owns the home.
const OWNED: &str = "the home is owned";

/// Owns a home until it is killed, when it is run by the other tests; nothing otherwise.
#[test]
fn own_in_another_process() {
    let Some(home) = std::env::var_os(HOME) else {
        return;
    };
    let connection = open(Path::new(&home), &Probe::default());
    assert!(connection.is_owner());
    println!("\n{OWNED}");
    // Ends with the process that started this one at the latest.
    std::io::stdin().lines().for_each(drop);
}

/// Starts the other process; gives it and what it will say, which must stay open.
fn start(home: &Path) -> (Child, Lines<BufReader<ChildStdout>>) {
    let program = std::env::current_exe().expect("a test knows its program");
    let mut child = Command::new(program)
        .args([
            "--exact",
            "native::tests::process::own_in_another_process",
            "--nocapture",
        ])
        .env(HOME, home)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    lines
        .find(|line| line.as_ref().is_ok_and(|line| line == OWNED))
        .expect("it owns the home")
        .expect("it speaks");
    (child, lines)
}

#[test]
fn an_owner_that_is_killed_is_replaced() {
    let directory = tempfile::tempdir().expect("a directory");
    let probe = Probe::default();
    let (mut first, _says) = start(directory.path());
    let connection = open(directory.path(), &probe);
    assert!(!connection.is_owner());
    assert_eq!(connection.call(set("k", "v")), Ok(Answer::Ok));
    let later = connection.begin(get("later")).expect("it is sent");
    first.kill().expect("it is killed");
    first.wait().expect("it is gone");
    // What lay in the other process went with it; the socket's file stayed and is replaced.
    assert_eq!(connection.call(get("k")), Ok(Answer::Local { value: None }));
    assert!(connection.is_owner());
    assert_eq!(connection.call(set("release", "now")), Ok(Answer::Ok));
    let answer = crate::interface::Message::Answer {
        id: later,
        ok: super::local("now"),
    };
    while let Some(message) = connection.next_message(super::SOON).expect("it is open") {
        if message == answer {
            return;
        }
    }
    panic!("the call was not sent again");
}

#[test]
fn an_owner_of_another_process_lets_go_when_it_ends() {
    let directory = tempfile::tempdir().expect("a directory");
    let probe = Probe::default();
    let (mut first, _says) = start(directory.path());
    let connection = open(directory.path(), &probe);
    assert_eq!(connection.call(set("k", "v")), Ok(Answer::Ok));
    // The end of its input is the end of the owner.
    drop(first.stdin.take());
    assert!(first.wait().expect("it ends").success());
    assert_eq!(connection.call(get("k")), Ok(Answer::Local { value: None }));
    assert!(connection.is_owner());
}
