//! Changes before automerge: real ones with one field wrong, or several, or their bytes.

use std::sync::OnceLock;

use model::plan::{NoteEdit, RecordWrites};
use model::register::Register;
use model::{IntentId, Kind, RecordId};
use replica::Document;
use replica::gate::draft::{self, Draft, Row, rows};
use replica::gate::{Limits, ParsedChange, Verdict, parse};

use super::{Target, script::Script};

pub(super) const TARGET: Target = Target {
    name: "gate",
    about: "changes before automerge, wrong in their fields or their bytes",
    run,
    seeds,
    rounds: 400,
};

/// The prefix of the actor that makes the changes which are spoilt.
const AUTHOR: [u8; 12] = [2; 12];

/// The prefixes of all whose changes are in the document.
const ALL: [[u8; 12]; 3] = [[1; 12], AUTHOR, [3; 12]];

fn record() -> RecordId {
    RecordId::fresh(1_800_000_000_000, [5; 10])
}

fn actor(prefix: u8, incarnation: u8) -> [u8; 20] {
    let mut actor = [incarnation; 20];
    actor[..12].copy_from_slice(&[prefix; 12]);
    actor
}

/// A point in a history: a document, the next change of the author, and what comes after it.
struct Point {
    before: Document,
    next: Vec<u8>,
    after: Vec<Vec<u8>>,
}

/// A history of three devices at one record, at each change of the author.
fn points() -> &'static [Point] {
    static POINTS: OnceLock<Vec<Point>> = OnceLock::new();
    POINTS.get_or_init(|| {
        let history = history();
        let by_author = history.iter().enumerate().filter(|(_, (of, _))| *of == 2);
        by_author
            .map(|(at, (_, next))| {
                let mut before = Document::new(record());
                for (_, bytes) in &history[..at] {
                    let (parsed, verdict) = before.check(bytes, &ALL).expect("is real");
                    assert_eq!(verdict, Verdict::Ready);
                    before.apply(bytes, &parsed).expect("applies");
                }
                Point {
                    before,
                    next: next.clone(),
                    after: history[at + 1..].iter().map(|one| one.1.clone()).collect(),
                }
            })
            .collect()
    })
}

/// What three devices write; each sees what came before, but for device 3, which lags behind.
fn history() -> Vec<(u8, Vec<u8>)> {
    let mut all: Vec<(u8, Vec<u8>)> = Vec::new();
    let mut documents: Vec<Document> = (0..3).map(|_| Document::new(record())).collect();
    let notes = [
        "",
        "Messe",
        "Messe, Halle 4",
        "Halle 4 äß🙂",
        "Halle",
        "Halle 4b",
    ];
    for step in 0..12_u8 {
        let at = usize::from(step * 5 % 3);
        let stamp = IntentId::fresh(1_800_000_000_000 + i64::from(step), [step; 10]);
        let mut registers = std::collections::BTreeMap::new();
        for key in ["company", "family", "phone/0101010101010101"] {
            if (usize::from(step) + key.len()) % 2 == 0 {
                registers.insert(key.to_owned(), Register::new(stamp.stamp(), None));
            }
        }
        let writes = RecordWrites {
            id: record(),
            kind: Kind::Inquiry,
            registers,
            note: Some(NoteEdit::Become(notes[usize::from(step) % 6].to_owned())),
        };
        let incarnation = step / 7;
        let actor = actor(at as u8 + 1, incarnation);
        let time_ms = 1_800_000_000_000 + i64::from(step);
        let Some(written) = documents[at].write(actor, time_ms, stamp, &writes) else {
            continue;
        };
        for (other, document) in documents.iter_mut().enumerate() {
            let lags = other == 2 && step % 4 != 3;
            if other != at && !lags {
                for (_, bytes) in all.iter().chain([&(at as u8 + 1, written.bytes.clone())]) {
                    if let Ok((parsed, Verdict::Ready)) = document.check(bytes, &ALL) {
                        document.apply(bytes, &parsed).expect("applies");
                    }
                }
            }
        }
        all.push((at as u8 + 1, written.bytes));
    }
    all
}

