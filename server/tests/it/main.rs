//! The relay over real sockets, and as a real process.

mod client;
mod layouts;
mod process;
mod sockets;
mod upkeep;
mod workspace;
