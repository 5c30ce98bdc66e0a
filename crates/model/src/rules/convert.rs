//! Converting and disqualifying inquiries.

use crate::id::RecordId;
use crate::intent::ConvertInto;
use crate::kind::Kind;
use crate::plan::{Planner, Seen};
use crate::record::RecordView;
use crate::refusal::Refusal;
use crate::status::{INQUIRY, Status};
use crate::value::{Conversion, Value};

/// What a conversion makes of which records; each id is the same on every device.
struct Target {
    customer: RecordId,
    is_new_customer: bool,
    contact: RecordId,
    is_new_contact: bool,
}

/// Converts an inquiry: a customer, a contact person and a sales project appear, the inquiry points to them.
pub(super) fn convert(
    planner: &mut Planner<'_, '_>,
    id: RecordId,
    into: &ConvertInto,
) -> Result<(), Refusal> {
    let inquiry = planner.alive_of(id, Kind::Inquiry)?;
    refuse_converted(planner, &inquiry)?;
    if inquiry.status_word() == "disqualified" {
        return Err(Refusal::Disqualified {
            title: inquiry.named(),
            id: id.short(),
        });
    }
    let target = target(planner, &inquiry, into)?;
    #[cfg(feature = "sabotage")]
    let target = with_random_ids(planner, target);
    if target.is_new_customer {
        new_customer(planner, &inquiry, target.customer, into.partner)?;
    } else if !into.partner {
        raise_category(planner, target.customer)?;
    }
    if target.is_new_contact {
        new_contact(planner, &inquiry, &target);
    }
    let sales_project = if into.partner {
        None
    } else {
        Some(new_sales_project(planner, &inquiry, &target)?)
    };
    let conversion = Conversion {
        customer: target.customer,
        contact: target.contact,
        sales_project,
        undone: false,
    };
    planner.edit(id, Kind::Inquiry, true);
    planner.put(id, "conversion", Value::Conversion(conversion), Seen::All);
    planner.set(id, "status", Value::Status(Status::of("converted", 100)));
    planner.answer.records.extend(sales_project);
    planner
        .answer
        .records
        .extend([target.customer, target.contact, id]);
    Ok(())
}

fn target(
    planner: &Planner<'_, '_>,
    inquiry: &RecordView,
    into: &ConvertInto,
) -> Result<Target, Refusal> {
    let mut target = Target {
        customer: RecordId::customer_of(inquiry.id),
        is_new_customer: true,
        contact: RecordId::contact_of(inquiry.id),
        is_new_contact: true,
    };
    if let Some(customer) = into.customer {
        planner.alive_of(customer, Kind::Customer)?;
        target.is_new_customer = customer == target.customer;
        target.customer = customer;
    }
    if let Some(contact) = into.contact {
        let view = planner.alive_of(contact, Kind::ContactPerson)?;
        let employer = view.reference("customer");
        if into.customer.is_some() && employer != into.customer {
            return Err(Refusal::OtherCustomer {
                title: view.named(),
                id: contact.short(),
            });
        }
        if let (None, Some(employer)) = (into.customer, employer) {
            planner.alive_of(employer, Kind::Customer)?;
            target.is_new_customer = false;
            target.customer = employer;
        }
        target.is_new_contact = contact == target.contact;
        target.contact = contact;
    }
    Ok(target)
}

#[cfg(feature = "sabotage")]
fn with_random_ids(planner: &mut Planner<'_, '_>, mut target: Target) -> Target {
    if sabotage::is(sabotage::Break::RandomIds) {
        if target.is_new_customer {
            target.customer = planner.fresh_id();
        }
        if target.is_new_contact {
            target.contact = planner.fresh_id();
        }
    }
    target
}

/// Copies what the inquiry shows under a key; equal copies by two devices are one value.
fn copy(planner: &mut Planner<'_, '_>, from: &RecordView, key: &str, to: RecordId, as_key: &str) {
    if let Some(value) = from.value(key) {
        planner.set(to, as_key, value.clone());
    }
}

fn copy_list(planner: &mut Planner<'_, '_>, from: &RecordView, name: &str, to: RecordId) {
    for (key, value) in from.list(name) {
        planner.set(to, key, value.clone());
    }
}

fn derive_number(
    planner: &mut Planner<'_, '_>,
    from: &RecordView,
    to: RecordId,
    series: &str,
) -> Result<(), Refusal> {
    let number = match crate::number::derived(from.text("number"), &planner.prefix(series)) {
        Some(number) => number,
        None => planner.mint(series)?,
    };
    planner.set(to, "number", Value::Text(number));
    Ok(())
}

