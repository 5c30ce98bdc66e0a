//! Two failures that meet at the relay: each alone is mended, and so are both.

use std::sync::Arc;

use protocol::{Cut, CutMoved, FeedId, Refusal, Role, RoleChange, What};
use sync::client::{Input, Missing, Output};
use vault::Roster;

use crate::{
    device::{Device, invite, join},
    held::{append, count, on_relay, own_cut, revocation, revoke},
    log::Space,
    world::World,
};

pub(crate) fn role(world: &World, device: usize, role: Role) -> What {
    let feed = world.devices[device].keys.feed();
    let info = world.devices[0].roster.device(&feed);
    What::Role(RoleChange {
        member: info.expect("known").member,
        role,
        cuts: own_cut(world, device).into_iter().collect(),
    })
}

pub(crate) fn space(world: &World) -> &Space {
    &world.store.spaces[&world.workspace]
}

/// The sequences of a feed in the relay's log, in the order of the log.
fn in_log(world: &World, feed: FeedId) -> Vec<u64> {
    let entries = space(world).entries.iter();
    let of_feed = entries.filter(|entry| entry.feed == feed);
    of_feed.map(|entry| entry.sequence).collect()
}

#[track_caller]
pub(crate) fn check_no_gap(world: &World, feed: FeedId, to: u64) {
    let sequences = in_log(world, feed);
    assert_eq!(sequences, (1..=to).collect::<Vec<u64>>());
}

pub(crate) fn is_refused(code: Refusal) -> impl Fn(&Output) -> bool {
    move |said| matches!(said, Output::Refused { code: found, .. } if *found == code)
}

pub(crate) fn at(device: &Device, sequence: u64) -> Cut {
    Cut {
        feed: device.keys.feed(),
        sequence,
        hash: device.feed[sequence as usize - 1].hash,
    }
}

/// Lets two founders' devices and a member write, everybody connected; the member is the third.
pub(crate) fn with_member(seed: u64, writes: usize) -> World {
    let mut world = World::new(seed, 2);
    world.heal();
    let member = world.join(Role::Member);
    for _ in 0..writes {
        world.write(member);
    }
    world.write(0);
    world.heal();
    world
}

#[test]
fn a_backup_with_held_envelopes_meets_a_later_revocation() {
    // The backup is of when the device was silenced; since then it wrote again, and was revoked further on.
    for writes_again in [true, false] {
        let mut world = with_member(80, 2);
        let feed = world.devices[2].keys.feed();
        let guest = role(&world, 2, Role::Guest);
        append(&mut world, 0, guest);
        for _ in 0..3 {
            world.write(2);
        }
        world.settle();
        assert_eq!(on_relay(&world, 2), (2, 3));
        let backup = world.back_up();
        if writes_again {
            let mut member = role(&world, 2, Role::Member);
            if let What::Role(change) = &mut member {
                change.cuts.clear();
            }
            append(&mut world, 0, member);
        } else {
            let cut = at(&world.devices[2], 5);
            append(&mut world, 0, What::CutMoved(CutMoved { cut }));
        }
        world.write(2);
        world.settle();
        revoke(&mut world, 0, 2);
        let cut = on_relay(&world, 2).0;
        assert_eq!(cut, if writes_again { 6 } else { 5 });
        let newest = world.devices[0].roster.head();

        world.put_back(backup);
        world.connect(0);
        world.settle();
        assert_eq!(space(&world).roster.head(), newest);
        check_no_gap(&world, feed, cut);
        world.heal();
        assert_eq!(on_relay(&world, 2), (cut, 6 - cut as usize));
        assert_eq!(world.devices[1].heads()[&feed], at(&world.devices[2], cut));
    }
}

