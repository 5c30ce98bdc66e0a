//! People who go, and what they leave: roles, revocations, what is held.

use model::intent::{Assignment, Intent};
use model::{Kind, RecordId, Role};
use store::Reading;

use super::world::{Person, Relay};
use super::{founded, note};
use crate::interface::*;

pub(super) fn member(person: &mut Person) -> RecordId {
    person.status().workspace.unwrap().member
}

pub(super) fn devices(person: &mut Person) -> Vec<DeviceAnswer> {
    let Ok(Answer::Members(members)) = person.ask(Request::Members) else {
        panic!("no members")
    };
    members.into_iter().flat_map(|one| one.devices).collect()
}

pub(super) fn device(person: &mut Person, code: &str) -> DeviceAnswer {
    let all = devices(person);
    all.into_iter().find(|one| one.code == code).unwrap()
}

pub(super) fn revoke(relay: &mut Relay, admin: &mut Person, code: &str) -> Revoked {
    let request = Request::Revoke {
        device: Some(code.into()),
        member: None,
    };
    match relay.ask(admin, request) {
        Ok(Answer::Revoked(revoked)) => revoked,
        other => panic!("{other:?}"),
    }
}

pub(super) fn change_role(
    relay: &mut Relay,
    admin: &mut Person,
    member: RecordId,
    role: Role,
) -> RoleChanged {
    match relay.ask(admin, Request::ChangeRole { member, role }) {
        Ok(Answer::RoleChanged(changed)) => changed,
        other => panic!("{other:?}"),
    }
}

pub(super) fn accept(
    relay: &mut Relay,
    admin: &mut Person,
    device: &str,
    up_to: Option<u64>,
) -> Result<Accepted, Failure> {
    let device = device.to_owned();
    match relay.ask(admin, Request::AcceptHeld { device, up_to })? {
        Answer::Accepted(accepted) => Ok(accepted),
        other => panic!("{other:?}"),
    }
}

pub(super) fn held(person: &mut Person) -> Vec<HeldDevice> {
    match person.ask(Request::Held) {
        Ok(Answer::Held(held)) => held,
        other => panic!("{other:?}"),
    }
}

pub(super) fn companies(person: &mut Person) -> Vec<String> {
    let rows = person.list(Kind::Inquiry).into_iter();
    let mut titles: Vec<String> = rows.map(|row| row.record.title).collect();
    titles.sort();
    titles
}

/// A and B, where B captured one contact that all have, and one more while A revoked it.
fn revoked_while_away(relay: &mut Relay) -> [Person; 3] {
    let [mut a, mut b, mut c] = relay.gather(Role::Member);
    b.capture("Before GmbH");
    relay.sync(&mut b);
    relay.sync(&mut a);
    relay.sync(&mut c);
    b.capture("After GmbH");
    revoke(relay, &mut a, "B");
    [a, b, c]
}

#[test]
fn what_a_revoked_device_had_sent_stays_and_what_follows_is_told() {
    let mut relay = Relay::new();
    let [mut a, mut b] = relay.gather(Role::Member);
    b.capture("Before GmbH");
    relay.sync(&mut b);
    relay.sync(&mut a);
    let before = device(&mut a, "B").transactions;
    let revoked = revoke(&mut relay, &mut a, "b");
    assert_eq!((revoked.name.as_str(), revoked.key_epoch), ("Person 1", 2));
    let [gone] = revoked.devices.as_slice() else {
        panic!("{revoked:?}")
    };
    assert_eq!(
        (
            gone.code.as_str(),
            gone.is_revoked,
            gone.counts_up_to,
            gone.held
        ),
        ("B", true, Some(before), 0)
    );
    assert_eq!(companies(&mut a), ["Before GmbH, Berg"]);
}

