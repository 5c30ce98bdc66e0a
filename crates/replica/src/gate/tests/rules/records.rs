//! The rules of what a record's operations may be, and of what they may name in the document.

use super::*;

fn register(key: &str) -> Row {
    Row {
        key: Some(key.to_owned()),
        action: column::SET,
        kind: column::BYTES,
        value: vec![1],
        ..Row::default()
    }
}

#[test]
fn registers() {
    let counter = 9;
    let long = "k".repeat(96);
    for key in ["", "name\n", "straße", "note", "text1", "text2", "text3"] {
        let expected = Rejection::Key {
            counter,
            key: key.to_owned(),
        };
        check_rows(|rows| rows[0].key = Some(key.to_owned()), expected);
    }
    let sample = Sample::new();
    let mut draft = sample.draft();
    draft.others.clear();
    draft.set_rows(&[register(&long), register("custom/Groesse 1~")]);
    assert_eq!(gate(&draft.bytes(), &sample.document), Ok(Verdict::Ready));

    // Making a map, a list, a text, a table; deleting; incrementing; marking; what nobody knows.
    for action in [0, 2, 3, 4, 5, 6, 7, 99] {
        let expected = Rejection::Action {
            counter,
            action,
            insert: false,
        };
        check_rows(|rows| rows[0].action = action, expected);
    }
    let expected = Rejection::Action {
        counter,
        action: column::SET,
        insert: true,
    };
    check_rows(|rows| rows[0].insert = true, expected);
    for kind in (0..16).filter(|kind| *kind != column::BYTES) {
        let count = 2;
        let expected = Rejection::Value {
            counter,
            kind,
            count,
        };
        check_rows(|rows| rows[0].kind = kind, expected);
    }
    let (kind, count) = (column::BYTES, 0);
    let expected = Rejection::Value {
        counter,
        kind,
        count,
    };
    check_rows(|rows| rows[0].value.clear(), expected);
    let kind_of_key = |rows: &mut Vec<Row>| {
        rows[0].key = None;
        rows[0].key_counter = Some(0);
    };
    check_rows(kind_of_key, Rejection::KeyKind { counter });
    check_rows(|rows| rows[0].pred.swap(0, 1), Rejection::Pred { counter });
    check_rows(
        |rows| rows[0].pred[1] = rows[0].pred[0],
        Rejection::Pred { counter },
    );
}

#[test]
fn texts() {
    let counter = 10;
    let object = 5;
    check_rows(
        |rows| rows[1].obj_counter = Some(object),
        Rejection::Object { counter, object },
    );
    check_rows(
        |rows| rows[1].obj_actor = Some(2),
        Rejection::Object { counter, object: 1 },
    );
    let column = "object counters";
    check_rows(
        |rows| rows[1].obj_counter = None,
        Rejection::Null { column },
    );
    let what = "an object";
    check_rows(
        |rows| rows[1].obj_actor = Some(3),
        Rejection::ActorIndex { what, index: 3 },
    );
    let map_key = |rows: &mut Vec<Row>| {
        (rows[1].key_actor, rows[1].key_counter) = (None, None);
        rows[1].key = Some("name".to_owned());
    };
    check_rows(map_key, Rejection::KeyKind { counter });
    let column = "keys";
    check_rows(|rows| rows[1].key_actor = None, Rejection::Null { column });
    // A second value for an element.
    let expected = Rejection::Action {
        counter,
        action: column::SET,
        insert: false,
    };
    check_rows(|rows| rows[1].insert = false, expected);
    for action in [0, 2, 3, 4, 5, 6, 7, 99] {
        let expected = Rejection::Action {
            counter,
            action,
            insert: true,
        };
        check_rows(|rows| rows[1].action = action, expected);
    }
    for (kind, value) in [
        (column::BYTES, b"y" as &[u8]),
        (column::STRING, b""),
        (column::STRING, b"yz"),
        (column::STRING, b"\xff"),
    ] {
        let count = value.len() as u64;
        let expected = Rejection::Value {
            counter,
            kind,
            count,
        };
        let spoil = |rows: &mut Vec<Row>| {
            rows[1].kind = kind;
            rows[1].value = value.to_vec();
        };
        check_rows(spoil, expected);
    }
    check_rows(
        |rows| rows[1].pred = vec![(0, 7)],
        Rejection::Pred { counter },
    );
}

