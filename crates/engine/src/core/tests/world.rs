//! People with an engine each, and a relay in memory between them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use model::intent::{Assignment, Capture, Intent};
use model::{Kind, RecordId, Role};
use protocol::{Nonce, WorkspaceId};
use store::{Backend, FaultBackend, Store};
use sync::relay::{Connection, Input, Output as RelayOutput};
use vault::SigningIdentity;

use super::log;
use crate::core::Core;
use crate::headless::{Headless, NetInput, Output, Surroundings};
use crate::interface::*;

/// The moment at which the tests begin: 23 November 2026, 9:00 in UTC.
const BEGIN_MS: i64 = 1_795_424_400_000;

/// What does not belong to a store: keys, clock, randomness.
pub(crate) struct Desk {
    pub(crate) now_ms: Arc<Mutex<i64>>,
    keys: Arc<Mutex<Option<Vec<u8>>>>,
    random: u64,
}

impl Surroundings for Desk {
    fn now_ms(&self) -> i64 {
        let mut now = self.now_ms.lock().unwrap();
        *now += 1;
        *now
    }

    fn zone(&self) -> String {
        "Europe/Berlin".to_owned()
    }

    fn fill_random(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            self.random = self
                .random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            *byte = (self.random >> 33) as u8;
        }
    }

    fn keys(&self) -> Result<Option<Vec<u8>>, String> {
        Ok(self.keys.lock().unwrap().clone())
    }

    fn keep_keys(&mut self, keys: &[u8]) -> Result<(), String> {
        *self.keys.lock().unwrap() = Some(keys.to_vec());
        Ok(())
    }

    fn place(&self) -> String {
        "memory".to_owned()
    }

    fn store_bytes(&self) -> Option<u64> {
        None
    }
}

/// A person at a device.
pub(crate) struct Person {
    pub(crate) core: Core,
    pub(crate) disk: FaultBackend,
    pub(crate) now_ms: Arc<Mutex<i64>>,
    keys: Arc<Mutex<Option<Vec<u8>>>>,
    seed: u64,
    calls: u64,
}

impl Person {
    pub(crate) fn new(seed: u64) -> Self {
        let disk = FaultBackend::new();
        let now_ms = Arc::new(Mutex::new(BEGIN_MS));
        let keys = Arc::new(Mutex::new(None));
        let core = Self::open(&disk, &now_ms, &keys, seed);
        Self {
            core,
            disk,
            now_ms,
            keys,
            seed,
            calls: 0,
        }
    }

    fn open(
        disk: &FaultBackend,
        now_ms: &Arc<Mutex<i64>>,
        keys: &Arc<Mutex<Option<Vec<u8>>>>,
        random: u64,
    ) -> Core {
        Self::try_open(disk, now_ms, keys, random).unwrap()
    }

    fn try_open(
        disk: &FaultBackend,
        now_ms: &Arc<Mutex<i64>>,
        keys: &Arc<Mutex<Option<Vec<u8>>>>,
        random: u64,
    ) -> Result<Core, Failure> {
        let store = Store::open(Backend::fault(disk)).unwrap();
        let desk = Desk {
            now_ms: Arc::clone(now_ms),
            keys: Arc::clone(keys),
            random,
        };
        Core::open(store, Box::new(desk))
    }

    /// Pulls the plug and starts again from what was synced.
    pub(crate) fn restart(&mut self) {
        self.disk.die();
        self.disk = self.disk.restart(None);
        self.seed += 1_000;
        self.core = Self::open(&self.disk, &self.now_ms, &self.keys, self.seed);
    }

    /// Copies the home, as a backup or a cloned disk does: another machine with the same store and the same keys.
    pub(crate) fn copy(&self, seed: u64) -> Self {
        let disk = FaultBackend::from_image(self.disk.image());
        let now_ms = Arc::new(Mutex::new(*self.now_ms.lock().unwrap()));
        let keys = Arc::new(Mutex::new(self.keys.lock().unwrap().clone()));
        let core = Self::open(&disk, &now_ms, &keys, seed);
        Self {
            core,
            disk,
            now_ms,
            keys,
            seed,
            calls: 0,
        }
    }

    /// Gives the keys of this device, as a copy of the home has them.
    pub(crate) fn keys(&self) -> Option<Vec<u8>> {
        self.keys.lock().unwrap().clone()
    }

    /// Starts again with other keys beside the same store; the failure is that of opening.
    pub(crate) fn restart_with(&mut self, keys: Option<Vec<u8>>) -> Result<(), Failure> {
        *self.keys.lock().unwrap() = keys;
        self.disk.die();
        self.disk = self.disk.restart(None);
        self.seed += 1_000;
        self.core = Self::try_open(&self.disk, &self.now_ms, &self.keys, self.seed)?;
        Ok(())
    }

    /// Starts again beside an empty store, with the keys of before.
    pub(crate) fn lose_store(&mut self) {
        self.disk = FaultBackend::new();
        self.core = Self::open(&self.disk, &self.now_ms, &self.keys, self.seed + 1);
    }

