//! Cuts that name where the log stands, and what revoked devices push behind them.

use std::sync::Arc;

use protocol::{Cut, CutMoved, FeedId, Refusal, Revocation, Role, RoleChange, What};
use sync::client::{Input, Output};

use crate::{device::Dice, world::World};

/// Appends an entry by a device, and lets everything come to rest.
pub(crate) fn append(world: &mut World, device: usize, what: What) {
    let device_ = &world.devices[device];
    let entry = device_.roster.sign(&device_.keys.signing, what, 5);
    let append = Input::AppendRoster {
        expected_head: device_.roster.head(),
        entries: vec![entry.expect("may").into()],
    };
    world.tell(device, append);
    world.settle();
}

pub(crate) fn revocation(feed: FeedId, cut: Option<Cut>) -> What {
    What::Revoke(Revocation {
        feeds: vec![feed],
        cuts: cut.into_iter().collect(),
    })
}

pub(crate) fn own_cut(world: &World, device: usize) -> Option<Cut> {
    let device = &world.devices[device];
    device.heads().get(&device.keys.feed()).copied()
}

/// Where the relay's log has the feed of a device, and how many envelopes of it are held.
pub(crate) fn on_relay(world: &World, device: usize) -> (u64, usize) {
    let feed = world.devices[device].keys.feed();
    let space = &world.store.spaces[&world.workspace];
    (
        space.feed_head(&feed).map_or(0, |cut| cut.sequence),
        space.held.get(&feed).map_or(0, Vec::len),
    )
}

pub(crate) fn count(world: &World, device: usize, wanted: impl Fn(&Output) -> bool) -> usize {
    let said = world.devices[device].said.iter();
    said.filter(|said| wanted(said)).count()
}

/// Revokes a device, signing again as long as the relay says where the log stands.
pub(crate) fn revoke(world: &mut World, by: usize, device: usize) -> usize {
    let feed = world.devices[device].keys.feed();
    let mut cut = None;
    for attempt in 1..10 {
        world.devices[by].said.clear();
        append(world, by, revocation(feed, cut));
        let refused = world.devices[by]
            .said
            .iter()
            .rev()
            .find_map(|said| match said {
                Output::CutRefused { heads } => Some(heads.clone()),
                _ => None,
            });
        match refused {
            Some(heads) => cut = heads.into_iter().find(|head| head.feed == feed),
            None => return attempt,
        }
    }
    panic!("it is never taken");
}

/// Two admins, the second of whom has written twice; both are connected.
fn world(seed: u64) -> World {
    let mut world = World::new(seed, 2);
    world.write(1);
    world.write(1);
    world.heal();
    world
}

#[test]
fn a_cut_is_where_the_log_stands_or_it_is_signed_again() {
    let mut world = world(40);
    let before = world.store.spaces[&world.workspace].roster.head();
    let stale = world.devices[1].feed[0].hash;
    let feed = world.devices[1].keys.feed();
    let (sequence, head) = world.devices[1].head();
    for wrong in [
        None,
        Some(Cut {
            feed,
            sequence: 1,
            hash: stale,
        }),
        Some(Cut {
            feed,
            sequence: 2,
            hash: stale,
        }),
        Some(Cut {
            feed,
            sequence: 3,
            hash: head,
        }),
    ] {
        world.devices[0].said.clear();
        append(&mut world, 0, revocation(feed, wrong));
        let heads = vec![Cut {
            feed,
            sequence,
            hash: head,
        }];
        assert!(
            world.devices[0]
                .said
                .contains(&Output::CutRefused { heads })
        );
        assert_eq!(world.store.spaces[&world.workspace].roster.head(), before);
    }
    let right = own_cut(&world, 1);
    append(&mut world, 0, revocation(feed, right));
    assert_eq!(
        count(&world, 0, |said| matches!(
            said,
            Output::RosterAppended { .. }
        )),
        1
    );
    assert_eq!(
        world.devices[1].roster.head(),
        world.devices[0].roster.head()
    );
}

