//! The pace at which one connection may push; what is faster waits, nothing is refused.

/// The bytes of frames that a connection may send per second in the long run.
const BYTES_PER_S: u64 = 32 * 1024 * 1024;

/// The bytes that it may send at once before it is slowed down.
const BURST_BYTES: u64 = 64 * 1024 * 1024;

/// What one frame costs at least, so that tiny frames are slowed down too.
const FRAME_COST_BYTES: u64 = 2 * 1024;

/// What a frame with roster entries costs for each entry that the roster has: however small, it is judged against all.
const ROSTER_ENTRY_COST_BYTES: u64 = 512;

/// Counts what a connection has sent, and says how long to wait before its next frame is read.
#[derive(Debug, Clone)]
pub(crate) struct Pace {
    debt: u64,
    at_ms: u64,
}

impl Pace {
    /// Begins with the whole burst at hand.
    pub(crate) fn new(now_ms: u64) -> Self {
        Pace {
            debt: 0,
            at_ms: now_ms,
        }
    }

    /// Counts a frame and returns the ms to wait before the next is read.
    ///
    /// `roster_entries` is the length of the roster that the frame is judged against, for one that adds to it; else 0.
    pub(crate) fn take(&mut self, now_ms: u64, bytes: usize, roster_entries: usize) -> u64 {
        let passed = now_ms.saturating_sub(self.at_ms);
        self.at_ms = self.at_ms.max(now_ms);
        let paid = passed.saturating_mul(BYTES_PER_S) / 1000;
        let cost =
            (bytes as u64).max(FRAME_COST_BYTES) + ROSTER_ENTRY_COST_BYTES * roster_entries as u64;
        self.debt = self.debt.saturating_sub(paid).saturating_add(cost);
        self.debt.saturating_sub(BURST_BYTES) * 1000 / BYTES_PER_S
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_free_and_then_the_rate_holds() {
        const MIB: usize = 1024 * 1024;
        let mut pace = Pace::new(0);
        let waits: Vec<u64> = (0..64).map(|_| pace.take(0, MIB, 0)).collect();
        assert!(waits.iter().all(|wait| *wait == 0));
        assert_eq!(pace.take(0, 32 * MIB, 0), 1000);
        assert_eq!(
            pace.take(1000, 32 * MIB, 0),
            1000,
            "a second later the same again"
        );
        assert_eq!(
            pace.take(60_000, MIB, 0),
            0,
            "after a rest it is free again"
        );
        let tiny = (0..100_000).map(|_| pace.take(60_000, 1, 0)).last();
        assert!(tiny > Some(1000), "tiny frames are slowed down too");
        let mut pace = Pace::new(0);
        let few = (0..20).map(|_| pace.take(0, 300, 100)).last();
        assert_eq!(few, Some(0), "a few changes of a roster are free");
        let long = protocol::limits::MAX_ROSTER_ENTRIES;
        let many = (0..20).map(|_| pace.take(0, 300, long)).last();
        assert!(
            many > Some(10_000),
            "what a long roster costs is slowed down: {many:?}"
        );
    }
}
