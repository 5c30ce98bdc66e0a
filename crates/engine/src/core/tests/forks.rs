//! Homes that were restored from an old copy, or cloned: nothing is lost, nobody is held up.

use model::intent::Intent;
use model::{Kind, Role};

use super::world::{Person, Relay};
use crate::interface::*;

/// Gives what a person sees, for comparing devices.
fn seen(person: &mut Person) -> (Vec<String>, Vec<String>) {
    let mut rows: Vec<String> = person
        .list(Kind::Inquiry)
        .into_iter()
        .map(|row| format!("{} {}", row.record.number, row.record.title))
        .collect();
    rows.sort();
    let mut merged: Vec<String> = person
        .merged()
        .into_iter()
        .map(|entry| format!("{} {}", entry.id, entry.text))
        .collect();
    merged.sort();
    (rows, merged)
}

fn numbers(person: &mut Person) -> Vec<String> {
    let rows = person.list(Kind::Inquiry).into_iter();
    let mut numbers: Vec<String> = rows.map(|row| row.record.number).collect();
    numbers.sort();
    numbers
}

fn code(person: &mut Person) -> String {
    match person.ask(Request::Members) {
        Ok(Answer::Members(members)) => {
            let devices = members.into_iter().flat_map(|member| member.devices);
            devices.into_iter().find(|one| one.is_me).unwrap().code
        }
        other => panic!("{other:?}"),
    }
}

/// Lets everybody sync until all have all, and checks that all see the same.
fn settle(relay: &mut Relay, people: &mut [&mut Person]) -> (Vec<String>, Vec<String>) {
    for _ in 0..2 {
        for person in people.iter_mut() {
            let answer = relay.sync(person);
            assert!(answer.complete, "{answer:?}");
            assert_eq!((answer.only_here, answer.relay_lacks), (0, 0));
        }
    }
    let first = seen(people[0]);
    for person in people.iter_mut() {
        assert_eq!(seen(person), first);
        let status = person.status();
        assert_eq!((status.waiting.len(), status.quarantined.len()), (0, 0));
    }
    first
}

#[test]
fn a_restored_home_goes_on_as_a_new_device_that_continues_the_old() {
    let mut relay = Relay::new();
    let [mut a, mut b] = relay.gather(Role::Member);
    relay.sync(&mut b);
    let backup = b.copy(50);
    for company in ["Mueller", "Schulze"] {
        b.capture(company);
        relay.sync(&mut b);
    }
    drop(b);
    // The laptop broke; its copy of last month works before it meets the relay.
    let mut restored = backup;
    let old = code(&mut restored);
    restored.capture("Kaiser");
    let (rows, merged) = settle(&mut relay, &mut [&mut restored, &mut a]);
    assert_eq!(rows.len(), 3, "{rows:?}");
    assert!(
        merged.iter().any(|text| text.contains("issued twice")),
        "{merged:?}"
    );
    let new = code(&mut restored);
    assert_ne!(new, old);
    // What comes next has a number of the new code, on this start and the next.
    restored.capture("Braun");
    restored.restart();
    restored.capture("Vogel");
    settle(&mut relay, &mut [&mut restored, &mut a]);
    let of_new = numbers(&mut a);
    let of_new = of_new
        .iter()
        .filter(|number| number.contains(&format!("-{new}-")));
    assert_eq!(of_new.count(), 2);
}

#[test]
fn a_restored_home_that_did_nothing_gets_back_what_it_had_sent() {
    let mut relay = Relay::new();
    let [mut a, mut b] = relay.gather(Role::Member);
    relay.sync(&mut b);
    let mut restored = b.copy(50);
    b.capture("Mueller");
    relay.sync(&mut b);
    drop(b);
    let old = code(&mut restored);
    let (rows, merged) = settle(&mut relay, &mut [&mut restored, &mut a]);
    assert_eq!((rows.len(), merged.len()), (1, 0));
    assert_ne!(
        code(&mut restored),
        old,
        "a new code comes before the next number"
    );
    restored.capture("Kaiser");
    let (rows, merged) = settle(&mut relay, &mut [&mut restored, &mut a]);
    assert_eq!((rows.len(), merged.len()), (2, 0));
}

