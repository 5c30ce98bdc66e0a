//! Reads real files and random ones.

mod random;
mod real;
