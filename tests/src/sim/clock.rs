//! Time: one virtual clock of the world, and clocks of devices that are wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// The moment at which every simulation begins: 23 November 2026, 9:00 in UTC.
pub(crate) const BEGIN_MS: i64 = 1_795_424_400_000;

/// The world's clock; clones are the same clock.
#[derive(Debug, Clone)]
pub(crate) struct WorldClock(Arc<AtomicI64>);

impl WorldClock {
    /// Begins at [`BEGIN_MS`].
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicI64::new(BEGIN_MS)))
    }

    /// Gives the moment (ms since 1970).
    pub(crate) fn now_ms(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Goes on to a moment, never back.
    pub(crate) fn go_to(&self, moment_ms: i64) {
        self.0.fetch_max(moment_ms, Ordering::Relaxed);
    }
}

impl Default for WorldClock {
    fn default() -> Self {
        Self::new()
    }
}

/// The clock of one machine, which may be wrong; clones are the same clock.
#[derive(Debug, Clone)]
pub(crate) struct Clock {
    world: WorldClock,
    wrong_by_ms: Arc<AtomicI64>,
}

impl Clock {
    /// Makes a clock that is wrong by so much.
    pub(crate) fn new(world: &WorldClock, wrong_by_ms: i64) -> Self {
        Self {
            world: world.clone(),
            wrong_by_ms: Arc::new(AtomicI64::new(wrong_by_ms)),
        }
    }

    /// Gives what the clock shows (ms since 1970).
    pub(crate) fn now_ms(&self) -> i64 {
        self.world.now_ms() + self.wrong_by_ms()
    }

    /// Says how wrong it is.
    pub(crate) fn wrong_by_ms(&self) -> i64 {
        self.wrong_by_ms.load(Ordering::Relaxed)
    }

    /// Sets it wrong by so much from now on.
    pub(crate) fn jump_to(&self, wrong_by_ms: i64) {
        self.wrong_by_ms.store(wrong_by_ms, Ordering::Relaxed);
    }

    /// Turns what this clock will show into a moment of the world.
    pub(crate) fn in_world(&self, shown_ms: i64) -> i64 {
        shown_ms.saturating_sub(self.wrong_by_ms())
    }
}
