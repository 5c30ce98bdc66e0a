//! Errands of admins that need more than is known here, that come together, or that meet a transfer on its way.

use std::sync::Arc;

use model::intent::Intent;
use model::{Kind, RecordId, Role};
use protocol::{Cut, EnvelopeHash};

use super::leaving::{accept, change_role, companies, device, held, member, revoke};
use super::world::{Person, Relay};
use crate::interface::*;

fn revocation(code: &str) -> Request {
    Request::Revoke {
        device: Some(code.into()),
        member: None,
    }
}

/// Lets somebody join by an invite of A, of whom nobody else has heard yet.
fn joined(relay: &mut Relay, a: &mut Person, seed: u64) -> (Person, RecordId) {
    let invite = Request::Invite {
        user: Some("Newest".into()),
        email: None,
        role: Role::Member,
        member: None,
    };
    let Ok(Answer::Invited(invited)) = relay.ask(a, invite) else {
        panic!("no invite")
    };
    let mut new = Person::new(seed);
    let joined = relay.ask(&mut new, Request::Join { link: invited.link });
    assert!(matches!(joined, Ok(Answer::Founded(_))), "{joined:?}");
    (new, invited.member)
}

#[test]
fn an_admin_who_has_not_synced_reaches_who_has_just_joined() {
    let mut relay = Relay::new();
    let [mut a, mut b] = relay.gather(Role::Admin);
    relay.sync(&mut b);
    let (mut c, who) = joined(&mut relay, &mut a, 80);
    let changed = change_role(&mut relay, &mut b, who, Role::Guest);
    assert_eq!(
        (changed.name.as_str(), changed.role),
        ("Newest", Role::Guest)
    );
    let (mut d, who) = joined(&mut relay, &mut a, 81);
    let request = Request::Revoke {
        device: None,
        member: Some(who),
    };
    let Ok(Answer::Revoked(revoked)) = relay.ask(&mut b, request) else {
        panic!("not revoked")
    };
    assert_eq!(revoked.devices.len(), 1);
    let (mut e, _) = joined(&mut relay, &mut a, 82);
    relay.sync(&mut e);
    assert_eq!(revoke(&mut relay, &mut b, "E").devices.len(), 1);
    for person in [&mut d, &mut e] {
        assert_eq!(relay.sync(person).problem.unwrap().code, "revoked");
    }
    relay.sync(&mut c);
    assert_eq!(c.status().role, Some(Role::Guest));
}

#[test]
fn what_is_held_is_accepted_by_an_admin_who_has_not_heard_of_the_revocation() {
    let mut relay = Relay::new();
    let [mut a, mut b, mut c] = relay.gather(Role::Admin);
    for person in [&mut a, &mut b, &mut c] {
        relay.sync(person);
    }
    c.capture("After GmbH");
    revoke(&mut relay, &mut a, "C");
    relay.sync(&mut c);
    let accepted = accept(&mut relay, &mut b, "C", None).unwrap();
    assert_eq!((accepted.from, accepted.held), (accepted.up_to, 0));
    relay.sync(&mut a);
    assert_eq!(companies(&mut a), ["After GmbH, Berg"]);
}

#[test]
fn an_errand_without_its_relay_says_that_and_how_to_meet_it() {
    let mut relay = Relay::new();
    let [mut a, mut b] = relay.gather(Role::Admin);
    let (_, who) = joined(&mut relay, &mut a, 83);
    relay.is_away = true;
    for request in [
        revocation("Z9"),
        Request::ChangeRole {
            member: who,
            role: Role::Guest,
        },
        Request::AcceptHeld {
            device: "C".into(),
            up_to: None,
        },
    ] {
        let failure = relay.ask(&mut b, request).unwrap_err();
        assert_eq!(failure.code, "relay-away");
        assert!(failure.way_out.unwrap().contains("handschlag sync"));
    }
}

