//! The link to the relay: when to connect, what to do with what the session asks for, when to try again.

use std::collections::VecDeque;

use protocol::{Cursor, Cut, FeedId, LogHash, Nonce, Refusal as Refused, RosterHash};
use store::Reading;
use sync::Backoff;
use sync::client::{Input, Output as SessionOutput, Progress, Session, Start};

use vault::Roster;

use super::Core;
use super::admin::{Settling, Signer};
use super::device::{Device, META_COMPARES, META_COMPLETE};
use super::exchange::Errand;
use super::fork::Succession;
use super::join::Joining;
use super::problem::Problem;
use crate::headless::{ClientId, NetInput, Output};
use crate::interface::Failure;

/// The most own envelopes that are read for sending at once.
const OUTBOX_COUNT: usize = 1_024;

/// A piece of a feed that the relay was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// A piece of its branch of a feed that has another one here, up to a place.
    Branch(Cut),
    /// All that it holds of a feed behind the cut.
    Held(FeedId),
}

/// The state of meeting the relay.
#[derive(Default)]
pub(super) struct Link {
    pub(super) session: Option<Session>,
    pub(super) joining: Option<Joining>,
    pub(super) errands: Vec<Errand>,
    pub(super) is_following: bool,
    pub(super) is_established: bool,
    pub(super) is_settled: bool,
    pub(super) progress: Option<Progress>,
    pub(super) received: u64,
    /// How many own envelopes a relay has taken.
    pub(super) sent: u64,
    /// The first and the last own envelope that was handed out in this session and is not acknowledged.
    handed: Option<(u64, u64)>,
    /// How many envelopes of others were brought to relays that lacked them.
    pub(super) carried: u64,
    pub(super) problem: Option<Failure>,
    pub(super) succession: Option<Succession>,
    /// What the relay was asked for, in the order of asking, which is that of its answers.
    pub(super) wants: VecDeque<Wanted>,
    /// Whose entries are on their way to the relay's roster.
    pub(super) signing: Option<Signer>,
    pub(super) settling: Option<Settling>,
    /// The head of the roster for which nothing is left to be signed without a decision, as far as is known.
    pub(super) settled_for: Option<RosterHash>,
    /// The roster of a relay that does not know the head of ours.
    pub(super) theirs: Option<Roster>,
    pub(super) is_held_asked: bool,
    /// The head of the roster for which the relay was offered in this session what it lacks.
    pub(super) offered_for: Option<RosterHash>,
    backoff: Backoff,
    retry_at_ms: Option<i64>,
}

impl Link {
    /// Forgets what a client that is gone was waiting for; an invite that was begun is brought to its end all the same.
    pub(super) fn forget(&mut self, client: ClientId) {
        self.errands.retain(|errand| {
            errand.caller().client != client
                || matches!(errand, Errand::Invite(_) | Errand::Change(_))
        });
    }

    /// Forgets what only the last session knew.
    fn begin_session(&mut self) {
        self.signing = None;
        self.theirs = None;
        self.handed = None;
        self.wants.clear();
        self.is_held_asked = false;
        self.offered_for = None;
        if self.settling.take().is_some() {
            self.settled_for = None;
        }
    }

    /// Notes that an own envelope is on its way.
    pub(super) fn hand_out(&mut self, sequence: u64) {
        let (first, last) = self.handed.unwrap_or((sequence, sequence));
        self.handed = Some((first.min(sequence), last.max(sequence)));
    }

    /// Counts what the relay has taken of what was handed out; it may have had more before, by another copy of the home.
    pub(super) fn count_sent(&mut self, up_to: u64) {
        if let Some((first, last)) = self.handed.filter(|(first, _)| *first <= up_to) {
            let taken = up_to.min(last);
            self.sent += taken + 1 - first;
            self.handed = (taken < last).then_some((taken + 1, last));
        }
    }

    fn is_wanted(&self) -> bool {
        self.is_following || self.joining.is_some() || !self.errands.is_empty()
    }
}

impl Core {
    /// Connects when somebody wants the relay and nothing speaks against it, and leaves it when nobody does.
    pub(super) fn settle_connection(&mut self) {
        if !self.link.is_wanted() {
            self.link.retry_at_ms = None;
            self.hang_up();
            return;
        }
        let is_due = self
            .link
            .retry_at_ms
            .is_none_or(|at| at <= self.around.now_ms());
        if self.link.session.is_none() && is_due {
            self.connect();
        }
    }

