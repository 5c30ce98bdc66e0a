//! A relay's log and rosters in memory, with an answer for whatever a connection asks.

use std::{collections::HashMap, convert::Infallible, sync::Arc};

use std::collections::BTreeMap;

use protocol::{
    Blob, Cut, EnvelopeHash, FeedId, LogEpoch, LogHash, WorkspaceId,
    limits::MAX_HELD_BYTES_PER_FEED, log_next, log_start,
};
use sync::{
    Appended, Comparison, Decision, Effects, Feeds, Judged, LogEntry, LogHead, Release, Verified,
    decide, differing, feed_end, part_held,
    relay::{Found, Input, Output, RosterAppended, cut_of},
    release,
};
use vault::Roster;

/// One workspace of the relay.
#[derive(Clone)]
pub(crate) struct Space {
    pub(crate) roster: Arc<Roster>,
    pub(crate) entries: Vec<LogEntry>,
    pub(crate) epoch: LogEpoch,
    pub(crate) running: Vec<LogHash>,
    pub(crate) held: BTreeMap<FeedId, Vec<Verified>>,
    pub(crate) held_limit: u64,
}

impl Space {
    pub(crate) fn begin(roster: Arc<Roster>, epoch: u8) -> Self {
        let epoch = LogEpoch::from_bytes([epoch; 16]);
        Space {
            running: vec![log_start(&roster.workspace(), &epoch)],
            roster,
            entries: Vec::new(),
            epoch,
            held: BTreeMap::new(),
            held_limit: MAX_HELD_BYTES_PER_FEED,
        }
    }

    pub(crate) fn head(&self) -> LogHead {
        LogHead {
            epoch: self.epoch,
            sequence: self.entries.len() as u64,
            hash: self.running[self.entries.len()],
        }
    }

    /// Where a feed stands in the log.
    pub(crate) fn feed_head(&self, feed: &FeedId) -> Option<Cut> {
        let mut own = self.entries.iter().rev();
        let last = own.find(|entry| entry.feed == *feed)?;
        Some(Cut {
            feed: *feed,
            sequence: last.sequence,
            hash: last.hash,
        })
    }

    /// Where a feed stands, what is held of it included.
    pub(crate) fn end_of(&self, feed: &FeedId) -> Option<Cut> {
        feed_end(self, feed).expect("never fails")
    }

    pub(crate) fn held_heads(&self) -> Arc<[Cut]> {
        let heads = self.held.keys().filter_map(|feed| self.end_of(feed));
        heads.collect()
    }

    pub(crate) fn append(&mut self, received_ms: u64, judged: Judged) -> Appended {
        let feed = judged.run.feed;
        match decide(self, judged, self.held_limit).expect("never fails") {
            Decision::Refuse(outcome) => outcome,
            Decision::Take {
                drop_behind,
                let_in,
                log,
                held,
                outcome,
            } => {
                let before = self.held.remove(&feed).unwrap_or_default();
                let (freed, mut rest) = part_held(before, drop_behind, let_in);
                for envelope in freed.into_iter().chain(log) {
                    self.add(received_ms, feed, envelope);
                }
                rest.extend(held);
                if !rest.is_empty() {
                    self.held.insert(feed, rest);
                }
                outcome
            }
        }
    }

    fn add(&mut self, received_ms: u64, feed: FeedId, envelope: Verified) {
        let before = self.running[self.entries.len()];
        let sequence = self.entries.len() as u64 + 1;
        self.running
            .push(log_next(&before, sequence, received_ms, &envelope.hash));
        self.entries.push(LogEntry {
            received_ms,
            feed,
            sequence: envelope.sequence,
            hash: envelope.hash,
            bytes: envelope.bytes,
        });
    }

