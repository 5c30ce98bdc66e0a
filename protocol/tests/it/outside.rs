//! Bytes from outside: whatever they are, they give a value or an error, and values come back as they went.

use proptest::prelude::*;
use protocol::{limits::*, *};

use crate::samples;

/// Runs every decoder; what one of them takes must be written again as the same bytes.
fn decode_all(bytes: &[u8]) {
    if let Ok(frame) = Frame::decode(bytes) {
        // Unknown keys are dropped, so the length may shrink but never grow.
        assert!(frame.encode().len() <= bytes.len());
    }
    if let Ok(envelope) = Envelope::decode(bytes) {
        assert!(envelope.encode().len() <= bytes.len());
    }
    let _ = Header::decode(bytes);
    let _ = Part::decode(bytes);
    let _ = Body::decode(bytes);
    let _ = Entry::decode(bytes);
}

fn all_samples() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = samples::frames().iter().map(Frame::encode).collect();
    all.push(samples::first_header().encode());
    all.push(samples::envelope().encode());
    all.extend(samples::parts().iter().map(|(_, part)| part.encode()));
    for (_, what) in samples::entries() {
        all.push(samples::body(what.clone()).encode());
        all.push(samples::entry(what).encode());
    }
    all
}

#[test]
fn every_truncation_is_refused() {
    for sample in all_samples() {
        for len in 0..sample.len() {
            let cut = &sample[..len];
            decode_all(cut);
            assert!(canonical::check(cut).is_err());
        }
        let mut longer = sample.clone();
        longer.push(0);
        decode_all(&longer);
        assert!(canonical::check(&longer).is_err());
    }
}

#[test]
fn unknown_keys_are_read_over() {
    let mut bytes = samples::first_header().encode();
    assert_eq!(bytes[0], 0xaa, "a map of ten keys");
    bytes[0] = 0xab;
    bytes.extend_from_slice(&[0x18, 0x40, 0x61, b'x']);
    assert_eq!(Header::decode(&bytes), Ok(samples::first_header()));
    let mut bytes = samples::body(samples::entries().remove(6).1).encode();
    assert_eq!(bytes[0], 0xa7, "a map of seven keys");
    bytes[0] = 0xa8;
    bytes.extend_from_slice(&[0x07, 0x00]);
    assert!(Body::decode(&bytes).is_ok());
}

#[test]
fn rules_of_a_header_hold() {
    let good = samples::later_header();
    for (wrong, why) in [
        (
            Header {
                sequence: 0,
                ..good.clone()
            },
            "sequence 0",
        ),
        (
            Header {
                sequence: 1,
                ..good.clone()
            },
            "first with a previous one",
        ),
        (
            Header {
                previous: EnvelopeHash::ZERO,
                ..good.clone()
            },
            "later without",
        ),
        (
            Header {
                key_epoch: 0,
                ..good.clone()
            },
            "epoch 0",
        ),
        (
            Header {
                parts: vec![PartHash::ZERO; MAX_PARTS + 1],
                ..good.clone()
            },
            "parts",
        ),
    ] {
        assert!(Header::decode(&wrong.encode()).is_err(), "{why}");
    }
    let mut envelope = samples::envelope();
    envelope.parts.pop();
    assert!(Envelope::decode(&envelope.encode()).is_err(), "a part less");
}

