//! The relay over real sockets, and as a real process.

mod client;
mod process;
mod sockets;
mod workspace;
