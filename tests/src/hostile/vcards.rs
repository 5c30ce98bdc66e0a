//! Files of cards.

use interchange::{
    Card, Imported, MAX_ENTRIES, MAX_FIELD_CHARS, MAX_NOTE_CHARS, MAX_PROBLEMS, MAX_VALUES, detect,
    fold_phone, read_vcards, write_vcard,
};

use super::Target;

pub(super) const TARGET: Target = Target {
    name: "vcards",
    about: "files of vCards",
    run,
    seeds,
    rounds: 4_000,
};

fn run(bytes: &[u8]) {
    let _ = detect("contacts", bytes);
    if let Ok(imported) = read_vcards(bytes) {
        check(&imported);
    }
}

/// What must hold of everything that was imported, whatever it was.
pub(super) fn check(imported: &Imported) {
    assert!(imported.entries <= MAX_ENTRIES + 1);
    assert!(imported.problems.len() <= MAX_PROBLEMS + 1);
    assert_eq!(imported.cards.len() + imported.skipped, imported.entries);
    imported.cards.iter().for_each(check_card);
}

fn check_card(card: &Card) {
    assert!(card.names_someone());
    assert!(!card.display_name().is_empty());
    assert!(card.note.chars().count() <= MAX_NOTE_CHARS);
    assert!(card.phones.len() <= MAX_VALUES && card.emails.len() <= MAX_VALUES);
    assert!(card.tags.len() <= MAX_VALUES && card.websites.len() <= MAX_VALUES);
    let lines = [
        &card.company,
        &card.department,
        &card.salutation,
        &card.given,
        &card.additional,
        &card.family,
        &card.suffix,
        &card.job_title,
        &card.birthday,
        &card.vat_id,
    ];
    let phones = card.phones.iter().map(|one| &one.value);
    let emails = card.emails.iter().map(|one| &one.value);
    for text in lines.into_iter().chain(phones).chain(emails) {
        assert!(text.chars().count() <= MAX_FIELD_CHARS);
        assert!(!text.chars().any(char::is_control), "{text:?}");
        assert_eq!(text.trim(), text);
    }
    for phone in &card.phones {
        let folded = fold_phone(&phone.value, Some("49"));
        assert_eq!(fold_phone(&folded, None), folded);
    }
    let written = write_vcard(card);
    assert!(written.lines().all(|line| line.len() <= 75), "{written}");
    let again = read_vcards(written.as_bytes()).expect("a card that was written reads");
    assert_eq!(again.cards.len(), 1, "{written}");
    assert_eq!(again.cards[0].display_name(), card.display_name());
}

fn seeds() -> Vec<Vec<u8>> {
    vec![
        b"BEGIN:VCARD\r\nVERSION:2.1\r\nN;CHARSET=Windows-1252;ENCODING=QUOTED-PRINTABLE:M=FC=\r\nller;J=F6rg\r\nADR;WORK;PREF;:;;Weg 1,;Mainz;;1;D\r\nLABEL;QUOTED-PRINTABLE:Weg=0D=0A=\r\n1\r\nPHOTO;ENCODING=BASE64:\r\n AAAA\r\n\r\nAGENT:\r\nBEGIN:VCARD\r\nFN:A\r\nEND:VCARD\r\nEND:VCARD\r\n".to_vec(),
        b"BEGIN:VCARD\nVERSION:4.0\nFN:Anna\\, Muster\nitem1.TEL;TYPE=\"work,voice\";VALUE=uri:tel:+49-611;ext=1\nitem1.X-ABLabel:_$!<HomeFax>!$_\nBDAY:--0229\nORG:A;B\nCATEGORIES:a,b\\,c\nURL:data:text/plain;base64,AAAA\nGENDER:M\nNOTE:a\\nb\n c\nEND:VCARD\n".to_vec(),
        b"BEGIN:VCARD\nVERSION:3.0\nN:Meier;Karl;;Dr.;\nEMAIL;TYPE=INTERNET,WORK:k@example.org\nEND:VCARD\n".to_vec(),
        [0xff_u8, 0xfe].into_iter().chain("BEGIN:VCARD\nFN:Ä\nEND:VCARD\n".encode_utf16().flat_map(u16::to_le_bytes)).collect(),
    ]
}
