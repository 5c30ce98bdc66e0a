//! Random things that people do, aimed at the same few records on purpose.

use jiff::civil::date;
use model::intent::{Assignment, Capture, NewActivity};
use model::record::{self, RecordView};
use model::value::LineItem;
use model::{Intent, IntentId, Kind, RecordId, ValueId};

use super::acts::*;
use super::dice::Dice;
use super::world::World;

/// How many records of one kind the wishes aim at: few, so that devices meet.
const AIMED_AT: usize = 2;

/// Thinks of something that a device may want to do now; it may be refused.
///
/// Every history has a theme to which half of the wishes keep, so that rare rows of the table are met too.
pub(super) fn wish(world: &World, device: usize, theme: u64, dice: &mut Dice) -> Option<Intent> {
    let wish = Wish { world, device };
    let what = match (dice.below(2), theme % 8) {
        (0, _) => dice.below(30),
        (_, 0) => [15, 16, 17][dice.below(3)],
        (_, 1) => [12, 14, 23][dice.below(3)],
        (_, 2) => [1, 1, 20][dice.below(3)],
        (_, 3) => [19, 4][dice.below(2)],
        (_, 4) => 10,
        (_, 5) => [18, 4][dice.below(2)],
        (_, 6) => [1, 2, 4, 15, 16, 22][dice.below(6)],
        _ => [14, 15, 9][dice.below(3)],
    };
    match what {
        0 => wish.capture(dice),
        1..=3 => wish.convert(dice),
        4..=8 => wish.edit(dice),
        9 => wish.write_note(dice),
        10 | 11 => wish.activity(dice),
        12 | 13 => wish.phase(dice),
        14 => Some(win(
            wish.one(Kind::SalesProject, dice)?,
            wish.issued_or_none(dice),
        )),
        15..=17 => wish.offer(dice),
        18 => wish.archive(dice),
        19 => wish.merge(dice),
        20 | 21 => wish.undo(dice),
        22 => wish.entry(dice),
        24 | 25 => wish.bulk(dice),
        26 => wish.import(dice),
        27 => wish.detach(dice),
        28 => wish.view(dice),
        29 => wish.appointment(dice),
        _ => wish.order(dice),
    }
}

struct Wish<'a> {
    world: &'a World,
    device: usize,
}

