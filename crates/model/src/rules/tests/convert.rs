//! Converting, disqualifying, moving inquiries.

use super::Told;
use crate::intent::{ConvertInto, Intent};
use crate::kind::Kind;
use crate::trial::*;

pub(super) fn walk(told: &mut Told) {
    let mut device = Device::founded();
    let inquiry = device.inquiry("Nord Pumpen GmbH");
    let status = |status: &str| Intent::MoveInquiry {
        inquiry,
        status: status.to_owned(),
        seen: None,
    };
    told.refused(
        device.try_act(status("won")),
        "no-such-status",
        "new, contacted, qualified",
        "",
    );
    let done = device.try_act(disqualify(inquiry, " "));
    told.refused(done, "missing", "the reason is missing", "--reason");
    walk_targets(told, &mut device);
    device.act(disqualify(inquiry, "no budget"));
    let way = format!("handschlag phase {} contacted", inquiry.short());
    told.refused(
        device.try_act(convert(inquiry)),
        "disqualified",
        "Nord Pumpen GmbH",
        &way,
    );
    device.act(status("contacted"));
    let project = device.make(convert(inquiry));
    // The inquiry and what it became have one title; their numbers tell them apart.
    let number = |id| device.view(id).text("number").to_owned();
    let title = "Nord Pumpen GmbH, Family";
    let (from, into) = (number(inquiry), number(project));
    let says = format!("{title} ({from}) is converted already, into {title} ({into})");
    let way = format!("handschlag show {}", project.short());
    for intent in [
        convert(inquiry),
        disqualify(inquiry, "no budget"),
        status("new"),
    ] {
        told.refused(device.try_act(intent), "already-converted", &says, &way);
    }
}

fn walk_targets(told: &mut Told, device: &mut Device) {
    let inquiry = device.inquiry("Sued GmbH");
    let customer = device.make(create(Kind::Customer, &[("name", "Sued GmbH")]));
    let other = device.make(create(Kind::Customer, &[("name", "Other GmbH")]));
    let person = [("family", "Family"), ("customer", &*other.to_string())];
    let contact = device.make(create(Kind::ContactPerson, &person));
    let into = |customer, contact| Intent::Convert {
        inquiry,
        into: ConvertInto {
            customer,
            contact,
            partner: false,
        },
    };
    let done = device.try_act(into(Some(customer), Some(contact)));
    let way = format!("handschlag show {}", contact.short());
    let says = format!("Family ({}) belongs to another customer", contact.short());
    told.refused(done, "other-customer", &says, &way);
    let done = device.try_act(into(Some(contact), None));
    told.refused(
        done,
        "wrong-kind",
        "is no customer, it is of kind contact person",
        "list",
    );
    let done = device.try_act(into(None, Some(customer)));
    told.refused(
        done,
        "wrong-kind",
        "is no contact person",
        "handschlag list",
    );
    device.act(Intent::Archive { record: other });
    let done = device.try_act(into(None, Some(contact)));
    told.refused(done, "archived", "Other GmbH", "handschlag restore");
}

#[test]
fn refusals() {
    walk(&mut Told::default());
}
