//! Which of several branches counts, whoever asks and whoever meets whom first.

use std::sync::LazyLock;

use proptest::prelude::*;
use protocol::{Body, Cut, Entry, EnvelopeHash, FeedId, Revocation, Role, RosterHash, What};
use vault::{
    Comparison, DeviceKeys, KeyRing, MAX_LOST_BRANCHES, Roster, RosterError, Side, Standing,
};

use crate::world::{Counting, TIME_MS, World, keys, secret, terms};

const OWNER: u8 = 1;
const ADMIN: u8 = 2;
const OTHER_ADMIN: u8 = 3;
const MEMBER: u8 = 4;
const GUEST: u8 = 5;
/// The invite of the base, by which many join.
const INVITE: u8 = 60;

/// What all branches begin with: somebody of each rank.
fn base() -> Roster {
    static BASE: LazyLock<Roster> = LazyLock::new(|| build().roster);
    BASE.clone()
}

fn build() -> World {
    let mut world = World::new();
    world.add(ADMIN, Role::Admin);
    world.add(OTHER_ADMIN, Role::Admin);
    world.add(MEMBER, Role::Member);
    world.add(GUEST, Role::Guest);
    let mut many = terms(Role::Member);
    many.uses = 100;
    world.invite(INVITE, &many).expect("invited");
    world
}

#[derive(Debug, Clone, Copy)]
enum Step {
    /// An owner or admin signs something without effect.
    Remark { by: u8, salt: u8 },
    /// An owner or admin revokes a device at a cut.
    Revoke { by: u8, device: u8, cut: u8 },
    /// A device lets in its successor.
    Succeed { by: u8, salt: u8 },
    /// A device joins by the invite.
    Join { salt: u8 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (1..4u8, 0..3u8).prop_map(|(by, salt)| Step::Remark { by, salt }),
        2 => (1..4u8, 2..6u8, 0..3u8).prop_map(|(by, device, cut)| Step::Revoke { by, device, cut }),
        2 => (2..6u8, 0..2u8).prop_map(|(by, salt)| Step::Succeed { by, salt }),
        3 => (0..3u8).prop_map(|salt| Step::Join { salt }),
    ];
    prop::collection::vec(step, 0..5)
}

fn cut(feed: FeedId, sequence: u8) -> Cut {
    Cut {
        feed,
        sequence: sequence.into(),
        hash: EnvelopeHash::from_bytes([sequence; 32]),
    }
}

/// Takes the steps that the rules let pass; equal steps give equal entries.
fn grow(roster: &mut Roster, steps: &[Step]) {
    for step in steps {
        let place = u8::try_from(roster.entries().len()).expect("few");
        let fresh = |salt: u8| DeviceKeys::from_seeds(&[place; 32], &[100 + salt; 32]);
        let signed = match *step {
            Step::Remark { by, salt } => {
                let what = What::Unknown {
                    tag: 40,
                    map: vec![0xa1, 0x00, salt],
                };
                roster.sign(&keys(by).signing, what, TIME_MS)
            }
            Step::Revoke {
                by,
                device,
                cut: at,
            } => {
                let feed = keys(device).feed();
                let what = What::Revoke(Revocation {
                    feeds: vec![feed],
                    cuts: vec![cut(feed, at)],
                });
                roster.sign(&keys(by).signing, what, TIME_MS)
            }
            Step::Succeed { by, salt } => {
                let old = keys(by);
                let at = cut(old.feed(), 0);
                roster.sign_successor(&old, at, &fresh(salt), TIME_MS, &mut Counting(salt))
            }
            Step::Join { salt } => {
                roster.sign_join(&secret(INVITE), &fresh(salt), TIME_MS, &mut Counting(salt))
            }
        };
        if let Ok(entry) = signed {
            roster.append(&entry).expect("its author judged it");
        }
    }
}

fn branch(steps: &[Step]) -> Roster {
    let mut roster = base();
    grow(&mut roster, steps);
    roster
}

