//! The replica: documents in the store, views in memory; intents become transactions, transactions are applied.
//!
//! Every change to memory happens beside a write transaction of the store. When that transaction does not commit,
//! the replica is to be opened again ([`Replica::open`]): it never guesses what was kept.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::ops::ControlFlow;

use model::doc::DocView;
use model::merged::{self, Entry};
use model::parse::Surroundings;
use model::plan::{Answer, Context, Plan, plan};
use model::{Author, Intent, IntentId, RecordId, Refusal, Role, number, record};
use store::{Reading, StoreError, Write};

use crate::digest::Digests;
use crate::document::{Document, DocumentError, Written};
use crate::gate::{self, Limits, MAX_ENVELOPE_OPS, Rejection, Verdict};
use crate::past::Before;
use crate::views::Views;

/// How many documents are kept loaded.
const CACHED_DOCUMENTS: usize = 256;

/// How many stored chunks a document may have before they are compacted into one.
const MAX_CHUNKS: usize = 24;

/// Says why a replica could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum ReplicaError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A stored document does not load.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// A stored answer does not read.
    #[error("a stored answer cannot be read: {0}")]
    Answer(#[from] serde_json::Error),
}

/// Who the device is, as the roster says.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The workspace.
    pub workspace: [u8; 32],
    /// The member that the device belongs to.
    pub member: RecordId,
    /// The member's role.
    pub role: Role,
    /// The device's code in numbers.
    pub code: String,
    /// The actor of this run: 12 bytes of the feed, 8 drawn when the store was opened.
    pub actor: [u8; 20],
}

/// A record's part of a transaction: the changes to its document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordPart {
    /// The record.
    pub record: RecordId,
    /// The change chunks, in their order.
    pub changes: Vec<Vec<u8>>,
}

/// What an intent became.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Carried {
    /// A transaction, to be sealed and committed.
    Out {
        /// The parts, in the order of record ids.
        parts: Vec<RecordPart>,
        /// The answer.
        answer: Answer,
    },
    /// It was carried out before; this was the answer.
    Before(Answer),
}

/// Why an intent did not become a transaction.
#[derive(Debug, thiserror::Error)]
pub enum CarryError {
    /// The rules refuse it; nothing was changed.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The replica failed.
    #[error(transparent)]
    Replica(#[from] ReplicaError),
}

/// What became of an envelope's parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Applied {
    /// All parts are applied, or were already.
    Done {
        /// The operations that they belong to.
        operations: Vec<IntentId>,
        /// The changes that are here now, for which others may wait.
        changes: Vec<(RecordId, [u8; 32])>,
    },
    /// Nothing is applied: these changes must come first.
    Waits(Vec<(RecordId, [u8; 32])>),
    /// Nothing is applied, and never will be.
    Rejected {
        /// The record whose part is bad.
        record: RecordId,
        /// Why.
        reason: Rejection,
    },
    /// Nothing is applied, and never will be: the parts together hold more operations than an envelope may.
    TooManyOperations,
}

/// A device's copy of the workspace.
#[derive(Debug)]
pub struct Replica {
    identity: Identity,
    pub(crate) views: Views,
    digests: Digests,
    pub(crate) merged: BTreeMap<RecordId, Vec<Entry>>,
    documents: HashMap<RecordId, Document>,
    recent: VecDeque<RecordId>,
    counts: HashMap<i16, u32>,
}

impl Replica {
    /// Opens the replica that a store holds; views that cannot be read are built anew from their documents.
    pub fn open(
        source: &impl Reading,
        identity: Identity,
        members: Vec<(Author, RecordId)>,
    ) -> Result<Self, ReplicaError> {
        let mut replica = Self::empty(identity, members);
        let mut unread = Vec::new();
        source.for_each_view(|id, bytes| -> ControlFlow<()> {
            let id = RecordId::from_bytes(id);
            match DocView::from_bytes(id, bytes) {
                Ok(view) => replica.views.put(view),
                Err(_) => unread.push(id),
            }
            ControlFlow::Continue(())
        })?;
        replica.build(source, &unread)?;
        Ok(replica)
    }

