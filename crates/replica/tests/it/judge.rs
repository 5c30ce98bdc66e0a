//! What must hold after whatever people did.

use std::collections::{BTreeMap, BTreeSet};

use model::intent::{Assignment, Change};
use model::kind::{Settle, Writer};
use model::merged::{Entry, Rule};
use model::plan::{Answer, DeedWrite};
use model::record::{self, RecordView, Standing};
use model::settle::{Derived, settle};
use model::{Intent, Kind, RecordId, Value};
use replica::Past;

use crate::peers::Peers;

/// Lets a device carry out an intent that may be refused, and judges what merging records did at once.
/// Gives the answer if it was carried out.
pub(crate) fn carry(peers: &mut Peers, who: usize, intent: Intent) -> Option<Answer> {
    let before = match &intent {
        Intent::Merge { loser, .. } => Some(peers.view(who, *loser)),
        _ => None,
    };
    let done = peers.try_act(who, intent.clone());
    peers.tell(who, &intent, &done);
    if let (Ok(_), Some(before), Intent::Merge { survivor, .. }) = (&done, before, &intent) {
        merging_loses_nothing(peers, who, &before, *survivor);
    }
    done.ok()
}

/// Everything that the loser held is held by the survivor, or listed there.
fn merging_loses_nothing(peers: &Peers, who: usize, loser: &RecordView, survivor: RecordId) {
    let after = peers.view(who, survivor);
    let listed = peers.all[who].replica.merged_at(survivor);
    for (key, settled) in &loser.fields {
        let spec = loser.kind.field_of_key(key).expect("a field of the kind");
        let kept = spec.writer == Writer::Person && spec.name != "status"
            || matches!(spec.name, "issued" | "verdict" | "file");
        if !kept {
            continue;
        }
        for held in settled.held.iter().filter(|one| one.value.is_some()) {
            let is_held = after
                .fields
                .get(key)
                .is_some_and(|settled| settled.held.iter().any(|one| one.value == held.value));
            let is_listed = listed
                .iter()
                .filter(|entry| entry.field.as_deref() == Some(key))
                .any(|entry| entry.choices.iter().any(|one| one.value == held.value));
            assert!(
                is_held || is_listed,
                "merging {} into {survivor} lost {:?} of {key}",
                loser.id,
                held.value
            );
        }
    }
}

/// A value that a write superseded had been seen by its author, or was set aside in the same change.
pub(crate) fn no_write_is_lost(peers: &Peers) {
    let peer = &peers.all[0];
    let read = peer.store.read().unwrap();
    for (kind, id) in peer.replica.views().all() {
        let document = peer.replica.document(&read, id).unwrap();
        let has_merged = peer
            .replica
            .views()
            .referrers(id, "merged_into")
            .next()
            .is_some();
        for change in document.past() {
            let intent = change.operation.and_then(|id| peers.intents.get(&id));
            for write in &change.writes {
                superseded_is_seen_or_aside((id, kind, has_merged), &change, write, intent);
            }
        }
    }
}

fn superseded_is_seen_or_aside(
    (id, kind, has_merged): (RecordId, Kind, bool),
    change: &Past,
    write: &DeedWrite,
    intent: Option<&Intent>,
) {
    // Choosing and undoing weigh all values; what is done and what a conversion made is weighed by its rule.
    let weighed = matches!(
        intent,
        None | Some(Intent::Choose { .. } | Intent::Undo { .. })
    );
    let Some(spec) = kind.field_of_key(&write.key) else {
        return;
    };
    let by_rule = matches!(spec.name, "conversion" | "done" | "done_all" | "life");
    if weighed || by_rule || spec.writer == Writer::Inner || spec.settle == Settle::Life {
        return;
    }
    let settled = settle(id, &write.key, spec, Derived::default(), &write.before);
    // A press that moves a status answers all that is shown of it.
    let moves = spec.writer == Writer::Rule && matches!(settled.shown, Some(Value::Status(_)));
    let several = settled.held.len() > 1 && !moves;
    let wrote = write.wrote.value(spec);
    let seen = assignment(intent, id, &write.key).and_then(|one| one.seen.as_ref());
    for held in settled.held.iter().filter(|one| one.value != wrote) {
        let is_seen = match seen {
            Some(ids) => held.presses().iter().any(|press| ids.contains(press)),
            None => !moves || held.value == settled.shown,
        };
        let is_passed = match (&held.value, &wrote) {
            (Some(Value::Status(one)), Some(Value::Status(next))) => {
                moves && one.is_passed_by(next)
            }
            _ => false,
        };
        let is_aside = held.ops.iter().any(|op| {
            let key = format!("aside/{op}");
            change.writes.iter().any(|one| one.key == key)
        });
        let must_be = several || !is_seen && !is_passed;
        // What was merged into the record stands in other documents, so it is not counted here.
        let may_be = must_be || has_merged;
        assert!(
            is_aside && may_be || !is_aside && !must_be,
            "{intent:?} wrote {} of {kind} {id} over {:?}, set aside: {is_aside}",
            write.key,
            held.value
        );
    }
}

