//! The replica as the rules look at it: what is known of all documents, and their views from the store.

use std::cell::RefCell;
use std::sync::Arc;

use model::doc::DocView;
use model::{Author, Kind, RecordId, World};
use store::{Reading, StoreError};

use crate::document::Document;
use crate::replica::ReplicaError;
use crate::views::Views;

/// Where documents and their views lie: a snapshot of the store, or a write in progress.
pub trait Documents {
    /// Gives the kept view of a record.
    fn kept_view(&self, id: RecordId) -> Result<Option<Vec<u8>>, StoreError>;

    /// Gives the chunks of a document.
    fn chunks(&self, id: RecordId) -> Result<Vec<Vec<u8>>, StoreError>;
}

impl<S: Reading> Documents for S {
    fn kept_view(&self, id: RecordId) -> Result<Option<Vec<u8>>, StoreError> {
        self.view(id.as_bytes())
    }

    fn chunks(&self, id: RecordId) -> Result<Vec<Vec<u8>>, StoreError> {
        self.doc_chunks(id.as_bytes())
    }
}

/// Documents without the views that were kept of them.
pub(crate) struct OnlyDocuments<'a, S: Reading>(pub(crate) &'a S);

impl<S: Reading> Documents for OnlyDocuments<'_, S> {
    fn kept_view(&self, _: RecordId) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(None)
    }

    fn chunks(&self, id: RecordId) -> Result<Vec<Vec<u8>>, StoreError> {
        self.0.doc_chunks(id.as_bytes())
    }
}

/// Looks at the documents of one moment.
///
/// The rules cannot be told that the disk failed, so a view that could not be read is missing to them, and whoever asked
/// must not believe the answer: [`Sight::finish`] gives the failure.
pub struct Sight<'a> {
    views: &'a Views,
    source: &'a dyn Documents,
    failure: RefCell<Option<ReplicaError>>,
}

impl<'a> Sight<'a> {
    pub(crate) fn new(views: &'a Views, source: &'a dyn Documents) -> Self {
        Self {
            views,
            source,
            failure: RefCell::new(None),
        }
    }

    /// Gives the source.
    pub(crate) fn source(&self) -> &'a dyn Documents {
        self.source
    }

    /// Says whether all could be read that was looked at.
    pub fn finish(&self) -> Result<(), ReplicaError> {
        self.failure.borrow_mut().take().map_or(Ok(()), Err)
    }
}

/// Reads a document's view.
pub(crate) fn read_view(source: &dyn Documents, id: RecordId) -> Result<DocView, ReplicaError> {
    if let Some(bytes) = source.kept_view(id)?
        && let Ok(view) = DocView::from_bytes(id, &bytes)
    {
        return Ok(view);
    }
    // Kept by another version, or damaged: it follows from the document at any time.
    Ok(Document::load(id, &source.chunks(id)?)?.view())
}

impl World for Sight<'_> {
    fn doc(&self, id: RecordId) -> Option<Arc<DocView>> {
        if !self.views.has(id) {
            return None;
        }
        if let Some(view) = self.views.at_hand(id) {
            return Some(view);
        }
        match read_view(self.source, id) {
            Ok(view) => {
                let view = Arc::new(view);
                self.views.keep_at_hand(Arc::clone(&view));
                Some(view)
            }
            Err(error) => {
                self.failure.borrow_mut().get_or_insert(error);
                None
            }
        }
    }

    fn referrers(&self, id: RecordId, field: &str) -> Vec<RecordId> {
        self.views.referrers(id, field).collect()
    }

    fn of_kind(&self, kind: Kind) -> Vec<RecordId> {
        self.views.of_kind(kind).collect()
    }

    fn with_number(&self, number: &str) -> Vec<RecordId> {
        self.views.with_number(number).collect()
    }

    fn member_of(&self, author: Author) -> Option<RecordId> {
        self.views.member_of(author)
    }

    fn settings_id(&self) -> RecordId {
        RecordId::settings_of(&self.views.workspace())
    }

    fn workspace(&self) -> [u8; 32] {
        self.views.workspace()
    }
}
