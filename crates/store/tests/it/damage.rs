//! Damaged, foreign and newer stores: an error, and not a byte changed; never an empty store.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use store::{Backend, FaultBackend, OpenError, Options, Reading, Store};

use crate::support::{Content, Numbers, commit, content, random_transaction};

/// The bytes of redb's header, which names the commit that counts.
const HEADER_BYTES: usize = 320;

fn filled(backend: Backend) -> Store {
    let store = Store::open(backend).expect("the store opens");
    let mut numbers = Numbers(3);
    for number in 1..=20 {
        commit(&store, |w| random_transaction(w, number, &mut numbers));
    }
    store
}

/// Returns the bytes of a store that was closed, and its content.
fn closed_image() -> (Vec<u8>, Content) {
    let disk = FaultBackend::new();
    let store = filled(Backend::fault(&disk));
    let content = content(&store);
    drop(store);
    (disk.image(), content)
}

/// Opens bytes that were tampered with: there is an error and they stay, or everything is there.
fn check_image(image: Vec<u8>, options: Options, allowed: &[&Content], what: &str) -> bool {
    let disk = FaultBackend::from_image(image.clone());
    match Store::open_with(Backend::fault(&disk), options) {
        Ok(store) => {
            let found = content(&store);
            assert!(
                allowed.contains(&&found),
                "{what}: opened with transaction {}",
                found.transaction
            );
            false
        }
        Err(error) => {
            assert!(!matches!(error, OpenError::Io { .. }), "{what}: {error}");
            assert!(
                disk.image() == image,
                "{what}: refused, but its bytes changed"
            );
            true
        }
    }
}

/// Opens a file that must be refused, and returns why.
fn refused(path: &Path) -> OpenError {
    let before = std::fs::read(path).expect("the file");
    let error = Store::open(Backend::file(path)).expect_err("it must be refused");
    assert!(
        std::fs::read(path).expect("the file") == before,
        "its bytes changed: {error}"
    );
    error
}

#[test]
fn a_truncated_file_is_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("store");
    drop(filled(Backend::file(&path)));
    let whole = std::fs::read(&path).expect("the file");
    let lens = [
        0,
        1,
        5,
        9,
        10,
        64,
        100,
        319,
        320,
        4095,
        4096,
        8192,
        whole.len() / 2,
    ];
    for len in lens
        .into_iter()
        .chain([whole.len() - 4096, whole.len() - 1])
    {
        std::fs::write(&path, &whole[..len]).expect("written");
        let error = refused(&path);
        assert!(
            matches!(error, OpenError::Damaged { .. }),
            "{len} bytes: {error}"
        );
    }
}

#[test]
fn a_zeroed_file_is_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("store");
    drop(filled(Backend::file(&path)));
    let whole = std::fs::read(&path).expect("the file");
    for len in [9, 64, 320, 4096, whole.len()] {
        let mut zeroed = whole.clone();
        zeroed[..len].fill(0);
        std::fs::write(&path, &zeroed).expect("written");
        let error = refused(&path);
        assert!(
            matches!(error, OpenError::Damaged { .. }),
            "{len} bytes: {error}"
        );
    }
}

#[test]
fn a_flipped_bit_in_the_header_of_a_closed_store_never_loses_anything() {
    let (image, whole) = closed_image();
    let mut refusals = 0;
    for bit in 0..HEADER_BYTES * 8 {
        let mut flipped = image.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let what = format!("bit {} of byte {}", bit % 8, bit / 8);
        refusals += usize::from(check_image(flipped, Options::default(), &[&whole], &what));
    }
    assert!(refusals > 1000, "{refusals} refusals");
}

#[test]
fn a_flipped_bit_in_the_header_of_a_crashed_store_loses_at_most_the_last_commit() {
    // After a crash a bit that names the older commit cannot be told from a crash before the last step of a commit.
    let disk = FaultBackend::new();
    let store = filled(Backend::fault(&disk));
    let before = content(&store);
    commit(&store, |w| w.set_counter("transaction", 99));
    let after = content(&store);
    let image = disk.restart(None).image();
    drop(store);
    for bit in 0..HEADER_BYTES * 8 {
        let mut flipped = image.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let what = format!("bit {} of byte {}", bit % 8, bit / 8);
        check_image(flipped, Options::default(), &[&before, &after], &what);
    }
}

#[test]
fn a_check_of_all_pages_finds_flipped_bits_in_them() {
    let (image, whole) = closed_image();
    let options = Options {
        check_pages: true,
        ..Options::default()
    };
    let seed = 11;
    println!("seed {seed}");
    let mut numbers = Numbers(seed);
    let mut refusals = 0;
    for _ in 0..150 {
        let mut flipped = image.clone();
        let byte = HEADER_BYTES + numbers.below((image.len() - HEADER_BYTES) as u64) as usize;
        flipped[byte] ^= 1 << numbers.below(8);
        refusals += usize::from(check_image(
            flipped,
            options,
            &[&whole],
            &format!("byte {byte}"),
        ));
    }
    assert!(refusals > 20, "{refusals} refusals");
}

