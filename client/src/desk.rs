//! Where a command works: the connection, the moment, and where its output goes.

use std::io::{BufRead, Write};
use std::path::PathBuf;

use engine::interface::{Answer, Event, Failure, Named, Outcome, Query, Request};
use jiff::civil::Date;
use model::intent::{Assignment, Intent};
use model::value::{Form, Planned};
use model::{IntentId, Kind, RecordId};
use serde::Serialize;

use crate::assignment::Written;
use crate::connection::{Connection, Open};
use crate::error::CommandError;
use crate::moment::Moment;
use crate::output;
use crate::progress::Progress;

/// Asks the engine and keeps the value of the one answer that fits; any other is an error of the command.
macro_rules! answer {
    ($answer:expr, $pattern:pat => $value:expr) => {
        match $answer {
            $pattern => $value,
            other => return Err($crate::error::CommandError::unexpected(&other)),
        }
    };
}
pub(crate) use answer;

/// Where input comes from and output goes.
pub struct Terminal<'a> {
    /// stdin.
    pub input: &'a mut dyn BufRead,
    /// stdout.
    pub out: &'a mut dyn Write,
    /// stderr.
    pub err: &'a mut dyn Write,
    /// Whether stdout and stderr are terminals, so that somebody looks.
    pub is_watched: bool,
    /// How wide stdout is, where it is a terminal: lists fit into it. Into files and programs they go whole.
    pub columns: Option<usize>,
}

/// What a command has at hand.
pub(crate) struct Desk<'a> {
    pub(crate) terminal: Terminal<'a>,
    pub(crate) moment: Moment,
    pub(crate) is_json: bool,
    home: Option<PathBuf>,
    open: Open<'a>,
    connection: Option<Box<dyn Connection>>,
}

impl<'a> Desk<'a> {
    /// Takes its place; the engine is opened by the first question.
    pub(crate) fn new(
        home: Option<PathBuf>,
        is_json: bool,
        moment: Moment,
        terminal: Terminal<'a>,
        open: Open<'a>,
    ) -> Self {
        Self {
            terminal,
            moment,
            is_json,
            home,
            open,
            connection: None,
        }
    }

    /// Opens the engine and hands its connection over.
    pub(crate) fn take_connection(&mut self) -> Result<Box<dyn Connection>, Failure> {
        match self.connection.take() {
            Some(connection) => Ok(connection),
            None => (self.open)(self.home.as_deref()),
        }
    }

    fn call(
        &mut self,
        request: Request,
        on_progress: &mut dyn FnMut(Event),
    ) -> Result<Answer, CommandError> {
        let mut connection = self.take_connection()?;
        let answer = connection.call(request, on_progress);
        self.connection = Some(connection);
        Ok(answer?)
    }

    /// Asks and waits.
    pub(crate) fn ask(&mut self, request: Request) -> Result<Answer, CommandError> {
        self.call(request, &mut |_| {})
    }

    /// Asks for something that takes a while, and shows how far it is where somebody looks.
    pub(crate) fn ask_long(
        &mut self,
        request: Request,
        text: &str,
    ) -> Result<Answer, CommandError> {
        let mut progress = Progress::begin(self.terminal.is_watched, text);
        self.call(request, &mut |event| progress.take(&event))
    }

    /// Asks a query.
    pub(crate) fn query(&mut self, query: Query) -> Result<Answer, CommandError> {
        self.ask(Request::Query(query))
    }

    /// Does something.
    pub(crate) fn perform(&mut self, intent: Intent) -> Result<Outcome, CommandError> {
        let request = Request::Do {
            intent_id: None,
            batch: None,
            intent,
        };
        Ok(answer!(self.ask(request)?, Answer::Done(outcome) => outcome))
    }

    /// Makes an id for a batch.
    pub(crate) fn fresh_id(&mut self) -> Result<IntentId, CommandError> {
        let mut connection = self.take_connection()?;
        let random = connection.random();
        self.connection = Some(connection);
        Ok(IntentId::fresh(self.moment.now_ms(), random))
    }

    /// Prints the command's one answer, for a script or for a person.
    pub(crate) fn print(
        &mut self,
        json: &impl Serialize,
        text: impl FnOnce(&Moment) -> String,
    ) -> Result<(), CommandError> {
        if self.is_json {
            let line = serde_json::to_string(json).map_err(std::io::Error::from)?;
            writeln!(self.terminal.out, "{line}")?;
        } else {
            let text = output::clean(&text(&self.moment));
            let text = text.trim_end_matches('\n');
            if !text.is_empty() {
                writeln!(self.terminal.out, "{text}")?;
            }
        }
        Ok(self.terminal.out.flush()?)
    }

    /// Tells a person something beside the answer, on stderr; scripts read it in the JSON.
    pub(crate) fn remark(&mut self, text: &str) -> Result<(), CommandError> {
        if !self.is_json {
            writeln!(self.terminal.err, "{}", output::clean(text))?;
        }
        Ok(())
    }

    /// Finds the record that a person names.
    pub(crate) fn record(&mut self, typed: &str) -> Result<Named, CommandError> {
        if typed.trim().is_empty() {
            return Err(CommandError::usage("record", typed, RECORD_FORM));
        }
        let request = Request::Resolve {
            text: typed.trim().to_owned(),
        };
        Ok(answer!(self.ask(request)?, Answer::Resolved(named) => named))
    }

