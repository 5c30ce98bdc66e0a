//! Nothing that was acknowledged is missing.

use crate::sim::count::CHECKS;
use crate::sim::ledger::Fate;
use crate::sim::world::World;
use store::Reading;

impl World {
    /// Checks that each transaction that must be there is on every device that shows the workspace.
    pub(crate) fn check_kept(&mut self) {
        let readers = self.readers();
        let (mut kept, mut missing) = (0, 0);
        for (id, operation) in &self.ledger.operations {
            let lacks: Vec<usize> = readers
                .iter()
                .copied()
                .filter(|device| !operation.at.contains(device))
                .collect();
            match operation.fate {
                _ if lacks.is_empty() => kept += 1,
                Fate::Must => panic!(
                    "transaction {id} of device {} is missing on {lacks:?} of {readers:?}: {:?}; it is on {:?}, sent {:?}",
                    operation.by, operation.intent, operation.at, operation.sent_ms
                ),
                Fate::May(why) => {
                    // What is anywhere is everywhere.
                    let some = readers.iter().any(|device| operation.at.contains(device));
                    assert!(
                        !some,
                        "transaction {id}, of which {why}, is on some devices only, not on {lacks:?}"
                    );
                    missing += 1;
                }
            }
        }
        self.counts.add(CHECKS, "acknowledged and kept", kept);
        self.counts.add(
            CHECKS,
            "acknowledged and lost with a disk or a right",
            missing,
        );
        self.check_files(&readers);
    }

    /// Checks that files are on every device where records name them.
    fn check_files(&mut self, readers: &[usize]) {
        let mut count = 0;
        for device in readers {
            let core = self.devices[*device].core.as_ref().expect("a reader runs");
            let replica = core.replica().expect("a reader has one");
            let read = core.store().read().expect("the disk is sound");
            let mut named = std::collections::BTreeSet::new();
            for (_, id) in replica.views().all() {
                let Some(view) = replica.record(&read, id).expect("the disk is sound") else {
                    continue;
                };
                let files = view
                    .list("file")
                    .filter_map(|(key, _)| key.strip_prefix("file/"));
                named.extend(files.filter_map(|hash| hash.parse::<model::FileHash>().ok()));
            }
            for hash in named {
                let there = read.file_exists(hash.as_bytes());
                assert!(
                    there.expect("the disk is sound"),
                    "device {device} names file {hash} and does not have it"
                );
                count += 1;
            }
        }
        self.counts
            .add(CHECKS, "files that are where they are named", count);
    }
}
