//! Taking in one envelope: it is verified, then applied, or it waits, is held, or is set aside; it is kept in each case.

use model::RecordId;
use protocol::{Blob, Envelope, EnvelopeHash, FeedId, Part};
use replica::{Applied, RecordPart, ReplicaError};
use store::{EnvelopeKey, Reading, Write};
use vault::{
    EnvelopeError, OpenError, VerifiedEnvelope, Weight, actor_prefix, open_parts, weigh_envelope,
};

use super::device::{Device, read_head, write_head};
use super::problem::Problem;
use super::rescue::{self, TakenOut};

/// Why an envelope waits or is set aside, as it is stored and shown.
pub(super) mod reason {
    pub(in crate::core) const NEW: &str = "was not tried yet";
    pub(in crate::core) const DEPENDENCY: &str = "waits for changes that have not arrived";
    pub(in crate::core) const DEATH: &str =
        "the program died three times while it applied this alone";
}

/// Takes in an envelope of somebody else.
///
/// What its device has not signed is dropped: it must not take the place of the true one.
/// One that has killed the program too often is kept and set aside.
pub(super) fn receive(
    device: &mut Device,
    write: &Write,
    bytes: &Blob,
    envelope: &Envelope,
    is_condemned: bool,
) -> Result<(), Problem> {
    let Some(key) = keep(device, write, bytes, envelope)? else {
        return Ok(());
    };
    if is_condemned {
        if continues(write, key, bytes)? {
            write.take_waiting(key)?;
            write.put_quarantine(key, reason::DEATH.as_bytes())?;
        }
        return Ok(());
    }
    retry(device, write, key)
}

/// Keeps an envelope where it belongs; says where it waits to be tried, unless it is known, held or nobody's word.
pub(super) fn keep(
    device: &mut Device,
    write: &Write,
    bytes: &Blob,
    envelope: &Envelope,
) -> Result<Option<EnvelopeKey>, Problem> {
    let mut key = EnvelopeKey {
        feed: *envelope.header.feed.as_bytes(),
        sequence: envelope.header.sequence,
    };
    match hash_at(write, key)? {
        Some(here) if here == envelope.hash() => return known(device, write, key, bytes),
        occupied => {
            // The own feed's head is this device's alone to move.
            let is_own = envelope.header.feed == device.keys.feed();
            if occupied.is_some() || is_own || is_on_branch(write, envelope)? {
                key = key_of_branch(envelope);
                if write.envelope(&key.feed, key.sequence)?.is_some() {
                    return known(device, write, key, bytes);
                }
            }
        }
    }
    let Ok((verified, _)) = weigh_envelope(bytes, &device.roster) else {
        device.forged += 1;
        return Ok(None);
    };
    let weight = rescue::weigh(device, write, &verified)?;
    if is_apart(device, &envelope.header.feed, weight) {
        hold(write, key, bytes)?;
        return Ok(None);
    }
    let note = forked_name(&envelope.header.feed);
    if key.feed != *envelope.header.feed.as_bytes() && write.meta(&note)?.is_none() {
        write.set_meta(&note, &[])?;
    }
    if is_held_as(write, key, bytes)? {
        write.take_held(key)?;
    }
    write.put_envelope(&key.feed, key.sequence, bytes)?;
    write.put_waiting(key, reason::NEW.as_bytes(), &[])?;
    Ok(Some(key))
}

/// Looks again at an envelope that is here: where it waited when its feed was cut, and so is held, it may count by now.
fn known(
    device: &mut Device,
    write: &Write,
    key: EnvelopeKey,
    bytes: &Blob,
) -> Result<Option<EnvelopeKey>, Problem> {
    if !is_held_as(write, key, bytes)? {
        return Ok(None);
    }
    let (verified, _) = weigh_envelope(bytes, &device.roster).map_err(Problem::damaged)?;
    let weight = rescue::weigh(device, write, &verified)?;
    if is_apart(device, &verified.header().feed, weight) {
        return Ok(None);
    }
    write.take_held(key)?;
    write.put_waiting(key, reason::NEW.as_bytes(), &[])?;
    Ok(Some(key))
}

fn is_held_as(source: &impl Reading, key: EnvelopeKey, bytes: &[u8]) -> Result<bool, Problem> {
    let held = source.held_envelope(key)?;
    Ok(held.is_some_and(|held| held == bytes))
}

fn hash_at(source: &impl Reading, key: EnvelopeKey) -> Result<Option<EnvelopeHash>, Problem> {
    let Some(bytes) = source.envelope(&key.feed, key.sequence)? else {
        return Ok(None);
    };
    let envelope = Envelope::decode(&bytes).map_err(Problem::damaged)?;
    Ok(Some(envelope.hash()))
}

