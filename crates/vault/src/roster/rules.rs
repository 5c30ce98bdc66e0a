//! Who may add what to a roster.

use protocol::{
    AcceptedDevice, Body, Cut, Device, DeviceAdded, DeviceCode, FeedId, Founding, Invite,
    InviteKey, KeyEpoch, MemberId, Role, RoleChange, SealingKey, SignerKey, What,
    limits::{MAX_INVITE_USES, MAX_SUCCESSORS},
};

use super::{
    error::{AuthorRole, RosterError},
    state::{DeviceInfo, State},
};
use crate::names::member_of;

enum Author<'s> {
    Device(&'s DeviceInfo),
    Invite(InviteKey),
}

impl Author<'_> {
    /// Returns the role when it may administer.
    fn admin(&self, what: &'static str) -> Result<Role, RosterError> {
        match self {
            Author::Device(device) if device.role.may_administer() => Ok(device.role),
            Author::Device(device) => Err(RosterError::NotAllowed {
                what,
                role: AuthorRole::Device(device.role),
            }),
            Author::Invite(_) => Err(RosterError::NotAllowed {
                what,
                role: AuthorRole::Invite,
            }),
        }
    }
}

/// Refuses what touches owners unless an owner does it.
fn owners_by_owners(author: Role, touched: Role, what: &'static str) -> Result<(), RosterError> {
    if touched == Role::Owner && author != Role::Owner {
        return Err(RosterError::NotAllowed {
            what,
            role: AuthorRole::Device(author),
        });
    }
    Ok(())
}

impl State {
    /// Judges an entry whose place in the chain and signature are right.
    pub(crate) fn judge(&self, body: &Body) -> Result<(), RosterError> {
        let author = match &body.what {
            What::Found(found) => return self.judge_founding(found, body.author),
            _ => self.author(body.author)?,
        };
        match &body.what {
            What::Found(_) => Err(RosterError::Founding),
            What::Device(added) => self.judge_device(&author, added),
            What::Invite(invite) => self.judge_invite(&author, invite),
            What::Role(change) => self.judge_role(&author, change),
            What::Revoke(revocation) => {
                self.judge_revocation(&author, &revocation.feeds, &revocation.cuts)
            }
            What::CutMoved(moved) => self.judge_cut(&author, &moved.cut),
            What::KeyEpoch(key) => {
                author.admin("a new workspace key")?;
                // The next number begins a new key; any other is that of a lost branch's key, kept for reading, which
                // never begins anything.
                if key.number == 1 || self.knows_check(key.number, &key.check) {
                    return Err(RosterError::KeyEpoch { number: key.number });
                }
                Ok(())
            }
            What::InviteEnded(ended) => {
                author.admin("ending an invite")?;
                if !self.invites.contains_key(&ended.invite) {
                    return Err(RosterError::Unknown { what: "the invite" });
                }
                Ok(())
            }
            What::DeviceAccepted(accepted) => self.judge_accepted(&author, accepted),
            // A newer version's business, which this one keeps: so it takes it from those alone who administer.
            What::Unknown { .. } => author.admin("an entry of a newer version").map(|_| ()),
        }
    }

