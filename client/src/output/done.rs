//! What was done.

use engine::interface::{ImportAnswer, ImportProblem, Named};

use super::table::{Column, Table};
use super::{named as name, title};

/// Says what was done to which records.
pub(crate) fn named(what: &str, records: &[Named]) -> String {
    let [first, rest @ ..] = records else {
        return format!("{what}\n");
    };
    let mut text = format!("{what}: {}\n", name(first));
    let mut table = Table::new(&[Column::Left(""); 4]);
    for record in rest {
        table.row([
            record
                .kind
                .map_or(String::new(), |kind| kind.title().to_owned()),
            record.number.clone(),
            title(record).to_owned(),
            record.id.short(),
        ]);
    }
    text.push_str(&super::indent(&table.render()));
    text
}

/// Says how an import went.
pub(crate) fn imported(imported: &ImportAnswer) -> String {
    let mut text = format!("{} contacts imported", imported.records.len());
    if !imported.problems.is_empty() {
        text.push_str(&format!(", {} could not be read", imported.problems.len()));
    }
    text.push('\n');
    if !imported.records.is_empty() {
        // In full: only operations are found by an end of their id.
        text.push_str(&format!("to undo: handschlag undo {}\n", imported.batch));
    }
    text
}

/// Names the place of a card that could not be read.
pub(crate) fn problem(problem: &ImportProblem) -> String {
    format!("{}:{}: {}", problem.file, problem.line, problem.text)
}
