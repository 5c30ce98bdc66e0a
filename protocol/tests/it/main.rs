//! The protocol's formats: golden bytes, round trips, and bytes that are not what they should be.

mod golden;
mod outside;
mod samples;
