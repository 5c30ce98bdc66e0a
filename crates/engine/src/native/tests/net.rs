//! The connection to a relay that only echoes.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, frame::coding::CloseCode};
use tokio_tungstenite::tungstenite::{Message, WebSocket, accept};

use super::fake::Probe;
use super::{SOON, set};
use crate::headless::NetInput;
use crate::native::connection::Connection;
use crate::native::net::{NetOptions, Roots};
use crate::native::owner::Options;

/// A relay for so many connections, one after the other.
struct Relay {
    port: u16,
    thread: JoinHandle<()>,
}

impl Relay {
    fn start(serve: impl FnOnce(TcpListener) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let port = listener.local_addr().expect("it is bound").port();
        let thread = std::thread::spawn(move || serve(listener));
        Self { port, thread }
    }

    fn url(&self) -> String {
        format!("ws://127.0.0.1:{}/sync", self.port)
    }

    fn join(self) {
        self.thread.join().expect("the relay is content");
    }
}

fn next_tcp(listener: &TcpListener) -> TcpStream {
    let (stream, _) = listener.accept().expect("it accepts");
    stream.set_read_timeout(Some(SOON)).expect("it is bounded");
    stream
}

fn next(listener: &TcpListener) -> WebSocket<TcpStream> {
    accept(next_tcp(listener)).expect("it is a WebSocket")
}

/// Gives the next binary message.
fn binary<S: Read + Write>(socket: &mut WebSocket<S>) -> Vec<u8> {
    loop {
        if let Message::Binary(bytes) = socket.read().expect("a message comes") {
            return bytes.into();
        }
    }
}

fn open(options: NetOptions) -> (Connection, Probe, tempfile::TempDir) {
    let directory = tempfile::tempdir().expect("a directory");
    let probe = Probe::default();
    let options = Options {
        net: options,
        ..Options::default()
    };
    let connection = super::open_with(directory.path(), &probe, options).expect("the home opens");
    (connection, probe, directory)
}

fn tell(connection: &Connection, key: &str, value: &str) {
    connection.call(set(key, value)).expect("the engine echoes");
}

/// Waits until so many things happened on the network, and gives the last one.
fn happened(probe: &Probe, count: usize) -> NetInput {
    probe.wait(|told| told.net.get(count - 1).cloned())
}

fn closed(probe: &Probe, count: usize) -> String {
    match happened(probe, count) {
        NetInput::Closed { reason } => reason,
        other => panic!("it is not closed: {other:?}"),
    }
}

#[test]
fn messages_go_both_ways_until_the_relay_closes() {
    let relay = Relay::start(|listener| {
        let mut socket = next(&listener);
        socket
            .send(Message::Ping(vec![1].into()))
            .expect("it pings");
        let first = binary(&mut socket);
        assert_eq!(first, b"hello");
        socket
            .send(Message::Binary(first.into()))
            .expect("it echoes");
        let big = binary(&mut socket);
        assert_eq!(big.len(), 3 << 20);
        let frame = CloseFrame {
            code: CloseCode::Policy,
            reason: "enough".into(),
        };
        socket.close(Some(frame)).expect("it closes");
        while socket.read().is_ok() {}
    });
    let (connection, probe, _home) = open(NetOptions::default());
    tell(&connection, "connect", &relay.url());
    assert_eq!(happened(&probe, 1), NetInput::Opened);
    tell(&connection, "send", "hello");
    assert_eq!(happened(&probe, 2), NetInput::Frame(b"hello".to_vec()));
    tell(&connection, "send-bytes", &(3 << 20).to_string());
    assert_eq!(closed(&probe, 3), "the relay closed the connection: enough");
    relay.join();
}

#[test]
fn a_connection_that_was_replaced_is_never_heard_of_again() {
    let (end, may_end): (_, Receiver<()>) = channel();
    let relay = Relay::start(move |listener| {
        let mut first = next(&listener);
        assert_eq!(binary(&mut first), b"one");
        let mut second = next(&listener);
        // The first one was closed by the other side; whatever it says now is late.
        drop(first.send(Message::Binary(b"late".to_vec().into())));
        drop(first);
        assert_eq!(binary(&mut second), b"two");
        second
            .send(Message::Binary(b"heard".to_vec().into()))
            .expect("it answers");
        may_end.recv_timeout(SOON).expect("the test goes on");
        // The engine has disconnected: the farewell comes, and nobody hears what this says.
        drop(second.send(Message::Binary(b"late".to_vec().into())));
        while second.read().is_ok() {}
        let mut third = next(&listener);
        assert_eq!(binary(&mut third), b"three");
    });
    let (connection, probe, _home) = open(NetOptions::default());
    tell(&connection, "connect", &relay.url());
    happened(&probe, 1);
    tell(&connection, "send", "one");
    tell(&connection, "connect", &relay.url());
    assert_eq!(happened(&probe, 2), NetInput::Opened);
    tell(&connection, "send", "two");
    assert_eq!(happened(&probe, 3), NetInput::Frame(b"heard".to_vec()));
    tell(&connection, "disconnect", "");
    end.send(()).expect("the relay waits");
    tell(&connection, "connect", &relay.url());
    assert_eq!(happened(&probe, 4), NetInput::Opened);
    tell(&connection, "send", "three");
    // The relay is gone without a word.
    assert_eq!(closed(&probe, 5), "the relay ended without a word");
    relay.join();
    assert_eq!(probe.look(|told| told.net.len()), 5);
}

