//! The project's folder and what cargo knows about its packages.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use crate::command;
use crate::failure::Failure;

/// The packages whose binaries the tests and the demo start as processes, and the variables that name them there.
const BINARIES: [(&str, &str); 2] = [
    ("handschlag", "HANDSCHLAG_BIN"),
    ("handschlag-relay", "HANDSCHLAG_RELAY_BIN"),
];

/// The project's root folder.
pub(crate) struct Project {
    root: PathBuf,
}

/// The part of `cargo metadata` that the tasks read.
#[derive(Deserialize)]
pub(crate) struct Metadata {
    /// The members of the workspace.
    pub(crate) packages: Vec<Package>,
    /// Where cargo puts what it builds.
    pub(crate) target_directory: PathBuf,
}

/// One member of the workspace.
#[derive(Deserialize)]
pub(crate) struct Package {
    /// Its name.
    pub(crate) name: String,
    /// Its `Cargo.toml`.
    pub(crate) manifest_path: PathBuf,
    /// What it names in its `Cargo.toml`, of all kinds and for all platforms.
    pub(crate) dependencies: Vec<Dependency>,
    /// Its features, each with what it turns on.
    pub(crate) features: BTreeMap<String, Vec<String>>,
}

/// One entry of a dependency table.
#[derive(Deserialize)]
pub(crate) struct Dependency {
    /// The package's name, whatever it is called in the code.
    pub(crate) name: String,
    /// The table it stands in.
    pub(crate) kind: Option<DependencyKind>,
    /// Whether it is there only when a feature asks for it.
    pub(crate) optional: bool,
    /// The features of it that are turned on.
    pub(crate) features: Vec<String>,
}

/// The tables beside `[dependencies]`.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum DependencyKind {
    /// `[dev-dependencies]`
    Dev,
    /// `[build-dependencies]`
    Build,
}

impl Project {
    /// Finds the root folder above this package.
    pub(crate) fn find() -> Result<Self, Failure> {
        let package = std::env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        match package.parent() {
            Some(root) if root.join("Cargo.toml").is_file() => Ok(Self {
                root: root.to_owned(),
            }),
            _ => Err(Failure::new("the project's root folder was not found")
                .next("start it as `cargo xtask` inside the project")),
        }
    }

    /// Gives the root folder.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Prepares a call of the cargo that started this task, in the root folder.
    pub(crate) fn cargo(&self) -> Command {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = self.program(cargo);
        // What describes this package to it makes build scripts run again that look at it, and with them half of the
        // build, each time that cargo is called by hand in between.
        std::env::vars_os()
            .map(|(name, _)| name)
            .filter(|name| describes_this_package(&name.to_string_lossy()))
            .for_each(|name| {
                command.env_remove(name);
            });
        command
    }

    /// Prepares a call of any program in the root folder.
    pub(crate) fn program(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root);
        command
    }

    /// Tells whether cargo has a subcommand of this name.
    pub(crate) fn has_subcommand(&self, name: &str) -> bool {
        command::succeeds(self.cargo().args([name, "--version"]))
    }

    /// Asks cargo about the members of the workspace.
    pub(crate) fn metadata(&self) -> Result<Metadata, Failure> {
        let json =
            command::output(
                self.cargo()
                    .args(["metadata", "--no-deps", "--format-version", "1"]),
            )?;
        serde_json::from_str(&json)
            .map_err(|error| Failure::new(format!("cannot read `cargo metadata`: {error}")))
    }
}

fn describes_this_package(variable: &str) -> bool {
    ["CARGO_PKG_", "CARGO_MANIFEST_"]
        .iter()
        .any(|start| variable.starts_with(start))
}

impl Metadata {
    /// Gives the path of a binary that was built in the dev profile.
    pub(crate) fn binary(&self, name: &str) -> PathBuf {
        self.target_directory
            .join("debug")
            .join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
    }

    /// Gives the path of the simulator, which is built in a profile of its own.
    pub(crate) fn simulator(&self) -> PathBuf {
        self.target_directory
            .join("sim")
            .join(format!("sim{}", std::env::consts::EXE_SUFFIX))
    }

    /// Gives the variables by which the tests and the demo find the client and the relay, for those that are built.
    pub(crate) fn binary_variables(&self) -> Vec<(&'static str, PathBuf)> {
        BINARIES
            .iter()
            .map(|(name, variable)| (*variable, self.binary(name)))
            .filter(|(_, path)| path.is_file())
            .collect()
    }
}
