//! Names of persons from whole names and from e-mail addresses.

use crate::card::Card;
use crate::draft::Draft;

/// Stands before a name without being part of it, lower case and without full stops.
const SALUTATIONS: &[&str] = &[
    "herr",
    "herrn",
    "frau",
    "fräulein",
    "mr",
    "mrs",
    "ms",
    "miss",
    "mx",
    "sir",
    "dr",
    "prof",
    "professor",
    "ing",
    "mag",
    "dipl-ing",
    "dipl-kfm",
];
/// Begins a family name of several words.
const PARTICLES: &[&str] = &[
    "von", "vom", "van", "zu", "zum", "zur", "de", "der", "den", "del", "della", "di", "da", "dos",
    "du", "la", "le", "ten", "ter",
];
/// Tells that a whole name is that of a company; compared without full stops.
const LEGAL_FORMS: &[&str] = &[
    "gmbh", "mbh", "ag", "kg", "ohg", "gbr", "ug", "eg", "ev", "kgaa", "ltd", "inc", "llc", "corp",
    "plc", "srl", "sarl", "bv",
];
/// Is the part before the @ that stands for an office, not for a person.
const OFFICES: &[&str] = &[
    "info",
    "office",
    "mail",
    "email",
    "kontakt",
    "contact",
    "post",
    "sales",
    "vertrieb",
    "einkauf",
    "service",
    "support",
    "admin",
    "hello",
    "hallo",
    "team",
    "buero",
    "zentrale",
    "webmaster",
    "postmaster",
    "verwaltung",
    "sekretariat",
    "service-center",
    "noreply",
    "no-reply",
    "marketing",
    "presse",
    "jobs",
    "hr",
    "accounting",
    "buchhaltung",
    "rechnung",
    "invoice",
    "billing",
    "anfrage",
    "bestellung",
];
/// Lists providers whose domain says nothing about a company.
const FREE_MAIL: &[&str] = &[
    "gmail.com",
    "googlemail.com",
    "yahoo.com",
    "yahoo.de",
    "hotmail.com",
    "hotmail.de",
    "outlook.com",
    "outlook.de",
    "live.com",
    "live.de",
    "icloud.com",
    "me.com",
    "aol.com",
    "gmx.de",
    "gmx.net",
    "gmx.at",
    "gmx.ch",
    "web.de",
    "t-online.de",
    "freenet.de",
    "posteo.de",
    "mailbox.org",
    "proton.me",
    "protonmail.com",
    "arcor.de",
];

/// Gives the card the name that it lacks, from the whole name, else from the e-mail address.
///
/// A whole name that says more than the parts goes to the note.
/// From `anna.schmidt@…` come given and family name. Only where there is no company either, a simple `schmidt@…`
/// becomes the family name, and an office (`info@…`) gives the domain as the company, unless it is a free provider's.
pub(crate) fn complete(draft: &mut Draft) {
    let formatted = std::mem::take(&mut draft.formatted);
    let is_address = formatted.contains('@') && !formatted.contains(' ');
    if draft.card.has_name() {
        if !is_covered(&formatted, &draft.card) {
            draft.keep("FN", &formatted);
        }
    } else if is_address {
        if draft.card.emails.is_empty() {
            draft.add_email(crate::Label::Other, &formatted, None);
        }
    } else if draft.is_company || is_company_name(&formatted) {
        draft.set(|card| &mut card.company, "FN", &formatted);
    } else if !is_covered(&formatted, &draft.card) {
        take_whole_name(&mut draft.card, &formatted);
    }
    if !draft.card.has_name()
        && let Some(email) = draft.card.emails.first().map(|email| email.value.clone())
    {
        take_name_of_email(&mut draft.card, &email);
    }
}

/// Tells whether each word of the text stands in the parts of the name or in the company already.
fn is_covered(text: &str, card: &Card) -> bool {
    let parts = [
        &card.salutation,
        &card.given,
        &card.additional,
        &card.family,
        &card.suffix,
        &card.company,
    ];
    let known: Vec<String> = parts.into_iter().flat_map(|part| words(part)).collect();
    words(text).all(|word| known.contains(&word))
}

/// Splits a text into its words, in lower case.
pub(crate) fn words(text: &str) -> impl Iterator<Item = String> {
    let words = text.split(|letter: char| !letter.is_alphanumeric());
    words.filter(|word| !word.is_empty()).map(str::to_lowercase)
}

fn without_stops(word: &str) -> String {
    word.to_lowercase().replace('.', "")
}

fn is_company_name(text: &str) -> bool {
    text.split_whitespace()
        .skip(1)
        .any(|word| LEGAL_FORMS.contains(&without_stops(word).trim_matches(',')))
}

