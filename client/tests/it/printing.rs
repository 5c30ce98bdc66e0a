//! What is printed for people and for scripts.

use std::collections::BTreeMap;

use engine::interface::{
    Answer, ChoiceAnswer, Event, ExportAnswer, FieldAnswer, HistoryItem, HistoryKind, ImportAnswer,
    ImportProblem, ListAnswer, MergedAnswer, Named, NextStep, RecordAnswer, Request, Row,
    StatusAnswer,
};
use model::merged::Rule;
use model::{EntryId, Kind, Value, ValueId};
use serde_json::Value as Json;

use crate::fake::{Script, batch, id, moment, operation, run, run_with};

/// 3 December 2026, 09:00 in Berlin.
pub(crate) const NINE_MS: i64 = 1_796_284_800_000;

pub(crate) fn inquiry(byte: u8) -> Named {
    Named {
        id: id(byte),
        kind: Some(Kind::Inquiry),
        title: "Mueller Praezision GmbH".to_owned(),
        number: "AF-2026-A-0001".to_owned(),
    }
}

fn choices() -> Vec<ChoiceAnswer> {
    [("A", 3, true), ("B", 4, false)]
        .into_iter()
        .map(|(text, byte, shown)| ChoiceAnswer {
            id: ValueId::from_bytes([byte; 8]),
            value: Some(Value::Text(text.to_owned())),
            text: text.to_owned(),
            author: format!("Rep {text}"),
            device: text.to_owned(),
            time_ms: NINE_MS,
            shown,
        })
        .collect()
}

/// Gives an entry of the Merged list with two values to choose from.
pub(crate) fn entry() -> MergedAnswer {
    MergedAnswer {
        id: EntryId::from_bytes([6; 16]),
        rule: Rule::Conflict,
        record: inquiry(1),
        field: Some("priority".to_owned()),
        text: "priority holds several values".to_owned(),
        choices: choices(),
        records: Vec::new(),
        merge: None,
        acknowledged: false,
        responsible: None,
    }
}

pub(crate) fn row(byte: u8) -> Row {
    Row {
        record: inquiry(byte),
        standing: "alive".to_owned(),
        fields: BTreeMap::from([
            ("status".to_owned(), "new".to_owned()),
            ("priority".to_owned(), "A".to_owned()),
        ]),
        next_step: Some(NextStep {
            light: "planned".to_owned(),
            activity: None,
            due: moment().planned("tomorrow 9:30").ok(),
        }),
        in_conflict: byte == 1,
        created_ms: NINE_MS,
        changed_ms: NINE_MS,
    }
}

pub(crate) fn record() -> RecordAnswer {
    RecordAnswer {
        record: inquiry(1),
        standing: "alive".to_owned(),
        merged_into: None,
        fields: vec![
            FieldAnswer {
                key: "company".to_owned(),
                name: "company".to_owned(),
                value: Some(Value::Text("Mueller Praezision GmbH".to_owned())),
                text: "Mueller Praezision GmbH".to_owned(),
                refers_to: None,
                values: Vec::new(),
                seen: Vec::new(),
            },
            FieldAnswer {
                key: "priority".to_owned(),
                name: "priority".to_owned(),
                value: Some(Value::Text("A".to_owned())),
                text: "A".to_owned(),
                refers_to: None,
                values: choices(),
                seen: Vec::new(),
            },
        ],
        note: "first line\nsecond line".to_owned(),
        inquiry_note: String::new(),
        next_step: None,
        linked: Vec::new(),
        totals: None,
        content: None,
        merged: Vec::new(),
        created_by: "Rep A".to_owned(),
        created_ms: NINE_MS,
        changed_ms: NINE_MS,
    }
}

#[test]
fn what_is_made_prints_its_id_alone() {
    for words in [
        &["capture", "--company", "Mueller Praezision GmbH"][..],
        &["create", "event", "name=Hannover Messe"],
    ] {
        let ran = run(words, []);
        assert_eq!(ran.out, format!("{}\n", id(7)));
        assert_eq!(ran.err, "a notice\n");
    }
}

#[test]
fn what_is_done_says_how_to_undo_it() {
    let ran = run(&["archive", "inquiry1"], []);
    assert_eq!(
        ran.out,
        "archived: Mueller Praezision GmbH AF-2026-A-0001 07070707\nnote: a notice\nto undo: handschlag undo 01010101\n"
    );
}

