//! The domain, pure: record kinds, fields, values, ids, intents and their rules, merge rules, numbers, phases, roles.
//!
//! Nothing here reads a clock, draws randomness or knows how documents are stored.
//! A **document view** ([`doc::DocView`]) says what one document holds, concurrent values included.
//! A **record view** ([`record::RecordView`]) says what a record means beside the others.
//! An **intent** ([`intent::Intent`]) is checked against a [`world::World`] and becomes a [`plan::Plan`] of writes.

mod beside;
pub mod cbor;
pub mod content;
pub mod doc;
mod doc_bytes;
mod fields;
pub mod fold;
pub mod home;
pub mod id;
pub mod intent;
pub mod kind;
pub mod merged;
pub mod note;
pub mod number;
pub mod offer;
pub mod parse;
pub mod plan;
pub mod record;
pub mod refusal;
pub mod register;
pub mod role;
mod rules;
pub mod settle;
mod standing;
pub mod status;
#[cfg(test)]
mod trial;
pub mod value;
mod whole;
pub mod world;

pub use doc_bytes::ViewBytesError;
pub use fields::{ACTIVITIES, CATEGORIES, CONTACT_ROLES, ORIGINS};
pub use id::{Author, EntryId, FileHash, IntentId, RecordId, Stamp, ValueId};
pub use intent::Intent;
pub use kind::{FieldSpec, Kind};
pub use record::RecordView;
pub use refusal::Refusal;
pub use role::Role;
pub use value::Value;
pub use world::World;
