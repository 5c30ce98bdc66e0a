//! What a session costs.

use sync::client::Output;

use crate::world::World;

#[test]
fn reconnecting_with_nothing_new_costs_little() {
    let mut world = World::new(5, 2);
    for _ in 0..50 {
        world.write(0);
        world.write(1);
    }
    world.heal();
    world.wires.clear();
    world.devices[0].said.clear();
    world.connect(0);
    world.settle();
    let wire = &world.wires[0];
    println!("{} up, {} down", wire.up_bytes, wire.down_bytes);
    assert!(wire.up_bytes < 1024 && wire.down_bytes < 1024);
    assert_eq!(wire.frames, 4, "hello, challenge, prove, welcome");
    assert_eq!(world.devices[0].said.last(), Some(&Output::Settled));
    let applied = world.devices[0].said.iter();
    assert_eq!(
        applied
            .filter(|said| matches!(said, Output::Apply { .. }))
            .count(),
        0
    );
}

#[test]
fn own_envelopes_come_back_short() {
    let mut world = World::new(6, 2);
    world.heal();
    let before = world.wires[0].down_bytes;
    world.write(0);
    world.settle();
    let pushed = world.devices[0].feed[0].bytes.len();
    let down = world.wires[0].down_bytes - before;
    assert!(down < 200 && down < pushed, "{down} bytes for {pushed}");
    world.check_equal();
}
