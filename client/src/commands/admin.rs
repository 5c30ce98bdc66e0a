//! Who may do what: roles, revocations, what is held.

use engine::interface::{Answer, Request};

use crate::args::admin::{AcceptHeld, Revoke, Role};
use crate::desk::{self, Desk, answer};
use crate::error::CommandError;
use crate::output;

pub(super) fn role(desk: &mut Desk<'_>, args: &Role) -> Result<(), CommandError> {
    let request = Request::ChangeRole {
        member: desk.member(&args.member)?,
        role: args.role,
    };
    let answer = desk.ask_long(request, "changing the role")?;
    let changed = answer!(answer, Answer::RoleChanged(changed) => changed);
    desk.print(&changed, |_| output::admin::role_changed(&changed))
}

pub(super) fn revoke(desk: &mut Desk<'_>, args: &Revoke) -> Result<(), CommandError> {
    let who = args.who.trim();
    let request = match target(desk, who) {
        // Device or member may have joined just now.
        Err(CommandError::Failed(failure)) if failure.code == "no-such-record" => {
            let unknown = desk::unknown(failure, "device or member", who);
            desk.meet(unknown.clone())?;
            target(desk, who).map_err(|error| desk::still_unknown(error, unknown))
        }
        found => found,
    }?;
    let answer = desk.ask_long(request, "revoking")?;
    let revoked = answer!(answer, Answer::Revoked(revoked) => revoked);
    desk.print(&revoked, |_| output::admin::revoked(&revoked))
}

/// Finds whether a person names a device or a member.
fn target(desk: &mut Desk<'_>, who: &str) -> Result<Request, CommandError> {
    let members = answer!(desk.ask(Request::Members)?, Answer::Members(members) => members);
    let mut devices = members.iter().flat_map(|member| &member.devices);
    let is_device = devices.any(|device| {
        device.code.eq_ignore_ascii_case(who) || device.feed.eq_ignore_ascii_case(who)
    });
    Ok(if is_device {
        Request::Revoke {
            device: Some(who.to_owned()),
            member: None,
        }
    } else {
        Request::Revoke {
            device: None,
            member: Some(desk.id(who)?),
        }
    })
}

pub(super) fn held(desk: &mut Desk<'_>) -> Result<(), CommandError> {
    let held = answer!(desk.ask(Request::Held)?, Answer::Held(held) => held);
    desk.print(&held, |moment| output::admin::held(&held, moment))
}

pub(super) fn accept(desk: &mut Desk<'_>, args: &AcceptHeld) -> Result<(), CommandError> {
    let request = Request::AcceptHeld {
        device: args.device.trim().to_owned(),
        up_to: args.up_to,
    };
    let answer = desk.ask_long(request, "accepting")?;
    let accepted = answer!(answer, Answer::Accepted(accepted) => accepted);
    desk.print(&accepted, |_| output::admin::accepted(&accepted))
}
