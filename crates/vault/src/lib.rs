//! Keys, signatures, sealing, roster and invites: the only crate that names a cipher.
//!
//! - [`Roster`] is the verified chain of who belongs to the workspace; nothing enters it unchecked.
//! - [`KeyRing`] holds the workspace keys that one device or invite can read.
//! - [`seal_envelope`], [`weigh_envelope`], [`verify_envelope`] and [`open_parts`] are the way of a transaction out and in.
//! - [`InviteLink`] and [`SessionTerms`] get a device in.
//!
//! Clocks and randomness are arguments ([`Entropy`]). Secrets are wiped when dropped and never shown by `Debug`.
//! `docs/formats.md` is the authority for all bytes.

mod entropy;
mod envelope;
mod invite;
mod key_ring;
mod keys;
mod names;
mod part;
mod roster;
mod session;

pub use entropy::Entropy;
pub use envelope::{
    EnvelopeDraft, EnvelopeError, OpenError, RunError, SealError, SealedEnvelope, VerifiedEnvelope,
    Weight, open_parts, rescue, rewrap, seal_envelope, sign_envelope, sign_rescue, verify_envelope,
    verify_for_keeping, verify_for_passing, verify_run, weigh_envelope,
};
pub use invite::{InviteLink, InviteLinkError, InviteSecret, OriginError, RelayOrigin};
pub use key_ring::{KeyName, KeyRing, WorkspaceKey};
pub use keys::{
    BadSignature, DeviceKeys, KEY_FILE_LEN, KeyFileError, SealingIdentity, SigningIdentity,
};
pub use names::{ACTOR_PREFIX_LEN, actor_prefix, member_of};
pub use part::{PartError, open_part, seal_part};
pub use roster::{
    AuthorRole, ChangeError, Comparison, DeviceInfo, EntryInfo, InviteInfo, InviteTerms, Lost,
    MAX_LOST_BRANCHES, Roster, RosterError, RosterLoadError, Side, Standing, Target,
};
pub use session::SessionTerms;
