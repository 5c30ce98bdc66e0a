//! Creating, changing and putting away records.

use engine::interface::{Answer, Request};
use model::Kind;
use model::intent::{self, Assignment, Change, Intent};

use crate::args::records::{Archive, Capture, Create, Merge, Restore, Set, Undo};
use crate::assignment::field_name;
use crate::commands::done;
use crate::contact::split_name;
use crate::desk::{Desk, answer};
use crate::error::CommandError;

pub(super) fn create(desk: &mut Desk<'_>, args: &Create) -> Result<(), CommandError> {
    let fields = desk.assignments(Some(args.kind), &args.fields)?;
    let outcome = desk.perform(Intent::Create {
        kind: args.kind,
        fields,
    })?;
    done::print_id(desk, outcome)
}

pub(super) fn capture(desk: &mut Desk<'_>, args: &Capture) -> Result<(), CommandError> {
    let follow_up = match &args.follow_up {
        Some(typed) => Some(desk.planned(typed)?),
        None => None,
    };
    let fields = capture_fields(desk, args)?;
    let outcome = desk.perform(Intent::Capture(intent::Capture {
        fields,
        event: args.event.clone(),
        follow_up,
    }))?;
    done::print_id(desk, outcome)
}

fn capture_fields(desk: &mut Desk<'_>, args: &Capture) -> Result<Vec<Assignment>, CommandError> {
    let (mut given, mut family) = (args.given.clone(), args.family.clone());
    if let Some(contact) = &args.contact {
        let (first, last) = split_name(contact);
        given = Some(first).filter(|name| !name.is_empty());
        family = Some(last).filter(|name| !name.is_empty());
    }
    let singles = [
        ("company", &args.company),
        ("salutation", &args.salutation),
        ("given", &given),
        ("family", &family),
        ("job_title", &args.job_title),
        ("origin", &args.origin),
        ("address", &args.address),
        ("website", &args.website),
        ("priority", &args.priority),
        ("responsible", &args.responsible),
        ("consent", &args.consent),
        ("note", &args.note),
    ];
    let lists = [
        ("phone", &args.phone),
        ("email", &args.email),
        ("tag", &args.tag),
        ("link", &args.link),
    ];
    let mut fields = Vec::new();
    for (field, text) in singles {
        if let Some(text) = text {
            let text = desk.value_of(Some(Kind::Inquiry), field, text)?;
            fields.push(Assignment::set(field, text.as_str()));
        }
    }
    for (field, texts) in lists {
        for text in texts {
            let text = desk.value_of(Some(Kind::Inquiry), field, text)?;
            fields.push(Assignment::add(field, text.as_str()));
        }
    }
    for custom in &args.custom {
        let field = format!("custom/{}", custom.field);
        fields.push(Assignment::set(&field, custom.text.as_str()));
    }
    Ok(fields)
}

pub(super) fn set(desk: &mut Desk<'_>, args: &Set) -> Result<(), CommandError> {
    if let Some(one) = args
        .fields
        .iter()
        .find(|one| field_name(&one.field) == "note" && one.change == Change::Remove)
    {
        return Err(CommandError::usage(
            "change of a note",
            &format!("note-={}", one.text),
            "note=TEXT replaces it, note+=TEXT adds a line",
        ));
    }
    let record = desk.record(&args.id)?;
    let also = desk.ids(&args.also)?;
    let fields = desk.assignments(record.kind, &args.fields)?;
    let outcome = desk.perform(if also.is_empty() {
        Intent::Edit {
            record: record.id,
            fields,
        }
    } else {
        let mut records = vec![record.id];
        records.extend(also);
        Intent::EditMany { records, fields }
    })?;
    done::print(desk, "changed", outcome)
}

pub(super) fn undo(desk: &mut Desk<'_>, args: &Undo) -> Result<(), CommandError> {
    let what = match &args.what {
        None => intent::Undo::Last,
        Some(typed) => {
            let request = Request::ResolveOperation {
                text: typed.trim().to_owned(),
            };
            let found = answer!(desk.ask(request)?, Answer::ResolvedOperation(found) => found);
            if found.is_batch {
                intent::Undo::Batch(found.id)
            } else {
                intent::Undo::Operation(found.id)
            }
        }
    };
    let outcome = desk.perform(Intent::Undo { what })?;
    done::print(desk, "undone", outcome)
}

pub(super) fn archive(desk: &mut Desk<'_>, args: &Archive) -> Result<(), CommandError> {
    let outcome = done::each(desk, &args.ids, |record| Intent::Archive { record })?;
    done::print(desk, "archived", outcome)
}

pub(super) fn restore(desk: &mut Desk<'_>, args: &Restore) -> Result<(), CommandError> {
    let outcome = done::each(desk, &args.ids, |record| Intent::Restore { record })?;
    done::print(desk, "restored", outcome)
}

pub(super) fn merge(desk: &mut Desk<'_>, args: &Merge) -> Result<(), CommandError> {
    let loser = desk.id(&args.loser)?;
    let survivor = desk.id(&args.survivor)?;
    let outcome = desk.perform(Intent::Merge { survivor, loser })?;
    done::print(desk, "merged into", outcome)
}
