//! The simulator: clients and a relay in one process on the real code, with everything around them virtual.
//!
//! A seed deals steps (`deal`), as data (`step`), which are carried out one after the other (`perform`) in a world
//! (`world`) of devices (`person`), relays (`relay`) and connections (`net`) under one clock (`clock`). Half of the
//! steps are intents: scenes aimed at rows of the merge table (`aims`), and whatever people may think of (`wish`). The
//! others are faults and people who come and go. What was acknowledged stands in a ledger (`ledger`). After every event
//! and after every healing (`heal`) all that is promised is checked (`checks`). What fails is shortened (`shrink`).
//! `docs/testing.md` tells the whole.

mod acts;
mod aims;
mod checks;
mod clock;
mod count;
mod deal;
mod desk;
mod dice;
mod failure;
mod heal;
mod history;
mod ledger;
mod net;
mod people;
mod perform;
mod person;
mod relay;
mod run;
mod shrink;
mod step;
mod wish;
mod world;

pub use aims::rows;
pub use count::{Counts, Least};
pub use deal::Trouble;
pub use failure::Failure;
pub use run::Run;
pub use shrink::read as read_steps;
