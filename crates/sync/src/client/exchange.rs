//! The comparison with a relay whose log does not hold the cursor, and what each side then sends of what the other
//! lacks.
//!
//! One round: the shell tells all heads, they go to the relay, and the relay answers with its own, its position, and
//! carries what is missing here up to there. The client carries what is missing there, and when it carried anything it
//! begins another round, whose answer shows that it arrived and from which position the log goes on. A feed of which
//! the relay did not take what was carried is left out then, so there are never more rounds than two.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use protocol::{
    Blob, Carry, Cursor, Cut, Envelope, EnvelopeHash, FeedId, Frame, Heads, LogPlace,
    limits::{BATCH_BYTES, MAX_BATCH_ENVELOPES, MAX_COMPARED_HEADS},
};

use super::{Broken, CARRY_WINDOW_BYTES, Compared, Missing, Output, Progress};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The shell is to be asked for its heads.
    Begin,
    /// The shell's heads are awaited.
    Heads,
    /// The relay's answer is awaited.
    Answer,
    /// The shell's hashes are awaited.
    Hashes,
    /// Both sides send what the other lacks.
    Carrying,
    Done,
}

/// What is to come of a feed from the relay.
#[derive(Debug)]
struct Expected {
    /// The hash that the next one must name as the one before it.
    previous: EnvelopeHash,
    next: u64,
    to: u64,
    /// Whether it leads away from what is here: then it is left aside.
    is_forked: bool,
}

/// What follows for the session.
#[derive(Debug)]
pub(super) enum Step {
    Say(Output),
    Send(Frame),
    Finished(Compared),
}

/// What becomes of an envelope that the relay carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arrival {
    /// It is new here.
    New,
    /// It is known, or of a branch that is left aside.
    Aside,
}

/// The client's side of an exchange.
#[derive(Debug)]
pub(super) struct Exchange {
    own: FeedId,
    stage: Stage,
    is_first: bool,
    ours: BTreeMap<FeedId, Cut>,
    theirs: BTreeMap<FeedId, Cut>,
    position: Option<LogPlace>,
    places: Vec<(FeedId, u64)>,
    expected: BTreeMap<FeedId, Expected>,
    forked: BTreeSet<FeedId>,
    not_taken: BTreeMap<FeedId, Cut>,
    missing: Arc<[Missing]>,
    /// The feeds that were carried in the round before, up to where.
    tried: BTreeMap<FeedId, u64>,
    /// After which place of the received order to read on; none when all was read.
    after: Option<u64>,
    is_reading: bool,
    in_flight: VecDeque<usize>,
    to_send: u64,
    steps: VecDeque<Step>,
}

impl Exchange {
    pub(super) fn new(own: FeedId) -> Self {
        Exchange {
            own,
            stage: Stage::Begin,
            is_first: true,
            ours: BTreeMap::new(),
            theirs: BTreeMap::new(),
            position: None,
            places: Vec::new(),
            expected: BTreeMap::new(),
            forked: BTreeSet::new(),
            not_taken: BTreeMap::new(),
            missing: Arc::new([]),
            tried: BTreeMap::new(),
            after: None,
            is_reading: false,
            in_flight: VecDeque::new(),
            to_send: 0,
            steps: VecDeque::new(),
        }
    }

    /// Takes the heads of all feeds, and names them to the relay.
    pub(super) fn heads(&mut self, heads: Vec<Cut>) -> Result<(), Broken> {
        if self.stage != Stage::Heads {
            return Ok(());
        }
        let got = heads.len();
        self.ours = heads
            .into_iter()
            .filter(|cut| cut.sequence > 0)
            .map(|cut| (cut.feed, cut))
            .collect();
        if self.ours.len() > MAX_COMPARED_HEADS || self.ours.len() > got {
            return Err(Broken::Heads { got });
        }
        // Of a feed that forked nothing shall come, so the relay is told its own head.
        let told = self.ours.values().map(|cut| {
            let forked = self.theirs.get(&cut.feed);
            let forked = forked.filter(|_| self.forked.contains(&cut.feed));
            *forked.unwrap_or(cut)
        });
        for frame in Heads::comparison(told.collect(), None) {
            self.steps.push_back(Step::Send(frame.into()));
        }
        self.theirs.clear();
        self.stage = Stage::Answer;
        Ok(())
    }

