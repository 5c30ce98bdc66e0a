//! One record's document: its changes, and the view that follows from them.

use std::collections::{BTreeMap, HashMap};

use automerge::transaction::{CommitOptions, Transactable};
use automerge::{
    ActorId, Automerge, Change, ChangeHash, ChangeMetadata, ROOT, ReadDoc, ScalarValue,
};
use model::doc::{Candidate, DocView, OpId, Origin};
use model::plan::{Deed, DeedWrite, NoteDeed, RecordWrites, identity};
use model::register::Register;
use model::{Author, IntentId, Kind, RecordId};

use crate::gate::{self, Action, Limits, ParsedChange, Rejection, Verdict};
use crate::genesis::{Text, genesis_bytes, genesis_hash, new_document};
use crate::note;

/// A dependency that claims to be made more than this after now does not count for the time of a change.
const MAX_AHEAD_MS: i64 = 24 * 60 * 60 * 1000;

/// Says why a document's stored bytes do not load: the store is damaged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the document of record {record} cannot be loaded: {reason}")]
pub struct DocumentError {
    /// The record.
    pub record: RecordId,
    /// What automerge said.
    pub reason: String,
}

/// A record's document in memory.
#[derive(Debug, Clone)]
pub struct Document {
    id: RecordId,
    automerge: Automerge,
}

/// A change that was written or applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The uncompressed change chunk.
    pub bytes: Vec<u8>,
    /// Its hash.
    pub hash: [u8; 32],
    /// The operation that it belongs to, as its message names it.
    pub operation: Option<IntentId>,
}

/// What a history needs to know of one change.
#[derive(Debug, Clone)]
pub struct Past {
    /// The device.
    pub author: Author,
    /// When (ms since 1970).
    pub time_ms: i64,
    /// Where it stands among all (ms since 1970): its time, or the latest of what it follows where that is later.
    pub order_ms: i64,
    /// The counter of its first operation, greater than all of what it follows: the order among equal times.
    pub counter: u64,
    /// Its hash, for a stable order: two copies of one home are one device, and may have written in the same moment.
    pub hash: [u8; 32],
    /// The operation.
    pub operation: Option<IntentId>,
    /// What it wrote.
    pub writes: Vec<DeedWrite>,
    /// What it inserted into the note, and what it deleted.
    pub inserted: String,
    /// What it deleted from the note.
    pub deleted: String,
    /// Whether it is the first change to the document.
    pub is_first: bool,
}

impl Past {
    /// Gives where it stands in a history: a total order that is the same on all devices, causes before effects.
    pub fn place(&self) -> (i64, u64, Author, [u8; 32]) {
        (self.order_ms, self.counter, self.author, self.hash)
    }

    /// Tells whether it is work on the record, and not a mark that somebody has seen something.
    fn is_work(&self) -> bool {
        let is_mark = |key: &str| key == "record" || key.starts_with("seen/");
        !self.inserted.is_empty()
            || !self.deleted.is_empty()
            || self.writes.iter().any(|write| !is_mark(&write.key))
    }
}

impl Document {
    /// Makes the document that every record starts from.
    pub fn new(id: RecordId) -> Self {
        Self {
            id,
            automerge: new_document(),
        }
    }

    /// Names the record.
    pub fn id(&self) -> RecordId {
        self.id
    }

    /// Loads a document from its stored chunks; none make a new one.
    pub fn load(id: RecordId, chunks: &[Vec<u8>]) -> Result<Self, DocumentError> {
        let mut bytes = genesis_bytes().to_vec();
        chunks
            .iter()
            .for_each(|chunk| bytes.extend_from_slice(chunk));
        let automerge = Automerge::load(&bytes).map_err(|error| DocumentError {
            record: id,
            reason: error.to_string(),
        })?;
        Ok(Self { id, automerge })
    }

    /// Gives one chunk that holds the whole document, after it was loaded back and found the same.
    pub fn compacted(&self) -> Option<Vec<u8>> {
        let bytes = self.automerge.save();
        let again = Automerge::load(&bytes).ok()?;
        (again.get_heads() == self.automerge.get_heads()).then_some(bytes)
    }

