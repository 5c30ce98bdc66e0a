//! Envelopes that others rescue: they count for what their authors may, and for nothing that the rescuer says.

use model::{Kind, Role};
use protocol::{Blob, Envelope, EnvelopeHash, PartHash, Rescued, RosterHash, Signature};
use store::Reading;
use vault::{EnvelopeDraft, KeyName, sign_envelope, sign_rescue};

use super::world::{Person, Relay};
use crate::interface::*;

/// Gives the envelope that a person wrote last.
fn last_of(person: &Person) -> Envelope {
    let device = person.core.device.as_ref().unwrap();
    let read = person.core.store.read().unwrap();
    let bytes = read.envelope(device.keys.feed().as_bytes(), device.head.0);
    Envelope::decode(&bytes.unwrap().unwrap()).unwrap()
}

/// Lets somebody rescue an envelope, as it would stand next in his feed; what he says of the old one may be spoilt.
fn rescued(
    by: &Person,
    old: &Envelope,
    spoil: impl FnOnce(&mut Rescued, &mut Vec<Option<Blob>>),
) -> Envelope {
    let device = by.core.device.as_ref().unwrap();
    let draft = EnvelopeDraft {
        workspace: device.roster.workspace(),
        sequence: device.head.0 + 1,
        previous: device.head.1,
        roster_head: device.roster.head(),
        cursor: None,
        batch: None,
    };
    let mut said = Rescued {
        header: old.header_bytes.clone(),
        signature: old.signature,
    };
    let mut parts = old.parts.clone();
    spoil(&mut said, &mut parts);
    let hashes = parts
        .iter()
        .flatten()
        .map(|part| PartHash::of(part))
        .collect();
    let key = KeyName::of(&old.header);
    let signed = sign_rescue(&draft, key, hashes, parts, said, &device.keys);
    signed.unwrap().envelope
}

fn deliver(person: &mut Person, envelope: &Envelope) {
    let bytes: Blob = envelope.encode().into();
    let write = person.core.store.write().unwrap();
    let device = person.core.device.as_mut().unwrap();
    crate::core::receive::receive(device, &write, &bytes, envelope, false).unwrap();
    write.commit().unwrap();
}

/// Three people who have all: one to read, one to rescue, and one whose newest transaction only he has.
fn with_something_unsent() -> (Relay, Person, Person, Person) {
    let mut relay = Relay::new();
    let [mut a, mut b, mut c] = relay.gather(Role::Member);
    for _ in 0..2 {
        for person in [&mut a, &mut b, &mut c] {
            relay.sync(person);
        }
    }
    c.capture("Of the author");
    (relay, a, b, c)
}

#[test]
fn what_is_rescued_is_its_authors() {
    let (mut relay, mut a, b, mut c) = with_something_unsent();
    let old = last_of(&c);
    deliver(&mut a, &rescued(&b, &old, |_, _| {}));
    let rows = a.list(Kind::Inquiry);
    assert_eq!(rows.len(), 1);
    let Answer::History(history) = a.query(Query::History {
        record: rows[0].record.id,
    }) else {
        panic!("no history")
    };
    assert!(history.iter().all(|item| item.device == "C"), "{history:?}");
    // The same comes later from the author himself.
    relay.sync(&mut c);
    assert!(relay.sync(&mut a).complete);
    assert_eq!(a.list(Kind::Inquiry).len(), 1);
    assert_eq!(
        (a.status().waiting.len(), a.status().quarantined.len()),
        (0, 0)
    );
}

#[test]
fn what_its_author_did_not_sign_is_not_rescued() {
    let (_, mut a, b, c) = with_something_unsent();
    let old = last_of(&c);
    let forged = rescued(&b, &old, |said, _| said.signature = Signature::ZERO);
    deliver(&mut a, &forged);
    assert_eq!(a.list(Kind::Inquiry).len(), 0);
    assert_eq!(a.core.device.as_ref().unwrap().forged, 1);
}

#[test]
fn what_is_rescued_with_other_parts_or_within_another_is_set_aside() {
    let (_, mut a, b, c) = with_something_unsent();
    let old = last_of(&c);
    let emptied = rescued(&b, &old, |_, parts| parts.clear());
    deliver(&mut a, &emptied);
    let status = a.status();
    assert_eq!(status.quarantined.len(), 1);
    assert!(status.quarantined[0].reason.contains("names other parts"));
    assert_eq!(a.list(Kind::Inquiry).len(), 0);

    let (_, mut a, b, c) = with_something_unsent();
    let old = last_of(&c);
    let inner = rescued(&c, &old, |_, _| {});
    let outer = rescued(&b, &old, |said, _| {
        (said.header, said.signature) = (inner.header_bytes.clone(), inner.signature);
    });
    deliver(&mut a, &outer);
    assert_eq!(a.status().quarantined.len(), 1);
    assert_eq!(a.list(Kind::Inquiry).len(), 0);
}

