//! The comparison with a client whose cursor the log does not hold, and what each side then sends of what the other
//! lacks.
//!
//! The client names its heads; the relay answers with its own and its position, both of one moment, and sends what the
//! client lacks up to there ([`super::refill`]). The client carries what the relay lacks, each frame of which is
//! answered when it is durable, and compares again until the relay lacks nothing. Then it names the last position, and
//! the log goes on from there.

use protocol::{
    Carry, Cut, Heads, HeadsPurpose, LogPlace, Refusal, Want, limits::MAX_COMPARED_HEADS,
};

use super::{
    Connection, Output,
    connection::State,
    judge::{No, check_carry, reads},
    refill::Refill,
};
use crate::Comparison;

/// Where the comparison with one client stands.
#[derive(Debug, Default)]
pub(super) struct Exchange {
    /// The heads that came so far.
    gathered: Vec<Cut>,
    /// Whether they are all there, and wait for what came before to be durable.
    is_asked: bool,
    /// The heads that are being compared.
    known: Option<Vec<Cut>>,
    /// The position that the client was last told.
    answered: Option<LogPlace>,
}

impl Exchange {
    /// Takes the heads that are to be compared now, if there are any.
    pub(super) fn compare(&mut self) -> Option<Vec<Cut>> {
        if !std::mem::take(&mut self.is_asked) {
            return None;
        }
        let known = std::mem::take(&mut self.gathered);
        self.known = Some(known.clone());
        Some(known)
    }

    /// Tells whether the answer to a comparison is outstanding.
    pub(super) fn is_comparing(&self) -> bool {
        self.is_asked || self.known.is_some()
    }

    /// Forgets everything.
    pub(super) fn stop(&mut self) {
        *self = Exchange::default();
    }
}

impl Connection {
    pub(super) fn heads(&mut self, heads: Heads) -> Result<(), No> {
        let State::Working(working) = &mut self.state else {
            return Ok(());
        };
        reads(working.follow.roster(), working.peer.key)?;
        if heads.purpose() != HeadsPurpose::Comparison {
            return Err(No::new(
                Refusal::Malformed,
                "a client sends heads to compare them alone",
            ));
        }
        let exchange = &mut working.exchange;
        if let Some(position) = heads.position {
            let is_last = exchange.answered == Some(position);
            if !is_last || !heads.heads.is_empty() {
                return Err(No::new(
                    Refusal::Malformed,
                    "the log goes on from the position of the last comparison alone",
                ));
            }
            working.follow.end_refill();
            working
                .follow
                .log_from(position.sequence, position.sequence);
            return Ok(());
        }
        if exchange.gathered.len() + heads.heads.len() > MAX_COMPARED_HEADS {
            return Err(No::new(
                Refusal::TooLarge,
                format_args!("a comparison has at most {MAX_COMPARED_HEADS} heads"),
            ));
        }
        exchange.gathered.extend(heads.heads);
        exchange.is_asked = !heads.more;
        Ok(())
    }

    pub(super) fn compared(&mut self, comparison: &Comparison) {
        let State::Working(working) = &mut self.state else {
            return;
        };
        // Whoever was revoked meanwhile hears nothing of it.
        let Some(known) = working.exchange.known.take() else {
            return;
        };
        let position = comparison.head.place();
        working.exchange.answered = Some(position);
        working.follow.refill(Refill::new(&known, comparison));
        // The log may have grown while this client did not follow it.
        working.follow.log_grew(position.sequence);
        for frame in Heads::comparison(comparison.heads.clone(), Some(position)) {
            self.send(frame);
        }
    }

    pub(super) fn carry(&mut self, carry: Carry) -> Result<(), No> {
        let State::Working(working) = &mut self.state else {
            return Ok(());
        };
        let roster = working.follow.roster();
        reads(roster, working.peer.key)?;
        if carry.envelopes.is_empty() {
            return Err(No::new(Refusal::Malformed, "there is nothing to carry"));
        }
        let (runs, feeds) = check_carry(roster, working.peer.key, carry.envelopes);
        let judged_by = roster.head();
        working.pending += 1;
        self.outputs.push_back(Output::AppendCarried {
            runs,
            feeds,
            judged_by,
        });
        Ok(())
    }

    pub(super) fn carried_appended(&mut self, heads: Vec<Cut>) {
        let State::Working(working) = &mut self.state else {
            return;
        };
        working.pending = working.pending.saturating_sub(1);
        if reads(working.follow.roster(), working.peer.key).is_ok() {
            self.send(Heads::of(HeadsPurpose::Carried, heads));
        }
    }

    pub(super) fn want(&mut self, want: Want) -> Result<(), No> {
        let State::Working(working) = &mut self.state else {
            return Ok(());
        };
        // What a device wrote itself it may have back, a revoked one too: so it learns where its feed stands.
        if want.feed != working.peer.key.into() {
            reads(working.follow.roster(), working.peer.key)?;
        }
        working.follow.want(want);
        Ok(())
    }
}
