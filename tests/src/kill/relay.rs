//! The relay's life: it is killed, stopped, backed up and restored.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError};

use super::{Counts, moment};
use crate::harness::{Admission, Dice, LIMIT, RelayProcess};

/// The longest time that the relay lives, or is away, between two strokes.
const STRETCH_MS: usize = 1500;
/// The longest life of a backup that is killed.
const BACKUP_MS: usize = 150;
/// The ports to choose from: below those that the system gives to connections, so that none of these takes the relay's
/// while it is away.
const PORTS: (u16, u16) = (20_000, 32_000);

/// A relay, and who kills it.
pub(super) struct Life {
    relay: RelayProcess,
    folder: PathBuf,
    dice: Dice,
    counts: Counts,
    backups: usize,
    /// The newest backup that was acknowledged.
    newest: Option<PathBuf>,
}

impl Life {
    pub(super) fn begin(folder: &Path, mut dice: Dice) -> Self {
        let folder = folder.join("relay");
        let listen = free_address(&mut dice);
        Self {
            relay: RelayProcess::start_at(&folder, Admission::Open, &listen),
            folder,
            dice,
            counts: Counts::default(),
            backups: 0,
            newest: None,
        }
    }

    pub(super) fn url(&self) -> String {
        self.relay.url()
    }

    pub(super) fn relay(&mut self) -> &mut RelayProcess {
        &mut self.relay
    }

    pub(super) fn counts(&mut self) -> Counts {
        std::mem::take(&mut self.counts)
    }

    /// Lives and dies until the other end of the channel is gone.
    pub(super) fn live(&mut self, is_over: &Receiver<()>) {
        while self.passes(is_over) {
            match self.dice.below(8) {
                0..4 => self.die(is_over),
                4 => {
                    self.relay.stop();
                    self.counts.add("relay stopped");
                    self.relay.restart();
                }
                5 => {
                    self.back_up(false);
                }
                6 => {
                    self.back_up(true);
                }
                _ => self.verify("relay verified while it runs"),
            }
        }
    }

    /// Waits a while; says whether there is time left.
    fn passes(&mut self, is_over: &Receiver<()>) -> bool {
        let stretch = moment(&mut self.dice, STRETCH_MS);
        matches!(
            is_over.recv_timeout(stretch),
            Err(RecvTimeoutError::Timeout)
        )
    }

    fn die(&mut self, is_over: &Receiver<()>) {
        self.relay.kill();
        self.counts.add("relay killed");
        self.verify("relay verified after a kill");
        if self.dice.below(3) == 0 {
            self.passes(is_over);
        }
        self.relay.restart();
    }

    /// Makes a backup; the relay or the one that asks for it dies on the way if told so.
    fn back_up(&mut self, kills: bool) {
        self.backups += 1;
        let file = self.folder.join(format!("{}.backup", self.backups));
        let data = path(self.relay.data()).to_owned();
        let name = path(&file).to_owned();
        let args = ["backup", name.as_str(), "--data", data.as_str()];
        let life = moment(&mut self.dice, BACKUP_MS);
        let output = if !kills {
            RelayProcess::run_or_kill(&args, LIMIT)
        } else if self.dice.below(2) == 0 {
            RelayProcess::run_or_kill(&args, life)
        } else {
            let owned = args.map(str::to_owned);
            let asking = std::thread::spawn(move || {
                RelayProcess::run_or_kill(&owned.each_ref().map(String::as_str), LIMIT)
            });
            // How far the backup has come when the relay dies is up to chance.
            std::thread::park_timeout(life);
            self.relay.kill();
            let output = asking.join().expect("the backup ends");
            self.counts.add("relay killed in a backup");
            self.relay.restart();
            output
        };
        match output.code {
            Some(0) => {
                let verified = RelayProcess::run_or_kill(&["verify", &name], LIMIT);
                assert_eq!(
                    verified.code,
                    Some(0),
                    "an acknowledged backup is sound: {verified:?}"
                );
                self.counts.add("acknowledged backup");
                self.newest = Some(file.clone());
            }
            Some(1) if kills => self.counts.add("refused backup"),
            None if kills => self.counts.add("killed backup"),
            _ => panic!("a backup can be made: {output:?}"),
        }
        // What has the name of a backup is whole.
        if file.exists() && output.code != Some(0) {
            let verified = RelayProcess::run_or_kill(&["verify", &name], LIMIT);
            assert_eq!(
                verified.code,
                Some(0),
                "what has the name of a backup is one: {verified:?}"
            );
        }
    }

    /// Checks that what the relay holds is sound.
    pub(super) fn verify(&mut self, what: &str) {
        let data = path(self.relay.data());
        let verified = RelayProcess::run_or_kill(&["verify", "--data", data], LIMIT);
        assert_eq!(
            verified.code,
            Some(0),
            "the relay's data is sound: {verified:?}"
        );
        self.counts.add(what);
    }

    /// Ends the strokes: the relay runs, on what it had, or on its newest backup if the dice say so.
    pub(super) fn heal(&mut self, dice: &mut Dice) {
        let Some(backup) = self.newest.clone().filter(|_| dice.below(2) == 0) else {
            return;
        };
        self.relay.kill();
        let data = self.folder.join("restored");
        self.relay
            .command(&["restore", path(&backup), "--data", path(&data)]);
        self.relay.restart_on(&data);
        self.counts.add("relay restored from its newest backup");
    }
}

fn path(path: &Path) -> &str {
    path.to_str().expect("a path of the test is UTF-8")
}

/// Finds an address that nobody uses.
fn free_address(dice: &mut Dice) -> String {
    let (first, end) = PORTS;
    loop {
        let port = usize::from(first) + dice.below(usize::from(end - first));
        let address = format!("127.0.0.1:{port}");
        if TcpListener::bind(&address).is_ok() {
            return address;
        }
    }
}
