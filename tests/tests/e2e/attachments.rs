//! A photo from one machine to another, through a relay that must not see it.

use std::fs;
use std::path::Path;

use handschlag_tests::harness::{Dice, Secrets};
use serde_json::{Value, json};

use crate::surroundings::{company, has_way_out, synced, text};

const NAME: &str = "Visitenkarte Überwasser.png";
const COMMENT: &str = "taken at the stand of Nordwind";

fn crc(bytes: &[u8]) -> u32 {
    let step = |sum: u32| sum >> 1 ^ if sum & 1 == 1 { 0xedb8_8320 } else { 0 };
    let each = |sum: u32, byte: &u8| (0..8).fold(sum ^ u32::from(*byte), |sum, _| step(sum));
    !bytes.iter().fold(!0, each)
}

fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let named = [kind.as_slice(), data].concat();
    let length = u32::try_from(data.len()).expect("a small chunk");
    [
        &length.to_be_bytes(),
        named.as_slice(),
        &crc(&named).to_be_bytes(),
    ]
    .concat()
}

/// Makes a picture of 32 by 32 grey points with a comment in clear.
fn picture() -> Vec<u8> {
    const SIDE: u8 = 32;
    let row = |y: u8| [0].into_iter().chain((0..SIDE).map(move |x| x ^ y));
    let points: Vec<u8> = (0..SIDE).flat_map(row).collect();
    let length = u16::try_from(points.len()).expect("a small picture");
    let (one, two) = points.iter().fold((1, 0), |(one, two), byte| {
        let one = (one + u32::from(*byte)) % 65_521;
        (one, (two + one) % 65_521)
    });
    let stored = [
        &[0x78, 0x01, 0x01],
        &length.to_le_bytes()[..],
        &(!length).to_le_bytes(),
        &points,
        &(two << 16 | one).to_be_bytes(),
    ]
    .concat();
    let header = [0, 0, 0, SIDE, 0, 0, 0, SIDE, 8, 0, 0, 0, 0];
    [
        b"\x89PNG\r\n\x1a\n".to_vec(),
        chunk(b"IHDR", &header),
        chunk(b"tEXt", &[b"Comment\0", COMMENT.as_bytes()].concat()),
        chunk(b"IDAT", &stored),
        chunk(b"IEND", &[]),
    ]
    .concat()
}

fn files(record: &Value) -> Vec<&Value> {
    let fields = record["fields"].as_array().expect("a record has fields");
    fields
        .iter()
        .filter(|field| field["name"] == "file")
        .collect()
}

fn path(path: &Path) -> &str {
    path.to_str().expect("a path of the test is UTF-8")
}

