//! Everything that a user does through the command line, over real processes.

mod attachments;
mod files;
mod forks;
mod homes;
mod joining;
mod leaving;
mod looking;
mod lost_relays;
mod relays;
mod story;
mod surroundings;
mod usage;
