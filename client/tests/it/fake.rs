//! A scripted engine, and a run of the command line against it.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::{self, BufRead, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use engine::interface::{Answer, Event, Failure, Named, Outcome, Request, SyncAnswer};
use handschlag::Terminal;
use handschlag::connection::Connection;
use handschlag::moment::Moment;
use model::{IntentId, Kind, RecordId};

/// What a run left behind.
pub(crate) struct Ran {
    pub(crate) code: u8,
    pub(crate) out: String,
    pub(crate) err: String,
    /// What was asked of the engine, without the look-ups of records.
    pub(crate) requests: Vec<Request>,
    /// The home that was named.
    pub(crate) home: Option<PathBuf>,
}

/// What the engine answers, in its order; look-ups of records are answered by [`named`].
#[derive(Default)]
pub(crate) struct Script {
    pub(crate) answers: VecDeque<Result<Answer, Failure>>,
    pub(crate) events: Rc<RefCell<VecDeque<Event>>>,
    /// What stands on standard input.
    pub(crate) input: &'static str,
}

/// The randomness that commands are given.
const RANDOM: [u8; 10] = [9; 10];

struct Fake {
    script: Script,
    requests: Rc<RefCell<Vec<Request>>>,
}

impl Connection for Fake {
    fn call(
        &mut self,
        request: Request,
        _on_progress: &mut dyn FnMut(Event),
    ) -> Result<Answer, Failure> {
        if let Request::Resolve { text } = &request {
            return named(text).map(Answer::Resolved);
        }
        self.requests.borrow_mut().push(request.clone());
        if let Some(answer) = self.script.answers.pop_front() {
            return answer;
        }
        match request {
            Request::Do { .. } | Request::Attach { .. } => Ok(Answer::Done(outcome())),
            Request::SetRelay { .. } => Ok(Answer::Synced(SyncAnswer {
                held: 0,
                complete: true,
                only_here: 0,
                not_here: Some(0),
                relay_lacks: 0,
                received: 0,
                sent: 0,
                carried: 0,
                problem: None,
            })),
            _ => Ok(Answer::Ok),
        }
    }

    fn next_event(&mut self) -> Result<Option<Event>, Failure> {
        Ok(self.script.events.borrow_mut().pop_front())
    }

    fn random(&mut self) -> [u8; 10] {
        RANDOM
    }

    fn serve_lines(
        self: Box<Self>,
        _input: Box<dyn BufRead + Send>,
        _output: Box<dyn Write + Send>,
    ) -> io::Result<()> {
        Ok(())
    }
}

/// Gives an id of one repeated byte.
pub(crate) fn id(byte: u8) -> RecordId {
    RecordId::from_bytes([byte; 16])
}

/// Gives an operation of one repeated byte.
pub(crate) fn operation(byte: u8) -> IntentId {
    IntentId::from_bytes([byte; 16])
}

/// Gives the batch that a command with several intents makes.
pub(crate) fn batch() -> IntentId {
    IntentId::fresh(moment().now_ms(), RANDOM)
}

/// Looks up what tests name: the kind and the byte of its id, such as `inquiry1`; members by `berg`.
pub(crate) fn named(text: &str) -> Result<Named, Failure> {
    let kind = text.trim_end_matches(|letter: char| letter.is_ascii_digit());
    let byte = text[kind.len()..].parse();
    let found = match (kind, byte) {
        ("berg", _) => Some((Kind::Member, 99)),
        (kind, Ok(byte)) => kind.parse().ok().map(|kind| (kind, byte)),
        _ => None,
    };
    let (kind, byte) = found.ok_or_else(|| {
        Failure::new(
            "no-such-record",
            format!("there is no record {text}"),
            Some("look it up: handschlag search TEXT"),
        )
    })?;
    Ok(Named {
        id: id(byte),
        kind: Some(kind),
        title: format!("Title {byte}"),
        number: String::new(),
    })
}

/// What the engine answers to an intent that the script does not name.
pub(crate) fn outcome() -> Outcome {
    Outcome {
        operation: operation(1),
        done: model::plan::Answer {
            records: vec![id(7)],
            notices: vec!["a notice".to_owned()],
            undone: Vec::new(),
        },
        named: vec![Named {
            id: id(7),
            kind: Some(Kind::Inquiry),
            title: "Mueller Praezision GmbH".to_owned(),
            number: "AF-2026-A-0001".to_owned(),
        }],
    }
}

/// Gives a moment that does not pass: Thursday, 3 December 2026, 10:00 in Berlin.
pub(crate) fn moment() -> Moment {
    Moment::of(
        "2026-12-03T10:00[Europe/Berlin]"
            .parse()
            .expect("a moment with its zone"),
    )
}

/// Runs a line against a script.
pub(crate) fn run_with(words: &[&str], script: Script) -> Ran {
    let requests = Rc::new(RefCell::new(Vec::new()));
    let mut input = script.input.as_bytes();
    let mut script = Some(script);
    let mut home = None;
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut open = |path: Option<&Path>| -> Result<Box<dyn Connection>, Failure> {
        home = path.map(Path::to_owned);
        Ok(Box::new(Fake {
            script: script.take().expect("a command opens the engine once"),
            requests: Rc::clone(&requests),
        }))
    };
    let terminal = Terminal {
        input: &mut input,
        out: &mut out,
        err: &mut err,
        is_watched: false,
        columns: None,
    };
    let code = handschlag::run(
        ["handschlag"].iter().chain(words).map(OsString::from),
        moment(),
        terminal,
        &mut open,
    );
    Ran {
        code,
        out: String::from_utf8(out).expect("stdout is UTF-8"),
        err: String::from_utf8(err).expect("stderr is UTF-8"),
        requests: requests.take(),
        home,
    }
}

/// Runs a line against an engine that answers these.
pub(crate) fn run(words: &[&str], answers: impl IntoIterator<Item = Answer>) -> Ran {
    run_with(
        words,
        Script {
            answers: answers.into_iter().map(Ok).collect(),
            ..Script::default()
        },
    )
}
