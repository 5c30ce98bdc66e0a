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

    /// Writes everything that the relay holds at this moment into one file.
    ///
    /// Works while the relay runs, which goes on meanwhile, and on the data directory of one that does not run.
    /// The file holds sealed envelopes, rosters and the relay's key: keep it as safe as the data directory.
    Backup(BackupArgs),

    /// Makes a data directory from a backup.
    ///
    /// The backup is verified first. Each log begins a new life (epoch): clients that have read further compare, and
    /// send what the backup lacks. Stop the old relay for good before the restored one serves.
    Restore(RestoreArgs),

    /// Walks roster and log of each workspace and says what is wrong where.
    ///
    /// Checks every hash, signature and chain, of a backup, of the data directory of a stopped relay, or of a relay
    /// that runs. Exit code 1 when anything is wrong.
    #[command(group = ArgGroup::new("what").required(true).args(["file", "data"]))]
    Verify(VerifyArgs),

    /// Says whether the relay runs, and what it holds.
    Status(StatusArgs),
}

/// The flags of `backup`.
#[derive(Debug, Clone, Args)]
pub struct BackupArgs {
    /// Where the backup goes; written beside it as FILE.part first.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// The folder with all that the relay keeps.
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,

    /// Replaces the file if it is there.
    #[arg(long)]
    pub force: bool,

    /// Prints one line of JSON.
    #[arg(long)]
    pub json: bool,
}

/// The flags of `restore`.
#[derive(Debug, Clone, Args)]
pub struct RestoreArgs {
    /// The backup.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// The folder for the relay's data: an empty one, or one that is not there yet.
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,

    /// Prints one line of JSON.
    #[arg(long)]
    pub json: bool,
}

/// The flags of `verify`.
#[derive(Debug, Clone, Args)]
pub struct VerifyArgs {
    /// The backup to verify.
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,

    /// The data directory to verify.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,

    /// Prints one line of JSON.
    #[arg(long)]
    pub json: bool,
}

/// The flags of `status`.
#[derive(Debug, Clone, Args)]
pub struct StatusArgs {
    /// The folder with all that the relay keeps.
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,

    /// Prints one line of JSON.
    #[arg(long)]
    pub json: bool,
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
        match cli.command {
            Command::Serve(args) => Ok(args),
            other => panic!("{other:?} is not serve"),
        }
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
    fn verify_takes_a_backup_or_a_data_directory() {
        let parses = |words: &[&str]| {
            Cli::try_parse_from(["handschlag-relay", "verify"].iter().chain(words)).is_ok()
        };
        assert!(parses(&["relay.backup"]) && parses(&["--data", "relay", "--json"]));
        assert!(!parses(&[]) && !parses(&["relay.backup", "--data", "relay"]));
    }

    #[test]
    fn help_names_tls() {
        let error =
            Cli::try_parse_from(["handschlag-relay", "serve", "--help"]).expect_err("is help");
        assert!(error.to_string().contains("TLS"));
    }
}
