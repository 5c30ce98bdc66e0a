//! The owner's side of the local socket: a thread that accepts, and two for each client.

use std::collections::HashMap;
use std::io::{self, BufReader};
use std::net::Shutdown;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::home::Home;
use super::lines::{self, ENDING, Greeting, INTERFACE_VERSION, MAX_LINE_BYTES, Read};
use super::outbox::{Deliver as _, Next, Outbox, lock};
use super::runner::{Input, Lease, engine_stopped, too_slow};
use super::socket::{self, Listener, Stream};
use crate::headless::ClientId;
use crate::interface::{Failure, Message};

/// The client that lives in the owner's process; those of the socket have higher numbers.
pub(super) const OWN_CLIENT: ClientId = 0;
/// How many processes may be connected.
const MAX_CLIENTS: usize = 64;
/// How long a client may take nothing of what is written to it.
const WRITE: Duration = Duration::from_secs(30);
/// How long clients have to take their last answers when the owner ends.
const FLUSH: Duration = Duration::from_secs(5);
/// How long accepting pauses when the system has no more files to give.
const PAUSE: Duration = Duration::from_millis(50);

/// The local socket with its clients.
pub(super) struct Serving {
    home: Home,
    listener: Option<Arc<Listener>>,
    accepting: Option<JoinHandle<()>>,
    clients: Arc<Clients>,
}

struct Clients {
    inputs: SyncSender<Input>,
    max_queued: usize,
    is_ending: AtomicBool,
    streams: Mutex<HashMap<ClientId, Stream>>,
    gone: Condvar,
}

impl Serving {
    /// Binds the socket; who connects waits until [`Self::start`].
    pub(super) fn bind(
        home: &Home,
        inputs: SyncSender<Input>,
        max_queued: usize,
    ) -> io::Result<Self> {
        Ok(Self {
            home: home.clone(),
            listener: Some(Arc::new(Listener::bind(home)?)),
            accepting: None,
            clients: Arc::new(Clients {
                inputs,
                max_queued,
                is_ending: AtomicBool::new(false),
                streams: Mutex::default(),
                gone: Condvar::new(),
            }),
        })
    }

    /// Begins to serve who connects.
    pub(super) fn start(&mut self) -> io::Result<()> {
        if let Some(listener) = self.listener.clone() {
            let clients = self.clients.clone();
            let accept = move || accept(&listener, &clients);
            self.accepting = Some(std::thread::Builder::new().spawn(accept)?);
        }
        Ok(())
    }

    /// Accepts no more clients; those that are there go on.
    pub(super) fn stop_accepting(&mut self) {
        let Some(listener) = self.listener.take() else {
            return;
        };
        self.clients.is_ending.store(true, Ordering::Release);
        if let Some(accepting) = self.accepting.take() {
            // Wakes the thread. Where that fails it stays until the process ends, and serves nobody.
            if socket::connect(&self.home).is_ok() {
                drop(accepting.join());
            }
        }
        listener.unname();
    }

    /// Waits until all clients have got their last answers, and cuts off who does not take them.
    pub(super) fn finish(&self) {
        let are_there = |streams: &mut HashMap<ClientId, Stream>| !streams.is_empty();
        let (streams, _) = self
            .clients
            .gone
            .wait_timeout_while(lock(&self.clients.streams), FLUSH, are_there)
            .unwrap_or_else(PoisonError::into_inner);
        for stream in streams.values() {
            shut(stream);
        }
        drop(
            self.clients
                .gone
                .wait_while(streams, are_there)
                .unwrap_or_else(PoisonError::into_inner),
        );
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.stop_accepting();
    }
}

fn accept(listener: &Listener, clients: &Arc<Clients>) {
    let mut last = OWN_CLIENT;
    loop {
        let accepted = listener.accept();
        if clients.is_ending.load(Ordering::Acquire) {
            return;
        }
        match accepted {
            Ok(stream) => {
                last += 1;
                // A client that cannot be admitted sees its connection close and tries again.
                drop(admit(clients, last, stream));
            }
            Err(_) => std::thread::sleep(PAUSE),
        }
    }
}

