//! `restore`: a data directory from a backup.
//!
//! The backup is verified before anything is made. The database is built beside its place in the directory, verified
//! again, and only then gets its name; until then the directory holds no relay. Every log begins a new life: its epoch
//! is drawn anew, so that clients which have read further than the backup goes compare and send what it lacks, instead
//! of waiting for sequences that mean something else now.

mod fill;

use std::{
    fs::{self, File},
    io::{self, BufReader},
    path::{Path, PathBuf},
};

use data_encoding::HEXLOWER;
use protocol::{LogEpoch, RelayKey, WorkspaceId};
use vault::SigningIdentity;

use super::{
    backup::sync_folder,
    examine::Examined,
    finding::Finding,
    frames::{FrameReader, ReadError},
    verify::{examine_frames, examine_log},
};
use crate::{
    clock,
    log::{FILE_NAME, LogError, OpenError, RedbLog, Trust},
    writer::Chain,
};
use fill::Filling;

/// How many findings an error names.
const NAMED_FINDINGS: usize = 5;

/// The bytes that are read at once.
const BUFFER_BYTES: usize = 256 * 1024;

/// Says why nothing was restored, and what to do; the directory is as it was.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The backup cannot be opened.
    #[error(
        "cannot read {path}: {source}; restore takes a backup that 'handschlag-relay backup' made"
    )]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is no backup, or one of a newer version.
    #[error("{path}: {source}; nothing was restored")]
    NotABackup {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: ReadError,
    },
    /// The backup does not hold.
    #[error(
        "{path} is damaged, nothing was restored: {findings}; take another backup, or start an empty relay: clients fill \
         it again"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        findings: String,
    },
    /// There is something in the directory.
    #[error("{path} is not empty; restore into a new directory, then start the relay on that one")]
    NotEmpty {
        /// The directory.
        path: PathBuf,
    },
    /// The directory cannot be used.
    #[error("cannot write to {path}: {source}; free some space, or choose another directory")]
    Folder {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What was restored could not be made durable, and was taken away again.
    #[error(
        "nothing was restored: the disk under {path} does not keep new files ({source}); check it, or choose another directory"
    )]
    NotDurable {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What was restored could neither be made durable nor taken away again.
    #[error(
        "what was restored into {path} may be gone after a loss of power, and cannot be taken away ({source}); check the disk, and restore into another directory"
    )]
    Undecided {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The database could not be made.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The database could not be filled.
    #[error(
        "nothing was restored, the new database failed: {text}; free some space, or choose another disk"
    )]
    Log {
        /// What is wrong.
        text: String,
    },
    /// What was restored is not what the backup held.
    #[error(
        "nothing was restored, since what was written does not read back as it was: {findings}; check the disk and the memory of this machine"
    )]
    ReadBack {
        /// What is wrong.
        findings: String,
    },
}

impl From<LogError> for RestoreError {
    fn from(error: LogError) -> Self {
        RestoreError::Log {
            text: Chain(&error).to_string(),
        }
    }
}

/// What was restored.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Restored {
    /// The data directory.
    pub data: PathBuf,
    /// When the backup was made, ms since 1970.
    pub made_ms: u64,
    /// The relay's public key, as clients know it; none when the relay had not served yet.
    pub relay: Option<RelayKey>,
    /// The workspaces.
    pub workspaces: Vec<RestoredWorkspace>,
}

/// A workspace that was restored.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct RestoredWorkspace {
    /// Its id.
    pub workspace: WorkspaceId,
    /// The new life of its log.
    pub epoch: LogEpoch,
    /// The devices in its roster that are not revoked.
    pub devices: u64,
    /// The entries of its roster.
    pub roster_entries: u64,
    /// The envelopes in its log.
    pub envelopes: u64,
    /// The envelopes that are held of feeds that may not write.
    pub held_envelopes: u64,
}