    /// Takes the relay's heads; returns whether they were awaited.
    pub(super) fn answer(&mut self, heads: Heads) -> Result<bool, Broken> {
        if self.stage != Stage::Answer {
            return Ok(false);
        }
        if self.theirs.len() + heads.heads.len() > MAX_COMPARED_HEADS {
            return Err(Broken::TooManyHeads);
        }
        self.theirs
            .extend(heads.heads.iter().map(|cut| (cut.feed, *cut)));
        if heads.more {
            return Ok(true);
        }
        let Some(position) = heads.position else {
            return Ok(false);
        };
        self.position = Some(position);
        self.compare();
        Ok(true)
    }

    /// Finds what is missing here, and where the store must be asked whether both have the same.
    fn compare(&mut self) {
        self.expected.clear();
        self.places.clear();
        let mut forked = Vec::new();
        for theirs in self.theirs.values() {
            if self.forked.contains(&theirs.feed) {
                continue;
            }
            let (at, hash) = match self.ours.get(&theirs.feed) {
                Some(ours) => (ours.sequence, ours.hash),
                None => (0, EnvelopeHash::ZERO),
            };
            if at < theirs.sequence {
                let expected = Expected {
                    previous: hash,
                    next: at + 1,
                    to: theirs.sequence,
                    is_forked: false,
                };
                self.expected.insert(theirs.feed, expected);
            } else if at > theirs.sequence {
                self.places.push((theirs.feed, theirs.sequence));
            } else if hash != theirs.hash {
                forked.push(*theirs);
            }
        }
        for relay in forked {
            self.fork(relay);
        }
        if self.places.is_empty() {
            self.begin_carrying();
        } else {
            let places = self.places.clone();
            self.steps
                .push_back(Step::Say(Output::ReadHashes { places }));
            self.stage = Stage::Hashes;
        }
    }

    /// Takes the hashes at the places where the relay stands and this disk goes on.
    pub(super) fn hashes(&mut self, hashes: &[Option<EnvelopeHash>]) -> Result<(), Broken> {
        if self.stage != Stage::Hashes {
            return Ok(());
        }
        if hashes.len() != self.places.len() {
            return Err(Broken::Hashes {
                asked: self.places.len(),
                got: hashes.len(),
            });
        }
        for ((feed, _), hash) in std::mem::take(&mut self.places).into_iter().zip(hashes) {
            let relay = self.theirs.get(&feed).copied();
            if let Some(relay) = relay.filter(|relay| *hash != Some(relay.hash)) {
                self.fork(relay);
            }
        }
        self.begin_carrying();
        Ok(())
    }

    fn fork(&mut self, relay: Cut) {
        if self.forked.insert(relay.feed) {
            let feed = relay.feed;
            self.steps.push_back(Step::Say(Output::Forked {
                feed,
                common: None,
                relay,
            }));
        }
    }

    /// Works out what the relay lacks and what is to be carried of it.
    fn begin_carrying(&mut self) {
        let tried = std::mem::take(&mut self.tried);
        let mut missing = Vec::new();
        for ours in self.ours.values() {
            let there = self.theirs.get(&ours.feed).map_or(0, |cut| cut.sequence);
            let is_left_out =
                self.forked.contains(&ours.feed) || self.not_taken.contains_key(&ours.feed);
            if there >= ours.sequence || is_left_out {
                continue;
            }
            if let Some(to) = tried.get(&ours.feed) {
                if there < *to {
                    self.not_taken.insert(ours.feed, *ours);
                }
                continue;
            }
            // What this device writes meanwhile is pushed afterwards like anything else that it writes.
            if ours.feed == self.own && !self.is_first {
                continue;
            }
            missing.push(Missing {
                feed: ours.feed,
                from: there + 1,
                to: ours.sequence,
            });
        }
        self.to_send = missing.iter().map(|piece| piece.to - piece.from + 1).sum();
        self.tried = missing.iter().map(|piece| (piece.feed, piece.to)).collect();
        self.after = (!missing.is_empty()).then_some(0);
        self.missing = missing.into();
        self.stage = Stage::Carrying;
    }

