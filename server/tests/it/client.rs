//! A small client over a real socket: the session of `sync`, and what it applied.

use std::{net::SocketAddr, time::Duration};

use futures_util::{SinkExt, StreamExt};
use protocol::EnvelopeHash;
use sync::client::{Input, Item, Output, Session, Start};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

use crate::workspace::Device;

/// How long a test waits for the next thing that must happen.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Opens a WebSocket to the relay.
pub(crate) async fn open(address: SocketAddr) -> Socket {
    let connected = connect_async(format!("ws://{address}/sync")).await;
    connected.expect("connects").0
}

/// A device that is connected.
pub(crate) struct Client {
    socket: Socket,
    session: Session,
    /// The envelopes of the log in its order, from the beginning.
    pub(crate) log: Vec<EnvelopeHash>,
    /// The own sequence that the relay has acknowledged.
    pub(crate) acknowledged: u64,
    /// Up to where the log was read.
    read: u64,
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr, device: &mut Device) -> Client {
        Client::begin(address, device.start()).await
    }

    /// Connects with the cursor up to which the device has read.
    pub(crate) async fn resume(address: SocketAddr, device: &mut Device) -> Client {
        let start = Start {
            cursor: device.cursor,
            ..device.start()
        };
        Client::begin(address, start).await
    }

    pub(crate) async fn begin(address: SocketAddr, start: Start) -> Client {
        let mut client = Client {
            socket: open(address).await,
            read: start.cursor.map_or(0, |cursor| cursor.sequence),
            session: Session::new(start),
            log: Vec::new(),
            acknowledged: 0,
        };
        client.session.handle(0, Input::Opened);
        client
    }

    /// Gives the session an input.
    pub(crate) fn tell(&mut self, input: Input) {
        self.session.handle(0, input);
    }

    /// Tells the session that the device has written.
    pub(crate) fn wrote(&mut self, device: &Device) {
        let (sequence, hash) = device.head();
        self.session.handle(0, Input::LocalHead { sequence, hash });
    }

    /// Goes on until the session says something that the test waits for, and returns it; none when it ended before.
    pub(crate) async fn until(
        &mut self,
        device: &mut Device,
        wanted: impl Fn(&Output) -> bool,
    ) -> Option<Output> {
        loop {
            while let Some(output) = self.session.poll() {
                if wanted(&output) {
                    return Some(output);
                }
                let done = timeout(PATIENCE, self.act(device, output)).await;
                done.expect("the relay reads")?;
            }
            // A busy machine may take long over much; a relay that is stuck says nothing at all.
            let next = timeout(PATIENCE, self.socket.next()).await;
            let input = match next.expect("the relay goes on") {
                Some(Ok(Message::Binary(bytes))) => Input::Frame(bytes.into()),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                Some(Ok(_)) => continue,
            };
            self.session.handle(0, input);
        }
    }

    /// Does what the session wants, then waits for the relay to have handled all of it, and returns what the session
    /// said in between.
    ///
    /// The relay answers a ping when it reads it, so whatever it said to earlier frames at once comes before.
    pub(crate) async fn fence(&mut self, device: &mut Device) -> Vec<Output> {
        let mut said = Vec::new();
        let mut is_asked = false;
        loop {
            while let Some(output) = self.session.poll() {
                said.push(output.clone());
                self.act(device, output).await.expect("the session goes on");
            }
            if !is_asked {
                is_asked = true;
                let ping = Message::Ping(vec![7].into());
                self.socket.send(ping).await.expect("sends");
            }
            let next = timeout(PATIENCE, self.socket.next()).await;
            match next
                .expect("the relay answers")
                .expect("is open")
                .expect("reads")
            {
                Message::Binary(bytes) => self.session.handle(0, Input::Frame(bytes.into())),
                Message::Pong(_) => return said,
                _ => {}
            }
        }
    }

    /// Goes on until both sides have all.
    pub(crate) async fn settle(&mut self, device: &mut Device) {
        let settled = self
            .until(device, |output| *output == Output::Settled)
            .await;
        assert!(settled.is_some(), "the session ended");
    }

    async fn act(&mut self, device: &mut Device, output: Output) -> Option<()> {
        let answer = match output {
            Output::Send(bytes) => {
                let sent = self.socket.send(Message::Binary(bytes.into())).await;
                return sent.ok();
            }
            Output::ReadRoster => Input::Roster {
                entries: device.roster.entries().to_vec(),
            },
            Output::ReadOutbox { after_sequence, .. } => {
                let rest = (1..).zip(&device.feed).skip(after_sequence as usize);
                let envelopes = rest.take(20).map(|(at, (_, bytes))| (at, bytes.clone()));
                Input::Outbox {
                    envelopes: envelopes.collect(),
                }
            }
            Output::ReadHashes { places } => Input::Hashes {
                hashes: places
                    .iter()
                    .map(|(feed, at)| device.hash_at(feed, *at))
                    .collect(),
            },
            Output::Apply {
                first,
                items,
                cursor,
            } => {
                assert_eq!(first, self.read + 1);
                self.read = cursor.sequence;
                self.log.extend(items.iter().map(|item| match item {
                    Item::Own { hash, .. } => *hash,
                    Item::Envelope { envelope, .. } => envelope.hash(),
                }));
                for item in &items {
                    if let Item::Envelope { bytes, .. } = item {
                        device.keep(bytes);
                    }
                }
                device.cursor = Some(cursor);
                Input::Applied { cursor }
            }
            Output::ReadHeads => Input::Heads {
                heads: device.heads(),
            },
            Output::ReadMissing { missing, .. } => Input::Missing {
                envelopes: device.lacking(&missing),
                next: None,
            },
            Output::Carried { envelopes } => {
                for one in &envelopes {
                    device.keep(&one.bytes);
                }
                Input::Carried
            }
            Output::Compared(compared) => {
                self.read = compared.cursor.sequence;
                device.cursor = Some(compared.cursor);
                return Some(());
            }
            Output::Acknowledged { sequence, .. } => {
                self.acknowledged = sequence;
                return Some(());
            }
            Output::Roster { entries } => {
                for entry in entries {
                    let hash = protocol::Entry::decode(&entry).expect("decodes").hash();
                    if device.roster.entries_after(&hash).is_none() {
                        device.roster.append(&entry).expect("follows");
                    }
                }
                return Some(());
            }
            Output::Close => return None,
            Output::Broken(broken) => panic!("{broken}"),
            _ => return Some(()),
        };
        self.session.handle(0, answer);
        Some(())
    }
}
