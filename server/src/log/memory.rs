//! A log in memory, for tests of everything above it.

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{Mutex, MutexGuard, PoisonError},
};

use protocol::{Cut, FeedId, LogEpoch, LogHash, WorkspaceId, log_next, log_start};
use sync::{Appended, Fit, LogEntry, LogHead, Run, fit};

use super::{ChangeLog, LogError, RosterPiece, Seed, StoredWorkspace, Write, Written};

/// A log that is gone when it is dropped.
#[derive(Debug, Default)]
pub struct MemoryLog {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    seed: Option<Seed>,
    workspaces: HashMap<WorkspaceId, Space>,
}

#[derive(Debug)]
struct Space {
    epoch: LogEpoch,
    roster: Vec<RosterPiece>,
    entries: Vec<LogEntry>,
    running: Vec<LogHash>,
    feeds: HashMap<FeedId, Vec<usize>>,
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

    fn append(&mut self, received_ms: u64, run: Run) -> Written {
        let head = self.feed_head(&run.feed);
        let stored = |sequence: u64| {
            let at = self.feeds.get(&run.feed)?.get(sequence as usize - 1)?;
            Some(self.entries[*at].hash)
        };
        let fitted = fit(head.as_ref(), &run, |sequence| {
            Ok::<_, Infallible>(stored(sequence))
        });
        let skip = match fitted {
            Ok(Fit::Continues { skip }) => skip,
            Ok(Fit::Fork) => return self.appended(Appended::Fork(head), Vec::new()),
            Ok(Fit::Gap) => return self.appended(Appended::Gap(head), Vec::new()),
            Err(never) => match never {},
        };
        let mut new = Vec::new();
        for envelope in run.envelopes.into_iter().skip(skip) {
            let last_ms = self.entries.last().map_or(0, |entry| entry.received_ms);
            let entry = LogEntry {
                received_ms: received_ms.max(last_ms),
                feed: run.feed,
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
            self.feeds
                .entry(run.feed)
                .or_default()
                .push(self.entries.len());
            self.entries.push(entry.clone());
            new.push(entry);
        }
        let outcome = match self.feed_head(&run.feed) {
            Some(cut) => Appended::Stored(cut),
            None => Appended::Gap(None),
        };
        self.appended(outcome, new)
    }

    fn appended(&self, outcome: Appended, entries: Vec<LogEntry>) -> Written {
        Written::Appended {
            outcome,
            entries,
            head: self.head(),
        }
    }
}

impl MemoryLog {
    /// Begins an empty log.
    pub fn new() -> Self {
        Self::default()
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
                    feeds: HashMap::new(),
                };
                let stored = space.stored();
                self.workspaces.insert(workspace, space);
                Written::Created(stored)
            }
            Write::Append {
                workspace,
                received_ms,
                run,
            } => match self.workspaces.get_mut(&workspace) {
                Some(space) => space.append(received_ms, run),
                None => Written::NoWorkspace,
            },
            Write::Roster {
                workspace,
                expected,
                entries,
            } => match self.workspaces.get_mut(&workspace) {
                Some(space) if space.roster.last().map(|last| last.hash) == Some(expected) => {
                    space.roster.extend(entries);
                    Written::RosterGrew
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
}
