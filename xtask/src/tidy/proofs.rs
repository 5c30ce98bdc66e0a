//! Checks that the tests which docs/security.md names as proofs are there.

/// The page whose tables name tests.
pub(super) const PAGE: &str = "docs/security.md";

/// Collects the names of the functions in a Rust file.
pub(super) fn functions(content: &str) -> impl Iterator<Item = &str> {
    content.lines().filter_map(|line| {
        let (_, rest) = line.split_once("fn ")?;
        let end = rest.find(|letter: char| !is_of_name(letter))?;
        Some(&rest[..end])
    })
}

/// Names the tests in the last column of the tables that are no function of the project.
pub(super) fn offences(page: &str, is_known: impl Fn(&str) -> bool) -> Vec<String> {
    let mut offences = Vec::new();
    for (at, line) in page.lines().enumerate() {
        let Some(last) = line.trim().trim_end_matches('|').rsplit('|').next() else {
            continue;
        };
        if !line.starts_with('|') {
            continue;
        }
        for name in last.split('`').skip(1).step_by(2) {
            if !is_known(name) {
                let number = at + 1;
                offences.push(format!("{PAGE}:{number}: there is no test `{name}`"));
            }
        }
    }
    offences
}

fn is_of_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_that_is_gone_is_named_with_its_line() {
        let code = "#[test]\nfn it_holds() {\n}\npub(crate) fn helper(one: u8) {}\n";
        let known: Vec<&str> = functions(code).collect();
        assert_eq!(known, ["it_holds", "helper"]);
        let page = "# `not in a table`\n\n| against | test |\n|---|---|\n| `x` forges | `it_holds`, `it_is_gone` |\n";
        let offences = offences(page, |name| known.contains(&name));
        assert_eq!(
            offences,
            ["docs/security.md:5: there is no test `it_is_gone`"]
        );
    }
}
