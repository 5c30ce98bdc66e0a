//! The history of a record: its changes and the activities that regard it, in one chronological list.

use std::collections::BTreeSet;

use model::plan::DeedWrite;
use model::record::{self, RecordView};
use model::{Kind, RecordId};

use super::Asked;
use crate::answers::{HistoryItem, HistoryKind, Named};
use crate::digest::Digest;
use crate::document::Past;
use crate::replica::ReplicaError;

/// How much of a note's edit a line of history shows, in characters.
const NOTE_SHOWN: usize = 200;

/// The fields along which activities are visible from a record without being copied.
const SEEN_FROM: [&str; 4] = ["inquiry", "customer", "sales_project", "contact"];

/// Gives the history of a record, the newest last: its own changes, those of what was merged into it, and activities.
pub fn history(asked: &Asked<'_>, id: RecordId) -> Result<Vec<HistoryItem>, ReplicaError> {
    let Some(view) = record::record(&asked.world, id) else {
        return Ok(Vec::new());
    };
    // Causes come before effects, also where a clock was ahead.
    type Place = ((i64, u64, model::Author, [u8; 32]), RecordId, usize);
    let mut items: Vec<(Place, HistoryItem)> = Vec::new();
    let mut own = vec![id];
    own.extend(view.merged.iter().copied());
    for id in own {
        let kind = asked.replica.digests().get(id).map(Digest::kind);
        let named = asked.named(id);
        for one in asked.replica.document(asked.world.source(), id)?.past() {
            for (at, item) in lines(asked, kind, &named, &one).into_iter().enumerate() {
                items.push(((one.place(), id, at), item));
            }
        }
    }
    for activity in activities(asked, &view) {
        let author = activity.created.map(|origin| origin.author);
        let author = author.unwrap_or(model::Author::from_bytes([0; 12]));
        // Behind the changes of the same press: a captured contact comes before its follow-up.
        items.push((
            (
                (activity_ms(&activity), u64::MAX, author, [0; 32]),
                activity.id,
                0,
            ),
            activity_line(asked, &activity),
        ));
    }
    items.sort_by_key(|(place, _)| *place);
    Ok(items.into_iter().map(|(_, item)| item).collect())
}

/// Lists the activities that are visible from a record: of itself, of what it came from, and of what came from it.
fn activities(asked: &Asked<'_>, view: &RecordView) -> Vec<RecordView> {
    let (world, views) = (&asked.world, asked.replica.views());
    let mut family: BTreeSet<RecordId> = BTreeSet::from([view.id]);
    family.extend(view.merged.iter().copied());
    match view.kind {
        // What was done for a customer's inquiries, people, projects and offers was done for the customer.
        Kind::Customer => family.extend(below(asked, &family, 2)),
        Kind::SalesProject | Kind::Offer => family.extend(below(asked, &family, 1)),
        _ => {}
    }
    let up: Vec<RecordId> = SEEN_FROM
        .iter()
        .filter(|field| {
            **field == "inquiry"
                || view.kind != Kind::SalesProject && view.kind != Kind::ContactPerson
        })
        .filter(|field| **field != "customer")
        .filter_map(|field| view.reference(field))
        .collect();
    family.extend(up);
    if let Some(conversion) = view.conversion() {
        family.extend(conversion.sales_project);
        family.insert(conversion.contact);
        if conversion.customer == RecordId::customer_of(view.id) {
            family.insert(conversion.customer);
        }
    }
    let inquiries: Vec<RecordId> = family
        .iter()
        .filter_map(|id| record::record(world, *id)?.reference("inquiry"))
        .collect();
    family.extend(inquiries);
    let found: BTreeSet<RecordId> = family
        .iter()
        .flat_map(|id| views.referrers(*id, "regards"))
        .collect();
    found
        .into_iter()
        .filter_map(|id| record::record(world, id))
        .filter(|view| view.is_alive())
        .collect()
}

