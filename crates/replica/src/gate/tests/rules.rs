//! Each rule refuses a change that breaks just that rule.

use automerge::ChangeHash;

use super::*;
use crate::gate::draft::{Draft, Row, rows};
use crate::gate::{MAX_COUNTER, MAX_TIME_MS, column, encode};
use crate::genesis::{GENESIS_ACTOR, genesis_bytes, genesis_hash};

/// A document with two concurrent changes, and a third change that saw both.
///
/// Feed 1 wrote `custom/0` (5) and "abc" (6 to 8), feed 2 wrote `custom/0` (5) and "x" (6 in text1).
/// The sample, of feed 1: put `custom/0` (9), insert after b (10), delete a (11), insert into text1 at the start (12).
/// Its actors: 0 is feed 1, 1 the genesis actor, 2 feed 2.
struct Sample {
    document: Automerge,
    bytes: Vec<u8>,
}

impl Sample {
    fn new() -> Self {
        let mut document = new_document().with_actor(actor(1, 0));
        let mut other = document.clone().with_actor(actor(2, 0));
        let edits = [
            Edit::Put(0, vec![1]),
            Edit::Splice(0, 0, 0, "abc".to_owned()),
        ];
        write(&mut document, &edits, 10).expect("it changes something");
        let edits = [Edit::Put(0, vec![2]), Edit::Splice(1, 0, 0, "x".to_owned())];
        write(&mut other, &edits, 11).expect("it changes something");
        document.merge(&mut other).expect("replicas merge");
        let mut author = document.clone();
        author.set_actor(actor(1, 0));
        let edits = [
            Edit::Put(0, vec![3, 4]),
            Edit::Splice(0, 2, 0, "y".to_owned()),
            Edit::Splice(0, 0, 1, String::new()),
            Edit::Splice(1, 0, 0, "z".to_owned()),
        ];
        let bytes = write(&mut author, &edits, 12).expect("it changes something");
        Self { document, bytes }
    }

    fn draft(&self) -> Draft {
        Draft::of(&self.bytes)
    }

    fn rows(&self) -> Vec<Row> {
        rows(&parse(&self.bytes, &Limits::default()).expect("the sample parses"))
    }
}

/// Changes fields of the sample and compares the answer.
fn check_draft(spoil: impl FnOnce(&mut Draft), expected: Rejection) {
    let sample = Sample::new();
    let mut draft = sample.draft();
    spoil(&mut draft);
    assert_eq!(gate(&draft.bytes(), &sample.document), Err(expected));
}

/// Changes operations of the sample and compares the answer.
fn check_rows(spoil: impl FnOnce(&mut Vec<Row>), expected: Rejection) {
    let sample = Sample::new();
    let mut draft = sample.draft();
    let mut rows = sample.rows();
    spoil(&mut rows);
    draft.set_rows(&rows);
    assert_eq!(gate(&draft.bytes(), &sample.document), Err(expected));
}

/// Changes the bytes of one column of the sample and compares the answer.
fn check_column(spec: u64, bytes: &[u8], expected: Rejection) {
    check_draft(|draft| *draft.column(spec) = bytes.to_vec(), expected);
}

fn over(what: &'static str, count: u64, limit: u64) -> Rejection {
    Rejection::OverLimit { what, count, limit }
}

#[test]
fn sample_passes() {
    let sample = Sample::new();
    assert_eq!(sample.draft().bytes(), sample.bytes);
    let mut draft = sample.draft();
    draft.set_rows(&sample.rows());
    assert_eq!(draft.bytes(), sample.bytes);
    assert_eq!(gate(&sample.bytes, &sample.document), Ok(Verdict::Ready));
}

#[test]
fn chunk() {
    check_draft(|draft| draft.magic[0] = 0, Rejection::Magic);
    for found in [0, 2, 3, 9] {
        check_draft(|draft| draft.kind = found, Rejection::ChunkType { found });
    }
    let (what, count) = ("the columns", 3);
    let trailing = Rejection::Trailing { what, count };
    check_draft(|draft| draft.extra = vec![1, 1, 7], trailing);

    let Sample { document, bytes } = Sample::new();
    let mut wrong = bytes.clone();
    wrong[4] ^= 1;
    assert_eq!(gate(&wrong, &document), Err(Rejection::Checksum));
    let (what, count) = ("the chunk", 1);
    let long = [bytes.as_slice(), &[0]].concat();
    assert_eq!(
        gate(&long, &document),
        Err(Rejection::Trailing { what, count })
    );
    for length in 0..bytes.len() {
        let short = gate(&bytes[..length], &document);
        assert!(
            matches!(short, Err(Rejection::Truncated { .. })),
            "{short:?}"
        );
    }
    let large = vec![0; Limits::default().change_bytes + 1];
    let expected = over("the change", large.len() as u64, 256 * 1024);
    assert_eq!(gate(&large, &document), Err(expected));
}

