//! Applying what the relay's log brings, in one transaction of the store with the cursor.

use minicbor::{Decode, Encode};
use protocol::{Cursor, Envelope, FeedId, LogHash, log_next, log_start};
use store::{EnvelopeKey, Reading, Write};
use sync::client::{Item, Missing};

use super::Core;
use super::device::{Device, META_ACKNOWLEDGED, META_CURSOR, META_RETRYING, META_TRYING};
use super::problem::Problem;
use super::receive::{self, reason};
use super::witness;

/// How often an envelope may be the only one that is being applied when the program dies.
const MAX_DEATHS: u32 = 3;

/// What is being applied: durable before the attempt, cleared when the cursor is past it, so that a death leaves a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(super) struct Trying {
    /// The last sequence of the log that the attempt was to reach; up to it, one is tried at a time after a death.
    #[n(0)]
    to: u64,
    /// The sequence that was tried alone.
    #[n(1)]
    alone: Option<u64>,
    /// How often the program died while it tried that one alone, before this attempt.
    #[n(2)]
    deaths: u32,
}

impl Trying {
    /// Says how to go on at a sequence, after what an earlier attempt left: how many items, and after how many deaths.
    fn next(died: Option<Self>, at: u64, left: usize) -> (usize, Self) {
        match died.filter(|died| at <= died.to) {
            Some(died) => {
                let deaths = if died.alone == Some(at) {
                    died.deaths + 1
                } else {
                    0
                };
                (
                    1,
                    Self {
                        to: died.to,
                        alone: Some(at),
                        deaths,
                    },
                )
            }
            None => {
                let to = at + left as u64 - 1;
                (
                    left,
                    Self {
                        to,
                        alone: (left == 1).then_some(at),
                        deaths: 0,
                    },
                )
            }
        }
    }
}

#[cfg(test)]
impl Trying {
    /// Makes the mark that a death leaves.
    pub(super) fn died(to: u64, alone: Option<u64>, deaths: u32) -> Self {
        Self { to, alone, deaths }
    }
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
        let died = match self.store.read()?.meta(META_TRYING)? {
            Some(bytes) => minicbor::decode::<Trying>(&bytes).ok(),
            None => None,
        };
        let mut received = 0;
        let mut at = 0;
        while at < items.len() {
            let sequence = first + at as u64;
            let (count, trying) = Trying::next(died, sequence, items.len() - at);
            let write = self.store.write()?;
            write.set_meta(
                META_TRYING,
                &minicbor::to_vec(trying).map_err(Problem::damaged)?,
            )?;
            #[cfg(feature = "sabotage")]
            if sabotage::is(sabotage::Break::CursorBeforeBatch) {
                write.set_meta(META_CURSOR, &protocol::canonical::encode(&cursor))?;
            }
            write.commit()?;
            let some = &items[at..at + count];
            let is_last = at + count == items.len();
            let after = if is_last {
                cursor
            } else {
                self.cursor_after(sequence, some, cursor)?
            };
            received += self.apply_some(sequence, some, after, trying)?;
            at += count;
        }
        self.is_changed = true;
        Ok(received)
    }

    /// Works out the cursor in the middle of a batch, where one item is tried at a time.
    fn cursor_after(&self, first: u64, items: &[Item], batch: Cursor) -> Result<Cursor, Problem> {
        let Some(device) = &self.device else {
            return Err(Problem::damaged("there is no workspace"));
        };
        let mut running = running_before(device, first, &batch)
            .ok_or_else(|| Problem::damaged("the batch does not follow the cursor"))?;
        for (sequence, item) in (first..).zip(items) {
            running = running_after(&running, sequence, item);
        }
        Ok(Cursor {
            sequence: first + items.len() as u64 - 1,
            running,
            ..batch
        })
    }

    fn apply_some(
        &mut self,
        first: u64,
        items: &[Item],
        cursor: Cursor,
        trying: Trying,
    ) -> Result<u64, Problem> {
        let Some(device) = self.device.as_mut() else {
            return Ok(0);
        };
        let is_condemned = trying.deaths >= MAX_DEATHS;
        let write = self.store.write()?;
        let mut received = 0;
        witness::note_log(device, &write, first, items, &cursor)?;
        for item in items {
            let (feed, sequence) = match item {
                Item::Own { sequence, .. } => (device.keys.feed(), *sequence),
                Item::Envelope {
                    bytes,
                    envelope,
                    received_ms,
                } => {
                    received += 1;
                    note_contact(&write, envelope, *received_ms)?;
                    receive::receive(device, &write, bytes, envelope, is_condemned)?;
                    (envelope.header.feed, envelope.header.sequence)
                }
            };
            note_in_log(&write, &feed, sequence)?;
        }
        write.set_meta(META_CURSOR, &protocol::canonical::encode(&cursor))?;
        if cursor.sequence >= trying.to {
            write.clear_meta(META_TRYING)?;
        }
        write.commit()?;
        device.cursor = Some(cursor);
        Ok(received)
    }

    /// Counts the transactions of others that this device has and the relay's log does not.
    pub(super) fn relay_lacks(&self) -> Result<u64, Problem> {
        let pieces = self.lacking_pieces()?;
        Ok(pieces.iter().map(|piece| piece.to - piece.from + 1).sum())
    }

    /// Names the transactions of others that this device has and the relay's log does not.
    pub(super) fn lacking_pieces(&self) -> Result<Vec<Missing>, Problem> {
        let Some(device) = &self.device else {
            return Ok(Vec::new());
        };
        let read = self.store.read()?;
        let mut lacks = Vec::new();
        for (feed, head) in read.feeds()? {
            let feed = FeedId::from_bytes(feed);
            // Of two branches the relay has one; the other comes again under the feed of the device that made it.
            let has_branches = read.meta(&receive::forked_name(&feed))?.is_some();
            if feed != device.keys.feed() && !has_branches {
                let there = read
                    .meta(&log_name(&feed))?
                    .and_then(|bytes| super::device::number(&bytes))
                    .unwrap_or(0);
                // What came here before the roster cut the feed stays; the relay rightly does not have it in its log.
                let cut = device.cut_of(&feed).map_or(u64::MAX, |cut| cut.sequence);
                let here = super::device::read_head(&head)?.0.min(cut);
                if there < here {
                    lacks.push(Missing {
                        feed,
                        from: there + 1,
                        to: here,
                    });
                }
            }
        }
        Ok(lacks)
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
        self.link.count_sent(sequence);
        Ok(())
    }

    /// Lets what was set aside wait, so that it is tried again; what killed the program only on request.
    pub(super) fn release_quarantine(&mut self, is_on_request: bool) -> Result<(), Problem> {
        let held = self.store.read()?.quarantine()?;
        let write = self.store.write()?;
        for (key, why) in held {
            if is_on_request || why != reason::DEATH.as_bytes() {
                write.take_quarantine(key)?;
                write.put_waiting(key, &why, &[])?;
            }
        }
        Ok(write.commit()?)
    }

    /// Tries again what waits for something else than a dependency, which is found again when that arrives.
    ///
    /// Each is tried under a durable mark: one that kills the program is set aside at the next start.
    pub(super) fn retry_waiting(&mut self) -> Result<(), Problem> {
        let waiting = self.store.read()?.waiting()?;
        for (key, why) in waiting {
            if why == reason::DEPENDENCY.as_bytes() {
                continue;
            }
            let Some(device) = self.device.as_mut() else {
                return Ok(());
            };
            let mark = [key.feed.as_slice(), &key.sequence.to_be_bytes()].concat();
            let write = self.store.write()?;
            write.set_meta(META_RETRYING, &mark)?;
            write.commit()?;
            let write = self.store.write()?;
            receive::retry(device, &write, key)?;
            write.clear_meta(META_RETRYING)?;
            write.commit()?;
            self.is_changed = true;
        }
        Ok(())
    }

    /// Sets aside what was being tried again when the program died.
    pub(super) fn bury_what_killed(&mut self) -> Result<(), Problem> {
        let mark = self.store.read()?.meta(META_RETRYING)?;
        let Some((feed, sequence)) = mark
            .as_deref()
            .and_then(|bytes| bytes.split_first_chunk::<32>())
        else {
            return Ok(());
        };
        let key = EnvelopeKey {
            feed: *feed,
            sequence: super::device::number(sequence).unwrap_or(0),
        };
        let write = self.store.write()?;
        if write.take_waiting(key)?.is_some() {
            write.put_quarantine(key, reason::DEATH.as_bytes())?;
        }
        write.clear_meta(META_RETRYING)?;
        Ok(write.commit()?)
    }
}

