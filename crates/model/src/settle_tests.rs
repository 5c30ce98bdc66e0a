use super::*;
use crate::kind::Kind;

fn id(byte: u8) -> RecordId {
    RecordId::from_bytes([byte; 16])
}

/// Makes the writes of some values, as many devices at once: the counters are alike, the actors are not.
fn written(values: &[&Value]) -> Vec<Candidate> {
    let numbered = values.iter().zip(1_u8..);
    numbered
        .map(|(value, number)| Candidate {
            register: Register::new(Stamp::from_bytes([number; 8]), Some(value.to_map())),
            op: OpId {
                counter: 9,
                actor: [number; 20],
            },
            time_ms: 1_000,
        })
        .collect()
}

fn settled(kind: Kind, key: &str, derived: Derived, values: &[&Value]) -> Settled {
    let spec = kind.field_of_key(key).expect("a field");
    settle(id(1), key, spec, derived, &written(values))
}

/// Settles all single values, pairs and triples, each in any order, and checks what is shown.
fn every_set(
    kind: Kind,
    key: &str,
    derived: Derived,
    all: &[Value],
    check: impl Fn(&[&Value], &Settled),
) {
    for one in all {
        for two in all {
            for three in all {
                for values in [&[one][..], &[one, two], &[one, two, three]] {
                    let shown = settled(kind, key, derived, values);
                    check(values, &shown);
                    let mut turned = values.to_vec();
                    turned.reverse();
                    let again = settled(kind, key, derived, &turned);
                    assert_eq!(again.shown, shown.shown, "{values:?}");
                    assert_eq!(again.in_conflict, shown.in_conflict, "{values:?}");
                    assert_eq!(again.held.len(), shown.held.len(), "{values:?}");
                }
            }
        }
    }
}

fn distinct<'a>(values: &[&'a Value]) -> Vec<&'a Value> {
    let mut distinct = values.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    distinct
}

#[test]
fn references_settle_alike_in_any_order() {
    let inquiry = id(9);
    let derived = Derived::from_inquiry(inquiry);
    let made = RecordId::customer_of(inquiry);
    // Ids before and after the one that a rule derives: it comes last wherever it sorts.
    let ids = [made, id(0x00), id(0x01), id(0xff)];
    let all = ids.map(Value::Reference);
    every_set(
        Kind::SalesProject,
        "customer",
        derived,
        &all,
        |values, settled| {
            let best = ids
                .into_iter()
                .filter(|id| values.contains(&&Value::Reference(*id)))
                .min_by_key(|id| (*id == made, *id))
                .expect("one of them");
            assert_eq!(settled.shown, Some(Value::Reference(best)), "{values:?}");
            assert_eq!(
                settled.in_conflict,
                distinct(values).len() > 1,
                "{values:?}"
            );
            assert_eq!(
                settled.held[0].value, settled.shown,
                "the shown one is first"
            );
        },
    );
}

fn conversions_of(inquiry: RecordId) -> Vec<Value> {
    let (customer, contact) = (
        RecordId::customer_of(inquiry),
        RecordId::contact_of(inquiry),
    );
    let sales_project = Some(RecordId::sales_project_of(inquiry));
    let pairs = [
        (customer, contact),
        (id(3), id(4)),
        (id(3), contact),
        (id(5), id(2)),
    ];
    let mut all = Vec::new();
    for (customer, contact) in pairs {
        for (sales_project, undone) in
            [(sales_project, false), (None, false), (sales_project, true)]
        {
            all.push(Value::Conversion(Conversion {
                customer,
                contact,
                sales_project,
                undone,
            }));
        }
    }
    all
}

#[test]
fn conversions_settle_alike_in_any_order() {
    let inquiry = id(9);
    let derived = Derived::from_inquiry(inquiry);
    let all = conversions_of(inquiry);
    every_set(
        Kind::Inquiry,
        "conversion",
        derived,
        &all,
        |values, settled| {
            let named: Vec<&Conversion> = values
                .iter()
                .filter_map(|value| match value {
                    Value::Conversion(conversion) => Some(conversion),
                    _ => None,
                })
                .collect();
            let Some(Value::Conversion(shown)) = &settled.shown else {
                panic!("{values:?} show {settled:?}");
            };
            // It is undone only if all have undone it; else those that undid it do not count.
            assert_eq!(
                shown.undone,
                named.iter().all(|one| one.undone),
                "{values:?}"
            );
            let counted = || named.iter().filter(|one| one.undone == shown.undone);
            // Two true pairs never yield a third, and a sales project made anywhere is alive.
            let pair = |one: &Conversion| (one.customer, one.contact);
            assert!(
                counted().any(|one| pair(one) == pair(shown)),
                "{values:?} show {shown:?}"
            );
            let made = counted().any(|one| one.sales_project.is_some());
            assert_eq!(shown.sales_project.is_some(), made, "{values:?}");
            // An existing customer before the new one, then the smallest.
            let customer = counted()
                .map(|one| one.customer)
                .min_by_key(|id| (derived.contains(*id), *id));
            assert_eq!(Some(shown.customer), customer, "{values:?}");
            let mut apart: Vec<_> = named
                .iter()
                .map(|one| (pair(one), one.sales_project))
                .collect();
            apart.sort_unstable();
            apart.dedup();
            assert_eq!(settled.in_conflict, apart.len() > 1, "{values:?}");
        },
    );
}

