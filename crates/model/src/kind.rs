//! The kinds of records and their fields: one table from which registers, commands and views follow.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::fields;
use crate::value::Form;

/// A kind of record (design section 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A first contact.
    Inquiry,
    /// A company that we do business with.
    Customer,
    /// A person at a customer.
    ContactPerson,
    /// The chance of an order.
    SalesProject,
    /// The next draft of an offer.
    Offer,
    /// An offer exactly as it was sent.
    IssuedOffer,
    /// What a won offer became.
    Order,
    /// The delivery of an order.
    Project,
    /// Call, e-mail, note, task, appointment, follow-up.
    Activity,
    /// A fair, a talk, a place where contacts are made.
    Event,
    /// A person of the workspace.
    Member,
    /// A list that somebody saved.
    SavedView,
    /// What the workspace has set differently.
    Settings,
}

/// All kinds, in the order in which a person meets them.
pub const KINDS: [Kind; 13] = [
    Kind::Inquiry,
    Kind::Customer,
    Kind::ContactPerson,
    Kind::SalesProject,
    Kind::Offer,
    Kind::IssuedOffer,
    Kind::Order,
    Kind::Project,
    Kind::Activity,
    Kind::Event,
    Kind::Member,
    Kind::SavedView,
    Kind::Settings,
];

/// Says that a word names no kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{0}' is no kind of record; kinds are inquiry, customer, contact-person, sales-project, offer, issued-offer, order, project, activity, event, member, saved-view, settings"
)]
pub struct UnknownKind(pub String);

impl Kind {
    /// Gives the name in commands, registers and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Inquiry => "inquiry",
            Kind::Customer => "customer",
            Kind::ContactPerson => "contact-person",
            Kind::SalesProject => "sales-project",
            Kind::Offer => "offer",
            Kind::IssuedOffer => "issued-offer",
            Kind::Order => "order",
            Kind::Project => "project",
            Kind::Activity => "activity",
            Kind::Event => "event",
            Kind::Member => "member",
            Kind::SavedView => "saved-view",
            Kind::Settings => "settings",
        }
    }

    /// Gives the name in a sentence for a person.
    pub fn title(self) -> &'static str {
        match self {
            Kind::ContactPerson => "contact person",
            Kind::SalesProject => "sales project",
            Kind::IssuedOffer => "issued offer",
            Kind::SavedView => "saved view",
            other => other.name(),
        }
    }

    /// Tells whether a record of the kind, once made, cannot be unmade: the workspace has its settings, and the roster
    /// names its members.
    pub fn is_for_good(self) -> bool {
        matches!(self, Kind::Settings | Kind::Member)
    }

    /// Gives the fields of this kind, without those that every kind has.
    pub fn fields(self) -> &'static [FieldSpec] {
        fields::of(self)
    }

    /// Finds the field that a register key belongs to.
    pub fn field_of_key(self, key: &str) -> Option<&'static FieldSpec> {
        let name = key.split_once('/').map_or(key, |(name, _)| name);
        let composite = key.contains('/');
        self.fields()
            .iter()
            .chain(fields::COMMON)
            .find(|field| field.name == name && field.is_many() == composite)
    }

    /// Finds a field by the name that a person types (`job-title` and `job_title` are the same).
    pub fn field(self, name: &str) -> Option<&'static FieldSpec> {
        let name = name.trim().to_lowercase().replace('-', "_");
        self.fields().iter().chain(fields::COMMON).find(|field| {
            field.name == name || (field.is_many() && format!("{}s", field.name) == name)
        })
    }

    /// Tells whether records of this kind carry a number, and from which series (design section 6).
    pub fn series(self) -> Option<&'static str> {
        match self {
            Kind::Inquiry => Some("AF"),
            Kind::Customer => Some("KD"),
            Kind::SalesProject => Some("VP"),
            Kind::Project => Some("PR"),
            Kind::Order => Some("AU"),
            Kind::IssuedOffer => Some("AN"),
            _ => None,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        let name = text.trim().to_lowercase().replace(['_', ' '], "-");
        let singular = name.strip_suffix("ies").map(|stem| format!("{stem}y"));
        let stem = name.strip_suffix('s').unwrap_or(&name);
        KINDS
            .into_iter()
            .find(|kind| {
                kind.name() == name
                    || singular.as_deref() == Some(kind.name())
                    || kind.name() == stem
            })
            .or((name == "contact-persons" || name == "contact").then_some(Kind::ContactPerson))
            .ok_or_else(|| UnknownKind(text.to_owned()))
    }
}

