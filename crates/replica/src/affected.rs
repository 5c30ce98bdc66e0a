//! What follows from what: which rows and entries must be worked out anew when records were touched.

use std::collections::BTreeSet;

use model::doc::DocView;
use model::world::World;
use model::{Kind, RecordId, record};

use crate::replica::{Replica, ReplicaError};
use crate::sight::Documents;
use crate::views::numbers_of;

impl Replica {
    /// Lists the records whose row or entries may follow from the touched ones.
    ///
    /// Whether a record stands follows from all that is under it, and what stands beside it from the same conversion:
    /// hence upwards as far as it goes. Downwards few fields matter, but what refers to a merged record shows another.
    pub(crate) fn affected(
        &self,
        source: &dyn Documents,
        touched: &[RecordId],
    ) -> Result<BTreeSet<RecordId>, ReplicaError> {
        self.see(source, |world| self.affected_in(world, touched))
    }

    fn affected_in(&self, world: &dyn World, touched: &[RecordId]) -> BTreeSet<RecordId> {
        #[cfg(feature = "sabotage")]
        if sabotage::is(sabotage::Break::NeighboursStale) {
            return touched.iter().copied().collect();
        }
        let mut affected = BTreeSet::new();
        let mut open = touched.to_vec();
        while let Some(id) = open.pop() {
            if !affected.insert(id) {
                continue;
            }
            if let Some(doc) = world.doc(id) {
                open.extend(above(&doc));
            }
            open.push(record::survivor(world, id));
            // What names a merged record sees what regards the survivor.
            open.extend(world.referrers(id, "merged_into"));
            open.extend(beside(world, id));
        }
        let below: Vec<RecordId> = touched
            .iter()
            .flat_map(|id| self.below(world, *id))
            .collect();
        for id in below {
            affected.insert(id);
            affected.insert(record::survivor(world, id));
        }
        let together: Vec<RecordId> = affected
            .iter()
            .flat_map(|id| self.rows.involving(*id))
            .collect();
        affected.extend(together);
        affected
    }

    /// Lists what looks at a record that it refers to.
    fn below(&self, world: &dyn World, id: RecordId) -> Vec<RecordId> {
        let mut below = Vec::new();
        let mut open = vec![id];
        let mut known = BTreeSet::new();
        while let Some(next) = open.pop() {
            if !known.insert(next) {
                continue;
            }
            let is_merged = world
                .doc(next)
                .is_some_and(|doc| !doc.candidates("merged_into").is_empty());
            for (field, other) in self.views.referring(next) {
                // The people of a merged customer have another employer now, which those who name them show.
                if field == "merged_into" || is_merged && field == "customer" {
                    open.push(other);
                }
                if is_merged || ["sales_project", "inquiry", "contact", "offer"].contains(&field) {
                    below.push(other);
                }
            }
            below.push(next);
        }
        below
    }
}

/// Lists what was made together with a record, or carries the same number.
fn beside(world: &dyn World, id: RecordId) -> Vec<RecordId> {
    let Some(doc) = world.doc(id) else {
        return Vec::new();
    };
    let mut beside = match doc.kind {
        Some(Kind::Inquiry) => world.referrers(id, "inquiry"),
        Some(Kind::SalesProject) => {
            vec![RecordId::order_of(id), RecordId::project_of(id)]
        }
        _ => Vec::new(),
    };
    for text in numbers_of(&doc) {
        beside.extend(world.with_number(&text));
    }
    beside
}

/// Lists the records that a document belongs under; who is responsible and which event it was are no such ties.
fn above(doc: &DocView) -> Vec<RecordId> {
    let aside = ["event", "responsible", "captured_by", "owner", "link"];
    doc.references()
        .into_iter()
        .filter(|(field, _)| !aside.contains(field))
        .map(|row| row.1)
        .collect()
}
