//! The connection to the relay: a thread with a WebSocket, started when the engine first wants one.
//!
//! Each connection has a generation. What a connection reports after it was replaced or given up carries an old one,
//! and [`Net::is_current`] says so: the engine never hears of it.

mod found;
mod socket;
mod tls;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::SyncSender;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::mpsc;

use super::runner::Input;
use crate::headless::NetInput;

pub(super) use tls::Roots;

/// The most bytes that may wait to be sent; the engine sends one batch at a time, far below.
pub(super) const MAX_UNSENT_BYTES: usize = 8 * protocol::limits::MAX_FRAME_BYTES;

/// How long the network may take, and whom TLS trusts.
#[derive(Debug, Clone)]
pub(super) struct NetOptions {
    /// Until a WebSocket is open: name, TCP, TLS and the upgrade together.
    pub(super) connect: Duration,
    /// Of silence, until the relay is asked for a sign of life.
    pub(super) ping: Duration,
    /// Until the relay has given a sign of life, and until the network has taken a message.
    pub(super) pong: Duration,
    /// For saying goodbye.
    pub(super) farewell: Duration,
    /// Who may vouch for a relay.
    pub(super) roots: Roots,
}

impl Default for NetOptions {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            ping: Duration::from_secs(25),
            pong: Duration::from_secs(30),
            farewell: Duration::from_millis(500),
            roots: Roots::System,
        }
    }
}

/// What the network's thread is told.
enum Command {
    Connect { generation: u64, url: String },
    Send { generation: u64, bytes: Unsent },
    Disconnect,
}

/// Bytes that count as unsent until this is dropped.
struct Unsent {
    bytes: Vec<u8>,
    count: Arc<AtomicUsize>,
    length: usize,
}

impl Drop for Unsent {
    fn drop(&mut self) {
        self.count.fetch_sub(self.length, Ordering::Relaxed);
    }
}

/// The engine's hold on the connection; no method waits for the network but [`Net::stop`], and that briefly.
pub(super) struct Net {
    options: NetOptions,
    events: SyncSender<Input>,
    thread: Option<Thread>,
    generation: u64,
    unsent: Arc<AtomicUsize>,
}

struct Thread {
    commands: mpsc::UnboundedSender<Command>,
    handle: JoinHandle<()>,
}

impl Net {
    /// Makes a hold that reports to the engine's queue.
    pub(super) fn new(options: NetOptions, events: SyncSender<Input>) -> Self {
        Self {
            options,
            events,
            thread: None,
            generation: 0,
            unsent: Arc::default(),
        }
    }

    /// Says whether a report is about the connection that the engine wants.
    pub(super) fn is_current(&self, generation: u64) -> bool {
        self.generation == generation
    }

    /// Gives up what is open and opens a WebSocket.
    pub(super) fn connect(&mut self, url: String) {
        self.generation += 1;
        let generation = self.generation;
        let (options, events) = (&self.options, &self.events);
        let thread = self.thread.get_or_insert_with(|| {
            let (commands, receiver) = mpsc::unbounded_channel();
            let (options, events) = (options.clone(), events.clone());
            let handle = std::thread::spawn(move || socket::run(options, receiver, &events));
            Thread { commands, handle }
        });
        // A thread that ended has reported nothing and never will; the engine's own timeout covers it.
        drop(thread.commands.send(Command::Connect { generation, url }));
    }

    /// Sends a binary message; gives what happened to the connection instead when too much waits already.
    pub(super) fn send(&mut self, bytes: Vec<u8>) -> Result<(), NetInput> {
        let length = bytes.len();
        if self.unsent.load(Ordering::Relaxed).saturating_add(length) > MAX_UNSENT_BYTES {
            self.disconnect();
            return Err(NetInput::Closed {
                reason: "the network takes the messages too slowly".to_owned(),
            });
        }
        self.unsent.fetch_add(length, Ordering::Relaxed);
        let bytes = Unsent {
            bytes,
            count: self.unsent.clone(),
            length,
        };
        if let Some(thread) = &self.thread {
            let generation = self.generation;
            drop(thread.commands.send(Command::Send { generation, bytes }));
        }
        Ok(())
    }

    /// Closes the connection.
    pub(super) fn disconnect(&mut self) {
        self.generation += 1;
        if let Some(thread) = &self.thread {
            drop(thread.commands.send(Command::Disconnect));
        }
    }

    /// Closes the connection and ends the thread.
    pub(super) fn stop(&mut self) {
        self.generation += 1;
        if let Some(Thread { commands, handle }) = self.thread.take() {
            drop(commands);
            // A panic there has been printed, and there is nothing left to save.
            drop(handle.join());
        }
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        self.stop();
    }
}
