//! Queries: answered from the replica, without waiting for anything.

use model::{EntryId, IntentId, RecordId, ValueId};
use protocol::FeedId;
use replica::answers::Named;
use replica::query::{self, Asked};
use store::{EnvelopeKey, Reading};

use super::Core;
use super::device::Device;
use super::problem::Problem;
use crate::interface::{
    Answer, ExportAnswer, Failure, Held, LostBranchAnswer, MergedAnswer, Query, ResolvedEntry,
    ResolvedOperation, StatusAnswer,
};

/// How many of this device's operations are searched for the beginning of an id.
const SEARCHED_OPERATIONS: usize = 10_000;

/// The fewest digits by which an operation or entry may be named.
const MIN_DIGITS: usize = 4;

/// The most records that one window of an export holds.
const MAX_EXPORT: usize = 1_000;

impl Core {
    /// Asks the replica something, as the device's person sees it at this moment.
    pub(super) fn ask<T>(
        &self,
        ask: impl FnOnce(&Asked<'_>, &Device) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let device = self.device()?;
        let read = self.store.read().map_err(Problem::from)?;
        let asked = Asked {
            replica: &device.replica,
            world: device.replica.sight(&read),
            devices: device,
            today: self.civil_now().date(),
            zone: self.zone(),
        };
        let answer = ask(&asked, device);
        asked.world.finish().map_err(Problem::from)?;
        answer
    }

    /// Answers a query.
    pub(super) fn query(&self, query: &Query) -> Result<Answer, Failure> {
        if matches!(query, Query::Status) {
            return Ok(Answer::Status(Box::new(self.status()?)));
        }
        // A subscription may be older than the revocation.
        if let Some(failure) = self.revocation() {
            return Err(failure);
        }
        self.ask(|asked, device| self.answer(query, asked, device))
    }

    fn answer(&self, query: &Query, asked: &Asked<'_>, device: &Device) -> Result<Answer, Failure> {
        Ok(match query {
            Query::List(list) => Answer::List(
                query::list(asked, list)
                    .map_err(|error| Failure::new("bad-list", error.to_string(), None))?,
            ),
            Query::Record { record } => Answer::Record(Box::new(
                query::record(asked, *record).ok_or_else(|| no_record(*record))?,
            )),
            Query::History { record } => {
                Answer::History(query::history(asked, *record).map_err(Problem::from)?)
            }
            Query::Home { member, day } => {
                let member = member.unwrap_or(device.replica.identity().member);
                if !super::is_member(device, member) {
                    return Err(no_record(member));
                }
                Answer::Home(query::home(asked, member, day.unwrap_or(asked.today)))
            }
            Query::Board { member } => Answer::Board(query::board(asked, *member)),
            Query::Search { text, limit } => Answer::Hits(query::search(asked, text, *limit)),
            Query::Merged { all } => Answer::Merged(query::merged(asked, *all)),
            Query::Statistics => Answer::Statistics(query::statistics(asked)),
            Query::Status => return Ok(Answer::Status(Box::new(self.status()?))),
        })
    }

    /// Finds the record that a person names.
    pub(super) fn resolve(&self, text: &str) -> Result<Named, Failure> {
        self.ask(|asked, _| {
            let id = query::find(asked, text).map_err(|error| match error {
                query::FindError::None { .. } => Failure::new(
                    "no-such-record",
                    error.to_string(),
                    Some("look it up: handschlag search TEXT or handschlag list KIND; if it is new elsewhere: handschlag sync"),
                ),
                query::FindError::Several { .. } => Failure::new(
                    "ambiguous",
                    error.to_string(),
                    Some("give more digits of the id, or the number"),
                ),
            })?;
            Ok(asked.named(id))
        })
    }

    /// Finds the operation or batch that a person names by its id or an end of it.
    pub(super) fn resolve_operation(&self, text: &str) -> Result<ResolvedOperation, Failure> {
        self.device()?;
        let read = self.store.read().map_err(Problem::from)?;
        if let Ok(id) = text.trim().parse::<IntentId>() {
            let is_batch = !read.batch(id.as_bytes()).map_err(Problem::from)?.is_empty();
            return Ok(ResolvedOperation { id, is_batch });
        }
        let digits = text.trim().to_lowercase().replace('-', "");
        let named =
            |id: &IntentId| digits.len() >= MIN_DIGITS && is_end_of(&digits, &id.to_string());
        let recent = read
            .recent_operations(SEARCHED_OPERATIONS)
            .map_err(Problem::from)?;
        let batches = read.batches().map_err(Problem::from)?;
        let operations = recent
            .into_iter()
            .map(|id| (IntentId::from_bytes(id), false));
        let batches = batches
            .into_iter()
            .map(|id| (IntentId::from_bytes(id), true));
        let mut found: Vec<(IntentId, bool)> = batches
            .chain(operations)
            .filter(|(id, _)| named(id))
            .collect();
        found.dedup();
        match found.as_slice() {
            [(id, is_batch)] => Ok(ResolvedOperation {
                id: *id,
                is_batch: *is_batch,
            }),
            [] => Err(Failure::new(
                "no-such-operation",
                format!("there is no operation '{text}'"),
                Some("see the operations of a record: handschlag history ID"),
            )),
            _ => Err(Failure::new(
                "ambiguous",
                format!("'{text}' could be several operations"),
                Some("give more digits"),
            )),
        }
    }

    /// Finds an entry of the Merged list, and a value in it.
    pub(super) fn resolve_entry(
        &self,
        entry: &str,
        value: Option<&str>,
    ) -> Result<ResolvedEntry, Failure> {
        let digits = entry.trim().to_lowercase();
        let whole = digits.parse::<EntryId>().ok();
        let all = self.ask(|asked, _| Ok(query::merged(asked, true)))?;
        let mut found: Vec<_> = all
            .into_iter()
            .filter(|one| match whole {
                Some(id) => one.id == id,
                None => digits.len() >= MIN_DIGITS && is_end_of(&digits, &one.id.to_string()),
            })
            .collect();
        let entry = match (found.pop(), found.is_empty()) {
            (Some(entry), true) => entry,
            (Some(_), false) => {
                return Err(Failure::new(
                    "ambiguous",
                    format!("'{digits}' could be several entries"),
                    Some("give more digits"),
                ));
            }
            (None, _) => {
                return Err(Failure::new(
                    "no-such-merged-entry",
                    format!("the Merged list has no entry '{digits}'"),
                    Some("see which it has: handschlag merged --all"),
                ));
            }
        };
        let Some(value) = value else {
            return Ok(ResolvedEntry { entry, value: None });
        };
        match choice(&entry, &value.trim().to_lowercase()) {
            Some(id) => Ok(ResolvedEntry {
                entry,
                value: Some(id),
            }),
            None => Err(Failure::new(
                "no-such-choice",
                format!("the entry has no value '{value}'"),
                Some("see the values with their places: handschlag merged"),
            )),
        }
    }

    /// Gives a window of all records.
    pub(super) fn export(&self, offset: usize, limit: usize) -> Result<ExportAnswer, Failure> {
        self.ask(|asked, device| {
            let views = device.replica.views();
            let window = views.all().skip(offset).take(limit.min(MAX_EXPORT));
            let records = window
                .filter_map(|(_, id)| query::record(asked, id))
                .collect();
            Ok(ExportAnswer {
                total: views.all().count(),
                records,
            })
        })
    }

    fn status(&self) -> Result<StatusAnswer, Failure> {
        let mut status = StatusAnswer {
            connection: self.connection_word().to_owned(),
            connection_problem: self
                .link
                .problem
                .as_ref()
                .map(|failure| failure.reason.clone()),
            home: self.around.place(),
            store_bytes: self.around.store_bytes(),
            ..StatusAnswer::default()
        };
        let Some(device) = &self.device else {
            return self.broken.clone().map_or(Ok(status), Err);
        };
        let read = self.store.read().map_err(Problem::from)?;
        let held = |rows: Vec<(EnvelopeKey, Vec<u8>)>| {
            rows.into_iter()
                .map(|(key, reason)| Held {
                    device: device.code_of(&FeedId::from_bytes(key.feed)),
                    sequence: key.sequence,
                    reason: String::from_utf8_lossy(&reason).into_owned(),
                })
                .collect::<Vec<_>>()
        };
        if device.forged > 0 {
            let forged = format!(
                "{} transactions with false signatures came from the relay and were dropped",
                device.forged
            );
            status.connection_problem.get_or_insert(forged);
        }
        status.workspace = Some(self.founded()?);
        status.role = Some(device.replica.identity().role);
        status.relay = device.relay.as_ref().map(ToString::to_string);
        status.only_here = device.only_here();
        status.last_complete_ms = device.complete_ms;
        status.records = device.replica.views().len();
        status.relay_differs = super::witness::told(device, &read)?;
        status.own_held = device.own_held();
        status.revoked = self.revocation();
        if device.is_admin() {
            status.held = read.held().map_err(Problem::from)?.len() as u64;
            status.lost_branches = lost_branches(device);
            status.ignored_branches = device.roster.ignored_branches();
        }
        status.waiting = held(read.waiting().map_err(Problem::from)?);
        status.quarantined = held(read.quarantine().map_err(Problem::from)?);
        status.merged = device.replica.merged(false).len();
        Ok(status)
    }
}

/// Says which branches of the roster were lost, and whose devices wait for an admin because of that.
fn lost_branches(device: &Device) -> Vec<LostBranchAnswer> {
    let held: Vec<String> = device
        .roster
        .held_devices()
        .map(|one| one.code.as_str().to_owned())
        .collect();
    let lost = device.roster.lost().iter().map(|lost| {
        let (author, begun_ms) = lost.begun();
        LostBranchAnswer {
            parted_at: lost.parted_at(),
            begun_ms: begun_ms.cast_signed(),
            begun_by: device.code_of(&FeedId::from(author)),
            devices: held.clone(),
        }
    });
    lost.collect()
}

/// Finds the value of an entry that a person names by its place, or by its id or a unique end of it.
///
/// A number too short for an end of an id is a place alone, so that a wrong place never names another value by chance.
fn choice(entry: &MergedAnswer, typed: &str) -> Option<ValueId> {
    let place = typed.parse::<usize>().ok();
    if let Some(choice) = place.and_then(|place| entry.choices.get(place.checked_sub(1)?)) {
        return Some(choice.id);
    }
    if typed.len() < MIN_DIGITS {
        return None;
    }
    let mut named = entry
        .choices
        .iter()
        .map(|choice| choice.id)
        .filter(|id| is_end_of(typed, &id.to_string()));
    named.next().filter(|_| named.next().is_none())
}

fn is_end_of(part: &str, whole: &str) -> bool {
    !part.is_empty() && (whole.starts_with(part) || whole.ends_with(part))
}

fn no_record(id: RecordId) -> Failure {
    model::Refusal::NoSuchRecord { id: id.short() }.into()
}
