//! Files: attached here, read there, and what goes wrong on the way.

use model::intent::Intent;
use model::{FileHash, IntentId, RecordId, Role, Value};
use protocol::Part;
use protocol::limits::MAX_FILE_BYTES;
use store::{EnvelopeKey, Reading};

use super::founded;
use super::world::{Person, Relay};
use crate::core::intents::append;
use crate::interface::*;

/// Bytes that do not compress.
fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 7_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..bytes).map(|_| next()).collect()
}

fn request(id: Option<IntentId>, record: RecordId, bytes: &[u8]) -> Request {
    Request::Attach {
        intent_id: id,
        batch: None,
        record,
        name: "card.png".into(),
        media_type: "image/png".into(),
        bytes: bytes.to_vec(),
    }
}

fn attach(person: &mut Person, record: RecordId, bytes: &[u8]) -> Outcome {
    match person.ask(request(None, record, bytes)) {
        Ok(Answer::Done(outcome)) => outcome,
        other => panic!("{other:?}"),
    }
}

fn read(person: &mut Person, hash: FileHash) -> Result<Vec<u8>, Failure> {
    match person.ask(Request::File { hash })? {
        Answer::File(file) => {
            assert_eq!(file.hash, hash);
            Ok(file.bytes)
        }
        other => panic!("{other:?}"),
    }
}

/// Gives the files that a record names.
fn files(person: &mut Person, record: RecordId) -> Vec<(FileHash, String, i64)> {
    let fields = person.record(record).fields.into_iter();
    fields
        .filter(|field| field.name == "file")
        .map(|field| match field.value {
            Some(Value::File(file)) => {
                let hash = field.key.strip_prefix("file/").unwrap().parse().unwrap();
                (hash, file.name, file.size)
            }
            other => panic!("{other:?} is no file"),
        })
        .collect()
}

fn head(person: &Person) -> u64 {
    person.core.device.as_ref().unwrap().head.0
}

#[test]
fn a_file_arrives_where_the_record_is() {
    let mut relay = Relay::new();
    let [mut a, mut b] = relay.gather(Role::Member);
    let inquiry = a.capture("Mueller Praezision GmbH");
    relay.sync(&mut a);
    relay.sync(&mut b);
    // The largest that may be, and none of it can be compressed.
    let bytes = noise(MAX_FILE_BYTES);
    let before = head(&a);
    attach(&mut a, inquiry, &bytes);
    assert_eq!(head(&a), before + 2, "the file, and what names it");
    let [(hash, name, size)] = &files(&mut a, inquiry)[..] else {
        panic!("one file is expected")
    };
    assert_eq!((name.as_str(), *size), ("card.png", MAX_FILE_BYTES as i64));
    assert_eq!(read(&mut a, *hash).unwrap(), bytes);
    assert!(files(&mut b, inquiry).is_empty());
    assert_eq!(read(&mut b, *hash).unwrap_err().code, "file-not-here");
    let sent = relay.sync(&mut a);
    assert!(sent.complete && sent.sent == 2, "{sent:?}");
    let got = relay.sync(&mut b);
    assert!(got.complete && got.received == 2, "{got:?}");
    assert_eq!(files(&mut b, inquiry), files(&mut a, inquiry));
    assert_eq!(read(&mut b, *hash).unwrap(), bytes);
    assert_eq!(b.status().waiting, []);
    assert_eq!(b.status().quarantined, []);
    // Who has it already sends it no second time, to whatever record it is attached.
    let other = b.capture("Schulze GmbH");
    let before = head(&b);
    attach(&mut b, other, &bytes);
    assert_eq!(head(&b), before + 1);
}

#[test]
fn repeating_an_attachment_gives_the_first_answer() {
    let mut person = founded();
    let inquiry = person.capture("Mueller Praezision GmbH");
    let id = Some(IntentId::fresh(1, [3; 10]));
    let first = person.ask(request(id, inquiry, b"photo")).unwrap();
    let stands = head(&person);
    person.restart();
    // The id alone tells that it was done; nothing else is sent in its name.
    for bytes in [&b"photo"[..], b"another"] {
        assert_eq!(person.ask(request(id, inquiry, bytes)), Ok(first.clone()));
        assert_eq!(head(&person), stands);
    }
    let again = person.ask(request(None, inquiry, b"photo")).unwrap_err();
    assert_eq!(again.code, "attached-already");
}

