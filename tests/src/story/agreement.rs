//! Whether all machines show the same.

use serde_json::{Map, Value, json};

use crate::harness::Person;

/// The kinds of records, as the command line names them.
pub const KINDS: [&str; 13] = [
    "inquiry",
    "customer",
    "contact-person",
    "sales-project",
    "offer",
    "issued-offer",
    "order",
    "project",
    "activity",
    "event",
    "member",
    "saved-view",
    "settings",
];

/// Gives all that a person can look at and that must be the same everywhere: lists, the Merged list, records, histories
/// and the Home of every member.
///
/// # Panics
/// When a command fails.
#[track_caller]
pub fn everything(who: &Person) -> Value {
    let mut all = Map::new();
    for kind in KINDS {
        let list = who.json(&["list", kind, "--limit", "10000", "--archived"]);
        if is_told_at_length(kind) {
            tell_at_length(who, kind, &list, &mut all);
        }
        if kind == "member" {
            for row in rows(&list) {
                let id = row["id"].as_str().expect("a row has an id");
                all.insert(format!("home {id}"), who.json(&["home", "--member", id]));
            }
        }
        all.insert(format!("list {kind}"), list);
    }
    let converted = who.json(&["list", "inquiry", "--filter", "status=converted"]);
    tell_at_length(who, "inquiry", &converted, &mut all);
    all.insert("merged".to_owned(), who.json(&["merged", "--all"]));
    let counts = who.json(&["status"]);
    all.insert(
        "status".to_owned(),
        json!([
            counts["records"],
            counts["waiting"],
            counts["quarantined"],
            counts["merged"]
        ]),
    );
    Value::Object(all)
}

/// Of inquiries imports bring hundreds, and activities stand in the histories of what they regard: lists do for them.
fn is_told_at_length(kind: &str) -> bool {
    !matches!(kind, "inquiry" | "activity" | "settings" | "saved-view")
}

/// Adds each record of a list with its history.
fn tell_at_length(who: &Person, kind: &str, list: &Value, all: &mut Map<String, Value>) {
    for row in rows(list) {
        let id = row["id"].as_str().expect("a row has an id");
        all.insert(format!("show {kind} {id}"), who.json(&["show", id]));
        all.insert(format!("history {kind} {id}"), who.json(&["history", id]));
    }
}

/// Gives the rows of a list.
pub fn rows(list: &Value) -> &[Value] {
    list["rows"].as_array().map_or(&[], Vec::as_slice)
}

/// Checks that people see the same, and gives what they see.
///
/// # Panics
/// When two see different things; names the first place.
#[track_caller]
pub fn all_agree(people: &[&Person]) -> Value {
    let mut people = people.iter();
    let first = people.next().expect("somebody is there");
    let shown = everything(first);
    for other in people {
        let different = difference(&shown, &everything(other));
        assert!(
            different.is_none(),
            "{} and {} see different things: {}",
            first.name(),
            other.name(),
            different.unwrap_or_default()
        );
    }
    shown
}

/// Names the first place where two values differ, and what stands there.
pub fn difference(left: &Value, right: &Value) -> Option<String> {
    match (left, right) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            keys.into_iter().find_map(|key| {
                let null = Value::Null;
                let (a, b) = (a.get(key).unwrap_or(&null), b.get(key).unwrap_or(&null));
                difference(a, b).map(|place| format!("{key}: {place}"))
            })
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            let mut places = a.iter().zip(b).enumerate();
            places.find_map(|(at, (a, b))| difference(a, b).map(|place| format!("{at}: {place}")))
        }
        (a, b) if a == b => None,
        (a, b) => Some(format!("{a} there, {b} here")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_difference_is_named_with_its_place() {
        let value =
            |last: i64| json!({"list": [{"id": "a", "count": 1}, {"id": "b", "count": last}]});
        assert_eq!(difference(&value(2), &value(2)), None);
        let place = difference(&value(2), &value(3));
        assert_eq!(place.as_deref(), Some("list: 1: count: 2 there, 3 here"));
        assert!(difference(&json!([1]), &json!([1, 2])).is_some());
        assert!(difference(&json!({"a": 1}), &json!({})).is_some());
    }
}
