//! Writing: one transaction, all of it or nothing.

use redb::{ReadableTable, TableDefinition};

use crate::rows::{split_order, split_waiting};
use crate::tables::{self, Fixed, Named};
use crate::{
    EnvelopeKey, LostBranch, MAX_NAME_BYTES, MAX_VALUE_BYTES, OWN_META_PREFIX, StoreError, Write,
};

/// What holds for every method: nothing is durable, or seen by a [`Read`](crate::Read), before [`Write::commit`].
impl Write {
    /// Keeps a value under a name; names that begin with `store/` are the store's own.
    pub fn set_meta(&self, name: &str, value: &[u8]) -> Result<(), StoreError> {
        check_meta_name(name)?;
        self.put_named(tables::META, "meta", name, value)
    }

    /// Removes the value kept under a name.
    pub fn clear_meta(&self, name: &str) -> Result<(), StoreError> {
        check_meta_name(name)?;
        self.open(tables::META)?.remove(name)?;
        Ok(())
    }

    /// Appends a chunk to a document, which exists from its first chunk on.
    pub fn append_chunk(&self, record: &[u8; 16], bytes: &[u8]) -> Result<(), StoreError> {
        check_value("docs", bytes.len())?;
        let mut table = self.open(tables::DOCS)?;
        let (first, last) = (
            tables::doc_key(record, 0),
            tables::doc_key(record, u32::MAX),
        );
        let chunk = match table
            .range::<&[u8; 20]>(&first..=&last)?
            .next_back()
            .transpose()?
        {
            None => 0,
            Some(row) => {
                let (_, chunk) = tables::split::<16, 4, 20>(row.0.value());
                u32::from_be_bytes(chunk)
                    .checked_add(1)
                    .ok_or(StoreError::Full { table: "docs" })?
            }
        };
        table.insert(&tables::doc_key(record, chunk), bytes)?;
        Ok(())
    }

    /// Replaces the chunks of a document; without any, the document is gone.
    pub fn replace_chunks(&self, record: &[u8; 16], chunks: &[Vec<u8>]) -> Result<(), StoreError> {
        for chunk in chunks {
            check_value("docs", chunk.len())?;
        }
        let mut table = self.open(tables::DOCS)?;
        let (first, last) = (
            tables::doc_key(record, 0),
            tables::doc_key(record, u32::MAX),
        );
        table.retain_in::<&[u8; 20], _>(&first..=&last, |_, _| false)?;
        for (chunk, bytes) in (0..).zip(chunks) {
            table.insert(&tables::doc_key(record, chunk), bytes.as_slice())?;
        }
        Ok(())
    }

    /// Sets the view of a record.
    pub fn set_view(&self, record: &[u8; 16], view: &[u8]) -> Result<(), StoreError> {
        self.put(tables::VIEWS, "views", record, view)
    }

    /// Removes the view of a record.
    pub fn clear_view(&self, record: &[u8; 16]) -> Result<(), StoreError> {
        self.open(tables::VIEWS)?.remove(record)?;
        Ok(())
    }

    /// Removes all views, so that they can be built again.
    pub fn clear_views(&self) -> Result<(), StoreError> {
        self.empty(tables::VIEWS)
    }

    /// Sets the row of a record.
    pub fn set_row(&self, record: &[u8; 16], row: &[u8]) -> Result<(), StoreError> {
        self.put(tables::ROWS, "rows", record, row)
    }

    /// Removes all rows, so that they can be built again.
    pub fn clear_rows(&self) -> Result<(), StoreError> {
        self.empty(tables::ROWS)
    }