#[test]
fn genesis_never_travels() {
    let parsed = parse(genesis_bytes(), &Limits::default());
    assert_eq!(parsed, Err(Rejection::NoDependencies));
}

#[test]
fn header() {
    check_draft(|draft| draft.deps.clear(), Rejection::NoDependencies);
    check_draft(|draft| draft.deps.swap(0, 1), Rejection::DependencyOrder);
    check_draft(
        |draft| draft.deps[1] = draft.deps[0],
        Rejection::DependencyOrder,
    );
    check_draft(
        |draft| draft.actor.truncate(19),
        Rejection::ActorLength { count: 19 },
    );
    check_draft(
        |draft| draft.others[0].push(1),
        Rejection::ActorLength { count: 21 },
    );
    check_draft(|draft| draft.others.swap(0, 1), Rejection::ActorOrder);
    let own = actor(1, 0).to_bytes().to_vec();
    check_draft(|draft| draft.others.insert(1, own), Rejection::ActorOrder);
    let unused = actor(3, 0).to_bytes().to_vec();
    check_draft(
        |draft| draft.others.push(unused),
        Rejection::ActorUnused { index: 3 },
    );
    for seq in [0, MAX_COUNTER + 1, u64::MAX] {
        check_draft(|draft| draft.seq = seq, Rejection::Sequence { seq });
    }
    let what = "the start operation";
    for start_op in [0, MAX_COUNTER, u64::MAX] {
        check_draft(
            |draft| draft.start_op = start_op,
            Rejection::Counter { what },
        );
    }
    for time_ms in [-1, MAX_TIME_MS + 1, i64::MIN, i64::MAX] {
        check_draft(|draft| draft.time_ms = time_ms, Rejection::Time { time_ms });
    }
    check_draft(
        |draft| draft.message = vec![b'm'; 65],
        over("the message", 65, 64),
    );
    let what = "the message";
    check_draft(|draft| draft.message = vec![0xff], Rejection::Utf8 { what });
}

#[test]
fn message_passes() {
    let sample = Sample::new();
    let mut draft = sample.draft();
    draft.message = vec![b'm'; 64];
    assert_eq!(gate(&draft.bytes(), &sample.document), Ok(Verdict::Ready));
}

#[test]
fn columns() {
    let spec = column::ACTION | column::DEFLATED;
    let place = 6;
    check_draft(
        |draft| draft.columns[place].0 = spec,
        Rejection::ColumnCompressed { spec },
    );
    // The columns of marks, and one that nobody knows.
    for spec in [0x94, 0xa5, 0x40] {
        check_draft(
            |draft| draft.columns[place].0 = spec,
            Rejection::ColumnUnknown { spec },
        );
    }
    check_draft(
        |draft| draft.columns.swap(0, 1),
        Rejection::ColumnOrder { spec: 1 },
    );
    check_draft(
        |draft| draft.columns[1] = draft.columns[0].clone(),
        Rejection::ColumnOrder { spec: 1 },
    );
    check_draft(|draft| draft.columns.clear(), Rejection::NoOps);
    let column = "inserts";
    check_column(column::INSERT, &[1, 1], Rejection::ColumnShort { column });
    check_column(
        column::INSERT,
        &[1, 1, 1, 2],
        Rejection::ColumnLong { column },
    );
    let column = "value types";
    check_column(column::VALUE_META, &[0, 4], Rejection::Null { column });
    let column = "values";
    check_draft(
        |draft| draft.column(column::VALUE).push(1),
        Rejection::ColumnLong { column },
    );
    let what = "the values";
    check_draft(
        |draft| draft.column(column::VALUE).truncate(1),
        Rejection::Truncated { what },
    );
    let what = "actions";
    check_column(column::ACTION, &[0x84, 0], Rejection::Number { what });
}

