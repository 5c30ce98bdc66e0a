//! The relay's log on its way into the store.

use std::collections::VecDeque;

use protocol::{Cursor, Envelope, EnvelopeHash, LogItem, WorkspaceId, log_next, log_start};

use super::{APPLY_BYTES, APPLY_ITEMS, Broken, COMFORTABLE_QUEUE_BYTES, Item, MAX_QUEUE_BYTES};

/// What an item counts at least, so that short ones are bounded too.
const ITEM_BYTES: usize = 128;

/// One item with the cursor after it.
#[derive(Debug)]
struct Waiting {
    item: Item,
    cursor: Cursor,
    bytes: usize,
}

/// A batch for the store.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) first: u64,
    pub(super) items: Vec<Item>,
    pub(super) cursor: Cursor,
}

/// Checks the log as it comes and hands it out one batch at a time.
#[derive(Debug)]
pub(super) struct Inbox {
    received: Cursor,
    applied: Cursor,
    applying: Option<Cursor>,
    queue: VecDeque<Waiting>,
    queued_bytes: usize,
    newest: u64,
    newest_own: (u64, EnvelopeHash),
}

impl Inbox {
    /// Begins behind a cursor, with a log that has reached `newest`.
    pub(super) fn new(cursor: Cursor, newest: u64) -> Self {
        Inbox {
            received: cursor,
            applied: cursor,
            applying: None,
            queue: VecDeque::new(),
            queued_bytes: 0,
            newest,
            newest_own: (0, EnvelopeHash::ZERO),
        }
    }

    /// Returns the cursor before the first entry of a log.
    pub(super) fn beginning(workspace: &WorkspaceId, mut cursor: Cursor) -> Cursor {
        cursor.sequence = 0;
        cursor.running = log_start(workspace, &cursor.epoch);
        cursor
    }

    /// Takes a piece of the log; what is known already is skipped.
    pub(super) fn receive(&mut self, first: u64, items: Vec<LogItem>) -> Result<(), Broken> {
        for (sequence, item) in (first..).zip(items) {
            if sequence <= self.received.sequence {
                continue;
            }
            if sequence != self.received.sequence + 1 {
                return Err(Broken::LogGap {
                    have: self.received.sequence,
                    got: sequence,
                });
            }
            self.take(sequence, item)?;
        }
        if self.queued_bytes > MAX_QUEUE_BYTES {
            return Err(Broken::QueueFull);
        }
        Ok(())
    }

    fn take(&mut self, sequence: u64, item: LogItem) -> Result<(), Broken> {
        let received_ms = item.received_ms();
        let (item, hash, bytes) = match item {
            LogItem::Own { hash, sequence, .. } => {
                if sequence > self.newest_own.0 {
                    self.newest_own = (sequence, hash);
                }
                let own = Item::Own {
                    received_ms,
                    sequence,
                    hash,
                };
                (own, hash, 0)
            }
            LogItem::Envelope { envelope, .. } => {
                let read = Envelope::decode(&envelope)
                    .map_err(|source| Broken::Envelope { sequence, source })?;
                let (hash, len) = (read.hash(), envelope.len());
                let item = Item::Envelope {
                    received_ms,
                    bytes: envelope,
                    envelope: Box::new(read),
                };
                (item, hash, len)
            }
        };
        let bytes = bytes + ITEM_BYTES;
        self.received.sequence = sequence;
        self.received.running = log_next(&self.received.running, sequence, received_ms, &hash);
        self.newest = self.newest.max(sequence);
        self.queued_bytes += bytes;
        self.queue.push_back(Waiting {
            item,
            cursor: self.received,
            bytes,
        });
        Ok(())
    }

    /// Hands out the next batch, unless one is being applied or nothing waits.
    ///
    /// An own envelope beyond `own_stored` waits until the relay has acknowledged it: it may be one that a clone of this
    /// disk sent.
    pub(super) fn next_batch(&mut self, own_stored: u64) -> Option<Batch> {
        let is_certain =
            |item: &Item| !matches!(item, Item::Own { sequence, .. } if *sequence > own_stored);
        let first = self.queue.front();
        if self.applying.is_some() || !first.is_some_and(|first| is_certain(&first.item)) {
            return None;
        }
        let mut batch = Batch {
            first: self.applied.sequence + 1,
            items: Vec::new(),
            cursor: self.applied,
        };
        let mut bytes = 0;
        while let Some(next) = self.queue.front() {
            bytes += next.bytes;
            let full = bytes > APPLY_BYTES || batch.items.len() >= APPLY_ITEMS;
            if (full && !batch.items.is_empty()) || !is_certain(&next.item) {
                break;
            }
            self.queued_bytes -= next.bytes;
            batch.cursor = next.cursor;
            batch
                .items
                .extend(self.queue.pop_front().map(|next| next.item));
        }
        self.applying = Some(batch.cursor);
        Some(batch)
    }

    /// Notes that the batch which was handed out is durable.
    pub(super) fn applied(&mut self, cursor: Cursor) -> Result<(), Broken> {
        if self.applying != Some(cursor) {
            return Err(Broken::Applied {
                got: cursor.sequence,
            });
        }
        self.applying = None;
        self.applied = cursor;
        Ok(())
    }

    /// Returns the cursor up to which everything is applied.
    pub(super) fn applied_cursor(&self) -> Cursor {
        self.applied
    }

    /// Returns how many entries of the log, as far as it is known, are not applied.
    pub(super) fn missing(&self) -> u64 {
        self.newest.saturating_sub(self.applied.sequence)
    }

    /// Returns the last place of the own feed that came in the log.
    pub(super) fn newest_own(&self) -> (u64, EnvelopeHash) {
        self.newest_own
    }

    /// Tells whether there is room for more.
    pub(super) fn is_comfortable(&self) -> bool {
        self.queued_bytes < COMFORTABLE_QUEUE_BYTES
    }
}
