//! The workspaces of a relay, each open while clients are connected to it.

use std::{
    collections::HashMap,
    sync::{Arc, Weak},
};

use protocol::{Blob, Cut, Entry, FeedId, LogEpoch, LogHash, RosterHash, SignerKey, WorkspaceId};
use sync::{
    Comparison, Effects, Judged, LogEntry,
    relay::{Found, NotCreated},
};
use tokio::sync::{Mutex, oneshot};
use tracing::info;
use vault::{Roster, SigningIdentity};

use crate::{
    args::Creation,
    clock,
    log::{
        ChangeLog, FeedPiece, FeedRange, LogError, RosterPiece, StoredWorkspace, Write, Written,
    },
    logging::Short,
    space::{Now, Space},
    writer::{Chain, Job, Writer},
};

/// Says that the log has failed and the relay stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Failed;

/// What a client is told of a workspace, and the workspace when it is there.
pub(crate) type Opened = Result<(Found, Option<Arc<Space>>), Failed>;

/// How a roster grows.
#[derive(Debug)]
pub(crate) struct Growth {
    /// The head that it has.
    pub(crate) expected: RosterHash,
    /// How many entries from the first stay; all when none.
    pub(crate) keep: Option<usize>,
    /// The entries that follow them.
    pub(crate) entries: Vec<Blob>,
    /// What they ask of the log.
    pub(crate) effects: Effects,
}

/// What is found where a workspace should be.
pub(crate) enum Place {
    Open(Arc<Space>),
    /// It is there, and does not know the key.
    Stranger,
    Nowhere,
}

/// All workspaces, and the way to the one writer.
#[derive(Debug)]
pub(crate) struct Hub {
    log: Arc<dyn ChangeLog>,
    writer: Writer,
    relay: Arc<SigningIdentity>,
    creation: Creation,
    slots: Mutex<HashMap<WorkspaceId, Arc<Slot>>>,
}

/// The place of a workspace that is open or being opened; its lock is held while it is read and verified.
type Slot = Mutex<Weak<Space>>;

impl Hub {
    pub(crate) fn new(
        log: Arc<dyn ChangeLog>,
        writer: Writer,
        relay: Arc<SigningIdentity>,
        creation: Creation,
    ) -> Self {
        Hub {
            log,
            writer,
            relay,
            creation,
            slots: Mutex::new(HashMap::new()),
        }
    }

    /// Returns the relay's identity.
    pub(crate) fn relay(&self) -> Arc<SigningIdentity> {
        Arc::clone(&self.relay)
    }

    /// Ends the writer once it has finished what is queued.
    pub(crate) async fn stop_writing(&self) {
        self.writer.stop().await;
    }

    /// Finds a workspace that a client names, for a key that it claims to have.
    pub(crate) async fn open(&self, id: WorkspaceId, key: SignerKey) -> Opened {
        let place = self.space(id, Some(key)).await?;
        Ok(place.told(&self.creation, &id, &key))
    }

    /// Returns the open workspace, opening it when it is stored. The lock of its slot is held all the while, so that no
    /// workspace is ever open twice with different followers; others are not held up by it.
    ///
    /// It is not opened, which takes time, for a key that no entry of its roster names.
    async fn space(&self, id: WorkspaceId, key: Option<SignerKey>) -> Result<Place, Failed> {
        let slot = self.slot(id).await;
        let mut open = slot.lock().await;
        if let Some(space) = open.upgrade() {
            return Ok(Place::Open(space));
        }
        let found = self.blocking(move |log| find(log, id, key)).await?;
        if let Place::Open(space) = &found {
            *open = Arc::downgrade(space);
        }
        Ok(found)
    }

    /// Returns the slot of a workspace; those that nobody looks at and that hold nothing open go away.
    async fn slot(&self, id: WorkspaceId) -> Arc<Slot> {
        let mut slots = self.slots.lock().await;
        if let Some(slot) = slots.get(&id) {
            return Arc::clone(slot);
        }
        slots.retain(|_, slot| {
            // Who has a slot got it under this lock, so one that only the map has stays unseen.
            Arc::strong_count(slot) > 1 || slot.try_lock().is_ok_and(|open| open.strong_count() > 0)
        });
        Arc::clone(slots.entry(id).or_default())
    }

