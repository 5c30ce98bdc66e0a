//! Tests of the core: people with an engine each, and a relay in memory.

#[path = "../../../../sync/tests/it/log.rs"]
mod log;

mod alone;
mod branches;
mod contact;
mod errands;
mod files;
mod forks;
mod held;
mod leaving;
mod lies;
mod naming;
mod rescues;
mod together;
mod world;

use model::intent::{Intent, NewActivity};

use crate::interface::*;
use world::Person;

fn founded() -> Person {
    let mut person = Person::new(1);
    let request = Request::Found {
        workspace: "Pumps".into(),
        user: "A. Berg".into(),
    };
    assert!(matches!(person.ask(request), Ok(Answer::Founded(_))));
    person
}

fn note(person: &mut Person, regards: model::RecordId, text: &str) {
    person.act(Intent::AddActivity(NewActivity {
        activity: "note".into(),
        regards: vec![regards],
        text: text.into(),
        ..NewActivity::default()
    }));
}
