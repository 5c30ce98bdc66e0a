//! The network's thread: one WebSocket at a time, on a runtime of its own.

use std::sync::mpsc::SyncSender;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{
    Connector, MaybeTlsStream, WebSocketStream, connect_async_tls_with_config,
};

use super::{Command, NetOptions, Unsent, found};
use crate::headless::NetInput;
use crate::native::runner::Input;
use protocol::limits::MAX_FRAME_BYTES;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// The connection of the moment.
struct Current {
    generation: u64,
    outgoing: UnboundedSender<Unsent>,
    task: JoinHandle<()>,
}

/// Reports of one connection go through this.
#[derive(Clone)]
struct Reports {
    generation: u64,
    events: SyncSender<Input>,
}

impl Reports {
    /// Reports, waiting for a place in the engine's queue; an engine that has ended hears nothing.
    fn report(&self, input: NetInput) {
        drop(self.events.send(Input::Net {
            generation: self.generation,
            input,
        }));
    }
}

/// Carries out commands until there are no more to come.
pub(super) fn run(
    options: NetOptions,
    commands: UnboundedReceiver<Command>,
    events: &SyncSender<Input>,
) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build();
    match runtime {
        Ok(runtime) => {
            runtime.block_on(obey(options, commands, events));
            // A name that is being looked up would hold the thread until the system gives up.
            runtime.shutdown_background();
        }
        Err(error) => refuse(commands, events, &error),
    }
}

/// Answers each wish for a connection with the reason why there can be none.
fn refuse(
    mut commands: UnboundedReceiver<Command>,
    events: &SyncSender<Input>,
    error: &std::io::Error,
) {
    while let Some(command) = commands.blocking_recv() {
        if let Command::Connect { generation, .. } = command {
            let events = events.clone();
            let reason = format!("the network cannot be used: {error}");
            Reports { generation, events }.report(NetInput::Closed { reason });
        }
    }
}

async fn obey(
    options: NetOptions,
    mut commands: UnboundedReceiver<Command>,
    events: &SyncSender<Input>,
) {
    let mut current: Option<Current> = None;
    while let Some(command) = commands.recv().await {
        match command {
            Command::Connect { generation, url } => {
                // The next connection does not wait until the last one has said goodbye.
                drop(current.take());
                let (outgoing, unsent) = unbounded_channel();
                let events = events.clone();
                let reports = Reports { generation, events };
                let task = tokio::spawn(serve(options.clone(), url, unsent, reports));
                current = Some(Current {
                    generation,
                    outgoing,
                    task,
                });
            }
            Command::Send { generation, bytes } => {
                if let Some(current) = current
                    .as_ref()
                    .filter(|current| current.generation == generation)
                {
                    drop(current.outgoing.send(bytes));
                }
            }
            Command::Disconnect => drop(current.take()),
        }
    }
    if let Some(Current { outgoing, task, .. }) = current {
        drop(outgoing);
        // What was given to be sent goes out; a network that takes nothing is not waited for.
        drop(timeout(options.farewell, task).await);
    }
}

/// Opens a WebSocket and serves it until one of both sides is done.
async fn serve(
    options: NetOptions,
    url: String,
    mut unsent: UnboundedReceiver<Unsent>,
    reports: Reports,
) {
    let opened = tokio::select! {
        opened = timeout(options.connect, open(&options, &url)) => opened,
        // The engine sends nothing before the connection is open, so this is its end.
        _ = unsent.recv() => return,
    };
    let socket = match opened {
        Ok(Ok(socket)) => socket,
        Ok(Err(reason)) => return reports.report(NetInput::Closed { reason }),
        Err(_) => {
            let reason = format!(
                "no answer from the relay within {} s",
                options.connect.as_secs()
            );
            return reports.report(NetInput::Closed { reason });
        }
    };
    reports.report(NetInput::Opened);
    let (sink, stream) = socket.split();
    let (heard, last_heard) = watch::channel(Instant::now());
    // Both halves run beside each other, so that two sides that both send much still take each other's messages;
    // the reading one first, so that what came while the engine was busy counts as heard.
    let ended = tokio::select! {
        biased;
        reason = read(stream, &reports, heard) => Some(reason),
        ended = write(sink, &mut unsent, &options, last_heard) => ended,
    };
    if let Some(reason) = ended {
        reports.report(NetInput::Closed { reason });
    }
}

