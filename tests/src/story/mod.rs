//! The way from the first contact to the order: three people, three homes, one relay; and what becomes of them when the
//! relay loses its disk, a device is revoked and a laptop is restored.
//!
//! Everything is done by the command line, as people do it. The machines meet the relay in several random orders, each
//! from the same beginning, and must always end with the same.

mod agreement;
mod cast;
mod offline;
mod outcome;
mod sequel;
mod told;
mod winning;

pub use agreement::{KINDS, all_agree, difference, everything, rows};
pub use told::Told;

use crate::harness::{Dice, scratch};
use cast::Cast;
use told::Stage;

/// In how many random orders the machines meet the relay.
const ORDERS: usize = 3;

/// Plays the story and checks all that must hold at its end.
///
/// # Panics
/// When something does not hold.
pub fn play(dice: &mut Dice, tell: &mut dyn FnMut(Told<'_>)) {
    let folder = scratch();
    let mut stage = Stage::new(tell);
    let mut cast = Cast::assemble(&mut stage, folder.path());
    let inquiry = offline::capture(&mut stage, &cast);
    let work = offline::work(&mut stage, &mut cast, folder.path(), inquiry);

    let mut shown = None;
    for order in 1..=ORDERS {
        stage.chapter(&format!("They meet the relay, order {order} of {ORDERS}"));
        let copy = folder.path().join(format!("order-{order}"));
        let mut world = cast.copied_to(&copy);
        world.meet_in_any_order(&mut stage, dice);
        let seen = all_agree(&world.people());
        outcome::check(&mut stage, &world, &work, &seen);
        if let Some(before) = shown.replace(seen.clone()) {
            let different = difference(&before, &seen);
            assert_eq!(
                different, None,
                "another order of meeting shows something else"
            );
            stage.holds("what they see is what the order before has shown");
        }
        if order == ORDERS {
            winning::play(&mut stage, &mut world, &work, dice);
            sequel::play(&mut stage, &mut world, &copy);
        }
        outcome::nothing_in_clear(&mut stage, &world);
        world.end();
    }
}
