//! What the entries since some place say, and whom they concern.

use protocol::{Body, FeedId, RosterHash, SignerKey, What};

use super::Roster;

/// An entry of a roster, for showing it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryInfo {
    /// Its place, from 0.
    pub at: usize,
    /// Its hash, which is the roster's head while it is the newest.
    pub hash: RosterHash,
    /// When it was made by its author's clock, ms since 1970; for people only.
    pub time_ms: u64,
    /// Who signed it: a device, or the invite by which one joined.
    pub author: SignerKey,
    /// What it does.
    pub what: What,
}

impl Roster {
    /// Reads the entries after one, or none when that one is not in this roster; zeros stand before the first.
    pub fn history_after(
        &self,
        head: &RosterHash,
    ) -> Option<impl DoubleEndedIterator<Item = EntryInfo> + '_> {
        let from = if head.is_zero() {
            0
        } else {
            self.places.get(head)? + 1
        };
        Some((from..self.entries.len()).map(|at| {
            let Body {
                time_ms,
                author,
                what,
                ..
            } = self.body(at);
            EntryInfo {
                at,
                hash: self.hashes[at],
                time_ms,
                author,
                what,
            }
        }))
    }

    /// Returns the entries after one that concern a device: that let it in, change what it or its member may do, or
    /// give its member another device. None when that entry is not in this roster.
    pub fn entries_concerning(&self, feed: &FeedId, head: &RosterHash) -> Option<Vec<EntryInfo>> {
        let entries = self.history_after(head)?;
        Some(
            entries
                .filter(|entry| self.concerns(&entry.what, feed))
                .collect(),
        )
    }

    fn concerns(&self, what: &What, feed: &FeedId) -> bool {
        let Some(device) = self.device(feed) else {
            return false;
        };
        let member = device.member;
        match what {
            What::Found(found) => found.device.member == member,
            What::Device(added) => added.device.member == member,
            What::DeviceAccepted(accepted) => accepted.device.member == member,
            What::Invite(invite) => invite.member == member,
            What::InviteEnded(ended) => self
                .invite(&ended.invite)
                .is_some_and(|invite| invite.member == member),
            What::Role(change) => change.member == member,
            What::Revoke(revocation) => revocation
                .feeds
                .iter()
                .filter_map(|revoked| self.device(revoked))
                .any(|revoked| revoked.member == member),
            What::CutMoved(moved) => moved.cut.feed == *feed,
            What::KeyEpoch(_) | What::Unknown { .. } => false,
        }
    }
}
