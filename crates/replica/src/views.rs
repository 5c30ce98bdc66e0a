//! What a replica knows of its documents without reading them: kinds, numbers, and what refers to what.
//!
//! The document views themselves lie in the store; those that were looked at last are at hand here.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::mem;
use std::sync::{Arc, OnceLock};

use model::doc::DocView;
use model::{Author, Kind, RecordId};

use crate::sections::{Sections, each_section, sections};

/// How many document views are kept at hand, in two halves.
const AT_HAND: usize = 4_096;

/// What a document says that others are found by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Links {
    kind: Option<Kind>,
    references: Box<[(Field, RecordId)]>,
    numbers: Box<[String]>,
}

/// A field's place among the names of all fields.
type Field = u8;

impl Links {
    pub(crate) fn of(view: &DocView) -> Self {
        let references = view.references().into_iter();
        Self {
            kind: view.kind,
            references: references
                .filter_map(|(name, target)| Some((place_of(name)?, target)))
                .collect(),
            numbers: numbers_of(view).collect(),
        }
    }

    /// Writes the links for the store.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let kind = self.kind.and_then(|kind| {
            let at = model::kind::KINDS.iter().position(|other| *other == kind);
            at.map(|at| at as u8)
        });
        let mut references = Vec::with_capacity(self.references.len() * 17);
        for (field, target) in &self.references {
            references.push(*field);
            references.extend_from_slice(target.as_bytes());
        }
        let numbers: Vec<&[u8]> = self
            .numbers
            .iter()
            .map(|number| number.as_bytes())
            .collect();
        sections(&[
            &kind.map_or(Vec::new(), |kind| vec![kind]),
            &references,
            &sections(&numbers),
        ])
    }

    /// Reads what the store kept; none when it is not of this layout.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let parts = Sections::<3>::new(bytes)?;
        let kind = match parts.get(0) {
            [] => None,
            [at] => Some(*model::kind::KINDS.get(usize::from(*at))?),
            _ => return None,
        };
        let (references, rest) = parts.get(1).as_chunks::<17>();
        let references = references.iter().map(|[field, target @ ..]| {
            let is_known = usize::from(*field) < field_names().len();
            is_known.then(|| (*field, RecordId::from_bytes(*target)))
        });
        let numbers = each_section(parts.get(2))?.into_iter();
        let numbers = numbers.map(|number| String::from_utf8(number.to_vec()).ok());
        Some(Self {
            kind,
            references: rest
                .is_empty()
                .then_some(references)?
                .collect::<Option<_>>()?,
            numbers: numbers.collect::<Option<_>>()?,
        })
    }
}

/// Knows all documents by what they are found by.
#[derive(Debug, Default)]
pub struct Views {
    links: HashMap<RecordId, Links>,
    referrers: BTreeSet<(RecordId, Field, RecordId)>,
    kinds: BTreeSet<(Kind, RecordId)>,
    numbers: BTreeSet<(String, RecordId)>,
    members: HashMap<Author, RecordId>,
    workspace: [u8; 32],
    at_hand: RefCell<AtHand>,
}

/// The document views that were looked at last: what is in neither half was not for a while.
#[derive(Debug, Default)]
struct AtHand {
    new: HashMap<RecordId, Arc<DocView>>,
    old: HashMap<RecordId, Arc<DocView>>,
}

impl AtHand {
    fn get(&mut self, id: RecordId) -> Option<Arc<DocView>> {
        if let Some(view) = self.new.get(&id) {
            return Some(Arc::clone(view));
        }
        let view = self.old.remove(&id)?;
        self.put(Arc::clone(&view));
        Some(view)
    }

    fn put(&mut self, view: Arc<DocView>) {
        if self.new.len() >= AT_HAND / 2 {
            self.old = mem::take(&mut self.new);
        }
        self.old.remove(&view.id);
        self.new.insert(view.id, view);
    }

    fn remove(&mut self, id: RecordId) {
        self.new.remove(&id);
        self.old.remove(&id);
    }
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

    /// Names the member whose device wrote something.
    pub fn member_of(&self, author: Author) -> Option<RecordId> {
        self.members.get(&author).copied()
    }

    /// Gives the id of the workspace.
    pub fn workspace(&self) -> [u8; 32] {
        self.workspace
    }

    /// Counts the documents.
    pub fn len(&self) -> usize {
        self.links.len()
    }

    /// Tells whether there are none.
    pub fn is_empty(&self) -> bool {
        self.links.is_empty()
    }

    /// Tells whether there is a document of this record.
    pub fn has(&self, id: RecordId) -> bool {
        self.links.contains_key(&id)
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
        self.links.keys().copied()
    }

    /// Lists the fields and records that refer to a record.
    pub fn referring(&self, id: RecordId) -> impl Iterator<Item = (&'static str, RecordId)> {
        self.referrers
            .range((id, 0, lowest())..)
            .take_while(move |row| row.0 == id)
            .map(|row| (field_names()[usize::from(row.1)], row.2))
    }