#[test]
fn who_was_invited_and_has_not_joined_is_told_apart() {
    let mut relay = Relay::new();
    let [mut a] = relay.gather(Role::Member);
    let invite = Request::Invite {
        user: Some("Newest".into()),
        email: None,
        role: Role::Member,
        member: None,
    };
    let Ok(Answer::Invited(invited)) = relay.ask(&mut a, invite) else {
        panic!("no invite")
    };
    let role = Request::ChangeRole {
        member: invited.member,
        role: Role::Guest,
    };
    let revoke = Request::Revoke {
        device: None,
        member: Some(invited.member),
    };
    for request in [role, revoke] {
        let failure = relay.ask(&mut a, request).unwrap_err();
        assert_eq!(failure.code, "not-joined");
        assert!(failure.reason.starts_with("Newest has not joined"));
        assert!(failure.way_out.unwrap().contains("handschlag invite"));
    }
}

#[test]
fn several_errands_at_once_are_signed_one_after_the_other_and_each_is_answered() {
    let mut relay = Relay::new();
    let [mut a, mut b, mut c] = relay.gather(Role::Member);
    for person in [&mut a, &mut b, &mut c] {
        relay.sync(person);
    }
    let who = member(&mut c);
    let role = Request::ChangeRole {
        member: who,
        role: Role::Guest,
    };
    let invite = Request::Invite {
        user: Some("Newest".into()),
        email: None,
        role: Role::Member,
        member: None,
    };
    let requests = [revocation("B"), role, invite, revocation("Z9")];
    let answers = relay.ask_all(&mut a, requests);
    let [revoked, changed, invited, refused] = answers.as_slice() else {
        panic!("{answers:?}")
    };
    let Ok(Answer::Revoked(revoked)) = revoked else {
        panic!("{revoked:?}")
    };
    assert_eq!(revoked.devices[0].code, "B");
    let Ok(Answer::RoleChanged(changed)) = changed else {
        panic!("{changed:?}")
    };
    assert_eq!((changed.member, changed.role), (who, Role::Guest));
    assert!(matches!(invited, Ok(Answer::Invited(_))), "{invited:?}");
    assert_eq!(refused.as_ref().unwrap_err().code, "no-such-device");
    assert!(device(&mut a, "B").is_revoked);
    assert!(device(&mut a, "C").counts_up_to.is_some());
}

/// Revokes the second device at the relay, with a cut where it stands in its log just then.
fn revokes(admin: &Person, other: &Person) -> Box<dyn FnOnce(&mut super::log::Space)> {
    let author = admin.core.device.as_ref().unwrap().keys.signing.clone();
    let feed = other.core.device.as_ref().unwrap().keys.feed();
    Box::new(move |space| {
        let mut roster = vault::Roster::clone(&space.roster);
        let nothing = Cut {
            feed,
            sequence: 0,
            hash: EnvelopeHash::ZERO,
        };
        let cut = space.feed_head(&feed).unwrap_or(nothing);
        let mut fill = |bytes: &mut [u8]| bytes.fill(9);
        let entries = roster.sign_revocation(&author, &[feed], &[cut], 1, &mut fill);
        for entry in entries.unwrap() {
            roster.append(&entry).unwrap();
        }
        space.roster = Arc::new(roster);
    })
}

#[test]
fn a_device_that_is_revoked_in_the_middle_of_a_transfer_loses_nothing() {
    let mut interrupted = 0;
    for frame in 1.. {
        let mut relay = Relay::new();
        let [mut a, mut b] = relay.gather(Role::Member);
        relay.sync(&mut b);
        let inquiry = a.capture("Of the admin");
        for text in ["one", "two"] {
            a.act(Intent::AppendNote {
                record: inquiry,
                text: text.into(),
            });
        }
        relay.sync(&mut a);
        b.capture("First of B");
        b.capture("Second of B");
        let change = revokes(&a, &b);
        relay.interruption = Some((relay.frames + frame, change));
        let answer = relay.sync(&mut b);
        if relay.interruption.is_some() {
            assert!(answer.complete, "nothing happened: {answer:?}");
            break;
        }
        interrupted += 1;
        let answer = relay.sync(&mut b);
        assert_eq!(answer.problem.unwrap().code, "revoked", "frame {frame}");
        assert_eq!(
            answer.only_here, 0,
            "frame {frame}: all of it is at the relay"
        );
        relay.sync(&mut a);
        let counted = a.list(Kind::Inquiry).len() as u64 - 1;
        let held = held(&mut a).iter().map(|one| one.total).sum::<u64>();
        assert_eq!(counted + held, 2, "frame {frame}: {counted} and {held}");
    }
    assert!(interrupted > 3, "{interrupted} frames");
}
