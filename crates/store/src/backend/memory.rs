//! Bytes in memory, shared by their handles.

use std::io;
use std::sync::{Arc, PoisonError, RwLock};

use redb::StorageBackend;

/// Storage in memory; clones share it.
#[derive(Clone, Default)]
pub(crate) struct SharedMemory(Arc<RwLock<Vec<u8>>>);

impl SharedMemory {
    /// Takes the bytes out.
    pub(crate) fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.write().unwrap_or_else(PoisonError::into_inner))
    }
}

impl std::fmt::Debug for SharedMemory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SharedMemory")
    }
}

impl StorageBackend for SharedMemory {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.read().unwrap_or_else(PoisonError::into_inner).len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        read_at(
            &self.0.read().unwrap_or_else(PoisonError::into_inner),
            offset,
            out,
        )
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        resize(
            &mut self.0.write().unwrap_or_else(PoisonError::into_inner),
            len,
        )
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        write_at(
            &mut self.0.write().unwrap_or_else(PoisonError::into_inner),
            offset,
            data,
        )
    }
}

pub(super) fn read_at(bytes: &[u8], offset: u64, out: &mut [u8]) -> io::Result<()> {
    let from = usize::try_from(offset).map_err(|_| past_end())?;
    let to = from.checked_add(out.len()).ok_or_else(past_end)?;
    out.copy_from_slice(bytes.get(from..to).ok_or_else(past_end)?);
    Ok(())
}

pub(super) fn write_at(bytes: &mut [u8], offset: u64, data: &[u8]) -> io::Result<()> {
    let from = usize::try_from(offset).map_err(|_| past_end())?;
    let to = from.checked_add(data.len()).ok_or_else(past_end)?;
    bytes
        .get_mut(from..to)
        .ok_or_else(past_end)?
        .copy_from_slice(data);
    Ok(())
}

pub(super) fn resize(bytes: &mut Vec<u8>, len: u64) -> io::Result<()> {
    let len = usize::try_from(len).map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
    bytes.resize(len, 0);
    Ok(())
}

fn past_end() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "past the end of the storage")
}
