//! What every implementation of [`ChangeLog`] keeps to.

mod feeds;
mod held;

use protocol::{Blob, Cut, EnvelopeHash, FeedId, LogEpoch, RosterHash, WorkspaceId};
use sync::{Appended, Effects, Run, Verified};

use super::{ChangeLog, FeedRange, MemoryLog, RedbLog, RosterPiece, Write, Written};

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

fn to_feed(feed: u8) -> FeedId {
    FeedId::from_bytes([feed; 32])
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
        cut: None,
    }
}

/// The same push of a feed that the roster cuts.
fn cut_push(feed: u8, from: u64, to: u64, at: u64) -> Write {
    let mut write = push(feed, from, to, 99);
    if let Write::Append { cut: place, .. } = &mut write {
        *place = Some(cut(feed, at));
    }
    write
}

fn grow_by(expected: RosterHash, number: u8, effects: Effects) -> Write {
    Write::Roster {
        workspace: SPACE,
        received_ms: 100,
        expected,
        keep: None,
        entries: vec![entry(number)],
        effects,
    }
}

fn range(feed: u8, from: u64, to: u64) -> FeedRange {
    FeedRange {
        feed: FeedId::from_bytes([feed; 32]),
        from,
        to,
        max_bytes: 250,
        max_envelopes: 99,
    }
}

#[track_caller]
fn outcome(log: &dyn ChangeLog, write: Write) -> (Appended, usize) {
    match log.commit(vec![write]).expect("commits").remove(0) {
        Written::Appended { outcome, grown } => (outcome, grown.entries.len()),
        other => panic!("expected an append, got {other:?}"),
    }
}

fn held_ends(log: &dyn ChangeLog) -> Vec<Cut> {
    let stored = log.workspace(&SPACE).expect("reads").expect("is there");
    stored.held
}

const CONTRACT: [fn(&dyn ChangeLog); 11] = [
    held::no_log_goes_on_behind_what_is_held,
    held::the_true_past_takes_the_place_of_another,
    held::feeds_that_come_into_the_log_at_once_stay_apart,
    held::what_lies_behind_a_cut_is_held_until_it_moves,
    feeds::cuts_name_the_heads_of_the_log,
    feeds::runs_are_carried_each_for_itself,
    feeds::what_a_client_lacks_is_found_and_read,
    feeds::feeds_continue,
    feeds::entries_are_read_in_order_with_a_running_hash,
    feeds::rosters_grow_by_compare_and_swap,
    feeds::workspaces_keep_apart_and_to_the_quota,
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
                log.feed_end(&SPACE, &cut(1, 1).feed).expect("reads"),
                log.compare(&SPACE, &[]).expect("reads"),
                log.read_feed(&SPACE, range(5, 2, 9)).expect("reads"),
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
