//! The relay without sockets, threads, clock and randomness, for whoever drives it by hand, as a simulation does.
//!
//! It opens workspaces, gathers writes into commits, judges, publishes and answers by the same code as the relay that
//! serves. What that one leaves to chance, namely which of several connections is served next, whether a read ends before
//! a write, when the writer comes round, is the caller's choice here: [`Headless::turn`] and [`Headless::commit`].

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{Arc, Weak},
};

use protocol::{LogEpoch, Nonce, RosterHash, WorkspaceId};
use sync::relay::{Connection, Input, NotCreated, Output as Wanted};
use tokio::sync::oneshot::{self, error::TryRecvError};
use vault::{Roster, SigningIdentity};

use crate::{
    answer::{self, Told},
    args::Creation,
    hub::{Place, find, pieces},
    log::{ChangeLog, FeedRange, LogError, Seed, Write, Written},
    space::Space,
    writer::{self, Job},
};

/// Gives random bytes.
pub type Fill = Box<dyn FnMut(&mut [u8]) + Send>;

/// Names a connection of a relay.
pub type ConnectionId = u64;

/// What the relay wants done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Send one binary message; [`Headless::written`] is wanted when it has left.
    Send(ConnectionId, Vec<u8>),
    /// Close the connection after what was sent.
    Close(ConnectionId),
}

/// What a write will be answered with.
enum Awaited {
    Append,
    Carry,
    Roster(Arc<Roster>),
    Create(WorkspaceId),
}

/// A write on its way through the writer, and whose it is.
struct Await {
    connection: ConnectionId,
    what: Awaited,
    written: oneshot::Receiver<Written>,
}

struct Client {
    machine: Connection,
    space: Option<Arc<Space>>,
    told: Told,
    /// Frames that lie in the socket.
    inbox: VecDeque<Vec<u8>>,
    /// What the state machine wants read.
    reads: VecDeque<Wanted>,
}

/// Something that the relay could do next.
#[derive(Debug, Clone, Copy)]
enum Turn {
    Frame(ConnectionId),
    Read(ConnectionId),
    News(ConnectionId),
    Tick(ConnectionId),
}

/// A relay that is driven by hand.
pub struct Headless {
    log: Arc<dyn ChangeLog>,
    relay: Arc<SigningIdentity>,
    creation: Creation,
    fill: Fill,
    spaces: HashMap<WorkspaceId, Weak<Space>>,
    clients: BTreeMap<ConnectionId, Client>,
    last_connection: ConnectionId,
    queue: VecDeque<Job>,
    awaited: Vec<Await>,
    outputs: VecDeque<Output>,
}

impl std::fmt::Debug for Headless {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Headless")
            .field("clients", &self.clients.len())
            .field("queue", &self.queue.len())
            .finish_non_exhaustive()
    }
}

impl Headless {
    /// Starts over a log; `fill` gives random bytes, `seed` the relay's key unless the log has one.
    ///
    /// # Errors
    /// The log fails.
    pub fn start(
        log: Arc<dyn ChangeLog>,
        creation: Creation,
        seed: Seed,
        fill: Fill,
    ) -> Result<Self, LogError> {
        let relay = Arc::new(SigningIdentity::from_seed(&log.seed(seed)?));
        Ok(Headless {
            log,
            relay,
            creation,
            fill,
            spaces: HashMap::new(),
            clients: BTreeMap::new(),
            last_connection: 0,
            queue: VecDeque::new(),
            awaited: Vec::new(),
            outputs: VecDeque::new(),
        })
    }

    /// Takes a client that has connected; `now_ms` is the relay's clock, ms since 1970, here and below.
    pub fn connect(&mut self, now_ms: u64) -> ConnectionId {
        let mut nonce = [0; 32];
        (self.fill)(&mut nonce);
        self.last_connection += 1;
        let client = Client {
            machine: Connection::new(Arc::clone(&self.relay), Nonce::from_bytes(nonce), now_ms),
            space: None,
            told: Told::default(),
            inbox: VecDeque::new(),
            reads: VecDeque::new(),
        };
        self.clients.insert(self.last_connection, client);
        self.last_connection
    }

