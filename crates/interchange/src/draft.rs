//! A card in the making: fields are set once, what has no place goes to the note, bounds are kept.

use std::collections::HashSet;

use crate::birthday::birthday;
use crate::card::{
    Card, Label, Labelled, MAX_FIELD_CHARS, MAX_NOTE_CHARS, MAX_VALUES, PostalAddress, Problem,
};
use crate::names;

/// Collects the parts of one card.
pub(crate) struct Draft {
    /// Is what has been understood so far.
    pub(crate) card: Card,
    /// Is the whole name as the source shows it, which may repeat the parts.
    pub(crate) formatted: String,
    /// Tells that the source calls this a company rather than a person.
    pub(crate) is_company: bool,
    leftovers: Vec<String>,
    /// Holds the same lines, so that none is kept twice.
    kept: HashSet<String>,
    problems: Vec<Problem>,
}

impl Draft {
    /// Starts a card at its place in the file.
    pub(crate) fn new(line: usize, entry: usize) -> Self {
        let card = Card {
            line,
            entry,
            ..Card::default()
        };
        Self {
            card,
            formatted: String::new(),
            is_company: false,
            leftovers: Vec::new(),
            kept: HashSet::new(),
            problems: Vec::new(),
        }
    }

    /// Reports something that does not keep the card from arriving.
    pub(crate) fn warn(&mut self, line: usize, text: impl Into<String>) {
        self.problems.push(Problem {
            line,
            entry: self.card.entry,
            skipped: false,
            text: text.into(),
        });
    }

    /// Sets a one-line field; a second, different value goes to the note as "name: value".
    pub(crate) fn set(&mut self, field: fn(&mut Card) -> &mut String, name: &str, value: &str) {
        let value = one_line(value);
        let text = field(&mut self.card);
        if text.is_empty() {
            *text = value;
        } else if !value.is_empty() && text.to_lowercase() != value.to_lowercase() {
            self.keep(name, &value);
        }
    }

    /// Keeps something that has no field as a line of the note; an empty value and a repeated line are nothing.
    pub(crate) fn keep(&mut self, name: &str, value: &str) {
        let value = one_line(value);
        if value.is_empty() {
            return;
        }
        let line = format!("{}: {value}", one_line(name));
        if self.kept.insert(line.clone()) {
            self.leftovers.push(line);
        }
    }

    /// Keeps a line that has not even a name.
    pub(crate) fn keep_line(&mut self, value: &str) {
        let value = one_line(value);
        if !value.is_empty() {
            self.leftovers.push(value);
        }
    }

    /// Adds a paragraph to the note.
    pub(crate) fn add_note(&mut self, text: &str) {
        let text = many_lines(text);
        if text.is_empty() || self.card.note == text {
            return;
        }
        if !self.card.note.is_empty() {
            self.card.note.push('\n');
        }
        self.card.note.push_str(&text);
    }

    /// Adds a phone number; `detail` is what its label cannot say ("pager").
    pub(crate) fn add_phone(&mut self, label: Label, value: &str, detail: Option<&str>) {
        let value = one_line(value);
        if value.chars().any(char::is_alphanumeric) {
            self.add_detail("TEL", &value, detail);
            self.add_labelled("TEL", |card| &mut card.phones, label, value);
        }
    }

    /// Adds an e-mail address; `detail` is what its label cannot say ("school").
    pub(crate) fn add_email(&mut self, label: Label, value: &str, detail: Option<&str>) {
        let value = one_line(value);
        let value = strip_prefix_ignoring_case(&value, "mailto:").to_owned();
        if value.chars().any(char::is_alphanumeric) {
            self.add_detail("EMAIL", &value, detail);
            self.add_labelled("EMAIL", |card| &mut card.emails, label, value);
        }
    }

    /// Adds a postal address; `detail` is what its label cannot say.
    pub(crate) fn add_address(&mut self, mut address: PostalAddress, detail: Option<&str>) {
        if address.street.is_empty() {
            address.street = std::mem::take(&mut address.extra);
        }
        if address.is_empty() || self.card.addresses.contains(&address) {
            return;
        }
        let shown: Vec<&str> = address
            .texts()
            .into_iter()
            .map(String::as_str)
            .filter(|text| !text.is_empty())
            .collect();
        let shown = shown.join(", ");
        self.add_detail("ADR", &shown, detail);
        if self.card.addresses.len() < MAX_VALUES {
            self.card.addresses.push(address);
        } else {
            self.keep("ADR", &shown);
        }
    }

    /// Adds a website or a profile in a network.
    pub(crate) fn add_website(&mut self, value: &str) {
        self.add_text("URL", |card| &mut card.websites, value);
    }

    /// Adds a tag.
    pub(crate) fn add_tag(&mut self, value: &str) {
        self.add_text("CATEGORIES", |card| &mut card.tags, value);
    }

    /// Sets the birthday if it is a date, else keeps it in the note.
    pub(crate) fn set_birthday(&mut self, name: &str, value: &str) {
        match birthday(value.trim()) {
            Some(date) => self.set(|card| &mut card.birthday, name, &date),
            None => self.keep(name, value),
        }
    }

