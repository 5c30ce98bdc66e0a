//! What a program holds: a connection to the engine of a home, wherever it runs.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use model::IntentId;
use store::{Backend, OpenError, Store};

use super::clock;
use super::home::Home;
use super::inbox::{Inbox, Waited};
use super::ledger::{Ledger, Standing, Taker};
use super::outbox::lock;
use super::owner::{Link, Make, Opener, Options, Unsent};
use super::surroundings::NativeSurroundings;
use crate::core::Core;
use crate::headless::Headless;
use crate::interface::{Answer, CallId, Event, Failure, Message, Request};

/// A connection to the engine of a home, in this process or in the one that owns the home.
///
/// When the owner ends, the connection goes to the next one or becomes it: calls that may be repeated are sent again,
/// subscriptions keep their numbers. Dropping it ends the engine if it runs in this process, after the calls that
/// other processes have sent were answered. It may be shared between threads.
pub struct Connection {
    pub(super) shared: Arc<Shared>,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("home", &self.shared.opener.home)
            .field("is_owner", &self.is_owner())
            .finish_non_exhaustive()
    }
}

pub(super) struct Shared {
    opener: Opener,
    inbox: Arc<Inbox>,
    /// The owner by its number, see [`Inbox::reopened`].
    link: Mutex<Option<(u64, Arc<Link>)>>,
}

/// Opens a home: owns it and runs its engine, or goes through the process that does.
pub fn open(home: &Path) -> Result<Connection, Failure> {
    open_with(home, Arc::new(make_core))
}

/// Opens a home with an engine of the caller's making.
pub fn open_with(home: &Path, make: Arc<Make>) -> Result<Connection, Failure> {
    Connection::open(home, make, Options::default())
}

/// Opens store and keys of a home that is owned.
fn make_core(home: &Home) -> Result<Box<dyn Headless>, Failure> {
    let store = Store::open(Backend::file(home.store_path()))
        .map_err(|error| store_unusable(home, &error))?;
    home.guard_store()
        .map_err(|error| store_unusable(home, &error.into()))?;
    let core = Core::open(store, Box::new(NativeSurroundings::new(home)))?;
    Ok(Box::new(core))
}

/// Says for a person why the store of a home cannot be opened.
fn store_unusable(home: &Home, error: &OpenError) -> Failure {
    let (code, way_out) = match error {
        OpenError::Locked => ("store-locked", "close the program that has it open"),
        OpenError::NotOurs { .. } | OpenError::Absent => {
            ("store-not-ours", "name another directory as the home")
        }
        OpenError::Newer { .. } => ("store-newer", "install the newest version of Handschlag"),
        OpenError::Damaged { .. } => (
            "store-damaged",
            "put a backup in its place, or join the workspace again from an empty home",
        ),
        _ => (
            "store-unreadable",
            "check that the directory can be written and that the disk is not full",
        ),
    };
    let reason = format!("{}: {error}", home.store_path().display());
    Failure::new(code, reason, Some(way_out))
}

impl Connection {
    pub(super) fn open(home: &Path, make: Arc<Make>, options: Options) -> Result<Self, Failure> {
        let home = Home::at(home).map_err(|error| {
            Failure::new(
                "home-unusable",
                format!("{} cannot be a home: {error}", home.display()),
                Some("name another directory as the home"),
            )
        })?;
        let opener = Opener {
            home,
            make,
            options,
        };
        let connection = Self {
            shared: Arc::new(Shared {
                opener,
                inbox: Arc::new(Inbox::new()),
                link: Mutex::new(None),
            }),
        };
        connection.shared.recover()?;
        Ok(connection)
    }

    /// Says whether the engine runs in this process.
    pub fn is_owner(&self) -> bool {
        matches!(&*lock(&self.shared.link), Some((_, link)) if matches!(**link, Link::Owner(_)))
    }

    /// Gives the home.
    pub fn home(&self) -> &Home {
        &self.shared.opener.home
    }

    /// Calls the engine and waits for its answer.
    pub fn call(&self, request: Request) -> Result<Answer, Failure> {
        self.call_with(request, |_| {})
    }

