//! Envelopes: sealed and signed on their way out, verified and opened on their way in.

use protocol::{
    BatchId, Blob, Cursor, Cut, DecodeError, ENVELOPE_VERSION, Envelope, EnvelopeHash, FeedId,
    Header, Part, PartHash, RosterHash, SignerKey, WorkspaceId, domain,
    limits::{
        MAX_CHANGES_PER_PART, MAX_ENVELOPE_BYTES, MAX_FILE_BYTES, MAX_PARTS, MAX_TRANSACTION_BYTES,
    },
};

use crate::{
    DeviceKeys, Entropy, KeyRing, PartError, Roster, Standing, keys::verify, open_part, seal_part,
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
    let (epoch, key) = ring.newest().ok_or(SealError::NoKey)?;
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
    let sealed = parts
        .iter()
        .map(|part| seal_part(part, &draft.workspace, epoch, key, entropy).into())
        .collect();
    let sealed = sign_envelope(draft, epoch, sealed, keys)?;
    bounded(
        "bytes of an envelope",
        sealed.bytes.len(),
        MAX_ENVELOPE_BYTES,
    )?;
    Ok(sealed)
}

fn file_bytes(part: &Part) -> usize {
    match part {
        Part::File { bytes, .. } => bytes.len(),
        Part::Record { .. } => 0,
    }
}

/// Signs parts that are sealed already, as when a feed that forked is wrapped again under a new one.
pub fn sign_envelope(
    draft: &EnvelopeDraft,
    key_epoch: u32,
    parts: Vec<Blob>,
    keys: &DeviceKeys,
) -> Result<SealedEnvelope, SealError> {
    bounded("parts", parts.len(), MAX_PARTS)?;
    let header = Header {
        version: ENVELOPE_VERSION,
        min_reader: ENVELOPE_VERSION,
        workspace: draft.workspace,
        feed: keys.feed(),
        sequence: draft.sequence,
        previous: draft.previous,
        roster_head: draft.roster_head,
        cursor: draft.cursor,
        batch: draft.batch,
        key_epoch,
        parts: parts.iter().map(|part| PartHash::of(part)).collect(),
    };
    let header_bytes = header.encode();
    let hash = EnvelopeHash::of(&header_bytes);
    let envelope = Envelope {
        header_bytes: header_bytes.into(),
        header,
        signature: keys.signing.sign(domain::SIGN_ENVELOPE, &[hash.as_bytes()]),
        parts: parts.into_iter().map(Some).collect(),
    };
    let bytes = envelope.encode();
    Ok(SealedEnvelope {
        envelope,
        hash,
        bytes,
    })
}

/// Says why an envelope is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// The bytes are not an envelope.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The envelope is for another workspace.
    #[error("the envelope is for workspace {found}")]
    OtherWorkspace {
        /// The workspace that it names.
        found: WorkspaceId,
    },
    /// Only a newer version may read it; it waits for an update.
    #[error("the envelope needs a program that reads version {min_reader}")]
    Newer {
        /// The version that is needed.
        min_reader: u32,
    },
    /// The signature is not that of the feed's device.
    #[error("the signature of envelope {sequence} is false")]
    Signature {
        /// The place in the feed.
        sequence: u64,
    },
    /// A part is not the one that the header names.
    #[error("part {index} is not the one that was signed")]
    PartHash {
        /// The place of the part, from 0.
        index: usize,
    },
    /// The device is not in the roster as it is known here; it waits for the roster.
    #[error("the device {feed} is not in the roster")]
    UnknownDevice {
        /// The feed.
        feed: FeedId,
    },
    /// The role of the device's member may not write.
    #[error("the role of device {feed} forbids writing after {}", cut.sequence)]
    RoleForbids {
        /// The feed.
        feed: FeedId,
        /// Up to where it counts.
        cut: Cut,
    },
    /// The device was revoked, and this is not before its cut.
    #[error("the device {feed} was revoked after {}", cut.sequence)]
    Revoked {
        /// The feed.
        feed: FeedId,
        /// Up to where it counts.
        cut: Cut,
    },
    /// The envelope does not follow the one before it in a run.
    #[error("envelope {sequence} does not follow the one before it")]
    NotNext {
        /// The place in the feed that it claims.
        sequence: u64,
    },
    /// A run holds no envelope.
    #[error("a run needs at least one envelope")]
    EmptyRun,
}

