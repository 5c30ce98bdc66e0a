//! The comparison with a relay whose log does not hold the cursor, and what each side then sends of what the other
//! lacks.
//!
//! One round: the shell tells all heads, they go to the relay, and the relay answers with its own, its position, and
//! carries what is missing here up to there. The client carries what is missing there, and when it carried anything it
//! begins another round, whose answer shows that it arrived and from which position the log goes on. A feed of which
//! the relay did not take what was carried is left out then, so there are two rounds, and more only while the roster
//! changes: what was left out because the relay did not know its device is carried again.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use protocol::{
    Blob, Cursor, Cut, Envelope, EnvelopeHash, FeedId, Frame, Heads, LogPlace,
    limits::MAX_COMPARED_HEADS,
};

use super::{
    Broken, Compared, Missing, Output, Progress,
    carrying::{Carrying, CarryingStep},
};

/// How often changes of the roster begin a round anew; what is left out then is offered after the exchange.
const MAX_RETRIES: u32 = 8;

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
    /// It ends, with what the relay lacks of feeds that it did not take.
    Finished(Compared, Vec<Missing>),
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
    carrying: Carrying,
    /// The feeds that were carried in the round before, up to where.
    tried: BTreeMap<FeedId, u64>,
    /// Whether the roster has changed since this round's carrying began.
    has_roster_moved: bool,
    retries: u32,
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
            carrying: Carrying::new(Vec::new()),
            tried: BTreeMap::new(),
            has_roster_moved: false,
            retries: 0,
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
        if self.takes_another_try() {
            self.not_taken.clear();
            self.tried.clear();
        }
        self.has_roster_moved = false;
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
        #[cfg(feature = "sabotage")]
        if missing.iter().any(|piece| piece.feed != self.own)
            && sabotage::is(sabotage::Break::NothingCarried)
        {
            missing.retain(|piece| piece.feed == self.own);
        }
        self.tried = missing.iter().map(|piece| (piece.feed, piece.to)).collect();
        self.carrying = Carrying::new(missing);
        self.stage = Stage::Carrying;
    }

    /// Notes that the relay's roster may have changed: it may know devices by now whose envelopes it left out.
    pub(super) fn roster_moved(&mut self) {
        self.has_roster_moved = true;
    }

    /// Tells whether what was carried in vain is to be carried once more, and counts it.
    fn takes_another_try(&mut self) -> bool {
        let was_tried = !self.tried.is_empty() || !self.not_taken.is_empty();
        let again = self.has_roster_moved && was_tried && self.retries < MAX_RETRIES;
        self.retries += u32::from(again);
        again
    }

    /// Takes envelopes that the relay lacks, and carries them.
    pub(super) fn missing(&mut self, envelopes: Vec<Blob>, next: Option<u64>) {
        self.carrying.read(envelopes, next);
    }

    /// Notes that the relay has decided a carry durably; returns whether one was on its way.
    pub(super) fn carried(&mut self) -> bool {
        self.carrying.answered()
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
        match self.carrying.step() {
            Some(CarryingStep::Read(output)) => return Some(Step::Say(output)),
            Some(CarryingStep::Send(frame)) => return Some(Step::Send(frame)),
            None => {}
        }
        let is_done = self.carrying.is_done() && self.expected.is_empty() && is_stored;
        if !is_done {
            return None;
        }
        let is_due =
            self.has_roster_moved && !self.not_taken.is_empty() && self.retries < MAX_RETRIES;
        if !self.carrying.is_empty() || is_due {
            self.is_first = false;
            self.stage = Stage::Heads;
            return Some(Step::Say(Output::ReadHeads));
        }
        let position = self.position?;
        self.stage = Stage::Done;
        let left_out = self.not_taken.values().map(|ours| Missing {
            feed: ours.feed,
            from: self.theirs.get(&ours.feed).map_or(0, |cut| cut.sequence) + 1,
            to: ours.sequence,
        });
        let left_out = left_out.collect();
        let compared = Compared {
            cursor: Cursor {
                sequence: position.sequence,
                running: position.running,
                ..cursor
            },
            relay: self.theirs.values().copied().collect(),
            not_taken: self.not_taken.values().copied().collect(),
        };
        self.steps.push_back(Step::Finished(compared, left_out));
        let mut last = Heads::comparison(Vec::new(), Some(position));
        last.pop().map(|heads| Step::Send(heads.into()))
    }

    /// Returns how much is missing on either side, as far as it is known by now.
    pub(super) fn progress(&self) -> Progress {
        let to_fetch = self.expected.values();
        Progress {
            to_send: self.carrying.to_send(),
            to_fetch: to_fetch.map(|piece| piece.to - piece.next + 1).sum(),
        }
    }
}
