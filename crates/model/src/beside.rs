//! What the records beside a record mean for its view.

use crate::id::RecordId;
use crate::kind::Kind;
use crate::record::{RecordView, conversion_of, derived_of, record, survivor};
use crate::settle::{Derived, Settled, settle, show_first};
use crate::standing::derived_stand;
use crate::status::{self, Course, Status};
use crate::value::Value;
use crate::world::World;

/// Applies what the records beside this one mean for it.
pub(crate) fn apply_neighbours(world: &dyn World, view: &mut RecordView, derived: Derived) {
    match view.kind {
        Kind::Inquiry => inquiry_beside_its_records(world, view),
        Kind::SalesProject => {
            project_beside_its_order(world, view);
            contact_beside_customer(world, view, derived);
        }
        Kind::Order => order_beside_its_project(world, view),
        Kind::Offer | Kind::IssuedOffer => {
            let status = crate::offer::status_of(world, view).map(Value::Status);
            view.fields
                .insert("status".to_owned(), Settled::derived(status));
        }
        _ => {}
    }
    for settled in view.fields.values_mut() {
        references_beside_merges(world, settled);
    }
    if matches!(view.kind, Kind::SalesProject | Kind::ContactPerson) {
        derived_beside_conversion(world, view);
    }
}

/// A reference to a merged record means the one that goes on; several that mean the same are no conflict.
fn references_beside_merges(world: &dyn World, settled: &mut Settled) {
    let Some(Value::Reference(id)) = &mut settled.shown else {
        return;
    };
    *id = survivor(world, *id);
    let goes_on = *id;
    if settled.in_conflict {
        settled.in_conflict = !settled.held.iter().all(
            |one| matches!(&one.value, Some(Value::Reference(id)) if survivor(world, *id) == goes_on),
        );
    }
}

/// Of several contact persons the one counts who is at the customer that is shown.
fn contact_beside_customer(world: &dyn World, view: &mut RecordView, derived: Derived) {
    let Some(customer) = view.reference("customer").map(|id| survivor(world, id)) else {
        return;
    };
    let Some(settled) = view.fields.get_mut("contact") else {
        return;
    };
    if settled.held.len() < 2 {
        return;
    }
    let best = settled
        .held
        .iter()
        .filter_map(|one| match &one.value {
            Some(Value::Reference(id)) => Some(*id),
            _ => None,
        })
        .min_by_key(|id| {
            let employer = employer(world, survivor(world, *id));
            (employer != Some(customer), derived.contains(*id), *id)
        });
    if let Some(best) = best {
        settled.shown = Some(Value::Reference(best));
        show_first(&mut settled.held, settled.shown.as_ref());
    }
}

/// Gives the customer of a contact person.
fn employer(world: &dyn World, contact: RecordId) -> Option<RecordId> {
    let doc = world.doc(contact)?;
    let spec = doc.kind?.field_of_key("customer")?;
    let candidates = doc.candidates("customer");
    match settle(contact, "customer", spec, derived_of(&doc), candidates).shown? {
        Value::Reference(id) => Some(survivor(world, id)),
        _ => None,
    }
}

/// What an inquiry was converted into apart is listed once, at the inquiry, and not at each record that was made.
fn derived_beside_conversion(world: &dyn World, view: &mut RecordView) {
    let inquiry = view.reference("inquiry").and_then(|id| world.doc(id));
    let Some(conversion) = inquiry.map(|doc| conversion_of(&doc)) else {
        return;
    };
    if !conversion.in_conflict {
        return;
    }
    let named: Vec<RecordId> = conversion
        .held
        .iter()
        .filter_map(|one| match &one.value {
            Some(Value::Conversion(one)) => Some([one.customer, one.contact]),
            _ => None,
        })
        .flatten()
        .collect();
    for key in ["customer", "contact"] {
        if let Some(settled) = view.fields.get_mut(key) {
            settled.in_conflict &= !settled
                .held
                .iter()
                .all(|one| matches!(&one.value, Some(Value::Reference(id)) if named.contains(id)));
        }
    }
}

fn inquiry_beside_its_records(world: &dyn World, view: &mut RecordView) {
    let Some(settled) = view.fields.get("conversion") else {
        return;
    };
    let Some(Value::Conversion(conversion)) = settled.shown.clone() else {
        return;
    };
    if !conversion.undone {
        // Somebody took it back, and somebody else converted it too.
        view.stands_against_undo |= settled
            .held
            .iter()
            .any(|one| matches!(&one.value, Some(Value::Conversion(one)) if one.undone));
        return show_status(view, "converted", 100);
    }
    let mut made = vec![
        RecordId::customer_of(view.id),
        RecordId::contact_of(view.id),
    ];
    made.extend(conversion.sales_project);
    if derived_stand(world, &made) || view.list("pinned").next().is_some() {
        view.stands_against_undo = true;
        view.conversion_stands = true;
        show_status(view, "converted", 100);
    } else if view.status_word() == "converted" {
        // The status was moved elsewhere too, so that undoing left it alone.
        let before = view.fields.get("status").and_then(|status| {
            let held = status.held.iter().filter_map(|one| match &one.value {
                Some(Value::Status(status)) if status.word != "converted" => Some(status.clone()),
                _ => None,
            });
            held.max_by_key(|status| (status.rank, status.clone()))
        });
        let before = before.unwrap_or_else(|| Status::of("new", 10));
        show_status(view, &before.word, before.rank);
    }
}

fn project_beside_its_order(world: &dyn World, view: &mut RecordView) {
    let took_back = view.fields.get("status").is_some_and(|status| {
        status
            .held
            .iter()
            .any(|one| matches!(&one.value, Some(Value::Status(status)) if status.takes_back))
    });
    let made = [RecordId::order_of(view.id), RecordId::project_of(view.id)];
    if took_back && status::course(view.status_word()) != Course::Won && derived_stand(world, &made)
    {
        view.stands_against_undo = true;
        show_status(view, "won", 100);
        if let Some(Settled {
            shown: Some(Value::Status(status)),
            ..
        }) = view.fields.get_mut("status")
        {
            status.chance = Some(100);
        }
    }
}

/// An order of a sales project that is contested, or was decided as lost, is none to work on.
fn order_beside_its_project(world: &dyn World, view: &mut RecordView) {
    let rests = view
        .reference("sales_project")
        .and_then(|id| record(world, id))
        .is_some_and(|project| project.contested || project.status_word() == "lost");
    if rests {
        show_status(view, "on-hold", 0);
    }
}

fn show_status(view: &mut RecordView, word: &str, rank: i64) {
    if view.status_word() != word
        && let Some(settled) = view.fields.get_mut("status")
    {
        settled.shown = Some(Value::Status(Status::of(word, rank)));
    }
}