/// Tells whether an envelope follows another than the one that is here at the place before its own.
fn is_on_branch(source: &impl Reading, envelope: &Envelope) -> Result<bool, Problem> {
    let header = &envelope.header;
    let Some(before) = header.sequence.checked_sub(1).filter(|before| *before > 0) else {
        return Ok(false);
    };
    let here = EnvelopeKey {
        feed: *header.feed.as_bytes(),
        sequence: before,
    };
    let on_branch = source.envelope(header.previous.as_bytes(), before)?;
    Ok(on_branch.is_some() || hash_at(source, here)?.is_some_and(|hash| hash != header.previous))
}

/// Names an envelope of a feed that has another one at this place: its device was cloned, and both branches count.
///
/// The branch that came first keeps the feed's name here. What another one holds is kept and applied all the same, since
/// other work may build on it; the device that made it will send it again under a feed of its own.
fn key_of_branch(envelope: &Envelope) -> EnvelopeKey {
    EnvelopeKey {
        feed: *envelope.hash().as_bytes(),
        sequence: envelope.header.sequence,
    }
}

/// Gives the names of their branch to envelopes of a feed that came before those which they follow, and so wait at places
/// of the feed's own branch; returns whether there were any.
pub(super) fn name_by_branch(write: &Write, feed: &FeedId) -> Result<bool, Problem> {
    let mut is_any = false;
    for (key, _) in write.waiting()? {
        if key.feed != *feed.as_bytes() {
            continue;
        }
        let Some(bytes) = write.envelope(&key.feed, key.sequence)? else {
            continue;
        };
        let envelope = Envelope::decode(&bytes).map_err(Problem::damaged)?;
        if !is_on_branch(write, &envelope)? {
            continue;
        }
        let named = key_of_branch(&envelope);
        write.take_waiting(key)?;
        write.remove_envelope(&key.feed, key.sequence)?;
        write.put_envelope(&named.feed, named.sequence, &bytes)?;
        write.put_waiting(named, reason::NEW.as_bytes(), &[])?;
        is_any = true;
    }
    Ok(is_any)
}

/// Names the note that a feed has two branches.
pub(super) fn forked_name(feed: &FeedId) -> String {
    format!("engine/forked/{feed}")
}

/// Tells whether an envelope is to be kept apart until an admin has decided; what this device wrote itself is here anyway.
fn is_apart(device: &Device, feed: &FeedId, weight: Weight) -> bool {
    weight.is_held() && *feed != device.keys.feed()
}

/// Keeps an envelope apart: it is not applied, and its feed's head does not move; the first one at a place stays.
pub(super) fn hold(write: &Write, key: EnvelopeKey, bytes: &[u8]) -> Result<(), Problem> {
    if write.held_envelope(key)?.is_none() {
        write.put_held(key, bytes)?;
    }
    Ok(())
}

/// Tries an envelope that waits, and then all that waited for what it brought.
pub(super) fn retry(device: &mut Device, write: &Write, key: EnvelopeKey) -> Result<(), Problem> {
    let mut open = vec![key];
    while let Some(key) = open.pop() {
        if write.waiting_reason(key)?.is_none() {
            continue;
        }
        let Some(bytes) = write.envelope(&key.feed, key.sequence)? else {
            continue;
        };
        // The roster may have cut the feed since; what has moved the head already is only held back here.
        if let Ok((verified, _)) = weigh_envelope(&bytes, &device.roster)
            && let weight = rescue::weigh(device, write, &verified)?
            && is_apart(device, &FeedId::from_bytes(key.feed), weight)
        {
            write.take_waiting(key)?;
            hold(write, key, &bytes)?;
            continue;
        }
        if !continues(write, key, &bytes)? {
            continue;
        }
        write.take_waiting(key)?;
        open.extend(attempt(device, write, key, &bytes)?);
        // What follows in the feed may have come before.
        open.push(EnvelopeKey {
            sequence: key.sequence + 1,
            ..key
        });
    }
    Ok(())
}

/// Moves the head of a feed on to an envelope, unless it is there already; false when the envelope does not follow.
fn continues(write: &Write, key: EnvelopeKey, bytes: &[u8]) -> Result<bool, Problem> {
    let (sequence, hash) = match write.feed(&key.feed)? {
        Some(bytes) => read_head(&bytes)?,
        None => (0, EnvelopeHash::ZERO),
    };
    if key.sequence <= sequence {
        return Ok(true);
    }
    let envelope = Envelope::decode(bytes).map_err(Problem::damaged)?;
    if key.feed != *envelope.header.feed.as_bytes() {
        // Of another branch of its feed, where nothing says how far that goes.
        return Ok(true);
    }
    if key.sequence == sequence + 1 && envelope.header.previous == hash {
        write.set_feed(&key.feed, &write_head(key.sequence, envelope.hash()))?;
        return Ok(true);
    }
    let why = format!("follows no envelope that is here: its feed stands at {sequence}");
    write.put_waiting(key, why.as_bytes(), &[])?;
    Ok(false)
}

