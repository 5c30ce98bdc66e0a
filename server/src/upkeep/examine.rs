//! The check of everything that a relay can judge: it reads no record, but every hash, signature and chain.
//!
//! An [`Examiner`] takes the items of a backup or of a log in their order and says what is wrong, where; then it goes
//! on with what comes next. One wrong byte is named once where that can be: what follows is compared with what was
//! stored as well as with what should have been.

use std::collections::HashMap;

use protocol::{Cut, EnvelopeHash, FeedId, LogEpoch, LogHash, WorkspaceId, log_next, log_start};
use sync::LogEntry;
use vault::{EnvelopeError, Roster, verify_for_passing};

use super::{
    emit::UnreadableRow,
    finding::{Fault, Finding, Place},
    frames::FrameRead,
    item::{Counts, HeldEnvelope, Item, RelayItem},
};
use crate::log::WorkspaceOutline;

/// What a workspace was found to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The life of its log.
    pub epoch: LogEpoch,
    /// Its roster entries.
    pub roster_entries: u32,
    /// The devices of its roster that are not revoked.
    pub devices: u64,
    /// The envelopes of its log.
    pub envelopes: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Where each feed stands.
    pub feeds: HashMap<FeedId, Cut>,
    /// The feeds of which envelopes are held, each up to where.
    pub held: HashMap<FeedId, Cut>,
    /// How many envelopes are held.
    pub held_envelopes: u64,
}

/// Takes items in order and reports what is wrong with them.
pub(super) struct Examiner<'s> {
    report: &'s mut dyn FnMut(Finding),
    relay: Option<RelayItem>,
    has_begun: bool,
    open: Option<Open>,
    counts: Counts,
    end: Option<Counts>,
    done: Vec<Examined>,
}

/// The workspace whose items are coming.
struct Open {
    outline: WorkspaceOutline,
    roster: Option<Roster>,
    /// Whether all entries up to now were good, so that the roster says who may write.
    roster_is_whole: bool,
    roster_entries: u32,
    sequence: u64,
    /// The running hashes that may stand before the next envelope; none after a hole.
    running: Vec<LogHash>,
    received_ms: u64,
    bytes: u64,
    envelopes: u64,
    feeds: HashMap<FeedId, Cut>,
    held: HashMap<FeedId, Cut>,
    held_envelopes: u64,
}

impl<'s> Examiner<'s> {
    /// Begins; findings are reported as they are made.
    pub(super) fn new(report: &'s mut dyn FnMut(Finding)) -> Self {
        Examiner {
            report,
            relay: None,
            has_begun: false,
            open: None,
            counts: Counts::default(),
            end: None,
            done: Vec::new(),
        }
    }

    /// Takes a frame of a backup.
    pub(super) fn frame(&mut self, frame: FrameRead) {
        if !frame.is_intact {
            let mut place = self.expected(frame.item.as_ref());
            place.byte = Some(frame.at);
            self.report(place, Fault::Bytes);
        }
        match frame.item {
            // The relay's key and the counts are not taken from damaged bytes.
            Some(Item::Relay(_) | Item::End(_)) if !frame.is_intact => self.has_begun = true,
            Some(item) => self.item(item),
            None => {}
        }
    }

    /// Takes an item.
    pub(super) fn item(&mut self, item: Item) {
        self.counts.add(&item);
        if !self.has_begun && !matches!(item, Item::Relay(_)) {
            self.order("the relay's own item does not come first");
        }
        self.has_begun = true;
        match item {
            Item::Relay(relay) => {
                if self.relay.replace(relay).is_some() {
                    self.order("the relay's own item comes twice");
                }
            }
            Item::Workspace(outline) => {
                self.close();
                if self.done.iter().any(|done| done.workspace == outline.id) {
                    self.order("a workspace comes twice");
                }
                self.open = Some(Open::new(outline));
            }
            Item::RosterEntry { index, bytes } => match &mut self.open {
                Some(open) => open.roster_entry(index, &bytes, self.report),
                None => self.order("a roster entry belongs to no workspace"),
            },
            Item::Envelope {
                sequence,
                running,
                entry,
            } => match &mut self.open {
                Some(open) => open.envelope(sequence, running, &entry, self.report),
                None => self.order("an envelope belongs to no workspace"),
            },
            Item::Held(held) => match &mut self.open {
                Some(open) => open.held(&held, self.report),
                None => self.order("a held envelope belongs to no workspace"),
            },
            Item::End(counts) => self.end = Some(counts),
            Item::Failed { text } => self.report(Place::default(), Fault::Failed { text }),
        }
    }

    /// Takes a row of the log that says nothing.
    pub(super) fn unreadable(&mut self, row: UnreadableRow) {
        if let Some(open) = &mut self.open {
            open.skip(row.sequence);
        }
        let place = Place {
            workspace: Some(row.workspace),
            sequence: Some(row.sequence),
            ..Place::default()
        };
        self.report(place, Fault::Row);
    }

