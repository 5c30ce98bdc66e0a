//! One value of every format, from fixed bytes.

use protocol::*;

macro_rules! id {
    ($name:ident, $byte:expr) => {
        $name::from_bytes([$byte; $name::LEN])
    };
}

pub(crate) fn cut() -> Cut {
    Cut {
        feed: id!(FeedId, 1),
        sequence: 300,
        hash: id!(EnvelopeHash, 2),
    }
}

pub(crate) fn cursor() -> Cursor {
    Cursor {
        relay: id!(RelayKey, 3),
        epoch: id!(LogEpoch, 4),
        sequence: 70_000,
        running: id!(LogHash, 5),
    }
}

pub(crate) fn first_header() -> Header {
    Header {
        version: 1,
        min_reader: 1,
        workspace: id!(WorkspaceId, 6),
        feed: id!(FeedId, 1),
        sequence: 1,
        previous: EnvelopeHash::ZERO,
        roster_head: id!(RosterHash, 7),
        cursor: None,
        batch: None,
        key_epoch: 1,
        parts: vec![PartHash::of(b"sealed")],
        key_id: id!(KeyCheck, 15).id(),
        rescued: None,
    }
}

pub(crate) fn later_header() -> Header {
    Header {
        sequence: 2,
        previous: EnvelopeHash::of(&first_header().encode()),
        cursor: Some(cursor()),
        batch: Some(id!(BatchId, 8)),
        key_epoch: 3,
        parts: vec![PartHash::of(b"sealed"), PartHash::of(b"erased")],
        ..first_header()
    }
}

pub(crate) fn envelope() -> Envelope {
    let header = later_header();
    Envelope {
        header_bytes: header.encode().into(),
        header,
        signature: id!(Signature, 9),
        parts: vec![Some(b"sealed"[..].into()), None],
    }
}

pub(crate) fn parts() -> Vec<(&'static str, Part)> {
    vec![
        (
            "record",
            Part::Record {
                record: id!(RecordId, 10),
                changes: vec![b"one"[..].into(), b"two"[..].into()],
            },
        ),
        ("file", Part::file(&b"a photo"[..])),
    ]
}

pub(crate) fn device(continues: bool) -> Device {
    Device {
        signing: id!(FeedId, 11),
        sealing: id!(SealingKey, 12),
        member: id!(MemberId, 13),
        code: "K3".parse().expect("a code"),
        role: Role::Member,
        continues: continues.then_some(cut().feed),
        continues_at: continues.then(cut),
    }
}

pub(crate) fn key_epoch() -> KeyEpoch {
    KeyEpoch {
        number: 1,
        wraps: vec![Wrap {
            recipient: id!(SealingKey, 12),
            key: id!(WrappedKey, 14),
        }],
        check: id!(KeyCheck, 15),
    }
}

pub(crate) fn entries() -> Vec<(&'static str, What)> {
    vec![
        (
            "found",
            What::Found(Founding {
                device: device(false),
                salt: id!(Salt, 16),
                key: key_epoch(),
            }),
        ),
        (
            "device",
            What::Device(DeviceAdded {
                device: device(true),
                keys: vec![key_epoch()],
            }),
        ),
        (
            "invite",
            What::Invite(Invite {
                signing: id!(InviteKey, 17),
                sealing: id!(SealingKey, 18),
                member: id!(MemberId, 13),
                role: Role::Guest,
                uses: 2,
                expires_ms: 1_800_000_000_000,
                reserved: vec!["B".parse().expect("a code")],
                keys: vec![key_epoch()],
            }),
        ),
        (
            "role",
            What::Role(RoleChange {
                member: id!(MemberId, 13),
                role: Role::Admin,
                cuts: vec![cut()],
            }),
        ),
        (
            "revoke",
            What::Revoke(Revocation {
                feeds: vec![cut().feed],
                cuts: vec![cut()],
            }),
        ),
        ("cut_moved", What::CutMoved(CutMoved { cut: cut() })),
        ("key_epoch", What::KeyEpoch(key_epoch())),
        (
            "invite_ended",
            What::InviteEnded(InviteEnded {
                invite: id!(InviteKey, 17),
            }),
        ),
        (
            "device_accepted",
            What::DeviceAccepted(AcceptedDevice {
                device: Device {
                    signing: cut().feed,
                    ..device(false)
                },
                cut: cut(),
                keys: vec![key_epoch()],
            }),
        ),
        (
            "unknown",
            What::Unknown {
                tag: 40,
                map: vec![0xa1, 0x00, 0x01],
            },
        ),
    ]
}

