//! Runs all tests in stages.

use std::process::Command;
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::command;
use crate::failure::Failure;
use crate::project::Project;
use crate::stages::{Stages, seconds};

/// All tests together stay below this on two cores, the build included.
const BUDGET: Duration = Duration::from_secs(22 * 60);

/// Which tests to run.
#[derive(Args)]
pub(crate) struct Options {
    /// Runs this stage alone; `build` comes before it, since tests start the binaries (not before `sim`).
    #[arg(long)]
    only: Option<Stage>,
    /// Passed on to the test runner (such as a test's name, or `--package model`); then the stage `tests` runs alone.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    passed_on: Vec<String>,
}

/// The stages of the tests, in the order in which they run.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Stage {
    /// Compiles everything, the binaries that tests start as processes included.
    Build,
    /// Runs the examples in the documentation.
    Doc,
    /// Plays simulations in fast code: until each row of the merge table was met often enough, and with the code broken
    /// on purpose in one way after the other.
    Sim,
    /// Runs unit, integration and end-to-end tests.
    Tests,
}

impl Stage {
    fn name(self) -> &'static str {
        match self {
            Self::Build => "build",
            Self::Doc => "doc",
            Self::Sim => "sim",
            Self::Tests => "tests",
        }
    }
}

/// Runs the tests and prints the stages with their times.
pub(crate) fn test(project: &Project, options: &Options) -> Result<(), Failure> {
    let mut stages = Stages::new();
    let only = match options.passed_on.is_empty() {
        true => options.only,
        false => Some(Stage::Tests),
    };
    let result = run_stages(project, &mut stages, only, &options.passed_on);
    println!("\n{}", stages.summary("test"));
    warn_above_budget(stages.total());
    result
}

/// Runs all stages of the tests as part of a longer task.
pub(crate) fn all_stages(project: &Project, stages: &mut Stages) -> Result<(), Failure> {
    let before = stages.total();
    let result = run_stages(project, stages, None, &[]);
    warn_above_budget(stages.total().saturating_sub(before));
    result
}

/// Runs the stages that are wanted; the runner whose closing lines count comes last.
fn run_stages(
    project: &Project,
    stages: &mut Stages,
    only: Option<Stage>,
    passed_on: &[String],
) -> Result<(), Failure> {
    let is_wanted = |stage| only.is_none_or(|only| only == stage);
    if only != Some(Stage::Sim) {
        stages.stage(Stage::Build.name(), || build(project))?;
    }
    if is_wanted(Stage::Doc) {
        stages.stage(Stage::Doc.name(), || doc(project))?;
    }
    if is_wanted(Stage::Sim) {
        stages.stage(Stage::Sim.name(), || sim(project))?;
    }
    if is_wanted(Stage::Tests) {
        stages.stage(Stage::Tests.name(), || tests(project, passed_on))?;
    }
    Ok(())
}

/// Compiles all targets at once, so that every later stage finds them built with the same features.
fn build(project: &Project) -> Result<String, Failure> {
    command::run(
        project
            .cargo()
            .args(["build", "--workspace", "--all-targets"]),
    )?;
    Ok(String::new())
}

fn doc(project: &Project) -> Result<String, Failure> {
    command::run(
        project
            .cargo()
            .args(["test", "--workspace", "--doc", "--quiet"]),
    )?;
    Ok(String::new())
}

/// Runs the tests that play many simulations, in a build of their own: fast, and with the breaks compiled in, in a call of
/// its own since cargo turns a feature on for all that it builds at once.
fn sim(project: &Project) -> Result<String, Failure> {
    let args = [
        "--features",
        "sabotage",
        "--test",
        "breaks",
        "--test",
        "hits",
    ];
    command::run(
        project
            .cargo()
            .args(["test", "--profile", "sim", "--package", "handschlag-tests"])
            .args(args)
            .args(["--", "--nocapture"]),
    )?;
    Ok(String::new())
}

fn tests(project: &Project, passed_on: &[String]) -> Result<String, Failure> {
    let (mut runner, remark) = match project.has_subcommand("nextest") {
        true => (
            with_args(project.cargo(), &["nextest", "run", "--workspace"]),
            "",
        ),
        false => {
            eprintln!(
                "cargo-nextest is not installed: the tests run with cargo's own runner \
                 (`cargo install cargo-nextest --locked` makes this faster and ends tests that hang)"
            );
            (
                with_args(project.cargo(), &["test", "--workspace", "--all-targets"]),
                "with cargo's own runner, nextest is not installed",
            )
        }
    };
    for (variable, path) in project.metadata()?.binary_variables() {
        runner.env(variable, path);
    }
    command::run(runner.args(passed_on))?;
    Ok(remark.to_owned())
}

fn with_args(mut command: Command, args: &[&str]) -> Command {
    command.args(args);
    command
}

fn warn_above_budget(took: Duration) {
    if took > BUDGET {
        println!(
            "warning: the tests took {}, and their budget is {}: look for the slowest above",
            seconds(took),
            seconds(BUDGET)
        );
    }
}
