//! Bytes that must never change: they lie on disks and travel between versions.
//!
//! After a change of the formats that is meant, run the tests once with `HANDSCHLAG_BLESS=1` and read the difference.

use std::{fmt::Write as _, fs, path::Path};

use data_encoding::HEXLOWER;
use protocol::*;

use crate::samples;

fn check(file: &str, actual: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(file);
    if std::env::var_os("HANDSCHLAG_BLESS").is_some() {
        fs::write(&path, actual).expect("the golden file can be written");
    }
    let golden = fs::read_to_string(&path).expect("the golden file can be read");
    assert_eq!(golden.replace('\r', ""), actual, "{file}");
}

fn line(text: &mut String, name: &str, bytes: &[u8]) {
    writeln!(text, "{name} {}", HEXLOWER.encode(bytes)).expect("writing to memory cannot fail");
}

#[test]
fn frames() {
    let mut text = String::new();
    for frame in samples::frames() {
        let bytes = frame.encode();
        line(&mut text, frame.name(), &bytes);
        assert_eq!(Frame::decode(&bytes), Ok(frame));
    }
    check("frames.txt", &text);
}

#[test]
fn envelopes() {
    let mut text = String::new();
    for header in [samples::first_header(), samples::later_header()] {
        let bytes = header.encode();
        line(&mut text, "header", &bytes);
        line(&mut text, "hash", EnvelopeHash::of(&bytes).as_bytes());
        assert_eq!(Header::decode(&bytes), Ok(header));
    }
    let envelope = samples::envelope();
    let bytes = envelope.encode();
    line(&mut text, "envelope", &bytes);
    assert_eq!(Envelope::decode(&bytes), Ok(envelope));
    for (name, part) in samples::parts() {
        let bytes = part.encode();
        line(&mut text, name, &bytes);
        assert_eq!(Part::decode(&bytes), Ok(part));
    }
    check("envelopes.txt", &text);
}

#[test]
fn roster_entries() {
    let mut text = String::new();
    for (name, what) in samples::entries() {
        let body = samples::body(what.clone());
        let entry = samples::entry(what);
        let bytes = entry.encode();
        line(&mut text, name, &bytes);
        line(&mut text, "hash", entry.hash().as_bytes());
        assert_eq!(Entry::decode(&bytes), Ok(entry));
        assert_eq!(Body::decode(&body.encode()), Ok(body));
    }
    check("roster.txt", &text);
}

#[test]
fn hashes() {
    let mut text = String::new();
    let start = log_start(
        &WorkspaceId::from_bytes([6; 32]),
        &LogEpoch::from_bytes([4; 16]),
    );
    line(&mut text, "log_start", start.as_bytes());
    let next = log_next(
        &start,
        1,
        1_790_000_000_000,
        &EnvelopeHash::from_bytes([2; 32]),
    );
    line(&mut text, "log_next", next.as_bytes());
    line(&mut text, "part", PartHash::of(b"sealed").as_bytes());
    line(&mut text, "file", FileHash::of(b"a photo").as_bytes());
    check("hashes.txt", &text);
}

#[test]
fn ids_as_text() {
    let workspace = WorkspaceId::from_bytes([0xfb; 32]);
    assert_eq!(
        workspace.to_string(),
        "-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_s"
    );
    assert_eq!(workspace.to_string().parse(), Ok(workspace));
    let member = MemberId::from_bytes([0x0a; 16]);
    assert_eq!(member.to_string(), "0a".repeat(16));
    assert_eq!(member.to_string().parse(), Ok(member));
    assert_eq!(format!("{member:?}"), "MemberId(0a0a0a0a)");
    for text in ["", "0a", &"0A".repeat(16), &"zz".repeat(16)] {
        assert!(text.parse::<MemberId>().is_err(), "{text:?}");
    }
}
