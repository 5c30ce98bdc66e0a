//! Several devices of one workspace, each with a replica over its own store, and the envelopes between them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{Date, date};
use model::merged::{Entry, Rule};
use model::parse::Surroundings;
use model::plan::Answer;
use model::record::{self, RecordView};
use model::{
    Author, EntryId, Intent, IntentId, Kind, RecordId, Refusal, Role, Value, ValueId, World,
};
use replica::{Applied, Carried, CarryError, Digest, Documents, Identity, RecordPart, Replica};
use store::{Backend, Store};

/// The workspace of all tests.
pub(crate) const WORKSPACE: [u8; 32] = [9; 32];

/// The day on which all tests play.
pub(crate) const TODAY: Date = date(2026, 11, 23);

const START_MS: i64 = 1_795_420_800_000;

/// A small deterministic source of randomness.
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, count: usize) -> usize {
        (self.next() % count.max(1) as u64) as usize
    }

    fn ten(&mut self) -> [u8; 10] {
        let mut bytes = [0; 10];
        bytes[..8].copy_from_slice(&self.next().to_be_bytes());
        bytes[8..].copy_from_slice(&self.next().to_be_bytes()[..2]);
        bytes
    }
}

/// A transaction as it travels.
#[derive(Debug, Clone)]
pub(crate) struct Envelope {
    pub(crate) prefix: [u8; 12],
    pub(crate) intent: IntentId,
    pub(crate) parts: Vec<RecordPart>,
}

struct Waiting {
    envelope: Envelope,
    missing: BTreeSet<(RecordId, [u8; 32])>,
}

/// One device.
pub(crate) struct Peer {
    pub(crate) replica: Replica,
    pub(crate) store: Store,
    pub(crate) member: RecordId,
    pub(crate) outbox: Vec<Envelope>,
    prefix: [u8; 12],
    taken: Vec<usize>,
    waiting: Vec<Waiting>,
    skew_ms: i64,
}

/// All devices.
pub(crate) struct Peers {
    pub(crate) all: Vec<Peer>,
    pub(crate) members: Vec<RecordId>,
    /// What each operation was, for judging its writes.
    pub(crate) intents: BTreeMap<IntentId, Intent>,
    /// Whether what happens is printed, for looking into one history.
    pub(crate) is_told: bool,
    dice: Dice,
    now_ms: i64,
}

/// The history of one record, without the order in which changes arrived.
type Story = BTreeSet<(Author, i64, Option<IntentId>, Vec<(String, Vec<u8>)>)>;

impl Peers {
    /// Founds a workspace of devices, each of a member of its own, the first an owner.
    pub(crate) fn new(seed: u64, count: usize) -> Self {
        let roles: Vec<(usize, Role)> = (0..count)
            .map(|at| (at, if at == 0 { Role::Owner } else { Role::Member }))
            .collect();
        Self::with_roles(seed, &roles)
    }

    /// Founds a workspace; each device names its member (by number) and the member's role.
    pub(crate) fn with_roles(seed: u64, devices: &[(usize, Role)]) -> Self {
        let mut dice = Dice::new(seed);
        let count = devices
            .iter()
            .map(|(member, _)| member + 1)
            .max()
            .unwrap_or(0);
        let members: Vec<RecordId> = (0..count)
            .map(|_| RecordId::fresh(START_MS, dice.ten()))
            .collect();
        let prefixes: Vec<[u8; 12]> = (0..devices.len()).map(|at| [at as u8 + 1; 12]).collect();
        let authors: Vec<(Author, RecordId)> = prefixes
            .iter()
            .zip(devices)
            .map(|(prefix, (member, _))| (Author::from_bytes(*prefix), members[*member]))
            .collect();
        let all = devices
            .iter()
            .enumerate()
            .map(|(at, (member, role))| {
                let mut actor = [0; 20];
                actor[..12].copy_from_slice(&prefixes[at]);
                actor[12..].copy_from_slice(&dice.next().to_be_bytes());
                let identity = Identity {
                    workspace: WORKSPACE,
                    member: members[*member],
                    role: *role,
                    code: char::from(b'A' + at as u8).to_string(),
                    actor,
                };
                let store = Store::open(Backend::memory()).unwrap();
                let read = store.read().unwrap();
                let replica = Replica::open(&read, identity, authors.clone()).unwrap();
                Peer {
                    replica,
                    store,
                    member: members[*member],
                    outbox: Vec::new(),
                    prefix: prefixes[at],
                    taken: vec![0; devices.len()],
                    waiting: Vec::new(),
                    // Clocks are wrong by half an hour and more.
                    skew_ms: [0, 1_800_000, -2_400_000][at % 3],
                }
            })
            .collect();
        let mut peers = Self {
            all,
            members,
            intents: BTreeMap::new(),
            is_told: false,
            dice,
            now_ms: START_MS,
        };
        peers.act(0, found());
        for at in 0..count {
            let member = peers.members[at];
            let name = format!("Member {}", at + 1);
            peers.act(
                0,
                Intent::EnrolMember {
                    member,
                    name,
                    email: None,
                },
            );
        }
        peers.sync();
        peers
    }

