//! The Merged list.

use engine::interface::{Answer, Query, Request, ResolvedEntry};
use model::intent::Intent;

use crate::args::lists::{Acknowledge, Choose, Merged};
use crate::commands::done;
use crate::desk::{Desk, answer};
use crate::error::CommandError;
use crate::output;

pub(super) fn merged(desk: &mut Desk<'_>, args: &Merged) -> Result<(), CommandError> {
    let answer = desk.query(Query::Merged { all: args.all })?;
    let entries = answer!(answer, Answer::Merged(entries) => entries);
    desk.print(&entries, |moment| output::merged::entries(&entries, moment))
}

fn entry(
    desk: &mut Desk<'_>,
    entry: &str,
    value: Option<&str>,
) -> Result<ResolvedEntry, CommandError> {
    let request = Request::ResolveEntry {
        entry: entry.trim().to_owned(),
        value: value.map(|value| value.trim().to_owned()),
    };
    Ok(answer!(desk.ask(request)?, Answer::ResolvedEntry(found) => found))
}

pub(super) fn choose(desk: &mut Desk<'_>, args: &Choose) -> Result<(), CommandError> {
    let found = entry(desk, &args.entry, Some(&args.value))?;
    let Some(value) = found.value else {
        let places: Vec<String> = (1..=found.entry.choices.len())
            .map(|place| place.to_string())
            .collect();
        return Err(CommandError::usage(
            "value of this entry",
            &args.value,
            format!("one of {} is expected", places.join(", ")),
        ));
    };
    let outcome = desk.perform(Intent::Choose {
        entry: found.entry.id,
        value,
    })?;
    done::print(desk, "chosen for", outcome)
}

pub(super) fn acknowledge(desk: &mut Desk<'_>, args: &Acknowledge) -> Result<(), CommandError> {
    let mut found = Vec::new();
    for typed in &args.entries {
        let entry = entry(desk, typed, None)?.entry.id;
        if !found.contains(&entry) {
            found.push(entry);
        }
    }
    let intents = found.into_iter().map(|entry| Intent::Acknowledge { entry });
    let outcome = done::perform(desk, intents.collect())?;
    done::print(desk, "seen", outcome)
}
