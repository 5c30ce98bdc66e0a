//! What every implementation of [`ChangeLog`] keeps to.

use protocol::{Blob, Cut, EnvelopeHash, FeedId, LogEpoch, RosterHash, WorkspaceId};
use protocol::{log_next, log_start};
use sync::{Appended, Effects, Judged, Release, Run, Verified};

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

#[track_caller]
fn outcome(log: &dyn ChangeLog, write: Write) -> (Appended, usize) {
    match log.commit(vec![write]).expect("commits").remove(0) {
        Written::Appended { outcome, grown } => (outcome, grown.entries.len()),
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
        let write = grow_by(expected, number, Effects::default());
        log.commit(vec![write]).expect("commits").remove(0)
    };
    let is_grown = |written| matches!(written, Written::RosterGrew { .. });
    assert!(is_grown(grow(entry(2).hash, 3)));
    assert_eq!(grow(entry(2).hash, 4), Written::RosterMoved);
    assert!(is_grown(grow(entry(3).hash, 5)));
    let stored = log.workspace(&SPACE).expect("reads").expect("is there");
    assert_eq!(stored.roster, [1, 2, 3, 5].map(entry));
    // A branch that counts takes the place of what follows the shared entries, whichever is longer.
    for (expected, keep, number, roster) in [
        (5, 2, 6, vec![1, 2, 6]),
        (6, 3, 7, vec![1, 2, 6, 7]),
        (7, 1, 8, vec![1, 8]),
    ] {
        let mut write = grow_by(entry(expected).hash, number, Effects::default());
        if let Write::Roster { keep: kept, .. } = &mut write {
            *kept = Some(keep);
        }
        assert!(is_grown(
            log.commit(vec![write]).expect("commits").remove(0)
        ));
        let stored = log.workspace(&SPACE).expect("reads").expect("is there");
        let roster: Vec<RosterPiece> = roster.into_iter().map(entry).collect();
        assert_eq!(stored.roster, roster);
    }
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

fn held(log: &dyn ChangeLog) -> Vec<Cut> {
    let stored = log.workspace(&SPACE).expect("reads").expect("is there");
    stored.held
}

fn what_lies_behind_a_cut_is_held_until_it_moves(log: &dyn ChangeLog) {
    log.commit(vec![create(SPACE, 9), push(1, 1, 3, 10)])
        .expect("commits");
    let apart = |sequence| Appended::Held(cut(1, sequence));
    assert_eq!(outcome(log, cut_push(1, 4, 5, 3)), (apart(5), 0));
    assert_eq!(outcome(log, cut_push(1, 4, 5, 3)), (apart(5), 0), "again");
    assert_eq!(outcome(log, cut_push(1, 2, 7, 3)), (apart(7), 0));
    let gap = Appended::Gap(Some(cut(1, 7)));
    assert_eq!(outcome(log, cut_push(1, 9, 9, 3)), (gap, 0));
    let mut forked = cut_push(1, 6, 6, 3);
    if let Write::Append { run, .. } = &mut forked {
        run.envelopes[0].hash = hash(9, 9);
    }
    assert_eq!(outcome(log, forked), (Appended::Fork(Some(cut(1, 7))), 0));
    // A feed may be cut in the middle of what it pushes, also before it has written anything.
    assert_eq!(
        outcome(log, cut_push(2, 1, 4, 2)),
        (Appended::Held(cut(2, 4)), 2)
    );
    assert_eq!(
        outcome(log, cut_push(3, 1, 1, 0)),
        (Appended::Held(cut(3, 1)), 0)
    );
    assert_eq!(held(log), [cut(1, 7), cut(2, 4), cut(3, 1)]);
    let feed = FeedId::from_bytes([1; 32]);
    assert_eq!(
        log.feed_head(&SPACE, &feed).expect("reads"),
        Some(cut(1, 3))
    );
    assert_eq!(log.feed_end(&SPACE, &feed).expect("reads"), Some(cut(1, 7)));

    let release = |to| Effects {
        releases: vec![Release {
            feed,
            to,
            is_move: true,
        }],
        is_exact: true,
        ..Effects::default()
    };
    let written = |write| log.commit(vec![write]).expect("commits").remove(0);
    // Neither held nor in the log: nothing changes.
    let mut other = cut(1, 6);
    other.hash = hash(9, 9);
    for to in [other, cut(1, 8)] {
        let heads = vec![cut(1, 7)];
        let wrong = written(grow_by(entry(2).hash, 3, release(Some(to))));
        assert_eq!(wrong, Written::CutsDiffer { heads });
    }
    let Written::RosterGrew { grown } =
        written(grow_by(entry(2).hash, 3, release(Some(cut(1, 5)))))
    else {
        panic!("the roster grows");
    };
    let places: Vec<u64> = grown.entries.iter().map(|entry| entry.sequence).collect();
    assert_eq!((places, grown.head.sequence), (vec![4, 5], 7));
    assert_eq!(grown.held, [(feed, Some(cut(1, 7)))]);
    assert_eq!(
        log.feed_head(&SPACE, &feed).expect("reads"),
        Some(cut(1, 5))
    );
    // A cut at what is in the log already releases nothing; no cut releases all.
    let written_again = written(grow_by(entry(3).hash, 4, release(Some(cut(1, 5)))));
    assert!(matches!(written_again, Written::RosterGrew { grown } if grown.entries.is_empty()));
    let all = written(grow_by(entry(4).hash, 5, release(None)));
    assert!(matches!(all, Written::RosterGrew { grown } if grown.held == [(feed, None)]));
    assert_eq!(held(log), [cut(2, 4), cut(3, 1)]);
    let stored = Appended::Stored(cut(1, 8));
    assert_eq!(
        outcome(log, push(1, 8, 8, 200)),
        (stored, 1),
        "and it goes on"
    );
    let log_now = log.read(&SPACE, 0, usize::MAX, usize::MAX).expect("reads");
    let mut running = log_start(&SPACE, &EPOCH);
    for (at, entry) in (1..).zip(&log_now) {
        running = log_next(&running, at, entry.received_ms, &entry.hash);
    }
    let head = log.running_hash(&SPACE, log_now.len() as u64);
    assert_eq!(head.expect("reads"), Some(running));
}

fn cuts_name_the_heads_of_the_log(log: &dyn ChangeLog) {
    log.commit(vec![create(SPACE, 9), push(1, 1, 3, 10), push(2, 1, 1, 10)])
        .expect("commits");
    let nothing = Cut {
        hash: EnvelopeHash::ZERO,
        ..cut(3, 0)
    };
    let mut number = 2;
    let mut check = |cuts: Vec<Cut>, is_exact, expected: Option<Vec<Cut>>| {
        let effects = Effects {
            cuts,
            is_exact,
            ..Effects::default()
        };
        // The push before it in the same batch counts.
        let batch = vec![grow_by(entry(number).hash, number + 1, effects)];
        let written = log.commit(batch).expect("commits").remove(0);
        match expected {
            Some(heads) => assert_eq!(written, Written::CutsDiffer { heads }),
            None => {
                assert!(matches!(written, Written::RosterGrew { .. }), "{written:?}");
                number += 1;
            }
        }
    };
    let heads = || Some(vec![cut(1, 3)]);
    check(vec![cut(1, 2)], true, heads());
    check(vec![cut(1, 4)], true, heads());
    check(vec![nothing, cut(1, 2)], true, heads());
    check(
        vec![Cut {
            feed: cut(1, 3).feed,
            ..nothing
        }],
        true,
        heads(),
    );
    check(vec![cut(1, 3), cut(2, 1), nothing], true, None);
    // Brought back, a cut may be where the log has yet to come, or is already beyond.
    check(vec![cut(1, 2)], false, None);
    check(vec![cut(1, 9), cut(2, 1), nothing], false, None);
    let batch = vec![
        push(2, 2, 2, 11),
        grow_by(
            entry(number).hash,
            number + 1,
            Effects {
                cuts: vec![cut(2, 1)],
                is_exact: true,
                ..Effects::default()
            },
        ),
    ];
    let written = log.commit(batch).expect("commits");
    let heads = vec![cut(2, 2)];
    assert_eq!(
        written[1],
        Written::CutsDiffer { heads },
        "one batch, in order"
    );
}

fn runs_are_carried_each_for_itself(log: &dyn ChangeLog) {
    log.commit(vec![create(SPACE, 9), push(1, 1, 3, 10)])
        .expect("commits");
    let judged = |write| match write {
        Write::Append { run, cut, .. } => Judged { run, cut },
        other => panic!("{other:?}"),
    };
    let mut forked = push(1, 3, 3, 1);
    if let Write::Append { run, .. } = &mut forked {
        run.envelopes[0].hash = hash(9, 9);
    }
    let runs = [
        push(1, 2, 4, 1),
        push(2, 1, 2, 1),
        push(3, 2, 2, 1),
        forked,
        cut_push(4, 1, 3, 1),
        push(2, 3, 3, 1),
    ];
    let write = Write::Carry {
        workspace: SPACE,
        received_ms: 20,
        runs: runs.into_iter().map(judged).collect(),
        feeds: [1, 2, 3, 4]
            .map(|feed| FeedId::from_bytes([feed; 32]))
            .to_vec(),
    };
    let Written::Carried {
        heads,
        grown,
        damaged,
    } = log.commit(vec![write]).expect("commits").remove(0)
    else {
        panic!("is carried");
    };
    assert_eq!(heads, [cut(1, 4), cut(2, 3), cut(4, 1)]);
    let places = grown.entries.iter();
    let places: Vec<_> = places
        .map(|entry| (entry.feed.as_bytes()[0], entry.sequence))
        .collect();
    assert_eq!(places, [(1, 4), (2, 1), (2, 2), (4, 1), (2, 3)]);
    assert_eq!((grown.head.sequence, damaged), (8, None));
    assert_eq!(held(log), [cut(4, 3)]);
}

fn what_a_client_lacks_is_found_and_read(log: &dyn ChangeLog) {
    let batch = vec![
        create(SPACE, 9),
        push(1, 1, 2, 1),
        push(2, 1, 3, 1),
        push(1, 3, 4, 1),
        cut_push(5, 1, 3, 1),
    ];
    log.commit(batch).expect("commits");
    let after = |known: &[Cut]| {
        let found = log
            .compare(&SPACE, known)
            .expect("reads")
            .expect("is there");
        assert_eq!(found.head.sequence, 8);
        assert_eq!(found.heads, [cut(1, 4), cut(2, 3), cut(5, 1)]);
        found.after
    };
    assert_eq!(after(&[]), 0);
    assert_eq!(after(&[cut(1, 2), cut(2, 3), cut(5, 1)]), 5);
    assert_eq!(after(&[cut(1, 4), cut(2, 1), cut(5, 1)]), 3);
    assert_eq!(after(&[cut(1, 9), cut(2, 3), cut(5, 2), cut(7, 7)]), 8);
    let none = WorkspaceId::from_bytes([70; 32]);
    assert_eq!(log.compare(&none, &[]).expect("reads"), None);

    let read = |range| {
        let piece = log.read_feed(&SPACE, range).expect("reads");
        (piece.envelopes.len(), piece.is_held)
    };
    assert_eq!(read(range(1, 2, 3)), (2, false));
    assert_eq!(read(range(1, 1, 9)), (2, false), "as many as fit");
    assert_eq!(read(range(5, 1, 9)), (1, false), "the log first");
    assert_eq!(read(range(5, 2, 9)), (2, true));
    assert_eq!(read(range(5, 4, 9)), (0, false));
    assert_eq!(read(range(1, 5, 9)), (0, false));
    assert_eq!(read(range(9, 1, 9)), (0, false));
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

fn no_log_goes_on_behind_what_is_held(log: &dyn ChangeLog) {
    let batch = vec![create(SPACE, 9), push(1, 1, 2, 10), cut_push(1, 3, 4, 2)];
    log.commit(batch).expect("commits");
    // A later cut, of which the log was not told in time.
    let gap = Appended::Gap(Some(cut(1, 2)));
    assert_eq!(outcome(log, cut_push(1, 5, 6, 6)), (gap.clone(), 0));
    assert_eq!(outcome(log, push(1, 5, 6, 11)), (gap, 0));
    // Brought back with the rest of the roster, it need not be here, and lets in what is before it.
    let brought = |to| Effects {
        releases: vec![Release {
            feed: to_feed(1),
            to: Some(to),
            is_move: false,
        }],
        is_exact: true,
        ..Effects::default()
    };
    let written = |number, effects| {
        let write = grow_by(entry(number).hash, number + 1, effects);
        log.commit(vec![write]).expect("commits").remove(0)
    };
    // Another envelope is held at the place that the cut names: nothing counts.
    let mut other = cut(1, 4);
    other.hash = hash(9, 9);
    let stays = written(2, brought(other));
    assert!(matches!(stays, Written::RosterGrew { grown } if grown.entries.is_empty()));
    assert_eq!(held(log), [cut(1, 4)]);
    let Written::RosterGrew { grown } = written(3, brought(cut(1, 6))) else {
        panic!("the roster grows");
    };
    assert_eq!(
        (grown.entries.len(), grown.held),
        (2, vec![(to_feed(1), None)])
    );
    assert_eq!(
        outcome(log, cut_push(1, 5, 7, 6)),
        (Appended::Held(cut(1, 7)), 2)
    );
    assert_eq!(
        log.feed_head(&SPACE, &to_feed(1)).expect("reads"),
        Some(cut(1, 6))
    );
}

fn to_feed(feed: u8) -> FeedId {
    FeedId::from_bytes([feed; 32])
}

#[test]
fn what_is_let_into_the_log_at_once_may_be_more_than_fits_memory() {
    const COUNT: u64 = 80;
    const BYTES: usize = 40_000;
    let folder = tempfile::tempdir().expect("makes a folder");
    let log = RedbLog::open(folder.path()).expect("opens");
    log.commit(vec![create(SPACE, 9)]).expect("commits");
    let mut write = cut_push(1, 1, COUNT, 0);
    if let Write::Append { run, .. } = &mut write {
        for envelope in &mut run.envelopes {
            envelope.bytes = Blob::from(vec![1; BYTES]);
        }
    }
    log.commit(vec![write]).expect("commits");
    let effects = Effects {
        releases: vec![Release {
            feed: to_feed(1),
            to: None,
            is_move: false,
        }],
        is_exact: true,
        ..Effects::default()
    };
    let written = log.commit(vec![grow_by(entry(2).hash, 3, effects)]);
    let Written::RosterGrew { grown } = written.expect("commits").remove(0) else {
        panic!("the roster grows");
    };
    assert_eq!(grown.head.sequence, COUNT);
    let places: Vec<u64> = grown.entries.iter().map(|entry| entry.sequence).collect();
    let first = places[0];
    assert!(first > 1 && places.len() * BYTES > 1_000_000, "{places:?}");
    assert_eq!(places, (first..=COUNT).collect::<Vec<u64>>());
    assert_eq!(
        grown.entries.last().map(|last| last.hash),
        Some(hash(1, COUNT))
    );
    let all = log.read(&SPACE, 0, usize::MAX, usize::MAX).expect("reads");
    assert_eq!(all.len() as u64, COUNT);
    assert!(held(&log).is_empty());
}

const CONTRACT: [fn(&dyn ChangeLog); 9] = [
    no_log_goes_on_behind_what_is_held,
    what_lies_behind_a_cut_is_held_until_it_moves,
    cuts_name_the_heads_of_the_log,
    runs_are_carried_each_for_itself,
    what_a_client_lacks_is_found_and_read,
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
fn no_more_of_a_feed_is_held_than_may_be() {
    let folder = tempfile::tempdir().expect("makes a folder");
    let redb = RedbLog::open(folder.path()).expect("opens");
    let logs: [Box<dyn ChangeLog>; 2] = [
        Box::new(MemoryLog::new().with_held_limit(250)),
        Box::new(redb.with_held_limit(250)),
    ];
    for log in logs {
        let log = &*log;
        log.commit(vec![create(SPACE, 9), push(1, 1, 1, 1)])
            .expect("commits");
        assert_eq!(
            outcome(log, cut_push(1, 2, 2, 1)).0,
            Appended::Held(cut(1, 2))
        );
        let full = Appended::HeldFull(Some(cut(1, 2)));
        assert_eq!(
            outcome(log, cut_push(1, 3, 4, 1)),
            (full, 0),
            "nothing of it"
        );
        assert_eq!(
            outcome(log, cut_push(1, 3, 3, 1)).0,
            Appended::Held(cut(1, 3))
        );
        // What is there already takes no room, and other feeds have their own.
        assert_eq!(
            outcome(log, cut_push(1, 2, 3, 1)).0,
            Appended::Held(cut(1, 3))
        );
        assert_eq!(
            outcome(log, cut_push(2, 1, 2, 0)).0,
            Appended::Held(cut(2, 2))
        );
        // What was let into the log makes room.
        let effects = Effects {
            releases: vec![Release {
                feed: cut(1, 2).feed,
                to: Some(cut(1, 2)),
                is_move: true,
            }],
            is_exact: true,
            ..Effects::default()
        };
        log.commit(vec![grow_by(entry(2).hash, 3, effects)])
            .expect("commits");
        assert_eq!(
            outcome(log, cut_push(1, 4, 4, 2)).0,
            Appended::Held(cut(1, 4))
        );
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
