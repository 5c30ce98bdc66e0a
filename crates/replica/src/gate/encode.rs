//! Writes a parsed change the one way that automerge writes it.
//!
//! A saved document does not keep the bytes of its changes: automerge builds them again from its own columns when it loads, and refuses the document if a hash differs.
//! So a change that says something allowed in another spelling is one that a device could never load again.
//! The gate encodes what it has read and lets a change through only if the bytes are the same.

use sha2::{Digest, Sha256};

use super::{Action, MAGIC, OpId, ParsedChange, UNCOMPRESSED, column};
use crate::genesis::{GENESIS_ACTOR, Text};

/// Writes an unsigned LEB128 number.
pub(super) fn unsigned(mut value: u64, out: &mut Vec<u8>) {
    while value > 0x7f {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Writes a signed LEB128 number.
pub(super) fn signed(mut value: i64, out: &mut Vec<u8>) {
    while !(-64..64).contains(&value) {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push((value & 0x7f) as u8);
}

fn prefixed(bytes: &[u8], out: &mut Vec<u8>) {
    unsigned(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

/// Writes a run-length column: equal neighbours as runs, the others as literal runs; all null is nothing.
pub(super) fn run_length<T: PartialEq>(
    cells: &[Option<T>],
    write: impl Fn(&T, &mut Vec<u8>),
) -> Vec<u8> {
    let mut out = Vec::new();
    if cells.iter().all(Option::is_none) {
        return out;
    }
    let mut literal: Vec<&T> = Vec::new();
    let flush = |literal: &mut Vec<&T>, out: &mut Vec<u8>| {
        if !literal.is_empty() {
            signed(-(literal.len() as i64), out);
            for value in literal.drain(..) {
                write(value, out);
            }
        }
    };
    for run in cells.chunk_by(PartialEq::eq) {
        match &run[0] {
            Some(value) if run.len() == 1 => literal.push(value),
            Some(value) => {
                flush(&mut literal, &mut out);
                signed(run.len() as i64, &mut out);
                write(value, &mut out);
            }
            None => {
                flush(&mut literal, &mut out);
                signed(0, &mut out);
                unsigned(run.len() as u64, &mut out);
            }
        }
    }
    flush(&mut literal, &mut out);
    out
}

pub(super) fn numbers(cells: &[Option<u64>]) -> Vec<u8> {
    run_length(cells, |value, out| unsigned(*value, out))
}

/// Writes a column of differences.
pub(super) fn delta(cells: &[Option<u64>]) -> Vec<u8> {
    let mut before = 0;
    let steps: Vec<Option<i64>> = cells
        .iter()
        .map(|cell| {
            cell.map(|value| {
                let value = value as i64;
                value.wrapping_sub(std::mem::replace(&mut before, value))
            })
        })
        .collect();
    run_length(&steps, |step, out| signed(*step, out))
}

/// Writes a column of truth values.
pub(super) fn boolean(cells: &[bool]) -> Vec<u8> {
    let mut out = Vec::new();
    if cells.first() == Some(&true) {
        unsigned(0, &mut out);
    }
    for run in cells.chunk_by(PartialEq::eq) {
        unsigned(run.len() as u64, &mut out);
    }
    out
}

/// The cells of all columns, row by row.
#[derive(Debug, Default)]
struct Cells<'a> {
    obj_actor: Vec<Option<u64>>,
    obj_counter: Vec<Option<u64>>,
    key_actor: Vec<Option<u64>>,
    key_counter: Vec<Option<u64>>,
    key_text: Vec<Option<&'a str>>,
    insert: Vec<bool>,
    action: Vec<Option<u64>>,
    value_meta: Vec<Option<u64>>,
    value: Vec<u8>,
    pred_count: Vec<Option<u64>>,
    pred_actor: Vec<Option<u64>>,
    pred_counter: Vec<Option<u64>>,
}

impl<'a> Cells<'a> {
    fn push(&mut self, action: &'a Action, genesis: Option<u64>) {
        match action {
            Action::Put { key, value, pred } => {
                self.push_object(None, genesis);
                self.push_key(None, None, Some(key));
                self.push_action(false, column::SET);
                self.push_value(column::BYTES, value);
                self.push_pred(pred);
            }
            Action::Insert {
                text,
                after,
                character,
            } => {
                self.push_object(Some(*text), genesis);
                self.push_key(
                    after.map(|id| id.actor as u64),
                    Some(after.map_or(0, |id| id.counter)),
                    None,
                );
                self.push_action(true, column::SET);
                let mut buffer = [0; 4];
                let utf8 = character.encode_utf8(&mut buffer);
                self.push_value(column::STRING, utf8.as_bytes());
                self.push_pred(&[]);
            }
            Action::Delete { text, element } => {
                self.push_object(Some(*text), genesis);
                self.push_key(Some(element.actor as u64), Some(element.counter), None);
                self.push_action(false, column::DELETE);
                self.push_value(column::NULL, &[]);
                self.push_pred(&[*element]);
            }
        }
    }

    fn push_object(&mut self, text: Option<Text>, genesis: Option<u64>) {
        self.obj_actor.push(text.and(genesis));
        self.obj_counter.push(text.map(Text::counter));
    }

    fn push_key(&mut self, actor: Option<u64>, counter: Option<u64>, key: Option<&'a str>) {
        self.key_actor.push(actor);
        self.key_counter.push(counter);
        self.key_text.push(key);
    }

    fn push_action(&mut self, insert: bool, action: u64) {
        self.insert.push(insert);
        self.action.push(Some(action));
    }

    fn push_value(&mut self, kind: u64, value: &[u8]) {
        self.value_meta.push(Some((value.len() as u64) << 4 | kind));
        self.value.extend_from_slice(value);
    }

    fn push_pred(&mut self, pred: &[OpId]) {
        self.pred_count.push(Some(pred.len() as u64));
        for id in pred {
            self.pred_actor.push(Some(id.actor as u64));
            self.pred_counter.push(Some(id.counter));
        }
    }

    fn columns(self) -> Vec<(u64, Vec<u8>)> {
        let text = |key: &&str, out: &mut Vec<u8>| prefixed(key.as_bytes(), out);
        vec![
            (column::OBJ_ACTOR, numbers(&self.obj_actor)),
            (column::OBJ_COUNTER, numbers(&self.obj_counter)),
            (column::KEY_ACTOR, numbers(&self.key_actor)),
            (column::KEY_COUNTER, delta(&self.key_counter)),
            (column::KEY_TEXT, run_length(&self.key_text, text)),
            (column::INSERT, boolean(&self.insert)),
            (column::ACTION, numbers(&self.action)),
            (column::VALUE_META, numbers(&self.value_meta)),
            (column::VALUE, self.value),
            (column::PRED_COUNT, numbers(&self.pred_count)),
            (column::PRED_ACTOR, numbers(&self.pred_actor)),
            (column::PRED_COUNTER, delta(&self.pred_counter)),
        ]
    }
}

/// Encodes the change as automerge would.
pub(super) fn change(change: &ParsedChange) -> Vec<u8> {
    let genesis = change
        .actors
        .iter()
        .position(|actor| actor.to_bytes() == GENESIS_ACTOR)
        .map(|index| index as u64);
    let mut cells = Cells::default();
    for op in &change.ops {
        cells.push(&op.action, genesis);
    }

    let mut body = Vec::new();
    unsigned(change.deps.len() as u64, &mut body);
    for dep in &change.deps {
        body.extend_from_slice(&dep.0);
    }
    prefixed(change.actor().to_bytes(), &mut body);
    unsigned(change.seq, &mut body);
    unsigned(change.start_op, &mut body);
    signed(change.time_ms, &mut body);
    prefixed(
        change.message.as_deref().unwrap_or("").as_bytes(),
        &mut body,
    );
    unsigned(change.actors.len() as u64 - 1, &mut body);
    for actor in &change.actors[1..] {
        prefixed(actor.to_bytes(), &mut body);
    }
    write_columns(&cells.columns(), &mut body);
    chunk(UNCOMPRESSED, &body)
}

/// Writes the descriptions of the columns that are not empty, then their bytes.
pub(super) fn write_columns(columns: &[(u64, Vec<u8>)], out: &mut Vec<u8>) {
    let present = || columns.iter().filter(|(_, bytes)| !bytes.is_empty());
    unsigned(present().count() as u64, out);
    for (spec, bytes) in present() {
        unsigned(*spec, out);
        unsigned(bytes.len() as u64, out);
    }
    for (_, bytes) in present() {
        out.extend_from_slice(bytes);
    }
}

/// Wraps a body into a chunk with the right checksum.
pub(super) fn chunk(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut hashed = vec![kind];
    unsigned(body.len() as u64, &mut hashed);
    hashed.extend_from_slice(body);
    let hash = Sha256::digest(&hashed);
    let mut out = MAGIC.to_vec();
    out.extend_from_slice(&hash[..4]);
    out.extend_from_slice(&hashed);
    out
}
