//! What is kept apart of feeds that the roster cuts, and what both kinds of places say of a feed.

use protocol::{Blob, Cut, EnvelopeHash, FeedId};
use redb::{ReadTransaction, ReadableTable};
use sync::{Comparison, LogHead, Verified};

use super::{
    FeedPiece, FeedRange, LogError,
    batch::feed_row,
    tables::{
        FEED_INDEX, FEED_LEN, FEEDS, FeedRow, HELD, HELD_FEED_LEN, HELD_FEEDS, HeldRow, LOG,
        decode_held, decode_log, feed_key, feed_of_key, held_key, index_key, log_key,
    },
};

/// Reads the row of a held feed.
pub(super) fn held_row(
    table: &impl ReadableTable<&'static [u8; 36], &'static [u8; HELD_FEED_LEN]>,
    workspace: u32,
    feed: &FeedId,
) -> Result<Option<HeldRow>, LogError> {
    let found = table.get(&feed_key(workspace, feed))?;
    found
        .map(|row| HeldRow::decode(feed, row.value()))
        .transpose()
}

/// Reads the ends of all held feeds of a workspace, in the order of their ids.
pub(super) fn held_ends(
    table: &impl ReadableTable<&'static [u8; 36], &'static [u8; HELD_FEED_LEN]>,
    workspace: u32,
) -> Result<Vec<Cut>, LogError> {
    let mut ends = Vec::new();
    for found in table.range::<&[u8; 36]>(&all_feeds(workspace).0..=&all_feeds(workspace).1)? {
        let (key, value) = found?;
        ends.push(HeldRow::decode(&feed_of_key(key.value()), value.value())?.end);
    }
    Ok(ends)
}

fn all_feeds(workspace: u32) -> ([u8; 36], [u8; 36]) {
    (
        feed_key(workspace, &FeedId::ZERO),
        feed_key(workspace, &FeedId::from_bytes([0xff; 32])),
    )
}

/// Returns the row that what is held of a feed up to a sequence would have alone, after reading all of that; none when
/// nothing is held there.
pub(super) fn held_up_to(
    table: &impl ReadableTable<&'static [u8; 44], &'static [u8]>,
    workspace: u32,
    feed: &FeedId,
    last: u64,
) -> Result<Option<HeldRow>, LogError> {
    let from = held_key(workspace, feed, 0);
    let until = held_key(workspace, feed, last);
    let mut row = None;
    for found in table.range::<&[u8; 44]>(&from..=&until)? {
        let (key, value) = found?;
        let (hash, envelope) = decode_held(value.value())?;
        row = Some(HeldRow {
            end: Cut {
                feed: *feed,
                sequence: sequence_of_key(key.value()),
                hash,
            },
            bytes: row.map_or(0, |row: HeldRow| row.bytes) + envelope.len() as u64,
        });
    }
    Ok(row)
}

/// Reads the first envelope that is held of a feed, if it is not behind a sequence; what it follows is not told.
pub(super) fn first_held(
    table: &impl ReadableTable<&'static [u8; 44], &'static [u8]>,
    workspace: u32,
    feed: &FeedId,
    last: u64,
) -> Result<Option<Verified>, LogError> {
    let from = held_key(workspace, feed, 0);
    let to = held_key(workspace, feed, last);
    let Some(found) = table.range::<&[u8; 44]>(&from..=&to)?.next() else {
        return Ok(None);
    };
    let (key, value) = found?;
    let (hash, bytes) = decode_held(value.value())?;
    Ok(Some(Verified {
        sequence: sequence_of_key(key.value()),
        previous: EnvelopeHash::ZERO,
        hash,
        bytes,
    }))
}

