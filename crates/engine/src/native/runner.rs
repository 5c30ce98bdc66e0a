//! The engine's thread: takes one input at a time and carries out all that follows from it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use super::clock;
use super::net::Net;
use super::outbox::Deliver;
use crate::headless::{ClientId, Headless, NetInput, Output};
use crate::interface::{Call, Failure, Message};

/// How many inputs may wait for the engine; who has another waits.
pub(super) const MAX_QUEUED_INPUTS: usize = 256;
/// How many calls of one client may wait for their answers.
pub(super) const MAX_OPEN_CALLS: u32 = 4096;
/// How long the engine sleeps at most, since the wall clock by which it says when it wants to wake may be set.
const MAX_SLEEP: Duration = Duration::from_secs(60);
/// How long calls that other processes have sent are answered after the owner was told to end.
const DRAIN: Duration = Duration::from_secs(30);
/// How long other processes have to let go once all of their calls are answered.
const LET_GO: Duration = Duration::from_secs(1);

/// What the engine's thread takes.
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all are of the large kind, and few wait"
)]
pub(super) enum Input {
    /// A client is there.
    Attach { client: ClientId, outbox: Lease },
    /// A client calls.
    Call { client: ClientId, call: Call },
    /// A client sends no more calls and still takes answers.
    Finished { client: ClientId },
    /// A client is gone.
    Detach { client: ClientId },
    /// Something happened on a connection to the relay.
    Net { generation: u64, input: NetInput },
    /// The owner ends.
    Stop,
}

/// The engine with its clients and its connection to the relay.
pub(super) struct Runner {
    core: Box<dyn Headless>,
    inputs: Receiver<Input>,
    clients: BTreeMap<ClientId, Client>,
    net: Net,
    /// What the shell itself has to tell the engine, before it looks at other inputs.
    own: VecDeque<NetInput>,
    draining: Option<Draining>,
}

struct Draining {
    until: Instant,
    letting_go_until: Option<Instant>,
}

struct Client {
    outbox: Lease,
    open_calls: u32,
    is_finished: bool,
}

/// A client's outbox in the engine's hands: it is closed when the engine lets go of it, be it by a panic.
pub(super) struct Lease(Arc<dyn Deliver>);

impl Lease {
    pub(super) fn new(outbox: Arc<dyn Deliver>) -> Self {
        Self(outbox)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.0.close(std::thread::panicking().then(engine_stopped));
    }
}

/// Says that the engine will not answer any more.
pub(super) fn engine_stopped() -> Failure {
    Failure::new(
        "engine-stopped",
        "the engine stopped because of an error in the program",
        Some("start the program again; what was done before is safe"),
    )
}

/// Says that a client was cut off because it did not take its messages.
pub(super) fn too_slow() -> Failure {
    Failure::new(
        "too-slow",
        "the connection was closed because its messages were not read",
        Some("connect again and read answers and events as they come"),
    )
}

fn too_many_calls() -> Failure {
    Failure::new(
        "too-many-calls",
        "too many calls of this connection wait for their answers",
        Some("wait for answers before calling again"),
    )
}

impl Runner {
    /// Makes the engine's half; the thread that calls [`Self::run`] is the engine's.
    pub(super) fn new(core: Box<dyn Headless>, inputs: Receiver<Input>, net: Net) -> Self {
        Self {
            core,
            inputs,
            clients: BTreeMap::new(),
            net,
            own: VecDeque::new(),
            draining: None,
        }
    }

