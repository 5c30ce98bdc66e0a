//! Devices, a relay and wires between them, each step of which is chosen by the test.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
};

use protocol::{EnvelopeHash, Frame, Role, RosterHash, WorkspaceId};
use sync::{
    Judged, LogEntry, Run, Verified,
    client::{self, Session},
    relay::{self, Connection},
};
use vault::{Roster, SigningIdentity};

use crate::{
    device::{Device, Dice, invite, join},
    log::{News, Space, Store},
};

/// One WebSocket between a device and the relay.
pub(crate) struct Wire {
    pub(crate) device: usize,
    session: Session,
    connection: Connection,
    up: VecDeque<Vec<u8>>,
    down: VecDeque<Vec<u8>>,
    device_work: VecDeque<client::Output>,
    relay_work: VecDeque<relay::Output>,
    pub(crate) up_bytes: usize,
    pub(crate) down_bytes: usize,
    pub(crate) frames: usize,
    /// How many envelopes were carried to the relay, and from it.
    pub(crate) carried: (usize, usize),
}

/// Devices, a relay, and what is between them.
pub(crate) struct World {
    pub(crate) dice: Dice,
    pub(crate) now_ms: u64,
    pub(crate) workspace: WorkspaceId,
    pub(crate) relay: Arc<SigningIdentity>,
    pub(crate) store: Store,
    pub(crate) devices: Vec<Device>,
    pub(crate) wires: Vec<Wire>,
    /// Whether frames that may come twice sometimes do.
    pub(crate) duplicates: bool,
    /// Whether what is carried to a device does not get onto its disk for now.
    pub(crate) has_stuck_disks: bool,
}

impl World {
    /// Founds a workspace with so many devices, which no relay knows yet.
    pub(crate) fn new(seed: u64, devices: usize) -> Self {
        let mut dice = Dice(seed);
        let founder = dice.keys();
        let found = Roster::found(&founder, 0, &mut |bytes: &mut [u8]| dice.fill(bytes));
        let (mut roster, _) = found.expect("founds");
        let mut all = vec![founder.clone()];
        for _ in 1..devices {
            let (entry, secret) = invite(&roster, &founder, Role::Admin, &mut dice);
            roster.append(&entry).expect("follows");
            let keys = dice.keys();
            let entry = join(&roster, &secret, &keys, &mut dice);
            roster.append(&entry).expect("follows");
            all.push(keys);
        }
        let devices = all
            .into_iter()
            .map(|keys| Device::new(keys, roster.clone()));
        World {
            workspace: roster.workspace(),
            relay: Arc::new(SigningIdentity::from_seed(&[77; 32])),
            store: Store::new(),
            devices: devices.collect(),
            wires: Vec::new(),
            duplicates: false,
            has_stuck_disks: false,
            now_ms: 1_000_000,
            dice,
        }
    }

    /// Lets a further device in with a role, whose roster all others and the relay have at once; returns its place.
    pub(crate) fn join(&mut self, role: Role) -> usize {
        let mut roster = self.devices[0].roster.clone();
        let founder = self.devices[0].keys.clone();
        let (entry, secret) = invite(&roster, &founder, role, &mut self.dice);
        roster.append(&entry).expect("follows");
        let keys = self.dice.keys();
        let entry = join(&roster, &secret, &keys, &mut self.dice);
        roster.append(&entry).expect("follows");
        for device in &mut self.devices {
            device.roster = roster.clone();
        }
        if let Some(space) = self.store.spaces.get_mut(&self.workspace) {
            space.roster = Arc::new(roster.clone());
        }
        self.spread(News::Roster);
        self.devices.push(Device::new(keys, roster));
        self.devices.len() - 1
    }

    /// Breaks all wires and puts the relay back to its first entries, under a new epoch.
    pub(crate) fn restore(&mut self, entries: usize) {
        let before = &self.store.spaces[&self.workspace];
        let kept = before.entries.iter().take(entries).cloned().collect();
        self.refill_with(kept);
    }