    fn author(&self, key: SignerKey) -> Result<Author<'_>, RosterError> {
        if let Some(device) = self.devices.get(&FeedId::from(key)) {
            if device.revoked.is_some() {
                return Err(RosterError::AuthorRevoked { code: device.code });
            }
            return Ok(Author::Device(device));
        }
        match self.invites.get(&InviteKey::from(key)) {
            Some(invite) if invite.is_open() => Ok(Author::Invite(invite.signing)),
            Some(_) => Err(RosterError::InviteSpent),
            None => Err(RosterError::Stranger { author: key }),
        }
    }

    fn judge_founding(&self, found: &Founding, author: SignerKey) -> Result<(), RosterError> {
        let bad = |why| Err(RosterError::BadFounding { why });
        let device = &found.device;
        if !self.devices.is_empty() {
            return Err(RosterError::Founding);
        }
        if SignerKey::from(device.signing) != author {
            return bad("its author is not its device");
        }
        if device.role != Role::Owner || device.code != DeviceCode::FOUNDER {
            return bad("its device is not an owner with code A");
        }
        if device.member != member_of(&author) {
            return bad("its member does not follow from its device");
        }
        if device.continues.is_some() || device.continues_at.is_some() {
            return bad("its device continues another");
        }
        if found.key.number != 1 {
            return bad("its key epoch is not 1");
        }
        Ok(())
    }

    fn judge_device(&self, author: &Author<'_>, added: &DeviceAdded) -> Result<(), RosterError> {
        let device = &added.device;
        match author {
            Author::Invite(key) => {
                let invite = &self.invites[key];
                if device.member != invite.member {
                    return Err(RosterError::NotAsInvited { what: "member" });
                }
                if device.role != self.role_for(invite.member).unwrap_or(invite.role) {
                    return Err(RosterError::NotAsInvited { what: "role" });
                }
            }
            // A device whose feed forked, or that was restored, lets its own successor in.
            Author::Device(old)
                if device.continues == Some(old.signing) && device.member == old.member =>
            {
                self.check_role(device.member, device.role)?;
                let root = self.root(old.signing);
                let let_in = self.successors.get(&root).copied().unwrap_or(0);
                if let_in >= MAX_SUCCESSORS && !old.role.may_administer() {
                    return Err(RosterError::TooManySuccessors {
                        limit: MAX_SUCCESSORS,
                    });
                }
            }
            Author::Device(_) => {
                let role = author.admin("adding a device")?;
                owners_by_owners(role, device.role, "adding a device of an owner")?;
                self.known_member(device.member)?;
                self.check_role(device.member, device.role)?;
            }
        }
        self.check_new(device)?;
        self.check_known_keys(&added.keys, &device.sealing)
    }

    fn judge_accepted(
        &self,
        author: &Author<'_>,
        accepted: &AcceptedDevice,
    ) -> Result<(), RosterError> {
        let device = &accepted.device;
        let role = author.admin("accepting a device")?;
        owners_by_owners(role, device.role, "accepting a device of an owner")?;
        if accepted.cut.feed != device.signing {
            return Err(RosterError::Cut {
                why: "it names another feed than the device",
            });
        }
        // The member may have come with the lost branch alone, so it needs not be known.
        self.check_role(device.member, device.role)?;
        self.check_new(device)?;
        for (at, key) in accepted.keys.iter().enumerate() {
            // A key of the lost branch has a number that this one has given too, or will have: never that of the first.
            if key.number == 1 && !self.knows_check(1, &key.check)
                || repeats(&accepted.keys[..at], key)
            {
                return Err(RosterError::KeyEpoch { number: key.number });
            }
        }
        Ok(())
    }

    /// Checks that key and code of a device are new, and what it continues.
    fn check_new(&self, device: &Device) -> Result<(), RosterError> {
        self.check_key(device.signing.into())?;
        #[cfg(feature = "sabotage")]
        if sabotage::is(sabotage::Break::CodeTwice) {
            return self.check_continues(device);
        }
        if self.codes.contains(&device.code) {
            return Err(RosterError::CodeTaken { code: device.code });
        }
        self.check_continues(device)
    }

    fn check_continues(&self, device: &Device) -> Result<(), RosterError> {
        let bad = |why| Err(RosterError::Continues { why });
        match (device.continues, device.continues_at) {
            (None, None) => Ok(()),
            (Some(feed), Some(cut)) => {
                let Some(old) = self.devices.get(&feed) else {
                    return bad("that feed is not in the roster");
                };
                if old.member != device.member {
                    return bad("that feed belongs to another member");
                }
                if cut.feed != feed {
                    return bad("its cut names another feed");
                }
                Ok(())
            }
            _ => bad("feed and cut come together"),
        }
    }

    fn judge_invite(&self, author: &Author<'_>, invite: &Invite) -> Result<(), RosterError> {
        let role = author.admin("inviting")?;
        owners_by_owners(role, invite.role, "inviting an owner")?;
        self.check_key(invite.signing.into())?;
        if !(1..=MAX_INVITE_USES).contains(&invite.uses) {
            return Err(RosterError::Uses {
                uses: invite.uses,
                limit: MAX_INVITE_USES,
            });
        }
        if invite.member != member_of(&invite.signing.into()) {
            self.known_member(invite.member)?;
        }
        self.check_role(invite.member, invite.role)?;
        self.check_known_keys(&invite.keys, &invite.sealing)
    }

    fn judge_role(&self, author: &Author<'_>, change: &RoleChange) -> Result<(), RosterError> {
        let role = author.admin("changing a role")?;
        let before = self
            .role_for(change.member)
            .ok_or(RosterError::Unknown { what: "the member" })?;
        owners_by_owners(role, before, "changing the role of an owner")?;
        owners_by_owners(role, change.role, "making an owner")?;
        check_cuts(&change.cuts, |feed| {
            self.devices
                .get(feed)
                .is_some_and(|device| device.member == change.member)
        })?;
        self.check_owner_left(|device| device.member == change.member && change.role != Role::Owner)
    }

    fn judge_revocation(
        &self,
        author: &Author<'_>,
        feeds: &[FeedId],
        cuts: &[Cut],
    ) -> Result<(), RosterError> {
        let role = author.admin("revoking")?;
        for feed in feeds {
            let device = self
                .devices
                .get(feed)
                .ok_or(RosterError::Unknown { what: "the device" })?;
            owners_by_owners(role, device.role, "revoking a device of an owner")?;
            if device.revoked.is_some() {
                return Err(RosterError::RevokedAlready { code: device.code });
            }
        }
        check_cuts(cuts, |feed| feeds.contains(feed))?;
        self.check_owner_left(|device| feeds.contains(&device.signing))
    }

    fn judge_cut(&self, author: &Author<'_>, cut: &Cut) -> Result<(), RosterError> {
        author.admin("moving a cut")?;
        let device = self
            .devices
            .get(&cut.feed)
            .ok_or(RosterError::Unknown { what: "the device" })?;
        match device.revoked.or(device.silenced) {
            Some(before) if before.sequence < cut.sequence => Ok(()),
            Some(_) => Err(RosterError::Cut {
                why: "it does not move forward",
            }),
            None => Err(RosterError::Cut {
                why: "the device may write as it is",
            }),
        }
    }

    /// Refuses to take the place of every owner's device away.
    fn check_owner_left(&self, goes: impl Fn(&DeviceInfo) -> bool) -> Result<(), RosterError> {
        let stays = self
            .devices
            .values()
            .any(|device| device.role == Role::Owner && device.revoked.is_none() && !goes(device));
        if stays {
            Ok(())
        } else {
            Err(RosterError::LastOwner)
        }
    }

    fn check_key(&self, key: SignerKey) -> Result<(), RosterError> {
        let taken = self.devices.contains_key(&FeedId::from(key))
            || self.invites.contains_key(&InviteKey::from(key));
        if taken {
            return Err(RosterError::KeyTaken { key });
        }
        Ok(())
    }

    /// Checks that keys are known, each comes once, and is wrapped for the recipient alone.
    fn check_known_keys(
        &self,
        keys: &[KeyEpoch],
        recipient: &SealingKey,
    ) -> Result<(), RosterError> {
        for (at, key) in keys.iter().enumerate() {
            let is_theirs = match &key.wraps[..] {
                [] => true,
                [wrap] => wrap.recipient == *recipient,
                _ => false,
            };
            if !is_theirs || !self.knows_check(key.number, &key.check) || repeats(&keys[..at], key)
            {
                return Err(RosterError::KeyEpoch { number: key.number });
            }
        }
        Ok(())
    }

    /// Returns the role of a member who has a device.
    pub(crate) fn role_for(&self, member: MemberId) -> Option<Role> {
        self.roles.get(&member).copied()
    }

    fn check_role(&self, member: MemberId, role: Role) -> Result<(), RosterError> {
        match self.role_for(member) {
            Some(known) if known != role => Err(RosterError::OtherRole { role: known }),
            _ => Ok(()),
        }
    }

    /// Refuses member ids that neither a device nor an invite has brought in.
    fn known_member(&self, member: MemberId) -> Result<(), RosterError> {
        let known = self.roles.contains_key(&member)
            || self.invites.values().any(|invite| invite.member == member);
        if known {
            Ok(())
        } else {
            Err(RosterError::Unknown { what: "the member" })
        }
    }
}

fn repeats(before: &[KeyEpoch], key: &KeyEpoch) -> bool {
    before
        .iter()
        .any(|other| (other.number, other.check) == (key.number, key.check))
}

fn check_cuts(cuts: &[Cut], meant: impl Fn(&FeedId) -> bool) -> Result<(), RosterError> {
    for (at, cut) in cuts.iter().enumerate() {
        if !meant(&cut.feed) {
            return Err(RosterError::Cut {
                why: "it names a feed that is not meant",
            });
        }
        if cuts[..at].iter().any(|other| other.feed == cut.feed) {
            return Err(RosterError::Cut {
                why: "a feed has two",
            });
        }
    }
    Ok(())
}
