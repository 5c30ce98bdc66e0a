//! Roles, revocations, ends of invites: what is signed, and what is refused in words before it is.

use protocol::{Body, Cut, Entry, EnvelopeHash, MemberId, Role, RosterHash, What};
use vault::{
    ChangeError, DeviceKeys, KeyRing, RosterError, SealedEnvelope, Standing, Target, open_parts,
    verify_envelope,
};

use super::{member, numbers};
use crate::world::{Counting, TIME_MS, World, cut_at, keys, parts, secret, terms};

fn nothing(device: &DeviceKeys) -> Cut {
    Cut {
        feed: device.feed(),
        sequence: 0,
        hash: EnvelopeHash::ZERO,
    }
}

fn at(device: &DeviceKeys, sequence: u64) -> Cut {
    Cut {
        feed: device.feed(),
        sequence,
        hash: EnvelopeHash::from_bytes([9; 32]),
    }
}

fn take(world: &mut World, entries: &[Vec<u8>]) -> Vec<u64> {
    let tags = entries.iter().map(|entry| {
        world.roster.append(entry).expect("appended");
        let entry = Entry::decode(entry).expect("an entry");
        match Body::decode(&entry.body).expect("a body").what {
            What::Role(_) => 3,
            What::Revoke(_) => 4,
            What::KeyEpoch(_) => 6,
            What::InviteEnded(_) => 7,
            other => panic!("{other:?}"),
        }
    });
    tags.collect()
}

fn revoke(
    world: &mut World,
    author: &DeviceKeys,
    device: &DeviceKeys,
    cuts: &[Cut],
) -> Result<Vec<Vec<u8>>, ChangeError> {
    let target = Target::Device(device.feed());
    let feeds = world.roster.feeds_to_revoke(target)?;
    let entropy = &mut world.entropy;
    world
        .roster
        .sign_revocation(&author.signing, &feeds, cuts, TIME_MS, entropy)
}

#[test]
fn a_revocation_comes_with_a_new_key() {
    let mut world = World::new();
    let owner = world.owner.clone();
    let gone = world.add(2, Role::Member);
    let stays = world.add(3, Role::Member);
    world.invite(60, &terms(Role::Member)).expect("invited");
    // Sealed by one that has not seen the roster grow.
    let late = world.seal(&stays, None);
    let entries = revoke(&mut world, &owner, &gone, &[nothing(&gone)]).expect("signed");
    // The first of them stands alone when the second got lost, and says so.
    let mut alone = world.roster.clone();
    assert!(!alone.key_epoch_is_due());
    alone.append(&entries[0]).expect("appended");
    assert!(alone.key_epoch_is_due());
    assert_eq!(take(&mut world, &entries), [4, 6]);
    assert!(!world.roster.key_epoch_is_due());
    assert_eq!(world.roster.devices_without_newest_key().count(), 0);
    assert!(!world.roster.reads_newest_key(&gone.sealing.key()));
    assert!(world.roster.reads_newest_key(&secret(60).sealing().key()));

    assert!(world.ring.update(&world.roster, &owner.sealing));
    let after = world.seal(&owner, None);
    assert_eq!(after.envelope.header.key_epoch, 2);
    let theirs = KeyRing::open(&world.roster, &gone.sealing);
    assert_eq!(numbers(&theirs), [1]);
    let open = |ring: &KeyRing, sealed: &SealedEnvelope| {
        let verified = verify_envelope(&sealed.bytes, &world.roster).expect("counts");
        open_parts(&verified, ring)
    };
    assert!(open(&theirs, &after).is_err());
    assert_eq!(late.envelope.header.key_epoch, 1);
    for device in [&owner, &stays] {
        let ring = KeyRing::open(&world.roster, &device.sealing);
        assert_eq!(open(&ring, &after), Ok(parts()));
        assert_eq!(open(&ring, &late), Ok(parts()));
    }
    let joined = world.join(60, 4).expect("joined");
    assert_eq!(
        numbers(&KeyRing::open(&world.roster, &joined.sealing)),
        [1, 2]
    );
}

#[test]
fn a_missing_key_is_made_up_for() {
    let mut world = World::new();
    let owner = world.owner.clone();
    let gone = world.add(2, Role::Member);
    let admin = world.add(3, Role::Admin);
    let entries = revoke(&mut world, &owner, &gone, &[nothing(&gone)]).expect("signed");
    world.roster.append(&entries[0]).expect("appended");
    let mut other = world.roster.clone();
    let entry = other
        .sign_key_epoch(&admin.signing, TIME_MS, &mut Counting(7))
        .expect("signed");
    other.append(&entry).expect("appended");
    assert!(!other.key_epoch_is_due());
    // Or with whatever else is left to do.
    let settle = |world: &World| {
        let entropy = &mut Counting(7);
        let ring = KeyRing::open(&world.roster, &admin.sealing);
        world
            .roster
            .sign_settlement(&admin.signing, &ring, &[], TIME_MS, entropy)
    };
    let entries = settle(&world).expect("signed");
    assert_eq!(take(&mut world, &entries), [6]);
    assert!(settle(&world).expect("nothing is left").is_empty());
}

