//! The one interface of the engine: requests, answers, failures and events, all plain serialisable values.
//!
//! The same values go over a channel natively, over the local socket between processes, over `postMessage` in a
//! browser, and as JSON lines over `handschlag rpc`. A line in is a [`Call`], a line out is a [`Message`].

use jiff::civil::Date;
use model::intent::Intent;
use model::plan::Answer as Done;
use model::{FileHash, IntentId, RecordId, Refusal, Role};
use serde::{Deserialize, Serialize};

pub use crate::membership::*;
pub use model::intent::MAX_FILE_BYTES;
pub use replica::answers::*;

/// The number by which an answer names its request; chosen by the caller, unique per connection.
pub type CallId = u64;

/// A request with the number that its answer will carry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// The caller's number.
    pub id: CallId,
    /// The request.
    #[serde(flatten)]
    pub request: Request,
}

/// What a client may ask.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "kebab-case")]
pub enum Request {
    /// Makes a workspace in an empty home; answers [`Answer::Founded`].
    Found {
        /// The workspace's name.
        workspace: String,
        /// The first member's name.
        user: String,
    },
    /// Joins a workspace by an invite link; uses the network; answers [`Answer::Founded`].
    Join {
        /// The link.
        link: String,
    },
    /// Names the relay (`ws://`, `wss://`, `http://` or `https://`) and makes the workspace known there; uses the network;
    /// answers [`Answer::Synced`]. The relay is kept even when it cannot be reached now.
    SetRelay {
        /// The relay's origin.
        url: String,
    },
    /// Makes an invite; uses the network; answers [`Answer::Invited`].
    Invite {
        /// The new member's name; none when another device of a member is invited.
        user: Option<String>,
        /// The new member's e-mail address.
        #[serde(default)]
        email: Option<String>,
        /// The role; ignored for another device.
        role: Role,
        /// The member whose device this will be.
        #[serde(default)]
        member: Option<RecordId>,
    },
    /// Gives a member another role; for admins; uses the network; answers [`Answer::RoleChanged`].
    ChangeRole {
        /// The member.
        member: RecordId,
        /// The role.
        role: Role,
    },
    /// Revokes a device with all that have grown out of the same disk, or all devices of a member; for admins; uses the
    /// network; answers [`Answer::Revoked`].
    Revoke {
        /// The device, by its code or its feed.
        #[serde(default)]
        device: Option<String>,
        /// The member.
        #[serde(default)]
        member: Option<RecordId>,
    },
    /// Lists what is held for admins to decide about, as far as it has come here; answers [`Answer::Held`].
    Held,
    /// Lets what is held of a device count; for admins; uses the network; answers [`Answer::Accepted`].
    AcceptHeld {
        /// The device, by its code or its feed.
        device: String,
        /// The last transaction that counts; without it all that is held.
        #[serde(default)]
        up_to: Option<u64>,
    },
    /// Tries again what waits and what was set aside; answers [`Answer::Ok`], [`Query::Status`] tells what is left.
    TryAgain,
    /// Lists members with their devices; answers [`Answer::Members`].
    Members,
    /// Does something; answers [`Answer::Done`].
    Do {
        /// The caller's id for the intent; repeating it returns the first answer. Made by the engine where missing.
        #[serde(default)]
        intent_id: Option<IntentId>,
        /// The batch that it belongs to.
        #[serde(default)]
        batch: Option<IntentId>,
        /// The intent.
        intent: Intent,
    },
    /// Attaches a file to a record: its bytes become a transaction of their own, before the one that names them; answers
    /// [`Answer::Done`]. What is on this device already travels no second time.
    Attach {
        /// The caller's id for the intent; repeating it returns the first answer. Made by the engine where missing.
        #[serde(default)]
        intent_id: Option<IntentId>,
        /// The batch that it belongs to.
        #[serde(default)]
        batch: Option<IntentId>,
        /// The record.
        record: RecordId,
        /// The file's name, without a folder.
        name: String,
        /// The media type, such as `image/png`; empty when it is not known.
        #[serde(default)]
        media_type: String,
        /// The bytes, in JSON as base64; at most [`MAX_FILE_BYTES`].
        #[serde(with = "crate::base64_bytes")]
        bytes: Vec<u8>,
    },
    /// Reads a file that a record names; answers [`Answer::File`], or fails while it has not arrived here.
    File {
        /// The hash of the file: what follows `file/` in the key of the record's field.
        hash: FileHash,
    },
    /// Finds the record that a person names by number, id, or a unique beginning or end of an id; answers [`Answer::Resolved`].
    Resolve {
        /// What the person typed.
        text: String,
    },
    /// Finds the operation or batch that a person names by its id or a unique beginning or end of it; answers [`Answer::ResolvedOperation`].
    ResolveOperation {
        /// What the person typed.
        text: String,
    },
    /// Finds the entry of the Merged list, and the value in it, that a person names; answers [`Answer::ResolvedEntry`].
    ResolveEntry {
        /// The entry's id or a unique beginning of it.
        entry: String,
        /// The value's id, a unique beginning of it, or its place in the entry counted from 1.
        #[serde(default)]
        value: Option<String>,
    },
    /// Asks for something that may be subscribed to.
    Query(Query),
    /// Answers now, and sends [`Event::Changed`] whenever the answer to the query has changed; answers [`Answer::Subscribed`].
    Subscribe {
        /// The query.
        query: Query,
    },
    /// Ends a subscription; answers [`Answer::Ok`].
    Unsubscribe {
        /// The subscription.
        subscription: u64,
    },
    /// Reads files into records; answers [`Answer::Imported`].
    Import {
        /// The caller's id for the import, which becomes its batch; repeating it adds nothing twice.
        #[serde(default)]
        intent_id: Option<IntentId>,
        /// The files.
        files: Vec<ImportFile>,
        /// The event that all contacts get.
        #[serde(default)]
        event: Option<String>,
        /// The origin that all contacts get.
        #[serde(default)]
        origin: Option<String>,
        /// inquiry (as without it) or customer.
        #[serde(default)]
        kind: Option<String>,
    },
    /// Gives all records as JSON values, windowed; answers [`Answer::Exported`].
    Export {
        /// How many records to skip.
        #[serde(default)]
        offset: usize,
        /// How many to give.
        limit: usize,
    },
    /// Meets the relay; answers [`Answer::Synced`] when both sides have all, or when that failed or took too long.
    Sync {
        /// How long to try (ms).
        timeout_ms: u64,
    },
    /// Keeps meeting the relay, with pauses while it is away, or stops that; answers [`Answer::Ok`].
    Follow {
        /// Whether to go on.
        on: bool,
    },
    /// Reads a value of the device's own area, which is never synced; answers [`Answer::Local`].
    LocalGet {
        /// Its name.
        key: String,
    },
    /// Writes a value of the device's own area; answers [`Answer::Ok`].
    LocalSet {
        /// Its name.
        key: String,
        /// The value; none removes it.
        value: Option<String>,
    },
}

