//! An honest device, one who writes whatever he likes, and everything that is asked afterwards.

use std::collections::BTreeMap;

use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use model::cbor::{self, Cbor, CborMap};
use model::intent::{Assignment, Capture, ConvertInto, Undo};
use model::kind::{KINDS, field_names};
use model::parse::Surroundings;
use model::plan::{NoteEdit, RecordWrites};
use model::register::Register;
use model::{Author, Intent, IntentId, Kind, RecordId, Role};
use replica::answers::{ListQuery, Sort};
use replica::query::{self, Asked, Devices, Trial};
use replica::{Applied, Carried, CarryError, Document, Identity, RecordPart, Replica};
use store::{Backend, Store};

use crate::hostile::{frames::golden, script::Script};

const WORKSPACE: [u8; 32] = [9; 32];
const TODAY: Date = date(2026, 11, 23);
const START_MS: i64 = 1_795_420_800_000;
const HONEST: [u8; 12] = [1; 12];
const HOSTILE: [u8; 12] = [2; 12];

/// The most changes that a story holds.
const MAX_CHANGES: usize = 16;

/// The most intents after them.
const MAX_INTENTS: usize = 8;

/// Texts that mean something somewhere.
const TEXTS: [&str; 40] = [
    "won",
    "lost",
    "on-hold",
    "qualified",
    "negotiation",
    "offer-sent",
    "new",
    "contacted",
    "disqualified",
    "2026-12-03",
    "9999-12-31",
    "-9999-01-01",
    "2026-02-30",
    "14:00:00",
    "23:59:59.999999999",
    "Europe/Berlin",
    "UTC",
    "Nowhere/At/All",
    "EUR",
    "JPY",
    "KWD",
    "xx",
    "12.5",
    "0",
    "-1",
    "79228162514264337593543950335",
    "-79228162514264337593543950335",
    "0.0000000000000000000000000001",
    "100",
    "AF-2026-A-0001",
    "AF-2026-A-4294967295",
    "KD-9999-A-0000",
    "customer",
    "prospect",
    "partner",
    "price",
    "+49 30 123456",
    "a@b.example",
    "",
    "Müller",
];

/// Bytes of one example of each form of register.
pub(super) fn golden_registers() -> Vec<Vec<u8>> {
    let text = include_str!("../../../../crates/model/src/golden/registers.txt");
    let lines: String = text.lines().map(|line| format!("x {line}\n")).collect();
    golden(&lines)
        .into_iter()
        .map(|value| {
            let mut map = cbor::decode(&value).expect("golden registers decode");
            map.insert(0, Cbor::Bytes(vec![4; 8]));
            cbor::encode(&map)
        })
        .collect()
}

/// Names no device.
struct Nobody;

impl Devices for Nobody {
    fn code(&self, _: Author) -> String {
        String::new()
    }
}

/// A replica, its store, and what one who is hostile does to it.
pub(super) struct Story {
    store: Store,
    replica: Replica,
    records: Vec<RecordId>,
    before: BTreeMap<RecordId, Document>,
    examples: Vec<Vec<u8>>,
    clock: u64,
}

