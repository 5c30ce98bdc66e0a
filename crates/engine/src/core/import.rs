//! Importing vCard and CSV files: contacts become inquiries, or customers with a contact person.

use interchange::{Card, Labelled as CardEntry};
use model::intent::{Assignment, Capture, Intent};
use model::value::{Address, Labelled};
use model::{IntentId, Value};

use super::{Caller, Core};
use crate::headless::Output;
use crate::interface::{Event, Failure, ImportAnswer, ImportFile, ImportProblem, Message};

/// The most contacts in one transaction.
const CONTACTS_PER_TRANSACTION: usize = 200;

/// The most text of contacts in one transaction, in bytes; what a transaction may hold is twice that.
const BYTES_PER_TRANSACTION: usize = 100 * 1024;

/// What a contact takes beside its text, in bytes: names of fields, ids, the frame of a change.
const BYTES_PER_CONTACT: usize = 700;

/// What all contacts of an import get.
pub(super) struct Marks {
    pub(super) event: Option<String>,
    pub(super) origin: Option<String>,
    pub(super) kind: Option<String>,
}

impl Core {
    /// Reads files and captures what is in them, in a few transactions of one batch.
    pub(super) fn import(
        &mut self,
        caller: Caller,
        batch: Option<IntentId>,
        files: &[ImportFile],
        marks: &Marks,
    ) -> Result<ImportAnswer, Failure> {
        self.device()?;
        let as_customers = match marks.kind.as_deref() {
            None | Some("inquiry") => false,
            Some("customer") => true,
            Some(other) => {
                return Err(Failure::new(
                    "bad-kind",
                    format!("contacts are not imported as {other}"),
                    Some("import them as inquiry or customer"),
                ));
            }
        };
        let (contacts, problems) = read_files(files, marks)?;
        let batch = match batch {
            Some(batch) => batch,
            None => IntentId::fresh(self.around.now_ms(), self.random()),
        };
        let mut answer = ImportAnswer {
            batch,
            records: Vec::new(),
            transactions: 0,
            problems,
        };
        let total = contacts.len() as u64;
        let mut rest = contacts.as_slice();
        while !rest.is_empty() {
            let (now, later) = rest.split_at(how_many(rest));
            let intent = Intent::Import {
                contacts: now.to_vec(),
                as_customers,
            };
            let done = self
                .carry_one(
                    batch.nth(answer.transactions as u32 + 1),
                    Some(batch),
                    &intent,
                )
                .map_err(|failure| stopped(failure, &answer, total))?;
            answer.records.extend(done.records);
            answer.transactions += 1;
            rest = later;
            let event = Event::Progress {
                call: caller.call,
                done: total - rest.len() as u64,
                total: Some(total),
                text: "contacts imported".to_owned(),
            };
            self.outputs
                .push_back(Output::Tell(caller.client, Message::Event(event)));
        }
        Ok(answer)
    }
}

/// Says how far an import came that stopped half-way.
fn stopped(failure: Failure, so_far: &ImportAnswer, total: u64) -> Failure {
    if so_far.transactions == 0 {
        return failure;
    }
    let reason = format!(
        "{} (the import stopped: {} of {total} contacts are here)",
        failure.reason,
        so_far.records.len()
    );
    let undo = format!(
        "undo {} takes back those that are here; then import again",
        so_far.batch
    );
    // Neither works before what stopped the import is mended.
    let way_out = match &failure.way_out {
        Some(first) => format!("{first}: {undo}"),
        None => undo,
    };
    Failure::new(&failure.code, reason, Some(&way_out))
}

/// Reads all files: one that cannot be read is a problem beside the others, and a failure where there is no other.
fn read_files(
    files: &[ImportFile],
    marks: &Marks,
) -> Result<(Vec<Capture>, Vec<ImportProblem>), Failure> {
    let (mut contacts, mut problems) = (Vec::new(), Vec::new());
    let mut unread = Vec::new();
    for file in files {
        if let Err(reason) = read_file(file, marks, &mut contacts, &mut problems) {
            problems.push(ImportProblem {
                file: file.name.clone(),
                line: 0,
                skipped: true,
                text: reason.clone(),
            });
            unread.push(format!("{}: {reason}", file.name));
        }
    }
    if !unread.is_empty() && unread.len() == files.len() {
        return Err(Failure::new(
            "unreadable-file",
            unread.join("; "),
            Some("nothing was imported; give vCard or CSV files"),
        ));
    }
    Ok((contacts, problems))
}