/// Restores a backup into a directory that is empty or not there.
///
/// # Errors
/// The backup is none, damaged or newer, or the directory is not empty or cannot be written; then nothing is left of
/// the attempt.
pub fn restore(file: &Path, data: &Path) -> Result<Restored, RestoreError> {
    let leftovers = check_empty(data)?;
    let mut findings = Findings::default();
    let (relay, held) = examine_frames(open(file)?, &mut |finding| findings.add(finding));
    findings.check(file)?;
    let relay = relay.ok_or_else(|| RestoreError::NotABackup {
        path: file.to_owned(),
        source: ReadError::Foreign,
    })?;

    let building = Building::begin(data, leftovers)?;
    let log = RedbLog::open_file(data, building.path.clone(), Trust::Pages)?;
    // The relay that held it had its limit.
    let log = log.with_held_limit(u64::MAX);
    fill(&log, file)?;
    let mut findings = Findings::default();
    let restored = examine_log(&log.snapshot()?, &mut |finding| findings.add(finding));
    if let Some(findings) = findings.text().or_else(|| difference(&held, &restored)) {
        return Err(RestoreError::ReadBack { findings });
    }
    drop(log);
    building.finish(sync_folder)?;
    let workspaces = restored.into_iter().map(|workspace| RestoredWorkspace {
        workspace: workspace.workspace,
        epoch: workspace.epoch,
        devices: workspace.devices,
        roster_entries: u64::from(workspace.roster_entries),
        envelopes: workspace.envelopes,
        held_envelopes: workspace.held_envelopes,
    });
    Ok(Restored {
        data: data.to_owned(),
        made_ms: relay.made_ms,
        relay: relay
            .seed
            .map(|seed| SigningIdentity::from_seed(&seed).relay()),
        workspaces: workspaces.collect(),
    })
}

fn open(file: &Path) -> Result<BufReader<File>, RestoreError> {
    match File::open(file) {
        Ok(opened) => Ok(BufReader::with_capacity(BUFFER_BYTES, opened)),
        Err(source) => Err(RestoreError::File {
            path: file.to_owned(),
            source,
        }),
    }
}

/// The first things that are wrong, and how many there are.
#[derive(Debug, Default)]
struct Findings {
    named: Vec<Finding>,
    more: u64,
}

impl Findings {
    fn add(&mut self, finding: Finding) {
        if self.named.len() < NAMED_FINDINGS {
            self.named.push(finding);
        } else {
            self.more += 1;
        }
    }

    fn text(&self) -> Option<String> {
        let mut texts: Vec<String> = self.named.iter().map(Finding::to_string).collect();
        if self.more > 0 {
            texts.push(format!("and {} more", self.more));
        }
        (!texts.is_empty()).then(|| texts.join("; "))
    }

    fn check(mut self, file: &Path) -> Result<(), RestoreError> {
        let path = file.to_owned();
        let is_none = self.named.iter().position(|finding| {
            use crate::upkeep::Fault::File;
            matches!(
                finding.fault,
                File {
                    source: ReadError::Foreign | ReadError::Newer { .. } | ReadError::Io { .. }
                }
            )
        });
        if let Some(at) = is_none
            && let super::finding::Fault::File { source } = self.named.swap_remove(at).fault
        {
            return Err(RestoreError::NotABackup { path, source });
        }
        match self.text() {
            Some(findings) => Err(RestoreError::Damaged { path, findings }),
            None => Ok(()),
        }
    }
}

/// Says how two examinations differ beside the epoch, if they do.
fn difference(held: &[Examined], restored: &[Examined]) -> Option<String> {
    if held.len() != restored.len() {
        return Some(format!(
            "{} workspaces instead of {}",
            restored.len(),
            held.len()
        ));
    }
    let differs = held.iter().zip(restored).find(|(held, restored)| {
        let held = Examined {
            epoch: restored.epoch,
            ..(*held).clone()
        };
        held != **restored
    });
    differs.map(|(held, _)| format!("workspace {} differs", held.workspace))
}

/// Names the unfinished databases in a directory, which may hold nothing else.
fn check_empty(data: &Path) -> Result<Vec<PathBuf>, RestoreError> {
    let failed = |source| RestoreError::Folder {
        path: data.to_owned(),
        source,
    };
    let entries = match fs::read_dir(data) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut leftovers = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(FILE_NAME) && name.ends_with(".part") {
            leftovers.push(entry.path());
        } else if name != "lost+found" {
            // A disk of its own has that one from the beginning.
            return Err(RestoreError::NotEmpty {
                path: data.to_owned(),
            });
        }
    }
    Ok(leftovers)
}

/// A database that has not got its name yet; it goes away when it does not get it.
#[derive(Debug)]
struct Building {
    data: PathBuf,
    path: PathBuf,
    was_there: bool,
    has_name: bool,
}

