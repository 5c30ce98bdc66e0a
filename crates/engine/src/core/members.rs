//! Members and their devices, as the roster and the records say.

use std::collections::BTreeMap;

use model::{Kind, RecordId};
use protocol::{FeedId, MemberId, RosterHash, What};
use store::Reading;

use super::Core;
use super::apply::contact_name;
use super::device::{number, read_head, role};
use super::problem::Problem;
use crate::interface::{DeviceAnswer, Failure, MemberAnswer};

impl Core {
    /// Lists members with their devices, those who joined first.
    pub(super) fn members(&self) -> Result<Vec<MemberAnswer>, Failure> {
        let device = self.device()?;
        let read = self.store.read().map_err(Problem::from)?;
        let mut devices: BTreeMap<MemberId, Vec<DeviceAnswer>> = BTreeMap::new();
        let held = self.held_counts()?;
        let signed = last_signed(&device.roster);
        let now_ms = self.around.now_ms();
        let lost = device.roster.held_devices();
        let mut infos: Vec<_> = device.roster.devices().chain(lost).collect();
        infos.sort_by_key(|info| info.code);
        for info in infos {
            let transactions = match read.feed(info.signing.as_bytes()).map_err(Problem::from)? {
                Some(bytes) => read_head(&bytes)?.0,
                None => 0,
            };
            let last = read
                .envelope(info.signing.as_bytes(), transactions)
                .map_err(Problem::from)?;
            devices.entry(info.member).or_default().push(DeviceAnswer {
                code: info.code.as_str().to_owned(),
                feed: info.signing.to_string(),
                transactions,
                last_ms: last.and_then(|bytes| self.made_ms(&bytes)),
                contact_ms: if info.signing == device.keys.feed() {
                    device.complete_ms
                } else {
                    let noted = read.meta(&contact_name(&info.signing));
                    let received = noted.map_err(Problem::from)?;
                    let received = received.and_then(|bytes| number(&bytes));
                    let signed = signed.get(&info.signing).copied();
                    // A clock that is ahead must not promise a meeting that is still to come.
                    let last = received.max(signed).map(u64::cast_signed);
                    last.map(|last| last.min(now_ms))
                },
                is_me: info.signing == device.keys.feed(),
                is_revoked: device.roster.is_revoked(&info.signing),
                counts_up_to: device.cut_of(&info.signing).map(|cut| cut.sequence),
                held: held.get(&info.signing).copied().unwrap_or(0),
                is_of_lost_branch: device.roster.device(&info.signing).is_none(),
            });
        }
        let views = device.replica.views();
        let mut ids: Vec<RecordId> = views.of_kind(Kind::Member).collect();
        ids.extend(
            devices
                .keys()
                .map(|id| RecordId::from_bytes(*id.as_bytes())),
        );
        ids.sort_unstable();
        ids.dedup();
        let mut members: Vec<MemberAnswer> = ids
            .into_iter()
            .map(|id| {
                let member = MemberId::from_bytes(*id.as_bytes());
                let own = devices.remove(&member).unwrap_or_default();
                MemberAnswer {
                    id,
                    name: device
                        .replica
                        .digests()
                        .get(id)
                        .map(|digest| digest.title().to_owned())
                        .unwrap_or_default(),
                    role: device
                        .roster
                        .member_role(&member)
                        .filter(|_| !own.is_empty())
                        .map(role),
                    devices: own,
                    is_me: id == device.replica.identity().member,
                }
            })
            .collect();
        members.sort_by_key(|member| {
            (
                member.devices.is_empty(),
                member.devices.first().map(|one| one.code.clone()),
                member.id,
            )
        });
        Ok(members)
    }

    /// Says when a transaction was made: when its changes say so.
    fn made_ms(&self, bytes: &[u8]) -> Option<i64> {
        let device = self.device.as_ref()?;
        let (verified, _) = vault::weigh_envelope(bytes, &device.roster).ok()?;
        let parts = vault::open_parts(&verified, &device.ring).ok()?;
        parts
            .iter()
            .filter_map(|part| match part {
                protocol::Part::Record { changes, .. } => changes.first(),
                protocol::Part::File { .. } => None,
            })
            .filter_map(|change| {
                replica::gate::parse(change, &replica::gate::Limits::default()).ok()
            })
            .map(|change| change.time_ms)
            .max()
    }
}

/// Says when each device last signed something in the roster, by its own clock (ms since 1970): its joining at least.
fn last_signed(roster: &vault::Roster) -> BTreeMap<FeedId, u64> {
    let mut last: BTreeMap<FeedId, u64> = BTreeMap::new();
    for entry in roster
        .history_after(&RosterHash::ZERO)
        .into_iter()
        .flatten()
    {
        let joins = match &entry.what {
            What::Device(added) => Some(added.device.signing),
            _ => None,
        };
        for feed in joins.into_iter().chain([FeedId::from(entry.author)]) {
            let at = last.entry(feed).or_default();
            *at = entry.time_ms.max(*at);
        }
    }
    last
}