#[test]
fn who_never_wrote_gets_no_cut_and_a_demotion_needs_one_too() {
    let mut world = World::new(41, 3);
    world.write(1);
    world.heal();
    let feeds = [1, 2].map(|device| world.devices[device].keys.feed());
    let guest = |world: &World, device: usize, cuts| {
        let member = world.devices[0].roster.device(&feeds[device - 1]);
        What::Role(RoleChange {
            member: member.expect("known").member,
            role: Role::Guest,
            cuts,
        })
    };
    let what = guest(&world, 1, Vec::new());
    append(&mut world, 0, what);
    assert_eq!(
        count(&world, 0, |said| matches!(said, Output::CutRefused { .. })),
        1
    );
    let what = guest(&world, 1, own_cut(&world, 1).into_iter().collect());
    append(&mut world, 0, what);
    append(&mut world, 0, revocation(feeds[1], None));
    assert_eq!(
        count(&world, 0, |said| matches!(
            said,
            Output::RosterAppended { .. }
        )),
        2
    );

    // The guest reads on; what it writes is held, and goes to the log when it is a member again.
    world.write(0);
    world.write(1);
    world.settle();
    assert_eq!(on_relay(&world, 1), (1, 1));
    assert_eq!(world.devices[1].heads().len(), 2);
    let member = world.devices[0]
        .roster
        .device(&feeds[0])
        .expect("known")
        .member;
    let change = RoleChange {
        member,
        role: Role::Member,
        cuts: Vec::new(),
    };
    append(&mut world, 0, What::Role(change));
    assert_eq!(on_relay(&world, 1), (2, 0));
    assert_eq!(world.devices[0].heads(), world.devices[1].heads());
    world.write(1);
    world.settle();
    assert_eq!(on_relay(&world, 1), (3, 0));
}

#[test]
fn cuts_race_with_pushes_and_nothing_is_ever_beyond_them() {
    let mut attempts = 0;
    for seed in 0..80 {
        // Shown only when the test fails.
        println!("seed {seed}");
        let mut world = world(seed);
        let feed = world.devices[1].keys.feed();
        let mut dice = Dice(seed);
        let mut cut = own_cut(&world, 1);
        // The admin signs while pushes are on their way, again and again with what it is told.
        for _ in 0..30 {
            if dice.below(3) < 2 {
                world.write(1);
            }
            for _ in 0..dice.below(8) {
                world.step(1);
            }
            world.devices[0].said.clear();
            let admin = &world.devices[0];
            let entry = admin
                .roster
                .sign(&admin.keys.signing, revocation(feed, cut), 5);
            let append = Input::AppendRoster {
                expected_head: admin.roster.head(),
                entries: vec![entry.expect("may").into()],
            };
            attempts += 1;
            world.tell(0, append);
            for _ in 0..dice.below(30) {
                let wire = dice.below(2);
                world.step(wire);
            }
            for _ in 0..1000 {
                if !world.step(0) {
                    break;
                }
            }
            let told = world.devices[0].said.iter().find_map(|said| match said {
                Output::CutRefused { heads } => Some(heads.first().copied()),
                _ => None,
            });
            match told {
                Some(head) => cut = head,
                None => break,
            }
        }
        world.settle();
        let space = &world.store.spaces[&world.workspace];
        let standing = space.roster.device(&feed).expect("known").standing();
        let vault::Standing::Revoked(cut) = standing else {
            panic!("seed {seed}: it was never revoked");
        };
        assert_eq!(space.feed_head(&feed), Some(cut), "the log ends at the cut");
        let (log, held) = on_relay(&world, 1);
        assert_eq!(
            log + held as u64,
            world.devices[1].head().0,
            "nothing is lost"
        );
        assert_eq!(world.devices[1].acknowledged, world.devices[1].head().0);
        assert_eq!(
            world.devices[0].heads()[&feed],
            cut,
            "and the admin has no more"
        );
    }
    assert!(attempts > 100, "cuts were wrong in {attempts} attempts");
}

#[test]
fn a_revoked_device_pushes_apart_and_reads_nothing() {
    let mut world = world(42);
    revoke(&mut world, 0, 1);
    world.devices[1].said.clear();
    let has = world.devices[1].received.len();
    for _ in 0..3 {
        world.write(0);
        world.write(1);
    }
    world.settle();
    assert_eq!(on_relay(&world, 1), (2, 3));
    assert_eq!(world.devices[1].received.len(), has + 3, "its own alone");
    // It comes again, and is told again; it sends what it wrote in between.
    world.wires.clear();
    world.write(1);
    world.devices[1].said.clear();
    world.heal();
    assert_eq!(on_relay(&world, 1), (2, 4));
    assert_eq!(world.devices[1].acknowledged, 6);
    let said = &world.devices[1].said;
    assert!(said.contains(&Output::Settled), "{said:?}");
    let reads = |said: &Output| {
        matches!(
            said,
            Output::Apply { .. } | Output::Carried { .. } | Output::HeldFeeds { .. }
        )
    };
    assert_eq!(count(&world, 1, reads), 0);
    let established = said.iter().find_map(|said| match said {
        Output::Established(established) => Some(established.log_sequence),
        _ => None,
    });
    assert_eq!(established, Some(0));
    // Nor does it get anything by asking.
    let feed = world.devices[0].keys.feed();
    world.tell(
        1,
        Input::Want {
            feed,
            from: 1,
            to: 2,
        },
    );
    world.settle();
    let refused = |said: &Output| {
        matches!(
            said,
            Output::Refused {
                code: Refusal::Revoked,
                ..
            }
        )
    };
    assert_eq!(count(&world, 1, refused), 1);
    assert_eq!(count(&world, 1, reads), 0);
}

