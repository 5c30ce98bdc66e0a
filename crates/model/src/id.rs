//! Ids of records, intents and presses, and the ids that rules derive from them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};
use uuid::{Builder, Uuid};

/// Names the space in which rules derive ids; golden, never to change.
const NAMESPACE: Uuid = Uuid::from_bytes(*b"handschlag\x00\x00ids1");

/// Says why a text is no id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' is not an id: {expected} hexadecimal digits are expected")]
pub struct IdError {
    /// What was given.
    pub text: String,
    /// How many digits an id of this type has.
    pub expected: usize,
}

macro_rules! hex_id {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $len]);

        impl $name {
            /// Takes the bytes as they are.
            pub const fn from_bytes(bytes: [u8; $len]) -> Self {
                Self(bytes)
            }

            /// Gives the bytes.
            pub const fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let wrong = || IdError { text: text.to_owned(), expected: $len * 2 };
                let digits: Vec<u8> = text.bytes().filter(|b| *b != b'-').collect();
                if digits.len() != $len * 2 {
                    return Err(wrong());
                }
                let mut bytes = [0; $len];
                for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
                    let digit = |d: u8| (d as char).to_digit(16).ok_or_else(wrong);
                    *byte = (digit(pair[0])? * 16 + digit(pair[1])?) as u8;
                }
                Ok(Self(bytes))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

hex_id!(
    /// The id of a record: UUIDv7 when a person creates it, UUIDv5 when a rule does.
    RecordId,
    16
);
hex_id!(
    /// The id of one intent, made by its caller; names the operation in history and for undo.
    IntentId,
    16
);
hex_id!(
    /// The press that wrote a register: the last eight bytes of its intent's id, ignored when values are compared.
    Stamp,
    8
);
hex_id!(
    /// The id of an entry of the Merged list: a hash of its rule and of the values or records involved.
    EntryId,
    16
);
hex_id!(
    /// The id of one value of a field as it was written by one press.
    ValueId,
    8
);
hex_id!(
    /// The device that wrote something: the first 12 bytes of its actor ids, verified against the feed.
    Author,
    12
);

hex_id!(
    /// The hash of a file in clear, by which records name it (docs/formats.md).
    FileHash,
    32
);

impl FileHash {
    /// Gives the first eight digits, as output shows them.
    pub fn short(&self) -> String {
        let mut digits = self.to_string();
        digits.truncate(8);
        digits
    }
}

impl RecordId {
    /// Makes the id of a record that a person creates, from the moment and ten random bytes.
    pub fn fresh(now_ms: i64, random: [u8; 10]) -> Self {
        Self(uuid_v7(now_ms, random))
    }

    /// Says when a person made this id (ms since 1970), unless a rule derived it.
    pub fn made_ms(&self) -> Option<i64> {
        (self.0[6] >> 4 == 7).then(|| {
            self.0[..6]
                .iter()
                .fold(0_i64, |ms, byte| ms << 8 | i64::from(*byte))
        })
    }

    /// Gives the last eight digits, as output shows them.
    pub fn short(&self) -> String {
        self.to_string().split_off(24)
    }

    fn derived(role: &str, from: &[&[u8]]) -> Self {
        let mut name = role.as_bytes().to_vec();
        for part in from {
            name.push(0);
            name.extend_from_slice(part);
        }
        Self(*Uuid::new_v5(&NAMESPACE, &name).as_bytes())
    }

    /// Derives the customer that converting `inquiry` makes.
    pub fn customer_of(inquiry: RecordId) -> Self {
        Self::derived("customer", &[&inquiry.0])
    }

    /// Derives the contact person that converting `inquiry` makes.
    pub fn contact_of(inquiry: RecordId) -> Self {
        Self::derived("contact-person", &[&inquiry.0])
    }

    /// Derives the sales project that converting `inquiry` makes.
    pub fn sales_project_of(inquiry: RecordId) -> Self {
        Self::derived("sales-project", &[&inquiry.0])
    }

