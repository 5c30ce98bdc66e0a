//! The world: devices, relays, what is on its way between them, and the one order in which it happens.

mod machines;
mod relays;
mod wires;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use model::RecordId;
use store::{FaultBackend, Operation};

use super::clock::{Clock, WorldClock};
use super::count::Counts;
use super::desk::Desk;
use super::dice::Dice;
use super::ledger::Ledger;
use super::net::{Way, Wire, WireId};
use super::person::Device;
use super::relay::Site;

/// Something that happens at a moment.
#[derive(Debug)]
pub(crate) enum Event {
    /// A device's attempt to connect arrives.
    Open(WireId),
    /// A frame arrives.
    Frame(WireId, Way, Vec<u8>),
    /// The relay's socket has taken a frame.
    Written(WireId),
    /// The device hears that its connection is over.
    ClosedAtDevice(WireId),
    /// The relay hears that a connection is over.
    ClosedAtRelay(WireId),
    /// An engine wanted to be woken.
    Wake(usize),
    /// A relay does one of the things that it could do.
    Turn(usize),
    /// A relay's writer comes round.
    Commit(usize),
    /// A machine that is down starts.
    Start(usize),
    /// A relay that is down starts.
    StartRelay(usize),
    /// A person tries again what did not work.
    Greet(usize),
}

/// An event in its order: by time, then by a number that the seed decides.
struct Planned {
    at_ms: i64,
    tie: u64,
    serial: u64,
    event: Event,
}

impl Planned {
    fn key(&self) -> (i64, u64, u64) {
        (self.at_ms, self.tie, self.serial)
    }
}

impl PartialEq for Planned {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Planned {}

impl PartialOrd for Planned {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Planned {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

/// The world of one simulation.
pub(crate) struct World {
    /// Its clock.
    pub(crate) clock: WorldClock,
    /// What is left to chance beside the steps.
    pub(crate) dice: Dice,
    /// The devices; those that are gone keep their number.
    pub(crate) devices: Vec<Device>,
    /// The relays, by the number in their address; the last one is the one to use.
    pub(crate) sites: Vec<Site>,
    /// What is known of all transactions.
    pub(crate) ledger: Ledger,
    /// What was met.
    pub(crate) counts: Counts,
    /// Records that belong to scenes, from which random work keeps away.
    pub(crate) reserved: BTreeSet<RecordId>,
    /// The codes of devices whose disk was ever restored or cloned.
    pub(crate) rolled_codes: BTreeSet<String>,
    /// Whether presses are those of a scene.
    pub(crate) is_in_scene: bool,
    /// Whether what happens is printed.
    pub(crate) is_told: bool,
    /// How many frames were sent so far, either way.
    pub(crate) frames: u64,
    /// How many events happened so far.
    pub(crate) events: u64,
    wires: BTreeMap<WireId, Wire>,
    queue: BinaryHeap<Reverse<Planned>>,
    last_wire: WireId,
    serial: u64,
    step_seed: u64,
}

impl World {
    /// Makes an empty world.
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            clock: WorldClock::new(),
            dice: Dice::of(seed),
            devices: Vec::new(),
            sites: Vec::new(),
            ledger: Ledger::default(),
            counts: Counts::default(),
            reserved: BTreeSet::new(),
            rolled_codes: BTreeSet::new(),
            is_in_scene: false,
            is_told: false,
            frames: 0,
            events: 0,
            wires: BTreeMap::new(),
            queue: BinaryHeap::new(),
            last_wire: 0,
            serial: 0,
            step_seed: seed,
        }
    }

    /// Gives the moment (ms since 1970).
    pub(crate) fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    /// Says what happens, where that is wanted.
    pub(crate) fn tell(&self, text: impl FnOnce() -> String) {
        if self.is_told {
            let now = self.now_ms() - super::clock::BEGIN_MS;
            println!("{:>12} {}", now, text());
        }
    }

    /// Lets all that is random follow from a step's own number, so that leaving out another step changes little.
    pub(crate) fn reseed(&mut self, number: u64) {
        self.step_seed = number;
        self.dice = Dice::of_all(&[number, 1]);
        for (at, device) in self.devices.iter().enumerate() {
            device.desk.reseed(Dice::of_all(&[number, 2, at as u64]));
        }
    }

    /// Adds a machine with an empty disk, or with a copy of a home.
    pub(crate) fn add_device(&mut self, disk: FaultBackend, keys: Option<Vec<u8>>) -> usize {
        let at = self.devices.len();
        let wrong = match self.dice.below(3) {
            0 => 0,
            1 => self.dice.between(-2_000, 2_000),
            _ => self.dice.between(-7_200_000, 7_200_000),
        };
        let desk = Desk::new(Clock::new(&self.clock, wrong), keys);
        desk.reseed(Dice::of_all(&[self.step_seed, 2, at as u64]));
        self.devices.push(Device::new(disk, desk));
        at
    }

    /// Plans an event.
    pub(crate) fn plan(&mut self, in_ms: i64, event: Event) {
        let at_ms = self.now_ms() + in_ms.max(0);
        self.plan_at(at_ms, event);
    }

    fn plan_at(&mut self, at_ms: i64, event: Event) {
        self.serial += 1;
        let tie = self.dice.next();
        self.queue.push(Reverse(Planned {
            at_ms: at_ms.max(self.now_ms()),
            tie,
            serial: self.serial,
            event,
        }));
    }

    /// Says when the next thing happens.
    pub(crate) fn next_ms(&self) -> Option<i64> {
        self.queue.peek().map(|planned| planned.0.at_ms)
    }

    /// Lets all happen that happens up to a moment, and goes there.
    pub(crate) fn go_on_until(&mut self, moment_ms: i64) {
        while self.next_ms().is_some_and(|next| next <= moment_ms) {
            self.happen();
        }
        self.clock.go_to(moment_ms);
    }

    /// Lets the next thing happen.
    pub(crate) fn happen(&mut self) {
        let Some(Reverse(planned)) = self.queue.pop() else {
            return;
        };
        self.clock.go_to(planned.at_ms);
        self.events += 1;
        match planned.event {
            Event::Open(wire) => self.open(wire),
            Event::Frame(wire, way, bytes) => self.frame(wire, way, bytes),
            Event::Written(wire) => self.with_relay_of(wire, |site, connection, now| {
                if let Some(relay) = &mut site.relay {
                    relay.written(now, connection);
                }
            }),
            Event::ClosedAtDevice(wire) => self.closed_at_device(wire),
            Event::ClosedAtRelay(wire) => {
                self.with_relay_of(wire, |site, connection, _| {
                    if let Some(relay) = &mut site.relay {
                        relay.hung_up(connection);
                    }
                });
                self.end_at_relay(wire);
            }
            Event::Wake(device) => self.wake(device),
            Event::Turn(site) => self.turn(site),
            Event::Commit(site) => self.commit(site),
            Event::Start(device) => self.start(device),
            Event::StartRelay(site) => self.start_relay(site),
            Event::Greet(device) => self.greet(device),
        }
    }
}

fn word(operation: Operation) -> &'static str {
    match operation {
        Operation::Write => "write",
        Operation::SetLen => "change of length",
        Operation::Sync => "sync",
    }
}
