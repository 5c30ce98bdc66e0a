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

/// How many times as often the troubles of a run come.
const TIMES_AS_OFTEN: usize = 12;

/// What goes wrong more often than other things in a run, so that what is rare in a mixed one is met in a short one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Trouble {
    /// All things as often as ever.
    #[default]
    Mixed,
    /// Disks that fail, are put back to older copies, and are copied, on machines that do not always meet the relay.
    Disks,
    /// Relays that lose what they have, and are replaced.
    Relays,
    /// People who come, go, and get other roles, over slow connections.
    People,
    /// Connections that break, repeat and reorder, of devices of which two may have the same home.
    Lines,
}

impl Trouble {
    /// All of them.
    pub const ALL: [Trouble; 5] = [
        Trouble::Mixed,
        Trouble::Disks,
        Trouble::Relays,
        Trouble::People,
        Trouble::Lines,
    ];

    /// Gives its name, as it is typed.
    pub fn name(self) -> &'static str {
        match self {
            Trouble::Mixed => "mixed",
            Trouble::Disks => "disks",
            Trouble::Relays => "relays",
            Trouble::People => "people",
            Trouble::Lines => "lines",
        }
    }

    /// Reads its name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }

    fn makes_often(self, what: What) -> bool {
        match self {
            Trouble::Mixed => false,
            Trouble::Disks => matches!(
                what,
                What::FailDisk | What::KeepImage | What::PutBack | What::Clone | What::CutOff
            ),
            Trouble::Relays => matches!(
                what,
                What::RelayKeepImage | What::RelayPutBack | What::RelayLost | What::RelayReplaced
            ),
            Trouble::People => matches!(
                what,
                What::Slow
                    | What::Invite
                    | What::SecondDevice
                    | What::ChangeRole
                    | What::Revoke
                    | What::AcceptHeld
            ),
            Trouble::Lines => matches!(
                what,
                What::Unruly | What::BreakUp | What::BreakDown | What::Clone
            ),
        }
    }

    fn weight(self, (what, weight): (What, usize)) -> usize {
        match self.makes_often(what) {
            true => weight * TIMES_AS_OFTEN,
            false => weight,
        }
    }
}

/// Deals the steps of some generations.
pub(crate) fn deal(
    seed: u64,
    generations: usize,
    steps: usize,
    trouble: Trouble,
) -> Vec<Vec<Step>> {
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
                _ => other(&mut dice, trouble),
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

fn other(dice: &mut Dice, trouble: Trouble) -> What {
    let all: usize = OTHERS.iter().map(|one| trouble.weight(*one)).sum();
    let mut at = dice.below(all);
    for one in OTHERS {
        let weight = trouble.weight(one);
        if at < weight {
            return one.0;
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
            .flat_map(|seed| deal(seed, 4, 150, Trouble::Mixed))
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
        assert_eq!(
            deal(7, 2, 50, Trouble::Mixed),
            deal(7, 2, 50, Trouble::Mixed)
        );
        assert_ne!(
            deal(7, 2, 50, Trouble::Mixed),
            deal(8, 2, 50, Trouble::Mixed)
        );
    }
}