    pub(crate) fn around(&self, peer: usize) -> Surroundings {
        Surroundings {
            today: TODAY,
            now_ms: self.now_ms + self.all[peer].skew_ms,
            zone: "Europe/Berlin".to_owned(),
            currency: "EUR".to_owned(),
        }
    }

    /// Lets a device carry out an intent that must not be refused.
    pub(crate) fn act(&mut self, peer: usize, intent: Intent) -> Answer {
        match self.try_act(peer, intent.clone()) {
            Ok(answer) => answer,
            Err(refusal) => panic!("{intent:?} was refused: {refusal}"),
        }
    }

    /// Lets a device carry out an intent, and gives the first record of the answer.
    pub(crate) fn make(&mut self, peer: usize, intent: Intent) -> RecordId {
        self.act(peer, intent).records[0]
    }

    /// Lets a device carry out an intent.
    pub(crate) fn try_act(&mut self, peer: usize, intent: Intent) -> Result<Answer, Refusal> {
        let id = self.fresh_intent();
        self.try_act_as(peer, id, intent)
    }

    pub(crate) fn fresh_intent(&mut self) -> IntentId {
        IntentId::fresh(self.now_ms, self.dice.ten())
    }

    /// Lets a device carry out an intent under an id of the caller's.
    pub(crate) fn try_act_as(
        &mut self,
        peer: usize,
        id: IntentId,
        intent: Intent,
    ) -> Result<Answer, Refusal> {
        self.now_ms += 1_000;
        let around = self.around(peer);
        let dice = &mut self.dice;
        let one = &mut self.all[peer];
        let write = one.store.write().unwrap();
        let carried = one
            .replica
            .carry(&write, around, id, &intent, &mut || dice.ten());
        match carried {
            Ok(Carried::Out { parts, answer }) => {
                write.commit().unwrap();
                one.outbox.push(Envelope {
                    prefix: one.prefix,
                    intent: id,
                    parts,
                });
                self.intents.insert(id, intent);
                Ok(answer)
            }
            Ok(Carried::Before(answer)) => Ok(answer),
            Err(CarryError::Refused(refusal)) => Err(refusal),
            Err(CarryError::Replica(error)) => panic!("{intent:?}: {error}"),
        }
    }

    /// Puts what a device did last under a batch.
    pub(crate) fn put_in_batch(&mut self, peer: usize, batch: IntentId) {
        let one = &self.all[peer];
        let last = one.outbox.last().expect("the device did something").intent;
        let write = one.store.write().unwrap();
        write.put_batch(batch.as_bytes(), last.as_bytes()).unwrap();
        write.commit().unwrap();
    }

    /// Names what a device did last.
    pub(crate) fn last_of(&self, peer: usize) -> IntentId {
        self.all[peer]
            .outbox
            .last()
            .expect("it did something")
            .intent
    }

    /// Delivers up to `count` envelopes of one device to another, in the order of its feed.
    pub(crate) fn deliver(&mut self, from: usize, to: usize, count: usize) {
        let first = self.all[to].taken[from];
        let last = first.saturating_add(count).min(self.all[from].outbox.len());
        for at in first..last {
            let envelope = self.all[from].outbox[at].clone();
            self.take(to, envelope);
        }
        self.all[to].taken[from] = last;
    }