#[test]
fn a_crash_leaves_the_file_with_what_names_it_or_neither() {
    let id = Some(IntentId::fresh(1, [4; 10]));
    let hash = FileHash::from_bytes(*protocol::FileHash::of(b"photo").as_bytes());
    let (mut crashes, mut is_done) = (0, false);
    while !is_done {
        let mut person = founded();
        let inquiry = person.capture("Mueller Praezision GmbH");
        let stands = head(&person);
        person.disk.die_at(person.disk.operations() + crashes);
        is_done = person.ask(request(id, inquiry, b"photo")).is_ok();
        person.restart();
        let (there, files_there) = (head(&person) - stands, files(&mut person, inquiry).len());
        let is_here = read(&mut person, hash).is_ok();
        let whole = (there, files_there, is_here);
        let is_whole = matches!(whole, (0, 0, false) | (2, 1, true));
        assert!(is_whole && (!is_done || is_here), "{crashes}: {whole:?}");
        // Repeating goes on with whatever is missing.
        person.ask(request(id, inquiry, b"photo")).unwrap();
        assert_eq!(head(&person), stands + 2);
        assert_eq!(files(&mut person, inquiry).len(), 1);
        assert_eq!(read(&mut person, hash).unwrap(), b"photo");
        crashes += 1;
    }
    assert!(crashes > 2, "the disk was asked for little: {crashes}");
}

#[test]
fn what_is_refused_leaves_no_file_behind() {
    let mut person = founded();
    let inquiry = person.capture("Mueller Praezision GmbH");
    let unknown = RecordId::from_bytes([1; 16]);
    let large = noise(MAX_FILE_BYTES + 1);
    let stands = head(&person);
    for (record, bytes, code) in [
        (unknown, &b"photo"[..], "no-such-record"),
        (inquiry, b"", "empty-file"),
        (inquiry, &large, "file-too-large"),
    ] {
        let refused = person.ask(request(None, record, bytes)).unwrap_err();
        assert_eq!(refused.code, code);
        assert!(refused.way_out.is_some(), "{refused:?}");
        assert_eq!(head(&person), stands);
        let hash = FileHash::from_bytes(*protocol::FileHash::of(bytes).as_bytes());
        assert!(read(&mut person, hash).is_err());
    }
    // The feed goes on from where it stood.
    attach(&mut person, inquiry, b"photo");
    person.restart();
    assert_eq!(head(&person), stands + 2);
    // An intent alone may name only what is here.
    let named = |hash, size| Request::Do {
        intent_id: None,
        batch: None,
        intent: Intent::Attach {
            record: inquiry,
            hash,
            name: "other.png".into(),
            media_type: String::new(),
            size,
        },
    };
    let nowhere = FileHash::from_bytes([9; 32]);
    let refused = person.ask(named(nowhere, 5)).unwrap_err();
    assert_eq!(refused.code, "file-not-here");
    let (photo, ..) = files(&mut person, inquiry)[0];
    let refused = person.ask(named(photo, 6)).unwrap_err();
    assert_eq!(refused.code, "other-size");
    person.act(Intent::Detach {
        record: inquiry,
        hash: photo,
    });
    assert!(person.ask(named(photo, 5)).is_ok());
}

/// Seals what a device of another make might send.
fn send(person: &mut Person, part: Part) {
    let write = person.core.store.write().unwrap();
    let device = person.core.device.as_mut().unwrap();
    append(device, &write, &[part], None, &mut |bytes| bytes.fill(5)).unwrap();
    write.commit().unwrap();
}

#[test]
fn a_file_under_a_wrong_hash_is_set_aside_and_what_names_it_arrives() {
    let mut relay = Relay::new();
    let [mut a, mut b] = relay.gather(Role::Member);
    let inquiry = a.capture("Mueller Praezision GmbH");
    let hash = FileHash::from_bytes([8; 32]);
    send(
        &mut a,
        Part::File {
            hash: protocol::FileHash::from_bytes([8; 32]),
            bytes: b"something else".to_vec().into(),
        },
    );
    // A record that names a file which never comes, as a changed client may write it.
    a.core
        .carry_one(
            IntentId::fresh(1, [5; 10]),
            None,
            &Intent::Attach {
                record: inquiry,
                hash,
                name: "never.png".into(),
                media_type: String::new(),
                size: 14,
            },
        )
        .unwrap();
    a.act(Intent::AppendNote {
        record: inquiry,
        text: "comes after it".into(),
    });
    assert!(relay.sync(&mut a).complete);
    assert!(relay.sync(&mut b).complete);
    let status = b.status();
    assert_eq!(status.quarantined.len(), 1, "{status:?}");
    assert!(status.quarantined[0].reason.contains("hash"), "{status:?}");
    assert_eq!(status.waiting, []);
    assert_eq!(files(&mut b, inquiry)[0].1, "never.png");
    assert_eq!(b.record(inquiry).note, "comes after it");
    let missing = read(&mut b, hash).unwrap_err();
    assert_eq!(missing.code, "file-not-here");
    assert!(missing.way_out.is_some());
    let read = b.core.store.read().unwrap();
    assert!(!read.file_exists(&[8; 32]).unwrap());
    let feed = a.core.device.as_ref().unwrap().keys.feed();
    let key = EnvelopeKey {
        feed: *feed.as_bytes(),
        sequence: head(&a) - 2,
    };
    assert!(
        read.envelope(&key.feed, key.sequence).unwrap().is_some(),
        "it is kept"
    );
}
