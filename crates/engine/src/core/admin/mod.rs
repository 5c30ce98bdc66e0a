//! Errands of admins: roles, revocations, what is held; and what the roster needs without anybody's decision.
//!
//! Each is signed on the roster as it is known here, and again when the relay answers that the roster has moved or that
//! a feed stands elsewhere. The cuts of the first try come from the heads of the feeds here.

mod change;
mod refusal;
mod settlement;

use model::{RecordId, Refusal, Role};
use protocol::{Cut, FeedId, MemberId};
use sync::client::Input;
use vault::ChangeError;

use super::device::Device;
use super::exchange::{ERRAND_MS, Errand};
use super::problem::Problem;
use super::{Caller, Core};
use crate::interface::{Accepted, Answer, DeviceAnswer, Failure, Revoked, RoleChanged};

use change::is_named;
use refusal::refused;
pub(super) use settlement::Settling;

/// A change of the roster on its way.
pub(in crate::core) struct Change {
    pub(in crate::core) caller: Caller,
    pub(in crate::core) deadline_ms: i64,
    deed: Deed,
    /// Where the relay said that feeds stand; none before it did.
    heads: Option<Vec<Cut>>,
    signings: u32,
}

/// What an admin wants, as a person named it: devices and members are looked up when it is signed, since the relay may
/// know of more than this device does.
#[derive(Debug, Clone)]
enum Deed {
    Role {
        member: RecordId,
        role: Role,
    },
    Revoke {
        whom: Whom,
        /// What was signed last: all devices that are meant by the roster as it was then, and whose they are.
        signed: Option<(MemberId, Vec<FeedId>)>,
    },
    Accept {
        named: String,
        up_to: Option<u64>,
        asked: Asked,
        /// What was signed last: the first and the last place of a feed that count newly.
        signed: Option<(FeedId, u64, u64)>,
    },
}

/// Whose devices are revoked.
#[derive(Debug, Clone)]
enum Whom {
    /// A device with its family, by its code or feed.
    Device(String),
    Member(MemberId),
}

/// Whether the relay was asked for all that it holds of a feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    NotYet,
    Waiting(FeedId),
    Answered(FeedId),
}

/// Who has signed what is on its way to the relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::core) enum Signer {
    Invite,
    Change(Caller),
    Settlement,
}

impl Core {
    /// Refuses what only admins do.
    pub(in crate::core) fn check_admin(&self, what: &str) -> Result<&Device, Failure> {
        let device = self.device()?;
        if device.is_admin() {
            return Ok(device);
        }
        let role = device.replica.identity().role.to_string();
        let what = what.to_owned();
        Err(Refusal::Role { role, what }.into())
    }

    fn check_relay(&self, what: &str) -> Result<(), Failure> {
        match self.device()?.relay {
            Some(_) => Ok(()),
            None => Err(Failure::new(
                "no-relay",
                format!("{what} at a relay, and this workspace has none"),
                Some("name one: handschlag relay URL"),
            )),
        }
    }

    /// Begins to give a member another role.
    pub(in crate::core) fn begin_role(
        &mut self,
        caller: Caller,
        member: RecordId,
        role: Role,
    ) -> Result<(), Failure> {
        self.check_admin("change roles")?;
        self.check_relay("roles change")?;
        self.begin_change(caller, Deed::Role { member, role })
    }

    /// Begins to revoke a device with its family, or all devices of a member.
    pub(in crate::core) fn begin_revocation(
        &mut self,
        caller: Caller,
        named: Option<String>,
        member: Option<RecordId>,
    ) -> Result<(), Failure> {
        let device = self.check_admin("revoke devices")?;
        let whom = match (named, member) {
            (Some(text), None) => Whom::Device(text),
            (None, Some(member)) => Whom::Member(MemberId::from_bytes(*member.as_bytes())),
            _ => {
                return Err(Refusal::Missing {
                    what: "the device or the member",
                    way_out: "name one of them, as handschlag members lists them",
                }
                .into());
            }
        };
        // Whatever the relay knows, this device is not the one to do that.
        if let Some(own) = device.roster.device(&device.keys.feed()) {
            let is_own = match &whom {
                Whom::Device(text) => is_named(own, text),
                Whom::Member(member) => own.member == *member,
            };
            if is_own {
                return Err(refused(ChangeError::OwnDevice { code: own.code }));
            }
        }
        self.check_relay("devices are revoked")?;
        self.begin_change(caller, Deed::Revoke { whom, signed: None })
    }

    /// Begins to let what is held of a device count.
    pub(in crate::core) fn begin_acceptance(
        &mut self,
        caller: Caller,
        named: String,
        up_to: Option<u64>,
    ) -> Result<(), Failure> {
        self.check_admin("accept what is held")?;
        self.check_relay("what is held is accepted")?;
        let deed = Deed::Accept {
            named,
            up_to,
            asked: Asked::NotYet,
            signed: None,
        };
        self.begin_change(caller, deed)
    }

