//! Scenes that are aimed at rows of the merge table (design section 5): two or three people have the same record, and act
//! on it without meeting.
//!
//! A scene is set while everything is healed, so that everybody has its records; random work keeps away from these. When
//! its step comes, each side presses what it presses with nothing passing between them; then the network, the crashes and
//! whatever else is going on take their course, and what came of it is judged when everything is healed again.

mod cast;
mod conversion;
mod fields;
mod lives;
mod sales;
mod stage;

use std::collections::BTreeSet;

use model::{IntentId, RecordId};

use super::count::{ROWS, SCENES as TOLD};
use super::dice::Dice;
use super::perform::Pressed;
use super::world::World;
use cast::Cast;
use stage::{Played, Set, Stage};

/// A row of the merge table and how it is made to happen.
pub(super) struct Scene {
    /// The row, in the words of the table.
    pub(super) row: &'static str,
    set: Set,
}

/// The rows.
pub(super) static SCENES: [Scene; 33] = [
    scene("different fields", fields::different_fields),
    scene("same field, different values", fields::same_field),
    scene("same value twice", fields::same_value),
    scene("notes", fields::notes),
    scene("phones, e-mails, tags, links", fields::lists),
    scene("line items", fields::line_items),
    scene("cleared or removed here, changed there", fields::cleared),
    scene("written over what the author had not seen", fields::unseen),
    scene("undone here, changed there", fields::undone_and_changed),
    scene(
        "two devices convert the same inquiry",
        conversion::converted_twice,
    ),
    scene(
        "converted here, disqualified there",
        conversion::disqualified,
    ),
    scene(
        "into a new customer here, an existing one there",
        conversion::new_and_existing,
    ),
    scene("into two existing customers", conversion::two_existing),
    scene(
        "partner here, sales project there",
        conversion::partner_and_project,
    ),
    scene(
        "conversion undone here, work under it there",
        conversion::conversion_undone,
    ),
    scene(
        "win undone here, work under it there",
        conversion::win_undone,
    ),
    scene("undone here, pinned there", conversion::pinned),
    scene("status moved on both sides", sales::status_moved),
    scene("won here, lost there", sales::won_and_lost),
    scene(
        "won on both sides with different offers",
        sales::won_differently,
    ),
    scene("the same draft offer sent by two", sales::sent_by_two),
    scene(
        "offer sent here, draft edited there",
        sales::sent_and_edited,
    ),
    scene(
        "accepted here, rejected or superseded there",
        sales::accepted_and_rejected,
    ),
    scene("two accepted offers", sales::accepted_twice),
    scene("archived here, edited there", lives::archived_and_edited),
    scene("merged here, loser edited there", lives::loser_edited),
    scene("merged into two", lives::merged_apart),
    scene("merged in a circle", lives::merged_in_a_circle),
    scene(
        "two merged here, both converted there",
        lives::merged_and_converted,
    ),
    scene("done per person", lives::done_per_person),
    scene("done for all, postponed", lives::done_for_all_and_postponed),
    scene("reopened here, done there", lives::reopened_and_done),
    scene("postponing what is done", lives::done_and_postponed_again),
];

const fn scene(row: &'static str, set: Set) -> Scene {
    Scene { row, set }
}

/// A scene that was set.
pub(super) struct Aim {
    scene: usize,
    stage: Stage,
    played: Played,
    /// What its sides did, once they did it.
    operations: Option<Vec<IntentId>>,
    set: BTreeSet<IntentId>,
    is_void: bool,
}

/// Gives the rows that a run has to meet.
pub fn rows() -> impl Iterator<Item = &'static str> {
    SCENES.iter().map(|scene| scene.row)
}

/// Says how many rows there are.
pub(super) fn count() -> usize {
    SCENES.len()
}

impl World {
    /// Sets a scene on two or three devices of different members; none when there are not enough.
    pub(super) fn set_scene(&mut self, scene: usize, dice: &mut Dice) -> Option<Aim> {
        let mut devices = self.writers();
        dice.shuffle(&mut devices);
        let mut members = BTreeSet::new();
        devices.retain(|device| members.insert(self.devices[*device].member()));
        let most = if dice.below(3) == 0 { 3 } else { 2 };
        devices.truncate(most);
        if devices.len() < 2 {
            return None;
        }
        let before: BTreeSet<IntentId> = self.ledger.operations.keys().copied().collect();
        self.is_in_scene = true;
        let stage = (SCENES[scene].set)(&mut Cast::of(self), &devices, dice);
        self.is_in_scene = false;
        self.reserve(&before);
        let now = self.ledger.operations.keys();
        let set = now.filter(|id| !before.contains(id)).copied().collect();
        let sides = stage.sides.len();
        devices.truncate(sides.max(2));
        let cast = Cast::of(self);
        let authors = devices.iter().filter_map(|device| cast.author(*device));
        let played = Played {
            authors: Vec::new(),
            authors_before: authors.collect(),
            devices,
            made: vec![Vec::new(); sides],
        };
        self.counts.hit(TOLD, "set");
        Some(Aim {
            scene,
            stage,
            played,
            operations: None,
            set,
            is_void: false,
        })
    }

