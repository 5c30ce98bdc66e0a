//! Editing fields by hand.

use crate::doc::DocView;
use crate::fields;
use crate::fold::{fold_email, fold_name, fold_phone};
use crate::id::{RecordId, hash};
use crate::intent::{Assignment, Change, Input};
use crate::kind::{FieldSpec, Kind, Writer};
use crate::parse;
use crate::plan::{NoteEdit, Planner, Seen};
use crate::record::{self, RecordView};
use crate::refusal::Refusal;
use crate::value::{CustomField, Form, Value};

/// Changes fields of a record that is in use.
pub(super) fn edit(
    planner: &mut Planner<'_, '_>,
    id: RecordId,
    assignments: &[Assignment],
) -> Result<(), Refusal> {
    let view = planner.alive(id)?;
    if view.kind == Kind::IssuedOffer {
        return Err(not_by_hand(
            &assignments
                .first()
                .map_or_else(String::new, |one| one.field.clone()),
            view.kind,
        ));
    }
    planner.edit(id, view.kind, true);
    assignments
        .iter()
        .try_for_each(|one| assign(planner, id, view.kind, Some(&view), one))?;
    planner.answer.records.push(id);
    Ok(())
}

/// Adds to a note on a line of its own.
pub(super) fn append_note(
    planner: &mut Planner<'_, '_>,
    id: RecordId,
    text: &str,
) -> Result<(), Refusal> {
    if text.trim().is_empty() {
        return Err(Refusal::Missing {
            what: "the text",
            way_out: "say what to note",
        });
    }
    let view = planner.alive(id)?;
    planner.edit(id, view.kind, true);
    planner.note(id, NoteEdit::Append(text.trim_end().to_owned()));
    planner.answer.records.push(id);
    Ok(())
}

/// Applies one assignment to a record that the plan edits; `view` is none for a record that is being created.
pub(super) fn assign(
    planner: &mut Planner<'_, '_>,
    id: RecordId,
    kind: Kind,
    view: Option<&RecordView>,
    assignment: &Assignment,
) -> Result<(), Refusal> {
    if assignment.field == "note" {
        return assign_note(planner, id, assignment);
    }
    if let Some((name, _)) = assignment.field.split_once('/') {
        let spec = spec_of(kind, name)?;
        return assign_entry(planner, id, kind, spec, assignment);
    }
    let spec = spec_of(kind, &assignment.field)?;
    if spec.is_many() {
        return assign_list(planner, id, kind, spec, view, assignment);
    }
    if assignment.change != Change::Set {
        let change = match assignment.change {
            Change::Remove => "removed from",
            _ => "added to",
        };
        return Err(Refusal::NotAList {
            field: spec.title(),
            change,
        });
    }
    let value = read(planner, spec, &assignment.value)?;
    planner.put(id, spec.name, value, seen(assignment));
    Ok(())
}

fn seen(assignment: &Assignment) -> Seen {
    Seen::told(&assignment.seen)
}

fn spec_of(kind: Kind, name: &str) -> Result<&'static FieldSpec, Refusal> {
    let spec = kind
        .field(name)
        .filter(|spec| spec.writer != Writer::Inner)
        .ok_or_else(|| {
            let names: Vec<&str> = kind
                .fields()
                .iter()
                .filter(|spec| spec.writer == Writer::Person)
                .map(|spec| spec.name)
                .chain(["note"])
                .collect();
            Refusal::NoSuchField {
                kind: kind.title().to_owned(),
                field: name.to_owned(),
                fields: names.join(", "),
            }
        })?;
    if spec.writer == Writer::Rule {
        Err(not_by_hand(spec.name, kind))
    } else {
        Ok(spec)
    }
}

fn not_by_hand(field: &str, kind: Kind) -> Refusal {
    let way_out = match (kind, field) {
        (Kind::IssuedOffer, _) => {
            "what was sent stays as it is; change the offer and send it again: handschlag send OFFER"
        }
        (_, "file") => "use handschlag attach or handschlag detach",
        (_, "number") => "numbers are given when a record is captured, converted or sent",
        (Kind::SalesProject, "status") => {
            "use handschlag phase, handschlag win, handschlag lose or handschlag hold"
        }
        (Kind::Inquiry, "status") => {
            "use handschlag phase, handschlag convert or handschlag disqualify"
        }
        (Kind::Order, "status") => "use handschlag confirm",
        _ => "it follows from what was done",
    };
    Refusal::NotByHand {
        field: field.replace('_', " "),
        way_out,
    }
}