#[test]
fn a_backup_meets_a_cut_that_has_moved() {
    // Of what was held the backup has all, some or nothing.
    for held in 0..4 {
        let mut world = with_member(81, 2);
        let feed = world.devices[2].keys.feed();
        revoke(&mut world, 0, 2);
        for _ in 0..held {
            world.write(2);
        }
        world.settle();
        let backup = world.back_up();
        for _ in held..3 {
            world.write(2);
        }
        world.settle();
        let cut = at(&world.devices[2], 4);
        append(&mut world, 0, What::CutMoved(CutMoved { cut }));
        assert_eq!(on_relay(&world, 2), (4, 1));

        world.put_back(backup);
        world.write(2);
        world.heal();
        check_no_gap(&world, feed, 4);
        assert_eq!(on_relay(&world, 2), (4, 2), "held {held}");
        assert_eq!(world.devices[2].acknowledged, 6);
        for device in [0, 1] {
            assert_eq!(world.devices[device].heads()[&feed], cut);
        }
    }
}

#[test]
fn a_copy_of_a_revoked_device_is_told_and_what_is_held_stays() {
    let mut world = with_member(85, 2);
    let old = world.devices[2].clone();
    revoke(&mut world, 0, 2);
    world.write(2);
    world.write(2);
    world.settle();
    assert_eq!(on_relay(&world, 2), (2, 2));
    let newest = world.devices[2].clone();

    // The copy wrote something else before it heard.
    world.wires.clear();
    world.devices[2] = old.clone();
    world.devices[2].said.clear();
    world.write(2);
    world.heal();
    let forked = |said: &Output| matches!(said, Output::Forked { common: Some(common), .. } if common.sequence == 2);
    assert_eq!(count(&world, 2, forked), 1);
    assert_eq!(count(&world, 2, is_refused(Refusal::Revoked)), 0);
    assert_eq!(on_relay(&world, 2), (2, 2));
    assert_eq!(
        world.devices[2].roster.head(),
        world.devices[0].roster.head(),
        "it knows by whom"
    );

    // A disk that was put back gets its own feed again, goes on behind the cut, and reads nothing else.
    world.wires.clear();
    world.write(0);
    world.devices[2] = old;
    world.devices[2].said.clear();
    let others = world.devices[2].received.len() - 2;
    world.heal();
    assert_eq!(world.devices[2].head(), newest.head());
    assert_eq!(world.devices[2].received.len(), others + 4);
    assert_eq!(world.devices[2].said.last(), Some(&Output::Settled));
    world.write(2);
    world.settle();
    assert_eq!(on_relay(&world, 2), (2, 3));
    assert_eq!(world.devices[2].acknowledged, 5);
    // What others wrote it does not get, however it asks.
    let feed = world.devices[0].keys.feed();
    let (from, to) = (1, 1);
    world.tell(2, Input::Want { feed, from, to });
    world.settle();
    assert_eq!(count(&world, 2, is_refused(Refusal::Revoked)), 1);
}

