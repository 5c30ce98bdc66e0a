//! Sales projects: phases, winning, losing; orders and projects.

use crate::id::RecordId;
use crate::kind::{FieldSpec, Kind};
use crate::offer;
use crate::plan::{Planner, Seen};
use crate::record::{self, RecordView};
use crate::refusal::Refusal;
use crate::status::{Course, ORDER, PHASES, PROJECT, Status, course};
use crate::value::{Award, Value};

/// Makes the status of a phase with the chance and rank that the workspace gives it.
pub(super) fn phase_status(planner: &Planner<'_, '_>, word: &str) -> Result<Status, Refusal> {
    let folded = word.trim().to_lowercase().replace([' ', '_'], "-");
    let settings = record::record(planner.world(), planner.world().settings_id());
    let own =
        settings.as_ref().and_then(
            |settings| match settings.value(&format!("phase/{folded}")) {
                Some(Value::Phase(phase)) => Some((Some(phase.chance), phase.rank)),
                _ => None,
            },
        );
    let default = PHASES
        .iter()
        .find(|phase| phase.word == folded)
        .map(|phase| (phase.chance, phase.rank));
    // A won or lost project is that by its word; a workspace may rename it but not give it another chance.
    let found = match course(&folded) {
        Course::Open => own.or(default),
        _ => default,
    };
    let Some((chance, rank)) = found else {
        let mut words: Vec<String> = PHASES.iter().map(|phase| phase.word.to_owned()).collect();
        words.extend(settings.iter().flat_map(|settings| {
            settings
                .list("phase")
                .filter_map(|(key, _)| key.strip_prefix("phase/").map(str::to_owned))
                .collect::<Vec<_>>()
        }));
        words.dedup();
        return Err(Refusal::NoSuchStatus {
            word: word.to_owned(),
            words: words.join(", "),
        });
    };
    Ok(Status {
        chance,
        ..Status::of(&folded, rank)
    })
}

/// Reads the status of kinds whose status is set like any other field.
pub(super) fn status_of_kind(spec: &FieldSpec, status: Status) -> Result<Status, Refusal> {
    let words = if spec.name == "status" {
        &PROJECT[..]
    } else {
        &[][..]
    };
    let folded = status.word.replace([' ', '_'], "-");
    match words.iter().find(|(word, _)| *word == folded) {
        Some((word, rank)) => Ok(Status {
            rank: *rank,
            word: (*word).to_owned(),
            ..status
        }),
        None => {
            let words = words
                .iter()
                .map(|(word, _)| *word)
                .collect::<Vec<_>>()
                .join(", ");
            Err(Refusal::NoSuchStatus {
                word: status.word,
                words,
            })
        }
    }
}

/// Keeps a chance that a person set by hand: one that differs from what the present phase gives.
pub(super) fn keep_hand_set_chance(
    planner: &Planner<'_, '_>,
    project: &RecordView,
    mut next: Status,
) -> Status {
    let Some(present) = project.status() else {
        return next;
    };
    if course(&next.word) == Course::OnHold {
        next.chance = present.chance;
        return next;
    }
    let by_phase = phase_status(planner, &present.word)
        .ok()
        .and_then(|status| status.chance);
    let by_hand = course(&present.word) == Course::Open
        && present.chance.is_some()
        && present.chance != by_phase;
    if by_hand && course(&next.word) == Course::Open {
        next.chance = present.chance;
    }
    next
}

/// Where a sales project is moved to.
pub(super) struct Move<'a> {
    pub(super) phase: &'a str,
    /// A chance set by hand, in percent.
    pub(super) chance: Option<i64>,
    pub(super) reason: Option<&'a str>,
}

