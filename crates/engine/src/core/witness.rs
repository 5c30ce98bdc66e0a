//! Whether the relay shows everybody the same: each envelope says what its author had read of the log when it was sealed.

use protocol::Cursor;
use store::{Reading, Write};
use sync::client::Item;

use super::apply::{running_after, running_before};
use super::device::Device;
use super::problem::Problem;

/// The first place at which the relay was found to have shown somebody else another log; who, and where.
const META_DIFFERS: &str = "engine/differs";

/// Keeps the running hashes of a piece of the log, and compares them with those that the authors in it had read.
///
/// A cursor of another relay, or of another life of the log, says nothing about this one.
pub(super) fn note_log(
    device: &Device,
    write: &Write,
    first: u64,
    items: &[Item],
    after: &Cursor,
) -> Result<(), Problem> {
    let Some(mut running) = running_before(device, first, after) else {
        return Ok(());
    };
    if first == 1 {
        write.clear_running()?;
    }
    for (sequence, item) in (first..).zip(items) {
        running = running_after(&running, sequence, item);
        write.set_running(sequence, running.as_bytes())?;
        let Item::Envelope { envelope, .. } = item else {
            continue;
        };
        let header = &envelope.header;
        let read = header.cursor.filter(|read| {
            read.relay == after.relay && read.epoch == after.epoch && read.sequence > 0
        });
        let Some(read) = read else { continue };
        let here = write.running(read.sequence)?;
        if here.is_some_and(|here| here != *read.running.as_bytes()) && differs(write)?.is_none() {
            let mut note = header.feed.as_bytes().to_vec();
            note.extend(read.sequence.to_be_bytes());
            write.set_meta(META_DIFFERS, &note)?;
        }
    }
    Ok(())
}

/// Begins anew with another log, of which everything up to a cursor is here; only another relay is without blame.
pub(super) fn begin_log(device: &Device, write: &Write, cursor: &Cursor) -> Result<(), Problem> {
    write.clear_running()?;
    write.set_running(cursor.sequence, cursor.running.as_bytes())?;
    if device
        .cursor
        .is_none_or(|before| before.relay != cursor.relay)
    {
        write.clear_meta(META_DIFFERS)?;
    }
    Ok(())
}

fn differs(source: &impl Reading) -> Result<Option<([u8; 32], u64)>, Problem> {
    let note = source.meta(META_DIFFERS)?;
    Ok(note.and_then(|note| {
        let (feed, sequence) = note.split_first_chunk::<32>()?;
        Some((*feed, super::device::number(sequence)?))
    }))
}

/// Says in words that the relay showed somebody else another log than this device.
pub(super) fn told(device: &Device, source: &impl Reading) -> Result<Option<String>, Problem> {
    let Some((feed, sequence)) = differs(source)? else {
        return Ok(None);
    };
    let code = device.code_of(&protocol::FeedId::from_bytes(feed));
    Ok(Some(format!(
        "the relay showed device {code} another log than this one (at place {sequence}): it may hide things from some of you; talk to its operator, or move to another with handschlag relay URL"
    )))
}