/// What may be asked once or subscribed to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "query", rename_all = "kebab-case")]
pub enum Query {
    /// A window of the records of one kind; answers [`Answer::List`].
    List(ListQuery),
    /// One record; answers [`Answer::Record`].
    Record {
        /// The record.
        record: RecordId,
    },
    /// A record's changes and activities in one chronological list, the newest last; answers [`Answer::History`].
    History {
        /// The record.
        record: RecordId,
    },
    /// What one person has to do; answers [`Answer::Home`].
    Home {
        /// The person; oneself without it.
        #[serde(default)]
        member: Option<RecordId>,
        /// The day; today without it.
        #[serde(default)]
        day: Option<Date>,
    },
    /// Sales projects by phase; answers [`Answer::Board`].
    Board {
        /// Only those of this member.
        #[serde(default)]
        member: Option<RecordId>,
    },
    /// Records that contain all words of a text, in any field; answers [`Answer::Hits`].
    Search {
        /// The text.
        text: String,
        /// How many hits to give.
        #[serde(default = "default_hits")]
        limit: usize,
    },
    /// The Merged list; answers [`Answer::Merged`].
    Merged {
        /// Whether entries that somebody has seen are among them.
        #[serde(default)]
        all: bool,
    },
    /// Numbers about the replica; answers [`Answer::Statistics`].
    Statistics,
    /// How the device stands; answers [`Answer::Status`].
    Status,
}

fn default_hits() -> usize {
    50
}

/// A file to import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportFile {
    /// Its name, for messages.
    pub name: String,
    /// Its bytes, in JSON as base64.
    #[serde(with = "crate::base64_bytes")]
    pub bytes: Vec<u8>,
}

