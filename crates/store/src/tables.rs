//! All tables with their key bytes and meaning.
//!
//! Integers in keys are big-endian, so that byte order is number order.
//! Values are opaque to this crate unless a layout is given.
//!
//! | table | key | value |
//! |---|---|---|
//! | `meta` | name | what the layers above keep one of; `store/…` is this crate's own |
//! | `docs` | record 16, chunk u32 | one chunk of a document |
//! | `views` | record 16 | the record's view, derived |
//! | `rows` | record 16 | what lists show of the record and what it refers to, derived |
//! | `envelopes` | feed 32, sequence u64 | received order u64, then the sealed envelope |
//! | `received` | order u64, from 1 | feed 32, sequence u64 |
//! | `running` | place in the relay's log u64 | running hash of the log 32, of the log that is being read |
//! | `feeds` | feed 32 | state of the feed |
//! | `waiting` | feed 32, sequence u64 | count u32, as many (record 16, hash 32), then the reason |
//! | `missing` | record 16, hash 32, feed 32, sequence u64 | nothing: which waiting envelope lacks what |
//! | `quarantine` | feed 32, sequence u64 | the reason |
//! | `held` | feed 32, sequence u64 | an envelope that is kept apart from those that count, until an admin has decided |
//! | `roster` | position u32, from 0 | one roster entry |
//! | `branches` | branch u32, position u32 | one entry of a lost branch of the roster, from where it parted on |
//! | `intents` | intent 16 | the first answer, repeated when the intent is repeated |
//! | `operations` | intent 16, record 16 | what the operation did to the record |
//! | `recent` | order u64, from 1 | intent 16: this device's operations, in their order |
//! | `batches` | batch 16, intent 16 | nothing: the operations of an import or bulk edit |
//! | `counters` | name | u64 |
//! | `files` | hash 32 | the file |
//! | `local` | name | the device's own area, never synced |

use redb::TableDefinition;

use crate::EnvelopeKey;

/// The definition of a table whose keys have a fixed width.
pub(crate) type Fixed<const N: usize, V> = TableDefinition<'static, &'static [u8; N], V>;
/// The definition of a table whose keys are names.
pub(crate) type Named = TableDefinition<'static, &'static str, &'static [u8]>;

pub(crate) const META: Named = TableDefinition::new("meta");
pub(crate) const DOCS: Fixed<20, &[u8]> = TableDefinition::new("docs");
pub(crate) const VIEWS: Fixed<16, &[u8]> = TableDefinition::new("views");
pub(crate) const ROWS: Fixed<16, &[u8]> = TableDefinition::new("rows");
pub(crate) const ENVELOPES: Fixed<40, &[u8]> = TableDefinition::new("envelopes");
pub(crate) const RECEIVED: Fixed<8, &[u8; 40]> = TableDefinition::new("received");
pub(crate) const RUNNING: Fixed<8, &[u8; 32]> = TableDefinition::new("running");
pub(crate) const FEEDS: Fixed<32, &[u8]> = TableDefinition::new("feeds");
pub(crate) const WAITING: Fixed<40, &[u8]> = TableDefinition::new("waiting");
pub(crate) const MISSING: Fixed<88, ()> = TableDefinition::new("missing");
pub(crate) const QUARANTINE: Fixed<40, &[u8]> = TableDefinition::new("quarantine");
pub(crate) const HELD: Fixed<40, &[u8]> = TableDefinition::new("held");
pub(crate) const BRANCHES: Fixed<8, &[u8]> = TableDefinition::new("branches");
pub(crate) const ROSTER: Fixed<4, &[u8]> = TableDefinition::new("roster");
pub(crate) const INTENTS: Fixed<16, &[u8]> = TableDefinition::new("intents");
pub(crate) const OPERATIONS: Fixed<32, &[u8]> = TableDefinition::new("operations");
pub(crate) const RECENT: Fixed<8, &[u8; 16]> = TableDefinition::new("recent");
pub(crate) const BATCHES: Fixed<32, ()> = TableDefinition::new("batches");
pub(crate) const COUNTERS: Named = TableDefinition::new("counters");
pub(crate) const FILES: Fixed<32, &[u8]> = TableDefinition::new("files");
pub(crate) const LOCAL: Named = TableDefinition::new("local");

/// Creates every table, so that a reader never meets a missing one.
pub(crate) fn create_all(write: &redb::WriteTransaction) -> Result<(), redb::TableError> {
    write.open_table(META)?;
    write.open_table(DOCS)?;
    write.open_table(VIEWS)?;
    write.open_table(ROWS)?;
    write.open_table(ENVELOPES)?;
    write.open_table(RECEIVED)?;
    write.open_table(RUNNING)?;
    write.open_table(FEEDS)?;
    write.open_table(WAITING)?;
    write.open_table(MISSING)?;
    write.open_table(QUARANTINE)?;
    write.open_table(HELD)?;
    write.open_table(ROSTER)?;
    write.open_table(BRANCHES)?;
    write.open_table(INTENTS)?;
    write.open_table(OPERATIONS)?;
    write.open_table(RECENT)?;
    write.open_table(BATCHES)?;
    write.open_table(COUNTERS)?;
    write.open_table(FILES)?;
    write.open_table(LOCAL)?;
    Ok(())
}

/// Joins two keys into one; the widths must add up, which every caller states in its types.
pub(crate) fn join<const A: usize, const B: usize, const N: usize>(
    first: &[u8; A],
    second: &[u8; B],
) -> [u8; N] {
    const { assert!(A + B == N) };
    let mut key = [0; N];
    key[..A].copy_from_slice(first);
    key[A..].copy_from_slice(second);
    key
}

/// Splits a key into its two halves, the reverse of [`join`].
pub(crate) fn split<const A: usize, const B: usize, const N: usize>(
    key: &[u8; N],
) -> ([u8; A], [u8; B]) {
    const { assert!(A + B == N) };
    let mut first = [0; A];
    let mut second = [0; B];
    first.copy_from_slice(&key[..A]);
    second.copy_from_slice(&key[A..]);
    (first, second)
}

pub(crate) fn doc_key(record: &[u8; 16], chunk: u32) -> [u8; 20] {
    join(record, &chunk.to_be_bytes())
}

pub(crate) fn envelope_key(feed: &[u8; 32], sequence: u64) -> [u8; 40] {
    join(feed, &sequence.to_be_bytes())
}

pub(crate) fn missing_key(record: &[u8; 16], hash: &[u8; 32], key: &EnvelopeKey) -> [u8; 88] {
    let what: [u8; 48] = join(record, hash);
    join(&what, &key.to_bytes())
}