    /// Calls the engine, hands out how far the call is, and waits for its answer.
    pub fn call_with(
        &self,
        request: Request,
        mut on_progress: impl FnMut(Event),
    ) -> Result<Answer, Failure> {
        #[expect(
            clippy::large_enum_variant,
            reason = "there is one, and it is unpacked at once"
        )]
        enum Came {
            Progress(Event),
            End(Result<Answer, Failure>),
        }
        let id = self.shared.begin(request, Taker::Caller)?;
        loop {
            let came = self.shared.wait(None, |state| {
                // What the engine told before its answer is handed out before it.
                let progress = state.take_progress(id).map(Came::Progress);
                progress.or_else(|| state.take_answer(id).map(Came::End))
            })?;
            match came {
                Some(Came::Progress(event)) => on_progress(event),
                Some(Came::End(end)) => return end,
                // There is no deadline that could have passed.
                None => {}
            }
        }
    }

    /// Calls the engine without waiting; the answer comes through [`Self::next_message`] under this number.
    pub fn begin(&self, request: Request) -> Result<CallId, Failure> {
        self.shared.begin(request, Taker::Anyone)
    }

    /// Waits for the next event, and for what became of calls that were begun; none when the time is over.
    pub fn next_message(&self, timeout: Duration) -> Result<Option<Message>, Failure> {
        self.shared.wait(Some(timeout), Ledger::take_message)
    }

    /// Waits for the next event; none when the time is over.
    pub fn next_event(&self, timeout: Duration) -> Result<Option<Event>, Failure> {
        self.shared.wait(Some(timeout), Ledger::take_event)
    }

    /// Calls this, on any thread, whenever there may be something for [`Self::next_message`].
    ///
    /// It must return at once and may not use the connection.
    pub fn wake_with(&self, wake: impl Fn() + Send + Sync + 'static) {
        self.shared.inbox.wake_with(Box::new(wake));
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // Nobody who still waits may open the home again.
        let closed = Failure::new("connection-closed", "the connection was closed", None);
        self.shared.inbox.stand(Standing::Closed(closed));
        let link = lock(&self.shared.link).take();
        drop(link);
    }
}

impl Shared {
    pub(super) fn begin(&self, mut request: Request, taker: Taker) -> Result<CallId, Failure> {
        if let Request::Do {
            intent_id: intent_id @ None,
            ..
        }
        | Request::Attach {
            intent_id: intent_id @ None,
            ..
        }
        | Request::Import {
            intent_id: intent_id @ None,
            ..
        } = &mut request
        {
            // Made here, so that the intent can be sent to another owner without being done twice.
            let mut random = [0; 10];
            clock::fill_random(&mut random);
            *intent_id = Some(IntentId::fresh(clock::now_ms(), random));
        }
        if self.inbox.is_lost() {
            self.recover()?;
        }
        let id = self.inbox.begin(request, taker)?;
        self.transmit(id);
        Ok(id)
    }

    /// Waits until there is what `pick` looks for, with whatever owner.
    pub(super) fn wait<T>(
        &self,
        timeout: Option<Duration>,
        mut pick: impl FnMut(&mut Ledger) -> Option<T>,
    ) -> Result<Option<T>, Failure> {
        let until = timeout.map(|timeout| clock::instant() + timeout);
        loop {
            match self.inbox.wait(until, &mut pick)? {
                Waited::Got(got) => return Ok(Some(got)),
                Waited::TimedOut => return Ok(None),
                Waited::Lost => {
                    let Err(failure) = self.recover() else {
                        continue;
                    };
                    // Calls have failed by this, and that may be what is waited for.
                    return match self.inbox.wait(until, &mut pick)? {
                        Waited::Got(got) => Ok(Some(got)),
                        Waited::TimedOut | Waited::Lost => Err(failure),
                    };
                }
            }
        }
    }

    /// Makes those who wait look again.
    pub(super) fn wake(&self) {
        self.inbox.wake();
    }

    /// Sends a call to the present owner; one that cannot be sent now is sent to the next one.
    fn transmit(&self, id: CallId) {
        let Some((epoch, call)) = self.inbox.sending(id) else {
            return;
        };
        // Where there is another owner already, it was sent all that waited.
        let link = match &*lock(&self.link) {
            Some((of, link)) if *of == epoch => link.clone(),
            _ => return,
        };
        match link.send(call) {
            Ok(()) => {}
            Err(Unsent::Ending) => self.inbox.was_not_sent(id, epoch),
            Err(Unsent::Never(failure)) => self.inbox.fail(id, failure),
        }
    }

    /// Finds or becomes the next owner, unless another thread has.
    fn recover(&self) -> Result<(), Failure> {
        let ids = {
            let mut slot = lock(&self.link);
            if !self.inbox.is_lost() {
                return Ok(());
            }
            drop(slot.take());
            match self.opener.open(&self.inbox) {
                Ok(link) => {
                    let (epoch, ids) = self.inbox.reopened();
                    *slot = Some((epoch, Arc::new(link)));
                    ids
                }
                Err(failure) => {
                    self.inbox.fail_all(&failure);
                    return Err(failure);
                }
            }
        };
        for id in ids {
            self.transmit(id);
        }
        Ok(())
    }
}
