//! Workspace, members, relay.

use clap::Args;
use model::Role;

/// Flags of `init`.
#[derive(Debug, Args)]
pub struct Init {
    /// The workspace's name.
    #[arg(long, value_name = "NAME")]
    pub workspace: String,
    /// Your name, as colleagues read it.
    #[arg(long, value_name = "NAME")]
    pub user: String,
    /// The relay's address, such as https://relay.example.com; uses the network.
    #[arg(long, value_name = "URL")]
    pub relay: Option<String>,
}

/// Flags of `relay`.
#[derive(Debug, Args)]
pub struct Relay {
    /// The relay's address, such as https://relay.example.com.
    #[arg(value_name = "URL")]
    pub url: String,
}

/// Flags of `join`.
#[derive(Debug, Args)]
pub struct Join {
    /// The invite link; - reads it from standard input.
    #[arg(value_name = "LINK")]
    pub link: String,
}

/// Flags of `invite`.
#[derive(Debug, Args)]
pub struct Invite {
    /// The name of the person to invite.
    #[arg(
        long,
        value_name = "NAME",
        required_unless_present = "member",
        conflicts_with = "member"
    )]
    pub user: Option<String>,
    /// What the person may do: owner, admin, member or guest.
    #[arg(
        long,
        value_name = "ROLE",
        default_value = "member",
        conflicts_with = "member"
    )]
    pub role: Role,
    /// The person's e-mail address.
    #[arg(long, value_name = "ADDRESS", conflicts_with = "member")]
    pub email: Option<String>,
    /// The member, by id or name, whose other device the link is for.
    #[arg(long, value_name = "ID")]
    pub member: Option<String>,
}

/// Flags of `sync`.
#[derive(Debug, Args)]
pub struct Sync {
    /// Stay connected and tell how it goes until interrupted.
    #[arg(long)]
    pub watch: bool,
    /// How long to try, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub timeout: u64,
}
