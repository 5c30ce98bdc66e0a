//! What an established session keeps track of.

use std::collections::VecDeque;

use protocol::{
    Blob, Cut, Envelope, EnvelopeHash, FeedId, Frame, Held, LogItem, Want, limits::BATCH_BYTES,
};

use super::{
    Broken, CarriedEnvelope, Input, Output, Progress,
    carried::CarriedQueue,
    carrying::CarryingStep,
    exchange::{Arrival, Exchange},
    inbox::Inbox,
    left_out::LeftOut,
    outbox::Outbox,
    own::OwnCheck,
};

/// How many wants of the shell are on their way to the relay at once; the others wait here.
const WANTS_IN_FLIGHT: usize = 4;

/// What this session knows of the own feed on the relay.
#[derive(Debug)]
pub(super) enum Own {
    /// Both have the same, as far as both have it.
    Fine(Outbox),
    /// It is being found out up to where both have the same.
    Checking(OwnCheck),
    /// The relay has more, which is on its way into the store.
    Behind(Cut),
    /// Both went on differently; nothing more is done with it here.
    Forked,
}

/// For what a piece of a feed was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asker {
    /// For the store, up to a sequence.
    Store {
        /// The last sequence that was asked for.
        to: u64,
    },
    /// For the check of the own feed.
    Check,
}

/// The parts of a session in which both sides work.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) inbox: Inbox,
    pub(super) own: Own,
    pub(super) own_head: (u64, EnvelopeHash),
    /// Where the relay has the own feed, as far as this session heard.
    pub(super) own_on_relay: Option<Cut>,
    pub(super) exchange: Option<Exchange>,
    pub(super) carried: CarriedQueue,
    pub(super) left_out: LeftOut,
    /// What was asked of the relay, which answers in this order.
    pub(super) asked: VecDeque<Asker>,
    /// What the shell wants and the relay was not asked for yet.
    wants: VecDeque<Want>,
    pub(super) settled: Option<bool>,
}

impl Work {
    pub(super) fn new(
        own_head: (u64, EnvelopeHash),
        own_on_relay: Option<Cut>,
        inbox: Inbox,
        exchange: Option<Exchange>,
    ) -> Self {
        let mut work = Work {
            inbox,
            own: Own::Forked,
            own_head,
            own_on_relay,
            exchange,
            carried: CarriedQueue::default(),
            left_out: LeftOut::default(),
            asked: VecDeque::new(),
            wants: VecDeque::new(),
            settled: None,
        };
        work.look_at_own();
        work
    }

    /// Begins with the own feed: it is checked when the relay's last envelope of it is not the last here.
    pub(super) fn look_at_own(&mut self) {
        self.own = match self.own_on_relay {
            Some(relay) if (relay.sequence, relay.hash) != self.own_head => {
                Own::Checking(OwnCheck::new(self.own_head, relay))
            }
            relay => Own::Fine(Outbox::new(self.own_head, relay.as_ref())),
        };
    }

    /// Tells whether there is room for more.
    ///
    /// What was asked for is answered before the log goes on, so it must not be stuck behind a log that waits for it.
    pub(super) fn wants_frames(&self) -> bool {
        self.carried.is_comfortable() && (self.inbox.is_comfortable() || !self.asked.is_empty())
    }

    /// Returns up to where the relay has the own feed.
    pub(super) fn own_place(&self) -> u64 {
        self.own_on_relay.map_or(0, |cut| cut.sequence)
    }

    /// Notes that the own feed has grown; returns where the relay has it when it has caught up with that.
    pub(super) fn grow(&mut self, head: (u64, EnvelopeHash)) -> Option<Cut> {
        if head.0 < self.own_head.0 {
            return None;
        }
        self.own_head = head;
        match &mut self.own {
            Own::Fine(outbox) => outbox.grow(head),
            Own::Behind(relay) if head.0 >= relay.sequence => {
                self.look_at_own();
                return self.own_on_relay;
            }
            // What is written meanwhile does not change what both have.
            Own::Checking(_) | Own::Behind(_) | Own::Forked => {}
        }
        None
    }

    /// Takes the shell's answer to something, or what it wants.
    pub(super) fn answer(&mut self, input: Input) -> Result<(), Broken> {
        match (input, &mut self.exchange) {
            (Input::Hashes { hashes }, exchange) => {
                if let Own::Checking(check) = &mut self.own {
                    let [hash] = hashes[..] else {
                        let got = hashes.len();
                        return Err(Broken::Hashes { asked: 1, got });
                    };
                    check.here(hash);
                } else if let Some(exchange) = exchange {
                    exchange.hashes(&hashes)?;
                }
            }
            (Input::Heads { heads }, Some(exchange)) => exchange.heads(heads)?,
            (Input::Missing { envelopes, next }, Some(exchange)) => {
                exchange.missing(envelopes, next);
            }
            (Input::Missing { envelopes, next }, None) => {
                if let Some(carrying) = self.left_out.carrying() {
                    carrying.read(envelopes, next);
                }
            }
            // An exchange carries it by itself, or leaves it out.
            (Input::Offer { missing }, None) => {
                self.left_out.note(missing);
                self.left_out.offer();
            }
            (Input::Carried, _) => self.carried.stored(),
            (Input::Want { feed, from, to }, _) if from > 0 && from <= to => {
                self.wants.push_back(Want { feed, from, to });
            }
            _ => {}
        }
        Ok(())
    }

    /// Carries again what the relay did not take, since its roster may have changed.
    pub(super) fn roster_moved(&mut self) {
        match &mut self.exchange {
            Some(exchange) => exchange.roster_moved(),
            None => self.left_out.offer(),
        }
    }

