//! Home: what one person has to do.

use engine::interface::{HomeAnswer, HomeItem, Row};
use model::Kind;
use model::home::Urgency;

use super::table::{Column, Table};
use super::{indent, list, merged, title};
use crate::moment::Moment;

const GROUPS: [(Urgency, &str); 5] = [
    (Urgency::Overdue, "overdue"),
    (Urgency::Today, "today"),
    (Urgency::NextSevenDays, "next seven days"),
    (Urgency::Later, "later"),
    (Urgency::Undated, "without a date"),
];

/// How many records without a next step a Home shows; an import may have brought hundreds, and `--json` lists them all.
const WITHOUT_NEXT_STEP: usize = 10;

/// Writes a Home.
pub(crate) fn home(home: &HomeAnswer, moment: &Moment, columns: Option<usize>) -> String {
    // Groups are indented.
    let columns = columns.map(|columns| columns.saturating_sub(2));
    let mut text = format!(
        "Home of {}, {}\n",
        home.member.title,
        moment.say_date(home.day)
    );
    for (urgency, heading) in GROUPS {
        let items: Vec<&HomeItem> = home
            .activities
            .iter()
            .filter(|item| item.urgency == urgency)
            .collect();
        if !items.is_empty() {
            let heading = match urgency {
                // The day that was asked for may be another than the present one.
                Urgency::Today => moment.say_date(home.day),
                _ => heading.to_owned(),
            };
            text.push_str(&format!(
                "\n{heading}\n{}",
                indent(&activities(&items, moment, columns))
            ));
        }
    }
    for kind in [Kind::Inquiry, Kind::SalesProject] {
        let rows: Vec<_> = home
            .without_next_step
            .iter()
            .filter(|row| row.record.kind == Some(kind))
            .collect();
        text.push_str(&without_next_step(kind, &rows, home, moment, columns));
    }
    if !home.merged.is_empty() {
        let entries = merged::entries(&home.merged, moment);
        text.push_str(&format!("\nmerged\n{}", indent(&entries)));
    }
    if home.activities.is_empty() && home.without_next_step.is_empty() && home.merged.is_empty() {
        text.push_str("nothing to do\n");
    }
    text
}

/// Writes the first records of a kind without a next step, and says how many there are beside.
fn without_next_step(
    kind: Kind,
    rows: &[&Row],
    home: &HomeAnswer,
    moment: &Moment,
    columns: Option<usize>,
) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let heading = match kind {
        Kind::Inquiry => "inquiries without a next step",
        _ => "sales projects without a next step",
    };
    // All have no next step and one who is responsible: that needs no columns.
    let shown: Vec<Row> = rows
        .iter()
        .take(WITHOUT_NEXT_STEP)
        .map(|row| {
            let mut row = Row::clone(row);
            row.next_step = None;
            row.fields.remove("responsible");
            row
        })
        .collect();
    let mut table = list::rows(kind, &shown, moment, columns);
    let more = rows.len() - shown.len();
    if more > 0 {
        let (kind, member) = (kind.name(), home.member.id.short());
        table.push_str(&format!(
            "and {more} more: handschlag list {kind} --filter next-step=none --filter responsible={member}\n"
        ));
    }
    format!("\n{heading}\n{}", indent(&table))
}

fn activities(items: &[&HomeItem], moment: &Moment, columns: Option<usize>) -> String {
    let mut table = Table::new(&[
        Column::Left(""),
        Column::Left(""),
        Column::Left(""),
        Column::Left(""),
        Column::Left(""),
        Column::Left(""),
    ]);
    for item in items {
        let regards: Vec<&str> = item
            .regards
            .iter()
            .map(|record| record.title.as_str())
            .collect();
        let archived = if item.regards_archived {
            "(archived)"
        } else {
            ""
        };
        table.row([
            item.due
                .as_ref()
                .map_or(String::new(), |due| moment.say_planned(due)),
            item.activity.clone(),
            match title(&item.record) {
                subject if subject == item.activity => String::new(),
                subject => subject.to_owned(),
            },
            regards.join(", "),
            archived.to_owned(),
            item.record.id.short(),
        ]);
    }
    table.fit(columns).render()
}
