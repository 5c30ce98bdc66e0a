//! A relay that runs while it is backed up, and one that came back from a backup.
#![cfg(unix)]

use std::{
    io::{Read, Write},
    net::SocketAddr,
    os::unix::net::UnixStream,
    path::Path,
};

use futures_util::{SinkExt, StreamExt};
use handschlag_relay::{
    Config, Relay, RunError,
    args::Creation,
    upkeep::{backup, restore, status, verify_data},
};
use protocol::{Cursor, Frame, Hello, Nonce, Prove, SESSION_VERSIONS, Welcome};
use sync::client::Output;
use tokio::{
    sync::oneshot,
    task::{JoinHandle, spawn_blocking},
};
use tokio_tungstenite::tungstenite::Message;
use vault::SessionTerms;

use super::{data_findings, file_findings};
use crate::{
    client::{Client, open},
    workspace::{Device, workspace},
};

/// A relay that runs until it is stopped.
struct Running {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), RunError>>,
}

impl Running {
    async fn on(data: &Path) -> Running {
        let config = Config {
            data: data.to_owned(),
            listen: "127.0.0.1:0".to_owned(),
            creation: Creation::Open { quota: 10 },
            max_connections: 8,
        };
        let relay = Relay::start(&config).await.expect("starts");
        let address = relay.address();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(relay.run(async move { drop(stopped.await) }));
        Running {
            address,
            stop,
            task,
        }
    }

    async fn stop(self) {
        drop(self.stop);
        self.task.await.expect("runs").expect("stops well");
    }
}

