//! What people do, in short words.

use jiff::civil::{Date, date};
use model::intent::{Assignment, Capture, ConvertInto, NewActivity, Undo};
use model::merged::Entry;
use model::value::{LineItem, Money, Planned};
use model::{Intent, IntentId, Kind, RecordId, Value, ValueId};
use rust_decimal::Decimal;

/// Sets a field.
pub(super) fn set(record: RecordId, field: &str, value: &str) -> Intent {
    edit(record, Assignment::set(field, value))
}

/// Adds an entry to a list.
pub(super) fn add(record: RecordId, field: &str, value: &str) -> Intent {
    edit(record, Assignment::add(field, value))
}

/// Changes one field.
pub(super) fn edit(record: RecordId, field: Assignment) -> Intent {
    Intent::Edit {
        record,
        fields: vec![field],
    }
}

/// Sets a field as somebody does who looked at these values.
pub(super) fn set_having_seen(
    record: RecordId,
    field: &str,
    value: &str,
    seen: Vec<ValueId>,
) -> Intent {
    let assignment = Assignment {
        seen: Some(seen),
        ..Assignment::set(field, value)
    };
    edit(record, assignment)
}

/// Captures a contact.
pub(super) fn capture(company: &str) -> Intent {
    Intent::Capture(Capture {
        fields: vec![
            Assignment::set("company", company),
            Assignment::set("given", "Erika"),
            Assignment::set("family", "Muster"),
            Assignment::add("phone", "+49 30 123456"),
            Assignment::add("email", "erika@example.com"),
            Assignment::add("tag", "press"),
            Assignment::set("note", "Met at the stand."),
        ],
        ..Capture::default()
    })
}

/// Makes a customer.
pub(super) fn customer(name: &str) -> Intent {
    Intent::Create {
        kind: Kind::Customer,
        fields: vec![Assignment::set("name", name)],
    }
}

/// Makes a contact person.
pub(super) fn contact(customer: RecordId, family: &str) -> Intent {
    Intent::Create {
        kind: Kind::ContactPerson,
        fields: vec![
            Assignment::set("family", family),
            Assignment::set("customer", Value::Reference(customer)),
        ],
    }
}

/// Converts an inquiry into a new customer.
pub(super) fn convert(inquiry: RecordId) -> Intent {
    let into = ConvertInto::default();
    Intent::Convert { inquiry, into }
}

/// Converts an inquiry into an existing customer.
pub(super) fn convert_into(inquiry: RecordId, customer: RecordId) -> Intent {
    let into = ConvertInto {
        customer: Some(customer),
        ..ConvertInto::default()
    };
    Intent::Convert { inquiry, into }
}

/// Converts an inquiry into an existing customer and contact person.
pub(super) fn convert_to(inquiry: RecordId, customer: RecordId, contact: RecordId) -> Intent {
    let into = ConvertInto {
        customer: Some(customer),
        contact: Some(contact),
        partner: false,
    };
    Intent::Convert { inquiry, into }
}

/// Makes a partner of an inquiry.
pub(super) fn partner(inquiry: RecordId) -> Intent {
    let into = ConvertInto {
        partner: true,
        ..ConvertInto::default()
    };
    Intent::Convert { inquiry, into }
}

/// Disqualifies an inquiry.
pub(super) fn disqualify(inquiry: RecordId) -> Intent {
    Intent::Disqualify {
        inquiry,
        reason: "no budget".to_owned(),
        seen: None,
    }
}

/// Moves a sales project.
pub(super) fn phase(sales_project: RecordId, phase: &str) -> Intent {
    Intent::MovePhase {
        sales_project,
        phase: phase.to_owned(),
        chance: None,
        reason: Some("so it is".to_owned()),
        seen: None,
    }
}

/// Wins a sales project.
pub(super) fn win(sales_project: RecordId, issued: Option<RecordId>) -> Intent {
    Intent::Win {
        sales_project,
        issued,
        seen: None,
    }
}

/// Makes a line item.
pub(super) fn item(text: &str, minor: i64) -> LineItem {
    LineItem {
        text: text.to_owned(),
        quantity: Decimal::ONE,
        unit: "piece".to_owned(),
        price: Money {
            minor,
            currency: "EUR".to_owned(),
        },
        discount: Decimal::ZERO,
        vat: Decimal::from(19),
        position: 0,
    }
}

/// Drafts an offer.
pub(super) fn draft(sales_project: RecordId, items: &[LineItem]) -> Intent {
    Intent::DraftOffer {
        sales_project,
        items: items.to_vec(),
        name: String::new(),
        valid_until: None,
    }
}

/// Sends an offer.
pub(super) fn send(offer: RecordId) -> Intent {
    Intent::SendOffer {
        offer,
        content: None,
    }
}

/// Notes that an offer was accepted.
pub(super) fn accept(issued: RecordId) -> Intent {
    Intent::AcceptOffer { issued }
}

/// Notes that an offer was rejected.
pub(super) fn reject(issued: RecordId) -> Intent {
    Intent::RejectOffer {
        issued,
        reason: Some("too dear".to_owned()),
    }
}

/// Plans for a day.
pub(super) fn on(day: Date) -> Planned {
    Planned {
        date: day,
        time: None,
        zone: "Europe/Berlin".to_owned(),
    }
}

/// Adds a follow-up for somebody.
pub(super) fn follow_up(record: RecordId, responsible: RecordId) -> Intent {
    Intent::AddActivity(NewActivity {
        activity: "follow-up".to_owned(),
        regards: vec![record],
        subject: "Ask again".to_owned(),
        when: Some(on(date(2026, 11, 25))),
        responsible: Some(responsible),
        ..NewActivity::default()
    })
}

/// Adds a task.
pub(super) fn task(record: RecordId) -> Intent {
    Intent::AddActivity(NewActivity {
        activity: "task".to_owned(),
        regards: vec![record],
        subject: "Send the brochure".to_owned(),
        ..NewActivity::default()
    })
}

/// Adds to a note.
pub(super) fn note(record: RecordId, text: &str) -> Intent {
    Intent::AppendNote {
        record,
        text: text.to_owned(),
    }
}

/// Undoes the last operation of a device.
pub(super) fn undo() -> Intent {
    Intent::Undo { what: Undo::Last }
}

/// Undoes an operation.
pub(super) fn undo_of(operation: IntentId) -> Intent {
    Intent::Undo {
        what: Undo::Operation(operation),
    }
}

/// Puts a record away.
pub(super) fn archive(record: RecordId) -> Intent {
    Intent::Archive { record }
}

/// Merges a record into another.
pub(super) fn merge(loser: RecordId, survivor: RecordId) -> Intent {
    Intent::Merge { survivor, loser }
}

/// Gives the texts of an entry's choices, the shown one first; `-` stands for a cleared field.
pub(super) fn texts(entry: &Entry) -> Vec<String> {
    let text = |value: &Option<Value>| match value {
        Some(Value::Status(status)) => status.word.clone(),
        Some(value) => replica::text::plain(value),
        None => "-".to_owned(),
    };
    entry.choices.iter().map(|one| text(&one.value)).collect()
}
