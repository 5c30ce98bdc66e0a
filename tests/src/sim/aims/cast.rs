//! Those who play a scene: devices by their numbers, and what they see.

use engine::interface::{Failure, Outcome};
use model::merged::{Entry, Rule};
use model::record::{self, RecordView};
use model::{Author, Intent, IntentId, RecordId, Value};

use crate::sim::perform::Pressed;
use crate::sim::world::World;

/// The devices of the world as scenes name them; where one cannot be asked any more, another answers for it.
pub(super) struct Cast<'w> {
    pub(super) world: &'w mut World,
    /// The member of each device.
    pub(super) members: Vec<RecordId>,
    /// What was done last on each device.
    last: Vec<Option<IntentId>>,
}

impl<'w> Cast<'w> {
    pub(super) fn of(world: &'w mut World) -> Self {
        let zero = RecordId::from_bytes([0; 16]);
        let members = world.devices.iter();
        let members: Vec<RecordId> = members.map(|one| one.member().unwrap_or(zero)).collect();
        let last = vec![None; members.len()];
        Self {
            world,
            members,
            last,
        }
    }

    /// Names all devices that show what the workspace holds.
    pub(super) fn readers(&self) -> Vec<usize> {
        self.world.readers()
    }

    fn reader(&self, wanted: usize) -> usize {
        let readers = self.readers();
        let found = readers.iter().copied().find(|one| *one == wanted);
        found.unwrap_or_else(|| *readers.first().expect("somebody can read"))
    }

    fn writer(&self, wanted: usize) -> usize {
        let writers = self.world.writers();
        let found = writers.iter().copied().find(|one| *one == wanted);
        found.unwrap_or_else(|| *writers.first().expect("somebody can write"))
    }

    /// Lets a device do something that must not be refused.
    pub(super) fn act(&mut self, device: usize, intent: Intent) -> Outcome {
        let device = self.writer(device);
        match self.world.press(device, None, intent.clone()) {
            Pressed::Done(outcome) => {
                self.last[device] = Some(outcome.operation);
                *outcome
            }
            Pressed::Refused(failure) => panic!("{intent:?} was refused: {failure}"),
            Pressed::Died => panic!("a machine died while all was healed"),
        }
    }

    /// Lets a device do something, and gives the first record of the answer.
    pub(super) fn make(&mut self, device: usize, intent: Intent) -> RecordId {
        self.act(device, intent).done.records[0]
    }

    /// Lets this very device do something that may be refused; none when it cannot write any more.
    pub(super) fn try_act_as(
        &mut self,
        device: usize,
        intent: Intent,
    ) -> Option<Result<Outcome, Failure>> {
        if !self.world.writers().contains(&device) {
            return None;
        }
        match self.world.press(device, None, intent) {
            Pressed::Done(outcome) => Some(Ok(*outcome)),
            Pressed::Refused(failure) => Some(Err(failure)),
            Pressed::Died => None,
        }
    }

    /// Names what a device did last.
    pub(super) fn last_of(&self, device: usize) -> IntentId {
        self.last[device].expect("it did something")
    }

    /// Lets all hear of all.
    pub(super) fn sync(&mut self) {
        self.world.settle("amid a scene");
    }

    /// Gives a record as a device sees it.
    pub(super) fn view(&self, device: usize, id: RecordId) -> RecordView {
        let device = self.reader(device);
        self.world
            .see(device, |world| record::record(world, id))
            .unwrap_or_else(|| panic!("record {id} is not known to device {device}"))
    }

    pub(super) fn text(&self, device: usize, id: RecordId, key: &str) -> String {
        self.view(device, id).text(key).to_owned()
    }

    pub(super) fn status(&self, device: usize, id: RecordId) -> String {
        self.view(device, id).status_word().to_owned()
    }

    /// Lists what is listed at a record and nobody has seen, which is the same on all devices.
    pub(super) fn merged_at(&self, record: RecordId) -> Vec<Entry> {
        let mut lists = self.readers().into_iter().map(|device| {
            let replica = self.world.devices[device].replica();
            let all = replica.map(|one| one.merged_at(record).to_vec());
            let mut all = all.unwrap_or_default();
            all.retain(|entry| !entry.acknowledged);
            all
        });
        let first = lists.next().unwrap_or_default();
        for list in lists {
            assert_eq!(first, list, "two devices list something else at {record}");
        }
        first
    }

    /// Checks that the Merged list has an entry by this rule at a field of a record, and gives it.
    pub(super) fn entry(&self, rule: Rule, record: RecordId, field: Option<&str>) -> Entry {
        let list = self.merged_at(record);
        let mut found = list
            .iter()
            .filter(|entry| entry.rule == rule && entry.field.as_deref() == field);
        match (found.next(), found.next()) {
            (Some(only), None) => only.clone(),
            _ => panic!("one entry by {rule:?} at {record} {field:?} is expected: {list:#?}"),
        }
    }

    /// Finds the entry that offers this text as a value which is not shown.
    pub(super) fn entry_with(&self, rule: Rule, record: RecordId, text: &str) -> Entry {
        let list = self.merged_at(record);
        let found = list.iter().find(|entry| {
            let offers = entry
                .choices
                .iter()
                .any(|one| !one.shown && one.value == Some(Value::Text(text.to_owned())));
            entry.rule == rule && offers
        });
        match found {
            Some(entry) => entry.clone(),
            None => panic!("no entry by {rule:?} at {record} offers {text}: {list:#?}"),
        }
    }

    /// Names the author as which a device writes now.
    pub(super) fn author(&self, device: usize) -> Option<Author> {
        let replica = self.world.devices[device].replica()?;
        let actor = replica.identity().actor;
        let (feed, _) = actor.split_first_chunk::<12>()?;
        Some(Author::from_bytes(*feed))
    }
}
