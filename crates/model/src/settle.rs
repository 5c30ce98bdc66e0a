//! Settling the concurrent values of one field: which is shown, and whether the others are listed.

use std::cmp::Reverse;

use crate::doc::{Candidate, OpId};
use crate::id::{Author, RecordId, Stamp, ValueId};
use crate::kind::{FieldSpec, Settle};
use crate::status::{Status, settle_furthest, settle_sales};
use crate::value::{Conversion, Done, Life, MergedInto, Value};

/// One of the distinct values that a field holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Names the value; equal values of several presses go by the smallest.
    pub id: ValueId,
    /// The value; `None` where the field was cleared or the entry removed.
    pub value: Option<Value>,
    /// The device that wrote it last.
    pub author: Author,
    /// When (ms since 1970).
    pub time_ms: i64,
    /// The writes that say the same.
    pub ops: Vec<OpId>,
    /// The value's names, one for each press that wrote it; who saw one of them has seen the value.
    pub presses: Vec<ValueId>,
}

/// A field as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// The value that is shown.
    pub shown: Option<Value>,
    /// All distinct values, the shown one first where it is one of them.
    pub held: Vec<Held>,
    /// Whether the others are listed on the Merged list.
    pub in_conflict: bool,
    /// Whether a win stands against a loss.
    pub contested: bool,
}

impl Settled {
    /// Shows a value that no register holds, since it follows from other records.
    pub(crate) fn derived(shown: Option<Value>) -> Self {
        Self {
            shown,
            held: Vec::new(),
            in_conflict: false,
            contested: false,
        }
    }
}

/// What settling must know beside the values.
#[derive(Debug, Clone, Copy, Default)]
pub struct Derived {
    /// The customer that a rule would derive for this record.
    pub customer: Option<RecordId>,
    /// The contact person that a rule would derive.
    pub contact: Option<RecordId>,
}

impl Derived {
    /// Names what converting this inquiry derives.
    pub fn from_inquiry(inquiry: RecordId) -> Self {
        Self {
            customer: Some(RecordId::customer_of(inquiry)),
            contact: Some(RecordId::contact_of(inquiry)),
        }
    }

    pub(crate) fn contains(&self, id: RecordId) -> bool {
        self.customer == Some(id) || self.contact == Some(id)
    }
}

/// Settles the concurrent values under one key of a record.
pub fn settle(
    record: RecordId,
    key: &str,
    spec: &FieldSpec,
    derived: Derived,
    candidates: &[Candidate],
) -> Settled {
    let mut held = group(record, key, spec, candidates);
    held.sort_by_key(|one| {
        (
            one.value.is_none(),
            Reverse((one.time_ms, one.ops.last().copied(), one.id)),
        )
    });
    let (shown, contested) = choose(spec, derived, &held);
    if let Some(at) = held.iter().position(|one| one.value == shown) {
        held[..=at].rotate_right(1);
    }
    let in_conflict = held.len() > 1
        && match spec.settle {
            Settle::Any | Settle::Life | Settle::Done => false,
            Settle::Reference if key == "conversion" => conversions_differ(&held),
            _ => true,
        };
    Settled {
        shown,
        held,
        in_conflict,
        contested,
    }
}

/// Puts equal values of several presses together; the stamp does not count.
fn group(record: RecordId, key: &str, spec: &FieldSpec, candidates: &[Candidate]) -> Vec<Held> {
    let mut held: Vec<Held> = Vec::new();
    for candidate in candidates {
        let raw = candidate.register.value();
        let value = raw.as_ref().and_then(|raw| Value::from_map(spec.form, raw));
        // What this version cannot read is not shown, but it is no cleared field either: it is left out, and kept.
        if value.is_none() && raw.is_some() {
            continue;
        }
        let id = candidate.value_id(record, key);
        match held.iter_mut().find(|one| one.value == value) {
            Some(one) => {
                one.id = one.id.min(id);
                one.presses.push(id);
                one.ops.push(candidate.op);
                if (candidate.time_ms, candidate.op) > (one.time_ms, one.ops[0]) {
                    one.time_ms = candidate.time_ms;
                    one.author = candidate.op.author();
                }
                one.ops.sort_unstable();
            }
            None => held.push(Held {
                id,
                value,
                author: candidate.op.author(),
                time_ms: candidate.time_ms,
                ops: vec![candidate.op],
                presses: vec![id],
            }),
        }
    }
    held
}

fn statuses(held: &[Held]) -> Vec<Status> {
    held.iter()
        .filter_map(|one| match &one.value {
            Some(Value::Status(status)) => Some(status.clone()),
            _ => None,
        })
        .collect()
}

