//! A file on a disk; redb locks it for the one that has it open.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use redb::StorageBackend;
use redb::backends::FileBackend;

use crate::{OpenError, open};

/// Opens a file, or creates it with an empty store in it.
///
/// A new store appears under its name only when it is whole and synced, so that a file that exists and is empty
/// has lost what it held.
pub(super) fn open(path: &Path, must_exist: bool) -> Result<Box<dyn StorageBackend>, OpenError> {
    let file = match open_existing(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if must_exist {
                return Err(OpenError::Absent);
            }
            create(path)?;
            open_existing(path)?
        }
        opened => opened?,
    };
    Ok(Box::new(FileBackend::new(file)?))
}

fn open_existing(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open(path)
}

fn create(path: &Path) -> Result<(), OpenError> {
    let image = open::blank_image()?;
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let unfinished = PathBuf::from(name);
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(&unfinished)?;
    file.write_all(&image)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&unfinished, path)?;
    // The name is durable only with its directory; where directories cannot be opened, the rename has to do.
    #[cfg(unix)]
    {
        let directory = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        File::open(directory)?.sync_all()?;
    }
    Ok(())
}