impl Story {
    /// Founds a workspace and takes one contact all the way to an order.
    pub(super) fn begin() -> Self {
        let store = Store::open(Backend::memory()).expect("opens");
        let member = RecordId::fresh(START_MS, [8; 10]);
        let identity = Identity {
            workspace: WORKSPACE,
            member,
            role: Role::Owner,
            code: "A".to_owned(),
            actor: actor(HONEST, 1),
        };
        let read = store.read().expect("reads");
        let replica = Replica::open(&read, identity, members(member)).expect("opens");
        drop(read);
        let mut story = Self {
            store,
            replica,
            records: vec![member, RecordId::settings_of(&WORKSPACE)],
            before: BTreeMap::new(),
            examples: golden_registers(),
            clock: 0,
        };
        story.make(Intent::FoundWorkspace {
            name: "Mueller Praezision GmbH".to_owned(),
        });
        story.make(Intent::EnrolMember {
            member,
            name: "Anna".to_owned(),
            email: None,
        });
        let inquiry = story.make(Intent::Capture(Capture {
            fields: vec![
                Assignment::set("company", "Beispiel AG"),
                Assignment::set("family", "Meier"),
                Assignment::add("phone", "+49 30 123456"),
            ],
            event: Some("Messe".to_owned()),
            follow_up: None,
        }));
        story.make(Intent::Capture(Capture {
            fields: vec![Assignment::set("company", "Zweite AG")],
            ..Capture::default()
        }));
        let into = ConvertInto::default();
        story.make(Intent::Convert { inquiry, into });
        let sales_project = RecordId::sales_project_of(inquiry);
        let offer = story.make(Intent::DraftOffer {
            sales_project,
            items: Vec::new(),
            name: "Angebot".to_owned(),
            valid_until: None,
        });
        story.make(Intent::Edit {
            record: offer,
            fields: vec![Assignment::add("item", "Pumpe;2;Stück;12,50;0;19")],
        });
        story.make(Intent::SendOffer {
            offer,
            content: None,
        });
        story.make(Intent::Win {
            sales_project,
            issued: None,
            seen: None,
        });
        story.remember();
        story
    }

    /// Carries out an intent that nobody refuses, and gives its first record.
    fn make(&mut self, intent: Intent) -> RecordId {
        self.act(&intent).unwrap_or_else(|refusal| {
            panic!("the honest beginning: {intent:?}: {refusal}");
        })
    }

    fn stamp(&mut self) -> IntentId {
        self.clock += 1;
        let mut random = [0; 10];
        random[2..].copy_from_slice(&self.clock.to_be_bytes());
        IntentId::fresh(START_MS + self.clock as i64, random)
    }

    /// Carries out an intent: done, or refused with a reason, never anything else.
    fn act(&mut self, intent: &Intent) -> Result<RecordId, String> {
        let id = self.stamp();
        let around = Surroundings {
            today: TODAY,
            now_ms: START_MS + self.clock as i64 * 1000,
            zone: "Europe/Berlin".to_owned(),
            currency: "EUR".to_owned(),
        };
        let write = self.store.write().expect("writes");
        let clock = &mut self.clock;
        let carried = self.replica.carry(&write, around, id, intent, &mut || {
            *clock += 1;
            let mut random = [3; 10];
            random[..8].copy_from_slice(&clock.to_be_bytes());
            random
        });
        match carried {
            Ok(Carried::Out { parts, answer }) => {
                write.commit().expect("commits");
                self.records.extend(parts.iter().map(|part| part.record));
                let member = self.replica.identity().member;
                Ok(answer.records.first().copied().unwrap_or(member))
            }
            Ok(Carried::Before(_)) => Err("it was done before".to_owned()),
            Err(CarryError::Refused(refusal)) => Err(refusal.to_string()),
            Err(CarryError::Replica(error)) => panic!("{intent:?}: {error}"),
        }
    }

    /// Keeps the documents as they are now, from which one who is hostile may write beside what comes later.
    fn remember(&mut self) {
        self.records.sort_unstable();
        self.records.dedup();
        let read = self.store.read().expect("reads");
        self.before = self
            .records
            .iter()
            .map(|id| (*id, self.replica.document(&read, *id).expect("loads")))
            .collect();
    }

    /// Gives the kept bytes of all views.
    pub(super) fn kept_views(&self) -> Vec<Vec<u8>> {
        let read = self.store.read().expect("reads");
        let view = |id: &RecordId| replica::Documents::kept_view(&read, *id).expect("reads");
        self.records.iter().filter_map(view).collect()
    }

    /// Writes what a script says, and does what others may do then.
    pub(super) fn play(&mut self, script: &mut Script<'_>) {
        for _ in 0..=script.below(MAX_CHANGES) {
            if script.is_over() {
                break;
            }
            self.write(script);
        }
        for _ in 0..script.below(MAX_INTENTS) {
            let intent = self.intent(script);
            drop(self.act(&intent));
        }
    }

