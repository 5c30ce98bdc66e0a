//! The entries of the roster as bytes; what they may do is decided by `vault`.

use std::fmt;

use minicbor::{
    Decode, Decoder, Encode, Encoder, decode,
    encode::{self, Write},
};

use crate::{
    Blob, Cut, DecodeError, DeviceCode, FeedId, InviteKey, KeyCheck, MemberId, ROSTER_VERSION,
    RosterHash, Salt, SealingKey, Signature, SignerKey, WorkspaceId, WrappedKey,
    canonical::{check_count, decode_canonical, encode},
    limits::{
        MAX_ENTRY_CUTS, MAX_KEY_EPOCHS, MAX_RESERVED_CODES, MAX_ROSTER_ENTRY_BYTES, MAX_WRAPS,
    },
};

/// What a member may do.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode, serde::Serialize, serde::Deserialize,
)]
#[cbor(index_only)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Does everything, and makes owners.
    #[n(0)]
    Owner,
    /// Invites, revokes, changes roles and settings.
    #[n(1)]
    Admin,
    /// Reads and writes.
    #[n(2)]
    Member,
    /// Reads, and writes nothing shared.
    #[n(3)]
    Guest,
}

impl Role {
    /// Tells whether it may add to the roster.
    pub fn may_administer(self) -> bool {
        matches!(self, Role::Owner | Role::Admin)
    }

    /// Tells whether it may write envelopes.
    pub fn may_write(self) -> bool {
        !matches!(self, Role::Guest)
    }

    /// Returns the word of the formats and of the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Owner => "owner",
            Role::Admin => "admin",
            Role::Member => "member",
            Role::Guest => "guest",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A device as the roster names it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Device {
    /// Its signing key, which names its feed.
    #[n(0)]
    pub signing: FeedId,
    /// The key for which workspace keys are wrapped.
    #[n(1)]
    pub sealing: SealingKey,
    /// The member it belongs to.
    #[n(2)]
    pub member: MemberId,
    /// Its short code, never used again.
    #[n(3)]
    pub code: DeviceCode,
    /// The role of the member when it was added.
    #[n(4)]
    pub role: Role,
    /// The feed that it continues.
    #[n(5)]
    pub continues: Option<FeedId>,
    /// Where it continues that feed.
    #[n(6)]
    pub continues_at: Option<Cut>,
}

/// A workspace key, wrapped for one recipient.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Wrap {
    /// The recipient's sealing key.
    #[n(0)]
    pub recipient: SealingKey,
    /// The wrapped key.
    #[n(1)]
    pub key: WrappedKey,
}

/// One workspace key, wrapped for those who may read.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct KeyEpoch {
    /// Its number, from 1.
    #[n(0)]
    pub number: u32,
    /// The wraps.
    #[n(1)]
    pub wraps: Vec<Wrap>,
    /// The hash by which an unwrapped key is recognised.
    #[n(2)]
    pub check: KeyCheck,
}

/// The first entry of a roster.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Founding {
    /// The founding device: role owner, code `A`.
    #[n(0)]
    pub device: Device,
    /// Random bytes; they stand for the workspace in the info of the first key's wraps.
    #[n(1)]
    pub salt: Salt,
    /// The first workspace key.
    #[n(2)]
    pub key: KeyEpoch,
}

/// A device joins.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct DeviceAdded {
    /// The device.
    #[n(0)]
    pub device: Device,
    /// The workspace keys, wrapped for it.
    #[n(1)]
    pub keys: Vec<KeyEpoch>,
}

/// An invite, open until it is used up, expired or ended.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Invite {
    /// Its signing key.
    #[n(0)]
    pub signing: InviteKey,
    /// Its sealing key.
    #[n(1)]
    pub sealing: SealingKey,
    /// The member that its devices will belong to.
    #[n(2)]
    pub member: MemberId,
    /// The role of that member.
    #[n(3)]
    pub role: Role,
    /// How many devices may join by it.
    #[n(4)]
    pub uses: u32,
    /// When the relay stops taking it, ms since 1970.
    #[n(5)]
    pub expires_ms: u64,
    /// Codes that were seen in imported numbers and are never given out.
    #[n(6)]
    pub reserved: Vec<DeviceCode>,
    /// The workspace keys, wrapped for it.
    #[n(7)]
    pub keys: Vec<KeyEpoch>,
}

