//! How devices get in: founding, invites, successors.

use protocol::{Body, Cut, DeviceAdded, Entry, EnvelopeHash, MemberId, Role, What};
use vault::{KeyRing, RosterError, member_of};

use super::member;
use crate::world::{Counting, TIME_MS, World, keys, secret, terms};

#[test]
fn a_workspace_begins_with_its_founder() {
    let world = World::new();
    let device = world.roster.device(&world.owner.feed()).expect("known");
    assert_eq!(device.role, Role::Owner);
    assert_eq!(device.code.as_str(), "A");
    assert_eq!(device.member, member_of(&world.owner.signing.key()));
    assert_eq!(world.roster.next_code().expect("a code").as_str(), "B");
    assert_eq!(world.roster.key_epoch(), 1);
    let ring = KeyRing::open(&world.roster, &world.owner.sealing);
    assert_eq!(ring.newest(), world.ring.newest());
    let prefix = vault::actor_prefix(&world.owner.feed());
    assert_eq!(
        world.roster.feed_by_actor_prefix(&prefix),
        Some(world.owner.feed())
    );
}

#[test]
fn a_device_joins_by_invite_and_reads() {
    let mut world = World::new();
    let device = world.add(2, Role::Member);
    let info = world.roster.device(&device.feed()).expect("known");
    assert_eq!(info.code.as_str(), "B");
    assert_eq!(info.role, Role::Member);
    assert_eq!(info.member, secret(52).new_member());
    assert!(world.roster.may_write(&device.feed()));
    let ring = KeyRing::open(&world.roster, &device.sealing);
    assert_eq!(ring.newest(), world.ring.newest());
    assert!(
        KeyRing::open(&world.roster, &keys(9).sealing)
            .newest()
            .is_none()
    );
    assert_eq!(
        world.join(52, 3).map(|_| ()),
        Err(RosterError::InviteSpent),
        "one use"
    );
}

#[test]
fn an_invite_may_add_a_device_to_a_member() {
    let mut world = World::new();
    let first = world.add(2, Role::Member);
    let mut again = terms(Role::Member);
    again.member = Some(member(&first, &world));
    world.invite(60, &again).expect("invited");
    let second = world.join(60, 3).expect("joined");
    assert_eq!(member(&second, &world), member(&first, &world));
    again.role = Role::Admin;
    assert_eq!(
        world.invite(61, &again),
        Err(RosterError::OtherRole { role: Role::Member })
    );
    again.member = Some(MemberId::from_bytes([77; 16]));
    assert_eq!(
        world.invite(62, &again),
        Err(RosterError::Unknown { what: "the member" })
    );
}

#[test]
fn reserved_codes_are_passed_over() {
    let mut world = World::new();
    let mut terms = terms(Role::Member);
    terms.reserved = vec!["B".parse().expect("a code"), "C".parse().expect("a code")];
    world.invite(60, &terms).expect("invited");
    let device = world.join(60, 3).expect("joined");
    let info = world.roster.device(&device.feed()).expect("known");
    assert_eq!(info.code.as_str(), "D");
}

#[test]
fn a_joining_device_takes_what_was_offered() {
    let mut world = World::new();
    world.add(2, Role::Member);
    world.invite(60, &terms(Role::Member)).expect("invited");
    let entry = world
        .roster
        .sign_join(&secret(60), &keys(3), TIME_MS, &mut Counting(9))
        .expect("signed");
    let entry = Entry::decode(&entry).expect("an entry");
    let What::Device(good) = Body::decode(&entry.body).expect("a body").what else {
        panic!("a device entry");
    };
    let attempt = |change: &dyn Fn(&mut DeviceAdded)| {
        let mut added = good.clone();
        change(&mut added);
        world
            .roster
            .sign(&secret(60).signing(), What::Device(added), TIME_MS)
            .expect_err("refused")
    };
    assert_eq!(
        attempt(&|added| added.device.role = Role::Owner),
        RosterError::NotAsInvited { what: "role" }
    );
    assert_eq!(
        attempt(&|added| added.device.member = member_of(&world.owner.signing.key())),
        RosterError::NotAsInvited { what: "member" }
    );
    assert!(matches!(
        attempt(&|added| added.device.code = "A".parse().expect("a code")),
        RosterError::CodeTaken { .. }
    ));
    assert!(matches!(
        attempt(&|added| added.device.signing = world.owner.feed()),
        RosterError::KeyTaken { .. }
    ));
    assert!(matches!(
        attempt(&|added| added.device.continues = Some(world.owner.feed())),
        RosterError::Continues { .. }
    ));
    assert_eq!(
        attempt(&|added| added.keys[0].number = 7),
        RosterError::KeyEpoch { number: 7 }
    );
}

