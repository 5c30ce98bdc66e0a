//! Applying what the relay's log brings, in one transaction of the store with the cursor.

use minicbor::{Decode, Encode};
use model::RecordId;
use protocol::{Blob, Cursor, Envelope, FeedId, Part};
use replica::{Applied, RecordPart};
use store::{EnvelopeKey, Reading, Write};
use sync::client::Item;
use vault::{OpenError, actor_prefix, open_parts, verify_envelope};

use super::Core;
use super::device::{Device, META_ACKNOWLEDGED, META_CURSOR, META_TRYING, read_head, write_head};
use super::problem::Problem;

/// How often an envelope may be the only one that is being applied when the program dies.
const MAX_ATTEMPTS: u32 = 3;

/// What is being applied: durable before the attempt, cleared with it, so that a death leaves a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(super) struct Trying {
    /// The first sequence of the log.
    #[n(0)]
    from: u64,
    /// The last sequence of the log.
    #[n(1)]
    to: u64,
    /// How many attempts ended in a death before this one.
    #[n(2)]
    attempts: u32,
}

#[cfg(test)]
impl Trying {
    /// Makes the mark that a death leaves.
    pub(super) fn died(from: u64, to: u64, attempts: u32) -> Self {
        Self { from, to, attempts }
    }
}

/// Why an envelope waits or is set aside, as it is stored and shown.
mod reason {
    pub(super) const NEW: &[u8] = b"was not tried yet";
    pub(super) const DEPENDENCY: &str = "waits for changes that have not arrived";
    pub(super) const DEATH: &str = "the program died three times while it applied this alone";
}

impl Core {
    /// Applies a batch of the log together with the cursor after it.
    ///
    /// Returns how many envelopes of others there were.
    pub(super) fn apply_batch(
        &mut self,
        first: u64,
        items: &[Item],
        cursor: Cursor,
    ) -> Result<u64, Problem> {
        let mut received = 0;
        let mut at = 0;
        while at < items.len() {
            let from = first + at as u64;
            let (count, attempts) = self.next_attempt(from, items.len() - at)?;
            let trying = Trying {
                from,
                to: from + count as u64 - 1,
                attempts,
            };
            self.set_trying(trying)?;
            let is_condemned = count == 1 && attempts >= MAX_ATTEMPTS;
            let last = at + count == items.len();
            received +=
                self.apply_some(&items[at..at + count], last.then_some(cursor), is_condemned)?;
            at += count;
        }
        self.is_changed = true;
        Ok(received)
    }

    /// Says how many items to try at once: all, or one by one where an attempt ended in a death before.
    fn next_attempt(&self, from: u64, left: usize) -> Result<(usize, u32), Problem> {
        let Some(bytes) = self.store.read()?.meta(META_TRYING)? else {
            return Ok((left, 0));
        };
        let Ok(died) = minicbor::decode::<Trying>(&bytes) else {
            return Ok((left, 0));
        };
        Ok(if died.from == from && died.to == from {
            (1, died.attempts + 1)
        } else if (died.from..=died.to).contains(&from) {
            (1, 0)
        } else {
            (left, 0)
        })
    }

    fn set_trying(&self, trying: Trying) -> Result<(), Problem> {
        let write = self.store.write()?;
        let bytes = minicbor::to_vec(trying).map_err(Problem::damaged)?;
        write.set_meta(META_TRYING, &bytes)?;
        Ok(write.commit()?)
    }

    fn apply_some(
        &mut self,
        items: &[Item],
        cursor: Option<Cursor>,
        is_condemned: bool,
    ) -> Result<u64, Problem> {
        let Some(device) = self.device.as_mut() else {
            return Ok(0);
        };
        let write = self.store.write()?;
        let mut received = 0;
        for item in items {
            if let Item::Envelope {
                bytes, envelope, ..
            } = item
            {
                received += 1;
                if is_condemned {
                    set_aside(device, &write, bytes, envelope, reason::DEATH)?;
                } else {
                    receive(device, &write, bytes, envelope)?;
                }
            }
        }
        if let Some(cursor) = cursor {
            write.set_meta(META_CURSOR, &protocol::canonical::encode(&cursor))?;
        }
        write.clear_meta(META_TRYING)?;
        write.commit()?;
        if cursor.is_some() {
            device.cursor = cursor;
        }
        Ok(received)
    }

