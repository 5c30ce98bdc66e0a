//! Judges one dependency against the table.

use crate::tidy::table::{Group, ONLY, RULES, Rule};

/// One dependency that a package names.
#[derive(Clone, Copy)]
pub(super) struct Edge<'a> {
    /// The package that is named.
    pub(super) to: &'a str,
    /// Where it is named.
    pub(super) table: Table,
}

/// The dependency tables of a `Cargo.toml`, for all platforms together.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Table {
    /// `[dependencies]`
    Normal,
    /// `[build-dependencies]`, which keep the same rules
    Build,
    /// `[dev-dependencies]`, which may be wider: here only the groups of [`ONLY`] stay where they belong,
    /// and arrows between our own packages point down, though to any package below
    Dev,
}

/// Says what is wrong with a dependency, or nothing.
pub(super) fn offence(from: &Rule, edge: Edge<'_>) -> Option<String> {
    let reason = match position(edge.to) {
        Some(to) => offence_between_ours(from, to, edge),
        None => offence_outside(from, edge),
    }?;
    let table = match edge.table {
        Table::Normal => "",
        Table::Build => " (build)",
        Table::Dev => " (dev)",
    };
    Some(format!(
        "{} -> {}{table}: {reason}\n  {} is: {}",
        from.folder, edge.to, from.package, from.purpose
    ))
}

/// Judges an arrow between two packages of ours.
fn offence_between_ours(from: &Rule, to: usize, edge: Edge<'_>) -> Option<String> {
    let to_rule = &RULES[to];
    if to_rule.package == from.package {
        // A package may name itself for its tests, to turn a feature on.
        return None;
    }
    if !to_rule.is_importable {
        return Some(format!("{} is imported by nothing", to_rule.package));
    }
    if from.may_import_any {
        return None;
    }
    if edge.table == Table::Dev {
        let is_down = position(from.package).is_some_and(|from| to < from);
        return (!is_down && !from.ours.contains(&to_rule.package)).then(|| {
            format!(
                "{} stands above {}, and arrows point down only, in tests too (what needs both belongs in tests/)",
                to_rule.package, from.package
            )
        });
    }
    (!from.ours.contains(&to_rule.package)).then(|| match from.ours {
        [] => format!("{} imports none of ours", from.package),
        ours => format!("of ours {} imports only {}", from.package, ours.join(", ")),
    })
}

/// Judges a dependency on someone else's package.
fn offence_outside(from: &Rule, edge: Edge<'_>) -> Option<String> {
    if from.may_import_any {
        return None;
    }
    let only = ONLY
        .iter()
        .find(|only| holds(only.group, edge.to) && !only.packages.contains(&from.package));
    if let Some(only) = only {
        return Some(format!(
            "{} never imports {} (only {} may: {})",
            from.package,
            only.group.name,
            only.packages.join(" and "),
            only.group.reason
        ));
    }
    if edge.table == Table::Dev {
        return None;
    }
    from.never
        .iter()
        .find(|group| holds(group, edge.to))
        .map(|group| {
            format!(
                "{} never imports {} ({})",
                from.package, group.name, group.reason
            )
        })
}

/// Tells whether a package belongs to a group; `*` at the end of a name stands for anything.
fn holds(group: &Group, package: &str) -> bool {
    group
        .packages
        .iter()
        .any(|name| match name.strip_suffix('*') {
            Some(start) => package.starts_with(start),
            None => package == *name,
        })
}

