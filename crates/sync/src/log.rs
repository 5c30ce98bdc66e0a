//! What the relay's log holds, and the rule by which a push continues a feed.
//!
//! The log itself lies behind a trait in the relay; every implementation decides by [`fit`], so that all of them
//! accept, skip and refuse the same pushes. What lies behind a cut of the roster is held: kept apart, contiguous and
//! chained like the log, so [`fit`] sees a feed's log and what is held of it as one; [`divide`] says where it parts.

use protocol::{Blob, Cut, EnvelopeHash, FeedId, LogEpoch, LogHash, LogPlace};

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

impl LogHead {
    /// Returns the place that the head names within its life.
    pub fn place(&self) -> LogPlace {
        LogPlace {
            sequence: self.sequence,
            running: self.hash,
        }
    }
}

/// A run, and the place behind which the roster lets its feed not into the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// The envelopes.
    pub run: Run,
    /// The cut; none when all that continues the feed may be appended.
    pub cut: Option<Cut>,
    /// Whether the feed's own device brings it: then it takes the place of others that are held only when it proves itself.
    pub is_own: bool,
}

/// What a growth of the roster asks of the log; decided in the same durable step as the growth.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Effects {
    /// The feeds that are newly cut, with the named cut: sequence 0 where none is named.
    ///
    /// Where [`Effects::is_exact`] each must be where the feed stands in the log.
    pub cuts: Vec<Cut>,
    /// The feeds of which more may be in the log than before.
    pub releases: Vec<Release>,
    /// Whether an admin appends these entries now; else they are brought back to a relay that lost them.
    pub is_exact: bool,
}

/// A feed of which what was held goes to the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Release {
    /// The feed.
    pub feed: FeedId,
    /// Up to where; none for all of it.
    pub to: Option<Cut>,
    /// Whether an admin moves a cut to that place: then the envelope must be here, held or in the log.
    ///
    /// What else frees a feed (its device is new to the roster, or the roster is brought back) takes what is there.
    pub is_move: bool,
}

/// Where a log stands compared with what a client holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// Where the log stood.
    pub head: LogHead,
    /// Where each feed stood in it then.
    pub heads: Vec<Cut>,
    /// The log sequence after which everything lies that the client lacks.
    pub after: u64,
}

/// What became of a run that was to be appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Appended {
    /// All of it is durable in the log, whether it came now or earlier; the feed stands at the cut.
    Stored(Cut),
    /// All of it is durable, and the end of the feed is kept apart; the feed stands at the cut.
    Held(Cut),
    /// More than may be would be kept apart of this feed; nothing of the run was taken.
    HeldFull(Option<Cut>),
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

/// Parts envelopes into those that may be in the log and those behind the feed's cut, which are held.
///
/// None when they hold another envelope than the one that the cut names: the branch that does not count.
pub fn divide(
    mut envelopes: Vec<Verified>,
    cut: Option<&Cut>,
) -> Option<(Vec<Verified>, Vec<Verified>)> {
    let Some(cut) = cut else {
        return Some((envelopes, Vec::new()));
    };
    let named = envelopes.iter().find(|e| e.sequence == cut.sequence);
    if named.is_some_and(|envelope| envelope.hash != cut.hash) {
        return None;
    }
    let within = envelopes.iter().take_while(|e| e.sequence <= cut.sequence);
    let held = envelopes.split_off(within.count());
    Some((envelopes, held))
}

/// Decides how a run fits behind the head of its feed, which is the last one held when some of it is.
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
    fn what_lies_behind_a_cut_is_parted_from_what_counts() {
        let cut = |sequence: u64, branch: u8| Cut {
            feed: FeedId::ZERO,
            sequence,
            hash: EnvelopeHash::from_bytes([branch.wrapping_add(sequence as u8); 32]),
        };
        let lengths = |from, to, cut: Option<Cut>| {
            let parted = divide(run(from, to, 0).envelopes, cut.as_ref());
            parted.map(|(log, held)| (log.len(), held.len()))
        };
        assert_eq!(lengths(1, 5, None), Some((5, 0)));
        assert_eq!(lengths(1, 5, Some(cut(3, 0))), Some((3, 2)));
        assert_eq!(lengths(1, 3, Some(cut(3, 0))), Some((3, 0)));
        assert_eq!(lengths(4, 5, Some(cut(3, 0))), Some((0, 2)));
        assert_eq!(lengths(1, 2, Some(cut(0, 0))), Some((0, 2)));
        assert_eq!(lengths(2, 5, Some(cut(3, 9))), None, "the other branch");
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
