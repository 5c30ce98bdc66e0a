//! A log in one redb file; the bytes are described in `tables.rs`.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use data_encoding::HEXLOWER;
use protocol::{Cut, FeedId, LogHash, WorkspaceId, limits::MAX_HELD_BYTES_PER_FEED, log_start};
use redb::{
    Database, DatabaseError, Durability, ReadTransaction, ReadableDatabase, ReadableTable,
    WriteTransaction,
};
use sync::{Comparison, LogEntry};

use super::{
    ChangeLog, FeedPiece, FeedRange, LogError, OpenError, Seed, StoredWorkspace, Write, Written,
    batch::{Batch, feed_row, roster, row},
    held::{self, held_ends},
    tables::{
        FEED_INDEX, FEEDS, FORMAT, FORMAT_NOW, HELD, HELD_FEEDS, LOG, META, RELAY_SEED, ROSTER,
        WORKSPACES, WorkspaceRow, decode_log, log_key,
    },
};
use crate::clock;

/// The name of the database file in the relay's data directory.
pub const FILE_NAME: &str = "relay.redb";

/// The memory that redb may use for pages.
const CACHE_BYTES: usize = 16 * 1024 * 1024;

/// How far a file is trusted before anything in it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// Its pages are what was written to them, as they are while the disk is sound.
    Pages,
    /// Every page is read and compared with its checksum first, which takes as long as reading the file.
    Nothing,
}

/// A log in a redb file that this process alone has open.
#[derive(Debug)]
pub struct RedbLog {
    pub(super) database: Database,
    held_limit: u64,
}

impl RedbLog {
    /// Opens the log in a folder; makes both when they are not there, readable by this user only.
    ///
    /// # Errors
    /// The folder cannot be used, another relay has the file open, or the file is damaged or too new.
    pub fn open(folder: &Path) -> Result<Self, OpenError> {
        RedbLog::open_file(folder, folder.join(FILE_NAME), Trust::Pages)
    }

    /// Opens the log in a folder that holds one; makes nothing.
    ///
    /// # Errors
    /// As [`RedbLog::open`], and there is no file.
    pub fn open_existing(folder: &Path, trust: Trust) -> Result<Self, OpenError> {
        let path = folder.join(FILE_NAME);
        if !path.is_file() {
            return Err(OpenError::Missing { path });
        }
        RedbLog::open_file(folder, path, trust)
    }

    /// Opens the log in a file of the folder; makes both when they are not there.
    ///
    /// # Errors
    /// As [`RedbLog::open`].
    pub(crate) fn open_file(folder: &Path, path: PathBuf, trust: Trust) -> Result<Self, OpenError> {
        make_folder(folder).map_err(|source| OpenError::of_system(folder, &path, source))?;
        if !path.try_exists().is_ok_and(|exists| exists) {
            RedbLog::create(folder, &path)?;
        }
        RedbLog::open_database(folder, path, trust)
    }

    /// Makes an empty log beside its place, and gives it its name when it is whole and durable.
    ///
    /// So a file with the name of a log is one, whatever ends the process or fills the disk meanwhile.
    fn create(folder: &Path, path: &Path) -> Result<(), OpenError> {
        let random = HEXLOWER.encode(&clock::random::<8>());
        let part = Part(folder.join(format!("{FILE_NAME}.{random}.part")));
        let system = |source| OpenError::of_system(folder, path, source);
        make_private(&part.0).map_err(system)?;
        drop(RedbLog::open_database(
            folder,
            part.0.clone(),
            Trust::Pages,
        )?);
        // A rename would replace the log of a relay that starts at the same moment; a second name does not.
        match fs::hard_link(&part.0, path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            // Where files have one name only.
            Err(_) => fs::rename(&part.0, path).map_err(system)?,
        }
        // The name of the file lies in the folder; without this a power cut could take the file away.
        #[cfg(unix)]
        fs::File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(system)?;
        Ok(())
    }

    fn open_database(folder: &Path, path: PathBuf, trust: Trust) -> Result<Self, OpenError> {
        let opened = Database::builder()
            .set_cache_size(CACHE_BYTES)
            .set_check_integrity_on_open(trust == Trust::Nothing)
            .create(&path);
        let database = opened.map_err(|error| match error {
            DatabaseError::DatabaseAlreadyOpen => OpenError::Locked { path: path.clone() },
            DatabaseError::Storage(redb::StorageError::Io(source)) => {
                OpenError::of_system(folder, &path, source)
            }
            error => OpenError::Damaged {
                path: path.clone(),
                source: error.into(),
            },
        })?;
        let log = RedbLog {
            database,
            held_limit: MAX_HELD_BYTES_PER_FEED,
        };
        let found = log.prepare().map_err(|error| match error.into_system() {
            Ok(source) => OpenError::of_system(folder, &path, source),
            Err(error) => OpenError::Damaged {
                path: path.clone(),
                source: error.into(),
            },
        })?;
        if found > FORMAT_NOW {
            return Err(OpenError::Newer {
                path,
                found,
                known: FORMAT_NOW,
            });
        }
        Ok(log)
    }

