//! Intents: carried out, sealed and committed in one transaction of the store.

use model::IntentId;
use model::intent::{Intent, Undo};
use model::parse::Surroundings as Around;
use model::plan::Answer as Done;
use protocol::{BatchId, Part};
use replica::Carried;
use store::{Reading, Write};
use sync::client::Input;
use vault::{EnvelopeDraft, seal_envelope};

use super::Core;
use super::device::{Device, write_head};
use super::problem::Problem;
use crate::interface::{Failure, Outcome};

/// Carries out one intent inside a write transaction of the store, and seals what it became.
///
/// Nothing holds before that transaction is committed. A refusal comes before memory is touched; after any other failure
/// the device is loaded again.
pub(super) fn commit_intent(
    device: &mut Device,
    write: &Write,
    around: Around,
    id: IntentId,
    batch: Option<IntentId>,
    intent: &Intent,
    fill: &mut dyn FnMut(&mut [u8]),
) -> Result<Done, Problem> {
    let mut random = || {
        let mut bytes = [0; 10];
        fill(&mut bytes);
        bytes
    };
    let (parts, answer) = match device
        .replica
        .carry(write, around, id, intent, &mut random)?
    {
        Carried::Before(answer) => return Ok(answer),
        Carried::Out { parts, answer } => (parts, answer),
    };
    if parts.is_empty() {
        return Ok(answer);
    }
    let parts: Vec<Part> = parts
        .iter()
        .map(|part| Part::Record {
            record: protocol::RecordId::from_bytes(*part.record.as_bytes()),
            changes: part
                .changes
                .iter()
                .map(|change| change.clone().into())
                .collect(),
        })
        .collect();
    append(device, write, &parts, batch, fill)?;
    if let Some(batch) = batch {
        write.put_batch(batch.as_bytes(), id.as_bytes())?;
    }
    Ok(answer)
}

/// Seals parts as the next envelope of this device's feed, inside a write transaction of the store.
pub(super) fn append(
    device: &mut Device,
    write: &Write,
    parts: &[Part],
    batch: Option<IntentId>,
    fill: &mut dyn FnMut(&mut [u8]),
) -> Result<(), Problem> {
    let draft = EnvelopeDraft {
        workspace: device.roster.workspace(),
        sequence: device.head.0 + 1,
        previous: device.head.1,
        roster_head: device.roster.head(),
        cursor: device.cursor,
        batch: batch.map(|batch| BatchId::from_bytes(*batch.as_bytes())),
    };
    let sealed = seal_envelope(
        &draft,
        parts,
        &device.keys,
        &device.ring,
        &mut |bytes: &mut [u8]| fill(bytes),
    )?;
    let feed = device.keys.feed();
    write.put_envelope(feed.as_bytes(), draft.sequence, &sealed.bytes)?;
    write.set_feed(feed.as_bytes(), &write_head(draft.sequence, sealed.hash))?;
    device.head = (draft.sequence, sealed.hash);
    Ok(())
}

impl Core {
    /// Carries out an intent and says what became of it; it is durable then.
    pub(super) fn carry_out(
        &mut self,
        id: Option<IntentId>,
        batch: Option<IntentId>,
        intent: Intent,
    ) -> Result<Outcome, Failure> {
        let id = match id {
            Some(id) => id,
            None => IntentId::fresh(self.around.now_ms(), self.random()),
        };
        self.check_file_is_here(&intent)?;
        let done = match &self.named_undo(id, &intent)? {
            Some(batch) => self.undo_batch(id, *batch)?,
            None => self.carry_one(id, batch, &intent)?,
        };
        self.outcome(id, done)
    }

    /// Names the records that an intent was about.
    pub(super) fn outcome(&self, id: IntentId, done: Done) -> Result<Outcome, Failure> {
        let named = self.ask(|asked, _| {
            let records = done.records.iter();
            Ok(records.map(|record| asked.named(*record)).collect())
        })?;
        Ok(Outcome {
            operation: id,
            done,
            named,
        })
    }

