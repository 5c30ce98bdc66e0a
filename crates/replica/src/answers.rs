//! What queries ask and what they answer: plain values that travel as they are to every client.

use jiff::civil::Date;
use model::home::Urgency;
use model::merged::Rule;
use model::value::Planned;
use model::{EntryId, IntentId, Kind, RecordId, Value, ValueId};
use serde::{Deserialize, Serialize};

/// A comparison of a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Compare {
    /// The field's text is this (folded), or the reference points there.
    Is,
    /// The field's text is another.
    IsNot,
    /// The field's text contains this (folded).
    Contains,
    /// The field comes before this, as dates, amounts, numbers or texts.
    Before,
    /// The field comes after this.
    After,
    /// The field holds nothing.
    Empty,
    /// The field holds something.
    Filled,
}

/// One condition of a list; all conditions of a list must hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// A field of the kind, or `text` (any text of the record), `standing`, `next_step` (none, late, planned).
    pub field: String,
    /// How it is compared.
    pub compare: Compare,
    /// With what; members by id or name.
    #[serde(default)]
    pub value: String,
}

/// The order of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sort {
    /// A field of the kind, or `created`, `changed`, `title`, `next_step`.
    pub field: String,
    /// Whether the largest comes first.
    #[serde(default)]
    pub descending: bool,
}

/// A list of one kind, windowed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListQuery {
    /// The kind.
    pub kind: Kind,
    /// The conditions.
    #[serde(default)]
    pub filters: Vec<Filter>,
    /// The order; without it, the newest first.
    #[serde(default)]
    pub sort: Option<Sort>,
    /// How many rows to skip.
    #[serde(default)]
    pub offset: usize,
    /// How many rows to give.
    #[serde(default = "ListQuery::default_limit")]
    pub limit: usize,
    /// Whether archived records are among them.
    #[serde(default)]
    pub archived: bool,
}

impl ListQuery {
    /// The window of a list that names none.
    pub const DEFAULT_LIMIT: usize = 100;

    fn default_limit() -> usize {
        Self::DEFAULT_LIMIT
    }

    /// Lists all of a kind, the newest first.
    pub fn of(kind: Kind) -> Self {
        Self {
            kind,
            filters: Vec::new(),
            sort: None,
            offset: 0,
            limit: Self::DEFAULT_LIMIT,
            archived: false,
        }
    }
}

/// A record in short, as references and lists name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// The record.
    pub id: RecordId,
    /// Its kind; none while it has not arrived.
    pub kind: Option<Kind>,
    /// The line by which people know it.
    pub title: String,
    /// Its number, if it has one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub number: String,
}

/// One shown value of a field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldAnswer {
    /// The register key: the field's name, or `name/<id>` for an entry of a list.
    pub key: String,
    /// The field's name.
    pub name: String,
    /// The value that is shown; none where it was cleared.
    pub value: Option<Value>,
    /// The value as a person reads it.
    pub text: String,
    /// The record that it refers to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refers_to: Option<Named>,
    /// All concurrent values where there are several, the shown one first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<ChoiceAnswer>,
    /// Names of the values held, to be given as `seen` when the field is edited.
    pub seen: Vec<ValueId>,
}

/// One of several values, with who wrote it and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChoiceAnswer {
    /// Names the value, for choosing it.
    pub id: ValueId,
    /// The value; none where the field was cleared.
    pub value: Option<Value>,
    /// The value as a person reads it.
    pub text: String,
    /// Who wrote it.
    pub author: String,
    /// The code of the device.
    pub device: String,
    /// When (ms since 1970).
    pub time_ms: i64,
    /// Whether it is the one that is shown.
    pub shown: bool,
}

/// A row of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// The record in short.
    #[serde(flatten)]
    pub record: Named,
    /// alive or archived.
    pub standing: String,
    /// The single fields that hold something, as people read them, by name; of lists the first entry.
    pub fields: std::collections::BTreeMap<String, String>,
    /// The next step's date, for inquiries and sales projects that need one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_step: Option<NextStep>,
    /// Whether some field is in conflict.
    pub in_conflict: bool,
    /// When it was made (ms since 1970).
    pub created_ms: i64,
    /// When it was last changed (ms since 1970).
    pub changed_ms: i64,
}

/// The next step of an inquiry or a sales project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextStep {
    /// none, late or planned.
    pub light: String,
    /// The activity.
    pub activity: Option<Named>,
    /// When it is due.
    pub due: Option<Planned>,
}

/// A window of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListAnswer {
    /// How many records the conditions fit.
    pub total: usize,
    /// The rows of the window.
    pub rows: Vec<Row>,
}

