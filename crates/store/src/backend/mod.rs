//! What a store can lie in.

use redb::StorageBackend;

use crate::OpenError;

mod fault;
#[cfg(not(target_arch = "wasm32"))]
mod file;
mod memory;
mod watched;

pub use fault::{FaultBackend, Operation};
pub(crate) use memory::SharedMemory;
pub(crate) use watched::Watched;

/// What a store lies in.
#[derive(Debug)]
pub struct Backend(Kind);

#[derive(Debug)]
enum Kind {
    #[cfg(not(target_arch = "wasm32"))]
    File(std::path::PathBuf),
    Fault(FaultBackend),
    Once(Option<Box<dyn StorageBackend>>),
}

impl Backend {
    /// Names a file, which is created when it does not exist and locked while the store is open.
    ///
    /// An existing file must hold a store; an empty one is damage.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn file(path: impl Into<std::path::PathBuf>) -> Self {
        Self(Kind::File(path.into()))
    }

    /// Makes an empty store that ends with its handle.
    pub fn memory() -> Self {
        Self(Kind::Once(Some(Box::new(SharedMemory::default()))))
    }

    /// Names a simulated disk.
    pub fn fault(disk: &FaultBackend) -> Self {
        Self(Kind::Fault(disk.clone()))
    }

    /// Takes any other storage of redb's; it is opened once, and when it is empty a store is created in it.
    ///
    /// Where storage can be lost from outside, the caller must remember that there was a store and say so with
    /// [`Options::must_exist`](crate::Options::must_exist).
    pub fn custom(storage: impl StorageBackend) -> Self {
        Self(Kind::Once(Some(Box::new(storage))))
    }

    pub(crate) fn can_reopen(&self) -> Result<(), OpenError> {
        match &self.0 {
            Kind::Once(None) => Err(OpenError::OpenedOnce),
            _ => Ok(()),
        }
    }

    /// Says whether this is a file, which is created apart and appears when it is whole.
    pub(crate) fn is_file(&self) -> bool {
        !matches!(self.0, Kind::Fault(_) | Kind::Once(_))
    }

    #[cfg_attr(
        target_arch = "wasm32",
        expect(
            unused_variables,
            reason = "only a file is created apart from being opened"
        )
    )]
    pub(crate) fn open(&mut self, must_exist: bool) -> Result<Box<dyn StorageBackend>, OpenError> {
        match &mut self.0 {
            #[cfg(not(target_arch = "wasm32"))]
            Kind::File(path) => file::open(path, must_exist),
            Kind::Fault(disk) => Ok(Box::new(disk.attach())),
            Kind::Once(storage) => storage.take().ok_or(OpenError::OpenedOnce),
        }
    }
}