    /// Opens the log in any storage of redb's, and makes one there when it is empty.
    ///
    /// # Errors
    /// The storage fails, or holds something else.
    pub fn in_storage(storage: impl redb::StorageBackend) -> Result<Self, LogError> {
        let damaged = |error: DatabaseError| LogError::Storage {
            source: Box::new(error),
        };
        let mut builder = Database::builder();
        let opened = builder
            .set_cache_size(CACHE_BYTES)
            .create_with_backend(storage);
        let log = RedbLog {
            database: opened.map_err(damaged)?,
            held_limit: MAX_HELD_BYTES_PER_FEED,
        };
        if log.prepare()? > FORMAT_NOW {
            return Err(LogError::Damaged {
                what: "a newer relay wrote it",
            });
        }
        Ok(log)
    }

    /// Holds so many bytes of a feed and no more.
    #[must_use]
    pub fn with_held_limit(self, bytes: u64) -> Self {
        RedbLog {
            held_limit: bytes,
            ..self
        }
    }

    /// Makes all tables and returns the format of the file.
    fn prepare(&self) -> Result<u32, LogError> {
        let transaction = self.begin()?;
        let found = {
            let mut meta = transaction.open_table(META)?;
            let stored = meta.get(FORMAT)?.map(|value| value.value().to_vec());
            match stored {
                Some(bytes) => {
                    u32::from_be_bytes(bytes.try_into().map_err(|_| LogError::Damaged {
                        what: "the format is not a number",
                    })?)
                }
                None => {
                    meta.insert(FORMAT, FORMAT_NOW.to_be_bytes().as_slice())?;
                    FORMAT_NOW
                }
            }
        };
        if found > FORMAT_NOW {
            return Ok(found);
        }
        if found < FORMAT_NOW {
            // From 1 to 2: the tables of what is held begin empty.
            let mut meta = transaction.open_table(META)?;
            meta.insert(FORMAT, FORMAT_NOW.to_be_bytes().as_slice())?;
        }
        transaction.open_table(HELD)?;
        transaction.open_table(HELD_FEEDS)?;
        transaction.open_table(WORKSPACES)?;
        transaction.open_table(ROSTER)?;
        transaction.open_table(LOG)?;
        transaction.open_table(FEEDS)?;
        transaction.open_table(FEED_INDEX)?;
        transaction.commit()?;
        Ok(found)
    }

    /// Begins a transaction whose commit is on the disk when it returns.
    fn begin(&self) -> Result<WriteTransaction, LogError> {
        let mut transaction = self.database.begin_write()?;
        transaction.set_durability(Durability::Immediate)?;
        #[cfg(feature = "sabotage")]
        if sabotage::is(sabotage::Break::AcknowledgeBeforeSync) {
            transaction.set_durability(Durability::None)?;
        }
        transaction.set_quick_repair(true);
        Ok(transaction)
    }
}

/// A log that has not got its name yet; its own name goes with the value.
struct Part(PathBuf);

impl Drop for Part {
    fn drop(&mut self) {
        // After a rename it is gone already.
        drop(fs::remove_file(&self.0));
    }
}

/// Makes the folder (0700), so that nobody else on the machine looks into it.
fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.recursive(true).create(folder)
}

/// Makes an empty file (0600), so that nobody else on the machine reads it.
fn make_private(file: &Path) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options
        .read(true)
        .write(true)
        .create_new(true)
        .open(file)
        .map(drop)
}

impl RedbLog {
    fn reading(
        &self,
        workspace: &WorkspaceId,
    ) -> Result<Option<(ReadTransaction, WorkspaceRow)>, LogError> {
        let transaction = self.database.begin_read()?;
        let found = row(&transaction.open_table(WORKSPACES)?, workspace)?;
        Ok(found.map(|row| (transaction, row)))
    }
}

impl ChangeLog for RedbLog {
    fn seed(&self, fresh: Seed) -> Result<Seed, LogError> {
        let transaction = self.begin()?;
        let seed = {
            let mut meta = transaction.open_table(META)?;
            let stored = meta.get(RELAY_SEED)?.map(|value| value.value().to_vec());
            match stored {
                Some(bytes) => bytes.try_into().map_err(|_| LogError::Damaged {
                    what: "the relay's key has a wrong length",
                })?,
                None => {
                    meta.insert(RELAY_SEED, fresh.as_slice())?;
                    fresh
                }
            }
        };
        transaction.commit()?;
        Ok(seed)
    }

