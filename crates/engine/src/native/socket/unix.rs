//! The local socket as a Unix domain socket in the home.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, symlink};
use std::os::unix::net::UnixListener;
pub(in super::super) use std::os::unix::net::UnixStream as Stream;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;

use crate::native::clock;
use crate::native::home::{Home, remove_if_there, restrict};

/// The most bytes that the path of a socket may have; systems take 103 to 107.
const MAX_PATH_BYTES: usize = 100;

/// The socket on which the owner of a home listens.
#[derive(Debug)]
pub(in super::super) struct Listener {
    listener: UnixListener,
    path: PathBuf,
}

impl Listener {
    /// Listens; a socket that an earlier owner left is replaced. Only the owner of the home may call this.
    ///
    /// The socket is made in a directory of its own and moved to its place when nobody else may use it any more.
    pub(in super::super) fn bind(home: &Home) -> io::Result<Self> {
        let nest = home.path().join("engine.sock.new");
        match fs::remove_dir_all(&nest) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        fs::DirBuilder::new().mode(0o700).create(&nest)?;
        let listener = through_short_path(&nest, "s", |path| UnixListener::bind(path))?;
        restrict(&nest.join("s"))?;
        let path = home.socket_path();
        fs::rename(nest.join("s"), &path)?;
        fs::remove_dir(&nest)?;
        Ok(Self { listener, path })
    }

    /// Takes the socket's name away, so that nobody connects any more; only while the home is owned.
    pub(in super::super) fn unname(&self) {
        // Where that fails, the next owner replaces it.
        drop(remove_if_there(&self.path));
    }

    /// Waits for the next connection.
    pub(in super::super) fn accept(&self) -> io::Result<Stream> {
        Ok(self.listener.accept()?.0)
    }
}

/// Connects to the owner of a home.
pub(in super::super) fn connect(home: &Home) -> io::Result<Stream> {
    through_short_path(home.path(), "engine.sock", |path| Stream::connect(path))
}

/// Names a file for a call that takes short paths only, through a link that lives as long as the call.
fn through_short_path<T>(
    directory: &Path,
    name: &str,
    act: impl Fn(&Path) -> io::Result<T>,
) -> io::Result<T> {
    let path = directory.join(name);
    if path.as_os_str().as_bytes().len() <= MAX_PATH_BYTES {
        return act(&path);
    }
    let mut random = [0; 8];
    clock::fill_random(&mut random);
    let link_name = format!("handschlag-{}", HEXLOWER.encode(&random));
    let room = MAX_PATH_BYTES - link_name.len() - name.len() - 2;
    let place = Some(std::env::temp_dir())
        .filter(|place| place.as_os_str().as_bytes().len() <= room)
        .unwrap_or_else(|| PathBuf::from("/tmp"));
    let link = place.join(link_name);
    // Fails where anything has this name, so nobody can have put another link there.
    symlink(directory, &link)?;
    let done = act(&link.join(name));
    drop(remove_if_there(&link));
    done
}
