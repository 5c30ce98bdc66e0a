//! Joining by an invite, and a roster that grows while sessions go on.

use protocol::{Frame, Refusal, Role, limits::MAX_FRAME_BYTES};
use sync::{
    client::{self, Output, Session, Start},
    relay,
};

use crate::{
    device::{Device, invite, join},
    world::World,
};

/// What the first device's session said about the roster.
fn answers(world: &World, device: usize) -> Vec<&Output> {
    let said = world.devices[device].said.iter();
    said.filter(|output| {
        matches!(
            output,
            Output::RosterAppended { .. } | Output::RosterMoved { .. } | Output::Refused { .. }
        )
    })
    .collect()
}

#[test]
fn appends_are_taken_one_after_the_other() {
    let mut world = World::new(21, 2);
    world.heal();
    world.append_invite(0);
    world.settle();
    let head = world.store.spaces[&world.workspace].roster.head();
    assert_eq!(answers(&world, 0), [&Output::RosterAppended { head }]);
    assert_eq!(
        world.devices[1].roster.head(),
        head,
        "the other heard of it"
    );
    world.check_equal();

    // Both sign on the same head: one is taken, the other is told what it lacked.
    world.append_invite(0);
    world.append_invite(1);
    world.settle();
    world.check_equal();
    let taken = [0, 1].map(|device| match answers(&world, device).last() {
        Some(Output::RosterAppended { .. }) => true,
        Some(Output::RosterMoved { .. }) => false,
        other => panic!("{other:?}"),
    });
    assert_eq!(taken.iter().filter(|taken| **taken).count(), 1, "{taken:?}");
    let entries = world.store.spaces[&world.workspace].roster.entries().len();
    let loser = usize::from(taken[0]);
    world.append_invite(loser);
    world.settle();
    world.check_equal();
    let after = world.store.spaces[&world.workspace].roster.entries().len();
    assert_eq!(after, entries + 1);
}

/// Makes the roster of the first device longer than one frame.
fn lengthen(world: &mut World) {
    let Device { roster, keys, .. } = &mut world.devices[0];
    for _ in 0..MAX_FRAME_BYTES / 200_000 + 2 {
        let mut map = vec![0xa1, 0x00, 0x5a];
        map.extend_from_slice(&200_000_u32.to_be_bytes());
        map.resize(map.len() + 200_000, 0);
        let what = protocol::What::Unknown { tag: 40, map };
        let entry = roster.sign(&keys.signing, what, 5).expect("an owner may");
        roster.append(&entry).expect("follows");
    }
}

#[test]
fn a_roster_of_many_frames_fills_an_empty_relay() {
    let mut world = World::new(24, 2);
    lengthen(&mut world);
    let roster = world.devices[0].roster.clone();
    world.write(0);
    world.connect(0);
    world.settle();
    let held = &world.store.spaces[&world.workspace].roster;
    assert_eq!(held.entries(), roster.entries());
    world.write(1);
    world.heal();
    world.check_equal();
    assert_eq!(world.devices[1].roster.head(), roster.head());
}