fn body(roster: &Roster, at: usize) -> (Body, RosterHash) {
    let entry = Entry::decode(&roster.entries()[at]).expect("an entry");
    (Body::decode(&entry.body).expect("a body"), entry.hash())
}

/// The rule of the design once more, from the entries alone.
fn expected(ours: &Roster, theirs: &Roster) -> Comparison {
    let pairs = ours.entries().iter().zip(theirs.entries());
    let at = pairs.take_while(|(ours, theirs)| ours == theirs).count();
    match (at == ours.entries().len(), at == theirs.entries().len()) {
        (true, true) => return Comparison::Same,
        (true, false) => return Comparison::TheirsContinues,
        (false, true) => return Comparison::OursContinues,
        (false, false) => {}
    }
    let before = Roster::from_entries(&ours.entries()[..at]).expect("loads");
    let order = |roster: &Roster| {
        let (body, hash) = body(roster, at);
        // In the tests every invite is the owner's.
        let role = before.device(&body.author.into()).map(|device| device.role);
        let rank = match role.unwrap_or(Role::Owner) {
            Role::Owner => 0,
            Role::Admin => 1,
            Role::Member => 2,
            Role::Guest => 3,
        };
        (rank, hash)
    };
    let counts = if order(ours) < order(theirs) {
        Side::Ours
    } else {
        Side::Theirs
    };
    Comparison::Parted { at, counts }
}

fn mirrored(comparison: Comparison) -> Comparison {
    match comparison {
        Comparison::Same => Comparison::Same,
        Comparison::OursContinues => Comparison::TheirsContinues,
        Comparison::TheirsContinues => Comparison::OursContinues,
        Comparison::Parted { at, counts } => Comparison::Parted {
            at,
            counts: match counts {
                Side::Ours => Side::Theirs,
                Side::Theirs => Side::Ours,
            },
        },
    }
}

/// All that a client decides by.
fn decided(roster: &Roster) -> impl PartialEq + std::fmt::Debug + use<> {
    let feeds = roster.devices().chain(roster.held_devices());
    let standings: Vec<(FeedId, Option<Standing>)> = feeds
        .map(|device| (device.signing, roster.standing(&device.signing)))
        .collect();
    let heads: Vec<RosterHash> = roster.heads().collect();
    (heads, standings, roster.lost_keys(), roster.next_code())
}

/// Signs as the owner what follows from lost branches.
fn settle(roster: &mut Roster) {
    let owner = keys(OWNER);
    let ring = KeyRing::open(roster, &owner.sealing);
    let entries = roster
        .sign_settlement(&owner.signing, &ring, &[], TIME_MS, &mut Counting(17))
        .expect("signed");
    for entry in entries {
        roster.append(&entry).expect("its author judged it");
    }
}

#[test]
fn the_rank_of_the_signer_comes_first() {
    let owner = [Step::Remark { by: OWNER, salt: 0 }];
    let admin = [Step::Remark { by: ADMIN, salt: 0 }];
    let member = [Step::Succeed {
        by: MEMBER,
        salt: 0,
    }];
    let guest = [Step::Succeed { by: GUEST, salt: 0 }];
    let invite = [Step::Join { salt: 0 }];
    let at = base().entries().len();
    let order: [&[Step]; 4] = [&owner, &admin, &member, &guest];
    let counts = Side::Ours;
    for (high, low) in (0..4).flat_map(|high| (high + 1..4).map(move |low| (high, low))) {
        let comparison = branch(order[high]).compare(&branch(order[low]));
        assert_eq!(comparison, Ok(Comparison::Parted { at, counts }));
    }
    // An owner made the invite, so who joins by it is not put aside by what an admin or anybody else signs.
    for low in [&admin[..], &member, &guest] {
        let comparison = branch(&invite).compare(&branch(low));
        assert_eq!(comparison, Ok(Comparison::Parted { at, counts }));
    }
}

