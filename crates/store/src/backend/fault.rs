//! A simulated disk that fails and crashes when it is told to.

use std::io;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redb::{BackendError, StorageBackend};

use super::memory::{read_at, resize, write_at};

/// A simulated disk in memory; clones are the same disk.
///
/// It counts its operations (writes, changes of length, syncs; not reads), numbered from 0. What was written since
/// the last sync is only in the machine's memory: [`FaultBackend::restart`] decides what of it had reached the disk.
#[derive(Clone, Default)]
pub struct FaultBackend(Arc<Mutex<Disk>>);

#[derive(Default)]
struct Disk {
    synced: Vec<u8>,
    live: Vec<u8>,
    unsynced: Vec<Change>,
    operations: u64,
    syncs: u64,
    fails_at: Option<u64>,
    dies_at: Option<u64>,
    dead: bool,
    /// Whether writes fail for lack of space.
    is_full: bool,
    died_in: Option<Operation>,
    /// The attachment that has the disk locked.
    locked_by: Option<u64>,
    attachments: u64,
}

/// What a disk is asked to do and counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// Bytes are written.
    Write,
    /// The length changes.
    SetLen,
    /// What was written is made durable.
    Sync,
}

enum Change {
    Write(u64, Vec<u8>),
    SetLen(u64),
}

impl std::fmt::Debug for FaultBackend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let disk = self.disk();
        f.debug_struct("FaultBackend")
            .field("bytes", &disk.live.len())
            .field("operations", &disk.operations)
            .field("dead", &disk.dead)
            .finish_non_exhaustive()
    }
}

impl FaultBackend {
    /// Makes an empty disk.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a disk with these bytes on it.
    pub fn from_image(image: Vec<u8>) -> Self {
        let disk = Self::default();
        disk.disk().live = image.clone();
        disk.disk().synced = image;
        disk
    }

    /// Returns the bytes as the running machine sees them.
    pub fn image(&self) -> Vec<u8> {
        self.disk().live.clone()
    }

    /// Returns how many operations were asked for so far.
    pub fn operations(&self) -> u64 {
        self.disk().operations
    }

    /// Returns how many syncs succeeded so far.
    pub fn syncs(&self) -> u64 {
        self.disk().syncs
    }

    /// Lets the operation of this number fail once with an I/O error, without an effect.
    pub fn fail_at(&self, operation: u64) {
        self.disk().fails_at = Some(operation);
    }

    /// Lets the disk be full, or have space again: until then every write fails, without an effect.
    pub fn fill(&self, is_full: bool) {
        self.disk().is_full = is_full;
    }

    /// Lets the machine stop before the operation of this number: it and everything after it fails.
    pub fn die_at(&self, operation: u64) {
        self.disk().dies_at = Some(operation);
    }

    /// Tells whether the machine has stopped.
    pub fn is_dead(&self) -> bool {
        self.disk().dead
    }

    /// Returns the operation before which the machine stopped, when [`FaultBackend::die_at`] stopped it.
    pub fn died_in(&self) -> Option<Operation> {
        self.disk().died_in
    }

    /// Gives the disk as storage of redb's, which is locked against other openings until it is closed.
    pub fn storage(&self) -> impl StorageBackend + use<> {
        self.attach()
    }

    /// Lets the machine stop now.
    pub fn die(&self) {
        self.disk().dead = true;
    }

    /// Returns the disk as a machine finds it that starts after this one stopped; this disk is dead from now on.
    ///
    /// Without a seed exactly what was synced is there. With one, every later change is there whole, in part
    /// (a torn write) or not at all, independently of the others, as a disk that reorders would leave it.
    #[must_use]
    pub fn restart(&self, seed: Option<u64>) -> Self {
        let mut disk = self.disk();
        disk.dead = true;
        let mut image = disk.synced.clone();
        if let Some(seed) = seed {
            let mut numbers = Numbers(seed);
            for change in &disk.unsynced {
                survive(&mut image, change, &mut numbers);
            }
        }
        Self::from_image(image)
    }

