//! Roles, revocations, what is held.

use engine::interface::{
    Accepted, HeldDevice, HeldTransaction, HistoryItem, HistoryKind, Revoked, RoleChanged,
};

use super::indent;
use crate::moment::Moment;

fn transactions(count: u64) -> String {
    match count {
        1 => "1 transaction".to_owned(),
        count => format!("{count} transactions"),
    }
}

/// Says what follows from another role.
pub(crate) fn role_changed(changed: &RoleChanged) -> String {
    let mut text = format!("{} is {} from now on\n", changed.name, changed.role);
    for device in &changed.devices {
        if let Some(last) = device.counts_up_to.filter(|_| !device.is_revoked) {
            text.push_str(&format!(
                "what device {} writes from transaction {} on is held\n",
                device.code,
                last + 1
            ));
        }
    }
    text
}

/// Says what follows from a revocation.
pub(crate) fn revoked(revoked: &Revoked) -> String {
    let mut text = String::new();
    for device in &revoked.devices {
        text.push_str(&format!(
            "device {} of {} is revoked from transaction {} on",
            device.code,
            revoked.name,
            device.counts_up_to.unwrap_or(0) + 1
        ));
        if device.held > 0 {
            text.push_str(&format!(
                "; its {} after that are held: handschlag held",
                transactions(device.held)
            ));
        }
        text.push('\n');
    }
    text.push_str("the key was changed: it reads nothing that comes from now on\n");
    text
}

/// Says what was accepted.
pub(crate) fn accepted(accepted: &Accepted) -> String {
    let count = accepted.up_to.saturating_sub(accepted.from - 1);
    let verb = if count == 1 { "counts" } else { "count" };
    let mut text = format!(
        "{} of device {} of {} {verb} now, up to {}\n",
        transactions(count),
        accepted.device,
        accepted.name,
        accepted.up_to
    );
    if accepted.held > 0 {
        text.push_str(&format!("{} are still held\n", transactions(accepted.held)));
    }
    text
}

/// Lists what is held, device by device.
pub(crate) fn held(held: &[HeldDevice], moment: &Moment) -> String {
    if held.is_empty() {
        return "nothing is held\n".to_owned();
    }
    let mut text = String::new();
    for device in held {
        let why = match device.reason.as_str() {
            "role" => "whose role may not write",
            "lost-branch" => "which only a lost branch of the roster knows",
            _ => "which is revoked",
        };
        text.push_str(&format!(
            "device {} of {}, {why}: {} from {} on; to let them count: handschlag accept-held {}\n",
            device.code,
            device.name,
            transactions(device.total),
            device.since,
            device.code
        ));
        for one in &device.transactions {
            text.push_str(&indent(&transaction(one, moment)));
        }
        let shown = device.transactions.len() as u64;
        if shown < device.total {
            text.push_str(&format!("  and {} more\n", device.total - shown));
        }
    }
    text
}

fn transaction(one: &HeldTransaction, moment: &Moment) -> String {
    let made = one.made_ms.map_or(String::new(), |ms| moment.say_ms(ms));
    let titles: Vec<&str> = one
        .records
        .iter()
        .map(|named| named.title.as_str())
        .collect();
    let mut text = format!("{}  {made}  {}\n", one.sequence, titles.join(", "));
    for line in &one.lines {
        text.push_str(&format!("    {}\n", said(line)));
    }
    for file in &one.files {
        text.push_str(&format!("    file {}\n", file.short()));
    }
    if let Some(obstacle) = &one.obstacle {
        text.push_str(&format!("    {obstacle}\n"));
    }
    text
}

fn said(line: &HistoryItem) -> String {
    match line.what {
        HistoryKind::Created => format!("made {}", line.record.title),
        _ if line.before.is_empty() => format!("{}: {}", line.field, line.after),
        _ => format!("{}: {} (was {})", line.field, line.after, line.before),
    }
}
