//! What the commands of upkeep print: sentences for people, or one line of JSON with names that stay.

use std::io::{self, Write};

use protocol::{FeedId, LogEpoch, WorkspaceId};
use serde::Serialize;

use super::{
    Examined, Finding, Status, WorkspaceStatus, backup, restore, status, utc::moment,
    verify_backup, verify_data,
};
use crate::args::{BackupArgs, RestoreArgs, StatusArgs, VerifyArgs};

/// How many findings JSON lists; beyond that they are counted.
pub const MAX_LISTED: usize = 1000;

/// Makes a backup and says what is in it.
///
/// # Errors
/// The sentence for stderr.
pub fn tell_backup(args: &BackupArgs, out: &mut dyn Write) -> Result<(), String> {
    let made = backup(&args.file, &args.data, args.force).map_err(|error| error.to_string())?;
    if args.json {
        return line(out, &made);
    }
    let text = format!(
        "{}: {} with {} and {}, {}",
        made.file.display(),
        count(made.workspaces, "workspace"),
        count(made.envelopes, "envelope"),
        count_as(made.roster_entries, "roster entry", "roster entries"),
        size(made.bytes),
    );
    say(
        out,
        &[
            text,
            "Keep it as safe as the data directory: it holds the relay's key.".into(),
        ],
    )
}

/// Restores a backup and says what is there now.
///
/// # Errors
/// The sentence for stderr.
pub fn tell_restore(args: &RestoreArgs, out: &mut dyn Write) -> Result<(), String> {
    let restored = restore(&args.file, &args.data).map_err(|error| error.to_string())?;
    if args.json {
        return line(out, &restored);
    }
    let mut lines = vec![format!(
        "{}: restored from a backup of {}",
        restored.data.display(),
        moment(restored.made_ms)
    )];
    lines.extend(restored.workspaces.iter().map(|workspace| {
        format!(
            "workspace {}: {}, {}",
            workspace.workspace,
            count(workspace.devices, "device"),
            count(workspace.envelopes, "envelope"),
        )
    }));
    lines.push(
        "Start the relay on it with serve; clients that have read further send what it lacks."
            .into(),
    );
    say(out, &lines)
}

#[derive(Debug, Serialize)]
struct VerifiedJson {
    ok: bool,
    faults: u64,
    made_ms: Option<u64>,
    workspaces: Vec<ExaminedJson>,
    findings: Vec<FindingJson>,
}

#[derive(Debug, Serialize)]
struct ExaminedJson {
    workspace: WorkspaceId,
    epoch: LogEpoch,
    devices: u64,
    roster_entries: u32,
    feeds: usize,
    envelopes: u64,
    held_envelopes: u64,
    bytes: u64,
}

impl From<&Examined> for ExaminedJson {
    fn from(examined: &Examined) -> Self {
        ExaminedJson {
            workspace: examined.workspace,
            epoch: examined.epoch,
            devices: examined.devices,
            roster_entries: examined.roster_entries,
            feeds: examined.feeds.len(),
            envelopes: examined.envelopes,
            held_envelopes: examined.held_envelopes,
            bytes: examined.bytes,
        }
    }
}

#[derive(Debug, Serialize)]
struct FindingJson {
    code: &'static str,
    what: String,
    workspace: Option<WorkspaceId>,
    roster_entry: Option<u32>,
    sequence: Option<u64>,
    feed: Option<FeedId>,
    feed_sequence: Option<u64>,
    byte: Option<u64>,
}

impl From<&Finding> for FindingJson {
    fn from(finding: &Finding) -> Self {
        let place = finding.place;
        FindingJson {
            code: finding.fault.code(),
            what: finding.fault.to_string(),
            workspace: place.workspace,
            roster_entry: place.roster_entry,
            sequence: place.sequence,
            feed: place.feed,
            feed_sequence: place.feed_sequence,
            byte: place.byte,
        }
    }
}