    pub(super) fn attach(&self) -> Attachment {
        let mut disk = self.disk();
        disk.attachments += 1;
        Attachment {
            disk: self.clone(),
            number: disk.attachments,
        }
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Applies what a crash left of a change.
fn survive(image: &mut Vec<u8>, change: &Change, numbers: &mut Numbers) {
    let fate = numbers.next() % 4;
    match change {
        _ if fate == 0 => {}
        Change::SetLen(len) => image.resize(*len as usize, 0),
        Change::Write(offset, data) => {
            let kept = if fate == 1 {
                (numbers.next() % (data.len() as u64 + 1)) as usize
            } else {
                data.len()
            };
            // A write that reached the disk beyond the old end took the longer file with it.
            let end = *offset as usize + kept;
            if image.len() < end {
                image.resize(end, 0);
            }
            image[*offset as usize..end].copy_from_slice(&data[..kept]);
        }
    }
}

/// The numbers that follow from a seed (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

impl Disk {
    /// Counts an operation and says whether it may happen.
    fn count(&mut self, operation: Operation) -> io::Result<()> {
        let number = self.operations;
        self.operations += 1;
        if !self.dead && self.dies_at.is_some_and(|at| number >= at) {
            self.dead = true;
            self.died_in = Some(operation);
        }
        self.alive()?;
        if self.fails_at == Some(number) {
            return Err(io::Error::other("simulated I/O error"));
        }
        Ok(())
    }

    /// Counts a write and says whether it may happen.
    fn count_write(&mut self, operation: Operation) -> io::Result<()> {
        self.count(operation)?;
        if self.is_full {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }

    fn alive(&self) -> io::Result<()> {
        if self.dead {
            return Err(io::Error::other("the simulated machine has stopped"));
        }
        Ok(())
    }
}

/// One opening of a disk, which locks it against others.
#[derive(Debug)]
pub(super) struct Attachment {
    disk: FaultBackend,
    number: u64,
}

impl Attachment {
    fn unlock(&self) {
        let mut disk = self.disk.disk();
        if disk.locked_by == Some(self.number) {
            disk.locked_by = None;
        }
    }
}

impl Drop for Attachment {
    fn drop(&mut self) {
        self.unlock();
    }
}

impl StorageBackend for Attachment {
    fn len(&self) -> io::Result<u64> {
        let disk = self.disk.disk();
        disk.alive()?;
        Ok(disk.live.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let disk = self.disk.disk();
        disk.alive()?;
        read_at(&disk.live, offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut disk = self.disk.disk();
        disk.count_write(Operation::SetLen)?;
        disk.unsynced.push(Change::SetLen(len));
        resize(&mut disk.live, len)
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut disk = self.disk.disk();
        disk.count(Operation::Sync)?;
        disk.syncs += 1;
        for change in std::mem::take(&mut disk.unsynced) {
            match change {
                Change::SetLen(len) => resize(&mut disk.synced, len)?,
                Change::Write(offset, data) => write_at(&mut disk.synced, offset, &data)?,
            }
        }
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut disk = self.disk.disk();
        disk.count_write(Operation::Write)?;
        write_at(&mut disk.live, offset, data)?;
        disk.unsynced.push(Change::Write(offset, data.to_vec()));
        Ok(())
    }

    fn close(&self) -> io::Result<()> {
        self.unlock();
        Ok(())
    }

    fn try_lock_range(&self, _start: Bound<u64>, _end: Bound<u64>) -> Result<bool, BackendError> {
        let mut disk = self.disk.disk();
        Ok(*disk.locked_by.get_or_insert(self.number) == self.number)
    }

    fn unlock_range(&self, _start: Bound<u64>, _end: Bound<u64>) -> Result<(), BackendError> {
        self.unlock();
        Ok(())
    }
}
