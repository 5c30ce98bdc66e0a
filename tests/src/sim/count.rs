//! What a run has met: rows of the merge table, faults, crash points, intents.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// How often each thing was met; names are what is printed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    tables: BTreeMap<&'static str, BTreeMap<String, u64>>,
}

/// The rows of the merge table that were judged.
pub(crate) const ROWS: &str = "rows of the merge table";
/// The scenes that were set, and why some were not judged.
pub(crate) const SCENES: &str = "scenes";
/// The faults that happened.
pub(crate) const FAULTS: &str = "faults";
/// The operations of disks before which a machine stopped, and what it was doing.
pub(crate) const CRASHES: &str = "crash points";
/// The intents that were carried out, by kind.
pub(crate) const INTENTS: &str = "intents";
/// The intents that the rules refused, by reason.
pub(crate) const REFUSALS: &str = "refusals";
/// What people did with each other's devices: invites, joins, roles, revocations.
pub(crate) const PEOPLE: &str = "people";
/// What was checked, and on how much.
pub(crate) const CHECKS: &str = "checks";

impl Counts {
    /// Counts one.
    pub fn hit(&mut self, table: &'static str, what: impl Into<String>) {
        self.add(table, what, 1);
    }

    /// Counts several.
    pub fn add(&mut self, table: &'static str, what: impl Into<String>, count: u64) {
        *self
            .tables
            .entry(table)
            .or_default()
            .entry(what.into())
            .or_default() += count;
    }

    /// Adds what another run met.
    pub fn join(&mut self, other: &Self) {
        for (table, rows) in &other.tables {
            for (what, count) in rows {
                self.add(table, what.clone(), *count);
            }
        }
    }

    /// Gives how often something was met.
    pub fn of(&self, table: &str, what: &str) -> u64 {
        let rows = self.tables.get(table);
        rows.and_then(|rows| rows.get(what)).copied().unwrap_or(0)
    }

    /// Names those of a table that were met less often than wanted.
    pub fn below<'a>(
        &self,
        table: &str,
        wanted: impl IntoIterator<Item = &'a str>,
        least: u64,
    ) -> Vec<String> {
        let wanted = wanted.into_iter();
        let few = wanted.filter(|what| self.of(table, what) < least);
        few.map(|what| format!("{table}: '{what}' {} of {least}", self.of(table, what)))
            .collect()
    }

    /// Prints all tables.
    pub fn tell(&self) -> String {
        let mut text = String::new();
        for (table, rows) in &self.tables {
            // Writing into a string cannot fail.
            let _ = writeln!(text, "{table}");
            for (what, count) in rows {
                let _ = writeln!(text, "  {count:>9}  {what}");
            }
        }
        text
    }
}
