//! Starts a relay with a workspace on it, for trying and for developing.

mod relay;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc;

use clap::Args;

use crate::command;
use crate::failure::Failure;
use crate::project::Project;
use crate::run::relay::Relay;

/// Where `cargo xtask run` keeps everything, below the root folder.
const DEFAULT_FOLDER: &str = ".handschlag";

/// What to start, and where it keeps its data.
#[derive(Args)]
pub(crate) struct Options {
    /// Keeps the relay's data and the first member's home in this folder instead of `.handschlag`.
    #[arg(long, value_name = "DIR")]
    home: Option<PathBuf>,
    /// Listens on this port of this machine.
    #[arg(long, default_value_t = 7420)]
    port: u16,
    /// Names the workspace that is created the first time.
    #[arg(long, value_name = "NAME", default_value = "My workspace")]
    workspace: String,
    /// Names the first member, who owns the workspace.
    #[arg(long, value_name = "NAME", default_value = "Owner")]
    user: String,
    /// Names the member for whom the invite link is made.
    #[arg(long, value_name = "NAME", default_value = "Colleague")]
    invite: String,
}

/// The folders of one run.
struct Folders {
    /// The relay's log and key.
    relay: PathBuf,
    /// The home of the workspace's first member; it exists when the workspace was created.
    owner: PathBuf,
    /// The home while the workspace is being created, renamed when that is done.
    unfinished: PathBuf,
}

impl Folders {
    fn in_folder(folder: &Path) -> Self {
        Self {
            relay: folder.join("relay"),
            owner: folder.join("owner"),
            unfinished: folder.join("owner.unfinished"),
        }
    }
}

/// Builds and starts the relay, creates the workspace the first time, and serves until Ctrl-C.
pub(crate) fn run(project: &Project, options: &Options) -> Result<(), Failure> {
    eprintln!("building the relay and the client; the first time this takes minutes");
    command::run(project.cargo().args([
        "build",
        "--package",
        "handschlag",
        "--package",
        "handschlag-relay",
        "--bins",
    ]))?;
    let metadata = project.metadata()?;
    let client = metadata.binary("handschlag");
    let folder = match &options.home {
        Some(home) => std::path::absolute(home)
            .map_err(|error| Failure::new(format!("{}: {error}", home.display())))?,
        None => project.root().join(DEFAULT_FOLDER),
    };
    let folders = Folders::in_folder(&folder);
    std::fs::create_dir_all(&folders.relay).map_err(|error| {
        Failure::new(format!(
            "cannot create {}: {error}",
            folders.relay.display()
        ))
    })?;

    let (stop, stopped) = mpsc::channel();
    ctrlc::set_handler(move || {
        // A second Ctrl-C finds the receiver gone, and the relay is stopping already.
        let _ = stop.send(());
    })
    .map_err(|error| Failure::new(format!("cannot listen for Ctrl-C: {error}")))?;

    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, options.port));
    let mut relay = Relay::start(
        &metadata.binary("handschlag-relay"),
        &folders.relay,
        address,
    )?;
    let url = format!("http://{address}");
    if folders.owner.exists() {
        println!(
            "\nThe relay runs at {url}, its data is in {}.",
            folders.relay.display()
        );
    } else {
        create_workspace(&client, &folders, options, &url)?;
        println!(
            "\nThe workspace \"{}\" is ready at {url}, its data is in {}.",
            options.workspace,
            folders.relay.display()
        );
        let invite = ["invite", "--user", &options.invite, "--role", "member"];
        let link = command::output(home(&client, &folders.owner).args(invite))?;
        println!(
            "\nThe invite link for {}:\n\n  {}",
            options.invite,
            link.trim()
        );
    }
    print_how_to(&client, &folders, &options.invite);
    relay.serve_until(&stopped)
}

/// Makes the workspace in a home of its own, which gets its name only when all is done.
fn create_workspace(
    client: &Path,
    folders: &Folders,
    options: &Options,
    url: &str,
) -> Result<(), Failure> {
    let cannot = |what: &str, path: &Path, error: &std::io::Error| {
        Failure::new(format!("cannot {what} {}: {error}", path.display()))
    };
    if folders.unfinished.exists() {
        // Left by a run that was interrupted before the workspace was anybody's.
        std::fs::remove_dir_all(&folders.unfinished)
            .map_err(|error| cannot("remove", &folders.unfinished, &error))?;
    }
    let init = [
        "init",
        "--workspace",
        &options.workspace,
        "--user",
        &options.user,
        "--relay",
        url,
    ];
    command::run(home(client, &folders.unfinished).args(init))?;
    std::fs::rename(&folders.unfinished, &folders.owner)
        .map_err(|error| cannot("rename", &folders.unfinished, &error))
}

/// Prepares a call of the client on a home.
fn home(client: &Path, home: &Path) -> Command {
    let mut command = Command::new(client);
    command.arg("--home").arg(home);
    command
}

fn print_how_to(client: &Path, folders: &Folders, invite: &str) {
    let client = shown(client);
    let owner = shown(&folders.owner);
    println!(
        "
To join, on this machine with a home of its own:

  {client} --home colleague join LINK
  {client} --home colleague capture --company \"Mueller Praezision GmbH\" --phone \"+49 30 1234567\"
  {client} --home colleague sync

The owner's home:

  {client} --home {owner} list inquiry

Another invite link:

  {client} --home {owner} invite --user \"{invite}\" --role member

Ctrl-C stops the relay."
    );
}

/// Writes a path as it is typed in the folder where the task was called.
fn shown(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    let path = path
        .strip_prefix(&here)
        .unwrap_or(path)
        .display()
        .to_string();
    match path.contains(' ') {
        true => format!("\"{path}\""),
        false => path,
    }
}
