//! Why an entry does not belong on a roster.

use protocol::{DecodeError, DeviceCode, Role, RosterHash, SignerKey, WorkspaceId};

/// Says why an entry does not belong on a roster.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RosterError {
    /// The bytes are not an entry.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The entry is in its place and signed, but only a newer version may read it; the roster ends before it.
    #[error(
        "the roster goes on with an entry of version {min_reader}, and this program reads up to {reads}: update Handschlag"
    )]
    Newer {
        /// The version that is needed.
        min_reader: u32,
        /// The highest version that this program reads.
        reads: u32,
    },
    /// The signature is not that of the author.
    #[error("the signature of {author} is false")]
    Signature {
        /// Who is said to have signed.
        author: SignerKey,
    },
    /// The entry builds on another one than the head.
    #[error("the entry follows {previous}, but the head is {head}")]
    NotNext {
        /// What it follows.
        previous: RosterHash,
        /// The head.
        head: RosterHash,
    },
    /// The entry is for another workspace.
    #[error("the entry is for workspace {found}")]
    OtherWorkspace {
        /// The workspace that it names.
        found: WorkspaceId,
    },
    /// The first entry does not found a workspace, or a later one does.
    #[error("a roster begins with its founding, and only there")]
    Founding,
    /// A founding entry breaks one of its rules.
    #[error("the founding is malformed: {why}")]
    BadFounding {
        /// Which rule.
        why: &'static str,
    },
    /// The author is neither a device nor an invite of the workspace.
    #[error("{author} does not belong to the workspace")]
    Stranger {
        /// Who signed.
        author: SignerKey,
    },
    /// The author's device was revoked.
    #[error("device {code} was revoked")]
    AuthorRevoked {
        /// The code of the device.
        code: DeviceCode,
    },
    /// The author's role, or being an invite, does not allow this.
    #[error("{what} is not for {role}")]
    NotAllowed {
        /// What was tried.
        what: &'static str,
        /// The author's role; none for an invite.
        role: AuthorRole,
    },
    /// The invite is used up or was ended.
    #[error("the invite is used up or was ended")]
    InviteSpent,
    /// The device is not for the member or the role of its invite.
    #[error("the {what} is another than that of the invite")]
    NotAsInvited {
        /// What differs.
        what: &'static str,
    },
    /// The key is already that of a device or an invite.
    #[error("the key {key} is already in the roster")]
    KeyTaken {
        /// The key.
        key: SignerKey,
    },
    /// The code was given out before, or is reserved.
    #[error("the code {code} is taken or reserved")]
    CodeTaken {
        /// The code.
        code: DeviceCode,
    },
    /// All codes are taken.
    #[error("all device codes are used up")]
    NoCodeLeft,
    /// What the entry speaks of is not in the roster.
    #[error("{what} is not in the roster")]
    Unknown {
        /// What.
        what: &'static str,
    },
    /// The role named for a member is not the one that the member has.
    #[error("the member's role is {role}")]
    OtherRole {
        /// The role that the member has.
        role: Role,
    },
    /// A feed is continued in a way that does not hold together.
    #[error("the device continues a feed wrongly: {why}")]
    Continues {
        /// Which rule.
        why: &'static str,
    },
    /// The devices of a lineage have let in as many successors as they may; an admin or an invite lets in more.
    #[error(
        "this device and those that it continues have let in {limit} successors: ask an admin for an invite"
    )]
    TooManySuccessors {
        /// How many they may let in.
        limit: u32,
    },
    /// A workspace key is another than the roster knows by that number, or not the next one.
    #[error("key epoch {number} is not the one that the roster expects")]
    KeyEpoch {
        /// The number.
        number: u32,
    },
    /// A workspace key can not be wrapped for a recipient.
    #[error("a key of the roster is one to which nothing can be sealed")]
    Unsealable,
    /// A cut names a feed twice, a feed that is not meant, or does not move forward.
    #[error("a cut is wrong: {why}")]
    Cut {
        /// Which rule.
        why: &'static str,
    },
    /// The device is revoked already.
    #[error("device {code} is revoked already")]
    RevokedAlready {
        /// The code of the device.
        code: DeviceCode,
    },
    /// The workspace would be left without an owner.
    #[error("the last owner cannot go")]
    LastOwner,
    /// An invite allows no device at all, or too many.
    #[error("an invite is for {uses} devices; it may be for 1 to {limit}")]
    Uses {
        /// How many it allows.
        uses: u32,
        /// How many it may allow.
        limit: u32,
    },
    /// The roster has as many entries or bytes as it may have.
    #[error("the roster is full")]
    Full,
}

/// The authority of the one who signs, for error texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthorRole {
    /// A device whose member has this role.
    Device(Role),
    /// An invite.
    Invite,
}

impl std::fmt::Display for AuthorRole {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            AuthorRole::Device(Role::Owner) => f.write_str("an owner"),
            AuthorRole::Device(Role::Admin) => f.write_str("an admin"),
            AuthorRole::Device(Role::Member) => f.write_str("a member"),
            AuthorRole::Device(Role::Guest) => f.write_str("a guest"),
            AuthorRole::Invite => f.write_str("an invite"),
        }
    }
}
