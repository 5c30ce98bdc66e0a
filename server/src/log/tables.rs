//! The tables of the relay's database file, their key and value bytes, and the rows read from them.
//!
//! Integers are big-endian, so that keys sort by number. A workspace's number is its place in the order of creation,
//! a feed's number its place in the order in which the feeds of its workspace first wrote.
//!
//! | table | key | value |
//! |---|---|---|
//! | `meta` | name | `format`: u32, 2; `relay_seed`: 32 bytes from which the relay's key is made |
//! | `workspaces` | workspace id (32) | number u32, epoch (16), log sequence u64, running hash (32), last received ms u64, roster length u32, roster head (32) |
//! | `roster` | workspace number u32, index from 0 u32 | entry bytes |
//! | `log` | workspace number u32, sequence from 1 u64 | received ms u64, running hash (32), feed (32), sequence in the feed u64, envelope hash (32), envelope bytes as received |
//! | `feeds` | workspace number u32, feed (32) | feed number u32, sequence of its last envelope u64, hash of that envelope (32) |
//! | `feed_index` | workspace number u32, feed number u32, sequence in the feed u64 | log sequence u64 |
//! | `held` | workspace number u32, feed (32), sequence in the feed u64 | hash of the envelope (32), envelope bytes as received |
//! | `held_feeds` | workspace number u32, feed (32) | sequence of the last envelope that is held u64, its hash (32), bytes of all envelopes that are held u64 |
//!
//! What is held of a feed goes on without a gap where the feed stands in `log`; a feed of which nothing is held has no
//! row in `held_feeds`. Layouts: 1 had no `held` and `held_feeds`; a file of it gets them, empty, when it is opened.
//!
//! Every commit is one redb transaction with an fsync; a crash leaves the state after some commit, whole.

use protocol::{Blob, Cut, EnvelopeHash, FeedId, LogEpoch, LogHash, RosterHash};
use redb::TableDefinition;
use sync::{LogEntry, LogHead};

use super::LogError;

pub(super) const META: TableDefinition<&str, &[u8]> = TableDefinition::new("meta");
pub(super) const WORKSPACES: TableDefinition<&[u8; 32], &[u8; WORKSPACE_LEN]> =
    TableDefinition::new("workspaces");
pub(super) const ROSTER: TableDefinition<&[u8; 8], &[u8]> = TableDefinition::new("roster");
pub(super) const LOG: TableDefinition<&[u8; 12], &[u8]> = TableDefinition::new("log");
pub(super) const FEEDS: TableDefinition<&[u8; 36], &[u8; FEED_LEN]> = TableDefinition::new("feeds");
pub(super) const FEED_INDEX: TableDefinition<&[u8; 16], &[u8; 8]> =
    TableDefinition::new("feed_index");
pub(super) const HELD: TableDefinition<&[u8; 44], &[u8]> = TableDefinition::new("held");
pub(super) const HELD_FEEDS: TableDefinition<&[u8; 36], &[u8; HELD_FEED_LEN]> =
    TableDefinition::new("held_feeds");

/// The name under which `meta` holds the format.
pub(super) const FORMAT: &str = "format";
/// The format that this version writes.
pub(super) const FORMAT_NOW: u32 = 2;
/// The name under which `meta` holds the seed of the relay's key.
pub(super) const RELAY_SEED: &str = "relay_seed";

pub(super) const WORKSPACE_LEN: usize = 104;
pub(super) const FEED_LEN: usize = 44;
pub(super) const HELD_FEED_LEN: usize = 48;
const LOG_HEAD_LEN: usize = 112;

/// Takes bytes from the front of a row.
struct Row<'a>(&'a [u8]);

impl Row<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], LogError> {
        let (front, rest) = self.0.split_first_chunk::<N>().ok_or(LogError::Damaged {
            what: "a row is too short",
        })?;
        self.0 = rest;
        Ok(*front)
    }

    fn u32(&mut self) -> Result<u32, LogError> {
        self.take().map(u32::from_be_bytes)
    }

    fn u64(&mut self) -> Result<u64, LogError> {
        self.take().map(u64::from_be_bytes)
    }
}

/// Joins pieces to a key or value of fixed length.
fn join<const N: usize>(pieces: &[&[u8]]) -> [u8; N] {
    let mut bytes = [0; N];
    let mut rest = bytes.as_mut_slice();
    for piece in pieces {
        let (front, back) = rest.split_at_mut(piece.len());
        front.copy_from_slice(piece);
        rest = back;
    }
    debug_assert!(rest.is_empty(), "the pieces of a row fill it");
    bytes
}

/// A row of `workspaces`.
#[derive(Debug, Clone)]
pub(super) struct WorkspaceRow {
    pub(super) number: u32,
    pub(super) head: LogHead,
    pub(super) received_ms: u64,
    pub(super) roster_len: u32,
    pub(super) roster_head: RosterHash,
}

impl WorkspaceRow {
    pub(super) fn decode(bytes: &[u8; WORKSPACE_LEN]) -> Result<Self, LogError> {
        let mut row = Row(bytes);
        Ok(WorkspaceRow {
            number: row.u32()?,
            head: LogHead {
                epoch: LogEpoch::from_bytes(row.take()?),
                sequence: row.u64()?,
                hash: LogHash::from_bytes(row.take()?),
            },
            received_ms: row.u64()?,
            roster_len: row.u32()?,
            roster_head: RosterHash::from_bytes(row.take()?),
        })
    }