fn sequence_of_key(key: &[u8; 44]) -> u64 {
    let (_, sequence) = key.split_at(36);
    sequence
        .iter()
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// Compares the log of a workspace with what a client holds.
pub(super) fn compare(
    transaction: &ReadTransaction,
    workspace: u32,
    head: LogHead,
    known: &[Cut],
) -> Result<Comparison, LogError> {
    let known: std::collections::HashMap<FeedId, u64> =
        known.iter().map(|cut| (cut.feed, cut.sequence)).collect();
    let feeds = transaction.open_table(FEEDS)?;
    let index = transaction.open_table(FEED_INDEX)?;
    let mut heads = Vec::new();
    let mut after = head.sequence;
    let (from, to) = all_feeds(workspace);
    for found in feeds.range::<&[u8; 36]>(&from..=&to)? {
        let (key, value): (_, redb::AccessGuard<'_, &[u8; FEED_LEN]>) = found?;
        let feed = feed_of_key(key.value());
        let row = FeedRow::decode(&feed, value.value())?;
        let known = known.get(&feed).copied().unwrap_or(0);
        if known < row.head.sequence {
            let place = index.get(&index_key(workspace, row.number, known + 1))?;
            let place = place.ok_or(LogError::Damaged {
                what: "the index of a feed leaves an envelope out",
            })?;
            let place = u64::from_be_bytes(*place.value());
            after = after.min(place.saturating_sub(1));
        }
        heads.push(row.head);
    }
    Ok(Comparison { head, heads, after })
}

/// Reads a piece of a feed, out of the log or out of what is held.
pub(super) fn read_feed(
    transaction: &ReadTransaction,
    workspace: u32,
    range: FeedRange,
) -> Result<FeedPiece, LogError> {
    let row = feed_row(&transaction.open_table(FEEDS)?, workspace, &range.feed)?;
    let mut piece = Piece::new(range);
    if let Some(row) = row.filter(|row| range.from <= row.head.sequence) {
        let (index, log) = (
            transaction.open_table(FEED_INDEX)?,
            transaction.open_table(LOG)?,
        );
        let from = index_key(workspace, row.number, range.from);
        let to = index_key(workspace, row.number, range.to);
        for found in index.range::<&[u8; 16]>(&from..=&to)? {
            let place = u64::from_be_bytes(*found?.1.value());
            let Some(entry) = log.get(&log_key(workspace, place))? else {
                return Err(LogError::Damaged {
                    what: "the index of a feed points nowhere",
                });
            };
            if !piece.takes(decode_log(entry.value())?.0.bytes) {
                break;
            }
        }
        return Ok(piece.found(false));
    }
    let held = transaction.open_table(HELD)?;
    let from = held_key(workspace, &range.feed, range.from);
    let to = held_key(workspace, &range.feed, range.to);
    for found in held.range::<&[u8; 44]>(&from..=&to)? {
        if !piece.takes(decode_held(found?.1.value())?.1) {
            break;
        }
    }
    let is_held = !piece.envelopes.is_empty();
    Ok(piece.found(is_held))
}

/// Returns where a feed stands, what is held of it included.
pub(super) fn feed_end(
    transaction: &ReadTransaction,
    workspace: u32,
    feed: &FeedId,
) -> Result<Option<Cut>, LogError> {
    if let Some(held) = held_row(&transaction.open_table(HELD_FEEDS)?, workspace, feed)? {
        return Ok(Some(held.end));
    }
    let row = feed_row(&transaction.open_table(FEEDS)?, workspace, feed)?;
    Ok(row.map(|row| row.head))
}

/// Envelopes that are gathered up to the limits of a range.
struct Piece {
    range: FeedRange,
    bytes: usize,
    envelopes: Vec<Blob>,
}

impl Piece {
    fn new(range: FeedRange) -> Self {
        Piece {
            range,
            bytes: 0,
            envelopes: Vec::new(),
        }
    }

    fn takes(&mut self, envelope: Blob) -> bool {
        self.bytes += envelope.len();
        let is_full =
            self.bytes > self.range.max_bytes || self.envelopes.len() >= self.range.max_envelopes;
        if is_full && !self.envelopes.is_empty() {
            return false;
        }
        self.envelopes.push(envelope);
        true
    }

    fn found(self, is_held: bool) -> FeedPiece {
        FeedPiece {
            envelopes: self.envelopes,
            is_held,
        }
    }
}
