//! What a run has met: rows of the merge table, faults, crash points, intents.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::aims;

/// How often things must be met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Least {
    /// Each row of the merge table.
    pub rows: u64,
    /// Each fault, and each thing that machines do when they crash.
    pub faults: u64,
}

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

/// The faults that there are, each of which a run that is long enough meets.
const ALL_FAULTS: [&str; 21] = [
    "clock jumped ahead",
    "clock jumped back",
    "connection broke on the way down",
    "connection broke on the way up",
    "device crashed",
    "device crashed, last writes torn",
    "device cut off",
    "disk operation was to fail once",
    "frame repeated",
    "half of the devices cut off",
    "home cloned, both used",
    "home put back to an older copy",
    "relay crashed",
    "relay crashed, last writes torn",
    "relay lost its disk",
    "relay put back to an older copy",
    "relay replaced by another",
    "relay restarted in order",
    "relay's clock jumped",
    "slow connection",
    "unruly connection",
];

/// What machines are doing when they stop, each of which a run that is long enough meets at some operation of the disk.
const ALL_CRASHES: [&str; 4] = [
    "device: doing",
    "device: meeting the relay",
    "device: starting",
    "relay: committing",
];

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

    /// Gives how often something was met, whatever the count tells of it behind a colon.
    pub fn of(&self, table: &str, what: &str) -> u64 {
        let rows = self.tables.get(table).into_iter().flatten();
        let is_of = |name: &str| {
            let rest = name.strip_prefix(what);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(": "))
        };
        rows.filter(|(name, _)| is_of(name))
            .map(|(_, count)| count)
            .sum()
    }

    /// Names the rows of the merge table, and the faults and crash points, that were met less often than wanted.
    pub fn few(&self, least: Least) -> Vec<String> {
        let mut few = self.below(ROWS, aims::rows(), least.rows);
        few.extend(self.below(FAULTS, ALL_FAULTS, least.faults));
        few.extend(self.below(CRASHES, ALL_CRASHES, least.faults));
        few
    }

    /// Names those of a table that were met less often than wanted.
    fn below<'a>(
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_met_too_seldom_is_named() {
        let mut counts = Counts::default();
        for row in aims::rows() {
            counts.add(ROWS, row, 2);
        }
        for fault in ALL_FAULTS {
            counts.hit(FAULTS, fault);
        }
        for doing in ALL_CRASHES {
            counts.hit(CRASHES, format!("{doing}: sync"));
        }
        let least = |rows, faults| counts.few(Least { rows, faults });
        assert!(least(2, 1).is_empty(), "{:?}", least(2, 1));
        assert_eq!(least(3, 1).len(), aims::count());
        assert_eq!(least(2, 2).len(), ALL_FAULTS.len() + ALL_CRASHES.len());
        assert_eq!(counts.of(FAULTS, "device crashed"), 1);
    }
}
