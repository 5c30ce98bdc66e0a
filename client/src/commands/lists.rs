//! Looking at records.

use engine::interface::{Answer, Compare, Filter, HistoryItem, ListQuery, Query};
use model::value::Form;
use model::{Kind, RecordId};

use crate::args::lists::{History, Home, List, Search, Show};
use crate::desk::{Desk, answer};
use crate::error::CommandError;
use crate::filter::Condition;
use crate::output;

pub(super) fn show(desk: &mut Desk<'_>, args: &Show) -> Result<(), CommandError> {
    let record = desk.id(&args.id)?;
    let answer = desk.query(Query::Record { record })?;
    let shown = answer!(answer, Answer::Record(shown) => shown);
    // Scripts have the history by a command of its own, in full.
    let history = if desk.is_json {
        Vec::new()
    } else {
        history_of(desk, record)?
    };
    desk.print(&shown, |moment| {
        output::record::show(&shown, &history, moment)
    })
}

fn history_of(desk: &mut Desk<'_>, record: RecordId) -> Result<Vec<HistoryItem>, CommandError> {
    let answer = desk.query(Query::History { record })?;
    Ok(answer!(answer, Answer::History(history) => history))
}

pub(super) fn history(desk: &mut Desk<'_>, args: &History) -> Result<(), CommandError> {
    let record = desk.id(&args.id)?;
    let history = history_of(desk, record)?;
    desk.print(&history, |moment| {
        output::history::table(&history, record, moment)
    })
}

pub(super) fn list(desk: &mut Desk<'_>, args: &List) -> Result<(), CommandError> {
    let filters = args
        .filter
        .iter()
        .map(|condition| filter(desk, args.kind, condition))
        .collect::<Result<_, _>>()?;
    let query = Query::List(ListQuery {
        kind: args.kind,
        filters,
        sort: args.sort.clone().map(|order| order.0),
        offset: args.offset,
        limit: args.limit,
        archived: args.archived,
    });
    let list = answer!(desk.query(query)?, Answer::List(list) => list);
    let columns = desk.terminal.columns;
    desk.print(&list, |moment| {
        output::list::table(args.kind, &list, args.offset, moment, columns)
    })
}

/// Makes a filter of a condition: records in it are looked up, dates become ISO dates.
fn filter(desk: &mut Desk<'_>, kind: Kind, condition: &Condition) -> Result<Filter, CommandError> {
    let spec = kind.field(&condition.field);
    let mut value = condition.value.clone();
    let mut compare = condition.compare;
    let is_exact = matches!(condition.compare, Compare::Is | Compare::IsNot);
    let is_ordered = matches!(condition.compare, Compare::Before | Compare::After);
    match spec.map(|spec| spec.form) {
        Some(Form::Reference) if is_exact => {
            value = desk.value_of(Some(kind), &condition.field, &value)?;
        }
        Some(Form::Date | Form::Planned) if is_exact || is_ordered => {
            value = desk.date(&value)?.to_string();
            // What is planned has a time too: a day is asked for, not a moment.
            if compare == Compare::Is && spec.is_some_and(|spec| spec.form == Form::Planned) {
                compare = Compare::Contains;
            }
        }
        _ => {}
    }
    let field = match spec {
        // `phones` is the list that records call `phone`; an entry such as custom/machine stays as it is.
        Some(spec) => spec.name.to_owned(),
        None => condition.field.clone(),
    };
    Ok(Filter {
        field,
        compare,
        value,
    })
}

pub(super) fn home(desk: &mut Desk<'_>, args: &Home) -> Result<(), CommandError> {
    let day = match &args.day {
        Some(typed) => Some(desk.date(typed)?),
        None => None,
    };
    let member = desk.maybe_id(args.member.as_deref())?;
    let answer = desk.query(Query::Home { member, day })?;
    let home = answer!(answer, Answer::Home(home) => home);
    let columns = desk.terminal.columns;
    desk.print(&home, |moment| output::home::home(&home, moment, columns))
}

pub(super) fn search(desk: &mut Desk<'_>, args: &Search) -> Result<(), CommandError> {
    let query = Query::Search {
        text: args.text.join(" "),
        limit: args.limit,
    };
    let hits = answer!(desk.query(query)?, Answer::Hits(hits) => hits);
    let columns = desk.terminal.columns;
    desk.print(&hits, |_| output::list::hits(&hits, args.limit, columns))
}
