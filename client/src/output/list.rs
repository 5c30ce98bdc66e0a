//! Lists.

use engine::interface::{Hit, ListAnswer, NextStep, Row};
use model::Kind;
use model::value::Form;

use super::table::{Column, Table};
use super::{one_line, title};
use crate::moment::Moment;

/// Marks what holds several values.
pub(super) const CONFLICT: &str = "⇄";

/// Gives the fields that a list of a kind shows behind number and title.
fn fields(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Inquiry => &["status", "priority", "responsible"],
        Kind::Customer => &["category", "address", "responsible"],
        Kind::ContactPerson => &["customer", "role", "phone", "email"],
        Kind::SalesProject => &[
            "customer",
            "status",
            "revenue",
            "closing_date",
            "responsible",
        ],
        Kind::Offer => &["sales_project", "date", "valid_until"],
        Kind::IssuedOffer => &["customer_name", "date", "version", "valid_until"],
        Kind::Order => &["customer", "reference", "date", "status"],
        Kind::Project => &["customer", "status", "start", "due", "responsible"],
        Kind::Activity => &["activity", "when", "responsible", "outcome"],
        Kind::Event => &["place", "from", "to"],
        Kind::Member => &["email", "phone"],
        Kind::SavedView => &["kind", "filter"],
        Kind::Settings => &["currency"],
    }
}

/// The fields that a narrow terminal does without.
const SPARE: [&str; 5] = [
    "responsible",
    "address",
    "closing_date",
    "valid_until",
    "reference",
];

/// Writes a window of a list.
pub(crate) fn table(
    kind: Kind,
    list: &ListAnswer,
    offset: usize,
    moment: &Moment,
    columns: Option<usize>,
) -> String {
    if list.rows.is_empty() {
        return match list.total {
            0 => format!("no {}\n", kind.title()),
            total if offset < total => format!("{total} in all\n"),
            total => format!("{total} in all, none behind the first {offset}\n"),
        };
    }
    let mut text = rows(kind, &list.rows, moment, columns);
    let last = offset + list.rows.len();
    if offset > 0 || last < list.total {
        text.push_str(&format!(
            "{} to {last} of {}; others with --limit and --offset\n",
            offset + 1,
            list.total
        ));
    }
    text
}

/// Writes rows of one kind.
pub(super) fn rows(kind: Kind, rows: &[Row], moment: &Moment, columns: Option<usize>) -> String {
    let what = match kind {
        Kind::Activity => "subject",
        kind => kind.title(),
    };
    let mut headings = vec![Column::Left("number"), Column::Left(what)];
    headings.extend(fields(kind).iter().map(|field| heading(kind, field)));
    headings.extend([
        Column::Left("next step"),
        Column::Left("standing"),
        Column::Left("id"),
        Column::Left(""),
    ]);
    let mut table = Table::new(&headings);
    for row in rows {
        let mut cells = vec![row.record.number.clone(), title(&row.record).to_owned()];
        cells.extend(fields(kind).iter().map(|field| {
            let text = row.fields.get(*field).map_or("", String::as_str);
            cell(kind, field, text, moment)
        }));
        let mark = if row.in_conflict { CONFLICT } else { "" };
        let standing = match row.standing.as_str() {
            "alive" => "",
            other => other,
        };
        cells.extend([
            row.next_step
                .as_ref()
                .map_or(String::new(), |step| next_step(step, moment)),
            standing.to_owned(),
            row.record.id.short(),
            mark.to_owned(),
        ]);
        table.row(cells);
    }
    table.fit(columns).render()
}

fn heading(kind: Kind, field: &'static str) -> Column {
    let form = kind.field(field).map(|spec| spec.form);
    let heading = match field {
        "closing_date" => "closing",
        "sales_project" => "sales project",
        "customer_name" => "customer",
        "valid_until" => "valid until",
        other => other,
    };
    match form {
        Some(Form::Money | Form::Integer | Form::Decimal) => Column::Right(heading),
        _ if SPARE.contains(&field) => Column::Spare(heading),
        _ => Column::Left(heading),
    }
}

/// Gives the text of a cell; dates, with a time behind them or not, near today as words.
fn cell(kind: Kind, field: &str, text: &str, moment: &Moment) -> String {
    let form = kind.field(field).map(|spec| spec.form);
    if matches!(form, Some(Form::Date | Form::Planned)) {
        let (date, time) = text.split_once(' ').unwrap_or((text, ""));
        if let Ok(date) = date.parse() {
            return format!("{} {time}", moment.say_date(date));
        }
    }
    text.to_owned()
}

/// Says what comes next, or that nothing does.
pub(super) fn next_step(step: &NextStep, moment: &Moment) -> String {
    let due = step
        .due
        .as_ref()
        .map_or(String::new(), |due| moment.say_planned(due));
    let what = step
        .activity
        .as_ref()
        .map_or(String::new(), |activity| one_line(title(activity), 30));
    let text = [due, what]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    match step.light.as_str() {
        "none" => "- none".to_owned(),
        "late" => format!("! late: {text}"),
        _ => text,
    }
}

/// Writes what a search found.
pub(crate) fn hits(hits: &[Hit], limit: usize, columns: Option<usize>) -> String {
    if hits.is_empty() {
        return "nothing found\n".to_owned();
    }
    let mut table = Table::new(&[
        Column::Left("kind"),
        Column::Left("number"),
        Column::Left("title"),
        Column::Left("id"),
        Column::Left("standing"),
        Column::Left("found in"),
    ]);
    for hit in hits {
        let standing = match hit.standing.as_str() {
            "alive" => "",
            other => other,
        };
        table.row([
            hit.record
                .kind
                .map_or(String::new(), |kind| kind.title().to_owned()),
            hit.record.number.clone(),
            title(&hit.record).to_owned(),
            hit.record.id.short(),
            standing.to_owned(),
            // The title says it already.
            match hit.found_in.trim() == title(&hit.record) {
                true => String::new(),
                false => hit.found_in.clone(),
            },
        ]);
    }
    let mut text = table.fit(columns).render();
    if hits.len() == limit {
        text.push_str(&format!("the best {limit}; more with --limit\n"));
    }
    text
}