#[test]
fn a_device_that_sent_more_than_the_admin_has_is_cut_where_the_relay_has_it() {
    let mut relay = Relay::new();
    let [mut a, mut b] = relay.gather(Role::Member);
    relay.sync(&mut a);
    b.capture("Unseen GmbH");
    relay.sync(&mut b);
    // The connection of this errand brings the log, but the first signing comes before.
    let revoked = revoke(&mut relay, &mut a, "B");
    let own = b.core.device.as_ref().unwrap().head.0;
    assert_eq!(revoked.devices[0].counts_up_to, Some(own));
    relay.sync(&mut a);
    assert_eq!(companies(&mut a), ["Unseen GmbH, Berg"]);
}

#[test]
fn what_a_revoked_device_tries_is_held_for_the_admins_and_told_in_words() {
    let mut relay = Relay::new();
    let [mut a, mut b, mut c] = revoked_while_away(&mut relay);
    let answer = relay.sync(&mut b);
    assert_eq!((answer.complete, answer.held), (false, 1));
    let problem = answer.problem.unwrap();
    assert_eq!(problem.code, "revoked");
    assert!(
        problem.reason.contains("A. Berg (device A) on 2026-11-23"),
        "{problem:?}"
    );
    relay.sync(&mut a);
    assert_eq!(a.status().held, 1);
    relay.is_away = true;
    let held = held(&mut a);
    let [one] = held.as_slice() else {
        panic!("{held:?}")
    };
    assert_eq!((one.code.as_str(), one.name.as_str()), ("B", "Person 1"));
    assert_eq!((one.reason.as_str(), one.total), ("revoked", 1));
    let told = &one.transactions[0];
    assert_eq!(told.sequence, one.since);
    assert!(told.made_ms.is_some());
    assert_eq!(told.obstacle, None);
    assert_eq!(told.records[0].title, "After GmbH");
    let company = told.lines.iter().find(|line| line.field == "company");
    assert_eq!(company.unwrap().after, "After GmbH");
    // It counts nowhere, and nobody else is shown it.
    assert_eq!(companies(&mut a), ["Before GmbH, Berg"]);
    relay.is_away = false;
    relay.sync(&mut c);
    assert_eq!(c.ask(Request::Held).unwrap_err().code, "role");
    assert_eq!((companies(&mut c), c.status().held), (companies(&mut a), 0));
    let read = c.core.store.read().unwrap();
    assert_eq!(read.held().unwrap(), []);
}

#[test]
fn what_is_held_survives_a_restart_and_is_not_fetched_again() {
    let mut relay = Relay::new();
    let [mut a, mut b, _] = revoked_while_away(&mut relay);
    relay.sync(&mut b);
    relay.sync(&mut a);
    a.restart();
    assert_eq!(held(&mut a)[0].total, 1);
    relay.bytes.clear();
    assert!(relay.sync(&mut a).complete);
    assert!(relay.bytes["down"] < 1_024, "{:?}", relay.bytes);
}

#[test]
fn what_an_admin_accepts_is_everywhere() {
    let mut relay = Relay::new();
    let [mut a, mut b, mut c] = revoked_while_away(&mut relay);
    relay.sync(&mut b);
    let accepted = accept(&mut relay, &mut a, "B", None).unwrap();
    assert_eq!((accepted.device.as_str(), accepted.held), ("B", 0));
    assert_eq!(accepted.from, accepted.up_to);
    for person in [&mut a, &mut c] {
        assert!(relay.sync(person).complete);
        assert_eq!(companies(person), ["After GmbH, Berg", "Before GmbH, Berg"]);
        assert_eq!(person.status().waiting, []);
    }
    assert_eq!(held(&mut a), []);
    let error = accept(&mut relay, &mut a, "B", None).unwrap_err();
    assert_eq!(error.code, "nothing-held");
}

