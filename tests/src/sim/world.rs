//! The world: devices, relays, what is on its way between them, and the one order in which it happens.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use engine::headless::{Headless as _, NetInput, Output};
use engine::interface::Message;
use handschlag_relay::headless::Output as RelayOutput;
use model::RecordId;
use store::{FaultBackend, Operation};

use super::clock::{Clock, WorldClock};
use super::count::{CRASHES, Counts, FAULTS};
use super::desk::Desk;
use super::dice::Dice;
use super::ledger::Ledger;
use super::net::{Way, Wire, WireId};
use super::person::Device;
use super::relay::{Site, site_of};

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

    // ---- devices -------------------------------------------------------------------------------------------------

    /// Does all that follows from an input to an engine: sees whether the machine died, drains what the engine wants.
    pub(crate) fn after_input(&mut self, device: usize, doing: &'static str) {
        if self.devices[device].disk.is_dead() {
            return self.machine_died(device, doing);
        }
        self.drain(device);
        self.plan_wake(device);
        self.look_at(device);
        if !self.devices[device].outputs.is_empty() {
            self.drain(device);
            self.plan_wake(device);
        }
    }

    /// Does what an engine wants.
    fn drain(&mut self, device: usize) {
        while let Some(output) = self.devices[device].poll() {
            match output {
                Output::Tell(_, Message::Answer { id, ok }) => self.answered(device, id, Ok(ok)),
                Output::Tell(
                    _,
                    Message::Failure {
                        id: Some(id),
                        error,
                    },
                ) => self.answered(device, id, Err(error)),
                Output::Tell(..) => {}
                Output::Connect { url } => self.connect(device, &url),
                Output::Send(bytes) => self.send_up(device, bytes),
                Output::Disconnect => self.hang_up(device),
            }
        }
    }

    /// Asks an engine what is answered at once.
    pub(crate) fn ask(
        &mut self,
        device: usize,
        request: engine::interface::Request,
        doing: &'static str,
    ) -> Result<engine::interface::Answer, engine::interface::Failure> {
        let answer = self.devices[device].ask(request);
        let is_dead = self.devices[device].disk.is_dead();
        self.after_input(device, doing);
        if is_dead {
            // What a machine says while it dies reaches nobody.
            let reason = "the machine died";
            return Err(engine::interface::Failure::new("down", reason, None));
        }
        answer
    }

    pub(super) fn plan_wake(&mut self, device: usize) {
        let one = &mut self.devices[device];
        let wanted = one.core.as_ref().and_then(|core| core.deadline_ms());
        let wanted = wanted.map(|shown| one.desk.clock.in_world(shown));
        if wanted != one.wakes_ms {
            one.wakes_ms = wanted;
            if let Some(at_ms) = wanted {
                self.plan_at(at_ms, Event::Wake(device));
            }
        }
    }

    fn wake(&mut self, device: usize) {
        let now_ms = self.now_ms();
        let one = &mut self.devices[device];
        // Only the last plan counts; the engine changes its mind often.
        if one.wakes_ms.is_none_or(|at| at > now_ms) {
            return;
        }
        one.wakes_ms = None;
        if let Some(core) = &mut one.core {
            core.tick();
            self.after_input(device, "waking");
        }
    }

    /// Notes that a machine stopped in the middle of something, and plans that it starts again.
    fn machine_died(&mut self, device: usize, doing: &'static str) {
        let operation = self.devices[device].disk.died_in();
        let what = operation.map_or("unplugged", word);
        self.counts.hit(CRASHES, format!("device: {doing}: {what}"));
        self.tell(|| format!("device {device} dies, {doing}: {what}"));
        self.stop(device);
        let pause = self.dice.between(100, 30_000);
        self.plan(pause, Event::Start(device));
    }

    /// Stops a machine: the engine and all that it had not said are gone.
    pub(crate) fn stop(&mut self, device: usize) {
        let one = &mut self.devices[device];
        one.disk.die();
        one.core = None;
        one.outputs.clear();
        one.pending.clear();
        one.wakes_ms = None;
        if let Some(wire) = one.wire.take() {
            self.break_wire(wire, false);
        }
    }

    /// Starts a machine that is down, from what its disk kept.
    pub(crate) fn start(&mut self, device: usize) {
        let torn = match self.dice.below(2) {
            0 => None,
            _ => Some(self.dice.next()),
        };
        let one = &mut self.devices[device];
        if one.core.is_some() || one.is_gone {
            return;
        }
        if one.disk.is_dead() {
            one.disk = one.disk.restart(torn);
            self.counts.hit(
                FAULTS,
                match torn {
                    None => "device crashed",
                    Some(_) => "device crashed, last writes torn",
                },
            );
        }
        let one = &mut self.devices[device];
        one.seen_syncs = u64::MAX;
        match one.start() {
            Ok(()) if !one.disk.is_dead() => {
                self.tell(|| format!("device {device} starts"));
                self.look_at(device);
                self.greet(device);
            }
            _ if one.disk.is_dead() => self.machine_died(device, "starting"),
            Err(reason) => panic!("device {device} does not start from a sound disk: {reason}"),
            Ok(()) => unreachable!("a machine is dead or not"),
        }
    }

    // ---- connections ---------------------------------------------------------------------------------------------

    fn connect(&mut self, device: usize, url: &str) {
        self.hang_up(device);
        let site = site_of(url).unwrap_or(usize::MAX);
        let life = self.sites.get(site).map_or(0, |site| site.life);
        self.last_wire += 1;
        let wire = self.last_wire;
        self.wires.insert(wire, Wire::new(device, site, life));
        self.devices[device].wire = Some(wire);
        let delay = self.dice.between(1, 40);
        self.plan(delay, Event::Open(wire));
    }

    fn open(&mut self, id: WireId) {
        let now_ms = self.now_ms();
        let Some(wire) = self.wires.get_mut(&id) else {
            return;
        };
        if !wire.is_at_device {
            self.wires.remove(&id);
            return;
        }
        let device = wire.device;
        let is_cut_off = self.devices[device].cut_off_until_ms > now_ms;
        let site = self.sites.get_mut(wire.site).filter(|_| !is_cut_off);
        let relay_now = site.as_ref().map_or(0, |site| site.now_ms());
        let relay = site.and_then(|site| {
            wire.life = site.life;
            site.relay.as_mut()
        });
        let Some(relay) = relay else {
            wire.is_broken = true;
            let delay = self.dice.between(1, 3_000);
            return self.plan(delay, Event::ClosedAtDevice(id));
        };
        wire.connection = Some(relay.connect(relay_now));
        wire.is_at_relay = true;
        if let Some(core) = &mut self.devices[device].core {
            core.net(NetInput::Opened);
        }
        self.after_input(device, "meeting the relay");
    }

    fn send_up(&mut self, device: usize, bytes: Vec<u8>) {
        if let Some(wire) = self.devices[device].wire {
            self.send(wire, Way::Up, bytes);
        }
    }

    /// Puts a frame on its way, or breaks the connection where that is its fate.
    fn send(&mut self, id: WireId, way: Way, bytes: Vec<u8>) {
        self.frames += 1;
        let now_ms = self.now_ms();
        let Some(wire) = self.wires.get_mut(&id) else {
            return;
        };
        if wire.is_broken {
            return;
        }
        if self.is_told {
            let name =
                protocol::Frame::decode(&bytes).map_or("what cannot be read", |one| one.name());
            let (device, now) = (wire.device, now_ms - super::clock::BEGIN_MS);
            println!("{now:>12} connection {id} of device {device}, {way:?}: {name}");
        }
        let device = &mut self.devices[wire.device];
        if device.cut_off_until_ms > now_ms {
            return self.break_wire(id, true);
        }
        if let Some(left) = &mut device.breaks_after[way as usize] {
            if *left == 0 {
                device.breaks_after[way as usize] = None;
                let what = match way {
                    Way::Up => "connection broke on the way up",
                    Way::Down => "connection broke on the way down",
                };
                self.counts.hit(FAULTS, what);
                // What left before may have arrived: only what leaves from now on is lost.
                return self.break_wire_behind(id);
            }
            *left -= 1;
        }
        let (slow, is_unruly) = (device.slow_ms, device.is_unruly);
        let at_ms = wire.arrival(way, now_ms, slow, is_unruly, &mut self.dice);
        if is_unruly && self.dice.percent(20) {
            self.counts.hit(FAULTS, "frame repeated");
            let later = at_ms + self.dice.between(0, 500);
            self.plan_at(later, Event::Frame(id, way, bytes.clone()));
        }
        if way == Way::Down {
            self.plan_at(at_ms.min(now_ms + 20), Event::Written(id));
        }
        self.plan_at(at_ms, Event::Frame(id, way, bytes));
    }

    fn frame(&mut self, id: WireId, way: Way, bytes: Vec<u8>) {
        let Some(wire) = self.wires.get(&id) else {
            return;
        };
        let (device, site) = (wire.device, wire.site);
        match way {
            Way::Up => {
                let is_there = wire.is_at_relay && self.sites[site].life == wire.life;
                let connection = wire.connection.filter(|_| is_there);
                if let (Some(connection), Some(relay)) =
                    (connection, self.sites[site].relay.as_mut())
                {
                    relay.arrived(connection, bytes);
                    self.plan_turn(site);
                }
            }
            Way::Down => {
                if wire.is_at_device
                    && let Some(core) = &mut self.devices[device].core
                {
                    core.net(NetInput::Frame(bytes));
                    self.after_input(device, "meeting the relay");
                }
            }
        }
    }

    /// Lets nothing more onto a connection; what is on its way still arrives.
    fn break_wire_behind(&mut self, id: WireId) {
        if let Some(wire) = self.wires.get_mut(&id) {
            wire.is_broken = true;
        }
        self.plan_ends(id, true);
    }

    /// Loses all that is on its way on a connection.
    fn break_wire(&mut self, id: WireId, device_hears: bool) {
        let Some(wire) = self.wires.get_mut(&id) else {
            return;
        };
        wire.is_broken = true;
        if !device_hears {
            wire.is_at_device = false;
        }
        self.queue
            .retain(|planned| !matches!(&planned.0.event, Event::Frame(one, ..) if *one == id));
        self.plan_ends(id, device_hears);
    }

    fn plan_ends(&mut self, id: WireId, device_hears: bool) {
        if device_hears {
            let pause = self.dice.between(1_100, 5_000);
            self.plan(pause, Event::ClosedAtDevice(id));
        }
        let pause = self.dice.between(1_100, 60_000);
        self.plan(pause, Event::ClosedAtRelay(id));
    }

    /// Breaks the connection of a device, if it has one.
    pub(crate) fn break_connection(&mut self, device: usize) {
        if let Some(wire) = self.devices[device].wire {
            self.break_wire(wire, true);
        }
    }

    fn hang_up(&mut self, device: usize) {
        if let Some(id) = self.devices[device].wire.take()
            && let Some(wire) = self.wires.get_mut(&id)
        {
            wire.is_at_device = false;
            let after = wire.arrival(Way::Up, self.clock.now_ms(), 0, false, &mut self.dice);
            self.plan_at(after, Event::ClosedAtRelay(id));
        }
    }

    fn closed_at_device(&mut self, id: WireId) {
        let Some(wire) = self.wires.get_mut(&id) else {
            return;
        };
        let (device, was_there) = (wire.device, wire.is_at_device);
        wire.is_at_device = false;
        if !wire.is_at_relay {
            self.wires.remove(&id);
        }
        if !was_there || self.devices[device].wire != Some(id) {
            return;
        }
        self.devices[device].wire = None;
        if let Some(core) = &mut self.devices[device].core {
            let reason = "the simulated network broke".to_owned();
            core.net(NetInput::Closed { reason });
            self.after_input(device, "losing the relay");
        }
    }

    fn end_at_relay(&mut self, id: WireId) {
        if let Some(wire) = self.wires.get_mut(&id) {
            wire.is_at_relay = false;
            if !wire.is_at_device {
                self.wires.remove(&id);
            }
        }
    }

    // ---- relays --------------------------------------------------------------------------------------------------

    fn with_relay_of(
        &mut self,
        id: WireId,
        what: impl FnOnce(&mut Site, handschlag_relay::headless::ConnectionId, u64),
    ) {
        let Some(wire) = self.wires.get(&id) else {
            return;
        };
        let Some(site) = self.sites.get_mut(wire.site) else {
            return;
        };
        if let (Some(connection), true) = (wire.connection, site.life == wire.life) {
            let (now, at) = (site.now_ms(), wire.site);
            what(site, connection, now);
            self.after_relay(at);
        }
    }

    /// Plans that a relay does something, if it could.
    pub(crate) fn plan_turn(&mut self, site: usize) {
        let delay = self.dice.between(0, 2);
        let one = &mut self.sites[site];
        if !one.has_turn && one.relay.is_some() {
            one.has_turn = true;
            self.plan(delay, Event::Turn(site));
        }
    }

    fn turn(&mut self, site: usize) {
        let nth = self.dice.below(1 << 20);
        let one = &mut self.sites[site];
        one.has_turn = false;
        let now = one.now_ms();
        let Some(relay) = &mut one.relay else {
            return;
        };
        if relay.turns(now) > 0 {
            let done = relay.turn(now, nth);
            self.relay_did(site, "reading", done.is_ok());
        }
    }

    fn commit(&mut self, site: usize) {
        let one = &mut self.sites[site];
        one.has_commit = false;
        let now = one.now_ms();
        if let Some(relay) = &mut one.relay {
            let done = relay.commit(now);
            self.relay_did(site, "committing", done.is_ok());
        }
    }

    fn relay_did(&mut self, site: usize, doing: &'static str, is_well: bool) {
        let is_dead = self.sites[site].disk.is_dead();
        if is_well && !is_dead {
            return self.after_relay(site);
        }
        // Any failure of the log ends the process; nothing that it had not said is said any more.
        let operation = self.sites[site].disk.died_in();
        let what = operation.map_or("an error", word);
        self.counts.hit(CRASHES, format!("relay: {doing}: {what}"));
        self.stop_relay(site);
        let pause = self.dice.between(100, 30_000);
        self.plan(pause, Event::StartRelay(site));
    }

    /// Stops a relay as a power cut does.
    pub(crate) fn stop_relay(&mut self, site: usize) {
        self.tell(|| format!("relay {site} stops"));
        let one = &mut self.sites[site];
        one.disk.die();
        one.relay = None;
        let wires = self.wires.iter();
        let here: Vec<WireId> = wires
            .filter(|(_, wire)| wire.site == site && wire.connection.is_some())
            .map(|(id, _)| *id)
            .collect();
        for id in here {
            if let Some(wire) = self.wires.get_mut(&id) {
                wire.is_at_relay = false;
            }
            self.break_wire(id, true);
        }
    }

    /// Starts a relay that is down, from what its disk kept.
    pub(crate) fn start_relay(&mut self, site: usize) {
        let torn = match self.dice.below(2) {
            0 => None,
            _ => Some(self.dice.next()),
        };
        let one = &mut self.sites[site];
        if one.relay.is_some() || one.is_gone {
            return;
        }
        if one.disk.is_dead() {
            one.disk = one.disk.restart(torn);
            let what = match torn {
                None => "relay crashed",
                Some(_) => "relay crashed, last writes torn",
            };
            self.counts.hit(FAULTS, what);
        }
        let one = &mut self.sites[site];
        match one.start() {
            Ok(()) => self.tell(|| format!("relay {site} starts")),
            Err(reason) if one.disk.is_dead() => {
                self.tell(|| format!("relay {site} dies at its start: {reason}"));
                let what = self.sites[site].disk.died_in().map_or("an error", word);
                self.counts.hit(CRASHES, format!("relay: starting: {what}"));
                self.plan(1_000, Event::StartRelay(site));
            }
            Err(reason) => panic!("relay {site} does not start from a sound disk: {reason}"),
        }
    }

    pub(super) fn after_relay(&mut self, site: usize) {
        while let Some(relay) = &mut self.sites[site].relay
            && let Some(output) = relay.poll()
        {
            let life = self.sites[site].life;
            let named = |connection| {
                let mut wires = self.wires.iter();
                let found = wires.find(|(_, wire)| {
                    wire.site == site && wire.life == life && wire.connection == Some(connection)
                });
                found.map(|(id, _)| *id)
            };
            match output {
                RelayOutput::Send(connection, bytes) => {
                    if let Some(wire) = named(connection) {
                        self.send(wire, Way::Down, bytes);
                    }
                }
                RelayOutput::Close(connection) => {
                    if let Some(id) = named(connection) {
                        let now_ms = self.now_ms();
                        let wire = self.wires.get_mut(&id).expect("it was just found");
                        wire.is_at_relay = false;
                        let at_ms = wire.arrival(Way::Down, now_ms, 0, false, &mut self.dice);
                        self.plan_at(at_ms + 1, Event::ClosedAtDevice(id));
                    }
                }
            }
        }
        let one = &mut self.sites[site];
        let now = one.now_ms();
        let Some(relay) = &one.relay else {
            return;
        };
        let deadline = relay.deadline_ms().map(u64::cast_signed);
        if relay.turns(now) > 0 {
            self.plan_turn(site);
        } else if let Some(shown) = deadline
            && self.sites[site].wakes_ms != Some(shown)
        {
            // A client that does not prove itself in time is sent away.
            self.sites[site].wakes_ms = Some(shown);
            let at_ms = self.sites[site].clock.in_world(shown);
            self.plan_at(at_ms, Event::Turn(site));
        }
        let one = &mut self.sites[site];
        if one.relay.as_ref().is_some_and(|relay| relay.queued() > 0) && !one.has_commit {
            one.has_commit = true;
            let delay = self.dice.between(0, 6);
            self.plan(delay, Event::Commit(site));
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
