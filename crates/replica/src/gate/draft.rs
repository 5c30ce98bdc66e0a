//! Changes taken apart into their fields, changed at will, and put together with a right checksum.
//!
//! For tests and fuzz targets alone (feature `drafts`): it makes what the gate is there to refuse.

use automerge::ChangeHash;

use super::read::Reader;
use super::{Action, MAGIC, ParsedChange, column, encode};
use crate::genesis::GENESIS_ACTOR;

/// The fields of a change chunk, whatever they say.
#[derive(Debug, Clone)]
pub struct Draft {
    /// The first bytes of the chunk.
    pub magic: [u8; 4],
    /// The type of the chunk.
    pub kind: u8,
    /// The changes that it depends on.
    pub deps: Vec<ChangeHash>,
    /// The actor.
    pub actor: Vec<u8>,
    /// The sequence in the actor's changes.
    pub seq: u64,
    /// The counter of the first operation.
    pub start_op: u64,
    /// The time in ms since 1970.
    pub time_ms: i64,
    /// The bytes of the message.
    pub message: Vec<u8>,
    /// The other actors that it names.
    pub others: Vec<Vec<u8>>,
    /// The columns by their specifications.
    pub columns: Vec<(u64, Vec<u8>)>,
    /// Bytes between the columns and the end of the chunk.
    pub extra: Vec<u8>,
}

impl Draft {
    /// Takes a well-formed change apart.
    ///
    /// # Panics
    ///
    /// It is not well formed.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        const VALID: &str = "the sample is valid";
        let mut reader = Reader::new(&bytes[9..]);
        reader.unsigned("length").expect(VALID);
        let list = |reader: &mut Reader<'_>, size: Option<u64>| {
            let count = reader.unsigned("count").expect(VALID);
            (0..count)
                .map(|_| {
                    let size = size.unwrap_or_else(|| reader.unsigned("size").expect(VALID));
                    reader.take(size, "item").expect(VALID).to_vec()
                })
                .collect::<Vec<_>>()
        };
        let deps = list(&mut reader, Some(32));
        let length = reader.unsigned("actor").expect(VALID);
        let actor = reader.take(length, "actor").expect(VALID).to_vec();
        let seq = reader.unsigned("seq").expect(VALID);
        let start_op = reader.unsigned("start").expect(VALID);
        let time_ms = reader.signed("time").expect(VALID);
        let length = reader.unsigned("message").expect(VALID);
        let message = reader.take(length, "message").expect(VALID).to_vec();
        let others = list(&mut reader, None);
        let count = reader.unsigned("columns").expect(VALID);
        let sizes: Vec<(u64, u64)> = (0..count)
            .map(|_| {
                let spec = reader.unsigned("spec").expect(VALID);
                (spec, reader.unsigned("length").expect(VALID))
            })
            .collect();
        let columns = sizes
            .into_iter()
            .map(|(spec, length)| (spec, reader.take(length, "column").expect(VALID).to_vec()))
            .collect();
        Self {
            magic: MAGIC,
            kind: 1,
            deps: deps
                .iter()
                .map(|dep| ChangeHash(dep.as_slice().try_into().expect(VALID)))
                .collect(),
            actor,
            seq,
            start_op,
            time_ms,
            message,
            others,
            columns,
            extra: Vec::new(),
        }
    }

    /// Puts the change together again.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut body = Vec::new();
        let prefixed = |bytes: &[u8], body: &mut Vec<u8>| {
            encode::unsigned(bytes.len() as u64, body);
            body.extend_from_slice(bytes);
        };
        encode::unsigned(self.deps.len() as u64, &mut body);
        for dep in &self.deps {
            body.extend_from_slice(&dep.0);
        }
        prefixed(&self.actor, &mut body);
        encode::unsigned(self.seq, &mut body);
        encode::unsigned(self.start_op, &mut body);
        encode::signed(self.time_ms, &mut body);
        prefixed(&self.message, &mut body);
        encode::unsigned(self.others.len() as u64, &mut body);
        for actor in &self.others {
            prefixed(actor, &mut body);
        }
        encode::write_columns(&self.columns, &mut body);
        body.extend_from_slice(&self.extra);
        let mut chunk = encode::chunk(self.kind, &body);
        chunk[..4].copy_from_slice(&self.magic);
        chunk
    }

    /// Returns the bytes of a column, which is made if it is not there.
    pub fn column(&mut self, spec: u64) -> &mut Vec<u8> {
        let place = match self.columns.binary_search_by_key(&spec, |(spec, _)| *spec) {
            Ok(place) => place,
            Err(place) => {
                self.columns.insert(place, (spec, Vec::new()));
                place
            }
        };
        &mut self.columns[place].1
    }

    /// Replaces all columns by those of the rows.
    pub fn set_rows(&mut self, rows: &[Row]) {
        self.columns = columns(rows);
    }
}

