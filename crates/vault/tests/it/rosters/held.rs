//! Devices that only a lost branch of the roster knows: held, then accepted.

use protocol::{AcceptedDevice, Body, Cut, Entry, EnvelopeHash, FeedId, Role, What};
use vault::{
    ChangeError, Comparison, DeviceKeys, KeyRing, Roster, RosterError, Side, Standing, Weight,
};

use super::{
    numbers, role,
    settling::{apart, settle},
};
use crate::world::{Counting, TIME_MS, World, cut_at, keys, parts, secret, terms};

/// Two branches that part after an admin and a device; each has a second key.
fn branches() -> (World, World, DeviceKeys) {
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

/// Brings the lost branch of [`branches`] to those who have the one that counts.
fn met() -> (World, World, DeviceKeys) {
    let (mut here, lost, stray) = branches();
    let comparison = here.roster.meet(lost.roster.clone()).expect("met");
    assert_eq!(
        comparison,
        Comparison::Parted {
            at: 3,
            counts: Side::Ours
        }
    );
    let owner = here.owner.clone();
    here.ring.update(&here.roster, &owner.sealing);
    (here, lost, stray)
}

#[test]
fn keys_of_both_branches_stay_readable() {
    let (mut here, mut lost, stray) = met();
    let owner = here.owner.clone();
    let envelope = lost.seal(&stray, None);
    assert_eq!(numbers(&here.ring), [1, 2, 2]);
    let newest = here.ring.newest().map(|(name, _)| name);
    assert_ne!(newest, lost.ring.newest().map(|(name, _)| name));
    let cut = cut_at(&envelope);
    let plain = here.add(6, Role::Member);
    let accept = |here: &World, author: &DeviceKeys, feed: FeedId| {
        let mut entropy = Counting(3);
        here.roster.sign_acceptance(
            &author.signing,
            &here.ring,
            &feed,
            cut,
            TIME_MS,
            &mut entropy,
        )
    };
    assert!(matches!(
        accept(&here, &plain, stray.feed()),
        Err(ChangeError::Rule(RosterError::NotAllowed { .. }))
    ));
    assert!(matches!(
        accept(&here, &owner, keys(30).feed()),
        Err(ChangeError::NotHeld { .. })
    ));
    let entry = accept(&here, &owner, stray.feed()).expect("signed");
    // Without the lost branch the entry says all.
    here.roster = Roster::from_entries(here.roster.entries()).expect("loads");
    here.roster.append(&entry).expect("accepted");
    let device = here.roster.device(&stray.feed()).expect("known").clone();
    assert_eq!(device.standing(), Standing::Silenced(cut));
    assert_eq!(here.roster.accepted().count(), 1);
    let prefix = vault::actor_prefix(&stray.feed());
    assert!(here.roster.feed_by_actor_prefix(&prefix).is_some());

    let ring = KeyRing::open(&here.roster, &owner.sealing);
    assert_eq!(numbers(&ring), [1, 2, 2]);
    assert_eq!(ring.newest().map(|(name, _)| name), newest);
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
    assert_eq!(standing, Some(Standing::Silenced(cut)));
    let next = keys(9);
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

/// An entry that accepts a device, as the rules see it.
fn acceptance(here: &World, stray: &DeviceKeys) -> AcceptedDevice {
    let cut = Cut {
        feed: stray.feed(),
        sequence: 1,
        hash: EnvelopeHash::from_bytes([4; 32]),
    };
    let entry = here
        .roster
        .sign_acceptance(
            &here.owner.signing,
            &here.ring,
            &stray.feed(),
            cut,
            TIME_MS,
            &mut Counting(3),
        )
        .expect("signed");
    let entry = Entry::decode(&entry).expect("an entry");
    match Body::decode(&entry.body).expect("a body").what {
        What::DeviceAccepted(accepted) => accepted,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_accepted_device_is_new_and_brings_true_keys() {
    let (here, _, stray) = met();
    let good = acceptance(&here, &stray);
    let attempt = |change: &dyn Fn(&mut AcceptedDevice)| {
        let mut accepted = good.clone();
        change(&mut accepted);
        let what = What::DeviceAccepted(accepted);
        here.roster.sign(&here.owner.signing, what, TIME_MS)
    };
    assert!(attempt(&|_| ()).is_ok());
    let code = "B".parse().expect("a code");
    assert_eq!(
        attempt(&|accepted| accepted.device.code = code),
        Err(RosterError::CodeTaken { code })
    );
    assert!(matches!(
        attempt(&|accepted| accepted.cut.feed = here.owner.feed()),
        Err(RosterError::Cut { .. })
    ));
    assert_eq!(
        attempt(&|accepted| accepted.keys.extend_from_within(..1)),
        Err(RosterError::KeyEpoch { number: 1 })
    );
    assert_eq!(
        attempt(&|accepted| accepted.keys[2].number = 1),
        Err(RosterError::KeyEpoch { number: 1 })
    );
}

#[test]
fn devices_of_a_lost_branch_are_held() {
    let (mut here, mut lost, [admin, ..]) = apart();
    let owner = here.owner.clone();
    let stray = lost.add(6, Role::Member);
    let stray_next = keys(7);
    let sealed = lost.seal(&stray, None);
    let cut = cut_at(&sealed);
    let entry = lost
        .roster
        .sign_successor(&stray, cut, &stray_next, TIME_MS, &mut Counting(5))
        .expect("signed");
    lost.roster.append(&entry).expect("appended");
    let later = lost.seal(&stray_next, None);
    lost.invite(70, &terms(Role::Guest)).expect("invited");
    let weigh = |world: &World, sealed: &vault::SealedEnvelope| {
        let (verified, weight) =
            vault::weigh_envelope(&sealed.bytes, &world.roster).expect("is true");
        // An admin sees what is in it.
        assert_eq!(vault::open_parts(&verified, &world.ring), Ok(parts()));
        weight
    };
    assert_eq!(weigh(&here, &sealed), Weight::Unknown);
    here.roster.meet(lost.roster.clone()).expect("met");
    here.ring.update(&here.roster, &owner.sealing);
    assert_eq!(weigh(&here, &sealed), Weight::LostBranch);
    assert!(weigh(&here, &sealed).is_held());
    assert!(vault::verify_envelope(&sealed.bytes, &here.roster).is_err());
    let held: Vec<_> = here.roster.held_devices().map(|d| d.signing).collect();
    assert_eq!(held.len(), 2);
    assert!(held.contains(&stray.feed()) && held.contains(&stray_next.feed()));
    assert!(here.roster.knows(&stray.signing.key()));
    assert!(!here.roster.may_write(&stray.feed()));
    let prefixes = [&stray_next, &stray].map(|device| vault::actor_prefix(&device.feed()));
    assert_eq!(here.roster.actor_prefixes(&stray_next.feed()), prefixes);
    let invites: Vec<_> = here.roster.lost_invites().map(|i| i.signing).collect();
    assert_eq!(invites, [secret(70).key()]);
    // Their codes stand in numbers: nobody gets them again.
    let next_code = |roster: &Roster| roster.next_code().expect("a code").to_string();
    assert_eq!(next_code(&here.roster), "G");
    here.add(8, Role::Member);
    let plainly = Roster::from_entries(here.roster.entries()).expect("loads");
    assert_eq!(next_code(&plainly), "H");

    let accept = |world: &mut World, device: &DeviceKeys, cut: Cut| {
        let entry = world.roster.sign_acceptance(
            &admin.signing,
            &world.ring,
            &device.feed(),
            cut,
            TIME_MS,
            &mut world.entropy,
        )?;
        world.roster.append(&entry).map_err(ChangeError::from)
    };
    let first = accept(&mut here, &stray_next, cut_at(&later));
    assert!(matches!(first, Err(ChangeError::AcceptFirst { code }) if code.as_str() == "E"));
    accept(&mut here, &stray, cut).expect("accepted");
    accept(&mut here, &stray_next, cut_at(&later)).expect("accepted");
    assert_eq!(weigh(&here, &sealed), Weight::Counts);
    assert_eq!(weigh(&here, &later), Weight::Counts);
    let beyond = lost.seal(&stray_next, Some(&later));
    assert_eq!(weigh(&here, &beyond), Weight::Silenced(cut_at(&later)));
    assert_eq!(here.roster.held_devices().count(), 0);
    assert!(matches!(
        accept(&mut here, &stray, cut),
        Err(ChangeError::NotHeld { .. })
    ));
}

#[test]
fn a_device_that_its_own_branch_revoked_is_accepted_without_keys() {
    let (mut here, mut lost, [admin, ..]) = apart();
    let owner = here.owner.clone();
    let stray = lost.add(6, Role::Member);
    let first = lost.seal(&stray, None);
    let sealed = lost.seal(&stray, Some(&first));
    // More of it is accepted than its own branch let count.
    let cut = cut_at(&sealed);
    let entries = lost
        .roster
        .sign_revocation(
            &admin.signing,
            &[stray.feed()],
            &[cut_at(&first)],
            TIME_MS,
            &mut lost.entropy,
        )
        .expect("signed");
    for entry in entries {
        lost.roster.append(&entry).expect("appended");
    }
    here.roster.meet(lost.roster.clone()).expect("met");
    here.ring.update(&here.roster, &owner.sealing);
    assert_eq!(here.roster.lost_revocations().count(), 0, "nobody knows it");
    let entry = here
        .roster
        .sign_acceptance(
            &owner.signing,
            &here.ring,
            &stray.feed(),
            cut,
            TIME_MS,
            &mut here.entropy,
        )
        .expect("signed");
    here.roster.append(&entry).expect("accepted");
    assert_eq!(
        here.roster.standing(&stray.feed()),
        Some(Standing::Revoked(cut))
    );
    assert!(vault::verify_envelope(&sealed.bytes, &here.roster).is_ok());
    let signed = settle(&mut here, &owner, &[]);
    assert!(matches!(signed[0], What::Revoke(_)), "{signed:?}");
    let plainly = Roster::from_entries(here.roster.entries()).expect("loads");
    assert_eq!(
        plainly.standing(&stray.feed()),
        Some(Standing::Revoked(cut))
    );
    assert!(KeyRing::open(&plainly, &stray.sealing).newest().is_none());
}
