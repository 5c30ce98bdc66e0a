//! What the simulation knows of every transaction: who made it, what it touches, where it is, whether it must be there.

use std::collections::{BTreeMap, BTreeSet};

use model::plan::Answer as Done;
use model::{Intent, IntentId, RecordId};

/// Whether a transaction has to be everywhere in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It was acknowledged, and some disk or the relay has held it ever since.
    Must,
    /// It may be missing: its only copies were rolled back, or are sealed on a device that may not write.
    May(&'static str),
}

/// One transaction.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    /// The device that made it.
    pub(crate) by: usize,
    /// What was asked for, if it was one intent.
    pub(crate) intent: Option<Intent>,
    /// What the engine answered; none while no answer has arrived.
    pub(crate) answer: Option<Done>,
    /// The documents that it touches.
    pub(crate) records: BTreeSet<RecordId>,
    /// Whether it belongs to a scene, so that random work keeps away from it.
    pub(crate) is_of_scene: bool,
    /// When its device heard that the relay has it, by the world's clock.
    pub(crate) sent_ms: Option<i64>,
    /// The devices that have all of it.
    pub(crate) at: BTreeSet<usize>,
    /// Whether it must be there in the end.
    pub(crate) fate: Fate,
}

/// All transactions.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// The transactions by their ids.
    pub(crate) operations: BTreeMap<IntentId, Operation>,
    /// Those that a device does not have, as far as is known.
    open: BTreeMap<usize, BTreeSet<IntentId>>,
    /// Own ones whose device has not heard that the relay has them.
    unsent: BTreeMap<usize, BTreeSet<IntentId>>,
}

impl Ledger {
    /// Adds a transaction that a device made and has.
    pub(crate) fn add(
        &mut self,
        devices: usize,
        id: IntentId,
        by: usize,
        records: BTreeSet<RecordId>,
        is_of_scene: bool,
    ) {
        let operation = Operation {
            by,
            intent: None,
            answer: None,
            records,
            is_of_scene,
            sent_ms: None,
            at: BTreeSet::from([by]),
            fate: Fate::Must,
        };
        self.operations.insert(id, operation);
        self.unsent.entry(by).or_default().insert(id);
        for device in (0..devices).filter(|device| *device != by) {
            self.open.entry(device).or_default().insert(id);
        }
    }

    /// Gives what a device does not have.
    pub(crate) fn open_at(&self, device: usize) -> Vec<IntentId> {
        let open = self.open.get(&device).into_iter().flatten();
        open.copied().collect()
    }

    /// Notes that a device has all of a transaction.
    pub(crate) fn arrived(&mut self, device: usize, id: IntentId) {
        if let Some(open) = self.open.get_mut(&device) {
            open.remove(&id);
        }
        if let Some(operation) = self.operations.get_mut(&id) {
            operation.at.insert(device);
        }
    }

    /// Tells whether a device has transactions of which it has not heard that the relay has them.
    pub(crate) fn has_unsent(&self, device: usize) -> bool {
        self.unsent.get(&device).is_some_and(|ids| !ids.is_empty())
    }

    /// Notes that the relay has all that a device made.
    pub(crate) fn sent(&mut self, device: usize, now_ms: i64) {
        for id in self.unsent.remove(&device).unwrap_or_default() {
            if let Some(operation) = self.operations.get_mut(&id) {
                operation.sent_ms.get_or_insert(now_ms);
            }
        }
    }

    /// Looks again at what a device has, after its disk was replaced by another; `has` says what is on the new one.
    pub(crate) fn disk_replaced(&mut self, device: usize, mut has: impl FnMut(IntentId) -> bool) {
        let open = self.open.entry(device).or_default();
        open.clear();
        for (id, operation) in &mut self.operations {
            if has(*id) {
                operation.at.insert(device);
            } else {
                operation.at.remove(&device);
                open.insert(*id);
            }
        }
    }

    /// Forgets that the relay has what came after a moment: its log was lost, or is an older one.
    pub(crate) fn relay_forgot(&mut self, after_ms: i64) {
        for operation in self.operations.values_mut() {
            if operation.sent_ms.is_some_and(|sent| sent > after_ms) {
                operation.sent_ms = None;
            }
        }
    }

    /// Lets go of all that no disk that is still used and no relay holds; gives how many these are.
    pub(crate) fn let_go_of_the_lost(&mut self, is_used: impl Fn(usize) -> bool) -> u64 {
        let mut lost = 0;
        for operation in self.operations.values_mut() {
            let is_kept = operation.sent_ms.is_some() || operation.at.iter().any(|at| is_used(*at));
            if operation.fate == Fate::Must && !is_kept {
                operation.fate = Fate::May("its only copy was rolled back");
                lost += 1;
            }
        }
        lost
    }

    /// Lets go of what a device had not sent when it lost the right to write; gives how many these are.
    pub(crate) fn let_go_of_unsent(&mut self, device: usize, why: &'static str) -> u64 {
        let mut count = 0;
        for operation in self.operations.values_mut() {
            let is_alone = operation.by == device && operation.sent_ms.is_none();
            if is_alone && operation.fate == Fate::Must {
                operation.fate = Fate::May(why);
                count += 1;
            }
        }
        count
    }
}
