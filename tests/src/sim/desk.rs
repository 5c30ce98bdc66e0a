//! What a device has beside its store: clock, randomness, the file of its keys.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use engine::headless::Surroundings;

use super::clock::Clock;
use super::dice::Dice;

/// What does not belong to a store; clones are the same.
#[derive(Debug, Clone)]
pub(crate) struct Desk {
    /// The device's clock.
    pub(crate) clock: Clock,
    dice: Arc<Mutex<Dice>>,
    keys: Arc<Mutex<Option<Vec<u8>>>>,
}

fn open<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Desk {
    /// Makes the desk of a device with these keys, or none.
    pub(crate) fn new(clock: Clock, keys: Option<Vec<u8>>) -> Self {
        Self {
            clock,
            dice: Arc::new(Mutex::new(Dice::of(0))),
            keys: Arc::new(Mutex::new(keys)),
        }
    }

    /// Lets all randomness follow from a seed from now on.
    pub(crate) fn reseed(&self, dice: Dice) {
        *open(&self.dice) = dice;
    }

    /// Gives the file of keys as it is on the disk.
    pub(crate) fn kept_keys(&self) -> Option<Vec<u8>> {
        open(&self.keys).clone()
    }

    /// Puts another file of keys on the disk.
    pub(crate) fn put_keys(&self, keys: Option<Vec<u8>>) {
        *open(&self.keys) = keys;
    }
}

impl Surroundings for Desk {
    fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    fn zone(&self) -> String {
        "Europe/Berlin".to_owned()
    }

    fn fill_random(&mut self, bytes: &mut [u8]) {
        open(&self.dice).fill(bytes);
    }

    fn keys(&self) -> Result<Option<Vec<u8>>, String> {
        Ok(self.kept_keys())
    }

    fn keep_keys(&mut self, keys: &[u8]) -> Result<(), String> {
        self.put_keys(Some(keys.to_vec()));
        Ok(())
    }

    fn place(&self) -> String {
        "memory".to_owned()
    }

    fn store_bytes(&self) -> Option<u64> {
        None
    }
}