    /// Takes envelopes that the relay lacks, and carries them.
    pub(super) fn missing(&mut self, envelopes: Vec<Blob>, next: Option<u64>) {
        if !std::mem::take(&mut self.is_reading) {
            return;
        }
        // Going on from the same place would turn in a circle.
        self.after = next.filter(|next| self.after.is_some_and(|after| after < *next));
        self.to_send = self.to_send.saturating_sub(envelopes.len() as u64);
        let mut frame: Vec<Blob> = Vec::new();
        let mut bytes = 0;
        for envelope in envelopes {
            let is_full =
                bytes + envelope.len() > BATCH_BYTES || frame.len() >= MAX_BATCH_ENVELOPES;
            if is_full && !frame.is_empty() {
                self.carry(std::mem::take(&mut frame), std::mem::take(&mut bytes));
            }
            bytes += envelope.len();
            frame.push(envelope);
        }
        if !frame.is_empty() {
            self.carry(frame, bytes);
        }
    }

    fn carry(&mut self, envelopes: Vec<Blob>, bytes: usize) {
        self.in_flight.push_back(bytes);
        self.steps.push_back(Step::Send(Carry { envelopes }.into()));
    }

    /// Notes that the relay has decided a carry durably; returns whether one was on its way.
    pub(super) fn carried(&mut self) -> bool {
        self.in_flight.pop_front().is_some()
    }

    /// Takes an envelope that the relay carried.
    pub(super) fn arrive(&mut self, envelope: &Envelope) -> Arrival {
        let header = &envelope.header;
        let Some(expected) = self.expected.get_mut(&header.feed) else {
            return Arrival::Aside;
        };
        if header.sequence != expected.next {
            return Arrival::Aside;
        }
        expected.is_forked |= header.previous != expected.previous;
        expected.previous = envelope.hash();
        expected.next += 1;
        let (is_forked, is_last) = (expected.is_forked, expected.next > expected.to);
        if is_last {
            self.expected.remove(&header.feed);
        }
        if !is_forked {
            return Arrival::New;
        }
        if let Some(relay) = self.theirs.get(&header.feed).copied() {
            self.fork(relay);
        }
        Arrival::Aside
    }

    /// Returns the next thing that follows; `is_stored` tells whether all that arrived is durable here.
    pub(super) fn step(&mut self, cursor: Cursor, is_stored: bool) -> Option<Step> {
        if let Some(step) = self.steps.pop_front() {
            return Some(step);
        }
        match self.stage {
            Stage::Begin => {
                self.stage = Stage::Heads;
                Some(Step::Say(Output::ReadHeads))
            }
            Stage::Carrying => self.go_on_carrying(cursor, is_stored),
            Stage::Heads | Stage::Answer | Stage::Hashes | Stage::Done => None,
        }
    }

    fn go_on_carrying(&mut self, cursor: Cursor, is_stored: bool) -> Option<Step> {
        if let Some(after) = self.after {
            let in_flight: usize = self.in_flight.iter().sum();
            if self.is_reading || in_flight >= CARRY_WINDOW_BYTES {
                return None;
            }
            self.is_reading = true;
            return Some(Step::Say(Output::ReadMissing {
                missing: Arc::clone(&self.missing),
                after,
                max_bytes: BATCH_BYTES,
                max_envelopes: MAX_BATCH_ENVELOPES,
            }));
        }
        let is_done =
            !self.is_reading && self.in_flight.is_empty() && self.expected.is_empty() && is_stored;
        if !is_done {
            return None;
        }
        if !self.missing.is_empty() {
            self.is_first = false;
            self.stage = Stage::Heads;
            return Some(Step::Say(Output::ReadHeads));
        }
        let position = self.position?;
        self.stage = Stage::Done;
        self.steps.push_back(Step::Finished(Compared {
            cursor: Cursor {
                sequence: position.sequence,
                running: position.running,
                ..cursor
            },
            relay: self.theirs.values().copied().collect(),
            not_taken: self.not_taken.values().copied().collect(),
        }));
        let mut last = Heads::comparison(Vec::new(), Some(position));
        last.pop().map(|heads| Step::Send(heads.into()))
    }

    /// Returns how much is missing on either side, as far as it is known by now.
    pub(super) fn progress(&self) -> Progress {
        let to_fetch = self.expected.values();
        Progress {
            to_send: self.to_send,
            to_fetch: to_fetch.map(|piece| piece.to - piece.next + 1).sum(),
        }
    }
}