    /// Completes the name, joins the note, keeps the bounds; gives no card when nothing names someone.
    pub(crate) fn finish(mut self) -> (Option<Card>, Vec<Problem>) {
        names::complete(&mut self);
        let cut = self.bound_fields();
        let leftovers = std::mem::take(&mut self.leftovers).join("\n");
        self.add_note(&leftovers);
        if !self.card.names_someone() {
            let has = if self.card.note.is_empty() {
                "holds nothing"
            } else {
                "holds no name, company, phone, e-mail or address"
            };
            let text = format!(
                "this contact {has} and was left out; add a name to it in the file and import it again"
            );
            self.problems.push(Problem {
                line: self.card.line,
                entry: self.card.entry,
                skipped: true,
                text,
            });
            return (None, self.problems);
        }
        let note_end = self.card.note.char_indices().nth(MAX_NOTE_CHARS);
        if let Some((end, _)) = note_end {
            self.card.note.truncate(end);
        }
        let line = self.card.line;
        for (name, whole) in cut {
            let rest = match self.card.note.contains(&whole) {
                true => "the whole text stands in the note",
                false => "the note has no room for the whole text either; keep it elsewhere",
            };
            self.warn(
                line,
                format!(
                    "the {name} is longer than {MAX_FIELD_CHARS} characters and was cut; {rest}"
                ),
            );
        }
        if note_end.is_some() {
            self.warn(line, format!("the note is longer than {MAX_NOTE_CHARS} characters and was cut; keep the rest elsewhere"));
        }
        (Some(self.card), self.problems)
    }

    /// Cuts one-line fields that are too long; their whole text, which is returned with their names, goes to the note.
    fn bound_fields(&mut self) -> Vec<(&'static str, String)> {
        let card = &mut self.card;
        let mut cut = Vec::new();
        let mut bound = |name: &'static str, text: &mut String| {
            if let Some((end, _)) = text.char_indices().nth(MAX_FIELD_CHARS) {
                cut.push((name, one_line(text)));
                text.truncate(end);
                text.truncate(text.trim_end().len());
            }
        };
        bound("company", &mut card.company);
        bound("department", &mut card.department);
        bound("salutation", &mut card.salutation);
        bound("given name", &mut card.given);
        bound("additional name", &mut card.additional);
        bound("family name", &mut card.family);
        bound("suffix", &mut card.suffix);
        bound("job title", &mut card.job_title);
        bound("VAT id", &mut card.vat_id);
        card.phones
            .iter_mut()
            .for_each(|phone| bound("phone", &mut phone.value));
        card.emails
            .iter_mut()
            .for_each(|email| bound("e-mail", &mut email.value));
        card.websites
            .iter_mut()
            .for_each(|website| bound("website", website));
        card.tags.iter_mut().for_each(|tag| bound("tag", tag));
        for address in &mut card.addresses {
            let PostalAddress {
                label: _,
                street,
                extra,
                postal_code,
                city,
                region,
                country,
            } = address;
            for text in [street, extra, postal_code, city, region, country] {
                bound("address", text);
            }
        }
        for (name, whole) in &cut {
            self.keep(name, whole);
        }
        cut
    }

    /// Keeps what a label cannot say as a line of the note.
    fn add_detail(&mut self, name: &str, value: &str, detail: Option<&str>) {
        if let Some(detail) = detail {
            self.keep(&format!("{name} {value}"), detail);
        }
    }

    fn add_labelled(
        &mut self,
        name: &str,
        list: fn(&mut Card) -> &mut Vec<Labelled>,
        label: Label,
        value: String,
    ) {
        let list = list(&mut self.card);
        if let Some(known) = list.iter_mut().find(|known| known.value == value) {
            if known.label == Label::Other {
                known.label = label;
            }
        } else if list.len() < MAX_VALUES {
            list.push(Labelled { label, value });
        } else {
            self.keep(name, &value);
        }
    }

    fn add_text(&mut self, name: &str, list: fn(&mut Card) -> &mut Vec<String>, value: &str) {
        let value = one_line(value);
        let list = list(&mut self.card);
        if value.is_empty() || list.contains(&value) {
            return;
        }
        if list.len() < MAX_VALUES {
            list.push(value);
        } else {
            self.keep(name, &value);
        }
    }
}

/// Puts a text on one line: line breaks become ", ", control characters go, white space at the ends goes.
pub(crate) fn one_line(text: &str) -> String {
    let parts = text.split(['\n', '\r']).map(printable);
    let parts: Vec<String> = parts.filter(|part| !part.is_empty()).collect();
    let mut line = String::with_capacity(text.len());
    for part in parts {
        if !line.is_empty() {
            line.push_str(if line.ends_with([',', ';', ':', '.']) {
                " "
            } else {
                ", "
            });
        }
        line.push_str(&part);
    }
    line
}

/// Cleans a text of several lines: breaks become `\n`, control characters go, as does empty space at the ends.
fn many_lines(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let lines: Vec<String> = text.split('\n').map(printable).collect();
    lines.join("\n").trim().to_owned()
}

/// Removes what is not printable; tabs become spaces.
fn printable(text: &str) -> String {
    let letters = text
        .chars()
        .map(|letter| if letter == '\t' { ' ' } else { letter });
    let invisible =
        |letter: &char| letter.is_control() || matches!(letter, '\u{feff}' | '\u{200b}');
    let text: String = letters.filter(|letter| !invisible(letter)).collect();
    text.trim().to_owned()
}

/// Returns the text without a prefix that is ASCII.
pub(crate) fn strip_prefix_ignoring_case<'a>(text: &'a str, prefix: &str) -> &'a str {
    match text.get(..prefix.len()) {
        Some(start) if start.eq_ignore_ascii_case(prefix) => text[prefix.len()..].trim_start(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_joined_and_cleaned() {
        assert_eq!(
            one_line(" Building 6,\r\n\r\n\tFloor 8\u{0}\n"),
            "Building 6, Floor 8"
        );
        assert_eq!(one_line("Building 6\nFloor 8"), "Building 6, Floor 8");
        assert_eq!(many_lines("\r\na\r\n\r\n b\r\n"), "a\n\nb");
    }
}
