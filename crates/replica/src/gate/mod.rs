//! The gate before automerge: what a change from outside must be before automerge may see it.
//!
//! A hostile or broken change can make automerge accept what it cannot load again, panic, or take gigabytes from a hundred bytes (design.md section 7).
//! So this parser of our own reads each change first, in two steps:
//!
//! 1. [`parse`] looks at the bytes alone. It accepts one uncompressed change chunk, spelt exactly as automerge spells it, within [`Limits`], whose operations are of the kinds below.
//! 2. [`check`] looks at the change beside the document it is for: whose it is, whether it names this record or continues that actor, whether all that it names exists in its past.
//!
//! A change that passed both with [`Verdict::Ready`] is applied safely, and the document saves and loads with the same heads.
//! Apart from an actor that says two things under one sequence, the answer depends on the change and its past alone, so that every device gives the same one.
//!
//! # The operations of a record
//!
//! Records are flat (design.md section 4); three operations are all they need ([`Action`]):
//!
//! - **put**: a scalar of bytes, not empty, under a key of the root map; the key is 1 to 96 characters of printable ASCII and not the name of a text. It supersedes any of the values that it saw, none included.
//! - **insert**: one character into a text of the genesis change, after an element that its author saw, or at the start.
//! - **delete**: one element of such a text that its author saw.
//!
//! The first change of an actor puts `record`, the identity of the very record that it is for, so that it fits into no other document.
//!
//! Nothing else passes: no deletion in the root map, no new objects, no marks, no counters, no other scalars, no second value for an element of a text.
//! The genesis change itself never travels, every document has it from the start.

mod check;
mod columns;
#[cfg(any(test, feature = "drafts"))]
pub mod draft;
mod encode;
mod parse;
mod read;
mod rows;
mod shape;

#[cfg(test)]
mod tests;

use automerge::{ActorId, ChangeHash};
use model::RecordId;

use crate::genesis::Text;

pub use check::{Verdict, check};
pub use parse::parse;

/// The first bytes of every chunk of automerge.
const MAGIC: [u8; 4] = [0x85, 0x6f, 0x4a, 0x83];

/// The chunk type of an uncompressed change.
const UNCOMPRESSED: u8 = 1;

/// The number of bytes of an actor id that name the feed; the other 8 are the incarnation (docs/formats.md).
pub const ACTOR_PREFIX_BYTES: usize = 12;

/// The greatest counter of an operation and the greatest sequence of an actor: automerge keeps both in 32 bits.
pub const MAX_COUNTER: u64 = (1 << 31) - 1;

/// The greatest time of a change, the end of the year 9999, in milliseconds since 1970.
pub const MAX_TIME_MS: i64 = 253_402_300_799_999;

/// The most operations that the changes of one envelope together should have.
///
/// The gate sees one change at a time, and deletions take next to no bytes; whoever takes an envelope apart adds up [`ParsedChange::op_count`] and refuses what goes beyond this.
pub const MAX_ENVELOPE_OPS: usize = 300_000;

/// Column specifications (`id << 4 | type`), actions and value types of automerge's change format.
mod column {
    pub(super) const OBJ_ACTOR: u64 = 0x01;
    pub(super) const OBJ_COUNTER: u64 = 0x02;
    pub(super) const KEY_ACTOR: u64 = 0x11;
    pub(super) const KEY_COUNTER: u64 = 0x13;
    pub(super) const KEY_TEXT: u64 = 0x15;
    pub(super) const INSERT: u64 = 0x34;
    pub(super) const ACTION: u64 = 0x42;
    pub(super) const VALUE_META: u64 = 0x56;
    pub(super) const VALUE: u64 = 0x57;
    pub(super) const PRED_COUNT: u64 = 0x70;
    pub(super) const PRED_ACTOR: u64 = 0x71;
    pub(super) const PRED_COUNTER: u64 = 0x73;
    /// The bit of a specification that says that the column is deflated.
    pub(super) const DEFLATED: u64 = 0x08;

    pub(super) const SET: u64 = 1;
    pub(super) const DELETE: u64 = 3;

    pub(super) const NULL: u64 = 0;
    pub(super) const STRING: u64 = 6;
    pub(super) const BYTES: u64 = 7;
}

/// How much of everything a change may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the whole chunk.
    pub change_bytes: usize,
    /// Operations of the change.
    pub ops: usize,
    /// Predecessors of all its operations together.
    pub preds: usize,
    /// Changes that it depends on.
    pub deps: usize,
    /// Actors that it names beside its own.
    pub actors: usize,
    /// Bytes of a key of the root map.
    pub key_bytes: usize,
    /// Bytes of one scalar.
    pub value_bytes: usize,
    /// Bytes of the message.
    pub message_bytes: usize,
}

impl Default for Limits {
    /// Returns the limits of the protocol: a change is never larger than a transaction (design.md section 7).
    fn default() -> Self {
        Self {
            change_bytes: 256 * 1024,
            ops: 20_000,
            preds: 20_000,
            deps: 4096,
            actors: 4096,
            key_bytes: 96,
            value_bytes: 64 * 1024,
            message_bytes: 64,
        }
    }
}

/// The id of an operation, its actor as an index into [`ParsedChange::actors`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct OpId {
    /// The counter, from 1.
    pub counter: u64,
    /// The index of the actor in the change.
    pub actor: usize,
}

/// What an operation does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Writes a register.
    Put {
        /// The key in the root map.
        key: String,
        /// The bytes of the scalar.
        value: Vec<u8>,
        /// The values that it supersedes, ascending.
        pred: Vec<OpId>,
    },
    /// Inserts a character into a text.
    Insert {
        /// The text.
        text: Text,
        /// The element before it, none at the start.
        after: Option<OpId>,
        /// The character.
        character: char,
    },
    /// Deletes an element of a text.
    Delete {
        /// The text.
        text: Text,
        /// The element, which is also the only predecessor.
        element: OpId,
    },
}

