//! The calls of a connection, with what came for them and for its subscriptions.

use std::collections::{BTreeMap, HashMap};

use super::outbox::MAX_QUEUED_MESSAGES;
use super::queue::Queue;
use super::subscriptions::Subscriptions;
use crate::interface::{Answer, Call, CallId, Event, Failure, Message, Request};

/// How many owners may end in the middle of a call before it fails.
const MAX_SENDS: u32 = 8;

/// How a connection stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Standing {
    /// Calls may be sent.
    Open,
    /// The owner answers what it got and takes no more calls, or none yet.
    Ending,
    /// The owner is gone.
    Lost,
    /// The engine will not answer any more.
    Closed(Failure),
}

/// Who takes the answer to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taker {
    /// A thread that waits for it.
    Caller,
    /// Whoever takes messages as they come.
    Anyone,
    /// Nobody: the call makes this subscription of ours again.
    Subscription(u64),
    /// Nobody: the call tells a new owner what the last one knew.
    Nobody,
}

/// A call without an answer.
pub(super) struct Pending {
    request: Request,
    taker: Taker,
    /// How many owners got it.
    sends: u32,
    /// Whether the present owner got it.
    is_sent: bool,
}

/// The calls of a connection and what came for them, whoever the owner is.
pub(super) struct Ledger {
    pub(super) standing: Standing,
    queue: Queue,
    pending: BTreeMap<CallId, Pending>,
    answers: HashMap<CallId, Result<Answer, Failure>>,
    progress: HashMap<CallId, Event>,
    subscriptions: Subscriptions,
    /// Whether the engine was asked to follow the relay.
    follows: bool,
    last_call: CallId,
    /// Counts the owners.
    epoch: u64,
}

impl Ledger {
    /// Makes the ledger of a connection without an owner.
    pub(super) fn new() -> Self {
        Self {
            standing: Standing::Lost,
            queue: Queue::new(MAX_QUEUED_MESSAGES),
            pending: BTreeMap::new(),
            answers: HashMap::new(),
            progress: HashMap::new(),
            subscriptions: Subscriptions::default(),
            follows: false,
            last_call: 0,
            epoch: 0,
        }
    }

    /// Takes the answer of a call whose caller waits.
    pub(super) fn take_answer(&mut self, id: CallId) -> Option<Result<Answer, Failure>> {
        let answer = self.answers.remove(&id)?;
        self.progress.remove(&id);
        Some(answer)
    }

    /// Takes how far a call is whose caller waits.
    pub(super) fn take_progress(&mut self, id: CallId) -> Option<Event> {
        self.progress.remove(&id)
    }

    /// Takes the oldest message that no caller waits for.
    pub(super) fn take_message(&mut self) -> Option<Message> {
        self.queue.pop()
    }

    /// Takes the oldest event.
    pub(super) fn take_event(&mut self) -> Option<Event> {
        self.queue.pop_event()
    }

    /// Takes a request that shall be sent.
    pub(super) fn begin(&mut self, request: Request, taker: Taker) -> CallId {
        self.last_call += 1;
        let pending = Pending {
            request,
            taker,
            sends: 0,
            is_sent: false,
        };
        self.pending.insert(self.last_call, pending);
        self.last_call
    }

    /// Takes note that a call is sent now; gives it with its owner, or none when it has ended, was sent, or must wait.
    ///
    /// The numbers of subscriptions are the engine's.
    pub(super) fn sending(&mut self, id: CallId) -> Option<(u64, Call)> {
        if self.standing != Standing::Open {
            return None;
        }
        let pending = self
            .pending
            .get_mut(&id)
            .filter(|pending| !pending.is_sent)?;
        pending.is_sent = true;
        pending.sends += 1;
        let mut request = pending.request.clone();
        if let Request::Unsubscribe { subscription } = &mut request {
            // Zero is no subscription of any engine's, so that it answers as for any other wrong number.
            *subscription = self.subscriptions.engines(*subscription).unwrap_or(0);
        }
        Some((self.epoch, Call { id, request }))
    }

    /// Takes back that a call was sent to an owner.
    pub(super) fn was_not_sent(&mut self, id: CallId, epoch: u64) {
        if let Some(pending) = self.pending.get_mut(&id).filter(|_| self.epoch == epoch) {
            pending.is_sent = false;
            pending.sends -= 1;
        }
    }

    /// Goes over to a new owner; gives its number and the calls to send.
    pub(super) fn reopened(&mut self) -> (u64, Vec<CallId>) {
        // It may be gone again already, or have stopped.
        if self.standing == Standing::Ending {
            self.standing = Standing::Open;
        }
        self.epoch += 1;
        self.fail(|pending| !pending.may_be_sent(), &owner_gone());
        self.finish_unsubscribing();
        // What was told to the last owner on nobody's behalf is told again below.
        let by_callers = |taker: Taker| matches!(taker, Taker::Caller | Taker::Anyone);
        self.pending.retain(|_, pending| by_callers(pending.taker));
        for pending in self.pending.values_mut() {
            pending.is_sent = false;
        }
        if self.follows {
            self.begin(Request::Follow { on: true }, Taker::Nobody);
        }
        for (ours, query) in self.subscriptions.of_new_engine() {
            self.begin(Request::Subscribe { query }, Taker::Subscription(ours));
        }
        (self.epoch, self.pending.keys().copied().collect())
    }