    /// Writes a plan's registers and note as one change of this actor.
    ///
    /// Returns none when there is nothing to write.
    pub fn write(
        &mut self,
        actor: [u8; 20],
        now_ms: i64,
        operation: IntentId,
        writes: &RecordWrites,
    ) -> Option<Written> {
        self.automerge.set_actor(ActorId::from(actor));
        let is_first_of_actor = self.automerge.get_last_local_change().is_none();
        let time_ms = self.time_of_next(now_ms);
        let before = self.note();
        let mut transaction = self.automerge.transaction();
        if is_first_of_actor {
            let register = identity(writes.kind, self.id, operation.stamp());
            put(&mut transaction, "record", &register);
        }
        for (key, register) in &writes.registers {
            put(&mut transaction, key, register);
        }
        if let Some(edit) = &writes.note {
            note::write(&mut transaction, &before, &edit.applied_to(&before));
        }
        let options = CommitOptions::default()
            .with_time(time_ms)
            .with_message(operation.to_string());
        let (hash, _) = transaction.commit_with(options);
        let change = self.automerge.get_change_by_hash(&hash?)?;
        Some(Written {
            bytes: change.raw_bytes().to_vec(),
            hash: hash?.0,
            operation: Some(operation),
        })
    }

    /// Chooses the time of the next change: not before what it depends on.
    fn time_of_next(&self, now_ms: i64) -> i64 {
        self.automerge
            .get_heads()
            .iter()
            .filter_map(|head| self.automerge.get_change_meta_by_hash(head))
            .map(|meta| meta.timestamp + 1)
            .filter(|time_ms| *time_ms <= now_ms.saturating_add(MAX_AHEAD_MS))
            .fold(now_ms, i64::max)
            .min(gate::MAX_TIME_MS)
    }

    /// Asks the gate about a change from outside.
    pub fn check(
        &self,
        bytes: &[u8],
        prefixes: &[[u8; 12]],
    ) -> Result<(ParsedChange, Verdict), Rejection> {
        let parsed = gate::parse(bytes, &Limits::default())?;
        let verdict = gate::check(&parsed, prefixes, self.id, &self.automerge)?;
        Ok((parsed, verdict))
    }

    /// Applies a change that the gate found ready.
    pub fn apply(&mut self, bytes: &[u8], parsed: &ParsedChange) -> Result<Written, DocumentError> {
        let failed = |reason: String| DocumentError {
            record: self.id,
            reason,
        };
        let change =
            Change::from_bytes(bytes.to_vec()).map_err(|error| failed(error.to_string()))?;
        let record = self.id;
        self.automerge
            .apply_changes([change])
            .map_err(|error| DocumentError {
                record,
                reason: error.to_string(),
            })?;
        let operation = parsed
            .message
            .as_deref()
            .and_then(|message| message.parse().ok());
        Ok(Written {
            bytes: bytes.to_vec(),
            hash: parsed.hash.0,
            operation,
        })
    }

    /// Tells whether the document has a change.
    pub fn has(&self, hash: [u8; 32]) -> bool {
        self.automerge
            .get_change_meta_by_hash(&ChangeHash(hash))
            .is_some()
    }

    fn note(&self) -> String {
        self.automerge.text(Text::Note.object()).unwrap_or_default()
    }

    /// Builds the document's view from nothing.
    pub fn view(&self) -> DocView {
        let metas = self.automerge.get_changes_meta(&[]);
        let times: HashMap<ChangeHash, i64> = metas
            .iter()
            .map(|meta| (meta.hash, meta.timestamp))
            .collect();
        let mut view = DocView::empty(self.id);
        view.note = self.note();
        view.changed_ms = metas.iter().map(|meta| meta.timestamp).max().unwrap_or(0);
        let firsts = metas.iter().filter(|meta| meta.deps == [genesis_hash()]);
        let first = firsts.min_by_key(|meta| (meta.timestamp, meta.hash));
        view.created = first.map(origin_of);
        for item in self.automerge.map_range(ROOT, ..) {
            let candidates = self.candidates(&item.key, &times, None);
            if !candidates.is_empty() {
                view.registers.insert(item.key.to_string(), candidates);
            }
        }
        view.kind = DocView::kind_of(self.id, view.candidates("record"));
        if view.kind == Some(Kind::IssuedOffer) {
            self.freeze(&mut view, &times);
        }
        view
    }

