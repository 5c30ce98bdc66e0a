//! Structured logs on stderr, without secrets and without bodies.

use std::{
    fmt,
    io::{self, IsTerminal},
};

use tracing_subscriber::EnvFilter;

use crate::args::LogFormat;

/// The variable that says what is logged, in the syntax of tracing's `EnvFilter`; `info` without it.
pub const FILTER_VARIABLE: &str = "HANDSCHLAG_LOG";

/// Starts logging for the whole process; called once, by the binary.
pub fn start(format: LogFormat) {
    let filter =
        EnvFilter::try_from_env(FILTER_VARIABLE).unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        // It would tell of a log that takes no line, such as a file on a full disk, by a panic where the line was made.
        .log_internal_errors(false)
        .with_ansi(io::stderr().is_terminal())
        .with_target(false);
    match format {
        LogFormat::Text => lines.init(),
        LogFormat::Json => lines.json().flatten_event(true).init(),
    }
}

/// Shows the first bytes of an id: enough to follow it through a log, too little to use it.
pub struct Short<'a>(pub &'a [u8]);

impl fmt::Display for Short<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .take(4)
            .try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
