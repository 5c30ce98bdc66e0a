//! Activities.

use model::intent::{Intent, NewActivity};

use crate::args::activities::{Add, Done, Postpone, Reopen};
use crate::commands::done;
use crate::desk::Desk;
use crate::error::CommandError;

pub(super) fn add(desk: &mut Desk<'_>, activity: &str, args: &Add) -> Result<(), CommandError> {
    let when = match &args.on {
        Some(typed) => Some(desk.planned(typed)?),
        None => None,
    };
    if activity == "follow-up" && when.is_none() {
        return Err(CommandError::Usage {
            reason: "a follow-up has a date".to_owned(),
            expected: "handschlag follow-up ID --on DATE, such as tomorrow or +3d".to_owned(),
        });
    }
    let (subject, text) = wording(args);
    let mut regards = vec![desk.id(&args.id)?];
    regards.extend(desk.ids(&args.regards)?);
    let responsible = desk.maybe_id(args.responsible.as_deref())?;
    let outcome = desk.perform(Intent::AddActivity(NewActivity {
        activity: activity.to_owned(),
        regards,
        subject,
        text,
        when,
        duration_min: args.duration,
        responsible,
        direction: args.direction.clone(),
        outcome: args.outcome.clone(),
        reminder_min: args.reminder,
    }))?;
    done::print(desk, "added", outcome)
}

/// Gives subject and long text: of what was typed in one piece, the first line is the subject where none is given.
fn wording(args: &Add) -> (String, String) {
    let about = args.about.as_deref().unwrap_or("").trim();
    let (first, rest) = about.split_once('\n').unwrap_or((about, ""));
    let (subject, mut text) = match &args.subject {
        Some(subject) => (subject.clone(), about.to_owned()),
        None => (first.trim().to_owned(), rest.trim().to_owned()),
    };
    if let Some(long) = &args.text {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(long);
    }
    (subject, text)
}

pub(super) fn done(desk: &mut Desk<'_>, args: &Done) -> Result<(), CommandError> {
    let all = args.all;
    let outcome = done::each(desk, &args.ids, |activity| Intent::Complete {
        activity,
        all,
    })?;
    done::print(desk, "done", outcome)
}

pub(super) fn postpone(desk: &mut Desk<'_>, args: &Postpone) -> Result<(), CommandError> {
    let until = desk.planned(&args.until.join(" "))?;
    let activity = desk.id(&args.id)?;
    let outcome = desk.perform(Intent::Postpone {
        activity,
        until: until.clone(),
    })?;
    let what = format!("postponed to {}", desk.moment.say_planned(&until));
    done::print(desk, &what, outcome)
}

pub(super) fn reopen(desk: &mut Desk<'_>, args: &Reopen) -> Result<(), CommandError> {
    let outcome = done::each(desk, &args.ids, |activity| Intent::Reopen { activity })?;
    done::print(desk, "opened again", outcome)
}
