//! What the rules may look at: the document views of a replica and what refers to what.

use std::sync::Arc;

use crate::doc::DocView;
use crate::id::{Author, RecordId};
use crate::kind::Kind;

/// Gives the rules read access to a replica's document views.
pub trait World {
    /// Gives the view of one document.
    fn doc(&self, id: RecordId) -> Option<Arc<DocView>>;

    /// Lists the records that refer to this one in the given field, in the order of their ids.
    fn referrers(&self, id: RecordId, field: &str) -> Vec<RecordId>;

    /// Lists all records of a kind, in the order of their ids.
    fn of_kind(&self, kind: Kind) -> Vec<RecordId>;

    /// Lists the records that carry this number.
    fn with_number(&self, number: &str) -> Vec<RecordId>;

    /// Names the member whose device wrote something.
    fn member_of(&self, author: Author) -> Option<RecordId>;

    /// Names the settings record of the workspace.
    fn settings_id(&self) -> RecordId;

    /// Gives the id of the workspace.
    fn workspace(&self) -> [u8; 32];
}
