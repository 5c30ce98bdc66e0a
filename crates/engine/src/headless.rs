//! What a shell drives: the engine without threads, sockets, clocks or randomness of its own.
//!
//! A shell gives one input at a time (a call, a network event, a tick) and then drains [`Headless::poll`].

use crate::interface::{Call, Message};

/// Names a connected client of the engine: a window, a tab, a command.
pub type ClientId = u64;

/// What happened on the connection to the relay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NetInput {
    /// The WebSocket is open.
    Opened,
    /// One binary message arrived.
    Frame(Vec<u8>),
    /// The WebSocket is closed or could not be opened.
    Closed {
        /// Why, for a person.
        reason: String,
    },
}

/// What the engine wants done.
#[derive(Debug, Clone, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "outputs are moved once, from the queue to the shell, and most are messages"
)]
pub enum Output {
    /// Deliver this to a client; clients that are gone are skipped.
    Tell(ClientId, Message),
    /// Open a WebSocket; an earlier one is dropped first, without a [`NetInput::Closed`] for it.
    Connect {
        /// The address, `ws://…/sync` or `wss://…/sync`.
        url: String,
    },
    /// Send one binary message.
    Send(Vec<u8>),
    /// Close the WebSocket, without a [`NetInput::Closed`] for it.
    Disconnect,
}

/// The engine as a shell sees it.
pub trait Headless {
    /// Takes a request; its answer comes through [`Self::poll`], at once or later.
    fn call(&mut self, client: ClientId, call: Call);

    /// Forgets a client with its subscriptions and open calls.
    fn forget(&mut self, client: ClientId);

    /// Takes what happened on the network.
    fn net(&mut self, input: NetInput);

    /// Lets time pass: retries, timeouts, work put off.
    fn tick(&mut self);

    /// Says when [`Self::tick`] is wanted at the latest (ms since 1970); none when nothing waits for time.
    fn deadline_ms(&self) -> Option<i64>;

    /// Gives the next output.
    fn poll(&mut self) -> Option<Output>;
}

/// What the engine takes from its surroundings.
pub trait Surroundings: Send {
    /// Gives the moment (ms since 1970).
    fn now_ms(&self) -> i64;

    /// Gives the IANA zone of the device, such as `Europe/Berlin`; `UTC` where it cannot be found.
    fn zone(&self) -> String;

    /// Fills bytes from the system's source of randomness.
    fn fill_random(&mut self, bytes: &mut [u8]);

    /// Gives the device's keys, as [`Self::keep_keys`] got them; none in an empty home.
    fn keys(&self) -> Result<Option<Vec<u8>>, String>;

    /// Keeps the device's keys durably, readable by their owner alone, before it returns.
    fn keep_keys(&mut self, keys: &[u8]) -> Result<(), String>;

    /// Names where the data is, for a person.
    fn place(&self) -> String;

    /// Gives the bytes that the store takes, if known.
    fn store_bytes(&self) -> Option<u64>;
}
