//! Standing against undo: what was undone stays when others had worked under it.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::doc::{Candidate, DocView};
use crate::fields::common;
use crate::id::RecordId;
use crate::kind::Kind;
use crate::record::{conversion_of, life};
use crate::settle::{Derived, settle};
use crate::status::{self, Course};
use crate::value::{Life, Value};
use crate::world::World;

/// The fields by which something belongs under a record.
const UNDER: [&str; 7] = [
    "regards",
    "sales_project",
    "customer",
    "contact",
    "offer",
    "award",
    "inquiry",
];

/// Lists the records under this one that are in use, whatever made them.
pub(crate) fn alive_under(world: &dyn World, id: RecordId) -> Vec<RecordId> {
    let mut asked = BTreeSet::from([id]);
    let mut under = under(world, id);
    under.retain(|child| is_in_use(world, *child, &mut asked));
    under
}

fn under(world: &dyn World, id: RecordId) -> Vec<RecordId> {
    let mut under: Vec<RecordId> = UNDER
        .iter()
        .flat_map(|field| world.referrers(id, field))
        .collect();
    under.sort_unstable();
    under.dedup();
    under
}

fn is_in_use(world: &dyn World, id: RecordId, asked: &mut BTreeSet<RecordId>) -> bool {
    world.doc(id).is_some_and(|doc| match life(&doc) {
        Life::Alive => true,
        Life::Archived => false,
        Life::Undone(_) => stands_in(world, &doc, asked),
    })
}

/// Tells whether a document stands: it is not undone, or it is pinned, or something that the undo had not seen is
/// under it or under what was made together with it.
///
/// A conversion or a win stands as a whole: half of one would be worse than either.
pub(crate) fn stands(world: &dyn World, doc: &DocView) -> bool {
    stands_in(world, doc, &mut BTreeSet::new())
}

/// Follows the reasons to stand; `asked` are the records on the way, so that no circle is walked for ever.
fn stands_in(world: &dyn World, doc: &DocView, asked: &mut BTreeSet<RecordId>) -> bool {
    let Life::Undone(seen) = life(doc) else {
        return true;
    };
    if !asked.insert(doc.id) {
        return false;
    }
    is_pinned(doc)
        || under(world, doc.id)
            .iter()
            .any(|child| !seen.contains(child) && is_in_use(world, *child, asked))
        || made_from(world, doc).is_some_and(|source| {
            is_named(&source, doc.id)
                || derived_stand(world, &made_together(&source, doc.id), asked)
        })
}

fn is_pinned(doc: &DocView) -> bool {
    doc.entries("pinned")
        .any(|(_, candidates)| !candidates.is_empty())
}

/// Gives the inquiry or sales project whose conversion or win makes this record.
fn made_from(world: &dyn World, doc: &DocView) -> Option<Arc<DocView>> {
    let source = ["inquiry", "sales_project"].iter().find_map(|key| {
        let spec = doc.kind?.field_of_key(key)?;
        let mut values = doc.candidates(key).iter();
        values.find_map(|one| match one.value(spec)? {
            Value::Reference(id) if made_by(id).contains(&doc.id) => Some(id),
            _ => None,
        })
    });
    world.doc(source?)
}

/// Tells whether a record was made by a conversion or win that nobody has taken back, or not everybody.
///
/// One of two presses that made a record may be undone after they met; the other one keeps all that it names.
fn is_named(source: &DocView, id: RecordId) -> bool {
    if source.kind == Some(Kind::Inquiry) {
        return match conversion_of(source).shown {
            Some(Value::Conversion(one)) => {
                let named = [Some(one.customer), Some(one.contact), one.sales_project];
                !one.undone && named.contains(&Some(id))
            }
            _ => false,
        };
    }
    let spec = source.kind.and_then(|kind| kind.field_of_key("status"));
    let status = spec.and_then(|spec| {
        let candidates = source.candidates("status");
        settle(source.id, "status", spec, Derived::default(), candidates).shown
    });
    matches!(status, Some(Value::Status(status)) if status::course(&status.word) == Course::Won)
}

/// Lists what the undone conversion or win made beside this record.
fn made_together(source: &DocView, id: RecordId) -> Vec<RecordId> {
    // Converted by another press too: what that one made stands by itself, and for itself.
    let stands_anyway = source.kind == Some(Kind::Inquiry)
        && !matches!(conversion_of(source).shown, Some(Value::Conversion(one)) if one.undone);
    if stands_anyway {
        return Vec::new();
    }
    let mut made = made_by(source.id).to_vec();
    made.retain(|other| *other != id);
    made
}

/// Names what converting an inquiry or winning a sales project makes.
fn made_by(source: RecordId) -> [RecordId; 5] {
    [
        RecordId::customer_of(source),
        RecordId::contact_of(source),
        RecordId::sales_project_of(source),
        RecordId::order_of(source),
        RecordId::project_of(source),
    ]
}

/// Tells whether what undoing would remove stands: any record that the conversion or win made.
pub(crate) fn derived_stand(
    world: &dyn World,
    made: &[RecordId],
    asked: &mut BTreeSet<RecordId>,
) -> bool {
    made.iter().filter_map(|id| world.doc(*id)).any(|doc| {
        // What was never undone proves nothing: an existing customer outlives every conversion into it.
        let undone_here = doc.candidates("life").iter().any(is_undone);
        undone_here && stands_in(world, &doc, asked)
            || is_pinned(&doc)
            || !undone_here && matches!(life(&doc), Life::Alive) && derives_from_something(&doc)
    })
}

pub(crate) fn is_undone(candidate: &Candidate) -> bool {
    matches!(
        candidate.value(common("life")),
        Some(Value::Life(Life::Undone(_)))
    )
}

fn derives_from_something(doc: &DocView) -> bool {
    // Ids that a rule derives are UUIDv5; those of an existing customer are not.
    doc.id.made_ms().is_none()
}
