//! Checks that what the web client runs compiles for the browser.
//!
//! With rustup the target's own standard library is taken, added first where it is missing.
//! Where that cannot be had, Debian's compiler builds the standard library from Debian's sources, which needs
//! the packages [`DEBIAN_PACKAGES`]; as root they are installed.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::command;
use crate::failure::Failure;
use crate::project::Project;

/// The packages that the web client runs, from the bottom up.
const WEB_PACKAGES: [&str; 8] = [
    "model",
    "protocol",
    "store",
    "interchange",
    "vault",
    "replica",
    "sync",
    "engine",
];

/// The target of a browser without any operating system's interface.
const TARGET: &str = "wasm32-unknown-unknown";

/// The feature that stands for threads, files and sockets, where a package has it among its default ones.
const NATIVE_FEATURE: &str = "native";

/// Debian's compiler, its cargo and the sources of the standard library.
const DEBIAN_PACKAGES: [&str; 3] = ["rustc-web", "cargo-web", "rust-web-src"];

/// Where Debian's packages put them.
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_CARGO: &str = "/usr/bin/cargo";
const DEBIAN_LIBRARY: &str = "/usr/lib/rustlib/src/rust/library/Cargo.lock";

/// The oldest minor version of Rust 1 that builds the workspace, as `rust-version` in Cargo.toml says.
const OLDEST_MINOR: u32 = 95;

/// How long rustup may try to reach its server; a closed network may not answer at all.
const RUSTUP_LIMIT: Duration = Duration::from_secs(180);

/// How to check for the browser.
#[derive(Args, Default)]
pub(crate) struct Options {
    /// Takes this compiler instead of the first that is there or can be installed.
    #[arg(long)]
    compiler: Option<Compiler>,
}

/// The two ways to a standard library for the browser.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Compiler {
    /// The compiler that builds everything else, with the target's standard library.
    Rustup,
    /// Debian's compiler, which builds the standard library from its sources.
    Debian,
}

/// What [`prepare`] found.
pub(crate) enum Prepared {
    /// A compiler is ready.
    Ready(Compiler),
    /// There is none and none could be installed, for the reason given.
    Missing {
        /// What is missing and how to get it.
        reason: String,
        /// Whether this machine allows to install what is missing, so that its absence is an error.
        is_installable: bool,
    },
}

/// Checks the packages for the browser and says with which compiler.
pub(crate) fn check(project: &Project, options: &Options) -> Result<String, Failure> {
    match prepare(project, options.compiler)? {
        Prepared::Ready(compiler) => check_with(project, compiler),
        Prepared::Missing {
            reason,
            is_installable,
        } => {
            let is_ci = std::env::var_os("CI").is_some_and(|value| value == "true");
            if options.compiler.is_some() || (is_ci && is_installable) {
                return Err(Failure::new(format!("no compiler for {TARGET}")).next(reason));
            }
            eprintln!("not checked for {TARGET}: {reason}");
            Ok("SKIPPED: no compiler for the browser, see above".to_owned())
        }
    }
}

/// Finds or installs a compiler for the browser.
pub(crate) fn prepare(project: &Project, wanted: Option<Compiler>) -> Result<Prepared, Failure> {
    if wanted != Some(Compiler::Debian) && (has_target(project) || add_target(project)) {
        return Ok(Prepared::Ready(Compiler::Rustup));
    }
    if wanted == Some(Compiler::Rustup) {
        return Ok(Prepared::Missing {
            reason: format!(
                "run `rustup target add {TARGET}` where rustup's server can be reached"
            ),
            is_installable: true,
        });
    }
    match debian_problem() {
        None => return Ok(Prepared::Ready(Compiler::Debian)),
        Some(problem) => eprintln!("Debian's compiler is not ready: {problem}"),
    }
    let install = format!(
        "apt-get install --no-install-recommends {}",
        DEBIAN_PACKAGES.join(" ")
    );
    if !command::succeeds(Command::new("apt-get").arg("--version")) {
        return Ok(Prepared::Missing {
            reason: format!(
                "run `rustup target add {TARGET}`; without rustup, on Debian 12 or later, `{install}`"
            ),
            is_installable: false,
        });
    }
    if !is_root() {
        return Ok(Prepared::Missing {
            reason: format!("run `rustup target add {TARGET}`, or as root `{install}`"),
            is_installable: false,
        });
    }
    let installed = install_debian_packages(project);
    Ok(match (installed, debian_problem()) {
        (Ok(()), None) => Prepared::Ready(Compiler::Debian),
        (Err(failure), _) => Prepared::Missing {
            reason: format!("`rustup target add {TARGET}` and `{install}` both failed: {failure}"),
            is_installable: true,
        },
        (Ok(()), Some(problem)) => Prepared::Missing {
            reason: format!("{problem}, also after `{install}`"),
            is_installable: true,
        },
    })
}

