//! A relay that can be stopped, killed and started again on the same data and port.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::binaries;
use super::process::Running;

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
        let mut relay = Self {
            data: folder.join("data"),
            log: folder.join("log"),
            listen: "127.0.0.1:0".to_owned(),
            admission,
            running: None,
        };
        std::fs::create_dir_all(folder).expect("the relay's folder can be made");
        relay.restart();
        relay
    }

    /// Starts it again on the same port.
    ///
    /// # Panics
    /// When it runs, or does not start.
    pub fn restart(&mut self) {
        assert!(self.running.is_none(), "the relay runs already");
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.log)
            .expect("the relay's log can be written");
        let mut command = Command::new(binaries::relay());
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
            panic!("the relay does not start:\n{}", self.log());
        };
        let address = line
            .strip_prefix("listening on http://")
            .unwrap_or_else(|| panic!("the relay says where it listens, not: {line}"));
        self.listen = address.to_owned();
        self.running = Some(running);
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

    /// Gives its origin.
    pub fn url(&self) -> String {
        format!("http://{}", self.listen)
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

    /// Kills it (SIGKILL).
    ///
    /// # Panics
    /// When it does not run.
    pub fn kill(&mut self) {
        self.running.take().expect("the relay runs").kill();
    }
}