    fn connect(&mut self) {
        let nonce = Nonce::from_bytes(self.random());
        let (start, url) = match (&self.link.joining, &self.device) {
            (Some(joining), _) => (joining.start(nonce), joining.link.origin.ws_url()),
            (None, Some(device)) => {
                let Some(relay) = &device.relay else {
                    return self.no_relay();
                };
                let start = Start {
                    workspace: device.roster.workspace(),
                    identity: device.keys.signing.clone(),
                    nonce,
                    roster_head: device.roster.head(),
                    own_head: device.head,
                    acknowledged: device.acknowledged,
                    cursor: self.cursor_to_show(device),
                };
                (start, relay.ws_url())
            }
            (None, None) => return self.no_relay(),
        };
        self.link.retry_at_ms = None;
        self.link.is_settled = false;
        self.link.is_established = false;
        self.link.succession = None;
        self.link.begin_session();
        self.link.session = Some(Session::new(start));
        self.is_changed = true;
        self.outputs.push_back(Output::Connect { url });
    }

    /// Gives the cursor by which the relay finds out what this device lacks; one that no log holds when both sides must
    /// compare what they have, because there is something here that only others would send.
    fn cursor_to_show(&self, device: &Device) -> Option<Cursor> {
        let read = self.store.read().ok();
        let compares = read.and_then(|read| read.meta(META_COMPARES).ok().flatten());
        let shown = |cursor: Cursor| match compares {
            Some(_) => Cursor {
                running: LogHash::ZERO,
                sequence: cursor.sequence.max(1),
                ..cursor
            },
            None => cursor,
        };
        device.cursor.map(shown)
    }

    /// Ends the session and begins another at once.
    pub(super) fn meet_again(&mut self) {
        self.hang_up();
        self.link.succession = None;
        self.link.retry_at_ms = None;
        self.is_changed = true;
    }

    fn no_relay(&mut self) {
        self.link.is_following = false;
        self.lose(Failure::new(
            "no-relay",
            "this workspace has no relay",
            Some("name one: handschlag relay URL"),
        ));
    }

    /// Takes what happened on the network.
    pub(super) fn take_net(&mut self, input: NetInput) {
        match input {
            NetInput::Opened => self.session_input(Input::Opened),
            NetInput::Frame(bytes) => self.session_input(Input::Frame(bytes)),
            NetInput::Closed { reason } => {
                let was_established = self.link.is_established;
                self.session_input(Input::Closed);
                self.link.session = None;
                // Where nothing was there yet, the reason is a sentence that says what was met instead of a relay.
                let reason = if was_established {
                    format!("the connection to the relay was lost: {reason}")
                } else {
                    reason
                };
                let way_out = if self.link.joining.is_some() {
                    "check the link, or try again when the relay is there"
                } else {
                    "everything is kept here; check the address, or try again when the relay is there: handschlag sync"
                };
                self.lose(Failure::new("relay-away", reason, Some(way_out)));
            }
        }
    }

    /// Gives the session an input and does what follows; without a session nothing happens.
    pub(super) fn session_input(&mut self, input: Input) {
        let now_ms = self.around.now_ms().max(0).cast_unsigned();
        let Some(session) = self.link.session.as_mut() else {
            return;
        };
        session.handle(now_ms, input);
        while let Some(output) = self.link.session.as_mut().and_then(Session::poll) {
            match self.follow_session(output) {
                Ok(None) => {}
                Ok(Some(answer)) => {
                    if let Some(session) = self.link.session.as_mut() {
                        session.handle(now_ms, answer);
                    }
                }
                Err(problem) => {
                    self.recover(&problem);
                    self.hang_up();
                    self.lose(problem.into());
                }
            }
        }
    }

    /// Ends the session and leaves the relay, if it is met.
    pub(super) fn hang_up(&mut self) {
        if self.link.session.take().is_some() {
            self.outputs.push_back(Output::Disconnect);
        }
        self.link.is_established = false;
        self.link.is_settled = false;
    }

