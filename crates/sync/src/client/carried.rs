//! What the relay carried, on its way into the store.

use std::collections::VecDeque;

use super::{
    APPLY_BYTES, APPLY_ITEMS, Broken, COMFORTABLE_QUEUE_BYTES, CarriedEnvelope, MAX_QUEUE_BYTES,
    Output,
};

/// What an envelope counts at least, so that short ones are bounded too.
const ENVELOPE_BYTES: usize = 128;

#[derive(Debug)]
enum Waiting {
    Envelope(CarriedEnvelope),
    /// The relay has no more of what was wanted.
    Ended,
}

/// Hands out what was carried one batch at a time.
#[derive(Debug, Default)]
pub(super) struct CarriedQueue {
    queue: VecDeque<Waiting>,
    bytes: usize,
    is_storing: bool,
}

impl CarriedQueue {
    pub(super) fn add(&mut self, envelope: CarriedEnvelope) -> Result<(), Broken> {
        self.bytes += size(&envelope);
        self.queue.push_back(Waiting::Envelope(envelope));
        if self.bytes > MAX_QUEUE_BYTES {
            return Err(Broken::QueueFull);
        }
        Ok(())
    }

    /// Notes that a want ends here.
    pub(super) fn end_want(&mut self) {
        self.queue.push_back(Waiting::Ended);
    }

    /// Notes that the batch which was handed out is durable.
    pub(super) fn stored(&mut self) {
        self.is_storing = false;
    }

    /// Hands out the next batch, unless one is being stored or nothing waits.
    pub(super) fn next(&mut self) -> Option<Output> {
        if self.is_storing {
            return None;
        }
        let mut envelopes = Vec::new();
        let mut bytes = 0;
        while let Some(next) = self.queue.pop_front() {
            let envelope = match next {
                Waiting::Envelope(envelope) => envelope,
                Waiting::Ended if envelopes.is_empty() => return Some(Output::WantEnded),
                Waiting::Ended => {
                    self.queue.push_front(Waiting::Ended);
                    break;
                }
            };
            bytes += size(&envelope);
            let is_full = bytes > APPLY_BYTES || envelopes.len() >= APPLY_ITEMS;
            if is_full && !envelopes.is_empty() {
                self.queue.push_front(Waiting::Envelope(envelope));
                break;
            }
            self.bytes -= size(&envelope);
            envelopes.push(envelope);
        }
        self.is_storing = !envelopes.is_empty();
        self.is_storing.then_some(Output::Carried { envelopes })
    }

    /// Tells whether all that came is durable.
    pub(super) fn is_idle(&self) -> bool {
        self.queue.is_empty() && !self.is_storing
    }

    /// Tells whether there is room for more.
    pub(super) fn is_comfortable(&self) -> bool {
        self.bytes < COMFORTABLE_QUEUE_BYTES
    }
}

fn size(envelope: &CarriedEnvelope) -> usize {
    envelope.bytes.len() + ENVELOPE_BYTES
}
