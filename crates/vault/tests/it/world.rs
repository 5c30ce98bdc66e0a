//! A small workspace from fixed seeds.

use protocol::{Body, Cut, Entry, EnvelopeHash, Part, RecordId, Role, What};
use vault::{
    DeviceKeys, Entropy, EnvelopeDraft, InviteSecret, InviteTerms, KeyRing, Roster, RosterError,
    SealedEnvelope, seal_envelope,
};

pub(crate) const TIME_MS: u64 = 1_790_000_000_000;
pub(crate) const EXPIRES_MS: u64 = 1_800_000_000_000;

/// Counts up: never good for keys, always good for golden bytes.
pub(crate) struct Counting(pub(crate) u8);

impl Entropy for Counting {
    fn fill(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte = self.0;
            self.0 = self.0.wrapping_add(1);
        }
    }
}

pub(crate) fn keys(seed: u8) -> DeviceKeys {
    DeviceKeys::from_seeds(&[seed; 32], &[seed + 100; 32])
}

/// Signs as the device of [`keys`] with that seed, whatever the bytes are.
pub(crate) fn sign_as(seed: u8, domain: protocol::Domain, hash: &[u8; 32]) -> protocol::Signature {
    use ed25519_dalek::Signer;
    let key = ed25519_dalek::SigningKey::from_bytes(&[seed; 32]);
    let message = protocol::message(domain, &[hash]);
    protocol::Signature::from_bytes(key.sign(&message).to_bytes())
}

pub(crate) fn secret(seed: u8) -> InviteSecret {
    InviteSecret::from_bytes([seed; 32])
}

pub(crate) fn terms(role: Role) -> InviteTerms {
    InviteTerms {
        member: None,
        role,
        uses: 1,
        expires_ms: EXPIRES_MS,
        reserved: vec![],
    }
}

/// A workspace with its founder.
pub(crate) struct World {
    pub(crate) roster: Roster,
    pub(crate) ring: KeyRing,
    pub(crate) owner: DeviceKeys,
    pub(crate) entropy: Counting,
}

impl World {
    pub(crate) fn new() -> Self {
        let mut entropy = Counting(0);
        let owner = keys(1);
        let (roster, ring) = Roster::found(&owner, TIME_MS, &mut entropy).expect("founded");
        World {
            roster,
            ring,
            owner,
            entropy,
        }
    }

    pub(crate) fn invite(&mut self, seed: u8, terms: &InviteTerms) -> Result<(), RosterError> {
        let entry = self.roster.sign_invite(
            &self.owner.signing,
            &self.ring,
            &secret(seed),
            terms,
            TIME_MS,
            &mut self.entropy,
        )?;
        self.roster.append(&entry)
    }

    pub(crate) fn join(&mut self, invite: u8, device: u8) -> Result<DeviceKeys, RosterError> {
        let keys = keys(device);
        let entry = self
            .roster
            .sign_join(&secret(invite), &keys, TIME_MS, &mut self.entropy)?;
        self.roster.append(&entry)?;
        Ok(keys)
    }

    /// Lets in one device of a new member.
    pub(crate) fn add(&mut self, seed: u8, role: Role) -> DeviceKeys {
        self.invite(seed + 50, &terms(role)).expect("invited");
        self.join(seed + 50, seed).expect("joined")
    }

    pub(crate) fn sign(&mut self, author: &DeviceKeys, what: What) -> Result<(), RosterError> {
        let entry = self.roster.sign(&author.signing, what, TIME_MS)?;
        self.roster.append(&entry)
    }

    /// Appends an entry whose author does not ask the rules first.
    pub(crate) fn force(&mut self, author: &DeviceKeys, what: What) -> Result<(), RosterError> {
        let donor = self.roster.entries().last().expect("founded");
        let donor = Entry::decode(donor).expect("an entry");
        let mut body = Body::decode(&donor.body).expect("a body");
        body.workspace = self.roster.workspace();
        body.previous = self.roster.head();
        body.author = author.signing.key();
        body.what = what;
        let body = body.encode();
        // The signature is wrong, which is looked at last: what the rules say comes first.
        let entry = Entry {
            body: body.into(),
            signature: donor.signature,
        };
        self.roster.append(&entry.encode())
    }

    pub(crate) fn seal(
        &mut self,
        author: &DeviceKeys,
        before: Option<&SealedEnvelope>,
    ) -> SealedEnvelope {
        let draft = EnvelopeDraft {
            workspace: self.roster.workspace(),
            sequence: before.map_or(1, |b| b.envelope.header.sequence + 1),
            previous: before.map_or(EnvelopeHash::ZERO, |b| b.hash),
            roster_head: self.roster.head(),
            cursor: None,
            batch: None,
        };
        seal_envelope(&draft, &parts(), author, &self.ring, &mut self.entropy).expect("sealed")
    }
}

pub(crate) fn parts() -> Vec<Part> {
    vec![
        Part::Record {
            record: RecordId::from_bytes([3; 16]),
            changes: vec![vec![5; 300].into(), b"a second change"[..].into()],
        },
        Part::Record {
            record: RecordId::from_bytes([4; 16]),
            changes: vec![b"short"[..].into()],
        },
    ]
}

pub(crate) fn cut_at(envelope: &SealedEnvelope) -> Cut {
    envelope.envelope.cut()
}