    /// Gives an envelope to a device; what was waiting for it is tried again.
    pub(crate) fn take(&mut self, to: usize, envelope: Envelope) {
        let mut open = vec![envelope];
        while let Some(envelope) = open.pop() {
            let peer = &mut self.all[to];
            let write = peer.store.write().unwrap();
            let prefixes = [envelope.prefix];
            match peer.replica.apply(&write, &envelope.parts, &prefixes) {
                Ok(Applied::Done { .. }) => {
                    write.commit().unwrap();
                    let had: BTreeSet<RecordId> =
                        envelope.parts.iter().map(|part| part.record).collect();
                    let (ready, still): (Vec<Waiting>, Vec<Waiting>) = peer
                        .waiting
                        .drain(..)
                        .partition(|one| one.missing.iter().any(|(id, _)| had.contains(id)));
                    peer.waiting = still;
                    open.extend(ready.into_iter().map(|one| one.envelope));
                }
                Ok(Applied::Waits(missing)) => {
                    drop(write);
                    peer.waiting.push(Waiting {
                        envelope,
                        missing: missing.into_iter().collect(),
                    });
                    self.assert_absent(to);
                }
                Ok(Applied::Rejected { record, reason }) => {
                    panic!("a part of {record} was rejected: {reason}")
                }
                other => panic!("an envelope could not be applied: {other:?}"),
            }
        }
    }

    /// Checks that nothing of the envelope that waits last is there.
    fn assert_absent(&self, to: usize) {
        let peer = &self.all[to];
        let read = peer.store.read().unwrap();
        let envelope = &peer.waiting.last().expect("one waits").envelope;
        for part in &envelope.parts {
            let document = peer.replica.document(&read, part.record).unwrap();
            let half = document
                .past()
                .iter()
                .any(|one| one.operation == Some(envelope.intent));
            assert!(!half, "half of {} is there", envelope.intent);
        }
    }

    /// Prints what a device wanted and what came of it, where that is asked for.
    pub(crate) fn tell(&self, who: usize, intent: &Intent, done: &Result<Answer, Refusal>) {
        if self.is_told {
            let done = done
                .as_ref()
                .map_or_else(ToString::to_string, |_| "done".to_owned());
            println!("{who}: {intent:?}: {done}");
        }
    }

    /// Delivers everything to everybody, device by device.
    pub(crate) fn sync(&mut self) {
        for to in 0..self.all.len() {
            for from in 0..self.all.len() {
                if from != to {
                    self.deliver(from, to, usize::MAX);
                }
            }
        }
        self.assert_nothing_waits();
    }

    /// Delivers everything to everybody in an order of its own, some envelopes twice and early.
    pub(crate) fn sync_all(&mut self, order: u64) {
        let mut dice = Dice::new(order);
        let count = self.all.len();
        for to in 0..count {
            loop {
                let open: Vec<usize> = (0..count)
                    .filter(|from| {
                        *from != to && self.all[to].taken[*from] < self.all[*from].outbox.len()
                    })
                    .collect();
                if open.is_empty() {
                    break;
                }
                let from = open[dice.below(open.len())];
                if dice.below(4) == 0 {
                    let at = dice.below(self.all[from].outbox.len());
                    let again = self.all[from].outbox[at].clone();
                    self.take(to, again);
                }
                let some = 1 + dice.below(3);
                self.deliver(from, to, some);
            }
        }
        self.assert_nothing_waits();
    }

    fn assert_nothing_waits(&self) {
        let all_had = self.all.iter().enumerate().all(|(to, peer)| {
            (0..self.all.len())
                .all(|from| from == to || peer.taken[from] == self.all[from].outbox.len())
        });
        for (at, peer) in self.all.iter().enumerate() {
            assert!(!all_had || peer.waiting.is_empty(), "device {at} waits");
        }
    }

    /// Heals everything and checks that all devices, rebuilt ones too, show the same.
    pub(crate) fn heal(&mut self) {
        self.sync();
        self.assert_equal();
    }

    /// Checks that all devices show the same.
    pub(crate) fn assert_alike(&self) {
        let first = self.all[0].replica.merged(true);
        let show_of = |peer: &Peer| show(&peer.replica, &peer.store.read().unwrap());
        let shown = show_of(&self.all[0]);
        for (at, peer) in self.all.iter().enumerate().skip(1) {
            let who = format!("device 0 and device {at}");
            same_shown(&shown, &show_of(peer), &who);
            same_list(&first, &peer.replica.merged(true), &who);
        }
    }