#[test]
fn an_admin_may_accept_the_first_of_what_is_held() {
    let mut relay = Relay::new();
    let [mut a, mut b, mut c] = revoked_while_away(&mut relay);
    b.capture("Later GmbH");
    relay.sync(&mut b);
    relay.sync(&mut a);
    let one = held(&mut a).remove(0);
    assert_eq!(one.total, 2);
    let accepted = accept(&mut relay, &mut a, "B", Some(one.since)).unwrap();
    assert_eq!((accepted.up_to, accepted.held), (one.since, 1));
    relay.sync(&mut c);
    assert_eq!(companies(&mut c), ["After GmbH, Berg", "Before GmbH, Berg"]);
    let error = accept(&mut relay, &mut a, "B", Some(99)).unwrap_err();
    assert_eq!(error.code, "nothing-held");
    accept(&mut relay, &mut a, "B", None).unwrap();
    relay.sync(&mut c);
    assert_eq!(companies(&mut c).len(), 3);
}

#[test]
fn a_revoked_device_locks_and_stays_locked() {
    let mut relay = Relay::new();
    let [mut a, mut b, _] = revoked_while_away(&mut relay);
    let inquiry = b.list(Kind::Inquiry)[0].record.id;
    relay.sync(&mut b);
    a.capture("Secret GmbH");
    relay.sync(&mut a);
    for _ in 0..2 {
        for request in [
            Request::Query(Query::Record { record: inquiry }),
            Request::Query(Query::Statistics),
            Request::Subscribe {
                query: Query::Merged { all: true },
            },
            Request::Members,
            Request::Held,
            Request::Export {
                offset: 0,
                limit: 10,
            },
            Request::Resolve {
                text: "Before".into(),
            },
            Request::TryAgain,
            Request::Do {
                intent_id: None,
                batch: None,
                intent: Intent::AppendNote {
                    record: inquiry,
                    text: "no".into(),
                },
            },
        ] {
            let failure = b.ask(request).unwrap_err();
            assert_eq!(failure.code, "revoked");
            assert!(
                failure.reason.contains("1 transaction of it"),
                "{failure:?}"
            );
            assert!(failure.way_out.unwrap().contains("invite"));
        }
        let status = b.status();
        assert_eq!(
            (status.own_held, status.revoked.map(|one| one.code)),
            (1, Some("revoked".into()))
        );
        assert!(b.core.device.as_ref().unwrap().ring.newest().is_none());
        assert!(!relay.sync(&mut b).complete);
        b.restart();
    }
    let read = b.core.store.read().unwrap();
    assert_eq!(read.held().unwrap(), []);
}

#[test]
fn a_revoked_device_is_sent_nothing_that_comes_later_and_cannot_read_it() {
    let mut relay = Relay::new();
    let [mut a, mut b, _] = revoked_while_away(&mut relay);
    let ring = vault_keys(&b);
    a.capture("Secret GmbH");
    relay.sync(&mut a);
    relay.bytes.clear();
    relay.sync(&mut b);
    let before = relay.bytes["down"];
    assert!(before < 4_096, "the roster alone: {before}");
    let envelope = a.core.device.as_ref().unwrap();
    let read = a.core.store.read().unwrap();
    let feed = envelope.keys.feed();
    let bytes = read
        .envelope(feed.as_bytes(), envelope.head.0)
        .unwrap()
        .unwrap();
    let header = protocol::Envelope::decode(&bytes).unwrap().header;
    assert_eq!(header.key_epoch, 2);
    assert_eq!(ring, [1]);
}

/// The numbers of the workspace keys that a device reads.
fn vault_keys(person: &Person) -> Vec<u32> {
    let device = person.core.device.as_ref().unwrap();
    device.ring.names().map(|name| name.number).collect()
}

#[test]
fn others_go_on_with_the_new_key_and_who_joins_later_reads_both() {
    let mut relay = Relay::new();
    let [mut a, _b, mut c] = revoked_while_away(&mut relay);
    a.capture("New GmbH");
    relay.sync(&mut a);
    relay.sync(&mut c);
    assert_eq!(companies(&mut c), ["Before GmbH, Berg", "New GmbH, Berg"]);
    let invite = Request::Invite {
        user: Some("D".into()),
        email: None,
        role: Role::Member,
        member: None,
    };
    let Ok(Answer::Invited(invited)) = relay.ask(&mut a, invite) else {
        panic!("no invite")
    };
    let mut d = Person::new(40);
    relay
        .ask(&mut d, Request::Join { link: invited.link })
        .unwrap();
    relay.sync(&mut d);
    assert_eq!(companies(&mut d), companies(&mut c));
    assert_eq!(d.status().waiting, []);
}

