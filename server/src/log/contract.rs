//! What every implementation of [`ChangeLog`] keeps to.

use protocol::{Blob, Cut, EnvelopeHash, FeedId, LogEpoch, RosterHash, WorkspaceId};
use protocol::{log_next, log_start};
use sync::{Appended, Run, Verified};

use super::{ChangeLog, MemoryLog, RedbLog, RosterPiece, Write, Written};

const SPACE: WorkspaceId = WorkspaceId::from_bytes([7; 32]);
const EPOCH: LogEpoch = LogEpoch::from_bytes([8; 16]);

fn entry(number: u8) -> RosterPiece {
    let entry = protocol::Entry {
        body: Blob::from(vec![number; 40]),
        signature: protocol::Signature::ZERO,
    };
    RosterPiece {
        hash: entry.hash(),
        bytes: Blob::from(entry.encode()),
    }
}

fn create(space: WorkspaceId, quota: u64) -> Write {
    Write::Create {
        workspace: space,
        epoch: EPOCH,
        roster: vec![entry(1), entry(2)],
        quota,
    }
}

fn hash(feed: u8, sequence: u64) -> EnvelopeHash {
    match sequence {
        0 => EnvelopeHash::ZERO,
        _ => EnvelopeHash::from_bytes([feed.wrapping_mul(50).wrapping_add(sequence as u8); 32]),
    }
}

fn cut(feed: u8, sequence: u64) -> Cut {
    Cut {
        feed: FeedId::from_bytes([feed; 32]),
        sequence,
        hash: hash(feed, sequence),
    }
}

fn push(feed: u8, from: u64, to: u64, received_ms: u64) -> Write {
    let envelopes = (from..=to)
        .map(|sequence| Verified {
            sequence,
            previous: hash(feed, sequence - 1),
            hash: hash(feed, sequence),
            bytes: Blob::from(vec![feed; 100]),
        })
        .collect();
    Write::Append {
        workspace: SPACE,
        received_ms,
        run: Run {
            feed: FeedId::from_bytes([feed; 32]),
            envelopes,
        },
    }
}

#[track_caller]
fn outcome(log: &dyn ChangeLog, write: Write) -> (Appended, usize) {
    match log.commit(vec![write]).expect("commits").remove(0) {
        Written::Appended {
            outcome, entries, ..
        } => (outcome, entries.len()),
        other => panic!("expected an append, got {other:?}"),
    }
}

fn feeds_continue(log: &dyn ChangeLog) {
    log.commit(vec![create(SPACE, 9)]).expect("commits");
    let stored = |feed, sequence| Appended::Stored(cut(feed, sequence));
    assert_eq!(outcome(log, push(1, 1, 3, 10)), (stored(1, 3), 3));
    assert_eq!(
        outcome(log, push(1, 1, 3, 11)),
        (stored(1, 3), 0),
        "sent again"
    );
    assert_eq!(
        outcome(log, push(1, 1, 2, 11)),
        (stored(1, 3), 0),
        "an older part again"
    );
    assert_eq!(
        outcome(log, push(1, 3, 5, 12)),
        (stored(1, 5), 2),
        "half of it new"
    );
    assert_eq!(outcome(log, push(2, 1, 1, 13)), (stored(2, 1), 1));
    let gap = Appended::Gap(Some(cut(1, 5)));
    assert_eq!(outcome(log, push(1, 7, 8, 14)), (gap, 0));
    assert_eq!(outcome(log, push(3, 2, 2, 14)), (Appended::Gap(None), 0));
    let mut forked = push(1, 2, 3, 15);
    if let Write::Append { run, .. } = &mut forked {
        run.envelopes[1].hash = hash(9, 9);
    }
    assert_eq!(outcome(log, forked), (Appended::Fork(Some(cut(1, 5))), 0));
    let heads = [1, 2, 3].map(|feed| {
        let feed = FeedId::from_bytes([feed; 32]);
        log.feed_head(&SPACE, &feed).expect("reads")
    });
    assert_eq!(heads, [Some(cut(1, 5)), Some(cut(2, 1)), None]);
}

fn entries_are_read_in_order_with_a_running_hash(log: &dyn ChangeLog) {
    // One batch: the second append continues what the first wrote, and the clock goes backwards.
    let batch = vec![
        create(SPACE, 9),
        push(1, 1, 2, 50),
        push(2, 1, 2, 40),
        push(1, 3, 3, 60),
    ];
    log.commit(batch).expect("commits");
    let all = log.read(&SPACE, 0, usize::MAX, usize::MAX).expect("reads");
    let places: Vec<_> = all
        .iter()
        .map(|entry| (entry.feed.as_bytes()[0], entry.sequence, entry.received_ms))
        .collect();
    let expected = [(1, 1, 50), (1, 2, 50), (2, 1, 50), (2, 2, 50), (1, 3, 60)];
    assert_eq!(places, expected);
    let mut running = log_start(&SPACE, &EPOCH);
    assert_eq!(log.running_hash(&SPACE, 0).expect("reads"), Some(running));
    for (at, entry) in (1..).zip(&all) {
        running = log_next(&running, at, entry.received_ms, &entry.hash);
        assert_eq!(log.running_hash(&SPACE, at).expect("reads"), Some(running));
    }
    assert_eq!(log.running_hash(&SPACE, 6).expect("reads"), None);
    let head = log
        .workspace(&SPACE)
        .expect("reads")
        .expect("is there")
        .head;
    assert_eq!((head.epoch, head.sequence, head.hash), (EPOCH, 5, running));

    let read = |after, bytes, entries| log.read(&SPACE, after, bytes, entries).expect("reads");
    assert_eq!(read(1, 250, 99), all[1..3], "as many as fit");
    assert_eq!(read(1, 1, 99), all[1..2], "one at least");
    assert_eq!(read(1, 9999, 3), all[1..4], "not more than asked for");
    assert_eq!(read(5, 9999, 99), []);
    assert_eq!(read(9, 9999, 99), []);
    assert_eq!(read(u64::MAX, 9999, 99), []);
}

