//! Sessions between real clients' and relays' halves, under a simulated clock and network.

mod device;
mod economy;
mod exchange;
mod held;
mod log;
mod other_past;
mod pairs;
mod refusals;
mod roster;
mod simulation;
mod world;
