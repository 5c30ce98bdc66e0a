//! The chain of entries: how it travels, and what is no link of it.

use proptest::prelude::*;
use protocol::{Body, DecodeError, Entry, Role, RosterHash, What};
use vault::{Roster, RosterError};

use super::{member, revoke, role};
use crate::world::{TIME_MS, World, keys, secret, sign_as, terms};

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
