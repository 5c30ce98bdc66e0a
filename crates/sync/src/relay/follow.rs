//! What a client is sent of the log and the roster, one piece at a time.

use std::{collections::VecDeque, sync::Arc};

use protocol::{
    Blob, Entry, Frame, Log, LogItem, RosterGrew, RosterHash, SignerKey,
    limits::{BATCH_BYTES, MAX_BATCH_ENVELOPES, MAX_ROSTER_ENTRIES_PER_FRAME},
};
use vault::Roster;

use super::Output;
use crate::LogEntry;

/// Follows log and roster for one client.
#[derive(Debug)]
pub(super) struct Follow {
    key: SignerKey,
    /// The sequence up to which the log was sent; none when this client gets no log.
    sent: Option<u64>,
    newest: u64,
    reading: bool,
    roster: Arc<Roster>,
    roster_sent: usize,
    /// What waits for the socket, in order: whether it is a piece of the log or the roster.
    unwritten: VecDeque<bool>,
}

impl Follow {
    pub(super) fn new(key: SignerKey, roster: Arc<Roster>) -> Self {
        Follow {
            key,
            sent: None,
            newest: 0,
            reading: false,
            roster,
            roster_sent: 0,
            unwritten: VecDeque::new(),
        }
    }

    /// Begins to follow the log after a sequence.
    pub(super) fn log_from(&mut self, after: u64, newest: u64) {
        self.sent = Some(after);
        self.newest = self.newest.max(newest);
    }

    pub(super) fn log_grew(&mut self, sequence: u64) {
        self.newest = self.newest.max(sequence);
    }

    /// Notes the newest roster; older ones, which can come late, are ignored.
    pub(super) fn roster_grew(&mut self, roster: Arc<Roster>) {
        if roster.entries().len() > self.roster.entries().len() {
            self.roster = roster;
        }
    }

    pub(super) fn roster(&self) -> &Arc<Roster> {
        &self.roster
    }

    /// Notes which entry the client has already.
    pub(super) fn roster_known(&mut self, head: &RosterHash) {
        let rest = self.roster.entries_after(head);
        self.roster_sent = rest.map_or(0, |rest| self.roster.entries().len() - rest.len());
    }

    /// Takes the roster entries that the client lacks, as many as fit one frame.
    pub(super) fn take_entries(&mut self) -> Vec<Blob> {
        let mut bytes = 0;
        let rest = &self.roster.entries()[self.roster_sent..];
        let piece: Vec<Blob> = rest
            .iter()
            .take(MAX_ROSTER_ENTRIES_PER_FRAME)
            .take_while(|entry| {
                let first = bytes == 0;
                bytes += entry.len();
                first || bytes <= BATCH_BYTES
            })
            .cloned()
            .collect();
        self.roster_sent += piece.len();
        piece
    }

    /// Takes entries like [`Follow::take_entries`], with the head after them.
    pub(super) fn take_roster(&mut self) -> RosterGrew {
        let entries = self.take_entries();
        let head = match self.roster_sent.checked_sub(1) {
            Some(last) if self.roster_sent < self.roster.entries().len() => {
                let entry = Entry::decode(&self.roster.entries()[last]);
                entry.map_or(RosterHash::ZERO, |entry| entry.hash())
            }
            _ => self.roster.head(),
        };
        RosterGrew { entries, head }
    }

    /// Counts a frame that waits for the socket.
    pub(super) fn sending(&mut self, is_piece: bool) {
        self.unwritten.push_back(is_piece);
    }

    pub(super) fn written(&mut self) {
        self.unwritten.pop_front();
    }

    pub(super) fn unwritten(&self) -> usize {
        self.unwritten.len()
    }

    fn has_piece_on_its_way(&self) -> bool {
        self.unwritten.contains(&true)
    }

    /// Returns the next piece of the roster, when it is time for one.
    pub(super) fn next_roster(&mut self) -> Option<RosterGrew> {
        let lacks = self.roster_sent < self.roster.entries().len();
        (lacks && !self.has_piece_on_its_way()).then(|| self.take_roster())
    }

    /// Asks for the next piece of the log, when it is time for one.
    ///
    /// The roster goes first, since envelopes are judged by it.
    pub(super) fn next_read(&mut self) -> Option<Output> {
        let after = self.sent?;
        if self.reading || after >= self.newest || self.has_piece_on_its_way() {
            return None;
        }
        self.reading = true;
        Some(Output::ReadLog {
            after,
            max_bytes: BATCH_BYTES,
            max_entries: MAX_BATCH_ENVELOPES,
        })
    }

    /// Makes the frame of what was read; none when there was nothing.
    pub(super) fn log_read(&mut self, entries: Vec<LogEntry>) -> Option<Frame> {
        self.reading = false;
        let sent = self.sent.as_mut()?;
        if entries.is_empty() {
            // The log said that it had grown, so it is asked again only when it says so again.
            self.newest = *sent;
            return None;
        }
        let first = *sent + 1;
        *sent += entries.len() as u64;
        self.newest = self.newest.max(*sent);
        let own = self.key.into();
        let items = entries
            .into_iter()
            .map(|entry| {
                if entry.feed == own {
                    LogItem::Own {
                        received_ms: entry.received_ms,
                        hash: entry.hash,
                        sequence: entry.sequence,
                    }
                } else {
                    LogItem::Envelope {
                        received_ms: entry.received_ms,
                        envelope: entry.bytes,
                    }
                }
            })
            .collect();
        Some(Frame::Log(Log { first, items }))
    }
}
