//! What people read of many things at once: histories, Home, searches.

use engine::interface::{Answer, HistoryItem, HistoryKind, Hit, HomeAnswer, HomeItem, Named};
use model::Kind;
use model::home::Urgency;
use serde_json::Value as Json;

use crate::fake::{moment, operation, run};
use crate::printing::{NINE_MS, inquiry, row};

fn item(what: HistoryKind, field: &str, before: &str, after: &str, by: u8) -> HistoryItem {
    HistoryItem {
        time_ms: NINE_MS,
        what,
        author: "Rep A".to_owned(),
        member: None,
        device: "A".to_owned(),
        record: inquiry(1),
        field: field.to_owned(),
        before: before.to_owned(),
        after: after.to_owned(),
        operation: Some(operation(by)),
    }
}

fn history_of_a_contact() -> Answer {
    use HistoryKind::{Activity, Changed, Created, Note};
    Answer::History(vec![
        item(Created, "", "", "", 1),
        item(Changed, "address", "", "Weg 1, 30159 Hannover", 1),
        item(Changed, "captured_at", "", "2026-12-03 08:00 UTC", 1),
        item(Changed, "company", "", "Mueller Praezision GmbH", 1),
        item(Changed, "email/0a", "", "a.berg@example.com (work)", 1),
        item(Changed, "family", "", "Berg", 1),
        item(Changed, "given", "", "Anna", 1),
        item(Changed, "phone/0b", "", "+49 170 1 (mobile)", 1),
        item(Changed, "phone/0c", "", "+49 30 2 (work)", 1),
        item(Changed, "priority", "", "A", 1),
        item(Changed, "status", "", "new", 1),
        item(Note, "note", "", "wants two X-200 before Easter", 1),
        item(Activity, "follow-up", "", "for 2026-12-07", 1),
        item(Changed, "job_title", "", "CEO", 2),
        item(Changed, "phone/0b", "+49 170 1 (mobile)", "", 2),
        item(Note, "note", "", "called", 3),
    ])
}

#[test]
fn a_history_has_one_entry_for_each_operation() {
    let ran = run(&["history", "inquiry1"], [history_of_a_contact()]);
    assert_eq!(
        ran.out,
        "time         who    operation  what\n\
         today 09:00  Rep A  01010101   created: Mueller Praezision GmbH, Anna Berg, +49 170 1 (mobile), a.berg@example.com (work), priority A, note: wants two X-200 before Easter\n                               \
         follow-up: for 2026-12-07\n\
         today 09:00  Rep A  02020202   job title: CEO\n                               \
         phone: +49 170 1 (mobile) -> (empty)\n\
         today 09:00  Rep A  03030303   note: called\n"
    );
    let ran = run(&["history", "inquiry1", "--json"], [history_of_a_contact()]);
    let json: Json = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!(json.as_array().map(Vec::len), Some(16));
    // Where only some of the fields are filled, and of what has none that tell much.
    let answer = |items| [Answer::History(items)];
    let family = [
        item(HistoryKind::Created, "", "", "", 1),
        item(HistoryKind::Changed, "family", "", "Berg", 1),
    ];
    let ran = run(&["history", "inquiry1"], answer(family.to_vec()));
    assert!(ran.out.contains("  created: Berg\n"), "{}", ran.out);
    let twice = [
        &family[..],
        &[item(HistoryKind::Changed, "customer", "", "Berg", 1)],
    ];
    let ran = run(&["history", "inquiry1"], answer(twice.concat()));
    assert!(ran.out.contains("  created: Berg\n"), "{}", ran.out);
    let ran = run(&["history", "inquiry1"], answer(family[..1].to_vec()));
    assert!(ran.out.contains("  created\n"), "{}", ran.out);
}

#[test]
fn home_groups_by_urgency() {
    let item = |urgency, due: &str| HomeItem {
        record: Named {
            kind: Some(Kind::Activity),
            title: "Quote".to_owned(),
            number: String::new(),
            ..inquiry(9)
        },
        activity: "call".to_owned(),
        urgency,
        due: moment().planned(due).ok(),
        regards: vec![inquiry(1)],
        regards_archived: urgency == Urgency::Today,
    };
    let home = Answer::Home(HomeAnswer {
        member: Named {
            title: "Berg".to_owned(),
            ..inquiry(99)
        },
        day: moment().today(),
        activities: vec![
            item(Urgency::Overdue, "yesterday"),
            item(Urgency::Today, "today 14:00"),
        ],
        without_next_step: Vec::new(),
        merged: Vec::new(),
    });
    let ran = run(&["home"], [home]);
    assert_eq!(
        ran.out,
        "Home of Berg, today\n\
         \noverdue\n  yesterday  call  Quote  Mueller Praezision GmbH  09090909\n\
         \ntoday\n  today 14:00  call  Quote  Mueller Praezision GmbH  (archived)  09090909\n"
    );
}

#[test]
fn a_search_says_where_it_found_what_the_title_does_not_tell() {
    let hit = |byte, found_in: &str| Hit {
        record: inquiry(byte),
        standing: "alive".to_owned(),
        found_in: found_in.to_owned(),
    };
    let hits = vec![
        hit(1, "Mueller Praezision GmbH"),
        hit(2, "info@mueller.example"),
    ];
    let ran = run(
        &["search", "mueller", "--limit", "2"],
        [Answer::Hits(hits.clone())],
    );
    assert_eq!(
        ran.out,
        "kind     number          title                    id        found in\n\
         inquiry  AF-2026-A-0001  Mueller Praezision GmbH  01010101\n\
         inquiry  AF-2026-A-0001  Mueller Praezision GmbH  02020202  info@mueller.example\n\
         the best 2; more with --limit\n"
    );
    let ran = run(&["search", "mueller"], [Answer::Hits(hits)]);
    assert!(!ran.out.contains("--limit"), "{}", ran.out);
}

#[test]
fn home_shows_some_of_many_without_a_next_step() {
    let home = Answer::Home(HomeAnswer {
        member: Named {
            title: "Berg".to_owned(),
            ..inquiry(99)
        },
        day: moment().today(),
        activities: Vec::new(),
        without_next_step: (1..=12).map(row).collect(),
        merged: Vec::new(),
    });
    let ran = run(&["home"], [home]);
    let lines: Vec<&str> = ran.out.lines().collect();
    assert_eq!(
        &lines[2..5],
        [
            "inquiries without a next step",
            "  number          inquiry                  status  priority  id",
            "  AF-2026-A-0001  Mueller Praezision GmbH  new     A         01010101  ⇄",
        ]
    );
    assert_eq!(
        lines[14..],
        [
            "  and 2 more: handschlag list inquiry --filter next-step=none --filter responsible=63636363"
        ]
    );
}