fn admit(clients: &Arc<Clients>, client: ClientId, mut stream: Stream) -> io::Result<()> {
    stream.set_write_timeout(Some(WRITE))?;
    let is_full = {
        let mut streams = lock(&clients.streams);
        let is_full = streams.len() >= MAX_CLIENTS;
        if !is_full {
            streams.insert(client, stream.try_clone()?);
        }
        is_full
    };
    if is_full {
        return refuse(&mut stream, too_many_clients());
    }
    let present = Present {
        clients: clients.clone(),
        client,
    };
    std::thread::Builder::new()
        .spawn(move || present.serve(stream))
        .map(drop)
}

fn too_many_clients() -> Failure {
    Failure::new(
        "too-many-clients",
        format!("{MAX_CLIENTS} programs use this home at the moment"),
        Some("close some of them"),
    )
}

fn refuse(stream: &mut Stream, error: Failure) -> io::Result<()> {
    lines::write_message(stream, &Message::Failure { id: None, error })
}

fn shut(stream: &Stream) {
    // Fails only where the other side has closed already.
    drop(stream.shutdown(Shutdown::Both));
}

/// A client that is connected, until this is dropped.
struct Present {
    clients: Arc<Clients>,
    client: ClientId,
}

impl Drop for Present {
    fn drop(&mut self) {
        if let Some(stream) = lock(&self.clients.streams).remove(&self.client) {
            shut(&stream);
        }
        self.clients.gone.notify_all();
    }
}

impl Present {
    fn serve(self, mut stream: Stream) {
        let client = self.client;
        let inputs = &self.clients.inputs;
        let outbox = Arc::new(Outbox::new(self.clients.max_queued));
        let lease = Lease::new(outbox.clone());
        let attach = Input::Attach {
            client,
            outbox: lease,
        };
        if inputs.send(attach).is_err() {
            // An owner that ends only hangs up: there will be another.
            if !self.clients.is_ending.load(Ordering::Acquire) {
                drop(refuse(&mut stream, engine_stopped()));
            }
            return;
        }
        let Ok(reading) = stream.try_clone() else {
            drop(inputs.send(Input::Detach { client }));
            return;
        };
        std::thread::scope(|scope| {
            scope.spawn(|| {
                // A client that cannot be written to is gone.
                if write(&mut stream, &outbox).is_err() {
                    outbox.close(None);
                    drop(inputs.send(Input::Detach { client }));
                }
                shut(&stream);
            });
            let end = match read(reading, &outbox, inputs, client) {
                Ok(()) => Input::Finished { client },
                Err(_) => Input::Detach { client },
            };
            drop(inputs.send(end));
        });
    }
}

/// Writes what the engine says until the outbox is closed.
fn write(stream: &mut Stream, outbox: &Outbox) -> io::Result<()> {
    let greeting = Greeting {
        handschlag: INTERFACE_VERSION,
    };
    lines::write_line(stream, serde_json::to_vec(&greeting)?)?;
    loop {
        match outbox.next() {
            Next::Write(message) => lines::write_message(stream, &message)?,
            Next::SayEnding => lines::write_line(stream, ENDING.to_vec())?,
            Next::Close => return Ok(()),
        }
    }
}

/// Reads calls until the client sends no more.
fn read(
    stream: Stream,
    outbox: &Outbox,
    inputs: &SyncSender<Input>,
    client: ClientId,
) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    while outbox.wait_for_room() {
        let wrong = match lines::read_line(&mut reader, &mut line, MAX_LINE_BYTES)? {
            Read::End => return Ok(()),
            Read::TooLong => lines::line_too_long(),
            Read::Line if line.trim_ascii().is_empty() => continue,
            Read::Line => match lines::parse_call(&line) {
                Ok(call) => match inputs.send(Input::Call { client, call }) {
                    Ok(()) => continue,
                    Err(_) => return Ok(()),
                },
                Err(wrong) => *wrong,
            },
        };
        if outbox.deliver(wrong).is_err() {
            outbox.close(Some(too_slow()));
        }
    }
    Ok(())
}
