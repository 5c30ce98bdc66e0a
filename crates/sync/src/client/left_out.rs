//! What the relay did not take of others' feeds, and is offered again when its roster has changed.
//!
//! A relay leaves out what devices wrote that its roster does not know (yet: somebody may bring it the rest of the
//! roster, or an admin may accept a device of a lost branch). Whoever wrote it may never come again, so whoever has it
//! carries it once more.

use std::collections::BTreeMap;

use protocol::{Cut, FeedId};

use super::{
    Missing,
    carrying::{Carrying, CarryingStep},
};

/// The pieces that the relay lacks, and those of them that are on their way.
#[derive(Debug, Default)]
pub(super) struct LeftOut {
    pieces: BTreeMap<FeedId, Missing>,
    carrying: Option<Carrying>,
    /// Whether the roster changed while pieces were on their way, which were judged by the one before.
    is_due: bool,
}

impl LeftOut {
    /// Notes pieces that the relay lacks; they are offered when its roster changes.
    pub(super) fn note(&mut self, pieces: impl IntoIterator<Item = Missing>) {
        let pieces = pieces.into_iter().filter(|piece| piece.from <= piece.to);
        #[cfg(feature = "sabotage")]
        let pieces = pieces.filter(|_| !sabotage::is(sabotage::Break::NothingCarried));
        self.pieces.extend(pieces.map(|piece| (piece.feed, piece)));
    }

    /// Offers what was left out, or once more after what is on its way.
    pub(super) fn offer(&mut self) {
        self.is_due = !self.pieces.is_empty();
        self.begin();
    }

    fn begin(&mut self) {
        if self.carrying.is_none() && std::mem::take(&mut self.is_due) {
            let pieces = self.pieces.values().copied().collect();
            self.carrying = Some(Carrying::new(pieces));
        }
    }

    /// Returns what is on its way, for the answers of shell and relay.
    pub(super) fn carrying(&mut self) -> Option<&mut Carrying> {
        self.carrying.as_mut()
    }

    /// Takes where the relay has the feeds of a frame that was carried; returns whether one was on its way.
    pub(super) fn answered(&mut self, heads: &[Cut]) -> bool {
        if !self.carrying.as_mut().is_some_and(Carrying::answered) {
            return false;
        }
        for head in heads {
            if let Some(piece) = self.pieces.get_mut(&head.feed) {
                piece.from = piece.from.max(head.sequence + 1);
            }
        }
        self.pieces.retain(|_, piece| piece.from <= piece.to);
        true
    }

    /// Returns the next thing that follows.
    pub(super) fn step(&mut self) -> Option<CarryingStep> {
        let step = self.carrying.as_mut()?.step();
        if step.is_none() && self.carrying.as_ref().is_some_and(Carrying::is_done) {
            self.carrying = None;
            self.begin();
            return self.carrying.as_mut()?.step();
        }
        step
    }

    /// Tells whether nothing is on its way.
    pub(super) fn is_idle(&self) -> bool {
        self.carrying.is_none()
    }

    /// Returns how many envelopes are still to be sent.
    pub(super) fn to_send(&self) -> u64 {
        self.carrying.as_ref().map_or(0, Carrying::to_send)
    }
}
