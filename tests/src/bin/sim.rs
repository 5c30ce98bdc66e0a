//! Runs simulations: `cargo xtask sim`.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use handschlag_tests::sim::{Least, Run, Trouble, read_steps};

/// Simulates clients and a relay with everything that can go wrong, and checks what must hold.
#[derive(Parser)]
#[command(name = "sim", bin_name = "cargo xtask sim")]
struct Options {
    /// How many seeds to play.
    #[arg(long, default_value_t = 10)]
    seeds: u64,
    /// The first seed; a new one without it.
    #[arg(long)]
    seed: Option<u64>,
    /// How many generations each has, each ending with a crash of everything.
    #[arg(long, default_value_t = 4)]
    generations: usize,
    /// How many steps each generation has.
    #[arg(long, default_value_t = 150)]
    steps: usize,
    /// What goes wrong more often: mixed, disks, relays, people or lines.
    #[arg(long, default_value = "mixed", value_parser = read_trouble)]
    trouble: Trouble,
    /// How many seeds are played at once; as many as there are processors without it.
    #[arg(long)]
    jobs: Option<usize>,
    /// How often each row of the merge table must be met.
    #[arg(long, default_value_t = 0)]
    least_hits: u64,
    /// How often each fault and each crash point must be met.
    #[arg(long, default_value_t = 0)]
    least_faults: u64,
    /// Plays these steps alone, as a failure names them: 1-3,7; none for no step at all.
    #[arg(long)]
    only: Option<String>,
    /// How often a seed that fails is played again to shorten it.
    #[arg(long, default_value_t = 150)]
    shrink: usize,
    /// Prints what happens.
    #[arg(long)]
    tell: bool,
}

fn read_trouble(name: &str) -> Result<Trouble, String> {
    let names = || Trouble::ALL.map(Trouble::name).join(", ");
    Trouble::named(name).ok_or_else(|| format!("there are these: {}", names()))
}

#[expect(
    clippy::disallowed_methods,
    reason = "a run says how long it took; nothing that is simulated depends on it"
)]
fn now() -> std::time::Instant {
    std::time::Instant::now()
}

fn main() -> ExitCode {
    let options = Options::parse();
    let kept = match options
        .only
        .as_deref()
        .map(|text| read_steps(text.trim_start_matches("none")))
    {
        None => None,
        Some(Ok(kept)) => kept,
        Some(Err(reason)) => {
            eprintln!("{reason}");
            return ExitCode::FAILURE;
        }
    };
    let seed = options
        .seed
        .unwrap_or_else(|| RandomState::new().build_hasher().finish() % 1_000_000_000_000);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let run = Run {
        generations: options.generations,
        steps: options.steps,
        trouble: options.trouble,
        jobs: options.jobs.unwrap_or(cores),
        least: Least {
            rows: options.least_hits,
            faults: options.least_faults,
        },
        kept,
        is_told: options.tell,
        shrink_tries: options.shrink,
        ..Run::of(seed, options.seeds)
    };
    println!(
        "seeds {seed} to {}",
        seed.wrapping_add(options.seeds.saturating_sub(1))
    );
    let began = now();
    let result = run.play(&|seed, result| match result {
        Ok(_) => eprintln!("seed {seed}: all holds"),
        Err(failure) => eprintln!("seed {seed}: {}: {}", failure.place, failure.text),
    });
    let took: Duration = began.elapsed();
    let each = took.as_secs_f64() / options.seeds.max(1) as f64;
    match result {
        Ok(counts) => {
            print!("{}", counts.tell());
            println!(
                "{} seeds in {:.1} s, {each:.2} s each: all holds",
                options.seeds,
                took.as_secs_f64()
            );
            ExitCode::SUCCESS
        }
        Err(text) => {
            println!("{text}");
            println!(
                "{} seeds in {:.1} s, {each:.2} s each",
                options.seeds,
                took.as_secs_f64()
            );
            ExitCode::FAILURE
        }
    }
}
