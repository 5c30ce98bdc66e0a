//! The verified chain of who belongs to a workspace.

mod error;
mod rules;
mod sign;
mod state;

use std::collections::BTreeMap;

use protocol::{
    Blob, Body, BodyOutline, Cut, DecodeError, DeviceCode, Entry, FeedId, InviteKey, MemberId,
    ROSTER_VERSION, Role, RosterHash, SealingKey, SignerKey, What, WorkspaceId, domain,
    limits::{MAX_ROSTER_BYTES, MAX_ROSTER_ENTRIES, MAX_ROSTER_ENTRY_BYTES},
};

pub use error::{AuthorRole, RosterError};
pub use sign::InviteTerms;
pub use state::{DeviceInfo, InviteInfo, Standing};

use crate::{
    key_ring::{KeptWrap, KeyName},
    keys::verify,
    names::{ACTOR_PREFIX_LEN, actor_prefix},
};
use state::State;

/// A roster in which every entry was checked: place in the chain, signature, and authority of its author.
#[derive(Debug, Clone)]
pub struct Roster {
    workspace: WorkspaceId,
    head: RosterHash,
    entries: Vec<Blob>,
    bytes: usize,
    places: BTreeMap<RosterHash, usize>,
    state: State,
}

/// Says which entry of a stored or received roster is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("roster entry {index}: {source}")]
pub struct RosterLoadError {
    /// The place of the entry, from 0.
    pub index: usize,
    /// What is wrong with it.
    pub source: RosterError,
}

impl Roster {
    /// Begins a roster with its first entry, whose hash is the workspace's id.
    pub fn begin(bytes: &[u8]) -> Result<Self, RosterError> {
        let mut roster = Roster {
            workspace: WorkspaceId::ZERO,
            head: RosterHash::ZERO,
            entries: Vec::new(),
            bytes: 0,
            places: BTreeMap::new(),
            state: State::default(),
        };
        roster.append(bytes)?;
        roster.workspace = roster.head.into();
        Ok(roster)
    }

    /// Builds a roster from all its entries, in order; compare [`Roster::workspace`] with the one that is expected.
    pub fn from_entries<B: AsRef<[u8]>>(
        entries: impl IntoIterator<Item = B>,
    ) -> Result<Self, RosterLoadError> {
        let mut roster: Option<Roster> = None;
        for (index, entry) in entries.into_iter().enumerate() {
            match &mut roster {
                None => Roster::begin(entry.as_ref()).map(|begun| roster = Some(begun)),
                Some(roster) => roster.append(entry.as_ref()),
            }
            .map_err(|source| RosterLoadError { index, source })?;
        }
        roster.ok_or(RosterLoadError {
            index: 0,
            source: RosterError::Founding,
        })
    }