    /// Takes a binary message that has arrived at the socket; it is read in a [`Headless::turn`] of its own.
    pub fn arrived(&mut self, connection: ConnectionId, bytes: Vec<u8>) {
        if let Some(client) = self.clients.get_mut(&connection) {
            client.inbox.push_back(bytes);
        }
    }

    /// Hears that a message has left for the client.
    pub fn written(&mut self, now_ms: u64, connection: ConnectionId) {
        self.handle(now_ms, connection, Input::Written);
    }

    /// Hears that the client is gone; what it wrote goes its way all the same.
    pub fn hung_up(&mut self, connection: ConnectionId) {
        self.clients.remove(&connection);
    }

    /// Begins to shut down: what is on its way is finished, then clients are told.
    pub fn shut_down(&mut self, now_ms: u64) {
        let all: Vec<ConnectionId> = self.clients.keys().copied().collect();
        for connection in all {
            self.handle(now_ms, connection, Input::ShutDown);
        }
    }

    /// Counts what could be done now, in any order.
    pub fn turns(&self, now_ms: u64) -> usize {
        self.all_turns(now_ms).len()
    }

    /// Does one of the things that could be done now.
    ///
    /// # Errors
    /// The log fails, and with it the relay.
    pub fn turn(&mut self, now_ms: u64, nth: usize) -> Result<(), LogError> {
        let turns = self.all_turns(now_ms);
        let Some(turn) = turns.get(nth % turns.len().max(1)) else {
            return Ok(());
        };
        match *turn {
            Turn::Frame(connection) => {
                let client = self.clients.get_mut(&connection);
                if let Some(bytes) = client.and_then(|client| client.inbox.pop_front()) {
                    self.handle(now_ms, connection, Input::Frame(bytes));
                }
            }
            Turn::Read(connection) => {
                let client = self.clients.get_mut(&connection);
                if let Some(wanted) = client.and_then(|client| client.reads.pop_front()) {
                    let input = self.read(connection, wanted)?;
                    self.handle(now_ms, connection, input);
                }
            }
            Turn::News(connection) => {
                let client = self.clients.get_mut(&connection);
                let news = client.and_then(|client| {
                    let space = client.space.as_ref()?;
                    client.told.news(&space.now())
                });
                if let Some(news) = news {
                    self.handle(now_ms, connection, news);
                }
            }
            Turn::Tick(connection) => self.handle(now_ms, connection, Input::Tick),
        }
        Ok(())
    }

    /// Counts the writes that wait for the next commit.
    pub fn queued(&self) -> usize {
        self.queue.len()
    }

    /// Does one round of the writer, and gives its answers to those who wait.
    ///
    /// # Errors
    /// The log fails, and with it the relay.
    pub fn commit(&mut self, now_ms: u64) -> Result<(), LogError> {
        if let Some(first) = self.queue.pop_front() {
            let jobs = writer::gather(first, || self.queue.pop_front());
            writer::commit(&*self.log, jobs)?;
        }
        for Await {
            connection,
            what,
            mut written,
        } in std::mem::take(&mut self.awaited)
        {
            match written.try_recv() {
                Ok(written) => self.wrote(now_ms, connection, what, written)?,
                Err(TryRecvError::Empty) => self.awaited.push(Await {
                    connection,
                    what,
                    written,
                }),
                Err(TryRecvError::Closed) => self.handle(now_ms, connection, Input::Failed),
            }
        }
        Ok(())
    }

    /// Returns when a client has to have proved itself, at the earliest.
    pub fn deadline_ms(&self) -> Option<u64> {
        let clients = self.clients.values();
        clients.filter_map(|client| client.machine.deadline()).min()
    }

