//! What intents did, in the one form that all commands with intents print.

use engine::interface::{Named, Outcome};
use model::{IntentId, RecordId};
use serde::Serialize;

use crate::desk::Desk;
use crate::error::CommandError;
use crate::output;

/// What a command did, by one intent or several alike.
#[derive(Debug, Default, Serialize)]
pub(super) struct Done {
    /// The last operation, for undo.
    pub(super) operation: Option<IntentId>,
    /// All operations, in their order.
    pub(super) operations: Vec<IntentId>,
    /// The main record.
    pub(super) id: Option<RecordId>,
    /// The records, the main one first.
    pub(super) records: Vec<RecordId>,
    /// The records with their titles.
    pub(super) named: Vec<Named>,
    /// What happened beside what was asked.
    pub(super) notices: Vec<String>,
    /// The operations that were undone.
    pub(super) undone: Vec<IntentId>,
}

impl Done {
    /// Takes what one more intent did.
    pub(super) fn add(&mut self, outcome: Outcome) {
        self.operation = Some(outcome.operation);
        self.operations.push(outcome.operation);
        for id in outcome.done.records {
            if !self.records.contains(&id) {
                self.records.push(id);
            }
        }
        self.id = self.records.first().copied();
        for named in outcome.named {
            if !self.named.iter().any(|one| one.id == named.id) {
                self.named.push(named);
            }
        }
        self.notices.extend(outcome.done.notices);
        self.undone.extend(outcome.done.undone);
    }
}

impl From<Outcome> for Done {
    fn from(outcome: Outcome) -> Self {
        let mut done = Self::default();
        done.add(outcome);
        done
    }
}

/// Prints what was done, with the word for it and how to undo it.
pub(super) fn print(
    desk: &mut Desk<'_>,
    what: &str,
    done: impl Into<Done>,
) -> Result<(), CommandError> {
    let done = done.into();
    desk.print(&done, |_| {
        let mut text = output::done::named(what, &done.named);
        for notice in &done.notices {
            text.push_str(&format!("note: {notice}\n"));
        }
        for operation in &done.operations {
            let operation = output::short(operation);
            text.push_str(&format!("to undo: handschlag undo {operation}\n"));
        }
        text
    })
}

/// Prints the id of what was made alone on a line; notices go to stderr.
pub(super) fn print_id(desk: &mut Desk<'_>, outcome: Outcome) -> Result<(), CommandError> {
    let done = Done::from(outcome);
    desk.print(&done, |_| {
        done.id.map_or_else(String::new, |id| format!("{id}\n"))
    })?;
    done.notices
        .iter()
        .try_for_each(|notice| desk.remark(notice))
}
