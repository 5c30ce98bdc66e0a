//! The relay as a child process: started, waited for, stopped cleanly.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use crate::failure::Failure;

/// How often the relay is asked whether it is ready, or still there.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// How long one answer may take.
const ANSWER_LIMIT: Duration = Duration::from_secs(2);

/// How many times it is asked after its start, 20 s and more in all.
const START_POLLS: u32 = 200;

/// How many times after it was told to stop, 10 s in all.
const STOP_POLLS: u32 = 100;

/// A running relay, which is stopped when this value goes.
pub(super) struct Relay {
    child: Child,
}

impl Relay {
    /// Starts the relay and waits until it answers.
    ///
    /// Anyone who reaches the address may create a workspace on it, which is why it listens on this machine alone.
    pub(super) fn start(binary: &Path, data: &Path, address: SocketAddr) -> Result<Self, Failure> {
        TcpListener::bind(address).map_err(|error| {
            Failure::new(format!("cannot listen on {address}: {error}"))
                .next("stop what listens there, or choose another port with --port")
        })?;
        let mut command = Command::new(binary);
        command
            .arg("serve")
            .arg("--data")
            .arg(data)
            .arg("--listen")
            .arg(address.to_string())
            .arg("--open");
        leave_terminal(&mut command);
        let child = command
            .spawn()
            .map_err(|error| Failure::new(format!("cannot start {}: {error}", binary.display())))?;
        let mut relay = Self { child };
        for _ in 0..START_POLLS {
            if answers(address) {
                return Ok(relay);
            }
            if let Some(status) = relay.ended()? {
                return Err(Failure::new(format!(
                    "the relay ended with {status} before it was ready"
                ))
                .next("its own messages stand above"));
            }
            thread::sleep(POLL_INTERVAL);
        }
        Err(Failure::new(format!(
            "the relay does not answer at http://{address}/healthz"
        ))
        .next("its own messages stand above"))
    }

    /// Waits until someone asks to stop, then stops the relay; fails when it ends by itself.
    pub(super) fn serve_until(&mut self, stopped: &Receiver<()>) -> Result<(), Failure> {
        loop {
            match stopped.recv_timeout(POLL_INTERVAL) {
                Ok(()) | Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {}
            }
            if let Some(status) = self.ended()? {
                return Err(
                    Failure::new(format!("the relay ended by itself with {status}"))
                        .next("its own messages stand above"),
                );
            }
        }
        eprintln!("\nstopping the relay");
        match self.stop()? {
            status if status.success() => {
                eprintln!("the relay has stopped");
                Ok(())
            }
            status => Err(Failure::new(format!(
                "the relay did not stop cleanly: {status}"
            ))),
        }
    }

    /// Asks the relay to stop and waits for it; kills it when it does not.
    fn stop(&mut self) -> Result<ExitStatus, Failure> {
        ask_to_stop(&mut self.child);
        for _ in 0..STOP_POLLS {
            if let Some(status) = self.ended()? {
                return Ok(status);
            }
            thread::sleep(POLL_INTERVAL);
        }
        let wait = |error| Failure::new(format!("cannot end the relay: {error}"));
        self.child.kill().map_err(wait)?;
        self.child.wait().map_err(wait)
    }

    fn ended(&mut self) -> Result<Option<ExitStatus>, Failure> {
        self.child
            .try_wait()
            .map_err(|error| Failure::new(format!("cannot ask after the relay: {error}")))
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        if matches!(self.ended(), Ok(None)) {
            // Nobody is left to tell; the failure that led here is the one to report.
            let _ = self.stop();
        }
    }
}

/// Puts the relay beyond the reach of the terminal's Ctrl-C: it is stopped by [`Relay::stop`] alone, and once.
#[cfg(unix)]
fn leave_terminal(command: &mut Command) {
    std::os::unix::process::CommandExt::process_group(command, 0);
}

#[cfg(not(unix))]
fn leave_terminal(_: &mut Command) {}

/// Sends the signal on which the relay finishes what it has begun.
#[cfg(unix)]
fn ask_to_stop(child: &mut Child) {
    let id = child.id().to_string();
    let is_sent = Command::new("kill")
        .args(["-TERM", &id])
        .status()
        .is_ok_and(|status| status.success());
    if !is_sent {
        // Fails only if the relay has just ended by itself.
        let _ = child.kill();
    }
}

/// Ends the process: there is no signal here that a console program is bound to hear.
#[cfg(not(unix))]
fn ask_to_stop(child: &mut Child) {
    // Fails only if the relay has just ended by itself.
    let _ = child.kill();
}

/// Tells whether something that is well listens at the address.
fn answers(address: SocketAddr) -> bool {
    health(address).is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
}

fn health(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, ANSWER_LIMIT)?;
    stream.set_read_timeout(Some(ANSWER_LIMIT))?;
    write!(
        stream,
        "GET /healthz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = [0; 12];
    stream.read_exact(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_healthy_answer_counts() {
        for (answer, expected) in [
            ("HTTP/1.1 200 OK\r\n\r\n", true),
            ("HTTP/1.1 503 no\r\n\r\n", false),
            ("", false),
        ] {
            let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
            let address = listener
                .local_addr()
                .expect("a bound listener has an address");
            let server = thread::spawn(move || {
                let (mut stream, _) = listener.accept().expect("the question comes");
                let mut question = Vec::new();
                let mut byte = [0; 1];
                while !question.ends_with(b"\r\n\r\n") {
                    stream
                        .read_exact(&mut byte)
                        .expect("the question is complete");
                    question.extend(byte);
                }
                assert!(question.starts_with(b"GET /healthz HTTP/1.1\r\n"));
                stream
                    .write_all(answer.as_bytes())
                    .expect("the asker listens");
            });
            assert_eq!(answers(address), expected, "{answer:?}");
            server.join().expect("the server ends well");
        }
    }
}
