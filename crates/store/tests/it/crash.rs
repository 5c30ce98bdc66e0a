//! What a crash leaves, and what an I/O error does.

use store::{Backend, FaultBackend, OpenError, Reading, Store, StoreError};

use crate::support::{Content, Numbers, content, random_transaction};

/// One thing that happens to a store.
#[derive(Clone, Copy, PartialEq)]
enum Step {
    Commit,
    Abandon,
    Reopen,
}

/// Steps that a seed determines.
struct Story {
    seed: u64,
    steps: Vec<Step>,
    /// The content after each number of commits.
    contents: Vec<Content>,
}

impl Story {
    fn new(seed: u64) -> Self {
        println!("seed {seed}");
        let mut numbers = Numbers(seed ^ 0xabcd);
        let steps: Vec<Step> = (0..10)
            .map(|_| match numbers.below(8) {
                0 => Step::Abandon,
                1 => Step::Reopen,
                _ => Step::Commit,
            })
            .collect();
        let store = Store::open(Backend::memory()).expect("the store opens");
        let mut contents = vec![content(&store)];
        for (step, number) in steps.iter().zip(1..) {
            if *step == Step::Commit {
                let write = store.write().expect("a write");
                random_transaction(&write, number, &mut Self::numbers(seed, number)).expect("ok");
                write.commit().expect("a commit");
                contents.push(content(&store));
            }
        }
        Self {
            seed,
            steps,
            contents,
        }
    }

    fn numbers(seed: u64, number: u64) -> Numbers {
        Numbers(seed.wrapping_mul(1000).wrapping_add(number))
    }

    /// Plays the steps on a disk until one fails; returns how many commits returned `Ok`, and the error.
    fn play(&self, disk: &FaultBackend) -> (usize, Option<Box<dyn std::error::Error>>) {
        let mut committed = 0;
        let error = self.try_play(disk, &mut committed).err();
        (committed, error)
    }

    fn try_play(
        &self,
        disk: &FaultBackend,
        committed: &mut usize,
    ) -> Result<(), Box<dyn std::error::Error>> {
        let mut store = Store::open(Backend::fault(disk))?;
        for (step, number) in self.steps.iter().zip(1..) {
            if *step == Step::Reopen {
                drop(store);
                store = Store::open(Backend::fault(disk))?;
                continue;
            }
            let write = store.write()?;
            random_transaction(&write, number, &mut Self::numbers(self.seed, number))?;
            if *step == Step::Commit {
                write.commit()?;
                *committed += 1;
            }
        }
        Ok(())
    }

    /// Opens what a crash left and checks that exactly the committed transactions are there.
    fn verify(&self, disk: &FaultBackend, committed: usize, what: &str) {
        let store = Store::open(Backend::fault(disk)).unwrap_or_else(|error| {
            panic!("seed {}, {what}: it does not open: {error}", self.seed)
        });
        let found = content(&store);
        let under_way = self.contents.get(committed + 1);
        assert!(
            found == self.contents[committed] || Some(&found) == under_way,
            "seed {}, {what}: {committed} commits, found transaction {}",
            self.seed,
            found.transaction,
        );
        let write = store.write().expect("a write");
        write.set_counter("after", 1).expect("written");
        write.commit().expect("a commit after the crash");
        drop(store);
        let store = Store::open(Backend::fault(disk)).expect("it opens again");
        assert_eq!(content(&store), found);
    }
}

#[test]
fn a_crash_leaves_exactly_what_was_committed() {
    for seed in 1..=3 {
        let story = Story::new(seed);
        let disk = FaultBackend::new();
        let (committed, error) = story.play(&disk);
        assert!(error.is_none(), "without a fault: {error:?}");
        assert_eq!(committed + 1, story.contents.len());
        let operations = disk.operations();
        println!("{operations} operations");
        for operation in 0..operations {
            let disk = FaultBackend::new();
            disk.die_at(operation);
            let (committed, _) = story.play(&disk);
            story.verify(
                &disk.restart(None),
                committed,
                &format!("stop at {operation}"),
            );
            for torn in 0..2 {
                let left = disk.restart(Some(seed * 1_000_000 + operation * 10 + torn));
                story.verify(
                    &left,
                    committed,
                    &format!("stop at {operation}, torn {torn}"),
                );
            }
        }
    }
}

