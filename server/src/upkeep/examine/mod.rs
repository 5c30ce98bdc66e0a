//! The check of everything that a relay can judge: it reads no record, but every hash, signature and chain.
//!
//! An [`Examiner`] takes the items of a backup or of a log in their order and says what is wrong, where; then it goes
//! on with what comes next. One wrong byte is named once where that can be: what follows is compared with what was
//! stored as well as with what should have been.

mod workspace;

use std::collections::HashMap;

use protocol::{Cut, FeedId, LogEpoch, WorkspaceId};

use super::{
    emit::UnreadableRow,
    finding::{Fault, Finding, Place},
    frames::FrameRead,
    item::{Counts, Item, RelayItem},
};
use workspace::Open;

/// What a workspace was found to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The life of its log.
    pub epoch: LogEpoch,
    /// Its roster entries.
    pub roster_entries: u32,
    /// The devices of its roster that are not revoked.
    pub devices: u64,
    /// The envelopes of its log.
    pub envelopes: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Where each feed stands.
    pub feeds: HashMap<FeedId, Cut>,
    /// The feeds of which envelopes are held, each up to where, and their bytes.
    pub held: HashMap<FeedId, (Cut, u64)>,
    /// How many envelopes are held.
    pub held_envelopes: u64,
}

/// Takes items in order and reports what is wrong with them.
pub(super) struct Examiner<'s> {
    report: &'s mut dyn FnMut(Finding),
    relay: Option<RelayItem>,
    has_begun: bool,
    open: Option<Open>,
    counts: Counts,
    end: Option<Counts>,
    done: Vec<Examined>,
}

impl<'s> Examiner<'s> {
    /// Begins; findings are reported as they are made.
    pub(super) fn new(report: &'s mut dyn FnMut(Finding)) -> Self {
        Examiner {
            report,
            relay: None,
            has_begun: false,
            open: None,
            counts: Counts::default(),
            end: None,
            done: Vec::new(),
        }
    }

    /// Takes a frame of a backup.
    pub(super) fn frame(&mut self, frame: FrameRead) {
        if !frame.is_intact {
            let mut place = self.expected(frame.item.as_ref());
            place.byte = Some(frame.at);
            self.report(place, Fault::Bytes);
        }
        match frame.item {
            // The relay's key and the counts are not taken from damaged bytes.
            Some(Item::Relay(_) | Item::End(_)) if !frame.is_intact => self.has_begun = true,
            Some(item) => self.item(item),
            None => {}
        }
    }

    /// Takes an item.
    pub(super) fn item(&mut self, item: Item) {
        self.counts.add(&item);
        if !self.has_begun && !matches!(item, Item::Relay(_)) {
            self.order("the relay's own item does not come first");
        }
        self.has_begun = true;
        match item {
            Item::Relay(relay) => {
                if self.relay.replace(relay).is_some() {
                    self.order("the relay's own item comes twice");
                }
            }
            Item::Workspace(outline) => {
                self.close();
                if self.done.iter().any(|done| done.workspace == outline.id) {
                    self.order("a workspace comes twice");
                }
                self.open = Some(Open::new(outline));
            }
            Item::RosterEntry { index, bytes } => match &mut self.open {
                Some(open) => open.roster_entry(index, &bytes, self.report),
                None => self.order("a roster entry belongs to no workspace"),
            },
            Item::Envelope {
                sequence,
                running,
                entry,
            } => match &mut self.open {
                Some(open) => open.envelope(sequence, running, &entry, self.report),
                None => self.order("an envelope belongs to no workspace"),
            },
            Item::Held(held) => match &mut self.open {
                Some(open) => open.held(&held, self.report),
                None => self.order("a held envelope belongs to no workspace"),
            },
            Item::End(counts) => self.end = Some(counts),
            Item::Failed { text } => self.report(Place::default(), Fault::Failed { text }),
        }
    }

    /// Takes a row of the log that says nothing.
    pub(super) fn unreadable(&mut self, row: UnreadableRow) {
        let mut place = Place {
            workspace: Some(row.workspace),
            feed: row.feed,
            ..Place::default()
        };
        if row.feed.is_some() {
            place.feed_sequence = Some(row.sequence);
        } else {
            place.sequence = Some(row.sequence);
            if let Some(open) = &mut self.open {
                open.skip(row.sequence);
            }
        }
        self.report(place, Fault::Row);
    }

    /// Reports something that was found elsewhere.
    pub(super) fn report(&mut self, place: Place, fault: Fault) {
        (self.report)(Finding { place, fault });
    }

    /// Says how far it has come.
    pub(super) fn place(&self) -> Place {
        self.open
            .as_ref()
            .map_or_else(Place::default, |open| Place {
                sequence: Some(open.sequence).filter(|sequence| *sequence > 0),
                ..open.place()
            })
    }

    /// Returns where a feed of the workspace that is open stands.
    pub(super) fn feed(&self, feed: &FeedId) -> Option<Cut> {
        self.open.as_ref()?.feeds.get(feed).copied()
    }

    /// Returns up to where a feed of the workspace that is open is held, and how many bytes that are.
    pub(super) fn held(&self, feed: &FeedId) -> Option<(Cut, u64)> {
        self.open.as_ref()?.held.get(feed).copied()
    }

    /// Finishes the workspace that is open.
    pub(super) fn close(&mut self) {
        if let Some(open) = self.open.take() {
            self.done.push(open.close(self.report));
        }
    }

    /// Ends; returns what was said of the relay, and what each workspace holds.
    pub(super) fn finish(mut self) -> (Option<RelayItem>, Vec<Examined>) {
        self.close();
        if self.end.is_some_and(|end| end != self.counts) {
            self.report(Place::default(), Fault::Counts);
        }
        (self.relay, self.done)
    }

    fn order(&mut self, what: &'static str) {
        self.report(Place::default(), Fault::Order { what });
    }

    /// Says where a damaged item stands, by what came before it rather than by its own bytes.
    fn expected(&self, item: Option<&Item>) -> Place {
        let Some(open) = &self.open else {
            return Place::default();
        };
        let mut place = open.place();
        match item {
            Some(Item::Envelope { entry, .. }) => {
                place.sequence = Some(open.sequence + 1);
                place.feed = Some(entry.feed);
                place.feed_sequence = Some(entry.sequence);
            }
            Some(Item::Held(held)) => {
                place.feed = Some(held.feed);
                place.feed_sequence = Some(held.sequence);
            }
            Some(Item::RosterEntry { .. }) => place.roster_entry = Some(open.roster_entries),
            Some(Item::Workspace(_) | Item::Relay(_) | Item::End(_)) => place = Place::default(),
            Some(Item::Failed { .. }) | None => {}
        }
        place
    }
}
