//! What of a lost branch counts all the same, and how it gets onto the branch that counts.

use protocol::{Body, Cut, Device, DeviceAdded, Entry, EnvelopeHash, Role, What};
use vault::{ChangeError, DeviceKeys, KeyRing, Roster, RosterError, Standing};

use super::{numbers, role};
use crate::world::{Counting, TIME_MS, World, cut_at, keys, parts, terms};

pub(super) fn settle(world: &mut World, author: &DeviceKeys, heads: &[Cut]) -> Vec<What> {
    let entries = world
        .roster
        .sign_settlement(
            &author.signing,
            &world.ring,
            heads,
            TIME_MS,
            &mut world.entropy,
        )
        .expect("signed");
    let whats = entries.iter().map(|entry| {
        world.roster.append(entry).expect("appended");
        let entry = Entry::decode(entry).expect("an entry");
        Body::decode(&entry.body).expect("a body").what
    });
    whats.collect()
}

fn at(device: &DeviceKeys, sequence: u64) -> Cut {
    Cut {
        feed: device.feed(),
        sequence,
        hash: EnvelopeHash::from_bytes([4; 32]),
    }
}

/// A workspace with an admin, a member and another admin, twice; in the second the other admin is about to go on.
pub(super) fn apart() -> (World, World, [DeviceKeys; 3]) {
    let mut here = World::new();
    let devices = [
        here.add(2, Role::Admin),
        here.add(3, Role::Member),
        here.add(4, Role::Admin),
    ];
    let lost = World {
        roster: here.roster.clone(),
        ring: here.ring.clone(),
        owner: devices[0].clone(),
        entropy: Counting(90),
    };
    let owner = here.owner.clone();
    let remark = What::Unknown {
        tag: 40,
        map: vec![0xa0],
    };
    here.sign(&owner, remark).expect("kept");
    (here, lost, devices)
}

#[test]
fn a_revocation_in_either_branch_counts_in_both() {
    let (mut here, mut lost, [admin, plain, _]) = apart();
    let owner = here.owner.clone();
    let first = lost.seal(&plain, None);
    let second = lost.seal(&plain, Some(&first));
    let entries = lost
        .roster
        .sign_revocation(
            &admin.signing,
            &[plain.feed()],
            &[cut_at(&first)],
            TIME_MS,
            &mut lost.entropy,
        )
        .expect("signed");
    for entry in entries {
        lost.roster.append(&entry).expect("appended");
    }
    assert!(here.roster.may_write(&plain.feed()));
    here.roster.meet(lost.roster.clone()).expect("met");
    here.ring.update(&here.roster, &owner.sealing);

    // At once, for who knows the lost branch.
    let revoked = |cut| Some(Standing::Revoked(cut));
    assert_eq!(here.roster.standing(&plain.feed()), revoked(cut_at(&first)));
    assert_eq!(
        here.roster.device(&plain.feed()).expect("known").revoked,
        None
    );
    assert!(vault::verify_envelope(&first.bytes, &here.roster).is_ok());
    assert!(matches!(
        vault::verify_envelope(&second.bytes, &here.roster),
        Err(vault::EnvelopeError::Revoked { .. })
    ));
    assert!(here.roster.key_epoch_is_due());
    let entry = here
        .roster
        .sign_key_epoch(&owner.signing, TIME_MS, &mut Counting(50))
        .expect("signed");
    let mut with_key = here.roster.clone();
    with_key.append(&entry).expect("appended");
    assert!(!with_key.reads_newest_key(&plain.sealing.key()));

    // For all, once an admin's device has signed it; up to where the relay has the feed.
    assert_eq!(here.roster.feeds_to_settle(), [plain.feed()]);
    let refused =
        here.roster
            .sign_settlement(&plain.signing, &here.ring, &[], TIME_MS, &mut Counting(0));
    assert!(refused.is_err());
    let signed = settle(&mut here, &admin, &[cut_at(&second)]);
    assert!(
        matches!(
            &signed[..],
            [What::Revoke(_), What::KeyEpoch(fresh), What::KeyEpoch(kept)]
                if fresh.number == 2 && kept.number == 2 && fresh.check != kept.check
        ),
        "{signed:?}"
    );
    let plainly = Roster::from_entries(here.roster.entries()).expect("loads");
    assert_eq!(plainly.standing(&plain.feed()), revoked(cut_at(&second)));
    assert_eq!(
        here.roster.standing(&plain.feed()),
        revoked(cut_at(&second))
    );
    assert!(!plainly.key_epoch_is_due());
    assert_eq!(here.roster.lost_revocations().count(), 0);
    assert!(here.roster.lost_keys().is_empty());
    assert!(
        settle(&mut here, &owner, &[]).is_empty(),
        "there is nothing left"
    );
    let ring = KeyRing::open(&plainly, &owner.sealing);
    assert_eq!(numbers(&ring), [1, 2, 2]);
}