#[test]
fn a_joining_device_brings_keys_for_itself_alone() {
    let mut world = World::new();
    world.invite(60, &terms(Role::Member)).expect("invited");
    let entry = world
        .roster
        .sign_join(&secret(60), &keys(3), TIME_MS, &mut Counting(9))
        .expect("signed");
    let entry = Entry::decode(&entry).expect("an entry");
    let What::Device(good) = Body::decode(&entry.body).expect("a body").what else {
        panic!("a device entry");
    };
    let changes: [fn(&mut DeviceAdded); 3] = [
        |added| added.keys[0].wraps[0].recipient = keys(9).sealing.key(),
        |added| added.keys[0].wraps.extend_from_within(..),
        |added| added.keys.extend_from_within(..),
    ];
    for change in changes {
        let mut added = good.clone();
        change(&mut added);
        let what = What::Device(added);
        let refused = world.roster.sign(&secret(60).signing(), what, TIME_MS);
        assert_eq!(refused, Err(RosterError::KeyEpoch { number: 1 }));
    }
}

#[test]
fn a_device_lets_its_own_successor_in() {
    let mut world = World::new();
    let old = world.add(2, Role::Member);
    let cut = Cut {
        feed: old.feed(),
        sequence: 3,
        hash: EnvelopeHash::from_bytes([4; 32]),
    };
    let new = keys(8);
    let entry = world
        .roster
        .sign_successor(&old, cut, &new, TIME_MS, &mut Counting(0))
        .expect("signed");
    world.roster.append(&entry).expect("appended");
    let info = world.roster.device(&new.feed()).expect("known");
    assert_eq!(info.continues, Some(old.feed()));
    assert_eq!(info.code.as_str(), "C");
    assert_eq!(world.roster.lineage(&new.feed()), [new.feed(), old.feed()]);
    let foreign = Cut {
        feed: world.owner.feed(),
        ..cut
    };
    assert!(
        world
            .roster
            .sign_successor(&old, foreign, &keys(9), TIME_MS, &mut Counting(0))
            .is_err()
    );
}

#[test]
fn successors_are_counted_until_an_admin_or_an_invite_helps() {
    let mut world = World::new();
    let first = world.add(2, Role::Guest);
    let succeed = |world: &mut World, old: &vault::DeviceKeys, seed: u8| {
        let cut = Cut {
            feed: old.feed(),
            sequence: 0,
            hash: EnvelopeHash::ZERO,
        };
        let new = vault::DeviceKeys::from_seeds(&[seed; 32], &[seed ^ 0xff; 32]);
        let entry = world
            .roster
            .sign_successor(old, cut, &new, TIME_MS, &mut world.entropy)?;
        world.roster.append(&entry).map(|()| new)
    };
    let mut last = first.clone();
    for seed in 0..64 {
        // From the newest one and from the oldest: all count together.
        let old = if seed % 2 == 0 { &last } else { &first };
        last = succeed(&mut world, old, 128 + seed).expect("may");
    }
    for old in [&first, &last] {
        let refused = succeed(&mut world, old, 250).expect_err("one too many");
        assert_eq!(refused, RosterError::TooManySuccessors { limit: 64 });
    }
    let mut again = terms(Role::Guest);
    again.member = Some(member(&first, &world));
    world.invite(60, &again).expect("invited");
    let joined = world.join(60, 3).expect("joined");
    succeed(&mut world, &joined, 251).expect("counts from the beginning");
    again.uses = 1025;
    let refused = world.invite(61, &again).expect_err("too many uses");
    assert!(matches!(refused, RosterError::Uses { .. }));
}
