//! Kills real processes at random while they work, and checks that nothing acknowledged is lost.

use clap::Args;

use crate::command;
use crate::failure::Failure;
use crate::project::Project;

/// How long to kill.
#[derive(Args)]
pub(crate) struct Options {
    /// How many seconds processes work and are killed; checking comes on top.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Repeats the random choices of a run, which prints its seed.
    #[arg(long)]
    seed: Option<u64>,
}

/// Builds the client, the relay and who kills them, and runs that.
pub(crate) fn kill(project: &Project, options: &Options) -> Result<(), Failure> {
    eprintln!(
        "building the client, the relay and who kills them; the first time this takes minutes"
    );
    command::run(project.cargo().args([
        "build",
        "--package",
        "handschlag",
        "--package",
        "handschlag-relay",
        "--package",
        "handschlag-tests",
        "--bins",
    ]))?;
    let metadata = project.metadata()?;
    let mut killer = project.program(metadata.binary("kill"));
    for (variable, path) in metadata.binary_variables() {
        killer.env(variable, path);
    }
    killer.env("HANDSCHLAG_KILL_SECONDS", options.seconds.to_string());
    if let Some(seed) = options.seed {
        killer.env("HANDSCHLAG_SEED", seed.to_string());
    }
    command::run(&mut killer)
}
