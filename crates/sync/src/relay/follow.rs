//! What a client is sent of the log, the roster and what is held, one piece at a time.

use std::{collections::VecDeque, sync::Arc};

use protocol::{
    Blob, Carry, Cut, Entry, Frame, Heads, HeadsPurpose, Held, Log, LogItem, Refusal, RosterGrew,
    RosterHash, SignerKey, Want,
    limits::{BATCH_BYTES, MAX_BATCH_ENVELOPES, MAX_HEADS, MAX_ROSTER_ENTRIES_PER_FRAME},
};
use vault::{Roster, Side};

use super::{
    Output,
    judge::{No, is_admin},
    refill::Refill,
};
use crate::LogEntry;

/// What is being read for this client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    Log,
    Refill,
    /// What a refill asked for that has ended since; nobody waits for it.
    Stale,
    Feed,
}

/// Follows log, roster and held feeds for one client.
#[derive(Debug)]
pub(super) struct Follow {
    key: SignerKey,
    /// The sequence up to which the log was sent; none while this client gets no log.
    sent: Option<u64>,
    newest: u64,
    reading: Option<Reading>,
    refill: Option<Refill>,
    wants: VecDeque<Want>,
    roster: Arc<Roster>,
    roster_sent: usize,
    held: Arc<[Cut]>,
    is_held_told: bool,
    /// What waits for the socket, in order: whether it is a piece of which only one is on its way at a time.
    unwritten: VecDeque<bool>,
}

impl Follow {
    pub(super) fn new(key: SignerKey, roster: Arc<Roster>) -> Self {
        Follow {
            key,
            sent: None,
            newest: 0,
            reading: None,
            refill: None,
            wants: VecDeque::new(),
            roster,
            roster_sent: 0,
            held: Arc::new([]),
            is_held_told: true,
            unwritten: VecDeque::new(),
        }
    }

    /// Begins to follow the log after a sequence, unless it is followed already.
    pub(super) fn log_from(&mut self, after: u64, newest: u64) {
        self.sent.get_or_insert(after);
        self.newest = self.newest.max(newest);
    }

    pub(super) fn log_grew(&mut self, sequence: u64) {
        self.newest = self.newest.max(sequence);
    }

    /// Sends nothing more but the roster.
    pub(super) fn stop(&mut self) {
        self.sent = None;
        self.refill = None;
        self.wants.clear();
    }

    /// Sends what a client lacks of the log as it was when it was compared.
    pub(super) fn refill(&mut self, refill: Refill) {
        self.end_refill();
        self.refill = Some(refill);
    }

    /// Ends what is being sent since a comparison: the client has it, or compares again.
    pub(super) fn end_refill(&mut self) {
        self.refill = None;
        if self.reading == Some(Reading::Refill) {
            self.reading = Some(Reading::Stale);
        }
    }

    /// Answers a want after those that came before.
    pub(super) fn want(&mut self, want: Want) {
        self.wants.push_back(want);
    }

    pub(super) fn wants(&self) -> usize {
        self.wants.len()
    }

    /// Notes the newest roster; older ones, which can come late, are ignored, as are branches that do not count.
    pub(super) fn roster_grew(&mut self, roster: Arc<Roster>) {
        let compared = self.roster.compare(&roster);
        if compared.is_ok_and(|compared| compared.counts() == Side::Theirs) {
            let was_admin = is_admin(&self.roster, self.key);
            // Of another branch the client has what both share.
            let (ours, theirs) = (self.roster.entries(), roster.entries());
            let sent = ours.iter().zip(theirs).take(self.roster_sent);
            self.roster_sent = sent.take_while(|(ours, theirs)| ours == theirs).count();
            self.roster = roster;
            // Who becomes an admin is shown what is held.
            if !was_admin && !self.held.is_empty() {
                self.is_held_told = false;
            }
        }
    }

    pub(super) fn held_changed(&mut self, held: Arc<[Cut]>) {
        if held != self.held {
            self.held = held;
            self.is_held_told = false;
        }
    }

    pub(super) fn roster(&self) -> &Arc<Roster> {
        &self.roster
    }

    /// Notes which entry the client has already.
    pub(super) fn roster_known(&mut self, head: &RosterHash) {
        let rest = self.roster.entries_after(head);
        self.roster_sent = rest.map_or(0, |rest| self.roster.entries().len() - rest.len());
    }