#[test]
fn two_copies_of_a_home_are_used_at_once_and_lose_nothing() {
    let mut relay = Relay::new();
    let [mut a, mut b] = relay.gather(Role::Member);
    let shared = b.capture("Shared");
    relay.sync(&mut b);
    b.capture("Before");
    let mut clone = b.copy(50);
    b.capture("Of the first");
    let record = b.capture("Edited by the first");
    b.act(Intent::AppendNote {
        record: shared,
        text: "first".into(),
    });
    clone.capture("Of the second");
    clone.act(Intent::AppendNote {
        record: shared,
        text: "second".into(),
    });
    relay.sync(&mut b);
    // Of three that were only here the relay has one already, from the other copy.
    assert_eq!(clone.status().only_here, 3);
    assert_eq!(relay.sync(&mut clone).sent, 2);
    let (rows, _) = settle(&mut relay, &mut [&mut clone, &mut b, &mut a]);
    assert_eq!(rows.len(), 5, "{rows:?}");
    let note = a.record(shared).note;
    assert!(note.contains("first") && note.contains("second"), "{note}");
    // Both go on, each with a code of its own, and edit what the other made.
    assert_ne!(code(&mut clone), code(&mut b));
    clone.act(Intent::AppendNote {
        record,
        text: "by the second".into(),
    });
    b.capture("Later");
    clone.capture("Later");
    let (rows, _) = settle(&mut relay, &mut [&mut b, &mut clone, &mut a]);
    assert_eq!(rows.len(), 7);
    assert_eq!(a.record(record).note, "by the second");
}

#[test]
fn the_first_copy_writes_on_after_the_second_became_its_own_device() {
    let mut relay = Relay::new();
    let [mut a, mut b] = relay.gather(Role::Member);
    relay.sync(&mut b);
    let mut clone = b.copy(50);
    b.capture("First");
    relay.sync(&mut b);
    // The copy did nothing and is behind; it goes on as a device of its own.
    relay.sync(&mut clone);
    for company in ["Second", "Third"] {
        b.capture(company);
        relay.sync(&mut b);
        clone.capture(company);
        relay.sync(&mut clone);
    }
    let (rows, _) = settle(&mut relay, &mut [&mut a, &mut b, &mut clone]);
    assert_eq!(rows.len(), 5, "{rows:?}");
}

#[test]
fn a_restored_home_of_an_admin_may_begin_with_an_invite() {
    let mut relay = Relay::new();
    let [mut a, mut b] = relay.gather(Role::Member);
    relay.sync(&mut a);
    let mut restored = a.copy(50);
    a.capture("First");
    relay.sync(&mut a);
    drop(a);
    restored.capture("Second");
    let invite = Request::Invite {
        user: Some("Person 2".into()),
        email: None,
        role: Role::Member,
        member: None,
    };
    let invited = relay.ask(&mut restored, invite);
    let Ok(Answer::Invited(invited)) = invited else {
        panic!("{invited:?}")
    };
    let mut new = Person::new(9);
    let joined = relay.ask(&mut new, Request::Join { link: invited.link });
    assert!(matches!(joined, Ok(Answer::Founded(_))), "{joined:?}");
    restored.restart();
    let (rows, _) = settle(&mut relay, &mut [&mut restored, &mut new, &mut b]);
    assert_eq!(rows.len(), 2, "{rows:?}");
}

#[test]
fn a_longer_branch_of_a_clone_arrives_beside_a_shorter_one() {
    let mut relay = Relay::new();
    let [mut a, mut b] = relay.gather(Role::Member);
    relay.sync(&mut b);
    let mut clone = b.copy(50);
    b.capture("Of the first");
    settle(&mut relay, &mut [&mut b, &mut a]);
    let mut relay = Relay::new();
    let record = clone.capture("Of the second");
    for text in ["one", "two", "three"] {
        clone.act(Intent::AppendNote {
            record,
            text: text.into(),
        });
    }
    relay.sync(&mut clone);
    relay.sync(&mut a);
    clone.act(Intent::AppendNote {
        record,
        text: "later".into(),
    });
    let (rows, _) = settle(&mut relay, &mut [&mut clone, &mut a, &mut b]);
    assert_eq!(rows.len(), 2, "{rows:?}");
    assert!(a.record(record).note.contains("later"));
}

#[test]
fn three_copies_and_copies_of_copies_all_arrive() {
    let mut relay = Relay::new();
    let [mut a, mut b] = relay.gather(Role::Member);
    relay.sync(&mut b);
    let mut second = b.copy(50);
    let mut third = b.copy(60);
    for (at, person) in [&mut b, &mut second, &mut third].into_iter().enumerate() {
        person.capture(&format!("Company {at}"));
        relay.sync(person);
    }
    let mut fourth = third.copy(70);
    third.capture("Company 3");
    fourth.capture("Company 4");
    let everybody = &mut [&mut b, &mut second, &mut third, &mut fourth, &mut a];
    let (rows, _) = settle(&mut relay, everybody);
    assert_eq!(rows.len(), 5, "{rows:?}");
}