#[test]
fn all_devices_of_a_member_are_revoked_and_both_are_shown() {
    let mut relay = Relay::new();
    let [mut a, mut b] = relay.gather(Role::Member);
    let who = member(&mut b);
    let invite = Request::Invite {
        user: None,
        email: None,
        role: Role::Member,
        member: Some(who),
    };
    let Ok(Answer::Invited(invited)) = relay.ask(&mut a, invite) else {
        panic!("no invite")
    };
    let mut second = Person::new(50);
    relay
        .ask(&mut second, Request::Join { link: invited.link })
        .unwrap();
    relay.sync(&mut a);
    let request = Request::Revoke {
        device: None,
        member: Some(who),
    };
    let Ok(Answer::Revoked(revoked)) = relay.ask(&mut a, request.clone()) else {
        panic!("not revoked")
    };
    assert_eq!(revoked.devices.len(), 2);
    assert!(revoked.devices.iter().all(|one| one.is_revoked));
    for person in [&mut b, &mut second] {
        assert!(!relay.sync(person).complete);
        assert!(person.status().revoked.is_some());
    }
    let error = relay.ask(&mut a, request).unwrap_err();
    assert_eq!(error.code, "nothing-to-revoke");
}

#[test]
fn a_member_becomes_an_admin_and_invites() {
    let mut relay = Relay::new();
    let [mut a, mut b] = relay.gather(Role::Member);
    relay.sync(&mut a);
    let who = member(&mut b);
    let changed = change_role(&mut relay, &mut a, who, Role::Admin);
    assert_eq!(
        (changed.role, changed.name.as_str()),
        (Role::Admin, "Person 1")
    );
    relay.sync(&mut b);
    assert_eq!(b.status().role, Some(Role::Admin));
    let invite = Request::Invite {
        user: Some("X".into()),
        email: None,
        role: Role::Member,
        member: None,
    };
    assert!(relay.ask(&mut b, invite).is_ok());
    let own = member(&mut a);
    let request = Request::ChangeRole {
        member: own,
        role: Role::Member,
    };
    let error = relay.ask(&mut b, request.clone()).unwrap_err();
    assert_eq!(error.code, "role", "{error:?}");
    assert_eq!(relay.ask(&mut a, request).unwrap_err().code, "own-role");
}

#[test]
fn what_was_written_after_a_demotion_is_held_and_the_device_is_told() {
    let mut relay = Relay::new();
    let [mut a, mut b] = relay.gather(Role::Member);
    b.capture("Before GmbH");
    relay.sync(&mut b);
    relay.sync(&mut a);
    let inquiry = b.capture("After GmbH");
    let who = member(&mut b);
    let changed = change_role(&mut relay, &mut a, who, Role::Guest);
    assert_eq!(
        changed.devices[0].counts_up_to,
        Some(changed.devices[0].transactions)
    );
    let answer = relay.sync(&mut b);
    assert_eq!((answer.complete, answer.held), (true, 1), "{answer:?}");
    assert_eq!(
        (b.status().own_held, b.status().role),
        (1, Some(Role::Guest))
    );
    assert_eq!(b.record(inquiry).record.title, "After GmbH, Berg");
    relay.sync(&mut a);
    let one = held(&mut a).remove(0);
    assert_eq!((one.reason.as_str(), one.total), ("role", 1));
    // With the old role all of it counts, and nobody has to accept anything.
    change_role(&mut relay, &mut a, who, Role::Member);
    relay.sync(&mut a);
    relay.sync(&mut b);
    assert_eq!(
        (b.status().own_held, b.status().role),
        (0, Some(Role::Member))
    );
    assert_eq!(companies(&mut a), ["After GmbH, Berg", "Before GmbH, Berg"]);
    assert_eq!(held(&mut a), []);
}

