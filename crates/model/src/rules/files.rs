//! Files of records: what is attached is named by its hash, the bytes travel by themselves (design section 4).

use crate::id::{FileHash, RecordId};
use crate::intent::MAX_FILE_BYTES;
use crate::kind::Kind;
use crate::plan::{Planner, Seen};
use crate::record::RecordView;
use crate::refusal::Refusal;
use crate::value::{FileEntry, Value};

/// The most bytes of a file's name, as file systems have it.
const MAX_NAME_BYTES: usize = 255;

/// The most bytes of a media type (RFC 6838 allows twice 127 and a slash).
const MAX_MEDIA_TYPE_BYTES: usize = 255;

/// What is said of a file beside its hash.
pub(super) struct Described<'a> {
    pub(super) name: &'a str,
    pub(super) media_type: &'a str,
    pub(super) size: u64,
}

/// Attaches a file to a record that is in use.
pub(super) fn attach(
    planner: &mut Planner<'_, '_>,
    id: RecordId,
    hash: FileHash,
    file: &Described<'_>,
) -> Result<(), Refusal> {
    let view = holder(planner, id)?;
    let entry = check(file)?;
    let key = key(hash);
    if let Some(Value::File(attached)) = view.value(&key) {
        return Err(Refusal::AttachedAlready {
            title: view.named(),
            id: id.short(),
            name: attached.name.clone(),
            hash: hash.short(),
        });
    }
    planner.edit(id, view.kind, true);
    planner.set(id, &key, Value::File(entry));
    planner.answer.records.push(id);
    Ok(())
}

/// Takes a file away from a record that is in use; what is in the log stays there.
pub(super) fn detach(
    planner: &mut Planner<'_, '_>,
    id: RecordId,
    hash: FileHash,
) -> Result<(), Refusal> {
    let view = holder(planner, id)?;
    let key = key(hash);
    if view.value(&key).is_none() {
        return Err(Refusal::NotAttached {
            title: view.named(),
            id: id.short(),
            hash: hash.short(),
        });
    }
    planner.edit(id, view.kind, true);
    planner.put(id, &key, None, Seen::Shown);
    planner.answer.records.push(id);
    Ok(())
}

fn key(hash: FileHash) -> String {
    format!("file/{hash}")
}

/// Gives the view of a record that may get and lose files; what was sent to a customer stays as it is.
fn holder(planner: &Planner<'_, '_>, id: RecordId) -> Result<RecordView, Refusal> {
    let view = planner.alive(id)?;
    if view.kind == Kind::IssuedOffer {
        return Err(Refusal::NotByHand {
            field: "file".to_owned(),
            way_out: "what was sent stays as it is; the offer that it was sent from may have files",
        });
    }
    Ok(view)
}

fn check(file: &Described<'_>) -> Result<FileEntry, Refusal> {
    let name = file.name.trim();
    let is_name = !matches!(name, "" | "." | "..")
        && name.len() <= MAX_NAME_BYTES
        && !name.contains(|letter: char| matches!(letter, '/' | '\\') || letter.is_control());
    if !is_name {
        return Err(Refusal::BadFileName {
            name: file.name.to_owned(),
        });
    }
    let media_type = file.media_type.trim();
    let is_type = |text: &str| text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if media_type.len() > MAX_MEDIA_TYPE_BYTES || !is_type(media_type) {
        return Err(Refusal::BadValue {
            field: "media type".to_owned(),
            value: media_type.to_owned(),
            reason: "something like image/png is expected".to_owned(),
        });
    }
    match file.size {
        0 => Err(Refusal::EmptyFile {
            name: name.to_owned(),
        }),
        bytes if bytes > MAX_FILE_BYTES => Err(Refusal::FileTooLarge {
            name: name.to_owned(),
            bytes,
            most: MAX_FILE_BYTES,
        }),
        bytes => Ok(FileEntry {
            name: name.to_owned(),
            media_type: media_type.to_owned(),
            // At most a MiB.
            size: bytes as i64,
        }),
    }
}
