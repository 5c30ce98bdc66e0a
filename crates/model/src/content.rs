//! What a customer is sent: the content of an offer, frozen in an issued record and named by its hash.

use std::collections::BTreeMap;

use crate::cbor::{self, Cbor, CborMap};
use crate::doc::Candidate;
use crate::id::{RecordId, hash};
use crate::kind::Kind;
use crate::record::{self, RecordView};
use crate::value::{LineItem, Value};
use crate::world::World;

/// The registers of an issued record that are not its content: the machinery's, and those that the id or the order of
/// sending fixes.
const APART: [&str; 6] = ["record", "life", "number", "offer", "version", "content"];

/// The register key of a line item under which its position stands.
const POSITION: u32 = 8;

/// What sending an offer freezes.
#[derive(Debug, Clone, PartialEq)]
pub struct Content {
    /// The fields of the issued record; what is empty has none.
    pub fields: BTreeMap<&'static str, Value>,
    /// The lines with their keys, in their order.
    pub items: Vec<(String, LineItem)>,
}

impl Content {
    /// Collects what a customer would be sent now.
    pub fn of(world: &dyn World, offer: &RecordView) -> Self {
        let mut content = Self {
            fields: BTreeMap::new(),
            items: offer
                .items()
                .into_iter()
                .map(|(key, item)| (key.to_owned(), item.clone()))
                .collect(),
        };
        content.text("name", offer.text("name"));
        content.text("terms", &offer.note);
        for key in ["date", "valid_until", "sales_project"] {
            content.value(key, offer.value(key));
        }
        let other = |view: &RecordView, key| record::record(world, view.reference(key)?);
        let project = other(offer, "sales_project");
        if let Some(customer) = project.as_ref().and_then(|one| other(one, "customer")) {
            content.text("customer_name", &customer.title());
            content.text("vat_id", customer.text("vat_id"));
            content.value("address", customer.list("address").next().map(|one| one.1));
        }
        if let Some(contact) = project.as_ref().and_then(|one| other(one, "contact")) {
            content.text("contact_name", &contact.title());
        }
        content
    }

    fn text(&mut self, key: &'static str, text: &str) {
        if !text.trim().is_empty() {
            self.fields.insert(key, Value::Text(text.trim().to_owned()));
        }
    }

    fn value(&mut self, key: &'static str, value: Option<&Value>) {
        self.fields.extend(value.map(|value| (key, value.clone())));
    }

    /// Hashes the content; the keys of its lines do not count, their order does.
    pub fn hash(&self) -> [u8; 32] {
        let fields = self.fields.iter();
        let items = self.items.iter();
        hash_of(
            fields.map(|(key, value)| (*key, value.to_map())).collect(),
            items.map(|(_, item)| Value::Item(item.clone()).to_map()),
        )
    }
}

fn hash_of(fields: BTreeMap<&str, CborMap>, items: impl Iterator<Item = CborMap>) -> [u8; 32] {
    let mut parts: Vec<Vec<u8>> = vec![(fields.len() as u32).to_be_bytes().to_vec()];
    for (key, value) in fields {
        parts.extend([key.as_bytes().to_vec(), cbor::encode(&value)]);
    }
    parts.extend(items.map(|item| cbor::encode(&item)));
    let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    hash("handschlag offer content 1", &parts)
}