#[test]
fn lost_keys_never_become_the_newest() {
    let (mut here, mut lost, [admin, plain, _]) = apart();
    let owner = here.owner.clone();
    let mut sealed = Vec::new();
    for salt in [40, 70] {
        let entry = lost
            .roster
            .sign_key_epoch(&admin.signing, TIME_MS, &mut Counting(salt))
            .expect("signed");
        lost.roster.append(&entry).expect("appended");
        lost.ring.update(&lost.roster, &admin.sealing);
        let next = lost.seal(&plain, sealed.last());
        sealed.push(next);
    }
    here.roster.meet(lost.roster).expect("met");
    here.ring.update(&here.roster, &owner.sealing);
    assert_eq!(numbers(&here.ring), [1, 2, 3]);
    assert_eq!(here.roster.lost_keys().len(), 2);
    assert_eq!(here.ring.newest().map(|(name, _)| name.number), Some(1));
    // Somebody gets in before anybody signed them: only with what the roster knows.
    let early = here.add(6, Role::Member);
    assert_eq!(numbers(&KeyRing::open(&here.roster, &early.sealing)), [1]);
    here.invite(65, &terms(Role::Member)).expect("invited");

    let lost_keys = here.roster.lost_keys();
    let signed = settle(&mut here, &owner, &[]);
    let checks: Vec<_> = signed
        .iter()
        .map(|what| match what {
            What::KeyEpoch(key) => (key.number, key.check.id()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(checks.len(), 3);
    assert_eq!(checks[0], (3, lost_keys[1].id));
    assert_ne!(checks[1].1, lost_keys[0].id);
    assert_eq!(checks[2], (2, lost_keys[0].id));
    let plainly = Roster::from_entries(here.roster.entries()).expect("loads");
    assert_eq!(plainly.key_epoch(), 2);
    let late = here.join(65, 7).expect("joined");
    for device in [&owner, &plain, &early, &late] {
        let ring = KeyRing::open(&here.roster, &device.sealing);
        assert_eq!(numbers(&ring), [1, 2, 2, 3]);
        assert_eq!(
            ring.newest().map(|(name, _)| (name.number, name.id)),
            Some(checks[1])
        );
        for envelope in &sealed {
            let verified = vault::verify_envelope(&envelope.bytes, &plainly).expect("counts");
            assert_eq!(vault::open_parts(&verified, &ring), Ok(parts()));
        }
    }
    // What is known comes no second time, and the first key has no second.
    let [What::KeyEpoch(kept), _, _] = &signed[..] else {
        panic!("three keys");
    };
    let mut first = kept.clone();
    first.number = 1;
    for key in [kept.clone(), first] {
        let number = key.number;
        let refused = here.sign(&owner, What::KeyEpoch(key));
        assert_eq!(refused, Err(RosterError::KeyEpoch { number }));
    }
    // The next one takes the number of the one that is kept.
    let entry = here
        .roster
        .sign_key_epoch(&owner.signing, TIME_MS, &mut Counting(110))
        .expect("signed");
    here.roster.append(&entry).expect("appended");
    assert_eq!(here.roster.key_epoch(), 3);
}

#[test]
fn who_lost_the_right_to_write_has_lost_it_until_an_admin_decides() {
    let (mut here, mut lost, [admin, plain, other]) = apart();
    let owner = here.owner.clone();
    let target = lost.roster.device(&plain.feed()).expect("known").member;
    let first = lost.seal(&plain, None);
    let second = lost.seal(&plain, Some(&first));
    let demote = |world: &mut World, target, cuts: &[Cut]| {
        let entries = world
            .roster
            .sign_role(&admin.signing, target, Role::Guest, cuts, TIME_MS)
            .expect("signed");
        for entry in entries {
            world.roster.append(&entry).expect("appended");
        }
    };
    demote(&mut lost, target, &[cut_at(&first)]);
    let others = lost.roster.device(&other.feed()).expect("known").member;
    demote(&mut lost, others, &[at(&other, 1)]);
    // About the other one this branch has its own word.
    here.sign(&owner, role(others, Role::Member))
        .expect("changed");
    here.roster.meet(lost.roster).expect("met");
    assert_eq!(
        here.roster.standing(&plain.feed()),
        Some(Standing::Silenced(cut_at(&first)))
    );
    assert_eq!(here.roster.standing(&other.feed()), Some(Standing::Writes));
    assert!(vault::verify_envelope(&second.bytes, &here.roster).is_err());

    assert_eq!(here.roster.feeds_to_settle(), [plain.feed()]);
    let mut decided_otherwise = here.roster.clone();
    let signed = settle(&mut here, &owner, &[]);
    assert!(matches!(&signed[..], [What::Role(_)]), "{signed:?}");
    let plainly = Roster::from_entries(here.roster.entries()).expect("loads");
    assert_eq!(plainly.member_role(&target), Some(Role::Guest));
    assert_eq!(
        plainly.standing(&plain.feed()),
        Some(Standing::Silenced(cut_at(&first)))
    );
    // Promoted again, it is not held back by what was lost.
    here.sign(&owner, role(target, Role::Member))
        .expect("changed");
    assert!(here.roster.may_write(&plain.feed()));
    let entry = decided_otherwise
        .sign(&owner.signing, role(target, Role::Admin), TIME_MS)
        .expect("signed");
    decided_otherwise.append(&entry).expect("appended");
    assert!(decided_otherwise.may_write(&plain.feed()));
}

#[test]
fn no_branch_takes_the_last_owner_of_another() {
    let mut here = World::new();
    let owner = here.owner.clone();
    let second = here.add(2, Role::Owner);
    let plain = here.add(3, Role::Member);
    let mut lost = here.roster.clone();
    for (roster, author, gone) in [
        (&mut here.roster, &owner, &second),
        (&mut lost, &second, &owner),
    ] {
        let feeds = [gone.feed(), plain.feed()];
        let cuts = [at(gone, 2), at(&plain, 2)];
        for entry in roster
            .sign_revocation(&author.signing, &feeds, &cuts, TIME_MS, &mut Counting(9))
            .expect("signed")
        {
            roster.append(&entry).expect("appended");
        }
    }
    here.roster.meet(lost).expect("met");
    let standing = |device: &DeviceKeys| here.roster.standing(&device.feed());
    let gone = [&owner, &second]
        .into_iter()
        .filter(|device| here.roster.is_revoked(&device.feed()));
    assert_eq!(gone.count(), 1, "one owner stays");
    assert_eq!(standing(&plain), Some(Standing::Revoked(at(&plain, 2))));
    assert_eq!(here.roster.lost_revocations().count(), 0);
}

#[test]
fn an_admin_whom_a_lost_branch_revoked_signs_nothing() {
    let (mut here, mut lost, [admin, plain, other]) = apart();
    let cuts = [at(&other, 1)];
    let entries = lost
        .roster
        .sign_revocation(
            &admin.signing,
            &[other.feed()],
            &cuts,
            TIME_MS,
            &mut lost.entropy,
        )
        .expect("signed");
    for entry in entries {
        lost.roster.append(&entry).expect("appended");
    }
    here.roster.meet(lost.roster).expect("met");
    let admins: Vec<_> = here.roster.admins().map(|device| device.signing).collect();
    assert!(!admins.contains(&other.feed()));
    let refused = here.roster.sign_revocation(
        &other.signing,
        &[plain.feed()],
        &[at(&plain, 0)],
        TIME_MS,
        &mut Counting(3),
    );
    assert!(matches!(
        refused,
        Err(ChangeError::Rule(RosterError::AuthorRevoked { .. }))
    ));
}

#[test]
fn who_was_revoked_does_not_let_itself_in_again() {
    let (mut here, mut lost, [admin, plain, other]) = apart();
    let succeed = |roster: &mut Roster, old: &DeviceKeys, new: &DeviceKeys| {
        let entry = roster.sign_successor(
            old,
            at(old, 0),
            new,
            TIME_MS,
            &mut Counting(new.feed().as_bytes()[0]),
        )?;
        roster.append(&entry)
    };
    let [next, after, last, known] = [20, 21, 22, 23].map(keys);
    let line = [24, 25, 26, 27, 28].map(keys);
    // In both branches, and not revoked in either.
    let shared = &mut lost.roster;
    succeed(shared, &other, &known).expect("let in");
    for device in [&plain, &other] {
        let entries = lost
            .roster
            .sign_revocation(
                &admin.signing,
                &[device.feed()],
                &[at(device, 1)],
                TIME_MS,
                &mut lost.entropy,
            )
            .expect("signed");
        for entry in entries {
            lost.roster.append(&entry).expect("appended");
        }
    }
    succeed(&mut here.roster, &other, &known).expect("let in");
    succeed(&mut here.roster, &plain, &next).expect("nobody knows here");
    succeed(&mut here.roster, &next, &after).expect("nobody knows here");
    let mut newest = &after;
    for device in &line {
        succeed(&mut here.roster, newest, device).expect("nobody knows here");
        newest = device;
    }
    // An admin of this branch wants this one.
    let owner = here.owner.clone();
    let (wanted, old) = (keys(29), here.roster.device(&plain.feed()).expect("known"));
    let added = What::Device(DeviceAdded {
        device: Device {
            signing: wanted.feed(),
            sealing: wanted.sealing.key(),
            member: old.member,
            code: here.roster.next_code().expect("a code"),
            role: old.role,
            continues: Some(old.signing),
            continues_at: Some(at(&plain, 0)),
        },
        keys: vec![],
    });
    here.sign(&owner, added).expect("added");
    let by_invite = here.roster.device(&plain.feed()).expect("known").member;
    here.roster.meet(lost.roster).expect("met");
    for device in [&next, &after].into_iter().chain(&line) {
        let revoked = Standing::Revoked(at_nothing(device));
        assert_eq!(here.roster.standing(&device.feed()), Some(revoked));
    }
    assert!(here.roster.may_write(&known.feed()));
    assert!(here.roster.may_write(&wanted.feed()));
    assert!(matches!(
        succeed(&mut here.roster, &after, &last),
        Err(RosterError::AuthorRevoked { .. })
    ));
    assert_eq!(here.roster.feeds_to_settle().len(), 4 + line.len());
    let heads = [at(&next, 2), at(&after, 1)];
    settle(&mut here, &owner, &heads);
    let plainly = Roster::from_entries(here.roster.entries()).expect("loads");
    assert_eq!(
        plainly.standing(&next.feed()),
        Some(Standing::Revoked(heads[0]))
    );
    let devices = plainly.devices_of(&by_invite);
    let writing = devices.iter().filter(|device| device.revoked.is_none());
    assert!(writing.map(|device| device.signing).eq([wanted.feed()]));
}

fn at_nothing(device: &DeviceKeys) -> Cut {
    Cut {
        feed: device.feed(),
        sequence: 0,
        hash: EnvelopeHash::ZERO,
    }
}

#[test]
fn the_earliest_cut_of_several_branches_counts() {
    let (here, lost, [admin, plain, _]) = apart();
    let branches: Vec<(u64, Roster)> = (1..=5)
        .map(|sequence| {
            let mut roster = lost.roster.clone();
            let entries = roster
                .sign_revocation(
                    &admin.signing,
                    &[plain.feed()],
                    &[at(&plain, sequence)],
                    TIME_MS,
                    &mut Counting(30),
                )
                .expect("signed");
            for entry in entries {
                roster.append(&entry).expect("appended");
            }
            (sequence, roster)
        })
        .collect();
    for (first, one) in &branches {
        for (second, other) in &branches {
            let mut met = here.roster.clone();
            met.meet(one.clone()).expect("met");
            met.meet(other.clone()).expect("met");
            let earliest = at(&plain, *first.min(second));
            let revoked = Some(Standing::Revoked(earliest));
            assert_eq!(met.standing(&plain.feed()), revoked);
        }
    }
}