    /// Shows an issued offer as it was created; what was written to it later is kept and ignored.
    ///
    /// Anybody can write a first change to any document, but only one whose content the id follows from is the record.
    /// Where there is none, the record shows nothing.
    fn freeze(&self, view: &mut DocView, times: &HashMap<ChangeHash, i64>) {
        let metas = self.automerge.get_changes_meta(&[]);
        let mut firsts: Vec<ChangeHash> = metas
            .iter()
            .filter(|meta| meta.deps == [genesis_hash()])
            .map(|meta| meta.hash)
            .collect();
        firsts.sort_unstable();
        let genuine = firsts.into_iter().find_map(|first| {
            let items = self.automerge.map_range_at(ROOT, .., &[first]);
            let registers: BTreeMap<String, Vec<Candidate>> = items
                .map(|item| item.key.to_string())
                .map(|key| {
                    let candidates = self.candidates(&key, times, Some(first));
                    (key, candidates)
                })
                .filter(|(_, candidates)| !candidates.is_empty())
                .collect();
            model::content::is_genuine(self.id, &registers).then_some((first, registers))
        });
        let later = |key: &str| {
            matches!(key, "life" | "record")
                || ["seen/", "pinned/"]
                    .iter()
                    .any(|prefix| key.starts_with(prefix))
        };
        view.registers.retain(|key, _| later(key));
        view.note.clear();
        if let Some((first, registers)) = genuine {
            let frozen = registers.into_iter().filter(|(key, _)| !later(key));
            view.registers.extend(frozen);
            view.created = metas.iter().find(|meta| meta.hash == first).map(origin_of);
        }
    }

    fn candidates(
        &self,
        key: &str,
        times: &HashMap<ChangeHash, i64>,
        at: Option<ChangeHash>,
    ) -> Vec<Candidate> {
        let found = match at {
            Some(head) => self.automerge.get_all_at(ROOT, key, &[head]),
            None => self.automerge.get_all(ROOT, key),
        };
        let mut candidates: Vec<Candidate> = found
            .unwrap_or_default()
            .into_iter()
            .filter_map(|(value, id)| {
                let automerge::Value::Scalar(scalar) = value else {
                    return None;
                };
                let ScalarValue::Bytes(bytes) = scalar.as_ref() else {
                    return None;
                };
                // What is no register says nothing; it came through the gate, so it is kept.
                let register = Register::from_bytes(bytes).ok()?;
                let hash = self.automerge.hash_for_opid(&id)?;
                let automerge::ObjId::Id(counter, actor, _) = &id else {
                    return None;
                };
                let op = OpId {
                    counter: *counter,
                    actor: actor.to_bytes().try_into().ok()?,
                };
                Some(Candidate {
                    register,
                    op,
                    time_ms: times.get(&hash).copied().unwrap_or(0),
                })
            })
            .collect();
        candidates.sort_by_key(|one| one.op);
        candidates
    }

    /// Reads all changes, causes before effects.
    pub fn past(&self) -> Vec<Past> {
        let mut registers: HashMap<OpId, Candidate> = HashMap::new();
        let mut letters: HashMap<OpId, char> = HashMap::new();
        // From what each follows, not from the order of arrival, so that all devices agree.
        let mut order: HashMap<ChangeHash, i64> = HashMap::new();
        let mut past = Vec::new();
        for change in self.automerge.get_changes(&[]) {
            let Ok(parsed) = gate::parse(change.raw_bytes(), &Limits::default()) else {
                continue;
            };
            let mut one = read_change(&parsed, &mut registers, &mut letters);
            let before = parsed.deps.iter().filter_map(|dep| order.get(dep));
            one.order_ms = before.copied().fold(one.time_ms, i64::max);
            order.insert(parsed.hash, one.order_ms);
            past.push(one);
        }
        past
    }

    /// Says what an operation did to this record, for undoing it.
    pub fn deed(&self, operation: IntentId) -> Option<Deed> {
        let past = self.past();
        let of_it: Vec<&Past> = past
            .iter()
            .filter(|one| one.operation == Some(operation))
            .collect();
        let first = of_it.first()?;
        let author = first.author;
        // What two presses created beside each other stands by the other one when one of them is undone.
        let is_by_it = |one: &&Past| one.operation == Some(operation);
        let mut firsts = past.iter().filter(|one| one.is_first).peekable();
        let created = firsts.peek().is_some() && firsts.all(|one| is_by_it(&one));
        let start = if created {
            0
        } else {
            past.iter()
                .position(|one| one.operation == Some(operation))
                .unwrap_or(0)
        };
        let others = past[start..].iter().filter(|one| !is_by_it(one));
        let others = others.filter(|one| one.is_work()).map(|one| one.author);
        let others = others.collect();
        let writes = of_it.iter().flat_map(|one| one.writes.clone()).collect();
        let wrote_note = of_it
            .iter()
            .any(|one| !one.inserted.is_empty() || !one.deleted.is_empty());
        let note = wrote_note.then(|| self.note_deed(operation)).flatten();
        Some(Deed {
            operation,
            author,
            record: self.id,
            created,
            writes,
            note,
            others,
        })
    }

