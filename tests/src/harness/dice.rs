//! Random choices that a seed repeats.

use std::hash::{BuildHasher, Hasher, RandomState};

/// A source of choices (SplitMix64).
#[derive(Debug, Clone)]
pub struct Dice {
    seed: u64,
    state: u64,
}

impl Dice {
    /// Takes the seed of `HANDSCHLAG_SEED`, or a new one.
    ///
    /// # Panics
    /// When the variable is no number.
    pub fn throw() -> Self {
        match std::env::var("HANDSCHLAG_SEED") {
            Ok(text) => Self::of(text.parse().expect("HANDSCHLAG_SEED is a number")),
            Err(_) => Self::of(RandomState::new().build_hasher().finish()),
        }
    }

    /// Takes a seed.
    pub fn of(seed: u64) -> Self {
        Self { seed, state: seed }
    }

    /// Gives the seed, for the message of a test that fails.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Gives a number below `end`, which is not 0.
    pub fn below(&mut self, end: usize) -> usize {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        usize::try_from(mixed % end as u64).expect("the rest is below a usize")
    }

    /// Puts things in a random order.
    pub fn shuffle<T>(&mut self, things: &mut [T]) {
        for at in (1..things.len()).rev() {
            things.swap(at, self.below(at + 1));
        }
    }
}
