//! Branches of others' feeds that the relay lacks and cannot take: they go on in the feed of whoever has them.
//!
//! A relay has one envelope at each place of a feed. Where a home was copied and the log was lost, one copy may fill the
//! relay with its branch, while the other branch is left only on devices that had received it; its own home may never come
//! again. So they wrap it, envelope by envelope, under their own feeds ([`vault::rescue`]); whoever reads that takes the
//! old envelope out again and treats it as if the relay had brought it.

use std::collections::BTreeMap;

use protocol::{Blob, Cut, Envelope, EnvelopeHash, FeedId, RosterHash};
use store::{EnvelopeKey, Reading, Write};
use sync::client::Compared;
use vault::{
    EnvelopeDraft, EnvelopeError, SealError, VerifiedEnvelope, Weight, rescue, weigh_envelope,
};

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

/// What is to be looked at once both sides have all else.
#[derive(Debug, PartialEq, Eq)]
struct Notes {
    /// The order of what was received last when both compared: all later things are from the relay, or go to it anyway.
    received: u64,
    /// Where the relay had the feeds of which there are several branches here.
    ends: Vec<Cut>,
}

/// An envelope that may have to be rescued.
struct Candidate {
    key: EnvelopeKey,
    sequence: u64,
    hash: EnvelopeHash,
}

/// What became of an envelope that another one rescues.
pub(super) enum TakenOut {
    /// It is kept; where it waits to be tried, if it does.
    Kept(Option<EnvelopeKey>),
    /// Nothing can be said of it yet, and so it stays in the other one.
    Waits(String),
}

/// Notes where the relay has the feeds of which there are several branches here, to look later what it lacks of them.
///
/// It may have nothing of such a feed: a cut names one branch, while here the other has the feed's name.
pub(super) fn note_branches(write: &Write, compared: &Compared) -> Result<(), Problem> {
    let relay: BTreeMap<FeedId, &Cut> = compared.relay.iter().map(|cut| (cut.feed, cut)).collect();
    let mut ends = Vec::new();
    for (feed, _) in write.feeds()? {
        let feed = FeedId::from_bytes(feed);
        if write.meta(&forked_name(&feed))?.is_some() {
            ends.push(relay.get(&feed).copied().copied().unwrap_or(Cut {
                feed,
                sequence: 0,
                hash: EnvelopeHash::ZERO,
            }));
        }
    }
    let received = write.last_received()?;
    set_notes(write, &Notes { received, ends })
}

fn set_notes(write: &Write, notes: &Notes) -> Result<(), Problem> {
    if notes.ends.is_empty() {
        return Ok(write.clear_meta(META_RESCUES)?);
    }
    let mut bytes = notes.received.to_be_bytes().to_vec();
    for cut in &notes.ends {
        bytes.extend_from_slice(cut.feed.as_bytes());
        bytes.extend_from_slice(&write_head(cut.sequence, cut.hash));
    }
    Ok(write.set_meta(META_RESCUES, &bytes)?)
}

fn notes(source: &impl Reading) -> Result<Option<Notes>, Problem> {
    let Some(bytes) = source.meta(META_RESCUES)? else {
        return Ok(None);
    };
    let end = |bytes: &[u8]| -> Option<Cut> {
        let (feed, head) = bytes.split_at_checked(32)?;
        let (sequence, hash) = read_head(head).ok()?;
        Some(Cut {
            feed: FeedId::from_slice(feed)?,
            sequence,
            hash,
        })
    };
    let read = |bytes: &[u8]| -> Option<Notes> {
        let (received, ends) = bytes.split_first_chunk::<8>()?;
        let length = 32 + write_head(0, EnvelopeHash::ZERO).len();
        Some(Notes {
            received: u64::from_be_bytes(*received),
            ends: ends.chunks(length).map(end).collect::<Option<_>>()?,
        })
    };
    let damaged = || Problem::damaged("the note of branches to rescue cannot be read");
    read(&bytes).map(Some).ok_or_else(damaged)
}