    /// Opens the replica from the documents alone, as if no view had ever been kept.
    pub fn open_from_nothing(
        source: &impl Reading,
        identity: Identity,
        members: Vec<(Author, RecordId)>,
    ) -> Result<Self, ReplicaError> {
        let mut replica = Self::empty(identity, members);
        let all: Vec<RecordId> = source
            .doc_ids()?
            .into_iter()
            .map(RecordId::from_bytes)
            .collect();
        replica.build(source, &all)?;
        Ok(replica)
    }

    fn empty(identity: Identity, members: Vec<(Author, RecordId)>) -> Self {
        let mut views = Views::new(identity.workspace);
        views.set_members(members);
        Self {
            identity,
            views,
            digests: Digests::default(),
            merged: BTreeMap::new(),
            documents: HashMap::new(),
            recent: VecDeque::new(),
            counts: HashMap::new(),
        }
    }

    fn build(&mut self, source: &impl Reading, unread: &[RecordId]) -> Result<(), ReplicaError> {
        for id in unread {
            let view = Document::load(*id, &source.doc_chunks(id.as_bytes())?)?.view();
            self.views.put(view);
        }
        let all: Vec<RecordId> = self.views.ids().collect();
        self.show(all);
        self.count_numbers();
        Ok(())
    }

    /// Gives the views.
    pub fn views(&self) -> &Views {
        &self.views
    }

    /// Gives the compact rows of lists.
    pub fn digests(&self) -> &Digests {
        &self.digests
    }

    /// Says who the device is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Takes what the roster says now: devices of members, and the own role and code.
    pub fn set_identity(&mut self, identity: Identity, members: Vec<(Author, RecordId)>) {
        self.identity = identity;
        self.views.set_members(members);
    }

    /// Lists the entries of the Merged list, in the order of records; those that somebody has seen only if asked.
    pub fn merged(&self, all: bool) -> Vec<Entry> {
        self.merged
            .values()
            .flatten()
            .filter(|entry| all || !entry.acknowledged)
            .cloned()
            .collect()
    }

    /// Lists the entries of the Merged list at one record.
    pub fn merged_at(&self, record: RecordId) -> &[Entry] {
        self.merged.get(&record).map_or(&[], Vec::as_slice)
    }

    /// Loads a document for reading.
    pub fn document(&self, source: &impl Reading, id: RecordId) -> Result<Document, ReplicaError> {
        match self.documents.get(&id) {
            Some(document) => Ok(document.clone()),
            None => Ok(Document::load(id, &source.doc_chunks(id.as_bytes())?)?),
        }
    }

    /// Carries out an intent: works out its plan, writes documents and views.
    ///
    /// The caller seals the parts and commits them in the same transaction; nothing is done before that.
    pub fn carry(
        &mut self,
        write: &Write,
        around: Surroundings,
        intent_id: IntentId,
        intent: &Intent,
        random: &mut dyn FnMut() -> [u8; 10],
    ) -> Result<Carried, CarryError> {
        if let Some(bytes) = write
            .intent(intent_id.as_bytes())
            .map_err(ReplicaError::from)?
        {
            return Ok(Carried::Before(
                serde_json::from_slice(&bytes).map_err(ReplicaError::from)?,
            ));
        }
        let (now_ms, year) = (around.now_ms, around.today.year());
        let next_count = self.next_count(write, year)?;
        let code = self.identity.code.clone();
        let mut ctx = Context {
            world: &self.views,
            past: &Before {
                replica: self,
                source: write,
            },
            member: self.identity.member,
            role: self.identity.role,
            code: &code,
            next_count,
            around,
            intent: intent_id,
            random,
        };
        let plan = plan(&mut ctx, intent)?;
        let planned: Vec<RecordId> = plan.writes.iter().map(|writes| writes.id).collect();
        let before = self.affected(&planned);
        let mut parts = Vec::new();
        let mut touched = Vec::new();
        for (document, written) in self.write_all(write, now_ms, intent_id, &plan)? {
            touched.push(document.id());
            self.keep(write, document, std::slice::from_ref(&written))?;
            parts.push(RecordPart {
                record: touched[touched.len() - 1],
                changes: vec![written.bytes],
            });
        }
        if plan.minted > 0 {
            let next = u64::from(next_count) + u64::from(plan.minted);
            write
                .set_counter(&counter_name(year, &code), next)
                .map_err(ReplicaError::from)?;
        }
        let answer = serde_json::to_vec(&plan.answer).map_err(ReplicaError::from)?;
        write
            .set_intent(intent_id.as_bytes(), &answer)
            .map_err(ReplicaError::from)?;
        write
            .append_recent(intent_id.as_bytes())
            .map_err(ReplicaError::from)?;
        self.refresh(&touched, before);
        Ok(Carried::Out {
            parts,
            answer: plan.answer,
        })
    }