/// Reads a way, a point, and what is wrong.
fn run(bytes: &[u8]) {
    let mut script = Script::new(bytes);
    let way = script.below(4);
    let points = points();
    let point = &points[script.below(points.len())];
    match way {
        0 => try_out(point, script.rest()),
        1 => try_out(point, &draft::chunk(1, script.rest())),
        _ => {
            let parsed = parse(&point.next, &Limits::default()).expect("is real");
            let mut draft = Draft::of(&point.next);
            if way == 3 {
                spoil_rows(&mut script, &mut draft, &parsed);
            }
            for _ in 0..script.below(4) {
                spoil(&mut script, &mut draft);
            }
            try_out(point, &draft.bytes());
        }
    }
}

/// What the gate lets through applies, is loaded again as it was, and nothing stops because of it.
fn try_out(point: &Point, bytes: &[u8]) {
    let alone = parse(bytes, &Limits::default());
    let checked = point.before.check(bytes, &[AUTHOR]);
    assert!(alone.is_ok() || checked.is_err());
    let foreign = point.before.check(bytes, &[[9; 12]]);
    assert!(foreign.is_err(), "somebody else's actor passed");
    let Ok((parsed, Verdict::Ready)) = checked else {
        return;
    };
    let mut document = point.before.clone();
    document.apply(bytes, &parsed).expect("what passed applies");
    assert!(document.has(parsed.hash.0));
    assert_eq!(document.change_count(), point.before.change_count() + 1);
    survives(&document);
    for bytes in &point.after {
        if let Ok((parsed, Verdict::Ready)) = document.check(bytes, &ALL) {
            document.apply(bytes, &parsed).expect("a real one applies");
        }
    }
    goes_on(document);
}

/// Is stored and loaded, whole and as single changes, and says the same.
fn survives(document: &Document) -> Document {
    let view = document.view();
    let compacted = document.compacted().expect("a document is compacted");
    let loaded = Document::load(record(), &[compacted]).expect("a document loads what it saved");
    assert_eq!(loaded.view(), view);
    assert_eq!(loaded.change_count(), document.change_count());
    let past = document.past();
    assert_eq!(past.len(), loaded.past().len());
    for operation in past.iter().filter_map(|one| one.operation) {
        let _ = document.deed(operation);
    }
    loaded
}

/// Somebody honest writes after it, and the gate of others lets that through.
fn goes_on(document: Document) {
    let mut loaded = survives(&document);
    let before = loaded.clone();
    let stamp = IntentId::fresh(1_800_000_009_000, [77; 10]);
    let register = Register::new(stamp.stamp(), None);
    let writes = RecordWrites {
        id: record(),
        kind: Kind::Inquiry,
        registers: [("company".to_owned(), register)].into(),
        note: Some(NoteEdit::Become("neu".to_owned())),
    };
    let written = loaded
        .write(actor(1, 50), 1_800_000_009_000, stamp, &writes)
        .expect("it changes something");
    let (_, verdict) = before
        .check(&written.bytes, &ALL)
        .expect("what is honestly written passes");
    assert_eq!(verdict, Verdict::Ready);
    survives(&loaded);
}

fn spoil_rows(script: &mut Script<'_>, draft: &mut Draft, parsed: &ParsedChange) {
    let mut all: Vec<Row> = rows(parsed);
    for _ in 0..=script.below(3) {
        if all.is_empty() {
            break;
        }
        let at = script.below(all.len());
        match script.below(8) {
            0 => drop(all.remove(at)),
            1 => all.insert(at, all[script.below(all.len())].clone()),
            2 => all.swap(at, 0),
            // Many alike take no bytes, since columns count runs.
            3 => {
                let many = script.number().min(30_000) as usize;
                let row = all[at].clone();
                all.splice(at..at, std::iter::repeat_n(row, many));
            }
            _ => spoil_row(script, &mut all[at]),
        }
    }
    draft.set_rows(&all);
}

