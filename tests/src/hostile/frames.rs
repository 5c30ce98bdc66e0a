//! Frames, and every struct of the protocol, from bytes.

use protocol::{
    Body, BodyOutline, DecodeError, Entry, Envelope, Frame, Header, Part, canonical,
    limits::MAX_FRAME_BYTES,
};

use super::Target;

pub(super) const TARGET: Target = Target {
    name: "frames",
    about: "frames, headers, parts and roster entries from bytes",
    run,
    seeds,
    rounds: 20_000,
};

/// What is read is within its bounds, never grows when it is written again, and then reads as the same.
fn run(bytes: &[u8]) {
    let is_canonical = canonical::check(bytes).is_ok();
    let again = |what: &str, read: bool, written: Option<Vec<u8>>| {
        if let Some(written) = written {
            assert!(is_canonical, "{what} was read from what is not canonical");
            assert!(written.len() <= bytes.len(), "{what} grew");
            assert!(
                canonical::check(&written).is_ok(),
                "{what} was written wrongly"
            );
        } else {
            assert!(!read);
        }
    };
    let frame = Frame::decode(bytes);
    if let Ok(frame) = &frame {
        assert!(bytes.len() <= MAX_FRAME_BYTES);
        assert_eq!(Frame::decode(&frame.encode()).as_ref(), Ok(frame));
        assert!(!frame.name().is_empty());
    }
    again(
        "a frame",
        frame.is_ok(),
        frame.ok().map(|frame| frame.encode()),
    );
    let envelope = Envelope::decode(bytes);
    if let Ok(envelope) = &envelope {
        assert_eq!(Envelope::decode(&envelope.encode()).as_ref(), Ok(envelope));
        assert_eq!(envelope.header.parts.len(), envelope.parts.len());
    }
    again(
        "an envelope",
        envelope.is_ok(),
        envelope.ok().map(|one| one.encode()),
    );
    let header = Header::decode(bytes);
    if let Ok(header) = &header {
        assert_eq!(Header::decode(&header.encode()).as_ref(), Ok(header));
    }
    again(
        "a header",
        header.is_ok(),
        header.ok().map(|one| one.encode()),
    );
    let part = Part::decode(bytes);
    if let Ok(part) = &part {
        assert_eq!(Part::decode(&part.encode()).as_ref(), Ok(part));
    }
    again("a part", part.is_ok(), part.ok().map(|one| one.encode()));
    let body = Body::decode(bytes);
    if let Ok(body) = &body {
        assert_eq!(Body::decode(&body.encode()).as_ref(), Ok(body));
        assert!(BodyOutline::decode(bytes).is_ok());
    }
    if let Err(error @ DecodeError::Newer { .. }) = &body {
        assert!(BodyOutline::decode(bytes).is_ok(), "{error}");
    }
    again("a body", body.is_ok(), body.ok().map(|one| one.encode()));
    let entry = Entry::decode(bytes);
    again(
        "an entry",
        entry.is_ok(),
        entry.ok().map(|one| one.encode()),
    );
}

/// The golden bytes of the protocol: lines of a name and hexadecimal digits.
pub(super) fn golden(text: &str) -> Vec<Vec<u8>> {
    text.lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(_, hex)| {
            let digits = hex.trim().as_bytes();
            digits
                .chunks_exact(2)
                .map(|pair| {
                    let pair = std::str::from_utf8(pair).expect("golden files are ASCII");
                    u8::from_str_radix(pair, 16).expect("golden files hold digits")
                })
                .collect()
        })
        .collect()
}

fn seeds() -> Vec<Vec<u8>> {
    [
        include_str!("../../../protocol/tests/golden/frames.txt"),
        include_str!("../../../protocol/tests/golden/envelopes.txt"),
        include_str!("../../../protocol/tests/golden/roster.txt"),
        include_str!("../../../crates/vault/tests/golden/workspace.txt"),
    ]
    .into_iter()
    .flat_map(golden)
    .collect()
}