#[test]
fn a_clone_that_fills_a_new_relay_first_hides_nothing_of_the_other() {
    let mut relay = Relay::new();
    let [mut a, mut b] = relay.gather(Role::Member);
    relay.sync(&mut b);
    let mut clone = b.copy(50);
    let record = b.capture("Of the first");
    b.act(Intent::AppendNote {
        record,
        text: "more of the first".into(),
    });
    settle(&mut relay, &mut [&mut b, &mut a]);
    // The relay loses everything, and the clone is there before anybody else.
    let mut relay = Relay::new();
    clone.capture("Of the second");
    relay.sync(&mut clone);
    let (rows, _) = settle(&mut relay, &mut [&mut a, &mut clone, &mut b]);
    assert_eq!(rows.len(), 2, "{rows:?}");
    assert_eq!(clone.record(record).note, "more of the first");
    // Idle means idle: nothing is compared or asked for again.
    relay.bytes.clear();
    for person in [&mut a, &mut b, &mut clone] {
        relay.sync(person);
    }
    assert!(relay.bytes["down"] < 3 * 2_048, "{:?}", relay.bytes);
}

#[test]
fn a_home_that_becomes_its_successor_survives_a_death_at_every_step() {
    let mut deaths = 0;
    for operation in 0.. {
        let mut relay = Relay::new();
        let [mut a, mut b] = relay.gather(Role::Member);
        relay.sync(&mut b);
        let mut clone = b.copy(50);
        b.capture("Of the first");
        relay.sync(&mut b);
        clone.capture("Of the second");
        clone.capture("Of the second too");
        clone.disk.die_at(clone.disk.operations() + operation);
        let request = Request::Sync { timeout_ms: 5_000 };
        let is_done = matches!(
            relay.ask(&mut clone, request),
            Ok(Answer::Synced(SyncAnswer { complete: true, .. }))
        );
        clone.restart();
        let (rows, _) = settle(&mut relay, &mut [&mut clone, &mut b, &mut a]);
        assert_eq!(rows.len(), 3, "death at operation {operation}: {rows:?}");
        if is_done {
            break;
        }
        deaths += 1;
    }
    assert!(deaths > 10, "there were {deaths} places to die at");
}

#[test]
fn a_branch_that_is_longer_than_one_piece_arrives_whole() {
    let mut relay = Relay::new();
    let [mut a, mut b] = relay.gather(Role::Member);
    relay.sync(&mut b);
    let mut clone = b.copy(50);
    b.capture("Of the first");
    settle(&mut relay, &mut [&mut b, &mut a]);
    let mut relay = Relay::new();
    let record = clone.capture("Of the second");
    for at in 0..30 {
        clone.act(Intent::AppendNote {
            record,
            text: format!("line {at}"),
        });
    }
    relay.sync(&mut clone);
    assert!(relay.sync(&mut a).complete);
    assert_eq!(a.status().waiting, []);
    let note = a.record(record).note;
    assert_eq!(note.lines().count(), 30, "{note}");
    // What came is not asked for again.
    relay.bytes.clear();
    relay.sync(&mut a);
    assert!(relay.bytes["down"] < 1_024, "{:?}", relay.bytes);
    let (rows, _) = settle(&mut relay, &mut [&mut b, &mut a, &mut clone]);
    assert_eq!(rows.len(), 2, "{rows:?}");
}

#[test]
fn keys_of_an_older_copy_beside_a_newer_store_lose_nothing() {
    let mut relay = Relay::new();
    let [mut a, mut b] = relay.gather(Role::Member);
    relay.sync(&mut b);
    let mut restored = b.copy(50);
    let old_keys = restored.keys();
    b.capture("Of the first");
    relay.sync(&mut b);
    restored.capture("Before it was a device of its own");
    relay.sync(&mut restored);
    let second = code(&mut restored);
    let record = restored.capture("Sealed by keys that are gone");
    // Somebody puts the key file of the older copy back, and nothing else.
    restored.restart_with(old_keys).unwrap();
    assert_eq!(restored.list(Kind::Inquiry).len(), 3);
    restored.act(Intent::AppendNote {
        record,
        text: "written afterwards".into(),
    });
    assert!(relay.sync(&mut restored).complete);
    let third = code(&mut restored);
    assert!(third != second && third != "B", "{third}");
    restored.restart();
    let (rows, _) = settle(&mut relay, &mut [&mut restored, &mut a, &mut b]);
    assert_eq!(rows.len(), 3, "{rows:?}");
    assert_eq!(a.record(record).note, "written afterwards");
    relay.bytes.clear();
    relay.sync(&mut restored);
    assert!(
        relay.bytes["down"] < 1_024,
        "compared once: {:?}",
        relay.bytes
    );
}

