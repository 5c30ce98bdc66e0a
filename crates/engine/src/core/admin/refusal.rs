//! Why an admin's errand is refused, and what to do instead.

use protocol::{Cut, FeedId};
use vault::{ChangeError, RosterError};

use super::super::device::Device;
use crate::interface::Failure;

pub(super) fn no_device(text: &str) -> Failure {
    Failure::new(
        "no-such-device",
        format!("there is no device '{text}'"),
        Some("name one by its code: handschlag members lists them"),
    )
}

pub(super) fn nothing_held(
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
pub(super) fn refused(error: ChangeError) -> Failure {
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

/// Says that a member has no device: nobody has used the invite.
pub(super) fn not_joined(name: &str) -> Failure {
    Failure::new(
        "not-joined",
        format!("{name} has not joined yet: nobody has used the invite"),
        Some("make another invite: handschlag invite --user NAME --role ROLE"),
    )
}
