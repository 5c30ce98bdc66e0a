//! Reads a change from bytes.

use automerge::{ActorId, ChangeHash};
use sha2::{Digest, Sha256};

use super::read::Reader;
use super::rows::Rows;
use super::{Action, Limits, MAGIC, Op, ParsedChange, Rejection, UNCOMPRESSED, encode, shape};
use crate::genesis::{ACTOR_BYTES, GENESIS_ACTOR};

/// Reads one change and checks all that can be checked without a document.
///
/// What it allocates is bounded by `limits` and by the bytes, whatever these say.
///
/// # Errors
///
/// The first rule that the bytes break; such a change never passes.
pub fn parse(bytes: &[u8], limits: &Limits) -> Result<ParsedChange, Rejection> {
    super::within(bytes.len() as u64, limits.change_bytes, "the change")?;
    let (hash, mut reader) = open(bytes)?;

    let deps = dependencies(&mut reader, limits)?;
    let author = actor(&mut reader)?;
    let seq = reader.unsigned("the sequence")?;
    if seq == 0 || seq > super::MAX_COUNTER {
        return Err(Rejection::Sequence { seq });
    }
    let start_op = reader.unsigned("the start operation")?;
    let time_ms = reader.signed("the time")?;
    if !(0..=super::MAX_TIME_MS).contains(&time_ms) {
        return Err(Rejection::Time { time_ms });
    }
    let length = reader.length(limits.message_bytes, "the message")?;
    let message = reader.text(length, "the message")?;
    let message = (!message.is_empty()).then(|| message.to_owned());
    let actors = actors(&mut reader, author, limits)?;

    let mut rows = Rows::new(&mut reader, actors.len(), limits)?;
    if !reader.is_empty() {
        let (what, count) = ("the columns", reader.len());
        return Err(Rejection::Trailing { what, count });
    }
    let ops = operations(&mut rows, start_op, &actors, limits)?;
    check_actors_used(&actors, &ops)?;

    let change = ParsedChange {
        hash,
        actors,
        seq,
        start_op,
        time_ms,
        message,
        deps,
        ops,
    };
    if encode::change(&change) != bytes {
        return Err(Rejection::NotCanonical);
    }
    Ok(change)
}

/// Opens the chunk: magic, checksum, type, length and nothing behind it.
fn open(bytes: &[u8]) -> Result<(ChangeHash, Reader<'_>), Rejection> {
    let mut reader = Reader::new(bytes);
    if reader.take(4, "the chunk's header")? != MAGIC {
        return Err(Rejection::Magic);
    }
    let checksum = reader.take(4, "the chunk's header")?;
    let hashed = &bytes[8..];
    let kind = reader.take(1, "the chunk's header")?[0];
    if kind != UNCOMPRESSED {
        return Err(Rejection::ChunkType { found: kind });
    }
    let length = reader.unsigned("the chunk's length")?;
    let body = reader.take(length, "the chunk")?;
    if !reader.is_empty() {
        let (what, count) = ("the chunk", reader.len());
        return Err(Rejection::Trailing { what, count });
    }
    // The hash covers type, length and body; since the length is spelt shortest, that is the rest of the bytes as they stand.
    let hash: [u8; 32] = Sha256::digest(hashed).into();
    if hash[..4] != *checksum {
        return Err(Rejection::Checksum);
    }
    Ok((ChangeHash(hash), Reader::new(body)))
}

fn dependencies(reader: &mut Reader<'_>, limits: &Limits) -> Result<Vec<ChangeHash>, Rejection> {
    let count = reader.length(limits.deps, "the dependencies")?;
    let mut deps: Vec<ChangeHash> = Vec::new();
    for _ in 0..count {
        let mut hash = [0; 32];
        hash.copy_from_slice(reader.take(32, "the dependencies")?);
        deps.push(ChangeHash(hash));
    }
    if deps.is_empty() {
        return Err(Rejection::NoDependencies);
    }
    if !deps.is_sorted_by(|before, after| before < after) {
        return Err(Rejection::DependencyOrder);
    }
    Ok(deps)
}

fn actor(reader: &mut Reader<'_>) -> Result<ActorId, Rejection> {
    let count = reader.unsigned("an actor")?;
    if count != ACTOR_BYTES as u64 {
        return Err(Rejection::ActorLength { count });
    }
    reader.take(count, "an actor").map(ActorId::from)
}

/// Reads the other actors, which stand in ascending order after the author.
fn actors(
    reader: &mut Reader<'_>,
    author: ActorId,
    limits: &Limits,
) -> Result<Vec<ActorId>, Rejection> {
    let count = reader.length(limits.actors, "the actors")?;
    let mut actors = vec![author];
    for _ in 0..count {
        let next = actor(reader)?;
        let ascends = actors.len() == 1 || actors.last() < Some(&next);
        if !ascends || next == actors[0] {
            return Err(Rejection::ActorOrder);
        }
        actors.push(next);
    }
    Ok(actors)
}

fn operations(
    rows: &mut Rows<'_>,
    start_op: u64,
    actors: &[ActorId],
    limits: &Limits,
) -> Result<Vec<Op>, Rejection> {
    let what = "the start operation";
    if start_op == 0 || start_op > super::MAX_COUNTER - limits.ops as u64 {
        return Err(Rejection::Counter { what });
    }
    let mut ops = Vec::new();
    while !rows.at_end() {
        super::within(ops.len() as u64 + 1, limits.ops, "the operations")?;
        let counter = start_op + ops.len() as u64;
        let row = rows.next()?;
        let action = shape::action(counter, row, actors)?;
        ops.push(Op { counter, action });
    }
    rows.finish()?;
    if ops.is_empty() {
        return Err(Rejection::NoOps);
    }
    Ok(ops)
}

/// Checks that each other actor is named, since automerge would not list it otherwise.
fn check_actors_used(actors: &[ActorId], ops: &[Op]) -> Result<(), Rejection> {
    let mut used = vec![false; actors.len()];
    used[0] = true;
    let genesis = actors
        .iter()
        .position(|actor| actor.to_bytes() == GENESIS_ACTOR);
    for op in ops {
        let named = match &op.action {
            Action::Put { pred, .. } => pred.as_slice(),
            Action::Insert { after, .. } => after.as_slice(),
            Action::Delete { element, .. } => std::slice::from_ref(element),
        };
        for id in named {
            used[id.actor] = true;
        }
        if let (Some(genesis), Action::Insert { .. } | Action::Delete { .. }) =
            (genesis, &op.action)
        {
            used[genesis] = true;
        }
    }
    match used.iter().position(|used| !used) {
        Some(index) => Err(Rejection::ActorUnused { index }),
        None => Ok(()),
    }
}
