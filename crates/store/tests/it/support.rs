//! Places for stores, random transactions, and the whole content of a store as one value.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use store::{Backend, EnvelopeKey, FaultBackend, Reading, Store, StoreError, Write};

/// Somewhere a store can lie.
pub(crate) enum Place {
    Memory,
    Fault(FaultBackend),
    File(tempfile::TempDir),
}

impl Place {
    pub(crate) fn all() -> [Self; 3] {
        let dir = tempfile::tempdir().expect("a directory");
        [
            Self::Memory,
            Self::Fault(FaultBackend::new()),
            Self::File(dir),
        ]
    }

    /// Those whose content outlives a handle.
    pub(crate) fn lasting() -> impl Iterator<Item = Self> {
        Self::all().into_iter().skip(1)
    }

    pub(crate) fn backend(&self) -> Backend {
        match self {
            Self::Memory => Backend::memory(),
            Self::Fault(disk) => Backend::fault(disk),
            Self::File(dir) => Backend::file(dir.path().join("store")),
        }
    }

    pub(crate) fn open(&self) -> Store {
        Store::open(self.backend()).expect("the store opens")
    }
}

/// Writes and commits.
pub(crate) fn commit<T>(store: &Store, fill: impl FnOnce(&Write) -> Result<T, StoreError>) -> T {
    let write = store.write().expect("a write");
    let result = fill(&write).expect("it can be written");
    write.commit().expect("a commit");
    result
}

/// Numbers that follow from a seed (SplitMix64).
#[derive(Clone)]
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }

    fn id<const N: usize>(&mut self) -> [u8; N] {
        [self.below(6) as u8; N]
    }

    fn bytes(&mut self) -> Vec<u8> {
        let len = match self.below(12) {
            0 => self.below(60_000),
            _ => self.below(300),
        };
        vec![self.below(256) as u8; len as usize]
    }
}

/// Writes a transaction that the numbers determine; `number` makes each leave a trace.
pub(crate) fn random_transaction(
    write: &Write,
    number: u64,
    numbers: &mut Numbers,
) -> Result<(), StoreError> {
    write.set_counter("transaction", number)?;
    for _ in 0..=numbers.below(12) {
        let (record, feed, hash) = (numbers.id(), numbers.id(), numbers.id());
        let (bytes, n) = (numbers.bytes(), numbers.below(8));
        let key = EnvelopeKey { feed, sequence: n };
        match numbers.below(17) {
            0 => write.append_chunk(&record, &bytes)?,
            1 => write.replace_chunks(&record, &[bytes, vec![n as u8]])?,
            2 => write.replace_chunks(&record, &[])?,
            3 => write.set_view(&record, &bytes)?,
            4 => write.clear_views()?,
            5 => drop(write.put_envelope(&feed, number * 8 + n, &bytes)?),
            6 => write.set_feed(&feed, &bytes)?,
            7 => write.put_waiting(key, &bytes, &[(record, hash), ([9; 16], hash)])?,
            8 => drop(write.take_waiting(key)?),
            9 => write.put_quarantine(key, &bytes)?,
            10 => drop(write.append_roster(&bytes)?),
            11 => write.put_operation(&record, &numbers.id(), &bytes)?,
            12 => drop(write.append_recent(&record)?),
            13 => write.put_file(&hash, &bytes)?,
            14 => write.set_local(&format!("form/{n}"), &bytes)?,
            15 => write.set_row(&record, &bytes)?,
            _ => write.clear_rows()?,
        }
    }
    Ok(())
}

/// All content of a store that the random transactions can have written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Content {
    pub(crate) transaction: u64,
    rows: BTreeMap<String, Vec<u8>>,
}

impl Content {
    pub(crate) fn of(source: &impl Reading) -> Result<Self, StoreError> {
        let mut rows = BTreeMap::new();
        for record in source.doc_ids()? {
            for (n, chunk) in source.doc_chunks(&record)?.into_iter().enumerate() {
                rows.insert(format!("doc {record:?} {n}"), chunk);
            }
        }
        source.for_each_view(|record, view| {
            rows.insert(format!("view {record:?}"), view.to_vec());
            ControlFlow::<()>::Continue(())
        })?;
        for received in source.received_after(0, usize::MAX, usize::MAX)? {
            rows.insert(
                format!("envelope {} {:?}", received.order, received.key),
                received.bytes,
            );
        }
        for (feed, state) in source.feeds()? {
            rows.insert(format!("feed {feed:?}"), state);
        }
        for (key, reason) in source.waiting()? {
            rows.insert(format!("waiting {key:?}"), reason);
        }
        for (key, reason) in source.quarantine()? {
            rows.insert(format!("quarantine {key:?}"), reason);
        }
        for (n, entry) in source.roster()?.into_iter().enumerate() {
            rows.insert(format!("roster {n}"), entry);
        }
        for (n, intent) in source
            .recent_operations(usize::MAX)?
            .into_iter()
            .enumerate()
        {
            rows.insert(format!("recent {n}"), intent.to_vec());
        }
        for (name, value) in source.local_with_prefix("")? {
            rows.insert(format!("local {name}"), value);
        }
        Self::of_ids(source, &mut rows)?;
        Ok(Self {
            transaction: source.counter("transaction")?,
            rows,
        })
    }

    /// Reads what is found by an id only, for the few ids that random transactions use.
    fn of_ids(
        source: &impl Reading,
        rows: &mut BTreeMap<String, Vec<u8>>,
    ) -> Result<(), StoreError> {
        for id in 0..10 {
            for (record, info) in source.operation(&[id; 16])? {
                rows.insert(format!("operation {id} {record:?}"), info);
            }
            if let Some(file) = source.file(&[id; 32])? {
                rows.insert(format!("file {id}"), file);
            }
            if let Some(row) = source.row(&[id; 16])? {
                rows.insert(format!("row {id}"), row);
            }
            for hash in 0..6 {
                let keys = source.waiting_for(&[id; 16], &[hash; 32])?;
                rows.insert(
                    format!("missing {id} {hash}"),
                    format!("{keys:?}").into_bytes(),
                );
            }
        }
        Ok(())
    }
}

/// Returns the content of a store, which must be readable.
pub(crate) fn content(store: &Store) -> Content {
    Content::of(&store.read().expect("a read")).expect("it can be read")
}