    /// Breaks all wires and gives the relay these entries and no others, under a new epoch.
    pub(crate) fn refill_with(&mut self, entries: Vec<LogEntry>) {
        self.wires.clear();
        self.store.epoch += 1;
        let before = &self.store.spaces[&self.workspace];
        let mut restored = Space::begin(Arc::clone(&before.roster), self.store.epoch);
        for entry in entries {
            let envelope = protocol::Envelope::decode(&entry.bytes).expect("decodes");
            let judged = Judged {
                run: Run {
                    feed: entry.feed,
                    envelopes: vec![Verified {
                        sequence: entry.sequence,
                        previous: envelope.header.previous,
                        hash: entry.hash,
                        bytes: entry.bytes,
                    }],
                },
                cut: None,
                is_own: false,
            };
            restored.append(entry.received_ms, judged);
        }
        self.store.spaces.insert(self.workspace, restored);
    }

    /// Breaks all wires and gives the relay what it once was, under a new epoch.
    pub(crate) fn put_back(&mut self, backup: Space) {
        self.wires.clear();
        self.store.epoch += 1;
        let Space { epoch, running, .. } = Space::begin(backup.roster.clone(), self.store.epoch);
        let mut life = Space {
            epoch,
            running,
            ..backup
        };
        for (at, entry) in (1..).zip(&life.entries) {
            let before = life.running[life.running.len() - 1];
            let next = protocol::log_next(&before, at, entry.received_ms, &entry.hash);
            life.running.push(next);
        }
        self.store.spaces.insert(self.workspace, life);
    }

    /// Returns what the relay is now.
    pub(crate) fn back_up(&self) -> Space {
        self.store.spaces[&self.workspace].clone()
    }

    /// Breaks all wires and takes everything from the relay.
    pub(crate) fn lose(&mut self) {
        self.wires.clear();
        self.store.spaces.clear();
        self.store.epoch += 1;
    }

    pub(crate) fn connection(&mut self) -> Connection {
        Connection::new(Arc::clone(&self.relay), self.dice.nonce(), self.now_ms)
    }

    /// Opens a wire for a device that has none.
    pub(crate) fn connect(&mut self, device: usize) {
        if self.wires.iter().any(|wire| wire.device == device) {
            return;
        }
        let start = self.devices[device].start(&mut self.dice);
        let mut wire = Wire {
            device,
            session: Session::new(start),
            connection: self.connection(),
            up: VecDeque::new(),
            down: VecDeque::new(),
            device_work: VecDeque::new(),
            relay_work: VecDeque::new(),
            up_bytes: 0,
            down_bytes: 0,
            frames: 0,
            carried: (0, 0),
        };
        wire.session.handle(self.now_ms, client::Input::Opened);
        wire.drain();
        self.wires.push(wire);
    }

    /// Writes on a device, and tells its session if there is one.
    pub(crate) fn write(&mut self, device: usize) {
        self.devices[device].write(&mut self.dice);
        let (sequence, hash) = self.devices[device].head();
        self.tell(device, client::Input::LocalHead { sequence, hash });
    }

    /// Gives an input to the session of a device, if it has one.
    pub(crate) fn tell(&mut self, device: usize, input: client::Input) {
        if let Some(wire) = self.wires.iter_mut().find(|wire| wire.device == device) {
            wire.session.handle(self.now_ms, input);
            wire.drain();
        }
    }

    /// Breaks a wire; what was on its way is lost, but for what the relay had already been asked to write.
    pub(crate) fn cut(&mut self, wire: usize) {
        let wire = self.wires.remove(wire);
        for request in wire.relay_work {
            let commits = matches!(
                request,
                relay::Output::Append { .. } | relay::Output::AppendCarried { .. }
            );
            if commits && self.dice.below(2) == 0 {
                let (_, news) = self.store.answer(self.now_ms, self.workspace, request);
                self.spread(news);
            }
        }
    }

