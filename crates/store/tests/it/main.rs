//! Tests of the store: the contract, crashes, damage.

mod contract;
