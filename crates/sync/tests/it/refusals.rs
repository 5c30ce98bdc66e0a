//! What a relay refuses, by which code, and what a client does not believe.

use protocol::{
    Cut, EnvelopeHash, Frame, Hello, Prove, Push, Refusal, Role, SESSION_VERSIONS,
    limits::MAX_FRAME_BYTES,
};
use sync::{
    client::{self, Broken, Session},
    relay::{Connection, Input, Output, PROOF_MS},
};
use vault::{DeviceKeys, SessionTerms, SigningIdentity};

use crate::{
    device::{Device, Dice, INVITES_END_MS, invite, join},
    world::World,
};

/// A client made by hand at a real connection.
struct Hand {
    connection: Connection,
    terms: Option<SessionTerms>,
}

impl Hand {
    /// Gives an input, lets the store answer, and returns the frames that came back.
    fn give(&mut self, world: &mut World, input: Input) -> Vec<Frame> {
        self.connection.handle(world.now_ms, input);
        let mut frames = Vec::new();
        while let Some(output) = self.connection.poll() {
            match output {
                Output::Send(bytes) => {
                    frames.push(Frame::decode(&bytes).expect("decodes"));
                    self.connection.handle(world.now_ms, Input::Written);
                }
                Output::Close { .. } => {}
                request => {
                    let (answer, _) = world.store.answer(world.now_ms, world.workspace, request);
                    self.connection.handle(world.now_ms, answer);
                }
            }
        }
        frames
    }

    fn send(&mut self, world: &mut World, frame: impl Into<Frame>) -> Vec<Frame> {
        let frame: Frame = frame.into();
        self.give(world, Input::Frame(frame.encode()))
    }

    /// Says hello, and returns the other side's frames.
    fn greet(world: &mut World, identity: &SigningIdentity) -> (Hand, Vec<Frame>) {
        let connection = world.connection();
        let mut hand = Hand {
            connection,
            terms: None,
        };
        let hello = Hello {
            versions: SESSION_VERSIONS.to_vec(),
            workspace: world.workspace,
            key: identity.key(),
            nonce: world.dice.nonce(),
        };
        let frames = hand.send(world, hello.clone());
        if let [Frame::Challenge(challenge)] = &frames[..] {
            hand.terms = Some(SessionTerms {
                relay: challenge.relay,
                workspace: world.workspace,
                client_nonce: hello.nonce,
                relay_nonce: challenge.nonce,
            });
        }
        (hand, frames)
    }

    /// Gets in as far as the relay lets it.
    fn enter(world: &mut World, identity: &SigningIdentity) -> (Hand, Vec<Frame>) {
        let (mut hand, _) = Hand::greet(world, identity);
        let proof = hand.proof(identity);
        let frames = hand.send(world, proof);
        (hand, frames)
    }

    fn proof(&self, identity: &SigningIdentity) -> Prove {
        let terms = self.terms.expect("was challenged");
        Prove {
            signature: terms.sign_proof(identity),
            roster_head: protocol::RosterHash::ZERO,
            cursor: None,
            entries: None,
            more: false,
        }
    }
}

/// A world whose relay knows the workspace and two envelopes of device 0.
fn world() -> World {
    let mut world = World::new(11, 2);
    world.write(0);
    world.write(0);
    world.heal();
    world.wires.clear();
    world
}

#[track_caller]
fn assert_refused(frames: &[Frame], code: Refusal) -> Option<Cut> {
    match frames.last() {
        Some(Frame::Refused(refused)) => {
            assert_eq!(refused.code, code, "{}", refused.text);
            refused.cut
        }
        other => panic!("expected a refusal, got {other:?}"),
    }
}

fn push(envelopes: &[&[u8]]) -> Push {
    let envelopes = envelopes.iter().map(|bytes| (*bytes).into()).collect();
    Push { envelopes }
}