    /// Does what the session asks for; some of it has an answer.
    fn follow_session(&mut self, output: SessionOutput) -> Result<Option<Input>, Problem> {
        match output {
            SessionOutput::Send(bytes) => self.outputs.push_back(Output::Send(bytes)),
            SessionOutput::Established(_) => {
                self.link.is_established = true;
                self.link.problem = None;
                self.is_changed = true;
                return self.established();
            }
            SessionOutput::Roster { entries } => return self.roster_grew(&entries),
            SessionOutput::RosterAppended { .. } => return self.roster_appended(),
            SessionOutput::RosterMoved { entries, .. } => return self.roster_moved(&entries),
            SessionOutput::ReadRoster => {
                let entries = self
                    .device
                    .as_ref()
                    .map(|device| device.roster.entries().to_vec())
                    .unwrap_or_default();
                return Ok(Some(Input::Roster { entries }));
            }
            SessionOutput::ReadOutbox {
                after_sequence,
                max_bytes,
            } => return self.read_outbox(after_sequence, max_bytes),
            SessionOutput::Acknowledged { sequence, .. } => self.acknowledged(sequence)?,
            SessionOutput::Apply {
                first,
                items,
                cursor,
            } => {
                if self.is_of_another_branch(&items)? {
                    self.meet_again();
                    return Ok(None);
                }
                self.link.received += self.apply_batch(first, &items, cursor)?;
                return Ok(Some(Input::Applied { cursor }));
            }
            SessionOutput::Settled => self.settled()?,
            SessionOutput::Unsettled(progress) => {
                self.link.is_settled = false;
                self.link.progress = Some(progress);
                self.is_changed = true;
            }
            SessionOutput::LogReplaced(_) => {}
            SessionOutput::WantEnded => return self.want_ended(),
            SessionOutput::HeldFeeds { feeds } => self.held_feeds(&feeds)?,
            SessionOutput::Held { feed, envelopes } => self.take_held(feed, &envelopes)?,
            SessionOutput::CutRefused { heads } => return self.cut_refused(heads),
            SessionOutput::ReadHeads => return self.read_heads().map(Some),
            SessionOutput::ReadHashes { places } => return self.read_hashes(&places).map(Some),
            SessionOutput::ReadMissing {
                missing,
                after,
                max_bytes,
                max_envelopes,
            } => {
                let read = self.read_missing(&missing, after, max_bytes, max_envelopes);
                return read.map(Some);
            }
            SessionOutput::Carried { envelopes } => {
                return self.take_carried(&envelopes).map(Some);
            }
            SessionOutput::Compared(compared) => self.compared(&compared)?,
            SessionOutput::Taken { heads } => self.taken(&heads)?,
            SessionOutput::Forked {
                feed,
                common: Some(common),
                ..
            } if self.is_own(&feed) => {
                return self.begin_succession((common.sequence, common.hash));
            }
            // The next session finds out where the branches part.
            SessionOutput::Forked { feed, .. } if self.is_own(&feed) => self.meet_again(),
            SessionOutput::OwnFeedAhead { .. } => return self.succeed_where_it_stands(),
            SessionOutput::Forked { relay, .. } => return self.ask_for_branch(relay),
            // Nothing here asks for these.
            SessionOutput::Refused { code, text, .. } => {
                self.hang_up();
                self.refused_by_relay(code, &text);
            }
            SessionOutput::Broken(broken) => {
                self.hang_up();
                self.lose(Failure::new(
                    "relay-broken",
                    broken.to_string(),
                    Some("update both sides, then try again: handschlag sync"),
                ));
            }
            SessionOutput::Close => self.hang_up(),
        }
        Ok(None)
    }

    fn is_own(&self, feed: &protocol::FeedId) -> bool {
        let device = self.device.as_ref();
        device.is_some_and(|device| device.keys.feed() == *feed)
    }

    fn read_outbox(
        &mut self,
        after_sequence: u64,
        max_bytes: usize,
    ) -> Result<Option<Input>, Problem> {
        let Some(device) = &self.device else {
            return Ok(Some(Input::Outbox {
                envelopes: Vec::new(),
            }));
        };
        let feed = device.keys.feed();
        let accepted = self.continued_at();
        if let Some(cut) = accepted.filter(|cut| after_sequence >= cut.0) {
            return self.begin_succession(cut);
        }
        let mut envelopes = self.store.read()?.envelopes_of(
            feed.as_bytes(),
            after_sequence + 1,
            OUTBOX_COUNT,
            max_bytes,
        )?;
        // What comes after is sent by the device that continues this one.
        let last = accepted.map_or(u64::MAX, |cut| cut.0);
        envelopes.retain(|(sequence, _)| *sequence <= last);
        for (sequence, _) in &envelopes {
            self.link.hand_out(*sequence);
        }
        Ok(Some(Input::Outbox { envelopes }))
    }

    fn settled(&mut self) -> Result<(), Problem> {
        self.link.is_settled = true;
        // A relay that lets us in and then fails is to be met as seldom as one that is away.
        self.link.backoff.reset();
        self.link.progress = Some(Progress::default());
        self.is_changed = true;
        let now_ms = self.around.now_ms();
        if let Some(device) = self.device.as_mut().filter(|_| self.link.joining.is_none()) {
            // To the minute is enough for a person, and an idle system must not write.
            if device
                .complete_ms
                .is_none_or(|last| now_ms - last > 60_000 || now_ms < last)
            {
                let write = self.store.write()?;
                write.set_meta(META_COMPLETE, &now_ms.max(0).cast_unsigned().to_be_bytes())?;
                write.commit()?;
            }
            device.complete_ms = Some(now_ms);
        }
        if let Some(cut) = self.continued_at() {
            if let Some(input) = self.begin_succession(cut)? {
                self.session_input(input);
            }
            return Ok(());
        }
        if let Some(input) = self.offer_lacking()? {
            self.session_input(input);
            return Ok(());
        }
        if self.rescue_branches()? {
            return Ok(());
        }
        self.begin_settlement()?;
        // What was refused by what was known before the relay was met may be right now, or is told.
        if let Some(input) = self.sign_next()? {
            self.session_input(input);
        }
        self.finish_errands();
        Ok(())
    }

