//! Devices: what follows from an input to an engine, and machines that stop and start.

use engine::headless::{Headless as _, Output};
use engine::interface::Message;

use super::{Event, World, word};
use crate::sim::count::{CRASHES, FAULTS};

impl World {
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
    pub(super) fn drain(&mut self, device: usize) {
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

    pub(crate) fn plan_wake(&mut self, device: usize) {
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

    pub(super) fn wake(&mut self, device: usize) {
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
    pub(super) fn machine_died(&mut self, device: usize, doing: &'static str) {
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
}