    /// Derives the project that winning `sales_project` makes.
    pub fn project_of(sales_project: RecordId) -> Self {
        Self::derived("project", &[&sales_project.0])
    }

    /// Derives the order that winning `sales_project` makes.
    pub fn order_of(sales_project: RecordId) -> Self {
        Self::derived("order", &[&sales_project.0])
    }

    /// Derives an issued offer from its offer, the hash of what was sent, and its number.
    pub fn issued_of(offer: RecordId, content: &[u8; 32], number: &str) -> Self {
        Self::derived("issued-offer", &[&offer.0, content, number.as_bytes()])
    }

    /// Derives an event from the workspace, its folded name and its year, so that reps at one fair make one event.
    pub fn event_of(workspace: &[u8; 32], name: &str, year: i16) -> Self {
        let name = crate::fold::fold_name(name);
        Self::derived(
            "event",
            &[workspace, name.as_bytes(), year.to_string().as_bytes()],
        )
    }

    /// Derives the settings record of a workspace.
    pub fn settings_of(workspace: &[u8; 32]) -> Self {
        Self::derived("settings", &[workspace])
    }
}

impl IntentId {
    /// Makes an id from the moment and ten random bytes.
    pub fn fresh(now_ms: i64, random: [u8; 10]) -> Self {
        Self(uuid_v7(now_ms, random))
    }

    /// Derives the id of the nth intent of a request that takes several; the request's own is the 0th.
    pub fn nth(&self, at: u32) -> Self {
        match at {
            0 => *self,
            _ => Self(head(hash(
                "handschlag nth 1",
                &[&self.0, &at.to_be_bytes()],
            ))),
        }
    }

    /// Gives the stamp of the registers that this intent writes.
    pub fn stamp(&self) -> Stamp {
        let mut stamp = [0; 8];
        stamp.copy_from_slice(&self.0[8..]);
        Stamp(stamp)
    }
}

fn uuid_v7(now_ms: i64, random: [u8; 10]) -> [u8; 16] {
    *Builder::from_unix_timestamp_millis(now_ms.max(0).cast_unsigned(), &random)
        .into_uuid()
        .as_bytes()
}

/// Hashes parts under a domain: `SHA-256(domain 0x00 part…)`, each part preceded by its length (u32).
pub(crate) fn hash(domain: &str, parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(domain.as_bytes());
    hasher.update([0]);
    for part in parts {
        hasher.update((part.len() as u32).to_be_bytes());
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// Takes the first `N` bytes of a hash.
pub(crate) fn head<const N: usize>(hash: [u8; 32]) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.copy_from_slice(&hash[..N]);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derived_ids_are_golden() {
        let inquiry = RecordId::from_bytes([7; 16]);
        let ids = [
            RecordId::customer_of(inquiry),
            RecordId::contact_of(inquiry),
            RecordId::sales_project_of(inquiry),
            RecordId::project_of(inquiry),
            RecordId::order_of(inquiry),
            RecordId::issued_of(inquiry, &[1; 32], "AN-2026-A-0001"),
            RecordId::event_of(&[2; 32], "Hannover  Messe", 2026),
            RecordId::settings_of(&[2; 32]),
        ];
        let text: Vec<String> = ids.iter().map(ToString::to_string).collect();
        assert_eq!(
            text.join("\n"),
            include_str!("golden/derived_ids.txt").trim()
        );
    }

    #[test]
    fn one_fair_is_one_event_however_it_is_typed() {
        let workspace = [2; 32];
        assert_eq!(
            RecordId::event_of(&workspace, "Hannover Messe", 2026),
            RecordId::event_of(&workspace, " hannover  MESSE ", 2026)
        );
    }

    #[test]
    fn ids_are_read_with_and_without_hyphens() {
        let id = RecordId::fresh(1_700_000_000_000, [9; 10]);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(Uuid::from_bytes(id.0).to_string().parse(), Ok(id));
        assert_eq!(id.made_ms(), Some(1_700_000_000_000));
        assert!("xyz".parse::<RecordId>().is_err());
    }
}
