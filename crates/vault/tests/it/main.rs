//! The vault from outside: who gets in, what may be written, and bytes that were tampered with.

mod envelopes;
mod golden;
mod invites;
mod rosters;
mod world;
