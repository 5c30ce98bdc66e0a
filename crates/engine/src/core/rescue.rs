//! Branches of others' feeds that the relay lacks and cannot take: they go on in the feed of whoever has them.
//!
//! A relay has one envelope at each place of a feed. Where a home was copied and the log was lost, one copy may fill the
//! relay with its branch, while the other branch is left only on devices that had received it; its own home may never come
//! again. So they wrap it, envelope by envelope, under their own feeds ([`vault::rescue`]); whoever reads that takes the
//! old envelope out again and treats it as if the relay had brought it.

use std::collections::{BTreeMap, BTreeSet};

use protocol::{Cut, Envelope, EnvelopeHash, FeedId, RosterHash};
use store::{Reading, Write};
use sync::client::Compared;
use vault::{EnvelopeDraft, SealError, VerifiedEnvelope, Weight, rescue, weigh_envelope};

use super::Core;
use super::branch::{Walk, walk_back};
use super::device::{Device, META_RESCUES, read_head, write_head};
use super::problem::Problem;
use super::receive::{self, forked_name};

/// How many envelopes are looked at in one piece.
const LOOKED_AT: usize = 1_024;

/// How many bytes of envelopes are looked at in one piece.
const LOOKED_AT_BYTES: usize = 8 * 1024 * 1024;

/// The most envelopes that are rescued in one transaction of the store.
const RESCUED_AT_ONCE: usize = if cfg!(test) { 4 } else { 256 };

/// Notes where the relay has the feeds of which there are several branches here, to look later what it lacks of them.
///
/// It may have nothing of such a feed: a cut names one branch, while here the other has the feed's name.
pub(super) fn note_branches(write: &Write, compared: &Compared) -> Result<(), Problem> {
    let relay: BTreeMap<FeedId, &Cut> = compared.relay.iter().map(|cut| (cut.feed, cut)).collect();
    let mut notes = Vec::new();
    for (feed, _) in write.feeds()? {
        let feed = FeedId::from_bytes(feed);
        if write.meta(&forked_name(&feed))?.is_some() {
            notes.push(relay.get(&feed).copied().copied().unwrap_or(Cut {
                feed,
                sequence: 0,
                hash: EnvelopeHash::ZERO,
            }));
        }
    }
    set_notes(write, &notes)
}

fn set_notes(write: &Write, notes: &[Cut]) -> Result<(), Problem> {
    if notes.is_empty() {
        return Ok(write.clear_meta(META_RESCUES)?);
    }
    let mut bytes = Vec::new();
    for cut in notes {
        bytes.extend_from_slice(cut.feed.as_bytes());
        bytes.extend_from_slice(&write_head(cut.sequence, cut.hash));
    }
    Ok(write.set_meta(META_RESCUES, &bytes)?)
}

fn notes(source: &impl Reading) -> Result<Vec<Cut>, Problem> {
    let bytes = source.meta(META_RESCUES)?.unwrap_or_default();
    let note = |bytes: &[u8]| -> Option<Cut> {
        let (feed, head) = bytes.split_at_checked(32)?;
        let (sequence, hash) = read_head(head).ok()?;
        Some(Cut {
            feed: FeedId::from_slice(feed)?,
            sequence,
            hash,
        })
    };
    let damaged = || Problem::damaged("the note of branches to rescue cannot be read");
    bytes
        .chunks(32 + write_head(0, EnvelopeHash::ZERO).len())
        .map(|bytes| note(bytes).ok_or_else(damaged))
        .collect()
}

impl Core {
    /// Rescues what the relay lacks of branches, once both sides have all else; returns whether there was anything.
    pub(super) fn rescue_branches(&mut self) -> Result<bool, Problem> {
        let notes = notes(&self.store.read()?)?;
        let may_write = self.device.as_ref().is_some_and(|device| {
            let own = device.keys.feed();
            let role = device.replica.identity().role;
            role.may_write() && !device.roster.is_revoked(&own)
        });
        if notes.is_empty() || !may_write || self.check_silenced().is_err() {
            return Ok(false);
        }
        let mut rescued = 0;
        self.transact(|device, write, _, _| {
            let mut open = Vec::new();
            for end in &notes {
                let Walk::Joins { at, beyond } = walk_back(write, *end)? else {
                    // The rest of the relay's branch is still to come.
                    open.push(*end);
                    continue;
                };
                let room = RESCUED_AT_ONCE - rescued;
                let lost = lost_branches(device, write, &end.feed, at, &beyond)?;
                for one in lost.iter().take(room) {
                    append(device, write, one)?;
                }
                rescued += lost.len().min(room);
                if lost.len() > room {
                    open.push(*end);
                }
            }
            set_notes(write, &open)?;
            Ok(model::plan::Answer::default())
        })
        .map_err(Problem::from)?;
        Ok(rescued > 0)
    }
}

