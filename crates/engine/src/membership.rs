//! What the engine answers about who may do what: roles, revocations, what is held, lost branches of the roster.

use model::{FileHash, RecordId, Role};
use replica::answers::{HistoryItem, Named};
use serde::{Deserialize, Serialize};

use crate::interface::DeviceAnswer;

/// A member's new role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleChanged {
    /// The member.
    pub member: RecordId,
    /// The name.
    pub name: String,
    /// The role.
    pub role: Role,
    /// The member's devices as they are now.
    pub devices: Vec<DeviceAnswer>,
}

/// What was revoked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revoked {
    /// The member whose devices these were.
    pub member: RecordId,
    /// The name.
    pub name: String,
    /// The devices; what comes after `counts_up_to` is held.
    pub devices: Vec<DeviceAnswer>,
    /// The number of the workspace key that is used from now on, which these devices cannot read.
    pub key_epoch: u32,
}

/// What is held of one device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldDevice {
    /// The code in numbers.
    pub code: String,
    /// The feed, as hexadecimal digits.
    pub feed: String,
    /// The member.
    pub member: RecordId,
    /// The member's name.
    pub name: String,
    /// Why: `revoked`, `role`, or `lost-branch` when the roster that counts does not know the device.
    pub reason: String,
    /// The first transaction that does not count.
    pub since: u64,
    /// How many are held here.
    pub total: u64,
    /// The first of them, [`MAX_HELD_SHOWN`] at most.
    pub transactions: Vec<HeldTransaction>,
}

/// The most held transactions of a device that are shown at once.
pub const MAX_HELD_SHOWN: usize = 200;

/// A transaction that an admin decides about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldTransaction {
    /// Its place in the device's feed.
    pub sequence: u64,
    /// When it was made, by the clock of its device (ms since 1970).
    pub made_ms: Option<i64>,
    /// The records that it touches.
    pub records: Vec<Named>,
    /// What it writes, as the history of the records would tell it.
    pub lines: Vec<HistoryItem>,
    /// The files that it brings, by their hashes.
    pub files: Vec<FileHash>,
    /// Why it cannot be shown, or would not be applied as things are.
    pub obstacle: Option<String>,
}

/// What an admin accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// The device's code; a device of a lost branch has got a new one.
    pub device: String,
    /// The member's name.
    pub name: String,
    /// The first transaction that counts now.
    pub from: u64,
    /// The last one.
    pub up_to: u64,
    /// How many are still held here.
    pub held: u64,
}

/// A branch of the roster that was lost: another one counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LostBranchAnswer {
    /// How many entries both branches share.
    pub parted_at: usize,
    /// When its first own entry was made, by the clock of who made it (ms since 1970).
    pub begun_ms: i64,
    /// The code of the device that made it; empty when it was an invite.
    pub begun_by: String,
    /// The codes of the devices that only lost branches know and nobody has accepted.
    pub devices: Vec<String>,
}