#[test]
fn deletions() {
    let counter = 11;
    check_rows(|rows| rows[2].pred.clear(), Rejection::Pred { counter });
    check_rows(
        |rows| rows[2].pred = vec![(0, 7)],
        Rejection::Pred { counter },
    );
    let start = |rows: &mut Vec<Row>| {
        (rows[2].key_actor, rows[2].key_counter) = (None, Some(0));
    };
    check_rows(start, Rejection::KeyKind { counter });
    let (kind, count) = (column::STRING, 1);
    let expected = Rejection::Value {
        counter,
        kind,
        count,
    };
    let valued = |rows: &mut Vec<Row>| {
        rows[2].kind = kind;
        rows[2].value = b"a".to_vec();
    };
    check_rows(valued, expected);
    let expected = Rejection::ElementUnknown { counter: 12 };
    check_rows(|rows| rows.insert(3, rows[2].clone()), expected);
}

#[test]
fn actors_and_sequences() {
    let foreign = |feed: u8| {
        let sample = Sample::new();
        let change = parse(&sample.bytes, &Limits::default()).expect("the sample parses");
        check_beside(&change, &[prefix(feed)], &sample.document)
    };
    assert_eq!(foreign(1), Ok(Verdict::Ready));
    assert_eq!(foreign(2), Err(Rejection::ForeignActor));
    check_draft(|draft| draft.seq = 1, Rejection::SequenceTaken { seq: 1 });
    let gap = Rejection::SequenceGap { seq: 3, last: 1 };
    check_draft(|draft| draft.seq = 3, gap);
    let other = actor(1, 9).to_bytes().to_vec();
    let gap = Rejection::SequenceGap { seq: 2, last: 0 };
    let rename = |draft: &mut Draft| {
        // What was its own is another's now.
        draft
            .others
            .insert(1, std::mem::replace(&mut draft.actor, other));
    };
    let sample = Sample::new();
    let mut draft = sample.draft();
    rename(&mut draft);
    let mut rows = sample.rows();
    for row in &mut rows {
        let shift = |actor: &mut u64| *actor = [2, 1, 3][*actor as usize];
        row.obj_actor.iter_mut().for_each(shift);
        row.key_actor.iter_mut().for_each(shift);
        row.pred.iter_mut().for_each(|(actor, _)| shift(actor));
    }
    draft.set_rows(&rows);
    assert_eq!(gate(&draft.bytes(), &sample.document), Err(gap));
    draft.seq = 1;
    assert_eq!(gate(&draft.bytes(), &sample.document), Ok(Verdict::Ready));

    // Another change with the sequence of the sample, after the sample was applied.
    let mut document = sample.document.clone();
    apply(&sample.bytes, &mut document);
    let mut draft = sample.draft();
    draft.time_ms += 1;
    let taken = Rejection::SequenceTaken { seq: 2 };
    assert_eq!(gate(&draft.bytes(), &document), Err(taken));
    assert_eq!(gate(&sample.bytes, &document), Ok(Verdict::Known));
}

