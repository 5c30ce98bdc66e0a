//! What happened before, as the rules of undo and of the Merged list ask for it.

use std::collections::BTreeSet;

use model::intent::Undo;
use model::plan::{Answer, Deed, Past};
use model::{EntryId, IntentId, Kind, RecordId};
use store::{Reading, Write};

use crate::digest::Digest;
use crate::replica::Replica;

/// How many of this device's operations are looked at for the last one that can be undone.
const UNDO_DEPTH: usize = 1_000;

/// Answers the rules what happened before.
pub(crate) struct Before<'a> {
    pub(crate) replica: &'a Replica,
    pub(crate) source: &'a Write,
}

impl Before<'_> {
    /// Tells whether an operation did something, and nothing that is for good, as founding and inviting are.
    fn may_undo(&self, operation: IntentId) -> bool {
        let deeds = self.replica.deeds(self.source, operation);
        let kind = |id| self.replica.digests().get(id).map(Digest::kind);
        let makes_for_good = deeds
            .iter()
            .any(|deed| deed.created && kind(deed.record).is_some_and(Kind::is_for_good));
        !deeds.is_empty() && !makes_for_good
    }
}

impl Past for Before<'_> {
    fn deeds(&self, operation: IntentId) -> Vec<Deed> {
        self.replica.deeds(self.source, operation)
    }

    fn last_own(&self) -> Option<IntentId> {
        let mut undone: BTreeSet<IntentId> = BTreeSet::new();
        for bytes in self.source.recent_operations(UNDO_DEPTH).ok()? {
            let operation = IntentId::from_bytes(bytes);
            let answer: Option<Answer> = self
                .source
                .intent(&bytes)
                .ok()?
                .and_then(|bytes| serde_json::from_slice(&bytes).ok());
            let was_undo = answer
                .as_ref()
                .is_some_and(|answer| !answer.undone.is_empty());
            // What an undo took back is undone, unless that undo was undone itself.
            if was_undo && !undone.contains(&operation) {
                undone.extend(answer.into_iter().flat_map(|answer| answer.undone));
            } else if !was_undo && !undone.contains(&operation) && self.may_undo(operation) {
                return Some(operation);
            }
        }
        None
    }

    fn batch_of(&self, operation: IntentId) -> Option<IntentId> {
        let is_of = |batch: &[u8; 16]| {
            let operations = self.source.batch(batch).unwrap_or_default();
            operations.contains(operation.as_bytes())
        };
        // Most likely it is the newest.
        let batches = self.source.batches().unwrap_or_default();
        let found = batches.into_iter().rev().find(is_of);
        found.map(IntentId::from_bytes)
    }

    fn shown_at(&self, entry: EntryId) -> Option<RecordId> {
        let mut listed = self.replica.rows.entries();
        listed.find(|one| one.id == entry).map(|one| one.record)
    }

    fn batch(&self, batch: IntentId) -> Vec<IntentId> {
        let mut operations = self.source.batch(batch.as_bytes()).unwrap_or_default();
        operations.reverse();
        operations.into_iter().map(IntentId::from_bytes).collect()
    }
}

impl Replica {
    /// Says what undoing without a name undoes: this device's last operation, or the import or bulk edit that it belongs to.
    ///
    /// A batch is several transactions and is undone as several, so the caller must know; none where nothing is left.
    pub fn last_undoable(&self, source: &Write) -> Option<Undo> {
        let past = Before {
            replica: self,
            source,
        };
        let operation = past.last_own()?;
        Some(match past.batch_of(operation) {
            Some(batch) => Undo::Batch(batch),
            None => Undo::Operation(operation),
        })
    }

    /// Says what an operation did, record by record; empty when it is not known here.
    pub fn deeds(&self, source: &impl Reading, operation: IntentId) -> Vec<Deed> {
        let rows = source.operation(operation.as_bytes()).unwrap_or_default();
        rows.into_iter()
            .filter_map(|(id, _)| {
                self.document(source, RecordId::from_bytes(id))
                    .ok()?
                    .deed(operation)
            })
            .collect()
    }
}