fn spoil_row(script: &mut Script<'_>, row: &mut Row) {
    let some = |script: &mut Script<'_>| (!script.seldom()).then(|| script.number());
    match script.below(9) {
        0 => (row.obj_actor, row.obj_counter) = (some(script), some(script)),
        1 => row.key = (!script.seldom()).then(|| script.text()),
        2 => (row.key_actor, row.key_counter) = (some(script), some(script)),
        3 => row.insert = !row.insert,
        4 => row.action = script.number(),
        5 => row.kind = script.number() % 16,
        6 => row.value = script.some().to_vec(),
        7 => {
            row.pred = (0..script.below(5))
                .map(|_| (script.number(), script.number()))
                .collect();
        }
        _ => {
            let element = (script.number(), script.number());
            (row.key_actor, row.key_counter) = (Some(element.0), Some(element.1));
            if !row.insert {
                row.pred = vec![element];
            }
        }
    }
}

/// Makes one thing wrong beside the operations.
fn spoil(script: &mut Script<'_>, draft: &mut Draft) {
    let columns = draft.columns.len().max(1);
    match script.below(18) {
        0 => draft.seq = script.near(draft.seq),
        1 => draft.start_op = script.near(draft.start_op),
        2 => draft.time_ms = script.number() as i64,
        3 => draft.message = script.some().to_vec(),
        4 => draft.actor = actor(script.byte() % 4, script.byte() % 3).to_vec(),
        5 => draft.actor = script.some().to_vec(),
        6 => draft.deps.clear(),
        7 => draft.deps.truncate(script.below(3)),
        8 => {
            let other = &script.pick(points()).next;
            let other = parse(other, &Limits::default()).expect("is real");
            draft.deps.push(other.hash);
            if !script.seldom() {
                draft.deps.sort_unstable();
            }
        }
        9 => {
            if let Some(dep) = draft.deps.first_mut() {
                dep.0[script.below(32)] ^= 1 << script.below(8);
            }
        }
        10 => {
            draft
                .others
                .push(actor(script.byte() % 4, script.byte() % 3).to_vec());
            draft.others.sort_unstable();
        }
        11 => drop(draft.others.pop()),
        12 => draft.extra = script.some().to_vec(),
        13 => draft.kind = script.byte(),
        14 => {
            if let Some((_, bytes)) = draft.columns.get_mut(script.below(columns)) {
                *bytes = script.some().to_vec();
            }
        }
        15 => {
            if let Some((_, bytes)) = draft.columns.get_mut(script.below(columns))
                && !bytes.is_empty()
            {
                let at = script.below(bytes.len());
                bytes[at] = script.byte();
            }
        }
        16 => {
            if let Some((spec, _)) = draft.columns.get_mut(script.below(columns)) {
                *spec = script.near(*spec);
            }
        }
        // Deflated: a bomb of zeros, or whatever the column held.
        _ => {
            if let Some((spec, bytes)) = draft.columns.get_mut(script.below(columns)) {
                let clear = match script.below(2) {
                    0 => vec![0; 1 << 20],
                    _ => bytes.clone(),
                };
                *spec |= 8;
                *bytes = miniz_oxide::deflate::compress_to_vec(&clear, 6);
            }
        }
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let count = points().len() as u8;
    let mut all = Vec::new();
    for (at, point) in (0..count).zip(points()) {
        all.push([&[0, at][..], &point.next].concat());
        // Behind the checksum come the type and the length, then the body.
        all.push([&[1, at][..], &point.next[11..]].concat());
        for row in 0..9 {
            all.push(vec![3, at, 0, at, 5, row, 1, 2, 3, 4, 5, 6, 7, 8, 0]);
        }
        for field in 0..18 {
            for near in [140, 170, 200] {
                all.push(vec![2, at, 1, field, near, 2, 1, 60, 3]);
            }
        }
    }
    all
}
