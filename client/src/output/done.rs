//! What was done.

use engine::interface::{ImportAnswer, ImportProblem, Named};

use super::table::{Column, Table};
use super::{named as name, title};

/// How many records beside the first are told by name; a batch may hold thousands, and `--json` lists them all.
const NAMED_RECORDS: usize = 8;

/// Says what was done to which records.
pub(crate) fn named(what: &str, records: &[Named]) -> String {
    let [first, rest @ ..] = records else {
        return format!("{what}\n");
    };
    let mut text = format!("{what}: {}\n", name(first));
    let mut table = Table::new(&[Column::Left(""); 4]);
    for record in rest.iter().take(NAMED_RECORDS) {
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
    if rest.len() > NAMED_RECORDS {
        text.push_str(&format!("  and {} more\n", rest.len() - NAMED_RECORDS));
    }
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

/// Says what is wrong with a card or a file, where, and whether it was left out.
pub(crate) fn problem(problem: &ImportProblem) -> String {
    let place = match problem.line {
        0 => problem.file.clone(),
        line => format!("{}:{line}", problem.file),
    };
    let left_out = if problem.skipped { "left out: " } else { "" };
    format!("{place}: {left_out}{}", problem.text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_told_in_short() {
        let record = |at: u8| Named {
            id: model::RecordId::from_bytes([at; 16]),
            kind: Some(model::Kind::Inquiry),
            title: format!("Company {at}"),
            number: String::new(),
        };
        let records: Vec<Named> = (0..20).map(record).collect();
        let text = named("undone", &records);
        assert_eq!(text.lines().count(), 1 + NAMED_RECORDS + 1);
        assert!(text.ends_with("  and 11 more\n"), "{text}");
        assert_eq!(named("undone", &records[..3]).lines().count(), 3);
    }
}
