//! The document views of a replica in memory, and what refers to what.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, OnceLock};

use model::doc::DocView;
use model::{Author, Kind, RecordId, World};

/// Knows all document views, and answers the model's questions about them.
#[derive(Debug, Default)]
pub struct Views {
    docs: HashMap<RecordId, Arc<DocView>>,
    referrers: BTreeSet<(RecordId, &'static str, RecordId)>,
    kinds: BTreeSet<(Kind, RecordId)>,
    numbers: BTreeSet<(String, RecordId)>,
    members: HashMap<Author, RecordId>,
    workspace: [u8; 32],
}

impl Views {
    /// Makes the empty views of a workspace.
    pub fn new(workspace: [u8; 32]) -> Self {
        Self {
            workspace,
            ..Self::default()
        }
    }

    /// Says which member each device belongs to, as the roster tells.
    pub fn set_members(&mut self, members: impl IntoIterator<Item = (Author, RecordId)>) {
        self.members = members.into_iter().collect();
    }

    /// Counts the documents.
    pub fn len(&self) -> usize {
        self.docs.len()
    }

    /// Tells whether there are none.
    pub fn is_empty(&self) -> bool {
        self.docs.is_empty()
    }

    /// Lists all records in the order of kinds and ids; those whose kind is unknown are not among them.
    pub fn all(&self) -> impl Iterator<Item = (Kind, RecordId)> {
        self.kinds.iter().copied()
    }

    /// Lists the numbers of all records.
    pub fn numbers(&self) -> impl Iterator<Item = (&str, RecordId)> {
        self.numbers
            .iter()
            .map(|(number, id)| (number.as_str(), *id))
    }

    /// Lists the ids of all documents.
    pub fn ids(&self) -> impl Iterator<Item = RecordId> {
        self.docs.keys().copied()
    }

    /// Lists the fields and records that refer to a record.
    pub fn referring(&self, id: RecordId) -> impl Iterator<Item = (&'static str, RecordId)> {
        self.referrers
            .range((id, "", lowest())..)
            .take_while(move |row| row.0 == id)
            .map(|row| (row.1, row.2))
    }

    /// Puts the newest view of a document in the place of the former.
    pub fn put(&mut self, view: DocView) {
        let id = view.id;
        self.remove(id);
        for (field, target) in view.references() {
            self.referrers.insert((target, field, id));
        }
        if let Some(kind) = view.kind {
            self.kinds.insert((kind, id));
        }
        self.numbers
            .extend(numbers_of(&view).map(|number| (number, id)));
        self.docs.insert(id, Arc::new(view));
    }

    /// Takes a document's view away.
    pub fn remove(&mut self, id: RecordId) {
        let Some(former) = self.docs.remove(&id) else {
            return;
        };
        for (field, target) in former.references() {
            self.referrers.remove(&(target, field, id));
        }
        if let Some(kind) = former.kind {
            self.kinds.remove(&(kind, id));
        }
        for number in numbers_of(&former) {
            self.numbers.remove(&(number, id));
        }
    }
}

/// Gives the names of all fields, by which referrers are ordered: a member is referred to by nearly every record, so
/// looking through all that refers to it would grow with the replica.
fn field_names() -> &'static BTreeSet<&'static str> {
    static NAMES: OnceLock<BTreeSet<&'static str>> = OnceLock::new();
    NAMES.get_or_init(|| model::kind::field_names().collect())
}

fn lowest() -> RecordId {
    RecordId::from_bytes([0; 16])
}

pub(crate) fn numbers_of(view: &DocView) -> impl Iterator<Item = String> + '_ {
    let spec = view.kind.and_then(|kind| kind.field_of_key("number"));
    view.candidates("number")
        .iter()
        .filter_map(move |candidate| match candidate.value(spec?)? {
            model::Value::Text(number) => Some(number),
            _ => None,
        })
}

impl World for Views {
    fn doc(&self, id: RecordId) -> Option<Arc<DocView>> {
        self.docs.get(&id).cloned()
    }

    fn referrers(&self, id: RecordId, field: &str) -> Vec<RecordId> {
        let Some(field) = field_names().get(field) else {
            return Vec::new();
        };
        self.referrers
            .range((id, *field, lowest())..)
            .take_while(|row| row.0 == id && row.1 == *field)
            .map(|row| row.2)
            .collect()
    }

    fn of_kind(&self, kind: Kind) -> Vec<RecordId> {
        self.kinds
            .range((kind, lowest())..)
            .take_while(|row| row.0 == kind)
            .map(|row| row.1)
            .collect()
    }

    fn with_number(&self, number: &str) -> Vec<RecordId> {
        let first = (number.to_owned(), lowest());
        self.numbers
            .range(first..)
            .take_while(|row| row.0 == number)
            .map(|row| row.1)
            .collect()
    }

    fn member_of(&self, author: Author) -> Option<RecordId> {
        self.members.get(&author).copied()
    }

    fn settings_id(&self) -> RecordId {
        RecordId::settings_of(&self.workspace)
    }

    fn workspace(&self) -> [u8; 32] {
        self.workspace
    }
}
