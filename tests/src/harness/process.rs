//! A process that runs beside the test, line by line.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

/// How long a test waits for anything before it fails.
pub const LIMIT: Duration = Duration::from_secs(90);

/// A process whose output is read line by line; killed when the value goes.
#[derive(Debug)]
pub struct Running {
    what: String,
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Running {
    /// Starts a process; its stderr goes where the command says.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start(what: &str, command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {what}: {error}"));
        let stdout = child.stdout.take().expect("stdout is piped");
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines() {
                let Ok(line) = line else { return };
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self {
            what: what.to_owned(),
            stdin: child.stdin.take(),
            child,
            lines,
        }
    }

    /// Gives the process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Writes a line to the process.
    ///
    /// # Panics
    /// When the process takes none.
    pub fn write_line(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("stdin is open");
        writeln!(stdin, "{line}")
            .and_then(|()| stdin.flush())
            .unwrap_or_else(|error| panic!("{} takes no line: {error}", self.what));
    }

    /// Waits for the next line; none when the process has ended.
    ///
    /// # Panics
    /// When none comes within [`LIMIT`].
    pub fn next_line(&mut self) -> Option<String> {
        match self.lines.recv_timeout(LIMIT) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("{} says nothing any more", self.what),
        }
    }

    /// Waits for a line that is what is looked for, and gives it.
    ///
    /// # Panics
    /// When the process ends before it comes.
    pub fn line_where(&mut self, mut is_it: impl FnMut(&str) -> bool) -> String {
        loop {
            match self.next_line() {
                Some(line) if is_it(&line) => return line,
                Some(_) => {}
                None => panic!("{} has ended before it said what was expected", self.what),
            }
        }
    }

    /// Ends its input and waits until it has ended.
    ///
    /// # Panics
    /// When it does not end within [`LIMIT`].
    pub fn finish(mut self) -> ExitStatus {
        self.stdin = None;
        self.wait()
    }

    /// Asks it to end (SIGTERM) and waits until it has.
    ///
    /// # Panics
    /// When it does not end within [`LIMIT`].
    pub fn terminate(mut self) -> ExitStatus {
        self.ask_to_end();
        self.wait()
    }

    /// Sets how large a file may be that it writes (`RLIMIT_FSIZE`), or takes the limit away.
    ///
    /// A write beyond fails in it (EFBIG), as on a disk that takes no more; the signal that comes with that must be ignored,
    /// see [`super::Person::bearing_limits`].
    ///
    /// # Panics
    /// When the system refuses.
    #[cfg(target_os = "linux")]
    pub fn limit_files(&self, bytes: Option<u64>) {
        use rustix::process::{Resource, Rlimit, getrlimit, prlimit};
        let maximum = getrlimit(Resource::Fsize).maximum;
        let limit = Rlimit {
            current: bytes,
            maximum,
        };
        let id = rustix::process::Pid::from_child(&self.child);
        prlimit(Some(id), Resource::Fsize, limit).expect("a child's limits can be set");
    }

    /// Ends it without asking (SIGKILL).
    ///
    /// # Panics
    /// When the system cannot.
    pub fn kill(mut self) {
        self.child.kill().expect("a child can be killed");
        self.child.wait().expect("a killed child ends");
    }

    /// Lets it stand still (SIGSTOP) with all that it holds open.
    ///
    /// # Panics
    /// When the system cannot.
    #[cfg(unix)]
    pub fn pause(&self) {
        self.signal(rustix::process::Signal::STOP);
    }

    /// Lets it go on after [`Self::pause`].
    ///
    /// # Panics
    /// When the system cannot.
    #[cfg(unix)]
    pub fn resume(&self) {
        self.signal(rustix::process::Signal::CONT);
    }

    #[cfg(unix)]
    fn signal(&self, signal: rustix::process::Signal) {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, signal).expect("a child takes signals");
    }

    #[cfg(unix)]
    fn ask_to_end(&mut self) {
        self.signal(rustix::process::Signal::TERM);
    }

    #[cfg(not(unix))]
    fn ask_to_end(&mut self) {
        self.child.kill().expect("a child can be killed");
    }

    fn wait(&mut self) -> ExitStatus {
        while self.next_line().is_some() {}
        self.child.wait().expect("a child can be waited for")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself; there is nothing to say then.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Prepares a program that goes on when a file may not grow any more, instead of being ended by SIGXFSZ.
pub(super) fn bearing_limits(program: &std::path::Path) -> Command {
    let mut command = Command::new("sh");
    // An ignored signal stays ignored in the program that takes the shell's place.
    command
        .args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""])
        .arg(program);
    command
}

/// What a process that has ended said.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) status: ExitStatus,
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
}

/// Runs a command to its end within [`LIMIT`].
pub(super) fn run(what: &str, command: &mut Command, stdin: &[u8]) -> Ended {
    let (ended, was_killed) = run_for(what, command, stdin, LIMIT);
    let limit = LIMIT.as_secs();
    assert!(!was_killed, "{what} did not end within {limit} seconds");
    ended
}

/// Runs a command to its end, or kills it (SIGKILL) when it has not ended after so long; says whether it was killed.
pub(super) fn run_for(
    what: &str,
    command: &mut Command,
    stdin: &[u8],
    limit: Duration,
) -> (Ended, bool) {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("cannot start {what}: {error}"));
    let mut input = child.stdin.take().expect("stdin is piped");
    // A process that ends without reading its input is no failure.
    let _ = input.write_all(stdin);
    drop(input);
    let (sender, pieces) = mpsc::channel();
    let stdout = child.stdout.take().expect("stdout is piped");
    let stderr = child.stderr.take().expect("stderr is piped");
    read_to_end(stdout, 0, sender.clone());
    read_to_end(stderr, 1, sender);
    let mut said = [Vec::new(), Vec::new()];
    let (mut left, mut was_killed) = (said.len(), false);
    while left > 0 {
        let wait = if was_killed { LIMIT } else { limit };
        match pieces.recv_timeout(wait) {
            Ok((place, bytes)) => {
                said[place] = bytes;
                left -= 1;
            }
            Err(_) if was_killed => panic!("{what} was killed and holds its output open"),
            Err(_) => {
                child.kill().expect("a child can be killed");
                was_killed = true;
            }
        }
    }
    let status = child.wait().expect("a child can be waited for");
    let [stdout, stderr] = said;
    let ended = Ended {
        status,
        stdout,
        stderr,
    };
    (ended, was_killed)
}

type Said = (usize, Vec<u8>);

fn read_to_end(mut from: impl Read + Send + 'static, place: usize, sender: mpsc::Sender<Said>) {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // What was said before an error is all there is.
        let _ = from.read_to_end(&mut bytes);
        let _ = sender.send((place, bytes));
    });
}
