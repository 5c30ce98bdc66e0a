//! A disk that was restored or cloned: its device goes on as a new one that continues the old.
//!
//! The relay has envelopes of this device that this disk does not know, so somebody else writes to the same feed, or did.
//! This device rewinds to what both have in common, gets new keys, feed and code, and wraps what it had not sent under
//! the new feed: nothing is lost, and no place of a feed has two contents. What stands on the relay stays the old feed's.
//!
//! Each step is durable before the next, so that a death anywhere goes on: the new keys are kept beside the old ones, then
//! the roster takes the new device, then the store changes over in one transaction, then the old keys go.

use protocol::{Cut, EnvelopeHash, FeedId};
use store::{Reading, Store, Write};
use sync::client::{Input, Item};
use vault::{DeviceKeys, EnvelopeDraft, KEY_FILE_LEN, Roster, rewrap, weigh_envelope};

use super::Core;
use super::device::{
    Device, META_ACKNOWLEDGED, META_COMPARES, META_FEED, META_WENT_BACK, write_head,
};
use super::exchange::MAX_SIGNINGS;
use super::problem::Problem;
use crate::interface::Failure;

/// A device on its way to become its successor.
pub(super) struct Succession {
    keys: DeviceKeys,
    /// Where the new feed continues the old one: sequence and hash.
    common: (u64, EnvelopeHash),
    signings: u32,
}

/// Reads the file of keys: those that are in use, and those of the device that is to continue this one.
///
/// There are two while a device becomes its successor; the store knows which of them it belongs to.
pub(super) fn keys_in_use(
    source: &impl Reading,
    bytes: &[u8],
) -> Result<(DeviceKeys, Option<DeviceKeys>), Problem> {
    let (first, second) = both_keys(bytes)?;
    let Some(feed) = source.meta(META_FEED)? else {
        return Ok((first, second));
    };
    if feed == first.feed().as_bytes() {
        return Ok((first, second));
    }
    match second {
        Some(second) if feed == second.feed().as_bytes() => Ok((second, None)),
        _ => Err(Problem::WrongKeys {
            what: "the keys beside this store are those of another device",
        }),
    }
}

fn both_keys(bytes: &[u8]) -> Result<(DeviceKeys, Option<DeviceKeys>), Problem> {
    let read = |bytes: &[u8]| DeviceKeys::from_bytes(bytes).map_err(Problem::damaged);
    Ok(match bytes.split_at_checked(KEY_FILE_LEN) {
        Some((first, second)) if !second.is_empty() => (read(first)?, Some(read(second)?)),
        _ => (read(bytes)?, None),
    })
}

/// Lets a home go back to the device that its keys are of, when the store has become a successor of that one: its keys
/// were restored from an older copy, and those of the successor are gone.
///
/// Nothing is lost by it. What the successor wrote stays here as another device's, which the roster knows, and is carried
/// to the relay for it; what this home writes from now on goes out under another successor, since the older keys may be in use elsewhere.
pub(super) fn go_back_to_keys(store: &Store, bytes: &[u8]) -> Result<(), Problem> {
    let read = store.read()?;
    let Some(feed) = read.meta(META_FEED)? else {
        return Ok(());
    };
    let (first, second) = both_keys(bytes)?;
    let candidates = [second.as_ref(), Some(&first)].map(|keys| keys.map(DeviceKeys::feed));
    let is_in_use = |own: &FeedId| feed == own.as_bytes();
    if candidates.iter().flatten().any(is_in_use) {
        return Ok(());
    }
    let entries = read.roster()?;
    let (Some(feed), false) = (FeedId::from_slice(&feed), entries.is_empty()) else {
        return Ok(());
    };
    let lineage = Roster::from_entries(&entries)?.lineage(&feed);
    let older = candidates
        .iter()
        .flatten()
        .find(|own| lineage.contains(own));
    let Some(older) = older else {
        return Ok(());
    };
    drop(read);
    let write = store.write()?;
    write.set_meta(META_FEED, older.as_bytes())?;
    write.set_meta(META_ACKNOWLEDGED, &0_u64.to_be_bytes())?;
    write.set_meta(META_COMPARES, &[])?;
    let head = write.feed(older.as_bytes())?;
    let head = head.unwrap_or_else(|| write_head(0, EnvelopeHash::ZERO));
    write.set_meta(META_WENT_BACK, &head)?;
    Ok(write.commit()?)
}

