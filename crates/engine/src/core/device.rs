//! What a home holds once it belongs to a workspace: keys, roster, replica, and where the own feed stands.

use model::{Author, RecordId, Role};
use protocol::{Blob, Cursor, Cut, EnvelopeHash, FeedId, RosterHash};
use replica::{Identity, Replica};
use store::{LostBranch, Reading, Write};
use vault::{DeviceInfo, DeviceKeys, KeyRing, Lost, RelayOrigin, Roster, Standing, actor_prefix};

use super::problem::Problem;

/// The relay's origin.
pub(super) const META_RELAY: &str = "engine/relay";
/// How far the relay's log is applied, in the protocol's encoding.
pub(super) const META_CURSOR: &str = "engine/cursor";
/// Up to which sequence the relay has the own feed durably, 8 bytes.
pub(super) const META_ACKNOWLEDGED: &str = "engine/acknowledged";
/// When both sides last had all, in ms since 1970, 8 bytes.
pub(super) const META_COMPLETE: &str = "engine/complete-ms";
/// The version of the program that last opened the store.
pub(super) const META_VERSION: &str = "engine/version";
/// The key of the invite by which this home is joining a workspace.
pub(super) const META_JOINING: &str = "engine/joining";
/// The envelope that is being tried again: feed and sequence.
pub(super) const META_RETRYING: &str = "engine/retrying";
/// The own feed, where the device continues another and so has other keys than it began with.
pub(super) const META_FEED: &str = "engine/feed";
/// Where the own feed stood when the home went back to older keys than the store had, as [`write_head`] writes it.
pub(super) const META_WENT_BACK: &str = "engine/went-back";
/// Set while there are envelopes of others here that the relay may lack though its log goes on: heads are compared once.
pub(super) const META_COMPARES: &str = "engine/compares";
/// Where the relay has the feeds of which it may lack branches that are here: see [`super::rescue`].
pub(super) const META_RESCUES: &str = "engine/rescues";
/// Set while a workspace is being founded here, before its keys are made.
pub(super) const META_FOUNDING: &str = "engine/founding";
/// The batch that is being applied, see [`super::apply::Trying`].
pub(super) const META_TRYING: &str = "engine/trying";

/// This device in its workspace.
pub(super) struct Device {
    pub(super) keys: DeviceKeys,
    pub(super) roster: Roster,
    pub(super) ring: KeyRing,
    pub(super) replica: Replica,
    pub(super) relay: Option<RelayOrigin>,
    pub(super) cursor: Option<Cursor>,
    pub(super) head: (u64, EnvelopeHash),
    pub(super) acknowledged: u64,
    pub(super) complete_ms: Option<i64>,
    /// Where the own feed stood when the home went back to older keys: it goes on as a new device that continues there.
    pub(super) went_back: Option<(u64, EnvelopeHash)>,
    /// How many envelopes with false signatures came since the program started; they were dropped.
    pub(super) forged: u64,
    /// The roster as it was, by which an envelope was weighed last; see [`super::rescue`].
    pub(super) earlier: Option<Roster>,
    incarnation: [u8; 8],
}

impl Device {
    /// Loads the device of a store; none while the store belongs to no workspace.
    pub(super) fn load(
        read: &impl Reading,
        keys: DeviceKeys,
        incarnation: [u8; 8],
    ) -> Result<Option<Self>, Problem> {
        let entries = read.roster()?;
        if entries.is_empty() {
            return Ok(None);
        }
        let mut roster = Roster::from_entries(&entries)?;
        for lost in read.lost_branches()? {
            roster.restore_lost(lost.parted_at as usize, &lost.entries)?;
        }
        #[cfg(feature = "sabotage")]
        let incarnation = match sabotage::is(sabotage::Break::ActorKept) {
            true => [0; 8],
            false => incarnation,
        };
        let ring = ring_of(&roster, &keys);
        let identity = identity(&roster, &keys, incarnation)?;
        let replica = Replica::open(read, identity, members(&roster))?;
        let relay = match read.meta(META_RELAY)? {
            Some(bytes) => RelayOrigin::parse(&String::from_utf8_lossy(&bytes))
                .map(Some)
                .map_err(Problem::damaged)?,
            None => None,
        };
        let cursor = match read.meta(META_CURSOR)? {
            Some(bytes) => Some(
                protocol::canonical::decode_canonical("cursor", bytes.len(), &bytes)
                    .map_err(Problem::damaged)?,
            ),
            None => None,
        };
        let head = match read.feed(keys.feed().as_bytes())? {
            Some(bytes) => read_head(&bytes)?,
            None => (0, EnvelopeHash::ZERO),
        };
        let acknowledged = read
            .meta(META_ACKNOWLEDGED)?
            .and_then(|bytes| number(&bytes))
            .unwrap_or(0);
        let complete_ms = read
            .meta(META_COMPLETE)?
            .and_then(|bytes| number(&bytes))
            .map(u64::cast_signed);
        let went_back = match read.meta(META_WENT_BACK)? {
            Some(bytes) => Some(read_head(&bytes)?),
            None => None,
        };
        Ok(Some(Self {
            keys,
            roster,
            ring,
            replica,
            relay,
            cursor,
            head,
            acknowledged,
            complete_ms,
            went_back,
            forged: 0,
            earlier: None,
            incarnation,
        }))
    }

