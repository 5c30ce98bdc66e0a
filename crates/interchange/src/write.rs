//! A card as vCard 4.0 (RFC 6350).

use crate::card::{Card, Label, PostalAddress};

/// Is the longest line in bytes, without its end (RFC 6350, section 3.2).
const MAX_LINE_BYTES: usize = 75;

/// Writes a card as vCard 4.0, with CR LF line ends and folded lines.
///
/// Reading it again gives an equal card but for its place in the file, if the card has a part of a person's name:
/// vCard demands one, and [`crate::read_vcards`] looks for one in company and e-mail.
#[must_use]
pub fn write_vcard(card: &Card) -> String {
    let mut lines = Lines::default();
    lines.add("BEGIN", "VCARD");
    lines.add("VERSION", "4.0");
    write_names(&mut lines, card);
    lines.add("TITLE", &escaped(&card.job_title));
    for phone in &card.phones {
        let name = format!("TEL{}", parameter(phone.label));
        lines.add(&name, &escaped(&phone.value));
    }
    for email in &card.emails {
        let name = format!("EMAIL{}", parameter(email.label));
        lines.add(&name, &escaped(&email.value));
    }
    for address in &card.addresses {
        write_address(&mut lines, address);
    }
    for website in &card.websites {
        lines.add("URL", &escaped(website));
    }
    let tags: Vec<String> = card.tags.iter().map(|tag| escaped(tag)).collect();
    lines.add("CATEGORIES", &tags.join(","));
    let digits = card.birthday.replace('-', "");
    let mark = if card.birthday.starts_with("--") {
        "--"
    } else {
        ""
    };
    lines.add("BDAY", &format!("{mark}{digits}"));
    lines.add("X-VAT-ID", &escaped(&card.vat_id));
    lines.add("NOTE", &escaped(&card.note));
    lines.add("END", "VCARD");
    lines.text
}

/// Collects the lines of a card.
#[derive(Default)]
struct Lines {
    text: String,
}

impl Lines {
    /// Adds a property unless its value is empty.
    fn add(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            fold(&mut self.text, &format!("{name}:{value}"));
        }
    }
}

fn write_names(lines: &mut Lines, card: &Card) {
    let shown = escaped(&card.display_name());
    // FN is demanded; it stands there even when nothing names the card.
    lines.add("FN", if shown.is_empty() { " " } else { &shown });
    if card.has_name() {
        let parts = [
            card.family.as_str(),
            &card.given,
            &card.additional,
            &card.salutation,
            &card.suffix,
        ];
        lines.add("N", &components(&parts));
    } else {
        lines.add("KIND", "org");
    }
    if !(card.company.is_empty() && card.department.is_empty()) {
        lines.add("ORG", &components(&[&card.company, &card.department]));
    }
}

fn write_address(lines: &mut Lines, address: &PostalAddress) {
    let PostalAddress {
        label,
        street,
        extra,
        postal_code,
        city,
        region,
        country,
    } = address;
    let name = format!("ADR{}", parameter(*label));
    let parts = ["", extra, street, city, region, postal_code, country];
    lines.add(&name, &components(&parts));
}

fn parameter(label: Label) -> &'static str {
    match label {
        Label::Work => ";TYPE=work",
        Label::Home => ";TYPE=home",
        Label::Mobile => ";TYPE=cell",
        Label::Fax => ";TYPE=fax",
        Label::Other => "",
    }
}

fn components(parts: &[&str]) -> String {
    let parts: Vec<String> = parts.iter().map(|part| escaped(part)).collect();
    parts.join(";")
}

/// Escapes a text (RFC 6350, section 3.4).
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace(',', "\\,")
        .replace(';', "\\;")
        .replace('\n', "\\n")
}

/// Appends a line, broken between characters into pieces of at most 75 bytes.
fn fold(text: &mut String, line: &str) {
    let mut width = 0;
    for letter in line.chars() {
        if width + letter.len_utf8() > MAX_LINE_BYTES {
            text.push_str("\r\n ");
            width = 1;
        }
        text.push(letter);
        width += letter.len_utf8();
    }
    text.push_str("\r\n");
}
