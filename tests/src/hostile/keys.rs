//! A workspace whose secrets are all known, so that anything can be signed and sealed in it.

use std::sync::OnceLock;

use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use ed25519_dalek::Signer;
use protocol::{
    Body, Cut, Domain, Entry, EnvelopeHash, Header, KeyCheck, PartHash, Revocation, Role,
    Signature, What, WorkspaceId, domain, hash, message,
};
use vault::{DeviceKeys, InviteSecret, InviteTerms, KeyRing, Roster, SealedEnvelope};

/// What all "random" bytes of the workspace are, its key's too.
pub const FILL: u8 = 7;

/// When the invites of the workspace end, ms since 1970.
pub const INVITES_END_MS: u64 = 1_900_000_000_000;

/// The clock of all that happens, ms since 1970.
pub const NOW_MS: u64 = 1_800_000_000_000;

/// Fills bytes as the workspace's randomness does.
pub fn fill(bytes: &mut [u8]) {
    bytes.fill(FILL);
}

/// Somebody who has secret keys: a device, a stranger or an invite.
#[derive(Debug, Clone)]
pub struct Hand {
    /// The keys, as a device has them.
    pub keys: DeviceKeys,
    seed: [u8; 32],
}

impl Hand {
    /// Makes the hand of a number.
    #[must_use]
    pub fn new(number: u8) -> Self {
        Self {
            keys: DeviceKeys::from_seeds(&[number; 32], &[number + 100; 32]),
            seed: [number; 32],
        }
    }

    /// Signs whatever it is.
    #[must_use]
    pub fn sign(&self, domain: Domain, parts: &[&[u8]]) -> Signature {
        let key = ed25519_dalek::SigningKey::from_bytes(&self.seed);
        Signature::from_bytes(key.sign(&message(domain, parts)).to_bytes())
    }

    /// Signs a roster entry, whatever its body says.
    #[must_use]
    pub fn entry(&self, body: Vec<u8>) -> Vec<u8> {
        let hash = hash(domain::ROSTER, &[&body]);
        let signature = self.sign(domain::SIGN_ROSTER, &[&hash]);
        let body = body.into();
        Entry { body, signature }.encode()
    }

    /// Signs an envelope, whatever its header says.
    #[must_use]
    pub fn envelope(&self, header: &Header, parts: Vec<Option<Vec<u8>>>) -> Vec<u8> {
        let header_bytes = header.encode();
        let hash = EnvelopeHash::of(&header_bytes);
        protocol::Envelope {
            header_bytes: header_bytes.into(),
            header: header.clone(),
            signature: self.sign(domain::SIGN_ENVELOPE, &[hash.as_bytes()]),
            parts: parts.into_iter().map(|part| part.map(Into::into)).collect(),
        }
        .encode()
    }
}

/// The places of the hands of a [`Company`].
pub mod who {
    /// The founder, an owner.
    pub const OWNER: usize = 0;
    /// An admin.
    pub const ADMIN: usize = 1;
    /// A member.
    pub const MEMBER: usize = 2;
    /// A guest.
    pub const GUEST: usize = 3;
    /// A member whose device is revoked.
    pub const REVOKED: usize = 4;
    /// Nobody of the workspace.
    pub const STRANGER: usize = 5;
    /// How many there are.
    pub const COUNT: usize = 6;
}

/// A workspace with one device of each role, one that is revoked, a stranger and an open invite.
#[derive(Debug)]
pub struct Company {
    /// Its roster.
    pub roster: Roster,
    /// All hands, in the order of [`who`].
    pub hands: Vec<Hand>,
    /// The secret of the open invite, of two uses.
    pub invite: InviteSecret,
    /// What the revoked device had written before.
    pub written: Vec<SealedEnvelope>,
}