    /// Tells all connections what has changed.
    pub(crate) fn spread(&mut self, news: News) {
        let Some(space) = self.store.spaces.get(&self.workspace) else {
            return;
        };
        for wire in &mut self.wires {
            let input = match news {
                News::Nothing => return,
                News::Log => relay::Input::LogGrew {
                    sequence: space.head().sequence,
                },
                News::Roster => relay::Input::RosterGrew(Arc::clone(&space.roster)),
            };
            wire.connection.handle(self.now_ms, input);
            let held = space.held_heads();
            wire.connection
                .handle(self.now_ms, relay::Input::HeldChanged(held));
            if matches!(news, News::Roster) {
                // Accepting what was held lets the log grow.
                let sequence = space.head().sequence;
                let input = relay::Input::LogGrew { sequence };
                wire.connection.handle(self.now_ms, input);
            }
            wire.drain();
        }
    }

    /// Does one thing that waits on a wire, chosen by chance; returns whether there was one.
    pub(crate) fn step(&mut self, at: usize) -> bool {
        let wire = &self.wires[at];
        let ready = [
            !wire.up.is_empty() && wire.connection.wants_frames(),
            !wire.down.is_empty() && wire.session.wants_frames(),
            wire.device_work.front().is_some_and(|work| {
                !self.has_stuck_disks || !matches!(work, client::Output::Carried { .. })
            }),
            !wire.relay_work.is_empty(),
        ];
        let choices: Vec<usize> = (0..4).filter(|choice| ready[*choice]).collect();
        if choices.is_empty() {
            return false;
        }
        self.now_ms += 1;
        match choices[self.dice.below(choices.len())] {
            0 => self.deliver_up(at),
            1 => self.deliver_down(at),
            2 => self.work_on_device(at),
            _ => self.work_on_relay(at),
        }
        true
    }

    fn repeats(&mut self, frame: &[u8]) -> bool {
        let may = match Frame::decode(frame).expect("decodes") {
            Frame::Push(_) | Frame::Stored(_) | Frame::Log(_) => true,
            // An answer that comes twice can look like the answer to the next append.
            _ => false,
        };
        self.duplicates && may && self.dice.below(5) == 0
    }

    fn deliver_up(&mut self, at: usize) {
        let frame = self.wires[at].up.pop_front().expect("was there");
        let times = if self.repeats(&frame) { 2 } else { 1 };
        let wire = &mut self.wires[at];
        wire.carried.0 += carried(&frame);
        for _ in 0..times {
            wire.up_bytes += frame.len();
            wire.frames += 1;
            let input = relay::Input::Frame(frame.clone());
            wire.connection.handle(self.now_ms, input);
        }
        wire.drain();
    }

    fn deliver_down(&mut self, at: usize) {
        let frame = self.wires[at].down.pop_front().expect("was there");
        let times = if self.repeats(&frame) { 2 } else { 1 };
        let wire = &mut self.wires[at];
        wire.carried.1 += carried(&frame);
        wire.connection.handle(self.now_ms, relay::Input::Written);
        for _ in 0..times {
            wire.down_bytes += frame.len();
            wire.frames += 1;
            wire.session
                .handle(self.now_ms, client::Input::Frame(frame.clone()));
        }
        wire.drain();
    }

    fn work_on_device(&mut self, at: usize) {
        let wire = &mut self.wires[at];
        let output = wire.device_work.pop_front().expect("was there");
        let device = &mut self.devices[wire.device];
        for input in device.act(output) {
            wire.session.handle(self.now_ms, input);
        }
        wire.drain();
    }

    fn work_on_relay(&mut self, at: usize) {
        let request = self.wires[at].relay_work.pop_front().expect("was there");
        if matches!(request, relay::Output::Close { .. }) {
            return;
        }
        let is_first = matches!(request, relay::Output::OpenWorkspace { .. });
        let (input, news) = self.store.answer(self.now_ms, self.workspace, request);
        self.wires[at].connection.handle(self.now_ms, input);
        if is_first && let Some(space) = self.store.spaces.get(&self.workspace) {
            let held = relay::Input::HeldChanged(space.held_heads());
            self.wires[at].connection.handle(self.now_ms, held);
        }
        self.wires[at].drain();
        self.spread(news);
    }

