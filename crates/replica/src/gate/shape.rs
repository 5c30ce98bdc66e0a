//! Turns a row into an operation that a record may have, or refuses it.

use automerge::ActorId;

use super::rows::{Key, Row};
use super::{Action, OpId, Rejection, column};
use crate::genesis::{GENESIS_ACTOR, Text};

/// Reads the row as one of the operations that records are made of.
pub(super) fn action(counter: u64, row: Row<'_>, actors: &[ActorId]) -> Result<Action, Rejection> {
    match row.object {
        None => put(counter, row, actors),
        Some(object) => {
            let text = text(counter, object, actors)?;
            edit(counter, text, row)
        }
    }
}

fn text(counter: u64, object: OpId, actors: &[ActorId]) -> Result<Text, Rejection> {
    Text::from_counter(object.counter)
        .filter(|_| actors[object.actor].to_bytes() == GENESIS_ACTOR)
        .ok_or(Rejection::Object {
            counter,
            object: object.counter,
        })
}

fn put(counter: u64, row: Row<'_>, actors: &[ActorId]) -> Result<Action, Rejection> {
    let Key::Map(key) = row.key else {
        return Err(Rejection::KeyKind { counter });
    };
    let printable = key.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    let names_text = Text::ALL.iter().any(|text| text.name() == key);
    if key.is_empty() || !printable || names_text {
        let key = key.to_owned();
        return Err(Rejection::Key { counter, key });
    }
    if row.action != column::SET || row.insert {
        return Err(refused(counter, &row));
    }
    if row.value_kind != column::BYTES || row.value.is_empty() {
        return Err(value(counter, &row));
    }
    Ok(Action::Put {
        key: key.to_owned(),
        value: row.value.to_vec(),
        pred: ascending(counter, row.pred, actors)?,
    })
}

fn edit(counter: u64, text: Text, row: Row<'_>) -> Result<Action, Rejection> {
    match (row.action, row.insert, row.key) {
        (column::SET, true, Key::Start | Key::Element(_)) => {
            let after = match row.key {
                Key::Element(id) => Some(id),
                _ => None,
            };
            if !row.pred.is_empty() {
                return Err(Rejection::Pred { counter });
            }
            let character = character(&row).ok_or_else(|| value(counter, &row))?;
            Ok(Action::Insert {
                text,
                after,
                character,
            })
        }
        (column::DELETE, false, Key::Element(element)) => {
            if row.pred != [element] {
                return Err(Rejection::Pred { counter });
            }
            if row.value_kind != column::NULL || !row.value.is_empty() {
                return Err(value(counter, &row));
            }
            Ok(Action::Delete { text, element })
        }
        (_, _, Key::Map(_)) | (column::DELETE, false, Key::Start) => {
            Err(Rejection::KeyKind { counter })
        }
        _ => Err(refused(counter, &row)),
    }
}

/// Checks that predecessors ascend by counter, then by actor, the order in which automerge writes them.
fn ascending(counter: u64, pred: Vec<OpId>, actors: &[ActorId]) -> Result<Vec<OpId>, Rejection> {
    let order = |id: &OpId| (id.counter, &actors[id.actor]);
    if pred.is_sorted_by(|before, after| order(before) < order(after)) {
        Ok(pred)
    } else {
        Err(Rejection::Pred { counter })
    }
}

fn refused(counter: u64, row: &Row<'_>) -> Rejection {
    Rejection::Action {
        counter,
        action: row.action,
        insert: row.insert,
    }
}

fn value(counter: u64, row: &Row<'_>) -> Rejection {
    Rejection::Value {
        counter,
        kind: row.value_kind,
        count: row.value.len() as u64,
    }
}

/// Reads the value as exactly one character, which is what automerge makes an element of a text.
fn character(row: &Row<'_>) -> Option<char> {
    if row.value_kind != column::STRING {
        return None;
    }
    let mut characters = std::str::from_utf8(row.value).ok()?.chars();
    let first = characters.next()?;
    characters.next().is_none().then_some(first)
}
