//! Steps in which something fails.

use model::RecordId;
use store::{FaultBackend, Reading};

use crate::sim::clock::Clock;
use crate::sim::count::{FAULTS, PEOPLE};
use crate::sim::person::{Image, Purpose};
use crate::sim::relay::{Site, address};
use crate::sim::step::What;
use crate::sim::world::{Event, World};

/// How many images of one home are kept.
const MOST_IMAGES: usize = 3;

impl World {
    /// Lets something fail.
    pub(super) fn fault(&mut self, what: What, who: usize) {
        match what {
            What::Unplug => self.unplug(who),
            What::DieSoon => self.die_soon(who),
            What::DieAtStart => self.die_at_start(who),
            What::FailDisk => self.fail_disk(who),
            What::KeepImage => self.keep_image(who),
            What::PutBack => self.put_back(who),
            What::Clone => self.clone_home(who),
            What::Jump => self.jump(who),
            What::CutOff => self.cut_off(who),
            What::CutOffHalf => self.cut_off_half(who),
            What::Slow => self.slow(who),
            What::BreakUp => self.break_after(who, 0),
            What::BreakDown => self.break_after(who, 1),
            What::Unruly => self.unruly(who),
            What::Mend => self.mend(who),
            What::RelayUnplug => self.relay_unplug(),
            What::RelayDiesSoon => self.relay_dies_soon(),
            What::RelayRestart => self.relay_restart(),
            What::RelayKeepImage => self.relay_keep_image(),
            What::RelayPutBack => self.relay_put_back(),
            What::RelayLost => self.relay_lost(),
            What::RelayJump => self.relay_jump(),
            What::RelayReplaced => self.relay_replaced(who),
            What::MoveToRelay => {
                if let Some(device) = self.a_running(who) {
                    self.move_to_relay(device);
                }
            }
            other => unreachable!("{other:?} is no fault"),
        }
    }

    /// Gives one of the machines that run, by a number.
    pub(super) fn a_running(&self, who: usize) -> Option<usize> {
        let all: Vec<usize> = (0..self.devices.len())
            .filter(|device| self.devices[*device].core.is_some())
            .collect();
        (!all.is_empty()).then(|| all[who % all.len()])
    }

    fn unplug(&mut self, who: usize) {
        let Some(device) = self.a_running(who) else {
            return;
        };
        self.stop(device);
        let pause = self.dice.between(100, 20_000);
        self.plan(pause, Event::Start(device));
    }

    fn die_soon(&mut self, who: usize) {
        let Some(device) = self.a_running(who) else {
            return;
        };
        // One commit takes a handful of operations: near ones hit the next, far ones some later one.
        let most = [4, 12, 40][self.dice.below(3)];
        let after = self.dice.below(most) as u64;
        let disk = &self.devices[device].disk;
        disk.die_at(disk.operations() + after);
    }

    fn die_at_start(&mut self, who: usize) {
        let Some(device) = self.a_running(who) else {
            return;
        };
        self.devices[device].dies_at_start = Some(self.dice.below(12) as u64);
        self.unplug(who);
    }

    fn fail_disk(&mut self, who: usize) {
        let Some(device) = self.a_running(who) else {
            return;
        };
        let after = self.dice.below(20) as u64;
        let disk = &self.devices[device].disk;
        disk.fail_at(disk.operations() + after);
        self.counts.hit(FAULTS, "disk operation was to fail once");
    }

    fn keep_image(&mut self, who: usize) {
        let Some(device) = self.a_running(who) else {
            return;
        };
        if self.devices[device].replica().is_none() {
            return;
        }
        let image = self.devices[device].image();
        let images = &mut self.devices[device].images;
        images.push(image);
        if images.len() > MOST_IMAGES {
            images.remove(0);
        }
    }

    /// Notes that numbers of a device may come twice: its counter went back, or is in use on two machines.
    fn note_rolled(&mut self, device: usize) {
        if let Some(replica) = self.devices[device].replica() {
            self.rolled_codes.insert(replica.identity().code.clone());
        }
    }

    fn put_back(&mut self, who: usize) {
        let kept: Vec<usize> = (0..self.devices.len())
            .filter(|device| {
                let one = &self.devices[*device];
                !one.images.is_empty() && !one.is_gone && one.core.is_some()
            })
            .collect();
        if kept.is_empty() {
            return;
        }
        let device = kept[who % kept.len()];
        let nth = self.dice.below(self.devices[device].images.len());
        let Image { disk, keys } = self.devices[device].images[nth].clone();
        self.tell(|| format!("device {device} is put back to an older copy"));
        self.note_rolled(device);
        self.stop(device);
        let one = &mut self.devices[device];
        one.disk = FaultBackend::from_image(disk);
        one.desk.put_keys(keys);
        one.was_put_back = true;
        self.counts.hit(FAULTS, "home put back to an older copy");
        let started = self.devices[device].start();
        assert!(started.is_ok(), "a copy of a home opens: {started:?}");
        self.note_rolled(device);
        self.devices[device].seen_syncs = u64::MAX;
        self.take_stock(device);
        self.let_go_of_the_lost();
        self.look_at(device);
        self.greet(device);
    }

