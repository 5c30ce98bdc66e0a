//! The keys of a register, while a value is written and while it is read.

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

/// Reads the keys of a register.
pub(super) struct Read<'a>(pub(super) &'a CborMap);

impl Read<'_> {
    pub(super) fn text(&self, key: u32) -> Option<String> {
        match self.0.get(&key)? {
            Cbor::Text(text) => Some(text.clone()),
            _ => None,
        }
    }

    pub(super) fn text_or_empty(&self, key: u32) -> String {
        self.text(key).unwrap_or_default()
    }

    pub(super) fn int(&self, key: u32) -> Option<i64> {
        match self.0.get(&key)? {
            Cbor::Int(number) => Some(*number),
            _ => None,
        }
    }

    pub(super) fn bytes(&self, key: u32) -> Option<&[u8]> {
        match self.0.get(&key)? {
            Cbor::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    pub(super) fn id(&self, key: u32) -> Option<RecordId> {
        self.bytes(key)?.try_into().ok().map(RecordId::from_bytes)
    }

    pub(super) fn list<T>(&self, key: u32, read: impl Fn(&Cbor) -> Option<T>) -> Option<Vec<T>> {
        match self.0.get(&key) {
            None => Some(Vec::new()),
            Some(Cbor::List(list)) => list.iter().map(read).collect(),
            Some(_) => None,
        }
    }

    pub(super) fn decimal(&self, key: u32) -> Option<Decimal> {
        self.text(key)?.parse().ok()
    }

    pub(super) fn flag(&self, key: u32) -> bool {
        matches!(self.0.get(&key), Some(Cbor::Bool(true)))
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

pub(super) fn read_word(item: &Cbor) -> Option<String> {
    match item {
        Cbor::Text(text) => Some(text.clone()),
        _ => None,
    }
}

pub(super) fn read_stamp(item: &Cbor) -> Option<Stamp> {
    match item {
        Cbor::Bytes(bytes) => bytes.as_slice().try_into().ok().map(Stamp::from_bytes),
        _ => None,
    }
}

pub(super) fn read_id(item: &Cbor) -> Option<RecordId> {
    match item {
        Cbor::Bytes(bytes) => bytes.as_slice().try_into().ok().map(RecordId::from_bytes),
        _ => None,
    }
}