pub(crate) fn shown(world: &World, device: usize) -> Vec<u64> {
    let said = world.devices[device].said.iter().rev();
    let mut shown = said.filter_map(|said| match said {
        Output::HeldFeeds { feeds } => Some(feeds.iter().map(|cut| cut.sequence).collect()),
        _ => None,
    });
    shown.next().unwrap_or_default()
}

/// The envelopes that an admin was shown of a held feed.
fn read_held(world: &mut World, device: usize, feed: FeedId, from: u64, to: u64) -> Vec<Cut> {
    world.devices[device].said.clear();
    world.tell(device, Input::Want { feed, from, to });
    world.settle();
    let said = world.devices[device].said.iter();
    let held = said.filter_map(|said| match said {
        Output::Held { envelopes, .. } => Some(envelopes.clone()),
        _ => None,
    });
    held.flatten()
        .map(|bytes| {
            let envelope = protocol::Envelope::decode(&bytes).expect("decodes");
            Cut {
                feed: envelope.header.feed,
                sequence: envelope.header.sequence,
                hash: envelope.hash(),
            }
        })
        .collect()
}

#[test]
fn an_admin_sees_what_is_held_and_accepts_half_then_the_rest() {
    let mut world = world(43);
    let feed = world.devices[1].keys.feed();
    revoke(&mut world, 0, 1);
    assert_eq!(
        count(&world, 0, |said| matches!(said, Output::HeldFeeds { .. })),
        0
    );
    for _ in 0..5 {
        world.write(1);
    }
    world.settle();
    assert_eq!(shown(&world, 0), [7]);
    // It is shown anew after a welcome.
    world.wires.clear();
    world.devices[0].said.clear();
    world.heal();
    assert_eq!(shown(&world, 0), [7]);

    let held = read_held(&mut world, 0, feed, 3, 7);
    let places: Vec<u64> = held.iter().map(|cut| cut.sequence).collect();
    assert_eq!(places, [3, 4, 5, 6, 7]);
    assert_eq!(read_held(&mut world, 0, feed, 5, 6), held[2..4]);
    // More than there is ends with a word.
    assert_eq!(read_held(&mut world, 0, feed, 6, 60), held[3..]);
    assert!(world.devices[0].said.contains(&Output::WantEnded));

    let accept = |cut| What::CutMoved(CutMoved { cut });
    // Neither held nor in the log.
    let mut wrong = held[1];
    wrong.hash = held[2].hash;
    append(&mut world, 0, accept(wrong));
    let heads = vec![held[4]];
    assert!(
        world.devices[0]
            .said
            .contains(&Output::CutRefused { heads })
    );
    assert_eq!(on_relay(&world, 1), (2, 5));

    append(&mut world, 0, accept(held[1]));
    assert_eq!(on_relay(&world, 1), (4, 3));
    assert_eq!(
        world.devices[0].heads()[&feed],
        held[1],
        "it comes with the log"
    );
    assert_eq!(
        shown(&world, 0),
        [0; 0],
        "up to where it is held is the same"
    );
    append(&mut world, 0, accept(held[4]));
    assert_eq!(on_relay(&world, 1), (7, 0));
    assert_eq!(world.devices[0].heads()[&feed], held[4]);
    let none = Output::HeldFeeds { feeds: Vec::new() };
    assert_eq!(world.devices[0].said.last(), Some(&Output::Settled));
    assert!(
        world.devices[0].said.contains(&none),
        "nothing is held any more"
    );
    // What comes later is held again.
    world.write(1);
    world.settle();
    assert_eq!(on_relay(&world, 1), (7, 1));
}

#[test]
fn only_admins_are_shown_what_is_held() {
    let mut world = world(44);
    let feed = world.devices[1].keys.feed();
    let member = world.join(Role::Member);
    revoke(&mut world, 0, 1);
    world.write(1);
    world.heal();
    assert_eq!(on_relay(&world, 1), (2, 1));
    let shows = |said: &Output| matches!(said, Output::HeldFeeds { .. } | Output::Held { .. });
    assert_eq!(count(&world, member, shows), 0);
    let seen = read_held(&mut world, member, feed, 3, 3);
    assert_eq!(seen, []);
    let refused = |said: &Output| {
        matches!(
            said,
            Output::Refused {
                code: Refusal::RoleForbids,
                ..
            }
        )
    };
    assert_eq!(count(&world, member, refused), 1);

    // Who becomes an admin sees it from then on.
    world.heal();
    let role = RoleChange {
        member: world.devices[0]
            .roster
            .device(&world.devices[member].keys.feed())
            .expect("known")
            .member,
        role: Role::Admin,
        cuts: Vec::new(),
    };
    append(&mut world, 0, What::Role(role));
    assert_eq!(shown(&world, member), [3]);
}

