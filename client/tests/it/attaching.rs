//! Files of records: which are sent, which are found, and where they are saved.

use std::fs;

use engine::interface::{
    Answer, FieldAnswer, FileAnswer, HistoryItem, HistoryKind, Query, RecordAnswer, Request,
};
use model::intent::Intent;
use model::value::FileEntry;
use model::{FileHash, Value};
use serde_json::{Value as Json, json};

use crate::fake::{batch, id, operation, run};
use crate::printing::record;

const HASH: FileHash = FileHash::from_bytes([0xab; 32]);

fn file(hash: FileHash, name: &str) -> FieldAnswer {
    let entry = FileEntry {
        name: name.to_owned(),
        media_type: "image/png".to_owned(),
        size: 2000,
    };
    FieldAnswer {
        key: format!("file/{hash}"),
        name: "file".to_owned(),
        text: format!("{name} (2000 bytes)"),
        value: Some(Value::File(entry)),
        refers_to: None,
        values: Vec::new(),
        seen: Vec::new(),
    }
}

fn with(files: &[(FileHash, &str)]) -> Answer {
    let mut record: RecordAnswer = record();
    record
        .fields
        .extend(files.iter().map(|(hash, name)| file(*hash, name)));
    Answer::Record(Box::new(record))
}

fn bytes() -> Answer {
    Answer::File(FileAnswer {
        hash: HASH,
        bytes: b"photo".to_vec(),
    })
}

#[test]
fn files_are_sent_with_their_names_and_types() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (card, letter) = (path("card.png"), path("Brief.unknown"));
    fs::write(&card, b"photo").unwrap();
    fs::write(&letter, b"letter").unwrap();
    let attach = |batch, name: &str, media_type: &str, bytes: &[u8]| Request::Attach {
        intent_id: None,
        batch,
        record: id(1),
        name: name.to_owned(),
        media_type: media_type.to_owned(),
        bytes: bytes.to_vec(),
    };
    let ran = run(&["attach", "inquiry1", &card, &letter], []);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert_eq!(
        ran.requests,
        [
            attach(Some(batch()), "card.png", "image/png", b"photo"),
            attach(Some(batch()), "Brief.unknown", "", b"letter")
        ]
    );
    assert!(ran.out.starts_with("attached to: Mueller"), "{}", ran.out);
    let ran = run(&["attach", "inquiry1", &letter, "--name", "letter.PDF"], []);
    assert_eq!(
        ran.requests,
        [attach(None, "letter.PDF", "application/pdf", b"letter")]
    );
    let ran = run(&["attach", "inquiry1", &card, &letter, "--name", "x"], []);
    assert_eq!((ran.code, ran.requests.len()), (2, 0));
}

#[test]
fn what_cannot_be_sent_is_told_before_anything_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (card, large, missing) = (path("card.png"), path("large.mp4"), path("missing"));
    fs::write(&card, b"photo").unwrap();
    fs::write(&large, vec![0; (1 << 20) + 1]).unwrap();
    for (bad, code, reason) in [
        (&large, "file-too-large", "1048577 bytes"),
        (&missing, "unreadable-file", "missing"),
        (&path("."), "unreadable-file", "cannot read"),
    ] {
        let ran = run(&["attach", "inquiry1", &card, bad, "--json"], []);
        assert_eq!((ran.code, ran.requests.len()), (1, 0), "{}", ran.err);
        let error: Json = serde_json::from_str(&ran.err).unwrap();
        let error = &error["error"];
        assert_eq!(error["code"], code);
        assert!(
            error["reason"].as_str().unwrap().contains(reason),
            "{error}"
        );
        assert!(error["way_out"].is_string(), "{error}");
    }
}

