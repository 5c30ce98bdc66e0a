//! What attackers do at a relay, each until it is refused or has done its worst.

use handschlag_tests::hostile::keys::{Company, frame, part_hashes, seal, who, write};
use handschlag_tests::hostile::wire::{Wire, flood, raw_frame};
use protocol::{Bye, Frame, Hello, Nonce, Push, Refusal, Want, limits::MAX_FRAME_BYTES};

/// An attack, by the address of the relay.
type Attack = fn(&str);

/// All attacks by name.
pub(super) const ATTACKS: [(&str, Attack); 12] = [
    ("wrong versions", wrong_versions),
    ("noise", noise),
    ("oversized frames", oversized),
    ("frames that never end", never_finished),
    ("replayed proofs", replayed_proofs),
    ("forged feeds", forged_feeds),
    ("feeds of others", feeds_of_others),
    ("bombs", bombs),
    ("small frames", small_frames),
    ("pings", pings),
    ("slow readers", slow_readers),
    ("crowds", crowds),
];

/// The bytes above a frame's limit from which on a message is not read to its end.
const ROOM: usize = 64 * 1024;

fn member(address: &str) -> Wire {
    let company = Company::get();
    Wire::enter(address, &company.hands[who::MEMBER], &company.roster).0
}

fn wrong_versions(address: &str) {
    let roster = &Company::get().roster;
    for versions in [vec![], vec![0], vec![2, 3], vec![u32::MAX; 16]] {
        let mut wire = Wire::open(address);
        wire.say(Hello {
            versions,
            workspace: roster.workspace(),
            key: Company::get().hands[who::MEMBER].keys.signing.key(),
            nonce: Nonce::from_bytes([1; 32]),
        });
        let code = wire.refusal();
        assert!(
            matches!(code, Some(Refusal::Version | Refusal::Malformed)),
            "{code:?}"
        );
    }
}

fn noise(address: &str) {
    for length in [0, 1, 7, 100, 5_000, 300_000] {
        let mut wire = Wire::open(address);
        wire.say_bytes((0..length).map(|at| (at * 31 % 251) as u8).collect());
        assert_eq!(wire.refusal(), Some(Refusal::Malformed));
    }
    let mut wire = Wire::open(address);
    wire.say_text("hello");
    assert_eq!(wire.refusal(), Some(Refusal::Malformed));
}

fn oversized(address: &str) {
    for _ in 0..4 {
        let mut wire = Wire::open(address);
        wire.say_bytes(vec![0; MAX_FRAME_BYTES + 1]);
        assert_eq!(wire.refusal(), Some(Refusal::TooLarge));
        let mut wire = Wire::open(address);
        wire.say_bytes(vec![0; MAX_FRAME_BYTES + ROOM + 1]);
        assert_eq!(wire.refusal(), None, "it is not even read");
    }
    // One that claims to have 2^62 bytes.
    let mut raw = Wire::open(address).into_raw();
    flood(&mut raw, &raw_frame(2, 1 << 62, &[0; 100]), 1);
}

/// Many connections announce a large frame, send a little of it, and wait.
fn never_finished(address: &str) {
    let begun = raw_frame(2, MAX_FRAME_BYTES as u64, &[0; 1000]);
    let mut held = Vec::new();
    for _ in 0..48 {
        let mut raw = Wire::open(address).into_raw();
        assert_eq!(flood(&mut raw, &begun, 1), 1);
        held.push(raw);
    }
}

/// Somebody who listened in repeats what a member said, at the same relay.
fn replayed_proofs(address: &str) {
    let company = Company::get();
    let hand = &company.hands[who::MEMBER];
    let mut wire = Wire::open(address);
    let (proof, _) = wire.prove(hand, &company.roster);
    wire.say(proof.clone());
    wire.hear_where(|frame| matches!(frame, Frame::Welcome(_)));
    for _ in 0..5 {
        let mut wire = Wire::open(address);
        let _ = wire.prove(hand, &company.roster);
        wire.say(proof.clone());
        assert_eq!(wire.refusal(), Some(Refusal::Signature));
    }
    // The same frame twice in one session has no place there either.
    wire.say(proof);
    assert_eq!(wire.refusal(), Some(Refusal::Malformed));
}