fn below(asked: &Asked<'_>, of: &BTreeSet<RecordId>, steps: usize) -> BTreeSet<RecordId> {
    let views = asked.replica.views();
    let mut found = BTreeSet::new();
    let mut edge: Vec<RecordId> = of.iter().copied().collect();
    for _ in 0..steps {
        edge = edge
            .iter()
            .flat_map(|id| {
                ["customer", "sales_project", "offer"].map(|field| views.referrers(*id, field))
            })
            .flatten()
            .filter(|id| found.insert(*id))
            .collect();
    }
    found
}

fn activity_ms(activity: &RecordView) -> i64 {
    activity.created.map_or(0, |origin| origin.time_ms)
}

fn activity_line(asked: &Asked<'_>, activity: &RecordView) -> HistoryItem {
    let origin = activity.created;
    let (member, author) = origin
        .map(|origin| asked.author(origin.author))
        .unwrap_or_default();
    let word = activity.text("activity");
    let title = activity.title();
    let mut parts: Vec<String> = Vec::new();
    // An activity without any text is titled by its kind, which the line says already.
    if title != word {
        parts.push(title.clone());
    }
    if let Some(model::Value::Planned(when)) = activity.value("when") {
        parts.push(format!("for {}", crate::text::planned(when)));
    }
    if !activity.note.is_empty() && activity.note != title {
        parts.push(activity.note.clone());
    }
    if !activity.text("outcome").is_empty() {
        parts.push(format!("outcome: {}", activity.text("outcome")));
    }
    let after = parts.join("; ");
    HistoryItem {
        time_ms: activity_ms(activity),
        what: HistoryKind::Activity,
        author,
        member,
        device: origin
            .map(|origin| asked.devices.code(origin.author))
            .unwrap_or_default(),
        record: asked.named(activity.id),
        field: activity.text("activity").to_owned(),
        before: String::new(),
        after,
        operation: origin.and_then(|origin| origin.operation),
    }
}

/// Tells one change in lines: one a field, one for the note.
pub(super) fn lines(
    asked: &Asked<'_>,
    kind: Option<Kind>,
    named: &Named,
    past: &Past,
) -> Vec<HistoryItem> {
    let (member, author) = asked.author(past.author);
    let line = |what: HistoryKind, field: &str, before: String, after: String| HistoryItem {
        time_ms: past.time_ms,
        what,
        author: author.clone(),
        member,
        device: asked.devices.code(past.author),
        record: named.clone(),
        field: field.to_owned(),
        before,
        after,
        operation: past.operation,
    };
    let mut lines = Vec::new();
    if past.is_first {
        lines.push(line(HistoryKind::Created, "", String::new(), String::new()));
    }
    for write in &past.writes {
        let Some(spec) = kind.and_then(|kind| kind.field_of_key(&write.key)) else {
            continue;
        };
        if matches!(spec.name, "record" | "seen" | "pinned" | "aside") {
            continue;
        }
        let value = |candidate: &model::doc::Candidate| {
            candidate
                .value(spec)
                .map(|value| asked.text(&value))
                .unwrap_or_default()
        };
        let before: Vec<String> = write.before.iter().map(value).collect();
        let (before, after) = (before.join(" | "), value(&write.wrote));
        if tells_something(spec.name, write, &before, &after) {
            lines.push(line(HistoryKind::Changed, &write.key, before, after));
        }
    }
    if !past.inserted.is_empty() || !past.deleted.is_empty() {
        let cut = |text: &str| text.chars().take(NOTE_SHOWN).collect::<String>();
        lines.push(line(
            HistoryKind::Note,
            "note",
            cut(&past.deleted),
            cut(&past.inserted),
        ));
    }
    lines
}

/// Each edit says again that the record is in use; that is no line of its own.
fn tells_something(name: &str, write: &DeedWrite, before: &str, after: &str) -> bool {
    match name {
        "life" => before != after && !(write.before.is_empty() && after == "in use"),
        _ => before != after,
    }
}