/// What the engine answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", content = "content", rename_all = "kebab-case")]
pub enum Answer {
    /// It is done and there is nothing to say.
    Ok,
    /// A workspace was made or joined.
    Founded(Founded),
    /// An invite was made.
    Invited(Invited),
    /// The members.
    Members(Vec<MemberAnswer>),
    /// A member has another role.
    RoleChanged(RoleChanged),
    /// Devices were revoked.
    Revoked(Revoked),
    /// What is held, device by device.
    Held(Vec<HeldDevice>),
    /// What was held counts.
    Accepted(Accepted),
    /// An intent was done; it is durable.
    Done(Outcome),
    /// A file.
    File(FileAnswer),
    /// The record that was named.
    Resolved(Named),
    /// The operation or batch that was named.
    ResolvedOperation(ResolvedOperation),
    /// The entry that was named.
    ResolvedEntry(ResolvedEntry),
    /// A list.
    List(ListAnswer),
    /// A record.
    Record(Box<RecordAnswer>),
    /// A history.
    History(Vec<HistoryItem>),
    /// A Home.
    Home(HomeAnswer),
    /// The board.
    Board(BoardAnswer),
    /// Found records, the best first.
    Hits(Vec<Hit>),
    /// The Merged list.
    Merged(Vec<MergedAnswer>),
    /// Numbers.
    Statistics(Statistics),
    /// How the device stands.
    Status(Box<StatusAnswer>),
    /// A subscription was made.
    Subscribed {
        /// The subscription's number.
        subscription: u64,
        /// The answer as of now.
        answer: Box<Answer>,
    },
    /// Files were imported.
    Imported(ImportAnswer),
    /// A window of all records.
    Exported(ExportAnswer),
    /// The relay was met.
    Synced(SyncAnswer),
    /// A value of the device's own area.
    Local {
        /// The value.
        value: Option<String>,
    },
}

/// A workspace that this device belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Founded {
    /// The workspace's id.
    pub workspace: String,
    /// The workspace's name, once it is known here.
    pub name: String,
    /// The member who this device belongs to.
    pub member: RecordId,
    /// The member's name, once it is known here.
    pub member_name: String,
    /// The code of this device in numbers.
    pub device: String,
}

/// An invite.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invited {
    /// The link to send to the person.
    pub link: String,
    /// The member that the person will be.
    pub member: RecordId,
    /// Until when the link may be used (ms since 1970).
    pub expires_ms: i64,
}

/// A member with devices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberAnswer {
    /// The member.
    pub id: RecordId,
    /// The name.
    pub name: String,
    /// The role; none for a member whose invite nobody has used yet.
    pub role: Option<Role>,
    /// The devices.
    pub devices: Vec<DeviceAnswer>,
    /// Whether it is oneself.
    pub is_me: bool,
}

/// A device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceAnswer {
    /// The code in numbers.
    pub code: String,
    /// The feed, as hexadecimal digits.
    pub feed: String,
    /// How many transactions of it are here.
    pub transactions: u64,
    /// When its last transaction here was made, by its own clock (ms since 1970).
    pub last_ms: Option<i64>,
    /// The last contact with it that is known of here (ms since 1970): when the relay got its newest transaction, or when it
    /// last signed something in the roster, which is by its own clock; of this device, when both sides last had all. A
    /// device that only reads leaves no trace.
    #[serde(default)]
    pub contact_ms: Option<i64>,
    /// Whether it is this device.
    pub is_me: bool,
    /// Whether it is revoked.
    pub is_revoked: bool,
    /// The last of its transactions that counts, when it is revoked or its member's role may not write; else none.
    #[serde(default)]
    pub counts_up_to: Option<u64>,
    /// How many of its transactions are kept here and do not count.
    #[serde(default)]
    pub held: u64,
    /// Whether only a lost branch of the roster knows it, so that an admin has to accept it.
    #[serde(default)]
    pub is_of_lost_branch: bool,
}

/// What became of an intent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The operation, for undo.
    pub operation: IntentId,
    /// The records, the main one first, and notices.
    #[serde(flatten)]
    pub done: Done,
    /// The records with their titles.
    pub named: Vec<Named>,
}

/// A file that a record names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileAnswer {
    /// Its hash.
    pub hash: FileHash,
    /// Its bytes, in JSON as base64.
    #[serde(with = "crate::base64_bytes")]
    pub bytes: Vec<u8>,
}

/// The operation that a person named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResolvedOperation {
    /// The operation or batch.
    pub id: IntentId,
    /// Whether it is a batch.
    pub is_batch: bool,
}

/// The entry of the Merged list that a person named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResolvedEntry {
    /// The entry.
    pub entry: MergedAnswer,
    /// The value.
    pub value: Option<model::ValueId>,
}

/// What an import did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportAnswer {
    /// The batch, for undo.
    pub batch: IntentId,
    /// The inquiries or customers that were made.
    pub records: Vec<RecordId>,
    /// How many transactions it took.
    pub transactions: usize,
    /// What could not be read, with its place.
    pub problems: Vec<ImportProblem>,
}

/// What was wrong with a card, a row or a whole file; the others arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportProblem {
    /// The file.
    pub file: String,
    /// The line, counted from 1; 0 where it is about the whole file.
    pub line: usize,
    /// Whether it was left out; otherwise it arrived, and this is a remark.
    pub skipped: bool,
    /// What is wrong and what to do.
    pub text: String,
}