/// Tells whether the compiler that builds everything else has the target's standard library.
fn has_target(project: &Project) -> bool {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let mut ask = project.program(rustc);
    ask.args(["--print", "target-libdir", "--target", TARGET]);
    command::output(&mut ask).is_ok_and(|folder| Path::new(folder.trim()).is_dir())
}

/// Tries to add the target with rustup; `false` when rustup is not there or its server cannot be reached.
fn add_target(project: &Project) -> bool {
    if !command::succeeds(Command::new("rustup").arg("--version")) {
        return false;
    }
    eprintln!("adding {TARGET} with rustup");
    let added = command::run_within(
        project.program("rustup").args(["target", "add", TARGET]),
        RUSTUP_LIMIT,
    );
    if let Err(failure) = &added {
        eprintln!("{failure}");
    }
    added.is_ok() && has_target(project)
}

/// Says what keeps Debian's compiler from being used, or nothing.
fn debian_problem() -> Option<String> {
    if let Some(path) = [DEBIAN_RUSTC, DEBIAN_CARGO, DEBIAN_LIBRARY]
        .into_iter()
        .find(|path| !Path::new(path).exists())
    {
        return Some(format!("{path} is missing"));
    }
    let version = command::output(Command::new(DEBIAN_RUSTC).arg("--version")).unwrap_or_default();
    match minor_version(&version) {
        Some(minor) if minor >= OLDEST_MINOR => None,
        _ => Some(format!(
            "{DEBIAN_RUSTC} is `{}`, and 1.{OLDEST_MINOR} or later is needed",
            version.trim()
        )),
    }
}

/// Reads the 95 of `rustc 1.95.0 (…)`.
fn minor_version(version: &str) -> Option<u32> {
    version
        .strip_prefix("rustc 1.")?
        .split('.')
        .next()?
        .parse()
        .ok()
}

fn is_root() -> bool {
    command::output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}

fn install_debian_packages(project: &Project) -> Result<(), Failure> {
    eprintln!("installing {} with apt", DEBIAN_PACKAGES.join(", "));
    let apt = || {
        let mut apt = project.program("apt-get");
        apt.env("DEBIAN_FRONTEND", "noninteractive");
        apt
    };
    command::run(apt().args(["update", "--quiet"]))?;
    command::run(
        apt()
            .args(["install", "--yes", "--quiet", "--no-install-recommends"])
            .args(DEBIAN_PACKAGES),
    )
}

/// Compiles the packages, those with native default features without them.
fn check_with(project: &Project, compiler: Compiler) -> Result<String, Failure> {
    let metadata = project.metadata()?;
    let is_native = |name: &str| {
        metadata
            .packages
            .iter()
            .find(|package| package.name == name)
            .and_then(|package| package.features.get("default"))
            .is_some_and(|features| features.iter().any(|feature| feature == NATIVE_FEATURE))
    };
    let (native, plain): (Vec<&str>, Vec<&str>) =
        WEB_PACKAGES.into_iter().partition(|name| is_native(name));
    for (packages, features) in [(plain, &[][..]), (native, &["--no-default-features"][..])] {
        if packages.is_empty() {
            continue;
        }
        let mut check = cargo_for(project, compiler, &metadata.target_directory);
        for package in packages {
            check.args(["--package", package]);
        }
        command::run(check.args(features))?;
    }
    Ok(match compiler {
        Compiler::Rustup => format!("{} packages compile for {TARGET}", WEB_PACKAGES.len()),
        Compiler::Debian => format!(
            "{} packages compile for {TARGET} with Debian's compiler",
            WEB_PACKAGES.len()
        ),
    })
}

/// Prepares `cargo check` for the browser.
fn cargo_for(project: &Project, compiler: Compiler, target_directory: &Path) -> Command {
    let mut cargo = match compiler {
        Compiler::Rustup => project.cargo(),
        Compiler::Debian => project.program(DEBIAN_CARGO),
    };
    cargo.args(["check", "--target", TARGET]);
    if compiler == Compiler::Debian {
        cargo
            .args(["-Z", "build-std=std,panic_abort", "--target-dir"])
            // Apart from everything else: another compiler, so nothing could be shared.
            .arg(target_directory.join("wasm"))
            .env("RUSTC", DEBIAN_RUSTC)
            // Building the standard library is not a stable option of cargo.
            .env("RUSTC_BOOTSTRAP", "1");
        // What rustup's cargo set for this program would lead Debian's compiler to the wrong libraries.
        for variable in [
            "CARGO",
            "LD_LIBRARY_PATH",
            "RUSTUP_TOOLCHAIN",
            "RUSTUP_HOME",
        ] {
            cargo.env_remove(variable);
        }
    }
    cargo
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        assert_eq!(
            minor_version("rustc 1.96.0 (ac68faa20 2026-05-25) (built from a source tarball)"),
            Some(96)
        );
        assert_eq!(minor_version("rustc 1.63.0"), Some(63));
        assert_eq!(minor_version(""), None);
    }
}
