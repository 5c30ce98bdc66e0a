//! Home: what one person has to do on a day.

use jiff::civil::Date;
use model::home::{self, waits_for};
use model::record::{self, Standing};
use model::world::World;
use model::{Kind, RecordId};

use super::{Asked, merged};
use crate::answers::{HomeAnswer, HomeItem};

/// Gives what a member has to do on a day.
pub fn home(asked: &Asked<'_>, member: RecordId, day: Date) -> HomeAnswer {
    let views = asked.replica.views();
    let mut activities: Vec<HomeItem> = views
        .referrers(member, "responsible")
        .into_iter()
        .filter(|id| {
            asked
                .replica
                .digests()
                .get(*id)
                .is_some_and(|digest| digest.kind == Kind::Activity)
        })
        .filter_map(|id| record::record(views, id))
        .filter(|view| waits_for(view, member))
        .map(|view| {
            let due = home::due(&view, member).cloned();
            let regards = view.references("regards");
            let archived = |id: &RecordId| {
                asked
                    .replica
                    .digests()
                    .get(*id)
                    .is_some_and(|digest| digest.standing == Standing::Archived)
            };
            HomeItem {
                record: asked.named(view.id),
                activity: view.text("activity").to_owned(),
                urgency: home::urgency(due.as_ref(), day),
                due,
                regards_archived: regards.iter().any(archived),
                regards: regards
                    .into_iter()
                    .map(|id| asked.named(record::survivor(views, id)))
                    .collect(),
            }
        })
        .collect();
    activities.sort_by_key(|item| {
        let due = item.due.as_ref().map(|due| (due.date, due.time));
        (item.urgency, due.is_none(), due, item.record.id)
    });
    HomeAnswer {
        member: asked.named(member),
        day,
        activities,
        without_next_step: without_next_step(asked, member),
        merged: merged(asked, false)
            .into_iter()
            .filter(|entry| {
                entry
                    .responsible
                    .as_ref()
                    .is_some_and(|named| named.id == member)
            })
            .collect(),
    }
}

fn without_next_step(asked: &Asked<'_>, member: RecordId) -> Vec<crate::answers::Row> {
    let owned = asked
        .replica
        .views()
        .referrers(member, "responsible")
        .into_iter();
    let mut found: Vec<_> = owned
        .filter_map(|id| asked.replica.digests().get(id))
        .filter(|digest| digest.needs_next_step && digest.next_step.is_none())
        .filter(|digest| digest.reference("responsible") == Some(member))
        .collect();
    found.sort_by_key(|digest| (digest.created_ms, digest.id));
    found.into_iter().map(|digest| asked.row(digest)).collect()
}
