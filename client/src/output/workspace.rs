//! Workspace, members, how the device stands.

use engine::interface::{Founded, Held, MemberAnswer, StatusAnswer, SyncAnswer};

use super::indent;
use super::table::{Column, Table};
use crate::moment::Moment;

/// Says that a workspace was made or joined.
pub(crate) fn founded(what: &str, founded: &Founded) -> String {
    let name = match founded.name.as_str() {
        "" => "the workspace",
        name => name,
    };
    let member = match founded.member_name.as_str() {
        "" => "you",
        name => name,
    };
    format!("{what} {name} as {member}, device {}\n", founded.device)
}

/// Writes the members with their devices.
pub(crate) fn members(members: &[MemberAnswer], moment: &Moment) -> String {
    let mut table = Table::new(&[
        Column::Left("member"),
        Column::Left("role"),
        Column::Left("device"),
        Column::Right("transactions"),
        Column::Left("last transaction"),
        Column::Left("last contact"),
        Column::Left("id"),
        Column::Left(""),
    ]);
    for member in members {
        let me = if member.is_me { "you" } else { "" };
        let role = member
            .role
            .map_or("invited".to_owned(), |role| role.to_string());
        let devices: Vec<_> = member.devices.iter().map(Some).collect();
        let devices = if devices.is_empty() {
            vec![None]
        } else {
            devices
        };
        for (device, place) in devices.into_iter().zip(0..) {
            let first = |text: &str| if place == 0 { text } else { "" }.to_owned();
            let mark = match device {
                Some(device) if device.is_of_lost_branch => "held: of a lost branch".to_owned(),
                Some(device) if device.is_revoked => match device.held {
                    0 => "revoked".to_owned(),
                    held => format!("revoked, {held} held"),
                },
                Some(device) if device.held > 0 => format!("{} held", device.held),
                Some(device) if device.is_me => "this device".to_owned(),
                _ => me.to_owned(),
            };
            table.row([
                first(&member.name),
                first(&role),
                device.map_or(String::new(), |device| device.code.clone()),
                device.map_or(String::new(), |device| device.transactions.to_string()),
                device
                    .and_then(|device| device.last_ms)
                    .map_or(String::new(), |ms| moment.say_ms(ms)),
                device
                    .and_then(|device| device.contact_ms)
                    .map_or(String::new(), |ms| moment.say_ms(ms)),
                first(&member.id.short()),
                mark,
            ]);
        }
    }
    table.render()
}

/// Writes how the device stands.
pub(crate) fn status(status: &StatusAnswer, moment: &Moment) -> String {
    let mut table = Table::new(&[Column::Left(""), Column::Rest("")]);
    let mut line = |what: &str, text: String| table.row([what.to_owned(), text]);
    match &status.workspace {
        Some(workspace) => {
            line("workspace", workspace.name.clone());
            let role = status
                .role
                .map_or(String::new(), |role| format!(" ({role})"));
            line("you", format!("{}{role}", workspace.member_name));
            line("device", workspace.device.clone());
        }
        None => line(
            "workspace",
            "none yet: handschlag init or handschlag join".to_owned(),
        ),
    }
    if status.workspace.is_some() {
        let relay = status.relay.clone();
        line("relay", relay.unwrap_or_else(|| "none".to_owned()));
        line("connection", connection(status));
    }
    if let Some(ms) = status.last_complete_ms {
        line("last complete", moment.say_ms(ms));
    }
    if let Some(revoked) = &status.revoked {
        line("revoked", revoked.reason.clone());
    } else if status.own_held > 0 {
        line("not counted", own_held(status.own_held));
    }
    if status.held > 0 {
        let text = format!("{}, for an admin to decide: handschlag held", status.held);
        line("held", text);
    }
    for lost in &status.lost_branches {
        let mut text = format!("begun by device {}", lost.begun_by);
        if !lost.devices.is_empty() {
            text.push_str(&format!(
                "; devices {} are held: handschlag accept-held CODE",
                lost.devices.join(", ")
            ));
        }
        line("lost branch", text);
    }
    if status.ignored_branches > 0 {
        let text = format!(
            "{} more than are kept: what they revoke does not count here; look into the relay",
            status.ignored_branches
        );
        line("lost branches", text);
    }
    line("records", status.records.to_string());
    line("merged", status.merged.to_string());
    line("home", status.home.clone());
    if let Some(bytes) = status.store_bytes {
        line("store", format!("{} KiB", bytes.div_ceil(1024)));
    }
    let mut text = table.render();
    if let Some(sentence) = &status.relay_differs {
        text.push_str(&format!("\nwarning: {sentence}\n"));
    }
    for (heading, held) in [
        ("waiting", &status.waiting),
        ("quarantined", &status.quarantined),
    ] {
        if !held.is_empty() {
            text.push_str(&format!(
                "\n{} {heading}\n{}",
                held.len(),
                indent(&held_table(held))
            ));
        }
    }
    text
}

fn held_table(held: &[Held]) -> String {
    let mut table = Table::new(&[Column::Left(""), Column::Right(""), Column::Rest("")]);
    for one in held {
        table.row([
            format!("device {}", one.device),
            one.sequence.to_string(),
            one.reason.clone(),
        ]);
    }
    table.render()
}

/// Says in one line how the connection to the relay is.
pub(crate) fn connection(status: &StatusAnswer) -> String {
    let mut text = match (status.connection.as_str(), &status.connection_problem) {
        // Nobody has tried: that says nothing about the relay.
        ("away", None) => "not connected".to_owned(),
        (word, _) => word.to_owned(),
    };
    if let Some(problem) = &status.connection_problem {
        text.push_str(&format!(" ({problem})"));
    }
    if status.only_here > 0 {
        text.push_str(&format!(", {}", only_here(status.only_here)));
    }
    text
}

fn only_here(count: u64) -> String {
    match count {
        1 => "1 transaction only on this device".to_owned(),
        count => format!("{count} transactions only on this device"),
    }
}

fn own_held(count: u64) -> String {
    let what = match count {
        1 => "1 transaction of this device is".to_owned(),
        count => format!("{count} transactions of this device are"),
    };
    format!("{what} held until an admin accepts: handschlag accept-held")
}

/// Says that both sides have all.
pub(crate) fn synced(synced: &SyncAnswer) -> String {
    let mut text = format!("both sides have all: {}\n", traffic(synced));
    if synced.held > 0 {
        text.push_str(&format!("{}\n", own_held(synced.held)));
    }
    text
}

fn traffic(synced: &SyncAnswer) -> String {
    let mut text = format!("sent {}, received {}", synced.sent, synced.received);
    if synced.carried > 0 {
        text.push_str(&format!(", carried for others {}", synced.carried));
    }
    text
}

/// Says how far it came, and what is missing where.
pub(crate) fn missing(synced: &SyncAnswer) -> String {
    let there = match synced.not_here {
        Some(0) => "none of the relay's missing here".to_owned(),
        Some(count) => format!("{count} of the relay's not here yet"),
        None => "unknown what the relay has".to_owned(),
    };
    format!(
        "{}; {}, {there}",
        traffic(synced),
        only_here(synced.only_here)
    )
}
