//! Golden expectations for small cards.

use super::read_vcards;
use crate::card::{
    Card, Imported, Label, Labelled, MAX_FIELD_CHARS, MAX_NOTE_CHARS, MAX_VALUES, PostalAddress,
    ReadError,
};

fn read(text: &str) -> Imported {
    let imported = read_vcards(text.as_bytes()).expect("the sample has a card");
    assert_eq!(
        imported.cards.len() + imported.skipped,
        imported.entries,
        "{imported:?}"
    );
    imported
}

/// Reads the lines of one card, which must arrive without a problem.
fn one(lines: &str) -> Card {
    let mut imported = read(&format!("BEGIN:VCARD\n{lines}\nEND:VCARD\n"));
    assert_eq!(imported.problems, [], "{lines}");
    imported.cards.remove(0)
}

fn labelled(label: Label, value: &str) -> Labelled {
    Labelled {
        label,
        value: value.to_owned(),
    }
}

#[test]
fn a_whole_card_is_understood() {
    let card = one(
        "VERSION:3.0\nN:Muster;Anna;Maria,Luise;Frau Dr.;M.Sc.\nFN:Frau Dr. Anna Maria Luise Muster\nORG:Mueller Praezision GmbH;Einkauf;Stahl\n\
        TITLE:Leiterin\nTEL;TYPE=WORK,VOICE:+49 (0)611 12-0\nTEL;TYPE=CELL:0171 1\nTEL;TYPE=HOME;TYPE=FAX:0611 2\nTEL;TYPE=WORK,VOICE:+49 (0)611 12-0\n\
        EMAIL;TYPE=INTERNET;TYPE=WORK:mailto:anna.muster@example.com\nADR;TYPE=WORK:Postfach 1;Haus 2;Werkstr. 3;Wiesbaden;Hessen;65201;Deutschland\n\
        URL:https\\://example.com\nCATEGORIES:Messe,Stahl\nBDAY:1980-03-22\nNOTE:Zeile 1\\nZeile 2\\, Ende\nX-UST-IDNR:DE123456789\nUID:1\nREV:2\n\
        PHOTO;ENCODING=b:AAAA\nX-SPOUSE:Max",
    );
    let expected = Card {
        company: "Mueller Praezision GmbH".into(),
        department: "Einkauf, Stahl".into(),
        salutation: "Frau Dr.".into(),
        given: "Anna".into(),
        additional: "Maria, Luise".into(),
        family: "Muster".into(),
        suffix: "M.Sc.".into(),
        job_title: "Leiterin".into(),
        phones: vec![
            labelled(Label::Work, "+49 (0)611 12-0"),
            labelled(Label::Mobile, "0171 1"),
            labelled(Label::Fax, "0611 2"),
        ],
        emails: vec![labelled(Label::Work, "anna.muster@example.com")],
        addresses: vec![PostalAddress {
            label: Label::Work,
            street: "Werkstr. 3".into(),
            extra: "Postfach 1, Haus 2".into(),
            postal_code: "65201".into(),
            city: "Wiesbaden".into(),
            region: "Hessen".into(),
            country: "Deutschland".into(),
        }],
        websites: vec!["https://example.com".into()],
        note: "Zeile 1\nZeile 2, Ende\nX-SPOUSE: Max".into(),
        tags: vec!["Messe".into(), "Stahl".into()],
        birthday: "1980-03-22".into(),
        vat_id: "DE123456789".into(),
        line: 1,
        entry: 1,
    };
    assert_eq!(card, expected);
}

#[test]
fn umlauts_are_right_in_every_spelling() {
    let spellings: [&[u8]; 6] = [
        "N:Müßig;Jörg".as_bytes(),
        b"N:M\xFC\xDFig;J\xF6rg",
        b"N;CHARSET=ISO-8859-1;ENCODING=QUOTED-PRINTABLE:M=FC=DFig;J=F6rg",
        b"N;CHARSET=UTF-8;QUOTED-PRINTABLE:M=C3=BC=\r\n=C3=9Fig;J=C3=B6rg",
        b"N;ENCODING=QUOTED-PRINTABLE:M=C3=BC=C3=9Fig;J=C3=B6rg",
        b"N;ENCODING=QUOTED-PRINTABLE:M=FC=DFig;J=F6rg",
    ];
    for spelling in spellings {
        // A line in another charset beside it changes nothing.
        let bytes = [
            b"BEGIN:VCARD\r\nVERSION:2.1\r\n",
            spelling,
            b"\r\nTITLE:Gesch\xE4ft\r\nNOTE:Gr\xC3\xB6\xC3\x9Fe\r\nEND:VCARD\r\n",
        ]
        .concat();
        let imported = read_vcards(&bytes).expect("the sample has a card");
        let card = &imported.cards[0];
        assert_eq!(
            (card.family.as_str(), card.given.as_str()),
            ("Müßig", "Jörg"),
            "{spelling:?}"
        );
        assert_eq!(
            (card.job_title.as_str(), card.note.as_str()),
            ("Geschäft", "Größe")
        );
    }
    let folded_within_a_letter = b"BEGIN:VCARD\nN:M\xC3\n \xBCller\nEND:VCARD\n";
    assert_eq!(
        read_vcards(folded_within_a_letter).expect("one card").cards[0].family,
        "Müller"
    );
}

