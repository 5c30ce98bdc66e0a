//! Finding the record that a person names: by number, by id, by the beginning or end of an id, members by name.

use model::fold::fold_name;
use model::record::Standing;
use model::world::World;
use model::{Kind, RecordId};

use super::Asked;
use crate::digest::Digest;

/// The fewest digits by which an id may be named.
const MIN_DIGITS: usize = 4;

/// How many candidates an error names.
const NAMED_CANDIDATES: usize = 5;

/// Says why a name leads to no single record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FindError {
    /// Nothing is called so.
    #[error("there is no record '{text}'")]
    None {
        /// What was asked for.
        text: String,
    },
    /// Several are.
    #[error("'{text}' could be {candidates}")]
    Several {
        /// What was asked for.
        text: String,
        /// Some of those that it could be.
        candidates: String,
    },
}

/// Finds the record that a person names.
pub fn find(asked: &Asked<'_>, text: &str) -> Result<RecordId, FindError> {
    let text = text.trim();
    // There is one record of this kind, so its kind names it.
    if text.eq_ignore_ascii_case(Kind::Settings.name()) {
        return Ok(asked.world.settings_id());
    }
    let numbered = asked.world.with_number(&text.to_uppercase());
    if !numbered.is_empty() {
        return only(asked, text, in_use(asked, numbered));
    }
    if let Ok(id) = text.parse::<RecordId>()
        && asked.replica.views().has(id)
    {
        return Ok(id);
    }
    let digits = text.to_lowercase().replace('-', "");
    let is_part = digits.len() >= MIN_DIGITS && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_part {
        let matching = |id: &RecordId| {
            let whole = id.to_string();
            whole.starts_with(&digits) || whole.ends_with(&digits)
        };
        let found: Vec<RecordId> = asked
            .replica
            .views()
            .all()
            .map(|(_, id)| id)
            .filter(matching)
            .collect();
        if !found.is_empty() {
            return only(asked, text, found);
        }
    }
    match find_member(asked, text) {
        Ok(member) => Ok(member),
        Err(FindError::None { .. }) => find_event(asked, text),
        Err(several) => Err(several),
    }
}

/// Finds a member by name or e-mail address.
pub fn find_member(asked: &Asked<'_>, text: &str) -> Result<RecordId, FindError> {
    let folded = fold_name(text);
    let members = asked
        .replica
        .digests()
        .of_kind(asked.replica.views(), Kind::Member);
    let mut named = Vec::new();
    let mut begun = Vec::new();
    for member in members {
        let name = fold_name(member.title());
        let email = match member.value("email") {
            Some(model::Value::Text(email)) => fold_name(&email),
            _ => String::new(),
        };
        if !folded.is_empty() && (name == folded || email == folded) {
            named.push(member.id());
        } else if !folded.is_empty() && name.split(' ').any(|part| part == folded) {
            begun.push(member.id());
        }
    }
    only(asked, text, if named.is_empty() { begun } else { named })
}

fn find_event(asked: &Asked<'_>, text: &str) -> Result<RecordId, FindError> {
    let folded = fold_name(text);
    let events = asked
        .replica
        .digests()
        .of_kind(asked.replica.views(), Kind::Event);
    let found = events
        .filter(|event| !folded.is_empty() && fold_name(event.title()) == folded)
        .map(Digest::id);
    only(asked, text, found.collect())
}

/// Leaves what was merged away or undone out where something else goes by the same number.
fn in_use(asked: &Asked<'_>, found: Vec<RecordId>) -> Vec<RecordId> {
    let standing = |id: &RecordId| asked.replica.digests().get(*id).map(Digest::standing);
    let used: Vec<RecordId> = found
        .iter()
        .copied()
        .filter(|id| !matches!(standing(id), Some(Standing::Merged(_) | Standing::Undone)))
        .collect();
    if used.is_empty() { found } else { used }
}

fn only(asked: &Asked<'_>, text: &str, found: Vec<RecordId>) -> Result<RecordId, FindError> {
    match found.as_slice() {
        [] => Err(FindError::None {
            text: text.to_owned(),
        }),
        [one] => Ok(*one),
        several => {
            let named: Vec<String> = several
                .iter()
                .take(NAMED_CANDIDATES)
                .map(|id| format!("{} ({})", asked.named(*id).title, id.short()))
                .collect();
            Err(FindError::Several {
                text: text.to_owned(),
                candidates: named.join(", "),
            })
        }
    }
}