#[test]
fn what_is_done_to_several_is_undone_at_once() {
    let batch = batch().to_string();
    let ran = run(&["done", "activity1", "activity2"], []);
    let undo: Vec<&str> = ran
        .out
        .lines()
        .filter(|line| line.contains("undo"))
        .collect();
    let last = &batch[batch.len() - 8..];
    assert_eq!(undo, [format!("to undo: handschlag undo {last}")]);
    let ran = run(&["done", "activity1", "activity2", "--json"], []);
    let json: Json = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!(json["batch"], batch);
    assert_eq!(json["operations"].as_array().map(Vec::len), Some(2));
    let ran = run(&["done", "activity1", "--json"], []);
    let json: Json = serde_json::from_str(&ran.out).expect("JSON");
    assert!(json["batch"].is_null(), "{json}");
}

#[test]
fn scripts_read_what_was_done_in_one_form() {
    for words in [
        &["capture", "--company", "M", "--json"][..],
        &["--json", "archive", "inquiry1"],
        &["done", "activity1", "activity2", "--json"],
    ] {
        let ran = run(words, []);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{words:?}");
        assert_eq!(ran.out.lines().count(), 1, "{words:?}");
        let json: Json = serde_json::from_str(&ran.out).expect("JSON");
        assert_eq!(json["id"], id(7).to_string());
        assert_eq!(json["operation"], operation(1).to_string());
        assert_eq!(json["records"][0], id(7).to_string());
        assert_eq!(json["named"][0]["number"], "AF-2026-A-0001");
        assert_eq!(json["named"][0]["kind"], "inquiry");
        assert_eq!(json["notices"][0], "a notice");
    }
}

#[test]
fn lists_align_and_mark_conflicts() {
    let list = Answer::List(ListAnswer {
        total: 3,
        rows: vec![row(1), row(2)],
    });
    let ran = run(&["list", "inquiry"], [list]);
    assert_eq!(
        ran.out,
        "number          inquiry                  status  priority  next step       id\n\
         AF-2026-A-0001  Mueller Praezision GmbH  new     A         tomorrow 09:30  01010101  ⇄\n\
         AF-2026-A-0001  Mueller Praezision GmbH  new     A         tomorrow 09:30  02020202\n\
         1 to 2 of 3; others with --limit and --offset\n"
    );
    let none = Answer::List(ListAnswer {
        total: 0,
        rows: Vec::new(),
    });
    assert_eq!(run(&["list", "inquiry"], [none]).out, "no inquiry\n");
}

#[test]
fn a_record_shows_its_fields_conflicts_note_and_history() {
    let history = vec![HistoryItem {
        time_ms: NINE_MS,
        what: HistoryKind::Changed,
        author: "Rep B".to_owned(),
        member: None,
        device: "B".to_owned(),
        record: inquiry(1),
        field: "job_title".to_owned(),
        before: String::new(),
        after: "CEO".to_owned(),
        operation: Some(operation(2)),
    }];
    let answers = [Answer::Record(Box::new(record())), Answer::History(history)];
    let ran = run(&["show", "inquiry1"], answers);
    assert_eq!(
        ran.out,
        "Mueller Praezision GmbH AF-2026-A-0001 01010101  [inquiry]\n\
         made by Rep A today 09:00, changed today 09:00\n\
         \n  company   Mueller Praezision GmbH\n  priority  A ⇄\n            \
         1 A (Rep A, device A, today 09:00, shown)\n            \
         2 B (Rep B, device B, today 09:00)\n\
         \nnote\n  first line\n  second line\n\
         \nhistory\n  time         who    operation  what\n  \
         today 09:00  Rep B  02020202   job title: CEO\n"
    );
}

/// Gives an item of the history of the first inquiry, with its operation.
#[test]
fn the_merged_list_numbers_its_values() {
    let ran = run(&["merged"], [Answer::Merged(vec![entry()])]);
    assert_eq!(
        ran.out,
        "06060606  conflict, priority: Mueller Praezision GmbH AF-2026-A-0001 01010101\n  \
         priority holds several values\n  \
         1  A  (Rep A, device A, today 09:00, shown)\n  \
         2  B  (Rep B, device B, today 09:00)\n  \
         to choose: handschlag choose 06060606 1\n  \
         to leave it so: handschlag acknowledge 06060606\n"
    );
}

