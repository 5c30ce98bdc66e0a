//! Which of two branches of one roster counts: a pure function, the same for all who ask.
//!
//! Two branches share a beginning and then differ. The one counts whose first differing entry has the signer of the
//! higher rank, and between equals the one of the smaller hash. Rank and hash of those two entries depend on nothing
//! that comes later, so the answer stays when branches grow; and of several branches the same one counts, whoever
//! meets whom first: at each place where some part, the best entry decides among all that go through the place.

use protocol::{Body, Entry, FeedId, InviteKey, Role, RosterHash, SignerKey};

use super::{Roster, RosterError, state::State};

/// One of two rosters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The one that this device has.
    Ours,
    /// The one that was met.
    Theirs,
}

/// How two rosters of one workspace stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// They end with the same entry.
    Same,
    /// Ours has all of theirs, and more.
    OursContinues,
    /// Theirs has all of ours, and more.
    TheirsContinues,
    /// They share a beginning, and then each goes on by itself.
    Parted {
        /// How many entries they share, which is the place of the first that differs, from 0.
        at: usize,
        /// Which one counts.
        counts: Side,
    },
}

/// How much the signer of an entry has to say where two branches part, the highest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum SignerRank {
    Owner,
    Admin,
    Member,
    Guest,
}

impl SignerRank {
    /// Ranks a signer by its role where the branches part; an invite speaks for who made it, else anybody's entry would
    /// outweigh those by which others joined.
    fn of(signer: SignerKey, before: &State) -> Self {
        let role = |device: &FeedId| before.devices.get(device).map(|device| device.role);
        let of_invite = || {
            let invite = before.invites.get(&InviteKey::from(signer))?;
            role(&FeedId::from(invite.invited_by))
        };
        match role(&FeedId::from(signer)).or_else(of_invite) {
            Some(Role::Owner) => SignerRank::Owner,
            Some(Role::Admin) => SignerRank::Admin,
            Some(Role::Member) => SignerRank::Member,
            Some(Role::Guest) | None => SignerRank::Guest,
        }
    }
}

impl Roster {
    /// Says how this roster stands to another of the same workspace, and which one counts if they parted.
    ///
    /// Branches that either of them keeps as lost are not looked at.
    pub fn compare(&self, theirs: &Roster) -> Result<Comparison, RosterError> {
        if self.workspace != theirs.workspace {
            return Err(RosterError::OtherWorkspace {
                found: theirs.workspace,
            });
        }
        let pairs = self.hashes.iter().zip(&theirs.hashes);
        let at = pairs.take_while(|(ours, theirs)| ours == theirs).count();
        Ok(match (self.hashes.get(at), theirs.hashes.get(at)) {
            (None, None) => Comparison::Same,
            (Some(_), None) => Comparison::OursContinues,
            (None, Some(_)) => Comparison::TheirsContinues,
            (Some(_), Some(_)) => {
                let before = self.state_before(at);
                let counts = if self.precedence(at, &before) < theirs.precedence(at, &before) {
                    Side::Ours
                } else {
                    Side::Theirs
                };
                Comparison::Parted { at, counts }
            }
        })
    }

    /// Returns what decides for an entry where branches part; the smaller one counts.
    fn precedence(&self, at: usize, before: &State) -> (SignerRank, RosterHash) {
        let rank = SignerRank::of(self.body(at).author, before);
        (rank, self.hashes[at])
    }

    /// Returns what the first entries add up to.
    pub(super) fn state_before(&self, at: usize) -> State {
        let mut state = State::default();
        for place in 0..at {
            state.apply(&self.body(place));
        }
        state
    }

    /// Returns the body of an entry of this roster.
    pub(super) fn body(&self, at: usize) -> Body {
        Entry::decode(&self.entries[at])
            .and_then(|entry| Body::decode(&entry.body))
            .expect("an entry was read before it was taken in")
    }

    /// Returns the roster of the first `count` entries, of which there is one at least and no more than there are.
    ///
    /// They were verified when they were taken in, and are not verified again.
    #[must_use]
    pub fn first(&self, count: usize) -> Roster {
        let count = count.clamp(1, self.entries.len());
        let entries = self.entries[..count].to_vec();
        let hashes = self.hashes[..count].to_vec();
        Roster {
            workspace: self.workspace,
            head: hashes.last().copied().unwrap_or(RosterHash::ZERO),
            bytes: entries.iter().map(|entry| entry.len()).sum(),
            places: (0..count).map(|place| (hashes[place], place)).collect(),
            state: self.state_before(count),
            entries,
            hashes,
            lost: Vec::new(),
            ignored: 0,
            beside: super::lost::Beside::default(),
        }
    }
}
