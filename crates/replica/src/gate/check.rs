//! Checks a parsed change beside the document that it is for.
//!
//! Everything is asked of the document as it was at the change's dependencies, which is what the author saw, never as it is now.
//! That is the stricter question, and one that has the same answer on every device, whatever else it has received.

use std::collections::{BinaryHeap, HashMap, HashSet};

use automerge::{ActorId, Automerge, ChangeHash, ChangeMetadata, ObjId, ROOT, ReadDoc};

use model::RecordId;
use model::register::Register;
use model::value::{Form, Identity, Value};

use super::{ACTOR_PREFIX_BYTES, Action, OpId, ParsedChange, Rejection};
use crate::genesis::{ACTOR_BYTES, Text, genesis_hash};

/// What to do with a change that breaks no rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Apply it.
    Ready,
    /// Let it wait until the document has these changes, ascending; then check it again.
    Missing(Vec<ChangeHash>),
    /// Skip it: the document has it.
    Known,
}

/// Checks whether a change may be applied to the document of a record.
///
/// `actor_prefixes` are the beginnings of the actor ids that its author may use: of the feed's own, and of those that it continues.
/// The document must start from the genesis change, as [`crate::genesis::new_document`] makes it, and hold only changes that passed the gate or that this program wrote.
///
/// Costs: the changes that are not in the change's past, the changes between it and the last one of its actor, and one walk over each text in which it names elements of earlier changes.
///
/// # Errors
///
/// The first rule that the change breaks; such a change never passes, whatever arrives later.
pub fn check(
    change: &ParsedChange,
    actor_prefixes: &[[u8; ACTOR_PREFIX_BYTES]],
    record: RecordId,
    document: &Automerge,
) -> Result<Verdict, Rejection> {
    check_identity(change, record)?;
    check_beside(change, actor_prefixes, document)
}

/// Checks that the first change of an actor names the very record that it is for.
///
/// All documents start from one genesis change, so a first change would fit into any of them; the later ones depend on it.
fn check_identity(change: &ParsedChange, record: RecordId) -> Result<(), Rejection> {
    if change.seq > 1 {
        return Ok(());
    }
    let mut names = change.ops.iter().filter_map(|op| match &op.action {
        Action::Put { key, value, .. } if key == "record" => Some(named(value)),
        _ => None,
    });
    match names.next() {
        Some(first)
            if std::iter::once(first)
                .chain(names)
                .all(|id| id == Some(record)) =>
        {
            Ok(())
        }
        Some(_) => Err(Rejection::OtherRecord { record }),
        None => Err(Rejection::NamesNoRecord),
    }
}

/// Reads which record an identity register names.
fn named(register: &[u8]) -> Option<RecordId> {
    let value = Register::from_bytes(register).ok()?.value()?;
    match Value::from_map(Form::Identity, &value)? {
        Value::Identity(Identity { id, .. }) => Some(id),
        _ => None,
    }
}

/// Checks all that does not depend on which record the document is of.
pub(super) fn check_beside(
    change: &ParsedChange,
    actor_prefixes: &[[u8; ACTOR_PREFIX_BYTES]],
    document: &Automerge,
) -> Result<Verdict, Rejection> {
    let has = |hash: &ChangeHash| document.get_change_meta_by_hash(hash);
    if has(&genesis_hash()).is_none() {
        return Err(Rejection::NoGenesis);
    }
    let actor = change.actor().to_bytes();
    let allowed = actor_prefixes.iter().any(|own| actor.starts_with(own));
    if actor.len() != ACTOR_BYTES || !allowed {
        return Err(Rejection::ForeignActor);
    }
    if has(&change.hash).is_some() {
        return Ok(Verdict::Known);
    }
    let mut deps = Vec::with_capacity(change.deps.len());
    let mut missing = Vec::new();
    for hash in &change.deps {
        match has(hash) {
            Some(dep) => deps.push(dep),
            None => missing.push(*hash),
        }
    }
    if !missing.is_empty() {
        return Ok(Verdict::Missing(missing));
    }
    check_start(change, &deps)?;
    check_sequence(change, deps, document)?;
    check_registers(change, document)?;
    for text in Text::ALL {
        check_text(change, text, document)?;
    }
    Ok(Verdict::Ready)
}

