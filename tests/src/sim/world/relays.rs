//! Relays: their turns, their commits, and how they stop and start.

use handschlag_relay::headless::Output as RelayOutput;

use super::{Event, World, word};
use crate::sim::count::{CRASHES, FAULTS};
use crate::sim::net::{Way, WireId};
use crate::sim::relay::Site;

impl World {
    pub(super) fn with_relay_of(
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

    pub(super) fn turn(&mut self, site: usize) {
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

    pub(super) fn commit(&mut self, site: usize) {
        let one = &mut self.sites[site];
        one.has_commit = false;
        let now = one.now_ms();
        if let Some(relay) = &mut one.relay {
            let done = relay.commit(now);
            self.relay_did(site, "committing", done.is_ok());
        }
    }

    pub(super) fn relay_did(&mut self, site: usize, doing: &'static str, is_well: bool) {
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

    /// Notes what a relay says to be durable, which must survive whatever happens to its process.
    fn note_acknowledged(&mut self, site: usize, wire: WireId, bytes: &[u8]) {
        let device = self.wires.get(&wire).map(|wire| &self.devices[wire.device]);
        let core = device.and_then(|device| device.core.as_ref());
        if let Some(roster) = core.and_then(engine::core::Core::roster) {
            let workspace = roster.workspace();
            self.sites[site].note_sent(workspace, bytes);
        }
    }

    pub(crate) fn after_relay(&mut self, site: usize) {
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
                        self.note_acknowledged(site, wire, &bytes);
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