/// A member's role changes.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct RoleChange {
    /// The member.
    #[n(0)]
    pub member: MemberId,
    /// The new role.
    #[n(1)]
    pub role: Role,
    /// Up to where the feeds of the member count, when it is a demotion.
    #[n(2)]
    pub cuts: Vec<Cut>,
}

/// Devices lose their place.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Revocation {
    /// The devices.
    #[n(0)]
    pub feeds: Vec<FeedId>,
    /// Up to where each of them counts; a feed without one counts not at all.
    #[n(1)]
    pub cuts: Vec<Cut>,
}

/// What a revoked device had not sent is accepted up to a later place.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct CutMoved {
    /// The new cut.
    #[n(0)]
    pub cut: Cut,
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct KeyRotation {
    #[n(0)]
    key: KeyEpoch,
}

/// An invite ends before it is used up.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct InviteEnded {
    /// The invite.
    #[n(0)]
    pub invite: InviteKey,
}

/// A device of a branch of the roster that was lost counts up to a cut.
///
/// The lost branch is carried nowhere else, so the entry holds all that is to be known of the device.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct AcceptedDevice {
    /// The device as the lost branch had it, but for its code, which is a new one of this branch.
    #[n(0)]
    pub device: Device,
    /// Up to where its feed counts.
    #[n(1)]
    pub cut: Cut,
    /// Workspace keys: those of the lost branch, so that they stay readable, and those of this one for the device.
    #[n(2)]
    pub keys: Vec<KeyEpoch>,
}

/// What a roster entry does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// The workspace begins.
    Found(Founding),
    /// A device joins.
    Device(DeviceAdded),
    /// An invite opens.
    Invite(Invite),
    /// A member's role changes.
    Role(RoleChange),
    /// Devices are revoked.
    Revoke(Revocation),
    /// A cut moves.
    CutMoved(CutMoved),
    /// A new workspace key begins.
    KeyEpoch(KeyEpoch),
    /// An invite ends.
    InviteEnded(InviteEnded),
    /// A device of a lost branch is accepted.
    DeviceAccepted(AcceptedDevice),
    /// Something that a newer version means; kept and passed on, its effect ignored.
    Unknown {
        /// The tag.
        tag: u64,
        /// The map, as bytes.
        map: Vec<u8>,
    },
}

impl<C> Encode<C> for What {
    fn encode<W: Write>(
        &self,
        e: &mut Encoder<W>,
        c: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        e.array(2)?;
        match self {
            What::Found(found) => e.u8(0)?.encode_with(found, c)?.ok(),
            What::Device(device) => e.u8(1)?.encode_with(device, c)?.ok(),
            What::Invite(invite) => e.u8(2)?.encode_with(invite, c)?.ok(),
            What::Role(role) => e.u8(3)?.encode_with(role, c)?.ok(),
            What::Revoke(revocation) => e.u8(4)?.encode_with(revocation, c)?.ok(),
            What::CutMoved(moved) => e.u8(5)?.encode_with(moved, c)?.ok(),
            What::KeyEpoch(key) => e.u8(6)?.map(1)?.u8(0)?.encode_with(key, c)?.ok(),
            What::InviteEnded(ended) => e.u8(7)?.encode_with(ended, c)?.ok(),
            What::DeviceAccepted(accepted) => e.u8(8)?.encode_with(accepted, c)?.ok(),
            What::Unknown { tag, map } => {
                e.u64(*tag)?;
                e.writer_mut().write_all(map).map_err(encode::Error::write)
            }
        }
    }
}

impl<'b, C> Decode<'b, C> for What {
    fn decode(d: &mut Decoder<'b>, c: &mut C) -> Result<Self, decode::Error> {
        let at = d.position();
        if d.array()? != Some(2) {
            return Err(decode::Error::message("expected a tag and a map").at(at));
        }
        Ok(match d.u64()? {
            0 => What::Found(d.decode_with(c)?),
            1 => What::Device(d.decode_with(c)?),
            2 => What::Invite(d.decode_with(c)?),
            3 => What::Role(d.decode_with(c)?),
            4 => What::Revoke(d.decode_with(c)?),
            5 => What::CutMoved(d.decode_with(c)?),
            6 => What::KeyEpoch(d.decode_with::<C, KeyRotation>(c)?.key),
            7 => What::InviteEnded(d.decode_with(c)?),
            8 => What::DeviceAccepted(d.decode_with(c)?),
            tag => {
                let from = d.position();
                if d.datatype()? != minicbor::data::Type::Map {
                    return Err(decode::Error::message("expected a tag and a map").at(at));
                }
                d.skip()?;
                let map = d.input()[from..d.position()].to_vec();
                What::Unknown { tag, map }
            }
        })
    }
}