#[test]
fn dependencies() {
    let missing = ChangeHash([7; 32]);
    let Sample { document, bytes } = Sample::new();
    let mut draft = Draft::of(&bytes);
    draft.deps.push(missing);
    draft.deps.sort_unstable();
    let verdict = gate(&draft.bytes(), &document);
    assert_eq!(verdict, Ok(Verdict::Missing(vec![missing])));
    let empty = Automerge::new();
    assert_eq!(gate(&bytes, &empty), Err(Rejection::NoGenesis));
    let mut deps = Draft::of(&bytes).deps;
    deps.retain(|dep| *dep != genesis_hash());
    assert_eq!(gate(&bytes, &new_document()), Ok(Verdict::Missing(deps)));
    for (found, expected) in [(8, 9), (10, 9), (5, 9)] {
        check_draft(
            |draft| draft.start_op = found,
            Rejection::StartOp { found, expected },
        );
    }
    // Its own last change is not in its past: it saw the genesis change alone.
    let sample = Sample::new();
    let mut draft = sample.draft();
    draft.deps = vec![genesis_hash()];
    draft.start_op = 5;
    draft.others.clear();
    draft.set_rows(&[register("name")]);
    let gap = Rejection::SequenceGap { seq: 2, last: 0 };
    assert_eq!(gate(&draft.bytes(), &sample.document), Err(gap));
    draft.seq = 1;
    let taken = Rejection::SequenceTaken { seq: 1 };
    assert_eq!(gate(&draft.bytes(), &sample.document), Err(taken));
    draft.actor = actor(3, 0).to_bytes().to_vec();
    assert_eq!(gate(&draft.bytes(), &sample.document), Ok(Verdict::Ready));
}

#[test]
fn references() {
    // A value of another key, one that does not exist, one that this very operation writes.
    let unknown = Rejection::PredUnknown { counter: 9 };
    check_rows(
        |rows| rows[0].key = Some("custom/1".to_owned()),
        unknown.clone(),
    );
    check_rows(|rows| rows[0].pred = vec![(0, 4), (2, 5)], unknown.clone());
    check_rows(|rows| rows[0].pred = vec![(2, 5), (0, 9)], unknown.clone());
    check_rows(|rows| rows[0].pred = vec![(2, 5), (0, 6)], unknown);
    let what = "a predecessor";
    check_rows(
        |rows| rows[0].pred[1].0 = 3,
        Rejection::ActorIndex { what, index: 3 },
    );
    let what = "predecessor counters";
    check_rows(
        |rows| rows[0].pred[0].1 = MAX_COUNTER + 1,
        Rejection::Counter { what },
    );
    // An element of the other text, one that is a register, one of this change that comes later or is of another text.
    let unknown = Rejection::ElementUnknown { counter: 10 };
    for counter in [5, 9, 10, 12, 13, 500] {
        check_rows(|rows| rows[1].key_counter = Some(counter), unknown.clone());
    }
    check_rows(
        |rows| (rows[1].key_actor, rows[1].key_counter) = (Some(2), Some(6)),
        unknown,
    );
    let other_text = |rows: &mut Vec<Row>| {
        (rows[3].key_actor, rows[3].key_counter) = (Some(0), Some(10));
    };
    check_rows(other_text, Rejection::ElementUnknown { counter: 12 });
}

#[test]
fn what_the_author_did_not_see_is_unknown() {
    let sample = Sample::new();
    let mut document = sample.document.clone();
    apply(&sample.bytes, &mut document);
    // Feed 3 saw the genesis change alone, but names what the document has by now.
    let mut draft = sample.draft();
    draft.actor = actor(3, 0).to_bytes().to_vec();
    draft.seq = 1;
    draft.deps = vec![genesis_hash()];
    draft.start_op = 5;
    let own = actor(1, 0).to_bytes().to_vec();
    draft.others = vec![own.clone()];
    let late = Row {
        pred: vec![(1, 9)],
        ..register("custom/0")
    };
    draft.set_rows(&[late]);
    let unknown = Rejection::PredUnknown { counter: 5 };
    assert_eq!(gate(&draft.bytes(), &document), Err(unknown));
    draft.others = vec![GENESIS_ACTOR.to_vec(), own];
    let late = Row {
        key_actor: Some(2),
        obj_actor: Some(1),
        ..sample.rows()[1].clone()
    };
    draft.set_rows(&[late]);
    let unknown = Rejection::ElementUnknown { counter: 5 };
    assert_eq!(gate(&draft.bytes(), &document), Err(unknown));
}
