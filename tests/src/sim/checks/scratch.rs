//! What one store holds is all: an empty relay that one device fills, and a new device that joins there, show the same.

use engine::interface::Request;
use store::FaultBackend;

use crate::sim::count::CHECKS;
use crate::sim::person::{Image, Purpose};
use crate::sim::world::World;

impl World {
    /// Copies a home into a world of its own with an empty relay, lets a new device join there, and compares.
    pub(crate) fn check_from_scratch(&mut self, seed: u64) {
        let admins: Vec<usize> = (0..self.devices.len())
            .filter(|device| self.devices[*device].is_admin())
            .collect();
        let Some(source) = admins.get(seed as usize % admins.len().max(1)).copied() else {
            return;
        };
        let mut aside = World::new(seed ^ 0x5c7a);
        aside.is_told = self.is_told;
        aside.clock.go_to(self.now_ms());
        // So that its address is none that the copy knows.
        aside.sites = Vec::new();
        for _ in 0..=self.sites.len() {
            aside.add_site();
        }
        let Image { disk, keys } = self.devices[source].image();
        let wrong = self.devices[source].desk.clock.wrong_by_ms();
        let copy = aside.add_device(FaultBackend::from_image(disk), keys);
        aside.devices[copy].desk.clock.jump_to(wrong);
        let started = aside.devices[copy].start();
        assert!(started.is_ok(), "a copy of a home opens: {started:?}");
        aside.move_to_relay(copy);
        aside.settle("filling an empty relay");
        let member = aside.devices[copy].member();
        let request = Request::Invite {
            user: None,
            email: None,
            role: model::Role::Member,
            member,
        };
        let purpose = Purpose::Invite {
            is_second_device: true,
        };
        aside.request(copy, request, Some(purpose));
        aside.settle("joining from scratch");
        assert_eq!(
            aside.devices.len(),
            2,
            "nobody joined: {}",
            aside.counts.tell()
        );
        let fresh = aside.devices.len() - 1;
        assert!(
            aside.devices[fresh].is_member(),
            "the new device is no member"
        );
        aside.check_bounds();
        // What the roster alone tells is the same; the fresh device names itself otherwise, which no record shows.
        let (mine, theirs) = (self.shown(source), aside.shown(fresh));
        for (record, mine) in &mine {
            assert_eq!(
                Some(mine),
                theirs.get(record),
                "record {record} on device {source} and on a device that joined from its envelopes"
            );
        }
        assert_eq!(mine.len(), theirs.len(), "a fresh device has other records");
        self.counts.add(
            CHECKS,
            "records compared with those of a device that joined from scratch",
            mine.len() as u64,
        );
    }
}