impl EnvelopeError {
    /// Tells whether the envelope may become good by itself: after an update or when the roster has grown.
    pub fn waits(&self) -> bool {
        matches!(
            self,
            EnvelopeError::Newer { .. } | EnvelopeError::UnknownDevice { .. }
        )
    }
}

/// An envelope whose author, hashes and place among the cuts were checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedEnvelope {
    envelope: Envelope,
    hash: EnvelopeHash,
}

impl VerifiedEnvelope {
    /// Returns the envelope.
    pub fn envelope(&self) -> &Envelope {
        &self.envelope
    }

    /// Returns its header.
    pub fn header(&self) -> &Header {
        &self.envelope.header
    }

    /// Returns its hash.
    pub fn hash(&self) -> EnvelopeHash {
        self.hash
    }

    /// Returns the place that it takes in its feed.
    pub fn cut(&self) -> Cut {
        Cut {
            feed: self.envelope.header.feed,
            sequence: self.envelope.header.sequence,
            hash: self.hash,
        }
    }

    /// Gives the envelope away.
    pub fn into_envelope(self) -> Envelope {
        self.envelope
    }
}

/// Verifies one envelope: workspace, version, part hashes, signature, and what the roster lets its device write.
///
/// Whether it continues its feed is for the caller, who knows the feed's head. Before a cut only that chain shows
/// whether the envelope leads to the one that the cut names.
pub fn verify_envelope(bytes: &[u8], roster: &Roster) -> Result<VerifiedEnvelope, EnvelopeError> {
    let verified = check_unsigned(bytes, roster)?;
    check_signature(&verified)?;
    check_standing(&verified, roster)?;
    Ok(verified)
}

/// Says which envelope of a run is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("envelope {index} of the run: {source}")]
pub struct RunError {
    /// The place in the run, from 0.
    pub index: usize,
    /// What is wrong with it.
    pub source: EnvelopeError,
}

/// Verifies a contiguous run of one feed with a single signature check, that of the last envelope.
///
/// Each names the hash of the one before it, so the last signature proves them all. The signatures of the others are
/// not looked at: who passes them on one by one, as a relay does, verifies each with [`verify_envelope`].
pub fn verify_run<B: AsRef<[u8]>>(
    run: &[B],
    roster: &Roster,
) -> Result<Vec<VerifiedEnvelope>, RunError> {
    let mut verified: Vec<VerifiedEnvelope> = Vec::with_capacity(run.len());
    for (index, bytes) in run.iter().enumerate() {
        let at = |source| RunError { index, source };
        let next = check_unsigned(bytes.as_ref(), roster).map_err(at)?;
        if let Some(before) = verified.last() {
            let header = next.header();
            let follows = header.feed == before.header().feed
                && header.previous == before.hash
                && before.header().sequence.checked_add(1) == Some(header.sequence);
            if !follows {
                return Err(at(EnvelopeError::NotNext {
                    sequence: header.sequence,
                }));
            }
        }
        verified.push(next);
    }
    let index = run.len().saturating_sub(1);
    let at = |source| RunError { index, source };
    check_signature(verified.last().ok_or(at(EnvelopeError::EmptyRun))?).map_err(at)?;
    for (index, verified) in verified.iter().enumerate() {
        check_standing(verified, roster).map_err(|source| RunError { index, source })?;
    }
    Ok(verified)
}

