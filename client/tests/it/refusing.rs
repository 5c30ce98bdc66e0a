//! Exit codes and errors.

use std::path::Path;

use engine::interface::{Answer, Failure, SyncAnswer};
use serde_json::{Value, json};

use crate::fake::{Script, batch, outcome, run, run_with};

#[test]
fn what_is_refused_has_code_1_and_a_way_out() {
    let refusing = || Script {
        answers: [Err(Failure::new(
            "archived",
            "Mueller GmbH is archived",
            Some("take it back into use first: handschlag restore 1a2b3c4d"),
        ))]
        .into(),
        ..Script::default()
    };
    let ran = run_with(&["set", "inquiry1", "priority=A"], refusing());
    assert_eq!(ran.code, 1);
    assert_eq!(ran.out, "");
    assert_eq!(
        ran.err,
        "handschlag: Mueller GmbH is archived\n  take it back into use first: handschlag restore 1a2b3c4d\n"
    );
    let ran = run_with(&["set", "inquiry1", "priority=A", "--json"], refusing());
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    let error: Value = serde_json::from_str(&ran.err).expect("JSON");
    assert_eq!(
        error,
        json!({"error": {
            "code": "archived",
            "reason": "Mueller GmbH is archived",
            "way_out": "take it back into use first: handschlag restore 1a2b3c4d",
        }})
    );
}

#[test]
fn wrong_usage_has_code_2_and_asks_nothing() {
    for words in [
        &["frobnicate"][..],
        &["init", "--workspace", "W"],
        &["invite"],
        &["invite", "--user", "A", "--member", "B"],
        &["create", "lead"],
        &["create", "customer", "name"],
        &["set", "inquiry1"],
        &["set", "inquiry1", "note-=x"],
        &["capture", "--contact", "A B", "--family", "C"],
        &["capture", "--follow-up", "someday"],
        &["follow-up", "inquiry1"],
        &["call", "inquiry1", "--on", "someday"],
        &["call", "inquiry1", "--duration", "long"],
        &["postpone", "activity1", "someday"],
        &["disqualify", "inquiry1"],
        &["offer", "sales-project1"],
        &["offer", "sales-project1", "--item", "Pump"],
        &["phase", "inquiry1", "contacted", "--chance", "5"],
        &["phase", "sales-project1", "won", "--chance", "101"],
        &["lose", "sales-project1"],
        &["show", ""],
        &["list", "inquiry", "--filter", "status"],
        &["list", "sales-project", "--filter", "closing-date<soon"],
        &["home", "--day", "someday"],
        &["import", "--kind", "order", "x.vcf"],
        &["export"],
        &["sync", "--timeout", "0"],
    ] {
        let ran = run(words, []);
        assert_eq!(ran.code, 2, "{words:?}: {}", ran.err);
        assert_eq!(ran.requests, [], "{words:?}");
        assert_eq!(ran.out, "", "{words:?}");
        assert!(
            ran.err.starts_with("handschlag: "),
            "{words:?}: {}",
            ran.err
        );
        assert!(
            ran.err.contains("\n  "),
            "{words:?} says what is expected: {}",
            ran.err
        );
        let ran = run(&[words, &["--json"]].concat(), []);
        if words != ["export"] {
            let error: Value = serde_json::from_str(&ran.err).expect("JSON");
            assert_eq!(error["error"]["code"], "usage", "{words:?}");
            assert!(error["error"]["way_out"].is_string(), "{words:?}");
        }
    }
}

#[test]
fn a_reference_that_leads_nowhere_names_its_field() {
    let ran = run(&["create", "customer", "responsible=nobody"], []);
    assert_eq!(ran.code, 1);
    assert_eq!(ran.requests, []);
    assert_eq!(
        ran.err,
        "handschlag: responsible: there is no record nobody\n  look it up: handschlag search TEXT\n"
    );
}

#[test]
fn one_wrong_activity_leaves_the_others_undone() {
    let ran = run(&["done", "activity1", "nobody"], []);
    assert_eq!(ran.code, 1);
    assert_eq!(ran.requests, []);
}

#[test]
fn one_that_is_refused_in_the_middle_tells_what_was_done() {
    let refused = || Failure::new("archived", "the customer is archived", Some("restore it"));
    let words = ["done", "activity1", "activity2", "activity3"];
    let script = |before: usize| Script {
        answers: (0..before)
            .map(|_| Ok(Answer::Done(outcome())))
            .chain([Err(refused())])
            .collect(),
        ..Script::default()
    };
    let ran = run_with(&words, script(1));
    assert_eq!((ran.code, ran.requests.len()), (1, 2));
    let batch = batch().to_string();
    let last = &batch[batch.len() - 8..];
    assert_eq!(
        ran.err,
        format!(
            "handschlag: the customer is archived (1 of 3 done before it)\n  restore it\n  to take back what is done: handschlag undo {last}\n"
        )
    );
    let ran = run_with(&words, script(0));
    assert_eq!(
        ran.err,
        "handschlag: the customer is archived\n  restore it\n"
    );
}