#[test]
fn lives_settle_alike_in_any_order() {
    let undone = |under: &[u8]| Life::Undone(under.iter().map(|byte| id(*byte)).collect());
    let lives = [
        Life::Alive,
        Life::Archived,
        undone(&[]),
        undone(&[2, 3]),
        undone(&[1, 3]),
    ];
    let all = lives.map(Value::Life);
    every_set(
        Kind::Customer,
        "life",
        Derived::default(),
        &all,
        |values, settled| {
            let has = |life: Life| values.contains(&&Value::Life(life));
            let wanted = if has(Life::Alive) {
                Life::Alive
            } else if has(Life::Archived) {
                Life::Archived
            } else {
                // What any of the undos had seen was seen.
                let mut seen: Vec<RecordId> = values
                    .iter()
                    .filter_map(|value| match value {
                        Value::Life(Life::Undone(under)) => Some(under.clone()),
                        _ => None,
                    })
                    .flatten()
                    .collect();
                seen.sort_unstable();
                seen.dedup();
                Life::Undone(seen)
            };
            assert_eq!(settled.shown, Some(Value::Life(wanted)), "{values:?}");
            assert!(!settled.in_conflict);
        },
    );
}

#[test]
fn merges_settle_alike_in_any_order() {
    let into = |survivor: u8, seen: &[u8]| {
        Value::MergedInto(MergedInto {
            survivor: id(survivor),
            seen: seen
                .iter()
                .map(|byte| Stamp::from_bytes([*byte; 8]))
                .collect(),
        })
    };
    let all = [into(2, &[1]), into(2, &[3]), into(4, &[5]), into(6, &[])];
    every_set(
        Kind::Customer,
        "merged_into",
        Derived::default(),
        &all,
        |values, settled| {
            let Some(Value::MergedInto(shown)) = &settled.shown else {
                panic!("{values:?} show {settled:?}");
            };
            let merges = || {
                values.iter().filter_map(|value| match value {
                    Value::MergedInto(merged) => Some(merged),
                    _ => None,
                })
            };
            assert_eq!(Some(shown.survivor), merges().map(|one| one.survivor).min());
            for merged in merges().filter(|one| one.survivor == shown.survivor) {
                assert!(merged.seen.iter().all(|stamp| shown.seen.contains(stamp)));
            }
        },
    );
}

#[test]
fn categories_and_verdicts_settle_alike_in_any_order() {
    let words = crate::fields::CATEGORIES;
    let all: Vec<Value> = words
        .iter()
        .map(|word| Value::Text((*word).to_owned()))
        .collect();
    every_set(
        Kind::Customer,
        "category",
        Derived::default(),
        &all,
        |values, settled| {
            let first = all.iter().find(|word| values.contains(word));
            assert_eq!(settled.shown.as_ref(), first, "{values:?}");
        },
    );
    let all = crate::status::VERDICTS.map(|(word, rank)| Value::Status(Status::of(word, rank)));
    let key = "verdict/0000000000000000";
    every_set(
        Kind::Offer,
        key,
        Derived::default(),
        &all,
        |values, settled| {
            let furthest = all.iter().rfind(|verdict| values.contains(verdict));
            assert_eq!(settled.shown.as_ref(), furthest, "{values:?}");
        },
    );
}

#[test]
fn who_opens_again_beats_who_is_done() {
    let reopened = |byte| Value::Done(Done::Reopened(Stamp::from_bytes([byte; 8])));
    let all = [
        Value::Done(Done::Done(1)),
        Value::Done(Done::Done(2)),
        reopened(1),
        reopened(2),
    ];
    every_set(
        Kind::Activity,
        "done_all",
        Derived::default(),
        &all,
        |values, settled| {
            let opens = |value: &Value| matches!(value, Value::Done(Done::Reopened(_)));
            let shown = settled.shown.as_ref().expect("a value");
            assert_eq!(
                opens(shown),
                values.iter().any(|value| opens(value)),
                "{values:?}"
            );
            assert!(!settled.in_conflict);
        },
    );
}

#[test]
fn a_value_goes_by_the_smallest_name_of_the_presses_that_wrote_it() {
    let value = Value::Text("Nord".to_owned());
    let spec = Kind::Customer.field_of_key("name").expect("a field");
    let candidates = written(&[&value, &value]);
    let settled = settle(id(1), "name", spec, Derived::default(), &candidates);
    assert_eq!(settled.held.len(), 1);
    let mut names: Vec<ValueId> = candidates
        .iter()
        .map(|one| one.value_id(id(1), "name"))
        .collect();
    assert_eq!(settled.held[0].presses(), names);
    names.sort_unstable();
    assert_eq!(settled.held[0].id(), names[0]);
    assert_ne!(names[0], names[1]);
}