    /// Says how to take back what an operation did to the note: its characters must be untouched.
    fn note_deed(&self, operation: IntentId) -> Option<NoteDeed> {
        let message = operation.to_string();
        let change = self
            .automerge
            .get_changes(&[])
            .into_iter()
            .find(|one| one.message() == Some(&message))?;
        let text_at = |heads: &[ChangeHash]| {
            self.automerge
                .text_at(Text::Note.object(), heads)
                .unwrap_or_default()
        };
        let (before, after, now) = (
            text_at(change.deps()),
            text_at(&[change.hash()]),
            self.note(),
        );
        if now == after {
            return Some(NoteDeed::Revert(before));
        }
        if now == before {
            return Some(NoteDeed::Gone);
        }
        // What was only added goes if it stands there whole, and once.
        let (prefix, suffix) = model::note::common_ends(&before, &after);
        let added: String = after
            .chars()
            .skip(prefix)
            .take(after.chars().count().saturating_sub(prefix + suffix))
            .collect();
        let only_added = before.chars().count() == prefix + suffix && !added.trim().is_empty();
        if only_added && now.matches(&added).count() == 1 {
            return Some(NoteDeed::Revert(now.replacen(&added, "", 1)));
        }
        Some(NoteDeed::Touched)
    }

    /// Counts the changes.
    pub fn change_count(&self) -> usize {
        self.automerge.get_changes_meta(&[]).len()
    }
}

fn origin_of(meta: &ChangeMetadata<'_>) -> Origin {
    Origin {
        author: author_of(&meta.actor),
        time_ms: meta.timestamp,
        operation: meta
            .message
            .as_deref()
            .and_then(|message| message.parse().ok()),
    }
}

fn author_of(actor: &ActorId) -> Author {
    let mut author = [0; 12];
    author.copy_from_slice(&actor.to_bytes()[..12]);
    Author::from_bytes(author)
}

fn put(transaction: &mut automerge::transaction::Transaction<'_>, key: &str, register: &Register) {
    transaction
        .put(ROOT, key, ScalarValue::Bytes(register.as_bytes().to_vec()))
        .expect("the root map takes scalars under any key");
}

fn read_change(
    parsed: &ParsedChange,
    registers: &mut HashMap<OpId, Candidate>,
    letters: &mut HashMap<OpId, char>,
) -> Past {
    let actor_of = |at: usize| -> [u8; 20] {
        parsed
            .actors
            .get(at)
            .and_then(|actor| actor.to_bytes().try_into().ok())
            .unwrap_or_default()
    };
    let name = |op: &gate::OpId| OpId {
        counter: op.counter,
        actor: actor_of(op.actor),
    };
    let mut past = Past {
        author: author_of(parsed.actor()),
        time_ms: parsed.time_ms,
        order_ms: parsed.time_ms,
        counter: parsed.start_op,
        hash: parsed.hash.0,
        operation: parsed
            .message
            .as_deref()
            .and_then(|message| message.parse().ok()),
        writes: Vec::new(),
        inserted: String::new(),
        deleted: String::new(),
        is_first: parsed.deps == [genesis_hash()],
    };
    for op in &parsed.ops {
        let own = OpId {
            counter: op.counter,
            actor: actor_of(0),
        };
        match &op.action {
            Action::Put { key, value, pred } => {
                let Ok(register) = Register::from_bytes(value) else {
                    continue;
                };
                let wrote = Candidate {
                    register,
                    op: own,
                    time_ms: parsed.time_ms,
                };
                let before = pred
                    .iter()
                    .filter_map(|op| registers.get(&name(op)).cloned())
                    .collect();
                registers.insert(own, wrote.clone());
                past.writes.push(DeedWrite {
                    key: key.clone(),
                    wrote,
                    before,
                });
            }
            Action::Insert {
                text: Text::Note,
                character,
                ..
            } => {
                letters.insert(own, *character);
                past.inserted.push(*character);
            }
            Action::Delete {
                text: Text::Note,
                element,
            } => {
                past.deleted.extend(letters.get(&name(element)));
            }
            Action::Insert { .. } | Action::Delete { .. } => {}
        }
    }
    past
}