    /// Takes in the next entry, or leaves the roster as it was.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), RosterError> {
        let entry = Entry::decode(bytes)?;
        let outline = BodyOutline::decode(&entry.body)?;
        if outline.min_reader > ROSTER_VERSION {
            return Err(self.newer(&entry, &outline));
        }
        let body = Body::decode(&entry.body)?;
        self.judge(&body)?;
        check_signature(&entry, body.author)?;
        if self.bytes + bytes.len() > MAX_ROSTER_BYTES {
            return Err(RosterError::Full);
        }
        let hash = entry.hash();
        self.state.apply(&body);
        self.places.insert(hash, self.entries.len());
        self.entries.push(bytes.into());
        self.bytes += bytes.len();
        self.head = hash;
        Ok(())
    }

    /// Says what is wrong with an entry of a newer version: at least that it is one, if it is true.
    fn newer(&self, entry: &Entry, outline: &BodyOutline) -> RosterError {
        let placed = self.check_place(outline.workspace, outline.previous);
        let checked = placed.and_then(|()| check_signature(entry, outline.author));
        checked.err().unwrap_or(RosterError::Newer {
            min_reader: outline.min_reader,
            reads: ROSTER_VERSION,
        })
    }

    fn check_place(&self, workspace: WorkspaceId, previous: RosterHash) -> Result<(), RosterError> {
        if workspace != self.workspace {
            return Err(RosterError::OtherWorkspace { found: workspace });
        }
        if previous != self.head {
            return Err(RosterError::NotNext {
                previous,
                head: self.head,
            });
        }
        Ok(())
    }

    /// Judges everything about a body but its signature.
    fn judge(&self, body: &Body) -> Result<(), RosterError> {
        if self.entries.len() >= MAX_ROSTER_ENTRIES {
            return Err(RosterError::Full);
        }
        self.check_place(body.workspace, body.previous)?;
        if self.entries.is_empty() != matches!(body.what, What::Found(_)) {
            return Err(RosterError::Founding);
        }
        self.state.judge(body)
    }

    /// Returns the hash of the newest entry.
    pub fn head(&self) -> RosterHash {
        self.head
    }

    /// Returns the workspace, which is the hash of the first entry.
    pub fn workspace(&self) -> WorkspaceId {
        self.workspace
    }

    /// Returns all entries as they were signed.
    pub fn entries(&self) -> &[Blob] {
        &self.entries
    }

    /// Returns the entries after one, or none when that one is not in this roster; zeros stand before the first.
    pub fn entries_after(&self, head: &RosterHash) -> Option<&[Blob]> {
        if head.is_zero() {
            return Some(&self.entries);
        }
        self.places
            .get(head)
            .map(|place| &self.entries[place + 1..])
    }

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

    /// Tells whether the key may begin a session: that of a device, revoked or not, or of an open invite.
    pub fn knows(&self, key: &SignerKey) -> bool {
        self.device(&FeedId::from(*key)).is_some()
            || self
                .invite(&InviteKey::from(*key))
                .is_some_and(InviteInfo::is_open)
    }

    /// Tells whether a device may write what continues its feed.
    pub fn may_write(&self, feed: &FeedId) -> bool {
        self.device(feed)
            .is_some_and(|device| device.standing() == Standing::Writes)
    }

    /// Returns the next code that was neither given out nor reserved.
    pub fn next_code(&self) -> Option<DeviceCode> {
        std::iter::successors(Some(DeviceCode::FOUNDER), DeviceCode::next)
            .find(|code| !self.state.codes.contains(code))
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
        // A device continues one that was there before it, so this ends.
        std::iter::successors(self.device(feed), |device| {
            self.device(device.continues.as_ref()?)
        })
        .map(|device| device.signing)
        .collect()
    }

    /// Returns the number of the newest workspace key.
    pub fn key_epoch(&self) -> u32 {
        self.state
            .checks
            .last_key_value()
            .map_or(0, |(number, _)| *number)
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

    pub(crate) fn wraps_for(&self, recipient: &SealingKey) -> &[KeptWrap] {
        self.state.wraps.get(recipient).map_or(&[], Vec::as_slice)
    }

    /// Returns who must be able to read what is written from now on: devices in good standing and open invites.
    pub(crate) fn recipients(&self) -> impl Iterator<Item = SealingKey> + '_ {
        let devices = self
            .devices()
            .filter(|d| d.revoked.is_none())
            .map(|d| d.sealing);
        let invites = self.invites().filter(|i| i.is_open()).map(|i| i.sealing);
        devices.chain(invites)
    }
}

fn check_signature(entry: &Entry, author: SignerKey) -> Result<(), RosterError> {
    verify(
        &author,
        domain::SIGN_ROSTER,
        &[entry.hash().as_bytes()],
        &entry.signature,
    )
    .map_err(|_| RosterError::Signature { author })
}

/// Refuses an entry of one's own that others would refuse for its size.
fn check_entry_size(bytes: &[u8]) -> Result<(), RosterError> {
    if bytes.len() > MAX_ROSTER_ENTRY_BYTES {
        return Err(DecodeError::TooLarge {
            what: "roster entry",
            bytes: bytes.len(),
            limit: MAX_ROSTER_ENTRY_BYTES,
        }
        .into());
    }
    Ok(())
}