/// Moves a sales project to a phase; winning goes through [`win`].
pub(super) fn move_phase(
    planner: &mut Planner<'_, '_>,
    id: RecordId,
    moved: &Move<'_>,
    seen: Seen,
) -> Result<(), Refusal> {
    let project = planner.alive_of(id, Kind::SalesProject)?;
    let status = phase_status(planner, moved.phase)?;
    if course(&status.word) == Course::Won {
        return win(planner, id, None, seen);
    }
    let chance = moved.chance;
    let reason = moved
        .reason
        .map(str::trim)
        .filter(|reason| !reason.is_empty());
    if course(&status.word) == Course::Lost && reason.is_none() {
        return Err(Refusal::Missing {
            what: "the reason",
            way_out: "give --reason TEXT",
        });
    }
    if project.contested {
        return Err(Refusal::Contested {
            title: project.named(),
        });
    }
    if project.status_word() == "won" {
        return Err(already_won(planner, &project));
    }
    if chance.is_some_and(|chance| !(0..=100).contains(&chance)) {
        return Err(Refusal::BadValue {
            field: "chance".to_owned(),
            value: chance.map(|chance| chance.to_string()).unwrap_or_default(),
            reason: "a chance is between 0 and 100 percent".to_owned(),
        });
    }
    let mut status = keep_hand_set_chance(planner, &project, status);
    status.chance = chance.or(status.chance);
    status.reason = reason.map(str::to_owned);
    planner.edit(id, Kind::SalesProject, true);
    planner.put(id, "status", Value::Status(status), seen);
    planner.answer.records.push(id);
    Ok(())
}

/// Wins a sales project: an order and a project appear, both derived from it.
pub(super) fn win(
    planner: &mut Planner<'_, '_>,
    id: RecordId,
    issued: Option<RecordId>,
    seen: Seen,
) -> Result<(), Refusal> {
    let project = planner.alive_of(id, Kind::SalesProject)?;
    if project.status_word() == "won" && !project.contested {
        return Err(already_won(planner, &project));
    }
    let award = award(planner, &project, issued)?;
    let won = phase_status(planner, "won")?;
    planner.edit(id, Kind::SalesProject, true);
    planner.put(id, "status", Value::Status(won), seen);
    if let Some(issued) = award.issued {
        accept(planner, issued);
    }
    let (order, delivery) = (RecordId::order_of(id), RecordId::project_of(id));
    make_order(planner, &project, order, award)?;
    make_project(planner, &project, delivery)?;
    planner.answer.records.extend([order, delivery, id]);
    Ok(())
}

fn already_won(planner: &Planner<'_, '_>, project: &RecordView) -> Refusal {
    let order = RecordId::order_of(project.id);
    Refusal::AlreadyWon {
        title: project.named(),
        order: planner.name_of(order),
    }
}

/// Finds what won: the offer that is told, else the only accepted, else the only sent one, else the revenue.
fn award(
    planner: &Planner<'_, '_>,
    project: &RecordView,
    told: Option<RecordId>,
) -> Result<Award, Refusal> {
    if let Some(issued) = told {
        let view = planner.alive_of(issued, Kind::IssuedOffer)?;
        if view.reference("sales_project") != Some(project.id) {
            return Err(Refusal::NoSuchEntry {
                field: "offers of the sales project".to_owned(),
                value: view.title(),
                way_out: format!("see its offers: handschlag show {}", project.id.short()),
            });
        }
        return Ok(Award {
            issued: Some(issued),
            amount: offer::net_of(planner.world(), issued),
        });
    }
    for word in ["accepted", "sent"] {
        match offer::issued_with_verdict(planner.world(), project.id, word).as_slice() {
            [] => {}
            [only] => {
                return Ok(Award {
                    issued: Some(*only),
                    amount: offer::net_of(planner.world(), *only),
                });
            }
            several => {
                let numbers: Vec<String> = several
                    .iter()
                    .filter_map(|id| planner.any(*id).ok())
                    .map(|view| view.title())
                    .collect();
                return Err(Refusal::WhichOffer {
                    numbers: numbers.join(", "),
                    sales_project: project.id.short(),
                });
            }
        }
    }
    Ok(Award {
        issued: None,
        amount: project.money("revenue").cloned(),
    })
}

