//! The reading of rows, and the writing of one batch in one transaction.

use std::collections::HashMap;

use protocol::{Cut, EnvelopeHash, FeedId, LogEpoch, RosterHash, WorkspaceId, log_next, log_start};
use redb::{ReadableTable, ReadableTableMetadata, Table, WriteTransaction};
use sync::{Appended, Fit, LogEntry, LogHead, Run, fit};

use super::{
    LogError, RosterPiece, StoredWorkspace, Write, Written,
    tables::{
        FEED_INDEX, FEED_LEN, FEEDS, FeedRow, LOG, ROSTER, WORKSPACE_LEN, WORKSPACES, WorkspaceRow,
        decode_log, encode_log, feed_key, index_key, log_key, roster_key,
    },
};

/// Reads the row of a workspace.
pub(super) fn row(
    table: &impl ReadableTable<&'static [u8; 32], &'static [u8; WORKSPACE_LEN]>,
    workspace: &WorkspaceId,
) -> Result<Option<WorkspaceRow>, LogError> {
    let found = table.get(workspace.as_bytes())?;
    found
        .map(|row| WorkspaceRow::decode(row.value()))
        .transpose()
}

/// Reads the row of a feed.
pub(super) fn feed_row(
    table: &impl ReadableTable<&'static [u8; 36], &'static [u8; FEED_LEN]>,
    workspace: u32,
    feed: &FeedId,
) -> Result<Option<FeedRow>, LogError> {
    let found = table.get(&feed_key(workspace, feed))?;
    found
        .map(|row| FeedRow::decode(feed, row.value()))
        .transpose()
}

/// Reads the roster of a workspace.
pub(super) fn roster(
    table: &impl ReadableTable<&'static [u8; 8], &'static [u8]>,
    row: &WorkspaceRow,
) -> Result<Vec<RosterPiece>, LogError> {
    let from = roster_key(row.number, 0);
    let to = roster_key(row.number, row.roster_len);
    let mut pieces = Vec::new();
    for found in table.range::<&[u8; 8]>(&from..&to)? {
        let (_, value) = found?;
        let entry = protocol::Entry::decode(value.value()).map_err(|_| LogError::Damaged {
            what: "a roster entry cannot be read",
        })?;
        pieces.push(RosterPiece {
            hash: entry.hash(),
            bytes: value.value().into(),
        });
    }
    if pieces.len() != row.roster_len as usize {
        return Err(LogError::Damaged {
            what: "roster entries are missing",
        });
    }
    Ok(pieces)
}

/// The tables of one write transaction, and the workspaces that it touched.
pub(super) struct Batch<'t> {
    workspaces: Table<'t, &'static [u8; 32], &'static [u8; WORKSPACE_LEN]>,
    roster: Table<'t, &'static [u8; 8], &'static [u8]>,
    log: Table<'t, &'static [u8; 12], &'static [u8]>,
    feeds: Table<'t, &'static [u8; 36], &'static [u8; FEED_LEN]>,
    index: Table<'t, &'static [u8; 16], &'static [u8; 8]>,
    touched: HashMap<WorkspaceId, WorkspaceRow>,
}

impl<'t> Batch<'t> {
    pub(super) fn open(transaction: &'t WriteTransaction) -> Result<Self, LogError> {
        Ok(Batch {
            workspaces: transaction.open_table(WORKSPACES)?,
            roster: transaction.open_table(ROSTER)?,
            log: transaction.open_table(LOG)?,
            feeds: transaction.open_table(FEEDS)?,
            index: transaction.open_table(FEED_INDEX)?,
            touched: HashMap::new(),
        })
    }

    fn workspace(&self, id: &WorkspaceId) -> Result<Option<WorkspaceRow>, LogError> {
        match self.touched.get(id) {
            Some(row) => Ok(Some(row.clone())),
            None => row(&self.workspaces, id),
        }
    }

    pub(super) fn write(&mut self, write: Write) -> Result<Written, LogError> {
        match write {
            Write::Create {
                workspace,
                epoch,
                roster,
                quota,
            } => self.create(workspace, epoch, roster, quota),
            Write::Append {
                workspace,
                received_ms,
                run,
            } => match self.workspace(&workspace)? {
                Some(row) => self.append(workspace, row, received_ms, run),
                None => Ok(Written::NoWorkspace),
            },
            Write::Roster {
                workspace,
                expected,
                entries,
            } => match self.workspace(&workspace)? {
                Some(mut row) if row.roster_head == expected => {
                    self.add_entries(&mut row, &entries)?;
                    self.touched.insert(workspace, row);
                    Ok(Written::RosterGrew)
                }
                Some(_) => Ok(Written::RosterMoved),
                None => Ok(Written::NoWorkspace),
            },
        }
    }

