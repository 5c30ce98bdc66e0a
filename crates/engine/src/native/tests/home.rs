//! What lies in a home, and for whom.

use std::fs;
use std::path::Path;

use crate::headless::Surroundings as _;
use crate::native::home::Home;
use crate::native::{NativeSurroundings, default_home};

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path)
        .expect("it is there")
        .permissions()
        .mode()
        & 0o777
}

#[cfg(unix)]
#[test]
fn everything_in_a_new_home_is_its_owners() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("deep").join("home");
    let probe = super::Probe::default();
    let connection = super::open(&path, &probe);
    let home = connection.home();
    home.write_keys(b"keys").expect("keys are kept");
    fs::write(home.store_path(), "store").expect("a store");
    home.guard_store().expect("the store is guarded");

    assert_eq!(mode(home.path()), 0o700);
    for path in [
        home.keys_path(),
        home.socket_path(),
        home.lock_path(),
        home.store_path(),
    ] {
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

#[test]
fn keys_are_kept_whole_and_replaced() {
    let directory = tempfile::tempdir().expect("a directory");
    let home = Home::at(directory.path()).expect("a home");
    let mut surroundings = NativeSurroundings::new(&home);
    assert_eq!(surroundings.keys(), Ok(None));
    surroundings.keep_keys(b"first").expect("keys are kept");
    // What a crash in the middle of writing leaves is not taken for the keys, nor in the way.
    fs::write(directory.path().join("device.keys.new"), "half").expect("a rest");
    assert_eq!(surroundings.keys(), Ok(Some(b"first".to_vec())));
    surroundings.keep_keys(b"second").expect("keys are kept");
    assert_eq!(surroundings.keys(), Ok(Some(b"second".to_vec())));
    let names = fs::read_dir(directory.path()).expect("a directory");
    assert_eq!(names.count(), 1);
}

#[test]
fn a_home_that_cannot_be_made_says_so() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("file");
    fs::write(&file, "").expect("a file");
    let probe = super::Probe::default();
    let opened = super::open_with(&file.join("home"), &probe, Default::default());
    let failure = opened.expect_err("a file holds no home");
    assert_eq!(failure.code, "home-unusable");
    assert!(failure.reason.contains("file"), "{failure:?}");
}

#[test]
fn surroundings_tell_of_the_system() {
    let directory = tempfile::tempdir().expect("a directory");
    let home = Home::at(directory.path()).expect("a home");
    let mut surroundings = NativeSurroundings::new(&home);
    let year_2020_ms = 1_577_836_800_000;
    assert!(surroundings.now_ms() > year_2020_ms);
    jiff::tz::TimeZone::get(&surroundings.zone()).expect("the zone is known");
    let (mut one, mut two) = ([0; 32], [0; 32]);
    surroundings.fill_random(&mut one);
    surroundings.fill_random(&mut two);
    assert_ne!(one, two);
    assert_eq!(surroundings.store_bytes(), None);
    fs::write(home.store_path(), "12345").expect("a store");
    assert_eq!(surroundings.store_bytes(), Some(5));
    assert_eq!(Path::new(&surroundings.place()), home.path());
}

#[test]
fn the_default_home_is_named_after_the_program() {
    if let Ok(home) = default_home() {
        assert!(home.is_absolute());
        let name = home.file_name().expect("it has a name");
        assert!(name.eq_ignore_ascii_case("handschlag"), "{name:?}");
    }
}