impl Company {
    /// Gives the one workspace of all targets.
    #[must_use]
    pub fn get() -> &'static Self {
        static COMPANY: OnceLock<Company> = OnceLock::new();
        COMPANY.get_or_init(Self::found)
    }

    fn found() -> Self {
        let hands: Vec<Hand> = (1..=who::COUNT as u8).map(Hand::new).collect();
        let owner = &hands[who::OWNER].keys;
        let (mut roster, ring) = Roster::found(owner, 1, &mut fill).expect("founds");
        let invited = |roster: &mut Roster, role, secret: u8, uses| {
            let secret = InviteSecret::from_bytes([secret; 32]);
            let terms = InviteTerms {
                member: None,
                role,
                uses,
                expires_ms: INVITES_END_MS,
                reserved: Vec::new(),
            };
            let entry = roster
                .sign_invite(&owner.signing, &ring, &secret, &terms, 2, &mut fill)
                .expect("invites");
            roster.append(&entry).expect("follows");
            secret
        };
        let roles = [Role::Admin, Role::Member, Role::Guest, Role::Member];
        for (hand, role) in hands[1..].iter().zip(roles) {
            let secret = invited(&mut roster, role, 60 + hand.seed[0], 1);
            let entry = roster.sign_join(&secret, &hand.keys, 3, &mut fill);
            roster.append(&entry.expect("joins")).expect("follows");
        }
        let written = write(&roster, &hands[who::REVOKED], 3);
        let last = &written[2];
        let feed = hands[who::REVOKED].keys.feed();
        let what = What::Revoke(Revocation {
            feeds: vec![feed],
            cuts: vec![Cut {
                feed,
                sequence: 2,
                hash: written[1].hash,
            }],
        });
        assert_ne!(last.hash, written[1].hash);
        let entry = roster.sign(&owner.signing, what, 4).expect("revokes");
        roster.append(&entry).expect("follows");
        let invite = invited(&mut roster, Role::Member, 90, 2);
        Self {
            roster,
            hands,
            invite,
            written,
        }
    }

    /// Gives the keys that a hand can read.
    #[must_use]
    pub fn ring(&self, hand: usize) -> KeyRing {
        KeyRing::open(&self.roster, &self.hands[hand].keys.sealing)
    }

    /// Gives a header that is right in all, for a hand that has written nothing yet.
    #[must_use]
    pub fn header(&self, hand: usize) -> Header {
        Header {
            version: 1,
            min_reader: 1,
            workspace: self.roster.workspace(),
            feed: self.hands[hand].keys.feed(),
            sequence: 1,
            previous: EnvelopeHash::ZERO,
            roster_head: self.roster.head(),
            cursor: None,
            batch: None,
            key_epoch: 1,
            parts: Vec::new(),
            key_id: check().id(),
            rescued: None,
        }
    }

    /// Gives a body that is right in all but what it does.
    #[must_use]
    pub fn body(&self, hand: usize, what: What) -> Body {
        Body {
            version: 1,
            workspace: self.roster.workspace(),
            previous: self.roster.head(),
            time_ms: 5,
            author: self.hands[hand].keys.signing.key(),
            what,
            min_reader: 1,
        }
    }
}

/// The hash by which the workspace key is known.
fn check() -> KeyCheck {
    KeyCheck::from_bytes(hash(domain::KEY_CHECK, &[&[FILL; 32]]))
}

/// Seals a frame of a part, whatever it is, with the workspace's key.
#[must_use]
pub fn seal(workspace: &WorkspaceId, framed: &[u8]) -> Vec<u8> {
    let nonce = [0; 24];
    let bound = message(
        domain::SEAL,
        &[
            &[1],
            workspace.as_bytes(),
            &1_u32.to_be_bytes(),
            check().id().as_bytes(),
        ],
    );
    let sealed = XChaCha20Poly1305::new(&[FILL; 32].into())
        .encrypt(
            &XNonce::from(nonce),
            Payload {
                msg: framed,
                aad: &bound,
            },
        )
        .expect("seals");
    [&nonce[..], &sealed].concat()
}

/// Puts the frame of a part around bytes, padding included.
#[must_use]
pub fn frame(algorithm: u8, bytes: &[u8]) -> Vec<u8> {
    let mut framed = vec![algorithm];
    framed.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
    framed.extend_from_slice(bytes);
    framed.resize(framed.len().next_multiple_of(32), 0);
    framed
}

/// Lets a device write some envelopes of one part each.
#[must_use]
pub fn write(roster: &Roster, hand: &Hand, count: u64) -> Vec<SealedEnvelope> {
    let ring = KeyRing::open(roster, &hand.keys.sealing);
    let mut all: Vec<SealedEnvelope> = Vec::new();
    for sequence in 1..=count {
        let draft = vault::EnvelopeDraft {
            workspace: roster.workspace(),
            sequence,
            previous: all.last().map_or(EnvelopeHash::ZERO, |last| last.hash),
            roster_head: roster.head(),
            cursor: None,
            batch: None,
        };
        let part = protocol::Part::Record {
            record: protocol::RecordId::from_bytes([sequence as u8; 16]),
            changes: vec![vec![sequence as u8; 40].into()],
        };
        let sealed = vault::seal_envelope(&draft, &[part], &hand.keys, &ring, &mut fill);
        all.push(sealed.expect("seals"));
    }
    all
}

/// Names sealed parts as a header does.
#[must_use]
pub fn part_hashes(parts: &[Vec<u8>]) -> Vec<PartHash> {
    parts.iter().map(|part| PartHash::of(part)).collect()
}
