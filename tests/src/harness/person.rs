//! A person with a home of his own, who types commands.

use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::binaries;
use super::process::{self, Running};

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// The exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// What it printed.
    pub stdout: String,
    /// What it said beside.
    pub stderr: String,
}

/// A home and the name of who uses it.
#[derive(Debug, Clone)]
pub struct Person {
    name: String,
    home: PathBuf,
    bears_limits: bool,
}

impl Person {
    /// Gives a person a home, which need not exist yet.
    pub fn at(name: &str, home: &Path) -> Self {
        Self {
            name: name.to_owned(),
            home: home.to_owned(),
            bears_limits: false,
        }
    }

    /// Gives the same person with commands that go on when a file may not grow ([`Running::limit_files`]).
    #[must_use]
    pub fn bearing_limits(self) -> Self {
        Self {
            bears_limits: true,
            ..self
        }
    }

    /// Gives the person's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Gives the person's home.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Gives the same person at a copy of the home.
    pub fn moved_to(&self, home: &Path) -> Self {
        super::copy_directory(&self.home, home);
        Self {
            home: home.to_owned(),
            ..self.clone()
        }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = if self.bears_limits {
            process::bearing_limits(&binaries::client())
        } else {
            Command::new(binaries::client())
        };
        command
            .env("HANDSCHLAG_HOME", &self.home)
            .env("TZ", "Europe/Berlin")
            .args(args);
        command
    }

    /// Runs a command to its end.
    ///
    /// # Panics
    /// When it does not end in time.
    pub fn run(&self, args: &[&str]) -> Output {
        self.run_with(args, b"")
    }

    /// Runs a command to its end with these bytes on its stdin.
    ///
    /// # Panics
    /// When it does not end in time.
    pub fn run_with(&self, args: &[&str], stdin: &[u8]) -> Output {
        let what = self.words(args);
        let ended = process::run(&what, &mut self.command(args), stdin);
        output(&what, ended)
    }

    /// Runs a command and kills it (SIGKILL) when it has not ended after so long; there is no exit code then.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn run_or_kill(&self, args: &[&str], limit: Duration) -> Output {
        let what = self.words(args);
        let (ended, _) = process::run_for(&what, &mut self.command(args), b"", limit);
        output(&what, ended)
    }

    /// Starts a command that goes on beside the test.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start(&self, args: &[&str]) -> Running {
        let mut command = self.command(args);
        command.stderr(Stdio::inherit());
        Running::start(&self.words(args), &mut command)
    }

    /// Runs a command that must end with 0, and gives what it printed without the last line's end.
    ///
    /// # Panics
    /// When it ends otherwise.
    #[track_caller]
    pub fn ok(&self, args: &[&str]) -> String {
        let output = self.run(args);
        self.check(args, &output, 0);
        output.stdout.trim_end().to_owned()
    }

    /// Runs a command with `--json` that must end with 0, and gives the value that it printed.
    ///
    /// # Panics
    /// When it ends otherwise or prints something else.
    #[track_caller]
    pub fn json(&self, args: &[&str]) -> Value {
        let args = with_json(args);
        let output = self.run(&args);
        self.check(&args, &output, 0);
        self.value(&args, &output.stdout)
    }

    /// Runs a command with `--json` that must be refused or fail (exit code 1), and gives the error.
    ///
    /// # Panics
    /// When it ends otherwise or prints something else.
    #[track_caller]
    pub fn refused(&self, args: &[&str]) -> Value {
        self.failing(args, 1)
    }

    /// Runs a command with `--json` that must be wrong usage (exit code 2), and gives the error.
    ///
    /// # Panics
    /// When it ends otherwise or prints something else.
    #[track_caller]
    pub fn misused(&self, args: &[&str]) -> Value {
        self.failing(args, 2)
    }

    #[track_caller]
    fn failing(&self, args: &[&str], code: i32) -> Value {
        let args = with_json(args);
        let output = self.run(&args);
        self.check(&args, &output, code);
        // Progress and remarks may stand before it.
        let last = output.stderr.trim_end().lines().last().unwrap_or_default();
        let error = self.value(&args, last)["error"].clone();
        assert!(
            error["reason"]
                .as_str()
                .is_some_and(|reason| !reason.is_empty()),
            "{} gives a reason: {error}",
            self.words(&args)
        );
        error
    }

    #[track_caller]
    fn value(&self, args: &[&str], text: &str) -> Value {
        serde_json::from_str(text)
            .unwrap_or_else(|error| panic!("{} prints JSON: {error}\n{text}", self.words(args)))
    }

    #[track_caller]
    fn check(&self, args: &[&str], output: &Output, code: i32) {
        assert_eq!(
            output.code,
            Some(code),
            "{} ended otherwise than with {code}\n{}{}",
            self.words(args),
            output.stdout,
            output.stderr
        );
    }

    fn words(&self, args: &[&str]) -> String {
        format!("{}: handschlag {}", self.name, args.join(" "))
    }
}

pub(super) fn output(what: &str, ended: process::Ended) -> Output {
    let text =
        |bytes: Vec<u8>| String::from_utf8(bytes).unwrap_or_else(|_| panic!("{what} prints UTF-8"));
    Output {
        code: ended.status.code(),
        stdout: text(ended.stdout),
        stderr: text(ended.stderr),
    }
}

fn with_json<'a>(args: &[&'a str]) -> Vec<&'a str> {
    args.iter().copied().chain(["--json"]).collect()
}
