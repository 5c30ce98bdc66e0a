//! From the inquiry to the order.

use engine::interface::{Answer, ListQuery, Query};
use model::Kind;
use model::intent::{ConvertInto, Intent};
use model::parse::line_item;
use model::value::LineItem;

use crate::args::sales::{
    Accept, Confirm, Convert, Disqualify, Hold, Lose, Offer, Phase, Reject, Send, Win,
};
use crate::commands::done;
use crate::desk::{Desk, answer};
use crate::error::CommandError;

/// The currency of a workspace that has set none.
const CURRENCY: &str = "EUR";

pub(super) fn convert(desk: &mut Desk<'_>, args: &Convert) -> Result<(), CommandError> {
    let inquiry = desk.id(&args.id)?;
    let into = ConvertInto {
        customer: desk.maybe_id(args.into.as_deref())?,
        contact: desk.maybe_id(args.contact.as_deref())?,
        partner: args.partner,
    };
    let outcome = desk.perform(Intent::Convert { inquiry, into })?;
    done::print(desk, "converted into", outcome)
}

pub(super) fn disqualify(desk: &mut Desk<'_>, args: &Disqualify) -> Result<(), CommandError> {
    let inquiry = desk.id(&args.id)?;
    let outcome = desk.perform(Intent::Disqualify {
        inquiry,
        reason: args.reason.clone(),
        seen: None,
    })?;
    done::print(desk, "disqualified", outcome)
}

pub(super) fn offer(desk: &mut Desk<'_>, args: &Offer) -> Result<(), CommandError> {
    let valid_until = match &args.valid_until {
        Some(typed) => Some(desk.date(typed)?),
        None => None,
    };
    // What is wrong in a line is wrong in any currency, so it is told before anything is asked.
    read_items(&args.item, CURRENCY)?;
    let sales_project = desk.id(&args.project)?;
    let items = read_items(&args.item, &currency(desk)?)?;
    let outcome = desk.perform(Intent::DraftOffer {
        sales_project,
        items,
        name: args.name.clone().unwrap_or_default(),
        valid_until,
    })?;
    done::print(desk, "drafted", outcome)
}

fn read_items(lines: &[String], currency: &str) -> Result<Vec<LineItem>, CommandError> {
    lines
        .iter()
        .zip(1..)
        .map(|(line, position)| {
            let item = line_item(line, currency).map_err(|expected| {
                let form = "text;quantity;unit;price;discount;vat";
                CommandError::usage("line", line, format!("{expected}\na line is '{form}'"))
            })?;
            Ok(LineItem { position, ..item })
        })
        .collect()
}

fn currency(desk: &mut Desk<'_>) -> Result<String, CommandError> {
    let query = Query::List(ListQuery {
        limit: 1,
        ..ListQuery::of(Kind::Settings)
    });
    let settings = answer!(desk.query(query)?, Answer::List(list) => list);
    let set = settings
        .rows
        .first()
        .and_then(|row| row.fields.get("currency"))
        .filter(|currency| !currency.is_empty());
    Ok(set.cloned().unwrap_or_else(|| CURRENCY.to_owned()))
}

pub(super) fn send(desk: &mut Desk<'_>, args: &Send) -> Result<(), CommandError> {
    let offer = desk.id(&args.offer)?;
    let outcome = desk.perform(Intent::SendOffer {
        offer,
        content: args.content.clone(),
    })?;
    done::print(desk, "sent", outcome)
}

pub(super) fn accept(desk: &mut Desk<'_>, args: &Accept) -> Result<(), CommandError> {
    let issued = desk.id(&args.issued)?;
    let outcome = desk.perform(Intent::AcceptOffer { issued })?;
    done::print(desk, "accepted", outcome)
}

pub(super) fn reject(desk: &mut Desk<'_>, args: &Reject) -> Result<(), CommandError> {
    let issued = desk.id(&args.issued)?;
    let outcome = desk.perform(Intent::RejectOffer {
        issued,
        reason: args.reason.clone(),
    })?;
    done::print(desk, "rejected", outcome)
}

pub(super) fn phase(desk: &mut Desk<'_>, args: &Phase) -> Result<(), CommandError> {
    let record = desk.record(&args.project)?;
    let status = args.status.clone();
    let intent = if record.kind == Some(Kind::Inquiry) {
        if args.chance.is_some() || args.reason.is_some() {
            return Err(CommandError::Usage {
                reason: "an inquiry has neither a chance nor a reason".to_owned(),
                expected: "leave out --chance and --reason, or name the sales project".to_owned(),
            });
        }
        Intent::MoveInquiry {
            inquiry: record.id,
            status,
            seen: None,
        }
    } else {
        Intent::MovePhase {
            sales_project: record.id,
            phase: status,
            chance: args.chance,
            reason: args.reason.clone(),
            seen: None,
        }
    };
    let outcome = desk.perform(intent)?;
    done::print(desk, &format!("moved to {}", args.status), outcome)
}

pub(super) fn win(desk: &mut Desk<'_>, args: &Win) -> Result<(), CommandError> {
    let sales_project = desk.id(&args.project)?;
    let issued = desk.maybe_id(args.offer.as_deref())?;
    let outcome = desk.perform(Intent::Win {
        sales_project,
        issued,
        seen: None,
    })?;
    done::print(desk, "won", outcome)
}

pub(super) fn lose(desk: &mut Desk<'_>, args: &Lose) -> Result<(), CommandError> {
    end(desk, &args.project, "lost", Some(args.reason.clone()))
}

pub(super) fn hold(desk: &mut Desk<'_>, args: &Hold) -> Result<(), CommandError> {
    end(desk, &args.project, "on-hold", args.reason.clone())
}

fn end(
    desk: &mut Desk<'_>,
    project: &str,
    phase: &str,
    reason: Option<String>,
) -> Result<(), CommandError> {
    let sales_project = desk.id(project)?;
    let outcome = desk.perform(Intent::MovePhase {
        sales_project,
        phase: phase.to_owned(),
        chance: None,
        reason,
        seen: None,
    })?;
    done::print(desk, &phase.replace('-', " "), outcome)
}

pub(super) fn confirm(desk: &mut Desk<'_>, args: &Confirm) -> Result<(), CommandError> {
    let order = desk.id(&args.order)?;
    let outcome = desk.perform(Intent::ConfirmOrder {
        order,
        reference: args.reference.clone(),
    })?;
    done::print(desk, "confirmed", outcome)
}