    /// Takes a piece of the log, and notes when it holds own envelopes that this session did not send.
    pub(super) fn log(
        &mut self,
        first: u64,
        items: Vec<LogItem>,
        feed: FeedId,
    ) -> Result<(), Broken> {
        if matches!(self.own, Own::Forked) {
            // Nobody will read it in this session.
            return Ok(());
        }
        self.inbox.receive(first, items)?;
        let (sequence, hash) = self.inbox.newest_own();
        let sent = match &self.own {
            Own::Fine(outbox) => outbox.sent(),
            Own::Behind(relay) => relay.sequence,
            Own::Checking(_) | Own::Forked => return Ok(()),
        };
        if sequence > sent {
            self.own_on_relay = Some(Cut {
                feed,
                sequence,
                hash,
            });
            if matches!(self.own, Own::Fine(_)) {
                self.look_at_own();
            }
        }
        Ok(())
    }

    /// Takes envelopes that the relay carried: of an exchange, or as it was asked for them.
    pub(super) fn carry(&mut self, envelopes: Vec<Blob>) -> Result<(), Broken> {
        let mut read = Vec::with_capacity(envelopes.len());
        for bytes in envelopes {
            let envelope = decode(&bytes)?;
            let envelope = Box::new(envelope);
            read.push(CarriedEnvelope { bytes, envelope });
        }
        if let Some(exchange) = self.exchange.as_mut().filter(|_| self.asked.is_empty()) {
            for one in read {
                if exchange.arrive(&one.envelope) == Arrival::New {
                    self.carried.add(one)?;
                }
            }
            return Ok(());
        }
        match self.asked.front() {
            None => Err(Broken::OutOfTurn {
                frame: "Carry",
                state: "nothing was wanted",
            }),
            Some(Asker::Check) => {
                self.asked.pop_front();
                let Own::Checking(check) = &mut self.own else {
                    return Ok(());
                };
                let sequence = check.at();
                let found = read
                    .iter()
                    .find(|one| one.envelope.header.sequence == sequence);
                let found = found.ok_or(Broken::OwnFeedWithheld { sequence })?;
                check.there(found.envelope.hash());
                Ok(())
            }
            Some(Asker::Store { to }) => {
                let to = *to;
                self.came(read.last().map(|last| last.envelope.header.sequence), to);
                read.into_iter().try_for_each(|one| self.carried.add(one))
            }
        }
    }

    /// Takes envelopes that are held, as they were wanted; returns what to tell of them.
    pub(super) fn held(&mut self, held: Held) -> Result<Option<Output>, Broken> {
        let Some(Asker::Store { to }) = self.asked.front() else {
            return Err(Broken::OutOfTurn {
                frame: "Held",
                state: "nothing was wanted",
            });
        };
        let to = *to;
        let last = held.envelopes.last().map(|last| decode(last)).transpose()?;
        self.came(last.map(|last| last.header.sequence), to);
        Ok((!held.envelopes.is_empty()).then_some(Output::Held {
            feed: held.feed,
            envelopes: held.envelopes,
        }))
    }

    /// Notes up to where a piece that was wanted has come; none when there is no more of it.
    fn came(&mut self, last: Option<u64>, to: u64) {
        if last.is_none_or(|last| last >= to) {
            self.asked.pop_front();
        }
        if last.is_none() {
            self.carried.end_want();
        }
    }

    /// Asks for, and hands out, what the log and the own feed let go on.
    pub(super) fn go_on(&mut self, outputs: &mut VecDeque<Output>) {
        if let Own::Fine(outbox) = &mut self.own {
            if let Some(after_sequence) = outbox.ask() {
                outputs.push_back(Output::ReadOutbox {
                    after_sequence,
                    max_bytes: BATCH_BYTES,
                });
            }
            if let Some(batch) = self.inbox.next_batch(outbox.stored_up_to()) {
                outputs.push_back(Output::Apply {
                    first: batch.first,
                    items: batch.items,
                    cursor: batch.cursor,
                });
            }
        }
        while let Some(step) = self.left_out.step() {
            outputs.push_back(match step {
                CarryingStep::Read(output) => output,
                CarryingStep::Send(frame) => Output::Send(frame.encode()),
            });
        }
        while self.asked.len() < WANTS_IN_FLIGHT
            && let Some(want) = self.wants.pop_front()
        {
            self.asked.push_back(Asker::Store { to: want.to });
            outputs.push_back(Output::Send(Frame::from(want).encode()));
        }
    }

    pub(super) fn progress(&self) -> Progress {
        let exchange = self.exchange.as_ref().map(Exchange::progress);
        let exchange = exchange.unwrap_or_default();
        let own_missing = match &self.own {
            Own::Fine(outbox) => outbox.missing(),
            _ => self.own_head.0.saturating_sub(self.own_place()),
        };
        let own_behind = match &self.own {
            Own::Behind(relay) => relay.sequence.saturating_sub(self.own_head.0),
            _ => 0,
        };
        Progress {
            // What of the own feed is carried is counted with the rest of the exchange once that has begun.
            to_send: own_missing.max(exchange.to_send) + self.left_out.to_send(),
            to_fetch: self.inbox.missing().max(own_behind) + exchange.to_fetch,
        }
    }

    /// What was pushed in this session comes back in the log, after all that the relay had received before it.
    pub(super) fn is_settled(&self) -> bool {
        let Own::Fine(outbox) = &self.own else {
            return false;
        };
        self.exchange.is_none()
            && self.carried.is_idle()
            && self.left_out.is_idle()
            && self.progress() == Progress::default()
            && outbox.is_echoed(self.inbox.newest_own().0)
    }
}

fn decode(bytes: &[u8]) -> Result<Envelope, Broken> {
    Envelope::decode(bytes).map_err(|source| Broken::Carried { source })
}
