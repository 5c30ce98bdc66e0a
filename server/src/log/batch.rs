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
    held::{first_held, held_ends, held_row, held_up_to},
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
                    let mut new = News::default();
                    let judged = Judged {
                        run,
                        cut,
                        is_own: true,
                    };
                    let outcome = self.append(&mut row, received_ms, judged, &mut new)?;
                    let grown = new.grown(&row);
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
        new: &mut News,
    ) -> Result<Appended, LogError> {
        let feed = judged.run.feed;
        let decided = decide(&self.feeds_of(row), judged, self.held_limit)?;
        let (drop_behind, let_in, log, held, outcome) = match decided {
            Decision::Refuse(outcome) => return Ok(outcome),
            Decision::Take {
                drop_behind,
                let_in,
                log,
                held,
                outcome,
            } => (drop_behind, let_in, log, held, outcome),
        };
        // All is read before anything is changed.
        let mut place = self.place_of(row, feed)?;
        let known = place.head.sequence;
        let before = held_row(&self.held_feeds, row.number, &feed)?;
        let kept = match drop_behind {
            Some(last) => held_up_to(&self.held, row.number, &feed, last)?,
            None => before,
        };
        let last = match let_in {
            Some(last) => held_up_to(&self.held, row.number, &feed, last)?.map(|_| last),
            None => None,
        };
        if kept.map(|kept| kept.end) != before.map(|before| before.end) {
            self.drop_held(row.number, &feed, kept)?;
        }
        if let Some(last) = last {
            self.release(row, received_ms, last, kept, &mut place, new)?;
        }
        for envelope in log {
            let entry = self.add_one(row, received_ms, &mut place, envelope)?;
            new.add(entry);
        }
        if place.head.sequence > known {
            let key = feed_key(row.number, &feed);
            self.feeds.insert(&key, &place.encode())?;
        }
        let after = match (held.is_empty(), last) {
            (false, _) => self.hold(row.number, feed, held)?,
            (true, Some(last)) => kept.filter(|kept| kept.end.sequence > last),
            (true, None) => kept,
        };
        let end = after.map(|after| after.end);
        if end != before.map(|before| before.end) {
            new.held.push((feed, end));
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
        let mut new = News::default();
        let mut damaged = None;
        for judged in runs {
            match self.append(&mut row, received_ms, judged, &mut new) {
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
            grown: new.grown(&row),
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
        let mut new_feeds = 0;
        for Release { feed, to, .. } in &effects.releases {
            let up_to = to.map_or(u64::MAX, |cut| cut.sequence);
            let Some(found) = held_up_to(&self.held, row.number, feed, up_to)? else {
                continue;
            };
            // As `sync::release`, which has all of it in memory: only the envelope that is named proves the others.
            if to.is_some_and(|cut| cut != found.end) {
                continue;
            }
            let before = held_row(&self.held_feeds, row.number, feed)?;
            let mut place = self.place_of(row, *feed)?;
            if place.head.sequence == 0 {
                // Those before it in this write get the numbers before it.
                place.number += new_feeds;
                new_feeds += 1;
            }
            released.push((found.end, before, place));
        }
        let mut new = News::default();
        for (end, before, mut place) in released {
            self.release(row, received_ms, end.sequence, before, &mut place, &mut new)?;
            let key = feed_key(row.number, &end.feed);
            self.feeds.insert(&key, &place.encode())?;
            let rest = before.filter(|held| held.end.sequence > end.sequence);
            new.held.push((end.feed, rest.map(|held| held.end)));
        }
        Ok(Written::RosterGrew {
            grown: new.grown(row),
        })
    }

    /// Lets what is held of a feed into the log up to a sequence; the row of the feed is the caller's to write.
    fn release(
        &mut self,
        row: &mut WorkspaceRow,
        received_ms: u64,
        last: u64,
        before: Option<HeldRow>,
        place: &mut FeedRow,
        new: &mut News,
    ) -> Result<(), LogError> {
        let feed = place.head.feed;
        let mut released_bytes = 0;
        while let Some(envelope) = first_held(&self.held, row.number, &feed, last)? {
            let key = held_key(row.number, &feed, envelope.sequence);
            self.held.remove(&key)?;
            released_bytes += envelope.bytes.len() as u64;
            let entry = self.add_one(row, received_ms, place, envelope)?;
            new.add(entry);
        }
        let rest = before.filter(|held| held.end.sequence > last);
        let rest = rest.map(|held| HeldRow {
            bytes: held.bytes.saturating_sub(released_bytes),
            ..held
        });
        self.note_held(row.number, &feed, rest)
    }

    /// Takes away what is held of a feed behind what is kept.
    fn drop_held(
        &mut self,
        workspace: u32,
        feed: &FeedId,
        kept: Option<HeldRow>,
    ) -> Result<(), LogError> {
        let from = kept.map_or(0, |kept| kept.end.sequence + 1);
        let from = held_key(workspace, feed, from);
        let to = held_key(workspace, feed, u64::MAX);
        self.held
            .retain_in::<&[u8; 44], _>(&from..=&to, |_, _| false)?;
        self.note_held(workspace, feed, kept)
    }

    /// Writes what is held of a feed by now.
    fn note_held(
        &mut self,
        workspace: u32,
        feed: &FeedId,
        held: Option<HeldRow>,
    ) -> Result<(), LogError> {
        let key = feed_key(workspace, feed);
        match held {
            Some(held) => drop(self.held_feeds.insert(&key, &held.encode())?),
            None => drop(self.held_feeds.remove(&key)?),
        }
        Ok(())
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

    /// Keeps envelopes apart, behind those of their feed that are held; returns what is held by then.
    fn hold(
        &mut self,
        workspace: u32,
        feed: FeedId,
        envelopes: Vec<Verified>,
    ) -> Result<Option<HeldRow>, LogError> {
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
        self.note_held(workspace, &feed, row)?;
        Ok(row)
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

/// What a write has added for those who follow the workspace: of many entries the newest; who lacks more reads the log.
#[derive(Debug, Default)]
struct News {
    entries: VecDeque<LogEntry>,
    bytes: usize,
    held: Vec<(FeedId, Option<Cut>)>,
}

impl News {
    fn add(&mut self, entry: LogEntry) {
        self.bytes += entry.bytes.len();
        self.entries.push_back(entry);
        while self.bytes > TAIL_BYTES || self.entries.len() > TAIL_ENTRIES {
            let oldest = self.entries.pop_front();
            self.bytes -= oldest.map_or(0, |entry| entry.bytes.len());
        }
    }

    fn grown(self, row: &WorkspaceRow) -> Grown {
        Grown {
            entries: self.entries.into(),
            head: row.head,
            held: self.held,
        }
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
