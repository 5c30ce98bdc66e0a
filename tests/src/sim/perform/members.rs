//! Steps in which people come, go, and get other roles.

use engine::interface::{Answer, Request};
use model::Role;

use crate::sim::count::PEOPLE;
use crate::sim::people::MOST_DEVICES;
use crate::sim::person::Purpose;
use crate::sim::world::World;

/// How many devices must be left that write when one is revoked or silenced.
const LEAST_WRITERS: usize = 3;

impl World {
    fn an_admin(&mut self) -> Option<usize> {
        let all: Vec<usize> = (0..self.devices.len())
            .filter(|device| self.devices[*device].is_admin())
            .collect();
        self.dice.pick(&all).copied()
    }

    /// Invites somebody, or another device of somebody.
    pub(super) fn invite(&mut self, who: usize, is_second_device: bool) {
        if self.devices.len() >= MOST_DEVICES {
            return;
        }
        let inviter = if is_second_device {
            self.a_writer(who)
        } else {
            self.an_admin()
        };
        let Some(device) = inviter else {
            return;
        };
        let member = self.devices[device].member().filter(|_| is_second_device);
        let role = [Role::Member, Role::Member, Role::Admin, Role::Guest][self.dice.below(4)];
        let count = self.devices.len();
        let request = Request::Invite {
            user: (!is_second_device).then(|| format!("Person {count}")),
            email: None,
            role,
            member,
        };
        let purpose = Purpose::Invite { is_second_device };
        self.request(device, request, Some(purpose));
    }

    /// Gives a member another role.
    pub(super) fn change_role(&mut self, who: usize) {
        let (Some(admin), Some(device)) = (self.an_admin(), self.a_writer(who)) else {
            return;
        };
        let role = [Role::Member, Role::Admin, Role::Guest][self.dice.below(3)];
        let is_few = self.writers().len() <= LEAST_WRITERS;
        let Some(member) = self.devices[device].member() else {
            return;
        };
        // The founder stays what he is, so that somebody can always heal the workspace.
        if device == 0 || Some(member) == self.devices[0].member() || is_few && role == Role::Guest
        {
            return;
        }
        let request = Request::ChangeRole { member, role };
        self.request(admin, request, Some(Purpose::Role(member, role)));
    }

    /// Revokes a device.
    pub(super) fn revoke(&mut self, who: usize) {
        let (Some(admin), Some(device)) = (self.an_admin(), self.a_writer(who)) else {
            return;
        };
        let is_founder = self.devices[device].member() == self.devices[0].member();
        if device == admin || is_founder || self.writers().len() <= LEAST_WRITERS {
            return;
        }
        let Some(replica) = self.devices[device].replica() else {
            return;
        };
        let code = replica.identity().code.clone();
        let request = Request::Revoke {
            device: Some(code),
            member: None,
        };
        self.request(admin, request, Some(Purpose::Revoke(device)));
    }

    /// Lets an admin accept what is held of some device.
    pub(super) fn accept_held(&mut self, who: usize) {
        let Some(admin) = self.an_admin() else {
            return;
        };
        let Ok(Answer::Held(held)) = self.ask(admin, Request::Held, "asking") else {
            return;
        };
        if held.is_empty() {
            self.counts.hit(PEOPLE, "nothing held to accept");
            return;
        }
        let one = &held[who % held.len()];
        let request = Request::AcceptHeld {
            device: one.feed.clone(),
            up_to: None,
        };
        self.request(admin, request, Some(Purpose::Accept));
    }
}
