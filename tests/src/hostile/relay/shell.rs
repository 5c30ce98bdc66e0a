//! A relay without sockets: the state machine of each connection over the log in memory.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use handschlag_relay::log::{ChangeLog, FeedRange, MemoryLog, RosterPiece, Write, Written};
use protocol::{
    Blob, Cut, Entry, Frame, LogEpoch, LogHash, Nonce, WorkspaceId, limits::MAX_FRAME_BYTES,
};
use sync::relay::{
    Connection, Found, Input, MAX_PENDING, MAX_UNWRITTEN, Output, RosterAppended, cut_of,
};
use vault::{Roster, SigningIdentity, verify_for_keeping};

use crate::hostile::keys::{Company, NOW_MS};

/// How many messages may wait for a socket before the relay gives its client up, as in the real one.
const QUEUE_MESSAGES: usize = MAX_UNWRITTEN + MAX_PENDING + 16;

/// The most turns in which everything must have become quiet.
const MAX_TURNS: usize = 2_000;

/// The durable half of a relay, and the rosters that it has open.
pub(super) struct Relay {
    log: MemoryLog,
    identity: Arc<SigningIdentity>,
    rosters: HashMap<WorkspaceId, Arc<Roster>>,
    /// Its clock, ms since 1970.
    pub(super) now_ms: u64,
    grown: bool,
}

/// One connection, what it waits for, and what its client heard.
pub(super) struct Shell {
    machine: Connection,
    workspace: WorkspaceId,
    requests: VecDeque<Output>,
    unwritten: usize,
    is_closed: bool,
    told: Option<(protocol::RosterHash, u64)>,
    /// The frames that the client was sent and has not looked at.
    pub(super) heard: Vec<Frame>,
}

impl Relay {
    /// Begins with the workspace of all targets.
    pub(super) fn new() -> Self {
        let roster = Company::get().roster.clone();
        let log = MemoryLog::new();
        let workspace = roster.workspace();
        let mut relay = Self {
            log,
            identity: Arc::new(SigningIdentity::from_seed(&[77; 32])),
            rosters: HashMap::new(),
            now_ms: NOW_MS,
            grown: false,
        };
        relay.create(workspace, roster.entries());
        relay
    }

    fn create(&mut self, workspace: WorkspaceId, entries: &[Blob]) -> bool {
        let write = Write::Create {
            workspace,
            epoch: LogEpoch::from_bytes([3; 16]),
            roster: pieces(entries),
            quota: 3,
        };
        let Written::Created(_) = self.commit(write) else {
            return false;
        };
        let stored = self.log.workspace(&workspace).expect("reads");
        let stored = stored.expect("was created");
        let roster = Roster::from_entries(stored.roster.iter().map(|piece| &piece.bytes));
        let roster = roster.expect("what the relay stored it can read");
        self.rosters.insert(workspace, Arc::new(roster));
        true
    }

    fn commit(&mut self, write: Write) -> Written {
        let mut written = self.log.commit(vec![write]).expect("memory does not fail");
        self.grown = true;
        written.remove(0)
    }

    /// Gives the roster of the workspace of all targets.
    pub(super) fn roster(&self) -> &Roster {
        &self.rosters[&Company::get().roster.workspace()]
    }

    /// Gives the life of the log.
    pub(super) fn epoch(&self) -> LogEpoch {
        LogEpoch::from_bytes([3; 16])
    }

    /// Gives a running hash of the log, or a false one.
    pub(super) fn running(&self, byte: u8) -> LogHash {
        let workspace = Company::get().roster.workspace();
        let at = u64::from(byte % 8);
        let found = self.log.running_hash(&workspace, at).expect("reads");
        found.unwrap_or(LogHash::from_bytes([byte; 32]))
    }

    /// Counts the entries of the log.
    pub(super) fn log_length(&self) -> usize {
        let workspace = Company::get().roster.workspace();
        let stored = self.log.workspace(&workspace).expect("reads");
        stored.expect("is there").head.sequence as usize
    }

    /// Takes a connection.
    pub(super) fn connect(&self) -> Shell {
        Shell {
            machine: Connection::new(
                Arc::clone(&self.identity),
                Nonce::from_bytes([self.log_length() as u8; 32]),
                self.now_ms,
            ),
            workspace: WorkspaceId::ZERO,
            requests: VecDeque::new(),
            unwritten: 0,
            is_closed: false,
            told: None,
            heard: Vec::new(),
        }
    }

