//! The check of one workspace: its roster, its log and what is held.

use std::collections::HashMap;

use protocol::{Cut, EnvelopeHash, FeedId, LogHash, log_next, log_start};
use sync::LogEntry;
use vault::{EnvelopeError, Roster, verify_for_passing};

use super::{
    super::{
        finding::{Fault, Finding, Place},
        item::HeldEnvelope,
    },
    Examined,
};
use crate::log::WorkspaceOutline;

/// The workspace whose items are coming.
pub(super) struct Open {
    outline: WorkspaceOutline,
    roster: Option<Roster>,
    /// Whether all entries up to now were good, so that the roster says who may write.
    roster_is_whole: bool,
    pub(super) roster_entries: u32,
    pub(super) sequence: u64,
    /// The running hashes that may stand before the next envelope; none after a hole.
    running: Vec<LogHash>,
    received_ms: u64,
    bytes: u64,
    envelopes: u64,
    pub(super) feeds: HashMap<FeedId, Cut>,
    pub(super) held: HashMap<FeedId, (Cut, u64)>,
    held_envelopes: u64,
}

type Report<'r> = &'r mut dyn FnMut(Finding);

impl Open {
    pub(super) fn new(outline: WorkspaceOutline) -> Self {
        Open {
            outline,
            roster: None,
            roster_is_whole: true,
            roster_entries: 0,
            sequence: 0,
            running: vec![log_start(&outline.id, &outline.head.epoch)],
            received_ms: 0,
            bytes: 0,
            envelopes: 0,
            feeds: HashMap::new(),
            held: HashMap::new(),
            held_envelopes: 0,
        }
    }

    pub(super) fn place(&self) -> Place {
        Place {
            workspace: Some(self.outline.id),
            ..Place::default()
        }
    }

    pub(super) fn roster_entry(&mut self, index: u32, bytes: &[u8], report: Report<'_>) {
        let place = Place {
            roster_entry: Some(self.roster_entries),
            ..self.place()
        };
        let mut say = |fault| report(Finding { place, fault });
        let expected = self.roster_entries;
        self.roster_entries += 1;
        if index != expected {
            let what = "another roster entry was to come here";
            say(Fault::Order { what });
        }
        if !self.roster_is_whole {
            return;
        }
        let taken = match &mut self.roster {
            None => Roster::begin(bytes).map(|roster| self.roster = Some(roster)),
            Some(roster) => roster.append(bytes),
        };
        if let Err(source) = taken {
            self.roster_is_whole = false;
            say(Fault::RosterEntry { source });
        } else if expected == 0
            && let Some(roster) = &self.roster
            && roster.workspace() != self.outline.id
        {
            self.roster = None;
            self.roster_is_whole = false;
            say(Fault::RosterBegins);
        }
    }

    pub(super) fn envelope(
        &mut self,
        at: u64,
        running: LogHash,
        entry: &LogEntry,
        report: Report<'_>,
    ) {
        let expected = self.sequence + 1;
        let place = Place {
            sequence: Some(at),
            feed: Some(entry.feed),
            feed_sequence: Some(entry.sequence),
            ..self.place()
        };
        let mut say = |fault| report(Finding { place, fault });
        if at > expected && at <= self.outline.head.sequence {
            let to = at - 1;
            let from = expected;
            say(Fault::Missing { from, to });
            self.skip(at - 1);
        } else if at != expected {
            say(Fault::Sequence { expected });
        }
        self.envelopes += 1;
        self.bytes += entry.bytes.len() as u64;
        self.sequence += 1;
        let cut = Cut {
            feed: entry.feed,
            sequence: entry.sequence,
            hash: entry.hash,
        };
        let found = self.envelope_itself(&entry.bytes, &cut, &mut say);
        if entry.received_ms < self.received_ms {
            say(Fault::Received);
        }
        self.received_ms = entry.received_ms;
        self.running_hash(running, entry, found.map(|(hash, _)| hash), &mut say);
        let last = self.feeds.get(&entry.feed);
        chain(last, &cut, found.map(|(_, previous)| previous), &mut say);
        self.feeds.insert(entry.feed, cut);
    }

    pub(super) fn held(&mut self, held: &HeldEnvelope, report: Report<'_>) {
        let cut = Cut {
            feed: held.feed,
            sequence: held.sequence,
            hash: held.hash,
        };
        let place = Place {
            feed: Some(held.feed),
            feed_sequence: Some(held.sequence),
            ..self.place()
        };
        let mut say = |fault| report(Finding { place, fault });
        self.held_envelopes += 1;
        let found = self.envelope_itself(&held.bytes, &cut, &mut say);
        let before = self.held.get(&held.feed);
        let last = before.map(|(end, _)| end).or(self.feeds.get(&held.feed));
        chain(last, &cut, found.map(|(_, previous)| previous), &mut say);
        let bytes = before.map_or(0, |(_, bytes)| *bytes) + held.bytes.len() as u64;
        self.held.insert(held.feed, (cut, bytes));
    }

