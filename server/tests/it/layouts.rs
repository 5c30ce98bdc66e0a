//! Data directories as every version of the relay has laid them out, kept as bytes.
//!
//! `fixtures/layout-N.redb.z` is the database file of layout N, deflated. It is written by [`generate`] of the version
//! that made the layout: `HANDSCHLAG_WRITE_FIXTURES=1 cargo test -p handschlag-relay --test it layouts`, once, when the
//! number of the layout grows; files of older layouts are never written again.

use std::{fs, path::Path};

use handschlag_relay::{
    log::{ChangeLog, LAYOUT, RedbLog, RosterPiece, Write},
    upkeep::{status, verify_data},
};
use protocol::{Blob, Cut, Envelope, LogEpoch, Revocation, What};
use sync::{Run, Verified};

use crate::workspace::{Device, workspace};

/// The files by the number of their layout.
const FILES: [(u32, &[u8]); 2] = [
    (1, include_bytes!("../fixtures/layout-1.redb.z")),
    (2, include_bytes!("../fixtures/layout-2.redb.z")),
];

/// The most bytes of a database file in the fixtures, inflated.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// The seed of the relay's key in every fixture.
pub(crate) const SEED: [u8; 32] = [9; 32];

/// Lays out the database file of a layout in a folder.
fn lay_out(file: &[u8], folder: &Path) {
    let bytes = miniz_oxide::inflate::decompress_to_vec_with_limit(file, MAX_BYTES);
    fs::write(folder.join("relay.redb"), bytes.expect("inflates")).expect("writes");
}

/// Makes one workspace of three devices that have written 12, 8 and 5 envelopes, the last of which is revoked.
pub(crate) fn devices() -> Vec<Device> {
    let mut devices = workspace(71, 3);
    for (device, envelopes) in devices.iter_mut().zip([12, 8, 5]) {
        for number in 0..envelopes {
            device.write(60 + number * 20);
        }
    }
    let (sequence, hash) = devices[2].head();
    let feed = devices[2].keys.feed();
    let what = What::Revoke(Revocation {
        feeds: vec![feed],
        cuts: vec![Cut {
            feed,
            sequence,
            hash,
        }],
    });
    let founder = devices[0].keys.signing.clone();
    let entry = devices[0].roster.sign(&founder, what, 3).expect("may");
    for device in &mut devices {
        device.roster.append(&entry).expect("follows");
    }
    devices
}

/// Makes the same, and lets the revoked device write two more, which are held.
pub(crate) fn devices_with_held() -> Vec<Device> {
    let mut devices = devices();
    for bytes in [80, 90] {
        devices[2].write(bytes);
    }
    devices
}

/// A run of some envelopes of a device, as a verified push brings it.
pub(crate) fn run(device: &Device, from: usize, to: usize) -> Run {
    let envelopes = device.feed[from..to].iter().map(|(hash, bytes)| {
        let header = Envelope::decode(bytes).expect("decodes").header;
        Verified {
            sequence: header.sequence,
            previous: header.previous,
            hash: *hash,
            bytes: Blob::from(bytes.as_slice()),
        }
    });
    Run {
        feed: device.keys.feed(),
        envelopes: envelopes.collect(),
    }
}

/// Writes the workspace of [`devices_with_held`] as this version lays it out.
pub(crate) fn generate(folder: &Path) {
    let devices = devices_with_held();
    let cut = cut_of_the_revoked();
    let log = RedbLog::open(folder).expect("opens");
    log.seed(SEED).expect("keeps the seed");
    let roster = &devices[0].roster;
    let pieces = roster.entries().iter().map(|bytes| RosterPiece {
        hash: protocol::Entry::decode(bytes).expect("decodes").hash(),
        bytes: bytes.clone(),
    });
    let create = Write::Create {
        workspace: roster.workspace(),
        epoch: LogEpoch::from_bytes([8; 16]),
        roster: pieces.collect(),
        quota: 1,
    };
    log.commit(vec![create]).expect("commits");
    for (received_ms, device, from, to, cut) in [
        (1_700_000_000_000, 0, 0, 7, None),
        (1_700_000_001_000, 1, 0, 8, None),
        (1_700_000_002_000, 2, 0, 5, None),
        (1_700_000_003_000, 0, 7, 12, None),
        (1_700_000_004_000, 2, 5, 7, Some(cut)),
    ] {
        let append = Write::Append {
            workspace: roster.workspace(),
            received_ms,
            run: run(&devices[device], from, to),
            cut,
        };
        log.commit(vec![append]).expect("commits");
    }
}

