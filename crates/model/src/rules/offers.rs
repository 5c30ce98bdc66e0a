//! Offers: drafting, sending, answers to them.

use jiff::civil::Date;

use crate::content::Content;
use crate::id::RecordId;
use crate::kind::Kind;
use crate::offer;
use crate::plan::{Planner, Seen};
use crate::record::RecordView;
use crate::refusal::Refusal;
use crate::status::{Course, OFFER_SENT_RANK, Status, VERDICTS, course};
use crate::value::{Issue, LineItem, Value};

/// Makes a draft offer for a sales project.
pub(super) fn draft(
    planner: &mut Planner<'_, '_>,
    sales_project: RecordId,
    items: &[LineItem],
    name: &str,
    valid_until: Option<Date>,
) -> Result<(), Refusal> {
    let project = planner.alive_of(sales_project, Kind::SalesProject)?;
    offer::totals(items, "EUR").map_err(|error| Refusal::BadValue {
        field: "item".to_owned(),
        value: String::new(),
        reason: error.to_string(),
    })?;
    let id = planner.fresh_id();
    planner.edit(id, Kind::Offer, true);
    planner.set(id, "sales_project", Value::Reference(sales_project));
    planner.set(id, "date", Value::Date(planner.today()));
    let name = if name.trim().is_empty() {
        project.title()
    } else {
        name.trim().to_owned()
    };
    planner.set(id, "name", Value::Text(name));
    if let Some(date) = valid_until {
        planner.set(id, "valid_until", Value::Date(date));
    }
    for (position, item) in items.iter().enumerate() {
        let key = planner.fresh_key("item");
        let item = LineItem {
            position: position as i64 + 1,
            ..item.clone()
        };
        planner.set(id, &key, Value::Item(item));
    }
    planner.answer.records.push(id);
    Ok(())
}

/// Sends an offer: freezes what the sender saw, mints its number, pins the chain.
pub(super) fn send(
    planner: &mut Planner<'_, '_>,
    id: RecordId,
    content: Option<&str>,
) -> Result<(), Refusal> {
    let offer = planner.alive_of(id, Kind::Offer)?;
    let project_id = offer.reference("sales_project").ok_or(Refusal::Missing {
        what: "the sales project",
        way_out: "make the offer for one: handschlag offer PROJECT",
    })?;
    let project = planner.alive_of(project_id, Kind::SalesProject)?;
    if offer.items().is_empty() {
        return Err(Refusal::EmptyOffer { offer: id.short() });
    }
    let items: Vec<&LineItem> = offer.items().into_iter().map(|(_, item)| item).collect();
    offer::totals(items, "EUR").map_err(|error| Refusal::BadValue {
        field: "item".to_owned(),
        value: offer.title(),
        reason: error.to_string(),
    })?;
    let frozen = Content::of(planner.world(), &offer);
    let hash = frozen.hash();
    let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    if content.is_some_and(|seen| !hex.starts_with(&seen.to_lowercase())) {
        return Err(Refusal::OfferChanged { offer: id.short() });
    }
    check_changed(planner, &offer, &hex)?;
    let number = planner.mint("AN")?;
    let issued = RecordId::issued_of(id, &hash, &number);
    let version = latest_version(&offer) + 1;
    freeze(planner, issued, &frozen);
    for (key, text) in [("number", &number), ("content", &hex)] {
        planner.set(issued, key, Value::Text(text.clone()));
    }
    planner.set(issued, "offer", Value::Reference(id));
    planner.set(issued, "version", Value::Integer(version));
    mark_sent(planner, &offer, issued, &number, version);
    pin(planner, &chain(planner, &project, Some(id)), &number);
    advance(planner, &project)?;
    planner.answer.records.extend([issued, id, project_id]);
    Ok(())
}

fn latest_version(offer: &RecordView) -> i64 {
    let versions = offer.list("issued").filter_map(|(_, value)| match value {
        Value::Issue(issue) => Some(issue.version),
        _ => None,
    });
    versions.max().unwrap_or(0)
}

/// Refuses to send again what the customer has already, word by word.
fn check_changed(
    planner: &Planner<'_, '_>,
    offer: &RecordView,
    content: &str,
) -> Result<(), Refusal> {
    for (key, verdict) in offer.list("verdict") {
        let Some(issued) = key.strip_prefix("verdict/").and_then(|id| id.parse().ok()) else {
            continue;
        };
        let is_superseded = matches!(verdict, Value::Status(status) if status.word == "superseded");
        let sent = planner.any(issued).ok();
        if let Some(sent) = sent.filter(|sent| !is_superseded && sent.text("content") == content) {
            return Err(Refusal::SentAlready {
                offer: offer.id.short(),
                number: sent.text("number").to_owned(),
            });
        }
    }
    Ok(())
}

