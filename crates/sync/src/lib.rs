//! The client's and the relay's half of a session as state machines without I/O.
//!
//! Both halves work alike: `handle(now_ms, input)`, then `poll()` until it returns none, then the next input.
//! Neither reads a clock, draws a random number or knows a socket; times, nonces and bytes are arguments.
//! [`client::Session`] and [`relay::Connection`] live as long as one WebSocket; after a disconnect a new one begins.
//! The frames between them are those of `docs/formats.md`.

mod backoff;
pub mod client;
mod feeds;
mod log;
pub mod relay;

pub use backoff::{Backoff, FIRST_WAIT_MS, LONGEST_WAIT_MS};
pub use feeds::{Decision, Feeds, decide, differing, feed_end, part_held, release};
pub use log::{
    Appended, Comparison, Effects, Fit, Judged, LogEntry, LogHead, Release, Run, Verified, divide,
    fit,
};
