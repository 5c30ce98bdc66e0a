//! Which request a line of the way from the inquiry to the order means.

use engine::interface::{Answer, ListAnswer, ListQuery, Query, Request, ResolvedOperation};
use model::intent::{ConvertInto, Intent, NewActivity, Undo};
use model::value::LineItem;
use model::{Kind, RecordId};

use crate::fake::{batch, id, operation};
use crate::meaning::{check, check_intent, planned};

#[test]
fn activities_are_added() {
    let new = |activity: &str| NewActivity {
        activity: activity.to_owned(),
        regards: vec![id(1)],
        ..NewActivity::default()
    };
    for activity in ["note", "call", "email", "task", "appointment"] {
        check_intent(
            &[activity, "inquiry1", "first line\nsecond\nthird"],
            Intent::AddActivity(NewActivity {
                subject: "first line".to_owned(),
                text: "second\nthird".to_owned(),
                ..new(activity)
            }),
        );
    }
    check_intent(
        &[
            "call",
            "inquiry1",
            "--subject",
            "Quote",
            "--text",
            "long",
            "--on",
            "+3d",
            "--duration",
            "1h30m",
            "--responsible",
            "berg",
            "--regards",
            "customer2",
            "--direction",
            "out",
            "--outcome",
            "agreed",
            "--reminder",
            "15",
        ],
        Intent::AddActivity(NewActivity {
            regards: vec![id(1), id(2)],
            subject: "Quote".to_owned(),
            text: "long".to_owned(),
            when: Some(planned("2026-12-06")),
            duration_min: Some(90),
            responsible: Some(id(99)),
            direction: Some("out".to_owned()),
            outcome: Some("agreed".to_owned()),
            reminder_min: Some(15),
            ..new("call")
        }),
    );
    check_intent(
        &["follow-up", "inquiry1", "--on", "monday"],
        Intent::AddActivity(NewActivity {
            when: Some(planned("2026-12-07")),
            ..new("follow-up")
        }),
    );
}

#[test]
fn activities_are_done_put_off_and_opened() {
    check_intent(
        &["done", "activity1", "--all"],
        Intent::Complete {
            activity: id(1),
            all: true,
        },
    );
    check_intent(
        &["postpone", "activity1", "tomorrow", "9:30"],
        Intent::Postpone {
            activity: id(1),
            until: planned("2026-12-04 9:30"),
        },
    );
    check_intent(&["reopen", "activity1"], Intent::Reopen { activity: id(1) });
}

#[test]
fn what_is_done_to_several_is_one_batch() {
    let both = |words: &[&str], intent: fn(RecordId) -> Intent| {
        let one = |byte| Request::Do {
            intent_id: None,
            batch: Some(batch()),
            intent: intent(id(byte)),
        };
        check(words, [], &[one(1), one(2)]);
    };
    both(&["done", "activity1", "activity2"], |activity| {
        Intent::Complete {
            activity,
            all: false,
        }
    });
    both(&["reopen", "activity1", "activity2"], |activity| {
        Intent::Reopen { activity }
    });
    both(&["archive", "customer1", "inquiry2"], |record| {
        Intent::Archive { record }
    });
    both(&["restore", "customer1", "inquiry2"], |record| {
        Intent::Restore { record }
    });
    // One that is named twice is one.
    check_intent(
        &["archive", "customer1", "customer1"],
        Intent::Archive { record: id(1) },
    );
}

#[test]
fn inquiries_are_converted_and_disqualified() {
    check_intent(
        &[
            "convert",
            "inquiry1",
            "--into",
            "customer2",
            "--contact",
            "contact-person3",
        ],
        Intent::Convert {
            inquiry: id(1),
            into: ConvertInto {
                customer: Some(id(2)),
                contact: Some(id(3)),
                partner: false,
            },
        },
    );
    check_intent(
        &["convert", "inquiry1", "--partner"],
        Intent::Convert {
            inquiry: id(1),
            into: ConvertInto {
                partner: true,
                ..ConvertInto::default()
            },
        },
    );
    check_intent(
        &["disqualify", "inquiry1", "--reason", "no budget"],
        Intent::Disqualify {
            inquiry: id(1),
            reason: "no budget".to_owned(),
            seen: None,
        },
    );
}

