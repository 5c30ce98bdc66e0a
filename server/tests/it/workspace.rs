//! Real keys, rosters and envelopes for the tests.

use std::collections::BTreeMap;

use protocol::{Blob, Cursor, Cut, Envelope, EnvelopeHash, FeedId, Part, RecordId, Role, What};
use sync::client::{Input, Missing, Start};
use vault::{DeviceKeys, EnvelopeDraft, InviteSecret, InviteTerms, KeyRing, Roster, seal_envelope};

/// Random numbers from a seed (splitmix64).
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Dice(seed)
    }

    pub(crate) fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^= z >> 31;
            chunk.copy_from_slice(&z.to_le_bytes()[..chunk.len()]);
        }
    }

    pub(crate) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }
}

/// A device with its feed.
pub(crate) struct Device {
    pub(crate) keys: DeviceKeys,
    pub(crate) roster: Roster,
    pub(crate) feed: Vec<(EnvelopeHash, Vec<u8>)>,
    pub(crate) dice: Dice,
    /// What others wrote, as far as it came here.
    pub(crate) others: Vec<(Cut, Blob)>,
    pub(crate) cursor: Option<Cursor>,
}

/// Founds a workspace with so many devices.
pub(crate) fn workspace(seed: u64, devices: usize) -> Vec<Device> {
    let mut dice = Dice::new(seed);
    let mut fill = |bytes: &mut [u8]| dice.fill(bytes);
    let founder = DeviceKeys::generate(&mut fill);
    let (mut roster, ring) = Roster::found(&founder, 0, &mut fill).expect("founds");
    let mut all = vec![founder.clone()];
    for _ in 1..devices {
        let secret = InviteSecret::generate(&mut fill);
        let terms = InviteTerms {
            member: None,
            role: Role::Member,
            uses: 1,
            expires_ms: u64::MAX,
            reserved: Vec::new(),
        };
        let entry = roster.sign_invite(&founder.signing, &ring, &secret, &terms, 1, &mut fill);
        roster.append(&entry.expect("invites")).expect("follows");
        let keys = DeviceKeys::generate(&mut fill);
        let entry = roster.sign_join(&secret, &keys, 2, &mut fill);
        roster.append(&entry.expect("joins")).expect("follows");
        all.push(keys);
    }
    let devices = (1..).zip(all).map(|(number, keys)| Device {
        keys,
        roster: roster.clone(),
        feed: Vec::new(),
        dice: Dice::new(seed * 1000 + number),
        others: Vec::new(),
        cursor: None,
    });
    devices.collect()
}

impl Device {
    /// Writes an envelope of about so many bytes.
    pub(crate) fn write(&mut self, bytes: usize) {
        let mut change = vec![0; bytes];
        self.dice.fill(&mut change);
        let draft = EnvelopeDraft {
            workspace: self.roster.workspace(),
            sequence: self.feed.len() as u64 + 1,
            previous: self.feed.last().map_or(EnvelopeHash::ZERO, |last| last.0),
            roster_head: self.roster.head(),
            cursor: None,
            batch: None,
        };
        let part = Part::Record {
            record: RecordId::from_bytes([1; 16]),
            changes: vec![change.into()],
        };
        let ring = KeyRing::open(&self.roster, &self.keys.sealing);
        let mut fill = |bytes: &mut [u8]| self.dice.fill(bytes);
        let sealed = seal_envelope(&draft, &[part], &self.keys, &ring, &mut fill).expect("seals");
        self.feed.push((sealed.hash, sealed.bytes));
    }

    pub(crate) fn start(&mut self) -> Start {
        Start {
            workspace: self.roster.workspace(),
            identity: self.keys.signing.clone(),
            nonce: protocol::Nonce::from_bytes(self.dice.bytes()),
            roster_head: self.roster.head(),
            own_head: self.head(),
            acknowledged: 0,
            cursor: None,
        }
    }

    /// Keeps an envelope of somebody else, once.
    pub(crate) fn keep(&mut self, bytes: &Blob) {
        let envelope = Envelope::decode(bytes).expect("decodes");
        let cut = Cut {
            feed: envelope.header.feed,
            sequence: envelope.header.sequence,
            hash: envelope.hash(),
        };
        if !self.others.iter().any(|(known, _)| *known == cut) {
            self.others.push((cut, bytes.clone()));
        }
    }

    /// Where the own feed stands; none before it has written.
    pub(crate) fn own_cut(&self) -> Option<Cut> {
        let (sequence, hash) = self.head();
        let feed = self.keys.feed();
        (sequence > 0).then_some(Cut {
            feed,
            sequence,
            hash,
        })
    }

    /// Where all feeds stand.
    pub(crate) fn heads(&self) -> Vec<Cut> {
        let others = self.others.iter().map(|(cut, _)| (cut.feed, *cut));
        let own = self.own_cut().map(|cut| (cut.feed, cut));
        let heads: BTreeMap<FeedId, Cut> = others.chain(own).collect();
        heads.into_values().collect()
    }

    /// The hash of an envelope that is here.
    pub(crate) fn hash_at(&self, feed: &FeedId, sequence: u64) -> Option<EnvelopeHash> {
        if *feed == self.keys.feed() {
            return self.feed.get(sequence as usize - 1).map(|one| one.0);
        }
        let mut others = self.others.iter().map(|one| one.0);
        let found = others.find(|cut| cut.feed == *feed && cut.sequence == sequence);
        found.map(|cut| cut.hash)
    }

    /// What somebody lacks of what is here.
    pub(crate) fn lacking(&self, missing: &[Missing]) -> Vec<Blob> {
        let lacks = |cut: &Cut| {
            let mut pieces = missing.iter().filter(|piece| piece.feed == cut.feed);
            pieces.any(|piece| (piece.from..=piece.to).contains(&cut.sequence))
        };
        let own = (1..).zip(&self.feed).map(|(sequence, (hash, bytes))| {
            let feed = self.keys.feed();
            let cut = Cut {
                feed,
                sequence,
                hash: *hash,
            };
            (cut, Blob::from(bytes.as_slice()))
        });
        let all = self.others.iter().cloned().chain(own);
        all.filter(|(cut, _)| lacks(cut)).map(|one| one.1).collect()
    }

    /// Signs a roster entry on top of what is known here.
    pub(crate) fn sign(&self, what: What) -> Input {
        let entry = self.roster.sign(&self.keys.signing, what, 9).expect("may");
        Input::AppendRoster {
            expected_head: self.roster.head(),
            entries: vec![entry.into()],
        }
    }

    pub(crate) fn head(&self) -> (u64, EnvelopeHash) {
        let hash = self.feed.last().map_or(EnvelopeHash::ZERO, |last| last.0);
        (self.feed.len() as u64, hash)
    }
}
