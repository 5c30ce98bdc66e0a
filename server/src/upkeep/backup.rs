//! `backup`: everything that a relay holds at one moment, in one file.
//!
//! The file is written beside its place as `FILE.part`, synced, and only then gets its name, so a file with the name of
//! a backup is a whole one. It holds the relay's key: nobody but its owner may read it.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use super::{
    UpkeepError,
    emit::{EmitError, emit},
    frames::{FrameReader, FrameWriter, ReadError},
    item::{Counts, Item},
    source::{Source, open},
};
use crate::{
    clock,
    log::{RedbLog, Trust},
    writer::Chain,
};

/// The bytes that are gathered for one write.
const BUFFER_BYTES: usize = 256 * 1024;

/// Says why there is no backup, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The relay's data could not be got at.
    #[error(transparent)]
    Source(#[from] UpkeepError),
    /// There is a file of that name.
    #[error("{path} exists; choose another name, or replace it with --force")]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Another backup is on its way into the same file.
    #[error("another backup is being written to {path}; wait for it, or choose another name")]
    Busy {
        /// The unfinished file.
        path: PathBuf,
    },
    /// The file could not be written.
    #[error("cannot write {path}: {source}; free some space, or choose another place")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The log could not be read.
    #[error("no backup was made: {text}")]
    Log {
        /// What is wrong.
        text: String,
    },
    /// The relay that runs broke off.
    #[error("no backup was made, the relay broke off: {text}; its log says more")]
    BrokenOff {
        /// What is wrong.
        text: String,
    },
}

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct BackupMade {
    /// The file.
    pub file: PathBuf,
    /// Whether the relay ran.
    pub running: bool,
    /// Its workspaces.
    pub workspaces: u64,
    /// Their roster entries.
    pub roster_entries: u64,
    /// The envelopes in their logs.
    pub envelopes: u64,
    /// The envelopes that are held of feeds that may not write.
    pub held_envelopes: u64,
    /// The size of the file.
    pub bytes: u64,
}

/// Backs up the data of a relay, whether it runs or not, into a file.
///
/// # Errors
/// The data cannot be read, or the file cannot be written or is there and may not be replaced; then no file of that
/// name was made or changed.
pub fn backup(file: &Path, data: &Path, may_replace: bool) -> Result<BackupMade, BackupError> {
    let source = open(data, Trust::Pages)?;
    let part = PartFile::begin(file, may_replace)?;
    let to = BufWriter::with_capacity(BUFFER_BYTES, &part.file);
    let (running, counts) = match source {
        #[cfg(unix)]
        Source::Running(asker) => (true, copy(asker.backup(), to, &part)?),
        Source::Stopped(log) => (false, write(&log, to, &part)?),
    };
    let bytes = part.finish(file, may_replace)?;
    Ok(BackupMade {
        file: file.to_owned(),
        running,
        workspaces: counts.workspaces,
        roster_entries: counts.roster_entries,
        envelopes: counts.envelopes,
        held_envelopes: counts.held,
        bytes,
    })
}

/// Writes what the log of a stopped relay holds.
fn write(log: &RedbLog, to: impl Write, part: &PartFile) -> Result<Counts, BackupError> {
    let log_failed = |text| BackupError::Log { text };
    let mut frames = FrameWriter::begin(to).map_err(|source| part.failed(source))?;
    let snapshot = log.snapshot();
    let snapshot = snapshot.map_err(|error| log_failed(Chain(&error).to_string()))?;
    emit(&snapshot, clock::now_ms(), &mut |item| {
        let item = item.map_err(|row| log_failed(row.to_string()))?;
        frames.write(&item).map_err(|source| part.failed(source))
    })
    .map_err(|error| match error {
        EmitError::Log(error) => log_failed(Chain(&error).to_string()),
        EmitError::Taker(error) => error,
    })?;
    let (_, counts) = frames.finish().map_err(|source| part.failed(source))?;
    Ok(counts)
}

