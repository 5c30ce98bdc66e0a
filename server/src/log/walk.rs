//! Reading all that a log held at one moment, for backups and checks.
//!
//! A [`Snapshot`] is one read transaction: what is committed later is not in it, and it holds up no commit. While it
//! lives, the file keeps the pages that it sees, so it is not held longer than reading takes.
//! Rows come one by one and are checked for their shape alone; what they say is for the reader to judge.

use protocol::{Blob, Cut, EnvelopeHash, FeedId, LogHash, RosterHash, WorkspaceId};
use redb::{ReadTransaction, ReadableDatabase, ReadableTableMetadata};
use sync::{LogEntry, LogHead};

use super::{
    LogError, RedbLog, Seed,
    tables::{
        FEED_INDEX, FEEDS, FORMAT, FeedRow, HELD, HELD_FEEDS, HeldRow, LOG, META, RELAY_SEED,
        ROSTER, WORKSPACES, WorkspaceRow, decode_held, decode_log, feed_key, feed_of_key, held_key,
        index_key, log_key, roster_key,
    },
};

/// Everything that a log held at one moment.
pub struct Snapshot {
    transaction: ReadTransaction,
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshot").finish_non_exhaustive()
    }
}

/// What the row of a workspace says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkspaceOutline {
    /// Its number, by which the rows of all other tables are found.
    pub number: u32,
    /// Its id.
    pub id: WorkspaceId,
    /// Where its log stands.
    pub head: LogHead,
    /// When the relay received the newest envelope, ms since 1970.
    pub received_ms: u64,
    /// The number of its roster entries.
    pub roster_len: u32,
    /// The hash of the newest roster entry.
    pub roster_head: RosterHash,
}

/// A row of the log, as far as it can be read.
#[derive(Debug)]
pub struct LogRow {
    /// The sequence under which it lies.
    pub sequence: u64,
    /// The entry and the running hash at it.
    pub content: Result<(LogEntry, LogHash), LogError>,
    /// The bytes of the envelope.
    pub bytes: u64,
}

/// What the row of a feed says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedOutline {
    /// Its number in the index of feeds.
    pub number: u32,
    /// Where it stands.
    pub head: Cut,
}

/// A row of what is held, as far as it can be read.
#[derive(Debug)]
pub struct HeldEnvelopeRow {
    /// The feed under which it lies.
    pub feed: FeedId,
    /// The sequence in the feed under which it lies.
    pub sequence: u64,
    /// The hash of the envelope, and the envelope.
    pub content: Result<(EnvelopeHash, Blob), LogError>,
}

/// What the row of a held feed says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeldOutline {
    /// The last envelope that is held.
    pub end: Cut,
    /// The bytes of all envelopes that are held.
    pub bytes: u64,
}

/// The numbers of rows of whole tables.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Roster entries of all workspaces.
    pub roster: u64,
    /// Log entries of all workspaces.
    pub log: u64,
    /// Feeds of all workspaces.
    pub feeds: u64,
    /// Places of envelopes in the index of feeds.
    pub index: u64,
    /// Envelopes that are held of all workspaces.
    pub held: u64,
    /// Feeds of all workspaces of which envelopes are held.
    pub held_feeds: u64,
}

impl RedbLog {
    /// Keeps what is committed now readable while others go on writing.
    ///
    /// # Errors
    /// The storage fails.
    pub fn snapshot(&self) -> Result<Snapshot, LogError> {
        let transaction = self.database.begin_read()?;
        Ok(Snapshot { transaction })
    }
}

impl Snapshot {
    /// Returns the number of the layout.
    ///
    /// # Errors
    /// The storage fails, or the number cannot be read.
    pub fn layout(&self) -> Result<u32, LogError> {
        let meta = self.transaction.open_table(META)?;
        let bytes = meta.get(FORMAT)?.map(|value| value.value().to_vec());
        let number = bytes.and_then(|bytes| bytes.try_into().ok());
        number.map(u32::from_be_bytes).ok_or(LogError::Damaged {
            what: "the number of the layout cannot be read",
        })
    }

    /// Returns the seed of the relay's key; none when no relay has served from the file yet.
    ///
    /// # Errors
    /// The storage fails, or what is stored is no seed.
    pub fn seed(&self) -> Result<Option<Seed>, LogError> {
        let meta = self.transaction.open_table(META)?;
        let Some(found) = meta.get(RELAY_SEED)? else {
            return Ok(None);
        };
        let seed = found.value().try_into().map_err(|_| LogError::Damaged {
            what: "the relay's key has a wrong length",
        })?;
        Ok(Some(seed))
    }

    /// Returns all workspaces in the order of their numbers.
    ///
    /// # Errors
    /// The storage fails, or a row cannot be read.
    pub fn workspaces(&self) -> Result<Vec<WorkspaceOutline>, LogError> {
        let table = self.transaction.open_table(WORKSPACES)?;
        let mut all = Vec::new();
        for found in table.range::<&[u8; 32]>(..)? {
            let (key, value) = found?;
            let row = WorkspaceRow::decode(value.value())?;
            all.push(WorkspaceOutline {
                number: row.number,
                id: WorkspaceId::from_bytes(*key.value()),
                head: row.head,
                received_ms: row.received_ms,
                roster_len: row.roster_len,
                roster_head: row.roster_head,
            });
        }
        all.sort_by_key(|workspace| workspace.number);
        Ok(all)
    }

