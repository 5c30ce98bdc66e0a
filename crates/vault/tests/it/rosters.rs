//! Who may add what to a roster.

use proptest::prelude::*;
use protocol::{
    AcceptedDevice, Body, Cut, CutMoved, DecodeError, Device, DeviceAdded, Entry, EnvelopeHash,
    InviteEnded, MemberId, Revocation, Role, RoleChange, RosterHash, What,
};
use vault::{KeyRing, Roster, RosterError, Standing, member_of};

use crate::world::{Counting, TIME_MS, World, cut_at, keys, parts, secret, sign_as, terms};

fn role(member: MemberId, role: Role) -> What {
    What::Role(RoleChange {
        member,
        role,
        cuts: vec![],
    })
}

fn numbers(ring: &KeyRing) -> Vec<u32> {
    ring.names().map(|name| name.number).collect()
}

fn revoke(device: &vault::DeviceKeys) -> What {
    What::Revoke(Revocation {
        feeds: vec![device.feed()],
        cuts: vec![],
    })
}

fn member(device: &vault::DeviceKeys, world: &World) -> MemberId {
    world.roster.device(&device.feed()).expect("known").member
}

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
fn strangers_members_and_guests_add_nothing() {
    let mut world = World::new();
    let plain = world.add(2, Role::Member);
    let guest = world.add(3, Role::Guest);
    let stranger = keys(9);
    let owner = world.owner.clone();
    let target = member(&plain, &world);
    for what in [
        role(target, Role::Admin),
        revoke(&owner),
        What::InviteEnded(InviteEnded {
            invite: secret(52).key(),
        }),
    ] {
        assert!(matches!(
            world.force(&stranger, what.clone()),
            Err(RosterError::Stranger { .. })
        ));
        for author in [&plain, &guest] {
            assert!(matches!(
                world.force(author, what.clone()),
                Err(RosterError::NotAllowed { .. })
            ));
        }
    }
    assert!(matches!(
        world
            .roster
            .sign_join(&secret(99), &stranger, TIME_MS, &mut Counting(0)),
        Err(RosterError::Unknown { .. })
    ));
}

#[test]
fn admins_do_not_touch_owners() {
    let mut world = World::new();
    let admin = world.add(2, Role::Admin);
    let plain = world.add(3, Role::Member);
    let owner = world.owner.clone();
    let founder = member(&owner, &world);
    let other = member(&plain, &world);
    for what in [
        role(other, Role::Owner),
        role(founder, Role::Member),
        revoke(&owner),
    ] {
        assert!(matches!(
            world.sign(&admin, what),
            Err(RosterError::NotAllowed { .. })
        ));
    }
    assert!(matches!(
        world.roster.sign_invite(
            &admin.signing,
            &world.ring,
            &secret(70),
            &terms(Role::Owner),
            TIME_MS,
            &mut Counting(0)
        ),
        Err(RosterError::NotAllowed { .. })
    ));
    world
        .sign(&admin, role(other, Role::Admin))
        .expect("an admin makes admins");
    assert_eq!(world.roster.member_role(&other), Some(Role::Admin));
    assert_eq!(
        world.sign(&owner, role(founder, Role::Member)),
        Err(RosterError::LastOwner)
    );
    assert_eq!(
        world.sign(&owner, revoke(&owner)),
        Err(RosterError::LastOwner)
    );
}

