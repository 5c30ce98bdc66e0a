//! Checks the rules of the house on the files that git tracks and on the packages that cargo knows.
//!
//! Nothing here repairs anything: each offence is one line that names its place and the rule.

mod arrows;
mod house;
mod proofs;
mod sabotage;
mod table;
mod text;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::command;
use crate::failure::Failure;
use crate::project::{DependencyKind, Metadata, Project};
use crate::tidy::arrows::{Edge, Table};

/// What the checks found.
#[derive(Default)]
struct Findings {
    /// Lines that make the task fail.
    offences: Vec<String>,
    /// Lines that are worth a look.
    warnings: Vec<String>,
}

/// Runs all checks, prints what they found, and fails when a rule is broken.
pub(crate) fn tidy(project: &Project) -> Result<(), Failure> {
    let metadata = project.metadata()?;
    let files = tracked_files(project)?;
    let mut findings = Findings::default();
    check_dependencies(project, &metadata, &mut findings);
    check_manifests(project, &metadata, &mut findings);
    check_files(project, &files, &mut findings);
    check_proofs(project, &files, &mut findings);
    findings
        .offences
        .extend(sabotage::offences(&metadata.packages));

    for warning in &findings.warnings {
        println!("warning: {warning}");
    }
    for offence in &findings.offences {
        println!("{offence}");
    }
    match findings.offences.len() {
        0 => {
            println!(
                "tidy: {} packages and {} files keep the rules",
                metadata.packages.len(),
                files.len()
            );
            Ok(())
        }
        count => Err(
            Failure::new(format!("{count} rules of the house are broken"))
                .next("repair what the lines above name; the rules stand in xtask/src/tidy"),
        ),
    }
}

/// Checks what each package names as a dependency against the table.
fn check_dependencies(project: &Project, metadata: &Metadata, findings: &mut Findings) {
    for package in &metadata.packages {
        let folder = folder(project, &package.manifest_path);
        let Some(rule) = table::RULES
            .iter()
            .find(|rule| rule.package == package.name)
        else {
            findings.offences.push(format!(
                "{folder}: package {} is not in xtask/src/tidy/table.rs",
                package.name
            ));
            continue;
        };
        if rule.folder != folder {
            findings.offences.push(format!(
                "{folder}: package {} belongs in {}",
                package.name, rule.folder
            ));
        }
        for dependency in &package.dependencies {
            let edge = Edge {
                to: &dependency.name,
                table: match dependency.kind {
                    None => Table::Normal,
                    Some(DependencyKind::Build) => Table::Build,
                    Some(DependencyKind::Dev) => Table::Dev,
                },
            };
            findings.offences.extend(arrows::offence(rule, edge));
        }
    }
}

/// Checks that each package takes the workspace's lints.
fn check_manifests(project: &Project, metadata: &Metadata, findings: &mut Findings) {
    for package in &metadata.packages {
        let folder = folder(project, &package.manifest_path);
        match std::fs::read_to_string(&package.manifest_path) {
            Ok(manifest) if house::takes_workspace_lints(&manifest) => {}
            Ok(_) => findings.offences.push(format!(
                "{folder}/Cargo.toml: `[lints] workspace = true` is missing"
            )),
            Err(error) => findings
                .offences
                .push(format!("{folder}/Cargo.toml: cannot be read: {error}")),
        }
    }
}

/// Checks names and contents of the tracked files.
fn check_files(project: &Project, files: &[String], findings: &mut Findings) {
    findings.offences.extend(house::strangers(files));
    for file in files {
        if !text::is_checked(file) {
            continue;
        }
        match std::fs::read_to_string(project.root().join(file)) {
            Ok(content) => {
                text::check(file, &content, findings);
                findings
                    .offences
                    .extend(house::wrong_ci_call(file, &content));
                findings.offences.extend(sabotage::lets_in(file, &content));
            }
            // Deleted in the work tree but not yet in the index.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => findings
                .offences
                .push(format!("{file}: cannot be read: {error}")),
        }
    }
}

/// Checks that the tests which a page names are there.
fn check_proofs(project: &Project, files: &[String], findings: &mut Findings) {
    let read = |file: &str| std::fs::read_to_string(project.root().join(file)).unwrap_or_default();
    let mut known = BTreeSet::new();
    for file in files.iter().filter(|file| file.ends_with(".rs")) {
        known.extend(proofs::functions(&read(file)).map(str::to_owned));
    }
    let page = read(proofs::PAGE);
    let offences = proofs::offences(&page, |name| known.contains(name));
    findings.offences.extend(offences);
}

/// Lists the files that git tracks, with `/` between the parts of a path.
fn tracked_files(project: &Project) -> Result<Vec<String>, Failure> {
    let list =
        command::output(project.program("git").args(["ls-files", "-z"])).map_err(|failure| {
            failure.next("tidy looks at tracked files: run it in a git checkout with git installed")
        })?;
    Ok(list.split_terminator('\0').map(str::to_owned).collect())
}

/// Gives the folder of a manifest, relative to the root.
fn folder(project: &Project, manifest: &Path) -> String {
    let folder = manifest.parent().map_or_else(PathBuf::new, Path::to_owned);
    folder
        .strip_prefix(project.root())
        .unwrap_or(&folder)
        .to_string_lossy()
        .replace('\\', "/")
}