fn assignment<'a>(intent: Option<&'a Intent>, id: RecordId, key: &str) -> Option<&'a Assignment> {
    match intent? {
        Intent::Edit { record, fields } if *record == id => {
            let removes = |one: &Assignment| {
                one.change == Change::Remove && key.split('/').next() == Some(&one.field)
            };
            fields.iter().find(|one| one.field == key || removes(one))
        }
        _ => None,
    }
}

/// A converted inquiry has each of the records that its conversion made, once.
pub(crate) fn conversions_are_whole(peers: &Peers) {
    let views = peers.all[0].replica.views();
    let mut made: BTreeSet<RecordId> = BTreeSet::new();
    for id in views.of_kind(Kind::Inquiry) {
        let view = peers.view(0, id);
        let derived = [
            RecordId::customer_of(id),
            RecordId::contact_of(id),
            RecordId::sales_project_of(id),
        ];
        made.extend(derived);
        if !view.is_alive() {
            continue;
        }
        let Some(conversion) = view.conversion() else {
            assert_ne!(view.status_word(), "converted", "{id} became nothing");
            continue;
        };
        assert_eq!(view.status_word(), "converted", "{id} is {conversion:?}");
        let named = [
            Some(conversion.customer),
            Some(conversion.contact),
            conversion.sales_project,
        ];
        for one in named
            .into_iter()
            .flatten()
            .filter(|one| derived.contains(one))
        {
            let view = peers.see(0, |world| record::record(world, one));
            let standing = view.map(|view| view.standing);
            assert!(
                standing
                    .as_ref()
                    .is_some_and(|standing| *standing != Standing::Undone),
                "{one} of the conversion of {id} is {standing:?}"
            );
        }
    }
    // Sales projects come from conversions only, one from each inquiry.
    for id in views.of_kind(Kind::SalesProject) {
        assert!(made.contains(&id), "{id} comes from no inquiry");
    }
}

/// Every transaction is there with all of its parts.
pub(crate) fn transactions_are_whole(peers: &Peers) {
    let envelopes: Vec<_> = peers.all.iter().flat_map(|peer| &peer.outbox).collect();
    for peer in &peers.all {
        let read = peer.store.read().unwrap();
        let mut operations: BTreeMap<RecordId, BTreeSet<_>> = BTreeMap::new();
        for id in peer.replica.views().ids() {
            let document = peer.replica.document(&read, id).unwrap();
            let all = document.past().into_iter().filter_map(|one| one.operation);
            operations.insert(id, all.collect());
        }
        for envelope in &envelopes {
            for part in &envelope.parts {
                let there = operations.get(&part.record);
                assert!(there.is_some_and(|all| all.contains(&envelope.intent)));
            }
        }
    }
}

/// Numbers are minted by devices with codes of their own.
pub(crate) fn no_number_is_issued_twice(peers: &Peers) {
    let list = peers.all[0].replica.merged(true);
    let twice = list.iter().find(|entry| entry.rule == Rule::IssuedTwice);
    assert!(twice.is_none(), "{twice:#?}");
}

/// The rows of the merge table that are counted.
pub(crate) const ROWS: [&str; 22] = [
    "different fields",
    "same field, different values",
    "same value twice",
    "notes",
    "lists",
    "cleared or removed here, changed there",
    "aside",
    "converted twice",
    "converted, disqualified",
    "converted apart",
    "partner, sales project",
    "undone but stands",
    "status moved on both sides",
    "won, lost",
    "won with different offers",
    "sent by two",
    "sent, draft edited",
    "accepted, rejected",
    "accepted twice",
    "archived, edited",
    "merged, loser edited",
    "follow-up",
];

/// Counts which rows of the merge table a history met.
pub(crate) fn count_rows(peers: &Peers, hits: &mut BTreeMap<&'static str, u32>) {
    let mut hit = |row: &'static str, met: bool| {
        *hits.entry(row).or_default() += u32::from(met);
    };
    for entry in peers.all[0].replica.merged(true) {
        count_entry(&entry, peers, &mut hit);
    }
    let peer = &peers.all[0];
    let read = peer.store.read().unwrap();
    for (_, id) in peer.replica.views().all() {
        let view = peers.view(0, id);
        let past = peer.replica.document(&read, id).unwrap().past();
        count_record(&view, &past, &mut hit);
    }
}

