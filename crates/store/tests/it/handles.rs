//! What every backend must do: stores, reads and writes as such.

use store::{
    Backend, MAX_NAME_BYTES, MAX_VALUE_BYTES, OpenError, Options, Reading, Store, StoreError,
};

use crate::support::{Content, Numbers, Place, commit, content, random_transaction};

const A: [u8; 16] = [1; 16];

#[test]
fn a_dropped_write_leaves_nothing() {
    for place in Place::all() {
        let store = place.open();
        commit(&store, |w| w.set_view(&A, b"a"));
        let write = store.write().expect("a write");
        write.set_view(&A, b"changed").expect("written");
        write.clear_views().expect("written");
        drop(write);
        assert_eq!(
            store.read().expect("a read").view(&A).expect("read"),
            Some(b"a".to_vec())
        );
    }
}

#[test]
fn a_snapshot_does_not_see_later_commits() {
    for place in Place::all() {
        let store = place.open();
        commit(&store, |w| w.set_view(&A, b"a"));
        let before = store.read().expect("a read");
        commit(&store, |w| w.set_view(&A, b"b"));
        assert_eq!(before.view(&A).expect("read"), Some(b"a".to_vec()));
        assert_eq!(
            store.read().expect("a read").view(&A).expect("read"),
            Some(b"b".to_vec())
        );
    }
}

#[test]
fn there_is_one_write_at_a_time() {
    for place in Place::all() {
        let store = place.open();
        let write = store.write().expect("a write");
        assert!(matches!(store.write(), Err(StoreError::Busy)));
        drop(write);
        assert!(store.write().is_ok());
    }
}

#[test]
fn a_store_is_open_once() {
    for place in Place::lasting() {
        let store = place.open();
        assert!(matches!(
            Store::open(place.backend()),
            Err(OpenError::Locked)
        ));
        let write = store.write().expect("a write");
        drop(store);
        assert!(
            matches!(Store::open(place.backend()), Err(OpenError::Locked)),
            "a write keeps it open"
        );
        drop(write);
        place.open();
    }
}

#[test]
fn a_store_that_must_exist_is_not_created() {
    let options = Options {
        must_exist: true,
        ..Options::default()
    };
    for place in Place::all() {
        assert!(matches!(
            Store::open_with(place.backend(), options),
            Err(OpenError::Absent)
        ));
        if let Place::File(dir) = &place {
            assert_eq!(dir.path().read_dir().expect("a directory").count(), 0);
        }
    }
    for place in Place::lasting() {
        drop(place.open());
        Store::open_with(place.backend(), options).expect("it exists now");
    }
}

#[test]
fn what_is_too_large_or_reserved_is_refused() {
    for place in Place::all() {
        let store = place.open();
        let write = store.write().expect("a write");
        let large = vec![0; MAX_VALUE_BYTES + 1];
        assert!(matches!(
            write.set_view(&A, &large),
            Err(StoreError::ValueTooLarge { table: "views", .. })
        ));
        assert!(matches!(
            write.append_chunk(&A, &large),
            Err(StoreError::ValueTooLarge { table: "docs", .. })
        ));
        let long = "n".repeat(MAX_NAME_BYTES + 1);
        assert!(matches!(
            write.set_local(&long, b""),
            Err(StoreError::Name { table: "local", .. })
        ));
        assert!(matches!(
            write.set_meta("store/format", b""),
            Err(StoreError::Name { table: "meta", .. })
        ));
        assert!(write.clear_meta("store/format").is_err());
        write.commit().expect("a refusal harms nothing");
    }
}

#[test]
fn a_backend_of_another_kind_is_opened_once() {
    let mut store = Store::open(Backend::memory()).expect("the store opens");
    commit(&store, |w| w.set_view(&A, b"a"));
    assert!(matches!(store.reopen(), Err(OpenError::OpenedOnce)));
    assert_eq!(
        store
            .read()
            .expect("still open")
            .view_count()
            .expect("read"),
        1
    );
}

#[test]
fn all_backends_hold_the_same_after_random_transactions() {
    let seed = 20_261;
    println!("seed {seed}");
    let mut contents = Vec::<Content>::new();
    for place in Place::all() {
        let mut store = place.open();
        let mut numbers = Numbers(seed);
        for number in 1..=40 {
            let write = store.write().expect("a write");
            random_transaction(&write, number, &mut numbers).expect("written");
            if number % 5 == 0 {
                drop(write);
            } else {
                write.commit().expect("a commit");
            }
            if number % 7 == 0 && !matches!(place, Place::Memory) {
                store.reopen().expect("it opens again");
            }
        }
        contents.push(content(&store));
    }
    assert_eq!(contents[0], contents[1]);
    assert_eq!(contents[0], contents[2]);
}