    /// Begins a workspace with a verified roster, unless somebody else has begun it.
    pub(crate) async fn create(
        &self,
        id: WorkspaceId,
        entries: Vec<Blob>,
    ) -> Result<Result<Arc<Space>, NotCreated>, Failed> {
        let epoch = LogEpoch::from_bytes(clock::random());
        let write = Write::Create {
            workspace: id,
            epoch,
            roster: pieces(entries),
            quota: self.creation.quota(),
        };
        match self.write(write, None, None, None).await.await? {
            Written::OverQuota => return Ok(Err(NotCreated::OverQuota)),
            Written::Damaged { what } => {
                tracing::error!(workspace = %Short(id.as_bytes()), what, "a workspace is damaged");
                return Err(Failed);
            }
            Written::Created(stored) if stored.head.epoch == epoch => {
                info!(workspace = %Short(id.as_bytes()), "a workspace begins");
            }
            _ => {}
        }
        Ok(match self.space(id, None).await? {
            Place::Open(space) => Ok(space),
            Place::Stranger | Place::Nowhere => Err(NotCreated::NotAllowed),
        })
    }

    /// Queues envelopes; the returned future waits until they are durable.
    pub(crate) async fn append(
        &self,
        space: &Arc<Space>,
        judged: Judged,
        judged_by: RosterHash,
    ) -> impl Future<Output = Result<Written, Failed>> + use<> {
        let write = Write::Append {
            workspace: space.id,
            received_ms: clock::now_ms(),
            run: judged.run,
            cut: judged.cut,
        };
        self.write(write, Some(Arc::clone(space)), None, Some(judged_by))
            .await
    }

    /// Queues envelopes of any feeds; the returned future waits until they are durable.
    pub(crate) async fn carry(
        &self,
        space: &Arc<Space>,
        runs: Vec<Judged>,
        feeds: Vec<FeedId>,
        judged_by: RosterHash,
    ) -> impl Future<Output = Result<Written, Failed>> + use<> {
        let write = Write::Carry {
            workspace: space.id,
            received_ms: clock::now_ms(),
            runs,
            feeds,
        };
        self.write(write, Some(Arc::clone(space)), None, Some(judged_by))
            .await
    }

    /// Queues roster entries; the returned future waits until they are durable.
    pub(crate) async fn append_roster(
        &self,
        space: &Arc<Space>,
        roster: Arc<Roster>,
        growth: Growth,
    ) -> impl Future<Output = Result<Written, Failed>> + use<> {
        let write = Write::Roster {
            workspace: space.id,
            received_ms: clock::now_ms(),
            expected: growth.expected,
            keep: growth.keep,
            entries: pieces(growth.entries),
            effects: growth.effects,
        };
        self.write(write, Some(Arc::clone(space)), Some(roster), None)
            .await
    }

    async fn write(
        &self,
        write: Write,
        space: Option<Arc<Space>>,
        roster: Option<Arc<Roster>>,
        judged_by: Option<RosterHash>,
    ) -> impl Future<Output = Result<Written, Failed>> + use<> {
        let (answer, outcome) = oneshot::channel();
        self.writer
            .queue(Job {
                write,
                space,
                roster,
                judged_by,
                is_refused: false,
                answer,
            })
            .await;
        async move { outcome.await.map_err(|_| Failed) }
    }

    /// Reads the log after a sequence, from memory when it is there.
    pub(crate) async fn read(
        &self,
        space: &Space,
        after: u64,
        max_bytes: usize,
        max_entries: usize,
    ) -> Result<Vec<LogEntry>, Failed> {
        if let Some(entries) = space.recent(after, max_bytes, max_entries) {
            return Ok(entries);
        }
        let id = space.id;
        self.blocking(move |log| log.read(&id, after, max_bytes, max_entries))
            .await
    }

