//! The state machine of the client's half.

use std::collections::VecDeque;

use protocol::{Cut, Entry, EnvelopeHash, Frame, Push, RosterAppend, RosterGrew, RosterHash, Want};

use super::{
    Broken, Input, Output, Progress, Start,
    enter::Proven,
    exchange::Step,
    inbox::Inbox,
    outbox::{Next, Outbox},
    own::{Question, Verdict},
    work::{Asker, Own, Work},
};

#[derive(Debug)]
pub(super) enum State {
    Fresh,
    Greeted,
    RosterAsked(Proven),
    Proved(Proven),
    Working(Box<Work>),
    Ended,
}

impl State {
    fn name(&self) -> &'static str {
        match self {
            State::Fresh => "nothing was said yet",
            State::Greeted => "its challenge was expected",
            State::RosterAsked(_) => "the client's proof was being prepared",
            State::Proved(_) => "its welcome was expected",
            State::Working(_) => "the session was established",
            State::Ended => "the session had ended",
        }
    }
}

/// The client's half of a session, for the life of one WebSocket.
#[derive(Debug)]
pub struct Session {
    pub(super) start: Start,
    pub(super) state: State,
    pub(super) outputs: VecDeque<Output>,
    appends: VecDeque<RosterAppend>,
    append_in_flight: Option<RosterHash>,
    pub(super) deadline: Option<u64>,
}

impl Session {
    /// Prepares a session; it begins with [`Input::Opened`].
    pub fn new(start: Start) -> Self {
        Session {
            start,
            state: State::Fresh,
            outputs: VecDeque::new(),
            appends: VecDeque::new(),
            append_in_flight: None,
            deadline: None,
        }
    }

    /// Takes one input; all that follows from it is then in [`Session::poll`].
    ///
    /// `now_ms` is any clock that does not run backwards.
    pub fn handle(&mut self, now_ms: u64, input: Input) {
        if matches!(self.state, State::Ended) {
            return;
        }
        let taken = self.take(now_ms, input).and_then(|()| self.work_on());
        if let Err(broken) = taken {
            self.outputs.push_back(Output::Broken(broken));
            self.end();
        }
    }

    /// Returns the next thing that follows from the last input.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Tells whether the shell should read the next frame from the socket.
    pub fn wants_frames(&self) -> bool {
        match &self.state {
            State::Working(work) => work.wants_frames(),
            State::Ended => false,
            _ => true,
        }
    }

    /// Returns when [`Input::Tick`] is wanted, on the clock of [`Session::handle`].
    pub fn deadline(&self) -> Option<u64> {
        self.deadline
    }

    /// Returns how much is missing; none before the relay let the client in.
    pub fn progress(&self) -> Option<Progress> {
        match &self.state {
            State::Working(work) => Some(work.progress()),
            _ => None,
        }
    }

    /// Tells whether the session is over.
    pub fn is_ended(&self) -> bool {
        matches!(self.state, State::Ended)
    }

    fn take(&mut self, now_ms: u64, input: Input) -> Result<(), Broken> {
        match input {
            Input::Opened => self.greet(now_ms),
            Input::Frame(bytes) => return self.frame(Frame::decode(&bytes)?),
            Input::Closed => self.state = State::Ended,
            Input::Leave => self.end(),
            Input::LocalHead { sequence, hash } => self.grow((sequence, hash)),
            Input::Outbox { envelopes } => return self.push(envelopes),
            Input::Applied { cursor } => {
                if let State::Working(work) = &mut self.state {
                    work.inbox.applied(cursor)?;
                }
            }
            Input::Roster { entries } => self.offer(now_ms, entries),
            Input::BringRoster { entries } => self.bring(entries),
            Input::AppendRoster {
                expected_head,
                entries,
            } => self.appends.push_back(RosterAppend {
                expected_head,
                entries,
            }),
            Input::Tick => {
                if self.deadline.is_some_and(|deadline| now_ms >= deadline) {
                    return Err(Broken::Silent);
                }
            }
            input => {
                if let State::Working(work) = &mut self.state {
                    return work.answer(input);
                }
            }
        }
        Ok(())
    }

    fn grow(&mut self, head: (u64, EnvelopeHash)) {
        let caught_up = match &mut self.state {
            State::Working(work) => work.grow(head),
            _ => {
                if head.0 >= self.start.own_head.0 {
                    self.start.own_head = head;
                }
                None
            }
        };
        if caught_up.is_some() {
            self.acknowledge(caught_up.as_ref(), false);
        }
    }

