//! What an envelope that its feed did write is worth by the roster.

use protocol::Cut;

use crate::{Roster, Standing};

/// What the roster lets an envelope be worth that its feed did write.
///
/// Only [`Weight::Counts`] is for good: a roster that grows moves cuts and brings devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// It counts and is read.
    Counts,
    /// Its device was revoked after an earlier one: it is held until an admin moves the cut.
    Revoked(Cut),
    /// The role of its device's member may not write after an earlier one: it is held until an admin moves the cut or
    /// the member gets another role.
    Silenced(Cut),
    /// Only a lost branch of the roster knows its device: it is held until an admin accepts the device.
    LostBranch,
    /// Nobody here knows its device: it waits for the roster.
    Unknown,
}

impl Weight {
    /// Weighs the place of an envelope in its feed.
    ///
    /// Before a cut only the chain of the feed shows whether the envelope leads to the one that the cut names.
    pub fn of(place: &Cut, roster: &Roster) -> Self {
        if roster.held_device(&place.feed).is_some() {
            return Weight::LostBranch;
        }
        let is_behind = |cut: &Cut| {
            place.sequence > cut.sequence
                || (place.sequence == cut.sequence && place.hash != cut.hash)
        };
        match roster.standing(&place.feed) {
            None => Weight::Unknown,
            Some(Standing::Revoked(cut)) if is_behind(&cut) => Weight::Revoked(cut),
            Some(Standing::Silenced(cut)) if is_behind(&cut) => Weight::Silenced(cut),
            Some(_) => Weight::Counts,
        }
    }

    /// Tells whether an admin decides about it.
    pub fn is_held(self) -> bool {
        matches!(
            self,
            Weight::Revoked(_) | Weight::Silenced(_) | Weight::LostBranch
        )
    }
}