    /// Steps until nothing waits anywhere.
    pub(crate) fn settle(&mut self) {
        let mut steps = 0;
        loop {
            let mut is_quiet = true;
            for at in 0..self.wires.len() {
                is_quiet &= !self.step(at);
            }
            if is_quiet {
                return;
            }
            steps += 1;
            assert!(steps < 100_000, "it never becomes quiet");
        }
    }

    /// Connects everybody and waits until nothing moves.
    pub(crate) fn heal(&mut self) {
        self.wires
            .retain(|wire| !wire.session.is_ended() && !wire.connection.is_ended());
        for device in 0..self.devices.len() {
            self.connect(device);
        }
        self.settle();
    }

    /// Checks that every device has exactly what the log has, and the relay has every feed.
    pub(crate) fn check_equal(&self) {
        let space = &self.store.spaces[&self.workspace];
        let log: BTreeSet<EnvelopeHash> = space.entries.iter().map(|entry| entry.hash).collect();
        assert_eq!(log.len(), space.entries.len(), "nothing is there twice");
        for device in &self.devices {
            let here: BTreeSet<EnvelopeHash> =
                device.received.iter().map(|one| one.cut.hash).collect();
            assert_eq!(here, log);
            assert_eq!(device.acknowledged, device.head().0);
            assert_eq!(
                device.cursor.map_or(0, |cursor| cursor.sequence),
                log.len() as u64
            );
            let own = space.feed_head(&device.keys.feed());
            assert_eq!(own.map_or(0, |cut| cut.sequence), device.head().0);
            assert_eq!(device.roster.head(), space.roster.head());
            let last = device.said.iter().rev().find(|output| {
                matches!(
                    output,
                    client::Output::Settled | client::Output::Unsettled(_)
                )
            });
            assert_eq!(last, Some(&client::Output::Settled));
        }
    }

    /// Appends an invite to the roster on a device that does not meet the relay now.
    pub(crate) fn append_invite_here(&mut self, device: usize) {
        let Device { roster, keys, .. } = &mut self.devices[device];
        let (entry, _) = invite(roster, keys, Role::Member, &mut self.dice);
        roster.append(&entry).expect("follows");
    }

    /// Appends an invite to the roster on the relay through the session of a device.
    pub(crate) fn append_invite(&mut self, device: usize) {
        let Device { roster, keys, .. } = &self.devices[device];
        let (entry, _) = invite(roster, keys, Role::Member, &mut self.dice);
        let expected_head: RosterHash = roster.head();
        let entries = vec![entry.into()];
        self.tell(
            device,
            client::Input::AppendRoster {
                expected_head,
                entries,
            },
        );
    }
}

/// Counts the envelopes of a carry.
fn carried(frame: &[u8]) -> usize {
    match Frame::decode(frame).expect("decodes") {
        Frame::Carry(carry) => carry.envelopes.len(),
        _ => 0,
    }
}

impl Wire {
    /// Counts the pushes that the connection has judged and the log has not decided.
    pub(crate) fn pushes(&self) -> usize {
        let appends = |output: &&relay::Output| matches!(output, relay::Output::Append { .. });
        self.relay_work.iter().filter(appends).count()
    }

    /// Counts what the session has asked of its device and is not done.
    pub(crate) fn waits_for_device(&self) -> usize {
        self.device_work.len()
    }

    /// Tells whether either side has ended the session.
    pub(crate) fn is_over(&self) -> bool {
        self.session.is_ended() || self.connection.is_ended()
    }

    /// Puts what both state machines said where it is worked on.
    fn drain(&mut self) {
        while let Some(output) = self.session.poll() {
            match output {
                client::Output::Send(frame) => self.up.push_back(frame),
                client::Output::Close => {}
                other => self.device_work.push_back(other),
            }
        }
        while let Some(output) = self.connection.poll() {
            match output {
                relay::Output::Send(frame) => self.down.push_back(frame),
                other => self.relay_work.push_back(other),
            }
        }
    }
}
