//! A workspace that clients are connected to: where it stands, and its newest entries in memory.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use protocol::{Cut, FeedId, WorkspaceId};
use sync::{LogEntry, LogHead};
use tokio::sync::watch;
use vault::Roster;

use crate::log::Written;

/// The bytes of the newest entries that stay in memory for followers, for each workspace with clients.
const RECENT_BYTES: usize = 2 * 1024 * 1024;

/// The number of the newest entries that stay in memory, likewise.
const RECENT_ENTRIES: usize = 4096;

/// Where a workspace stands, as far as it is durable.
#[derive(Debug, Clone)]
pub(crate) struct Now {
    pub(crate) head: LogHead,
    pub(crate) roster: Arc<Roster>,
    /// The feeds of which envelopes are held, each up to where, in the order of their ids.
    pub(crate) held: Arc<[Cut]>,
}

/// A workspace with clients. There is one for each id at any time; [`crate::hub::Hub`] sees to that.
#[derive(Debug)]
pub(crate) struct Space {
    pub(crate) id: WorkspaceId,
    now: watch::Sender<Now>,
    recent: Mutex<Recent>,
}

/// The newest entries without a hole, the last one being the log's last.
#[derive(Debug, Default)]
struct Recent {
    entries: VecDeque<LogEntry>,
    bytes: usize,
    last: u64,
}

impl Space {
    pub(crate) fn new(id: WorkspaceId, now: Now) -> Self {
        let recent = Recent {
            last: now.head.sequence,
            ..Recent::default()
        };
        Space {
            id,
            now: watch::Sender::new(now),
            recent: Mutex::new(recent),
        }
    }

    /// Follows the workspace from what it is now.
    pub(crate) fn follow(&self) -> watch::Receiver<Now> {
        self.now.subscribe()
    }

    /// Returns how many entries the roster has.
    pub(crate) fn roster_entries(&self) -> usize {
        self.now.borrow().roster.entries().len()
    }

    /// Returns where the workspace stands.
    pub(crate) fn now(&self) -> Now {
        self.now.borrow().clone()
    }

    /// Tells followers of a write that is durable; called by the writer alone, in the order of the log.
    pub(crate) fn publish(&self, written: &Written, roster: Option<Arc<Roster>>) {
        let (grown, roster) = match written {
            Written::Appended { grown, .. } | Written::Carried { grown, .. } => (grown, None),
            Written::RosterGrew { grown } => (grown, roster),
            _ => return,
        };
        if !grown.entries.is_empty() {
            let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
            recent.add(&grown.entries, grown.head.sequence);
        }
        let has_news = !grown.entries.is_empty() || !grown.held.is_empty() || roster.is_some();
        if has_news {
            self.now.send_modify(|now| {
                now.head = grown.head;
                if !grown.held.is_empty() {
                    now.held = held_with(&now.held, &grown.held);
                }
                if let Some(roster) = roster {
                    now.roster = roster;
                }
            });
        }
    }

    /// Returns the entries after a sequence like [`crate::log::ChangeLog::read`], when they are in memory.
    pub(crate) fn recent(
        &self,
        after: u64,
        max_bytes: usize,
        max_entries: usize,
    ) -> Option<Vec<LogEntry>> {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let before = recent.last - recent.entries.len() as u64;
        let skip = after.checked_sub(before)? as usize;
        let mut bytes = 0;
        let rest = recent.entries.iter().skip(skip).take(max_entries);
        Some(
            rest.take_while(|entry| {
                let first = bytes == 0;
                bytes += entry.bytes.len();
                first || bytes <= max_bytes
            })
            .cloned()
            .collect(),
        )
    }
}

/// Returns the held feeds after some of them have changed.
fn held_with(held: &[Cut], changes: &[(FeedId, Option<Cut>)]) -> Arc<[Cut]> {
    let mut all: BTreeMap<FeedId, Cut> = held.iter().map(|cut| (cut.feed, *cut)).collect();
    for (feed, end) in changes {
        match end {
            Some(end) => all.insert(*feed, *end),
            None => all.remove(feed),
        };
    }
    all.into_values().collect()
}

impl Recent {
    fn add(&mut self, entries: &[LogEntry], last: u64) {
        if self.last + entries.len() as u64 != last {
            // Of many the newest came alone.
            self.entries.clear();
            self.bytes = 0;
        }
        self.bytes += entries.iter().map(|entry| entry.bytes.len()).sum::<usize>();
        self.entries.extend(entries.iter().cloned());
        self.last = last;
        while self.bytes > RECENT_BYTES || self.entries.len() > RECENT_ENTRIES {
            let oldest = self.entries.pop_front();
            self.bytes -= oldest.map_or(0, |entry| entry.bytes.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use protocol::EnvelopeHash;

    use super::*;

    #[test]
    fn the_newest_entries_stay_without_a_hole() {
        let entry = |bytes: usize| LogEntry {
            received_ms: 1,
            feed: FeedId::ZERO,
            sequence: 1,
            hash: EnvelopeHash::ZERO,
            bytes: vec![0; bytes].into(),
        };
        let mut recent = Recent {
            last: 10,
            ..Recent::default()
        };
        recent.add(&[entry(10), entry(10)], 12);
        assert_eq!(
            (recent.entries.len(), recent.bytes, recent.last),
            (2, 20, 12)
        );
        recent.add(&[entry(RECENT_BYTES - 10)], 13);
        assert_eq!((recent.entries.len(), recent.last), (2, 13));
        recent.add(&[entry(RECENT_BYTES + 1)], 14);
        assert_eq!(
            (recent.entries.len(), recent.bytes, recent.last),
            (0, 0, 14)
        );
        recent.add(&[entry(10)], 15);
        recent.add(&[entry(10), entry(10)], 20);
        assert_eq!(
            (recent.entries.len(), recent.bytes, recent.last),
            (2, 20, 20)
        );
        recent.entries.clear();
        (recent.bytes, recent.last) = (0, 14);
        let many = vec![entry(1); RECENT_ENTRIES + 5];
        recent.add(&many, 14 + many.len() as u64);
        assert_eq!(recent.entries.len(), RECENT_ENTRIES);
    }
}