/// Verifies, opens and applies an envelope; returns the envelopes that waited for what it brought.
fn attempt(
    device: &mut Device,
    write: &Write,
    key: EnvelopeKey,
    bytes: &[u8],
) -> Result<Vec<EnvelopeKey>, Problem> {
    let waits = |why: &str| write.put_waiting(key, why.as_bytes(), &[]);
    let set_aside = |why: &str| write.put_quarantine(key, why.as_bytes());
    let (verified, weight) = match weigh_envelope(bytes, &device.roster) {
        Ok(weighed) => weighed,
        Err(error) => return Ok(set_aside(&error.to_string()).map(|()| Vec::new())?),
    };
    let feed = verified.header().feed;
    let not_yet = match (weight, verified.newer()) {
        (Weight::Unknown, _) => Some(EnvelopeError::UnknownDevice { feed }),
        (_, Some(min_reader)) => Some(EnvelopeError::Newer { min_reader }),
        _ => None,
    };
    if let Some(error) = not_yet {
        return Ok(waits(&error.to_string()).map(|()| Vec::new())?);
    }
    match verified.envelope().rescued() {
        Ok(None) => {}
        Ok(Some(old)) => match rescue::take_out(device, write, &verified, &old)? {
            TakenOut::Kept(old) => return Ok(old.into_iter().collect()),
            TakenOut::Waits(why) => return Ok(waits(&why).map(|()| Vec::new())?),
        },
        Err(error) => return Ok(set_aside(&error.to_string()).map(|()| Vec::new())?),
    }
    let parts = match open_parts(&verified, &device.ring) {
        Ok(parts) => parts,
        Err(error @ OpenError::MissingKey { .. }) => {
            return Ok(waits(&error.to_string()).map(|()| Vec::new())?);
        }
        Err(error) => return Ok(set_aside(&error.to_string()).map(|()| Vec::new())?),
    };
    match apply(device, write, &verified, parts) {
        Ok(Applied::Done {
            operations,
            changes,
        }) => {
            if let Some(batch) = verified.header().batch {
                for operation in operations {
                    write.put_batch(batch.as_bytes(), operation.as_bytes())?;
                }
            }
            let mut waiting = Vec::new();
            for (record, hash) in changes {
                waiting.extend(write.waiting_for(record.as_bytes(), &hash)?);
            }
            #[cfg(feature = "sabotage")]
            if !waiting.is_empty() && sabotage::is(sabotage::Break::WaitingForgotten) {
                return Ok(Vec::new());
            }
            return Ok(waiting);
        }
        Ok(Applied::Waits(missing)) => {
            let missing: Vec<([u8; 16], [u8; 32])> = missing
                .into_iter()
                .map(|(record, hash)| (*record.as_bytes(), hash))
                .collect();
            write.put_waiting(key, reason::DEPENDENCY.as_bytes(), &missing)?;
        }
        Ok(Applied::Rejected { record, reason }) => {
            set_aside(&format!("record {}: {reason}", record.short()))?
        }
        Ok(Applied::TooManyOperations) => set_aside("more operations than an envelope may hold")?,
        // One document that fails must not hold up all others.
        Err(ReplicaError::Document(error)) => set_aside(&error.to_string())?,
        Err(error) => return Err(error.into()),
    }
    Ok(Vec::new())
}

/// Applies the records of an envelope, and keeps its files once they are.
fn apply(
    device: &mut Device,
    write: &Write,
    verified: &VerifiedEnvelope,
    parts: Vec<Part>,
) -> Result<Applied, ReplicaError> {
    let mut records = Vec::new();
    let mut files = Vec::new();
    for part in parts {
        match part {
            Part::Record { record, changes } => records.push(RecordPart {
                record: RecordId::from_bytes(*record.as_bytes()),
                changes: changes.iter().map(|change| change.to_vec()).collect(),
            }),
            Part::File { hash, bytes } => files.push((hash, bytes)),
        }
    }
    let feed = verified.header().feed;
    let prefixes: Vec<[u8; 12]> = device
        .roster
        .lineage(&feed)
        .iter()
        .map(actor_prefix)
        .collect();
    let applied = device.replica.apply(write, &records, &prefixes)?;
    if matches!(applied, Applied::Done { .. }) {
        for (hash, bytes) in files {
            write.put_file(hash.as_bytes(), &bytes)?;
        }
    }
    Ok(applied)
}
