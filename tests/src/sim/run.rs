//! Many simulations on several threads, and what they add up to.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use super::count::{Counts, Least};
use super::deal::Trouble;
use super::failure::Failure;
use super::history::{Kept, Plan, play};
use super::shrink::{MOST_TRIES, name, shrink};

/// What to run.
#[derive(Debug, Clone)]
pub struct Run {
    /// The first seed.
    pub first: u64,
    /// How many seeds.
    pub seeds: u64,
    /// Generations of each.
    pub generations: usize,
    /// Steps of each generation.
    pub steps: usize,
    /// What goes wrong more often.
    pub trouble: Trouble,
    /// How many threads.
    pub jobs: usize,
    /// How often things must be met.
    pub least: Least,
    /// Which steps are played.
    pub kept: Kept,
    /// Whether what happens is printed.
    pub is_told: bool,
    /// How often a seed that fails is played again to shorten it.
    pub shrink_tries: usize,
}

impl Run {
    /// A run of so many seeds of four generations with 150 steps each.
    pub fn of(first: u64, seeds: u64) -> Self {
        Self {
            first,
            seeds,
            generations: 4,
            steps: 150,
            trouble: Trouble::Mixed,
            jobs: 2,
            least: Least::default(),
            kept: None,
            is_told: false,
            shrink_tries: MOST_TRIES,
        }
    }

    /// Plays all seeds and gives what was met; `told` hears of each seed that is done.
    ///
    /// # Errors
    /// Seeds failed, or something was met too seldom; the text says how to play each again.
    pub fn play(
        &self,
        told: &(dyn Fn(u64, &Result<Counts, Failure>) + Sync),
    ) -> Result<Counts, String> {
        let next = AtomicU64::new(0);
        let done: Mutex<(Counts, Vec<String>)> = Mutex::default();
        std::thread::scope(|scope| {
            for _ in 0..self.jobs.max(1) {
                scope.spawn(|| {
                    loop {
                        let nth = next.fetch_add(1, Ordering::Relaxed);
                        if nth >= self.seeds {
                            return;
                        }
                        let seed = self.first.wrapping_add(nth);
                        let result = self.play_one(seed);
                        told(seed, &result);
                        let failed = result.as_ref().err().map(|found| self.tell(seed, found));
                        let mut done = done.lock().expect("nothing panics while it is locked");
                        match result {
                            Ok(counts) => done.0.join(&counts),
                            Err(_) => done.1.extend(failed),
                        }
                    }
                });
            }
        });
        let (counts, mut failed) = done.into_inner().expect("all threads have ended");
        failed.extend(counts.few(self.least));
        match failed.is_empty() {
            true => Ok(counts),
            false => Err(format!("{}\n{}", counts.tell(), failed.join("\n\n"))),
        }
    }

    fn plan(&self, seed: u64) -> Plan {
        Plan {
            seed,
            generations: self.generations,
            steps: self.steps,
            trouble: self.trouble,
        }
    }

    /// Plays one seed, on this thread.
    ///
    /// # Errors
    /// Something did not hold.
    pub fn play_one(&self, seed: u64) -> Result<Counts, Failure> {
        play(self.plan(seed), &self.kept, self.is_told)
    }

    /// Says how a seed failed and how to play it again, with as few steps as were found.
    fn tell(&self, seed: u64, failure: &Failure) -> String {
        let plan = self.plan(seed);
        let command = format!(
            "cargo xtask sim --seeds 1 --seed {seed} --generations {} --steps {} --trouble {} --tell",
            self.generations,
            self.steps,
            self.trouble.name(),
        );
        if self.kept.is_some() || self.shrink_tries == 0 {
            return format!(
                "seed {seed} failed at {}: {}\n  again: {command}",
                failure.place, failure.text
            );
        }
        let (kept, shorter) = shrink(plan, failure, self.shrink_tries);
        format!(
            "seed {seed} failed at {}: {}\n  again: {command}\n  shorter, {} steps: {command} --only {}\n  it then says: {}",
            failure.place,
            failure.text,
            kept.len(),
            match kept.is_empty() {
                true => "none".to_owned(),
                false => name(&kept),
            },
            shorter.text,
        )
    }
}