#[test]
fn a_roster_that_is_gathered_is_verified_as_it_comes() {
    let mut world = World::new(25, 2);
    lengthen(&mut world);
    let entries = world.devices[0].roster.entries().to_vec();
    let identity = world.devices[0].keys.signing.clone();
    let more = |entries: &[protocol::Blob], more| {
        let entries = entries.to_vec();
        Frame::from(protocol::RosterMore { entries, more })
    };
    // The true next piece, one that leaves something out, and the last one.
    for (piece, ends, refusal) in [
        (more(&entries[2..5], true), false, None),
        (more(&entries[3..5], true), true, Some(Refusal::Malformed)),
        (more(&entries[2..5], false), false, None),
    ] {
        let mut connection = world.connection();
        let nonce = world.dice.nonce();
        let mut give = |frame: Frame| {
            let input = relay::Input::Frame(frame.encode());
            connection.handle(world.now_ms, input);
            let mut said: Vec<_> = std::iter::from_fn(|| connection.poll()).collect();
            if matches!(said[..], [relay::Output::OpenWorkspace { .. }]) {
                let input = relay::Input::Workspace(relay::Found::MayBegin);
                connection.handle(world.now_ms, input);
                said = std::iter::from_fn(|| connection.poll()).collect();
            }
            said
        };
        let hello = protocol::Hello {
            versions: protocol::SESSION_VERSIONS.to_vec(),
            workspace: world.workspace,
            key: identity.key(),
            nonce,
        };
        let said = give(hello.into());
        let Frame::Challenge(challenge) = frame(&said[0]) else {
            panic!("{said:?}");
        };
        let terms = vault::SessionTerms {
            relay: challenge.relay,
            workspace: world.workspace,
            client_nonce: nonce,
            relay_nonce: challenge.nonce,
        };
        let prove = protocol::Prove {
            signature: terms.sign_proof(&identity),
            roster_head: protocol::RosterHash::ZERO,
            cursor: None,
            entries: Some(entries[..2].to_vec()),
            more: true,
        };
        assert!(give(prove.into()).is_empty(), "it waits for more");
        let is_last = matches!(&piece, Frame::RosterMore(more) if !more.more);
        let said = give(piece);
        match refusal {
            Some(code) => {
                assert!(matches!(frame(&said[0]), Frame::Refused(refused) if refused.code == code));
            }
            None if is_last => assert!(
                matches!(&said[..], [relay::Output::CreateWorkspace { entries, .. }] if entries.len() == 5),
                "{said:?}"
            ),
            None => assert!(said.is_empty(), "{said:?}"),
        }
        assert_eq!(connection.is_ended(), ends);
        // Each piece must come in time.
        connection.handle(world.now_ms + relay::PROOF_MS, relay::Input::Tick);
        assert!(is_last || connection.is_ended());
    }
}

fn frame(output: &relay::Output) -> Frame {
    match output {
        relay::Output::Send(bytes) => Frame::decode(bytes).expect("decodes"),
        other => panic!("{other:?} sends nothing"),
    }
}

#[test]
fn a_push_that_waits_for_the_log_is_judged_again_when_the_roster_moves() {
    for judged_again in [
        protocol::What::Revoke,
        |revocation: protocol::Revocation| {
            protocol::What::Role(protocol::RoleChange {
                member: protocol::MemberId::ZERO,
                role: Role::Guest,
                cuts: revocation.cuts,
            })
        },
    ] {
        let mut world = World::new(26, 2);
        world.write(1);
        world.heal();
        let roster = (*world.store.spaces[&world.workspace].roster).clone();
        let feed = world.devices[1].keys.feed();
        let (sequence, hash) = world.devices[1].head();
        let cut = protocol::Cut {
            feed,
            sequence,
            hash,
        };
        let mut what = judged_again(protocol::Revocation {
            feeds: vec![feed],
            cuts: vec![cut],
        });
        if let protocol::What::Role(change) = &mut what {
            change.member = roster.device(&feed).expect("known").member;
        }
        let founder = world.devices[0].keys.signing.clone();
        let entry = roster.sign(&founder, what, 5).expect("may");
        let mut grown = roster;
        grown.append(&entry).expect("follows");

        // The push is judged and handed out; then the roster grows, and the connection hears of it later.
        world.write(1);
        while world.wires[1].pushes() == 0 {
            assert!(world.step(1), "the push comes");
        }
        let space = world.store.spaces.get_mut(&world.workspace);
        space.expect("is there").roster = std::sync::Arc::new(grown);
        world.settle();
        let held = world.devices[1].said.iter().any(|said| {
            matches!(
                said,
                Output::Acknowledged {
                    sequence: 2,
                    is_held: true,
                    ..
                }
            )
        });
        assert!(held, "it is kept, and the device is told so");
        let space = &world.store.spaces[&world.workspace];
        assert_eq!((space.entries.len(), space.held[&feed].len()), (1, 1));
        assert_eq!(world.devices[1].acknowledged, 2);
    }
}

