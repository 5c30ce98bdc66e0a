//! JSON lines for scripts and other programs: `handschlag rpc`.

use std::collections::{HashMap, VecDeque};
use std::io::{self, BufRead, Write};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::connection::{Connection, Shared};
use super::ledger::Taker;
use super::lines::{MAX_LINE_BYTES, Read, line_too_long, parse_call, read_line, write_message};
use super::outbox::lock;
use crate::interface::{Call, CallId, Event, Message};

/// How many calls may wait for their answers before another line is read.
const MAX_OPEN_CALLS: usize = 256;

/// What the thread that reads and the one that writes share.
#[derive(Default)]
struct Lines {
    /// The caller's numbers by ours; never locked by one who holds the inbox.
    numbers: Mutex<HashMap<CallId, CallId>>,
    /// How many calls wait for their answers.
    open: AtomicUsize,
    /// Answers to lines that the engine never saw.
    wrong: Mutex<VecDeque<Message>>,
    has_ended: AtomicBool,
}

/// What is to be written next.
enum Next {
    /// The engine told this; calls are named by our numbers.
    Told(Message),
    /// It answers a line that the engine never saw; calls are named by the caller's numbers.
    Wrong(Message),
}

impl Connection {
    /// Takes a [`Call`] from each line and writes a [`Message`] to each.
    ///
    /// Returns when the input has ended and all calls are answered, or when the output takes no more; events go out as
    /// long as it runs. The caller must not take messages of this connection meanwhile.
    pub fn serve_lines(
        &self,
        input: impl BufRead + Send + 'static,
        mut output: impl Write,
    ) -> io::Result<()> {
        let lines = Arc::new(Lines::default());
        {
            let (shared, lines) = (self.shared.clone(), lines.clone());
            // Not joined: when the output has ended, the input may still have nothing to read.
            std::thread::Builder::new().spawn(move || {
                read(input, &shared, &lines);
                lines.has_ended.store(true, Ordering::Release);
                shared.wake();
            })?;
        }
        while let Some(message) = self.next_line(&lines)? {
            let (message, makes_room) = match message {
                Next::Told(message) => lines.as_called(message),
                Next::Wrong(message) => (message, true),
            };
            write_message(&mut output, &message)?;
            if makes_room {
                self.shared.wake();
            }
        }
        Ok(())
    }

    /// Waits for what is to be written next; none at the end.
    fn next_line(&self, lines: &Lines) -> io::Result<Option<Next>> {
        let next = self.shared.wait(None, |state| {
            // Asked first, so that what comes in between is not left behind.
            let is_done =
                lines.has_ended.load(Ordering::Acquire) && lines.open.load(Ordering::Acquire) == 0;
            let wrong = lock(&lines.wrong).pop_front().map(Next::Wrong);
            match wrong.or_else(|| state.take_message().map(Next::Told)) {
                Some(message) => Some(Some(message)),
                None if is_done => Some(None),
                None => None,
            }
        });
        next.map(Option::flatten).map_err(io::Error::other)
    }
}

impl Lines {
    /// Puts the caller's number in place of ours; says whether this ends a call, which makes room for another.
    fn as_called(&self, mut message: Message) -> (Message, bool) {
        let mut numbers = lock(&self.numbers);
        let is_end = match &mut message {
            Message::Answer { id, .. } | Message::Failure { id: Some(id), .. } => {
                // Calls that were begun on this connection before are not ours to end.
                numbers.remove(id).is_some_and(|number| {
                    *id = number;
                    self.open.fetch_sub(1, Ordering::AcqRel);
                    true
                })
            }
            Message::Event(Event::Progress { call, .. }) => {
                *call = numbers.get(call).copied().unwrap_or(*call);
                false
            }
            Message::Failure { id: None, .. } | Message::Event(Event::Changed { .. }) => false,
        };
        (message, is_end)
    }

    fn call(&self, shared: &Shared, call: Call) {
        let number = call.id;
        // Held until our number is known, since the answer may come before that.
        let mut numbers = lock(&self.numbers);
        self.open.fetch_add(1, Ordering::AcqRel);
        match shared.begin(call.request, Taker::Anyone) {
            Ok(id) => {
                numbers.insert(id, number);
            }
            Err(error) => {
                self.open.fetch_sub(1, Ordering::AcqRel);
                self.answer_wrong(Message::Failure {
                    id: Some(number),
                    error,
                });
            }
        }
    }

    fn answer_wrong(&self, message: Message) {
        lock(&self.wrong).push_back(message);
    }
}

/// Reads calls until there are no more, or the connection has ended.
fn read(mut input: impl BufRead, shared: &Shared, lines: &Lines) {
    let mut line = Vec::new();
    loop {
        let has_room = || {
            let open = lines.open.load(Ordering::Acquire) + lock(&lines.wrong).len();
            (open < MAX_OPEN_CALLS).then_some(())
        };
        if shared.wait(None, |_| has_room()).is_err() {
            return;
        }
        match read_line(&mut input, &mut line, MAX_LINE_BYTES) {
            Ok(Read::Line) if line.trim_ascii().is_empty() => {}
            Ok(Read::Line) => match parse_call(&line) {
                Ok(call) => lines.call(shared, call),
                Err(wrong) => lines.answer_wrong(*wrong),
            },
            Ok(Read::TooLong) => lines.answer_wrong(line_too_long()),
            Ok(Read::End) | Err(_) => return,
        }
        shared.wake();
    }
}