#[test]
fn strangers_and_wrong_proofs_stay_out() {
    let mut world = world();
    let identity = world.devices[0].keys.signing.clone();

    // Named by no entry, it is refused before the relay does any work for it.
    let stranger = world.dice.keys().signing;
    // It is asked for a roster as if nothing was there, and has none that goes on where this one ends.
    let (mut hand, frames) = Hand::greet(&mut world, &stranger);
    assert!(matches!(&frames[..], [Frame::Challenge(challenge)] if !challenge.known));
    let proof = hand.proof(&stranger);
    assert_refused(&hand.send(&mut world, proof), Refusal::NotAMember);
    for (entries, code) in [
        (
            world.devices[0].roster.entries().to_vec(),
            Refusal::NotAMember,
        ),
        (
            World::new(99, 1).devices[0].roster.entries().to_vec(),
            Refusal::Malformed,
        ),
    ] {
        let (mut hand, _) = Hand::greet(&mut world, &stranger);
        let proof = Prove {
            entries: Some(entries),
            ..hand.proof(&stranger)
        };
        assert_refused(&hand.send(&mut world, proof), code);
    }

    // The right key in the hello, another one under the proof.
    let (mut hand, _) = Hand::greet(&mut world, &identity);
    let proof = hand.proof(&stranger);
    assert_refused(&hand.send(&mut world, proof), Refusal::Signature);
    assert!(hand.connection.is_ended());

    // A proof that was made for another connection.
    let (earlier, _) = Hand::greet(&mut world, &identity);
    let proof = earlier.proof(&identity);
    let (mut hand, _) = Hand::greet(&mut world, &identity);
    assert_refused(&hand.send(&mut world, proof), Refusal::Signature);

    let (mut hand, _) = Hand::greet(&mut world, &identity);
    let early = push(&[&world.devices[0].feed[0].bytes.clone()]);
    assert_refused(&hand.send(&mut world, early), Refusal::Malformed);
}

#[test]
fn versions_and_unknown_workspaces_are_refused() {
    let mut world = world();
    let key = world.devices[0].keys.signing.key();
    let nonce = world.dice.nonce();
    let connection = world.connection();
    let mut hand = Hand {
        connection,
        terms: None,
    };
    let newer = Hello {
        versions: vec![900],
        workspace: world.workspace,
        key,
        nonce,
    };
    assert_refused(&hand.send(&mut world, newer), Refusal::Version);

    let identity = world.devices[0].keys.signing.clone();
    world.store.spaces.clear();
    let (_, frames) = Hand::enter(&mut world, &identity);
    assert_refused(&frames, Refusal::WorkspaceUnknown);

    // Another workspace's roster does not claim this one.
    let other = World::new(99, 1);
    let (mut hand, _) = Hand::greet(&mut world, &identity);
    let mut proof = hand.proof(&identity);
    proof.entries = Some(other.devices[0].roster.entries().to_vec());
    assert_refused(&hand.send(&mut world, proof), Refusal::Malformed);
    assert!(world.store.spaces.is_empty());

    world.store.may_begin = false;
    let (_, frames) = Hand::greet(&mut world, &identity);
    assert_refused(&frames, Refusal::WorkspaceUnknown);
}

#[test]
fn silence_is_cut_off() {
    let mut world = world();
    let mut connection = world.connection();
    let deadline = connection.deadline().expect("has one");
    assert_eq!(deadline, world.now_ms + PROOF_MS);
    connection.handle(deadline - 1, Input::Tick);
    assert!(connection.poll().is_none());
    connection.handle(deadline, Input::Tick);
    assert!(matches!(connection.poll(), Some(Output::Close { .. })));

    let mut session = Session::new(world.devices[0].start(&mut world.dice));
    session.handle(50, client::Input::Opened);
    let deadline = session.deadline().expect("has one");
    session.handle(deadline, client::Input::Tick);
    let said: Vec<_> = std::iter::from_fn(|| session.poll()).collect();
    assert_eq!(
        said[1..],
        [
            client::Output::Broken(Broken::Silent),
            client::Output::Close
        ]
    );
}

/// Pushes as a device of the world, and returns the answer.
fn push_as(world: &mut World, keys: &DeviceKeys, envelopes: &[&[u8]]) -> Vec<Frame> {
    let (mut hand, frames) = Hand::enter(world, &keys.signing);
    assert!(matches!(frames[0], Frame::Welcome(_)), "{frames:?}");
    hand.send(world, push(envelopes))
}