impl Building {
    fn begin(data: &Path, leftovers: Vec<PathBuf>) -> Result<Building, RestoreError> {
        for leftover in leftovers {
            fs::remove_file(leftover).map_err(|source| RestoreError::Folder {
                path: data.to_owned(),
                source,
            })?;
        }
        // A name of its own, so that two who restore to one place never mix.
        let random = HEXLOWER.encode(&clock::random::<8>());
        Ok(Building {
            data: data.to_owned(),
            path: data.join(format!("{FILE_NAME}.{random}.part")),
            was_there: data.is_dir(),
            has_name: false,
        })
    }

    /// Gives the database its name; `sync` makes the names in a folder durable.
    ///
    /// When that fails nobody knows what is left after the loss of power, so the database goes away again.
    fn finish(mut self, sync: impl Fn(&Path) -> io::Result<()>) -> Result<(), RestoreError> {
        let data = self.data.clone();
        let failed = |source| RestoreError::Folder {
            path: data.clone(),
            source,
        };
        let target = data.join(FILE_NAME);
        if target.exists() {
            return Err(RestoreError::NotEmpty { path: data });
        }
        fs::rename(&self.path, &target).map_err(failed)?;
        // From here on this is what goes away when something fails.
        self.path = target;
        let parent = data.parent().filter(|_| !self.was_there);
        let folders = parent.map(|parent| match parent.as_os_str().is_empty() {
            true => Path::new("."),
            false => parent,
        });
        for folder in [data.as_path()].into_iter().chain(folders) {
            if let Err(source) = sync(folder) {
                let path = data.clone();
                return Err(match fs::remove_file(&self.path) {
                    Ok(()) => RestoreError::NotDurable { path, source },
                    Err(_) => RestoreError::Undecided { path, source },
                });
            }
        }
        self.has_name = true;
        Ok(())
    }
}

impl Drop for Building {
    fn drop(&mut self) {
        if !self.has_name {
            drop(fs::remove_file(&self.path));
            if !self.was_there {
                drop(fs::remove_dir(&self.data));
            }
        }
    }
}

/// Fills a new log from a backup that was verified.
fn fill(log: &RedbLog, file: &Path) -> Result<(), RestoreError> {
    let not_a_backup = |source| RestoreError::NotABackup {
        path: file.to_owned(),
        source,
    };
    let mut frames = FrameReader::begin(open(file)?).map_err(not_a_backup)?;
    let mut filling = Filling::new(log);
    while let Some(frame) = frames.read().map_err(not_a_backup)? {
        let item = frame.item.filter(|_| frame.is_intact);
        // It was whole a moment ago.
        let item = item.ok_or(not_a_backup(ReadError::Lost { at: frame.at }))?;
        filling.take(item)?;
    }
    filling.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_made_durable_is_taken_away_again() {
        let folder = tempfile::tempdir().expect("makes a folder");
        for (was_there, fails_at) in [(false, 1), (false, 2), (true, 1)] {
            let data = folder.path().join("relay");
            if was_there {
                fs::create_dir(&data).expect("makes");
            }
            let building = Building::begin(&data, Vec::new()).expect("begins");
            let log = RedbLog::open_file(&data, building.path.clone(), Trust::Pages);
            drop(log.expect("opens"));
            let calls = std::cell::Cell::new(0);
            let finished = building.finish(|folder| {
                calls.set(calls.get() + 1);
                assert!(data.join(FILE_NAME).exists(), "it has its name by then");
                match calls.get() == fails_at {
                    true => Err(io::Error::other("the disk is gone")),
                    false => sync_folder(folder),
                }
            });
            let error = finished.expect_err("fails").to_string();
            assert!(
                error.contains("nothing was restored") && error.contains("the disk is gone"),
                "{error}"
            );
            assert_eq!(data.exists(), was_there);
            assert!(!was_there || fs::read_dir(&data).expect("reads").next().is_none());
        }
    }

    #[test]
    fn an_attempt_that_fails_on_the_way_leaves_nothing() {
        let folder = tempfile::tempdir().expect("makes a folder");
        for was_there in [false, true] {
            let data = folder.path().join(format!("relay-{was_there}"));
            if was_there {
                fs::create_dir(&data).expect("makes");
            }
            let building = Building::begin(&data, Vec::new()).expect("begins");
            let log = RedbLog::open_file(&data, building.path.clone(), Trust::Pages);
            drop(log.expect("opens"));
            assert!(building.path.exists() && !data.join(FILE_NAME).exists());
            drop(building);
            assert_eq!(data.exists(), was_there);
            assert!(!was_there || fs::read_dir(&data).expect("reads").next().is_none());
        }
    }
}
