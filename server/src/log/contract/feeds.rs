//! Feeds, rosters and workspaces in a log, and how they are read.

use protocol::{EnvelopeHash, FeedId, RosterHash, WorkspaceId, log_next, log_start};
use sync::{Appended, Effects, Judged};

use super::*;

pub(super) fn feeds_continue(log: &dyn ChangeLog) {
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

pub(super) fn entries_are_read_in_order_with_a_running_hash(log: &dyn ChangeLog) {
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

pub(super) fn rosters_grow_by_compare_and_swap(log: &dyn ChangeLog) {
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

pub(super) fn cuts_name_the_heads_of_the_log(log: &dyn ChangeLog) {
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

pub(super) fn runs_are_carried_each_for_itself(log: &dyn ChangeLog) {
    log.commit(vec![create(SPACE, 9), push(1, 1, 3, 10)])
        .expect("commits");
    let judged = |write| match write {
        Write::Append { run, cut, .. } => Judged {
            run,
            cut,
            is_own: false,
        },
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
    assert_eq!(held_ends(log), [cut(4, 3)]);
}

pub(super) fn what_a_client_lacks_is_found_and_read(log: &dyn ChangeLog) {
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

pub(super) fn workspaces_keep_apart_and_to_the_quota(log: &dyn ChangeLog) {
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