/// Gives the names of the fields of all kinds, some of them several times.
pub fn field_names() -> impl Iterator<Item = &'static str> {
    let own = KINDS.into_iter().flat_map(|kind| kind.fields().iter());
    own.chain(fields::COMMON).map(|spec| spec.name)
}

/// Says how concurrent values of a field are settled (design section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settle {
    /// The latest non-empty value is shown, the others are listed.
    Latest,
    /// A reference: an existing record before one that a rule derived, then the smallest id.
    Reference,
    /// The status of a sales project: a function of the set.
    Sales,
    /// The furthest in its row by the rank that travels with it.
    Furthest,
    /// The first in the field's row of words.
    FirstWord,
    /// Reopened beats done.
    Done,
    /// Alive beside anything else is alive.
    Life,
    /// The smallest survivor.
    MergedInto,
    /// Any value counts; never in conflict.
    Any,
}

/// Says who writes a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writer {
    /// A person, by setting the field.
    Person,
    /// A rule of an intent: a number, a status, an origin.
    Rule,
    /// The machinery: identity, asides, marks of what was seen.
    Inner,
}

/// Describes one field of a kind.
#[derive(Debug, Clone, Copy)]
pub struct FieldSpec {
    /// The name in commands, registers and JSON.
    pub name: &'static str,
    /// How its value lies in a register.
    pub form: Form,
    /// Whether it is a list, with one register under `name/<id>` per entry.
    pub many: bool,
    /// The words it may hold; empty where any text may stand.
    pub words: &'static [&'static str],
    /// The kinds that a reference may point to; empty where any may.
    pub targets: &'static [Kind],
    /// How concurrent values are settled.
    pub settle: Settle,
    /// Who writes it.
    pub writer: Writer,
}

impl FieldSpec {
    /// Tells whether it is a list of entries.
    pub fn is_many(&self) -> bool {
        self.many
    }

    /// Gives the name in a sentence for a person.
    pub fn title(&self) -> String {
        self.name.replace('_', " ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_found_by_what_people_type() {
        for kind in KINDS {
            assert_eq!(kind.name().parse(), Ok(kind));
            assert_eq!(kind.title().parse(), Ok(kind));
        }
        assert_eq!("inquiries".parse(), Ok(Kind::Inquiry));
        assert_eq!("sales-projects".parse(), Ok(Kind::SalesProject));
        assert_eq!("activities".parse(), Ok(Kind::Activity));
        assert!("lead".parse::<Kind>().is_err());
    }

    #[test]
    fn no_kind_has_a_field_twice() {
        for kind in KINDS {
            let mut names: Vec<&str> = kind
                .fields()
                .iter()
                .chain(fields::COMMON)
                .map(|field| field.name)
                .collect();
            names.sort_unstable();
            let all = names.len();
            names.dedup();
            assert_eq!(names.len(), all, "{kind}");
        }
    }

    #[test]
    fn keys_lead_to_their_fields() {
        assert_eq!(
            Kind::Inquiry.field_of_key("phone/00ff").unwrap().name,
            "phone"
        );
        assert_eq!(
            Kind::Inquiry.field_of_key("company").unwrap().name,
            "company"
        );
        assert!(Kind::Inquiry.field_of_key("company/1").is_none());
        assert!(Kind::Inquiry.field_of_key("phone").is_none());
        assert_eq!(Kind::Inquiry.field("phones").unwrap().name, "phone");
        assert_eq!(Kind::Inquiry.field("Job-Title").unwrap().name, "job_title");
    }
}