#[test]
fn another_workspace_is_no_branch() {
    let (other, _) = Roster::found(&keys(9), TIME_MS, &mut Counting(5)).expect("founded");
    let mut ours = base();
    let refused = RosterError::OtherWorkspace {
        found: other.workspace(),
    };
    assert_eq!(ours.compare(&other), Err(refused.clone()));
    assert_eq!(ours.meet(other), Err(refused));
}

#[test]
fn no_more_branches_are_kept_than_may_be() {
    let mut roster = branch(&[Step::Remark { by: OWNER, salt: 0 }]);
    let lost = |salt| {
        let steps = [Step::Remark { by: ADMIN, salt }, Step::Join { salt }];
        branch(&steps)
    };
    let limit = MAX_LOST_BRANCHES;
    for salt in 0..u8::try_from(limit).expect("few") {
        roster.meet(lost(salt)).expect("kept");
        roster.meet(lost(salt)).expect("known");
    }
    let before = decided(&roster);
    assert_eq!(roster.ignored_branches(), 0);
    let one_more = u8::try_from(limit).expect("few");
    roster.meet(lost(one_more)).expect("goes on");
    assert_eq!(decided(&roster), before, "the new one is ignored");
    assert_eq!((roster.lost().len(), roster.ignored_branches()), (limit, 1));
    // A revocation does not give way to branches that revoke nobody.
    let revokes = [
        Step::Remark {
            by: ADMIN,
            salt: 17,
        },
        Step::Revoke {
            by: ADMIN,
            device: MEMBER,
            cut: 2,
        },
    ];
    roster.meet(branch(&revokes)).expect("goes on");
    let device = keys(MEMBER).feed();
    let revoked = Some(Standing::Revoked(cut(device, 2)));
    assert_eq!(roster.standing(&device), revoked);
    for salt in 18..22 {
        roster.meet(lost(salt)).expect("goes on");
    }
    assert_eq!(roster.standing(&device), revoked);
    // Nor where another branch counts, beside which this one is lost too.
    let mut all = (1..24).map(|salt| branch(&[Step::Remark { by: OWNER, salt }]));
    let other = all.find(|other| {
        let compared = roster.compare(other).expect("of one workspace");
        compared.counts() == Side::Theirs
    });
    let former = roster.head();
    roster
        .meet(other.expect("some hash is smaller"))
        .expect("goes on");
    assert_eq!(roster.standing(&device), revoked);
    assert_eq!(roster.lost().len(), limit);
    assert!(roster.heads().any(|head| head == former));
}

#[test]
fn the_first_entries_make_the_roster_that_they_made_when_they_were_verified() {
    let steps = [
        Step::Join { salt: 1 },
        Step::Revoke {
            by: ADMIN,
            device: MEMBER,
            cut: 2,
        },
        Step::Remark { by: OWNER, salt: 0 },
    ];
    let roster = branch(&steps);
    let len = roster.entries().len();
    for count in 1..=len {
        let verified = Roster::from_entries(&roster.entries()[..count]).expect("is whole");
        let first = roster.first(count);
        assert_eq!(decided(&first), decided(&verified));
        assert_eq!(first.entries(), verified.entries());
        let mut again = first;
        for entry in &roster.entries()[count..] {
            again.append(entry).expect("follows");
        }
        assert_eq!(decided(&again), decided(&roster));
    }
    assert_eq!(roster.first(0).entries().len(), 1);
    assert_eq!(roster.first(len + 1).entries().len(), len);
}

