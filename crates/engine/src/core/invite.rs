//! Inviting: an entry of the roster for whoever has the link, and the record of a new member.

use model::{RecordId, Refusal, Role, number};
use protocol::{DeviceCode, MemberId};
use sync::client::Input;
use vault::{InviteLink, InviteSecret, InviteTerms};

use super::device::roster_role;
use super::exchange::{ERRAND_MS, Errand, MAX_SIGNINGS};
use super::problem::Problem;
use super::{Caller, Core, is_member};
use crate::interface::{Answer, Failure, Invited};

/// How long an invite may be used (ms): 14 days.
const INVITE_MS: i64 = 14 * 24 * 60 * 60 * 1000;

/// How many codes of imported numbers an invite keeps from being given out.
const MAX_RESERVED_CODES: usize = 64;

/// An invite on its way.
pub(super) struct Inviting {
    pub(super) caller: Caller,
    pub(super) deadline_ms: i64,
    pub(super) secret: InviteSecret,
    pub(super) terms: InviteTerms,
    pub(super) member: RecordId,
    pub(super) user: Option<(String, Option<String>)>,
    pub(super) signings: u32,
    pub(super) is_appended: bool,
}

impl Core {
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
                Some("name one: handschlag relay URL"),
            ));
        }
        if let Some(text) = &email {
            // Looked at before the invite is in the roster, where it stays.
            model::parse::email(text).map_err(|reason| Refusal::BadValue {
                field: "email".to_owned(),
                value: text.clone(),
                reason,
            })?;
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
        if self.link.is_established
            && let Some(input) = self.sign_next().map_err(Failure::from)?
        {
            self.session_input(input);
        }
        Ok(())
    }

    /// Lists codes that stand in numbers here but belong to no device: they came with imports and are not given out.
    pub(super) fn reserved_codes(&self) -> Vec<DeviceCode> {
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

    /// Signs the entry of the first invite that waits.
    pub(super) fn sign_invite(&mut self) -> Result<Option<Input>, Problem> {
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

    pub(super) fn invited(&self, inviting: &Inviting) -> Result<Answer, Failure> {
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
}