    /// Stores a sealed envelope and returns its place in the received order, from 1.
    ///
    /// The same bytes again change nothing and return the first place; others at the same feed and sequence
    /// are refused with [`StoreError::EnvelopeDiffers`], since an envelope is sealed once.
    pub fn put_envelope(
        &self,
        feed: &[u8; 32],
        sequence: u64,
        bytes: &[u8],
    ) -> Result<u64, StoreError> {
        check_value("envelopes", bytes.len())?;
        let key = tables::envelope_key(feed, sequence);
        let mut envelopes = self.open(tables::ENVELOPES)?;
        if let Some(stored) = envelopes.get(&key)? {
            let (order, same) = split_order(stored.value())?;
            return if same == bytes {
                Ok(order)
            } else {
                Err(StoreError::EnvelopeDiffers { sequence })
            };
        }
        let mut received = self.open(tables::RECEIVED)?;
        let order = next_order(&received, "received")?;
        received.insert(&order.to_be_bytes(), &key)?;
        let mut value = Vec::with_capacity(8 + bytes.len());
        value.extend_from_slice(&order.to_be_bytes());
        value.extend_from_slice(bytes);
        envelopes.insert(&key, value.as_slice())?;
        Ok(order)
    }

    /// Removes an envelope and its place in the received order, and returns its bytes.
    ///
    /// An envelope is sealed once and kept; only a device whose feed had forked takes the end of its own branch away,
    /// after it was wrapped again for the feed that continues this one.
    pub fn remove_envelope(
        &self,
        feed: &[u8; 32],
        sequence: u64,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let key = tables::envelope_key(feed, sequence);
        let removed = match self.open(tables::ENVELOPES)?.remove(&key)? {
            Some(value) => {
                let (order, bytes) = split_order(value.value())?;
                Some((order, bytes.to_vec()))
            }
            None => None,
        };
        let Some((order, bytes)) = removed else {
            return Ok(None);
        };
        self.open(tables::RECEIVED)?.remove(&order.to_be_bytes())?;
        Ok(Some(bytes))
    }

    /// Keeps the running hash of the relay's log at a place.
    pub fn set_running(&self, sequence: u64, hash: &[u8; 32]) -> Result<(), StoreError> {
        self.open(tables::RUNNING)?
            .insert(&sequence.to_be_bytes(), hash)?;
        Ok(())
    }

    /// Forgets the running hashes, when another log is read.
    pub fn clear_running(&self) -> Result<(), StoreError> {
        self.empty(tables::RUNNING)
    }

    /// Sets the state of a feed.
    pub fn set_feed(&self, feed: &[u8; 32], state: &[u8]) -> Result<(), StoreError> {
        self.put(tables::FEEDS, "feeds", feed, state)
    }

    /// Forgets a feed.
    pub fn clear_feed(&self, feed: &[u8; 32]) -> Result<(), StoreError> {
        self.open(tables::FEEDS)?.remove(feed)?;
        Ok(())
    }

    /// Lets an envelope wait, for a reason and for changes (record, hash) that it lacks; replaces what it waited for.
    pub fn put_waiting(
        &self,
        key: EnvelopeKey,
        reason: &[u8],
        missing: &[([u8; 16], [u8; 32])],
    ) -> Result<(), StoreError> {
        let bytes = missing
            .len()
            .saturating_mul(48)
            .saturating_add(reason.len());
        check_value("waiting", bytes)?;
        self.take_waiting(key)?;
        let count =
            u32::try_from(missing.len()).map_err(|_| StoreError::Full { table: "waiting" })?;
        let mut value = Vec::with_capacity(4 + bytes);
        value.extend_from_slice(&count.to_be_bytes());
        let mut index = self.open(tables::MISSING)?;
        for (record, hash) in missing {
            value.extend_from_slice(record);
            value.extend_from_slice(hash);
            index.insert(&tables::missing_key(record, hash, &key), ())?;
        }
        value.extend_from_slice(reason);
        self.open(tables::WAITING)?
            .insert(&key.to_bytes(), value.as_slice())?;
        Ok(())
    }