    /// Fails the calls that are such.
    pub(super) fn fail(&mut self, is_such: impl Fn(&Pending) -> bool, failure: &Failure) {
        for id in self.such(is_such) {
            self.take_end(id, Err(failure.clone()));
        }
    }

    fn such(&self, is_such: impl Fn(&Pending) -> bool) -> Vec<CallId> {
        let such = self.pending.iter().filter(|(_, pending)| is_such(pending));
        such.map(|(id, _)| *id).collect()
    }

    /// Sorts in what came; false when too much waits.
    pub(super) fn take(&mut self, message: Message) -> bool {
        match message {
            Message::Answer { id, ok } => self.take_end(id, Ok(ok)),
            Message::Failure {
                id: Some(id),
                error,
            } => self.take_end(id, Err(error)),
            Message::Failure { id: None, .. } => self.queue.push(message).is_ok(),
            Message::Event(event) => self.take_new_event(event),
        }
    }

    fn take_new_event(&mut self, event: Event) -> bool {
        match event {
            Event::Changed {
                subscription,
                answer,
            } => {
                let Some(subscription) = self.subscriptions.ours(subscription) else {
                    return true;
                };
                let event = Event::Changed {
                    subscription,
                    answer,
                };
                self.queue.push(Message::Event(event)).is_ok()
            }
            Event::Progress { call, .. } => match self.pending.get(&call).map(|call| call.taker) {
                Some(Taker::Caller) => {
                    self.progress.insert(call, event);
                    true
                }
                Some(Taker::Anyone) => self.queue.push(Message::Event(event)).is_ok(),
                Some(Taker::Subscription(_) | Taker::Nobody) | None => true,
            },
        }
    }

    fn take_end(&mut self, id: CallId, end: Result<Answer, Failure>) -> bool {
        let Some(pending) = self.pending.remove(&id) else {
            return true;
        };
        let end = match (end, pending.request) {
            (
                Ok(Answer::Subscribed {
                    subscription,
                    answer,
                }),
                Request::Subscribe { query },
            ) => {
                if let Taker::Subscription(ours) = pending.taker {
                    return self.take_made_again(ours, subscription, answer);
                }
                Ok(Answer::Subscribed {
                    subscription: self.subscriptions.add(subscription, query),
                    answer,
                })
            }
            (Ok(answer), Request::Unsubscribe { subscription }) => {
                self.subscriptions.remove(subscription);
                Ok(answer)
            }
            (Ok(answer), Request::Follow { on }) => {
                self.follows = on;
                Ok(answer)
            }
            (end, _) => end,
        };
        match (pending.taker, end) {
            (Taker::Caller, end) => {
                self.answers.insert(id, end);
                true
            }
            (Taker::Anyone, Ok(ok)) => self.queue.push(Message::Answer { id, ok }).is_ok(),
            (Taker::Anyone, Err(error)) => {
                let id = Some(id);
                self.queue.push(Message::Failure { id, error }).is_ok()
            }
            // Nobody asked, and without the subscription there is nothing to change.
            (Taker::Subscription(_), Ok(_)) | (Taker::Nobody, _) => true,
            (Taker::Subscription(ours), Err(error)) => {
                self.subscriptions.remove(ours);
                self.queue
                    .push(Message::Failure { id: None, error })
                    .is_ok()
            }
        }
    }

    /// Answers calls that end subscriptions: these ended with the last owner and are not made again.
    fn finish_unsubscribing(&mut self) {
        let is_one = |pending: &Pending| matches!(pending.request, Request::Unsubscribe { .. });
        for id in self.such(is_one) {
            self.take_end(id, Ok(Answer::Ok));
        }
    }

    /// Tells what a subscription answers at the new owner, since it may have changed in between.
    fn take_made_again(&mut self, ours: u64, engines: u64, answer: Box<Answer>) -> bool {
        if !self.subscriptions.made_again(ours, engines) {
            return true;
        }
        let event = Event::Changed {
            subscription: ours,
            answer,
        };
        self.queue.push(Message::Event(event)).is_ok()
    }
}

impl Pending {
    /// Says whether sending this to the next owner cannot do a thing twice.
    fn may_be_sent(&self) -> bool {
        match &self.request {
            _ if self.sends == 0 => true,
            _ if self.sends >= MAX_SENDS => false,
            // None carries an id by which the engine would know it again.
            Request::Found { .. }
            | Request::Join { .. }
            | Request::Invite { .. }
            | Request::ChangeRole { .. }
            | Request::Revoke { .. }
            | Request::AcceptHeld { .. } => false,
            Request::Do { intent_id, .. }
            | Request::Attach { intent_id, .. }
            | Request::Import { intent_id, .. } => intent_id.is_some(),
            Request::SetRelay { .. }
            | Request::TryAgain
            | Request::Members
            | Request::Held
            | Request::File { .. }
            | Request::Resolve { .. }
            | Request::ResolveOperation { .. }
            | Request::ResolveEntry { .. }
            | Request::Query(_)
            | Request::Subscribe { .. }
            | Request::Unsubscribe { .. }
            | Request::Export { .. }
            | Request::Sync { .. }
            | Request::Follow { .. }
            | Request::LocalGet { .. }
            | Request::LocalSet { .. } => true,
        }
    }
}

fn owner_gone() -> Failure {
    Failure::new(
        "owner-gone",
        "the process that had the data open ended in the middle, so it is not known whether this was done",
        Some("look whether it was done, and repeat it if not"),
    )
}
