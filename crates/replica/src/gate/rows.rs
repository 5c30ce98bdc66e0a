//! Reads the columns of a change row by row, one row per operation.

use super::columns::{Boolean, Delta, RunLength};
use super::read::Reader;
use super::{Limits, OpId, Rejection, column};

/// The columns that a change of ours can have, in the order in which they stand.
const COLUMNS: [u64; 12] = [
    column::OBJ_ACTOR,
    column::OBJ_COUNTER,
    column::KEY_ACTOR,
    column::KEY_COUNTER,
    column::KEY_TEXT,
    column::INSERT,
    column::ACTION,
    column::VALUE_META,
    column::VALUE,
    column::PRED_COUNT,
    column::PRED_ACTOR,
    column::PRED_COUNTER,
];

/// Where an operation stands in its object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key<'a> {
    Map(&'a str),
    Start,
    Element(OpId),
}

/// One operation as the columns spell it.
#[derive(Debug)]
pub(super) struct Row<'a> {
    /// None is the root map.
    pub(super) object: Option<OpId>,
    pub(super) key: Key<'a>,
    pub(super) insert: bool,
    pub(super) action: u64,
    pub(super) value_kind: u64,
    pub(super) value: &'a [u8],
    pub(super) pred: Vec<OpId>,
}

/// The columns of a change, read up to some row.
#[derive(Debug)]
pub(super) struct Rows<'a> {
    limits: &'a Limits,
    actors: usize,
    preds: usize,
    obj_actor: RunLength<'a, u64>,
    obj_counter: RunLength<'a, u64>,
    key_actor: RunLength<'a, u64>,
    key_counter: Delta<'a>,
    key_text: RunLength<'a, &'a str>,
    insert: Boolean<'a>,
    action: RunLength<'a, u64>,
    value_meta: RunLength<'a, u64>,
    value: Reader<'a>,
    pred_count: RunLength<'a, u64>,
    pred_actor: RunLength<'a, u64>,
    pred_counter: Delta<'a>,
}

impl<'a> Rows<'a> {
    /// Reads the descriptions of the columns and finds their bytes; `actors` is how many the change lists.
    pub(super) fn new(
        reader: &mut Reader<'a>,
        actors: usize,
        limits: &'a Limits,
    ) -> Result<Self, Rejection> {
        let bytes = split(reader)?;
        let of = |spec: u64| {
            let place = COLUMNS.iter().position(|known| *known == spec);
            place.map_or(&[] as &[u8], |place| bytes[place])
        };
        let (ops, preds) = (limits.ops, limits.preds);
        Ok(Self {
            limits,
            actors,
            preds: 0,
            obj_actor: RunLength::new("object actors", of(column::OBJ_ACTOR), ops),
            obj_counter: RunLength::new("object counters", of(column::OBJ_COUNTER), ops),
            key_actor: RunLength::new("key actors", of(column::KEY_ACTOR), ops),
            key_counter: Delta::new("key counters", of(column::KEY_COUNTER), ops),
            key_text: RunLength::new("keys", of(column::KEY_TEXT), ops),
            insert: Boolean::new("inserts", of(column::INSERT), ops),
            action: RunLength::new("actions", of(column::ACTION), ops),
            value_meta: RunLength::new("value types", of(column::VALUE_META), ops),
            value: Reader::new(of(column::VALUE)),
            pred_count: RunLength::new("predecessor counts", of(column::PRED_COUNT), ops),
            pred_actor: RunLength::new("predecessor actors", of(column::PRED_ACTOR), preds),
            pred_counter: Delta::new("predecessor counters", of(column::PRED_COUNTER), preds),
        })
    }

    /// Returns whether all operations are read: the column of actions says how many there are.
    pub(super) fn at_end(&self) -> bool {
        self.action.at_end()
    }

