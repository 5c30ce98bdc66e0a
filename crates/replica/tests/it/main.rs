//! The rules of merging, tested over real replicas of several devices.

mod acts;
mod aimed;
mod flow;
mod judge;
mod kept;
mod peers;
mod random;
mod review;
mod rows;
mod smoke;
mod wishes;
