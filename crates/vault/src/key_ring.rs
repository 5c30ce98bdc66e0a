//! The workspace's keys: wrapped for each recipient in the roster, unwrapped in a ring.

use std::{collections::BTreeMap, fmt};

use hpke::{
    Deserializable, Kem, OpModeR, OpModeS, Serializable, aead::ChaCha20Poly1305, kdf::HkdfSha256,
    kem::X25519HkdfSha256, single_shot_open, single_shot_seal_with_rng,
};
use protocol::{KeyCheck, KeyEpoch, KeyId, SealingKey, Wrap, WrappedKey, domain, hash, message};
use zeroize::Zeroizing;

use crate::{
    Roster, SealingIdentity,
    entropy::{Entropy, Source, draw},
};

/// Names a workspace key in an envelope.
///
/// Two branches of a roster may each have had a key of one number, so the number alone does not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyName {
    /// The number of the key epoch, from 1.
    pub number: u32,
    /// Which of the keys with that number.
    pub id: KeyId,
}

impl KeyName {
    /// Returns the name of the key that seals the parts of an envelope.
    pub fn of(header: &protocol::Header) -> Self {
        KeyName {
            number: header.key_epoch,
            id: header.key_id,
        }
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.number, self.id)
    }
}

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

    /// Returns the name that tells this key from others of its number.
    pub fn id(&self) -> KeyId {
        self.check().id()
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
    pub(crate) check: KeyCheck,
    pub(crate) key: WrappedKey,
}

/// The workspace keys that a device or an invite can read, those of lost branches of the roster included.
#[derive(Debug, Clone, Default)]
pub struct KeyRing {
    keys: BTreeMap<KeyName, WorkspaceKey>,
    newest: Option<KeyName>,
}

impl KeyRing {
    /// Unwraps all keys of the roster, and of the lost branches that it keeps, that are wrapped for the identity.
    pub fn open(roster: &Roster, identity: &SealingIdentity) -> Self {
        let mut ring = KeyRing::default();
        ring.update(roster, identity);
        ring
    }

    /// Unwraps the keys that the roster gained; tells whether there were any.
    ///
    /// A wrap that does not open, or holds another key than its entry says, is passed over: another may be good.
    pub fn update(&mut self, roster: &Roster, identity: &SealingIdentity) -> bool {
        let before = self.keys.len();
        let recipient = identity.key();
        let lost = roster.lost_wraps_for(&recipient);
        for wrap in roster.wraps_for(&recipient).iter().chain(lost) {
            let name = KeyName {
                number: wrap.context.number,
                id: wrap.check.id(),
            };
            if self.keys.contains_key(&name) {
                continue;
            }
            if let Some(key) = WorkspaceKey::unwrap(&wrap.key, &wrap.context, &wrap.check, identity)
            {
                self.keys.insert(name, key);
            }
        }
        self.newest = roster
            .key_names()
            .rev()
            .find(|name| self.keys.contains_key(name));
        self.keys.len() > before
    }

    /// Returns a key by its name.
    pub fn get(&self, name: &KeyName) -> Option<&WorkspaceKey> {
        self.keys.get(name)
    }

    /// Returns the newest key of the roster that this ring holds, with its name; never one of a lost branch.
    pub fn newest(&self) -> Option<(KeyName, &WorkspaceKey)> {
        let name = self.newest?;
        Some((name, self.keys.get(&name)?))
    }

    /// Returns the names of all keys, ascending by their numbers.
    pub fn names(&self) -> impl Iterator<Item = KeyName> + '_ {
        self.keys.keys().copied()
    }

    /// Begins a ring with the first key of a workspace.
    pub(crate) fn begin(key: WorkspaceKey) -> Self {
        let name = KeyName {
            number: 1,
            id: key.id(),
        };
        KeyRing {
            keys: BTreeMap::from([(name, key)]),
            newest: Some(name),
        }
    }

    /// Wraps every key that the roster knows for some, as entries that let somebody in carry them.
    ///
    /// None when the key of a recipient is one to which nothing can be sealed.
    pub(crate) fn wrap_known(
        &self,
        roster: &Roster,
        recipients: &[SealingKey],
        entropy: &mut (impl Entropy + ?Sized),
    ) -> Option<Vec<KeyEpoch>> {
        let place = *roster.workspace().as_bytes();
        self.keys
            .iter()
            .filter(|(name, key)| roster.knows_key(name.number, &key.check()))
            .map(|(name, key)| {
                let number = name.number;
                let context = WrapContext { place, number };
                let wraps = recipients
                    .iter()
                    .map(|recipient| key.wrap(recipient, &context, entropy));
                Some(KeyEpoch {
                    number,
                    wraps: wraps.collect::<Option<_>>()?,
                    check: key.check(),
                })
            })
            .collect()
    }

    /// Wraps one key for all of some to whom something can be sealed; none when the ring does not hold it.
    pub(crate) fn wrap_one(
        &self,
        roster: &Roster,
        number: u32,
        check: &KeyCheck,
        recipients: &[SealingKey],
        entropy: &mut (impl Entropy + ?Sized),
    ) -> Option<KeyEpoch> {
        let id = check.id();
        let key = self.keys.get(&KeyName { number, id })?;
        let place = *roster.workspace().as_bytes();
        let context = WrapContext { place, number };
        let wraps = recipients
            .iter()
            .filter_map(|recipient| key.wrap(recipient, &context, entropy));
        Some(KeyEpoch {
            number,
            wraps: wraps.collect(),
            check: *check,
        })
    }
}
