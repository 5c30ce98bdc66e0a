//! What each command asks of the engine, and what it prints of the answer.

use crate::args::Command;
use crate::desk::Desk;
use crate::error::CommandError;

mod activities;
mod admin;
mod attachments;
mod done;
mod files;
mod lists;
mod merged;
mod records;
mod sales;
mod workspace;

/// Runs a command.
pub(crate) fn run(desk: &mut Desk<'_>, command: &Command) -> Result<(), CommandError> {
    match command {
        Command::Init(args) => workspace::init(desk, args),
        Command::Relay(args) => workspace::relay(desk, args),
        Command::Join(args) => workspace::join(desk, args),
        Command::Invite(args) => workspace::invite(desk, args),
        Command::Members => workspace::members(desk),
        Command::Role(args) => admin::role(desk, args),
        Command::Revoke(args) => admin::revoke(desk, args),
        Command::Held => admin::held(desk),
        Command::AcceptHeld(args) => admin::accept(desk, args),
        Command::Status => workspace::status(desk),
        Command::Sync(args) if args.watch => workspace::watch(desk),
        Command::Sync(args) => workspace::sync(desk, args),
        Command::Create(args) => records::create(desk, args),
        Command::Capture(args) => records::capture(desk, args),
        Command::Set(args) => records::set(desk, args),
        Command::Undo(args) => records::undo(desk, args),
        Command::Archive(args) => records::archive(desk, args),
        Command::Restore(args) => records::restore(desk, args),
        Command::Merge(args) => records::merge(desk, args),
        Command::Note(args) => activities::add(desk, "note", args),
        Command::Call(args) => activities::add(desk, "call", args),
        Command::Email(args) => activities::add(desk, "email", args),
        Command::Task(args) => activities::add(desk, "task", args),
        Command::Appointment(args) => activities::add(desk, "appointment", args),
        Command::FollowUp(args) => activities::add(desk, "follow-up", args),
        Command::Done(args) => activities::done(desk, args),
        Command::Postpone(args) => activities::postpone(desk, args),
        Command::Reopen(args) => activities::reopen(desk, args),
        Command::Convert(args) => sales::convert(desk, args),
        Command::Disqualify(args) => sales::disqualify(desk, args),
        Command::Offer(args) => sales::offer(desk, args),
        Command::Send(args) => sales::send(desk, args),
        Command::Accept(args) => sales::accept(desk, args),
        Command::Reject(args) => sales::reject(desk, args),
        Command::Phase(args) => sales::phase(desk, args),
        Command::Win(args) => sales::win(desk, args),
        Command::Lose(args) => sales::lose(desk, args),
        Command::Hold(args) => sales::hold(desk, args),
        Command::Confirm(args) => sales::confirm(desk, args),
        Command::Attach(args) => attachments::attach(desk, args),
        Command::Detach(args) => attachments::detach(desk, args),
        Command::SaveFile(args) => attachments::save(desk, args),
        Command::Show(args) => lists::show(desk, args),
        Command::List(args) => lists::list(desk, args),
        Command::Home(args) => lists::home(desk, args),
        Command::History(args) => lists::history(desk, args),
        Command::Search(args) => lists::search(desk, args),
        Command::Merged(args) => merged::merged(desk, args),
        Command::Choose(args) => merged::choose(desk, args),
        Command::Acknowledge(args) => merged::acknowledge(desk, args),
        Command::Import(args) => files::import(desk, args),
        Command::Export => files::export(desk),
        Command::Rpc => files::rpc(desk),
    }
}