fn cut_of_the_revoked() -> Cut {
    let device = devices().remove(2);
    let (sequence, hash) = device.head();
    Cut {
        feed: device.keys.feed(),
        sequence,
        hash,
    }
}

/// What a log says of the workspace of the fixtures.
fn contents(log: &RedbLog) -> (usize, Vec<u64>, Option<u64>) {
    let workspace = devices()[0].roster.workspace();
    let stored = log.workspace(&workspace).expect("reads").expect("is there");
    let feed = cut_of_the_revoked().feed;
    let end = log.feed_end(&workspace, &feed).expect("reads");
    let all = log.read(&workspace, 0, usize::MAX, usize::MAX);
    (
        all.expect("reads").len(),
        stored.held.iter().map(|cut| cut.sequence).collect(),
        end.map(|end| end.sequence),
    )
}

#[test]
fn every_layout_opens_and_holds_what_is_pushed_behind_a_cut() {
    let folder = tempfile::tempdir().expect("makes a folder");
    lay_out(FILES[0].1, folder.path());
    let log = RedbLog::open(folder.path()).expect("opens");
    assert_eq!(contents(&log), (25, vec![], Some(5)));
    let held = Write::Append {
        workspace: devices()[0].roster.workspace(),
        received_ms: 1,
        run: run(&devices_with_held()[2], 5, 7),
        cut: Some(cut_of_the_revoked()),
    };
    log.commit(vec![held]).expect("commits");
    let expected = (25, vec![7], Some(7));
    assert_eq!(contents(&log), expected);
    drop(log);
    let again = RedbLog::open(folder.path()).expect("opens again");
    assert_eq!(contents(&again), expected);

    let folder = tempfile::tempdir().expect("makes a folder");
    lay_out(FILES[1].1, folder.path());
    let log = RedbLog::open(folder.path()).expect("opens");
    assert_eq!(contents(&log), expected);
}

#[test]
fn the_newest_layout_has_a_fixture() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(format!("tests/fixtures/layout-{LAYOUT}.redb.z"));
    if std::env::var_os("HANDSCHLAG_WRITE_FIXTURES").is_some() {
        let folder = tempfile::tempdir().expect("makes a folder");
        generate(folder.path());
        let bytes = fs::read(folder.path().join("relay.redb")).expect("reads");
        let deflated = miniz_oxide::deflate::compress_to_vec(&bytes, 9);
        fs::create_dir_all(path.parent().expect("is in a folder")).expect("makes");
        fs::write(&path, deflated).expect("writes");
    }
    assert!(path.is_file(), "write it once, see the head of this file");
    assert_eq!(FILES.last().map(|(number, _)| *number), Some(LAYOUT));
}

#[test]
fn every_layout_opens_verifies_and_becomes_the_newest() {
    let devices = devices_with_held();
    for (number, file) in FILES {
        let folder = tempfile::tempdir().expect("makes a folder");
        lay_out(file, folder.path());
        let mut findings = Vec::new();
        let verified = verify_data(folder.path(), &mut |finding| findings.push(finding));
        assert!(findings.is_empty(), "{number}: {findings:?}");
        let workspaces = verified.expect("opens").workspaces;
        let workspace = &workspaces[0];
        assert_eq!(workspace.workspace, devices[0].roster.workspace());
        assert_eq!((workspace.devices, workspace.envelopes), (2, 25));
        for (device, sequence) in devices.iter().zip([12, 8, 5]) {
            let end = workspace.feeds[&device.keys.feed()];
            let (hash, _) = device.feed[sequence - 1];
            assert_eq!((end.sequence, end.hash), (sequence as u64, hash));
        }
        // Nothing was held apart before layout 2.
        let held = if number < 2 { 0 } else { 2 };
        assert_eq!(workspace.held_envelopes, held, "{number}");
        let log = RedbLog::open(folder.path()).expect("opens");
        assert_eq!(log.seed([1; 32]).expect("reads"), SEED);
        drop(log);
        let status = status(folder.path()).expect("reads");
        assert_eq!(status.layout, LAYOUT);
    }
}