fn assign_note(
    planner: &mut Planner<'_, '_>,
    id: RecordId,
    assignment: &Assignment,
) -> Result<(), Refusal> {
    let Input::Text(text) = &assignment.value else {
        return Err(bad_value("note", "", "a text is expected"));
    };
    let note = match assignment.change {
        Change::Set => NoteEdit::Become(text.clone()),
        Change::Add => NoteEdit::Append(text.clone()),
        Change::Remove => {
            return Err(Refusal::NotAList {
                field: "note".to_owned(),
                change: "removed from",
            });
        }
    };
    planner.note(id, note);
    Ok(())
}

fn no_such_entry(id: RecordId, spec: &FieldSpec, value: &str) -> Refusal {
    Refusal::NoSuchEntry {
        field: spec.title(),
        value: value.to_owned(),
        way_out: format!("see its entries: handschlag show {}", id.short()),
    }
}

fn bad_value(field: &str, value: &str, reason: &str) -> Refusal {
    Refusal::BadValue {
        field: field.replace('_', " "),
        value: value.to_owned(),
        reason: reason.to_owned(),
    }
}

/// Reads what an assignment writes; empty text clears.
pub(super) fn read(
    planner: &Planner<'_, '_>,
    spec: &FieldSpec,
    input: &Input,
) -> Result<Option<Value>, Refusal> {
    let text = match input {
        Input::Value(value) => {
            let fits = Value::from_map(spec.form, &value.to_map()).as_ref() == Some(value);
            let word = match value {
                Value::Text(text) => spec.words.is_empty() || spec.words.contains(&text.as_str()),
                _ => true,
            };
            return if !fits || !word {
                Err(bad_value(
                    spec.name,
                    &format!("{value:?}"),
                    "the value is of another form",
                ))
            } else if let Value::Reference(target) = value {
                check_target(planner, spec, *target).map(Some)
            } else {
                Ok(Some(value.clone()))
            };
        }
        Input::Text(text) => text,
    };
    if text.trim().is_empty() {
        return Ok(None);
    }
    match spec.form {
        Form::Reference => {
            let target = text.trim().parse()?;
            check_target(planner, spec, target).map(Some)
        }
        _ => match parse::value(spec, text, &planner.ctx.around) {
            Ok(Value::Status(status)) => Ok(Some(Value::Status(super::sales::status_of_kind(
                spec, status,
            )?))),
            Ok(value) => Ok(Some(value)),
            Err(reason) => Err(bad_value(spec.name, text, &reason)),
        },
    }
}

fn check_target(
    planner: &Planner<'_, '_>,
    spec: &FieldSpec,
    target: RecordId,
) -> Result<Value, Refusal> {
    if planner.writes_to(target) {
        return Ok(Value::Reference(target));
    }
    let view = planner.any(target)?;
    if !spec.targets.is_empty() && !spec.targets.contains(&view.kind) {
        let wanted: Vec<&str> = spec.targets.iter().map(|kind| kind.title()).collect();
        let (wanted, found) = (wanted.join(" or "), view.kind.title().to_owned());
        return Err(Refusal::WrongKind {
            id: target.short(),
            wanted,
            found,
        });
    }
    Ok(Value::Reference(target))
}

/// Gives the definition of a workspace's own field by the key of its values.
fn defined(planner: &Planner<'_, '_>, key: &str) -> Option<CustomField> {
    let name = key.strip_prefix("custom/")?;
    let settings = record::record(planner.world(), planner.world().settings_id())?;
    match settings.value(&format!("define/{name}"))? {
        Value::Custom(field) => Some(field.clone()),
        _ => None,
    }
}

/// Changes one entry of a list in place, by its key.
fn assign_entry(
    planner: &mut Planner<'_, '_>,
    id: RecordId,
    kind: Kind,
    spec: &FieldSpec,
    assignment: &Assignment,
) -> Result<(), Refusal> {
    let key = &assignment.field;
    let known = spec.name == "custom" || kind == Kind::Settings;
    let exists = planner
        .world()
        .doc(id)
        .is_some_and(|doc: std::sync::Arc<DocView>| !doc.candidates(key).is_empty());
    let fits = key.len() <= 57 && key.bytes().all(|byte| byte.is_ascii_graphic());
    if !fits || !(known || exists) {
        return Err(no_such_entry(id, spec, key));
    }
    let value = match assignment.change {
        Change::Remove => None,
        _ => match (&assignment.value, defined(planner, key)) {
            (Input::Text(text), Some(field)) if !text.trim().is_empty() => {
                let value = parse::own(&field, text, &planner.ctx.around);
                Some(value.map_err(|reason| bad_value(&field.title, text, &reason))?)
            }
            _ => read(planner, spec, &assignment.value)?,
        },
    };
    if let (Kind::Settings, "prefix", Some(Value::Text(prefix))) = (kind, spec.name, &value)
        && (prefix.len() > 6 || !prefix.bytes().all(|byte| byte.is_ascii_alphanumeric()))
    {
        return Err(bad_value(
            "prefix",
            prefix,
            "a prefix is up to six letters and digits",
        ));
    }
    planner.put(id, key, value, seen(assignment));
    Ok(())
}

