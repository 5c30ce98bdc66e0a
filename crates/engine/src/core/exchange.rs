//! Errands with the relay: meeting it and naming it; what inviting and joining have in common.

use model::IntentId;
use model::intent::Intent;
use protocol::{Blob, BodyOutline, Entry};
use sync::client::Input;
use vault::{Comparison, RelayOrigin, Roster, Side};

use super::admin::{Change, Signer};
use super::device::META_RELAY;
use super::invite::Inviting;
use super::problem::Problem;
use super::{Caller, Core};
use crate::interface::{Answer, Failure, SyncAnswer};

/// How long joining, inviting and naming a relay may take (ms).
pub(super) const ERRAND_MS: i64 = 30_000;

/// The longest time that a client may ask the relay to be met for (ms): an hour.
const MAX_SYNC_MS: u64 = 60 * 60 * 1000;

/// How often an entry is signed anew because the roster had grown.
pub(super) const MAX_SIGNINGS: u32 = 8;

/// A call that the relay has to be met for.
pub(super) enum Errand {
    /// Both sides shall have all.
    Sync {
        caller: Caller,
        deadline_ms: i64,
        received_before: u64,
        carried_before: u64,
        sent_before: u64,
    },
    /// An invite is being made.
    Invite(Box<Inviting>),
    /// The roster is being changed.
    Change(Box<Change>),
    /// A device has joined and takes over what there is.
    Joined { caller: Caller, deadline_ms: i64 },
}

impl Errand {
    pub(super) fn caller(&self) -> Caller {
        match self {
            Errand::Sync { caller, .. } | Errand::Joined { caller, .. } => *caller,
            Errand::Invite(inviting) => inviting.caller,
            Errand::Change(change) => change.caller,
        }
    }

    pub(super) fn deadline_ms(&self) -> i64 {
        match self {
            Errand::Sync { deadline_ms, .. } | Errand::Joined { deadline_ms, .. } => *deadline_ms,
            Errand::Invite(inviting) => inviting.deadline_ms,
            Errand::Change(change) => change.deadline_ms,
        }
    }
}

/// Says that a relay which lost its log, or is new, has not yet heard of others what this device has of them.
fn lacking(count: u64) -> Failure {
    Failure::new(
        "relay-lacks",
        format!("the relay lacks {count} transactions of other devices that are here"),
        Some("they arrive there when those devices sync; keep this home until then"),
    )
}

/// Brings a relay our roster from an entry on; nothing when it ends there.
fn bring(roster: &Roster, from: usize) -> Option<Input> {
    let entries = roster.entries()[from..].to_vec();
    (!entries.is_empty()).then_some(Input::BringRoster { entries })
}

fn late() -> Failure {
    Failure::new(
        "too-late",
        "the relay was not done in time",
        Some("everything is kept here; try again: handschlag sync"),
    )
}

impl Core {
    /// Begins to meet the relay for a client.
    pub(super) fn begin_sync(&mut self, caller: Caller, timeout_ms: u64) -> Result<(), Failure> {
        let device = self.device()?;
        if device.relay.is_none() {
            return Err(Failure::new(
                "no-relay",
                "this workspace has no relay",
                Some("name one: handschlag relay URL"),
            ));
        }
        let timeout_ms = timeout_ms.min(MAX_SYNC_MS).cast_signed();
        self.link.errands.push(Errand::Sync {
            caller,
            deadline_ms: self.around.now_ms().saturating_add(timeout_ms),
            received_before: self.link.received,
            carried_before: self.link.carried,
            sent_before: self.link.sent,
        });
        if self.link.is_settled {
            self.finish_errands();
        }
        Ok(())
    }

    /// Keeps the relay's address and makes the workspace known there.
    pub(super) fn begin_relay(&mut self, caller: Caller, url: &str) -> Result<(), Failure> {
        self.device()?;
        let origin = RelayOrigin::parse(url).map_err(|error| {
            Failure::new(
                "bad-address",
                error.to_string(),
                Some("an address is like https://relay.example or http://127.0.0.1:7420"),
            )
        })?;
        let is_other = self.device()?.relay.as_ref() != Some(&origin);
        let write = self.store.write().map_err(Problem::from)?;
        write
            .set_meta(META_RELAY, origin.to_string().as_bytes())
            .and_then(|()| write.commit())
            .map_err(Problem::from)?;
        self.hang_up();
        if let Some(device) = self.device.as_mut() {
            device.relay = Some(origin);
        }
        if is_other {
            // What the former relay has says nothing about this one.
            self.acknowledged(0)?;
        }
        self.is_changed = true;
        self.begin_sync(caller, ERRAND_MS.cast_unsigned())
    }

