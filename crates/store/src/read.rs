//! Reading: what a snapshot and a write in progress have in common.

use std::ops::ControlFlow;

use redb::{ReadableTable, ReadableTableMetadata, TableDefinition};

use crate::rows::{Rows, Window, all, fixed, named, split_order, split_waiting};
use crate::{EnvelopeKey, LostBranch, Received, StoreError, tables};

/// The tables behind a [`Read`](crate::Read) or a [`Write`](crate::Write).
pub trait Source {
    /// An open table.
    type Table<'a, K: redb::Key + 'static, V: redb::Value + 'static>: ReadableTable<K, V>
    where
        Self: 'a;

    /// Opens a table, unless the store is broken.
    fn table<K: redb::Key + 'static, V: redb::Value + 'static>(
        &self,
        definition: TableDefinition<'static, K, V>,
    ) -> Result<Self::Table<'_, K, V>, StoreError>;
}

/// Reads the tables; a [`Read`](crate::Read) sees one moment, a [`Write`](crate::Write) also what it wrote itself.
///
/// Every method fails with [`StoreError::Io`] when the backend does, with [`StoreError::Broken`] after that,
/// and with [`StoreError::Damaged`] when stored bytes do not have the form that `tables` states.
pub trait Reading: Source {
    /// Returns the value kept under a name.
    fn meta(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        named(self, tables::META, name)
    }

    /// Returns the chunks of a document in the order they were appended; none when it does not exist.
    fn doc_chunks(&self, record: &[u8; 16]) -> Result<Vec<Vec<u8>>, StoreError> {
        let table = self.table(tables::DOCS)?;
        let mut chunks = Vec::new();
        let (first, last) = (
            tables::doc_key(record, 0),
            tables::doc_key(record, u32::MAX),
        );
        for row in table.range::<&[u8; 20]>(&first..=&last)? {
            chunks.push(row?.1.value().to_vec());
        }
        Ok(chunks)
    }

    /// Says whether a document exists.
    fn doc_exists(&self, record: &[u8; 16]) -> Result<bool, StoreError> {
        let table = self.table(tables::DOCS)?;
        let (first, last) = (
            tables::doc_key(record, 0),
            tables::doc_key(record, u32::MAX),
        );
        let row = table
            .range::<&[u8; 20]>(&first..=&last)?
            .next()
            .transpose()?;
        Ok(row.is_some())
    }

    /// Returns the ids of all documents in ascending order; it walks all of them.
    fn doc_ids(&self) -> Result<Vec<[u8; 16]>, StoreError> {
        let table = self.table(tables::DOCS)?;
        let mut ids = Vec::new();
        for row in table.iter()? {
            let (record, _) = tables::split::<16, 4, 20>(row?.0.value());
            if ids.last() != Some(&record) {
                ids.push(record);
            }
        }
        Ok(ids)
    }

    /// Returns the view of a record.
    fn view(&self, record: &[u8; 16]) -> Result<Option<Vec<u8>>, StoreError> {
        fixed(self, tables::VIEWS, record)
    }

    /// Visits all views in ascending order of their ids until `visit` breaks, and returns what it broke with.
    fn for_each_view<B>(
        &self,
        mut visit: impl FnMut([u8; 16], &[u8]) -> ControlFlow<B>,
    ) -> Result<Option<B>, StoreError> {
        let table = self.table(tables::VIEWS)?;
        for row in table.iter()? {
            let (record, view) = row?;
            if let ControlFlow::Break(result) = visit(*record.value(), view.value()) {
                return Ok(Some(result));
            }
        }
        Ok(None)
    }

    /// Returns the row of a record.
    fn row(&self, record: &[u8; 16]) -> Result<Option<Vec<u8>>, StoreError> {
        fixed(self, tables::ROWS, record)
    }

    /// Visits all rows in ascending order of their ids until `visit` breaks, and returns what it broke with.
    fn for_each_row<B>(
        &self,
        mut visit: impl FnMut([u8; 16], &[u8]) -> ControlFlow<B>,
    ) -> Result<Option<B>, StoreError> {
        let table = self.table(tables::ROWS)?;
        for entry in table.iter()? {
            let (record, row) = entry?;
            if let ControlFlow::Break(result) = visit(*record.value(), row.value()) {
                return Ok(Some(result));
            }
        }
        Ok(None)
    }

