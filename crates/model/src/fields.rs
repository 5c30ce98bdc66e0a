//! The fields of each kind.

use crate::kind::{FieldSpec, Kind, Settle, Writer};
use crate::value::Form;

const fn field(name: &'static str, form: Form) -> FieldSpec {
    let settle = match form {
        Form::Reference => Settle::Reference,
        _ => Settle::Latest,
    };
    FieldSpec {
        name,
        form,
        many: false,
        words: &[],
        targets: &[],
        settle,
        writer: Writer::Person,
    }
}

const fn text(name: &'static str) -> FieldSpec {
    field(name, Form::Text)
}

const fn many(name: &'static str, form: Form) -> FieldSpec {
    let mut spec = field(name, form);
    spec.many = true;
    spec
}

const fn word(name: &'static str, words: &'static [&'static str]) -> FieldSpec {
    let mut spec = text(name);
    spec.words = words;
    spec
}

const fn to(name: &'static str, targets: &'static [Kind]) -> FieldSpec {
    let mut spec = field(name, Form::Reference);
    spec.targets = targets;
    spec
}

const fn rule(spec: FieldSpec) -> FieldSpec {
    let mut spec = spec;
    spec.writer = Writer::Rule;
    spec
}

const fn inner(spec: FieldSpec) -> FieldSpec {
    let mut spec = spec;
    spec.writer = Writer::Inner;
    spec
}

const fn settled(spec: FieldSpec, settle: Settle) -> FieldSpec {
    let mut spec = spec;
    spec.settle = settle;
    spec
}

const PRIORITIES: &[&str] = &["A", "B", "C"];
/// The roles of contact persons (design section 1).
pub const CONTACT_ROLES: &[&str] = &[
    "sales",
    "purchasing",
    "service",
    "accounting",
    "management",
    "technical",
    "other",
];
/// The categories of customers; of several concurrent ones the first counts.
pub const CATEGORIES: &[&str] = &["customer", "prospect", "partner"];
/// The kinds of activities.
pub const ACTIVITIES: &[&str] = &["call", "email", "note", "task", "appointment", "follow-up"];
/// The origins that every workspace starts with; a workspace may add its own.
pub const ORIGINS: &[&str] = &["trade-fair", "talk", "cold-call", "homepage", "networking"];
const DIRECTIONS: &[&str] = &["in", "out"];

const NUMBER: FieldSpec = rule(text("number"));
const RESPONSIBLE: FieldSpec = to("responsible", &[Kind::Member]);
const TAG: FieldSpec = many("tag", Form::Text);
const LINK: FieldSpec = many("link", Form::Reference);
const PHONE: FieldSpec = many("phone", Form::Labelled);
const EMAIL: FieldSpec = many("email", Form::Labelled);
const INQUIRY_OF: FieldSpec = rule(to("inquiry", &[Kind::Inquiry]));
const CUSTOMER: FieldSpec = to("customer", &[Kind::Customer]);
const ITEM: FieldSpec = many("item", Form::Item);
const STATUS: FieldSpec = rule(settled(field("status", Form::Status), Settle::Furthest));

/// The fields of every kind.
pub(crate) const COMMON: &[FieldSpec] = &[
    inner(settled(field("record", Form::Identity), Settle::Any)),
    inner(settled(field("life", Form::Life), Settle::Life)),
    inner(settled(
        field("merged_into", Form::MergedInto),
        Settle::MergedInto,
    )),
    inner(settled(many("pinned", Form::Flag), Settle::Any)),
    inner(settled(many("aside", Form::Aside), Settle::Any)),
    inner(settled(many("seen", Form::Flag), Settle::Any)),
    many("custom", Form::Own),
    rule(many("file", Form::File)),
];

/// Finds a field that every kind has.
pub(crate) fn common(name: &str) -> &'static FieldSpec {
    let found = COMMON.iter().find(|spec| spec.name == name);
    found.expect("the rules name fields of the table only")
}

const INQUIRY: &[FieldSpec] = &[
    NUMBER,
    text("origin"),
    to("event", &[Kind::Event]),
    text("company"),
    text("salutation"),
    text("given"),
    text("family"),
    text("job_title"),
    field("address", Form::Address),
    PHONE,
    EMAIL,
    text("website"),
    word("priority", PRIORITIES),
    RESPONSIBLE,
    STATUS,
    TAG,
    LINK,
    field("consent", Form::Consent),
    rule(to("captured_by", &[Kind::Member])),
    rule(field("captured_at", Form::Instant)),
    rule(settled(
        field("conversion", Form::Conversion),
        Settle::Reference,
    )),
];