#[test]
fn a_flipped_bit_in_the_pages_never_makes_an_empty_store() {
    let (image, whole) = closed_image();
    let seed = 12;
    println!("seed {seed}");
    let mut numbers = Numbers(seed);
    for _ in 0..150 {
        let mut flipped = image.clone();
        let byte = HEADER_BYTES + numbers.below((image.len() - HEADER_BYTES) as u64) as usize;
        flipped[byte] ^= 1 << numbers.below(8);
        let disk = FaultBackend::from_image(flipped);
        // Pages are trusted unless they are checked, so reading a damaged one may end in an error or a panic.
        let read = catch_unwind(AssertUnwindSafe(|| {
            let store = Store::open(Backend::fault(&disk)).ok()?;
            let read = store.read().ok()?;
            Content::of(&read).ok()
        }));
        if let Ok(Some(found)) = read {
            assert_ne!(found, Content::default(), "byte {byte}");
            assert!(
                found.transaction != 0 || whole.transaction == 0,
                "byte {byte}"
            );
        }
    }
}

#[test]
fn what_is_not_ours_is_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let text = dir.path().join("text");
    std::fs::write(&text, "name;phone\n".repeat(1000)).expect("written");
    assert!(matches!(refused(&text), OpenError::NotOurs { .. }));

    let other = dir.path().join("other");
    let table: redb::TableDefinition<'_, &str, &str> = redb::TableDefinition::new("theirs");
    let database = redb::Database::create(&other).expect("a database");
    let write = database.begin_write().expect("a write");
    drop(write.open_table(table).expect("a table"));
    write.commit().expect("a commit");
    drop(database);
    let error = refused(&other);
    assert!(matches!(error, OpenError::NotOurs { .. }), "{error}");
    assert!(error.to_string().contains("another program"), "{error}");
}

#[test]
fn a_newer_version_is_refused_by_name() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("store");
    drop(filled(Backend::file(&path)));
    with_version(&path, 4, |_| ());
    let error = refused(&path);
    assert!(matches!(error, OpenError::Newer { found: 4 }), "{error}");
    assert_eq!(
        error.to_string(),
        "the store has format version 4, this program knows versions up to 3"
    );
}

/// Writes another version into a store's file, and whatever else made that version.
fn with_version(path: &Path, version: u8, change: impl FnOnce(&redb::WriteTransaction)) {
    let meta: redb::TableDefinition<'_, &str, &[u8]> = redb::TableDefinition::new("meta");
    let database = redb::Database::open(path).expect("a database");
    let write = database.begin_write().expect("a write");
    change(&write);
    let value = [b"handschlag\0\0\0".as_slice(), &[version]].concat();
    write
        .open_table(meta)
        .expect("meta")
        .insert("store/format", value.as_slice())
        .expect("written");
    write.commit().expect("a commit");
}

#[test]
fn a_store_of_version_1_is_moved_to_this_one() {
    let rows: redb::TableDefinition<'_, &[u8; 16], &[u8]> = redb::TableDefinition::new("rows");
    let running: redb::TableDefinition<'_, &[u8; 8], &[u8; 32]> =
        redb::TableDefinition::new("running");
    let terms: redb::TableDefinition<'_, &[u8; 20], ()> = redb::TableDefinition::new("terms");
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("store");
    let store = filled(Backend::file(&path));
    commit(&store, |w| w.clear_rows());
    let before = content(&store);
    drop(store);
    with_version(&path, 1, |write| {
        write.delete_table(rows).expect("there were rows");
        write
            .delete_table(running)
            .expect("there were running hashes");
        write
            .open_table(terms)
            .expect("there are terms")
            .insert(&[1; 20], ())
            .expect("written");
        without_what_is_held(write);
    });
    for _ in 0..2 {
        let store = Store::open(Backend::file(&path)).expect("it opens, and opens again");
        assert_eq!(content(&store), before);
        let write = store.write().expect("a write");
        write.set_row(&[1; 16], b"row").expect("rows can be kept");
        write
            .set_running(1, &[1; 32])
            .expect("running hashes can be kept");
        drop(write);
    }
}

fn without_what_is_held(write: &redb::WriteTransaction) {
    let held: redb::TableDefinition<'_, &[u8; 40], &[u8]> = redb::TableDefinition::new("held");
    let branches: redb::TableDefinition<'_, &[u8; 8], &[u8]> =
        redb::TableDefinition::new("branches");
    assert!(write.delete_table(held).expect("a table"));
    assert!(write.delete_table(branches).expect("a table"));
}

#[test]
fn a_store_of_version_2_is_moved_to_this_one() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("store");
    let store = filled(Backend::file(&path));
    let before = content(&store);
    drop(store);
    with_version(&path, 2, without_what_is_held);
    let store = Store::open(Backend::file(&path)).expect("it opens");
    assert_eq!(content(&store), before);
    let read = store.read().expect("a read");
    assert_eq!(read.held().expect("a table"), []);
    assert_eq!(read.lost_branches().expect("a table"), []);
}

#[test]
fn a_leftover_of_an_interrupted_creation_is_no_obstacle() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("store");
    std::fs::write(dir.path().join("store.new"), "half of one").expect("written");
    drop(filled(Backend::file(&path)));
    assert!(path.exists());
    assert!(!dir.path().join("store.new").exists());
}

#[cfg(unix)]
#[test]
fn a_new_file_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("store");
    drop(Store::open(Backend::file(&path)).expect("the store opens"));
    let mode = path.metadata().expect("the file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
