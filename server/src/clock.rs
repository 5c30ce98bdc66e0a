//! The relay's clock and its source of randomness, the only places that read them.

use std::time::{SystemTime, UNIX_EPOCH};

/// Returns the time in ms since 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "the relay is a shell, and this is its one clock"
)]
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as u64)
}

/// Draws random bytes fit for keys.
///
/// # Panics
/// The system has no randomness; a relay must not go on then.
#[expect(
    clippy::disallowed_methods,
    reason = "the relay is a shell, and this is its one source of randomness"
)]
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the system gives random bytes");
    bytes
}