    fn frame(&mut self, frame: Frame) -> Result<(), Broken> {
        match (&mut self.state, frame) {
            (State::Greeted, Frame::Challenge(challenge)) => self.prove(&challenge),
            (State::Proved(proven), Frame::Welcome(welcome)) => {
                let proven = *proven;
                self.establish(proven, welcome)
            }
            (State::Working(work), Frame::Log(log)) if work.exchange.is_none() => {
                work.log(log.first, log.items, self.start.identity.key().into())
            }
            (State::Working(work), Frame::Stored(stored)) => {
                let Own::Fine(outbox) = &mut work.own else {
                    return Ok(());
                };
                if outbox.stored(&stored.cut, stored.held)? {
                    self.acknowledge(Some(&stored.cut), stored.held);
                }
                Ok(())
            }
            (State::Working(work), Frame::RosterGrew(grew)) => {
                work.roster_moved();
                self.roster_grew(grew);
                Ok(())
            }
            (State::Working(work), Frame::RosterMoved(moved)) => {
                work.roster_moved();
                // Without an append it answers a roster that was brought and goes on elsewhere.
                self.append_in_flight = None;
                self.outputs.push_back(Output::RosterMoved {
                    entries: moved.entries,
                    head: moved.head,
                });
                Ok(())
            }
            (State::Working(_), Frame::Refused(refused)) => {
                self.refused_at_work(refused);
                Ok(())
            }
            (_, Frame::Refused(refused)) => {
                self.say_refused(refused);
                Ok(())
            }
            (_, Frame::Bye(_)) => {
                self.end();
                Ok(())
            }
            (State::Working(_), frame) => self.exchanged(frame),
            (state, frame) => Err(Broken::OutOfTurn {
                frame: frame.name(),
                state: state.name(),
            }),
        }
    }

    /// Takes a frame by which both sides compare, carry, or show what is held.
    fn exchanged(&mut self, frame: Frame) -> Result<(), Broken> {
        use protocol::HeadsPurpose as For;
        let (State::Working(work), outputs) = (&mut self.state, &mut self.outputs) else {
            return Ok(());
        };
        let out_of_turn = Err(Broken::OutOfTurn {
            frame: frame.name(),
            state: "the session was established",
        });
        match frame {
            Frame::Heads(heads) => match (heads.purpose(), &mut work.exchange) {
                (For::Comparison, Some(exchange)) => {
                    if !exchange.answer(heads)? {
                        return out_of_turn;
                    }
                }
                (For::Comparison, None) => return out_of_turn,
                (For::Held, _) => outputs.push_back(Output::HeldFeeds { feeds: heads.heads }),
                (For::Revocation, _) => {
                    self.append_in_flight = None;
                    outputs.push_back(Output::CutRefused { heads: heads.heads });
                }
                (For::Carried, Some(exchange)) => {
                    if !exchange.carried() {
                        return out_of_turn;
                    }
                }
                (For::Carried, None) => {
                    if !work.left_out.answered(&heads.heads) {
                        return out_of_turn;
                    }
                    outputs.push_back(Output::Taken { heads: heads.heads });
                }
                // What only a newer version means.
                (For::Other(_), _) => {}
            },
            Frame::Carry(carry) => work.carry(carry.envelopes)?,
            Frame::Held(held) => outputs.extend(work.held(held)?),
            _ => return out_of_turn,
        }
        Ok(())
    }

    fn refused_at_work(&mut self, refused: protocol::Refused) {
        // The next session finds out up to where both are the same.
        if let (protocol::Refusal::Fork, Some(relay)) = (refused.code, refused.cut) {
            self.outputs.push_back(Output::Forked {
                feed: relay.feed,
                common: None,
                relay,
            });
        }
        self.say_refused(refused);
    }

    fn say_refused(&mut self, refused: protocol::Refused) {
        self.outputs.push_back(Output::Refused {
            code: refused.code,
            text: refused.text,
            cut: refused.cut,
        });
        self.end();
    }

    fn roster_grew(&mut self, grew: RosterGrew) {
        // What others appended right after ours can come in the same frame, so the head alone does not tell.
        let ours = self.append_in_flight.filter(|ours| {
            let mut entries = grew.entries.iter().rev();
            entries.any(|entry| Entry::decode(entry).is_ok_and(|entry| entry.hash() == *ours))
        });
        if !grew.entries.is_empty() {
            self.outputs.push_back(Output::Roster {
                entries: grew.entries,
            });
        }
        if let Some(head) = ours {
            self.append_in_flight = None;
            self.outputs.push_back(Output::RosterAppended { head });
        }
    }

    fn push(&mut self, envelopes: Vec<(u64, Vec<u8>)>) -> Result<(), Broken> {
        let State::Working(work) = &mut self.state else {
            return Ok(());
        };
        let Own::Fine(outbox) = &mut work.own else {
            return Ok(());
        };
        match outbox.take(envelopes)? {
            Next::Push(envelopes) => self.send(Push { envelopes }),
            Next::Nothing => {}
        }
        Ok(())
    }