#[test]
fn an_offer_is_drafted_in_the_currency_of_the_workspace() {
    let settings = Request::Query(Query::List(ListQuery {
        limit: 1,
        ..ListQuery::of(Kind::Settings)
    }));
    let none = Answer::List(ListAnswer {
        total: 0,
        rows: Vec::new(),
    });
    let line = |text: &str, position| LineItem {
        position,
        ..model::parse::line_item(text, "EUR").expect("a line")
    };
    let draft = Intent::DraftOffer {
        sales_project: id(1),
        items: vec![line("Pump;2;piece;1200;5;19", 1), line("Setup;1", 2)],
        name: "First".to_owned(),
        valid_until: Some("2026-12-31".parse().expect("a date")),
    };
    let words = [
        "offer",
        "sales-project1",
        "--item",
        "Pump;2;piece;1200;5;19",
        "--item",
        "Setup;1",
        "--name",
        "First",
        "--valid-until",
        "31.12.",
    ];
    let draft = Request::Do {
        intent_id: None,
        batch: None,
        intent: draft,
    };
    check(&words, [none], &[settings, draft]);
}

#[test]
fn offers_and_orders_take_their_course() {
    check_intent(
        &["send", "offer1", "--content", "ab"],
        Intent::SendOffer {
            offer: id(1),
            content: Some("ab".to_owned()),
        },
    );
    check_intent(
        &["accept", "issued-offer1"],
        Intent::AcceptOffer { issued: id(1) },
    );
    check_intent(
        &["reject", "issued-offer1", "--reason", "price"],
        Intent::RejectOffer {
            issued: id(1),
            reason: Some("price".to_owned()),
        },
    );
    check_intent(
        &["win", "sales-project1", "--offer", "issued-offer2"],
        Intent::Win {
            sales_project: id(1),
            issued: Some(id(2)),
            seen: None,
        },
    );
    check_intent(
        &["confirm", "order1", "--reference", "PO-7"],
        Intent::ConfirmOrder {
            order: id(1),
            reference: Some("PO-7".to_owned()),
        },
    );
}

#[test]
fn the_kind_says_what_a_phase_means() {
    let phase = |phase: &str, chance, reason: Option<&str>| Intent::MovePhase {
        sales_project: id(1),
        phase: phase.to_owned(),
        chance,
        reason: reason.map(str::to_owned),
        seen: None,
    };
    check_intent(
        &["phase", "sales-project1", "negotiation", "--chance", "80"],
        phase("negotiation", Some(80), None),
    );
    check_intent(
        &["lose", "sales-project1", "--reason", "price"],
        phase("lost", None, Some("price")),
    );
    check_intent(&["hold", "sales-project1"], phase("on-hold", None, None));
    check_intent(
        &["phase", "inquiry1", "contacted"],
        Intent::MoveInquiry {
            inquiry: id(1),
            status: "contacted".to_owned(),
            seen: None,
        },
    );
}

#[test]
fn records_are_put_away_merged_and_undone() {
    check_intent(&["archive", "inquiry1"], Intent::Archive { record: id(1) });
    check_intent(&["restore", "inquiry1"], Intent::Restore { record: id(1) });
    check_intent(
        &["merge", "customer1", "customer2"],
        Intent::Merge {
            survivor: id(2),
            loser: id(1),
        },
    );
    check_intent(&["undo"], Intent::Undo { what: Undo::Last });
    for (is_batch, what) in [
        (false, Undo::Operation(operation(5))),
        (true, Undo::Batch(operation(5))),
    ] {
        let found = Answer::ResolvedOperation(ResolvedOperation {
            id: operation(5),
            is_batch,
        });
        let resolve = Request::ResolveOperation {
            text: "0505".to_owned(),
        };
        let undo = Request::Do {
            intent_id: None,
            batch: None,
            intent: Intent::Undo { what },
        };
        check(&["undo", "0505"], [found], &[resolve, undo]);
    }
}
