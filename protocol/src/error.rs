//! What can be wrong with bytes or text from outside.

/// Says why bytes are not what they should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes are longer than the limit of their kind allows.
    #[error("{what} has {bytes} bytes, more than the limit of {limit}")]
    TooLarge {
        /// What was being read.
        what: &'static str,
        /// How many bytes it has.
        bytes: usize,
        /// How many it may have.
        limit: usize,
    },
    /// A list has more items than the limit of its kind allows.
    #[error("{what} are {count}, more than the limit of {limit}")]
    TooMany {
        /// What the list holds.
        what: &'static str,
        /// How many items it has.
        count: usize,
        /// How many it may have.
        limit: usize,
    },
    /// The bytes are not one canonical CBOR item.
    #[error("not canonical CBOR at byte {offset}: {why}")]
    NotCanonical {
        /// Where in the bytes.
        offset: usize,
        /// Which rule was broken.
        why: &'static str,
    },
    /// The bytes are canonical CBOR of another shape.
    #[error("{what} is malformed: {reason}")]
    Malformed {
        /// What was being read.
        what: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// Only a newer version may read it.
    #[error(
        "{what} needs a program that reads version {min_reader}, this one reads {reads}: update Handschlag"
    )]
    Newer {
        /// What was being read.
        what: &'static str,
        /// The version that is needed.
        min_reader: u32,
        /// The highest version that this code reads.
        reads: u32,
    },
    /// The tag of a frame is not one that this version knows.
    #[error("unknown frame tag {tag}")]
    UnknownFrame {
        /// The tag.
        tag: u64,
    },
}

impl DecodeError {
    /// Makes the error for canonical bytes of a wrong shape.
    pub(crate) fn malformed(what: &'static str, reason: impl ToString) -> Self {
        DecodeError::Malformed {
            what,
            reason: reason.to_string(),
        }
    }
}

/// Says why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a {kind}: expected {expected}")]
pub struct IdError {
    /// The kind of id that was expected.
    pub kind: &'static str,
    /// The text, cut to 80 characters.
    pub text: String,
    /// How such an id is written.
    pub expected: &'static str,
}
