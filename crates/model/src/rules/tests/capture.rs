//! Capturing, importing, creating, founding, enrolling.

use super::Told;
use crate::intent::{Assignment, Capture, Intent};
use crate::kind::Kind;
use crate::role::Role;
use crate::trial::*;

fn nobody() -> Capture {
    Capture {
        fields: vec![
            Assignment::set("origin", "talk"),
            Assignment::set("company", " "),
        ],
        ..Capture::default()
    }
}

fn capture(fields: Vec<Assignment>) -> Intent {
    Intent::Capture(Capture {
        fields,
        ..Capture::default()
    })
}

pub(super) fn walk(told: &mut Told) {
    let mut device = Device::founded();
    let way = "give a company";
    let import = |as_customers| Intent::Import {
        contacts: vec![nobody()],
        as_customers,
    };
    for intent in [Intent::Capture(nobody()), import(false), import(true)] {
        told.refused(
            device.try_act(intent),
            "missing",
            "who it is is missing",
            way,
        );
    }
    let removing = vec![
        Assignment::set("company", "Nord"),
        Assignment::remove("tag", "hot"),
    ];
    let done = device.try_act(capture(removing));
    told.refused(done, "no-such-entry", "'hot' is not among", "tag+=VALUE");
    let unknown = vec![
        Assignment::set("company", "Nord"),
        Assignment::set("colour", "red"),
    ];
    let done = device.try_act(capture(unknown));
    told.refused(
        done,
        "no-such-field",
        "inquiry has no field 'colour'",
        "company",
    );
    walk_create(told, &mut device);
    walk_workspace(told, &mut device);
    device.next_count = 10_000_000;
    let done = device.try_act(capture(vec![Assignment::set("company", "Nord")]));
    told.refused(
        done,
        "numbers-used-up",
        "used up for 2026",
        "handschlag invite --member",
    );
}

fn walk_create(told: &mut Told, device: &mut Device) {
    for (kind, way) in [
        (Kind::Offer, "handschlag offer"),
        (Kind::IssuedOffer, "handschlag send"),
        (Kind::Order, "handschlag win"),
        (Kind::Activity, "handschlag call"),
        (Kind::Member, "handschlag invite"),
        (Kind::Settings, "handschlag set"),
    ] {
        let says = format!("kind {} are not created", kind.title());
        let done = device.try_act(create(kind, &[("name", "x")]));
        told.refused(done, "not-created-by-hand", &says, way);
    }
    let customer = device.make(create(Kind::Customer, &[("name", "Nord Pumpen GmbH")]));
    let customer = customer.to_string();
    for (kind, fields, says, way) in [
        (
            Kind::Customer,
            vec![("website", "a.example")],
            "the name is",
            "name=TEXT",
        ),
        (Kind::Event, vec![], "the name is", "name=TEXT"),
        (
            Kind::ContactPerson,
            vec![("customer", &*customer)],
            "the name is",
            "family=NAME",
        ),
        (
            Kind::ContactPerson,
            vec![("family", "F")],
            "the customer is",
            "handschlag convert",
        ),
        (
            Kind::SalesProject,
            vec![("name", "P")],
            "the customer is",
            "customer=ID",
        ),
        (
            Kind::Project,
            vec![("customer", &*customer)],
            "the name is",
            "name=TEXT",
        ),
    ] {
        let done = device.try_act(create(kind, &fields));
        told.refused(done, "missing", says, way);
    }
}

fn walk_workspace(told: &mut Told, device: &mut Device) {
    let enrol = |name: &str| Intent::EnrolMember {
        member: member(9),
        name: name.to_owned(),
        email: None,
    };
    let found = |name: &str| Intent::FoundWorkspace {
        name: name.to_owned(),
    };
    told.refused(
        device.try_act(enrol(" ")),
        "missing",
        "the member's name",
        "--user NAME",
    );
    told.refused(
        device.try_act(found("")),
        "missing",
        "the workspace's name",
        "--workspace",
    );
    let mut rep = device.other(2, Role::Member);
    for intent in [enrol("Rep D"), found("Nord"), create(Kind::Settings, &[])] {
        let done = rep.try_act(intent);
        told.refused(
            done,
            "role",
            "your role member may not change members",
            "handschlag members",
        );
    }
    let mut guest = device.other(3, Role::Guest);
    let done = guest.try_act(capture(vec![Assignment::set("company", "Nord")]));
    told.refused(
        done,
        "role",
        "your role guest may not change anything",
        "ask an admin",
    );
}

#[test]
fn refusals() {
    walk(&mut Told::default());
}
