//! When all is healed, all members show the same: views, lists, the Merged list, authors and history.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use engine::interface::{Answer, ExportAnswer, Query, Request};
use model::{Author, RecordId};
use replica::Replica;
use store::Reading;

use crate::sim::count::CHECKS;
use crate::sim::world::World;

/// How many records are exported at once.
const WINDOW: usize = 10_000;

/// What a store derived of each record: the view and the row of lists, as bytes.
type Derived = BTreeMap<[u8; 16], (Vec<u8>, Vec<u8>)>;

/// What a device shows of each record to those who ask: the record in JSON and its history in JSON.
type Shown = BTreeMap<String, (String, String)>;

impl World {
    /// Checks that queues are empty and memory is within its bounds.
    pub(crate) fn check_bounds(&mut self) {
        for device in self.readers() {
            let status = self.devices[device].status().expect("a reader runs");
            self.after_input(device, "asking");
            let name = format!("device {device} when all is healed: {status:?}");
            assert_eq!(status.connection, "connected", "{name}");
            assert!(status.waiting.is_empty(), "something waits: {name}");
            assert!(
                status.quarantined.is_empty(),
                "something is set aside: {name}"
            );
            assert_eq!(status.only_here, 0, "something was not sent: {name}");
        }
        for site in &self.sites {
            if let Some(relay) = &site.relay {
                assert_eq!(relay.queued(), 0, "the relay has not written all");
                let now = site.now_ms();
                assert_eq!(relay.turns(now), 0, "the relay has not done all");
            }
        }
    }

    /// Checks that all members show the same.
    pub(crate) fn check_agreement(&mut self, nth: usize, is_last: bool) {
        let readers = self.readers();
        assert!(!readers.is_empty(), "nobody shows the workspace any more");
        let first = readers[0];
        let derived = self.derived(first);
        let merged = self.merged_list(first);
        for device in &readers[1..] {
            let other = self.derived(*device);
            if let Some(id) = first_difference(&derived, &other) {
                let (mine, theirs) = (self.told(first, id), self.told(*device, id));
                panic!("devices {first} and {device} differ at {id}:\n{mine}\n{theirs}");
            }
            let other = self.merged_list(*device);
            assert_eq!(
                merged.len(),
                other.len(),
                "the Merged lists of devices {first} and {device} have other lengths"
            );
            for (one, other) in merged.iter().zip(&other) {
                assert_eq!(
                    one, other,
                    "the Merged lists of devices {first} and {device}"
                );
            }
        }
        // Everything that can be asked takes long to compare, so only some are asked each time.
        let asked: Vec<usize> = match is_last {
            true => readers.clone(),
            false => vec![first, readers[1 + nth % (readers.len() - 1).max(1)]],
        };
        let shown = self.shown(asked[0]);
        for device in &asked[1..] {
            let other = self.shown(*device);
            for (record, mine) in &shown {
                let theirs = other.get(record);
                assert_eq!(
                    Some(mine),
                    theirs,
                    "devices {} and {device} show another record {record}",
                    asked[0]
                );
            }
            assert_eq!(shown.len(), other.len(), "devices show other records");
        }
        let rebuilt = readers[nth % readers.len()];
        self.check_rebuilt(rebuilt);
        self.check_all_documents(rebuilt);
        self.counts.add(
            CHECKS,
            "records compared between all devices",
            (derived.len() * readers.len()) as u64,
        );
        self.counts.add(
            CHECKS,
            "records compared with all that can be asked about them",
            (shown.len() * asked.len()) as u64,
        );
    }

    fn derived(&self, device: usize) -> Derived {
        let core = self.devices[device].core.as_ref().expect("a reader runs");
        let read = core.store().read().expect("the disk is sound");
        let mut derived = Derived::new();
        let seen = read.for_each_view(|id, bytes| {
            derived.insert(id, (bytes.to_vec(), Vec::new()));
            ControlFlow::<()>::Continue(())
        });
        seen.expect("the disk is sound");
        let seen = read.for_each_row(|id, bytes| {
            derived.entry(id).or_default().1 = bytes.to_vec();
            ControlFlow::<()>::Continue(())
        });
        seen.expect("the disk is sound");
        derived
    }

