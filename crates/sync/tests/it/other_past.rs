//! A feed that was cut, and another past of it on a relay that lost the true one.

use std::sync::Arc;

use protocol::{CutMoved, Refusal, Role, What};
use sync::client::Output;

use crate::{
    device::Device,
    held::{append, count, on_relay, revoke},
    pairs::{at, check_no_gap, is_refused, role, space, with_member},
    world::World,
};

/// A copy of a device that wrote so many other envelopes behind a sequence of its feed.
fn copy_of(world: &mut World, device: usize, behind: u64, writes: usize) -> Device {
    let mut copy = world.devices[device].clone();
    let feed = copy.keys.feed();
    copy.feed.truncate(behind as usize);
    copy.received
        .retain(|one| one.cut.feed != feed || one.cut.sequence <= behind);
    for _ in 0..writes {
        copy.write(&mut world.dice);
    }
    copy.said.clear();
    copy
}

#[test]
fn a_revoked_device_puts_nothing_past_its_cut_on_a_relay_that_lost_its_log() {
    let mut world = with_member(82, 6);
    let feed = world.devices[2].keys.feed();
    // The device has a copy, which wrote something else from the second envelope on.
    let copy = copy_of(&mut world, 2, 1, 7);
    revoke(&mut world, 0, 2);
    let cut = at(&world.devices[2], 6);
    let roster = world.devices[0].roster.clone();
    let honest = world.devices[2].clone();
    for is_early in [false, true] {
        world.lose();
        world.devices[2] = copy.clone();
        world.devices[2].said.clear();
        if is_early {
            // The relay begins with a roster that does not know of the revocation yet, and hears of it while the push is
            // on its way.
            let before = roster.entries().len() - 1;
            world.devices[2].roster = roster.first(before);
            // With a cursor it would compare first, and carry.
            world.devices[2].cursor = None;
            world.connect(2);
            while world.wires[0].pushes() == 0 {
                assert!(world.step(0), "it pushes");
            }
            let space = world.store.spaces.get_mut(&world.workspace);
            space.expect("is there").roster = Arc::new(roster.clone());
        } else {
            world.devices[2].roster = roster.clone();
            world.connect(2);
        }
        world.settle();
        assert_eq!(count(&world, 2, is_refused(Refusal::Fork)), 1);
        let (log, held) = on_relay(&world, 2);
        assert!(log == 0 && held < 6, "held at most: {held}");
        // Others bring what it wrote in truth; then it is told of the fork, and holds up nobody.
        world.connect(0);
        world.settle();
        check_no_gap(&world, feed, 6);
        assert_eq!(space(&world).feed_head(&feed), Some(cut));
        world.devices[2].said.clear();
        world.heal();
        let forked = |said: &Output| matches!(said, Output::Forked { common: Some(common), .. } if common.sequence == 1);
        assert_eq!(count(&world, 2, forked), 1);
        assert_eq!(on_relay(&world, 2), (6, 0));
    }
    // The true device is let go on, behind its cut.
    world.wires.clear();
    world.devices[2] = honest;
    world.devices[2].roster = roster;
    world.write(2);
    world.heal();
    assert_eq!(on_relay(&world, 2), (6, 1));
}

#[test]
fn a_relay_is_lost_with_what_it_held_and_a_revoked_device_comes_first() {
    let mut world = with_member(83, 5);
    let feed = world.devices[2].keys.feed();
    revoke(&mut world, 0, 2);
    world.write(2);
    world.settle();
    assert_eq!(on_relay(&world, 2), (5, 1));
    world.lose();
    world.devices[2].said.clear();
    // It begins the workspace; what it sends, piece by piece, is held until the envelope comes that the cut names.
    world.connect(2);
    let mut most = 0;
    while world.step(0) {
        if world.store.spaces.contains_key(&world.workspace) {
            let (log, held) = on_relay(&world, 2);
            assert!(log == 0 || log == 5);
            most = most.max(held);
        }
    }
    assert!(most > 1, "it takes several pushes");
    assert_eq!(count(&world, 2, is_refused(Refusal::Revoked)), 0);
    check_no_gap(&world, feed, 5);
    assert_eq!(
        on_relay(&world, 2),
        (5, 1),
        "and it sends again what was held"
    );
    assert_eq!(world.devices[2].acknowledged, 6);
    world.heal();
    assert_eq!(on_relay(&world, 2), (5, 1));
}

#[test]
fn a_copy_that_writes_to_an_old_backup_does_not_take_the_place_of_what_was_accepted() {
    for accepted in [4, 6] {
        for writes in [1, 2, 3, 4, 6] {
            println!("accepted {accepted}, the copy wrote {writes}");
            let mut world = with_member(91, 2);
            let feed = world.devices[2].keys.feed();
            revoke(&mut world, 0, 2);
            let copy = copy_of(&mut world, 2, 2, writes);
            let backup = world.back_up();
            for _ in 0..4 {
                world.write(2);
            }
            world.settle();
            let cut = at(&world.devices[2], accepted);
            append(&mut world, 0, What::CutMoved(CutMoved { cut }));
            assert_eq!(on_relay(&world, 2), (accepted, 6 - accepted as usize));

            // The copy comes first, to a relay from before the acceptance.
            world.put_back(backup);
            let honest = std::mem::replace(&mut world.devices[2], copy);
            world.connect(2);
            world.settle();
            assert_eq!(on_relay(&world, 2), (2, writes));
            world.connect(0);
            world.settle();
            check_no_gap(&world, feed, accepted);
            assert_eq!(space(&world).feed_head(&feed), Some(cut));
            assert_eq!(on_relay(&world, 2), (accepted, 0), "the other is dropped");
            world.heal();
            assert_eq!(world.devices[1].heads()[&feed], cut);
            // What the true device wrote behind the cut is held again.
            world.wires.clear();
            world.devices[2] = honest;
            world.heal();
            assert_eq!(on_relay(&world, 2), (accepted, 6 - accepted as usize));
            assert_eq!(space(&world).feed_head(&feed), Some(cut));
        }
    }
}

#[test]
fn who_may_not_write_any_more_puts_no_other_past_on_a_relay_that_lost_its_log() {
    // It is pushed by the device itself, or carried by somebody who plays along.
    for (is_revoked, is_carried) in [(false, false), (false, true), (true, true)] {
        println!("revoked {is_revoked}, carried {is_carried}");
        let mut world = with_member(92, 6);
        let feed = world.devices[2].keys.feed();
        let mut copy = copy_of(&mut world, 2, 1, 3);
        if is_revoked {
            revoke(&mut world, 0, 2);
        } else {
            let guest = role(&world, 2, Role::Guest);
            append(&mut world, 0, guest);
        }
        let cut = at(&world.devices[2], 6);
        let roster = world.devices[0].roster.clone();
        world.lose();
        if is_carried {
            let other = copy.received.iter().filter(|one| one.cut.feed == feed);
            let other: Vec<_> = other.cloned().collect();
            let received = &mut world.devices[1].received;
            received.retain(|one| one.cut.feed != feed);
            received.extend(other);
            world.connect(1);
            world.settle();
            world.wires.clear();
        } else {
            copy.roster = roster;
            copy.cursor = None;
            world.devices[2] = copy;
            world.connect(2);
        }
        world.settle();
        assert_eq!(on_relay(&world, 2), (0, 4), "it is held at most");
        world.connect(0);
        world.settle();
        check_no_gap(&world, feed, 6);
        assert_eq!(space(&world).feed_head(&feed), Some(cut));
        assert_eq!(on_relay(&world, 2), (6, 0));
    }
}
