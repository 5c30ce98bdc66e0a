//! One client's WebSocket around the state machine of `sync`.
//!
//! The task of a connection does one thing at a time: it feeds the state machine, acts on what follows, and waits for
//! the next event. A second task writes to the socket, so a client that does not read stops nothing but itself.

use std::{sync::Arc, time::Duration};

use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use futures_util::{
    SinkExt, StreamExt,
    future::BoxFuture,
    stream::{FuturesUnordered, SplitSink},
};
use protocol::{Frame, Nonce, RosterAppend, RosterMore};
use sync::relay::{Connection, Input, Output};
use tokio::{
    runtime::{Handle, RuntimeFlavor},
    sync::{mpsc, watch},
    task::block_in_place,
    time::{Instant, sleep_until, timeout},
};
use tracing::{debug, info};

use crate::{
    answer::{self, Told},
    clock::{self, now_ms},
    hub::{Failed, Growth, Hub},
    log::FeedRange,
    logging::Short,
    pace::Pace,
    space::{Now, Space},
};

/// How often a quiet client is asked whether it is still there.
const PING_EVERY: Duration = Duration::from_secs(20);

/// How long a client may say nothing at all, not even the answer to a ping.
const IDLE_LIMIT: Duration = Duration::from_secs(60);

/// How long one message may take to leave; a client that reads nothing is dropped after it.
const WRITE_LIMIT: Duration = Duration::from_secs(60);

/// How long the last messages of a connection may take to leave.
const FAREWELL_LIMIT: Duration = Duration::from_secs(5);

/// The bytes above which a frame is handled where blocking is allowed.
const HEAVY_FRAME_BYTES: usize = 32 * 1024;

/// How many messages may wait for the socket: what the state machine lets wait, and room for pings and refusals.
const QUEUE_MESSAGES: usize = sync::relay::MAX_UNWRITTEN + sync::relay::MAX_PENDING + 16;

/// A message for the socket, and whether the state machine waits to hear that it has left.
type Outgoing = (Message, bool);

/// What an answer brings besides the input for the state machine.
type Answer = (Input, Option<Arc<Space>>);

struct Shell {
    hub: Arc<Hub>,
    machine: Connection,
    space: Option<Arc<Space>>,
    now: Option<watch::Receiver<Now>>,
    told: Told,
    answers: FuturesUnordered<BoxFuture<'static, Answer>>,
    outgoing: mpsc::Sender<Outgoing>,
    pace: Pace,
    read_again: Instant,
    heard: Instant,
    ping_at: Instant,
    number: u64,
}

/// Serves one client until either side ends it.
pub(crate) async fn serve(
    socket: WebSocket,
    hub: Arc<Hub>,
    mut shutdown: watch::Receiver<bool>,
    number: u64,
) {
    let (sink, mut stream) = socket.split();
    let (outgoing, queue) = mpsc::channel(QUEUE_MESSAGES);
    let (left, mut written) = mpsc::channel(QUEUE_MESSAGES);
    let mut writing = tokio::spawn(write(sink, queue, left));
    let mut shell = Shell::new(hub, outgoing, number);
    let mut told = false;
    debug!(connection = number, "opened");
    while shell.act().await {
        let wake = shell.wake_at();
        let reads = shell.machine.wants_frames() && Instant::now() >= shell.read_again;
        let input = tokio::select! {
            message = stream.next(), if reads => match message {
                Some(Ok(message)) => shell.heard(message),
                Some(Err(error)) => {
                    debug!(connection = number, %error, "the socket failed");
                    break;
                }
                None => break,
            },
            Some((input, space)) = shell.answers.next(), if !shell.answers.is_empty() => {
                shell.opened(space);
                Some(input)
            }
            input = grown(&mut shell.now, &mut shell.told) => Some(input),
            left = written.recv() => match left {
                Some(()) => Some(Input::Written),
                None => break,
            },
            () = sleep_until(wake) => match shell.woke() {
                Some(input) => Some(input),
                None => break,
            },
            changed = shutdown.changed(), if !told => {
                told = true;
                changed.is_ok().then_some(Input::ShutDown)
            }
        };
        if let Some(input) = input {
            shell.handle(input);
        }
    }
    drop((shell, written));
    // What was said last, a refusal or a farewell, still leaves if the client reads it.
    if timeout(FAREWELL_LIMIT, &mut writing).await.is_err() {
        writing.abort();
    }
    debug!(connection = number, "closed");
}

/// Waits until the workspace has news.
async fn grown(now: &mut Option<watch::Receiver<Now>>, told: &mut Told) -> Input {
    let Some(receiver) = now else {
        return std::future::pending().await;
    };
    while receiver.changed().await.is_ok() {
        let current = receiver.borrow_and_update().clone();
        if let Some(news) = told.news(&current) {
            // What else has changed is told in the next turn.
            receiver.mark_changed();
            return news;
        }
    }
    std::future::pending().await
}

