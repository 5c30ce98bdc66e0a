//! The redb tables of a replica, and the backends that redb runs on.
//!
//! This crate knows bytes, not meanings: ids are arrays, values are opaque.
//! It is the only one on the client's side that names redb.
//!
//! **Tables.** The module `tables` lists them all, with key bytes and meaning.
//!
//! **Order of durability.** A [`Write`] is one redb transaction, committed in two phases: its pages and the second
//! commit slot are synced, then the header names that slot and is synced. [`Write::commit`] returns after the second
//! sync. What belongs together (documents, views, envelope, feed, cursor) is therefore written in one [`Write`].
//!
//! **What a crash leaves.** Every commit that returned `Ok`, whole, and nothing of a [`Write`] that was dropped.
//! A commit that was under way is there whole or not at all. Each commit records which pages are free, so opening
//! after a crash costs no walk through the file. A crash while a store is created leaves nothing, or what the next
//! [`Store::open`] recognises as unfinished and begins again.
//!
//! **After an I/O error** the store answers [`StoreError::Broken`] until it is opened again, since what is in memory
//! may not be what is on the disk.
//!
//! **Damage** is reported, and never repaired by forgetting: nothing is written to a backend before the store in it
//! has been recognised as ours and of a version that is known. Pages are trusted unless they are checked
//! ([`Options::check_pages`] reads them all); reading a damaged one may end in an error or in a panic of redb.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use redb::{ReadableDatabase, TableDefinition};

mod backend;
mod error;
mod open;
mod read;
mod rows;
mod tables;
mod write;

pub use backend::{Backend, FaultBackend, Operation};
pub use error::{OpenError, StoreError};
pub use read::{Reading, Source};
pub use redb::StorageBackend;
pub use rows::Rows;

/// The version of the tables' layout that this program writes.
pub const FORMAT_VERSION: u32 = 3;
/// The bytes of memory that redb may use as its cache unless [`Options`] say otherwise.
pub const DEFAULT_CACHE_BYTES: usize = 64 * 1024 * 1024;
/// The most bytes that one value may have; far above any limit of the layers above.
pub const MAX_VALUE_BYTES: usize = 64 * 1024 * 1024;
/// The most bytes that a name (of a meta value, a counter, a local value) may have.
pub const MAX_NAME_BYTES: usize = 256;

/// What the names of the store's own meta values begin with.
const OWN_META_PREFIX: &str = "store/";

/// How a store is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// The bytes of memory that redb may use as its cache.
    pub cache_bytes: usize,
    /// Refuses a backend without a store instead of creating one there.
    pub must_exist: bool,
    /// Verifies the checksum of every page, which reads the whole store.
    pub check_pages: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            cache_bytes: DEFAULT_CACHE_BYTES,
            must_exist: false,
            check_pages: false,
        }
    }
}

/// Names an envelope by its feed and its sequence there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EnvelopeKey {
    /// The feed, a device's public key.
    pub feed: [u8; 32],
    /// The sequence in the feed.
    pub sequence: u64,
}

impl EnvelopeKey {
    fn to_bytes(self) -> [u8; 40] {
        tables::envelope_key(&self.feed, self.sequence)
    }

    fn from_bytes(bytes: &[u8; 40]) -> Self {
        let (feed, sequence) = tables::split::<32, 8, 40>(bytes);
        Self {
            feed,
            sequence: u64::from_be_bytes(sequence),
        }
    }
}

/// An envelope with its place in the order in which this device got it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The place, from 1.
    pub order: u64,
    /// The feed and the sequence.
    pub key: EnvelopeKey,
    /// The sealed envelope.
    pub bytes: Vec<u8>,
}

/// An open store.
///
/// It closes cleanly when it is dropped, after the last [`Write`] of it has ended.
pub struct Store {
    /// Absent only after a [`Store::reopen`] that failed.
    database: Option<redb::Database>,
    broken: Arc<AtomicBool>,
    backend: Backend,
    options: Options,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("backend", &self.backend)
            .field("broken", &self.broken)
            .finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the store in a backend with the default [`Options`], creating it where there is nothing.
    pub fn open(backend: Backend) -> Result<Self, OpenError> {
        Self::open_with(backend, Options::default())
    }

    /// Opens the store in a backend.
    ///
    /// On an error the bytes in the backend are as they were.
    pub fn open_with(mut backend: Backend, options: Options) -> Result<Self, OpenError> {
        let (database, broken) = open::open(&mut backend, options)?;
        Ok(Self {
            database: Some(database),
            broken,
            backend,
            options,
        })
    }