#[test]
fn nobody_reads_on_by_the_key_of_a_revoked_device() {
    let mut world = World::new();
    let owner = world.owner.clone();
    let gone = world.add(2, Role::Member);
    world.invite(60, &terms(Role::Member)).expect("invited");
    // Another device, with the same sealing key.
    let twin = DeviceKeys {
        sealing: gone.sealing.clone(),
        ..keys(30)
    };
    let entry = world
        .roster
        .sign_join(&secret(60), &twin, TIME_MS, &mut Counting(1))
        .expect("signed");
    world.roster.append(&entry).expect("joined");
    let entries = revoke(&mut world, &owner, &gone, &[nothing(&gone)]).expect("signed");
    take(&mut world, &entries);
    assert!(!world.roster.reads_newest_key(&gone.sealing.key()));
    assert!(!world.roster.key_epoch_is_due());
    let without = world.roster.devices_without_newest_key();
    let without: Vec<_> = without.map(|device| device.signing).collect();
    assert_eq!(without, [twin.feed()]);
}

#[test]
fn revocations_are_refused_in_words() {
    let mut world = World::new();
    let owner = world.owner.clone();
    let admin = world.add(2, Role::Admin);
    let plain = world.add(3, Role::Member);
    let text =
        |refused: Result<Vec<Vec<u8>>, ChangeError>| refused.expect_err("refused").to_string();
    for (author, device, cuts, expected) in [
        (
            &admin,
            &owner,
            vec![nothing(&owner)],
            "revoking a device of an owner is not for an admin",
        ),
        (
            &plain,
            &admin,
            vec![nothing(&admin)],
            "revoking is not for a member",
        ),
        (
            &owner,
            &owner,
            vec![nothing(&owner)],
            "device A is the one that asks: another device of an owner or admin revokes it",
        ),
        (
            &owner,
            &plain,
            vec![],
            "it is not said up to where device C counts",
        ),
        (&owner, &keys(30), vec![], "the device is not in the roster"),
    ] {
        assert_eq!(text(revoke(&mut world, author, device, &cuts)), expected);
    }
    let foreign = [nothing(&plain), nothing(&admin)];
    assert!(matches!(
        revoke(&mut world, &owner, &plain, &foreign),
        Err(ChangeError::Rule(RosterError::Cut { .. }))
    ));
    let entries = revoke(&mut world, &owner, &plain, &[nothing(&plain)]).expect("signed");
    take(&mut world, &entries);
    assert_eq!(
        text(revoke(&mut world, &owner, &plain, &[nothing(&plain)])),
        "device C is revoked already"
    );
    let target = Target::Member(member(&plain, &world));
    assert_eq!(
        world.roster.feeds_to_revoke(target),
        Err(ChangeError::NothingToRevoke)
    );
    let stranger = Target::Member(MemberId::from_bytes([7; 16]));
    assert!(world.roster.feeds_to_revoke(stranger).is_err());
}

#[test]
fn an_owner_may_go_while_another_stays() {
    let mut world = World::new();
    let founder = world.owner.clone();
    let other = world.add(2, Role::Owner);
    let entries = revoke(&mut world, &other, &founder, &[nothing(&founder)]).expect("signed");
    take(&mut world, &entries);
    let founders = member(&founder, &world);
    let others = member(&other, &world);
    assert!(world.roster.is_revoked(&founder.feed()));
    assert_eq!(world.roster.admins().count(), 1);
    let refused = world
        .roster
        .sign_role(&founder.signing, others, Role::Admin, &[], TIME_MS);
    assert!(matches!(
        refused,
        Err(ChangeError::Rule(RosterError::AuthorRevoked { .. }))
    ));
    let refused = world
        .roster
        .sign_role(&other.signing, others, Role::Admin, &[], TIME_MS);
    assert_eq!(refused, Err(ChangeError::OwnRole));
    let what = super::role(others, Role::Admin);
    assert_eq!(world.sign(&other, what), Err(RosterError::LastOwner));
    assert_eq!(world.roster.devices_of(&founders).len(), 1);
}

