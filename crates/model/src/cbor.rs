//! Canonical CBOR of registers: integer keys ascending, shortest forms, no floats, no tags.

use std::collections::BTreeMap;

use minicbor::data::Type;
use minicbor::decode::Error as DecodeError;
use minicbor::encode::write::Write;
use minicbor::{Decoder, Encoder};

/// How deep arrays and maps may nest inside a register.
const MAX_DEPTH: usize = 8;

/// One value inside a register.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cbor {
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A list.
    List(Vec<Cbor>),
    /// A map under integer keys.
    Map(CborMap),
}

/// A map under integer keys, in canonical order.
pub type CborMap = BTreeMap<u32, Cbor>;

/// Says why bytes are no canonical register.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CborError {
    /// The bytes end early or hold a form that registers do not use.
    #[error("bytes of a register are malformed: {reason}")]
    Malformed {
        /// What the decoder found.
        reason: String,
    },
    /// The bytes decode, but another encoding of the same value is the canonical one.
    #[error("bytes of a register are not in canonical form")]
    NotCanonical,
}

/// Encodes a map canonically.
pub fn encode(map: &CborMap) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    encode_map(&mut encoder, map).expect("writing to memory cannot fail");
    encoder.into_writer()
}

/// Decodes a map and refuses every form but the canonical one.
pub fn decode(bytes: &[u8]) -> Result<CborMap, CborError> {
    let mut decoder = Decoder::new(bytes);
    let map = decode_map(&mut decoder, 0).map_err(|error| CborError::Malformed {
        reason: error.to_string(),
    })?;
    if encode(&map) == bytes {
        Ok(map)
    } else {
        Err(CborError::NotCanonical)
    }
}

/// Decodes a map whose bytes were found canonical before; looking at that again would double the work.
pub fn decode_checked(bytes: &[u8]) -> Option<CborMap> {
    decode_map(&mut Decoder::new(bytes), 0).ok()
}

fn encode_map<W: Write>(
    encoder: &mut Encoder<W>,
    map: &CborMap,
) -> Result<(), minicbor::encode::Error<W::Error>> {
    encoder.map(map.len() as u64)?;
    for (key, value) in map {
        encoder.u32(*key)?;
        encode_value(encoder, value)?;
    }
    Ok(())
}

fn encode_value<W: Write>(
    encoder: &mut Encoder<W>,
    value: &Cbor,
) -> Result<(), minicbor::encode::Error<W::Error>> {
    match value {
        Cbor::Bool(flag) => encoder.bool(*flag)?.ok(),
        Cbor::Int(number) => encoder.i64(*number)?.ok(),
        Cbor::Text(text) => encoder.str(text)?.ok(),
        Cbor::Bytes(bytes) => encoder.bytes(bytes)?.ok(),
        Cbor::List(list) => {
            encoder.array(list.len() as u64)?;
            list.iter().try_for_each(|item| encode_value(encoder, item))
        }
        Cbor::Map(map) => encode_map(encoder, map),
    }
}

fn decode_map(decoder: &mut Decoder<'_>, depth: usize) -> Result<CborMap, DecodeError> {
    let count = decoder
        .map()?
        .ok_or_else(|| DecodeError::message("indefinite length"))?;
    let mut map = CborMap::new();
    for _ in 0..count {
        let key = decoder.u32()?;
        if map.insert(key, decode_value(decoder, depth + 1)?).is_some() {
            return Err(DecodeError::message("a key appears twice"));
        }
    }
    Ok(map)
}

fn decode_value(decoder: &mut Decoder<'_>, depth: usize) -> Result<Cbor, DecodeError> {
    if depth > MAX_DEPTH {
        return Err(DecodeError::message("nested too deeply"));
    }
    Ok(match decoder.datatype()? {
        Type::Bool => Cbor::Bool(decoder.bool()?),
        Type::U8
        | Type::U16
        | Type::U32
        | Type::U64
        | Type::I8
        | Type::I16
        | Type::I32
        | Type::I64 => Cbor::Int(decoder.i64()?),
        Type::String => Cbor::Text(decoder.str()?.to_owned()),
        Type::Bytes => Cbor::Bytes(decoder.bytes()?.to_vec()),
        Type::Array => {
            let count = decoder
                .array()?
                .ok_or_else(|| DecodeError::message("indefinite length"))?;
            let mut list = Vec::new();
            for _ in 0..count {
                list.push(decode_value(decoder, depth + 1)?);
            }
            Cbor::List(list)
        }
        Type::Map => Cbor::Map(decode_map(decoder, depth + 1)?),
        other => {
            return Err(DecodeError::message(format!(
                "{other} is not used in registers"
            )));
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_value() -> impl Strategy<Value = Cbor> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Cbor::Bool),
            any::<i64>().prop_map(Cbor::Int),
            ".{0,12}".prop_map(Cbor::Text),
            proptest::collection::vec(any::<u8>(), 0..12).prop_map(Cbor::Bytes),
        ];
        leaf.prop_recursive(3, 16, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Cbor::List),
                proptest::collection::btree_map(any::<u32>(), inner, 0..4).prop_map(Cbor::Map),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(map in proptest::collection::btree_map(any::<u32>(), any_value(), 0..6)) {
            prop_assert_eq!(decode(&encode(&map)), Ok(map));
        }

        #[test]
        fn foreign_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(map) = decode(&bytes) {
                prop_assert_eq!(encode(&map), bytes);
            }
        }
    }

    #[test]
    fn other_encodings_of_a_value_are_refused() {
        for bytes in [
            &[0xa1, 0x18, 0x01, 0x00][..],
            &[0xbf, 0xff],
            &[0xa1, 0x01, 0xf6],
            &[0xa0, 0x00],
            &[0xa1, 0x01, 0xf9, 0, 0],
        ] {
            assert!(decode(bytes).is_err(), "{bytes:02x?}");
        }
    }
}
