//! The genesis document: the one frozen change that every record's document starts from.
//!
//! It creates the long text `note` and three spare texts in the root map and nothing else
//! (design.md section 4), so that two devices that create the same record merge field by field.
//! Its bytes never change: another genesis would make documents that never merge with the old ones.

use std::sync::OnceLock;

use automerge::{ActorId, Automerge, ChangeHash, ObjId};

/// The number of bytes of an actor id (docs/formats.md, names of bytes).
pub const ACTOR_BYTES: usize = 20;

/// The actor of the genesis change; no device can have it.
pub const GENESIS_ACTOR: [u8; ACTOR_BYTES] = [0; ACTOR_BYTES];

const BYTES: &[u8] = include_bytes!("genesis.bin");

/// SHA-256 over chunk type, length and body of the genesis change, as automerge computes a hash.
const HASH: [u8; 32] = [
    0x71, 0x8c, 0xb5, 0xc6, 0xba, 0x51, 0x5c, 0x97, 0x09, 0xd8, 0xb4, 0x5a, 0x08, 0x7c, 0x27, 0x52,
    0x13, 0xf6, 0x99, 0xd1, 0x93, 0x1f, 0xff, 0xb3, 0xf3, 0x57, 0xf9, 0x5c, 0x6c, 0xed, 0x0a, 0x7c,
];

/// A text object that the genesis change creates in the root map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Text {
    /// The note of a record, which merges by character.
    Note,
    /// The first spare text.
    Text1,
    /// The second spare text.
    Text2,
    /// The third spare text.
    Text3,
}

impl Text {
    /// All texts in the order in which the genesis change creates them.
    pub const ALL: [Self; 4] = [Self::Note, Self::Text1, Self::Text2, Self::Text3];

    /// Returns the key of the text in the root map.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Text1 => "text1",
            Self::Text2 => "text2",
            Self::Text3 => "text3",
        }
    }

    /// Returns the counter of the genesis operation that creates the text.
    #[must_use]
    pub const fn counter(self) -> u64 {
        match self {
            Self::Note => 1,
            Self::Text1 => 2,
            Self::Text2 => 3,
            Self::Text3 => 4,
        }
    }

    /// Returns the text that the genesis operation with this counter creates.
    #[must_use]
    pub fn from_counter(counter: u64) -> Option<Self> {
        Self::ALL.into_iter().find(|text| text.counter() == counter)
    }

    /// Returns the id of the text object, the same in every document.
    #[must_use]
    pub fn object(self) -> ObjId {
        // The last number is automerge's guess where the actor stands in its table; it looks again if that is wrong.
        ObjId::Id(self.counter(), ActorId::from(GENESIS_ACTOR), 0)
    }
}

/// Returns the frozen bytes of the genesis change: an uncompressed change chunk.
#[must_use]
pub const fn genesis_bytes() -> &'static [u8] {
    BYTES
}

/// Returns the hash of the genesis change, which the first change of every record depends on.
#[must_use]
pub const fn genesis_hash() -> ChangeHash {
    ChangeHash(HASH)
}

/// Makes a document that holds the genesis change alone.
///
/// Set an actor before you write: until then all these documents have the same one, with which no change passes the gate.
///
/// # Panics
///
/// Never: the bytes are part of the program and a test loads them.
#[must_use]
pub fn new_document() -> Automerge {
    // A copy costs a tenth of loading, and an import makes thousands of documents.
    static LOADED: OnceLock<Automerge> = OnceLock::new();
    LOADED
        .get_or_init(|| Automerge::load(BYTES).expect("the frozen genesis change loads"))
        .clone()
}

#[cfg(test)]
mod tests {
    use automerge::transaction::{CommitOptions, Transactable};
    use automerge::{ObjType, ROOT, ReadDoc};

    use super::*;

    /// Builds the genesis change anew, the way it was first made.
    fn generate() -> Vec<u8> {
        let mut document = Automerge::new();
        document.set_actor(ActorId::from(GENESIS_ACTOR));
        let mut transaction = document.transaction();
        for text in Text::ALL {
            let object = transaction
                .put_object(ROOT, text.name(), ObjType::Text)
                .expect("an empty root map takes a text");
            assert_eq!(object, text.object());
        }
        transaction.commit_with(CommitOptions::default().with_time(0));
        let change = document
            .get_last_local_change()
            .expect("the change was committed");
        assert_eq!((change.seq(), change.start_op().get()), (1, 1));
        assert_eq!((change.timestamp(), change.message()), (0, None));
        change.raw_bytes().to_vec()
    }

    #[test]
    fn generator_gives_the_frozen_bytes() {
        assert_eq!(generate(), genesis_bytes());
    }

    #[test]
    fn document_starts_with_empty_texts_and_the_golden_hash() {
        let document = new_document();
        assert_eq!(document.get_heads(), [genesis_hash()]);
        assert_eq!(
            document.keys(ROOT).collect::<Vec<_>>(),
            Text::ALL.map(Text::name)
        );
        for text in Text::ALL {
            assert_eq!(document.text(text.object()).expect("the text exists"), "");
        }
        assert_eq!(
            genesis_hash().to_string(),
            "718cb5c6ba515c9709d8b45a087c275213f699d1931fffb3f357f95c6ced0a7c",
        );
    }
}
