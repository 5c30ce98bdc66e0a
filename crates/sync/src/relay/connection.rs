//! The state machine of the relay's half.

use std::{collections::VecDeque, sync::Arc};

use protocol::{
    Blob, Bye, Cut, Frame, Hello, Nonce, Prove, Refusal, Refused, SignerKey, Stored, WorkspaceId,
};
use vault::{Roster, SessionTerms, SigningIdentity};

use super::{
    Appending, Found, Input, MAX_PENDING, MAX_UNWRITTEN, MAX_WANTS, NotCreated, Output, PROOF_MS,
    Peer,
    enter::not_created,
    exchange::Exchange,
    follow::Follow,
    judge::{No, admit, check_push, not_pushed},
};
use crate::Appended;

/// A client that is getting in.
#[derive(Debug, Clone)]
pub(super) struct Entering {
    pub(super) hello: Hello,
    pub(super) terms: SessionTerms,
    pub(super) known: Option<Arc<Roster>>,
    /// Whether the workspace is there and its roster does not know the key.
    pub(super) is_stranger: bool,
}

/// A client whose roster was gathered, while its workspace begins or takes in what it lacks of that.
#[derive(Debug, Clone)]
pub(super) struct Creating {
    pub(super) entering: Entering,
    pub(super) prove: Prove,
    pub(super) entries: Vec<Blob>,
    /// How often the roster had moved before what this client brought was taken.
    pub(super) attempts: u32,
    /// The roster as it has grown meanwhile.
    pub(super) newest: Option<Arc<Roster>>,
}

#[derive(Debug)]
pub(super) enum State {
    /// Nothing was said yet.
    Fresh,
    /// The workspace is being looked up.
    Opening {
        hello: Hello,
        version: u32,
    },
    /// The proof is expected.
    Challenged(Box<Entering>),
    /// The client proved itself and is sending the roster of a workspace that is not known.
    Gathering(Box<(Entering, Prove, Roster)>),
    /// The workspace begins with the roster that came with the proof.
    Creating(Box<Creating>),
    /// The client's place is being looked up.
    Placing(Box<(Peer, Prove, Follow)>),
    /// The client works.
    Working(Box<Working>),
    Ended,
}

#[derive(Debug)]
pub(super) struct Working {
    pub(super) peer: Peer,
    pub(super) follow: Follow,
    pub(super) exchange: Exchange,
    pub(super) pending: usize,
    /// The roster append that the log has not decided; what comes after is judged by the roster with it.
    pub(super) appending: Option<Appending>,
    pub(super) shutting_down: bool,
}

impl Working {
    pub(super) fn new(peer: Peer, follow: Follow) -> Self {
        Working {
            peer,
            follow,
            exchange: Exchange::default(),
            pending: 0,
            appending: None,
            shutting_down: false,
        }
    }

    fn wants_frames(&self) -> bool {
        self.pending < MAX_PENDING
            && self.appending.is_none()
            && !self.exchange.is_comparing()
            && self.follow.unwritten() < MAX_UNWRITTEN
            && self.follow.wants() < MAX_WANTS
            && !self.shutting_down
    }
}

/// The relay's half of a session, for the life of one WebSocket.
#[derive(Debug)]
pub struct Connection {
    pub(super) relay: Arc<SigningIdentity>,
    pub(super) nonce: Nonce,
    pub(super) state: State,
    pub(super) outputs: VecDeque<Output>,
    unwritten: usize,
    pub(super) held: Arc<[Cut]>,
    pub(super) deadline: Option<u64>,
}

impl Connection {
    /// Waits for a client's hello.
    ///
    /// `nonce` is random and new for every connection, `now_ms` the relay's clock, ms since 1970.
    pub fn new(relay: Arc<SigningIdentity>, nonce: Nonce, now_ms: u64) -> Self {
        Connection {
            relay,
            nonce,
            state: State::Fresh,
            outputs: VecDeque::new(),
            unwritten: 0,
            held: Arc::new([]),
            deadline: Some(now_ms.saturating_add(PROOF_MS)),
        }
    }

    /// Takes one input; all that follows from it is then in [`Connection::poll`].
    ///
    /// `now_ms` is the relay's clock, ms since 1970.
    pub fn handle(&mut self, now_ms: u64, input: Input) {
        if matches!(self.state, State::Ended) {
            return;
        }
        if let Err(no) = self.take(now_ms, input) {
            self.refuse(no);
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
            State::Fresh | State::Challenged(_) | State::Gathering(_) => true,
            State::Opening { .. } | State::Creating(_) | State::Placing(_) | State::Ended => false,
            State::Working(working) => working.wants_frames(),
        }
    }

