//! Queries: what clients ask of a replica, answered from views and compact rows.

mod board;
mod find;
mod history;
mod home;
mod list;
mod merged;
mod record;
mod search;
mod trial;

pub use board::board;
pub use find::{FindError, find, find_member};
pub use history::history;
pub use home::home;
pub use list::{ListError, list};
pub use merged::{merged, merged_at};
pub use record::{record, statistics};
pub use search::search;
pub use trial::{Trial, Tried};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use model::world::World;
use model::{Author, RecordId, Value};

use crate::answers::{ChoiceAnswer, Named, NextStep, Row};
use crate::digest::Digest;
use crate::replica::Replica;
use crate::sight::Sight;
use crate::text;

/// Names devices for people, as the roster knows them.
pub trait Devices {
    /// Gives the code of the device that wrote something; empty while it is not known.
    fn code(&self, author: Author) -> String;
}

/// Answers queries of one moment.
pub struct Asked<'a> {
    /// The replica.
    pub replica: &'a Replica,
    /// Its documents.
    pub world: Sight<'a>,
    /// The devices.
    pub devices: &'a dyn Devices,
    /// The day of whoever looks.
    pub today: Date,
    /// The zone of whoever looks: a moment that a colleague elsewhere planned falls on the day that it is here.
    pub zone: TimeZone,
}

/// The currency of a workspace that has set none (ISO 4217).
pub const DEFAULT_CURRENCY: &str = "EUR";

/// Gives the currency of the workspace.
pub fn currency(world: &dyn World) -> String {
    match model::record::record(world, world.settings_id())
        .and_then(|settings| settings.value("currency").cloned())
    {
        Some(Value::Text(code)) if !code.is_empty() => code,
        _ => DEFAULT_CURRENCY.to_owned(),
    }
}

impl Asked<'_> {
    /// Gives the currency of the workspace.
    pub fn currency(&self) -> String {
        currency(&self.world)
    }

    /// Names a record in short.
    pub fn named(&self, id: RecordId) -> Named {
        match self.replica.digests().get(id) {
            Some(digest) => Named {
                id,
                kind: Some(digest.kind()),
                title: digest.title().to_owned(),
                number: digest.number().to_owned(),
            },
            None => Named {
                id,
                kind: None,
                title: format!("… {}", id.short()),
                number: String::new(),
            },
        }
    }

    /// Names the person whose device wrote something.
    pub fn author(&self, author: Author) -> (Option<RecordId>, String) {
        match self.replica.views().member_of(author) {
            Some(member) => (Some(member), self.named(member).title),
            None => (None, "unknown device".to_owned()),
        }
    }

    /// Writes a value with the names of the records that it refers to.
    pub fn text(&self, value: &Value) -> String {
        text::with_names(value, &|id| self.named(id).title)
    }

    fn choice(&self, choice: &model::merged::Choice) -> ChoiceAnswer {
        ChoiceAnswer {
            id: choice.id,
            value: choice.value.clone(),
            text: choice
                .value
                .as_ref()
                .map_or_else(|| "(empty)".to_owned(), |value| self.text(value)),
            author: self.author(choice.author).1,
            device: self.devices.code(choice.author),
            time_ms: choice.time_ms,
            shown: choice.shown,
        }
    }

    fn next_step(&self, digest: &Digest) -> Option<NextStep> {
        digest.needs_next_step().then(|| {
            let step = digest.next_step();
            NextStep {
                light: digest.light(self.today, &self.zone).to_owned(),
                activity: step.as_ref().map(|(id, _)| self.named(*id)),
                due: step.and_then(|(_, due)| due),
            }
        })
    }

    /// Gives the word of a record's status; what was sent and holds no longer has expired, which no register says.
    pub fn status_word(&self, digest: &Digest) -> String {
        let word = digest.status_word();
        if word != "sent" {
            return word;
        }
        match digest.value("valid_until") {
            Some(Value::Date(date)) if date < self.today => "expired".to_owned(),
            _ => word,
        }
    }

    fn row(&self, digest: &Digest) -> Row {
        let mut fields: std::collections::BTreeMap<String, String> = digest
            .fields()
            .into_iter()
            .map(|(name, value)| (name.to_owned(), self.text(&value)))
            .collect();
        if self.status_word(digest) == "expired" {
            fields.insert("status".to_owned(), "expired".to_owned());
        }
        Row {
            record: self.named(digest.id()),
            standing: standing_word(&digest.standing()).to_owned(),
            fields,
            next_step: self.next_step(digest),
            in_conflict: digest.in_conflict(),
            created_ms: digest.created_ms(),
            changed_ms: digest.changed_ms(),
        }
    }
}

fn standing_word(standing: &model::record::Standing) -> &'static str {
    use model::record::Standing;
    match standing {
        Standing::Alive => "alive",
        Standing::Archived => "archived",
        Standing::Undone => "undone",
        Standing::Merged(_) => "merged",
    }
}
