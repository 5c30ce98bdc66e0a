//! A log in memory, for tests of everything above it.

use std::{
    collections::{BTreeMap, HashMap},
    convert::Infallible,
    sync::{Mutex, MutexGuard, PoisonError},
};

use protocol::{
    Blob, Cut, EnvelopeHash, FeedId, LogEpoch, LogHash, WorkspaceId,
    limits::MAX_HELD_BYTES_PER_FEED, log_next, log_start,
};
use sync::{
    Appended, Comparison, Decision, Effects, Feeds, Judged, LogEntry, LogHead, Release, Verified,
    decide, differing, feed_end, part_held, release,
};

use super::{
    ChangeLog, FeedPiece, FeedRange, Grown, LogError, RosterPiece, Seed, StoredWorkspace, Write,
    Written,
};

/// A log that is gone when it is dropped.
#[derive(Debug)]
pub struct MemoryLog {
    state: Mutex<State>,
}

impl Default for MemoryLog {
    fn default() -> Self {
        MemoryLog {
            state: Mutex::new(State {
                seed: None,
                held_limit: MAX_HELD_BYTES_PER_FEED,
                workspaces: HashMap::new(),
            }),
        }
    }
}

#[derive(Debug)]
struct State {
    seed: Option<Seed>,
    held_limit: u64,
    workspaces: HashMap<WorkspaceId, Space>,
}

#[derive(Debug)]
struct Space {
    epoch: LogEpoch,
    roster: Vec<RosterPiece>,
    entries: Vec<LogEntry>,
    running: Vec<LogHash>,
    feeds: BTreeMap<FeedId, Vec<usize>>,
    held: BTreeMap<FeedId, Vec<Verified>>,
}

impl Space {
    fn head(&self) -> LogHead {
        LogHead {
            epoch: self.epoch,
            sequence: self.entries.len() as u64,
            hash: *self.running.last().expect("R_0 is always there"),
        }
    }

    fn stored(&self) -> StoredWorkspace {
        StoredWorkspace {
            head: self.head(),
            roster: self.roster.clone(),
            held: self
                .held
                .keys()
                .filter_map(|feed| self.held_end(feed))
                .collect(),
        }
    }

    fn feed_head(&self, feed: &FeedId) -> Option<Cut> {
        let last = &self.entries[*self.feeds.get(feed)?.last()?];
        Some(Cut {
            feed: *feed,
            sequence: last.sequence,
            hash: last.hash,
        })
    }

    fn append(&mut self, received_ms: u64, judged: Judged, limit: u64) -> (Appended, Grown) {
        let feed = judged.run.feed;
        let decided = match decide(self, judged, limit) {
            Ok(decided) => decided,
            Err(never) => match never {},
        };
        match decided {
            Decision::Refuse(outcome) => (outcome, self.grown()),
            Decision::Take {
                drop_behind,
                let_in,
                log,
                held,
                outcome,
            } => {
                let end = self.held_end(&feed);
                let before = self.held.remove(&feed).unwrap_or_default();
                let (mut freed, mut rest) = part_held(before, drop_behind, let_in);
                freed.extend(log);
                rest.extend(held);
                if !rest.is_empty() {
                    self.held.insert(feed, rest);
                }
                let mut grown = self.grown();
                grown.entries = self.add(received_ms, feed, freed);
                grown.head = self.head();
                if self.held_end(&feed) != end {
                    grown.held.push((feed, self.held_end(&feed)));
                }
                (outcome, grown)
            }
        }
    }

    /// Adds envelopes that continue a feed to the log, and returns their entries.
    fn add(&mut self, received_ms: u64, feed: FeedId, envelopes: Vec<Verified>) -> Vec<LogEntry> {
        let mut new = Vec::new();
        for envelope in envelopes {
            let last_ms = self.entries.last().map_or(0, |entry| entry.received_ms);
            let entry = LogEntry {
                received_ms: received_ms.max(last_ms),
                feed,
                sequence: envelope.sequence,
                hash: envelope.hash,
                bytes: envelope.bytes,
            };
            let head = self.head();
            self.running.push(log_next(
                &head.hash,
                head.sequence + 1,
                entry.received_ms,
                &entry.hash,
            ));
            self.feeds.entry(feed).or_default().push(self.entries.len());
            self.entries.push(entry.clone());
            new.push(entry);
        }
        new
    }