#[test]
fn a_second_crash_while_opening_after_the_first_loses_nothing() {
    let story = Story::new(77);
    let disk = FaultBackend::new();
    story.play(&disk);
    for operation in (0..disk.operations()).step_by(6) {
        let disk = FaultBackend::new();
        disk.die_at(operation);
        let (committed, _) = story.play(&disk);
        for second in 0..12 {
            let seed = operation * 100 + second;
            let disk = disk.restart(Some(seed));
            disk.die_at(second);
            drop(Store::open(Backend::fault(&disk)));
            let what = format!("stop at {operation}, then at {second}");
            story.verify(&disk.restart(Some(seed + 50)), committed, &what);
        }
    }
}

#[test]
fn an_io_error_breaks_the_store_until_it_is_opened_again() {
    let probe = FaultBackend::new();
    let store = Store::open(Backend::fault(&probe)).expect("the store opens");
    let before = probe.operations();
    write_one(&store).expect("without a fault");
    let operations = probe.operations() - before;
    assert!(operations > 2);
    for operation in 0..operations {
        let disk = FaultBackend::new();
        let mut store = Store::open(Backend::fault(&disk)).expect("the store opens");
        let empty = content(&store);
        let snapshot = store.read().expect("a read");
        disk.fail_at(disk.operations() + operation);
        let error = write_one(&store).expect_err("the fault shows");
        assert!(
            matches!(error, StoreError::Io { .. }),
            "at {operation}: {error}"
        );
        assert!(store.is_broken());
        assert!(matches!(store.read(), Err(StoreError::Broken)));
        assert!(matches!(store.write(), Err(StoreError::Broken)));
        assert!(matches!(snapshot.view_count(), Err(StoreError::Broken)));
        drop(snapshot);
        store.reopen().expect("it opens again");
        assert!(!store.is_broken());
        let found = content(&store);
        assert!(found == empty || found.transaction == 1, "at {operation}");
        write_one(&store).expect("it works again");
        assert_eq!(content(&store).transaction, 1);
    }
}

fn write_one(store: &Store) -> Result<(), StoreError> {
    let write = store.write()?;
    write.set_view(&[1; 16], &[7; 10_000])?;
    write.set_counter("transaction", 1)?;
    write.commit()
}

#[test]
fn a_write_in_progress_notices_that_the_store_broke() {
    let disk = FaultBackend::new();
    let store = Store::open(Backend::fault(&disk)).expect("the store opens");
    let write = store.write().expect("a write");
    write.set_view(&[1; 16], b"a").expect("written");
    disk.die();
    assert!(write.commit().is_err());
    assert!(matches!(store.read(), Err(StoreError::Broken)));
}

#[test]
fn an_error_while_opening_is_an_error_and_can_be_tried_again() {
    let disk = FaultBackend::new();
    drop(Store::open(Backend::fault(&disk)).expect("the store opens"));
    let mut store = Store::open(Backend::fault(&disk)).expect("the store opens");
    write_one(&store).expect("written");
    disk.fail_at(disk.operations());
    assert!(write_one(&store).is_err());
    disk.fail_at(disk.operations());
    let first = store.reopen();
    if let Err(error) = first {
        assert!(matches!(error, OpenError::Io { .. }), "{error}");
        assert!(matches!(store.read(), Err(StoreError::Broken)));
        store.reopen().expect("it opens at the second try");
    }
    assert_eq!(content(&store).transaction, 1);
}

#[test]
fn a_commit_costs_two_syncs() {
    let disk = FaultBackend::new();
    let store = Store::open(Backend::fault(&disk)).expect("the store opens");
    write_one(&store).expect("written");
    let before = disk.syncs();
    write_one(&store).expect("written");
    assert_eq!(disk.syncs() - before, 2);
}