#[test]
fn a_home_without_its_keys_says_what_to_put_back_and_what_else_to_do() {
    let mut relay = Relay::new();
    let [mut a] = relay.gather(Role::Member);
    let own = a.keys();
    let failure = a.restart_with(None).unwrap_err();
    assert_eq!(failure.code, "keys");
    let way_out = failure.way_out.unwrap();
    for part in ["put the file", "invite --member", "join LINK"] {
        assert!(way_out.contains(part), "{way_out}");
    }
    let stranger = vault::DeviceKeys::generate(&mut |bytes: &mut [u8]| bytes.fill(7));
    let failure = a.restart_with(Some(stranger.to_bytes().to_vec()));
    assert_eq!(failure.unwrap_err().code, "keys");
    a.restart_with(own).unwrap();
    a.capture("Goes on");
    assert!(relay.sync(&mut a).complete);
}

#[test]
fn what_is_carried_for_others_is_counted_apart_from_what_is_sent() {
    let mut relay = Relay::new();
    let [mut a, mut b] = relay.gather(Role::Member);
    b.capture("Mueller");
    b.capture("Schulze");
    settle(&mut relay, &mut [&mut b, &mut a]);
    let of_b = b.core.device.as_ref().unwrap().head.0;
    let of_a = a.core.device.as_ref().unwrap().head.0;
    let mut relay = Relay::new();
    let answer = relay.sync(&mut a);
    assert_eq!((answer.sent, answer.carried), (of_a, of_b), "{answer:?}");
    let answer = relay.sync(&mut b);
    assert_eq!((answer.sent, answer.carried), (0, 0), "{answer:?}");
}

#[test]
fn what_is_repeated_on_a_restored_home_is_not_done_twice() {
    let mut relay = Relay::new();
    let [mut a, mut b] = relay.gather(Role::Member);
    let record = b.capture("Mueller");
    relay.sync(&mut b);
    let mut restored = b.copy(50);
    let again = Request::Do {
        intent_id: Some(model::IntentId::from_bytes([7; 16])),
        batch: None,
        intent: Intent::AppendNote {
            record,
            text: "Likes tea.".into(),
        },
    };
    assert!(matches!(b.ask(again.clone()), Ok(Answer::Done(_))));
    relay.sync(&mut b);
    drop(b);
    // The answer was on the newer disk alone; what was done comes back from the relay.
    settle(&mut relay, &mut [&mut restored, &mut a]);
    let Ok(Answer::Done(done)) = restored.ask(again) else {
        panic!("what was done is answered")
    };
    assert_eq!(done.done.records, [record]);
    assert_eq!(restored.record(record).note, "Likes tea.");
}

/// Lets a copy of a home meet a new relay that the other fills while both compare what they have; each wrote something.
fn copy_meets_a_relay_that_is_being_filled(after_frames: usize, unsent: &[&str]) {
    let mut relay = Relay::new();
    let [mut a, mut b] = relay.gather(Role::Member);
    b.capture("Mueller");
    settle(&mut relay, &mut [&mut b, &mut a]);
    let mut copy = b.copy(50);
    for company in ["One", "Two", "Three"] {
        b.capture(company);
    }
    for company in unsent {
        copy.capture(company);
    }
    let mut relay = Relay::with_key(78);
    relay.sync(&mut a);
    let mut filled = relay.twin();
    filled.sync(&mut b);
    let space = filled.store.spaces.into_values().next().expect("a space");
    relay.interruption = Some((
        relay.frames + after_frames,
        Box::new(move |before| *before = space),
    ));
    relay.sync(&mut copy);
    settle(&mut relay, &mut [&mut copy, &mut b, &mut a]);
    assert_eq!(copy.list(Kind::Inquiry).len(), 4 + unsent.len());
}

#[test]
fn a_copy_that_meets_a_relay_while_the_other_fills_it_has_the_work_of_both() {
    for after_frames in 1..8 {
        copy_meets_a_relay_that_is_being_filled(after_frames, &[]);
        copy_meets_a_relay_that_is_being_filled(after_frames, &["Of the copy alone"]);
    }
}

