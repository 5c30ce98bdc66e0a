//! The network: connections that delay, break and, where they are told to, repeat and reorder frames.
//!
//! A connection carries frames in order and whole, or it breaks: then all that was on its way is lost, and either end
//! hears of it some time later, or not before the other one has come again.

use handschlag_relay::headless::ConnectionId;

use super::dice::Dice;

/// Names a connection.
pub(crate) type WireId = u64;

/// Towards the relay, or towards the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// From the device to the relay.
    Up,
    /// From the relay to the device.
    Down,
}

/// A connection between a device and a relay.
#[derive(Debug)]
pub(crate) struct Wire {
    /// The device.
    pub(crate) device: usize,
    /// The relay.
    pub(crate) site: usize,
    /// The life of the relay in which it was opened.
    pub(crate) life: u32,
    /// The relay's name for it, once it is open there.
    pub(crate) connection: Option<ConnectionId>,
    /// Whether the device still looks at it.
    pub(crate) is_at_device: bool,
    /// Whether the relay still looks at it.
    pub(crate) is_at_relay: bool,
    /// Whether it is broken, so that nothing gets through any more.
    pub(crate) is_broken: bool,
    /// When the last frame on each way arrives, before which no later one does (ms of the world).
    last_ms: [i64; 2],
}

impl Wire {
    /// Makes a connection that is not open yet.
    pub(crate) fn new(device: usize, site: usize, life: u32) -> Self {
        Self {
            device,
            site,
            life,
            connection: None,
            is_at_device: true,
            is_at_relay: false,
            is_broken: false,
            last_ms: [0; 2],
        }
    }

    /// Says when a frame that leaves now arrives; after all that left before it, unless the connection is unruly.
    pub(crate) fn arrival(
        &mut self,
        way: Way,
        now_ms: i64,
        slow_ms: i64,
        is_unruly: bool,
        dice: &mut Dice,
    ) -> i64 {
        let delay = match dice.below(20) {
            0 => dice.between(50, 1_000),
            1..=3 => dice.between(5, 50),
            _ => dice.between(0, 5),
        };
        let slow = if slow_ms > 0 {
            dice.between(0, slow_ms)
        } else {
            0
        };
        let arrival = now_ms + delay + slow;
        if is_unruly {
            return arrival;
        }
        let last = &mut self.last_ms[way as usize];
        *last = arrival.max(*last + 1);
        *last
    }
}
