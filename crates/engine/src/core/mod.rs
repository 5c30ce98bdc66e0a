//! The engine's core: everything but threads, sockets, clocks and randomness, which its shell has.

mod admin;
mod apply;
mod branch;
mod compare;
mod device;
mod exchange;
mod files;
mod fork;
mod found;
mod held;
mod import;
mod intents;
mod invite;
mod join;
mod locked;
mod members;
mod problem;
mod queries;
mod receive;
mod relay;
mod rescue;
mod subscriptions;
mod witness;

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use model::RecordId;
use model::parse::Surroundings as Around;
use replica::query;
use store::{Reading, Store};

use crate::headless::{ClientId, Headless, NetInput, Output, Surroundings};
use crate::interface::{Answer, Call, CallId, Failure, Message, Request};

use device::{Device, META_VERSION};
use problem::Problem;
use relay::Link;
use subscriptions::Subscription;

/// A call that is answered later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Caller {
    client: ClientId,
    call: CallId,
}

/// The engine over one store.
pub struct Core {
    store: Store,
    around: Box<dyn Surroundings>,
    device: Option<Device>,
    /// Why there is no device although the home may belong to a workspace.
    broken: Option<Failure>,
    link: Link,
    subscriptions: BTreeMap<u64, Subscription>,
    last_subscription: u64,
    outputs: VecDeque<Output>,
    is_changed: bool,
}

impl Core {
    /// Opens the engine over a store; an empty store is a home that belongs to no workspace yet.
    pub fn open(store: Store, around: Box<dyn Surroundings>) -> Result<Self, Failure> {
        let mut core = Self {
            store,
            around,
            device: None,
            broken: None,
            link: Link::default(),
            subscriptions: BTreeMap::new(),
            last_subscription: 0,
            outputs: VecDeque::new(),
            is_changed: false,
        };
        core.load()?;
        core.keep_rows()?;
        core.bury_what_killed()?;
        core.go_on_after_roster()?;
        core.try_again_after_update()?;
        Ok(core)
    }

    /// Gives the store, to be looked into from outside, as a simulation does.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Gives the replica, to be looked into from outside; none in a home that belongs to no workspace.
    pub fn replica(&self) -> Option<&replica::Replica> {
        self.device.as_ref().map(|device| &device.replica)
    }

    /// Names the feed that this device writes to; none in a home that belongs to no workspace.
    pub fn feed(&self) -> Option<protocol::FeedId> {
        self.device.as_ref().map(|device| device.keys.feed())
    }

    /// Gives the roster as it is known here; none in a home that belongs to no workspace.
    pub fn roster(&self) -> Option<&vault::Roster> {
        self.device.as_ref().map(|device| &device.roster)
    }

    /// Keeps the rows of lists when an older version kept none, or others; the next start is faster then.
    fn keep_rows(&mut self) -> Result<(), Problem> {
        let Some(device) = &mut self.device else {
            return Ok(());
        };
        if !device.replica.rows_are_kept() {
            let write = self.store.write()?;
            device.replica.keep_rows(&write)?;
            write.commit()?;
        }
        Ok(())
    }

    /// Does what follows from the newest roster, in case the program died between taking it in and that.
    fn go_on_after_roster(&mut self) -> Result<(), Problem> {
        if self.device.is_some() && self.revocation().is_none() {
            self.release_held()?;
            self.retry_waiting()?;
        }
        Ok(())
    }

    /// Tries again what an older version let wait or set aside; an update may have made it readable.
    fn try_again_after_update(&mut self) -> Result<(), Problem> {
        if self.device.is_none() {
            return Ok(());
        }
        let version = env!("CARGO_PKG_VERSION").as_bytes();
        if self.store.read()?.meta(META_VERSION)?.as_deref() != Some(version) {
            self.release_quarantine(false)?;
            self.retry_waiting()?;
            let write = self.store.write()?;
            write.set_meta(META_VERSION, version)?;
            write.commit()?;
        }
        Ok(())
    }

