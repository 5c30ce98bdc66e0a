//! The running hash of a relay's log.

use crate::{EnvelopeHash, LogEpoch, LogHash, WorkspaceId, domain, hash};

/// Computes `R_0`, the running hash of a log that holds nothing yet.
pub fn log_start(workspace: &WorkspaceId, epoch: &LogEpoch) -> LogHash {
    LogHash::from_bytes(hash(domain::LOG, &[workspace.as_bytes(), epoch.as_bytes()]))
}

/// Computes `R_n` from `R_{n-1}`, the sequence `n` (from 1), the time of receipt (ms since 1970) and the envelope.
pub fn log_next(
    before: &LogHash,
    sequence: u64,
    received_ms: u64,
    envelope: &EnvelopeHash,
) -> LogHash {
    LogHash::from_bytes(hash(
        domain::LOG,
        &[
            before.as_bytes(),
            &sequence.to_be_bytes(),
            &received_ms.to_be_bytes(),
            envelope.as_bytes(),
        ],
    ))
}