#[test]
fn what_is_held_of_a_device_of_a_lost_branch_counts_once_it_is_accepted() {
    let mut world = World::new(86, 2);
    world.write(0);
    world.heal();
    // On the branch of the second admin a device joins, writes twice, and is silenced there; two more are held.
    let shared = world.devices[0].roster.clone();
    world.wires.retain(|wire| wire.device == 1);
    let mut branch = shared.clone();
    let admin = world.devices[1].keys.clone();
    let (entry, secret) = invite(&branch, &admin, Role::Member, &mut world.dice);
    branch.append(&entry).expect("follows");
    let keys = world.dice.keys();
    let entry = join(&branch, &secret, &keys, &mut world.dice);
    branch.append(&entry).expect("follows");
    world.devices[1].roster = branch.clone();
    let space_ = world.store.spaces.get_mut(&world.workspace);
    space_.expect("is there").roster = Arc::new(branch.clone());
    world.spread(crate::log::News::Roster);
    world.devices.push(Device::new(keys.clone(), branch));
    world.write(2);
    world.write(2);
    world.connect(2);
    world.settle();
    let feed = keys.feed();
    let what = {
        let member = world.devices[1].roster.device(&feed).expect("known").member;
        What::Role(RoleChange {
            member,
            role: Role::Guest,
            cuts: own_cut(&world, 2).into_iter().collect(),
        })
    };
    append(&mut world, 1, what);
    world.write(2);
    world.write(2);
    world.settle();
    assert_eq!(on_relay(&world, 2), (2, 2));
    let lost = world.devices[1].roster.clone();

    // The owner's branch counts; the relay forgets the device, and keeps what it wrote.
    world.wires.clear();
    world.append_invite_here(0);
    let mut owner = world.devices[0].roster.clone();
    world.connect(0);
    world.settle();
    assert_eq!(space(&world).roster.head(), owner.head());
    assert_eq!(on_relay(&world, 2), (2, 2));
    // An admin who knows the lost branch accepts the device up to its third.
    owner.meet(lost).expect("of one workspace");
    let cut = at(&world.devices[2], 3);
    let founder = world.devices[0].keys.clone();
    let ring = vault::KeyRing::open(&owner, &founder.sealing);
    let mut fill = |bytes: &mut [u8]| world.dice.fill(bytes);
    let entry = owner.sign_acceptance(&founder.signing, &ring, &feed, cut, 5, &mut fill);
    let append = Input::AppendRoster {
        expected_head: owner.head(),
        entries: vec![entry.expect("may").into()],
    };
    world.tell(0, append);
    world.settle();
    assert!(space(&world).roster.device(&feed).is_some());
    check_no_gap(&world, feed, 3);
    assert_eq!(on_relay(&world, 2), (3, 1));
    assert_eq!(world.devices[0].heads()[&feed], cut);
}

#[test]
fn a_lost_branch_with_a_new_key_meets_a_relay_that_is_lost_again() {
    let mut world = World::new(87, 3);
    for device in 0..3 {
        world.write(device);
    }
    world.heal();
    // Away from the owner an admin begins a new key, under which two write.
    world.wires.retain(|wire| wire.device != 0);
    let admin = &world.devices[1];
    let mut fill = |bytes: &mut [u8]| world.dice.fill(bytes);
    let entry = admin
        .roster
        .sign_key_epoch(&admin.keys.signing, 5, &mut fill);
    let append = Input::AppendRoster {
        expected_head: admin.roster.head(),
        entries: vec![entry.expect("may").into()],
    };
    world.tell(1, append);
    world.settle();
    assert_eq!(world.devices[2].roster.key_epoch(), 2);
    world.write(1);
    world.write(2);
    world.settle();
    // The owner went on too, and the relay is lost with the branch of which it had the log.
    world.append_invite_here(0);
    world.write(0);
    let counts = world.devices[0].roster.head();
    world.lose();
    for order in [[0, 1, 2], [2, 1, 0]] {
        for device in order {
            world.connect(device);
            world.settle();
        }
        world.heal();
        assert_eq!(space(&world).roster.head(), counts);
        world.check_equal();
        assert_eq!(space(&world).entries.len(), 6, "whatever key sealed it");
        world.lose();
    }
}

