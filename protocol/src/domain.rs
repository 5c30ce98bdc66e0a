//! The domain strings of all hashes, signatures and derived keys.
//!
//! They are listed in one place so that no two purposes ever share one.

use crate::Domain;

/// Hash of an envelope's header bytes.
pub const ENVELOPE: Domain = Domain::new("handschlag envelope 1");
/// Hash of a sealed part.
pub const PART: Domain = Domain::new("handschlag part 1");
/// Hash of a file in clear.
pub const FILE: Domain = Domain::new("handschlag file 1");
/// Hash of a roster entry's body bytes.
pub const ROSTER: Domain = Domain::new("handschlag roster 1");
/// Running hash of a relay's log.
pub const LOG: Domain = Domain::new("handschlag log 1");
/// Checks of the frames of a relay's backup.
pub const BACKUP: Domain = Domain::new("handschlag backup 1");
/// Hash of a feed from which its actor ids begin.
pub const ACTOR: Domain = Domain::new("handschlag actor 1");
/// Hash that tells whether a workspace key is the right one.
pub const KEY_CHECK: Domain = Domain::new("handschlag key check 1");
/// Associated data of a sealed part.
pub const SEAL: Domain = Domain::new("handschlag seal 1");
/// Info of a wrapped workspace key.
pub const WRAP: Domain = Domain::new("handschlag wrap 1");
/// Signature of an envelope.
pub const SIGN_ENVELOPE: Domain = Domain::new("handschlag sign envelope 1");
/// Signature of a roster entry.
pub const SIGN_ROSTER: Domain = Domain::new("handschlag sign roster 1");
/// Signature of a relay in a challenge.
pub const SIGN_RELAY: Domain = Domain::new("handschlag sign relay 1");
/// Signature of a device or invite in a proof.
pub const SIGN_SESSION: Domain = Domain::new("handschlag sign session 1");
/// Info for the signing seed of an invite.
pub const INVITE_SIGN: Domain = Domain::new("handschlag invite sign 1");
/// Info for the sealing seed of an invite.
pub const INVITE_SEAL: Domain = Domain::new("handschlag invite seal 1");