/// Verifies, says what is wrong as it is found, and returns whether all is well.
///
/// # Errors
/// The sentence for stderr.
pub fn tell_verify(args: &VerifyArgs, out: &mut dyn Write) -> Result<bool, String> {
    let mut findings = Vec::new();
    let mut report = |finding: Finding| {
        if !args.json {
            // Who closed stdout still gets the exit code.
            drop(writeln!(out, "{finding}"));
        } else if findings.len() < MAX_LISTED {
            findings.push(FindingJson::from(&finding));
        }
    };
    let verified = match (&args.file, &args.data) {
        (Some(file), _) => verify_backup(file, &mut report),
        (None, Some(data)) => verify_data(data, &mut report),
        (None, None) => return Err("name a backup, or a data directory with --data".into()),
    };
    let verified = verified.map_err(|error| error.to_string())?;
    let ok = verified.faults == 0;
    if args.json {
        let json = VerifiedJson {
            ok,
            faults: verified.faults,
            made_ms: verified.made_ms,
            workspaces: verified.workspaces.iter().map(Into::into).collect(),
            findings,
        };
        return line(out, &json).map(|()| ok);
    }
    let mut lines = Vec::new();
    lines.extend(
        verified
            .made_ms
            .map(|made_ms| format!("backup of {}", moment(made_ms))),
    );
    lines.extend(verified.workspaces.iter().map(|workspace| {
        format!(
            "workspace {}: {} of {}, {}, {}",
            workspace.workspace,
            count(workspace.envelopes, "envelope"),
            count(workspace.feeds.len() as u64, "feed"),
            count_as(
                u64::from(workspace.roster_entries),
                "roster entry",
                "roster entries"
            ),
            count(workspace.devices, "device"),
        )
    }));
    lines.push(match verified.faults {
        0 => "everything holds".to_owned(),
        1 => "1 thing is wrong".to_owned(),
        faults => format!("{faults} things are wrong"),
    });
    say(out, &lines).map(|()| ok)
}

/// Says what the relay holds and does.
///
/// # Errors
/// The sentence for stderr.
pub fn tell_status(args: &StatusArgs, out: &mut dyn Write) -> Result<(), String> {
    let status = status(&args.data).map_err(|error| error.to_string())?;
    if args.json {
        return line(out, &status);
    }
    let mut lines = vec![match (&status.version, &status.address) {
        (Some(version), Some(address)) => {
            format!("running: version {version}, listening on http://{address}")
        }
        _ => "not running".to_owned(),
    }];
    if let (Some(now), Some(most)) = (status.connections, status.max_connections) {
        lines.push(format!("connections: {now} of {most}"));
    }
    lines.push(disk(&status));
    lines.extend(status.workspaces.iter().map(workspace));
    say(out, &lines)
}

fn disk(status: &Status) -> String {
    let mut text = format!("data: {}", size(status.file_bytes));
    if let Some(free) = status.disk_free_bytes {
        text += &format!(", {} free on the disk", size(free));
    }
    text
}

fn workspace(workspace: &WorkspaceStatus) -> String {
    let devices = match workspace.devices {
        Some(devices) => count(devices, "device"),
        None => "a damaged roster".to_owned(),
    };
    let last = match workspace.last_received_ms {
        Some(ms) => format!("the last received {}", moment(ms)),
        None => "nothing received yet".to_owned(),
    };
    let held: u64 = workspace.held.iter().map(|held| held.envelopes).sum();
    let held = match held {
        0 => String::new(),
        held => format!(", {} held for an admin", count(held, "envelope")),
    };
    format!(
        "workspace {}: {devices}, {} ({}) in epoch {}, {last}{held}",
        workspace.workspace,
        count(workspace.envelopes, "envelope"),
        size(workspace.bytes),
        workspace.epoch,
    )
}

fn count(number: u64, one: &str) -> String {
    count_as(number, one, &format!("{one}s"))
}

fn count_as(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// Writes bytes in the largest unit that leaves a whole number above zero.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    let mut shown = format!("{bytes} bytes");
    let mut whole = bytes as f64;
    for unit in UNITS {
        whole /= 1024.0;
        if whole < 1.0 {
            break;
        }
        shown = format!("{whole:.1} {unit}");
    }
    shown
}

fn say(out: &mut dyn Write, lines: &[String]) -> Result<(), String> {
    let written = lines.iter().try_for_each(|line| writeln!(out, "{line}"));
    told(written)
}

fn line(out: &mut dyn Write, value: &impl Serialize) -> Result<(), String> {
    let text = serde_json::to_string(value).map_err(|error| error.to_string())?;
    told(writeln!(out, "{text}"))
}

/// What was done is done, whether anybody reads of it or not.
fn told(written: io::Result<()>) -> Result<(), String> {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(format!("cannot write to stdout: {error}"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_counts_read_well() {
        assert_eq!(size(0), "0 bytes");
        assert_eq!(size(1023), "1023 bytes");
        assert_eq!(size(1024), "1.0 KiB");
        assert_eq!(size(5 * 1024 * 1024 + 200 * 1024), "5.2 MiB");
        assert_eq!(count(1, "device"), "1 device");
        assert_eq!(count(2, "device"), "2 devices");
    }
}
