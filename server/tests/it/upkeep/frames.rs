//! The frames of a backup, taken apart and put together by the tests as docs/formats.md says.

use protocol::{domain::BACKUP, hash};

pub(super) const NAME: &[u8] = b"handschlag backup 1\0";

pub(super) const WORKSPACE: u8 = 2;
pub(super) const ROSTER_ENTRY: u8 = 3;
pub(super) const ENVELOPE: u8 = 4;
pub(super) const HELD: u8 = 5;
pub(super) const END: u8 = 8;

/// A frame, and where it begins.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    pub(super) at: usize,
    pub(super) tag: u8,
    pub(super) body: Vec<u8>,
}

impl Frame {
    /// Where its body begins in the file.
    pub(super) fn body_at(&self) -> usize {
        self.at + 9
    }
}

/// Takes a backup apart.
pub(super) fn take_apart(bytes: &[u8]) -> Vec<Frame> {
    let mut at = NAME.len();
    assert_eq!(&bytes[..at], NAME);
    let mut frames = Vec::new();
    while at < bytes.len() {
        let length = u32::from_be_bytes(bytes[at + 1..at + 5].try_into().expect("four"));
        let body = at + 9..at + 9 + length as usize;
        frames.push(Frame {
            at,
            tag: bytes[at],
            body: bytes[body.clone()].to_vec(),
        });
        at = body.end + 16;
    }
    assert_eq!(
        put_together(&frames),
        bytes,
        "the format is as written down"
    );
    frames
}

/// Puts frames together, with checks that fit.
pub(super) fn put_together(frames: &[Frame]) -> Vec<u8> {
    let mut bytes = NAME.to_vec();
    for (number, frame) in (0u64..).zip(frames) {
        let mut head = vec![frame.tag];
        head.extend((frame.body.len() as u32).to_be_bytes());
        let check = |body: &[u8]| hash(BACKUP, &[&number.to_be_bytes(), &head, body]);
        bytes.extend(&head);
        bytes.extend(&check(&[])[..4]);
        bytes.extend(&frame.body);
        bytes.extend(&check(&frame.body)[..16]);
    }
    bytes
}