    /// Opens the store again after an error; every [`Read`] and [`Write`] of it must have ended.
    ///
    /// Works for files and for [`FaultBackend`]; others answer [`OpenError::OpenedOnce`]. While a [`Write`] is alive
    /// it answers [`OpenError::Locked`]. After any error the store stays broken and this can be tried again.
    pub fn reopen(&mut self) -> Result<(), OpenError> {
        self.backend.can_reopen()?;
        self.broken.store(true, Ordering::Release);
        self.database = None;
        let options = Options {
            must_exist: true,
            ..self.options
        };
        let (database, broken) = open::open(&mut self.backend, options)?;
        self.database = Some(database);
        self.broken = broken;
        Ok(())
    }

    /// Begins to read the state of this moment, which later commits do not change.
    pub fn read(&self) -> Result<Read, StoreError> {
        let transaction = self.database()?.begin_read()?;
        Ok(Read {
            transaction,
            broken: self.broken.clone(),
        })
    }

    /// Begins a write; there is one at a time, a second one gets [`StoreError::Busy`].
    pub fn write(&self) -> Result<Write, StoreError> {
        let mut transaction = self.database()?.try_begin_write()?;
        // Records the free pages with the commit and makes it two-phase, see the crate's header.
        transaction.set_quick_repair(true);
        #[cfg(feature = "sabotage")]
        if sabotage::is(sabotage::Break::AnswerBeforeSync) {
            drop(transaction.set_durability(redb::Durability::None));
        }
        Ok(Write {
            transaction,
            broken: self.broken.clone(),
        })
    }

    /// Says whether an error made the store unusable until it is opened again.
    pub fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Acquire)
    }

    fn database(&self) -> Result<&redb::Database, StoreError> {
        check(&self.broken)?;
        self.database.as_ref().ok_or(StoreError::Broken)
    }
}

/// A lost branch of the roster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostBranch {
    /// How many entries it shares with the roster.
    pub parted_at: u32,
    /// The entries that only it has.
    pub entries: Vec<Vec<u8>>,
}

/// A consistent snapshot of the store, read through [`Reading`].
pub struct Read {
    transaction: redb::ReadTransaction,
    broken: Arc<AtomicBool>,
}

impl Source for Read {
    type Table<'a, K: redb::Key + 'static, V: redb::Value + 'static> = redb::ReadOnlyTable<K, V>;

    fn table<K: redb::Key + 'static, V: redb::Value + 'static>(
        &self,
        definition: TableDefinition<'static, K, V>,
    ) -> Result<Self::Table<'_, K, V>, StoreError> {
        check(&self.broken)?;
        Ok(self.transaction.open_table(definition)?)
    }
}

/// A write in progress, which also reads through [`Reading`]; dropped without [`Write::commit`], nothing happens.
pub struct Write {
    transaction: redb::WriteTransaction,
    broken: Arc<AtomicBool>,
}

impl Write {
    /// Makes everything written durable, all or nothing, and returns after the sync.
    ///
    /// After [`StoreError::Io`] it is open whether the commit is there; the store must be opened again to find out.
    pub fn commit(self) -> Result<(), StoreError> {
        self.check()?;
        let committed = self.transaction.commit();
        if committed.is_err() {
            self.broken.store(true, Ordering::Release);
        }
        Ok(committed?)
    }

    fn check(&self) -> Result<(), StoreError> {
        check(&self.broken)
    }

    fn open<K: redb::Key + 'static, V: redb::Value + 'static>(
        &self,
        definition: TableDefinition<'static, K, V>,
    ) -> Result<redb::Table<'_, K, V>, StoreError> {
        self.check()?;
        Ok(self.transaction.open_table(definition)?)
    }
}

impl Source for Write {
    type Table<'a, K: redb::Key + 'static, V: redb::Value + 'static> = redb::Table<'a, K, V>;

    fn table<K: redb::Key + 'static, V: redb::Value + 'static>(
        &self,
        definition: TableDefinition<'static, K, V>,
    ) -> Result<Self::Table<'_, K, V>, StoreError> {
        self.open(definition)
    }
}

fn check(broken: &AtomicBool) -> Result<(), StoreError> {
    if broken.load(Ordering::Acquire) {
        return Err(StoreError::Broken);
    }
    Ok(())
}