#[test]
fn a_guest_is_refused_every_write_with_a_way_out() {
    let mut relay = Relay::new();
    let [mut a, mut guest] = relay.gather(Role::Guest);
    let inquiry = a.capture("Mueller Praezision GmbH");
    relay.sync(&mut a);
    relay.sync(&mut guest);
    let intents = [
        Intent::AppendNote {
            record: inquiry,
            text: "no".into(),
        },
        Intent::Edit {
            record: inquiry,
            fields: vec![Assignment::set("priority", "A")],
        },
        Intent::Convert {
            inquiry,
            into: Default::default(),
        },
        Intent::Undo {
            what: model::intent::Undo::Last,
        },
    ];
    let mut requests: Vec<Request> = intents
        .into_iter()
        .map(|intent| Request::Do {
            intent_id: None,
            batch: None,
            intent,
        })
        .collect();
    requests.push(Request::Attach {
        intent_id: None,
        batch: None,
        record: inquiry,
        name: "card.png".into(),
        media_type: String::new(),
        bytes: b"bytes".to_vec(),
    });
    requests.push(Request::Import {
        intent_id: None,
        files: vec![ImportFile {
            name: "a.vcf".into(),
            bytes: b"BEGIN:VCARD\r\nVERSION:4.0\r\nFN:A B\r\nEND:VCARD\r\n".to_vec(),
        }],
        event: None,
        origin: None,
        kind: None,
    });
    requests.push(Request::ChangeRole {
        member: inquiry,
        role: Role::Owner,
    });
    requests.push(Request::Revoke {
        device: Some("A".into()),
        member: None,
    });
    requests.push(Request::Held);
    requests.push(Request::AcceptHeld {
        device: "A".into(),
        up_to: None,
    });
    for request in requests {
        let failure = guest.ask(request.clone()).unwrap_err();
        assert_eq!(failure.code, "role", "{request:?}: {failure:?}");
        assert!(failure.way_out.is_some(), "{failure:?}");
    }
    assert_eq!(guest.status().only_here, 0);
    let form = Request::LocalSet {
        key: "form/1".into(),
        value: Some("half".into()),
    };
    assert!(guest.ask(form).is_ok());
}

#[test]
fn a_workspace_without_a_relay_changes_no_roles_and_says_how() {
    let mut a = founded();
    let own = member(&mut a);
    let request = Request::ChangeRole {
        member: own,
        role: Role::Guest,
    };
    let failure = a.ask(request).unwrap_err();
    assert_eq!(failure.code, "no-relay");
    assert!(failure.way_out.unwrap().contains("handschlag relay"));
}

#[test]
fn nobody_revokes_the_device_at_hand_or_one_that_is_not_there() {
    let mut relay = Relay::new();
    let [mut a, _b] = relay.gather(Role::Member);
    for (name, code) in [("A", "own-device"), ("Z9", "no-such-device")] {
        let request = Request::Revoke {
            device: Some(name.into()),
            member: None,
        };
        let failure = relay.ask(&mut a, request).unwrap_err();
        assert_eq!(failure.code, code);
        assert!(failure.way_out.is_some());
    }
}