/// The signed part of a roster entry.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Body {
    /// The version that wrote it.
    #[n(0)]
    pub version: u32,
    /// The workspace; zeros in the first entry.
    #[n(1)]
    pub workspace: WorkspaceId,
    /// The entry before it; zeros in the first.
    #[n(2)]
    pub previous: RosterHash,
    /// When it was made by its author's clock, ms since 1970; for people only.
    #[n(3)]
    pub time_ms: u64,
    /// Who signs it.
    #[n(4)]
    pub author: SignerKey,
    /// What it does.
    #[n(5)]
    pub what: What,
    /// The lowest version that may read it; a lower one stops before this entry and asks for an update.
    #[n(6)]
    pub min_reader: u32,
}

/// The keys of a [`Body`] that every version reads alike: place, author and who may read the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Decode)]
#[cbor(map)]
pub struct BodyOutline {
    /// The workspace; zeros in the first entry.
    #[n(1)]
    pub workspace: WorkspaceId,
    /// The entry before it; zeros in the first.
    #[n(2)]
    pub previous: RosterHash,
    /// Who signs it.
    #[n(4)]
    pub author: SignerKey,
    /// The lowest version that may read the rest.
    #[n(6)]
    pub min_reader: u32,
}

impl BodyOutline {
    /// Reads the keys that an entry of any version has.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        decode_canonical("roster entry", MAX_ROSTER_ENTRY_BYTES, bytes)
    }
}

impl Body {
    /// Writes the bytes that are hashed and signed.
    pub fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    /// Reads a body and checks its counts; keys that a newer version added are ignored, so keep the bytes too.
    ///
    /// One that only newer versions may read gives [`DecodeError::Newer`], whatever else is in it.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let BodyOutline { min_reader, .. } = BodyOutline::decode(bytes)?;
        if min_reader > ROSTER_VERSION {
            return Err(DecodeError::Newer {
                what: "roster entry",
                min_reader,
                reads: ROSTER_VERSION,
            });
        }
        let body: Body = decode_canonical("roster entry", MAX_ROSTER_ENTRY_BYTES, bytes)?;
        match &body.what {
            What::Found(found) => check_keys(std::slice::from_ref(&found.key))?,
            What::Device(added) => check_keys(&added.keys)?,
            What::Invite(invite) => {
                check_keys(&invite.keys)?;
                check_count("reserved codes", MAX_RESERVED_CODES, invite.reserved.len())?;
            }
            What::Role(change) => check_count("cuts", MAX_ENTRY_CUTS, change.cuts.len())?,
            What::Revoke(revocation) => {
                check_count("cuts", MAX_ENTRY_CUTS, revocation.cuts.len())?;
                check_count("revoked feeds", MAX_ENTRY_CUTS, revocation.feeds.len())?;
            }
            What::KeyEpoch(key) => check_keys(std::slice::from_ref(key))?,
            What::DeviceAccepted(accepted) => check_keys(&accepted.keys)?,
            What::CutMoved(_) | What::InviteEnded(_) | What::Unknown { .. } => {}
        }
        Ok(body)
    }
}

fn check_keys(keys: &[KeyEpoch]) -> Result<(), DecodeError> {
    check_count("key epochs", MAX_KEY_EPOCHS, keys.len())?;
    for key in keys {
        check_count("wraps of a key epoch", MAX_WRAPS, key.wraps.len())?;
        if key.number == 0 {
            return Err(DecodeError::malformed("key epoch", "numbers begin at 1"));
        }
    }
    Ok(())
}

/// An entry of the roster: body bytes and their signature, neither of them checked.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Entry {
    /// The bytes of the [`Body`].
    #[n(0)]
    pub body: Blob,
    /// The author's signature over the entry hash.
    #[n(1)]
    pub signature: Signature,
}

impl Entry {
    /// Returns the hash that names this entry.
    pub fn hash(&self) -> RosterHash {
        RosterHash::of(&self.body)
    }

    /// Writes the entry.
    pub fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    /// Reads an entry.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        decode_canonical("roster entry", MAX_ROSTER_ENTRY_BYTES, bytes)
    }
}