    /// Keeps random work away from all that the scenes touched, and from what that may become.
    fn reserve(&mut self, before: &BTreeSet<IntentId>) {
        let new = self.ledger.operations.iter();
        let new = new.filter(|(id, _)| !before.contains(id));
        let touched: Vec<RecordId> = new
            .flat_map(|(_, operation)| operation.records.iter().copied())
            .collect();
        for id in touched {
            self.reserve_record(id);
        }
    }

    pub(super) fn reserve_record(&mut self, id: RecordId) {
        let project = RecordId::sales_project_of(id);
        let derived = [
            id,
            RecordId::customer_of(id),
            RecordId::contact_of(id),
            project,
        ];
        self.reserved.extend(derived);
        for won in [id, project] {
            let made = [RecordId::order_of(won), RecordId::project_of(won)];
            self.reserved.extend(made);
        }
    }

    /// Lets the sides of a scene do what they do.
    pub(super) fn play_scene(&mut self, aim: &mut Aim) {
        let devices = aim.played.devices.clone();
        let is_ready = devices.iter().all(|device| {
            let has = |id: &IntentId| self.ledger.operations[id].at.contains(device);
            self.devices[*device].is_writer() && aim.set.iter().all(has)
        });
        if !is_ready {
            return self.void(aim, "not everybody was ready");
        }
        for device in &devices {
            let author = Cast::of(self).author(*device);
            aim.played.authors.extend(author);
        }
        // The presses of a side keep their order; those of different sides are mixed.
        let mut left: Vec<usize> = vec![0; aim.stage.sides.len()];
        let mut done = Vec::new();
        loop {
            let open: Vec<usize> = (0..left.len())
                .filter(|side| left[*side] < aim.stage.sides[*side].len())
                .collect();
            let Some(side) = self.dice.pick(&open).copied() else {
                break;
            };
            let made = &mut aim.played.made[side];
            let intent = aim.stage.sides[side][left[side]](made);
            left[side] += 1;
            self.is_in_scene = true;
            let before = self.ledger.operations.len();
            let pressed = self.press(devices[side], None, intent.clone());
            self.is_in_scene = false;
            debug_assert!(self.ledger.operations.len() >= before);
            match pressed {
                Pressed::Done(outcome) => {
                    for record in &outcome.done.records {
                        self.reserve_record(*record);
                    }
                    // What answers with no record made none.
                    let first = outcome.done.records.first().copied();
                    made.push(first.unwrap_or(RecordId::from_bytes([0; 16])));
                    done.push(outcome.operation);
                }
                Pressed::Died => {
                    self.reserve_of_scenes();
                    return self.void(aim, "a machine died amid it");
                }
                Pressed::Refused(failure) if is_of_fate(&failure.code) => {
                    return self.void(aim, "a disk failed or a right was lost amid it");
                }
                Pressed::Refused(failure) => panic!(
                    "in the scene '{}' {intent:?} was refused: {failure} ({})",
                    SCENES[aim.scene].row, failure.code
                ),
            }
        }
        aim.operations = Some(done);
    }

    /// Keeps random work away from whatever scenes did.
    fn reserve_of_scenes(&mut self) {
        let of_scenes = self
            .ledger
            .operations
            .values()
            .filter(|one| one.is_of_scene);
        let touched: Vec<RecordId> = of_scenes
            .flat_map(|one| one.records.iter().copied())
            .collect();
        for id in touched {
            self.reserve_record(id);
        }
    }

    fn void(&mut self, aim: &mut Aim, why: &str) {
        aim.is_void = true;
        self.counts.hit(TOLD, format!("not judged: {why}"));
    }

    /// Judges a scene when everything is healed; only where all that its sides did is there.
    pub(super) fn judge_scene(&mut self, aim: &mut Aim) {
        if aim.is_void {
            return;
        }
        let Some(done) = &aim.operations else {
            return self.void(aim, "its step was left out");
        };
        let readers = self.readers();
        let is_there = done.iter().chain(&aim.set).all(|id| {
            let at = self.ledger.operations.get(id).map(|one| &one.at);
            at.is_none_or(|at| readers.iter().all(|device| at.contains(device)))
        });
        if !is_there {
            return self.void(aim, "a part of it was lost with a disk or a right");
        }
        let row = SCENES[aim.scene].row;
        self.tell(|| format!("judging '{row}' on devices {:?}", aim.played.devices));
        self.is_in_scene = true;
        let mut cast = Cast::of(self);
        let judged = std::panic::AssertUnwindSafe(|| (aim.stage.judge)(&mut cast, &aim.played));
        if let Err(panic) = std::panic::catch_unwind(judged) {
            super::failure::note(format!("the row '{row}' does not hold"));
            std::panic::resume_unwind(panic);
        }
        self.is_in_scene = false;
        self.counts.hit(ROWS, row);
    }
}

/// Tells whether a refusal comes from what else goes on: a disk that fails, a right that was lost.
fn is_of_fate(code: &str) -> bool {
    [
        "store",
        "revoked",
        "role",
        "down",
        "damaged",
        "forbidden",
        "locked",
    ]
    .contains(&code)
}
