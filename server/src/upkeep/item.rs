//! What a backup is made of, one thing after the other, and the bytes of each.
//!
//! | tag | item | bytes (integers big-endian) |
//! |---|---|---|
//! | 1 | relay | layout of the data u32, made at ms u64, seed of the relay's key (32, or nothing when there is none) |
//! | 2 | workspace | id (32), epoch (16), log sequence u64, running hash (32), last received ms u64, roster length u32, roster head (32) |
//! | 3 | roster entry | index from 0 u32, entry bytes |
//! | 4 | envelope | log sequence u64, received ms u64, running hash (32), feed (32), sequence in the feed u64, envelope hash (32), envelope bytes |
//! | 5 | held envelope | feed (32), sequence in the feed u64, envelope hash (32), envelope bytes |
//! | 8 | end | workspaces u64, roster entries u64, envelopes u64, held envelopes u64 |
//! | 9 | failed | why, for people; nothing follows |
//!
//! The relay comes first and the end last; a workspace is followed by its roster, its log and what is held of feeds that
//! may not write, each in order.

use protocol::{Blob, EnvelopeHash, FeedId, LogEpoch, LogHash, RosterHash, WorkspaceId};
use sync::{LogEntry, LogHead};

use crate::log::{Seed, WorkspaceOutline};

/// One thing of a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Item {
    /// What is said of the relay itself.
    Relay(RelayItem),
    /// A workspace begins; its number is its place.
    Workspace(WorkspaceOutline),
    /// The next entry of its roster.
    RosterEntry {
        /// Its place, from 0.
        index: u32,
        /// Its bytes.
        bytes: Blob,
    },
    /// The next envelope of its log.
    Envelope {
        /// Its sequence in the log, from 1.
        sequence: u64,
        /// The running hash at it.
        running: LogHash,
        /// The envelope.
        entry: LogEntry,
    },
    /// The next envelope that is kept apart, of a feed that may not write any more.
    Held(HeldEnvelope),
    /// All was said, and so much it was.
    End(Counts),
    /// Whoever wrote the backup could not go on.
    Failed {
        /// Why.
        text: String,
    },
}

/// An envelope that is kept apart from the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HeldEnvelope {
    /// Its feed.
    pub(super) feed: FeedId,
    /// Its sequence in the feed.
    pub(super) sequence: u64,
    /// Its hash.
    pub(super) hash: EnvelopeHash,
    /// The envelope as it was received.
    pub(super) bytes: Blob,
}

/// What a backup says of the relay itself.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct RelayItem {
    /// The layout of the data directory that it was made from.
    pub layout: u32,
    /// When it was made, ms since 1970.
    pub made_ms: u64,
    /// The seed of the relay's key.
    pub seed: Option<Seed>,
}

impl std::fmt::Debug for RelayItem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The seed is a secret.
        f.debug_struct("RelayItem")
            .field("layout", &self.layout)
            .field("made_ms", &self.made_ms)
            .finish_non_exhaustive()
    }
}

/// How much a backup holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Workspaces.
    pub workspaces: u64,
    /// Roster entries of all of them.
    pub roster_entries: u64,
    /// Envelopes in the logs of all of them.
    pub envelopes: u64,
    /// Envelopes that are held of feeds that may not write.
    pub held: u64,
}

impl Counts {
    /// Counts an item.
    pub(super) fn add(&mut self, item: &Item) {
        match item {
            Item::Workspace(_) => self.workspaces += 1,
            Item::RosterEntry { .. } => self.roster_entries += 1,
            Item::Envelope { .. } => self.envelopes += 1,
            Item::Held(_) => self.held += 1,
            Item::Relay(_) | Item::End(_) | Item::Failed { .. } => {}
        }
    }
}

const RELAY: u8 = 1;
const WORKSPACE: u8 = 2;
const ROSTER_ENTRY: u8 = 3;
const ENVELOPE: u8 = 4;
const HELD: u8 = 5;
const END: u8 = 8;
const FAILED: u8 = 9;

/// Says why the bytes of an item are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotAnItem {
    /// No item of this version has the tag.
    Tag(u8),
    /// The bytes have not the length that the tag asks for.
    Length,
}

/// Takes fields from the front of an item.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], NotAnItem> {
        let (front, rest) = self.0.split_first_chunk().ok_or(NotAnItem::Length)?;
        self.0 = rest;
        Ok(*front)
    }

    fn u32(&mut self) -> Result<u32, NotAnItem> {
        self.take().map(u32::from_be_bytes)
    }

    fn u64(&mut self) -> Result<u64, NotAnItem> {
        self.take().map(u64::from_be_bytes)
    }

    fn end(&self) -> Result<(), NotAnItem> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(NotAnItem::Length)
        }
    }
}

