//! The workspace's keys: wrapped for each recipient in the roster, unwrapped in a ring.

use std::{collections::BTreeMap, fmt};

use hpke::{
    Deserializable, Kem, OpModeR, OpModeS, Serializable, aead::ChaCha20Poly1305, kdf::HkdfSha256,
    kem::X25519HkdfSha256, single_shot_open, single_shot_seal_with_rng,
};
use protocol::{KeyCheck, KeyEpoch, SealingKey, Wrap, WrappedKey, domain, hash, message};
use zeroize::Zeroizing;

use crate::{
    Roster, SealingIdentity,
    entropy::{Entropy, Source, draw},
};

/// A key that seals the parts of envelopes.
#[derive(Clone, PartialEq, Eq)]
pub struct WorkspaceKey(Zeroizing<[u8; 32]>);

impl WorkspaceKey {
    /// Draws a new key.
    pub fn generate(entropy: &mut (impl Entropy + ?Sized)) -> Self {
        WorkspaceKey(Zeroizing::new(draw(entropy)))
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns the hash by which the roster lets this key be recognised.
    pub(crate) fn check(&self) -> KeyCheck {
        KeyCheck::from_bytes(hash(domain::KEY_CHECK, &[&*self.0]))
    }

    /// Wraps the key for one recipient; none when the recipient's key is one to which nothing can be sealed.
    pub(crate) fn wrap(
        &self,
        recipient: &SealingKey,
        context: &WrapContext,
        entropy: &mut (impl Entropy + ?Sized),
    ) -> Option<Wrap> {
        let public = <X25519HkdfSha256 as Kem>::PublicKey::from_bytes(recipient.as_bytes()).ok()?;
        let (encapsulated, sealed) =
            single_shot_seal_with_rng::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
                &OpModeS::Base,
                &public,
                &context.info(),
                &*self.0,
                &[],
                &mut Source(entropy),
            )
            .ok()?;
        let mut bytes = encapsulated.to_bytes().to_vec();
        bytes.extend_from_slice(&sealed);
        Some(Wrap {
            recipient: *recipient,
            key: WrappedKey::from_slice(&bytes)?,
        })
    }

    fn unwrap(
        wrapped: &WrappedKey,
        context: &WrapContext,
        check: &KeyCheck,
        identity: &SealingIdentity,
    ) -> Option<Self> {
        let (encapsulated, sealed) = wrapped.as_bytes().split_at(32);
        let encapsulated = <X25519HkdfSha256 as Kem>::EncappedKey::from_bytes(encapsulated).ok()?;
        let clear = Zeroizing::new(
            single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
                &OpModeR::Base,
                &identity.secret(),
                &encapsulated,
                &context.info(),
                sealed,
                &[],
            )
            .ok()?,
        );
        let key = WorkspaceKey(Zeroizing::new(clear.as_slice().try_into().ok()?));
        (key.check() == *check).then_some(key)
    }
}

impl fmt::Debug for WorkspaceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WorkspaceKey")
    }
}

/// What a wrapped key is bound to: the workspace (or the founding salt) and the number of the key.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WrapContext {
    pub(crate) place: [u8; 32],
    pub(crate) number: u32,
}

impl WrapContext {
    fn info(&self) -> Vec<u8> {
        message(domain::WRAP, &[&self.place, &self.number.to_be_bytes()])
    }
}

/// A wrapped key as the roster keeps it for a recipient.
#[derive(Debug, Clone)]
pub(crate) struct KeptWrap {
    pub(crate) context: WrapContext,
    pub(crate) key: WrappedKey,
}

/// The workspace keys that a device or an invite can read, by their numbers.
#[derive(Debug, Clone, Default)]
pub struct KeyRing {
    keys: BTreeMap<u32, WorkspaceKey>,
}

impl KeyRing {
    /// Unwraps all keys of the roster that are wrapped for the identity.
    pub fn open(roster: &Roster, identity: &SealingIdentity) -> Self {
        let mut ring = KeyRing::default();
        ring.update(roster, identity);
        ring
    }

    /// Unwraps the keys that the roster gained; tells whether there were any.
    ///
    /// A wrap that does not open, or holds another key than the roster says, is passed over: another may be good.
    pub fn update(&mut self, roster: &Roster, identity: &SealingIdentity) -> bool {
        let before = self.keys.len();
        for wrap in roster.wraps_for(&identity.key()) {
            let number = wrap.context.number;
            let Some(check) = roster.key_check(number) else {
                continue;
            };
            if self.keys.contains_key(&number) {
                continue;
            }
            if let Some(key) = WorkspaceKey::unwrap(&wrap.key, &wrap.context, &check, identity) {
                self.keys.insert(number, key);
            }
        }
        self.keys.len() > before
    }

    /// Returns the key of an epoch.
    pub fn get(&self, epoch: u32) -> Option<&WorkspaceKey> {
        self.keys.get(&epoch)
    }

    /// Returns the newest key with its number.
    pub fn newest(&self) -> Option<(u32, &WorkspaceKey)> {
        self.keys
            .last_key_value()
            .map(|(number, key)| (*number, key))
    }

    /// Returns the numbers of all keys, ascending.
    pub fn epochs(&self) -> impl Iterator<Item = u32> + '_ {
        self.keys.keys().copied()
    }

    pub(crate) fn insert(&mut self, number: u32, key: WorkspaceKey) {
        self.keys.insert(number, key);
    }

    /// Wraps every key of the ring for one recipient.
    pub(crate) fn wrap_all(
        &self,
        place: &[u8; 32],
        recipient: &SealingKey,
        entropy: &mut (impl Entropy + ?Sized),
    ) -> Option<Vec<KeyEpoch>> {
        self.keys
            .iter()
            .map(|(number, key)| {
                let context = WrapContext {
                    place: *place,
                    number: *number,
                };
                Some(KeyEpoch {
                    number: *number,
                    wraps: vec![key.wrap(recipient, &context, entropy)?],
                    check: key.check(),
                })
            })
            .collect()
    }
}
