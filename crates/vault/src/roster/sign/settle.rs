//! What an admin's device signs onto the counting branch because of a lost one.

use std::collections::{BTreeMap, BTreeSet};

use protocol::{AcceptedDevice, Cut, Device, FeedId, KeyEpoch, MemberId, Role, What};

use super::{
    super::{DeviceInfo, Roster, RosterError},
    ChangeError,
    change::Draft,
};
use crate::{KeyRing, SigningIdentity, entropy::Entropy};

impl Roster {
    /// Returns the feeds that a settlement names, each with a cut.
    ///
    /// Ask the relay for the heads of these first.
    pub fn feeds_to_settle(&self) -> Vec<FeedId> {
        let mut feeds: BTreeSet<FeedId> = self.lost_revocations().map(|cut| cut.feed).collect();
        for member in self.members_to_silence() {
            feeds.extend(self.feeds_to_silence(&member, Role::Guest));
        }
        feeds.into_iter().collect()
    }

    /// Returns the members who lost the right to write in a lost branch, and have it here.
    fn members_to_silence(&self) -> BTreeSet<MemberId> {
        let devices = self
            .lost_silencings()
            .filter_map(|cut| self.device(&cut.feed));
        devices.map(|device| device.member).collect()
    }

    /// Signs what follows from lost branches without a decision of a person; nothing when nothing does.
    ///
    /// It also makes up for what should have come with a revocation of this branch, and did not.
    /// That is, in this order: their revocations and the loss of the right to write, the end of invites that must not
    /// outlive these, the lost workspace keys that the ring holds, wrapped for all who read here, and a new workspace
    /// key when one is due. What only an owner may sign is left to one. `heads` say where feeds stand on the relay;
    /// without one a feed counts as far as the lost branch let it.
    pub fn sign_settlement(
        &self,
        author: &SigningIdentity,
        ring: &KeyRing,
        heads: &[Cut],
        time_ms: u64,
        entropy: &mut (impl Entropy + ?Sized),
    ) -> Result<Vec<Vec<u8>>, ChangeError> {
        if self.lost().is_empty() && !self.key_epoch_is_due() && !self.has_invite_to_end() {
            return Ok(Vec::new());
        }
        let mut draft = Draft::new(self, author, time_ms)?;
        let is_owner = self
            .device(&author.feed())
            .is_some_and(|device| device.role == Role::Owner);
        let may = |device: &DeviceInfo| is_owner || device.role != Role::Owner;
        let mut cuts: BTreeMap<FeedId, Cut> = self
            .lost_silencings()
            .chain(self.lost_revocations())
            .map(|cut| (cut.feed, *cut))
            .collect();
        cuts.extend(heads.iter().map(|cut| (cut.feed, *cut)));
        let named = |feeds: &[FeedId]| -> Vec<Cut> {
            feeds
                .iter()
                .filter_map(|feed| cuts.get(feed))
                .copied()
                .collect()
        };
        let revoked = self
            .lost_revocations()
            .filter_map(|cut| self.device(&cut.feed));
        let revoked: Vec<FeedId> = revoked.filter(|d| may(d)).map(|d| d.signing).collect();
        if !revoked.is_empty() {
            draft.revoke(&revoked, &named(&revoked))?;
        }
        for member in self.members_to_silence() {
            let own = self.device(&author.feed()).map(|device| device.member);
            let is_owners = self.member_role(&member) == Some(Role::Owner);
            if own != Some(member) && (is_owner || !is_owners) {
                let feeds = draft.roster.feeds_to_silence(&member, Role::Guest);
                draft.change_role(member, Role::Guest, &named(&feeds))?;
            }
        }
        draft.end_invites()?;
        draft.keep_lost_keys(ring, entropy)?;
        Ok(draft.finish())
    }

    /// Signs that a device of a lost branch counts up to a cut; it then goes on as its own successor.
    ///
    /// All keys of the ring are wrapped for it, and for all others those that only the lost branch knew. One that its
    /// own branch has revoked gets no key, and its revocation stands on.
    pub fn sign_acceptance(
        &self,
        author: &SigningIdentity,
        ring: &KeyRing,
        feed: &FeedId,
        cut: Cut,
        time_ms: u64,
        entropy: &mut (impl Entropy + ?Sized),
    ) -> Result<Vec<u8>, ChangeError> {
        let draft = Draft::new(self, author, time_ms)?;
        let held = self
            .held_device(feed)
            .ok_or(ChangeError::NotHeld { feed: *feed })?;
        let before = held.continues.and_then(|old| self.held_device(&old));
        if let Some(before) = before {
            return Err(ChangeError::AcceptFirst { code: before.code });
        }
        let what = What::DeviceAccepted(AcceptedDevice {
            device: Device {
                signing: held.signing,
                sealing: held.sealing,
                member: held.member,
                code: self.next_code().ok_or(RosterError::NoCodeLeft)?,
                role: self.member_role(&held.member).unwrap_or(held.role),
                continues: held.continues,
                continues_at: held.continues_at,
            },
            cut,
            keys: self.keys_for_held(held, ring, entropy)?,
        });
        Ok(draft.roster.sign(author, what, time_ms)?)
    }

    fn keys_for_held(
        &self,
        held: &DeviceInfo,
        ring: &KeyRing,
        entropy: &mut (impl Entropy + ?Sized),
    ) -> Result<Vec<KeyEpoch>, RosterError> {
        let is_revoked = self.is_revoked_in_lost(&held.signing);
        let own: &[_] = if is_revoked { &[] } else { &[held.sealing] };
        let known = ring.wrap_known(self, own, entropy);
        let mut keys = known.ok_or(RosterError::Unsealable)?;
        keys.retain(|key| !key.wraps.is_empty());
        let readers: BTreeSet<_> = self.recipients().chain(own.iter().copied()).collect();
        let readers: Vec<_> = readers.into_iter().collect();
        for (number, check) in self.lost_checks() {
            keys.extend(ring.wrap_one(self, number, &check, &readers, entropy));
        }
        keys.sort_by_key(|key| (key.number, key.check.id()));
        Ok(keys)
    }
}

impl Draft<'_> {
    /// Brings the lost workspace keys onto this branch, for reading only, and a new one when one is due.
    ///
    /// A key epoch entry with the next number would begin a new key. So a lost one with that number comes after a new
    /// one has taken the number.
    fn keep_lost_keys(
        &mut self,
        ring: &KeyRing,
        entropy: &mut (impl Entropy + ?Sized),
    ) -> Result<(), RosterError> {
        let readers: Vec<_> = self.roster.recipients().collect();
        let lost: Vec<KeyEpoch> = self
            .roster
            .lost_checks()
            .into_iter()
            .filter_map(|(number, check)| {
                ring.wrap_one(&self.roster, number, &check, &readers, entropy)
            })
            .collect();
        let next = self.roster.key_epoch() + 1;
        let (after, before): (Vec<_>, Vec<_>) =
            lost.into_iter().partition(|key| key.number == next);
        for key in before {
            self.sign(What::KeyEpoch(key))?;
        }
        if !after.is_empty() || self.roster.key_epoch_is_due() {
            self.sign_key_epoch(entropy)?;
        }
        for key in after {
            self.sign(What::KeyEpoch(key))?;
        }
        Ok(())
    }
}
