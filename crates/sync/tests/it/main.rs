//! Sessions between real clients' and relays' halves, under a simulated clock and network.

mod device;
mod economy;
mod log;
mod refusals;
mod roster;
mod simulation;
mod world;