/// A member writes in the owner's name, in all ways that come to mind.
fn forged_feeds(address: &str) {
    let company = Company::get();
    let owners = company.header(who::OWNER);
    let by_member = company.hands[who::MEMBER].envelope(&owners, Vec::new());
    let mut spoilt = write(&company.roster, &company.hands[who::MEMBER], 1)
        .remove(0)
        .bytes;
    let last = spoilt.len() - 1;
    spoilt[last] ^= 1;
    for forged in [by_member, spoilt] {
        let mut wire = member(address);
        wire.push(&[forged]);
        let code = wire.refusal();
        assert!(
            matches!(code, Some(Refusal::Signature | Refusal::Malformed)),
            "{code:?}"
        );
    }
}

/// A member pushes what a stranger, a guest and a revoked device signed, as it was.
fn feeds_of_others(address: &str) {
    let company = Company::get();
    for hand in [who::STRANGER, who::GUEST, who::OWNER] {
        let theirs = company.hands[hand].envelope(&company.header(hand), Vec::new());
        let mut wire = member(address);
        wire.push(&[theirs]);
        assert!(wire.refusal().is_some());
    }
    // A guest gets in, and still writes nothing.
    let guest = &company.hands[who::GUEST];
    let (mut wire, _) = Wire::enter(address, guest, &company.roster);
    wire.push(&[guest.envelope(&company.header(who::GUEST), Vec::new())]);
    let is_answer = |frame: &Frame| matches!(frame, Frame::Stored(_) | Frame::Refused(_));
    let answer = wire.hear_where(is_answer);
    assert!(
        !matches!(answer, Frame::Stored(stored) if !stored.held),
        "a guest wrote"
    );
    // A stranger proves who he is, which is nobody.
    let mut wire = Wire::open(address);
    let (proof, _) = wire.prove(&company.hands[who::STRANGER], &company.roster);
    wire.say(proof);
    assert_eq!(wire.refusal(), Some(Refusal::NotAMember));
}

/// Parts that inflate to gigabytes: a relay does not open them, and stores what is signed.
fn bombs(address: &str) {
    let company = Company::get();
    let mut header = company.header(who::ADMIN);
    let zeros = miniz_oxide::deflate::compress_to_vec(&vec![0; 64 << 20], 9);
    let part = seal(&header.workspace, &frame(1, &zeros));
    header.parts = part_hashes(&[part.clone(), part.clone()]);
    let admin = &company.hands[who::ADMIN];
    let envelope = admin.envelope(&header, vec![Some(part.clone()), Some(part)]);
    let (mut wire, _) = Wire::enter(address, admin, &company.roster);
    wire.push(&[envelope]);
    wire.hear_where(|frame| matches!(frame, Frame::Stored(_)));
}

/// Tens of thousands of the smallest frames that have a place, and as many as fit before the pace holds them back.
fn small_frames(address: &str) {
    let company = Company::get();
    let feed = company.hands[who::MEMBER].keys.feed();
    let want = Frame::from(Want {
        feed,
        from: 1,
        to: 1,
    })
    .encode();
    let nothing = Frame::from(Push {
        envelopes: Vec::new(),
    })
    .encode();
    for small in [want, nothing] {
        let mut raw = member(address).into_raw();
        let bytes = raw_frame(2, small.len() as u64, &small);
        flood(&mut raw, &bytes, 40_000);
    }
}

/// Messages that are no frames of ours, but must be answered by the WebSocket.
fn pings(address: &str) {
    let mut raw = member(address).into_raw();
    flood(&mut raw, &raw_frame(9, 100, &[0; 100]), 1_000_000);
    // A text in a million pieces that never ends: first frame without the final bit, then continuations.
    let mut raw = Wire::open(address).into_raw();
    let mut first = raw_frame(1, 1, b"a");
    first[0] &= 0x7f;
    let mut more = raw_frame(0, 1, b"a");
    more[0] &= 0x7f;
    flood(&mut raw, &first, 1);
    flood(&mut raw, &more, 1_000_000);
}

/// Members who ask for everything and read nothing.
fn slow_readers(address: &str) {
    let company = Company::get();
    let owner = company.hands[who::OWNER].keys.feed();
    let mut held = Vec::new();
    for _ in 0..12 {
        let mut wire = member(address);
        for _ in 0..200 {
            wire.say(Want {
                feed: owner,
                from: 1,
                to: u64::MAX,
            });
        }
        held.push(wire);
    }
}

/// Many who come, say one thing, and go.
fn crowds(address: &str) {
    for _ in 0..200 {
        if let Ok(mut wire) = Wire::try_open(address) {
            wire.say(Bye {
                text: String::new(),
            });
        }
    }
}