    /// Tells connections what has grown, as the real relay does: whenever something may have.
    pub(super) fn spread(&mut self, shells: &mut [&mut Shell]) {
        if !std::mem::take(&mut self.grown) {
            return;
        }
        for shell in shells {
            let Some(stored) = self.log.workspace(&shell.workspace).expect("reads") else {
                continue;
            };
            let roster = &self.rosters[&shell.workspace];
            let now = (roster.head(), stored.head.sequence);
            let before = shell.told.replace(now);
            if before.is_none_or(|(head, _)| head != now.0) {
                shell.handle(self.now_ms, Input::RosterGrew(Arc::clone(roster)));
            }
            shell.handle(self.now_ms, Input::HeldChanged(stored.held.into()));
            if before.is_none_or(|(_, sequence)| sequence != now.1) {
                let sequence = stored.head.sequence;
                shell.handle(self.now_ms, Input::LogGrew { sequence });
            }
        }
    }

    /// Goes on until nothing moves.
    pub(super) fn settle(&mut self, shells: &mut [&mut Shell]) {
        for _ in 0..MAX_TURNS {
            let mut is_quiet = true;
            for shell in &mut *shells {
                while !shell.requests.is_empty() {
                    is_quiet = false;
                    self.answer(shell);
                }
                while shell.unwritten > 0 {
                    is_quiet = false;
                    shell.written(self.now_ms);
                }
            }
            self.spread(shells);
            if is_quiet {
                return;
            }
        }
        panic!("it never becomes quiet");
    }

    /// Answers what a connection asked for first.
    pub(super) fn answer(&mut self, shell: &mut Shell) {
        let Some(request) = shell.requests.pop_front() else {
            return;
        };
        let input = match request {
            Output::OpenWorkspace { workspace, key } => {
                shell.workspace = workspace;
                self.grown = true;
                match self.rosters.get(&workspace) {
                    Some(roster) if roster.knows(&key) => {
                        Input::Workspace(Found::Known(Arc::clone(roster)))
                    }
                    Some(_) => Input::Workspace(Found::Stranger),
                    None => Input::Workspace(Found::MayBegin),
                }
            }
            Output::CreateWorkspace { workspace, entries } => {
                match self.create(workspace, &entries) {
                    true => Input::Created(Ok(Arc::clone(&self.rosters[&workspace]))),
                    false => Input::Created(Err(sync::relay::NotCreated::OverQuota)),
                }
            }
            other => self.answer_within(shell.workspace, other),
        };
        shell.handle(self.now_ms, input);
    }

    fn answer_within(&mut self, workspace: WorkspaceId, request: Output) -> Input {
        let roster = Arc::clone(&self.rosters[&workspace]);
        let received_ms = self.now_ms;
        let log = &self.log;
        match request {
            Output::FindPlace { feed, cursor } => Input::Place {
                head: log
                    .workspace(&workspace)
                    .expect("reads")
                    .expect("is there")
                    .head,
                running: cursor.and_then(|at| log.running_hash(&workspace, at).expect("reads")),
                own: feed.and_then(|feed| log.feed_end(&workspace, &feed).expect("reads")),
            },
            Output::ReadLog {
                after,
                max_bytes,
                max_entries,
            } => Input::LogRead {
                entries: log
                    .read(&workspace, after, max_bytes, max_entries)
                    .expect("reads"),
            },
            Output::Compare { known } => {
                let compared = log.compare(&workspace, &known).expect("reads");
                Input::Compared(compared.expect("is there"))
            }
            Output::ReadFeed {
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
                let piece = log.read_feed(&workspace, range).expect("reads");
                Input::FeedRead {
                    envelopes: piece.envelopes,
                    is_held: piece.is_held,
                }
            }
            Output::Append { judged, judged_by } => {
                let cut = match roster.head() == judged_by {
                    true => judged.cut,
                    false => match cut_of(&roster, &judged.run.feed) {
                        Some(cut) => cut,
                        None => return Input::Outdated(roster),
                    },
                };
                match self.commit(Write::Append {
                    workspace,
                    received_ms,
                    run: judged.run,
                    cut,
                }) {
                    Written::Appended { outcome, .. } => Input::Appended(outcome),
                    other => panic!("{other:?}"),
                }
            }
            Output::AppendCarried {
                mut runs,
                feeds,
                judged_by,
            } => {
                if roster.head() != judged_by {
                    runs.retain_mut(|judged| match cut_of(&roster, &judged.run.feed) {
                        Some(now) => {
                            judged.cut = now;
                            true
                        }
                        None => false,
                    });
                }
                match self.commit(Write::Carry {
                    workspace,
                    received_ms,
                    runs,
                    feeds,
                }) {
                    Written::Carried { heads, .. } => Input::CarriedAppended { heads },
                    other => panic!("{other:?}"),
                }
            }
            Output::AppendRoster {
                expected,
                keep,
                entries,
                roster,
                effects,
            } => {
                let write = Write::Roster {
                    workspace,
                    received_ms,
                    expected,
                    keep,
                    entries: pieces(&entries),
                    effects,
                };
                Input::RosterAppended(match self.commit(write) {
                    Written::RosterGrew { .. } => {
                        self.rosters.insert(workspace, Arc::clone(&roster));
                        RosterAppended::Grew(roster)
                    }
                    Written::CutsDiffer { heads } => RosterAppended::CutsDiffer(heads),
                    Written::RosterMoved => {
                        RosterAppended::Moved(Arc::clone(&self.rosters[&workspace]))
                    }
                    other => panic!("{other:?}"),
                })
            }
            other => panic!("{other:?} asks for nothing"),
        }
    }

