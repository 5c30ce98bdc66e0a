//! The rules of intents, one file per part of the flow (design section 2).

pub(crate) mod activity;
mod capture;
mod convert;
mod edit;
mod files;
mod lifecycle;
mod offers;
mod sales;
mod undo;

use crate::intent::Intent;
use crate::plan::{Planner, Seen};
use crate::refusal::Refusal;

/// Applies the rule of an intent.
pub(crate) fn apply(planner: &mut Planner<'_, '_>, intent: &Intent) -> Result<(), Refusal> {
    match intent {
        Intent::Capture(contact) => capture::capture(planner, contact).map(drop),
        Intent::Import {
            contacts,
            as_customers: false,
        } => contacts
            .iter()
            .try_for_each(|one| capture::capture(planner, one).map(drop)),
        Intent::Import {
            contacts,
            as_customers: true,
        } => contacts
            .iter()
            .try_for_each(|one| capture::capture_customer(planner, one)),
        Intent::Create { kind, fields } => capture::create(planner, *kind, fields),
        Intent::EnrolMember {
            member,
            name,
            email,
        } => capture::enrol(planner, *member, name, email.as_deref()),
        Intent::FoundWorkspace { name } => capture::found(planner, name),
        Intent::Edit { record, fields } => edit::edit(planner, *record, fields),
        Intent::EditMany { records, fields } => records
            .iter()
            .try_for_each(|record| edit::edit(planner, *record, fields)),
        Intent::AppendNote { record, text } => edit::append_note(planner, *record, text),
        Intent::Attach {
            record,
            hash,
            name,
            media_type,
            size,
        } => files::attach(
            planner,
            *record,
            *hash,
            &files::Described {
                name,
                media_type,
                size: *size,
            },
        ),
        Intent::Detach { record, hash } => files::detach(planner, *record, *hash),
        Intent::AddActivity(new) => activity::add(planner, new).map(drop),
        Intent::Complete { activity, all } => activity::complete(planner, *activity, *all),
        Intent::Postpone { activity, until } => activity::postpone(planner, *activity, until),
        Intent::Reopen { activity } => activity::reopen(planner, *activity),
        Intent::Convert { inquiry, into } => convert::convert(planner, *inquiry, into),
        Intent::Disqualify {
            inquiry,
            reason,
            seen,
        } => convert::disqualify(planner, *inquiry, reason, Seen::told(seen)),
        Intent::MoveInquiry {
            inquiry,
            status,
            seen,
        } => convert::move_inquiry(planner, *inquiry, status, Seen::told(seen)),
        Intent::DraftOffer {
            sales_project,
            items,
            name,
            valid_until,
        } => offers::draft(planner, *sales_project, items, name, *valid_until),
        Intent::SendOffer { offer, content } => offers::send(planner, *offer, content.as_deref()),
        Intent::AcceptOffer { issued } => offers::decide(planner, *issued, "accepted", None),
        Intent::RejectOffer { issued, reason } => {
            offers::decide(planner, *issued, "rejected", reason.as_deref())
        }
        Intent::MovePhase {
            sales_project,
            phase,
            chance,
            reason,
            seen,
        } => {
            let moved = sales::Move {
                phase,
                chance: *chance,
                reason: reason.as_deref(),
            };
            sales::move_phase(planner, *sales_project, &moved, Seen::told(seen))
        }
        Intent::Win {
            sales_project,
            issued,
            seen,
        } => sales::win(planner, *sales_project, *issued, Seen::told(seen)),
        Intent::ConfirmOrder { order, reference } => {
            sales::confirm(planner, *order, reference.as_deref())
        }
        Intent::Undo { what } => undo::undo(planner, *what),
        Intent::Archive { record } => lifecycle::archive(planner, *record),
        Intent::Restore { record } => lifecycle::restore(planner, *record),
        Intent::Merge { survivor, loser } => lifecycle::merge(planner, *survivor, *loser),
        Intent::Choose { entry, value } => lifecycle::choose(planner, *entry, *value),
        Intent::Acknowledge { entry } => lifecycle::acknowledge(planner, *entry),
    }
}

#[cfg(test)]
mod tests;
