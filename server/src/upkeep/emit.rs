//! The way from a log to the items of a backup.

use protocol::{FeedId, WorkspaceId};

use super::item::{HeldEnvelope, Item, RelayItem};
use crate::log::{HeldEnvelopeRow, LogError, LogRow, Snapshot, WorkspaceOutline};

/// A row of the log whose bytes say nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the row of envelope {sequence} in workspace {workspace} cannot be read; 'verify' says what else is wrong"
)]
pub(super) struct UnreadableRow {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The feed under which it is held; none for a row of the log.
    pub feed: Option<FeedId>,
    /// The sequence under which it lies, in the log or in that feed.
    pub sequence: u64,
}

/// Says why not all of a log came out.
#[derive(Debug, thiserror::Error)]
pub(super) enum EmitError<E> {
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// Who gets the items takes no more.
    #[error("{0}")]
    Taker(E),
}

/// Hands out everything in a log as it was at one moment, item by item, without the end.
///
/// # Errors
/// The log cannot be read, or `take` fails.
pub(super) fn emit<E>(
    snapshot: &Snapshot,
    made_ms: u64,
    take: &mut dyn FnMut(Result<Item, UnreadableRow>) -> Result<(), E>,
) -> Result<(), EmitError<E>> {
    let relay = RelayItem {
        layout: snapshot.layout()?,
        made_ms,
        seed: snapshot.seed()?,
    };
    take(Ok(Item::Relay(relay))).map_err(EmitError::Taker)?;
    for workspace in snapshot.workspaces()? {
        take(Ok(Item::Workspace(workspace))).map_err(EmitError::Taker)?;
        for entry in snapshot.roster(workspace.number)? {
            let (index, bytes) = entry?;
            take(Ok(Item::RosterEntry { index, bytes })).map_err(EmitError::Taker)?;
        }
        for row in snapshot.log(workspace.number, 0)? {
            take(envelope(&workspace, row?)).map_err(EmitError::Taker)?;
        }
        for row in snapshot.held(workspace.number)? {
            take(held(&workspace, row?)).map_err(EmitError::Taker)?;
        }
    }
    Ok(())
}

fn envelope(workspace: &WorkspaceOutline, row: LogRow) -> Result<Item, UnreadableRow> {
    let sequence = row.sequence;
    match row.content {
        Ok((entry, running)) => Ok(Item::Envelope {
            sequence,
            running,
            entry,
        }),
        Err(_) => Err(UnreadableRow {
            workspace: workspace.id,
            feed: None,
            sequence,
        }),
    }
}

fn held(workspace: &WorkspaceOutline, row: HeldEnvelopeRow) -> Result<Item, UnreadableRow> {
    match row.content {
        Ok((hash, bytes)) => Ok(Item::Held(HeldEnvelope {
            feed: row.feed,
            sequence: row.sequence,
            hash,
            bytes,
        })),
        Err(_) => Err(UnreadableRow {
            workspace: workspace.id,
            feed: Some(row.feed),
            sequence: row.sequence,
        }),
    }
}
