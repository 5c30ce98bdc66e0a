//! Who may do what, and how a refusal is named on the wire.

use std::{collections::BTreeSet, sync::Arc};

use protocol::{
    Blob, Body, Cut, DecodeError, Entry, EnvelopeHash, FeedId, InviteKey, Refusal, SignerKey,
};
use vault::{EnvelopeError, Roster, RosterError, Side, Standing, verify_for_keeping};

use crate::{Effects, Judged, Release, Run, Verified};

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

/// What a session may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// A device in good standing, or one whose role does not let it write: roster and log.
    Reads,
    /// A revoked device: it pushes what is then held, and gets the roster alone.
    Apart,
    /// An invite: it gets the roster and joins.
    Joins,
}

/// Decides whether a key may have a session now, and for what.
pub(super) fn admit(roster: &Roster, key: SignerKey, now_ms: u64) -> Result<Access, No> {
    if let Some(device) = roster.device(&FeedId::from(key)) {
        return Ok(match device.standing() {
            Standing::Revoked(_) => Access::Apart,
            Standing::Writes | Standing::Silenced(_) => Access::Reads,
        });
    }
    match roster.invite(&InviteKey::from(key)) {
        Some(invite) if !invite.is_open() => Err(No::new(
            Refusal::InviteSpent,
            "this invite is used up or was ended",
        )),
        Some(invite) if invite.expires_ms <= now_ms => {
            Err(No::new(Refusal::InviteSpent, "this invite has expired"))
        }
        Some(_) => Ok(Access::Joins),
        None => Err(stranger()),
    }
}

pub(super) fn stranger() -> No {
    No::new(
        Refusal::NotAMember,
        "this key does not belong to the workspace",
    )
}

/// Refuses to show or take what is for devices that read; a revoked one gets the roster alone, like an invite.
pub(super) fn reads(roster: &Roster, key: SignerKey) -> Result<(), No> {
    match roster
        .device(&FeedId::from(key))
        .map(|device| device.standing())
    {
        Some(Standing::Revoked(cut)) => Err(No {
            cut: Some(cut),
            ..No::new(Refusal::Revoked, "this device was revoked")
        }),
        Some(_) => Ok(()),
        None => Err(No::new(
            Refusal::RoleForbids,
            "an invite is shown the roster alone",
        )),
    }
}

/// Tells whether a key is that of an admin's or owner's device in good standing.
pub(super) fn is_admin(roster: &Roster, key: SignerKey) -> bool {
    roster.device(&FeedId::from(key)).is_some_and(|device| {
        device.role.may_administer() && !matches!(device.standing(), Standing::Revoked(_))
    })
}

/// Returns the place behind which a feed is held; the outer none is for feeds of which nothing is taken: the roster does
/// not know the device, or its member was a guest at all times.
///
/// With it a run is judged again that was verified under an earlier roster: signatures and hashes stay true, only where the
/// feed is cut can have changed.
pub fn cut_of(roster: &Roster, feed: &FeedId) -> Option<Option<Cut>> {
    let device = roster.device(feed)?;
    // Whoever could write once may have written before he heard that he may not any more; a guest never could.
    if !roster.could_write(feed) {
        return None;
    }
    Some(match device.standing() {
        Standing::Writes => None,
        Standing::Silenced(cut) | Standing::Revoked(cut) => Some(cut),
    })
}

/// Verifies pushed envelopes: a contiguous run of the own feed, each with its signature.
///
/// Each signature and not the last alone, because others get the envelopes in pieces cut elsewhere.
pub(super) fn check_push(
    roster: &Roster,
    feed: FeedId,
    envelopes: Vec<Blob>,
) -> Result<Judged, No> {
    let mut run: Vec<Verified> = Vec::with_capacity(envelopes.len());
    for bytes in envelopes {
        let (found, verified) = verify(bytes, roster)?;
        if found != feed {
            return Err(No::new(
                Refusal::Malformed,
                "a device pushes its own feed only",
            ));
        }
        if run.last().is_some_and(|before| !follows(before, &verified)) {
            let sequence = verified.sequence;
            return Err(EnvelopeError::NotNext { sequence }.into());
        }
        run.push(verified);
    }
    if run.is_empty() {
        return Err(EnvelopeError::EmptyRun.into());
    }
    let run = Run {
        feed,
        envelopes: run,
    };
    match cut_of(roster, &feed) {
        Some(cut) => Ok(Judged {
            run,
            cut,
            is_own: true,
        }),
        None => Err(not_pushed(roster, &feed)),
    }
}

