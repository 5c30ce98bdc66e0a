//! Making entries: each is judged by the same rules as those of others before it is signed.

use std::collections::BTreeSet;

use protocol::{
    Body, Cut, Device, DeviceAdded, DeviceCode, Entry, Founding, Invite, KeyEpoch, MemberId,
    ROSTER_VERSION, Role, RosterHash, Salt, What, WorkspaceId, domain,
};

mod change;
mod settle;

pub use change::{ChangeError, Target};

use super::{Roster, RosterError, check_entry_size};
use crate::{
    DeviceKeys, InviteSecret, KeyRing, SigningIdentity, WorkspaceKey,
    entropy::{Entropy, draw},
    key_ring::WrapContext,
    names::member_of,
};

/// What an invite grants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InviteTerms {
    /// The existing member that the device will belong to; none makes a new member.
    pub member: Option<MemberId>,
    /// The role; for an existing member the one that it has.
    pub role: Role,
    /// How many devices may join by it, at least 1.
    pub uses: u32,
    /// When the relay stops taking it, ms since 1970.
    pub expires_ms: u64,
    /// Codes that were seen in imported numbers and are never given out.
    pub reserved: Vec<DeviceCode>,
}

fn sign_body(author: &SigningIdentity, body: &Body) -> Vec<u8> {
    let body = body.encode();
    let signature = author.sign(domain::SIGN_ROSTER, &[RosterHash::of(&body).as_bytes()]);
    Entry {
        body: body.into(),
        signature,
    }
    .encode()
}

impl Roster {
    /// Founds a workspace: the roster with its first entry, and the ring with the first workspace key.
    ///
    /// `time_ms` is for people only. The founding device becomes an owner with code `A`.
    pub fn found(
        keys: &DeviceKeys,
        time_ms: u64,
        entropy: &mut (impl Entropy + ?Sized),
    ) -> Result<(Roster, KeyRing), RosterError> {
        let salt = Salt::from_bytes(draw(entropy));
        let key = WorkspaceKey::generate(entropy);
        let mut context = WrapContext {
            place: [0; 32],
            number: 1,
        };
        context.place[..Salt::LEN].copy_from_slice(salt.as_bytes());
        let wrap = key
            .wrap(&keys.sealing.key(), &context, entropy)
            .ok_or(RosterError::Unsealable)?;
        let author = keys.signing.key();
        let bytes = sign_body(
            &keys.signing,
            &Body {
                version: ROSTER_VERSION,
                workspace: WorkspaceId::ZERO,
                previous: RosterHash::ZERO,
                time_ms,
                author,
                min_reader: ROSTER_VERSION,
                what: What::Found(Founding {
                    device: Device {
                        signing: keys.feed(),
                        sealing: keys.sealing.key(),
                        member: member_of(&author),
                        code: DeviceCode::FOUNDER,
                        role: Role::Owner,
                        continues: None,
                        continues_at: None,
                    },
                    salt,
                    key: KeyEpoch {
                        number: 1,
                        wraps: vec![wrap],
                        check: key.check(),
                    },
                }),
            },
        );
        Ok((Roster::begin(&bytes)?, KeyRing::begin(key)))
    }

    /// Signs the entry that would follow the head, without taking it in.
    ///
    /// It is judged first, so the error is the one that relay and clients would give.
    pub fn sign(
        &self,
        author: &SigningIdentity,
        what: What,
        time_ms: u64,
    ) -> Result<Vec<u8>, RosterError> {
        let body = Body {
            version: ROSTER_VERSION,
            workspace: self.workspace,
            previous: self.head,
            time_ms,
            author: author.key(),
            what,
            min_reader: ROSTER_VERSION,
        };
        self.judge(&body)?;
        let bytes = sign_body(author, &body);
        check_entry_size(&bytes)?;
        Ok(bytes)
    }