    /// Looks up the running hash at a cursor, and where a feed stands.
    pub(crate) async fn place(
        &self,
        id: WorkspaceId,
        feed: Option<FeedId>,
        cursor: Option<u64>,
    ) -> Result<(Option<LogHash>, Option<Cut>), Failed> {
        self.blocking(move |log| {
            let running = match cursor {
                Some(sequence) => log.running_hash(&id, sequence)?,
                None => None,
            };
            let own = match feed {
                Some(feed) => log.feed_end(&id, &feed)?,
                None => None,
            };
            Ok((running, own))
        })
        .await
    }

    /// Compares the log with what a client holds.
    pub(crate) async fn compare(
        &self,
        id: WorkspaceId,
        known: Vec<Cut>,
    ) -> Result<Comparison, Failed> {
        let compared = self.blocking(move |log| log.compare(&id, &known)).await?;
        compared.ok_or(Failed)
    }

    /// Reads a piece of a feed.
    pub(crate) async fn read_feed(
        &self,
        id: WorkspaceId,
        range: FeedRange,
    ) -> Result<FeedPiece, Failed> {
        self.blocking(move |log| log.read_feed(&id, range)).await
    }

    /// Reads the log where blocking is allowed.
    async fn blocking<T: Send + 'static>(
        &self,
        read: impl FnOnce(&dyn ChangeLog) -> Result<T, LogError> + Send + 'static,
    ) -> Result<T, Failed> {
        let log = Arc::clone(&self.log);
        let done = tokio::task::spawn_blocking(move || read(&*log)).await;
        done.map_err(|_| Failed)?.map_err(|error| {
            tracing::error!(error = %Chain(&error), "the log cannot be read");
            Failed
        })
    }
}

impl Place {
    /// Says what a client with a key is told of it.
    ///
    /// It may be open for others, or by a chance hit of bytes: the roster of now says whether it knows the key.
    pub(crate) fn told(
        self,
        creation: &Creation,
        id: &WorkspaceId,
        key: &SignerKey,
    ) -> (Found, Option<Arc<Space>>) {
        match self {
            Place::Open(space) => {
                let roster = space.now().roster;
                if has_key(&roster, key) {
                    (Found::Known(roster), Some(space))
                } else {
                    (Found::Stranger, None)
                }
            }
            Place::Stranger => (Found::Stranger, None),
            Place::Nowhere if creation.allows(id) => (Found::MayBegin, None),
            Place::Nowhere => (Found::NotAllowed, None),
        }
    }
}

/// Reads a workspace out of the log and verifies its roster, which takes a while when that is long.
///
/// It is not opened for a key that no entry of its roster names.
pub(crate) fn find(
    log: &dyn ChangeLog,
    id: WorkspaceId,
    key: Option<SignerKey>,
) -> Result<Place, LogError> {
    let Some(StoredWorkspace { head, roster, held }) = log.workspace(&id)? else {
        return Ok(Place::Nowhere);
    };
    if key.is_some_and(|key| !roster.iter().any(|piece| names(piece, &key))) {
        return Ok(Place::Stranger);
    }
    let verified = Roster::from_entries(roster.iter().map(|piece| &piece.bytes));
    let roster = Arc::new(verified.map_err(|error| {
        tracing::error!(workspace = %Short(id.as_bytes()), %error, "a stored roster is damaged");
        LogError::Damaged {
            what: "a stored roster",
        }
    })?);
    let held = held.into();
    Ok(Place::Open(Arc::new(Space::new(
        id,
        Now { head, roster, held },
    ))))
}

/// Tells whether a roster has a device or an invite, of whatever standing, with a key.
fn has_key(roster: &Roster, key: &SignerKey) -> bool {
    roster.device(&(*key).into()).is_some() || roster.invite(&(*key).into()).is_some()
}

/// Tells whether a roster entry holds the bytes of a key; those that it names do, and strangers hit none by chance.
fn names(piece: &RosterPiece, key: &SignerKey) -> bool {
    let key = key.as_bytes();
    piece.bytes.windows(key.len()).any(|bytes| bytes == key)
}

/// Gives each verified entry its hash.
pub(crate) fn pieces(entries: Vec<Blob>) -> Vec<RosterPiece> {
    entries
        .into_iter()
        .map(|bytes| RosterPiece {
            hash: Entry::decode(&bytes).map_or(RosterHash::ZERO, |entry| entry.hash()),
            bytes,
        })
        .collect()
}
