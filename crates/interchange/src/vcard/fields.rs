//! Properties to the fields of a card, and which properties are left out.

use std::collections::HashMap;

use super::property::{Parsed, Property, unescaped};
use crate::card::{Card, Label, PostalAddress};
use crate::draft::{Draft, one_line, strip_prefix_ignoring_case};
use crate::names::words;

/// Lists what no person typed: pictures, sounds, keys, and the bookkeeping of programs.
///
/// X-ABLABEL is not in the card either, but it is used: it labels the properties of its group.
/// X-ABADR is a country code, X-MS-OL-… and X-MS-CARDPICTURE lay out Outlook's business card.
const LEFT_OUT: &str = "PHOTO LOGO SOUND KEY PRODID REV UID VERSION PROFILE MAILER SORT-STRING CLIENTPIDMAP \
    XML JSPROP CREATED X-ABLABEL X-ABADR X-ABUID X-ABSHOWAS X-ABORDER X-MS-CARDPICTURE \
    X-MS-IMAGE X-EVOLUTION-FILE-AS X-GENERATOR X-ETAG X-ID X-MOZILLA-HTML X-LOTUS- \
    CHARSET X-FC-TAGS X-FC-LIST-ID X-IMAGETYPE X-IMAGEHASH X-SHARED-PHOTO-DISPLAY-PREF \
    X-WAB-TLS";
/// Begins the names of further such properties.
const LEFT_OUT_PREFIXES: &[&str] = &[
    "X-MS-OL-",
    "X-COUCHDB-",
    "X-ANDROID-CUSTOM-PHOTO",
    "X-RADICALE-",
];
/// Are the names under which programs keep a VAT identification number.
const VAT_NAMES: &[&str] = &[
    "X-VAT-ID",
    "X-VATID",
    "X-VAT",
    "X-UST-ID",
    "X-USTID",
    "X-UST-IDNR",
    "X-TAX-ID",
];

/// Puts the properties of one card into a draft.
pub(super) fn fill(draft: &mut Draft, properties: &[Property]) {
    let labels = group_labels(properties);
    let mut letters = Vec::new();
    for property in properties {
        let label = labels.get(property.group.as_str()).map(String::as_str);
        match property.name.as_str() {
            name if is_left_out(name) => {}
            _ if property.value.trim().is_empty() && !property.is_binary => {}
            name if property.is_binary => {
                draft.warn(property.line, format!("{name} holds binary data and was not read; if it is a text, type it in by hand"));
            }
            "LABEL" => letters.push(property),
            _ => set_field(draft, property, label),
        }
    }
    for letter in letters {
        let text = letter.text();
        if !is_in_addresses(&text, &draft.card) {
            draft.keep("LABEL", &text);
        }
    }
}

/// Sets the field that a property stands for, or keeps it in the note.
fn set_field(draft: &mut Draft, property: &Property, label: Option<&str>) {
    let name = property.name.as_str();
    match name {
        "FN" => set_formatted(draft, property),
        "N" => set_name(draft, property),
        "ORG" => set_organisation(draft, property),
        "TITLE" | "ROLE" => draft.set(|card| &mut card.job_title, name, &property.text()),
        "TEL" | "X-MS-TEL" => {
            let (parsed, label, detail) = labelled(property, "TEL", label);
            let value = parsed.values.join(";");
            let value = strip_prefix_ignoring_case(value.trim(), "tel:").replace(";ext=", " ext. ");
            draft.add_phone(label, &value, detail.as_deref());
        }
        "EMAIL" => {
            let (parsed, label, detail) = labelled(property, "EMAIL", label);
            draft.add_email(label, &parsed.values.join(""), detail.as_deref());
        }
        "ADR" => add_address(draft, property, label),
        "URL" => add_website(draft, property, label),
        "SOCIALPROFILE" | "X-SOCIALPROFILE" | "X-LINKEDIN"
            if property.value.starts_with("http") =>
        {
            draft.add_website(&property.text());
        }
        "NOTE" => draft.add_note(&property.text()),
        "CATEGORIES" => {
            // Thunderbird's extension escapes the commas between categories.
            let parsed = property.parse_as("CATEGORIES");
            parsed
                .values
                .iter()
                .flat_map(|value| value.split(','))
                .for_each(|value| draft.add_tag(value));
        }
        "BDAY" => draft.set_birthday("BDAY", &property.text()),
        "KIND" | "X-ADDRESSBOOKSERVER-KIND" => {
            let kind = property.text().trim().to_lowercase();
            draft.is_company |= kind == "org";
            if !matches!(kind.as_str(), "org" | "individual") {
                draft.keep("KIND", &kind);
            }
        }
        "CLASS" if property.value.trim().eq_ignore_ascii_case("PUBLIC") => {}
        "AGENT" => draft.keep("AGENT", &agent(&property.text())),
        name if VAT_NAMES.contains(&name) => {
            draft.set(|card| &mut card.vat_id, name, &property.text())
        }
        name => {
            let name = label.map_or_else(
                || name.to_owned(),
                |label| format!("{name} ({})", label_text(label)),
            );
            draft.keep(&name, &property.text());
        }
    }
}

