//! What the relay's log holds, and the rule by which a push continues a feed.
//!
//! The log itself lies behind a trait in the relay; every implementation decides by [`fit`], so that all of them
//! accept, skip and refuse the same pushes.

use protocol::{Blob, Cut, EnvelopeHash, FeedId, LogEpoch, LogHash};

/// An envelope whose signature and place in its chain were verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Its sequence in the feed, from 1.
    pub sequence: u64,
    /// The hash of the envelope before it; zeros before the first.
    pub previous: EnvelopeHash,
    /// Its own hash.
    pub hash: EnvelopeHash,
    /// The envelope as it was received.
    pub bytes: Blob,
}

/// Verified envelopes of one feed, contiguous and never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// The feed that wrote them.
    pub feed: FeedId,
    /// The envelopes in the order of the feed.
    pub envelopes: Vec<Verified>,
}

impl Run {
    /// Returns the size of all envelopes in bytes.
    pub fn bytes(&self) -> usize {
        self.envelopes.iter().map(|e| e.bytes.len()).sum()
    }
}

/// One entry of the relay's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// When the relay received it, ms since 1970; never less than in the entry before.
    pub received_ms: u64,
    /// The feed that wrote it.
    pub feed: FeedId,
    /// Its sequence in the feed.
    pub sequence: u64,
    /// The hash of the envelope.
    pub hash: EnvelopeHash,
    /// The envelope as it was received.
    pub bytes: Blob,
}

/// Where a log stands: the sequence of its last entry and the running hash over all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogHead {
    /// The random name of this life of the log.
    pub epoch: LogEpoch,
    /// The sequence of the last entry; 0 when there is none.
    pub sequence: u64,
    /// The running hash `R_n` of `docs/formats.md`.
    pub hash: LogHash,
}

/// What became of a run that was to be appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Appended {
    /// All of it is durable, whether it came now or earlier; the feed stands at the cut.
    Stored(Cut),
    /// The log holds another envelope at one of these sequences.
    Fork(Option<Cut>),
    /// Envelopes are missing between the feed's head and this run.
    Gap(Option<Cut>),
}

/// How a run fits behind the head of its feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// The first `skip` envelopes are stored already, the others continue the feed.
    Continues {
        /// How many are stored already.
        skip: usize,
    },
    /// The log holds another envelope at one of these sequences.
    Fork,
    /// Envelopes are missing before the run.
    Gap,
}

/// Decides how a run fits behind the head of its feed.
///
/// `stored` returns the hash of the feed's envelope at a sequence that the head covers.
/// The run is contiguous, so equal hashes at one sequence mean that everything before is equal too.
///
/// # Errors
/// Passes on what `stored` returns.
pub fn fit<E>(
    head: Option<&Cut>,
    run: &Run,
    stored: impl FnOnce(u64) -> Result<Option<EnvelopeHash>, E>,
) -> Result<Fit, E> {
    let (Some(first), Some(last)) = (run.envelopes.first(), run.envelopes.last()) else {
        return Ok(Fit::Continues { skip: 0 });
    };
    let (at, hash) = head.map_or((0, EnvelopeHash::ZERO), |cut| (cut.sequence, cut.hash));
    if first.sequence > at.saturating_add(1) {
        return Ok(Fit::Gap);
    }
    if first.sequence == at + 1 {
        return Ok(if first.previous == hash {
            Fit::Continues { skip: 0 }
        } else {
            Fit::Fork
        });
    }
    let shared = at.min(last.sequence);
    let skip = (shared - first.sequence + 1) as usize;
    let same = match run.envelopes.get(skip - 1) {
        Some(known) if shared == at => known.hash == hash,
        Some(known) => stored(shared)? == Some(known.hash),
        None => false,
    };
    Ok(if same {
        Fit::Continues { skip }
    } else {
        Fit::Fork
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(from: u64, to: u64, branch: u8) -> Run {
        let hash = |sequence: u64| match sequence {
            0 => EnvelopeHash::ZERO,
            _ => EnvelopeHash::from_bytes([branch.wrapping_add(sequence as u8); 32]),
        };
        let envelopes = (from..=to)
            .map(|sequence| Verified {
                sequence,
                previous: hash(sequence - 1),
                hash: hash(sequence),
                bytes: Blob::from(vec![0; 4]),
            })
            .collect();
        Run {
            feed: FeedId::ZERO,
            envelopes,
        }
    }

    #[track_caller]
    fn check(head: u64, pushed: Run, expected: Fit) {
        let stored = run(1, head, 0);
        let head = stored.envelopes.last().map(|last| Cut {
            feed: FeedId::ZERO,
            sequence: last.sequence,
            hash: last.hash,
        });
        let look = |sequence: u64| {
            let found = stored.envelopes.get(sequence as usize - 1);
            Ok::<_, ()>(found.map(|envelope| envelope.hash))
        };
        assert_eq!(fit(head.as_ref(), &pushed, look), Ok(expected));
    }

    #[test]
    fn runs_continue_repeat_fork_and_leave_gaps() {
        check(0, run(1, 3, 0), Fit::Continues { skip: 0 });
        check(3, run(4, 4, 0), Fit::Continues { skip: 0 });
        check(3, run(2, 5, 0), Fit::Continues { skip: 2 });
        check(3, run(1, 3, 0), Fit::Continues { skip: 3 });
        check(3, run(1, 2, 0), Fit::Continues { skip: 2 });
        check(0, run(2, 2, 0), Fit::Gap);
        check(3, run(5, 6, 0), Fit::Gap);
        check(3, run(4, 5, 9), Fit::Fork);
        check(3, run(2, 5, 9), Fit::Fork);
        check(3, run(1, 2, 9), Fit::Fork);
    }
}
