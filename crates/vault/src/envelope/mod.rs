//! Envelopes: sealed and signed on their way out, verified and opened on their way in.

mod open;
mod seal;
mod verify;
mod weight;

pub use open::{OpenError, open_parts};
pub use seal::{
    EnvelopeDraft, SealError, SealedEnvelope, rescue, rewrap, seal_envelope, sign_envelope,
    sign_rescue,
};
pub use verify::{
    EnvelopeError, RunError, VerifiedEnvelope, verify_envelope, verify_for_keeping,
    verify_for_passing, verify_run, weigh_envelope,
};
pub use weight::Weight;

use protocol::Part;

/// Returns how many bytes count towards what a transaction may carry in files.
fn file_bytes(part: &Part) -> usize {
    match part {
        Part::File { bytes, .. } => bytes.len(),
        Part::Record { .. } => 0,
    }
}
