//! Lists: filter, sort and window over the compact rows of one kind.

use std::cmp::Ordering;

use jiff::civil::{Date, Time};
use model::fold::fold_name;
use model::home;
use model::number::Place;
use model::parse::{self, Surroundings};
use model::record::Standing;
use model::{FieldSpec, RecordId, Value};

use super::{Asked, find_member};
use crate::answers::{Compare, Filter, ListAnswer, ListQuery};
use crate::digest::{Digest, contains};

/// The most rows that one window holds.
const MAX_ROWS: usize = 10_000;

/// Says why a list cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// The kind has no such field.
    #[error("{kind} has no field '{field}' to {what} by; there are {fields}")]
    NoSuchField {
        /// The kind.
        kind: String,
        /// The field that was named.
        field: String,
        /// What it was named for.
        what: &'static str,
        /// Those that there are.
        fields: String,
    },
    /// A filter compares with what cannot be read.
    #[error("'{value}' cannot be compared with '{field}': {reason}")]
    Value {
        /// The field.
        field: String,
        /// What it was compared with.
        value: String,
        /// What was expected.
        reason: String,
    },
}

/// A condition, read once for all rows.
enum Test {
    Text(String),
    Standing(String),
    Light(String),
    Field(&'static FieldSpec, Wanted),
}

enum Wanted {
    Anything,
    Text(String),
    Record(RecordId),
    Value(Value),
}

/// Gives a window of the records of one kind.
pub fn list(asked: &Asked<'_>, query: &ListQuery) -> Result<ListAnswer, ListError> {
    let tests: Vec<(Compare, Test)> = query
        .filters
        .iter()
        .map(|filter| Ok((filter.compare, read(asked, query, filter)?)))
        .collect::<Result<_, _>>()?;
    let by_standing = tests
        .iter()
        .any(|(_, test)| matches!(test, Test::Standing(_)));
    let found: Vec<&Digest> = asked
        .replica
        .digests()
        .of_kind(asked.replica.views(), query.kind)
        .filter(|digest| match digest.standing() {
            Standing::Alive => true,
            Standing::Archived => query.archived || by_standing,
            _ => by_standing,
        })
        .filter(|digest| {
            tests
                .iter()
                .all(|(compare, test)| holds(asked, digest, *compare, test))
        })
        .collect();
    let total = found.len();
    let rows = window(asked, query, found)?.into_iter();
    Ok(ListAnswer {
        total,
        rows: rows.map(|digest| asked.row(digest)).collect(),
    })
}

fn field(
    query: &ListQuery,
    name: &str,
    what: &'static str,
) -> Result<&'static FieldSpec, ListError> {
    query
        .kind
        .field(name)
        .ok_or_else(|| ListError::NoSuchField {
            kind: query.kind.title().to_owned(),
            field: name.to_owned(),
            what,
            fields: query
                .kind
                .fields()
                .iter()
                .map(|spec| spec.name)
                .collect::<Vec<_>>()
                .join(", "),
        })
}

fn read(asked: &Asked<'_>, query: &ListQuery, filter: &Filter) -> Result<Test, ListError> {
    match filter.field.as_str() {
        "text" => return Ok(Test::Text(fold_name(&filter.value))),
        "standing" => return Ok(Test::Standing(filter.value.to_lowercase())),
        "next_step" | "next-step" => return Ok(Test::Light(filter.value.to_lowercase())),
        _ => {}
    }
    let spec = field(query, &filter.field, "filter")?;
    let wanted = match filter.compare {
        Compare::Empty | Compare::Filled => Wanted::Anything,
        Compare::Contains => Wanted::Text(fold_name(&filter.value)),
        Compare::Is | Compare::IsNot if spec.form == model::value::Form::Reference => {
            let found =
                super::find(asked, &filter.value).or_else(|_| find_member(asked, &filter.value));
            match found {
                Ok(id) => Wanted::Record(id),
                Err(_) => Wanted::Text(fold_name(&filter.value)),
            }
        }
        Compare::Is | Compare::IsNot => Wanted::Text(fold_name(&filter.value)),
        Compare::Before | Compare::After => Wanted::Value(comparable(asked, spec, &filter.value)?),
    };
    Ok(Test::Field(spec, wanted))
}

