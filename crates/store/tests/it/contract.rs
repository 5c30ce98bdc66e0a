//! What every backend must do: the tables.

use std::ops::ControlFlow;

use store::{EnvelopeKey, Reading, StoreError, Write};

use crate::support::{Place, commit};

const A: [u8; 16] = [1; 16];
const B: [u8; 16] = [2; 16];
const FEED: [u8; 32] = [7; 32];
const OTHER: [u8; 32] = [8; 32];

/// Writes in every place, then compares what is read from the write itself, from a snapshot, and, where content
/// lasts, from the store opened again.
macro_rules! check {
    ($fill:expr, |$source:ident| $read:expr, $expected:expr) => {
        for place in Place::all() {
            let mut store = place.open();
            let write = store.write().expect("a write");
            let fill: fn(&Write) -> Result<(), StoreError> = $fill;
            fill(&write).expect("it can be written");
            let $source = &write;
            let read = || -> Result<_, StoreError> { $read };
            assert_eq!(read().expect("it can be read"), $expected, "from the write");
            write.commit().expect("a commit");
            if !matches!(place, Place::Memory) {
                drop(store);
                store = place.open();
            }
            let $source = &store.read().expect("a read");
            let read = || -> Result<_, StoreError> { $read };
            assert_eq!(
                read().expect("it can be read"),
                $expected,
                "from a snapshot"
            );
        }
    };
}

fn key(feed: [u8; 32], sequence: u64) -> EnvelopeKey {
    EnvelopeKey { feed, sequence }
}

#[test]
fn meta_is_set_and_cleared() {
    check!(
        |w| {
            w.set_meta("a", b"1")?;
            w.set_meta("b", b"2")?;
            w.set_meta("a", b"3")?;
            w.clear_meta("b")
        },
        |s| Ok((s.meta("a")?, s.meta("b")?)),
        (Some(b"3".to_vec()), None)
    );
}

#[test]
fn documents_keep_their_chunks_in_order() {
    check!(
        |w| {
            for n in 0..300_u16 {
                w.append_chunk(&A, &n.to_be_bytes())?;
            }
            w.append_chunk(&[0xff; 16], b"last")?;
            w.append_chunk(&B, b"old")?;
            w.replace_chunks(&B, &[b"new".to_vec(), b"".to_vec()])?;
            w.append_chunk(&B, b"more")?;
            w.append_chunk(&[3; 16], b"gone")?;
            w.replace_chunks(&[3; 16], &[])
        },
        |s| Ok((
            s.doc_ids()?,
            s.doc_chunks(&A)?.concat(),
            s.doc_chunks(&B)?,
            s.doc_exists(&[3; 16])?,
            s.doc_exists(&B)?,
        )),
        (
            vec![A, B, [0xff; 16]],
            (0..300_u16).flat_map(u16::to_be_bytes).collect::<Vec<_>>(),
            vec![b"new".to_vec(), b"".to_vec(), b"more".to_vec()],
            false,
            true,
        )
    );
}

#[test]
fn views_are_visited_in_order_and_the_visit_can_end() {
    check!(
        |w| {
            w.set_view(&B, b"b")?;
            w.set_view(&A, b"a")?;
            w.set_view(&[3; 16], b"c")?;
            w.clear_view(&[3; 16])
        },
        |s| {
            let mut seen = Vec::new();
            s.for_each_view(|record, view| {
                seen.push((record, view.to_vec()));
                ControlFlow::<()>::Continue(())
            })
            .and_then(|_| {
                let first = s.for_each_view(|record, _| ControlFlow::Break(record))?;
                Ok((seen, first, s.view_count()?, s.view(&B)?))
            })
        },
        (
            vec![(A, b"a".to_vec()), (B, b"b".to_vec())],
            Some(A),
            2,
            Some(b"b".to_vec())
        )
    );
    check!(
        |w| {
            w.set_view(&A, b"a")?;
            w.clear_views()
        },
        |s| s.view_count(),
        0
    );
}

