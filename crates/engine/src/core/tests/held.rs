//! What waits, and what is set aside.

use model::intent::Intent;
use model::{Kind, Role};
use store::{EnvelopeKey, Reading};

use super::world::{Person, Relay};
use crate::interface::*;

#[test]
fn what_killed_the_program_thrice_alone_is_set_aside() {
    let mut relay = Relay::new();
    let [mut a, mut b] = relay.gather(Role::Member);
    relay.sync(&mut a);
    let before = b.list(Kind::Inquiry).len();
    let first = a.capture("Mueller Praezision GmbH");
    a.capture("Second GmbH");
    relay.sync(&mut a);
    // What a death in the middle of applying leaves: the mark that it was tried alone, for the third time.
    let sequence = b.core.device.as_ref().unwrap().cursor.unwrap().sequence + 1;
    let trying = crate::core::apply::Trying::died(sequence, Some(sequence), 2);
    let write = b.core.store.write().unwrap();
    write
        .set_meta(
            crate::core::device::META_TRYING,
            &minicbor::to_vec(trying).unwrap(),
        )
        .unwrap();
    write.commit().unwrap();
    assert!(relay.sync(&mut b).complete);
    let status = b.status();
    assert_eq!(status.quarantined.len(), 1);
    assert!(status.quarantined[0].reason.contains("died"));
    assert_eq!(
        b.list(Kind::Inquiry).len(),
        before + 1,
        "the other one arrived"
    );
    assert!(
        b.ask(Request::Query(Query::Record { record: first }))
            .is_err()
    );
}

#[test]
fn an_envelope_that_comes_too_early_waits_for_its_feed() {
    let mut relay = Relay::new();
    let [mut a, mut b] = relay.gather(Role::Member);
    relay.sync(&mut b);
    let inquiry = a.capture("Mueller Praezision GmbH");
    a.act(Intent::AppendNote {
        record: inquiry,
        text: "second".into(),
    });
    let feed = a.core.device.as_ref().unwrap().keys.feed();
    let head = a.core.device.as_ref().unwrap().head.0;
    let read = a.core.store.read().unwrap();
    let envelope = |sequence| read.envelope(feed.as_bytes(), sequence).unwrap().unwrap();
    let (first, second) = (envelope(head - 1), envelope(head));
    let deliver = |person: &mut Person, bytes: &[u8]| {
        let write = person.core.store.write().unwrap();
        let decoded = protocol::Envelope::decode(bytes).unwrap();
        let device = person.core.device.as_mut().unwrap();
        crate::core::receive::receive(device, &write, &bytes.to_vec().into(), &decoded, false)
            .unwrap();
        write.commit().unwrap();
    };
    deliver(&mut b, &second);
    assert_eq!(b.status().waiting.len(), 1);
    deliver(&mut b, &first);
    assert_eq!(b.status().waiting, []);
    assert_eq!(b.record(inquiry).note, "second");
    let key = EnvelopeKey {
        feed: *feed.as_bytes(),
        sequence: head,
    };
    assert_eq!(
        b.core.store.read().unwrap().waiting_reason(key).unwrap(),
        None
    );
}

#[test]
fn what_was_set_aside_is_tried_again_on_request() {
    let mut relay = Relay::new();
    let [mut a, mut b] = relay.gather(Role::Member);
    relay.sync(&mut b);
    let inquiry = a.capture("Mueller Praezision GmbH");
    relay.sync(&mut a);
    let sequence = b.core.device.as_ref().unwrap().cursor.unwrap().sequence + 1;
    let trying = crate::core::apply::Trying::died(sequence, Some(sequence), 2);
    let write = b.core.store.write().unwrap();
    write
        .set_meta(
            crate::core::device::META_TRYING,
            &minicbor::to_vec(trying).unwrap(),
        )
        .unwrap();
    write.commit().unwrap();
    relay.sync(&mut b);
    assert_eq!(b.status().quarantined.len(), 1);
    assert!(matches!(b.ask(Request::TryAgain), Ok(Answer::Ok)));
    assert_eq!(
        (b.status().quarantined, b.status().waiting),
        (vec![], vec![])
    );
    assert_eq!(a.record(inquiry), b.record(inquiry));
}

#[test]
fn one_killer_in_the_middle_of_a_batch_is_found() {
    let mut relay = Relay::new();
    let [mut a, mut b] = relay.gather(Role::Member);
    relay.sync(&mut b);
    for at in 0..3 {
        a.capture(&format!("Company {at}"));
    }
    relay.sync(&mut a);
    let first = b.core.device.as_ref().unwrap().cursor.unwrap().sequence + 1;
    // The second of three kills: what its third death leaves.
    let died = crate::core::apply::Trying::died(first + 2, Some(first + 1), 2);
    let write = b.core.store.write().unwrap();
    write
        .set_meta(
            crate::core::device::META_TRYING,
            &minicbor::to_vec(died).unwrap(),
        )
        .unwrap();
    write.commit().unwrap();
    assert!(relay.sync(&mut b).complete);
    assert_eq!(b.status().quarantined.len(), 1);
    let titles: Vec<String> = b
        .list(Kind::Inquiry)
        .into_iter()
        .map(|row| row.record.title)
        .collect();
    assert_eq!(titles, ["Company 2, Berg", "Company 0, Berg"]);
    let read = b.core.store.read().unwrap();
    assert_eq!(read.meta(crate::core::device::META_TRYING).unwrap(), None);
    drop(read);
    a.capture("Company 3");
    relay.sync(&mut a);
    assert!(
        relay.sync(&mut b).complete,
        "the cursor was right after each single item"
    );
}

#[test]
fn a_forged_envelope_does_not_take_the_place_of_the_true_one() {
    let mut relay = Relay::new();
    let [mut a, mut b] = relay.gather(Role::Member);
    relay.sync(&mut b);
    let inquiry = a.capture("Mueller Praezision GmbH");
    let device = a.core.device.as_ref().unwrap();
    let (feed, head) = (device.keys.feed(), device.head.0);
    let read = a.core.store.read().unwrap();
    let bytes = read.envelope(feed.as_bytes(), head).unwrap().unwrap();
    drop(read);
    let mut forged = protocol::Envelope::decode(&bytes).unwrap();
    forged.header.key_epoch += 1;
    forged.header_bytes = forged.header.encode().into();
    let forged_bytes: protocol::Blob = forged.encode().into();
    let write = b.core.store.write().unwrap();
    let device = b.core.device.as_mut().unwrap();
    crate::core::receive::receive(device, &write, &forged_bytes, &forged, false).unwrap();
    write.commit().unwrap();
    relay.sync(&mut a);
    assert!(relay.sync(&mut b).complete);
    assert_eq!(a.record(inquiry), b.record(inquiry));
    assert!(
        b.status()
            .connection_problem
            .unwrap()
            .contains("false signatures")
    );
}