#[test]
fn limits_hold() {
    let text = "x".repeat(MAX_TEXT_BYTES + 1);
    let heads = vec![samples::cut(); MAX_HEADS + 1];
    let envelopes = vec![Blob::from(vec![]); MAX_BATCH_ENVELOPES + 1];
    let entries = vec![Blob::from(vec![0; MAX_ROSTER_ENTRY_BYTES + 1])];
    for frame in [
        Frame::Bye(Bye { text }),
        Frame::Heads(Heads {
            heads,
            purpose: None,
            position: None,
            more: false,
        }),
        Frame::Push(Push { envelopes }),
        Frame::RosterAppend(RosterAppend {
            expected_head: RosterHash::ZERO,
            entries,
        }),
        Frame::Carry(Carry {
            envelopes: vec![Blob::from(vec![0; MAX_ENVELOPE_BYTES + 1])],
        }),
        Frame::Push(Push {
            envelopes: vec![Blob::from(vec![0; MAX_ENVELOPE_BYTES]); 2],
        }),
    ] {
        let error = Frame::decode(&frame.encode()).expect_err("beyond a limit");
        assert!(
            matches!(
                error,
                DecodeError::TooLarge { .. } | DecodeError::TooMany { .. }
            ),
            "{error}"
        );
    }
    let large = Part::Record {
        record: RecordId::ZERO,
        changes: vec![vec![0; MAX_TRANSACTION_BYTES + 1].into()],
    };
    assert!(Part::decode(&large.encode()).is_err());
    assert!(Part::decode(&Part::file(vec![0; MAX_FILE_BYTES]).encode()).is_ok());
    assert!(Part::decode(&Part::file(vec![0; MAX_FILE_BYTES + 1]).encode()).is_err());
}

#[test]
fn a_header_is_no_longer_than_it_may_be_with_what_it_rescues() {
    let rescuing = |bytes: usize| Header {
        rescued: Some(protocol::Rescued {
            header: vec![0; bytes].into(),
            signature: Signature::ZERO,
        }),
        ..samples::later_header()
    };
    assert!(Header::decode(&rescuing(MAX_PLAIN_HEADER_BYTES).encode()).is_ok());
    assert!(Header::decode(&rescuing(MAX_PLAIN_HEADER_BYTES + 1).encode()).is_err());
    // Keys of a newer version, beyond what a header may have without another in it.
    let plain = samples::later_header().encode();
    let mut long = plain.clone();
    long[0] += 1;
    long.push(13);
    long.push(0x5a);
    let rest = u32::try_from(MAX_PLAIN_HEADER_BYTES - plain.len()).expect("fits");
    long.extend_from_slice(&rest.to_be_bytes());
    long.extend(vec![0; rest as usize]);
    let error = Header::decode(&long).expect_err("it is too long");
    assert!(matches!(error, DecodeError::TooLarge { .. }), "{error}");
}

#[test]
fn largest_envelope_of_small_parts_fits() {
    let header = Header {
        parts: vec![PartHash::ZERO; MAX_PARTS],
        cursor: Some(samples::cursor()),
        ..samples::later_header()
    };
    assert!(header.encode().len() <= MAX_HEADER_BYTES);
    // Nonce, tag, and a frame of 64 bytes of change beside the record id.
    let part: Blob = vec![0; 24 + 16 + 96].into();
    let envelope = Envelope {
        header_bytes: header.encode().into(),
        header,
        signature: Signature::ZERO,
        parts: vec![Some(part); MAX_PARTS],
    };
    assert!(Envelope::decode(&envelope.encode()).is_ok());
}

#[test]
fn an_entry_for_newer_versions_says_so_whatever_is_in_it() {
    let mut body = samples::body(What::Unknown {
        tag: 3,
        map: vec![0xa1, 0x00, 0x01],
    });
    body.min_reader = ROSTER_VERSION + 1;
    let error = Body::decode(&body.encode()).expect_err("newer");
    assert!(matches!(error, DecodeError::Newer { min_reader: 2, .. }));
    assert!(error.to_string().contains("update"), "{error}");
    body.min_reader = ROSTER_VERSION;
    assert!(matches!(
        Body::decode(&body.encode()),
        Err(DecodeError::Malformed { .. })
    ));
}

