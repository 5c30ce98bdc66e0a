//! Relays that were lost, restored or replaced, and disks that were: what travels, and that everything arrives.

use std::sync::Arc;

use protocol::{Cut, Revocation, Role, What};
use sync::client::{Compared, Input, Output};
use vault::SigningIdentity;

use crate::{
    device::{Device, Dice, invite, join},
    world::World,
};

fn said<'w, T: 'w>(
    world: &'w World,
    device: usize,
    wanted: impl Fn(&'w Output) -> Option<T>,
) -> Vec<T> {
    world.devices[device]
        .said
        .iter()
        .filter_map(wanted)
        .collect()
}

fn forget(world: &mut World) {
    for device in &mut world.devices {
        device.said.clear();
    }
}

fn compared(world: &World, device: usize) -> Vec<&Compared> {
    said(world, device, |said| match said {
        Output::Compared(compared) => Some(compared),
        _ => None,
    })
}

/// Checks that nobody has anything to say any more.
fn check_idle(world: &mut World) {
    let quiet: Vec<usize> = world.wires.iter().map(|wire| wire.frames).collect();
    for wire in 0..world.wires.len() {
        assert!(!world.step(wire), "an idle system does nothing");
    }
    let after: Vec<usize> = world.wires.iter().map(|wire| wire.frames).collect();
    assert_eq!(after, quiet);
    // A fresh meeting finds nothing to send either.
    world.wires.clear();
    world.heal();
    assert!(
        world.wires.iter().all(|wire| wire.frames == 4),
        "only the greeting"
    );
}

#[test]
fn a_relay_that_lost_everything_is_filled_by_who_comes() {
    let mut world = World::new(60, 3);
    for round in 0..30 {
        world.write(round % 3);
        world.heal();
    }
    // Device 1 misses the last words of device 0, device 2 has been away for longer and works on.
    world.wires.retain(|wire| wire.device == 0);
    for _ in 0..5 {
        world.write(0);
        world.settle();
    }
    for _ in 0..7 {
        world.write(2);
    }
    world.lose();
    forget(&mut world);
    world.connect(1);
    world.settle();
    assert_eq!(world.store.spaces[&world.workspace].entries.len(), 30);
    assert_eq!(world.wires[0].carried, (30, 0));
    world.connect(0);
    world.settle();
    assert_eq!(world.wires[1].carried, (5, 0), "the difference alone");
    world.connect(2);
    world.settle();
    assert_eq!(world.wires[2].carried, (7, 5), "each what the other lacks");
    world.check_equal();
    for device in 0..3 {
        let ends = compared(&world, device);
        assert_eq!((ends.len(), ends[0].not_taken.len()), (1, 0));
    }
    check_idle(&mut world);
    // A fourth, new device is served everything, and nobody else can claim the workspace meanwhile.
    let fourth = world.join(Role::Member);
    world.heal();
    assert_eq!(world.devices[fourth].received.len(), 42);
    world.check_equal();
}

#[test]
fn after_a_restored_backup_the_difference_alone_travels() {
    let mut world = World::new(61, 2);
    for round in 0..200 {
        world.write(round % 2);
    }
    world.heal();
    world.restore(190);
    forget(&mut world);
    world.connect(0);
    world.settle();
    let wire = &world.wires[0];
    assert_eq!(wire.carried, (10, 0));
    let (up, down) = (wire.up_bytes, wire.down_bytes);
    println!("{up} up, {down} down, {} frames", wire.frames);
    assert!(up < 8_000 && down < 2_500, "{up} up, {down} down");
    world.connect(1);
    world.settle();
    let wire = &world.wires[1];
    assert_eq!(wire.carried, (0, 0), "there is nothing left to send");
    assert!(wire.up_bytes < 1_500 && wire.down_bytes < 1_500);
    world.check_equal();
    check_idle(&mut world);
}

#[test]
fn both_sides_hold_more_in_different_feeds() {
    let mut world = World::new(62, 3);
    for round in 0..12 {
        world.write(round % 3);
    }
    world.heal();
    // Device 2 leaves, device 0 goes on; the relay is put back, and device 1, who left with 2, writes too.
    world.wires.retain(|wire| wire.device == 0);
    for _ in 0..4 {
        world.write(0);
        world.settle();
    }
    world.write(1);
    world.write(1);
    // What device 1 lacks lies before what it has, and only that is sent.
    let feed = world.devices[0].keys.feed();
    let mut entries = world.store.spaces[&world.workspace].entries.clone();
    entries.sort_by_key(|entry| entry.feed != feed);
    world.refill_with(entries);
    forget(&mut world);
    world.connect(1);
    world.settle();
    assert_eq!(world.wires[0].carried, (2, 4));
    world.heal();
    world.check_equal();
    check_idle(&mut world);
}

#[test]
fn no_cursor_is_handed_out_before_what_was_carried_is_durable() {
    let mut world = World::new(71, 2);
    world.write(0);
    world.heal();
    world.wires.retain(|wire| wire.device == 0);
    for _ in 0..3 {
        world.write(0);
        world.settle();
    }
    let all = world.store.spaces[&world.workspace].entries.len();
    world.restore(all);
    forget(&mut world);
    world.has_stuck_disks = true;
    world.connect(1);
    world.settle();
    assert_eq!(world.wires[0].carried, (0, 3));
    // The answer to what was carried is still to come, and the session waits with everything for it.
    assert_eq!(world.wires[0].waits_for_device(), 1);
    assert_eq!(compared(&world, 1).len(), 0);
    world.has_stuck_disks = false;
    world.settle();
    assert_eq!(compared(&world, 1).len(), 1);
    world.heal();
    world.check_equal();
}

#[test]
fn a_replaced_relay_with_another_key_is_filled() {
    let mut world = World::new(63, 2);
    for round in 0..9 {
        world.write(round % 2);
    }
    world.heal();
    world.lose();
    world.relay = Arc::new(SigningIdentity::from_seed(&[78; 32]));
    world.write(0);
    forget(&mut world);
    world.heal();
    world.check_equal();
    let cursor = world.devices[1].cursor.expect("has read");
    assert_eq!(cursor.relay, world.relay.relay());
    check_idle(&mut world);
}

#[test]
fn an_old_backup_gets_the_roster_back_before_what_newer_devices_wrote() {
    let mut world = World::new(64, 2);
    world.write(0);
    world.heal();
    let old_roster = Arc::clone(&world.store.spaces[&world.workspace].roster);
    let late = world.join(Role::Member);
    world.write(late);
    world.write(1);
    world.heal();
    world.check_equal();
    // Device 1 is revoked after its second envelope, which the backup does not have either.
    world.write(1);
    world.settle();
    let feed = world.devices[1].keys.feed();
    let cut = world.devices[1].heads()[&feed];
    let admin = &world.devices[0];
    let what = What::Revoke(Revocation {
        feeds: vec![feed],
        cuts: vec![cut],
    });
    let entry = admin
        .roster
        .sign(&admin.keys.signing, what, 5)
        .expect("may");
    let append = Input::AppendRoster {
        expected_head: admin.roster.head(),
        entries: vec![entry.into()],
    };
    world.tell(0, append);
    world.settle();
    let newest = world.devices[0].roster.head();

    world.restore(1);
    let space = world.store.spaces.get_mut(&world.workspace);
    space.expect("is there").roster = old_roster;
    forget(&mut world);
    world.connect(0);
    world.settle();
    let space = &world.store.spaces[&world.workspace];
    assert_eq!(space.roster.head(), newest, "whoever signed it");
    assert_eq!(space.entries.len(), 4);
    assert_eq!(space.feed_head(&feed), Some(cut));
    let end = compared(&world, 0);
    assert_eq!(end[0].not_taken, []);
    let rosters = said(&world, 0, |said| {
        matches!(said, Output::Roster { .. }).then_some(())
    });
    assert_eq!(rosters.len(), 1, "what was brought does not come back");
    // Who came too early was refused, and gets in now.
    world.connect(late);
    world.settle();
    assert_eq!(world.devices[late].heads(), world.devices[0].heads());
}

#[test]
fn what_the_relay_does_not_take_holds_up_nothing() {
    let mut world = World::new(65, 3);
    for round in 0..9 {
        world.write(round % 3);
    }
    world.heal();
    // The relay is put back to before device 1's last two, and then an admin revokes it there at its first.
    let feed = world.devices[1].keys.feed();
    world.lose();
    let first = Cut {
        feed,
        sequence: 1,
        hash: world.devices[1].feed[0].hash,
    };
    let admin = &world.devices[0];
    let what = What::Revoke(Revocation {
        feeds: vec![feed],
        cuts: vec![first],
    });
    let entry = admin
        .roster
        .sign(&admin.keys.signing, what, 5)
        .expect("may");
    for device in [0, 2] {
        world.devices[device]
            .roster
            .append(&entry)
            .expect("follows");
    }
    // A device that the relay's roster does not know.
    let (mut joined, founder) = (
        world.devices[0].roster.clone(),
        world.devices[0].keys.clone(),
    );
    let (entry, secret) = invite(&joined, &founder, Role::Member, &mut world.dice);
    joined.append(&entry).expect("follows");
    let keys = world.dice.keys();
    let entry = join(&joined, &secret, &keys, &mut world.dice);
    joined.append(&entry).expect("follows");
    let mut unknown = Device::new(keys, joined);
    unknown.write(&mut world.dice);
    let one = unknown.received.remove(0);
    let place = one.cut;
    world.devices[0].received.insert(2, one);
    forget(&mut world);
    world.connect(0);
    world.settle();
    let space = &world.store.spaces[&world.workspace];
    assert_eq!(
        space.entries.len(),
        7,
        "all but what is behind the cut and the unknown"
    );
    assert_eq!(space.feed_head(&feed), Some(first));
    assert_eq!(space.held[&feed].len(), 2, "what is behind the cut is held");
    let end = compared(&world, 0);
    let mut not_taken = vec![world.devices[0].heads()[&feed], place];
    not_taken.sort_by_key(|cut| cut.feed);
    assert_eq!(end[0].not_taken, not_taken);
    // And it is tried once, not for ever.
    let rounds = said(&world, 0, |said| (*said == Output::ReadHeads).then_some(()));
    assert_eq!(rounds.len(), 2);
    let frames = world.wires[0].frames;
    world.write(0);
    world.settle();
    assert!(world.wires[0].frames <= frames + 3);
}

#[test]
fn a_member_gets_any_piece_of_any_feed() {
    let mut world = World::new(66, 2);
    for _ in 0..9 {
        world.write(1);
    }
    world.heal();
    let feed = world.devices[1].keys.feed();
    forget(&mut world);
    for (from, to) in [(3, 7), (8, 40)] {
        world.tell(0, Input::Want { feed, from, to });
    }
    world.settle();
    let pieces = said(&world, 0, |said| match said {
        Output::Carried { envelopes } => Some(envelopes),
        _ => None,
    });
    let places: Vec<u64> = pieces
        .into_iter()
        .flatten()
        .map(|one| one.envelope.header.sequence)
        .collect();
    assert_eq!(places, [3, 4, 5, 6, 7, 8, 9]);
    let ended = said(&world, 0, |said| (*said == Output::WantEnded).then_some(()));
    assert_eq!(ended.len(), 1, "the second piece has no end there");
    assert_eq!(world.devices[0].said.last(), Some(&Output::Settled));
}

#[test]
fn a_restored_disk_gets_its_own_feed_back() {
    for is_relay_new in [false, true] {
        let mut world = World::new(67, 2);
        for round in 0..6 {
            world.write(round % 2);
        }
        world.heal();
        let copy = world.devices[0].clone();
        for round in 0..8 {
            world.write(round % 2);
        }
        world.heal();
        if is_relay_new {
            let all = world.store.spaces[&world.workspace].entries.len();
            world.restore(all);
        }
        world.wires.clear();
        world.devices[0] = copy;
        forget(&mut world);
        world.connect(0);
        world.settle();
        let ahead = said(&world, 0, |said| match said {
            Output::OwnFeedAhead { relay } => Some(relay.sequence),
            _ => None,
        });
        assert_eq!(ahead, [7], "relay new: {is_relay_new}");
        world.heal();
        world.check_equal();
        world.write(0);
        world.settle();
        world.check_equal();
        check_idle(&mut world);
    }
}

#[test]
fn a_fork_is_named_with_what_is_common_and_blocks_nobody() {
    for (is_relay_new, more) in [(false, 1), (false, 6), (true, 1), (true, 6)] {
        let mut world = World::new(68, 2);
        for _ in 0..5 {
            world.write(0);
        }
        world.heal();
        let copy = world.devices[0].clone();
        for _ in 0..3 {
            world.write(0);
        }
        world.heal();
        let newer = world.devices[0].clone();
        if is_relay_new {
            let all = world.store.spaces[&world.workspace].entries.len();
            world.restore(all);
        }
        world.wires.clear();
        world.devices[0] = copy;
        for _ in 0..more {
            world.write(0);
        }
        let own = world.devices[0].head();
        forget(&mut world);
        world.connect(0);
        world.settle();
        let forks = said(&world, 0, |said| match said {
            Output::Forked { common, relay, .. } => Some((*common, relay.sequence)),
            _ => None,
        });
        let feed = newer.keys.feed();
        let common = Cut {
            feed,
            sequence: 5,
            hash: newer.feed[4].hash,
        };
        assert_eq!(forks, [(Some(common), 8)]);
        // Nothing of it is pushed, nothing of the log handed out, and the roster still grows.
        assert_eq!(world.devices[0].head(), own);
        let before = world.devices[0].roster.entries().len();
        world.append_invite(0);
        world.settle();
        assert_eq!(world.devices[0].roster.entries().len(), before + 1);
        assert!(!world.wires[0].is_over(), "the session goes on");
        // The other one writes and reads undisturbed.
        world.write(1);
        world.connect(1);
        world.settle();
        let log = world.store.spaces[&world.workspace].entries.len();
        assert_eq!((log, world.devices[1].received.len()), (9, 9));
    }
}

#[test]
fn two_copies_of_a_disk_at_once_are_found_out_while_they_are_connected() {
    for (idle, seed) in [(true, 72), (false, 73)] {
        let mut world = World::new(seed, 2);
        for _ in 0..4 {
            world.write(0);
        }
        world.heal();
        let copy = world.devices[0].clone();
        world.devices.push(copy);
        world.connect(2);
        world.settle();
        forget(&mut world);
        // The copy hears of an envelope of its own that it did not write, or writes another in its place.
        world.write(0);
        if idle {
            world.settle();
            let ahead = said(&world, 2, |said| match said {
                Output::OwnFeedAhead { relay } => Some(relay.sequence),
                _ => None,
            });
            assert_eq!(ahead, [5]);
            assert_eq!(world.devices[2].head(), world.devices[0].head());
            world.check_equal();
            continue;
        }
        world.write(2);
        world.settle();
        let feed = world.devices[0].keys.feed();
        let first = world.store.spaces[&world.workspace].feed_head(&feed);
        assert_eq!(first.expect("one is there").sequence, 5);
        let loser = [0, 2].into_iter().find(|device| {
            let forks = said(&world, *device, |said| match said {
                Output::Forked { .. } => Some(()),
                _ => None,
            });
            !forks.is_empty()
        });
        let loser = loser.expect("one of them is told");
        // When it comes again it learns what is common.
        world.wires.clear();
        forget(&mut world);
        world.connect(loser);
        world.settle();
        let common = said(&world, loser, |said| match said {
            Output::Forked { common, .. } => Some(common.map(|cut| cut.sequence)),
            _ => None,
        });
        assert_eq!(common, [Some(4)]);
        assert_eq!(world.store.spaces[&world.workspace].feed_head(&feed), first);
    }
}

#[test]
fn a_fork_of_somebody_elses_feed_is_left_aside() {
    let mut world = World::new(69, 3);
    for round in 0..9 {
        world.write(round % 3);
    }
    world.heal();
    // Device 2's disk is cloned; one branch gets to the old relay and device 0, the other to a new relay.
    let clone = world.devices[2].clone();
    world.write(2);
    world.write(0);
    world.heal();
    world.restore(9);
    world.devices[2] = clone;
    world.write(2);
    world.write(2);
    forget(&mut world);
    world.connect(2);
    world.settle();
    world.connect(0);
    world.settle();
    let feed = world.devices[2].keys.feed();
    let forks = said(&world, 0, |said| match said {
        Output::Forked {
            feed,
            common,
            relay,
        } => Some((*feed, *common, relay.sequence)),
        _ => None,
    });
    assert_eq!(forks, [(feed, None, 5)]);
    assert_eq!(compared(&world, 0).len(), 1);
    // All other feeds are the same everywhere.
    let own = world.devices[0].keys.feed();
    let space = &world.store.spaces[&world.workspace];
    assert_eq!(space.feed_head(&own), Some(world.devices[0].heads()[&own]));
    assert_eq!(world.devices[0].said.last(), Some(&Output::Settled));
    // The relay's branch can be asked for.
    forget(&mut world);
    let want = Input::Want {
        feed,
        from: 4,
        to: 5,
    };
    world.tell(2, want);
    world.settle();
}

/// Lets an exchange break after so many steps, again and again, until it comes through; returns how often it broke.
fn interrupted(seed: u64, steps: usize) -> usize {
    let mut world = World::new(seed, 2);
    for round in 0..14 {
        world.write(round % 2);
        world.heal();
    }
    world.wires.retain(|wire| wire.device == 0);
    for _ in 0..5 {
        world.write(0);
        world.settle();
    }
    for _ in 0..3 {
        world.write(1);
    }
    // The relay has half of what device 1 has, and five that it has not.
    world.restore(19);
    let space = world
        .store
        .spaces
        .get_mut(&world.workspace)
        .expect("is there");
    let feed = world.devices[1].keys.feed();
    let entries = space.entries.iter();
    let keep = entries.filter(|entry| entry.feed != feed || entry.sequence <= 3);
    let keep = keep.cloned().collect();
    world.refill_with(keep);
    let mut breaks = 0;
    loop {
        world.connect(1);
        let is_done = (0..steps).any(|_| !world.step(0));
        if is_done {
            break;
        }
        world.cut(0);
        breaks += 1;
        assert!(breaks < 200, "it never comes through");
    }
    world.heal();
    world.check_equal();
    check_idle(&mut world);
    breaks
}

#[test]
fn an_interrupted_exchange_goes_on_from_where_it_stood() {
    let mut breaks = 0;
    for seed in 70..74 {
        for steps in 20..45 {
            println!("seed {seed}, {steps} steps");
            breaks += interrupted(seed, steps);
        }
    }
    assert!(breaks > 80, "{breaks} breaks");
}

#[test]
fn whatever_breaks_during_exchanges_everybody_ends_equal() {
    let (mut exchanges, mut breaks) = (0, 0);
    for seed in 0..120 {
        // Shown only when the test fails.
        println!("seed {seed}");
        let mut dice = Dice(seed);
        let mut world = World::new(seed, 3);
        world.duplicates = true;
        for _ in 0..dice.below(20) {
            let device = dice.below(3);
            world.write(device);
            if dice.below(3) == 0 {
                world.heal();
            }
        }
        world.heal();
        for _ in 0..300 {
            let device = dice.below(3);
            match dice.below(60) {
                0..5 => world.write(device),
                5..9 => world.connect(device),
                9..11 if !world.wires.is_empty() => {
                    let wire = dice.below(world.wires.len());
                    world.cut(wire);
                    breaks += 1;
                }
                // Only what clients still have may be lost: all of them have all of theirs.
                11 if dice.below(4) == 0 => {
                    let entries = world.store.spaces[&world.workspace].entries.len();
                    world.restore(dice.below(entries + 1));
                }
                12 if dice.below(6) == 0 => {
                    world.lose();
                    world.heal();
                }
                13 if dice.below(4) == 0 => world.append_invite(device),
                _ if !world.wires.is_empty() => {
                    let wire = dice.below(world.wires.len());
                    world.step(wire);
                }
                _ => {}
            }
        }
        world.heal();
        world.heal();
        world.check_equal();
        exchanges += (0..3)
            .map(|device| compared(&world, device).len())
            .sum::<usize>();
        check_idle(&mut world);
    }
    println!("{exchanges} exchanges, {breaks} breaks");
    assert!(
        exchanges > 200 && breaks > 300,
        "{exchanges} exchanges, {breaks} breaks"
    );
}
