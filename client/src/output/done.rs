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

/// Says how an import went; its problems are told one by one.
pub(crate) fn imported(imported: &ImportAnswer) -> String {
    let mut text = match imported.records.len() {
        1 => "1 contact imported".to_owned(),
        count => format!("{count} contacts imported"),
    };
    match imported.problems.len() {
        0 => {}
        1 => text.push_str(", 1 problem"),
        count => text.push_str(&format!(", {count} problems")),
    }
    text.push('\n');
    if !imported.records.is_empty() {
        let batch = super::short(&imported.batch);
        text.push_str(&format!("to undo: handschlag undo {batch}\n"));
    }
    text
}

/// Says what is wrong with a card, and where; it arrived unless the text says otherwise.
pub(crate) fn problem(problem: &ImportProblem) -> String {
    format!("{}:{}: {}", problem.file, problem.line, problem.text)
}
