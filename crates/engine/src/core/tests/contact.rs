//! What a device knows of when it last heard of another.

use model::Role;

use super::leaving::device;
use super::world::{Person, Relay};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

fn contact(person: &mut Person, code: &str) -> i64 {
    device(person, code).contact_ms.unwrap()
}

#[test]
fn the_last_contact_is_when_the_relay_got_something_however_the_relay_was_refilled() {
    let mut relay = Relay::new();
    let [mut a, mut b] = relay.gather(Role::Member);
    relay.sync(&mut a);
    let joined = contact(&mut a, "B");
    let now_ms = *a.now_ms.lock().unwrap();
    assert!(joined > now_ms - 60_000 && joined <= now_ms, "{joined}");
    // Written while B was away; the relay gets it two days later.
    b.capture("Mueller");
    for person in [&mut a, &mut b] {
        *person.now_ms.lock().unwrap() += 2 * DAY_MS;
    }
    relay.sync(&mut b);
    relay.sync(&mut a);
    let last = device(&mut a, "B");
    assert!(last.contact_ms.unwrap() >= joined + 2 * DAY_MS, "{last:?}");
    assert!(last.last_ms.unwrap() < joined + DAY_MS, "{last:?}");
    // A relay that lost its disk gets it again later: that was no contact with B.
    let before = last.contact_ms;
    *a.now_ms.lock().unwrap() += DAY_MS;
    let mut relay = Relay::new();
    relay.sync(&mut a);
    relay.sync(&mut a);
    assert_eq!(device(&mut a, "B").contact_ms, before);
    // Of itself a device knows when both sides had all.
    assert!(contact(&mut a, "A") >= joined + 3 * DAY_MS);
}

#[test]
fn a_clock_that_is_ahead_promises_no_contact_still_to_come() {
    let mut relay = Relay::new();
    let [mut a] = relay.gather(Role::Member);
    *a.now_ms.lock().unwrap() += 400 * DAY_MS;
    let invite = crate::interface::Request::Invite {
        user: Some("B".into()),
        email: None,
        role: Role::Member,
        member: None,
    };
    let invited = relay.ask(&mut a, invite);
    let Ok(crate::interface::Answer::Invited(invited)) = invited else {
        panic!("{invited:?}")
    };
    let mut b = Person::new(30);
    *b.now_ms.lock().unwrap() += 399 * DAY_MS;
    let join = crate::interface::Request::Join { link: invited.link };
    relay.ask(&mut b, join).unwrap();
    let now_ms = *b.now_ms.lock().unwrap();
    assert!(contact(&mut b, "A") <= now_ms + 100);
}