#[test]
fn gaps_and_forks_are_named() {
    let mut world = world();
    let keys = world.devices[0].keys.clone();
    let mut honest = world.devices[0].clone();
    for _ in 0..3 {
        honest.write(&mut world.dice);
    }
    let cut = |device: &Device, sequence: u64| Cut {
        feed: device.keys.feed(),
        sequence,
        hash: device.feed[sequence as usize - 1].hash,
    };
    let frames = push_as(&mut world, &keys, &[&honest.feed[3].bytes]);
    assert_eq!(assert_refused(&frames, Refusal::Gap), Some(cut(&honest, 2)));

    let mut cloned = world.devices[0].clone();
    cloned.feed.truncate(1);
    cloned.write(&mut world.dice);
    cloned.write(&mut world.dice);
    for from in [1, 2] {
        let frames = push_as(&mut world, &keys, &[&cloned.feed[from].bytes]);
        assert_eq!(
            assert_refused(&frames, Refusal::Fork),
            Some(cut(&honest, 2))
        );
    }

    // What is there already is harmless, alone and before what is new.
    let again: Vec<&[u8]> = honest.feed[..2].iter().map(|e| &e.bytes[..]).collect();
    let frames = push_as(&mut world, &keys, &again);
    assert!(
        matches!(&frames[0], Frame::Stored(s) if s.cut == cut(&honest, 2)),
        "{frames:?}"
    );
    let more: Vec<&[u8]> = honest.feed[1..].iter().map(|e| &e.bytes[..]).collect();
    let frames = push_as(&mut world, &keys, &more);
    assert!(
        matches!(&frames[0], Frame::Stored(s) if s.cut == cut(&honest, 5)),
        "{frames:?}"
    );
    assert_eq!(world.store.spaces[&world.workspace].entries.len(), 5);
}

#[test]
fn forged_and_malformed_pushes_are_refused() {
    let mut world = world();
    let keys = world.devices[0].keys.clone();
    let mut honest = world.devices[0].clone();
    honest.write(&mut world.dice);
    honest.write(&mut world.dice);
    let (third, fourth) = (honest.feed[2].clone(), honest.feed[3].clone());

    // Each signature counts, not the last alone, since others may get the first one by itself.
    let mut forged = third.envelope.clone();
    forged.signature = protocol::Signature::ZERO;
    let frames = push_as(&mut world, &keys, &[&forged.encode(), &fourth.bytes]);
    assert_refused(&frames, Refusal::Signature);

    let mut changed = third.envelope.clone();
    changed.parts[0] = Some(vec![1; 80].into());
    let frames = push_as(&mut world, &keys, &[&changed.encode()]);
    assert_refused(&frames, Refusal::Malformed);

    let frames = push_as(&mut world, &keys, &[&fourth.bytes, &third.bytes]);
    assert_refused(&frames, Refusal::Malformed);
    let frames = push_as(&mut world, &keys, &[]);
    assert_refused(&frames, Refusal::Malformed);
    let frames = push_as(&mut world, &keys, &[b"no envelope"]);
    assert_refused(&frames, Refusal::Malformed);

    // Nobody pushes for others, not even what is true.
    let other = world.devices[1].keys.clone();
    let frames = push_as(&mut world, &other, &[&third.bytes]);
    assert_refused(&frames, Refusal::Malformed);

    let elsewhere = {
        let mut elsewhere = World::new(500, 1);
        elsewhere.write(0);
        elsewhere.devices[0].feed[0].bytes.clone()
    };
    let frames = push_as(&mut world, &keys, &[&elsewhere]);
    assert_refused(&frames, Refusal::Malformed);
    assert_eq!(world.store.spaces[&world.workspace].entries.len(), 2);
}

