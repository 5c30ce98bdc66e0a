//! Errands of admins: roles, revocations, what is held; and what the roster needs without anybody's decision.
//!
//! Each is signed on the roster as it is known here, and again when the relay answers that the roster has moved or that
//! a feed stands elsewhere. The cuts of the first try come from the heads of the feeds here.

use model::{RecordId, Refusal, Role};
use protocol::{Blob, Cut, EnvelopeHash, FeedId, MemberId};
use store::Reading;
use sync::client::Input;
use vault::{ChangeError, DeviceInfo, RosterError, Target};

use super::device::{Device, read_head, roster_role};
use super::exchange::{ERRAND_MS, Errand, MAX_SIGNINGS};
use super::problem::Problem;
use super::{Caller, Core, is_member};
use crate::interface::{Accepted, Answer, DeviceAnswer, Failure, Revoked, RoleChanged};

/// A change of the roster on its way.
pub(super) struct Change {
    pub(super) caller: Caller,
    pub(super) deadline_ms: i64,
    deed: Deed,
    /// Where the relay said that feeds stand; none before it did.
    heads: Option<Vec<Cut>>,
    signings: u32,
}

/// What an admin wants.
#[derive(Debug, Clone)]
enum Deed {
    Role {
        member: MemberId,
        role: Role,
    },
    Revoke {
        target: Target,
        member: MemberId,
        /// What was signed last: all devices that the target means by the roster as it was then.
        feeds: Vec<FeedId>,
    },
    Accept {
        feed: FeedId,
        up_to: Option<u64>,
        asked: Asked,
        /// What was signed: the first and the last place that count newly.
        signed: (u64, u64),
    },
}

/// Whether the relay was asked for all that it holds of a feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    NotYet,
    Waiting,
    Answered,
}

/// What the roster needs without a decision, on its way.
#[derive(Default)]
pub(super) struct Settling {
    heads: Option<Vec<Cut>>,
    signings: u32,
}

/// Who has signed what is on its way to the relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signer {
    Invite,
    Change(Caller),
    Settlement,
}