    /// Writes one hostile change, beside the others or after them.
    fn write(&mut self, script: &mut Script<'_>) {
        let record = *script.pick(&self.records);
        let stamp = self.stamp();
        let is_beside = script.below(3) == 0;
        let incarnation = script.byte();
        let read = self.store.read().expect("reads");
        let now = self.replica.document(&read, record).expect("loads");
        drop(read);
        let mut document = match self.before.get(&record) {
            Some(before) if is_beside => before.clone(),
            _ => now,
        };
        let kind = match self.replica.digests().get(record) {
            Some(digest) if !script.seldom() => digest.kind(),
            _ => *script.pick(&KINDS),
        };
        let registers = (0..script.below(6))
            .map(|_| (self.key(script, kind), self.register(script)))
            .collect();
        let note = script.seldom().then(|| NoteEdit::Become(script.text()));
        let writes = RecordWrites {
            id: record,
            kind,
            registers,
            note,
        };
        let ahead = script.number() as i64 % 253_402_300_799_999;
        let now_ms = if script.seldom() { ahead } else { START_MS };
        // An actor that has written to the newer document cannot begin beside itself.
        let incarnation = if is_beside {
            incarnation | 128
        } else {
            incarnation & 127
        };
        let Some(written) = document.write(actor(HOSTILE, incarnation), now_ms, stamp, &writes)
        else {
            return;
        };
        let part = RecordPart {
            record,
            changes: vec![written.bytes],
        };
        self.try_out(std::slice::from_ref(&part));
        let write = self.store.write().expect("writes");
        let applied = self.replica.apply(&write, &[part], &[HOSTILE]);
        match applied.expect("what comes from outside is applied or answered") {
            Applied::Done { .. } => write.commit().expect("commits"),
            Applied::Waits(_) | Applied::Rejected { .. } | Applied::TooManyOperations => {}
        }
    }

    /// Tells what the parts would do, as for an admin who decides about them.
    fn try_out(&self, parts: &[RecordPart]) {
        let read = self.store.read().expect("reads");
        let asked = self.asked(&read);
        let tried = Trial::default().take(&asked, parts, &[HOSTILE]);
        serde_json::to_string(&tried.expect("is told").lines).expect("is plain");
    }

    fn key(&self, script: &mut Script<'_>, kind: Kind) -> String {
        let names: Vec<&str> = field_names().collect();
        let own = kind.fields();
        let name = match script.below(5) {
            0 => return script.text(),
            1 => names[usize::from(script.byte()) % names.len()],
            _ if own.is_empty() => "life",
            _ => script.pick(own).name,
        };
        let is_many = kind.field(name).is_some_and(|field| field.is_many());
        if is_many == script.seldom() {
            return name.to_owned();
        }
        let entry = match script.below(6) {
            0 => script.pick(&self.records).to_string(),
            1 => format!("{:016x}", script.number()),
            2 => format!("{}@{}", script.number(), "02".repeat(12) + &"00".repeat(8)),
            3 => (*script.pick(&TEXTS)).to_owned(),
            4 => "11".repeat(32),
            _ => format!("{:016x}", script.byte() % 3),
        };
        format!("{name}/{entry}")
    }

    /// A register: an example with some of its values changed, any map, or no register at all.
    fn register(&self, script: &mut Script<'_>) -> Register {
        let mut map = match script.below(8) {
            0 => return Register::trusted([&[1], script.some()].concat().into()),
            1 => CborMap::new(),
            _ => cbor::decode(script.pick::<Vec<u8>>(&self.examples)).expect("is an example"),
        };
        for (key, value) in &mut map {
            let is_id = matches!(value, Cbor::Bytes(bytes) if bytes.len() == 16);
            if is_id {
                *value = Cbor::Bytes(script.pick(&self.records).as_bytes().to_vec());
            } else if *key == 0 {
                *value = Cbor::Bytes(script.array::<8>().to_vec());
            }
        }
        for _ in 0..script.below(4) {
            let key = u32::from(script.byte() % 9);
            map.insert(key, self.cbor(script, 0));
        }
        if !matches!(map.get(&0), Some(Cbor::Bytes(stamp)) if stamp.len() == 8) && !script.seldom()
        {
            map.insert(0, Cbor::Bytes(vec![6; 8]));
        }
        Register::trusted(cbor::encode(&map).into())
    }

