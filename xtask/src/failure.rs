//! What a task says when it cannot go on.

use std::fmt;

/// Says what went wrong and, where there is a way out, what to do next.
#[derive(Debug)]
pub(crate) struct Failure {
    what: String,
    next: Option<String>,
}

impl Failure {
    /// Makes a failure from what went wrong.
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            next: None,
        }
    }

    /// Adds what to do next.
    pub(crate) fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }

    /// Names the stage in which it happened.
    pub(crate) fn in_stage(mut self, stage: &str) -> Self {
        self.what = format!("stage {stage} failed: {}", self.what);
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "error: {}", self.what)?;
        match &self.next {
            Some(next) => write!(formatter, "\nnext: {next}"),
            None => Ok(()),
        }
    }
}
