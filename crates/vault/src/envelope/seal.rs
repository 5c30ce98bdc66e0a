//! The way out: parts are sealed, the header is signed.

use protocol::{
    BatchId, Blob, Cursor, ENVELOPE_VERSION, Envelope, EnvelopeHash, Header, Part, PartHash,
    Rescued, RosterHash, WorkspaceId, domain,
    limits::{
        MAX_CHANGES_PER_PART, MAX_ENVELOPE_BYTES, MAX_FILE_BYTES, MAX_PARTS,
        MAX_PLAIN_HEADER_BYTES, MAX_TRANSACTION_BYTES,
    },
};

use super::{VerifiedEnvelope, file_bytes};
use crate::{
    DeviceKeys, Entropy, KeyName, KeyRing,
    part::{Deflater, seal_part_with},
};

/// The version of an envelope that rescues no other, and the lowest that reads it.
const PLAIN_READER: u32 = 1;

/// The version of an envelope that rescues another, and the lowest that reads it.
const RESCUE_READER: u32 = ENVELOPE_VERSION;

/// What an envelope says about its place, its parts aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvelopeDraft {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The place in the feed, from 1.
    pub sequence: u64,
    /// The envelope before it in the feed; zeros before the first.
    pub previous: EnvelopeHash,
    /// The newest roster entry that the author knows.
    pub roster_head: RosterHash,
    /// How far the author has read the relay's log.
    pub cursor: Option<Cursor>,
    /// The import or bulk edit that this belongs to.
    pub batch: Option<BatchId>,
}

/// An envelope that was sealed once and is never sealed again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedEnvelope {
    /// The envelope.
    pub envelope: Envelope,
    /// Its hash.
    pub hash: EnvelopeHash,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Says why a transaction cannot become an envelope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The ring holds no workspace key.
    #[error("this device holds no workspace key")]
    NoKey,
    /// The envelope cannot be rescued: it rescues another itself, or parts of it are missing.
    #[error("the envelope rescues another itself, or parts of it are missing")]
    NotToRescue,
    /// Something is beyond a limit of the protocol.
    #[error("{what}: {size} is more than the limit of {limit}")]
    TooMuch {
        /// What.
        what: &'static str,
        /// How many bytes or items it has.
        size: usize,
        /// How many it may have.
        limit: usize,
    },
}

fn bounded(what: &'static str, size: usize, limit: usize) -> Result<(), SealError> {
    if size > limit {
        return Err(SealError::TooMuch { what, size, limit });
    }
    Ok(())
}

/// Seals the parts under the newest key of the ring, and signs.
pub fn seal_envelope(
    draft: &EnvelopeDraft,
    parts: &[Part],
    keys: &DeviceKeys,
    ring: &KeyRing,
    entropy: &mut (impl Entropy + ?Sized),
) -> Result<SealedEnvelope, SealError> {
    let (name, key) = ring.newest().ok_or(SealError::NoKey)?;
    bounded("parts", parts.len(), MAX_PARTS)?;
    for part in parts {
        if let Part::Record { changes, .. } = part {
            bounded("changes of a part", changes.len(), MAX_CHANGES_PER_PART)?;
        }
    }
    bounded(
        "bytes of files",
        parts.iter().map(file_bytes).sum(),
        MAX_FILE_BYTES,
    )?;
    bounded(
        "bytes of a transaction",
        parts.iter().map(Part::transaction_bytes).sum(),
        MAX_TRANSACTION_BYTES,
    )?;
    let mut deflater = Deflater::new();
    let sealed = parts
        .iter()
        .map(|part| {
            seal_part_with(
                &mut deflater,
                part,
                &draft.workspace,
                name.number,
                key,
                entropy,
            )
            .into()
        })
        .collect();
    let sealed = sign_envelope(draft, name, sealed, keys)?;
    bounded(
        "bytes of an envelope",
        sealed.bytes.len(),
        MAX_ENVELOPE_BYTES,
    )?;
    Ok(sealed)
}

/// Signs parts that are sealed already; `key` names the workspace key that sealed them.
pub fn sign_envelope(
    draft: &EnvelopeDraft,
    key: KeyName,
    parts: Vec<Blob>,
    keys: &DeviceKeys,
) -> Result<SealedEnvelope, SealError> {
    bounded("parts", parts.len(), MAX_PARTS)?;
    let hashes = parts.iter().map(|part| PartHash::of(part)).collect();
    let header = draft.header(keys, key, hashes);
    Ok(sign_header(
        header,
        parts.into_iter().map(Some).collect(),
        keys,
    ))
}

