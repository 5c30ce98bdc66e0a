//! The Merged list as people read it.

use model::RecordId;
use model::merged::{Entry, Rule};

use super::Asked;
use crate::answers::MergedAnswer;

/// Gives the Merged list, the newest first; entries that somebody has seen only if asked.
pub fn merged(asked: &Asked<'_>, all: bool) -> Vec<MergedAnswer> {
    let mut answers: Vec<MergedAnswer> = asked
        .replica
        .merged(all)
        .iter()
        .map(|entry| answer(asked, entry))
        .collect();
    answers.sort_by_key(|entry| (std::cmp::Reverse(newest_ms(entry)), entry.id));
    answers
}

/// Gives the entries at one record that nobody has seen.
pub fn merged_at(asked: &Asked<'_>, record: RecordId) -> Vec<MergedAnswer> {
    let entries = asked.replica.merged_at(record).iter();
    entries
        .filter(|entry| !entry.acknowledged)
        .map(|entry| answer(asked, entry))
        .collect()
}

fn newest_ms(entry: &MergedAnswer) -> i64 {
    entry
        .choices
        .iter()
        .map(|choice| choice.time_ms)
        .max()
        .unwrap_or(0)
}

fn answer(asked: &Asked<'_>, entry: &Entry) -> MergedAnswer {
    let responsible = asked
        .replica
        .digests()
        .get(entry.record)
        .and_then(|digest| digest.reference("responsible"));
    MergedAnswer {
        id: entry.id,
        rule: entry.rule,
        record: asked.named(entry.record),
        field: entry.field.clone(),
        text: sentence(asked, entry),
        choices: entry
            .choices
            .iter()
            .map(|choice| asked.choice(choice))
            .collect(),
        records: entry
            .records
            .iter()
            .filter(|id| **id != entry.record)
            .map(|id| asked.named(*id))
            .collect(),
        merge: entry.merge,
        acknowledged: entry.acknowledged,
        responsible: responsible.map(|id| asked.named(id)),
    }
}

fn sentence(asked: &Asked<'_>, entry: &Entry) -> String {
    let title = asked.named(entry.record).title;
    let field = entry
        .field
        .as_deref()
        .unwrap_or("")
        .split('/')
        .next()
        .unwrap_or("")
        .replace('_', " ");
    let names = || {
        let others: Vec<String> = entry
            .records
            .iter()
            .filter(|id| **id != entry.record)
            .map(|id| asked.named(*id))
            .map(|named| {
                if named.number.is_empty() {
                    named.title
                } else {
                    format!("{} {}", named.number, named.title)
                }
            })
            .collect();
        others.join(", ")
    };
    match entry.rule {
        Rule::Conflict => format!("{title}: {field} was changed by several people at once"),
        Rule::Aside if entry.of_merged => {
            format!("{title}: what was merged into it held another value of {field}")
        }
        Rule::Aside => {
            format!("{title}: a value of {field} was replaced by somebody who had not seen it")
        }
        Rule::Contested => format!("{title}: won by one and lost by another"),
        Rule::ConvertedApart => format!("{title}: converted in different ways: {}", names()),
        Rule::SentTwice => format!("{title}: sent twice, as {}", names()),
        Rule::AcceptedTwice => format!("{title}: several offers were accepted: {}", names()),
        Rule::ArchivedAndEdited => {
            format!("{title}: archived by one and edited by another; it is in use")
        }
        Rule::UndoneButStands => {
            format!("{title}: undone by one while another worked with it; it stands")
        }
        Rule::MergedApart => format!("{title}: merged into several records: {}", names()),
        Rule::DerivedApart => format!("{title}: after merging, these may be one too: {}", names()),
        Rule::IssuedTwice => format!("{title}: its number was issued twice, also to {}", names()),
    }
}
