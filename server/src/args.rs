//! The command line of the relay.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};
use protocol::WorkspaceId;

/// Stores and forwards the sealed transactions of Handschlag workspaces.
///
/// The relay reads no record: it keeps sealed bytes in order, and knows devices and their roles alone.
#[derive(Debug, Clone, Parser)]
#[command(name = "handschlag-relay", version)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the relay can do.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Serves clients until SIGTERM or SIGINT.
    ///
    /// Prints "listening on http://ADDRESS:PORT" on stdout once clients can connect; logs go to stderr.
    /// Speaks plain HTTP and WebSocket (/sync): for clients on other machines put a reverse proxy in front that adds TLS.
    /// Workspaces that are stored already are always served; --allow and --open say which new ones may begin here.
    Serve(ServeArgs),
}

/// The flags of `serve`.
#[derive(Debug, Clone, Args)]
#[command(group = ArgGroup::new("new workspaces").args(["allow", "open"]))]
pub struct ServeArgs {
    /// The folder for all that the relay keeps; made when it is not there.
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,

    /// Where to listen; with port 0 the system picks a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7373")]
    pub listen: String,

    /// Lets this workspace begin here; can be given several times.
    #[arg(long, value_name = "WORKSPACE")]
    pub allow: Vec<WorkspaceId>,

    /// Lets any workspace begin here, up to the quota.
    #[arg(long)]
    pub open: bool,

    /// How many workspaces an open relay holds at most.
    #[arg(long, value_name = "N", default_value_t = 100, requires = "open")]
    pub quota: u64,

    /// How many clients may be connected at once; others are told to come back.
    #[arg(long, value_name = "N", default_value_t = 1024, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub max_connections: u32,

    /// How log lines look; HANDSCHLAG_LOG says how much is logged (error, warn, info, debug).
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Which workspaces may begin on a relay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Creation {
    /// These alone; none when the list is empty.
    Allowed(Vec<WorkspaceId>),
    /// Any, until the relay holds so many.
    Open {
        /// How many it holds at most.
        quota: u64,
    },
}

impl Creation {
    /// Tells whether a workspace may begin.
    pub fn allows(&self, workspace: &WorkspaceId) -> bool {
        match self {
            Creation::Allowed(list) => list.contains(workspace),
            Creation::Open { .. } => true,
        }
    }

    /// Returns how many workspaces the relay may hold.
    pub fn quota(&self) -> u64 {
        match self {
            Creation::Allowed(_) => u64::MAX,
            Creation::Open { quota } => *quota,
        }
    }
}

impl ServeArgs {
    /// Returns which workspaces may begin.
    pub fn creation(&self) -> Creation {
        if self.open {
            Creation::Open { quota: self.quota }
        } else {
            Creation::Allowed(self.allow.clone())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn serve(flags: &[&str]) -> Result<ServeArgs, clap::Error> {
        let words = ["handschlag-relay", "serve", "--data", "relay"];
        let cli = Cli::try_parse_from(words.iter().chain(flags))?;
        let Command::Serve(args) = cli.command;
        Ok(args)
    }

    #[test]
    fn flags_say_who_may_begin() {
        let id = WorkspaceId::from_bytes([3; 32]);
        let other = WorkspaceId::from_bytes([4; 32]);
        let text = id.to_string();
        let creation = |flags: &[&str]| serve(flags).expect("parses").creation();
        assert_eq!(creation(&[]), Creation::Allowed(Vec::new()));
        assert!(!creation(&[]).allows(&id));
        let allowed = creation(&["--allow", &text]);
        assert!(allowed.allows(&id) && !allowed.allows(&other));
        assert_eq!(
            creation(&["--open", "--quota", "7"]),
            Creation::Open { quota: 7 }
        );
        assert!(creation(&["--open"]).allows(&other));
    }

    #[test]
    fn contradictions_and_bad_ids_are_refused() {
        let id = WorkspaceId::from_bytes([3; 32]).to_string();
        for flags in [
            &["--open", "--allow", &id][..],
            &["--quota", "5"],
            &["--allow", "company"],
            &["--max-connections", "0"],
        ] {
            assert!(serve(flags).is_err(), "{flags:?}");
        }
    }

    #[test]
    fn help_names_tls() {
        let error =
            Cli::try_parse_from(["handschlag-relay", "serve", "--help"]).expect_err("is help");
        assert!(error.to_string().contains("TLS"));
    }
}