#[test]
fn the_keys_of_one_disk_go_together() {
    let mut world = World::new();
    let owner = world.owner.clone();
    let old = world.add(2, Role::Member);
    let (new, newer) = (keys(8), keys(9));
    for (from, to) in [(&old, &new), (&old, &newer)] {
        let entry = world
            .roster
            .sign_successor(from, nothing(from), to, TIME_MS, &mut Counting(0))
            .expect("signed");
        world.roster.append(&entry).expect("appended");
    }
    let mut again = terms(Role::Member);
    again.member = Some(member(&old, &world));
    world.invite(60, &again).expect("invited");
    let second = world.join(60, 10).expect("joined");
    let sorted = |mut feeds: Vec<_>| {
        feeds.sort();
        feeds
    };
    let feeds = |target| sorted(world.roster.feeds_to_revoke(target).expect("some"));
    let disk = vec![old.feed(), new.feed(), newer.feed()];
    for device in [&old, &new, &newer] {
        assert_eq!(feeds(Target::Device(device.feed())), sorted(disk.clone()));
    }
    assert_eq!(feeds(Target::Device(second.feed())), [second.feed()]);
    let mut all = disk.clone();
    all.push(second.feed());
    let target = Target::Member(member(&old, &world));
    assert_eq!(feeds(target), sorted(all));
    let prefixes = world.roster.actor_prefixes(&new.feed());
    let expected = [new.feed(), old.feed()].map(|feed| vault::actor_prefix(&feed));
    assert_eq!(prefixes, expected);
    let cuts = [nothing(&old), nothing(&new), nothing(&newer)];
    let entries = revoke(&mut world, &owner, &new, &cuts).expect("signed");
    assert_eq!(take(&mut world, &entries), [4, 6]);
    assert!(!world.roster.is_revoked(&second.feed()));
}

#[test]
fn invites_do_not_outlive_the_right_to_make_them() {
    let mut world = World::new();
    let owner = world.owner.clone();
    let admin = world.add(2, Role::Admin);
    let plain = world.add(3, Role::Member);
    // The admin knows this secret, so with it the way back in.
    let by_admin = |world: &mut World, seed| {
        let entry = world
            .roster
            .sign_invite(
                &admin.signing,
                &world.ring,
                &secret(seed),
                &terms(Role::Admin),
                TIME_MS,
                &mut Counting(seed),
            )
            .expect("signed");
        world.roster.append(&entry).expect("appended");
    };
    by_admin(&mut world, 70);
    world.invite(71, &terms(Role::Member)).expect("invited");
    let mut again = terms(Role::Member);
    again.member = Some(member(&plain, &world));
    world.invite(72, &again).expect("invited");

    // The last device of a member goes: the invite that would let it in again goes too.
    let entries = revoke(&mut world, &owner, &plain, &[at(&plain, 1)]).expect("signed");
    assert_eq!(take(&mut world, &entries), [4, 7, 6]);
    assert!(
        !world
            .roster
            .invite(&secret(72).key())
            .expect("known")
            .is_open()
    );
    assert!(!world.roster.reads_newest_key(&secret(72).sealing().key()));
    assert_eq!(world.roster.open_invites().count(), 2);

    let target = member(&admin, &world);
    let entries = world
        .roster
        .sign_role(&owner.signing, target, Role::Member, &[], TIME_MS)
        .expect("signed");
    assert_eq!(take(&mut world, &entries), [3, 7]);
    let open: Vec<_> = world.roster.open_invites().map(|i| i.signing).collect();
    assert_eq!(open, [secret(71).key()]);
    assert!(matches!(
        world
            .roster
            .sign_invite_ended(&owner.signing, secret(70).key(), TIME_MS),
        Err(ChangeError::Rule(RosterError::InviteSpent))
    ));
    let entry = world
        .roster
        .sign_invite_ended(&owner.signing, secret(71).key(), TIME_MS)
        .expect("signed");
    world.roster.append(&entry).expect("appended");
    assert_eq!(world.roster.open_invites().count(), 0);
}