async fn open(options: &NetOptions, url: &str) -> Result<Socket, String> {
    let mut limits = WebSocketConfig::default();
    limits.max_message_size = Some(MAX_FRAME_BYTES);
    limits.max_frame_size = Some(MAX_FRAME_BYTES);
    let is_tls = url.starts_with("wss:");
    let connector = if is_tls {
        let config = options
            .roots
            .config()
            .map_err(|error| format!("TLS cannot be used: {error}"))?;
        Connector::Rustls(config)
    } else {
        Connector::Plain
    };
    connect_async_tls_with_config(url, Some(limits), true, Some(connector))
        .await
        .map(|(socket, _)| socket)
        .map_err(|error| found::instead(&error, is_tls))
}

/// Writes what is given; ends without a reason when there is no more to come.
async fn write(
    mut sink: SplitSink<Socket, Message>,
    unsent: &mut UnboundedReceiver<Unsent>,
    options: &NetOptions,
    heard: watch::Receiver<Instant>,
) -> Option<String> {
    let mut asked: Option<Instant> = None;
    loop {
        let wake = match unanswered(asked, &heard) {
            Some(asked) => asked + options.pong,
            None => *heard.borrow() + options.ping,
        };
        let (message, count) = tokio::select! {
            next = unsent.recv() => match next {
                Some(mut next) => (Message::Binary(std::mem::take(&mut next.bytes).into()), Some(next)),
                None => {
                    drop(timeout(options.farewell, sink.close()).await);
                    return None;
                }
            },
            () = tokio::time::sleep_until(wake) => match unanswered(asked, &heard) {
                Some(asked) if asked.elapsed() >= options.pong => return Some(silent()),
                None if heard.borrow().elapsed() >= options.ping => {
                    asked = Some(Instant::now());
                    (Message::Ping(Vec::new().into()), None)
                }
                // Something was heard meanwhile.
                _ => continue,
            },
        };
        match timeout(options.pong, sink.send(message)).await {
            // What the network has taken does not count as unsent any more.
            Ok(Ok(())) => drop(count),
            Ok(Err(error)) => return Some(loss(&error)),
            Err(_) => return Some(silent()),
        }
    }
}

/// Gives when the relay was asked for a sign of life, if it has given none since.
fn unanswered(asked: Option<Instant>, heard: &watch::Receiver<Instant>) -> Option<Instant> {
    asked.filter(|asked| *asked > *heard.borrow())
}

fn silent() -> String {
    "the relay gives no sign of life".to_owned()
}

/// Says for a person why an open connection ended; the engine may put before it that the connection was lost.
fn loss(error: &Error) -> String {
    match error {
        Error::Io(error) => format!("the network failed: {error}"),
        Error::ConnectionClosed | Error::AlreadyClosed => {
            "the relay closed the connection".to_owned()
        }
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => {
            "the relay ended without a word".to_owned()
        }
        Error::Protocol(error) => format!("what answers does not speak as a relay: {error}"),
        other => format!("the network failed: {other}"),
    }
}

/// Reads what comes; gives the reason why nothing more will.
async fn read(
    mut stream: SplitStream<Socket>,
    reports: &Reports,
    heard: watch::Sender<Instant>,
) -> String {
    while let Some(message) = stream.next().await {
        heard.send_replace(Instant::now());
        match message {
            Ok(Message::Binary(bytes)) => reports.report(NetInput::Frame(bytes.into())),
            Ok(Message::Close(Some(frame))) if !frame.reason.is_empty() => {
                return format!("the relay closed the connection: {}", frame.reason);
            }
            Ok(Message::Close(_)) => break,
            Ok(Message::Text(_)) => {
                return "what answers at this address speaks, but not as a relay".to_owned();
            }
            Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)) => {}
            Err(error) => return loss(&error),
        }
    }
    "the relay closed the connection".to_owned()
}
