//! Real keys, rosters and envelopes for the tests.

use protocol::{EnvelopeHash, Part, RecordId, Role};
use sync::client::Start;
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

    pub(crate) fn head(&self) -> (u64, EnvelopeHash) {
        let hash = self.feed.last().map_or(EnvelopeHash::ZERO, |last| last.0);
        (self.feed.len() as u64, hash)
    }
}
