//! Changes that are almost right: whatever the gate lets through, automerge takes, saves and loads.

use super::*;
use crate::gate::draft::{Draft, Row, rows};

/// One thing that is wrong with a change; the numbers pick where and what.
#[derive(Debug, Clone)]
enum Fault {
    Seq(i64),
    StartOp(i64),
    Time(i64),
    Message(Vec<u8>),
    Actor(usize),
    DropDep(usize),
    AddDep(usize),
    SwapDeps(usize),
    DropActor(usize),
    AddActor(usize),
    SwapActors(usize),
    Column(usize, Vec<u8>),
    ColumnByte(usize, usize, u8),
    ColumnSpec(usize, u64),
    DropColumn(usize),
    Extra(Vec<u8>),
    Row(usize, RowFault),
    DropRow(usize),
    CopyRow(usize, usize),
    SwapRows(usize, usize),
}

/// One thing that is wrong with an operation.
#[derive(Debug, Clone)]
enum RowFault {
    Object(Option<u64>, Option<u64>),
    KeyText(Option<String>),
    KeyId(Option<u64>, Option<u64>),
    Insert(bool),
    Action(u64),
    Kind(u64),
    Value(Vec<u8>),
    Text(char),
    Pred(Vec<(u64, u64)>),
    /// Deletes another element, as a well-formed deletion would.
    Element(u64, u64),
}

fn small(limit: u64) -> impl Strategy<Value = u64> {
    prop_oneof![8 => 0..limit, 1 => any::<u64>(), 1 => Just(u64::from(u32::MAX))]
}

fn bytes(limit: usize) -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), 0..limit)
}

fn row_fault() -> impl Strategy<Value = RowFault> {
    use proptest::option::of;
    let pred = proptest::collection::vec((small(4), small(60)), 0..4);
    prop_oneof![
        (of(small(4)), of(small(8))).prop_map(|(a, c)| RowFault::Object(a, c)),
        of("[a-z/0-9]{0,9}|note|custom/[0-3]").prop_map(RowFault::KeyText),
        (of(small(4)), of(small(60))).prop_map(|(a, c)| RowFault::KeyId(a, c)),
        any::<bool>().prop_map(RowFault::Insert),
        small(9).prop_map(RowFault::Action),
        (0u64..16).prop_map(RowFault::Kind),
        bytes(12).prop_map(RowFault::Value),
        any::<char>().prop_map(RowFault::Text),
        pred.prop_map(RowFault::Pred),
        (0u64..4, 0u64..60).prop_map(|(a, c)| RowFault::Element(a, c)),
    ]
}

fn fault() -> impl Strategy<Value = Fault> {
    let at = || any::<usize>();
    let header = prop_oneof![
        (-2i64..3).prop_map(Fault::Seq),
        (-3i64..4).prop_map(Fault::StartOp),
        any::<i64>().prop_map(Fault::Time),
        bytes(80).prop_map(Fault::Message),
        at().prop_map(Fault::Actor),
        at().prop_map(Fault::DropDep),
        at().prop_map(Fault::AddDep),
        at().prop_map(Fault::SwapDeps),
        at().prop_map(Fault::DropActor),
        at().prop_map(Fault::AddActor),
        at().prop_map(Fault::SwapActors),
        bytes(9).prop_map(Fault::Extra),
    ];
    let column = prop_oneof![
        (at(), bytes(12)).prop_map(|(at, new)| Fault::Column(at, new)),
        (at(), at(), any::<u8>()).prop_map(|(at, byte, new)| Fault::ColumnByte(at, byte, new)),
        (at(), 0u64..200).prop_map(|(at, spec)| Fault::ColumnSpec(at, spec)),
        at().prop_map(Fault::DropColumn),
    ];
    let row = prop_oneof![
        6 => (at(), row_fault()).prop_map(|(at, fault)| Fault::Row(at, fault)),
        1 => at().prop_map(Fault::DropRow),
        1 => (at(), at()).prop_map(|(from, to)| Fault::CopyRow(from, to)),
        1 => (at(), at()).prop_map(|(one, other)| Fault::SwapRows(one, other)),
    ];
    prop_oneof![2 => header, 2 => column, 4 => row]
}