    /// Ends the waiting of an envelope and returns the reason it had.
    pub fn take_waiting(&self, key: EnvelopeKey) -> Result<Option<Vec<u8>>, StoreError> {
        let mut waiting = self.open(tables::WAITING)?;
        let Some(value) = waiting.remove(&key.to_bytes())? else {
            return Ok(None);
        };
        let (missing, reason) = split_waiting(value.value())?;
        let mut index = self.open(tables::MISSING)?;
        for what in missing {
            index.remove(&tables::join::<48, 40, 88>(what, &key.to_bytes()))?;
        }
        Ok(Some(reason.to_vec()))
    }

    /// Puts an envelope into quarantine.
    pub fn put_quarantine(&self, key: EnvelopeKey, reason: &[u8]) -> Result<(), StoreError> {
        self.put(tables::QUARANTINE, "quarantine", &key.to_bytes(), reason)
    }

    /// Takes an envelope out of quarantine and returns the reason it had.
    pub fn take_quarantine(&self, key: EnvelopeKey) -> Result<Option<Vec<u8>>, StoreError> {
        let mut table = self.open(tables::QUARANTINE)?;
        let reason = table.remove(&key.to_bytes())?;
        Ok(reason.map(|reason| reason.value().to_vec()))
    }

    /// Holds an envelope apart: it has no place in its feed and none in the received order.
    pub fn put_held(&self, key: EnvelopeKey, envelope: &[u8]) -> Result<(), StoreError> {
        self.put(tables::HELD, "held", &key.to_bytes(), envelope)
    }

    /// Ends the holding of an envelope and returns it.
    pub fn take_held(&self, key: EnvelopeKey) -> Result<Option<Vec<u8>>, StoreError> {
        let mut table = self.open(tables::HELD)?;
        let envelope = table.remove(&key.to_bytes())?;
        Ok(envelope.map(|envelope| envelope.value().to_vec()))
    }

    /// Replaces all lost branches of the roster.
    pub fn replace_lost_branches(&self, branches: &[LostBranch]) -> Result<(), StoreError> {
        self.empty(tables::BRANCHES)?;
        for (branch, lost) in (0_u32..).zip(branches) {
            for (position, entry) in (lost.parted_at..).zip(&lost.entries) {
                let key: [u8; 8] = tables::join(&branch.to_be_bytes(), &position.to_be_bytes());
                self.put(tables::BRANCHES, "branches", &key, entry)?;
            }
        }
        Ok(())
    }

    /// Appends an entry to the roster and returns its position, from 0.
    pub fn append_roster(&self, entry: &[u8]) -> Result<u32, StoreError> {
        check_value("roster", entry.len())?;
        let mut table = self.open(tables::ROSTER)?;
        let position = match table.last()? {
            None => 0,
            Some((last, _)) => u32::from_be_bytes(*last.value())
                .checked_add(1)
                .ok_or(StoreError::Full { table: "roster" })?,
        };
        table.insert(&position.to_be_bytes(), entry)?;
        Ok(position)
    }

    /// Replaces the whole roster.
    pub fn replace_roster(&self, entries: &[Vec<u8>]) -> Result<(), StoreError> {
        self.empty(tables::ROSTER)?;
        for entry in entries {
            self.append_roster(entry)?;
        }
        Ok(())
    }

    /// Keeps the answer that an intent got, so that repeating it repeats the answer.
    pub fn set_intent(&self, intent: &[u8; 16], answer: &[u8]) -> Result<(), StoreError> {
        self.put(tables::INTENTS, "intents", intent, answer)
    }

    /// Notes what an operation did to a record; the bytes may be empty.
    pub fn put_operation(
        &self,
        intent: &[u8; 16],
        record: &[u8; 16],
        info: &[u8],
    ) -> Result<(), StoreError> {
        self.put(
            tables::OPERATIONS,
            "operations",
            &tables::join(intent, record),
            info,
        )
    }

