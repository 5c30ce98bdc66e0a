//! Healing: all faults end, everything runs, everybody meets the relay, until nothing moves any more.

use engine::headless::Headless as _;
use engine::interface::{Answer, Request};

use super::count::CHECKS;
use super::person::Purpose;
use super::relay::address;
use super::world::World;

/// How many events healing may take: an engine that never comes to rest is a finding.
const MOST_EVENTS: u64 = 400_000;

/// How long healing may take by the world's clock (ms): two days, since clocks that jumped back wait for their old time.
const MOST_MS: i64 = 48 * 3_600_000;

/// How often an admin looks whether something is held that should count.
const MOST_ROUNDS: usize = 8;

/// How long nothing may happen before an idle system counts as idle (ms).
const IDLE_MS: i64 = 24 * 3_600_000;

impl World {
    /// Lets everything crash at once.
    pub(super) fn crash_all(&mut self) {
        for device in 0..self.devices.len() {
            if self.devices[device].core.is_some() {
                self.stop(device);
            }
        }
        let site = self.sites.len() - 1;
        if self.sites[site].relay.is_some() {
            self.stop_relay(site);
        }
    }

    /// Ends all faults, and goes on until nothing moves any more.
    pub(super) fn heal(&mut self) {
        self.tell(|| "-- healing".to_owned());
        self.disarm();
        let site = self.sites.len() - 1;
        self.start_relay(site);
        for device in 0..self.devices.len() {
            self.start(device);
        }
        for device in 0..self.devices.len() {
            self.mend_network(device);
            self.follow_newest_relay(device);
        }
        self.settle("healing");
        for round in 0.. {
            if !self.accept_all_but_of_the_revoked() {
                break;
            }
            assert!(round < MOST_ROUNDS, "there is always something held");
            self.settle("accepting what is held");
        }
        self.let_go_of_the_sealed();
        // What a person sees depends on the day, so all look at the same clock now.
        for device in 0..self.devices.len() {
            self.devices[device].desk.clock.jump_to(0);
            self.plan_wake(device);
        }
        self.settle("clocks that go right");
    }

    /// Lets go of what is sealed on devices that may not write: their own unsent transactions.
    fn let_go_of_the_sealed(&mut self) {
        for device in 0..self.devices.len() {
            let may_write = self.devices[device].is_writer();
            if !may_write && self.devices[device].core.is_some() {
                self.seal(device, "it is sealed on a device that may not write");
            }
        }
    }

    /// Lets no disk fail that was to fail.
    fn disarm(&mut self) {
        for one in &mut self.devices {
            one.disk.die_at(u64::MAX);
            one.disk.fail_at(u64::MAX);
            one.dies_at_start = None;
        }
        for site in &self.sites {
            site.disk.die_at(u64::MAX);
            site.disk.fail_at(u64::MAX);
        }
    }

    fn follow_newest_relay(&mut self, device: usize) {
        let url = address(self.sites.len() - 1);
        let Some(status) = self.devices[device].status() else {
            return;
        };
        self.after_input(device, "asking");
        if status.workspace.is_none() {
            return;
        }
        if status.relay.as_deref() != Some(url.as_str()) {
            self.request(device, Request::SetRelay { url }, Some(Purpose::Relay));
        }
        self.request(device, Request::Follow { on: true }, None);
    }

    /// Goes on until nothing is planned any more.
    pub(super) fn settle(&mut self, what: &str) {
        let (events, began_ms) = (self.events, self.now_ms());
        while let Some(next_ms) = self.next_ms() {
            self.rest_the_revoked();
            if next_ms - began_ms > MOST_MS || self.events - events > MOST_EVENTS {
                self.tell_unrest(what);
            }
            self.happen();
        }
    }

    /// Devices that are revoked or that the relay does not let in ask for ever, which is their right: nobody follows on them.
    fn rest_the_revoked(&mut self) {
        if !self.events.is_multiple_of(64) {
            return;
        }
        for device in 0..self.devices.len() {
            let is_out =
                self.devices[device].replica().is_some() && !self.devices[device].is_member();
            if is_out && self.devices[device].wakes_ms.is_some() {
                self.request(device, Request::Follow { on: false }, None);
            }
        }
    }

    fn tell_unrest(&mut self, what: &str) -> ! {
        let mut told = String::new();
        for device in 0..self.devices.len() {
            let status = self.devices[device].status();
            told.push_str(&format!("\ndevice {device}: {status:?}"));
        }
        panic!("{what}: the system never comes to rest{told}");
    }

    /// Lets an admin accept what is held of devices that only a lost branch of the roster knows, and of those who may only
    /// read by now: their own device shows what they wrote before they knew, so all others must show it too.
    fn accept_all_but_of_the_revoked(&mut self) -> bool {
        let admins: Vec<usize> = (0..self.devices.len())
            .filter(|device| self.devices[*device].is_admin())
            .collect();
        let mut asked = false;
        for admin in admins.into_iter().take(1) {
            let Ok(Answer::Held(held)) = self.ask(admin, Request::Held, "asking") else {
                continue;
            };
            for one in held.into_iter().filter(|one| one.reason != "revoked") {
                let request = Request::AcceptHeld {
                    device: one.feed,
                    up_to: None,
                };
                self.request(admin, request, Some(Purpose::Accept));
                asked = true;
            }
        }
        asked
    }

    /// Checks that an idle system sends nothing, however long it waits.
    pub(super) fn check_idle(&mut self) {
        let frames = self.frames;
        self.clock.go_to(self.now_ms() + IDLE_MS);
        for device in 0..self.devices.len() {
            if let Some(core) = &mut self.devices[device].core {
                core.tick();
                self.after_input(device, "waking");
            }
        }
        assert_eq!(frames, self.frames, "an idle system sends something");
        assert!(self.next_ms().is_none(), "an idle system plans something");
        self.counts.hit(CHECKS, "idle systems that sent nothing");
    }
}
