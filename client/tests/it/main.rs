//! The command line against a scripted engine: which request a line means, what is printed, which exit code it has.

mod attaching;
mod course;
mod fake;
mod help;
mod meaning;
mod overviews;
mod printing;
mod refusing;