    /// Returns what to bring a relay that ends within this roster; `entries` are the last that it has.
    pub(super) fn relay_lacks_roster(&self, entries: &[Blob]) -> Option<sync::client::Input> {
        let last = protocol::Entry::decode(entries.last()?).ok()?;
        let rest = self.roster.entries_after(&last.hash())?;
        (!rest.is_empty()).then(|| sync::client::Input::BringRoster {
            entries: rest.to_vec(),
        })
    }

    /// Takes new roster entries in, in memory and in the store; the head they follow must be the known one.
    ///
    /// Entries that are here already are skipped. Returns whether anything was new.
    pub(super) fn take_roster(&mut self, write: &Write, entries: &[Blob]) -> Result<bool, Problem> {
        let known: std::collections::BTreeSet<RosterHash> = self.known_entries();
        let mut roster = self.roster.clone();
        let mut is_new = false;
        for entry in entries {
            if let Ok(decoded) = protocol::Entry::decode(entry)
                && known.contains(&RosterHash::of(&decoded.body))
            {
                continue;
            }
            roster.append(entry).map_err(Problem::roster)?;
            write.append_roster(entry)?;
            is_new = true;
        }
        if is_new {
            self.use_roster(roster)?;
        }
        Ok(is_new)
    }

    /// Brings in another branch of the roster, in memory and in the store; returns whether anything changed.
    pub(super) fn meet_roster(&mut self, write: &Write, theirs: Roster) -> Result<bool, Problem> {
        let before: Vec<RosterHash> = self.roster.heads().collect();
        let mut roster = self.roster.clone();
        roster.meet(theirs).map_err(Problem::roster)?;
        if roster.heads().eq(before) {
            // It may have been one too many.
            self.roster = roster;
            return Ok(false);
        }
        let entries: Vec<Vec<u8>> = roster.entries().iter().map(|one| one.to_vec()).collect();
        write.replace_roster(&entries)?;
        let lost: Vec<LostBranch> = roster.lost().iter().map(stored).collect();
        write.replace_lost_branches(&lost)?;
        self.use_roster(roster)?;
        Ok(true)
    }

    fn use_roster(&mut self, roster: Roster) -> Result<(), Problem> {
        self.roster = roster;
        self.earlier = None;
        if self.roster.is_revoked(&self.keys.feed()) {
            self.ring = KeyRing::default();
        } else {
            self.ring.update(&self.roster, &self.keys.sealing);
        }
        let identity = identity(&self.roster, &self.keys, self.incarnation)?;
        self.replica.set_identity(identity, members(&self.roster));
        Ok(())
    }

    /// Returns the last place of a feed that counts; none while all of it does.
    pub(super) fn cut_of(&self, feed: &FeedId) -> Option<Cut> {
        match self.roster.standing(feed)? {
            Standing::Writes => None,
            Standing::Silenced(cut) | Standing::Revoked(cut) => Some(cut),
        }
    }

    /// Counts the transactions of this device that do not count until an admin accepts them.
    pub(super) fn own_held(&self) -> u64 {
        let cut = self.cut_of(&self.keys.feed());
        cut.map_or(0, |cut| self.head.0.saturating_sub(cut.sequence))
    }

    /// Tells whether this device belongs to somebody who administers the workspace.
    pub(super) fn is_admin(&self) -> bool {
        let is_revoked = self.roster.is_revoked(&self.keys.feed());
        !is_revoked && self.replica.identity().role.may_administer()
    }

    /// Gives what the roster, or a lost branch of it, says of a device.
    pub(super) fn info(&self, feed: &FeedId) -> Option<&DeviceInfo> {
        let known = self.roster.device(feed);
        known.or_else(|| self.roster.held_device(feed))
    }

