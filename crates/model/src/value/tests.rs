use jiff::civil::{date, time};
use rust_decimal::dec;

use super::*;
use crate::cbor;
use crate::id::Stamp;

fn id(byte: u8) -> RecordId {
    RecordId::from_bytes([byte; 16])
}

fn samples() -> Vec<(Form, Value)> {
    let money = Money {
        minor: -1250,
        currency: "EUR".into(),
    };
    let stamp = Stamp::from_bytes([4; 8]);
    vec![
        (Form::Text, Value::Text("Müller".into())),
        (Form::Text, Value::Text(String::new())),
        (Form::Date, Value::Date(date(2026, 12, 3))),
        (
            Form::Planned,
            Value::Planned(Planned {
                date: date(2026, 12, 3),
                time: Some(time(14, 0, 0, 0)),
                zone: "Europe/Berlin".into(),
            }),
        ),
        (
            Form::Planned,
            Value::Planned(Planned {
                date: date(2026, 12, 3),
                time: None,
                zone: "Europe/Berlin".into(),
            }),
        ),
        (Form::Instant, Value::Instant(1_700_000_000_000)),
        (Form::Money, Value::Money(money.clone())),
        (Form::Decimal, Value::Decimal(dec!(12.5))),
        (Form::Integer, Value::Integer(-3)),
        (Form::Flag, Value::Flag(false)),
        (Form::Flag, Value::Flag(true)),
        (
            Form::Address,
            Value::Address(Address {
                street: "Weg 1".into(),
                city: "Ulm".into(),
                ..Address::default()
            }),
        ),
        (
            Form::Labelled,
            Value::Labelled(Labelled {
                value: "+49 1".into(),
                label: "mobile".into(),
            }),
        ),
        (Form::Reference, Value::Reference(id(1))),
        (
            Form::Status,
            Value::Status(Status {
                chance: Some(20),
                takes_back: true,
                ..Status::of("lost", 0).because("price")
            }),
        ),
        (
            Form::Item,
            Value::Item(LineItem {
                text: "Pump".into(),
                quantity: dec!(2.5),
                unit: "piece".into(),
                price: money.clone(),
                discount: dec!(10),
                vat: dec!(19),
                position: 2,
            }),
        ),
        (
            Form::Consent,
            Value::Consent(Consent {
                basis: "spoken".into(),
                when_ms: 5,
                wording: "may call".into(),
            }),
        ),
        (
            Form::Conversion,
            Value::Conversion(Conversion {
                customer: id(1),
                contact: id(2),
                sales_project: Some(id(3)),
                undone: true,
            }),
        ),
        (
            Form::Conversion,
            Value::Conversion(Conversion {
                customer: id(1),
                contact: id(2),
                sales_project: None,
                undone: false,
            }),
        ),
        (
            Form::Award,
            Value::Award(Award {
                issued: Some(id(9)),
                amount: Some(money),
            }),
        ),
        (
            Form::Issue,
            Value::Issue(Issue {
                number: "AN-2026-A-0001".into(),
                version: 1,
                at_ms: 7,
            }),
        ),
        (Form::Done, Value::Done(Done::Done(8))),
        (Form::Done, Value::Done(Done::Reopened(stamp))),
        (Form::Life, Value::Life(Life::Alive)),
        (Form::Life, Value::Life(Life::Undone(vec![id(4), id(5)]))),
        (
            Form::MergedInto,
            Value::MergedInto(MergedInto {
                survivor: id(6),
                seen: vec![stamp],
            }),
        ),
        (
            Form::Aside,
            Value::Aside(Aside {
                key: "company".into(),
                register: vec![0xa0],
                time_ms: 3,
            }),
        ),
        (
            Form::Identity,
            Value::Identity(Identity {
                kind: "inquiry".into(),
                id: id(7),
            }),
        ),
        (
            Form::Phase,
            Value::Phase(PhaseSetting {
                title: "Pilot".into(),
                chance: 60,
                rank: 35,
            }),
        ),
        (
            Form::Custom,
            Value::Custom(CustomField {
                title: "Machine".into(),
                kinds: vec!["customer".into()],
                ..CustomField::default()
            }),
        ),
        (
            Form::Custom,
            Value::Custom(CustomField {
                title: "Size".into(),
                kinds: vec!["customer".into()],
                form: "choice".into(),
                choices: vec!["small".into(), "large".into()],
            }),
        ),
        (
            Form::File,
            Value::File(FileEntry {
                name: "drawing.pdf".into(),
                media_type: "application/pdf".into(),
                size: 70_000,
            }),
        ),
        (Form::Own, Value::Text("large".into())),
        (Form::Own, Value::Flag(false)),
        (
            Form::Own,
            Value::Money(Money {
                minor: 5,
                currency: "CHF".into(),
            }),
        ),
    ]
}

#[test]
fn every_value_lies_in_a_register_and_comes_back() {
    for (form, value) in samples() {
        let map = value.to_map();
        assert!(!map.is_empty(), "{value:?} would read as cleared");
        assert!(
            map.keys().all(|key| *key >= 1 && *key <= form.known_keys()),
            "{value:?}"
        );
        assert_eq!(Value::from_map(form, &map), Some(value));
    }
}

#[test]
fn registers_are_golden() {
    let lines: Vec<String> = samples()
        .iter()
        .map(|(_, value)| {
            cbor::encode(&value.to_map())
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect()
        })
        .collect();
    assert_eq!(
        lines.join("\n"),
        include_str!("../golden/registers.txt").trim()
    );
}

#[test]
fn values_travel_as_json() {
    for (_, value) in samples() {
        let json = serde_json::to_string(&value).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), value);
    }
}

#[test]
fn a_register_of_another_form_reads_as_nothing() {
    let map = Value::Text("x".into()).to_map();
    for form in [
        Form::Date,
        Form::Money,
        Form::Reference,
        Form::Status,
        Form::Done,
        Form::Life,
    ] {
        // A status is one word, so a text reads as one.
        if form != Form::Status {
            assert_eq!(Value::from_map(form, &map), None, "{form:?}");
        }
    }
}
