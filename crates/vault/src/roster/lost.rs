//! Branches of the roster that do not count, and what of them does all the same.
//!
//! The counting branch does not carry a lost one: the client that met it keeps its entries. As long as it does,
//! - a revocation in it stands at once, as does the loss of the right to write, until the counting branch says it too
//!   ([`Roster::sign_settlement`]);
//! - its devices are held like revoked ones, until an admin accepts them ([`Roster::sign_acceptance`]);
//! - its workspace keys are read.

use std::collections::{BTreeMap, BTreeSet};

use protocol::{
    Blob, Cut, DeviceCode, FeedId, KeyCheck, MemberId, Role, RosterHash, SealingKey, SignerKey,
    What, limits::MAX_ROSTER_ENTRIES,
};

use super::{
    Comparison, DeviceInfo, InviteInfo, Roster, RosterError, RosterLoadError, Side, Standing,
    state::nothing_of,
};
use crate::key_ring::{KeptWrap, KeyName};

/// How many lost branches a roster keeps; what is more is ignored ([`Roster::ignored_branches`]).
pub const MAX_LOST_BRANCHES: usize = 16;

/// A branch of the roster that does not count, every entry of it verified.
#[derive(Debug, Clone)]
pub struct Lost {
    parted_at: usize,
    chain: Roster,
}

impl Lost {
    /// Returns how many entries it shares with the branch that counts.
    pub fn parted_at(&self) -> usize {
        self.parted_at
    }

    /// Returns the entries that only this branch has; with their place they are what is to be stored of it.
    pub fn own_entries(&self) -> &[Blob] {
        &self.chain.entries[self.parted_at..]
    }

    /// Returns who signed the first entry that only this branch has, and when, in ms since 1970 by that one's clock.
    pub fn begun(&self) -> (SignerKey, u64) {
        let body = self.chain.body(self.parted_at);
        (body.author, body.time_ms)
    }

    /// Returns the whole branch, from the founding on.
    pub fn chain(&self) -> &Roster {
        &self.chain
    }
}

/// What lost branches say about devices of the branch that counts, which does not say it itself.
#[derive(Debug, Clone, Default)]
pub(super) struct Beside {
    pub(super) revoked: BTreeMap<FeedId, Cut>,
    pub(super) silenced: BTreeMap<FeedId, Cut>,
}

/// Keeps the earlier one of two cuts, whichever branch was met first.
fn earlier(cuts: &mut BTreeMap<FeedId, Cut>, cut: Cut) {
    let kept = cuts.entry(cut.feed).or_insert(cut);
    if (cut.sequence, cut.hash) < (kept.sequence, kept.hash) {
        *kept = cut;
    }
}

impl Roster {
    /// Brings in another roster of this workspace: from now on this is the branch that counts, and keeps the other as
    /// lost when they parted.
    ///
    /// Lost branches that either knows are kept too, at most [`MAX_LOST_BRANCHES`]: those that take a right away from a
    /// device here before others, those that were known before new ones. Says how the two stood before; an error changes
    /// nothing.
    pub fn meet(&mut self, theirs: Roster) -> Result<Comparison, RosterError> {
        let comparison = self.compare(&theirs)?;
        let mut chains = self.clone().into_chains();
        chains.extend(theirs.into_chains());
        let mut best = 0;
        for at in 1..chains.len() {
            let other = chains[best].compare(&chains[at])?;
            if other.counts() == Side::Theirs {
                best = at;
            }
        }
        // In order, what was known stands before what is new.
        let mut counting = chains.remove(best);
        let mut lost: Vec<Lost> = Vec::new();
        for chain in chains {
            let Comparison::Parted { at, .. } = counting.compare(&chain)? else {
                continue;
            };
            let mut is_new = true;
            for kept in &mut lost {
                match kept.chain.compare(&chain)? {
                    Comparison::Parted { .. } => continue,
                    Comparison::TheirsContinues => kept.chain = chain.clone(),
                    Comparison::Same | Comparison::OursContinues => {}
                }
                is_new = false;
                break;
            }
            if is_new {
                lost.push(Lost {
                    parted_at: at,
                    chain,
                });
            }
        }
        counting.ignored = self.ignored;
        if lost.len() > MAX_LOST_BRANCHES {
            counting.ignored = counting.ignored.max(lost.len() - MAX_LOST_BRANCHES);
            lost.sort_by_cached_key(|lost| !counting.is_cut_by(lost));
            lost.truncate(MAX_LOST_BRANCHES);
        }
        lost.sort_by_key(|lost| lost.chain.head);
        counting.lost = lost;
        counting.look_beside();
        *self = counting;
        Ok(comparison)
    }

