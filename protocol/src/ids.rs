//! The names of bytes: ids, hashes, public keys and signatures, each a type of its own.

use std::{fmt, ops::Deref, sync::Arc};

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use minicbor::{
    Decode, Decoder, Encode, Encoder, decode,
    encode::{self, Write},
};

use crate::IdError;

macro_rules! byte_name {
    ($(#[$doc:meta])* $name:ident, $len:literal, $encoding:ident, $expected:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $len]);

        impl $name {
            /// The number of its bytes.
            pub const LEN: usize = $len;

            /// All zeros, which stands for "none" where the format says so.
            pub const ZERO: Self = $name([0; $len]);

            /// Takes the bytes as they are.
            pub const fn from_bytes(bytes: [u8; $len]) -> Self {
                $name(bytes)
            }

            /// Takes the bytes when their number is right.
            pub fn from_slice(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map($name)
            }

            /// Returns the bytes.
            pub const fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }

            /// Tells whether it is all zeros.
            pub fn is_zero(&self) -> bool {
                self.0.iter().all(|byte| *byte == 0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&$encoding.encode(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), HEXLOWER.encode(&self.0[..4]))
            }
        }

        impl std::str::FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                $encoding
                    .decode(text.as_bytes())
                    .ok()
                    .and_then(|bytes| Self::from_slice(&bytes))
                    .ok_or_else(|| IdError {
                        kind: stringify!($name),
                        text: text.chars().take(80).collect(),
                        expected: $expected,
                    })
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <String as serde::Deserialize>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl<C> Encode<C> for $name {
            fn encode<W: Write>(
                &self,
                e: &mut Encoder<W>,
                _: &mut C,
            ) -> Result<(), encode::Error<W::Error>> {
                e.bytes(&self.0)?.ok()
            }
        }

        impl<'b, C> Decode<'b, C> for $name {
            fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, decode::Error> {
                let at = d.position();
                Self::from_slice(d.bytes()?).ok_or_else(|| {
                    decode::Error::message(concat!(
                        stringify!($name),
                        " needs ",
                        stringify!($len),
                        " bytes"
                    ))
                    .at(at)
                })
            }
        }
    };
}

macro_rules! hex_name {
    ($(#[$doc:meta])* $name:ident, 8) => {
        byte_name!($(#[$doc])* $name, 8, HEXLOWER, "16 hexadecimal digits");
    };
    ($(#[$doc:meta])* $name:ident, 16) => {
        byte_name!($(#[$doc])* $name, 16, HEXLOWER, "32 hexadecimal digits");
    };
    ($(#[$doc:meta])* $name:ident, 32) => {
        byte_name!($(#[$doc])* $name, 32, HEXLOWER, "64 hexadecimal digits");
    };
}

hex_name!(
    /// The id of a record: UUIDv7 when a person made it, UUIDv5 when a rule made it.
    RecordId, 16
);
hex_name!(
    /// The id of a member's record: UUIDv5 of the signing key of the invite, or of the founding device.
    MemberId, 16
);
hex_name!(
    /// The import or bulk edit that a transaction belongs to.
    BatchId, 16
);
hex_name!(
    /// The random name of one life of a relay's log, drawn when the log begins or is restored.
    LogEpoch, 16
);
hex_name!(
    /// The random bytes that make the first entry of a roster unique.
    Salt, 16
);
byte_name!(
    /// The id of a workspace: the hash of its roster's first entry.
    WorkspaceId, 32, BASE64URL_NOPAD, "43 characters of base64url"
);
hex_name!(
    /// The ed25519 public key of a device, which names its feed.
    FeedId, 32
);
hex_name!(
    /// The ed25519 public key of an invite.
    InviteKey, 32
);
hex_name!(
    /// The ed25519 public key of whoever signs: a device or an invite.
    SignerKey, 32
);
hex_name!(
    /// The ed25519 public key of a relay.
    RelayKey, 32
);
hex_name!(
    /// The x25519 public key for which workspace keys are wrapped.
    SealingKey, 32
);
hex_name!(
    /// The hash of an envelope's header; zeros stand for "before the first".
    EnvelopeHash, 32
);
hex_name!(
    /// The hash of a roster entry's body; zeros stand for "before the first".
    RosterHash, 32
);
hex_name!(
    /// The hash of a sealed part.
    PartHash, 32
);
hex_name!(
    /// The hash of a file in clear.
    FileHash, 32
);
hex_name!(
    /// The running hash of a relay's log.
    LogHash, 32
);
hex_name!(
    /// The hash by which a workspace key is recognised.
    KeyCheck, 32
);
hex_name!(
    /// The first bytes of a [`KeyCheck`], which tell apart workspace keys of the same number.
    KeyId, 8
);
hex_name!(
    /// Random bytes that one side of a session contributes to what the other signs.
    Nonce, 32
);
byte_name!(
    /// An ed25519 signature.
    Signature, 64, HEXLOWER, "128 hexadecimal digits"
);
byte_name!(
    /// A workspace key, sealed for one recipient: encapsulated key (32), ciphertext and tag (48).
    WrappedKey, 80, HEXLOWER, "160 hexadecimal digits"
);

macro_rules! same_key {
    ($from:ident, $into:ident) => {
        impl From<$from> for $into {
            fn from(key: $from) -> Self {
                $into(key.0)
            }
        }
    };
}

same_key!(FeedId, SignerKey);
same_key!(InviteKey, SignerKey);
same_key!(SignerKey, FeedId);
same_key!(SignerKey, InviteKey);

impl From<RosterHash> for WorkspaceId {
    fn from(first_entry: RosterHash) -> Self {
        WorkspaceId(first_entry.0)
    }
}

impl KeyCheck {
    /// Returns the name by which envelopes tell the key from others of its number.
    pub fn id(&self) -> KeyId {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        KeyId([a, b, c, d, e, f, g, h])
    }
}

impl EnvelopeHash {
    /// Hashes the header bytes of an envelope.
    pub fn of(header: &[u8]) -> Self {
        EnvelopeHash(crate::hash(crate::domain::ENVELOPE, &[header]))
    }
}

impl RosterHash {
    /// Hashes the body bytes of a roster entry.
    pub fn of(body: &[u8]) -> Self {
        RosterHash(crate::hash(crate::domain::ROSTER, &[body]))
    }
}

impl PartHash {
    /// Hashes a sealed part.
    pub fn of(sealed: &[u8]) -> Self {
        PartHash(crate::hash(crate::domain::PART, &[sealed]))
    }
}

impl FileHash {
    /// Hashes a file in clear.
    pub fn of(file: &[u8]) -> Self {
        FileHash(crate::hash(crate::domain::FILE, &[file]))
    }
}

/// Bytes that are shared rather than copied, since a relay hands the same envelope to every follower.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Blob(Arc<[u8]>);

impl Deref for Blob {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for Blob {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl From<Vec<u8>> for Blob {
    fn from(bytes: Vec<u8>) -> Self {
        Blob(bytes.into())
    }
}

impl From<&[u8]> for Blob {
    fn from(bytes: &[u8]) -> Self {
        Blob(bytes.into())
    }
}

impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Blob({} bytes)", self.0.len())
    }
}

impl<C> Encode<C> for Blob {
    fn encode<W: Write>(
        &self,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        e.bytes(&self.0)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Blob {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, decode::Error> {
        d.bytes().map(Blob::from)
    }
}
