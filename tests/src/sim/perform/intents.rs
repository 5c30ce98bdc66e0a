//! Steps in which somebody does something to records.

use engine::interface::{Answer, ImportFile, Request};
use model::intent::Undo;
use model::{Intent, IntentId};

use super::Pressed;
use crate::sim::count::INTENTS;
use crate::sim::wish::wish;
use crate::sim::world::World;

/// How often somebody thinks of something that is refused before the step is over.
const TRIES: usize = 6;

impl World {
    /// Lets somebody do something out of the whole model.
    pub(super) fn wish(&mut self, who: usize) {
        let theme = self.dice.next();
        for _ in 0..TRIES {
            let Some(device) = self.a_writer(who) else {
                return;
            };
            let mut dice = self.dice.clone();
            let thought = wish(self, device, theme, &mut dice);
            self.dice = dice;
            let Some(intent) = thought else {
                continue;
            };
            match self.press(device, None, intent) {
                Pressed::Refused(_) => {}
                Pressed::Done(_) | Pressed::Died => return,
            }
        }
    }

    /// Lets somebody read a few cards.
    pub(super) fn import(&mut self, who: usize) {
        let Some(device) = self.a_writer(who) else {
            return;
        };
        let count = 1 + self.dice.below(5);
        let card = |at: usize| {
            let tail = self.dice.clone().next().wrapping_add(at as u64) % 1_000;
            format!(
                "BEGIN:VCARD\r\nVERSION:3.0\r\nN:Muster {tail};Erika;;;\r\nFN:Erika Muster {tail}\r\n\
                 ORG:Mueller {tail} GmbH\r\nTEL:+49 30 {tail}{at}\r\nEND:VCARD\r\n"
            )
        };
        let cards: String = (0..count).map(card).collect();
        let shown_ms = self.devices[device].desk.clock.now_ms();
        let id = IntentId::fresh(shown_ms, self.dice.ten());
        let kind = self.dice.percent(30).then(|| "customer".to_owned());
        let request = Request::Import {
            intent_id: Some(id),
            files: vec![ImportFile {
                name: "cards.vcf".to_owned(),
                bytes: cards.into_bytes(),
            }],
            event: self.dice.percent(50).then(|| "Machine Fair".to_owned()),
            origin: None,
            kind,
        };
        match self.ask(device, request, "importing") {
            Ok(Answer::Imported(done)) => {
                self.counts.hit(INTENTS, "import of cards");
                assert_eq!(done.batch, id, "an import is the batch that was asked for");
                assert_eq!(done.records.len(), count, "every card arrives: {done:?}");
            }
            Ok(other) => panic!("an import was answered with {other:?}"),
            Err(_) => self.counts.hit(INTENTS, "import that failed"),
        }
    }

    /// Lets somebody undo one of the batches that are on his device.
    pub(super) fn undo_batch(&mut self, who: usize) {
        let Some(device) = self.a_writer(who) else {
            return;
        };
        let core = self.devices[device].core.as_ref().expect("a writer runs");
        let Ok(read) = core.store().read() else {
            return;
        };
        let batches = store::Reading::batches(&read).expect("the disk is sound");
        drop(read);
        let Some(batch) = self.dice.pick(&batches).copied() else {
            return;
        };
        let what = Undo::Batch(IntentId::from_bytes(batch));
        self.press(device, None, Intent::Undo { what });
    }

    /// Lets somebody attach one of a few files.
    pub(super) fn attach(&mut self, who: usize) {
        let Some(device) = self.a_writer(who) else {
            return;
        };
        let replica = self.devices[device].replica().expect("a writer has one");
        let mut records: Vec<_> = replica.views().all().collect();
        records.retain(|(kind, id)| {
            !self.reserved.contains(id) && kind.fields().iter().any(|field| field.name == "file")
        });
        let Some((_, record)) = self.dice.pick(&records).copied() else {
            return;
        };
        let size = [10, 1_000, 40_000, 300_000][self.dice.below(4)];
        let mut bytes = vec![0; size];
        // Few different ones, so that people attach the same.
        let mut content = crate::sim::dice::Dice::of(self.dice.below(6) as u64);
        content.fill(&mut bytes);
        let shown_ms = self.devices[device].desk.clock.now_ms();
        let request = Request::Attach {
            intent_id: Some(IntentId::fresh(shown_ms, self.dice.ten())),
            record,
            name: format!("photo {}.jpg", self.dice.below(3)),
            batch: None,
            media_type: "image/jpeg".to_owned(),
            bytes: bytes.clone(),
        };
        match self.ask(device, request, "attaching") {
            Ok(Answer::Done(_)) => self.counts.hit(INTENTS, "attach with its file"),
            Ok(other) => panic!("attaching was answered with {other:?}"),
            Err(failure) => self
                .counts
                .hit(INTENTS, format!("attach that failed: {}", failure.code)),
        }
    }

    /// Asks again for what was done before: the first answer comes again, and nothing happens.
    pub(super) fn repeat(&mut self, who: usize) {
        let Some(device) = self.a_writer(who) else {
            return;
        };
        let done: Vec<IntentId> = self
            .ledger
            .operations
            .iter()
            .filter(|(_, one)| one.by == device && one.at.contains(&device))
            .filter(|(_, one)| one.intent.is_some() && one.answer.is_some())
            .map(|(id, _)| *id)
            .collect();
        let Some(id) = self.dice.pick(&done).copied() else {
            return;
        };
        let operation = self.ledger.operations[&id].clone();
        let (intent, first) = (operation.intent.clone(), operation.answer.clone());
        let was_put_back = self.devices[device].was_put_back;
        let before = self.ledger.operations.len();
        let request = Request::Do {
            intent_id: Some(id),
            batch: None,
            intent: intent.expect("it was looked for"),
        };
        match self.ask(device, request, "repeating") {
            Ok(Answer::Done(again)) => {
                let known = |id: &model::RecordId| operation.records.contains(id);
                // A disk that was put back to an older copy has forgotten the words of the answer.
                let is_of_older_copy = was_put_back
                    && again.done.records.iter().all(known)
                    && again.done.notices.is_empty();
                assert!(
                    Some(&again.done) == first.as_ref() || is_of_older_copy,
                    "intent {id} repeated is answered with {:?} instead of {first:?}",
                    again.done
                );
                assert_eq!(before, self.ledger.operations.len(), "intent {id} repeated");
                self.counts.hit(INTENTS, "repeated intent");
            }
            Ok(other) => panic!("an intent was answered with {other:?}"),
            Err(failure) if failure.code == "down" || failure.code == "store" => {}
            Err(failure) => panic!("intent {id} repeated was refused: {failure}"),
        }
    }
}