    /// Finds the id of the record that a person names.
    pub(crate) fn id(&mut self, typed: &str) -> Result<RecordId, CommandError> {
        Ok(self.record(typed)?.id)
    }

    /// Finds the id of a member of whom this device may not have heard: the relay is met before that is said.
    pub(crate) fn member(&mut self, typed: &str) -> Result<RecordId, CommandError> {
        match self.id(typed) {
            Err(CommandError::Failed(failure)) if failure.code == "no-such-record" => {
                let unknown = unknown(failure, "member", typed);
                self.meet(unknown.clone())?;
                let found = self.id(typed);
                found.map_err(|error| still_unknown(error, unknown))
            }
            found => found,
        }
    }

    /// Meets the relay for what is not known here; where that fails, it stays unknown.
    pub(crate) fn meet(&mut self, unknown: Failure) -> Result<(), CommandError> {
        let request = Request::Sync {
            timeout_ms: MEETING_MS,
        };
        let problem = match self.ask_long(request, "meeting the relay") {
            Ok(Answer::Synced(synced)) => synced.problem,
            Ok(other) => return Err(CommandError::unexpected(&other)),
            Err(CommandError::Failed(failure)) if failure.code == "no-relay" => {
                return Err(CommandError::Failed(unknown));
            }
            Err(error) => return Err(error),
        };
        match problem {
            None => Ok(()),
            Some(problem) => Err(CommandError::Failed(Failure {
                reason: format!("{}; {}", unknown.reason, problem.reason),
                way_out: Some("if it is new, meet the relay first: handschlag sync".to_owned()),
                ..unknown
            })),
        }
    }

    /// Finds the ids of several records.
    pub(crate) fn ids(&mut self, typed: &[String]) -> Result<Vec<RecordId>, CommandError> {
        typed.iter().map(|one| self.id(one)).collect()
    }

    /// Finds the id of a record that may be named.
    pub(crate) fn maybe_id(
        &mut self,
        typed: Option<&str>,
    ) -> Result<Option<RecordId>, CommandError> {
        typed.map(|one| self.id(one)).transpose()
    }

    /// Makes assignments of what was typed for a record of a kind: records in it are looked up.
    pub(crate) fn assignments(
        &mut self,
        kind: Option<Kind>,
        written: &[Written],
    ) -> Result<Vec<Assignment>, CommandError> {
        written
            .iter()
            .map(|one| {
                let text = self.value_of(kind, &one.field, &one.text)?;
                Ok(one.assignment(text))
            })
            .collect()
    }

    /// Gives the text of a value as the engine takes it: where a field refers to records, the full id.
    pub(crate) fn value_of(
        &mut self,
        kind: Option<Kind>,
        field: &str,
        text: &str,
    ) -> Result<String, CommandError> {
        let name = field.split('/').next().unwrap_or(field);
        let refers = kind
            .and_then(|kind| kind.field(name))
            .is_some_and(|spec| spec.form == Form::Reference);
        if !refers || text.trim().is_empty() {
            return Ok(text.to_owned());
        }
        match self.id(text) {
            Ok(id) => Ok(id.to_string()),
            Err(CommandError::Failed(failure)) => Err(CommandError::Failed(Failure {
                reason: format!("{name}: {}", failure.reason),
                ..failure
            })),
            Err(other) => Err(other),
        }
    }

    /// Reads a planned moment.
    pub(crate) fn planned(&self, typed: &str) -> Result<Planned, CommandError> {
        self.moment
            .planned(typed)
            .map_err(|expected| CommandError::usage("date", typed, expected))
    }

    /// Reads a date.
    pub(crate) fn date(&self, typed: &str) -> Result<Date, CommandError> {
        self.moment
            .date(typed)
            .map_err(|expected| CommandError::usage("date", typed, expected))
    }

    /// Gives each event to be shown, until no more come.
    pub(crate) fn watch(
        &mut self,
        mut show: impl FnMut(&mut Self, Event) -> Result<(), CommandError>,
    ) -> Result<(), CommandError> {
        let mut connection = self.take_connection()?;
        while let Some(event) = connection.next_event()? {
            show(self, event)?;
        }
        Ok(())
    }
}

/// Says that nobody is known by a name, here or at the relay.
pub(crate) fn unknown(failure: Failure, what: &str, typed: &str) -> Failure {
    Failure {
        reason: format!("there is no {what} '{}'", typed.trim()),
        way_out: Some("see members and devices: handschlag members".to_owned()),
        ..failure
    }
}

/// Tells what is unknown also after the relay was met, unless something else went wrong.
pub(crate) fn still_unknown(error: CommandError, unknown: Failure) -> CommandError {
    match error {
        CommandError::Failed(failure) if failure.code == unknown.code => {
            CommandError::Failed(unknown)
        }
        other => other,
    }
}

/// How long the relay is met for what is not known here (ms).
const MEETING_MS: u64 = 30_000;

/// How a record is named.
pub(crate) const RECORD_FORM: &str =
    "a record is named by its id, a unique beginning or end of it, or its number";
