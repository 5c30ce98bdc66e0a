//! Golden expectations for small tables.

use super::read_csv;
use crate::card::{Card, Imported, Label, ReadError};

fn read(text: &str) -> Imported {
    let imported = read_csv(text.as_bytes()).expect("the sample has columns");
    assert_eq!(
        imported.cards.len() + imported.skipped,
        imported.entries,
        "{imported:?}"
    );
    imported
}

/// Reads a table of one row, which must arrive without a problem.
fn one(text: &str) -> Card {
    let mut imported = read(text);
    assert_eq!(
        (imported.problems.as_slice(), imported.cards.len()),
        ([].as_slice(), 1),
        "{text}"
    );
    imported.cards.remove(0)
}

fn shown(list: &[crate::Labelled]) -> Vec<String> {
    list.iter()
        .map(|item| format!("{}: {}", item.label.word(), item.value))
        .collect()
}

#[test]
fn german_columns_with_semicolons() {
    let card = one(
        "Anrede;Titel;Vorname;Name;Firma;Position;Telefon (geschäftlich);Mobil;Fax;E-Mail;Straße;PLZ;Ort;Land;Bemerkung;Kategorien;Größe\n\
         Frau;Dr.;Anna;Muster;Mueller Praezision GmbH;Leiterin;'0611 12-0;=\"0171 1\";0611 2;a@example.com;Werkstr. 3;65201;Wiesbaden;DE;\"Zeile 1\nZeile 2\";Messe, Stahl;XL\n",
    );
    let names = [
        card.salutation,
        card.given,
        card.family,
        card.company,
        card.job_title,
    ];
    assert_eq!(
        names,
        [
            "Frau Dr.",
            "Anna",
            "Muster",
            "Mueller Praezision GmbH",
            "Leiterin"
        ]
    );
    assert_eq!(
        shown(&card.phones),
        ["work: 0611 12-0", "mobile: 0171 1", "fax: 0611 2"]
    );
    assert_eq!(shown(&card.emails), ["other: a@example.com"]);
    let address = &card.addresses[0];
    assert_eq!(
        [
            &address.street,
            &address.postal_code,
            &address.city,
            &address.country
        ],
        ["Werkstr. 3", "65201", "Wiesbaden", "DE"]
    );
    assert_eq!(card.note, "Zeile 1\nZeile 2\nGröße: XL");
    assert_eq!(card.tags, ["Messe", "Stahl"]);
}

#[test]
fn english_columns_with_commas_and_tabs() {
    let text = "First Name,last_name,company,Phone 1,phone2,Work Phone,email,Title,Website,linkedin,id\n\
                Anna,Muster,\"Muster, Sons\", 1 , - ,(2) x3,A@example.com,Buyer,example.com,https://linkedin.com/in/a,7\n";
    for text in [
        text.to_owned(),
        text.replace("\"Muster, Sons\"", "Muster; Sons")
            .replace(',', "\t")
            .replace("; ", ", "),
    ] {
        let card = one(&text);
        assert_eq!(
            [card.given, card.family, card.company, card.job_title],
            ["Anna", "Muster", "Muster, Sons", "Buyer"]
        );
        assert_eq!(shown(&card.phones), ["other: 1", "work: (2) x3"]);
        assert_eq!(card.websites, ["example.com", "https://linkedin.com/in/a"]);
        assert_eq!(card.note, "id: 7");
    }
}

#[test]
fn outlook_and_google_columns() {
    let card = one(
        "Title,First Name,Last Name,Job Title,Business Street,Business City,Home Street,Home Postal Code,Business Fax\nMs.,Anna,Muster,Buyer,Weg 1,Mainz,Gasse 2,55116,9\n",
    );
    assert_eq!([card.salutation, card.job_title], ["Ms.", "Buyer"]);
    let places: Vec<(Label, &str, &str)> = card
        .addresses
        .iter()
        .map(|address| {
            (
                address.label,
                address.street.as_str(),
                address.city.as_str(),
            )
        })
        .collect();
    assert_eq!(
        places,
        [
            (Label::Work, "Weg 1", "Mainz"),
            (Label::Home, "Gasse 2", "")
        ]
    );
    let card = one(
        "Name,Phone 1 - Type,Phone 1 - Value,Phone 2 - Type,Phone 2 - Value\nAnna Muster,Work,1 ::: 2,Mobile,3\n",
    );
    assert_eq!(shown(&card.phones), ["work: 1", "work: 2", "mobile: 3"]);
    assert_eq!([card.given, card.family], ["Anna", "Muster"]);
}