#[test]
fn of_two_branches_the_relay_has_the_one_that_counts_in_the_end() {
    for owner_first in [true, false] {
        let mut world = World::new(27, 3);
        for device in 0..3 {
            world.write(device);
        }
        world.heal();
        // The owner's device adds to the roster while the admin's is away; then the relay is lost.
        world.wires.retain(|wire| wire.device == 0);
        world.append_invite(0);
        world.settle();
        world.append_invite(0);
        world.settle();
        let counts = world.devices[0].roster.head();
        world.lose();
        // The admin's device begins the workspace anew with its stale roster, and adds to that.
        let stale = world.devices[1].roster.clone();
        world.connect(1);
        world.settle();
        // The longer branch does not count for that.
        for _ in 0..3 {
            world.append_invite(1);
            world.settle();
        }
        let branch = world.devices[1].roster.clone();
        let lost = branch.head();
        let head = |world: &World| world.store.spaces[&world.workspace].roster.head();
        assert!(head(&world) == lost && lost != counts && stale.head() != lost);
        world.connect(2);
        world.settle();
        assert_eq!(world.devices[2].roster.head(), lost);
        if owner_first {
            world.connect(0);
            world.settle();
        } else {
            // The other way round: the relay has what counts, and the lost branch comes to it.
            let old = world.devices[1].roster.clone();
            world.connect(0);
            world.settle();
            world.wires.clear();
            world.devices[1].roster = old;
        }
        world.heal();
        assert_eq!(head(&world), counts);
        for device in &world.devices {
            assert_eq!(device.roster.head(), counts);
        }
        world.check_equal();
        // The lost branch brought again changes nothing.
        let after = branch.entries_after(&stale.head()).expect("grew from it");
        let entries = after.to_vec();
        world.tell(1, client::Input::BringRoster { entries });
        world.settle();
        assert_eq!(head(&world), counts);
        // And everybody goes on with it.
        world.append_invite(1);
        world.write(2);
        world.settle();
        assert_ne!(head(&world), counts);
        world.check_equal();
    }
}

#[test]
fn a_member_takes_nothing_away_of_what_others_signed_after_it() {
    let mut world = World::new(28, 3);
    for device in 0..3 {
        world.write(device);
    }
    world.heal();
    // Who is an admin at first becomes a member.
    let roster = &world.devices[0].roster;
    let third = world.devices[2].keys.feed();
    let member = roster.device(&third).expect("it is in").member;
    let owner = &world.devices[0].keys.signing;
    let signed = roster.sign_role(owner, member, Role::Member, &[], 1);
    let append = client::Input::AppendRoster {
        expected_head: roster.head(),
        entries: signed
            .expect("signed")
            .into_iter()
            .map(Into::into)
            .collect(),
    };
    world.tell(0, append);
    world.settle();
    world.heal();
    // The member lets in a successor, and the owner goes on behind that.
    let before = world.devices[2].roster.clone();
    let keys = world.devices[2].keys.clone();
    let at = world.store.spaces[&world.workspace].feed_head(&keys.feed());
    let at = at.expect("it wrote");
    let mut sign = |time_ms: u64| {
        let next = world.dice.keys();
        let mut fill = |bytes: &mut [u8]| bytes.fill(7);
        let entry = before.sign_successor(&keys, at, &next, time_ms, &mut fill);
        let entry = entry.expect("signed");
        let mut roster = before.clone();
        roster.append(&entry).expect("follows");
        roster
    };
    let first = sign(1);
    // Another one at the same place, which would count for its smaller hash.
    let other = (2..).map(&mut sign).find(|other| {
        let compared = first.compare(other).expect("of one workspace");
        compared.counts() == vault::Side::Theirs
    });
    let entries = |roster: &vault::Roster| roster.entries_after(&before.head()).unwrap().to_vec();
    let other = entries(&other.expect("some hash is smaller"));
    let entries = entries(&first);
    world.devices[2].roster = first;
    world.tell(2, client::Input::BringRoster { entries });
    world.settle();
    world.append_invite(0);
    world.settle();
    let head = |world: &World| world.store.spaces[&world.workspace].roster.head();
    let stands = head(&world);
    world.tell(2, client::Input::BringRoster { entries: other });
    world.settle();
    assert_eq!(head(&world), stands);
    world.append_invite(0);
    world.settle();
    assert_ne!(head(&world), stands, "and it goes on");
}