/// Gives the place of one of our packages in the table, counted from the bottom of the house.
fn position(package: &str) -> Option<usize> {
    RULES.iter().position(|rule| rule.package == package)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(from: &str, to: &str, table: Table, expected: Option<&str>) {
        let rule = &RULES[position(from).expect("the package stands in the table")];
        let found = offence(rule, Edge { to, table });
        match (&found, expected) {
            (None, None) => {}
            (Some(found), Some(expected)) if found.starts_with(expected) => {}
            _ => panic!("{from} -> {to}: found {found:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn what_the_table_forbids_is_named_with_its_reason() {
        for (from, to, expected) in [
            (
                "model",
                "tokio",
                "crates/model -> tokio: model never imports tokio (",
            ),
            (
                "model",
                "tokio-util",
                "crates/model -> tokio-util: model never imports tokio (",
            ),
            (
                "model",
                "rand",
                "crates/model -> rand: model never imports randomness (",
            ),
            (
                "replica",
                "axum",
                "crates/replica -> axum: replica never imports axum (",
            ),
            (
                "sync",
                "getrandom",
                "crates/sync -> getrandom: sync never imports randomness (",
            ),
            (
                "protocol",
                "automerge",
                "protocol -> automerge: protocol never imports automerge (only replica may",
            ),
            (
                "client",
                "redb",
                "client -> redb: handschlag never imports redb (only store and handschlag-relay may",
            ),
            (
                "engine",
                "ed25519-dalek",
                "crates/engine -> ed25519-dalek: engine never imports ciphers (only vault may",
            ),
            (
                "engine",
                "eframe",
                "crates/engine -> eframe: engine never imports egui (",
            ),
        ] {
            let from = if from == "client" { "handschlag" } else { from };
            check(from, to, Table::Normal, Some(expected));
            check(
                from,
                to,
                Table::Build,
                Some(&expected.replacen(": ", " (build): ", 1)),
            );
        }
    }

    #[test]
    fn what_the_table_leaves_free_is_no_offence() {
        for (from, to) in [
            ("model", "uuid"),
            ("model", "jiff"),
            ("replica", "automerge"),
            ("store", "redb"),
            ("handschlag-relay", "redb"),
            ("handschlag-relay", "tokio"),
            ("vault", "chacha20poly1305"),
            ("engine", "rustls"),
            ("engine", "tokio"),
            ("handschlag-tests", "automerge"),
            ("handschlag-tests", "redb"),
        ] {
            check(from, to, Table::Normal, None);
        }
    }

    #[test]
    fn arrows_between_our_own_point_down_only() {
        check("engine", "replica", Table::Normal, None);
        check("handschlag", "engine", Table::Normal, None);
        check("handschlag-tests", "engine", Table::Normal, None);
        check(
            "replica",
            "vault",
            Table::Normal,
            Some("crates/replica -> vault: of ours replica imports only model, store"),
        );
        check(
            "model",
            "replica",
            Table::Normal,
            Some("crates/model -> replica: of ours model imports only sabotage"),
        );
        check(
            "handschlag-relay",
            "model",
            Table::Normal,
            Some("server -> model: of ours handschlag-relay imports only protocol, vault, sync"),
        );
        check(
            "engine",
            "handschlag-tests",
            Table::Normal,
            Some("crates/engine -> handschlag-tests: handschlag-tests is imported by nothing"),
        );
        check(
            "xtask",
            "model",
            Table::Normal,
            Some("xtask -> model: xtask imports none of ours"),
        );
    }

    #[test]
    fn the_relay_never_reads_a_record() {
        for package in ["model", "replica", "store", "engine", "interchange"] {
            let rule =
                &RULES[position("handschlag-relay").expect("the package stands in the table")];
            let edge = Edge {
                to: package,
                table: Table::Normal,
            };
            assert!(offence(rule, edge).is_some(), "{package}");
        }
    }

    #[test]
    fn tests_may_be_wider_but_not_upside_down() {
        check("model", "tokio", Table::Dev, None);
        check("sync", "rand", Table::Dev, None);
        check("interchange", "store", Table::Dev, None);
        check("model", "model", Table::Dev, None);
        check(
            "model",
            "replica",
            Table::Dev,
            Some("crates/model -> replica (dev): replica stands above model"),
        );
        check(
            "engine",
            "redb",
            Table::Dev,
            Some("crates/engine -> redb (dev): engine never imports redb"),
        );
        check(
            "engine",
            "handschlag-tests",
            Table::Dev,
            Some(
                "crates/engine -> handschlag-tests (dev): handschlag-tests is imported by nothing",
            ),
        );
    }

    #[test]
    fn the_table_itself_points_down() {
        for (place, rule) in RULES.iter().enumerate() {
            for ours in rule.ours {
                let to = position(ours).expect("a name in the table is a package of the table");
                assert!(to < place, "{} -> {ours}", rule.package);
            }
        }
    }
}
