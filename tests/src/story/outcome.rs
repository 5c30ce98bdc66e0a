//! What must hold when all have met.

use serde_json::Value;

use super::agreement::rows;
use super::cast::World;
use super::offline::{self, Work, only_row, text};
use super::told::Stage;
use crate::harness::Person;

/// Checks what everyone sees, which is the same for all.
pub(super) fn check(stage: &mut Stage<'_>, world: &World<'_>, work: &Work, seen: &Value) {
    stage.holds("lists, records, histories, Merged list and Home are equal on all three");
    one_of_each(stage, work, seen);
    let status = &only_row(&seen["list sales-project"])["fields"]["status"];
    assert!(
        status
            .as_str()
            .is_some_and(|status| status.contains("negotiation")),
        "{status}"
    );
    stage.holds("the sales project stands at negotiation, further than 'offer sent'");

    for who in world.people() {
        offer_is_as_sent(who, work);
        call_is_everywhere(who, work);
        edits_are_kept(who, work);
    }
    stage.holds("the sent offer is on all machines as A sent it: content, number, totals");
    stage.holds("B's call is in the history of inquiry, customer and sales project");
    stage.holds("C's phone and note are kept");
    disqualification_is_listed(stage, world, &seen["merged"]);
    homes(stage, world, work);
}

fn one_of_each(stage: &mut Stage<'_>, work: &Work, seen: &Value) {
    for (kind, made) in [
        ("customer", &work.customer),
        ("contact-person", &work.contact),
        ("sales-project", &work.sales_project),
    ] {
        let row = only_row(&seen[&format!("list {kind}")]);
        assert_eq!(text(row, "id"), made.id, "{row}");
        assert_eq!(
            row["number"].as_str().unwrap_or_default(),
            made.number,
            "{row}"
        );
        assert_eq!(row["standing"], "alive", "{row}");
    }
    stage.holds("one customer, one contact person, one sales project with one number");
    let history = &seen[&format!("history of inquiry {}", work.inquiry.id)];
    assert!(
        history.is_array(),
        "the inquiry's history is among what is compared"
    );
    let event = only_row(&seen["list event"]);
    assert_eq!(event["title"], offline::FAIR, "{event}");
    let inquiries = rows(&seen["list inquiry"]).len();
    assert_eq!(inquiries, work.imported.iter().sum::<usize>() + 1);
    stage.holds("one fair, and all contacts that A and B imported");
}

/// Checks that an issued offer shows what it showed when it was sent; what became of it stands beside that.
pub(super) fn offer_is_as_sent(who: &Person, work: &Work) {
    let shown = who.json(&["show", &work.issued]);
    for part in [
        "id",
        "number",
        "title",
        "totals",
        "content",
        "created_ms",
        "created_by",
    ] {
        assert_eq!(
            shown[part],
            work.as_sent[part],
            "{} at {}",
            part,
            who.name()
        );
    }
    let fields = |record: &Value| -> Vec<(String, Value)> {
        let fields = record["fields"].as_array().expect("a record has fields");
        fields
            .iter()
            .filter(|field| field["name"] != "status")
            .map(|field| (text(field, "key"), field["value"].clone()))
            .collect()
    };
    assert_eq!(fields(&shown), fields(&work.as_sent), "at {}", who.name());
    let offers = who.json(&["list", "issued-offer"]);
    only_row(&offers);
}

fn call_is_everywhere(who: &Person, work: &Work) {
    for id in [&work.inquiry.id, &work.customer.id, &work.sales_project.id] {
        let history = who.json(&["history", id]);
        let items = history.as_array().expect("a history is a list");
        let calls: Vec<&Value> = items
            .iter()
            .filter(|item| {
                item["what"] == "activity" && item["after"].as_str() == Some(offline::CALL)
            })
            .collect();
        assert_eq!(calls.len(), 1, "the call once in {history:#}");
        let mut times = items.iter().map(|item| item["time_ms"].as_i64());
        assert!(times.all(|time| time.is_some()), "{history:#}");
    }
}