#[test]
fn spelling() {
    // Inserts: 1 no, 1 yes, 1 no, 1 yes; the same with an empty run between.
    let spelt = [1, 0, 0, 1, 1, 1];
    check_column(column::INSERT, &spelt, Rejection::NotCanonical);
    // Actions 1, 1, 3, 1: one literal run; two runs of one; two literal runs; an empty run before.
    for spelt in [
        vec![0x7c, 1, 1, 3, 1],
        vec![1, 1, 0x7d, 1, 3, 1],
        vec![2, 1, 0x7f, 3, 0x7f, 1],
        vec![0, 0, 2, 1, 0x7e, 3, 1],
    ] {
        check_draft(
            |draft| {
                let actions = draft.column(column::ACTION);
                assert_eq!(*actions, [2, 1, 0x7e, 3, 1]);
                *actions = spelt;
            },
            Rejection::NotCanonical,
        );
    }
    // The length of the chunk with a byte too many.
    let Sample { document, bytes } = Sample::new();
    let mut long = bytes[..9].to_vec();
    long.extend_from_slice(&[bytes[9], bytes[10] | 0x80, 0]);
    long.extend_from_slice(&bytes[11..]);
    assert!(bytes[9] & 0x80 != 0 && bytes[10] & 0x80 == 0);
    let what = "the chunk's length";
    assert_eq!(gate(&long, &document), Err(Rejection::Number { what }));
}

#[test]
fn bombs() {
    let long = |value: &[u8]| {
        let mut bytes = Vec::new();
        encode::signed(1 << 40, &mut bytes);
        bytes.extend_from_slice(value);
        bytes
    };
    let ops = [
        (column::OBJ_ACTOR, "object actors"),
        (column::OBJ_COUNTER, "object counters"),
        (column::KEY_ACTOR, "key actors"),
        (column::KEY_COUNTER, "key counters"),
        (column::KEY_TEXT, "keys"),
        (column::INSERT, "inserts"),
        (column::ACTION, "actions"),
        (column::VALUE_META, "value types"),
        (column::PRED_COUNT, "predecessor counts"),
        (column::PRED_ACTOR, "predecessor actors"),
        (column::PRED_COUNTER, "predecessor counters"),
    ];
    for (spec, what) in ops {
        check_column(spec, &long(&[1]), over(what, 1 << 40, 20_000));
    }
    let nulls = [&[0], long(&[]).as_slice()].concat();
    check_column(column::ACTION, &nulls, over("actions", 1 << 40, 20_000));
    let mut many = vec![1];
    encode::unsigned(1 << 40, &mut many);
    let what = "the predecessors";
    check_column(column::PRED_COUNT, &many, over(what, 1 << 40, 20_000));
    let mut meta = vec![1];
    encode::unsigned((1 << 44) | column::BYTES, &mut meta);
    check_column(column::VALUE_META, &meta, over("a value", 1 << 40, 65_536));
    let key = [1, 97].into_iter().chain([b'k'; 97]).collect::<Vec<u8>>();
    check_column(column::KEY_TEXT, &key, over("a key", 97, 96));

    // A deflated chunk of zeros that would fill a gigabyte is refused by its type, unread.
    let bomb = encode::chunk(2, &[0; 100]);
    let parsed = parse(&bomb, &Limits::default());
    assert_eq!(parsed, Err(Rejection::ChunkType { found: 2 }));
    for count in [5000, u64::MAX] {
        let mut body = Vec::new();
        encode::unsigned(count, &mut body);
        let parsed = parse(&encode::chunk(1, &body), &Limits::default());
        assert_eq!(parsed, Err(over("the dependencies", count, 4096)));
    }
}

#[test]
fn operations_are_counted() {
    let row = Row {
        key: Some("name".to_owned()),
        action: column::SET,
        kind: column::BYTES,
        value: vec![1],
        ..Row::default()
    };
    let sample = Sample::new();
    let mut draft = sample.draft();
    draft.others.clear();
    draft.set_rows(&vec![row.clone(); 20_000]);
    assert_eq!(gate(&draft.bytes(), &sample.document), Ok(Verdict::Ready));
    draft.set_rows(&vec![row.clone(); 20_001]);
    let answer = gate(&draft.bytes(), &sample.document);
    assert!(
        matches!(answer, Err(Rejection::OverLimit { .. })),
        "{answer:?}"
    );
    let short = Limits {
        ops: 3,
        ..Limits::default()
    };
    let rows: Vec<Row> = (1..=4)
        .map(|value| Row {
            value: vec![value],
            ..row.clone()
        })
        .collect();
    draft.set_rows(&rows);
    let answer = parse(&draft.bytes(), &short);
    assert!(
        matches!(answer, Err(Rejection::OverLimit { .. })),
        "{answer:?}"
    );
}

mod records;