    /// Returns when [`Input::Tick`] is wanted.
    pub fn deadline(&self) -> Option<u64> {
        self.deadline
    }

    /// Tells whether the connection is over.
    pub fn is_ended(&self) -> bool {
        matches!(self.state, State::Ended)
    }

    /// Returns the workspace and the key of a client that has proved itself and was let in.
    pub fn peer(&self) -> Option<(WorkspaceId, SignerKey)> {
        match &self.state {
            State::Working(working) => Some((working.peer.workspace, working.peer.key)),
            _ => None,
        }
    }

    fn take(&mut self, now_ms: u64, input: Input) -> Result<(), No> {
        match input {
            Input::Frame(bytes) => return self.frame(now_ms, Frame::decode(&bytes)?),
            Input::NotBinary => {
                return Err(No::new(Refusal::Malformed, "frames are binary messages"));
            }
            Input::Written => match &mut self.state {
                State::Working(working) if self.unwritten == 0 => working.follow.written(),
                _ => self.unwritten = self.unwritten.saturating_sub(1),
            },
            Input::Workspace(Found::Known(roster)) => self.challenge(Some(roster), false),
            Input::Workspace(Found::MayBegin) => self.challenge(None, false),
            // This relay may have lost the entry by which it came in, and is asked for the roster as if nothing was there.
            Input::Workspace(Found::Stranger) => self.challenge(None, true),
            Input::Workspace(Found::NotAllowed) => {
                return Err(not_created(NotCreated::NotAllowed));
            }
            Input::Created(Ok(roster)) => return self.created(now_ms, roster),
            Input::Created(Err(why)) => return Err(not_created(why)),
            Input::Place { head, running, own } => return self.place(now_ms, head, running, own),
            Input::Appended(appended) => return self.appended(appended),
            Input::CarriedAppended { heads } => self.carried_appended(heads),
            Input::Compared(comparison) => self.compared(&comparison),
            Input::FeedRead { envelopes, is_held } => return self.feed_read(envelopes, is_held),
            Input::HeldChanged(held) => {
                // It can come before the client is in; then it is told once that is decided.
                self.held = Arc::clone(&held);
                if let Some(follow) = self.follow() {
                    follow.held_changed(held);
                }
            }
            Input::Outdated(roster) => return self.outdated(now_ms, roster),
            Input::LogGrew { sequence } => {
                if let Some(follow) = self.follow() {
                    follow.log_grew(sequence);
                }
            }
            Input::LogRead { entries } => {
                if let Some(frame) = self.follow().and_then(|follow| follow.log_read(entries)) {
                    self.send_piece(&frame);
                }
            }
            Input::RosterGrew(roster) => return self.roster_grew(now_ms, roster),
            Input::RosterAppended(appended) => {
                return self.roster_appended(now_ms, appended);
            }
            Input::Tick => {
                if self.deadline.is_some_and(|deadline| now_ms >= deadline) {
                    self.close("the client did not prove itself in time");
                }
            }
            Input::ShutDown => match &mut self.state {
                State::Working(working) => working.shutting_down = true,
                _ => self.leave(),
            },
            Input::Failed => self.close("the log has failed"),
        }
        Ok(())
    }

    fn frame(&mut self, now_ms: u64, frame: Frame) -> Result<(), No> {
        match (&mut self.state, frame) {
            (State::Fresh, Frame::Hello(hello)) => self.hello(hello),
            (State::Challenged(_), Frame::Prove(prove)) => self.prove(now_ms, prove),
            (State::Gathering(_), Frame::RosterMore(more)) => self.gather(now_ms, more),
            (State::Working(working), Frame::Push(push)) => {
                if !working.peer.is_device {
                    return Err(No::new(Refusal::RoleForbids, "an invite writes nothing"));
                }
                let roster = working.follow.roster();
                let judged = check_push(roster, working.peer.key.into(), push.envelopes)?;
                working.pending += 1;
                let judged_by = roster.head();
                self.outputs.push_back(Output::Append { judged, judged_by });
                Ok(())
            }
            (State::Working(_), Frame::RosterAppend(append)) => self.append_roster(now_ms, append),
            (State::Working(_), Frame::RosterMore(more)) => self.bring_roster(&more.entries),
            (State::Working(_), Frame::Heads(heads)) => self.heads(heads),
            (State::Working(_), Frame::Carry(carry)) => self.carry(carry),
            (State::Working(_), Frame::Want(want)) => self.want(want),
            (_, Frame::Bye(_)) => {
                self.close("the client left");
                Ok(())
            }
            (_, frame) => Err(No::new(
                Refusal::Malformed,
                format_args!("{} has no place here", frame.name()),
            )),
        }
    }

