//! What hostile or broken peers send, and what must hold whatever it is.
//!
//! A [`Target`] is one door for bytes from outside: a plain function that takes any bytes, does with them what the
//! project does, and panics when a promise is broken. It has three callers: the fuzzer (`tests/fuzz`, by
//! `cargo xtask fuzz`), the files of `tests/corpus/TARGET` (findings, and seeds of note), and some thousand seeded
//! mutations in the tests of this module, so that no target rots.
//!
//! Where random bytes would all end at the first check (a signature, a checksum), a target reads its input as a
//! [`Script`](script::Script): decisions of one who holds real keys and spells everything rightly but for what he wants wrong.

mod envelopes;
mod frames;
mod gate;
mod invites;
pub mod keys;
#[cfg(test)]
mod mutate;
mod relay;
mod rosters;
pub mod script;
mod session;
mod tables;
mod values;
mod vcards;
pub mod wire;

#[cfg(test)]
mod tests;

/// A door for bytes from outside.
#[derive(Debug)]
pub struct Target {
    /// Its name, which is also that of its folder in `tests/corpus` and of its binary in `tests/fuzz`.
    pub name: &'static str,
    /// What it is a door of.
    pub about: &'static str,
    /// Takes any bytes and panics when a promise is broken.
    pub run: fn(&[u8]),
    /// Makes inputs from which mutation begins.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// How many mutations the test tries.
    pub rounds: usize,
}

/// All doors.
pub static TARGETS: [Target; 10] = [
    frames::TARGET,
    envelopes::TARGET,
    rosters::TARGET,
    invites::TARGET,
    gate::TARGET,
    values::TARGET,
    vcards::TARGET,
    tables::TARGET,
    relay::TARGET,
    session::TARGET,
];

/// Finds a door by its name.
///
/// # Panics
///
/// There is none of that name.
#[must_use]
pub fn target(name: &str) -> &'static Target {
    let found = TARGETS.iter().find(|target| target.name == name);
    found.unwrap_or_else(|| panic!("there is no target {name}"))
}
