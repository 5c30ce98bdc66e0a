//! What must hold of single devices and single records, beside the rules of merging.

use model::Refusal;

use crate::acts::{customer, note, set};
use crate::peers::Peers;

#[test]
fn what_the_gate_of_others_would_refuse_is_never_made() {
    let mut peers = Peers::new(1, 2);
    let record = peers.make(0, customer("Mueller Praezision GmbH"));
    peers.sync();
    let before = peers.view(0, record);
    let made = peers.all[0].outbox.len();
    // A register beyond 64 KiB, with others beside it that would pass.
    let large = "x".repeat(70_000);
    for intent in [
        set(record, "website", &large),
        note(record, &large),
        set(record, "note", &large),
    ] {
        assert_eq!(peers.try_act(0, intent), Err(Refusal::TooLarge));
        assert_eq!(peers.view(0, record), before);
    }
    assert_eq!(peers.all[0].outbox.len(), made);
    // The device goes on from where it stood.
    peers.act(0, set(record, "website", "example.com"));
    peers.heal();
    assert_eq!(peers.text(1, record, "website"), "example.com");
}

#[test]
fn a_long_note_is_replaced_at_once() {
    let mut peers = Peers::new(2, 2);
    let record = peers.make(0, customer("Mueller Praezision GmbH"));
    let one: String = ('a'..='z').cycle().take(7_000).collect();
    let other: String = ('a'..='z').rev().cycle().take(8_000).collect();
    for text in [&one, &other, &one] {
        peers.act(0, set(record, "note", text));
        peers.heal();
        assert_eq!(&peers.view(1, record).note, text);
    }
}
