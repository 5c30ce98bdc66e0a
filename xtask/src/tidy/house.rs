//! Checks what lies at the top level, the manifests, and the one line that CI calls.

use std::collections::BTreeSet;

/// What may lie in the root folder; everything else belongs into one of these folders.
const TOP_LEVEL: [&str; 20] = [
    ".cargo",
    ".ci",
    ".config",
    ".gitattributes",
    ".gitignore",
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "client",
    "clippy.toml",
    "crates",
    "deny.toml",
    "docs",
    "protocol",
    "server",
    "tests",
    "xtask",
];

/// The script that CI runs, and all that may stand in it.
const CI: (&str, &str) = (".ci/run", "cargo xtask ci\n");

/// Names each top-level entry that does not belong there.
pub(super) fn strangers(files: &[String]) -> Vec<String> {
    files
        .iter()
        .filter_map(|file| file.split('/').next())
        .collect::<BTreeSet<_>>()
        .into_iter()
        .filter(|entry| !TOP_LEVEL.contains(entry))
        .map(|entry| {
            format!("{entry}: does not belong at the top level (xtask/src/tidy/house.rs lists what does)")
        })
        .collect()
}

/// Says so when the script of CI holds more than its one line.
pub(super) fn wrong_ci_call(file: &str, content: &str) -> Option<String> {
    (file == CI.0 && content != CI.1)
        .then(|| format!("{}: must be the single line `{}`", CI.0, CI.1.trim_end()))
}

/// Tells whether a manifest takes the workspace's lints.
pub(super) fn takes_workspace_lints(manifest: &str) -> bool {
    let mut section = "";
    for line in manifest.lines().map(str::trim) {
        if line.starts_with('[') {
            section = line;
        } else if section == "[lints]" && line.replace(' ', "") == "workspace=true" {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_are_named_once() {
        let files = [
            "Cargo.toml",
            "xtask/src/main.rs",
            "notes/a.md",
            "notes/b.md",
        ]
        .map(str::to_owned);
        let found = strangers(&files);
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("notes: "), "{}", found[0]);
    }

    #[test]
    fn ci_is_one_line() {
        assert_eq!(wrong_ci_call(".ci/run", "cargo xtask ci\n"), None);
        assert_eq!(wrong_ci_call("docs/ci.md", "anything"), None);
        assert!(wrong_ci_call(".ci/run", "cargo xtask ci\necho more\n").is_some());
    }

    #[test]
    fn the_lints_are_looked_for_in_their_section() {
        assert!(takes_workspace_lints(
            "[package]\nname = \"a\"\n\n[lints]\nworkspace = true\n"
        ));
        assert!(!takes_workspace_lints("[package]\nname = \"a\"\n"));
        assert!(!takes_workspace_lints(
            "[lints]\n\n[dependencies.a]\nworkspace = true\n"
        ));
    }
}