#[test]
fn oversize_and_unreadable_frames_are_refused() {
    let mut world = world();
    let keys = world.devices[0].keys.clone();
    for (bytes, code) in [
        (vec![0; MAX_FRAME_BYTES + 1], Refusal::TooLarge),
        (vec![0xff; 10], Refusal::Malformed),
        (Vec::new(), Refusal::Malformed),
    ] {
        let (mut hand, _) = Hand::enter(&mut world, &keys.signing);
        let frames = hand.give(&mut world, Input::Frame(bytes));
        assert_refused(&frames, code);
    }
    let large = vec![0; protocol::limits::MAX_ENVELOPE_BYTES + 1];
    let frames = push_as(&mut world, &keys, &[&large]);
    assert_refused(&frames, Refusal::TooLarge);
}

#[test]
fn frames_that_have_no_place_are_refused_by_name() {
    let mut world = world();
    let keys = world.devices[0].keys.clone();
    let feed = keys.feed();
    let heads = |purpose| protocol::Heads::of(purpose, Vec::new());
    let place = protocol::LogPlace {
        sequence: 2,
        running: protocol::LogHash::ZERO,
    };
    let from_nowhere = protocol::Heads {
        position: Some(place),
        ..heads(protocol::HeadsPurpose::Comparison)
    };
    let to_the_relay: [Frame; 5] = [
        protocol::Held {
            feed,
            envelopes: Vec::new(),
        }
        .into(),
        protocol::Carry {
            envelopes: Vec::new(),
        }
        .into(),
        heads(protocol::HeadsPurpose::Revocation).into(),
        heads(protocol::HeadsPurpose::Held).into(),
        from_nowhere.clone().into(),
    ];
    for frame in to_the_relay {
        let (mut hand, _) = Hand::enter(&mut world, &keys.signing);
        assert_refused(&hand.send(&mut world, frame), Refusal::Malformed);
    }
    let to_the_client: [Frame; 5] = [
        protocol::Held {
            feed,
            envelopes: Vec::new(),
        }
        .into(),
        protocol::Carry {
            envelopes: Vec::new(),
        }
        .into(),
        heads(protocol::HeadsPurpose::Carried).into(),
        from_nowhere.into(),
        protocol::Want {
            feed,
            from: 1,
            to: 2,
        }
        .into(),
    ];
    for frame in to_the_client {
        let mut session = proved(&mut world);
        assert_eq!(broken_by(&mut session, welcome(&world)), None);
        let broken = broken_by(&mut session, frame).expect("has no place");
        assert!(matches!(broken, Broken::OutOfTurn { .. }), "{broken}");
    }
}

#[test]
fn a_log_that_was_cut_is_read_only_by_who_has_what_is_gone() {
    let mut world = world();
    for (begins, broken) in [
        (3, None),
        (2, None),
        (4, Some(Broken::LogCut { have: 2, begins: 4 })),
    ] {
        let Frame::Welcome(mut welcome) = welcome(&world) else {
            panic!("a welcome");
        };
        welcome.log_start = Some(protocol::LogStart {
            sequence: begins,
            running: protocol::LogHash::ZERO,
        });
        let mut session = proved(&mut world);
        assert_eq!(broken_by(&mut session, welcome.clone().into()), broken);
        // Nothing of such a log is known to a client whose cursor it does not hold.
        welcome.continues = false;
        let mut session = proved(&mut world);
        let broken = broken_by(&mut session, welcome.into()).expect("is cut");
        assert_eq!(broken, Broken::LogCut { have: 0, begins });
        assert!(broken.to_string().contains("update"), "{broken}");
    }
}

/// Changes, cuts off or repeats some bytes.
fn mutilate(bytes: &mut Vec<u8>, dice: &mut Dice) {
    for _ in 0..=dice.below(3) {
        let at = dice.below(bytes.len());
        match dice.below(4) {
            0 => bytes[at] ^= 1 << dice.below(8),
            1 => bytes[at] = dice.roll() as u8,
            2 => bytes.truncate(at.max(1)),
            _ => bytes.insert(at, dice.roll() as u8),
        }
    }
}