    /// Writes what a plan says into documents, and refuses what the gate of others would not let pass.
    ///
    /// Documents that were written to are out of memory then; nothing is in the store before they are kept.
    fn write_all(
        &mut self,
        source: &impl Reading,
        now_ms: i64,
        operation: IntentId,
        plan: &Plan,
    ) -> Result<Vec<(Document, Written)>, CarryError> {
        let mut all = Vec::new();
        let mut operations_count = 0;
        let writing = plan
            .writes
            .iter()
            .filter(|writes| !writes.registers.is_empty() || writes.note.is_some());
        for writes in writing {
            let mut document = self.take(source, writes.id)?;
            let written = document.write(self.identity.actor, now_ms, operation, writes);
            let Some(written) = written else { continue };
            match gate::parse(&written.bytes, &Limits::default()) {
                Ok(parsed) => operations_count += parsed.op_count(),
                Err(Rejection::OverLimit { .. }) => return Err(Refusal::TooLarge.into()),
                Err(rejection) => {
                    let reason = rejection.to_string();
                    return Err(Refusal::NotTaken { reason }.into());
                }
            }
            if operations_count > MAX_ENVELOPE_OPS {
                return Err(Refusal::TooLarge.into());
            }
            all.push((document, written));
        }
        Ok(all)
    }

    /// Says which counter the next number of a year takes: after all that this device ever minted, as far as is known.
    fn next_count(&self, source: &impl Reading, year: i16) -> Result<u32, ReplicaError> {
        let kept = source.counter(&counter_name(year, &self.identity.code))?;
        let seen = self.counts.get(&year).copied().unwrap_or(0);
        Ok(u32::try_from(kept)
            .unwrap_or(u32::MAX)
            .max(seen.saturating_add(1))
            .max(1))
    }

    fn count_numbers(&mut self) {
        let own: Vec<(i16, u32)> = self
            .views
            .numbers()
            .filter_map(|(text, _)| number::parse(text))
            .filter(|number| number.code == self.identity.code)
            .map(|number| (number.year, number.count))
            .collect();
        own.into_iter()
            .for_each(|(year, count)| self.count(year, count));
    }

    fn count(&mut self, year: i16, count: u32) {
        let highest = self.counts.entry(year).or_insert(0);
        *highest = count.max(*highest);
    }

    /// Applies the parts of an envelope from outside, all or none.
    ///
    /// `prefixes` are the beginnings of the actor ids that its author may use.
    pub fn apply(
        &mut self,
        write: &Write,
        parts: &[RecordPart],
        prefixes: &[[u8; 12]],
    ) -> Result<Applied, ReplicaError> {
        let mut ready: Vec<(Document, Vec<Written>)> = Vec::new();
        let mut missing = Vec::new();
        let mut operations_count = 0;
        for part in parts {
            // A record may have several parts; the later ones continue the earlier.
            let at = ready
                .iter()
                .position(|(document, _)| document.id() == part.record);
            let (mut document, mut written) = match at {
                Some(at) => ready.swap_remove(at),
                None => (self.document(write, part.record)?, Vec::new()),
            };
            for bytes in &part.changes {
                match document.check(bytes, prefixes) {
                    Err(reason) => {
                        return Ok(Applied::Rejected {
                            record: part.record,
                            reason,
                        });
                    }
                    Ok((_, Verdict::Known)) => {}
                    Ok((_, Verdict::Missing(hashes))) => {
                        missing.extend(hashes.into_iter().map(|hash| (part.record, hash.0)));
                    }
                    Ok((parsed, Verdict::Ready)) => {
                        operations_count += parsed.op_count();
                        if operations_count > MAX_ENVELOPE_OPS {
                            return Ok(Applied::TooManyOperations);
                        }
                        written.push(document.apply(bytes, &parsed)?);
                    }
                }
            }
            ready.push((document, written));
        }
        if !missing.is_empty() {
            return Ok(Applied::Waits(missing));
        }
        let all: Vec<RecordId> = ready.iter().map(|(document, _)| document.id()).collect();
        let before = self.affected(&all);
        let mut touched = Vec::new();
        let (mut operations, mut changes) = (BTreeSet::new(), Vec::new());
        for (document, written) in ready.into_iter().filter(|(_, written)| !written.is_empty()) {
            let id = document.id();
            touched.push(id);
            operations.extend(written.iter().filter_map(|one| one.operation));
            changes.extend(written.iter().map(|one| (id, one.hash)));
            self.keep(write, document, &written)?;
        }
        self.refresh(&touched, before);
        Ok(Applied::Done {
            operations: operations.into_iter().collect(),
            changes,
        })
    }