fn edits_are_kept(who: &Person, work: &Work) {
    let inquiry = who.json(&["show", &work.inquiry.id]);
    let note = text(&inquiry, "note");
    assert!(
        note.contains(offline::NOTE) && note.contains("X-200"),
        "{note}"
    );
    let fields = inquiry["fields"].as_array().expect("a record has fields");
    let is_kept = fields.iter().any(|field| {
        field["name"] == "phone"
            && field["text"]
                .as_str()
                .is_some_and(|text| text.contains(offline::PHONE))
    });
    assert!(is_kept, "{} has C's phone: {inquiry:#}", who.name());
    let converted = who.json(&["show", &work.sales_project.id]);
    assert_eq!(
        converted["inquiry_note"], note,
        "the note is shown at the sales project too"
    );
}

fn disqualification_is_listed(stage: &mut Stage<'_>, world: &World<'_>, merged: &Value) {
    let entries = merged.as_array().expect("the Merged list is a list");
    let is_listed = entries.iter().any(|entry| {
        let choices = entry["choices"].as_array().map_or(&[][..], Vec::as_slice);
        choices.iter().any(|choice| {
            choice["author"] == world.c.name()
                && choice["text"]
                    .as_str()
                    .is_some_and(|text| text.contains(offline::REASON))
        })
    });
    assert!(is_listed, "C's disqualification is listed: {merged:#}");
    stage.holds("C's disqualification is on the Merged list, with C's name and reason");
}

/// Checks that each Home shows what its person has to do, and nothing of the others.
fn homes(stage: &mut Stage<'_>, world: &World<'_>, work: &Work) {
    for (who, own) in world.people().into_iter().zip(&work.own) {
        let home = who.json(&["home"]);
        assert_eq!(home["member"]["title"], who.name(), "{home:#}");
        let planned: Vec<&str> = home["activities"]
            .as_array()
            .expect("Home has activities")
            .iter()
            .filter_map(|item| item["record"]["id"].as_str())
            .collect();
        for activity in &work.own {
            let is_there = planned.contains(&activity.as_str());
            assert_eq!(is_there, activity == own, "{}: {home:#}", who.name());
        }
    }
    // What A and B imported has no next step yet; the inquiry of the story has one.
    let without = |who: &Person| {
        let home = who.json(&["home"]);
        home["without_next_step"].as_array().map_or(0, Vec::len)
    };
    let counts = world.people().map(without);
    assert_eq!(counts, [work.imported[0], work.imported[1], 0]);
    stage.holds("Home of each shows what is theirs, and what they imported waits for a next step");
}

/// Checks that the relay's files and log hold nothing in clear, and that the search would have found it.
pub(super) fn nothing_in_clear(stage: &mut Stage<'_>, world: &World<'_>) {
    let mut secrets = stage.secrets.clone();
    let export = world.a.json(&["export"]);
    for record in export["records"].as_array().expect("an export has records") {
        for part in ["title", "note"] {
            secrets.add(record[part].as_str().unwrap_or_default());
        }
        let fields = record["fields"].as_array().expect("a record has fields");
        for field in fields.iter().filter(|field| is_personal(field)) {
            texts(&field["value"]["value"], &mut |text| secrets.add(text));
            secrets.add(field["text"].as_str().unwrap_or_default());
        }
    }
    let own = secrets.found_below(world.a.home());
    assert!(
        !own.is_empty(),
        "the search finds what a client keeps in clear"
    );
    let found = secrets.found_below(world.relay.data());
    assert!(found.is_empty(), "the relay can read: {found:#?}");
    let logged = secrets.found_in(world.relay.log().as_bytes());
    assert!(logged.is_empty(), "the relay has logged: {logged:?}");
    let count = secrets.count();
    stage.holds(&format!(
        "the relay's files and log hold none of {count} forms of names, phones, notes and other words in clear"
    ));
}

fn is_personal(field: &Value) -> bool {
    let name = field["name"].as_str().unwrap_or_default();
    const NAMES: [&str; 17] = [
        "company",
        "given",
        "family",
        "name",
        "job_title",
        "address",
        "phone",
        "email",
        "website",
        "tag",
        "subject",
        "outcome",
        "item",
        "customer_name",
        "contact_name",
        "reference",
        "custom",
    ];
    NAMES.contains(&name)
}

/// Gives all texts in a JSON value.
fn texts(value: &Value, take: &mut dyn FnMut(&str)) {
    match value {
        Value::String(text) => take(text),
        Value::Array(values) => values.iter().for_each(|value| texts(value, take)),
        Value::Object(values) => values.values().for_each(|value| texts(value, take)),
        _ => {}
    }
}
