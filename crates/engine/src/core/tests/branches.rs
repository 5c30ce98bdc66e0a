//! Rosters that parted: a relay that lost its disk was filled by a device that had not heard of the newest entries.

use model::{Kind, Role};

use super::world::{Person, Relay};
use crate::interface::*;

fn roster(person: &Person) -> vault::Roster {
    person.core.device.as_ref().unwrap().roster.clone()
}

/// Puts an invite of its own onto a device's copy of the roster, as a relay that knows no newer one takes it.
fn with_own_invite(person: &Person, seed: u8) -> vault::Roster {
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
    let entry = device
        .roster
        .sign_invite(signing, &device.ring, &secret, &terms, 1, &mut fill)
        .unwrap();
    let mut roster = device.roster.clone();
    roster.append(&entry).unwrap();
    roster
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