    fn cbor(&self, script: &mut Script<'_>, depth: usize) -> Cbor {
        match script.below(9) {
            0 => Cbor::Bool(script.byte().is_multiple_of(2)),
            1 => Cbor::Int(script.number() as i64),
            2 => Cbor::Int(-(script.number() as i64 >> 1)),
            3 | 4 => Cbor::Text((*script.pick(&TEXTS)).to_owned()),
            5 => Cbor::Text(script.text()),
            6 => Cbor::Bytes(script.pick(&self.records).as_bytes().to_vec()),
            7 => Cbor::Bytes(script.some().to_vec()),
            _ if depth > 4 => Cbor::List(Vec::new()),
            _ if script.seldom() => {
                let map = (0..script.below(3)).map(|at| (at as u32, self.cbor(script, depth + 1)));
                Cbor::Map(map.collect())
            }
            _ => {
                let list = (0..script.below(5)).map(|_| self.cbor(script, depth + 1));
                Cbor::List(list.collect())
            }
        }
    }

    /// What somebody may press who sees all this.
    fn intent(&mut self, script: &mut Script<'_>) -> Intent {
        let record = *script.pick(&self.records);
        let other = *script.pick(&self.records);
        let into = ConvertInto {
            customer: script.seldom().then_some(other),
            contact: None,
            partner: script.seldom(),
        };
        let merged = self.replica.merged(true);
        let entry = (!merged.is_empty()).then(|| script.pick(&merged));
        match (script.below(16), entry) {
            (0, _) => Intent::Convert {
                inquiry: record,
                into,
            },
            (1, _) => Intent::Win {
                sales_project: record,
                issued: None,
                seen: None,
            },
            (2, _) => Intent::SendOffer {
                offer: record,
                content: None,
            },
            (3, _) => Intent::AcceptOffer { issued: record },
            (4, _) => Intent::Archive { record },
            (5, _) => Intent::Restore { record },
            (6, _) => Intent::Merge {
                survivor: record,
                loser: other,
            },
            (7, _) => Intent::Undo { what: Undo::Last },
            (8, _) => Intent::Complete {
                activity: record,
                all: script.seldom(),
            },
            (9, _) => Intent::ConfirmOrder {
                order: record,
                reference: None,
            },
            (10, _) => Intent::MovePhase {
                sales_project: record,
                phase: (*script.pick(&TEXTS)).to_owned(),
                chance: None,
                reason: None,
                seen: None,
            },
            (11, _) => Intent::AppendNote {
                record,
                text: script.text(),
            },
            (12, _) => {
                let names: Vec<&str> = field_names().collect();
                let field = names[usize::from(script.byte()) % names.len()];
                let fields = vec![Assignment::set(field, *script.pick(&TEXTS))];
                Intent::Edit { record, fields }
            }
            (13, Some(entry)) if !entry.choices.is_empty() => Intent::Choose {
                entry: entry.id,
                value: script.pick(&entry.choices).id,
            },
            (14, Some(entry)) => Intent::Acknowledge { entry: entry.id },
            _ => Intent::Reopen { activity: record },
        }
    }

    fn asked<'a>(&'a self, read: &'a store::Read) -> Asked<'a> {
        Asked {
            replica: &self.replica,
            world: self.replica.sight(read),
            devices: &Nobody,
            today: TODAY,
            zone: TimeZone::UTC,
        }
    }

    /// Asks everything, and works all of it out from nothing.
    pub(super) fn check(&self) {
        self.ask();
        let read = self.store.read().expect("reads");
        let identity = self.replica.identity();
        for from_nothing in [false, true] {
            let (identity, members) = (identity.clone(), members(identity.member));
            let again = match from_nothing {
                false => Replica::open(&read, identity, members),
                true => Replica::open_from_nothing(&read, identity, members),
            }
            .expect("opens");
            for id in self.replica.views().ids() {
                let (ours, theirs) = (self.replica.digests().get(id), again.digests().get(id));
                assert_eq!(
                    ours, theirs,
                    "the row of {id} (from nothing: {from_nothing})"
                );
                let (ours, theirs) = (self.replica.record(&read, id), again.record(&read, id));
                assert_eq!(ours.expect("is shown"), theirs.expect("is shown"), "{id}");
            }
            assert_eq!(self.replica.merged(true), again.merged(true));
        }
    }

