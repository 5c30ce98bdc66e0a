//! The way to an owner in another process.

use std::io::{self, BufReader};
use std::net::Shutdown;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use super::home::Home;
use super::inbox::Inbox;
use super::ledger::Standing;
use super::lines::{self, ENDING, Greeting, INTERFACE_VERSION, MAX_LINE_BYTES, Read};
use super::outbox::{Deliver as _, lock};
use super::owner::Unsent;
use super::runner::too_slow;
use super::socket::{self, Stream};
use crate::interface::{Call, Failure, Message};

/// A connection to the owner over the local socket.
pub(super) struct Remote {
    stream: Stream,
    /// Where calls are written; none when the owner ends.
    calls: Arc<Mutex<Option<Stream>>>,
    reader: Option<JoinHandle<()>>,
}

/// Says why an owner could not be reached.
pub(super) enum Unreached {
    /// There is none, it is starting or ending, or it does not answer; trying again may help.
    Absent,
    /// It refuses.
    Refused(Failure),
}

impl From<io::Error> for Unreached {
    fn from(_: io::Error) -> Self {
        Self::Absent
    }
}

impl Remote {
    /// Connects and waits until the owner greets.
    pub(super) fn connect(
        home: &Home,
        inbox: &Arc<Inbox>,
        patience: Duration,
    ) -> Result<Self, Unreached> {
        let stream = socket::connect(home)?;
        // Zero would mean to wait for ever.
        stream.set_read_timeout(Some(patience.max(Duration::from_millis(1))))?;
        let mut reader = BufReader::new(stream.try_clone()?);
        let mut line = Vec::new();
        if lines::read_line(&mut reader, &mut line, MAX_LINE_BYTES)? != Read::Line {
            return Err(Unreached::Absent);
        }
        check_greeting(&line)?;
        stream.set_read_timeout(None)?;
        let calls = Arc::new(Mutex::new(Some(stream.try_clone()?)));
        inbox.opening();
        let thread = {
            let (inbox, calls) = (inbox.clone(), calls.clone());
            std::thread::Builder::new().spawn(move || {
                let standing = read(&mut reader, &inbox, &calls);
                inbox.stand(standing);
            })
        };
        match thread {
            Ok(reader) => Ok(Self {
                stream,
                calls,
                reader: Some(reader),
            }),
            Err(error) => {
                inbox.stand(Standing::Lost);
                Err(error.into())
            }
        }
    }

    /// Sends a call.
    pub(super) fn send(&self, call: &Call) -> Result<(), Unsent> {
        let line = serde_json::to_vec(call).map_err(|error| {
            Unsent::Never(Failure::new("malformed-call", error.to_string(), None))
        })?;
        if line.len() > MAX_LINE_BYTES {
            return Err(Unsent::Never(call_too_long()));
        }
        match lock(&self.calls).as_mut() {
            None => Err(Unsent::Ending),
            Some(stream) => {
                if lines::write_line(stream, line).is_err() {
                    // Part of it may have arrived; the reader sees the end and the call is treated as cut off.
                    drop(self.stream.shutdown(Shutdown::Both));
                }
                Ok(())
            }
        }
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        // What was written before still arrives.
        drop(self.stream.shutdown(Shutdown::Both));
        if let Some(reader) = self.reader.take() {
            drop(reader.join());
        }
    }
}

fn check_greeting(line: &[u8]) -> Result<(), Unreached> {
    match serde_json::from_slice::<Greeting>(line) {
        Ok(greeting) if greeting.handschlag == INTERFACE_VERSION => Ok(()),
        Ok(_) => Err(Unreached::Refused(other_version())),
        Err(_) => match serde_json::from_slice::<Message>(line) {
            Ok(Message::Failure { error, .. }) => Err(Unreached::Refused(error)),
            _ => Err(Unreached::Refused(other_version())),
        },
    }
}

fn other_version() -> Failure {
    Failure::new(
        "other-version",
        "another version of Handschlag has the data open",
        Some("close it, and then try again"),
    )
}

fn call_too_long() -> Failure {
    Failure::new(
        "call-too-long",
        format!("a request may have at most {MAX_LINE_BYTES} bytes"),
        Some("send less at once, for example one file after the other"),
    )
}

/// Reads what the owner says; gives how the connection stands after that.
fn read(reader: &mut BufReader<Stream>, inbox: &Inbox, calls: &Mutex<Option<Stream>>) -> Standing {
    let mut line = Vec::new();
    while let Ok(Read::Line) = lines::read_line(reader, &mut line, MAX_LINE_BYTES) {
        if line == ENDING {
            inbox.end();
            // The owner reads to this end, so that every call that was sent is answered.
            if let Some(stream) = lock(calls).take() {
                drop(stream.shutdown(Shutdown::Write));
            }
            continue;
        }
        match serde_json::from_slice::<Message>(&line) {
            Ok(message) => {
                if inbox.deliver(message).is_err() {
                    return Standing::Closed(too_slow());
                }
            }
            Err(_) => return Standing::Closed(other_version()),
        }
    }
    Standing::Lost
}
