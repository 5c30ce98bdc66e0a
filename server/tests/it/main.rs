//! The relay over real sockets, and as a real process.

mod client;
mod held;
mod layouts;
mod process;
mod refill;
mod sockets;
mod upkeep;
mod workspace;