    /// Reads the next operation.
    pub(super) fn next(&mut self) -> Result<Row<'a>, Rejection> {
        let object = self.object()?;
        let key = self.key()?;
        let insert = self.insert.next()?;
        let action = self.action.required()?;
        let meta = self.value_meta.required()?;
        let length = meta >> 4;
        super::within(length, self.limits.value_bytes, "a value")?;
        let value = self.value.take(length, "the values")?;
        let pred = self.pred()?;
        Ok(Row {
            object,
            key,
            insert,
            action,
            value_kind: meta & 0x0f,
            value,
            pred,
        })
    }

    fn id(&self, what: &'static str, actor: u64, counter: u64) -> Result<OpId, Rejection> {
        if counter == 0 || counter > super::MAX_COUNTER {
            return Err(Rejection::Counter { what });
        }
        match usize::try_from(actor) {
            Ok(actor) if actor < self.actors => Ok(OpId { counter, actor }),
            _ => Err(Rejection::ActorIndex { what, index: actor }),
        }
    }

    fn object(&mut self) -> Result<Option<OpId>, Rejection> {
        match (self.obj_actor.next()?, self.obj_counter.next()?) {
            (None, None) => Ok(None),
            (Some(actor), Some(counter)) => self.id("an object", actor, counter).map(Some),
            _ => Err(Rejection::Null {
                column: "object counters",
            }),
        }
    }

    fn key(&mut self) -> Result<Key<'a>, Rejection> {
        let actor = self.key_actor.next()?;
        let counter = self.key_counter.next()?;
        let text = self.key_text.next()?;
        match (actor, counter, text) {
            (None, None, Some(key)) => {
                super::within(key.len() as u64, self.limits.key_bytes, "a key")?;
                Ok(Key::Map(key))
            }
            (None, Some(0), None) => Ok(Key::Start),
            (Some(actor), Some(counter), None) => {
                self.id("a key", actor, counter).map(Key::Element)
            }
            _ => Err(Rejection::Null { column: "keys" }),
        }
    }

    fn pred(&mut self) -> Result<Vec<OpId>, Rejection> {
        let count = self.pred_count.required()?;
        let left = self.limits.preds - self.preds;
        super::within(count, left, "the predecessors")?;
        let mut pred = Vec::new();
        for _ in 0..count {
            let column = "predecessor actors";
            let actor = self.pred_actor.required()?;
            let counter = self
                .pred_counter
                .next()?
                .ok_or(Rejection::Null { column })?;
            pred.push(self.id("a predecessor", actor, counter)?);
        }
        self.preds += pred.len();
        Ok(pred)
    }

    /// Checks that every column ends where the operations do.
    pub(super) fn finish(&self) -> Result<(), Rejection> {
        self.obj_actor.finish()?;
        self.obj_counter.finish()?;
        self.key_actor.finish()?;
        self.key_counter.finish()?;
        self.key_text.finish()?;
        self.insert.finish()?;
        self.value_meta.finish()?;
        if !self.value.is_empty() {
            return Err(Rejection::ColumnLong { column: "values" });
        }
        self.pred_count.finish()?;
        self.pred_actor.finish()?;
        self.pred_counter.finish()
    }
}

/// Cuts the rest of the change into the bytes of the known columns.
fn split<'a>(reader: &mut Reader<'a>) -> Result<[&'a [u8]; 12], Rejection> {
    let count = reader.length(COLUMNS.len(), "the columns")?;
    let mut lengths = [0; 12];
    let mut next = 0;
    for _ in 0..count {
        let spec = reader.unsigned("a column")?;
        let length = reader.unsigned("a column")?;
        if spec & column::DEFLATED != 0 {
            return Err(Rejection::ColumnCompressed { spec });
        }
        let place = COLUMNS
            .iter()
            .position(|known| *known == spec)
            .ok_or(Rejection::ColumnUnknown { spec })?;
        if place < next {
            return Err(Rejection::ColumnOrder { spec });
        }
        lengths[place] = length;
        next = place + 1;
    }
    let mut bytes = [&[] as &[u8]; 12];
    for (bytes, length) in bytes.iter_mut().zip(lengths) {
        *bytes = reader.take(length, "the columns")?;
    }
    Ok(bytes)
}
