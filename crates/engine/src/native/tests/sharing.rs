//! One owner, several connections, and owners that end.

use std::io::{BufReader, Write as _};
use std::path::Path;
use std::sync::mpsc::channel;
use std::time::Duration;

use model::intent::Intent;

use super::fake::Probe;
use super::{SOON, get, local, open, set};
use crate::interface::{Answer, Event, Failure, Message, Query, Request};
use crate::native::connection::Connection;
use crate::native::home::Home;
use crate::native::lines::{Read, read_line};
use crate::native::owner::Options;
use crate::native::socket::{self, Listener};

fn is_later(request: &Request) -> bool {
    *request == get("later")
}

fn subscribe() -> Request {
    let query = Query::Status;
    Request::Subscribe { query }
}

/// Gives a request that may not be repeated.
fn found() -> Request {
    Request::Found {
        workspace: String::new(),
        user: String::new(),
    }
}

fn changed(value: &str) -> Event {
    Event::Changed {
        subscription: 1,
        answer: Box::new(local(value)),
    }
}

#[test]
fn a_second_connection_goes_through_the_owner() {
    let directory = tempfile::tempdir().expect("a directory");
    let probe = Probe::default();
    let owner = open(directory.path(), &probe);
    let second = open(directory.path(), &probe);
    assert!(owner.is_owner());
    assert!(!second.is_owner());
    assert_eq!(owner.call(set("k", "from the owner")), Ok(Answer::Ok));
    assert_eq!(second.call(get("k")), Ok(local("from the owner")));
    assert_eq!(second.call(set("k", "from the second")), Ok(Answer::Ok));
    assert_eq!(owner.call(get("k")), Ok(local("from the second")));
    assert_eq!(probe.look(|told| told.made), 1);
    let refused = second.call(Request::Members);
    assert_eq!(refused.expect_err("it only echoes").code, "not-echoed");
    drop(second);
    probe.wait(|told| (!told.forgotten.is_empty()).then_some(()));
    assert_eq!(owner.call(get("k")), Ok(local("from the second")));
}

#[test]
fn a_deep_home_is_shared_too() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut home = directory.path().to_owned();
    for _ in 0..6 {
        home.push("a-directory-with-a-rather-long-name");
    }
    let probe = Probe::default();
    let owner = open(&home, &probe);
    let second = open(&home, &probe);
    assert!(!second.is_owner());
    assert_eq!(second.call(set("k", "v")), Ok(Answer::Ok));
    assert_eq!(owner.call(get("k")), Ok(local("v")));
}

#[test]
fn deadlines_wake_the_engine() {
    let directory = tempfile::tempdir().expect("a directory");
    let probe = Probe::default();
    let owner = open(directory.path(), &probe);
    let timeout_ms = 20;
    assert_eq!(owner.call(Request::Sync { timeout_ms }), Ok(Answer::Ok));
    assert!(probe.look(|told| told.ticks) >= 1);
}

#[test]
fn progress_and_events_find_their_takers() {
    let directory = tempfile::tempdir().expect("a directory");
    let probe = Probe::default();
    let owner = open(directory.path(), &probe);
    let second = open(directory.path(), &probe);
    for connection in [&owner, &second] {
        let subscribed = connection.call(subscribe()).expect("it subscribes");
        assert!(matches!(
            subscribed,
            Answer::Subscribed {
                subscription: 1,
                ..
            }
        ));
    }
    std::thread::scope(|scope| {
        let (sender, progress) = channel();
        let waiting = scope.spawn(|| {
            second.call_with(get("later"), move |event| {
                sender.send(event).expect("the test listens");
            })
        });
        probe.wait_for_calls(1, is_later);
        let event = progress.recv_timeout(SOON).expect("progress is told");
        assert!(
            matches!(event, Event::Progress { done: 1, .. }),
            "{event:?}"
        );
        owner.call(set("k", "new")).expect("it is set");
        owner.call(set("release", "now")).expect("it is released");
        assert_eq!(waiting.join().expect("no panic"), Ok(local("now")));
    });
    for connection in [&owner, &second] {
        assert_eq!(connection.next_event(SOON), Ok(Some(changed("new"))));
        assert_eq!(connection.next_event(Duration::ZERO), Ok(None));
    }
    let subscription = 1;
    let ended = second.call(Request::Unsubscribe { subscription });
    assert_eq!(ended, Ok(Answer::Ok));
    second.call(set("k", "newer")).expect("it is set");
    assert_eq!(owner.next_event(SOON), Ok(Some(changed("newer"))));
    assert_eq!(second.next_event(Duration::ZERO), Ok(None));
}

