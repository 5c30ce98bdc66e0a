//! The binary as a process that is stopped and killed.
#![cfg(unix)]

use std::{
    io::{BufRead, BufReader, Read},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
};

use sync::client::Output;

use crate::{
    client::Client,
    workspace::{Device, workspace},
};

struct Process {
    child: Child,
    address: SocketAddr,
}

impl Process {
    fn start(data: &Path) -> Process {
        let mut child = Command::new(env!("CARGO_BIN_EXE_handschlag-relay"))
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--open",
                "--log-format",
                "json",
                "--data",
            ])
            .arg(data)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("starts");
        let mut line = String::new();
        let stdout = child.stdout.as_mut().expect("is piped");
        BufReader::new(stdout)
            .read_line(&mut line)
            .expect("says where it listens");
        let address = line.trim_end().strip_prefix("listening on http://");
        let address = address.and_then(|address| address.parse().ok());
        Process {
            child,
            address: address.unwrap_or_else(|| panic!("{line:?} is not the promised line")),
        }
    }

    /// Ends it without any chance to finish.
    fn kill(mut self) {
        self.child.kill().expect("kills");
        self.child.wait().expect("ends");
    }

    /// Asks it to stop; returns whether it ended well, and its log.
    fn terminate(mut self) -> (bool, String) {
        let sent = Command::new("kill")
            .arg(self.child.id().to_string())
            .status();
        assert!(sent.expect("runs").success());
        let mut log = String::new();
        let stderr = self.child.stderr.as_mut().expect("is piped");
        stderr.read_to_string(&mut log).expect("reads");
        (self.child.wait().expect("ends").success(), log)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_kill_9() {
    let folder = tempfile::tempdir().expect("makes a folder");
    let mut device = workspace(31, 1).remove(0);
    let mut acknowledged = 0;
    for round in 0..5 {
        let relay = Process::start(folder.path());
        let mut client = Client::connect(relay.address, &mut device).await;
        client.settle(&mut device).await;
        assert!(
            client.log.len() >= acknowledged,
            "round {round}: acknowledged and lost"
        );
        let had = client.log.len();
        assert_eq!(client.log[..], hashes(&device)[..had]);

        for _ in 0..200 {
            device.write(2000);
        }
        client.wrote(&device);
        // Killed while pushes are on their way, each round a little later.
        for _ in 0..=round {
            let stored = |output: &Output| matches!(output, Output::Acknowledged { .. });
            match client.until(&mut device, stored).await {
                Some(Output::Acknowledged { sequence, .. }) => acknowledged = sequence as usize,
                other => panic!("{other:?}"),
            }
        }
        relay.kill();
        assert!(
            acknowledged > had,
            "round {round}: killed before anything was stored"
        );
    }
    let relay = Process::start(folder.path());
    let mut client = Client::connect(relay.address, &mut device).await;
    client.settle(&mut device).await;
    assert_eq!(client.log, hashes(&device));
    let (ended_well, log) = relay.terminate();
    assert!(ended_well, "{log}");
    assert!(log.contains("let in") && log.contains("stopped"), "{log}");
    let whole_key = device.keys.feed().to_string();
    assert!(!log.contains(&whole_key), "ids are shortened");
}

fn hashes(device: &Device) -> Vec<protocol::EnvelopeHash> {
    device.feed.iter().map(|(hash, _)| *hash).collect()
}

#[test]
fn a_start_that_fails_says_why() {
    let folder = tempfile::tempdir().expect("makes a folder");
    let relay = Process::start(folder.path());
    let second = Command::new(env!("CARGO_BIN_EXE_handschlag-relay"))
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(folder.path())
        .output()
        .expect("runs");
    let text = String::from_utf8_lossy(&second.stderr).into_owned();
    assert_eq!(second.status.code(), Some(1));
    assert!(
        text.contains("another relay") && text.contains("--data"),
        "{text}"
    );
    relay.kill();
}
