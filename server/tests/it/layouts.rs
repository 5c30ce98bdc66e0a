//! Data directories as every version of the relay has laid them out, kept as bytes.
//!
//! `fixtures/layout-N.redb.z` is the database file of layout N, deflated. It is written by [`generate`] of the version
//! that made the layout: `HANDSCHLAG_WRITE_FIXTURES=1 cargo test -p handschlag-relay --test it layouts`, once, when the
//! number of the layout grows; files of older layouts are never written again.

use std::{fs, path::Path};

use handschlag_relay::log::{ChangeLog, LAYOUT, RedbLog, RosterPiece, Write};
use protocol::{Blob, Cut, Envelope, LogEpoch, Revocation, What};
use sync::{Run, Verified};

use crate::workspace::{Device, workspace};

const V1: &[u8] = include_bytes!("../fixtures/layout-1.redb.z");

/// The most bytes of a database file in the fixtures, inflated.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// The seed of the relay's key in every fixture.
pub(crate) const SEED: [u8; 32] = [9; 32];

/// Lays out the database file of layout 1 in a folder.
pub(crate) fn lay_out_v1(folder: &Path) {
    let bytes = miniz_oxide::inflate::decompress_to_vec_with_limit(V1, MAX_BYTES);
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

/// Writes the workspace of [`devices`] as this version lays it out.
pub(crate) fn generate(folder: &Path) {
    let devices = devices();
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
    for (received_ms, device, from, to) in [
        (1_700_000_000_000, 0, 0, 7),
        (1_700_000_001_000, 1, 0, 8),
        (1_700_000_002_000, 2, 0, 5),
        (1_700_000_003_000, 0, 7, 12),
    ] {
        let append = Write::Append {
            workspace: roster.workspace(),
            received_ms,
            run: run(&devices[device], from, to),
        };
        log.commit(vec![append]).expect("commits");
    }
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
}