#[test]
fn what_is_no_relay_is_said_to_be_none() {
    let relay = Relay::start(|listener| {
        let mut stream = next_tcp(&listener);
        let mut request = [0; 4096];
        assert!(stream.read(&mut request).expect("it asks") > 0);
        stream
            .write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            .expect("it refuses");
    });
    let (connection, probe, _home) = open(NetOptions::default());
    tell(&connection, "connect", &relay.url());
    let reason = closed(&probe, 1);
    assert!(reason.contains("no relay (HTTP status 404)"), "{reason}");
    relay.join();
    tell(&connection, "connect", "gopher://127.0.0.1/sync");
    let reason = closed(&probe, 2);
    assert!(reason.contains("ws://"), "{reason}");
    let free = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = free.local_addr().expect("it is bound").port();
    drop(free);
    tell(
        &connection,
        "connect",
        &format!("ws://127.0.0.1:{port}/sync"),
    );
    let reason = closed(&probe, 3);
    assert!(reason.contains("cannot be reached"), "{reason}");
}

#[test]
fn silence_ends_a_connection() {
    let options = NetOptions {
        connect: Duration::from_millis(50),
        ping: Duration::from_millis(20),
        pong: Duration::from_millis(50),
        ..NetOptions::default()
    };
    let (end, may_end): (_, Receiver<()>) = channel();
    let relay = Relay::start(move |listener| {
        // The first one never becomes a WebSocket, the second one never reads.
        let first = next_tcp(&listener);
        let second = next(&listener);
        may_end.recv_timeout(SOON).expect("the test goes on");
        drop((first, second));
    });
    let (connection, probe, _home) = open(options);
    tell(&connection, "connect", &relay.url());
    let reason = closed(&probe, 1);
    assert!(reason.contains("no answer from the relay"), "{reason}");
    tell(&connection, "connect", &relay.url());
    let opened = happened(&probe, 2);
    // On a busy machine the upgrade may take longer than this test allows.
    if opened == NetInput::Opened {
        assert_eq!(closed(&probe, 3), "the relay gives no sign of life");
    }
    end.send(()).expect("the relay waits");
    drop(connection);
    drop(relay);
}

#[test]
fn a_network_that_takes_nothing_ends_the_connection() {
    let (end, may_end): (_, Receiver<()>) = channel();
    let relay = Relay::start(move |listener| {
        let socket = next(&listener);
        may_end.recv_timeout(SOON).expect("the test goes on");
        drop(socket);
    });
    let (connection, probe, _home) = open(NetOptions::default());
    tell(&connection, "connect", &relay.url());
    happened(&probe, 1);
    for _ in 0..16 {
        tell(&connection, "send-bytes", &(4 << 20).to_string());
    }
    let reason = closed(&probe, 2);
    assert!(reason.contains("too slowly"), "{reason}");
    end.send(()).expect("the relay waits");
    relay.join();
}

#[test]
fn what_was_given_to_be_sent_goes_out_before_the_end() {
    let relay = Relay::start(|listener| {
        let mut socket = next(&listener);
        for _ in 0..3 {
            assert_eq!(binary(&mut socket).len(), 100_000);
        }
        assert!(socket.read().expect("it says goodbye").is_close());
    });
    let (connection, probe, _home) = open(NetOptions::default());
    tell(&connection, "connect", &relay.url());
    happened(&probe, 1);
    for _ in 0..3 {
        tell(&connection, "send-bytes", "100000");
    }
    drop(connection);
    relay.join();
}

/// Serves one echo over TLS with a certificate of its own making.
fn tls_relay(name: &str) -> (Relay, CertificateDer<'static>) {
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).expect("it is made");
    let certificate = made.cert.der().clone();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("it is a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions are known")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .expect("the certificate fits");
    let relay = Relay::start(move |listener| {
        let connection = rustls::ServerConnection::new(Arc::new(config)).expect("it is configured");
        let stream = rustls::StreamOwned::new(connection, next_tcp(&listener));
        // A client that does not trust the certificate hangs up here.
        if let Ok(mut socket) = accept(stream) {
            let message = binary(&mut socket);
            socket
                .send(Message::Binary(message.into()))
                .expect("it echoes");
        }
    });
    (relay, certificate)
}

#[test]
fn tls_is_for_relays_that_are_vouched_for() {
    let (relay, certificate) = tls_relay("localhost");
    let options = NetOptions {
        roots: Roots::Only(vec![certificate]),
        ..NetOptions::default()
    };
    let (connection, probe, _home) = open(options);
    let url = |relay: &Relay| format!("wss://localhost:{}/sync", relay.port);
    tell(&connection, "connect", &url(&relay));
    assert_eq!(happened(&probe, 1), NetInput::Opened);
    tell(&connection, "send", "sealed");
    assert_eq!(happened(&probe, 2), NetInput::Frame(b"sealed".to_vec()));
    relay.join();

    let (stranger, _) = tls_relay("localhost");
    let (connection, probe, _home) = open(NetOptions::default());
    tell(&connection, "connect", &url(&stranger));
    let reason = closed(&probe, 1);
    assert!(reason.contains("certificate"), "{reason}");
    stranger.join();
}