    fn workspace(&self, workspace: &WorkspaceId) -> Result<Option<StoredWorkspace>, LogError> {
        let Some((transaction, row)) = self.reading(workspace)? else {
            return Ok(None);
        };
        Ok(Some(StoredWorkspace {
            head: row.head,
            roster: roster(&transaction.open_table(ROSTER)?, &row)?,
            held: held_ends(&transaction.open_table(HELD_FEEDS)?, row.number)?,
        }))
    }

    fn commit(&self, batch: Vec<Write>) -> Result<Vec<Written>, LogError> {
        let transaction = self.begin()?;
        let mut tables = Batch::open(&transaction, self.held_limit)?;
        let written = batch
            .into_iter()
            // A write reads all that it needs before it changes anything, so nothing of a failed one is left.
            .map(|write| match tables.write(write) {
                Err(LogError::Damaged { what }) => Ok(Written::Damaged { what }),
                written => written,
            })
            .collect::<Result<Vec<_>, _>>()?;
        tables.finish()?;
        transaction.commit()?;
        Ok(written)
    }

    fn read(
        &self,
        workspace: &WorkspaceId,
        after: u64,
        max_bytes: usize,
        max_entries: usize,
    ) -> Result<Vec<LogEntry>, LogError> {
        let Some((transaction, row)) = self.reading(workspace)? else {
            return Ok(Vec::new());
        };
        let log = transaction.open_table(LOG)?;
        let from = log_key(row.number, after.saturating_add(1));
        let to = log_key(row.number, row.head.sequence);
        let mut entries: Vec<LogEntry> = Vec::new();
        if from > to {
            return Ok(entries);
        }
        let mut bytes = 0;
        for found in log.range::<&[u8; 12]>(&from..=&to)? {
            let (entry, _) = decode_log(found?.1.value())?;
            bytes += entry.bytes.len();
            if !entries.is_empty() && (bytes > max_bytes || entries.len() >= max_entries) {
                break;
            }
            entries.push(entry);
        }
        Ok(entries)
    }

    fn running_hash(
        &self,
        workspace: &WorkspaceId,
        sequence: u64,
    ) -> Result<Option<LogHash>, LogError> {
        let Some((transaction, row)) = self.reading(workspace)? else {
            return Ok(None);
        };
        if sequence == 0 {
            return Ok(Some(log_start(workspace, &row.head.epoch)));
        }
        let log = transaction.open_table(LOG)?;
        let found = log.get(&log_key(row.number, sequence))?;
        let entry = found.map(|value| decode_log(value.value())).transpose()?;
        Ok(entry.map(|(_, running)| running))
    }

    fn feed_head(&self, workspace: &WorkspaceId, feed: &FeedId) -> Result<Option<Cut>, LogError> {
        let Some((transaction, row)) = self.reading(workspace)? else {
            return Ok(None);
        };
        let found = feed_row(&transaction.open_table(FEEDS)?, row.number, feed)?;
        Ok(found.map(|row| row.head))
    }

    fn feed_end(&self, workspace: &WorkspaceId, feed: &FeedId) -> Result<Option<Cut>, LogError> {
        match self.reading(workspace)? {
            Some((transaction, row)) => held::feed_end(&transaction, row.number, feed),
            None => Ok(None),
        }
    }

    fn compare(
        &self,
        workspace: &WorkspaceId,
        known: &[Cut],
    ) -> Result<Option<Comparison>, LogError> {
        let Some((transaction, row)) = self.reading(workspace)? else {
            return Ok(None);
        };
        held::compare(&transaction, row.number, row.head, known).map(Some)
    }

