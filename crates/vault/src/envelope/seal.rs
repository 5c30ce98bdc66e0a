//! The way out: parts are sealed, the header is signed.

use protocol::{
    BatchId, Blob, Cursor, ENVELOPE_VERSION, Envelope, EnvelopeHash, Header, Part, PartHash,
    RosterHash, WorkspaceId, domain,
    limits::{
        MAX_CHANGES_PER_PART, MAX_ENVELOPE_BYTES, MAX_FILE_BYTES, MAX_PARTS, MAX_TRANSACTION_BYTES,
    },
};

use super::{VerifiedEnvelope, file_bytes};
use crate::{
    DeviceKeys, Entropy, KeyName, KeyRing,
    part::{Deflater, seal_part_with},
};

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
/// aside. It needs no workspace key, so a device that lost a key still saves its tail.
pub fn rewrap(
    old: &VerifiedEnvelope,
    draft: &EnvelopeDraft,
    keys: &DeviceKeys,
) -> Result<SealedEnvelope, SealError> {
    let before = old.header();
    let header = Header {
        workspace: before.workspace,
        batch: before.batch,
        min_reader: before.min_reader.max(ENVELOPE_VERSION),
        ..draft.header(keys, KeyName::of(before), before.parts.clone())
    };
    let sealed = sign_header(header, old.envelope().parts.clone(), keys);
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
            version: ENVELOPE_VERSION,
            min_reader: ENVELOPE_VERSION,
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
