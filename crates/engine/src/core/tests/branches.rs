//! Rosters that parted: a relay that lost its disk was filled by a device that had not heard of the newest entries.

use model::{Kind, Role};
use store::Reading;

use super::world::{Person, Relay};
use crate::interface::*;

fn roster(person: &Person) -> vault::Roster {
    person.core.device.as_ref().unwrap().roster.clone()
}

/// Puts an invite of its own onto a device's copy of the roster, as a relay that knows no newer one takes it.
fn with_own_invite(person: &Person, seed: u8) -> vault::Roster {
    with_own_invite_on(&roster(person), person, seed)
}

fn with_own_invite_on(roster: &vault::Roster, person: &Person, seed: u8) -> vault::Roster {
    let device = person.core.device.as_ref().unwrap();
    let mut fill = |bytes: &mut [u8]| bytes.fill(seed);
    let secret = vault::InviteSecret::generate(&mut fill);
    let terms = vault::InviteTerms {
        member: None,
        role: protocol::Role::Member,
        uses: 1,
        expires_ms: u64::MAX,
        reserved: Vec::new(),
    };
    let signing = &device.keys.signing;
    let entry = roster
        .sign_invite(signing, &device.ring, &secret, &terms, 1, &mut fill)
        .unwrap();
    grown(roster, vec![entry])
}

#[test]
fn the_branch_that_counts_is_taken_and_the_lost_one_is_kept_and_shown() {
    let mut relay = Relay::new();
    let [mut a, mut b] = relay.gather(Role::Admin);
    relay.sync(&mut a);
    relay.sync(&mut b);
    // B, an admin, and A, an owner, each went on alone: the owner's branch counts.
    let ours = with_own_invite(&b, 1);
    let theirs = with_own_invite(&a, 2);
    let device = b.core.device.as_mut().unwrap();
    let write = b.core.store.write().unwrap();
    let entries: Vec<protocol::Blob> = ours.entries().to_vec();
    device.take_roster(&write, &entries).unwrap();
    write.commit().unwrap();
    let id = theirs.workspace();
    relay.store.spaces.get_mut(&id).unwrap().roster = std::sync::Arc::new(theirs.clone());
    for _ in 0..2 {
        assert!(relay.sync(&mut b).complete);
        // What the lost branch asks for was signed onto the other one; it stands behind what was there.
        assert!(roster(&b).entries_after(&theirs.head()).is_some());
        let lost = b.status().lost_branches;
        assert_eq!(lost.len(), 1, "{lost:?}");
        assert_eq!(lost[0].parted_at, theirs.entries().len() - 1);
        assert_eq!(lost[0].begun_by, "B");
        b.restart();
    }
    b.capture("Mueller Praezision GmbH");
    relay.sync(&mut b);
    relay.sync(&mut a);
    assert_eq!(a.list(Kind::Inquiry).len(), 1);
}

#[test]
fn a_device_of_a_lost_branch_is_held_until_an_admin_accepts_it() {
    let mut relay = Relay::new();
    let [mut a, mut b] = relay.gather(Role::Admin);
    relay.sync(&mut a);
    relay.sync(&mut b);
    let theirs = with_own_invite(&a, 2);
    let id = theirs.workspace();
    // C joins by an invite of B, on a relay that then loses its roster to that of A.
    let invite = Request::Invite {
        user: Some("C".into()),
        email: None,
        role: Role::Member,
        member: None,
    };
    let Ok(Answer::Invited(invited)) = relay.ask(&mut b, invite) else {
        panic!("no invite")
    };
    let mut c = Person::new(70);
    relay
        .ask(&mut c, Request::Join { link: invited.link })
        .unwrap();
    c.capture("Mueller Praezision GmbH");
    relay.sync(&mut c);
    relay.sync(&mut b);
    relay.store.spaces.get_mut(&id).unwrap().roster = std::sync::Arc::new(theirs);
    relay.sync(&mut b);
    let Ok(Answer::Members(members)) = b.ask(Request::Members) else {
        panic!("no members")
    };
    let lost = members.into_iter().flat_map(|one| one.devices);
    let lost: Vec<DeviceAnswer> = lost.filter(|one| one.is_of_lost_branch).collect();
    assert_eq!(lost.len(), 1);
    assert_eq!(b.status().lost_branches[0].devices, [lost[0].code.clone()]);
    assert_eq!(relay.sync(&mut c).problem.unwrap().code, "not-a-member");
    let request = Request::AcceptHeld {
        device: lost[0].feed.clone(),
        up_to: None,
    };
    let Ok(Answer::Accepted(accepted)) = relay.ask(&mut b, request) else {
        panic!("not accepted")
    };
    assert_eq!(accepted.name, "C");
    // What counted before its branch was lost, and lies here as that, counts again.
    let sent = c.core.device.as_ref().unwrap().head.0;
    assert_eq!((accepted.from, accepted.up_to), (1, sent));
    assert!(b.status().lost_branches[0].devices.is_empty());
    // C goes on as a device of its own that continues the accepted one, and what it writes counts at once.
    c.capture("Written while nobody knew C");
    assert!(relay.sync(&mut c).complete);
    c.capture("Written afterwards");
    let synced = relay.sync(&mut c);
    assert_eq!((synced.complete, synced.held), (true, 0), "{synced:?}");
    relay.sync(&mut b);
    relay.sync(&mut a);
    assert_eq!(a.list(Kind::Inquiry).len(), 3);
    assert_eq!(b.list(Kind::Inquiry).len(), 3);
}

