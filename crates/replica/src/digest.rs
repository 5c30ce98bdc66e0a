//! Compact rows of all records, kept in memory: lists, board, Home and search read these, never documents.

use std::collections::HashMap;
use std::sync::Arc;

use model::fold::{fold_name, fold_phone};
use model::home::{self, Urgency};
use model::record::{self, RecordView, Standing};
use model::value::Planned;
use model::world::World;
use model::{Kind, RecordId, Value};

use crate::text;
use crate::views::Views;

/// What lists show of a record, and what they filter and sort by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest {
    /// The record.
    pub id: RecordId,
    /// Its kind.
    pub kind: Kind,
    /// The line by which people know it.
    pub title: String,
    /// Its number; empty where it has none.
    pub number: String,
    /// How it stands.
    pub standing: Standing,
    /// Its single fields that hold something, with the first entry of each list, by name.
    pub fields: Vec<(&'static str, Value)>,
    /// All its text, folded, one field a line.
    pub haystack: String,
    /// Whether some field is in conflict.
    pub in_conflict: bool,
    /// Whether a win stands against a loss.
    pub is_contested: bool,
    /// Whether it must have a next step.
    pub needs_next_step: bool,
    /// The earliest open activity that regards it, and when that is due.
    pub next_step: Option<(RecordId, Option<Planned>)>,
    /// When it was made (ms since 1970).
    pub created_ms: i64,
    /// When it was last changed (ms since 1970).
    pub changed_ms: i64,
}

impl Digest {
    /// Gives a field's value.
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.fields
            .iter()
            .find(|(field, _)| *field == name)
            .map(|(_, value)| value)
    }

    /// Gives the record that a field refers to.
    pub fn reference(&self, name: &str) -> Option<RecordId> {
        match self.value(name)? {
            Value::Reference(id) => Some(*id),
            _ => None,
        }
    }

    /// Gives the word of the status.
    pub fn status_word(&self) -> &str {
        match self.value("status") {
            Some(Value::Status(status)) => &status.word,
            _ => "",
        }
    }

    /// Names the light of the next step: none, late or planned.
    pub fn light(&self, today: jiff::civil::Date) -> &'static str {
        match &self.next_step {
            None => "none",
            Some((_, due)) if home::urgency(due.as_ref(), today) == Urgency::Overdue => "late",
            Some(_) => "planned",
        }
    }
}

/// The digests of all records whose kind is known.
#[derive(Debug, Default)]
pub struct Digests(HashMap<RecordId, Arc<Digest>>);

impl Digests {
    /// Gives the digest of a record.
    pub fn get(&self, id: RecordId) -> Option<&Arc<Digest>> {
        self.0.get(&id)
    }

    /// Visits all digests, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Digest>> {
        self.0.values()
    }

    /// Visits the digests of a kind in the order of their ids.
    pub fn of_kind<'a>(
        &'a self,
        views: &Views,
        kind: Kind,
    ) -> impl Iterator<Item = &'a Arc<Digest>> {
        views
            .of_kind(kind)
            .into_iter()
            .filter_map(|id| self.0.get(&id))
    }

    /// Works out the digest of a record anew.
    pub(crate) fn refresh(&mut self, views: &Views, id: RecordId) {
        match record::record(views, id) {
            Some(view) => {
                self.0.insert(id, Arc::new(digest(views, &view)));
            }
            None => {
                self.0.remove(&id);
            }
        }
    }
}

fn digest(views: &Views, view: &RecordView) -> Digest {
    let mut fields: Vec<(&'static str, Value)> = Vec::new();
    for spec in view.kind.fields() {
        let value = if spec.is_many() {
            view.list(spec.name).next().map(|(_, value)| value)
        } else {
            view.value(spec.name)
        };
        fields.extend(value.map(|value| (spec.name, value.clone())));
    }
    let needs_next_step = home::needs_next_step(view);
    let next_step = needs_next_step
        .then(|| home::next_step(views, view))
        .flatten()
        .map(|step| {
            let whose = step.reference("responsible").unwrap_or(step.id);
            (step.id, home::due(&step, whose).cloned())
        });
    Digest {
        id: view.id,
        kind: view.kind,
        title: view.title(),
        number: view.text("number").to_owned(),
        standing: view.standing.clone(),
        fields,
        haystack: haystack(view),
        in_conflict: view.fields.values().any(|settled| settled.in_conflict),
        is_contested: view.contested,
        needs_next_step,
        next_step,
        created_ms: view.created.map_or(0, |origin| origin.time_ms),
        changed_ms: view.changed_ms,
    }
}

/// Folds all text of a record, one field a line, phone numbers as typed and as digits.
fn haystack(view: &RecordView) -> String {
    let mut haystack = String::new();
    let mut push = |line: &str| {
        if !line.is_empty() {
            haystack.push_str(line);
            haystack.push('\n');
        }
    };
    push(&fold_name(&view.title()));
    for (key, settled) in &view.fields {
        match &settled.shown {
            Some(Value::Labelled(labelled)) if key.starts_with("phone/") => {
                push(&fold_name(&labelled.value));
                push(&fold_phone(&labelled.value));
            }
            Some(Value::Reference(_) | Value::Life(_) | Value::Conversion(_) | Value::Flag(_))
            | None => {}
            Some(value) => push(&fold_name(&text::plain(value))),
        }
    }
    push(&fold_name(&view.note));
    haystack
}
