//! Histories.

use engine::interface::{HistoryItem, HistoryKind};
use model::RecordId;

use super::table::{Column, Table};
use super::{one_line, short};
use crate::moment::Moment;

/// How many letters of a value a line shows.
const VALUE_MAX: usize = 60;

/// Writes a history, the newest last.
pub(crate) fn table(history: &[HistoryItem], of: RecordId, moment: &Moment) -> String {
    if history.is_empty() {
        return "nothing has happened yet\n".to_owned();
    }
    let mut table = Table::new(&[
        Column::Left("time"),
        Column::Left("who"),
        Column::Rest("what"),
        Column::Left("operation"),
    ]);
    for item in history {
        table.row([
            moment.say_ms(item.time_ms),
            item.author.clone(),
            sentence(item, of),
            item.operation.as_ref().map_or(String::new(), short),
        ]);
    }
    table.render()
}

fn sentence(item: &HistoryItem, of: RecordId) -> String {
    let value = |text: &str| match text.trim() {
        "" => "(empty)".to_owned(),
        text => one_line(text, VALUE_MAX),
    };
    let field = item.field.replace('_', " ");
    let text = match item.what {
        HistoryKind::Created => "created".to_owned(),
        HistoryKind::Changed if item.before.trim().is_empty() => {
            format!("{field}: {}", value(&item.after))
        }
        HistoryKind::Changed => {
            format!("{field}: {} -> {}", value(&item.before), value(&item.after))
        }
        HistoryKind::Note => format!("note: {}", value(&item.after)),
        HistoryKind::Activity => format!("{field}: {}", value(&item.after)),
    };
    if item.record.id == of || item.what == HistoryKind::Activity {
        return text;
    }
    format!("{text} ({})", one_line(&item.record.title, 30))
}