#[test]
fn calls_that_are_begun_wake_and_come_as_messages() {
    let directory = tempfile::tempdir().expect("a directory");
    let probe = Probe::default();
    let owner = open(directory.path(), &probe);
    let second = open(directory.path(), &probe);
    for connection in [&owner, &second] {
        let (sender, woken) = channel();
        connection.wake_with(move || {
            // Nobody listens once the test is done.
            let _ = sender.send(());
        });
        let id = connection.begin(get("k")).expect("it begins");
        woken.recv_timeout(SOON).expect("it wakes");
        let answer = Message::Answer {
            id,
            ok: Answer::Local { value: None },
        };
        assert_eq!(connection.next_message(SOON), Ok(Some(answer)));
    }
}

#[test]
fn an_owner_that_ends_answers_what_it_got() {
    let directory = tempfile::tempdir().expect("a directory");
    let probe = Probe::default();
    let owner = open(directory.path(), &probe);
    let second = open(directory.path(), &probe);
    let third = open(directory.path(), &probe);
    second.call(subscribe()).expect("it subscribes");
    third.call(set("other", "1")).expect("it is set");
    std::thread::scope(|scope| {
        // Neither may be repeated, so both must get their answers from the first owner.
        let waiting = scope.spawn(|| second.call(found()));
        probe.wait_for_calls(1, |request| *request == found());
        let ending = scope.spawn(move || drop(owner));
        // It stays until the answer is there, and hears calls that were on their way.
        third
            .call(set("release", "at last"))
            .expect("it is released");
        let answer = waiting.join().expect("no panic");
        assert_eq!(answer, Ok(local("at last")));
        ending.join().expect("no panic");
    });
    // One of both becomes the owner, the other one its client.
    assert_eq!(third.call(set("k", "after")), Ok(Answer::Ok));
    assert_eq!(second.call(get("k")), Ok(local("after")));
    assert_eq!(
        [&second, &third]
            .map(Connection::is_owner)
            .iter()
            .filter(|is| **is)
            .count(),
        1
    );
    // What is subscribed stays so, under its number, and tells how it is now.
    let again = Event::Changed {
        subscription: 1,
        answer: Box::new(Answer::Ok),
    };
    assert_eq!(second.next_event(SOON), Ok(Some(again)));
    third.call(set("k", "later")).expect("it is set");
    assert_eq!(second.next_event(SOON), Ok(Some(changed("later"))));
}

#[test]
fn an_idle_connection_hears_that_another_owner_is_needed() {
    let directory = tempfile::tempdir().expect("a directory");
    let probe = Probe::default();
    let owner = open(directory.path(), &probe);
    let second = open(directory.path(), &probe);
    second
        .call(Request::Follow { on: true })
        .expect("it follows");
    let (sender, woken) = channel();
    second.wake_with(move || {
        // Nobody listens once the test is done.
        let _ = sender.send(());
    });
    drop(owner);
    woken.recv_timeout(SOON).expect("it wakes");
    while !second.is_owner() {
        assert_eq!(second.next_message(Duration::from_millis(1)), Ok(None));
    }
    // The new engine is asked to follow the relay as the last one was.
    probe.wait_for_calls(2, |request| *request == Request::Follow { on: true });
}

/// Owns a home as a process does that dies in the middle of a call; gives what it was asked.
fn die_in_the_middle(home: &Home, meet: impl FnOnce()) -> Vec<u8> {
    let ownership = home.try_own().expect("the lock works").expect("it is free");
    let listener = Listener::bind(home).expect("it binds");
    meet();
    let mut stream = listener.accept().expect("somebody connects");
    stream
        .write_all(b"{\"handschlag\":1}\n")
        .expect("it greets");
    let mut line = Vec::new();
    let mut reader = BufReader::new(stream);
    let read = read_line(&mut reader, &mut line, 1 << 20).expect("it reads");
    assert_eq!(read, Read::Line);
    // The socket's file stays, as it does after a death.
    drop((listener, reader, ownership));
    line
}

fn call_while_the_owner_dies(
    path: &Path,
    probe: &Probe,
    request: Request,
) -> Result<Answer, Failure> {
    let home = Home::at(path).expect("a home");
    let (sender, met) = channel();
    std::thread::scope(|scope| {
        scope.spawn(|| die_in_the_middle(&home, move || sender.send(()).expect("the test waits")));
        met.recv_timeout(SOON).expect("there is an owner");
        let connection = open(path, probe);
        assert!(!connection.is_owner());
        let answer = connection.call(request);
        if answer.is_ok() {
            assert!(connection.is_owner());
        }
        answer
    })
}

