//! Refusals of intents: why, in words that a person understands, and the way out.

use crate::id::IdError;

/// Says why an intent was refused; nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(
    missing_docs,
    reason = "the sentence of each variant says what its fields are"
)]
pub enum Refusal {
    #[error("there is no record {id}")]
    NoSuchRecord { id: String },
    #[error("{id} is no {wanted}, it is of kind {found}")]
    WrongKind {
        id: String,
        wanted: String,
        found: String,
    },
    #[error("{title} is archived")]
    Archived { title: String, id: String },
    #[error("what made {title} was undone")]
    Undone { title: String, id: String },
    #[error("{title} was merged into {survivor}")]
    Merged {
        title: String,
        survivor: String,
        survivor_id: String,
    },
    #[error("your role {role} may not {what}")]
    Role { role: String, what: String },
    #[error("{kind} has no field '{field}'")]
    NoSuchField {
        kind: String,
        field: String,
        fields: String,
    },
    #[error("'{field}' is not set by hand")]
    NotByHand {
        field: String,
        way_out: &'static str,
    },
    #[error("'{value}' does not fit '{field}': {reason}")]
    BadValue {
        field: String,
        value: String,
        reason: String,
    },
    #[error("'{field}' holds one value, so nothing can be {change} it")]
    NotAList { field: String, change: &'static str },
    #[error("'{value}' is not among the entries of '{field}'")]
    NoSuchEntry {
        field: String,
        value: String,
        way_out: String,
    },
    #[error("'{name}' is no name of a file")]
    BadFileName { name: String },
    #[error("the file {name} is empty")]
    EmptyFile { name: String },
    #[error("the file {name} has {bytes} bytes, at most {most} are possible")]
    FileTooLarge { name: String, bytes: u64, most: u64 },
    #[error("this file is attached to {title} already, as {name}")]
    AttachedAlready {
        title: String,
        id: String,
        name: String,
        hash: String,
    },
    #[error("no file {hash} is attached to {title}")]
    NotAttached {
        title: String,
        id: String,
        hash: String,
    },
    #[error("{what} is missing")]
    Missing {
        what: &'static str,
        way_out: &'static str,
    },
    #[error("records of kind {kind} are not created by hand")]
    NotCreated { kind: String, way_out: &'static str },
    #[error("{title} is converted already, into {into}")]
    AlreadyConverted {
        title: String,
        into: String,
        into_id: String,
    },
    #[error("{title} is disqualified")]
    Disqualified { title: String, id: String },
    #[error("{title} belongs to another customer")]
    OtherCustomer { title: String, id: String },
    #[error("{title} is won already")]
    AlreadyWon { title: String, order: String },
    #[error("{title} was won here and lost there")]
    Contested { title: String },
    #[error("the offer has changed since you looked at it")]
    OfferChanged { offer: String },
    #[error("the offer was sent as {number} and has not changed since")]
    SentAlready { offer: String, number: String },
    #[error("the offer has no line items")]
    EmptyOffer { offer: String },
    #[error("several offers could have won: {numbers}")]
    WhichOffer {
        numbers: String,
        sales_project: String,
    },
    #[error("'{word}' is no status here; there are {words}")]
    NoSuchStatus { word: String, words: String },
    #[error("{title} is {state}")]
    NotOpen {
        title: String,
        state: String,
        way_out: Option<String>,
    },
    #[error("a record cannot be merged into itself")]
    SameRecord,
    #[error("records of the kinds {one} and {other} cannot be merged")]
    MergeKinds {
        one: String,
        other: String,
        way_out: Option<String>,
    },
    #[error("the Merged list has no entry {id}")]
    NoSuchMergedEntry { id: String },
    #[error("entry {entry} has no value {value}")]
    NoSuchChoice { entry: String, value: String },
    #[error("there is nothing to undo")]
    NothingToUndo,
    #[error("there is no operation {id}")]
    NoSuchOperation { id: String },
    #[error("this was undone already, {title} is as it was before")]
    UndoneAlready { title: String, id: String },
    #[error("{whose} did this, and your role {role} undoes only what you did")]
    NotYours { whose: String, role: String },
    #[error("{who} worked on {title} since")]
    OthersWorked {
        who: String,
        title: String,
        id: String,
    },
    #[error("{title} has work under it: {under}")]
    WorkUnder {
        title: String,
        under: String,
        operations: Vec<String>,
    },
    #[error("{title} went to a customer, which cannot be taken back")]
    Pinned { title: String, way_out: String },
    #[error("{title} came with the workspace or an invite and cannot be {what}")]
    ForGood {
        title: String,
        id: String,
        what: &'static str,
    },
    #[error("the values were changed since, nothing is left to undo")]
    AllChanged,
    #[error("the numbers of this device's code are used up for {year}")]
    NumbersUsedUp { year: i16 },
    #[error("this is more than one transaction can hold")]
    TooLarge,
    #[error("no other device would take this: {reason}")]
    NotTaken { reason: String },
    #[error(transparent)]
    Id(#[from] IdError),
}

impl Refusal {
    /// Gives the word by which scripts know the refusal.
    pub fn code(&self) -> &'static str {
        match self {
            Refusal::NoSuchRecord { .. } => "no-such-record",
            Refusal::WrongKind { .. } => "wrong-kind",
            Refusal::Archived { .. } => "archived",
            Refusal::Undone { .. } => "undone",
            Refusal::Merged { .. } => "merged",
            Refusal::Role { .. } => "role",
            Refusal::NoSuchField { .. } => "no-such-field",
            Refusal::NotByHand { .. } => "not-by-hand",
            Refusal::BadValue { .. } => "bad-value",
            Refusal::NotAList { .. } => "not-a-list",
            Refusal::NoSuchEntry { .. } => "no-such-entry",
            Refusal::BadFileName { .. } => "bad-file-name",
            Refusal::EmptyFile { .. } => "empty-file",
            Refusal::FileTooLarge { .. } => "file-too-large",
            Refusal::AttachedAlready { .. } => "attached-already",
            Refusal::NotAttached { .. } => "not-attached",
            Refusal::Missing { .. } => "missing",
            Refusal::NotCreated { .. } => "not-created-by-hand",
            Refusal::AlreadyConverted { .. } => "already-converted",
            Refusal::Disqualified { .. } => "disqualified",
            Refusal::OtherCustomer { .. } => "other-customer",
            Refusal::AlreadyWon { .. } => "already-won",
            Refusal::Contested { .. } => "contested",
            Refusal::OfferChanged { .. } => "offer-changed",
            Refusal::SentAlready { .. } => "sent-already",
            Refusal::EmptyOffer { .. } => "empty-offer",
            Refusal::WhichOffer { .. } => "which-offer",
            Refusal::NoSuchStatus { .. } => "no-such-status",
            Refusal::NotOpen { .. } => "not-open",
            Refusal::SameRecord => "same-record",
            Refusal::MergeKinds { .. } => "merge-kinds",
            Refusal::NoSuchMergedEntry { .. } => "no-such-merged-entry",
            Refusal::NoSuchChoice { .. } => "no-such-choice",
            Refusal::NothingToUndo => "nothing-to-undo",
            Refusal::NoSuchOperation { .. } => "no-such-operation",
            Refusal::UndoneAlready { .. } => "undone-already",
            Refusal::NotYours { .. } => "not-yours",
            Refusal::OthersWorked { .. } => "others-worked",
            Refusal::WorkUnder { .. } => "work-under",
            Refusal::Pinned { .. } => "pinned",
            Refusal::ForGood { .. } => "for-good",
            Refusal::AllChanged => "all-changed",
            Refusal::NumbersUsedUp { .. } => "numbers-used-up",
            Refusal::TooLarge => "too-large",
            Refusal::NotTaken { .. } => "not-taken",
            Refusal::Id(_) => "bad-id",
        }
    }

    /// Says what to do instead, where there is something.
    pub fn way_out(&self) -> Option<String> {
        Some(match self {
            Refusal::NotByHand { way_out, .. }
            | Refusal::Missing { way_out, .. }
            | Refusal::NotCreated { way_out, .. } => (*way_out).to_owned(),
            Refusal::NoSuchEntry { way_out, .. } | Refusal::Pinned { way_out, .. } => {
                way_out.clone()
            }
            Refusal::NotOpen { way_out, .. } | Refusal::MergeKinds { way_out, .. } => {
                return way_out.clone();
            }
            _ => {
                return self
                    .way_to_record()
                    .or_else(|| self.way_in_sales())
                    .or_else(|| self.way_back());
            }
        })
    }

    /// Says what to do where a record or a field is not what was expected.
    fn way_to_record(&self) -> Option<String> {
        Some(match self {
            Refusal::NoSuchRecord { .. } | Refusal::Id(_) => {
                "look it up: handschlag search TEXT".to_owned()
            }
            Refusal::WrongKind { .. } => "look it up: handschlag list KIND".to_owned(),
            Refusal::Archived { id, .. } => {
                format!("take it back into use first: handschlag restore {id}")
            }
            Refusal::Undone { id, .. } => format!(
                "capture it again, or undo the undo: handschlag undo OPERATION, which handschlag history {id} shows"
            ),
            Refusal::Merged { survivor_id, .. } => {
                format!("go on with that one: handschlag show {survivor_id}")
            }
            Refusal::Role { .. } => {
                "ask an admin of the workspace: handschlag members lists them".to_owned()
            }
            Refusal::NoSuchField { fields, .. } => format!("fields are {fields}"),
            Refusal::NotAList { field, .. } => {
                let key = field.replace(' ', "_");
                format!("replace it: handschlag set ID {key}=VALUE")
            }
            Refusal::BadFileName { .. } => {
                "give it a short name without a folder: handschlag attach ID FILE --name NAME"
                    .to_owned()
            }
            Refusal::EmptyFile { .. } => "give a file that holds something".to_owned(),
            Refusal::FileTooLarge { .. } => {
                "make it smaller, such as a photo with fewer pixels, or note where it lies"
                    .to_owned()
            }
            Refusal::AttachedAlready { id, hash, .. } => format!(
                "to give it another name, take it away first: handschlag detach {id} {hash}"
            ),
            Refusal::NotAttached { id, .. } => {
                format!("see which files it has: handschlag show {id}")
            }
            Refusal::NumbersUsedUp { .. } => {
                "go on with another device, which gets a code of its own: handschlag invite --member ID"
                    .to_owned()
            }
            Refusal::TooLarge => "do it in smaller steps".to_owned(),
            _ => return None,
        })
    }

    /// Says what to do on the way from the inquiry to the order.
    fn way_in_sales(&self) -> Option<String> {
        Some(match self {
            Refusal::AlreadyConverted { into_id, .. } => format!(
                "go on with that: handschlag show {into_id}; to convert anew, undo the conversion first: handschlag undo OPERATION"
            ),
            Refusal::Disqualified { id, .. } => {
                format!("take it up again first: handschlag phase {id} contacted")
            }
            Refusal::OtherCustomer { id, .. } => format!(
                "name the customer that handschlag show {id} gives, or a contact person of this one"
            ),
            Refusal::AlreadyWon { order, .. } => format!(
                "go on with its order: handschlag show {order}; if it is not won, undo that: handschlag undo OPERATION"
            ),
            Refusal::Contested { .. } => {
                "decide it: handschlag choose ENTRY VALUE, as handschlag merged lists it".to_owned()
            }
            Refusal::OfferChanged { offer } => {
                format!("look again and send what you see: handschlag show {offer}")
            }
            Refusal::SentAlready { offer, number } => format!(
                "change it first: handschlag set {offer} FIELD=VALUE; or see what was sent: handschlag show {number}"
            ),
            Refusal::EmptyOffer { offer } => format!(
                "add one: handschlag set {offer} item+='text;quantity;unit;price;discount;vat'"
            ),
            Refusal::WhichOffer { sales_project, .. } => {
                format!("name the one that won: handschlag win {sales_project} --offer NUMBER")
            }
            Refusal::SameRecord => "name two records: handschlag merge A B".to_owned(),
            Refusal::NoSuchMergedEntry { .. } | Refusal::NoSuchChoice { .. } => {
                "see what there is: handschlag merged".to_owned()
            }
            _ => return None,
        })
    }

    /// Says what to do where something cannot be undone.
    fn way_back(&self) -> Option<String> {
        Some(match self {
            Refusal::NothingToUndo | Refusal::NoSuchOperation { .. } => {
                "name an operation that handschlag history ID shows: handschlag undo OPERATION"
                    .to_owned()
            }
            Refusal::UndoneAlready { id, .. } => format!(
                "do it again by hand, or undo the undo, which handschlag history {id} shows: handschlag undo OPERATION"
            ),
            Refusal::NotYours { whose, .. } => {
                format!("ask {whose} or an admin: handschlag members lists them")
            }
            Refusal::OthersWorked { who, id, .. } => format!(
                "talk to {who}, then change the fields or put it away: handschlag archive {id}"
            ),
            Refusal::WorkUnder { operations, .. } => {
                let undo = |operation: &String| format!("handschlag undo {operation}");
                let all: Vec<String> = operations.iter().map(undo).collect();
                format!("take that back first: {}", all.join(", "))
            }
            Refusal::ForGood { id, .. } => {
                format!("change its fields instead: handschlag set {id} FIELD=VALUE")
            }
            Refusal::AllChanged => "see what stands there now: handschlag history ID".to_owned(),
            _ => return None,
        })
    }
}