    fn begin_change(&mut self, caller: Caller, deed: Deed) -> Result<(), Failure> {
        self.link.errands.push(Errand::Change(Box::new(Change {
            caller,
            deadline_ms: self.around.now_ms() + ERRAND_MS,
            deed,
            heads: None,
            signings: 0,
        })));
        if self.link.is_established
            && let Some(input) = self.sign_next().map_err(Failure::from)?
        {
            self.session_input(input);
        }
        Ok(())
    }

    /// Signs what waits next for the roster, unless something is on its way already.
    pub(in crate::core) fn sign_next(&mut self) -> Result<Option<Input>, Problem> {
        if self.link.signing.is_some() || !self.link.is_established {
            return Ok(None);
        }
        let mut at = 0;
        while at < self.link.errands.len() {
            match &self.link.errands[at] {
                Errand::Invite(inviting) if !inviting.is_appended => match self.sign_invite() {
                    Ok(Some(input)) => {
                        self.link.signing = Some(Signer::Invite);
                        return Ok(Some(input));
                    }
                    Ok(None) => at += 1,
                    Err(problem) => {
                        let caller = self.link.errands.remove(at).caller();
                        self.tell(caller, Err(problem.into()));
                    }
                },
                Errand::Change(change) => {
                    let caller = change.caller;
                    match self.sign_change(at) {
                        Ok(Some(input)) => {
                            self.link.signing = Some(Signer::Change(caller));
                            return Ok(Some(input));
                        }
                        Ok(None) => at += 1,
                        // What the relay is about to tell may make it right: somebody has just joined, maybe.
                        Err(_) if !self.link.is_settled => at += 1,
                        Err(failure) => {
                            self.link.errands.remove(at);
                            self.tell(caller, Err(failure));
                        }
                    }
                }
                _ => at += 1,
            }
        }
        let was_settling = self.link.settling.is_some();
        let input = self.sign_settlement()?;
        // Others may have waited for it.
        if was_settling && input.is_none() && self.link.is_settled {
            self.finish_errands();
        }
        Ok(input)
    }

    /// Answers the change that the relay took.
    pub(in crate::core) fn changed(&mut self, caller: Caller) {
        let is_signed =
            |errand: &Errand| matches!(errand, Errand::Change(change) if change.caller == caller);
        let Some(at) = self.link.errands.iter().position(is_signed) else {
            return;
        };
        if let Errand::Change(change) = self.link.errands.remove(at) {
            let answer = self.answer_change(&change.deed);
            self.tell(change.caller, answer);
        }
    }

    fn answer_change(&self, deed: &Deed) -> Result<Answer, Failure> {
        let named = |member: &MemberId| -> Result<(RecordId, String), Failure> {
            let member = RecordId::from_bytes(*member.as_bytes());
            let known = self.device()?.replica.digests().get(member);
            Ok((member, known.map_or("", |one| one.title()).to_owned()))
        };
        match deed {
            Deed::Role { member, role } => {
                let id = MemberId::from_bytes(*member.as_bytes());
                let devices = self.device()?.roster.devices_of(&id);
                let feeds = devices.iter().map(|one| one.signing).collect::<Vec<_>>();
                let (member, name) = named(&id)?;
                Ok(Answer::RoleChanged(RoleChanged {
                    member,
                    name,
                    role: *role,
                    devices: self.device_answers(&feeds)?,
                }))
            }
            Deed::Revoke { signed, .. } => {
                let (member, feeds) = signed.as_ref().ok_or_else(unsigned)?;
                let (member, name) = named(member)?;
                Ok(Answer::Revoked(Revoked {
                    member,
                    name,
                    devices: self.device_answers(feeds)?,
                    key_epoch: self.device()?.roster.key_epoch(),
                }))
            }
            Deed::Accept { signed, .. } => {
                let (feed, from, up_to) = signed.as_ref().ok_or_else(unsigned)?;
                let device = self.device()?;
                let info = device.info(feed).ok_or_else(unsigned)?;
                let (_, name) = named(&info.member)?;
                Ok(Answer::Accepted(Accepted {
                    device: info.code.as_str().to_owned(),
                    name,
                    from: *from,
                    up_to: *up_to,
                    held: self.held_counts()?.get(feed).copied().unwrap_or(0),
                }))
            }
        }
    }

    fn device_answers(&self, feeds: &[FeedId]) -> Result<Vec<DeviceAnswer>, Failure> {
        let all = self.members()?.into_iter().flat_map(|one| one.devices);
        let names: Vec<String> = feeds.iter().map(ToString::to_string).collect();
        Ok(all.filter(|one| names.contains(&one.feed)).collect())
    }
}

/// Says that the relay took something that was never signed here; no roster does that.
fn unsigned() -> Failure {
    Failure::new(
        "roster",
        "the roster has grown by what was not signed here",
        Some("see members and devices: handschlag members"),
    )
}
