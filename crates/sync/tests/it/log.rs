//! A relay's log and rosters in memory, with an answer for whatever a connection asks.

use std::{collections::HashMap, convert::Infallible, sync::Arc};

use protocol::{Cut, FeedId, LogEpoch, LogHash, WorkspaceId, log_next, log_start};
use sync::{
    Appended, Fit, LogEntry, LogHead, Run, fit,
    relay::{Found, Input, Output, RosterAppended, still_allowed},
};
use vault::Roster;

/// One workspace of the relay.
pub(crate) struct Space {
    pub(crate) roster: Arc<Roster>,
    pub(crate) entries: Vec<LogEntry>,
    epoch: LogEpoch,
    running: Vec<LogHash>,
}

impl Space {
    pub(crate) fn begin(roster: Arc<Roster>, epoch: u8) -> Self {
        let epoch = LogEpoch::from_bytes([epoch; 16]);
        Space {
            running: vec![log_start(&roster.workspace(), &epoch)],
            roster,
            entries: Vec::new(),
            epoch,
        }
    }

    pub(crate) fn head(&self) -> LogHead {
        LogHead {
            epoch: self.epoch,
            sequence: self.entries.len() as u64,
            hash: self.running[self.entries.len()],
        }
    }

    pub(crate) fn feed_head(&self, feed: &FeedId) -> Option<Cut> {
        let mut own = self.entries.iter().rev();
        let last = own.find(|entry| entry.feed == *feed)?;
        Some(Cut {
            feed: *feed,
            sequence: last.sequence,
            hash: last.hash,
        })
    }

    pub(crate) fn append(&mut self, received_ms: u64, run: Run) -> Appended {
        let head = self.feed_head(&run.feed);
        let same =
            |entry: &&LogEntry, sequence| entry.feed == run.feed && entry.sequence == sequence;
        let stored = |sequence| {
            let found = self.entries.iter().find(|entry| same(entry, sequence));
            Ok::<_, Infallible>(found.map(|entry| entry.hash))
        };
        let skip = match fit(head.as_ref(), &run, stored) {
            Ok(Fit::Continues { skip }) => skip,
            Ok(Fit::Fork) => return Appended::Fork(head),
            Ok(Fit::Gap) => return Appended::Gap(head),
        };
        for envelope in run.envelopes.into_iter().skip(skip) {
            let before = self.running[self.entries.len()];
            let sequence = self.entries.len() as u64 + 1;
            self.running
                .push(log_next(&before, sequence, received_ms, &envelope.hash));
            self.entries.push(LogEntry {
                received_ms,
                feed: run.feed,
                sequence: envelope.sequence,
                hash: envelope.hash,
                bytes: envelope.bytes,
            });
        }
        Appended::Stored(self.feed_head(&run.feed).expect("the run is not empty"))
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
        if let Output::OpenWorkspace { workspace } = request {
            let found = match self.spaces.get(&workspace) {
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
                let own = feed.and_then(|feed| space.feed_head(&feed));
                (Input::Place { head, running, own }, News::Nothing)
            }
            Output::Append { run, judged_by } => {
                let roster = &space.roster;
                if roster.head() != judged_by && !still_allowed(roster, &run) {
                    return (Input::Outdated(Arc::clone(roster)), News::Nothing);
                }
                (Input::Appended(space.append(now_ms, run)), News::Log)
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
                expected, roster, ..
            } => {
                if space.roster.head() != expected {
                    let moved = RosterAppended::Moved(Arc::clone(&space.roster));
                    return (Input::RosterAppended(moved), News::Nothing);
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