#[test]
fn a_revoked_device_signs_nothing_and_gets_no_new_key() {
    let mut world = World::new();
    let admin = world.add(2, Role::Admin);
    let owner = world.owner.clone();
    let cut = Cut {
        feed: admin.feed(),
        sequence: 4,
        hash: EnvelopeHash::from_bytes([4; 32]),
    };
    let what = What::Revoke(Revocation {
        feeds: vec![admin.feed()],
        cuts: vec![cut],
    });
    world.sign(&owner, what.clone()).expect("revoked");
    let standing = world.roster.device(&admin.feed()).map(|d| d.standing());
    assert_eq!(standing, Some(Standing::Revoked(cut)));
    assert!(matches!(
        world.sign(&owner, what),
        Err(RosterError::RevokedAlready { .. })
    ));
    assert!(matches!(
        world.force(&admin, revoke(&owner)),
        Err(RosterError::AuthorRevoked { .. })
    ));
    let entry = world
        .roster
        .sign_key_epoch(&owner.signing, TIME_MS, &mut Counting(40))
        .expect("signed");
    world.roster.append(&entry).expect("appended");
    assert!(world.ring.update(&world.roster, &owner.sealing));
    assert_eq!(world.ring.newest().map(|(name, _)| name.number), Some(2));
    let theirs = KeyRing::open(&world.roster, &admin.sealing);
    assert_eq!(numbers(&theirs), [1]);
    let moved = |sequence| {
        What::CutMoved(CutMoved {
            cut: Cut { sequence, ..cut },
        })
    };
    assert!(matches!(
        world.sign(&owner, moved(4)),
        Err(RosterError::Cut { .. })
    ));
    world.sign(&owner, moved(6)).expect("moved");
    // Who joins after it reads both keys.
    world.invite(70, &terms(Role::Member)).expect("invited");
    let later = world.join(70, 5).expect("joined");
    let ring = KeyRing::open(&world.roster, &later.sealing);
    assert_eq!(numbers(&ring), [1, 2]);
}