    /// Gives the next thing that the relay wants done.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn all_turns(&self, now_ms: u64) -> Vec<Turn> {
        let mut turns = Vec::new();
        for (connection, client) in &self.clients {
            let connection = *connection;
            if !client.inbox.is_empty() && client.machine.wants_frames() {
                turns.push(Turn::Frame(connection));
            }
            turns.extend(client.reads.iter().map(|_| Turn::Read(connection)));
            if let Some(space) = &client.space
                && client.told.has_news(&space.now())
            {
                turns.push(Turn::News(connection));
            }
            let deadline = client.machine.deadline();
            if deadline.is_some_and(|deadline| deadline <= now_ms) {
                turns.push(Turn::Tick(connection));
            }
        }
        turns
    }

    fn handle(&mut self, now_ms: u64, connection: ConnectionId, input: Input) {
        let Some(client) = self.clients.get_mut(&connection) else {
            return;
        };
        client.machine.handle(now_ms, input);
        while let Some(client) = self.clients.get_mut(&connection)
            && let Some(output) = client.machine.poll()
        {
            self.act_on(now_ms, connection, output);
        }
    }

    fn act_on(&mut self, now_ms: u64, connection: ConnectionId, output: Wanted) {
        let space = match self.clients.get(&connection) {
            Some(client) => client.space.clone(),
            None => return,
        };
        match (output, space) {
            (Wanted::Send(bytes), _) => self.outputs.push_back(Output::Send(connection, bytes)),
            (Wanted::Close { .. }, _) => {
                self.clients.remove(&connection);
                self.outputs.push_back(Output::Close(connection));
            }
            (Wanted::CreateWorkspace { workspace, entries }, _) => {
                let mut epoch = [0; 16];
                (self.fill)(&mut epoch);
                let write = Write::Create {
                    workspace,
                    epoch: LogEpoch::from_bytes(epoch),
                    roster: pieces(entries),
                    quota: self.creation.quota(),
                };
                let what = Awaited::Create(workspace);
                self.write(connection, what, write, None, None);
            }
            (Wanted::Append { judged, judged_by }, Some(space)) => {
                let write = Write::Append {
                    workspace: space.id,
                    received_ms: now_ms,
                    run: judged.run,
                    cut: judged.cut,
                };
                let by = Some(judged_by);
                self.write(connection, Awaited::Append, write, Some(space), by);
            }
            (
                Wanted::AppendCarried {
                    runs,
                    feeds,
                    judged_by,
                },
                Some(space),
            ) => {
                let write = Write::Carry {
                    workspace: space.id,
                    received_ms: now_ms,
                    runs,
                    feeds,
                };
                let by = Some(judged_by);
                self.write(connection, Awaited::Carry, write, Some(space), by);
            }
            (
                Wanted::AppendRoster {
                    expected,
                    keep,
                    entries,
                    roster,
                    effects,
                },
                Some(space),
            ) => {
                let write = Write::Roster {
                    workspace: space.id,
                    received_ms: now_ms,
                    expected,
                    keep,
                    entries: pieces(entries),
                    effects,
                };
                let what = Awaited::Roster(roster);
                self.write(connection, what, write, Some(space), None);
            }
            (read, _) => {
                if let Some(client) = self.clients.get_mut(&connection) {
                    client.reads.push_back(read);
                }
            }
        }
    }

    fn write(
        &mut self,
        connection: ConnectionId,
        what: Awaited,
        write: Write,
        space: Option<Arc<Space>>,
        judged_by: Option<RosterHash>,
    ) {
        let (answer, written) = oneshot::channel();
        let roster = match &what {
            Awaited::Roster(roster) => Some(Arc::clone(roster)),
            _ => None,
        };
        self.queue.push_back(Job {
            write,
            space,
            roster,
            judged_by,
            is_refused: false,
            answer,
        });
        self.awaited.push(Await {
            connection,
            what,
            written,
        });
    }

    fn wrote(
        &mut self,
        now_ms: u64,
        connection: ConnectionId,
        what: Awaited,
        written: Written,
    ) -> Result<(), LogError> {
        let space = match self.clients.get(&connection) {
            Some(client) => client.space.clone(),
            None => return Ok(()),
        };
        let input = match (what, written, space) {
            (Awaited::Append, written, Some(space)) => answer::to_append(written, &space),
            (Awaited::Carry, written, _) => answer::to_carry(written),
            (Awaited::Roster(roster), written, Some(space)) => {
                answer::to_roster(written, roster, &space)
            }
            (Awaited::Create(_), Written::OverQuota, _) => {
                Input::Created(Err(NotCreated::OverQuota))
            }
            (Awaited::Create(_), Written::Damaged { .. }, _) => Input::Failed,
            (Awaited::Create(id), _, _) => match self.space(id, None)? {
                Place::Open(space) => {
                    let roster = space.now().roster;
                    self.opened(connection, space);
                    Input::Created(Ok(roster))
                }
                Place::Stranger | Place::Nowhere => Input::Created(Err(NotCreated::NotAllowed)),
            },
            _ => Input::Failed,
        };
        self.handle(now_ms, connection, input);
        Ok(())
    }

    fn opened(&mut self, connection: ConnectionId, space: Arc<Space>) {
        if let Some(client) = self.clients.get_mut(&connection) {
            client.space = Some(space);
        }
    }

    /// Returns the open workspace, opening it when it is stored.
    fn space(
        &mut self,
        id: WorkspaceId,
        key: Option<protocol::SignerKey>,
    ) -> Result<Place, LogError> {
        if let Some(space) = self.spaces.get(&id).and_then(Weak::upgrade) {
            return Ok(Place::Open(space));
        }
        let place = find(&*self.log, id, key)?;
        if let Place::Open(space) = &place {
            self.spaces.insert(id, Arc::downgrade(space));
        }
        Ok(place)
    }

    /// Carries out what the state machine wants read.
    fn read(&mut self, connection: ConnectionId, wanted: Wanted) -> Result<Input, LogError> {
        if let Wanted::OpenWorkspace { workspace, key } = wanted {
            let place = self.space(workspace, Some(key))?;
            let (found, space) = place.told(&self.creation, &workspace, &key);
            if let Some(space) = space {
                self.opened(connection, space);
            }
            return Ok(Input::Workspace(found));
        }
        let client = self.clients.get(&connection);
        let Some(space) = client.and_then(|client| client.space.clone()) else {
            return Ok(Input::Failed);
        };
        let log = &*self.log;
        let input = match wanted {
            Wanted::FindPlace { feed, cursor } => {
                let running = match cursor {
                    Some(sequence) => log.running_hash(&space.id, sequence)?,
                    None => None,
                };
                let own = match feed {
                    Some(feed) => log.feed_end(&space.id, &feed)?,
                    None => None,
                };
                let head = space.now().head;
                Input::Place { head, running, own }
            }
            Wanted::ReadLog {
                after,
                max_bytes,
                max_entries,
            } => {
                let recent = space.recent(after, max_bytes, max_entries);
                let entries = match recent {
                    Some(entries) => entries,
                    None => log.read(&space.id, after, max_bytes, max_entries)?,
                };
                Input::LogRead { entries }
            }
            Wanted::Compare { known } => {
                let compared = log.compare(&space.id, &known)?;
                compared.map_or(Input::Failed, Input::Compared)
            }
            Wanted::ReadFeed {
                feed,
                from,
                to,
                max_bytes,
                max_envelopes,
            } => {
                let range = FeedRange {
                    feed,
                    from,
                    to,
                    max_bytes,
                    max_envelopes,
                };
                let piece = log.read_feed(&space.id, range)?;
                Input::FeedRead {
                    envelopes: piece.envelopes,
                    is_held: piece.is_held,
                }
            }
            _ => Input::Failed,
        };
        Ok(input)
    }
}