#[test]
fn no_more_is_held_than_may_be() {
    let mut world = world(45);
    revoke(&mut world, 0, 1);
    for _ in 0..2 {
        world.write(1);
        world.settle();
    }
    assert_eq!(on_relay(&world, 1), (2, 2));
    let space = world.store.spaces.get_mut(&world.workspace);
    let space = space.expect("is there");
    let held = space.held.values().flatten();
    space.held_limit = held.map(|one| one.bytes.len() as u64).sum();
    world.write(1);
    world.settle();
    let refused = world.devices[1].said.iter().find_map(|said| match said {
        Output::Refused { code, cut, .. } => Some((*code, cut.map(|cut| cut.sequence))),
        _ => None,
    });
    assert_eq!(refused, Some((Refusal::Quota, Some(4))));
    assert_eq!(on_relay(&world, 1), (2, 2), "and nothing of it is taken");
    // It is told so again whenever it comes, keeps what it could not send, and loses nothing that was held.
    for _ in 0..2 {
        world.devices[1].said.clear();
        world.heal();
        let is_full = |said: &Output| {
            matches!(
                said,
                Output::Refused {
                    code: Refusal::Quota,
                    ..
                }
            )
        };
        assert_eq!(count(&world, 1, is_full), 1);
        assert_eq!(world.devices[1].acknowledged, 4);
    }
    // The others are not concerned, and an admin sees up to where there is something to decide.
    world.write(0);
    world.heal();
    assert_eq!(on_relay(&world, 0), (1, 0));
    assert_eq!(shown(&world, 0), [4]);
    // What is accepted makes room for what came after it.
    let fourth = world.devices[1].feed[3].hash;
    let cut = Cut {
        feed: world.devices[1].keys.feed(),
        sequence: 4,
        hash: fourth,
    };
    append(&mut world, 0, What::CutMoved(CutMoved { cut }));
    assert_eq!(on_relay(&world, 1), (4, 0));
    world.heal();
    assert_eq!(on_relay(&world, 1), (4, 1));
    assert_eq!(world.devices[1].acknowledged, 5);
    assert_eq!(shown(&world, 0), [5]);
}

#[test]
fn a_cut_moves_to_what_is_here_and_nowhere_else() {
    let mut world = world(47);
    let feed = world.devices[1].keys.feed();
    revoke(&mut world, 0, 1);
    for _ in 0..3 {
        world.write(1);
    }
    world.settle();
    let hash = |world: &World, sequence: usize| world.devices[1].feed[sequence - 1].hash;
    let last = Cut {
        feed,
        sequence: 5,
        hash: hash(&world, 5),
    };
    // Behind what is held; with the hash of another one; of an envelope that the device has and has not sent.
    world.wires.retain(|wire| wire.device == 0);
    world.write(1);
    for (sequence, named) in [(9, 5), (4, 5), (6, 6)] {
        let cut = Cut {
            feed,
            sequence,
            hash: hash(&world, named),
        };
        let before = world.store.spaces[&world.workspace].roster.head();
        world.devices[0].said.clear();
        append(&mut world, 0, What::CutMoved(CutMoved { cut }));
        let heads = vec![last];
        let told = Output::CutRefused { heads };
        assert!(world.devices[0].said.contains(&told), "{sequence}");
        assert_eq!(on_relay(&world, 1), (2, 3));
        let space = &world.store.spaces[&world.workspace];
        assert_eq!(space.roster.head(), before);
    }
    append(&mut world, 0, What::CutMoved(CutMoved { cut: last }));
    assert_eq!(on_relay(&world, 1), (5, 0));
}

#[test]
fn a_revoked_device_that_comes_first_to_a_restored_relay_holds_up_nobody() {
    let mut world = world(46);
    let old = Arc::clone(&world.store.spaces[&world.workspace].roster);
    revoke(&mut world, 0, 1);
    let revoked = world.devices[0].roster.head();
    let entries = world.store.spaces[&world.workspace].entries.len();
    world.restore(entries);
    let space = world.store.spaces.get_mut(&world.workspace);
    space.expect("is there").roster = Arc::clone(&old);
    // It hides that it knows of its revocation, and the relay takes what it writes as if nothing had been.
    world.devices[1].roster = (*old).clone();
    world.write(1);
    world.connect(1);
    world.settle();
    assert_eq!(on_relay(&world, 1), (3, 0));
    world.write(0);
    world.connect(0);
    world.settle();
    let space = &world.store.spaces[&world.workspace];
    assert_eq!(space.roster.head(), revoked);
    assert_eq!(on_relay(&world, 0), (1, 0), "the others go on");
    world.write(1);
    world.settle();
    assert_eq!(on_relay(&world, 1), (3, 1), "and from now on it is held");
}
