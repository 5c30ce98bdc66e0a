//! What people do, in short words.

use jiff::civil::{Date, date};
use model::intent::{Assignment, Capture, ConvertInto, NewActivity, Undo};
use model::merged::Entry;
use model::value::{LineItem, Money, Planned};
use model::{FileHash, Intent, IntentId, Kind, RecordId, Value, ValueId};
use rust_decimal::Decimal;

use crate::peers::Peers;

pub(crate) fn set(record: RecordId, field: &str, value: &str) -> Intent {
    edit(record, Assignment::set(field, value))
}

pub(crate) fn add(record: RecordId, field: &str, value: &str) -> Intent {
    edit(record, Assignment::add(field, value))
}

pub(crate) fn remove(record: RecordId, field: &str, value: &str) -> Intent {
    edit(record, Assignment::remove(field, value))
}

pub(crate) fn edit(record: RecordId, field: Assignment) -> Intent {
    Intent::Edit {
        record,
        fields: vec![field],
    }
}

/// Sets a field as somebody does who looked at these values.
pub(crate) fn set_having_seen(
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

pub(crate) fn capture(company: &str) -> Intent {
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

pub(crate) fn customer(name: &str) -> Intent {
    Intent::Create {
        kind: Kind::Customer,
        fields: vec![Assignment::set("name", name)],
    }
}

pub(crate) fn contact(customer: RecordId, family: &str) -> Intent {
    Intent::Create {
        kind: Kind::ContactPerson,
        fields: vec![
            Assignment::set("family", family),
            Assignment::set("customer", Value::Reference(customer)),
        ],
    }
}

pub(crate) fn convert(inquiry: RecordId) -> Intent {
    let into = ConvertInto::default();
    Intent::Convert { inquiry, into }
}

pub(crate) fn convert_into(inquiry: RecordId, customer: RecordId) -> Intent {
    let into = ConvertInto {
        customer: Some(customer),
        ..ConvertInto::default()
    };
    Intent::Convert { inquiry, into }
}

pub(crate) fn convert_to(inquiry: RecordId, customer: RecordId, contact: RecordId) -> Intent {
    let into = ConvertInto {
        customer: Some(customer),
        contact: Some(contact),
        partner: false,
    };
    Intent::Convert { inquiry, into }
}

pub(crate) fn partner(inquiry: RecordId) -> Intent {
    let into = ConvertInto {
        partner: true,
        ..ConvertInto::default()
    };
    Intent::Convert { inquiry, into }
}

pub(crate) fn disqualify(inquiry: RecordId) -> Intent {
    Intent::Disqualify {
        inquiry,
        reason: "no budget".to_owned(),
        seen: None,
    }
}

pub(crate) fn phase(sales_project: RecordId, phase: &str) -> Intent {
    Intent::MovePhase {
        sales_project,
        phase: phase.to_owned(),
        chance: None,
        reason: Some("so it is".to_owned()),
        seen: None,
    }
}

pub(crate) fn win(sales_project: RecordId, issued: Option<RecordId>) -> Intent {
    Intent::Win {
        sales_project,
        issued,
        seen: None,
    }
}

pub(crate) fn item(text: &str, minor: i64) -> LineItem {
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

pub(crate) fn draft(sales_project: RecordId, items: &[LineItem]) -> Intent {
    Intent::DraftOffer {
        sales_project,
        items: items.to_vec(),
        name: String::new(),
        valid_until: None,
    }
}

pub(crate) fn send(offer: RecordId) -> Intent {
    Intent::SendOffer {
        offer,
        content: None,
    }
}

pub(crate) fn accept(issued: RecordId) -> Intent {
    Intent::AcceptOffer { issued }
}

pub(crate) fn reject(issued: RecordId) -> Intent {
    Intent::RejectOffer {
        issued,
        reason: Some("too dear".to_owned()),
    }
}

pub(crate) fn on(day: Date) -> Planned {
    Planned {
        date: day,
        time: None,
        zone: "Europe/Berlin".to_owned(),
    }
}

pub(crate) fn follow_up(record: RecordId, responsible: RecordId) -> Intent {
    Intent::AddActivity(NewActivity {
        activity: "follow-up".to_owned(),
        regards: vec![record],
        subject: "Ask again".to_owned(),
        when: Some(on(date(2026, 11, 25))),
        responsible: Some(responsible),
        ..NewActivity::default()
    })
}

pub(crate) fn task(record: RecordId) -> Intent {
    Intent::AddActivity(NewActivity {
        activity: "task".to_owned(),
        regards: vec![record],
        subject: "Send the brochure".to_owned(),
        ..NewActivity::default()
    })
}

pub(crate) fn note(record: RecordId, text: &str) -> Intent {
    Intent::AppendNote {
        record,
        text: text.to_owned(),
    }
}

pub(crate) fn attach(record: RecordId, hash: FileHash, name: &str) -> Intent {
    Intent::Attach {
        record,
        hash,
        name: name.to_owned(),
        media_type: "image/png".to_owned(),
        size: 1000,
    }
}

pub(crate) fn detach(record: RecordId, hash: FileHash) -> Intent {
    Intent::Detach { record, hash }
}

pub(crate) fn undo() -> Intent {
    Intent::Undo { what: Undo::Last }
}

pub(crate) fn undo_of(operation: IntentId) -> Intent {
    Intent::Undo {
        what: Undo::Operation(operation),
    }
}

pub(crate) fn archive(record: RecordId) -> Intent {
    Intent::Archive { record }
}

pub(crate) fn merge(loser: RecordId, survivor: RecordId) -> Intent {
    Intent::Merge { survivor, loser }
}

/// Gives the texts of an entry's choices, the shown one first; `-` stands for a cleared field.
pub(crate) fn texts(entry: &Entry) -> Vec<String> {
    let text = |value: &Option<Value>| match value {
        Some(Value::Status(status)) => status.word.clone(),
        Some(value) => replica::text::plain(value),
        None => "-".to_owned(),
    };
    entry.choices.iter().map(|one| text(&one.value)).collect()
}

/// Captures an inquiry that everybody knows.
pub(crate) fn shared_inquiry(peers: &mut Peers) -> RecordId {
    let inquiry = peers.make(0, capture("Mueller Praezision GmbH"));
    peers.sync();
    inquiry
}

/// Captures and converts an inquiry that everybody knows, and gives the sales project too.
pub(crate) fn shared_project(peers: &mut Peers) -> (RecordId, RecordId) {
    let inquiry = peers.make(0, capture("Mueller Praezision GmbH"));
    let project = peers.make(0, convert(inquiry));
    peers.sync();
    (inquiry, project)
}

/// Drafts and sends an offer that everybody knows; gives the offer and what was issued.
pub(crate) fn shared_offer(peers: &mut Peers, project: RecordId) -> (RecordId, RecordId) {
    let offer = peers.make(0, draft(project, &[item("Press", 500_000)]));
    let issued = peers.make(0, send(offer));
    peers.sync();
    (offer, issued)
}
