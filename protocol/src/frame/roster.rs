//! How the roster grows in a session.

use minicbor::{Decode, Encode};

use crate::{Blob, RosterHash};

/// Entries that the client wants to add to the roster.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct RosterAppend {
    /// The head on which they build.
    #[n(0)]
    pub expected_head: RosterHash,
    /// The entries.
    #[n(1)]
    pub entries: Vec<Blob>,
}

/// What follows of a roster that did not fit the proof.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct RosterMore {
    /// The next entries, at least one.
    #[n(0)]
    pub entries: Vec<Blob>,
    /// Whether still more follows.
    #[n(1)]
    pub more: bool,
}

/// Entries that follow what this connection has.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct RosterGrew {
    /// The entries.
    #[n(0)]
    pub entries: Vec<Blob>,
    /// The head after them.
    #[n(1)]
    pub head: RosterHash,
}

/// An append was not taken because the roster had grown; the client signs again.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct RosterMoved {
    /// The entries that the client lacks.
    #[n(0)]
    pub entries: Vec<Blob>,
    /// The head after them.
    #[n(1)]
    pub head: RosterHash,
}
