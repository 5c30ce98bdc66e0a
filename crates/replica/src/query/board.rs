//! The board: sales projects by phase.

use std::collections::BTreeMap;

use model::record::{self, Standing};
use model::status::PHASES;
use model::world::World;
use model::{Kind, RecordId, Value};

use super::Asked;
use crate::answers::{BoardAnswer, BoardColumn};
use crate::digest::Digest;

/// The rank that orders a column whose phase no setting and no default names.
const UNKNOWN_RANK: i64 = 99;

/// Gives the board, of one member or of all.
pub fn board(asked: &Asked<'_>, member: Option<RecordId>) -> BoardAnswer {
    let mut columns: BTreeMap<(i64, String), BoardColumn> = phases(asked)
        .into_iter()
        .map(|(word, title, rank)| ((rank, word.clone()), column(word, title)))
        .collect();
    let mut cards: Vec<&Digest> = asked
        .replica
        .digests()
        .of_kind(asked.replica.views(), Kind::SalesProject)
        .filter(|digest| digest.standing() == Standing::Alive)
        .filter(|digest| {
            member.is_none_or(|member| digest.reference("responsible") == Some(member))
        })
        .collect();
    cards.sort_by_key(|digest| {
        let closing = match digest.value("closing_date") {
            Some(Value::Date(date)) => Some(date),
            _ => None,
        };
        (closing.is_none(), closing, digest.id())
    });
    for digest in cards {
        let word = digest.status_word();
        let key = columns.keys().find(|(_, phase)| *phase == word).cloned();
        let key = key.unwrap_or_else(|| (UNKNOWN_RANK, word.clone()));
        let column = columns
            .entry(key)
            .or_insert_with(|| column(word.clone(), word));
        add(&mut column.sums, &mut column.weighted, digest);
        column.cards.push(asked.row(digest));
    }
    BoardAnswer {
        columns: columns.into_values().collect(),
    }
}

fn column(phase: String, title: String) -> BoardColumn {
    BoardColumn {
        phase,
        title,
        cards: Vec::new(),
        sums: Vec::new(),
        weighted: Vec::new(),
    }
}

/// Lists the phases of the workspace: the defaults, with what its settings say differently.
fn phases(asked: &Asked<'_>) -> Vec<(String, String, i64)> {
    let mut phases: Vec<(String, String, i64)> = PHASES
        .iter()
        .enumerate()
        .map(|(at, phase)| {
            // Lost and on hold come after won, whatever their rank in merging.
            let rank = if phase.rank == 0 {
                101 + at as i64
            } else {
                phase.rank
            };
            (phase.word.to_owned(), phase.title.to_owned(), rank)
        })
        .collect();
    let world = &asked.world;
    if let Some(settings) = record::record(world, world.settings_id()) {
        for (key, value) in settings.list("phase") {
            let (Some(word), Value::Phase(setting)) = (key.strip_prefix("phase/"), value) else {
                continue;
            };
            match phases.iter_mut().find(|(other, _, _)| other == word) {
                Some(phase) if phase.2 < 100 => {
                    *phase = (word.to_owned(), setting.title.clone(), setting.rank)
                }
                Some(phase) => phase.1.clone_from(&setting.title),
                None => phases.push((word.to_owned(), setting.title.clone(), setting.rank)),
            }
        }
    }
    phases
}

fn add(sums: &mut Vec<(String, i64)>, weighted: &mut Vec<(String, i64)>, digest: &Digest) {
    let Some(Value::Money(revenue)) = digest.value("revenue") else {
        return;
    };
    let chance = match digest.value("status") {
        Some(Value::Status(status)) => status.chance.unwrap_or(0),
        _ => 0,
    };
    add_to(sums, &revenue.currency, revenue.minor);
    let share = i128::from(revenue.minor) * i128::from(chance) / 100;
    add_to(
        weighted,
        &revenue.currency,
        i64::try_from(share).unwrap_or(i64::MAX),
    );
}

fn add_to(sums: &mut Vec<(String, i64)>, currency: &str, minor: i64) {
    match sums.iter_mut().find(|(other, _)| other == currency) {
        Some((_, sum)) => *sum = sum.saturating_add(minor),
        None => sums.push((currency.to_owned(), minor)),
    }
}
