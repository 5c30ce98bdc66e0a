//! Several people and a relay.

use model::intent::{Intent, NewActivity};
use model::value::Planned;
use model::{Kind, Role};

use super::note;
use super::world::{Person, Relay};
use crate::interface::*;

#[test]
fn people_meet_at_the_relay() {
    let mut relay = Relay::new();
    let [mut a, mut b, mut c] = relay.gather(Role::Member);
    let codes: Vec<String> = [&mut a, &mut b, &mut c]
        .map(|one| one.status().workspace.unwrap().device)
        .to_vec();
    assert_eq!(codes, ["A", "B", "C"]);
    assert_eq!(b.status().workspace.unwrap().member_name, "Person 1");
    let inquiry = a.capture("Mueller Praezision GmbH");
    assert_eq!(a.status().only_here, 1);
    assert_eq!((relay.sync(&mut a).sent, relay.sync(&mut a).sent), (1, 0));
    assert_eq!(
        relay.sync(&mut b).received,
        2,
        "the enrolment of the third person, and the inquiry"
    );
    assert_eq!(a.record(inquiry), b.record(inquiry));
    note(&mut b, inquiry, "met at the fair");
    relay.sync(&mut b);
    relay.sync(&mut a);
    relay.sync(&mut c);
    let history = |person: &mut Person| person.query(Query::History { record: inquiry });
    assert_eq!(history(&mut a), history(&mut b));
    assert_eq!(history(&mut a), history(&mut c));
    let Answer::History(lines) = history(&mut a) else {
        panic!("no history")
    };
    assert!(lines.iter().any(|line| line.what == HistoryKind::Activity
        && line.author == "Person 1"
        && line.after == "met at the fair"));
}

#[test]
fn both_convert_and_there_is_one_of_each() {
    let mut relay = Relay::new();
    let [mut a, mut b] = relay.gather(Role::Member);
    let inquiry = a.capture("Mueller Praezision GmbH");
    relay.sync(&mut a);
    relay.sync(&mut b);
    for person in [&mut a, &mut b] {
        person.act(Intent::Convert {
            inquiry,
            into: Default::default(),
        });
    }
    for _ in 0..2 {
        relay.sync(&mut a);
        relay.sync(&mut b);
    }
    for person in [&mut a, &mut b] {
        for kind in [Kind::Customer, Kind::ContactPerson, Kind::SalesProject] {
            assert_eq!(person.list(kind).len(), 1, "{kind}");
        }
        assert_eq!(
            person.list(Kind::SalesProject)[0].record.number,
            "VP-2026-A-0001"
        );
        assert_eq!(person.merged(), []);
    }
}

#[test]
fn a_relay_that_is_away_holds_up_nothing() {
    let mut relay = Relay::new();
    let [mut a, mut b] = relay.gather(Role::Member);
    relay.is_away = true;
    a.capture("Mueller Praezision GmbH");
    let answer = relay.sync(&mut a);
    assert!(!answer.complete);
    assert_eq!(answer.only_here, 1);
    assert_eq!(answer.problem.unwrap().code, "relay-away");
    relay.is_away = false;
    assert!(relay.sync(&mut a).complete);
    assert!(relay.sync(&mut b).complete);
    assert_eq!(b.list(Kind::Inquiry).len(), 1);
}

#[test]
fn a_guest_reads_and_writes_nothing() {
    let mut relay = Relay::new();
    let [mut a, mut guest] = relay.gather(Role::Guest);
    let inquiry = a.capture("Mueller Praezision GmbH");
    relay.sync(&mut a);
    assert!(relay.sync(&mut guest).complete);
    assert_eq!(
        guest.record(inquiry).record.title,
        "Mueller Praezision GmbH, Berg"
    );
    let intent = Intent::AppendNote {
        record: inquiry,
        text: "no".into(),
    };
    let failure = guest
        .ask(Request::Do {
            intent_id: None,
            batch: None,
            intent,
        })
        .unwrap_err();
    assert_eq!(failure.code, "role");
    let invite = Request::Invite {
        user: Some("X".into()),
        email: None,
        role: Role::Member,
        member: None,
    };
    assert_eq!(guest.ask(invite).unwrap_err().code, "role");
}

