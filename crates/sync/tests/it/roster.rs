//! Joining by an invite, and a roster that grows while sessions go on.

use protocol::{Refusal, Role};
use sync::client::{self, Output, Session, Start};

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

#[test]
fn a_revoked_device_is_shut_out_at_once() {
    let mut world = World::new(23, 2);
    world.write(1);
    world.heal();
    let Device { roster, keys, .. } = &world.devices[0];
    let (sequence, hash) = world.devices[1].head();
    let feed = world.devices[1].keys.feed();
    let revocation = protocol::Revocation {
        feeds: vec![feed],
        cuts: vec![protocol::Cut {
            feed,
            sequence,
            hash,
        }],
    };
    let entry = roster.sign(&keys.signing, protocol::What::Revoke(revocation), 5);
    let append = client::Input::AppendRoster {
        expected_head: roster.head(),
        entries: vec![entry.expect("may revoke").into()],
    };
    world.tell(0, append);
    world.settle();
    world.write(1);
    world.settle();
    let code = |world: &World| match answers(world, 1).last() {
        Some(Output::Refused { code, .. }) => Some(*code),
        _ => None,
    };
    assert_eq!(code(&world), Some(Refusal::Revoked), "while connected");
    world.wires.clear();
    world.devices[1].said.clear();
    world.connect(1);
    world.settle();
    assert_eq!(code(&world), Some(Refusal::Revoked), "when it comes again");
    assert_eq!(world.store.spaces[&world.workspace].entries.len(), 1);
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