#[test]
fn what_is_rescued_after_its_device_was_revoked_is_held() {
    let (mut relay, mut a, mut b, c) = with_something_unsent();
    let old = last_of(&c);
    let before = rescued(&b, &old, |_, _| {});
    let revocation = Request::Revoke {
        device: Some("C".into()),
        member: None,
    };
    let revoked = relay.ask(&mut a, revocation);
    assert!(revoked.is_ok(), "{revoked:?}");
    relay.sync(&mut b);
    deliver(&mut a, &rescued(&b, &old, |_, _| {}));
    assert_eq!(a.list(Kind::Inquiry).len(), 0);
    assert_eq!(a.status().held, 1);
    // What was rescued before that counts, also where it is held already.
    deliver(&mut a, &before);
    assert_eq!(a.list(Kind::Inquiry).len(), 1);
    assert_eq!(a.status().held, 0);
}

#[test]
fn what_is_rescued_of_the_own_feed_does_not_move_its_head() {
    let (mut relay, _, b, mut c) = with_something_unsent();
    let mut older = c.copy(60);
    c.capture("Of the author too");
    let newest = last_of(&c);
    let before = older.core.device.as_ref().unwrap().head;
    deliver(&mut older, &rescued(&b, &newest, |_, _| {}));
    assert_eq!(older.core.device.as_ref().unwrap().head, before);
    assert_eq!(older.list(Kind::Inquiry).len(), 2);
    older.capture("Of the copy");
    assert!(relay.sync(&mut older).complete);
    assert!(relay.sync(&mut c).complete);
    assert!(relay.sync(&mut older).complete);
    assert_eq!(older.list(Kind::Inquiry).len(), 3);
    assert_eq!(c.list(Kind::Inquiry).len(), 3);
}

#[test]
fn what_claims_to_be_rescued_and_is_not_hinders_nobody() {
    let mut relay = Relay::new();
    let [mut a, mut b, mut c] = relay.gather(Role::Member);
    c.capture("Mueller");
    for person in [&mut a, &mut c, &mut b] {
        relay.sync(person);
    }
    let mut older = c.copy(60);
    c.capture("Before the loss");
    relay.sync(&mut c);
    relay.sync(&mut a);
    let lost = last_of(&c);
    // Somebody says that he rescues it, with a signature and parts that are not its own.
    let forged = rescued(&b, &lost, |said, _| said.signature = Signature::ZERO);
    let emptied = rescued(&b, &lost, |_, parts| parts.fill(None));
    for claim in [&forged, &emptied] {
        deliver(&mut a, claim);
        deliver(&mut older, claim);
    }
    let mut relay = Relay::with_key(78);
    older.capture("Of the restored home");
    relay.sync(&mut older);
    relay.sync(&mut a);
    relay.sync(&mut older);
    assert_eq!(older.list(Kind::Inquiry).len(), 3);
}

#[test]
fn what_is_rescued_of_a_device_that_nobody_knows_leaves_nothing_behind() {
    let mut relay = Relay::new();
    let [mut a, mut b] = relay.gather(Role::Member);
    b.capture("Mueller");
    relay.sync(&mut b);
    relay.sync(&mut a);
    let [stranger] = Relay::with_key(90).gather(Role::Member);
    let keys = &stranger.core.device.as_ref().unwrap().keys;
    let draft = EnvelopeDraft {
        workspace: b.core.device.as_ref().unwrap().roster.workspace(),
        sequence: 1,
        previous: EnvelopeHash::ZERO,
        roster_head: RosterHash::ZERO,
        cursor: None,
        batch: None,
    };
    let key = KeyName::of(&last_of(&b).header);
    let old = sign_envelope(&draft, key, Vec::new(), keys)
        .unwrap()
        .envelope;
    let feeds = |person: &Person| person.core.store.read().unwrap().feeds().unwrap().len();
    let before = feeds(&a);
    deliver(&mut a, &rescued(&b, &old, |_, _| {}));
    assert_eq!(feeds(&a), before);
    assert_eq!(a.list(Kind::Inquiry).len(), 1);
}