    /// Looks at what is on a disk that was put in the place of another.
    pub(super) fn take_stock(&mut self, device: usize) {
        let Some(core) = &self.devices[device].core else {
            return;
        };
        let read = core.store().read().expect("the disk is sound");
        self.ledger.disk_replaced(device, |id| {
            let rows = read.operation(id.as_bytes());
            !rows.expect("the disk is sound").is_empty()
        });
    }

    /// Lets go of what no disk that is used and no relay holds.
    pub(super) fn let_go_of_the_lost(&mut self) {
        // A machine that is down comes back with its disk.
        let used: Vec<bool> = self.devices.iter().map(|one| !one.is_gone).collect();
        let lost = self.ledger.let_go_of_the_lost(|device| used[device]);
        self.counts.add(
            FAULTS,
            "acknowledged transactions whose only copy was rolled back",
            lost,
        );
    }

    fn clone_home(&mut self, who: usize) {
        let Some(device) = self.a_writer(who) else {
            return;
        };
        if self.devices.len() >= crate::sim::people::MOST_DEVICES {
            return;
        }
        let Image { disk, keys } = self.devices[device].image();
        let copy = self.add_device(FaultBackend::from_image(disk), keys);
        self.tell(|| format!("device {copy} is a copy of device {device}"));
        self.note_rolled(device);
        let started = self.devices[copy].start();
        assert!(started.is_ok(), "a copy of a home opens: {started:?}");
        self.counts.hit(FAULTS, "home cloned, both used");
        self.devices[copy].seen_syncs = u64::MAX;
        self.take_stock(copy);
        self.look_at(copy);
        self.greet(copy);
    }

    fn jump(&mut self, who: usize) {
        let Some(device) = self.a_running(who) else {
            return;
        };
        let hours = self.dice.between(-12, 13) * 3_600_000;
        let wrong = hours + self.dice.between(-60_000, 60_000);
        let clock = &self.devices[device].desk.clock;
        let what = if wrong < clock.wrong_by_ms() {
            "clock jumped back"
        } else {
            "clock jumped ahead"
        };
        clock.jump_to(wrong);
        self.counts.hit(FAULTS, what);
        self.plan_wake(device);
    }

    fn cut_off(&mut self, who: usize) {
        if let Some(device) = self.a_running(who) {
            let long = [5_000, 120_000, 3_600_000][self.dice.below(3)];
            self.cut_off_for(device, long);
            self.counts.hit(FAULTS, "device cut off");
        }
    }

    fn cut_off_for(&mut self, device: usize, long_ms: i64) {
        let until = self.now_ms() + self.dice.between(1_000, long_ms + 1_000);
        self.devices[device].cut_off_until_ms = until;
        self.break_connection(device);
    }

    fn cut_off_half(&mut self, who: usize) {
        let parity = who % 2;
        for device in (0..self.devices.len()).filter(|device| device % 2 == parity) {
            self.cut_off_for(device, 60_000);
        }
        self.counts.hit(FAULTS, "half of the devices cut off");
    }

    fn slow(&mut self, who: usize) {
        if let Some(device) = self.a_running(who) {
            self.devices[device].slow_ms = self.dice.between(100, 8_000);
            self.counts.hit(FAULTS, "slow connection");
        }
    }

    fn break_after(&mut self, who: usize, way: usize) {
        if let Some(device) = self.a_running(who) {
            let frames = self.dice.below(8) as u32;
            self.devices[device].breaks_after[way] = Some(frames);
        }
    }

    fn unruly(&mut self, who: usize) {
        if let Some(device) = self.a_running(who) {
            self.devices[device].is_unruly = true;
            self.counts.hit(FAULTS, "unruly connection");
        }
    }

    fn mend(&mut self, who: usize) {
        if let Some(device) = self.a_running(who) {
            self.mend_network(device);
        }
    }

    /// Makes the network of a device as it should be.
    pub(in crate::sim) fn mend_network(&mut self, device: usize) {
        let one = &mut self.devices[device];
        one.cut_off_until_ms = 0;
        one.slow_ms = 0;
        one.breaks_after = [None; 2];
        if std::mem::take(&mut one.is_unruly) {
            self.break_connection(device);
        }
    }

