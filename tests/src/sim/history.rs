//! One simulation: a workspace is founded, then generations of steps, each ending with a crash of everything, healing and
//! all checks.

use engine::interface::{Answer, Request};
use model::Role;
use store::FaultBackend;

use super::aims::Aim;
use super::count::Counts;
use super::deal::{Trouble, deal};
use super::dice::Dice;
use super::failure::{self, Failure};
use super::person::Purpose;
use super::relay::address;
use super::step::{Step, What};
use super::world::World;

/// What is simulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Plan {
    /// From which all follows.
    pub(crate) seed: u64,
    /// How many generations.
    pub(crate) generations: usize,
    /// How many steps each has.
    pub(crate) steps: usize,
    /// What goes wrong more often.
    pub(crate) trouble: Trouble,
}

/// Which steps of a plan are played, by their number counted over all generations; all when none.
pub(crate) type Kept = Option<Vec<usize>>;

/// Plays a plan.
///
/// # Errors
/// Something did not hold.
pub(crate) fn play(plan: Plan, kept: &Kept, is_told: bool) -> Result<Counts, Failure> {
    failure::watch(|| {
        let mut world = World::new(plan.seed);
        world.is_told = is_told;
        found(&mut world, plan.seed);
        let mut number = 0;
        let dealt = deal(plan.seed, plan.generations, plan.steps, plan.trouble);
        for (nth, steps) in dealt.iter().enumerate() {
            let is_last = nth + 1 == plan.generations;
            let numbered = steps.iter().map(|step| {
                number += 1;
                (number - 1, step)
            });
            let played: Vec<&Step> = numbered
                .filter(|(number, _)| kept.as_ref().is_none_or(|kept| kept.contains(number)))
                .map(|(_, step)| step)
                .collect();
            generation(&mut world, plan.seed, nth, &played, is_last);
        }
        world.counts
    })
}

/// Founds a workspace of a few people who are all there.
fn found(world: &mut World, seed: u64) {
    let mut dice = Dice::of_all(&[seed, 0xf0]);
    world.reseed(seed);
    world.add_site();
    let founder = world.add_device(FaultBackend::new(), None);
    world.devices[founder].start().expect("an empty home opens");
    world.ledger.disk_replaced(founder, |_| false);
    let request = Request::Found {
        workspace: "Mueller Praezision GmbH".to_owned(),
        user: "A. Berg".to_owned(),
    };
    let founded = world.ask(founder, request, "founding");
    assert!(matches!(founded, Ok(Answer::Founded(_))), "{founded:?}");
    world.request(
        founder,
        Request::SetRelay { url: address(0) },
        Some(Purpose::Relay),
    );
    world.request(founder, Request::Follow { on: true }, None);
    world.settle("founding");
    for nth in 0..2 + dice.below(3) {
        let role = match nth {
            0 => Role::Admin,
            _ => Role::Member,
        };
        let request = Request::Invite {
            user: Some(format!("Person {nth}")),
            email: None,
            role,
            member: None,
        };
        let purpose = Purpose::Invite {
            is_second_device: false,
        };
        world.request(founder, request, Some(purpose));
        world.settle("inviting");
    }
}

fn generation(world: &mut World, seed: u64, nth: usize, steps: &[&Step], is_last: bool) {
    let mut aims: Vec<Option<Aim>> = Vec::with_capacity(steps.len());
    for step in steps {
        aims.push(match step.what {
            What::Aim(scene) => {
                world.reseed(step.number ^ 0x5e7);
                let mut dice = Dice::of(step.number);
                world.set_scene(scene, &mut dice)
            }
            _ => None,
        });
    }
    world.settle("setting scenes");
    for (step, aim) in steps.iter().zip(&mut aims) {
        world.perform(step, aim.as_mut());
    }
    world.reseed(seed ^ nth as u64);
    world.crash_all();
    world.heal();
    world.check_idle();
    // What is missing explains why something waits or two devices differ, so that is looked for first.
    world.check_kept();
    world.check_bounds();
    world.check_agreement(nth, is_last);
    world.check_numbers();
    world.check_rules();
    for aim in aims.iter_mut().flatten() {
        world.judge_scene(aim);
    }
    world.settle("judging scenes");
    world.reserved.clear();
    for operation in world.ledger.operations.values_mut() {
        operation.is_of_scene = false;
    }
    if is_last {
        world.check_from_scratch(seed);
    }
}