    /// Checks what a growth of the roster asks of the log, and does it.
    fn grow_roster(&mut self, received_ms: u64, effects: &Effects) -> Written {
        match differing(self, effects) {
            Ok(None) => {}
            Ok(Some(heads)) => return Written::CutsDiffer { heads },
            Err(never) => match never {},
        }
        let mut grown = self.grown();
        for Release { feed, to, .. } in &effects.releases {
            let Some(held) = self.held.remove(feed) else {
                continue;
            };
            let (log, held) = release(held, to.as_ref());
            let is_released = !log.is_empty();
            grown.entries.extend(self.add(received_ms, *feed, log));
            if !held.is_empty() {
                self.held.insert(*feed, held);
            }
            if is_released {
                grown.held.push((*feed, self.held_end(feed)));
            }
        }
        grown.head = self.head();
        Written::RosterGrew { grown }
    }

    fn grown(&self) -> Grown {
        Grown {
            entries: Vec::new(),
            head: self.head(),
            held: Vec::new(),
        }
    }

    fn held_end(&self, feed: &FeedId) -> Option<Cut> {
        let last = self.held.get(feed)?.last()?;
        Some(Cut {
            feed: *feed,
            sequence: last.sequence,
            hash: last.hash,
        })
    }

    fn log_hash(&self, feed: &FeedId, sequence: u64) -> Option<EnvelopeHash> {
        let index = sequence.checked_sub(1)?;
        let at = self.feeds.get(feed)?.get(index as usize)?;
        Some(self.entries[*at].hash)
    }

    fn compare(&self, known: &[Cut]) -> Comparison {
        let known: HashMap<FeedId, u64> =
            known.iter().map(|cut| (cut.feed, cut.sequence)).collect();
        let first_lacking = |(feed, places): (&FeedId, &Vec<usize>)| {
            let known = known.get(feed).copied().unwrap_or(0);
            places.get(known as usize).map(|at| *at as u64)
        };
        let after = self.feeds.iter().filter_map(first_lacking).min();
        Comparison {
            head: self.head(),
            heads: self
                .feeds
                .keys()
                .filter_map(|feed| self.feed_head(feed))
                .collect(),
            after: after.unwrap_or(self.entries.len() as u64),
        }
    }

    fn read_feed(&self, range: FeedRange) -> FeedPiece {
        let wanted = |sequence: &u64| (range.from..=range.to).contains(sequence);
        let log = self.feeds.get(&range.feed).into_iter().flatten();
        let log = log.map(|at| &self.entries[*at]);
        let log = log.map(|entry| (entry.sequence, entry.bytes.clone()));
        let held = self.held.get(&range.feed).into_iter().flatten();
        let held = held.map(|one| (one.sequence, one.bytes.clone()));
        let take = |all: Vec<(u64, Blob)>| {
            let mut bytes = 0;
            let some = all.into_iter().filter(|one| wanted(&one.0));
            let some = some.take(range.max_envelopes).take_while(|(_, envelope)| {
                let is_first = bytes == 0;
                bytes += envelope.len();
                is_first || bytes <= range.max_bytes
            });
            some.map(|one| one.1).collect::<Vec<Blob>>()
        };
        let envelopes = take(log.collect());
        if !envelopes.is_empty() {
            return FeedPiece {
                envelopes,
                is_held: false,
            };
        }
        let envelopes = take(held.collect());
        FeedPiece {
            is_held: !envelopes.is_empty(),
            envelopes,
        }
    }
}

impl Feeds for Space {
    type Error = Infallible;

    fn head(&self, feed: &FeedId) -> Result<Option<Cut>, Infallible> {
        Ok(self.feed_head(feed))
    }

    fn held(&self, feed: &FeedId) -> Result<Option<(Cut, u64)>, Infallible> {
        let held = self.held.get(feed).into_iter().flatten();
        let bytes = held.map(|one| one.bytes.len() as u64).sum();
        Ok(self.held_end(feed).map(|end| (end, bytes)))
    }

    fn hash_at(&self, feed: &FeedId, sequence: u64) -> Result<Option<EnvelopeHash>, Infallible> {
        let held = self.held.get(feed).into_iter().flatten();
        let mut held = held.filter(|one| one.sequence == sequence);
        let held = held.next().map(|one| one.hash);
        Ok(held.or_else(|| self.log_hash(feed, sequence)))
    }
}

impl MemoryLog {
    /// Begins an empty log.
    pub fn new() -> Self {
        Self::default()
    }

