//! Simulations with fixed seeds and with one that is new each time; `cargo xtask sim` runs as many as are wanted.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};

use handschlag_tests::sim::Run;

/// The first of the fixed seeds.
const FIXED: u64 = 20_261_123;

fn run(first: u64, seeds: u64) {
    println!("seeds from {first}: cargo xtask sim --seed {first} --seeds {seeds} plays them again");
    let run = Run {
        generations: 2,
        steps: 60,
        jobs: 1,
        shrink_tries: 20,
        ..Run::of(first, seeds)
    };
    match run.play(&|_, _| {}) {
        Ok(counts) => println!("{}", counts.tell()),
        Err(text) => panic!("{text}"),
    }
}

#[test]
fn what_was_promised_holds_in_fixed_simulations() {
    run(FIXED, 2);
}

#[test]
fn a_seed_does_the_same_again() {
    let run = Run {
        generations: 1,
        steps: 40,
        jobs: 1,
        ..Run::of(FIXED + 7, 1)
    };
    let [first, again] = [(); 2].map(|()| run.play(&|_, _| {}).expect("all holds").tell());
    assert_eq!(first, again);
}

#[test]
fn what_was_promised_holds_in_a_new_simulation() {
    let seed = std::env::var("HANDSCHLAG_SEED").ok();
    let seed = seed.and_then(|text| text.parse().ok());
    let seed =
        seed.unwrap_or_else(|| RandomState::new().build_hasher().finish() % 1_000_000_000_000);
    run(seed, 1);
}