#[test]
fn a_file_goes_by_its_name_or_hash() {
    let other = FileHash::from_bytes([0xac; 32]);
    let detach = |hash| Request::Do {
        intent_id: None,
        batch: None,
        intent: Intent::Detach {
            record: id(1),
            hash,
        },
    };
    let both = || with(&[(HASH, "card.png"), (other, "visit.png")]);
    for (typed, hash) in [
        ("card.png", HASH),
        ("visit.png", other),
        ("ABABABAB", HASH),
        ("acac", other),
        (&HASH.to_string(), HASH),
    ] {
        let ran = run(&["detach", "inquiry1", typed], [both()]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        let query = Request::Query(Query::Record { record: id(1) });
        assert_eq!(ran.requests, [query, detach(hash)]);
        assert!(ran.out.contains("taken away from: Mueller"), "{}", ran.out);
    }
    for (typed, code) in [
        ("a", "ambiguous"),
        ("x.png", "no-such-file"),
        ("", "no-such-file"),
    ] {
        let ran = run(&["detach", "inquiry1", typed, "--json"], [both()]);
        assert_eq!((ran.code, ran.requests.len()), (1, 1));
        let error: Json = serde_json::from_str(&ran.err).unwrap();
        assert_eq!(error["error"]["code"], code);
        assert!(error["error"]["way_out"].is_string());
    }
    let same = with(&[(HASH, "card.png"), (other, "card.png")]);
    let ran = run(&["detach", "inquiry1", "card.png"], [same]);
    assert!(ran.err.contains("several files"), "{}", ran.err);
}

#[test]
fn a_file_is_saved_and_none_is_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().to_str().unwrap();
    let save = |file: &str, more: &[&str]| {
        let words = ["save-file", "inquiry1", file, "--to", to];
        let words: Vec<&str> = words.iter().chain(more).copied().collect();
        let files = [(HASH, "../../card.png")];
        run(&words, [with(&files), bytes()])
    };
    let path = folder.path().join("card.png");
    let ran = save("abab", &["--json"]);
    let saved: Json = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{}", ran.err));
    assert_eq!(
        saved,
        json!({"path": path, "hash": HASH, "name": "../../card.png", "media_type": "image/png", "size": 5})
    );
    assert_eq!(ran.requests[1..], [Request::File { hash: HASH }]);
    assert_eq!(fs::read(&path).unwrap(), b"photo");
    fs::write(&path, b"mine").unwrap();
    let refused = save("abab", &["--json"]);
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("file-exists"), "{}", refused.err);
    assert!(refused.err.contains("--force"), "{}", refused.err);
    assert_eq!(fs::read(&path).unwrap(), b"mine");
    let forced = save("abab", &["--force"]);
    assert_eq!(forced.out, format!("saved: {} (5 bytes)\n", path.display()));
    assert_eq!(fs::read(&path).unwrap(), b"photo");
    // A path that is no folder is the file itself.
    let own = folder.path().join("own.png");
    let files = [(HASH, "..")];
    let words = ["save-file", "inquiry1", "abab", "--to"];
    let named = [&words[..], &[own.to_str().unwrap()]].concat();
    assert_eq!(run(&named, [with(&files), bytes()]).code, 0);
    assert_eq!(fs::read(&own).unwrap(), b"photo");
    // A name that leads elsewhere is none.
    let into = [&words[..], &[to]].concat();
    let ran = run(&into, [with(&files), bytes()]);
    assert_eq!((ran.code, ran.requests.len()), (1, 1));
    assert!(ran.err.contains("--to PATH"), "{}", ran.err);
}

#[test]
fn a_record_shows_its_files() {
    let mut long = file(FileHash::from_bytes([1; 32]), "a.bin");
    if let Some(Value::File(entry)) = &mut long.value {
        entry.media_type = String::new();
        entry.size = 12;
    }
    let Answer::Record(mut record) = with(&[(HASH, "card.png")]) else {
        panic!("a record")
    };
    record.fields.push(long);
    let answers = [Answer::Record(record), Answer::History(Vec::new())];
    let ran = run(&["show", "inquiry1"], answers);
    let lines = "\nfiles\n  card.png  image/png     2 KiB  abababab\n  a.bin                12 bytes  01010101\n";
    assert!(ran.out.contains(lines), "{}", ran.out);
    assert!(!ran.out.contains("2000 bytes"), "{}", ran.out);
}

#[test]
fn a_history_tells_what_became_of_files() {
    let line = |before: &str, after: &str| HistoryItem {
        time_ms: 1_796_284_800_000,
        what: HistoryKind::Changed,
        author: "Rep B".to_owned(),
        member: None,
        device: "B".to_owned(),
        record: record().record,
        field: format!("file/{HASH}"),
        before: before.to_owned(),
        after: after.to_owned(),
        operation: Some(operation(2)),
    };
    let history = vec![
        line("", "card.png (5 bytes)"),
        line("card.png (5 bytes)", "visit.png (5 bytes)"),
        line("visit.png (5 bytes)", ""),
    ];
    let ran = run(&["history", "inquiry1"], [Answer::History(history)]);
    for told in [
        "  attached card.png (5 bytes)\n",
        "  file: card.png (5 bytes) -> visit.png (5 bytes)\n",
        "  took away visit.png (5 bytes)\n",
    ] {
        assert!(ran.out.contains(told), "{}", ran.out);
    }
}
