//! A relay that can be stopped, killed and started again on the same data and port.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::binaries;
use super::person::{self, Output};
use super::process::{self, Running};

/// Which workspaces may begin on a relay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    /// Any.
    Open,
    /// These alone.
    Allow(Vec<String>),
}

/// A relay on its own data and port.
#[derive(Debug)]
pub struct RelayProcess {
    data: PathBuf,
    log: PathBuf,
    listen: String,
    admission: Admission,
    running: Option<Running>,
}

impl RelayProcess {
    /// Starts a relay on a free port, with its data in `folder/data` and its log in `folder/log`.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start(folder: &Path, admission: Admission) -> Self {
        Self::start_at(folder, admission, "127.0.0.1:0")
    }

    /// Starts a relay as [`Self::start`], on this address.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start_at(folder: &Path, admission: Admission, listen: &str) -> Self {
        let mut relay = Self {
            listen: listen.to_owned(),
            ..Self::prepare(folder, &folder.join("data"), admission)
        };
        relay.restart();
        relay
    }

    /// Prepares a relay with its data in one folder and its log in another, and does not start it.
    ///
    /// # Panics
    /// When the folder of the log cannot be made.
    pub fn prepare(folder: &Path, data: &Path, admission: Admission) -> Self {
        std::fs::create_dir_all(folder).expect("the relay's folder can be made");
        Self {
            data: data.to_owned(),
            log: folder.join("log"),
            listen: "127.0.0.1:0".to_owned(),
            admission,
            running: None,
        }
    }

    /// Starts it again on the same port.
    ///
    /// # Panics
    /// When it runs, or does not start.
    pub fn restart(&mut self) {
        if let Err(code) = self.try_restart() {
            panic!("the relay does not start ({code:?}):\n{}", self.log());
        }
    }

    /// Starts it again on the same port, and gives the exit code with which it ended when it does not start.
    ///
    /// # Panics
    /// When it runs, or says something else than where it listens.
    pub fn try_restart(&mut self) -> Result<(), Option<i32>> {
        assert!(self.running.is_none(), "the relay runs already");
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.log)
            .expect("the relay's log can be written");
        let mut command = process::bearing_limits(&binaries::relay());
        command
            .args(["serve", "--listen", &self.listen, "--data"])
            .arg(&self.data)
            .stderr(log);
        match &self.admission {
            Admission::Open => command.arg("--open"),
            Admission::Allow(workspaces) => {
                command.args(workspaces.iter().flat_map(|one| ["--allow", one]))
            }
        };
        let mut running = Running::start("the relay", &mut command);
        let Some(line) = running.next_line() else {
            return Err(running.finish().code());
        };
        let address = line
            .strip_prefix("listening on http://")
            .unwrap_or_else(|| panic!("the relay says where it listens, not: {line}"));
        self.listen = address.to_owned();
        self.running = Some(running);
        Ok(())
    }

    /// Starts it again on other data, on the same port.
    ///
    /// # Panics
    /// When it runs, or does not start.
    pub fn restart_on(&mut self, data: &Path) {
        self.data = data.to_owned();
        self.restart();
    }

    /// Runs a command of the relay's program that is not `serve`, and gives what it prints.
    ///
    /// # Panics
    /// When it fails.
    #[track_caller]
    pub fn command(&self, args: &[&str]) -> String {
        let output = Command::new(binaries::relay()).args(args).output();
        let output = output.expect("the relay's program runs");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{args:?}: {stderr}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Runs a command of the relay's program as [`Self::command`], whatever it ends with, and kills it (SIGKILL) when it has
    /// not ended after so long.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn run_or_kill(args: &[&str], limit: Duration) -> Output {
        let what = format!("handschlag-relay {}", args.join(" "));
        let mut command = Command::new(binaries::relay());
        let (ended, _) = process::run_for(&what, command.args(args), b"", limit);
        person::output(&what, ended)
    }

    /// Gives its origin.
    pub fn url(&self) -> String {
        format!("http://{}", self.listen)
    }

    /// Gives the id of its process.
    ///
    /// # Panics
    /// When it does not run.
    pub fn id(&self) -> u32 {
        self.running.as_ref().expect("the relay runs").id()
    }

    /// Gives the folder of its data.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Gives what it has logged.
    ///
    /// # Panics
    /// When the log cannot be read.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).expect("the relay's log can be read")
    }

    /// Asks it to end, and checks that it ends cleanly.
    ///
    /// # Panics
    /// When it does not run, or ends with a failure.
    pub fn stop(&mut self) {
        let status = self.running.take().expect("the relay runs").terminate();
        assert!(
            status.success() || cfg!(not(unix)),
            "the relay ends cleanly, not with {status}:\n{}",
            self.log()
        );
    }

    /// Waits until it has ended by itself, and gives its exit code.
    ///
    /// # Panics
    /// When it does not run, or does not end in time.
    pub fn has_ended(&mut self) -> Option<i32> {
        self.running.take().expect("the relay runs").finish().code()
    }

    /// Gives the process.
    ///
    /// # Panics
    /// When it does not run.
    pub fn process(&self) -> &Running {
        self.running.as_ref().expect("the relay runs")
    }

    /// Kills it (SIGKILL).
    ///
    /// # Panics
    /// When it does not run.
    pub fn kill(&mut self) {
        self.running.take().expect("the relay runs").kill();
    }
}
