//! Plays the story from first contact to order with real processes.

use clap::Args;

use crate::command;
use crate::failure::Failure;
use crate::project::Project;

/// How to play the story.
#[derive(Args)]
pub(crate) struct Options {
    /// Passed on to the story.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    passed_on: Vec<String>,
}

/// Builds the client, the relay and the story, and plays it.
pub(crate) fn demo(project: &Project, options: &Options) -> Result<(), Failure> {
    eprintln!("building the client, the relay and the story; the first time this takes minutes");
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
    let mut story = project.program(metadata.binary("demo"));
    for (variable, path) in metadata.binary_variables() {
        story.env(variable, path);
    }
    command::run(story.args(&options.passed_on))
}
