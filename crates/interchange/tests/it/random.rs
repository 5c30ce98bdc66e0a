//! Random bytes and mutated cards: never a panic, always within the bounds, and writing then reading gives the card back.

use interchange::{
    Card, Imported, Label, Labelled, MAX_FIELD_CHARS, MAX_NOTE_CHARS, MAX_VALUES, PostalAddress,
    detect, fold_phone, read_csv, read_vcards, write_vcard,
};
use proptest::collection::vec;
use proptest::prelude::*;

/// Are cards and tables with most of what real ones hold.
const SEEDS: [&[u8]; 4] = [
    b"BEGIN:VCARD\r\nVERSION:2.1\r\nN;CHARSET=Windows-1252;ENCODING=QUOTED-PRINTABLE:M=FC=\r\nller;J=F6rg\r\nADR;WORK;PREF;:;;Weg 1,;Mainz;;1;D\r\n\
      LABEL;QUOTED-PRINTABLE:Weg=0D=0A=\r\n1\r\nPHOTO;ENCODING=BASE64:\r\n AAAA\r\n\r\nAGENT:\r\nBEGIN:VCARD\r\nFN:A\r\nEND:VCARD\r\nEND:VCARD\r\n",
    b"BEGIN:VCARD\nVERSION:4.0\nFN:Anna\\, Muster\nitem1.TEL;TYPE=\"work,voice\";VALUE=uri:tel:+49-611;ext=1\nitem1.X-ABLabel:_$!<HomeFax>!$_\n\
      BDAY:--0229\nORG:A;B\nCATEGORIES:a,b\\,c\nURL:data:text/plain;base64,AAAA\nGENDER:M\nNOTE:a\\nb\n c\nEND:VCARD\n",
    "\u{feff}Vorname;Name;Firma;\"Telefon 1\";E-Mail;Straße\r\nJörg;Müßig;\"A \"\"B\"\"\";'0611;a@b.de;Weg\r\n\r\n;;;;;\r\n\"offen;1\r\n".as_bytes(),
    b"First Name,Phone 1 - Type,Phone 1 - Value,Tags\nAnna,Work,1 ::: 2,\"a,b\"\n",
];

/// Checks what must hold whatever was read.
fn check(imported: &Imported) {
    assert_eq!(imported.cards.len() + imported.skipped, imported.entries);
    assert!(
        imported
            .problems
            .iter()
            .filter(|problem| problem.skipped)
            .count()
            <= imported.skipped
    );
    for card in &imported.cards {
        assert!(card.names_someone());
        assert!(card.note.chars().count() <= MAX_NOTE_CHARS);
        assert!(
            card.phones.len() <= MAX_VALUES
                && card.emails.len() <= MAX_VALUES
                && card.tags.len() <= MAX_VALUES
        );
        for text in [
            &card.given,
            &card.family,
            &card.company,
            &card.job_title,
            &card.birthday,
        ] {
            assert!(text.chars().count() <= MAX_FIELD_CHARS);
            assert!(!text.chars().any(char::is_control), "{text:?}");
            assert_eq!(text.trim(), text);
        }
    }
}

fn read_all(bytes: &[u8]) {
    let _ = detect("contacts", bytes);
    read_vcards(bytes).iter().for_each(check);
    read_csv(bytes).iter().for_each(check);
}

/// Is a change of a sample: what, where, and with which byte.
type Change = (u8, prop::sample::Index, u8);

fn mutated(seed: &[u8], changes: &[Change]) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for (what, place, byte) in changes {
        let at = place
            .index(bytes.len().max(1))
            .min(bytes.len().saturating_sub(1));
        match what % 6 {
            _ if bytes.is_empty() => bytes.push(*byte),
            0 => bytes[at] = *byte,
            1 => bytes.insert(at, *byte),
            2 => {
                bytes.remove(at);
            }
            3 => bytes.truncate(at),
            4 => {
                let piece = bytes[at..(at + usize::from(*byte)).min(bytes.len())].to_vec();
                bytes.splice(at..at, piece);
            }
            _ => bytes.insert(at, b"\n\r;:,\\\"= \t\0"[usize::from(*byte) % 11]),
        }
    }
    bytes
}

fn line() -> impl Strategy<Value = String> {
    "[A-Za-zÄÖÜäöüß0-9,;:=\\\\\"'./-]{1,12}( [A-Za-zÄÖÜäöüß0-9,;\\\\]{1,40})?"
}

fn label() -> impl Strategy<Value = Label> {
    prop::sample::select(vec![
        Label::Work,
        Label::Home,
        Label::Mobile,
        Label::Fax,
        Label::Other,
    ])
}

prop_compose! {
    fn address()(
        label in prop::sample::select(vec![Label::Work, Label::Home, Label::Other]),
        street in "[A-ZÄÖa-zß;]{1,9} [0-9]{1,3}",
        extra in "([a-zß;]{1,9})?",
        postal_code in "[0-9]{5}",
        city in "[A-ZÄÖa-zß]{1,9}",
        region in "([a-zß]{1,9})?",
        country in "([A-Z]{1,2})?",
    ) -> PostalAddress {
        PostalAddress { label, street, extra, postal_code, city, region, country }
    }
}

