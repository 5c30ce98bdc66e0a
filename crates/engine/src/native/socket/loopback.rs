//! The local socket as a port of the loopback interface, for those who can read a secret in the home.

use std::fs;
use std::io::{self, Read as _, Write as _};
pub(in super::super) use std::net::TcpStream as Stream;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::time::Duration;

use data_encoding::HEXLOWER;

use crate::native::clock;
use crate::native::home::{Home, remove_if_there, restrict};

/// The bytes of the secret, as hexadecimal digits.
const SECRET_BYTES: usize = 64;
/// How long one who connects may take to say the secret.
const SAY: Duration = Duration::from_secs(1);

/// The port on which the owner of a home listens.
#[derive(Debug)]
pub(in super::super) struct Listener {
    listener: TcpListener,
    secret: String,
    path: PathBuf,
}

impl Listener {
    /// Listens and writes port and secret into the home. Only the owner of the home may call this.
    pub(in super::super) fn bind(home: &Home) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let mut random = [0; SECRET_BYTES / 2];
        clock::fill_random(&mut random);
        let secret = HEXLOWER.encode(&random);
        let path = home.socket_path();
        let new = path.with_extension("sock.new");
        fs::write(&new, "")?;
        restrict(&new)?;
        fs::write(&new, format!("{} {secret}", listener.local_addr()?.port()))?;
        fs::rename(&new, &path)?;
        Ok(Self {
            listener,
            secret,
            path,
        })
    }

    /// Takes the socket's name away, so that nobody connects any more; only while the home is owned.
    pub(in super::super) fn unname(&self) {
        // Where that fails, the next owner replaces it.
        drop(remove_if_there(&self.path));
    }

    /// Waits for the next connection of one who knows the secret.
    pub(in super::super) fn accept(&self) -> io::Result<Stream> {
        loop {
            let (mut stream, _) = self.listener.accept()?;
            if self.knows_secret(&mut stream).unwrap_or(false) {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
        }
    }

    fn knows_secret(&self, stream: &mut Stream) -> io::Result<bool> {
        stream.set_read_timeout(Some(SAY))?;
        let mut said = [0; SECRET_BYTES];
        stream.read_exact(&mut said)?;
        stream.set_read_timeout(None)?;
        // All bytes are compared, so that the time taken tells nothing about them.
        let difference = said
            .iter()
            .zip(self.secret.as_bytes())
            .fold(0, |difference, (said, secret)| difference | (said ^ secret));
        Ok(difference == 0)
    }
}

/// Connects to the owner of a home.
pub(in super::super) fn connect(home: &Home) -> io::Result<Stream> {
    let named = fs::read_to_string(home.socket_path())?;
    let wrong = || io::Error::new(io::ErrorKind::ConnectionRefused, "no owner is named");
    let (port, secret) = named.split_once(' ').ok_or_else(wrong)?;
    let port: u16 = port.parse().map_err(|_| wrong())?;
    let mut stream = Stream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_nodelay(true)?;
    stream.write_all(secret.as_bytes())?;
    Ok(stream)
}