/// Asks for a backup as the command does, without reading the answer yet.
fn ask_for_backup(data: &Path) -> UnixStream {
    let mut asker = UnixStream::connect(data.join("relay.sock")).expect("connects");
    asker.write_all(b"backup\n").expect("asks");
    asker
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_one_moment_and_holds_up_nobody() {
    let folder = tempfile::tempdir().expect("makes a folder");
    let data = folder.path().join("relay");
    let relay = Running::on(&data).await;
    let mut devices = workspace(41, 2);
    let [a, b] = &mut devices[..] else {
        unreachable!("there are two")
    };
    for _ in 0..200 {
        a.write(20_000);
    }
    let mut at_a = Client::connect(relay.address, a).await;
    at_a.settle(a).await;

    // The answer is far more than the buffers between hold, so it stands still after its first byte is here.
    let mut asker = ask_for_backup(&data);
    let mut first = [0];
    asker.read_exact(&mut first).expect("begins");
    let mut at_b = Client::connect(relay.address, b).await;
    for _ in 0..50 {
        b.write(20_000);
        at_b.wrote(b);
        at_b.settle(b).await;
    }
    assert_eq!(at_b.acknowledged, 50, "acknowledged meanwhile");

    let file = folder.path().join("slow.backup");
    let rest = spawn_blocking(move || {
        let mut bytes = first.to_vec();
        asker.read_to_end(&mut bytes).expect("goes on");
        bytes
    });
    std::fs::write(&file, rest.await.expect("reads")).expect("writes");
    let (verified, findings) = file_findings(&file);
    assert!(findings.is_empty(), "{findings:?}");
    assert_eq!(
        verified.workspaces[0].envelopes, 200,
        "what was there when it was asked for"
    );

    // And the command gets what is there now.
    let (file, from) = (folder.path().join("now.backup"), data.clone());
    let made = spawn_blocking(move || backup(&file, &from, false))
        .await
        .expect("runs");
    let made = made.expect("backs up");
    assert!(made.running);
    assert_eq!((made.workspaces, made.envelopes), (1, 250));
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_stops_breaks_off_a_backup_and_the_asker_is_told() {
    let folder = tempfile::tempdir().expect("makes a folder");
    let data = folder.path().join("relay");
    let relay = Running::on(&data).await;
    let mut device = workspace(42, 1).remove(0);
    for _ in 0..400 {
        device.write(20_000);
    }
    Client::connect(relay.address, &mut device)
        .await
        .settle(&mut device)
        .await;
    let mut asker = ask_for_backup(&data);
    let mut first = [0];
    asker.read_exact(&mut first).expect("begins");
    let stopping = tokio::spawn(relay.stop());
    // The name of the socket goes before answers are broken off; only then is the rest read.
    let socket = data.join("relay.sock");
    while socket.exists() {
        tokio::task::yield_now().await;
    }
    let file = folder.path().join("broken.backup");
    let rest = spawn_blocking(move || {
        let mut bytes = first.to_vec();
        asker.read_to_end(&mut bytes).expect("ends");
        bytes
    });
    std::fs::write(&file, rest.await.expect("reads")).expect("writes");
    stopping.await.expect("stops");
    let error = restore(&file, &folder.path().join("restored")).expect_err("is broken off");
    assert!(error.to_string().contains("the relay stops"), "{error}");
    // Nothing holds the log any more.
    assert!(data_findings(&data).1.is_empty());
}

/// Says hello with a cursor and returns what the relay answers.
async fn greet(address: SocketAddr, device: &mut Device, cursor: Cursor) -> Welcome {
    let mut socket = open(address).await;
    let workspace = device.roster.workspace();
    let client_nonce = Nonce::from_bytes(device.dice.bytes());
    let hello = Frame::from(Hello {
        versions: SESSION_VERSIONS.to_vec(),
        workspace,
        key: device.keys.feed().into(),
        nonce: client_nonce,
    });
    let said = Message::Binary(hello.encode().into());
    socket.send(said).await.expect("sends");
    let answer = socket.next().await.expect("answers").expect("reads");
    let Ok(Frame::Challenge(challenge)) = Frame::decode(&answer.into_data()) else {
        panic!("expected a challenge");
    };
    assert_eq!(challenge.relay, cursor.relay, "it is the same relay");
    let terms = SessionTerms {
        relay: challenge.relay,
        workspace,
        client_nonce,
        relay_nonce: challenge.nonce,
    };
    let prove = Frame::from(Prove {
        signature: terms.sign_proof(&device.keys.signing),
        roster_head: device.roster.head(),
        cursor: Some(cursor),
        entries: None,
        more: false,
    });
    let said = Message::Binary(prove.encode().into());
    socket.send(said).await.expect("sends");
    let answer = socket.next().await.expect("answers").expect("reads");
    match Frame::decode(&answer.into_data()) {
        Ok(Frame::Welcome(welcome)) => welcome,
        other => panic!("expected a welcome, got {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_relay_is_the_same_one_in_a_new_life() {
    let folder = tempfile::tempdir().expect("makes a folder");
    let data = folder.path().join("relay");
    let relay = Running::on(&data).await;
    let mut devices = workspace(43, 2);
    let [a, b] = &mut devices[..] else {
        unreachable!("there are two")
    };
    for _ in 0..30 {
        a.write(300);
    }
    let mut at_a = Client::connect(relay.address, a).await;
    at_a.settle(a).await;
    // What the next client is given carries the cursor up to which it has everything.
    let mut at_b = Client::connect(relay.address, b).await;
    let applies = |output: &Output| matches!(output, Output::Apply { .. });
    let Some(Output::Apply { cursor, .. }) = at_b.until(b, applies).await else {
        panic!("it gets the log");
    };
    let file = folder.path().join("relay.backup");
    let (to, from) = (file.clone(), data.clone());
    spawn_blocking(move || backup(&to, &from, false))
        .await
        .expect("runs")
        .expect("backs up");
    let welcome = greet(relay.address, a, cursor).await;
    assert!(welcome.continues, "the relay that gave it still holds it");
    // More comes after the backup, and is lost with the disk.
    for _ in 0..5 {
        a.write(300);
    }
    at_a.wrote(a);
    at_a.settle(a).await;
    relay.stop().await;

    let restored = folder.path().join("restored");
    restore(&file, &restored).expect("restores");
    let relay = Running::on(&restored).await;
    let welcome = greet(relay.address, a, cursor).await;
    assert!(!welcome.continues, "the log begins a new life");
    assert_ne!(welcome.epoch, cursor.epoch);
    assert_eq!(welcome.sequence, 30);
    assert_eq!(welcome.own.map(|own| own.sequence), Some(30));
    // A cursor of the new life is held again.
    let now = status(&restored).expect("answers");
    assert!(now.running);
    assert_eq!(now.workspaces[0].epoch, welcome.epoch);

    // The author sends what the backup lacked, and a device that comes anew gets all of it.
    let mut at_a = Client::connect(relay.address, a).await;
    at_a.settle(a).await;
    assert_eq!(at_a.acknowledged, 35);
    let mut at_b = Client::connect(relay.address, b).await;
    at_b.settle(b).await;
    let all: Vec<_> = a.feed.iter().map(|(hash, _)| *hash).collect();
    assert_eq!(at_b.log, all);
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn status_and_verify_ask_the_relay_that_runs() {
    let folder = tempfile::tempdir().expect("makes a folder");
    // A path that is too long for a socket.
    let data = folder.path().join("d".repeat(120)).join("relay");
    std::fs::create_dir_all(&data).expect("makes");
    let relay = Running::on(&data).await;
    let mut devices = workspace(44, 3);
    devices[0].write(500);
    let mut client = Client::connect(relay.address, &mut devices[0]).await;
    client.settle(&mut devices[0]).await;
    let ask = |data: &Path| {
        let data = data.to_owned();
        spawn_blocking(move || status(&data).expect("answers"))
    };
    let now = ask(&data).await.expect("runs");
    assert!(now.running);
    assert_eq!(now.version.as_deref(), Some(env!("CARGO_PKG_VERSION")));
    assert_eq!(now.address, Some(relay.address.to_string()));
    assert_eq!((now.connections, now.max_connections), (Some(1), Some(8)));
    let workspace = &now.workspaces[0];
    assert_eq!(workspace.workspace, devices[0].roster.workspace());
    assert_eq!(
        (workspace.devices, workspace.envelopes, workspace.feeds),
        (Some(3), 1, 1)
    );
    assert_eq!(workspace.bytes, devices[0].feed[0].1.len() as u64);
    assert!(now.file_bytes > 0 && now.disk_free_bytes > Some(0));

    // Asking again counts what is new, and no more.
    devices[0].write(700);
    client.wrote(&devices[0]);
    client.settle(&mut devices[0]).await;
    let later = ask(&data).await.expect("runs");
    let bytes: usize = devices[0].feed.iter().map(|(_, bytes)| bytes.len()).sum();
    assert_eq!(later.workspaces[0].bytes, bytes as u64);
    assert_eq!(later.workspaces[0].envelopes, 2);

    let from = data.clone();
    let verified = spawn_blocking(move || verify_data(&from, &mut |finding| panic!("{finding}")));
    let verified = verified.await.expect("runs").expect("verifies");
    assert_eq!(verified.workspaces[0].envelopes, 2);
    drop(client);
    relay.stop().await;
    let stopped = status(&data).expect("reads");
    assert!(!stopped.running && stopped.connections.is_none());
    assert_eq!(stopped.workspaces[0].bytes, bytes as u64);
    assert_eq!(stopped.relay, now.relay);
}

#[tokio::test(flavor = "multi_thread")]
async fn nonsense_on_the_socket_ends_nothing_but_itself() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("makes a folder");
    let data = folder.path().join("relay");
    let relay = Running::on(&data).await;
    let socket = data.join("relay.sock");
    let mode = std::fs::metadata(&socket)
        .expect("is there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    for said in [&b"hello\n"[..], b"", &[b'x'; 5000], b"backup", b"status \n"] {
        let socket = socket.clone();
        let answer = spawn_blocking(move || {
            let mut asker = UnixStream::connect(socket).expect("connects");
            // The relay may have turned away before all was said.
            drop(asker.write_all(said));
            drop(asker.shutdown(std::net::Shutdown::Write));
            let mut answer = Vec::new();
            drop(asker.read_to_end(&mut answer));
            answer
        });
        assert!(answer.await.expect("runs").is_empty());
    }
    let from = data.clone();
    let now = spawn_blocking(move || status(&from)).await.expect("runs");
    assert!(now.expect("answers").running);
    relay.stop().await;
    assert!(!socket.exists());
}
