//! Tests of the gate: what real use makes passes, each rule refuses what breaks it, and what passes is safe.

mod hostile;
mod identity;
mod real;
mod rules;

use automerge::transaction::{CommitOptions, Transactable};
use automerge::{ActorId, Automerge, Change, ROOT, ReadDoc};
use proptest::prelude::*;

use super::check::check_beside;
use super::{ACTOR_PREFIX_BYTES, Limits, Rejection, Verdict, check, parse};
use crate::genesis::{Text, new_document};

/// The feeds of the samples are named by one byte.
fn prefix(feed: u8) -> [u8; ACTOR_PREFIX_BYTES] {
    [feed; ACTOR_PREFIX_BYTES]
}

fn actor(feed: u8, incarnation: u8) -> ActorId {
    let mut bytes = [incarnation; 20];
    bytes[..ACTOR_PREFIX_BYTES].copy_from_slice(&prefix(feed));
    ActorId::from(bytes)
}

/// Parses and checks all but which record the change is for; the author is the feed that the first byte of the actor names.
///
/// What the changes of these tests hold is arbitrary; that they name their record is a rule of its own, in `identity`.
fn gate(bytes: &[u8], document: &Automerge) -> Result<Verdict, Rejection> {
    let change = parse(bytes, &Limits::default())?;
    let feed = change.actor().to_bytes()[0];
    check_beside(&change, &[prefix(feed)], document)
}

/// Applies what the gate let through and shows that the document is none the worse.
fn apply(bytes: &[u8], document: &mut Automerge) {
    let change = Change::from_bytes(bytes.to_vec()).expect("what passed the gate is a change");
    let hash = change.hash();
    document
        .apply_changes([change])
        .expect("what passed the gate applies");
    assert!(document.get_change_meta_by_hash(&hash).is_some());
}

/// Saves and loads, and compares.
fn survives(document: &Automerge) {
    let saved = document.save();
    let loaded = Automerge::load(&saved).expect("a document loads what it saved");
    assert_eq!(loaded.get_heads(), document.get_heads());
    assert_eq!(loaded.hydrate(None), document.hydrate(None));
}

/// What one person does to one replica.
#[derive(Debug, Clone)]
enum Edit {
    Put(u8, Vec<u8>),
    Splice(u8, usize, usize, String),
}

/// A step of a story among replicas.
#[derive(Debug, Clone)]
enum Step {
    Write(usize, Vec<Edit>),
    Merge(usize, usize),
    /// The store is opened again: another incarnation writes.
    Reopen(usize),
}

const REPLICAS: usize = 3;

fn edit() -> impl Strategy<Value = Edit> {
    let value = proptest::collection::vec(any::<u8>(), 1..12);
    prop_oneof![
        (0u8..4, value).prop_map(|(key, value)| Edit::Put(key, value)),
        (0u8..2, 0usize..12, 0usize..4, "[a-cäß🙂\u{301}]{0,6}")
            .prop_map(|(text, at, del, new)| Edit::Splice(text, at, del, new)),
    ]
}

fn story(steps: usize) -> impl Strategy<Value = Vec<Step>> {
    let replica = || 0..REPLICAS;
    let edits = proptest::collection::vec(edit(), 1..5);
    let step = prop_oneof![
        5 => (replica(), edits).prop_map(|(at, edits)| Step::Write(at, edits)),
        3 => (replica(), replica()).prop_map(|(from, to)| Step::Merge(from, to)),
        1 => replica().prop_map(Step::Reopen),
    ];
    proptest::collection::vec(step, 1..steps)
}

/// Writes one transaction and returns the bytes of its change, none if nothing changed.
fn write(document: &mut Automerge, edits: &[Edit], time_ms: i64) -> Option<Vec<u8>> {
    let mut transaction = document.transaction();
    for edit in edits {
        match edit {
            Edit::Put(key, value) => {
                let key = format!("custom/{key}");
                transaction.put(ROOT, key, value.clone()).expect("it puts");
            }
            Edit::Splice(text, at, delete, new) => {
                let text = Text::ALL[usize::from(*text)].object();
                let length = transaction.length(&text);
                let at = (*at).min(length);
                let delete = (*delete).min(length - at) as isize;
                transaction
                    .splice_text(&text, at, delete, new)
                    .expect("it splices");
            }
        }
    }
    let options = CommitOptions::default().with_time(time_ms);
    transaction.commit_with(options).0?;
    let change = document.get_last_local_change()?;
    Some(change.raw_bytes().to_vec())
}

/// Plays a story; returns all changes in the order in which they were made, and the replicas.
fn play(story: &[Step]) -> (Vec<Vec<u8>>, Vec<Automerge>) {
    let mut incarnation = 0;
    let mut replicas: Vec<Automerge> = (1..=REPLICAS as u8)
        .map(|feed| new_document().with_actor(actor(feed, 0)))
        .collect();
    let mut changes = Vec::new();
    for (time, step) in story.iter().enumerate() {
        match step {
            Step::Write(at, edits) => {
                changes.extend(write(&mut replicas[*at], edits, time as i64));
            }
            Step::Merge(from, to) if from != to => {
                let mut other = replicas[*from].clone();
                replicas[*to].merge(&mut other).expect("replicas merge");
            }
            Step::Merge(..) => {}
            Step::Reopen(at) => {
                incarnation += 1;
                let feed = *at as u8 + 1;
                replicas[*at].set_actor(actor(feed, incarnation));
            }
        }
    }
    (changes, replicas)
}
