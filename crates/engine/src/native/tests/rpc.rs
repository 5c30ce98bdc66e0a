//! Calls and messages as JSON lines.

use std::io::{self, BufReader, Read, Write};
use std::sync::mpsc::{Receiver, Sender, channel};

use serde_json::{Value, json};

use super::fake::Probe;
use super::{SOON, get, open, set};
use crate::native::Connection;

/// An input that ends when its sender is dropped.
struct Typed {
    pieces: Receiver<String>,
    rest: Vec<u8>,
}

impl Read for Typed {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.rest.is_empty() {
            self.rest = self.pieces.recv().unwrap_or_default().into_bytes();
        }
        let length = self.rest.len().min(into.len());
        into[..length].copy_from_slice(&self.rest[..length]);
        self.rest.drain(..length);
        Ok(length)
    }
}

/// An output of which each line is handed on.
struct Shown(Sender<Value>);

impl Write for Shown {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        let line = serde_json::from_slice(from)?;
        self.0.send(line).map_err(io::Error::other)?;
        Ok(from.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn typed() -> (Sender<String>, BufReader<Typed>) {
    let (keys, pieces) = channel();
    let rest = Vec::new();
    (keys, BufReader::new(Typed { pieces, rest }))
}

fn check_lines(is_owner: bool) {
    let directory = tempfile::tempdir().expect("a directory");
    let probe = Probe::default();
    let first = open(directory.path(), &probe);
    let second = open(directory.path(), &probe);
    let (served, other) = if is_owner {
        (first, second)
    } else {
        (second, first)
    };
    assert_eq!(served.is_owner(), is_owner);
    // The numbers of a caller are its own, whatever the connection has used.
    other.call(set("k", "v")).expect("it is set");
    served.call(get("k")).expect("it is got");
    let (keys, input) = typed();
    let (sender, shown) = channel();
    let next = || shown.recv_timeout(SOON).expect("a line comes");
    std::thread::scope(|scope| {
        let serving = scope.spawn(|| served.serve_lines(input, Shown(sender)));
        let type_in = |text: &str| keys.send(text.to_owned()).expect("it reads");
        type_in("{\"id\":900,\"request\":\"local-get\",\"key\":\"k\"}\n");
        assert_eq!(
            next(),
            json!({"id": 900, "ok": {"answer": "local", "content": {"value": "v"}}})
        );
        type_in("{\"id\":1,\"request\":\"subscribe\",\"query\":{\"query\":\"status\"}}\n");
        assert_eq!(next()["id"], 1);
        other.call(set("k", "new")).expect("it is set");
        assert_eq!(next()["event"], "changed");
        type_in("wrong\n");
        assert_eq!(next()["error"]["code"], "malformed-call");
        type_in("{\"id\":7,\"request\":\"local-get\",\"key\":\"later\"}");
        // The end of the input does not cut off what is under way.
        drop(keys);
        let progress = next();
        assert_eq!(progress["event"], "progress");
        assert_eq!(progress["call"], 7);
        other.call(set("release", "done")).expect("it is released");
        assert_eq!(next()["id"], 7);
        serving.join().expect("no panic").expect("it ends well");
    });
}

#[test]
fn lines_are_served_by_the_owner() {
    check_lines(true);
}

#[test]
fn lines_are_served_through_the_owner() {
    check_lines(false);
}

#[test]
fn lines_that_are_no_calls_do_not_take_the_answers_of_others() {
    let directory = tempfile::tempdir().expect("a directory");
    let probe = Probe::default();
    let owner = open(directory.path(), &probe);
    let second = open(directory.path(), &probe);
    for connection in [&owner, &second] {
        // Far more than may wait, and numbers that are ours for other calls.
        let lines: String = (0..1000)
            .map(|id| match id % 3 {
                0 => format!("{{\"id\":{},\"request\":\"bogus\"}}\n", id + 2),
                _ => format!("{{\"id\":{id},\"request\":\"local-get\",\"key\":\"k\"}}\n"),
            })
            .collect();
        let said = answers(connection, lines);
        assert_eq!(said.len(), 1000);
        let wrong = |said: &&Value| said["error"]["code"] == "malformed-call";
        let mut failed: Vec<_> = said.iter().filter(wrong).map(number).collect();
        failed.sort_unstable();
        let bogus: Vec<u64> = (0..1000).step_by(3).map(|id| id + 2).collect();
        assert_eq!(failed, bogus);
        let answered: Vec<_> = said.iter().filter(|said| !wrong(said)).collect();
        assert!(answered.iter().all(|said| said["ok"].is_object()));
        let answered: Vec<u64> = answered.into_iter().map(number).collect();
        let valid: Vec<u64> = (0..1000).filter(|id| id % 3 != 0).collect();
        assert_eq!(answered, valid);
    }
}

/// Serves lines to their end and gives what was written.
fn answers(connection: &Connection, lines: String) -> Vec<Value> {
    let mut output = Vec::new();
    connection
        .serve_lines(io::Cursor::new(lines), &mut output)
        .expect("it ends well");
    output
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).expect("it is JSON"))
        .collect()
}

fn number(said: &Value) -> u64 {
    said["id"].as_u64().expect("it answers a call")
}

#[test]
fn more_lines_than_may_wait_are_all_answered() {
    const CALLS: usize = 5000;
    let directory = tempfile::tempdir().expect("a directory");
    let probe = Probe::default();
    let owner = open(directory.path(), &probe);
    let second = open(directory.path(), &probe);
    for connection in [&owner, &second] {
        let lines: String = (0..CALLS)
            .map(|id| format!("{{\"id\":{id},\"request\":\"local-get\",\"key\":\"k\"}}\n"))
            .collect();
        let said = answers(connection, lines);
        let ids: Vec<u64> = said.iter().map(number).collect();
        let expected: Vec<u64> = (0..CALLS as u64).collect();
        assert_eq!(ids, expected);
    }
}

#[test]
fn lines_end_with_the_engine() {
    let directory = tempfile::tempdir().expect("a directory");
    let probe = Probe::default();
    let owner = open(directory.path(), &probe);
    let (keys, input) = typed();
    keys.send("{\"id\":1,\"request\":\"local-set\",\"key\":\"panic\",\"value\":\"\"}\n".to_owned())
        .expect("it reads");
    let ended = owner.serve_lines(input, io::sink());
    let reason = ended.expect_err("the engine is gone").to_string();
    assert!(reason.contains("engine"), "{reason}");
    // The input still had nothing to read.
    drop(keys);
}
