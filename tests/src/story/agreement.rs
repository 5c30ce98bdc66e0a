//! Whether all machines show the same.

use serde_json::{Map, Value, json};

use crate::harness::{Person, Rpc};

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
/// One process answers all of it by the engine's interface, which gives what the commands print with `--json`.
///
/// # Panics
/// When a query fails.
#[track_caller]
pub fn everything(who: &Person) -> Value {
    let mut rpc = Rpc::open(who);
    let mut all = Map::new();
    for kind in KINDS {
        let list =
            rpc.query(json!({"query": "list", "kind": kind, "limit": 10000, "archived": true}));
        for row in rows(&list)
            .iter()
            .filter(|row| is_told_at_length(kind, row))
        {
            let id = row["id"].as_str().expect("a row has an id");
            for query in ["record", "history"] {
                let told = rpc.query(json!({"query": query, "record": id}));
                all.insert(format!("{query} of {kind} {id}"), told);
            }
            if kind == "member" {
                let home = rpc.query(json!({"query": "home", "member": id}));
                all.insert(format!("home of {id}"), home);
            }
        }
        all.insert(format!("list {kind}"), list);
    }
    all.insert(
        "merged".to_owned(),
        rpc.query(json!({"query": "merged", "all": true})),
    );
    let status = rpc.query(json!({"query": "status"}));
    let counts = ["records", "waiting", "quarantined", "merged"].map(|name| status[name].clone());
    all.insert("status".to_owned(), counts.into());
    rpc.finish();
    Value::Object(all)
}

/// Of inquiries imports bring hundreds, and activities stand in the histories of what they regard: lists do for them.
fn is_told_at_length(kind: &str, row: &Value) -> bool {
    match kind {
        "inquiry" => row["fields"]["status"] == "converted",
        kind => !matches!(kind, "activity" | "settings" | "saved-view"),
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
