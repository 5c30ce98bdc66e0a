//! The state machine of the client's half.

use std::collections::VecDeque;

use protocol::{
    Blob, Challenge, Cursor, Cut, Entry, EnvelopeHash, Frame, Hello, Prove, Push, RelayKey,
    RosterAppend, RosterGrew, RosterHash, RosterMore, SESSION_VERSIONS, Welcome,
    limits::{BATCH_BYTES, MAX_ROSTER_ENTRIES_PER_FRAME, MAX_ROSTER_ENTRY_BYTES},
};
use vault::SessionTerms;

use super::{
    Broken, Established, HANDSHAKE_MS, Input, LogReplaced, OFFER_BYTES_PER_MS, Output, Progress,
    Start,
    inbox::Inbox,
    outbox::{Next, Outbox},
};

/// The bytes of entries after which a piece of a roster that is offered is full.
///
/// Small, so that a slow line brings each piece within the relay's patience.
const OFFER_BYTES: usize = MAX_ROSTER_ENTRY_BYTES;

/// What the relay said about itself in the challenge.
#[derive(Debug, Clone, Copy)]
struct Proven {
    version: u32,
    terms: SessionTerms,
}

/// The parts of a session in which both sides work.
#[derive(Debug)]
struct Work {
    inbox: Inbox,
    outbox: Outbox,
    settled: Option<bool>,
}

