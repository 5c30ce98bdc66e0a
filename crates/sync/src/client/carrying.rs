//! What the relay lacks on its way there: read piece by piece, sent within a window, each frame answered when it is
//! decided durably.

use std::{collections::VecDeque, sync::Arc};

use protocol::{
    Blob, Carry, Frame,
    limits::{BATCH_BYTES, MAX_BATCH_ENVELOPES},
};

use super::{CARRY_WINDOW_BYTES, Missing, Output};

/// What follows for the session.
#[derive(Debug)]
pub(super) enum CarryingStep {
    Read(Output),
    Send(Frame),
}

/// Pieces of feeds that are being carried to the relay.
#[derive(Debug)]
pub(super) struct Carrying {
    missing: Arc<[Missing]>,
    /// After which place of the received order to read on; none when all was read.
    after: Option<u64>,
    is_reading: bool,
    frames: VecDeque<Frame>,
    in_flight: VecDeque<usize>,
    to_send: u64,
}

impl Carrying {
    /// Begins with these pieces; without any it is done.
    pub(super) fn new(missing: Vec<Missing>) -> Self {
        Carrying {
            to_send: missing.iter().map(|piece| piece.to - piece.from + 1).sum(),
            after: (!missing.is_empty()).then_some(0),
            missing: missing.into(),
            is_reading: false,
            frames: VecDeque::new(),
            in_flight: VecDeque::new(),
        }
    }

    /// Tells whether there was nothing to carry.
    pub(super) fn is_empty(&self) -> bool {
        self.missing.is_empty()
    }

    /// Takes envelopes that the relay lacks.
    pub(super) fn read(&mut self, envelopes: Vec<Blob>, next: Option<u64>) {
        if !std::mem::take(&mut self.is_reading) {
            return;
        }
        // Going on from the same place would turn in a circle.
        self.after = next.filter(|next| self.after.is_some_and(|after| after < *next));
        self.to_send = self.to_send.saturating_sub(envelopes.len() as u64);
        let mut frame: Vec<Blob> = Vec::new();
        let mut bytes = 0;
        for envelope in envelopes {
            let is_full =
                bytes + envelope.len() > BATCH_BYTES || frame.len() >= MAX_BATCH_ENVELOPES;
            if is_full && !frame.is_empty() {
                self.carry(std::mem::take(&mut frame), std::mem::take(&mut bytes));
            }
            bytes += envelope.len();
            frame.push(envelope);
        }
        if !frame.is_empty() {
            self.carry(frame, bytes);
        }
    }

    fn carry(&mut self, envelopes: Vec<Blob>, bytes: usize) {
        self.in_flight.push_back(bytes);
        self.frames.push_back(Carry { envelopes }.into());
    }

    /// Notes that the relay has decided a frame durably; returns whether one was on its way.
    pub(super) fn answered(&mut self) -> bool {
        self.in_flight.pop_front().is_some()
    }

    /// Returns the next thing that follows.
    pub(super) fn step(&mut self) -> Option<CarryingStep> {
        if let Some(frame) = self.frames.pop_front() {
            return Some(CarryingStep::Send(frame));
        }
        let after = self.after?;
        let in_flight: usize = self.in_flight.iter().sum();
        if self.is_reading || in_flight >= CARRY_WINDOW_BYTES {
            return None;
        }
        self.is_reading = true;
        Some(CarryingStep::Read(Output::ReadMissing {
            missing: Arc::clone(&self.missing),
            after,
            max_bytes: BATCH_BYTES,
            max_envelopes: MAX_BATCH_ENVELOPES,
        }))
    }

    /// Tells whether the relay has decided all of it.
    pub(super) fn is_done(&self) -> bool {
        self.after.is_none() && !self.is_reading && self.in_flight.is_empty()
    }

    /// Returns how many envelopes are still to be read.
    pub(super) fn to_send(&self) -> u64 {
        self.to_send
    }
}