    /// Checks that all devices show the same, and what a device built from nothing shows.
    pub(crate) fn assert_equal(&self) {
        self.assert_alike();
        let story = self.stories(0);
        for (at, peer) in self.all.iter().enumerate() {
            assert_eq!(story, self.stories(at), "history of device {at}");
            let read = peer.store.read().unwrap();
            for (how, rebuilt) in [
                (
                    "opened",
                    Replica::open(&read, peer.replica.identity().clone(), self.authors()),
                ),
                (
                    "rebuilt",
                    Replica::open_from_nothing(
                        &read,
                        peer.replica.identity().clone(),
                        self.authors(),
                    ),
                ),
            ] {
                let rebuilt = rebuilt.unwrap();
                let what = format!("device {at} and itself {how}");
                same_shown(&show(&peer.replica, &read), &show(&rebuilt, &read), &what);
                same_list(&peer.replica.merged(true), &rebuilt.merged(true), &what);
            }
        }
    }

    fn authors(&self) -> Vec<(Author, RecordId)> {
        self.all
            .iter()
            .map(|peer| (Author::from_bytes(peer.prefix), peer.member))
            .collect()
    }

    fn stories(&self, at: usize) -> BTreeMap<RecordId, Story> {
        let peer = &self.all[at];
        let read = peer.store.read().unwrap();
        let mut stories = BTreeMap::new();
        for id in peer.replica.views().ids() {
            let document = peer.replica.document(&read, id).unwrap();
            let story = document.past().into_iter().map(|one| {
                let writes = one.writes.into_iter();
                let writes = writes.map(|one| (one.key, one.wrote.register.as_bytes().to_vec()));
                (one.author, one.time_ms, one.operation, writes.collect())
            });
            stories.insert(id, story.collect());
        }
        stories
    }

    /// Opens a device again, as after a restart: another incarnation.
    pub(crate) fn reopen(&mut self, at: usize) {
        let identity = self.all[at].replica.identity().clone();
        self.open_as(at, identity);
    }

    /// Gives a device the code of another one, as a copy of its disk has it.
    pub(crate) fn take_code_of(&mut self, at: usize, other: usize) {
        let mut identity = self.all[at].replica.identity().clone();
        let code = &self.all[other].replica.identity().code;
        identity.code.clone_from(code);
        self.open_as(at, identity);
    }

    fn open_as(&mut self, at: usize, mut identity: Identity) {
        identity.actor[12..].copy_from_slice(&self.dice.next().to_be_bytes());
        let authors = self.authors();
        let peer = &mut self.all[at];
        let read = peer.store.read().unwrap();
        peer.replica = Replica::open(&read, identity, authors).unwrap();
    }

    pub(crate) fn view(&self, peer: usize, id: RecordId) -> RecordView {
        self.see(peer, |world| record::record(world, id))
            .expect("the record is known")
    }

    /// Asks the documents of a device something.
    pub(crate) fn see<T>(&self, peer: usize, ask: impl FnOnce(&dyn World) -> T) -> T {
        let peer = &self.all[peer];
        let read = peer.store.read().unwrap();
        peer.replica.see(&read, ask).unwrap()
    }

    pub(crate) fn text(&self, peer: usize, id: RecordId, key: &str) -> String {
        self.view(peer, id).text(key).to_owned()
    }

    pub(crate) fn status(&self, peer: usize, id: RecordId) -> String {
        self.view(peer, id).status_word().to_owned()
    }

    pub(crate) fn of_kind(&self, peer: usize, kind: Kind) -> Vec<RecordId> {
        let views = self.all[peer].replica.views();
        let all = views.of_kind(kind);
        all.filter(|id| self.view(peer, *id).is_alive()).collect()
    }

    /// Gives what nobody has seen of the Merged list, which must be the same on all devices.
    pub(crate) fn merged(&self) -> Vec<Entry> {
        let list = self.all[0].replica.merged(false);
        for peer in &self.all[1..] {
            same_list(&list, &peer.replica.merged(false), "two devices");
        }
        list
    }

