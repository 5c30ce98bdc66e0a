//! What every backend must do.

use store::{Backend, FaultBackend, Reading, Store};

#[test]
fn smoke() {
    let disk = FaultBackend::new();
    let dir = tempfile::tempdir().expect("a directory");
    for make in [&|| Backend::fault(&disk) as Backend, &|| {
        Backend::file(dir.path().join("x"))
    }] as [&dyn Fn() -> Backend; 2]
    {
        let store = Store::open(make()).unwrap();
        let write = store.write().unwrap();
        write.set_view(&[1; 16], b"x").unwrap();
        write.commit().unwrap();
        assert_eq!(store.read().unwrap().view_count().unwrap(), 1);
        drop(store);
        let store = Store::open(make()).unwrap();
        assert_eq!(store.read().unwrap().view_count().unwrap(), 1);
    }
    println!("image {}", disk.image().len());
}
