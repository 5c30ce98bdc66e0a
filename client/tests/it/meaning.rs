//! Which request a line means.

use engine::interface::{
    Answer, Compare, Filter, Founded, Invited, ListQuery, Query, Request, ResolvedEntry, Sort,
};
use model::intent::{Assignment, Capture, Intent};
use model::value::Planned;
use model::{Kind, Role, ValueId};

use crate::fake::{id, moment, run};

/// Checks that a line asks exactly this, after the look-ups of the records that it names.
#[track_caller]
pub(crate) fn check(
    words: &[&str],
    answers: impl IntoIterator<Item = Answer>,
    expected: &[Request],
) {
    let ran = run(words, answers);
    assert_eq!(ran.requests, expected, "{words:?}: {}", ran.err);
}

#[track_caller]
pub(crate) fn check_intent(words: &[&str], intent: Intent) {
    let ran = run(words, []);
    let request = Request::Do {
        intent_id: None,
        batch: None,
        intent,
    };
    assert_eq!(ran.requests, [request], "{words:?}: {}", ran.err);
    assert_eq!(ran.code, 0, "{words:?}: {}", ran.err);
}

pub(crate) fn planned(text: &str) -> Planned {
    moment().planned(text).expect("a date")
}

fn founded() -> Answer {
    Answer::Founded(Founded {
        workspace: "00".to_owned(),
        name: "Stand 4".to_owned(),
        member: id(1),
        member_name: "Berg".to_owned(),
        device: "A".to_owned(),
    })
}

#[test]
fn workspaces_are_made_and_joined() {
    let found = Request::Found {
        workspace: "Stand 4".to_owned(),
        user: "Berg".to_owned(),
    };
    let relay = Request::SetRelay {
        url: "ws://r".to_owned(),
    };
    let init = ["init", "--workspace", "Stand 4", "--user", "Berg"];
    check(&init, [founded()], std::slice::from_ref(&found));
    check(
        &[&init[..], &["--relay", "ws://r"]].concat(),
        [founded()],
        &[found, relay.clone()],
    );
    check(&["relay", "ws://r"], [], &[relay]);
    let join = Request::Join {
        link: "http://r/join#1.a.b".to_owned(),
    };
    check(&["join", "http://r/join#1.a.b"], [founded()], &[join]);
    check(&["members"], [], &[Request::Members]);
    check(&["status"], [], &[Request::Query(Query::Status)]);
}

#[test]
fn people_and_devices_are_invited() {
    let invite = |user: Option<&str>, role, member| Request::Invite {
        user: user.map(str::to_owned),
        email: None,
        role,
        member,
    };
    check(
        &["invite", "--user", "Colleague", "--role", "admin"],
        [],
        &[invite(Some("Colleague"), Role::Admin, None)],
    );
    check(
        &["invite", "--member", "berg"],
        [],
        &[invite(None, Role::Member, Some(id(99)))],
    );
}

#[test]
fn fields_that_refer_are_looked_up() {
    check_intent(
        &[
            "create",
            "customer",
            "name=Mueller GmbH",
            "responsible=berg",
            "tag+=fair",
        ],
        Intent::Create {
            kind: Kind::Customer,
            fields: vec![
                Assignment::set("name", "Mueller GmbH"),
                Assignment::set("responsible", id(99).to_string().as_str()),
                Assignment::add("tag", "fair"),
            ],
        },
    );
    let full = id(2).to_string();
    check_intent(
        &[
            "set",
            "inquiry1",
            "link+=customer2",
            "link-=customer2",
            "tag-=fair",
            "responsible=",
            "job-title=CEO",
        ],
        Intent::Edit {
            record: id(1),
            fields: vec![
                Assignment::add("link", full.as_str()),
                Assignment::remove("link", full.as_str()),
                Assignment::remove("tag", "fair"),
                Assignment::set("responsible", ""),
                Assignment::set("job_title", "CEO"),
            ],
        },
    );
    check_intent(
        &[
            "set",
            "inquiry1",
            "--also",
            "inquiry2",
            "priority=A",
            "note+=called",
        ],
        Intent::EditMany {
            records: vec![id(1), id(2)],
            fields: vec![
                Assignment::set("priority", "A"),
                Assignment::add("note", "called"),
            ],
        },
    );
}