    /// Appends an operation to those of this device and returns its place, from 1.
    pub fn append_recent(&self, intent: &[u8; 16]) -> Result<u64, StoreError> {
        let mut table = self.open(tables::RECENT)?;
        let order = next_order(&table, "recent")?;
        table.insert(&order.to_be_bytes(), intent)?;
        Ok(order)
    }

    /// Counts an operation to a batch.
    pub fn put_batch(&self, batch: &[u8; 16], intent: &[u8; 16]) -> Result<(), StoreError> {
        self.open(tables::BATCHES)?
            .insert(&tables::join(batch, intent), ())?;
        Ok(())
    }

    /// Sets a counter.
    pub fn set_counter(&self, name: &str, value: u64) -> Result<(), StoreError> {
        self.put_named(tables::COUNTERS, "counters", name, &value.to_be_bytes())
    }

    /// Stores a file under its hash.
    pub fn put_file(&self, hash: &[u8; 32], bytes: &[u8]) -> Result<(), StoreError> {
        self.put(tables::FILES, "files", hash, bytes)
    }

    /// Removes a file.
    pub fn remove_file(&self, hash: &[u8; 32]) -> Result<(), StoreError> {
        self.open(tables::FILES)?.remove(hash)?;
        Ok(())
    }

    /// Sets a value of the device's own area.
    pub fn set_local(&self, name: &str, value: &[u8]) -> Result<(), StoreError> {
        self.put_named(tables::LOCAL, "local", name, value)
    }

    /// Removes a value of the device's own area.
    pub fn remove_local(&self, name: &str) -> Result<(), StoreError> {
        self.open(tables::LOCAL)?.remove(name)?;
        Ok(())
    }

    fn put<const N: usize>(
        &self,
        definition: Fixed<N, &'static [u8]>,
        table: &'static str,
        key: &[u8; N],
        value: &[u8],
    ) -> Result<(), StoreError> {
        check_value(table, value.len())?;
        self.open(definition)?.insert(key, value)?;
        Ok(())
    }

    fn put_named(
        &self,
        definition: Named,
        table: &'static str,
        name: &str,
        value: &[u8],
    ) -> Result<(), StoreError> {
        check_name(table, name)?;
        check_value(table, value.len())?;
        self.open(definition)?.insert(name, value)?;
        Ok(())
    }

    /// Empties a table by dropping it, which costs what its tree weighs and not what its rows do one by one.
    fn empty<K: redb::Key + 'static, V: redb::Value + 'static>(
        &self,
        definition: TableDefinition<'static, K, V>,
    ) -> Result<(), StoreError> {
        self.check()?;
        self.transaction.delete_table(definition)?;
        self.open(definition)?;
        Ok(())
    }
}

/// Returns the order after the last one of a table, from 1.
fn next_order<V: redb::Value + 'static>(
    table: &impl ReadableTable<&'static [u8; 8], V>,
    name: &'static str,
) -> Result<u64, StoreError> {
    match table.last()? {
        None => Ok(1),
        Some((last, _)) => u64::from_be_bytes(*last.value())
            .checked_add(1)
            .ok_or(StoreError::Full { table: name }),
    }
}

fn check_value(table: &'static str, bytes: usize) -> Result<(), StoreError> {
    if bytes > MAX_VALUE_BYTES {
        return Err(StoreError::ValueTooLarge { table, bytes });
    }
    Ok(())
}

fn check_name(table: &'static str, name: &str) -> Result<(), StoreError> {
    if name.len() > MAX_NAME_BYTES {
        return Err(bad_name(table, name));
    }
    Ok(())
}

fn check_meta_name(name: &str) -> Result<(), StoreError> {
    if name.starts_with(OWN_META_PREFIX) {
        return Err(bad_name("meta", name));
    }
    Ok(())
}

fn bad_name(table: &'static str, name: &str) -> StoreError {
    StoreError::Name {
        table,
        name: name.chars().take(40).collect(),
    }
}