/// Splits a whole name into its parts: "Herr Dr. Max von Muster", "Muster, Max", "Muster".
pub(crate) fn take_whole_name(card: &mut Card, text: &str) {
    let mut rest: Vec<&str> = text.split_whitespace().collect();
    let mut before = Vec::new();
    while rest.len() > 1 && SALUTATIONS.contains(&without_stops(rest[0]).as_str()) {
        before.push(rest.remove(0));
    }
    if card.salutation.is_empty() {
        card.salutation = before.join(" ");
    }
    let text = rest.join(" ");
    if let Some((family, given)) = text.split_once(',')
        && !family.trim().is_empty()
        && !given.trim().is_empty()
    {
        card.family = family.trim().to_owned();
        card.given = given.trim().to_owned();
        return;
    }
    let is_particle = |word: &&str| PARTICLES.contains(&word.to_lowercase().as_str());
    let last = rest.len().saturating_sub(1);
    let family_at = (1..last)
        .find(|index| is_particle(&rest[*index]))
        .unwrap_or(last);
    card.given = rest[..family_at].join(" ");
    card.family = rest[family_at..].join(" ");
}

fn take_name_of_email(card: &mut Card, email: &str) {
    let Some((local, domain)) = email.rsplit_once('@') else {
        return;
    };
    let local = local.split('+').next().unwrap_or_default();
    let parts: Vec<&str> = local
        .split(['.', '_'])
        .map(|part| part.trim_end_matches(|letter: char| letter.is_ascii_digit()))
        .collect();
    let is_office = OFFICES.contains(&local.to_lowercase().as_str())
        || parts
            .iter()
            .any(|part| OFFICES.contains(&part.to_lowercase().as_str()));
    let are_words = parts.iter().all(|part| {
        !part.is_empty()
            && part
                .chars()
                .all(|letter| letter.is_alphabetic() || letter == '-')
    });
    match parts.as_slice() {
        [given @ .., family]
            if !given.is_empty() && given.len() <= 2 && are_words && !is_office =>
        {
            let given: Vec<String> = given.iter().map(|part| capitalised(part)).collect();
            card.given = given.join(" ");
            card.family = capitalised(family);
        }
        _ if !card.company.is_empty() => {}
        _ if is_office
            && domain.contains('.')
            && !FREE_MAIL.contains(&domain.to_lowercase().as_str()) =>
        {
            card.company = domain.to_owned();
        }
        _ => card.family = local.to_owned(),
    }
}

/// Capitalises each part of a double name.
fn capitalised(word: &str) -> String {
    let parts = word.split('-').map(|part| {
        let mut letters = part.chars();
        letters.next().map_or_else(String::new, |first| {
            first.to_uppercase().chain(letters).collect()
        })
    });
    let parts: Vec<String> = parts.collect();
    parts.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn completed(formatted: &str, email: &str, company: &str) -> String {
        let mut draft = Draft::new(1, 1);
        draft.formatted = formatted.to_owned();
        draft.add_email(crate::Label::Work, email, None);
        draft.set(|card| &mut card.company, "ORG", company);
        complete(&mut draft);
        let Card {
            salutation,
            given,
            family,
            company,
            ..
        } = draft.card;
        format!("{salutation}|{given}|{family}|{company}")
    }

    #[test]
    fn whole_names_are_split() {
        let check = |text, expected| assert_eq!(completed(text, "", ""), expected, "{text}");
        check("Max Muster", "|Max|Muster|");
        check(
            "Herr Dr. Max Peter von der Muster",
            "Herr Dr.|Max Peter|von der Muster|",
        );
        check("Muster, Max", "|Max|Muster|");
        check("Muster", "||Muster|");
        check("Herr", "||Herr|");
        check("von Muster", "|von|Muster|");
        check("Mueller Praezision GmbH", "|||Mueller Praezision GmbH");
        check("", "|||");
    }

    #[test]
    fn addresses_give_names() {
        let check = |email, company, expected| {
            assert_eq!(completed("", email, company), expected, "{email}")
        };
        check("max.muster-mann@example.com", "", "|Max|Muster-Mann|");
        check(
            "max_muster2@example.com",
            "Muster AG",
            "|Max|Muster|Muster AG",
        );
        check("mmuster@example.com", "", "||mmuster|");
        check("mmuster@example.com", "Muster AG", "|||Muster AG");
        check("info@example.com", "", "|||example.com");
        check("info@gmx.de", "", "||info|");
        check("@", "", "|||");
        assert_eq!(completed("max.muster@example.com", "", ""), "|Max|Muster|");
        assert_eq!(completed("Muster AG", "", "Muster AG"), "|||Muster AG");
    }
}
