//! Changes to who may do what: roles, revocations, cuts, ends of invites.
//!
//! Each is refused in words for a person before anything is signed. What comes as several entries goes to the relay in
//! one append, which takes all or none; when the roster has moved meanwhile, all are signed again.

use protocol::{
    Cut, CutMoved, DeviceCode, FeedId, InviteEnded, InviteKey, MemberId, Revocation, Role,
    RoleChange, What,
};

use super::super::{InviteInfo, Roster, RosterError, Standing};
use crate::{SigningIdentity, entropy::Entropy};

/// Says why a change to the roster is not signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// The rules of the roster, which all check, forbid it.
    #[error(transparent)]
    Rule(#[from] RosterError),
    /// A device would revoke itself, and could then not sign the new workspace key.
    #[error("device {code} is the one that asks: another device of an owner or admin revokes it")]
    OwnDevice {
        /// Its code.
        code: DeviceCode,
    },
    /// A member would change its own role.
    #[error("nobody changes his own role: another owner or admin does it")]
    OwnRole,
    /// The member has this role.
    #[error("the member's role is {role} already")]
    SameRole {
        /// The role.
        role: Role,
    },
    /// A device would lose its place without a word on what of it counts.
    #[error("it is not said up to where device {code} counts")]
    CutMissing {
        /// Its code.
        code: DeviceCode,
    },
    /// There is no device that could be revoked.
    #[error("there is no device left to revoke")]
    NothingToRevoke,
    /// The device is not one that only a lost branch of the roster knows.
    #[error("device {feed} is not held because of another branch of the roster")]
    NotHeld {
        /// Its feed.
        feed: FeedId,
    },
    /// The device continues one that is held too.
    #[error("the device continues {code}, which is held too: accept that one first")]
    AcceptFirst {
        /// The code of that one in its own branch.
        code: DeviceCode,
    },
}

/// Whom a revocation is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// One device, with all that have grown out of the same disk.
    Device(FeedId),
    /// All devices of a member.
    Member(MemberId),
}

/// Entries that follow each other, signed by one author.
pub(super) struct Draft<'a> {
    pub(super) roster: Roster,
    pub(super) author: &'a SigningIdentity,
    pub(super) time_ms: u64,
    entries: Vec<Vec<u8>>,
}

impl<'a> Draft<'a> {
    /// Begins with nothing, unless a lost branch has revoked the author.
    pub(super) fn new(
        roster: &Roster,
        author: &'a SigningIdentity,
        time_ms: u64,
    ) -> Result<Self, RosterError> {
        if let Some(device) = roster.device(&author.feed())
            && roster.is_revoked(&device.signing)
        {
            return Err(RosterError::AuthorRevoked { code: device.code });
        }
        Ok(Draft {
            roster: roster.clone(),
            author,
            time_ms,
            entries: Vec::new(),
        })
    }

    pub(super) fn sign(&mut self, what: What) -> Result<(), RosterError> {
        let entry = self.roster.sign(self.author, what, self.time_ms)?;
        self.take(entry)
    }

    pub(super) fn sign_key_epoch(
        &mut self,
        entropy: &mut (impl Entropy + ?Sized),
    ) -> Result<(), RosterError> {
        let entry = self
            .roster
            .sign_key_epoch(self.author, self.time_ms, entropy)?;
        self.take(entry)
    }

    fn take(&mut self, entry: Vec<u8>) -> Result<(), RosterError> {
        self.roster.append(&entry)?;
        self.entries.push(entry);
        Ok(())
    }

