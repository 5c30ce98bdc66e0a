//! Files in and out.

use std::path::Path;

use handschlag_tests::harness::{RealData, decoded, written_cards};
use serde_json::Value;

use crate::surroundings::{alone, company, field_texts, ids, synced, text};

fn path(path: &Path) -> &str {
    path.to_str().expect("a path of the test is UTF-8")
}

fn count(value: &Value) -> usize {
    value.as_array().map_or(0, Vec::len)
}

#[test]
fn every_real_card_arrives_with_its_umlauts() {
    let Some(data) = RealData::find() else {
        println!("no real cards beside the project: nothing to read");
        return;
    };
    let alone = alone();
    let files = data.cards();
    let cards: usize = files
        .iter()
        .map(|file| {
            let text = decoded(file).to_ascii_uppercase();
            text.lines()
                .filter(|line| line.trim() == "BEGIN:VCARD")
                .count()
        })
        .sum();
    let paths: Vec<&str> = files.iter().map(|file| path(file)).collect();
    let args: Vec<&str> = ["import"].into_iter().chain(paths).collect();
    let imported = alone.person.json(&args);
    let problems = count(&imported["problems"]);
    assert_eq!(count(&imported["records"]), cards - problems, "{imported}");
    assert!(problems < cards / 4, "{imported}");
    assert!(imported["transactions"].as_u64() <= Some(3), "{imported}");

    let list = alone.person.json(&["list", "inquiry", "--limit", "1000"]);
    let titles = list.to_string();
    // UTF-8, UTF-16 with BOM, Windows-1252 and quoted-printable.
    for name in [
        "Sören Täve Nüßlebaum",
        "KiTa Öhrdingen",
        "Gerda Möhrke",
        "KMS Außenstelle",
    ] {
        assert!(titles.contains(name), "{name}");
    }
    assert!(
        !titles.contains('\u{fffd}'),
        "nothing was unreadable: {titles}"
    );
    for row in list["rows"].as_array().expect("a list has rows") {
        assert!(
            !text(row, "title").trim().is_empty(),
            "every card has a name: {row}"
        );
    }
    let undone = alone.person.json(&["undo", &text(&imported, "batch")]);
    assert!(count(&undone["undone"]) >= 1, "{undone}");
    assert_eq!(
        ids(&alone.person, "inquiry").len(),
        0,
        "undoing the batch removes all"
    );
}

#[test]
fn the_real_table_arrives() {
    let Some(data) = RealData::find() else {
        println!("no real table beside the project: nothing to read");
        return;
    };
    let alone = alone();
    let file = data.contacts();
    let rows = decoded(&file)
        .lines()
        .filter(|line| !line.trim().is_empty())
        .count()
        - 1;
    let imported = alone
        .person
        .json(&["import", path(&file), "--event", "Hannover Messe"]);
    assert_eq!(
        count(&imported["records"]),
        rows - count(&imported["problems"]),
        "{imported}"
    );
    assert!(
        imported["transactions"].as_u64() <= Some(20),
        "{}",
        imported["transactions"]
    );
    let found = alone.person.json(&["search", "Shelley Kerluke"]);
    let id = text(&found[0], "id");
    let shown = alone.person.json(&["show", &id]);
    assert!(
        field_texts(&shown, "email")[0].contains("Shelley_Kerluke47@hotmail.com"),
        "{shown}"
    );
    assert!(
        field_texts(&shown, "phone")[0].contains("1-955-371-0847 x371"),
        "{shown}"
    );
    assert_eq!(field_texts(&shown, "company"), ["Gottlieb and Sons"]);
    assert_eq!(field_texts(&shown, "event"), ["Hannover Messe"]);
    let undone = alone.person.json(&["undo", &text(&imported, "batch")]);
    assert_eq!(ids(&alone.person, "inquiry").len(), 0);
    alone.person.ok(&["undo", &text(&undone, "operation")]);
    assert_eq!(
        ids(&alone.person, "inquiry").len(),
        rows,
        "undo can be undone"
    );
}