fn is_left_out(name: &str) -> bool {
    LEFT_OUT.split(' ').any(|left_out| left_out == name)
        || LEFT_OUT_PREFIXES
            .iter()
            .any(|prefix| name.starts_with(prefix))
}

/// Tells whether the properties say that the card is shown as a company.
pub(super) fn is_shown_as_company(properties: &[Property]) -> bool {
    properties.iter().any(|property| {
        property.name == "X-ABSHOWAS" && property.value.trim().eq_ignore_ascii_case("COMPANY")
    })
}

/// Returns the texts of X-ABLABEL by group.
fn group_labels(properties: &[Property]) -> HashMap<&str, String> {
    let labels = properties
        .iter()
        .filter(|property| property.name == "X-ABLABEL" && !property.group.is_empty());
    labels
        .map(|property| (property.group.as_str(), property.text()))
        .filter(|(_, text)| !text.trim().is_empty())
        .collect()
}

/// Returns the text within Apple's `_$!<Home>!$_`.
fn label_text(label: &str) -> &str {
    label
        .trim()
        .trim_start_matches("_$!<")
        .trim_end_matches(">!$_")
}

fn set_name(draft: &mut Draft, property: &Property) {
    let values = property.parse_as("N").values;
    let mut values = values.iter().map(String::as_str);
    let mut next = || values.next().unwrap_or_default();
    draft.set(|card| &mut card.family, "N", next());
    draft.set(|card| &mut card.given, "N", next());
    draft.set(|card| &mut card.additional, "N", next());
    draft.set(|card| &mut card.salutation, "N", next());
    draft.set(|card| &mut card.suffix, "N", next());
    // RFC 9554 adds a second surname and a generation, which repeat earlier components.
    values.for_each(|value| draft.keep("N", value));
}

fn set_formatted(draft: &mut Draft, property: &Property) {
    let text = one_line(&property.text());
    if draft.formatted.is_empty() {
        draft.formatted = text;
    } else if draft.formatted != text {
        draft.keep("FN", &text);
    }
}

/// Adds a website; where it is used is plain from itself, so only a label of one's own says more.
fn add_website(draft: &mut Draft, property: &Property, label: Option<&str>) {
    let website = property.text();
    draft.add_website(&website);
    let label = label.map(label_text).filter(|label| *label != "HomePage");
    if let Some(label) = label.filter(|label| label_of(&label.to_lowercase()).is_none()) {
        draft.keep(&format!("URL {website}"), label);
    }
}

fn set_organisation(draft: &mut Draft, property: &Property) {
    let values = property.parse_as("ORG").values;
    let Some((company, units)) = values.split_first() else {
        return;
    };
    let units: Vec<String> = units
        .iter()
        .map(|unit| one_line(unit))
        .filter(|unit| !unit.is_empty())
        .collect();
    let units = units.join(", ");
    let company = one_line(company);
    if draft.card.company.is_empty() || draft.card.company == company {
        draft.set(|card| &mut card.company, "ORG", &company);
        draft.set(|card| &mut card.department, "ORG", &units);
    } else {
        let parts = [company, units];
        let parts: Vec<&str> = parts
            .iter()
            .map(String::as_str)
            .filter(|part| !part.is_empty())
            .collect();
        draft.keep("ORG", &parts.join(", "));
    }
}

