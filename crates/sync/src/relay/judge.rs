//! Who may do what, and how a refusal is named on the wire.

use std::sync::Arc;

use protocol::{Blob, Body, Cut, DecodeError, Entry, FeedId, InviteKey, Refusal, SignerKey};
use vault::{EnvelopeError, Roster, RosterError, Standing, verify_for_passing};

use crate::{Run, Verified};

/// Why something is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct No {
    pub(super) code: Refusal,
    pub(super) text: String,
    pub(super) cut: Option<Cut>,
}

impl No {
    pub(super) fn new(code: Refusal, text: impl ToString) -> Self {
        No {
            code,
            text: text.to_string(),
            cut: None,
        }
    }
}

impl From<DecodeError> for No {
    fn from(error: DecodeError) -> Self {
        let code = match error {
            DecodeError::TooLarge { .. } | DecodeError::TooMany { .. } => Refusal::TooLarge,
            DecodeError::Newer { .. } => Refusal::Version,
            _ => Refusal::Malformed,
        };
        No::new(code, error)
    }
}

impl From<EnvelopeError> for No {
    fn from(error: EnvelopeError) -> Self {
        let code = match error {
            EnvelopeError::Decode(error) => return error.into(),
            EnvelopeError::Newer { .. } => Refusal::Version,
            EnvelopeError::Signature { .. } => Refusal::Signature,
            EnvelopeError::UnknownDevice { .. } => Refusal::NotAMember,
            EnvelopeError::RoleForbids { .. } => Refusal::RoleForbids,
            EnvelopeError::Revoked { .. } => Refusal::Revoked,
            EnvelopeError::OtherWorkspace { .. }
            | EnvelopeError::PartHash { .. }
            | EnvelopeError::NotNext { .. }
            | EnvelopeError::EmptyRun => Refusal::Malformed,
        };
        No::new(code, error)
    }
}

impl From<RosterError> for No {
    fn from(error: RosterError) -> Self {
        let code = match error {
            RosterError::Decode(error) => return error.into(),
            RosterError::Signature { .. } => Refusal::Signature,
            RosterError::Stranger { .. } => Refusal::NotAMember,
            RosterError::AuthorRevoked { .. } => Refusal::Revoked,
            RosterError::NotAllowed { .. } | RosterError::NotAsInvited { .. } => {
                Refusal::RoleForbids
            }
            RosterError::InviteSpent => Refusal::InviteSpent,
            RosterError::Full | RosterError::TooManySuccessors { .. } => Refusal::Quota,
            RosterError::Newer { .. } => Refusal::Version,
            _ => Refusal::Malformed,
        };
        No::new(code, error)
    }
}

/// Decides whether a key may have a session now; returns whether it is a device.
pub(super) fn admit(roster: &Roster, key: SignerKey, now_ms: u64) -> Result<bool, No> {
    if let Some(device) = roster.device(&FeedId::from(key)) {
        return match device.standing() {
            Standing::Revoked(cut) => Err(No {
                cut: Some(cut),
                ..No::new(Refusal::Revoked, "this device was revoked")
            }),
            Standing::Writes | Standing::Silenced(_) => Ok(true),
        };
    }
    match roster.invite(&InviteKey::from(key)) {
        Some(invite) if !invite.is_open() => Err(No::new(
            Refusal::InviteSpent,
            "this invite is used up or was ended",
        )),
        Some(invite) if invite.expires_ms <= now_ms => {
            Err(No::new(Refusal::InviteSpent, "this invite has expired"))
        }
        Some(_) => Ok(false),
        None => Err(No::new(
            Refusal::NotAMember,
            "this key does not belong to the workspace",
        )),
    }
}

/// Verifies pushed envelopes: a contiguous run of the own feed, each with its signature.
///
/// Each signature and not the last alone, because others get the envelopes in pieces cut elsewhere.
pub(super) fn check_push(roster: &Roster, feed: FeedId, envelopes: Vec<Blob>) -> Result<Run, No> {
    let mut run: Vec<Verified> = Vec::with_capacity(envelopes.len());
    for bytes in envelopes {
        let verified = verify_for_passing(&bytes, roster)?;
        let header = verified.header();
        if header.feed != feed {
            return Err(No::new(
                Refusal::Malformed,
                "a device pushes its own feed only",
            ));
        }
        if let Some(before) = run.last() {
            let follows = before.sequence.checked_add(1) == Some(header.sequence);
            if !follows || header.previous != before.hash {
                return Err(EnvelopeError::NotNext {
                    sequence: header.sequence,
                }
                .into());
            }
        }
        run.push(Verified {
            sequence: header.sequence,
            previous: header.previous,
            hash: verified.hash(),
            bytes,
        });
    }
    if run.is_empty() {
        return Err(EnvelopeError::EmptyRun.into());
    }
    Ok(Run {
        feed,
        envelopes: run,
    })
}

/// Verifies roster entries on top of a roster, and returns the roster with them.
pub(super) fn check_entries(
    roster: &Roster,
    author: SignerKey,
    entries: &[Blob],
    now_ms: u64,
) -> Result<Arc<Roster>, No> {
    if entries.is_empty() {
        return Err(No::new(Refusal::Malformed, "there is nothing to append"));
    }
    let mut grown = roster.clone();
    for bytes in entries {
        let body = Body::decode(&Entry::decode(bytes)?.body)?;
        if body.author != author {
            return Err(No::new(
                Refusal::RoleForbids,
                "only the author appends an entry",
            ));
        }
        // Expiry is judged here, by the relay's clock, and nowhere else.
        admit(&grown, author, now_ms)?;
        grown.append(bytes)?;
    }
    Ok(Arc::new(grown))
}

/// Tells whether a run that was verified by an earlier roster may still be appended under this one.
///
/// Signatures and hashes stay true; only what the roster lets the device write can have changed.
pub fn still_allowed(roster: &Roster, run: &Run) -> bool {
    let Some(device) = roster.device(&run.feed) else {
        return false;
    };
    match device.standing() {
        Standing::Writes => true,
        Standing::Silenced(cut) | Standing::Revoked(cut) => run.envelopes.iter().all(|envelope| {
            envelope.sequence < cut.sequence
                || (envelope.sequence == cut.sequence && envelope.hash == cut.hash)
        }),
    }
}

/// Verifies the next entries of a roster that is being gathered.
pub(super) fn grow(roster: &mut Roster, entries: &[Blob]) -> Result<(), No> {
    for entry in entries {
        roster.append(entry)?;
    }
    Ok(())
}

/// Verifies the first entries of a roster for a workspace that begins here.
pub(super) fn begin_roster(
    workspace: protocol::WorkspaceId,
    entries: &[Blob],
) -> Result<Roster, No> {
    let Some((first, rest)) = entries.split_first() else {
        return Err(RosterError::Founding.into());
    };
    let mut roster = Roster::begin(first)?;
    if roster.workspace() != workspace {
        return Err(No::new(
            Refusal::Malformed,
            "the roster's first entry is not the one that names the workspace",
        ));
    }
    grow(&mut roster, rest)?;
    Ok(roster)
}
