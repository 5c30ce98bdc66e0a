//! What must hold: after every event, and when everything is healed.

mod agree;
mod kept;
mod numbers;
mod rules;
mod scratch;
mod whole;