    /// Names the relay that is to be used.
    pub(super) fn site(&self) -> usize {
        self.sites.len() - 1
    }

    fn relay_unplug(&mut self) {
        let site = self.site();
        if self.sites[site].relay.is_some() {
            self.stop_relay(site);
            let pause = self.dice.between(100, 60_000);
            self.plan(pause, Event::StartRelay(site));
        }
    }

    fn relay_dies_soon(&mut self) {
        let most = [4, 12, 60][self.dice.below(3)];
        let after = self.dice.below(most) as u64;
        let site = &self.sites[self.site()];
        // A disk on which the log is only just being created is another matter.
        if site.relay.is_some() {
            site.disk.die_at(site.disk.operations() + after);
        }
    }

    fn relay_restart(&mut self) {
        let site = self.site();
        let now = self.sites[site].now_ms();
        let Some(relay) = &mut self.sites[site].relay else {
            return;
        };
        relay.shut_down(now);
        self.counts.hit(FAULTS, "relay restarted in order");
        self.after_relay(site);
        // What waits is written and answered before the process ends.
        let until = self.now_ms() + 200;
        self.go_on_until(until);
        if self.sites[site].relay.is_some() {
            self.stop_relay(site);
            self.plan(1_000, Event::StartRelay(site));
        }
    }

    fn relay_keep_image(&mut self) {
        let (site, now_ms) = (self.site(), self.now_ms());
        let one = &mut self.sites[site];
        if one.relay.is_some() {
            let image = (now_ms, one.disk.image());
            one.images.push(image);
            if one.images.len() > MOST_IMAGES {
                one.images.remove(0);
            }
        }
    }

    fn relay_put_back(&mut self) {
        let site = self.site();
        let count = self.sites[site].images.len();
        if count == 0 || self.sites[site].relay.is_none() {
            return;
        }
        let nth = self.dice.below(count);
        let (made_ms, image) = self.sites[site].images[nth].clone();
        self.stop_relay(site);
        self.sites[site].replace_disk(FaultBackend::from_image(image));
        // Later images hold what the relay has forgotten now; they are of another life.
        self.sites[site].images.truncate(nth + 1);
        self.counts.hit(FAULTS, "relay put back to an older copy");
        self.ledger.relay_forgot(made_ms);
        self.let_go_of_the_lost();
        self.plan(1_000, Event::StartRelay(site));
    }

    fn relay_lost(&mut self) {
        let site = self.site();
        if self.sites[site].relay.is_none() {
            return;
        }
        self.stop_relay(site);
        self.sites[site].replace_disk(FaultBackend::new());
        self.sites[site].images.clear();
        self.counts.hit(FAULTS, "relay lost its disk");
        self.ledger.relay_forgot(i64::MIN);
        self.let_go_of_the_lost();
        self.plan(1_000, Event::StartRelay(site));
    }

    fn relay_jump(&mut self) {
        let site = self.site();
        let wrong = self.dice.between(-12, 13) * 3_600_000;
        self.sites[site].clock.jump_to(wrong);
        self.counts.hit(FAULTS, "relay's clock jumped");
    }

    fn relay_replaced(&mut self, who: usize) {
        let Some(device) = self.a_writer(who) else {
            return;
        };
        let old = self.site();
        self.stop_relay(old);
        self.sites[old].is_gone = true;
        self.add_site();
        self.counts.hit(FAULTS, "relay replaced by another");
        self.ledger.relay_forgot(i64::MIN);
        self.let_go_of_the_lost();
        self.move_to_relay(device);
    }

    /// Starts another relay, which is the one to use from now on.
    pub(in crate::sim) fn add_site(&mut self) {
        let clock = Clock::new(&self.clock, self.dice.between(-60_000, 60_000));
        let mut site = Site::new(clock, self.dice.next());
        let started = site.start();
        assert!(started.is_ok(), "an empty relay starts: {started:?}");
        self.sites.push(site);
    }

    /// Tells a device of the newest relay.
    pub(in crate::sim) fn move_to_relay(&mut self, device: usize) {
        let url = address(self.site());
        if self.devices[device].replica().is_some() {
            let request = engine::interface::Request::SetRelay { url };
            self.request(device, request, Some(Purpose::Relay));
            self.request(
                device,
                engine::interface::Request::Follow { on: true },
                None,
            );
        } else {
            self.counts
                .hit(PEOPLE, "a home without a workspace moved nowhere");
        }
    }

    /// Says whether random work may touch a record.
    pub(in crate::sim) fn is_free(&self, record: RecordId) -> bool {
        !self.reserved.contains(&record)
    }
}