#[test]
fn quoted_printable_lines_and_paths_keep_their_signs() {
    let card = one(
        "VERSION:2.1\nN:Muster\nNOTE;ENCODING=QUOTED-PRINTABLE:a=0D=0Ab=0D=\n=0Ac, d; e\nTITLE:C:\\Reports\nLABEL;ENCODING=QUOTED-PRINTABLE:Werkstr. 3=0D=0AMainz\nADR:;;Werkstr. 3;Mainz;;;",
    );
    assert_eq!(card.note, "a\nb\nc, d; e");
    assert_eq!(card.job_title, "C:\\Reports");
}

#[test]
fn a_card_without_a_name_takes_one() {
    let check = |lines: &str, expected: [&str; 3]| {
        let card = one(lines);
        assert_eq!(
            [card.given.as_str(), &card.family, &card.company],
            expected,
            "{lines}"
        );
    };
    check("FN:Anna von Muster", ["Anna", "von Muster", ""]);
    check(
        "FN:Mueller Praezision GmbH",
        ["", "", "Mueller Praezision GmbH"],
    );
    check("FN:Stahlhof\nORG:Stahlhof;Lager", ["", "", "Stahlhof"]);
    check("FN:Alter Stahlhof\nKIND:org", ["", "", "Alter Stahlhof"]);
    check(
        "FN:Alter Stahlhof\nX-ABShowAs:COMPANY",
        ["", "", "Alter Stahlhof"],
    );
    check(
        "N:;;;;\nFN:\nEMAIL:anna.muster@example.com",
        ["Anna", "Muster", ""],
    );
    check("FN:anna.muster@example.com", ["Anna", "Muster", ""]);
    check("ORG:Stahlhof\nEMAIL:info@example.com", ["", "", "Stahlhof"]);
    check("EMAIL:info@example.com", ["", "", "example.com"]);
    check("TEL:0611 1", ["", "", ""]);
}

#[test]
fn a_name_that_says_more_is_kept() {
    assert_eq!(one("N:Muster;Anna\nFN:Die Chefin").note, "FN: Die Chefin");
    assert_eq!(
        one("N:Muster;Anna\nFN:anna MUSTER\nNICKNAME:Anni").note,
        "NICKNAME: Anni"
    );
}

#[test]
fn nothing_typed_is_lost() {
    let card = one(
        "N:Muster\nTITLE:A\nTITLE:B\nORG:X\nORG:Y;Z\nBDAY:soon\nitem1.TEL:1\nitem1.X-ABLabel:Tor 3\nitem2.TEL:2\nitem2.X-ABLabel:_$!<HomeFax>!$_\n\
        TEL;TYPE=PAGER:3\nCLASS:PRIVATE\nGEO:1;2\nADR;LABEL=\"a: b\":;;Weg 1;;;;\nLABEL:Tor 4",
    );
    assert_eq!(
        card.note,
        "TITLE: B\nORG: Y, Z\nBDAY: soon\nTEL 1: Tor 3\nTEL 3: pager\nCLASS: PRIVATE\nGEO: 1;2\nLABEL: Tor 4"
    );
    assert_eq!(
        card.phones,
        [
            labelled(Label::Other, "1"),
            labelled(Label::Fax, "2"),
            labelled(Label::Other, "3")
        ]
    );
    assert_eq!(card.addresses[0].street, "Weg 1");
}

