//! The way in, first half: whether an envelope is true and may be.

use protocol::{
    Cut, DecodeError, ENVELOPE_VERSION, Envelope, EnvelopeHash, FeedId, Header, PartHash,
    SignerKey, WorkspaceId, domain,
};

use super::weight::Weight;
use crate::{Roster, keys::verify};

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
    /// Only a newer version may read it; it is true, and waits for an update.
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
    /// The device, which did sign it, is not in the roster as it is known here; it waits for the roster.
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

/// An envelope whose hashes and signature were checked: its feed did write it, which says not yet that it counts.
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

    /// Returns the version that a program must read to open it, when it is one that this program does not read.
    pub fn newer(&self) -> Option<u32> {
        let min_reader = self.envelope.header.min_reader;
        (min_reader > ENVELOPE_VERSION).then_some(min_reader)
    }

    /// Says what the roster lets it be worth; ask again when the roster has grown.
    pub fn weight(&self, roster: &Roster) -> Weight {
        Weight::of(&self.cut(), roster)
    }

    /// Gives the envelope away.
    pub fn into_envelope(self) -> Envelope {
        self.envelope
    }
}

/// Verifies one envelope: workspace, part hashes, signature, what the roster lets its device write, and version.
///
/// The signature comes before all that can make an envelope wait or speak against its device: it is checked with the
/// key that the header names as its feed, so nobody can invent envelopes of others. It covers the header's bytes
/// whatever version they are of; a version that signs otherwise would use another outer envelope.
///
/// Whether it continues its feed is for the caller, who knows the feed's head. Before a cut only that chain shows
/// whether the envelope leads to the one that the cut names.
pub fn verify_envelope(bytes: &[u8], roster: &Roster) -> Result<VerifiedEnvelope, EnvelopeError> {
    let verified = verify_for_passing(bytes, roster)?;
    check_reader(&verified)?;
    Ok(verified)
}

/// Verifies one envelope for somebody who passes it on without reading it, as a relay does: as [`verify_envelope`],
/// but one that only newer programs may read is good, since an old relay must not hold up a newer client's feed.
pub fn verify_for_passing(
    bytes: &[u8],
    roster: &Roster,
) -> Result<VerifiedEnvelope, EnvelopeError> {
    let (verified, weight) = weigh_envelope(bytes, roster)?;
    check_weight(&verified, weight)?;
    Ok(verified)
}

/// Verifies that a feed did write an envelope, and says what the roster lets it be worth: whether it counts, is held for
/// an admin, or waits for the roster.
///
/// For those who keep what does not count (yet). It fails only for what is nobody's word; one that needs a newer program
/// says so by [`VerifiedEnvelope::newer`].
pub fn weigh_envelope(
    bytes: &[u8],
    roster: &Roster,
) -> Result<(VerifiedEnvelope, Weight), EnvelopeError> {
    let verified = check_unsigned(bytes, roster)?;
    check_signature(&verified)?;
    let weight = verified.weight(roster);
    Ok((verified, weight))
}

fn check_weight(verified: &VerifiedEnvelope, weight: Weight) -> Result<(), EnvelopeError> {
    let feed = verified.header().feed;
    Err(match weight {
        Weight::Counts => return Ok(()),
        Weight::Revoked(cut) => EnvelopeError::Revoked { feed, cut },
        Weight::Silenced(cut) => EnvelopeError::RoleForbids { feed, cut },
        Weight::LostBranch | Weight::Unknown => EnvelopeError::UnknownDevice { feed },
    })
}

/// Verifies one envelope for somebody who also keeps what lies behind a cut, as a relay does with what it holds apart:
/// as [`verify_for_passing`], but the device needs only be known, by a lost branch that the roster keeps if by no other.
pub fn verify_for_keeping(
    bytes: &[u8],
    roster: &Roster,
) -> Result<VerifiedEnvelope, EnvelopeError> {
    let (verified, weight) = weigh_envelope(bytes, roster)?;
    if weight == Weight::Unknown {
        return check_weight(&verified, weight).map(|()| verified);
    }
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
        check_weight(verified, verified.weight(roster))
            .and_then(|()| check_reader(verified))
            .map_err(|source| RunError { index, source })?;
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

fn check_reader(verified: &VerifiedEnvelope) -> Result<(), EnvelopeError> {
    match verified.newer() {
        Some(min_reader) => Err(EnvelopeError::Newer { min_reader }),
        None => Ok(()),
    }
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
