//! Signing what an admin wants, by the roster as it is known now.

use model::{RecordId, Refusal, Role};
use protocol::{Blob, Cut, EnvelopeHash, FeedId, MemberId};
use store::Reading;
use sync::client::Input;
use vault::{ChangeError, DeviceInfo, Target};

use super::super::device::{Device, read_head, roster_role};
use super::super::exchange::{Errand, MAX_SIGNINGS};
use super::super::problem::Problem;
use super::super::{Caller, Core, is_member, no_workspace};
use super::refusal::{no_device, not_joined, nothing_held, refused};
use super::{Asked, Change, Deed, Signer, Whom};
use crate::interface::Failure;

impl Core {
    /// Signs the change that is the errand at a place; none while it waits for what is held.
    pub(super) fn sign_change(&mut self, at: usize) -> Result<Option<Input>, Failure> {
        let Some(change) = change_at(&mut self.link.errands, at) else {
            return Ok(None);
        };
        if change.signings >= MAX_SIGNINGS {
            return Err(Failure::new(
                "roster",
                "the roster or the feeds had moved each time this was signed",
                Some("try again"),
            ));
        }
        let heads = change.heads.clone();
        let entries = match change.deed.clone() {
            Deed::Role { member, role } => self.sign_role(member, role, heads.as_deref())?,
            Deed::Revoke { whom, .. } => {
                // The roster may have shown more of them since the last time.
                let (member, feeds) = self.find_to_revoke(&whom)?;
                let entries = self.sign_revocation(&feeds, heads.as_deref())?;
                if let Some(Change {
                    deed: Deed::Revoke { signed, .. },
                    ..
                }) = change_at(&mut self.link.errands, at)
                {
                    *signed = Some((member, feeds));
                }
                entries
            }
            Deed::Accept { named, up_to, .. } => {
                let feed = self.find_to_accept(&named)?;
                match self.sign_acceptance(at, feed, up_to)? {
                    Some(entries) => entries,
                    None => return Ok(None),
                }
            }
        };
        if let Some(change) = change_at(&mut self.link.errands, at) {
            change.signings += 1;
        }
        let expected_head = self.device()?.roster.head();
        Ok(Some(append(expected_head, entries)))
    }

    /// Finds the devices that a person wants to revoke, and whose they are.
    fn find_to_revoke(&self, whom: &Whom) -> Result<(MemberId, Vec<FeedId>), Failure> {
        let device = self.device()?;
        let target = match whom {
            Whom::Device(text) => {
                let found = device.roster.devices().find(|one| is_named(one, text));
                Target::Device(found.ok_or_else(|| no_device(text))?.signing)
            }
            Whom::Member(member) => {
                let id = RecordId::from_bytes(*member.as_bytes());
                if is_member(device, id) && device.roster.member_role(member).is_none() {
                    return Err(not_joined(&title_of(device, id)));
                }
                Target::Member(*member)
            }
        };
        let feeds = device.roster.feeds_to_revoke(target).map_err(refused)?;
        let own = device.keys.feed();
        if let Some(own) = device.roster.device(&own).filter(|_| feeds.contains(&own)) {
            return Err(refused(ChangeError::OwnDevice { code: own.code }));
        }
        let first = feeds.first().and_then(|feed| device.roster.device(feed));
        let member = first.map(|first| first.member);
        let member = member.ok_or_else(|| refused(ChangeError::NothingToRevoke))?;
        Ok((member, feeds))
    }

    /// Finds the one device of that name of which something may be held.
    fn find_to_accept(&self, named: &str) -> Result<FeedId, Failure> {
        let device = self.device()?;
        let known = device.roster.devices().chain(device.roster.held_devices());
        let all: Vec<FeedId> = known
            .filter(|one| is_named(one, named))
            .map(|one| one.signing)
            .collect();
        let cut = all.iter().filter(|feed| device.cut_of(feed).is_some());
        match (cut.collect::<Vec<_>>().as_slice(), all.is_empty()) {
            ([feed], _) => Ok(**feed),
            ([], true) => Err(no_device(named)),
            ([], false) => Err(Failure::new(
                "nothing-held",
                format!("device {named} is neither revoked nor silenced: all that it wrote counts"),
                Some("see what is held: handschlag held"),
            )),
            _ => Err(Failure::new(
                "ambiguous",
                format!("two branches of the roster have a device {named}"),
                Some("name its feed, which handschlag held --json gives"),
            )),
        }
    }

