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
    #[error("there is no {wanted} {id}: it is {found}")]
    WrongKind {
        id: String,
        wanted: String,
        found: String,
    },
    #[error("{title} is archived")]
    Archived { title: String, id: String },
    #[error("what made {title} was undone")]
    Undone { title: String },
    #[error("{title} was merged into {survivor}")]
    Merged { title: String, survivor: String },
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
    #[error("'{field}' holds one value, so nothing can be added to it or removed from it")]
    NotAList { field: String },
    #[error("'{value}' is not among the entries of '{field}'")]
    NoSuchEntry { field: String, value: String },
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
    #[error("{title} is converted already")]
    AlreadyConverted { title: String, into: String },
    #[error("{title} is disqualified")]
    Disqualified { title: String, id: String },
    #[error("{title} belongs to another customer")]
    OtherCustomer { title: String },
    #[error("{title} is won already")]
    AlreadyWon { title: String },
    #[error("the offer has changed since you looked at it")]
    OfferChanged { offer: String },
    #[error("the offer was sent as {number} and has not changed since")]
    SentAlready { offer: String, number: String },
    #[error("the offer has no line items")]
    EmptyOffer { offer: String },
    #[error("several offers could have won: {numbers}")]
    WhichOffer { numbers: String },
    #[error("'{word}' is no status here; there are {words}")]
    NoSuchStatus { word: String, words: String },
    #[error("{title} is not open: {state}")]
    NotOpen { title: String, state: String },
    #[error("a record cannot be merged into itself")]
    SameRecord,
    #[error("a {one} cannot be merged into a {other}")]
    MergeKinds { one: String, other: String },
    #[error("the Merged list has no entry {id}")]
    NoSuchMergedEntry { id: String },
    #[error("entry {entry} has no value {value}")]
    NoSuchChoice { entry: String, value: String },
    #[error("there is nothing to undo")]
    NothingToUndo,
    #[error("there is no operation {id}")]
    NoSuchOperation { id: String },
    #[error("{what} was undone already")]
    UndoneAlready { what: String },
    #[error("{whose} did this, and your role {role} undoes only what you did")]
    NotYours { whose: String, role: String },
    #[error("{who} worked on {title} since")]
    OthersWorked { who: String, title: String },
    #[error("what was sent or confirmed to a customer cannot be taken back")]
    Pinned { title: String },
    #[error("{title} came with the workspace or an invite, which cannot be undone")]
    ForGood { title: String },
    #[error("the values were changed since, nothing is left to undo")]
    AllChanged,
    #[error("the numbers of this device's code are used up for {year}")]
    NumbersUsedUp { year: i16 },
    #[error("this is more than one transaction can hold")]
    TooLarge,
    #[error("no other device would take this: {reason}")]
    NotTaken { reason: String },
    #[error("this device is revoked; it neither reads nor writes")]
    Revoked,
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
            Refusal::Pinned { .. } => "pinned",
            Refusal::ForGood { .. } => "for-good",
            Refusal::AllChanged => "all-changed",
            Refusal::NumbersUsedUp { .. } => "numbers-used-up",
            Refusal::TooLarge => "too-large",
            Refusal::NotTaken { .. } => "not-taken",
            Refusal::Revoked => "revoked",
            Refusal::Id(_) => "bad-id",
        }
    }

    /// Says what to do instead, where there is something.
    pub fn way_out(&self) -> Option<String> {
        Some(match self {
            Refusal::NoSuchRecord { .. } | Refusal::Id(_) => {
                "look it up with search or list".to_owned()
            }
            Refusal::Archived { id, .. } => format!("restore it first: restore {id}"),
            Refusal::Undone { .. } => "undo the undo, or capture it again".to_owned(),
            Refusal::Merged { survivor, .. } => format!("work on {survivor}"),
            Refusal::Role { .. } => "ask an admin of the workspace".to_owned(),
            Refusal::NoSuchField { fields, .. } => format!("fields are {fields}"),
            Refusal::NotByHand { way_out, .. }
            | Refusal::Missing { way_out, .. }
            | Refusal::NotCreated { way_out, .. } => (*way_out).to_owned(),
            Refusal::BadFileName { .. } => {
                "give it a short name without a folder: attach ID FILE --name NAME".to_owned()
            }
            Refusal::EmptyFile { .. } => "give a file that holds something".to_owned(),
            Refusal::FileTooLarge { .. } => {
                "make it smaller, such as a photo with fewer pixels, or note where it lies"
                    .to_owned()
            }
            Refusal::AttachedAlready { id, hash, .. } => {
                format!("to give it another name, take it away first: detach {id} {hash}")
            }
            Refusal::NotAttached { id, .. } => format!("see which files it has: show {id}"),
            Refusal::AlreadyConverted { into, .. } => {
                format!("go on with {into}, or undo the conversion")
            }
            Refusal::Disqualified { id, .. } => {
                format!("take it up again first: phase {id} contacted")
            }
            Refusal::OtherCustomer { .. } => {
                "name that customer, or a contact person of this one".to_owned()
            }
            Refusal::OfferChanged { offer } => {
                format!("look again and send what you see: show {offer}")
            }
            Refusal::SentAlready { offer, number } => {
                format!("change it first: set {offer} FIELD=VALUE, or show {number}")
            }
            Refusal::EmptyOffer { offer } => {
                format!("add one: set {offer} item+='text;quantity;unit;price;discount;vat'")
            }
            Refusal::WhichOffer { .. } => {
                "name the one that won: win PROJECT --offer NUMBER".to_owned()
            }
            Refusal::OthersWorked { .. } => {
                "talk to them, then change the fields or archive the records".to_owned()
            }
            Refusal::Pinned { .. } => {
                "reject or supersede the offer, or cancel the order".to_owned()
            }
            Refusal::ForGood { .. } => "change its fields instead: set ID FIELD=VALUE".to_owned(),
            Refusal::NotAList { field } => format!("replace it: {field}=VALUE"),
            Refusal::TooLarge => "do it in smaller steps".to_owned(),
            Refusal::NotYours { .. } => "ask its author or an admin".to_owned(),
            _ => return None,
        })
    }
}
