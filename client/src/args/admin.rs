//! Who may do what: roles, revocations, what is held.

use clap::Args;
use model::Role as MemberRole;

/// Flags of `role`.
#[derive(Debug, Args)]
pub struct Role {
    /// The member, by name or id.
    #[arg(value_name = "MEMBER")]
    pub member: String,
    /// What the member may do from now on: owner, admin, member or guest.
    #[arg(value_name = "ROLE")]
    pub role: MemberRole,
}

/// Flags of `revoke`.
#[derive(Debug, Args)]
pub struct Revoke {
    /// The device, by its code, or the member with all devices, by name or id.
    #[arg(value_name = "DEVICE|MEMBER")]
    pub who: String,
}

/// Flags of `accept-held`.
#[derive(Debug, Args)]
pub struct AcceptHeld {
    /// The device, by its code.
    #[arg(value_name = "DEVICE")]
    pub device: String,
    /// The last transaction that counts, as held numbers them; without it all do.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub up_to: Option<u64>,
}
