//! What a connection is told of what became of its writes, and of a workspace that has grown.

use std::sync::Arc;

use protocol::{Cut, RosterHash};
use sync::relay::{Input, RosterAppended};
use vault::Roster;

use crate::{
    log::Written,
    space::{Now, Space},
};

/// Says what became of a push.
pub(crate) fn to_append(written: Written, space: &Space) -> Input {
    match written {
        Written::Appended { outcome, .. } => Input::Appended(outcome),
        Written::Outdated => Input::Outdated(space.now().roster),
        _ => Input::Failed,
    }
}

/// Says what became of envelopes that were carried.
pub(crate) fn to_carry(written: Written) -> Input {
    match written {
        Written::Carried { heads, .. } => Input::CarriedAppended { heads },
        _ => Input::Failed,
    }
}

/// Says what became of entries that would have made the roster this one.
pub(crate) fn to_roster(written: Written, grown: Arc<Roster>, space: &Space) -> Input {
    match written {
        Written::RosterGrew { .. } => Input::RosterAppended(RosterAppended::Grew(grown)),
        Written::CutsDiffer { heads } => Input::RosterAppended(RosterAppended::CutsDiffer(heads)),
        Written::RosterMoved => Input::RosterAppended(RosterAppended::Moved(space.now().roster)),
        _ => Input::Failed,
    }
}

/// What a connection was told of its workspace.
#[derive(Debug, Default)]
pub(crate) struct Told {
    roster_head: Option<RosterHash>,
    held: Option<Arc<[Cut]>>,
    sequence: Option<u64>,
}

impl Told {
    /// Tells whether there is something that the connection has not heard of.
    pub(crate) fn has_news(&self, now: &Now) -> bool {
        let is_told = self.held.as_ref();
        self.roster_head != Some(now.roster.head())
            || self.sequence != Some(now.head.sequence)
            || !is_told.is_some_and(|held| Arc::ptr_eq(held, &now.held))
    }

    /// Gives the next thing that the connection has not heard of: the roster before what is held, that before the log.
    pub(crate) fn news(&mut self, now: &Now) -> Option<Input> {
        let head = Some(now.roster.head());
        if head != self.roster_head {
            self.roster_head = head;
            return Some(Input::RosterGrew(Arc::clone(&now.roster)));
        }
        let is_told = self.held.as_ref();
        if !is_told.is_some_and(|held| Arc::ptr_eq(held, &now.held)) {
            self.held = Some(Arc::clone(&now.held));
            return Some(Input::HeldChanged(Arc::clone(&now.held)));
        }
        let sequence = now.head.sequence;
        (self.sequence != Some(sequence)).then(|| {
            self.sequence = Some(sequence);
            Input::LogGrew { sequence }
        })
    }
}
