//! Errands with the relay: meeting it, naming it, inviting, joining.

use model::intent::Intent;
use model::{IntentId, RecordId, Refusal, Role, number};
use protocol::{Blob, DeviceCode, MemberId, Refusal as Refused};
use store::Reading;
use sync::client::Input;
use vault::{DeviceKeys, InviteLink, InviteSecret, InviteTerms, RelayOrigin, Roster};

use super::device::{META_JOINING, META_RELAY, roster_role};
use super::problem::Problem;
use super::{Caller, Core, is_member};
use crate::interface::{Answer, Failure, Invited, SyncAnswer};

/// How long an invite may be used (ms): 14 days.
const INVITE_MS: i64 = 14 * 24 * 60 * 60 * 1000;

/// How long joining, inviting and naming a relay may take (ms).
const ERRAND_MS: i64 = 30_000;

/// The longest time that a client may ask the relay to be met for (ms): an hour.
const MAX_SYNC_MS: u64 = 60 * 60 * 1000;

/// How often an entry is signed anew because the roster had grown.
const MAX_SIGNINGS: u32 = 8;

/// How many codes of imported numbers an invite keeps from being given out.
const MAX_RESERVED_CODES: usize = 64;

/// A call that the relay has to be met for.
pub(super) enum Errand {
    /// Both sides shall have all.
    Sync {
        caller: Caller,
        deadline_ms: i64,
        received_before: u64,
        acknowledged_before: u64,
    },
    /// An invite is being made.
    Invite(Box<Inviting>),
    /// A device has joined and takes over what there is.
    Joined { caller: Caller, deadline_ms: i64 },
}

/// An invite on its way.
pub(super) struct Inviting {
    caller: Caller,
    deadline_ms: i64,
    secret: InviteSecret,
    terms: InviteTerms,
    member: RecordId,
    user: Option<(String, Option<String>)>,
    signings: u32,
    is_appended: bool,
}

/// A device on its way into a workspace.
pub(super) struct Joining {
    pub(super) caller: Caller,
    pub(super) deadline_ms: i64,
    pub(super) link: InviteLink,
    pub(super) keys: DeviceKeys,
    pub(super) is_in_roster: bool,
    had_keys: bool,
    roster: Option<Roster>,
    signings: u32,
}

impl Errand {
    pub(super) fn caller(&self) -> Caller {
        match self {
            Errand::Sync { caller, .. } | Errand::Joined { caller, .. } => *caller,
            Errand::Invite(inviting) => inviting.caller,
        }
    }

