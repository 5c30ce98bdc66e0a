//! The keys of a register, while a value is written and while it is read.

use minicbor::Decoder;
use rust_decimal::Decimal;

use super::sales::Money;
use crate::cbor::{Cbor, CborMap};
use crate::id::{RecordId, Stamp};

/// Collects the keys of a register while a value is written.
#[derive(Default)]
pub(super) struct Row(pub(super) CborMap);

impl Row {
    pub(super) fn text(mut self, key: u32, text: &str) -> Self {
        if !text.is_empty() {
            self.0.insert(key, Cbor::Text(text.to_owned()));
        }
        self
    }

    pub(super) fn int(mut self, key: u32, number: i64) -> Self {
        self.0.insert(key, Cbor::Int(number));
        self
    }

    pub(super) fn bytes(mut self, key: u32, bytes: &[u8]) -> Self {
        self.0.insert(key, Cbor::Bytes(bytes.to_vec()));
        self
    }

    pub(super) fn id(self, key: u32, id: RecordId) -> Self {
        self.bytes(key, id.as_bytes())
    }

    pub(super) fn maybe<T>(self, value: Option<T>, write: impl FnOnce(Self, T) -> Self) -> Self {
        match value {
            Some(value) => write(self, value),
            None => self,
        }
    }

    pub(super) fn list(mut self, key: u32, items: impl Iterator<Item = Cbor>) -> Self {
        self.0.insert(key, Cbor::List(items.collect()));
        self
    }

    /// Writes a list of words where there are any.
    pub(super) fn some(self, key: u32, words: &[String]) -> Self {
        if words.is_empty() {
            return self;
        }
        self.list(key, words.iter().map(|word| Cbor::Text(word.clone())))
    }

    pub(super) fn flag(mut self, key: u32, flag: bool) -> Self {
        if flag {
            self.0.insert(key, Cbor::Bool(true));
        }
        self
    }
}

/// Reads the keys of a register where they stand: nothing is decoded but what a value asks for.
pub(super) struct Read<'a>(&'a [u8]);

impl<'a> Read<'a> {
    /// Takes the canonical bytes of a register.
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Goes to what stands under a key.
    pub(super) fn at(&self, key: u32) -> Option<Decoder<'a>> {
        let mut decoder = Decoder::new(self.0);
        for _ in 0..decoder.map().ok()?? {
            let found = decoder.u32().ok()?;
            if found == key {
                return Some(decoder);
            }
            // Keys ascend.
            if found > key {
                return None;
            }
            decoder.skip().ok()?;
        }
        None
    }

    pub(super) fn text(&self, key: u32) -> Option<String> {
        Some(self.at(key)?.str().ok()?.to_owned())
    }

    pub(super) fn text_or_empty(&self, key: u32) -> String {
        self.text(key).unwrap_or_default()
    }

    pub(super) fn int(&self, key: u32) -> Option<i64> {
        self.at(key)?.i64().ok()
    }

    pub(super) fn bytes(&self, key: u32) -> Option<&'a [u8]> {
        self.at(key)?.bytes().ok()
    }

    pub(super) fn id(&self, key: u32) -> Option<RecordId> {
        self.bytes(key)?.try_into().ok().map(RecordId::from_bytes)
    }

    /// Reads a list; a missing one is empty.
    pub(super) fn list<T>(
        &self,
        key: u32,
        read: impl Fn(&mut Decoder<'a>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let Some(mut decoder) = self.at(key) else {
            return Some(Vec::new());
        };
        let count = decoder.array().ok()??;
        (0..count).map(|_| read(&mut decoder)).collect()
    }

    pub(super) fn decimal(&self, key: u32) -> Option<Decimal> {
        self.at(key)?.str().ok()?.parse().ok()
    }

    pub(super) fn flag(&self, key: u32) -> bool {
        self.at(key)
            .is_some_and(|mut decoder| decoder.bool().is_ok_and(|flag| flag))
    }

    pub(super) fn money(&self, minor: u32, currency: u32) -> Option<Money> {
        Some(Money {
            minor: self.int(minor)?,
            currency: self.text(currency)?,
        })
    }
}

pub(super) fn stamp_cbor(stamp: &Stamp) -> Cbor {
    Cbor::Bytes(stamp.as_bytes().to_vec())
}

pub(super) fn read_word(decoder: &mut Decoder<'_>) -> Option<String> {
    decoder.str().ok().map(str::to_owned)
}

pub(super) fn read_stamp(decoder: &mut Decoder<'_>) -> Option<Stamp> {
    let bytes = decoder.bytes().ok()?;
    bytes.try_into().ok().map(Stamp::from_bytes)
}

pub(super) fn read_id(decoder: &mut Decoder<'_>) -> Option<RecordId> {
    let bytes = decoder.bytes().ok()?;
    bytes.try_into().ok().map(RecordId::from_bytes)
}
