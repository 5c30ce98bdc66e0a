//! The headless app: one request, response and subscribe interface over replica, store and sync.
//!
//! [`interface`] is what clients speak; [`headless::Headless`] is what a shell drives.
//! The core does no I/O but to its store: time, randomness, keys and the network come from the shell
//! (a thread with sockets natively, a worker on the web).

mod base64_bytes;
pub mod core;
pub mod headless;
pub mod interface;
mod membership;
#[cfg(all(feature = "native", not(target_arch = "wasm32")))]
pub mod native;

/// Whether breaks on purpose are compiled in, which a test alone may ask for: a program that ships must refuse to compile.
pub const IS_SABOTAGED: bool = cfg!(feature = "sabotage");