/// Puts a chunk of any type around a body, with the right checksum.
#[must_use]
pub fn chunk(kind: u8, body: &[u8]) -> Vec<u8> {
    encode::chunk(kind, body)
}

/// One operation, each of its fields as the columns can say it.
#[derive(Debug, Clone, Default)]
pub struct Row {
    /// The actor of the object, by its index in the change.
    pub obj_actor: Option<u64>,
    /// The counter of the object.
    pub obj_counter: Option<u64>,
    /// The actor of the element.
    pub key_actor: Option<u64>,
    /// The counter of the element; 0 for the start.
    pub key_counter: Option<u64>,
    /// The key in a map.
    pub key: Option<String>,
    /// Whether an element is inserted.
    pub insert: bool,
    /// What is done.
    pub action: u64,
    /// The type of the value.
    pub kind: u64,
    /// The bytes of the value.
    pub value: Vec<u8>,
    /// Actor and counter of each predecessor.
    pub pred: Vec<(u64, u64)>,
}

/// Returns the operations of a change as rows.
#[must_use]
pub fn rows(change: &ParsedChange) -> Vec<Row> {
    let genesis = change
        .actors
        .iter()
        .position(|actor| actor.to_bytes() == GENESIS_ACTOR)
        .map(|place| place as u64);
    let row = |action: &Action| match action {
        Action::Put { key, value, pred } => Row {
            key: Some(key.clone()),
            action: column::SET,
            kind: column::BYTES,
            value: value.clone(),
            pred: pred
                .iter()
                .map(|id| (id.actor as u64, id.counter))
                .collect(),
            ..Row::default()
        },
        Action::Insert {
            text,
            after,
            character,
        } => Row {
            obj_actor: genesis,
            obj_counter: Some(text.counter()),
            key_actor: after.map(|id| id.actor as u64),
            key_counter: Some(after.map_or(0, |id| id.counter)),
            insert: true,
            action: column::SET,
            kind: column::STRING,
            value: character.to_string().into_bytes(),
            ..Row::default()
        },
        Action::Delete { text, element } => Row {
            obj_actor: genesis,
            obj_counter: Some(text.counter()),
            key_actor: Some(element.actor as u64),
            key_counter: Some(element.counter),
            action: column::DELETE,
            pred: vec![(element.actor as u64, element.counter)],
            ..Row::default()
        },
    };
    change.ops.iter().map(|op| row(&op.action)).collect()
}

fn columns(rows: &[Row]) -> Vec<(u64, Vec<u8>)> {
    let numbers =
        |cell: fn(&Row) -> Option<u64>| encode::numbers(&rows.iter().map(cell).collect::<Vec<_>>());
    let keys: Vec<Option<&String>> = rows.iter().map(|row| row.key.as_ref()).collect();
    let text = |key: &&String, out: &mut Vec<u8>| {
        encode::unsigned(key.len() as u64, out);
        out.extend_from_slice(key.as_bytes());
    };
    let key_counters: Vec<_> = rows.iter().map(|row| row.key_counter).collect();
    let inserts: Vec<_> = rows.iter().map(|row| row.insert).collect();
    let preds = || rows.iter().flat_map(|row| &row.pred);
    let pred_actors: Vec<_> = preds().map(|(actor, _)| Some(*actor)).collect();
    let pred_counters: Vec<_> = preds().map(|(_, counter)| Some(*counter)).collect();
    let columns = [
        (column::OBJ_ACTOR, numbers(|row| row.obj_actor)),
        (column::OBJ_COUNTER, numbers(|row| row.obj_counter)),
        (column::KEY_ACTOR, numbers(|row| row.key_actor)),
        (column::KEY_COUNTER, encode::delta(&key_counters)),
        (column::KEY_TEXT, encode::run_length(&keys, text)),
        (column::INSERT, encode::boolean(&inserts)),
        (column::ACTION, numbers(|row| Some(row.action))),
        (
            column::VALUE_META,
            numbers(|row| Some((row.value.len() as u64) << 4 | row.kind)),
        ),
        (
            column::VALUE,
            rows.iter().flat_map(|row| row.value.clone()).collect(),
        ),
        (
            column::PRED_COUNT,
            numbers(|row| Some(row.pred.len() as u64)),
        ),
        (column::PRED_ACTOR, encode::numbers(&pred_actors)),
        (column::PRED_COUNTER, encode::delta(&pred_counters)),
    ];
    columns
        .into_iter()
        .filter(|(_, bytes)| !bytes.is_empty())
        .collect()
}