#[test]
fn a_call_that_may_be_repeated_survives_the_owners_death() {
    let directory = tempfile::tempdir().expect("a directory");
    let probe = Probe::default();
    let answer = call_while_the_owner_dies(directory.path(), &probe, set("k", "v"));
    assert_eq!(answer, Ok(Answer::Ok));
    let intent = Intent::Undo {
        what: model::intent::Undo::Last,
    };
    let request = Request::Do {
        intent_id: None,
        batch: None,
        intent,
    };
    let answer = call_while_the_owner_dies(directory.path(), &probe, request);
    assert_eq!(answer, Ok(Answer::Ok));
    let ids = probe.look(|told| {
        let ids = told.calls.iter().filter_map(|(_, request)| match request {
            Request::Do { intent_id, .. } => Some(*intent_id),
            _ => None,
        });
        ids.collect::<Vec<_>>()
    });
    assert!(matches!(ids[..], [Some(_)]), "{ids:?}");
    let import = Request::Import {
        intent_id: None,
        files: Vec::new(),
        event: None,
        origin: None,
        kind: None,
    };
    let attach = Request::Attach {
        intent_id: None,
        batch: None,
        record: model::RecordId::from_bytes([1; 16]),
        name: "card.png".to_owned(),
        media_type: String::new(),
        bytes: b"photo".to_vec(),
    };
    let has_id = |request: &Request| match request {
        Request::Import { intent_id, .. } | Request::Attach { intent_id, .. } => {
            intent_id.is_some()
        }
        _ => false,
    };
    for (request, sent) in [(import, 1), (attach, 2)] {
        let answer = call_while_the_owner_dies(directory.path(), &probe, request);
        assert_eq!(answer, Ok(Answer::Ok));
        let calls = probe.look(|told| told.calls.clone());
        let with_id = calls.iter().filter(|(_, request)| has_id(request));
        assert_eq!(with_id.count(), sent);
    }
}

#[test]
fn a_call_that_may_not_be_repeated_fails_with_its_owner() {
    let directory = tempfile::tempdir().expect("a directory");
    let probe = Probe::default();
    let answer = call_while_the_owner_dies(directory.path(), &probe, found());
    assert_eq!(answer.expect_err("nobody knows").code, "owner-gone");
    assert_eq!(probe.look(|told| told.calls.len()), 0);
}

#[test]
fn an_engine_that_panics_tells_everybody() {
    let directory = tempfile::tempdir().expect("a directory");
    let probe = Probe::default();
    let owner = open(directory.path(), &probe);
    let second = open(directory.path(), &probe);
    let code = |answer: Result<Answer, Failure>| answer.expect_err("the engine is gone").code;
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| owner.call(get("later")));
        probe.wait_for_calls(1, is_later);
        assert_eq!(code(second.call(set("panic", ""))), "engine-stopped");
        assert_eq!(code(waiting.join().expect("no panic")), "engine-stopped");
    });
    assert_eq!(code(owner.call(get("k"))), "engine-stopped");
    let third = super::open_with(directory.path(), &probe, Options::default());
    assert_eq!(
        third.expect_err("there is no engine").code,
        "engine-stopped"
    );
    drop(owner);
    assert_eq!(second.call(set("k", "v")), Ok(Answer::Ok));
    assert!(second.is_owner());
}

#[test]
fn an_engine_that_cannot_be_made_leaves_the_home_free() {
    let directory = tempfile::tempdir().expect("a directory");
    let failure = Failure::new("store-damaged", "the store is damaged", None);
    let expected = failure.clone();
    let opened = super::super::open_with(
        directory.path(),
        std::sync::Arc::new(move |_| Err(failure.clone())),
    );
    assert_eq!(opened.expect_err("it cannot be made"), expected);
    let panics = super::super::open_with(
        directory.path(),
        std::sync::Arc::new(|_| panic!("as the test wants")),
    );
    assert_eq!(panics.expect_err("it panics").code, "engine-stopped");
    assert!(open(directory.path(), &Probe::default()).is_owner());
}

#[test]
fn an_owner_that_does_not_answer_is_named() {
    let directory = tempfile::tempdir().expect("a directory");
    let home = Home::at(directory.path()).expect("a home");
    let _ownership = home.try_own().expect("the lock works").expect("it is free");
    let options = Options {
        patience: Duration::from_millis(30),
        ..Options::default()
    };
    let check = || {
        let opened = super::open_with(directory.path(), &Probe::default(), options.clone());
        let failure = opened.expect_err("nobody answers");
        assert_eq!(failure.code, "home-busy");
        let process = std::process::id().to_string();
        // Elsewhere a file that is locked cannot be read.
        assert!(
            !cfg!(unix) || failure.reason.contains(&process),
            "{failure:?}"
        );
    };
    check();
    let _silent = Listener::bind(&home).expect("it binds");
    check();
    drop(socket::connect(&home).expect("it listens"));
}

#[test]
fn many_that_come_and_go_lose_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let probe = Probe::default();
    std::thread::scope(|scope| {
        for one in 0..8 {
            let (probe, path) = (&probe, directory.path());
            scope.spawn(move || {
                for round in 0..10 {
                    let connection = open(path, probe);
                    let key = format!("{one}/{round}");
                    assert_eq!(connection.call(set(&key, "v")), Ok(Answer::Ok));
                    assert_eq!(connection.call(get(&key)), Ok(local("v")));
                }
            });
        }
    });
    let (made, dropped) = probe.look(|told| (told.made, told.dropped));
    assert_eq!(made, dropped);
}
