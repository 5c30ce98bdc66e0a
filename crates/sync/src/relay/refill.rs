//! What a client lacks of the log, sent to it in the order of the log with what it has left out.

use std::collections::HashMap;

use protocol::{
    Blob, Carry, Cut, FeedId, Frame,
    limits::{BATCH_BYTES, MAX_BATCH_ENVELOPES},
};

use super::Output;
use crate::{Comparison, LogEntry};

/// The bytes that are read of the log at once; most of them may be known to the client.
const READ_BYTES: usize = BATCH_BYTES;

/// A walk over the log from the first entry that the client lacks to where the comparison was made.
#[derive(Debug)]
pub(super) struct Refill {
    known: HashMap<FeedId, u64>,
    after: u64,
    until: u64,
}

impl Refill {
    /// Begins with what the client said to hold.
    pub(super) fn new(known: &[Cut], comparison: &Comparison) -> Self {
        Refill {
            known: known.iter().map(|cut| (cut.feed, cut.sequence)).collect(),
            after: comparison.after,
            until: comparison.head.sequence,
        }
    }

    /// Asks for the next piece of the log; none at the end.
    pub(super) fn next_read(&self) -> Option<Output> {
        (self.after < self.until).then_some(Output::ReadLog {
            after: self.after,
            max_bytes: READ_BYTES,
            max_entries: MAX_BATCH_ENVELOPES,
        })
    }

    /// Takes what was read; returns the frame with what the client lacks of it, if it lacks any.
    pub(super) fn take(&mut self, entries: Vec<LogEntry>) -> Option<Frame> {
        if entries.is_empty() {
            // The log was there when it was compared, so this cannot be; going on would turn in a circle.
            self.after = self.until;
        }
        let mut envelopes: Vec<Blob> = Vec::new();
        for entry in entries {
            if self.after >= self.until {
                break;
            }
            self.after += 1;
            let known = self.known.get(&entry.feed).copied().unwrap_or(0);
            if entry.sequence > known {
                envelopes.push(entry.bytes);
            }
        }
        (!envelopes.is_empty()).then(|| Carry { envelopes }.into())
    }
}
