//! How a session begins: hello, challenge, proof, welcome.

use minicbor::{Decode, Encode};

use crate::{
    Blob, Cursor, Cut, LogEpoch, LogHash, Nonce, RelayKey, RosterHash, Signature, SignerKey,
    WorkspaceId,
};

/// The client says who it is and what it speaks.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Hello {
    /// The session versions that it speaks, the best first.
    #[n(0)]
    pub versions: Vec<u32>,
    /// The workspace.
    #[n(1)]
    pub workspace: WorkspaceId,
    /// The key of the device or of the invite.
    #[n(2)]
    pub key: SignerKey,
    /// Random bytes that the relay signs.
    #[n(3)]
    pub nonce: Nonce,
}

/// The relay proves itself and gives what the client must sign.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Challenge {
    /// The version that it chose.
    #[n(0)]
    pub version: u32,
    /// Its key.
    #[n(1)]
    pub relay: RelayKey,
    /// Random bytes that the client signs.
    #[n(2)]
    pub nonce: Nonce,
    /// Its signature over workspace, client nonce and relay nonce.
    #[n(3)]
    pub signature: Signature,
    /// Whether it holds a roster of the workspace.
    #[n(4)]
    pub known: bool,
}

/// The client proves that it holds the key, and says what it has.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Prove {
    /// Its signature over relay key, workspace, relay nonce and client nonce.
    #[n(0)]
    pub signature: Signature,
    /// The newest roster entry that it has; zeros for none.
    #[n(1)]
    pub roster_head: RosterHash,
    /// Its place in the log.
    #[n(2)]
    pub cursor: Option<Cursor>,
    /// The roster, when the relay does not know the workspace.
    #[n(3)]
    pub entries: Option<Vec<Blob>>,
    /// Whether more of the roster follows in [`RosterMore`](crate::RosterMore) frames.
    #[n(4)]
    pub more: bool,
}

/// The relay lets the client in.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Welcome {
    /// The roster entries after the head that the client named; all when the relay does not know that one.
    #[n(0)]
    pub entries: Vec<Blob>,
    /// The life of the relay's log.
    #[n(1)]
    pub epoch: LogEpoch,
    /// The newest sequence of the log.
    #[n(2)]
    pub sequence: u64,
    /// Whether the log holds the client's cursor.
    #[n(3)]
    pub continues: bool,
    /// Where this device's feed stands on the relay.
    #[n(4)]
    pub own: Option<Cut>,
    /// The relay's clock, ms since 1970.
    #[n(5)]
    pub now_ms: u64,
    /// Where the log begins when what was before is not there any more; none for a log from 1.
    #[n(6)]
    pub log_start: Option<LogStart>,
}

/// Where a log begins that was cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct LogStart {
    /// The sequence of its first entry, from 1.
    #[n(0)]
    pub sequence: u64,
    /// The running hash before that entry.
    #[n(1)]
    pub running: LogHash,
}
