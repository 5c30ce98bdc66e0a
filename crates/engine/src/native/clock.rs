//! The places where the shell reads clocks and draws randomness.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Gives the moment by the wall clock (ms since 1970), which people and other programs may set at any time.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the shell that gives the engine its clock"
)]
pub(super) fn now_ms() -> i64 {
    let after = |duration: std::time::Duration| i64::try_from(duration.as_millis());
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => after(since).unwrap_or(i64::MAX),
        Err(before) => after(before.duration()).map_or(i64::MIN, |ms| -ms),
    }
}

/// Gives the moment by a clock that never goes back, for waiting.
#[expect(
    clippy::disallowed_methods,
    reason = "waiting for threads and sockets is the shell's own"
)]
pub(super) fn instant() -> Instant {
    Instant::now()
}

/// Fills bytes from the system's source of randomness.
///
/// # Panics
/// Where the system has none, since nothing made without it would be safe.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the shell that gives the engine its randomness"
)]
pub(super) fn fill_random(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the system has a source of randomness");
}
