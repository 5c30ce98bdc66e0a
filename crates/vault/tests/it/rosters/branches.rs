//! Two branches of one roster.

use protocol::{AcceptedDevice, Device, Role, What};
use vault::{KeyRing, RosterError, Standing};

use super::{numbers, role};
use crate::world::{Counting, TIME_MS, World, cut_at, keys, parts};

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
