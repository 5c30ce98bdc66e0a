//! An engine that echoes, and a look into it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex};

use crate::headless::{ClientId, Headless, NetInput, Output};
use crate::interface::{Answer, Call, CallId, Event, Failure, Message, Request};
use crate::native::clock;
use crate::native::outbox::lock;
use crate::native::owner::Make;

use super::SOON;

/// What engines of one test were told, and what outlives them as a store does.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) calls: Vec<(ClientId, Request)>,
    pub(super) forgotten: Vec<ClientId>,
    pub(super) net: Vec<NetInput>,
    pub(super) ticks: usize,
    pub(super) made: usize,
    pub(super) dropped: usize,
    values: BTreeMap<String, String>,
}

/// A look into the engines of a test.
#[derive(Debug, Clone, Default)]
pub(super) struct Probe(Arc<(Mutex<Told>, Condvar)>);

impl Probe {
    pub(super) fn make(&self) -> Arc<Make> {
        let probe = self.clone();
        Arc::new(move |_| {
            probe.tell(|told| told.made += 1);
            Ok(Box::new(Fake {
                probe: probe.clone(),
                outputs: VecDeque::new(),
                later: Vec::new(),
                subscriptions: Vec::new(),
                made: 0,
                deadline: None,
            }))
        })
    }

    fn tell<T>(&self, tell: impl FnOnce(&mut Told) -> T) -> T {
        let told = tell(&mut lock(&self.0.0));
        self.0.1.notify_all();
        told
    }

    /// Waits until the engines were told something.
    pub(super) fn wait<T>(&self, mut find: impl FnMut(&Told) -> Option<T>) -> T {
        let mut found = None;
        let still = |told: &mut Told| {
            found = find(told);
            found.is_none()
        };
        let (told, _) = self
            .0
            .1
            .wait_timeout_while(lock(&self.0.0), SOON, still)
            .expect("no holder panicked");
        match found {
            Some(found) => found,
            None => panic!("it does not come: {told:?}"),
        }
    }

    /// Waits until calls were made that look like this.
    pub(super) fn wait_for_calls(&self, count: usize, is: impl Fn(&Request) -> bool) {
        self.wait(|told| {
            let calls = told.calls.iter().filter(|(_, request)| is(request));
            (calls.count() >= count).then_some(())
        });
    }

    pub(super) fn look<T>(&self, look: impl FnOnce(&Told) -> T) -> T {
        look(&lock(&self.0.0))
    }
}

/// Echoes: values are set and got, `later` is answered on `release`, subscribers hear of each value that is set.
struct Fake {
    probe: Probe,
    outputs: VecDeque<Output>,
    later: Vec<(ClientId, CallId)>,
    subscriptions: Vec<(ClientId, u64)>,
    made: u64,
    deadline: Option<(i64, ClientId, CallId)>,
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.probe.tell(|told| told.dropped += 1);
    }
}

impl Fake {
    fn answer(&mut self, client: ClientId, id: CallId, ok: Answer) {
        let answer = Message::Answer { id, ok };
        self.outputs.push_back(Output::Tell(client, answer));
    }

    fn later(&mut self, client: ClientId, call: CallId) {
        self.later.push((client, call));
        let progress = Message::Event(Event::Progress {
            call,
            done: 1,
            total: Some(2),
            text: "half".to_owned(),
        });
        self.outputs.push_back(Output::Tell(client, progress));
    }

    fn set(&mut self, key: &str, value: &str) {
        match key {
            "release" => {
                for (client, id) in std::mem::take(&mut self.later) {
                    self.answer(client, id, super::local(value));
                }
            }
            "connect" => self.outputs.push_back(Output::Connect {
                url: value.to_owned(),
            }),
            "send" => self
                .outputs
                .push_back(Output::Send(value.as_bytes().to_vec())),
            "send-bytes" => {
                let bytes = vec![7; value.parse().expect("a number of bytes")];
                self.outputs.push_back(Output::Send(bytes));
            }
            "disconnect" => self.outputs.push_back(Output::Disconnect),
            "panic" => panic!("as the test wants"),
            _ => self.changed(key, value),
        }
    }

    fn changed(&mut self, key: &str, value: &str) {
        let (key, kept) = (key.to_owned(), value.to_owned());
        self.probe.tell(|told| told.values.insert(key, kept));
        for (client, subscription) in self.subscriptions.clone() {
            let event = Event::Changed {
                subscription,
                answer: Box::new(super::local(value)),
            };
            self.outputs
                .push_back(Output::Tell(client, Message::Event(event)));
        }
    }
}

impl Headless for Fake {
    fn call(&mut self, client: ClientId, call: Call) {
        let Call { id, request } = call;
        self.probe
            .tell(|told| told.calls.push((client, request.clone())));
        match request {
            Request::LocalGet { key } if key == "later" => self.later(client, id),
            Request::Found { .. } => self.later(client, id),
            Request::LocalGet { key } => {
                let value = self.probe.look(|told| told.values.get(&key).cloned());
                self.answer(client, id, Answer::Local { value });
            }
            Request::LocalSet { key, value } => {
                self.set(&key, &value.unwrap_or_default());
                self.answer(client, id, Answer::Ok);
            }
            Request::Subscribe { .. } => {
                self.made += 1;
                self.subscriptions.push((client, self.made));
                let subscribed = Answer::Subscribed {
                    subscription: self.made,
                    answer: Box::new(Answer::Ok),
                };
                self.answer(client, id, subscribed);
            }
            Request::Unsubscribe { subscription } => {
                let ended = (client, subscription);
                self.subscriptions.retain(|made| *made != ended);
                self.answer(client, id, Answer::Ok);
            }
            Request::Sync { timeout_ms } => {
                let deadline = clock::now_ms() + timeout_ms.cast_signed();
                self.deadline = Some((deadline, client, id));
            }
            Request::Do { .. }
            | Request::Attach { .. }
            | Request::Import { .. }
            | Request::Follow { .. } => self.answer(client, id, Answer::Ok),
            _ => {
                let error = Failure::new("not-echoed", "this engine only echoes", None);
                let id = Some(id);
                let failure = Message::Failure { id, error };
                self.outputs.push_back(Output::Tell(client, failure));
            }
        }
    }

    fn forget(&mut self, client: ClientId) {
        self.subscriptions.retain(|(of, _)| *of != client);
        self.probe.tell(|told| told.forgotten.push(client));
    }

    fn net(&mut self, input: NetInput) {
        self.probe.tell(|told| told.net.push(input));
    }

    fn tick(&mut self) {
        self.probe.tell(|told| told.ticks += 1);
        if let Some((_, client, id)) = self
            .deadline
            .take_if(|(deadline, ..)| *deadline <= clock::now_ms())
        {
            self.answer(client, id, Answer::Ok);
        }
    }

    fn deadline_ms(&self) -> Option<i64> {
        self.deadline.map(|(deadline, ..)| deadline)
    }

    fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }
}
