//! Directories and backups of a relay that does not run.

use std::fs;

use handschlag_relay::{
    log::{ChangeLog, RedbLog},
    upkeep::{BackupError, Fault, RestoreError, backup, restore, status},
};

use super::{Kept, codes, data_findings, file_findings, frames::*};
use crate::layouts::{SEED, devices, devices_with_held};

#[test]
fn a_backup_holds_all_and_restores_with_new_epochs() {
    let kept = Kept::new();
    let before = status(&kept.data()).expect("reads");
    let (verified, findings) = file_findings(&kept.file());
    assert!(findings.is_empty(), "{findings:?}");
    assert_eq!(verified.workspaces[0].envelopes, 25);
    let revoked = &devices_with_held()[2];
    let bytes: usize = revoked.feed[5..].iter().map(|(_, bytes)| bytes.len()).sum();
    let [held] = &before.workspaces[0].held[..] else {
        panic!("one feed is held: {before:?}");
    };
    assert_eq!((held.feed, held.envelopes), (revoked.keys.feed(), 2));
    assert_eq!(held.bytes, bytes as u64);
    assert!(!kept.other("relay.backup.part").exists());

    // The name of a directory that does not exist, and one that is there and empty.
    fs::create_dir(kept.other("empty")).expect("makes");
    let mut epochs = vec![before.workspaces[0].epoch];
    for name in ["new", "empty"] {
        let restored = restore(&kept.file(), &kept.other(name)).expect("restores");
        assert_eq!(restored.relay, before.relay, "clients know it again");
        let after = status(&kept.other(name)).expect("reads");
        epochs.push(after.workspaces[0].epoch);
        assert_eq!(restored.workspaces[0].epoch, after.workspaces[0].epoch);
        assert_eq!(restored.workspaces[0].held_envelopes, 2);
        assert_eq!(after.workspaces[0].held, before.workspaces[0].held);
        let (_, findings) = data_findings(&kept.other(name));
        assert!(findings.is_empty(), "{findings:?}");

        let (old, new) = (
            RedbLog::open(&kept.data()),
            RedbLog::open(&kept.other(name)),
        );
        let (old, new) = (old.expect("opens"), new.expect("opens"));
        let id = before.workspaces[0].workspace;
        let read = |log: &RedbLog| log.read(&id, 0, usize::MAX, usize::MAX).expect("reads");
        assert_eq!(read(&old), read(&new), "order and times of receipt too");
        let roster = |log: &RedbLog| log.workspace(&id).expect("reads").expect("is there").roster;
        assert_eq!(roster(&old), roster(&new));
        assert_eq!(new.seed([1; 32]).expect("reads"), SEED);
    }
    epochs.dedup();
    assert_eq!(epochs.len(), 3, "each log begins a life of its own");
}

#[test]
fn a_backup_replaces_nothing_unless_told_and_leaves_no_part() {
    let kept = Kept::new();
    let before = kept.bytes();
    let again = backup(&kept.file(), &kept.data(), false);
    assert!(
        matches!(again, Err(BackupError::Exists { .. })),
        "{again:?}"
    );
    assert_eq!(kept.bytes(), before);

    // What a killed backup left is replaced, however long it is.
    fs::write(kept.other("relay.backup.part"), vec![1; 1 << 20]).expect("writes");
    let made = backup(&kept.file(), &kept.data(), true).expect("replaces");
    assert_eq!(made.bytes, kept.bytes().len() as u64);
    assert!(!kept.other("relay.backup.part").exists());
    assert!(file_findings(&kept.file()).1.is_empty());

    let nowhere = backup(&kept.other("no/such/file"), &kept.data(), false);
    assert!(
        matches!(nowhere, Err(BackupError::Write { .. })),
        "{nowhere:?}"
    );
    let nothing = backup(&kept.other("b"), &kept.other("nothing"), false).expect_err("has none");
    assert!(nothing.to_string().contains("--data"), "{nothing}");
    assert!(!kept.other("b").exists() && !kept.other("nothing").exists());
}

#[cfg(unix)]
#[test]
fn two_backups_do_not_meet_in_one_file_and_others_cannot_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let kept = Kept::new();
    let mode = |path| fs::metadata(path).expect("is there").permissions().mode() & 0o777;
    assert_eq!(mode(kept.file()), 0o600);
    let other = fs::File::create(kept.other("relay.backup.part")).expect("makes");
    other.lock().expect("locks");
    let busy = backup(&kept.file(), &kept.data(), true);
    assert!(matches!(busy, Err(BackupError::Busy { .. })), "{busy:?}");
}

