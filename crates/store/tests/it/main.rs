//! Tests of the store: the contract of all backends, crashes and I/O errors, damage.

mod contract;
mod crash;
mod damage;
mod handles;
mod support;