#[test]
fn thousands_of_cards_are_few_transactions() {
    const CARDS: usize = 2000;
    let company = company();
    let files = written_cards(&company.folder.path().join("cards"), 2, CARDS / 2);
    let args = [
        "import",
        path(&files[0]),
        path(&files[1]),
        "--event",
        "Hannover Messe",
    ];
    let imported = company.owner.json(&args);
    assert_eq!(count(&imported["records"]), CARDS);
    assert!(
        imported["transactions"].as_u64() < Some(60),
        "{}",
        imported["transactions"]
    );
    synced(&company.owner);
    let other = company.joins("Rep B", "b", "member");
    synced(&other);
    assert_eq!(ids(&other, "inquiry").len(), CARDS);
    let found = other.json(&["search", "Müßiggänger1x7"]);
    assert_eq!(
        found[0]["title"], "Werkzeugbau 1x7 GmbH, Käthe Müßiggänger1x7",
        "{found}"
    );
}

#[test]
fn a_broken_card_is_named_and_the_others_arrive() {
    let alone = alone();
    let file = alone.folder.path().join("mixed.vcf");
    let good = |name: &str| format!("BEGIN:VCARD\r\nVERSION:3.0\r\nFN:{name}\r\nEND:VCARD\r\n");
    let broken = "BEGIN:VCARD\r\nVERSION:3.0\r\nEND:VCARD\r\n";
    std::fs::write(
        &file,
        good("Erste Person") + broken + &good("Zweite Person"),
    )
    .expect("the file can be written");
    let imported = alone.person.json(&["import", path(&file)]);
    assert_eq!(count(&imported["records"]), 2, "{imported}");
    assert_eq!(imported["problems"][0]["line"], 5, "{imported}");
    let output = alone.person.run(&["import", path(&file)]);
    assert!(output.stderr.contains("mixed.vcf:5"), "{output:?}");
    // A file in which nothing can be read fails.
    std::fs::write(&file, "no card at all").expect("the file can be written");
    alone.person.refused(&["import", path(&file)]);
}

#[test]
fn an_export_holds_what_was_entered() {
    let alone = alone();
    let id = alone.person.ok(&[
        "capture",
        "--company",
        "Nordwind Pumpen GmbH",
        "--contact",
        "Grete Überwasser",
        "--phone",
        "mobile:+49 170 1234567",
        "--email",
        "work:grete@nordwind.example",
        "--note",
        "sucht zwei X-200\nvor Ostern",
        "--event",
        "Hannover Messe",
        "--tag",
        "Pumpen",
        "--follow-up",
        "tomorrow 9:30",
    ]);
    alone.person.ok(&["convert", &id]);
    let export = alone.person.json(&["export"]);
    let records = export["records"].as_array().expect("an export has records");
    assert_eq!(export["total"], records.len());
    let kinds = |kind: &str| {
        records
            .iter()
            .filter(|record| record["kind"] == kind)
            .count()
    };
    for kind in [
        "inquiry",
        "customer",
        "contact-person",
        "sales-project",
        "event",
        "member",
    ] {
        assert_eq!(kinds(kind), 1, "{kind}");
    }
    let inquiry = records.iter().find(|record| record["id"] == id.as_str());
    let inquiry = inquiry.expect("the inquiry is among them");
    assert_eq!(text(inquiry, "note"), "sucht zwei X-200\nvor Ostern");
    for (field, expected) in [
        ("company", "Nordwind Pumpen GmbH"),
        ("family", "Überwasser"),
        ("phone", "+49 170 1234567"),
        ("email", "grete@nordwind.example"),
        ("event", "Hannover Messe"),
        ("tag", "Pumpen"),
    ] {
        let texts = field_texts(inquiry, field);
        assert!(
            texts.len() == 1 && texts[0].contains(expected),
            "{field}: {texts:?}"
        );
    }
    assert_eq!(
        alone.person.run(&["export"]).code,
        Some(2),
        "export needs --json"
    );
}