    fn create(
        &mut self,
        workspace: WorkspaceId,
        epoch: LogEpoch,
        pieces: Vec<RosterPiece>,
        quota: u64,
    ) -> Result<Written, LogError> {
        if let Some(row) = self.workspace(&workspace)? {
            return Ok(Written::Created(StoredWorkspace {
                head: row.head,
                roster: roster(&self.roster, &row)?,
            }));
        }
        let count = self.workspaces.len()?;
        if count >= quota {
            return Ok(Written::OverQuota);
        }
        let mut row = WorkspaceRow {
            number: u32::try_from(count).map_err(|_| LogError::Damaged {
                what: "more workspaces than numbers",
            })?,
            head: LogHead {
                epoch,
                sequence: 0,
                hash: log_start(&workspace, &epoch),
            },
            received_ms: 0,
            roster_len: 0,
            roster_head: RosterHash::ZERO,
        };
        self.add_entries(&mut row, &pieces)?;
        // At once, since the next number is the count of rows.
        self.workspaces
            .insert(workspace.as_bytes(), &row.encode())?;
        Ok(Written::Created(StoredWorkspace {
            head: row.head,
            roster: pieces,
        }))
    }

    fn add_entries(
        &mut self,
        row: &mut WorkspaceRow,
        pieces: &[RosterPiece],
    ) -> Result<(), LogError> {
        for piece in pieces {
            let key = roster_key(row.number, row.roster_len);
            self.roster.insert(&key, piece.bytes.as_ref())?;
            row.roster_len += 1;
            row.roster_head = piece.hash;
        }
        Ok(())
    }

    fn append(
        &mut self,
        workspace: WorkspaceId,
        mut row: WorkspaceRow,
        received_ms: u64,
        run: Run,
    ) -> Result<Written, LogError> {
        let known = feed_row(&self.feeds, row.number, &run.feed)?;
        let head = known.as_ref().map(|known| known.head);
        let fitted = fit(head.as_ref(), &run, |sequence| {
            let feed = known.as_ref().map_or(0, |known| known.number);
            self.hash_at(row.number, feed, sequence)
        })?;
        let refused = |outcome| Written::Appended {
            outcome,
            entries: Vec::new(),
            head: row.head,
        };
        let skip = match fitted {
            Fit::Continues { skip } => skip,
            Fit::Fork => return Ok(refused(Appended::Fork(head))),
            Fit::Gap => return Ok(refused(Appended::Gap(head))),
        };
        let mut feed = match known {
            Some(known) => known,
            None => FeedRow {
                number: self.next_feed(row.number)?,
                head: Cut {
                    feed: run.feed,
                    sequence: 0,
                    hash: EnvelopeHash::ZERO,
                },
            },
        };
        let mut entries = Vec::new();
        for envelope in run.envelopes.into_iter().skip(skip) {
            row.received_ms = row.received_ms.max(received_ms);
            let entry = LogEntry {
                received_ms: row.received_ms,
                feed: run.feed,
                sequence: envelope.sequence,
                hash: envelope.hash,
                bytes: envelope.bytes,
            };
            self.add_to_log(&mut row.head, row.number, feed.number, &entry)?;
            feed.head.sequence = entry.sequence;
            feed.head.hash = entry.hash;
            entries.push(entry);
        }
        self.feeds
            .insert(&feed_key(row.number, &run.feed), &feed.encode())?;
        let head = row.head;
        self.touched.insert(workspace, row);
        Ok(Written::Appended {
            outcome: Appended::Stored(feed.head),
            entries,
            head,
        })
    }

    fn add_to_log(
        &mut self,
        head: &mut LogHead,
        workspace: u32,
        feed: u32,
        entry: &LogEntry,
    ) -> Result<(), LogError> {
        head.sequence += 1;
        head.hash = log_next(&head.hash, head.sequence, entry.received_ms, &entry.hash);
        let row = encode_log(entry, &head.hash);
        self.log
            .insert(&log_key(workspace, head.sequence), row.as_slice())?;
        let place = head.sequence.to_be_bytes();
        self.index
            .insert(&index_key(workspace, feed, entry.sequence), &place)?;
        Ok(())
    }

    fn next_feed(&self, workspace: u32) -> Result<u32, LogError> {
        let from = feed_key(workspace, &FeedId::ZERO);
        let to = feed_key(workspace, &FeedId::from_bytes([0xff; 32]));
        let count = self.feeds.range::<&[u8; 36]>(&from..=&to)?.count();
        u32::try_from(count).map_err(|_| LogError::Damaged {
            what: "more feeds than numbers",
        })
    }

    /// Returns the hash of a feed's envelope that the log holds.
    fn hash_at(
        &self,
        workspace: u32,
        feed: u32,
        sequence: u64,
    ) -> Result<Option<EnvelopeHash>, LogError> {
        let Some(place) = self.index.get(&index_key(workspace, feed, sequence))? else {
            return Ok(None);
        };
        let place = u64::from_be_bytes(*place.value());
        let Some(found) = self.log.get(&log_key(workspace, place))? else {
            return Err(LogError::Damaged {
                what: "the index of a feed points nowhere",
            });
        };
        decode_log(found.value()).map(|(entry, _)| Some(entry.hash))
    }

    pub(super) fn finish(mut self) -> Result<(), LogError> {
        for (id, row) in &self.touched {
            self.workspaces.insert(id.as_bytes(), &row.encode())?;
        }
        Ok(())
    }
}
