//! Clients that do not read.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};

use super::fake::Probe;
use super::set;
use crate::interface::{Answer, Event, Failure, Message, Request};
use crate::native::outbox::{Deliver as _, Next, Outbox};
use crate::native::owner::Options;
use crate::native::socket;

fn changed(subscription: u64, value: &str) -> Message {
    Message::Event(Event::Changed {
        subscription,
        answer: Box::new(super::local(value)),
    })
}

fn answer(id: u64) -> Message {
    let ok = Answer::Ok;
    Message::Answer { id, ok }
}

#[test]
fn an_event_replaces_an_older_one_about_the_same() {
    let outbox = Outbox::new(3);
    let given = [
        changed(1, "old"),
        changed(2, "other"),
        answer(5),
        changed(1, "new"),
    ];
    for message in given {
        assert_eq!(outbox.deliver(message), Ok(()));
    }
    assert!(outbox.deliver(answer(6)).is_err(), "three wait already");
    outbox.close(None);
    let expected = [changed(2, "other"), answer(5), changed(1, "new")];
    for message in expected {
        assert_eq!(outbox.next(), Next::Write(message));
    }
    assert_eq!(outbox.next(), Next::Close);
}

#[test]
fn one_who_is_cut_off_hears_why_and_nothing_else() {
    let outbox = Outbox::new(3);
    outbox.deliver(answer(1)).expect("there is room");
    outbox.end();
    assert_eq!(outbox.next(), Next::SayEnding);
    let error = Failure::new("too-slow", "too slow", None);
    outbox.close(Some(error.clone()));
    outbox.close(None);
    assert_eq!(
        outbox.next(),
        Next::Write(Message::Failure { id: None, error })
    );
    assert_eq!(outbox.next(), Next::Close);
    assert!(!outbox.wait_for_room());
}

#[test]
fn a_client_that_does_not_read_is_cut_off_and_nobody_waits_for_it() {
    const SUBSCRIPTIONS: usize = 64;
    let directory = tempfile::tempdir().expect("a directory");
    let probe = Probe::default();
    let options = Options {
        max_queued: 16,
        ..Options::default()
    };
    let owner = super::open_with(directory.path(), &probe, options).expect("the home opens");
    let mut slow = socket::connect(owner.home()).expect("it connects");
    let mut reader = BufReader::new(slow.try_clone().expect("it is cloned"));
    let mut line = String::new();
    reader.read_line(&mut line).expect("it is greeted");
    for id in 0..SUBSCRIPTIONS {
        let call = format!(
            "{{\"id\":{id},\"request\":\"subscribe\",\"query\":{{\"query\":\"status\"}}}}\n"
        );
        slow.write_all(call.as_bytes()).expect("it subscribes");
        reader.read_line(&mut line).expect("it is answered");
    }
    // Far more than the system keeps for it while it does not read.
    let big = "x".repeat(1 << 16);
    owner
        .call(set("k", &big))
        .expect("the engine waits for nobody");
    probe.wait(|told| (!told.forgotten.is_empty()).then_some(()));
    let mut rest = String::new();
    reader.read_to_string(&mut rest).expect("it is closed");
    let last = rest.lines().last().expect("a reason");
    assert!(last.contains("too-slow"), "{last}");
    let status = owner.call(Request::Unsubscribe { subscription: 0 });
    assert_eq!(status, Ok(Answer::Ok));
}
