//! The local socket by itself.

use std::io::{Read as _, Write as _};

use crate::native::home::Home;
use crate::native::socket::loopback;

#[test]
fn loopback_is_for_those_who_know_the_secret() {
    let directory = tempfile::tempdir().expect("a directory");
    let home = Home::at(directory.path()).expect("a home");
    assert!(loopback::connect(&home).is_err(), "nobody listens yet");
    let listener = loopback::Listener::bind(&home).expect("it binds");
    let named = std::fs::read_to_string(home.socket_path()).expect("the port is named");
    let port: u16 = named
        .split_once(' ')
        .expect("port and secret")
        .0
        .parse()
        .expect("a port");

    let accepting = std::thread::spawn(move || {
        let mut stream = listener.accept().expect("somebody knows the secret");
        let mut said = [0; 5];
        stream.read_exact(&mut said).expect("it speaks");
        listener.unname();
        said
    });
    let mut stranger = std::net::TcpStream::connect(("127.0.0.1", port)).expect("a port is open");
    stranger.write_all(&[b'0'; 64]).expect("it guesses");
    let mut friend = loopback::connect(&home).expect("it connects");
    friend.write_all(b"hello").expect("it speaks");
    assert_eq!(&accepting.join().expect("it accepts"), b"hello");
    // The stranger is hung up on.
    assert_eq!(stranger.read(&mut [0]).unwrap_or(0), 0);
    assert!(loopback::connect(&home).is_err(), "the name is gone");
}
