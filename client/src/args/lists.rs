//! Looking at records, and deciding what merging set aside.

use clap::Args;
use model::Kind;

use crate::filter::{Condition, Order};

/// Flags of `show`.
#[derive(Debug, Args)]
pub struct Show {
    /// The record.
    #[arg(value_name = "ID")]
    pub id: String,
}

/// Flags of `list`.
#[derive(Debug, Args)]
pub struct List {
    /// The kind, such as inquiry, customer, sales-project.
    #[arg(value_name = "KIND")]
    pub kind: Kind,
    /// A condition: field=value, field!=value, field~text, field<value, field>value, field:empty or field:filled; may be repeated, all must hold.
    #[arg(long, value_name = "CONDITION")]
    pub filter: Vec<Condition>,
    /// The field to sort by, with - before it the largest first; also created, changed, title, next-step.
    #[arg(long, value_name = "[-]FIELD", allow_hyphen_values = true)]
    pub sort: Option<Order>,
    /// How many rows to give.
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub limit: usize,
    /// How many rows to skip.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub offset: usize,
    /// Archived records too.
    #[arg(long)]
    pub archived: bool,
}

/// Flags of `home`.
#[derive(Debug, Args)]
pub struct Home {
    /// Whose, by id or name; one's own without it.
    #[arg(long, value_name = "MEMBER")]
    pub member: Option<String>,
    /// On which day; today without it.
    #[arg(long, value_name = "DATE")]
    pub day: Option<String>,
}

/// Flags of `history`.
#[derive(Debug, Args)]
pub struct History {
    /// The record.
    #[arg(value_name = "ID")]
    pub id: String,
}

/// Flags of `search`.
#[derive(Debug, Args)]
pub struct Search {
    /// The words.
    #[arg(value_name = "TEXT", required = true)]
    pub text: Vec<String>,
    /// How many hits to give.
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub limit: usize,
}

/// Flags of `merged`.
#[derive(Debug, Args)]
pub struct Merged {
    /// Entries that somebody has seen too.
    #[arg(long)]
    pub all: bool,
}

/// Flags of `choose`.
#[derive(Debug, Args)]
pub struct Choose {
    /// The entry, by its id or a unique beginning of it.
    #[arg(value_name = "ENTRY")]
    pub entry: String,
    /// The value, by its place in the entry (1, 2, …), or its id or a unique beginning of it.
    #[arg(value_name = "VALUE")]
    pub value: String,
}

/// Flags of `acknowledge`.
#[derive(Debug, Args)]
pub struct Acknowledge {
    /// The entries, by their ids or unique beginnings of them.
    #[arg(value_name = "ENTRY", required = true)]
    pub entries: Vec<String>,
}
