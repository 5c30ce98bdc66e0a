//! Documents and views: turns intents into transactions, applies transactions, resolves conflicts by the model's rules, answers queries.

pub mod answers;
pub mod gate;
pub mod genesis;
