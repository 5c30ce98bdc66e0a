use jiff::civil::{date as day, time};
use rust_decimal::dec;

use super::*;
use crate::kind::Kind;

/// A Monday.
fn around() -> Surroundings {
    Surroundings {
        today: day(2026, 11, 23),
        now_ms: 1,
        zone: "Europe/Berlin".into(),
        currency: "EUR".into(),
    }
}

#[test]
fn dates_are_read_as_people_type_them() {
    let cases = [
        ("today", day(2026, 11, 23)),
        ("Morgen", day(2026, 11, 24)),
        ("+3d", day(2026, 11, 26)),
        ("+2w", day(2026, 12, 7)),
        ("+1 month", day(2026, 12, 23)),
        ("monday", day(2026, 11, 30)),
        ("next thu", day(2026, 11, 26)),
        ("2026-12-03", day(2026, 12, 3)),
        ("3.12.2026", day(2026, 12, 3)),
        ("3.12.", day(2026, 12, 3)),
    ];
    for (text, expected) in cases {
        assert_eq!(date(text, around().today), Ok(expected), "{text}");
    }
    for text in ["", "soon", "31.2.2026", "+d", "+99999999d", "2026-13-01"] {
        assert!(date(text, around().today).is_err(), "{text}");
    }
}

#[test]
fn planned_moments_have_a_time_where_one_is_typed() {
    let at = |text: &str| planned(text, &around()).map(|planned| (planned.date, planned.time));
    assert_eq!(
        at("tomorrow 9"),
        Ok((day(2026, 11, 24), Some(time(9, 0, 0, 0))))
    );
    assert_eq!(
        at("2026-12-03T14:30"),
        Ok((day(2026, 12, 3), Some(time(14, 30, 0, 0))))
    );
    assert_eq!(at("next monday"), Ok((day(2026, 11, 30), None)));
    assert_eq!(
        at("+3d 08:15"),
        Ok((day(2026, 11, 26), Some(time(8, 15, 0, 0))))
    );
    assert!(at("tomorrow 25:00").is_err());
}

#[test]
fn amounts_are_read_in_both_forms() {
    let euros = |minor| {
        Ok(Money {
            minor,
            currency: "EUR".into(),
        })
    };
    assert_eq!(money("1.234,56 €", "EUR"), euros(123_456));
    assert_eq!(money("1,234.56", "EUR"), euros(123_456));
    assert_eq!(money("12,5", "EUR"), euros(1_250));
    assert_eq!(money("1250", "EUR"), euros(125_000));
    assert_eq!(
        money("12.50 chf", "EUR"),
        Ok(Money {
            minor: 1_250,
            currency: "CHF".into()
        })
    );
    assert_eq!(
        money("100 JPY", "EUR"),
        Ok(Money {
            minor: 100,
            currency: "JPY".into()
        })
    );
    for text in ["", "about ten", "12.505", "0.5 JPY", "99999999999999999999"] {
        assert!(money(text, "EUR").is_err(), "{text}");
    }
}

#[test]
fn a_line_item_is_read_from_one_line() {
    let item = line_item("Pump P7; 2 ; piece; 1.250,00; 10%; 19", "EUR").unwrap();
    assert_eq!(
        (item.text.as_str(), item.quantity, item.unit.as_str()),
        ("Pump P7", dec!(2), "piece")
    );
    assert_eq!(
        (item.price.minor, item.discount, item.vat),
        (125_000, dec!(10), dec!(19))
    );
    for text in [
        "",
        "Pump",
        ";1;piece;5",
        "Pump;x;piece;5",
        "Pump;1;piece;5;120;19",
        "a;1;b;2;3;4;5",
    ] {
        assert!(line_item(text, "EUR").is_err(), "{text}");
    }
}

#[test]
fn phones_carry_labels() {
    assert_eq!(
        labelled("phone", "mobile: +49 170 1"),
        Ok(Labelled {
            value: "+49 170 1".into(),
            label: "mobile".into()
        })
    );
    assert_eq!(
        labelled("phone", "+49 511 1").map(|phone| phone.label),
        Ok("work".into())
    );
    assert!(labelled("phone", "none").is_err());
    assert!(labelled("email", "mueller.example").is_err());
}

#[test]
fn an_email_address_has_two_sides() {
    for good in ["a@b", "a.b+c@mail.example.com", "\"a@b\"@c.example"] {
        assert_eq!(email(&format!(" {good} ")), Ok(good.to_owned()));
    }
    for bad in ["", "x", "x@", "@x", "@", "x@.", "x@y.", "a b@c", "a@b, c@d"] {
        assert!(email(bad).is_err(), "{bad}");
        assert!(labelled("email", &format!("home:{bad}")).is_err(), "{bad}");
        let spec = Kind::Member.field("email").unwrap();
        let read = value(spec, bad, &around());
        assert_eq!(read.is_err(), !bad.is_empty(), "{bad}: an empty one clears");
    }
}

#[test]
fn fields_of_the_workspace_take_what_their_form_takes() {
    let around = around();
    let field = |text: &str| custom(text).unwrap();
    let read = |definition: &str, text: &str| own(&field(definition), text, &around);
    assert_eq!(read("Machine", " X 5 "), Ok(Value::Text("X 5".into())));
    assert_eq!(
        read("Built;customer;date", "3.12.2026"),
        Ok(Value::Text("2026-12-03".into()))
    );
    assert!(read("Built;customer;date", "soon").is_err());
    assert_eq!(
        read("Weight;;decimal", "2.50"),
        Ok(Value::Text("2.5".into()))
    );
    assert_eq!(read("Leased;;flag", "yes"), Ok(Value::Flag(true)));
    assert_eq!(
        read("Budget;;money", "12.50"),
        Ok(Value::Money(Money {
            minor: 1250,
            currency: around.currency.clone(),
        }))
    );
    assert_eq!(
        read("Size;;choice;small,large", "Large"),
        Ok(Value::Text("large".into()))
    );
    assert!(read("Size;;choice;small,large", "huge").is_err());
    for wrong in ["Size;;choice", "Size;;text;small", "Size;;colour"] {
        assert!(custom(wrong).is_err(), "{wrong}");
    }
}
