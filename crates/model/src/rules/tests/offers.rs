//! Drafting, sending, accepting and rejecting offers.

use super::Told;
use crate::id::RecordId;
use crate::intent::{Assignment, Intent};
use crate::kind::Kind;
use crate::trial::*;
use crate::value::LineItem;

pub(super) fn walk(told: &mut Told) {
    let mut device = Device::founded();
    let project = device.project("Nord Pumpen GmbH");
    let mut foreign = item();
    foreign.price.currency = "CHF".to_owned();
    let mixed: Vec<LineItem> = vec![item(), foreign];
    let done = device.try_act(draft(project, mixed));
    told.refused(done, "bad-value", "CHF", "");
    let empty = device.make(draft(project, Vec::new()));
    let way = format!("handschlag set {} item+=", empty.short());
    told.refused(
        device.try_act(send(empty)),
        "empty-offer",
        "no line items",
        &way,
    );
    for line in ["X-200;1;piece;1 EUR", "Setup;1;hour;1 CHF"] {
        device.act(edit(empty, Assignment::add("item", line)));
    }
    told.refused(device.try_act(send(empty)), "bad-value", "CHF", "");
    let offer = device.make(draft(project, vec![item()]));
    let content = Some("00".repeat(32));
    let done = device.try_act(Intent::SendOffer { offer, content });
    let way = format!("handschlag show {}", offer.short());
    told.refused(done, "offer-changed", "changed since you looked", &way);
    let issued = device.make(send(offer));
    let number = device.view(issued).text("number").to_owned();
    let says = format!("was sent as {number} and has not changed");
    let way = format!("handschlag show {number}");
    told.refused(device.try_act(send(offer)), "sent-already", &says, &way);
    told.refused(
        device.try_act(send(project)),
        "wrong-kind",
        "is no offer",
        "handschlag list",
    );
    device.act(Intent::AcceptOffer { issued });
    let says = format!("{number} is accepted already");
    told.refused(
        device.try_act(Intent::AcceptOffer { issued }),
        "not-open",
        &says,
        "",
    );
    let reject = Intent::RejectOffer {
        issued,
        reason: None,
    };
    device.act(reject.clone());
    told.refused(
        device.try_act(reject.clone()),
        "not-open",
        "is rejected already",
        "",
    );
    device.act(Intent::Archive { record: offer });
    told.refused(
        device.try_act(reject),
        "archived",
        "is archived",
        "handschlag restore",
    );
    walk_torn(told, &mut device);
}

/// What another version wrote may lack what this one always writes.
fn walk_torn(told: &mut Told, device: &mut Device) {
    let (offer, issued) = (
        RecordId::from_bytes([0x71; 16]),
        RecordId::from_bytes([0x72; 16]),
    );
    device.write_bare(Kind::Offer, offer);
    device.write_bare(Kind::IssuedOffer, issued);
    let way = "handschlag offer PROJECT";
    told.refused(
        device.try_act(send(offer)),
        "missing",
        "the sales project is",
        way,
    );
    let done = device.try_act(Intent::AcceptOffer { issued });
    told.refused(
        done,
        "missing",
        "the offer it was issued from",
        "handschlag sync",
    );
}

#[test]
fn refusals() {
    walk(&mut Told::default());
}