    /// Checks that all that is stored is true and whole.
    pub(super) fn check(&self) {
        let workspace = Company::get().roster.workspace();
        let roster = self.roster();
        let stored = self
            .log
            .workspace(&workspace)
            .expect("reads")
            .expect("is there");
        let again = Roster::from_entries(stored.roster.iter().map(|piece| &piece.bytes));
        assert_eq!(again.expect("reads").head(), roster.head());
        let entries = self
            .log
            .read(&workspace, 0, usize::MAX, usize::MAX)
            .expect("reads");
        let mut heads: HashMap<protocol::FeedId, Cut> = HashMap::new();
        for entry in &entries {
            let verified =
                verify_for_keeping(&entry.bytes, roster).expect("what is stored is true");
            let before = heads.insert(entry.feed, verified.cut());
            let previous = verified.header().previous;
            assert_eq!(
                verified.header().sequence,
                before.map_or(0, |cut| cut.sequence) + 1
            );
            assert_eq!(
                previous,
                before.map_or(protocol::EnvelopeHash::ZERO, |cut| cut.hash)
            );
        }
    }
}

impl Shell {
    /// How many things the connection waits for.
    pub(super) fn requests(&self) -> usize {
        self.requests.len()
    }

    /// Gives a frame, unless the connection leaves frames in the socket.
    pub(super) fn frame(&mut self, now_ms: u64, frame: Frame) {
        self.bytes(now_ms, frame.encode());
    }

    /// Gives the bytes of a message likewise.
    pub(super) fn bytes(&mut self, now_ms: u64, bytes: Vec<u8>) {
        if self.machine.wants_frames() {
            self.handle(now_ms, Input::Frame(bytes));
        }
    }

    /// Lets one message leave.
    pub(super) fn written(&mut self, now_ms: u64) {
        if self.unwritten > 0 {
            self.unwritten -= 1;
            self.handle(now_ms, Input::Written);
        }
    }

    /// Gives an input and keeps what follows.
    pub(super) fn handle(&mut self, now_ms: u64, input: Input) {
        if self.is_closed {
            return;
        }
        self.machine.handle(now_ms, input);
        while let Some(output) = self.machine.poll() {
            match output {
                Output::Send(bytes) => {
                    assert!(
                        bytes.len() <= MAX_FRAME_BYTES,
                        "a frame of {} bytes",
                        bytes.len()
                    );
                    self.heard
                        .push(Frame::decode(&bytes).expect("the relay speaks the protocol"));
                    self.unwritten += 1;
                    if self.unwritten > QUEUE_MESSAGES {
                        self.close();
                    }
                }
                Output::Close { .. } => self.close(),
                request => self.requests.push_back(request),
            }
        }
    }

    fn close(&mut self) {
        self.is_closed = true;
        self.unwritten = 0;
        self.requests.clear();
    }
}

/// Gives each entry its hash.
fn pieces(entries: &[Blob]) -> Vec<RosterPiece> {
    entries
        .iter()
        .map(|bytes| RosterPiece {
            hash: Entry::decode(bytes).expect("was verified").hash(),
            bytes: bytes.clone(),
        })
        .collect()
}
