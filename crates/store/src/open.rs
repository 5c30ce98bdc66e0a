//! Opening: recognising a store, creating one, and moving it to this program's version.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use redb::{ReadableDatabase, StorageBackend};

use crate::backend::{Backend, SharedMemory, Watched};
use crate::{FORMAT_VERSION, OpenError, Options, StoreError, tables};

/// Names this program's format in `meta`.
const FORMAT_KEY: &str = "store/format";
/// The value that `store/format` begins with, before the version as u32.
const FORMAT_NAME: &[u8; 10] = b"handschlag";
/// What every redb file begins with.
const REDB_MAGIC: &[u8; 9] = b"redb\x1A\x0A\xA9\x0D\x0A";
/// What stands in the magic number's place while a store is being created.
const UNFINISHED: &[u8; 9] = b"unfinishe";

/// The steps from one version to the next: the first one leads from version 1 to 2.
const MIGRATIONS: [Migration; FORMAT_VERSION as usize - 1] = [rows_instead_of_terms, what_is_held];
type Migration = fn(&redb::WriteTransaction) -> Result<(), StoreError>;

/// Version 2 keeps the rows of lists and the running hashes of the log; the search terms of version 1 led nowhere.
fn rows_instead_of_terms(write: &redb::WriteTransaction) -> Result<(), StoreError> {
    const TERMS: redb::TableDefinition<'_, &[u8; 20], ()> = redb::TableDefinition::new("terms");
    write.delete_table(TERMS)?;
    write.open_table(tables::ROWS)?;
    write.open_table(tables::RUNNING)?;
    Ok(())
}

/// Version 3 keeps what is held of revoked devices, and lost branches of the roster.
fn what_is_held(write: &redb::WriteTransaction) -> Result<(), StoreError> {
    write.open_table(tables::HELD)?;
    write.open_table(tables::BRANCHES)?;
    Ok(())
}

/// Opens the store in a backend, or creates it, and returns it with the flag that its backend raises on an error.
pub(crate) fn open(
    backend: &mut Backend,
    options: Options,
) -> Result<(redb::Database, Arc<AtomicBool>), OpenError> {
    let storage = backend.open(options.must_exist)?;
    let watched = Watched::new(storage);
    match recognise(&watched)? {
        Found::Store => {}
        // A file gets its name when it is whole, so one that lacks something has lost it.
        Found::Nothing if backend.is_file() => {
            return Err(OpenError::Damaged {
                what: "it is empty".to_owned(),
            });
        }
        Found::Nothing if options.must_exist => return Err(OpenError::Absent),
        Found::Nothing => create(&watched)?,
    }
    let (database, version) = accept(&watched, options)?;
    watched.release()?;
    migrate(&database, version)?;
    Ok((database, watched.broken()))
}

/// What the first bytes show.
enum Found {
    /// Nothing, or a store whose creation was cut short.
    Nothing,
    /// A store, or something that takes redb to tell from one.
    Store,
}

/// Looks at the first bytes before redb does, which would take nothing but its magic number amiss.
fn recognise(watched: &Watched) -> Result<Found, OpenError> {
    let len = watched.len()?;
    let mut magic = vec![0; len.min(REDB_MAGIC.len() as u64) as usize];
    watched.read(0, &mut magic)?;
    if is_unfinished(&magic, len) {
        return Ok(Found::Nothing);
    }
    if magic.iter().all(|byte| *byte == 0) {
        return Err(OpenError::Damaged {
            what: "it begins with zeros".to_owned(),
        });
    }
    if !REDB_MAGIC.starts_with(&magic) {
        return Err(OpenError::NotOurs {
            found: "the first bytes are others".to_owned(),
        });
    }
    Ok(Found::Store)
}

/// Says whether there is nothing, or a store whose creation was cut short.
///
/// Besides the mark itself that is a torn mark (shorter than any store) and a torn magic number over the mark.
fn is_unfinished(magic: &[u8], len: u64) -> bool {
    if len <= UNFINISHED.len() as u64 {
        return (magic.iter().zip(UNFINISHED)).all(|(byte, mark)| *byte == 0 || byte == mark);
    }
    (0..UNFINISHED.len()).any(|written| {
        magic.starts_with(&REDB_MAGIC[..written])
            && magic[written..].starts_with(&UNFINISHED[written..])
    })
}

