//! Owning a home: the engine on a thread of its own, and the socket for other processes.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use super::clock;
use super::home::{Home, Ownership};
use super::inbox::Inbox;
use super::net::{Net, NetOptions};
use super::outbox::MAX_QUEUED_MESSAGES;
use super::remote::{Remote, Unreached};
use super::runner::{Input, Lease, MAX_QUEUED_INPUTS, Runner, engine_stopped};
use super::serving::{OWN_CLIENT, Serving};
use crate::headless::Headless;
use crate::interface::{Call, Failure};

/// How long a home that is owned may stay without an answer; longer than an owner takes to end.
const PATIENCE: Duration = Duration::from_secs(45);
/// The first and the longest pause between two attempts to own or to connect.
const PAUSES: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(50));

/// Makes the engine of a home, on the thread that will run it.
pub type Make = dyn Fn(&Home) -> Result<Box<dyn Headless>, Failure> + Send + Sync;

/// What varies between use and tests.
#[derive(Debug, Clone)]
pub(super) struct Options {
    pub(super) net: NetOptions,
    pub(super) max_queued: usize,
    pub(super) patience: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            net: NetOptions::default(),
            max_queued: MAX_QUEUED_MESSAGES,
            patience: PATIENCE,
        }
    }
}

/// How a home is opened, by its owner or by way of it.
pub(super) struct Opener {
    pub(super) home: Home,
    pub(super) make: Arc<Make>,
    pub(super) options: Options,
}

/// The way to the engine.
pub(super) enum Link {
    /// It runs in this process.
    Owner(Owner),
    /// It runs in another one.
    Remote(Remote),
}

/// Says that a call did not go out.
pub(super) enum Unsent {
    /// The owner ends, or has ended.
    Ending,
    /// It cannot be sent at all.
    Never(Failure),
}

impl Link {
    /// Sends a call; waits while the engine has too much to do.
    pub(super) fn send(&self, call: Call) -> Result<(), Unsent> {
        match self {
            Self::Owner(owner) => {
                let client = OWN_CLIENT;
                let sent = owner.inputs.send(Input::Call { client, call });
                sent.map_err(|_| Unsent::Ending)
            }
            Self::Remote(remote) => remote.send(&call),
        }
    }
}

impl Opener {
    /// Owns the home, or else connects to the process that does.
    ///
    /// While one owner ends and another starts there is nobody to connect to, so both are tried for a while.
    pub(super) fn open(&self, inbox: &Arc<Inbox>) -> Result<Link, Failure> {
        let wrong = |error: io::Error| home_unusable(&self.home, &error);
        self.home.create().map_err(wrong)?;
        let until = clock::instant() + self.options.patience;
        let (mut pause, longest) = PAUSES;
        loop {
            if let Some(ownership) = self.home.try_own().map_err(wrong)? {
                return Owner::start(self, ownership, inbox).map(Link::Owner);
            }
            let left = until.saturating_duration_since(clock::instant());
            match Remote::connect(&self.home, inbox, left) {
                Ok(remote) => return Ok(Link::Remote(remote)),
                Err(Unreached::Refused(failure)) => return Err(failure),
                Err(Unreached::Absent) if clock::instant() >= until => {
                    return Err(home_busy(&self.home));
                }
                Err(Unreached::Absent) => std::thread::sleep(pause),
            }
            pause = (pause * 2).min(longest);
        }
    }
}

fn home_unusable(home: &Home, error: &io::Error) -> Failure {
    let place = home.path().display();
    Failure::new(
        "home-unusable",
        format!("the data in {place} cannot be opened: {error}"),
        Some("check that the directory can be written, or name another home"),
    )
}

fn home_busy(home: &Home) -> Failure {
    let place = home.path().display();
    let process = home
        .owner_process()
        .map_or_else(String::new, |process| format!(" {process}"));
    Failure::new(
        "home-busy",
        format!("the process{process} has the data in {place} open and does not answer"),
        Some("end that process, and then try again"),
    )
}

/// The owner of a home; dropping it answers what other processes have called, closes the store, and lets go.
pub(super) struct Owner {
    inputs: SyncSender<Input>,
    engine: Option<JoinHandle<()>>,
    serving: Serving,
    /// Comes last: it is dropped when all the rest has ended.
    _ownership: Ownership,
}

impl Owner {
    fn start(opener: &Opener, ownership: Ownership, inbox: &Arc<Inbox>) -> Result<Self, Failure> {
        let home = &opener.home;
        let wrong = |error: io::Error| home_unusable(home, &error);
        let (inputs, receiver) = sync_channel(MAX_QUEUED_INPUTS);
        // Bound before the store opens: who comes meanwhile waits to be greeted instead of trying again.
        let serving =
            Serving::bind(home, inputs.clone(), opener.options.max_queued).map_err(wrong)?;
        inbox.opening();
        let attach = Input::Attach {
            client: OWN_CLIENT,
            outbox: Lease::new(inbox.clone()),
        };
        let (made, is_made) = sync_channel(1);
        let engine = {
            let (make, home) = (opener.make.clone(), home.clone());
            let net = Net::new(opener.options.net.clone(), inputs.clone());
            std::thread::Builder::new()
                .name("engine".to_owned())
                .spawn(move || match make(&home) {
                    Ok(core) => {
                        drop(made.send(Ok(())));
                        Runner::new(core, receiver, net).run();
                    }
                    Err(failure) => drop(made.send(Err(failure))),
                })
                .map_err(wrong)?
        };
        let mut owner = Self {
            inputs,
            engine: Some(engine),
            serving,
            _ownership: ownership,
        };
        // A thread that panics says nothing.
        let made = is_made.recv().unwrap_or_else(|_| Err(engine_stopped()));
        made?;
        owner.inputs.send(attach).map_err(|_| engine_stopped())?;
        owner.serving.start().map_err(wrong)?;
        Ok(owner)
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.serving.stop_accepting();
        // Neither is heard by an engine that has stopped already.
        drop(self.inputs.send(Input::Detach { client: OWN_CLIENT }));
        drop(self.inputs.send(Input::Stop));
        if let Some(engine) = self.engine.take() {
            // A panic there has been printed, and every client was told.
            drop(engine.join());
        }
        self.serving.finish();
    }
}
