//! What a roster answers to those who must decide by it.

use std::collections::BTreeSet;

use protocol::{
    Cut, DeviceCode, FeedId, InviteKey, KeyCheck, MemberId, Role, SealingKey, SignerKey,
};

use super::{DeviceInfo, InviteInfo, Roster, Standing, state::nothing_of};
use crate::{
    key_ring::{KeptWrap, KeyName},
    names::{ACTOR_PREFIX_LEN, actor_prefix},
};

impl Roster {
    /// Returns the device that writes a feed, revoked ones included.
    pub fn device(&self, feed: &FeedId) -> Option<&DeviceInfo> {
        self.state.devices.get(feed)
    }

    /// Returns all devices by their feeds, revoked ones included.
    pub fn devices(&self) -> impl Iterator<Item = &DeviceInfo> {
        self.state.devices.values()
    }

    /// Returns the role of a member who has, or had, a device.
    pub fn member_role(&self, member: &MemberId) -> Option<Role> {
        self.state.role_for(*member)
    }

    /// Returns all members who have, or had, a device.
    pub fn members(&self) -> impl Iterator<Item = (MemberId, Role)> + '_ {
        self.state
            .roles
            .iter()
            .map(|(member, role)| (*member, *role))
    }

    /// Returns an invite, used up and ended ones included.
    pub fn invite(&self, key: &InviteKey) -> Option<&InviteInfo> {
        self.state.invites.get(key)
    }

    /// Returns all invites, used up and ended ones included.
    pub fn invites(&self) -> impl Iterator<Item = &InviteInfo> {
        self.state.invites.values()
    }

    /// Returns the devices of a member in the order of their codes, revoked ones included.
    pub fn devices_of(&self, member: &MemberId) -> Vec<&DeviceInfo> {
        let mut devices: Vec<&DeviceInfo> =
            self.devices().filter(|d| d.member == *member).collect();
        devices.sort_by_key(|device| device.code);
        devices
    }

    /// Returns the devices that may add to the roster: unrevoked ones of owners and admins.
    pub fn admins(&self) -> impl Iterator<Item = &DeviceInfo> {
        self.devices()
            .filter(|d| d.role.may_administer() && !self.is_revoked(&d.signing))
    }

    /// Returns the invites by which a device may still join, their expiry aside.
    pub fn open_invites(&self) -> impl Iterator<Item = &InviteInfo> {
        self.invites().filter(|invite| invite.is_open())
    }

    /// Says what a device may write, by this roster and by the lost branches that it keeps; none for strangers.
    ///
    /// A device of a lost branch counts as one that was revoked before it wrote anything.
    pub fn standing(&self, feed: &FeedId) -> Option<Standing> {
        let Some(device) = self.device(feed) else {
            let held = self.held_device(feed)?;
            return Some(Standing::Revoked(nothing_of(held.signing)));
        };
        Some(match device.standing() {
            Standing::Revoked(cut) => Standing::Revoked(cut),
            standing => {
                let revoked = self.beside.revoked.get(feed);
                let silenced = self.beside.silenced.get(feed);
                let revoked = revoked.map(|cut| Standing::Revoked(*cut));
                let silenced = silenced.map(|cut| Standing::Silenced(*cut));
                revoked.or(silenced).unwrap_or(standing)
            }
        })
    }

    /// Tells whether a device of this roster was revoked, by it or by a lost branch that it keeps.
    pub fn is_revoked(&self, feed: &FeedId) -> bool {
        matches!(self.standing(feed), Some(Standing::Revoked(_)))
    }

    /// Tells whether the key may begin a session: that of a device, revoked or not, or of an open invite.
    pub fn knows(&self, key: &SignerKey) -> bool {
        self.standing(&FeedId::from(*key)).is_some()
            || self
                .invite(&InviteKey::from(*key))
                .is_some_and(InviteInfo::is_open)
    }

    /// Tells whether a device may write what continues its feed.
    pub fn may_write(&self, feed: &FeedId) -> bool {
        self.standing(feed) == Some(Standing::Writes)
    }

    /// Tells whether the member of a device could write at any time, and so may have written what did not arrive yet.
    pub fn could_write(&self, feed: &FeedId) -> bool {
        let device = self.device(feed);
        device.is_some_and(|device| self.state.writers.contains(&device.member))
    }

    /// Returns the next code that was neither given out nor reserved, in a lost branch either.
    pub fn next_code(&self) -> Option<DeviceCode> {
        #[cfg(feature = "sabotage")]
        if sabotage::is(sabotage::Break::CodeTwice) {
            return DeviceCode::next(&DeviceCode::FOUNDER);
        }
        let lost = self.lost_codes();
        std::iter::successors(Some(DeviceCode::FOUNDER), DeviceCode::next)
            .find(|code| !self.state.codes.contains(code) && !lost.contains(code))
    }

    /// Returns the first 12 bytes of the actor ids of a feed.
    pub fn actor_prefix(&self, feed: &FeedId) -> [u8; ACTOR_PREFIX_LEN] {
        actor_prefix(feed)
    }

    /// Returns the feed whose actor ids begin with the 12 bytes.
    pub fn feed_by_actor_prefix(&self, prefix: &[u8; ACTOR_PREFIX_LEN]) -> Option<FeedId> {
        self.state.by_prefix.get(prefix).copied()
    }

    /// Returns the feed and those that it continues, the newest first; actors of all of them may stand in its changes.
    pub fn lineage(&self, feed: &FeedId) -> Vec<FeedId> {
        let known = |feed: &FeedId| self.device(feed).or_else(|| self.held_device(feed));
        let mut lineage: Vec<FeedId> = Vec::new();
        let mut next = known(feed);
        // Within one branch a device continues one that was there before it; across branches nothing says so.
        while let Some(device) = next.filter(|device| !lineage.contains(&device.signing)) {
            lineage.push(device.signing);
            next = device.continues.as_ref().and_then(known);
        }
        lineage
    }

    /// Returns the first 12 bytes of all actor ids that may stand in what a feed writes: its own, then of those that
    /// it continues.
    pub fn actor_prefixes(&self, feed: &FeedId) -> Vec<[u8; ACTOR_PREFIX_LEN]> {
        self.lineage(feed).iter().map(actor_prefix).collect()
    }

    /// Returns the devices, revoked ones included, that have grown out of one disk: those that this one continues, and
    /// those that continue any of them, this one included.
    ///
    /// The keys of the older ones lie on the disks of the younger ones, or of their copies: who revokes one because its
    /// disk is in wrong hands must revoke all.
    pub fn family(&self, feed: &FeedId) -> Vec<&DeviceInfo> {
        let first = |feed: &FeedId| self.lineage(feed).last().copied();
        let root = first(feed);
        self.devices()
            .filter(|device| root.is_some() && first(&device.signing) == root)
            .collect()
    }

    /// Returns the number of the newest workspace key.
    pub fn key_epoch(&self) -> u32 {
        self.state
            .checks
            .last_key_value()
            .map_or(0, |(number, _)| *number)
    }

    /// Tells whether the newest workspace key is wrapped for somebody.
    pub fn reads_newest_key(&self, reader: &SealingKey) -> bool {
        self.key_names()
            .next_back()
            .is_some_and(|newest| self.is_wrapped(&newest, reader))
    }

    fn is_wrapped(&self, key: &KeyName, reader: &SealingKey) -> bool {
        self.wraps_for(reader)
            .iter()
            .any(|wrap| (wrap.context.number, wrap.check.id()) == (key.number, key.id))
    }

    /// Returns the devices in good standing for which the newest workspace key is not wrapped.
    pub fn devices_without_newest_key(&self) -> impl Iterator<Item = &DeviceInfo> {
        self.devices()
            .filter(|d| !self.is_revoked(&d.signing) && !self.reads_newest_key(&d.sealing))
    }

    /// Tells whether a new workspace key is due: somebody who was revoked can read what is sealed under the newest.
    pub fn key_epoch_is_due(&self) -> bool {
        self.devices()
            .any(|d| self.is_revoked(&d.signing) && self.reads_newest_key(&d.sealing))
    }

    /// Returns the cuts of devices of lost branches that an admin accepted; those devices are silenced at them.
    pub fn accepted(&self) -> impl Iterator<Item = &Cut> {
        self.state.accepted.values()
    }

    /// Returns the names of the workspace keys, ascending; those of lost branches aside.
    pub(crate) fn key_names(&self) -> impl DoubleEndedIterator<Item = KeyName> + '_ {
        self.state.checks.iter().map(|(number, check)| KeyName {
            number: *number,
            id: check.id(),
        })
    }

    pub(crate) fn knows_key(&self, number: u32, check: &KeyCheck) -> bool {
        self.state.knows_check(number, check)
    }

    pub(crate) fn wraps_for(&self, recipient: &SealingKey) -> &[KeptWrap] {
        self.state.wraps.get(recipient).map_or(&[], Vec::as_slice)
    }

    /// Returns who must be able to read what is written from now on: devices in good standing and open invites.
    pub(crate) fn recipients(&self) -> impl Iterator<Item = SealingKey> + '_ {
        let (revoked, devices): (Vec<_>, Vec<_>) =
            self.devices().partition(|d| self.is_revoked(&d.signing));
        let revoked: BTreeSet<SealingKey> = revoked.into_iter().map(|d| d.sealing).collect();
        let devices = devices.into_iter().map(|d| d.sealing);
        let invites = self.open_invites().map(|i| i.sealing);
        // Whoever shares the sealing key of a revoked device would read with it.
        let all: BTreeSet<SealingKey> = devices.chain(invites).collect();
        all.into_iter().filter(move |key| !revoked.contains(key))
    }
}
