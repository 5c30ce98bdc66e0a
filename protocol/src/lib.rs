//! Frames between client and relay, envelopes, versions, limits and their encoding.
//!
//! `docs/formats.md` is the authority for every byte written here; the files under `tests/golden` freeze them.
//! This crate knows shapes and hashes. Whether a signature is true or a device may write is the business of `vault`.
//!
//! Reading always goes the same way: the size is checked against [`limits`], then [`canonical::check`] proves that the
//! bytes are one canonical CBOR item, then the struct is decoded and its counts are checked.

pub mod canonical;
mod code;
pub mod domain;
mod envelope;
mod error;
mod frame;
mod hash;
mod ids;
pub mod limits;
mod log;
mod part;
mod roster;

pub use code::DeviceCode;
pub use envelope::{Cursor, Cut, Envelope, Header, Rescued};
pub use error::{DecodeError, IdError};
pub use frame::{
    Bye, Carry, Challenge, Frame, Heads, HeadsPurpose, Held, Hello, Log, LogItem, LogPlace,
    LogStart, Prove, Push, Refusal, Refused, RosterAppend, RosterGrew, RosterMore, RosterMoved,
    Stored, Want, Welcome,
};
pub use hash::{Domain, hash, message};
pub use ids::{
    BatchId, Blob, EnvelopeHash, FeedId, FileHash, InviteKey, KeyCheck, KeyId, LogEpoch, LogHash,
    MemberId, Nonce, PartHash, RecordId, RelayKey, RosterHash, Salt, SealingKey, Signature,
    SignerKey, WorkspaceId, WrappedKey,
};
pub use log::{log_next, log_start};
pub use part::Part;
pub use roster::{
    AcceptedDevice, Body, BodyOutline, CutMoved, Device, DeviceAdded, Entry, Founding, Invite,
    InviteEnded, KeyEpoch, Revocation, Role, RoleChange, What, Wrap,
};

/// The newest version of envelopes that this code writes, and the highest `min_reader` that it reads.
pub const ENVELOPE_VERSION: u32 = 2;

/// The version of roster entries that this code writes, and the highest `min_reader` that it reads.
pub const ROSTER_VERSION: u32 = 1;

/// The versions of the session between client and relay that this code speaks, the best first.
pub const SESSION_VERSIONS: &[u32] = &[1];