#[test]
fn a_key_that_should_have_come_with_a_revocation_is_made_up_for() {
    let mut relay = Relay::new();
    let [mut a, b] = relay.gather(Role::Member);
    relay.sync(&mut a);
    // A revocation alone, as an older program might sign it.
    let device = a.core.device.as_ref().unwrap();
    let feed = b.core.device.as_ref().unwrap().keys.feed();
    let (sequence, hash) = b.core.device.as_ref().unwrap().head;
    let what = protocol::What::Revoke(protocol::Revocation {
        feeds: vec![feed],
        cuts: vec![protocol::Cut {
            feed,
            sequence,
            hash,
        }],
    });
    let entry = device.roster.sign(&device.keys.signing, what, 1).unwrap();
    let id = device.roster.workspace();
    let mut roster = device.roster.clone();
    roster.append(&entry).unwrap();
    relay.store.spaces.get_mut(&id).unwrap().roster = std::sync::Arc::new(roster);
    assert!(relay.sync(&mut a).complete);
    let device = a.core.device.as_ref().unwrap();
    assert_eq!(device.roster.key_epoch(), 2);
    assert!(!device.roster.key_epoch_is_due());
    let entries = device.roster.entries().len();
    relay.sync(&mut a);
    assert_eq!(
        a.core.device.as_ref().unwrap().roster.entries().len(),
        entries
    );
}

#[test]
fn undo_on_the_second_device_takes_back_what_that_device_did() {
    let mut relay = Relay::new();
    let [mut a] = relay.gather(Role::Member);
    let me = member(&mut a);
    let inquiry = a.capture("Mueller Praezision GmbH");
    note(&mut a, inquiry, "first device");
    relay.sync(&mut a);
    let invite = Request::Invite {
        user: None,
        email: None,
        role: Role::Owner,
        member: Some(me),
    };
    let Ok(Answer::Invited(invited)) = relay.ask(&mut a, invite) else {
        panic!("no invite")
    };
    let mut second = Person::new(60);
    relay
        .ask(&mut second, Request::Join { link: invited.link })
        .unwrap();
    relay.sync(&mut second);
    let undo = Request::Do {
        intent_id: None,
        batch: None,
        intent: Intent::Undo {
            what: model::intent::Undo::Last,
        },
    };
    let failure = second.ask(undo.clone()).unwrap_err();
    assert_eq!(failure.code, "nothing-to-undo");
    let own = second.capture("Second GmbH");
    let Ok(Answer::Done(done)) = second.ask(undo) else {
        panic!("not undone")
    };
    assert!(done.named.iter().any(|named| named.id == own), "{done:?}");
    let shown = devices(&mut second);
    assert_eq!(shown.len(), 2);
}

#[test]
fn a_revocation_covers_what_has_grown_out_of_the_disk_meanwhile() {
    let mut relay = Relay::new();
    let [mut a, mut b] = relay.gather(Role::Member);
    relay.sync(&mut a);
    relay.sync(&mut b);
    let mut clone = b.copy(50);
    b.capture("Of the first");
    relay.sync(&mut b);
    // The copy becomes a device of its own, of which A has not heard yet.
    clone.capture("Of the second");
    assert!(relay.sync(&mut clone).complete);
    let request = Request::Revoke {
        device: Some("B".into()),
        member: None,
    };
    let Ok(Answer::Revoked(revoked)) = relay.ask(&mut a, request) else {
        panic!("not revoked")
    };
    assert_eq!(revoked.devices.len(), 2, "{revoked:?}");
    for person in [&mut b, &mut clone] {
        assert_eq!(relay.sync(person).problem.unwrap().code, "revoked");
        assert!(person.ask(Request::Members).is_err());
    }
    relay.sync(&mut a);
    assert_eq!(a.list(Kind::Inquiry).len(), 2, "what they had sent stays");
}

#[test]
fn an_invite_that_is_refused_holds_up_nothing() {
    let mut relay = Relay::new();
    let [mut a, mut b] = relay.gather(Role::Admin);
    relay.sync(&mut a);
    let invite = |role| Request::Invite {
        user: Some("Person".into()),
        email: None,
        role,
        member: None,
    };
    let refused = relay.ask(&mut b, invite(Role::Owner));
    let failure = refused.expect_err("an admin makes no owner");
    assert_ne!(failure.code, "too-late");
    let invited = relay.ask(&mut b, invite(Role::Member));
    assert!(matches!(invited, Ok(Answer::Invited(_))), "{invited:?}");
    assert!(relay.sync(&mut b).complete);
}
