//! Checks that nothing that ships can be built with the breaks that the tests catch.
//!
//! The binaries refuse to compile with them; this keeps anything but the tests from asking for them at all.

use crate::project::Package;

/// The package that holds the breaks, and the feature that compiles a crate's own in.
const BREAKS: &str = "sabotage";

/// What that feature turns on in a crate that has breaks.
const OWN: &str = "dep:sabotage";

/// The only package that turns on the breaks of others.
const TESTS: &str = "handschlag-tests";

/// The binaries that ship, and what keeps each from compiling with breaks: features of one package reach another that is
/// built in the same call.
const REFUSALS: [(&str, &str); 2] = [
    (
        "client/src/main.rs",
        "const _: () = assert!(\n    !engine::IS_SABOTAGED,",
    ),
    (
        "server/src/main.rs",
        "#[cfg(feature = \"sabotage\")]\ncompile_error!(",
    ),
];

/// Says what a binary that ships lacks so that it does not compile with breaks.
pub(super) fn lets_in(file: &str, content: &str) -> Option<String> {
    let (_, refusal) = REFUSALS.iter().find(|(binary, _)| *binary == file)?;
    let line = refusal.replace('\n', " ");
    (!content.contains(refusal))
        .then(|| format!("{file}: must not compile with breaks, by `{line}`"))
}

/// Names each place where breaks could get into what ships, or where the tests leave out a crate that has some.
pub(super) fn offences(packages: &[Package]) -> Vec<String> {
    let mut offences = Vec::new();
    for package in packages {
        let name = &package.name;
        for dependency in &package.dependencies {
            if dependency.name == BREAKS && !dependency.optional {
                offences.push(format!(
                    "{name} -> {BREAKS}: must be optional, since nothing that ships has breaks"
                ));
            }
            if dependency.features.iter().any(|feature| feature == BREAKS) {
                offences.push(format!(
                    "{name} -> {}: names its feature `{BREAKS}`, which only the feature of that name in {TESTS} does",
                    dependency.name
                ));
            }
        }
        for (feature, item) in turned_on(package) {
            if feature != BREAKS {
                offences.push(format!(
                    "{name}: its feature `{feature}` turns breaks on by `{item}`, which only `{BREAKS}` does"
                ));
            } else if name != TESTS && item != OWN {
                offences.push(format!(
                    "{name}: its feature `{BREAKS}` turns on more than its own breaks, by `{item}`"
                ));
            }
        }
    }
    offences.extend(left_whole(packages));
    offences
}

/// Lists what the features of a package turn on that has to do with breaks.
fn turned_on(package: &Package) -> impl Iterator<Item = (&str, &str)> {
    let all = package.features.iter();
    let all = all.flat_map(|(feature, items)| items.iter().map(move |item| (feature, item)));
    all.map(|(feature, item)| (feature.as_str(), item.as_str()))
        .filter(|(_, item)| {
            let last = item.rsplit(['/', ':']).next();
            last == Some(BREAKS)
        })
}

/// Names the crates with breaks that the tests do not turn on.
fn left_whole(packages: &[Package]) -> Vec<String> {
    let tests = packages.iter().find(|package| package.name == TESTS);
    let Some(items) = tests.and_then(|tests| tests.features.get(BREAKS)) else {
        return Vec::new();
    };
    let others = packages.iter().filter(|package| package.name != TESTS);
    others
        .filter(|package| package.features.contains_key(BREAKS))
        .map(|package| format!("{}/{BREAKS}", package.name))
        .filter(|item| !items.contains(item))
        .map(|item| format!("{TESTS}: its feature `{BREAKS}` leaves out `{item}`"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Makes a package of what `cargo metadata` prints of it.
    fn package(name: &str, dependencies: &str, features: &str) -> Package {
        let json = format!(
            r#"{{"name":"{name}","manifest_path":"Cargo.toml","dependencies":[{dependencies}],"features":{{{features}}}}}"#
        );
        serde_json::from_str(&json).expect("this is what cargo prints")
    }

    fn model() -> Package {
        package(
            "model",
            r#"{"name":"sabotage","kind":null,"optional":true,"features":[]}"#,
            r#""sabotage":["dep:sabotage"]"#,
        )
    }

    #[track_caller]
    fn check(other: Package, expected: &[&str]) {
        let found = offences(&[model(), other]);
        let is_so = found.len() == expected.len()
            && found
                .iter()
                .zip(expected)
                .all(|(one, start)| one.starts_with(start));
        assert!(is_so, "found {found:#?}, expected {expected:#?}");
    }

    #[test]
    fn only_the_tests_turn_breaks_on() {
        check(
            package(
                TESTS,
                "",
                r#""default":[],"sabotage":["dep:sabotage","model/sabotage"]"#,
            ),
            &[],
        );
        check(
            package(
                "engine",
                "",
                r#""sabotage":["dep:sabotage","model/sabotage"]"#,
            ),
            &[
                "engine: its feature `sabotage` turns on more than its own breaks, by `model/sabotage`",
            ],
        );
        check(
            package("engine", "", r#""default":["sabotage"]"#),
            &["engine: its feature `default` turns breaks on by `sabotage`"],
        );
        check(
            package("handschlag", "", r#""native":["engine?/sabotage"]"#),
            &["handschlag: its feature `native` turns breaks on by `engine?/sabotage`"],
        );
        check(
            package(
                TESTS,
                r#"{"name":"model","kind":null,"optional":false,"features":["sabotage"]}"#,
                "",
            ),
            &["handschlag-tests -> model: names its feature `sabotage`"],
        );
        check(
            package(
                "store",
                r#"{"name":"sabotage","kind":null,"optional":false,"features":[]}"#,
                "",
            ),
            &["store -> sabotage: must be optional"],
        );
    }

    #[test]
    fn binaries_that_ship_refuse_to_compile_with_breaks() {
        for (binary, refusal) in REFUSALS {
            assert_eq!(lets_in(binary, &format!("use one;\n\n{refusal}\n")), None);
            assert!(lets_in(binary, "fn main() {}\n").is_some());
        }
        assert_eq!(lets_in("tests/src/bin/sim.rs", "fn main() {}\n"), None);
    }

    #[test]
    fn the_tests_leave_no_crate_out() {
        check(
            package(TESTS, "", r#""sabotage":["dep:sabotage"]"#),
            &["handschlag-tests: its feature `sabotage` leaves out `model/sabotage`"],
        );
    }
}