fn choose(spec: &FieldSpec, derived: Derived, held: &[Held]) -> (Option<Value>, bool) {
    let latest = || held.first().and_then(|one| one.value.clone());
    let values = || held.iter().filter_map(|one| one.value.clone());
    let shown = match spec.settle {
        Settle::Latest | Settle::Any => latest(),
        Settle::Reference if values().any(|value| matches!(value, Value::Conversion(_))) => {
            combine_conversions(derived, held).map(Value::Conversion)
        }
        Settle::Reference => values().min_by_key(|value| match value {
            Value::Reference(id) => (derived.contains(*id), *id),
            _ => (true, RecordId::from_bytes([0xff; 16])),
        }),
        Settle::Sales => {
            let statuses = statuses(held);
            return match settle_sales(&statuses) {
                Some((status, contested)) => (Some(Value::Status(status.clone())), contested),
                None => (None, false),
            };
        }
        Settle::Furthest => settle_furthest(&statuses(held)).cloned().map(Value::Status),
        Settle::FirstWord => values().min_by_key(|value| match value {
            Value::Text(text) => spec
                .words
                .iter()
                .position(|word| word == text)
                .unwrap_or(usize::MAX),
            _ => usize::MAX,
        }),
        Settle::Done => values().max_by_key(|value| {
            (
                matches!(value, Value::Done(Done::Reopened(_))),
                value.clone(),
            )
        }),
        Settle::Life => Some(Value::Life(combine_lives(held))),
        Settle::MergedInto => combine_merges(held).map(Value::MergedInto),
    };
    (shown, false)
}

/// Alive beside anything else means alive; archived beside undone means archived.
fn combine_lives(held: &[Held]) -> Life {
    let lives = held.iter().filter_map(|one| match &one.value {
        Some(Value::Life(life)) => Some(life),
        _ => None,
    });
    let mut under: Option<Vec<RecordId>> = None;
    let mut archived = false;
    for life in lives {
        match life {
            Life::Alive => return Life::Alive,
            Life::Archived => archived = true,
            Life::Undone(seen) => under.get_or_insert_default().extend(seen),
        }
    }
    match under {
        Some(mut seen) if !archived => {
            seen.sort_unstable();
            seen.dedup();
            Life::Undone(seen)
        }
        _ if archived => Life::Archived,
        _ => Life::Alive,
    }
}

/// The smallest survivor counts; what anybody has seen who merged into it was seen.
fn combine_merges(held: &[Held]) -> Option<MergedInto> {
    let merges = || {
        held.iter().filter_map(|one| match &one.value {
            Some(Value::MergedInto(merged)) => Some(merged),
            _ => None,
        })
    };
    let survivor = merges().map(|merged| merged.survivor).min()?;
    let mut seen: Vec<Stamp> = merges()
        .filter(|merged| merged.survivor == survivor)
        .flat_map(|merged| merged.seen.iter().copied())
        .collect();
    seen.sort_unstable();
    seen.dedup();
    Some(MergedInto { survivor, seen })
}

fn conversions(held: &[Held]) -> impl Iterator<Item = &Conversion> {
    held.iter().filter_map(|one| match &one.value {
        Some(Value::Conversion(conversion)) => Some(conversion),
        _ => None,
    })
}

/// Puts concurrent conversions of one inquiry under one customer and one contact person.
///
/// An existing record comes before the derived one, then the smallest id; a sales project made anywhere is alive.
/// The contact person is one that somebody named together with the customer: two true pairs never yield a third.
fn combine_conversions(derived: Derived, held: &[Held]) -> Option<Conversion> {
    let stands = conversions(held).any(|conversion| !conversion.undone);
    let counted = || conversions(held).filter(move |conversion| !stands || !conversion.undone);
    let rank = |id: &RecordId| (derived.contains(*id), *id);
    let customer = counted()
        .map(|conversion| conversion.customer)
        .min_by_key(rank)?;
    let contact = counted()
        .filter(|conversion| conversion.customer == customer)
        .map(|conversion| conversion.contact)
        .min_by_key(rank)?;
    Some(Conversion {
        customer,
        contact,
        sales_project: counted()
            .filter_map(|conversion| conversion.sales_project)
            .min(),
        undone: !stands,
    })
}

fn conversions_differ(held: &[Held]) -> bool {
    let mut seen: Vec<Conversion> = conversions(held)
        .map(|one| Conversion {
            undone: false,
            ..one.clone()
        })
        .collect();
    seen.sort_unstable();
    seen.dedup();
    seen.len() > 1
}