    /// Brings back a lost branch as it was stored: the place where it parted, and the entries from there on.
    pub fn restore_lost<B: AsRef<[u8]>>(
        &mut self,
        parted_at: usize,
        own_entries: impl IntoIterator<Item = B>,
    ) -> Result<(), RosterLoadError> {
        if !(1..=self.entries.len()).contains(&parted_at) {
            return Err(RosterLoadError {
                index: parted_at.min(MAX_ROSTER_ENTRIES),
                source: RosterError::Founding,
            });
        }
        let mut chain = self.first(parted_at);
        for entry in own_entries {
            let index = chain.entries.len();
            chain
                .append(entry.as_ref())
                .map_err(|source| RosterLoadError { index, source })?;
        }
        let index = chain.entries.len();
        self.meet(chain)
            .map(|_| ())
            .map_err(|source| RosterLoadError { index, source })
    }

    /// Takes the counting branch and the lost ones apart.
    fn into_chains(mut self) -> Vec<Roster> {
        let mut chains: Vec<Roster> = std::mem::take(&mut self.lost)
            .into_iter()
            .map(|lost| lost.chain)
            .collect();
        self.beside = Beside::default();
        chains.insert(0, self);
        chains
    }

    /// Works out anew what the lost branches say that this one does not say itself.
    pub(super) fn look_beside(&mut self) {
        let mut beside = Beside::default();
        for lost in &self.lost {
            self.revoked_by(lost, &mut beside.revoked);
            self.silenced_by(lost, &mut beside.silenced);
        }
        let owners = self.state.devices.values();
        let mut owners = owners.filter(|d| d.role == Role::Owner && d.revoked.is_none());
        let goes =
            |feed: &FeedId| beside.revoked.contains_key(feed) || beside.silenced.contains_key(feed);
        // No branch takes the last owner's device of another: nobody could ever sign it here.
        if owners.all(|device| goes(&device.signing)) {
            let devices = &self.state.devices;
            let stays = |feed: &FeedId| devices[feed].role != Role::Owner;
            beside.revoked.retain(|feed, _| stays(feed));
            beside.silenced.retain(|feed, _| stays(feed));
        }
        self.beside = beside;
    }

    /// Adds the devices that a lost branch revoked, and the successors that they let in on this branch since.
    fn revoked_by(&self, lost: &Lost, cuts: &mut BTreeMap<FeedId, Cut>) {
        let theirs = &lost.chain.state.devices;
        let mut revoked: BTreeSet<FeedId> = BTreeSet::new();
        for device in theirs.values() {
            let (Some(cut), true) = (device.revoked, self.stands(&device.signing)) else {
                continue;
            };
            let accepted = self.state.accepted.get(&device.signing).copied();
            earlier(cuts, accepted.unwrap_or(cut));
            revoked.insert(device.signing);
        }
        // With its keys a revoked device could let itself in again, where nobody knows yet that it was revoked.
        let mut is_growing = true;
        while is_growing {
            is_growing = false;
            for device in self.state.devices.values() {
                let feed = device.signing;
                let is_own_successor = device
                    .continues
                    .is_some_and(|old| revoked.contains(&old) && device.added_by == old.into());
                if is_own_successor
                    && !theirs.contains_key(&feed)
                    && self.stands(&feed)
                    && revoked.insert(feed)
                {
                    earlier(cuts, nothing_of(feed));
                    is_growing = true;
                }
            }
        }
    }

    /// Adds the devices of members who lost the right to write in a lost branch, about whom this one has not decided.
    fn silenced_by(&self, lost: &Lost, cuts: &mut BTreeMap<FeedId, Cut>) {
        let decided = self.roles_changed_after(lost.parted_at);
        let theirs = &lost.chain.state;
        for device in self.state.devices.values() {
            let member = device.member;
            let has_lost_it = theirs
                .role_for(member)
                .is_some_and(|role| !role.may_write());
            let writes = device.standing() == Standing::Writes;
            if has_lost_it && writes && !decided.contains(&member) {
                let feed = device.signing;
                let cut = theirs.devices.get(&feed).and_then(|theirs| theirs.silenced);
                earlier(cuts, cut.unwrap_or(nothing_of(feed)));
            }
        }
    }

    /// Tells whether a lost branch takes the right to write, or all rights, from a device that stands here.
    fn is_cut_by(&self, lost: &Lost) -> bool {
        let mut beside = Beside::default();
        self.revoked_by(lost, &mut beside.revoked);
        self.silenced_by(lost, &mut beside.silenced);
        !beside.revoked.is_empty() || !beside.silenced.is_empty()
    }