/// Says why nothing of a feed is taken that its own device pushes, as [`cut_of`] found.
pub(super) fn not_pushed(roster: &Roster, feed: &FeedId) -> No {
    match roster.device(feed) {
        Some(_) => No::new(Refusal::RoleForbids, "a guest writes nothing"),
        None => stranger(),
    }
}

fn verify(bytes: Blob, roster: &Roster) -> Result<(FeedId, Verified), EnvelopeError> {
    let verified = verify_for_keeping(&bytes, roster)?;
    let header = verified.header();
    let one = Verified {
        sequence: header.sequence,
        previous: header.previous,
        hash: verified.hash(),
        bytes,
    };
    Ok((header.feed, one))
}

fn follows(before: &Verified, next: &Verified) -> bool {
    before.sequence.checked_add(1) == Some(next.sequence) && next.previous == before.hash
}

/// Verifies carried envelopes, each for itself, and parts them into runs; returns the feeds that came too.
///
/// What is not true, or of a device that this roster does not know, is left out: it must not hold up the others.
pub(super) fn check_carry(
    roster: &Roster,
    carrier: SignerKey,
    envelopes: Vec<Blob>,
) -> (Vec<Judged>, Vec<FeedId>) {
    let mut runs: Vec<Judged> = Vec::new();
    let mut feeds = BTreeSet::new();
    for bytes in envelopes {
        // Named even when it is left out, so that the client hears where the feed stands.
        if let Ok(envelope) = protocol::Envelope::decode(&bytes) {
            feeds.insert(envelope.header.feed);
        }
        let Ok((feed, verified)) = verify(bytes, roster) else {
            continue;
        };
        let continued = runs.last_mut().filter(|last| {
            let before = last.run.envelopes.last();
            last.run.feed == feed && before.is_some_and(|before| follows(before, &verified))
        });
        match (continued, cut_of(roster, &feed)) {
            (Some(last), _) => last.run.envelopes.push(verified),
            (None, Some(cut)) => runs.push(Judged {
                run: Run {
                    feed,
                    envelopes: vec![verified],
                },
                cut,
                is_own: feed == carrier.into(),
            }),
            (None, None) => {}
        }
    }
    (runs, feeds.into_iter().collect())
}

/// Verifies roster entries on top of a roster, and returns the roster with them and what they ask of the log.
pub(super) fn check_entries(
    roster: &Roster,
    author: SignerKey,
    entries: &[Blob],
    now_ms: u64,
) -> Result<(Arc<Roster>, Effects), No> {
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
    let effects = effects(roster, &grown, true);
    Ok((Arc::new(grown), effects))
}

/// What a client brings of the roster that this relay may have lost.
#[derive(Debug)]
pub(super) enum Brought {
    /// All of it is here already.
    Known,
    /// These entries continue the roster.
    Continues {
        entries: Vec<Blob>,
        roster: Arc<Roster>,
        effects: Effects,
    },
    /// They part from the roster before its end, and their branch counts: it takes the place of what is here.
    Replaces {
        /// Whether an admin signed the first of them, or who joined by an admin's invite.
        is_weighty: bool,
        keep: usize,
        entries: Vec<Blob>,
        roster: Arc<Roster>,
        effects: Effects,
    },
    /// They part from the roster before its end, and this one counts; or nothing is shared.
    Elsewhere,
}

