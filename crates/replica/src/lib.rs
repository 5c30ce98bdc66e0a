//! Documents and views: turns intents into transactions, applies transactions, resolves conflicts by the model's rules, answers queries.
//!
//! The only crate that names automerge. A [`Replica`] keeps documents and their views in a store and the rows of lists in memory too;
//! every write to it happens beside one write transaction of the store.

mod affected;
pub mod answers;
mod digest;
mod document;
pub mod gate;
pub mod genesis;
mod note;
mod past;
pub mod query;
mod replica;
mod rows;
mod sections;
mod sight;
pub mod text;
mod views;

pub use digest::{Digest, Digests};
pub use document::{Document, DocumentError, Past};
pub use replica::{Applied, Carried, CarryError, Identity, RecordPart, Replica, ReplicaError};
pub use sight::{Documents, Sight};
pub use views::Views;