/// Writes what a relay that runs sends, frame by frame, so that what is kept is known to be whole.
#[cfg(unix)]
fn copy(
    from: io::Result<impl io::Read>,
    to: impl Write,
    part: &PartFile,
) -> Result<Counts, BackupError> {
    let broken_off = |text: String| BackupError::BrokenOff { text };
    let read_failed = |error: ReadError| broken_off(error.to_string());
    let from = from.map_err(|error| broken_off(error.to_string()))?;
    let mut from = FrameReader::begin(from).map_err(read_failed)?;
    let mut frames = FrameWriter::begin(to).map_err(|source| part.failed(source))?;
    while let Some(frame) = from.read().map_err(read_failed)? {
        match frame.item {
            Some(Item::End(_)) => {}
            Some(Item::Failed { text }) => return Err(broken_off(text)),
            Some(item) if frame.is_intact => {
                frames.write(&item).map_err(|source| part.failed(source))?;
            }
            _ => return Err(broken_off(format!("byte {} is damaged", frame.at))),
        }
    }
    let (_, counts) = frames.finish().map_err(|source| part.failed(source))?;
    Ok(counts)
}

/// A file that has not got its name yet; it goes away when it does not get it.
#[derive(Debug)]
struct PartFile {
    file: File,
    path: PathBuf,
    has_name: bool,
}

impl PartFile {
    fn begin(target: &Path, may_replace: bool) -> Result<PartFile, BackupError> {
        check_free(target, may_replace)?;
        let mut path = target.as_os_str().to_owned();
        path.push(".part");
        let path = PathBuf::from(path);
        let failed = |source| BackupError::Write {
            path: path.clone(),
            source,
        };
        let mut options = OpenOptions::new();
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            options.mode(0o600);
            let flags = rustix::fs::OFlags::NOFOLLOW.bits();
            options.custom_flags(flags.cast_signed());
        }
        let options = options.read(true).write(true).create(true).truncate(false);
        let file = options.open(&path).map_err(failed)?;
        let is_free = match file.try_lock() {
            // One that finished since the file was opened has given it its name.
            Ok(()) => is_at(&file, &path).map_err(failed)?,
            Err(TryLockError::WouldBlock) => false,
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        };
        if !is_free {
            return Err(BackupError::Busy { path });
        }
        // What a killed backup left may be longer, and may be readable for others.
        let emptied = file.set_len(0).and_then(|()| restrict(&file));
        emptied.map_err(failed)?;
        Ok(PartFile {
            file,
            path,
            has_name: false,
        })
    }

    fn failed(&self, source: io::Error) -> BackupError {
        BackupError::Write {
            path: self.path.clone(),
            source,
        }
    }

    /// Makes the file durable and gives it its name; returns its size.
    fn finish(mut self, target: &Path, may_replace: bool) -> Result<u64, BackupError> {
        self.file.sync_all().map_err(|source| self.failed(source))?;
        let bytes = self.file.metadata().map_or(0, |metadata| metadata.len());
        check_free(target, may_replace)?;
        fs::rename(&self.path, target).map_err(|source| self.failed(source))?;
        self.has_name = true;
        let parent = target
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty());
        sync_folder(parent.unwrap_or(Path::new("."))).map_err(|source| self.failed(source))?;
        Ok(bytes)
    }
}

impl Drop for PartFile {
    fn drop(&mut self) {
        if !self.has_name {
            drop(fs::remove_file(&self.path));
        }
    }
}

fn check_free(target: &Path, may_replace: bool) -> Result<(), BackupError> {
    if !may_replace && target.symlink_metadata().is_ok() {
        return Err(BackupError::Exists {
            path: target.to_owned(),
        });
    }
    Ok(())
}

/// Tells whether an open file is the one that has a name.
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let (here, there) = (file.metadata()?, fs::symlink_metadata(path)?);
        Ok((here.dev(), here.ino()) == (there.dev(), there.ino()))
    }
    #[cfg(not(unix))]
    {
        // There a file that is open keeps its name.
        file.metadata().and(fs::metadata(path)).map(|_| true)
    }
}

/// Leaves a file to its owner alone; elsewhere the folder's access list does that.
fn restrict(file: &File) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        file.set_permissions(fs::Permissions::from_mode(0o600))
    }
    #[cfg(not(unix))]
    {
        file.metadata().map(drop)
    }
}

/// Makes the names in a folder durable; elsewhere they are with the file itself.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(path)?.sync_all()?;
    }
    Ok(())
}
