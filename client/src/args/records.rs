//! Creating, changing and putting away records.

use clap::Args;
use model::Kind;

use crate::assignment::Written;

/// Flags of `create`.
#[derive(Debug, Args)]
pub struct Create {
    /// The kind, such as customer, contact-person, sales-project, event.
    #[arg(value_name = "KIND")]
    pub kind: Kind,
    /// Its fields; lists such as phone, email and tag may be given several times with +=.
    #[arg(value_name = "FIELD=VALUE")]
    pub fields: Vec<Written>,
}

/// Flags of `set`.
#[derive(Debug, Args)]
pub struct Set {
    /// The record.
    #[arg(value_name = "ID")]
    pub id: String,
    /// What changes: = replaces (an empty value clears), += adds to a list or a note, -= removes from a list.
    #[arg(value_name = "FIELD=VALUE", required = true)]
    pub fields: Vec<Written>,
    /// Another record to change alike.
    #[arg(long, value_name = "ID")]
    pub also: Vec<String>,
}

/// Flags of `capture`.
#[derive(Debug, Args)]
pub struct Capture {
    /// The company.
    #[arg(long, value_name = "NAME")]
    pub company: Option<String>,
    /// The contact's name; its last word is the family name.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["given", "family"])]
    pub contact: Option<String>,
    /// The contact's given name.
    #[arg(long, value_name = "NAME")]
    pub given: Option<String>,
    /// The contact's family name.
    #[arg(long, value_name = "NAME")]
    pub family: Option<String>,
    /// The salutation.
    #[arg(long, value_name = "TEXT")]
    pub salutation: Option<String>,
    /// What the contact does there.
    #[arg(long, value_name = "TEXT")]
    pub job_title: Option<String>,
    /// Where it came from: trade-fair, talk, cold-call, homepage, networking, or the workspace's own.
    #[arg(long, value_name = "ORIGIN")]
    pub origin: Option<String>,
    /// The fair or talk, by its name; made if the workspace does not have it this year.
    #[arg(long, value_name = "NAME")]
    pub event: Option<String>,
    /// A phone number, with its label before a colon (mobile:+49 170 1234567); may be repeated.
    #[arg(long, value_name = "NUMBER")]
    pub phone: Vec<String>,
    /// An e-mail address, with its label before a colon (home:a@example.com); may be repeated.
    #[arg(long, value_name = "ADDRESS")]
    pub email: Vec<String>,
    /// The address: 'street;postal code and city;country'.
    #[arg(long, value_name = "ADDRESS")]
    pub address: Option<String>,
    /// The website.
    #[arg(long, value_name = "URL")]
    pub website: Option<String>,
    /// What was talked about.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub note: Option<String>,
    /// A, B or C.
    #[arg(long, value_name = "A|B|C")]
    pub priority: Option<String>,
    /// Who takes care of it, by id or name; oneself without it.
    #[arg(long, value_name = "MEMBER")]
    pub responsible: Option<String>,
    /// A tag; may be repeated.
    #[arg(long, value_name = "TAG")]
    pub tag: Vec<String>,
    /// A record that it has to do with; may be repeated.
    #[arg(long, value_name = "ID")]
    pub link: Vec<String>,
    /// On what the consent to be written to rests, and its wording: 'spoken: may send the catalogue'.
    #[arg(long, value_name = "BASIS[:WORDING]")]
    pub consent: Option<String>,
    /// A field of the workspace's own; may be repeated.
    #[arg(long, value_name = "KEY=VALUE")]
    pub custom: Vec<Written>,
    /// When to follow up: tomorrow, +3d, monday, 2026-12-03, 3.12.2026, with a time behind it or not.
    #[arg(long, value_name = "DATE")]
    pub follow_up: Option<String>,
}

/// Flags of `undo`.
#[derive(Debug, Args)]
pub struct Undo {
    /// The operation or batch, by its id or a unique beginning or end of it.
    #[arg(value_name = "OPERATION|BATCH")]
    pub what: Option<String>,
}

/// Flags of `archive`.
#[derive(Debug, Args)]
pub struct Archive {
    /// The records.
    #[arg(value_name = "ID", required = true)]
    pub ids: Vec<String>,
}

/// Flags of `restore`.
#[derive(Debug, Args)]
pub struct Restore {
    /// The records.
    #[arg(value_name = "ID", required = true)]
    pub ids: Vec<String>,
}

/// Flags of `merge`.
#[derive(Debug, Args)]
pub struct Merge {
    /// The record whose content joins the other.
    #[arg(value_name = "A")]
    pub loser: String,
    /// The record that goes on.
    #[arg(value_name = "B")]
    pub survivor: String,
}
