//! What real use makes passes, in any order of arrival.

use super::*;

/// Delivers the changes in the order of `shuffle` until all are taken.
fn deliver(changes: &[Vec<u8>], shuffle: &[usize], document: &mut Automerge) {
    let mut waiting: Vec<&Vec<u8>> = Vec::new();
    let mut pool: Vec<&Vec<u8>> = changes.iter().collect();
    for pick in shuffle.iter().chain(std::iter::repeat(&0)) {
        if pool.is_empty() {
            break;
        }
        waiting.push(pool.remove(pick % pool.len()));
        loop {
            let before = waiting.len();
            waiting.retain(|bytes| match gate(bytes, document) {
                Ok(Verdict::Ready) => {
                    apply(bytes, document);
                    assert_eq!(gate(bytes, document), Ok(Verdict::Known));
                    false
                }
                Ok(Verdict::Missing(hashes)) => {
                    assert!(!hashes.is_empty());
                    true
                }
                other => panic!("{other:?} for {:?}", parse(bytes, &Limits::default())),
            });
            if waiting.len() == before {
                break;
            }
        }
    }
    assert!(waiting.is_empty(), "{} changes still wait", waiting.len());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn all_that_real_use_makes_passes(
        story in story(30),
        shuffle in proptest::collection::vec(any::<usize>(), 0..40),
    ) {
        let (changes, mut replicas) = play(&story);
        let mut document = new_document();
        deliver(&changes, &shuffle, &mut document);

        let mut all = replicas.remove(0);
        for mut replica in replicas {
            all.merge(&mut replica).expect("replicas merge");
        }
        prop_assert_eq!(document.get_heads(), all.get_heads());
        prop_assert_eq!(document.hydrate(None), all.hydrate(None));
        survives(&document);
    }
}

#[test]
fn long_change_passes() {
    let mut author = new_document().with_actor(actor(1, 0));
    let mut document = new_document();
    let note: String = ('a'..='z').cycle().take(19_000).collect();
    let puts: Vec<Edit> = (0..200).map(|key| Edit::Put(key, vec![key; 40])).collect();
    let mut edits = vec![Edit::Splice(0, 0, 0, note)];
    edits.extend(puts);
    for edits in [edits, vec![Edit::Splice(0, 500, 18_000, "x".to_owned())]] {
        let bytes = write(&mut author, &edits, 0).expect("it changes something");
        assert_eq!(gate(&bytes, &document), Ok(Verdict::Ready));
        apply(&bytes, &mut document);
        survives(&document);
    }
}

#[test]
fn parsed_change_says_what_automerge_says() {
    let mut author = new_document().with_actor(actor(1, 7));
    let edits = [
        Edit::Put(1, vec![9]),
        Edit::Splice(0, 0, 0, "äb".to_owned()),
        Edit::Splice(0, 0, 1, String::new()),
    ];
    let bytes = write(&mut author, &edits, 1_700_000_000_123).expect("it changes something");
    let change = parse(&bytes, &Limits::default()).expect("it parses");
    let theirs = Change::from_bytes(bytes).expect("it is a change");
    assert_eq!(change.hash, theirs.hash());
    assert_eq!(change.actor(), theirs.actor_id());
    assert_eq!(change.deps, theirs.deps());
    assert_eq!(change.time_ms, 1_700_000_000_123);
    assert_eq!((change.seq, change.start_op), (1, 5));
    assert_eq!((change.op_count(), change.message.as_deref()), (4, None));
}
