//! The own feed against what the relay has of it: up to where both are the same.

use protocol::{Cut, EnvelopeHash};

/// What the comparison of the own feed came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The relay has the beginning of the feed that is here, or all of it.
    Same,
    /// The relay has more of the same feed.
    Ahead,
    /// Both went on differently after this place; sequence 0 when nothing is common.
    Forked {
        /// The last place that both have.
        common: Cut,
    },
}

/// What must be known for the next step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Question {
    /// The hash at a sequence in the store.
    Here(u64),
    /// The envelope at a sequence on the relay.
    There(u64),
}

/// Finds the last place that the own feed has in common here and on the relay, by halving what is between.
#[derive(Debug)]
pub(super) struct OwnCheck {
    own: (u64, EnvelopeHash),
    relay: Cut,
    /// The last place that is known to be common.
    low: (u64, EnvelopeHash),
    /// The first place that is known to differ, or is not on both sides.
    high: u64,
    at: u64,
    here: Option<Option<EnvelopeHash>>,
    there: Option<EnvelopeHash>,
    is_asked: bool,
}

impl OwnCheck {
    /// Compares the head of the own feed with where the relay has it.
    pub(super) fn new(own: (u64, EnvelopeHash), relay: Cut) -> Self {
        let both = own.0.min(relay.sequence);
        let mut check = OwnCheck {
            own,
            relay,
            low: (0, EnvelopeHash::ZERO),
            high: both + 1,
            at: both,
            here: None,
            there: None,
            is_asked: false,
        };
        check.begin(both);
        check
    }

    /// Returns where the relay has the own feed.
    pub(super) fn relay(&self) -> Cut {
        self.relay
    }

    fn begin(&mut self, at: u64) {
        self.at = at;
        self.is_asked = false;
        self.here = (at == self.own.0).then_some(Some(self.own.1));
        self.there = (at == self.relay.sequence).then_some(self.relay.hash);
    }

    /// Returns the verdict, once there is one.
    pub(super) fn verdict(&mut self) -> Option<Verdict> {
        while self.low.0 + 1 < self.high {
            let (Some(here), Some(there)) = (self.here, self.there) else {
                return None;
            };
            if here == Some(there) {
                self.low = (self.at, there);
            } else {
                self.high = self.at;
            }
            self.begin(self.low.0.midpoint(self.high));
        }
        let both = self.own.0.min(self.relay.sequence);
        #[cfg(feature = "sabotage")]
        if self.low.0 < both && sabotage::is(sabotage::Break::ForkUnseen) {
            return Some(Verdict::Same);
        }
        Some(if self.low.0 < both {
            Verdict::Forked {
                common: Cut {
                    feed: self.relay.feed,
                    sequence: self.low.0,
                    hash: self.low.1,
                },
            }
        } else if self.relay.sequence > self.own.0 {
            Verdict::Ahead
        } else {
            Verdict::Same
        })
    }

    /// Returns what to ask for now, once for each question.
    pub(super) fn question(&mut self) -> Option<Question> {
        if self.is_asked {
            return None;
        }
        self.is_asked = true;
        match (self.here, self.there) {
            (None, _) => Some(Question::Here(self.at)),
            (_, None) => Some(Question::There(self.at)),
            _ => None,
        }
    }

    /// Takes the hash at the place that was asked for in the store.
    pub(super) fn here(&mut self, hash: Option<EnvelopeHash>) {
        self.here = Some(hash);
        self.is_asked = false;
    }

    /// Takes the hash of the envelope that was asked for on the relay.
    pub(super) fn there(&mut self, hash: EnvelopeHash) {
        self.there = Some(hash);
        self.is_asked = false;
    }

    /// Returns the place that is being asked for.
    pub(super) fn at(&self) -> u64 {
        self.at
    }
}

#[cfg(test)]
mod tests {
    use protocol::FeedId;

    use super::*;

    fn hash(sequence: u64, common: u64, branch: u8) -> EnvelopeHash {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&sequence.to_be_bytes());
        bytes[31] = if sequence > common { branch } else { 0 };
        EnvelopeHash::from_bytes(if sequence == 0 { [0; 32] } else { bytes })
    }

    #[track_caller]
    fn check(own: u64, relay: u64, common: u64, expected: &str) {
        let cut = Cut {
            feed: FeedId::ZERO,
            sequence: relay,
            hash: hash(relay, common, 2),
        };
        let mut check = OwnCheck::new((own, hash(own, common, 1)), cut);
        let mut questions = 0;
        let verdict = loop {
            if let Some(verdict) = check.verdict() {
                break verdict;
            }
            questions += 1;
            match check.question().expect("asks") {
                Question::Here(at) => check.here(Some(hash(at, common, 1))),
                Question::There(at) => check.there(hash(at, common, 2)),
            }
        };
        let found = match verdict {
            Verdict::Same => "same".to_owned(),
            Verdict::Ahead => "ahead".to_owned(),
            Verdict::Forked { common } => format!("forked at {}", common.sequence),
        };
        assert_eq!(found, expected, "{own} here, {relay} there");
        assert!(questions <= 2 * 12, "{questions} questions");
    }

    #[test]
    fn the_last_common_place_is_found() {
        check(0, 5, 0, "ahead");
        check(3, 5, 3, "ahead");
        check(5, 3, 3, "same");
        check(5, 5, 5, "same");
        check(5, 5, 4, "forked at 4");
        check(1, 1, 0, "forked at 0");
        check(900, 1000, 900, "ahead");
        for common in [0, 1, 7, 511, 898, 899] {
            check(900, 1000, common, &format!("forked at {common}"));
            check(1000, 900, common, &format!("forked at {common}"));
        }
    }
}
