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
    let mut search = Search::new(world);
    search.asked.insert(id);
    let mut under = under(world, id);
    under.retain(|child| search.finds(vec![Ground::InUse(*child)]));
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

/// Tells whether a document stands: it is not undone, or it is pinned, or something that the undo had not seen is
/// under it or under what was made together with it.
///
/// A conversion or a win stands as a whole: half of one would be worse than either.
pub(crate) fn stands(world: &dyn World, doc: &DocView) -> bool {
    #[cfg(feature = "sabotage")]
    if sabotage::is(sabotage::Break::UndoneWins) {
        return !matches!(life(doc), Life::Undone(_));
    }
    let mut search = Search::new(world);
    let mut open = Vec::new();
    search.stands_at_once(doc, &mut open) || search.finds(open)
}

/// Something for which an undone record stands, if it holds.
#[derive(Debug, Clone, Copy)]
enum Ground {
    /// This record, which the undo had not seen, is under it and in use.
    InUse(RecordId),
    /// This record was made together with it and stands.
    Made(RecordId),
}

/// Follows the grounds to stand from record to record.
///
/// One ground is enough, so the order in which they are asked does not matter, and no record is asked twice: however
/// long a chain of undone records somebody builds, the search takes the chain's length and no more of the stack.
struct Search<'a> {
    world: &'a dyn World,
    asked: BTreeSet<RecordId>,
}

impl<'a> Search<'a> {
    fn new(world: &'a dyn World) -> Self {
        Self {
            world,
            asked: BTreeSet::new(),
        }
    }

    /// Tells whether one of these grounds holds. What fell is remembered and not asked again; of what was asked on
    /// the way to a ground that holds nothing is known, so it is forgotten.
    fn finds(&mut self, mut open: Vec<Ground>) -> bool {
        let mut on_the_way = Vec::new();
        while let Some(ground) = open.pop() {
            let undone = match self.judge(ground) {
                Judged::Holds => {
                    self.forget(&on_the_way);
                    return true;
                }
                Judged::Falls => continue,
                Judged::Undone(doc) => doc,
            };
            if self.asked.contains(&undone.id) {
                continue;
            }
            on_the_way.push(undone.id);
            if self.stands_at_once(&undone, &mut open) {
                self.forget(&on_the_way);
                return true;
            }
        }
        false
    }

    fn forget(&mut self, asked: &[RecordId]) {
        for id in asked {
            self.asked.remove(id);
        }
    }

    /// Tells whether a document stands by itself; otherwise opens the grounds for which it might.
    fn stands_at_once(&mut self, doc: &DocView, open: &mut Vec<Ground>) -> bool {
        let Life::Undone(seen) = life(doc) else {
            return true;
        };
        self.asked.insert(doc.id);
        if is_pinned(doc) {
            return true;
        }
        let seen: BTreeSet<RecordId> = seen.into_iter().collect();
        let under = under(self.world, doc.id).into_iter();
        open.extend(
            under
                .filter(|child| !seen.contains(child))
                .map(Ground::InUse),
        );
        let Some(source) = made_from(self.world, doc) else {
            return false;
        };
        let made = made_together(&source, doc.id).into_iter();
        open.extend(made.map(Ground::Made));
        is_named(&source, doc.id)
    }

    fn judge(&self, ground: Ground) -> Judged {
        let (Ground::InUse(id) | Ground::Made(id)) = ground;
        let Some(doc) = self.world.doc(id) else {
            return Judged::Falls;
        };
        let holds = match (ground, life(&doc)) {
            (Ground::InUse(_), Life::Undone(_)) => return Judged::Undone(doc),
            (Ground::InUse(_), life) => matches!(life, Life::Alive),
            (Ground::Made(_), _) if is_pinned(&doc) => true,
            (Ground::Made(_), Life::Undone(_)) => return Judged::Undone(doc),
            // What was never undone proves nothing: an existing customer outlives every conversion into it.
            (Ground::Made(_), life) => {
                doc.candidates("life").iter().any(is_undone)
                    || matches!(life, Life::Alive) && derives_from_something(&doc)
            }
        };
        if holds { Judged::Holds } else { Judged::Falls }
    }
}

/// What a look at one record says of a ground.
enum Judged {
    Holds,
    Falls,
    /// It depends on what is under the record, which was undone.
    Undone(Arc<DocView>),
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
pub(crate) fn derived_stand(world: &dyn World, made: &[RecordId]) -> bool {
    let made = made.iter().copied().map(Ground::Made);
    Search::new(world).finds(made.collect())
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

#[cfg(test)]
mod tests;
