//! The verified chain of who belongs to a workspace.

mod asks;
mod branch;
mod error;
mod lost;
mod news;
mod rules;
mod sign;
mod state;

use std::collections::BTreeMap;

use protocol::{
    Blob, Body, BodyOutline, DecodeError, Entry, ROSTER_VERSION, RosterHash, SignerKey, What,
    WorkspaceId, domain,
    limits::{MAX_ROSTER_BYTES, MAX_ROSTER_ENTRIES, MAX_ROSTER_ENTRY_BYTES},
};

pub use branch::{Comparison, Side};
pub use error::{AuthorRole, RosterError};
pub use lost::{Lost, MAX_LOST_BRANCHES};
pub use news::EntryInfo;
pub use sign::{ChangeError, InviteTerms, Target};
pub use state::{DeviceInfo, InviteInfo, Standing};

use crate::keys::verify;
use lost::Beside;
use state::State;

/// A roster in which every entry was checked: place in the chain, signature, and authority of its author.
///
/// It is one branch, the one that counts, and keeps what was met of others ([`Roster::meet`]).
#[derive(Debug, Clone)]
pub struct Roster {
    workspace: WorkspaceId,
    head: RosterHash,
    entries: Vec<Blob>,
    bytes: usize,
    hashes: Vec<RosterHash>,
    places: BTreeMap<RosterHash, usize>,
    state: State,
    lost: Vec<Lost>,
    /// How many branches were met that are too many to be kept.
    ignored: usize,
    beside: Beside,
}

/// Says which entry of a stored or received roster is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("roster entry {index}: {source}")]
pub struct RosterLoadError {
    /// The place of the entry, from 0.
    pub index: usize,
    /// What is wrong with it.
    pub source: RosterError,
}

impl Roster {
    /// Begins a roster with its first entry, whose hash is the workspace's id.
    pub fn begin(bytes: &[u8]) -> Result<Self, RosterError> {
        let mut roster = Roster {
            workspace: WorkspaceId::ZERO,
            head: RosterHash::ZERO,
            entries: Vec::new(),
            bytes: 0,
            hashes: Vec::new(),
            places: BTreeMap::new(),
            state: State::default(),
            lost: Vec::new(),
            ignored: 0,
            beside: Beside::default(),
        };
        roster.append(bytes)?;
        roster.workspace = roster.head.into();
        Ok(roster)
    }

    /// Builds a roster from all its entries, in order; compare [`Roster::workspace`] with the one that is expected.
    pub fn from_entries<B: AsRef<[u8]>>(
        entries: impl IntoIterator<Item = B>,
    ) -> Result<Self, RosterLoadError> {
        let mut roster: Option<Roster> = None;
        for (index, entry) in entries.into_iter().enumerate() {
            match &mut roster {
                None => Roster::begin(entry.as_ref()).map(|begun| roster = Some(begun)),
                Some(roster) => roster.append(entry.as_ref()),
            }
            .map_err(|source| RosterLoadError { index, source })?;
        }
        roster.ok_or(RosterLoadError {
            index: 0,
            source: RosterError::Founding,
        })
    }

    /// Takes in the next entry, or leaves the roster as it was.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), RosterError> {
        let entry = Entry::decode(bytes)?;
        let outline = BodyOutline::decode(&entry.body)?;
        if outline.min_reader > ROSTER_VERSION {
            return Err(self.newer(&entry, &outline));
        }
        let body = Body::decode(&entry.body)?;
        self.judge(&body)?;
        check_signature(&entry, body.author)?;
        if self.bytes + bytes.len() > MAX_ROSTER_BYTES {
            return Err(RosterError::Full);
        }
        let hash = entry.hash();
        self.state.apply(&body);
        self.places.insert(hash, self.entries.len());
        self.hashes.push(hash);
        self.entries.push(bytes.into());
        self.bytes += bytes.len();
        self.head = hash;
        if !self.lost.is_empty() {
            self.look_beside();
        }
        Ok(())
    }

    /// Says what is wrong with an entry of a newer version: at least that it is one, if it is true.
    fn newer(&self, entry: &Entry, outline: &BodyOutline) -> RosterError {
        let placed = self.check_place(outline.workspace, outline.previous);
        let checked = placed.and_then(|()| check_signature(entry, outline.author));
        checked.err().unwrap_or(RosterError::Newer {
            min_reader: outline.min_reader,
            reads: ROSTER_VERSION,
        })
    }

    fn check_place(&self, workspace: WorkspaceId, previous: RosterHash) -> Result<(), RosterError> {
        if workspace != self.workspace {
            return Err(RosterError::OtherWorkspace { found: workspace });
        }
        if previous != self.head {
            return Err(RosterError::NotNext {
                previous,
                head: self.head,
            });
        }
        Ok(())
    }

    /// Judges everything about a body but its signature.
    fn judge(&self, body: &Body) -> Result<(), RosterError> {
        if self.entries.len() >= MAX_ROSTER_ENTRIES {
            return Err(RosterError::Full);
        }
        self.check_place(body.workspace, body.previous)?;
        if self.entries.is_empty() != matches!(body.what, What::Found(_)) {
            return Err(RosterError::Founding);
        }
        self.state.judge(body)
    }

    /// Returns the hash of the newest entry.
    pub fn head(&self) -> RosterHash {
        self.head
    }

    /// Returns the workspace, which is the hash of the first entry.
    pub fn workspace(&self) -> WorkspaceId {
        self.workspace
    }

    /// Returns all entries as they were signed.
    pub fn entries(&self) -> &[Blob] {
        &self.entries
    }

    /// Returns the roster as it was when an entry was its newest; none when that one is not in it.
    ///
    /// It is built anew from its entries, so it costs what loading a roster costs.
    pub fn as_of(&self, head: &RosterHash) -> Option<Self> {
        let rest = self.entries_after(head)?.len();
        Self::from_entries(&self.entries[..self.entries.len() - rest]).ok()
    }

    /// Returns the entries after one, or none when that one is not in this roster; zeros stand before the first.
    pub fn entries_after(&self, head: &RosterHash) -> Option<&[Blob]> {
        if head.is_zero() {
            return Some(&self.entries);
        }
        self.places
            .get(head)
            .map(|place| &self.entries[place + 1..])
    }
}

fn check_signature(entry: &Entry, author: SignerKey) -> Result<(), RosterError> {
    verify(
        &author,
        domain::SIGN_ROSTER,
        &[entry.hash().as_bytes()],
        &entry.signature,
    )
    .map_err(|_| RosterError::Signature { author })
}

/// Refuses an entry of one's own that others would refuse for its size.
fn check_entry_size(bytes: &[u8]) -> Result<(), RosterError> {
    if bytes.len() > MAX_ROSTER_ENTRY_BYTES {
        return Err(DecodeError::TooLarge {
            what: "roster entry",
            bytes: bytes.len(),
            limit: MAX_ROSTER_ENTRY_BYTES,
        }
        .into());
    }
    Ok(())
}