fn spoil_row(row: &mut Row, fault: &RowFault) {
    match fault.clone() {
        RowFault::Object(actor, counter) => (row.obj_actor, row.obj_counter) = (actor, counter),
        RowFault::KeyText(key) => row.key = key,
        RowFault::KeyId(actor, counter) => (row.key_actor, row.key_counter) = (actor, counter),
        RowFault::Insert(insert) => row.insert = insert,
        RowFault::Action(action) => row.action = action,
        RowFault::Kind(kind) => row.kind = kind,
        RowFault::Value(value) => row.value = value,
        RowFault::Text(character) => row.value = character.to_string().into_bytes(),
        RowFault::Pred(pred) => row.pred = pred,
        RowFault::Element(actor, counter) => {
            (row.key_actor, row.key_counter) = (Some(actor), Some(counter));
            if !row.insert {
                row.pred = vec![(actor, counter)];
            }
        }
    }
}

/// Spoils the rows; what the columns say else is lost, so this comes first.
fn spoil_rows(rows: &mut Vec<Row>, fault: &Fault) {
    let count = rows.len();
    if count == 0 {
        return;
    }
    match fault {
        Fault::Row(at, fault) => spoil_row(&mut rows[at % count], fault),
        Fault::DropRow(at) => {
            rows.remove(at % count);
        }
        Fault::CopyRow(from, to) => {
            let row = rows[from % count].clone();
            rows.insert(to % count, row);
        }
        Fault::SwapRows(one, other) => rows.swap(one % count, other % count),
        _ => {}
    }
}

fn spoil(draft: &mut Draft, fault: &Fault, document: &Automerge) {
    let known = document.get_changes_meta(&[]);
    let pick = |at: &usize| &known[at % known.len()];
    let (deps, others, columns) = (
        draft.deps.len(),
        draft.others.len(),
        draft.columns.len().max(1),
    );
    match fault {
        Fault::Seq(by) => draft.seq = draft.seq.saturating_add_signed(*by),
        Fault::StartOp(by) => draft.start_op = draft.start_op.saturating_add_signed(*by),
        Fault::Time(time_ms) => draft.time_ms = *time_ms,
        Fault::Message(message) => draft.message.clone_from(message),
        Fault::Actor(at) => draft.actor = pick(at).actor.to_bytes().to_vec(),
        Fault::DropDep(at) if deps > 0 => drop(draft.deps.remove(at % deps)),
        Fault::AddDep(at) => {
            draft.deps.push(pick(at).hash);
            draft.deps.sort_unstable();
        }
        Fault::SwapDeps(at) if deps > 0 => draft.deps.swap(0, at % deps),
        Fault::DropActor(at) if others > 0 => drop(draft.others.remove(at % others)),
        Fault::AddActor(at) => {
            draft.others.push(pick(at).actor.to_bytes().to_vec());
            draft.others.sort_unstable();
        }
        Fault::SwapActors(at) if others > 0 => draft.others.swap(0, at % others),
        Fault::Extra(extra) => draft.extra.clone_from(extra),
        Fault::Column(at, new) => {
            if let Some((_, bytes)) = draft.columns.get_mut(at % columns) {
                bytes.clone_from(new);
            }
        }
        Fault::ColumnByte(at, byte, new) => {
            if let Some((_, bytes)) = draft.columns.get_mut(at % columns)
                && !bytes.is_empty()
            {
                let count = bytes.len();
                bytes[byte % count] = *new;
            }
        }
        Fault::ColumnSpec(at, new) => {
            if let Some((spec, _)) = draft.columns.get_mut(at % columns) {
                *spec = *new;
            }
        }
        Fault::DropColumn(at) if !draft.columns.is_empty() => {
            drop(draft.columns.remove(at % columns));
        }
        _ => {}
    }
}

/// What is left of a story when one change is taken out of its middle.
struct Cut {
    /// The change that was taken out.
    change: Vec<u8>,
    /// A document with all changes before it.
    document: Automerge,
    /// All changes after it.
    rest: Vec<Vec<u8>>,
}

impl Cut {
    fn new(story: &[Step], at: usize) -> Option<Self> {
        let (mut changes, _) = play(story);
        if changes.is_empty() {
            return None;
        }
        let mut rest = changes.split_off(at % changes.len());
        let change = rest.remove(0);
        let mut document = new_document();
        for bytes in &changes {
            apply(bytes, &mut document);
        }
        Some(Self {
            change,
            document,
            rest,
        })
    }

