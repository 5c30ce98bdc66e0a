//! Bytes from fixed seeds that must never change.
//!
//! After a change of the formats that is meant, run the tests once with `HANDSCHLAG_BLESS=1` and read the difference.

use std::{fmt::Write as _, fs, path::Path};

use data_encoding::HEXLOWER;
use protocol::{EnvelopeHash, Nonce, Role, WorkspaceId};
use vault::{
    EnvelopeDraft, InviteLink, KeyRing, RelayOrigin, Roster, SessionTerms, SigningIdentity,
    actor_prefix, open_parts, rescue, verify_envelope,
};

use crate::world::{World, keys, parts, secret, terms};

fn golden(file: &str, actual: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(file);
    if std::env::var_os("HANDSCHLAG_BLESS").is_some() {
        fs::write(&path, actual).expect("the golden file can be written");
    }
    let golden = fs::read_to_string(&path).expect("the golden file can be read");
    assert_eq!(golden.replace('\r', ""), actual, "{file}");
    golden
}

fn line(text: &mut String, name: &str, bytes: &[u8]) {
    writeln!(text, "{name} {}", HEXLOWER.encode(bytes)).expect("writing to memory cannot fail");
}

fn bytes(line: &str) -> Vec<u8> {
    let hex = line.split_once(' ').expect("a name and hex").1;
    HEXLOWER.decode(hex.as_bytes()).expect("hex")
}

#[test]
fn a_workspace() {
    let mut world = World::new();
    world.invite(52, &terms(Role::Member)).expect("invited");
    let device = world.join(52, 2).expect("joined");
    let first = world.seal(&device, None);
    let second = world.seal(&device, Some(&first));
    let mut text = String::new();
    for (name, entry) in ["found", "invite", "device"]
        .iter()
        .zip(world.roster.entries())
    {
        line(&mut text, name, entry);
    }
    line(&mut text, "envelope", &first.bytes);
    line(&mut text, "envelope", &second.bytes);
    let lost = verify_envelope(&second.bytes, &world.roster).expect("verified");
    let draft = EnvelopeDraft {
        workspace: world.roster.workspace(),
        sequence: 1,
        previous: EnvelopeHash::ZERO,
        roster_head: world.roster.head(),
        cursor: None,
        batch: None,
    };
    let rescued = rescue(&lost, &draft, &world.owner).expect("rescued");
    line(&mut text, "rescued", &rescued.bytes);
    let golden = golden("workspace.txt", &text);

    // What was written once is still read, by the keys alone.
    let lines: Vec<Vec<u8>> = golden.lines().map(bytes).collect();
    let roster = Roster::from_entries(&lines[..3]).expect("loads");
    let ring = KeyRing::open(&roster, &keys(2).sealing);
    for envelope in &lines[3..] {
        let verified = verify_envelope(envelope, &roster).expect("verified");
        assert_eq!(open_parts(&verified, &ring), Ok(parts()));
    }
    let rescued = protocol::Envelope::decode(&lines[5]).expect("reads");
    let old = rescued.rescued().expect("sound").expect("rescues one");
    assert_eq!(old.encode(), lines[4]);
}

#[test]
fn names_and_proofs() {
    let mut text = String::new();
    let owner = keys(1);
    line(&mut text, "feed", owner.feed().as_bytes());
    line(&mut text, "sealing_key", owner.sealing.key().as_bytes());
    line(&mut text, "key_file", &owner.to_bytes());
    line(
        &mut text,
        "member",
        vault::member_of(&owner.signing.key()).as_bytes(),
    );
    line(&mut text, "actor_prefix", &actor_prefix(&owner.feed()));
    let secret = secret(5);
    line(&mut text, "invite_key", secret.key().as_bytes());
    line(
        &mut text,
        "invite_sealing_key",
        secret.sealing().key().as_bytes(),
    );
    line(&mut text, "invite_member", secret.new_member().as_bytes());
    let link = InviteLink {
        origin: RelayOrigin::parse("https://relay.example").expect("an origin"),
        workspace: WorkspaceId::from_bytes([6; 32]),
        secret,
    };
    writeln!(text, "link {}", link.to_text()).expect("writing to memory cannot fail");
    let relay = SigningIdentity::from_seed(&[30; 32]);
    let session = SessionTerms {
        relay: relay.relay(),
        workspace: WorkspaceId::from_bytes([6; 32]),
        client_nonce: Nonce::from_bytes([7; 32]),
        relay_nonce: Nonce::from_bytes([8; 32]),
    };
    line(
        &mut text,
        "challenge",
        session.sign_challenge(&relay).as_bytes(),
    );
    line(
        &mut text,
        "proof",
        session.sign_proof(&owner.signing).as_bytes(),
    );
    golden("names.txt", &text);
}
