//! Where the programs are.

use std::path::{Path, PathBuf};

/// Finds the command line.
pub(super) fn client() -> PathBuf {
    find("HANDSCHLAG_BIN", "handschlag")
}

/// Finds the relay.
pub(super) fn relay() -> PathBuf {
    find("HANDSCHLAG_RELAY_BIN", "handschlag-relay")
}

fn find(variable: &str, name: &str) -> PathBuf {
    if let Some(path) = std::env::var_os(variable) {
        return PathBuf::from(path);
    }
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    let own = std::env::current_exe().expect("a process knows its program");
    // A test lies in target/PROFILE/deps, the demo in target/PROFILE.
    let found = own
        .ancestors()
        .skip(1)
        .take(2)
        .map(|folder: &Path| folder.join(&file))
        .find(|path| path.is_file());
    found.unwrap_or_else(|| {
        panic!(
            "{name} is not built: run `cargo build --package {name}`, or name it with {variable}"
        )
    })
}