impl Core {
    /// Refuses what only admins do.
    pub(super) fn check_admin(&self, what: &str) -> Result<&Device, Failure> {
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
    pub(super) fn begin_role(
        &mut self,
        caller: Caller,
        member: RecordId,
        role: Role,
    ) -> Result<(), Failure> {
        let device = self.check_admin("change roles")?;
        if !is_member(device, member) {
            return Err(Refusal::NoSuchRecord { id: member.short() }.into());
        }
        self.check_relay("roles change")?;
        let member = MemberId::from_bytes(*member.as_bytes());
        self.begin_change(caller, Deed::Role { member, role })
    }

    /// Begins to revoke a device with its family, or all devices of a member.
    pub(super) fn begin_revocation(
        &mut self,
        caller: Caller,
        named: Option<&str>,
        member: Option<RecordId>,
    ) -> Result<(), Failure> {
        let device = self.check_admin("revoke devices")?;
        let target = match (named, member) {
            (Some(text), None) => {
                let found = device.roster.devices().find(|one| is_named(one, text));
                Target::Device(found.ok_or_else(|| no_device(text))?.signing)
            }
            (None, Some(member)) => Target::Member(MemberId::from_bytes(*member.as_bytes())),
            _ => {
                return Err(Refusal::Missing {
                    what: "the device or the member",
                    way_out: "name one of them, as handschlag members lists them",
                }
                .into());
            }
        };
        let feeds = device.roster.feeds_to_revoke(target).map_err(refused)?;
        if feeds.contains(&device.keys.feed()) {
            let code = device
                .roster
                .device(&device.keys.feed())
                .map(|own| own.code);
            let own = code.map(|code| refused(ChangeError::OwnDevice { code }));
            return Err(own.unwrap_or_else(|| no_device("")));
        }
        let first = feeds.first().and_then(|feed| device.roster.device(feed));
        let Some(member) = first.map(|first| first.member) else {
            return Err(refused(ChangeError::NothingToRevoke));
        };
        self.check_relay("devices are revoked")?;
        let deed = Deed::Revoke {
            target,
            member,
            feeds,
        };
        self.begin_change(caller, deed)
    }

    /// Begins to let what is held of a device count.
    pub(super) fn begin_acceptance(
        &mut self,
        caller: Caller,
        named: &str,
        up_to: Option<u64>,
    ) -> Result<(), Failure> {
        let device = self.check_admin("accept what is held")?;
        let known = device.roster.devices().chain(device.roster.held_devices());
        let all: Vec<&DeviceInfo> = known.filter(|one| is_named(one, named)).collect();
        let cut: Vec<FeedId> = all
            .iter()
            .map(|one| one.signing)
            .filter(|feed| device.cut_of(feed).is_some())
            .collect();
        let feed = match (cut.as_slice(), all.is_empty()) {
            ([feed], _) => *feed,
            ([], true) => return Err(no_device(named)),
            ([], false) => {
                return Err(Failure::new(
                    "nothing-held",
                    format!(
                        "device {named} is neither revoked nor silenced: all that it wrote counts"
                    ),
                    Some("see what is held: handschlag held"),
                ));
            }
            _ => {
                return Err(Failure::new(
                    "ambiguous",
                    format!("two branches of the roster have a device {named}"),
                    Some("name its feed, which handschlag held --json gives"),
                ));
            }
        };
        self.check_relay("what is held is accepted")?;
        let deed = Deed::Accept {
            feed,
            up_to,
            asked: Asked::NotYet,
            signed: (0, 0),
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
    pub(super) fn sign_next(&mut self) -> Result<Option<Input>, Problem> {
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

    /// Signs the change that is the errand at a place; none while it waits for what is held.
    fn sign_change(&mut self, at: usize) -> Result<Option<Input>, Failure> {
        let Errand::Change(change) = &self.link.errands[at] else {
            return Ok(None);
        };
        if change.signings >= MAX_SIGNINGS {
            return Err(Failure::new(
                "roster",
                "the roster or the feeds had moved each time this was signed",
                Some("try again"),
            ));
        }
        let (deed, heads) = (change.deed.clone(), change.heads.clone());
        let entries = match deed {
            Deed::Role { member, role } => self.sign_role(member, role, heads.as_deref())?,
            Deed::Revoke { target, .. } => {
                // The roster may have shown more of them since the last time.
                let meant = self.device()?.roster.feeds_to_revoke(target);
                let meant = meant.map_err(refused)?;
                if let Errand::Change(change) = &mut self.link.errands[at]
                    && let Deed::Revoke { feeds, .. } = &mut change.deed
                {
                    feeds.clone_from(&meant);
                }
                self.sign_revocation(&meant, heads.as_deref())?
            }
            Deed::Accept { .. } => match self.sign_acceptance(at)? {
                Some(entries) => entries,
                None => return Ok(None),
            },
        };
        if let Errand::Change(change) = &mut self.link.errands[at] {
            change.signings += 1;
        }
        let expected_head = self.device()?.roster.head();
        Ok(Some(append(expected_head, entries)))
    }

    fn sign_role(
        &mut self,
        member: MemberId,
        role: Role,
        heads: Option<&[Cut]>,
    ) -> Result<Vec<Vec<u8>>, Failure> {
        let now_ms = self.around.now_ms().max(0).cast_unsigned();
        let role = roster_role(role);
        let device = self.device()?;
        let feeds = device.roster.feeds_to_silence(&member, role);
        let cuts = self.cuts_of(&feeds, heads)?;
        let author = &device.keys.signing;
        let signed = device.roster.sign_role(author, member, role, &cuts, now_ms);
        signed.map_err(refused)
    }

    fn sign_revocation(
        &mut self,
        feeds: &[FeedId],
        heads: Option<&[Cut]>,
    ) -> Result<Vec<Vec<u8>>, Failure> {
        let now_ms = self.around.now_ms().max(0).cast_unsigned();
        let cuts = self.cuts_of(feeds, heads)?;
        let around = &mut self.around;
        let mut fill = |bytes: &mut [u8]| around.fill_random(bytes);
        let Some(device) = &self.device else {
            return Err(super::no_workspace());
        };
        let author = &device.keys.signing;
        let roster = &device.roster;
        let signed = roster.sign_revocation(author, feeds, &cuts, now_ms, &mut fill);
        signed.map_err(refused)
    }

    /// Signs that a feed counts up to what an admin accepts; none while the relay is asked what there is.
    fn sign_acceptance(&mut self, at: usize) -> Result<Option<Vec<Vec<u8>>>, Failure> {
        let Errand::Change(change) = &self.link.errands[at] else {
            return Ok(None);
        };
        let Deed::Accept {
            feed, up_to, asked, ..
        } = change.deed
        else {
            return Ok(None);
        };
        let chain = self.held_chain(&feed)?;
        let last = match up_to {
            Some(up_to) => chain.iter().find(|cut| cut.sequence == up_to),
            None => chain.last(),
        };
        let is_enough = up_to.is_some() && last.is_some();
        if !is_enough && asked != Asked::Answered {
            if asked == Asked::NotYet {
                self.set_asked(at, Asked::Waiting);
                self.ask_for_held_of(feed)?;
            }
            return Ok(None);
        }
        let device = self.device()?;
        let before = device.cut_of(&feed).map_or(0, |cut| cut.sequence);
        let is_lost = device.roster.device(&feed).is_none();
        let cut = match (last, up_to) {
            (Some(cut), _) => *cut,
            // It goes on as a device that counts from now on; what it has comes when it meets the relay.
            (None, None) if is_lost => nothing_of(feed),
            (None, up_to) => return Err(nothing_held(device, &feed, before, &chain, up_to)),
        };
        let now_ms = self.around.now_ms().max(0).cast_unsigned();
        let around = &mut self.around;
        let mut fill = |bytes: &mut [u8]| around.fill_random(bytes);
        let Some(device) = &self.device else {
            return Err(super::no_workspace());
        };
        let (roster, author) = (&device.roster, &device.keys.signing);
        let signed = if is_lost {
            roster.sign_acceptance(author, &device.ring, &feed, cut, now_ms, &mut fill)
        } else {
            roster.sign_cut_moved(author, cut, now_ms)
        };
        let entry = signed.map_err(refused)?;
        if let Errand::Change(change) = &mut self.link.errands[at]
            && let Deed::Accept { signed, .. } = &mut change.deed
        {
            *signed = (before + 1, cut.sequence);
        }
        Ok(Some(vec![entry]))
    }

    fn set_asked(&mut self, at: usize, now: Asked) {
        if let Some(Errand::Change(change)) = self.link.errands.get_mut(at)
            && let Deed::Accept { asked, .. } = &mut change.deed
        {
            *asked = now;
        }
    }

    /// Notes that all that the relay holds of a feed is here, for those who accept it.
    pub(super) fn held_has_come(&mut self, of: &FeedId) {
        for errand in &mut self.link.errands {
            if let Errand::Change(change) = errand
                && let Deed::Accept { feed, asked, .. } = &mut change.deed
                && feed == of
            {
                *asked = Asked::Answered;
            }
        }
    }

    /// Gives the cuts of feeds: where the relay said that they stand, else where they stand here.
    fn cuts_of(&self, feeds: &[FeedId], heads: Option<&[Cut]>) -> Result<Vec<Cut>, Problem> {
        let read = self.store.read()?;
        let mut cuts = Vec::new();
        for feed in feeds {
            let head = match heads {
                Some(heads) => heads.iter().find(|cut| cut.feed == *feed).copied(),
                None => match read.feed(feed.as_bytes())? {
                    Some(bytes) => {
                        let (sequence, hash) = read_head(&bytes)?;
                        Some(Cut {
                            feed: *feed,
                            sequence,
                            hash,
                        })
                    }
                    None => None,
                },
            };
            cuts.push(head.unwrap_or(nothing_of(*feed)));
        }
        Ok(cuts)
    }

    /// Signs again with the places that the relay named.
    pub(super) fn cut_refused(&mut self, heads: Vec<Cut>) -> Result<Option<Input>, Problem> {
        match self.link.signing.take() {
            Some(Signer::Settlement) => {
                if let Some(settling) = &mut self.link.settling {
                    settling.heads = Some(heads);
                }
            }
            Some(Signer::Change(caller)) => self.name_heads(caller, heads),
            Some(Signer::Invite) | None => {}
        }
        self.sign_next()
    }

    fn name_heads(&mut self, caller: Caller, heads: Vec<Cut>) {
        let change = self
            .link
            .errands
            .iter_mut()
            .find_map(|errand| match errand {
                Errand::Change(change) if change.caller == caller => Some(change),
                _ => None,
            });
        let Some(change) = change else {
            return;
        };
        if let Deed::Accept {
            feed,
            up_to,
            signed,
            ..
        } = &mut change.deed
        {
            // The relay holds less than is here: it was restored from a backup, maybe.
            let end = heads.iter().find(|cut| cut.feed == *feed);
            let end = end.map_or(0, |cut| cut.sequence);
            *up_to = Some(end.min(signed.1.saturating_sub(1)));
        }
        change.heads = Some(heads);
    }

    /// Answers the change that the relay took.
    pub(super) fn changed(&mut self, caller: Caller) {
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
                let devices = self.device()?.roster.devices_of(member);
                let feeds = devices.iter().map(|one| one.signing).collect::<Vec<_>>();
                let (member, name) = named(member)?;
                Ok(Answer::RoleChanged(RoleChanged {
                    member,
                    name,
                    role: *role,
                    devices: self.device_answers(&feeds)?,
                }))
            }
            Deed::Revoke { member, feeds, .. } => {
                let (member, name) = named(member)?;
                Ok(Answer::Revoked(Revoked {
                    member,
                    name,
                    devices: self.device_answers(feeds)?,
                    key_epoch: self.device()?.roster.key_epoch(),
                }))
            }
            Deed::Accept { feed, signed, .. } => {
                let device = self.device()?;
                let info = device.info(feed).ok_or_else(|| no_device(""))?;
                let (_, name) = named(&info.member)?;
                Ok(Answer::Accepted(Accepted {
                    device: info.code.as_str().to_owned(),
                    name,
                    from: signed.0,
                    up_to: signed.1,
                    held: self.count_held(feed)?,
                }))
            }
        }
    }

    fn device_answers(&self, feeds: &[FeedId]) -> Result<Vec<DeviceAnswer>, Failure> {
        let all = self.members()?.into_iter().flat_map(|one| one.devices);
        let names: Vec<String> = feeds.iter().map(ToString::to_string).collect();
        Ok(all.filter(|one| names.contains(&one.feed)).collect())
    }

    /// Begins what the roster needs without a decision, once for each roster: what lost branches ask for, and a key that
    /// should have come with a revocation.
    pub(super) fn begin_settlement(&mut self) -> Result<(), Problem> {
        let Some(device) = self.device.as_ref().filter(|device| device.is_admin()) else {
            return Ok(());
        };
        let head = device.roster.head();
        if self.link.settled_for == Some(head) || self.link.settling.is_some() {
            return Ok(());
        }
        self.link.settled_for = Some(head);
        self.link.settling = Some(Settling::default());
        if let Some(input) = self.sign_next()? {
            self.session_input(input);
        }
        Ok(())
    }

    fn sign_settlement(&mut self) -> Result<Option<Input>, Problem> {
        let now_ms = self.around.now_ms().max(0).cast_unsigned();
        let Some(settling) = self.link.settling.take() else {
            return Ok(None);
        };
        let (Some(device), true) = (&self.device, settling.signings < MAX_SIGNINGS) else {
            return Ok(None);
        };
        let feeds = device.roster.feeds_to_settle();
        let heads = self.cuts_of(&feeds, settling.heads.as_deref())?;
        let around = &mut self.around;
        let mut fill = |bytes: &mut [u8]| around.fill_random(bytes);
        let (roster, author) = (&device.roster, &device.keys.signing);
        let signed = roster.sign_settlement(author, &device.ring, &heads, now_ms, &mut fill);
        // What this device may not sign is left to another one.
        let Ok(entries) = signed else {
            return Ok(None);
        };
        if entries.is_empty() {
            return Ok(None);
        }
        self.link.signing = Some(Signer::Settlement);
        self.link.settling = Some(Settling {
            signings: settling.signings + 1,
            ..settling
        });
        Ok(Some(append(roster.head(), entries)))
    }

    /// Notes that what the roster needed is in it.
    pub(super) fn settlement_appended(&mut self) {
        self.link.settling = None;
        self.link.settled_for = self.device.as_ref().map(|device| device.roster.head());
        if self.link.is_settled {
            self.finish_errands();
        }
    }
}

fn append(expected_head: protocol::RosterHash, entries: Vec<Vec<u8>>) -> Input {
    Input::AppendRoster {
        expected_head,
        entries: entries.into_iter().map(Blob::from).collect(),
    }
}

/// The cut of a feed that counts not at all.
fn nothing_of(feed: FeedId) -> Cut {
    Cut {
        feed,
        sequence: 0,
        hash: EnvelopeHash::ZERO,
    }
}

/// Tells whether a person names a device: by its code, or by its feed.
fn is_named(device: &DeviceInfo, text: &str) -> bool {
    let text = text.trim();
    device.code.as_str().eq_ignore_ascii_case(text)
        || device.signing.to_string().eq_ignore_ascii_case(text)
}

fn no_device(text: &str) -> Failure {
    Failure::new(
        "no-such-device",
        format!("there is no device '{text}'"),
        Some("name one by its code: handschlag members lists them"),
    )
}

fn nothing_held(
    device: &Device,
    feed: &FeedId,
    before: u64,
    chain: &[Cut],
    up_to: Option<u64>,
) -> Failure {
    let code = device.code_of(feed);
    let reason = match (up_to, chain.last()) {
        (Some(up_to), _) if up_to <= before => {
            format!("transaction {up_to} of device {code} counts already, as all up to {before}")
        }
        (Some(up_to), Some(last)) => format!(
            "transaction {up_to} of device {code} is not among those that are held: {} to {}",
            before + 1,
            last.sequence
        ),
        _ => format!("nothing is held of device {code}: it counts up to transaction {before}"),
    };
    Failure::new(
        "nothing-held",
        reason,
        Some("see what is held: handschlag held"),
    )
}

/// Tells a person why something is not signed.
fn refused(error: ChangeError) -> Failure {
    let (code, way_out) = match &error {
        ChangeError::OwnDevice { .. } => (
            "own-device",
            "revoke it from another device of an owner or admin",
        ),
        ChangeError::OwnRole => ("own-role", "ask another owner or admin"),
        ChangeError::SameRole { .. } => ("same-role", "see the roles: handschlag members"),
        ChangeError::CutMissing { .. } => ("roster", "try again"),
        ChangeError::NothingToRevoke => {
            ("nothing-to-revoke", "see the devices: handschlag members")
        }
        ChangeError::NotHeld { .. } => ("nothing-held", "see what is held: handschlag held"),
        ChangeError::AcceptFirst { .. } => (
            "accept-first",
            "accept that one: handschlag accept-held CODE",
        ),
        ChangeError::Rule(RosterError::NotAllowed { .. }) => (
            "role",
            "ask an owner of the workspace: handschlag members lists them",
        ),
        ChangeError::Rule(RosterError::RevokedAlready { .. }) => {
            ("revoked-already", "see the devices: handschlag members")
        }
        ChangeError::Rule(RosterError::LastOwner) => (
            "last-owner",
            "make another member an owner first: handschlag role MEMBER owner",
        ),
        ChangeError::Rule(_) => ("roster", "see members and devices: handschlag members"),
    };
    Failure::new(code, error.to_string(), Some(way_out))
}