/// One operation of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Op {
    /// The counter of the operation's id; the actor is the change's.
    pub counter: u64,
    /// What it does.
    pub action: Action,
}

/// A change that is well formed by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParsedChange {
    /// The hash, by which others depend on it.
    pub hash: ChangeHash,
    /// The actor of the change, then the others that it names, ascending.
    pub actors: Vec<ActorId>,
    /// The sequence in the actor's changes, from 1.
    pub seq: u64,
    /// The counter of the first operation; the others follow without a gap.
    pub start_op: u64,
    /// The time that its author claims, in milliseconds since 1970.
    pub time_ms: i64,
    /// The message, at most 64 bytes.
    pub message: Option<String>,
    /// The changes that it depends on, ascending.
    pub deps: Vec<ChangeHash>,
    /// The operations, at least one.
    pub ops: Vec<Op>,
}

impl ParsedChange {
    /// Returns the actor that made the change.
    #[must_use]
    pub fn actor(&self) -> &ActorId {
        &self.actors[0]
    }

    /// Returns the number of operations, for a bound over a whole envelope.
    #[must_use]
    pub fn op_count(&self) -> usize {
        self.ops.len()
    }
}

/// Why a change never passes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(
    missing_docs,
    reason = "the message of each variant says what its fields are"
)]
pub enum Rejection {
    #[error("the bytes end within {what}")]
    Truncated { what: &'static str },
    #[error("{what} is a number that is too large or not in its shortest form")]
    Number { what: &'static str },
    #[error("{what} is not UTF-8")]
    Utf8 { what: &'static str },
    #[error("{what} has {count}, more than {limit}")]
    OverLimit {
        what: &'static str,
        count: u64,
        limit: u64,
    },
    #[error("it does not begin like a chunk")]
    Magic,
    #[error("chunk type {found} is not an uncompressed change")]
    ChunkType { found: u8 },
    #[error("the checksum is wrong")]
    Checksum,
    #[error("{count} bytes follow after {what}")]
    Trailing { what: &'static str, count: usize },
    #[error("an actor id has {count} bytes, not 20")]
    ActorLength { count: u64 },
    #[error("the other actors do not ascend, or name the change's own")]
    ActorOrder,
    #[error("no operation names actor {index}")]
    ActorUnused { index: usize },
    #[error("{what} names actor {index}, which the change does not list")]
    ActorIndex { what: &'static str, index: u64 },
    #[error("it depends on nothing, not even on the genesis change")]
    NoDependencies,
    #[error("its dependencies do not ascend")]
    DependencyOrder,
    #[error("the sequence {seq} is out of range")]
    Sequence { seq: u64 },
    #[error("{what} holds a counter out of range")]
    Counter { what: &'static str },
    #[error("the time {time_ms} is out of range")]
    Time { time_ms: i64 },
    #[error("column {spec:#x} is compressed")]
    ColumnCompressed { spec: u64 },
    #[error("column {spec:#x} is not known")]
    ColumnUnknown { spec: u64 },
    #[error("column {spec:#x} is not in its place")]
    ColumnOrder { spec: u64 },
    #[error("the column {column} ends before the operations do")]
    ColumnShort { column: &'static str },
    #[error("the column {column} goes on after the operations end")]
    ColumnLong { column: &'static str },
    #[error("the column {column} is null where it must not be")]
    Null { column: &'static str },
    #[error("it has no operations")]
    NoOps,
    #[error("operation {counter}: object {object} is not of the genesis change")]
    Object { counter: u64, object: u64 },
    #[error("operation {counter}: the key does not fit the object")]
    KeyKind { counter: u64 },
    #[error("operation {counter}: {key:?} is not a key of a register")]
    Key { counter: u64, key: String },
    #[error("operation {counter}: action {action} (insert: {insert}) is not allowed there")]
    Action {
        counter: u64,
        action: u64,
        insert: bool,
    },
    #[error("operation {counter}: a value of type {kind} with {count} bytes is not allowed there")]
    Value { counter: u64, kind: u64, count: u64 },
    #[error("operation {counter}: its predecessors do not ascend or do not fit")]
    Pred { counter: u64 },
    #[error("it is spelt otherwise than automerge would spell it")]
    NotCanonical,
    #[error("the document does not start from the genesis change")]
    NoGenesis,
    #[error("the actor belongs to another feed")]
    ForeignActor,
    #[error("the actor already has another change with sequence {seq}")]
    SequenceTaken { seq: u64 },
    #[error("the sequence is {seq}, but the last one in its past is {last}")]
    SequenceGap { seq: u64, last: u64 },
    #[error("its operations start at {found}, not at {expected}")]
    StartOp { found: u64, expected: u64 },
    #[error("the first change of an actor does not name the record that it is for")]
    NamesNoRecord,
    #[error("the first change of an actor names another record than {record}, which it is for")]
    OtherRecord { record: RecordId },
    #[error("operation {counter}: it supersedes a value that its author cannot have seen")]
    PredUnknown { counter: u64 },
    #[error("operation {counter}: it names an element that its author cannot have seen")]
    ElementUnknown { counter: u64 },
}

/// Checks a count against a limit.
fn within(count: u64, limit: usize, what: &'static str) -> Result<(), Rejection> {
    let limit = limit as u64;
    if count > limit {
        return Err(Rejection::OverLimit { what, count, limit });
    }
    Ok(())
}