    /// Holds so many bytes of a feed and no more.
    #[must_use]
    pub fn with_held_limit(self, bytes: u64) -> Self {
        self.state().held_limit = bytes;
        self
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn write(&mut self, write: Write) -> Written {
        match write {
            Write::Create {
                workspace,
                epoch,
                roster,
                quota,
            } => {
                if let Some(space) = self.workspaces.get(&workspace) {
                    return Written::Created(space.stored());
                }
                if self.workspaces.len() as u64 >= quota {
                    return Written::OverQuota;
                }
                let space = Space {
                    epoch,
                    roster,
                    entries: Vec::new(),
                    running: vec![log_start(&workspace, &epoch)],
                    feeds: BTreeMap::new(),
                    held: BTreeMap::new(),
                };
                let stored = space.stored();
                self.workspaces.insert(workspace, space);
                Written::Created(stored)
            }
            Write::Append {
                workspace,
                received_ms,
                run,
                cut,
            } => match self.workspaces.get_mut(&workspace) {
                Some(space) => {
                    let judged = Judged {
                        run,
                        cut,
                        is_own: true,
                    };
                    let (outcome, grown) = space.append(received_ms, judged, self.held_limit);
                    Written::Appended { outcome, grown }
                }
                None => Written::NoWorkspace,
            },
            Write::Carry {
                workspace,
                received_ms,
                runs,
                feeds,
            } => match self.workspaces.get_mut(&workspace) {
                Some(space) => {
                    let mut all = space.grown();
                    for judged in runs {
                        let (_, grown) = space.append(received_ms, judged, self.held_limit);
                        all.entries.extend(grown.entries);
                        all.held.extend(grown.held);
                        all.head = grown.head;
                    }
                    let heads = feeds.iter().filter_map(|feed| space.feed_head(feed));
                    Written::Carried {
                        heads: heads.collect(),
                        grown: all,
                        damaged: None,
                    }
                }
                None => Written::NoWorkspace,
            },
            Write::Roster {
                workspace,
                received_ms,
                expected,
                keep,
                entries,
                effects,
            } => match self.workspaces.get_mut(&workspace) {
                Some(space) if space.roster.last().map(|last| last.hash) == Some(expected) => {
                    let written = space.grow_roster(received_ms, &effects);
                    if matches!(written, Written::RosterGrew { .. }) {
                        space.roster.truncate(keep.unwrap_or(usize::MAX));
                        space.roster.extend(entries);
                    }
                    written
                }
                Some(_) => Written::RosterMoved,
                None => Written::NoWorkspace,
            },
        }
    }
}

impl ChangeLog for MemoryLog {
    fn seed(&self, fresh: Seed) -> Result<Seed, LogError> {
        Ok(*self.state().seed.get_or_insert(fresh))
    }

    fn workspace(&self, workspace: &WorkspaceId) -> Result<Option<StoredWorkspace>, LogError> {
        Ok(self.state().workspaces.get(workspace).map(Space::stored))
    }

    fn commit(&self, batch: Vec<Write>) -> Result<Vec<Written>, LogError> {
        let mut state = self.state();
        Ok(batch.into_iter().map(|write| state.write(write)).collect())
    }

    fn read(
        &self,
        workspace: &WorkspaceId,
        after: u64,
        max_bytes: usize,
        max_entries: usize,
    ) -> Result<Vec<LogEntry>, LogError> {
        let state = self.state();
        let Some(space) = state.workspaces.get(workspace) else {
            return Ok(Vec::new());
        };
        let mut bytes = 0;
        let rest = space.entries.iter().skip(after as usize);
        Ok(rest
            .take_while(|entry| {
                let first = bytes == 0;
                bytes += entry.bytes.len();
                first || bytes <= max_bytes
            })
            .take(max_entries)
            .cloned()
            .collect())
    }

    fn running_hash(
        &self,
        workspace: &WorkspaceId,
        sequence: u64,
    ) -> Result<Option<LogHash>, LogError> {
        let state = self.state();
        let space = state.workspaces.get(workspace);
        Ok(space.and_then(|space| space.running.get(sequence as usize).copied()))
    }

    fn feed_head(&self, workspace: &WorkspaceId, feed: &FeedId) -> Result<Option<Cut>, LogError> {
        let state = self.state();
        let space = state.workspaces.get(workspace);
        Ok(space.and_then(|space| space.feed_head(feed)))
    }

    fn feed_end(&self, workspace: &WorkspaceId, feed: &FeedId) -> Result<Option<Cut>, LogError> {
        let state = self.state();
        let space = state.workspaces.get(workspace);
        Ok(space.and_then(|space| match feed_end(space, feed) {
            Ok(end) => end,
            Err(never) => match never {},
        }))
    }

    fn compare(
        &self,
        workspace: &WorkspaceId,
        known: &[Cut],
    ) -> Result<Option<Comparison>, LogError> {
        let state = self.state();
        let space = state.workspaces.get(workspace);
        Ok(space.map(|space| space.compare(known)))
    }

    fn read_feed(&self, workspace: &WorkspaceId, range: FeedRange) -> Result<FeedPiece, LogError> {
        let state = self.state();
        let space = state.workspaces.get(workspace);
        Ok(space
            .map(|space| space.read_feed(range))
            .unwrap_or_default())
    }
}
