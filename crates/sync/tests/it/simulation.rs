//! Random networks and crashes; afterwards everybody has the same.

use sync::client::Output;

use crate::world::World;

const SEEDS: u64 = 60;

fn run(seed: u64) {
    // Shown only when the test fails.
    println!("seed {seed}");
    let mut world = World::new(seed, 3);
    world.duplicates = true;
    for _ in 0..400 {
        let device = world.dice.below(3);
        match world.dice.below(40) {
            0..6 => world.write(device),
            6..9 => world.connect(device),
            9 if !world.wires.is_empty() => {
                let wire = world.dice.below(world.wires.len());
                world.cut(wire);
            }
            // The relay restarts: all wires break, and what was not committed is lost.
            10 if world.dice.below(4) == 0 => world.wires.clear(),
            11 if world.dice.below(4) == 0 => world.append_invite(device),
            _ if !world.wires.is_empty() => {
                let wire = world.dice.below(world.wires.len());
                world.step(wire);
            }
            _ => {}
        }
    }
    world.heal();
    world.check_equal();
    let quiet: Vec<usize> = world.wires.iter().map(|wire| wire.frames).collect();
    for wire in 0..world.wires.len() {
        assert!(!world.step(wire), "an idle system does nothing");
    }
    let after: Vec<usize> = world.wires.iter().map(|wire| wire.frames).collect();
    assert_eq!(after, quiet);
}

#[test]
fn after_healing_everybody_has_exactly_the_log() {
    for seed in 0..SEEDS {
        run(seed);
    }
}

#[test]
fn a_relay_that_lost_the_log_is_compared_with_once() {
    let mut world = World::new(1, 2);
    for device in [0, 1, 0, 0, 1] {
        world.write(device);
    }
    world.heal();
    world.check_equal();

    // Restored from a backup that has two entries, under a new epoch; device 1 comes first.
    world.restore(2);
    world.write(1);
    for device in &mut world.devices {
        device.said.clear();
    }
    world.heal();
    world.check_equal();
    for device in &world.devices {
        let told = |output: &Output| matches!(output, Output::LogReplaced(_));
        assert_eq!(device.said.iter().filter(|said| told(said)).count(), 1);
    }
}

#[test]
fn a_relay_that_lost_everything_gets_the_roster_back() {
    let mut world = World::new(2, 2);
    world.write(0);
    world.write(1);
    world.heal();
    world.wires.clear();
    world.store.spaces.clear();
    world.store.epoch = 9;
    world.heal();
    world.check_equal();
}

#[test]
fn a_cloned_disk_is_found_out() {
    let mut world = World::new(3, 2);
    world.write(0);
    world.write(0);
    let clone = world.devices[0].clone();
    world.write(0);
    world.heal();

    // The clone goes on by itself: once behind the relay, once beside it, once ahead on another branch.
    for writes in 0..3 {
        world.wires.clear();
        world.devices[0] = clone.clone();
        for _ in 0..writes {
            world.devices[0].write(&mut world.dice);
        }
        world.devices[0].said.clear();
        world.connect(0);
        world.settle();
        let told = world.devices[0].said.iter().find_map(|said| match said {
            Output::Forked { common, .. } => common.map(|cut| cut.sequence),
            Output::OwnFeedAhead { relay } => Some(100 + relay.sequence),
            _ => None,
        });
        assert_eq!(
            told,
            Some(if writes == 0 { 103 } else { 2 }),
            "after {writes} more"
        );
        let pushed = world.store.spaces[&world.workspace].entries.len();
        assert_eq!(pushed, 3, "nothing of the clone is stored");
    }
}