#[test]
fn charsets_and_openings() {
    let text = "sep=;\r\nVorname;Nachname\r\nJörg;Müßig\r\n";
    let utf16: Vec<u8> = [0xFF, 0xFE]
        .into_iter()
        .chain(text.encode_utf16().flat_map(u16::to_le_bytes))
        .collect();
    let ansi: Vec<u8> = text
        .chars()
        .map(|letter| u8::try_from(u32::from(letter)).expect("Latin letters"))
        .collect();
    let marked = [b"\xEF\xBB\xBF", text.as_bytes()].concat();
    for bytes in [text.as_bytes().to_vec(), utf16, ansi, marked] {
        let imported = read_csv(&bytes).expect("the sample has columns");
        let card = &imported.cards[0];
        assert_eq!(
            (card.given.as_str(), card.family.as_str(), card.line),
            ("Jörg", "Müßig", 3)
        );
    }
}

#[test]
fn wrong_rows_are_reported_and_the_others_arrive() {
    let imported = read(
        "First Name,Last Name,Email\nAnna,Muster,a@example.com\n\n,,\nshort,row\nBert,Muster,b@example.com,,\none,too,many,cells\n\n,,\nCleo,\"Mus\nter\",\n,,note only\n",
    );
    let names: Vec<(&str, usize, usize)> = imported
        .cards
        .iter()
        .map(|card| (card.given.as_str(), card.line, card.entry))
        .collect();
    assert_eq!(
        names,
        [("Anna", 2, 1), ("Bert", 6, 3), ("Cleo", 10, 5), ("", 12, 6)]
    );
    let places: Vec<(usize, usize, bool)> = imported
        .problems
        .iter()
        .map(|problem| (problem.line, problem.entry, problem.skipped))
        .collect();
    assert_eq!(places, [(5, 2, true), (7, 4, true)]);
    assert!(
        imported.problems[0].text.contains("2 cells")
            && imported.problems[0].text.contains("3 columns")
    );
}

#[test]
fn an_open_quote_costs_one_row() {
    // The quote takes the rest of the file as one cell, which gives the right number of cells by chance.
    let imported = read("First Name,Last Name\nAnna,\"Muster\nBert,Muster\nCleo,Muster\n");
    let names: Vec<&str> = imported
        .cards
        .iter()
        .map(|card| card.given.as_str())
        .collect();
    assert_eq!(names, ["Bert", "Cleo"], "{imported:?}");
    let imported = read("First Name,Last Name,Email\n\"Anna,Muster,\nBert,Muster,\nCleo,Muster,\n");
    let names: Vec<&str> = imported
        .cards
        .iter()
        .map(|card| card.given.as_str())
        .collect();
    assert_eq!(names, ["Bert", "Cleo"], "{imported:?}");
    assert!(imported.problems[0].text.contains("quote"), "{imported:?}");
}

#[test]
fn a_table_without_known_columns_is_refused() {
    let error = read_csv(b"1,2,3\n4,5,6\n").expect_err("no name of a column");
    assert_eq!(
        error,
        ReadError::NoKnownColumn {
            found: "1, 2, 3".into()
        }
    );
    assert_eq!(
        read_csv(b"\n \n").expect_err("no column"),
        ReadError::NoKnownColumn {
            found: String::new()
        }
    );
    assert_eq!(read_csv(b"").expect_err("no line"), ReadError::Empty);
    assert_eq!(read("Email\n").entries, 0);
    let wide = "Email,".repeat(crate::MAX_COLUMNS);
    let error = read_csv(wide.as_bytes()).expect_err("one column too many");
    assert!(
        matches!(error, ReadError::TooManyColumns { columns: 1_001, .. }),
        "{error}"
    );
}
