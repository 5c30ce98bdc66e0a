//! Shows the doors for bytes from outside to a fuzzer, one after the other.

use std::fs;

use clap::Args;

use crate::command;
use crate::failure::Failure;
use crate::project::Project;

/// The folder of the fuzz targets, each of which is one file.
const TARGETS: &str = "tests/fuzz/fuzz_targets";

/// The most memory that a target may take, in MiB.
const MEMORY_MIB: u32 = 1024;

/// The longest that one input may take, in seconds.
const INPUT_SECONDS: u32 = 10;

/// The longest input that the fuzzer makes, in bytes.
const INPUT_BYTES: u32 = 8192;

/// What to fuzz, and how long.
#[derive(Args)]
pub(crate) struct Options {
    /// The target; without it, all of them.
    target: Option<String>,
    /// How long each target runs.
    #[arg(long, value_name = "N", default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
}

/// Runs one target or all; what a target fails at is kept as a file of its corpus, which the tests load from then on.
pub(crate) fn fuzz(project: &Project, options: &Options) -> Result<(), Failure> {
    let all = targets(project)?;
    let chosen: Vec<&String> = match &options.target {
        Some(name) => all.iter().filter(|target| *target == name).collect(),
        None => all.iter().collect(),
    };
    if chosen.is_empty() {
        return Err(Failure::new("there is no such target")
            .next(format!("choose one of {}", all.join(", "))));
    }
    let has_tools = command::succeeds(project.program("rustup").args([
        "run",
        "nightly",
        "cargo",
        "fuzz",
        "--version",
    ]));
    if !has_tools {
        return Err(Failure::new("a nightly compiler and cargo-fuzz are needed")
            .next("run `rustup toolchain install nightly` and `cargo install cargo-fuzz`"));
    }
    for target in chosen {
        run(project, target, options.seconds)?;
    }
    Ok(())
}

/// Runs one target on what earlier runs found worth keeping, its seeds and its corpus.
fn run(project: &Project, target: &str, seconds: u32) -> Result<(), Failure> {
    let kept = project.root().join("target/fuzz").join(target);
    let corpus = project.root().join("tests/corpus").join(target);
    for folder in [&kept, &corpus] {
        fs::create_dir_all(folder)
            .map_err(|error| Failure::new(format!("cannot make {}: {error}", folder.display())))?;
    }
    command::run(
        project
            .cargo()
            .args([
                "run",
                "--package",
                "handschlag-tests",
                "--bin",
                "seeds",
                target,
            ])
            .arg(&kept),
    )?;
    let ended = command::run(
        project
            .program("rustup")
            .args(["run", "nightly", "cargo", "fuzz", "run"])
            // Nothing of ours is unsafe, and without a sanitizer ten times as many inputs are tried.
            .args(["--sanitizer", "none", "--fuzz-dir", "tests/fuzz", target])
            .args([&kept, &corpus])
            .arg("--")
            .arg(format!("-max_total_time={seconds}"))
            .arg(format!("-rss_limit_mb={MEMORY_MIB}"))
            .arg(format!("-timeout={INPUT_SECONDS}"))
            .arg(format!("-max_len={INPUT_BYTES}"))
            .arg(format!("-artifact_prefix={}/", corpus.display()))
            .arg("-print_final_stats=1"),
    );
    // An empty folder is no corpus; git would not keep it either.
    let _ = fs::remove_dir(&corpus);
    ended.map_err(|failure| {
        failure.next(format!(
            "the input is in tests/corpus/{target}; `cargo test -p handschlag-tests --lib hostile` fails with it too"
        ))
    })
}

fn targets(project: &Project) -> Result<Vec<String>, Failure> {
    let failed = |error: std::io::Error| Failure::new(format!("cannot list {TARGETS}: {error}"));
    let mut names = Vec::new();
    for file in fs::read_dir(project.root().join(TARGETS)).map_err(failed)? {
        let name = file.map_err(failed)?.file_name();
        let name = name.to_string_lossy();
        names.extend(name.strip_suffix(".rs").map(str::to_owned));
    }
    names.sort();
    Ok(names)
}
