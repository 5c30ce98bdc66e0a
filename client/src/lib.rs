//! The Handschlag client: its library and the command line.
//!
//! The command line is a full client of the engine: a command is parsed ([`args`]), what it means is asked through a
//! [`connection::Connection`], and the answer is printed as text for a person or as JSON for a script.
//! `docs/cli.md` describes commands, JSON fields and exit codes for those who use them.

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};

pub mod args;
pub mod assignment;
mod commands;
pub mod connection;
mod contact;
mod desk;
mod error;
pub mod filter;
mod help;
mod link;
mod media;
pub mod moment;
pub mod native;
mod output;
mod progress;

pub use desk::Terminal;

use args::Cli;
use connection::Open;
use desk::Desk;
use error::CommandError;
use moment::Moment;

/// Runs one command and gives its exit code: 0 done, 1 refused or failed, 2 wrong usage.
///
/// `words` are the program's name and what was typed behind it.
pub fn run<'a>(
    words: impl IntoIterator<Item = OsString>,
    moment: Moment,
    mut terminal: Terminal<'a>,
    open: Open<'a>,
) -> u8 {
    let words: Vec<OsString> = words.into_iter().collect();
    let cli = match Cli::try_parse_from(&words) {
        Ok(cli) => cli,
        Err(error) => return told_by_clap(&error, &words, &mut terminal),
    };
    let is_json = cli.global.json;
    let mut desk = Desk::new(cli.global.home, is_json, moment, terminal, open);
    let done = commands::run(&mut desk, &cli.command);
    match done {
        Ok(()) => 0,
        Err(error) if error.is_reader_gone() => 0,
        Err(error) => {
            // Where stderr is gone too, the exit code is all that is left to tell with.
            let _ = desk.terminal.out.flush();
            let _ = error.tell(desk.terminal.err, is_json);
            error.exit_code()
        }
    }
}

/// Prints help, or says what is wrong with what was typed.
fn told_by_clap(error: &clap::Error, words: &[OsString], terminal: &mut Terminal<'_>) -> u8 {
    let is_json = words.iter().skip(1).any(|word| word == "--json");
    let text = error.render().to_string();
    let told = match error.kind() {
        ErrorKind::DisplayHelp if is_json => {
            let json = help::describe(&Cli::command());
            writeln!(terminal.out, "{json:#}")
        }
        ErrorKind::DisplayHelp => {
            let text = help::wrapped(&text, terminal.columns);
            write!(terminal.out, "{text}")
        }
        ErrorKind::DisplayVersion => write!(terminal.out, "{text}"),
        // Who typed nothing wants to know what there is, also where the home is named by the environment.
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand
            if !is_json =>
        {
            let text = Cli::command().render_help().to_string();
            write!(terminal.err, "{}", help::wrapped(&text, terminal.columns))
        }
        _ => usage_error(&text, command_in(words)).tell(terminal.err, is_json),
    };
    let is_help = matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    );
    match told {
        Ok(()) if is_help => 0,
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => 0,
        Err(_) if is_help => 1,
        _ => 2,
    }
}

/// Finds the command that was meant, for pointing to its help.
fn command_in(words: &[OsString]) -> Option<String> {
    let tree = Cli::command();
    words
        .iter()
        .skip(1)
        .filter_map(|word| word.to_str())
        .find(|word| tree.find_subcommand(word).is_some())
        .map(str::to_owned)
}

/// Takes a message of the parser apart: the first paragraph says what is wrong, the others what is expected.
fn usage_error(text: &str, command: Option<String>) -> CommandError {
    let text = text.strip_prefix("error: ").unwrap_or(text);
    let (reason, expected) = text.split_once("\n\n").unwrap_or((text, ""));
    let mut expected: Vec<String> = expected
        .lines()
        // A home that the environment names counts as typed, and is no part of what is missing.
        .map(|line| line.trim().replace("--home <DIR> ", ""))
        .filter(|line| !line.is_empty() && !line.starts_with("For more information"))
        .collect();
    expected.push(match command {
        Some(command) => format!("for more: handschlag {command} --help"),
        None => "for more: handschlag --help".to_owned(),
    });
    CommandError::Usage {
        reason: reason.split_whitespace().collect::<Vec<_>>().join(" "),
        expected: expected.join("\n"),
    }
}