    /// Carries out one intent as one transaction.
    pub(super) fn carry_one(
        &mut self,
        id: IntentId,
        batch: Option<IntentId>,
        intent: &Intent,
    ) -> Result<Done, Failure> {
        self.transact(|device, write, around, fill| {
            commit_intent(device, write, around, id, batch, intent, fill)
        })
    }

    /// Does something in one write transaction of the store, and tells the relay's session what is new.
    pub(super) fn transact(
        &mut self,
        what: impl FnOnce(
            &mut Device,
            &Write,
            Around,
            &mut dyn FnMut(&mut [u8]),
        ) -> Result<Done, Problem>,
    ) -> Result<Done, Failure> {
        self.check_silenced()?;
        let around = self.surroundings();
        let Some(device) = self.device.as_mut() else {
            return Err(self.absent());
        };
        let head = device.head;
        let surroundings = &mut self.around;
        let mut fill = |bytes: &mut [u8]| surroundings.fill_random(bytes);
        let result = self.store.write().map_err(Problem::from).and_then(|write| {
            let done = what(device, &write, around, &mut fill)?;
            write.commit()?;
            Ok(done)
        });
        match result {
            Ok(done) => {
                if device.head != head {
                    let (sequence, hash) = device.head;
                    self.session_input(Input::LocalHead { sequence, hash });
                }
                self.is_changed = true;
                Ok(done)
            }
            Err(problem) => {
                #[cfg(feature = "sabotage")]
                if problem.needs_reload() && sabotage::is(sabotage::Break::MemoryKeptAfterFailure) {
                    let kept = self.device.take();
                    self.recover(&problem);
                    self.device = kept;
                    return Err(problem.into());
                }
                // A refusal may come after something was sealed, which was not committed.
                device.head = head;
                self.recover(&problem);
                Err(problem.into())
            }
        }
    }

    /// Names the batch that an undo takes back; none when it is of one operation, or was carried out before.
    fn named_undo(&self, id: IntentId, intent: &Intent) -> Result<Option<IntentId>, Failure> {
        match intent {
            Intent::Undo {
                what: Undo::Batch(batch),
            } => Ok(Some(*batch)),
            Intent::Undo { what: Undo::Last } => {
                let write = self.store.write().map_err(Problem::from)?;
                // Repeated, it must not find another batch than the first time.
                if write
                    .intent(id.as_bytes())
                    .map_err(Problem::from)?
                    .is_some()
                {
                    return Ok(None);
                }
                match self.device()?.replica.last_undoable(&write) {
                    Some(Undo::Batch(batch)) => Ok(Some(batch)),
                    _ => Ok(None),
                }
            }
            _ => Ok(None),
        }
    }

    /// Undoes the operations of a batch, the newest first, each as a transaction of its own.
    fn undo_batch(&mut self, id: IntentId, batch: IntentId) -> Result<Done, Failure> {
        let operations = {
            let read = self.store.read().map_err(Problem::from)?;
            read.batch(batch.as_bytes()).map_err(Problem::from)?
        };
        if operations.is_empty() {
            return Err(model::Refusal::NoSuchOperation {
                id: batch.to_string(),
            }
            .into());
        }
        let mut whole = Done::default();
        let mut refused = None;
        for (at, operation) in operations.iter().rev().enumerate() {
            let what = Undo::Operation(IntentId::from_bytes(*operation));
            match self.carry_one(id.nth(at as u32), Some(id), &Intent::Undo { what }) {
                Ok(done) => {
                    whole.records.extend(done.records);
                    whole.notices.extend(done.notices);
                    whole.undone.extend(done.undone);
                }
                Err(failure) if whole.undone.is_empty() && at + 1 == operations.len() => {
                    return Err(failure);
                }
                Err(failure) => refused = Some(failure),
            }
        }
        whole.notices.extend(refused.map(|failure| failure.reason));
        Ok(whole)
    }
}
