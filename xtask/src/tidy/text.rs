//! Checks the text of the tracked files: sizes, forbidden words, machine paths.

use crate::tidy::Findings;

/// A Rust file longer than this is worth a second look, in lines.
const LONG_LINES: usize = 500;

/// A Rust file longer than this is more than one idea, in lines.
const TOO_LONG_LINES: usize = 700;

/// The endings of the files that are read; data and golden files may hold anything.
const ENDINGS: [&str; 5] = [".rs", ".toml", ".md", ".sh", ".yml"];

/// What no Rust file contains, with the way out.
///
/// The words are put together here, since otherwise this file would be the first to be named.
const FORBIDDEN: [(&str, &str); 6] = [
    (
        concat!("#[al", "low("),
        "say `#[expect(lint, reason = \"…\")]` instead",
    ),
    (
        concat!("#![al", "low("),
        "say `#![expect(lint, reason = \"…\")]` instead",
    ),
    (concat!("to", "do!("), "write it or leave it out"),
    (concat!("unimple", "mented!("), "write it or leave it out"),
    (concat!("db", "g!("), "remove it"),
    (concat!("#[ign", "ore"), "a test runs or does not exist"),
];

/// Calls that wait for time to pass, which no test does.
const SLEEPS: [&str; 2] = ["sleep(", "sleep_until("];

/// Folders of somebody's machine.
const MACHINE_PATHS: [&str; 4] = [
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/t", "mp/"),
    concat!("/ho", "me/"),
];

/// Tells whether a file's text is checked.
pub(super) fn is_checked(file: &str) -> bool {
    file == ".ci/run" || ENDINGS.iter().any(|ending| file.ends_with(ending))
}

/// Checks the text of one file.
pub(super) fn check(file: &str, content: &str, findings: &mut Findings) {
    if file.ends_with(".rs") {
        check_size(file, content, findings);
        check_rust(file, content, findings);
    }
    for (line, text) in numbered(content) {
        if let Some(path) = MACHINE_PATHS.iter().find(|path| starts_a_path(text, path)) {
            findings.offences.push(format!(
                "{file}:{line}: names `{path}`, a path of one machine"
            ));
        }
    }
}

fn check_size(file: &str, content: &str, findings: &mut Findings) {
    let lines = content.lines().count();
    if lines > TOO_LONG_LINES {
        findings.offences.push(format!(
            "{file}: {lines} lines, at most {TOO_LONG_LINES}: a file is one idea"
        ));
    } else if lines > LONG_LINES {
        findings.warnings.push(format!(
            "{file}: {lines} lines: is it still one idea? (error above {TOO_LONG_LINES})"
        ));
    }
}

fn check_rust(file: &str, content: &str, findings: &mut Findings) {
    let mut is_test = is_test_file(file);
    for (line, text) in numbered(content) {
        let code = code_of(text);
        // Test modules stand at the end of a file, so everything below this line is test code.
        is_test |= code.trim() == "#[cfg(test)]";
        for (word, way_out) in FORBIDDEN {
            if code.contains(word) {
                findings
                    .offences
                    .push(format!("{file}:{line}: `{word}` ({way_out})"));
            }
        }
        if is_test && SLEEPS.iter().any(|call| is_called(code, call)) {
            findings.offences.push(format!(
                "{file}:{line}: a test sleeps (wait for the event itself, or pass the time in)"
            ));
        }
    }
}

/// Tells whether all of a file is test code.
fn is_test_file(file: &str) -> bool {
    let (folders, name) = file.rsplit_once('/').unwrap_or(("", file));
    folders.split('/').any(|folder| folder == "tests")
        || name == "tests.rs"
        || name.ends_with("_tests.rs")
}

/// Gives a line without the comment at its end.
fn code_of(line: &str) -> &str {
    if line.trim_start().starts_with("//") {
        return "";
    }
    line.split_once(" // ").map_or(line, |(code, _)| code)
}

/// Tells whether a function of exactly this name is called.
fn is_called(code: &str, call: &str) -> bool {
    code.match_indices(call).any(|(at, _)| {
        !code[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_')
            && !code[..at].trim_end().ends_with("fn")
    })
}

/// Tells whether the text names this folder at the start of a path, not in the middle of a longer one.
fn starts_a_path(text: &str, path: &str) -> bool {
    text.match_indices(path).any(|(at, _)| {
        !text[..at].ends_with(|before: char| before.is_alphanumeric() || "._-~}>".contains(before))
    })
}

fn numbered(content: &str) -> impl Iterator<Item = (usize, &str)> {
    content
        .lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_file(file: &str, content: &str, expected: &[&str]) {
        let mut findings = Findings::default();
        check(file, content, &mut findings);
        let found = findings.offences;
        let agrees = found.len() == expected.len()
            && found
                .iter()
                .zip(expected)
                .all(|(found, expected)| found.starts_with(expected));
        assert!(agrees, "{file}: found {found:?}, expected {expected:?}");
    }

    #[test]
    fn forbidden_words_are_named_with_their_line() {
        let allow = concat!("#[al", "low(dead_code)]");
        let ignore = concat!("#[ign", "ore = \"slow\"]");
        check_file(
            "crates/model/src/lib.rs",
            &format!("fn a() {{}}\n{allow}\n"),
            &["crates/model/src/lib.rs:2: "],
        );
        check_file(
            "crates/model/src/lib.rs",
            &format!("{ignore}\n"),
            &["crates/model/src/lib.rs:1: "],
        );
        check_file(
            "crates/model/src/lib.rs",
            &format!("// {allow}\nlet a = 1; // {ignore}\n"),
            &[],
        );
    }

    #[test]
    fn only_tests_may_not_sleep() {
        let sleeping = concat!("thread::sle", "ep(PAUSE);\n");
        check_file("server/src/lib.rs", sleeping, &[]);
        check_file(
            "server/src/tests.rs",
            sleeping,
            &["server/src/tests.rs:1: "],
        );
        check_file("tests/src/lib.rs", sleeping, &["tests/src/lib.rs:1: "]);
        check_file(
            "server/src/lib.rs",
            &format!("#[cfg(test)]\nmod tests {{\n{sleeping}}}\n"),
            &["server/src/lib.rs:3: "],
        );
        check_file(
            "tests/src/lib.rs",
            "fn sleep(now: u64) {}\nlet a = may_sleep(1);\n",
            &[],
        );
    }

    #[test]
    fn machine_paths_are_named_in_every_text() {
        let path = concat!("/t", "mp/x");
        check_file("docs/a.md", &format!("see {path}\n"), &["docs/a.md:1: "]);
        check_file("docs/a.md", &format!("see `{path}`\n"), &["docs/a.md:1: "]);
        check_file(
            "docs/a.md",
            &format!("see example.com{path} and target{path}\n"),
            &[],
        );
        assert!(!is_checked("tests/data/card.vcf"));
    }

    #[test]
    fn long_files_warn_before_they_fail() {
        let mut findings = Findings::default();
        check("a.rs", &"\n".repeat(LONG_LINES), &mut findings);
        assert!(findings.warnings.is_empty());
        check("a.rs", &"\n".repeat(LONG_LINES + 1), &mut findings);
        assert_eq!((findings.warnings.len(), findings.offences.len()), (1, 0));
        check("a.rs", &"\n".repeat(TOO_LONG_LINES + 1), &mut findings);
        assert_eq!((findings.warnings.len(), findings.offences.len()), (1, 1));
    }
}
