//! Connections: opened, broken, ended, and the frames on them.

use engine::headless::{Headless as _, NetInput};

use super::{Event, World};
use crate::sim::count::FAULTS;
use crate::sim::net::{Way, Wire, WireId};
use crate::sim::relay::site_of;

impl World {
    pub(super) fn connect(&mut self, device: usize, url: &str) {
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

    pub(super) fn open(&mut self, id: WireId) {
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

    pub(super) fn send_up(&mut self, device: usize, bytes: Vec<u8>) {
        if let Some(wire) = self.devices[device].wire {
            self.send(wire, Way::Up, bytes);
        }
    }

    /// Puts a frame on its way, or breaks the connection where that is its fate.
    pub(super) fn send(&mut self, id: WireId, way: Way, bytes: Vec<u8>) {
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
            let (device, now) = (wire.device, now_ms - crate::sim::clock::BEGIN_MS);
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

    pub(super) fn frame(&mut self, id: WireId, way: Way, bytes: Vec<u8>) {
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
    pub(super) fn break_wire_behind(&mut self, id: WireId) {
        if let Some(wire) = self.wires.get_mut(&id) {
            wire.is_broken = true;
        }
        self.plan_ends(id, true);
    }

    /// Loses all that is on its way on a connection.
    pub(super) fn break_wire(&mut self, id: WireId, device_hears: bool) {
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

    pub(super) fn plan_ends(&mut self, id: WireId, device_hears: bool) {
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

    pub(super) fn hang_up(&mut self, device: usize) {
        if let Some(id) = self.devices[device].wire.take()
            && let Some(wire) = self.wires.get_mut(&id)
        {
            wire.is_at_device = false;
            let after = wire.arrival(Way::Up, self.clock.now_ms(), 0, false, &mut self.dice);
            self.plan_at(after, Event::ClosedAtRelay(id));
        }
    }

    pub(super) fn closed_at_device(&mut self, id: WireId) {
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

    pub(super) fn end_at_relay(&mut self, id: WireId) {
        if let Some(wire) = self.wires.get_mut(&id) {
            wire.is_at_relay = false;
            if !wire.is_at_device {
                self.wires.remove(&id);
            }
        }
    }
}
