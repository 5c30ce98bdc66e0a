//! The reading of rows, and the writing of one batch in one transaction.

use std::collections::{HashMap, VecDeque};

use protocol::{Cut, EnvelopeHash, FeedId, LogEpoch, RosterHash, WorkspaceId, log_next, log_start};
use redb::{ReadableTable, ReadableTableMetadata, Table, WriteTransaction};
use sync::{
    Appended, Decision, Effects, Feeds, Judged, LogEntry, LogHead, Release, Verified, decide,
    differing,
};

use super::{
    Grown, LogError, RosterPiece, StoredWorkspace, Write, Written,
    held::{first_held, held_ends, held_row, released_up_to},
    tables::{
        FEED_INDEX, FEED_LEN, FEEDS, FeedRow, HELD, HELD_FEED_LEN, HELD_FEEDS, HeldRow, LOG,
        ROSTER, WORKSPACE_LEN, WORKSPACES, WorkspaceRow, decode_held, decode_log, encode_held,
        encode_log, feed_key, held_key, index_key, log_key, roster_key,
    },
};

/// The bytes of the newest entries that a release hands out, which may let more into the log than fits memory.
const TAIL_BYTES: usize = 2 * 1024 * 1024;

/// The number of them, likewise.
const TAIL_ENTRIES: usize = 4096;

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
    held: Table<'t, &'static [u8; 44], &'static [u8]>,
    held_feeds: Table<'t, &'static [u8; 36], &'static [u8; HELD_FEED_LEN]>,
    held_limit: u64,
    touched: HashMap<WorkspaceId, WorkspaceRow>,
}

