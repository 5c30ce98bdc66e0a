//! Home: what one person has to do on a day.

use std::collections::BTreeSet;

use jiff::civil::Date;
use model::home;
use model::record::{self, Standing};
use model::{RecordId, Value};

use super::{Asked, merged};
use crate::answers::{HomeAnswer, HomeItem};
use crate::digest::Digest;

/// Gives what a member has to do on a day.
pub fn home(asked: &Asked<'_>, member: RecordId, day: Date) -> HomeAnswer {
    let mut activities: Vec<HomeItem> = responsible_for(asked, member)
        .filter_map(|digest| item(asked, digest, member, day))
        .collect();
    activities.sort_by_key(|item| {
        let due = item
            .due
            .as_ref()
            .map(|due| home::seen_from(due, &asked.zone));
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

/// Visits the records that name a member as the responsible one, and perhaps others beside him.
fn responsible_for<'a>(
    asked: &'a Asked<'_>,
    member: RecordId,
) -> impl Iterator<Item = &'a Digest> + 'a {
    let digests = asked.replica.digests();
    let owned = asked.replica.views().referrers(member, "responsible");
    // What a merged record says stands in the one that it was merged into.
    let owned: BTreeSet<RecordId> = owned
        .filter_map(|id| digests.get(id))
        .map(|digest| match digest.standing() {
            Standing::Merged(into) => into,
            _ => digest.id(),
        })
        .collect();
    owned.into_iter().filter_map(|id| digests.get(id))
}

/// Tells an activity that waits for the member; none when it does not.
fn item(asked: &Asked<'_>, digest: &Digest, member: RecordId, day: Date) -> Option<HomeItem> {
    let (whom, due) = digest.waits_for()?;
    if whom != member {
        return None;
    }
    let archived = |id: &RecordId| {
        let regarded = asked.replica.digests().get(*id);
        regarded.is_some_and(|digest| digest.standing() == Standing::Archived)
    };
    let regards: Vec<RecordId> = digest
        .values("regards")
        .filter_map(|value| match value {
            Value::Reference(id) => Some(id),
            _ => None,
        })
        .collect();
    let activity = match digest.value("activity") {
        Some(Value::Text(word)) => word,
        _ => String::new(),
    };
    Some(HomeItem {
        record: asked.named(digest.id()),
        activity,
        urgency: home::urgency(due.as_ref(), day, &asked.zone),
        due,
        regards_archived: regards.iter().any(archived),
        regards: regards
            .into_iter()
            .map(|id| asked.named(record::survivor(&asked.world, id)))
            .collect(),
    })
}

fn without_next_step(asked: &Asked<'_>, member: RecordId) -> Vec<crate::answers::Row> {
    let mut found: Vec<&Digest> = responsible_for(asked, member)
        .filter(|digest| digest.needs_next_step() && digest.next_step().is_none())
        .filter(|digest| digest.reference("responsible") == Some(member))
        .collect();
    found.sort_by_key(|digest| (digest.created_ms(), digest.id()));
    found.into_iter().map(|digest| asked.row(digest)).collect()
}