/// Tells whether the registers of one change are those by which an issued record was made: its id follows from them.
///
/// All that the change wrote counts, fields that only a newer version knows included.
pub fn is_genuine(id: RecordId, registers: &BTreeMap<String, Vec<Candidate>>) -> bool {
    let value = |key: &str| {
        let candidate = registers.get(key)?.first()?;
        candidate.value(Kind::IssuedOffer.field_of_key(key)?)
    };
    let (Some(Value::Reference(offer)), Some(Value::Text(number))) =
        (value("offer"), value("number"))
    else {
        return false;
    };
    let mut fields: BTreeMap<&str, CborMap> = BTreeMap::new();
    let mut items: Vec<(i64, &str, CborMap)> = Vec::new();
    for (key, candidates) in registers {
        let Some(map) = candidates.first().and_then(|one| one.register.value()) else {
            continue;
        };
        if key.starts_with("item/") {
            let position = match map.get(&POSITION) {
                Some(Cbor::Int(position)) => *position,
                _ => i64::MAX,
            };
            items.push((position, key, map));
        } else if !APART.contains(&key.as_str()) {
            fields.insert(key, map);
        }
    }
    items.sort_by_key(|(position, key, _)| (*position, *key));
    let content = hash_of(fields, items.into_iter().map(|(_, _, map)| map));
    RecordId::issued_of(offer, &content, &number) == id
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;

    use super::*;
    use crate::doc::OpId;
    use crate::id::Stamp;
    use crate::register::Register;
    use crate::value::Money;

    fn content() -> Content {
        let text = |text: &str| Value::Text(text.to_owned());
        let item = |text: &str, position| LineItem {
            text: text.to_owned(),
            quantity: Decimal::ONE,
            unit: "piece".to_owned(),
            price: Money {
                minor: 100,
                currency: "EUR".to_owned(),
            },
            discount: Decimal::ZERO,
            vat: Decimal::from(19),
            position,
        };
        Content {
            fields: BTreeMap::from([("name", text("Press")), ("terms", text("30 days"))]),
            items: vec![
                ("item/ff".to_owned(), item("Press", 1)),
                ("item/aa".to_owned(), item("Table", 2)),
            ],
        }
    }

    fn registers(
        content: &Content,
        offer: RecordId,
        number: &str,
    ) -> BTreeMap<String, Vec<Candidate>> {
        let items = content.items.iter();
        let items = items.map(|(key, item)| (key.as_str(), Value::Item(item.clone())));
        let fields = content
            .fields
            .iter()
            .map(|(key, value)| (*key, value.clone()));
        let apart = [
            ("offer", Value::Reference(offer)),
            ("number", Value::Text(number.to_owned())),
            ("version", Value::Integer(1)),
        ];
        fields
            .chain(items)
            .chain(apart)
            .map(|(key, value)| {
                let candidate = Candidate {
                    register: Register::new(Stamp::from_bytes([1; 8]), Some(value.to_map())),
                    op: OpId {
                        counter: 1,
                        actor: [1; 20],
                    },
                    time_ms: 0,
                };
                (key.to_owned(), vec![candidate])
            })
            .collect()
    }

    #[test]
    fn an_issued_record_is_genuine_with_its_very_content() {
        let (content, offer) = (content(), RecordId::from_bytes([7; 16]));
        let id = RecordId::issued_of(offer, &content.hash(), "AN-2026-A-0001");
        let genuine =
            |content: &Content| is_genuine(id, &registers(content, offer, "AN-2026-A-0001"));
        assert!(genuine(&content));
        let mut keyed = content.clone();
        keyed.items[1].0 = "item/bb".to_owned();
        assert!(genuine(&keyed), "keys of lines do not count");
        let spoil: [fn(&mut Content); 5] = [
            |one| one.items.swap(0, 1),
            |one| one.items[0].1.price.minor = 1,
            |one| one.items[1].1.position = 0,
            |one| drop(one.fields.remove("terms")),
            |one| drop(one.fields.insert("vat_id", Value::Text("DE1".to_owned()))),
        ];
        for (at, spoil) in spoil.into_iter().enumerate() {
            let mut spoilt = content.clone();
            spoil(&mut spoilt);
            // In registers the order of lines follows from their positions alone.
            assert_eq!(genuine(&spoilt), at == 0, "{at}");
            assert_ne!(spoilt.hash(), content.hash(), "{at}");
        }
        assert!(!is_genuine(
            id,
            &registers(&content, offer, "AN-2026-A-0002")
        ));
        assert!(!is_genuine(id, &BTreeMap::new()));
    }
}