fn rosters_grow_by_compare_and_swap(log: &dyn ChangeLog) {
    log.commit(vec![create(SPACE, 9)]).expect("commits");
    let grow = |expected: RosterHash, number| {
        let write = Write::Roster {
            workspace: SPACE,
            expected,
            entries: vec![entry(number)],
        };
        log.commit(vec![write]).expect("commits").remove(0)
    };
    assert_eq!(grow(entry(2).hash, 3), Written::RosterGrew);
    assert_eq!(grow(entry(2).hash, 4), Written::RosterMoved);
    assert_eq!(grow(entry(3).hash, 5), Written::RosterGrew);
    let stored = log.workspace(&SPACE).expect("reads").expect("is there");
    assert_eq!(stored.roster, [1, 2, 3, 5].map(entry));
}

fn workspaces_keep_apart_and_to_the_quota(log: &dyn ChangeLog) {
    let other = WorkspaceId::from_bytes([9; 32]);
    let third = WorkspaceId::from_bytes([10; 32]);
    let batch = vec![
        create(SPACE, 2),
        create(other, 2),
        create(third, 2),
        create(SPACE, 0),
    ];
    let written = log.commit(batch).expect("commits");
    assert!(matches!(written[0], Written::Created(_)));
    assert!(matches!(written[1], Written::Created(_)));
    assert_eq!(written[2], Written::OverQuota);
    assert!(matches!(written[3], Written::Created(_)), "there already");
    log.commit(vec![push(1, 1, 2, 1)]).expect("commits");
    let (feed, all) = (FeedId::from_bytes([1; 32]), usize::MAX);
    assert_eq!(log.feed_head(&other, &feed).expect("reads"), None);
    assert_eq!(log.read(&other, 0, all, all).expect("reads"), []);
    assert_eq!(log.workspace(&third).expect("reads"), None);
    assert_eq!(log.read(&third, 0, all, all).expect("reads"), []);
    let mut lost = push(1, 1, 1, 1);
    if let Write::Append { workspace, .. } = &mut lost {
        *workspace = third;
    }
    assert_eq!(
        log.commit(vec![lost]).expect("commits"),
        [Written::NoWorkspace]
    );
    assert_eq!(log.seed([1; 32]).expect("writes"), [1; 32]);
    assert_eq!(log.seed([2; 32]).expect("reads"), [1; 32]);
}

const CONTRACT: [fn(&dyn ChangeLog); 4] = [
    feeds_continue,
    entries_are_read_in_order_with_a_running_hash,
    rosters_grow_by_compare_and_swap,
    workspaces_keep_apart_and_to_the_quota,
];

#[test]
fn memory_keeps_the_contract() {
    for rule in CONTRACT {
        rule(&MemoryLog::new());
    }
}

#[test]
fn redb_keeps_the_contract_and_everything_over_a_restart() {
    for rule in CONTRACT {
        let folder = tempfile::tempdir().expect("makes a folder");
        let log = RedbLog::open(folder.path()).expect("opens");
        rule(&log);
        let everything = |log: &RedbLog| {
            (
                log.workspace(&SPACE).expect("reads"),
                log.read(&SPACE, 0, usize::MAX, usize::MAX).expect("reads"),
                log.seed([3; 32]).expect("reads"),
            )
        };
        let before = everything(&log);
        drop(log);
        let log = RedbLog::open(folder.path()).expect("opens again");
        assert_eq!(everything(&log), before);
    }
}

#[test]
fn a_file_that_cannot_be_used_is_named() {
    let folder = tempfile::tempdir().expect("makes a folder");
    let open = || RedbLog::open(folder.path());
    let first = open().expect("opens");
    let error = open().expect_err("is locked").to_string();
    assert!(error.contains("another relay"), "{error}");
    drop(first);

    let file = folder.path().join("relay.redb");
    std::fs::write(
        &file,
        b"this is not a database, but long enough to look like one",
    )
    .expect("writes");
    let error = open().expect_err("is damaged").to_string();
    assert!(
        error.contains("damaged") && error.contains("backup"),
        "{error}"
    );

    let inside_a_file = RedbLog::open(&file).expect_err("is no folder").to_string();
    assert!(inside_a_file.contains("--data"), "{inside_a_file}");
}

#[cfg(unix)]
#[test]
fn nobody_else_reads_the_file() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("makes a folder");
    let inner = folder.path().join("relay");
    drop(RedbLog::open(&inner).expect("opens"));
    let mode = |path| {
        std::fs::metadata(path)
            .expect("is there")
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!(mode(inner.clone()), 0o700);
    assert_eq!(mode(inner.join("relay.redb")), 0o600);
}