    /// Asks something that is answered at once.
    pub(crate) fn ask(&mut self, request: Request) -> Result<Answer, Failure> {
        let id = self.send(request);
        self.answer(id).expect("the request is answered at once")
    }

    pub(crate) fn send(&mut self, request: Request) -> CallId {
        self.calls += 1;
        self.core.call(
            1,
            Call {
                id: self.calls,
                request,
            },
        );
        self.calls
    }

    fn answer(&mut self, call: CallId) -> Option<Result<Answer, Failure>> {
        while let Some(output) = self.core.poll() {
            match output {
                Output::Tell(_, Message::Answer { id, ok }) if id == call => return Some(Ok(ok)),
                Output::Tell(_, Message::Failure { id, error }) if id == Some(call) => {
                    return Some(Err(error));
                }
                Output::Tell(..) => {}
                other => panic!("{other:?} needs the network"),
            }
        }
        None
    }

    pub(crate) fn act(&mut self, intent: Intent) -> Outcome {
        match self.ask(Request::Do {
            intent_id: None,
            batch: None,
            intent,
        }) {
            Ok(Answer::Done(outcome)) => outcome,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn query(&mut self, query: Query) -> Answer {
        self.ask(Request::Query(query)).unwrap()
    }

    pub(crate) fn status(&mut self) -> StatusAnswer {
        match self.query(Query::Status) {
            Answer::Status(status) => *status,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn list(&mut self, kind: Kind) -> Vec<Row> {
        match self.query(Query::List(ListQuery::of(kind))) {
            Answer::List(list) => list.rows,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn record(&mut self, record: RecordId) -> RecordAnswer {
        match self.query(Query::Record { record }) {
            Answer::Record(record) => *record,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn merged(&mut self) -> Vec<MergedAnswer> {
        match self.query(Query::Merged { all: true }) {
            Answer::Merged(merged) => merged,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn capture(&mut self, company: &str) -> RecordId {
        let fields = vec![
            Assignment::set("company", company),
            Assignment::set("family", "Berg"),
        ];
        self.act(Intent::Capture(Capture {
            fields,
            ..Capture::default()
        }))
        .done
        .records[0]
    }
}

/// The relay, with one connection at a time.
pub(crate) struct Relay {
    pub(crate) store: log::Store,
    pub(crate) is_away: bool,
    identity: SigningIdentity,
    nonces: u8,
    pub(crate) bytes: BTreeMap<&'static str, usize>,
    /// How many frames have come from it.
    pub(crate) frames: usize,
    /// What happens to the roster after how many frames from now.
    pub(crate) interruption: Option<Interruption>,
}

pub(crate) type Interruption = (usize, Box<dyn FnOnce(&mut log::Space)>);

impl Relay {
    pub(crate) fn new() -> Self {
        Self::with_key(77)
    }

    /// Makes a relay with a key of its own.
    pub(crate) fn with_key(seed: u8) -> Self {
        Self {
            store: log::Store::new(),
            is_away: false,
            identity: SigningIdentity::from_seed(&[seed; 32]),
            nonces: 0,
            bytes: BTreeMap::new(),
            frames: 0,
            interruption: None,
        }
    }

    /// Makes a second relay that is the same until now: one relay that tells some people one thing and some another.
    pub(crate) fn twin(&self) -> Self {
        Self {
            store: log::Store {
                spaces: self.store.spaces.iter().map(same_space).collect(),
                ..log::Store::new()
            },
            identity: self.identity.clone(),
            ..Self::new()
        }
    }

    /// Lets a person ask something that the relay is met for, until it is answered.
    pub(crate) fn ask(&mut self, person: &mut Person, request: Request) -> Result<Answer, Failure> {
        self.ask_all(person, [request])
            .pop()
            .expect("one question has one answer")
    }

    /// Lets a person ask several things before the relay is met for the first of them, until all are answered.
    pub(crate) fn ask_all<const N: usize>(
        &mut self,
        person: &mut Person,
        requests: [Request; N],
    ) -> Vec<Result<Answer, Failure>> {
        let calls = requests.map(|request| person.send(request));
        let mut connection: Option<(Connection, Option<WorkspaceId>)> = None;
        let mut results = BTreeMap::new();
        while let Some(output) = person.core.poll() {
            match output {
                Output::Tell(_, Message::Answer { id, ok }) => {
                    results.insert(id, Ok(ok));
                }
                Output::Tell(_, Message::Failure { id, error }) => {
                    results.insert(id.unwrap_or(0), Err(error));
                }
                Output::Tell(..) => {}
                Output::Disconnect => connection = None,
                Output::Connect { .. } if self.is_away => {
                    person.core.net(NetInput::Closed {
                        reason: "nobody listens".to_owned(),
                    });
                }
                Output::Connect { .. } => {
                    self.nonces += 1;
                    let nonce = Nonce::from_bytes([self.nonces; 32]);
                    connection = Some((
                        Connection::new(Arc::new(self.identity.clone()), nonce, now(person)),
                        None,
                    ));
                    person.core.net(NetInput::Opened);
                }
                Output::Send(bytes) => {
                    *self.bytes.entry("up").or_default() += bytes.len();
                    let Some((connection, workspace)) = connection.as_mut() else {
                        continue;
                    };
                    connection.handle(now(person), Input::Frame(bytes));
                    self.pump(person, connection, workspace);
                }
            }
        }
        let answer = |call| {
            results
                .remove(&call)
                .expect("a request is answered when nothing is left to do")
        };
        calls.into_iter().map(answer).collect()
    }

    fn pump(
        &mut self,
        person: &mut Person,
        connection: &mut Connection,
        workspace: &mut Option<WorkspaceId>,
    ) {
        while let Some(output) = connection.poll() {
            match output {
                RelayOutput::Send(bytes) => {
                    *self.bytes.entry("down").or_default() += bytes.len();
                    // What was on its way when a device hung up reaches nobody.
                    let mut outputs = person.core.outputs.iter();
                    if outputs.any(|one| matches!(one, Output::Disconnect)) {
                        return;
                    }
                    person.core.net(NetInput::Frame(bytes));
                    connection.handle(now(person), Input::Written);
                    self.interrupt_after(person, connection, workspace);
                }
                RelayOutput::Close { .. } => {}
                request => {
                    if let RelayOutput::OpenWorkspace { workspace: id, .. } = &request {
                        *workspace = Some(*id);
                    }
                    let id = workspace.unwrap_or(WorkspaceId::ZERO);
                    let (answer, news) = self.store.answer(now(person), id, request);
                    connection.handle(now(person), answer);
                    if news == log::News::Log {
                        let sequence = self.store.spaces[&id].entries.len() as u64;
                        connection.handle(now(person), Input::LogGrew { sequence });
                        let held = self.store.spaces[&id].held_heads();
                        connection.handle(now(person), Input::HeldChanged(held));
                    }
                }
            }
        }
    }

    /// Changes the roster under a session, after as many frames as a test wants.
    fn interrupt_after(
        &mut self,
        person: &Person,
        connection: &mut Connection,
        workspace: &Option<WorkspaceId>,
    ) {
        self.frames += 1;
        let is_due = |(after, _): &mut Interruption| *after == self.frames;
        if let Some((_, change)) = self.interruption.take_if(is_due)
            && let Some(space) = workspace.and_then(|id| self.store.spaces.get_mut(&id))
        {
            change(space);
            connection.handle(now(person), Input::RosterGrew(Arc::clone(&space.roster)));
        }
    }

    pub(crate) fn sync(&mut self, person: &mut Person) -> SyncAnswer {
        match self.ask(person, Request::Sync { timeout_ms: 5_000 }) {
            Ok(Answer::Synced(answer)) => answer,
            other => panic!("{other:?}"),
        }
    }

    /// Founds a workspace for the first person and lets the others join it.
    pub(crate) fn gather<const N: usize>(&mut self, role: Role) -> [Person; N] {
        let mut people: Vec<Person> = (0..N as u64).map(|at| Person::new(at + 1)).collect();
        let founded = people[0].ask(Request::Found {
            workspace: "Pumps".into(),
            user: "A. Berg".into(),
        });
        assert!(matches!(founded, Ok(Answer::Founded(_))), "{founded:?}");
        let named = self.ask(
            &mut people[0],
            Request::SetRelay {
                url: "http://relay.example".into(),
            },
        );
        assert!(
            matches!(named, Ok(Answer::Synced(SyncAnswer { complete: true, .. }))),
            "{named:?}"
        );
        let (first, others) = people.split_first_mut().expect("somebody founds");
        for (at, other) in others.iter_mut().enumerate() {
            self.let_in(first, other, &format!("Person {}", at + 1), role);
        }
        people
            .try_into()
            .unwrap_or_else(|_| unreachable!("there are as many people as were made"))
    }

    /// Lets somebody join by an invite of a member who may make one.
    pub(crate) fn let_in(&mut self, by: &mut Person, new: &mut Person, user: &str, role: Role) {
        let invite = Request::Invite {
            user: Some(user.to_owned()),
            email: None,
            role,
            member: None,
        };
        let Ok(Answer::Invited(invited)) = self.ask(by, invite) else {
            panic!("no invite")
        };
        let joined = self.ask(new, Request::Join { link: invited.link });
        assert!(matches!(joined, Ok(Answer::Founded(_))), "{joined:?}");
    }
}

fn same_space((id, space): (&WorkspaceId, &log::Space)) -> (WorkspaceId, log::Space) {
    let same = log::Space {
        roster: Arc::clone(&space.roster),
        entries: space.entries.clone(),
        epoch: space.epoch,
        running: space.running.clone(),
        held: BTreeMap::new(),
        held_limit: space.held_limit,
    };
    (*id, same)
}

fn now(person: &Person) -> u64 {
    person.now_ms.lock().unwrap().cast_unsigned()
}
