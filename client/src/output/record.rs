//! One record as a whole.

use engine::interface::{ChoiceAnswer, FieldAnswer, HistoryItem, RecordAnswer};
use model::Value;
use model::offer::Totals;
use model::parse::minor_digits;

use super::list::{CONFLICT, next_step};
use super::table::{Column, Table};
use super::{history, indent, merged, named, title};
use crate::moment::Moment;

/// How many of the latest operations of the history a record shows.
const LATEST: usize = 8;

/// Writes a record: fields, note, files, what is linked, next step, conflicts, and its latest history.
pub(crate) fn show(record: &RecordAnswer, items: &[HistoryItem], moment: &Moment) -> String {
    let kind = record.record.kind.map_or("record", |kind| kind.title());
    let mut text = format!("{}  [{kind}]\n", named(&record.record));
    match &record.merged_into {
        Some(survivor) => text.push_str(&format!("merged into {}\n", named(survivor))),
        None if record.standing != "alive" => text.push_str(&format!("{}\n", record.standing)),
        None => {}
    }
    text.push_str(&format!(
        "made by {} {}, changed {}\n",
        record.created_by,
        moment.say_ms(record.created_ms),
        moment.say_ms(record.changed_ms)
    ));
    section(&mut text, "", &fields(record, moment));
    if let Some(totals) = &record.totals {
        section(&mut text, "amounts", &amounts(totals));
    }
    section(&mut text, "note", &record.note);
    section(&mut text, "note of the inquiry", &record.inquiry_note);
    section(&mut text, "files", &files(record, moment));
    section(&mut text, "linked", &linked(record));
    section(
        &mut text,
        "merged",
        &record
            .merged
            .iter()
            .map(|entry| merged::entry(entry, moment))
            .collect::<String>(),
    );
    let short = record.record.id.short();
    let (latest, earlier) = history::latest(items, record.record.id, LATEST, moment);
    let heading = match earlier {
        0 => "history".to_owned(),
        earlier => format!("history ({earlier} earlier: handschlag history {short})"),
    };
    section(&mut text, &heading, &latest);
    text
}

fn section(text: &mut String, heading: &str, content: &str) {
    if content.trim().is_empty() {
        return;
    }
    text.push('\n');
    if !heading.is_empty() {
        text.push_str(&format!("{heading}\n"));
    }
    text.push_str(&indent(content));
}

fn fields(record: &RecordAnswer, moment: &Moment) -> String {
    let mut table = Table::new(&[Column::Left(""), Column::Rest("")]);
    for field in record.fields.iter().filter(|field| field.name != "file") {
        let value = format!("{}{}", value(field, moment), mark(field));
        if !value.is_empty() {
            table.row([field_title(field), value]);
        }
        for (choice, place) in field.values.iter().zip(1..) {
            table.row([String::new(), self::choice(choice, place, moment)]);
        }
    }
    if let Some(step) = &record.next_step {
        table.row(["next step".to_owned(), next_step(step, moment)]);
    }
    table.render()
}

fn mark(field: &FieldAnswer) -> String {
    if field.values.is_empty() {
        String::new()
    } else {
        format!(" {CONFLICT}")
    }
}

/// Lists the files with the beginning of their hashes, by which they go in commands.
fn files(record: &RecordAnswer, moment: &Moment) -> String {
    let mut table = Table::new(&[
        Column::Left(""),
        Column::Left(""),
        Column::Right(""),
        Column::Rest(""),
    ]);
    for field in record.fields.iter().filter(|field| field.name == "file") {
        let hash = field.key.strip_prefix("file/").unwrap_or(&field.key);
        let (name, media_type, size) = match &field.value {
            Some(Value::File(file)) => (
                file.name.as_str(),
                file.media_type.as_str(),
                super::size(file.size.max(0).unsigned_abs()),
            ),
            _ => ("(empty)", "", String::new()),
        };
        table.row([
            name.to_owned(),
            media_type.to_owned(),
            size,
            format!("{}{}", super::short_start(&hash), mark(field)),
        ]);
        for (choice, place) in field.values.iter().zip(1..) {
            let text = self::choice(choice, place, moment);
            table.row(["", "", "", &text].map(str::to_owned));
        }
    }
    table.render()
}

/// Gives the title of a field; of a field of the workspace's own, its key.
fn field_title(field: &FieldAnswer) -> String {
    match field.key.split_once('/') {
        Some(("custom", key)) => key.to_owned(),
        _ => field.name.replace('_', " "),
    }
}

fn value(field: &FieldAnswer, moment: &Moment) -> String {
    match (&field.value, &field.refers_to) {
        (_, Some(record)) => named(record),
        (Some(Value::Date(date)), None) => moment.say_date(*date),
        (Some(Value::Planned(planned)), None) => moment.say_planned(planned),
        (Some(Value::Instant(ms)), None) => moment.say_ms(*ms),
        _ => field.text.clone(),
    }
}

/// Writes one of several values with its place, who wrote it and when.
pub(super) fn choice(choice: &ChoiceAnswer, place: usize, moment: &Moment) -> String {
    let text = match choice.text.trim() {
        "" => "(empty)",
        text => text,
    };
    let shown = if choice.shown { ", shown" } else { "" };
    format!(
        "{place}  {text}  ({}, device {}, {}{shown})",
        choice.author,
        choice.device,
        moment.say_ms(choice.time_ms)
    )
}

fn linked(record: &RecordAnswer) -> String {
    let mut table = Table::new(&[Column::Left(""); 5]);
    for linked in &record.linked {
        table.row([
            linked
                .record
                .kind
                .map_or(String::new(), |kind| kind.title().to_owned()),
            linked.record.number.clone(),
            title(&linked.record).to_owned(),
            linked.status.clone(),
            linked.record.id.short(),
        ]);
    }
    table.render()
}

fn amounts(totals: &Totals) -> String {
    let mut table = Table::new(&[Column::Left(""), Column::Right(""), Column::Left("")]);
    let mut line = |what: String, minor: i64| {
        table.row([
            what,
            amount(minor, &totals.currency),
            totals.currency.clone(),
        ]);
    };
    line("net".to_owned(), totals.net);
    for vat in &totals.vat {
        line(format!("VAT {} %", vat.rate.normalize()), vat.tax);
    }
    line("gross".to_owned(), totals.gross);
    table.render()
}

/// Writes minor units with the digits of their currency.
pub(super) fn amount(minor: i64, currency: &str) -> String {
    let digits = minor_digits(currency);
    let unit = 10_u64.pow(digits);
    let sign = if minor < 0 { "-" } else { "" };
    let minor = minor.unsigned_abs();
    if digits == 0 {
        return format!("{sign}{minor}");
    }
    let width = digits as usize;
    format!("{sign}{}.{:0width$}", minor / unit, minor % unit)
}

#[cfg(test)]
mod tests {
    use super::amount;

    #[test]
    fn amounts_have_the_digits_of_their_currency() {
        for (minor, currency, text) in [
            (123_450, "EUR", "1234.50"),
            (-5, "EUR", "-0.05"),
            (1200, "JPY", "1200"),
            (1200, "KWD", "1.200"),
            (i64::MIN, "EUR", "-92233720368547758.08"),
        ] {
            assert_eq!(amount(minor, currency), text);
        }
    }
}