    /// Checks an envelope by itself; returns its hash and the one that it names before it, if it can be read.
    fn envelope_itself(
        &self,
        bytes: &[u8],
        cut: &Cut,
        say: &mut impl FnMut(Fault),
    ) -> Option<(EnvelopeHash, EnvelopeHash)> {
        let judged = match &self.roster {
            Some(roster) => verify_for_passing(bytes, roster).map(drop),
            None => Ok(()),
        };
        let read = protocol::Envelope::decode(bytes);
        match (judged, &read) {
            // Whom a whole roster would know or stop cannot be said by the beginning of it.
            (Err(EnvelopeError::UnknownDevice { .. }), _) if !self.roster_is_whole => {}
            // Its signature is true. What lies behind a cut is held; in the log it may stand where the cut came later, as
            // after a relay was restored, and then every reader holds it.
            (Err(EnvelopeError::Revoked { .. } | EnvelopeError::RoleForbids { .. }), _) => {}
            (Err(source), _) => say(Fault::Envelope { source }),
            (Ok(()), Err(error)) => say(Fault::Envelope {
                source: error.clone().into(),
            }),
            (Ok(()), Ok(_)) => {}
        }
        let envelope = read.ok()?;
        let header = &envelope.header;
        let hash = envelope.hash();
        if hash != cut.hash {
            say(Fault::EnvelopeHash);
        }
        if (header.feed, header.sequence) != (cut.feed, cut.sequence) {
            say(Fault::EnvelopePlace);
        }
        Some((hash, header.previous))
    }

    fn running_hash(
        &mut self,
        stored: LogHash,
        entry: &LogEntry,
        hash: Option<EnvelopeHash>,
        say: &mut impl FnMut(Fault),
    ) {
        let mut computed = Vec::with_capacity(2);
        for before in &self.running {
            for hash in [Some(entry.hash), hash].into_iter().flatten() {
                let next = log_next(before, self.sequence, entry.received_ms, &hash);
                if !computed.contains(&next) {
                    computed.push(next);
                }
            }
        }
        if computed.contains(&stored) || self.running.is_empty() {
            self.running = vec![stored];
            return;
        }
        say(Fault::Running);
        // Either may be the wrong one of the two; the next envelope tells.
        computed.truncate(1);
        computed.push(stored);
        self.running = computed;
    }

    /// Goes on behind a sequence that is missing or says nothing.
    pub(super) fn skip(&mut self, sequence: u64) {
        self.sequence = sequence;
        self.running.clear();
    }

    pub(super) fn close(self, report: Report<'_>) -> Examined {
        let place = self.place();
        let mut say = |fault| report(Finding { place, fault });
        let outline = &self.outline;
        if self.roster_entries != outline.roster_len {
            say(Fault::RosterLength {
                said: outline.roster_len,
                found: self.roster_entries,
            });
        }
        let head = self.roster.as_ref().map(Roster::head);
        if self.roster_is_whole && head.is_some_and(|head| head != outline.roster_head) {
            say(Fault::RosterHead);
        }
        if self.roster.is_none() && self.envelopes > 0 {
            say(Fault::Unjudged);
        }
        if self.sequence != outline.head.sequence {
            say(Fault::LogLength {
                said: outline.head.sequence,
                found: self.sequence,
            });
        } else if !self.running.contains(&outline.head.hash) && !self.running.is_empty()
            || self.received_ms != outline.received_ms
        {
            say(Fault::LogHead);
        }
        let devices = self.roster.iter().flat_map(Roster::devices);
        Examined {
            workspace: outline.id,
            epoch: outline.head.epoch,
            roster_entries: self.roster_entries,
            devices: devices.filter(|device| device.revoked.is_none()).count() as u64,
            envelopes: self.envelopes,
            bytes: self.bytes,
            feeds: self.feeds,
            held: self.held,
            held_envelopes: self.held_envelopes,
        }
    }
}

/// Checks that an envelope continues its feed.
fn chain(
    last: Option<&Cut>,
    next: &Cut,
    previous: Option<EnvelopeHash>,
    say: &mut impl FnMut(Fault),
) {
    let (sequence, hash) = last.map_or((0, EnvelopeHash::ZERO), |cut| (cut.sequence, cut.hash));
    let expected = sequence.saturating_add(1);
    if next.sequence != expected {
        say(Fault::FeedSequence { expected });
    } else if previous.is_some_and(|previous| previous != hash) {
        say(Fault::FeedChain);
    }
}