    /// Gives the only entry of the Merged list.
    pub(crate) fn only_entry(&self, rule: Rule) -> Entry {
        let list = self.merged();
        match list.as_slice() {
            [only] if only.rule == rule => only.clone(),
            _ => panic!("one entry by {rule:?} is expected: {list:#?}"),
        }
    }

    /// Checks that the Merged list has an entry by this rule at a field of a record, and gives it.
    pub(crate) fn entry(&self, rule: Rule, record: RecordId, field: Option<&str>) -> Entry {
        let list = self.merged();
        let mut found = list.iter().filter(|entry| {
            entry.rule == rule && entry.record == record && entry.field.as_deref() == field
        });
        match (found.next(), found.next()) {
            (Some(only), None) => only.clone(),
            _ => panic!("one entry by {rule:?} at {record} {field:?} is expected: {list:#?}"),
        }
    }

    pub(crate) fn assert_nothing_merged(&self) {
        let list = self.merged();
        assert!(
            list.is_empty(),
            "nothing is expected on the Merged list: {list:#?}"
        );
    }

    /// Lets one device choose a value of an entry, and checks that this settles it everywhere.
    pub(crate) fn choose(
        &mut self,
        peer: usize,
        entry: &Entry,
        choice: impl Fn(&Option<Value>) -> bool,
    ) {
        let found = entry.choices.iter().find(|one| choice(&one.value));
        let value: ValueId = found.expect("the choice is there").id;
        self.act(
            peer,
            Intent::Choose {
                entry: entry.id,
                value,
            },
        );
        self.heal();
        self.assert_settled(entry.id);
    }

    /// Lets one device acknowledge an entry, and checks that this settles it everywhere.
    pub(crate) fn acknowledge(&mut self, peer: usize, entry: &Entry) {
        self.act(peer, Intent::Acknowledge { entry: entry.id });
        self.heal();
        self.assert_settled(entry.id);
    }

    fn assert_settled(&self, entry: EntryId) {
        assert!(
            self.merged().iter().all(|one| one.id != entry),
            "{entry} stays"
        );
    }
}

fn found() -> Intent {
    Intent::FoundWorkspace {
        name: "Mueller Praezision GmbH".to_owned(),
    }
}

type Shown = BTreeMap<RecordId, (Option<RecordView>, Option<Digest>)>;

fn show(replica: &Replica, source: &dyn Documents) -> Shown {
    let ids = replica.views().ids();
    ids.map(|id| {
        let digest = replica.digests().get(id).cloned();
        (id, (replica.record(source, id).unwrap(), digest))
    })
    .collect()
}

fn same_shown(one: &Shown, other: &Shown, who: &str) {
    let ids: BTreeSet<&RecordId> = one.keys().chain(other.keys()).collect();
    for id in ids {
        let (one, other) = (one.get(id), other.get(id));
        assert!(one == other, "{who} differ at {id}:\n{one:#?}\n{other:#?}");
    }
}

fn same_list(one: &[Entry], other: &[Entry], who: &str) {
    let only = |these: &[Entry], those: &[Entry]| -> Vec<Entry> {
        these
            .iter()
            .filter(|entry| !those.contains(entry))
            .cloned()
            .collect()
    };
    let (here, there) = (only(one, other), only(other, one));
    assert!(
        here.is_empty() && there.is_empty() && one.len() == other.len(),
        "the Merged lists of {who} differ; only in the first: {here:#?}; only in the second: {there:#?}"
    );
}

impl Peers {
    /// Finds the entry that offers this text as a value which is not shown.
    pub(crate) fn entry_with(&self, rule: Rule, record: RecordId, text: &str) -> Entry {
        let list = self.merged();
        let found = list.iter().find(|entry| {
            let offers = entry
                .choices
                .iter()
                .any(|one| !one.shown && one.value == Some(Value::Text(text.to_owned())));
            entry.rule == rule && entry.record == record && offers
        });
        match found {
            Some(entry) => entry.clone(),
            None => panic!("no entry by {rule:?} at {record} offers {text}: {list:#?}"),
        }
    }

    /// Acknowledges all that is listed, and checks that nothing is left.
    pub(crate) fn acknowledge_all(&mut self, peer: usize) {
        for entry in self.merged() {
            self.act(peer, Intent::Acknowledge { entry: entry.id });
        }
        self.sync();
        self.assert_nothing_merged();
    }
}