#[test]
fn mutilated_frames_neither_panic_nor_get_anything_stored() {
    for seed in 0..300 {
        // Shown only when the test fails.
        println!("seed {seed}");
        let mut dice = Dice(seed);
        let mut world = World::new(12, 2);
        world.write(1);
        world.heal();
        world.wires.clear();
        let keys = world.devices[0].keys.clone();
        let mut device = world.devices[0].clone();
        device.write(&mut world.dice);
        let (mut hand, frames) = Hand::enter(&mut world, &keys.signing);
        let envelopes = vec![device.feed[0].bytes.clone().into()];
        let frame: Frame = match dice.below(4) {
            0 => push(&[&device.feed[0].bytes]).into(),
            1 => protocol::Carry { envelopes }.into(),
            2 => {
                let heads = device.heads().into_values().collect();
                protocol::Heads::of(protocol::HeadsPurpose::Comparison, heads).into()
            }
            _ => protocol::Want {
                feed: world.devices[1].keys.feed(),
                from: 1,
                to: 1,
            }
            .into(),
        };
        let honest = frame.encode();
        let mut bytes = honest.clone();
        mutilate(&mut bytes, &mut dice);
        hand.give(&mut world, Input::Frame(bytes.clone()));
        let stored = world.store.spaces[&world.workspace].entries.len();
        assert!(stored == 1 || bytes == honest);

        // The same for the client: a welcome and a log that it can hardly believe.
        let mut session = proved(&mut world);
        for frame in frames {
            let mut bytes = frame.encode();
            if dice.below(2) == 0 {
                mutilate(&mut bytes, &mut dice);
            }
            session.handle(0, client::Input::Frame(bytes));
            while session.poll().is_some() {}
        }
    }
}

#[test]
fn guests_read_and_write_nothing_and_invites_do_neither() {
    let mut world = world();
    let founder = world.devices[0].keys.clone();
    let mut roster = (*world.store.spaces[&world.workspace].roster).clone();
    let (entry, secret) = invite(&roster, &founder, Role::Guest, &mut world.dice);
    roster.append(&entry).expect("follows");
    let open = roster.clone();
    let keys = world.dice.keys();
    let entry = join(&roster, &secret, &keys, &mut world.dice);
    roster.append(&entry).expect("follows");
    let store = |world: &mut World, roster| {
        let space = world.store.spaces.get_mut(&world.workspace);
        space.expect("is there").roster = std::sync::Arc::new(roster);
    };

    store(&mut world, open.clone());
    let (mut hand, frames) = Hand::enter(&mut world, &secret.signing());
    let [Frame::Welcome(welcome)] = &frames[..] else {
        panic!("an invite gets the roster alone: {frames:?}");
    };
    assert_eq!(
        (welcome.sequence, welcome.entries.len()),
        (0, open.entries().len())
    );
    let some = push(&[&world.devices[0].feed[0].bytes.clone()]);
    assert_refused(&hand.send(&mut world, some), Refusal::RoleForbids);
    world.now_ms = INVITES_END_MS;
    let (_, frames) = Hand::enter(&mut world, &secret.signing());
    assert_refused(&frames, Refusal::InviteSpent);

    store(&mut world, roster.clone());
    let (_, frames) = Hand::enter(&mut world, &secret.signing());
    assert_refused(&frames, Refusal::InviteSpent);
    let mut guest = Device::new(keys.clone(), roster);
    guest.write(&mut world.dice);
    let (mut hand, frames) = Hand::enter(&mut world, &keys.signing);
    assert!(
        matches!(&frames[1], Frame::Log(log) if log.items.len() == 2),
        "{frames:?}"
    );
    let frames = hand.send(&mut world, push(&[&guest.feed[0].bytes]));
    assert_refused(&frames, Refusal::RoleForbids);
    // Nor is it taken from somebody else.
    let (mut hand, _) = Hand::enter(&mut world, &founder.signing);
    let envelopes = vec![guest.feed[0].bytes.clone().into()];
    let frames = hand.send(&mut world, protocol::Carry { envelopes });
    assert!(
        matches!(&frames[..], [Frame::Heads(heads)] if heads.heads.is_empty()),
        "{frames:?}"
    );
    let space = &world.store.spaces[&world.workspace];
    assert_eq!((space.entries.len(), space.held.len()), (2, 0));

    // Who could write for a while may have written then: that is held.
    let mut grown = (*space.roster).clone();
    let member = grown.device(&keys.feed()).expect("known").member;
    for role in [Role::Member, Role::Guest] {
        let change = protocol::RoleChange {
            member,
            role,
            cuts: Vec::new(),
        };
        let entry = grown.sign(&founder.signing, protocol::What::Role(change), 5);
        grown.append(&entry.expect("may")).expect("follows");
    }
    store(&mut world, grown);
    let frames = push_as(&mut world, &keys, &[&guest.feed[0].bytes]);
    assert!(
        matches!(&frames[..], [Frame::Stored(stored)] if stored.held),
        "{frames:?}"
    );
    assert_eq!(world.store.spaces[&world.workspace].entries.len(), 2);
}

