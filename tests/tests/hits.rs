//! Simulations with fixed seeds that go on until each row of the merge table was met often enough.

use handschlag_tests::sim::{Counts, Least, Run};

/// The first seed.
const FIRST: u64 = 20_261_123;

/// How many seeds are played before the hits are counted for the first time, and how many at once after that.
const SEEDS: (u64, u64) = (56, 8);

/// How many seeds there are at most: rows that are met too seldom by then are not aimed at well.
const MOST_SEEDS: u64 = 104;

/// How often things must be met.
const LEAST: Least = Least {
    rows: 20,
    faults: 1,
};

#[test]
fn each_row_each_fault_and_each_crash_point_is_met_and_holds() {
    let mut met = Counts::default();
    let mut played = 0;
    let mut next = SEEDS.0;
    while played < MOST_SEEDS && (played == 0 || !met.few(LEAST).is_empty()) {
        let run = Run {
            generations: 1,
            steps: 60,
            shrink_tries: 20,
            ..Run::of(FIRST + played, next)
        };
        match run.play(&|_, _| {}) {
            Ok(counts) => met.join(&counts),
            Err(text) => panic!("{text}"),
        }
        played += next;
        next = SEEDS.1;
    }
    println!("{played} seeds\n{}", met.tell());
    let few = met.few(LEAST);
    assert!(few.is_empty(), "met too seldom:\n{}", few.join("\n"));
}
