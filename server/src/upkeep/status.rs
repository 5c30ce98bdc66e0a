//! What a relay holds and does, in numbers.

use std::{collections::HashMap, path::Path, sync::Mutex};

use protocol::{FeedId, LogEpoch, RelayKey, RosterHash, WorkspaceId};
use serde::{Deserialize, Serialize};
use vault::{Roster, SigningIdentity};

use super::{
    UpkeepError,
    source::{Source, open},
};
use crate::log::{LogError, Snapshot, Trust, WorkspaceOutline};

/// What `status` tells; the names are those of its JSON and stay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Whether a relay serves from the data directory now.
    pub running: bool,
    /// The version of that relay.
    pub version: Option<String>,
    /// Where it listens.
    pub address: Option<String>,
    /// The clients that are connected to it now.
    pub connections: Option<u64>,
    /// How many may be.
    pub max_connections: Option<u64>,
    /// The relay's public key; none before it served for the first time.
    pub relay: Option<RelayKey>,
    /// The number of the layout of the data directory.
    pub layout: u32,
    /// What it holds, in the order in which the workspaces began.
    pub workspaces: Vec<WorkspaceStatus>,
    /// The size of the database file.
    pub file_bytes: u64,
    /// What is free on its disk for the user who asks.
    pub disk_free_bytes: Option<u64>,
}

/// What `status` tells of a workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkspaceStatus {
    /// Its id.
    pub workspace: WorkspaceId,
    /// The life of its log, drawn when it began or was restored.
    pub epoch: LogEpoch,
    /// The devices in its roster that are not revoked; none when the roster is damaged.
    pub devices: Option<u64>,
    /// The entries of its roster.
    pub roster_entries: u64,
    /// The feeds that have written.
    pub feeds: u64,
    /// The envelopes in its log.
    pub envelopes: u64,
    /// Their bytes.
    pub bytes: u64,
    /// When the newest was received, ms since 1970.
    pub last_received_ms: Option<u64>,
    /// What is held of feeds that may not write, until an admin accepts it.
    pub held: Vec<HeldStatus>,
}

/// What `status` tells of a feed of which envelopes are held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldStatus {
    /// The feed.
    pub feed: FeedId,
    /// How many are held.
    pub envelopes: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Counts what workspaces hold, and remembers it, so that asking again costs what is new.
#[derive(Debug, Default)]
pub(crate) struct Counter {
    known: Mutex<HashMap<WorkspaceId, Counted>>,
}

#[derive(Debug, Clone, Copy)]
struct Counted {
    epoch: LogEpoch,
    sequence: u64,
    bytes: u64,
    roster_head: RosterHash,
    devices: Option<u64>,
}

impl Counter {
    /// Counts what all workspaces hold.
    ///
    /// # Errors
    /// The log cannot be read.
    pub(crate) fn count(&self, snapshot: &Snapshot) -> Result<Vec<WorkspaceStatus>, LogError> {
        let all = snapshot.workspaces()?;
        all.iter()
            .map(|outline| self.workspace(snapshot, outline))
            .collect()
    }

    fn workspace(
        &self,
        snapshot: &Snapshot,
        outline: &WorkspaceOutline,
    ) -> Result<WorkspaceStatus, LogError> {
        let known = self.lock().get(&outline.id).copied();
        // The log of an epoch only grows.
        let logged = known.filter(|known| {
            known.epoch == outline.head.epoch && known.sequence <= outline.head.sequence
        });
        let (after, mut bytes) = logged.map_or((0, 0), |known| (known.sequence, known.bytes));
        for row in snapshot.log(outline.number, after)? {
            bytes += row?.bytes;
        }
        let devices = match known.filter(|known| known.roster_head == outline.roster_head) {
            Some(known) => known.devices,
            None => count_devices(snapshot, outline)?,
        };
        let mut feeds = HashMap::new();
        for feed in snapshot.feeds(outline.number)? {
            let head = feed?.head;
            feeds.insert(head.feed, head.sequence);
        }
        let held = snapshot.held_feeds(outline.number)?.map(|held| {
            let held = held?;
            let before = feeds.get(&held.end.feed).copied().unwrap_or(0);
            Ok(HeldStatus {
                feed: held.end.feed,
                envelopes: held.end.sequence.saturating_sub(before),
                bytes: held.bytes,
            })
        });
        let held = held.collect::<Result<Vec<_>, LogError>>()?;
        let counted = Counted {
            epoch: outline.head.epoch,
            sequence: outline.head.sequence,
            bytes,
            roster_head: outline.roster_head,
            devices,
        };
        self.lock().insert(outline.id, counted);
        Ok(WorkspaceStatus {
            workspace: outline.id,
            epoch: outline.head.epoch,
            devices,
            roster_entries: u64::from(outline.roster_len),
            feeds: feeds.len() as u64,
            envelopes: outline.head.sequence,
            bytes,
            last_received_ms: (outline.head.sequence > 0).then_some(outline.received_ms),
            held,
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<WorkspaceId, Counted>> {
        self.known
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Counts the devices of a stored roster; none when it is damaged.
fn count_devices(snapshot: &Snapshot, outline: &WorkspaceOutline) -> Result<Option<u64>, LogError> {
    let entries = snapshot.roster(outline.number)?;
    let entries = entries.collect::<Result<Vec<_>, _>>()?;
    let roster = Roster::from_entries(entries.iter().map(|(_, bytes)| bytes)).ok();
    Ok(roster.map(|roster| {
        let devices = roster.devices();
        devices.filter(|device| device.revoked.is_none()).count() as u64
    }))
}

impl Status {
    /// Counts what a log holds; nothing is said of a relay that serves it.
    ///
    /// # Errors
    /// The log cannot be read.
    pub(crate) fn of(snapshot: &Snapshot, counter: &Counter) -> Result<Status, LogError> {
        let identity = snapshot
            .seed()?
            .map(|seed| SigningIdentity::from_seed(&seed));
        Ok(Status {
            running: false,
            version: None,
            address: None,
            connections: None,
            max_connections: None,
            relay: identity.map(|identity| identity.relay()),
            layout: snapshot.layout()?,
            workspaces: counter.count(snapshot)?,
            file_bytes: 0,
            disk_free_bytes: None,
        })
    }
}

/// Tells what the relay of a data directory holds and does, whether it runs or not.
///
/// # Errors
/// There is no relay's data, or it cannot be read.
pub fn status(data: &Path) -> Result<Status, UpkeepError> {
    let mut status = match open(data, Trust::Pages)? {
        #[cfg(unix)]
        Source::Running(asker) => asker.status()?,
        Source::Stopped(log) => {
            let counted = log
                .snapshot()
                .and_then(|snapshot| Status::of(&snapshot, &Counter::default()));
            counted.map_err(|source| UpkeepError::log(data, source))?
        }
    };
    let file = data.join(crate::log::FILE_NAME);
    status.file_bytes = std::fs::metadata(file).map_or(0, |file| file.len());
    status.disk_free_bytes = disk_free(data);
    Ok(status)
}

/// Asks the system what is free on the disk of a folder.
fn disk_free(folder: &Path) -> Option<u64> {
    #[cfg(unix)]
    {
        let disk = rustix::fs::statvfs(folder).ok()?;
        Some(disk.f_bavail.saturating_mul(disk.f_frsize))
    }
    #[cfg(not(unix))]
    {
        drop(folder.to_owned());
        None
    }
}
