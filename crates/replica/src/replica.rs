//! The replica: documents and views in the store, rows of lists in memory; intents become transactions, transactions are
//! applied.
//!
//! Every change to memory happens beside a write transaction of the store. When that transaction does not commit,
//! the replica is to be opened again ([`Replica::open`]): it never guesses what was kept.

use std::collections::{BTreeSet, HashMap, VecDeque};

use model::merged::Entry;
use model::parse::Surroundings;
use model::plan::{Answer, Context, Plan, plan};
use model::{Author, Intent, IntentId, RecordId, RecordView, Refusal, Role, World, number, record};
use store::{Reading, StoreError, Write};

use crate::digest::Digests;
use crate::document::{Document, DocumentError, Written};
use crate::gate::{self, Limits, MAX_ENVELOPE_OPS, Rejection, Verdict};
use crate::past::Before;
use crate::rows::{self, Rows};
use crate::sight::{self, Documents, OnlyDocuments, Sight};
use crate::views::{Links, Views};

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
    pub(crate) rows: Rows,
    documents: HashMap<RecordId, Document>,
    recent: VecDeque<RecordId>,
    counts: HashMap<i16, u32>,
}

impl Replica {
    /// Opens the replica that a store holds; rows that another version kept are worked out anew.
    pub fn open(
        source: &impl Reading,
        identity: Identity,
        members: Vec<(Author, RecordId)>,
    ) -> Result<Self, ReplicaError> {
        let mut replica = Self::empty(identity, members);
        let Some((links, rows)) = rows::read(source)? else {
            replica.build(source, source)?;
            return Ok(replica);
        };
        replica.views.fill(links);
        replica.rows = rows;
        replica.count_numbers();
        Ok(replica)
    }

    /// Opens the replica from the documents alone, as if no view and no row had ever been kept.
    pub fn open_from_nothing(
        source: &impl Reading,
        identity: Identity,
        members: Vec<(Author, RecordId)>,
    ) -> Result<Self, ReplicaError> {
        let mut replica = Self::empty(identity, members);
        replica.build(source, &OnlyDocuments(source))?;
        Ok(replica)
    }

    fn empty(identity: Identity, members: Vec<(Author, RecordId)>) -> Self {
        let mut views = Views::new(identity.workspace);
        views.set_members(members);
        Self {
            identity,
            views,
            rows: Rows::default(),
            documents: HashMap::new(),
            recent: VecDeque::new(),
            counts: HashMap::new(),
        }
    }

    /// Works out everything that is derived, from all documents.
    fn build(
        &mut self,
        source: &impl Reading,
        documents: &dyn Documents,
    ) -> Result<(), ReplicaError> {
        let all: Vec<RecordId> = source
            .doc_ids()?
            .into_iter()
            .map(RecordId::from_bytes)
            .collect();
        let mut links = HashMap::with_capacity(all.len());
        for id in &all {
            links.insert(*id, Links::of(&sight::read_view(documents, *id)?));
        }
        self.views.fill(links);
        self.show(documents, all)?;
        self.count_numbers();
        Ok(())
    }

    /// Keeps all rows in the store, when what is kept there is of another version.
    ///
    /// Until then each opening works them out, so this is done soon after the replica was opened.
    pub fn keep_rows(&mut self, write: &Write) -> Result<(), ReplicaError> {
        if self.rows.are_kept() {
            return Ok(());
        }
        Ok(self.rows.keep_all(write, &self.views)?)
    }

    /// Tells whether the store keeps the rows as this version works them out.
    pub fn rows_are_kept(&self) -> bool {
        self.rows.are_kept()
    }

    /// Gives what is known of all documents.
    pub fn views(&self) -> &Views {
        &self.views
    }

    /// Looks at the documents in a source, as the rules do.
    pub fn sight<'a>(&'a self, source: &'a dyn Documents) -> Sight<'a> {
        Sight::new(&self.views, source)
    }

    /// Asks the documents something; fails when one of them could not be read.
    pub fn see<T>(
        &self,
        source: &dyn Documents,
        ask: impl FnOnce(&dyn World) -> T,
    ) -> Result<T, ReplicaError> {
        let sight = self.sight(source);
        let answer = ask(&sight);
        sight.finish()?;
        Ok(answer)
    }

    /// Gives a record's view; none while the record is unknown.
    pub fn record(
        &self,
        source: &dyn Documents,
        id: RecordId,
    ) -> Result<Option<RecordView>, ReplicaError> {
        self.see(source, |world| record::record(world, id))
    }

    /// Gives the compact rows of lists.
    pub fn digests(&self) -> &Digests {
        self.rows.digests()
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
        self.rows
            .entries()
            .filter(|entry| all || !entry.acknowledged)
            .cloned()
            .collect()
    }

