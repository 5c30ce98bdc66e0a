//! The layer between redb and every backend: it holds writes back until the store is recognised, and remembers errors.

use std::io;
use std::ops::Bound;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use redb::{BackendError, StorageBackend};

/// A backend under watch; clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Watched(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    storage: Box<dyn StorageBackend>,
    /// What was written while writes are held back; none when they pass.
    held: RwLock<Option<Vec<Change>>>,
    broken: Arc<AtomicBool>,
}

#[derive(Debug)]
enum Change {
    Write(u64, Vec<u8>),
    SetLen(u64),
    Sync,
}

impl Watched {
    /// Wraps storage; writes are held back from the start.
    pub(crate) fn new(storage: Box<dyn StorageBackend>) -> Self {
        Self(Arc::new(Inner {
            storage,
            held: RwLock::new(Some(Vec::new())),
            broken: Arc::default(),
        }))
    }

    /// Returns the flag that the first I/O error raises.
    pub(crate) fn broken(&self) -> Arc<AtomicBool> {
        self.0.broken.clone()
    }

    /// Carries out what was held back, in its order, and lets writes pass from now on.
    pub(crate) fn release(&self) -> io::Result<()> {
        let mut held = self.held_mut();
        let Some(changes) = held.take() else {
            return Ok(());
        };
        for change in changes {
            self.note(match change {
                Change::Write(offset, data) => self.0.storage.write(offset, &data),
                Change::SetLen(len) => self.0.storage.set_len(len),
                Change::Sync => self.0.storage.sync_data(),
            })?;
        }
        Ok(())
    }

    /// Holds writes back again.
    pub(crate) fn hold(&self) {
        self.held_mut().get_or_insert_default();
    }

    fn note<T>(&self, result: io::Result<T>) -> io::Result<T> {
        if result.is_err() {
            self.0.broken.store(true, Ordering::Release);
        }
        result
    }

    fn held(&self) -> RwLockReadGuard<'_, Option<Vec<Change>>> {
        self.0.held.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn held_mut(&self) -> RwLockWriteGuard<'_, Option<Vec<Change>>> {
        self.0.held.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Carries a change out, or keeps it while writes are held back.
    fn change(
        &self,
        change: impl FnOnce() -> Change,
        carry_out: impl FnOnce(&dyn StorageBackend) -> io::Result<()>,
    ) -> io::Result<()> {
        if self.held().is_some()
            && let Some(held) = self.held_mut().as_mut()
        {
            held.push(change());
            return Ok(());
        }
        self.note(carry_out(&*self.0.storage))
    }
}

impl StorageBackend for Watched {
    fn len(&self) -> io::Result<u64> {
        let held = self.held();
        let last = held.iter().flatten().rev().find_map(|change| match change {
            Change::SetLen(len) => Some(*len),
            _ => None,
        });
        match last {
            Some(len) => Ok(len),
            None => self.note(self.0.storage.len()),
        }
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let held = self.held();
        match held.as_deref() {
            None | Some([]) => self.note(self.0.storage.read(offset, out)),
            Some(changes) => self.read_held(changes, offset, out),
        }
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.change(|| Change::SetLen(len), |storage| storage.set_len(len))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.change(|| Change::Sync, |storage| storage.sync_data())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.change(
            || Change::Write(offset, data.to_vec()),
            |storage| storage.write(offset, data),
        )
    }

    fn close(&self) -> io::Result<()> {
        self.0.storage.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.0.storage.try_lock_range(start, end)
    }

    fn try_lock_shared_range(
        &self,
        start: Bound<u64>,
        end: Bound<u64>,
    ) -> Result<bool, BackendError> {
        self.0.storage.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.0.storage.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.0.storage.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.0.storage.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.0.storage.query_lock_range(start, end)
    }
}

impl Watched {
    /// Reads as if the changes had been carried out.
    fn read_held(&self, changes: &[Change], offset: u64, out: &mut [u8]) -> io::Result<()> {
        let end = offset.saturating_add(out.len() as u64);
        let stored = self.note(self.0.storage.len())?;
        let from_stored = stored.min(end).saturating_sub(offset) as usize;
        let (old, new) = out.split_at_mut(from_stored);
        if !old.is_empty() {
            self.note(self.0.storage.read(offset, old))?;
        }
        new.fill(0);
        let mut len = stored;
        for change in changes {
            match change {
                Change::Sync => {}
                Change::SetLen(to) => {
                    len = *to;
                    let kept = len.min(end).saturating_sub(offset) as usize;
                    out[kept..].fill(0);
                }
                Change::Write(at, data) => {
                    let from = offset.max(*at);
                    let to = end.min(at + data.len() as u64);
                    if from < to {
                        out[(from - offset) as usize..(to - offset) as usize]
                            .copy_from_slice(&data[(from - at) as usize..(to - at) as usize]);
                    }
                }
            }
        }
        if end > len {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "past the end of the storage",
            ));
        }
        Ok(())
    }
}
