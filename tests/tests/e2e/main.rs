//! Everything that a user does through the command line, over real processes.

mod attachments;
mod clones;
#[cfg(target_os = "linux")]
mod disks;
mod files;
mod fixtures;
mod forks;
mod homes;
mod hostile;
mod joining;
mod kill;
mod leaving;
mod lies;
mod looking;
mod lost_relays;
mod relays;
mod story;
mod surroundings;
mod usage;
