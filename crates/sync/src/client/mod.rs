//! The client's half of a session.
//!
//! The shell opens a WebSocket, makes a [`Session`], gives it [`Input::Opened`] and then whatever happens; after each
//! input it drains [`Session::poll`]. What the session asks for ([`Output::ReadOutbox`], [`Output::Apply`],
//! [`Output::Carried`] and whatever begins with `Read`) is answered by one input each, at any later time; of each kind
//! one is open at most.
//! While [`Session::wants_frames`] is false the shell leaves frames in the socket; so a store that is slower than the
//! network holds the relay back instead of filling memory.
//!
//! A session goes through up to three stages:
//! 1. **The own feed** (`own`), when the relay has other envelopes of it than this disk: the session finds out what
//!    both have in common. Behind (a restored disk): [`Output::OwnFeedAhead`], and the missing ones come as
//!    [`Output::Carried`]. Forked (a cloned disk, or a restored one that went on): [`Output::Forked`], and then only the
//!    roster goes on, so that the device can become a new one that continues the old; nothing of the log is handed out.
//! 2. **The exchange** (`exchange`), when the log does not hold the cursor (the relay was lost, restored or replaced):
//!    [`Output::LogReplaced`], then both sides compare heads and send what the other lacks; at its end
//!    [`Output::Compared`] gives the cursor from which the log goes on. Interrupted, it begins anew with what is durable.
//!    What the relay did not take of others' feeds is carried again whenever its roster changes (`left_out`).
//! 3. **The session proper**: own envelopes out, the log in.
//!
//! A revoked device gets the roster alone, which says that it is one; what it pushes is kept apart
//! ([`Output::Acknowledged`] with `is_held`).

mod broken;
mod carried;
mod carrying;
mod enter;
mod exchange;
mod inbox;
mod input;
mod left_out;
mod outbox;
mod output;
mod own;
mod session;
mod work;

use protocol::{Cursor, EnvelopeHash, Nonce, RosterHash, WorkspaceId};
use vault::SigningIdentity;

pub use broken::Broken;
pub use input::Input;
pub use output::{
    CarriedEnvelope, Compared, Established, Item, LogReplaced, Missing, Output, Progress,
};
pub use session::Session;

/// How long the handshake may take, in ms; after it the session breaks.
pub const HANDSHAKE_MS: u64 = 15_000;

/// The bytes of a roster for each of which ms the handshake may take longer, when it is offered to a relay that lost it.
pub const OFFER_BYTES_PER_MS: u64 = 16;

/// The bytes of the log that wait to be applied above which [`Session::wants_frames`] is false.
pub const COMFORTABLE_QUEUE_BYTES: usize = 8 * 1024 * 1024;

/// The bytes of the log that wait to be applied above which the session breaks, since its shell reads on regardless.
pub const MAX_QUEUE_BYTES: usize = 64 * 1024 * 1024;

/// The most bytes of envelopes in one [`Output::Apply`], but for a single envelope above it.
pub const APPLY_BYTES: usize = 4 * 1024 * 1024;

/// The most items in one [`Output::Apply`].
pub const APPLY_ITEMS: usize = 4096;

/// The bytes of envelopes that may be sent and not yet stored.
pub const WINDOW_BYTES: usize = 4 * 1024 * 1024;

/// The bytes of envelopes that may be carried and not yet answered.
pub const CARRY_WINDOW_BYTES: usize = 4 * 1024 * 1024;

/// The most places of [`Output::ReadHashes`].
pub const MAX_PLACES: usize = protocol::limits::MAX_COMPARED_HEADS;

/// What a session begins with.
#[derive(Debug, Clone)]
pub struct Start {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// Signs the proof: the device's identity, or the invite's for joining.
    pub identity: SigningIdentity,
    /// Random bytes, new for every session.
    pub nonce: Nonce,
    /// The newest roster entry that is stored; zeros for none.
    pub roster_head: RosterHash,
    /// Where this device's own feed stands: sequence and hash, 0 and zeros before the first envelope.
    pub own_head: (u64, EnvelopeHash),
    /// Up to where the relay had acknowledged the own feed.
    pub acknowledged: u64,
    /// How far the log was applied; none at first.
    pub cursor: Option<Cursor>,
}
