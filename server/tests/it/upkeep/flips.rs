//! Bits that change on a disk.

use std::fs;

use handschlag_relay::upkeep::{restore, verify_data};

use super::{Kept, frames::*};
use crate::workspace::Dice;

/// The seed of the dice; each test prints what it did when it fails.
const SEED: u64 = 20_261_123;

fn below(dice: &mut Dice, limit: usize) -> usize {
    (u64::from_be_bytes(dice.bytes()) % limit as u64) as usize
}

#[test]
fn a_flipped_bit_in_a_backup_is_found_and_named() {
    let kept = Kept::new();
    let whole = kept.bytes();
    let frames = take_apart(&whole);
    let workspace = frames.iter().position(|frame| frame.tag == WORKSPACE);
    let id = &frames[workspace.expect("is there")].body[..32];
    let mut dice = Dice::new(SEED);
    for (index, frame) in frames.iter().enumerate() {
        for _ in 0..12 {
            let at = frame.body_at() + below(&mut dice, frame.body.len() + 16);
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << below(&mut dice, 8);
            let (_, findings) = kept.verify(&bytes);
            let what = format!("seed {SEED}, frame {index}, byte {at}: {findings:?}");
            let first = findings.first().expect(&what);
            assert_eq!(first.fault.code(), "bytes", "{what}");
            assert_eq!(first.place.byte, Some(frame.at as u64), "{what}");
            if frame.tag != ENVELOPE {
                continue;
            }
            let sequence = u64::from_be_bytes(frame.body[..8].try_into().expect("fits"));
            assert_eq!(first.place.sequence, Some(sequence), "{what}");
            let found = first.place.workspace.expect(&what);
            assert_eq!(found.as_bytes(), id, "{what}");
            let in_feed = at.wrapping_sub(frame.body_at() + 48) < 32;
            let feed = first.place.feed.expect(&what);
            assert!(in_feed || feed.as_bytes() == &frame.body[48..80], "{what}");
            // Everything else was judged: what is said is about this envelope or what follows from it.
            let last = findings.last().expect("there is one");
            assert!(findings.len() <= 5 && last.fault.code() != "file", "{what}");
        }
    }
}

#[test]
fn a_flipped_bit_that_hides_what_follows_is_said_where() {
    let kept = Kept::new();
    let whole = kept.bytes();
    let mut dice = Dice::new(SEED + 1);
    for frame in take_apart(&whole) {
        let at = frame.at + below(&mut dice, 9);
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << below(&mut dice, 8);
        let (_, findings) = kept.verify(&bytes);
        let lost = findings.iter().find(|found| found.fault.code() == "file");
        let text = lost.expect("nothing behind it can be found").to_string();
        assert!(text.contains(&format!("byte {}", frame.at)), "{at}: {text}");
    }
}

#[test]
fn two_flips_far_apart_are_both_named_and_nothing_is_restored() {
    let kept = Kept::new();
    let whole = kept.bytes();
    let frames = take_apart(&whole);
    let envelopes: Vec<&Frame> = frames
        .iter()
        .filter(|frame| frame.tag == ENVELOPE)
        .collect();
    let mut bytes = whole.clone();
    for frame in [envelopes[1], envelopes[20]] {
        bytes[frame.body_at() + frame.body.len() - 1] ^= 4;
    }
    let (_, findings) = kept.verify(&bytes);
    let named: Vec<_> = findings
        .iter()
        .filter(|finding| finding.fault.code() == "bytes")
        .map(|finding| finding.place.sequence)
        .collect();
    assert_eq!(named, [Some(2), Some(21)], "{findings:?}");

    let error = restore(&kept.other("changed.backup"), &kept.other("restored"));
    let text = error.expect_err("is damaged").to_string();
    assert!(
        text.contains("sequence 2,") && text.contains("another backup"),
        "{text}"
    );
    assert!(!kept.other("restored").exists());
}

#[test]
fn flipped_bits_in_a_database_file_are_found_without_a_panic() {
    let kept = Kept::new();
    let path = kept.data().join("relay.redb");
    let whole = fs::read(&path).expect("reads");
    let used: Vec<usize> = (0..whole.len()).filter(|at| whole[*at] != 0).collect();
    let mut dice = Dice::new(SEED + 2);
    let mut found = 0;
    for round in 0..60 {
        let at = used[below(&mut dice, used.len())];
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << below(&mut dice, 8);
        fs::write(&path, &bytes).expect("writes");
        let mut faults = Vec::new();
        let verified = verify_data(&kept.data(), &mut |finding| faults.push(finding));
        let what = format!("seed {SEED}, round {round}, byte {at}");
        match verified {
            Ok(verified) if faults.is_empty() => {
                // Bytes that nothing uses any more, or that redb repairs from its other copy.
                let [workspace] = &verified.workspaces[..] else {
                    panic!("{what}: {verified:?}");
                };
                assert_eq!(workspace.envelopes, 25, "{what}");
            }
            _ => found += 1,
        }
    }
    assert!(found > 5, "many bytes matter: {found} of 60");
}
