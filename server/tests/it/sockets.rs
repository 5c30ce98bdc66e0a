//! A relay inside the test, with real sockets.

use std::{net::SocketAddr, path::Path, sync::Arc};

use futures_util::{SinkExt, StreamExt};
use handschlag_relay::{
    Config, Relay, RunError, StartError,
    args::Creation,
    log::{
        ChangeLog, FeedPiece, FeedRange, LogError, MemoryLog, Seed, StoredWorkspace, Write, Written,
    },
};
use protocol::{Cut, FeedId, Frame, Hello, LogHash, Nonce, Refusal, SESSION_VERSIONS, WorkspaceId};
use sync::{Comparison, LogEntry, client::Output};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::oneshot,
    task::JoinHandle,
};
use tokio_tungstenite::tungstenite::Message;

use crate::{
    client::{Client, open},
    workspace::workspace,
};

/// A relay that runs until it is stopped.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), RunError>>,
}

fn config(data: &Path, creation: Creation) -> Config {
    Config {
        data: data.to_owned(),
        listen: "127.0.0.1:0".to_owned(),
        creation,
        max_connections: 8,
    }
}

pub(crate) const OPEN: Creation = Creation::Open { quota: 10 };

impl Running {
    fn run(relay: Relay) -> Self {
        let address = relay.address();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(relay.run(async move { drop(stopped.await) }));
        Running {
            address,
            stop,
            task,
        }
    }

    pub(crate) async fn on(data: &Path, creation: Creation) -> Self {
        Running::run(Relay::start(&config(data, creation)).await.expect("starts"))
    }

    async fn in_memory(creation: Creation) -> Self {
        let log = Arc::new(MemoryLog::new());
        let config = config(Path::new("unused"), creation);
        Running::run(Relay::start_with(log, &config).await.expect("starts"))
    }

    pub(crate) async fn stop(self) {
        drop(self.stop);
        self.task.await.expect("runs").expect("stops well");
    }
}