#[test]
fn odd_frames_are_refused() {
    let welcome = samples::frames().into_iter().find_map(|frame| match frame {
        Frame::Welcome(welcome) => Some(welcome),
        _ => None,
    });
    for frame in [
        Frame::Prove(Prove {
            signature: Signature::ZERO,
            roster_head: RosterHash::ZERO,
            cursor: None,
            entries: None,
            more: true,
        }),
        Frame::RosterMore(RosterMore {
            entries: vec![],
            more: true,
        }),
        Frame::Welcome(Welcome {
            log_start: Some(LogStart {
                sequence: 0,
                running: LogHash::ZERO,
            }),
            ..welcome.expect("a sample")
        }),
    ] {
        assert!(matches!(
            Frame::decode(&frame.encode()),
            Err(DecodeError::Malformed { .. })
        ));
    }
    // A log whose item has another tag than the two.
    let item = [
        0x82, 0x06, 0xa2, 0x00, 0x01, 0x01, 0x81, 0x83, 0x02, 0x00, 0x40,
    ];
    assert!(matches!(
        Frame::decode(&item),
        Err(DecodeError::Malformed { .. })
    ));
}

#[test]
fn unknown_frames_are_named() {
    assert_eq!(
        Frame::decode(&[0x82, 0x18, 0x63, 0xa0]),
        Err(DecodeError::UnknownFrame { tag: 99 })
    );
}

fn blob() -> impl Strategy<Value = Blob> {
    prop::collection::vec(any::<u8>(), 0..80).prop_map(Blob::from)
}

fn header() -> impl Strategy<Value = Header> {
    (
        any::<[u8; 32]>(),
        2..u64::MAX,
        prop::option::of((any::<[u8; 32]>(), any::<u64>())),
        prop::option::of(any::<[u8; 16]>()),
        1..u32::MAX,
        prop::collection::vec(any::<[u8; 32]>(), 0..40),
    )
        .prop_map(
            |(bytes, sequence, cursor, batch, key_epoch, parts)| Header {
                version: 1,
                min_reader: 1,
                workspace: WorkspaceId::from_bytes(bytes),
                feed: FeedId::from_bytes(bytes),
                sequence,
                previous: EnvelopeHash::from_bytes([1; 32]),
                roster_head: RosterHash::from_bytes(bytes),
                cursor: cursor.map(|(bytes, sequence)| Cursor {
                    relay: RelayKey::from_bytes(bytes),
                    epoch: LogEpoch::ZERO,
                    sequence,
                    running: LogHash::from_bytes(bytes),
                }),
                batch: batch.map(BatchId::from_bytes),
                key_epoch,
                parts: parts.into_iter().map(PartHash::from_bytes).collect(),
                key_id: KeyId::from_bytes([3; 8]),
                rescued: None,
            },
        )
}

fn log() -> impl Strategy<Value = Log> {
    let item = prop_oneof![
        (any::<u64>(), blob()).prop_map(|(received_ms, envelope)| LogItem::Envelope {
            received_ms,
            envelope
        }),
        (any::<u64>(), any::<[u8; 32]>(), any::<u64>()).prop_map(
            |(received_ms, hash, sequence)| LogItem::Own {
                received_ms,
                hash: EnvelopeHash::from_bytes(hash),
                sequence,
            }
        ),
    ];
    (1..u64::MAX / 2, prop::collection::vec(item, 0..20))
        .prop_map(|(first, items)| Log { first, items })
}

proptest! {
    #[test]
    fn headers_come_back(header in header()) {
        prop_assert_eq!(Header::decode(&header.encode()), Ok(header));
    }

    #[test]
    fn logs_come_back(log in log()) {
        let frame = Frame::Log(log);
        prop_assert_eq!(Frame::decode(&frame.encode()), Ok(frame));
    }

    #[test]
    fn parts_come_back(changes in prop::collection::vec(blob(), 0..20), record: [u8; 16]) {
        let part = Part::Record { record: RecordId::from_bytes(record), changes };
        prop_assert_eq!(Part::decode(&part.encode()), Ok(part));
    }

    #[test]
    fn any_bytes_are_harmless(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        decode_all(&bytes);
    }

    #[test]
    fn changed_samples_are_harmless(
        pick in any::<prop::sample::Index>(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let samples = all_samples();
        let mut bytes = pick.get(&samples).clone();
        for (at, byte) in edits {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        decode_all(&bytes);
    }
}