#[test]
fn who_joined_before_the_relay_lost_its_disk_gets_in_by_the_own_roster() {
    for (is_known, is_late) in [(true, false), (false, false), (false, true)] {
        let mut world = World::new(89, 2);
        world.write(0);
        world.append_invite_here(0);
        world.heal();
        // While the others are away a device joins, and writes; then the relay is lost with the entry.
        let before = world.devices[1].roster.clone();
        world.wires.clear();
        let (mut roster, founder) = (before.clone(), world.devices[0].keys.clone());
        let (entry, secret) = invite(&roster, &founder, Role::Member, &mut world.dice);
        roster.append(&entry).expect("follows");
        let invited = roster.clone();
        let keys = world.dice.keys();
        let entry = join(&roster, &secret, &keys, &mut world.dice);
        roster.append(&entry).expect("follows");
        let mut joined = Device::new(keys.clone(), roster.clone());
        joined.write(&mut world.dice);
        joined.write(&mut world.dice);
        world.devices.push(joined);
        world.lose();
        for device in [0, 1] {
            world.devices[device].roster = invited.clone();
        }
        if is_known {
            world.devices[0].roster = roster.clone();
        }
        world.connect(1);
        world.settle();
        let others = space(&world).roster.head();
        assert_eq!(others, invited.head());
        if is_late {
            world.now_ms = crate::device::INVITES_END_MS;
        }
        world.connect(2);
        world.settle();
        let is_refused = count(&world, 2, is_refused(Refusal::InviteSpent)) > 0;
        assert_eq!(is_refused, is_late);
        if is_late {
            // Nobody vouches that it joined in time.
            assert_eq!(space(&world).roster.head(), others);
            continue;
        }
        assert_eq!(space(&world).roster.head(), roster.head());
        assert_eq!(on_relay(&world, 2), (2, 0));
        world.heal();
        world.check_equal();
    }
}

#[test]
fn nobody_gets_in_by_a_roster_that_counts_beside_the_relays() {
    let mut world = World::new(90, 2);
    world.write(0);
    world.heal();
    let shared = world.devices[0].roster.clone();
    world.append_invite(1);
    world.settle();
    let head = space(&world).roster.head();
    // An owner's branch that lets somebody in counts, and comes with somebody whom the relay knows or not at all.
    let (mut branch, founder) = (shared, world.devices[0].keys.clone());
    let (entry, secret) = invite(&branch, &founder, Role::Member, &mut world.dice);
    branch.append(&entry).expect("follows");
    let keys = world.dice.keys();
    let entry = join(&branch, &secret, &keys, &mut world.dice);
    branch.append(&entry).expect("follows");
    world.devices.push(Device::new(keys, branch.clone()));
    world.connect(2);
    world.settle();
    assert_eq!(count(&world, 2, is_refused(Refusal::NotAMember)), 1);
    assert_eq!(space(&world).roster.head(), head);
    world.wires.clear();
    world.devices[0].roster = branch.clone();
    world.heal();
    world.heal();
    assert_eq!(space(&world).roster.head(), branch.head());
    world.check_equal();
}

/// Two clients that both know a device which never comes again, and that it wrote; the relay is lost.
fn of_one_who_is_gone(seed: u64) -> (World, Roster, FeedId) {
    let mut world = World::new(seed, 3);
    for device in 0..3 {
        world.write(device);
    }
    world.heal();
    let before = world.devices[0].roster.clone();
    let gone = world.join(Role::Member);
    let feed = world.devices[gone].keys.feed();
    for _ in 0..4 {
        world.write(gone);
    }
    world.heal();
    world.lose();
    world.devices.pop();
    (world, before, feed)
}

#[test]
fn rosters_of_different_length_that_are_brought_at_once_leave_nobody_out() {
    let (mut moved, mut rounds) = (0, 0);
    for seed in 0..80 {
        println!("seed {seed}");
        let (mut world, before, feed) = of_one_who_is_gone(1000 + seed);
        // The second comes first and knows the device not at all. Of the others one has all of the roster, the other lacks
        // its end; what the device wrote only the first has.
        let all = world.devices[0].roster.entries().len();
        world.devices[1].roster = before;
        let short = if seed % 2 == 0 { 0 } else { 2 };
        world.devices[short].roster = world.devices[0].roster.first(all - 1);
        for device in [1, 2] {
            world.devices[device]
                .received
                .retain(|one| one.cut.feed != feed);
        }
        world.connect(1);
        world.settle();
        world.devices[0].said.clear();
        world.connect(0);
        world.connect(2);
        world.settle();
        check_no_gap(&world, feed, 4);
        moved += count(&world, 0, |said| matches!(said, Output::RosterMoved { .. }));
        rounds += usize::from(count(&world, 0, |said| *said == Output::ReadHeads) > 2);
        world.heal();
        world.check_equal();
    }
    assert!(
        moved > 3 && rounds > 3,
        "{moved} moved, {rounds} took further rounds"
    );
}

