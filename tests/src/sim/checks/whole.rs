//! After every event: no transaction is visible in part.
//!
//! The token that a transaction leaves in every document that it touches is the id of its intent, which stands in the
//! message of each of its changes. The simulation keeps a ledger of which documents a transaction touches, taken from
//! its author's store when it was made, and looks at each store that has synced something: of every transaction that
//! was not there before, all of these documents know it, or none.

use std::collections::BTreeSet;

use model::{IntentId, RecordId};
use store::Reading;

use crate::sim::count::CHECKS;
use crate::sim::world::World;

/// How many own transactions of a device are looked at after one event: an import makes many.
const MOST_AT_ONCE: usize = 4_096;

impl World {
    /// Looks at what an event changed in the store of a device.
    pub(crate) fn look_at(&mut self, device: usize) {
        let one = &self.devices[device];
        let syncs = one.disk.syncs();
        if one.seen_syncs == syncs
            || one
                .core
                .as_ref()
                .is_none_or(|core| core.store().is_broken())
        {
            return;
        }
        self.devices[device].seen_syncs = syncs;
        self.note_own(device);
        self.look_for_parts(device);
        self.note_sent(device);
    }

    /// Takes what a device made into the ledger.
    fn note_own(&mut self, device: usize) {
        let Some(core) = &self.devices[device].core else {
            return;
        };
        let Ok(read) = core.store().read() else {
            return;
        };
        let recent = read
            .recent_operations(MOST_AT_ONCE)
            .expect("the disk is sound");
        let new: Vec<IntentId> = recent
            .into_iter()
            .map(IntentId::from_bytes)
            .take_while(|id| !self.ledger.operations.contains_key(id))
            .collect();
        for id in new.into_iter().rev() {
            let rows = read.operation(id.as_bytes()).expect("the disk is sound");
            let records: BTreeSet<RecordId> = rows
                .into_iter()
                .map(|(record, _)| RecordId::from_bytes(record))
                .collect();
            let count = self.devices.len();
            self.ledger
                .add(count, id, device, records.clone(), self.is_in_scene);
            documents_know(core, &read, id, &records, device);
        }
    }

    /// Checks that what has arrived has arrived whole.
    fn look_for_parts(&mut self, device: usize) {
        let open = self.ledger.open_at(device);
        let Some(core) = &self.devices[device].core else {
            return;
        };
        let Ok(read) = core.store().read() else {
            return;
        };
        let mut arrived = Vec::new();
        for id in open {
            let rows = read.operation(id.as_bytes()).expect("the disk is sound");
            if rows.is_empty() {
                continue;
            }
            let here: BTreeSet<RecordId> = rows
                .into_iter()
                .map(|(record, _)| RecordId::from_bytes(record))
                .collect();
            let operation = &self.ledger.operations[&id];
            assert_eq!(
                here, operation.records,
                "device {device} shows a part of transaction {id} ({:?})",
                operation.intent
            );
            documents_know(core, &read, id, &here, device);
            arrived.push(id);
        }
        self.counts.add(
            CHECKS,
            "transactions that arrived whole",
            arrived.len() as u64,
        );
        for id in arrived {
            self.ledger.arrived(device, id);
        }
    }

    /// Notes when the relay has all that a device made.
    fn note_sent(&mut self, device: usize) {
        if !self.ledger.has_unsent(device) {
            return;
        }
        let now_ms = self.now_ms();
        let Some(status) = self.devices[device].status() else {
            return;
        };
        let is_sent = status.only_here == 0 && status.own_held == 0 && status.revoked.is_none();
        if is_sent && status.relay.is_some() {
            self.ledger.sent(device, now_ms);
        }
    }

    /// Checks every document of a device against the ledger, whatever the store's own tables say.
    pub(crate) fn check_all_documents(&mut self, device: usize) {
        let Some(core) = &self.devices[device].core else {
            return;
        };
        let (Some(replica), Ok(read)) = (core.replica(), core.store().read()) else {
            return;
        };
        let mut known: std::collections::BTreeMap<IntentId, BTreeSet<RecordId>> =
            std::collections::BTreeMap::new();
        for record in replica.views().ids() {
            let document = replica.document(&read, record).expect("the disk is sound");
            for operation in document.past().into_iter().filter_map(|one| one.operation) {
                known.entry(operation).or_default().insert(record);
            }
        }
        for (id, here) in &known {
            if let Some(operation) = self.ledger.operations.get(id) {
                assert_eq!(
                    *here, operation.records,
                    "device {device} holds a part of transaction {id} ({:?})",
                    operation.intent
                );
            }
        }
        self.counts.add(
            CHECKS,
            "transactions compared document by document",
            known.len() as u64,
        );
    }
}

/// Checks that each of these documents holds a change of a transaction.
fn documents_know(
    core: &engine::core::Core,
    read: &store::Read,
    id: IntentId,
    records: &BTreeSet<RecordId>,
    device: usize,
) {
    let Some(replica) = core.replica() else {
        return;
    };
    for record in records {
        let document = replica.document(read, *record).expect("the disk is sound");
        let knows = document.past().iter().any(|one| one.operation == Some(id));
        assert!(
            knows,
            "device {device} holds a part of transaction {id}: record {record} does not know it"
        );
    }
}