    /// Notes up to where the relay has the own feed durably.
    pub(super) fn acknowledged(&mut self, sequence: u64) -> Result<(), Problem> {
        let Some(device) = self.device.as_mut() else {
            return Ok(());
        };
        if device.acknowledged != sequence {
            let write = self.store.write()?;
            write.set_meta(META_ACKNOWLEDGED, &sequence.to_be_bytes())?;
            write.commit()?;
            device.acknowledged = sequence;
            self.is_changed = true;
        }
        Ok(())
    }

    /// Lets what was set aside wait, so that it is tried again.
    pub(super) fn retry_quarantine(&mut self) -> Result<(), Problem> {
        let held = self.store.read()?.quarantine()?;
        if held.is_empty() {
            return Ok(());
        }
        let write = self.store.write()?;
        for (key, reason) in held {
            write.take_quarantine(key)?;
            write.put_waiting(key, &reason, &[])?;
        }
        Ok(write.commit()?)
    }

    /// Tries again what waits for a roster entry, a key or an envelope of its feed.
    pub(super) fn retry_waiting(&mut self) -> Result<(), Problem> {
        let Some(device) = self.device.as_mut() else {
            return Ok(());
        };
        let waiting = self.store.read()?.waiting()?;
        if waiting.is_empty() {
            return Ok(());
        }
        let write = self.store.write()?;
        for (key, _) in waiting {
            retry(device, &write, key)?;
        }
        write.commit()?;
        self.is_changed = true;
        Ok(())
    }
}

/// Takes in one envelope: applies it, or lets it wait, or sets it aside; it is kept in each case.
pub(super) fn receive(
    device: &mut Device,
    write: &Write,
    bytes: &Blob,
    envelope: &Envelope,
) -> Result<(), Problem> {
    let header = &envelope.header;
    let key = EnvelopeKey {
        feed: *header.feed.as_bytes(),
        sequence: header.sequence,
    };
    if write.envelope(&key.feed, key.sequence)?.is_some() {
        return Ok(());
    }
    write.put_envelope(&key.feed, key.sequence, bytes)?;
    write.put_waiting(key, reason::NEW, &[])?;
    retry(device, write, key)
}

/// Tries an envelope that is kept, and then all that waited for what it brought.
fn retry(device: &mut Device, write: &Write, key: EnvelopeKey) -> Result<(), Problem> {
    let mut open = vec![key];
    while let Some(key) = open.pop() {
        if write.waiting_reason(key)?.is_none() {
            continue;
        }
        let Some(bytes) = write.envelope(&key.feed, key.sequence)? else {
            continue;
        };
        if !continues(write, key, &bytes)? {
            continue;
        }
        write.take_waiting(key)?;
        open.extend(attempt(device, write, key, &bytes)?);
        // What follows in the feed may have come before.
        open.push(EnvelopeKey {
            sequence: key.sequence + 1,
            ..key
        });
    }
    Ok(())
}

/// Moves the head of a feed on to an envelope, unless it is there already; false when the envelope does not follow.
fn continues(write: &Write, key: EnvelopeKey, bytes: &[u8]) -> Result<bool, Problem> {
    let (sequence, hash) = match write.feed(&key.feed)? {
        Some(bytes) => read_head(&bytes)?,
        None => (0, protocol::EnvelopeHash::ZERO),
    };
    if key.sequence <= sequence {
        return Ok(true);
    }
    let envelope = Envelope::decode(bytes).map_err(Problem::damaged)?;
    if key.sequence == sequence + 1 && envelope.header.previous == hash {
        write.set_feed(&key.feed, &write_head(key.sequence, envelope.hash()))?;
        return Ok(true);
    }
    let why = format!("follows no envelope that is here: its feed stands at {sequence}");
    write.put_waiting(key, why.as_bytes(), &[])?;
    Ok(false)
}