fn new_customer(
    planner: &mut Planner<'_, '_>,
    inquiry: &RecordView,
    id: RecordId,
    is_partner: bool,
) -> Result<(), Refusal> {
    planner.edit(id, Kind::Customer, true);
    let name = match inquiry.text("company") {
        "" => inquiry.title(),
        company => company.to_owned(),
    };
    planner.set(id, "name", Value::Text(name));
    let category = if is_partner { "partner" } else { "customer" };
    planner.set(id, "category", Value::Text(category.to_owned()));
    planner.set(id, "inquiry", Value::Reference(inquiry.id));
    derive_number(planner, inquiry, id, "KD")?;
    if let Some(address) = inquiry.value("address") {
        // One key for all devices, so that the same address copied twice is one.
        planner.set(id, "address/0000000000000001", address.clone());
    }
    copy(planner, inquiry, "website", id, "website");
    copy(planner, inquiry, "responsible", id, "responsible");
    copy_list(planner, inquiry, "phone", id);
    copy_list(planner, inquiry, "email", id);
    copy_list(planner, inquiry, "tag", id);
    Ok(())
}

/// A partner or prospect that gets a sales project is a customer.
fn raise_category(planner: &mut Planner<'_, '_>, customer: RecordId) -> Result<(), Refusal> {
    let view = planner.any(customer)?;
    if view.text("category") != "customer" {
        planner.edit(customer, Kind::Customer, true);
        planner.set(customer, "category", Value::Text("customer".to_owned()));
    }
    Ok(())
}

fn new_contact(planner: &mut Planner<'_, '_>, inquiry: &RecordView, target: &Target) {
    let id = target.contact;
    planner.edit(id, Kind::ContactPerson, true);
    planner.set(id, "customer", Value::Reference(target.customer));
    planner.set(id, "inquiry", Value::Reference(inquiry.id));
    for key in ["salutation", "given", "family", "job_title"] {
        copy(planner, inquiry, key, id, key);
    }
    copy_list(planner, inquiry, "phone", id);
    copy_list(planner, inquiry, "email", id);
}

fn new_sales_project(
    planner: &mut Planner<'_, '_>,
    inquiry: &RecordView,
    target: &Target,
) -> Result<RecordId, Refusal> {
    let id = RecordId::sales_project_of(inquiry.id);
    #[cfg(feature = "sabotage")]
    let id = match sabotage::is(sabotage::Break::RandomIds) {
        true => planner.fresh_id(),
        false => id,
    };
    planner.edit(id, Kind::SalesProject, true);
    planner.set(id, "name", Value::Text(inquiry.title()));
    planner.set(id, "customer", Value::Reference(target.customer));
    planner.set(id, "contact", Value::Reference(target.contact));
    planner.set(id, "inquiry", Value::Reference(inquiry.id));
    derive_number(planner, inquiry, id, "VP")?;
    copy(planner, inquiry, "responsible", id, "responsible");
    copy_list(planner, inquiry, "tag", id);
    let first = super::sales::phase_status(planner, "qualified")?;
    planner.set(id, "status", Value::Status(first));
    Ok(id)
}

/// Disqualifies an inquiry with a reason.
pub(super) fn disqualify(
    planner: &mut Planner<'_, '_>,
    id: RecordId,
    reason: &str,
    seen: Seen,
) -> Result<(), Refusal> {
    let inquiry = planner.alive_of(id, Kind::Inquiry)?;
    if reason.trim().is_empty() {
        return Err(Refusal::Missing {
            what: "the reason",
            way_out: "give --reason TEXT",
        });
    }
    refuse_converted(planner, &inquiry)?;
    planner.edit(id, Kind::Inquiry, true);
    let disqualified = Status::of("disqualified", 0).because(reason.trim());
    planner.put(id, "status", Value::Status(disqualified), seen);
    planner.answer.records.push(id);
    Ok(())
}

fn refuse_converted(planner: &Planner<'_, '_>, inquiry: &RecordView) -> Result<(), Refusal> {
    match inquiry.conversion() {
        Some(conversion) => {
            let goal = conversion.sales_project.unwrap_or(conversion.customer);
            Err(Refusal::AlreadyConverted {
                title: inquiry.named(),
                into: planner.name_of(goal),
                into_id: goal.short(),
            })
        }
        None => Ok(()),
    }
}

/// Moves an inquiry to new, contacted or qualified; a disqualified one is taken up again by this.
pub(super) fn move_inquiry(
    planner: &mut Planner<'_, '_>,
    id: RecordId,
    status: &str,
    seen: Seen,
) -> Result<(), Refusal> {
    let inquiry = planner.alive_of(id, Kind::Inquiry)?;
    let open = &INQUIRY[..3];
    let word = status.trim().to_lowercase();
    let Some((word, rank)) = open.iter().find(|(other, _)| *other == word) else {
        let words = open
            .iter()
            .map(|(word, _)| *word)
            .collect::<Vec<_>>()
            .join(", ");
        return Err(Refusal::NoSuchStatus {
            word,
            words: format!("{words} (and convert, disqualify)"),
        });
    };
    refuse_converted(planner, &inquiry)?;
    planner.edit(id, Kind::Inquiry, true);
    planner.put(id, "status", Value::Status(Status::of(word, *rank)), seen);
    planner.answer.records.push(id);
    Ok(())
}
