//! Names that follow from keys: members and actors.

use protocol::{FeedId, MemberId, SignerKey, domain, hash};
use uuid::Uuid;

/// The UUIDv5 namespace of member ids; golden, since every member's id depends on it.
const MEMBER_NAMESPACE: Uuid = Uuid::from_bytes(*b"handschlagMember");

/// The number of bytes by which an actor id names its feed.
pub const ACTOR_PREFIX_LEN: usize = 12;

/// Returns the id of the member that begins with this key: that of the founding device or of the invite.
pub fn member_of(key: &SignerKey) -> MemberId {
    MemberId::from_bytes(Uuid::new_v5(&MEMBER_NAMESPACE, key.as_bytes()).into_bytes())
}

/// Returns the first 12 bytes of all actor ids of a feed.
pub fn actor_prefix(feed: &FeedId) -> [u8; ACTOR_PREFIX_LEN] {
    let hash = hash(domain::ACTOR, &[feed.as_bytes()]);
    let mut prefix = [0; ACTOR_PREFIX_LEN];
    prefix.copy_from_slice(&hash[..ACTOR_PREFIX_LEN]);
    prefix
}
