//! The project's own tasks: run, test, ci, demo, kill, sim, fuzz, tidy.

mod ci;
mod command;
mod demo;
mod failure;
mod fuzz;
mod kill;
mod project;
mod run;
mod sim;
mod stages;
mod test;
mod tidy;
mod web;

use std::process::ExitCode;

use clap::Parser;

use crate::failure::Failure;
use crate::project::Project;

/// The project's own tasks.
#[derive(Parser)]
#[command(name = "xtask", bin_name = "cargo xtask")]
enum Task {
    /// Starts a relay, creates a workspace the first time, and says how others join.
    Run(run::Options),
    /// Runs all tests and prints the stages with their times.
    Test(test::Options),
    /// Plays the story from first contact to order with real processes, and prints what merged.
    Demo(demo::Options),
    /// Kills a relay and five clients at random while they work, and checks that nothing acknowledged is lost.
    Kill(kill::Options),
    /// Shows the doors for bytes from outside to a fuzzer; needs a nightly compiler and cargo-fuzz.
    Fuzz(fuzz::Options),
    /// Simulates clients and a relay with everything that can go wrong, and checks what must hold.
    Sim(sim::Options),
    /// Checks the rules of the house: dependencies, file sizes, forbidden words.
    Tidy,
    /// Checks that everything the web client runs compiles for the browser.
    WebCheck(web::Options),
    /// Runs all checks and tests that a change must pass.
    Ci,
}

fn main() -> ExitCode {
    let task = Task::parse();
    match Project::find().and_then(|project| carry_out(&project, task)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

fn carry_out(project: &Project, task: Task) -> Result<(), Failure> {
    match task {
        Task::Run(options) => run::run(project, &options),
        Task::Test(options) => test::test(project, &options),
        Task::Demo(options) => demo::demo(project, &options),
        Task::Kill(options) => kill::kill(project, &options),
        Task::Fuzz(options) => fuzz::fuzz(project, &options),
        Task::Sim(options) => sim::sim(project, &options),
        Task::Tidy => tidy::tidy(project),
        Task::WebCheck(options) => {
            let outcome = web::check(project, &options)?;
            println!("web: {outcome}");
            Ok(())
        }
        Task::Ci => ci::ci(project),
    }
}