    /// Lists the entries of the Merged list at one record.
    pub fn merged_at(&self, record: RecordId) -> &[Entry] {
        self.rows.entries_at(record)
    }

    /// Loads a document for reading.
    pub fn document(&self, source: &dyn Documents, id: RecordId) -> Result<Document, ReplicaError> {
        match self.documents.get(&id) {
            Some(document) => Ok(document.clone()),
            None => Ok(Document::load(id, &source.chunks(id)?)?),
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
        let before = write.intent(intent_id.as_bytes());
        let before = before.map_err(ReplicaError::from)?;
        #[cfg(feature = "sabotage")]
        let before = before.filter(|_| !sabotage::is(sabotage::Break::IntentTwice));
        if let Some(bytes) = before {
            return Ok(Carried::Before(
                serde_json::from_slice(&bytes).map_err(ReplicaError::from)?,
            ));
        }
        // On a disk that was put back to an older copy the answer is lost, but what was done has come back from others.
        let done = write.operation(intent_id.as_bytes());
        let done = done.map_err(ReplicaError::from)?;
        #[cfg(feature = "sabotage")]
        let done = match sabotage::is(sabotage::Break::IntentTwice) {
            true => Vec::new(),
            false => done,
        };
        if !done.is_empty() {
            let records = done.into_iter();
            return Ok(Carried::Before(Answer {
                records: records.map(|(id, _)| RecordId::from_bytes(id)).collect(),
                ..Answer::default()
            }));
        }
        let (now_ms, year) = (around.now_ms, around.today.year());
        let next_count = self.next_count(write, year)?;
        let code = self.identity.code.clone();
        let sight = self.sight(write);
        let mut ctx = Context {
            world: &sight,
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
        let planned = plan(&mut ctx, intent);
        // What could not be read comes first: the plan was made without it.
        sight.finish()?;
        let plan = planned?;
        let planned: Vec<RecordId> = plan.writes.iter().map(|writes| writes.id).collect();
        let before = self.affected(write, &planned)?;
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
        self.refresh(write, &touched, before)?;
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
        #[cfg(feature = "sabotage")]
        if sabotage::is(sabotage::Break::NumberTwice) {
            return Ok(1);
        }
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
        #[cfg(feature = "sabotage")]
        if !missing.is_empty() && sabotage::is(sabotage::Break::PartsApart) {
            missing.clear();
        }
        if !missing.is_empty() {
            return Ok(Applied::Waits(missing));
        }
        let all: Vec<RecordId> = ready.iter().map(|(document, _)| document.id()).collect();
        let before = self.affected(write, &all)?;
        let mut touched = Vec::new();
        let (mut operations, mut changes) = (BTreeSet::new(), Vec::new());
        for (document, written) in ready.into_iter().filter(|(_, written)| !written.is_empty()) {
            let id = document.id();
            touched.push(id);
            operations.extend(written.iter().filter_map(|one| one.operation));
            changes.extend(written.iter().map(|one| (id, one.hash)));
            self.keep(write, document, &written)?;
        }
        self.refresh(write, &touched, before)?;
        Ok(Applied::Done {
            operations: operations.into_iter().collect(),
            changes,
        })
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
    fn show(
        &mut self,
        source: &dyn Documents,
        records: impl IntoIterator<Item = RecordId>,
    ) -> Result<(), ReplicaError> {
        for id in records {
            let shown = self.see(source, |world| rows::work_out(world, id))?;
            self.rows.set(id, shown);
        }
        Ok(())
    }

    /// Works out anew what depends on the touched records, and keeps it: rows of lists and entries of the Merged list.
    ///
    /// `before` is what depended on them before they were touched: a reference may have been taken away.
    fn refresh(
        &mut self,
        write: &Write,
        touched: &[RecordId],
        before: BTreeSet<RecordId>,
    ) -> Result<(), ReplicaError> {
        let mut affected = self.affected(write, touched)?;
        affected.extend(before);
        self.show(write, affected.iter().copied())?;
        if self.rows.are_kept() {
            self.rows.keep(write, &self.views, affected)?;
        } else {
            self.rows.keep_all(write, &self.views)?;
        }
        let numbers: Vec<(i16, u32)> = touched
            .iter()
            .filter_map(|id| number::parse(self.rows.digests().get(*id)?.number()))
            .filter(|number| number.code == self.identity.code)
            .map(|number| (number.year, number.count))
            .collect();
        for (year, count) in numbers {
            self.count(year, count);
        }
        Ok(())
    }
}

fn counter_name(year: i16, code: &str) -> String {
    format!("number/{year}/{code}")
}
