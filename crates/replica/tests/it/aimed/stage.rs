//! What a history is aimed at: a row of the merge table, made to happen on records of its own.

use model::merged::{Entry, Rule};
use model::{Author, Intent, RecordId, Value};

use crate::peers::{Dice, Peers};

/// A press of one side; it may need what the presses of the same side before it made.
pub(crate) type Press = Box<dyn Fn(&[RecordId]) -> Intent>;

/// Makes what everybody knows before, and says what the sides do; side `n` plays on the `n`th of these devices.
pub(crate) type Set = fn(&mut Peers, &[usize], &mut Dice) -> Stage;

type Judge = Box<dyn Fn(&mut Peers, &Played)>;

/// A row of the merge table and how it is made to happen.
pub(crate) struct Scene {
    /// The row, in the words of the table.
    pub(crate) row: &'static str,
    /// Sets the scene.
    pub(crate) set: Set,
}

/// What the sides do without hearing of each other, and what must hold when all have heard of all.
pub(crate) struct Stage {
    pub(crate) sides: Vec<Vec<Press>>,
    pub(crate) judge: Judge,
}

/// What was played: the device of each side, and what each of its presses made.
pub(crate) struct Played {
    pub(crate) devices: Vec<usize>,
    pub(crate) made: Vec<Vec<RecordId>>,
}

impl Played {
    pub(crate) fn author(&self, side: usize) -> Author {
        Author::from_bytes([self.devices[side] as u8 + 1; 12])
    }
}

impl Stage {
    pub(crate) fn new(
        sides: Vec<Vec<Press>>,
        judge: impl Fn(&mut Peers, &Played) + 'static,
    ) -> Self {
        Self {
            sides,
            judge: Box::new(judge),
        }
    }
}

/// A press that is the same whatever was made before.
pub(crate) fn say(intent: Intent) -> Press {
    Box::new(move |_| intent.clone())
}

/// One side that does one thing.
pub(crate) fn side(intent: Intent) -> Vec<Press> {
    vec![say(intent)]
}

/// Lists what is listed at a record.
pub(crate) fn listed(peers: &Peers, record: RecordId) -> Vec<Entry> {
    let list = peers.merged();
    let here = list.into_iter().filter(|entry| entry.record == record);
    here.collect()
}

pub(crate) fn assert_nothing_listed(peers: &Peers, record: RecordId) {
    let listed = listed(peers, record);
    assert!(listed.is_empty(), "{listed:#?}");
}

/// Checks that an entry offers exactly these values, each with the device that wrote it.
pub(crate) fn assert_offers(entry: &Entry, wanted: &[(Option<Value>, Author)]) {
    let choices = entry.choices.iter();
    let offers: Vec<_> = choices.map(|one| (&one.value, one.author)).collect();
    let all = wanted
        .iter()
        .all(|(value, author)| offers.contains(&(value, *author)));
    assert!(
        all && offers.len() == wanted.len(),
        "{wanted:?} are expected: {entry:#?}"
    );
}

/// Checks that a field that two sides wrote differently shows one and lists all, and settles it by one press.
pub(crate) fn assert_chosen_by_one_press(
    peers: &mut Peers,
    (record, field): (RecordId, &str),
    by: usize,
    wanted: &[(Option<Value>, Author)],
) {
    let entry = peers.entry(Rule::Conflict, record, Some(field));
    assert_offers(&entry, wanted);
    let choice = entry.choices.last().expect("there are several").clone();
    peers.act(
        by,
        Intent::Choose {
            entry: entry.id,
            value: choice.id,
        },
    );
    peers.sync();
    for at in 0..peers.all.len() {
        let view = peers.view(at, record);
        assert_eq!(view.value(field), choice.value.as_ref());
    }
    let still = listed(peers, record);
    assert!(still.iter().all(|one| one.id != entry.id), "{still:#?}");
}