    fn known_entries(&self) -> std::collections::BTreeSet<RosterHash> {
        let entries = self.roster.entries().iter();
        entries
            .filter_map(|entry| Some(RosterHash::of(&protocol::Entry::decode(entry).ok()?.body)))
            .collect()
    }

    /// Counts the transactions that are only on this device.
    pub(super) fn only_here(&self) -> u64 {
        self.head.0.saturating_sub(self.acknowledged)
    }

    /// Gives the code of a device, empty while it is not in the roster.
    pub(super) fn code_of(&self, feed: &FeedId) -> String {
        self.info(feed)
            .map(|device| device.code.as_str().to_owned())
            .unwrap_or_default()
    }
}

impl replica::query::Devices for Device {
    fn code(&self, author: Author) -> String {
        let feed = self.roster.feed_by_actor_prefix(author.as_bytes());
        feed.map(|feed| self.code_of(&feed)).unwrap_or_default()
    }
}

/// Opens the workspace keys of a device; one that is revoked reads nothing any more.
fn ring_of(roster: &Roster, keys: &DeviceKeys) -> KeyRing {
    if roster.is_revoked(&keys.feed()) {
        return KeyRing::default();
    }
    KeyRing::open(roster, &keys.sealing)
}

/// Makes a lost branch as it is stored.
fn stored(lost: &Lost) -> LostBranch {
    let entries = lost.own_entries().iter();
    LostBranch {
        parted_at: u32::try_from(lost.parted_at()).unwrap_or(u32::MAX),
        entries: entries.map(|entry| entry.to_vec()).collect(),
    }
}

/// Says who the device is, as the roster knows it.
pub(super) fn identity(
    roster: &Roster,
    keys: &DeviceKeys,
    incarnation: [u8; 8],
) -> Result<Identity, Problem> {
    let feed = keys.feed();
    let known = roster.device(&feed).or_else(|| roster.held_device(&feed));
    let device = known.ok_or({
        Problem::WrongKeys {
            what: "the keys beside this store are not those of a device of its workspace",
        }
    })?;
    let mut actor = [0; 20];
    actor[..12].copy_from_slice(&actor_prefix(&feed));
    actor[12..].copy_from_slice(&incarnation);
    Ok(Identity {
        workspace: *roster.workspace().as_bytes(),
        member: RecordId::from_bytes(*device.member.as_bytes()),
        role: role(device.role),
        code: device.code.as_str().to_owned(),
        actor,
    })
}

/// Says which member each device belongs to.
pub(super) fn members(roster: &Roster) -> Vec<(Author, RecordId)> {
    roster
        .devices()
        .chain(roster.held_devices())
        .map(|device| {
            let author = Author::from_bytes(actor_prefix(&device.signing));
            (author, RecordId::from_bytes(*device.member.as_bytes()))
        })
        .collect()
}

/// Gives the role in the words of the domain.
pub(super) fn role(role: protocol::Role) -> Role {
    match role {
        protocol::Role::Owner => Role::Owner,
        protocol::Role::Admin => Role::Admin,
        protocol::Role::Member => Role::Member,
        protocol::Role::Guest => Role::Guest,
    }
}

/// Gives the role in the words of the roster.
pub(super) fn roster_role(role: Role) -> protocol::Role {
    match role {
        Role::Owner => protocol::Role::Owner,
        Role::Admin => protocol::Role::Admin,
        Role::Member => protocol::Role::Member,
        Role::Guest => protocol::Role::Guest,
    }
}

/// Writes where a feed stands: sequence and hash.
pub(super) fn write_head(sequence: u64, hash: EnvelopeHash) -> Vec<u8> {
    [sequence.to_be_bytes().as_slice(), hash.as_bytes()].concat()
}

/// Reads where a feed stands.
pub(super) fn read_head(bytes: &[u8]) -> Result<(u64, EnvelopeHash), Problem> {
    let wrong = || Problem::damaged("the head of a feed has another length than 40 bytes");
    let (sequence, hash) = bytes.split_first_chunk::<8>().ok_or_else(wrong)?;
    Ok((
        u64::from_be_bytes(*sequence),
        EnvelopeHash::from_slice(hash).ok_or_else(wrong)?,
    ))
}

/// Reads a stored number of 8 bytes.
pub(super) fn number(bytes: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(bytes.try_into().ok()?))
}