#[test]
fn an_export_is_one_value_of_many_windows() {
    let window = |bytes: &[u8]| {
        Answer::Exported(ExportAnswer {
            total: 3,
            records: bytes
                .iter()
                .map(|byte| RecordAnswer {
                    record: inquiry(*byte),
                    ..record()
                })
                .collect(),
        })
    };
    // The record that came in between moves the second one into the next window again.
    let ran = run(&["export", "--json"], [window(&[1, 2]), window(&[2])]);
    let offsets: Vec<usize> = ran
        .requests
        .iter()
        .map(|request| match request {
            Request::Export { offset, .. } => *offset,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(offsets, [0, 2]);
    let json: Json = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!(json["total"], 2);
    assert_eq!(json["records"][1]["id"], id(2).to_string());
    let none = Answer::Exported(ExportAnswer {
        total: 0,
        records: Vec::new(),
    });
    let ran = run(&["export", "--json"], [none]);
    let json: Json = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!(json["records"], Json::Array(Vec::new()));
}

#[test]
fn an_import_names_what_is_wrong_and_where() {
    let file = std::env::temp_dir().join(format!("handschlag-cli-{}.vcf", std::process::id()));
    std::fs::write(&file, b"BEGIN:VCARD").expect("the file is written");
    let name = file.display().to_string();
    let imported = |records| {
        Answer::Imported(ImportAnswer {
            batch: operation(3),
            records,
            transactions: 1,
            problems: vec![ImportProblem {
                file: "fair.vcf".to_owned(),
                line: 12,
                skipped: true,
                text: "the card does not end".to_owned(),
            }],
        })
    };
    let words = [
        "import",
        name.as_str(),
        "--event",
        "Messe",
        "--kind",
        "customers",
    ];
    let ran = run(&words, [imported(vec![id(1), id(2)])]);
    assert_eq!(ran.code, 0);
    assert_eq!(
        ran.out,
        "2 contacts imported, 1 problem\nto undo: handschlag undo 03030303\n"
    );
    assert_eq!(ran.err, "fair.vcf:12: left out: the card does not end\n");
    let [
        Request::Import {
            files, event, kind, ..
        },
    ] = ran.requests.as_slice()
    else {
        panic!("{:?}", ran.requests);
    };
    assert_eq!(files[0].bytes, b"BEGIN:VCARD");
    assert_eq!(
        (event.as_deref(), kind.as_deref()),
        (Some("Messe"), Some("customer"))
    );
    assert_eq!(run(&words, [imported(Vec::new())]).code, 1);
    std::fs::remove_file(&file).expect("the file is removed");
    let ran = run(&words, []);
    assert_eq!((ran.code, ran.requests.len()), (1, 0));
    assert!(
        ran.err.starts_with("handschlag: cannot read"),
        "{}",
        ran.err
    );
}

#[test]
fn watching_prints_the_status_whenever_it_is_another() {
    let status = |connection: &str| {
        Answer::Status(Box::new(StatusAnswer {
            connection: connection.to_owned(),
            ..StatusAnswer::default()
        }))
    };
    let changed = |connection: &str| Event::Changed {
        subscription: 1,
        answer: Box::new(status(connection)),
    };
    let failed = Event::Changed {
        subscription: 1,
        answer: Box::new(Answer::Status(Box::new(StatusAnswer {
            connection: "away".to_owned(),
            connection_problem: Some("nobody listens".to_owned()),
            ..StatusAnswer::default()
        }))),
    };
    let script = Script::default();
    script.events.borrow_mut().extend([
        changed("connecting"),
        changed("connected"),
        changed("connected"),
        changed("away"),
        failed,
    ]);
    let subscribed = Answer::Subscribed {
        subscription: 1,
        answer: Box::new(status("alone")),
    };
    let script = Script {
        answers: [Ok(subscribed)].into(),
        ..script
    };
    let ran = run_with(&["sync", "--watch"], script);
    assert_eq!(
        ran.out,
        "alone\nconnecting\nconnected\nnot connected\naway (nobody listens)\n"
    );
    assert_eq!(ran.requests.last(), Some(&Request::Follow { on: true }));
}
