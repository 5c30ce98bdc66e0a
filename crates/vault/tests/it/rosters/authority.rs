//! Who may add what.

use protocol::{Cut, CutMoved, EnvelopeHash, InviteEnded, Revocation, Role, What};
use vault::{KeyRing, RosterError, Standing};

use super::{member, numbers, revoke, role};
use crate::world::{Counting, TIME_MS, World, keys, secret, terms};

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
