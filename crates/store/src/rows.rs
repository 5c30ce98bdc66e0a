//! Reading rows, and taking apart values that have a layout.

use redb::ReadableTable;

use crate::tables::{Fixed, Named};
use crate::{Source, StoreError};

/// Rows of a table: key and value.
pub type Rows<const N: usize> = Vec<([u8; N], Vec<u8>)>;

/// Counts down how much more a bounded answer may hold.
pub(crate) struct Window {
    count: usize,
    bytes: usize,
    first: bool,
}

impl Window {
    pub(crate) fn new(count: usize, bytes: usize) -> Self {
        Self {
            count,
            bytes,
            first: true,
        }
    }

    /// Says whether one more value fits, and counts it; the first fits always, so that a reader gets on.
    pub(crate) fn takes(&mut self, bytes: usize) -> bool {
        if self.count == 0 || (bytes > self.bytes && !self.first) {
            return false;
        }
        self.count -= 1;
        self.bytes = self.bytes.saturating_sub(bytes);
        self.first = false;
        true
    }
}

/// Returns the value under a name.
pub(crate) fn named<S: Source + ?Sized>(
    source: &S,
    definition: Named,
    name: &str,
) -> Result<Option<Vec<u8>>, StoreError> {
    let table = source.table(definition)?;
    Ok(table.get(name)?.map(|value| value.value().to_vec()))
}

/// Returns the value under a key.
pub(crate) fn fixed<const N: usize, S: Source + ?Sized>(
    source: &S,
    definition: Fixed<N, &'static [u8]>,
    key: &[u8; N],
) -> Result<Option<Vec<u8>>, StoreError> {
    let table = source.table(definition)?;
    Ok(table.get(key)?.map(|value| value.value().to_vec()))
}

/// Returns all rows by ascending key.
pub(crate) fn all<const N: usize, S: Source + ?Sized>(
    source: &S,
    definition: Fixed<N, &'static [u8]>,
) -> Result<Rows<N>, StoreError> {
    let table = source.table(definition)?;
    let mut rows = Vec::new();
    for row in table.iter()? {
        let (key, value) = row?;
        rows.push((*key.value(), value.value().to_vec()));
    }
    Ok(rows)
}

/// Splits the value of an envelope into its received order and its bytes.
pub(crate) fn split_order(value: &[u8]) -> Result<(u64, &[u8]), StoreError> {
    match value.split_first_chunk() {
        Some((order, bytes)) => Ok((u64::from_be_bytes(*order), bytes)),
        None => Err(StoreError::damaged("an envelope without its order")),
    }
}

/// Splits the value of a waiting envelope into what it lacks (48 bytes each) and the reason.
pub(crate) fn split_waiting(value: &[u8]) -> Result<(&[[u8; 48]], &[u8]), StoreError> {
    let damaged = || StoreError::damaged("a waiting envelope without its list");
    let (count, rest) = value.split_first_chunk().ok_or_else(damaged)?;
    let bytes = (u32::from_be_bytes(*count) as usize)
        .checked_mul(48)
        .ok_or_else(damaged)?;
    let (list, reason) = rest.split_at_checked(bytes).ok_or_else(damaged)?;
    Ok((list.as_chunks().0, reason))
}