#[test]
fn envelopes_are_found_by_feed_and_in_the_order_received() {
    check!(
        |w| {
            assert_eq!(w.put_envelope(&OTHER, 1, b"o1")?, 1);
            assert_eq!(w.put_envelope(&FEED, 1, b"f1")?, 2);
            assert_eq!(w.put_envelope(&FEED, 2, b"f2")?, 3);
            assert_eq!(w.put_envelope(&FEED, 1, b"f1")?, 2, "the same again");
            assert!(matches!(
                w.put_envelope(&FEED, 1, b"another"),
                Err(StoreError::EnvelopeDiffers { sequence: 1 })
            ));
            w.put_envelope(&FEED, 3, b"f3").map(|_| ())
        },
        |s| Ok((
            s.envelope(&FEED, 2)?,
            s.envelope(&OTHER, 2)?,
            s.envelopes_of(&FEED, 2, 9, 99)?,
            s.received_count()?,
        )),
        (
            Some(b"f2".to_vec()),
            None,
            vec![(2, b"f2".to_vec()), (3, b"f3".to_vec())],
            4
        )
    );
}

#[test]
fn answers_are_bounded_but_never_stuck() {
    for place in Place::all() {
        let store = place.open();
        commit(&store, |w| {
            (1..=5).try_for_each(|n| w.put_envelope(&FEED, n, &[0; 10]).map(drop))
        });
        let read = store.read().expect("a read");
        let count = |max_count, max_bytes| {
            let of = read
                .envelopes_of(&FEED, 1, max_count, max_bytes)
                .expect("read");
            let after = read.received_after(0, max_count, max_bytes).expect("read");
            assert_eq!(of.len(), after.len());
            of.len()
        };
        assert_eq!(count(9, 99), 5);
        assert_eq!(count(2, 99), 2);
        assert_eq!(count(9, 30), 3);
        assert_eq!(count(9, 29), 2);
        assert_eq!(count(9, 1), 1, "one always comes along");
        assert_eq!(count(0, 99), 0);
        let orders = |after| -> Vec<u64> {
            let received = read.received_after(after, 9, 99).expect("read");
            received.iter().map(|received| received.order).collect()
        };
        assert_eq!(orders(3), [4, 5]);
        assert!(orders(u64::MAX).is_empty());
    }
}

#[test]
fn waiting_envelopes_are_found_by_what_they_lack() {
    check!(
        |w| {
            w.put_waiting(key(FEED, 1), b"r1", &[(A, [5; 32]), (B, [6; 32])])?;
            w.put_waiting(key(FEED, 2), b"r2", &[(A, [5; 32])])?;
            w.put_waiting(key(FEED, 3), b"key", &[])?;
            w.put_waiting(key(OTHER, 1), b"r3", &[(A, [5; 32])])?;
            assert_eq!(w.take_waiting(key(OTHER, 1))?, Some(b"r3".to_vec()));
            assert_eq!(w.take_waiting(key(OTHER, 1))?, None);
            w.put_waiting(key(FEED, 2), b"again", &[(B, [9; 32])])
        },
        |s| Ok((
            s.waiting_for(&A, &[5; 32])?,
            s.waiting_for(&B, &[6; 32])?,
            s.waiting_for(&B, &[9; 32])?,
            s.waiting_for(&B, &[5; 32])?,
            s.waiting()?,
            s.waiting_count()?,
            s.waiting_reason(key(FEED, 2))?,
        )),
        (
            vec![key(FEED, 1)],
            vec![key(FEED, 1)],
            vec![key(FEED, 2)],
            vec![],
            vec![
                (key(FEED, 1), b"r1".to_vec()),
                (key(FEED, 2), b"again".to_vec()),
                (key(FEED, 3), b"key".to_vec()),
            ],
            3,
            Some(b"again".to_vec()),
        )
    );
}