#[test]
fn a_device_joins_by_an_invite_and_reads_everything() {
    let mut world = World::new(22, 1);
    world.write(0);
    let founder = world.devices[0].keys.clone();
    let (entry, secret) = invite(
        &world.devices[0].roster,
        &founder,
        Role::Member,
        &mut world.dice,
    );
    world.devices[0].roster.append(&entry).expect("follows");
    world.heal();

    // The invite's session gets the roster, which the new device knew nothing of, and appends the device.
    let keys = world.dice.keys();
    let mut joining = Joining::new(&mut world, &secret);
    let roster = joining.roster();
    let entry = join(&roster, &secret, &keys, &mut world.dice);
    let said = joining.append(&mut world, &roster, entry);
    assert!(
        said.iter()
            .any(|said| matches!(said, Output::RosterAppended { .. })),
        "{said:?}"
    );

    let roster = (*world.store.spaces[&world.workspace].roster).clone();
    world.devices.push(Device::new(keys, roster.clone()));
    world.heal();
    world.write(1);
    world.settle();
    world.check_equal();

    // A second device does not get in by the same invite.
    let again = world.dice.keys();
    let refused = roster.sign_join(&secret, &again, 3, &mut |bytes: &mut [u8]| bytes.fill(1));
    assert!(refused.is_err());
    let said = Joining::new(&mut world, &secret).said;
    let code = said.iter().find_map(|said| match said {
        Output::Refused { code, .. } => Some(*code),
        _ => None,
    });
    assert_eq!(code, Some(Refusal::InviteSpent));
}

/// The session of an invite, at a connection of its own.
struct Joining {
    session: Session,
    connection: sync::relay::Connection,
    said: Vec<Output>,
}

impl Joining {
    fn new(world: &mut World, secret: &vault::InviteSecret) -> Self {
        let start = Start {
            workspace: world.workspace,
            identity: secret.signing(),
            nonce: world.dice.nonce(),
            roster_head: protocol::RosterHash::ZERO,
            own_head: (0, protocol::EnvelopeHash::ZERO),
            acknowledged: 0,
            cursor: None,
        };
        let mut joining = Joining {
            session: Session::new(start),
            connection: world.connection(),
            said: Vec::new(),
        };
        joining.tell(world, client::Input::Opened);
        joining
    }

    fn tell(&mut self, world: &mut World, input: client::Input) {
        self.session.handle(world.now_ms, input);
        loop {
            if let Some(output) = self.session.poll() {
                if let Output::Send(frame) = output {
                    let input = sync::relay::Input::Frame(frame);
                    self.connection.handle(world.now_ms, input);
                } else {
                    self.said.push(output);
                }
            } else if let Some(output) = self.connection.poll() {
                match output {
                    sync::relay::Output::Send(frame) => {
                        self.connection
                            .handle(world.now_ms, sync::relay::Input::Written);
                        self.session
                            .handle(world.now_ms, client::Input::Frame(frame));
                    }
                    sync::relay::Output::Close { .. } => {}
                    request => {
                        let (answer, news) =
                            world.store.answer(world.now_ms, world.workspace, request);
                        self.connection.handle(world.now_ms, answer);
                        world.spread(news);
                    }
                }
            } else {
                return;
            }
        }
    }

    fn roster(&self) -> vault::Roster {
        let entries = self.said.iter().find_map(|said| match said {
            Output::Roster { entries } => Some(entries.clone()),
            _ => None,
        });
        assert!(
            self.said.contains(&Output::Settled),
            "nothing else to wait for"
        );
        vault::Roster::from_entries(entries.expect("the roster came")).expect("is true")
    }

    fn append(&mut self, world: &mut World, roster: &vault::Roster, entry: Vec<u8>) -> Vec<Output> {
        self.said.clear();
        let input = client::Input::AppendRoster {
            expected_head: roster.head(),
            entries: vec![entry.into()],
        };
        self.tell(world, input);
        self.said.clone()
    }
}