    /// Asks everything that a client can ask.
    fn ask(&self) {
        let read = self.store.read().expect("reads");
        let asked = self.asked(&read);
        let plain = |answer: serde_json::Result<String>| drop(answer.expect("answers are plain"));
        for id in self.replica.views().ids() {
            plain(serde_json::to_string(&query::record(&asked, id)));
            let history = query::history(&asked, id).expect("has a history");
            plain(serde_json::to_string(&history));
            plain(serde_json::to_string(&query::merged_at(&asked, id)));
            plain(serde_json::to_string(&query::home(&asked, id, TODAY)));
        }
        for kind in KINDS {
            for field in [
                "created",
                "changed",
                "title",
                "next_step",
                "revenue",
                "company",
                "date",
                "status",
                "number",
            ] {
                let query = ListQuery {
                    kind,
                    filters: Vec::new(),
                    sort: Some(Sort {
                        field: field.to_owned(),
                        descending: field.len() % 2 == 0,
                    }),
                    offset: 0,
                    limit: 50,
                    archived: true,
                };
                if let Ok(list) = query::list(&asked, &query) {
                    plain(serde_json::to_string(&list));
                }
            }
        }
        plain(serde_json::to_string(&query::board(&asked, None)));
        plain(serde_json::to_string(&query::merged(&asked, true)));
        plain(serde_json::to_string(&query::statistics(&asked)));
        plain(serde_json::to_string(&query::search(&asked, "a", 20)));
        drop(query::find(&asked, "AF-2026-A-0001"));
        drop(query::find_member(&asked, "Anna"));
        let currency = query::currency(&asked.world);
        assert!(!currency.is_empty());
    }

    /// Damages what the store keeps of a view or a row, and opens it: an error or an answer.
    pub(super) fn keep_damaged(mut self, script: &mut Script<'_>) {
        let record = *script.pick(&self.records);
        let write = self.store.write().expect("writes");
        let read = self.store.read().expect("reads");
        let is_view = script.below(2) == 0;
        let kept = match is_view {
            true => replica::Documents::kept_view(&read, record).expect("reads"),
            false => store::Reading::row(&read, record.as_bytes()).expect("reads"),
        };
        let mut bytes = kept.unwrap_or_default();
        for _ in 0..=script.below(4) {
            let at = usize::from(script.byte()) * (bytes.len() + 1) / 256;
            match script.below(4) {
                0 => bytes.truncate(at),
                1 => bytes.insert(at, script.byte()),
                2 => bytes = script.some().to_vec(),
                _ if at < bytes.len() => bytes[at] = script.byte(),
                _ => {}
            }
        }
        match is_view {
            true => write.set_view(record.as_bytes(), &bytes),
            false => write.set_row(record.as_bytes(), &bytes),
        }
        .expect("writes");
        drop(read);
        write.commit().expect("commits");
        let identity = self.replica.identity().clone();
        let members = members(identity.member);
        let read = self.store.read().expect("reads");
        let opened = Replica::open(&read, identity, members);
        drop(read);
        let Ok(replica) = opened else { return };
        self.replica = replica;
        let read = self.store.read().expect("reads");
        let asked = self.asked(&read);
        for id in self.replica.views().ids() {
            drop((
                query::record(&asked, id),
                query::history(&asked, id),
                self.replica.record(&read, id),
            ));
        }
        drop((
            query::statistics(&asked),
            query::board(&asked, None),
            query::merged(&asked, true),
        ));
    }
}

fn actor(prefix: [u8; 12], incarnation: u8) -> [u8; 20] {
    let mut actor = [incarnation; 20];
    actor[..12].copy_from_slice(&prefix);
    actor
}

fn members(member: RecordId) -> Vec<(Author, RecordId)> {
    vec![
        (Author::from_bytes(HONEST), member),
        (
            Author::from_bytes(HOSTILE),
            RecordId::fresh(START_MS, [9; 10]),
        ),
    ]
}
