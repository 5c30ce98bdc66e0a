//! Random things that people do, aimed at the same few records on purpose.

use std::collections::BTreeSet;

use jiff::civil::date;
use model::intent::{Assignment, Undo};
use model::value::LineItem;
use model::{FileHash, Intent, IntentId, Kind, RecordId, ValueId};

use crate::acts::*;
use crate::peers::{Dice, Peers};

/// How many records of one kind the wishes aim at: few, so that devices meet.
const AIMED_AT: usize = 2;

/// The records that wishes keep to, and what was done to them.
#[derive(Debug, Default)]
pub(crate) struct Aims {
    records: BTreeSet<RecordId>,
    operations: BTreeSet<IntentId>,
}

impl Aims {
    /// Adds what an operation made, and what that may become.
    pub(crate) fn add(&mut self, records: &[RecordId], operation: IntentId) {
        self.operations.insert(operation);
        for id in records {
            let project = RecordId::sales_project_of(*id);
            let derived = [
                *id,
                RecordId::customer_of(*id),
                RecordId::contact_of(*id),
                project,
            ];
            self.records.extend(derived);
            for won in [*id, project] {
                let made = [RecordId::order_of(won), RecordId::project_of(won)];
                self.records.extend(made);
            }
        }
    }
}

/// Thinks of something that a device may want to do now; it may be refused.
///
/// Every history has a theme to which half of the wishes keep, so that rare rows of the table are met too.
pub(crate) fn wish(
    peers: &Peers,
    peer: usize,
    theme: u64,
    aims: Option<&Aims>,
    dice: &mut Dice,
) -> Option<Intent> {
    let wish = Wish { peers, peer, aims };
    let what = match (dice.below(2), theme % 8) {
        (0, _) => dice.below(24),
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
        _ => wish.order(dice),
    }
}

struct Wish<'a> {
    peers: &'a Peers,
    peer: usize,
    /// Where wishes keep to some records.
    aims: Option<&'a Aims>,
}

impl Wish<'_> {
    fn of_kind(&self, kind: Kind) -> Vec<RecordId> {
        let views = self.peers.all[self.peer].replica.views();
        let mut all: Vec<RecordId> = views.of_kind(kind).collect();
        all.retain(|id| self.aims.is_none_or(|aims| aims.records.contains(id)));
        all
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
                let employer = self.peers.view(self.peer, contact).reference("customer")?;
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
        let view = self.peers.view(self.peer, record);
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
            1 => return Some(self.file(record, dice)),
            _ => note(record, ["Likes tea.", "Call again."][dice.below(2)]),
        })
    }

    /// Attaches one of two files under one of two names, or takes it away.
    fn file(&self, record: RecordId, dice: &mut Dice) -> Intent {
        let hash = FileHash::from_bytes([dice.below(2) as u8; 32]);
        match dice.below(3) {
            0 => detach(record, hash),
            _ => attach(record, hash, ["card.png", "visit.png"][dice.below(2)]),
        }
    }

    fn activity(&self, dice: &mut Dice) -> Option<Intent> {
        let activity = self.one(Kind::Activity, dice);
        let (Some(activity), 1..) = (activity, dice.below(5)) else {
            let who = self.peers.members[dice.below(self.peers.members.len())];
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
        let mut all: Vec<_> = self.peers.intents.keys().copied().collect();
        if let Some(aims) = self.aims {
            all.retain(|id| aims.operations.contains(id));
            let operation = *all.get(dice.below(all.len()))?;
            return Some(undo_of(operation));
        }
        let what = match dice.below(3) {
            0 => Undo::Last,
            1 => Undo::Operation(self.peers.all[self.peer].outbox.last()?.intent),
            _ => Undo::Operation(all[dice.below(all.len())]),
        };
        Some(Intent::Undo { what })
    }

    fn entry(&self, dice: &mut Dice) -> Option<Intent> {
        let mut list = self.peers.all[self.peer].replica.merged(false);
        if let Some(aims) = self.aims {
            let is_aimed_at = |id: &RecordId| aims.records.contains(id);
            list.retain(|entry| entry.records.iter().all(is_aimed_at));
        }
        let entry = list.get(dice.below(list.len()))?;
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
}
