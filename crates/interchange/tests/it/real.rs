//! Files that nobody of this project wrote, read where they lie beside the project; skipped where they are not.

use std::path::PathBuf;

use interchange::{Card, Format, Imported, Label, detect, read};

/// Returns the folder with the files, or prints that it is missing.
fn folder(name: &str) -> Option<PathBuf> {
    let folder =
        PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")).join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: the folder ../shared/data/{name} is not beside the project");
    None
}

fn import(path: &std::path::Path) -> (Format, Imported) {
    let bytes = std::fs::read(path).expect("the file is readable");
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let format = detect(&name, &bytes).expect("the file is of a known format");
    (
        format,
        read(format, &bytes).expect("the file is readable as a whole"),
    )
}

fn vcards(name: &str) -> Option<Vec<Card>> {
    folder("vcard").map(|folder| import(&folder.join(name)).1.cards)
}

/// Lists all texts of a card.
fn texts(card: &Card) -> Vec<&str> {
    let Card {
        company,
        department,
        salutation,
        given,
        additional,
        family,
        suffix,
        job_title,
        note,
        birthday,
        vat_id,
        ..
    } = card;
    let mut texts: Vec<&str> = [
        company, department, salutation, given, additional, family, suffix, job_title, note,
        birthday, vat_id,
    ]
    .map(String::as_str)
    .into();
    texts.extend(
        card.phones
            .iter()
            .chain(&card.emails)
            .map(|item| item.value.as_str()),
    );
    texts.extend(card.websites.iter().chain(&card.tags).map(String::as_str));
    for address in &card.addresses {
        texts.extend(
            [
                &address.street,
                &address.extra,
                &address.postal_code,
                &address.city,
                &address.region,
                &address.country,
            ]
            .map(String::as_str),
        );
    }
    texts
}

fn name(card: &Card) -> [&str; 3] {
    [&card.given, &card.family, &card.company]
}

#[test]
fn every_vcard_file_gives_its_cards_in_good_letters() {
    let Some(folder) = folder("vcard") else {
        return;
    };
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("the folder is readable")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    let (mut cards, mut checked) = (0, 0);
    for path in &paths {
        let bytes = std::fs::read(path).expect("the file is readable");
        // Zero bytes are what UTF-16 adds to ASCII.
        let letters: String = bytes
            .iter()
            .filter(|byte| **byte != 0)
            .map(|byte| char::from(byte.to_ascii_uppercase()))
            .collect();
        let expected = letters.matches("BEGIN:VCARD").count();
        let (format, imported) = import(path);
        assert_eq!(format, Format::Vcard, "{path:?}");
        assert_eq!(imported.problems, [], "{path:?}");
        assert_eq!(imported.cards.len(), expected, "{path:?}");
        for card in &imported.cards {
            for text in texts(card) {
                assert!(!text.contains(['\u{fffd}', 'Ã', 'Â']), "{path:?}: {text}");
                assert!(
                    !text
                        .chars()
                        .any(|letter| letter.is_control() && letter != '\n'),
                    "{path:?}: {text:?}"
                );
                checked += usize::from(!text.is_empty());
            }
        }
        cards += imported.cards.len();
    }
    println!(
        "checked {checked} texts of {cards} cards in {} vCard files",
        paths.len()
    );
    assert_eq!((paths.len(), cards), (24, 34));
}

#[test]
fn names_of_the_exports_of_one_person_are_right() {
    let mut checked = 0;
    for (file, given, additional, salutation) in [
        ("EVOLUTION", "John", "Richter, James", "Mr."),
        ("GMAIL", "John", "Richter, James", "Mr."),
        ("IPHONE", "John", "Richter, James", "Mr."),
        ("MAC_ADDRESS_BOOK", "John", "Richter,James", "Mr."),
        ("MS_OUTLOOK", "John", "Richter, James", "Mr."),
        ("LOTUS_NOTES", "John", "Johny", "Mr."),
        ("BLACK_BERRY", "john", "", ""),
    ] {
        let Some(cards) = vcards(&format!("ez-John_Doe_{file}.vcf")) else {
            return;
        };
        let card = &cards[0];
        let found = [
            card.given.as_str(),
            &card.additional,
            &card.family,
            &card.salutation,
        ];
        assert_eq!(found, [given, additional, "Doe", salutation], "{file}");
        let company = if file == "BLACK_BERRY" {
            "Acme Solutions"
        } else {
            "IBM"
        };
        assert_eq!(card.company, company, "{file}");
        checked += 1;
    }
    let Some(cards) = vcards("ez-John_Doe_ANDROID.vcf") else {
        return;
    };
    let names: Vec<[&str; 3]> = cards.iter().map(name).collect();
    assert_eq!(
        names[..3],
        [
            ["John", "Doe", ""],
            ["Jane", "Doe", ""],
            ["", "Ñ Ñ Ñ Ñ", ""]
        ]
    );
    assert_eq!(names[4], ["Ñ Ñ Ñ", "Ñ Ñ", "ÑÑÑÑÑÑÑÑÑÑÑÑ"].map(|text| text));
    println!("checked the names of {} exports", checked + 1);
}

