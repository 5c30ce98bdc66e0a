//! What a file holds, in plain words: cards, the problems met on the way, and the bounds.

use serde::{Deserialize, Serialize};

/// Is the largest file that is read, in bytes.
pub const MAX_FILE_BYTES: usize = 64 * 1024 * 1024;
/// Is the largest number of cards or rows in one file.
pub const MAX_ENTRIES: usize = 100_000;
/// Is the longest text of a one-line field, in characters; the whole text then also stands in the note, as far as that has room.
pub const MAX_FIELD_CHARS: usize = 1_000;
/// Is the longest note, in characters; what is beyond it is cut, and a problem says so.
pub const MAX_NOTE_CHARS: usize = 60_000;
/// Is the largest number of phones, e-mails, addresses, websites or tags of one card, each; further ones go to the note.
pub const MAX_VALUES: usize = 50;
/// Is the largest number of lines of one vCard, after unfolding; further ones are left out, and a problem says so.
pub const MAX_CARD_LINES: usize = 10_000;
/// Is the largest number of columns of a table.
pub const MAX_COLUMNS: usize = 1_000;
/// Is the largest number of problems that are listed; further ones are counted.
pub const MAX_PROBLEMS: usize = 10_000;

/// Holds one person or company as a file describes it.
///
/// An empty text means "not given".
/// One-line fields hold no line breaks, no control characters and no white space at their ends.
/// Everything of the source that has no field stands at the end of [`Card::note`] as lines "NAME: value".
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Card {
    /// Is the name of the company.
    pub company: String,
    /// Is the department or unit within the company; several levels are joined by ", ".
    pub department: String,
    /// Is what stands before the name, as typed: "Herr", "Mr.", "Frau Dr.".
    pub salutation: String,
    /// Is the given name.
    pub given: String,
    /// Is the middle name or names.
    pub additional: String,
    /// Is the family name.
    pub family: String,
    /// Is what stands after the name: "Jr.", "M.Sc.".
    pub suffix: String,
    /// Is the job title.
    pub job_title: String,
    /// Lists the phone and fax numbers as typed, each once.
    pub phones: Vec<Labelled>,
    /// Lists the e-mail addresses as typed, each once.
    pub emails: Vec<Labelled>,
    /// Lists the postal addresses, each once.
    pub addresses: Vec<PostalAddress>,
    /// Lists websites and profiles in networks, each once.
    pub websites: Vec<String>,
    /// Is the note, with line breaks, then the lines for what has no field.
    pub note: String,
    /// Lists categories or tags, each once.
    pub tags: Vec<String>,
    /// Is the birthday: `YYYY-MM-DD`, or `--MM-DD` without a year; anything else stands in the note.
    pub birthday: String,
    /// Is the VAT identification number.
    pub vat_id: String,
    /// Is the line of the file on which this card begins, counted from 1.
    pub line: usize,
    /// Is the number of this card in the file, counted from 1 and with those that were left out.
    pub entry: usize,
}

impl Card {
    /// Tells whether the card has a part of a person's name.
    #[must_use]
    pub fn has_name(&self) -> bool {
        !(self.given.is_empty() && self.additional.is_empty() && self.family.is_empty())
    }

    /// Returns the best text to call this card by: the person's name, else company, e-mail, phone, website or town, or
    /// what else there is of an address; empty only where the card names no one.
    #[must_use]
    pub fn display_name(&self) -> String {
        if self.has_name() {
            let parts = [&self.given, &self.additional, &self.family];
            let parts: Vec<&str> = parts
                .into_iter()
                .map(String::as_str)
                .filter(|part| !part.is_empty())
                .collect();
            return parts.join(" ");
        }
        let first = |list: &[Labelled]| {
            list.first()
                .map(|item| item.value.clone())
                .unwrap_or_default()
        };
        let place = |address: &PostalAddress| {
            let parts = [
                &address.city,
                &address.street,
                &address.extra,
                &address.postal_code,
                &address.region,
                &address.country,
            ];
            parts.into_iter().find(|part| !part.is_empty()).cloned()
        };
        let town = self.addresses.iter().find_map(place).unwrap_or_default();
        let website = self.websites.first().cloned().unwrap_or_default();
        [
            self.company.clone(),
            first(&self.emails),
            first(&self.phones),
            website,
            town,
        ]
        .into_iter()
        .find(|text| !text.is_empty())
        .unwrap_or_default()
    }

    /// Tells whether there is anything by which a person or company could be found or reached.
    #[must_use]
    pub fn names_someone(&self) -> bool {
        self.has_name()
            || !(self.company.is_empty()
                && self.phones.is_empty()
                && self.emails.is_empty()
                && self.addresses.is_empty()
                && self.websites.is_empty())
    }
}