/// Finds the envelopes of a feed that count, are here, and are neither on the relay's branch nor rescued by anybody, in
/// their order.
///
/// The relay's branch is the one that has the feed's name here up to a sequence, and goes on with the envelopes beyond.
fn lost_branches(
    device: &mut Device,
    source: &impl Reading,
    feed: &FeedId,
    joins_at: u64,
    beyond: &BTreeSet<EnvelopeHash>,
) -> Result<Vec<VerifiedEnvelope>, Problem> {
    let mut lost = Vec::new();
    let mut rescued: BTreeSet<EnvelopeHash> = BTreeSet::new();
    let mut after = 0;
    loop {
        let piece = source.received_after(after, LOOKED_AT, LOOKED_AT_BYTES)?;
        let Some(last) = piece.last() else { break };
        after = last.order;
        for one in piece {
            let envelope = Envelope::decode(&one.bytes).map_err(Problem::damaged)?;
            let is_named_by_feed = one.key.feed == *envelope.header.feed.as_bytes();
            // A rescue on a branch that the relay may lack itself saves nothing.
            if is_named_by_feed && source.meta(&forked_name(&envelope.header.feed))?.is_none() {
                rescued.extend(
                    envelope
                        .header
                        .rescued
                        .iter()
                        .map(|old| EnvelopeHash::of(&old.header)),
                );
            }
            let is_lost = envelope.header.feed == *feed
                && envelope.header.rescued.is_none()
                && !(is_named_by_feed && one.key.sequence <= joins_at)
                && !beyond.contains(&envelope.hash());
            if is_lost
                && let Ok((verified, _)) = weigh_envelope(&one.bytes, &device.roster)
                && weigh(device, source, &verified)? == Weight::Counts
            {
                lost.push(verified);
            }
        }
    }
    lost.retain(|one| !rescued.contains(&one.hash()));
    lost.sort_by_key(|one| one.header().sequence);
    Ok(lost)
}

/// Takes an envelope that another one rescues as if the relay had brought it.
///
/// It counts for what its author might when it was rescued: a revocation that came later cuts the branch which the relay
/// has, and says nothing of this one. Who claims an older roster than he knew can do no more by it than write himself.
pub(super) fn take_out(
    device: &mut Device,
    write: &Write,
    old: &Envelope,
    as_of: RosterHash,
) -> Result<(), Problem> {
    let name = rescued_name(&old.hash());
    let known = write
        .meta(&name)?
        .and_then(|bytes| RosterHash::from_slice(&bytes));
    let is_counted = match known {
        Some(known) => device.weight_as_of(&old.cut(), known) == Weight::Counts,
        None => false,
    };
    if !is_counted {
        write.set_meta(&name, as_of.as_bytes())?;
    }
    receive::receive(device, write, &old.encode().into(), old, false)
}

/// Says what an envelope is worth, that its feed did write: by the roster, or where it was rescued by the roster that its
/// rescuer knew.
pub(super) fn weigh(
    device: &mut Device,
    source: &impl Reading,
    verified: &VerifiedEnvelope,
) -> Result<Weight, Problem> {
    let weight = verified.weight(&device.roster);
    if !matches!(weight, Weight::Revoked(_) | Weight::Silenced(_)) {
        return Ok(weight);
    }
    let as_of = source.meta(&rescued_name(&verified.hash()))?;
    Ok(
        match as_of.and_then(|bytes| RosterHash::from_slice(&bytes)) {
            Some(as_of) => device.weight_as_of(&verified.cut(), as_of),
            None => weight,
        },
    )
}

/// Names the note by which roster an envelope was rescued.
fn rescued_name(hash: &EnvelopeHash) -> String {
    format!("engine/rescued/{hash}")
}

impl Device {
    /// Weighs a place of a feed by an earlier roster; by the newest when that one is of another branch.
    fn weight_as_of(&mut self, place: &Cut, as_of: RosterHash) -> Weight {
        if self
            .earlier
            .as_ref()
            .is_none_or(|roster| roster.head() != as_of)
        {
            self.earlier = self.roster.as_of(&as_of);
        }
        match self
            .earlier
            .as_ref()
            .map(|earlier| Weight::of(place, earlier))
        {
            Some(Weight::Counts) => Weight::Counts,
            _ => Weight::of(place, &self.roster),
        }
    }
}

/// Wraps an envelope as the next one of the own feed.
fn append(device: &mut Device, write: &Write, old: &VerifiedEnvelope) -> Result<(), Problem> {
    let draft = EnvelopeDraft {
        workspace: device.roster.workspace(),
        sequence: device.head.0 + 1,
        previous: device.head.1,
        roster_head: device.roster.head(),
        cursor: device.cursor,
        batch: None,
    };
    let sealed = match rescue(old, &draft, &device.keys) {
        // With a second header it is longer than any may be; it stays where it is.
        Err(SealError::TooMuch { .. }) => return Ok(()),
        sealed => sealed?,
    };
    let feed = device.keys.feed();
    write.put_envelope(feed.as_bytes(), draft.sequence, &sealed.bytes)?;
    write.set_feed(feed.as_bytes(), &write_head(draft.sequence, sealed.hash))?;
    device.head = (draft.sequence, sealed.hash);
    Ok(())
}
