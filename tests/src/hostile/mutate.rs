//! Changes bytes at random, for tests on a compiler that has no fuzzer.

use crate::harness::Dice;

/// Numbers that break what adds, multiplies or allocates.
const EDGES: [&[u8]; 8] = [
    &[0],
    &[0xff],
    &[0x7f],
    &[0xff, 0xff, 0xff, 0xff],
    &[0x7f, 0xff, 0xff, 0xff],
    &[0x1b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    &[0x5f],
    &[0x80, 0x80, 0x80, 0x80, 0x10],
];

/// Changes an input in one to eight places.
pub(super) fn mutate(bytes: &mut Vec<u8>, other: &[u8], dice: &mut Dice) {
    for _ in 0..1 << dice.below(4) {
        change(bytes, other, dice);
    }
}

fn change(bytes: &mut Vec<u8>, other: &[u8], dice: &mut Dice) {
    let at = dice.below(bytes.len() + 1);
    let length = dice.below(16).min(bytes.len() - at);
    match dice.below(9) {
        0 | 1 if at < bytes.len() => bytes[at] ^= 1 << dice.below(8),
        2 | 3 if at < bytes.len() => bytes[at] = dice.below(256) as u8,
        4 => bytes.insert(at, dice.below(256) as u8),
        5 => drop(bytes.drain(at..at + length)),
        6 => {
            let piece = bytes[at..at + length].to_vec();
            bytes.splice(at..at, piece);
        }
        7 => {
            let edge = EDGES[dice.below(EDGES.len())];
            let end = (at + edge.len()).min(bytes.len());
            bytes.splice(at..end, edge.iter().copied());
        }
        _ if !other.is_empty() => {
            let from = dice.below(other.len());
            let to = (from + 1 + dice.below(64)).min(other.len());
            bytes.splice(at..at + length, other[from..to].iter().copied());
        }
        _ => {}
    }
}
