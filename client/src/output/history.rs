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

/// Writes a history, the newest last.
pub(crate) fn table(history: &[HistoryItem], of: RecordId, moment: &Moment) -> String {
    if history.is_empty() {
        return "nothing has happened yet\n".to_owned();
    }
    let lines: Vec<&[HistoryItem]> = history.chunks(1).collect();
    write(&lines, of, moment, usize::MAX)
}

/// Writes the latest operations, each on one line, and says how many were earlier.
pub(crate) fn latest(
    history: &[HistoryItem],
    of: RecordId,
    count: usize,
    moment: &Moment,
) -> (String, usize) {
    let operations: Vec<&[HistoryItem]> = history
        .chunk_by(|one, next| one.operation.is_some() && one.operation == next.operation)
        .collect();
    let earlier = operations.len().saturating_sub(count);
    let latest = &operations[earlier..];
    (write(latest, of, moment, LINE_MAX), earlier)
}

fn write(lines: &[&[HistoryItem]], of: RecordId, moment: &Moment, max: usize) -> String {
    let mut table = Table::new(&[
        Column::Left("time"),
        Column::Left("who"),
        Column::Rest("what"),
        Column::Left("operation"),
    ]);
    for line in lines {
        let Some(first) = line.first() else { continue };
        let sentences: Vec<String> = line.iter().map(|item| sentence(item, of)).collect();
        table.row([
            moment.say_ms(first.time_ms),
            first.author.clone(),
            one_line(&sentences.join(", "), max),
            first.operation.as_ref().map_or(String::new(), short),
        ]);
    }
    if lines.is_empty() {
        String::new()
    } else {
        table.render()
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
    if item.record.id == of || item.what == HistoryKind::Activity {
        return text;
    }
    format!("{text} ({})", one_line(&item.record.title, 30))
}