fn add_address(draft: &mut Draft, property: &Property, label: Option<&str>) {
    let (parsed, label, detail) = labelled(property, "ADR", label);
    let mut values = parsed
        .values
        .iter()
        .map(|value| one_line(value).trim_end_matches([',', ' ']).to_owned());
    let mut next = || values.next().unwrap_or_default();
    let (post_box, extra) = (next(), next());
    let (street, city, region, postal_code, country) = (next(), next(), next(), next(), next());
    let extra: Vec<String> = [post_box, extra]
        .into_iter()
        .chain(values)
        .filter(|text| !text.is_empty())
        .collect();
    let extra = extra.join(", ");
    let label = if matches!(label, Label::Work | Label::Home) {
        label
    } else {
        Label::Other
    };
    draft.add_address(
        PostalAddress {
            label,
            street,
            extra,
            postal_code,
            city,
            region,
            country,
        },
        detail.as_deref(),
    );
}

/// Takes a property apart and says what it is for; the third part is what the label cannot say.
fn labelled(
    property: &Property,
    name: &str,
    label: Option<&str>,
) -> (Parsed, Label, Option<String>) {
    let parsed = property.parse_as(name);
    let mut found = parsed
        .types
        .iter()
        .map(|kind| label_of(kind))
        .fold(None, stronger);
    let mut details: Vec<String> = parsed
        .types
        .iter()
        .filter(|kind| !is_plain_type(kind))
        .cloned()
        .collect();
    if let Some(label) = label {
        let text = label_text(label);
        let by_text = label_of(&text.to_lowercase());
        found = stronger(found, by_text);
        if by_text.is_none() {
            details.push(text.to_owned());
        }
    }
    let detail = (!details.is_empty()).then(|| details.join(", "));
    (parsed, found.unwrap_or_default(), detail)
}

/// Returns the label that says more: fax before mobile before the place.
fn stronger(first: Option<Label>, second: Option<Label>) -> Option<Label> {
    let rank = |label: &Option<Label>| match label {
        Some(Label::Fax) => 4,
        Some(Label::Mobile) => 3,
        Some(Label::Work) => 2,
        Some(Label::Home) => 1,
        Some(Label::Other) | None => 0,
    };
    if rank(&second) > rank(&first) {
        second
    } else {
        first
    }
}

/// Reads a label from a lower-case type or a custom label, in English or German.
pub(crate) fn label_of(text: &str) -> Option<Label> {
    let has = |parts: &[&str]| parts.iter().any(|part| text.contains(part));
    if has(&["fax"]) {
        Some(Label::Fax)
    } else if has(&["cell", "mobil", "handy", "iphone"]) {
        Some(Label::Mobile)
    } else if text != "network"
        && has(&[
            "work",
            "business",
            "office",
            "arbeit",
            "geschäft",
            "geschaeft",
            "dienst",
            "büro",
            "buero",
            "beruf",
        ])
    {
        Some(Label::Work)
    } else if text != "homepage" && has(&["home", "privat"]) {
        Some(Label::Home)
    } else {
        None
    }
}

/// Tells whether a type needs no line of its own, because the label says it or because it says nothing.
fn is_plain_type(kind: &str) -> bool {
    let plain = [
        "voice",
        "pref",
        "internet",
        "msg",
        "text",
        "video",
        "postal",
        "parcel",
        "dom",
        "intl",
        "other",
        "inline",
        "vcard",
        "isdn",
        "callback",
        "main",
        "main-number",
        "contact",
    ];
    kind.is_empty()
        || label_of(kind).is_some()
        || plain.contains(&kind)
        || kind.starts_with("x-")
        || is_language(kind)
}

/// Tells whether a bare parameter is a language such as "de-de".
fn is_language(kind: &str) -> bool {
    kind.len() == 5 && kind.as_bytes()[2] == b'-'
}

/// Tells whether a delivery label only repeats an address.
fn is_in_addresses(label: &str, card: &Card) -> bool {
    card.addresses.iter().any(|address| {
        let known: Vec<String> = address
            .texts()
            .into_iter()
            .flat_map(|text| words(text))
            .collect();
        words(label).all(|word| known.contains(&word))
    })
}

/// Shortens the card of an agent to what one needs to reach him.
fn agent(text: &str) -> String {
    if !text.trim_start().to_uppercase().starts_with("BEGIN:VCARD") {
        return text.to_owned();
    }
    let wanted = ["FN", "ORG", "TITLE", "TEL", "EMAIL"];
    let parts = text.lines().filter_map(|line| {
        let (head, value) = line.split_once(':')?;
        let name = head
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_uppercase();
        wanted
            .contains(&name.as_str())
            .then(|| unescaped(value.trim()))
    });
    let parts: Vec<String> = parts.filter(|part| !part.is_empty()).collect();
    parts.join(", ")
}
