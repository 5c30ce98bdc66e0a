//! Registers: what a record holds under one key.

use minicbor::Decoder;

use crate::cbor::{self, Cbor, CborError, CborMap};
use crate::id::Stamp;

/// The register key under which the stamp stands.
const STAMP: u32 = 0;

/// Holds one register as its canonical bytes: the stamp of the press that wrote it, and a value or nothing.
///
/// A register that holds nothing is a cleared field or the tombstone of a removed entry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Register(Box<[u8]>);

impl Register {
    /// Writes a value (`None` clears) with the stamp of the press.
    pub fn new(stamp: Stamp, value: Option<CborMap>) -> Self {
        #[cfg(feature = "sabotage")]
        let stamp = match sabotage::is(sabotage::Break::NoStamp) {
            true => Stamp::from_bytes([0; 8]),
            false => stamp,
        };
        let mut map = value.unwrap_or_default();
        map.insert(STAMP, Cbor::Bytes(stamp.as_bytes().to_vec()));
        Self(cbor::encode(&map).into())
    }

    /// Reads bytes that came from outside; refuses what is not canonical or has no stamp.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CborError> {
        let map = cbor::decode(bytes)?;
        match map.get(&STAMP) {
            Some(Cbor::Bytes(stamp)) if stamp.len() == 8 => Ok(Self(bytes.into())),
            _ => Err(CborError::Malformed {
                reason: "a register has no stamp".to_owned(),
            }),
        }
    }

    /// Takes bytes that this program wrote and checked before.
    pub fn trusted(bytes: Box<[u8]>) -> Self {
        Self(bytes)
    }

    /// Gives the canonical bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Gives the stamp of the press that wrote it.
    pub fn stamp(&self) -> Stamp {
        // It stands under the smallest key, so it comes first.
        let mut decoder = Decoder::new(&self.0);
        let first = (decoder.map().ok().flatten()).and_then(|_| decoder.u32().ok());
        let bytes = match first {
            Some(STAMP) => decoder.bytes().ok(),
            _ => None,
        };
        let stamp = bytes.and_then(|bytes| bytes.try_into().ok());
        Stamp::from_bytes(stamp.unwrap_or([0; 8]))
    }

    /// Tells whether it holds nothing but its stamp: the field is cleared, or the entry removed.
    pub fn is_cleared(&self) -> bool {
        !matches!(Decoder::new(&self.0).map(), Ok(Some(count)) if count > 1)
    }

    /// Gives the value without the stamp, `None` when the field is cleared.
    pub fn value(&self) -> Option<CborMap> {
        let mut map = self.map();
        map.remove(&STAMP);
        (!map.is_empty()).then_some(map)
    }

    fn map(&self) -> CborMap {
        cbor::decode_checked(&self.0).unwrap_or_default()
    }

    /// Writes a new value over this one and keeps the keys that this version does not know.
    pub fn rewritten(&self, stamp: Stamp, value: CborMap, known: u32) -> Self {
        let mut map = value;
        for (key, kept) in self.map() {
            if key > known {
                map.entry(key).or_insert(kept);
            }
        }
        Self::new(stamp, Some(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_keys_survive_a_write() {
        let stamp = Stamp::from_bytes([1; 8]);
        let newer = CborMap::from([
            (1, Cbor::Int(1)),
            (9, Cbor::Text("from a newer version".into())),
        ]);
        let written = Register::new(stamp, Some(newer));
        let again = written.rewritten(
            Stamp::from_bytes([2; 8]),
            CborMap::from([(1, Cbor::Int(5))]),
            4,
        );
        let value = again.value().unwrap();
        assert_eq!(value[&1], Cbor::Int(5));
        assert_eq!(value[&9], Cbor::Text("from a newer version".into()));
    }

    #[test]
    fn a_cleared_register_holds_nothing_but_its_stamp() {
        let register = Register::new(Stamp::from_bytes([3; 8]), None);
        assert_eq!(register.value(), None);
        assert_eq!(register.stamp(), Stamp::from_bytes([3; 8]));
        assert_eq!(Register::from_bytes(register.as_bytes()), Ok(register));
    }
}
