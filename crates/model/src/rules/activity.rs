//! Activities: calls, e-mails, notes, tasks, appointments, follow-ups.

use crate::fields::ACTIVITIES;
use crate::id::RecordId;
use crate::intent::NewActivity;
use crate::kind::Kind;
use crate::parse;
use crate::plan::{NoteEdit, Planner, Seen};
use crate::record::RecordView;
use crate::refusal::Refusal;
use crate::value::{Done, Planned, Value};

/// Adds an activity to the records it regards.
pub(super) fn add(planner: &mut Planner<'_, '_>, new: &NewActivity) -> Result<RecordId, Refusal> {
    let bad = |field: &str, value: &str, reason: String| Refusal::BadValue {
        field: field.to_owned(),
        value: value.to_owned(),
        reason,
    };
    let kind = parse::word(ACTIVITIES, &new.activity)
        .map_err(|reason| bad("activity", &new.activity, reason))?;
    if new.regards.is_empty() {
        return Err(Refusal::Missing {
            what: "the record it regards",
            way_out: "name one: handschlag note ID TEXT",
        });
    }
    if kind == "follow-up" && new.when.is_none() {
        return Err(Refusal::Missing {
            what: "the date of the follow-up",
            way_out: "give --on DATE, such as tomorrow or +3d",
        });
    }
    if matches!(kind.as_str(), "note" | "task")
        && new.subject.trim().is_empty()
        && new.text.trim().is_empty()
    {
        return Err(Refusal::Missing {
            what: "the text",
            way_out: "say what it is about",
        });
    }
    let id = planner.fresh_id();
    planner.edit(id, Kind::Activity, true);
    for target in &new.regards {
        // An activity may regard what is archived (it stays on Home and says so), but not what was merged or undone.
        if !planner.writes_to(*target) {
            match planner.alive(*target) {
                Err(Refusal::Archived { .. }) | Ok(_) => {}
                Err(other) => return Err(other),
            }
        }
        planner.set(id, &format!("regards/{target}"), Value::Reference(*target));
    }
    planner.set(id, "activity", Value::Text(kind.clone()));
    planner.set(
        id,
        "responsible",
        Value::Reference(new.responsible.unwrap_or(planner.ctx.member)),
    );
    let texts = [
        ("subject", Some(&new.subject)),
        ("outcome", new.outcome.as_ref()),
    ];
    for (key, text) in texts {
        if let Some(text) = text.filter(|text| !text.trim().is_empty()) {
            planner.set(id, key, Value::Text(text.trim().to_owned()));
        }
    }
    if let Some(direction) = &new.direction {
        let word = parse::word(&["in", "out"], direction)
            .map_err(|reason| bad("direction", direction, reason))?;
        planner.set(id, "direction", Value::Text(word));
    }
    for (key, number) in [
        ("duration", new.duration_min),
        ("reminder", new.reminder_min),
    ] {
        if let Some(minutes) = number {
            if minutes < 0 {
                return Err(bad(
                    key,
                    &minutes.to_string(),
                    "minutes are not negative".to_owned(),
                ));
            }
            planner.set(id, key, Value::Integer(minutes));
        }
    }
    plan_or_log(planner, id, &kind, new.when.as_ref());
    if !new.text.trim().is_empty() {
        planner.note(id, NoteEdit::Become(new.text.clone()));
    }
    planner.answer.records.push(id);
    Ok(id)
}

/// What has no date ahead has happened: calls, e-mails and notes are done when they are written down.
fn plan_or_log(planner: &mut Planner<'_, '_>, id: RecordId, kind: &str, when: Option<&Planned>) {
    if let Some(when) = when {
        planner.set(id, "when", Value::Planned(when.clone()));
    }
    let ahead = when.is_some_and(|when| when.date >= planner.today());
    let logged = match kind {
        "note" => true,
        "call" | "email" => !ahead,
        "appointment" => when.is_some() && !ahead,
        _ => false,
    };
    if logged {
        let now = Value::Done(Done::Done(planner.ctx.around.now_ms));
        planner.set(id, "done_all", now);
    }
}

/// Tells whether an activity is done for a member, or for all.
pub(crate) fn is_done(view: &RecordView, member: RecordId) -> bool {
    let done = |key: &str| matches!(view.value(key), Some(Value::Done(Done::Done(_))));
    done("done_all") || done(&format!("done/{member}"))
}

/// Gives when an activity is due for a member: what the member postponed it to, else what was planned.
pub(crate) fn due(view: &RecordView, member: RecordId) -> Option<&Planned> {
    match view
        .value(&format!("postponed/{member}"))
        .or_else(|| view.value("when"))?
    {
        Value::Planned(planned) => Some(planned),
        _ => None,
    }
}

/// Completes an activity for its author or for all.
pub(super) fn complete(
    planner: &mut Planner<'_, '_>,
    id: RecordId,
    all: bool,
) -> Result<(), Refusal> {
    let view = planner.alive_of(id, Kind::Activity)?;
    let member = planner.ctx.member;
    if is_done(&view, member) && !all {
        return Err(Refusal::NotOpen {
            title: view.named(),
            state: "done already".to_owned(),
            way_out: Some(format!("to do it again: handschlag reopen {}", id.short())),
        });
    }
    let now = Value::Done(Done::Done(planner.ctx.around.now_ms));
    let key = if all {
        "done_all".to_owned()
    } else {
        format!("done/{member}")
    };
    planner.edit(id, Kind::Activity, true);
    planner.put(id, &key, now, Seen::All);
    planner.answer.records.push(id);
    Ok(())
}

/// Opens an activity again, for its author and, where it was done for all, for all.
pub(super) fn reopen(planner: &mut Planner<'_, '_>, id: RecordId) -> Result<(), Refusal> {
    let view = planner.alive_of(id, Kind::Activity)?;
    if !is_done(&view, planner.ctx.member) {
        return Err(Refusal::NotOpen {
            title: view.named(),
            state: "open already".to_owned(),
            way_out: None,
        });
    }
    planner.edit(id, Kind::Activity, true);
    reopen_done(planner, &view);
    planner.answer.records.push(id);
    Ok(())
}

fn reopen_done(planner: &mut Planner<'_, '_>, view: &RecordView) {
    let reopened = Value::Done(Done::Reopened(planner.stamp()));
    for key in [
        "done_all".to_owned(),
        format!("done/{}", planner.ctx.member),
    ] {
        if matches!(view.value(&key), Some(Value::Done(Done::Done(_)))) {
            planner.put(view.id, &key, reopened.clone(), Seen::All);
        }
    }
}

/// Puts an activity off for its author; what is done is opened again.
pub(super) fn postpone(
    planner: &mut Planner<'_, '_>,
    id: RecordId,
    until: &Planned,
) -> Result<(), Refusal> {
    let view = planner.alive_of(id, Kind::Activity)?;
    if until.date < planner.today() {
        return Err(Refusal::BadValue {
            field: "until".to_owned(),
            value: until.date.to_string(),
            reason: "the date is past".to_owned(),
        });
    }
    planner.edit(id, Kind::Activity, true);
    reopen_done(planner, &view);
    let member = planner.ctx.member;
    planner.put(
        id,
        &format!("postponed/{member}"),
        Value::Planned(until.clone()),
        Seen::Shown,
    );
    planner.answer.records.push(id);
    Ok(())
}
