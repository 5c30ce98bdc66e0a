//! Carries out steps.

mod faults;
mod intents;
mod members;

use engine::interface::{Answer, Failure, Outcome, Request};
use model::{Intent, IntentId, World as Seen};

use super::aims::Aim;
use super::count::{INTENTS, REFUSALS};
use super::step::{Step, What};
use super::world::World;

/// What became of a press.
#[derive(Debug)]
pub(crate) enum Pressed {
    /// It was acknowledged.
    Done(Box<Outcome>),
    /// It was refused.
    Refused(Failure),
    /// The machine died before it answered.
    Died,
}

impl World {
    /// Carries out a step and lets its time pass.
    pub(super) fn perform(&mut self, step: &Step, aim: Option<&mut Aim>) {
        self.reseed(step.number);
        self.tell(|| format!("-- {:?}", step.what));
        let who = step.who;
        match step.what {
            What::Wish => self.wish(who),
            What::Aim(_) => {
                if let Some(aim) = aim {
                    self.play_scene(aim);
                }
            }
            What::Import => self.import(who),
            What::UndoBatch => self.undo_batch(who),
            What::Attach => self.attach(who),
            What::Repeat => self.repeat(who),
            What::Invite => self.invite(who, false),
            What::SecondDevice => self.invite(who, true),
            What::ChangeRole => self.change_role(who),
            What::Revoke => self.revoke(who),
            What::AcceptHeld => self.accept_held(who),
            fault => self.fault(fault, who),
        }
        let until = self.now_ms() + step.pause_ms;
        self.go_on_until(until);
    }

    /// Lets a device do something, under an id of the simulation's making.
    pub(super) fn press(
        &mut self,
        device: usize,
        batch: Option<IntentId>,
        intent: Intent,
    ) -> Pressed {
        let shown_ms = self.devices[device].desk.clock.now_ms();
        let id = IntentId::fresh(shown_ms, self.dice.ten());
        self.press_as(device, id, batch, intent)
    }

    /// Lets a device do something under an id.
    pub(super) fn press_as(
        &mut self,
        device: usize,
        id: IntentId,
        batch: Option<IntentId>,
        intent: Intent,
    ) -> Pressed {
        let request = Request::Do {
            intent_id: Some(id),
            batch,
            intent: intent.clone(),
        };
        let answer = self.ask(device, request, "doing");
        self.tell(|| match &answer {
            Ok(_) => format!("device {device}: {intent:?}: done as {id}"),
            Err(failure) => format!("device {device}: {intent:?}: {failure}"),
        });
        match answer {
            Ok(Answer::Done(outcome)) => {
                self.counts.hit(INTENTS, intent_word(&intent));
                self.note_done(id, intent, &outcome);
                Pressed::Done(Box::new(outcome))
            }
            Ok(other) => panic!("an intent was answered with {other:?}"),
            Err(failure) if failure.code == "down" => Pressed::Died,
            Err(failure) => {
                self.counts.hit(REFUSALS, failure.code.clone());
                Pressed::Refused(failure)
            }
        }
    }

    pub(super) fn note_done(&mut self, id: IntentId, intent: Intent, outcome: &Outcome) {
        if let Some(operation) = self.ledger.operations.get_mut(&id) {
            operation.intent.get_or_insert(intent);
            operation.answer.get_or_insert_with(|| outcome.done.clone());
        }
    }

    /// Asks the documents of a device something.
    pub(super) fn see<T>(&self, device: usize, ask: impl FnOnce(&dyn Seen) -> T) -> T {
        let core = self.devices[device].core.as_ref().expect("it runs");
        let read = core.store().read().expect("the disk is sound");
        let replica = core.replica().expect("it belongs to the workspace");
        replica.see(&read, ask).expect("the disk is sound")
    }

    /// Names the devices that show what the workspace holds.
    pub(super) fn readers(&self) -> Vec<usize> {
        let all = 0..self.devices.len();
        all.filter(|device| self.devices[*device].is_member())
            .collect()
    }

    /// Names the devices that may write.
    pub(super) fn writers(&self) -> Vec<usize> {
        let all = 0..self.devices.len();
        all.filter(|device| self.devices[*device].is_writer())
            .collect()
    }

    /// Gives one of those that may write, by a number.
    pub(super) fn a_writer(&self, who: usize) -> Option<usize> {
        let all = self.writers();
        (!all.is_empty()).then(|| all[who % all.len()])
    }
}

fn intent_word(intent: &Intent) -> String {
    let json = serde_json::to_value(intent);
    let word = json
        .ok()
        .and_then(|json| Some(json.get("intent")?.as_str()?.to_owned()));
    word.unwrap_or_default()
}