#[derive(Debug)]
enum State {
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
    start: Start,
    state: State,
    outputs: VecDeque<Output>,
    appends: VecDeque<RosterAppend>,
    append_in_flight: Option<RosterHash>,
    deadline: Option<u64>,
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
        if let Err(broken) = self.take(now_ms, input) {
            self.outputs.push_back(Output::Broken(broken));
            self.end();
        }
        self.work_on();
    }

    /// Returns the next thing that follows from the last input.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Tells whether the shell should read the next frame from the socket.
    pub fn wants_frames(&self) -> bool {
        match &self.state {
            State::Working(work) => work.inbox.is_comfortable(),
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
            Input::LocalHead { sequence, hash } => match &mut self.state {
                State::Working(work) => work.outbox.grow((sequence, hash)),
                _ if sequence >= self.start.own_head.0 => self.start.own_head = (sequence, hash),
                _ => {}
            },
            Input::Outbox { envelopes } => return self.push(envelopes),
            Input::Applied { cursor } => {
                if let State::Working(work) = &mut self.state {
                    work.inbox.applied(cursor)?;
                }
            }
            Input::Roster { entries } => self.offer(now_ms, entries),
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
        }
        Ok(())
    }

    fn greet(&mut self, now_ms: u64) {
        if !matches!(self.state, State::Fresh) {
            return;
        }
        self.send(Hello {
            versions: SESSION_VERSIONS.to_vec(),
            workspace: self.start.workspace,
            key: self.start.identity.key(),
            nonce: self.start.nonce,
        });
        self.deadline = Some(now_ms.saturating_add(HANDSHAKE_MS));
        self.state = State::Greeted;
    }

    fn frame(&mut self, frame: Frame) -> Result<(), Broken> {
        match (&mut self.state, frame) {
            (State::Greeted, Frame::Challenge(challenge)) => self.prove(&challenge),
            (State::Proved(proven), Frame::Welcome(welcome)) => {
                let proven = *proven;
                self.establish(proven, welcome)
            }
            (State::Working(work), Frame::Log(log)) => work.inbox.receive(log.first, log.items),
            (State::Working(work), Frame::Stored(stored)) => {
                if work.outbox.stored(&stored.cut)? {
                    let cut = stored.cut;
                    self.outputs.push_back(acknowledged(Some(&cut)));
                }
                Ok(())
            }
            (State::Working(_), Frame::RosterGrew(grew)) => {
                self.roster_grew(grew);
                Ok(())
            }
            (State::Working(_), Frame::RosterMoved(moved)) if self.append_in_flight.is_some() => {
                self.append_in_flight = None;
                self.outputs.push_back(Output::RosterMoved {
                    entries: moved.entries,
                    head: moved.head,
                });
                Ok(())
            }
            (_, Frame::Refused(refused)) => {
                self.outputs.push_back(Output::Refused {
                    code: refused.code,
                    text: refused.text,
                    cut: refused.cut,
                });
                self.end();
                Ok(())
            }
            (_, Frame::Bye(_)) => {
                self.end();
                Ok(())
            }
            (state, frame) => Err(Broken::OutOfTurn {
                frame: frame.name(),
                state: state.name(),
            }),
        }
    }

    fn prove(&mut self, challenge: &Challenge) -> Result<(), Broken> {
        let version = challenge.version;
        if !SESSION_VERSIONS.contains(&version) {
            return Err(Broken::Version { version });
        }
        let terms = SessionTerms {
            relay: challenge.relay,
            workspace: self.start.workspace,
            client_nonce: self.start.nonce,
            relay_nonce: challenge.nonce,
        };
        if terms.verify_challenge(&challenge.signature).is_err() {
            return Err(Broken::RelaySignature);
        }
        let proven = Proven { version, terms };
        if challenge.known {
            self.send_proof(proven, None, false);
        } else {
            self.state = State::RosterAsked(proven);
            self.outputs.push_back(Output::ReadRoster);
        }
        Ok(())
    }

    /// Offers the roster to a relay that does not know the workspace, in as many pieces as it needs.
    fn offer(&mut self, now_ms: u64, entries: Vec<Blob>) {
        let State::RosterAsked(proven) = self.state else {
            return;
        };
        let bytes: usize = entries.iter().map(|entry| entry.len()).sum();
        let patience_ms = HANDSHAKE_MS + bytes as u64 / OFFER_BYTES_PER_MS;
        self.deadline = Some(now_ms.saturating_add(patience_ms));
        let mut pieces = pieces_of(entries).into_iter();
        let first = pieces.next();
        let mut left = pieces.len();
        self.send_proof(proven, first, left > 0);
        for entries in pieces {
            left -= 1;
            self.send(RosterMore {
                entries,
                more: left > 0,
            });
        }
    }

    fn send_proof(&mut self, proven: Proven, entries: Option<Vec<Blob>>, more: bool) {
        self.send(Prove {
            signature: proven.terms.sign_proof(&self.start.identity),
            roster_head: self.start.roster_head,
            cursor: self.start.cursor,
            entries,
            more,
        });
        self.state = State::Proved(proven);
    }

    fn establish(&mut self, proven: Proven, welcome: Welcome) -> Result<(), Broken> {
        self.deadline = None;
        let relay = proven.terms.relay;
        if let Some(start) = welcome.log_start {
            let held = self.start.cursor.filter(|_| welcome.continues);
            let have = held.map_or(0, |cursor| cursor.sequence);
            if have.saturating_add(1) < start.sequence {
                return Err(Broken::LogCut {
                    have,
                    begins: start.sequence,
                });
            }
        }
        self.outputs.push_back(Output::Established(Established {
            version: proven.version,
            relay,
            epoch: welcome.epoch,
            log_sequence: welcome.sequence,
            relay_now_ms: welcome.now_ms,
        }));
        let own = welcome.own.filter(|cut| cut.sequence > 0);
        let cursor = self.cursor_for(relay, &welcome, own);
        if !welcome.entries.is_empty() {
            self.outputs.push_back(Output::Roster {
                entries: welcome.entries,
            });
        }
        let Some(outbox) = Outbox::new(self.start.own_head, own.as_ref()) else {
            self.forked(own, self.start.own_head);
            return Ok(());
        };
        if own.map_or(0, |cut| cut.sequence) != self.start.acknowledged {
            self.outputs.push_back(acknowledged(own.as_ref()));
        }
        self.state = State::Working(Box::new(Work {
            inbox: Inbox::new(cursor, welcome.sequence),
            outbox,
            settled: None,
        }));
        Ok(())
    }

    /// Returns the cursor behind which the relay sends its log: the client's, or the beginning when that does not hold.
    fn cursor_for(&mut self, relay: RelayKey, welcome: &Welcome, own: Option<Cut>) -> Cursor {
        let mine = self.start.cursor.filter(|cursor| {
            welcome.continues && cursor.relay == relay && cursor.epoch == welcome.epoch
        });
        if let Some(cursor) = mine {
            return cursor;
        }
        if let Some(cursor) = self.start.cursor {
            self.outputs.push_back(Output::LogReplaced(LogReplaced {
                cursor,
                relay,
                epoch: welcome.epoch,
                log_sequence: welcome.sequence,
                own,
            }));
        }
        let anywhere = Cursor {
            relay,
            epoch: welcome.epoch,
            sequence: 0,
            running: protocol::LogHash::ZERO,
        };
        Inbox::beginning(&self.start.workspace, anywhere)
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
        match work.outbox.take(envelopes)? {
            Next::Push(envelopes) => self.send(Push { envelopes }),
            Next::Nothing => {}
            Next::Forked => {
                let own = work.outbox.head();
                self.forked(None, own);
            }
        }
        Ok(())
    }

    fn forked(&mut self, relay: Option<Cut>, own: (u64, EnvelopeHash)) {
        self.outputs.push_back(Output::Forked { relay, own });
        self.end();
    }

    /// Asks for, hands out and reports whatever the new state allows.
    fn work_on(&mut self) {
        let State::Working(work) = &mut self.state else {
            return;
        };
        if let Some(after_sequence) = work.outbox.ask() {
            self.outputs.push_back(Output::ReadOutbox {
                after_sequence,
                max_bytes: BATCH_BYTES,
            });
        }
        if let Some(batch) = work.inbox.next_batch() {
            self.outputs.push_back(Output::Apply {
                first: batch.first,
                items: batch.items,
                cursor: batch.cursor,
            });
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
        if self.append_in_flight.is_none()
            && let Some(append) = self.appends.pop_front()
        {
            self.append_in_flight = Some(head_after(&append));
            self.send(append);
        }
    }

    fn send(&mut self, frame: impl Into<Frame>) {
        let frame: Frame = frame.into();
        self.outputs.push_back(Output::Send(frame.encode()));
    }

    fn end(&mut self) {
        self.state = State::Ended;
        self.deadline = None;
        self.outputs.push_back(Output::Close);
    }
}