/// Opens a session of device 0 that no relay has answered.
fn opened(world: &mut World) -> (Session, SessionTerms) {
    let start = world.devices[0].start(&mut world.dice);
    let mut session = Session::new(start.clone());
    session.handle(9, client::Input::Opened);
    let terms = SessionTerms {
        relay: world.relay.relay(),
        workspace: world.workspace,
        client_nonce: start.nonce,
        relay_nonce: world.dice.nonce(),
    };
    (session, terms)
}

fn challenge(terms: &SessionTerms, by: &SigningIdentity, version: u32) -> Frame {
    Frame::Challenge(protocol::Challenge {
        version,
        relay: terms.relay,
        nonce: terms.relay_nonce,
        signature: terms.sign_challenge(by),
        known: true,
    })
}

/// Gives a frame to a session, and returns how it broke.
fn broken_by(session: &mut Session, frame: Frame) -> Option<Broken> {
    session.handle(9, client::Input::Frame(frame.encode()));
    let said: Vec<_> = std::iter::from_fn(|| session.poll()).collect();
    said.into_iter().find_map(|output| match output {
        client::Output::Broken(broken) => Some(broken),
        _ => None,
    })
}

/// Opens a session of device 0 that has proved itself and waits for the welcome.
fn proved(world: &mut World) -> Session {
    let (mut session, terms) = opened(world);
    let challenge = challenge(&terms, &world.relay, 1);
    assert_eq!(broken_by(&mut session, challenge), None);
    session
}

/// The welcome that is true for device 0.
fn welcome(world: &World) -> Frame {
    let space = &world.store.spaces[&world.workspace];
    Frame::Welcome(protocol::Welcome {
        entries: Vec::new(),
        epoch: space.head().epoch,
        sequence: space.head().sequence,
        continues: true,
        own: space.feed_head(&world.devices[0].keys.feed()),
        now_ms: 5,
        log_start: None,
    })
}

#[test]
fn a_relay_that_cheats_is_not_believed() {
    let mut world = world();
    let (mut session, terms) = opened(&mut world);
    let impostor = world.dice.keys().signing;
    let broken = broken_by(&mut session, challenge(&terms, &impostor, 1));
    assert_eq!(broken, Some(Broken::RelaySignature));

    let (mut session, terms) = opened(&mut world);
    let broken = broken_by(&mut session, challenge(&terms, &world.relay, 7));
    assert_eq!(broken, Some(Broken::Version { version: 7 }));

    let mut session = proved(&mut world);
    assert_eq!(broken_by(&mut session, welcome(&world)), None);
    assert_eq!(session.progress(), Some(client::Progress::default()));
    let feed = world.devices[0].keys.feed();
    let own = world.store.spaces[&world.workspace].feed_head(&feed);
    let mut cut = own.expect("has written");
    cut.sequence += 3;
    let broken = broken_by(&mut session, protocol::Stored { cut, held: false }.into());
    assert_eq!(broken, Some(Broken::Acknowledged { got: 5, sent: 2 }));
    assert!(session.is_ended());

    let mut session = proved(&mut world);
    assert_eq!(broken_by(&mut session, welcome(&world)), None);
    let item = protocol::LogItem::Own {
        received_ms: 1,
        hash: EnvelopeHash::ZERO,
        sequence: 1,
    };
    let log = protocol::Log {
        first: 4,
        items: vec![item],
    };
    let broken = broken_by(&mut session, log.into());
    assert_eq!(broken, Some(Broken::LogGap { have: 2, got: 4 }));
}