    /// Signs an invite entry as an admin's device; all keys of the ring that the roster knows are
    /// wrapped for the invite.
    ///
    /// Codes that only a lost branch gave out are reserved with it.
    pub fn sign_invite(
        &self,
        author: &SigningIdentity,
        ring: &KeyRing,
        secret: &InviteSecret,
        terms: &InviteTerms,
        time_ms: u64,
        entropy: &mut (impl Entropy + ?Sized),
    ) -> Result<Vec<u8>, RosterError> {
        let sealing = secret.sealing().key();
        let lost = self.lost_codes().into_iter();
        let reserved: BTreeSet<DeviceCode> = lost.chain(terms.reserved.iter().copied()).collect();
        let what = What::Invite(Invite {
            signing: secret.key(),
            sealing,
            member: terms.member.unwrap_or_else(|| secret.new_member()),
            role: terms.role,
            uses: terms.uses,
            expires_ms: terms.expires_ms,
            reserved: reserved.into_iter().collect(),
            keys: ring
                .wrap_known(self, &[sealing], entropy)
                .ok_or(RosterError::Unsealable)?,
        });
        self.sign(author, what, time_ms)
    }

    /// Signs the entry by which a device joins with an invite; all keys that the invite can read are wrapped for it.
    ///
    /// The code is the next free one of this roster: when the relay answers that the roster moved, sign again.
    pub fn sign_join(
        &self,
        secret: &InviteSecret,
        keys: &DeviceKeys,
        time_ms: u64,
        entropy: &mut (impl Entropy + ?Sized),
    ) -> Result<Vec<u8>, RosterError> {
        let invite = self
            .invite(&secret.key())
            .ok_or(RosterError::Unknown { what: "the invite" })?;
        let role = self.member_role(&invite.member).unwrap_or(invite.role);
        let ring = KeyRing::open(self, &secret.sealing());
        let what = self.device_entry(keys, invite.member, role, None, &ring, entropy)?;
        self.sign(&secret.signing(), what, time_ms)
    }

    /// Signs the entry by which a device lets in its own successor, which continues its feed from the cut on.
    pub fn sign_successor(
        &self,
        old: &DeviceKeys,
        cut: Cut,
        new: &DeviceKeys,
        time_ms: u64,
        entropy: &mut (impl Entropy + ?Sized),
    ) -> Result<Vec<u8>, RosterError> {
        let device = self.device(&old.feed()).ok_or(RosterError::Stranger {
            author: old.signing.key(),
        })?;
        if self.is_revoked(&device.signing) {
            return Err(RosterError::AuthorRevoked { code: device.code });
        }
        let ring = KeyRing::open(self, &old.sealing);
        let what = self.device_entry(new, device.member, device.role, Some(cut), &ring, entropy)?;
        self.sign(&old.signing, what, time_ms)
    }

    /// Signs the entry that begins a new workspace key, wrapped for all who may read from now on.
    pub fn sign_key_epoch(
        &self,
        author: &SigningIdentity,
        time_ms: u64,
        entropy: &mut (impl Entropy + ?Sized),
    ) -> Result<Vec<u8>, RosterError> {
        let key = WorkspaceKey::generate(entropy);
        let context = WrapContext {
            place: *self.workspace.as_bytes(),
            number: self.key_epoch() + 1,
        };
        let wraps = self
            .recipients()
            // A recipient to whom nothing can be sealed must not keep the others from a new key.
            .filter_map(|recipient| key.wrap(&recipient, &context, entropy))
            .collect();
        let what = What::KeyEpoch(KeyEpoch {
            number: context.number,
            wraps,
            check: key.check(),
        });
        self.sign(author, what, time_ms)
    }

    fn device_entry(
        &self,
        keys: &DeviceKeys,
        member: MemberId,
        role: Role,
        continues_at: Option<Cut>,
        ring: &KeyRing,
        entropy: &mut (impl Entropy + ?Sized),
    ) -> Result<What, RosterError> {
        let sealing = keys.sealing.key();
        Ok(What::Device(DeviceAdded {
            device: Device {
                signing: keys.feed(),
                sealing,
                member,
                code: self.next_code().ok_or(RosterError::NoCodeLeft)?,
                role,
                continues: continues_at.map(|cut| cut.feed),
                continues_at,
            },
            keys: ring
                .wrap_known(self, &[sealing], entropy)
                .ok_or(RosterError::Unsealable)?,
        }))
    }
}
