//! A place where a relay runs: the real relay without its sockets, over a disk that can fail.

use std::collections::BTreeMap;
use std::sync::Arc;

use handschlag_relay::args::Creation;
use handschlag_relay::headless::Headless;
use handschlag_relay::log::{ChangeLog, RedbLog};
use protocol::{FeedId, Frame, WorkspaceId};
use store::FaultBackend;

use super::clock::Clock;
use super::dice::Dice;

/// A relay, or the place where one stood.
pub(crate) struct Site {
    /// The relay; none while it is down.
    pub(crate) relay: Option<Headless>,
    /// Its disk.
    pub(crate) disk: FaultBackend,
    /// Its clock.
    pub(crate) clock: Clock,
    /// How often it was started.
    pub(crate) life: u32,
    /// Images of its disk that somebody keeps, with the moment of each (ms of the world).
    pub(crate) images: Vec<(i64, Vec<u8>)>,
    /// Whether a turn or a commit is planned.
    pub(crate) has_turn: bool,
    /// Whether a commit is planned.
    pub(crate) has_commit: bool,
    /// For which deadline it is woken, by its own clock.
    pub(crate) wakes_ms: Option<i64>,
    /// Whether it was given up for another one.
    pub(crate) is_gone: bool,
    /// How far its disk must have each feed, since it said so.
    acknowledged: BTreeMap<(WorkspaceId, FeedId), u64>,
    seed: u64,
}

impl Site {
    /// Makes the place of a relay, not started yet.
    pub(crate) fn new(clock: Clock, seed: u64) -> Self {
        Self {
            relay: None,
            disk: FaultBackend::new(),
            clock,
            life: 0,
            images: Vec::new(),
            has_turn: false,
            has_commit: false,
            wakes_ms: None,
            is_gone: false,
            acknowledged: BTreeMap::new(),
            seed,
        }
    }

    /// Starts the relay over its disk; an error says why, which a disk that has died explains.
    pub(crate) fn start(&mut self) -> Result<(), String> {
        self.life += 1;
        self.has_turn = false;
        self.has_commit = false;
        let log = RedbLog::in_storage(self.disk.storage());
        let log = log.map_err(|error| format!("the log does not open: {error:?}"))?;
        self.check_acknowledged(&log)?;
        let mut dice = Dice::of_all(&[self.seed, u64::from(self.life)]);
        let mut key = [0; 32];
        dice.fill(&mut key);
        let creation = Creation::Open { quota: 10 };
        let fill = Box::new(move |bytes: &mut [u8]| dice.fill(bytes));
        let relay = Headless::start(Arc::new(log), creation, key, fill);
        self.relay = Some(relay.map_err(|error| format!("the relay does not start: {error:?}"))?);
        Ok(())
    }

    /// Puts another disk in the place of its own, which may hold less.
    pub(crate) fn replace_disk(&mut self, disk: FaultBackend) {
        self.disk = disk;
        self.acknowledged.clear();
    }

    /// Notes what it tells a device of a workspace, if that says that something is durable.
    pub(crate) fn note_sent(&mut self, workspace: WorkspaceId, bytes: &[u8]) {
        if let Ok(Frame::Stored(stored)) = Frame::decode(bytes)
            && !stored.held
        {
            let key = (workspace, stored.cut.feed);
            let known = self.acknowledged.entry(key).or_default();
            *known = stored.cut.sequence.max(*known);
        }
    }

    /// Checks that what it said to be durable is in its log; what an earlier life of the disk said is forgotten with it.
    fn check_acknowledged(&self, log: &RedbLog) -> Result<(), String> {
        for ((workspace, feed), sequence) in &self.acknowledged {
            let head = log.feed_head(workspace, feed);
            let head = head.map_err(|error| format!("the log cannot be read: {error}"))?;
            let head = head.map_or(0, |head| head.sequence);
            assert!(
                head >= *sequence,
                "the relay acknowledged {sequence} envelopes of feed {feed} and has {head} after a crash"
            );
        }
        Ok(())
    }

    /// Gives what its clock shows (ms since 1970).
    pub(crate) fn now_ms(&self) -> u64 {
        self.clock.now_ms().max(0).cast_unsigned()
    }
}

/// Gives the address of a relay.
pub(crate) fn address(site: usize) -> String {
    format!("http://relay-{site}.example")
}

/// Finds the relay of an address that an engine connects to.
pub(crate) fn site_of(url: &str) -> Option<usize> {
    let (_, rest) = url.split_once("relay-")?;
    rest.split_once('.')?.0.parse().ok()
}
