//! End-to-end tests over real sockets and processes.
//!
//! [`harness`] starts the relay and the command line as a person or a script would; [`story`] plays the way from the first
//! contact to the order on three homes and checks what must hold at its end. Both end with a panic that says what was
//! expected, since they are only ever run by tests and by the binary `demo`.
//!
//! [`hostile`] holds what hostile or broken peers send.
//!
//! The binaries are named by `HANDSCHLAG_BIN` and `HANDSCHLAG_RELAY_BIN`; without these they are looked for where cargo
//! puts them. `HANDSCHLAG_SEED` repeats the random choices of a run, which prints its seed.

pub mod harness;
pub mod hostile;
pub mod kill;
pub mod sim;
pub mod story;