fn accept(planner: &mut Planner<'_, '_>, issued: RecordId) {
    let offer = planner
        .any(issued)
        .ok()
        .and_then(|view| view.reference("offer"));
    let Some(offer) = offer else { return };
    let Ok(view) = planner.any(offer) else { return };
    let accepted = matches!(view.value(&format!("verdict/{issued}")), Some(Value::Status(status)) if status.word == "accepted");
    if !accepted {
        // Winning an archived offer does not take its draft back into use.
        planner.edit(offer, Kind::Offer, view.is_alive());
        planner.set(
            offer,
            &format!("verdict/{issued}"),
            Value::Status(Status::of("accepted", 50)),
        );
    }
}

fn make_order(
    planner: &mut Planner<'_, '_>,
    project: &RecordView,
    id: RecordId,
    award: Award,
) -> Result<(), Refusal> {
    planner.edit(id, Kind::Order, true);
    let existing = planner.any(id).ok();
    put_derived_number(planner, project, id, existing.as_ref(), "AU")?;
    if award.issued.is_some() || award.amount.is_some() {
        planner.set(id, "award", Value::Award(award));
    }
    planner.set(id, "sales_project", Value::Reference(project.id));
    if let Some(customer) = project.reference("customer") {
        planner.set(id, "customer", Value::Reference(customer));
    }
    if existing.is_none() {
        planner.set(id, "status", Value::Status(Status::of("open", 10)));
    }
    Ok(())
}

fn make_project(
    planner: &mut Planner<'_, '_>,
    project: &RecordView,
    id: RecordId,
) -> Result<(), Refusal> {
    planner.edit(id, Kind::Project, true);
    let existing = planner.any(id).ok();
    put_derived_number(planner, project, id, existing.as_ref(), "PR")?;
    planner.set(id, "name", Value::Text(project.text("name").to_owned()));
    planner.set(id, "sales_project", Value::Reference(project.id));
    for key in ["customer", "responsible"] {
        if let Some(value) = project.value(key) {
            planner.set(id, key, value.clone());
        }
    }
    if existing.is_none() {
        planner.set(id, "status", Value::Status(Status::of("planned", 10)));
    }
    Ok(())
}

/// A number is set once: a record that was undone and is made again keeps the one it has.
fn put_derived_number(
    planner: &mut Planner<'_, '_>,
    project: &RecordView,
    id: RecordId,
    existing: Option<&RecordView>,
    series: &str,
) -> Result<(), Refusal> {
    if existing.is_some_and(|view| !view.text("number").is_empty()) {
        return Ok(());
    }
    let number = match crate::number::derived(project.text("number"), &planner.prefix(series)) {
        Some(number) => number,
        None => planner.mint(series)?,
    };
    planner.put(id, "number", Value::Text(number), Seen::Shown);
    Ok(())
}

/// Confirms an order to the customer and pins the chain it rests on.
pub(super) fn confirm(
    planner: &mut Planner<'_, '_>,
    id: RecordId,
    reference: Option<&str>,
) -> Result<(), Refusal> {
    let order = planner.alive_of(id, Kind::Order)?;
    if order.status_word() != "open" {
        let rests = order.status_word() == "on-hold";
        let project = order.reference("sales_project").filter(|_| rests);
        return Err(Refusal::NotOpen {
            title: order.named(),
            state: format!("{}, not open", order.status_word()),
            way_out: project.map(|id| {
                format!(
                    "decide its sales project first: handschlag show {}",
                    id.short()
                )
            }),
        });
    }
    let rank = ORDER
        .iter()
        .find(|(word, _)| *word == "confirmed")
        .map_or(0, |(_, rank)| *rank);
    planner.edit(id, Kind::Order, true);
    planner.set(id, "status", Value::Status(Status::of("confirmed", rank)));
    planner.set(id, "date", Value::Date(planner.today()));
    if let Some(reference) = reference.map(str::trim).filter(|text| !text.is_empty()) {
        planner.set(id, "reference", Value::Text(reference.to_owned()));
    }
    let project = order
        .reference("sales_project")
        .and_then(|id| planner.any(id).ok());
    let mut chain = project
        .map(|project| super::offers::chain(planner, &project, Some(id)))
        .unwrap_or_else(|| vec![id]);
    chain.extend(order.reference("sales_project").map(RecordId::project_of));
    super::offers::pin(planner, &chain, order.text("number"));
    planner.answer.records.push(id);
    Ok(())
}
