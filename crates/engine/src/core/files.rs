//! Files: each travels in an envelope of its own, before the one that names it.

use model::intent::Intent;
use model::{FileHash, IntentId, RecordId};
use protocol::Part;
use protocol::limits::MAX_FILE_BYTES;
use store::{Reading, Write};

use super::Core;
use super::device::Device;
use super::intents::{append, commit_intent};
use super::problem::Problem;
use crate::interface::{Failure, FileAnswer, Outcome};

/// A file that a client sends.
pub(super) struct Sent {
    pub(super) name: String,
    pub(super) media_type: String,
    pub(super) bytes: Vec<u8>,
}

impl Core {
    /// Attaches a file to a record.
    ///
    /// The file and what names it are two envelopes in one transaction of the store: after a crash both are there, or
    /// none. On the way to others the file goes first.
    pub(super) fn attach(
        &mut self,
        id: Option<IntentId>,
        batch: Option<IntentId>,
        record: RecordId,
        file: Sent,
    ) -> Result<Outcome, Failure> {
        let id = match id {
            Some(id) => id,
            None => IntentId::fresh(self.around.now_ms(), self.random()),
        };
        let hash = FileHash::from_bytes(*protocol::FileHash::of(&file.bytes).as_bytes());
        let intent = Intent::Attach {
            record,
            hash,
            name: file.name,
            media_type: file.media_type,
            size: file.bytes.len() as u64,
        };
        let done = self.transact(|device, write, around, fill| {
            if write.intent(id.as_bytes())?.is_none() {
                put_file(device, write, hash, file.bytes, fill)?;
            }
            commit_intent(device, write, around, id, batch, &intent, fill)
        })?;
        self.outcome(id, done)
    }

    /// Reads a file.
    pub(super) fn file(&self, hash: FileHash) -> Result<FileAnswer, Failure> {
        self.device()?;
        let read = self.store.read().map_err(Problem::from)?;
        match read.file(hash.as_bytes()).map_err(Problem::from)? {
            Some(bytes) => Ok(FileAnswer { hash, bytes }),
            None => Err(not_here(hash)),
        }
    }

    /// Refuses to name a file of which nobody has the bytes.
    pub(super) fn check_file_is_here(&self, intent: &Intent) -> Result<(), Failure> {
        let Intent::Attach { hash, size, .. } = intent else {
            return Ok(());
        };
        let file = self.file(*hash)?;
        if file.bytes.len() as u64 == *size {
            return Ok(());
        }
        let reason = format!("the file {} has {} bytes", hash.short(), file.bytes.len());
        Err(Failure::new(
            "other-size",
            reason,
            Some("give the size that it has"),
        ))
    }
}

fn not_here(hash: FileHash) -> Failure {
    Failure::new(
        "file-not-here",
        format!("the file {} has not arrived on this device", hash.short()),
        Some("it comes from the device on which it was attached: handschlag sync"),
    )
}

/// Stores a file and seals it as an envelope of its own, unless it is here already, which it is when it came from others.
///
/// One that no record may name is left alone: the intent, which comes next, is refused.
fn put_file(
    device: &mut Device,
    write: &Write,
    hash: FileHash,
    bytes: Vec<u8>,
    fill: &mut dyn FnMut(&mut [u8]),
) -> Result<(), Problem> {
    let is_possible = (1..=MAX_FILE_BYTES).contains(&bytes.len());
    if !is_possible || write.file_exists(hash.as_bytes())? {
        return Ok(());
    }
    write.put_file(hash.as_bytes(), &bytes)?;
    append(device, write, &[Part::file(bytes)], None, fill)
}

const _: () = assert!(MAX_FILE_BYTES as u64 == crate::interface::MAX_FILE_BYTES);