impl Core {
    /// Rescues what the relay lacks of branches, once both sides have all else; returns whether there was anything.
    pub(super) fn rescue_branches(&mut self) -> Result<bool, Problem> {
        let read = self.store.read()?;
        let Some(mut notes) = notes(&read)? else {
            return Ok(false);
        };
        let Some(device) = &self.device else {
            return Ok(false);
        };
        let own = device.keys.feed();
        let may_write =
            device.replica.identity().role.may_write() && !device.roster.is_revoked(&own);
        if !may_write || self.check_silenced().is_err() {
            return Ok(false);
        }
        let (lost, open) = lost_branches(&read, &own, &notes)?;
        drop(read);
        if lost.is_empty() && open == notes.ends {
            return Ok(false);
        }
        let head = device.head;
        self.transact(|device, write, _, _| {
            let mut rescued = 0;
            for one in &lost {
                if rescued == RESCUED_AT_ONCE {
                    break;
                }
                rescued += usize::from(append(device, write, one)?);
            }
            // What is left after this is found when all of it has been sent.
            if rescued == 0 {
                notes.ends = open;
                set_notes(write, &notes)?;
            }
            Ok(model::plan::Answer::default())
        })
        .map_err(Problem::from)?;
        Ok(self
            .device
            .as_ref()
            .is_some_and(|device| device.head != head))
    }
}

/// Finds the envelopes that are here, and neither on the relay's branch of their feed nor rescued already, in the order of
/// their feeds; and the notes for which more of the relay's branch is still to come.
fn lost_branches(
    source: &impl Reading,
    own: &FeedId,
    notes: &Notes,
) -> Result<(Vec<Candidate>, Vec<Cut>), Problem> {
    let (mut branches, mut open) = (BTreeMap::new(), Vec::new());
    for end in &notes.ends {
        match walk_back(source, *end)? {
            Walk::Joins { at, beyond } => drop(branches.insert(end.feed, (at, beyond))),
            Walk::Lacks(_) => open.push(*end),
        }
    }
    if branches.is_empty() {
        return Ok((Vec::new(), open));
    }
    let mut lost: Vec<Candidate> = Vec::new();
    let mut rescues: BTreeMap<EnvelopeHash, Vec<EnvelopeKey>> = BTreeMap::new();
    let mut after = 0;
    loop {
        let piece = source.received_after(after, LOOKED_AT, LOOKED_AT_BYTES)?;
        let Some(last) = piece.last() else { break };
        after = last.order;
        for one in piece {
            let envelope = Envelope::decode(&one.bytes).map_err(Problem::damaged)?;
            let header = &envelope.header;
            let is_named_by_feed = one.key.feed == *header.feed.as_bytes();
            if let Some(rescued) = &header.rescued {
                // One that stands on a branch which the relay may lack itself saves nothing.
                let is_there =
                    header.feed == *own || source.meta(&forked_name(&header.feed))?.is_none();
                if is_named_by_feed && is_there {
                    let old = EnvelopeHash::of(&rescued.header);
                    rescues.entry(old).or_default().push(one.key);
                }
                continue;
            }
            let Some((joins_at, beyond)) = branches.get(&header.feed) else {
                continue;
            };
            let hash = envelope.hash();
            let is_there = is_named_by_feed && one.key.sequence <= *joins_at;
            if one.order <= notes.received && !is_there && !beyond.contains(&hash) {
                lost.push(Candidate {
                    key: one.key,
                    sequence: header.sequence,
                    hash,
                });
            }
        }
    }
    let mut left = Vec::new();
    for one in lost {
        let by = rescues.get(&one.hash).map_or(&[][..], Vec::as_slice);
        if !is_rescued(source, &one, by)? {
            left.push(one);
        }
    }
    left.sort_by_key(|one| one.sequence);
    Ok((left, open))
}