impl Wish<'_> {
    fn of_kind(&self, kind: Kind) -> Vec<RecordId> {
        let Some(replica) = self.world.devices[self.device].replica() else {
            return Vec::new();
        };
        let all = replica.views().of_kind(kind);
        all.filter(|id| self.world.is_free(*id)).collect()
    }

    fn look(&self, id: RecordId) -> Option<RecordView> {
        self.world
            .see(self.device, |world| record::record(world, id))
    }

    /// Picks one of the first records of a kind, whatever its standing.
    fn one(&self, kind: Kind, dice: &mut Dice) -> Option<RecordId> {
        let all = self.of_kind(kind);
        let count = all.len().min(AIMED_AT);
        all.get(dice.below(count)).copied()
    }

    fn any(&self, dice: &mut Dice) -> Option<RecordId> {
        let kinds = [
            Kind::Inquiry,
            Kind::Customer,
            Kind::ContactPerson,
            Kind::SalesProject,
            Kind::Offer,
            Kind::Project,
            Kind::Order,
        ];
        self.one(kinds[dice.below(kinds.len())], dice)
    }

    fn capture(&self, dice: &mut Dice) -> Option<Intent> {
        if self.of_kind(Kind::Inquiry).len() < AIMED_AT {
            return Some(capture(["Mueller", "Schulze"][dice.below(2)]));
        }
        match dice.below(3) {
            0 => Some(customer("Known")),
            1 => Some(contact(self.one(Kind::Customer, dice)?, "Other")),
            _ => None,
        }
    }

    fn convert(&self, dice: &mut Dice) -> Option<Intent> {
        let inquiry = self.one(Kind::Inquiry, dice)?;
        Some(match dice.below(8) {
            0..=2 => convert(inquiry),
            3 => partner(inquiry),
            4 => convert_into(inquiry, self.one(Kind::Customer, dice)?),
            5 => {
                let contact = self.one(Kind::ContactPerson, dice)?;
                let employer = self.look(contact)?.reference("customer")?;
                convert_to(inquiry, employer, contact)
            }
            6 => disqualify(inquiry),
            _ => Intent::MoveInquiry {
                inquiry,
                status: ["contacted", "qualified"][dice.below(2)].to_owned(),
                seen: None,
            },
        })
    }

    /// Edits a field with what the form showed: what is shown, all that is held, or what stood there long ago.
    fn edit(&self, dice: &mut Dice) -> Option<Intent> {
        let record = self.any(dice)?;
        let view = self.look(record)?;
        let text = ["", "One", "Two", "Three"][dice.below(4)];
        let mut assignment = match (view.kind, dice.below(5)) {
            (Kind::Inquiry, 0 | 1) => Assignment::set("company", text),
            (Kind::Inquiry | Kind::Customer, 2) => Assignment::set("website", text),
            (Kind::Customer, 0) => Assignment::set("vat_id", text),
            (Kind::ContactPerson, 0) => Assignment::set("job_title", text),
            (Kind::ContactPerson | Kind::SalesProject, 1) => {
                let customer = self.one(Kind::Customer, dice)?;
                Assignment::set("customer", customer.to_string().as_str())
            }
            (Kind::SalesProject, 0) => {
                Assignment::set("revenue", ["100", "200", ""][dice.below(3)])
            }
            (Kind::Offer, 0) => Assignment::set("name", text),
            (Kind::Offer, _) => {
                Assignment::add("item", ["Belt;1;piece;10", "Oil;2;litre;5"][dice.below(2)])
            }
            (Kind::Order, _) => Assignment::set("reference", text),
            (Kind::Project, 0 | 1) => Assignment::set("status", ["running", "done"][dice.below(2)]),
            (Kind::Inquiry | Kind::Customer | Kind::ContactPerson, 3) => {
                let number = ["+49 1", "+49 2"][dice.below(2)];
                match view.list("phone").next() {
                    Some((key, _)) if dice.below(2) == 0 => {
                        Assignment::set(key, [number, ""][dice.below(2)])
                    }
                    _ => Assignment::add("phone", number),
                }
            }
            _ if dice.below(3) == 0 => Assignment::remove("tag", "press"),
            _ => Assignment::add("tag", ["hot", "press"][dice.below(2)]),
        };
        let held = view.fields.get(&assignment.field);
        let held: Vec<ValueId> = held
            .iter()
            .flat_map(|one| &one.held)
            .map(|one| one.id())
            .collect();
        assignment.seen = match dice.below(4) {
            0 => Some(held),
            1 => Some(held.into_iter().take(1).collect()),
            2 => Some(Vec::new()),
            _ => None,
        };
        Some(edit(record, assignment))
    }

    fn write_note(&self, dice: &mut Dice) -> Option<Intent> {
        let record = self.any(dice)?;
        Some(match dice.below(3) {
            0 => set(record, "note", ["Short.", "A longer note."][dice.below(2)]),
            _ => note(record, ["Likes tea.", "Call again."][dice.below(2)]),
        })
    }

    fn activity(&self, dice: &mut Dice) -> Option<Intent> {
        let activity = self.one(Kind::Activity, dice);
        let (Some(activity), 1..) = (activity, dice.below(5)) else {
            let members = self.all_of_kind(Kind::Member);
            let who = *dice.pick(&members)?;
            return Some(follow_up(self.any(dice)?, who));
        };
        Some(match dice.below(5) {
            0 => Intent::Complete {
                activity,
                all: true,
            },
            1 => Intent::Complete {
                activity,
                all: false,
            },
            2 => Intent::Reopen { activity },
            _ => Intent::Postpone {
                activity,
                until: on(date(2026, 12, 1 + dice.below(3) as i8)),
            },
        })
    }

    fn phase(&self, dice: &mut Dice) -> Option<Intent> {
        let words = [
            "needs-clarified",
            "negotiation",
            "lost",
            "on-hold",
            "offer-sent",
            "lost",
        ];
        let project = self.one(Kind::SalesProject, dice)?;
        Some(phase(project, words[dice.below(words.len())]))
    }

    fn issued_or_none(&self, dice: &mut Dice) -> Option<RecordId> {
        match dice.below(3) {
            0 => None,
            _ => self.one(Kind::IssuedOffer, dice),
        }
    }

    fn offer(&self, dice: &mut Dice) -> Option<Intent> {
        let few = self.of_kind(Kind::Offer).len() < AIMED_AT;
        let items: [LineItem; 2] = [item("Press", 10_000), item("Belt", 500)];
        Some(match (dice.below(6), few) {
            (0, true) => draft(self.one(Kind::SalesProject, dice)?, &items),
            (0..=2, _) => send(self.one(Kind::Offer, dice)?),
            (3 | 4, _) => accept(self.one(Kind::IssuedOffer, dice)?),
            _ => reject(self.one(Kind::IssuedOffer, dice)?),
        })
    }

    fn order(&self, dice: &mut Dice) -> Option<Intent> {
        let order = self.one(Kind::Order, dice)?;
        Some(Intent::ConfirmOrder {
            order,
            reference: None,
        })
    }

    fn archive(&self, dice: &mut Dice) -> Option<Intent> {
        let record = self.any(dice)?;
        Some(match dice.below(2) {
            0 => archive(record),
            _ => Intent::Restore { record },
        })
    }

    fn merge(&self, dice: &mut Dice) -> Option<Intent> {
        let kinds = [
            Kind::Inquiry,
            Kind::Customer,
            Kind::Customer,
            Kind::ContactPerson,
            Kind::SalesProject,
            Kind::Offer,
        ];
        let kind = kinds[dice.below(kinds.len())];
        Some(merge(self.one(kind, dice)?, self.one(kind, dice)?))
    }

    fn undo(&self, dice: &mut Dice) -> Option<Intent> {
        let ledger = &self.world.ledger.operations;
        let is_free = |id: &IntentId| {
            let known = ledger.get(id);
            known.is_some_and(|one| {
                !one.is_of_scene && one.records.iter().all(|record| self.world.is_free(*record))
            })
        };
        let core = self.world.devices[self.device].core.as_ref()?;
        let read = core.store().read().ok()?;
        let recent = store::Reading::recent_operations(&read, 5).ok()?;
        let recent: Vec<IntentId> = recent.into_iter().map(IntentId::from_bytes).collect();
        if dice.below(3) == 0 {
            // Without a name it takes back the newest that is not undone yet, and that must not belong to a scene.
            return recent.iter().all(is_free).then(undo);
        }
        let own: Vec<IntentId> = recent.into_iter().filter(is_free).collect();
        let all: Vec<IntentId> = match dice.below(2) {
            0 => own,
            _ => ledger.keys().filter(|id| is_free(id)).copied().collect(),
        };
        dice.pick(&all).map(|id| undo_of(*id))
    }

    fn entry(&self, dice: &mut Dice) -> Option<Intent> {
        let mut list = self.world.devices[self.device].replica()?.merged(false);
        list.retain(|entry| {
            let mut involved = entry.records.iter().chain([&entry.record]);
            involved.all(|id| self.world.is_free(*id))
        });
        let entry = dice.pick(&list)?;
        Some(
            match entry.choices.get(dice.below(entry.choices.len() + 1)) {
                Some(choice) => Intent::Choose {
                    entry: entry.id,
                    value: choice.id,
                },
                None => Intent::Acknowledge { entry: entry.id },
            },
        )
    }

    fn all_of_kind(&self, kind: Kind) -> Vec<RecordId> {
        let replica = self.world.devices[self.device].replica();
        replica
            .map(|replica| replica.views().of_kind(kind).collect())
            .unwrap_or_default()
    }

    /// Changes several records alike.
    fn bulk(&self, dice: &mut Dice) -> Option<Intent> {
        let kind = [Kind::Inquiry, Kind::Customer, Kind::ContactPerson][dice.below(3)];
        let mut records = self.of_kind(kind);
        records.truncate(1 + dice.below(4));
        if records.is_empty() {
            return None;
        }
        let field = match dice.below(3) {
            0 => Assignment::add("tag", ["bulk", "hot"][dice.below(2)]),
            1 => Assignment::remove("tag", "hot"),
            _ => {
                let members = self.all_of_kind(Kind::Member);
                let who = dice.pick(&members)?.to_string();
                Assignment::set("responsible", who.as_str())
            }
        };
        Some(Intent::EditMany {
            records,
            fields: vec![field],
        })
    }

    /// Captures several contacts at once, some of them twice.
    fn import(&self, dice: &mut Dice) -> Option<Intent> {
        let contact = |dice: &mut Dice| Capture {
            fields: vec![
                Assignment::set("company", ["Mueller", "Schulze", "Kaiser"][dice.below(3)]),
                Assignment::set("family", "Muster"),
                Assignment::add("phone", "+49 30 123456"),
            ],
            event: Some(["Machine Fair", "machine fair"][dice.below(2)].to_owned()),
            follow_up: (dice.below(2) == 0).then(|| on(date(2026, 11, 30))),
        };
        let contacts = (0..1 + dice.below(3)).map(|_| contact(dice)).collect();
        Some(Intent::Import {
            contacts,
            as_customers: dice.below(3) == 0,
        })
    }

    /// Takes a file away.
    fn detach(&self, dice: &mut Dice) -> Option<Intent> {
        let record = self.any(dice)?;
        let view = self.look(record)?;
        let (key, _) = view.list("file").next()?;
        let hash = key.strip_prefix("file/")?.parse().ok()?;
        Some(Intent::Detach { record, hash })
    }

    /// Keeps a view that everybody gets.
    fn view(&self, dice: &mut Dice) -> Option<Intent> {
        let name = ["My inquiries", "Open"][dice.below(2)];
        Some(Intent::Create {
            kind: Kind::SavedView,
            fields: vec![Assignment::set("name", name)],
        })
    }

    /// Adds an activity of any kind that regards several records.
    fn appointment(&self, dice: &mut Dice) -> Option<Intent> {
        let words = ["call", "email", "note", "task", "appointment", "follow-up"];
        let activity = words[dice.below(words.len())];
        let regards = vec![self.any(dice)?, self.any(dice)?];
        Some(Intent::AddActivity(NewActivity {
            activity: activity.to_owned(),
            regards,
            subject: "As agreed".to_owned(),
            text: "Bring samples.".to_owned(),
            when: Some(on(date(2026, 11, 20 + dice.below(10) as i8))),
            ..NewActivity::default()
        }))
    }
}
