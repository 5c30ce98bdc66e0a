//! Kills a relay and five clients at random while they work, and checks what must hold: `cargo xtask kill`.

use std::io::{self, Write};
use std::time::Duration;

use handschlag_tests::harness::Dice;
use handschlag_tests::kill;

/// How many seconds they are killed for unless `HANDSCHLAG_KILL_SECONDS` says so.
const SECONDS: u64 = 60;

fn main() {
    let dice = Dice::throw();
    let seconds = std::env::var("HANDSCHLAG_KILL_SECONDS").ok();
    let seconds = seconds.map_or(SECONDS, |text| {
        text.parse().expect("HANDSCHLAG_KILL_SECONDS is a number")
    });
    line(&format!("To repeat the choices: --seed {}", dice.seed()));
    let counts = kill::play(&dice, Duration::from_secs(seconds), &mut line);
    line(&format!("What happened how often:\n{counts}"));
}

/// Writes a line; a reader that has gone does not end the run.
fn line(text: &str) {
    drop(writeln!(io::stdout(), "{text}"));
}