    pub(super) fn encode(&self) -> [u8; WORKSPACE_LEN] {
        join(&[
            &self.number.to_be_bytes(),
            self.head.epoch.as_bytes(),
            &self.head.sequence.to_be_bytes(),
            self.head.hash.as_bytes(),
            &self.received_ms.to_be_bytes(),
            &self.roster_len.to_be_bytes(),
            self.roster_head.as_bytes(),
        ])
    }
}

/// A row of `feeds`.
#[derive(Debug, Clone)]
pub(super) struct FeedRow {
    pub(super) number: u32,
    pub(super) head: Cut,
}

impl FeedRow {
    pub(super) fn decode(feed: &FeedId, bytes: &[u8; FEED_LEN]) -> Result<Self, LogError> {
        let mut row = Row(bytes);
        Ok(FeedRow {
            number: row.u32()?,
            head: Cut {
                feed: *feed,
                sequence: row.u64()?,
                hash: EnvelopeHash::from_bytes(row.take()?),
            },
        })
    }

    pub(super) fn encode(&self) -> [u8; FEED_LEN] {
        join(&[
            &self.number.to_be_bytes(),
            &self.head.sequence.to_be_bytes(),
            self.head.hash.as_bytes(),
        ])
    }
}

/// A row of `held_feeds`.
#[derive(Debug, Clone, Copy)]
pub(super) struct HeldRow {
    pub(super) end: Cut,
    pub(super) bytes: u64,
}

impl HeldRow {
    pub(super) fn decode(feed: &FeedId, bytes: &[u8; HELD_FEED_LEN]) -> Result<Self, LogError> {
        let mut row = Row(bytes);
        Ok(HeldRow {
            end: Cut {
                feed: *feed,
                sequence: row.u64()?,
                hash: EnvelopeHash::from_bytes(row.take()?),
            },
            bytes: row.u64()?,
        })
    }

    pub(super) fn encode(&self) -> [u8; HELD_FEED_LEN] {
        join(&[
            &self.end.sequence.to_be_bytes(),
            self.end.hash.as_bytes(),
            &self.bytes.to_be_bytes(),
        ])
    }
}

/// Writes a row of `held`.
pub(super) fn encode_held(hash: &EnvelopeHash, envelope: &[u8]) -> Vec<u8> {
    [hash.as_bytes(), envelope].concat()
}

/// Reads a row of `held`: the hash and the envelope.
pub(super) fn decode_held(bytes: &[u8]) -> Result<(EnvelopeHash, Blob), LogError> {
    let mut row = Row(bytes);
    Ok((EnvelopeHash::from_bytes(row.take()?), Blob::from(row.0)))
}

/// Writes a row of `log`.
pub(super) fn encode_log(entry: &LogEntry, running: &LogHash) -> Vec<u8> {
    let mut row = Vec::with_capacity(LOG_HEAD_LEN + entry.bytes.len());
    row.extend_from_slice(&entry.received_ms.to_be_bytes());
    row.extend_from_slice(running.as_bytes());
    row.extend_from_slice(entry.feed.as_bytes());
    row.extend_from_slice(&entry.sequence.to_be_bytes());
    row.extend_from_slice(entry.hash.as_bytes());
    row.extend_from_slice(&entry.bytes);
    row
}

/// Reads a row of `log` with its running hash.
pub(super) fn decode_log(bytes: &[u8]) -> Result<(LogEntry, LogHash), LogError> {
    let mut row = Row(bytes);
    let received_ms = row.u64()?;
    let running = LogHash::from_bytes(row.take()?);
    let entry = LogEntry {
        received_ms,
        feed: FeedId::from_bytes(row.take()?),
        sequence: row.u64()?,
        hash: EnvelopeHash::from_bytes(row.take()?),
        bytes: Blob::from(row.0),
    };
    Ok((entry, running))
}

pub(super) fn roster_key(workspace: u32, index: u32) -> [u8; 8] {
    join(&[&workspace.to_be_bytes(), &index.to_be_bytes()])
}

pub(super) fn log_key(workspace: u32, sequence: u64) -> [u8; 12] {
    join(&[&workspace.to_be_bytes(), &sequence.to_be_bytes()])
}

pub(super) fn feed_key(workspace: u32, feed: &FeedId) -> [u8; 36] {
    join(&[&workspace.to_be_bytes(), feed.as_bytes()])
}

pub(super) fn held_key(workspace: u32, feed: &FeedId, sequence: u64) -> [u8; 44] {
    join(&[
        &workspace.to_be_bytes(),
        feed.as_bytes(),
        &sequence.to_be_bytes(),
    ])
}

/// Returns the feed that a key of `feeds` or `held_feeds` names.
pub(super) fn feed_of_key(key: &[u8; 36]) -> FeedId {
    let [_, _, _, _, feed @ ..] = key;
    FeedId::from_bytes(*feed)
}

pub(super) fn index_key(workspace: u32, feed: u32, sequence: u64) -> [u8; 16] {
    join(&[
        &workspace.to_be_bytes(),
        &feed.to_be_bytes(),
        &sequence.to_be_bytes(),
    ])
}