    fn sign_role(
        &mut self,
        member: RecordId,
        role: Role,
        heads: Option<&[Cut]>,
    ) -> Result<Vec<Vec<u8>>, Failure> {
        let now_ms = self.around.now_ms().max(0).cast_unsigned();
        let role = roster_role(role);
        let device = self.device()?;
        if !is_member(device, member) {
            return Err(Refusal::NoSuchRecord { id: member.short() }.into());
        }
        let id = MemberId::from_bytes(*member.as_bytes());
        if device.roster.member_role(&id).is_none() {
            return Err(not_joined(&title_of(device, member)));
        }
        let member = id;
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
            return Err(no_workspace());
        };
        let author = &device.keys.signing;
        let roster = &device.roster;
        let signed = roster.sign_revocation(author, feeds, &cuts, now_ms, &mut fill);
        signed.map_err(refused)
    }

    /// Signs that a feed counts up to what an admin accepts; none while the relay is asked what there is.
    fn sign_acceptance(
        &mut self,
        at: usize,
        feed: FeedId,
        up_to: Option<u64>,
    ) -> Result<Option<Vec<Vec<u8>>>, Failure> {
        let asked = match change_at(&mut self.link.errands, at) {
            Some(Change {
                deed: Deed::Accept { asked, .. },
                ..
            }) => *asked,
            _ => return Ok(None),
        };
        let chain = self.held_chain(&feed)?;
        let last = match up_to {
            Some(up_to) => chain.iter().find(|cut| cut.sequence == up_to),
            None => chain.last(),
        };
        let is_enough = up_to.is_some() && last.is_some();
        if !is_enough && asked != Asked::Answered(feed) {
            if asked != Asked::Waiting(feed) {
                self.set_asked(at, Asked::Waiting(feed));
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
            return Err(no_workspace());
        };
        let (roster, author) = (&device.roster, &device.keys.signing);
        let signed = if is_lost {
            roster.sign_acceptance(author, &device.ring, &feed, cut, now_ms, &mut fill)
        } else {
            roster.sign_cut_moved(author, cut, now_ms)
        };
        let entry = signed.map_err(refused)?;
        if let Some(Change {
            deed: Deed::Accept { signed, .. },
            ..
        }) = change_at(&mut self.link.errands, at)
        {
            *signed = Some((feed, before + 1, cut.sequence));
        }
        Ok(Some(vec![entry]))
    }

    fn set_asked(&mut self, at: usize, now: Asked) {
        if let Some(Change {
            deed: Deed::Accept { asked, .. },
            ..
        }) = change_at(&mut self.link.errands, at)
        {
            *asked = now;
        }
    }

    /// Notes that all that the relay holds of a feed is here, for those who accept it.
    pub(in crate::core) fn held_has_come(&mut self, of: &FeedId) {
        for errand in &mut self.link.errands {
            if let Errand::Change(change) = errand
                && let Deed::Accept { asked, .. } = &mut change.deed
                && *asked == Asked::Waiting(*of)
            {
                *asked = Asked::Answered(*of);
            }
        }
    }

    /// Gives the cuts of feeds: where the relay said that they stand, else where they stand here.
    pub(super) fn cuts_of(
        &self,
        feeds: &[FeedId],
        heads: Option<&[Cut]>,
    ) -> Result<Vec<Cut>, Problem> {
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
    pub(in crate::core) fn cut_refused(
        &mut self,
        heads: Vec<Cut>,
    ) -> Result<Option<Input>, Problem> {
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
            up_to,
            signed: Some((feed, _, last)),
            ..
        } = &mut change.deed
        {
            // The relay holds less than is here: it was restored from a backup, maybe.
            let end = heads.iter().find(|cut| cut.feed == *feed);
            let end = end.map_or(0, |cut| cut.sequence);
            *up_to = Some(end.min(last.saturating_sub(1)));
        }
        change.heads = Some(heads);
    }
}

pub(super) fn append(expected_head: protocol::RosterHash, entries: Vec<Vec<u8>>) -> Input {
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
pub(super) fn is_named(device: &DeviceInfo, text: &str) -> bool {
    let text = text.trim();
    device.code.as_str().eq_ignore_ascii_case(text)
        || device.signing.to_string().eq_ignore_ascii_case(text)
}

/// Gives the name of a member.
fn title_of(device: &Device, member: RecordId) -> String {
    let known = device.replica.digests().get(member);
    known.map_or("", |one| one.title()).to_owned()
}

/// Returns the change that is the errand at a place.
fn change_at(errands: &mut [Errand], at: usize) -> Option<&mut Change> {
    match errands.get_mut(at) {
        Some(Errand::Change(change)) => Some(change),
        _ => None,
    }
}
