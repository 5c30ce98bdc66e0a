//! A relay and five clients that are killed (SIGKILL) at random while they work.
//!
//! Each client is a home with a thread of its own, which runs commands as processes, keeps a long-lived owner beside them
//! for a while, and kills either at random moments, also while it founds, joins and invites. A further thread does the
//! same to the relay, also while that is backed up. What was acknowledged (exit code 0, or an answered line) stands in a
//! [`ledger::Ledger`]. When the time is over all is healed, and `healed` checks what must hold then.
//!
//! The choices come from a seed; when a process dies is up to the machine, so a seed repeats the choices, not the run.

mod healed;
mod joining;
mod ledger;
mod relay;
mod rep;
mod steps;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::harness::{Dice, Person, scratch};
use ledger::Ledger;
use rep::Rep;

/// How many clients work.
const REPS: usize = 5;

/// Names of the reps, the founder first.
const NAMES: [&str; REPS] = ["Rep A", "Rep B", "Rep C", "Rep D", "Rep E"];

/// What happened how often: acknowledged, killed, refused.
#[derive(Debug, Default)]
pub struct Counts(BTreeMap<String, usize>);

impl Counts {
    fn add(&mut self, what: impl Into<String>) {
        *self.0.entry(what.into()).or_default() += 1;
    }

    fn take(&mut self, other: Counts) {
        for (what, count) in other.0 {
            *self.0.entry(what).or_default() += count;
        }
    }

    /// Gives how often things happened that begin with this.
    pub fn of(&self, start: &str) -> usize {
        let found = self.0.iter().filter(|(what, _)| what.starts_with(start));
        found.map(|(_, count)| count).sum()
    }
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (what, count) in &self.0 {
            writeln!(f, "{count:>6}  {what}")?;
        }
        Ok(())
    }
}

/// What the threads share.
struct World<'w> {
    /// The folder with all homes.
    folder: &'w Path,
    founder: Person,
    until: Instant,
}

impl World<'_> {
    fn is_over(&self) -> bool {
        now() >= self.until
    }
}

/// Lets clients and relay work and die for so long, heals all, and checks what must hold; gives what happened how often.
///
/// # Panics
/// When something does not hold.
pub fn play(dice: &Dice, time: Duration, tell: &mut dyn FnMut(&str)) -> Counts {
    let folder = scratch();
    let mut counts = Counts::default();
    let mut own = fork(dice, 0);
    let mut relay = relay::Life::begin(folder.path(), fork(dice, 1));
    let founder = Person::at(NAMES[0], &folder.path().join("home-0"));
    joining::found(&founder, &relay.url(), &mut own, &mut counts);
    let world = World {
        folder: folder.path(),
        founder,
        until: now() + time,
    };
    tell(&format!(
        "{REPS} clients and a relay work and are killed for {} s",
        time.as_secs()
    ));
    let (over, is_over) = mpsc::channel::<()>();
    let gathered = Mutex::new((Ledger::default(), Counts::default()));
    let reps: Vec<Rep<'_>> = thread::scope(|scope| {
        let relay = &mut relay;
        let ending = scope.spawn(move || relay.live(&is_over));
        let reps: Vec<_> = (0..REPS)
            .map(|at| {
                let mut rep = Rep::new(&world, at, fork(dice, at as u64 + 2));
                let gathered = &gathered;
                scope.spawn(move || {
                    rep.work();
                    let mut all = gathered.lock().expect("no rep has failed");
                    all.0.take(std::mem::take(&mut rep.ledger));
                    all.1.take(std::mem::take(&mut rep.counts));
                    rep
                })
            })
            .collect();
        let reps: Vec<_> = reps
            .into_iter()
            .map(thread::ScopedJoinHandle::join)
            .collect();
        drop(over);
        let relay = ending.join();
        let reps = reps.into_iter().collect::<Result<_, _>>();
        match (reps, relay) {
            (Ok(reps), Ok(())) => reps,
            (Err(panic), _) | (_, Err(panic)) => std::panic::resume_unwind(panic),
        }
    });
    let (ledger, worked) = gathered.into_inner().expect("no rep has failed");
    counts.take(worked);
    tell(&format!(
        "{} acts were acknowledged; now all is healed",
        ledger.len()
    ));
    let mut people = vec![];
    for rep in reps {
        people.push(rep.heal());
    }
    relay.heal(&mut own);
    healed::check(&people, &mut relay, folder.path(), &ledger, tell);
    counts.take(relay.counts());
    counts
}

/// Gives dice of its own to a thread.
///
/// They begin at a number that is drawn, since those that begin a few steps apart draw the same numbers soon after each
/// other, and two reps the same ids.
fn fork(dice: &Dice, number: u64) -> Dice {
    let mut first = Dice::of(dice.seed() ^ number.wrapping_mul(0xd134_2543_de82_ef95));
    Dice::of(first.below(usize::MAX) as u64)
}

/// Gives a random moment within so many milliseconds.
fn moment(dice: &mut Dice, below_ms: usize) -> Duration {
    Duration::from_millis(dice.below(below_ms) as u64)
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long processes are killed is measured; nothing of the product depends on it"
)]
fn now() -> Instant {
    Instant::now()
}
