//! The shell with the engine that is used.

use crate::interface::{Answer, Query, Request};
use crate::native::open;

fn status() -> Request {
    Request::Query(Query::Status)
}

#[test]
fn a_workspace_is_founded_kept_and_shared() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("home");
    let founded = {
        let connection = open(&path).expect("an empty home opens");
        let founded = connection.call(Request::Found {
            workspace: "Mueller Praezision GmbH".to_owned(),
            user: "Sales".to_owned(),
        });
        match founded.expect("it is founded") {
            Answer::Founded(founded) => founded,
            other => panic!("it is not founded: {other:?}"),
        }
    };
    let owner = open(&path).expect("it opens again");
    let second = open(&path).expect("it is shared");
    assert!(owner.is_owner() && !second.is_owner());
    let (here, there) = (owner.call(status()), second.call(status()));
    assert_eq!(here, there);
    match here.expect("it has a status") {
        Answer::Status(status) => {
            assert_eq!(
                status.workspace.expect("there is one").workspace,
                founded.workspace
            );
            assert_eq!(status.home, path.display().to_string());
        }
        other => panic!("it has no status: {other:?}"),
    }
    #[cfg(unix)]
    for file in [owner.home().store_path(), owner.home().keys_path()] {
        use std::os::unix::fs::PermissionsExt as _;
        let metadata = std::fs::metadata(&file).expect("it is there");
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600, "{file:?}");
    }
}

#[test]
fn a_store_of_something_else_is_left_alone() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = directory.path().join("store.redb");
    let other = vec![7; 10_000];
    std::fs::write(&store, &other).expect("a file");
    let failure = open(directory.path()).expect_err("this is no store");
    assert!(failure.code.starts_with("store-"), "{failure:?}");
    assert!(failure.reason.contains("store.redb"), "{failure:?}");
    assert_eq!(std::fs::read(&store).expect("a file"), other);
}
