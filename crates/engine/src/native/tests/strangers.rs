//! What people name instead of a relay, and what they are told.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use super::fake::Probe;
use super::{SOON, open, set};
use crate::headless::NetInput;

/// Connects to something that answers each visitor with these bytes and hangs up, and gives what a person is told.
fn told_of(scheme: &str, answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = listener.local_addr().expect("it is bound").port();
    let stranger = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("somebody comes");
        stream.set_read_timeout(Some(SOON)).expect("it is bounded");
        let mut asked = [0; 4096];
        assert!(stream.read(&mut asked).expect("it asks") > 0);
        stream.write_all(answer).expect("it answers");
    });
    let told = told_at(&format!("{scheme}://127.0.0.1:{port}/sync"));
    stranger.join().expect("the stranger is content");
    told
}

/// Connects to an address, and gives what a person is told.
fn told_at(url: &str) -> String {
    let directory = tempfile::tempdir().expect("a directory");
    let probe = Probe::default();
    let connection = open(directory.path(), &probe);
    connection.call(set("connect", url)).expect("it echoes");
    match probe.wait(|told| told.net.first().cloned()) {
        NetInput::Closed { reason } => reason,
        other => panic!("it is not closed: {other:?}"),
    }
}

#[track_caller]
fn check(scheme: &str, answer: &'static [u8], expected: &str) {
    assert_eq!(told_of(scheme, answer), expected);
}

#[test]
fn web_servers_are_no_relays() {
    check(
        "ws",
        b"HTTP/1.0 404 File not found\r\n\r\n",
        "a web server answers at this address, no relay (it speaks no WebSocket); a relay behind TLS has an address with https://",
    );
    check(
        "ws",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "a web page is at this address, no relay",
    );
    check(
        "ws",
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        "what answers at this address is no relay (HTTP status 404)",
    );
    check(
        "ws",
        b"HTTP/1.1 301 Moved Permanently\r\nLocation: https://relay.example.com/sync\r\nContent-Length: 0\r\n\r\n",
        "no relay is at this address, but one may be where it points to: https://relay.example.com/sync",
    );
    check(
        "ws",
        b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n",
        "a web server answers at this address, but the relay behind it does not (HTTP status 502)",
    );
    check(
        "ws",
        b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
        "what answers at this address is no relay (HTTP status 400); a relay behind TLS has an address with https://",
    );
}

#[test]
fn a_side_with_tls_and_one_without_do_not_understand_each_other() {
    let tls_alert = b"\x15\x03\x01\x00\x02\x02\x46";
    for answer in [&b""[..], tls_alert, b"SSH-2.0-OpenSSH_9.9\r\n"] {
        let told = told_of("ws", answer);
        assert!(
            told.starts_with("what answers at this address is no relay")
                && told.contains("https://"),
            "{told}"
        );
    }
    check(
        "wss",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        "what answers at this address speaks no TLS; a relay without TLS has an address with http://",
    );
    let told = told_of("wss", b"");
    assert!(told.contains("before TLS was agreed upon"), "{told}");
}

#[test]
fn where_nobody_listens_that_is_said() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = free.local_addr().expect("it is bound").port();
    drop(free);
    assert_eq!(
        told_at(&format!("ws://127.0.0.1:{port}/sync")),
        "the relay cannot be reached: nobody listens at this address"
    );
    let told = told_at("ws://relay.invalid/sync");
    assert!(told.starts_with("the relay cannot be reached: "), "{told}");
}