    fn read_feed(&self, workspace: &WorkspaceId, range: FeedRange) -> Result<FeedPiece, LogError> {
        match self.reading(workspace)? {
            Some((transaction, row)) => held::read_feed(&transaction, row.number, range),
            None => Ok(FeedPiece::default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use protocol::{Blob, Entry, EnvelopeHash, LogEpoch, Signature};
    use sync::{Effects, Release, Run, Verified};

    use super::*;
    use crate::log::{
        RosterPiece,
        tables::{held_key, roster_key},
    };

    fn create(id: u8) -> Write {
        let entry = Entry {
            body: Blob::from(vec![id; 40]),
            signature: Signature::ZERO,
        };
        Write::Create {
            workspace: WorkspaceId::from_bytes([id; 32]),
            epoch: LogEpoch::ZERO,
            roster: vec![RosterPiece {
                hash: entry.hash(),
                bytes: entry.encode().into(),
            }],
            quota: 9,
        }
    }

    #[test]
    fn a_log_gets_its_name_when_it_is_whole() {
        let folder = tempfile::tempdir().expect("makes a folder");
        let left = folder.path().join(format!("{FILE_NAME}.0011.part"));
        fs::write(&left, b"a log that was cut off").expect("writes");
        let log = RedbLog::open(folder.path()).expect("opens");
        let seed = log.seed([1; 32]).expect("keeps");
        drop(log);
        let log = RedbLog::open(folder.path()).expect("opens again");
        assert_eq!(log.seed([2; 32]).expect("reads"), seed);
        let mut names: Vec<_> = fs::read_dir(folder.path())
            .expect("reads")
            .map(|entry| entry.expect("reads").path())
            .collect();
        names.sort();
        assert_eq!(names, [folder.path().join(FILE_NAME), left]);
    }

    fn envelopes(feed: u8, from: u64, to: u64, cut: u64) -> Write {
        let feed = FeedId::from_bytes([feed; 32]);
        let hash = |sequence: u64| match sequence {
            0 => EnvelopeHash::ZERO,
            _ => EnvelopeHash::from_bytes([sequence as u8; 32]),
        };
        let envelopes = (from..=to).map(|sequence| Verified {
            sequence,
            previous: hash(sequence - 1),
            hash: hash(sequence),
            bytes: Blob::from(vec![9; 20]),
        });
        Write::Append {
            workspace: WorkspaceId::from_bytes([1; 32]),
            received_ms: 5,
            run: Run {
                feed,
                envelopes: envelopes.collect(),
            },
            cut: Some(Cut {
                feed,
                sequence: cut,
                hash: hash(cut),
            }),
        }
    }

    #[test]
    fn a_damaged_row_of_what_is_held_leaves_nothing_of_a_write_that_needs_it() {
        let folder = tempfile::tempdir().expect("makes a folder");
        let log = RedbLog::open(folder.path()).expect("opens");
        let Write::Create { roster, .. } = create(1) else {
            unreachable!("it begins one")
        };
        let held = vec![create(1), envelopes(1, 1, 2, 0), envelopes(2, 1, 2, 0)];
        log.commit(held).expect("commits");
        let second = FeedId::from_bytes([2; 32]);
        let transaction = log.begin().expect("begins");
        transaction
            .open_table(HELD)
            .expect("opens")
            .insert(&held_key(0, &second, 2), [1, 2, 3].as_slice())
            .expect("writes");
        transaction.commit().expect("commits");
        let all = || {
            let id = WorkspaceId::from_bytes([1; 32]);
            let log_ = log.read(&id, 0, usize::MAX, usize::MAX).expect("reads");
            let first = [1, 2].map(|feed| {
                let range = FeedRange {
                    feed: FeedId::from_bytes([feed; 32]),
                    from: 1,
                    to: 1,
                    max_bytes: 99,
                    max_envelopes: 9,
                };
                log.read_feed(&id, range).expect("reads")
            });
            (log.workspace(&id).expect("reads"), log_, first)
        };
        let before = all();

        // The first of two feeds that are let in is sound.
        let releases = [1, 2].map(|feed| Release {
            feed: FeedId::from_bytes([feed; 32]),
            to: None,
            is_move: false,
        });
        let growth = Write::Roster {
            workspace: WorkspaceId::from_bytes([1; 32]),
            received_ms: 6,
            expected: roster[0].hash,
            keep: None,
            entries: Vec::new(),
            effects: Effects {
                releases: releases.to_vec(),
                ..Effects::default()
            },
        };
        // And so is what proves the second.
        for write in [growth, envelopes(2, 3, 3, 3)] {
            let written = log.commit(vec![write]).expect("goes on");
            assert!(matches!(written[0], Written::Damaged { .. }), "{written:?}");
            assert_eq!(all(), before);
        }
    }

    #[test]
    fn a_damaged_row_fails_what_needs_it_and_nothing_else() {
        let folder = tempfile::tempdir().expect("makes a folder");
        let log = RedbLog::open(folder.path()).expect("opens");
        log.commit(vec![create(1), create(2)]).expect("commits");
        let transaction = log.begin().expect("begins");
        transaction
            .open_table(ROSTER)
            .expect("opens")
            .remove(&roster_key(0, 0))
            .expect("removes");
        transaction.commit().expect("commits");

        let written = log.commit(vec![create(3), create(1), create(2)]);
        let written = written.expect("goes on");
        assert!(matches!(written[0], Written::Created(_)), "{written:?}");
        assert!(matches!(written[1], Written::Damaged { .. }), "{written:?}");
        assert!(matches!(written[2], Written::Created(_)), "{written:?}");
        for (id, is_damaged) in [(1, true), (2, false), (3, false)] {
            let found = log.workspace(&WorkspaceId::from_bytes([id; 32]));
            assert_eq!(found.is_err(), is_damaged, "{id}: {found:?}");
        }
    }
}