    pub(super) fn deadline_ms(&self) -> i64 {
        match self {
            Errand::Sync { deadline_ms, .. } | Errand::Joined { deadline_ms, .. } => *deadline_ms,
            Errand::Invite(inviting) => inviting.deadline_ms,
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

impl Core {
    /// Begins to meet the relay for a client.
    pub(super) fn begin_sync(&mut self, caller: Caller, timeout_ms: u64) -> Result<(), Failure> {
        let device = self.device()?;
        if device.relay.is_none() {
            return Err(Failure::new(
                "no-relay",
                "this workspace has no relay",
                Some("name one: relay URL"),
            ));
        }
        let acknowledged_before = device.acknowledged;
        let timeout_ms = timeout_ms.min(MAX_SYNC_MS).cast_signed();
        self.link.errands.push(Errand::Sync {
            caller,
            deadline_ms: self.around.now_ms().saturating_add(timeout_ms),
            received_before: self.link.received,
            acknowledged_before,
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

    /// Begins to make an invite.
    pub(super) fn begin_invite(
        &mut self,
        caller: Caller,
        user: Option<String>,
        email: Option<String>,
        role: Role,
        member: Option<RecordId>,
    ) -> Result<(), Failure> {
        let around = &mut self.around;
        let secret = InviteSecret::generate(&mut |bytes: &mut [u8]| around.fill_random(bytes));
        let device = self.device()?;
        let own_role = device.replica.identity().role;
        if !own_role.may_administer() {
            return Err(Refusal::Role {
                role: own_role.to_string(),
                what: "invite".to_owned(),
            }
            .into());
        }
        if device.relay.is_none() {
            return Err(Failure::new(
                "no-relay",
                "an invite leads to a relay, and this workspace has none",
                Some("name one: relay URL"),
            ));
        }
        let known = member.map(|id| MemberId::from_bytes(*id.as_bytes()));
        let role = match (&user, member) {
            (Some(name), None) if !name.trim().is_empty() => role,
            (_, Some(id)) if is_member(device, id) => {
                let known = MemberId::from_bytes(*id.as_bytes());
                device
                    .roster
                    .member_role(&known)
                    .map_or(role, super::device::role)
            }
            (_, Some(id)) => return Err(Refusal::NoSuchRecord { id: id.short() }.into()),
            _ => {
                return Err(Refusal::Missing {
                    what: "the member's name",
                    way_out: "give --user NAME",
                }
                .into());
            }
        };
        let expires_ms = self.around.now_ms().saturating_add(INVITE_MS);
        let terms = InviteTerms {
            member: known,
            role: roster_role(role),
            uses: 1,
            expires_ms: expires_ms.max(0).cast_unsigned(),
            reserved: self.reserved_codes(),
        };
        let member = known.unwrap_or_else(|| secret.new_member());
        self.link.errands.push(Errand::Invite(Box::new(Inviting {
            caller,
            deadline_ms: self.around.now_ms() + ERRAND_MS,
            secret,
            terms,
            member: RecordId::from_bytes(*member.as_bytes()),
            user: user.filter(|_| known.is_none()).map(|user| (user, email)),
            signings: 0,
            is_appended: false,
        })));
        if self.link.is_established {
            self.append_invite().map_err(Failure::from)?;
        }
        Ok(())
    }

    /// Lists codes that stand in numbers here but belong to no device: they came with imports and are not given out.
    fn reserved_codes(&self) -> Vec<DeviceCode> {
        let Some(device) = &self.device else {
            return Vec::new();
        };
        let given: Vec<DeviceCode> = device.roster.devices().map(|device| device.code).collect();
        let numbers = device.replica.views().numbers();
        let mut codes: Vec<DeviceCode> = numbers
            .filter_map(|(text, _)| number::parse(text)?.code.parse().ok())
            .filter(|code| !given.contains(code))
            .collect();
        codes.sort_unstable();
        codes.dedup();
        codes.truncate(MAX_RESERVED_CODES);
        codes
    }

    /// Signs the entries of invites that wait, and hands them to the session.
    fn append_invite(&mut self) -> Result<(), Problem> {
        if let Some(input) = self.sign_invite()? {
            self.session_input(input);
        }
        Ok(())
    }

    fn sign_invite(&mut self) -> Result<Option<Input>, Problem> {
        let now_ms = self.around.now_ms().max(0).cast_unsigned();
        let Some(device) = &self.device else {
            return Ok(None);
        };
        let inviting = self
            .link
            .errands
            .iter_mut()
            .find_map(|errand| match errand {
                Errand::Invite(inviting) if !inviting.is_appended => Some(inviting),
                _ => None,
            });
        let Some(inviting) = inviting else {
            return Ok(None);
        };
        inviting.signings += 1;
        if inviting.signings > MAX_SIGNINGS {
            return Err(Problem::roster(
                "it grew each time an invite was signed; try again",
            ));
        }
        let around = &mut self.around;
        let mut fill = |bytes: &mut [u8]| around.fill_random(bytes);
        let entry = device
            .roster
            .sign_invite(
                &device.keys.signing,
                &device.ring,
                &inviting.secret,
                &inviting.terms,
                now_ms,
                &mut fill,
            )
            .map_err(Problem::roster)?;
        Ok(Some(Input::AppendRoster {
            expected_head: device.roster.head(),
            entries: vec![entry.into()],
        }))
    }

    /// Begins to join a workspace by its link.
    pub(super) fn begin_join(&mut self, caller: Caller, link: &str) -> Result<(), Failure> {
        self.refuse_second_workspace()?;
        if self.link.joining.is_some() {
            return Err(Failure::new(
                "joining",
                "this home is joining a workspace already",
                Some("wait for that to end"),
            ));
        }
        let link = InviteLink::parse(link).map_err(|error| {
            Failure::new(
                "bad-link",
                error.to_string(),
                Some("copy the whole link, from http to its end"),
            )
        })?;
        let (keys, had_keys) = self.joining_keys(&link)?;
        let deadline_ms = self.around.now_ms() + ERRAND_MS;
        self.link.joining = Some(Joining {
            caller,
            deadline_ms,
            link,
            keys,
            is_in_roster: false,
            had_keys,
            roster: None,
            signings: 0,
        });
        Ok(())
    }

    /// Gives the keys to join with: those of an attempt with this invite that was cut off, maybe after the relay had
    /// taken the device, else new ones.
    fn joining_keys(&mut self, link: &InviteLink) -> Result<(DeviceKeys, bool), Problem> {
        let invite = link.secret.key();
        let before = self.store.read()?.meta(META_JOINING)?;
        let kept = self.around.keys().map_err(Problem::damaged)?;
        if let (Some(bytes), true) = (kept, before.as_deref() == Some(invite.as_bytes())) {
            return Ok((
                DeviceKeys::from_bytes(&bytes).map_err(Problem::damaged)?,
                true,
            ));
        }
        let keys = self.make_keys(META_JOINING, invite.as_bytes())?;
        Ok((keys, false))
    }

    /// Tries again as a device when the invite is used up, maybe by this very device before it was cut off.
    pub(super) fn join_as_device(&mut self, code: Refused) -> bool {
        match &mut self.link.joining {
            Some(joining)
                if joining.had_keys && !joining.is_in_roster && code == Refused::InviteSpent =>
            {
                joining.is_in_roster = true;
                true
            }
            _ => false,
        }
    }

    /// Does what waited for the relay to let this device in.
    pub(super) fn established(&mut self) -> Result<Option<Input>, Problem> {
        if self.link.joining.is_some() {
            return Ok(None);
        }
        self.sign_invite()
    }

    /// Takes new roster entries in.
    pub(super) fn roster_grew(&mut self, entries: &[Blob]) -> Result<Option<Input>, Problem> {
        if self.link.joining.is_some() {
            return self.join_with(entries);
        }
        let Some(device) = self.device.as_mut() else {
            return Ok(None);
        };
        let write = self.store.write()?;
        if device.take_roster(&write, entries)? {
            write.commit()?;
            self.is_changed = true;
            self.retry_waiting()?;
        }
        Ok(None)
    }

    /// Builds the roster of the workspace that is being joined, and signs this device in.
    fn join_with(&mut self, entries: &[Blob]) -> Result<Option<Input>, Problem> {
        let Some(joining) = self.link.joining.as_mut() else {
            return Ok(None);
        };
        let was_signed = joining.roster.is_some();
        match joining.roster.as_mut() {
            Some(roster) => {
                for entry in entries {
                    roster.append(entry).map_err(Problem::roster)?;
                }
            }
            None => {
                let roster = Roster::from_entries(entries).map_err(Problem::roster)?;
                if roster.workspace() != joining.link.workspace {
                    return Err(Problem::roster("it is that of another workspace"));
                }
                joining.roster = Some(roster);
            }
        }
        let is_in = joining
            .roster
            .as_ref()
            .is_some_and(|roster| roster.device(&joining.keys.feed()).is_some());
        if is_in && !was_signed {
            self.adopt()?;
            return Ok(None);
        }
        if was_signed {
            Ok(None)
        } else {
            self.sign_join()
        }
    }

    fn sign_join(&mut self) -> Result<Option<Input>, Problem> {
        let now_ms = self.around.now_ms().max(0).cast_unsigned();
        let Some(joining) = self.link.joining.as_mut() else {
            return Ok(None);
        };
        let Some(roster) = &joining.roster else {
            return Ok(None);
        };
        joining.signings += 1;
        if joining.signings > MAX_SIGNINGS {
            return Err(Problem::roster(
                "it grew each time this device signed itself in; try again",
            ));
        }
        let around = &mut self.around;
        let mut fill = |bytes: &mut [u8]| around.fill_random(bytes);
        let entry = roster
            .sign_join(&joining.link.secret, &joining.keys, now_ms, &mut fill)
            .map_err(Problem::roster)?;
        Ok(Some(Input::AppendRoster {
            expected_head: roster.head(),
            entries: vec![entry.into()],
        }))
    }

    /// Goes on after the relay took an entry.
    pub(super) fn roster_appended(&mut self) -> Result<Option<Input>, Problem> {
        if self.link.joining.is_some() {
            self.adopt()?;
            return Ok(None);
        }
        let inviting = self
            .link
            .errands
            .iter_mut()
            .find_map(|errand| match errand {
                Errand::Invite(inviting) if !inviting.is_appended => Some(inviting),
                _ => None,
            });
        let Some(inviting) = inviting else {
            return Ok(None);
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
        self.sign_invite()
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
        self.roster_grew(entries)?;
        self.sign_invite()
    }

    /// Makes this home that of a device of the workspace: roster and relay in one commit; then takes over what there is.
    fn adopt(&mut self) -> Result<(), Problem> {
        let Some(joining) = self.link.joining.take() else {
            return Ok(());
        };
        let Some(roster) = joining.roster else {
            return Ok(());
        };
        let write = self.store.write()?;
        for entry in roster.entries() {
            write.append_roster(entry)?;
        }
        write.set_meta(META_RELAY, joining.link.origin.to_string().as_bytes())?;
        write.clear_meta(META_JOINING)?;
        write.commit()?;
        self.load()?;
        self.hang_up();
        self.link.errands.push(Errand::Joined {
            caller: joining.caller,
            deadline_ms: joining.deadline_ms,
        });
        self.is_changed = true;
        Ok(())
    }

    /// Answers the errands that are done once both sides have all.
    pub(super) fn finish_errands(&mut self) {
        let errands = std::mem::take(&mut self.link.errands);
        for errand in errands {
            match errand {
                Errand::Invite(inviting) if !inviting.is_appended => {
                    self.link.errands.push(Errand::Invite(inviting))
                }
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
                    acknowledged_before,
                    ..
                },
                problem,
            ) => {
                let device = self.device()?;
                let progress = self.link.progress;
                let relay_lacks = self.relay_lacks()?;
                let problem = problem.or_else(|| (relay_lacks > 0).then(|| lacking(relay_lacks)));
                Ok(Answer::Synced(SyncAnswer {
                    complete: problem.is_none(),
                    relay_lacks,
                    only_here: device.only_here(),
                    not_here: progress.map(|progress| progress.to_fetch),
                    received: self.link.received - received_before,
                    sent: device.acknowledged.saturating_sub(acknowledged_before),
                    problem,
                }))
            }
            (Errand::Joined { .. }, _) => {
                // The device is in the workspace; what is still to come arrives with the next sync.
                self.founded().map(Answer::Founded)
            }
            (Errand::Invite(inviting), problem) => match problem {
                // Once its entry is in the roster the invite holds, whatever happened to the connection then.
                Some(problem) if !inviting.is_appended => Err(problem),
                _ => self.invited(&inviting),
            },
        }
    }

    fn invited(&self, inviting: &Inviting) -> Result<Answer, Failure> {
        let device = self.device()?;
        let Some(origin) = device.relay.clone() else {
            return Err(self.absent());
        };
        let link = InviteLink {
            origin,
            workspace: device.roster.workspace(),
            secret: inviting.secret.clone(),
        };
        Ok(Answer::Invited(Invited {
            link: link.to_text(),
            member: inviting.member,
            expires_ms: inviting.terms.expires_ms.cast_signed(),
        }))
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
        let late = || {
            Failure::new(
                "too-late",
                "the relay was not done in time",
                Some("everything is kept here; sync again"),
            )
        };
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