    /// Takes the roster entries that the client lacks, as many as fit one frame.
    pub(super) fn take_entries(&mut self) -> Vec<Blob> {
        let mut bytes = 0;
        let rest = &self.roster.entries()[self.roster_sent..];
        let piece: Vec<Blob> = rest
            .iter()
            .take(MAX_ROSTER_ENTRIES_PER_FRAME)
            .take_while(|entry| {
                let first = bytes == 0;
                bytes += entry.len();
                first || bytes <= BATCH_BYTES
            })
            .cloned()
            .collect();
        self.roster_sent += piece.len();
        piece
    }

    /// Takes entries like [`Follow::take_entries`], with the head after them.
    pub(super) fn take_roster(&mut self) -> RosterGrew {
        let entries = self.take_entries();
        let head = match self.roster_sent.checked_sub(1) {
            Some(last) if self.roster_sent < self.roster.entries().len() => {
                let entry = Entry::decode(&self.roster.entries()[last]);
                entry.map_or(RosterHash::ZERO, |entry| entry.hash())
            }
            _ => self.roster.head(),
        };
        RosterGrew { entries, head }
    }

    /// Counts a frame that waits for the socket.
    pub(super) fn sending(&mut self, is_piece: bool) {
        self.unwritten.push_back(is_piece);
    }

    pub(super) fn written(&mut self) {
        self.unwritten.pop_front();
    }

    pub(super) fn unwritten(&self) -> usize {
        self.unwritten.len()
    }

    fn has_piece_on_its_way(&self) -> bool {
        self.unwritten.contains(&true)
    }

    /// Returns the next piece of the roster or of the list of held feeds, when it is time for one.
    ///
    /// The list goes to admins alone, and as it is when it leaves: what changed twice meanwhile is told once.
    pub(super) fn next_piece(&mut self) -> Option<Frame> {
        if self.has_piece_on_its_way() {
            return None;
        }
        if self.roster_sent < self.roster.entries().len() {
            return Some(self.take_roster().into());
        }
        if self.is_held_told || !is_admin(&self.roster, self.key) {
            return None;
        }
        self.is_held_told = true;
        let heads = self.held.iter().take(MAX_HEADS).copied().collect();
        Some(Heads::of(HeadsPurpose::Held, heads).into())
    }

    /// Asks for the next piece of a feed or of the log, when it is time for one.
    ///
    /// The roster goes first, since envelopes are judged by it.
    pub(super) fn next_read(&mut self) -> Option<Output> {
        if self.reading.is_some() || self.has_piece_on_its_way() {
            return None;
        }
        if let Some(want) = self.wants.front() {
            self.reading = Some(Reading::Feed);
            return Some(Output::ReadFeed {
                feed: want.feed,
                from: want.from,
                to: want.to,
                max_bytes: BATCH_BYTES,
                max_envelopes: MAX_BATCH_ENVELOPES,
            });
        }
        if let Some(refill) = &self.refill {
            if let Some(read) = refill.next_read() {
                self.reading = Some(Reading::Refill);
                return Some(read);
            }
            self.refill = None;
        }
        let after = self.sent.filter(|sent| *sent < self.newest)?;
        self.reading = Some(Reading::Log);
        Some(Output::ReadLog {
            after,
            max_bytes: BATCH_BYTES,
            max_entries: MAX_BATCH_ENVELOPES,
        })
    }

    /// Makes the frame of what was read of the log; none when there was nothing.
    pub(super) fn log_read(&mut self, entries: Vec<LogEntry>) -> Option<Frame> {
        match self.reading.take() {
            Some(Reading::Refill) => return self.refill.as_mut()?.take(entries),
            Some(Reading::Stale) => return None,
            _ => {}
        }
        let sent = self.sent.as_mut()?;
        if entries.is_empty() {
            // The log said that it had grown, so it is asked again only when it says so again.
            self.newest = *sent;
            return None;
        }
        let first = *sent + 1;
        *sent += entries.len() as u64;
        self.newest = self.newest.max(*sent);
        let own = self.key.into();
        let items = entries
            .into_iter()
            .map(|entry| {
                if entry.feed == own {
                    LogItem::Own {
                        received_ms: entry.received_ms,
                        hash: entry.hash,
                        sequence: entry.sequence,
                    }
                } else {
                    LogItem::Envelope {
                        received_ms: entry.received_ms,
                        envelope: entry.bytes,
                    }
                }
            })
            .collect();
        Some(Frame::Log(Log { first, items }))
    }