#[test]
fn a_lost_branch_is_stored_and_grows() {
    let mut short = branch(&[Step::Remark { by: ADMIN, salt: 1 }]);
    let mut roster = branch(&[Step::Remark { by: OWNER, salt: 0 }]);
    roster.meet(short.clone()).expect("met");
    grow(
        &mut short,
        &[
            Step::Revoke {
                by: ADMIN,
                device: MEMBER,
                cut: 2,
            },
            Step::Join { salt: 1 },
        ],
    );
    let device = keys(MEMBER).feed();
    assert_eq!(roster.standing(&device), Some(Standing::Writes));
    roster.meet(short.clone()).expect("met");
    let revoked = Some(Standing::Revoked(cut(device, 2)));
    assert_eq!(roster.standing(&device), revoked);
    let [lost] = roster.lost() else {
        panic!("one lost branch");
    };
    assert_eq!(lost.own_entries().len(), 3);
    assert_eq!(lost.begun(), (keys(ADMIN).signing.key(), TIME_MS));
    assert_eq!(lost.chain().head(), short.head());
    let (parted_at, own) = (lost.parted_at(), lost.own_entries().to_vec());

    let mut loaded = Roster::from_entries(roster.entries()).expect("loads");
    assert_eq!(loaded.standing(&device), Some(Standing::Writes));
    loaded.restore_lost(parted_at, &own).expect("restored");
    assert_eq!(decided(&loaded), decided(&roster));
    let mut broken = own.clone();
    broken.remove(0);
    let mut loaded = Roster::from_entries(roster.entries()).expect("loads");
    let error = loaded.restore_lost(parted_at, &broken).expect_err("a gap");
    assert_eq!(error.index, parted_at);
    for outside in [0, roster.entries().len() + 1] {
        assert!(loaded.restore_lost(outside, &own).is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn both_sides_say_the_same(
        shared in steps(),
        (ours, theirs) in (steps(), steps()),
        (later, later_there) in (steps(), steps()),
    ) {
        let mut base = branch(&shared);
        let mut other = base.clone();
        grow(&mut base, &ours);
        grow(&mut other, &theirs);
        let comparison = base.compare(&other).expect("of one workspace");
        prop_assert_eq!(comparison, expected(&base, &other));
        prop_assert_eq!(other.compare(&base).expect("of one workspace"), mirrored(comparison));
        // What was decided once stays.
        if matches!(comparison, Comparison::Parted { .. }) {
            grow(&mut base, &later);
            grow(&mut other, &later_there);
            prop_assert_eq!(base.compare(&other).expect("of one workspace"), comparison);
        }
    }

    #[test]
    fn all_choose_the_same_in_any_order(
        shared in steps(),
        tails in prop::collection::vec(steps(), 3..5),
        meetings in prop::collection::vec((0..4usize, 0..4usize), 0..6),
    ) {
        let mut clients: Vec<Roster> = tails
            .iter()
            .map(|tail| {
                let mut roster = branch(&shared);
                grow(&mut roster, tail);
                roster
            })
            .collect();
        let alone = clients.clone();
        let count = clients.len();
        let every = (0..count).flat_map(|here| (0..count).map(move |there| (here, there)));
        for (here, there) in meetings.into_iter().chain(every) {
            let theirs = clients[there % count].clone();
            clients[here % count].meet(theirs).expect("met");
        }
        let first = decided(&clients[0]);
        for client in &clients {
            prop_assert_eq!(decided(client), decided(&clients[0]));
        }
        // The one that counts does so against each, and all revocations stand.
        let winner = &clients[0];
        for roster in &alone {
            let counts = winner.compare(roster).expect("of one workspace").counts();
            prop_assert_eq!(counts, Side::Ours);
            for device in roster.devices().filter(|device| device.revoked.is_some()) {
                prop_assert!(winner.is_revoked(&device.signing));
            }
            for device in roster.devices() {
                prop_assert!(winner.standing(&device.signing).is_some());
            }
        }
        // Meeting again what was met changes nothing.
        let mut again = winner.clone();
        for roster in alone {
            again.meet(roster).expect("met");
        }
        prop_assert_eq!(decided(&again), first);
        // The owner signs it, and then it stands for those too who have met no lost branch.
        settle(&mut again);
        let plainly = Roster::from_entries(again.entries()).expect("loads");
        for device in plainly.devices() {
            prop_assert_eq!(device.revoked.is_some(), again.is_revoked(&device.signing));
        }
        prop_assert!(!again.key_epoch_is_due());
        let settled = again.head();
        settle(&mut again);
        prop_assert_eq!(again.head(), settled);
    }
}