fn comparable(asked: &Asked<'_>, spec: &FieldSpec, text: &str) -> Result<Value, ListError> {
    let around = Surroundings {
        today: asked.today,
        now_ms: 0,
        zone: String::new(),
        currency: asked.currency(),
    };
    parse::value(spec, text, &around).map_err(|reason| ListError::Value {
        field: spec.title(),
        value: text.to_owned(),
        reason,
    })
}

fn holds(asked: &Asked<'_>, digest: &Digest, compare: Compare, test: &Test) -> bool {
    let positive = match test {
        Test::Text(text) => text
            .split(' ')
            .all(|word| contains(digest.haystack(), word)),
        Test::Standing(word) => super::standing_word(&digest.standing()) == word,
        Test::Light(word) => {
            digest.needs_next_step() && digest.light(asked.today, &asked.zone) == word
        }
        Test::Field(spec, wanted) => return field_holds(asked, digest, compare, spec, wanted),
    };
    positive != (compare == Compare::IsNot)
}

fn field_holds(
    asked: &Asked<'_>,
    digest: &Digest,
    compare: Compare,
    spec: &FieldSpec,
    wanted: &Wanted,
) -> bool {
    let value = || digest.value(spec.name);
    match (compare, wanted) {
        (Compare::Empty, _) => value().is_none(),
        (Compare::Filled, _) => value().is_some(),
        (Compare::Is, Wanted::Record(id)) => refers_to(digest, spec, *id),
        (Compare::IsNot, Wanted::Record(id)) => !refers_to(digest, spec, *id),
        (Compare::Contains, Wanted::Text(text)) => {
            texts(asked, digest, spec).any(|one| one.contains(text))
        }
        (Compare::Is, Wanted::Text(text)) => texts(asked, digest, spec).any(|one| one == *text),
        (Compare::IsNot, Wanted::Text(text)) => !texts(asked, digest, spec).any(|one| one == *text),
        (Compare::Before, Wanted::Value(other)) => {
            value().is_some_and(|one| order(&one, other) == Ordering::Less)
        }
        (Compare::After, Wanted::Value(other)) => {
            value().is_some_and(|one| order(&one, other) == Ordering::Greater)
        }
        _ => false,
    }
}

fn refers_to(digest: &Digest, spec: &FieldSpec, id: RecordId) -> bool {
    digest
        .values(spec.name)
        .any(|value| value == Value::Reference(id))
}

/// Gives the folded texts of a field: all entries of a list, the word of a status.
fn texts<'a>(
    asked: &'a Asked<'_>,
    digest: &'a Digest,
    spec: &'a FieldSpec,
) -> impl Iterator<Item = String> + 'a {
    digest.values(spec.name).map(|value| match &value {
        Value::Status(_) => fold_name(&asked.status_word(digest)),
        Value::Labelled(labelled) => fold_name(&labelled.value),
        other => fold_name(&asked.text(other)),
    })
}

/// Orders values as people would: amounts and numbers by size, dates by time, statuses by rank.
fn order(one: &Value, other: &Value) -> Ordering {
    match (one, other) {
        (Value::Planned(a), Value::Planned(b)) => (a.date, a.time).cmp(&(b.date, b.time)),
        (Value::Money(a), Value::Money(b)) => (&a.currency, a.minor).cmp(&(&b.currency, b.minor)),
        (Value::Status(a), Value::Status(b)) => (a.rank, &a.word).cmp(&(b.rank, &b.word)),
        (Value::Text(a), Value::Text(b)) => fold_name(a).cmp(&fold_name(b)),
        _ => one.cmp(other),
    }
}

