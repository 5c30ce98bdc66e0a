//! The secret keys of devices, invites and relays, and the checking of signatures.

use std::fmt;

use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use hpke::{Deserializable, Kem, Serializable, kem::X25519HkdfSha256};
use protocol::{Domain, FeedId, InviteKey, RelayKey, SealingKey, Signature, SignerKey, message};
use zeroize::{Zeroize, Zeroizing};

use crate::entropy::{Entropy, draw};

/// Says that a signature does not belong to the key and the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signature is false")]
pub struct BadSignature;

/// Signs for a device, an invite or a relay.
#[derive(Clone)]
pub struct SigningIdentity(SigningKey);

impl SigningIdentity {
    /// Makes the identity of a 32-byte seed.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        SigningIdentity(SigningKey::from_bytes(seed))
    }

    /// Returns the seed, for a file that only its owner can read.
    pub fn to_seed(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes())
    }

    /// Returns the public key.
    pub fn key(&self) -> SignerKey {
        SignerKey::from_bytes(self.0.verifying_key().to_bytes())
    }

    /// Returns the public key as that of a device.
    pub fn feed(&self) -> FeedId {
        self.key().into()
    }

    /// Returns the public key as that of an invite.
    pub fn invite(&self) -> InviteKey {
        self.key().into()
    }

    /// Returns the public key as that of a relay.
    pub fn relay(&self) -> RelayKey {
        RelayKey::from_bytes(*self.key().as_bytes())
    }

    /// Signs the domain and the parts.
    pub(crate) fn sign(&self, domain: Domain, parts: &[&[u8]]) -> Signature {
        Signature::from_bytes(self.0.sign(&message(domain, parts)).to_bytes())
    }
}

impl fmt::Debug for SigningIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningIdentity({:?})", self.key())
    }
}

/// Checks a signature over the domain and the parts.
///
/// Strictly: weak keys and malleable signatures are refused, so that all verifiers agree.
pub(crate) fn verify(
    key: &SignerKey,
    domain: Domain,
    parts: &[&[u8]],
    signature: &Signature,
) -> Result<(), BadSignature> {
    VerifyingKey::from_bytes(key.as_bytes())
        .and_then(|key| {
            key.verify_strict(
                &message(domain, parts),
                &ed25519_dalek::Signature::from_bytes(signature.as_bytes()),
            )
        })
        .map_err(|_| BadSignature)
}

/// Opens what was wrapped for a device or an invite.
#[derive(Clone)]
pub struct SealingIdentity {
    seed: Zeroizing<[u8; 32]>,
    public: SealingKey,
}

impl SealingIdentity {
    /// Makes the identity of a 32-byte seed, which is the x25519 secret (clamped in use).
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        let public = X25519HkdfSha256::sk_to_pk(&secret(seed));
        SealingIdentity {
            seed: Zeroizing::new(*seed),
            public: SealingKey::from_bytes(public.to_bytes().into()),
        }
    }

    /// Returns the public key.
    pub fn key(&self) -> SealingKey {
        self.public
    }

    /// Returns the secret key in the form of the cipher crate.
    pub(crate) fn secret(&self) -> <X25519HkdfSha256 as Kem>::PrivateKey {
        secret(&self.seed)
    }
}

fn secret(seed: &[u8; 32]) -> <X25519HkdfSha256 as Kem>::PrivateKey {
    <X25519HkdfSha256 as Kem>::PrivateKey::from_bytes(seed)
        .expect("any 32 bytes are an x25519 secret")
}

impl fmt::Debug for SealingIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealingIdentity({:?})", self.public)
    }
}

/// The two identities of a device, as its key file holds them.
#[derive(Clone, Debug)]
pub struct DeviceKeys {
    /// Signs envelopes, roster entries and sessions.
    pub signing: SigningIdentity,
    /// Opens wrapped workspace keys.
    pub sealing: SealingIdentity,
}

const KEY_FILE_MAGIC: &[u8] = b"handschlag keys 1\0";

/// The number of bytes of a key file.
pub const KEY_FILE_LEN: usize = KEY_FILE_MAGIC.len() + 64;

/// Says that bytes are not those of a key file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyFileError {
    /// The file does not begin as key files do.
    #[error("this is not a key file of this version")]
    NotAKeyFile,
    /// The file is cut off or has more than it should.
    #[error("a key file has {KEY_FILE_LEN} bytes, this one has {bytes}")]
    WrongLength {
        /// How many bytes it has.
        bytes: usize,
    },
}

impl DeviceKeys {
    /// Makes the keys of two 32-byte seeds.
    pub fn from_seeds(signing: &[u8; 32], sealing: &[u8; 32]) -> Self {
        DeviceKeys {
            signing: SigningIdentity::from_seed(signing),
            sealing: SealingIdentity::from_seed(sealing),
        }
    }

    /// Draws new keys.
    pub fn generate(entropy: &mut (impl Entropy + ?Sized)) -> Self {
        let (mut signing, mut sealing) = (draw(entropy), draw(entropy));
        let keys = DeviceKeys::from_seeds(&signing, &sealing);
        signing.zeroize();
        sealing.zeroize();
        keys
    }

    /// Returns the feed that these keys write.
    pub fn feed(&self) -> FeedId {
        self.signing.feed()
    }

    /// Writes the key file: a magic text, a zero byte, signing seed, sealing seed.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(KEY_FILE_LEN));
        bytes.extend_from_slice(KEY_FILE_MAGIC);
        bytes.extend_from_slice(&*self.signing.to_seed());
        bytes.extend_from_slice(&*self.sealing.seed);
        bytes
    }

    /// Reads a key file.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyFileError> {
        let seeds = bytes
            .strip_prefix(KEY_FILE_MAGIC)
            .ok_or(KeyFileError::NotAKeyFile)?;
        match seeds.as_chunks::<32>() {
            ([signing, sealing], []) => Ok(DeviceKeys::from_seeds(signing, sealing)),
            _ => Err(KeyFileError::WrongLength { bytes: bytes.len() }),
        }
    }
}