    /// Holds the spoilt change against the document; if it passes, all must go on as if it were a real one.
    fn try_out(&self, bytes: &[u8]) -> bool {
        if gate(bytes, &self.document) != Ok(Verdict::Ready) {
            return false;
        }
        let mut document = self.document.clone();
        apply(bytes, &mut document);
        survives(&document);
        for bytes in &self.rest {
            if gate(bytes, &document) == Ok(Verdict::Ready) {
                apply(bytes, &mut document);
            }
        }
        survives(&document);
        let mut loaded = Automerge::load(&document.save()).expect("a document loads what it saved");
        for (feed, document) in [(98, &mut document), (99, &mut loaded)] {
            document.set_actor(actor(feed, 0));
            let edits = [
                Edit::Put(0, vec![feed; 3]),
                Edit::Splice(0, 1, 2, "neu".to_owned()),
                Edit::Splice(1, 0, 1, "z".to_owned()),
            ];
            let before = document.clone();
            let own = write(document, &edits, 5).expect("it changes something");
            assert_eq!(gate(&own, &before), Ok(Verdict::Ready));
            survives(document);
        }
        document.merge(&mut loaded).expect("replicas merge");
        survives(&document);
        true
    }
}

proptest! {
    #[test]
    fn spoilt_fields_are_refused_or_harmless(
        story in story(14),
        at in any::<usize>(),
        attempts in proptest::collection::vec(proptest::collection::vec(fault(), 1..4), 24),
    ) {
        let Some(cut) = Cut::new(&story, at) else { return Ok(()) };
        let last = &cut.change;
        let parsed = parse(last, &Limits::default()).expect("a real change parses");
        prop_assert_eq!(&Draft::of(last).bytes(), last);
        for faults in attempts {
            let mut draft = Draft::of(last);
            let mut all = rows(&parsed);
            faults.iter().for_each(|fault| spoil_rows(&mut all, fault));
            draft.set_rows(&all);
            faults.iter().for_each(|fault| spoil(&mut draft, fault, &cut.document));
            cut.try_out(&draft.bytes());
        }
    }

    #[test]
    fn spoilt_bytes_are_refused_or_harmless(
        story in story(14),
        at in any::<usize>(),
        attempts in proptest::collection::vec(
            proptest::collection::vec((any::<usize>(), any::<u8>(), 0u8..3), 1..4), 24),
    ) {
        let Some(cut) = Cut::new(&story, at) else { return Ok(()) };
        let last = &cut.change;
        for faults in attempts {
            let mut reader = super::super::read::Reader::new(&last[9..]);
            let length = reader.unsigned("length").expect("the sample is valid");
            let mut body = reader.take(length, "body").expect("the sample is valid").to_vec();
            for (at, new, how) in faults {
                let at = at % body.len();
                match how {
                    0 => body[at] = new,
                    1 => body.insert(at, new),
                    _ => drop(body.remove(at)),
                }
            }
            cut.try_out(&super::super::encode::chunk(1, &body));
        }
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in bytes(200), body in bytes(200)) {
        let _ = parse(&bytes, &Limits::default());
        let _ = parse(&super::super::encode::chunk(1, &body), &Limits::default());
    }
}

/// Shows that the faults are not all refused for one reason, or the test above would show little.
#[test]
fn some_spoilt_changes_pass() {
    let mut document = new_document().with_actor(actor(1, 0));
    let edits = [
        Edit::Put(0, vec![1]),
        Edit::Splice(0, 0, 0, "abc".to_owned()),
    ];
    write(&mut document, &edits, 0).expect("it changes something");
    let mut author = document.clone().with_actor(actor(2, 0));
    let edits = [Edit::Put(0, vec![2]), Edit::Splice(0, 1, 1, "x".to_owned())];
    let last = write(&mut author, &edits, 1).expect("it changes something");
    let parsed = parse(&last, &Limits::default()).expect("a real change parses");
    let cut = Cut {
        change: last,
        document,
        rest: Vec::new(),
    };
    let spoilt = |place: usize, fault: RowFault| {
        let mut draft = Draft::of(&cut.change);
        let mut all = rows(&parsed);
        spoil_row(&mut all[place], &fault);
        draft.set_rows(&all);
        cut.try_out(&draft.bytes())
    };
    assert!(spoilt(0, RowFault::Value(vec![3])));
    assert!(spoilt(0, RowFault::Pred(Vec::new())));
    assert!(spoilt(1, RowFault::Text('\u{10ffff}')));
    // The elements have the counters 6 to 8; the actor of the document's changes is the last of three.
    assert!(spoilt(1, RowFault::Element(2, 8)));
    assert!(spoilt(2, RowFault::Element(2, 8)));
    assert!(!spoilt(2, RowFault::Element(2, 9)));
}