#[test]
fn a_broken_card_is_reported_and_the_others_arrive() {
    let imported = read(
        "hello\nworld\nBEGIN:VCARD\nN:Erste\nBEGIN:VCARD\nVERSION:3.0\n\nEND:VCARD\nEND:VCARD\nbegin:vcard\nno colon here\nN:Dritte\nend:vcard\nBEGIN:VCARD\nN:Vierte",
    );
    let names: Vec<&str> = imported
        .cards
        .iter()
        .map(|card| card.family.as_str())
        .collect();
    assert_eq!(names, ["Erste", "Dritte", "Vierte"]);
    assert_eq!((imported.entries, imported.skipped), (4, 1));
    let places: Vec<(usize, usize, bool)> = imported
        .problems
        .iter()
        .map(|problem| (problem.line, problem.entry, problem.skipped))
        .collect();
    assert_eq!(
        places,
        [
            (1, 0, false),
            (3, 1, false),
            (5, 2, true),
            (9, 2, false),
            (11, 3, false),
            (14, 4, false)
        ]
    );
    assert!(
        imported.problems[0].text.contains("\"hello\""),
        "{:?}",
        imported.problems[0]
    );
    assert!(
        imported.problems[2].text.contains("holds nothing"),
        "{:?}",
        imported.problems[2]
    );
    assert_eq!(imported.cards[1].note, "no colon here");
    assert_eq!(
        read_vcards(b"").expect_err("there is no card"),
        ReadError::NoCards
    );
}

#[test]
fn an_agent_is_a_line_of_the_note() {
    let nested = "N:Muster\nAGENT:\nBEGIN:VCARD\nVERSION:2.1\nFN:Anna, Vertreterin\nTEL:0611 1\nEND:VCARD\nTITLE:Leiter";
    let inline = "N:Muster\nAGENT:BEGIN:VCARD\\nFN:Anna\\, Vertreterin\\nTEL:0611 1\\nEND:VCARD\\n\nTITLE:Leiter";
    for lines in [nested, inline] {
        let card = one(lines);
        assert_eq!(
            (card.note.as_str(), card.job_title.as_str()),
            ("AGENT: Anna, Vertreterin, 0611 1", "Leiter")
        );
    }
    let open = read(
        "BEGIN:VCARD\nN:A\nAGENT:\nBEGIN:VCARD\nN:B\nEND:VCARD\nBEGIN:VCARD\nN:C\nEND:VCARD\n",
    );
    assert_eq!(open.cards.len(), 2, "{open:?}");
}

#[test]
fn bounds_are_kept_and_reported() {
    let long = "ä".repeat(MAX_FIELD_CHARS + 1);
    let imported = read(&format!("BEGIN:VCARD\nN:{long}\nEND:VCARD\n"));
    let card = &imported.cards[0];
    assert_eq!(card.family.chars().count(), MAX_FIELD_CHARS);
    assert_eq!(card.note, format!("family name: {long}"));
    assert_eq!(imported.problems.len(), 1, "{:?}", imported.problems);

    let imported = read(&format!(
        "BEGIN:VCARD\nN:A\nNOTE:{}\nEND:VCARD\n",
        "ä".repeat(MAX_NOTE_CHARS + 1)
    ));
    assert_eq!(imported.cards[0].note.chars().count(), MAX_NOTE_CHARS);
    assert_eq!(imported.problems.len(), 1);

    // What is said about a cut is true: a longer text than a note may have stands nowhere in whole.
    let read_org = |length| {
        let imported = read(&format!(
            "BEGIN:VCARD\nORG:{}\nEND:VCARD\n",
            "ä".repeat(length)
        ));
        assert_eq!((imported.cards.len(), imported.skipped), (1, 0));
        let texts = imported.problems.into_iter();
        texts.map(|problem| problem.text).collect::<Vec<_>>()
    };
    assert_eq!(
        read_org(MAX_FIELD_CHARS + 1),
        [
            "the company is longer than 1000 characters and was cut; the whole text stands in the note"
        ]
    );
    assert_eq!(
        read_org(MAX_NOTE_CHARS + 10_000),
        [
            "the company is longer than 1000 characters and was cut; the note has no room for the whole text either; keep it elsewhere",
            "the note is longer than 60000 characters and was cut; keep the rest elsewhere"
        ]
    );

    let phones: String = (0..=MAX_VALUES)
        .map(|number| format!("TEL:{number}\n"))
        .collect();
    let card = one(&format!("N:A\n{phones}"));
    assert_eq!(
        (card.phones.len(), card.note.as_str()),
        (MAX_VALUES, "TEL: 50")
    );

    let lines = "X-A:1\n".repeat(crate::MAX_CARD_LINES + 1);
    let imported = read(&format!("BEGIN:VCARD\nN:A\n{lines}END:VCARD\n"));
    assert_eq!(imported.cards[0].note, "X-A: 1");
    assert_eq!(imported.problems.len(), 1);
}

#[test]
fn a_card_of_an_address_alone_is_called_by_what_it_has() {
    let card = one("ADR:;;Weg 1;;;;\n");
    assert!(card.names_someone());
    assert_eq!(card.display_name(), "Weg 1");
}