#[test]
fn what_the_relay_left_out_is_offered_when_it_knows_the_device() {
    for is_later_session in [false, true] {
        let (mut world, before, feed) = of_one_who_is_gone(88);
        // The first has everything but the newest of the roster, which the third brings.
        world.devices[0].roster = before;
        world.connect(0);
        world.settle();
        assert_eq!(in_log(&world, feed), [0; 0]);
        let not_taken = world.devices[0].said.iter().find_map(|said| match said {
            Output::Compared(compared) => Some(compared.not_taken.clone()),
            _ => None,
        });
        let not_taken = not_taken.expect("it ends");
        assert_eq!(not_taken.len(), 1);
        world.devices[2].received.retain(|one| one.cut.feed != feed);
        if is_later_session {
            world.wires.clear();
        }
        world.connect(2);
        world.settle();
        if is_later_session {
            assert_eq!(in_log(&world, feed), [0; 0]);
            world.connect(0);
            world.settle();
            let (from, to) = (1, not_taken[0].sequence);
            let missing = vec![Missing { feed, from, to }];
            world.tell(0, Input::Offer { missing });
            world.settle();
        }
        check_no_gap(&world, feed, 4);
        world.heal();
        world.check_equal();
        // And it is offered no more.
        let frames: Vec<usize> = world.wires.iter().map(|wire| wire.carried.0).collect();
        world.append_invite(0);
        world.settle();
        let after: Vec<usize> = world.wires.iter().map(|wire| wire.carried.0).collect();
        assert_eq!(after, frames);
    }
}

#[test]
fn a_device_that_is_revoked_in_the_middle_of_an_exchange_gets_no_more() {
    let mut interrupted = 0;
    for seed in 0..40 {
        println!("seed {seed}");
        let mut world = World::new(2000 + seed, 2);
        for round in 0..6 {
            world.write(round % 2);
        }
        world.heal();
        // The second is away, and comes back to a relay that was restored and filled again.
        world.wires.retain(|wire| wire.device == 0);
        for _ in 0..15 {
            world.write(0);
        }
        world.settle();
        world.restore(3);
        world.connect(0);
        world.settle();
        world.write(1);
        world.write(1);
        world.devices[1].said.clear();
        world.connect(1);
        for _ in 0..seed {
            world.step(1);
        }
        let compared = |said: &Output| matches!(said, Output::Compared(_));
        let is_replaced = |said: &Output| matches!(said, Output::LogReplaced(_));
        let is_open = count(&world, 1, is_replaced) > 0 && count(&world, 1, compared) == 0;
        let feed = world.devices[1].keys.feed();
        let cut = space(&world).feed_head(&feed);
        append(&mut world, 0, revocation(feed, cut));
        let is_revoked = |world: &World| {
            let feed = world.devices[1].keys.feed();
            space(world).roster.is_revoked(&feed)
        };
        let is_interrupted = is_open && is_revoked(&world) && count(&world, 1, compared) == 0;
        if !is_revoked(&world) {
            revoke(&mut world, 0, 1);
        }
        // The shell begins another session then, which is that of a revoked device.
        world.wires.retain(|wire| wire.device == 0);
        let others =
            |world: &World| world.devices[1].received.len() as u64 - world.devices[1].head().0;
        let has = others(&world);
        interrupted += u32::from(is_interrupted && has < 18);
        world.devices[1].said.clear();
        world.write(0);
        world.heal();
        assert_eq!(others(&world), has);
        assert_eq!(world.devices[1].said.last(), Some(&Output::Settled));
        let (log, held) = on_relay(&world, 1);
        assert_eq!(log + held as u64, 5, "and nothing of it is lost");
        assert_eq!(world.devices[1].acknowledged, 5);
    }
    assert!(interrupted > 5, "it was interrupted in {interrupted} cases");
}