/// Verifies entries of whatever authors that go on with the roster where this relay had lost it.
///
/// They were in force before, so nobody asks when an invite has expired or where feeds stand by now. Where two branches
/// exist because a relay that lost its roster got an old one, the branch that counts takes the other's place; who meets
/// both keeps what counts of the lost one.
pub(super) fn check_brought(roster: &Roster, entries: &[Blob]) -> Result<Brought, No> {
    let mut new = Vec::new();
    for bytes in entries {
        let is_known = roster
            .entries_after(&Entry::decode(bytes)?.hash())
            .is_some();
        if !is_known || !new.is_empty() {
            new.push(bytes.clone());
        }
    }
    let Some(first) = new.first() else {
        return Ok(Brought::Known);
    };
    let previous = Body::decode(&Entry::decode(first)?.body)?.previous;
    let Some(after) = roster.entries_after(&previous) else {
        return Ok(Brought::Elsewhere);
    };
    let keep = roster.entries().len() - after.len();
    let mut grown = if after.is_empty() {
        roster.clone()
    } else {
        roster.first(keep)
    };
    let author = Body::decode(&Entry::decode(first)?.body)?.author;
    let is_weighty = is_admin(&grown, author) || grown.invite(&author.into()).is_some();
    grow(&mut grown, &new)?;
    let effects = effects(roster, &grown, false);
    if after.is_empty() {
        return Ok(Brought::Continues {
            effects,
            entries: new,
            roster: Arc::new(grown),
        });
    }
    if roster.compare(&grown)?.counts() != Side::Theirs {
        return Ok(Brought::Elsewhere);
    }
    Ok(Brought::Replaces {
        is_weighty,
        keep,
        effects,
        entries: new,
        roster: Arc::new(grown),
    })
}

/// Verifies the roster of somebody whom the roster here does not know, which lost the entry by which that one came in:
/// it goes on where this one ends. Returns the entries that are lacking, and the roster with them.
///
/// Others may bring such entries whatever has expired since; here the invite of who comes by it must be good now, since
/// nobody vouches that it joined in time.
pub(super) fn check_return(
    roster: &Roster,
    entries: &[Blob],
    key: SignerKey,
    now_ms: u64,
) -> Result<(Vec<Blob>, Arc<Roster>, Effects), No> {
    let Brought::Continues {
        entries,
        roster: grown,
        effects,
    } = check_brought(roster, entries)?
    else {
        return Err(stranger());
    };
    if admit(&grown, key, now_ms)? != Access::Reads {
        return Err(stranger());
    }
    for bytes in &entries {
        let author = Body::decode(&Entry::decode(bytes)?.body)?.author;
        let invite = grown.invite(&author.into());
        if invite.is_some_and(|invite| invite.expires_ms <= now_ms) {
            return Err(No::new(Refusal::InviteSpent, "this invite has expired"));
        }
    }
    Ok((entries, grown, effects))
}

/// Works out what the growth of a roster asks of the log.
fn effects(before: &Roster, after: &Roster, is_exact: bool) -> Effects {
    let mut effects = Effects {
        is_exact,
        ..Effects::default()
    };
    for device in before.devices() {
        let feed = device.signing;
        let now = after.device(&feed).map(|device| device.standing());
        match (device.standing(), now) {
            (was, Some(is)) if was == is => {}
            // Brought back at once, what lay between is not seen: the cut may have moved before the device was revoked.
            (Standing::Silenced(_), Some(Standing::Revoked(cut))) if !is_exact => {
                effects.releases.push(Release {
                    feed,
                    to: Some(cut),
                    is_move: false,
                });
            }
            (Standing::Writes | Standing::Silenced(_), Some(Standing::Revoked(cut)))
            | (Standing::Writes, Some(Standing::Silenced(cut))) => {
                effects.cuts.push(one_spelling(cut))
            }
            (_, Some(Standing::Revoked(cut) | Standing::Silenced(cut))) => {
                effects.releases.push(Release {
                    feed,
                    to: Some(cut),
                    is_move: true,
                });
            }
            (_, Some(Standing::Writes)) => effects.releases.push(Release {
                feed,
                to: None,
                is_move: false,
            }),
            (_, None) => {}
        }
    }
    // A branch that gave way may have left something of a device that comes to this one only now.
    for device in after.devices() {
        if before.device(&device.signing).is_none() {
            effects.releases.push(Release {
                feed: device.signing,
                to: match device.standing() {
                    Standing::Writes => None,
                    Standing::Silenced(cut) | Standing::Revoked(cut) => Some(cut),
                },
                is_move: false,
            });
        }
    }
    effects
}

/// A cut before the first envelope has one spelling.
fn one_spelling(cut: Cut) -> Cut {
    match cut.sequence {
        0 => Cut {
            hash: EnvelopeHash::ZERO,
            ..cut
        },
        _ => cut,
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
