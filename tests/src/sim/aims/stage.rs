//! What a history is aimed at: a row of the merge table, made to happen on records of its own.

use model::merged::{Entry, Rule};
use model::{Author, Intent, RecordId, Value};

use super::Cast;
use crate::sim::dice::Dice;

/// A press of one side; it may need what the presses of the same side before it made.
pub(super) type Press = Box<dyn Fn(&[RecordId]) -> Intent>;

/// Makes what everybody knows before, and says what the sides do; side `n` plays on the `n`th of these devices.
pub(super) type Set = fn(&mut Cast<'_>, &[usize], &mut Dice) -> Stage;

type Judge = Box<dyn Fn(&mut Cast<'_>, &Played)>;

/// What the sides do without hearing of each other, and what must hold when all have heard of all.
pub(super) struct Stage {
    pub(super) sides: Vec<Vec<Press>>,
    pub(super) judge: Judge,
}

/// What was played: the device of each side, and what each of its presses made.
pub(super) struct Played {
    pub(super) devices: Vec<usize>,
    pub(super) authors: Vec<Author>,
    /// As whom the devices wrote when the scene was set; a device can become another since.
    pub(super) authors_before: Vec<Author>,
    pub(super) made: Vec<Vec<RecordId>>,
}

impl Played {
    pub(super) fn author(&self, side: usize) -> Author {
        self.authors[side]
    }
}

impl Played {
    /// Gives the author of what a side did while the scene was set.
    pub(super) fn author_before(&self, side: usize) -> Author {
        self.authors_before[side]
    }
}

impl Stage {
    pub(super) fn new(
        sides: Vec<Vec<Press>>,
        judge: impl Fn(&mut Cast<'_>, &Played) + 'static,
    ) -> Self {
        Self {
            sides,
            judge: Box::new(judge),
        }
    }
}

/// A press that is the same whatever was made before.
pub(super) fn say(intent: Intent) -> Press {
    Box::new(move |_| intent.clone())
}

/// One side that does one thing.
pub(super) fn side(intent: Intent) -> Vec<Press> {
    vec![say(intent)]
}

/// Lists what is listed at a record, but for its number where a home that went back has issued it twice: no row is about
/// that, and the checks of numbers know when it may be.
pub(super) fn listed(cast: &Cast<'_>, record: RecordId) -> Vec<Entry> {
    let mut listed = cast.merged_at(record);
    listed.retain(|entry| entry.rule != Rule::IssuedTwice);
    listed
}

pub(super) fn assert_nothing_listed(cast: &Cast<'_>, record: RecordId) {
    let listed = listed(cast, record);
    assert!(listed.is_empty(), "{listed:#?}");
}

/// Checks that an entry offers exactly these values, each with the device that wrote it.
pub(super) fn assert_offers(entry: &Entry, wanted: &[(Option<Value>, Author)]) {
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
pub(super) fn assert_chosen_by_one_press(
    cast: &mut Cast<'_>,
    (record, field): (RecordId, &str),
    by: usize,
    wanted: &[(Option<Value>, Author)],
) {
    let entry = cast.entry(Rule::Conflict, record, Some(field));
    assert_offers(&entry, wanted);
    let choice = entry.choices.last().expect("there are several").clone();
    cast.act(
        by,
        Intent::Choose {
            entry: entry.id,
            value: choice.id,
        },
    );
    cast.sync();
    for at in cast.readers() {
        let view = cast.view(at, record);
        assert_eq!(view.value(field), choice.value.as_ref());
    }
    let still = listed(cast, record);
    assert!(still.iter().all(|one| one.id != entry.id), "{still:#?}");
}
