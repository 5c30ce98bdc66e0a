//! The rules of merging, tested over real replicas of several devices.

mod peers;
mod smoke;