fn words(entry: &Entry) -> Vec<&str> {
    entry
        .choices
        .iter()
        .filter_map(|one| match &one.value {
            Some(Value::Status(status)) => Some(status.word.as_str()),
            _ => None,
        })
        .collect()
}

fn count_entry(entry: &Entry, peers: &Peers, hit: &mut impl FnMut(&'static str, bool)) {
    let field = entry.field.as_deref().unwrap_or("");
    let words = words(entry);
    let has = |word: &str| words.contains(&word);
    let kind = peers.view(0, entry.record).kind;
    match entry.rule {
        Rule::Conflict => {
            let cleared = entry.choices.iter().any(|one| one.value.is_none());
            hit("cleared or removed here, changed there", cleared);
            hit("same field, different values", !cleared);
            hit(
                "converted, disqualified",
                has("converted") && has("disqualified"),
            );
            hit(
                "status moved on both sides",
                kind == Kind::SalesProject && field == "status",
            );
            hit("won with different offers", field == "award");
            let refused = has("rejected") || has("superseded");
            hit(
                "accepted, rejected",
                field.starts_with("verdict/") && has("accepted") && refused,
            );
        }
        Rule::Aside => hit("aside", true),
        Rule::Contested => hit("won, lost", true),
        Rule::ConvertedApart => {
            let conversions = entry.choices.iter().filter_map(|one| match &one.value {
                Some(Value::Conversion(conversion)) => Some(conversion.sales_project.is_some()),
                _ => None,
            });
            let kinds: BTreeSet<bool> = conversions.collect();
            hit("partner, sales project", kinds.len() == 2);
            hit("converted apart", true);
        }
        Rule::SentTwice => hit("sent by two", true),
        Rule::AcceptedTwice => hit("accepted twice", true),
        Rule::ArchivedAndEdited => hit("archived, edited", true),
        Rule::UndoneButStands => hit("undone but stands", true),
        Rule::MergedApart | Rule::DerivedApart | Rule::IssuedTwice => {}
    }
}

fn count_record(view: &RecordView, past: &[Past], hit: &mut impl FnMut(&'static str, bool)) {
    let twice = |key: &str| {
        let held = view.fields.get(key).map(|settled| settled.held.as_slice());
        held.unwrap_or_default().iter().any(|one| one.ops.len() > 1)
    };
    let same = view
        .fields
        .iter()
        .any(|(key, _)| key != "life" && key != "record" && twice(key));
    hit("same value twice", same);
    hit("converted twice", twice("conversion"));
    // Two authors meet where both wrote alive beside each other.
    let beside = view
        .fields
        .get("life")
        .is_some_and(|settled| settled.held.iter().any(|one| one.ops.len() > 1));
    hit("different fields", beside);
    let writers: BTreeSet<_> = past
        .iter()
        .filter(|one| !one.inserted.is_empty())
        .map(|one| one.author)
        .collect();
    hit("notes", writers.len() > 1);
    let adders: BTreeSet<_> = past
        .iter()
        .filter(|one| one.writes.iter().any(|write| is_list(&write.key)))
        .map(|one| one.author)
        .collect();
    hit("lists", adders.len() > 1);
    let later_item = past.iter().any(|one| {
        one.writes
            .iter()
            .any(|write| write.key.starts_with("item/"))
            && !one.is_first
    });
    hit(
        "sent, draft edited",
        later_item && view.list("issued").next().is_some(),
    );
    hit(
        "merged, loser edited",
        matches!(view.standing, Standing::Merged(_)) && edited_after_merge(past),
    );
    let answers = ["done_all", "done/", "postponed/"];
    let answered: BTreeSet<_> = past
        .iter()
        .filter(|one| {
            one.writes
                .iter()
                .any(|write| answers.iter().any(|key| write.key.starts_with(key)))
        })
        .map(|one| one.author)
        .collect();
    hit("follow-up", answered.len() > 1);
}

fn is_list(key: &str) -> bool {
    ["phone/", "tag/", "item/", "email/"]
        .iter()
        .any(|name| key.starts_with(name))
}

/// Tells whether somebody edited a record beside or after it was merged.
fn edited_after_merge(past: &[Past]) -> bool {
    let merge = past
        .iter()
        .position(|one| one.writes.iter().any(|write| write.key == "merged_into"));
    let later = |at: usize| {
        past[at + 1..].iter().any(|one| {
            one.writes.iter().any(|write| {
                !write.key.contains('/') && write.key != "merged_into" && write.key != "record"
            })
        })
    };
    merge.is_some_and(later)
}