pub(crate) fn body(what: What) -> Body {
    Body {
        version: 1,
        workspace: id!(WorkspaceId, 6),
        previous: id!(RosterHash, 7),
        time_ms: 1_790_000_000_000,
        author: id!(SignerKey, 1),
        what,
        min_reader: 1,
    }
}

pub(crate) fn entry(what: What) -> Entry {
    Entry {
        body: body(what).encode().into(),
        signature: id!(Signature, 9),
    }
}

pub(crate) fn frames() -> Vec<Frame> {
    let blob = || Blob::from(&b"bytes"[..]);
    vec![
        Frame::Hello(Hello {
            versions: vec![1],
            workspace: id!(WorkspaceId, 6),
            key: id!(SignerKey, 1),
            nonce: id!(Nonce, 20),
        }),
        Frame::Challenge(Challenge {
            version: 1,
            relay: id!(RelayKey, 3),
            nonce: id!(Nonce, 21),
            signature: id!(Signature, 9),
            known: true,
        }),
        Frame::Prove(Prove {
            signature: id!(Signature, 9),
            roster_head: RosterHash::ZERO,
            cursor: Some(cursor()),
            entries: Some(vec![blob()]),
            more: true,
        }),
        Frame::Prove(Prove {
            signature: id!(Signature, 9),
            roster_head: id!(RosterHash, 7),
            cursor: None,
            entries: None,
            more: false,
        }),
        Frame::Welcome(Welcome {
            entries: vec![blob()],
            epoch: id!(LogEpoch, 4),
            sequence: 70_001,
            continues: false,
            own: Some(cut()),
            now_ms: 1_790_000_000_001,
            log_start: None,
        }),
        Frame::Welcome(Welcome {
            entries: vec![],
            epoch: id!(LogEpoch, 4),
            sequence: 70_001,
            continues: true,
            own: None,
            now_ms: 1_790_000_000_001,
            log_start: Some(LogStart {
                sequence: 60_000,
                running: id!(LogHash, 5),
            }),
        }),
        Frame::Push(Push {
            envelopes: vec![blob(), blob()],
        }),
        Frame::Stored(Stored {
            cut: cut(),
            held: false,
        }),
        Frame::Stored(Stored {
            cut: cut(),
            held: true,
        }),
        Frame::Log(Log {
            first: 7,
            items: vec![
                LogItem::Envelope {
                    received_ms: 1_790_000_000_000,
                    envelope: blob(),
                },
                LogItem::Own {
                    received_ms: 1_790_000_000_002,
                    hash: id!(EnvelopeHash, 2),
                    sequence: 5,
                },
            ],
        }),
        Frame::RosterAppend(RosterAppend {
            expected_head: id!(RosterHash, 7),
            entries: vec![blob()],
        }),
        Frame::RosterGrew(RosterGrew {
            entries: vec![blob()],
            head: id!(RosterHash, 8),
        }),
        Frame::RosterMoved(RosterMoved {
            entries: vec![],
            head: id!(RosterHash, 8),
        }),
        Frame::Refused(Refused {
            code: Refusal::Fork,
            text: "another envelope stands there".into(),
            cut: Some(cut()),
        }),
        Frame::Refused(Refused {
            code: Refusal::Other(99),
            text: String::new(),
            cut: None,
        }),
        Frame::Heads(Heads {
            heads: vec![cut()],
            purpose: None,
            position: None,
            more: false,
        }),
        Frame::Heads(Heads {
            heads: vec![cut()],
            purpose: None,
            position: None,
            more: true,
        }),
        Frame::Heads(Heads {
            heads: Vec::new(),
            purpose: None,
            position: Some(LogPlace {
                sequence: 9,
                running: id!(LogHash, 11),
            }),
            more: false,
        }),
        Frame::Heads(Heads::of(HeadsPurpose::Carried, vec![cut()])),
        Frame::Heads(Heads {
            heads: vec![cut()],
            purpose: Some(HeadsPurpose::Revocation),
            position: None,
            more: false,
        }),
        Frame::Want(Want {
            feed: id!(FeedId, 1),
            from: 4,
            to: 9,
        }),
        Frame::Carry(Carry {
            envelopes: vec![blob()],
        }),
        Frame::Bye(Bye {
            text: "done".into(),
        }),
        Frame::RosterMore(RosterMore {
            entries: vec![blob()],
            more: false,
        }),
        Frame::Held(Held {
            feed: id!(FeedId, 1),
            envelopes: vec![blob()],
        }),
    ]
}
