//! What intents did, in the one form that all commands with intents print.

use engine::interface::{Answer, Failure, Named, Outcome, Request};
use model::intent::Intent;
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
    /// What all operations belong to where there are several, for undo.
    pub(super) batch: Option<IntentId>,
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
    /// Names what takes all of it back: the batch, else the one operation.
    fn to_undo(&self) -> Option<IntentId> {
        self.batch.or(self.operation)
    }

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

/// Does the same to each record that a person names.
///
/// All are looked up before anything is done, so that a mistyped one does not leave half of them.
pub(super) fn each(
    desk: &mut Desk<'_>,
    typed: &[String],
    intent: impl Fn(RecordId) -> Intent,
) -> Result<Done, CommandError> {
    let mut records: Vec<RecordId> = Vec::new();
    for record in desk.ids(typed)? {
        if !records.contains(&record) {
            records.push(record);
        }
    }
    perform(desk, records.into_iter().map(intent).collect())
}

/// Does one thing, or several as one batch, so that one undo takes all of it back.
pub(super) fn perform(desk: &mut Desk<'_>, intents: Vec<Intent>) -> Result<Done, CommandError> {
    let requests = intents.into_iter().map(|intent| {
        |batch| Request::Do {
            intent_id: None,
            batch,
            intent,
        }
    });
    ask_all(desk, requests.collect())
}

/// Asks for one thing that is done, or for several as one batch.
pub(super) fn ask_all(
    desk: &mut Desk<'_>,
    requests: Vec<impl FnOnce(Option<IntentId>) -> Request>,
) -> Result<Done, CommandError> {
    let batch = match requests.len() {
        0 | 1 => None,
        _ => Some(desk.fresh_id()?),
    };
    let mut all = Done {
        batch,
        ..Done::default()
    };
    let of = requests.len();
    for request in requests {
        match desk.ask(request(batch)) {
            Ok(Answer::Done(outcome)) => all.add(outcome),
            Ok(other) => return Err(CommandError::unexpected(&other)),
            Err(error) => return Err(stopped(error, &all, of)),
        }
    }
    Ok(all)
}

/// Says what was done already when one in the middle was refused.
fn stopped(error: CommandError, all: &Done, of: usize) -> CommandError {
    match (error, all.batch, all.operations.len()) {
        (CommandError::Failed(failure), Some(batch), done @ 1..) => {
            let own = failure.way_out.into_iter();
            let undo = format!(
                "to take back what is done: handschlag undo {}",
                output::short(&batch)
            );
            CommandError::Failed(Failure {
                reason: format!("{} ({done} of {of} done before it)", failure.reason),
                way_out: Some(own.chain([undo]).collect::<Vec<_>>().join("\n")),
                ..failure
            })
        }
        (error, _, _) => error,
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
        if let Some(id) = done.to_undo() {
            let id = output::short(&id);
            text.push_str(&format!("to undo: handschlag undo {id}\n"));
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
