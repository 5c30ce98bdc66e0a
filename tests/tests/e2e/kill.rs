//! A relay and five clients that are killed at random.

use std::time::Duration;

use handschlag_tests::harness::Dice;
use handschlag_tests::kill;

/// How many seconds they are killed for, unless `HANDSCHLAG_KILL_SECONDS` says so.
const SECONDS: u64 = 20;

#[test]
fn nothing_acknowledged_is_lost_when_relay_and_clients_are_killed() {
    let dice = Dice::throw();
    let seconds = std::env::var("HANDSCHLAG_KILL_SECONDS").ok();
    let seconds = seconds.map_or(SECONDS, |text| text.parse().expect("a number of seconds"));
    println!("HANDSCHLAG_SEED={}", dice.seed());
    let counts = kill::play(&dice, Duration::from_secs(seconds), &mut |text| {
        println!("{text}")
    });
    println!("{counts}");
    // However busy the machine is, so many happen.
    for (what, least) in [("killed ", 5), ("relay killed", 1), ("acknowledged ", 20)] {
        let count = counts.of(what);
        assert!(count >= least, "'{what}' happened {count} times");
    }
}