prop_compose! {
    fn card()(
        (company, department) in ("([A-ZÄa-z;,\\\\]{1,9})?", "([A-ZÄa-z;]{1,9})?"),
        (salutation, given, additional, family, suffix) in ("(Frau|Herr Dr\\.)?", line(), "([a-zß;]{1,9})?", line(), "([A-Z.]{1,5})?"),
        job_title in "([A-ZÄa-z;,\\\\]{1,90})?",
        phones in vec((label(), "[+0-9 /()]{0,9}[0-9]"), 0..4),
        emails in vec((label(), "[a-z.]{1,9}@[a-z]{1,9}\\.de"), 0..4),
        addresses in vec(address(), 0..3),
        websites in vec("https://[a-z]{1,9}\\.de/[a-z,;]{0,9}x", 0..3),
        tags in vec("[a-zß;]{1,9}", 0..4),
        (note, birthday, vat_id) in ("([A-Zäa-z;,:\\\\\n]{1,90}x)?", "(19[0-9]{2}-0[1-9]-[12][0-8]|--12-24)?", "(DE[0-9]{9})?"),
    ) -> Card {
        let labelled = |list: Vec<(Label, String)>| list.into_iter().map(|(label, value)| Labelled { label, value: value.trim().to_owned() });
        let mut card = Card {
            company, department, salutation, given, additional, family, suffix, job_title, websites, note: note.trim().to_owned(), tags, birthday,
            vat_id, addresses, phones: labelled(phones).collect(), emails: labelled(emails).collect(), line: 1, entry: 1,
        };
        // The lists hold each value once.
        let mut seen = std::collections::HashSet::new();
        card.phones.retain(|phone| seen.insert(phone.value.clone()));
        card.emails.retain(|email| seen.insert(email.value.clone()));
        card.websites.retain(|website| seen.insert(website.clone()));
        card.tags.retain(|tag| seen.insert(tag.clone()));
        card.addresses.dedup();
        card
    }
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes in vec(any::<u8>(), 0..400)) {
        read_all(&bytes);
    }

    #[test]
    fn mutated_files_never_panic(seed in 0..SEEDS.len(), changes in vec(any::<Change>(), 0..12)) {
        read_all(&mutated(SEEDS[seed], &changes));
    }

    #[test]
    fn files_put_together_never_panic(pieces in vec((0..SEEDS.len(), any::<Change>()), 1..5)) {
        let bytes: Vec<u8> = pieces.iter().flat_map(|(seed, change)| mutated(SEEDS[*seed], &[*change])).collect();
        read_all(&bytes);
    }

    #[test]
    fn random_lines_never_panic(lines in vec("[A-Za-z;=:,.\\\\\"\t äß\u{0}-\u{ff}]{0,60}", 0..12)) {
        read_all(format!("BEGIN:VCARD\n{}\nEND:VCARD\n", lines.join("\n")).as_bytes());
        read_all(format!("Name;Firma\n{}", lines.join("\n")).as_bytes());
    }

    #[test]
    fn phones_fold_to_digits(text in ".{0,40}", country in "\\+?[0-9]{0,3}") {
        for country in [None, Some(country.as_str())] {
            let folded = fold_phone(&text, country);
            let digits = folded.strip_prefix('+').unwrap_or(&folded);
            prop_assert!(digits.bytes().all(|digit| digit.is_ascii_digit()), "{folded}");
            prop_assert_eq!(fold_phone(&folded, None), folded);
        }
    }

    #[test]
    fn a_written_card_is_read_again(card in card()) {
        let text = write_vcard(&card);
        prop_assert!(text.lines().all(|line| line.len() <= 75), "{text}");
        let imported = read_vcards(text.as_bytes()).expect("a written card");
        prop_assert_eq!(&imported.problems, &[]);
        prop_assert_eq!(&imported.cards, &[card], "{}", text);
    }
}

#[test]
fn many_cards_are_read_at_once() {
    let one = "BEGIN:VCARD\r\nVERSION:3.0\r\nN:Muster;Anna\r\nTEL;TYPE=WORK:0611 1\r\nORG:Mueller Praezision GmbH\r\nEND:VCARD\r\n";
    let imported = read_vcards(one.repeat(5_000).as_bytes()).expect("many cards");
    assert_eq!(
        (imported.cards.len(), imported.cards[4_999].line),
        (5_000, 4_999 * 6 + 1)
    );
    let rows = format!("First Name,Last Name\n{}", "Anna,Muster\n".repeat(5_000));
    assert_eq!(
        read_csv(rows.as_bytes()).expect("many rows").cards[4_999].line,
        5_001
    );
    let too_many = format!("Name\n{}", "Anna\n".repeat(interchange::MAX_ENTRIES + 1));
    assert!(read_csv(too_many.as_bytes()).is_err());
    assert!(read_vcards(&vec![b'x'; interchange::MAX_FILE_BYTES + 1]).is_err());
}

#[test]
fn serialised_cards_have_plain_labels() {
    let card = Card {
        phones: vec![Labelled {
            label: Label::Mobile,
            value: "1".into(),
        }],
        ..Card::default()
    };
    let text = serde_json::to_string(&card).expect("plain data");
    assert!(
        text.contains(r#""phones":[{"label":"mobile","value":"1"}]"#),
        "{text}"
    );
    assert_eq!(
        serde_json::from_str::<Card>(&text).expect("the same data"),
        card
    );
}
