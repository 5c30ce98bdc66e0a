//! Histories.

use engine::interface::{HistoryItem, HistoryKind};
use model::RecordId;

use super::table::{Column, Table};
use super::{one_line, short};
use crate::moment::Moment;

/// How many letters of a value a line shows.
const VALUE_MAX: usize = 60;

/// How many letters a line has that tells all that one operation did.
const LINE_MAX: usize = 100;

/// The fields that tell most about a record that was made, by their rank; the names of a person count as one.
const TELLING: [&str; 16] = [
    "activity",
    "company",
    "given",
    "family",
    "name",
    "subject",
    "customer",
    "sales_project",
    "customer_name",
    "role",
    "when",
    "phone",
    "email",
    "event",
    "priority",
    "revenue",
];

/// How many letters of the note of a new record its line shows.
const NOTE_MAX: usize = 40;

/// Writes a history, the newest last: one entry for each operation, what it changed in lines under each other.
pub(crate) fn table(history: &[HistoryItem], of: RecordId, moment: &Moment) -> String {
    if history.is_empty() {
        return "nothing has happened yet\n".to_owned();
    }
    let mut table = heading();
    for entry in entries(history) {
        let mut lines = sentences(entry, of).into_iter();
        table.row(cells(entry, lines.next().unwrap_or_default(), moment));
        for line in lines {
            table.row([String::new(), String::new(), String::new(), line]);
        }
    }
    table.render()
}

/// Writes the latest operations, each on one line, and says how many were earlier.
pub(crate) fn latest(
    history: &[HistoryItem],
    of: RecordId,
    count: usize,
    moment: &Moment,
) -> (String, usize) {
    let entries = entries(history);
    let earlier = entries.len().saturating_sub(count);
    let mut table = heading();
    for entry in &entries[earlier..] {
        let line = one_line(&sentences(entry, of).join(", "), LINE_MAX);
        table.row(cells(entry, line, moment));
    }
    match entries.is_empty() {
        true => (String::new(), 0),
        false => (table.render(), earlier),
    }
}

/// Parts a history into what each operation did.
fn entries(history: &[HistoryItem]) -> Vec<&[HistoryItem]> {
    history
        .chunk_by(|one, next| one.operation.is_some() && one.operation == next.operation)
        .collect()
}

fn heading() -> Table {
    Table::new(&[
        Column::Left("time"),
        Column::Left("who"),
        Column::Left("operation"),
        // The last one is as long as it needs to be.
        Column::Rest("what"),
    ])
}

fn cells(entry: &[HistoryItem], what: String, moment: &Moment) -> [String; 4] {
    let first = entry.first();
    [
        first.map_or(String::new(), |item| moment.say_ms(item.time_ms)),
        first.map_or(String::new(), |item| item.author.clone()),
        first
            .and_then(|item| item.operation.as_ref())
            .map_or(String::new(), short),
        what,
    ]
}

/// Tells what an operation did; what it made is one sentence, whatever was filled in.
fn sentences(entry: &[HistoryItem], of: RecordId) -> Vec<String> {
    let made: Vec<RecordId> = entry
        .iter()
        .filter(|item| item.what == HistoryKind::Created)
        .map(|item| item.record.id)
        .collect();
    let is_filling = |item: &HistoryItem| {
        made.contains(&item.record.id)
            && matches!(item.what, HistoryKind::Changed | HistoryKind::Note)
    };
    entry
        .iter()
        .filter(|item| !is_filling(item))
        .map(|item| match item.what {
            HistoryKind::Created => {
                let own: Vec<&HistoryItem> = entry
                    .iter()
                    .filter(|other| is_filling(other) && other.record.id == item.record.id)
                    .collect();
                with_record(created(&own), item, of)
            }
            _ => sentence(item, of),
        })
        .collect()
}

/// Tells what was made, by the fields that tell most.
fn created(fields: &[&HistoryItem]) -> String {
    let first = |name: &str| {
        let named = |item: &&&HistoryItem| list_of(&item.field) == name;
        let text = fields.iter().find(named).map(|item| item.after.trim());
        text.filter(|text| !text.is_empty())
            .map(|text| one_line(text, VALUE_MAX))
    };
    let mut parts: Vec<String> = Vec::new();
    for name in TELLING {
        match (name, first(name)) {
            // It stands beside the given name.
            ("family", Some(family)) if first("given").is_some() => {
                if let Some(given) = parts.last_mut() {
                    given.push_str(&format!(" {family}"));
                }
            }
            ("priority", Some(priority)) => parts.push(format!("priority {priority}")),
            // A sales project is named like its customer, and this like the contact, until somebody names it.
            (_, Some(text)) if !parts.contains(&text) => parts.push(text),
            (_, _) => {}
        }
    }
    if let Some(note) = first("note") {
        parts.push(format!("note: {}", one_line(&note, NOTE_MAX)));
    }
    match parts.is_empty() {
        true => "created".to_owned(),
        false => format!("created: {}", parts.join(", ")),
    }
}

/// Gives the name of a field without the key of its entry.
fn list_of(field: &str) -> &str {
    field.split('/').next().unwrap_or(field)
}

/// Names the record that a sentence is about, where it is another than the one whose history it is.
fn with_record(text: String, item: &HistoryItem, of: RecordId) -> String {
    match item.record.id == of {
        true => text,
        false => format!("{text} ({})", one_line(&item.record.title, 30)),
    }
}

/// Tells what became of a file; the same one may have got another name.
fn file(value: &impl Fn(&str) -> String, item: &HistoryItem) -> String {
    match (item.before.trim(), item.after.trim()) {
        ("", after) => format!("attached {}", value(after)),
        (before, "") => format!("took away {}", value(before)),
        (before, after) => format!("file: {} -> {}", value(before), value(after)),
    }
}

fn sentence(item: &HistoryItem, of: RecordId) -> String {
    let value = |text: &str| match text.trim() {
        "" => "(empty)".to_owned(),
        text => one_line(text, VALUE_MAX),
    };
    // An entry of a list is named by the list, a field of the workspace's own by its key.
    let field = match item.field.split_once('/') {
        Some(("custom", key)) => key.to_owned(),
        Some((name, _)) => name.replace('_', " "),
        None => item.field.replace('_', " "),
    };
    let text = match item.what {
        HistoryKind::Created => "created".to_owned(),
        HistoryKind::Changed if field == "file" => file(&value, item),
        HistoryKind::Changed if item.before.trim().is_empty() => {
            format!("{field}: {}", value(&item.after))
        }
        HistoryKind::Changed => {
            format!("{field}: {} -> {}", value(&item.before), value(&item.after))
        }
        HistoryKind::Note => format!("note: {}", value(&item.after)),
        HistoryKind::Activity if item.after == item.field => field,
        HistoryKind::Activity => format!("{field}: {}", value(&item.after)),
    };
    match item.what {
        HistoryKind::Activity => text,
        _ => with_record(text, item, of),
    }
}