#[test]
fn quarantine_is_put_and_taken() {
    check!(
        |w| {
            w.put_quarantine(key(FEED, 1), b"a")?;
            w.put_quarantine(key(FEED, 2), b"b")?;
            assert_eq!(w.take_quarantine(key(FEED, 1))?, Some(b"a".to_vec()));
            assert_eq!(w.take_quarantine(key(FEED, 1))?, None);
            Ok(())
        },
        |s| Ok((
            s.quarantine()?,
            s.quarantine_count()?,
            s.quarantine_reason(key(FEED, 2))?
        )),
        (vec![(key(FEED, 2), b"b".to_vec())], 1, Some(b"b".to_vec()))
    );
}

#[test]
fn feeds_and_roster_keep_their_bytes() {
    check!(
        |w| {
            w.set_feed(&OTHER, b"o")?;
            w.set_feed(&FEED, b"f")?;
            for n in 0..300_u16 {
                assert_eq!(w.append_roster(&n.to_be_bytes())?, u32::from(n));
            }
            Ok(())
        },
        |s| Ok((
            s.feeds()?,
            s.feed(&OTHER)?,
            s.feed(&[0; 32])?,
            s.roster()?.concat()
        )),
        (
            vec![(FEED, b"f".to_vec()), (OTHER, b"o".to_vec())],
            Some(b"o".to_vec()),
            None,
            (0..300_u16).flat_map(u16::to_be_bytes).collect::<Vec<_>>()
        )
    );
    check!(
        |w| {
            w.append_roster(b"old")?;
            w.append_roster(b"older")?;
            w.append_roster(b"oldest")?;
            w.replace_roster(&[b"a".to_vec(), b"b".to_vec()])?;
            w.append_roster(b"c").map(drop)
        },
        |s| s.roster(),
        [b"a", b"b", b"c"]
    );
}

#[test]
fn intents_operations_and_batches_are_found_again() {
    check!(
        |w| {
            w.set_intent(&A, b"answer")?;
            w.put_operation(&A, &B, b"")?;
            w.put_operation(&A, &A, b"info")?;
            w.put_operation(&B, &A, b"x")?;
            w.put_batch(&B, &A)?;
            w.put_batch(&B, &[9; 16])?;
            w.put_batch(&A, &[8; 16])?;
            for n in 1..=3 {
                assert_eq!(w.append_recent(&[n; 16])?, u64::from(n));
            }
            Ok(())
        },
        |s| Ok((
            s.intent(&A)?,
            s.intent(&B)?,
            s.operation(&A)?,
            s.batch(&B)?,
            s.recent_operations(2)?,
        )),
        (
            Some(b"answer".to_vec()),
            None,
            vec![(A, b"info".to_vec()), (B, b"".to_vec())],
            vec![A, [9; 16]],
            vec![[3; 16], [2; 16]],
        )
    );
}

#[test]
fn counters_files_and_local_values_are_kept() {
    check!(
        |w| {
            w.set_counter("c", u64::MAX)?;
            w.put_file(&FEED, &[1; 100_000])?;
            w.put_file(&OTHER, b"x")?;
            w.remove_file(&OTHER)?;
            w.set_local("form/b", b"2")?;
            w.set_local("form/a", b"1")?;
            w.set_local("forms", b"4")?;
            w.set_local("form/c", b"3")?;
            w.remove_local("form/c")
        },
        |s| Ok((
            (s.counter("c")?, s.counter("d")?),
            (
                s.file(&FEED)?,
                s.file_exists(&FEED)?,
                s.file_exists(&OTHER)?
            ),
            (s.local("forms")?, s.local_with_prefix("form/")?),
        )),
        (
            (u64::MAX, 0),
            (Some(vec![1; 100_000]), true, false),
            (
                Some(b"4".to_vec()),
                vec![
                    ("form/a".to_owned(), b"1".to_vec()),
                    ("form/b".to_owned(), b"2".to_vec())
                ]
            ),
        )
    );
}

