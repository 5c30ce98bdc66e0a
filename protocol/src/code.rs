//! The short codes of devices, from which numbers are minted.

use std::{fmt, str::FromStr};

use minicbor::{
    Decode, Decoder, Encode, Encoder, decode,
    encode::{self, Write},
};

use crate::IdError;

const LETTERS: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZ";
const FIRST_DIGIT: u8 = b'2';
const LAST_DIGIT: u8 = b'9';
const MAX_LEN: u8 = 4;

/// The short code of a device: a letter without I and O, then up to three digits from 2 to 9.
///
/// Codes are ordered as they are given out: `A` to `Z`, `A2`, `A3` to `Z9`, `A22` to `Z99`, `A222` to `Z999`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceCode {
    len: u8,
    text: [u8; MAX_LEN as usize],
}

impl DeviceCode {
    /// The code of the founding device.
    pub const FOUNDER: DeviceCode = DeviceCode {
        len: 1,
        text: [b'A', 0, 0, 0],
    };

    /// Returns the code that follows, or none after the last of all.
    pub fn next(&self) -> Option<DeviceCode> {
        let mut next = *self;
        for at in (1..usize::from(self.len)).rev() {
            if next.text[at] < LAST_DIGIT {
                next.text[at] += 1;
                return Some(next);
            }
            next.text[at] = FIRST_DIGIT;
        }
        let letter = LETTERS.iter().position(|letter| *letter == self.text[0])?;
        if let Some(following) = LETTERS.get(letter + 1) {
            next.text[0] = *following;
            return Some(next);
        }
        if self.len == MAX_LEN {
            return None;
        }
        next.text[0] = LETTERS[0];
        next.text[usize::from(self.len)] = FIRST_DIGIT;
        next.len += 1;
        Some(next)
    }

    /// Returns the text of the code.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.text[..usize::from(self.len)])
            .expect("a code holds ASCII letters and digits only")
    }
}

impl FromStr for DeviceCode {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let bytes = text.as_bytes();
        let well_formed = (1..=usize::from(MAX_LEN)).contains(&bytes.len())
            && LETTERS.contains(&bytes[0])
            && bytes[1..]
                .iter()
                .all(|digit| (FIRST_DIGIT..=LAST_DIGIT).contains(digit));
        if !well_formed {
            return Err(IdError {
                kind: "DeviceCode",
                text: text.chars().take(80).collect(),
                expected: "a letter without I and O, then up to three digits from 2 to 9",
            });
        }
        let mut code = DeviceCode {
            len: bytes.len() as u8,
            text: [0; MAX_LEN as usize],
        };
        code.text[..bytes.len()].copy_from_slice(bytes);
        Ok(code)
    }
}

impl fmt::Display for DeviceCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for DeviceCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeviceCode({self})")
    }
}

impl serde::Serialize for DeviceCode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> serde::Deserialize<'de> for DeviceCode {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <String as serde::Deserialize>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl<C> Encode<C> for DeviceCode {
    fn encode<W: Write>(
        &self,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        e.str(self.as_str())?.ok()
    }
}

impl<'b, C> Decode<'b, C> for DeviceCode {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, decode::Error> {
        let at = d.position();
        d.str()?
            .parse()
            .map_err(|_| decode::Error::message("not a device code").at(at))
    }
}

#[cfg(test)]
mod tests {
    use super::DeviceCode;

    #[test]
    fn codes_come_in_order_and_end() {
        let all: Vec<DeviceCode> =
            std::iter::successors(Some(DeviceCode::FOUNDER), DeviceCode::next).collect();
        assert_eq!(all.len(), 24 + 24 * 8 + 24 * 64 + 24 * 512);
        assert!(all.is_sorted());
        let text: Vec<&str> = all.iter().map(DeviceCode::as_str).collect();
        assert_eq!(text[..3], ["A", "B", "C"]);
        assert_eq!(text[7..9], ["H", "J"]);
        assert_eq!(text[23..27], ["Z", "A2", "A3", "A4"]);
        assert_eq!(text[24 + 24 * 8 - 1..][..2], ["Z9", "A22"]);
        for code in &all {
            assert_eq!(code.as_str().parse(), Ok(*code));
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "I", "O2", "a", "A1", "A0", "2A", "A2222", "Ä", "A2 "] {
            assert!(text.parse::<DeviceCode>().is_err(), "{text:?}");
        }
    }
}