    /// Forgets what was written to records in a transaction that was not committed.
    pub fn revert(
        &mut self,
        source: &impl Reading,
        records: &[RecordId],
    ) -> Result<(), ReplicaError> {
        let before = self.affected(records);
        for id in records {
            self.documents.remove(id);
            let chunks = source.doc_chunks(id.as_bytes())?;
            if chunks.is_empty() {
                self.views.remove(*id);
            } else {
                self.views.put(Document::load(*id, &chunks)?.view());
            }
        }
        self.refresh(records, before);
        Ok(())
    }

    fn take(&mut self, source: &impl Reading, id: RecordId) -> Result<Document, ReplicaError> {
        match self.documents.remove(&id) {
            Some(document) => Ok(document),
            None => Ok(Document::load(id, &source.doc_chunks(id.as_bytes())?)?),
        }
    }

    /// Writes a document's new changes and its view, and keeps it loaded.
    fn keep(
        &mut self,
        write: &Write,
        document: Document,
        written: &[Written],
    ) -> Result<(), ReplicaError> {
        let id = document.id();
        for one in written {
            write.append_chunk(id.as_bytes(), &one.bytes)?;
            if let Some(operation) = one.operation {
                write.put_operation(operation.as_bytes(), id.as_bytes(), &[])?;
            }
        }
        if write.doc_chunks(id.as_bytes())?.len() > MAX_CHUNKS
            && let Some(compacted) = document.compacted()
        {
            write.replace_chunks(id.as_bytes(), &[compacted])?;
        }
        let view = document.view();
        write.set_view(id.as_bytes(), &view.to_bytes())?;
        self.views.put(view);
        self.documents.insert(id, document);
        self.recent.push_back(id);
        while self.recent.len() > CACHED_DOCUMENTS {
            let Some(oldest) = self.recent.pop_front() else {
                break;
            };
            if !self.recent.contains(&oldest) {
                self.documents.remove(&oldest);
            }
        }
        Ok(())
    }

    /// Works out the rows and entries of records.
    fn show(&mut self, records: impl IntoIterator<Item = RecordId>) {
        for id in records {
            let entries = merged::entries(&self.views, id);
            if entries.is_empty() {
                self.merged.remove(&id);
            } else {
                self.merged.insert(id, entries);
            }
            self.digests.refresh(&self.views, id);
        }
    }

    /// Works out anew what depends on the touched records: rows of lists and entries of the Merged list.
    ///
    /// `before` is what depended on them before they were touched: a reference may have been taken away.
    fn refresh(&mut self, touched: &[RecordId], before: BTreeSet<RecordId>) {
        let mut affected = self.affected(touched);
        affected.extend(before);
        self.show(affected);
        let own: Vec<(i16, u32)> = touched
            .iter()
            .filter_map(|id| record::record(&self.views, *id))
            .filter_map(|view| {
                number::parse(view.text("number"))
                    .map(|one| (one.code == self.identity.code, one.year, one.count))
            })
            .filter(|(own, _, _)| *own)
            .map(|(_, year, count)| (year, count))
            .collect();
        own.into_iter()
            .for_each(|(year, count)| self.count(year, count));
    }
}

fn counter_name(year: i16, code: &str) -> String {
    format!("number/{year}/{code}")
}
