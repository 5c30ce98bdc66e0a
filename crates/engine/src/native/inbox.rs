//! Where a connection waits for answers and events, whoever the owner is.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Instant;

use super::clock;
use super::ledger::{Ledger, Standing, Taker};
use super::outbox::{Deliver, lock};
use super::queue::Full;
use crate::interface::{Call, CallId, Failure, Message, Request};

/// How waiting ended.
#[derive(Debug, PartialEq)]
pub(super) enum Waited<T> {
    /// With what was waited for.
    Got(T),
    /// With the deadline.
    TimedOut,
    /// Without an owner; there must be another before waiting goes on.
    Lost,
}

/// The messages for one connection and the calls that wait for them.
pub(super) struct Inbox {
    ledger: Mutex<Ledger>,
    changed: Condvar,
    waker: Mutex<Option<Box<dyn Fn() + Send + Sync>>>,
}

impl Inbox {
    /// Makes an inbox without an owner to talk to.
    pub(super) fn new() -> Self {
        Self {
            ledger: Mutex::new(Ledger::new()),
            changed: Condvar::new(),
            waker: Mutex::new(None),
        }
    }

    /// Calls this whenever there may be something to take.
    pub(super) fn wake_with(&self, wake: Box<dyn Fn() + Send + Sync>) {
        *lock(&self.waker) = Some(wake);
    }

    /// Makes those who wait look again.
    pub(super) fn wake(&self) {
        drop(lock(&self.ledger));
        self.changed.notify_all();
        if let Some(wake) = lock(&self.waker).as_ref() {
            wake();
        }
    }

    /// Takes a request that shall be sent; fails when the engine will not answer any more.
    pub(super) fn begin(&self, request: Request, taker: Taker) -> Result<CallId, Failure> {
        let mut ledger = lock(&self.ledger);
        if let Standing::Closed(failure) = &ledger.standing {
            return Err(failure.clone());
        }
        Ok(ledger.begin(request, taker))
    }

    /// Takes note that a call is sent now; gives it with its owner, or none when it has ended, was sent, or must wait.
    pub(super) fn sending(&self, id: CallId) -> Option<(u64, Call)> {
        lock(&self.ledger).sending(id)
    }

    /// Takes back that a call was sent to an owner.
    pub(super) fn was_not_sent(&self, id: CallId, epoch: u64) {
        lock(&self.ledger).was_not_sent(id, epoch);
    }

    /// Fails one call.
    pub(super) fn fail(&self, id: CallId, error: Failure) {
        drop(self.deliver(Message::Failure {
            id: Some(id),
            error,
        }));
    }

    /// Takes note that the owner ends or is gone; what is closed stays closed.
    pub(super) fn stand(&self, standing: Standing) {
        {
            let mut ledger = lock(&self.ledger);
            if !matches!(ledger.standing, Standing::Closed(_)) {
                ledger.standing = standing;
            }
        }
        self.wake();
    }

    /// Says whether the owner is gone.
    pub(super) fn is_lost(&self) -> bool {
        lock(&self.ledger).standing == Standing::Lost
    }

    /// Takes note that there is a new owner, to which nothing is sent before [`Self::reopened`].
    pub(super) fn opening(&self) {
        self.stand(Standing::Ending);
    }

    /// Takes note that calls may be sent to the new owner; gives its number and the calls to send.
    ///
    /// Calls of which the last owner may have done something fail, unless they may be repeated.
    pub(super) fn reopened(&self) -> (u64, Vec<CallId>) {
        let to_send = lock(&self.ledger).reopened();
        self.wake();
        to_send
    }

    /// Fails all calls, since there is no owner and nobody can become it.
    pub(super) fn fail_all(&self, failure: &Failure) {
        lock(&self.ledger).fail(|_| true, failure);
        self.wake();
    }

    /// Waits until there is what `pick` looks for, at most until a moment.
    pub(super) fn wait<T>(
        &self,
        until: Option<Instant>,
        mut pick: impl FnMut(&mut Ledger) -> Option<T>,
    ) -> Result<Waited<T>, Failure> {
        let mut ledger = lock(&self.ledger);
        loop {
            if let Some(picked) = pick(&mut ledger) {
                return Ok(Waited::Got(picked));
            }
            match &ledger.standing {
                Standing::Open | Standing::Ending => {}
                Standing::Lost => return Ok(Waited::Lost),
                Standing::Closed(failure) => return Err(failure.clone()),
            }
            ledger = match until {
                None => self
                    .changed
                    .wait(ledger)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(until) => {
                    let left = until.saturating_duration_since(clock::instant());
                    if left.is_zero() {
                        return Ok(Waited::TimedOut);
                    }
                    let waited = self.changed.wait_timeout(ledger, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }
}

impl Deliver for Inbox {
    fn deliver(&self, message: Message) -> Result<(), Full> {
        let taken = lock(&self.ledger).take(message);
        self.wake();
        if taken { Ok(()) } else { Err(Full) }
    }

    fn end(&self) {
        self.stand(Standing::Ending);
    }

    fn close(&self, reason: Option<Failure>) {
        self.stand(reason.map_or(Standing::Lost, Standing::Closed));
    }
}