    /// Lists the records that refer to one in the given field, in the order of their ids.
    pub fn referrers(&self, id: RecordId, field: &str) -> impl Iterator<Item = RecordId> {
        let field = place_of(field);
        self.referrers
            .range((id, field.unwrap_or(Field::MAX), lowest())..)
            .take_while(move |row| row.0 == id && Some(row.1) == field)
            .map(|row| row.2)
    }

    /// Lists all records of a kind, in the order of their ids.
    pub fn of_kind(&self, kind: Kind) -> impl Iterator<Item = RecordId> {
        self.kinds
            .range((kind, lowest())..)
            .take_while(move |row| row.0 == kind)
            .map(|row| row.1)
    }

    /// Lists the records that carry a number.
    pub fn with_number(&self, number: &str) -> impl Iterator<Item = RecordId> {
        let first = (number.to_owned(), lowest());
        let number = number.to_owned();
        self.numbers
            .range(first..)
            .take_while(move |row| row.0 == number)
            .map(|row| row.1)
    }

    /// Gives what a document is found by.
    pub(crate) fn links(&self, id: RecordId) -> Option<&Links> {
        self.links.get(&id)
    }

    /// Gives a document's view, when it is at hand.
    pub(crate) fn at_hand(&self, id: RecordId) -> Option<Arc<DocView>> {
        self.at_hand.borrow_mut().get(id)
    }

    /// Keeps a document's view at hand.
    pub(crate) fn keep_at_hand(&self, view: Arc<DocView>) {
        self.at_hand.borrow_mut().put(view);
    }

    /// Puts the newest view of a document in the place of the former.
    pub(crate) fn put(&mut self, view: DocView) {
        self.remove(view.id);
        self.link(view.id, Links::of(&view));
        self.keep_at_hand(Arc::new(view));
    }

    /// Takes in all documents at once, which is much faster than one by one.
    pub(crate) fn fill(&mut self, links: HashMap<RecordId, Links>) {
        let each = || links.iter();
        let mut referrers: Vec<(RecordId, Field, RecordId)> = each()
            .flat_map(|(id, links)| links.references.iter().map(|row| (row.1, row.0, *id)))
            .collect();
        referrers.sort_unstable();
        let mut kinds: Vec<(Kind, RecordId)> = each()
            .filter_map(|(id, links)| Some((links.kind?, *id)))
            .collect();
        kinds.sort_unstable();
        let mut numbers: Vec<(String, RecordId)> = each()
            .flat_map(|(id, links)| links.numbers.iter().map(|number| (number.clone(), *id)))
            .collect();
        numbers.sort_unstable();
        self.referrers = referrers.into_iter().collect();
        self.kinds = kinds.into_iter().collect();
        self.numbers = numbers.into_iter().collect();
        self.links = links;
    }

    fn link(&mut self, id: RecordId, links: Links) {
        for (field, target) in &links.references {
            self.referrers.insert((*target, *field, id));
        }
        self.kinds.extend(links.kind.map(|kind| (kind, id)));
        let numbers = links.numbers.iter().map(|number| (number.clone(), id));
        self.numbers.extend(numbers);
        self.links.insert(id, links);
    }

    /// Takes a document away.
    pub(crate) fn remove(&mut self, id: RecordId) {
        self.at_hand.get_mut().remove(id);
        let Some(former) = self.links.remove(&id) else {
            return;
        };
        for (field, target) in &former.references {
            self.referrers.remove(&(*target, *field, id));
        }
        if let Some(kind) = former.kind {
            self.kinds.remove(&(kind, id));
        }
        for number in former.numbers {
            self.numbers.remove(&(number, id));
        }
    }
}

/// Gives the names of all fields, in order; referrers are ordered by them, since a member is referred to by nearly
/// every record and looking through all that refers to it would grow with the replica.
fn field_names() -> &'static [&'static str] {
    static NAMES: OnceLock<Vec<&'static str>> = OnceLock::new();
    NAMES.get_or_init(|| {
        let names: BTreeSet<&str> = model::kind::field_names().collect();
        names.into_iter().collect()
    })
}

fn place_of(name: &str) -> Option<Field> {
    let at = field_names().binary_search(&name).ok()?;
    Field::try_from(at).ok().filter(|at| *at < Field::MAX)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_has_a_place() {
        assert!(field_names().len() < usize::from(Field::MAX));
        for name in model::kind::field_names() {
            let at = place_of(name).expect("the field has a place");
            assert_eq!(field_names()[usize::from(at)], name);
        }
    }

    #[test]
    fn what_was_looked_at_last_stays_at_hand() {
        let mut at_hand = AtHand::default();
        let id = |n: usize| RecordId::from_bytes((n as u128).to_be_bytes());
        for n in 0..AT_HAND * 2 {
            at_hand.put(Arc::new(DocView::empty(id(n))));
            assert!(
                at_hand.get(id(0)).is_some(),
                "it is looked at again and again"
            );
        }
        assert!(at_hand.get(id(1)).is_none(), "nobody looked at it");
        assert!(at_hand.new.len() + at_hand.old.len() <= AT_HAND);
    }
}
