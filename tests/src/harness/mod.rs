//! Real processes, held so that a test reads as what a person does.

mod binaries;
mod cards;
mod dice;
#[cfg(target_os = "linux")]
mod disk;
mod person;
mod process;
mod relay;
mod rpc;
mod secrets;

pub use cards::{RealData, decoded, written_cards};
pub use dice::Dice;
#[cfg(target_os = "linux")]
pub use disk::SmallDisk;
pub use person::{Output, Person};
pub use process::{LIMIT, Running};
pub use relay::{Admission, RelayProcess};
pub use rpc::Rpc;
pub use secrets::Secrets;

/// Makes a temporary directory that goes with the value.
///
/// # Panics
/// When the system gives none.
pub fn scratch() -> tempfile::TempDir {
    tempfile::Builder::new()
        .prefix("handschlag-")
        .tempdir()
        .expect("the system gives a temporary directory")
}

/// Copies a directory with all that it holds but sockets, which belong to a process that has ended.
///
/// # Panics
/// When something in it cannot be read or written.
pub fn copy_directory(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).expect("the copy can be made");
    for entry in std::fs::read_dir(from).expect("the directory can be read") {
        let entry = entry.expect("the directory can be read");
        let target = to.join(entry.file_name());
        let kind = entry.file_type().expect("a file has a type");
        if kind.is_dir() {
            copy_directory(&entry.path(), &target);
        } else if kind.is_file() {
            std::fs::copy(entry.path(), &target).expect("the file can be copied");
        }
    }
}