#[test]
fn umlauts_are_right_in_every_charset() {
    let check = |file: &str, expected: &[[&str; 3]]| {
        let Some(cards) = vcards(file) else { return 0 };
        assert_eq!(
            cards.iter().map(name).collect::<Vec<_>>(),
            expected,
            "{file}"
        );
        cards.len()
    };
    let mut checked = 0;
    checked += check("fk-German.vcf", &[["Sören", "Nüßlebaum", ""]]);
    checked += check("fk-AnsiIssue.vcf", &[["Ralf", "Rastral", ""]]);
    checked += check(
        "fk-Outlook_v2.vcf",
        &[["Max", "Mustermann", "Musterfirma GmbH"]],
    );
    checked += check("fk-v2_1.vcf", &[["Max", "Mustermann", "Firma"]]);
    checked += check(
        "fk-v3Utf16Bom.vcf",
        &[["Folker", "Kinzel", ""], ["WSF", "KMS", "KMS Außenstelle"]],
    );
    checked += check(
        "fk-v4.vcf",
        &[
            ["Gerda", "Möhrke", "KiTa Öhrdingen"],
            ["Max", "Mustermann", "SED"],
        ],
    );
    println!("checked the names of {checked} cards with umlauts");
}

#[test]
fn umlauts_are_right_beyond_the_names() {
    let Some(german) = vcards("fk-German.vcf") else {
        return;
    };
    assert_eq!(
        (
            german[0].additional.as_str(),
            german[0].addresses[0].city.as_str()
        ),
        ("Täve", "Mößlitz")
    );
    let ansi = vcards("fk-AnsiIssue.vcf").unwrap_or_default();
    assert_eq!(
        (ansi[0].addresses[0].street.as_str(), ansi[0].note.as_str()),
        ("Lämmerweg 12", "")
    );
    let old = vcards("fk-v2_1.vcf").unwrap_or_default();
    assert_eq!(
        (
            old[0].department.as_str(),
            old[0].addresses[0].street.as_str()
        ),
        ("Führungsetage", "Firmenstraße")
    );
    assert_eq!(old[0].phones[0].value, "Tel geschäftlich");
    assert!(
        old[0]
            .note
            .starts_with("Kommentar ÄÄÄÄÄÄ ääääää ÖÖÖÖÖÖ öööööö ÜÜÜÜÜÜ üüüüüü ßßßßßß\nKommentar"),
        "{}",
        old[0].note
    );
    let utf16 = vcards("fk-v3Utf16Bom.vcf").unwrap_or_default();
    assert_eq!(utf16[1].emails[0].value, "blablö@blub.com");
    assert_eq!(utf16[1].phones[1].label, Label::Fax);
    let new = vcards("fk-v4.vcf").unwrap_or_default();
    assert_eq!(
        (
            new[1].job_title.as_str(),
            new[1].addresses[1].street.as_str()
        ),
        ("Gröfaz", "Geschäftsadresse 32")
    );
}

#[test]
fn all_contacts_of_the_table_arrive() {
    let Some(folder) = folder("csv") else { return };
    let path = folder.join("contacts.csv");
    let (format, imported) = import(&path);
    assert_eq!(
        (format, imported.problems.as_slice()),
        (Format::Csv, [].as_slice())
    );
    // No cell of this table holds a line break, so each line after the first is a contact.
    let text = std::fs::read_to_string(&path).expect("the file is UTF-8");
    assert_eq!(
        imported.cards.len(),
        text.lines()
            .skip(1)
            .filter(|line| !line.trim().is_empty())
            .count()
    );
    let mut phones = [0; 3];
    for (index, card) in imported.cards.iter().enumerate() {
        assert_eq!((card.line, card.entry), (index + 2, index + 1));
        assert!(
            !card.given.is_empty()
                && !card.family.is_empty()
                && !card.company.is_empty()
                && !card.job_title.is_empty(),
            "{card:?}"
        );
        assert_eq!(card.emails.len(), 1, "{card:?}");
        assert!(card.emails[0].value.contains('@'), "{card:?}");
        assert!(card.note.contains("\nstatus: "), "{card:?}");
        for phone in &card.phones {
            let column = [Label::Work, Label::Home, Label::Other]
                .iter()
                .position(|label| *label == phone.label);
            phones[column.expect("the table has these three labels")] += 1;
            assert!(
                interchange::fold_phone(&phone.value, None).len() >= 10,
                "{phone:?}"
            );
        }
    }
    // Counted in the columns phone_work, phone_home and phone_other.
    assert_eq!(phones, [274, 270, 286]);
    let brekke = imported
        .cards
        .iter()
        .find(|card| card.given == "Faith" && card.family == "Leuschke")
        .expect("a contact of the table");
    assert_eq!(brekke.company, "Brekke, Dietrich and Klein");
    assert_eq!(brekke.tags, ["vip"]);
    let shown: Vec<(Label, &str)> = brekke
        .phones
        .iter()
        .map(|phone| (phone.label, phone.value.as_str()))
        .collect();
    assert_eq!(
        shown,
        [
            (Label::Home, "1-597-372-4380 x491"),
            (Label::Other, "(441) 954-5172")
        ]
    );
    println!(
        "checked {} contacts and {} phones of the table",
        imported.cards.len(),
        phones.iter().sum::<i32>()
    );
}