/// Tells whether one of the envelopes that claim to rescue another one does: with its signature and all of its parts.
fn is_rescued(source: &impl Reading, one: &Candidate, by: &[EnvelopeKey]) -> Result<bool, Problem> {
    if by.is_empty() {
        return Ok(false);
    }
    let read = |key: &EnvelopeKey| -> Result<Option<Envelope>, Problem> {
        let bytes = source.envelope(&key.feed, key.sequence)?;
        let envelope = bytes.map(|bytes| Envelope::decode(&bytes)).transpose();
        envelope.map_err(Problem::damaged)
    };
    let old = read(&one.key)?;
    for key in by {
        let outer = read(key)?;
        if old.is_some() && outer.and_then(|outer| outer.rescued().ok().flatten()) == old {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Wraps an envelope as the next one of the own feed, if it counts and can be; returns whether it did.
fn append(device: &mut Device, write: &Write, one: &Candidate) -> Result<bool, Problem> {
    let Some(bytes) = write.envelope(&one.key.feed, one.key.sequence)? else {
        return Ok(false);
    };
    let Ok((old, _)) = weigh_envelope(&bytes, &device.roster) else {
        return Ok(false);
    };
    if weigh(device, write, &old)? != Weight::Counts {
        return Ok(false);
    }
    // What another has rescued before stays weighed as he did.
    let name = rescued_name(&one.hash);
    let noted = write
        .meta(&name)?
        .and_then(|bytes| RosterHash::from_slice(&bytes));
    let roster_head = noted.unwrap_or_else(|| device.roster.head());
    let draft = EnvelopeDraft {
        workspace: device.roster.workspace(),
        sequence: device.head.0 + 1,
        previous: device.head.1,
        roster_head,
        cursor: device.cursor,
        batch: None,
    };
    let sealed = match rescue(&old, &draft, &device.keys) {
        // With a second header it is longer than any may be, or it is not whole; it stays where it is.
        Err(SealError::TooMuch { .. } | SealError::NotToRescue) => return Ok(false),
        sealed => sealed?,
    };
    let feed = device.keys.feed();
    write.put_envelope(feed.as_bytes(), draft.sequence, &sealed.bytes)?;
    write.set_feed(feed.as_bytes(), &write_head(draft.sequence, sealed.hash))?;
    write.set_meta(&name, roster_head.as_bytes())?;
    device.head = (draft.sequence, sealed.hash);
    Ok(true)
}

/// Takes an envelope that another one rescues as if the relay had brought it, but for trying it.
///
/// It counts for what its author might when it was rescued: a revocation that came later cuts the branch which the relay
/// has, and says nothing of this one. Who claims an older roster than he knew can do no more by it than write himself.
pub(super) fn take_out(
    device: &mut Device,
    write: &Write,
    by: &VerifiedEnvelope,
    old: &Envelope,
) -> Result<TakenOut, Problem> {
    let bytes: Blob = old.encode().into();
    let Ok((verified, weight)) = weigh_envelope(&bytes, &device.roster) else {
        device.forged += 1;
        return Ok(TakenOut::Kept(None));
    };
    if weight == Weight::Unknown {
        let error = EnvelopeError::UnknownDevice {
            feed: old.header.feed,
        };
        return Ok(TakenOut::Waits(error.to_string()));
    }
    let name = rescued_name(&verified.hash());
    let known = write
        .meta(&name)?
        .and_then(|bytes| RosterHash::from_slice(&bytes));
    let is_good = known.is_some_and(|known| {
        device.roster.entries_after(&known).is_some()
            && device.weight_as_of(&verified.cut(), known) == Weight::Counts
    });
    if !is_good {
        write.set_meta(&name, by.header().roster_head.as_bytes())?;
    }
    receive::keep(device, write, &bytes, old).map(TakenOut::Kept)
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