    /// Makes the frame of what was read of a wanted feed; none when nobody waits for it any more.
    ///
    /// A frame without envelopes says that the relay has no more of the piece.
    pub(super) fn feed_read(
        &mut self,
        envelopes: Vec<Blob>,
        is_held: bool,
    ) -> Result<Option<Frame>, No> {
        self.reading = None;
        let Some(want) = self.wants.front_mut() else {
            return Ok(None);
        };
        let feed = want.feed;
        // What a silenced device wrote itself it may have back.
        let is_own = feed == self.key.into();
        if is_held && !is_own && !is_admin(&self.roster, self.key) {
            return Err(No::new(
                Refusal::RoleForbids,
                "what is held is shown to admins alone",
            ));
        }
        want.from += envelopes.len() as u64;
        if envelopes.is_empty() || want.from > want.to {
            self.wants.pop_front();
        }
        Ok(Some(if is_held && !is_own {
            Held { feed, envelopes }.into()
        } else {
            Carry { envelopes }.into()
        }))
    }
}

#[cfg(test)]
mod tests {
    use protocol::{EnvelopeHash, FeedId, LogEpoch, LogHash};
    use vault::DeviceKeys;

    use super::*;
    use crate::{Comparison, LogHead};

    fn follow() -> Follow {
        let keys = DeviceKeys::from_seeds(&[1; 32], &[2; 32]);
        let mut fill = |bytes: &mut [u8]| bytes.fill(7);
        let (roster, _) = Roster::found(&keys, 0, &mut fill).expect("founds");
        let roster = Arc::new(roster);
        let mut follow = Follow::new(keys.signing.key(), Arc::clone(&roster));
        follow.roster_known(&roster.head());
        follow
    }

    fn refill(after: u64, until: u64) -> Refill {
        let head = LogHead {
            epoch: LogEpoch::ZERO,
            sequence: until,
            hash: LogHash::ZERO,
        };
        let heads = Vec::new();
        Refill::new(&[], &Comparison { head, heads, after })
    }

    fn entries(from: u64, to: u64) -> Vec<LogEntry> {
        let entry = |sequence| LogEntry {
            received_ms: 1,
            feed: FeedId::from_bytes([9; 32]),
            sequence,
            hash: EnvelopeHash::ZERO,
            bytes: vec![0; 8].into(),
        };
        (from..=to).map(entry).collect()
    }

    #[track_caller]
    fn check_reads_after(follow: &mut Follow, expected: Option<u64>) {
        let after = match follow.next_read() {
            Some(Output::ReadLog { after, .. }) => Some(after),
            None => None,
            other => panic!("{other:?}"),
        };
        assert_eq!(after, expected);
    }

    #[test]
    fn what_a_refill_asked_for_that_has_ended_is_not_taken() {
        // Another comparison begins while the log is being read for the first.
        let mut follow = follow();
        follow.refill(refill(0, 9));
        check_reads_after(&mut follow, Some(0));
        follow.refill(refill(5, 9));
        check_reads_after(&mut follow, None);
        assert_eq!(follow.log_read(entries(1, 4)), None, "it is stale");
        check_reads_after(&mut follow, Some(5));
        let Some(Frame::Carry(carry)) = follow.log_read(entries(6, 9)) else {
            panic!("this one is awaited");
        };
        assert_eq!(carry.envelopes.len(), 4);

        // The client has all, and the log goes on: what comes late is not sent as if it were the log.
        follow.refill(refill(0, 9));
        check_reads_after(&mut follow, Some(0));
        follow.end_refill();
        follow.log_from(9, 11);
        check_reads_after(&mut follow, None);
        assert_eq!(follow.log_read(entries(1, 9)), None, "it is stale");
        check_reads_after(&mut follow, Some(9));
        let Some(Frame::Log(log)) = follow.log_read(entries(10, 11)) else {
            panic!("the log goes on");
        };
        assert_eq!((log.first, log.items.len()), (10, 2));
        check_reads_after(&mut follow, None);
    }
}
