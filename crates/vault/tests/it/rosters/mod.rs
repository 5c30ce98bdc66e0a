//! The roster from outside.

mod authority;
mod chain;
mod changes;
mod held;
mod joining;
mod parting;
mod settling;

use protocol::{MemberId, Revocation, Role, RoleChange, What};
use vault::KeyRing;

use crate::world::World;

fn role(member: MemberId, role: Role) -> What {
    What::Role(RoleChange {
        member,
        role,
        cuts: vec![],
    })
}

fn numbers(ring: &KeyRing) -> Vec<u32> {
    ring.names().map(|name| name.number).collect()
}

fn revoke(device: &vault::DeviceKeys) -> What {
    What::Revoke(Revocation {
        feeds: vec![device.feed()],
        cuts: vec![],
    })
}

fn member(device: &vault::DeviceKeys, world: &World) -> MemberId {
    world.roster.device(&device.feed()).expect("known").member
}