    /// Walks the roster entries of a workspace: index from 0 and bytes.
    ///
    /// # Errors
    /// The storage fails.
    pub fn roster(
        &self,
        workspace: u32,
    ) -> Result<impl Iterator<Item = Result<(u32, Blob), LogError>> + use<>, LogError> {
        let table = self.transaction.open_table(ROSTER)?;
        let (from, to) = (roster_key(workspace, 0), roster_key(workspace, u32::MAX));
        let rows = table.range::<&[u8; 8]>(&from..=&to)?;
        Ok(rows.map(|found| {
            let (key, value) = found?;
            let [.., a, b, c, d] = *key.value();
            Ok((u32::from_be_bytes([a, b, c, d]), value.value().into()))
        }))
    }

    /// Walks the log of a workspace behind a sequence.
    ///
    /// # Errors
    /// The storage fails.
    pub fn log(
        &self,
        workspace: u32,
        after: u64,
    ) -> Result<impl Iterator<Item = Result<LogRow, LogError>> + use<>, LogError> {
        let table = self.transaction.open_table(LOG)?;
        let from = log_key(workspace, after.saturating_add(1));
        let to = log_key(workspace, u64::MAX);
        let rows = table.range::<&[u8; 12]>(&from..=&to)?;
        Ok(rows.map(|found| {
            let (key, value) = found?;
            let [_, _, _, _, sequence @ ..] = *key.value();
            let content = decode_log(value.value());
            let bytes = content.as_ref().map_or(0, |(entry, _)| entry.bytes.len());
            Ok(LogRow {
                sequence: u64::from_be_bytes(sequence),
                content,
                bytes: bytes as u64,
            })
        }))
    }

    /// Walks the feeds of a workspace.
    ///
    /// # Errors
    /// The storage fails.
    pub fn feeds(
        &self,
        workspace: u32,
    ) -> Result<impl Iterator<Item = Result<FeedOutline, LogError>> + use<>, LogError> {
        let table = self.transaction.open_table(FEEDS)?;
        let from = feed_key(workspace, &FeedId::ZERO);
        let to = feed_key(workspace, &FeedId::from_bytes([0xff; 32]));
        let rows = table.range::<&[u8; 36]>(&from..=&to)?;
        Ok(rows.map(|found| {
            let (key, value) = found?;
            let row = FeedRow::decode(&feed_of_key(key.value()), value.value())?;
            Ok(FeedOutline {
                number: row.number,
                head: row.head,
            })
        }))
    }

    /// Walks what is held in a workspace, feed by feed.
    ///
    /// # Errors
    /// The storage fails.
    pub fn held(
        &self,
        workspace: u32,
    ) -> Result<impl Iterator<Item = Result<HeldEnvelopeRow, LogError>> + use<>, LogError> {
        let table = self.transaction.open_table(HELD)?;
        let from = held_key(workspace, &FeedId::ZERO, 0);
        let to = held_key(workspace, &FeedId::from_bytes([0xff; 32]), u64::MAX);
        let rows = table.range::<&[u8; 44]>(&from..=&to)?;
        Ok(rows.map(|found| {
            let (key, value) = found?;
            let (feed, sequence) = parts_of_held_key(key.value());
            Ok(HeldEnvelopeRow {
                feed,
                sequence,
                content: decode_held(value.value()),
            })
        }))
    }

    /// Walks the feeds of a workspace of which envelopes are held.
    ///
    /// # Errors
    /// The storage fails.
    pub fn held_feeds(
        &self,
        workspace: u32,
    ) -> Result<impl Iterator<Item = Result<HeldOutline, LogError>> + use<>, LogError> {
        let table = self.transaction.open_table(HELD_FEEDS)?;
        let from = feed_key(workspace, &FeedId::ZERO);
        let to = feed_key(workspace, &FeedId::from_bytes([0xff; 32]));
        let rows = table.range::<&[u8; 36]>(&from..=&to)?;
        Ok(rows.map(|found| {
            let (key, value) = found?;
            let row = HeldRow::decode(&feed_of_key(key.value()), value.value())?;
            Ok(HeldOutline {
                end: row.end,
                bytes: row.bytes,
            })
        }))
    }

    /// Returns a look-up of where in the log an envelope of a feed lies, by the index.
    ///
    /// # Errors
    /// The storage fails.
    pub fn places(
        &self,
        workspace: u32,
    ) -> Result<impl Fn(u32, u64) -> Result<Option<u64>, LogError> + use<>, LogError> {
        let table = self.transaction.open_table(FEED_INDEX)?;
        Ok(move |feed, sequence| {
            let found = table.get(&index_key(workspace, feed, sequence))?;
            Ok(found.map(|place| u64::from_be_bytes(*place.value())))
        })
    }

    /// Counts the rows of whole tables, which tells whether any belong to no workspace.
    ///
    /// # Errors
    /// The storage fails.
    pub fn totals(&self) -> Result<Totals, LogError> {
        Ok(Totals {
            roster: self.transaction.open_table(ROSTER)?.len()?,
            log: self.transaction.open_table(LOG)?.len()?,
            feeds: self.transaction.open_table(FEEDS)?.len()?,
            index: self.transaction.open_table(FEED_INDEX)?.len()?,
            held: self.transaction.open_table(HELD)?.len()?,
            held_feeds: self.transaction.open_table(HELD_FEEDS)?.len()?,
        })
    }
}

/// Parts a key of `held` into feed and sequence.
fn parts_of_held_key(key: &[u8; 44]) -> (FeedId, u64) {
    let [_, _, _, _, rest @ ..] = *key;
    let (mut feed, mut sequence) = ([0; 32], [0; 8]);
    feed.copy_from_slice(&rest[..32]);
    sequence.copy_from_slice(&rest[32..]);
    (FeedId::from_bytes(feed), u64::from_be_bytes(sequence))
}

#[cfg(test)]
mod tests;
