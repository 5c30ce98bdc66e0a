//! Workspace, members, relay.

use engine::interface::{Answer, Event, Failure, Query, Request, SyncAnswer};
use model::Role;

use crate::args::workspace::{Init, Invite, Join, Relay, Sync};
use crate::desk::{Desk, answer};
use crate::error::CommandError;
use crate::output;

pub(super) fn init(desk: &mut Desk<'_>, args: &Init) -> Result<(), CommandError> {
    let request = Request::Found {
        workspace: args.workspace.clone(),
        user: args.user.clone(),
    };
    let founded = answer!(desk.ask(request)?, Answer::Founded(founded) => founded);
    if let Some(url) = &args.relay {
        // The workspace is made all the same, so the way out is not to make it again.
        set_relay(desk, url).map_err(|error| match error {
            CommandError::Failed(failure) => CommandError::Failed(Failure {
                reason: format!(
                    "the workspace is made, but not known at the relay: {}",
                    failure.reason
                ),
                way_out: Some(format!("try again: handschlag relay {url}")),
                ..failure
            }),
            other => other,
        })?;
    }
    desk.print(&founded, |_| output::workspace::founded("made", &founded))
}

pub(super) fn relay(desk: &mut Desk<'_>, args: &Relay) -> Result<(), CommandError> {
    set_relay(desk, &args.url)?;
    let json = serde_json::json!({ "relay": args.url });
    desk.print(&json, |_| {
        format!("the workspace is known at {}\n", args.url)
    })
}

fn set_relay(desk: &mut Desk<'_>, url: &str) -> Result<(), CommandError> {
    let request = Request::SetRelay {
        url: url.to_owned(),
    };
    desk.ask_long(request, "meeting the relay").map(|_| ())
}

pub(super) fn join(desk: &mut Desk<'_>, args: &Join) -> Result<(), CommandError> {
    let request = Request::Join {
        link: args.link.clone(),
    };
    let founded = answer!(desk.ask_long(request, "joining")?, Answer::Founded(founded) => founded);
    desk.print(&founded, |_| output::workspace::founded("joined", &founded))
}

pub(super) fn invite(desk: &mut Desk<'_>, args: &Invite) -> Result<(), CommandError> {
    let member = desk.maybe_id(args.member.as_deref())?;
    let request = Request::Invite {
        user: args.user.clone(),
        email: args.email.clone(),
        role: if member.is_some() {
            Role::Member
        } else {
            args.role
        },
        member,
    };
    let answer = desk.ask_long(request, "inviting")?;
    let invited = answer!(answer, Answer::Invited(invited) => invited);
    desk.print(&invited, |_| format!("{}\n", invited.link))
}

pub(super) fn members(desk: &mut Desk<'_>) -> Result<(), CommandError> {
    let members = answer!(desk.ask(Request::Members)?, Answer::Members(members) => members);
    desk.print(&members, |moment| {
        output::workspace::members(&members, moment)
    })
}

pub(super) fn status(desk: &mut Desk<'_>) -> Result<(), CommandError> {
    let status = answer!(desk.query(Query::Status)?, Answer::Status(status) => status);
    desk.print(&status, |moment| output::workspace::status(&status, moment))
}

pub(super) fn sync(desk: &mut Desk<'_>, args: &Sync) -> Result<(), CommandError> {
    let request = Request::Sync {
        timeout_ms: args.timeout * 1000,
    };
    let answer = desk.ask_long(request, "meeting the relay")?;
    let synced = answer!(answer, Answer::Synced(synced) => synced);
    desk.print(&synced, |_| output::workspace::synced(&synced))?;
    if synced.complete {
        return Ok(());
    }
    Err(CommandError::Failed(incomplete(synced)))
}

fn incomplete(synced: SyncAnswer) -> Failure {
    let missing = output::workspace::missing(&synced);
    match synced.problem {
        Some(failure) => Failure {
            reason: format!("{} ({missing})", failure.reason),
            way_out: failure
                .way_out
                .or_else(|| Some("try again: handschlag sync".to_owned())),
            ..failure
        },
        None => Failure::new("not-complete", missing, Some("try again: handschlag sync")),
    }
}

/// Stays connected, and shows the status whenever the connection is another.
pub(super) fn watch(desk: &mut Desk<'_>) -> Result<(), CommandError> {
    let subscribe = Request::Subscribe {
        query: Query::Status,
    };
    let first = answer!(desk.ask(subscribe)?, Answer::Subscribed { answer, .. } => answer);
    let first = answer!(*first, Answer::Status(status) => status);
    let mut last = output::workspace::connection(&first);
    desk.print(&first, |_| format!("{last}\n"))?;
    desk.ask(Request::Follow { on: true })?;
    desk.watch(|desk, event| {
        let Event::Changed { answer, .. } = event else {
            return Ok(());
        };
        let Answer::Status(status) = *answer else {
            return Ok(());
        };
        let text = output::workspace::connection(&status);
        if text == last {
            return Ok(());
        }
        last.clone_from(&text);
        desk.print(&status, |_| text)
    })
}
