//! What registers, stored views and stored rows hold, and what rules, views and queries make of it.
//!
//! A member may write any bytes under any key of any record: the gate asks only that the change is well formed.
//! Whatever he writes, every view and every query answers, what is worked out step by step equals what is worked out
//! from nothing, and the intents of others are carried out or refused.

mod story;

use model::cbor;
use model::doc::DocView;
use model::register::Register;
use model::value::{Form, Value};

use self::story::{Story, golden_registers};
use super::{Target, script::Script};

pub(super) const TARGET: Target = Target {
    name: "values",
    about: "registers, stored views and rows, and all that is worked out of them",
    run,
    seeds,
    rounds: 150,
};

/// All forms that a register's value can have.
const FORMS: [Form; 26] = [
    Form::Text,
    Form::Date,
    Form::Planned,
    Form::Instant,
    Form::Money,
    Form::Decimal,
    Form::Integer,
    Form::Flag,
    Form::Address,
    Form::Labelled,
    Form::Reference,
    Form::Status,
    Form::Item,
    Form::Consent,
    Form::Conversion,
    Form::Award,
    Form::Issue,
    Form::Done,
    Form::Life,
    Form::MergedInto,
    Form::Aside,
    Form::Identity,
    Form::Phase,
    Form::Custom,
    Form::File,
    Form::Own,
];

fn run(bytes: &[u8]) {
    let mut script = Script::new(bytes);
    match script.below(8) {
        0 => read(script.rest()),
        1 => Story::begin().keep_damaged(&mut script),
        _ => {
            let mut story = Story::begin();
            story.play(&mut script);
            story.check();
        }
    }
}

/// Reads bytes as everything that a store or a document may hold; what reads is written as it was.
fn read(bytes: &[u8]) {
    if let Ok(map) = cbor::decode(bytes) {
        assert_eq!(cbor::encode(&map), bytes);
        assert_eq!(cbor::decode_checked(bytes), Some(map));
    }
    if let Ok(register) = Register::from_bytes(bytes) {
        let (stamp, value) = (register.stamp(), register.value());
        assert_eq!(register.is_cleared(), value.is_none());
        assert_eq!(Register::new(stamp, value), register);
    }
    for form in FORMS {
        if let Some(value) = Value::read(form, bytes) {
            // What says nothing may be written as nothing.
            if let Some(again) = Value::from_map(form, &value.to_map()) {
                assert_eq!(again, value);
            }
            drop(replica::text::plain(&value));
        }
    }
    let id = model::RecordId::fresh(0, [0; 10]);
    if let Ok(view) = DocView::from_bytes(id, bytes) {
        assert_eq!(
            DocView::from_bytes(id, &view.to_bytes()).ok().as_ref(),
            Some(&view)
        );
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = golden_registers()
        .iter()
        .map(|register| [&[0][..], register].concat())
        .collect();
    all.extend(
        Story::begin()
            .kept_views()
            .into_iter()
            .map(|view| [&[0][..], &view].concat()),
    );
    for step in 0..48_u8 {
        // Some writes to several records, then some intents.
        all.push(
            (0..90)
                .map(|at: u8| at.wrapping_mul(step.wrapping_mul(2) + 3) ^ step)
                .collect(),
        );
        all.push(vec![1, step, step % 3, 9, step, 255, step]);
    }
    all
}
