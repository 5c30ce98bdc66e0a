//! A device with the person who uses it: an engine over a disk that can fail, and what it is waiting for.

use std::collections::{BTreeMap, VecDeque};

use engine::core::Core;
use engine::headless::{Headless as _, Output};
use engine::interface::{Answer, Call, CallId, Failure, Message, Query, Request, StatusAnswer};
use model::{RecordId, Role};
use replica::Replica;
use store::{Backend, FaultBackend, Store};

use super::desk::Desk;
use super::net::WireId;

/// The client number under which the simulation calls engines.
pub(crate) const CLIENT: u64 = 1;

/// The pages of the store that a device keeps in memory: few, since there are many devices.
const CACHE_BYTES: usize = 4 * 1024 * 1024;

/// What a call that is answered later is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// An invite, whose link somebody uses.
    Invite {
        /// Whether another device of the same person joins.
        is_second_device: bool,
    },
    /// Joining by a link.
    Join,
    /// Naming the relay.
    Relay,
    /// Changing a role.
    Role(RecordId, Role),
    /// Revoking a device, by its number in the simulation.
    Revoke(usize),
    /// Accepting what is held.
    Accept,
}

/// A copy of a home, as a backup has it.
#[derive(Debug, Clone)]
pub(crate) struct Image {
    /// The bytes of the disk.
    pub(crate) disk: Vec<u8>,
    /// The file of keys.
    pub(crate) keys: Option<Vec<u8>>,
}

/// A device.
pub(crate) struct Device {
    /// The engine; none while the machine is down.
    pub(crate) core: Option<Core>,
    /// The disk, which outlives the engine.
    pub(crate) disk: FaultBackend,
    /// Clock, randomness, keys.
    pub(crate) desk: Desk,
    /// The connection that the engine believes to have, or to be getting.
    pub(crate) wire: Option<WireId>,
    /// Until when nothing gets through to it (ms of the world).
    pub(crate) cut_off_until_ms: i64,
    /// How long frames take on their way at most, beside what all take (ms).
    pub(crate) slow_ms: i64,
    /// Whether frames on its connections come twice or in another order.
    pub(crate) is_unruly: bool,
    /// After how many further frames its connection breaks, on the way up and on the way down.
    pub(crate) breaks_after: [Option<u32>; 2],
    /// The link with which it joins, until it has joined.
    pub(crate) link: Option<String>,
    /// What calls that are not answered are for.
    pub(crate) pending: BTreeMap<CallId, Purpose>,
    /// The images of its home that somebody keeps.
    pub(crate) images: Vec<Image>,
    /// When the engine wants to be woken (ms of the world).
    pub(crate) wakes_ms: Option<i64>,
    /// How many syncs of the disk were looked at.
    pub(crate) seen_syncs: u64,
    /// What the engine wanted while it was asked something else.
    pub(crate) outputs: VecDeque<Output>,
    /// Whether its disk was ever put back to an older copy.
    pub(crate) was_put_back: bool,
    /// Whether it was thrown away, or revoked and not used any more.
    pub(crate) is_gone: bool,
    /// Whether its disk dies while it starts, after so many operations.
    pub(crate) dies_at_start: Option<u64>,
    calls: CallId,
}

impl Device {
    /// Makes a device over a disk, not started yet.
    pub(crate) fn new(disk: FaultBackend, desk: Desk) -> Self {
        Self {
            core: None,
            disk,
            desk,
            wire: None,
            cut_off_until_ms: 0,
            slow_ms: 0,
            is_unruly: false,
            breaks_after: [None; 2],
            link: None,
            pending: BTreeMap::new(),
            images: Vec::new(),
            wakes_ms: None,
            seen_syncs: 0,
            outputs: VecDeque::new(),
            was_put_back: false,
            is_gone: false,
            dies_at_start: None,
            calls: 0,
        }
    }

    /// Starts the engine; an error says why, which a disk that has died explains.
    pub(crate) fn start(&mut self) -> Result<(), String> {
        if let Some(after) = self.dies_at_start.take() {
            self.disk.die_at(self.disk.operations() + after);
        }
        let options = store::Options {
            cache_bytes: CACHE_BYTES,
            ..store::Options::default()
        };
        let store = Store::open_with(Backend::fault(&self.disk), options);
        let store = store.map_err(|error| format!("the store does not open: {error}"))?;
        let core = Core::open(store, Box::new(self.desk.clone()));
        self.core = Some(core.map_err(|error| format!("the engine does not open: {error}"))?);
        Ok(())
    }

    /// Copies the home as it is now.
    pub(crate) fn image(&self) -> Image {
        Image {
            disk: self.disk.image(),
            keys: self.desk.kept_keys(),
        }
    }

    /// Sends a request to the engine; the caller drains its outputs.
    pub(crate) fn call(&mut self, request: Request) -> Option<CallId> {
        let core = self.core.as_mut()?;
        self.calls += 1;
        let id = self.calls;
        core.call(CLIENT, Call { id, request });
        Some(id)
    }

    /// Asks what is answered at once; what the engine wants besides is left in [`Device::outputs`].
    pub(crate) fn ask(&mut self, request: Request) -> Result<Answer, Failure> {
        let Some(call) = self.call(request) else {
            return Err(Failure::new("down", "the machine is down", None));
        };
        let core = self.core.as_mut().expect("it was just called");
        let mut answer = None;
        while let Some(output) = core.poll() {
            match output {
                Output::Tell(_, Message::Answer { id, ok }) if id == call => answer = Some(Ok(ok)),
                Output::Tell(_, Message::Failure { id, error }) if id == Some(call) => {
                    answer = Some(Err(error));
                }
                other => self.outputs.push_back(other),
            }
        }
        answer.expect("what is asked is answered at once")
    }

    /// Gives the next thing that the engine wants.
    pub(crate) fn poll(&mut self) -> Option<Output> {
        let core = self.core.as_mut()?;
        self.outputs.pop_front().or_else(|| core.poll())
    }

    /// Gives the status; none while the machine is down or the home cannot be read.
    pub(crate) fn status(&mut self) -> Option<StatusAnswer> {
        match self.ask(Request::Query(Query::Status)) {
            Ok(Answer::Status(status)) => Some(*status),
            _ => None,
        }
    }

    /// Gives the replica, if the device runs and belongs to the workspace.
    pub(crate) fn replica(&self) -> Option<&Replica> {
        self.core.as_ref()?.replica()
    }

    /// Names the member whom it belongs to.
    pub(crate) fn member(&self) -> Option<RecordId> {
        Some(self.replica()?.identity().member)
    }

    /// Tells whether it belongs to the workspace and was not revoked, as far as it knows.
    pub(crate) fn is_member(&self) -> bool {
        let roster = self.core.as_ref().and_then(Core::roster);
        let feed = self.feed();
        match (roster, feed) {
            (Some(roster), Some(feed)) => !self.is_gone && !roster.is_revoked(&feed),
            _ => false,
        }
    }

    /// Names the feed that it writes to.
    pub(crate) fn feed(&self) -> Option<protocol::FeedId> {
        self.core.as_ref()?.feed()
    }

    /// Tells whether it may write, as far as it knows.
    pub(crate) fn is_writer(&self) -> bool {
        let role = self.replica().map(|replica| replica.identity().role);
        self.is_member() && role.is_some_and(|role| role != Role::Guest)
    }

    /// Tells whether it may invite, revoke and change roles, as far as it knows.
    pub(crate) fn is_admin(&self) -> bool {
        let role = self.replica().map(|replica| replica.identity().role);
        self.is_member() && matches!(role, Some(Role::Admin | Role::Owner))
    }
}