#[test]
fn an_open_invite_gets_the_new_key_until_it_ends() {
    let mut world = World::new();
    let owner = world.owner.clone();
    world.invite(60, &terms(Role::Member)).expect("invited");
    world.invite(61, &terms(Role::Member)).expect("invited");
    let ended = What::InviteEnded(InviteEnded {
        invite: secret(61).key(),
    });
    world.sign(&owner, ended).expect("ended");
    let entry = world
        .roster
        .sign_key_epoch(&owner.signing, TIME_MS, &mut Counting(40))
        .expect("signed");
    world.roster.append(&entry).expect("appended");
    let device = world.join(60, 3).expect("joined");
    let ring = KeyRing::open(&world.roster, &device.sealing);
    assert_eq!(numbers(&ring), [1, 2]);
    assert_eq!(world.join(61, 4).map(|_| ()), Err(RosterError::InviteSpent));
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
fn entries_travel_and_load() {
    let mut world = World::new();
    world.add(2, Role::Member);
    let loaded = Roster::from_entries(world.roster.entries()).expect("loads");
    assert_eq!(loaded.head(), world.roster.head());
    assert_eq!(loaded.workspace(), world.roster.workspace());
    assert!(loaded.devices().eq(world.roster.devices()));
    let after = |head: &RosterHash| world.roster.entries_after(head).map(<[_]>::len);
    assert_eq!(after(&RosterHash::ZERO), Some(3));
    assert_eq!(after(&world.roster.head()), Some(0));
    assert_eq!(after(&RosterHash::from_bytes([1; 32])), None);
    let no_first = Roster::from_entries(&world.roster.entries()[1..]).expect_err("no founding");
    assert_eq!(no_first.index, 0);
    let mut swapped = world.roster.entries().to_vec();
    swapped.swap(1, 2);
    assert_eq!(Roster::from_entries(&swapped).expect_err("order").index, 1);
    assert!(Roster::from_entries(Vec::<Vec<u8>>::new()).is_err());
}

#[test]
fn an_unknown_entry_is_kept_and_changes_nothing() {
    let mut world = World::new();
    let admin = world.add(2, Role::Admin);
    let plain = world.add(3, Role::Member);
    let guest = world.add(4, Role::Guest);
    world.invite(60, &terms(Role::Member)).expect("invited");
    let what = What::Unknown {
        tag: 40,
        map: vec![0xa1, 0x00, 0x01],
    };
    let devices: Vec<_> = world.roster.devices().cloned().collect();
    world.sign(&admin, what.clone()).expect("kept");
    assert!(world.roster.devices().eq(&devices));
    assert!(Roster::from_entries(world.roster.entries()).is_ok());
    assert!(matches!(
        world.force(&keys(9), what.clone()),
        Err(RosterError::Stranger { .. })
    ));
    // Nobody else fills the roster with what this version cannot judge.
    let invite = secret(60).signing();
    for author in [&plain.signing, &guest.signing, &invite] {
        assert!(matches!(
            world.roster.sign(author, what.clone(), TIME_MS),
            Err(RosterError::NotAllowed { .. })
        ));
    }
}

/// Changes the body of the next entry of the owner, and signs it.
fn by_hand(world: &World, change: impl FnOnce(&mut Body)) -> Vec<u8> {
    let mut body = Body {
        version: 1,
        workspace: world.roster.workspace(),
        previous: world.roster.head(),
        time_ms: TIME_MS,
        author: world.owner.signing.key(),
        what: What::Unknown {
            tag: 40,
            map: vec![0xa0],
        },
        min_reader: 1,
    };
    change(&mut body);
    let body = body.encode();
    let hash = RosterHash::of(&body);
    Entry {
        signature: sign_as(1, protocol::domain::SIGN_ROSTER, hash.as_bytes()),
        body: body.into(),
    }
    .encode()
}

#[test]
fn a_roster_stops_before_an_entry_that_it_cannot_read() {
    let world = World::new();
    let mut roster = world.roster.clone();
    let entry = by_hand(&world, |body| body.version = 7);
    assert_eq!(roster.clone().append(&entry), Ok(()), "a version is free");
    // The map of tag 3 is not one that this version reads.
    let newer = |body: &mut Body| {
        body.min_reader = 2;
        body.what = What::Unknown {
            tag: 3,
            map: vec![0xa0],
        };
    };
    let entry = by_hand(&world, newer);
    let error = roster.append(&entry).expect_err("newer");
    let expected = RosterError::Newer {
        min_reader: 2,
        reads: 1,
    };
    assert_eq!(error, expected);
    assert!(error.to_string().contains("update"), "{error}");
    assert_eq!(roster.head(), world.roster.head());
    let entry = by_hand(&world, |body| {
        newer(body);
        body.previous = RosterHash::ZERO;
    });
    let error = roster.append(&entry).expect_err("elsewhere");
    assert!(matches!(error, RosterError::NotNext { .. }));
    let entry = by_hand(&world, |body| {
        newer(body);
        body.author = keys(9).signing.key();
    });
    let error = roster.append(&entry).expect_err("unsigned");
    assert!(matches!(error, RosterError::Signature { .. }));
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

/// Two branches that part after an admin and a device; each has a second key.
fn branches() -> (World, World, vault::DeviceKeys) {
    let mut here = World::new();
    let admin = here.add(2, Role::Admin);
    let mut lost = World {
        roster: here.roster.clone(),
        ring: here.ring.clone(),
        owner: here.owner.clone(),
        entropy: Counting(90),
    };
    for (world, author, salt) in [(&mut here, keys(1), 40), (&mut lost, admin, 70)] {
        let entry = world
            .roster
            .sign_key_epoch(&author.signing, TIME_MS, &mut Counting(salt))
            .expect("signed");
        world.roster.append(&entry).expect("appended");
        world.ring.update(&world.roster, &author.sealing);
    }
    let stray = lost.add(5, Role::Member);
    (here, lost, stray)
}

#[test]
fn keys_of_both_branches_stay_readable() {
    let (mut here, mut lost, stray) = branches();
    let owner = here.owner.clone();
    let envelope = lost.seal(&stray, None);
    let device = lost.roster.device(&stray.feed()).expect("known").clone();
    let accepted = |code: &str, keys| {
        What::DeviceAccepted(AcceptedDevice {
            device: Device {
                signing: device.signing,
                sealing: device.sealing,
                member: device.member,
                code: code.parse().expect("a code"),
                role: device.role,
                continues: None,
                continues_at: None,
            },
            cut: cut_at(&envelope),
            keys,
        })
    };
    // The owner reads both branches, so both keys of number 2 are wrapped, for all who read here.
    let mut both = here.ring.clone();
    both.update(&lost.roster, &owner.sealing);
    assert_eq!(numbers(&both), [1, 2, 2]);
    assert_eq!(
        both.newest().map(|(name, _)| name),
        lost.ring.newest().map(|(name, _)| name),
        "the newest of the roster that was looked at last"
    );
    let readers = [owner.sealing.key(), stray.sealing.key()];
    let keys = both
        .wrap_for(&here.roster, &readers, &mut Counting(3))
        .expect("wrapped");
    assert!(matches!(
        here.sign(&owner, accepted("B", keys.clone())),
        Err(RosterError::CodeTaken { .. })
    ));
    let plain = here.add(6, Role::Member);
    assert!(matches!(
        here.sign(&plain, accepted("K", keys.clone())),
        Err(RosterError::NotAllowed { .. })
    ));
    here.sign(&owner, accepted("K", keys)).expect("accepted");
    let standing = here.roster.device(&stray.feed()).map(|d| d.standing());
    assert_eq!(standing, Some(Standing::Silenced(cut_at(&envelope))));
    assert_eq!(here.roster.accepted().count(), 1);
    assert!(
        here.roster
            .feed_by_actor_prefix(&vault::actor_prefix(&stray.feed()))
            .is_some()
    );

    let ring = KeyRing::open(&here.roster, &owner.sealing);
    assert_eq!(numbers(&ring), [1, 2, 2]);
    let newest = ring.newest().map(|(name, _)| name);
    assert_eq!(newest, here.ring.newest().map(|(name, _)| name));
    let verified = vault::verify_envelope(&envelope.bytes, &here.roster).expect("before the cut");
    assert_eq!(vault::open_parts(&verified, &ring), Ok(parts()));
    let ours = here.seal(&owner, None);
    let theirs = KeyRing::open(&here.roster, &stray.sealing);
    for sealed in [&ours, &envelope] {
        let verified = vault::verify_envelope(&sealed.bytes, &here.roster).expect("true");
        assert!(vault::open_parts(&verified, &theirs).is_ok());
    }

    // It goes on as its own successor, even when its member's role changes in between.
    here.sign(&owner, role(device.member, Role::Admin))
        .expect("changed");
    let standing = here.roster.device(&stray.feed()).map(|d| d.standing());
    assert_eq!(standing, Some(Standing::Silenced(cut_at(&envelope))));
    let next = crate::world::keys(9);
    let cut = cut_at(&envelope);
    let entry = here
        .roster
        .sign_successor(&stray, cut, &next, TIME_MS, &mut Counting(8))
        .expect("signed");
    here.roster.append(&entry).expect("appended");
    assert!(here.roster.may_write(&next.feed()));
    // Who joins later reads both branches too.
    here.ring = ring;
    let later = here.add(7, Role::Member);
    assert_eq!(
        numbers(&KeyRing::open(&here.roster, &later.sealing)),
        [1, 2, 2]
    );
}

#[test]
fn oversized_entries_are_refused() {
    let world = World::new();
    let bytes = vec![0; protocol::limits::MAX_ROSTER_ENTRY_BYTES + 1];
    assert!(matches!(
        world.roster.clone().append(&bytes),
        Err(RosterError::Decode(DecodeError::TooLarge { .. }))
    ));
}

fn entries() -> Vec<protocol::Blob> {
    let mut world = World::new();
    let device = world.add(2, Role::Admin);
    let target = member(&device, &world);
    let owner = world.owner.clone();
    world
        .sign(&owner, role(target, Role::Member))
        .expect("changed");
    world.sign(&owner, revoke(&device)).expect("revoked");
    world.roster.entries().to_vec()
}

#[test]
fn every_changed_byte_is_refused() {
    let entries = entries();
    for place in 0..entries.len() {
        let before = (place > 0).then(|| Roster::from_entries(&entries[..place]).expect("loads"));
        for at in 0..entries[place].len() {
            let mut bytes = entries[place].to_vec();
            bytes[at] ^= 1;
            let taken = match &before {
                Some(roster) => roster.clone().append(&bytes).is_ok(),
                None => Roster::begin(&bytes).is_ok(),
            };
            assert!(!taken, "entry {place}, byte {at}");
        }
    }
}

proptest! {
    #[test]
    fn any_change_is_harmless(
        place in 0..5usize,
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5),
        keep in any::<prop::sample::Index>(),
    ) {
        let mut entries: Vec<Vec<u8>> = entries().iter().map(|entry| entry.to_vec()).collect();
        let bytes = &mut entries[place];
        let before = bytes.clone();
        for (at, byte) in edits {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(keep.index(bytes.len()) + 1);
        if *bytes != before {
            prop_assert_eq!(Roster::from_entries(&entries).expect_err("changed").index, place);
        }
    }
}