    /// Loads the device from the store, at the start and after a transaction that was not committed.
    fn load(&mut self) -> Result<(), Problem> {
        self.device = None;
        if self.store.is_broken() {
            self.store.reopen()?;
        }
        let incarnation = self.random();
        let keys = self.kept_keys()?;
        if let Some(bytes) = &keys {
            fork::go_back_to_keys(&self.store, bytes)?;
        }
        let read = self.store.read()?;
        let has_roster = !read.roster()?.is_empty();
        self.device = match keys {
            Some(bytes) => {
                let (keys, _) = fork::keys_in_use(&read, &bytes)?;
                Device::load(&read, keys, incarnation)?
            }
            None if has_roster => {
                return Err(Problem::WrongKeys {
                    what: "the store belongs to a workspace, but the device's keys are missing",
                });
            }
            None => None,
        };
        Ok(())
    }

    /// Reads the device's keys; none where there are none.
    fn kept_keys(&self) -> Result<Option<Vec<u8>>, Problem> {
        self.around.keys().map_err(|what| Problem::Keys { what })
    }

    fn random<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.around.fill_random(&mut bytes);
        bytes
    }

    fn device(&self) -> Result<&Device, Failure> {
        self.device.as_ref().ok_or_else(|| self.absent())
    }

    /// Says why there is no device.
    fn absent(&self) -> Failure {
        self.broken.clone().unwrap_or_else(no_workspace)
    }

    /// Gives the civil date and time of the device.
    fn civil_now(&self) -> DateTime {
        let moment =
            Timestamp::from_millisecond(self.around.now_ms()).unwrap_or(Timestamp::UNIX_EPOCH);
        moment.to_zoned(self.zone()).datetime()
    }

    /// Gives the zone of the device.
    fn zone(&self) -> TimeZone {
        TimeZone::get(&self.around.zone()).unwrap_or(TimeZone::UTC)
    }

    /// Gives what reading values depends on.
    fn surroundings(&self) -> Around {
        let currency = self.device.as_ref().and_then(|device| {
            let read = self.store.read().ok()?;
            let currency = device.replica.see(&read, |world| query::currency(world));
            currency.ok()
        });
        Around {
            today: self.civil_now().date(),
            now_ms: self.around.now_ms(),
            zone: self.around.zone(),
            currency: currency.unwrap_or_else(|| query::DEFAULT_CURRENCY.to_owned()),
        }
    }

    fn tell(&mut self, caller: Caller, result: Result<Answer, Failure>) {
        let message = match result {
            Ok(ok) => Message::Answer {
                id: caller.call,
                ok,
            },
            Err(error) => Message::Failure {
                id: Some(caller.call),
                error,
            },
        };
        self.outputs.push_back(Output::Tell(caller.client, message));
    }

    /// Carries out a request; none when its answer comes later.
    fn handle(&mut self, caller: Caller, request: Request) -> Result<Option<Answer>, Failure> {
        self.check_locked(&request)?;
        let answer = match request {
            Request::Found { workspace, user } => self.found(&workspace, &user)?,
            Request::Join { link } => return self.begin_join(caller, &link).map(|()| None),
            Request::SetRelay { url } => return self.begin_relay(caller, &url).map(|()| None),
            Request::Invite {
                user,
                email,
                role,
                member,
            } => {
                return self
                    .begin_invite(caller, user, email, role, member)
                    .map(|()| None);
            }
            Request::ChangeRole { member, role } => {
                return self.begin_role(caller, member, role).map(|()| None);
            }
            Request::Revoke { device, member } => {
                return self.begin_revocation(caller, device, member).map(|()| None);
            }
            Request::Held => Answer::Held(self.held()?),
            Request::AcceptHeld { device, up_to } => {
                return self.begin_acceptance(caller, device, up_to).map(|()| None);
            }
            Request::Sync { timeout_ms } => {
                return self.begin_sync(caller, timeout_ms).map(|()| None);
            }
            Request::Follow { on } => {
                self.follow(on)?;
                Answer::Ok
            }
            Request::TryAgain => {
                if let Err(problem) = self
                    .release_quarantine(true)
                    .and_then(|()| self.retry_waiting())
                {
                    self.recover(&problem);
                    return Err(problem.into());
                }
                Answer::Ok
            }
            Request::Members => Answer::Members(self.members()?),
            Request::Do {
                intent_id,
                batch,
                intent,
            } => Answer::Done(self.carry_out(intent_id, batch, intent)?),
            Request::Attach {
                intent_id,
                batch,
                record,
                name,
                media_type,
                bytes,
            } => {
                let file = files::Sent {
                    name,
                    media_type,
                    bytes,
                };
                Answer::Done(self.attach(intent_id, batch, record, file)?)
            }
            Request::File { hash } => Answer::File(self.file(hash)?),
            Request::Resolve { text } => Answer::Resolved(self.resolve(&text)?),
            Request::ResolveOperation { text } => {
                Answer::ResolvedOperation(self.resolve_operation(&text)?)
            }
            Request::ResolveEntry { entry, value } => {
                Answer::ResolvedEntry(self.resolve_entry(&entry, value.as_deref())?)
            }
            Request::Query(query) => self.query(&query)?,
            Request::Subscribe { query } => self.subscribe(caller.client, query)?,
            Request::Unsubscribe { subscription } => {
                self.unsubscribe(caller.client, subscription)?;
                Answer::Ok
            }
            Request::Import {
                intent_id,
                files,
                event,
                origin,
                kind,
            } => {
                let marks = import::Marks {
                    event,
                    origin,
                    kind,
                };
                Answer::Imported(self.import(caller, intent_id, &files, &marks)?)
            }
            Request::Export { offset, limit } => Answer::Exported(self.export(offset, limit)?),
            Request::LocalGet { key } => {
                let read = self.store.read().map_err(Problem::from)?;
                let bytes = read.local(&key).map_err(Problem::from)?;
                Answer::Local {
                    value: bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
                }
            }
            Request::LocalSet { key, value } => {
                let write = self.store.write().map_err(Problem::from)?;
                match value {
                    Some(value) => write.set_local(&key, value.as_bytes()),
                    None => write.remove_local(&key),
                }
                .and_then(|()| write.commit())
                .map_err(Problem::from)?;
                Answer::Ok
            }
        };
        Ok(Some(answer))
    }
}