#[test]
fn what_only_others_have_of_a_restored_home_comes_back_to_it_and_to_newcomers() {
    let mut relay = Relay::new();
    let [mut a, mut b, mut c] = relay.gather(Role::Member);
    b.capture("Mueller");
    settle(&mut relay, &mut [&mut b, &mut a]);
    let mut restored = b.copy(50);
    for at in 0..6 {
        b.capture(&format!("Before the loss {at}"));
    }
    settle(&mut relay, &mut [&mut b, &mut a, &mut c]);
    // The home as it was is gone, and so is the relay; the older copy fills the new one first.
    drop(b);
    let mut relay = Relay::with_key(78);
    restored.capture("Of the restored home");
    restored.capture("Of the restored home too");
    relay.sync(&mut restored);
    for home in [&mut a, &mut c] {
        relay.sync(home);
    }
    settle(&mut relay, &mut [&mut restored, &mut a, &mut c]);
    assert_eq!(restored.list(Kind::Inquiry).len(), 9);
    // Once is enough, also at a third relay, which somebody fills who has never had that branch as the feed's.
    let mut newcomer = Person::new(9);
    relay.let_in(&mut a, &mut newcomer, "Newcomer", Role::Member);
    settle(
        &mut relay,
        &mut [&mut newcomer, &mut restored, &mut a, &mut c],
    );
    assert_eq!(newcomer.list(Kind::Inquiry).len(), 9);
    let entries = |relay: &Relay| {
        relay
            .store
            .spaces
            .values()
            .next()
            .map(|space| space.entries.len())
    };
    let before = entries(&relay);
    let mut relay = Relay::with_key(79);
    settle(
        &mut relay,
        &mut [&mut newcomer, &mut restored, &mut a, &mut c],
    );
    assert_eq!(entries(&relay), before);
}

#[test]
fn a_branch_that_a_cut_names_goes_on_where_only_somebody_with_another_one_is_left() {
    let mut relay = Relay::new();
    let [mut a, mut b] = relay.gather(Role::Member);
    b.capture("Mueller");
    settle(&mut relay, &mut [&mut b, &mut a]);
    let mut restored = b.copy(50);
    b.capture("Before the loss");
    b.capture("Before the loss too");
    settle(&mut relay, &mut [&mut b, &mut a]);
    drop(b);
    let mut relay = Relay::with_key(78);
    restored.capture("Of the restored home");
    relay.sync(&mut restored);
    settle(&mut relay, &mut [&mut restored, &mut a]);
    // The cut names the branch of the restored home, while here the feed has the other one.
    let code = restored.status().workspace.expect("a workspace").device;
    let revocation = Request::Revoke {
        device: Some(code),
        member: None,
    };
    let revoked = relay.ask(&mut a, revocation);
    assert!(revoked.is_ok(), "{revoked:?}");
    let mut relay = Relay::with_key(79);
    relay.sync(&mut a);
    let mut newcomer = Person::new(9);
    relay.let_in(&mut a, &mut newcomer, "Newcomer", Role::Member);
    settle(&mut relay, &mut [&mut newcomer, &mut a]);
    assert_eq!(newcomer.list(Kind::Inquiry).len(), 4);
}

#[test]
fn who_was_rescued_rescues_others_once() {
    let mut relay = Relay::new();
    let [mut a, mut b, mut c] = relay.gather(Role::Member);
    b.capture("Mueller");
    settle(&mut relay, &mut [&mut b, &mut a, &mut c]);
    let [mut older_b, mut older_c] = [b.copy(50), c.copy(51)];
    for at in 0..6 {
        b.capture(&format!("Of B {at}"));
        c.capture(&format!("Of C {at}"));
    }
    settle(&mut relay, &mut [&mut b, &mut a, &mut c]);
    drop(b);
    // The home of B as it was fills a new relay, and is rescued by the others.
    let mut relay = Relay::with_key(78);
    older_b.capture("Of the restored B");
    relay.sync(&mut older_b);
    settle(&mut relay, &mut [&mut older_b, &mut a, &mut c]);
    // So does that of C, which the one who was rescued rescues in turn.
    drop(c);
    let mut relay = Relay::with_key(79);
    older_c.capture("Of the restored C");
    relay.sync(&mut older_c);
    relay.sync(&mut older_b);
    let entries = |relay: &Relay| {
        relay
            .store
            .spaces
            .values()
            .next()
            .map(|space| space.entries.len())
    };
    let before = entries(&relay);
    settle(&mut relay, &mut [&mut older_b, &mut older_c]);
    assert_eq!(entries(&relay), before, "it ends, and says nothing twice");
    settle(&mut relay, &mut [&mut a, &mut older_b, &mut older_c]);
    assert_eq!(older_c.list(Kind::Inquiry).len(), 15);
}
