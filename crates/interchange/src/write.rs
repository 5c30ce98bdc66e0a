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
    let mut text = String::new();
    let mut line = |name: &str, value: String| {
        if !value.is_empty() {
            fold(&mut text, &format!("{name}:{value}"));
        }
    };
    line("BEGIN", "VCARD".to_owned());
    line("VERSION", "4.0".to_owned());
    let escaped_name = escaped(&card.display_name());
    // FN is demanded; it stands there even when nothing names the card.
    line(
        "FN",
        if escaped_name.is_empty() {
            " ".to_owned()
        } else {
            escaped_name
        },
    );
    if card.has_name() {
        line(
            "N",
            components(&[
                &card.family,
                &card.given,
                &card.additional,
                &card.salutation,
                &card.suffix,
            ]),
        );
    } else {
        line("KIND", "org".to_owned());
    }
    if !(card.company.is_empty() && card.department.is_empty()) {
        line("ORG", components(&[&card.company, &card.department]));
    }
    line("TITLE", escaped(&card.job_title));
    for phone in &card.phones {
        line(
            &format!("TEL{}", parameter(phone.label)),
            escaped(&phone.value),
        );
    }
    for email in &card.emails {
        line(
            &format!("EMAIL{}", parameter(email.label)),
            escaped(&email.value),
        );
    }
    for address in &card.addresses {
        let PostalAddress {
            label,
            street,
            extra,
            postal_code,
            city,
            region,
            country,
        } = address;
        line(
            &format!("ADR{}", parameter(*label)),
            components(&["", extra, street, city, region, postal_code, country]),
        );
    }
    for website in &card.websites {
        line("URL", escaped(website));
    }
    let tags: Vec<String> = card.tags.iter().map(|tag| escaped(tag)).collect();
    line("CATEGORIES", tags.join(","));
    let is_without_year = card.birthday.starts_with("--");
    line(
        "BDAY",
        if is_without_year {
            format!("--{}", card.birthday.replace('-', ""))
        } else {
            card.birthday.replace('-', "")
        },
    );
    line("X-VAT-ID", escaped(&card.vat_id));
    line("NOTE", escaped(&card.note));
    line("END", "VCARD".to_owned());
    text
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
