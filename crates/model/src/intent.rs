//! Intents: everything a person does to records, as plain values (design sections 2, 5 and 7).

use serde::{Deserialize, Serialize};

use crate::id::{EntryId, FileHash, IntentId, RecordId, ValueId};
use crate::kind::Kind;
use crate::value::{LineItem, Planned, Value};
use jiff::civil::Date;

/// The most bytes of a file that is attached, as the protocol has it (design section 4).
pub const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// How an assignment changes a field.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// Replaces the value, or all entries of a list.
    #[default]
    Set,
    /// Adds an entry to a list.
    Add,
    /// Removes an entry from a list.
    Remove,
}

/// What an assignment writes: text as a person types it, or a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Input {
    /// Text, read by the form of the field; empty clears.
    Text(String),
    /// A value of the field's form.
    Value(Value),
}

impl From<&str> for Input {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// One change of one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    /// The field's name; `note` is the note; `phone/<id>` names one entry of a list.
    pub field: String,
    /// How it changes.
    #[serde(default)]
    pub change: Change,
    /// What is written.
    pub value: Input,
    /// The values that the author saw; without it, the one that is shown counts as seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Vec<ValueId>>,
}

impl Assignment {
    /// Sets a field.
    pub fn set(field: &str, value: impl Into<Input>) -> Self {
        Self {
            field: field.to_owned(),
            change: Change::Set,
            value: value.into(),
            seen: None,
        }
    }

    /// Adds an entry to a list.
    pub fn add(field: &str, value: impl Into<Input>) -> Self {
        Self {
            change: Change::Add,
            ..Self::set(field, value)
        }
    }

    /// Removes an entry from a list.
    pub fn remove(field: &str, value: impl Into<Input>) -> Self {
        Self {
            change: Change::Remove,
            ..Self::set(field, value)
        }
    }
}

impl From<Value> for Input {
    fn from(value: Value) -> Self {
        Self::Value(value)
    }
}

/// A contact to capture: an inquiry with its event and first follow-up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Capture {
    /// The inquiry's fields.
    pub fields: Vec<Assignment>,
    /// The name of the event; made if this workspace does not have it this year.
    pub event: Option<String>,
    /// When to follow up.
    pub follow_up: Option<Planned>,
}

/// An activity to add.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NewActivity {
    /// One of call, email, note, task, appointment, follow-up.
    pub activity: String,
    /// The records it regards; at least one.
    pub regards: Vec<RecordId>,
    /// One line on what it is about.
    pub subject: String,
    /// The long text.
    pub text: String,
    /// When it was, or is due.
    pub when: Option<Planned>,
    /// How long it takes, in minutes.
    pub duration_min: Option<i64>,
    /// Who does it; without it, the author.
    pub responsible: Option<RecordId>,
    /// in or out, for calls and e-mails.
    pub direction: Option<String>,
    /// What came of it.
    pub outcome: Option<String>,
    /// How long before it is due to remind, in minutes.
    pub reminder_min: Option<i64>,
}

/// What to convert an inquiry into.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ConvertInto {
    /// An existing customer; without it, a new one.
    pub customer: Option<RecordId>,
    /// An existing contact person of that customer; without it, a new one.
    pub contact: Option<RecordId>,
    /// Whether it becomes a partner: no sales project.
    pub partner: bool,
}

/// What to undo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Undo {
    /// This device's last operation that is not undone.
    Last,
    /// One operation.
    Operation(IntentId),
    /// All operations of an import or bulk edit.
    Batch(IntentId),
}

