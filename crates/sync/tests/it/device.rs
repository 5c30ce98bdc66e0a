//! What a device has on its disk, and what it does for its session.

use protocol::{BatchId, Cursor, EnvelopeHash, Nonce, Part, RecordId, Role};
use sync::client::{self, Item, Start};
use vault::{
    DeviceKeys, EnvelopeDraft, InviteSecret, InviteTerms, KeyRing, Roster, SealedEnvelope,
    seal_envelope,
};

/// Random numbers from a seed (splitmix64).
#[derive(Clone)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.roll() % end as u64) as usize
    }

    pub(crate) fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.roll().to_le_bytes()[..chunk.len()]);
        }
    }

    pub(crate) fn keys(&mut self) -> DeviceKeys {
        DeviceKeys::generate(&mut |bytes: &mut [u8]| self.fill(bytes))
    }

    pub(crate) fn nonce(&mut self) -> Nonce {
        let mut bytes = [0; 32];
        self.fill(&mut bytes);
        Nonce::from_bytes(bytes)
    }
}

/// When invites of the tests end, ms since 1970.
pub(crate) const INVITES_END_MS: u64 = 10_000_000;

/// Appends an invite to a roster as its first device, and returns the secret.
pub(crate) fn invite(
    roster: &Roster,
    by: &DeviceKeys,
    role: Role,
    dice: &mut Dice,
) -> (Vec<u8>, InviteSecret) {
    let ring = KeyRing::open(roster, &by.sealing);
    let mut fill = |bytes: &mut [u8]| dice.fill(bytes);
    let secret = InviteSecret::generate(&mut fill);
    let terms = InviteTerms {
        member: None,
        role,
        uses: 1,
        expires_ms: INVITES_END_MS,
        reserved: Vec::new(),
    };
    let entry = roster
        .sign_invite(&by.signing, &ring, &secret, &terms, 1, &mut fill)
        .expect("may invite");
    (entry, secret)
}

/// Signs the entry by which a device joins.
pub(crate) fn join(
    roster: &Roster,
    secret: &InviteSecret,
    keys: &DeviceKeys,
    dice: &mut Dice,
) -> Vec<u8> {
    roster
        .sign_join(secret, keys, 2, &mut |bytes: &mut [u8]| dice.fill(bytes))
        .expect("may join")
}

/// What a device has on its disk.
#[derive(Clone)]
pub(crate) struct Device {
    pub(crate) keys: DeviceKeys,
    pub(crate) roster: Roster,
    pub(crate) feed: Vec<SealedEnvelope>,
    pub(crate) acknowledged: u64,
    pub(crate) cursor: Option<Cursor>,
    /// The log as it was applied: the hash at each sequence.
    pub(crate) applied: Vec<EnvelopeHash>,
    /// What the sessions of this device said that tests look at.
    pub(crate) said: Vec<client::Output>,
}

impl Device {
    pub(crate) fn new(keys: DeviceKeys, roster: Roster) -> Self {
        Device {
            keys,
            roster,
            feed: Vec::new(),
            acknowledged: 0,
            cursor: None,
            applied: Vec::new(),
            said: Vec::new(),
        }
    }

    pub(crate) fn head(&self) -> (u64, EnvelopeHash) {
        let hash = self
            .feed
            .last()
            .map_or(EnvelopeHash::ZERO, |last| last.hash);
        (self.feed.len() as u64, hash)
    }

    /// Writes one envelope to the own feed.
    pub(crate) fn write(&mut self, dice: &mut Dice) {
        let (sequence, previous) = self.head();
        let draft = EnvelopeDraft {
            workspace: self.roster.workspace(),
            sequence: sequence + 1,
            previous,
            roster_head: self.roster.head(),
            cursor: self.cursor,
            batch: Some(BatchId::from_bytes([3; 16])),
        };
        let part = Part::Record {
            record: RecordId::from_bytes([sequence as u8; 16]),
            changes: vec![vec![sequence as u8; 40 + dice.below(200)].into()],
        };
        let ring = KeyRing::open(&self.roster, &self.keys.sealing);
        let mut fill = |bytes: &mut [u8]| dice.fill(bytes);
        let sealed = seal_envelope(&draft, &[part], &self.keys, &ring, &mut fill);
        self.feed.push(sealed.expect("seals"));
    }

    pub(crate) fn start(&self, dice: &mut Dice) -> Start {
        Start {
            workspace: self.roster.workspace(),
            identity: self.keys.signing.clone(),
            nonce: dice.nonce(),
            roster_head: self.roster.head(),
            own_head: self.head(),
            acknowledged: self.acknowledged,
            cursor: self.cursor,
        }
    }

    /// Does what a session asks for; returns what to tell it.
    pub(crate) fn act(&mut self, output: client::Output) -> Option<client::Input> {
        self.said.push(output.clone());
        match output {
            client::Output::ReadRoster => Some(client::Input::Roster {
                entries: self.roster.entries().to_vec(),
            }),
            client::Output::ReadOutbox { after_sequence, .. } => {
                let rest = self.feed.iter().skip(after_sequence as usize).take(3);
                let envelopes = rest.map(|e| (e.envelope.header.sequence, e.bytes.clone()));
                Some(client::Input::Outbox {
                    envelopes: envelopes.collect(),
                })
            }
            client::Output::Apply {
                first,
                items,
                cursor,
            } => {
                self.apply(first, items);
                self.cursor = Some(cursor);
                Some(client::Input::Applied { cursor })
            }
            client::Output::Acknowledged { sequence, .. } => {
                self.acknowledged = sequence;
                None
            }
            client::Output::Roster { entries } | client::Output::RosterMoved { entries, .. } => {
                self.take_roster(&entries);
                None
            }
            client::Output::Broken(broken) => panic!("broken: {broken}"),
            _ => None,
        }
    }

    pub(crate) fn take_roster(&mut self, entries: &[protocol::Blob]) {
        for entry in entries {
            let hash = protocol::Entry::decode(entry).expect("decodes").hash();
            if self.roster.entries_after(&hash).is_none() {
                self.roster.append(entry).expect("follows");
            }
        }
    }

    fn apply(&mut self, first: u64, items: Vec<Item>) {
        // A log that is read anew replaces what was there.
        self.applied.truncate(first as usize - 1);
        assert_eq!(self.applied.len() as u64 + 1, first, "no hole");
        for item in items {
            self.applied.push(match item {
                Item::Own { sequence, hash, .. } => {
                    assert_eq!(self.feed[sequence as usize - 1].hash, hash);
                    hash
                }
                Item::Envelope {
                    envelope, bytes, ..
                } => {
                    assert_eq!(envelope.encode(), *bytes, "read and received are the same");
                    assert_ne!(
                        envelope.header.feed,
                        self.keys.feed(),
                        "own ones come short"
                    );
                    envelope.hash()
                }
            });
        }
    }
}