impl Work {
    fn progress(&self) -> Progress {
        Progress {
            to_send: self.outbox.missing(),
            to_fetch: self.inbox.missing(),
        }
    }

    /// What was pushed in this session comes back in the log, after all that the relay had received before it.
    fn is_settled(&self) -> bool {
        self.progress() == Progress::default() && self.outbox.is_echoed(self.inbox.newest_own())
    }
}

/// Cuts a roster into pieces for one frame each.
fn pieces_of(entries: Vec<Blob>) -> Vec<Vec<Blob>> {
    let mut pieces: Vec<Vec<Blob>> = Vec::new();
    let mut bytes = 0;
    for entry in entries {
        match pieces.last_mut() {
            Some(piece)
                if bytes + entry.len() <= OFFER_BYTES
                    && piece.len() < MAX_ROSTER_ENTRIES_PER_FRAME =>
            {
                bytes += entry.len();
                piece.push(entry);
            }
            _ => {
                bytes = entry.len();
                pieces.push(vec![entry]);
            }
        }
    }
    pieces
}

fn acknowledged(cut: Option<&Cut>) -> Output {
    let (sequence, hash) = cut.map_or((0, EnvelopeHash::ZERO), |cut| (cut.sequence, cut.hash));
    Output::Acknowledged { sequence, hash }
}

/// Returns the roster's head once an append is taken; the expected one when it holds no readable entry.
fn head_after(append: &RosterAppend) -> RosterHash {
    let last = append.entries.last();
    last.and_then(|entry| Entry::decode(entry).ok())
        .map_or(append.expected_head, |entry| entry.hash())
}
