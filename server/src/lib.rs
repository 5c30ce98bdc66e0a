//! The relay: roster check, change log and forwarding of sealed transactions.
//!
//! It reads no record. What a client may do is decided by the state machine of `sync`; this crate gives it sockets
//! (`connection`), workspaces with their followers (`hub`, `space`), one writer with group commit (`writer`) and a log
//! behind a trait ([`log`]). Its log lines hold shortened ids, never a secret and never a body.

mod answer;
pub mod args;
mod clock;
mod connection;
pub mod headless;
mod hub;
pub mod log;
pub mod logging;
mod pace;
mod relay;
mod space;
pub mod upkeep;
mod writer;

pub use relay::{Config, Relay, RunError, StartError};
