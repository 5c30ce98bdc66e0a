//! The waiting time between attempts to reach the relay.

use std::time::Duration;

/// The wait before the second attempt, before jitter.
pub const FIRST_WAIT_MS: u64 = 500;

/// The longest wait, before jitter.
pub const LONGEST_WAIT_MS: u64 = 60_000;

/// Doubles the wait between attempts up to a ceiling, with jitter so that devices which lost the relay together do not
/// return together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Backoff {
    attempts: u32,
}

impl Backoff {
    /// Begins without any failed attempt.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns how long to wait after a failed attempt: between half of the doubled wait and all of it.
    ///
    /// `random` is any random number; it decides the jitter alone.
    pub fn next(&mut self, random: u64) -> Duration {
        let doubled = FIRST_WAIT_MS.saturating_mul(1 << self.attempts.min(16));
        let wait = doubled.min(LONGEST_WAIT_MS);
        self.attempts = self.attempts.saturating_add(1);
        Duration::from_millis(wait / 2 + random % (wait / 2 + 1))
    }

    /// Forgets the failed attempts, once a session was established.
    pub fn reset(&mut self) {
        self.attempts = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_the_ceiling_and_start_again() {
        let mut backoff = Backoff::new();
        let mut last = 0;
        for attempt in 0..200_u64 {
            let wait = backoff.next(attempt.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            let ceiling = (FIRST_WAIT_MS << attempt.min(16)).min(LONGEST_WAIT_MS);
            let wait = wait.as_millis() as u64;
            assert!(wait >= ceiling / 2 && wait <= ceiling, "{attempt}: {wait}");
            last = wait;
        }
        assert!(last >= LONGEST_WAIT_MS / 2);
        backoff.reset();
        assert!(backoff.next(7).as_millis() as u64 <= FIRST_WAIT_MS);
    }
}