fn refused(output: Option<Output>) -> Refusal {
    match output {
        Some(Output::Refused { code, .. }) => code,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

fn is_refusal(output: &Output) -> bool {
    matches!(output, Output::Refused { .. })
}

#[tokio::test]
async fn two_devices_exchange_and_a_restart_keeps_everything() {
    let folder = tempfile::tempdir().expect("makes a folder");
    let relay = Running::on(folder.path(), OPEN).await;
    let mut devices = workspace(1, 2);
    let [a, b] = &mut devices[..] else {
        unreachable!("there are two")
    };
    for _ in 0..50 {
        a.write(300);
    }
    let mut at_a = Client::connect(relay.address, a).await;
    at_a.settle(a).await;
    assert_eq!((at_a.acknowledged, at_a.log.len()), (50, 50));
    let mut at_b = Client::connect(relay.address, b).await;
    at_b.settle(b).await;
    assert_eq!(at_b.log, at_a.log);

    // Both live: what one writes the other gets without asking.
    b.write(300);
    at_b.wrote(b);
    at_b.settle(b).await;
    let applies = |output: &Output| matches!(output, Output::Apply { .. });
    let applied = at_a.until(a, applies).await;
    let Some(Output::Apply { items, .. }) = applied else {
        panic!("it comes by itself: {applied:?}");
    };
    assert_eq!(items.len(), 1);
    let log = at_b.log.clone();
    relay.stop().await;

    let relay = Running::on(folder.path(), Creation::Allowed(Vec::new())).await;
    let mut at_a = Client::connect(relay.address, a).await;
    at_a.settle(a).await;
    assert_eq!((at_a.acknowledged, at_a.log), (50, log));
    relay.stop().await;
}

#[tokio::test]
async fn a_client_that_reads_nothing_holds_up_no_one() {
    let relay = Running::in_memory(OPEN).await;
    let mut devices = workspace(2, 3);
    let (slow, others) = devices.split_first_mut().expect("there are three");
    let mut stuck = Client::connect(relay.address, slow).await;
    stuck.settle(slow).await;
    // From here on the stuck client reads nothing, while far more than all buffers between hold is written.
    let [a, b] = others else {
        unreachable!("there are two")
    };
    let mut at_a = Client::connect(relay.address, a).await;
    let mut at_b = Client::connect(relay.address, b).await;
    // Both are in before the writing, which may take longer than the time to prove oneself.
    at_a.settle(a).await;
    at_b.settle(b).await;
    for _ in 0..100 {
        a.write(200_000);
    }
    at_a.wrote(a);
    at_a.settle(a).await;
    let all = |output: &Output| *output == Output::Settled;
    while at_b.log.len() < 100 {
        assert!(at_b.until(b, all).await.is_some());
    }
    assert_eq!(at_b.log, at_a.log);
    // And it catches up when it reads again.
    while stuck.log.len() < 100 {
        assert!(stuck.until(slow, all).await.is_some());
    }
    assert_eq!(stuck.log, at_a.log);
    relay.stop().await;
}

#[tokio::test]
async fn only_allowed_workspaces_begin() {
    let mut devices = workspace(3, 1);
    let mut others = workspace(4, 1);
    let (mine, other) = (&mut devices[0], &mut others[0]);
    let relay = Running::in_memory(Creation::Allowed(vec![mine.roster.workspace()])).await;
    Client::connect(relay.address, mine)
        .await
        .settle(mine)
        .await;
    let mut client = Client::connect(relay.address, other).await;
    let output = client.until(other, is_refusal).await;
    assert_eq!(refused(output), Refusal::WorkspaceUnknown);
    relay.stop().await;

    let relay = Running::in_memory(Creation::Open { quota: 1 }).await;
    Client::connect(relay.address, mine)
        .await
        .settle(mine)
        .await;
    let mut client = Client::connect(relay.address, other).await;
    let output = client.until(other, is_refusal).await;
    assert_eq!(refused(output), Refusal::Quota);
    relay.stop().await;
}

#[tokio::test]
async fn a_workspace_is_claimed_by_its_own_roster_alone_and_strangers_stay_out() {
    let relay = Running::in_memory(OPEN).await;
    let mut devices = workspace(5, 1);
    let mut strangers = workspace(6, 1);
    let (mine, stranger) = (&mut devices[0], &mut strangers[0]);

    // The stranger offers its own roster for my workspace.
    let mut start = stranger.start();
    start.workspace = mine.roster.workspace();
    let mut client = Client::begin(relay.address, start.clone()).await;
    let output = client.until(stranger, is_refusal).await;
    assert_eq!(refused(output), Refusal::Malformed);

    // With my roster, which is no secret, it is not in there.
    let mut client = Client::begin(relay.address, start.clone()).await;
    let output = client.until(mine, is_refusal).await;
    assert_eq!(refused(output), Refusal::NotAMember);

    // And neither when the workspace has begun, whether anybody is connected or not.
    let mut at_mine = Client::connect(relay.address, mine).await;
    at_mine.settle(mine).await;
    let mut open = Some(at_mine);
    for _ in 0..2 {
        let mut client = Client::begin(relay.address, start.clone()).await;
        let output = client.until(stranger, is_refusal).await;
        assert_eq!(refused(output), Refusal::Malformed);
        let mut client = Client::begin(relay.address, start.clone()).await;
        let output = client.until(mine, is_refusal).await;
        assert_eq!(refused(output), Refusal::NotAMember);
        drop(open.take());
    }
    relay.stop().await;
}

/// A log whose commits wait until the test lets them go, or fail.
#[derive(Debug)]
struct Gated {
    inner: MemoryLog,
    gate: std::sync::Mutex<std::sync::mpsc::Receiver<Result<(), LogError>>>,
}

impl ChangeLog for Gated {
    fn seed(&self, fresh: Seed) -> Result<Seed, LogError> {
        self.inner.seed(fresh)
    }

    fn workspace(&self, workspace: &WorkspaceId) -> Result<Option<StoredWorkspace>, LogError> {
        self.inner.workspace(workspace)
    }

    fn commit(&self, batch: Vec<Write>) -> Result<Vec<Written>, LogError> {
        if batch
            .iter()
            .any(|write| matches!(write, Write::Append { .. }))
        {
            self.gate
                .lock()
                .expect("unpoisoned")
                .recv()
                .expect("is told")?;
        }
        self.inner.commit(batch)
    }

    fn read(
        &self,
        id: &WorkspaceId,
        after: u64,
        bytes: usize,
        entries: usize,
    ) -> Result<Vec<LogEntry>, LogError> {
        self.inner.read(id, after, bytes, entries)
    }

    fn running_hash(&self, id: &WorkspaceId, sequence: u64) -> Result<Option<LogHash>, LogError> {
        self.inner.running_hash(id, sequence)
    }

    fn feed_head(&self, id: &WorkspaceId, feed: &FeedId) -> Result<Option<Cut>, LogError> {
        self.inner.feed_head(id, feed)
    }

    fn feed_end(&self, id: &WorkspaceId, feed: &FeedId) -> Result<Option<Cut>, LogError> {
        self.inner.feed_end(id, feed)
    }

    fn compare(&self, id: &WorkspaceId, known: &[Cut]) -> Result<Option<Comparison>, LogError> {
        self.inner.compare(id, known)
    }

    fn read_feed(&self, id: &WorkspaceId, range: FeedRange) -> Result<FeedPiece, LogError> {
        self.inner.read_feed(id, range)
    }
}

#[tokio::test]
async fn nothing_is_acknowledged_or_forwarded_before_it_is_durable() {
    let (gate, waits) = std::sync::mpsc::channel();
    let log = Arc::new(Gated {
        inner: MemoryLog::new(),
        gate: std::sync::Mutex::new(waits),
    });
    let config = config(Path::new("unused"), OPEN);
    let relay = Running::run(Relay::start_with(log, &config).await.expect("starts"));
    let mut devices = workspace(7, 2);
    let [a, b] = &mut devices[..] else {
        unreachable!("there are two")
    };
    let mut at_b = Client::connect(relay.address, b).await;
    at_b.settle(b).await;
    a.write(100);
    let mut at_a = Client::connect(relay.address, a).await;
    let stored = |output: &Output| matches!(output, Output::Acknowledged { .. });
    let arrives = |output: &Output| matches!(output, Output::Apply { .. });
    let has_work = |output: &Output| matches!(output, Output::Unsettled(_));
    assert!(at_a.until(a, has_work).await.is_some());
    let said = at_a.fence(a).await;
    assert!(!said.iter().any(stored), "not durable yet: {said:?}");
    let said = at_b.fence(b).await;
    assert!(!said.iter().any(arrives), "not durable yet: {said:?}");
    gate.send(Ok(())).expect("waits");
    assert!(at_a.until(a, stored).await.is_some());
    assert!(at_b.until(b, arrives).await.is_some());

    // A log that fails ends the relay; nothing is acknowledged.
    a.write(100);
    at_a.wrote(a);
    let source = std::io::Error::other("the disk is gone").into();
    gate.send(Err(LogError::Storage { source })).expect("waits");
    assert!(at_a.until(a, stored).await.is_none(), "the session ends");
    let ended = relay.task.await.expect("runs");
    let text = ended.expect_err("has failed").to_string();
    assert!(text.contains("nothing more could be stored"), "{text}");
}

#[tokio::test]
async fn health_is_told_and_full_is_full() {
    let relay = Running::in_memory(OPEN).await;
    let health = |address| async move {
        let mut socket = TcpStream::connect(address).await.expect("connects");
        let request = b"GET /healthz HTTP/1.1\r\nhost: relay\r\nconnection: close\r\n\r\n";
        socket.write_all(request).await.expect("writes");
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.expect("reads");
        answer
    };
    let answer = health(relay.address).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains(r#""status":"ok""#), "{answer}");

    let mut sockets = Vec::new();
    for _ in 0..8 {
        sockets.push(open(relay.address).await);
    }
    let url = format!("ws://{}/sync", relay.address);
    let turned_away = tokio_tungstenite::connect_async(url).await;
    assert!(turned_away.is_err(), "all places are taken");
    relay.stop().await;
}

#[tokio::test]
async fn bad_messages_are_refused_by_name_and_a_stop_is_told() {
    let relay = Running::in_memory(OPEN).await;
    let large = Message::Binary(vec![0; protocol::limits::MAX_FRAME_BYTES + 1].into());
    for (message, code) in [
        (Message::Text("hello".into()), Refusal::Malformed),
        (Message::Binary(vec![1, 2, 3].into()), Refusal::Malformed),
        (large, Refusal::TooLarge),
    ] {
        let mut socket = open(relay.address).await;
        socket.send(message).await.expect("sends");
        let answer = socket.next().await.expect("answers").expect("reads");
        let Ok(Frame::Refused(refused)) = Frame::decode(&answer.into_data()) else {
            panic!("expected a refusal");
        };
        assert_eq!(refused.code, code);
    }

    let mut socket = open(relay.address).await;
    let hello = Frame::from(Hello {
        versions: SESSION_VERSIONS.to_vec(),
        workspace: WorkspaceId::from_bytes([1; 32]),
        key: protocol::SignerKey::from_bytes([1; 32]),
        nonce: Nonce::from_bytes([1; 32]),
    });
    let bytes = hello.encode();
    socket
        .send(Message::Binary(bytes.into()))
        .await
        .expect("sends");
    let challenge = socket.next().await.expect("answers").expect("reads");
    assert!(matches!(
        Frame::decode(&challenge.into_data()),
        Ok(Frame::Challenge(_))
    ));
    let stopping = tokio::spawn(relay.stop());
    let bye = socket.next().await.expect("answers").expect("reads");
    assert!(matches!(Frame::decode(&bye.into_data()), Ok(Frame::Bye(_))));
    drop(socket);
    stopping.await.expect("stops");
}

#[tokio::test]
async fn errors_at_the_start_say_what_to_do() {
    let folder = tempfile::tempdir().expect("makes a folder");
    let relay = Running::on(folder.path(), OPEN).await;
    let again = Relay::start(&config(folder.path(), OPEN))
        .await
        .expect_err("is locked");
    assert!(again.to_string().contains("another relay"), "{again}");

    let other = tempfile::tempdir().expect("makes a folder");
    let mut taken = config(other.path(), OPEN);
    taken.listen = relay.address.to_string();
    let error = Relay::start(&taken).await.expect_err("is taken");
    assert!(matches!(error, StartError::AddressInUse { .. }), "{error}");
    assert!(error.to_string().contains("--listen"), "{error}");
    taken.listen = "nonsense".to_owned();
    let error = Relay::start(&taken).await.expect_err("is no address");
    assert!(matches!(error, StartError::Listen { .. }), "{error}");
    relay.stop().await;
}
