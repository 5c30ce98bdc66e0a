//! The own feed on its way to the relay.

use std::collections::VecDeque;

use protocol::{
    Blob, Cut, Envelope, EnvelopeHash,
    limits::{BATCH_BYTES, MAX_BATCH_ENVELOPES},
};

use super::{Broken, WINDOW_BYTES};

/// A push that was sent and not stored yet.
#[derive(Debug)]
struct InFlight {
    last: u64,
    bytes: usize,
}

/// What to do with envelopes from the store.
#[derive(Debug)]
pub(super) enum Next {
    /// Push them.
    Push(Vec<Blob>),
    /// Nothing is there to push.
    Nothing,
}

/// Decides what of the own feed is sent when.
#[derive(Debug)]
pub(super) struct Outbox {
    head: (u64, EnvelopeHash),
    stored: u64,
    sent: u64,
    first_pushed: Option<u64>,
    /// The hash that the relay has at `sent`, until the first push shows that we have the same.
    unproven: Option<EnvelopeHash>,
    in_flight: VecDeque<InFlight>,
    asked: bool,
    dry: bool,
    /// Whether the relay keeps what is pushed apart, so that it does not come back in the log.
    is_held: bool,
}

impl Outbox {
    /// Begins where the relay has the own feed, which is a place that this disk has too.
    pub(super) fn new(head: (u64, EnvelopeHash), relay: Option<&Cut>) -> Self {
        let (sequence, hash) =
            relay.map_or((0, EnvelopeHash::ZERO), |cut| (cut.sequence, cut.hash));
        Outbox {
            head,
            stored: sequence,
            sent: sequence,
            first_pushed: None,
            unproven: Some(hash),
            in_flight: VecDeque::new(),
            asked: false,
            dry: false,
            is_held: false,
        }
    }

    /// Notes that the own feed has grown.
    pub(super) fn grow(&mut self, head: (u64, EnvelopeHash)) {
        if head.0 >= self.head.0 {
            self.head = head;
            self.dry = false;
        }
    }

    /// Returns the sequence after which envelopes are wanted now, and counts them as asked for.
    pub(super) fn ask(&mut self) -> Option<u64> {
        let in_flight: usize = self.in_flight.iter().map(|push| push.bytes).sum();
        let wanted =
            self.sent < self.head.0 && !self.asked && !self.dry && in_flight < WINDOW_BYTES;
        self.asked |= wanted;
        wanted.then_some(self.sent)
    }

    /// Takes the envelopes that were asked for, as many as fit one frame; the others are asked for again.
    pub(super) fn take(&mut self, envelopes: Vec<(u64, Vec<u8>)>) -> Result<Next, Broken> {
        self.asked = false;
        if envelopes.is_empty() {
            // Asking again at once would turn in a circle; the next local head asks again.
            self.dry = true;
            return Ok(Next::Nothing);
        }
        let mut push = Vec::new();
        let mut bytes = 0;
        for (sequence, envelope) in envelopes {
            bytes += envelope.len();
            let full = bytes > BATCH_BYTES || push.len() >= MAX_BATCH_ENVELOPES;
            if full && !push.is_empty() {
                bytes -= envelope.len();
                break;
            }
            if sequence != self.sent + 1 {
                return Err(Broken::Outbox {
                    expected: self.sent + 1,
                    got: sequence,
                });
            }
            self.check_chain(sequence, &envelope)?;
            self.first_pushed.get_or_insert(sequence);
            self.sent = sequence;
            push.push(Blob::from(envelope));
        }
        self.head.0 = self.head.0.max(self.sent);
        self.in_flight.push_back(InFlight {
            last: self.sent,
            bytes,
        });
        Ok(Next::Push(push))
    }

    /// Checks that the first envelope which is pushed follows the one that both sides have.
    fn check_chain(&mut self, sequence: u64, envelope: &[u8]) -> Result<(), Broken> {
        let Some(relay_has) = self.unproven.take() else {
            return Ok(());
        };
        if Envelope::decode(envelope)?.header.previous != relay_has {
            return Err(Broken::OutboxChain { sequence });
        }
        Ok(())
    }

    /// Notes what the relay has durably, in its log or apart; returns whether that is news.
    pub(super) fn stored(&mut self, cut: &Cut, is_held: bool) -> Result<bool, Broken> {
        if cut.sequence > self.sent {
            return Err(Broken::Acknowledged {
                got: cut.sequence,
                sent: self.sent,
            });
        }
        while self
            .in_flight
            .front()
            .is_some_and(|push| push.last <= cut.sequence)
        {
            self.in_flight.pop_front();
        }
        let news = cut.sequence > self.stored || is_held != self.is_held;
        self.is_held = is_held;
        self.stored = self.stored.max(cut.sequence);
        Ok(news)
    }

    /// Returns how many own envelopes the relay does not have durably.
    pub(super) fn missing(&self) -> u64 {
        self.head.0.saturating_sub(self.stored)
    }

    /// Tells whether what this session pushed came back in the log up to a sequence.
    pub(super) fn is_echoed(&self, newest_own: u64) -> bool {
        self.first_pushed.is_none() || self.is_held || newest_own >= self.sent
    }

    /// Returns up to where this session has sent the own feed, or the relay had it.
    pub(super) fn sent(&self) -> u64 {
        self.sent
    }

    /// Returns up to where the relay has the own feed durably.
    pub(super) fn stored_up_to(&self) -> u64 {
        self.stored
    }
}
