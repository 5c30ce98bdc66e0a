//! Everything that a user does through the command line, over real processes.

mod story;
