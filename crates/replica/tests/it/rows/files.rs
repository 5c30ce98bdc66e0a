//! Files of records: attached, taken away, undone, merged.

use model::merged::Rule;
use model::{FileHash, Intent, RecordId, Refusal, Value};

use crate::acts::*;
use crate::peers::Peers;

const PHOTO: FileHash = FileHash::from_bytes([0xab; 32]);

fn attach_as(record: RecordId, name: &str) -> Intent {
    attach(record, PHOTO, name)
}

fn names(peers: &Peers, peer: usize, record: RecordId) -> Vec<String> {
    peers
        .view(peer, record)
        .list("file")
        .map(|(key, value)| match value {
            Value::File(file) => {
                assert_eq!(key, format!("file/{PHOTO}"));
                format!("{} {} {}", file.name, file.media_type, file.size)
            }
            other => panic!("{other:?} is no file"),
        })
        .collect()
}

#[test]
fn a_file_is_attached_and_taken_away() {
    let mut peers = Peers::new(400, 2);
    let inquiry = shared_inquiry(&mut peers);
    peers.act(0, attach_as(inquiry, " card.png "));
    peers.sync();
    assert_eq!(names(&peers, 1, inquiry), ["card.png image/png 1000"]);
    peers.act(1, detach(inquiry, PHOTO));
    peers.heal();
    assert!(names(&peers, 0, inquiry).is_empty());
    peers.act(0, attach_as(inquiry, "again.png"));
    peers.heal();
    assert_eq!(names(&peers, 1, inquiry), ["again.png image/png 1000"]);
    peers.assert_nothing_merged();
}

#[test]
fn attaching_and_taking_away_are_undone_and_that_too() {
    let mut peers = Peers::new(401, 2);
    let inquiry = shared_inquiry(&mut peers);
    peers.act(0, attach_as(inquiry, "card.png"));
    peers.act(0, undo());
    assert!(names(&peers, 0, inquiry).is_empty());
    peers.act(0, attach_as(inquiry, "card.png"));
    let taken = peers.fresh_intent();
    peers.try_act_as(0, taken, detach(inquiry, PHOTO)).unwrap();
    peers.sync();
    let undone = peers.fresh_intent();
    peers.try_act_as(0, undone, undo_of(taken)).unwrap();
    peers.heal();
    assert_eq!(names(&peers, 1, inquiry), ["card.png image/png 1000"]);
    peers.act(0, undo_of(undone));
    peers.heal();
    assert!(names(&peers, 1, inquiry).is_empty());
    peers.assert_nothing_merged();
}

#[test]
fn the_same_file_attached_on_two_devices_is_one() {
    let mut peers = Peers::new(402, 2);
    let inquiry = shared_inquiry(&mut peers);
    peers.act(0, attach_as(inquiry, "card.png"));
    peers.act(1, attach_as(inquiry, "card.png"));
    peers.heal();
    assert_eq!(names(&peers, 0, inquiry), ["card.png image/png 1000"]);
    peers.assert_nothing_merged();
    // One of them takes back what was his; the other's stands.
    assert_eq!(peers.try_act(0, undo()), Err(Refusal::AllChanged));
    peers.act(1, detach(inquiry, PHOTO));
    peers.heal();
    assert!(names(&peers, 0, inquiry).is_empty());
    peers.assert_nothing_merged();
}

#[test]
fn the_same_file_under_two_names_is_one_and_listed() {
    let mut peers = Peers::new(403, 2);
    let inquiry = shared_inquiry(&mut peers);
    peers.act(0, attach_as(inquiry, "card.png"));
    peers.act(1, attach_as(inquiry, "visit.png"));
    peers.heal();
    let entry = peers.only_entry(Rule::Conflict);
    assert_eq!(entry.field, Some(format!("file/{PHOTO}")));
    peers.choose(
        1,
        &entry,
        |value| matches!(value, Some(Value::File(file)) if file.name == "card.png"),
    );
    assert_eq!(names(&peers, 0, inquiry), ["card.png image/png 1000"]);
    peers.assert_nothing_merged();
}

