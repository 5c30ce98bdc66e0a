//! A record's document with what it inherits from the records that were merged into it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::doc::{Candidate, DocView};
use crate::fields;
use crate::id::{RecordId, Stamp};
use crate::kind::Kind;
use crate::record::{losers, merged_into};
use crate::settle::{Derived, Settled, settle};
use crate::value::Value;
use crate::world::World;

/// A record's document with the values of what was merged into it that the merging person had not seen.
#[derive(Debug)]
pub(crate) struct Whole {
    /// The record's own document.
    pub(crate) doc: Arc<DocView>,
    inherited: BTreeMap<String, Vec<(RecordId, Candidate)>>,
    /// The note, and the notes of what was merged into it.
    pub(crate) note: String,
}

/// Gives the document of a record with what it inherits; an empty one where there is none.
pub(crate) fn whole(world: &dyn World, id: RecordId) -> Whole {
    let doc = world
        .doc(id)
        .unwrap_or_else(|| Arc::new(DocView::empty(id)));
    let losers = losers(world, id);
    Whole::of(world, doc, &losers)
}

impl Whole {
    pub(crate) fn of(world: &dyn World, doc: Arc<DocView>, losers: &[RecordId]) -> Self {
        let mut whole = Self {
            note: doc.note.clone(),
            inherited: BTreeMap::new(),
            doc,
        };
        for loser in losers.iter().filter_map(|id| world.doc(*id)) {
            whole.inherit(&loser);
        }
        whole
    }

    fn inherit(&mut self, loser: &DocView) {
        let text = loser.note.trim();
        if !text.is_empty() && !self.note.contains(text) {
            if !self.note.is_empty() {
                self.note.push_str("\n\n");
            }
            self.note.push_str(&loser.note);
        }
        let seen = merged_into(loser)
            .map(|merged| merged.seen)
            .unwrap_or_default();
        for (key, candidates) in &loser.registers {
            if !loser.kind.is_some_and(|kind| is_inherited(kind, key))
                || key == "conversion" && is_converted(&self.doc)
            {
                continue;
            }
            for one in candidates {
                let is_seen = |stamp: &Stamp| seen.binary_search(stamp).is_ok();
                if is_seen(&one.register.stamp()) || is_seen(&mark(loser.id, key, one)) {
                    continue;
                }
                let inherited = self.inherited.entry(key.clone()).or_default();
                inherited.push((loser.id, one.clone()));
            }
        }
    }

    /// Gives the values under a key with the record that each stands in.
    pub(crate) fn of_key(&self, key: &str) -> impl Iterator<Item = (RecordId, &Candidate)> {
        let own = self.doc.candidates(key).iter();
        let inherited = self.inherited.get(key).into_iter().flatten();
        own.map(|one| (self.doc.id, one))
            .chain(inherited.map(|(record, one)| (*record, one)))
    }

    /// Collects how the merged records name the values under a key, for marking them as seen.
    pub(crate) fn absorb(&self, key: &str, absorbed: &mut BTreeMap<RecordId, Vec<Stamp>>) {
        for (record, one) in self.inherited.get(key).into_iter().flatten() {
            let marks = absorbed.entry(*record).or_default();
            marks.push(mark(*record, key, one));
        }
    }

    /// Shows the values under each key, one key after the other.
    pub(crate) fn visit(&self, mut show: impl FnMut(&str, &[Candidate])) {
        let own = &self.doc.registers;
        for (key, candidates) in own {
            if !self.inherited.contains_key(key) {
                show(key, candidates);
            }
        }
        for (key, inherited) in &self.inherited {
            let inherited = inherited.iter().map(|(_, one)| one);
            let own = own.get(key).into_iter().flatten();
            let mut all: Vec<Candidate> = own.chain(inherited).cloned().collect();
            all.sort_by_key(|one| one.op);
            show(key, &all);
        }
    }
}

/// Names one value in a list of what was seen: a press may have written others beside it that nobody has seen.
fn mark(record: RecordId, key: &str, one: &Candidate) -> Stamp {
    Stamp::from_bytes(*one.value_id(record, key).as_bytes())
}

/// Tells whether a survivor shows the values of a field of what was merged into it.
fn is_inherited(kind: Kind, key: &str) -> bool {
    kind.field_of_key(key).is_some_and(|spec| {
        let is_common = fields::COMMON.iter().any(|common| common.name == spec.name);
        spec.name != "number" && (!is_common || matches!(spec.name, "custom" | "file"))
    })
}

/// Tells whether an inquiry says by itself what it became; then that counts, and what the other became is proposed
/// for merging.
fn is_converted(doc: &DocView) -> bool {
    matches!(conversion_of(doc).shown, Some(Value::Conversion(one)) if !one.undone)
}

/// Settles what an inquiry's own document says it became.
pub(crate) fn conversion_of(doc: &DocView) -> Settled {
    let spec = Kind::Inquiry
        .field_of_key("conversion")
        .expect("inquiries have the field conversion");
    settle(
        doc.id,
        "conversion",
        spec,
        Derived::from_inquiry(doc.id),
        doc.candidates("conversion"),
    )
}
