//! Starts other programs, says so, and turns their exit into an answer.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use crate::failure::Failure;

/// How often a program with a time limit is asked whether it has ended.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// Runs a program with its output passed through, after printing its command line.
pub(crate) fn run(command: &mut Command) -> Result<(), Failure> {
    let line = command_line(command);
    eprintln!("$ {line}");
    let status = command
        .status()
        .map_err(|error| cannot_start(&line, &error))?;
    check(&line, status)
}

/// Runs a program silently and returns what it wrote to its standard output.
pub(crate) fn output(command: &mut Command) -> Result<String, Failure> {
    let line = command_line(command);
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| cannot_start(&line, &error))?;
    check(&line, output.status)?;
    String::from_utf8(output.stdout)
        .map_err(|error| Failure::new(format!("`{line}` printed what is not UTF-8: {error}")))
}

/// Tells whether a program can be started and exits with success; its output is thrown away.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Runs a program as [`run`] does, but ends it when it takes longer than `limit`.
pub(crate) fn run_within(command: &mut Command, limit: Duration) -> Result<(), Failure> {
    let line = command_line(command);
    eprintln!("$ {line}");
    let mut child = command
        .stdin(Stdio::null())
        .spawn()
        .map_err(|error| cannot_start(&line, &error))?;
    let mut waited = Duration::ZERO;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return check(&line, status),
            Ok(None) if waited < limit => {
                thread::sleep(POLL_INTERVAL);
                waited += POLL_INTERVAL;
            }
            Ok(None) => {
                // Both fail only if the program has just ended by itself.
                let _ = child.kill();
                let _ = child.wait();
                return Err(Failure::new(format!(
                    "`{line}` took longer than {} s",
                    limit.as_secs()
                )));
            }
            Err(error) => return Err(Failure::new(format!("cannot wait for `{line}`: {error}"))),
        }
    }
}

/// Writes a command as a person would type it, for messages.
fn command_line(command: &Command) -> String {
    let program = Path::new(command.get_program())
        .file_name()
        .unwrap_or(command.get_program());
    std::iter::once(program)
        .chain(command.get_args())
        .map(OsStr::to_string_lossy)
        .map(|word| match word.contains(' ') {
            true => format!("'{word}'"),
            false => word.into_owned(),
        })
        .collect::<Vec<_>>()
        .join(" ")
}

fn check(line: &str, status: ExitStatus) -> Result<(), Failure> {
    match status.success() {
        true => Ok(()),
        false => Err(Failure::new(format!("`{line}` ended with {status}"))),
    }
}

fn cannot_start(line: &str, error: &std::io::Error) -> Failure {
    Failure::new(format!("cannot start `{line}`: {error}"))
}