const CUSTOMER_FIELDS: &[FieldSpec] = &[
    text("name"),
    NUMBER,
    settled(word("category", CATEGORIES), Settle::FirstWord),
    many("address", Form::Address),
    PHONE,
    EMAIL,
    text("website"),
    text("vat_id"),
    RESPONSIBLE,
    TAG,
    LINK,
    INQUIRY_OF,
];

const CONTACT: &[FieldSpec] = &[
    CUSTOMER,
    text("salutation"),
    text("given"),
    text("family"),
    word("role", CONTACT_ROLES),
    text("job_title"),
    PHONE,
    EMAIL,
    TAG,
    LINK,
    INQUIRY_OF,
];

const SALES_PROJECT: &[FieldSpec] = &[
    text("name"),
    NUMBER,
    CUSTOMER,
    to("contact", &[Kind::ContactPerson]),
    field("revenue", Form::Money),
    field("closing_date", Form::Date),
    rule(settled(field("status", Form::Status), Settle::Sales)),
    RESPONSIBLE,
    TAG,
    LINK,
    INQUIRY_OF,
];

const OFFER: &[FieldSpec] = &[
    STATUS,
    rule(to("sales_project", &[Kind::SalesProject])),
    text("name"),
    field("date", Form::Date),
    field("valid_until", Form::Date),
    ITEM,
    rule(many("issued", Form::Issue)),
    rule(settled(many("verdict", Form::Status), Settle::Furthest)),
];

const ISSUED: &[FieldSpec] = &[
    NUMBER,
    STATUS,
    rule(to("offer", &[Kind::Offer])),
    rule(to("sales_project", &[Kind::SalesProject])),
    rule(text("name")),
    rule(text("customer_name")),
    rule(text("contact_name")),
    rule(field("address", Form::Address)),
    rule(text("vat_id")),
    rule(text("terms")),
    rule(field("date", Form::Date)),
    rule(field("valid_until", Form::Date)),
    rule(ITEM),
    rule(field("version", Form::Integer)),
    rule(field("content", Form::Text)),
];

const ORDER: &[FieldSpec] = &[
    NUMBER,
    text("reference"),
    field("date", Form::Date),
    rule(field("award", Form::Award)),
    STATUS,
    rule(to("sales_project", &[Kind::SalesProject])),
    CUSTOMER,
];

const PROJECT: &[FieldSpec] = &[
    NUMBER,
    text("name"),
    CUSTOMER,
    rule(to("sales_project", &[Kind::SalesProject])),
    field("start", Form::Date),
    field("due", Form::Date),
    settled(field("status", Form::Status), Settle::Furthest),
    RESPONSIBLE,
    TAG,
    LINK,
];

const ACTIVITY: &[FieldSpec] = &[
    rule(word("activity", ACTIVITIES)),
    text("subject"),
    field("when", Form::Planned),
    field("duration", Form::Integer),
    RESPONSIBLE,
    many("regards", Form::Reference),
    word("direction", DIRECTIONS),
    text("outcome"),
    field("reminder", Form::Integer),
    rule(settled(field("done_all", Form::Done), Settle::Done)),
    rule(settled(many("done", Form::Done), Settle::Done)),
    rule(many("postponed", Form::Planned)),
];

const EVENT: &[FieldSpec] = &[
    text("name"),
    text("place"),
    field("from", Form::Date),
    field("to", Form::Date),
];

const MEMBER: &[FieldSpec] = &[text("name"), text("email"), text("phone")];

const SAVED_VIEW: &[FieldSpec] = &[
    text("name"),
    text("kind"),
    text("filter"),
    text("sort"),
    text("columns"),
    to("owner", &[Kind::Member]),
];

const SETTINGS: &[FieldSpec] = &[
    text("name"),
    text("currency"),
    many("phase", Form::Phase),
    many("origin", Form::Text),
    many("prefix", Form::Text),
    many("tag", Form::Text),
    many("define", Form::Custom),
];

/// Gives the fields of a kind, without the common ones.
pub(crate) fn of(kind: Kind) -> &'static [FieldSpec] {
    match kind {
        Kind::Inquiry => INQUIRY,
        Kind::Customer => CUSTOMER_FIELDS,
        Kind::ContactPerson => CONTACT,
        Kind::SalesProject => SALES_PROJECT,
        Kind::Offer => OFFER,
        Kind::IssuedOffer => ISSUED,
        Kind::Order => ORDER,
        Kind::Project => PROJECT,
        Kind::Activity => ACTIVITY,
        Kind::Event => EVENT,
        Kind::Member => MEMBER,
        Kind::SavedView => SAVED_VIEW,
        Kind::Settings => SETTINGS,
    }
}
