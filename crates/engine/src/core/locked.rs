//! A revoked device: it shows nothing any more and writes nothing; it only gives away what it had sealed before.

use model::RecordId;
use protocol::{FeedId, What};
use vault::{EntryInfo, Roster, Standing};

use super::Core;
use super::device::Device;
use crate::interface::{Failure, Query, Request};

impl Core {
    /// Refuses to write what would not count.
    pub(super) fn check_silenced(&self) -> Result<(), Failure> {
        match self.device.as_ref().and_then(silenced) {
            Some(failure) => Err(failure),
            None => Ok(()),
        }
    }

    /// Says who revoked this device; none while it is not revoked.
    pub(super) fn revocation(&self) -> Option<Failure> {
        let device = self.device.as_ref()?;
        let feed = device.keys.feed();
        device
            .roster
            .is_revoked(&feed)
            .then(|| locked(device, self))
    }

    /// Refuses all that a revoked device does not do any more.
    pub(super) fn check_locked(&self, request: &Request) -> Result<(), Failure> {
        let goes_on = matches!(
            request,
            Request::Query(Query::Status)
                | Request::Subscribe {
                    query: Query::Status
                }
                | Request::Unsubscribe { .. }
                | Request::Sync { .. }
                | Request::Follow { .. }
                | Request::SetRelay { .. }
                | Request::Found { .. }
                | Request::Join { .. }
        );
        match self.revocation() {
            Some(failure) if !goes_on => Err(failure),
            _ => Ok(()),
        }
    }
}

/// Says that what this device would write does not count: a branch that was lost took the right from its member.
///
/// Its role still says otherwise until an admin's device has settled that; the role alone would let it write what is
/// held by everybody. A device that was accepted out of a lost branch is silenced too, but goes on as another one.
fn silenced(device: &Device) -> Option<Failure> {
    let feed = device.keys.feed();
    let role = device.replica.identity().role;
    let is_accepted = device.roster.accepted().any(|cut| cut.feed == feed);
    let is_silenced = matches!(device.roster.standing(&feed), Some(Standing::Silenced(_)));
    (role.may_write() && is_silenced && !is_accepted).then(|| {
        let code = device.code_of(&feed);
        Failure::new(
            "role",
            format!(
                "an admin took the right to write from the member of this device ({code}), in a branch of the roster that \
                 was lost: what it wrote now would be held"
            ),
            Some("ask an admin to look: handschlag members, and handschlag role MEMBER ROLE"),
        )
    })
}

/// Finds the entry that revoked a device, in the roster or in a lost branch of it.
///
/// A branch that was lost before this device came names the one that it continues.
fn entry(roster: &Roster, feed: &FeedId) -> Option<EntryInfo> {
    let lineage = roster.lineage(feed);
    lineage.iter().find_map(|feed| entry_naming(roster, feed))
}

fn entry_naming(roster: &Roster, feed: &FeedId) -> Option<EntryInfo> {
    let lost = roster.lost().iter().map(|lost| lost.chain());
    std::iter::once(roster).chain(lost).find_map(|chain| {
        let entries = chain.history_after(&protocol::RosterHash::ZERO)?;
        let mut revoked = entries.filter(
            |entry| matches!(&entry.what, What::Revoke(revocation) if revocation.feeds.contains(feed)),
        );
        revoked.next_back()
    })
}

fn locked(device: &Device, core: &Core) -> Failure {
    let feed = device.keys.feed();
    let Some(entry) = entry(&device.roster, &feed) else {
        let code = device.code_of(&feed);
        let way_out = format!(
            "this home is kept; an admin lets it count: handschlag accept-held {code}, or invites you into a new home"
        );
        return Failure::new(
            "revoked",
            "the roster that counts does not know this device: it joined in a branch that was lost",
            Some(&way_out),
        );
    };
    let author = FeedId::from(entry.author);
    let by = device.info(&author).map_or_else(String::new, |info| {
        let member = RecordId::from_bytes(*info.member.as_bytes());
        let name = device.replica.digests().get(member);
        let name = name.map_or("", |digest| digest.title());
        format!(" by {name} (device {})", info.code.as_str())
    });
    let when = jiff::Timestamp::from_millisecond(entry.time_ms.cast_signed())
        .unwrap_or(jiff::Timestamp::UNIX_EPOCH)
        .to_zoned(core.zone())
        .strftime("%Y-%m-%d %H:%M");
    let held = match device.own_held() {
        0 => "all that it had sent counts".to_owned(),
        1 => "1 transaction of it does not count unless an admin accepts it".to_owned(),
        count => format!("{count} transactions of it do not count unless an admin accepts them"),
    };
    Failure::new(
        "revoked",
        format!("this device was revoked{by} on {when}; {held}"),
        Some("ask an admin for an invite into a new home; this home is kept as it is"),
    )
}
