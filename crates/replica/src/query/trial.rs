//! Telling what transactions would do that are not applied: on copies of the documents, which nobody keeps.

use std::collections::HashMap;

use model::{IntentId, Kind, RecordId};

use super::Asked;
use super::history::lines;
use crate::answers::{HistoryItem, Named};
use crate::document::Document;
use crate::gate::Verdict;
use crate::replica::{RecordPart, ReplicaError};

/// What a transaction would do.
#[derive(Debug, Clone, PartialEq)]
pub struct Tried {
    /// The records that it touches, in the order of its parts.
    pub records: Vec<Named>,
    /// What it would write, as the history of those records would tell it.
    pub lines: Vec<HistoryItem>,
    /// When it was made (ms since 1970), by the clock of its device.
    pub made_ms: Option<i64>,
    /// Why it could not be applied as things are; what it would write is not known then.
    pub obstacle: Option<String>,
}

/// Copies of documents on which transactions are tried one after the other.
#[derive(Debug, Default)]
pub struct Trial {
    documents: HashMap<RecordId, Document>,
}

impl Trial {
    /// Tries the parts of a transaction after those that were tried before; those with an obstacle change nothing.
    ///
    /// `prefixes` are the beginnings of the actor ids that its author may use.
    pub fn take(
        &mut self,
        asked: &Asked<'_>,
        parts: &[RecordPart],
        prefixes: &[[u8; 12]],
    ) -> Result<Tried, ReplicaError> {
        let mut documents: HashMap<RecordId, Document> = HashMap::new();
        let mut tried = Tried {
            records: Vec::new(),
            lines: Vec::new(),
            made_ms: None,
            obstacle: None,
        };
        let mut operations: Vec<(RecordId, Option<IntentId>)> = Vec::new();
        for part in parts {
            let mut document = match documents.remove(&part.record) {
                Some(document) => document,
                None => self.document(asked, part.record)?,
            };
            for bytes in &part.changes {
                match document.check(bytes, prefixes) {
                    Err(reason) => tried.obstacle = Some(format!("no device takes it: {reason}")),
                    Ok((parsed, Verdict::Known)) => tried.made(parsed.time_ms),
                    Ok((parsed, Verdict::Missing(_))) => {
                        tried.made(parsed.time_ms);
                        tried.obstacle = Some("it builds on what has not arrived here".to_owned());
                    }
                    Ok((parsed, Verdict::Ready)) => {
                        tried.made(parsed.time_ms);
                        let written = document.apply(bytes, &parsed)?;
                        operations.push((part.record, written.operation));
                    }
                }
            }
            documents.insert(part.record, document);
        }
        if tried.obstacle.is_none() {
            self.documents.extend(documents);
        }
        let mut told = Vec::new();
        for part in parts {
            let named = self.named(asked, part.record);
            if !tried.records.contains(&named) {
                tried.records.push(named);
            }
        }
        for (record, operation) in operations {
            let is_told = told.contains(&(record, operation));
            if tried.obstacle.is_none() && !is_told {
                tried.lines.extend(self.lines(asked, record, operation));
                told.push((record, operation));
            }
        }
        Ok(tried)
    }

    fn document(&self, asked: &Asked<'_>, id: RecordId) -> Result<Document, ReplicaError> {
        match self.documents.get(&id) {
            Some(document) => Ok(document.clone()),
            None => asked.replica.document(asked.world.source(), id),
        }
    }

    /// Names a record as it would be called; one that is here goes by the name that it has.
    fn named(&self, asked: &Asked<'_>, id: RecordId) -> Named {
        let named = asked.named(id);
        match self.kind(asked, id) {
            Some(kind) if named.kind.is_none() => Named {
                kind: Some(kind),
                title: self.title(id).unwrap_or(named.title),
                ..named
            },
            _ => named,
        }
    }

    fn kind(&self, asked: &Asked<'_>, id: RecordId) -> Option<Kind> {
        let here = asked.replica.digests().get(id).map(|digest| digest.kind());
        here.or_else(|| self.documents.get(&id)?.view().kind)
    }

    /// Reads the first name that a new record has.
    fn title(&self, id: RecordId) -> Option<String> {
        let view = self.documents.get(&id)?.view();
        let kind = view.kind?;
        let value = |name: &&str| {
            let spec = kind.field_of_key(name)?;
            let candidate = view.candidates(spec.name).first()?;
            Some(crate::text::plain(&candidate.value(spec)?)).filter(|text| !text.is_empty())
        };
        let names = ["company", "name", "subject", "title", "family", "text"];
        names.iter().find_map(value)
    }

    fn lines(
        &self,
        asked: &Asked<'_>,
        id: RecordId,
        operation: Option<IntentId>,
    ) -> Vec<HistoryItem> {
        let Some(document) = self.documents.get(&id) else {
            return Vec::new();
        };
        let kind = self.kind(asked, id);
        let named = self.named(asked, id);
        let past = document.past().into_iter();
        past.filter(|one| one.operation == operation)
            .flat_map(|one| lines(asked, kind, &named, &one))
            .collect()
    }
}

impl Tried {
    fn made(&mut self, time_ms: i64) {
        self.made_ms = Some(self.made_ms.map_or(time_ms, |before| before.max(time_ms)));
    }
}