#[test]
fn a_contact_is_captured_with_all_its_fields() {
    check_intent(
        &[
            "capture",
            "--company",
            "Mueller Praezision GmbH",
            "--contact",
            "Anna Maria Berg",
            "--salutation",
            "Dr.",
            "--job-title",
            "CEO",
            "--origin",
            "trade-fair",
            "--event",
            "Hannover Messe",
            "--phone",
            "mobile:+49 170 1",
            "--phone",
            "+49 30 2",
            "--email",
            "a@example.com",
            "--address",
            "Weg 1;30159 Hannover;DE",
            "--website",
            "example.com",
            "--note",
            "- wants a quote",
            "--priority",
            "A",
            "--responsible",
            "berg",
            "--tag",
            "hot",
            "--link",
            "customer2",
            "--consent",
            "spoken: catalogue",
            "--custom",
            "Machine=X-200",
            "--follow-up",
            "tomorrow 9:30",
        ],
        Intent::Capture(Capture {
            fields: vec![
                Assignment::set("company", "Mueller Praezision GmbH"),
                Assignment::set("salutation", "Dr."),
                Assignment::set("given", "Anna Maria"),
                Assignment::set("family", "Berg"),
                Assignment::set("job_title", "CEO"),
                Assignment::set("origin", "trade-fair"),
                Assignment::set("address", "Weg 1;30159 Hannover;DE"),
                Assignment::set("website", "example.com"),
                Assignment::set("priority", "A"),
                Assignment::set("responsible", id(99).to_string().as_str()),
                Assignment::set("consent", "spoken: catalogue"),
                Assignment::set("note", "- wants a quote"),
                Assignment::add("phone", "mobile:+49 170 1"),
                Assignment::add("phone", "+49 30 2"),
                Assignment::add("email", "a@example.com"),
                Assignment::add("tag", "hot"),
                Assignment::add("link", id(2).to_string().as_str()),
                Assignment::set("custom/Machine", "X-200"),
            ],
            event: Some("Hannover Messe".to_owned()),
            follow_up: Some(planned("2026-12-04 9:30")),
        }),
    );
}

#[test]
fn lists_take_conditions_orders_and_windows() {
    let filter = |field: &str, compare, value: &str| Filter {
        field: field.to_owned(),
        compare,
        value: value.to_owned(),
    };
    let full = id(2).to_string();
    check(
        &[
            "list",
            "sales-projects",
            "--filter",
            "customer=customer2",
            "--filter",
            "responsible!=berg",
            "--filter",
            "closing-date<+1w",
            "--filter",
            "tags~fair",
            "--filter",
            "revenue>1000",
            "--filter",
            "next-step=late",
            "--sort",
            "-revenue",
            "--limit",
            "5",
            "--offset",
            "10",
            "--archived",
        ],
        [],
        &[Request::Query(Query::List(ListQuery {
            kind: Kind::SalesProject,
            filters: vec![
                filter("customer", Compare::Is, &full),
                filter("responsible", Compare::IsNot, &id(99).to_string()),
                filter("closing_date", Compare::Before, "2026-12-10"),
                filter("tag", Compare::Contains, "fair"),
                filter("revenue", Compare::After, "1000"),
                filter("next_step", Compare::Is, "late"),
            ],
            sort: Some(Sort {
                field: "revenue".to_owned(),
                descending: true,
            }),
            offset: 10,
            limit: 5,
            archived: true,
        }))],
    );
}

#[test]
fn records_are_looked_at() {
    let record = Query::Record { record: id(1) };
    check(
        &["show", "inquiry1", "--json"],
        [],
        &[Request::Query(record)],
    );
    let history = Query::History { record: id(1) };
    check(&["history", "inquiry1"], [], &[Request::Query(history)]);
    let home = Query::Home {
        member: Some(id(99)),
        day: Some("2026-12-04".parse().expect("a date")),
    };
    check(
        &["home", "--member", "berg", "--day", "tomorrow"],
        [],
        &[Request::Query(home)],
    );
    let search = Query::Search {
        text: "mueller pump".to_owned(),
        limit: 3,
    };
    check(
        &["search", "mueller", "pump", "--limit", "3"],
        [],
        &[Request::Query(search)],
    );
    let merged = Query::Merged { all: true };
    check(&["merged", "--all"], [], &[Request::Query(merged)]);
}

#[test]
fn entries_of_the_merged_list_are_decided() {
    let entry = crate::printing::entry();
    let value = ValueId::from_bytes([4; 8]);
    let found = |value| {
        Answer::ResolvedEntry(ResolvedEntry {
            entry: entry.clone(),
            value,
        })
    };
    let resolve = |value: Option<&str>| Request::ResolveEntry {
        entry: "0606".to_owned(),
        value: value.map(str::to_owned),
    };
    let perform = |intent| Request::Do {
        intent_id: None,
        batch: None,
        intent,
    };
    let choose = perform(Intent::Choose {
        entry: entry.id,
        value,
    });
    check(
        &["choose", "0606", "2"],
        [found(Some(value))],
        &[resolve(Some("2")), choose],
    );
    let acknowledge = perform(Intent::Acknowledge { entry: entry.id });
    check(
        &["acknowledge", "0606"],
        [found(None)],
        &[resolve(None), acknowledge],
    );
}

#[test]
fn an_invite_prints_its_link_alone() {
    let invited = Answer::Invited(Invited {
        link: "http://r/join#1.a.b".to_owned(),
        member: id(1),
        expires_ms: 0,
    });
    let ran = run(&["invite", "--user", "Colleague"], [invited]);
    assert_eq!(ran.out, "http://r/join#1.a.b\n");
}
