//! The commands as a person calls them: exit codes, words, JSON.
#![cfg(unix)]

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Output, Stdio},
};

use serde_json::Value;

use super::Kept;

fn relay(words: &[&str], paths: &[&Path]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_handschlag-relay"))
        .args(words)
        .args(paths)
        .output()
        .expect("runs")
}

fn said(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

fn json(output: &Output) -> Value {
    let (_, out, err) = said(output);
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out} {err}"))
}

fn serve(data: &Path) -> Child {
    let mut child = Command::new(env!("CARGO_BIN_EXE_handschlag-relay"))
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(data)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("starts");
    let mut line = String::new();
    let stdout = child.stdout.as_mut().expect("is piped");
    BufReader::new(stdout).read_line(&mut line).expect("reads");
    assert!(line.starts_with("listening on "), "{line}");
    child
}

#[test]
fn a_day_in_the_life_of_an_operator() {
    let kept = Kept::new();
    let (data, file) = (kept.data(), kept.other("today.backup"));
    let mut running = serve(&data);
    let now = json(&relay(&["status", "--json", "--data"], &[&data]));
    assert_eq!(now["running"], true);

    let made = relay(&["backup", "--data"], &[&data, &file]);
    let (code, out, err) = said(&made);
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("1 workspace with 25 envelopes"), "{out}");
    let again = said(&relay(&["backup", "--data"], &[&data, &file]));
    assert_eq!(again.0, Some(1));
    assert!(again.2.contains("--force"), "{}", again.2);
    let made = json(&relay(
        &["backup", "--force", "--json", "--data"],
        &[&data, &file],
    ));
    assert_eq!(made["running"], true);
    for name in [
        "file",
        "workspaces",
        "roster_entries",
        "envelopes",
        "held_envelopes",
        "bytes",
    ] {
        assert!(!made[name].is_null(), "{made}");
    }
    let (code, out, _) = said(&relay(&["verify", "--data"], &[&data]));
    assert_eq!(
        (code, out.lines().last()),
        (Some(0), Some("everything holds"))
    );

    // Killed, it leaves its socket behind; that misleads nobody, and the next relay replaces it.
    running.kill().expect("kills");
    running.wait().expect("ends");
    assert!(data.join("relay.sock").exists());
    let now = json(&relay(&["status", "--json", "--data"], &[&data]));
    assert_eq!(now["running"], false);
    let mut running = serve(&data);
    let (code, out, _) = said(&relay(&["status", "--data"], &[&data]));
    assert_eq!(code, Some(0));
    assert!(
        out.contains("running") && out.contains("25 envelopes"),
        "{out}"
    );
    running.kill().expect("kills");
    running.wait().expect("ends");

    let (restored, changed) = (kept.other("restored"), kept.other("changed.backup"));
    let (code, out, err) = said(&relay(&["restore", "--data"], &[&restored, &file]));
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("25 envelopes"), "{out}");
    let mut bytes = fs::read(&file).expect("reads");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&changed, bytes).expect("writes");
    let (code, out, _) = said(&relay(&["verify"], &[&changed]));
    assert_eq!(code, Some(1));
    assert!(out.contains("sequence ") && out.contains("wrong"), "{out}");
    let output = relay(&["verify", "--json"], &[&changed]);
    let found = json(&output);
    assert_eq!(
        (output.status.code(), &found["ok"]),
        (Some(1), &Value::Bool(false))
    );
    assert_eq!(found["findings"][0]["code"], "bytes");
    assert!(found["findings"][0]["sequence"].is_u64(), "{found}");
    let (code, _, err) = said(&relay(
        &["restore", "--data"],
        &[&kept.other("not"), &changed],
    ));
    assert_eq!(code, Some(1));
    assert!(
        err.contains("damaged") && !kept.other("not").exists(),
        "{err}"
    );
}

#[test]
fn wrong_calls_are_usage_and_missing_data_says_where_to_look() {
    let folder = tempfile::tempdir().expect("makes a folder");
    let nothing = folder.path().join("nothing");
    for words in [&["verify"][..], &["backup", "x"], &["status"], &["restore"]] {
        assert_eq!(relay(words, &[]).status.code(), Some(2), "{words:?}");
    }
    for words in [&["status", "--data"][..], &["verify", "--data"]] {
        let (code, _, err) = said(&relay(words, &[&nothing]));
        assert_eq!(code, Some(1));
        assert!(
            err.contains("does not exist") && err.contains("--data"),
            "{err}"
        );
    }
    assert!(!nothing.exists());
}