/// Verifies, opens and applies an envelope; returns the envelopes that waited for what it brought.
fn attempt(
    device: &mut Device,
    write: &Write,
    key: EnvelopeKey,
    bytes: &[u8],
) -> Result<Vec<EnvelopeKey>, Problem> {
    let verified = match verify_envelope(bytes, &device.roster) {
        Ok(verified) => verified,
        Err(error) if error.waits() => {
            write.put_waiting(key, error.to_string().as_bytes(), &[])?;
            return Ok(Vec::new());
        }
        Err(error) => {
            write.put_quarantine(key, error.to_string().as_bytes())?;
            return Ok(Vec::new());
        }
    };
    let parts = match open_parts(&verified, &device.ring) {
        Ok(parts) => parts,
        Err(error @ OpenError::MissingKey { .. }) => {
            write.put_waiting(key, error.to_string().as_bytes(), &[])?;
            return Ok(Vec::new());
        }
        Err(error) => {
            write.put_quarantine(key, error.to_string().as_bytes())?;
            return Ok(Vec::new());
        }
    };
    let mut records = Vec::new();
    let mut files = Vec::new();
    for part in parts {
        match part {
            Part::Record { record, changes } => records.push(RecordPart {
                record: RecordId::from_bytes(*record.as_bytes()),
                changes: changes.iter().map(|change| change.to_vec()).collect(),
            }),
            Part::File { hash, bytes } => files.push((hash, bytes)),
        }
    }
    let feed = verified.header().feed;
    let prefixes: Vec<[u8; 12]> = device
        .roster
        .lineage(&feed)
        .iter()
        .map(actor_prefix)
        .collect();
    match device.replica.apply(write, &records, &prefixes)? {
        Applied::Done {
            operations,
            changes,
        } => {
            for (hash, bytes) in files {
                write.put_file(hash.as_bytes(), &bytes)?;
            }
            if let Some(batch) = verified.header().batch {
                for operation in operations {
                    write.put_batch(batch.as_bytes(), operation.as_bytes())?;
                }
            }
            let mut waiting = Vec::new();
            for (record, hash) in changes {
                waiting.extend(write.waiting_for(record.as_bytes(), &hash)?);
            }
            return Ok(waiting);
        }
        Applied::Waits(missing) => {
            let missing: Vec<([u8; 16], [u8; 32])> = missing
                .into_iter()
                .map(|(record, hash)| (*record.as_bytes(), hash))
                .collect();
            write.put_waiting(key, reason::DEPENDENCY.as_bytes(), &missing)?;
        }
        Applied::Rejected { record, reason } => {
            let why = format!("record {}: {reason}", record.short());
            write.put_quarantine(key, why.as_bytes())?;
        }
        Applied::TooManyOperations => {
            write.put_quarantine(key, b"more operations than an envelope may hold")?;
        }
    }
    Ok(Vec::new())
}

/// Keeps an envelope without applying it, for good.
fn set_aside(
    device: &Device,
    write: &Write,
    bytes: &Blob,
    envelope: &Envelope,
    why: &str,
) -> Result<(), Problem> {
    let feed: FeedId = envelope.header.feed;
    let key = EnvelopeKey {
        feed: *feed.as_bytes(),
        sequence: envelope.header.sequence,
    };
    if feed != device.keys.feed() && write.envelope(&key.feed, key.sequence)?.is_none() {
        write.put_envelope(&key.feed, key.sequence, bytes)?;
        write.set_feed(&key.feed, &write_head(key.sequence, envelope.hash()))?;
        write.put_quarantine(key, why.as_bytes())?;
    }
    Ok(())
}
