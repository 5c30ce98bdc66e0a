//! Deals the steps of a simulation from its seed alone, without looking at what happens.

use super::aims;
use super::dice::Dice;
use super::step::{Step, What};

/// What is dealt how often, beside wishes and aims, which are half of it and more.
const OTHERS: [(What, usize); 33] = [
    (What::Import, 3),
    (What::UndoBatch, 2),
    (What::Attach, 4),
    (What::Repeat, 4),
    (What::Unplug, 4),
    (What::DieSoon, 8),
    (What::DieAtStart, 2),
    (What::FailDisk, 3),
    (What::KeepImage, 3),
    (What::PutBack, 2),
    (What::Clone, 1),
    (What::Jump, 3),
    (What::CutOff, 8),
    (What::CutOffHalf, 3),
    (What::Slow, 2),
    (What::BreakUp, 4),
    (What::BreakDown, 4),
    (What::Unruly, 1),
    (What::Mend, 6),
    (What::RelayUnplug, 2),
    (What::RelayDiesSoon, 4),
    (What::RelayRestart, 1),
    (What::RelayKeepImage, 2),
    (What::RelayPutBack, 1),
    (What::RelayLost, 1),
    (What::RelayJump, 1),
    (What::RelayReplaced, 1),
    (What::MoveToRelay, 1),
    (What::Invite, 2),
    (What::SecondDevice, 2),
    (What::ChangeRole, 2),
    (What::Revoke, 1),
    (What::AcceptHeld, 2),
];

/// Deals the steps of some generations.
pub(crate) fn deal(seed: u64, generations: usize, steps: usize) -> Vec<Vec<Step>> {
    let mut dice = Dice::of_all(&[seed, 0xdea1]);
    // Each row comes equally often: the rows are dealt like cards, seed after seed from another place.
    let mut card = dice.below(aims::count());
    let mut generation = || {
        let mut dealt = Vec::with_capacity(steps);
        for _ in 0..steps {
            let what = match dice.below(100) {
                0..=31 => What::Wish,
                32..=63 => {
                    card = (card + 1) % aims::count();
                    What::Aim(card)
                }
                _ => other(&mut dice),
            };
            dealt.push(Step {
                what,
                who: dice.below(1 << 16),
                number: dice.next(),
                pause_ms: pause(&mut dice),
            });
        }
        dealt
    };
    (0..generations).map(|_| generation()).collect()
}

fn other(dice: &mut Dice) -> What {
    let all: usize = OTHERS.iter().map(|(_, weight)| weight).sum();
    let mut at = dice.below(all);
    for (what, weight) in OTHERS {
        if at < weight {
            return what;
        }
        at -= weight;
    }
    What::Wish
}

fn pause(dice: &mut Dice) -> i64 {
    match dice.below(200) {
        0 => dice.between(600_000, 21_600_000),
        1..=9 => dice.between(10_000, 600_000),
        10..=59 => dice.between(500, 10_000),
        60..=139 => dice.between(1, 500),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_steps_are_intents_and_half_of_these_are_aimed() {
        let dealt: Vec<Step> = (0..20)
            .flat_map(|seed| deal(seed, 4, 150))
            .flatten()
            .collect();
        let intents = dealt.iter().filter(|step| step.what.is_intent()).count();
        let aims = dealt
            .iter()
            .filter(|step| matches!(step.what, What::Aim(_)))
            .count();
        assert!(intents * 2 >= dealt.len(), "{intents} of {}", dealt.len());
        // Imports, files and repetitions come on top of both halves.
        assert!(aims * 100 >= intents * 45, "{aims} of {intents}");
    }

    #[test]
    fn a_seed_deals_the_same_again() {
        assert_eq!(deal(7, 2, 50), deal(7, 2, 50));
        assert_ne!(deal(7, 2, 50), deal(8, 2, 50));
    }
}