    fn appended(&mut self, appended: Appended) -> Result<(), No> {
        if let State::Working(working) = &mut self.state {
            working.pending = working.pending.saturating_sub(1);
        }
        match appended {
            Appended::Stored(cut) => {
                self.send(Stored { cut, held: false });
                Ok(())
            }
            Appended::Held(cut) => {
                self.send(Stored { cut, held: true });
                Ok(())
            }
            Appended::HeldFull(cut) => Err(No {
                cut,
                ..No::new(
                    Refusal::Quota,
                    "as much of this feed as may be is kept apart for the admins",
                )
            }),
            Appended::Fork(cut) => Err(No {
                cut,
                ..No::new(Refusal::Fork, "the log holds another envelope there")
            }),
            Appended::Gap(cut) => Err(No {
                cut,
                ..No::new(Refusal::Gap, "envelopes are missing before these")
            }),
        }
    }

    /// Refuses a push that the roster of now does not let be taken.
    fn outdated(&mut self, now_ms: u64, roster: Arc<Roster>) -> Result<(), No> {
        let State::Working(working) = &mut self.state else {
            return Ok(());
        };
        working.pending = working.pending.saturating_sub(1);
        working.follow.roster_grew(roster);
        admit(working.follow.roster(), working.peer.key, now_ms)?;
        let feed = working.peer.key.into();
        Err(not_pushed(working.follow.roster(), &feed))
    }

    fn feed_read(&mut self, envelopes: Vec<protocol::Blob>, is_held: bool) -> Result<(), No> {
        let Some(follow) = self.follow() else {
            return Ok(());
        };
        if let Some(frame) = follow.feed_read(envelopes, is_held)? {
            self.send_piece(&frame);
        }
        Ok(())
    }

    pub(super) fn follow(&mut self) -> Option<&mut Follow> {
        match &mut self.state {
            State::Placing(placing) => Some(&mut placing.2),
            State::Working(working) => Some(&mut working.follow),
            _ => None,
        }
    }

    /// Sends or asks for the next piece of roster and log, or leaves once nothing is on its way.
    fn work_on(&mut self) {
        let State::Working(working) = &mut self.state else {
            return;
        };
        let is_idle = working.pending == 0;
        if working.shutting_down && is_idle {
            self.leave();
            return;
        }
        // What came before must be in the log that is compared.
        if is_idle && let Some(known) = working.exchange.compare() {
            self.outputs.push_back(Output::Compare { known });
        }
        if let Some(piece) = self.follow().and_then(Follow::next_piece) {
            self.send_piece(&piece);
        }
        if let Some(read) = self.follow().and_then(Follow::next_read) {
            self.outputs.push_back(read);
        }
    }

    pub(super) fn send(&mut self, frame: impl Into<Frame>) {
        self.send_frame(&frame.into(), false);
    }

    pub(super) fn send_piece(&mut self, frame: &Frame) {
        self.send_frame(frame, true);
    }

    fn send_frame(&mut self, frame: &Frame, is_piece: bool) {
        match &mut self.state {
            State::Working(working) => working.follow.sending(is_piece),
            _ => self.unwritten += 1,
        }
        self.outputs.push_back(Output::Send(frame.encode()));
    }

    fn refuse(&mut self, no: No) {
        // The text can hold whole ids; it is for the client.
        let reason = format!("refused: {:?}", no.code);
        let mut text = no.text;
        text.truncate(text.floor_char_boundary(protocol::limits::MAX_TEXT_BYTES));
        self.send(Refused {
            code: no.code,
            text,
            cut: no.cut,
        });
        self.close(&reason);
    }

    fn leave(&mut self) {
        self.send(Bye {
            text: "the relay is shutting down; come back later".to_owned(),
        });
        self.close("the relay is shutting down");
    }

    fn close(&mut self, reason: &str) {
        self.state = State::Ended;
        self.deadline = None;
        self.outputs.push_back(Output::Close {
            reason: reason.to_owned(),
        });
    }
}
