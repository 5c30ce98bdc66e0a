//! One record as a whole, and numbers about all.

use std::collections::BTreeMap;

use model::content::Content;
use model::record::{self, RecordView, Standing};
use model::settle::Settled;
use model::status::{Course, course};
use model::{Kind, RecordId, Value, offer};

use super::{Asked, merged_at, standing_word};
use crate::answers::{ChoiceAnswer, FieldAnswer, Linked, RecordAnswer, Statistics};

/// The fields by which records belong to another, in the order in which they are listed.
const TIES: [&str; 8] = [
    "customer",
    "contact",
    "inquiry",
    "sales_project",
    "offer",
    "event",
    "link",
    "merged_into",
];

/// Gives a record as a whole; none while it has not arrived.
pub fn record(asked: &Asked<'_>, id: RecordId) -> Option<RecordAnswer> {
    let world = &asked.world;
    let view = record::record(world, id)?;
    let author = view
        .created
        .map(|origin| asked.author(origin.author).1)
        .unwrap_or_default();
    let inquiry_note = view
        .reference("inquiry")
        .and_then(|id| record::record(world, id))
        .map(|inquiry| inquiry.note);
    let is_offer = matches!(view.kind, Kind::Offer | Kind::IssuedOffer);
    let items = view.items().into_iter().map(|(_, item)| item);
    Some(RecordAnswer {
        record: asked.named(id),
        standing: standing_word(&view.standing).to_owned(),
        merged_into: match view.standing {
            Standing::Merged(into) => Some(asked.named(into)),
            _ => None,
        },
        fields: fields(asked, &view),
        note: view.note.clone(),
        inquiry_note: inquiry_note.unwrap_or_default(),
        next_step: asked
            .replica
            .digests()
            .get(id)
            .and_then(|digest| asked.next_step(digest)),
        linked: linked(asked, &view),
        totals: is_offer.then(|| offer::totals(items, "EUR").ok()).flatten(),
        content: (view.kind == Kind::Offer).then(|| {
            Content::of(world, &view)
                .hash()
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect()
        }),
        merged: merged_at(asked, id),
        created_by: author,
        created_ms: view.created.map_or(0, |origin| origin.time_ms),
        changed_ms: view.changed_ms,
    })
}

/// Lists the fields in the order of the kind, then the workspace's own.
fn fields(asked: &Asked<'_>, view: &RecordView) -> Vec<FieldAnswer> {
    let mut answers = Vec::new();
    let digest = asked.replica.digests().get(view.id);
    let is_expired = digest.is_some_and(|digest| asked.status_word(digest) == "expired");
    let specs = view
        .kind
        .fields()
        .iter()
        .map(|spec| spec.name)
        .chain(["custom", "file"]);
    for name in specs {
        let own = view
            .fields
            .iter()
            .filter(|(key, _)| key.split('/').next() == Some(name));
        let mut own: Vec<(&String, &Settled)> = own.collect();
        if name == "item" {
            own.sort_by_key(|(key, settled)| match &settled.shown {
                Some(Value::Item(item)) => (item.position, (*key).clone()),
                _ => (i64::MAX, (*key).clone()),
            });
        }
        // The same phone number or address twice is one, as people see it.
        let once = matches!(name, "phone" | "email").then(|| view.labelled(name));
        for (key, settled) in own {
            let is_once = once
                .as_ref()
                .is_none_or(|once| once.iter().any(|(own, _)| own == key));
            if is_once && settled.shown.is_some() || settled.in_conflict {
                answers.push(field(asked, name, key, settled, is_expired));
            }
        }
    }
    answers
}

fn field(
    asked: &Asked<'_>,
    name: &str,
    key: &str,
    settled: &Settled,
    is_expired: bool,
) -> FieldAnswer {
    let text = settled
        .shown
        .as_ref()
        .map(|value| asked.text(value))
        .unwrap_or_default();
    let text = if is_expired && name == "status" {
        "expired".to_owned()
    } else {
        text
    };
    let refers_to = match &settled.shown {
        Some(Value::Reference(id)) => Some(asked.named(*id)),
        _ => None,
    };
    let values = settled
        .held
        .iter()
        .filter(|_| settled.in_conflict)
        .map(|held| ChoiceAnswer {
            id: held.id(),
            value: held.value.clone(),
            text: held
                .value
                .as_ref()
                .map_or_else(|| "(empty)".to_owned(), |value| asked.text(value)),
            author: asked.author(held.author).1,
            device: asked.devices.code(held.author),
            time_ms: held.time_ms,
            shown: held.value == settled.shown,
        });
    FieldAnswer {
        key: key.to_owned(),
        name: name.to_owned(),
        value: settled.shown.clone(),
        text,
        refers_to,
        values: values.collect(),
        seen: settled.held.iter().map(|held| held.id()).collect(),
    }
}

/// Lists what belongs to a record, and what was merged into it; activities stand in its history.
fn linked(asked: &Asked<'_>, view: &RecordView) -> Vec<Linked> {
    let views = asked.replica.views();
    let mut ids = vec![view.id];
    ids.extend(view.merged.iter().copied());
    let mut found: BTreeMap<(usize, RecordId), Linked> = BTreeMap::new();
    for (place, tie) in TIES.iter().enumerate() {
        for id in ids.iter().flat_map(|id| views.referrers(*id, tie)) {
            let Some(digest) = asked.replica.digests().get(id) else {
                continue;
            };
            let hidden = matches!(digest.standing(), Standing::Undone | Standing::Merged(_))
                && *tie != "merged_into";
            if hidden
                || digest.kind() == Kind::Activity
                || ids.contains(&id) && *tie != "merged_into"
            {
                continue;
            }
            let status = asked.status_word(digest);
            found.insert(
                (place, id),
                Linked {
                    by: (*tie).to_owned(),
                    record: asked.named(id),
                    status,
                },
            );
        }
    }
    found.into_values().collect()
}

/// Counts records and how sales projects ended; what is contested counts as neither won nor lost.
pub fn statistics(asked: &Asked<'_>) -> Statistics {
    let mut records: BTreeMap<Kind, usize> = BTreeMap::new();
    let mut statistics = Statistics {
        records: Vec::new(),
        archived: 0,
        won: 0,
        lost: 0,
        contested: 0,
    };
    for digest in asked.replica.digests().iter() {
        match digest.standing() {
            Standing::Alive => *records.entry(digest.kind()).or_default() += 1,
            Standing::Archived => statistics.archived += 1,
            _ => continue,
        }
        if digest.kind() == Kind::SalesProject {
            match (digest.is_contested(), course(&digest.status_word())) {
                (true, _) => statistics.contested += 1,
                (false, Course::Won) => statistics.won += 1,
                (false, Course::Lost) => statistics.lost += 1,
                _ => {}
            }
        }
    }
    statistics.records = records.into_iter().collect();
    statistics
}