#[test]
fn a_photo_reaches_the_other_machine_and_the_relay_sees_none_of_it() {
    let company = company();
    let (a, b) = (&company.owner, company.joins("Rep B", "b", "member"));
    let id = a.ok(&["capture", "--company", "Nordwind Pumpen GmbH"]);
    synced(a);
    synced(&b);
    let folder = company.folder.path();
    let photo = folder.join("IMG_1.png");
    let bytes = picture();
    fs::write(&photo, &bytes).expect("the file can be written");

    let attached = a.json(&["attach", &id, path(&photo), "--name", NAME]);
    assert_eq!(text(&attached, "id"), id);
    let before = a.json(&["status"]);
    assert_eq!(
        before["only_here"], 2,
        "the file, and what names it: {before}"
    );
    synced(a);
    synced(&b);
    let shown = b.json(&["show", &id]);
    let [file] = &files(&shown)[..] else {
        panic!("one file is expected: {shown}")
    };
    let value = json!({"name": NAME, "media_type": "image/png", "size": bytes.len()});
    assert_eq!(file["value"], json!({"type": "file", "value": value}));
    let key = text(file, "key");
    let hash = key.strip_prefix("file/").expect("a file goes by its hash");
    assert!(b.ok(&["show", &id]).contains(&hash[..8]));
    let found = b.json(&["search", "visitenkarte"]);
    assert_eq!(text(&found[0], "id"), id, "{found}");
    let history = b.ok(&["history", &id]);
    assert!(history.contains(&format!("attached {NAME}")), "{history}");

    let out = folder.join("out");
    fs::create_dir(&out).expect("the folder can be made");
    let save = ["save-file", &id, NAME, "--to", path(&out)];
    let saved = b.json(&save);
    let place = out.join(NAME);
    assert_eq!(
        saved,
        json!({"path": path(&place), "hash": hash, "name": NAME, "media_type": "image/png", "size": bytes.len()})
    );
    assert_eq!(fs::read(&place).expect("the file is there"), bytes);
    has_way_out(&b.refused(&save));
    b.ok(&[&save[..], &["--force"]].concat());

    // The same photo at another record travels no second time.
    let other = b.ok(&["capture", "--company", "Südwind GmbH"]);
    let sent = b.json(&["status"])["only_here"].as_u64();
    b.ok(&["attach", &other, path(&photo)]);
    let now = b.json(&["status"])["only_here"].as_u64();
    assert_eq!(now, sent.map(|sent| sent + 1));

    b.ok(&["detach", &id, &hash[..8]]);
    synced(&b);
    synced(a);
    assert!(files(&a.json(&["show", &id])).is_empty());
    has_way_out(&a.refused(&["save-file", &id, NAME]));
    assert_eq!(files(&a.json(&["show", &other])).len(), 1);

    let secrets = secrets();
    assert!(
        !secrets.found_below(a.home()).is_empty(),
        "it is found where it may stand"
    );
    assert_eq!(secrets.found_below(company.relay.data()), [""; 0]);
    no_piece_of(&bytes, company.relay.data());
    assert!(!company.relay.log().contains(NAME));
}

fn secrets() -> Secrets {
    let mut secrets = Secrets::default();
    for word in [NAME, COMMENT, "IMG_1.png", "image/png"] {
        secrets.add(word);
    }
    secrets
}

/// Checks that no piece of the picture stands in what the relay keeps, of a length that none has by chance.
fn no_piece_of(bytes: &[u8], data: &Path) {
    let pieces: Vec<&[u8]> = bytes.chunks_exact(16).collect();
    let mut kept = 0;
    for entry in fs::read_dir(data).expect("the relay keeps files") {
        let kept_file = entry.expect("the directory can be read").path();
        // A socket stands beside them.
        if !kept_file.is_file() {
            continue;
        }
        let content = fs::read(&kept_file).expect("the file can be read");
        kept += content.len();
        for window in content.windows(16) {
            assert!(
                !pieces.contains(&window),
                "a piece of the picture is in {kept_file:?}"
            );
        }
    }
    assert!(kept > bytes.len(), "the relay keeps what is sealed");
}

#[test]
fn what_is_no_file_for_a_record_is_refused() {
    let company = company();
    let owner = &company.owner;
    let id = owner.ok(&["capture", "--company", "Nordwind Pumpen GmbH"]);
    let large = company.folder.path().join("large.bin");
    fs::write(&large, vec![7; (1 << 20) + 1]).expect("the file can be written");
    let error = owner.refused(&["attach", &id, path(&large)]);
    assert!(text(&error, "reason").contains("1048577"), "{error}");
    has_way_out(&error);
    has_way_out(&owner.refused(&["attach", &id, "no-such-file"]));
    has_way_out(&owner.refused(&["detach", &id, "no-such-file"]));
    has_way_out(&owner.refused(&["save-file", &id, "no-such-file"]));
    // The largest that may be arrives whole, though nothing of it can be compressed.
    let mut dice = Dice::of(11);
    let bytes: Vec<u8> = (0..1 << 20).map(|_| dice.below(256) as u8).collect();
    fs::write(&large, &bytes).expect("the file can be written");
    owner.ok(&["attach", &id, path(&large)]);
    synced(owner);
    let other = company.joins("Rep B", "b", "member");
    synced(&other);
    let saved = company.folder.path().join("saved.bin");
    other.ok(&["save-file", &id, "large.bin", "--to", path(&saved)]);
    assert_eq!(fs::read(&saved).expect("the file is there"), bytes);
}