#[test]
fn what_is_no_whole_backup_restores_nothing() {
    let kept = Kept::new();
    let whole = kept.bytes();
    let target = kept.other("restored");
    let path = kept.other("cut.backup");
    let mut cuts: Vec<usize> = (0..whole.len()).step_by(1000).collect();
    // And between frames, where nothing but the missing end tells.
    cuts.extend(take_apart(&whole).iter().map(|frame| frame.at));
    for cut in cuts {
        fs::write(&path, &whole[..cut]).expect("writes");
        let error = restore(&path, &target).expect_err("is cut");
        assert!(
            matches!(error, RestoreError::Damaged { .. }),
            "{cut}: {error}"
        );
        assert!(
            error.to_string().contains(&format!("byte {cut}")),
            "{cut}: {error}"
        );
        assert!(!target.exists(), "{cut}");
    }

    let mut foreign = whole.clone();
    foreign[0] = b'H';
    let mut newer = whole.clone();
    newer[NAME.len() - 2] = b'2';
    let mut frames = take_apart(&whole);
    frames[3].tag = 77;
    let newer_item = put_together(&frames);
    let left_over = [&whole[..], b"x"].concat();
    for (bytes, says) in [
        (&b"PK\x03\x04 and so on, for a while"[..], "not a backup"),
        (&foreign, "not a backup"),
        (&newer, "a newer handschlag-relay"),
        (&newer_item, "a newer handschlag-relay"),
        (&left_over, "bytes follow the end"),
    ] {
        fs::write(&path, bytes).expect("writes");
        let error = restore(&path, &target).expect_err("is no backup");
        assert!(error.to_string().contains(says), "{error}");
        assert!(!target.exists());
    }
    let error = restore(&kept.other("missing"), &target).expect_err("is missing");
    assert!(matches!(error, RestoreError::File { .. }), "{error}");
}

#[test]
fn a_restore_touches_no_directory_with_something_in_it() {
    let kept = Kept::new();
    let error = restore(&kept.file(), &kept.data()).expect_err("is full");
    assert!(matches!(error, RestoreError::NotEmpty { .. }), "{error}");
    assert!(data_findings(&kept.data()).1.is_empty());

    // What a killed restore left is no relay, and goes away.
    let data = kept.other("again");
    fs::create_dir(&data).expect("makes");
    fs::write(data.join("relay.redb.0a.part"), b"half").expect("writes");
    let missing = status(&data).expect_err("is no relay yet");
    assert!(missing.to_string().contains("does not exist"), "{missing}");
    restore(&kept.file(), &data).expect("restores");
    let names = fs::read_dir(&data).expect("reads");
    let names: Vec<_> = names
        .map(|entry| entry.expect("reads").file_name())
        .collect();
    assert_eq!(names, ["relay.redb"]);

    // An empty directory that was there stays when nothing comes of it.
    let empty = kept.other("empty");
    fs::create_dir(&empty).expect("makes");
    fs::write(kept.other("bad"), &kept.bytes()[..5000]).expect("writes");
    restore(&kept.other("bad"), &empty).expect_err("is cut");
    assert_eq!(fs::read_dir(&empty).expect("reads").count(), 0);
}

#[test]
fn what_does_not_follow_is_named() {
    let kept = Kept::new();
    let whole = take_apart(&kept.bytes());
    let envelopes: Vec<usize> = places(&whole, ENVELOPE);
    let entries: Vec<usize> = places(&whole, ROSTER_ENTRY);
    let held: Vec<usize> = places(&whole, HELD);
    let (third, last) = (envelopes[2], *envelopes.last().expect("some"));
    type Change<'c> = Box<dyn Fn(&mut Vec<Frame>) + 'c>;
    let changes: Vec<(&str, Change<'_>, &[&str])> = vec![
        (
            "an envelope is gone",
            Box::new(|frames| drop(frames.remove(third))),
            &["missing", "feed-sequence", "counts"],
        ),
        (
            "two changed places",
            Box::new(|frames| frames.swap(third, third + 1)),
            &["missing", "sequence", "feed-sequence", "running-hash"],
        ),
        (
            "the newest is gone",
            Box::new(|frames| drop(frames.remove(last))),
            &["log-length", "counts"],
        ),
        (
            "another time of receipt",
            Box::new(|frames| frames[third].body[15] ^= 1),
            &["running-hash", "received"],
        ),
        (
            "another running hash",
            Box::new(|frames| frames[third].body[20] ^= 1),
            &["running-hash"],
        ),
        (
            "another feed in the log",
            Box::new(|frames| frames[third].body[60] ^= 1),
            &["envelope-place", "feed-sequence"],
        ),
        (
            "another hash in the log",
            Box::new(|frames| frames[third].body[100] ^= 1),
            &["envelope-hash", "feed-chain"],
        ),
        (
            "a false signature or part",
            Box::new(|frames| {
                *frames[third].body.last_mut().expect("has bytes") ^= 1;
            }),
            &["envelope"],
        ),
        (
            "a roster entry is gone",
            Box::new(|frames| drop(frames.remove(entries[2]))),
            &["order", "roster-entry", "roster-length", "counts"],
        ),
        (
            "the revocation is gone, and so are its traces",
            Box::new(|frames| {
                drop(frames.remove(*entries.last().expect("some")));
                let workspace = frames.iter_mut().find(|frame| frame.tag == WORKSPACE);
                workspace.expect("is there").body[99] -= 1;
                let counts = frames.last_mut().expect("the end");
                counts.body[15] -= 1;
            }),
            &["roster-head"],
        ),
        (
            "the founding entry is gone",
            Box::new(|frames| drop(frames.remove(entries[0]))),
            &["roster-entry", "unjudged", "counts"],
        ),
        (
            "another epoch",
            Box::new(|frames| {
                let workspace = frames.iter_mut().find(|frame| frame.tag == WORKSPACE);
                workspace.expect("is there").body[40] ^= 1;
            }),
            &["running-hash"],
        ),
        (
            "a held envelope is gone",
            Box::new(|frames| drop(frames.remove(held[0]))),
            &["feed-sequence", "counts"],
        ),
        (
            "a false signature or part of a held envelope",
            Box::new(|frames| {
                *frames[held[1]].body.last_mut().expect("has bytes") ^= 1;
            }),
            &["envelope"],
        ),
        (
            "another hash of a held envelope",
            Box::new(|frames| frames[held[0]].body[50] ^= 1),
            &["envelope-hash", "feed-chain"],
        ),
        (
            "a workspace without its head",
            Box::new(|frames| {
                frames.retain(|frame| frame.tag != WORKSPACE);
            }),
            &["order", "counts"],
        ),
    ];
    for (name, change, expected) in changes {
        let mut frames = whole.clone();
        change(&mut frames);
        let (verified, findings) = kept.verify(&put_together(&frames));
        assert_eq!(verified.faults, findings.len() as u64);
        let found = codes(&findings);
        for code in expected {
            assert!(found.contains(code), "{name}: {found:?} lacks {code}");
        }
        for finding in findings {
            let has_place = finding.place.workspace.is_some();
            let code = finding.fault.code();
            assert!(
                has_place || ["order", "counts"].contains(&code),
                "{name}: {finding}"
            );
            assert!(
                expected.contains(&code) || name.contains("gone") || name.contains("places"),
                "{name}: {finding}"
            );
        }
    }
}

