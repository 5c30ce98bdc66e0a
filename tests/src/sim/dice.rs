//! The choices of a simulation: whatever is random in it follows from one seed.

/// A source of choices (SplitMix64).
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    /// Takes a seed.
    pub(crate) fn of(seed: u64) -> Self {
        Self(seed)
    }

    /// Takes several numbers as one seed.
    pub(crate) fn of_all(numbers: &[u64]) -> Self {
        let mut dice = Self(0x5851_f42d_4c95_7f2d);
        for number in numbers {
            dice.0 ^= *number;
            dice.0 = dice.next();
        }
        dice
    }

    /// Gives any number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Gives a number below `end`; 0 when that is 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    /// Gives a duration or moment from `from` up to but not including `end`.
    pub(crate) fn between(&mut self, from: i64, end: i64) -> i64 {
        from + (self.next() % (end - from).max(1).cast_unsigned()).cast_signed()
    }

    /// Says yes so many times in a hundred.
    pub(crate) fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }

    /// Gives one of several things, none of none.
    pub(crate) fn pick<'a, T>(&mut self, things: &'a [T]) -> Option<&'a T> {
        things.get(self.below(things.len()))
    }

    /// Puts things in an order of its own.
    pub(crate) fn shuffle<T>(&mut self, things: &mut [T]) {
        for at in (1..things.len()).rev() {
            things.swap(at, self.below(at + 1));
        }
    }

    /// Fills bytes.
    pub(crate) fn fill(&mut self, bytes: &mut [u8]) {
        for piece in bytes.chunks_mut(8) {
            let number = self.next().to_be_bytes();
            piece.copy_from_slice(&number[..piece.len()]);
        }
    }

    /// Gives the random part of an id.
    pub(crate) fn ten(&mut self) -> [u8; 10] {
        let mut bytes = [0; 10];
        self.fill(&mut bytes);
        bytes
    }
}