#[test]
fn a_relay_with_the_branch_that_is_lost_is_brought_the_other_one() {
    let mut relay = Relay::new();
    let [mut a, mut b] = relay.gather(Role::Admin);
    relay.sync(&mut a);
    relay.sync(&mut b);
    let ours = with_own_invite(&a, 2);
    let theirs = with_own_invite(&b, 1);
    let device = a.core.device.as_mut().unwrap();
    let write = a.core.store.write().unwrap();
    device.take_roster(&write, ours.entries()).unwrap();
    write.commit().unwrap();
    let id = theirs.workspace();
    relay.store.spaces.get_mut(&id).unwrap().roster = std::sync::Arc::new(theirs);
    assert!(relay.sync(&mut a).complete);
    assert_eq!(relay.store.spaces[&id].roster.head(), roster(&a).head());
    assert_eq!(a.status().lost_branches.len(), 1);
    a.capture("Mueller Praezision GmbH");
    relay.sync(&mut a);
    relay.sync(&mut b);
    assert_eq!(roster(&b).head(), roster(&a).head());
    assert_eq!(b.list(Kind::Inquiry).len(), 1);
}

/// Lets a device have heard of a branch of the roster.
fn hears_of(person: &mut Person, branch: &vault::Roster) {
    let device = person.core.device.as_mut().unwrap();
    let write = person.core.store.write().unwrap();
    device.meet_roster(&write, branch.clone()).unwrap();
    write.commit().unwrap();
}

fn cut(of: &Person) -> protocol::Cut {
    let device = of.core.device.as_ref().unwrap();
    protocol::Cut {
        feed: device.keys.feed(),
        sequence: device.head.0,
        hash: device.head.1,
    }
}

fn grown(roster: &vault::Roster, entries: Vec<Vec<u8>>) -> vault::Roster {
    let mut roster = roster.clone();
    for entry in entries {
        roster.append(&entry).unwrap();
    }
    roster
}

#[test]
fn who_is_silenced_by_a_lost_branch_alone_is_refused_at_once() {
    let mut relay = Relay::new();
    let [mut a, mut b] = relay.gather(Role::Admin);
    relay.sync(&mut a);
    let invite = Request::Invite {
        user: Some("C".into()),
        email: None,
        role: Role::Member,
        member: None,
    };
    let Ok(Answer::Invited(invited)) = relay.ask(&mut a, invite) else {
        panic!("no invite")
    };
    let mut c = Person::new(70);
    relay
        .ask(&mut c, Request::Join { link: invited.link })
        .unwrap();
    relay.sync(&mut c);
    relay.sync(&mut b);
    let counting = with_own_invite_on(&roster(&b), &a, 2);
    let space = relay.store.spaces.get_mut(&counting.workspace());
    space.unwrap().roster = std::sync::Arc::new(counting.clone());
    let who = protocol::MemberId::from_bytes(*invited.member.as_bytes());
    let author = &b.core.device.as_ref().unwrap().keys.signing;
    let entries = roster(&b).sign_role(author, who, protocol::Role::Guest, &[cut(&c)], 1);
    let lost = grown(&roster(&b), entries.unwrap());
    hears_of(&mut c, &lost);
    hears_of(&mut c, &counting);
    assert_eq!(c.status().role, Some(Role::Member));
    let before = c.core.device.as_ref().unwrap().head;
    let request = Request::Do {
        intent_id: None,
        batch: None,
        intent: model::intent::Intent::Capture(model::intent::Capture {
            fields: vec![model::intent::Assignment::set("company", "No GmbH")],
            ..model::intent::Capture::default()
        }),
    };
    for _ in 0..2 {
        let failure = c.ask(request.clone()).unwrap_err();
        assert_eq!(failure.code, "role");
        assert!(
            failure.reason.contains("branch of the roster"),
            "{failure:?}"
        );
        assert!(failure.way_out.unwrap().contains("handschlag role"));
        assert_eq!(c.core.device.as_ref().unwrap().head, before);
        c.restart();
    }
    // Once an admin's device has settled it, the role says so by itself.
    hears_of(&mut b, &lost);
    assert!(relay.sync(&mut b).complete);
    relay.sync(&mut c);
    assert_eq!(c.status().role, Some(Role::Guest));
    assert_eq!(c.ask(request).unwrap_err().code, "role");
}