impl Core {
    /// Tells whether the log has an own envelope that is not here: somebody else writes to this feed.
    pub(super) fn is_of_another_branch(&self, items: &[Item]) -> Result<bool, Problem> {
        let Some(device) = &self.device else {
            return Ok(false);
        };
        let feed = device.keys.feed();
        let read = self.store.read()?;
        for item in items {
            let Item::Own { sequence, hash, .. } = item else {
                continue;
            };
            let here = match read.envelope(feed.as_bytes(), *sequence)? {
                Some(bytes) => protocol::Envelope::decode(&bytes).map_err(Problem::damaged)?,
                None => return Ok(true),
            };
            if here.hash() != *hash {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Says from where on this device is to be continued by another, though the relay knows of no other branch.
    ///
    /// It comes from a lost branch of the roster and was accepted: what it writes from there on would be held. Or the home
    /// went back to older keys, of which another copy may be in use.
    pub(super) fn continued_at(&self) -> Option<(u64, EnvelopeHash)> {
        let device = self.device.as_ref()?;
        if self.link.succession.is_some() || !device.replica.identity().role.may_write() {
            return None;
        }
        let own = device.keys.feed();
        let accepted = device.roster.accepted().find(|cut| cut.feed == own);
        let at = accepted.map(|cut| (cut.sequence, cut.hash));
        let at = at.or(device.went_back)?;
        let is_known = at.0 <= device.head.0 && !device.roster.is_revoked(&own);
        is_known.then_some(at)
    }

    /// Becomes the successor of a device of which the relay has more than this disk, which has nothing else.
    pub(super) fn succeed_where_it_stands(&mut self) -> Result<Option<Input>, Problem> {
        match &self.device {
            Some(device) => self.begin_succession(device.head),
            None => Ok(None),
        }
    }

    /// Begins to become the successor that continues the own feed where both branches part.
    pub(super) fn begin_succession(
        &mut self,
        common: (u64, EnvelopeHash),
    ) -> Result<Option<Input>, Problem> {
        // Nobody lets in the successor of a revoked device: it is told, and what it has stays as it is.
        if let Some(revoked) = self.revocation() {
            self.hang_up();
            self.lose(revoked);
            return Ok(None);
        }
        let keys = self.successor_keys()?;
        let Some(device) = &self.device else {
            return Ok(None);
        };
        // The relay may have taken it before the program died.
        let known = device.roster.device(&keys.feed());
        let begun = known.and_then(|known| known.continues_at);
        self.link.succession = Some(Succession {
            keys,
            common: begun.map_or(common, |cut| (cut.sequence, cut.hash)),
            signings: 0,
        });
        if begun.is_some() {
            self.succeed()?;
            return Ok(None);
        }
        self.sign_succession()
    }

    /// Gives the keys of the new device: those of an attempt that was cut off, else new ones, kept beside the old.
    fn successor_keys(&mut self) -> Result<DeviceKeys, Problem> {
        let bytes = self.kept_keys()?;
        let bytes = bytes.ok_or_else(|| Problem::damaged("the device's keys are missing"))?;
        let read = self.store.read()?;
        let (old, next) = keys_in_use(&read, &bytes)?;
        if let Some(next) = next {
            return Ok(next);
        }
        let around = &mut self.around;
        let next = DeviceKeys::generate(&mut |bytes: &mut [u8]| around.fill_random(bytes));
        let both = [old.to_bytes().as_slice(), next.to_bytes().as_slice()].concat();
        self.keep(&both)?;
        Ok(next)
    }

    fn keep(&mut self, keys: &[u8]) -> Result<(), Problem> {
        self.around.keep_keys(keys).map_err(|error| {
            let reason = format!("the device's keys cannot be kept: {error}");
            Failure::new("keys", reason, Some("check the home's folder")).into()
        })
    }

    /// Signs the entry that lets the new device in.
    pub(super) fn sign_succession(&mut self) -> Result<Option<Input>, Problem> {
        let now_ms = self.around.now_ms().max(0).cast_unsigned();
        let (Some(device), Some(succession)) = (&self.device, self.link.succession.as_mut()) else {
            return Ok(None);
        };
        succession.signings += 1;
        if succession.signings > MAX_SIGNINGS {
            return Err(Problem::roster(
                "it grew each time the device that continues this one was signed in; sync again",
            ));
        }
        let cut = Cut {
            feed: device.keys.feed(),
            sequence: succession.common.0,
            hash: succession.common.1,
        };
        let around = &mut self.around;
        let mut fill = |bytes: &mut [u8]| around.fill_random(bytes);
        let entry = device
            .roster
            .sign_successor(&device.keys, cut, &succession.keys, now_ms, &mut fill)
            .map_err(Problem::roster)?;
        Ok(Some(Input::AppendRoster {
            expected_head: device.roster.head(),
            entries: vec![entry.into()],
        }))
    }

    /// Changes over to the new device, which the roster knows by now, and meets the relay as that.
    pub(super) fn succeed(&mut self) -> Result<(), Problem> {
        if !self.is_succession_taken() {
            return Ok(());
        }
        let (Some(succession), Some(device)) = (self.link.succession.take(), &self.device) else {
            return Ok(());
        };
        let write = self.store.write()?;
        change_over(device, &write, &succession)?;
        write.commit()?;
        // The file has both sets of keys until the new ones have proved themselves.
        self.load()?;
        self.keep(&succession.keys.to_bytes())?;
        self.meet_again();
        Ok(())
    }

    /// Tells whether the roster has let in the device that is to continue this one; an append may have been another's.
    pub(super) fn is_succession_taken(&self) -> bool {
        let (Some(succession), Some(device)) = (&self.link.succession, &self.device) else {
            return false;
        };
        device.roster.device(&succession.keys.feed()).is_some()
    }
}

/// Takes the end of the old feed away and wraps it again under the new one, in one transaction of the store.
fn change_over(device: &Device, write: &Write, to: &Succession) -> Result<(), Problem> {
    let (old, new) = (device.keys.feed(), to.keys.feed());
    let (mut sequence, mut previous) = (0, EnvelopeHash::ZERO);
    for at in to.common.0 + 1..=device.head.0 {
        let Some(bytes) = write.remove_envelope(old.as_bytes(), at)? else {
            return Err(Problem::damaged(format!("own envelope {at} is missing")));
        };
        // What comes after a cut does not count, but is this device's own all the same.
        let (verified, _) = weigh_envelope(&bytes, &device.roster).map_err(Problem::damaged)?;
        sequence += 1;
        let draft = EnvelopeDraft {
            workspace: device.roster.workspace(),
            sequence,
            previous,
            roster_head: device.roster.head(),
            cursor: device.cursor,
            batch: None,
        };
        let sealed = rewrap(&verified, &draft, &to.keys)?;
        write.put_envelope(new.as_bytes(), sequence, &sealed.bytes)?;
        previous = sealed.hash;
    }
    stand_at(write, &old, to.common.0, to.common.1)?;
    stand_at(write, &new, sequence, previous)?;
    write.set_meta(META_ACKNOWLEDGED, &0_u64.to_be_bytes())?;
    write.set_meta(META_FEED, new.as_bytes())?;
    // What the relay carried of the old feed so far was left for the successor, whose cursor may be past it.
    write.set_meta(META_COMPARES, &[])?;
    write.clear_meta(META_WENT_BACK)?;
    Ok(())
}

fn stand_at(
    write: &Write,
    feed: &FeedId,
    sequence: u64,
    hash: EnvelopeHash,
) -> Result<(), Problem> {
    match sequence {
        0 => write.clear_feed(feed.as_bytes())?,
        _ => write.set_feed(feed.as_bytes(), &write_head(sequence, hash))?,
    }
    Ok(())
}
