//! The story from the first contact to the order.

use handschlag_tests::harness::Dice;
use handschlag_tests::story::{self, Told};

#[test]
fn three_people_agree_after_they_met_the_relay() {
    let mut dice = Dice::throw();
    println!("HANDSCHLAG_SEED={}", dice.seed());
    story::play(&mut dice, &mut |told| match told {
        Told::Chapter(text) => println!("\n{text}"),
        Told::Did {
            who,
            command,
            outcome,
        } => println!("  {who}: {command}\n      {outcome}"),
        Told::Saw { who, command, text } => println!("  {who}: {command}\n{text}"),
        Told::Holds(text) => println!("  holds: {text}"),
    });
}
