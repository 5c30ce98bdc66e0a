//! The private local socket of a home, by which other processes reach its owner.
//!
//! On Unix a Unix domain socket. Elsewhere a port of the loopback interface that is only for those who can read a
//! secret in the home; it needs nothing but the standard library and is tested on every platform.

#[cfg(any(not(unix), test))]
pub(super) mod loopback;
#[cfg(unix)]
pub(super) mod unix;

#[cfg(not(unix))]
pub(super) use loopback::{Listener, Stream, connect};
#[cfg(unix)]
pub(super) use unix::{Listener, Stream, connect};