/// Creates the immutable issued record with what the customer is sent.
fn freeze(planner: &mut Planner<'_, '_>, issued: RecordId, content: &Content) {
    planner.edit(issued, Kind::IssuedOffer, true);
    for (key, value) in &content.fields {
        planner.set(issued, key, value.clone());
    }
    for (key, item) in &content.items {
        planner.set(issued, key, Value::Item(item.clone()));
    }
}

/// Notes in the offer what was sent; an earlier version that nobody answered is superseded.
fn mark_sent(
    planner: &mut Planner<'_, '_>,
    offer: &RecordView,
    issued: RecordId,
    number: &str,
    version: i64,
) {
    planner.edit(offer.id, Kind::Offer, true);
    let superseded: Vec<String> = offer
        .list("verdict")
        .filter_map(|(key, value)| match value {
            Value::Status(status) if status.word == "sent" => Some(key.to_owned()),
            _ => None,
        })
        .collect();
    for key in superseded {
        planner.set(offer.id, &key, Value::Status(verdict("superseded")));
    }
    let issue = Issue {
        number: number.to_owned(),
        version,
        at_ms: planner.ctx.around.now_ms,
    };
    planner.set(offer.id, &format!("issued/{issued}"), Value::Issue(issue));
    planner.set(
        offer.id,
        &format!("verdict/{issued}"),
        Value::Status(verdict("sent")),
    );
}

fn verdict(word: &str) -> Status {
    let rank = VERDICTS
        .iter()
        .find(|(other, _)| *other == word)
        .map_or(0, |(_, rank)| *rank);
    Status::of(word, rank)
}

/// Lists the records that a sent offer or a confirmed order rests on.
pub(super) fn chain(
    planner: &Planner<'_, '_>,
    project: &RecordView,
    also: Option<RecordId>,
) -> Vec<RecordId> {
    let mut chain = vec![project.id];
    chain.extend(
        ["inquiry", "customer", "contact"]
            .iter()
            .filter_map(|key| project.reference(key)),
    );
    chain.extend(also);
    chain.retain(|id| planner.any(*id).is_ok());
    chain
}

/// Pins a chain of records under a number, so that no undo elsewhere takes them away.
pub(super) fn pin(planner: &mut Planner<'_, '_>, chain: &[RecordId], number: &str) {
    for id in chain {
        let Ok(view) = planner.any(*id) else { continue };
        planner.edit(*id, view.kind, false);
        planner.put(
            *id,
            &format!("pinned/{number}"),
            Value::Flag(true),
            Seen::All,
        );
    }
}

/// Moves the sales project to "offer sent" if it stands before that.
fn advance(planner: &mut Planner<'_, '_>, project: &RecordView) -> Result<(), Refusal> {
    let before = project
        .status()
        .is_none_or(|status| course(&status.word) == Course::Open && status.rank < OFFER_SENT_RANK);
    if before {
        let status = super::sales::phase_status(planner, "offer-sent")?;
        let status = super::sales::keep_hand_set_chance(planner, project, status);
        planner.edit(project.id, Kind::SalesProject, true);
        planner.set(project.id, "status", Value::Status(status));
    }
    Ok(())
}

/// Notes the customer's answer to an issued offer.
pub(super) fn decide(
    planner: &mut Planner<'_, '_>,
    issued: RecordId,
    word: &str,
    reason: Option<&str>,
) -> Result<(), Refusal> {
    let view = planner.alive_of(issued, Kind::IssuedOffer)?;
    let offer_id = view.reference("offer").ok_or(Refusal::Missing {
        what: "the offer it was issued from",
        way_out: "it has not arrived here: handschlag sync",
    })?;
    // The verdict is written into the draft's record; an archived one would come back into use unasked.
    let offer = planner.alive_of(offer_id, Kind::Offer)?;
    let key = format!("verdict/{issued}");
    if let Some(Value::Status(status)) = offer.value(&key)
        && status.word == word
    {
        return Err(Refusal::NotOpen {
            title: view.named(),
            state: format!("{word} already"),
            way_out: None,
        });
    }
    let mut status = verdict(word);
    status.reason = reason
        .map(str::trim)
        .filter(|reason| !reason.is_empty())
        .map(str::to_owned);
    planner.edit(offer_id, Kind::Offer, true);
    planner.set(offer_id, &key, Value::Status(status));
    planner.answer.records.extend([issued, offer_id]);
    Ok(())
}