/// Checks all that needs neither the signature nor the roster's devices.
fn check_unsigned(bytes: &[u8], roster: &Roster) -> Result<VerifiedEnvelope, EnvelopeError> {
    let envelope = Envelope::decode(bytes)?;
    let header = &envelope.header;
    if header.workspace != roster.workspace() {
        return Err(EnvelopeError::OtherWorkspace {
            found: header.workspace,
        });
    }
    if header.min_reader > ENVELOPE_VERSION {
        return Err(EnvelopeError::Newer {
            min_reader: header.min_reader,
        });
    }
    for (index, (part, hash)) in envelope.parts.iter().zip(&header.parts).enumerate() {
        if part
            .as_ref()
            .is_some_and(|part| PartHash::of(part) != *hash)
        {
            return Err(EnvelopeError::PartHash { index });
        }
    }
    let hash = envelope.hash();
    Ok(VerifiedEnvelope { envelope, hash })
}

fn check_signature(verified: &VerifiedEnvelope) -> Result<(), EnvelopeError> {
    let header = verified.header();
    verify(
        &SignerKey::from(header.feed),
        domain::SIGN_ENVELOPE,
        &[verified.hash.as_bytes()],
        &verified.envelope.signature,
    )
    .map_err(|_| EnvelopeError::Signature {
        sequence: header.sequence,
    })
}

fn check_standing(verified: &VerifiedEnvelope, roster: &Roster) -> Result<(), EnvelopeError> {
    let feed = verified.header().feed;
    let device = roster
        .device(&feed)
        .ok_or(EnvelopeError::UnknownDevice { feed })?;
    let beyond = |cut: &Cut| {
        let at = verified.cut();
        at.sequence > cut.sequence || (at.sequence == cut.sequence && at.hash != cut.hash)
    };
    match device.standing() {
        Standing::Revoked(cut) if beyond(&cut) => Err(EnvelopeError::Revoked { feed, cut }),
        Standing::Silenced(cut) if beyond(&cut) => Err(EnvelopeError::RoleForbids { feed, cut }),
        _ => Ok(()),
    }
}

/// Says why the parts of a verified envelope cannot be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The ring lacks the key; the envelope waits for it.
    #[error("the workspace key {epoch} is not in the ring")]
    MissingKey {
        /// The number of the key.
        epoch: u32,
    },
    /// A part does not open, or holds what it may not.
    #[error("part {index}: {source}")]
    Part {
        /// The place of the part, from 0.
        index: usize,
        /// What is wrong.
        source: PartError,
    },
    /// The changes of all parts together, or the files, are more than a transaction may carry.
    #[error("the transaction opens to {bytes} bytes, more than it may have")]
    TooLarge {
        /// How many bytes it has.
        bytes: usize,
    },
}

/// Opens the parts of an envelope, in order, those aside that were erased.
pub fn open_parts(verified: &VerifiedEnvelope, ring: &KeyRing) -> Result<Vec<Part>, OpenError> {
    let header = verified.header();
    let key = ring.get(header.key_epoch).ok_or(OpenError::MissingKey {
        epoch: header.key_epoch,
    })?;
    let mut parts = Vec::with_capacity(verified.envelope.parts.len());
    let mut transaction_bytes = 0;
    let mut bytes_of_files = 0;
    for (index, sealed) in verified.envelope.parts.iter().enumerate() {
        let Some(sealed) = sealed else { continue };
        let part = open_part(sealed, &header.workspace, header.key_epoch, key)
            .map_err(|source| OpenError::Part { index, source })?;
        transaction_bytes += part.transaction_bytes();
        bytes_of_files += file_bytes(&part);
        // Small sealed parts can inflate to large ones, so the sum is bounded while it grows.
        if transaction_bytes > MAX_TRANSACTION_BYTES || bytes_of_files > MAX_FILE_BYTES {
            return Err(OpenError::TooLarge {
                bytes: transaction_bytes + bytes_of_files,
            });
        }
        parts.push(part);
    }
    Ok(parts)
}