/// Writes what is queued, and tells of each message that has left.
async fn write(
    mut sink: SplitSink<WebSocket, Message>,
    mut queue: mpsc::Receiver<Outgoing>,
    left: mpsc::Sender<()>,
) {
    while let Some((message, is_counted)) = queue.recv().await {
        match timeout(WRITE_LIMIT, sink.send(message)).await {
            Ok(Ok(())) => {}
            // Dropping `left` tells the connection.
            _ => return,
        }
        if is_counted && left.send(()).await.is_err() {
            // The connection has ended; what it queued before still leaves.
            continue;
        }
    }
    let farewell = Message::Close(Some(CloseFrame {
        code: close_code::NORMAL,
        reason: "".into(),
    }));
    drop(timeout(WRITE_LIMIT, sink.send(farewell)).await);
}

/// Tells whether a frame adds to the roster, however small; what it asks for is judged against all of the roster.
fn is_of_roster(frame: &[u8]) -> bool {
    matches!(
        Frame::tag_of(frame),
        Some(RosterMore::TAG | RosterAppend::TAG)
    )
}

impl Shell {
    fn new(hub: Arc<Hub>, outgoing: mpsc::Sender<Outgoing>, number: u64) -> Self {
        let now = Instant::now();
        let nonce = Nonce::from_bytes(clock::random());
        Shell {
            machine: Connection::new(hub.relay(), nonce, now_ms()),
            hub,
            space: None,
            now: None,
            told: Told::default(),
            answers: FuturesUnordered::new(),
            outgoing,
            pace: Pace::new(now_ms()),
            read_again: now,
            heard: now,
            ping_at: now + PING_EVERY,
            number,
        }
    }

    fn handle(&mut self, input: Input) {
        let was_in = self.machine.peer().is_some();
        let is_heavy = match &input {
            Input::Frame(bytes) => bytes.len() > HEAVY_FRAME_BYTES || is_of_roster(bytes),
            _ => false,
        };
        let handle = || self.machine.handle(now_ms(), input);
        // Verifying a large push takes a while, during which this thread serves nobody else.
        if is_heavy && Handle::current().runtime_flavor() == RuntimeFlavor::MultiThread {
            block_in_place(handle);
        } else {
            handle();
        }
        if let (false, Some((workspace, key))) = (was_in, self.machine.peer()) {
            let (workspace, key) = (Short(workspace.as_bytes()), Short(key.as_bytes()));
            info!(connection = self.number, %workspace, %key, "let in");
        }
    }

    /// Does all that follows from the last input; returns whether the connection goes on.
    async fn act(&mut self) -> bool {
        while let Some(output) = self.machine.poll() {
            if !self.act_on(output).await {
                return false;
            }
        }
        true
    }

    async fn act_on(&mut self, output: Output) -> bool {
        let hub = Arc::clone(&self.hub);
        match output {
            Output::Send(bytes) => {
                let message = Message::Binary(bytes.into());
                return self.outgoing.try_send((message, true)).is_ok();
            }
            Output::Close { reason } => {
                info!(connection = self.number, reason, "ends");
                return false;
            }
            Output::OpenWorkspace { workspace, key } => self.answer(async move {
                match hub.open(workspace, key).await {
                    Ok((found, space)) => (Input::Workspace(found), space),
                    Err(Failed) => (Input::Failed, None),
                }
            }),
            Output::CreateWorkspace { workspace, entries } => self.answer(async move {
                match hub.create(workspace, entries).await {
                    Ok(Ok(space)) => (Input::Created(Ok(space.now().roster)), Some(space)),
                    Ok(Err(why)) => (Input::Created(Err(why)), None),
                    Err(Failed) => (Input::Failed, None),
                }
            }),
            output => return self.act_in_workspace(output).await,
        }
        true
    }

