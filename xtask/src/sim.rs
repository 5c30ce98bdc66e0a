//! Runs simulations of clients and a relay.

use clap::Args;

use crate::command;
use crate::failure::Failure;
use crate::project::Project;

/// What to simulate; `--help` after `--` says what there is.
#[derive(Args)]
pub(crate) struct Options {
    /// Passed on to the simulator: --seeds N, --seed S, --generations G, --steps N, --trouble T, --jobs J, --only STEPS, --tell.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    passed_on: Vec<String>,
}

/// Builds the simulator as fast code with all assertions, and runs it.
pub(crate) fn sim(project: &Project, options: &Options) -> Result<(), Failure> {
    eprintln!("building the simulator; the first time this takes minutes");
    command::run(project.cargo().args([
        "build",
        "--profile",
        "sim",
        "--package",
        "handschlag-tests",
        "--bin",
        "sim",
    ]))?;
    let path = project.metadata()?.simulator();
    command::run(project.program(path).args(&options.passed_on))
}