    /// Does what waited for the relay to let this device in.
    pub(super) fn established(&mut self) -> Result<Option<Input>, Problem> {
        if self.link.joining.is_some() {
            return Ok(None);
        }
        self.ask_for_branches()?;
        self.sign_next()
    }

    /// Takes new roster entries in.
    pub(super) fn roster_grew(&mut self, entries: &[Blob]) -> Result<Option<Input>, Problem> {
        if self.link.joining.is_some() {
            return self.join_with(entries);
        }
        let theirs = self.gather_roster(entries)?;
        let was_revoked = self.revocation().is_some();
        let Some(device) = self.device.as_mut() else {
            return Ok(None);
        };
        let write = self.store.write()?;
        let mut answer = None;
        let is_new = match &theirs {
            None => device.take_roster(&write, entries)?,
            Some(theirs) => match device.roster.compare(theirs).map_err(Problem::roster)? {
                Comparison::Same => false,
                Comparison::OursContinues => {
                    answer = bring(&device.roster, theirs.entries().len());
                    false
                }
                Comparison::TheirsContinues => device.take_roster(&write, theirs.entries())?,
                Comparison::Parted { at, counts } => {
                    if counts == Side::Ours {
                        answer = bring(&device.roster, at);
                    }
                    device.meet_roster(&write, theirs.clone())?
                }
            },
        };
        if is_new {
            write.commit()?;
            self.is_changed = true;
            if self.revocation().is_none() {
                self.release_held()?;
                self.retry_waiting()?;
            } else if !was_revoked {
                // The relay ends the log of such a device; what is left to be done is another session's.
                self.meet_again();
                return Ok(None);
            }
        } else if theirs.is_none() {
            answer = device.relay_lacks_roster(entries);
        }
        Ok(answer)
    }

    /// Makes up the roster of a relay whose entries do not follow ours: it sends all, or what follows a shared one.
    fn gather_roster(&mut self, entries: &[Blob]) -> Result<Option<Roster>, Problem> {
        let (Some(device), Some(first)) = (&self.device, entries.first()) else {
            return Ok(None);
        };
        let previous = Entry::decode(first)
            .and_then(|entry| BodyOutline::decode(&entry.body))
            .map_err(Problem::roster)?
            .previous;
        let known = self.link.theirs.take();
        if previous == device.roster.head() {
            return Ok(None);
        }
        let both = known.iter().chain([&device.roster]);
        let shared = both
            .filter_map(|roster| {
                let rest = roster.entries_after(&previous)?.len();
                Some(&roster.entries()[..roster.entries().len() - rest])
            })
            .next();
        let Some(shared) = shared else {
            return Ok(None);
        };
        let theirs = Roster::from_entries(shared.iter().chain(entries)).map_err(Problem::roster)?;
        self.link.theirs = Some(theirs.clone());
        Ok(Some(theirs))
    }

    /// Goes on after the relay took an entry.
    pub(super) fn roster_appended(&mut self) -> Result<Option<Input>, Problem> {
        if self.link.joining.is_some() {
            self.adopt()?;
            return Ok(None);
        }
        if self.is_succession_taken() {
            self.succeed()?;
            return Ok(None);
        }
        match self.link.signing.take() {
            Some(Signer::Invite) => self.invite_appended()?,
            Some(Signer::Change(caller)) => self.changed(caller),
            Some(Signer::Settlement) => self.settlement_appended(),
            None => {}
        }
        self.sign_next()
    }

    /// Goes on with an invite that the relay took: the record of a new member comes next.
    fn invite_appended(&mut self) -> Result<(), Problem> {
        let inviting = self
            .link
            .errands
            .iter_mut()
            .find_map(|errand| match errand {
                Errand::Invite(inviting) if !inviting.is_appended => Some(inviting),
                _ => None,
            });
        let Some(inviting) = inviting else {
            return Ok(());
        };
        inviting.is_appended = true;
        let member = inviting.member;
        if let Some((name, email)) = inviting.user.clone() {
            let id = IntentId::fresh(self.around.now_ms(), self.random());
            self.carry_one(
                id,
                None,
                &Intent::EnrolMember {
                    member,
                    name,
                    email,
                },
            )?;
        } else if self.link.is_settled {
            self.finish_errands();
        }
        Ok(())
    }

