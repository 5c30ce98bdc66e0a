//! The rules of merging, tested over real replicas of several devices.

mod acts;
mod peers;
mod rows;
mod smoke;