    /// Returns how many lost branches were met beyond those that are kept, since this roster was loaded: what they say
    /// does not count here, and their devices are not known.
    pub fn ignored_branches(&self) -> usize {
        self.ignored
    }

    /// Tells whether this branch has the device and has not revoked it.
    fn stands(&self, feed: &FeedId) -> bool {
        let device = self.state.devices.get(feed);
        device.is_some_and(|device| device.revoked.is_none())
    }

    /// Returns the members whose roles this branch changed from an entry on: about those it has decided itself.
    fn roles_changed_after(&self, place: usize) -> BTreeSet<MemberId> {
        (place..self.entries.len())
            .filter_map(|at| match self.body(at).what {
                What::Role(change) => Some(change.member),
                _ => None,
            })
            .collect()
    }

    /// Returns the lost branches, in an order that does not depend on when they were met.
    pub fn lost(&self) -> &[Lost] {
        &self.lost
    }

    /// Returns a device that only a lost branch knows; what it wrote is held.
    pub fn held_device(&self, feed: &FeedId) -> Option<&DeviceInfo> {
        if self.state.devices.contains_key(feed) {
            return None;
        }
        self.lost
            .iter()
            .find_map(|lost| lost.chain.state.devices.get(feed))
    }

    pub(super) fn is_revoked_in_lost(&self, feed: &FeedId) -> bool {
        self.lost
            .iter()
            .filter_map(|lost| lost.chain.device(feed))
            .any(|device| device.revoked.is_some())
    }

    /// Returns the devices that only lost branches know, by their feeds.
    pub fn held_devices(&self) -> impl Iterator<Item = &DeviceInfo> {
        let feeds: BTreeSet<&FeedId> = self
            .lost
            .iter()
            .flat_map(|lost| lost.chain.state.devices.keys())
            .collect();
        feeds.into_iter().filter_map(|feed| self.held_device(feed))
    }

    /// Returns the revocations of lost branches that stand here though this branch does not say them: feed and cut.
    pub fn lost_revocations(&self) -> impl Iterator<Item = &Cut> {
        self.beside.revoked.values()
    }

    /// Returns the cuts after which lost branches let devices write no more, though this branch does not say so.
    pub fn lost_silencings(&self) -> impl Iterator<Item = &Cut> {
        self.beside.silenced.values()
    }

    /// Returns the workspace keys that only lost branches know.
    pub fn lost_keys(&self) -> Vec<KeyName> {
        let names = self.lost_checks().into_iter();
        names
            .map(|(number, check)| KeyName {
                number,
                id: check.id(),
            })
            .collect()
    }

    pub(super) fn lost_checks(&self) -> BTreeSet<(u32, KeyCheck)> {
        let all = self.lost.iter().flat_map(|lost| {
            let state = &lost.chain.state;
            let own = state.checks.iter().map(|(number, check)| (*number, *check));
            own.chain(state.lost_checks.iter().copied())
        });
        all.filter(|(number, check)| !self.state.knows_check(*number, check))
            .collect()
    }

    /// Returns the open invites that only lost branches know; nobody joins by them, so make new ones.
    pub fn lost_invites(&self) -> impl Iterator<Item = &InviteInfo> {
        let all = self.lost.iter().flat_map(|lost| lost.chain.invites());
        all.filter(|invite| invite.is_open() && !self.state.invites.contains_key(&invite.signing))
    }

    /// Returns the codes that only lost branches gave out; numbers may bear them.
    pub(super) fn lost_codes(&self) -> BTreeSet<DeviceCode> {
        let all = self.lost.iter().flat_map(|lost| &lost.chain.state.codes);
        all.filter(|code| !self.state.codes.contains(code))
            .copied()
            .collect()
    }

    pub(crate) fn lost_wraps_for(&self, recipient: &SealingKey) -> impl Iterator<Item = &KeptWrap> {
        self.lost
            .iter()
            .filter_map(|lost| lost.chain.state.wraps.get(recipient))
            .flatten()
    }

    /// Returns the heads of this branch and of the lost ones, for telling whether anything is new.
    pub fn heads(&self) -> impl Iterator<Item = RosterHash> {
        std::iter::once(self.head).chain(self.lost.iter().map(|lost| lost.chain.head))
    }
}

impl Comparison {
    /// Returns the side that counts; ours when they are the same.
    pub fn counts(self) -> Side {
        match self {
            Comparison::Same | Comparison::OursContinues => Side::Ours,
            Comparison::TheirsContinues => Side::Theirs,
            Comparison::Parted { counts, .. } => counts,
        }
    }
}
