//! Backup, restore, verify and status.

mod flips;
mod frames;
mod kept;
mod process;
mod running;

use std::{
    fs,
    path::{Path, PathBuf},
};

use handschlag_relay::upkeep::{Finding, Verified, backup, verify_backup, verify_data};

use crate::layouts::generate;

/// The seed of the relay's key and three devices' envelopes in a data directory, and a backup of it.
struct Kept {
    folder: tempfile::TempDir,
}

impl Kept {
    fn new() -> Kept {
        let folder = tempfile::tempdir().expect("makes a folder");
        generate(&folder.path().join("relay"));
        let kept = Kept { folder };
        backup(&kept.file(), &kept.data(), false).expect("backs up");
        kept
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("relay")
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("relay.backup")
    }

    fn other(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn bytes(&self) -> Vec<u8> {
        fs::read(self.file()).expect("reads")
    }

    /// Verifies bytes as a backup.
    fn verify(&self, bytes: &[u8]) -> (Verified, Vec<Finding>) {
        let path = self.other("changed.backup");
        fs::write(&path, bytes).expect("writes");
        file_findings(&path)
    }
}

fn file_findings(path: &Path) -> (Verified, Vec<Finding>) {
    let mut findings = Vec::new();
    let verified = verify_backup(path, &mut |finding| findings.push(finding));
    (verified.expect("opens"), findings)
}

fn data_findings(path: &Path) -> (Verified, Vec<Finding>) {
    let mut findings = Vec::new();
    let verified = verify_data(path, &mut |finding| findings.push(finding));
    (verified.expect("opens"), findings)
}

fn codes(findings: &[Finding]) -> Vec<&'static str> {
    findings
        .iter()
        .map(|finding| finding.fault.code())
        .collect()
}
