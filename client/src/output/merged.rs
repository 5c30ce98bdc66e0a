//! The Merged list.

use engine::interface::MergedAnswer;

use super::record::choice;
use super::{indent, named, short_start};
use crate::moment::Moment;

/// Writes the entries, each with what can be done about it.
pub(crate) fn entries(entries: &[MergedAnswer], moment: &Moment) -> String {
    if entries.is_empty() {
        return "nothing was set aside\n".to_owned();
    }
    entries
        .iter()
        .map(|one| entry(one, moment))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Writes one entry.
pub(super) fn entry(entry: &MergedAnswer, moment: &Moment) -> String {
    let id = short_start(&entry.id);
    let field = match &entry.field {
        Some(field) => format!(", {}", field.replace('_', " ")),
        None => String::new(),
    };
    let seen = if entry.acknowledged { "  (seen)" } else { "" };
    let rule = entry.rule.name().replace('-', " ");
    let mut text = format!("{id}  {rule}{field}: {}{seen}\n", named(&entry.record));
    let mut lines = format!("{}\n", entry.text.trim());
    for (value, place) in entry.choices.iter().zip(1..) {
        lines.push_str(&format!("{}\n", choice(value, place, moment)));
    }
    for record in &entry.records {
        let kind = record.kind.map_or("not here yet", |kind| kind.title());
        lines.push_str(&format!("{kind}: {}\n", named(record)));
    }
    if let Some(responsible) = &entry.responsible {
        lines.push_str(&format!("for {}\n", responsible.title));
    }
    if !entry.choices.is_empty() {
        lines.push_str(&format!("to choose: handschlag choose {id} 1\n"));
    }
    if let Some((loser, survivor)) = &entry.merge {
        lines.push_str(&format!(
            "to merge: handschlag merge {} {}\n",
            loser.short(),
            survivor.short()
        ));
    }
    if !entry.acknowledged {
        lines.push_str(&format!("to leave it so: handschlag acknowledge {id}\n"));
    }
    text.push_str(&indent(&lines));
    text
}