    /// Reports something that was found elsewhere.
    pub(super) fn report(&mut self, place: Place, fault: Fault) {
        (self.report)(Finding { place, fault });
    }

    /// Says how far it has come.
    pub(super) fn place(&self) -> Place {
        self.open
            .as_ref()
            .map_or_else(Place::default, |open| Place {
                sequence: Some(open.sequence).filter(|sequence| *sequence > 0),
                ..open.place()
            })
    }

    /// Returns where a feed of the workspace that is open stands.
    pub(super) fn feed(&self, feed: &FeedId) -> Option<Cut> {
        self.open.as_ref()?.feeds.get(feed).copied()
    }

    /// Finishes the workspace that is open.
    pub(super) fn close(&mut self) {
        if let Some(open) = self.open.take() {
            self.done.push(open.close(self.report));
        }
    }

    /// Ends; returns what was said of the relay, and what each workspace holds.
    pub(super) fn finish(mut self) -> (Option<RelayItem>, Vec<Examined>) {
        self.close();
        if self.end.is_some_and(|end| end != self.counts) {
            self.report(Place::default(), Fault::Counts);
        }
        (self.relay, self.done)
    }

    fn order(&mut self, what: &'static str) {
        self.report(Place::default(), Fault::Order { what });
    }

    /// Says where a damaged item stands, by what came before it rather than by its own bytes.
    fn expected(&self, item: Option<&Item>) -> Place {
        let Some(open) = &self.open else {
            return Place::default();
        };
        let mut place = open.place();
        match item {
            Some(Item::Envelope { entry, .. }) => {
                place.sequence = Some(open.sequence + 1);
                place.feed = Some(entry.feed);
                place.feed_sequence = Some(entry.sequence);
            }
            Some(Item::Held(held)) => {
                place.feed = Some(held.feed);
                place.feed_sequence = Some(held.sequence);
            }
            Some(Item::RosterEntry { .. }) => place.roster_entry = Some(open.roster_entries),
            Some(Item::Workspace(_) | Item::Relay(_) | Item::End(_)) => place = Place::default(),
            Some(Item::Failed { .. }) | None => {}
        }
        place
    }
}

type Report<'r> = &'r mut dyn FnMut(Finding);

impl Open {
    fn new(outline: WorkspaceOutline) -> Self {
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

    fn place(&self) -> Place {
        Place {
            workspace: Some(self.outline.id),
            ..Place::default()
        }
    }

    fn roster_entry(&mut self, index: u32, bytes: &[u8], report: Report<'_>) {
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

    fn envelope(&mut self, at: u64, running: LogHash, entry: &LogEntry, report: Report<'_>) {
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
        let found = self.envelope_itself(&entry.bytes, &cut, Keeping::Counts, &mut say);
        if entry.received_ms < self.received_ms {
            say(Fault::Received);
        }
        self.received_ms = entry.received_ms;
        self.running_hash(running, entry, found.map(|(hash, _)| hash), &mut say);
        let last = self.feeds.get(&entry.feed);
        chain(last, &cut, found.map(|(_, previous)| previous), &mut say);
        self.feeds.insert(entry.feed, cut);
    }

    fn held(&mut self, held: &HeldEnvelope, report: Report<'_>) {
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
        let found = self.envelope_itself(&held.bytes, &cut, Keeping::Held, &mut say);
        let last = self.held.get(&held.feed).or(self.feeds.get(&held.feed));
        chain(last, &cut, found.map(|(_, previous)| previous), &mut say);
        self.held.insert(held.feed, cut);
    }

    /// Checks an envelope by itself; returns its hash and the one that it names before it, if it can be read.
    fn envelope_itself(
        &self,
        bytes: &[u8],
        cut: &Cut,
        keeping: Keeping,
        say: &mut impl FnMut(Fault),
    ) -> Option<(EnvelopeHash, EnvelopeHash)> {
        let judged = match &self.roster {
            Some(roster) => verify_for_passing(bytes, roster).map(drop),
            None => Ok(()),
        };
        let read = protocol::Envelope::decode(bytes);
        match (judged, &read) {
            // Whom a whole roster would know or stop cannot be said by the beginning of it.
            (
                Err(
                    EnvelopeError::UnknownDevice { .. }
                    | EnvelopeError::Revoked { .. }
                    | EnvelopeError::RoleForbids { .. },
                ),
                _,
            ) if !self.roster_is_whole => {}
            // That is why it is held.
            (Err(EnvelopeError::Revoked { .. } | EnvelopeError::RoleForbids { .. }), _)
                if keeping == Keeping::Held => {}
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
    fn skip(&mut self, sequence: u64) {
        self.sequence = sequence;
        self.running.clear();
    }

    fn close(self, report: Report<'_>) -> Examined {
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

/// Whether an envelope is in the log, or kept apart for admins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keeping {
    Counts,
    Held,
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