    /// Does what needs the workspace, which the state machine knows to be open.
    async fn act_in_workspace(&mut self, output: Output) -> bool {
        let Some(space) = self.space.clone() else {
            return false;
        };
        let hub = Arc::clone(&self.hub);
        match output {
            Output::FindPlace { feed, cursor } => self.answer(async move {
                let head = space.now().head;
                let found = hub.place(space.id, feed, cursor).await;
                let input = found.map(|(running, own)| Input::Place { head, running, own });
                (input.unwrap_or(Input::Failed), None)
            }),
            Output::ReadLog {
                after,
                max_bytes,
                max_entries,
            } => self.answer(async move {
                let read = hub.read(&space, after, max_bytes, max_entries).await;
                let input = read.map(|entries| Input::LogRead { entries });
                (input.unwrap_or(Input::Failed), None)
            }),
            Output::Append { judged, judged_by } => {
                debug!(
                    connection = self.number,
                    envelopes = judged.run.envelopes.len(),
                    "push"
                );
                let durable = self.hub.append(&space, judged, judged_by).await;
                self.answer(async move {
                    let written = durable.await;
                    let input = written.map(|written| answer::to_append(written, &space));
                    (input.unwrap_or(Input::Failed), None)
                });
            }
            Output::AppendCarried {
                runs,
                feeds,
                judged_by,
            } => {
                debug!(connection = self.number, runs = runs.len(), "carried");
                let durable = self.hub.carry(&space, runs, feeds, judged_by).await;
                self.answer(async move {
                    let input = durable.await.map(answer::to_carry);
                    (input.unwrap_or(Input::Failed), None)
                });
            }
            Output::Compare { known } => self.answer(async move {
                let compared = hub.compare(space.id, known).await;
                let input = compared.map(Input::Compared);
                (input.unwrap_or(Input::Failed), None)
            }),
            Output::ReadFeed {
                feed,
                from,
                to,
                max_bytes,
                max_envelopes,
            } => self.answer(async move {
                let range = FeedRange {
                    feed,
                    from,
                    to,
                    max_bytes,
                    max_envelopes,
                };
                let read = hub.read_feed(space.id, range).await;
                let input = read.map(|piece| Input::FeedRead {
                    envelopes: piece.envelopes,
                    is_held: piece.is_held,
                });
                (input.unwrap_or(Input::Failed), None)
            }),
            Output::AppendRoster {
                expected,
                keep,
                entries,
                roster,
                effects,
            } => {
                let grown = Arc::clone(&roster);
                let growth = Growth {
                    expected,
                    keep,
                    entries,
                    effects,
                };
                let durable = self.hub.append_roster(&space, roster, growth).await;
                self.answer(async move {
                    let written = durable.await;
                    let input = written.map(|written| answer::to_roster(written, grown, &space));
                    (input.unwrap_or(Input::Failed), None)
                });
            }
            Output::Send(_)
            | Output::Close { .. }
            | Output::OpenWorkspace { .. }
            | Output::CreateWorkspace { .. } => {}
        }
        true
    }

    fn answer(&self, answer: impl Future<Output = Answer> + Send + 'static) {
        self.answers.push(Box::pin(answer));
    }

    /// Begins to follow the workspace, once.
    fn opened(&mut self, space: Option<Arc<Space>>) {
        if let Some(space) = space {
            let mut now = space.follow();
            // What has happened since the state machine's answer was made is told in the next turn.
            now.mark_changed();
            self.now = Some(now);
            self.space = Some(space);
        }
    }

    /// Takes a message from the socket.
    fn heard(&mut self, message: Message) -> Option<Input> {
        self.heard = Instant::now();
        // A ping costs work too, so it counts like the smallest frame.
        let (bytes, roster_entries, input) = match message {
            Message::Binary(bytes) => {
                let roster_entries = match &self.space {
                    Some(space) if is_of_roster(&bytes) => space.roster_entries(),
                    _ => 0,
                };
                (
                    bytes.len(),
                    roster_entries,
                    Some(Input::Frame(bytes.into())),
                )
            }
            Message::Text(text) => (text.len(), 0, Some(Input::NotBinary)),
            Message::Ping(bytes) | Message::Pong(bytes) => (bytes.len(), 0, None),
            Message::Close(_) => (0, 0, None),
        };
        let wait = self.pace.take(now_ms(), bytes, roster_entries);
        self.read_again = self.heard + Duration::from_millis(wait);
        input
    }

    fn wake_at(&self) -> Instant {
        let mut wake = self.ping_at;
        if let Some(deadline) = self.machine.deadline() {
            let left = Duration::from_millis(deadline.saturating_sub(now_ms()));
            wake = wake.min(Instant::now() + left);
        }
        if self.read_again > Instant::now() {
            wake = wake.min(self.read_again);
        }
        wake
    }

    /// Asks a quiet client whether it is there; none when it has been quiet for too long.
    fn woke(&mut self) -> Option<Input> {
        let now = Instant::now();
        if now >= self.ping_at {
            self.ping_at = now + PING_EVERY;
            // While its frames are left unread, its answers are too; then the time limit on writing holds.
            if self.machine.wants_frames() && now >= self.heard + IDLE_LIMIT {
                info!(connection = self.number, "ends: the client is silent");
                return None;
            }
            let ping = Message::Ping(Vec::new().into());
            // A full queue has enough in it to show whether the client is there.
            drop(self.outgoing.try_send((ping, false)));
        }
        Some(Input::Tick)
    }
}
