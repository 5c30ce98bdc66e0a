//! Capturing contacts and creating records.

use super::activity;
use super::edit::{add_entry, assign, spec};
use crate::fold::fold_name;
use crate::id::RecordId;
use crate::intent::{Assignment, Capture, Change, Input, NewActivity};
use crate::kind::Kind;
use crate::plan::{Planner, Seen};
use crate::record;
use crate::refusal::Refusal;
use crate::status::Status;
use crate::value::Value;

/// Captures a contact: an inquiry, its event and its first follow-up.
pub(super) fn capture(
    planner: &mut Planner<'_, '_>,
    contact: &Capture,
) -> Result<RecordId, Refusal> {
    if !names_somebody(&contact.fields) {
        return Err(Refusal::Missing {
            what: "who it is",
            way_out: "give a company, a name, a phone number or an e-mail address",
        });
    }
    let id = planner.fresh_id();
    planner.edit(id, Kind::Inquiry, true);
    assign_all(planner, id, Kind::Inquiry, &contact.fields)?;
    let number = planner.mint("AF")?;
    planner.set(id, "number", Value::Text(number));
    planner.set(id, "status", Value::Status(Status::of("new", 10)));
    planner.set(id, "captured_by", Value::Reference(planner.ctx.member));
    planner.set(id, "captured_at", Value::Instant(planner.ctx.around.now_ms));
    if !contact.fields.iter().any(|one| one.field == "responsible") {
        planner.set(id, "responsible", Value::Reference(planner.ctx.member));
    }
    if let Some(name) = contact
        .event
        .as_deref()
        .filter(|name| !name.trim().is_empty())
    {
        let event = event_named(planner, name);
        planner.set(id, "event", Value::Reference(event));
    }
    planner.answer.records.push(id);
    if let Some(when) = &contact.follow_up {
        let new = NewActivity {
            activity: "follow-up".to_owned(),
            regards: vec![id],
            when: Some(when.clone()),
            responsible: Some(planner.ctx.member),
            ..NewActivity::default()
        };
        activity::add(planner, &new)?;
    }
    Ok(id)
}

fn names_somebody(fields: &[Assignment]) -> bool {
    fields.iter().any(|one| {
        let named = matches!(
            one.field.as_str(),
            "company" | "given" | "family" | "phone" | "email"
        );
        named && !matches!(&one.value, Input::Text(text) if text.trim().is_empty())
    })
}

/// Gives the event of this name and year, and makes it where the workspace has none.
fn event_named(planner: &mut Planner<'_, '_>, name: &str) -> RecordId {
    let year = planner.today().year();
    let id = RecordId::event_of(&planner.world().workspace(), name, year);
    let existing = planner
        .world()
        .of_kind(Kind::Event)
        .into_iter()
        .find(|other| {
            record::record(planner.world(), *other).is_some_and(|event| {
                let this_year = match event.value("from") {
                    Some(Value::Date(from)) => from.year() == year,
                    _ => *other == id,
                };
                event.is_alive() && this_year && fold_name(event.text("name")) == fold_name(name)
            })
        });
    if let Some(existing) = existing {
        return existing;
    }
    if planner.world().doc(id).is_none() && !planner.writes_to(id) {
        planner.edit(id, Kind::Event, true);
        planner.set(
            id,
            "name",
            Value::Text(name.split_whitespace().collect::<Vec<_>>().join(" ")),
        );
    }
    id
}