    /// Checks the cuts of a growing roster, and lets what it releases into the log; else the heads that differ.
    fn take_effects(&mut self, now_ms: u64, effects: &Effects) -> Result<(), Vec<Cut>> {
        if let Some(heads) = differing(self, effects).expect("never fails") {
            return Err(heads);
        }
        for Release { feed, to, .. } in &effects.releases {
            let held = self.held.remove(feed).unwrap_or_default();
            let (log, held) = release(held, to.as_ref());
            for envelope in log {
                self.add(now_ms, *feed, envelope);
            }
            if !held.is_empty() {
                self.held.insert(*feed, held);
            }
        }
        Ok(())
    }

    fn compare(&self, known: &[Cut]) -> Comparison {
        let known = |feed: &FeedId| {
            let found = known.iter().find(|cut| cut.feed == *feed);
            found.map_or(0, |cut| cut.sequence)
        };
        let lacks = |entry: &LogEntry| entry.sequence > known(&entry.feed);
        let mut heads = BTreeMap::new();
        for entry in &self.entries {
            heads.insert(entry.feed, (entry.sequence, entry.hash));
        }
        Comparison {
            head: self.head(),
            heads: heads
                .into_iter()
                .map(|(feed, (sequence, hash))| Cut {
                    feed,
                    sequence,
                    hash,
                })
                .collect(),
            after: self
                .entries
                .iter()
                .take_while(|entry| !lacks(entry))
                .count() as u64,
        }
    }

    fn read_feed(&self, feed: FeedId, from: u64, to: u64, max: usize) -> (Vec<Blob>, bool) {
        let wanted = |sequence| (from..=to).contains(&sequence);
        let log = self.entries.iter().filter(|entry| entry.feed == feed);
        let log = log.filter(|entry| wanted(entry.sequence));
        let log: Vec<Blob> = log.take(max).map(|entry| entry.bytes.clone()).collect();
        if !log.is_empty() {
            return (log, false);
        }
        let held = self.held.get(&feed).into_iter().flatten();
        let held = held.filter(|one| wanted(one.sequence)).take(max);
        let held: Vec<Blob> = held.map(|one| one.bytes.clone()).collect();
        let is_held = !held.is_empty();
        (held, is_held)
    }
}

impl Feeds for Space {
    type Error = Infallible;

    fn head(&self, feed: &FeedId) -> Result<Option<Cut>, Infallible> {
        Ok(self.feed_head(feed))
    }

    fn held(&self, feed: &FeedId) -> Result<Option<(Cut, u64)>, Infallible> {
        let held = self.held.get(feed);
        let bytes = |held: &Vec<Verified>| held.iter().map(|one| one.bytes.len() as u64).sum();
        Ok(held.and_then(|held| {
            let last = held.last()?;
            let end = Cut {
                feed: *feed,
                sequence: last.sequence,
                hash: last.hash,
            };
            Some((end, bytes(held)))
        }))
    }

    fn hash_at(&self, feed: &FeedId, sequence: u64) -> Result<Option<EnvelopeHash>, Infallible> {
        let held = self.held.get(feed).into_iter().flatten();
        let held = held.map(|one| (*feed, one.sequence, one.hash));
        let log = self.entries.iter();
        let mut all = log
            .map(|one| (one.feed, one.sequence, one.hash))
            .chain(held);
        Ok(all
            .find(|one| (one.0, one.1) == (*feed, sequence))
            .map(|one| one.2))
    }
}

/// The durable state of a relay.
pub(crate) struct Store {
    pub(crate) spaces: HashMap<WorkspaceId, Space>,
    pub(crate) may_begin: bool,
    pub(crate) epoch: u8,
}

/// What a request changed for others.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum News {
    Nothing,
    Log,
    Roster,
}

/// How many envelopes of a feed are read at once, few, so that pieces are many.
const FEED_PIECE: usize = 2;

impl Store {
    pub(crate) fn new() -> Self {
        Store {
            spaces: HashMap::new(),
            may_begin: true,
            epoch: 1,
        }
    }