    /// Ends the open invites that must not outlive the change: whoever made them may know their secrets, and those
    /// for a member whose devices are all revoked would let it in again.
    pub(super) fn end_invites(&mut self) -> Result<(), RosterError> {
        let over: Vec<InviteKey> = self
            .roster
            .open_invites()
            .filter(|invite| self.roster.outlives_its_right(invite))
            .map(|invite| invite.signing)
            .collect();
        for invite in over {
            self.sign(What::InviteEnded(InviteEnded { invite }))?;
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Vec<Vec<u8>> {
        self.entries
    }
}

impl Roster {
    pub(super) fn has_invite_to_end(&self) -> bool {
        self.open_invites()
            .any(|invite| self.outlives_its_right(invite))
    }

    /// Tells whether an open invite should be none: its maker could not make it now, or its member was revoked.
    fn outlives_its_right(&self, invite: &InviteInfo) -> bool {
        let maker = FeedId::from(invite.invited_by);
        let may = self.device(&maker).is_some_and(|device| {
            !self.is_revoked(&maker)
                && device.role.may_administer()
                && (invite.role != Role::Owner || device.role == Role::Owner)
        });
        let devices = self.devices_of(&invite.member);
        let member_is_gone =
            !devices.is_empty() && devices.iter().all(|d| self.is_revoked(&d.signing));
        !may || member_is_gone
    }

    /// Returns the feeds that a revocation names, each with a cut: the unrevoked devices of the target.
    ///
    /// Ask the relay for the heads of these first.
    pub fn feeds_to_revoke(&self, target: Target) -> Result<Vec<FeedId>, ChangeError> {
        let unknown = |what| ChangeError::from(RosterError::Unknown { what });
        let devices = match target {
            Target::Device(feed) => {
                let device = self.device(&feed).ok_or_else(|| unknown("the device"))?;
                if device.revoked.is_some() {
                    return Err(RosterError::RevokedAlready { code: device.code }.into());
                }
                self.family(&feed)
            }
            Target::Member(member) => {
                self.member_role(&member)
                    .ok_or_else(|| unknown("the member"))?;
                self.devices_of(&member)
            }
        };
        let feeds: Vec<FeedId> = devices
            .into_iter()
            .filter(|device| device.revoked.is_none())
            .map(|device| device.signing)
            .collect();
        if feeds.is_empty() {
            return Err(ChangeError::NothingToRevoke);
        }
        Ok(feeds)
    }

    /// Returns the feeds that a change of role names, each with a cut: all that the member may write and then not.
    pub fn feeds_to_silence(&self, member: &MemberId, role: Role) -> Vec<FeedId> {
        let devices = self.devices_of(member).into_iter();
        devices
            .filter(|device| !role.may_write() && device.standing() == Standing::Writes)
            .map(|device| device.signing)
            .collect()
    }

    /// Signs the revocation of devices, the end of the invites that they made, and a new workspace key for all others,
    /// in this order.
    ///
    /// `cuts` say up to where each feed counts: the relay's head of it, or sequence 0 with zeros when it has nothing.
    /// If the key should be missing after all, [`Roster::key_epoch_is_due`] says so and any admin's device makes up for
    /// it with [`Roster::sign_key_epoch`].
    pub fn sign_revocation(
        &self,
        author: &SigningIdentity,
        feeds: &[FeedId],
        cuts: &[Cut],
        time_ms: u64,
        entropy: &mut (impl Entropy + ?Sized),
    ) -> Result<Vec<Vec<u8>>, ChangeError> {
        let mut draft = Draft::new(self, author, time_ms)?;
        draft.revoke(feeds, cuts)?;
        draft.end_invites()?;
        draft.sign_key_epoch(entropy)?;
        Ok(draft.finish())
    }

    /// Signs another role for a member, and the end of the invites that it could not make any more.
    ///
    /// Without the right to write the new role needs a cut for each feed that writes now
    /// ([`Roster::feeds_to_silence`]); with it, all that was held for want of the right counts.
    pub fn sign_role(
        &self,
        author: &SigningIdentity,
        member: MemberId,
        role: Role,
        cuts: &[Cut],
        time_ms: u64,
    ) -> Result<Vec<Vec<u8>>, ChangeError> {
        let mut draft = Draft::new(self, author, time_ms)?;
        draft.change_role(member, role, cuts)?;
        draft.end_invites()?;
        Ok(draft.finish())
    }

    /// Signs that a revoked or silenced feed counts up to a later place.
    pub fn sign_cut_moved(
        &self,
        author: &SigningIdentity,
        cut: Cut,
        time_ms: u64,
    ) -> Result<Vec<u8>, ChangeError> {
        let draft = Draft::new(self, author, time_ms)?;
        let what = What::CutMoved(CutMoved { cut });
        Ok(draft.roster.sign(author, what, time_ms)?)
    }

    /// Signs the end of an invite.
    pub fn sign_invite_ended(
        &self,
        author: &SigningIdentity,
        invite: InviteKey,
        time_ms: u64,
    ) -> Result<Vec<u8>, ChangeError> {
        let draft = Draft::new(self, author, time_ms)?;
        if draft.roster.invite(&invite).is_some_and(|i| !i.is_open()) {
            return Err(RosterError::InviteSpent.into());
        }
        let what = What::InviteEnded(InviteEnded { invite });
        Ok(draft.roster.sign(author, what, time_ms)?)
    }
}

impl Draft<'_> {
    pub(super) fn revoke(&mut self, feeds: &[FeedId], cuts: &[Cut]) -> Result<(), ChangeError> {
        if feeds.is_empty() {
            return Err(ChangeError::NothingToRevoke);
        }
        let mut all = cuts.to_vec();
        for feed in feeds {
            let Some(device) = self.roster.device(feed) else {
                return Err(RosterError::Unknown { what: "the device" }.into());
            };
            if device.signing == self.author.feed() {
                return Err(ChangeError::OwnDevice { code: device.code });
            }
            if cuts.iter().any(|cut| cut.feed == *feed) {
                continue;
            }
            match device.standing() {
                // What counted up to here goes on counting.
                Standing::Silenced(cut) => all.push(cut),
                Standing::Writes => return Err(ChangeError::CutMissing { code: device.code }),
                Standing::Revoked(_) => {}
            }
        }
        let what = What::Revoke(Revocation {
            feeds: feeds.to_vec(),
            cuts: all,
        });
        Ok(self.sign(what)?)
    }

    pub(super) fn change_role(
        &mut self,
        member: MemberId,
        role: Role,
        cuts: &[Cut],
    ) -> Result<(), ChangeError> {
        let own = self.roster.device(&self.author.feed());
        if own.is_some_and(|device| device.member == member) {
            return Err(ChangeError::OwnRole);
        }
        if self.roster.member_role(&member) == Some(role) {
            return Err(ChangeError::SameRole { role });
        }
        for feed in self.roster.feeds_to_silence(&member, role) {
            let device = self.roster.device(&feed).filter(|_| {
                let named = cuts.iter().any(|cut| cut.feed == feed);
                !named
            });
            if let Some(device) = device {
                return Err(ChangeError::CutMissing { code: device.code });
            }
        }
        let what = What::Role(RoleChange {
            member,
            role,
            cuts: cuts.to_vec(),
        });
        Ok(self.sign(what)?)
    }
}
