//! Rows: what is derived of each record for lists and for the Merged list, in memory and kept in the store.
//!
//! A kept row also tells what its document refers to, so that opening a replica reads rows and no documents.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::ControlFlow;

use model::kind::KINDS;
use model::merged::{self, Entry};
use model::{RecordId, World, record};
use sha2::{Digest as _, Sha256};
use store::{Reading, StoreError, Write};

use crate::digest::{Digest, Digests, digest};
use crate::sections::{Sections, sections};
use crate::views::{Links, Views};

/// To be raised when rows or entries of the same documents come to say something else than they did.
const RULES: u32 = 1;

/// Under which name of `meta` the store says which rules its rows follow.
const META_ROWS: &str = "replica/rows";

/// What is derived of one record.
pub(crate) struct Shown {
    digest: Option<Digest>,
    entries: Vec<Entry>,
}

/// Works out what is derived of a record.
pub(crate) fn work_out(world: &dyn World, id: RecordId) -> Shown {
    Shown {
        digest: record::record(world, id).map(|view| digest(world, &view)),
        entries: merged::entries(world, id),
    }
}

/// The rows of all records.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    digests: Digests,
    entries: BTreeMap<RecordId, Vec<Entry>>,
    /// Which records have entries that involve a record.
    involved: BTreeSet<(RecordId, RecordId)>,
    are_kept: bool,
}

impl Rows {
    pub(crate) fn digests(&self) -> &Digests {
        &self.digests
    }

    /// Visits the entries of the Merged list in the order of records.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values().flatten()
    }

    /// Gives the entries at one record.
    pub(crate) fn entries_at(&self, record: RecordId) -> &[Entry] {
        self.entries.get(&record).map_or(&[], Vec::as_slice)
    }

    /// Lists the records that have entries which involve this one.
    pub(crate) fn involving(&self, record: RecordId) -> impl Iterator<Item = RecordId> {
        let first = (record, RecordId::from_bytes([0; 16]));
        self.involved
            .range(first..)
            .take_while(move |row| row.0 == record)
            .map(|row| row.1)
    }

    /// Puts what is derived of a record in the place of the former.
    pub(crate) fn set(&mut self, id: RecordId, shown: Shown) {
        self.digests.set(id, shown.digest);
        for entry in self.entries.remove(&id).unwrap_or_default() {
            for other in entry.records {
                self.involved.remove(&(other, id));
            }
        }
        let involved = shown.entries.iter().flat_map(|entry| &entry.records);
        self.involved.extend(involved.map(|other| (*other, id)));
        if !shown.entries.is_empty() {
            self.entries.insert(id, shown.entries);
        }
    }

    /// Tells whether the store keeps these rows.
    pub(crate) fn are_kept(&self) -> bool {
        self.are_kept
    }

    /// Keeps the rows of some records.
    pub(crate) fn keep(
        &self,
        write: &Write,
        views: &Views,
        records: impl IntoIterator<Item = RecordId>,
    ) -> Result<(), StoreError> {
        for id in records {
            // What is only referred to has no document yet, and so no row.
            if let Some(links) = views.links(id) {
                write.set_row(id.as_bytes(), &self.to_bytes(id, links))?;
            }
        }
        Ok(())
    }

    /// Keeps the rows of all records, and says which rules they follow.
    pub(crate) fn keep_all(&mut self, write: &Write, views: &Views) -> Result<(), StoreError> {
        write.clear_rows()?;
        self.keep(write, views, views.ids())?;
        write.set_meta(META_ROWS, &rules())?;
        self.are_kept = true;
        Ok(())
    }

    fn to_bytes(&self, id: RecordId, links: &Links) -> Vec<u8> {
        let entries = match self.entries.get(&id) {
            Some(entries) => serde_json::to_vec(entries).expect("entries are plain values"),
            None => Vec::new(),
        };
        let digest = self.digests.get(id).map_or(&[][..], Digest::as_bytes);
        sections(&[&links.to_bytes(), digest, &entries])
    }
}

/// What the rows of a store hold: of the documents, and of the records.
pub(crate) type Kept = (HashMap<RecordId, Links>, Rows);

fn are_kept(source: &impl Reading) -> Result<bool, StoreError> {
    Ok(source.meta(META_ROWS)?.as_deref() == Some(&rules()))
}

/// Reads all rows; none when they were kept by other rules, or one of them cannot be read.
pub(crate) fn read(source: &impl Reading) -> Result<Option<Kept>, StoreError> {
    if !are_kept(source)? {
        return Ok(None);
    }
    let mut rows = Rows {
        are_kept: true,
        ..Rows::default()
    };
    let mut all = HashMap::new();
    let unread = source.for_each_row(|id, bytes| {
        let id = RecordId::from_bytes(id);
        match read_row(id, bytes) {
            Some((links, shown)) => {
                all.insert(id, links);
                rows.set(id, shown);
                ControlFlow::Continue(())
            }
            None => ControlFlow::Break(()),
        }
    })?;
    Ok(unread.is_none().then_some((all, rows)))
}

fn read_row(id: RecordId, bytes: &[u8]) -> Option<(Links, Shown)> {
    let parts = Sections::<3>::new(bytes)?;
    let digest = match parts.get(1) {
        [] => None,
        bytes => Some(Digest::from_bytes(id, bytes)?),
    };
    let entries = match parts.get(2) {
        [] => Vec::new(),
        bytes => serde_json::from_slice(bytes).ok()?,
    };
    Some((Links::from_bytes(parts.get(0))?, Shown { digest, entries }))
}

/// Names the rules that rows follow: their number, and the table of fields that rows name by their places.
fn rules() -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(RULES.to_be_bytes());
    for kind in KINDS {
        hash.update(kind.name());
        for spec in kind.fields() {
            hash.update([0, spec.form as u8, u8::from(spec.many)]);
            hash.update(spec.name);
        }
    }
    for name in model::kind::field_names() {
        hash.update([0]);
        hash.update(name);
    }
    hash.finalize().into()
}
