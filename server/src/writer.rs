//! The one writer: everything that waits becomes one durable commit, then all of it is answered.
//!
//! An answer leaves only after the commit, so what a client was told is on the disk. Followers hear of it after the
//! commit too. The more waits, the more one fsync carries.

use std::{
    sync::Arc,
    thread::{self, JoinHandle},
};

use tokio::sync::{mpsc, oneshot};
use tracing::{debug, error};
use vault::Roster;

use crate::{
    log::{ChangeLog, LogError, Write, Written},
    space::Space,
};

/// How many jobs may wait for the next commit; who brings more waits with them.
const QUEUE_JOBS: usize = 1024;

/// The bytes of envelopes after which a commit takes no more jobs.
const COMMIT_BYTES: usize = 16 * 1024 * 1024;

/// One thing to write, and who hears of it.
#[derive(Debug)]
pub(crate) struct Job {
    /// What to write.
    pub(crate) write: Write,
    /// The workspace whose followers hear of it.
    pub(crate) space: Option<Arc<Space>>,
    /// The roster once the write is durable, when it changes the roster.
    pub(crate) roster: Option<Arc<Roster>>,
    /// Gets the outcome; dropped without one when the log has failed.
    pub(crate) answer: oneshot::Sender<Written>,
}

/// The way to the writer's thread.
#[derive(Debug, Clone)]
pub(crate) struct Writer {
    /// None ends the thread, once all before it is written.
    jobs: mpsc::Sender<Option<Job>>,
}

impl Writer {
    /// Starts the thread; it returns the error that ended it, if one did, and calls `failed` before.
    pub(crate) fn start(
        log: Arc<dyn ChangeLog>,
        failed: impl FnOnce() + Send + 'static,
    ) -> std::io::Result<(Writer, JoinHandle<Result<(), LogError>>)> {
        let (jobs, queue) = mpsc::channel(QUEUE_JOBS);
        let thread = thread::Builder::new()
            .name("writer".to_owned())
            .spawn(move || {
                let ended = write_all(&*log, queue);
                if let Err(failure) = &ended {
                    error!(error = %Chain(failure), "the log has failed; the relay stops");
                    failed();
                }
                ended
            })?;
        Ok((Writer { jobs }, thread))
    }

    /// Queues a job, in order; waits while the queue is full.
    pub(crate) async fn queue(&self, job: Job) {
        // A writer that has ended drops the job, and with it the answer: the asker then sees that the log has failed.
        drop(self.jobs.send(Some(job)).await);
    }

    /// Ends the thread once it has written what is queued.
    pub(crate) async fn stop(&self) {
        drop(self.jobs.send(None).await);
    }
}

fn write_all(log: &dyn ChangeLog, mut queue: mpsc::Receiver<Option<Job>>) -> Result<(), LogError> {
    let mut is_last = false;
    while !is_last && let Some(Some(first)) = queue.blocking_recv() {
        let mut bytes = size(&first.write);
        let mut jobs = vec![first];
        while bytes < COMMIT_BYTES
            && jobs.len() < QUEUE_JOBS
            && let Ok(next) = queue.try_recv()
        {
            let Some(next) = next else {
                is_last = true;
                break;
            };
            bytes += size(&next.write);
            jobs.push(next);
        }
        let (writes, waiting): (Vec<Write>, Vec<_>) = jobs
            .into_iter()
            .map(|job| (job.write, (job.space, job.roster, job.answer)))
            .unzip();
        debug!(jobs = waiting.len(), bytes, "commit");
        let outcomes = log.commit(writes)?;
        for (written, (space, roster, answer)) in outcomes.into_iter().zip(waiting) {
            if let Some(space) = space {
                space.publish(&written, roster);
            }
            // Nobody waits for it any more when the client is gone.
            drop(answer.send(written));
        }
    }
    Ok(())
}

fn size(write: &Write) -> usize {
    match write {
        Write::Append { run, .. } => run.bytes(),
        Write::Create { roster, .. } => roster.iter().map(|piece| piece.bytes.len()).sum(),
        Write::Roster { entries, .. } => entries.iter().map(|piece| piece.bytes.len()).sum(),
    }
}

/// Shows an error with all of its sources in one line.
pub(crate) struct Chain<'a>(pub(crate) &'a (dyn std::error::Error + 'static));

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}