/// Applies the fields of a record that is being created; entries of one list must not write over each other.
fn assign_all(
    planner: &mut Planner<'_, '_>,
    id: RecordId,
    kind: Kind,
    fields: &[Assignment],
) -> Result<(), Refusal> {
    let mut lists: Vec<(&'static str, Vec<(String, Value)>)> = Vec::new();
    for one in fields {
        let list = kind
            .field(&one.field)
            .filter(|spec| spec.is_many() && spec.writer == crate::kind::Writer::Person);
        let Some(spec) = list.filter(|spec| spec.name != "custom" && kind != Kind::Settings) else {
            assign(planner, id, kind, None, one)?;
            continue;
        };
        if one.change == Change::Remove {
            let value = match &one.value {
                Input::Text(text) => text.clone(),
                Input::Value(_) => String::new(),
            };
            return Err(Refusal::NoSuchEntry {
                field: spec.title(),
                value,
                way_out: format!("a new record has none yet; add one: {}+=VALUE", spec.name),
            });
        }
        let Some(value) = super::edit::read(planner, spec, &one.value)? else {
            continue;
        };
        let at = lists
            .iter()
            .position(|(name, _)| *name == spec.name)
            .unwrap_or_else(|| {
                lists.push((spec.name, Vec::new()));
                lists.len() - 1
            });
        let key = add_entry(planner, id, spec, &lists[at].1, value.clone());
        let position = lists[at].1.len() as i64 + 1;
        let kept = match value {
            Value::Item(item) => Value::Item(crate::value::LineItem { position, ..item }),
            other => other,
        };
        lists[at].1.push((key, kept));
    }
    Ok(())
}

/// Makes a customer and a contact person of a contact that is no inquiry, such as an address book's.
pub(super) fn capture_customer(
    planner: &mut Planner<'_, '_>,
    contact: &Capture,
) -> Result<(), Refusal> {
    if !names_somebody(&contact.fields) {
        return Err(Refusal::Missing {
            what: "who it is",
            way_out: "give a company, a name, a phone number or an e-mail address",
        });
    }
    let text = |name: &str| {
        let found = contact
            .fields
            .iter()
            .find(|one| one.field == name)
            .map(|one| &one.value);
        match found {
            Some(Input::Text(text) | Input::Value(Value::Text(text))) => text.trim().to_owned(),
            _ => String::new(),
        }
    };
    let person = [text("given"), text("family")].join(" ").trim().to_owned();
    let company = text("company");
    let name = if company.is_empty() {
        person.clone()
    } else {
        company
    };
    let of_customer = ["phone", "email", "website", "tag", "note", "responsible"];
    let of_person = [
        "salutation",
        "given",
        "family",
        "job_title",
        "phone",
        "email",
    ];
    let pick = |names: &[&str]| -> Vec<Assignment> {
        contact
            .fields
            .iter()
            .filter(|one| names.contains(&one.field.as_str()))
            .cloned()
            .collect()
    };
    let mut fields = pick(&of_customer);
    fields.push(Assignment::set(
        "name",
        Value::Text(if name.is_empty() {
            first_reach(&contact.fields)
        } else {
            name
        }),
    ));
    if let Some(address) = contact.fields.iter().find(|one| one.field == "address") {
        fields.push(Assignment {
            change: Change::Add,
            ..address.clone()
        });
    }
    if !text("origin").is_empty() {
        fields.push(Assignment::add("tag", Value::Text(text("origin"))));
    }
    if let Some(event) = contact
        .event
        .as_deref()
        .filter(|name| !name.trim().is_empty())
    {
        let event = event_named(planner, event);
        fields.push(Assignment::add("link", Value::Reference(event)));
    }
    let customer = planner.fresh_id();
    planner.edit(customer, Kind::Customer, true);
    assign_all(planner, customer, Kind::Customer, &fields)?;
    complete_new(planner, customer, Kind::Customer, &fields)?;
    planner.answer.records.push(customer);
    if !person.is_empty() {
        let id = planner.fresh_id();
        planner.edit(id, Kind::ContactPerson, true);
        assign_all(planner, id, Kind::ContactPerson, &pick(&of_person))?;
        planner.set(id, "customer", Value::Reference(customer));
    }
    Ok(())
}

/// Gives the first phone number or e-mail address, by which a contact without any name is known.
fn first_reach(fields: &[Assignment]) -> String {
    let reached = fields
        .iter()
        .filter(|one| matches!(one.field.as_str(), "phone" | "email"));
    reached
        .map(|one| match &one.value {
            Input::Text(text) => text.trim().to_owned(),
            Input::Value(Value::Labelled(labelled)) => labelled.value.clone(),
            Input::Value(_) => String::new(),
        })
        .find(|text| !text.is_empty())
        .unwrap_or_default()
}

/// Creates a record by hand.
pub(super) fn create(
    planner: &mut Planner<'_, '_>,
    kind: Kind,
    fields: &[Assignment],
) -> Result<(), Refusal> {
    let elsewhere = |way_out| {
        Err(Refusal::NotCreated {
            kind: kind.title().to_owned(),
            way_out,
        })
    };
    match kind {
        Kind::Inquiry => {
            let contact = Capture {
                fields: fields.to_vec(),
                ..Capture::default()
            };
            return capture(planner, &contact).map(drop);
        }
        Kind::Offer => return elsewhere("use handschlag offer PROJECT --item …"),
        Kind::IssuedOffer => return elsewhere("use handschlag send OFFER"),
        Kind::Order => return elsewhere("win a sales project: handschlag win PROJECT"),
        Kind::Activity => {
            return elsewhere(
                "use handschlag note, handschlag call, handschlag email, handschlag task, handschlag appointment or handschlag follow-up",
            );
        }
        Kind::Member => return elsewhere("use handschlag invite --user NAME"),
        Kind::Settings => {
            return elsewhere(
                "the workspace has its settings already, which handschlag list settings gives: handschlag set ID FIELD=VALUE",
            );
        }
        _ => {}
    }
    let id = match (
        kind,
        fields
            .iter()
            .find(|one| one.field == "name")
            .map(|one| &one.value),
    ) {
        (Kind::Event, Some(Input::Text(name))) => {
            RecordId::event_of(&planner.world().workspace(), name, year_of(planner, fields))
        }
        _ => planner.fresh_id(),
    };
    if planner.world().doc(id).is_some() {
        return super::edit::edit(planner, id, fields);
    }
    planner.edit(id, kind, true);
    assign_all(planner, id, kind, fields)?;
    complete_new(planner, id, kind, fields)?;
    planner.answer.records.push(id);
    Ok(())
}

fn year_of(planner: &Planner<'_, '_>, fields: &[Assignment]) -> i16 {
    let from = fields
        .iter()
        .find(|one| one.field == "from")
        .and_then(|one| match &one.value {
            Input::Text(text) => crate::parse::date(text, planner.today()).ok(),
            Input::Value(Value::Date(date)) => Some(*date),
            Input::Value(_) => None,
        });
    from.unwrap_or(planner.today()).year()
}

/// Adds what every record of the kind has: number, status, responsible; checks what must not be missing.
fn complete_new(
    planner: &mut Planner<'_, '_>,
    id: RecordId,
    kind: Kind,
    fields: &[Assignment],
) -> Result<(), Refusal> {
    let given = |name: &str| {
        fields.iter().any(|one| {
            one.field == name && !matches!(&one.value, Input::Text(text) if text.trim().is_empty())
        })
    };
    let missing = |what, way_out| Err(Refusal::Missing { what, way_out });
    match kind {
        Kind::ContactPerson if !given("given") && !given("family") => {
            return missing("the name", "give given=NAME or family=NAME");
        }
        Kind::ContactPerson if !given("customer") => {
            return missing(
                "the customer",
                "give customer=ID, or convert an inquiry: handschlag convert ID",
            );
        }
        Kind::Customer | Kind::SalesProject | Kind::Project | Kind::Event | Kind::SavedView
            if !given("name") =>
        {
            return missing("the name", "give name=TEXT");
        }
        Kind::SalesProject | Kind::Project if !given("customer") => {
            return missing("the customer", "give customer=ID");
        }
        _ => {}
    }
    if let Some(series) = kind.series() {
        let number = planner.mint(series)?;
        planner.set(id, "number", Value::Text(number));
    }
    match kind {
        Kind::SalesProject => {
            let first = super::sales::phase_status(planner, "qualified")?;
            planner.set(id, "status", Value::Status(first));
        }
        Kind::Project if !given("status") => {
            planner.set(id, "status", Value::Status(Status::of("planned", 10)))
        }
        Kind::Customer if !given("category") => {
            planner.set(id, "category", Value::Text("prospect".to_owned()))
        }
        Kind::SavedView if !given("owner") => {
            planner.set(id, "owner", Value::Reference(planner.ctx.member))
        }
        _ => {}
    }
    if kind.field("responsible").is_some() && !given("responsible") {
        planner.set(id, "responsible", Value::Reference(planner.ctx.member));
    }
    Ok(())
}

/// Reads the e-mail address of a member.
fn read_email(email: &str) -> Result<String, Refusal> {
    crate::parse::email(email).map_err(|reason| Refusal::BadValue {
        field: "email".to_owned(),
        value: email.to_owned(),
        reason,
    })
}

/// Writes the record of a member who founds the workspace or is invited.
pub(super) fn enrol(
    planner: &mut Planner<'_, '_>,
    member: RecordId,
    name: &str,
    email: Option<&str>,
) -> Result<(), Refusal> {
    if name.trim().is_empty() {
        return Err(Refusal::Missing {
            what: "the member's name",
            way_out: "give --user NAME",
        });
    }
    planner.edit(member, Kind::Member, true);
    planner.set(member, "name", Value::Text(name.trim().to_owned()));
    if let Some(email) = email {
        planner.set(
            member,
            spec(Kind::Member, "email").name,
            Value::Text(read_email(email)?),
        );
    }
    planner.answer.records.push(member);
    Ok(())
}

/// Writes the settings of a new workspace: its name; all else has its defaults in code.
pub(super) fn found(planner: &mut Planner<'_, '_>, name: &str) -> Result<(), Refusal> {
    if name.trim().is_empty() {
        return Err(Refusal::Missing {
            what: "the workspace's name",
            way_out: "give --workspace NAME",
        });
    }
    let id = planner.world().settings_id();
    planner.edit(id, Kind::Settings, true);
    planner.put(id, "name", Value::Text(name.trim().to_owned()), Seen::Shown);
    planner.answer.records.push(id);
    Ok(())
}
