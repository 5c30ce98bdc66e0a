//! Settling the concurrent values of one field: which is shown, and whether the others are listed.

use std::cmp::Reverse;

use crate::doc::{Candidate, OpId, value_id};
use crate::id::{Author, RecordId, Stamp, ValueId};
use crate::kind::{FieldSpec, Settle};
use crate::register::Register;
use crate::status::{Status, settle_furthest, settle_sales};
use crate::value::{Conversion, Done, Life, MergedInto, Value};

/// One of the distinct values that a field holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The value; `None` where the field was cleared or the entry removed.
    pub value: Option<Value>,
    /// The device that wrote it last.
    pub author: Author,
    /// When (ms since 1970).
    pub time_ms: i64,
    /// The writes that say the same.
    pub ops: Vec<OpId>,
    record: RecordId,
    key: Box<str>,
    registers: Vec<Register>,
}

impl Held {
    /// Names the value; equal values of several presses go by the smallest.
    ///
    /// Names are hashes, so they are worked out when they are asked for: most values are shown and never named.
    pub fn id(&self) -> ValueId {
        let names = self.names().min();
        names.expect("a value is held by the press that wrote it")
    }

    /// Gives the value's names, one for each press that wrote it; who saw one of them has seen the value.
    pub fn presses(&self) -> Vec<ValueId> {
        self.names().collect()
    }

    fn names(&self) -> impl Iterator<Item = ValueId> {
        let registers = self.registers.iter();
        registers.map(|register| value_id(self.record, &self.key, register))
    }
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

/// What settling must know beside the values: what a rule would derive for the record.
#[derive(Debug, Clone, Copy, Default)]
pub struct Derived {
    inquiry: Option<RecordId>,
}

impl Derived {
    /// Names the inquiry that the record comes from, or is; what converting it makes is derived.
    pub fn from_inquiry(inquiry: RecordId) -> Self {
        Self {
            inquiry: Some(inquiry),
        }
    }

    /// Tells whether a customer or contact person is one that a rule derived.
    pub(crate) fn contains(&self, id: RecordId) -> bool {
        self.inquiry.is_some_and(|inquiry| {
            RecordId::customer_of(inquiry) == id || RecordId::contact_of(inquiry) == id
        })
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
    if held.len() > 1 {
        let place = |one: &Held| {
            let newest = (one.time_ms, one.ops.last().copied());
            (one.value.is_none(), Reverse(newest))
        };
        // Operations are numbered within a document, so those of two merged records may be alike.
        held.sort_by(|a, b| (place(a).cmp(&place(b))).then_with(|| b.id().cmp(&a.id())));
    }
    let (shown, contested) = choose(spec, derived, &held);
    show_first(&mut held, shown.as_ref());
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

/// Puts the value that is shown before the others, where it is one of them.
pub(crate) fn show_first(held: &mut [Held], shown: Option<&Value>) {
    if held.len() > 1
        && let Some(at) = held.iter().position(|one| one.value.as_ref() == shown)
    {
        held[..=at].rotate_right(1);
    }
}

/// Puts equal values of several presses together; the stamp does not count.
fn group(record: RecordId, key: &str, spec: &FieldSpec, candidates: &[Candidate]) -> Vec<Held> {
    let mut held: Vec<Held> = Vec::with_capacity(candidates.len());
    for candidate in candidates {
        let value = candidate.value(spec);
        // What this version cannot read is not shown, but it is no cleared field either: it is left out, and kept.
        if value.is_none() && !candidate.register.is_cleared() {
            continue;
        }
        match held.iter_mut().find(|one| one.value == value) {
            Some(one) => {
                one.registers.push(candidate.register.clone());
                one.ops.push(candidate.op);
                if (candidate.time_ms, candidate.op) > (one.time_ms, one.ops[0]) {
                    one.time_ms = candidate.time_ms;
                    one.author = candidate.op.author();
                }
                one.ops.sort_unstable();
            }
            None => held.push(Held {
                value,
                author: candidate.op.author(),
                time_ms: candidate.time_ms,
                ops: vec![candidate.op],
                record,
                key: key.into(),
                registers: vec![candidate.register.clone()],
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

/// Says which value is shown, and whether it is contested.
fn choose(spec: &FieldSpec, derived: Derived, held: &[Held]) -> (Option<Value>, bool) {
    if let ([only], false) = (
        held,
        matches!(spec.settle, Settle::Life | Settle::MergedInto),
    ) {
        return (only.value.clone(), false);
    }
    let latest = || held.first().and_then(|one| one.value.clone());
    let values = || held.iter().filter_map(|one| one.value.clone());
    let shown = match spec.settle {
        Settle::Latest | Settle::Any => latest(),
        #[cfg(feature = "sabotage")]
        Settle::Reference if sabotage::is(sabotage::Break::TieByAutomerge) => {
            let last = held.iter().max_by_key(|one| one.ops.last());
            last.and_then(|one| one.value.clone())
        }
        #[cfg(feature = "sabotage")]
        Settle::Sales if sabotage::is(sabotage::Break::NewestStatus) => latest(),
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
        Settle::Life => Some(Value::Life(combine_lives(values()))),
        Settle::MergedInto => combine_merges(held).map(Value::MergedInto),
    };
    (shown, false)
}

/// Alive beside anything else means alive; archived beside undone means archived.
pub(crate) fn combine_lives(values: impl Iterator<Item = Value>) -> Life {
    let mut under: Option<Vec<RecordId>> = None;
    let mut archived = false;
    for value in values {
        match value {
            #[cfg(feature = "sabotage")]
            Value::Life(Life::Alive) if sabotage::is(sabotage::Break::ArchivedWins) => {}
            Value::Life(Life::Alive) => return Life::Alive,
            Value::Life(Life::Archived) => archived = true,
            Value::Life(Life::Undone(seen)) => under.get_or_insert_default().extend(seen),
            _ => {}
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

#[cfg(test)]
#[path = "settle_tests.rs"]
mod tests;