/// Reads the contacts of one file, or says why nothing of it can be read.
fn read_file(
    file: &ImportFile,
    marks: &Marks,
    contacts: &mut Vec<Capture>,
    problems: &mut Vec<ImportProblem>,
) -> Result<(), String> {
    let format = interchange::detect(&file.name, &file.bytes).map_err(|error| error.to_string())?;
    let imported = interchange::read(format, &file.bytes).map_err(|error| error.to_string())?;
    problems.extend(imported.problems.iter().map(|problem| ImportProblem {
        file: file.name.clone(),
        line: problem.line,
        skipped: problem.skipped,
        text: problem.text.clone(),
    }));
    for card in &imported.cards {
        if card.names_someone() {
            contacts.push(contact(card, marks));
        } else {
            problems.push(ImportProblem {
                file: file.name.clone(),
                line: card.line,
                skipped: true,
                text:
                    "the card names nobody: it has no name, company, phone number or e-mail address"
                        .to_owned(),
            });
        }
    }
    Ok(())
}

/// Counts the contacts that fit one transaction.
fn how_many(contacts: &[Capture]) -> usize {
    let mut bytes = 0;
    let fitting = contacts
        .iter()
        .take(CONTACTS_PER_TRANSACTION)
        .take_while(|contact| {
            bytes += BYTES_PER_CONTACT + contact.fields.iter().map(size).sum::<usize>();
            bytes <= BYTES_PER_TRANSACTION
        })
        .count();
    fitting.max(1)
}

fn size(assignment: &Assignment) -> usize {
    let text = match &assignment.value {
        model::intent::Input::Text(text) => text.len(),
        model::intent::Input::Value(_) => 64,
    };
    text + 40
}

fn contact(card: &Card, marks: &Marks) -> Capture {
    let mut fields = Vec::new();
    let mut given = [card.given.as_str(), &card.additional]
        .join(" ")
        .trim()
        .to_owned();
    let mut family = [card.family.as_str(), &card.suffix]
        .join(" ")
        .trim()
        .to_owned();
    if given.is_empty() && family.is_empty() && card.company.is_empty() {
        // A card with nothing but a number or an address is known by that.
        family = card.display_name();
        given = String::new();
    }
    let texts = [
        ("company", card.company.as_str()),
        ("salutation", &card.salutation),
        ("given", &given),
        ("family", &family),
        ("job_title", &card.job_title),
        ("website", card.websites.first().map_or("", String::as_str)),
    ];
    for (field, text) in texts
        .into_iter()
        .filter(|(_, text)| !text.trim().is_empty())
    {
        fields.push(Assignment::set(field, Value::Text(text.trim().to_owned())));
    }
    for (field, entries) in [("phone", &card.phones), ("email", &card.emails)] {
        fields.extend(
            entries
                .iter()
                .map(|entry| Assignment::add(field, Value::Labelled(labelled(entry)))),
        );
    }
    if let Some(address) = card.addresses.first() {
        fields.push(Assignment::set(
            "address",
            Value::Address(Address {
                street: address.street.clone(),
                extra: address.extra.clone(),
                postal_code: address.postal_code.clone(),
                city: address.city.clone(),
                region: address.region.clone(),
                country: address.country.clone(),
                label: String::new(),
            }),
        ));
    }
    fields.extend(
        card.tags
            .iter()
            .map(|tag| Assignment::add("tag", Value::Text(tag.clone()))),
    );
    let note = note(card);
    if !note.is_empty() {
        fields.push(Assignment::set("note", note.as_str()));
    }
    if let Some(origin) = &marks.origin {
        fields.push(Assignment::set("origin", Value::Text(origin.clone())));
    }
    Capture {
        fields,
        event: marks.event.clone(),
        follow_up: None,
    }
}

fn labelled(entry: &CardEntry) -> Labelled {
    Labelled {
        value: entry.value.clone(),
        label: entry.label.word().to_owned(),
    }
}

/// Keeps in the note what an inquiry has no field for: nothing of a card is lost.
fn note(card: &Card) -> String {
    let mut lines = Vec::new();
    if !card.note.trim().is_empty() {
        lines.push(card.note.trim_end().to_owned());
    }
    let mut add = |name: &str, text: &str| {
        if !text.is_empty() {
            lines.push(format!("{name}: {text}"));
        }
    };
    add("department", &card.department);
    add("birthday", &card.birthday);
    add("VAT id", &card.vat_id);
    card.websites
        .iter()
        .skip(1)
        .for_each(|website| add("website", website));
    for address in card.addresses.iter().skip(1) {
        let city = [address.postal_code.as_str(), &address.city].join(" ");
        let parts = [
            address.street.as_str(),
            &address.extra,
            city.trim(),
            &address.region,
            &address.country,
        ];
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        add("address", &parts.join(", "));
    }
    lines.join("\n")
}
