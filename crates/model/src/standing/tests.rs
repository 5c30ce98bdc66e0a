use super::*;
use std::collections::BTreeMap;

use crate::doc::OpId;
use crate::id::{Author, Stamp};
use crate::register::Register;

/// How many records a long chain has: more than the stack of a thread bears calls.
const LONG: u32 = 100_000;

/// How many records a chain has where its length does not matter.
const SHORT: u32 = 100;

/// Numbered customers that are all undone but the last, and what belongs under which.
struct Undone {
    under: BTreeMap<u32, Vec<u32>>,
    last: u32,
    life: Life,
    is_pinned: bool,
}

fn numbered(at: u32) -> RecordId {
    let mut bytes = [1; 16];
    bytes[..4].copy_from_slice(&at.to_be_bytes());
    RecordId::from_bytes(bytes)
}

fn number(id: RecordId) -> u32 {
    let bytes = id.as_bytes();
    u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}

fn wrote(value: &Value) -> Vec<Candidate> {
    vec![Candidate {
        register: Register::new(Stamp::from_bytes([1; 8]), Some(value.to_map())),
        op: OpId {
            counter: 1,
            actor: [1; 20],
        },
        time_ms: 0,
    }]
}

impl Undone {
    /// Each record belongs under the one before.
    fn chain(length: u32, life: Life) -> Self {
        Self {
            under: (0..length).map(|at| (at, vec![at + 1])).collect(),
            last: length,
            life,
            is_pinned: false,
        }
    }

    fn first_stands(&self) -> bool {
        stands(self, &self.doc(numbered(0)).expect("there is a first"))
    }
}

impl World for Undone {
    fn doc(&self, id: RecordId) -> Option<Arc<DocView>> {
        let is_last = number(id) == self.last;
        let life = match is_last {
            true => self.life.clone(),
            false => Life::Undone(Vec::new()),
        };
        let mut doc = DocView::empty(id);
        doc.kind = Some(Kind::Customer);
        let mut put = |key: &str, value| doc.registers.insert(key.to_owned(), wrote(&value));
        put("life", Value::Life(life));
        if is_last && self.is_pinned {
            put("pinned/1", Value::Flag(true));
        }
        Some(Arc::new(doc))
    }

    fn referrers(&self, id: RecordId, field: &str) -> Vec<RecordId> {
        let under = self.under.get(&number(id));
        let under = under.filter(|_| field == "customer").into_iter().flatten();
        under.copied().map(numbered).collect()
    }

    fn of_kind(&self, _: Kind) -> Vec<RecordId> {
        Vec::new()
    }

    fn with_number(&self, _: &str) -> Vec<RecordId> {
        Vec::new()
    }

    fn member_of(&self, _: Author) -> Option<RecordId> {
        None
    }

    fn settings_id(&self) -> RecordId {
        RecordId::settings_of(&self.workspace())
    }

    fn workspace(&self) -> [u8; 32] {
        [7; 32]
    }
}

#[test]
fn a_very_long_chain_of_undone_records_is_walked_to_its_end() {
    assert!(!Undone::chain(LONG, Life::Undone(Vec::new())).first_stands());
    assert!(Undone::chain(LONG, Life::Alive).first_stands());
    assert!(!Undone::chain(SHORT, Life::Archived).first_stands());
    let pinned = Undone {
        is_pinned: true,
        ..Undone::chain(SHORT, Life::Undone(Vec::new()))
    };
    assert!(pinned.first_stands());
    assert_eq!(alive_under(&pinned, numbered(0)), [numbered(1)]);
}

#[test]
fn a_ring_of_undone_records_holds_nobody_up() {
    let mut ring = Undone::chain(SHORT, Life::Undone(Vec::new()));
    ring.under.insert(SHORT, vec![0]);
    assert!(!ring.first_stands());
    assert!(alive_under(&ring, numbered(0)).is_empty());
}

#[test]
fn two_records_that_stand_for_the_same_reason_are_both_in_use() {
    let shared = Undone {
        under: BTreeMap::from([(0, vec![1, 2]), (1, vec![2, 3]), (2, vec![3])]),
        last: 3,
        life: Life::Alive,
        is_pinned: false,
    };
    assert_eq!(
        alive_under(&shared, numbered(0)),
        [numbered(1), numbered(2)]
    );
}