/// One thing that a user does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "intent", rename_all = "kebab-case")]
pub enum Intent {
    /// Captures a contact.
    Capture(Capture),
    /// Captures several contacts at once, as an import does; each as an inquiry or as a customer with a contact person.
    Import {
        /// The contacts.
        contacts: Vec<Capture>,
        /// Whether each becomes a customer with a contact person; without it, each becomes an inquiry.
        #[serde(default)]
        as_customers: bool,
    },
    /// Creates a record of a kind that people create by hand.
    Create {
        /// The kind.
        kind: Kind,
        /// Its fields.
        fields: Vec<Assignment>,
    },
    /// Changes fields of a record.
    Edit {
        /// The record.
        record: RecordId,
        /// What changes.
        fields: Vec<Assignment>,
    },
    /// Changes fields of several records alike: assign, tag, prioritise.
    EditMany {
        /// The records.
        records: Vec<RecordId>,
        /// What changes in each.
        fields: Vec<Assignment>,
    },
    /// Adds to the end of a record's note.
    AppendNote {
        /// The record.
        record: RecordId,
        /// What is added, on a line of its own.
        text: String,
    },
    /// Attaches a file that is on this device to a record.
    Attach {
        /// The record.
        record: RecordId,
        /// The hash of the file.
        hash: FileHash,
        /// The name that it has, without a folder.
        name: String,
        /// The media type, such as `application/pdf`; empty when it is not known.
        #[serde(default)]
        media_type: String,
        /// The size in bytes.
        size: u64,
    },
    /// Takes a file away from a record.
    Detach {
        /// The record.
        record: RecordId,
        /// The hash of the file.
        hash: FileHash,
    },
    /// Adds an activity.
    AddActivity(NewActivity),
    /// Completes an activity for its author, or for all.
    Complete {
        /// The activity.
        activity: RecordId,
        /// Whether it is done for everybody.
        all: bool,
    },
    /// Puts an activity off for its author; what is done is opened again.
    Postpone {
        /// The activity.
        activity: RecordId,
        /// Until when.
        until: Planned,
    },
    /// Opens an activity again.
    Reopen {
        /// The activity.
        activity: RecordId,
    },
    /// Converts an inquiry.
    Convert {
        /// The inquiry.
        inquiry: RecordId,
        /// Into what.
        #[serde(default)]
        into: ConvertInto,
    },
    /// Disqualifies an inquiry.
    Disqualify {
        /// The inquiry.
        inquiry: RecordId,
        /// Why.
        reason: String,
        /// The statuses that the author saw; without it, the one that is shown counts as seen.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seen: Option<Vec<ValueId>>,
    },
    /// Moves an inquiry to new, contacted or qualified.
    MoveInquiry {
        /// The inquiry.
        inquiry: RecordId,
        /// The status.
        status: String,
        /// The statuses that the author saw; without it, the one that is shown counts as seen.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seen: Option<Vec<ValueId>>,
    },
    /// Makes a draft offer.
    DraftOffer {
        /// The sales project.
        sales_project: RecordId,
        /// Its lines, in their order.
        items: Vec<LineItem>,
        /// A name for it.
        #[serde(default)]
        name: String,
        /// Until when it holds.
        #[serde(default)]
        valid_until: Option<Date>,
    },
    /// Sends an offer: freezes what the sender saw as an issued offer.
    SendOffer {
        /// The offer.
        offer: RecordId,
        /// The hash of the content that the sender saw; without it, what the offer holds now.
        #[serde(default)]
        content: Option<String>,
    },
    /// Notes that an issued offer was accepted.
    AcceptOffer {
        /// The issued offer.
        issued: RecordId,
    },
    /// Notes that an issued offer was rejected.
    RejectOffer {
        /// The issued offer.
        issued: RecordId,
        /// Why.
        #[serde(default)]
        reason: Option<String>,
    },
    /// Moves a sales project to a phase.
    MovePhase {
        /// The sales project.
        sales_project: RecordId,
        /// The phase.
        phase: String,
        /// A chance set by hand, in percent.
        #[serde(default)]
        chance: Option<i64>,
        /// Why, for a loss or a hold.
        #[serde(default)]
        reason: Option<String>,
        /// The statuses that the author saw; without it, the one that is shown counts as seen.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seen: Option<Vec<ValueId>>,
    },
    /// Wins a sales project: an order and a project appear.
    Win {
        /// The sales project.
        sales_project: RecordId,
        /// The issued offer that won.
        #[serde(default)]
        issued: Option<RecordId>,
        /// The statuses that the author saw; without it, the one that is shown counts as seen.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seen: Option<Vec<ValueId>>,
    },
    /// Confirms an order to the customer.
    ConfirmOrder {
        /// The order.
        order: RecordId,
        /// The customer's reference.
        #[serde(default)]
        reference: Option<String>,
    },
    /// Undoes what was done.
    Undo {
        /// What.
        what: Undo,
    },
    /// Puts a record away.
    Archive {
        /// The record.
        record: RecordId,
    },
    /// Takes a record back into use.
    Restore {
        /// The record.
        record: RecordId,
    },
    /// Merges one record into another of its kind.
    Merge {
        /// The record that goes on.
        survivor: RecordId,
        /// The record whose content joins it.
        loser: RecordId,
    },
    /// Chooses a value of an entry of the Merged list.
    Choose {
        /// The entry.
        entry: EntryId,
        /// The value.
        value: ValueId,
    },
    /// Marks an entry of the Merged list as seen.
    Acknowledge {
        /// The entry.
        entry: EntryId,
    },
    /// Writes a member's record, when a person founds the workspace or is invited.
    EnrolMember {
        /// The member.
        member: RecordId,
        /// The member's name.
        name: String,
        /// The member's e-mail address.
        #[serde(default)]
        email: Option<String>,
    },
    /// Writes the workspace's name and currency, when it is founded.
    FoundWorkspace {
        /// The workspace's name.
        name: String,
    },
}

impl Intent {
    /// Tells whether only owners and admins may do this.
    pub fn is_administrative(&self) -> bool {
        match self {
            Intent::EnrolMember { .. } | Intent::FoundWorkspace { .. } => true,
            Intent::Create { kind, .. } => *kind == Kind::Settings,
            _ => false,
        }
    }
}
