//! Files in and out, and the interface as JSON lines.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use engine::interface::{Answer, Failure, ImportFile, Request};

use crate::args::files::Import;
use crate::desk::{Desk, answer};
use crate::error::CommandError;
use crate::output;

/// How much is imported at a time, in bytes: as base64 it fits on one line between processes.
const IMPORT_MAX: u64 = 40 << 20;

/// How many records one window of an export holds.
const EXPORT_WINDOW: usize = 500;

pub(super) fn import(desk: &mut Desk<'_>, args: &Import) -> Result<(), CommandError> {
    let mut room = IMPORT_MAX;
    let files = args
        .files
        .iter()
        .map(|path| read(path, &mut room))
        .collect::<Result<_, _>>()?;
    let request = Request::Import {
        // The connection gives it one.
        intent_id: None,
        files,
        event: args.event.clone(),
        origin: args.origin.clone(),
        kind: args.kind.map(|kind| kind.name().to_owned()),
    };
    let answer = desk.ask_long(request, "importing")?;
    let imported = answer!(answer, Answer::Imported(imported) => imported);
    desk.print(&imported, |_| output::done::imported(&imported))?;
    for problem in &imported.problems {
        desk.remark(&output::done::problem(problem))?;
    }
    if imported.records.is_empty() && !imported.problems.is_empty() {
        return Err(CommandError::Failed(Failure::new(
            "nothing-imported",
            "none of the contacts could be read",
            Some("look at the places named above, or export the contacts as vCard 3.0 or 4.0"),
        )));
    }
    Ok(())
}

/// Reads a file while there is room for it.
fn read(path: &Path, room: &mut u64) -> Result<ImportFile, CommandError> {
    let name = path.display().to_string();
    let failed = |error: io::Error| {
        CommandError::Failed(Failure::new(
            "unreadable-file",
            format!("cannot read {name}: {error}"),
            Some("name a vCard or CSV file that exists"),
        ))
    };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(*room + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    let Some(left) = room.checked_sub(bytes.len() as u64) else {
        return Err(CommandError::Failed(Failure::new(
            "too-much-to-import",
            format!("with {name} it is more than {} MiB", IMPORT_MAX >> 20),
            Some("import fewer files at a time, or split a large one"),
        )));
    };
    *room = left;
    Ok(ImportFile { name, bytes })
}

/// Writes all records as one JSON value, window by window, so that no side ever holds them all.
pub(super) fn export(desk: &mut Desk<'_>) -> Result<(), CommandError> {
    if !desk.is_json {
        return Err(CommandError::Usage {
            reason: "an export is JSON".to_owned(),
            expected: "handschlag export --json > FILE".to_owned(),
        });
    }
    let mut given = HashSet::new();
    let mut offset = 0;
    loop {
        let request = Request::Export {
            offset,
            limit: EXPORT_WINDOW,
        };
        let window = answer!(desk.ask(request)?, Answer::Exported(window) => window);
        let out = &mut *desk.terminal.out;
        if offset == 0 {
            write!(out, "{{\"records\":[")?;
        }
        for record in &window.records {
            // A record that came in meanwhile moves the windows by one.
            if given.insert(record.record.id) {
                let comma = if given.len() > 1 { "," } else { "" };
                let json = serde_json::to_string(record).map_err(io::Error::from)?;
                write!(out, "{comma}\n{json}")?;
            }
        }
        offset += window.records.len();
        if window.records.is_empty() || offset >= window.total {
            break;
        }
    }
    writeln!(desk.terminal.out, "\n],\"total\":{}}}", given.len())?;
    Ok(desk.terminal.out.flush()?)
}

/// Speaks the engine's interface until stdin ends.
pub(super) fn rpc(desk: &mut Desk<'_>) -> Result<(), CommandError> {
    let connection = desk.take_connection()?;
    let input = Box::new(BufReader::new(io::stdin()));
    connection
        .serve_lines(input, Box::new(io::stdout()))
        .map_err(|error| match error.downcast::<Failure>() {
            Ok(failure) => CommandError::Failed(failure),
            Err(error) => CommandError::Output { source: error },
        })
}
