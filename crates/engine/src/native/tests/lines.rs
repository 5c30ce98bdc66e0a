//! Lines, well-formed and not, by themselves and over the socket.

use std::io::{BufRead as _, BufReader, Write as _};

use serde_json::{Value, json};

use super::fake::Probe;
use super::local;
use crate::interface::Message;
use crate::native::lines::{Read, line_of, read_line};
use crate::native::socket;

fn read_all(text: &str, max: usize) -> Vec<(Read, String)> {
    let mut reader = BufReader::with_capacity(3, text.as_bytes());
    let mut line = Vec::new();
    let mut all = Vec::new();
    loop {
        let read = read_line(&mut reader, &mut line, max).expect("text can be read");
        if read == Read::End {
            return all;
        }
        all.push((read, String::from_utf8_lossy(&line).into_owned()));
    }
}

#[test]
fn lines_are_bounded() {
    let line = |text: &str| (Read::Line, text.to_owned());
    let too_long = || (Read::TooLong, String::new());
    let check = |text: &str, expected: &[(Read, String)]| assert_eq!(read_all(text, 5), expected);
    check("", &[]);
    check("\n", &[line("")]);
    check("12345\n\nab", &[line("12345"), line(""), line("ab")]);
    check("123456\nab\n", &[too_long(), line("ab")]);
    check("ab\n1234567890123", &[line("ab"), too_long()]);
    check("12345", &[line("12345")]);
}

#[test]
fn an_answer_that_is_too_long_becomes_a_failure() {
    let long = Message::Answer {
        id: 7,
        ok: local(&"x".repeat(1000)),
    };
    let whole = line_of(&long, 2000).expect("it is JSON");
    assert!(whole.len() > 1000);
    let line = line_of(&long, 1000).expect("it is JSON");
    let said: Value = serde_json::from_slice(&line).expect("it is JSON");
    assert_eq!(said["id"], 7);
    assert_eq!(said["error"]["code"], "answer-too-long");
}

#[test]
fn wrong_lines_are_answered_and_others_go_on() {
    let directory = tempfile::tempdir().expect("a directory");
    let probe = Probe::default();
    let owner = super::open(directory.path(), &probe);
    let mut stream = socket::connect(owner.home()).expect("it connects");
    stream
        .write_all(
            b"not json\n\n{\"id\":5,\"request\":\"fly\"}\n{\"id\":6,\"request\":\"local-get\",\"key\":\"k\"}\n\xff\xfe\n",
        )
        .expect("it speaks");
    // It says no more, and still gets its answers.
    stream
        .shutdown(std::net::Shutdown::Write)
        .expect("it ends its half");
    let mut said: Vec<Value> = BufReader::new(stream)
        .lines()
        .map(|line| serde_json::from_str(&line.expect("a line")).expect("it is JSON"))
        .collect();
    assert_eq!(said.remove(0), json!({"handschlag": 1}));
    let mut ids: Vec<(Value, Value)> = said
        .iter()
        .map(|said| (said["id"].clone(), said["error"]["code"].clone()))
        .collect();
    ids.sort_by_key(|(id, _)| id.to_string());
    let wrong = || json!("malformed-call");
    assert_eq!(
        ids,
        [
            (json!(5), wrong()),
            (json!(6), json!(null)),
            (json!(null), wrong()),
            (json!(null), wrong())
        ]
    );
    probe.wait(|told| (!told.forgotten.is_empty()).then_some(()));
}