/// What a row is sorted by, read once.
enum SortKey<'a> {
    /// What one import brought in has one time; its numbers tell what came last.
    Newest(i64, Place<'a>),
    Ms(i64),
    Text(String),
    Number(Place<'a>),
    Due(Option<(Date, Option<Time>)>),
    Value(Option<Value>),
}

impl SortKey<'_> {
    /// Compares two keys of one list; what holds nothing comes last, in either direction.
    fn compare(&self, other: &Self, descending: bool) -> Ordering {
        let turned = |order: Ordering| if descending { order.reverse() } else { order };
        match (self, other) {
            (SortKey::Newest(a, one), SortKey::Newest(b, other)) => (b, other).cmp(&(a, one)),
            (SortKey::Ms(a), SortKey::Ms(b)) => turned(a.cmp(b)),
            (SortKey::Text(a), SortKey::Text(b)) => turned(a.cmp(b)),
            (SortKey::Number(a), SortKey::Number(b)) => turned(a.cmp(b)),
            (SortKey::Due(a), SortKey::Due(b)) => {
                let empty = a.is_none().cmp(&b.is_none());
                empty.then_with(|| turned(a.cmp(b)))
            }
            (SortKey::Value(a), SortKey::Value(b)) => match (a, b) {
                (Some(a), Some(b)) => turned(order(a, b)),
                (a, b) => a.is_none().cmp(&b.is_none()),
            },
            _ => Ordering::Equal,
        }
    }
}

/// Gives the window of rows, sorted by the field that the query names, the newest first without one.
///
/// Only the rows up to the window's end are sorted.
fn window<'a>(
    asked: &Asked<'_>,
    query: &ListQuery,
    found: Vec<&'a Digest>,
) -> Result<Vec<&'a Digest>, ListError> {
    let key = sort_key(asked, query)?;
    let is_descending = query.sort.as_ref().is_some_and(|sort| sort.descending);
    let compare = |(a, one): &(SortKey<'a>, &Digest), (b, other): &(SortKey<'a>, &Digest)| {
        let order = a.compare(b, is_descending);
        order.then_with(|| one.id().cmp(&other.id()))
    };
    let mut keyed: Vec<_> = found.into_iter().map(|row| (key(row), row)).collect();
    let end = query.offset.saturating_add(query.limit.min(MAX_ROWS));
    if 0 < end && end < keyed.len() {
        keyed.select_nth_unstable_by(end - 1, compare);
    }
    keyed.truncate(end);
    keyed.sort_unstable_by(compare);
    let rows = keyed.into_iter().skip(query.offset);
    Ok(rows.map(|(_, row)| row).collect())
}

type KeyOf<'a, 'q> = Box<dyn Fn(&'a Digest) -> SortKey<'a> + 'q>;

/// Says what the rows of a list are sorted by.
fn sort_key<'a, 'q>(asked: &'q Asked<'_>, query: &ListQuery) -> Result<KeyOf<'a, 'q>, ListError> {
    let Some(sort) = &query.sort else {
        return Ok(Box::new(|row| {
            SortKey::Newest(row.created_ms(), Place::of(row.number()))
        }));
    };
    Ok(match sort.field.as_str() {
        "created" => Box::new(|row| SortKey::Ms(row.created_ms())),
        "changed" => Box::new(|row| SortKey::Ms(row.changed_ms())),
        "title" => Box::new(|row| SortKey::Text(fold_name(row.title()))),
        "number" => Box::new(|row| SortKey::Number(Place::of(row.number()))),
        "next_step" | "next-step" => Box::new(|row| {
            let due = row.next_step().and_then(|(_, due)| due);
            SortKey::Due(due.map(|due| home::seen_from(&due, &asked.zone)))
        }),
        name => {
            let name = field(query, name, "sort")?.name;
            Box::new(move |row| SortKey::Value(row.value(name).map(|value| by_name(asked, value))))
        }
    })
}

/// Turns what people know by a name into that name.
fn by_name(asked: &Asked<'_>, value: Value) -> Value {
    match value {
        Value::Reference(id) => Value::Text(fold_name(&asked.named(id).title)),
        Value::Text(text) => Value::Text(fold_name(&text)),
        other => other,
    }
}