/// Holds a phone number or an e-mail address with what it is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Labelled {
    /// Says what it is for.
    pub label: Label,
    /// Is the number or address as typed.
    pub value: String,
}

/// Says what a phone number, e-mail or postal address is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Label {
    /// Belongs to the job.
    Work,
    /// Is private.
    Home,
    /// Is a mobile phone, wherever used.
    Mobile,
    /// Is a fax, at work or at home.
    Fax,
    /// Is something else, or the file does not say.
    #[default]
    Other,
}

impl Label {
    /// Returns the label as a plain English word: work, home, mobile, fax, other.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Label::Work => "work",
            Label::Home => "home",
            Label::Mobile => "mobile",
            Label::Fax => "fax",
            Label::Other => "other",
        }
    }
}

/// Holds a postal address; an empty text means "not given".
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PostalAddress {
    /// Says what it is for: work, home or other.
    pub label: Label,
    /// Is street and house number.
    pub street: String,
    /// Is what else the letter needs: post box, building, floor.
    pub extra: String,
    /// Is the postal code.
    pub postal_code: String,
    /// Is the town.
    pub city: String,
    /// Is state, county or province.
    pub region: String,
    /// Is the country as typed.
    pub country: String,
}

impl PostalAddress {
    /// Lists the six texts with their names, in the order of the struct.
    pub(crate) fn texts(&self) -> [&String; 6] {
        [
            &self.street,
            &self.extra,
            &self.postal_code,
            &self.city,
            &self.region,
            &self.country,
        ]
    }

    /// Tells whether no text is given.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.texts().into_iter().all(String::is_empty)
    }
}

/// Holds what came out of a file.
///
/// `cards.len() + skipped == entries`, always.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imported {
    /// Lists the cards in the order of the file.
    pub cards: Vec<Card>,
    /// Lists what was wrong, in the order of the file, at most [`MAX_PROBLEMS`].
    pub problems: Vec<Problem>,
    /// Counts the problems that were not listed.
    pub problems_not_listed: usize,
    /// Counts the cards or rows that the file holds.
    pub entries: usize,
    /// Counts those of them that gave no card; each has a problem with `skipped` set.
    pub skipped: usize,
}

impl Imported {
    /// Adds a problem, or counts it when there are too many.
    pub(crate) fn report(&mut self, problem: Problem) {
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(problem);
        } else {
            self.problems_not_listed += 1;
        }
    }

    /// Adds what an entry became, with its problems.
    pub(crate) fn add(&mut self, outcome: (Option<Card>, Vec<Problem>)) {
        let (card, problems) = outcome;
        match card {
            Some(card) => self.cards.push(card),
            None => self.skipped += 1,
        }
        problems
            .into_iter()
            .for_each(|problem| self.report(problem));
    }
}

/// Says what is wrong in a file, where, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Is the line of the file, counted from 1.
    pub line: usize,
    /// Is the number of the card or row, counted from 1; between two cards it is that of the one before (0 at the start).
    pub entry: usize,
    /// Tells whether the entry was left out because of it; otherwise it arrived.
    pub skipped: bool,
    /// Is the sentence for a person, in English: what is wrong, and what to do.
    pub text: String,
}

/// Says why a file as a whole cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Refuses a file that is too large.
    #[error("the file has {bytes} bytes, at most {limit} can be read; split it into several files")]
    FileTooLarge {
        /// Is the size of the file.
        bytes: usize,
        /// Is [`MAX_FILE_BYTES`].
        limit: usize,
    },
    /// Refuses a file with too many cards or rows.
    #[error("the file holds more than {limit} contacts; split it into several files")]
    TooManyEntries {
        /// Is [`MAX_ENTRIES`].
        limit: usize,
    },
    /// Refuses a vCard file in which no card begins.
    #[error("there is no BEGIN:VCARD in the file; export the contacts again as vCard (.vcf)")]
    NoCards,
    /// Refuses a CSV file of which no column has a known name.
    #[error(
        "no column of the first line is known ({found}); the first line must name the columns, such as First Name, Last Name, Company, Email, Phone, or Vorname, Nachname, Firma, E-Mail, Telefon"
    )]
    NoKnownColumn {
        /// Is the beginning of the first line.
        found: String,
    },
    /// Refuses a CSV file with too many columns.
    #[error(
        "the first line names {columns} columns, at most {limit} can be read; remove those that are not needed"
    )]
    TooManyColumns {
        /// Is the number of columns.
        columns: usize,
        /// Is [`MAX_COLUMNS`].
        limit: usize,
    },
    /// Refuses a CSV file without any line.
    #[error("the file is empty; export the contacts again")]
    Empty,
}
