//! Workspace, members, relay.

use std::io::{self, BufRead as _, Read as _};

use engine::interface::{Answer, Event, Failure, Query, Request};
use model::Role;

use crate::args::workspace::{Init, Invite, Join, Relay, Sync};
use crate::desk::{Desk, answer};
use crate::error::CommandError;
use crate::{link, output};

/// The most bytes of a line that may be an invite link.
const MAX_LINK_BYTES: u64 = 64 * 1024;

/// How to name another relay.
const OTHER_RELAY: &str = "if the relay has another address: handschlag relay URL";

pub(super) fn init(desk: &mut Desk<'_>, args: &Init) -> Result<(), CommandError> {
    let request = Request::Found {
        workspace: args.workspace.clone(),
        user: args.user.clone(),
    };
    let founded = answer!(desk.ask(request)?, Answer::Founded(founded) => founded);
    if let Some(url) = &args.relay {
        // The workspace is made all the same, so the way out is not to make it again.
        set_relay(desk, url).map_err(|error| match error {
            CommandError::Failed(failure) => {
                let way_out = failure.way_out.unwrap_or_default();
                let is_told = way_out.contains("handschlag relay");
                let name_it = (!is_told).then(|| "name it again: handschlag relay URL".to_owned());
                CommandError::Failed(Failure {
                    reason: format!(
                        "the workspace is made, but not known at the relay: {}",
                        failure.reason
                    ),
                    way_out: Some(lines([way_out].into_iter().chain(name_it))),
                    ..failure
                })
            }
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

/// Names the relay; meeting it incompletely is a failure, though the address is kept.
fn set_relay(desk: &mut Desk<'_>, url: &str) -> Result<(), CommandError> {
    let request = Request::SetRelay {
        url: url.to_owned(),
    };
    let answer = desk.ask_long(request, "meeting the relay")?;
    let synced = answer!(answer, Answer::Synced(synced) => synced);
    if synced.complete {
        return Ok(());
    }
    let problem = synced.problem.unwrap_or_else(|| {
        let reason = "the relay does not have everything of this workspace yet";
        Failure::new("not-complete", reason, None)
    });
    // Being away is told with one way out; other problems have their own, such as another address.
    let own = problem.way_out.filter(|_| problem.code != "relay-away");
    let kept = "the address is kept; try again: handschlag sync, or another: handschlag relay URL";
    Err(CommandError::Failed(Failure {
        way_out: Some(lines(own.into_iter().chain([kept.to_owned()]))),
        ..problem
    }))
}

pub(super) fn join(desk: &mut Desk<'_>, args: &Join) -> Result<(), CommandError> {
    let link = match args.link.as_str() {
        "-" => read_link(desk)?,
        link => link.to_owned(),
    };
    let request = Request::Join {
        link: link::pasted(&link),
    };
    let answer = desk.ask_long(request, "joining").map_err(as_of_link)?;
    let founded = answer!(answer, Answer::Founded(founded) => founded);
    desk.print(&founded, |_| output::workspace::founded("joined", &founded))
}

/// Says what a refusal of the relay means for who only has a link.
fn as_of_link(error: CommandError) -> CommandError {
    let CommandError::Failed(failure) = error else {
        return error;
    };
    let (reason, way_out) = match failure.code.as_str() {
        "not-a-member" => (
            "the workspace has no invite with the secret of this link",
            "copy the whole link once more, or ask for a new one",
        ),
        "workspace-unknown" => (
            "the relay of this link does not know the workspace of this link",
            "copy the whole link once more, or ask who sent it: the workspace may have another relay now",
        ),
        _ => return CommandError::Failed(failure),
    };
    CommandError::Failed(Failure::new(&failure.code, reason, Some(way_out)))
}

/// Reads the link as a line of standard input, so that it stands in no list of processes.
fn read_link(desk: &mut Desk<'_>) -> Result<String, CommandError> {
    let mut line = String::new();
    let unreadable = |error: io::Error| {
        Failure::new(
            "unreadable-input",
            format!("cannot read the link from standard input: {error}"),
            Some("give the line that handschlag invite prints"),
        )
    };
    (&mut *desk.terminal.input)
        .take(MAX_LINK_BYTES)
        .read_line(&mut line)
        .map_err(unreadable)?;
    match line.trim() {
        "" => Err(CommandError::Usage {
            reason: "there is no link on standard input".to_owned(),
            expected: "handschlag join - < FILE, with the line that handschlag invite prints"
                .to_owned(),
        }),
        link => Ok(link.to_owned()),
    }
}

pub(super) fn invite(desk: &mut Desk<'_>, args: &Invite) -> Result<(), CommandError> {
    let member = args.member.as_deref();
    let member = member.map(|typed| desk.member(typed)).transpose()?;
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
    if desk.is_json || synced.complete {
        desk.print(&synced, |_| output::workspace::synced(&synced))?;
    }
    if synced.complete {
        return Ok(());
    }
    // A script has read in the answer what is missing; a person reads it under the reason.
    let missing = (!desk.is_json).then(|| output::workspace::missing(&synced));
    let problem = synced.problem.unwrap_or_else(|| {
        let reason = format!("not both sides have all after {} s", args.timeout);
        Failure::new("not-complete", reason, None)
    });
    let way_out = problem
        .way_out
        .unwrap_or_else(|| "try again: handschlag sync".to_owned());
    // Where something else than a relay was found, the address may be another one.
    let other = (problem.code == "relay-away").then(|| OTHER_RELAY.to_owned());
    Err(CommandError::Failed(Failure {
        way_out: Some(lines(missing.into_iter().chain([way_out]).chain(other))),
        ..problem
    }))
}

/// Makes one text of several lines.
fn lines(lines: impl IntoIterator<Item = String>) -> String {
    lines.into_iter().collect::<Vec<_>>().join("\n")
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
