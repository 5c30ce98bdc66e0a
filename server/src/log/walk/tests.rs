//! Tables that were changed as only a damaged disk or a mistake would.

use redb::{ReadableTable, WriteTransaction};

use super::*;
use crate::{
    log::{OpenError, Trust, tables::FORMAT_NOW},
    upkeep::verify_data,
};

/// One workspace of three feeds, the last of which is held behind its cut.
const LAYOUT_2: &[u8] = include_bytes!("../../../tests/fixtures/layout-2.redb.z");

/// Changes the tables of a fixture as only a damaged disk or a mistake would, and opens it again.
fn tampered(
    tamper: impl FnOnce(&WriteTransaction) -> Result<(), LogError>,
) -> (tempfile::TempDir, Result<RedbLog, OpenError>) {
    let folder = tempfile::tempdir().expect("makes a folder");
    let bytes = miniz_oxide::inflate::decompress_to_vec(LAYOUT_2).expect("inflates");
    std::fs::write(folder.path().join("relay.redb"), bytes).expect("writes");
    let log = RedbLog::open(folder.path()).expect("opens");
    let transaction = log.database.begin_write().expect("begins");
    tamper(&transaction).expect("changes");
    transaction.commit().expect("commits");
    drop(log);
    let again = RedbLog::open_existing(folder.path(), Trust::Pages);
    (folder, again)
}

fn codes(tamper: impl FnOnce(&WriteTransaction) -> Result<(), LogError>) -> Vec<&'static str> {
    let (folder, log) = tampered(tamper);
    drop(log.expect("opens"));
    let mut codes = Vec::new();
    let mut report = |finding: crate::upkeep::Finding| codes.push(finding.fault.code());
    verify_data(folder.path(), &mut report).expect("verifies");
    codes.dedup();
    codes
}

/// Returns the first feed of the workspace, or the held one.
fn first_key(transaction: &WriteTransaction, is_held: bool) -> Result<[u8; 36], LogError> {
    let key = if is_held {
        let table = transaction.open_table(HELD_FEEDS)?;
        table.first()?.map(|(key, _)| *key.value())
    } else {
        let table = transaction.open_table(FEEDS)?;
        table.first()?.map(|(key, _)| *key.value())
    };
    Ok(key.expect("the fixture has one"))
}

#[test]
fn a_layout_of_the_future_is_refused_and_told() {
    let (_folder, again) = tampered(|transaction| {
        let newer = (FORMAT_NOW + 1).to_be_bytes();
        transaction
            .open_table(META)?
            .insert(FORMAT, newer.as_slice())?;
        Ok(())
    });
    let error = again.expect_err("is refused");
    assert!(matches!(error, OpenError::Newer { .. }), "{error}");
    assert!(error.to_string().contains("start a newer relay"), "{error}");
}

#[test]
fn indexes_that_lead_astray_are_named() {
    assert!(codes(|_| Ok(())).is_empty());
    let index = codes(|transaction| {
        let mut table = transaction.open_table(FEED_INDEX)?;
        table.insert(&index_key(0, 0, 3), &9u64.to_be_bytes())?;
        Ok(())
    });
    assert_eq!(index, ["index"]);
    let gone = codes(|transaction| {
        let mut table = transaction.open_table(FEED_INDEX)?;
        table.remove(&index_key(0, 0, 3))?;
        Ok(())
    });
    assert_eq!(gone, ["index", "orphans"]);
    let head = codes(|transaction| {
        let key = first_key(transaction, false)?;
        let mut table = transaction.open_table(FEEDS)?;
        let mut row = *table.get(&key)?.expect("is there").value();
        row[43] ^= 1;
        table.insert(&key, &row)?;
        Ok(())
    });
    assert_eq!(head, ["feed-head"]);
    let held = codes(|transaction| {
        let key = first_key(transaction, true)?;
        let mut table = transaction.open_table(HELD_FEEDS)?;
        let mut row = *table.get(&key)?.expect("is there").value();
        row[47] ^= 1;
        table.insert(&key, &row)?;
        Ok(())
    });
    assert_eq!(held, ["held-head"]);
}

#[test]
fn rows_that_say_nothing_or_belong_to_nothing_are_named() {
    let row = codes(|transaction| {
        let mut table = transaction.open_table(LOG)?;
        table.insert(&log_key(0, 4), [1, 2, 3].as_slice())?;
        Ok(())
    });
    assert!(row.starts_with(&["row"]), "{row:?}");
    let other = codes(|transaction| {
        let mut table = transaction.open_table(ROSTER)?;
        table.insert(&roster_key(7, 0), [1].as_slice())?;
        Ok(())
    });
    assert_eq!(other, ["orphans"]);
    let held = codes(|transaction| {
        let key = first_key(transaction, true)?;
        let feed = feed_of_key(&key);
        let mut table = transaction.open_table(HELD)?;
        table.insert(&held_key(0, &feed, 6), [1].as_slice())?;
        Ok(())
    });
    assert!(held.starts_with(&["row"]), "{held:?}");
}