    /// Tells what a device has of a record: its changes, and what they come to.
    fn told(&self, device: usize, id: RecordId) -> String {
        let core = self.devices[device].core.as_ref().expect("a reader runs");
        let read = core.store().read().expect("the disk is sound");
        let replica = core.replica().expect("a reader has one");
        let document = replica.document(&read, id).expect("the disk is sound");
        let past: Vec<_> = document
            .past()
            .into_iter()
            .map(|one| (one.author, one.hash, one.operation, one.time_ms))
            .collect();
        let view = replica.record(&read, id).expect("the disk is sound");
        format!("device {device} has the changes {past:?} and shows {view:?}")
    }

    fn merged_list(&self, device: usize) -> Vec<model::merged::Entry> {
        let replica = self.devices[device].replica().expect("a reader has one");
        replica.merged(true)
    }

    /// Asks a device for all that it can show.
    pub(crate) fn shown(&mut self, device: usize) -> Shown {
        let request = Request::Export {
            offset: 0,
            limit: WINDOW,
        };
        let Ok(Answer::Exported(ExportAnswer { records, total })) =
            self.ask(device, request, "asking")
        else {
            panic!("device {device} exports nothing");
        };
        assert_eq!(records.len(), total, "an export is whole");
        let mut shown = Shown::new();
        for answer in records {
            let record = answer.record.id;
            let json = serde_json::to_string(&answer).expect("an answer is JSON");
            let history = self.ask(device, Request::Query(Query::History { record }), "asking");
            let Ok(Answer::History(history)) = history else {
                panic!("record {record} has no history: {history:?}");
            };
            let history = serde_json::to_string(&history).expect("an answer is JSON");
            shown.insert(format!("{record}"), (json, history));
        }
        shown
    }

    /// Checks that what a device shows is what it would show if nothing derived had ever been kept.
    fn check_rebuilt(&mut self, device: usize) {
        let core = self.devices[device].core.as_ref().expect("a reader runs");
        let (replica, roster) = (core.replica(), core.roster());
        let (Some(replica), Some(_)) = (replica, roster) else {
            return;
        };
        let read = core.store().read().expect("the disk is sound");
        let authors = authors_of(replica, &read);
        let rebuilt = Replica::open_from_nothing(&read, replica.identity().clone(), authors)
            .expect("the documents load");
        let list = rebuilt.merged(true);
        assert_eq!(
            replica.merged(true),
            list,
            "device {device}: the Merged list and the one rebuilt from documents"
        );
        for id in replica.views().ids() {
            let kept = replica.record(&read, id).expect("the disk is sound");
            let anew = rebuilt.record(&read, id).expect("the disk is sound");
            assert_eq!(
                kept, anew,
                "device {device}: record {id} and itself rebuilt"
            );
            let (kept, anew) = (replica.digests().get(id), rebuilt.digests().get(id));
            assert_eq!(
                kept, anew,
                "device {device}: the row of {id} and itself rebuilt"
            );
        }
        let count = replica.views().len() as u64;
        self.counts
            .add(CHECKS, "records rebuilt from their documents", count);
    }
}

/// Names the members of all authors that documents name.
fn authors_of(replica: &Replica, read: &store::Read) -> Vec<(Author, RecordId)> {
    let mut authors = BTreeMap::new();
    for id in replica.views().ids() {
        let document = replica.document(read, id).expect("the disk is sound");
        for past in document.past() {
            if let Some(member) = replica.views().member_of(past.author) {
                authors.insert(past.author, member);
            }
        }
    }
    authors.into_iter().collect()
}

fn first_difference(one: &Derived, other: &Derived) -> Option<RecordId> {
    let ids = one.keys().chain(other.keys());
    ids.copied()
        .find(|id| one.get(id) != other.get(id))
        .map(RecordId::from_bytes)
}