    /// Returns how many views there are.
    fn view_count(&self) -> Result<u64, StoreError> {
        Ok(self.table(tables::VIEWS)?.len()?)
    }

    /// Returns one envelope.
    fn envelope(&self, feed: &[u8; 32], sequence: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let table = self.table(tables::ENVELOPES)?;
        match table.get(&tables::envelope_key(feed, sequence))? {
            Some(value) => Ok(Some(split_order(value.value())?.1.to_vec())),
            None => Ok(None),
        }
    }

    /// Returns envelopes of a feed from a sequence on, with their sequences.
    ///
    /// At most `max_count`, and no more than `max_bytes` together but for the first, which always comes along.
    fn envelopes_of(
        &self,
        feed: &[u8; 32],
        from_sequence: u64,
        max_count: usize,
        max_bytes: usize,
    ) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
        let table = self.table(tables::ENVELOPES)?;
        let first = tables::envelope_key(feed, from_sequence);
        let last = tables::envelope_key(feed, u64::MAX);
        let mut window = Window::new(max_count, max_bytes);
        let mut found = Vec::new();
        for row in table.range::<&[u8; 40]>(&first..=&last)? {
            let (key, value) = row?;
            let bytes = split_order(value.value())?.1;
            if !window.takes(bytes.len()) {
                break;
            }
            found.push((
                EnvelopeKey::from_bytes(key.value()).sequence,
                bytes.to_vec(),
            ));
        }
        Ok(found)
    }

    /// Returns envelopes of all feeds in the order they were received, after the given order (0 for all).
    ///
    /// Bounded as [`Reading::envelopes_of`] is.
    fn received_after(
        &self,
        order: u64,
        max_count: usize,
        max_bytes: usize,
    ) -> Result<Vec<Received>, StoreError> {
        let received = self.table(tables::RECEIVED)?;
        let envelopes = self.table(tables::ENVELOPES)?;
        let mut window = Window::new(max_count, max_bytes);
        let mut found = Vec::new();
        let Some(next) = order.checked_add(1) else {
            return Ok(found);
        };
        for row in received.range::<&[u8; 8]>(&next.to_be_bytes()..)? {
            let (order, key) = row?;
            let Some(value) = envelopes.get(key.value())? else {
                return Err(StoreError::damaged("received names an absent envelope"));
            };
            let bytes = split_order(value.value())?.1;
            if !window.takes(bytes.len()) {
                break;
            }
            found.push(Received {
                order: u64::from_be_bytes(*order.value()),
                key: EnvelopeKey::from_bytes(key.value()),
                bytes: bytes.to_vec(),
            });
        }
        Ok(found)
    }

    /// Returns the order of the envelope that was received last; 0 when there is none.
    fn last_received(&self) -> Result<u64, StoreError> {
        let received = self.table(tables::RECEIVED)?;
        let last = received.last()?;
        Ok(last.map_or(0, |(order, _)| u64::from_be_bytes(*order.value())))
    }

    /// Returns how many envelopes there are.
    fn received_count(&self) -> Result<u64, StoreError> {
        Ok(self.table(tables::RECEIVED)?.len()?)
    }

    /// Returns the running hash of the relay's log at a place.
    fn running(&self, sequence: u64) -> Result<Option<[u8; 32]>, StoreError> {
        let table = self.table(tables::RUNNING)?;
        let found = table.get(&sequence.to_be_bytes())?;
        Ok(found.map(|hash| *hash.value()))
    }

    /// Returns the state of a feed.
    fn feed(&self, feed: &[u8; 32]) -> Result<Option<Vec<u8>>, StoreError> {
        fixed(self, tables::FEEDS, feed)
    }

    /// Returns all feeds with their states.
    fn feeds(&self) -> Result<Rows<32>, StoreError> {
        all(self, tables::FEEDS)
    }

    /// Returns the envelopes that wait for a change of a record.
    fn waiting_for(
        &self,
        record: &[u8; 16],
        hash: &[u8; 32],
    ) -> Result<Vec<EnvelopeKey>, StoreError> {
        let table = self.table(tables::MISSING)?;
        let what: [u8; 48] = tables::join(record, hash);
        let first: [u8; 88] = tables::join(&what, &[0; 40]);
        let last: [u8; 88] = tables::join(&what, &[0xff; 40]);
        let mut keys = Vec::new();
        for row in table.range::<&[u8; 88]>(&first..=&last)? {
            let (_, key) = tables::split::<48, 40, 88>(row?.0.value());
            keys.push(EnvelopeKey::from_bytes(&key));
        }
        Ok(keys)
    }

    /// Returns the reason why an envelope waits, when it does.
    fn waiting_reason(&self, key: EnvelopeKey) -> Result<Option<Vec<u8>>, StoreError> {
        match fixed(self, tables::WAITING, &key.to_bytes())? {
            Some(value) => Ok(Some(split_waiting(&value)?.1.to_vec())),
            None => Ok(None),
        }
    }

    /// Returns all envelopes that wait, with their reasons.
    fn waiting(&self) -> Result<Vec<(EnvelopeKey, Vec<u8>)>, StoreError> {
        all(self, tables::WAITING)?
            .into_iter()
            .map(|(key, value)| {
                Ok((
                    EnvelopeKey::from_bytes(&key),
                    split_waiting(&value)?.1.to_vec(),
                ))
            })
            .collect()
    }

    /// Returns how many envelopes wait.
    fn waiting_count(&self) -> Result<u64, StoreError> {
        Ok(self.table(tables::WAITING)?.len()?)
    }

    /// Returns all envelopes in quarantine, with their reasons.
    fn quarantine(&self) -> Result<Vec<(EnvelopeKey, Vec<u8>)>, StoreError> {
        let rows = all(self, tables::QUARANTINE)?;
        Ok(rows
            .into_iter()
            .map(|(key, reason)| (EnvelopeKey::from_bytes(&key), reason))
            .collect())
    }

    /// Returns the reason why an envelope is in quarantine, when it is.
    fn quarantine_reason(&self, key: EnvelopeKey) -> Result<Option<Vec<u8>>, StoreError> {
        fixed(self, tables::QUARANTINE, &key.to_bytes())
    }

    /// Returns how many envelopes are in quarantine.
    fn quarantine_count(&self) -> Result<u64, StoreError> {
        Ok(self.table(tables::QUARANTINE)?.len()?)
    }

    /// Returns an envelope that is held.
    fn held_envelope(&self, key: EnvelopeKey) -> Result<Option<Vec<u8>>, StoreError> {
        fixed(self, tables::HELD, &key.to_bytes())
    }

    /// Returns the names of all envelopes that are held with their sizes in bytes, feed by feed in ascending order.
    fn held(&self) -> Result<Vec<(EnvelopeKey, usize)>, StoreError> {
        let table = self.table(tables::HELD)?;
        let mut held = Vec::new();
        for row in table.iter()? {
            let (key, bytes) = row?;
            held.push((EnvelopeKey::from_bytes(key.value()), bytes.value().len()));
        }
        Ok(held)
    }

    /// Returns the lost branches of the roster.
    fn lost_branches(&self) -> Result<Vec<LostBranch>, StoreError> {
        let table = self.table(tables::BRANCHES)?;
        let mut branches: Vec<LostBranch> = Vec::new();
        for row in table.iter()? {
            let (key, entry) = row?;
            let (branch, position) = tables::split::<4, 4, 8>(key.value());
            let branch = u32::from_be_bytes(branch) as usize;
            if branch >= branches.len() {
                branches.push(LostBranch {
                    parted_at: u32::from_be_bytes(position),
                    entries: Vec::new(),
                });
            }
            if let Some(last) = branches.last_mut() {
                last.entries.push(entry.value().to_vec());
            }
        }
        Ok(branches)
    }

    /// Returns the roster's entries in their order.
    fn roster(&self) -> Result<Vec<Vec<u8>>, StoreError> {
        let rows = all(self, tables::ROSTER)?;
        Ok(rows.into_iter().map(|(_, entry)| entry).collect())
    }

    /// Returns the answer that an intent got, when it was carried out before.
    fn intent(&self, intent: &[u8; 16]) -> Result<Option<Vec<u8>>, StoreError> {
        fixed(self, tables::INTENTS, intent)
    }

    /// Returns what an operation did, record by record in ascending order.
    fn operation(&self, intent: &[u8; 16]) -> Result<Rows<16>, StoreError> {
        let table = self.table(tables::OPERATIONS)?;
        let first: [u8; 32] = tables::join(intent, &[0; 16]);
        let last: [u8; 32] = tables::join(intent, &[0xff; 16]);
        let mut records = Vec::new();
        for row in table.range::<&[u8; 32]>(&first..=&last)? {
            let (key, info) = row?;
            let (_, record) = tables::split::<16, 16, 32>(key.value());
            records.push((record, info.value().to_vec()));
        }
        Ok(records)
    }

    /// Returns this device's last operations, newest first.
    fn recent_operations(&self, max_count: usize) -> Result<Vec<[u8; 16]>, StoreError> {
        let table = self.table(tables::RECENT)?;
        let mut intents = Vec::new();
        for row in table.iter()?.rev().take(max_count) {
            intents.push(*row?.1.value());
        }
        Ok(intents)
    }

    /// Returns the ids of all batches in ascending order.
    fn batches(&self) -> Result<Vec<[u8; 16]>, StoreError> {
        let table = self.table(tables::BATCHES)?;
        let mut batches: Vec<[u8; 16]> = Vec::new();
        for row in table.iter()? {
            let (batch, _) = tables::split::<16, 16, 32>(row?.0.value());
            if batches.last() != Some(&batch) {
                batches.push(batch);
            }
        }
        Ok(batches)
    }

    /// Returns the operations of a batch in ascending order of their ids.
    fn batch(&self, batch: &[u8; 16]) -> Result<Vec<[u8; 16]>, StoreError> {
        let table = self.table(tables::BATCHES)?;
        let first: [u8; 32] = tables::join(batch, &[0; 16]);
        let last: [u8; 32] = tables::join(batch, &[0xff; 16]);
        let mut intents = Vec::new();
        for row in table.range::<&[u8; 32]>(&first..=&last)? {
            intents.push(tables::split::<16, 16, 32>(row?.0.value()).1);
        }
        Ok(intents)
    }

    /// Returns a counter; one that was never set is 0.
    fn counter(&self, name: &str) -> Result<u64, StoreError> {
        match named(self, tables::COUNTERS, name)? {
            None => Ok(0),
            Some(bytes) => match bytes.try_into() {
                Ok(bytes) => Ok(u64::from_be_bytes(bytes)),
                Err(_) => Err(StoreError::damaged(format!(
                    "counter {name:?} has not 8 bytes"
                ))),
            },
        }
    }

    /// Returns a file.
    fn file(&self, hash: &[u8; 32]) -> Result<Option<Vec<u8>>, StoreError> {
        fixed(self, tables::FILES, hash)
    }

    /// Says whether a file is there, without reading it.
    fn file_exists(&self, hash: &[u8; 32]) -> Result<bool, StoreError> {
        Ok(self.table(tables::FILES)?.get(hash)?.is_some())
    }

    /// Returns a value of the device's own area.
    fn local(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        named(self, tables::LOCAL, name)
    }

    /// Returns the values of the device's own area whose names begin with a prefix, by name.
    fn local_with_prefix(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let table = self.table(tables::LOCAL)?;
        let mut found = Vec::new();
        for row in table.range::<&str>(prefix..)? {
            let (name, value) = row?;
            if !name.value().starts_with(prefix) {
                break;
            }
            found.push((name.value().to_owned(), value.value().to_vec()));
        }
        Ok(found)
    }
}

impl<S: Source> Reading for S {}
