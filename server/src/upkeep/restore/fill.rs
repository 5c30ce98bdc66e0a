//! The way from the items of a backup into a new log.

use std::collections::HashMap;

use protocol::{Blob, Cut, Entry, Envelope, EnvelopeHash, FeedId, LogEpoch, WorkspaceId};
use sync::{Appended, Run, Verified};

use super::{
    super::item::{Item, RelayItem},
    RestoreError,
};
use crate::{
    clock,
    log::{ChangeLog, RedbLog, RosterPiece, Write, Written},
};

/// The bytes of envelopes after which a commit is made.
const COMMIT_BYTES: usize = 8 * 1024 * 1024;

/// The number of runs after which a commit is made.
const COMMIT_RUNS: usize = 4096;

/// Writes items in commits of bounded size.
pub(super) struct Filling<'l> {
    log: &'l RedbLog,
    workspace: Option<WorkspaceId>,
    has_begun: bool,
    /// Where the feeds of the workspace stand in its log.
    heads: HashMap<FeedId, Cut>,
    roster: Vec<RosterPiece>,
    writes: Vec<Write>,
    bytes: usize,
}

impl<'l> Filling<'l> {
    /// Begins to fill an empty log.
    pub(super) fn new(log: &'l RedbLog) -> Self {
        Filling {
            log,
            workspace: None,
            has_begun: true,
            heads: HashMap::new(),
            roster: Vec::new(),
            writes: Vec::new(),
            bytes: 0,
        }
    }

    /// Takes the next item of a backup that was verified.
    pub(super) fn take(&mut self, item: Item) -> Result<(), RestoreError> {
        match item {
            Item::Relay(RelayItem { seed, .. }) => {
                if let Some(seed) = seed {
                    self.log.seed(seed)?;
                }
            }
            Item::Workspace(outline) => {
                self.begin();
                self.workspace = Some(outline.id);
                self.has_begun = false;
                self.heads.clear();
            }
            Item::RosterEntry { bytes, .. } => {
                let entry = Entry::decode(&bytes).map_err(|_| damaged("a roster entry"))?;
                let hash = entry.hash();
                self.roster.push(RosterPiece { hash, bytes });
            }
            Item::Envelope { entry, .. } => {
                self.begin();
                let cut = Cut {
                    feed: entry.feed,
                    sequence: entry.sequence,
                    hash: entry.hash,
                };
                self.heads.insert(entry.feed, cut);
                self.append(entry.received_ms, cut, entry.bytes, None)?;
                self.commit_some()?;
            }
            Item::Held(held) => {
                self.begin();
                let nothing = Cut {
                    feed: held.feed,
                    sequence: 0,
                    hash: EnvelopeHash::ZERO,
                };
                let behind = *self.heads.get(&held.feed).unwrap_or(&nothing);
                let cut = Cut {
                    feed: held.feed,
                    sequence: held.sequence,
                    hash: held.hash,
                };
                // Times of receipt are kept in the log alone.
                self.append(0, cut, held.bytes, Some(behind))?;
                self.commit_some()?;
            }
            Item::End(_) | Item::Failed { .. } => {}
        }
        Ok(())
    }

    /// Commits once there is enough.
    fn commit_some(&mut self) -> Result<(), RestoreError> {
        if self.bytes >= COMMIT_BYTES || self.writes.len() >= COMMIT_RUNS {
            self.commit()?;
        }
        Ok(())
    }

    /// Writes what is left.
    pub(super) fn finish(mut self) -> Result<(), RestoreError> {
        self.begin();
        self.commit()
    }

    /// Begins the workspace once its roster is whole.
    fn begin(&mut self) {
        let Some(workspace) = self.workspace.filter(|_| !self.has_begun) else {
            return;
        };
        self.has_begun = true;
        self.writes.push(Write::Create {
            workspace,
            epoch: LogEpoch::from_bytes(clock::random()),
            roster: std::mem::take(&mut self.roster),
            quota: u64::MAX,
        });
    }

    /// Appends an envelope behind what its feed has; behind the cut it is held.
    fn append(
        &mut self,
        received_ms: u64,
        at: Cut,
        bytes: Blob,
        cut: Option<Cut>,
    ) -> Result<(), RestoreError> {
        let header = Envelope::decode(&bytes)
            .map_err(|_| damaged("an envelope"))?
            .header;
        self.bytes += bytes.len();
        let verified = Verified {
            sequence: at.sequence,
            previous: header.previous,
            hash: at.hash,
            bytes,
        };
        let workspace = self.workspace.ok_or(damaged("the order"))?;
        // What one feed sent at one moment goes in as one run.
        if let Some(Write::Append {
            workspace: same,
            received_ms: then,
            run,
            cut: behind,
        }) = self.writes.last_mut()
            && (*same, *then, run.feed, *behind) == (workspace, received_ms, at.feed, cut)
        {
            run.envelopes.push(verified);
            return Ok(());
        }
        self.writes.push(Write::Append {
            workspace,
            received_ms,
            run: Run {
                feed: at.feed,
                envelopes: vec![verified],
            },
            cut,
        });
        Ok(())
    }

    fn commit(&mut self) -> Result<(), RestoreError> {
        self.bytes = 0;
        let written = self.log.commit(std::mem::take(&mut self.writes))?;
        let is_good = |written: &Written| {
            matches!(
                written,
                Written::Created(_)
                    | Written::Appended {
                        outcome: Appended::Stored(_) | Appended::Held(_),
                        ..
                    }
            )
        };
        match written.iter().all(is_good) {
            true => Ok(()),
            false => Err(damaged("a feed")),
        }
    }
}

/// Says that the backup was changed since it was verified.
fn damaged(what: &str) -> RestoreError {
    RestoreError::Log {
        text: format!("{what} of the backup does not fit, although it was verified"),
    }
}