    /// Signs again after the roster had grown meanwhile.
    pub(super) fn roster_moved(&mut self, entries: &[Blob]) -> Result<Option<Input>, Problem> {
        if let Some(joining) = self.link.joining.as_mut() {
            if let Some(roster) = joining.roster.as_mut() {
                for entry in entries {
                    roster.append(entry).map_err(Problem::roster)?;
                }
            }
            return self.sign_join();
        }
        self.link.signing = None;
        let brings = self.roster_grew(entries)?;
        if self.link.succession.is_some() {
            return self.sign_succession();
        }
        let signs = self.sign_next()?;
        Ok(signs.or(brings))
    }

    /// Answers the errands that are done once both sides have all.
    pub(super) fn finish_errands(&mut self) {
        // What the store refuses now, the next question tells.
        let is_waiting = self.is_waiting_for_answers().unwrap_or(false);
        if is_waiting || self.link.settling.is_some() {
            return;
        }
        let errands = std::mem::take(&mut self.link.errands);
        for errand in errands {
            match errand {
                Errand::Invite(inviting) if !inviting.is_appended => {
                    self.link.errands.push(Errand::Invite(inviting))
                }
                Errand::Change(change) => self.link.errands.push(Errand::Change(change)),
                done => {
                    let caller = done.caller();
                    let answer = self.answer_errand(done, None);
                    self.tell(caller, answer);
                }
            }
        }
    }

    fn answer_errand(
        &mut self,
        errand: Errand,
        problem: Option<Failure>,
    ) -> Result<Answer, Failure> {
        match (errand, problem) {
            (
                Errand::Sync {
                    received_before,
                    carried_before,
                    sent_before,
                    ..
                },
                problem,
            ) => {
                let device = self.device()?;
                let progress = self.link.progress;
                let relay_lacks = self.relay_lacks()?;
                let problem = problem.or_else(|| self.revocation());
                let problem = problem.or_else(|| (relay_lacks > 0).then(|| lacking(relay_lacks)));
                Ok(Answer::Synced(SyncAnswer {
                    complete: problem.is_none(),
                    relay_lacks,
                    only_here: device.only_here(),
                    not_here: progress.map(|progress| progress.to_fetch),
                    received: self.link.received - received_before,
                    carried: self.link.carried - carried_before,
                    held: device.own_held(),
                    sent: self.link.sent - sent_before,
                    problem,
                }))
            }
            (Errand::Joined { .. }, _) => {
                // The device is in the workspace; what is still to come arrives with the next sync.
                self.founded().map(Answer::Founded)
            }
            (Errand::Change(_), problem) => Err(problem.unwrap_or_else(late)),
            (Errand::Invite(inviting), problem) => match problem {
                // Once its entry is in the roster the invite holds, whatever happened to the connection then.
                Some(problem) if !inviting.is_appended => Err(problem),
                _ => self.invited(&inviting),
            },
        }
    }

    /// Answers all errands with a failure.
    pub(super) fn fail_errands(&mut self, failure: &Failure) {
        if let Some(joining) = self.link.joining.take() {
            self.tell(joining.caller, Err(failure.clone()));
        }
        for errand in std::mem::take(&mut self.link.errands) {
            let caller = errand.caller();
            let answer = self.answer_errand(errand, Some(failure.clone()));
            self.tell(caller, answer);
        }
    }

    /// Answers the errands that took too long.
    pub(super) fn expire_errands(&mut self) {
        let now_ms = self.around.now_ms();
        if self
            .link
            .joining
            .as_ref()
            .is_some_and(|joining| joining.deadline_ms <= now_ms)
            && let Some(joining) = self.link.joining.take()
        {
            self.hang_up();
            self.tell(joining.caller, Err(late()));
        }
        let (expired, going): (Vec<Errand>, Vec<Errand>) = std::mem::take(&mut self.link.errands)
            .into_iter()
            .partition(|errand| errand.deadline_ms() <= now_ms);
        self.link.errands = going;
        for errand in expired {
            let caller = errand.caller();
            let answer = self.answer_errand(errand, Some(late()));
            self.tell(caller, answer);
        }
    }
}
