//! What the entries of a roster add up to.

use std::collections::{BTreeMap, BTreeSet};

use protocol::{
    AcceptedDevice, Body, Cut, Device, DeviceCode, EnvelopeHash, FeedId, Invite, InviteKey,
    KeyCheck, KeyEpoch, MemberId, Role, SealingKey, SignerKey, What,
};

use crate::{
    key_ring::{KeptWrap, WrapContext},
    names::{ACTOR_PREFIX_LEN, actor_prefix},
};

/// A device as the roster knows it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceInfo {
    /// Its signing key, which names its feed.
    pub signing: FeedId,
    /// The key for which workspace keys are wrapped.
    pub sealing: SealingKey,
    /// The member it belongs to.
    pub member: MemberId,
    /// Its short code.
    pub code: DeviceCode,
    /// The member's role now.
    pub role: Role,
    /// The feed that it continues.
    pub continues: Option<FeedId>,
    /// Where it continues that feed.
    pub continues_at: Option<Cut>,
    /// Who let it in: an invite, another device, or itself.
    pub added_by: SignerKey,
    /// When it was added by that one's clock, ms since 1970; for people only.
    pub added_ms: u64,
    /// Up to where its feed counts, when it was revoked.
    pub revoked: Option<Cut>,
    /// Up to where its feed counts, when its member's role may not write.
    pub silenced: Option<Cut>,
}

/// What a device may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// All that continues its feed.
    Writes,
    /// Nothing after the cut, since its member's role forbids it.
    Silenced(Cut),
    /// Nothing after the cut, since it was revoked.
    Revoked(Cut),
}

impl DeviceInfo {
    /// Returns what the device may write.
    pub fn standing(&self) -> Standing {
        match (self.revoked, self.silenced) {
            (Some(cut), _) => Standing::Revoked(cut),
            (None, Some(cut)) => Standing::Silenced(cut),
            (None, None) => Standing::Writes,
        }
    }
}

/// An invite as the roster knows it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InviteInfo {
    /// Its signing key.
    pub signing: InviteKey,
    /// Its sealing key.
    pub sealing: SealingKey,
    /// The member that its devices will belong to.
    pub member: MemberId,
    /// The role of that member when the invite was made.
    pub role: Role,
    /// How many devices may still join by it.
    pub uses_left: u32,
    /// When the relay stops taking it, ms since 1970.
    pub expires_ms: u64,
    /// Whether an admin ended it.
    pub ended: bool,
    /// The device that made it, whose owner may know its secret.
    pub invited_by: SignerKey,
    /// When it was made by that one's clock, ms since 1970; for people only.
    pub invited_ms: u64,
}

impl InviteInfo {
    /// Tells whether a device may join by it, its expiry aside, which only the relay judges.
    pub fn is_open(&self) -> bool {
        !self.ended && self.uses_left > 0
    }
}

/// Everything that the rules need to know, and that follows from the entries alone.
#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    pub(crate) devices: BTreeMap<FeedId, DeviceInfo>,
    pub(crate) by_prefix: BTreeMap<[u8; ACTOR_PREFIX_LEN], FeedId>,
    pub(crate) invites: BTreeMap<InviteKey, InviteInfo>,
    pub(crate) roles: BTreeMap<MemberId, Role>,
    /// The members whose role let them write at any time.
    pub(crate) writers: BTreeSet<MemberId>,
    pub(crate) codes: BTreeSet<DeviceCode>,
    pub(crate) checks: BTreeMap<u32, KeyCheck>,
    /// Workspace keys of lost branches, which are kept for reading.
    pub(crate) lost_checks: BTreeSet<(u32, KeyCheck)>,
    /// For each device that another let in as its successor, the first device of that chain.
    pub(crate) roots: BTreeMap<FeedId, FeedId>,
    /// How many successors the devices of a chain have let in, by the first device.
    pub(crate) successors: BTreeMap<FeedId, u32>,
    pub(crate) wraps: BTreeMap<SealingKey, Vec<KeptWrap>>,
    pub(crate) accepted: BTreeMap<FeedId, Cut>,
}

/// The cut of a feed that counts not at all.
pub(crate) fn nothing_of(feed: FeedId) -> Cut {
    Cut {
        feed,
        sequence: 0,
        hash: EnvelopeHash::ZERO,
    }
}

fn cut_of(feed: FeedId, cuts: &[Cut]) -> Cut {
    cuts.iter()
        .find(|cut| cut.feed == feed)
        .copied()
        .unwrap_or(nothing_of(feed))
}

