//! All that a change must pass, in stages: what is quick and fails often comes first.

use crate::command;
use crate::failure::Failure;
use crate::project::Project;
use crate::stages::Stages;
use crate::{test, tidy, web};

/// The parts of the toolchain that the stages call, with the name of each for rustup.
const COMPONENTS: [(&str, &str); 2] = [("fmt", "rustfmt"), ("clippy", "clippy")];

/// Runs all stages and prints them with their times; the first that fails ends it and is named.
pub(crate) fn ci(project: &Project) -> Result<(), Failure> {
    let mut stages = Stages::new();
    let result = run_stages(project, &mut stages);
    println!("\n{}", stages.summary("ci"));
    result
}

fn run_stages(project: &Project, stages: &mut Stages) -> Result<(), Failure> {
    stages.stage("prepare", || prepare(project))?;
    stages.stage("tidy", || tidy::tidy(project).map(|()| String::new()))?;
    stages.stage("fmt", || {
        cargo(
            project,
            &["fmt", "--all", "--check"],
            "run `cargo fmt --all`",
        )
    })?;
    stages.stage("clippy", || {
        clippy(project, &["--all-targets"])?;
        // Once more what is compiled for the breaks alone; the binaries that ship do not compile with them.
        let breaks = "--lib --test breaks --test hits --features handschlag-tests/sabotage";
        clippy(project, &breaks.split(' ').collect::<Vec<_>>())
    })?;
    stages.stage("deny", || deny(project))?;
    stages.stage("web", || web::check(project, &web::Options::default()))?;
    test::all_stages(project, stages)
}

/// Lints these targets of all packages; all packages at once, so that dependencies are not compiled with other features.
fn clippy(project: &Project, targets: &[&str]) -> Result<String, Failure> {
    let args = [
        &["clippy", "--workspace"][..],
        targets,
        &["--", "-D", "warnings"],
    ];
    cargo(
        project,
        &args.concat(),
        "repair what clippy names above; an exception says its reason with `#[expect(…, reason = \"…\")]`",
    )
}

/// Fetches what will be compiled and installs what the later stages call.
fn prepare(project: &Project) -> Result<String, Failure> {
    for (subcommand, component) in COMPONENTS {
        if !project.has_subcommand(subcommand) {
            eprintln!("cargo {subcommand} is missing: adding {component} with rustup");
            command::run(
                project
                    .program("rustup")
                    .args(["component", "add", component]),
            )
            .map_err(|failure| failure.next(format!("install {component} for this toolchain")))?;
        }
    }
    cargo(
        project,
        &["fetch", "--locked"],
        "if Cargo.lock is said to need an update, run `cargo check` and commit Cargo.lock",
    )
}

/// Checks licences, banned packages and sources, where cargo-deny is installed.
fn deny(project: &Project) -> Result<String, Failure> {
    if !project.has_subcommand("deny") {
        eprintln!(
            "cargo-deny is not installed: licences and sources are not checked (`cargo install cargo-deny --locked`)"
        );
        return Ok("SKIPPED: cargo-deny is not installed".to_owned());
    }
    cargo(
        project,
        &["deny", "check", "licenses", "bans", "sources"],
        "choose another package, or say in deny.toml why this one may stay",
    )
}

/// Calls cargo and says what to do when it fails.
fn cargo(project: &Project, args: &[&str], next: &str) -> Result<String, Failure> {
    command::run(project.cargo().args(args)).map_err(|failure| failure.next(next))?;
    Ok(String::new())
}
