//! The native shell: the engine on a thread, a home that one process owns, and the network.
//!
//! [`open`] gives a [`Connection`]. The first process to open a home locks it, runs the engine on a thread of its own
//! and serves the interface on a private socket in the home; every other one talks to it there. Which of both it is
//! makes no difference to a caller.
//!
//! **Threads.** The engine's (`runner`) takes inputs from one bounded queue and waits for nobody: what it has to say
//! goes into an outbox for each client (`outbox`), of which a client that reads too slowly is cut off, and to the
//! network's thread (`net`), which is started when there is a relay to talk to. The socket has a thread that accepts
//! and two for each client (`serving`). All of them end with the connection.
//!
//! **An owner that ends** takes no more connections and tells its clients; these send no more calls, and when the last
//! one that was sent is answered, both sides close. A client then goes to the next owner or becomes it (`inbox`).

mod clock;
mod connection;
mod home;
mod inbox;
mod ledger;
mod lines;
mod net;
mod outbox;
mod owner;
mod queue;
mod remote;
mod rpc;
mod runner;
mod serving;
mod socket;
mod subscriptions;
mod surroundings;

#[cfg(test)]
mod tests;

pub use connection::{Connection, open, open_with};
pub use home::{Home, default_home};
pub use lines::MAX_LINE_BYTES;
pub use owner::Make;
pub use surroundings::NativeSurroundings;