#[test]
fn a_demotion_names_what_counts_and_a_promotion_lifts_it() {
    let mut world = World::new();
    let owner = world.owner.clone();
    let device = world.add(2, Role::Member);
    let target = member(&device, &world);
    let change = |world: &World, role, cuts: &[Cut]| {
        world
            .roster
            .sign_role(&owner.signing, target, role, cuts, TIME_MS)
    };
    assert_eq!(
        change(&world, Role::Member, &[]),
        Err(ChangeError::SameRole { role: Role::Member })
    );
    assert_eq!(
        world.roster.feeds_to_silence(&target, Role::Guest),
        [device.feed()]
    );
    assert!(
        world
            .roster
            .feeds_to_silence(&target, Role::Admin)
            .is_empty()
    );
    let refused = change(&world, Role::Guest, &[]).expect_err("refused");
    assert!(matches!(refused, ChangeError::CutMissing { .. }));
    let first = world.seal(&device, None);
    let second = world.seal(&device, Some(&first));
    let entries = change(&world, Role::Guest, &[cut_at(&first)]).expect("signed");
    assert_eq!(take(&mut world, &entries), [3]);
    let silenced = Some(Standing::Silenced(cut_at(&first)));
    assert_eq!(world.roster.standing(&device.feed()), silenced);
    assert!(verify_envelope(&first.bytes, &world.roster).is_ok());
    assert!(verify_envelope(&second.bytes, &world.roster).is_err());
    // A part of what was held counts.
    let entry = world
        .roster
        .sign_cut_moved(&owner.signing, cut_at(&second), TIME_MS)
        .expect("signed");
    let mut moved = world.roster.clone();
    moved.append(&entry).expect("appended");
    assert!(verify_envelope(&second.bytes, &moved).is_ok());
    assert!(matches!(
        moved.sign_cut_moved(&owner.signing, cut_at(&first), TIME_MS),
        Err(ChangeError::Rule(RosterError::Cut { .. }))
    ));
    // All of it does.
    let entries = change(&world, Role::Member, &[]).expect("signed");
    take(&mut world, &entries);
    assert!(verify_envelope(&second.bytes, &world.roster).is_ok());
    assert!(world.roster.may_write(&device.feed()));
}

#[test]
fn what_counted_of_a_guest_counts_when_it_is_revoked() {
    let mut world = World::new();
    let owner = world.owner.clone();
    let device = world.add(2, Role::Member);
    let target = member(&device, &world);
    let first = world.seal(&device, None);
    let entries = world
        .roster
        .sign_role(
            &owner.signing,
            target,
            Role::Guest,
            &[cut_at(&first)],
            TIME_MS,
        )
        .expect("signed");
    take(&mut world, &entries);
    let entries = revoke(&mut world, &owner, &device, &[]).expect("signed");
    take(&mut world, &entries);
    let revoked = Some(Standing::Revoked(cut_at(&first)));
    assert_eq!(world.roster.standing(&device.feed()), revoked);
    assert!(verify_envelope(&first.bytes, &world.roster).is_ok());
}

#[test]
fn a_device_learns_what_concerns_it() {
    let mut world = World::new();
    let owner = world.owner.clone();
    let device = world.add(2, Role::Member);
    let other = world.add(3, Role::Member);
    let target = member(&device, &world);
    let since = world.roster.head();
    let entries = world
        .roster
        .sign_role(&owner.signing, target, Role::Admin, &[], TIME_MS + 1)
        .expect("signed");
    take(&mut world, &entries);
    let changed = world.roster.head();
    let entries = revoke(&mut world, &owner, &device, &[at(&device, 3)]).expect("signed");
    take(&mut world, &entries);
    let news = |device: &DeviceKeys, since| {
        let news = world.roster.entries_concerning(&device.feed(), since);
        news.expect("known")
            .into_iter()
            .map(|entry| entry.at)
            .collect::<Vec<_>>()
    };
    assert_eq!(news(&device, &RosterHash::ZERO), [1, 2, 5, 6]);
    assert_eq!(news(&device, &since), [5, 6]);
    assert_eq!(news(&device, &changed), [6]);
    assert!(news(&other, &since).is_empty());
    assert_eq!(news(&owner, &RosterHash::ZERO), [0]);
    assert!(
        world
            .roster
            .entries_concerning(&device.feed(), &RosterHash::from_bytes([1; 32]))
            .is_none()
    );
    let entry = world
        .roster
        .history_after(&since)
        .expect("known")
        .next()
        .expect("the change of role");
    assert_eq!(entry.time_ms, TIME_MS + 1);
    assert_eq!(entry.author, owner.signing.key());
    assert_eq!(entry.hash, changed);
    assert!(matches!(entry.what, What::Role(_)));
    let info = world.roster.device(&device.feed()).expect("known");
    assert_eq!(info.added_ms, TIME_MS);
    assert_eq!(info.revoked, Some(at(&device, 3)));
}

#[test]
fn who_is_no_owner_any_more_lets_no_owner_in() {
    let mut world = World::new();
    let owner = world.owner.clone();
    let second = world.add(2, Role::Owner);
    for (seed, role) in [(70, Role::Owner), (71, Role::Admin)] {
        let entry = world
            .roster
            .sign_invite(
                &second.signing,
                &world.ring,
                &secret(seed),
                &terms(role),
                TIME_MS,
                &mut Counting(seed),
            )
            .expect("signed");
        world.roster.append(&entry).expect("appended");
    }
    let target = member(&second, &world);
    let entries = world
        .roster
        .sign_role(&owner.signing, target, Role::Admin, &[], TIME_MS)
        .expect("signed");
    assert_eq!(take(&mut world, &entries), [3, 7]);
    let open: Vec<_> = world.roster.open_invites().map(|i| i.signing).collect();
    assert_eq!(open, [secret(71).key()]);
}