/// A record as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordAnswer {
    /// The record in short.
    #[serde(flatten)]
    pub record: Named,
    /// alive, archived, undone or merged.
    pub standing: String,
    /// The record that it was merged into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged_into: Option<Named>,
    /// Its fields, in the order of the kind.
    pub fields: Vec<FieldAnswer>,
    /// Its note.
    pub note: String,
    /// The note of the inquiry that it came from.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub inquiry_note: String,
    /// The next step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_step: Option<NextStep>,
    /// The records that belong to it, by the field that ties them: `contact-person`, `sales-project`, `offer`, ….
    pub linked: Vec<Linked>,
    /// The amounts of an offer or an issued offer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub totals: Option<model::offer::Totals>,
    /// The hash of what an offer holds now, to be given when it is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// The entries of the Merged list at this record that nobody has seen.
    pub merged: Vec<MergedAnswer>,
    /// Who made it.
    pub created_by: String,
    /// When (ms since 1970).
    pub created_ms: i64,
    /// When it was last changed (ms since 1970).
    pub changed_ms: i64,
}

/// A record that belongs to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Linked {
    /// The field that ties them.
    pub by: String,
    /// The other record.
    #[serde(flatten)]
    pub record: Named,
    /// Its status, where it has one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub status: String,
}

/// What one line of a history tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HistoryKind {
    /// The record was made.
    Created,
    /// A field changed.
    Changed,
    /// The note changed.
    Note,
    /// An activity that regards the record, or one it came from.
    Activity,
}

/// One line of a record's history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryItem {
    /// When (ms since 1970).
    pub time_ms: i64,
    /// What the line tells.
    pub what: HistoryKind,
    /// Who did it.
    pub author: String,
    /// The member who did it, if known here.
    pub member: Option<RecordId>,
    /// The code of the device.
    pub device: String,
    /// The record that it happened to.
    pub record: Named,
    /// The field that changed, or the kind of activity.
    pub field: String,
    /// What stood there before, as a person reads it.
    pub before: String,
    /// What stood there after.
    pub after: String,
    /// The operation, for undo; none where it is not known.
    pub operation: Option<IntentId>,
}

/// An entry of the Merged list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergedAnswer {
    /// Names the entry.
    pub id: EntryId,
    /// Why it is listed.
    pub rule: Rule,
    /// The record that it is shown at.
    pub record: Named,
    /// The field, where it is about one.
    pub field: Option<String>,
    /// One sentence that tells what happened.
    pub text: String,
    /// The values to choose from.
    pub choices: Vec<ChoiceAnswer>,
    /// The other records involved.
    pub records: Vec<Named>,
    /// The merge that it proposes: the first record into the second.
    pub merge: Option<(RecordId, RecordId)>,
    /// Whether somebody has seen it.
    pub acknowledged: bool,
    /// Who is responsible for the record.
    pub responsible: Option<Named>,
}

/// One thing to do on Home.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HomeItem {
    /// The activity, or the record without a next step.
    pub record: Named,
    /// call, email, task, appointment, follow-up.
    pub activity: String,
    /// How urgent it is.
    pub urgency: Urgency,
    /// When it is due.
    pub due: Option<Planned>,
    /// What it regards.
    pub regards: Vec<Named>,
    /// Whether what it regards is archived.
    pub regards_archived: bool,
}

/// What one person has to do on one day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HomeAnswer {
    /// The person.
    pub member: Named,
    /// The day.
    pub day: Date,
    /// Activities, the most urgent first.
    pub activities: Vec<HomeItem>,
    /// Open inquiries and sales projects of this person with no next step.
    pub without_next_step: Vec<Row>,
    /// Entries of the Merged list at records of this person that nobody has seen.
    pub merged: Vec<MergedAnswer>,
}

/// A column of the board.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoardColumn {
    /// The phase's word.
    pub phase: String,
    /// What people read.
    pub title: String,
    /// The sales projects, those with the earliest closing date first.
    pub cards: Vec<Row>,
    /// Sums of the revenue, by currency, in minor units.
    pub sums: Vec<(String, i64)>,
    /// The same weighted by the chance.
    pub weighted: Vec<(String, i64)>,
}

/// Sales projects by phase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoardAnswer {
    /// The columns in the order of the phases.
    pub columns: Vec<BoardColumn>,
}

/// A found record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hit {
    /// The record.
    #[serde(flatten)]
    pub record: Named,
    /// alive or archived.
    pub standing: String,
    /// The field and text in which it was found.
    pub found_in: String,
}

/// Numbers about the replica.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statistics {
    /// How many records of each kind are in use.
    pub records: Vec<(Kind, usize)>,
    /// How many are archived.
    pub archived: usize,
    /// How many sales projects are won, and not contested.
    pub won: usize,
    /// How many sales projects are lost, and not contested.
    pub lost: usize,
    /// How many are contested.
    pub contested: usize,
}