/// A window of all records, in the order of kinds and ids.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExportAnswer {
    /// How many records there are.
    pub total: usize,
    /// The records of the window.
    pub records: Vec<RecordAnswer>,
}

/// How meeting the relay ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncAnswer {
    /// Whether both sides have all.
    pub complete: bool,
    /// How many transactions are only on this device.
    pub only_here: u64,
    /// How many transactions of the relay are not here yet, if known.
    pub not_here: Option<u64>,
    /// How many transactions of others this device has and the relay lacks; they arrive there when those sync.
    #[serde(default)]
    pub relay_lacks: u64,
    /// How many transactions arrived.
    pub received: u64,
    /// How many transactions of this device went out.
    pub sent: u64,
    /// How many transactions of other devices were brought to a relay that lacked them.
    #[serde(default)]
    pub carried: u64,
    /// How many transactions of this device do not count until an admin accepts them.
    #[serde(default)]
    pub held: u64,
    /// Why it is not complete, and what to do.
    pub problem: Option<Failure>,
}

/// How this device stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusAnswer {
    /// The workspace; none in an empty home.
    pub workspace: Option<Founded>,
    /// The member's role.
    pub role: Option<Role>,
    /// The relay's origin; none when the workspace works alone.
    pub relay: Option<String>,
    /// connected, connecting, away, or alone.
    pub connection: String,
    /// Why the relay is away.
    pub connection_problem: Option<String>,
    /// That the relay showed somebody else another log than this device, and what to do; none while it shows all the same.
    pub relay_differs: Option<String>,
    /// How many transactions are only on this device.
    pub only_here: u64,
    /// When both sides last had all (ms since 1970).
    pub last_complete_ms: Option<i64>,
    /// How many records there are.
    pub records: usize,
    /// How many transactions wait for a dependency, a key or a newer version.
    pub waiting: Vec<Held>,
    /// How many transactions were set aside for good.
    pub quarantined: Vec<Held>,
    /// How many transactions are held here for admins to decide about; 0 on devices of others.
    #[serde(default)]
    pub held: u64,
    /// How many transactions of this device do not count until an admin accepts them.
    #[serde(default)]
    pub own_held: u64,
    /// Who revoked this device, when, and what to do; none while it is not revoked.
    #[serde(default)]
    pub revoked: Option<Failure>,
    /// Branches of the roster that were lost, for admins.
    #[serde(default)]
    pub lost_branches: Vec<LostBranchAnswer>,
    /// How many more lost branches were met than are kept, since the home was opened, for admins.
    #[serde(default)]
    pub ignored_branches: usize,
    /// How many entries of the Merged list nobody has seen.
    pub merged: usize,
    /// Where the data is.
    pub home: String,
    /// The bytes of the store.
    pub store_bytes: Option<u64>,
}

/// A transaction that is kept but not applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The code of the device that wrote it.
    pub device: String,
    /// Its place in that device's feed.
    pub sequence: u64,
    /// Why.
    pub reason: String,
}

/// Says why a request failed; nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{reason}")]
pub struct Failure {
    /// The word by which scripts know the failure.
    pub code: String,
    /// The sentence for a person.
    pub reason: String,
    /// What to do instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub way_out: Option<String>,
}

impl Failure {
    /// Makes a failure.
    pub fn new(code: &str, reason: impl Into<String>, way_out: Option<&str>) -> Self {
        Self {
            code: code.to_owned(),
            reason: reason.into(),
            way_out: way_out.map(str::to_owned),
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self {
            code: refusal.code().to_owned(),
            reason: refusal.to_string(),
            way_out: refusal.way_out(),
        }
    }
}

/// What the engine says without being asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// The answer to a subscribed query has changed.
    Changed {
        /// The subscription.
        subscription: u64,
        /// The answer as of now.
        answer: Box<Answer>,
    },
    /// A long request goes on.
    Progress {
        /// The call.
        call: CallId,
        /// How much is done.
        done: u64,
        /// Of how much, if known.
        total: Option<u64>,
        /// What is being done.
        text: String,
    },
}

/// What goes from the engine to a client.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
#[expect(
    clippy::large_enum_variant,
    reason = "messages are moved once, from the engine to a client, and most are answers"
)]
pub enum Message {
    /// The answer to a call.
    Answer {
        /// The call.
        id: CallId,
        /// The answer.
        ok: Answer,
    },
    /// The failure of a call; none for a line that could not be read.
    Failure {
        /// The call.
        id: Option<CallId>,
        /// Why.
        error: Failure,
    },
    /// An event.
    Event(Event),
}