fn assign_list(
    planner: &mut Planner<'_, '_>,
    id: RecordId,
    kind: Kind,
    spec: &FieldSpec,
    view: Option<&RecordView>,
    assignment: &Assignment,
) -> Result<(), Refusal> {
    if matches!(
        spec.name,
        "custom" | "phase" | "prefix" | "origin" | "define"
    ) && kind_names_keys(kind, spec)
    {
        return Err(bad_value(
            spec.name,
            "",
            "name the entry, such as custom/machine=VALUE",
        ));
    }
    let existing: Vec<(String, Value)> = view
        .map(|view| {
            view.list(spec.name)
                .map(|(key, value)| (key.to_owned(), value.clone()))
                .collect()
        })
        .unwrap_or_default();
    if assignment.change == Change::Remove {
        return remove_entry(planner, id, spec, &existing, assignment);
    }
    if assignment.change == Change::Set {
        for (key, _) in &existing {
            planner.put(id, key, None, Seen::Shown);
        }
    }
    let Some(value) = read(planner, spec, &assignment.value)? else {
        return Ok(());
    };
    add_entry(planner, id, spec, &existing, value);
    Ok(())
}

fn kind_names_keys(kind: Kind, spec: &FieldSpec) -> bool {
    spec.name == "custom" || kind == Kind::Settings
}

fn remove_entry(
    planner: &mut Planner<'_, '_>,
    id: RecordId,
    spec: &FieldSpec,
    existing: &[(String, Value)],
    assignment: &Assignment,
) -> Result<(), Refusal> {
    let Input::Text(text) = &assignment.value else {
        return Err(bad_value(spec.name, "", "name the entry by its text"));
    };
    let wanted = comparable_text(spec, text);
    let keys: Vec<String> = existing
        .iter()
        .filter(|(key, value)| {
            comparable(spec, value) == wanted || key.ends_with(&format!("/{}", text.trim()))
        })
        .map(|(key, _)| key.clone())
        .collect();
    if keys.is_empty() {
        return Err(no_such_entry(id, spec, text));
    }
    for key in keys {
        planner.put(id, &key, None, seen(assignment));
    }
    Ok(())
}

/// Adds an entry to a list and gives its key; an equal one that stands there already is written again.
pub(super) fn add_entry(
    planner: &mut Planner<'_, '_>,
    id: RecordId,
    spec: &FieldSpec,
    existing: &[(String, Value)],
    mut value: Value,
) -> String {
    let equal = existing
        .iter()
        .find(|(_, other)| comparable(spec, other) == comparable(spec, &value));
    if let Value::Item(item) = &mut value {
        let last = existing.iter().filter_map(|(_, other)| match other {
            Value::Item(other) => Some(other.position),
            _ => None,
        });
        item.position = last.max().unwrap_or(0) + 1;
    }
    let key = match (equal, &value) {
        (Some((key, _)), _) if spec.form != Form::Item => key.clone(),
        (_, Value::Reference(target)) => format!("{}/{target}", spec.name),
        (_, Value::Text(text)) => format!("{}/{}", spec.name, tag_key(text)),
        _ => planner.fresh_key(spec.name),
    };
    planner.put(id, &key, value, Seen::Shown);
    key
}

/// Derives the key of a tag from its folded text, so that one tag given twice is one.
fn tag_key(text: &str) -> String {
    hash("handschlag tag 1", &[fold_name(text).as_bytes()])[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn comparable(spec: &FieldSpec, value: &Value) -> String {
    match value {
        Value::Labelled(labelled) => comparable_text(spec, &labelled.value),
        Value::Text(text) => comparable_text(spec, text),
        Value::Reference(id) => id.to_string(),
        Value::Item(item) => fold_name(&item.text),
        other => format!("{other:?}"),
    }
}

fn comparable_text(spec: &FieldSpec, text: &str) -> String {
    match (spec.form, spec.name) {
        (Form::Labelled, "phone") => {
            let number = text
                .split_once(':')
                .filter(|(label, _)| label.chars().all(char::is_alphabetic));
            fold_phone(number.map_or(text, |(_, number)| number))
        }
        (Form::Labelled, _) => fold_email(text),
        (Form::Reference, _) => text.trim().to_lowercase().replace('-', ""),
        _ => fold_name(text),
    }
}

/// Finds a field that every record of the kind has.
pub(super) fn spec(kind: Kind, name: &str) -> &'static FieldSpec {
    kind.fields()
        .iter()
        .chain(fields::COMMON)
        .find(|spec| spec.name == name)
        .expect("rules name fields of the table only")
}
