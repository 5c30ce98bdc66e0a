//! What may be typed: the commands, their flags and their help, from which `--help` and `--help --json` follow.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub mod activities;
pub mod admin;
pub mod attachments;
pub mod files;
pub mod lists;
pub mod records;
pub mod sales;
pub mod workspace;

/// Takes a sales contact from the first handshake to the order, with or without a network.
#[derive(Debug, Parser)]
#[command(
    name = "handschlag",
    version,
    disable_help_subcommand = true,
    arg_required_else_help = true,
    after_help = "An ID is an id, a unique beginning or end of one, or a number such as AF-2026-A-0001.\nExit codes: 0 done, 1 refused or failed, 2 wrong usage. All of it as JSON: handschlag --help --json"
)]
pub struct Cli {
    /// What every command takes.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The flags of every command.
#[derive(Debug, Args)]
pub struct Global {
    /// The folder with this device's data; without it, the place that the system has for such data.
    #[arg(
        long,
        value_name = "DIR",
        env = "HANDSCHLAG_HOME",
        hide_env_values = true,
        global = true
    )]
    pub home: Option<PathBuf>,
    /// Print one JSON value on stdout, and errors as JSON on stderr.
    #[arg(long, global = true)]
    pub json: bool,
}

/// Everything that can be done.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a workspace in an empty home; with --relay also make it known there.
    Init(workspace::Init),
    /// Name the relay and make the workspace known there.
    Relay(workspace::Relay),
    /// Join a workspace by an invite link.
    Join(workspace::Join),
    /// Invite a person, or another device of a member; prints the link.
    Invite(workspace::Invite),
    /// List the members with their devices.
    Members,
    /// Give a member another role.
    Role(admin::Role),
    /// Revoke a device, or all devices of a member.
    Revoke(admin::Revoke),
    /// Show what is held of revoked devices, with what is in it, for admins to decide.
    Held,
    /// Let what is held of a device count.
    AcceptHeld(admin::AcceptHeld),
    /// Create a record of a kind; prints its id.
    Create(records::Create),
    /// Capture a contact as an inquiry; prints its id.
    Capture(Box<records::Capture>),
    /// Change fields of a record.
    Set(records::Set),
    /// Add a note to a record's history.
    Note(activities::Add),
    /// Add a call, done or planned.
    Call(activities::Add),
    /// Add an e-mail, sent or planned.
    Email(activities::Add),
    /// Add a task.
    Task(activities::Add),
    /// Add an appointment.
    Appointment(activities::Add),
    /// Put a record before a person again at a date.
    FollowUp(activities::Add),
    /// Mark activities as done for oneself, or for all.
    Done(activities::Done),
    /// Put an activity off for oneself.
    Postpone(activities::Postpone),
    /// Open an activity again.
    Reopen(activities::Reopen),
    /// Convert an inquiry into a customer, a contact person and a sales project.
    Convert(sales::Convert),
    /// Disqualify an inquiry.
    Disqualify(sales::Disqualify),
    /// Make a draft offer in a sales project.
    Offer(sales::Offer),
    /// Send an offer: what it holds is frozen under a number.
    Send(sales::Send),
    /// Note that an issued offer was accepted.
    Accept(sales::Accept),
    /// Note that an issued offer was rejected.
    Reject(sales::Reject),
    /// Move a sales project to a phase, or an inquiry to new, contacted or qualified.
    Phase(sales::Phase),
    /// Win a sales project: an order and a project appear.
    Win(sales::Win),
    /// Lose a sales project.
    Lose(sales::Lose),
    /// Put a sales project on hold.
    Hold(sales::Hold),
    /// Confirm an order to the customer.
    Confirm(sales::Confirm),
    /// Undo an operation or a batch; without one, this device's last.
    Undo(records::Undo),
    /// Put a record away.
    Archive(records::Archive),
    /// Take a record back into use.
    Restore(records::Restore),
    /// Merge one record into another of its kind.
    Merge(records::Merge),
    /// Attach files to a record, such as a photo of a business card or an e-mail.
    Attach(attachments::Attach),
    /// Take a file away from a record.
    Detach(attachments::Detach),
    /// Save a file of a record; it never writes over another one unless told.
    SaveFile(attachments::SaveFile),
    /// Show a record with its notes, next step, conflicts and latest history.
    Show(lists::Show),
    /// List the records of a kind.
    List(lists::List),
    /// Show what a person has to do.
    Home(lists::Home),
    /// Show every change of a record, and its activities, in the order of time.
    History(lists::History),
    /// Find records that contain all words of a text.
    Search(lists::Search),
    /// Show what merging set aside, until somebody has seen it.
    Merged(lists::Merged),
    /// Choose a value of an entry of the Merged list.
    Choose(lists::Choose),
    /// Mark entries of the Merged list as seen.
    Acknowledge(lists::Acknowledge),
    /// Show how this device stands.
    Status,
    /// Meet the relay until both sides have all.
    Sync(workspace::Sync),
    /// Read vCard and CSV files into records.
    Import(files::Import),
    /// Write all records as JSON.
    Export,
    /// Speak the engine's interface: JSON lines in on stdin, JSON lines out on stdout.
    Rpc,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::Cli;

    #[test]
    fn the_tree_of_commands_is_sound() {
        Cli::command().debug_assert();
    }
}