fn no_workspace() -> Failure {
    Failure::new(
        "no-workspace",
        "this home belongs to no workspace yet",
        Some("make one: handschlag init, or join one by an invite link: handschlag join LINK"),
    )
}

/// Tells whether a record is a member that exists here.
fn is_member(device: &Device, id: RecordId) -> bool {
    let known = device.replica.digests().get(id);
    known.is_some_and(|digest| digest.kind() == model::Kind::Member)
}

impl Headless for Core {
    fn call(&mut self, client: ClientId, call: Call) {
        let caller = Caller {
            client,
            call: call.id,
        };
        if self.broken.is_some() || self.store.is_broken() {
            // There may be space again, or the disk may be back.
            self.reload();
        }
        match self.handle(caller, call.request) {
            Ok(None) => {}
            Ok(Some(answer)) => self.tell(caller, Ok(answer)),
            Err(failure) => self.tell(caller, Err(failure)),
        }
        self.after();
    }

    fn forget(&mut self, client: ClientId) {
        self.subscriptions
            .retain(|_, subscription| subscription.client != client);
        self.link.forget(client);
        self.after();
    }

    fn net(&mut self, input: NetInput) {
        self.take_net(input);
        self.after();
    }

    fn tick(&mut self) {
        self.let_time_pass();
        self.after();
    }

    fn deadline_ms(&self) -> Option<i64> {
        self.next_deadline_ms()
    }

    fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }
}

impl Core {
    /// Does what follows from any input: meets the relay if somebody wants that, tells subscribers.
    fn after(&mut self) {
        self.settle_connection();
        if std::mem::take(&mut self.is_changed) {
            self.tell_subscribers();
        }
    }
}

#[cfg(test)]
mod tests;