    /// Asks for, hands out and reports whatever the new state allows.
    fn work_on(&mut self) -> Result<(), Broken> {
        if let State::Working(_) = &self.state
            && self.append_in_flight.is_none()
            && let Some(append) = self.appends.pop_front()
        {
            self.append_in_flight = Some(head_after(&append));
            self.send(append);
        }
        self.check_own();
        self.exchange();
        // An exchange ends with where the relay has the own feed by then.
        self.check_own();
        let State::Working(work) = &mut self.state else {
            return Ok(());
        };
        if let Some(output) = work.carried.next() {
            self.outputs.push_back(output);
        }
        if work.exchange.is_none() {
            work.go_on(&mut self.outputs);
        }
        let settled = work.is_settled();
        if work.settled != Some(settled) {
            work.settled = Some(settled);
            self.outputs.push_back(if settled {
                Output::Settled
            } else {
                Output::Unsettled(work.progress())
            });
        }
        Ok(())
    }

    /// Finds out about the own feed, and what follows from that.
    fn check_own(&mut self) {
        let State::Working(work) = &mut self.state else {
            return;
        };
        let feed = self.start.identity.key().into();
        let Own::Checking(check) = &mut work.own else {
            return;
        };
        let relay = check.relay();
        match check.verdict() {
            None => match check.question() {
                Some(Question::Here(at)) => self.outputs.push_back(Output::ReadHashes {
                    places: vec![(feed, at)],
                }),
                Some(Question::There(at)) => {
                    work.asked.push_back(Asker::Check);
                    self.send(Want {
                        feed,
                        from: at,
                        to: at,
                    });
                }
                None => {}
            },
            Some(Verdict::Same) => {
                work.own = Own::Fine(Outbox::new(work.own_head, Some(&relay)));
            }
            Some(Verdict::Ahead) => {
                work.own = Own::Behind(relay);
                let from = work.own_head.0 + 1;
                self.outputs.push_back(Output::OwnFeedAhead { relay });
                // In an exchange it comes with what else is missing.
                if work.exchange.is_none() {
                    work.asked.push_back(Asker::Store { to: relay.sequence });
                    self.send(Want {
                        feed,
                        from,
                        to: relay.sequence,
                    });
                }
            }
            Some(Verdict::Forked { common }) => {
                work.own = Own::Forked;
                work.exchange = None;
                self.outputs.push_back(Output::Forked {
                    feed,
                    common: Some(common),
                    relay,
                });
            }
        }
    }

    fn exchange(&mut self) {
        loop {
            let State::Working(work) = &mut self.state else {
                return;
            };
            let Some(exchange) = &mut work.exchange else {
                return;
            };
            if !matches!(work.own, Own::Fine(_) | Own::Behind(_)) {
                return;
            }
            let is_stored = work.carried.is_idle();
            match exchange.step(work.inbox.applied_cursor(), is_stored) {
                None => return,
                Some(Step::Say(output)) => self.outputs.push_back(output),
                Some(Step::Send(frame)) => self.send(frame),
                Some(Step::Finished(compared, left_out)) => {
                    work.left_out.note(left_out);
                    let feed = self.start.identity.key().into();
                    let own = compared.relay.iter().find(|cut| cut.feed == feed).copied();
                    work.inbox = Inbox::new(compared.cursor, compared.cursor.sequence);
                    work.exchange = None;
                    self.outputs.push_back(Output::Compared(compared));
                    self.own_after_exchange(own);
                    return;
                }
            }
        }
    }

    /// Goes on with the own feed from where the relay has it after an exchange.
    fn own_after_exchange(&mut self, own: Option<Cut>) {
        let State::Working(work) = &mut self.state else {
            return;
        };
        let news = work.own_place() != own.map_or(0, |cut| cut.sequence);
        work.own_on_relay = own;
        if matches!(work.own, Own::Behind(_)) {
            return;
        }
        work.look_at_own();
        if news {
            self.acknowledge(own.as_ref(), false);
        }
    }

    pub(super) fn acknowledge(&mut self, cut: Option<&Cut>, is_held: bool) {
        let (sequence, hash) = cut.map_or((0, EnvelopeHash::ZERO), |cut| (cut.sequence, cut.hash));
        self.outputs.push_back(Output::Acknowledged {
            sequence,
            hash,
            is_held,
        });
    }

    pub(super) fn send(&mut self, frame: impl Into<Frame>) {
        let frame: Frame = frame.into();
        self.outputs.push_back(Output::Send(frame.encode()));
    }

    fn end(&mut self) {
        self.state = State::Ended;
        self.deadline = None;
        self.outputs.push_back(Output::Close);
    }
}

/// Returns the roster's head once an append is taken; the expected one when it holds no readable entry.
fn head_after(append: &RosterAppend) -> RosterHash {
    let last = append.entries.last();
    last.and_then(|entry| Entry::decode(entry).ok())
        .map_or(append.expected_head, |entry| entry.hash())
}