impl State {
    /// Takes in an entry that the rules have let pass.
    pub(crate) fn apply(&mut self, body: &Body) {
        let place = *body.workspace.as_bytes();
        match &body.what {
            What::Found(found) => {
                let mut salt = [0; 32];
                salt[..16].copy_from_slice(found.salt.as_bytes());
                self.add_device(&found.device, body);
                self.checks.insert(found.key.number, found.key.check);
                self.add_wraps(std::slice::from_ref(&found.key), &salt);
            }
            What::Device(added) => {
                let invite = InviteKey::from(body.author);
                if let Some(invite) = self.invites.get_mut(&invite) {
                    invite.uses_left -= 1;
                }
                if added.device.continues.map(SignerKey::from) == Some(body.author) {
                    let root = self.root(body.author.into());
                    self.roots.insert(added.device.signing, root);
                    *self.successors.entry(root).or_default() += 1;
                }
                self.add_device(&added.device, body);
                self.add_wraps(&added.keys, &place);
            }
            What::Invite(invite) => {
                self.add_invite(invite, body);
                self.add_wraps(&invite.keys, &place);
            }
            What::Role(change) => self.change_role(change.member, change.role, &change.cuts),
            What::Revoke(revocation) => {
                for feed in &revocation.feeds {
                    if let Some(device) = self.devices.get_mut(feed) {
                        device.revoked = Some(cut_of(*feed, &revocation.cuts));
                    }
                }
            }
            What::CutMoved(moved) => {
                if let Some(device) = self.devices.get_mut(&moved.cut.feed) {
                    let cut = if device.revoked.is_some() {
                        &mut device.revoked
                    } else {
                        &mut device.silenced
                    };
                    *cut = Some(moved.cut);
                }
                if let Some(cut) = self.accepted.get_mut(&moved.cut.feed) {
                    *cut = moved.cut;
                }
            }
            What::KeyEpoch(key) => {
                if self.is_next(key.number) {
                    self.checks.insert(key.number, key.check);
                } else {
                    self.lost_checks.insert((key.number, key.check));
                }
                self.add_wraps(std::slice::from_ref(key), &place);
            }
            What::InviteEnded(ended) => {
                if let Some(invite) = self.invites.get_mut(&ended.invite) {
                    invite.ended = true;
                }
            }
            What::DeviceAccepted(accepted) => {
                self.accept(accepted, body);
                self.add_wraps(&accepted.keys, &place);
            }
            What::Unknown { .. } => {}
        }
    }

    fn add_device(&mut self, device: &Device, body: &Body) {
        let role = *self.roles.entry(device.member).or_insert(device.role);
        if role.may_write() {
            self.writers.insert(device.member);
        }
        self.codes.insert(device.code);
        self.by_prefix
            .insert(actor_prefix(&device.signing), device.signing);
        self.devices.insert(
            device.signing,
            DeviceInfo {
                signing: device.signing,
                sealing: device.sealing,
                member: device.member,
                code: device.code,
                role,
                continues: device.continues,
                continues_at: device.continues_at,
                added_by: body.author,
                added_ms: body.time_ms,
                revoked: None,
                silenced: (!role.may_write()).then_some(nothing_of(device.signing)),
            },
        );
    }

    /// Takes in a device of a lost branch, which counts up to its cut, and the keys of that branch.
    fn accept(&mut self, accepted: &AcceptedDevice, body: &Body) {
        let feed = accepted.device.signing;
        self.add_device(&accepted.device, body);
        self.accepted.insert(feed, accepted.cut);
        // What counts up to the cut was written.
        self.writers.insert(accepted.device.member);
        if let Some(device) = self.devices.get_mut(&feed) {
            device.silenced = Some(accepted.cut);
        }
        for key in &accepted.keys {
            if self.checks.get(&key.number) != Some(&key.check) {
                self.lost_checks.insert((key.number, key.check));
            }
        }
    }

    fn add_invite(&mut self, invite: &Invite, body: &Body) {
        self.codes.extend(&invite.reserved);
        self.invites.insert(
            invite.signing,
            InviteInfo {
                signing: invite.signing,
                sealing: invite.sealing,
                member: invite.member,
                role: invite.role,
                uses_left: invite.uses,
                expires_ms: invite.expires_ms,
                ended: false,
                invited_by: body.author,
                invited_ms: body.time_ms,
            },
        );
    }

    /// Tells whether a key is one of this roster, or one of a lost branch that is kept.
    pub(crate) fn knows_check(&self, number: u32, check: &KeyCheck) -> bool {
        self.checks.get(&number) == Some(check) || self.lost_checks.contains(&(number, *check))
    }

    /// Tells whether a number is that of the workspace key that comes next.
    pub(crate) fn is_next(&self, number: u32) -> bool {
        let newest = self.checks.last_key_value();
        newest.map_or(0, |(number, _)| *number).checked_add(1) == Some(number)
    }

    /// Returns the first device of the chain in which each let in the next.
    pub(crate) fn root(&self, feed: FeedId) -> FeedId {
        self.roots.get(&feed).copied().unwrap_or(feed)
    }

    fn add_wraps(&mut self, keys: &[KeyEpoch], place: &[u8; 32]) {
        for key in keys {
            for wrap in &key.wraps {
                self.wraps
                    .entry(wrap.recipient)
                    .or_default()
                    .push(KeptWrap {
                        context: WrapContext {
                            place: *place,
                            number: key.number,
                        },
                        check: key.check,
                        key: wrap.key,
                    });
            }
        }
    }

    fn change_role(&mut self, member: MemberId, role: Role, cuts: &[Cut]) {
        self.roles.insert(member, role);
        if role.may_write() {
            self.writers.insert(member);
        }
        for device in self.devices.values_mut().filter(|d| d.member == member) {
            device.role = role;
            device.silenced = match device.silenced {
                // A device of a lost branch counts up to its cut and goes on as its successor.
                _ if role.may_write() => self.accepted.get(&device.signing).copied(),
                Some(cut) => Some(cut),
                None => Some(cut_of(device.signing, cuts)),
            };
        }
    }
}