/// Creates a store: its bytes are made in memory, and the magic number is written last.
fn create(watched: &Watched) -> Result<(), OpenError> {
    let image = blank_image()?;
    let mark = UNFINISHED.len();
    watched.release()?;
    watched.set_len(0)?;
    watched.set_len(mark as u64)?;
    watched.write(0, UNFINISHED)?;
    watched.sync_data()?;
    watched.set_len(image.len() as u64)?;
    watched.write(mark as u64, &image[mark..])?;
    watched.sync_data()?;
    watched.write(0, &image[..mark])?;
    watched.sync_data()?;
    watched.hold();
    Ok(())
}

/// Makes the bytes of an empty store of this version.
pub(crate) fn blank_image() -> Result<Vec<u8>, OpenError> {
    let memory = SharedMemory::default();
    let database = redb::Builder::new()
        .set_cache_size(1024 * 1024)
        .create_with_backend(memory.clone())?;
    fill(&database)?;
    drop(database);
    Ok(memory.take())
}

fn fill(database: &redb::Database) -> Result<(), StoreError> {
    let mut write = database.begin_write()?;
    write.set_quick_repair(true);
    tables::create_all(&write)?;
    write_version(&write, FORMAT_VERSION)?;
    Ok(write.commit()?)
}

/// Lets redb open the held backend and reads the version that the store names.
fn accept(watched: &Watched, options: Options) -> Result<(redb::Database, u32), OpenError> {
    // redb may panic on bytes that nobody but a fault has written; that is damage like any other.
    let opened = catch_unwind(AssertUnwindSafe(|| {
        let database = redb::Builder::new()
            .set_cache_size(options.cache_bytes)
            .set_check_integrity_on_open(options.check_pages)
            .create_with_backend(watched.clone())?;
        let version = read_version(&database)?;
        Ok::<_, OpenError>((database, version))
    }));
    let (database, version) = opened.unwrap_or_else(|_| {
        Err(OpenError::Damaged {
            what: "its pages contradict each other".to_owned(),
        })
    })?;
    if version > FORMAT_VERSION {
        return Err(OpenError::Newer { found: version });
    }
    Ok((database, version))
}

fn read_version(database: &redb::Database) -> Result<u32, OpenError> {
    let not_ours = || OpenError::NotOurs {
        found: "a redb file of another program".to_owned(),
    };
    let read = database.begin_read().map_err(StoreError::from)?;
    let table = match read.open_table(tables::META) {
        Ok(table) => table,
        Err(redb::TableError::Storage(error)) => return Err(StoreError::from(error).into()),
        Err(_) => return Err(not_ours()),
    };
    let value = table
        .get(FORMAT_KEY)
        .map_err(StoreError::from)?
        .ok_or_else(not_ours)?;
    let version = value
        .value()
        .strip_prefix(FORMAT_NAME)
        .ok_or_else(not_ours)?;
    match <[u8; 4]>::try_from(version).map(u32::from_be_bytes) {
        Ok(version) if version > 0 => Ok(version),
        _ => Err(OpenError::Damaged {
            what: "its format version cannot be read".to_owned(),
        }),
    }
}

pub(crate) fn write_version(
    write: &redb::WriteTransaction,
    version: u32,
) -> Result<(), StoreError> {
    let mut value = FORMAT_NAME.to_vec();
    value.extend_from_slice(&version.to_be_bytes());
    write
        .open_table(tables::META)?
        .insert(FORMAT_KEY, value.as_slice())?;
    Ok(())
}

/// Moves an older store to this program's version, step by step in one transaction.
fn migrate(database: &redb::Database, version: u32) -> Result<(), OpenError> {
    let steps = MIGRATIONS.get(version as usize - 1..).unwrap_or_default();
    if steps.is_empty() {
        return Ok(());
    }
    let mut write = database.begin_write().map_err(StoreError::from)?;
    write.set_quick_repair(true);
    for step in steps {
        step(&write)?;
    }
    write_version(&write, FORMAT_VERSION)?;
    Ok(write.commit().map_err(StoreError::from)?)
}