impl Item {
    /// Writes the item: its tag and its bytes.
    pub(super) fn encode(&self) -> (u8, Vec<u8>) {
        match self {
            Item::Relay(relay) => {
                let mut bytes = relay.layout.to_be_bytes().to_vec();
                bytes.extend(relay.made_ms.to_be_bytes());
                bytes.extend(relay.seed.iter().flatten());
                (RELAY, bytes)
            }
            Item::Workspace(workspace) => (WORKSPACE, encode_workspace(workspace)),
            Item::RosterEntry { index, bytes } => {
                (ROSTER_ENTRY, [&index.to_be_bytes()[..], bytes].concat())
            }
            Item::Envelope {
                sequence,
                running,
                entry,
            } => {
                let pieces = [
                    &sequence.to_be_bytes()[..],
                    &entry.received_ms.to_be_bytes(),
                    running.as_bytes(),
                    entry.feed.as_bytes(),
                    &entry.sequence.to_be_bytes(),
                    entry.hash.as_bytes(),
                    &entry.bytes,
                ];
                (ENVELOPE, pieces.concat())
            }
            Item::Held(held) => {
                let pieces = [
                    held.feed.as_bytes(),
                    &held.sequence.to_be_bytes()[..],
                    held.hash.as_bytes(),
                    &held.bytes,
                ];
                (HELD, pieces.concat())
            }
            Item::End(counts) => {
                let numbers = [
                    counts.workspaces,
                    counts.roster_entries,
                    counts.envelopes,
                    counts.held,
                ];
                (END, numbers.map(u64::to_be_bytes).concat())
            }
            Item::Failed { text } => (FAILED, text.clone().into_bytes()),
        }
    }

    /// Reads an item.
    pub(super) fn decode(tag: u8, bytes: &[u8]) -> Result<Item, NotAnItem> {
        let mut fields = Fields(bytes);
        match tag {
            RELAY => {
                let (layout, made_ms) = (fields.u32()?, fields.u64()?);
                let seed = match fields.0 {
                    [] => None,
                    seed => Some(seed.try_into().map_err(|_| NotAnItem::Length)?),
                };
                Ok(Item::Relay(RelayItem {
                    layout,
                    made_ms,
                    seed,
                }))
            }
            WORKSPACE => decode_workspace(fields).map(Item::Workspace),
            ROSTER_ENTRY => Ok(Item::RosterEntry {
                index: fields.u32()?,
                bytes: fields.0.into(),
            }),
            ENVELOPE => {
                let (sequence, received_ms) = (fields.u64()?, fields.u64()?);
                Ok(Item::Envelope {
                    sequence,
                    running: LogHash::from_bytes(fields.take()?),
                    entry: LogEntry {
                        received_ms,
                        feed: FeedId::from_bytes(fields.take()?),
                        sequence: fields.u64()?,
                        hash: EnvelopeHash::from_bytes(fields.take()?),
                        bytes: fields.0.into(),
                    },
                })
            }
            HELD => Ok(Item::Held(HeldEnvelope {
                feed: FeedId::from_bytes(fields.take()?),
                sequence: fields.u64()?,
                hash: EnvelopeHash::from_bytes(fields.take()?),
                bytes: fields.0.into(),
            })),
            END => {
                let counts = Counts {
                    workspaces: fields.u64()?,
                    roster_entries: fields.u64()?,
                    envelopes: fields.u64()?,
                    held: fields.u64()?,
                };
                fields.end()?;
                Ok(Item::End(counts))
            }
            FAILED => Ok(Item::Failed {
                text: String::from_utf8_lossy(bytes).into_owned(),
            }),
            tag => Err(NotAnItem::Tag(tag)),
        }
    }
}

fn encode_workspace(workspace: &WorkspaceOutline) -> Vec<u8> {
    [
        workspace.id.as_bytes(),
        &workspace.head.epoch.as_bytes()[..],
        &workspace.head.sequence.to_be_bytes(),
        workspace.head.hash.as_bytes(),
        &workspace.received_ms.to_be_bytes(),
        &workspace.roster_len.to_be_bytes(),
        workspace.roster_head.as_bytes(),
    ]
    .concat()
}

fn decode_workspace(mut fields: Fields<'_>) -> Result<WorkspaceOutline, NotAnItem> {
    let workspace = WorkspaceOutline {
        number: 0,
        id: WorkspaceId::from_bytes(fields.take()?),
        head: LogHead {
            epoch: LogEpoch::from_bytes(fields.take()?),
            sequence: fields.u64()?,
            hash: LogHash::from_bytes(fields.take()?),
        },
        received_ms: fields.u64()?,
        roster_len: fields.u32()?,
        roster_head: RosterHash::from_bytes(fields.take()?),
    };
    fields.end()?;
    Ok(workspace)
}