    fn refused_by_relay(&mut self, code: Refused, text: &str) {
        if self.join_as_device(code) {
            return;
        }
        let (word, reason, way_out) = match code {
            Refused::Version => (
                "relay-version",
                "the relay speaks another version",
                "update both sides",
            ),
            Refused::NotAMember => (
                "not-a-member",
                "the relay does not know this device",
                "ask an admin: handschlag held names this device if it joined at a relay that was lost, and handschlag accept-held lets it count; else an invite into a new home",
            ),
            Refused::WorkspaceUnknown => (
                "workspace-unknown",
                "the relay does not know this workspace and may not take it",
                "let its operator allow it: --allow WORKSPACE, or --open",
            ),
            Refused::Revoked => (
                "revoked",
                "this device was revoked",
                "ask an admin of the workspace",
            ),
            // The relay's text says which of the two it is.
            Refused::InviteSpent if !text.is_empty() => {
                let way_out = Some("ask for a new one");
                self.lose(Failure::new("invite-ended", text, way_out));
                return;
            }
            Refused::InviteSpent => (
                "invite-ended",
                "the invite is used up or has expired",
                "ask for a new one",
            ),
            Refused::RoleForbids => (
                "role",
                "the role of this device's member forbids that",
                "ask an admin",
            ),
            Refused::Quota => ("quota", "the relay takes no more", "ask its operator"),
            Refused::Fork => (
                "forked",
                "the relay has other transactions of this device",
                "ask an admin",
            ),
            _ => (
                "relay-refused",
                "the relay refused",
                "see what its log says, then try again: handschlag sync",
            ),
        };
        let text = if text.is_empty() {
            String::new()
        } else {
            format!(" ({text})")
        };
        self.lose(Failure::new(word, format!("{reason}{text}"), Some(way_out)));
    }

    /// Ends what was waiting for the relay with a failure, and plans the next attempt of those who follow it.
    pub(super) fn lose(&mut self, failure: Failure) {
        self.link.is_established = false;
        self.link.is_settled = false;
        self.is_changed = true;
        self.fail_errands(&failure);
        self.link.problem = Some(failure);
        if self.link.is_following {
            let random = u64::from_be_bytes(self.random());
            let wait = self.link.backoff.next(random);
            let wait_ms = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
            self.link.retry_at_ms = Some(self.around.now_ms().saturating_add(wait_ms));
        }
    }

    /// Keeps meeting the relay, or stops that.
    pub(super) fn follow(&mut self, on: bool) -> Result<(), Failure> {
        if on && self.device()?.relay.is_none() {
            return Err(Failure::new(
                "no-relay",
                "this workspace has no relay",
                Some("name one: handschlag relay URL"),
            ));
        }
        self.link.is_following = on;
        self.is_changed = true;
        Ok(())
    }

    /// Lets time pass: the session's deadline, errands that took too long.
    pub(super) fn let_time_pass(&mut self) {
        self.session_input(Input::Tick);
        self.expire_errands();
    }

    /// Says when something waits for time.
    pub(super) fn next_deadline_ms(&self) -> Option<i64> {
        let session = self
            .link
            .session
            .as_ref()
            .and_then(Session::deadline)
            .map(u64::cast_signed);
        let errands = self
            .link
            .errands
            .iter()
            .map(Errand::deadline_ms)
            .chain(self.link.joining.iter().map(|one| one.deadline_ms));
        errands.chain(session).chain(self.link.retry_at_ms).min()
    }

    /// Says how the connection stands, in one word.
    pub(super) fn connection_word(&self) -> &'static str {
        match (&self.device, &self.link.session) {
            (Some(device), _) if device.relay.is_none() => "alone",
            (_, Some(_)) if self.link.is_established => "connected",
            (_, Some(_)) => "connecting",
            _ => "away",
        }
    }
}

impl Joining {
    /// Prepares the session of a device that is not in the roster yet: the invite speaks for it.
    fn start(&self, nonce: Nonce) -> Start {
        Start {
            workspace: self.link.workspace,
            identity: if self.is_in_roster {
                self.keys.signing.clone()
            } else {
                self.link.secret.signing()
            },
            nonce,
            roster_head: RosterHash::ZERO,
            own_head: (0, protocol::EnvelopeHash::ZERO),
            acknowledged: 0,
            cursor: None,
        }
    }
}
