//! Home: what one person has to do, and what has no next step.

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::id::RecordId;
use crate::kind::Kind;
use crate::record::{self, RecordView, Standing};
use crate::rules::activity;
use crate::status::{Course, course};
use crate::value::Planned;
use crate::world::World;

/// How urgent an item of Home is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Urgency {
    /// It was due before the day.
    Overdue,
    /// It is due on the day.
    Today,
    /// It is due within the next seven days.
    NextSevenDays,
    /// It is due later.
    Later,
    /// It has no date.
    Undated,
}

/// How far ahead the group of the next days reaches.
const NEXT_DAYS: i32 = 7;

/// Gives date and time of something planned as they are in the zone of whoever looks.
///
/// A whole day is that day everywhere. Where the zone it was planned in is unknown, or has no such time on that day, it
/// stays as it was planned.
pub fn seen_from(planned: &Planned, zone: &TimeZone) -> (Date, Option<Time>) {
    let Some(time) = planned.time else {
        return (planned.date, None);
    };
    if zone.iana_name() == Some(&planned.zone) {
        return (planned.date, Some(time));
    }
    let moment =
        TimeZone::get(&planned.zone).and_then(|own| own.to_zoned(planned.date.to_datetime(time)));
    match moment {
        Ok(moment) => {
            let here = moment.with_time_zone(zone.clone());
            (here.date(), Some(here.time()))
        }
        Err(_) => (planned.date, Some(time)),
    }
}

/// Tells how urgent something is on a day, to whoever looks from a zone.
pub fn urgency(due: Option<&Planned>, day: Date, zone: &TimeZone) -> Urgency {
    let Some(due) = due else {
        return Urgency::Undated;
    };
    match (seen_from(due, zone).0 - day).get_days() {
        ..0 => Urgency::Overdue,
        0 => Urgency::Today,
        1..=NEXT_DAYS => Urgency::NextSevenDays,
        _ => Urgency::Later,
    }
}

/// Tells whether an activity waits for a member: in use, theirs, and not done for them.
pub fn waits_for(view: &RecordView, member: RecordId) -> bool {
    view.kind == Kind::Activity
        && view.is_alive()
        && view.reference("responsible") == Some(member)
        && !activity::is_done(view, member)
}

/// Gives when an activity is due for a member: what the member postponed it to, else what was planned.
pub fn due(view: &RecordView, member: RecordId) -> Option<&Planned> {
    activity::due(view, member)
}

/// Tells whether an activity is done for a member or for all.
pub fn is_done(view: &RecordView, member: RecordId) -> bool {
    activity::is_done(view, member)
}

/// Tells whether a record must have a next step: an open inquiry or an open sales project in use.
pub fn needs_next_step(view: &RecordView) -> bool {
    if view.standing != Standing::Alive {
        return false;
    }
    match view.kind {
        Kind::Inquiry => !matches!(view.status_word(), "converted" | "disqualified"),
        Kind::SalesProject => matches!(course(view.status_word()), Course::Open | Course::OnHold),
        _ => false,
    }
}

/// Gives the next step of a record: the earliest open activity that regards it or an inquiry it came from.
pub fn next_step(world: &dyn World, view: &RecordView) -> Option<RecordView> {
    let mut regarded = vec![view.id];
    regarded.extend(view.merged.iter().copied());
    regarded.extend(view.reference("inquiry"));
    regarded
        .iter()
        .flat_map(|id| world.referrers(*id, "regards"))
        .filter_map(|id| record::record(world, id))
        .filter(|step| {
            let whose = step.reference("responsible").unwrap_or(step.id);
            step.is_alive() && !activity::is_done(step, whose)
        })
        .min_by_key(|step| {
            let whose = step.reference("responsible").unwrap_or(step.id);
            (
                due(step, whose).is_none(),
                due(step, whose).map(|due| (due.date, due.time)),
                step.id,
            )
        })
}