#[test]
fn a_successor_whose_ancestor_a_lost_branch_revoked_is_told_who_did_it() {
    let mut relay = Relay::new();
    let [mut a, mut b, mut c] = relay.gather(Role::Admin);
    for person in [&mut a, &mut b, &mut c] {
        relay.sync(person);
    }
    let author = &b.core.device.as_ref().unwrap().keys.signing;
    let cut = cut(&c);
    let mut fill = |bytes: &mut [u8]| bytes.fill(4);
    let entries = roster(&b).sign_revocation(author, &[cut.feed], &[cut], 1, &mut fill);
    let lost = grown(&roster(&b), entries.unwrap());
    // The owner's branch counts; on it the copy of C's home becomes a device of its own.
    let counting = with_own_invite(&a, 2);
    let id = counting.workspace();
    relay.store.spaces.get_mut(&id).unwrap().roster = std::sync::Arc::new(counting);
    let mut clone = c.copy(60);
    c.capture("Of the first");
    relay.sync(&mut c);
    clone.capture("Of the second");
    assert!(relay.sync(&mut clone).complete);
    hears_of(&mut clone, &lost);
    let reason = clone.status().revoked.unwrap().reason;
    assert!(
        reason.starts_with("this device was revoked by Person 1 (device B)"),
        "{reason}"
    );
    assert_eq!(clone.ask(Request::Members).unwrap_err().reason, reason);
}

#[test]
fn what_is_held_at_a_place_that_another_branch_of_the_feed_has_is_shown() {
    let mut relay = Relay::new();
    let [mut a, mut b] = relay.gather(Role::Member);
    relay.sync(&mut b);
    relay.sync(&mut a);
    let at = cut(&b);
    let mut clone = b.copy(50);
    b.capture("Came in time");
    relay.sync(&mut b);
    relay.sync(&mut a);
    // A roster that cuts the feed before what is here, as one of a lost branch may.
    let author = &a.core.device.as_ref().unwrap().keys.signing;
    let mut fill = |bytes: &mut [u8]| bytes.fill(4);
    let entries = roster(&a).sign_revocation(author, &[at.feed], &[at], 1, &mut fill);
    let cutting = grown(&roster(&a), entries.unwrap());
    let write = a.core.store.write().unwrap();
    let device = a.core.device.as_mut().unwrap();
    device.take_roster(&write, cutting.entries()).unwrap();
    write.commit().unwrap();
    clone.capture("Of the other home");
    let read = clone.core.store.read().unwrap();
    let bytes = read.envelope(at.feed.as_bytes(), at.sequence + 1).unwrap();
    drop(read);
    let bytes: protocol::Blob = bytes.unwrap().into();
    let envelope = protocol::Envelope::decode(&bytes).unwrap();
    let write = a.core.store.write().unwrap();
    let device = a.core.device.as_mut().unwrap();
    crate::core::receive::receive(device, &write, &bytes, &envelope, false).unwrap();
    write.commit().unwrap();
    assert_eq!(a.status().held, 1);
    let Ok(Answer::Held(held)) = a.ask(Request::Held) else {
        panic!("nothing is told")
    };
    let [one] = held.as_slice() else {
        panic!("{held:?}")
    };
    assert_eq!((one.code.as_str(), one.total), ("B", 1));
    let told = &one.transactions[0];
    assert_eq!(told.sequence, at.sequence + 1);
    assert_eq!(told.records[0].title, "Of the other home");
    assert!(told.obstacle.as_ref().unwrap().contains("same place"));
    let Ok(Answer::Members(members)) = a.ask(Request::Members) else {
        panic!("no members")
    };
    let mut devices = members.into_iter().flat_map(|one| one.devices);
    assert_eq!(devices.find(|one| one.code == "B").unwrap().held, 1);
}
