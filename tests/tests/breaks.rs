//! The simulator can fail: the code is broken on purpose in one way after the other, and each is caught.
//!
//! A break counts as caught when a short simulation fails with it that holds without it. `HANDSCHLAG_BREAKS` names the
//! breaks to try, with commas between, `HANDSCHLAG_SEEDS` the seeds to try them with, as `7,20-29`, and
//! `HANDSCHLAG_TROUBLE` what goes wrong more often in them: so a new break finds its seed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use handschlag_tests::sim::{Failure, Run, Trouble, read_steps};
use sabotage::Break;

/// How many runs there are at once.
const JOBS: usize = 2;

/// How many seeds are tried beside the one that is known to catch a break: what a seed deals changes with the simulator.
const OTHERS: u64 = 24;

/// Gives the run that is known to catch a break: what goes wrong more often in it, and its seed.
fn known(what: Break) -> (Trouble, u64) {
    match what {
        Break::FeedUnchecked => (Trouble::Lines, 2),
        Break::PartsApart | Break::WaitingForgotten => (Trouble::Mixed, 47),
        Break::CutUnchecked => (Trouble::People, 4),
        Break::ForkUnseen | Break::ActorKept | Break::MemoryKeptAfterFailure => {
            (Trouble::Disks, 15)
        }
        Break::NothingCarried => (Trouble::Relays, 0),
        Break::CursorBeforeBatch | Break::NoAside => (Trouble::Mixed, 3),
        Break::TieByAutomerge => (Trouble::Mixed, 2),
        Break::AnswerBeforeSync
        | Break::AcknowledgeBeforeSync
        | Break::IntentTwice
        | Break::NumberTwice
        | Break::CodeTwice
        | Break::RandomIds
        | Break::NoStamp
        | Break::NewestStatus
        | Break::ArchivedWins
        | Break::UndoneWins
        | Break::NeighboursStale => (Trouble::Mixed, 0),
    }
}

/// Gives the runs to try a break with.
fn candidates(what: Break) -> Vec<(Trouble, u64)> {
    let (trouble, seed) = known(what);
    let named = std::env::var("HANDSCHLAG_TROUBLE").ok();
    let named = named.map(|name| Trouble::named(&name).expect("there is such trouble"));
    let trouble = named.unwrap_or(trouble);
    let seeds: Vec<u64> = match std::env::var("HANDSCHLAG_SEEDS") {
        Ok(text) => {
            let seeds = read_steps(&text).expect("seeds are written as 7,20-29");
            seeds
                .into_iter()
                .flatten()
                .map(|seed| seed as u64)
                .collect()
        }
        Err(_) => {
            let others = (0..OTHERS).filter(|other| *other != seed);
            std::iter::once(seed).chain(others).collect()
        }
    };
    seeds.into_iter().map(|seed| (trouble, seed)).collect()
}

/// Gives the breaks that were named; all where none was.
fn breaks() -> Vec<Break> {
    let named = std::env::var("HANDSCHLAG_BREAKS").ok();
    let is_named = |what: &Break| {
        let name = format!("{what:?}");
        let named = named.as_ref();
        named.is_none_or(|names| names.split(',').any(|one| one == name))
    };
    Break::ALL.iter().copied().filter(is_named).collect()
}

/// Plays one short run: few steps are enough for most breaks, and the others need other seeds rather than longer ones.
fn play((trouble, seed): (Trouble, u64)) -> Result<(), Failure> {
    let run = Run {
        generations: 1,
        steps: 60,
        trouble,
        ..Run::of(seed, 1)
    };
    run.play_one(seed).map(drop)
}

/// Does something with each of a list on several threads, and puts together what came of it.
fn for_each<T: Copy + Sync, R: Send>(list: &[T], what: impl Fn(T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..JOBS {
            scope.spawn(|| {
                while let Some(one) = list.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let result = what(*one);
                    done.lock().expect("nothing panics with it").push(result);
                }
            });
        }
    });
    done.into_inner().expect("all threads have ended")
}

/// Plays runs with something broken until one fails; gives it and what it said.
fn catch(what: Break) -> Option<((Trouble, u64), String)> {
    sabotage::with(what, || {
        let runs = candidates(what).into_iter();
        let mut tried = 0;
        let found = runs.into_iter().find_map(|run| {
            tried += 1;
            Some((run, play(run).err()?))
        });
        let (run, failure) = found?;
        let text = told(&failure);
        println!("{what:?}: caught by {run:?}, the {tried}. that was tried, at {text}");
        Some((run, text))
    })
}

/// Says where a run failed and how, in one line.
fn told(failure: &Failure) -> String {
    let place = failure.place.rsplit('/').next().unwrap_or_default();
    let text = failure.text.lines().next().unwrap_or_default();
    let text: String = text.chars().take(160).collect();
    format!("{place}: {text}")
}

#[test]
fn whatever_is_broken_on_purpose_is_caught() {
    let caught = for_each(&breaks(), |what| (what, catch(what)));
    let missed: BTreeSet<Break> = caught
        .iter()
        .filter(|(_, caught)| caught.is_none())
        .map(|(what, _)| *what)
        .collect();
    // Only what holds when nothing is broken shows that it is the break that was caught.
    let mut by_run: BTreeMap<(&str, u64), (Trouble, u64)> = BTreeMap::new();
    for (run, _) in caught.iter().filter_map(|(_, caught)| caught.as_ref()) {
        by_run.insert((run.0.name(), run.1), *run);
    }
    let runs: Vec<(Trouble, u64)> = by_run.into_values().collect();
    let whole = for_each(&runs, |run| (run, play(run)));
    let failed: Vec<String> = whole
        .iter()
        .filter_map(|(run, result)| Some(format!("{run:?}: {}", told(result.as_ref().err()?))))
        .collect();
    assert!(
        failed.is_empty(),
        "these fail with nothing broken:\n{}",
        failed.join("\n")
    );
    assert!(missed.is_empty(), "nothing catches {missed:?}");
}