    /// Runs until the owner ends, and closes the store and the connection to the relay.
    pub(super) fn run(mut self) {
        // Opening may have left something to do, such as to connect.
        self.drain_core();
        while !self.has_ended() {
            if self.is_due() {
                self.core.tick();
                self.drain_core();
            }
            while let Some(input) = self.own.pop_front() {
                self.core.net(input);
                self.drain_core();
            }
            match self.inputs.recv_timeout(self.sleep()) {
                Ok(input) => self.take(input),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        // Nobody may wait for a place in the queue of one who takes nothing any more.
        drop(self.inputs);
        self.net.stop();
        // The store closes before clients see the end, so that the next owner need not wait for it.
        drop(self.core);
        drop(self.clients);
    }

    fn is_due(&self) -> bool {
        self.core
            .deadline_ms()
            .is_some_and(|deadline| deadline <= clock::now_ms())
    }

    fn sleep(&self) -> Duration {
        if !self.own.is_empty() {
            return Duration::ZERO;
        }
        let mut sleep = MAX_SLEEP;
        if let Some(deadline) = self.core.deadline_ms() {
            let left = deadline.saturating_sub(clock::now_ms()).max(0);
            sleep = sleep.min(Duration::from_millis(left.unsigned_abs()));
        }
        if let Some(draining) = &self.draining {
            let until = draining.letting_go_until.unwrap_or(draining.until);
            sleep = sleep.min(until.saturating_duration_since(clock::instant()));
        }
        sleep
    }

    fn take(&mut self, input: Input) {
        match input {
            Input::Attach { client, outbox } => self.attach(client, outbox),
            Input::Call { client, call } => self.call(client, call),
            Input::Finished { client } => self.finished(client),
            Input::Detach { client } => self.let_go(client, None),
            Input::Net { generation, input } => {
                if self.net.is_current(generation) {
                    self.core.net(input);
                }
            }
            Input::Stop => self.stop(),
        }
        self.drain_core();
    }

    fn attach(&mut self, client: ClientId, outbox: Lease) {
        if self.draining.is_some() {
            outbox.0.end();
        }
        let attached = Client {
            outbox,
            open_calls: 0,
            is_finished: false,
        };
        self.clients.insert(client, attached);
    }

    fn call(&mut self, client: ClientId, call: Call) {
        let Some(entry) = self.clients.get_mut(&client) else {
            return;
        };
        if entry.open_calls >= MAX_OPEN_CALLS {
            let id = Some(call.id);
            let error = too_many_calls();
            if entry
                .outbox
                .0
                .deliver(Message::Failure { id, error })
                .is_err()
            {
                self.let_go(client, Some(too_slow()));
            }
            return;
        }
        entry.open_calls += 1;
        self.core.call(client, call);
    }

    fn finished(&mut self, client: ClientId) {
        let Some(entry) = self.clients.get_mut(&client) else {
            return;
        };
        entry.is_finished = true;
        if entry.open_calls == 0 {
            self.let_go(client, None);
        }
    }

    fn let_go(&mut self, client: ClientId, reason: Option<Failure>) {
        if let Some(entry) = self.clients.remove(&client) {
            entry.outbox.0.close(reason);
            self.core.forget(client);
        }
    }

    fn stop(&mut self) {
        for client in self.clients.values() {
            client.outbox.0.end();
        }
        self.draining = Some(Draining {
            until: clock::instant() + DRAIN,
            letting_go_until: None,
        });
    }

    fn has_ended(&mut self) -> bool {
        let Some(draining) = &mut self.draining else {
            return false;
        };
        if self.clients.is_empty() {
            return true;
        }
        let now = clock::instant();
        if self.clients.values().any(|client| client.open_calls > 0) {
            draining.letting_go_until = None;
            return now >= draining.until;
        }
        let until = *draining
            .letting_go_until
            .get_or_insert((now + LET_GO).min(draining.until));
        now >= until
    }

    /// Carries out all that the engine wants done.
    fn drain_core(&mut self) {
        while let Some(output) = self.core.poll() {
            match output {
                Output::Tell(client, message) => self.tell(client, message),
                Output::Connect { url } => {
                    self.own.clear();
                    self.net.connect(url);
                }
                Output::Send(bytes) => {
                    if let Err(closed) = self.net.send(bytes) {
                        self.own.push_back(closed);
                    }
                }
                Output::Disconnect => {
                    self.own.clear();
                    self.net.disconnect();
                }
            }
        }
    }

    fn tell(&mut self, client: ClientId, message: Message) {
        let Some(entry) = self.clients.get_mut(&client) else {
            return;
        };
        if let Message::Answer { .. } | Message::Failure { id: Some(_), .. } = &message {
            entry.open_calls = entry.open_calls.saturating_sub(1);
        }
        if entry.outbox.0.deliver(message).is_err() {
            self.let_go(client, Some(too_slow()));
        } else if entry.is_finished && entry.open_calls == 0 {
            self.let_go(client, None);
        }
    }
}
