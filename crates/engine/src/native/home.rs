//! A home: the directory with everything that a device keeps.
//!
//! | file | what it is |
//! |---|---|
//! | `store.redb` | the store |
//! | `device.keys` | the device's keys, 0600 |
//! | `engine.sock` | the socket on which the owner serves the engine, 0600; gone while nobody owns the home |
//! | `lock` | locked by the owner as long as it lives; names its process |

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::interface::Failure;

/// The most bytes that the file of keys may have.
const MAX_KEYS_BYTES: u64 = 1024 * 1024;

/// Names the home that is used unless a person names another.
///
/// `$XDG_DATA_HOME/handschlag` or `~/.local/share/handschlag`; on macOS `~/Library/Application Support/Handschlag`,
/// on Windows `%LOCALAPPDATA%\Handschlag`.
pub fn default_home() -> Result<PathBuf, Failure> {
    let variable = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let own = || std::env::home_dir().filter(|path| path.is_absolute());
    let home = if cfg!(windows) {
        variable("LOCALAPPDATA").map(|path| path.join("Handschlag"))
    } else if cfg!(target_os = "macos") {
        own().map(|path| path.join("Library/Application Support/Handschlag"))
    } else {
        variable("XDG_DATA_HOME")
            .or_else(|| own().map(|path| path.join(".local/share")))
            .map(|path| path.join("handschlag"))
    };
    home.ok_or_else(|| {
        Failure::new(
            "home-unknown",
            "the system does not say where your data belongs",
            Some("name a directory as the home"),
        )
    })
}

/// The directory with everything that a device keeps, see the module's header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    path: PathBuf,
}

impl Home {
    /// Names a directory, which need not exist yet.
    pub fn at(path: &Path) -> io::Result<Self> {
        Ok(Self {
            path: std::path::absolute(path)?,
        })
    }

    /// Gives the directory, as an absolute path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Names the store's file.
    pub fn store_path(&self) -> PathBuf {
        self.path.join("store.redb")
    }

    /// Names the file of the device's keys.
    pub fn keys_path(&self) -> PathBuf {
        self.path.join("device.keys")
    }

    /// Names the socket of the owner.
    pub fn socket_path(&self) -> PathBuf {
        self.path.join("engine.sock")
    }

    /// Names the file that the owner locks.
    pub fn lock_path(&self) -> PathBuf {
        self.path.join("lock")
    }

    /// Makes the directory, for its owner alone, where it is missing; one that exists keeps its permissions.
    pub(super) fn create(&self) -> io::Result<()> {
        if self.path.is_dir() {
            return Ok(());
        }
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::DirBuilderExt as _;
            builder.mode(0o700);
        }
        builder.create(&self.path)?;
        self.path.parent().map_or(Ok(()), sync_directory)
    }

    /// Takes the lock; none while another handle or process has it.
    pub(super) fn try_own(&self) -> io::Result<Option<Ownership>> {
        let file = private_file().truncate(false).open(self.lock_path())?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        // The number only helps a person; the lock does not depend on it.
        let named = file
            .set_len(0)
            .and_then(|()| (&file).write_all(std::process::id().to_string().as_bytes()));
        drop(named);
        Ok(Some(Ownership { _lock: file }))
    }

    /// Names the process that owns the home, as far as it can be read.
    pub(super) fn owner_process(&self) -> Option<u32> {
        fs::read_to_string(self.lock_path())
            .ok()?
            .trim()
            .parse()
            .ok()
    }

    /// Reads the device's keys; none where there are none.
    pub(super) fn read_keys(&self) -> io::Result<Option<Vec<u8>>> {
        let file = match File::open(self.keys_path()) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut keys = Vec::new();
        file.take(MAX_KEYS_BYTES + 1).read_to_end(&mut keys)?;
        if keys.len() as u64 > MAX_KEYS_BYTES {
            return Err(io::Error::other("the file of keys is too large to be one"));
        }
        Ok(Some(keys))
    }

    /// Writes the device's keys for its owner alone; they are durable when it returns, and whole at any time.
    pub(super) fn write_keys(&self, keys: &[u8]) -> io::Result<()> {
        let new = self.path.join("device.keys.new");
        // What a crash left may have other permissions than a new file gets.
        remove_if_there(&new)?;
        let mut file = private_file().create_new(true).open(&new)?;
        file.write_all(keys)?;
        file.sync_all()?;
        drop(file);
        fs::rename(&new, self.keys_path())?;
        sync_directory(&self.path)
    }

    /// Gives the bytes that the store's file takes, if there is one.
    pub(super) fn store_bytes(&self) -> Option<u64> {
        fs::metadata(self.store_path())
            .ok()
            .map(|metadata| metadata.len())
    }

    /// Takes the store's file from everybody but its owner, since the store makes it as the system's mask says.
    pub(super) fn guard_store(&self) -> io::Result<()> {
        restrict(&self.store_path())
    }
}

/// The right to open store and keys of a home; it ends when this is dropped or the process dies.
#[derive(Debug)]
pub(super) struct Ownership {
    _lock: File,
}

fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options
}

/// Leaves a file to its owner alone; on Windows the directory's access list does that.
pub(super) fn restrict(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

/// Makes the names in a directory durable; on Windows they are with the file itself.
fn sync_directory(path: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(path)?.sync_all()?;
    }
    Ok(())
}

pub(super) fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