fn places(frames: &[Frame], tag: u8) -> Vec<usize> {
    let all = frames.iter().enumerate();
    all.filter(|(_, frame)| frame.tag == tag)
        .map(|(at, _)| at)
        .collect()
}

#[test]
fn an_envelope_behind_a_cut_that_came_later_is_sound() {
    let kept = Kept::new();
    let mut frames = take_apart(&kept.bytes());
    let mut devices = devices();
    let revoked = &mut devices[2];
    revoked.write(50);
    let (hash, bytes) = revoked.feed.last().expect("wrote").clone();
    // It came before the revocation did, as after a relay was restored; whoever reads it holds it.
    let end = frames.pop().expect("ends");
    assert_eq!(end.tag, END);
    frames.retain(|frame| frame.tag != HELD);
    let workspace = frames.iter().position(|frame| frame.tag == WORKSPACE);
    let workspace = workspace.expect("is there");
    let last = frames.last().expect("an envelope").body.clone();
    let running = protocol::LogHash::from_slice(&last[16..48]).expect("fits");
    let received_ms = u64::from_be_bytes(last[8..16].try_into().expect("fits"));
    let running = protocol::log_next(&running, 26, received_ms, &hash);
    let mut body = 26u64.to_be_bytes().to_vec();
    body.extend(received_ms.to_be_bytes());
    body.extend(running.as_bytes());
    body.extend(revoked.keys.feed().as_bytes());
    body.extend(6u64.to_be_bytes());
    body.extend(hash.as_bytes());
    body.extend(&bytes);
    frames.push(Frame {
        at: 0,
        tag: ENVELOPE,
        body,
    });
    frames[workspace].body[48..56].copy_from_slice(&26u64.to_be_bytes());
    frames[workspace].body[56..88].copy_from_slice(running.as_bytes());
    let mut end = end;
    end.body[16..24].copy_from_slice(&26u64.to_be_bytes());
    end.body[24..32].copy_from_slice(&0u64.to_be_bytes());
    frames.push(end);
    let (_, findings) = kept.verify(&put_together(&frames));
    assert!(codes(&findings).is_empty(), "{findings:?}");
    // With a false signature it is named where it lies.
    let envelope = frames.len() - 2;
    let body = &mut frames[envelope].body;
    *body.last_mut().expect("it has bytes") ^= 1;
    let (_, findings) = kept.verify(&put_together(&frames));
    let finding = findings.first().expect("it is found");
    assert_eq!(finding.place.sequence, Some(26));
    assert_eq!(finding.place.feed, Some(revoked.keys.feed()));
    assert_eq!(finding.place.feed_sequence, Some(6));
}

#[test]
fn every_code_is_in_the_manual() {
    let manual = include_str!("../../../../docs/relay.md");
    for code in Fault::CODES {
        assert!(manual.contains(&format!("`{code}`")), "{code}");
    }
}
