//! What was acknowledged, and must therefore be there at the end.

/// One act that a client was told is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Act {
    /// A record was made, and got a number if its kind has one.
    Made {
        id: String,
        kind: String,
        number: Option<String>,
    },
    /// A text was written into a record.
    Wrote { id: String, token: String },
    /// An import brought companies of these names.
    Imported { tokens: Vec<String> },
    /// A file was attached.
    Attached {
        id: String,
        name: String,
        bytes: Vec<u8>,
    },
}

/// All acts that were acknowledged.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    acts: Vec<Act>,
}

impl Ledger {
    pub(super) fn add(&mut self, act: Act) {
        self.acts.push(act);
    }

    pub(super) fn take(&mut self, other: Ledger) {
        self.acts.extend(other.acts);
    }

    pub(super) fn len(&self) -> usize {
        self.acts.len()
    }

    pub(super) fn acts(&self) -> &[Act] {
        &self.acts
    }
}