    /// Answers what a connection of a workspace asks for.
    pub(crate) fn answer(
        &mut self,
        now_ms: u64,
        workspace: WorkspaceId,
        request: Output,
    ) -> (Input, News) {
        if let Output::OpenWorkspace { workspace, key } = request {
            let found = match self.spaces.get(&workspace) {
                Some(space) if !names(&space.roster, key.as_bytes()) => Found::Stranger,
                Some(space) => Found::Known(Arc::clone(&space.roster)),
                None if self.may_begin => Found::MayBegin,
                None => Found::NotAllowed,
            };
            return (Input::Workspace(found), News::Nothing);
        }
        if let Output::CreateWorkspace { workspace, entries } = request {
            let space = self.spaces.entry(workspace).or_insert_with(|| {
                let roster = Roster::from_entries(&entries).expect("was verified");
                Space::begin(Arc::new(roster), self.epoch)
            });
            return (Input::Created(Ok(Arc::clone(&space.roster))), News::Nothing);
        }
        let space = self.spaces.get_mut(&workspace).expect("is open");
        match request {
            Output::FindPlace { feed, cursor } => {
                let head = space.head();
                let running = cursor.and_then(|at| space.running.get(at as usize).copied());
                let own = feed.and_then(|feed| space.end_of(&feed));
                (Input::Place { head, running, own }, News::Nothing)
            }
            Output::Append {
                mut judged,
                judged_by,
            } => {
                let roster = &space.roster;
                if roster.head() != judged_by {
                    let Some(cut) = cut_of(roster, &judged.run.feed) else {
                        return (Input::Outdated(Arc::clone(roster)), News::Nothing);
                    };
                    judged.cut = cut;
                }
                (Input::Appended(space.append(now_ms, judged)), News::Log)
            }
            Output::AppendCarried {
                runs,
                feeds,
                judged_by,
            } => {
                for mut judged in runs {
                    if space.roster.head() != judged_by {
                        let Some(cut) = cut_of(&space.roster, &judged.run.feed) else {
                            continue;
                        };
                        judged.cut = cut;
                    }
                    space.append(now_ms, judged);
                }
                let heads = feeds.iter().filter_map(|feed| space.feed_head(feed));
                let heads = heads.collect();
                (Input::CarriedAppended { heads }, News::Log)
            }
            Output::Compare { known } => (Input::Compared(space.compare(&known)), News::Nothing),
            Output::ReadFeed { feed, from, to, .. } => {
                let (envelopes, is_held) = space.read_feed(feed, from, to, FEED_PIECE);
                (Input::FeedRead { envelopes, is_held }, News::Nothing)
            }
            Output::ReadLog {
                after,
                max_bytes,
                max_entries,
            } => {
                let mut bytes = 0;
                let rest = space.entries.iter().skip(after as usize).take(max_entries);
                let some = rest.take_while(|entry| {
                    let is_first = bytes == 0;
                    bytes += entry.bytes.len();
                    is_first || bytes <= max_bytes
                });
                let entries = some.cloned().collect();
                (Input::LogRead { entries }, News::Nothing)
            }
            Output::AppendRoster {
                expected,
                roster,
                effects,
                ..
            } => {
                if space.roster.head() != expected {
                    let moved = RosterAppended::Moved(Arc::clone(&space.roster));
                    return (Input::RosterAppended(moved), News::Nothing);
                }
                if let Err(heads) = space.take_effects(now_ms, &effects) {
                    let differ = RosterAppended::CutsDiffer(heads);
                    return (Input::RosterAppended(differ), News::Nothing);
                }
                space.roster = Arc::clone(&roster);
                (
                    Input::RosterAppended(RosterAppended::Grew(roster)),
                    News::Roster,
                )
            }
            other => panic!("{other:?} asks for nothing"),
        }
    }
}

/// Tells whether any entry of a roster holds the bytes of a key, as a cheap check before any other.
fn names(roster: &Roster, key: &[u8; 32]) -> bool {
    let mut entries = roster.entries().iter();
    entries.any(|entry| entry.windows(32).any(|bytes| bytes == key))
}