/// Wraps an envelope again for the feed that continues its own: another header, the same parts.
///
/// The parts keep their sealed bytes and with them hashes, key epoch and key id; one that was erased stays erased. The
/// batch and the lowest version that may read it are those of the old envelope; the draft says all else, its own batch
/// aside. It needs no workspace key, so a device that lost a key still saves its tail. What the old one rescued is
/// rescued by the new one.
pub fn rewrap(
    old: &VerifiedEnvelope,
    draft: &EnvelopeDraft,
    keys: &DeviceKeys,
) -> Result<SealedEnvelope, SealError> {
    let before = old.header();
    let header = Header {
        workspace: before.workspace,
        batch: before.batch,
        version: before.version,
        min_reader: before.min_reader,
        rescued: before.rescued.clone(),
        // What is rescued is weighed by the roster that was known when it was.
        roster_head: match before.rescued {
            Some(_) => before.roster_head,
            None => draft.roster_head,
        },
        ..draft.header(keys, KeyName::of(before), before.parts.clone())
    };
    signed_within_bounds(header, old.envelope().parts.clone(), keys)
}

/// Wraps an envelope of another device whose place in the relay's log is taken by another branch of its feed: it goes on
/// in a feed that can take it, with its own header and signature beside the same parts.
///
/// Whoever reads it takes out the old envelope ([`Envelope::rescued`]) and does with it what he would have done had the
/// relay brought it. The draft's batch is not looked at.
pub fn rescue(
    old: &VerifiedEnvelope,
    draft: &EnvelopeDraft,
    keys: &DeviceKeys,
) -> Result<SealedEnvelope, SealError> {
    let before = old.header();
    if before.rescued.is_some() || old.envelope().parts.iter().any(Option::is_none) {
        return Err(SealError::NotToRescue);
    }
    bounded(
        "bytes of a header",
        old.envelope().header_bytes.len(),
        MAX_PLAIN_HEADER_BYTES,
    )?;
    let rescued = Rescued {
        header: old.envelope().header_bytes.clone(),
        signature: old.envelope().signature,
    };
    let parts = old.envelope().parts.clone();
    sign_rescue(
        draft,
        KeyName::of(before),
        before.parts.clone(),
        parts,
        rescued,
        keys,
    )
}

/// Signs what is said of an envelope that is rescued, without looking at it: see [`rescue`].
///
/// The hashes are those of all parts in order, also of erased ones; `key` names the workspace key that sealed them.
pub fn sign_rescue(
    draft: &EnvelopeDraft,
    key: KeyName,
    hashes: Vec<PartHash>,
    parts: Vec<Option<Blob>>,
    rescued: Rescued,
    keys: &DeviceKeys,
) -> Result<SealedEnvelope, SealError> {
    let header = Header {
        batch: None,
        version: RESCUE_READER,
        min_reader: RESCUE_READER,
        rescued: Some(rescued),
        ..draft.header(keys, key, hashes)
    };
    signed_within_bounds(header, parts, keys)
}

fn signed_within_bounds(
    header: Header,
    parts: Vec<Option<Blob>>,
    keys: &DeviceKeys,
) -> Result<SealedEnvelope, SealError> {
    let sealed = sign_header(header, parts, keys);
    bounded(
        "bytes of an envelope",
        sealed.bytes.len(),
        MAX_ENVELOPE_BYTES,
    )?;
    Ok(sealed)
}

impl EnvelopeDraft {
    fn header(&self, keys: &DeviceKeys, key: KeyName, parts: Vec<PartHash>) -> Header {
        Header {
            version: PLAIN_READER,
            min_reader: PLAIN_READER,
            workspace: self.workspace,
            feed: keys.feed(),
            sequence: self.sequence,
            previous: self.previous,
            roster_head: self.roster_head,
            cursor: self.cursor,
            batch: self.batch,
            key_epoch: key.number,
            parts,
            key_id: key.id,
            rescued: None,
        }
    }
}

fn sign_header(header: Header, parts: Vec<Option<Blob>>, keys: &DeviceKeys) -> SealedEnvelope {
    let header_bytes = header.encode();
    let hash = EnvelopeHash::of(&header_bytes);
    let envelope = Envelope {
        header_bytes: header_bytes.into(),
        header,
        signature: keys.signing.sign(domain::SIGN_ENVELOPE, &[hash.as_bytes()]),
        parts,
    };
    let bytes = envelope.encode();
    SealedEnvelope {
        envelope,
        hash,
        bytes,
    }
}