impl<'t> Batch<'t> {
    pub(super) fn open(
        transaction: &'t WriteTransaction,
        held_limit: u64,
    ) -> Result<Self, LogError> {
        Ok(Batch {
            workspaces: transaction.open_table(WORKSPACES)?,
            roster: transaction.open_table(ROSTER)?,
            log: transaction.open_table(LOG)?,
            feeds: transaction.open_table(FEEDS)?,
            index: transaction.open_table(FEED_INDEX)?,
            held: transaction.open_table(HELD)?,
            held_feeds: transaction.open_table(HELD_FEEDS)?,
            held_limit,
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
                cut,
            } => match self.workspace(&workspace)? {
                Some(mut row) => {
                    let mut grown = unchanged(&row);
                    let judged = Judged { run, cut };
                    let outcome = self.append(&mut row, received_ms, judged, &mut grown)?;
                    self.touched.insert(workspace, row);
                    Ok(Written::Appended { outcome, grown })
                }
                None => Ok(Written::NoWorkspace),
            },
            Write::Carry {
                workspace,
                received_ms,
                runs,
                feeds,
            } => match self.workspace(&workspace)? {
                Some(row) => self.carry(workspace, row, received_ms, runs, &feeds),
                None => Ok(Written::NoWorkspace),
            },
            Write::Roster {
                workspace,
                received_ms,
                expected,
                keep,
                entries,
                effects,
            } => match self.workspace(&workspace)? {
                Some(mut row) if row.roster_head == expected => {
                    let written = self.grow_roster(&mut row, received_ms, &effects)?;
                    if matches!(written, Written::RosterGrew { .. }) {
                        self.cut_roster(&mut row, keep)?;
                        self.add_entries(&mut row, &entries)?;
                    }
                    self.touched.insert(workspace, row);
                    Ok(written)
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
                held: held_ends(&self.held_feeds, row.number)?,
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
            held: Vec::new(),
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
        row: &mut WorkspaceRow,
        received_ms: u64,
        judged: Judged,
        grown: &mut Grown,
    ) -> Result<Appended, LogError> {
        let feed = judged.run.feed;
        let (log, held, outcome) = match decide(&self.feeds_of(row), judged, self.held_limit)? {
            Decision::Refuse(outcome) => return Ok(outcome),
            Decision::Take { log, held, outcome } => (log, held, outcome),
        };
        let entries = self.continue_feed(row, received_ms, feed, log)?;
        grown.entries.extend(entries);
        grown.head = row.head;
        if !held.is_empty() {
            let end = self.hold(row.number, feed, held)?;
            grown.held.push((feed, end));
        }
        Ok(outcome)
    }

    /// Decides runs one after the other; a damaged row ends that, and what was decided before stands.
    fn carry(
        &mut self,
        workspace: WorkspaceId,
        mut row: WorkspaceRow,
        received_ms: u64,
        runs: Vec<Judged>,
        feeds: &[FeedId],
    ) -> Result<Written, LogError> {
        let mut grown = unchanged(&row);
        let mut damaged = None;
        for judged in runs {
            match self.append(&mut row, received_ms, judged, &mut grown) {
                Ok(_) => {}
                Err(LogError::Damaged { what }) => {
                    damaged = Some(what);
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        self.touched.insert(workspace, row.clone());
        let mut heads = Vec::new();
        for feed in feeds {
            match feed_row(&self.feeds, row.number, feed) {
                Ok(found) => heads.extend(found.map(|found| found.head)),
                Err(LogError::Damaged { what }) => damaged = Some(what),
                Err(error) => return Err(error),
            }
        }
        Ok(Written::Carried {
            heads,
            grown,
            damaged,
        })
    }

    /// Takes the entries away that give way to those of another branch.
    fn cut_roster(&mut self, row: &mut WorkspaceRow, keep: Option<usize>) -> Result<(), LogError> {
        let keep = keep.and_then(|keep| u32::try_from(keep).ok());
        let Some(keep) = keep.filter(|keep| *keep < row.roster_len) else {
            return Ok(());
        };
        for index in keep..row.roster_len {
            self.roster.remove(&roster_key(row.number, index))?;
        }
        row.roster_len = keep;
        Ok(())
    }

    /// Checks what a growth of the roster asks of the log, and does it.
    fn grow_roster(
        &mut self,
        row: &mut WorkspaceRow,
        received_ms: u64,
        effects: &Effects,
    ) -> Result<Written, LogError> {
        if let Some(heads) = differing(&self.feeds_of(row), effects)? {
            return Ok(Written::CutsDiffer { heads });
        }
        // All is read before anything is changed, one envelope at a time: together they may be more than fits memory.
        let mut released = Vec::new();
        for Release { feed, to, .. } in &effects.releases {
            if let Some(last) = released_up_to(&self.held, row.number, feed, to.as_ref())? {
                released.push((*feed, last));
            }
        }
        let mut grown = unchanged(row);
        let mut tail = Tail::default();
        for (feed, last) in released {
            let end = self.release(row, received_ms, feed, last, &mut tail)?;
            grown.held.push((feed, end));
        }
        grown.entries = tail.entries.into();
        grown.head = row.head;
        Ok(Written::RosterGrew { grown })
    }

    /// Lets what is held of a feed into the log up to a sequence; returns up to where the rest is held.
    fn release(
        &mut self,
        row: &mut WorkspaceRow,
        received_ms: u64,
        feed: FeedId,
        last: u64,
        tail: &mut Tail,
    ) -> Result<Option<Cut>, LogError> {
        let before = held_row(&self.held_feeds, row.number, &feed)?;
        let mut place = self.place_of(row, feed)?;
        let mut released_bytes = 0;
        while let Some(envelope) = first_held(&self.held, row.number, &feed, last)? {
            let key = held_key(row.number, &feed, envelope.sequence);
            self.held.remove(&key)?;
            released_bytes += envelope.bytes.len() as u64;
            tail.add(self.add_one(row, received_ms, &mut place, envelope)?);
        }
        let key = feed_key(row.number, &feed);
        self.feeds.insert(&key, &place.encode())?;
        let rest = before.filter(|held| held.end.sequence > last);
        match rest {
            Some(held) => {
                let held = HeldRow {
                    bytes: held.bytes.saturating_sub(released_bytes),
                    ..held
                };
                self.held_feeds.insert(&key, &held.encode())?;
            }
            None => drop(self.held_feeds.remove(&key)?),
        }
        Ok(rest.map(|held| held.end))
    }

    /// Adds envelopes that continue a feed to the log, and returns their entries.
    fn continue_feed(
        &mut self,
        row: &mut WorkspaceRow,
        received_ms: u64,
        feed: FeedId,
        envelopes: Vec<Verified>,
    ) -> Result<Vec<LogEntry>, LogError> {
        if envelopes.is_empty() {
            return Ok(Vec::new());
        }
        let mut place = self.place_of(row, feed)?;
        let mut entries = Vec::new();
        for envelope in envelopes {
            entries.push(self.add_one(row, received_ms, &mut place, envelope)?);
        }
        self.feeds
            .insert(&feed_key(row.number, &feed), &place.encode())?;
        Ok(entries)
    }

    /// Returns where a feed stands in the log, and the number that it has or gets there.
    fn place_of(&self, row: &WorkspaceRow, feed: FeedId) -> Result<FeedRow, LogError> {
        Ok(match feed_row(&self.feeds, row.number, &feed)? {
            Some(known) => known,
            None => FeedRow {
                number: self.next_feed(row.number)?,
                head: Cut {
                    feed,
                    sequence: 0,
                    hash: EnvelopeHash::ZERO,
                },
            },
        })
    }

    /// Adds the envelope that continues a feed to the log, and returns its entry.
    fn add_one(
        &mut self,
        row: &mut WorkspaceRow,
        received_ms: u64,
        place: &mut FeedRow,
        envelope: Verified,
    ) -> Result<LogEntry, LogError> {
        row.received_ms = row.received_ms.max(received_ms);
        let entry = LogEntry {
            received_ms: row.received_ms,
            feed: place.head.feed,
            sequence: envelope.sequence,
            hash: envelope.hash,
            bytes: envelope.bytes,
        };
        self.add_to_log(&mut row.head, row.number, place.number, &entry)?;
        place.head.sequence = entry.sequence;
        place.head.hash = entry.hash;
        Ok(entry)
    }

    /// Keeps envelopes apart, behind those of their feed that are held; returns up to where that is now.
    fn hold(
        &mut self,
        workspace: u32,
        feed: FeedId,
        envelopes: Vec<Verified>,
    ) -> Result<Option<Cut>, LogError> {
        let mut row = held_row(&self.held_feeds, workspace, &feed)?;
        for envelope in envelopes {
            let key = held_key(workspace, &feed, envelope.sequence);
            let value = encode_held(&envelope.hash, &envelope.bytes);
            self.held.insert(&key, value.as_slice())?;
            row = Some(HeldRow {
                end: Cut {
                    feed,
                    sequence: envelope.sequence,
                    hash: envelope.hash,
                },
                bytes: row.map_or(0, |row| row.bytes) + envelope.bytes.len() as u64,
            });
        }
        if let Some(row) = &row {
            self.held_feeds
                .insert(&feed_key(workspace, &feed), &row.encode())?;
        }
        Ok(row.map(|row| row.end))
    }

    fn feeds_of<'b>(&'b self, row: &WorkspaceRow) -> FeedsOf<'b, 't> {
        FeedsOf {
            batch: self,
            workspace: row.number,
        }
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

/// The newest of many entries, for those who follow the workspace; who lacks more reads the log.
#[derive(Debug, Default)]
struct Tail {
    entries: VecDeque<LogEntry>,
    bytes: usize,
}

impl Tail {
    fn add(&mut self, entry: LogEntry) {
        self.bytes += entry.bytes.len();
        self.entries.push_back(entry);
        while self.bytes > TAIL_BYTES || self.entries.len() > TAIL_ENTRIES {
            let oldest = self.entries.pop_front();
            self.bytes -= oldest.map_or(0, |entry| entry.bytes.len());
        }
    }
}

/// Says that a write has added nothing yet.
fn unchanged(row: &WorkspaceRow) -> Grown {
    Grown {
        entries: Vec::new(),
        head: row.head,
        held: Vec::new(),
    }
}

/// The feeds of one workspace, as the batch has left them.
struct FeedsOf<'b, 't> {
    batch: &'b Batch<'t>,
    workspace: u32,
}

impl Feeds for FeedsOf<'_, '_> {
    type Error = LogError;

    fn head(&self, feed: &FeedId) -> Result<Option<Cut>, LogError> {
        let row = feed_row(&self.batch.feeds, self.workspace, feed)?;
        Ok(row.map(|row| row.head))
    }

    fn held(&self, feed: &FeedId) -> Result<Option<(Cut, u64)>, LogError> {
        let row = held_row(&self.batch.held_feeds, self.workspace, feed)?;
        Ok(row.map(|row| (row.end, row.bytes)))
    }

    fn hash_at(&self, feed: &FeedId, sequence: u64) -> Result<Option<EnvelopeHash>, LogError> {
        let key = held_key(self.workspace, feed, sequence);
        if let Some(held) = self.batch.held.get(&key)? {
            return Ok(Some(decode_held(held.value())?.0));
        }
        match feed_row(&self.batch.feeds, self.workspace, feed)? {
            Some(row) => self.batch.hash_at(self.workspace, row.number, sequence),
            None => Ok(None),
        }
    }
}