/// Checks that the operations start right after the greatest counter of the dependencies.
///
/// Automerge writes it so, and relies on it when it reads a saved document.
fn check_start(change: &ParsedChange, deps: &[ChangeMetadata<'_>]) -> Result<(), Rejection> {
    let expected = deps.iter().map(|dep| dep.max_op).max().unwrap_or(0) + 1;
    if change.start_op != expected {
        return Err(Rejection::StartOp {
            found: change.start_op,
            expected,
        });
    }
    Ok(())
}

/// Checks that the change follows the last one of its actor, and has that in its past.
fn check_sequence(
    change: &ParsedChange,
    deps: Vec<ChangeMetadata<'_>>,
    document: &Automerge,
) -> Result<(), Rejection> {
    let seq = change.seq;
    let last = if is_known(change.actor(), document) {
        last_sequence(change.actor(), seq, deps, document)
    } else {
        0
    };
    if last >= seq {
        return Err(Rejection::SequenceTaken { seq });
    }
    if last + 1 < seq {
        return Err(Rejection::SequenceGap { seq, last });
    }
    if change.deps == document.get_heads() {
        return Ok(());
    }
    let beside = document.get_changes_meta(&change.deps);
    if beside.iter().any(|other| *other.actor == *change.actor()) {
        return Err(Rejection::SequenceTaken { seq });
    }
    Ok(())
}

/// Returns whether the document has a change of the actor.
fn is_known(actor: &ActorId, document: &Automerge) -> bool {
    // Resolving an object id looks up its actor and nothing else.
    document.import_obj(&format!("0@{actor}")).is_ok()
}

/// Finds the greatest sequence of the actor in the past of the dependencies, 0 if there is none.
///
/// Walks back by falling counters; a change's counters are above all of its past, so the first one found is the last one made.
fn last_sequence(
    actor: &ActorId,
    seq: u64,
    deps: Vec<ChangeMetadata<'_>>,
    document: &Automerge,
) -> u64 {
    let mut seen: HashSet<ChangeHash> = deps.iter().map(|dep| dep.hash).collect();
    let mut open: BinaryHeap<(u64, ChangeHash)> =
        deps.iter().map(|dep| (dep.max_op, dep.hash)).collect();
    while let Some((max_op, hash)) = open.pop() {
        // Each change has an operation at least, so the one before this has a counter of its sequence or more.
        if max_op + 1 < seq {
            break;
        }
        let Some(meta) = document.get_change_meta_by_hash(&hash) else {
            continue;
        };
        if *meta.actor == *actor {
            return meta.seq;
        }
        for dep in meta.deps {
            if seen.insert(dep)
                && let Some(meta) = document.get_change_meta_by_hash(&dep)
            {
                open.push((meta.max_op, dep));
            }
        }
    }
    0
}

/// An operation's id, comparable with the document's.
type Id = (u64, ActorId);

fn id(change: &ParsedChange, id: &OpId) -> Id {
    (id.counter, change.actors[id.actor].clone())
}

fn is_own(change: &ParsedChange, id: &OpId) -> bool {
    id.actor == 0 && id.counter >= change.start_op
}

/// The values that a key shows while the operations of a change are gone through.
#[derive(Default)]
struct Shown {
    /// Whether the values of the past are among them; they are looked up when first superseded.
    past: bool,
    values: HashSet<Id>,
}

/// Checks that each put supersedes only what its key showed at the time: values of the past, or of this change.
fn check_registers(change: &ParsedChange, document: &Automerge) -> Result<(), Rejection> {
    let mut keys: HashMap<&str, Shown> = HashMap::new();
    for op in &change.ops {
        let Action::Put { key, pred, .. } = &op.action else {
            continue;
        };
        let counter = op.counter;
        let shown = keys.entry(key).or_default();
        for pred in pred {
            if !is_own(change, pred) && !std::mem::replace(&mut shown.past, true) {
                let values = values_at(document, key, &change.deps);
                shown.values.extend(values);
            }
            if !shown.values.remove(&id(change, pred)) {
                return Err(Rejection::PredUnknown { counter });
            }
        }
        shown.values.insert((counter, change.actor().clone()));
    }
    Ok(())
}

/// Returns the ids of the values that a key showed after the given changes.
fn values_at(document: &Automerge, key: &str, heads: &[ChangeHash]) -> Vec<Id> {
    let values = document.get_all_at(ROOT, key, heads).unwrap_or_default();
    values
        .into_iter()
        .filter_map(|(_, id)| match id {
            ObjId::Id(counter, actor, _) => Some((counter, actor)),
            ObjId::Root => None,
        })
        .collect()
}

/// Checks that all elements that the change names in the text stood there at the time, and deletes each once.
fn check_text(change: &ParsedChange, text: Text, document: &Automerge) -> Result<(), Rejection> {
    let mut wanted: HashMap<Id, u64> = HashMap::new();
    let mut own = HashSet::new();
    let mut deleted = HashSet::new();
    for op in &change.ops {
        let counter = op.counter;
        let named = match &op.action {
            Action::Insert {
                text: of, after, ..
            } if *of == text => {
                own.insert(counter);
                *after
            }
            Action::Delete { text: of, element } if *of == text => {
                if !deleted.insert(*element) {
                    return Err(Rejection::ElementUnknown { counter });
                }
                Some(*element)
            }
            _ => None,
        };
        let Some(named) = named else { continue };
        if !is_own(change, &named) {
            wanted.entry(id(change, &named)).or_insert(counter);
        } else if named.counter >= counter || !own.contains(&named.counter) {
            return Err(Rejection::ElementUnknown { counter });
        }
    }
    if wanted.is_empty() {
        return Ok(());
    }
    for element in document.list_range_at(text.object(), .., &change.deps) {
        if let ObjId::Id(counter, actor, _) = element.id() {
            wanted.remove(&(counter, actor));
        }
        if wanted.is_empty() {
            return Ok(());
        }
    }
    // The earliest operation, so that the answer does not depend on the order of a map.
    match wanted.into_values().min() {
        Some(counter) => Err(Rejection::ElementUnknown { counter }),
        None => Ok(()),
    }
}