#[test]
fn a_relay_that_is_away_does_not_unmake_the_workspace() {
    let founded = Answer::Founded(engine::interface::Founded {
        workspace: String::new(),
        name: "W".to_owned(),
        member: crate::fake::id(1),
        member_name: "A".to_owned(),
        device: "A".to_owned(),
    });
    let script = Script {
        answers: [
            Ok(founded),
            Err(Failure::new(
                "relay-away",
                "the relay does not answer",
                None,
            )),
        ]
        .into(),
        ..Script::default()
    };
    let words = [
        "init",
        "--workspace",
        "W",
        "--user",
        "A",
        "--relay",
        "ws://r",
    ];
    let ran = run_with(&words, script);
    assert_eq!(ran.code, 1);
    assert_eq!(
        ran.err,
        "handschlag: the workspace is made, but not known at the relay: the relay does not answer\n  name it again: handschlag relay URL\n"
    );
}

#[test]
fn sync_has_code_1_until_both_sides_have_all() {
    let synced = |complete| {
        Answer::Synced(SyncAnswer {
            held: 0,
            complete,
            only_here: if complete { 0 } else { 2 },
            not_here: Some(if complete { 0 } else { 3 }),
            relay_lacks: 0,
            received: 5,
            sent: 4,
            carried: 0,
            problem: None,
        })
    };
    let ran = run(&["sync"], [synced(true)]);
    assert_eq!(ran.code, 0);
    assert_eq!(ran.out, "both sides have all: sent 4, received 5\n");
    let ran = run(&["sync", "--timeout", "5"], [synced(false)]);
    assert_eq!(ran.code, 1);
    assert_eq!(ran.out, "");
    assert_eq!(
        ran.err,
        "handschlag: not both sides have all after 5 s\n  sent 4, received 5; 2 transactions only on this device, 3 of the relay's not here yet\n  try again: handschlag sync\n"
    );
    assert_eq!(
        ran.requests,
        [engine::interface::Request::Sync { timeout_ms: 5000 }]
    );
    let ran = run(&["sync", "--json"], [synced(false)]);
    let answer: Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!(answer["only_here"], 2);
    assert_eq!(answer["not_here"], 3);
    assert_eq!(
        ran.err,
        "{\"error\":{\"code\":\"not-complete\",\"reason\":\"not both sides have all after 60 s\",\"way_out\":\"try again: handschlag sync\"}}\n"
    );
}

#[test]
fn an_answer_of_another_kind_is_a_failure() {
    let ran = run(&["members"], [Answer::Ok]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("'ok'"), "{}", ran.err);
}

#[test]
fn the_home_is_named_or_the_default() {
    let ran = run(&["--home", "elsewhere", "status"], []);
    assert_eq!(ran.home.as_deref(), Some(Path::new("elsewhere")));
    let ran = run(&["status", "--home", "elsewhere"], []);
    assert_eq!(ran.home.as_deref(), Some(Path::new("elsewhere")));
}

#[test]
fn wrong_usage_points_to_the_help_of_its_command() {
    let ran = run(&["list", "inquiry", "--filter", "status"], []);
    assert_eq!(
        ran.err,
        "handschlag: invalid value 'status' for '--filter <CONDITION>': a condition is expected: field=value, field!=value, field~text, field<value, field>value, field:empty or field:filled\n  for more: handschlag list --help\n"
    );
}

#[test]
fn what_is_missing_is_told_without_the_home() {
    let ran = run(&["show", "--home", "elsewhere"], []);
    assert_eq!(
        ran.err,
        "handschlag: the following required arguments were not provided: <ID>\n  Usage: handschlag show <ID>\n  for more: handschlag show --help\n"
    );
}

#[test]
fn a_relay_that_was_not_met_is_no_success() {
    let away = |problem| {
        Answer::Synced(SyncAnswer {
            held: 0,
            complete: false,
            only_here: 2,
            not_here: None,
            relay_lacks: 0,
            received: 0,
            sent: 0,
            carried: 0,
            problem,
        })
    };
    let nobody = || Some(Failure::new("relay-away", "nobody listens", Some("wait")));
    let ran = run(&["relay", "ws://r"], [away(nobody())]);
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    assert_eq!(
        ran.err,
        "handschlag: nobody listens\n  the address is kept; try again: handschlag sync, or another: handschlag relay URL\n"
    );
    // Neither is a meeting that did not end.
    let ran = run(&["relay", "ws://r"], [away(None)]);
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    let other = Failure::new("refused", "it is another's", Some("ask for a link"));
    let ran = run(&["relay", "ws://r"], [away(Some(other))]);
    assert!(
        ran.err.contains("ask for a link\n  the address is kept"),
        "{}",
        ran.err
    );
    let founded = Answer::Founded(engine::interface::Founded {
        workspace: "00".to_owned(),
        name: "Stand 4".to_owned(),
        member: crate::fake::id(1),
        member_name: "Berg".to_owned(),
        device: "A".to_owned(),
    });
    let init = [
        "init",
        "--workspace",
        "Stand 4",
        "--user",
        "Berg",
        "--relay",
        "ws://r",
    ];
    let ran = run(&init, [founded, away(nobody())]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.err.contains("the workspace is made") && ran.err.contains("handschlag relay URL"),
        "{}",
        ran.err
    );
}

#[test]
fn a_link_may_come_from_standard_input() {
    let script = |input| Script {
        input,
        ..Script::default()
    };
    let ran = run_with(&["join", "-"], script("http://r/join#1abc\nmore\n"));
    let link = "http://r/join#1abc".to_owned();
    assert_eq!(ran.requests, [engine::interface::Request::Join { link }]);
    let ran = run_with(&["join", "-"], script(" \n"));
    assert_eq!((ran.code, ran.requests.len()), (2, 0));
    assert!(ran.err.contains("no link"), "{}", ran.err);
}
