//! Where the engine's thread puts what a client shall get, without ever waiting for the client.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::queue::{Full, Queue};
use crate::interface::{Failure, Message};

/// How many messages may wait for a client before it counts as too slow.
pub(super) const MAX_QUEUED_MESSAGES: usize = 4096;
/// How many messages may wait for a client before its next call is read.
pub(super) const QUEUED_BEFORE_NEXT_CALL: usize = 1024;

/// Takes what a client shall get; every method returns at once.
pub(super) trait Deliver: Send + Sync {
    /// Takes a message, unless too many wait.
    fn deliver(&self, message: Message) -> Result<(), Full>;

    /// Says that the owner ends: calls that were sent are answered, others shall go to the next owner.
    fn end(&self);

    /// Takes no more; the reason is for a client that is cut off.
    fn close(&self, reason: Option<Failure>);
}

/// Locks a mutex whose data stays whole when a holder panics.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the thread that writes to a client does next.
#[derive(Debug, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all are of the large kind, and few wait"
)]
pub(super) enum Next {
    /// Write this message.
    Write(Message),
    /// Write that the owner ends.
    SayEnding,
    /// Close the connection.
    Close,
}

/// The messages for one client of the local socket, between the engine's thread and the one that writes.
#[derive(Debug)]
pub(super) struct Outbox {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    queue: Queue,
    must_say_ending: bool,
    is_closed: bool,
}

impl Outbox {
    /// Makes an empty outbox for at most so many messages.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            state: Mutex::new(State {
                queue: Queue::new(limit),
                must_say_ending: false,
                is_closed: false,
            }),
            changed: Condvar::new(),
        }
    }

    /// Waits for what is to be written next.
    pub(super) fn next(&self) -> Next {
        let mut state = lock(&self.state);
        loop {
            if state.must_say_ending {
                state.must_say_ending = false;
                return Next::SayEnding;
            }
            if let Some(message) = state.queue.pop() {
                self.changed.notify_all();
                return Next::Write(message);
            }
            if state.is_closed {
                return Next::Close;
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits until few enough messages wait that another call may be read; false when the outbox is closed.
    pub(super) fn wait_for_room(&self) -> bool {
        let is_full =
            |state: &mut State| !state.is_closed && state.queue.len() >= QUEUED_BEFORE_NEXT_CALL;
        let state = self
            .changed
            .wait_while(lock(&self.state), is_full)
            .unwrap_or_else(PoisonError::into_inner);
        !state.is_closed
    }
}

impl Deliver for Outbox {
    fn deliver(&self, message: Message) -> Result<(), Full> {
        let mut state = lock(&self.state);
        if state.is_closed {
            return Ok(());
        }
        state.queue.push(message)?;
        self.changed.notify_all();
        Ok(())
    }

    fn end(&self) {
        lock(&self.state).must_say_ending = true;
        self.changed.notify_all();
    }

    fn close(&self, reason: Option<Failure>) {
        let mut state = lock(&self.state);
        if state.is_closed {
            return;
        }
        state.is_closed = true;
        if let Some(error) = reason {
            // What waits is of no use to one who is cut off, and must not keep the reason from it.
            state.queue.clear();
            drop(state.queue.push(Message::Failure { id: None, error }));
        }
        self.changed.notify_all();
    }
}