#[test]
fn an_invite_serves_one_device() {
    let mut relay = Relay::new();
    let [mut a] = relay.gather(Role::Member);
    let invite = Request::Invite {
        user: Some("B".into()),
        email: None,
        role: Role::Member,
        member: None,
    };
    let Ok(Answer::Invited(invited)) = relay.ask(&mut a, invite) else {
        panic!("no invite")
    };
    let (mut b, mut c) = (Person::new(20), Person::new(21));
    assert!(
        relay
            .ask(
                &mut b,
                Request::Join {
                    link: invited.link.clone()
                }
            )
            .is_ok()
    );
    let failure = relay
        .ask(&mut c, Request::Join { link: invited.link })
        .unwrap_err();
    assert_eq!(failure.code, "invite-ended");
    assert!(
        c.ask(Request::Join {
            link: "http://x".into()
        })
        .is_err_and(|failure| failure.code == "bad-link")
    );
}

#[test]
fn a_second_device_of_a_member_does_what_is_done_for_the_first() {
    let mut relay = Relay::new();
    let [mut a] = relay.gather(Role::Member);
    let me = a.status().workspace.unwrap().member;
    let invite = Request::Invite {
        user: None,
        email: None,
        role: Role::Guest,
        member: Some(me),
    };
    let Ok(Answer::Invited(invited)) = relay.ask(&mut a, invite) else {
        panic!("no invite")
    };
    let mut second = Person::new(30);
    assert!(
        relay
            .ask(&mut second, Request::Join { link: invited.link })
            .is_ok()
    );
    let status = second.status();
    assert_eq!(
        (status.role, status.workspace.map(|one| one.member)),
        (Some(Role::Owner), Some(me))
    );
    // What is done or put off on one device is so on the other, since both are of one person.
    let inquiry = a.capture("Mueller Praezision GmbH");
    let planned = |day: &str| Planned {
        date: day.parse().unwrap(),
        time: None,
        zone: "Europe/Berlin".into(),
    };
    let tasks = ["2026-11-24", "2026-11-25"].map(|day| {
        let task = NewActivity {
            activity: "task".into(),
            regards: vec![inquiry],
            subject: day.into(),
            when: Some(planned(day)),
            ..NewActivity::default()
        };
        a.act(Intent::AddActivity(task)).done.records[0]
    });
    relay.sync(&mut a);
    relay.sync(&mut second);
    let until = planned("2026-12-24");
    let [put_off, done] = tasks;
    second.act(Intent::Postpone {
        activity: put_off,
        until: until.clone(),
    });
    second.act(Intent::Complete {
        activity: done,
        all: false,
    });
    relay.sync(&mut second);
    relay.sync(&mut a);
    for person in [&mut a, &mut second] {
        let home = Query::Home {
            member: None,
            day: None,
        };
        let Answer::Home(home) = person.query(home) else {
            panic!("no Home")
        };
        let due = home.activities.into_iter();
        let due: Vec<_> = due.map(|item| (item.record.id, item.due)).collect();
        assert_eq!(due, [(put_off, Some(until.clone()))]);
    }
}

#[test]
fn reconnecting_with_nothing_new_costs_little() {
    let mut relay = Relay::new();
    let [mut a, mut b] = relay.gather(Role::Member);
    for at in 0..20 {
        a.capture(&format!("Company {at}"));
    }
    relay.sync(&mut a);
    relay.sync(&mut b);
    relay.bytes.clear();
    assert!(relay.sync(&mut b).complete);
    assert!(
        relay.bytes["up"] < 1_024 && relay.bytes["down"] < 1_024,
        "{:?}",
        relay.bytes
    );
}

#[test]
fn a_new_relay_is_filled_by_who_comes_first() {
    let mut relay = Relay::new();
    let [mut a, mut b] = relay.gather(Role::Member);
    b.capture("Mueller Praezision GmbH");
    relay.sync(&mut b);
    relay.sync(&mut a);
    let mut other = Relay::new();
    let request = Request::SetRelay {
        url: "http://other.example".into(),
    };
    let Ok(Answer::Synced(answer)) = other.ask(&mut a, request.clone()) else {
        panic!("no answer")
    };
    assert_eq!(
        (answer.complete, answer.relay_lacks, answer.only_here),
        (true, 0, 0)
    );
    assert!(answer.problem.is_none());
    let Ok(Answer::Synced(answer)) = other.ask(&mut b, request) else {
        panic!("no answer")
    };
    assert!(answer.complete);
    assert!(other.sync(&mut a).complete);
}