/// Gives the running hash of the log before a batch; none when the batch does not follow what was read.
pub(super) fn running_before(device: &Device, first: u64, batch: &Cursor) -> Option<LogHash> {
    let before = device.cursor.filter(|cursor| {
        cursor.relay == batch.relay && cursor.epoch == batch.epoch && cursor.sequence + 1 == first
    });
    match before {
        Some(cursor) => Some(cursor.running),
        None => (first == 1).then(|| log_start(&device.roster.workspace(), &batch.epoch)),
    }
}

/// Gives the running hash of the log after an item.
pub(super) fn running_after(before: &LogHash, sequence: u64, item: &Item) -> LogHash {
    match item {
        Item::Envelope {
            received_ms,
            envelope,
            ..
        } => log_next(before, sequence, *received_ms, &envelope.hash()),
        Item::Own {
            received_ms, hash, ..
        } => log_next(before, sequence, *received_ms, hash),
    }
}

/// Notes up to where the relay's log holds a feed.
pub(super) fn note_in_log(write: &Write, feed: &FeedId, sequence: u64) -> Result<(), Problem> {
    let name = log_name(feed);
    let before = write
        .meta(&name)?
        .and_then(|bytes| super::device::number(&bytes))
        .unwrap_or(0);
    if sequence > before {
        write.set_meta(&name, &sequence.to_be_bytes())?;
    }
    Ok(())
}

/// Notes when the relay got an envelope from its device; one that is here already came again with a relay's refilling.
fn note_contact(write: &Write, envelope: &Envelope, received_ms: u64) -> Result<(), Problem> {
    let header = &envelope.header;
    let key = (header.feed.as_bytes(), header.sequence);
    if write.envelope(key.0, key.1)?.is_none() {
        let name = contact_name(&header.feed);
        write.set_meta(&name, &received_ms.to_be_bytes())?;
    }
    Ok(())
}

/// Names the note of when the relay last got something from a device (ms since 1970, 8 bytes).
pub(super) fn contact_name(feed: &FeedId) -> String {
    format!("engine/contact/{feed}")
}

/// Names the note of how much of a feed the relay's log holds.
pub(super) fn log_name(feed: &FeedId) -> String {
    format!("engine/log/{feed}")
}