#[test]
fn an_envelope_that_is_removed_leaves_its_place_in_the_received_order() {
    check!(
        |w| {
            w.put_envelope(&FEED, 1, b"one")?;
            w.put_envelope(&FEED, 2, b"two")?;
            w.put_envelope(&OTHER, 1, b"other")?;
            assert_eq!(w.remove_envelope(&FEED, 2)?.as_deref(), Some(&b"two"[..]));
            assert_eq!(w.remove_envelope(&FEED, 2)?, None);
            w.put_envelope(&FEED, 2, b"another")?;
            w.set_feed(&FEED, b"state")?;
            w.clear_feed(&FEED)
        },
        |s| {
            let all = s.received_after(0, 10, 1_000)?;
            let all: Vec<_> = all.into_iter().map(|one| (one.order, one.bytes)).collect();
            Ok((all, s.feed(&FEED)?))
        },
        (
            vec![
                (1, b"one".to_vec()),
                (3, b"other".to_vec()),
                (4, b"another".to_vec())
            ],
            None
        )
    );
}

#[test]
fn what_is_held_takes_no_place_in_its_feed() {
    check!(
        |w| {
            w.put_held(key(FEED, 2), b"two")?;
            w.put_held(key(FEED, 3), b"three")?;
            w.put_held(key(OTHER, 1), b"other")?;
            w.put_envelope(&FEED, 2, b"another two")?;
            assert_eq!(w.take_held(key(FEED, 3))?.as_deref(), Some(&b"three"[..]));
            assert_eq!(w.take_held(key(FEED, 3))?, None);
            Ok(())
        },
        |s| {
            Ok((
                s.held()?,
                s.held_envelope(key(FEED, 2))?,
                s.envelope(&FEED, 2)?,
                s.received_count()?,
            ))
        },
        (
            vec![(key(FEED, 2), 3), (key(OTHER, 1), 5)],
            Some(b"two".to_vec()),
            Some(b"another two".to_vec()),
            1
        )
    );
}

#[test]
fn running_hashes_are_found_by_their_place() {
    check!(
        |w| {
            w.set_running(1, &[1; 32])?;
            w.clear_running()?;
            w.set_running(7, &[6; 32])?;
            w.set_running(7, &[7; 32])
        },
        |s| Ok((s.running(1)?, s.running(7)?)),
        (None, Some([7; 32]))
    );
}

#[test]
fn lost_branches_are_kept_with_the_place_where_they_parted() {
    let branch = |parted_at, entries: &[&[u8]]| store::LostBranch {
        parted_at,
        entries: entries.iter().map(|entry| entry.to_vec()).collect(),
    };
    check!(
        |w| {
            let old = store::LostBranch {
                parted_at: 1,
                entries: vec![b"gone".to_vec(); 5],
            };
            w.replace_lost_branches(&[old])?;
            let kept = [
                (3, vec![b"a".to_vec(), b"b".to_vec()]),
                (2, vec![b"c".to_vec()]),
            ];
            let kept = kept.map(|(parted_at, entries)| store::LostBranch { parted_at, entries });
            w.replace_lost_branches(&kept)
        },
        |s| s.lost_branches(),
        vec![branch(3, &[b"a", b"b"]), branch(2, &[b"c"])]
    );
}

#[test]
fn rows_are_visited_in_the_order_of_records() {
    check!(
        |w| {
            w.set_row(&B, b"second")?;
            w.set_row(&A, b"once")?;
            w.set_row(&A, b"first")
        },
        |s| {
            let mut seen = Vec::new();
            s.for_each_row(|id, row| -> ControlFlow<()> {
                seen.push((id, row.to_vec()));
                ControlFlow::Continue(())
            })?;
            Ok((s.row(&B)?, seen))
        },
        (
            Some(b"second".to_vec()),
            vec![(A, b"first".to_vec()), (B, b"second".to_vec())]
        )
    );
    check!(
        |w| {
            w.set_row(&A, b"first")?;
            w.clear_rows()?;
            w.set_row(&B, b"second")
        },
        |s| Ok((s.row(&A)?, s.row(&B)?)),
        (None, Some(b"second".to_vec()))
    );
}
