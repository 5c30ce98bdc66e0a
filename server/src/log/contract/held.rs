//! What is held behind cuts, and how it comes into the log.

use protocol::{Blob, Cut, FeedId, log_next, log_start};
use sync::{Appended, Effects, Judged, Release};

use super::*;

pub(super) fn what_lies_behind_a_cut_is_held_until_it_moves(log: &dyn ChangeLog) {
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
    assert_eq!(held_ends(log), [cut(1, 7), cut(2, 4), cut(3, 1)]);
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
    assert_eq!(held_ends(log), [cut(2, 4), cut(3, 1)]);
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

/// The entries that a growth of the roster let into the log of feed 1, and how much more or less is held of it.
#[track_caller]
fn bring(log: &dyn ChangeLog, number: u8, to: Cut) -> (Vec<u64>, Vec<(FeedId, Option<Cut>)>) {
    let effects = Effects {
        releases: vec![Release {
            feed: to.feed,
            to: Some(to),
            is_move: false,
        }],
        ..Effects::default()
    };
    let write = grow_by(entry(number).hash, number + 1, effects);
    match log.commit(vec![write]).expect("commits").remove(0) {
        Written::RosterGrew { grown } => {
            let places = grown.entries.iter().map(|entry| entry.sequence);
            (places.collect(), grown.held)
        }
        other => panic!("the roster grows: {other:?}"),
    }
}

pub(super) fn no_log_goes_on_behind_what_is_held(log: &dyn ChangeLog) {
    let batch = vec![create(SPACE, 9), push(1, 1, 2, 10), cut_push(1, 3, 4, 2)];
    log.commit(batch).expect("commits");
    // Without a cut, of which the log was not told in time.
    let gap = Appended::Gap(Some(cut(1, 2)));
    assert_eq!(outcome(log, push(1, 5, 6, 11)), (gap, 0));
    // Another envelope is held at the place that a cut names: nothing counts.
    let mut other = cut(1, 4);
    other.hash = hash(9, 9);
    assert_eq!(bring(log, 2, other), (vec![], vec![]));
    // Nor does anything short of the envelope that the cut names, which alone proves what leads to it.
    assert_eq!(bring(log, 3, cut(1, 6)), (vec![], vec![]));
    let apart = (Appended::Held(cut(1, 5)), 0);
    assert_eq!(outcome(log, cut_push(1, 5, 5, 6)), apart);
    assert_eq!(held_ends(log), [cut(1, 5)]);
    assert_eq!(
        outcome(log, cut_push(1, 6, 7, 6)),
        (Appended::Held(cut(1, 7)), 4)
    );
    let head = log.feed_head(&SPACE, &to_feed(1)).expect("reads");
    assert_eq!(head, Some(cut(1, 6)));
    assert_eq!(held_ends(log), [cut(1, 7)]);
}

/// The same push of another branch, which parts from the feed behind a sequence.
fn branch_push(feed: u8, from: u64, to: u64, at: u64, parts_behind: u64) -> Write {
    let mut write = cut_push(feed, from, to, at);
    if let Write::Append { run, .. } = &mut write {
        for one in &mut run.envelopes {
            let other = |sequence| hash(feed + 100, sequence);
            if one.sequence > parts_behind {
                one.hash = other(one.sequence);
            }
            if one.sequence > parts_behind + 1 {
                one.previous = other(one.sequence - 1);
            }
        }
    }
    write
}

/// Carries what somebody else wrote; returns how many entries came into the log.
#[track_caller]
fn carry(log: &dyn ChangeLog, write: Write) -> usize {
    let Write::Append { run, cut, .. } = write else {
        panic!("{write:?}");
    };
    let judged = Judged {
        run,
        cut,
        is_own: false,
    };
    let write = Write::Carry {
        workspace: SPACE,
        received_ms: 20,
        runs: vec![judged],
        feeds: Vec::new(),
    };
    match log.commit(vec![write]).expect("commits").remove(0) {
        Written::Carried {
            grown,
            damaged: None,
            ..
        } => grown.entries.len(),
        other => panic!("is carried: {other:?}"),
    }
}

pub(super) fn the_true_past_takes_the_place_of_another(log: &dyn ChangeLog) {
    let batch = vec![
        create(SPACE, 9),
        push(1, 1, 2, 10),
        branch_push(1, 3, 4, 2, 2),
    ];
    log.commit(batch).expect("commits");
    let other = |feed: u8, sequence| Cut {
        hash: hash(feed + 100, sequence),
        ..cut(feed, sequence)
    };
    assert_eq!(held_ends(log), [other(1, 4)]);
    assert_eq!(bring(log, 2, cut(1, 6)), (vec![], vec![]));
    // The device itself must prove what it says, at once; what others carry is taken piece by piece.
    let fork = (Appended::Fork(Some(other(1, 4))), 0);
    assert_eq!(outcome(log, cut_push(1, 3, 4, 6)), fork);
    assert_eq!(carry(log, cut_push(1, 3, 4, 6)), 0);
    assert_eq!(held_ends(log), [cut(1, 4)]);
    let fork = (Appended::Fork(Some(cut(1, 4))), 0);
    assert_eq!(outcome(log, branch_push(1, 3, 6, 6, 2)), fork, "not again");
    assert_eq!(outcome(log, branch_push(1, 3, 5, 6, 2)), fork, "nor short");
    assert_eq!(carry(log, branch_push(1, 3, 7, 6, 2)), 0);
    assert_eq!(held_ends(log), [cut(1, 4)]);
    assert_eq!(carry(log, cut_push(1, 5, 8, 6)), 4);
    assert_eq!(held_ends(log), [cut(1, 8)]);

    // What proves itself takes the place, whoever brings it and wherever the other branch ends.
    for (feed, other_end) in [(2, 3), (3, 4), (4, 9)] {
        log.commit(vec![branch_push(feed, 1, other_end, 0, 0)])
            .expect("commits");
        let stored = (Appended::Stored(cut(feed, 4)), 4);
        assert_eq!(outcome(log, cut_push(feed, 1, 4, 4)), stored);
    }
    // It joins what is held where both parted.
    log.commit(vec![branch_push(5, 1, 4, 0, 2)])
        .expect("commits");
    assert_eq!(carry(log, cut_push(5, 1, 2, 6)), 0);
    assert_eq!(carry(log, cut_push(5, 3, 5, 6)), 0);
    assert_eq!(carry(log, cut_push(5, 6, 6, 6)), 6);
    assert_eq!(held_ends(log), [cut(1, 8)]);
    // Behind the cut the branch that is held stays.
    log.commit(vec![push(6, 1, 1, 9), branch_push(6, 2, 3, 1, 1)])
        .expect("commits");
    assert_eq!(carry(log, cut_push(6, 2, 3, 1)), 0);
    assert_eq!(held_ends(log), [cut(1, 8), other(6, 3)]);
}

pub(super) fn feeds_that_come_into_the_log_at_once_stay_apart(log: &dyn ChangeLog) {
    let batch = vec![
        create(SPACE, 9),
        push(1, 1, 1, 1),
        cut_push(2, 1, 2, 0),
        cut_push(3, 1, 3, 0),
        cut_push(4, 1, 1, 0),
    ];
    log.commit(batch).expect("commits");
    let releases = [2, 3, 4].map(|feed| Release {
        feed: to_feed(feed),
        to: None,
        is_move: false,
    });
    let effects = Effects {
        releases: releases.to_vec(),
        ..Effects::default()
    };
    log.commit(vec![grow_by(entry(2).hash, 3, effects), push(5, 1, 1, 1)])
        .expect("commits");
    assert_eq!(held_ends(log), []);
    for (feed, end) in [(1, 1), (2, 2), (3, 3), (4, 1), (5, 1)] {
        let mut all = range(feed, 1, 9);
        all.max_bytes = usize::MAX;
        let piece = log.read_feed(&SPACE, all).expect("reads");
        let expected: Vec<Blob> = (0..end).map(|_| Blob::from(vec![feed; 100])).collect();
        assert_eq!((piece.envelopes, piece.is_held), (expected, false));
    }
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
    assert!(held_ends(&log).is_empty());
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
        // What others carry of a past that counts has room, what its device brings has not.
        let full = Appended::HeldFull(None);
        assert_eq!(outcome(log, cut_push(3, 1, 3, 4)), (full, 0));
        assert_eq!(carry(log, cut_push(3, 1, 3, 4)), 0);
        assert_eq!(carry(log, cut_push(3, 4, 4, 4)), 4);
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