#[test]
fn taken_away_here_and_named_anew_there_is_shown_and_listed() {
    let mut peers = Peers::new(404, 2);
    let inquiry = shared_inquiry(&mut peers);
    peers.act(0, attach_as(inquiry, "card.png"));
    peers.sync();
    peers.act(0, detach(inquiry, PHOTO));
    peers.act(1, detach(inquiry, PHOTO));
    peers.act(1, attach_as(inquiry, "visit.png"));
    peers.heal();
    assert_eq!(names(&peers, 0, inquiry), ["visit.png image/png 1000"]);
    let entry = peers.only_entry(Rule::Conflict);
    assert_eq!(texts(&entry), ["visit.png (1000 bytes)", "-"]);
    // Who takes it away now has seen one of the two values: the other stays listed until somebody has seen it.
    peers.act(0, detach(inquiry, PHOTO));
    peers.heal();
    assert!(names(&peers, 1, inquiry).is_empty());
    let entry = peers.only_entry(Rule::Aside);
    assert_eq!(texts(&entry), ["-", "visit.png (1000 bytes)"]);
    peers.choose(1, &entry, Option::is_some);
    assert_eq!(names(&peers, 0, inquiry), ["visit.png image/png 1000"]);
    peers.assert_nothing_merged();
}

#[test]
fn files_of_a_merged_record_go_on_in_the_survivor() {
    let mut peers = Peers::new(405, 2);
    let one = peers.make(0, customer("One"));
    let two = peers.make(0, customer("Two"));
    peers.act(0, attach_as(one, "card.png"));
    peers.sync();
    peers.act(0, merge(one, two));
    // Elsewhere another file comes to the record that was merged.
    let other = FileHash::from_bytes([0xcd; 32]);
    peers.act(1, attach(one, other, "letter.pdf"));
    peers.heal();
    let view = peers.view(1, two);
    let keys: Vec<&str> = view.list("file").map(|(key, _)| key).collect();
    assert_eq!(keys, [format!("file/{PHOTO}"), format!("file/{other}")]);
    let refusal = peers.try_act(1, detach(one, PHOTO)).unwrap_err();
    assert_eq!(refusal.code(), "merged");
    peers.act(1, detach(two, PHOTO));
    peers.heal();
    assert_eq!(peers.view(0, two).list("file").count(), 1);
}

#[test]
fn what_may_not_be_attached_is_refused_with_a_way_out() {
    let mut peers = Peers::new(406, 2);
    let inquiry = shared_inquiry(&mut peers);
    let (_, project) = shared_project(&mut peers);
    let (offer, issued) = shared_offer(&mut peers, project);
    let with = |name: &str, media_type: &str, size: u64| Intent::Attach {
        record: inquiry,
        hash: PHOTO,
        name: name.to_owned(),
        media_type: media_type.to_owned(),
        size,
    };
    let long = "a".repeat(256);
    let most = 1024 * 1024;
    for name in ["", "  ", "..", "a/b.png", "a\\b.png", "a\nb", &long] {
        check(&mut peers, with(name, "", 1), "bad-file-name");
    }
    check(&mut peers, with("a.png", "", 0), "empty-file");
    check(&mut peers, with("a.png", "", most + 1), "file-too-large");
    check(&mut peers, with("a.png", "image/\u{fc}", 1), "bad-value");
    check(&mut peers, detach(inquiry, PHOTO), "not-attached");
    check(&mut peers, attach_as(issued, "a.png"), "not-by-hand");
    check(
        &mut peers,
        set(inquiry, &format!("file/{PHOTO}"), "a.png"),
        "not-by-hand",
    );
    let unknown = RecordId::from_bytes([1; 16]);
    check(&mut peers, attach_as(unknown, "a.png"), "no-such-record");
    peers.act(0, attach_as(offer, "a.png"));
    peers.act(0, with("a.png", "image/png", most));
    check(
        &mut peers,
        with("b.png", "image/png", most),
        "attached-already",
    );
    let settings = RecordId::settings_of(&crate::peers::WORKSPACE);
    let as_member = peers.try_act(1, attach_as(settings, "logo.png"));
    assert_eq!(as_member.unwrap_err().code(), "role");
    peers.act(0, attach_as(settings, "logo.png"));
    peers.act(0, archive(inquiry));
    check(&mut peers, detach(inquiry, PHOTO), "archived");
}

fn check(peers: &mut Peers, intent: Intent, code: &str) {
    let refusal = peers.try_act(0, intent.clone()).unwrap_err();
    assert_eq!(refusal.code(), code, "{intent:?}");
    let silent = matches!(refusal, Refusal::BadValue { .. });
    assert!(refusal.way_out().is_some() || silent, "{refusal}");
}
